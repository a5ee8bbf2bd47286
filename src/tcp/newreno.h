/*
 * newreno.h - fast retransmit and fast recovery for a peer without SACK (RFC 5681, 3.2; RFC 6582),
 * and limited transmit (RFC 3042).
 *
 * All that such a peer tells is that something has arrived: duplicate ACKs are counted, and cwnd is
 * inflated by what has left the network. Pure: it counts octets and sequence numbers. The caller
 * retransmits what the verdicts tell it to.
 */
#ifndef TAPIO_TCP_NEWRENO_H
#define TAPIO_TCP_NEWRENO_H

#include "tcp/cc.h"
#include "tcp/tcp_seq.h"

enum { NEWRENO_DUP_THRESH = 3 }; /* duplicate ACKs that mean a loss (RFC 5681, 3.2) */

struct newreno {
    uint32_t limited;   /* octets of the flight that limited transmit has sent */
    uint32_t aloft;     /* octets that duplicate ACKs may still say have left the network */
    tcp_seq recover;    /* (RFC 6582, 3.2, 1) */
    uint8_t duplicates; /* duplicate ACKs in a row, up to 255 */
    bool recovering;    /* in fast recovery */
    bool partial_seen;  /* one partial ACK has come in this recovery */
};

enum newreno_ack { ACK_NORMAL, ACK_PARTIAL_FIRST, ACK_PARTIAL, ACK_ENDS_RECOVERY };

void newreno_init(struct newreno *n, tcp_seq recover);
/* `acked` new octets, up to `ack`; `left` are out now. In recovery it changes cwnd; else that is
 * cc_on_ack()'s. */
enum newreno_ack newreno_on_ack(struct newreno *n, struct cc *cc, tcp_seq ack, uint32_t acked,
                                uint32_t left);
/* A duplicate ACK (RFC 5681, 2). True: it is the third, retransmit the segment at `una`. */
bool newreno_on_duplicate(struct newreno *n, struct cc *cc, struct cc_memory *memory, tcp_seq una,
                          tcp_seq nxt);
/* How much more than cwnd may be in flight now: a segment for each of the first two duplicate ACKs,
 * so that a third one can come of it (limited transmit: RFC 3042, 2). */
static inline uint32_t newreno_extra(const struct newreno *n, uint16_t mss)
{
    return n->recovering ? 0 : u32_min(n->duplicates, NEWRENO_DUP_THRESH - 1) * mss;
}
/* The retransmission timer expired; cwnd is cc_on_timeout()'s. */
void newreno_on_timeout(struct newreno *n, tcp_seq nxt);

#endif
