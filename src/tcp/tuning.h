/*
 * tuning.h - what a program has set on a socket to other than the default.
 *
 * Most connections have none of it, and the thousand connections of one listener have the same; so
 * it lies beside the connection, is shared by whoever inherited it, and is copied when one of them
 * sets something. NULL stands for "all as the stack's values say", and so does 0 in each field.
 */
#ifndef TAPIO_TCP_TUNING_H
#define TAPIO_TCP_TUNING_H

#include "base/pool.h"
#include "ip/ipv4_options_wire.h"

struct tcp_tuning {
    uint32_t references;
    /* what TCP does with it */
    uint32_t send_buffer, receive_buffer; /* true cost: twice what was asked for */
    uint32_t window_clamp;
    uint32_t notsent_lowat;
    uint32_t keep_idle_s, keep_interval_s;
    uint32_t user_timeout_ms;
    int32_t linger2_s; /* FIN-WAIT-2 of an orphan; negative: none */
    uint16_t user_mss;
    uint8_t keep_count, syn_count;
    uint8_t defer_accept; /* <SYN,ACK>s that may time out before the bare ACK counts */
    uint8_t cc;           /* enum cc_algorithm, plus one */
    uint8_t tos, ttl;
    struct ipv4_options ip_options; /* of IPv4, in every packet (IP_OPTIONS) */
    /* what the socket calls do */
    uint8_t pmtu_discover; /* IP_PMTUDISC_*, plus one */
    int16_t linger_s;
    int64_t receive_timeout, send_timeout; /* nanoseconds */
    uint32_t priority, mark;
};

/* The value to read when there may be none. */
static inline const struct tcp_tuning *tuning_or_default(const struct tcp_tuning *tuning)
{
    static const struct tcp_tuning none;
    return tuning ? tuning : &none;
}

/* One more holder of it; NULL is allowed. */
struct tcp_tuning *tuning_share(struct tcp_tuning *tuning);
/* One less, at *tuning, which is NULL then. */
void tuning_drop(struct pool *pool, struct tcp_tuning **tuning);
/* Makes *tuning one that nobody else holds, so that it may be written: NULL without memory. The
 * others keep what they had. */
NODISCARD struct tcp_tuning *tuning_edit(struct pool *pool, struct tcp_tuning **tuning);

#endif
