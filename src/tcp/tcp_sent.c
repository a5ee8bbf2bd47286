/*
 * tcp_sent.c - what a segment that has left changes: SND.NXT, what was owed, the timers.
 *
 * tcp_output() only names the next segment. Once the device has taken it, tcp_sent() books it. A
 * segment that was refused has changed nothing and is named again.
 */
#include "tcp/tcp_ecn.h"
#include "tcp/tcp_recovery.h"

static void sent_ack(struct tcp *tcp, struct tcp_conn *conn, instant now)
{
    if (!instant_is_never(conn->ack_at))
        events_timer(tcp->events, conn->id, TIMER_DELAYED_ACK, INSTANT_NEVER, now);
    conn->ack_due = false;
    conn->ack_at = INSTANT_NEVER;
    conn->unacked = 0;
    conn->unacked_segments = 0;
    conn->window_owed = false;
    conn->has_dsack = false;
}

static void log_retransmission(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_out *out,
                               instant now)
{
    conn->total_retransmits++;
    conn->octets_again += out->seg.text.len;
    events_count(tcp->events, COUNTER_TCP_RETRANSMITS);
    events_emit(
        tcp->events,
        &(struct event){.type = EVENT_RETRANSMIT,
                        .conn = conn->id,
                        .when = now,
                        .retransmit = {out->seg.seq.value, (uint32_t)out->seg.text.len, out->why,
                                       out->retransmits, conn->local, conn->remote}});
}

/* The scoreboard: what is new is in flight now, and what was lost is again. */
static void book_text(struct tcp_conn *conn, const struct tcp_out *out, instant now)
{
    tcp_seq end = seq_add(out->seg.seq, tcp_seg_len(&out->seg));
    tcp_seq old_end = seq_min(end, conn->snd.nxt);
    uint32_t old = seq_lt(out->seg.seq, old_end) ? seq_diff(old_end, out->seg.seq) : 0;

    if (old > 0 && (out->is_tail_probe || out->is_rescue))
        tcp_repeat_tail(conn, out->seg.seq);
    if (old > 0 && !out->is_probe) {
        sender_sent_again(conn, old, now);
        if (conn->sender->phase == PHASE_RECOVERY)
            prr_sent(&conn->sender->prr, old);
        if (!out->is_tail_probe)
            tcp_note_repeated(conn, out->seg.seq, old, now);
    }
    if (seq_lt(conn->snd.nxt, end)) {
        uint32_t new = seq_diff(end, conn->snd.nxt);
        sender_sent(conn, new, now);
        conn->snd.nxt = end;
        conn->new_ms = instant_ms(now);
        if (conn->sender->phase == PHASE_RECOVERY)
            prr_sent(&conn->sender->prr, new);
    }
    if (out->is_rescue)
        tcp_rescue_sent(conn);
    if (out->is_tail_probe)
        tcp_tail_probe_sent(conn, old > 0);
}

/* SND.NXT moves over what was new in it. */
static void sent_text(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_out *out,
                      instant now)
{
    tcp_seq end = seq_add(out->seg.seq, tcp_seg_len(&out->seg));
    uint32_t text_len = (uint32_t)out->seg.text.len;
    bool was_idle = seq_eq(conn->snd.una, conn->snd.nxt);
    bool is_new = seq_lt(conn->snd.nxt, end);

    if (out->is_retransmit || out->is_probe) {
        if (!out->is_probe)
            log_retransmission(tcp, conn, out, now);
        conn->timing = false; /* Karn: a sample over it would be ambiguous (RFC 6298, 3) */
    } else if (!conn->timing && is_new) {
        conn->timing = true;
        conn->sender->timed = end;
        conn->timed_at = now;
    }
    book_text(conn, out, now);
    if (out->seg.flags & TCP_PSH)
        conn->sender->push_end = seq_max(conn->sender->push_end, seq_add(out->seg.seq, text_len));
    if (is_new && !out->is_probe)
        tcp_tell_resumed(tcp, conn, now);
    if (is_new && text_len > 0) {
        uint32_t last_len = text_len - (tcp_out_segments(out) - 1) * out->each;
        if (last_len + tcp_sack_len(out->seg.options.sack_count) < conn->snd_mss)
            conn->sender->small_end = end;
        if (conn_inflight(conn) + conn->snd_mss > conn->cc.cwnd)
            conn->sender->full_end = end;
        conn->pingpong |= tcp->values->tcp_pingpong &&
                          instant_since_ms(now, conn->text_at_ms) < tcp->values->tcp_delayed_ack;
    }
    if (out->why == WHY_OUT_LIMITED)
        conn->sender->newreno.limited += text_len;
    if (!out->is_retransmit && !out->is_probe)
        conn->clocked -= u32_min(conn->clocked, text_len);
    conn->override = false;
    conn->sent_ms = instant_ms(now);
    if (was_idle && !out->is_probe)
        conn->since_ms = instant_ms(now);
    tcp_feed(conn);
    /* RFC 6298, 5.1; and what SND.UNA waits for has its time from when recovery has sent it again,
     * as Linux has it: the path may have become slower since the timer was set */
    bool repairs = out->is_retransmit && conn->sender && conn->sender->phase == PHASE_RECOVERY &&
                   seq_eq(out->seg.seq, conn->snd.una);
    if (instant_is_never(conn->retransmit_at) || was_idle || repairs)
        tcp_arm_retransmit(tcp, conn, now);
    if (conn->sender && (is_new || conn->sender->phase == PHASE_RECOVERY))
        tcp_arm_tail_probe(tcp, conn, now);
}

static void sent_fin(struct tcp *tcp, struct tcp_conn *conn, instant now)
{
    if (conn->fin_sent)
        return;
    conn->fin_sent = true;
    if (conn->state == TCPS_CLOSE_WAIT)
        tcp_set_state(tcp, conn, TCPS_LAST_ACK, "our FIN is out (RFC 9293, 3.10.4)", now);
}

static void sent_syn(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_out *out, instant now)
{
    conn->syn_owed = false;
    conn->snd.nxt = seq_add(conn->iss, 1);
    if (out->is_retransmit) {
        log_retransmission(tcp, conn, out, now);
    } else if (!conn->timing) {
        conn->timing = true;
        conn->timed_at = now;
        tcp_arm_retransmit(tcp, conn, now);
    }
    if (instant_is_never(conn->retransmit_at))
        tcp_arm_retransmit(tcp, conn, now);
}

void tcp_sent(struct tcp *tcp, const struct tcp_out *out, instant now)
{
    struct tcp_conn *conn = out->conn;

    uint32_t segments = tcp_out_segments(out);

    tcp->turn += (int)segments;
    conn->segments_out += segments;
    conn->text_out += out->seg.text.len > 0 ? segments : 0;
    if (out->seg.flags & TCP_RST) {
        events_count(tcp->events, COUNTER_TCP_RST_OUT);
        tcp_tell_reset(tcp, conn, true, out->why, now);
        conn->rst_why = WHY_NONE;
        list_remove(&conn->debt);
        tcp_settle(tcp, conn, now);
        return;
    }
    if (out->seg.flags & TCP_ACK)
        conn->last_ack = seq_max(conn->last_ack, out->seg.ack);
    if (out->is_note) {
        tcp->notes_paid++;
        conn->ack_notes--;
        tcp_settle(tcp, conn, now);
        return;
    }
    if (out->is_syn)
        sent_syn(tcp, conn, out, now);
    else if (tcp_seg_len(&out->seg) > 0)
        sent_text(tcp, conn, out, now);
    tcp_ecn_sent(tcp, conn, out);
    if (out->is_probe)
        conn->probe_owed = false;
    conn->keep_owed = false; /* whatever has left, its answer tells as much */
    if (out->seg.flags & TCP_FIN)
        sent_fin(tcp, conn, now);
    if (out->seg.flags & TCP_ACK)
        sent_ack(tcp, conn, now);
    tcp_settle(tcp, conn, now);
}
