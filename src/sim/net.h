/*
 * net.h - any number of stacks on a network of links and routers, in virtual time.
 *
 * Nodes are hosts and routers; a link joins two nodes by two wires, one each way, each a bottleneck
 * with a queue, a propagation delay, an MTU and the faults of dev/impair.h. What flows share a
 * bottleneck is a matter of how the nodes are joined. Links carry bare IP packets; a host has one
 * link, a router any number, and the way between two hosts is the one with the fewest links. A
 * host's device may take big frames and join what comes, as GSO and GRO do; the links carry
 * segments.
 *
 * A host has a stack and an application, which is polled with it. Each host has a clock and a heap
 * of its own, so that a clock can leap, a host fall asleep, and an allocation fail, on one host
 * alone. The same calls give the same run, bit for bit.
 *
 * What may be done while it runs: change a wire (net_wire()), and a host's clock, sleep and heap.
 */
#ifndef TAPIO_SIM_NET_H
#define TAPIO_SIM_NET_H

#include <tapio/tapio.h>

#include "base/memory.h"
#include "base/prng.h"
#include "dev/bad_wire.h"

enum { NET_NODES_MAX = 4096, NET_LINKS_MAX = 4096 };

/* Who lives on a host. Embed it. */
struct net_app {
    /* Serves the sockets that are ready, and does what its own time asks for. `now` is the host's.
     * Returns when it wants to be called again although nothing came, or INSTANT_NEVER. */
    instant (*poll)(struct net_app *app, struct stack *stack, instant now);
    /* Looks at the host once it has been polled and has sent. NULL: nobody does. */
    void (*after)(struct net_app *app, struct stack *stack);
};

/* One way of a link. Chances, rate, delay, queue are in bad.config and may be changed at any time.
 */
struct net_wire {
    struct bad_wire bad;
    uint32_t from, to; /* nodes */
    uint32_t mtu;      /* octets of a packet; a router tells the sender of a longer one, */
    bool silent;       /* or does not: a black hole */
    uint64_t too_big;  /* packets */
};

/* Where a host's memory comes from. */
struct net_heap {
    struct memory *memory;
    struct prng prng;
    uint32_t failing;  /* the chance that an allocation fails, parts in 2^32 */
    uint32_t fails_at; /* the n-th from now fails; 0: none */
    uint64_t octets;   /* that are out */
    uint64_t failed;   /* allocations */
};

struct net_host_config {
    struct net_app *app;
    struct stack_values values;
    uint32_t mtu;
    bool ipv6;
    bool big_frames;   /* its device offloads: segments, and checksums */
    uint32_t fails_at; /* this allocation of the stack's making fails; 0: none */
};

struct net_host {
    struct net *net;
    uint32_t node;
    struct ip_addr addr;
    struct stack *stack;
    struct net_app *app;
    struct dev dev;
    struct env env;
    struct net_heap heap;
    struct prng randomness;
    int64_t skew_ns;  /* its clock is ahead of the others' by so much; never make it less */
    instant asleep;   /* it does nothing before */
    uint32_t out, in; /* wires */
    uint64_t cut;     /* segments that it has sent in big frames, */
    uint64_t joined;  /* and that were joined to the ones before them when they came */
};

struct net {
    struct memory *memory;
    struct prng prng;
    instant now;
    uint32_t hosts, nodes, wires; /* hosts are the first nodes */
    uint32_t hosts_max, nodes_max, wires_max;
    struct net_host *host;
    struct net_wire *wire; /* a link's are 2n and 2n + 1 */
    instant *wake;         /* of each node: when something is to be done there */
    instant *due;          /* of each wire to a router: when something comes out */
    uint16_t *route;       /* the wire from a router to a host, by router and host */
    uint64_t malformed;    /* packets that a router could not read */
    uint64_t steps;
};

/* Room for so many of each. 0 or -ENOMEM. */
NODISCARD int net_init(struct net *net, struct memory *memory, uint64_t seed, uint32_t hosts,
                       uint32_t routers, uint32_t links);
/* With all stacks. Returns how many octets some host's stack has not given back. */
uint64_t net_fini(struct net *net);

/* Hosts come first, then routers, then links, then net_start(). A host's number is its node's.
 * -ENOMEM, or -EINVAL for a config that no stack can use. */
NODISCARD int net_add_host(struct net *net, const struct net_host_config *config);
uint32_t net_add_router(struct net *net);
/* The number of the wire from `a` to `b`; the one back has the next. `wires` are their configs (the
 * seeds are made up), there and back. */
uint32_t net_join(struct net *net, uint32_t a, uint32_t b, const struct impair_config wires[2],
                  uint32_t mtu);
/* Finds the ways. -EINVAL when a host cannot reach another. */
NODISCARD int net_start(struct net *net);

/* Goes on to the next moment at which something happens, at most to `until`, and lets it happen.
 * False: nothing will until then, and it is `until` now. */
bool net_step(struct net *net, instant until);
/* Something was done to a host from outside: it is polled in the next step. */
void net_wake(struct net *net, uint32_t host);

static inline instant net_host_now(const struct net_host *host)
{
    return (instant){host->net->now.ns + host->skew_ns};
}

/* Packets that all stacks have sent. */
uint64_t net_sent(const struct net *net);

/* --- net_router.c ------------------------------------------------------------------------- */

/* Passes on what has come out of a wire that ends at a router. */
void net_forward(struct net *net, uint32_t wire);

/* --- net.c, for the files of the network alone ---------------------------------------------- */

/* Puts a packet on a wire. `hurt`: a wire has corrupted it before. */
void net_put(struct net *net, uint32_t wire, const struct iovec *iov, int iovcnt,
             const struct frame_meta *meta, bool hurt);

#endif
