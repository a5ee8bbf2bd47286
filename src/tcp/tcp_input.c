/*
 * tcp_input.c - SEGMENT ARRIVES: what a connection does with a segment.
 *
 * The order of the checks is the protocol: a reset is believed only after its sequence number is,
 * an ACK only after a reset is ruled out. So this file keeps the order of RFC 9293, 3.10.7, and the
 * two can be read side by side:
 *
 *     CLOSED      3.10.7.1   closed_arrives(), tcp_reset_for()
 *     LISTEN      3.10.7.2   tcp_listen_arrives(), in listen.c
 *     SYN-SENT    3.10.7.3   syn_sent_arrives()
 *     all others  3.10.7.4   the table called step[]; the fifth check is in tcp_ack.c, the seventh
 * and eighth are in tcp_text.c
 *
 * Nothing is sent from here. Input notes what is owed and tcp_output() pays once per poll; that is
 * how ACKs get aggregated (MUST-58, MUST-59).
 *
 * Left out on purpose: security labels (ADR 0004). Not built in yet: the sender's use of
 * SACK, urgent data as more than text in line.
 */
#include <errno.h>

#include "tcp/demux.h"
#include "tcp/tcp_ecn.h"

enum { TS_OUTDATED_S = 24 * 86400 }; /* RFC 7323, 5.5 */

typedef enum tcp_verdict tcp_step(struct tcp *tcp, struct tcp_conn *conn, struct tcp_arrival *in,
                                  instant now);

/* --- CLOSED ------------------------------------------------------------------------------- */

/* RFC 9293, 3.10.7.1: everything but a reset is answered with one. */
static enum tcp_verdict closed_arrives(struct tcp_arrival *in)
{
    return in->seg.flags & TCP_RST ? seg_dropped(in, DROP_TCP_CLOSED_RST)
                                   : seg_refused(in, DROP_TCP_CLOSED);
}

struct tcp_segment tcp_reset_for(const struct tcp *tcp, const struct tcp_segment *seg)
{
    const struct stack_values *values = tcp->values;
    struct tcp_segment rst = {.src_port = seg->dst_port, .dst_port = seg->src_port};

    assert(!(seg->flags & TCP_RST)); /* a reset for a reset would never end */
    if (seg->flags & TCP_ACK) {
        rst.seq = seg->ack;
        rst.flags = TCP_RST;
    } else {
        rst.ack = seq_add(seg->seq, tcp_seg_len(seg));
        rst.flags = TCP_RST | TCP_ACK;
    }
    /* It has no clock to tell, but shows which segment it is for (RFC 7323, 5.2). */
    rst.options.has_timestamps =
        seg->options.has_timestamps && values->tcp_timestamps && values->tcp_ts_in_resets;
    rst.options.ts_ecr = seg->options.ts_val;
    return rst;
}

/* --- SYN-SENT ----------------------------------------------------------------------------- */

/* RFC 9293, 3.10.7.3: our SYN is out and we wait for the peer's. */
static enum tcp_verdict syn_sent_arrives(struct tcp *tcp, struct tcp_conn *conn,
                                         struct tcp_arrival *in, instant now)
{
    const struct tcp_segment *seg = &in->seg;
    bool acks_our_syn = false;

    assert(seq_lt(conn->snd.una, conn->snd.nxt)); /* our SYN is in flight */

    /* First, the ACK bit: SND.UNA < SEG.ACK =< SND.NXT, or it is not about our SYN. */
    if (seg->flags & TCP_ACK) {
        acks_our_syn = seq_lt(conn->snd.una, seg->ack) && seq_le(seg->ack, conn->snd.nxt);
        if (!acks_our_syn)
            return seg->flags & TCP_RST ? seg_dropped(in, DROP_TCP_RST)
                                        : seg_refused(in, DROP_TCP_ACK);
    }

    /* Second, the RST bit: believed only from a peer that has seen our SYN. */
    if (seg->flags & TCP_RST) {
        if (!acks_our_syn)
            return seg_dropped(in, DROP_TCP_RST);
        events_note(tcp->events, WHY_IN_RST_REFUSED);
        tcp_tell_reset(tcp, conn, false, WHY_IN_RST_REFUSED, now);
        events_count(tcp->events, COUNTER_TCP_RST_IN);
        tcp_end(tcp, conn, ECONNREFUSED, "the peer refused our SYN (RFC 9293, 3.5.3)", now);
        return SEG_PROCESSED;
    }

    /* Third, security and compartment: ADR 0004.
     * Fourth, the SYN bit; fifth, a segment with neither SYN nor RST is dropped. A FIN beside the
     * SYN waits for the peer to send it again, as text does. */
    if (!(seg->flags & TCP_SYN))
        return seg_dropped(in, DROP_TCP_FLAGS);

    chain_remove(&tcp->kin, conn);
    conn->rcv.nxt = conn->last_ack =
        seq_add(seg->seq, 1); /* not past any text: it will be sent again */
    conn->rcv.edge = conn->rcv.grant = conn->rcv.told = /* as our SYN said */
        seq_add(conn->rcv.nxt, u32_min(conn->rcv.buffer, 65535));
    tcp_take_syn_options(tcp, conn, seg, now);
    conn->snd.wnd = seg->window; /* a SYN's window is never scaled */
    conn->snd.wnd_max = conn->snd.wnd;
    conn->snd.wl1 = seg->seq;
    conn->snd.wl2 = seg->ack;

    if (acks_our_syn) {
        tcp_advance_una(tcp, conn, seg, now); /* and take a round-trip sample */
        tcp_open_sender(tcp, conn, now);
        events_count(tcp->events, COUNTER_TCP_ACTIVE_OPENS);
        tcp_set_state(tcp, conn, TCPS_ESTABLISHED, "our SYN was acknowledged (RFC 9293, 3.10.7.3)",
                      now);
        conn->syn_owed = false;
        tcp_owe_ack(conn, WHY_OUT_HANDSHAKE_ACK);
        events_note(tcp->events, WHY_IN_SYN_ACK);
    } else {
        /* Both ends called (MUST-10); tcp_output() repeats our SYN as <SYN,ACK>. */
        tcp_set_state(tcp, conn, TCPS_SYN_RECEIVED, "simultaneous open (RFC 9293, 3.5)", now);
        conn->syn_owed = true;
        events_note(tcp->events, WHY_IN_SIMULTANEOUS);
    }
    return SEG_PROCESSED;
}

/* --- all other states: RFC 9293, 3.10.7.4 ------------------------------------------------- */

/* The ACK of a peer that has filled our window: its SEQ is SND.NXT, which is just behind the
 * window, and table 6 would refuse it. When both ends have filled each other's window and have
 * missed each other's first ACK, neither would ever hear the other again: what both repeat is old,
 * and the answers to it are refused. So one that acknowledges something new is taken, which goes
 * beyond the RFC (rfc-exceptions.tsv). */
static bool is_ack_of_full_window(const struct tcp_conn *conn, const struct tcp_segment *seg)
{
    return conn->state != TCPS_SYN_RECEIVED && tcp_seg_len(seg) == 0 &&
           (seg->flags & (TCP_ACK | TCP_RST)) == TCP_ACK && seq_eq(seg->seq, conn->rcv.edge) &&
           seq_lt(conn->snd.una, seg->ack) && seq_le(seg->ack, conn->snd.nxt);
}

/* The four cases of table 6. */
static bool is_acceptable(const struct tcp_conn *conn, const struct tcp_segment *seg)
{
    uint32_t window = conn_window(conn);
    uint32_t len = tcp_seg_len(seg);

    if (window == 0)
        return len == 0 && seq_eq(seg->seq, conn->rcv.nxt);
    if (seq_in(seg->seq, conn->rcv.nxt, window) || is_ack_of_full_window(conn, seg))
        return true;
    return len > 0 && seq_in(seq_add(seg->seq, len - 1), conn->rcv.nxt, window);
}

/* What an unacceptable segment wanted, for the capture. */
static enum why unacceptable_why(const struct tcp_conn *conn, const struct tcp_segment *seg)
{
    if (seg->flags & TCP_FIN && seq_le(seq_add(seg->seq, tcp_seg_len(seg)), conn->rcv.nxt))
        return WHY_IN_FIN_AGAIN;
    if (seq_eq(seq_add(seg->seq, 1), conn->rcv.nxt) && seg->text.len <= 1)
        return WHY_IN_KEEPALIVE;
    return seg->text.len > 0 ? WHY_IN_TEXT_OLD : WHY_IN_CHALLENGED;
}

/* The SYN that made this half-open connection, once more, with or without its text. */
static bool is_same_syn(const struct tcp_conn *conn, const struct tcp_segment *seg)
{
    return conn->state == TCPS_SYN_RECEIVED && seq_eq(seg->seq, conn_irs(conn)) &&
           (seg->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
}

/* Both ends called, and this is the peer's <SYN,ACK> (RFC 9293, 3.5, figure 7, line 6). The test of
 * sequence numbers would refuse it, for its SYN is old; but its ACK is the one that we wait for. */
static bool is_crossing_syn_ack(const struct tcp_conn *conn, const struct tcp_segment *seg)
{
    return conn->state == TCPS_SYN_RECEIVED && !conn->passive && seq_eq(seg->seq, conn_irs(conn)) &&
           (seg->flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == (TCP_SYN | TCP_ACK) &&
           seq_eq(seg->ack, conn->snd.nxt);
}

/* Does its timestamp say that it was sent before what we have seen? After 24 days of silence the
 * clock may have gone half round, and nothing can be said (RFC 7323, 5.5). */
static bool is_older(const struct tcp_conn *conn, const struct tcp_options *options, instant now)
{
    return (int32_t)(options->ts_val - conn->ts_recent) < 0 &&
           (int32_t)(instant_s(now) - conn->ts_recent_s) <= TS_OUTDATED_S;
}

/* PAWS: an old duplicate whose number has come round again is told by its timestamp (RFC 7323, 5.3,
 * R1). A reset has none that could be trusted (5.2). */
static bool is_old_duplicate(const struct tcp_conn *conn, const struct tcp_segment *seg,
                             instant now)
{
    return conn->ts_ok && seg->options.has_timestamps && !(seg->flags & TCP_RST) &&
           is_older(conn, &seg->options, now);
}

/* Is it text that we have had, from the peer? A stranger could make us name any numbers to it. */
static bool is_copy(const struct tcp *tcp, const struct tcp_conn *conn,
                    const struct tcp_segment *seg)
{
    uint32_t window = u32_max(tcp_receive_cap(tcp, conn), 65535);

    return seg->flags & TCP_ACK && tcp_ack_is_plausible(conn, seg) &&
           seq_lt(seg->seq, conn->rcv.nxt) && seq_le(seq_sub(conn->rcv.nxt, window), seg->seq);
}

/* First: is it about this moment of this connection? If not, say what we expect; that answer is
 * what repairs lost ACKs, keep-alives and half-open peers. A segment that takes sequence space is
 * always answered; an empty one, which a forger might bounce, as often as a challenge. */
static enum tcp_verdict check_sequence(struct tcp *tcp, struct tcp_conn *conn,
                                       struct tcp_arrival *in, instant now)
{
    struct tcp_segment *seg = &in->seg;

    if (is_same_syn(conn, seg)) { /* our <SYN,ACK> is what the peer misses */
        conn->syn_again |= !conn->syn_owed;
        conn->timing &= !conn->syn_again;
        conn->syn_owed = true;
        tcp_ecn_take_syn_again(conn, seg);
        events_note(tcp->events, WHY_IN_SYN_AGAIN);
        return SEG_PROCESSED;
    }
    if (is_crossing_syn_ack(conn, seg)) {
        tcp_ecn_take_syn_again(conn, seg);
        seg->flags &= (uint8_t)~TCP_SYN;
        seg->seq = conn->rcv.nxt;
        in->syn_window = true;
        tcp_owe_ack(conn, WHY_OUT_ACK_OLD);
    }
    /* A SYN without one is of a peer that has begun anew, and must be challenged to say so. */
    if (conn->ts_ok && !seg->options.has_timestamps && !(seg->flags & (TCP_RST | TCP_SYN)) &&
        tcp->values->tcp_ts_required)
        return seg_dropped(in, DROP_TCP_NO_TIMESTAMP);
    if (is_old_duplicate(conn, seg, now)) {
        if (tcp_seg_len(seg) > 0 && !(seg->flags & TCP_SYN))
            tcp_owe_ack_note(tcp, conn, WHY_OUT_ACK_OLD);
        else
            tcp_owe_challenge(tcp, conn, WHY_OUT_ACK_OLD, now);
        return seg_dropped(in, DROP_TCP_PAWS);
    }
    if (is_acceptable(conn, seg))
        return SEG_CONTINUE;
    if (seg->flags & TCP_RST && !seq_eq(seg->seq, conn->rcv.nxt))
        return seg_dropped(in, DROP_TCP_RST);
    if (conn_window(conn) == 0 && seq_eq(seg->seq, conn->rcv.nxt)) {
        /* "special allowance should be made to accept valid ACKs, URGs, and RSTs" (MUST-66) */
        in->refused_text = tcp_seg_len(seg) > 0;
        seg->text.len = 0;
        seg->flags &= (uint8_t)~TCP_FIN;
        if (in->refused_text && !(seg->flags & (TCP_RST | TCP_SYN)))
            tcp_owe_ack(conn, WHY_OUT_ACK_PROBE);
        return SEG_CONTINUE;
    }

    if (seg->flags & TCP_SYN) { /* RFC 5961, 4.2: whatever its number */
        tcp_owe_challenge(tcp, conn, WHY_OUT_ACK_CHALLENGE, now);
        return seg_dropped(in, DROP_TCP_SYN);
    }
    events_note(tcp->events, unacceptable_why(conn, seg));
    if (conn->state == TCPS_TIME_WAIT && seg->flags & TCP_FIN &&
        seq_eq(seq_add(seg->seq, tcp_seg_len(seg)), conn->rcv.nxt))
        tcp_time_wait_again(tcp, conn, seg, now); /* restart the 2 MSL timeout */
    if (is_copy(tcp, conn, seg))                  /* perhaps not to its end (RFC 2883, 4) */
        tcp_note_duplicate(tcp, conn, seg->seq,
                           seq_min(seq_add(seg->seq, (uint32_t)seg->text.len), conn->rcv.nxt));
    if (tcp_seg_len(seg) > 0)
        tcp_owe_ack_note(tcp, conn, WHY_OUT_ACK_OLD);
    else
        tcp_owe_challenge(tcp, conn, WHY_OUT_ACK_OLD, now);
    return seg_dropped(in, DROP_TCP_SEQUENCE);
}

/* Second, with the three cases of RFC 5961, 3.2: outside the window, at RCV.NXT, in the window. */
static enum tcp_verdict check_rst(struct tcp *tcp, struct tcp_conn *conn, struct tcp_arrival *in,
                                  instant now)
{
    const struct tcp_segment *seg = &in->seg;

    if (!(seg->flags & TCP_RST))
        return SEG_CONTINUE;
    if (conn->state == TCPS_TIME_WAIT) /* RFC 1337, 3: a reset must not end TIME-WAIT */
        return seg_dropped(in, DROP_TCP_TIME_WAIT);
    if (!seq_eq(seg->seq, conn->rcv.nxt)) {
        if (seq_in(seg->seq, conn->rcv.nxt, conn_window(conn)))
            tcp_owe_challenge(tcp, conn, WHY_OUT_ACK_CHALLENGE, now);
        return seg_dropped(in, DROP_TCP_RST);
    }

    events_note(tcp->events, WHY_IN_RST);
    tcp_tell_reset(tcp, conn, false, WHY_IN_RST, now);
    events_count(tcp->events, COUNTER_TCP_RST_IN);
    if (conn->state == TCPS_SYN_RECEIVED && conn->passive)
        tcp_end(tcp, conn, 0,
                "reset before it was established: back to LISTEN (RFC 9293, 3.10.7.4, second)",
                now);
    else if (conn->state == TCPS_SYN_RECEIVED)
        tcp_end(tcp, conn, ECONNREFUSED, "the peer refused our SYN (RFC 9293, 3.5.3)", now);
    else if (conn->state == TCPS_CLOSING || conn->state == TCPS_LAST_ACK)
        /* nothing is lost but the last handshake, unless text is (MUST-12) */
        tcp_end(tcp, conn, conn->sendq.len > 0 ? ECONNRESET : 0,
                "reset by the peer while closing (RFC 9293, 3.10.7.4, second)", now);
    else
        /* as Linux has it: whoever has read the end only hears that nobody listens */
        tcp_end(tcp, conn, conn->state == TCPS_CLOSE_WAIT ? EPIPE : ECONNRESET,
                "reset by the peer (RFC 9293, 3.10.7.4, second)", now);
    return SEG_PROCESSED;
}

/* Third, security and compartment: ADR 0004. Fourth: */
static enum tcp_verdict check_syn(struct tcp *tcp, struct tcp_conn *conn, struct tcp_arrival *in,
                                  instant now)
{
    if (!(in->seg.flags & TCP_SYN))
        return SEG_CONTINUE;
    if (conn->state == TCPS_SYN_RECEIVED && conn->passive)
        tcp_end(tcp, conn, 0, "a different SYN: back to LISTEN (RFC 9293, 3.10.7.4, fourth)", now);
    else /* RFC 5961, 4.2 */
        tcp_owe_challenge(tcp, conn, WHY_OUT_ACK_CHALLENGE, now);
    return seg_dropped(in, DROP_TCP_SYN);
}

/* Between the checks, once the segment is believed (its ACK, too): TS.Recent follows the segments
 * that reach what we have acknowledged, so that an echo measures the segment that made us answer
 * (RFC 7323, 4.3).
 */
static enum tcp_verdict take_timestamp(struct tcp *tcp, struct tcp_conn *conn,
                                       struct tcp_arrival *in, instant now)
{
    const struct tcp_options *options = &in->seg.options;

    (void)tcp;
    if (conn->ts_ok && options->has_timestamps && seq_le(in->seg.seq, conn->last_ack) &&
        !is_older(conn, options, now)) {
        conn->ts_recent = options->ts_val;
        conn->ts_recent_s = instant_s(now);
    }
    return SEG_CONTINUE;
}

/* The array is the RFC's list, each function one item of it. A short loop runs them until one says
 * something other than SEG_CONTINUE. */
static tcp_step *const step[] = {
    check_sequence,    /* first                                              */
    check_rst,         /* second, with the challenge ACK of RFC 5961, 3      */
                       /* third, security and compartment: ADR 0004          */
    check_syn,         /* fourth                                             */
    tcp_check_ack,     /* fifth                                              */
    take_timestamp,    /* RFC 7323, 4.3                                      */
    tcp_ecn_take_mark, /* RFC 3168, 6.1.3                                    */
                       /* sixth, URG: urgent text is text in line            */
    tcp_take_text,     /* seventh; "text" is the RFC's word for data         */
    tcp_check_fin,     /* eighth                                             */
};

enum tcp_verdict tcp_synchronized_arrives(struct tcp *tcp, struct tcp_conn *conn,
                                          struct tcp_arrival *in, instant now)
{
    enum tcp_verdict verdict = SEG_CONTINUE;

    for (size_t i = 0; i < ARRAY_LEN(step) && verdict == SEG_CONTINUE; i++)
        verdict = step[i](tcp, conn, in, now);
    return verdict == SEG_CONTINUE ? SEG_PROCESSED : verdict;
}

/* --- SYN-RECEIVED in the SYN cache -------------------------------------------------------- */

/* May it complete the handshake? Then what it leads to must find a place to stay. */
static bool may_establish(const struct syn_entry *entry, const struct tcp_segment *seg)
{
    return (seg->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_ACK &&
           seq_eq(seg->ack, seq_add(entry->iss, 1));
}

/* A cookie that was sent before there was room for this entry comes back: the peer has chosen. */
static bool gives_way(struct tcp *tcp, struct syn_entry *entry, const struct tcp_arrival *in,
                      instant now)
{
    struct tcp_listener *listener = syn_listener(tcp, entry);

    if (may_establish(entry, &in->seg) || !tcp_cookie_of(tcp, listener, in, now))
        return false;
    struct tcp_conn *conn = syn_inflate(tcp, entry);
    tcp_end(tcp, conn, 0, "a SYN cookie comes back instead (RFC 4987, 3.6)", now);
    tcp_settle(tcp, conn, now);
    return true;
}

/* The same checks as for all others; tcp_settle() sees what has become of it. */
static enum tcp_verdict half_open_arrives(struct tcp *tcp, struct syn_entry *entry,
                                          struct tcp_arrival *in, instant now,
                                          struct tcp_conn **conn)
{
    *conn =
        may_establish(entry, &in->seg) ? syn_inflate_in_slot(tcp, entry) : syn_inflate(tcp, entry);
    return *conn ? tcp_synchronized_arrives(tcp, *conn, in, now)
                 : seg_dropped(in, DROP_TCP_NO_MEMORY);
}

/* --- the way in --------------------------------------------------------------------------- */

/* Ends the old incarnation and begins the new one above all that ours has used, too. The clock in
 * the initial sequence number sees to that by itself only below 250 KB/s. */
static enum tcp_verdict reopen(struct tcp *tcp, struct tcp_conn *old, struct tcp_arrival *in,
                               instant now, struct tcp_conn **made)
{
    tcp_seq used = old->snd.nxt;

    tcp_end(tcp, old, 0, "a new SYN reopens it (RFC 9293, MAY-2)", now);
    tcp_settle(tcp, old, now);
    *made = NULL;
    enum tcp_verdict verdict = tcp_listen_arrives(
        tcp, demux_listener(tcp, (struct endpoint){in->dst, in->seg.dst_port}), in, now, made);
    if (*made && !seq_lt(used, (*made)->iss))
        conn_start_at(*made, seq_add(used, 1 + ((*made)->iss.value & 0xffff)));
    return verdict;
}

static enum tcp_verdict arrives(struct tcp *tcp, struct tcp_arrival *in, instant now,
                                struct tcp_conn **conn)
{
    struct endpoint local = {in->dst, in->seg.dst_port};
    struct endpoint remote = {in->src, in->seg.src_port};

    *conn = demux_find(tcp, local, remote);
    struct tw_entry *waiting = *conn ? NULL : tw_find(tcp, local, remote);
    if (waiting) {
        *conn = tw_inflate(tcp, waiting);
        if (!*conn)
            return seg_dropped(in, DROP_TCP_NO_MEMORY);
    }
    if (*conn && tcp_may_reopen(tcp, *conn, &in->seg))
        return reopen(tcp, *conn, in, now, conn);
    if (*conn && (*conn)->state == TCPS_SYN_SENT)
        return syn_sent_arrives(tcp, *conn, in, now);
    if (*conn)
        return tcp_synchronized_arrives(tcp, *conn, in, now);
    struct syn_entry *entry = syn_find(tcp, local, remote);
    if (entry && !gives_way(tcp, entry, in, now))
        return half_open_arrives(tcp, entry, in, now, conn);
    struct tcp_listener *listener = demux_listener(tcp, local);
    return listener ? tcp_listen_arrives(tcp, listener, in, now, conn) : closed_arrives(in);
}

/* For TCP_INFO. */
static void count_segment(struct tcp_conn *conn, const struct tcp_arrival *in, size_t text_len,
                          instant now)
{
    conn->segments_in += in->segments;
    if (text_len == 0)
        return;
    conn->text_in += in->segments;
    conn->text_at_ms = instant_ms(now);
}

enum tcp_verdict tcp_segment_arrives(struct tcp *tcp, struct tcp_arrival *in, instant now)
{
    struct tcp_conn *conn = NULL;

    size_t text_len = in->seg.text.len; /* before it is cut */

    if (in->seg.options.malformed)
        events_count(tcp->events, COUNTER_TCP_BAD_OPTION);
    tcp->progress = false;
    enum tcp_verdict verdict = arrives(tcp, in, now, &conn);
    if (conn) {
        count_segment(conn, in, text_len, now);
        tcp->events->current.conn = conn->id;
        if (verdict == SEG_PROCESSED)
            tcp_keep_heard(tcp, conn, now);
        if (events_wanted(tcp->events)) {
            tcp_conn_facts(tcp, conn, &tcp->events->current.facts);
            tcp->events->current.has_facts = true;
        }
        tcp_settle(tcp, conn, now);
    }
    return verdict;
}
