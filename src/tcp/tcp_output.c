/*
 * tcp_output.c - what to send now, and why not.
 *
 * One question, asked until the answer is no: which segment does this connection owe next? The
 * answers are tried in the order of what the peer needs most: a reset, our SYN, a probe, what was
 * lost, new text, the FIN, and last a bare ACK, because any of the others would have carried it.
 *
 * Naming a segment changes nothing that matters; tcp_sent() does, in tcp_sent.c, once it has left.
 * So a full device leaves the debt where it was.
 *
 * A device that cuts big frames (tcp->big_frames) is handed as many segments of new text as could
 * leave one by one now, as one; each counts as a segment in what is told and learnt.
 *
 * Text waits for the peer's window (RFC 9293, 3.8.6), for cwnd (RFC 5681, 3.1), for a full segment
 * (Nagle, 3.7.4; silly windows, 3.8.6.2.1) or for the application (MSG_MORE). What held it is kept:
 * it is the reason of the segment that leaves when the waiting ends.
 */
#include "tcp/tcp_ecn.h"
#include "tcp/tcp_recovery.h"
#include "tcp/tcp_shape.h"

enum { TURN = 32 }; /* segments that one connection may send before the next has its turn */

/* --- each kind of debt -------------------------------------------------------------------------
 */

static void name_reset(struct tcp_conn *conn, struct tcp_out *out)
{
    /* A probe has put SND.NXT beyond a closed window; there the peer would not believe us. But our
     * SYN was in no window. */
    bool syn_in_flight = seq_eq(conn->snd.una, conn->iss);
    tcp_seq edge = seq_add(conn->snd.una, conn->snd.wnd);
    tcp_seq where = !syn_in_flight && seq_lt(edge, conn->snd.nxt) ? edge : conn->snd.nxt;

    shape_begin(conn, out, where, TCP_RST | TCP_ACK, (enum why)conn->rst_why);
    out->seg.ack = conn->rcv.nxt;
}

static void name_syn(const struct tcp *tcp, struct tcp_conn *conn, struct tcp_out *out)
{
    bool answer = conn->state == TCPS_SYN_RECEIVED;
    bool again = conn->syn_again;
    enum why why = answer ? (again ? WHY_OUT_SYN_ACK_AGAIN : WHY_OUT_SYN_ACK)
                          : (again ? WHY_OUT_SYN_AGAIN : WHY_OUT_SYN);

    shape_begin(conn, out, conn->iss, answer ? TCP_SYN | TCP_ACK : TCP_SYN, why);
    out->seg.flags |= tcp_ecn_of_syn(tcp, conn);
    out->seg.options = tcp_syn_options(tcp, conn);
    if (answer)
        shape_ack(conn, out, conn->rcv.nxt, false);
    else
        out->seg.window = (uint16_t)u32_min(conn->rcv.buffer, 65535);
    out->is_syn = true;
    out->is_retransmit = again;
    out->retransmits = conn->retransmits;
}

/* One octet at SND.UNA, which lies beyond the closed window: the peer must answer it. Or nothing,
 * at a number that it has acknowledged already, which it must answer, too. */
static void name_probe(struct tcp *tcp, struct tcp_conn *conn, struct tcp_out *out)
{
    assert(conn->sendq.len > 0 || conn->closing); /* else there is nothing to ask about */
    shape_begin(conn, out, conn->snd.una, TCP_ACK, WHY_OUT_PROBE);
    if (!tcp->values->tcp_probe_octet || !sender_has_room(tcp, conn))
        out->seg.seq = seq_sub(conn->snd.una, 1);
    else if (conn->sendq.len > 0)
        shape_text(conn, out, 0, 1);
    else
        out->seg.flags |= TCP_FIN;
    shape_ack(conn, out, conn->rcv.nxt, true);
    out->is_probe = true;
}

/* RFC 9293, 3.8.4: an empty segment before SND.NXT, which an answer corrects. */
static void name_keep_alive(struct tcp_conn *conn, struct tcp_out *out)
{
    shape_begin(conn, out, seq_sub(conn->snd.nxt, 1), TCP_ACK, WHY_OUT_KEEPALIVE);
    shape_ack(conn, out, conn->rcv.nxt, true);
}

static enum why why_again(const struct tcp_conn *conn, bool first)
{
    switch ((enum lost_by)conn->sender->lost_by) {
    case LOST_BY_TIMEOUT:
        return first ? WHY_OUT_RTO : WHY_OUT_AFTER_RTO;
    case LOST_BY_PROBE:
        return WHY_OUT_AFTER_PROBE;
    case LOST_BY_SIZE:
        return WHY_OUT_TOO_BIG;
    case LOST_BY_SACK:
        return conn->sender->prr.out == 0 ? WHY_OUT_FAST : WHY_OUT_SACK;
    case LOST_BY_DUPLICATES:
        break;
    }
    return conn->sender->newreno.partial_seen ? WHY_OUT_PARTIAL : WHY_OUT_FAST;
}

/* The first piece of what is taken for lost. Where nothing but it is in flight, it may grow to a
 * full segment with text that was never sent. */
static bool name_lost(struct tcp *tcp, struct tcp_conn *conn, instant now, struct tcp_out *out)
{
    const struct flight_range *range = flight_first_lost(&conn->sender->flight);
    tcp_seq from = range_start(range), end = range_end(range);
    bool to_the_end = seq_eq(end, conn->snd.nxt) && !conn->fin_sent;
    uint32_t len = text_in_window(conn, from);

    if (conn->snd.wnd <= seq_diff(from, conn->snd.una)) {
        conn->held = HELD_WINDOW;
        return false;
    }
    if (!to_the_end)
        len = u32_min(len, seq_diff(end, from));
    if (!tcp_may_repeat(conn, from, len)) {
        conn->held = HELD_CWND;
        return false;
    }
    if (!sender_keeps_pace(tcp, conn, len, now))
        return false;
    shape_repeat(conn, out, from, len, end, why_again(conn, seq_eq(from, conn->snd.una)));
    return true;
}

/* Does it leave for the first signs of a loss alone (RFC 3042)? */
static bool is_limited_transmit(const struct tcp_conn *conn, uint32_t len)
{
    const struct sender *s = conn->sender;

    if (!s || s->phase != PHASE_OPEN || s->newreno.recovering)
        return false;
    return seq_diff(conn->snd.nxt, conn->snd.una) + len > conn->cc.cwnd &&
           (s->newreno.duplicates > 0 || s->flight.sacked_octets > 0);
}

/* Why new text leaves just now: what it waited for has come. */
static enum why why_now(const struct tcp_conn *conn, uint32_t len, bool last)
{
    bool first_flight =
        conn->octets_acked == 0 && conn->held != HELD_WINDOW &&
        seq_diff(conn->snd.nxt, conn->iss) <= cc_initial_window(conn->snd_mss, conn->syn_lost);

    if (is_limited_transmit(conn, len))
        return WHY_OUT_LIMITED;
    if (first_flight && !last)
        return WHY_OUT_FIRST_FLIGHT;
    switch ((enum held_by)conn->held) {
    case HELD_CWND:
        return conn->clocked >= len ? WHY_OUT_ACK_CLOCKED : WHY_OUT_CWND_GREW;
    case HELD_WINDOW:
        return WHY_OUT_WINDOW_OPENED;
    case HELD_NAGLE:
        return WHY_OUT_NAGLE_ENDED;
    case HELD_SILLY_WINDOW:
    case HELD_CORK:
        return conn->override ? WHY_OUT_OVERRIDE : WHY_OUT_WRITTEN;
    case HELD_PACE:
        return WHY_OUT_PACED;
    case HELD_NO_TEXT:
    case HELD_MEMORY:
        break;
    }
    return last ? WHY_OUT_PUSHED : WHY_OUT_WRITTEN;
}

/* May `len` of `unsent` octets leave as they are? (RFC 9293, 3.8.6.2.1 and 3.7.4: SHLD-7) */
static bool is_worth_sending(const struct tcp *tcp, struct tcp_conn *conn, uint32_t len,
                             uint32_t unsent, uint32_t usable)
{
    bool idle = seq_eq(conn->snd.una, conn->snd.nxt);
    bool waits = tcp->values->tcp_minshall ? conn_has_small(conn) : !idle;

    if (len >= full_segment_len(conn) || (len > 0 && conn->override))
        return true;
    if (len < unsent) { /* the window cuts it short */
        conn->held = usable == 0 ? HELD_WINDOW : HELD_SILLY_WINDOW;
        return len > 0 && (idle || conn->no_delay) && len >= conn->snd.wnd_max / 2;
    }
    if (conn->closing) /* nothing will join it */
        return true;
    if (conn->corked || conn->cork) {
        conn->held = HELD_CORK;
        return false;
    }
    if (!conn->no_delay && waits) {
        conn->held = HELD_NAGLE;
        return false;
    }
    return true;
}

/* Octets that may be in flight now. */
static uint32_t allowed(const struct tcp_conn *conn)
{
    const struct sender *s = conn->sender;

    return conn->cc.cwnd + (s ? newreno_extra(&s->newreno, conn->snd_mss) : 0);
}

/* Text that was never sent: `len` octets at SND.NXT, more than a segment holds if several may go
 * as one. */
static void new_text(struct tcp_conn *conn, struct tcp_out *out, uint32_t len, uint32_t usable,
                     enum why why)
{
    uint32_t sent = conn_text_sent(conn), unsent = conn->sendq.len - sent;

    shape_begin(conn, out, conn->snd.nxt, TCP_ACK, why);
    tcp_ecn_mark(conn, out);
    shape_segments(conn, out, sent, len, full_segment_len(conn));
    if (out->seg.text.len == unsent) {
        out->seg.flags |= TCP_PSH; /* (MUST-61) */
        if (conn->closing && usable > len)
            out->seg.flags |= TCP_FIN;
    }
    shape_ack(conn, out, conn->rcv.nxt, true);
}

/* A full segment may leave now: how much text may, in one frame? Whole segments; and a short one
 * behind them if it is the last of the text and need not wait for more. */
static uint32_t text_of_frame(const struct tcp *tcp, const struct tcp_conn *conn, uint32_t full,
                              uint32_t unsent, uint32_t usable, instant now)
{
    uint32_t inflight = conn_inflight(conn);
    uint32_t may = allowed(conn);
    uint32_t len = u32_min(u32_min(unsent, usable), TCP_BIG_TEXT);

    if (!tcp->big_frames || conn->ip_options || conn->cwr_owed || may < inflight + 2 * full)
        return full;
    len = u32_min(len, may - inflight);
    if (conn->sender)
        len = u32_min(len, pacing_room(&conn->sender->pacing, conn->snd_mss, now));
    bool waits = !conn->no_delay && (!tcp->values->tcp_minshall || conn_has_small(conn));
    bool has_tail = len == unsent && (conn->closing || !(waits || conn->corked || conn->cork));
    return u32_max(full, has_tail ? len : len / full * full);
}

/* Has it been silent for longer than the timeout, so that what cwnd tells of the path is old? */
static bool was_idle(const struct tcp *tcp, const struct tcp_conn *conn, instant now)
{
    if (!tcp->values->tcp_idle_restart || !seq_eq(conn->snd.una, conn->snd.nxt) ||
        conn->octets_acked == 0)
        return false;
    struct rto_limits limits = tcp_rto_limits(tcp);
    return instant_since_ms(now, conn->sent_ms) > rto_current(&conn->rto, &limits);
}

static bool name_text(struct tcp *tcp, struct tcp_conn *conn, instant now, struct tcp_out *out)
{
    uint32_t unsent = conn->sendq.len - conn_text_sent(conn);

    if (unsent == 0) {
        conn->held = HELD_NO_TEXT;
        conn->clocked = 0;
        return false;
    }
    uint32_t usable = usable_window_len(conn), full = full_segment_len(conn);
    uint32_t len = u32_min(u32_min(unsent, full), usable);
    if (!is_worth_sending(tcp, conn, len, unsent, usable))
        return false;
    if (was_idle(tcp, conn, now) && cc_on_idle(&conn->cc))
        tcp_tell_cwnd(tcp, conn, "idle for longer than the timeout (RFC 5681, 4.1)", now);
    if (tcp_ecn_waits(conn) ||
        (conn_inflight(conn) + len > allowed(conn) && conn_inflight(conn) > 0)) {
        conn->held = HELD_CWND;
        return false;
    }
    if (!sender_has_room(tcp, conn)) {
        conn->held = HELD_MEMORY;
        return false;
    }
    if (!sender_keeps_pace(tcp, conn, len, now))
        return false;
    if (len == full)
        len = text_of_frame(tcp, conn, full, unsent, usable, now);
    new_text(conn, out, len, usable, why_now(conn, len, len == unsent));
    return true;
}

/* RFC 8985, 7.3: a segment beyond cwnd, of new text if there is any and the window takes it, else
 * the last one again, unless the peer has taken its window back; in recovery too (RFC 6675, 4,
 * NextSeg(), rule 4). */
static bool name_tail_probe(struct tcp *tcp, struct tcp_conn *conn, struct tcp_out *out)
{
    bool rescue = conn->sender->phase == PHASE_RECOVERY;
    enum why why = rescue ? WHY_OUT_RESCUE : WHY_OUT_TAIL_PROBE;
    uint32_t usable = usable_window_len(conn);
    uint32_t len = u32_min(u32_min(tcp_unsent(conn), full_segment_len(conn)), usable);

    conn->sender->probe.is_owed &= conn_inflight(conn) > 0 && conn_lost(conn) == 0;
    if (!conn->sender->probe.is_owed)
        return false;
    if (len > 0 && sender_has_room(tcp, conn)) {
        new_text(conn, out, len, usable, WHY_OUT_TAIL_PROBE);
    } else {
        tcp_seq from = tcp_tail_start(conn);
        if (conn->snd.wnd <= seq_diff(from, conn->snd.una)) {
            conn->sender->probe.is_owed = false;
            return false;
        }
        tcp_seq end = range_end(flight_last_missing(&conn->sender->flight));
        shape_repeat(conn, out, from, u32_min(text_in_window(conn, from), seq_diff(end, from)), end,
                     why);
    }
    out->is_tail_probe = !rescue;
    out->is_rescue = rescue;
    return true;
}

static bool name_fin(struct tcp *tcp, struct tcp_conn *conn, struct tcp_out *out)
{
    if (!conn->closing || conn->fin_sent || conn->sendq.len > conn_text_sent(conn))
        return false;
    if (usable_window_len(conn) == 0) {
        conn->held = HELD_WINDOW;
        return false;
    }
    if (!sender_has_room(tcp, conn)) {
        conn->held = HELD_MEMORY;
        return false;
    }
    shape_begin(conn, out, conn->snd.nxt, TCP_FIN | TCP_ACK, WHY_OUT_FIN);
    shape_ack(conn, out, conn->rcv.nxt, true);
    return true;
}

static bool name_ack(struct tcp_conn *conn, struct tcp_out *out)
{
    if (!conn->ack_due && !conn->window_owed)
        return false;
    enum why why = conn->ack_due ? (enum why)conn->ack_why : WHY_OUT_WINDOW;
    shape_begin(conn, out, conn->snd.nxt, TCP_ACK, why);
    shape_ack(conn, out, conn->rcv.nxt, why != WHY_OUT_ACK_DUPLICATE);
    return true;
}

/* What is lost goes before what is new, unless F-RTO asks for the new (RFC 5682, step 2b). If none
 * of that may leave, there is nothing to ask with (step 2a). */
static bool name_of_flight(struct tcp *tcp, struct tcp_conn *conn, instant now, struct tcp_out *out)
{
    const struct sender *s = conn->sender;

    if (s && s->probe.is_owed && name_tail_probe(tcp, conn, out))
        return true;
    bool asks = s && s->frto == FRTO_NEW_TEXT;
    if (conn_lost(conn) > 0 && !asks)
        return name_lost(tcp, conn, now, out);
    if (name_text(tcp, conn, now, out) || name_fin(tcp, conn, out))
        return true;
    return asks && conn_lost(conn) > 0 && seq_eq(conn->snd.nxt, s->recover) &&
           name_lost(tcp, conn, now, out);
}

static bool name_segment(struct tcp *tcp, struct tcp_conn *conn, instant now, struct tcp_out *out)
{
    bool may_send = tcp_state_can_send((enum tcp_state)conn->state);

    if (conn->rst_why != WHY_NONE)
        return name_reset(conn, out), true;
    if (conn->syn_owed)
        return name_syn(tcp, conn, out), true;
    if (conn->state == TCPS_SYN_SENT)
        return false;
    if (conn->probe_owed)
        return name_probe(tcp, conn, out), true;
    if (may_send && name_of_flight(tcp, conn, now, out))
        return true;
    if (conn->keep_owed)
        return name_keep_alive(conn, out), true;
    return name_ack(conn, out);
}

/* --- connections in turn ------------------------------------------------------------------ */

static bool name_note(struct tcp *tcp, struct tcp_out *out)
{
    for (; tcp->notes_paid < tcp->note_count; tcp->notes_paid++) {
        const struct ack_note *note = &tcp->notes[tcp->notes_paid];
        struct tcp_conn *conn = note->conn;
        if (!conn || conn->state == TCPS_CLOSED)
            continue;
        shape_begin(conn, out, conn->snd.nxt, TCP_ACK, note->why);
        out->seg.flags |= note->flags;
        shape_ack(conn, out, note->ack, note->why != WHY_OUT_ACK_DUPLICATE);
        out->seg.options.sack_count = note->sack_count;
        memcpy(out->seg.options.sack, note->sack, sizeof note->sack);
        out->is_note = true;
        return true;
    }
    tcp->note_count = tcp->notes_paid = 0;
    return false;
}

/* What every segment of a connection carries, whatever it is for: the time (RFC 7323, 3.2) and,
 * with an ACK, what we have beyond it (RFC 2018, 4). A SYN has its own options; a reset says no
 * more than the time. */
static void add_options(const struct tcp_conn *conn, struct tcp_out *out, instant now)
{
    struct tcp_options *options = &out->seg.options;

    if (conn->ip_options)
        out->ip_options = &conn->tuning->ip_options;
    if (!out->is_syn) {
        options->has_timestamps = conn->ts_ok;
        if (!out->is_note && !(out->seg.flags & TCP_RST)) {
            options->sack_count = tcp_sack_blocks(conn, options->sack);
            out->seg.flags |= tcp_ecn_echo(conn);
        }
    }
    if (options->has_timestamps) {
        options->ts_val = conn_timestamp(conn, now);
        options->ts_ecr = out->seg.flags & TCP_ACK ? conn->ts_recent : 0; /* (RFC 7323, 3.2) */
    }
}

void tcp_answer_syn(const struct tcp *tcp, struct tcp_conn *conn, instant now,
                    struct tcp_arrival *in)
{
    struct tcp_out out;

    name_syn(tcp, conn, &out);
    add_options(conn, &out, now);
    in->answer = out.seg;
    in->answer_tos = out.tos;
    in->answer_ttl = out.ttl;
}

/* Nothing may leave now. If no ACK can change that, because nothing is in flight, a timer must. */
static void wait_for_window(struct tcp *tcp, struct tcp_conn *conn, instant now)
{
    bool may_send = tcp_state_can_send((enum tcp_state)conn->state);

    list_remove(&conn->debt);
    if (may_send)
        tcp_tell_held(tcp, conn, now);
    if (conn->held == HELD_PACE && conn->sender)
        wheel_arm_by(tcp->wheel, &conn->timer, conn->sender->pace_at);
    bool closed_since = conn->snd.wnd == 0 && !conn->persisting && /* the override timer waits */
                        seq_eq(conn->snd.una, conn->snd.nxt);
    if (!may_send || !(instant_is_never(conn->retransmit_at) || closed_since))
        return;
    if (conn->snd.wnd == 0) {
        tcp_arm_retransmit(tcp, conn, now);
    } else if (conn->held == HELD_SILLY_WINDOW || conn->held == HELD_CORK ||
               conn->held == HELD_WINDOW || conn->held == HELD_MEMORY) {
        conn->retransmit_at = instant_add(now, tcp->values->tcp_override);
        events_timer(tcp->events, conn->id, TIMER_OVERRIDE, conn->retransmit_at, now);
    }
    if (!instant_is_never(conn->retransmit_at))
        wheel_arm_by(tcp->wheel, &conn->timer, conn->retransmit_at);
}

/* Half-open connections first: what they owe is small and each of them is counted. */
static bool name_half_open(struct tcp *tcp, instant now, struct tcp_out *out)
{
    struct tcp_conn *conn;

    while (!chain_is_empty(&tcp->syn.debts, SYN_DEBTORS) && (conn = syn_next_debtor(tcp))) {
        if (name_segment(tcp, conn, now, out))
            return true;
        syn_forgive(tcp);
    }
    return false;
}

/* The next segment, but for what all of them carry. */
static bool name_next(struct tcp *tcp, instant now, struct tcp_out *out)
{
    if (name_note(tcp, out) || name_half_open(tcp, now, out))
        return true;
    while (!list_is_empty(&tcp->debtors)) {
        struct tcp_conn *conn = CONTAINER_OF(tcp->debtors.next, struct tcp_conn, debt);
        if (tcp->turn >= TURN) {
            tcp->turn = 0;
            list_remove(&conn->debt);
            list_append(&tcp->debtors, &conn->debt);
            conn = CONTAINER_OF(tcp->debtors.next, struct tcp_conn, debt);
        }
        if (name_segment(tcp, conn, now, out))
            return true;
        tcp->turn = 0;
        wait_for_window(tcp, conn, now);
    }
    return false;
}

bool tcp_output(struct tcp *tcp, instant now, struct tcp_out *out)
{
    if (!name_next(tcp, now, out))
        return false;
    add_options(out->conn, out, now);
    return true;
}

void tcp_out_first(struct tcp_out *out)
{
    uint32_t left = out->each;

    if (!left)
        return;
    out->seg.text.len = left;
    out->seg.flags &= (uint8_t) ~(TCP_FIN | TCP_PSH);
    for (int i = 0; i < out->iovcnt; i++) {
        out->iov[i].iov_len = size_min(out->iov[i].iov_len, left);
        left -= (uint32_t)out->iov[i].iov_len;
        if (left == 0)
            out->iovcnt = i + 1;
    }
    out->each = 0;
}
