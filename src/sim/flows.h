/*
 * flows.h - how flows share one bottleneck, measured.
 *
 * A dumbbell: each flow has a sender and a receiver of its own, with a stack each; all flows cross
 * the one link between two routers, whose rate, delay and queue are what is asked about. Senders
 * write as much as they can, receivers read at once. The links of the hosts are fast and of no
 * length, so that nothing but the bottleneck and the stacks is measured.
 *
 *     sender 1 ---+                          +--- receiver 1
 *     sender 2 ---+-- router ====== router --+--- receiver 2
 *     sender n ---+        the bottleneck    +--- receiver n
 *
 * A run ends after a time, or when each flow has carried its octets. Flows begin within the first
 * 100 ms, at moments drawn from the seed. The same config gives the same figures.
 */
#ifndef TAPIO_SIM_FLOWS_H
#define TAPIO_SIM_FLOWS_H

#include <tapio/tapio.h>

#include "base/memory.h"
#include "dev/impair.h"

enum { FLOWS_MAX = 1000 };

struct flows_config {
    uint64_t seed;
    uint32_t flows;
    struct impair_config there, back; /* the bottleneck: with the data, and with the ACKs */
    int64_t time_ns;                  /* the run ends then, at the latest */
    int64_t skip_ns;                  /* what is carried before counts for nothing */
    uint64_t octets;                  /* of each flow; 0: as many as there is time for */
    uint32_t mtu;
    bool ipv6;
    bool big_frames; /* all devices offload */
    struct stack_values values;
    struct event_sink *watch; /* listens to the first sender; NULL: nobody */
};

struct flow_figures {
    uint64_t octets;    /* that the receiver has read, after `skip_ns` */
    int64_t counted_ns; /* in so much time: to the end of the run, or of the flow */
    uint64_t retransmits, timeouts;
    uint32_t snd_mss, cwnd; /* at the end */
    int64_t srtt_us;
    bool complete; /* all its octets have arrived */
};

struct flows_result {
    const char *problem; /* NULL: all is well; static storage */
    int64_t took_ns;     /* virtual time */
    uint64_t packets;    /* that all stacks have sent */
    uint64_t steps;
    /* What the flows have carried in the counted time, and what the bottleneck could have: its rate
     * less the headers. Octets a second; 0 without a rate. */
    uint64_t goodput, capacity;
    uint32_t fairness; /* Jain's index of the flows' rates, parts in a million */
    struct impair_counters there, back;
};

/* One flow over 100 Mbit/s and 10 ms each way, with a queue of 100 packets, for 10 s. */
void flows_config_init(struct flows_config *config);
/* Buffers of all stacks that can fill the bottleneck and its queue: call it when the rest is set.
 */
void flows_fit_buffers(struct flows_config *config);

/* `figures` has room for config->flows. 0 when the run could be made, -ENOMEM or -EINVAL. */
NODISCARD int flows_run(const struct flows_config *config, struct memory *memory,
                        struct flow_figures *figures, struct flows_result *result);

#endif
