/*
 * rto.h - the retransmission timeout from round-trip samples (RFC 6298).
 */
#ifndef TAPIO_TCP_RTO_H
#define TAPIO_TCP_RTO_H

#include "base/base.h"
#include "base/instant.h"

struct rto_limits {
    int64_t initial_ns;  /* before the first sample (2.1) */
    int64_t min_ns;      /* (2.4) */
    int64_t max_ns;      /* (2.5) */
    int64_t var_min_ns;  /* the variance term at least */
    int64_t syn_lost_ns; /* instead of initial_ns once a SYN was lost (5.7), if it is more */
};

struct rto {
    uint64_t srtt : 56;   /* nanoseconds, as the next; 0: no sample yet */
    uint64_t backoff : 8; /* expiries in a row: RTO is doubled as often (5.5) */
    uint64_t rttvar : 56;
    uint64_t syn_lost : 1; /* see syn_lost_ns */
};

static inline int64_t rto_srtt_ns(const struct rto *rto)
{
    return (int64_t)rto->srtt;
}

static inline int64_t rto_rttvar_ns(const struct rto *rto)
{
    return (int64_t)rto->rttvar;
}

void rto_init(struct rto *rto);
/* A round trip of `sample_ns`, not from a retransmitted segment (3). Ends the backoff (5.7). */
void rto_sample(struct rto *rto, int64_t sample_ns);
/* The handshake is done, and a SYN was lost in it (5.7): ends the backoff, too. */
void rto_after_lost_syn(struct rto *rto);
/* The timer expired (5.5). */
void rto_expired(struct rto *rto);
/* How long to wait now. */
int64_t rto_current(const struct rto *rto, const struct rto_limits *limits);

#endif
