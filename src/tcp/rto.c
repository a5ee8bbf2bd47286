/*
 * rto.c - the retransmission timeout (RFC 6298).
 *
 * All in nanoseconds, so the divisions by 8 and 4 lose nothing that matters. G, the clock's
 * granularity, is one tick of the timer wheel, rounded up to 100 us; it keeps the variance term
 * from vanishing on a link whose round trips are all alike (4).
 */
#include "tcp/rto.h"

#include "base/base.h"

enum { CLOCK_GRANULARITY_NS = 100000 };

static int64_t clamp(int64_t ns, const struct rto_limits *limits)
{
    if (ns < limits->min_ns)
        ns = limits->min_ns;
    return ns > limits->max_ns ? limits->max_ns : ns;
}

void rto_init(struct rto *rto, const struct rto_limits *limits)
{
    *rto = (struct rto){.base_ns = limits->initial_ns};
}

void rto_sample(struct rto *rto, const struct rto_limits *limits, int64_t sample_ns)
{
    assert(sample_ns >= 0);
    if (rto->srtt_ns == 0) { /* (2.2) */
        rto->srtt_ns = sample_ns > 0 ? sample_ns : 1;
        rto->rttvar_ns = sample_ns / 2;
    } else { /* (2.3): the variance first, from the old SRTT */
        int64_t error = rto->srtt_ns - sample_ns;
        rto->rttvar_ns += ((error < 0 ? -error : error) - rto->rttvar_ns) / 4;
        rto->srtt_ns += (sample_ns - rto->srtt_ns) / 8;
        if (rto->srtt_ns <= 0)
            rto->srtt_ns = 1;
    }
    int64_t variance = 4 * rto->rttvar_ns;
    if (variance < limits->var_min_ns)
        variance = limits->var_min_ns;
    if (variance < CLOCK_GRANULARITY_NS)
        variance = CLOCK_GRANULARITY_NS;
    rto->base_ns = clamp(rto->srtt_ns + variance, limits);
    rto->backoff = 0;
}

void rto_expired(struct rto *rto)
{
    if (rto->backoff < UINT8_MAX)
        rto->backoff++;
}

int64_t rto_current(const struct rto *rto, const struct rto_limits *limits)
{
    int64_t ns = rto->base_ns;

    for (int i = 0; i < rto->backoff && ns < limits->max_ns; i++)
        ns *= 2;
    return ns > limits->max_ns ? limits->max_ns : ns;
}
