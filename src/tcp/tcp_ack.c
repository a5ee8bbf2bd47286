/*
 * tcp_ack.c - the fifth check of SEGMENT ARRIVES: the ACK field (RFC 9293, 3.10.7.4).
 *
 * Everything that the sender learns, it learns here: what arrived, how long a round trip takes, how
 * much the peer can hold, and that something was lost. A segment's ACK is believed within (SND.UNA
 * - MAX.SND.WND) =< SEG.ACK =< SND.NXT only (RFC 5961, 5.2).
 */
#include "tcp/tcp_ecn.h"
#include "tcp/tcp_recovery.h"

/* --- SND.UNA ------------------------------------------------------------------------------ */

/* Karn: a round trip is timed on one segment at a time, and never on one that was sent again; the
 * sender clears `timing` when it retransmits (RFC 6298, 3). Then an echo of our clock still tells
 * the two copies apart, to a tick (RFC 7323, 4.1); one sample a flight is what the gains of RFC
 * 6298 are made for, so echoes are not taken while a segment is timed (RFC 7323, 4.2). */
static void sample_round_trip(struct tcp *tcp, struct tcp_conn *conn,
                              const struct tcp_options *options, tcp_seq ack, instant now)
{
    int64_t sample;

    if (conn->deferred) { /* TCP_DEFER_ACCEPT: this came when the peer had something to say */
        conn->deferred = conn->timing = false;
        return;
    }
    if (conn->timing) {
        if (conn->sender && seq_lt(ack, conn->sender->timed)) /* our SYN has no sender */
            return;
        conn->timing = false;
        sample = instant_since(now, conn->timed_at);
    } else if (conn->ts_ok && options->has_timestamps && options->ts_ecr != 0) {
        uint32_t ticks = conn_timestamp(conn, now) - options->ts_ecr;
        if (ticks > (uint32_t)(tcp->values->tcp_rto_max / NS_PER_MS)) /* no echo of ours */
            return;
        sample = (int64_t)ticks * NS_PER_MS;
    } else {
        return;
    }
    rto_sample(&conn->rto, sample);
    uint32_t us = u32_max((uint32_t)(sample / NS_PER_US), 1);
    conn->min_rtt_us = conn->min_rtt_us ? u32_min(conn->min_rtt_us, us) : us;
}

static void drop_acked_text(struct tcp *tcp, struct tcp_conn *conn, uint32_t acked)
{
    uint32_t text = u32_min(acked, conn->sendq.len); /* the rest is our SYN or FIN */

    sendq_drop(&conn->sendq, &tcp->send_pools, text);
    conn->octets_acked += text;
    conn->delivered += text / conn->snd_mss + (text % conn->snd_mss > 0);
}

void tcp_advance_una(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *seg,
                     instant now)
{
    tcp_seq ack = seg->ack;
    uint32_t acked = seq_diff(ack, conn->snd.una);
    bool acks_syn = conn->state == TCPS_SYN_SENT || conn->state == TCPS_SYN_RECEIVED;

    assert(acked > 0 && seq_le(ack, conn->snd.nxt));
    sample_round_trip(tcp, conn, &seg->options, ack, now);
    if (acks_syn)
        conn->delivered++;
    else
        drop_acked_text(tcp, conn, acked);
    conn->snd.una = ack;
    tcp_feed(conn);
    if (conn->sender)
        sender_advance(conn->sender, ack);
    conn->clocked += acked;
    conn->retransmits = 0;
    conn->soft_error = 0;
    conn->since_ms = conn->new_ms;               /* what is at SND.UNA left then or before */
    conn->persisting = conn->probe_owed = false; /* what the probe was for has moved */
    tcp->progress = true;
}

/* The handshake is done and text may flow. A SYN that was sent again gave no sample, and says that
 * the path loses or is slow: one segment and a longer timeout (RFC 5681, 3.1; RFC 6298, 5.7). */
void tcp_open_sender(struct tcp *tcp, struct tcp_conn *conn, instant now)
{
    cc_open(&conn->cc, conn->snd_mss, conn->syn_lost);
    if (tcp->values->tcp_initial_cwnd > 0 && !conn->syn_lost)
        conn->cc.cwnd = (uint32_t)tcp->values->tcp_initial_cwnd * conn->snd_mss;
    if (conn->syn_lost && rto_srtt_ns(&conn->rto) == 0)
        rto_after_lost_syn(&conn->rto);
    tcp_tell_cwnd(tcp, conn,
                  conn->syn_lost ? "one segment, as our SYN was lost (RFC 5681, 3.1)"
                                 : "the initial window (RFC 6928, 2)",
                  now);
    tcp_arm_retransmit(tcp, conn, now);
}

/* --- the window --------------------------------------------------------------------------- */

void tcp_take_window(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *seg)
{
    /* as cut to begin at RCV.NXT, which the first check takes for granted */
    tcp_seq seq = seq_max(seg->seq, conn->rcv.nxt);
    bool newer = seq_lt(conn->snd.wl1, seq) ||
                 (seq_eq(conn->snd.wl1, seq) && seq_le(conn->snd.wl2, seg->ack));

    if (!newer)
        return;
    uint32_t before = conn->snd.wnd;
    conn->snd.wnd = (uint32_t)seg->window << conn->snd_scale;
    conn->snd.wl1 = seq;
    conn->snd.wl2 = seg->ack;
    conn->snd.wnd_max = u32_max(conn->snd.wnd_max, conn->snd.wnd);
    if (before == conn->snd.wnd)
        return;
    if (conn->snd.wnd == 0)
        events_note(tcp->events, WHY_IN_WINDOW_ZERO);
    else if (tcp->events->current.why == WHY_IN_NOTHING_NEW)
        events_note(tcp->events, WHY_IN_WINDOW);
}

/* --- new, duplicate, old ------------------------------------------------------------------------
 */

static void note_effect(struct tcp *tcp, const struct tcp_conn *conn, const struct ack_news *a,
                        enum ack_effect effect)
{
    enum why why = !a->advances                           ? WHY_NONE
                   : seq_eq(conn->snd.una, conn->snd.nxt) ? WHY_IN_ACK_ALL
                                                          : WHY_IN_ACK_NEW;

    if (a->duplicate || (!a->advances && a->news.sacked > 0))
        why = WHY_IN_ACK_DUPLICATE;
    switch (effect) {
    case ACK_QUIET:
        break;
    case ACK_SLOW_START:
        why = WHY_IN_ACK_SLOW_START;
        break;
    case ACK_AVOIDANCE:
        why = WHY_IN_ACK_AVOIDANCE;
        break;
    case ACK_LOSS:
        why = conn->sack_ok ? WHY_IN_ACK_SACK_LOSS : WHY_IN_ACK_LOSS;
        break;
    case ACK_PARTIAL_NEWS:
    case ACK_PARTIAL_AGAIN:
        why = WHY_IN_ACK_PARTIAL;
        break;
    case ACK_REPAIRS:
        why = WHY_IN_ACK_REPAIRS;
        break;
    case ACK_RECOVERED:
        why = WHY_IN_ACK_FULL;
        break;
    case ACK_UNDOES:
        why = WHY_IN_ACK_UNDOES;
        break;
    }
    if (why != WHY_NONE)
        events_note(tcp->events, why);
}

/* Was it cwnd that kept the sender? It is waiting now, or the flight that is being acknowledged had
 * filled cwnd: only a window that is used may grow (RFC 7661, 1). */
static bool is_cwnd_limited(const struct tcp_conn *conn, tcp_seq ack)
{
    return conn->held == HELD_CWND || seq_le(ack, conn->sender->full_end);
}

/* A black hole was suspected. An ACK beyond what has been sent again, smaller, is of the large
 * ones: the path carries them. Once all has been sent again, an ACK does not tell any more. */
static void absolve_path(struct tcp *tcp, struct tcp_conn *conn, const struct ack_news *a,
                         instant now)
{
    if (a->covers_lost) {
        uint32_t before = conn->cc.cwnd;
        conn->snd_mss = conn->cc.mss = conn->sender->doubted_mss;
        conn->cc.cwnd = u32_max(conn->cc.cwnd, conn->snd_mss);
        tcp_tell_note(tcp, conn, "the path carries large segments after all (RFC 4821, 7.7)",
                      conn->snd_mss, now);
        tcp_tell_cwnd_step(tcp, conn, before, "a segment at least (RFC 5681, 3.1)", now);
    }
    if (conn_lost(conn) == 0 || a->covers_lost)
        conn->sender->doubted_mss = 0;
}

/* SND.UNA moves, and what the window has promised beyond it stays promised. */
static void take_new_ack(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *seg,
                         const struct ack_news *a, instant now)
{
    tcp_seq offered = seq_add(conn->snd.una, conn->snd.wnd);

    if (conn->sender->doubted_mss > 0)
        absolve_path(tcp, conn, a, now);
    tcp_advance_una(tcp, conn, seg, now);
    /* SND.WND counts from SND.UNA: an old segment that moves the one and not the other offers
     * nothing */
    conn->snd.wnd = seq_lt(seg->ack, offered) ? seq_diff(offered, seg->ack) : 0;
    bool fin_waits = conn->closing && !conn->fin_sent;
    if (seq_eq(seg->ack, conn->snd.nxt) && tcp_unsent(conn) == 0 && !fin_waits)
        tcp_tell_resumed(tcp, conn, now); /* a probe has carried all that waited */
}

/* RFC 5681, 2: text is outstanding, the segment carries nothing, repeats SND.UNA and the window.
 * That a probe of the tail came twice is told by such a one, too (RFC 8985, 7.4.2), when perhaps
 * nothing is outstanding any more. */
static bool is_duplicate(const struct tcp_conn *conn, const struct tcp_arrival *in)
{
    const struct tcp_segment *seg = &in->seg;

    return (seq_lt(conn->snd.una, conn->snd.nxt) || conn->sender->probe.is_out) &&
           seg->text.len == 0 && !in->refused_text && !(seg->flags & (TCP_SYN | TCP_FIN)) &&
           seq_eq(seg->ack, conn->snd.una) &&
           (uint32_t)seg->window << conn->snd_scale == conn->snd.wnd && !conn->persisting;
}

/* SND.UNA =< SEG.ACK =< SND.NXT, and there is something to know about the flight. */
static void take_ack(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_arrival *in,
                     instant now)
{
    const struct tcp_segment *seg = &in->seg;
    struct ack_news a = {.advances = seq_lt(conn->snd.una, seg->ack),
                         .duplicate = is_duplicate(conn, in),
                         .limited = is_cwnd_limited(conn, seg->ack) && !tcp_ecn_is_echo(conn, seg),
                         .acked = seq_diff(seg->ack, conn->snd.una)};

    tcp_learn(tcp, conn, seg, &a, now);
    if (a.advances)
        take_new_ack(tcp, conn, seg, &a, now);
    enum ack_effect effect = tcp_react(tcp, conn, &a, now);
    note_effect(tcp, conn, &a, effect);
    sender_set_pace(tcp, conn, now);
    tcp_grow_send_cap(tcp, conn);
    tcp_feed(conn);
    /* RFC 6298, 5.2, 5.3; without SACK in recovery for the first partial ACK only (RFC 6582, 3.2,
     * 3), unless the timer stands where a user timeout would have ended that has begun again by
     * now. */
    if (a.advances && (effect != ACK_PARTIAL_AGAIN || tcp_user_timeout(tcp, conn) > 0))
        tcp_arm_retransmit(tcp, conn, now);
    if (a.advances || conn->sender->flight.sacked_octets > 0)
        tcp_arm_tail_probe(tcp, conn, now);
}

/* The peer answers our probes: however long its window stays closed, it is alive (MUST-37). Once
 * the window opens, what the probe carried may have been refused and goes first. */
static void still_there(struct tcp *tcp, struct tcp_conn *conn, instant now)
{
    if (!conn_is_orphan(conn)) /* nobody waits for what an orphan sends: R2 counts its probes */
        conn->retransmits = 0;
    if (conn->snd.wnd == 0)
        return;
    conn->rto.backoff = 0;
    tcp_lose_all(conn, LOST_BY_PROBE);
    tcp_arm_retransmit(tcp, conn, now);
}

/* --- per state ---------------------------------------------------------------------------- */

/* The third step of the handshake. */
static enum tcp_verdict establish(struct tcp *tcp, struct tcp_conn *conn, struct tcp_arrival *in,
                                  instant now)
{
    const struct tcp_segment *seg = &in->seg;
    struct tcp_listener *listener = conn_listener(tcp, conn); /* of a passive one */

    if (!seq_lt(conn->snd.una, seg->ack) || !seq_le(seg->ack, conn->snd.nxt)) {
        in->drop = DROP_TCP_ACK;
        return SEG_REFUSED;
    }
    if (tcp_defers(conn, seg)) {
        conn->deferred = true;
        return SEG_PROCESSED;
    }
    if (listener && listener->waiting >= listener->backlog) {
        in->drop = DROP_TCP_BACKLOG; /* our <SYN,ACK> goes again: the peer may find room then */
        return SEG_DROPPED;
    }
    tcp_advance_una(tcp, conn, seg, now);
    conn->snd.wnd = (uint32_t)seg->window << (in->syn_window ? 0 : conn->snd_scale);
    conn->snd.wl1 = seg->seq;
    conn->snd.wl2 = seg->ack;
    conn->snd.wnd_max = conn->snd.wnd;
    conn->syn_owed = false;
    tcp_open_sender(tcp, conn, now);
    tcp_set_state(tcp, conn, TCPS_ESTABLISHED,
                  "the handshake is complete (RFC 9293, 3.10.7.4, fifth)", now);
    events_note(tcp->events, WHY_IN_ESTABLISHES);
    if (listener) {
        events_count(tcp->events, COUNTER_TCP_PASSIVE_OPENS);
        chain_append(&tcp->kin, conn->listener, conn);
        listener->waiting++;
        ready_tell_of(&tcp->ready, &listener->ready, NEWS_IN);
        tcp_inherit(tcp, conn, now);
    }
    if (conn->closing) /* CLOSE was queued "for processing after entering ESTABLISHED" */
        tcp_set_state(tcp, conn, TCPS_FIN_WAIT_1, "closed during the handshake (RFC 9293, 3.10.4)",
                      now);
    return SEG_CONTINUE;
}

/* Our FIN is acknowledged: which state comes next? */
static enum tcp_verdict fin_acknowledged(struct tcp *tcp, struct tcp_conn *conn, instant now)
{
    events_note(tcp->events, WHY_IN_FIN_ACKED);
    if (conn->state == TCPS_FIN_WAIT_1) {
        tcp_set_state(tcp, conn, TCPS_FIN_WAIT_2,
                      "our FIN was acknowledged (RFC 9293, 3.10.7.4, fifth)", now);
        if (conn_is_orphan(conn))
            tcp_wait_for_fin(tcp, conn, now);
        return conn->state == TCPS_CLOSED ? SEG_PROCESSED : SEG_CONTINUE;
    }
    if (conn->state == TCPS_CLOSING) {
        tcp_time_wait(tcp, conn, "our FIN was acknowledged (RFC 9293, 3.10.7.4, fifth)", now);
        return SEG_CONTINUE;
    }
    if (conn->state == TCPS_LAST_ACK) {
        events_note(tcp->events, WHY_IN_CLOSED);
        tcp_end(tcp, conn, 0, "our FIN was acknowledged (RFC 9293, 3.10.7.4, fifth)", now);
        return SEG_PROCESSED;
    }
    return SEG_CONTINUE;
}

bool tcp_ack_is_plausible(const struct tcp_conn *conn, const struct tcp_segment *seg)
{
    return seq_le(seq_sub(conn->snd.una, conn->snd.wnd_max), seg->ack) &&
           seq_le(seg->ack, conn->snd.nxt);
}

enum tcp_verdict tcp_check_ack(struct tcp *tcp, struct tcp_conn *conn, struct tcp_arrival *in,
                               instant now)
{
    const struct tcp_segment *seg = &in->seg;

    if (!(seg->flags & TCP_ACK)) {
        in->drop = DROP_TCP_NO_ACK;
        return SEG_DROPPED;
    }
    if (conn->state == TCPS_SYN_RECEIVED)
        return establish(tcp, conn, in, now);
    if (!tcp_ack_is_plausible(conn, seg)) {
        if (tcp_seg_len(seg) > 0)
            tcp_owe_ack(conn, WHY_OUT_ACK_OLD);
        else
            tcp_owe_challenge(tcp, conn, WHY_OUT_ACK_OLD, now);
        in->drop = DROP_TCP_ACK;
        return SEG_DROPPED;
    }

    events_note(tcp->events, seg->text.len > 0  ? WHY_NONE
                             : in->refused_text ? WHY_IN_PROBE
                                                : WHY_IN_NOTHING_NEW);
    bool echo = tcp_ecn_take_echo(tcp, conn, seg, now);
    if (conn->sender && seq_le(conn->snd.una, seg->ack))
        take_ack(tcp, conn, in, now);
    else if (seq_lt(seg->ack, conn->snd.una) && seg->text.len == 0)
        events_note(tcp->events, WHY_IN_ACK_OLD);
    if (echo)
        events_note(tcp->events, WHY_IN_ACK_ECHO);
    if (seq_le(conn->snd.una, seg->ack)) {
        tcp_take_window(tcp, conn, seg);
        if (conn->persisting)
            still_there(tcp, conn, now);
    }
    if (conn->fin_sent && seq_eq(conn->snd.una, conn->snd.nxt))
        return fin_acknowledged(tcp, conn, now);
    return SEG_CONTINUE;
}
