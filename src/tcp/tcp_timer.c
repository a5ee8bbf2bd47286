/*
 * tcp_timer.c - timeouts (RFC 9293, 3.10.8; RFC 6298).
 *
 * A connection has one timer, armed for the earliest of its deadlines; what each means follows from
 * its state, so there is no second bookkeeping:
 *
 *     retransmit_at   something is in flight: the retransmission timeout
 *                     the peer's window is closed: the next probe
 *                     else: the override of silly-window avoidance or of MSG_MORE
 *     ack_at          an ACK was delayed
 *     linger_at       TIME-WAIT, or FIN-WAIT-2 that nobody owns; else keep-alive (tcp_alive.c)
 *     reorder_at      what is late by then is lost (tcp_recovery.c)
 *     pace_at         the next segment may leave (pacing.h)
 *     probe_at        the tail of the flight is probed (tcp_tail_probe.c)
 *
 * When large segments are not acknowledged time after time they are made smaller, for a path may
 * swallow them and the ICMP error that would say so.
 *
 * Half-open connections in the SYN cache have no timer of their own: the cache asks for their
 * tcp_handshake_timeout() (syn_cache.c).
 *
 * A timer only notes what is owed. The retransmission itself is tcp_output()'s.
 */
#include "tcp/tcp_ecn.h"
#include "tcp/tcp_recovery.h"

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
    instant deadline = conn->retransmit_at;

    conn->persisting = tcp_state_can_send((enum tcp_state)conn->state) && conn->snd.wnd == 0 &&
                       (in_flight || has_unsent(conn));
    conn->retransmit_at = INSTANT_NEVER;
    if (!in_flight && !conn->persisting && !conn->ecn_wait) {
        if (!instant_is_never(deadline))
            events_timer(tcp->events, conn->id, TIMER_RETRANSMIT, INSTANT_NEVER, now);
        return;
    }
    if (conn->persisting && !before && !in_flight)
        conn->since_ms = instant_ms(now);
    conn->retransmit_at =
        tcp_within_user_timeout(tcp, conn, instant_add(now, rto_current(&conn->rto, &limits)), now);
    if (conn->retransmit_at.ns != deadline.ns || conn->persisting != before)
        events_timer(tcp->events, conn->id, conn->persisting ? TIMER_PERSIST : TIMER_RETRANSMIT,
                     conn->retransmit_at, now);
}

static void count_try(struct tcp_conn *conn)
{
    if (conn->retransmits < UINT8_MAX)
        conn->retransmits++;
}

/* Nobody answers our <SYN,ACK>: once more? A third step that TCP_DEFER_ACCEPT has put aside holds
 * the peer until the <SYN,ACK>s of that time have run out. */
static bool synack_is_hopeless(const struct tcp *tcp, const struct tcp_conn *conn)
{
    uint32_t defer = tuning_or_default(conn->tuning)->defer_accept;

    return conn->retransmits >= tcp->values->tcp_synack_retries &&
           !(conn->deferred && conn->retransmits < defer);
}

/* Nobody answers our SYN (MUST-22, MUST-23). TCP_SYNCNT counts alone: it is the application's. */
static bool syn_is_hopeless(const struct tcp *tcp, const struct tcp_conn *conn, instant now)
{
    const struct stack_values *values = tcp->values;
    uint32_t count = tuning_or_default(conn->tuning)->syn_count;

    if (count > 0)
        return conn->retransmits >= count;
    return conn->retransmits >= values->tcp_syn_retries &&
           instant_since_ms(now, conn->since_ms) >= values->tcp_syn_timeout;
}

void tcp_handshake_timeout(struct tcp *tcp, struct tcp_conn *conn, instant now)
{
    uint32_t defer = tuning_or_default(conn->tuning)->defer_accept;

    conn->retransmit_at = INSTANT_NEVER;
    events_timer_fired(tcp->events, conn->id, TIMER_RETRANSMIT, now);
    events_count(tcp->events, COUNTER_TCP_TIMEOUTS);
    if (conn->passive && synack_is_hopeless(tcp, conn)) {
        tcp_end(tcp, conn, 0, "the third step of the handshake never came (RFC 9293, 3.8.3)", now);
        return;
    }
    if (!conn->passive && syn_is_hopeless(tcp, conn, now)) {
        tcp_end(tcp, conn, conn_timeout_error(conn), "nobody answered our SYN (RFC 9293, MUST-23)",
                now);
        return;
    }
    conn->syn_owed = !conn->deferred || conn->retransmits + 1u >= defer;
    conn->syn_again |= conn->syn_owed;
    conn->syn_lost |= !conn->deferred;
    count_try(conn);
    conn->timing = false;
    rto_expired(&conn->rto);
    tcp_arm_retransmit(tcp, conn, now);
}

/* Nobody acknowledges a large segment, and nobody says why: perhaps the path swallows what is
 * large, and the ICMP error, too. What RFC 4821, 7.7 calls a full-stop timeout then asks for 1024
 * octets, and each further one for half, down to our floor. */
static bool suspects_black_hole(struct tcp *tcp, struct tcp_conn *conn)
{
    uint32_t patience = (uint32_t)tcp->values->tcp_black_hole;
    uint32_t headers = (ip_is_v4(conn->local.addr) ? 40u : 60u) +
                       (conn->ts_ok ? TCP_TIMESTAMPS_LEN : 0u) + tcp_ip_options_len(conn);
    uint32_t mtu = conn->retransmits == patience ? 1024 : (conn->snd_mss + headers) / 2;

    if (patience == 0 || conn->retransmits < patience || conn->soft_error ||
        conn_text_sent(conn) + headers <= mtu)
        return false;
    if (conn->sender->doubted_mss == 0)
        conn->sender->doubted_mss = conn->snd_mss;
    return tcp_lower_path_mtu(tcp, conn, mtu);
}

/* RFC 6298, 5.4 to 5.6. */
static void retransmission_timeout(struct tcp *tcp, struct tcp_conn *conn, instant now)
{
    events_timer_fired(tcp->events, conn->id, TIMER_RETRANSMIT, now);
    events_count(tcp->events, COUNTER_TCP_TIMEOUTS);
    if (conn->retransmits >= tcp->values->tcp_retries) { /* R2 (MUST-20) */
        tcp_end(tcp, conn, conn_timeout_error(conn),
                "the peer acknowledges nothing (RFC 9293, 3.8.3)", now);
        return;
    }
    bool smaller = suspects_black_hole(tcp, conn);
    tcp_recover_from_timeout(tcp, conn, now);
    tcp_ecn_owe_cwr(conn);
    tcp_tell_cwnd(tcp, conn,
                  smaller ? "timeout after timeout: smaller segments (RFC 4821, 7.7)"
                          : "retransmission timeout (RFC 5681, 3.1)",
                  now);
    count_try(conn);
    rto_expired(&conn->rto);
    tcp_arm_retransmit(tcp, conn, now);
}

/* RFC 9293, 3.8.6.1: probe a closed window, ever more seldom, for as long as the peer answers. */
static void persist_timeout(struct tcp *tcp, struct tcp_conn *conn, instant now)
{
    struct rto_limits limits = tcp_rto_limits(tcp);

    events_timer_fired(tcp->events, conn->id, TIMER_PERSIST, now);
    tcp_tell_stall(tcp, conn, HELD_WINDOW, rto_current(&conn->rto, &limits), now);
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
    bool waited = conn->ecn_wait;

    conn->retransmit_at = INSTANT_NEVER;
    conn->ecn_wait = false;
    if (tcp_user_timeout_is_over(tcp, conn, now)) {
        events_timer_fired(tcp->events, conn->id,
                           conn->persisting ? TIMER_PERSIST : TIMER_RETRANSMIT, now);
        tcp_end(tcp, conn, ETIMEDOUT, "the user timeout is over (RFC 9293, 3.8.3)", now);
    } else if (conn->state == TCPS_SYN_SENT || conn->state == TCPS_SYN_RECEIVED) {
        tcp_handshake_timeout(tcp, conn, now);
    } else if (conn->snd.wnd == 0 && (seq_lt(conn->snd.una, conn->snd.nxt) || has_unsent(conn))) {
        persist_timeout(tcp, conn, now);
    } else if (seq_lt(conn->snd.una, conn->snd.nxt)) {
        retransmission_timeout(tcp, conn, now);
    } else if (waited) {
        events_timer_fired(tcp->events, conn->id, TIMER_RETRANSMIT, now);
    } else {
        events_timer_fired(tcp->events, conn->id, TIMER_OVERRIDE, now);
        /* while text waits, who would write more has found the buffer full: that is not why */
        bool hungry = conn->starving && conn->sendq.len == 0;
        enum held_by by = hungry ? HELD_MEMORY : (enum held_by)conn->held;
        if (by != HELD_NO_TEXT)
            tcp_tell_stall(tcp, conn, by, tcp->values->tcp_override, now);
        conn->override = conn->sendq.len > 0;
        if (hungry) { /* is there memory now? */
            conn->starving = false;
            conn->more_room = true;
        }
    }
}

static void linger_timeout(struct tcp *tcp, struct tcp_conn *conn, instant now)
{
    if (conn->state == TCPS_TIME_WAIT) {
        events_timer_fired(tcp->events, conn->id, TIMER_TIME_WAIT, now);
        tcp_end(tcp, conn, 0, "2 MSL have passed (RFC 9293, 3.10.8)", now);
    } else if (conn->state == TCPS_FIN_WAIT_2 && conn_is_orphan(conn)) {
        events_timer_fired(tcp->events, conn->id, TIMER_FIN_WAIT_2, now);
        tcp_end(tcp, conn, 0, "the peer never closed its side", now);
    } else {
        tcp_keep_timeout(tcp, conn, now);
        if (conn->keep_owed || conn->state == TCPS_CLOSED)
            events_timer_fired(tcp->events, conn->id, TIMER_KEEP_ALIVE, now);
    }
}

void tcp_timer(struct tcp *tcp, struct timer *timer, instant now)
{
    struct tcp_conn *conn = CONTAINER_OF(timer, struct tcp_conn, timer);

    if (!instant_before(now, conn->ack_at)) {
        events_timer_fired(tcp->events, conn->id, TIMER_DELAYED_ACK, now);
        conn->ack_at = INSTANT_NEVER;
        tcp_owe_ack(conn, WHY_OUT_ACK_DELAYED);
    }
    if (conn->sender && !instant_before(now, conn->sender->pace_at))
        conn->sender->pace_at = INSTANT_NEVER; /* tcp_settle() lets it try; its segment tells */
    if (conn->sender && !instant_before(now, conn->sender->reorder_at)) {
        events_timer_fired(tcp->events, conn->id, TIMER_REORDER, now);
        tcp_reorder_timeout(tcp, conn, now);
    }
    if (conn->sender && !instant_before(now, conn->sender->probe_at)) {
        events_timer_fired(tcp->events, conn->id, TIMER_TAIL_PROBE, now);
        tcp_tail_probe_timeout(tcp, conn, now);
    }
    if (!instant_before(now, conn->retransmit_at))
        sender_timeout(tcp, conn, now);
    if (!instant_before(now, conn->linger_at))
        linger_timeout(tcp, conn, now);
    tcp_settle(tcp, conn, now);
}
