/*
 * http_read.c - a request on its way in: its head, and the content behind it.
 *
 * What is hard: a head may come octet by octet, be followed by content that nobody wants, and by
 * the next request in the same segment. One buffer holds them all:
 *
 *     | answered | head of this request | content kept | not looked at yet | room |
 *     0          begin                                  next               end
 *
 * Content is read before the request is answered, so that what is behind it is found whatever the
 * answer is (RFC 9112, 9.3), and so that a request that never came whole is never carried out. All
 * of it is thrown away, but for what a handler is given. A request whose content is too large, or
 * whose client waits to be told whether to send it and should not, is answered at once, and the
 * connection ends behind the answer.
 */
#include "http/http_conn.h"

#include <errno.h>

/* Where what has not been looked at may begin at the earliest: behind the head and what is kept. */
static uint32_t kept_end(const struct http_exchange *x)
{
    return x->begin + x->parser.at + x->body_kept;
}

/* Makes room behind what has come. False when there is no memory for a longer buffer. */
static bool make_room(struct http_server *server, struct http_exchange *x)
{
    if (x->end < x->room)
        return true;
    if (x->begin > 0) {
        x->end -= x->begin;
        x->next = x->next > x->begin ? x->next - x->begin : 0;
        memmove(x->input, x->input + x->begin, x->end);
        x->begin = 0;
        return true;
    }
    assert(x->room < HTTP_LONG_ROOM); /* or the parser would have come to an end */
    uint8_t *longer = pool_get_unzeroed(&server->heads);
    if (!longer)
        return false;
    memcpy(longer, x->input, x->end);
    x->input = longer;
    x->room = HTTP_LONG_ROOM;
    return true;
}

enum http_step http_fail(struct http_conn *conn, int status, instant now)
{
    struct http_exchange *x = conn->exchange;

    x->close = true;
    x->head_only = x->parser.request.method == HTTP_HEAD;
    http_answer_error(conn->server, x, status);
    http_conn_set_state(conn, HTTP_WRITING, now);
    return HTTP_GO_ON;
}

/* Reads into the room behind what has come: octets, -EAGAIN, or 0 when the connection is over. */
static ssize_t read_more(struct http_conn *conn)
{
    struct http_exchange *x = conn->exchange;

    assert(x->end < x->room);
    ssize_t n = sock_recv(conn->server->config.stack, conn->socket, x->input + x->end,
                          x->room - x->end, 0, NULL);
    if (n > 0)
        x->end += (uint32_t)n;
    return n;
}

/* The peer has closed, or the connection has failed, before a request was there whole: without its
 * end it is none (RFC 9112, 8). */
static enum http_step end_unanswered(struct http_conn *conn, ssize_t err, instant now)
{
    http_conn_end(conn, false, err ? "the connection failed" : "the peer closed it", now);
    return HTTP_GONE;
}

/* --- the head ----------------------------------------------------------------------------- */

/* Nothing more has come: waits, with an exchange only if there is a part of a request. */
static enum http_step wait_for_request(struct http_conn *conn, instant now)
{
    if (conn->exchange->begin < conn->exchange->end) {
        if (conn->state != HTTP_READING)
            http_conn_set_state(conn, HTTP_READING, now);
        return HTTP_WAIT;
    }
    http_conn_close_exchange(conn, now);
    if (conn->state == HTTP_IDLE && list_is_empty(&conn->idle))
        list_append(&conn->server->idle, &conn->idle);
    return HTTP_WAIT;
}

/* Lets the client know that its content is welcome, if it asked and has not begun to send it (RFC
 * 9110, 10.1.1). */
static void welcome_content(struct http_exchange *x)
{
    if (!x->parser.request.expect_continue || x->end > x->next)
        return;
    struct writer w = writer_of(x->out, sizeof(x->out));
    http_continue_emit(&w);
    x->out_len = (uint32_t)(sizeof(x->out) - w.left);
}

static enum http_step head_is_there(struct http_conn *conn, instant now)
{
    struct http_server *server = conn->server;
    struct http_exchange *x = conn->exchange;
    const struct http_request *request = &x->parser.request;
    const bool has_content = request->chunked || request->content_length;

    x->next = x->begin + x->parser.at;
    int status = http_answer_route(server, x);
    if (has_content && request->content_length > HTTP_CONTENT_MAX)
        status = status ? status : 413;
    /* 405 and 501 do not depend on the content; but who waits for a 100 may never send it. */
    const bool refused = status && (status == 413 || status == 417 || request->expect_continue ||
                                    request->content_length > HTTP_CONTENT_MAX);
    if (!has_content || refused) {
        x->close |= has_content;
        http_answer(conn, status, now);
        http_conn_set_state(conn, HTTP_WRITING, now);
        return HTTP_GO_ON;
    }
    http_body_init(&x->body, request->chunked ? HTTP_BODY_CHUNKED : HTTP_BODY_LENGTH,
                   request->content_length);
    x->body.strict = true;
    x->status = status;
    welcome_content(x);
    http_conn_set_state(conn, HTTP_TAKING, now);
    return HTTP_GO_ON;
}

enum http_step http_read_head(struct http_conn *conn, instant now)
{
    struct http_server *server = conn->server;

    if (!conn->exchange && !http_conn_open_exchange(conn, now)) {
        http_conn_refuse(conn, now);
        return HTTP_GO_ON;
    }
    struct http_exchange *x = conn->exchange;
    for (;;) {
        switch (http_parse(&x->parser, bytes_of(x->input + x->begin, x->end - x->begin))) {
        case HTTP_COMPLETE:
            return head_is_there(conn, now);
        case HTTP_FAILED:
            return http_fail(conn, x->parser.status, now);
        case HTTP_MORE:
            break;
        }
        if (!make_room(server, x))
            return http_fail(conn, 503, now);
        const bool nothing = x->begin == x->end;
        ssize_t n = read_more(conn);
        if (n == -EAGAIN)
            return wait_for_request(conn, now);
        if (n <= 0)
            return end_unanswered(conn, n, now);
        if (nothing)
            x->begun = now;
    }
}

/* --- the content -------------------------------------------------------------------------- */

/* Takes what has come: drops it, or keeps it behind the head. 0, or the status of what is wrong. */
static int take(struct http_exchange *x, bool *complete)
{
    const bool keeps = x->handler && x->parser.request.method == HTTP_POST;

    do {
        struct bytes content;
        size_t used;
        enum http_progress progress = http_body_take(
            &x->body, bytes_of(x->input + x->next, x->end - x->next), &used, &content);
        if (progress == HTTP_FAILED)
            return 400;
        x->next += (uint32_t)used;
        x->body_seen += (uint32_t)content.len;
        /* what has come, and what a chunk says is to come */
        if (x->body_seen > HTTP_CONTENT_MAX || x->body.left > HTTP_CONTENT_MAX - x->body_seen)
            return 413;
        if (keeps && x->body_kept + content.len > HTTP_KEPT_MAX)
            return 413;
        if (keeps && content.len) {
            memmove(x->input + kept_end(x), content.at, content.len);
            x->body_kept += (uint32_t)content.len;
        }
        *complete = progress == HTTP_COMPLETE;
    } while (!*complete && x->next < x->end);
    return 0;
}

/* Makes room for more content; what has been taken need not stay. */
static bool make_content_room(struct http_server *server, struct http_exchange *x)
{
    if (x->next == x->end)
        x->next = x->end = kept_end(x);
    return make_room(server, x);
}

enum http_step http_read_content(struct http_conn *conn, instant now)
{
    struct http_server *server = conn->server;
    struct http_exchange *x = conn->exchange;
    ssize_t n = http_send_out(conn, false); /* of a 100 */

    if (n)
        return n == -EAGAIN ? HTTP_WAIT : end_unanswered(conn, n, now);
    do {
        bool complete = false;
        int status = take(x, &complete);
        if (status)
            return http_fail(conn, status, now);
        if (complete) {
            http_answer(conn, x->status, now);
            http_conn_set_state(conn, HTTP_WRITING, now);
            return HTTP_GO_ON;
        }
        if (!make_content_room(server, x))
            return http_fail(conn, 503, now);
        n = read_more(conn);
    } while (n > 0);
    return n == -EAGAIN ? HTTP_WAIT : end_unanswered(conn, n, now);
}
