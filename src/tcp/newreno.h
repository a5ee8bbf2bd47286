/*
 * newreno.h - congestion control: slow start, congestion avoidance (RFC 5681), and fast recovery
 * without SACK (RFC 6582).
 *
 * Pure: it counts octets and sequence numbers and knows no connection. The caller retransmits what
 * the verdicts tell it to.
 */
#ifndef TAPIO_TCP_NEWRENO_H
#define TAPIO_TCP_NEWRENO_H

#include "tcp/tcp_seq.h"

struct newreno {
    uint32_t cwnd;      /* octets */
    uint32_t ssthresh;  /* octets; UINT32_MAX: no loss yet */
    uint32_t acked;     /* octets since cwnd last grew in congestion avoidance */
    uint32_t limited;   /* octets of the flight that limited transmit has sent */
    uint32_t aloft;     /* octets that duplicate ACKs may still say have left the network */
    tcp_seq recover;    /* (RFC 6582, 3.2, 1) */
    uint16_t mss;       /* SMSS */
    uint8_t duplicates; /* duplicate ACKs in a row, up to 255 */
    uint8_t abc_limit;  /* L of RFC 3465, 2.2, in segments, 1 at first; 0: none */
    bool recovering;    /* in fast recovery */
    bool partial_seen;  /* one partial ACK has come in this recovery */
};

enum newreno_growth { GROWTH_NONE, GROWTH_SLOW_START, GROWTH_AVOIDANCE };
enum newreno_ack { ACK_NORMAL, ACK_PARTIAL_FIRST, ACK_PARTIAL, ACK_ENDS_RECOVERY };

/* RFC 6928, 2: min(10*MSS, max(2*MSS, 14600)); one segment after a lost SYN (RFC 5681, 3.1). */
uint32_t newreno_initial_window(uint16_t mss, bool syn_was_lost);
void newreno_init(struct newreno *cc, uint16_t mss, tcp_seq iss);
/* The handshake is done: the first cwnd. */
void newreno_open(struct newreno *cc, uint16_t mss, bool syn_was_lost);
/* `acked` new octets, up to `ack`; `left` are out now. `limited`: the sender had more to say, and
 * it was cwnd that kept it. */
enum newreno_ack newreno_on_ack(struct newreno *cc, tcp_seq ack, uint32_t acked, uint32_t left,
                                bool limited, enum newreno_growth *growth);
/* A duplicate ACK (RFC 5681, 2). True: it is the third, retransmit the segment at `una`. */
bool newreno_on_duplicate(struct newreno *cc, tcp_seq una, tcp_seq nxt);
/* How much may be in flight now: cwnd, and a segment more for each of the first two duplicate ACKs,
 * so that a third one can come of it (limited transmit: RFC 3042, 2). */
uint32_t newreno_allowed(const struct newreno *cc);
/* The retransmission timer expired with `flight` octets out (without those that were taken for lost
 * before). `again`: for the same segment as the last time. */
void newreno_on_timeout(struct newreno *cc, uint32_t flight, tcp_seq nxt, bool again);
/* Nothing was sent for longer than an RTO (RFC 5681, 4.1). */
void newreno_on_idle(struct newreno *cc);

#endif
