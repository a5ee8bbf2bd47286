/*
 * newreno.c - see newreno.h.
 *
 * Growth is counted in octets, at most one SMSS an ACK in slow start (RFC 5681, 3.1), so splitting
 * an ACK gains nothing; and it stops while cwnd is not what holds the sender back, so one that had
 * little to say does not earn the right to burst later. Not built in yet: everything that needs
 * SACK.
 */
#include "tcp/newreno.h"

enum { DUP_THRESH = 3 };

uint32_t newreno_initial_window(uint16_t mss, bool syn_was_lost)
{
    if (syn_was_lost)
        return mss;
    return u32_min(10u * mss, u32_max(2u * mss, 14600));
}

void newreno_init(struct newreno *cc, uint16_t mss, tcp_seq iss)
{
    *cc = (struct newreno){
        .ssthresh = UINT32_MAX, .mss = mss, .cwnd = mss, .recover = iss, .abc_limit = 1};
}

void newreno_open(struct newreno *cc, uint16_t mss, bool syn_was_lost)
{
    cc->mss = mss;
    cc->cwnd = newreno_initial_window(mss, syn_was_lost);
}

/* RFC 5681, 3.1, equation 4. */
static uint32_t half_flight(const struct newreno *cc, uint32_t flight)
{
    return u32_max(flight / 2, 2u * cc->mss);
}

static enum newreno_growth grow(struct newreno *cc, uint32_t acked)
{
    if (cc->cwnd < cc->ssthresh) { /* no further than ssthresh, but by a segment all the same */
        uint32_t most = cc->abc_limit ? (uint32_t)cc->abc_limit * cc->mss : acked;
        uint32_t left = u32_max(cc->ssthresh - cc->cwnd, cc->mss);
        cc->cwnd += u32_min(u32_min(acked, most), left);
        return GROWTH_SLOW_START;
    }
    cc->acked += acked;
    if (cc->acked >= cc->cwnd) {
        cc->acked -= cc->cwnd;
        cc->cwnd += cc->mss;
    }
    return GROWTH_AVOIDANCE;
}

enum newreno_ack newreno_on_ack(struct newreno *cc, tcp_seq ack, uint32_t acked, uint32_t left,
                                bool limited, enum newreno_growth *growth)
{
    cc->duplicates = 0;
    cc->limited = 0;
    *growth = GROWTH_NONE;
    if (!cc->recovering) {
        if (limited && cc->cwnd <= INT32_MAX / 2)
            *growth = grow(cc, acked);
        cc->recover = seq_max(cc->recover, seq_sub(ack, 1)); /* stays within half the circle */
        return ACK_NORMAL;
    }
    if (seq_le(cc->recover, ack)) { /* (RFC 6582, 3.2, 3): a full acknowledgment */
        cc->cwnd = u32_min(cc->ssthresh, u32_max(left, cc->mss) + cc->mss);
        cc->recovering = false;
        cc->acked = 0;
        return ACK_ENDS_RECOVERY;
    }
    cc->cwnd -= u32_min(acked, cc->cwnd - cc->mss);
    if (acked >= cc->mss)
        cc->cwnd += cc->mss;
    cc->aloft = left;
    bool first = !cc->partial_seen;
    cc->partial_seen = true;
    return first ? ACK_PARTIAL_FIRST : ACK_PARTIAL;
}

bool newreno_on_duplicate(struct newreno *cc, tcp_seq una, tcp_seq nxt)
{
    if (cc->duplicates < UINT8_MAX)
        cc->duplicates++;
    if (cc->recovering) { /* one more segment has left the network; no more can than were in it */
        uint32_t gain = u32_min(cc->mss, cc->aloft);
        cc->aloft -= gain;
        cc->cwnd += gain;
        return false;
    }
    /* Not again for what was out when a loss was last noticed (RFC 6582, 3.2, 2); `recover` is one
     * past the highest octet that was sent then. */
    if (cc->duplicates != DUP_THRESH || !seq_lt(cc->recover, una))
        return false;
    uint32_t flight = seq_diff(nxt, una), left = DUP_THRESH * (uint32_t)cc->mss;
    cc->ssthresh = half_flight(cc, flight - cc->limited); /* (RFC 5681, 3.2, 2) */
    cc->cwnd = cc->ssthresh + left;
    cc->aloft = flight - u32_min(left, flight); /* not what the inflated cwnd will send */
    cc->recover = nxt;
    cc->recovering = true;
    cc->partial_seen = false;
    return true;
}

uint32_t newreno_allowed(const struct newreno *cc)
{
    uint32_t extra = cc->recovering ? 0 : u32_min(cc->duplicates, DUP_THRESH - 1);

    return cc->cwnd + extra * cc->mss;
}

void newreno_on_timeout(struct newreno *cc, uint32_t flight, tcp_seq nxt, bool again)
{
    if (!again)
        cc->ssthresh = half_flight(cc, flight);
    cc->cwnd = cc->mss;
    cc->recover = nxt;
    cc->recovering = false;
    cc->duplicates = 0;
    cc->limited = 0;
    cc->acked = 0;
}

void newreno_on_idle(struct newreno *cc)
{
    cc->cwnd = u32_min(cc->cwnd, newreno_initial_window(cc->mss, false));
}
