/*
 * tcp_user.c - the calls: OPEN, SEND, RECEIVE, CLOSE, ABORT, STATUS (RFC 9293, 3.10.1 to 3.10.6).
 *
 * A call changes the connection and notes what is owed; nothing leaves before the stack pays.
 * Passive OPEN is in listen.c.
 */
#include <errno.h>
#include <poll.h>

#include "tcp/demux.h"
#include "tcp/tcp_recovery.h"

/* --- making and ending the machine -------------------------------------------------------- */

int tcp_init(struct tcp *tcp, const struct tcp_config *config)
{
    const struct stack_values *values = config->values;
    uint32_t conns = (uint32_t)values->tcp_connections;

    *tcp = (struct tcp){.memory = config->memory,
                        .events = config->events,
                        .wheel = config->wheel,
                        .timer_owner = config->timer_owner,
                        .values = values,
                        .mtu = (uint16_t)u32_min(config->mtu, UINT16_MAX),
                        .isn_key = config->isn_key,
                        .table_key = config->table_key,
                        .port_key = config->port_key,
                        .ts_key = config->ts_key,
                        .cookie_key = config->cookie_key};
    list_init(&tcp->debtors);
    list_init(&tcp->ready);
    prng_seed(&tcp->prng, config->seed);

    int err =
        pool_init(&tcp->conns, tcp->memory, "tcp connections", sizeof(struct tcp_conn), conns);
    if (err)
        return err;
    err = receivers_init(tcp);
    if (err)
        goto no_receivers;
    err = pool_init(&tcp->listener_pool, tcp->memory, "tcp listeners", sizeof(struct tcp_listener),
                    (uint32_t)values->tcp_listeners);
    if (err)
        goto no_listeners;
    err = pool_init(&tcp->tunings, tcp->memory, "tcp tunings", sizeof(struct tcp_tuning), conns);
    if (err)
        goto no_tunings;
    err = sendq_pools_init(&tcp->send_pools, tcp->memory, (uint64_t)values->mem_send);
    if (err)
        goto no_send;
    err = demux_init(tcp);
    if (err)
        goto no_table;
    err = tcp_parking_init(tcp, config->stations);
    if (err)
        goto no_parking;
    err = syn_cache_init(tcp, config->syn_timer_owner);
    if (err)
        goto no_syns;
    err = tw_init(tcp, config->time_wait_timer_owner);
    if (err)
        goto no_time_wait;
    err = senders_init(tcp);
    if (err)
        goto no_senders;
    return 0;
no_senders:
    tw_fini(tcp);
no_time_wait:
    syn_cache_fini(tcp);
no_syns:
    tcp_parking_fini(tcp);
no_parking:
    demux_fini(tcp);
no_table:
    sendq_pools_fini(&tcp->send_pools);
no_send:
    pool_fini(&tcp->tunings);
no_tunings:
    pool_fini(&tcp->listener_pool);
no_listeners:
    receivers_fini(tcp);
no_receivers:
    pool_fini(&tcp->conns);
    return err;
}

/* Whatever is left ends without a word to its peer; its memory goes with the pools. */
void tcp_fini(struct tcp *tcp)
{
    senders_fini(tcp);
    tw_fini(tcp);
    syn_cache_fini(tcp);
    tcp_parking_fini(tcp);
    demux_fini(tcp);
    sendq_pools_fini(&tcp->send_pools);
    pool_fini(&tcp->tunings);
    pool_fini(&tcp->listener_pool);
    receivers_fini(tcp);
    pool_fini(&tcp->conns);
}

/* --- OPEN --------------------------------------------------------------------------------- */

int tcp_connect(struct tcp *tcp, struct endpoint local, struct endpoint remote,
                struct tcp_tuning *tuning, int32_t owner, instant now, struct tcp_conn **out)
{
    assert(local.port != 0 && remote.port != 0 && !ip_is_unspecified(local.addr));
    if (demux_is_taken(tcp, local, remote))
        return -EADDRINUSE;
    struct tcp_conn *conn = conn_new(tcp, local, remote);
    if (!conn)
        return -ENOBUFS;
    conn->ready.owner = owner;
    tcp_begin_tuned(tcp, conn, tuning_share(tuning));
    conn_start_at(conn, isn_of(tcp->isn_key, local, remote, now)); /* 3.10.1 */
    conn->syn_owed = true;
    conn->since_ms = instant_ms(now);
    chain_append(&tcp->kin, KIN_OPENING, conn);
    tcp_set_state(tcp, conn, TCPS_SYN_SENT, "active OPEN (RFC 9293, 3.10.1)", now);
    conn->changed = false;
    tcp_settle(tcp, conn, now);
    *out = conn;
    return 0;
}

/* RFC 6056, 3.3.1: begin anywhere, take the first port that is free for this peer. */
int tcp_choose_port(struct tcp *tcp, struct endpoint local, struct endpoint remote,
                    bool (*taken)(void *cookie, uint16_t port), void *cookie, uint16_t *out)
{
    uint32_t min = (uint32_t)tcp->values->tcp_port_min;
    uint32_t max = (uint32_t)tcp->values->tcp_port_max;
    uint32_t count = max >= min ? max - min + 1 : 1;
    uint64_t counter = ++tcp->port_counter;
    uint64_t start = siphash(tcp->port_key, bytes_of(&counter, sizeof counter));

    for (uint32_t i = 0; i < count; i++) {
        uint16_t port = (uint16_t)(min + (start + i) % count);
        struct endpoint end = {local.addr, port};
        if (taken(cookie, port) || demux_listener(tcp, end))
            continue;
        if (tcp->port_use[port] > 0 &&
            (ip_is_unspecified(remote.addr) || demux_is_taken(tcp, end, remote)))
            continue;
        *out = port;
        return 0;
    }
    return -EADDRNOTAVAIL;
}

/* --- SEND --------------------------------------------------------------------------------- */

/* Octets that a write may add now. What cwnd and the window let leave at once, when the stack
 * pays, does not count as unsent. */
static uint32_t room_to_write(const struct tcp_conn *conn)
{
    uint32_t lowat = tuning_or_default(conn->tuning)->notsent_lowat;
    uint32_t room = conn->sendq.cap > conn->sendq.len ? conn->sendq.cap - conn->sendq.len : 0;
    uint32_t flight = conn_inflight(conn);
    uint32_t allowed = u32_min(conn->cc.cwnd, conn->snd.wnd);
    uint32_t leaves = allowed > flight ? allowed - flight : 0;
    uint32_t unsent = tcp_unsent(conn);

    if (lowat == 0)
        return room;
    uint64_t more = (uint64_t)lowat + leaves;
    return more > unsent ? (uint32_t)(more - unsent < room ? more - unsent : room) : 0;
}

/* 0, or why nothing can be sent now. */
static int may_send(struct tcp_conn *conn)
{
    switch ((enum tcp_state)conn->state) {
    case TCPS_CLOSED:
        if (conn->error && !conn->known_dead)
            return -tcp_take_error(conn);
        return -EPIPE;
    case TCPS_LISTEN:
        return -ENOTCONN;
    case TCPS_SYN_SENT:
    case TCPS_SYN_RECEIVED:
        return conn->closing ? -EPIPE : -EAGAIN; /* writable once it is established */
    case TCPS_ESTABLISHED:
    case TCPS_CLOSE_WAIT:
        break;
    case TCPS_FIN_WAIT_1:
    case TCPS_FIN_WAIT_2:
    case TCPS_CLOSING:
    case TCPS_LAST_ACK:
    case TCPS_TIME_WAIT:
        return -EPIPE;
    }
    return conn->closing ? -EPIPE : 0;
}

ssize_t tcp_send(struct tcp *tcp, struct tcp_conn *conn, struct frame *frame, struct bytes text,
                 bool more, instant now)
{
    int err = may_send(conn);
    size_t taken = 0;

    if (err || text.len == 0)
        return err;
    tcp_share_send_memory(tcp, conn);
    uint32_t room = room_to_write(conn);
    if (!text.at && room > 0)
        return -EFAULT;
    if (frame)
        taken = sendq_append_frame(&conn->sendq, &tcp->send_pools, frame, bytes_first(text, room));
    if (taken == 0)
        taken = sendq_append(&conn->sendq, &tcp->send_pools, bytes_first(text, room));
    if (taken < text.len)
        conn->starving = true;
    if (taken == 0 && text.len > 0) {
        if (conn->sendq.len == 0) { /* no ACK will ever make room: memory is short, try later */
            conn->retransmit_at = instant_add(now, tcp->values->tcp_override);
            events_timer(tcp->events, conn->id, TIMER_OVERRIDE, conn->retransmit_at, now);
        }
        tcp_settle(tcp, conn, now);
        return -EAGAIN;
    }
    conn->corked = more && taken == text.len;
    tcp_settle(tcp, conn, now);
    return (ssize_t)taken;
}

/* --- RECEIVE ------------------------------------------------------------------------------------
 */

/* The octets of one RECEIVE, out of the queue or left in it. */
static ssize_t take_from_queue(struct recvq *queue, const struct tcp_read *read)
{
    size_t left = queue->len > read->from ? queue->len - read->from : 0;

    if (read->discard)
        return (ssize_t)(read->peek ? size_min(left, read->len) : recvq_drop(queue, read->len));
    if (!read->out && read->len > 0)
        return left > 0 ? -EFAULT : 0;
    if (read->peek)
        return (ssize_t)recvq_peek(queue, read->from, read->out, read->len);
    return (ssize_t)recvq_read(queue, read->out, read->len);
}

ssize_t tcp_recv(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_read *read, instant now)
{
    if (conn->recvq.len > 0) {
        ssize_t n = take_from_queue(&conn->recvq, read);
        if (n > 0 && !read->peek && conn->state != TCPS_CLOSED && !conn->peer_fin) {
            conn->rcv.buffer = u32_min(tcp_receive_cap(tcp, conn), conn->rcv.buffer + (uint32_t)n);
            conn->window_owed |= tcp_window_is_news(conn);
            if (conn->window_owed && !list_is_linked(&conn->debt))
                list_append(&tcp->debtors, &conn->debt);
        }
        return n;
    }
    if (conn->peer_fin) /* all has come, whatever happened then: that is SEND's to tell */
        return 0;
    if (conn->error && !conn->known_dead)
        return -tcp_take_error(conn);
    if (conn->read_shut || conn->state == TCPS_CLOSED)
        return 0;
    (void)now;
    return -EAGAIN;
}

uint32_t tcp_unread(const struct tcp_conn *conn)
{
    return conn->recvq.len;
}

bool tcp_peer_has_closed(const struct tcp_conn *conn)
{
    return conn->peer_fin;
}

/* --- CLOSE --------------------------------------------------------------------------------------
 */

/* RFC 9293, 3.10.4. The FIN follows the text; a second CLOSE adds nothing. */
static void close_sending(struct tcp *tcp, struct tcp_conn *conn, instant now)
{
    if (conn->closing)
        return;
    conn->closing = true;
    conn->corked = false;
    if (conn->state == TCPS_ESTABLISHED)
        tcp_set_state(tcp, conn, TCPS_FIN_WAIT_1, "the application closed (RFC 9293, 3.10.4)", now);
    conn->changed = false;
}

int tcp_shutdown_write(struct tcp *tcp, struct tcp_conn *conn, instant now)
{
    switch ((enum tcp_state)conn->state) {
    case TCPS_CLOSED:
    case TCPS_LISTEN:
    case TCPS_SYN_SENT:
        return -ENOTCONN;
    case TCPS_SYN_RECEIVED:
    case TCPS_ESTABLISHED:
    case TCPS_CLOSE_WAIT:
        close_sending(tcp, conn, now);
        conn->changed = true;
        break;
    case TCPS_FIN_WAIT_1:
    case TCPS_FIN_WAIT_2:
    case TCPS_CLOSING:
    case TCPS_LAST_ACK:
    case TCPS_TIME_WAIT:
        break;
    }
    tcp_settle(tcp, conn, now);
    return 0;
}

void tcp_shutdown_read(struct tcp *tcp, struct tcp_conn *conn, instant now)
{
    conn->read_shut = true; /* what has come and still comes can be read; then it is the end */
    conn->changed = true;
    tcp_settle(tcp, conn, now);
}

/* RFC 9293, 3.10.5. */
static void abort_call(struct tcp *tcp, struct tcp_conn *conn, enum why why, const char *cause,
                       instant now)
{
    switch ((enum tcp_state)conn->state) {
    case TCPS_SYN_RECEIVED:
    case TCPS_ESTABLISHED:
    case TCPS_FIN_WAIT_1:
    case TCPS_FIN_WAIT_2:
    case TCPS_CLOSE_WAIT:
        tcp_abort_conn(tcp, conn, 0, why, cause, now);
        break;
    case TCPS_CLOSED:
    case TCPS_LISTEN:
    case TCPS_SYN_SENT:
    case TCPS_CLOSING:
    case TCPS_LAST_ACK:
    case TCPS_TIME_WAIT:
        tcp_end(tcp, conn, 0, cause, now);
        break;
    }
}

void tcp_wait_for_fin(struct tcp *tcp, struct tcp_conn *conn, instant now)
{
    int64_t time = tcp_fin_wait_2(tcp, conn);

    if (time < 0) /* TCP_LINGER2 */
        tcp_abort_conn(tcp, conn, 0, WHY_OUT_RST_ABORT, "nobody waits for the peer's FIN", now);
    else
        conn->linger_at = instant_add(now, time);
    if (time >= 0)
        events_timer(tcp->events, conn->id, TIMER_FIN_WAIT_2, conn->linger_at, now);
}

/* Nobody owns it from now on. Those that still have something to bring across are bounded, for
 * their peers may take their time (THREATS C39): false when there are enough of them. */
static bool may_be_orphan(struct tcp *tcp, struct tcp_conn *conn)
{
    if (conn->state == TCPS_CLOSED || conn->state == TCPS_TIME_WAIT)
        return true;
    if (tcp->orphans >= tcp->values->tcp_orphans) {
        events_count(tcp->events, COUNTER_TCP_ORPHAN_RESET);
        return false;
    }
    conn->orphaned = true;
    tcp->orphans++;
    return true;
}

void tcp_release(struct tcp *tcp, struct tcp_conn *conn, bool abort, instant now)
{
    bool unread = conn->recvq.len > 0;

    list_remove(&conn->ready.node);
    conn->ready.owner = NO_OWNER;
    recvq_clear(&conn->recvq);
    if (abort)
        abort_call(tcp, conn, WHY_OUT_RST_ABORT, "the application aborted (RFC 9293, 3.10.5)", now);
    else if (unread && conn->state != TCPS_TIME_WAIT && conn->state != TCPS_CLOSED) /* (SHLD-3) */
        tcp_abort_conn(tcp, conn, 0, WHY_OUT_RST_UNREAD,
                       "closed with text unread (RFC 9293, SHLD-3)", now);
    else if (conn->state == TCPS_SYN_SENT)
        tcp_end(tcp, conn, 0, "closed before it was established (RFC 9293, 3.10.4)", now);
    else if (!may_be_orphan(tcp, conn))
        abort_call(tcp, conn, WHY_OUT_RST_ABORT, "too many connections without an owner", now);
    else if (conn->state == TCPS_FIN_WAIT_2)
        tcp_wait_for_fin(tcp, conn, now);
    else if (conn->state != TCPS_TIME_WAIT && conn->state != TCPS_CLOSED)
        close_sending(tcp, conn, now);
    tcp_settle(tcp, conn, now);
}

void tcp_unreachable(struct tcp *tcp, struct tcp_conn *conn, int error, instant now)
{
    /* Fatal while opening; later only a hint that a retransmission may outlive (MUST-56). */
    if (conn->state == TCPS_SYN_SENT)
        tcp_end(tcp, conn, error, "its first hop cannot be reached (RFC 1122, 3.2.2.1)", now);
    tcp_settle(tcp, conn, now);
}

void tcp_unreachable_behind(struct tcp *tcp, bool (*is_behind)(void *cookie, struct ip_addr remote),
                            void *cookie, int error, instant now)
{
    struct tcp_conn *next;

    for (struct tcp_conn *conn = chain_first(&tcp->kin, KIN_OPENING); conn; conn = next) {
        next = chain_next(&tcp->kin, conn);
        if (is_behind(cookie, conn->remote.addr))
            tcp_unreachable(tcp, conn, error, now);
    }
}

/* --- readiness ---------------------------------------------------------------------------- */

uint32_t tcp_unsent(const struct tcp_conn *conn)
{
    return conn->sendq.len - conn_text_sent(conn);
}

/* As Linux counts SIOCOUTQ: the FIN is one from CLOSE on, the SYN none. */
uint32_t tcp_unacknowledged(const struct tcp_conn *conn)
{
    bool fin = conn->closing && conn->state != TCPS_CLOSED &&
               !(conn->fin_sent && seq_eq(conn->snd.una, conn->snd.nxt));

    return conn->sendq.len + fin;
}

void tcp_want_room(struct tcp_conn *conn)
{
    if (tcp_state_can_send((enum tcp_state)conn->state) && !conn->closing && !tcp_has_room(conn))
        conn->starving = true;
}

short tcp_poll(const struct tcp_conn *conn)
{
    bool writable = (conn->state == TCPS_ESTABLISHED || conn->state == TCPS_CLOSE_WAIT) &&
                    tcp_has_room(conn) && !(conn->starving && conn->sendq.len == 0);
    int events = 0;

    if (conn->error && !conn->known_dead)
        events |= POLLERR;
    if (conn->recvq.len > 0 || conn->peer_fin || conn->read_shut)
        events |= POLLIN;
    if (conn->peer_fin || conn->read_shut)
        events |= POLLRDHUP;
    if (conn->state == TCPS_CLOSED)
        events |= POLLIN | POLLOUT | POLLHUP | POLLRDHUP;
    else if ((conn->peer_fin || conn->read_shut) && conn->closing)
        events |= POLLHUP;
    if (writable || conn->closing)
        events |= POLLOUT; /* a write would not block: it is taken, or fails at once */
    return (short)events;
}
