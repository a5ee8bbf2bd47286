/* prr.c - see prr.h. */
#include "tcp/prr.h"

void prr_begin(struct prr *p, uint32_t flight, uint32_t sacked, uint32_t acked, uint32_t ssthresh)
{
    uint32_t recover = flight - u32_min(sacked, flight) + acked;

    *p = (struct prr){.recover = u32_max(recover, 1), .ssthresh = ssthresh};
}

/* What it may have in flight falls in step with what arrives, so that ssthresh is reached when all
 * of the old flight has. */
static uint32_t in_proportion(const struct prr *p)
{
    uint64_t share = ((uint64_t)p->delivered * p->ssthresh + p->recover - 1) / p->recover;

    return share > p->out ? (uint32_t)(share - p->out) : 0;
}

/* Below ssthresh: what has arrived may be replaced, and a segment more when all is well. */
static uint32_t up_to_ssthresh(const struct prr *p, uint32_t in_flight, uint32_t delivered,
                               bool safe, uint32_t mss)
{
    uint32_t behind = p->delivered > p->out ? p->delivered - p->out : 0;
    uint32_t bound = u32_max(behind, delivered) + (safe ? mss : 0);

    return u32_min(bound, p->ssthresh - in_flight);
}

uint32_t prr_cwnd(struct prr *p, uint32_t cwnd, uint32_t in_flight, uint32_t delivered, bool safe,
                  uint32_t mss)
{
    if (delivered == 0)
        return cwnd;
    p->delivered += delivered;
    uint32_t more = in_flight > p->ssthresh ? in_proportion(p)
                                            : up_to_ssthresh(p, in_flight, delivered, safe, mss);
    if (p->out == 0 && more == 0)
        more = mss; /* the first retransmission always leaves */
    return in_flight + more;
}

void prr_sent(struct prr *p, uint32_t octets)
{
    p->out += octets;
}
