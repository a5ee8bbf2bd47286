/*
 * swarm_inside.h - what the files of the swarm share and nobody else.
 */
#ifndef TAPIO_SIM_SWARM_INSIDE_H
#define TAPIO_SIM_SWARM_INSIDE_H

#include "sim/net.h"
#include "sim/oracle.h"
#include "sim/stream.h"
#include "sim/swarm.h"

enum {
    SWARM_PORT = 7,
    SWARM_FORGERIES = 4096, /* after so many the wires forge no more */
};

struct swarm;

struct swarm_host {
    struct net_app app;
    struct swarm *swarm;
    uint32_t number;
    int listener;
    instant again; /* of the network's time: a call is to be made again that had no memory */
    struct oracle oracle;
};

enum side { OPENER, LISTENER };

struct swarm_conn {
    uint32_t host[2];
    instant opens_at;
    struct endpoint opener; /* once it is open */
    bool open, over[2];
    struct stream_end end[2];
    enum side aborter; /* with SWARM_ABORTS: who ends it with a reset, */
    uint32_t abort_at; /* once he has sent and read so many octets; 0: nobody does */
    bool no_delay;     /* both ends have TCP_NODELAY */
};

struct swarm {
    const struct swarm_config *config;
    struct memory *memory;
    struct swarm_result *result;
    struct prng prng;
    struct streams streams;
    struct net net;
    struct swarm_host host[SWARM_HOSTS];
    struct swarm_conn conn[SWARM_CONNS];
    struct forgery_sink forgery_sink;
    struct forgery forgery[SWARM_FORGERIES];
    uint32_t forgeries;
    uint32_t ends_left;
    uint64_t to_verify;         /* octets of all streams */
    instant act_at[SWARM_ACTS]; /* when each begins next, or is undone */
    bool act_is_on[SWARM_ACTS]; /* and will be undone */
    bool stopped;
    instant limit; /* once the faults have stopped: all has ended by then */
};

/* Something is wrong, as seen at a host; the first counts. */
void swarm_problem(struct swarm *swarm, uint32_t host, const char *what);

/* --- swarm_host.c --------------------------------------------------------------------------- */

/* The application of a host: polls, and looks at it afterwards. */
extern const struct net_app swarm_app;
/* A wire has forged something. */
void swarm_note_forgery(struct forgery_sink *sink, const struct forgery *forgery);
/* May this octet be another than was sent? */
bool swarm_may_be_wrong(struct streams *streams, const struct stream_end *end, uint32_t at);

#endif
