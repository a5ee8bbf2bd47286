/*
 * tcp_snapshot.c - see tcp_snapshot.h.
 *
 * Half-open connections and those in TIME-WAIT are small records that act by being inflated to
 * connections. Whoever looks in must change nothing, not even the place where that happens, so what
 * a record knows is copied from the record, and what it does not know stays unknown.
 *
 * What limits a connection was found when it last tried to send (conn->held), which is whenever it
 * had something to send and anything changed. Two things that has no word for are added here: a
 * writer who waits for room in the send queue, and a debt that the device or ARP holds up.
 */
#include "tcp/tcp_snapshot.h"

#include "tcp/cc.h"
#include "tcp/tcp_conn.h"

void tcp_snapshot_blank(struct stack_snapshot *out)
{
    *out = (struct stack_snapshot){.size = sizeof(*out), .limit = LIMIT_NONE};
    for (int i = 0; i < TIMER_KIND_COUNT; i++)
        out->timer_ns[i] = -1;
#define TAPIO_X(name) out->name = SNAPSHOT_UNKNOWN;
    TAPIO_SNAPSHOT_NUMBER_LIST(TAPIO_X)
#undef TAPIO_X
}

static void set_timer(struct stack_snapshot *out, enum timer_kind kind, instant at, instant now)
{
    if (instant_is_never(at))
        return;
    out->timer_ns[kind] = instant_before(now, at) ? instant_since(at, now) : 0;
}

static uint64_t ms_since(instant at, instant now)
{
    return instant_before(at, now) ? (uint64_t)(instant_since(now, at) / NS_PER_MS) : 0;
}

/* --- a connection ------------------------------------------------------------------------- */

static const char *phase_of(const struct tcp_conn *conn)
{
    const struct sender *s = conn->sender;

    if ((conn->retransmits > 0 && !conn->persisting) || (s && s->phase == PHASE_TIMEOUT))
        return "loss";
    if (!s)
        return "open";
    if (s->phase == PHASE_RECOVERY || s->newreno.recovering)
        return "recovery";
    if (conn->ecn_answered)
        return "cwr";
    return s->newreno.duplicates > 0 || s->flight.sacked_octets > 0 ? "disorder" : "open";
}

static enum snapshot_limit limit_of_held(enum held_by held)
{
    switch (held) {
    case HELD_CWND:
        return LIMIT_CWND;
    case HELD_WINDOW:
        return LIMIT_PEER_WINDOW;
    case HELD_NAGLE:
        return LIMIT_NAGLE;
    case HELD_SILLY_WINDOW:
        return LIMIT_SILLY_WINDOW;
    case HELD_CORK:
        return LIMIT_CORK;
    case HELD_MEMORY:
        return LIMIT_MEMORY;
    case HELD_PACE:
        return LIMIT_PACING;
    case HELD_NO_TEXT: /* and yet there is some: it has not been looked at */
        return LIMIT_LINK;
    }
    return LIMIT_NONE;
}

static enum snapshot_limit limit_of(const struct tcp_conn *conn)
{
    bool unsent = conn->sendq.len > conn_text_sent(conn) || (conn->closing && !conn->fin_sent);

    if (conn->state == TCPS_SYN_SENT || conn->state == TCPS_SYN_RECEIVED)
        return LIMIT_HANDSHAKE;
    if (!tcp_state_can_send((enum tcp_state)conn->state) && conn_lost(conn) == 0)
        return LIMIT_NONE;
    if (list_is_linked(&conn->debt) && (unsent || conn_lost(conn) > 0))
        return LIMIT_LINK;
    if (conn_lost(conn) > 0)
        return conn->snd.wnd == 0 ? LIMIT_PEER_WINDOW : LIMIT_CWND;
    if (unsent)
        return limit_of_held((enum held_by)conn->held);
    return conn->starving ? LIMIT_SEND_BUFFER : LIMIT_APPLICATION;
}

static void copy_timers(const struct tcp_conn *conn, instant now, struct stack_snapshot *out)
{
    enum tcp_state state = (enum tcp_state)conn->state;
    bool flight = seq_lt(conn->snd.una, conn->snd.nxt);

    set_timer(out,
              conn->persisting ? TIMER_PERSIST
              : flight         ? TIMER_RETRANSMIT
                               : TIMER_OVERRIDE,
              conn->retransmit_at, now);
    set_timer(out, TIMER_DELAYED_ACK, conn->ack_at, now);
    set_timer(out,
              state == TCPS_TIME_WAIT                            ? TIMER_TIME_WAIT
              : state == TCPS_FIN_WAIT_2 && conn_is_orphan(conn) ? TIMER_FIN_WAIT_2
                                                                 : TIMER_KEEP_ALIVE,
              conn->linger_at, now);
    if (!conn->sender)
        return;
    set_timer(out, TIMER_REORDER, conn->sender->reorder_at, now);
    set_timer(out, TIMER_TAIL_PROBE, conn->sender->probe_at, now);
}

static void copy_sender(const struct tcp_conn *conn, struct stack_snapshot *out)
{
    const struct sender *s = conn->sender;

    out->send_q_octets = conn->sendq.len;
    out->unsent_octets = conn->sendq.len - conn_text_sent(conn);
    out->send_buffer_octets = conn->sendq.cap;
    out->cwnd_octets = conn->cc.cwnd;
    if (conn->cc.ssthresh != UINT32_MAX)
        out->ssthresh_octets = conn->cc.ssthresh;
    out->inflight_octets = conn_inflight(conn);
    out->unacked_octets = seq_diff(conn->snd.nxt, conn->snd.una);
    out->sacked_octets = s ? s->flight.sacked_octets : 0;
    out->lost_octets = conn_lost(conn);
    out->snd_wnd_octets = conn->snd.wnd;
    out->mss_octets = conn->snd_mss;
    out->retransmits = conn->persisting ? 0 : conn->retransmits;
    out->probes = conn->persisting ? conn->retransmits : conn->keep_probes;
    out->retransmitted_segments = conn->total_retransmits;
    out->retransmitted_octets = conn->octets_again;
    out->sent_octets = conn->octets_acked + conn_text_sent(conn) + conn->octets_again;
    out->acked_octets = conn->octets_acked;
    out->delivered_segments = conn->delivered;
    if (s && !flight_is_empty(&s->flight) && rto_srtt_ns(&conn->rto) > 0)
        out->reordering_window_us =
            (uint64_t)(rack_window(&s->rack, &s->flight, s->phase != PHASE_OPEN, conn->snd_mss,
                                   rto_srtt_ns(&conn->rto)) /
                       NS_PER_US);
    if (s) /* SNAPSHOT_UNKNOWN is what it says when nothing is paced */
        out->pacing_octets_per_s = pacing_rate(&s->pacing);
}

static void copy_receiver(const struct tcp_conn *conn, struct stack_snapshot *out)
{
    out->recv_q_octets = conn->recvq.len;
    out->recv_buffer_octets = conn->rcv.buffer;
    out->early_octets = conn->receiver ? conn->receiver->reorder.charged : 0;
    out->rcv_wnd_octets = conn_window(conn);
    if (conn->rcv_full)
        out->rcv_mss_octets = conn->rcv_full;
    out->adv_mss_octets = conn->rcv_mss;
    out->received_octets = conn->octets_received;
    out->early_segments = conn->early_in;
}

static void copy_times(const struct tcp *tcp, const struct tcp_conn *conn, instant now,
                       struct stack_snapshot *out)
{
    struct rto_limits limits = tcp_rto_limits(tcp);

    out->rto_us = (uint64_t)(rto_current(&conn->rto, &limits) / NS_PER_US);
    out->ato_us = (uint64_t)(tcp->values->tcp_delayed_ack / NS_PER_US);
    out->backoff = conn->rto.backoff;
    if (rto_srtt_ns(&conn->rto) > 0) {
        out->rtt_us = (uint64_t)(rto_srtt_ns(&conn->rto) / NS_PER_US);
        out->rttvar_us = (uint64_t)(rto_rttvar_ns(&conn->rto) / NS_PER_US);
    }
    if (conn->min_rtt_us)
        out->min_rtt_us = conn->min_rtt_us;
    if (conn->text_out > 0)
        out->last_sent_ms = instant_ms(now) - conn->sent_ms;
    if (conn->text_in > 0)
        out->last_received_ms = instant_ms(now) - conn->text_at_ms;
    if (conn->segments_in > 0)
        out->last_heard_ms = ms_since(conn->heard_at, now);
}

static void copy_flags(const struct tcp_conn *conn, struct stack_snapshot *out)
{
    out->ts = conn->ts_ok;
    out->sack = conn->sack_ok;
    out->wscale = conn->scaling;
    out->ecn = conn->ecn;
    out->ecn_seen = conn->ecn_seen;
    out->orphan = conn_is_orphan(conn);
    out->accepting = conn->listener != 0;
    out->keep_alive = conn->keep_alive;
    out->nodelay = conn->no_delay;
    out->cork = conn->cork;
    if (conn->scaling) {
        out->snd_wscale = conn->snd_scale;
        out->rcv_wscale = conn->rcv_scale;
    }
}

bool tcp_snapshot_conn(const struct tcp *tcp, uint32_t index, instant now,
                       struct stack_snapshot *out)
{
    const struct tcp_conn *conn = pool_at(&tcp->conns, index);

    if (!conn)
        return false;
    out->kind = SNAPSHOT_CONNECTION;
    out->state = (enum tcp_state)conn->state;
    out->local = conn->local;
    out->remote = conn->remote;
    out->id = conn->id;
    out->error = conn->error;
    out->limit = limit_of(conn);
    out->phase = phase_of(conn);
    out->congestion_control = cc_algorithms[conn->cc.algorithm]->name;
    out->pmtu_octets = tcp->mtu;
    out->segments_out = conn->segments_out;
    out->segments_in = conn->segments_in;
    out->data_segments_out = conn->text_out;
    out->data_segments_in = conn->text_in;
    copy_sender(conn, out);
    copy_receiver(conn, out);
    copy_times(tcp, conn, now, out);
    copy_flags(conn, out);
    copy_timers(conn, now, out);
    return true;
}

/* --- the others --------------------------------------------------------------------------- */

bool tcp_snapshot_listener(const struct tcp *tcp, uint32_t index, struct stack_snapshot *out)
{
    const struct tcp_listener *listener = pool_at(&tcp->listener_pool, index);

    if (!listener)
        return false;
    out->kind = SNAPSHOT_LISTENER;
    out->state = TCPS_LISTEN;
    out->local = listener->local;
    out->recv_q_octets = listener->waiting;
    out->send_q_octets = listener->backlog;
    out->keep_alive = listener->keep_alive;
    return true;
}

bool tcp_snapshot_half_open(const struct tcp *tcp, uint32_t index, instant now,
                            struct stack_snapshot *out)
{
    const struct syn_entry *entry = pool_at(&tcp->syn.entries, index);

    if (!entry)
        return false;
    out->kind = SNAPSHOT_HALF_OPEN;
    out->state = TCPS_SYN_RECEIVED;
    out->local = (struct endpoint){entry->local, syn_listener(tcp, entry)->local.port};
    out->remote = (struct endpoint){entry->remote, entry->remote_port};
    out->id = entry->id;
    out->limit = LIMIT_HANDSHAKE;
    out->recv_q_octets = out->send_q_octets = 0;
    out->snd_wnd_octets = entry->snd_wnd;
    out->mss_octets = entry->snd_mss;
    out->pmtu_octets = tcp->mtu;
    out->retransmits = entry->retransmits;
    out->segments_in = entry->segments_in;
    out->segments_out = entry->segments_out;
    out->retransmitted_segments = entry->resent;
    out->ts = entry->ts_ok;
    out->sack = entry->sack_ok;
    out->ecn = entry->ecn;
    out->wscale = entry->scaling;
    if (entry->scaling) {
        out->snd_wscale = entry->snd_scale;
        out->rcv_wscale = entry->rcv_scale;
    }
    set_timer(out, TIMER_RETRANSMIT, syn_retransmit_at(&tcp->syn, entry), now);
    return true;
}

bool tcp_snapshot_time_wait(const struct tcp *tcp, uint32_t index, instant now,
                            struct stack_snapshot *out)
{
    const struct time_wait *tw = &tcp->time_wait;
    const struct tw_entry *entry = pool_at(&tw->entries, index);

    if (!entry)
        return false;
    out->kind = SNAPSHOT_TIME_WAIT;
    out->state = TCPS_TIME_WAIT;
    out->local = tw_local(tw, entry);
    out->remote = tw_remote(tw, entry);
    out->id = entry->id;
    out->recv_q_octets = out->send_q_octets = 0;
    out->rcv_wnd_octets = entry->rcv_wnd;
    out->ts = entry->ts_ok;
    out->sack = entry->sack_ok;
    out->orphan = true;
    set_timer(out, TIMER_TIME_WAIT, tw_ends_at(tw, entry), now);
    return true;
}
