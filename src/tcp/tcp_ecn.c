/*
 * tcp_ecn.c - congestion that is told by a mark and not by a loss: ECN (RFC 3168, 6.1).
 *
 * A router whose queue grows writes CE into packets that say ECT, where it would drop others. The
 * receiver says so to the sender by ECE, on every ACK, because an ACK may be lost; the sender makes
 * cwnd smaller, as for a loss but with nothing to send again, and says so by CWR; then the receiver
 * stops. What is hard here is that each of these signs means something else on a SYN, and that one
 * indication must count once however often it is heard:
 *
 *     <SYN>       ECE and CWR ask          any other set asks for nothing
 *     <SYN,ACK>   ECE alone grants         any other set refuses; a peer that sends back all
 *                                          reserved bits has not understood (6.1.1.2)
 *     ECE         counts for one window    from the reduction until text that was sent after it is
 *                 of data                  acknowledged; nor while a loss in the same window is
 *                                          repaired, for that has made cwnd smaller already
 *     a loss      in a window that was     is repaired, and ssthresh stays
 *                 answered already
 *
 * Two promises are kept apart. `ecn`: each end has said that it understands, so marks are echoed
 * and echoes obeyed. `ecn_marks`: our text says ECT, too; not if a SYN of ours did not ask, which
 * the peer may have seen last (6.1.1). ECT(0) stands on text that leaves for the first time and on
 * nothing else: not on a SYN, ACK, retransmission, probe or reset, whose loss nobody would take for
 * congestion, or which anybody could forge (6.1.1, 6.1.4 to 6.1.6; RFC 8311, 4.3 leaves that as it
 * is but for experiments).
 *
 * A SYN that asks and is not answered goes again without asking (6.1.1.1). With cwnd at one segment
 * the rate can only fall by waiting: the next new text leaves when the retransmission timer, set
 * anew, runs out (6.1.2).
 *
 * The AE flag of RFC 9768 is not looked at: a SYN that asks for accurate ECN asks for this one,
 * too. Left out: a second SYN after a reset (6.1.1.1, MAY), an own factor for the reduction
 * (RFC 8511).
 */
#include "tcp/tcp_ecn.h"
#include "tcp/tcp_recovery.h"

enum {
    ECN_FLAGS = TCP_ECE | TCP_CWR,
    ECT_0 = 2,
    CE = IP_TOS_ECN,
};

/* --- the handshake ------------------------------------------------------------------------ */

/* An "ECN-setup" SYN or <SYN,ACK>. */
static bool is_setup(const struct tcp_segment *syn)
{
    return (syn->flags & ECN_FLAGS) == (syn->flags & TCP_ACK ? TCP_ECE : ECN_FLAGS);
}

static bool asks(const struct tcp *tcp)
{
    return tcp->values->tcp_ecn == 1;
}

uint8_t tcp_ecn_of_syn(const struct tcp *tcp, const struct tcp_conn *conn)
{
    if (conn->state == TCPS_SYN_RECEIVED)
        return conn->ecn ? TCP_ECE : 0;
    return asks(tcp) && !conn->syn_again ? ECN_FLAGS : 0;
}

/* Who opened himself and did not ask has refused by that, even if the peer calls, too. */
void tcp_ecn_take_syn(const struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *seg)
{
    bool willing = conn->passive ? tcp->values->tcp_ecn > 0 : asks(tcp);

    conn->ecn = willing && is_setup(seg);
    conn->ecn_marks = conn->ecn && !conn->syn_again;
}

void tcp_ecn_take_syn_again(struct tcp_conn *conn, const struct tcp_segment *seg)
{
    if (!is_setup(seg))
        tcp_ecn_forget(conn);
}

void tcp_ecn_forget(struct tcp_conn *conn)
{
    conn->ecn = conn->ecn_marks = conn->ecn_echo = conn->ecn_wait = conn->cwr_owed = false;
}

/* --- the receiver ------------------------------------------------------------------------- */

/* What is outside the window does not come here, for anybody could send it (6.1.5); a window probe
 * does (6.1.6). Text that we have no memory for counts like text that is kept. CWR is older than a
 * mark on the same packet. */
enum tcp_verdict tcp_ecn_take_mark(struct tcp *tcp, struct tcp_conn *conn, struct tcp_arrival *in,
                                   instant now)
{
    unsigned mark = in->tos & IP_TOS_ECN;

    (void)now;
    if (!conn->ecn)
        return SEG_CONTINUE;
    if (in->seg.flags & TCP_CWR)
        conn->ecn_echo = false;
    if (tcp_seg_len(&in->seg) == 0 && !in->refused_text) /* (6.1.4) */
        return SEG_CONTINUE;
    conn->ecn_seen |= mark != 0;
    if (mark == CE) {
        conn->ecn_echo = true;
        events_count(tcp->events, COUNTER_TCP_CE_IN);
    }
    return SEG_CONTINUE;
}

/* --- the sender --------------------------------------------------------------------------- */

/* Text that was sent after the last reduction is acknowledged by `ack`: what is told from now on is
 * new. One that was lost first is a new loss, even if it was the one that carried CWR. */
static void end_window(struct tcp_conn *conn, tcp_seq ack)
{
    if (!conn->ecn_answered || !conn->sender)
        return;
    if (seq_le(conn->sender->ecn_until, ack))
        conn->cc.reduced = false;
    if (seq_lt(conn->sender->ecn_until, ack))
        conn->ecn_answered = false;
}

/* Is a loss or a timeout being repaired that has made cwnd smaller already? */
static bool loss_has_answered(const struct tcp_conn *conn)
{
    const struct sender *s = conn->sender;

    return s && (s->phase != PHASE_OPEN || s->newreno.recovering);
}

bool tcp_ecn_take_echo(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *seg,
                       instant now)
{
    bool is_new = seq_lt(conn->snd.una, seg->ack);

    end_window(conn, seg->ack);
    if (!tcp_ecn_is_echo(conn, seg) || seq_lt(seg->ack, conn->snd.una))
        return false;
    events_count(tcp->events, COUNTER_TCP_ECE_IN);
    if (loss_has_answered(conn)) {
        conn->sender->undo.is_possible = false; /* be it none, the congestion is real */
        return false;
    }
    if (conn->ecn_answered || (!conn->sender && !sender_has_room(tcp, conn)))
        return false;

    conn->ecn_wait |= conn->cc.cwnd <= conn->cc.mss; /* sender_timeout() ends it */
    cc_on_echo(&conn->cc, &conn->sender->cc, seq_diff(conn->snd.nxt, conn->snd.una));
    conn->ecn_answered = true;
    conn->sender->ecn_until = conn->snd.nxt;
    tcp_ecn_owe_cwr(conn);
    events_count(tcp->events, COUNTER_TCP_ECN_REDUCTIONS);
    tcp_tell_cwnd(tcp, conn, "ECN echo (RFC 3168, 6.1.2)", now);
    if (conn->ecn_wait && !is_new) /* else whoever takes the ACK sets it */
        tcp_arm_retransmit(tcp, conn, now);
    return true;
}

void tcp_ecn_owe_cwr(struct tcp_conn *conn)
{
    conn->cwr_owed = conn->ecn;
}

void tcp_ecn_mark(const struct tcp_conn *conn, struct tcp_out *out)
{
    if (conn->ecn_marks)
        out->tos |= ECT_0;
    if (conn->cwr_owed)
        out->seg.flags |= TCP_CWR;
}

void tcp_ecn_sent(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_out *out)
{
    if (!(out->seg.flags & TCP_CWR) || out->is_syn)
        return;
    conn->cwr_owed = false;
    events_count(tcp->events, COUNTER_TCP_CWR_OUT);
}
