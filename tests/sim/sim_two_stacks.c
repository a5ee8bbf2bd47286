/*
 * sim_two_stacks.c - many seeds of two stacks over a bad wire, byte-exact.
 *
 *     sim_two_stacks [FIRST LAST]      seeds FIRST to LAST, default 1 to 100
 *     sim_two_stacks SEED SEED --log   tells what both sides did, the client's lines marked with c
 *
 * Each seed draws its own wire and its own stacks (sim/sim_draw.h). A seed that fails is printed
 * with the command that repeats it and captures it. Prints `N passed, N failed` at the end.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/instant.h"
#include "see/log.h"
#include "sim/sim_draw.h"

/* What all runs together have shown. */
static struct {
    unsigned ethernet, ipv4, ipv6;
    uint64_t octets, lost, reordered, duplicated, corrupted, retransmits;
} total;

static void add_up(const struct sim_result *result)
{
    total.octets += result->verified;
    for (int i = 0; i < 2; i++) {
        total.lost += result->wire[i].lost;
        total.reordered += result->wire[i].reordered;
        total.duplicated += result->wire[i].duplicated;
        total.corrupted += result->wire[i].corrupted;
        total.retransmits += result->counters[i].events[COUNTER_TCP_RETRANSMITS];
    }
}

/* One side's log, on stdout. */
struct told {
    struct octet_sink sink;
    struct log log;
    char mark;
};

static int tell(struct octet_sink *sink, const struct iovec *iov, int iovcnt)
{
    const struct told *told = CONTAINER_OF(sink, const struct told, sink);
    size_t all = 0;

    printf("%c ", told->mark);
    for (int i = 0; i < iovcnt; i++)
        all += fwrite(iov[i].iov_base, 1, iov[i].iov_len, stdout);
    return (int)all;
}

static void watch(struct told *told, char mark, struct event_sink **sink)
{
    char why[LOG_WHY];

    *told = (struct told){.sink = {.write = tell}, .mark = mark};
    log_init(&told->log, &told->sink, (instant){0});
    if (log_parse(&told->log, "all=debug", why) == 0)
        *sink = &told->log.sink;
}

static bool run_seed(uint64_t seed, bool log)
{
    struct told told[2];
    struct memory memory = {0};
    struct sim_config config;
    struct sim_result result;

    sim_draw(&config, seed);
    if (log) {
        watch(&told[SIM_CLIENT], 'c', &config.watch[SIM_CLIENT]);
        watch(&told[SIM_SERVER], 's', &config.watch[SIM_SERVER]);
    }
    if (sim_run(&config, &memory, &result) || result.problem) {
        printf("not ok seed %" PRIu64 ": %s after %" PRId64 " ms (%u connections of %u octets)\n",
               seed, result.problem ? result.problem : "could not be made",
               result.took_ns / NS_PER_MS, config.connections, config.octets);
        printf("    tapio sim --seed %" PRIu64 " --capture seed-%" PRIu64 ".pcapng\n", seed, seed);
        return false;
    }
    add_up(&result);
    total.ethernet += config.link == STACK_LINK_ETHERNET;
    total.ipv4 += config.link == STACK_LINK_IP && !config.ipv6;
    total.ipv6 += config.ipv6;
    return true;
}

int main(int argc, char **argv)
{
    uint64_t first = argc > 2 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t last = argc > 2 ? strtoull(argv[2], NULL, 10) : 100;
    unsigned passed = 0, failed = 0;

    for (uint64_t seed = first; seed <= last; seed++) {
        if (run_seed(seed, argc > 3))
            passed++;
        else
            failed++;
    }
    printf("%" PRIu64 " octets verified; frames lost %" PRIu64 ", reordered %" PRIu64
           ", duplicated %" PRIu64 ", corrupted %" PRIu64 "; segments retransmitted %" PRIu64 "\n",
           total.octets, total.lost, total.reordered, total.duplicated, total.corrupted,
           total.retransmits);
    printf("%u over Ethernet, %u over bare IPv4, %u over bare IPv6\n", total.ethernet, total.ipv4,
           total.ipv6);
    printf("%u passed, %u failed\n", passed, failed);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
