/*
 * tcp_conn.c - a connection's life: made, changed, settled, ended.
 *
 * What is hard here is that a connection may end in the middle of anything: a segment, a call, a
 * timer. So nothing frees a connection but tcp_settle(), the last act of each entry point;
 * everything before it may still look at the struct, which is then in CLOSED with empty queues.
 *
 * A half-open connection is an entry of the SYN cache and only looks like a connection while it
 * acts; tcp_settle() asks the cache first (syn_cache.c). In TIME-WAIT, too, it is only a record
 * once its owner has let go of it and it owes nothing (time_wait.c).
 *
 * A connection in CLOSED stays for its owner (who has an error or last figures to read) and for a
 * reset that is still owed. It is out of the table by then, so the four-tuple is free.
 */
#include "tcp/tcp_recovery.h"

#include <errno.h>

#include "tcp/demux.h"
#include "tcp/tcp_ecn.h"

/* The shift that we offer: at most tcp.window_scale, and less where the window can be told without
 * it and a step would be large beside the buffer (or tcp.scale_to_fit asks for it). */
uint8_t tcp_window_shift(const struct tcp *tcp, const struct tcp_conn *conn)
{
    const struct stack_values *values = tcp->values;
    uint32_t cap = tcp_receive_cap(tcp, conn);
    uint8_t shift = (uint8_t)values->tcp_window_scale;

    while (shift > 0 && UINT64_C(65535) << (shift - 1) >= cap &&
           (values->tcp_scale_to_fit || UINT32_C(1) << shift > conn->rcv.buffer / 64))
        shift--;
    return shift;
}

struct tcp_conn *conn_slot(struct tcp *tcp)
{
    return pool_get_unzeroed(&tcp->conns);
}

bool conn_has_slot(const struct tcp *tcp)
{
    return tcp->conns.used < tcp->conns.cap;
}

void conn_init(const struct tcp *tcp, struct tcp_conn *conn, struct endpoint local,
               struct endpoint remote)
{
    *conn = (struct tcp_conn){.state = TCPS_CLOSED, .held = HELD_NO_TEXT};
    list_init(&conn->debt);
    chain_link_init(&conn->kin);
    ready_init(&conn->ready, NO_OWNER);
    timer_init(&conn->timer, tcp->timer_owner);
    conn->retransmit_at = conn->ack_at = conn->linger_at = INSTANT_NEVER;
    conn->local = local;
    conn->remote = remote;
    conn->rcv_mss = (uint16_t)(tcp->mtu - (ip_is_v4(local.addr) ? 40 : 60)); /* (MUST-67) */
    conn->snd_mss = 536; /* until the peer's SYN says or leaves it: tcp_mss_of_syn() */
    conn->rcv.buffer = u32_min((uint32_t)tcp->values->tcp_window_first, tcp_receive_cap(tcp, conn));
    conn->rcv_scale = tcp_window_shift(tcp, conn) & 15u;
    conn->sendq.cap = tcp_first_send_cap(tcp);
    conn->quick_acks = (uint16_t)tcp->values->tcp_quick_acks;
    conn->ts_offset = (uint32_t)siphash_tuple(tcp->ts_key, local, remote);
    rto_init(&conn->rto);
    cc_init(&conn->cc, (enum cc_algorithm)tcp->values->tcp_cc, conn->snd_mss);
    conn->cc.paced = tcp->values->tcp_pacing != 0;
    conn->cc.hystart = tcp->values->tcp_hystart != 0;
    conn->cc.abc_limit = (uint8_t)tcp->values->tcp_abc_limit;
}

struct tcp_conn *conn_new(struct tcp *tcp, struct endpoint local, struct endpoint remote)
{
    struct tcp_conn *conn = conn_slot(tcp);

    if (!conn)
        return NULL;
    conn_init(tcp, conn, local, remote);
    conn->id = ++tcp->next_id;
    demux_insert(tcp, conn);
    return conn;
}

void conn_set_mss(struct tcp_conn *conn, uint32_t mss)
{
    conn->snd_mss = conn->cc.mss = (uint16_t)mss;
    conn->cc.cwnd = u32_max(conn->cc.cwnd, mss);
}

void conn_start_at(struct tcp_conn *conn, tcp_seq iss)
{
    conn->iss = conn->snd.una = iss;
    conn->snd.nxt = seq_add(iss, 1);
}

uint32_t conn_challenged(const struct tcp *tcp, const struct tcp_conn *conn, instant now)
{
    if (!conn->challenged ||
        instant_since_ms(now, conn->challenged_ms) >= tcp->values->tcp_challenge)
        return 0;
    return u32_max(instant_brief(instant_of_ms(conn->challenged_ms, now)), 1);
}

void conn_recall_challenge(struct tcp_conn *conn, uint32_t brief, instant known)
{
    if (brief == 0)
        return;
    conn->challenged = true;
    conn->challenged_ms = instant_ms(instant_from_brief(brief, known));
}

static void conn_free(struct tcp *tcp, struct tcp_conn *conn)
{
    assert(conn->sendq.len == 0 && !conn->sender && !conn->recvq.tail && !conn->receiver);
    list_remove(&conn->debt);
    chain_remove(&tcp->kin, conn);
    list_remove(&conn->ready.node);
    wheel_disarm(tcp->wheel, &conn->timer);
    for (int i = 0; conn->ack_notes > 0 && i < tcp->note_count; i++) {
        if (tcp->notes[i].conn == conn)
            tcp->notes[i].conn = NULL;
    }
    tcp->orphans -= conn->orphaned;
    tuning_drop(&tcp->tunings, &conn->tuning);
    pool_put(&tcp->conns, conn);
}

static void check_invariants(const struct tcp_conn *conn)
{
    assert(seq_le(conn->snd.una, conn->snd.nxt));
    assert(seq_le(conn->rcv.nxt, conn->rcv.edge));
    assert(!conn->sender || (seq_eq(conn->sender->flight.una, conn->snd.una) &&
                             seq_eq(conn->sender->flight.nxt, conn->snd.nxt)));
    assert(conn->cc.cwnd >= conn->cc.mss);
}

static bool owes_something(const struct tcp_conn *conn)
{
    return conn->ack_due || conn->syn_owed || conn->window_owed || conn_lost(conn) > 0 ||
           (conn->sender && conn->sender->probe.is_owed) || conn->override || conn->probe_owed ||
           conn->keep_owed ||
           (tcp_state_can_send((enum tcp_state)conn->state) &&
            (conn->sendq.len > conn_text_sent(conn) || (conn->closing && !conn->fin_sent)));
}

/* Whoever owns it hears what has changed. */
static void tell_owner(struct tcp *tcp, struct tcp_conn *conn)
{
    int news = (conn->changed ? NEWS_ALL : 0) | (conn->more_text ? NEWS_IN : 0) |
               (conn->more_room ? NEWS_OUT : 0);

    if (news)
        ready_tell_of(&tcp->ready, &conn->ready, (uint8_t)news);
    conn->changed = conn->more_text = conn->more_room = false;
}

/* In TIME-WAIT, and of no use to anybody but old duplicates? */
static bool may_be_deflated(const struct tcp_conn *conn)
{
    return conn->state == TCPS_TIME_WAIT && conn_is_orphan(conn) && conn->ack_notes == 0 &&
           !owes_something(conn);
}

void tcp_settle(struct tcp *tcp, struct tcp_conn *conn, instant now)
{
    if (syn_is_inflated(&tcp->syn, conn) && !syn_settle(tcp, conn, now))
        return;
    if (conn->state == TCPS_CLOSED) {
        tell_owner(tcp, conn);
        if (conn->rst_why != WHY_NONE) {
            if (!list_is_linked(&conn->debt))
                list_append(&tcp->debtors, &conn->debt);
        } else if (conn_is_orphan(conn)) {
            conn_free(tcp, conn);
        }
        return;
    }
    if (conn->sender)
        sender_settle(tcp, conn);
    if (conn->receiver)
        receiver_settle(tcp, conn);
    check_invariants(conn);
    tell_owner(tcp, conn);
    if (may_be_deflated(conn) && tw_settle(tcp, conn, now)) {
        receiver_free(tcp, conn);
        conn_free(tcp, conn);
        return;
    }
    if (conn->keep_alive && instant_is_never(conn->linger_at))
        tcp_keep_arm(tcp, conn, now);
    if (!list_is_linked(&conn->debt) && owes_something(conn))
        list_append(&tcp->debtors, &conn->debt);

    instant next = instant_min(conn->retransmit_at, instant_min(conn->ack_at, conn->linger_at));
    if (conn->sender)
        next = instant_min(
            next, instant_min(conn->sender->pace_at,
                              instant_min(conn->sender->reorder_at, conn->sender->probe_at)));
    /* A timer that fires early only looks again and costs less than moving it for each segment. */
    if (instant_is_never(next))
        wheel_disarm(tcp->wheel, &conn->timer);
    else
        wheel_arm_by(tcp->wheel, &conn->timer, next);
}

void tcp_set_state(struct tcp *tcp, struct tcp_conn *conn, enum tcp_state next, const char *cause,
                   instant now)
{
    enum tcp_state from = (enum tcp_state)conn->state;

    assert(tcp_state_may_follow(from, next));
    conn->state = (uint8_t)next;
    events_emit(tcp->events,
                &(struct event){.type = EVENT_STATE,
                                .conn = conn->id,
                                .when = now,
                                .state = {from, next, conn->local, conn->remote, cause}});
    conn->changed = true;
}

void tcp_end(struct tcp *tcp, struct tcp_conn *conn, int error, const char *cause, instant now)
{
    if (conn->state == TCPS_CLOSED)
        return;
    if (conn->listener && conn->state != TCPS_SYN_RECEIVED)
        conn_listener(tcp, conn)->waiting--;
    conn->listener = 0;
    chain_remove(&tcp->kin, conn);
    sendq_clear(&conn->sendq, &tcp->send_pools);
    receiver_free(tcp, conn);
    if (conn_is_orphan(conn))
        recvq_clear(&conn->recvq); /* else what has come can still be read, before the error */
    sender_free(tcp, conn);
    conn->ack_due = conn->window_owed = conn->syn_owed = conn->override = false;
    conn->probe_owed = conn->persisting = conn->keep_owed = false;
    conn->retransmit_at = conn->ack_at = conn->linger_at = INSTANT_NEVER;
    list_remove(&conn->debt);
    wheel_disarm(tcp->wheel, &conn->timer);
    conn->error = (uint8_t)error;
    if (conn != tcp->syn.at) /* those out of the SYN cache are in no table */
        demux_remove(tcp, conn);
    tcp_set_state(tcp, conn, TCPS_CLOSED, cause, now);
}

void tcp_abort_conn(struct tcp *tcp, struct tcp_conn *conn, int error, enum why why,
                    const char *cause, instant now)
{
    conn->rst_why = (uint8_t)why;
    tcp_end(tcp, conn, error, cause, now);
}

void tcp_time_wait(struct tcp *tcp, struct tcp_conn *conn, const char *cause, instant now)
{
    if (conn->state != TCPS_TIME_WAIT) {
        conn->retransmit_at = conn->ack_at = INSTANT_NEVER; /* "turn off the other timers" */
        conn->timing = false;
        sender_free(tcp, conn); /* all of ours is acknowledged */
        tcp_ecn_forget(conn);   /* (RFC 3168, 6.1.1) */
        tcp_set_state(tcp, conn, TCPS_TIME_WAIT, cause, now);
    }
    conn->linger_at = instant_add(now, 2 * tcp->values->tcp_msl); /* (MUST-13) */
    events_timer(tcp->events, conn->id, TIMER_TIME_WAIT, conn->linger_at, now);
}

/* RFC 9293, 3.7.1: SHLD-5, MAY-3. The rest is offered first by the active side, and in answer only
 * to an offer (RFC 7323, 2.2 and 3.2; RFC 2018, 2). */
struct tcp_options tcp_syn_options(const struct tcp *tcp, const struct tcp_conn *conn)
{
    const struct stack_values *values = tcp->values;
    bool answer = conn->state == TCPS_SYN_RECEIVED;

    return (struct tcp_options){
        .has_mss = true,
        .mss = conn->rcv_mss,
        .has_window_scale = answer ? conn->scaling : values->tcp_window_scaling != 0,
        .window_scale = conn->rcv_scale,
        .sack_permitted = answer ? conn->sack_ok : values->tcp_sack != 0,
        .has_timestamps = answer ? conn->ts_ok : values->tcp_timestamps != 0};
}

uint32_t conn_mss_without_options(const struct tcp_conn *conn, uint32_t mss)
{
    uint32_t options = (conn->ts_ok ? TCP_TIMESTAMPS_LEN : 0u) + tcp_ip_options_len(conn);

    return mss > options ? mss - options : 1;
}

uint16_t tcp_mss_of_syn(const struct tcp *tcp, const struct tcp_conn *conn,
                        const struct tcp_segment *syn)
{
    if (syn->options.has_mss && syn->options.mss > 0)
        return (uint16_t)u32_max(syn->options.mss, (uint32_t)tcp->values->tcp_mss_floor);
    return ip_is_v4(conn->local.addr) ? 536 : 1220; /* (MUST-15) */
}

/* Only for a SYN: on any other segment these options are not looked at (RFC 7323, 2.2). */
void tcp_take_syn_options(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *seg,
                          instant now)
{
    const struct tcp_options *options = &seg->options;
    uint32_t ours = tcp->mtu - (ip_is_v4(conn->local.addr) ? 40u : 60u);
    uint32_t mss = tcp_mss_of_syn(tcp, conn, seg);

    conn->ts_ok = options->has_timestamps && tcp->values->tcp_timestamps;
    conn->ts_recent = options->ts_val;
    conn->ts_recent_s = instant_s(now);
    conn->sack_ok = options->sack_permitted && tcp->values->tcp_sack;
    mss = u32_min(tcp_clamp_mss(conn, mss), ours);
    conn_set_mss(conn, conn_mss_without_options(conn, mss)); /* (MUST-16) */
    conn->scaling = options->has_window_scale && tcp->values->tcp_window_scaling;
    conn->snd_scale = conn->scaling ? u32_min(options->window_scale, 14) & 15u : 0;
    if (!conn->scaling)
        conn->rcv_scale = 0;
    tcp_ecn_take_syn(tcp, conn, seg);
}

/* --- looking in --------------------------------------------------------------------------- */

void tcp_conn_facts(const struct tcp *tcp, const struct tcp_conn *conn, struct conn_facts *out)
{
    struct rto_limits limits = tcp_rto_limits(tcp);

    *out = (struct conn_facts){.id = conn->id,
                               .state = (enum tcp_state)conn->state,
                               .local = conn->local,
                               .remote = conn->remote,
                               .cwnd = conn->cc.cwnd,
                               .ssthresh = conn->cc.ssthresh,
                               .inflight = conn_inflight(conn),
                               .window = conn->snd.wnd,
                               .srtt_us = rto_srtt_ns(&conn->rto) / NS_PER_US,
                               .rto_ms = rto_current(&conn->rto, &limits) / NS_PER_MS};
}

void tcp_conn_info(const struct tcp *tcp, const struct tcp_conn *conn, struct sock_info *out)
{
    *out = (struct sock_info){.snd_mss = conn->snd_mss,
                              .send_queued = conn->sendq.len,
                              .receive_queued = conn->recvq.len,
                              .octets_acked = conn->octets_acked,
                              .octets_received = conn->octets_received,
                              .retransmits = conn->total_retransmits,
                              .error = conn->error};
    tcp_conn_facts(tcp, conn, &out->facts);
}

enum tcp_state tcp_conn_state(const struct tcp_conn *conn)
{
    return (enum tcp_state)conn->state;
}

struct endpoint tcp_conn_local(const struct tcp_conn *conn)
{
    return conn->local;
}

struct endpoint tcp_conn_remote(const struct tcp_conn *conn)
{
    return conn->remote;
}

struct ready *tcp_conn_ready(struct tcp_conn *conn)
{
    return &conn->ready;
}

int tcp_take_error(struct tcp_conn *conn)
{
    if (conn->known_dead)
        return 0;
    conn->known_dead = conn->error != 0;
    return conn->error;
}
