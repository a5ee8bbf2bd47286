/*
 * sim_two_stacks.c - many seeds of two stacks over a bad wire, byte-exact.
 *
 *     sim_two_stacks [FIRST LAST]      seeds FIRST to LAST, default 1 to 100
 *     sim_two_stacks SEED SEED --log   tells what both sides did, the client's lines marked with c
 *
 * Each seed draws its own wire: up to 10 % loss in bursts or not, 10 % reordering, 5 % duplication,
 * 1 % corruption, delay, jitter, a bottleneck; and its own stacks: buffers from 2 KB to 1 MB, MTU
 * from 296 to 9000, any window scale. A seed that fails is printed with its wire; running that seed
 * alone repeats it. Prints `N passed, N failed` at the end.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/instant.h"
#include "base/prng.h"
#include "see/log.h"
#include "sim/sim.h"

/* Parts in 2^32 of up to `most` per mille. */
static uint32_t up_to(struct prng *prng, uint32_t most)
{
    return (uint32_t)(prng_below(prng, most + 1) * (UINT32_MAX / 1000));
}

static void draw_wire(struct prng *prng, struct impair_config *wire)
{
    *wire = (struct impair_config){.loss = up_to(prng, 100),
                                   .reorder = up_to(prng, 100),
                                   .duplicate = up_to(prng, 50),
                                   .corrupt = up_to(prng, 10)};
    if (prng_below(prng, 4) == 0)
        wire->burst = 2 + (uint32_t)prng_below(prng, 8);
    if (prng_below(prng, 2) == 0)
        wire->delay_ns = (int64_t)prng_below(prng, 100 * NS_PER_MS);
    if (wire->delay_ns > 0 && prng_below(prng, 2) == 0)
        wire->jitter_ns = (int64_t)prng_below(prng, (uint64_t)wire->delay_ns);
    if (prng_below(prng, 4) == 0)
        wire->rate = 1000000 + prng_below(prng, 99000000);
}

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

/* Small buffers close windows, large ones fill the wire; a small MTU makes many segments. */
static void draw_stack(struct prng *prng, struct sim_config *config)
{
    static const uint32_t buffer[] = {2048, 5000, 16384, 65536, 1048576};
    static const uint32_t mtu[] = {296, 576, 1500, 1500, 9000};

    config->mtu = mtu[prng_below(prng, ARRAY_LEN(mtu))];
    config->values.tcp_rmem = buffer[prng_below(prng, ARRAY_LEN(buffer))];
    config->values.tcp_wmem = buffer[prng_below(prng, ARRAY_LEN(buffer))];
    config->values.tcp_window_scale = (int64_t)prng_below(prng, 15);
}

/* Half of the runs are over Ethernet, the others over a line that carries IP packets of one family
 * or the other, with checksums completed by the stack or left to the wire. */
static void draw_link(struct prng *prng, struct sim_config *config)
{
    uint64_t kind = prng_below(prng, 4);

    config->link = kind < 2 ? STACK_LINK_ETHERNET : STACK_LINK_IP;
    config->ipv6 = kind == 3;
    config->csum_offload = kind >= 2 && prng_below(prng, 2) == 0;
    if (config->ipv6 && config->mtu < 1280)
        config->mtu = 1280;
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

    *told = (struct told){.sink = {tell}, .mark = mark};
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
    struct prng prng;

    sim_config_init(&config);
    prng_seed(&prng, seed * UINT64_C(0x9e3779b97f4a7c15));
    config.seed = seed;
    config.connections = 1 + (uint32_t)prng_below(&prng, 6);
    config.octets = 1 + (uint32_t)prng_below(&prng, 131072);
    config.limit_ns = 4 * 3600 * NS_PER_S;
    draw_wire(&prng, &config.to_client);
    draw_wire(&prng, &config.to_server);
    draw_stack(&prng, &config);
    draw_link(&prng, &config);
    if (log) {
        watch(&told[SIM_CLIENT], 'c', &config.watch[SIM_CLIENT]);
        watch(&told[SIM_SERVER], 's', &config.watch[SIM_SERVER]);
    }
    if (sim_run(&config, &memory, &result) || result.problem) {
        printf("not ok seed %" PRIu64 ": %s after %" PRId64 " ms (%u connections of %u octets)\n",
               seed, result.problem ? result.problem : "could not be made",
               result.took_ns / NS_PER_MS, config.connections, config.octets);
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
