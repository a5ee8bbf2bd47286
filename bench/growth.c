/*
 * growth.c - how the cost of each operation grows with the number of things that there are.
 *
 *     growth [--json] [--check] [--quick] [--row WORD]
 *     growth_time [--json] [--quick] [--row WORD]
 *
 * Nothing that is reachable from the wire may cost more than O(log n) (docs/ARCHITECTURE.md). So
 * every structure that a peer, or the number of peers, can fill is filled with 10^2 to 10^6 things,
 * or up to its cap, and the steps of one operation are counted. --check fails when they grow by
 * more than the logarithm does, and by a quarter of that for chance. --quick goes up to 10^4.
 *
 * A step is a basic block, a piece of code without a jump in it. The compiler makes each of them
 * call us (-fsanitize-coverage=trace-pc; tests/meson.build compiles the machine once more for
 * that), so one build gives one count, however busy the machine is, and what is no loop in our code
 * (the C library's copying, the kernel) is not in it. growth_time is the same program over the
 * machine as it is; it tells the time of an operation, the median of some hundred, with the caches
 * in it.
 *
 * Each n is measured in a process of its own. Exit status: 0 all right, 1 something grows too fast
 * or could not be measured, 2 a mistake on the command line.
 */
#include "growth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    SIZES = 6, /* 10^2 to 10^6, and a cap in between */
    TURNS = 256,
    WARMING = 32,         /* turns in vain before them */
    TIME_MOST = 500000000 /* nanoseconds for all of them; at least one is done */
};

#define MOST UINT32_C(1000000)

struct cell {
    uint32_t n;
    double steps, ns; /* of one operation; one of them is 0, see above */
};

struct result {
    struct cell cell[SIZES];
    int count;
};

static const struct growth_table *const tables[] = {&growth_lookup, &growth_queues, &growth_base,
                                                    &growth_calls};
static const char *const causes[] = {[BY_WIRE] = "wire", [BY_TIME] = "time", [BY_CALL] = "call"};

static bool as_json, check, quick;
static const char *only;
struct prng growth_prng;

void growth_must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "growth: %s\n", what);
    _exit(EXIT_FAILURE);
}

void *growth_alloc(size_t count, size_t size)
{
    void *octets = calloc(count, size);

    growth_must(octets != NULL, "out of memory");
    return octets;
}

/* --- in the child ------------------------------------------------------------------------- */

static uint64_t steps;

/* Called by each basic block of the machine. */
void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void)
{
    steps++;
}

static double clock_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The mean of steps, and the median of times: what interrupts us is no part of them. */
static struct cell turn_by_turn(const struct growth_row *row, uint32_t n)
{
    const double end = clock_ns() + TIME_MOST;
    double ns[TURNS], least_clock = 1e9;
    uint64_t counted = 0;
    uint32_t done = 0;

    for (uint32_t turn = 0; done < TURNS && (done == 0 || clock_ns() < end); turn++) {
        if (row->prepare)
            row->prepare(turn);
        double first = clock_ns(), before = clock_ns();
        steps = 0;
        row->operate(turn);
        double after = clock_ns();
        if (turn < WARMING && after < end)
            continue;
        if (before - first < least_clock)
            least_clock = before - first;
        counted += steps;
        ns[done++] = after - before;
    }
    qsort(ns, done, sizeof ns[0], by_value);
    double median = ns[done / 2] - least_clock;
    return (struct cell){n, (double)counted / done, counted == 0 && median > 0 ? median : 0};
}

static void be_measured(const struct growth_row *row, uint32_t n, int out)
{
    prng_seed(&growth_prng, n);
    row->begin(n);
    struct cell cell = turn_by_turn(row, n);
    growth_must(write(out, &cell, sizeof cell) == (ssize_t)sizeof cell, "nobody listens");
    _exit(EXIT_SUCCESS);
}

/* --- in the parent ------------------------------------------------------------------------ */

static bool measure(const struct growth_row *row, uint32_t n, struct cell *out)
{
    int ends[2], status;

    growth_must(pipe(ends) == 0, "no pipe");
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        be_measured(row, n, ends[1]);
    close(ends[1]);
    bool read_it = read(ends[0], out, sizeof *out) == (ssize_t)sizeof *out;
    close(ends[0]);
    if (child > 0 && waitpid(child, &status, 0) == child && read_it)
        return true;
    fprintf(stderr, "growth: %s: %s: no result for %u\n", row->of, row->what, n);
    return false;
}

static bool measure_all(const struct growth_row *row, struct result *out)
{
    const uint32_t most = row->cap ? row->most : MOST;
    const uint32_t asked = quick && most > 10000 ? 10000 : most;

    *out = (struct result){0};
    for (uint32_t n = 100; n <= asked; n *= 10) {
        if (!measure(row, n, &out->cell[out->count++]))
            return false;
    }
    if (out->cell[out->count - 1].n < asked)
        return measure(row, asked, &out->cell[out->count++]);
    return true;
}

/* To the base of 2; straight between the powers, which is near enough for a ratio. */
static double log_of(double n)
{
    double bits = 0;

    while (n >= 2) {
        n /= 2;
        bits++;
    }
    return bits + (n - 1);
}

/* By how much the last is more than the first, */
static double factor_of(const struct result *r)
{
    return r->cell[r->count - 1].steps / r->cell[0].steps;
}

/* and by how much it may be. */
static double allowed_factor(const struct result *r)
{
    return 1.25 * log_of(r->cell[r->count - 1].n) / log_of(r->cell[0].n);
}

/* --- the table ---------------------------------------------------------------------------- */

static void print_json(const struct growth_row *row, const struct result *r)
{
    for (int i = 0; i < r->count; i++)
        printf("{\"schema\":1,\"of\":\"%s\",\"what\":\"%s\",\"by\":\"%s\",\"n\":%u,\"steps\":%.1f,"
               "\"ns\":%.0f,\"cap\":\"%s\",\"linear\":\"%s\"}\n",
               row->of, row->what, causes[row->cause], r->cell[i].n, r->cell[i].steps,
               r->cell[i].ns, row->cap ? row->cap : "", row->linear ? row->linear : "");
}

static void print_text(const struct growth_row *row, const struct result *r)
{
    printf("%s: %s (%s)\n   ", row->of, row->what, causes[row->cause]);
    for (int i = 0; i < r->count; i++) {
        const struct cell *cell = &r->cell[i];
        if (cell->steps > 0)
            printf(" %10.1f", cell->steps);
        else
            printf(" %8.0f ns", cell->ns);
        printf(" of %u", cell->n);
    }
    printf("%s%s\n", row->linear ? "; grows as n: " : "", row->linear ? row->linear : "");
}

static bool is_asked_for(const struct growth_row *row)
{
    return !only || strstr(row->of, only) || strstr(row->what, only);
}

/* False when it was not measured, or grows too fast. */
static bool run_row(const struct growth_row *row)
{
    struct result r;

    if (!measure_all(row, &r))
        return false;
    (as_json ? print_json : print_text)(row, &r);
    if (row->linear || r.cell[0].steps == 0 || factor_of(&r) <= allowed_factor(&r))
        return true;
    fprintf(
        stderr, "not ok growth: %s: %s: %.2f times as much at %u as at %u, and %.2f is the limit\n",
        row->of, row->what, factor_of(&r), r.cell[r.count - 1].n, r.cell[0].n, allowed_factor(&r));
    return !check;
}

int main(int argc, char **argv)
{
    int passed = 0, failed = 0;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            as_json = true;
        } else if (strcmp(argv[i], "--check") == 0) {
            check = true;
        } else if (strcmp(argv[i], "--quick") == 0) {
            quick = true;
        } else if (strcmp(argv[i], "--row") == 0 && i + 1 < argc) {
            only = argv[++i];
        } else {
            fprintf(stderr, "usage: growth [--json] [--check] [--quick] [--row WORD]\n");
            return 2;
        }
    }
    for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            if (!is_asked_for(&tables[t]->rows[i]))
                continue;
            if (run_row(&tables[t]->rows[i]))
                passed++;
            else
                failed++;
        }
    }
    if (check)
        printf("%d passed, %d failed\n", passed, failed);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
