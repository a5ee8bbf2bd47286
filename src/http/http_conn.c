/*
 * http_conn.c - a connection of the server: read a request, answer it, and again.
 *
 * What is hard: a peer may send and read at any pace, stop in the middle or vanish, and a thousand
 * others wait. So a connection never waits in here. It does what can be done now, in steps that
 * each end in one of four ways (enum step), and remembers where it was:
 *
 *     FRESH / IDLE / READING --- a whole request ---> WRITING --- keep alive ---> IDLE
 *                                                        +------- close ---> LINGERING ---> gone
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
 * pace.
 */
#include "http/http_conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

enum step {
    STEP_GO_ON, /* the state has changed; there may be more to do */
    STEP_WAIT,  /* for the socket */
    STEP_YIELD, /* enough for now: others first */
    STEP_GONE,  /* there is no connection any more */
};

/* What is left of a connection's turn. */
struct turn {
    size_t octets;
    unsigned requests;
};

static void set_option(struct http_conn *conn, int level, int option, const void *value,
                       socklen_t len)
{
    /* Options are hints; a connection that died meanwhile will say so at its next call. */
    int ignored =
        sock_setsockopt(conn->server->config.stack, conn->socket, level, option, value, len);
    (void)ignored;
}

static void arm(struct http_conn *conn, int64_t ns, instant now)
{
    wheel_arm(&conn->server->wheel, &conn->timer, instant_add(now, ns));
}

static void set_state(struct http_conn *conn, enum http_conn_state state, instant now)
{
    const struct http_server_config *config = &conn->server->config;

    conn->state = state;
    switch (state) {
    case HTTP_FRESH:
    case HTTP_READING:
        arm(conn, config->header_ns, now);
        break;
    case HTTP_IDLE:
        arm(conn, config->idle_ns, now);
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

static bool open_exchange(struct http_conn *conn)
{
    struct http_exchange *x = pool_get(&conn->server->exchanges);

    conn->exchange = x;
    if (!x)
        return false;
    http_parser_init(&x->parser);
    x->input = x->input_small;
    x->room = sizeof(x->input_small);
    x->file = HTTP_NO_FILE;
    return true;
}

static void close_exchange(struct http_conn *conn)
{
    struct http_server *server = conn->server;
    struct http_exchange *x = conn->exchange;

    if (!x)
        return;
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
    timer_init(&conn->timer, 0);
    sock_set_app(server->config.stack, socket, &conn->app);
    /* A response's last segment must not wait for an acknowledgment of the one before (RFC 9293,
     * 3.7.4): whole responses are written at once anyway. */
    set_option(conn, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    set_state(conn, HTTP_FRESH, now);
}

void http_conn_end(struct http_conn *conn, bool reset)
{
    struct http_server *server = conn->server;
    const struct linger abort_it = {.l_onoff = 1, .l_linger = 0};

    if (reset) {
        set_option(conn, SOL_SOCKET, SO_LINGER, &abort_it, sizeof(abort_it));
        server->stats.aborted++;
    }
    if (conn->refused)
        server->refusing--;
    close_exchange(conn);
    wheel_disarm(&server->wheel, &conn->timer);
    sock_close(server->config.stack, conn->socket);
    pool_put(&server->conns, conn);
    if (server->accept_waits && !server->stopping) {
        server->accept_waits = false;
        sock_again(server->config.stack, server->listener);
    }
}

/* Whether the peer still takes what we send: it has octets to acknowledge, and since this was last
 * asked, `ns` ago, it did so at HTTP_RATE_MIN at least. */
static bool keeps_up(struct http_conn *conn, int64_t ns)
{
    const uint64_t before = conn->acked;
    struct sock_info info;

    if (sock_info(conn->server->config.stack, conn->socket, &info))
        return false;
    conn->acked = info.octets_acked;
    return info.send_queued && conn->acked - before >= (uint64_t)(ns / NS_PER_S) * HTTP_RATE_MIN;
}

/* Nothing more will be sent: waits for the peer to finish. */
static void begin_lingering(struct http_conn *conn, instant now)
{
    int err = sock_shutdown(conn->server->config.stack, conn->socket, SHUT_WR);

    (void)err; /* the next read tells */
    close_exchange(conn);
    conn->linger_left = HTTP_LINGER_MAX;
    keeps_up(conn, 0); /* counts from now */
    set_state(conn, HTTP_LINGERING, now);
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
    conn->server->refusing++;
    conn->refused = true;
    begin_lingering(conn, now);
}

/* --- reading ------------------------------------------------------------------------------ */

/* Makes room behind what has come. False when there is no memory for a longer head. */
static bool make_room(struct http_server *server, struct http_exchange *x)
{
    if (x->end < x->room)
        return true;
    if (x->begin > 0) {
        x->end -= x->begin;
        memmove(x->input, x->input + x->begin, x->end);
        x->begin = 0;
        return true;
    }
    assert(x->room < HTTP_HEAD_MAX); /* or the parser would have come to an end */
    uint8_t *longer = pool_get(&server->heads);
    if (!longer)
        return false;
    memcpy(longer, x->input, x->end);
    x->input = longer;
    x->room = HTTP_HEAD_MAX;
    return true;
}

/* Answers with an error behind which nothing can be read. */
static enum step fail(struct http_conn *conn, int status, instant now)
{
    struct http_exchange *x = conn->exchange;

    x->close = true;
    x->head_only = x->parser.request.method == HTTP_HEAD;
    http_answer_error(conn->server, x, status);
    set_state(conn, HTTP_WRITING, now);
    return STEP_GO_ON;
}

/* Nothing more has come: waits, with an exchange only if there is a part of a request. */
static enum step wait_for_request(struct http_conn *conn, instant now)
{
    if (conn->exchange->begin == conn->exchange->end)
        close_exchange(conn);
    else if (conn->state != HTTP_READING)
        set_state(conn, HTTP_READING, now);
    return STEP_WAIT;
}

static enum step read_request(struct http_conn *conn, instant now)
{
    struct http_server *server = conn->server;

    if (!conn->exchange && !open_exchange(conn)) {
        http_conn_refuse(conn, now);
        return STEP_GO_ON;
    }
    struct http_exchange *x = conn->exchange;
    for (;;) {
        switch (http_parse(&x->parser, bytes_of(x->input + x->begin, x->end - x->begin))) {
        case HTTP_COMPLETE:
            http_answer(server, x);
            set_state(conn, HTTP_WRITING, now);
            return STEP_GO_ON;
        case HTTP_FAILED:
            return fail(conn, x->parser.status, now);
        case HTTP_MORE:
            break;
        }
        if (!make_room(server, x))
            return fail(conn, 503, now);
        ssize_t n = sock_recv(server->config.stack, conn->socket, x->input + x->end,
                              x->room - x->end, 0, NULL);
        if (n == -EAGAIN)
            return wait_for_request(conn, now);
        if (n <= 0) {
            http_conn_end(conn, false); /* a request without its end is none (RFC 9112, 8) */
            return STEP_GONE;
        }
        x->end += (uint32_t)n;
    }
}

/* --- writing ------------------------------------------------------------------------------ */

static enum step finish_response(struct http_conn *conn, struct turn *turn, instant now)
{
    struct http_exchange *x = conn->exchange;

    conn->server->stats.requests++;
    if (x->close) {
        begin_lingering(conn, now);
        return STEP_GO_ON;
    }
    http_answer_fini(conn->server, x);
    x->begin += x->parser.at;
    x->head_len = x->head_sent = 0;
    x->waiting = false;
    http_parser_init(&x->parser);
    set_state(conn, HTTP_IDLE, now);
    return --turn->requests ? STEP_GO_ON : STEP_YIELD;
}

static enum step write_response(struct http_conn *conn, struct turn *turn, instant now)
{
    struct http_exchange *x = conn->exchange;

    while (x->head_sent < x->head_len || x->left) {
        size_t sent = 0;
        int file_err = 0;
        if (!turn->octets)
            return STEP_YIELD;
        ssize_t err = http_send_some(conn, &sent, &file_err);
        turn->octets -= size_min(turn->octets, sent);
        if (file_err && x->head_sent) {
            /* Its length has been told and cannot be kept: only a reset says so. */
            http_conn_end(conn, true);
            return STEP_GONE;
        }
        if (file_err) {
            http_answer_error(conn->server, x, http_status_of(file_err));
            continue;
        }
        if (err == -EAGAIN) {
            if (!x->waiting) {
                x->waiting = true;
                keeps_up(conn, 0); /* counts from now */
                arm(conn, conn->server->config.stall_ns, now);
            }
            return STEP_WAIT;
        }
        if (err) {
            http_conn_end(conn, true);
            return STEP_GONE;
        }
    }
    return finish_response(conn, turn, now);
}

/* --- the end ------------------------------------------------------------------------------ */

static enum step discard(struct http_conn *conn, struct turn *turn)
{
    struct http_server *server = conn->server;

    while (turn->octets) {
        size_t room = size_min(sizeof(server->chunk), conn->linger_left);
        ssize_t n =
            room ? sock_recv(server->config.stack, conn->socket, server->chunk, room, 0, NULL) : 0;
        if (n == -EAGAIN)
            return STEP_WAIT;
        if (n <= 0) {
            http_conn_end(conn, false);
            return STEP_GONE;
        }
        conn->linger_left -= (uint32_t)n;
        turn->octets -= size_min(turn->octets, (size_t)n);
    }
    return STEP_YIELD;
}

static enum step run_step(struct http_conn *conn, struct turn *turn, instant now)
{
    switch (conn->state) {
    case HTTP_FRESH:
    case HTTP_IDLE:
    case HTTP_READING:
        return read_request(conn, now);
    case HTTP_WRITING:
        return write_response(conn, turn, now);
    case HTTP_LINGERING:
        return discard(conn, turn);
    }
    return STEP_WAIT;
}

void http_conn_run(struct http_conn *conn, instant now)
{
    struct stack *stack = conn->server->config.stack;
    const int s = conn->socket;
    struct turn turn = {.octets = HTTP_TURN_OCTETS, .requests = HTTP_TURN_REQUESTS};
    enum step step = STEP_GO_ON;

    while (step == STEP_GO_ON)
        step = run_step(conn, &turn, now);
    if (step == STEP_YIELD)
        sock_again(stack, s);
}

void http_conn_expired(struct http_conn *conn, instant now)
{
    const struct http_server_config *config = &conn->server->config;

    switch (conn->state) {
    case HTTP_FRESH:
    case HTTP_IDLE:
        http_conn_end(conn, false);
        return;
    case HTTP_READING:
        conn->server->stats.timeouts++;
        fail(conn, 408, now);
        http_conn_run(conn, now);
        return;
    case HTTP_WRITING:
        if (keeps_up(conn, config->stall_ns))
            arm(conn, config->stall_ns, now);
        else
            http_conn_end(conn, true);
        return;
    case HTTP_LINGERING:
        /* A long response may still be on its way. */
        if (keeps_up(conn, config->linger_ns))
            arm(conn, config->linger_ns, now);
        else
            http_conn_end(conn, false);
        return;
    }
}

void http_conn_stop(struct http_conn *conn)
{
    switch (conn->state) {
    case HTTP_FRESH:
    case HTTP_IDLE:
    case HTTP_READING:
        http_conn_end(conn, false);
        return;
    case HTTP_WRITING:
        conn->exchange->close = true;
        return;
    case HTTP_LINGERING:
        return;
    }
}
