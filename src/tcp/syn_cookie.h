/*
 * syn_cookie.h - what a SYN said, in the numbers of the answer to it (RFC 4987, 3.6).
 */
#ifndef TAPIO_TCP_SYN_COOKIE_H
#define TAPIO_TCP_SYN_COOKIE_H

#include "base/hash.h"
#include "base/instant.h"
#include "tcp/tcp_wire.h"

#define SYN_COOKIE_LIFE (120 * NS_PER_S) /* at most; at least half of it */

/* What a cookie is about. */
struct syn_cookie {
    struct endpoint local, remote;
    tcp_seq irs; /* the peer's ISS */
};

/* The ISS to answer with; it keeps the largest MSS of a table that is not above `mss`. */
tcp_seq syn_cookie_make(struct hash_key key, const struct syn_cookie *about, uint16_t mss,
                        instant now);
/* The MSS that it keeps, or 0: `iss` is no cookie of ours, or too old. */
uint16_t syn_cookie_mss(struct hash_key key, const struct syn_cookie *about, tcp_seq iss,
                        instant now);
/* A TSval at most 63 ticks before `clock` that keeps the window scale, whether SACK is permitted
 * and whether ECN is agreed upon; and what an echo of it says. */
uint32_t syn_cookie_ts(const struct tcp_options *syn, bool ecn, uint32_t clock);
void syn_cookie_from_ts(uint32_t echo, struct tcp_options *syn, bool *ecn);

#endif
