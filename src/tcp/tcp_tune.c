/*
 * tcp_tune.c - what the application may set on a connection, and what holds where it has not.
 *
 * Switches are bits of the connection; numbers lie in a struct tcp_tuning that is there only once
 * one was set (tuning.h). A connection that comes to a listener has the listener's from its SYN on,
 * because MSS and window are told in the answer to it; what is set on the listener before the
 * handshake ends counts too.
 */
#include "tcp/tcp_conn.h"

enum { SEND_SHARE_MIN = 4096 }; /* octets that a connection may always queue */

/* --- what holds --------------------------------------------------------------------------- */

static const struct tcp_tuning *tuned(const struct tcp_conn *conn)
{
    return tuning_or_default(conn->tuning);
}

int64_t tcp_keep_idle(const struct tcp *tcp, const struct tcp_conn *conn)
{
    uint32_t seconds = tuned(conn)->keep_idle_s;

    return seconds ? seconds * NS_PER_S : tcp->values->tcp_keepalive_idle;
}

int64_t tcp_keep_interval(const struct tcp *tcp, const struct tcp_conn *conn)
{
    uint32_t seconds = tuned(conn)->keep_interval_s;

    return seconds ? seconds * NS_PER_S : tcp->values->tcp_keepalive_interval;
}

uint32_t tcp_keep_count(const struct tcp *tcp, const struct tcp_conn *conn)
{
    uint32_t count = tuned(conn)->keep_count;

    return count ? count : (uint32_t)tcp->values->tcp_keepalive_count;
}

int64_t tcp_user_timeout(const struct tcp *tcp, const struct tcp_conn *conn)
{
    uint32_t ms = tuned(conn)->user_timeout_ms;

    return ms ? ms * NS_PER_MS : tcp->values->tcp_user_timeout;
}

int64_t tcp_fin_wait_2(const struct tcp *tcp, const struct tcp_conn *conn)
{
    int32_t seconds = tuned(conn)->linger2_s;

    return seconds ? seconds * NS_PER_S : tcp->values->tcp_fin_wait_2;
}

uint32_t tcp_clamp_mss(const struct tcp_conn *conn, uint32_t mss)
{
    uint32_t user = tuned(conn)->user_mss;

    return user ? u32_min(user, mss) : mss;
}

uint32_t tcp_ip_options_len(const struct tcp_conn *conn)
{
    return conn->ip_options ? conn->tuning->ip_options.len : 0;
}

uint32_t tcp_first_send_cap(const struct tcp *tcp)
{
    return u32_min((uint32_t)tcp->values->tcp_wmem_first, (uint32_t)tcp->values->tcp_wmem);
}

/* Room for what is in flight and for as much again, which the application writes meanwhile; more
 * would only wait. What SO_SNDBUF has set stays. */
void tcp_grow_send_cap(const struct tcp *tcp, struct tcp_conn *conn)
{
    uint32_t most = (uint32_t)tcp->values->tcp_wmem;

    if (conn->sendq.cap < most && conn->cc.cwnd > conn->sendq.cap / 2 && !tuned(conn)->send_buffer)
        conn->sendq.cap = conn->cc.cwnd < most / 2 ? 2 * conn->cc.cwnd : most;
}

/* What send queues hold comes from one store, and a reader who takes nothing keeps its part. So the
 * more of the store is out, the less each may have: at first what its cwnd can use, then no more
 * than is in flight, and in the end a share of what is left, so that something always is. It grows
 * back with the next ACKs. */
void tcp_share_send_memory(const struct tcp *tcp, struct tcp_conn *conn)
{
    const uint64_t cap = tcp->send_pools.cap, out = tcp->send_pools.charged;
    uint64_t share = 2 * (uint64_t)conn->cc.cwnd;

    if (out <= cap / 4 || tuned(conn)->send_buffer)
        return;
    if (out > cap / 4 * 3)
        share = share / 2 < (cap - out) / 32 ? share / 2 : (cap - out) / 32;
    if (share < SEND_SHARE_MIN)
        share = SEND_SHARE_MIN;
    if (share < conn->sendq.cap)
        conn->sendq.cap = (uint32_t)share;
}

/* --- taking effect ------------------------------------------------------------------------ */

/* Of the true cost that was asked for, half is for what is not text, as Linux has it. */
uint32_t tcp_receive_cap(const struct tcp *tcp, const struct tcp_conn *conn)
{
    const struct tcp_tuning *tuning = tuned(conn);
    uint32_t cap =
        tuning->receive_buffer ? tuning->receive_buffer / 2 : (uint32_t)tcp->values->tcp_rmem;

    return tuning->window_clamp ? u32_min(cap, tuning->window_clamp) : cap;
}

static void apply(const struct tcp *tcp, struct tcp_conn *conn)
{
    const struct tcp_tuning *tuning = tuned(conn);

    conn->sendq.cap = tuning->send_buffer ? tuning->send_buffer : tcp_first_send_cap(tcp);
    conn->rcv.buffer = u32_min(conn->rcv.buffer, tcp_receive_cap(tcp, conn));
    cc_choose(&conn->cc, conn->sender ? &conn->sender->cc : NULL,
              tuning->cc ? (enum cc_algorithm)(tuning->cc - 1)
                         : (enum cc_algorithm)tcp->values->tcp_cc,
              conn->snd.nxt);
    tcp_set_tos_ttl(conn, tuning->tos, tuning->ttl);
    conn->ip_options = tuning->ip_options.len > 0 && ip_is_v4(conn->local.addr);
}

/* A segment's text for one with other IP options (MUST-16). One that had no room for any is not
 * trusted to tell what it was. */
static uint16_t mss_with(uint16_t mss, uint32_t old_options, uint32_t options)
{
    uint32_t room = mss > 1 ? mss + old_options : mss;

    return (uint16_t)(room > options ? room - options : 1);
}

static void set_ip_options(struct tcp_conn *conn, uint32_t old_options)
{
    uint32_t options = tcp_ip_options_len(conn);

    if (options == old_options)
        return;
    conn_set_mss(conn, mss_with(conn->snd_mss, old_options, options));
    if (conn->sender && conn->sender->doubted_mss > 0)
        conn->sender->doubted_mss = mss_with(conn->sender->doubted_mss, old_options, options);
}

void tcp_begin_tuned(struct tcp *tcp, struct tcp_conn *conn, struct tcp_tuning *tuning)
{
    conn->tuning = tuning;
    apply(tcp, conn);
    conn->rcv_mss = (uint16_t)tcp_clamp_mss(conn, conn->rcv_mss);
    conn->rcv_scale = tcp_window_shift(tcp, conn) & 15u;
}

void tcp_inherit(struct tcp *tcp, struct tcp_conn *conn, instant now)
{
    const struct tcp_listener *listener = conn_listener(tcp, conn);

    conn->keep_alive = listener->keep_alive;
    if (conn->tuning != listener->tuning)
        tcp_set_tuning(tcp, conn, listener->tuning, now);
}

void tcp_set_tuning(struct tcp *tcp, struct tcp_conn *conn, struct tcp_tuning *tuning, instant now)
{
    struct tcp_tuning *old = conn->tuning;
    int64_t timeout = tcp_user_timeout(tcp, conn);
    int64_t idle = tcp_keep_idle(tcp, conn);
    uint32_t ip_options = tcp_ip_options_len(conn);

    conn->tuning = tuning_share(tuning);
    tuning_drop(&tcp->tunings, &old);
    conn->ip_options = false; /* apply() says */
    if (conn->state == TCPS_CLOSED)
        return;
    apply(tcp, conn);
    set_ip_options(conn, ip_options);
    /* with nothing in flight, the timer is for something else */
    bool waits = seq_lt(conn->snd.una, conn->snd.nxt) || conn->persisting;
    if (timeout != tcp_user_timeout(tcp, conn) && waits && !instant_is_never(conn->retransmit_at))
        tcp_arm_retransmit(tcp, conn, now);
    if (idle != tcp_keep_idle(tcp, conn))
        tcp_keep_arm(tcp, conn, now);
}

struct tcp_tuning *tcp_tuning(const struct tcp_conn *conn)
{
    return conn->tuning;
}

void tcp_set_tos_ttl(struct tcp_conn *conn, uint8_t tos, uint8_t ttl)
{
    conn->tos = tos & (uint8_t)~IP_TOS_ECN; /* those two bits are ours (RFC 9293, SHLD-22) */
    conn->ttl = ttl;
}

/* --- switches ----------------------------------------------------------------------------- */

/* What waits for company leaves now, as it is. */
static void push(struct tcp_conn *conn)
{
    conn->corked = false;
    conn->override |= tcp_state_can_send((enum tcp_state)conn->state) && tcp_unsent(conn) > 0;
}

void tcp_set_no_delay(struct tcp *tcp, struct tcp_conn *conn, bool on, instant now)
{
    conn->no_delay = on;
    if (on && conn->cork)
        push(conn);
    tcp_settle(tcp, conn, now);
}

void tcp_set_cork(struct tcp *tcp, struct tcp_conn *conn, bool on, instant now)
{
    if (conn->cork && !on)
        push(conn);
    conn->cork = on;
    tcp_settle(tcp, conn, now);
}

void tcp_set_keep_alive(struct tcp *tcp, struct tcp_conn *conn, bool on, instant now)
{
    if (conn->keep_alive == on)
        return;
    conn->keep_alive = on;
    conn->keep_probes = 0;
    tcp_keep_arm(tcp, conn, now);
    tcp_settle(tcp, conn, now);
}

void tcp_set_quick_ack(struct tcp *tcp, struct tcp_conn *conn, bool on, instant now)
{
    uint32_t some = u32_max((uint32_t)tcp->values->tcp_quick_acks, 16);

    conn->quick_acks = on ? (uint16_t)some : 0;
    if (on && !instant_is_never(conn->ack_at)) {
        conn->ack_at = INSTANT_NEVER;
        tcp_owe_ack(conn, WHY_OUT_ACK_QUICK);
    }
    tcp_settle(tcp, conn, now);
}

bool tcp_quick_ack(const struct tcp_conn *conn)
{
    return conn->quick_acks > 0;
}
