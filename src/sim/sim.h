/*
 * sim.h - two stacks, one bad wire, virtual time, one seed.
 *
 * A client stack opens connections to a server stack; on each, both sides send a stream of their
 * own, read at a pace of their own, and close. The run is over when every connection has ended on
 * both sides and nothing is left in either stack. Along the way the oracles watch: every octet in
 * its place, every received frame accounted for, what each packet (oracle.h) and each connection
 * (tcp_invariants.h) must keep, every connection ended cleanly, all within a bound of virtual time.
 * The same config gives the same run, bit for bit.
 */
#ifndef TAPIO_SIM_SIM_H
#define TAPIO_SIM_SIM_H

#include <tapio/tapio.h>

#include "base/memory.h"
#include "dev/impair.h"

enum sim_side { SIM_CLIENT, SIM_SERVER };

struct sim_config {
    uint64_t seed;
    uint32_t connections;
    uint32_t octets;  /* each side of a connection sends up to so many */
    int64_t limit_ns; /* of virtual time */
    uint32_t mtu;
    enum stack_link link;
    bool ipv6;         /* needs a link that carries IP packets */
    bool csum_offload; /* the wire's ends leave checksums to each other, as virtual machines do, */
    bool big_frames;   /* and take big frames, and join what comes; the wire carries segments */
    struct impair_config to_client, to_server; /* their seeds are made from `seed` */
    struct stack_values values;
    struct event_sink *watch[2]; /* listens to one side's events; may be NULL */
};

struct sim_result {
    const char *problem; /* NULL: all is well; static storage */
    int64_t took_ns;     /* virtual time */
    uint64_t verified;   /* octets that arrived and were right */
    uint64_t polls;
    struct stack_counters counters[2];
    struct impair_counters wire[2];
    uint64_t joined; /* segments that were joined to the ones before them */
};

/* A gentle wire, 4 connections, 256 KB each way, an hour. */
void sim_config_init(struct sim_config *config);

/* 0 when the run could be made at all (result->problem says how it went), -ENOMEM or -EINVAL. */
NODISCARD int sim_run(const struct sim_config *config, struct memory *memory,
                      struct sim_result *result);

#endif
