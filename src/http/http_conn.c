/*
 * http_conn.c - a connection of the server: read a request, answer it, and again.
 *
 * What is hard: a peer may send and read at any pace, stop in the middle or vanish, and a thousand
 * others wait. So a connection never waits in here. It does what can be done now, in steps that
 * each end in one of four ways (enum http_step), and remembers where it was:
 *
 *     FRESH, IDLE -- octets --> READING -- a head --> TAKING -- its content --> WRITING
 *            ^                                                                   |   |
 *            +---------------------------- keep alive ---------------------------+ close
 *                                                                                    |
 *                                                          gone <-- LINGERING <------+
 *
 * A request that is there at once passes through READING and TAKING without a stop.
 *
 * No more is read than fits the exchange's buffer, and nothing while a response is on its way:
 * behind that the receive window closes, so pipelined requests cost the peer's memory and not ours.
 * In one turn a connection moves a bounded number of octets and answers a bounded number of
 * requests; then it goes to the end of the ready list.
 *
 * A connection is closed in stages (RFC 9112, 9.6): our half first; then we read and discard until
 * the peer closes too. A socket closed with unread octets would be reset (RFC 9293, 3.6.1), and the
 * reset could overtake the response.
 *
 * Each state has one timer. The one of a request runs from its first octet and is not moved by more
 * of them; the one of a response asks now and then whether the peer still takes octets at a human
 * pace. A timer that is put off stays where it is and looks again when it fires: most are put off
 * by the next request.
 */
#include "http/http_conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

void http_conn_set_option(struct http_conn *conn, int level, int option, const void *value,
                          socklen_t len)
{
    /* Options are hints; a connection that died meanwhile will say so at its next call. */
    int ignored =
        sock_setsockopt(conn->server->config.stack, conn->socket, level, option, value, len);
    (void)ignored;
}

static void arm(struct http_conn *conn, int64_t ns, instant now)
{
    conn->deadline = instant_add(now, ns);
    wheel_arm_by(&conn->server->wheel, &conn->timer, conn->deadline);
}

void http_conn_set_state(struct http_conn *conn, enum http_conn_state state, instant now)
{
    const struct http_server_config *config = &conn->server->config;

    list_remove(&conn->idle); /* and when it waits, it is there again */
    conn->state = state;
    switch (state) {
    case HTTP_FRESH:
    case HTTP_READING:
        arm(conn, config->header_ns, now);
        break;
    case HTTP_IDLE:
        arm(conn, config->idle_ns, now);
        break;
    case HTTP_TAKING:
        arm(conn, config->content_ns, now);
        break;
    case HTTP_WRITING:
        arm(conn, config->stall_ns, now);
        break;
    case HTTP_LINGERING:
        arm(conn, config->linger_ns, now);
        break;
    }
}

/* --- life --------------------------------------------------------------------------------- */

bool http_conn_open_exchange(struct http_conn *conn, instant now)
{
    struct http_exchange *x = pool_get_unzeroed(&conn->server->exchanges);

    conn->exchange = x;
    if (!x)
        return false;
    http_parser_init(&x->parser);
    memset(&x->input, 0,
           offsetof(struct http_exchange, out) - offsetof(struct http_exchange, input));
    x->input = x->input_small;
    x->room = sizeof(x->input_small);
    x->file = HTTP_NO_FILE;
    x->begun = now;
    return true;
}

void http_conn_close_exchange(struct http_conn *conn, instant now)
{
    struct http_server *server = conn->server;
    struct http_exchange *x = conn->exchange;

    if (!x)
        return;
    if (conn->state == HTTP_WRITING)
        http_conn_account(conn, http_send_is_done(x), now);
    http_answer_fini(server, x);
    if (x->input != x->input_small)
        pool_put(&server->heads, x->input);
    pool_put(&server->exchanges, x);
    conn->exchange = NULL;
}

static void ready(struct sock_app *app, int s, short events, instant now)
{
    struct http_conn *conn = CONTAINER_OF(app, struct http_conn, app);

    assert(conn->socket == s);
    (void)events; /* whatever it is, the next call on the socket tells */
    http_conn_run(conn, now);
}

void http_conn_open(struct http_conn *conn, struct http_server *server, int socket, instant now)
{
    const int on = 1;

    conn->app.ready = ready;
    conn->server = server;
    conn->socket = socket;
    conn->opened = now;
    list_init(&conn->idle);
    timer_init(&conn->timer, 0);
    sock_set_app(server->config.stack, socket, &conn->app);
    /* A response's last segment must not wait for an acknowledgment of the one before (RFC 9293,
     * 3.7.4): whole responses are written at once anyway. */
    http_conn_set_option(conn, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    http_conn_set_state(conn, HTTP_FRESH, now);
}

/* The wall clock's time of `when`. */
static int64_t wall_of(const struct http_server *server, instant when, instant now)
{
    const struct env *env = server->config.env;

    return env->wall_ns(env->context) - instant_since(now, when);
}

void http_conn_account(struct http_conn *conn, bool whole, instant now)
{
    struct http_server *server = conn->server;
    const struct http_access_ops *access = &server->config.access;
    const struct http_exchange *x = conn->exchange;
    struct sock_info info = {0};

    conn->requests++;
    conn->content += x->sent;
    server->stats.requests++;
    server->stats.octets += x->sent;
    server->stats.by_class[x->status / 100]++;
    if (!access->answered || sock_info(server->config.stack, conn->socket, &info))
        return;
    const uint32_t len = x->next > x->begin ? x->parser.at : x->end - x->begin;
    access->answered(access->context, &(struct http_access){
                                          .request = x->next > x->begin ? &x->parser.request : NULL,
                                          .head = bytes_of(x->input + x->begin, len),
                                          .status = x->status,
                                          .content = x->sent,
                                          .whole = whole,
                                          .nth = conn->requests,
                                          .begun_ns = wall_of(server, x->begun, now),
                                          .duration_ns = instant_since(now, x->begun),
                                          .info = &info,
                                      });
}

static void say_farewell(struct http_conn *conn, const char *why, instant now)
{
    struct http_server *server = conn->server;
    const struct http_access_ops *access = &server->config.access;
    struct sock_info info = {0};

    if (!access->closed || sock_info(server->config.stack, conn->socket, &info))
        return;
    access->closed(access->context, &(struct http_farewell){
                                        .why = conn->why ? conn->why : why,
                                        .requests = conn->requests,
                                        .content = conn->content,
                                        .begun_ns = wall_of(server, conn->opened, now),
                                        .duration_ns = instant_since(now, conn->opened),
                                        .info = &info,
                                    });
}

void http_conn_end(struct http_conn *conn, bool reset, const char *why, instant now)
{
    struct http_server *server = conn->server;
    const struct linger abort_it = {.l_onoff = 1, .l_linger = 0};

    http_conn_close_exchange(conn, now);
    say_farewell(conn, why, now);
    if (reset) {
        http_conn_set_option(conn, SOL_SOCKET, SO_LINGER, &abort_it, sizeof(abort_it));
        server->stats.aborted++;
    }
    if (conn->refused)
        server->refusing--;
    list_remove(&conn->idle);
    wheel_disarm(&server->wheel, &conn->timer);
    if (conn->counted)
        http_clients_leave(&server->clients, conn->client);
    sock_close(server->config.stack, conn->socket);
    pool_put(&server->conns, conn);
    if (server->accept_waits && !server->stopping) {
        server->accept_waits = false;
        sock_again(server->config.stack, server->listener);
    }
}

/* Notes what the peer has acknowledged, and what it owes us now. */
static void look(struct http_conn *conn, const struct sock_info *info)
{
    conn->acked = info->octets_acked;
    conn->owed = info->octets_acked + info->send_queued;
}

/* Whether the peer still takes what we send: it has octets to acknowledge, and since this was last
 * asked, `ns` ago, it did so at HTTP_RATE_MIN at least. */
static bool keeps_up(struct http_conn *conn, int64_t ns)
{
    const uint64_t before = conn->acked;
    struct sock_info info;

    if (sock_info(conn->server->config.stack, conn->socket, &info))
        return false;
    look(conn, &info);
    return info.send_queued && conn->acked - before >= (uint64_t)(ns / NS_PER_S) * HTTP_RATE_MIN;
}

/* Whether a response waits for its peer, and the peer is too slow. It is not if it owes us nothing:
 * then our turn is late, or the source has nothing to say. Behind a source that pauses there may be
 * less to take than HTTP_RATE_MIN asks for; there it is enough to take all that was owed before. */
static bool is_too_slow(struct http_conn *conn, int64_t ns)
{
    const uint64_t owed = conn->owed;

    if (keeps_up(conn, ns))
        return false;
    return conn->owed != conn->acked && !(conn->exchange->paused && conn->acked >= owed);
}

void http_conn_linger(struct http_conn *conn, const char *why, instant now)
{
    int err = sock_shutdown(conn->server->config.stack, conn->socket, SHUT_WR);

    (void)err; /* the next read tells */
    http_conn_close_exchange(conn, now);
    conn->why = why;
    conn->linger_left = HTTP_LINGER_MAX;
    keeps_up(conn, 0); /* counts from now */
    http_conn_set_state(conn, HTTP_LINGERING, now);
}

void http_conn_refuse(struct http_conn *conn, instant now)
{
    /* Needs no memory. A 5xx may do without a Date (RFC 9110, 6.6.1). */
    static const char text[] = "HTTP/1.1 503 Service Unavailable\r\n"
                               "Server: tapio\r\n"
                               "Retry-After: 1\r\n"
                               "Content-Type: text/plain\r\n"
                               "Content-Length: 33\r\n"
                               "Connection: close\r\n"
                               "\r\n"
                               "Too busy. Please try again soon.\n";

    ssize_t sent =
        sock_send(conn->server->config.stack, conn->socket, text, sizeof(text) - 1, 0, NULL);
    (void)sent; /* a fresh connection has room; one without is not worth more */
    conn->server->stats.refused++;
    conn->server->stats.by_class[5]++;
    conn->server->refusing++;
    conn->refused = true;
    http_conn_linger(conn, "too many connections", now);
}

/* --- writing ------------------------------------------------------------------------------ */

static enum http_step finish_response(struct http_conn *conn, struct http_turn *turn, instant now)
{
    struct http_exchange *x = conn->exchange;

    if (x->close) {
        http_conn_linger(
            conn, conn->server->stopping ? "the server stops" : "the last response is out", now);
        return HTTP_GO_ON;
    }
    http_conn_account(conn, true, now);
    http_answer_fini(conn->server, x);
    x->begin = x->next;
    x->out_len = x->out_sent = 0;
    x->body_seen = x->body_kept = 0;
    x->waiting = false;
    x->sent = 0;
    x->begun = now;
    http_parser_init(&x->parser);
    http_conn_set_state(conn, HTTP_IDLE, now);
    return --turn->requests ? HTTP_GO_ON : HTTP_YIELD;
}

/* A connection that has failed says so when it is used, and while a source has nothing it is not.
 */
static bool has_failed(const struct http_conn *conn)
{
    struct sock_info info;

    return sock_info(conn->server->config.stack, conn->socket, &info) || info.error;
}

/* The socket is full, or the source has nothing: from now on it is counted what the peer takes. */
static enum http_step wait_to_write(struct http_conn *conn, instant now)
{
    struct http_exchange *x = conn->exchange;

    if (x->paused && has_failed(conn)) {
        http_conn_end(conn, true, "the connection failed", now);
        return HTTP_GONE;
    }
    if (!x->waiting) {
        x->waiting = true;
        keeps_up(conn, 0);
        arm(conn, conn->server->config.stall_ns, now);
    }
    return HTTP_WAIT;
}

static enum http_step write_response(struct http_conn *conn, struct http_turn *turn, instant now)
{
    struct http_exchange *x = conn->exchange;

    while (!http_send_is_done(x)) {
        size_t sent = 0;
        int content_err = 0;
        if (!turn->octets)
            return HTTP_YIELD;
        ssize_t err = http_send_some(conn, &sent, &content_err, now);
        turn->octets -= size_min(turn->octets, sent);
        if (content_err && x->out_sent) {
            /* Its length has been told and cannot be kept: only a reset says so. */
            http_conn_end(conn, true, "the content failed", now);
            return HTTP_GONE;
        }
        if (content_err) {
            http_answer_error(conn->server, x, http_status_of(content_err));
            continue;
        }
        if (err == -EAGAIN)
            return wait_to_write(conn, now);
        if (err) {
            http_conn_end(conn, true, "the connection failed", now);
            return HTTP_GONE;
        }
    }
    return finish_response(conn, turn, now);
}

void http_source_wake(struct http_source *source)
{
    struct http_conn *conn = source->conn;

    if (conn)
        sock_again(conn->server->config.stack, conn->socket);
}

/* --- the end ------------------------------------------------------------------------------ */

static enum http_step discard(struct http_conn *conn, struct http_turn *turn, instant now)
{
    struct http_server *server = conn->server;

    while (turn->octets) {
        size_t room = size_min(sizeof(server->chunk), conn->linger_left);
        ssize_t n =
            room ? sock_recv(server->config.stack, conn->socket, server->chunk, room, 0, NULL) : 0;
        if (n == -EAGAIN)
            return HTTP_WAIT;
        if (n <= 0) {
            http_conn_end(conn, false, "the peer closed it", now);
            return HTTP_GONE;
        }
        conn->linger_left -= (uint32_t)n;
        turn->octets -= size_min(turn->octets, (size_t)n);
    }
    return HTTP_YIELD;
}

static enum http_step run_step(struct http_conn *conn, struct http_turn *turn, instant now)
{
    switch (conn->state) {
    case HTTP_FRESH:
    case HTTP_IDLE:
    case HTTP_READING:
        return http_read_head(conn, now);
    case HTTP_TAKING:
        return http_read_content(conn, now);
    case HTTP_WRITING:
        return write_response(conn, turn, now);
    case HTTP_LINGERING:
        return discard(conn, turn, now);
    }
    return HTTP_WAIT;
}

void http_conn_run(struct http_conn *conn, instant now)
{
    struct stack *stack = conn->server->config.stack;
    const int s = conn->socket;
    struct http_turn turn = {.octets = HTTP_TURN_OCTETS, .requests = HTTP_TURN_REQUESTS};
    enum http_step step = HTTP_GO_ON;

    while (step == HTTP_GO_ON)
        step = run_step(conn, &turn, now);
    if (step == HTTP_YIELD)
        sock_again(stack, s);
}

void http_conn_expired(struct http_conn *conn, instant now)
{
    const struct http_server_config *config = &conn->server->config;
    struct http_exchange *x = conn->exchange;

    if (instant_before(now, conn->deadline)) { /* it was put off */
        wheel_arm(&conn->server->wheel, &conn->timer, conn->deadline);
        return;
    }
    switch (conn->state) {
    case HTTP_FRESH:
    case HTTP_IDLE:
        http_conn_end(conn, false, "it was idle for too long", now);
        return;
    case HTTP_READING:
    case HTTP_TAKING:
        conn->server->stats.timeouts++;
        if (x->out_sent > 0 && x->out_sent < x->out_len) { /* in the middle of a 100 */
            http_conn_end(conn, true, "it was too slow", now);
            return;
        }
        http_fail(conn, 408, now);
        http_conn_run(conn, now);
        return;
    case HTTP_WRITING:
        if (is_too_slow(conn, config->stall_ns))
            http_conn_end(conn, true, "it was too slow", now);
        else
            arm(conn, config->stall_ns, now);
        return;
    case HTTP_LINGERING:
        /* A long response may still be on its way. */
        if (keeps_up(conn, config->linger_ns))
            arm(conn, config->linger_ns, now);
        else
            http_conn_end(conn, false, "the peer did not close it", now);
        return;
    }
}

void http_conn_stop(struct http_conn *conn, instant now)
{
    static const char why[] = "the server stops";
    struct sock_info info;

    switch (conn->state) {
    case HTTP_FRESH:
    case HTTP_IDLE:
    case HTTP_READING:
    case HTTP_TAKING:
        if (sock_info(conn->server->config.stack, conn->socket, &info) || !info.receive_queued) {
            http_conn_end(conn, false, why, now);
            return;
        }
        http_conn_linger(conn, why, now); /* or a reset would overtake earlier responses */
        http_conn_run(conn, now);
        return;
    case HTTP_WRITING:
        conn->exchange->close = true;
        return;
    case HTTP_LINGERING:
        return;
    }
}
