/*
 * swarm.h - many stacks, many faults, one seed.
 *
 * A seed draws a network, the connections over it, and a random subset of the faults with random
 * strengths: a run with every fault at once hides what one with few would show (swarm testing). The
 * faults last until a moment that is drawn too; then they stop, and from there on every connection
 * must get on and end. Along the way the oracles watch:
 *
 *     every octet in its place, or changed where a wire has forged it (stream.h);
 *     no connection ends before its streams do, unless an application has aborted it;
 *     what every packet must keep (oracle.h), after every poll what every connection must
 *     (tcp_invariants.h), and the conservation law;
 *     all ends within a bound of virtual time, and then nothing is left: no connection, timer,
 * frame or socket, and no octet of memory once the stack is freed.
 *
 * A soak is such a run made long (swarm_draw_soak()): the faults come and go until most of what is
 * to be sent has arrived, and are so mild that it does.
 *
 * The same config gives the same run, bit for bit.
 */
#ifndef TAPIO_SIM_SWARM_H
#define TAPIO_SIM_SWARM_H

#include <tapio/tapio.h>

#include "base/memory.h"
#include "dev/impair.h"

/* clang-format off */
#define SWARM_FAULT_LIST(X) \
    X(LOSS,       "loss")       /* each packet for itself */ \
    X(BURST,      "burst")      /* Gilbert-Elliott */ \
    X(ONE_WAY,    "one-way")    /* heavy, and one way of one link only */ \
    X(ACK_LOSS,   "ack-loss")   /* ACKs alone */ \
    X(REORDER,    "reorder")    X(DUPLICATE, "duplicate") \
    X(CORRUPT,    "corrupt")    /* what a checksum sees */ \
    X(FORGE,      "forge")      /* what no checksum sees */ \
    X(JITTER,     "jitter") \
    X(NARROW,     "narrow")     /* a link's MTU shrinks, and its router says so */ \
    X(BLACK_HOLE, "black-hole") /* or does not */ \
    X(OUTAGE,     "outage")     /* a link is down for a while */ \
    X(MEMORY,     "memory")     /* allocations fail */ \
    X(LEAP,       "leap")       /* a host's clock leaps ahead */ \
    X(SLEEP,      "sleep")      /* a host does nothing for a while */
/* clang-format on */

enum swarm_fault {
#define TAPIO_X(id, name) SWARM_##id,
    SWARM_FAULT_LIST(TAPIO_X)
#undef TAPIO_X
};
#define TAPIO_X(id, name) +1
enum { SWARM_FAULTS = SWARM_FAULT_LIST(TAPIO_X) };
#undef TAPIO_X

const char *swarm_fault_name(enum swarm_fault fault);

enum {
    SWARM_HOSTS = 8,
    SWARM_ROUTERS = 4,
    SWARM_LINKS = SWARM_HOSTS + SWARM_ROUTERS - 1, /* a tree */
    SWARM_CONNS = 64,
    SWARM_ACTS = 32,
};

/* Something that is done at a moment, and perhaps again and again until the faults end. */
struct swarm_act {
    int64_t at_ns;
    enum swarm_fault fault; /* NARROW, BLACK_HOLE, MEMORY, LEAP, SLEEP */
    uint32_t target;        /* a host, or a link between routers */
    int64_t value;          /* an MTU; a chance in 2^32; or nanoseconds */
    int64_t every_ns;       /* again after so long; 0: once */
    int64_t lasts_ns;       /* and undone after so long, which is less; 0: it stays */
};

struct swarm_config {
    uint64_t seed;
    uint32_t faults; /* bits of enum swarm_fault */
    uint32_t hosts, routers;
    uint32_t connections;
    uint32_t octets; /* each side of a connection sends up to so many */
    bool aborts;     /* some connections are ended by a reset, by one side */
    bool ipv6;
    uint32_t offload; /* bits: the hosts whose devices take and join big frames */
    uint32_t mtu;
    struct stack_values values;
    uint32_t at[SWARM_HOSTS];      /* the router of each host */
    uint32_t above[SWARM_ROUTERS]; /* the router that each but the first is joined to */
    struct impair_config good[SWARM_LINKS][2], bad[SWARM_LINKS][2]; /* a host's link, then others */
    struct swarm_act act[SWARM_ACTS];
    uint32_t acts;
    int64_t opening_ns;    /* connections begin within so long */
    int64_t stop_ns;       /* the faults end, */
    uint32_t stop_percent; /* or earlier: when so much of all text has arrived; 0: they do not */
    int64_t grace_ns;      /* from there on all ends within so long, or something is wrong */
    uint64_t steps_max;    /* or if it takes more */
    uint32_t watched;      /* the host that `watch` listens to */
    struct event_sink *watch;
};

struct swarm_result {
    const char *problem; /* NULL: all is well; static storage */
    uint32_t host;       /* where it was seen */
    uint32_t conn;       /* the number of the connection, as that host counts, or 0 */
    int64_t took_ns;
    uint64_t verified, forged; /* octets */
    uint64_t packets, steps;
    uint64_t lost, reordered, duplicated, corrupted, too_big, failed_allocations;
    uint64_t forgeries; /* segments */
    uint64_t leaps, sleeps;
    uint64_t overflowed; /* packets that a full queue has dropped: no fault, but lost as well */
    uint64_t retransmits, timeouts;
    uint64_t cut, joined; /* segments that left in big frames, and that came in them */
    uint32_t reopened;    /* connections that had no memory to begin, and were begun again */
};

/* Draws the whole config. */
void swarm_draw(struct swarm_config *config, uint64_t seed);
/* swarm_soak.c: the same network and the same faults, many megabytes long. */
void swarm_draw_soak(struct swarm_config *config, uint64_t seed);

/* 0 when the run could be made at all (result->problem says how it went), -ENOMEM or -EINVAL. */
NODISCARD int swarm_run(const struct swarm_config *config, struct memory *memory,
                        struct swarm_result *result);

/* How often the run did something bad on purpose: a full queue is none of it. */
uint64_t swarm_injected(const struct swarm_result *result);

#endif
