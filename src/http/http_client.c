/*
 * http_client.c - a web client on the sockets of a stack.
 *
 *     IDLE -> RESOLVING -> OPENING -> SENDING -> READING_HEAD -> READING_CONTENT -> IDLE
 *               (name)    (connect)  (request)     ^  |  1xx         |  redirect -> RESOLVING
 *                                                  +--+
 *
 * What is hard is the end of things. A response that ends too early is never whole (RFC 9112, 8):
 * its length, its last chunk or an orderly close say where the end is, and anything else is an
 * error that names what is missing. A connection is used again only when both sides said so and not
 * an octet follows the response, because an octet too many would be the beginning of the next one.
 * And a server may close an idle connection in the moment in which we write to it: when a
 * connection that has been used before ends without one octet of a response, the request is made
 * once more on a new one (9.3.1; GET and HEAD are idempotent).
 *
 * The caller's content() may take less than it is offered. Then nothing more is read, TCP's window
 * closes, and the server waits; the stall timer stands still as long.
 *
 * Left out: content codings (none is asked for), cookies, authentication, caches, proxies,
 * pipelining and several connections; and https.
 */
#include "http/http_client_inner.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "base/addr.h"
#include "http/http_octets.h"

enum { READS_IN_A_TURN = 8 }; /* of the buffer's size; then the device has its turn */

static void run(struct http_client *c, instant now);

void http_client_config_init(struct http_client_config *config)
{
    *config = (struct http_client_config){
        .agent = "tapio/0.1.0",
        .connect_ns = 30 * NS_PER_S,
        .stall_ns = 30 * NS_PER_S,
        .redirects = 10,
    };
}

static void ready(struct sock_app *app, int s, short events, instant now)
{
    (void)s, (void)events;
    run(CONTAINER_OF(app, struct http_client, app), now);
}

void http_client_init(struct http_client *client, const struct http_client_config *config)
{
    memset(client, 0, sizeof(*client));
    client->config = *config;
    client->app.ready = ready;
    client->socket = -1;
    client->deadline = INSTANT_NEVER;
}

/* --- events and ends ---------------------------------------------------------------------- */

struct http_client_event http_client_event_of(const struct http_client *c,
                                              enum http_client_event_type type)
{
    struct http_client_event event = {.type = type, .url = &c->url, .remote = c->remote};
    struct sock_info info;

    if (c->socket >= 0 && sock_info(c->config.stack, c->socket, &info) == 0)
        event.local = info.facts.local;
    return event;
}

void http_client_tell(struct http_client *c, enum http_client_event_type type, instant now)
{
    struct http_client_event event = http_client_event_of(c, type);
    c->config.ops.event(c->config.ops.context, &event, now);
}

/* With octets unread, sock_close() resets, which is right: the server must not think that they were
 * wanted (RFC 9293, SHLD-3). */
void http_client_let_go(struct http_client *c, instant now)
{
    if (c->socket < 0)
        return;
    sock_close(c->config.stack, c->socket);
    c->socket = -1;
    c->keep = c->was_used = false;
    http_client_tell(c, HTTP_CLIENT_CLOSED, now);
}

void http_client_fini(struct http_client *client, instant now)
{
    if (client->socket < 0) {
        client->state = HTTP_CLIENT_IDLE; /* a name that is resolved now comes too late */
        return;
    }
    if (client->state != HTTP_CLIENT_IDLE) {
        const struct linger none = {.l_onoff = 1};
        int err = sock_setsockopt(client->config.stack, client->socket, SOL_SOCKET, SO_LINGER,
                                  &none, sizeof(none));
        (void)err; /* without memory for the option it closes like any other */
    }
    client->state = HTTP_CLIENT_IDLE;
    http_client_let_go(client, now);
}

void http_client_finish(struct http_client *c, enum http_client_outcome outcome, instant now)
{
    struct http_client_result result = c->result;

    result.outcome = outcome;
    c->state = HTTP_CLIENT_IDLE;
    c->deadline = INSTANT_NEVER;
    if (outcome != HTTP_CLIENT_DONE || !c->keep)
        http_client_let_go(c, now);
    struct http_client_event event = http_client_event_of(c, HTTP_CLIENT_FINISHED);
    event.result = &result;
    c->config.ops.event(c->config.ops.context, &event, now); /* another fetch may begin in there */
}

void http_client_finish_error(struct http_client *c, enum http_client_outcome outcome, int error,
                              instant now)
{
    c->result.error = error;
    http_client_finish(c, outcome, now);
}

void http_client_finish_why(struct http_client *c, enum http_client_outcome outcome,
                            const char *why, instant now)
{
    c->result.why = why;
    http_client_finish(c, outcome, now);
}

/* --- asking ------------------------------------------------------------------------------- */

/* RFC 9112, 3.2.1: origin-form, and Host first (3.2). */
static void write_request(struct http_client *c)
{
    struct writer w = writer_of(c->out, sizeof(c->out));

    http_write_text(&w, c->request.head ? "HEAD " : "GET ");
    write_bytes(&w, c->url.target, c->url.target_len);
    http_write_text(&w, " HTTP/1.1\r\nHost: ");
    url_write_host(&w, &c->url);
    http_write_text(&w, "\r\nUser-Agent: ");
    http_write_text(&w, c->config.agent);
    http_write_text(&w, "\r\nAccept: */*\r\n");
    if (c->request.range) {
        http_write_text(&w, "Range: bytes=");
        http_write_decimal(&w, c->request.first);
        http_write_text(&w, "-");
        if (c->request.last != UINT64_MAX)
            http_write_decimal(&w, c->request.last);
        http_write_text(&w, "\r\n");
    }
    http_write_text(&w, "\r\n");
    assert(!w.overrun); /* the target and the host have their own bounds */
    c->out_len = sizeof(c->out) - w.left;
    c->out_at = 0;
}

static void ask(struct http_client *c, enum http_client_event_type how, instant now)
{
    http_client_tell(c, how, now);
    write_request(c);
    struct http_client_event event = http_client_event_of(c, HTTP_CLIENT_REQUEST);
    event.head = bytes_of(c->out, c->out_len);
    c->config.ops.event(c->config.ops.context, &event, now);
    c->state = HTTP_CLIENT_SENDING;
    c->deadline = instant_add(now, c->config.stall_ns);
    c->begin = c->end = c->content_len = 0;
    c->interim = 0;
    http_reply_parser_init(&c->parser, c->request.head);
}

static void open_connection(struct http_client *c, instant now)
{
    struct stack *stack = c->config.stack;

    http_client_tell(c, HTTP_CLIENT_CONNECTING, now);
    c->state = HTTP_CLIENT_OPENING;
    c->deadline = instant_add(now, c->config.connect_ns);
    c->keep = c->was_used = false;
    int s = sock_socket(stack, ip_is_v4(c->remote.addr) ? AF_INET : AF_INET6, SOCK_STREAM, 0);
    if (s < 0) {
        http_client_finish_error(c, HTTP_CLIENT_NO_CONNECTION, s, now);
        return;
    }
    c->socket = s;
    sock_set_app(stack, s, &c->app);
    int err = sock_connect(stack, s, c->remote, NULL);
    if (err == 0)
        ask(c, HTTP_CLIENT_CONNECTED, now);
    else if (err != -EINPROGRESS)
        http_client_finish_error(c, HTTP_CLIENT_NO_CONNECTION, err, now);
}

/* Whatever an idle connection brings, it is of no use any more. */
static void see_idle(struct http_client *c, instant now)
{
    uint8_t octet;

    if (c->socket >= 0 &&
        sock_recv(c->config.stack, c->socket, &octet, 1, MSG_PEEK, NULL) != -EAGAIN)
        http_client_let_go(c, now);
}

static void go_to(struct http_client *c, struct ip_addr addr, instant now)
{
    struct endpoint remote = {addr, c->url.port};

    see_idle(c, now); /* what came meanwhile would be taken for the answer */
    if (c->socket >= 0 && c->keep && endpoint_equal(remote, c->remote)) {
        ask(c, HTTP_CLIENT_REUSED, now);
        return;
    }
    http_client_let_go(c, now);
    c->remote = remote;
    if (!c->url.is_address)
        http_client_tell(c, HTTP_CLIENT_RESOLVED, now);
    open_connection(c, now);
}

/* From the URL to its server. */
void http_client_begin_url(struct http_client *c, instant now)
{
    struct ip_addr addr = c->url.addr;
    int err = 0;

    c->state = HTTP_CLIENT_RESOLVING;
    c->deadline = INSTANT_NEVER; /* whoever resolves gives up by himself */
    c->redirecting = false;
    if (!c->url.is_address)
        err = c->config.ops.resolve(c->config.ops.context, c->url.host, &addr);
    if (err == 0)
        go_to(c, addr, now);
    else if (err != -EINPROGRESS)
        http_client_finish_error(c, HTTP_CLIENT_NO_ADDRESS, err, now);
}

void http_client_fetch(struct http_client *client, const struct url *url,
                       const struct http_client_request *request, instant now)
{
    assert(client->state == HTTP_CLIENT_IDLE);
    client->url = *url;
    client->request = *request;
    client->redirects = 0;
    client->result = (struct http_client_result){0};
    http_client_begin_url(client, now);
    run(client, now);
}

void http_client_resolved(struct http_client *client, int err, struct ip_addr addr, instant now)
{
    if (client->state != HTTP_CLIENT_RESOLVING)
        return; /* it is too late */
    if (err)
        http_client_finish_error(client, HTTP_CLIENT_NO_ADDRESS, err, now);
    else
        go_to(client, addr, now);
    run(client, now);
}

/* --- the end of the stream ---------------------------------------------------------------- */

/* The connection is no more: `err` is 0 for a close. */
static void stream_ended(struct http_client *c, int err, instant now)
{
    const bool nothing_came =
        c->state == HTTP_CLIENT_SENDING || (c->state == HTTP_CLIENT_READING_HEAD && c->end == 0);

    if (nothing_came && c->was_used && !c->interim) {
        http_client_let_go(c, now);
        open_connection(c, now);
        return;
    }
    c->keep = false;
    if (c->state == HTTP_CLIENT_READING_CONTENT) {
        const bool whole = http_body_end(&c->body, &c->result.missing);
        if (err)
            http_client_finish_error(c, HTTP_CLIENT_BROKEN, err, now);
        else
            http_client_finish(c, whole ? HTTP_CLIENT_DONE : HTTP_CLIENT_SHORT, now);
    } else if (err) {
        http_client_finish_error(c, HTTP_CLIENT_BROKEN, err, now);
    } else {
        http_client_finish(c, HTTP_CLIENT_NO_REPLY, now);
    }
}

bool http_client_read_more(struct http_client *c, instant now)
{
    assert(c->end < sizeof(c->in));
    ssize_t n =
        sock_recv(c->config.stack, c->socket, c->in + c->end, sizeof(c->in) - c->end, 0, NULL);
    if (n == -EAGAIN)
        return false;
    if (n <= 0) {
        stream_ended(c, (int)n, now);
        return c->state == HTTP_CLIENT_SENDING; /* once more */
    }
    c->end += (size_t)n;
    c->deadline = instant_add(now, c->config.stall_ns);
    return true;
}

/* --- running ------------------------------------------------------------------------------ */

/* False when there is nothing more to be done now. */
static bool send_request(struct http_client *c, instant now)
{
    ssize_t n =
        sock_send(c->config.stack, c->socket, c->out + c->out_at, c->out_len - c->out_at, 0, NULL);
    if (n == -EAGAIN)
        return false;
    if (n < 0) {
        stream_ended(c, (int)n, now);
        return c->state == HTTP_CLIENT_SENDING;
    }
    c->out_at += (size_t)n;
    c->deadline = instant_add(now, c->config.stall_ns);
    if (c->out_at == c->out_len)
        c->state = HTTP_CLIENT_READING_HEAD;
    return true;
}

static bool see_connection(struct http_client *c, instant now)
{
    int err = sock_connect(c->config.stack, c->socket, c->remote, NULL);

    if (err == -EALREADY || err == -EINPROGRESS)
        return false;
    if (err && err != -EISCONN)
        http_client_finish_error(c, HTTP_CLIENT_NO_CONNECTION, err, now);
    else
        ask(c, HTTP_CLIENT_CONNECTED, now);
    return c->state == HTTP_CLIENT_SENDING;
}

static bool step(struct http_client *c, instant now)
{
    switch (c->state) {
    case HTTP_CLIENT_IDLE:
        see_idle(c, now);
        return false;
    case HTTP_CLIENT_RESOLVING:
        return false;
    case HTTP_CLIENT_OPENING:
        return see_connection(c, now);
    case HTTP_CLIENT_SENDING:
        return send_request(c, now);
    case HTTP_CLIENT_READING_HEAD:
        return http_client_read_head(c, now);
    case HTTP_CLIENT_READING_CONTENT:
        return http_client_read_content(c, now);
    }
    return false;
}

static void run(struct http_client *c, instant now)
{
    const uint64_t enough = c->result.received + READS_IN_A_TURN * HTTP_CLIENT_IN;

    while (step(c, now)) {
        if (c->socket >= 0 && c->state == HTTP_CLIENT_READING_CONTENT &&
            c->result.received >= enough) {
            sock_again(c->config.stack, c->socket);
            return;
        }
    }
}

void http_client_resume(struct http_client *client, instant now)
{
    if (client->state != HTTP_CLIENT_READING_CONTENT)
        return;
    client->deadline = instant_add(now, client->config.stall_ns);
    run(client, now);
}

instant http_client_deadline(const struct http_client *client)
{
    return client->deadline;
}

void http_client_advance(struct http_client *client, instant now)
{
    if (instant_before(now, client->deadline) || client->state == HTTP_CLIENT_IDLE)
        return;
    if (client->state == HTTP_CLIENT_OPENING)
        http_client_finish_error(client, HTTP_CLIENT_NO_CONNECTION, -ETIMEDOUT, now);
    else
        http_client_finish(client, HTTP_CLIENT_STALLED, now);
}
