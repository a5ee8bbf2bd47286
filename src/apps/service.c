/*
 * service.c - echo, discard and chargen.
 *
 * What is hard is only to be fair and small. A connection moves a bounded number of octets, then
 * goes to the end of the ready list. Memory: a connection is no more than its socket, all are
 * served through one app, and what is read goes into one buffer. Echo looks at what has come, sends
 * what the socket takes of it and drops that much; the rest stays where it is, and the peer's own
 * window holds it back. Where chargen is in its pattern follows from how much it has sent. What
 * is thrown away is not even looked at (MSG_TRUNC), and chargen's text is never copied.
 *
 * A peer that has sent everything still gets everything: echo closes once the last octet is sent,
 * and chargen goes on until the peer closes its side too, which it notices by a reset.
 *
 * (The texts of RFC 862 to 864 are a page each: TCP ports 7, 9 and 19, and these behaviours.)
 */
#include "apps/service.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"

enum {
    LINE = 72,      /* characters of a chargen line */
    PRINTABLE = 95, /* ' ' to '~' */
    PATTERN = PRINTABLE * (LINE + 2),
    ROUNDS = 8,                    /* of the pattern in one call */
    TEXT = (ROUNDS + 1) * PATTERN, /* once more, so that it begins anywhere */
    BUFFER = 16384,
    TURN_OCTETS = 262144, /* a connection moves before it lets others */
    TURN_ACCEPTS = 64,
};

struct service {
    struct service_config config;
    struct memory memory;
    struct sock_app app;      /* the listener's, */
    struct sock_app conn_app; /* and that of all connections */
    int listener;
    bool stopping;
    bool accept_waits; /* connections were left in the backlog */
    uint32_t connections;
    struct frame *text;     /* chargen's, TEXT octets that all connections send from, */
    bool written;           /* once the first of them has written it */
    uint8_t buffer[BUFFER]; /* within one call */
};

/* A connection that has its turn. */
struct turn {
    struct service *service;
    int socket;
    uint32_t place; /* chargen: of the next octet in the pattern */
    bool ended;     /* chargen: the peer has sent its last octet */
};

uint8_t service_pattern(uint64_t at)
{
    const uint64_t line = at / (LINE + 2) % PRINTABLE;
    const uint64_t column = at % (LINE + 2);

    if (column == LINE)
        return '\r';
    if (column == LINE + 1)
        return '\n';
    return (uint8_t)(' ' + (line + column) % PRINTABLE);
}

/* --- connections -------------------------------------------------------------------------- */

static void conn_end(struct service *service, int s, bool reset)
{
    struct stack *stack = service->config.stack;
    const struct linger abort_it = {.l_onoff = 1, .l_linger = 0};

    if (reset) {
        int ignored = sock_setsockopt(stack, s, SOL_SOCKET, SO_LINGER, &abort_it, sizeof(abort_it));
        (void)ignored; /* a connection that has died is closed all the same */
    }
    sock_close(stack, s);
    service->connections--;
    if (service->accept_waits && !service->stopping) {
        service->accept_waits = false;
        sock_again(stack, service->listener);
    }
}

/* Into the buffer. Octets, 0 at the end, or a negative errno. */
static ssize_t take(const struct turn *turn, int flags)
{
    struct service *service = turn->service;

    return sock_recv(service->config.stack, turn->socket, service->buffer, sizeof(service->buffer),
                     flags, NULL);
}

static ssize_t throw_away(const struct turn *turn)
{
    return sock_recv(turn->service->config.stack, turn->socket, NULL, TURN_OCTETS, MSG_TRUNC, NULL);
}

/* Sends until all is taken or the socket takes no more. 0, -EAGAIN, or what ended the connection.
 */
static ssize_t give(const struct turn *turn, const uint8_t *octets, size_t len, size_t *sent)
{
    *sent = 0;
    while (*sent < len) {
        ssize_t n = sock_send(turn->service->config.stack, turn->socket, octets + *sent,
                              len - *sent, 0, NULL);
        if (n <= 0)
            return n ? n : -EAGAIN;
        *sent += (size_t)n;
    }
    return 0;
}

/* Nobody may ever ask for it, and until then it costs no memory and no time. */
static void write_text(struct service *service)
{
    uint8_t *text = service->text->data;

    if (service->written)
        return;
    for (size_t i = 0; i < PATTERN; i++)
        text[i] = service_pattern(i);
    for (size_t i = PATTERN; i < TEXT; i += PATTERN)
        memcpy(text + i, text, PATTERN);
    service->written = true;
}

/* The same of chargen's pattern, from where the connection is in it. */
static ssize_t send_text(const struct turn *turn, size_t *sent)
{
    struct service *service = turn->service;

    write_text(service);
    *sent = 0;
    while (*sent < ROUNDS * PATTERN) {
        ssize_t n =
            sock_send_frame(service->config.stack, turn->socket, service->text,
                            service->text->data + turn->place + *sent, ROUNDS * PATTERN - *sent);
        if (n <= 0)
            return n ? n : -EAGAIN;
        *sent += (size_t)n;
    }
    return 0;
}

/* They have come, and are not wanted any more. 0 or a negative errno. */
static ssize_t drop(const struct turn *turn, size_t len)
{
    while (len > 0) {
        ssize_t n =
            sock_recv(turn->service->config.stack, turn->socket, NULL, len, MSG_TRUNC, NULL);
        if (n <= 0)
            return n;
        len -= (size_t)n;
    }
    return 0;
}

/* Each of these does one step and says how many octets it moved (> 0), 0 when the connection is
 * done, or an error, of which -EAGAIN means to wait. */

static ssize_t echo_step(struct turn *turn)
{
    size_t sent;

    ssize_t n = take(turn, MSG_PEEK);
    if (n <= 0)
        return n;
    ssize_t err = give(turn, turn->service->buffer, (size_t)n, &sent);
    ssize_t dropped = drop(turn, sent);
    return err ? err : dropped ? dropped : n;
}

static ssize_t discard_step(struct turn *turn)
{
    return throw_away(turn);
}

static ssize_t chargen_step(struct turn *turn)
{
    size_t sent;

    if (!turn->ended) {
        ssize_t n = throw_away(turn);
        if (n < 0 && n != -EAGAIN)
            return n;
        turn->ended = n == 0;
    }
    ssize_t err = send_text(turn, &sent);
    turn->place = (uint32_t)((turn->place + sent) % PATTERN);
    return err ? err : (ssize_t)sent;
}

/* All that it has sent, acknowledged or not, is of the pattern. */
static uint32_t place_of(struct service *service, int s)
{
    struct sock_info info;

    if (sock_info(service->config.stack, s, &info))
        return 0;
    return (uint32_t)((info.octets_acked + info.send_queued) % PATTERN);
}

static void conn_ready(struct sock_app *app, int s, short events, instant now)
{
    static ssize_t (*const steps[])(struct turn *) = {
        [SERVICE_ECHO] = echo_step,
        [SERVICE_DISCARD] = discard_step,
        [SERVICE_CHARGEN] = chargen_step,
    };
    struct service *service = CONTAINER_OF(app, struct service, conn_app);
    struct turn turn = {.service = service, .socket = s};

    (void)events;
    (void)now;
    if (service->config.kind == SERVICE_CHARGEN)
        turn.place = place_of(service, s);
    for (size_t moved = 0; moved < TURN_OCTETS;) {
        ssize_t n = steps[service->config.kind](&turn);
        if (n == -EAGAIN)
            return;
        if (n <= 0) {
            conn_end(service, s, n < 0);
            return;
        }
        moved += (size_t)n;
    }
    sock_again(service->config.stack, s);
}

/* --- the service -------------------------------------------------------------------------- */

static void accept_some(struct sock_app *app, int s, short events, instant now)
{
    struct service *service = CONTAINER_OF(app, struct service, app);
    struct stack *stack = service->config.stack;

    (void)events;
    for (int i = 0; i < TURN_ACCEPTS; i++) {
        bool full = service->connections == service->config.connections;
        struct endpoint remote;
        int socket = full ? -ENOMEM : sock_accept(stack, s, &remote, NULL);
        if (socket < 0) {
            service->accept_waits = socket != -EAGAIN; /* until a connection ends */
            return;
        }
        service->connections++;
        sock_set_app(stack, socket, &service->conn_app);
        conn_ready(&service->conn_app, socket, 0, now); /* octets may have come before */
    }
    sock_again(stack, s);
}

static int listen_at(struct service *service)
{
    struct stack *stack = service->config.stack;
    const int on = 1;
    int s = sock_socket(stack, AF_INET6, SOCK_STREAM, 0); /* and IPv4 */

    if (s < 0)
        return s;
    int err = sock_setsockopt(stack, s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (!err)
        err = sock_bind(stack, s, service->config.local);
    if (!err)
        err = sock_listen(stack, s, service->config.backlog);
    if (err) {
        sock_close(stack, s);
        return err;
    }
    service->listener = s;
    service->app.ready = accept_some;
    sock_set_app(stack, s, &service->app);
    return 0;
}

int service_new(const struct service_config *config, struct service **out)
{
    struct memory memory = {.env = config->env};
    struct service *service = memory_alloc(&memory, sizeof(*service));

    assert(config->stack && config->connections > 0);
    if (!service)
        return -ENOMEM;
    service->config = *config;
    service->memory = memory;
    service->conn_app.ready = conn_ready;
    int err = 0;
    if (config->kind == SERVICE_CHARGEN) {
        service->text = stack_frame(config->stack, TEXT);
        err = service->text ? 0 : -ENOMEM;
    }
    if (!err)
        err = listen_at(service);
    if (err) {
        dev_frame_release(service->text);
        memory_release(&memory, service, sizeof(*service));
        return err;
    }
    *out = service;
    return 0;
}

static void end_all(struct service *service, bool reset)
{
    struct stack *stack = service->config.stack;

    if (!service->stopping)
        sock_close(stack, service->listener);
    service->stopping = true;
    for (int s = -1; (s = sock_next_of(stack, &service->conn_app, s)) >= 0;)
        conn_end(service, s, reset);
}

void service_stop(struct service *service)
{
    end_all(service, false);
}

void service_free(struct service *service)
{
    if (!service)
        return;
    end_all(service, true);
    assert(service->connections == 0);
    dev_frame_release(service->text);
    struct memory memory = service->memory;
    memory_release(&memory, service, sizeof(*service));
}

uint32_t service_connections(const struct service *service)
{
    return service->connections;
}
