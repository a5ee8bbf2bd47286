/*
 * tcp_timer.c - timeouts (RFC 9293, 3.10.8; RFC 6298).
 *
 * A connection has one timer, armed for the earliest of three deadlines; what each means follows
 * from its state, so there is no second bookkeeping:
 *
 *     retransmit_at   something is in flight: the retransmission timeout
 *                     the peer's window is closed: the next probe
 *                     else: the override of silly-window avoidance or of MSG_MORE
 *     ack_at          an ACK was delayed
 *     linger_at       TIME-WAIT, or FIN-WAIT-2 that nobody owns
 *
 * A timer only notes what is owed. The retransmission itself is tcp_output()'s.
 */
#include "tcp/tcp_conn.h"

/* Is there anything that a closed window holds back? */
static bool has_unsent(const struct tcp_conn *conn)
{
    return conn->sendq.len > conn_text_sent(conn) || (conn->closing && !conn->fin_sent);
}

void tcp_arm_retransmit(struct tcp *tcp, struct tcp_conn *conn, instant now)
{
    struct rto_limits limits = tcp_rto_limits(tcp);
    bool in_flight = seq_lt(conn->snd.una, conn->snd.nxt);
    bool before = conn->persisting;

    conn->persisting = tcp_state_can_send((enum tcp_state)conn->state) && conn->snd.wnd == 0 &&
                       (in_flight || has_unsent(conn));
    conn->retransmit_at = INSTANT_NEVER;
    if (!in_flight && !conn->persisting)
        return;
    if (conn->persisting && !before)
        events_emit(tcp->events, &(struct event){.type = EVENT_STALL,
                                                 .conn = conn->id,
                                                 .when = now,
                                                 .stall = {"the peer's window is closed"}});
    conn->retransmit_at = instant_add(now, rto_current(&conn->rto, &limits));
    if (events_wanted(tcp->events))
        events_emit(tcp->events,
                    &(struct event){.type = EVENT_TIMER_SET,
                                    .conn = conn->id,
                                    .when = now,
                                    .timer = {conn->persisting ? TIMER_PERSIST : TIMER_RETRANSMIT,
                                              conn->retransmit_at}});
}

static void fired(struct tcp *tcp, const struct tcp_conn *conn, enum timer_kind kind, instant now)
{
    events_emit(tcp->events, &(struct event){.type = EVENT_TIMER_FIRED,
                                             .conn = conn->id,
                                             .when = now,
                                             .timer = {kind, now}});
}

static void count_try(struct tcp_conn *conn)
{
    if (conn->retransmits < UINT8_MAX)
        conn->retransmits++;
}

/* Nobody answers our SYN (MUST-22, MUST-23) or <SYN,ACK>. */
static void handshake_timeout(struct tcp *tcp, struct tcp_conn *conn, instant now)
{
    const struct stack_values *values = tcp->values;
    bool passive = conn->passive;

    fired(tcp, conn, TIMER_RETRANSMIT, now);
    events_count(tcp->events, COUNTER_TCP_TIMEOUTS);
    if (passive && conn->retransmits >= values->tcp_synack_retries) {
        tcp_end(tcp, conn, 0, "the third step of the handshake never came", now);
        return;
    }
    if (!passive && conn->retransmits >= values->tcp_syn_retries &&
        instant_since(now, conn->since) >= values->tcp_syn_timeout) {
        tcp_end(tcp, conn, conn_timeout_error(conn), "nobody answered our SYN (RFC 9293, MUST-23)",
                now);
        return;
    }
    count_try(conn);
    conn->syn_lost = conn->syn_again = true;
    conn->timing = false;
    conn->syn_owed = true;
    rto_expired(&conn->rto);
    tcp_arm_retransmit(tcp, conn, now);
}

/* RFC 6298, 5.4 to 5.6, RFC 5681, 3.1: all that is in flight is taken for lost, cwnd is one
 * segment. */
static void retransmission_timeout(struct tcp *tcp, struct tcp_conn *conn, instant now)
{
    fired(tcp, conn, TIMER_RETRANSMIT, now);
    events_count(tcp->events, COUNTER_TCP_TIMEOUTS);
    if (conn->retransmits >= tcp->values->tcp_retries) { /* R2 (MUST-20) */
        tcp_end(tcp, conn, conn_timeout_error(conn),
                "the peer acknowledges nothing (RFC 9293, 3.8.3)", now);
        return;
    }
    newreno_on_timeout(&conn->cc, conn_inflight(conn), conn->snd.nxt, conn->retransmits > 0);
    tcp_log_cwnd(tcp, conn, "retransmission timeout (RFC 5681, 3.1)", now);
    count_try(conn);
    conn->timing = false;
    conn->lost.from = conn->snd.una;
    conn->lost.to = conn->snd.nxt;
    conn->lost_by = LOST_BY_TIMEOUT;
    rto_expired(&conn->rto);
    tcp_arm_retransmit(tcp, conn, now);
}

/* RFC 9293, 3.8.6.1: probe a closed window, ever more seldom, for as long as the peer answers. */
static void persist_timeout(struct tcp *tcp, struct tcp_conn *conn, instant now)
{
    fired(tcp, conn, TIMER_PERSIST, now);
    if (conn->retransmits >= tcp->values->tcp_retries) {
        tcp_end(tcp, conn, conn_timeout_error(conn), "the peer answers no probe (RFC 9293, 3.8.3)",
                now);
        return;
    }
    count_try(conn);
    conn->probe_owed = true;
    rto_expired(&conn->rto);
    tcp_arm_retransmit(tcp, conn, now);
}

static void sender_timeout(struct tcp *tcp, struct tcp_conn *conn, instant now)
{
    conn->retransmit_at = INSTANT_NEVER;
    if (conn->state == TCPS_SYN_SENT || conn->state == TCPS_SYN_RECEIVED) {
        handshake_timeout(tcp, conn, now);
    } else if (conn->snd.wnd == 0 && (seq_lt(conn->snd.una, conn->snd.nxt) || has_unsent(conn))) {
        persist_timeout(tcp, conn, now);
    } else if (seq_lt(conn->snd.una, conn->snd.nxt)) {
        retransmission_timeout(tcp, conn, now);
    } else {
        fired(tcp, conn, TIMER_OVERRIDE, now);
        conn->override = conn->sendq.len > 0;
        if (conn->starving && conn->sendq.len == 0) { /* is there memory now? */
            conn->starving = false;
            conn->changed = true;
        }
    }
}

void tcp_timer(struct tcp *tcp, struct timer *timer, instant now)
{
    struct tcp_conn *conn = CONTAINER_OF(timer, struct tcp_conn, timer);

    if (!instant_before(now, conn->ack_at)) {
        fired(tcp, conn, TIMER_DELAYED_ACK, now);
        conn->ack_at = INSTANT_NEVER;
        tcp_owe_ack(conn, WHY_OUT_ACK_DELAYED);
    }
    if (!instant_before(now, conn->retransmit_at))
        sender_timeout(tcp, conn, now);
    if (!instant_before(now, conn->linger_at)) {
        bool time_wait = conn->state == TCPS_TIME_WAIT;
        fired(tcp, conn, time_wait ? TIMER_TIME_WAIT : TIMER_FIN_WAIT_2, now);
        tcp_end(tcp, conn, 0, time_wait ? "2 MSL have passed" : "the peer never closed its side",
                now);
    }
    tcp_settle(tcp, conn, now);
}
