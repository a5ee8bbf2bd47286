/*
 * rto.h - the retransmission timeout from round-trip samples (RFC 6298).
 */
#ifndef TAPIO_TCP_RTO_H
#define TAPIO_TCP_RTO_H

#include "base/instant.h"

struct rto_limits {
    int64_t initial_ns; /* before the first sample (2.1) */
    int64_t min_ns;     /* (2.4) */
    int64_t max_ns;     /* (2.5) */
    int64_t var_min_ns; /* the variance term at least */
};

struct rto {
    int64_t srtt_ns; /* 0: no sample yet */
    int64_t rttvar_ns;
    int64_t base_ns; /* RTO without backoff, within the limits */
    uint8_t backoff; /* expiries in a row: RTO is doubled as often (5.5) */
};

void rto_init(struct rto *rto, const struct rto_limits *limits);
/* A round trip of `sample_ns`, not from a retransmitted segment (3). Ends the backoff (5.7). */
void rto_sample(struct rto *rto, const struct rto_limits *limits, int64_t sample_ns);
/* The timer expired (5.5). */
void rto_expired(struct rto *rto);
/* How long to wait now. */
int64_t rto_current(const struct rto *rto, const struct rto_limits *limits);

#endif
