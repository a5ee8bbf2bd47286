/*
 * sim_swarm.c - many seeds of many stacks with random subsets of faults.
 *
 *     sim_swarm [FIRST LAST]      seeds FIRST to LAST, default 1 to 100, and those of the list
 *     sim_swarm SEED SEED --log [HOST]   tells what a host did; without one, that where it went
 * wrong
 *     sim_swarm --soak OCTETS FAULTS [FIRST]   soaks (swarm_soak.c) from seed FIRST, default 1, on,
 * until so many octets were verified and so many faults injected in all
 *
 * The list is tests/sim/seeds.txt: every seed that has ever failed, with the reason. They are run
 * first, each time; a line that begins with "soak" is a soak's, and those are run before a soak;
 * one that begins with "plain" is run without devices that offload, as when it failed. A seed that
 * fails, or in which an assertion does, is printed with the command that repeats it and captures
 * it. Prints `N passed, N failed` at the end.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"
#include "base/instant.h"
#include "see/log.h"
#include "sim/swarm.h"

/* Whose log is told, if no host's. */
enum { LOG_NONE = -1, LOG_CULPRIT = -2 };

enum { FAILURES_MAX = 10 }; /* a soak that fails so often does not go on */

static struct {
    unsigned faults[SWARM_FAULTS];
    struct swarm_result sum;
    unsigned passed, failed;
    unsigned offloading; /* runs */
} total;

/* What to say of the seed that is being run if it does not come to its end; and how to repeat it.
 */
static char cut_short[200];
static const char *replay = cut_short;

/* An assertion has failed, or time is up: which seed was it? */
static void tell_seed(int number)
{
    ssize_t n = write(STDOUT_FILENO, cut_short, strlen(cut_short));

    _exit(n < 0 ? 128 : 128 + number);
}

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
    struct octet_sink out = {.write = tell};
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
    sum->overflowed += r->overflowed;
    sum->reordered += r->reordered;
    sum->duplicated += r->duplicated;
    sum->corrupted += r->corrupted;
    sum->forgeries += r->forgeries;
    sum->too_big += r->too_big;
    sum->failed_allocations += r->failed_allocations;
    sum->leaps += r->leaps;
    sum->sleeps += r->sleeps;
    sum->retransmits += r->retransmits;
    sum->timeouts += r->timeouts;
    sum->cut += r->cut;
    sum->joined += r->joined;
    total.offloading += config->offload != 0;
}

static void run_seed(uint64_t seed, bool soak, bool plain, int log)
{
    static struct swarm_config config;
    struct memory memory = {0};
    struct swarm_result result = {0};
    const char *how = soak ? " --soak" : "", *devices = plain ? " --offload off" : "";

    int first = snprintf(cut_short, sizeof cut_short,
                         "not ok seed %" PRIu64 ": an assertion failed, or time was up\n", seed);
    replay = cut_short + first;
    snprintf(cut_short + first, sizeof cut_short - (size_t)first,
             "    tapio sim --swarm%s --seed %" PRIu64 "%s --capture seed-%" PRIu64 ".pcapng\n",
             how, seed, devices, seed);
    if (soak)
        swarm_draw_soak(&config, seed);
    else
        swarm_draw(&config, seed);
    if (plain)
        config.offload = 0;
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
    printf("\n%s", replay);
    fflush(stdout);
    if (log != LOG_NONE)
        run_again(&config, log == LOG_CULPRIT ? result.host : (uint32_t)log);
}

/* Takes a word and a space off the front of a line. */
static bool take_word(const char **line, const char *word)
{
    size_t len = strlen(word);
    bool is_there = strncmp(*line, word, len) == 0 && (*line)[len] == ' ';

    *line += is_there ? len + 1 : 0;
    return is_there;
}

/* One seed a line, "plain" and "soak" before it or not, and anything behind it; '#' begins a line
 * of its own. */
static void run_list(const char *path, bool soak)
{
    char line[256];
    FILE *file = fopen(path, "r");

    if (!file) {
        printf("not ok %s: cannot be read\n", path);
        total.failed++;
        return;
    }
    while (fgets(line, sizeof line, file)) {
        const char *seed = line;
        bool plain = take_word(&seed, "plain"), is_soak = take_word(&seed, "soak");
        if (is_soak == soak && *seed >= '0' && *seed <= '9')
            run_seed(strtoull(seed, NULL, 10), soak, plain, LOG_NONE);
    }
    fclose(file);
}

static void print_sum(void)
{
    const struct swarm_result *sum = &total.sum;

    printf("%" PRIu64 " octets verified, %" PRIu64 " forged; packets sent %" PRIu64
           ", lost %" PRIu64 ", reordered %" PRIu64 ", duplicated %" PRIu64 ", corrupted %" PRIu64
           ", too big %" PRIu64 "; allocations failed %" PRIu64 "; retransmitted %" PRIu64
           ", timeouts %" PRIu64 "\n",
           sum->verified, sum->forged, sum->packets, sum->lost + sum->overflowed, sum->reordered,
           sum->duplicated, sum->corrupted, sum->too_big, sum->failed_allocations, sum->retransmits,
           sum->timeouts);
    for (int i = 0; i < SWARM_FAULTS; i++)
        printf("%s%s %u", i ? ", " : "runs with ", swarm_fault_name((enum swarm_fault)i),
               total.faults[i]);
    printf("\nruns with big frames %u: segments sent in them %" PRIu64 ", joined %" PRIu64 "\n",
           total.offloading, sum->cut, sum->joined);
}

/* What scripts/nightly reads. */
static void print_soak(void)
{
    const struct swarm_result *sum = &total.sum;
    uint64_t ms = (uint64_t)clock() / (CLOCKS_PER_SEC / 1000);

    printf("faults injected: lost %" PRIu64 ", reordered %" PRIu64 ", duplicated %" PRIu64
           ", corrupted %" PRIu64 ", forged %" PRIu64 ", too big %" PRIu64
           ", allocations failed %" PRIu64 ", leaps %" PRIu64 ", sleeps %" PRIu64 "\n",
           sum->lost, sum->reordered, sum->duplicated, sum->corrupted, sum->forgeries, sum->too_big,
           sum->failed_allocations, sum->leaps, sum->sleeps);
    printf("soak: %" PRIu64 " octets, %" PRIu64 " faults, %" PRIu64 " packets, %" PRIu64
           ".%03" PRIu64 " s of processor time, %" PRIu64 " packets/s\n",
           sum->verified, swarm_injected(sum), sum->packets, ms / 1000, ms % 1000,
           sum->packets * 1000 / (ms ? ms : 1));
}

/* Seeds from `seed` on until there is enough of both. */
static void soak(uint64_t octets, uint64_t faults, uint64_t seed)
{
    run_list(TAPIO_SEEDS, true);
    /* Those do not count: of several soaks beside each other, each runs them. */
    total.sum = (struct swarm_result){0};
    memset(total.faults, 0, sizeof total.faults);
    while (total.failed < FAILURES_MAX &&
           (total.sum.verified < octets || swarm_injected(&total.sum) < faults))
        run_seed(seed++, true, false, LOG_NONE);
    print_sum();
    print_soak();
}

int main(int argc, char **argv)
{
    uint64_t first = argc > 2 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t last = argc > 2 ? strtoull(argv[2], NULL, 10) : 100;
    int log = argc > 4 ? (int)strtol(argv[4], NULL, 10) : argc > 3 ? LOG_CULPRIT : LOG_NONE;

    signal(SIGABRT, tell_seed);
    signal(SIGTERM, tell_seed);
    if (argc > 3 && strcmp(argv[1], "--soak") == 0) {
        soak(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10),
             argc > 4 ? strtoull(argv[4], NULL, 10) : 1);
    } else {
        if (argc <= 3)
            run_list(TAPIO_SEEDS, false);
        for (uint64_t seed = first; seed <= last; seed++)
            run_seed(seed, false, false, log);
        print_sum();
    }
    printf("%u passed, %u failed\n", total.passed, total.failed);
    return total.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
