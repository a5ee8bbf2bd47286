/*
 * sim_swarm.c - many seeds of many stacks with random subsets of faults.
 *
 *     sim_swarm [FIRST LAST]      seeds FIRST to LAST, default 1 to 100, and those of the list
 *     sim_swarm SEED SEED --log [HOST]   tells what a host did; without one, that where it went
 * wrong
 *
 * The list is tests/sim/seeds.txt: every seed that has ever failed, with the reason. They are run
 * first, each time. A seed that fails is printed with the command that repeats it and captures it.
 * Prints `N passed, N failed` at the end.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/instant.h"
#include "see/log.h"
#include "sim/swarm.h"

/* Whose log is told, if no host's. */
enum { LOG_NONE = -1, LOG_CULPRIT = -2 };

static struct {
    unsigned faults[SWARM_FAULTS];
    struct swarm_result sum;
    unsigned passed, failed;
} total;

static int tell(struct octet_sink *sink, const struct iovec *iov, int iovcnt)
{
    size_t all = 0;

    (void)sink;
    for (int i = 0; i < iovcnt; i++)
        all += fwrite(iov[i].iov_base, 1, iov[i].iov_len, stdout);
    return (int)all;
}

/* Runs it again, with the host in the log where something was seen. */
static void run_again(struct swarm_config *config, uint32_t host)
{
    struct octet_sink out = {tell};
    struct memory memory = {0};
    struct swarm_result result;
    char why[LOG_WHY];
    struct log log;

    log_init(&log, &out, (instant){0});
    if (log_parse(&log, "all=debug", why))
        return;
    config->watch = &log.sink;
    config->watched = host;
    if (swarm_run(config, &memory, &result))
        printf("could not be made\n");
}

static void add_up(const struct swarm_config *config, const struct swarm_result *r)
{
    struct swarm_result *sum = &total.sum;

    for (int i = 0; i < SWARM_FAULTS; i++)
        total.faults[i] += config->faults >> i & 1;
    sum->verified += r->verified;
    sum->forged += r->forged;
    sum->packets += r->packets;
    sum->lost += r->lost;
    sum->reordered += r->reordered;
    sum->duplicated += r->duplicated;
    sum->corrupted += r->corrupted;
    sum->too_big += r->too_big;
    sum->failed_allocations += r->failed_allocations;
    sum->retransmits += r->retransmits;
    sum->timeouts += r->timeouts;
}

static void run_seed(uint64_t seed, int log)
{
    static struct swarm_config config;
    struct memory memory = {0};
    struct swarm_result result = {0};

    swarm_draw(&config, seed);
    int err = swarm_run(&config, &memory, &result);
    if (!err && !result.problem) {
        total.passed++;
        add_up(&config, &result);
        return;
    }
    total.failed++;
    printf("not ok seed %" PRIu64 ": %s at host %u, connection %u, after %" PRId64 " ms;", seed,
           err ? "could not be made" : result.problem, result.host, result.conn,
           result.took_ns / NS_PER_MS);
    for (int i = 0; i < SWARM_FAULTS; i++) {
        if (config.faults >> i & 1)
            printf(" %s", swarm_fault_name((enum swarm_fault)i));
    }
    printf("\n    tapio sim --swarm --seed %" PRIu64 " --capture seed-%" PRIu64 ".pcapng\n", seed,
           seed);
    if (log != LOG_NONE)
        run_again(&config, log == LOG_CULPRIT ? result.host : (uint32_t)log);
}

/* One seed a line, anything behind it; '#' begins a line of its own. */
static void run_list(const char *path)
{
    char line[256];
    FILE *file = fopen(path, "r");

    if (!file) {
        printf("not ok %s: cannot be read\n", path);
        total.failed++;
        return;
    }
    while (fgets(line, sizeof line, file)) {
        if (line[0] >= '0' && line[0] <= '9')
            run_seed(strtoull(line, NULL, 10), LOG_NONE);
    }
    fclose(file);
}

int main(int argc, char **argv)
{
    uint64_t first = argc > 2 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t last = argc > 2 ? strtoull(argv[2], NULL, 10) : 100;
    int log = argc > 4 ? (int)strtol(argv[4], NULL, 10) : argc > 3 ? LOG_CULPRIT : LOG_NONE;
    const struct swarm_result *sum = &total.sum;

    if (argc <= 3)
        run_list(TAPIO_SEEDS);
    for (uint64_t seed = first; seed <= last; seed++)
        run_seed(seed, log);
    printf("%" PRIu64 " octets verified, %" PRIu64 " forged; packets sent %" PRIu64
           ", lost %" PRIu64 ", reordered %" PRIu64 ", duplicated %" PRIu64 ", corrupted %" PRIu64
           ", too big %" PRIu64 "; allocations failed %" PRIu64 "; retransmitted %" PRIu64
           ", timeouts %" PRIu64 "\n",
           sum->verified, sum->forged, sum->packets, sum->lost, sum->reordered, sum->duplicated,
           sum->corrupted, sum->too_big, sum->failed_allocations, sum->retransmits, sum->timeouts);
    for (int i = 0; i < SWARM_FAULTS; i++)
        printf("%s%s %u", i ? ", " : "runs with ", swarm_fault_name((enum swarm_fault)i),
               total.faults[i]);
    printf("\n%u passed, %u failed\n", total.passed, total.failed);
    return total.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
