/*
 * rto.c - the retransmission timeout (RFC 6298).
 *
 * All in nanoseconds, so the divisions by 8 and 4 lose nothing that matters. G, the clock's
 * granularity, is one tick of the timer wheel, rounded up to 100 us; it keeps the variance term
 * from vanishing on a link whose round trips are all alike (4).
 *
 * What is kept is the estimate alone, for it must outlast idleness and there is one in every
 * connection; RTO is computed from it where it is asked for.
 */
#include "tcp/rto.h"

enum { CLOCK_GRANULARITY_NS = 100000 };

#define SAMPLE_MAX ((INT64_C(1) << 55) - 1) /* more than a year */

static int64_t clamp(int64_t ns, const struct rto_limits *limits)
{
    if (ns < limits->min_ns)
        ns = limits->min_ns;
    return ns > limits->max_ns ? limits->max_ns : ns;
}

void rto_init(struct rto *rto)
{
    *rto = (struct rto){0};
}

/* Both fit into 56 bits. */
static void set(struct rto *rto, int64_t srtt_ns, int64_t rttvar_ns)
{
    rto->srtt = (uint64_t)srtt_ns & SAMPLE_MAX;
    rto->rttvar = (uint64_t)rttvar_ns & SAMPLE_MAX;
}

void rto_sample(struct rto *rto, int64_t sample_ns)
{
    int64_t srtt = rto_srtt_ns(rto), rttvar = rto_rttvar_ns(rto);

    assert(sample_ns >= 0);
    if (sample_ns > SAMPLE_MAX)
        sample_ns = SAMPLE_MAX;
    if (srtt == 0) { /* (2.2) */
        set(rto, sample_ns > 0 ? sample_ns : 1, sample_ns / 2);
    } else { /* (2.3): the variance first, from the old SRTT */
        int64_t error = srtt - sample_ns;
        rttvar += ((error < 0 ? -error : error) - rttvar) / 4;
        srtt += (sample_ns - srtt) / 8;
        set(rto, srtt > 0 ? srtt : 1, rttvar);
    }
    rto->backoff = 0;
}

void rto_after_lost_syn(struct rto *rto)
{
    rto->syn_lost = true;
    rto->backoff = 0;
}

/* RTO without backoff. */
static int64_t base(const struct rto *rto, const struct rto_limits *limits)
{
    int64_t variance = 4 * rto_rttvar_ns(rto);

    if (rto->srtt == 0)
        return rto->syn_lost && limits->syn_lost_ns > limits->initial_ns ? limits->syn_lost_ns
                                                                         : limits->initial_ns;
    if (variance < limits->var_min_ns)
        variance = limits->var_min_ns;
    if (variance < CLOCK_GRANULARITY_NS)
        variance = CLOCK_GRANULARITY_NS;
    return clamp(rto_srtt_ns(rto) + variance, limits);
}

void rto_expired(struct rto *rto)
{
    if (rto->backoff < UINT8_MAX)
        rto->backoff = (rto->backoff + 1) & UINT8_MAX;
}

int64_t rto_current(const struct rto *rto, const struct rto_limits *limits)
{
    int64_t ns = base(rto, limits);

    for (uint32_t i = 0; i < rto->backoff && ns < limits->max_ns; i++)
        ns *= 2;
    return ns > limits->max_ns ? limits->max_ns : ns;
}
