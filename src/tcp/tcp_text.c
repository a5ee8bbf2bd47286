/*
 * tcp_text.c - the seventh and eighth checks of SEGMENT ARRIVES: text and FIN (RFC 9293, 3.10.7.4).
 *
 * A segment is cut to what is new and inside the window. What begins at RCV.NXT is delivered, what
 * begins later waits in the reorder queue, and a FIN counts only once every octet before it has
 * come (otherwise a download would look complete with a hole in it).
 *
 * How soon it is acknowledged (RFC 9293, 3.8.6.3; RFC 5681, 4.2): out of order, or filling a hole,
 * at once and by an ACK of its own; in order, when two full-sized segments are waiting or the
 * connection is young; else within tcp.delayed_ack.
 */
#include "tcp/tcp_ecn.h"

/* Text in order is kept only while the frame pool has an eighth to spare: what the protocol needs
 * to go on (ACKs, resets, ARP) must always find a buffer. Text out of order is kept only in the
 * first half, for it may stay for long and must not keep others' text in order away. */
static bool memory_is_short(const struct frame_pool *pool)
{
    return pool->charged > pool->cap - pool->cap / 8;
}

static bool memory_is_half_gone(const struct frame_pool *pool)
{
    return pool->charged > pool->cap / 2;
}

/* Cuts away what is before RCV.NXT or beyond the window; the FIN goes with the octets before it. */
static void trim(struct tcp *tcp, struct tcp_conn *conn, struct tcp_segment *seg)
{
    if (seq_lt(seg->seq, conn->rcv.nxt)) {
        uint32_t old = seq_diff(conn->rcv.nxt, seg->seq);
        assert(old <= seg->text.len); /* else check_sequence() had refused it */
        tcp_note_duplicate(tcp, conn, seg->seq, conn->rcv.nxt);
        seg->text = bytes_skip(seg->text, old);
        seg->seq = conn->rcv.nxt;
        events_count(tcp->events, COUNTER_TCP_TRIMMED);
    }
    tcp_seq end =
        conn->fin_early ? conn->receiver->fin : conn->rcv.edge; /* nothing is behind a FIN */
    uint32_t room = seq_lt(seg->seq, end) ? seq_diff(end, seg->seq) : 0;
    if (tcp_seg_len(seg) > room) {
        if (!conn->fin_early || seg->text.len > room) /* else it is the FIN that we know */
            seg->flags &= (uint8_t)~TCP_FIN;
        seg->text = bytes_first(seg->text, room);
        events_count(tcp->events, COUNTER_TCP_TRIMMED);
    }
}

static void deliver(struct tcp_conn *conn, struct frame *frame)
{
    uint32_t len = frame->len;

    conn->rcv.nxt = seq_add(conn->rcv.nxt, len);
    conn->octets_received += len;
    recvq_append(&conn->recvq, frame);
    conn->more_text = true;
}

/* When the ACK of text in order leaves. */
static void schedule_ack(struct tcp *tcp, struct tcp_conn *conn, uint32_t len, instant now)
{
    conn->rcv_full = (uint16_t)u32_max(conn->rcv_full, u32_min(len, conn->rcv_mss));
    conn->unacked += len;
    const uint32_t segments = /* most come as one */
        len <= conn->rcv_full ? 1 : (len + conn->rcv_full - 1) / conn->rcv_full;
    conn->unacked_segments = (uint16_t)(conn->unacked_segments + segments);
    if (conn->unacked_segments >= tcp->values->tcp_ack_segments ||
        conn->unacked >= (uint64_t)tcp->values->tcp_ack_octets) {
        tcp_owe_ack_note(tcp, conn,
                         tcp->values->tcp_ack_segments > 2 ? WHY_OUT_ACK_STRETCH
                                                           : WHY_OUT_ACK_SECOND);
    } else if (conn->unacked >= 2u * conn->rcv_full) {
        tcp_owe_ack(conn, WHY_OUT_ACK_SECOND);
    } else if (conn->quick_acks > 0 && !conn->pingpong) {
        conn->quick_acks--;
        tcp_owe_ack(conn, WHY_OUT_ACK_QUICK);
    } else if (instant_is_never(conn->ack_at)) {
        conn->ack_at = instant_add(now, tcp->values->tcp_delayed_ack);
        events_timer(tcp->events, conn->id, TIMER_DELAYED_ACK, conn->ack_at, now);
    }
}

static struct reorder_limits reorder_limits(struct tcp *tcp)
{
    return (struct reorder_limits){&tcp->islands, &tcp->prng,
                                   (uint32_t)tcp->values->tcp_reorder_islands,
                                   (uint32_t)tcp->values->tcp_reorder_memory};
}

/* Delivers what waits at RCV.NXT. */
static void deliver_early(struct tcp *tcp, struct tcp_conn *conn, struct reorder *early)
{
    struct reorder_limits limits = reorder_limits(tcp);
    struct frame *piece;

    while ((piece = reorder_take(early, &limits, conn->rcv.nxt)))
        deliver(conn, piece);
}

/* Delivers text at RCV.NXT, and with it what waited for it. Where an island has an octet already,
 * that copy is the one that counts: of the segment only the gaps between the islands are taken.
 * False when memory was short before all of it was taken. Takes the frame's reference. */
static bool fill_gaps(struct tcp *tcp, struct tcp_conn *conn, struct frame *frame,
                      struct bytes text)
{
    struct reorder *early = conn_has_early(conn) ? &conn->receiver->reorder : NULL;
    tcp_seq begin = conn->rcv.nxt;
    tcp_seq end = seq_add(begin, (uint32_t)text.len);

    while (seq_lt(conn->rcv.nxt, end)) {
        tcp_seq to = end;
        bool last = !early || !reorder_first(early, &to) || !seq_lt(to, end);
        struct bytes part = bytes_skip(text, seq_diff(conn->rcv.nxt, begin));
        if (!last)
            part = bytes_first(part, seq_diff(to, conn->rcv.nxt));

        struct frame *piece = last ? frame_compact(frame, part) : frame_copy(frame->home, part);
        if (last)
            frame = NULL;
        if (!piece) {
            frame_put(frame);
            return false;
        }
        deliver(conn, piece);
        if (early)
            deliver_early(tcp, conn, early);
    }
    frame_put(frame);
    return true;
}

/* What of the segment waits here already came twice (RFC 2883, 4). */
static void note_overlap(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *seg)
{
    tcp_seq end = seq_add(seg->seq, (uint32_t)seg->text.len);
    struct tcp_block twice;

    if (reorder_overlap(&conn->receiver->reorder, seg->seq, end, &twice))
        tcp_note_duplicate(tcp, conn, twice.left, twice.right);
}

static enum tcp_verdict take_in_order(struct tcp *tcp, struct tcp_conn *conn,
                                      struct tcp_arrival *in, instant now)
{
    struct frame *frame = in->frame;
    uint32_t len = (uint32_t)in->seg.text.len;

    if (memory_is_short(frame->home)) /* what waits for a hole gives way to what fills it */
        receiver_flush(tcp, conn);
    if (memory_is_short(frame->home)) {
        tcp_owe_ack(conn, WHY_OUT_ACK_OLD);
        in->drop = DROP_TCP_NO_MEMORY;
        return SEG_DROPPED;
    }
    bool filled = conn_has_early(conn);
    if (filled)
        note_overlap(tcp, conn, &in->seg);
    in->frame = NULL;
    if (!fill_gaps(tcp, conn, frame, in->seg.text)) {
        tcp_owe_ack(conn, WHY_OUT_ACK_OLD);
        in->drop = DROP_TCP_NO_MEMORY;
        return SEG_DROPPED;
    }
    if (filled) {
        tcp_owe_ack_note(tcp, conn, WHY_OUT_ACK_FILLED);
        events_note(tcp->events, WHY_IN_TEXT_FILLS);
        return SEG_CONTINUE;
    }
    schedule_ack(tcp, conn, len, now);
    events_note(tcp->events, in->seg.flags & TCP_PSH ? WHY_IN_TEXT_PUSH : WHY_IN_TEXT);
    return SEG_CONTINUE;
}

/* DROP_NONE when some of it is kept. */
static enum drop keep_early(struct tcp *tcp, struct tcp_conn *conn, struct tcp_arrival *in)
{
    struct reorder_limits limits = reorder_limits(tcp);
    struct frame *frame = in->frame;
    uint32_t new_octets = 0;

    if (memory_is_half_gone(frame->home))
        return DROP_TCP_NO_MEMORY;
    if (!receiver_need(tcp, conn))
        return DROP_TCP_REORDER_CAP;
    in->frame = NULL;
    if (!reorder_insert(&conn->receiver->reorder, &limits, conn->rcv.nxt, in->seg.seq, frame,
                        in->seg.text, &new_octets) &&
        new_octets == 0)
        return DROP_TCP_REORDER_CAP;
    return DROP_NONE;
}

/* Whatever becomes of it, it owes an ACK, which tells of what is kept (RFC 5681, 4.2). */
static enum tcp_verdict take_early(struct tcp *tcp, struct tcp_conn *conn, struct tcp_arrival *in)
{
    events_count(tcp->events, COUNTER_TCP_OOO);
    conn->early_in++;
    if (conn_has_early(conn))
        note_overlap(tcp, conn, &in->seg);
    in->drop = keep_early(tcp, conn, in);
    tcp_owe_ack_note(tcp, conn, WHY_OUT_ACK_DUPLICATE);
    if (in->drop)
        return SEG_DROPPED;
    events_note(tcp->events, WHY_IN_TEXT_EARLY);
    return SEG_CONTINUE;
}

enum tcp_verdict tcp_take_text(struct tcp *tcp, struct tcp_conn *conn, struct tcp_arrival *in,
                               instant now)
{
    struct tcp_segment *seg = &in->seg;

    if (!tcp_state_can_receive((enum tcp_state)conn->state)) { /* a FIN came before it: ignore it */
        if (tcp_seg_len(seg) > 0)
            tcp_owe_ack(conn, WHY_OUT_ACK_OLD);
        return SEG_PROCESSED;
    }
    trim(tcp, conn, seg);
    if (seg->text.len == 0)
        return SEG_CONTINUE;
    if (conn_is_orphan(conn)) { /* RFC 9293, 3.6.1: the peer must know that nobody reads it */
        tcp_end(tcp, conn, 0, "text came after the application closed (RFC 9293, 3.6.1)", now);
        in->drop = DROP_TCP_ORPHAN;
        return SEG_REFUSED;
    }
    if (seq_eq(seg->seq, conn->rcv.nxt))
        return take_in_order(tcp, conn, in, now);
    return take_early(tcp, conn, in);
}

/* A segment owes one ACK (RFC 5681, 4.2): if its text has owed one already, that one tells of the
 * FIN. */
static void acknowledge_fin(struct tcp *tcp, struct tcp_conn *conn)
{
    struct ack_note *last = tcp->note_count > 0 ? &tcp->notes[tcp->note_count - 1] : NULL;

    if (last && last->conn == conn && seq_eq(seq_add(last->ack, 1), conn->rcv.nxt)) {
        last->ack = conn->rcv.nxt;
        last->why = WHY_OUT_ACK_FIN;
        last->flags = tcp_ecn_echo(conn);
        if (last->sack_count > 0) /* what waited behind the FIN is gone; a D-SACK may stay */
            last->sack_count = seq_le(last->sack[0].right, conn->rcv.nxt);
        return;
    }
    tcp_owe_ack(conn, WHY_OUT_ACK_FIN);
}

/* A FIN beyond a hole. Without memory it is not known, and will come again. */
static void keep_fin(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *seg,
                     tcp_seq fin)
{
    if (receiver_need(tcp, conn)) {
        conn->fin_early = true;
        conn->receiver->fin = fin;
    }
    if (seg->text.len == 0) /* else its text has owed one */
        tcp_owe_ack_note(tcp, conn, WHY_OUT_ACK_DUPLICATE);
    events_note(tcp->events, WHY_IN_TEXT_EARLY);
}

enum tcp_verdict tcp_check_fin(struct tcp *tcp, struct tcp_conn *conn, struct tcp_arrival *in,
                               instant now)
{
    const struct tcp_segment *seg = &in->seg;
    tcp_seq fin = seq_add(seg->seq, (uint32_t)seg->text.len);
    bool is_next = conn->fin_early && seq_eq(conn->receiver->fin, conn->rcv.nxt);

    if (seg->flags & TCP_FIN && seq_eq(fin, conn->rcv.nxt))
        is_next = true;
    else if (seg->flags & TCP_FIN && !conn->fin_early) /* the first one wins, like any octet */
        keep_fin(tcp, conn, seg, fin);
    if (!is_next)
        return SEG_PROCESSED;

    conn->fin_early = false;
    conn->peer_fin = true;
    conn->rcv.nxt = seq_add(conn->rcv.nxt, 1);
    conn->rcv.edge = seq_max(conn->rcv.edge, conn->rcv.nxt);
    receiver_flush(tcp, conn); /* nothing is behind a FIN */
    acknowledge_fin(tcp, conn);
    events_note(tcp->events, WHY_IN_FIN);
    conn->changed = true;
    if (conn->state == TCPS_ESTABLISHED || conn->state == TCPS_SYN_RECEIVED)
        tcp_set_state(tcp, conn, TCPS_CLOSE_WAIT, "the peer closed (RFC 9293, 3.10.7.4, eighth)",
                      now);
    else if (conn->state ==
             TCPS_FIN_WAIT_1) /* our FIN is not acknowledged, or we were in FIN-WAIT-2 */
        tcp_set_state(tcp, conn, TCPS_CLOSING, "both ends closed (RFC 9293, 3.6)", now);
    else if (conn->state == TCPS_FIN_WAIT_2)
        tcp_time_wait(tcp, conn, "the peer closed too (RFC 9293, 3.10.7.4, eighth)", now);
    return SEG_PROCESSED;
}
