/*
 * tcp_ecn.h - congestion that is told by a mark and not by a loss: ECN (RFC 3168, 6.1).
 *
 * Private to src/tcp. Whoever is at the right moment calls in with a line; what is decided then,
 * and why, is in tcp_ecn.c.
 */
#ifndef TAPIO_TCP_ECN_H
#define TAPIO_TCP_ECN_H

#include "tcp/tcp_conn.h"

/* --- the handshake (6.1.1) ---------------------------------------------------------------- */

/* What our SYN or <SYN,ACK> says of it: TCP_ECE and TCP_CWR, or not. */
uint8_t tcp_ecn_of_syn(const struct tcp *tcp, const struct tcp_conn *conn);
/* The peer's first SYN, with or without ACK. */
void tcp_ecn_take_syn(const struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *seg);
/* A SYN of the peer's once more, or its <SYN,ACK> when both have called. */
void tcp_ecn_take_syn_again(struct tcp_conn *conn, const struct tcp_segment *seg);
/* The connection ends, or enters TIME-WAIT: nothing of it counts any more. */
void tcp_ecn_forget(struct tcp_conn *conn);

/* --- the receiver (6.1.3) ----------------------------------------------------------------- */

/* A check of SEGMENT ARRIVES, before the text is taken. */
enum tcp_verdict tcp_ecn_take_mark(struct tcp *tcp, struct tcp_conn *conn, struct tcp_arrival *in,
                                   instant now);
/* What an ACK that is owed or leaves now says. */
static inline uint8_t tcp_ecn_echo(const struct tcp_conn *conn)
{
    return conn->ecn_echo ? TCP_ECE : 0;
}

/* --- the sender (6.1.2) ------------------------------------------------------------------- */

/* An ACK that is believed, before it changes anything. True: it has just made cwnd smaller. */
bool tcp_ecn_take_echo(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *seg,
                       instant now);
/* Does this ACK echo a mark? Then cwnd does not grow by it. */
static inline bool tcp_ecn_is_echo(const struct tcp_conn *conn, const struct tcp_segment *seg)
{
    return conn->ecn && seg->flags & TCP_ECE;
}
/* Does new text wait for the retransmission timer? */
static inline bool tcp_ecn_waits(const struct tcp_conn *conn)
{
    return conn->ecn_wait && !instant_is_never(conn->retransmit_at);
}
/* cwnd has been reduced, for whatever reason: the peer will hear so from the next new text. */
void tcp_ecn_owe_cwr(struct tcp_conn *conn);
/* Text that was never sent leaves: it may be marked on the way. */
void tcp_ecn_mark(const struct tcp_conn *conn, struct tcp_out *out);
/* It has left. */
void tcp_ecn_sent(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_out *out);

#endif
