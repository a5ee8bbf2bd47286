/*
 * growth.h - a row of the table that bench/growth.c prints: one operation among n of something.
 *
 * A row is measured in a process of its own for each n, which ends without cleaning up. What an
 * operation changes it, or the next prepare(), changes back, so that there are n all the time.
 */
#ifndef TAPIO_BENCH_GROWTH_H
#define TAPIO_BENCH_GROWTH_H

#include "base/base.h"
#include "base/prng.h"

/* Who decides that it is done. */
enum growth_cause {
    BY_WIRE, /* whoever sends us packets */
    BY_TIME, /* a timer, or each turn of the loop */
    BY_CALL, /* the program that uses the stack */
};

struct growth_row {
    const char *of;   /* what there are n of */
    const char *what; /* what is done among them */
    enum growth_cause cause;
    uint32_t most;      /* n at most, */
    const char *cap;    /* and what says so; NULL: as many as one likes */
    const char *linear; /* why it may grow as n does; NULL: it must not */
    void (*begin)(uint32_t n);
    void (*prepare)(uint32_t turn); /* not measured; NULL: there is nothing to do */
    void (*operate)(uint32_t turn);
};

struct growth_table {
    const struct growth_row *rows;
    size_t count;
};

extern const struct growth_table growth_base;   /* timers, pools, events */
extern const struct growth_table growth_queues; /* text on its way in and out */
extern const struct growth_table growth_lookup; /* whose a packet is */
extern const struct growth_table growth_calls;  /* ports, sockets */

/* The same numbers in every run. */
extern struct prng growth_prng;
static inline uint32_t growth_any(uint32_t n)
{
    return (uint32_t)prng_below(&growth_prng, n);
}

/* `count` zeroed elements of `size` octets; there is always enough memory, or the program ends. */
void *growth_alloc(size_t count, size_t size);
/* What cannot fail has failed: the program ends. */
void growth_must(bool holds, const char *what);

#endif
