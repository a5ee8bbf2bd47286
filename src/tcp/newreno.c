/* newreno.c - see newreno.h. */
#include "tcp/newreno.h"

void newreno_init(struct newreno *n, tcp_seq recover)
{
    *n = (struct newreno){.recover = recover};
}

enum newreno_ack newreno_on_ack(struct newreno *n, struct cc *cc, tcp_seq ack, uint32_t acked,
                                uint32_t left)
{
    n->duplicates = 0;
    n->limited = 0;
    if (!n->recovering) {
        n->recover = seq_max(n->recover, seq_sub(ack, 1)); /* stays within half the circle */
        return ACK_NORMAL;
    }
    if (seq_le(n->recover, ack)) { /* (RFC 6582, 3.2, 3): a full acknowledgment */
        cc->cwnd = u32_min(cc->ssthresh, u32_max(left, cc->mss) + cc->mss);
        n->recovering = false;
        return ACK_ENDS_RECOVERY;
    }
    cc->cwnd -= u32_min(acked, cc->cwnd - cc->mss);
    if (acked >= cc->mss)
        cc->cwnd += cc->mss;
    n->aloft = left;
    bool first = !n->partial_seen;
    n->partial_seen = true;
    return first ? ACK_PARTIAL_FIRST : ACK_PARTIAL;
}

bool newreno_on_duplicate(struct newreno *n, struct cc *cc, struct cc_memory *memory, tcp_seq una,
                          tcp_seq nxt)
{
    if (n->duplicates < UINT8_MAX)
        n->duplicates++;
    if (n->recovering) { /* one more segment has left the network; no more can than were in it */
        uint32_t gain = u32_min(cc->mss, n->aloft);
        n->aloft -= gain;
        cc->cwnd += gain;
        return false;
    }
    /* Not again for what was out when a loss was last noticed (RFC 6582, 3.2, 2); `recover` is one
     * past the highest octet that was sent then. */
    if (n->duplicates != NEWRENO_DUP_THRESH || !seq_lt(n->recover, una))
        return false;
    uint32_t flight = seq_diff(nxt, una), left = NEWRENO_DUP_THRESH * (uint32_t)cc->mss;
    cc_on_loss(cc, memory, flight - n->limited); /* (RFC 5681, 3.2, 2) */
    cc->cwnd = cc->ssthresh + left;
    n->aloft = flight - u32_min(left, flight); /* not what the inflated cwnd will send */
    n->recover = nxt;
    n->recovering = true;
    n->partial_seen = false;
    return true;
}

void newreno_on_timeout(struct newreno *n, tcp_seq nxt)
{
    n->recover = nxt;
    n->recovering = false;
    n->duplicates = 0;
    n->limited = 0;
}
