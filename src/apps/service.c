/*
 * service.c - echo, discard and chargen.
 *
 * What is hard is only to be fair and small. A connection moves a bounded number of octets, then
 * goes to the end of the ready list. Memory: a connection is a few words. What it reads goes into a
 * buffer that all share, and only what echo has read and could not send is kept, in a buffer that
 * goes back when it is empty. While something is kept nothing is read, so the peer's own window
 * holds it back. What is thrown away is not even looked at (MSG_TRUNC).
 *
 * A peer that has sent everything still gets everything: echo closes once the last octet is sent,
 * and chargen goes on until the peer closes its side too, which it notices by a reset.
 *
 * (The texts of RFC 862 to 864 are a page each: TCP ports 7, 9 and 19, and these behaviours.)
 */
#include "apps/service.h"

#include <errno.h>

#include "base/bytes.h"
#include "base/pool.h"

enum {
    LINE = 72,      /* characters of a chargen line */
    PRINTABLE = 95, /* ' ' to '~' */
    PATTERN = PRINTABLE * (LINE + 2),
    ROUNDS = 9, /* of the pattern in one call: 63 KB */
    BUFFER = 16384,
    TURN_OCTETS = 262144, /* a connection moves before it lets others */
    TURN_ACCEPTS = 64,
};

/* What echo could not send yet. */
struct pending {
    uint32_t at, len;
    uint8_t octets[BUFFER];
};

struct service_conn {
    struct sock_app app;
    struct service *service;
    struct pending *pending; /* echo, or NULL */
    uint32_t place;          /* chargen: of the next octet in the pattern */
    int socket;
    bool ended; /* the peer has sent its last octet */
};

struct service {
    struct service_config config;
    struct memory memory;
    struct sock_app app; /* the listener's */
    int listener;
    bool stopping;
    bool accept_waits; /* connections were left in the backlog */
    struct pool conns;
    struct pool pending;
    uint8_t pattern[(ROUNDS + 1) * PATTERN]; /* once more, so that it begins anywhere */
    uint8_t buffer[BUFFER];       /* within one call */
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

static void set_option(struct service_conn *conn, int option, const void *value, socklen_t len)
{
    int ignored =
        sock_setsockopt(conn->service->config.stack, conn->socket, SOL_SOCKET, option, value, len);
    (void)ignored; /* a connection that has died says so at its next call */
}

static void conn_end(struct service_conn *conn, bool reset)
{
    struct service *service = conn->service;
    const struct linger abort_it = {.l_onoff = 1, .l_linger = 0};

    if (reset)
        set_option(conn, SO_LINGER, &abort_it, sizeof(abort_it));
    if (conn->pending)
        pool_put(&service->pending, conn->pending);
    sock_close(service->config.stack, conn->socket);
    pool_put(&service->conns, conn);
    if (service->accept_waits && !service->stopping) {
        service->accept_waits = false;
        sock_again(service->config.stack, service->listener);
    }
}

/* Reads into `out`, or throws away. Octets, 0 at the end, or a negative errno. */
static ssize_t take(struct service_conn *conn, uint8_t *out, size_t len)
{
    return sock_recv(conn->service->config.stack, conn->socket, out, len, 0, NULL);
}

static ssize_t throw_away(struct service_conn *conn)
{
    return sock_recv(conn->service->config.stack, conn->socket, NULL, TURN_OCTETS, MSG_TRUNC, NULL);
}

/* Sends until all is taken or the socket takes no more. 0, -EAGAIN, or what ended the connection.
 */
static ssize_t give(struct service_conn *conn, const uint8_t *octets, size_t len, size_t *sent)
{
    *sent = 0;
    while (*sent < len) {
        ssize_t n = sock_send(conn->service->config.stack, conn->socket, octets + *sent,
                              len - *sent, 0, NULL);
        if (n <= 0)
            return n ? n : -EAGAIN;
        *sent += (size_t)n;
    }
    return 0;
}

/* Sends what is kept; the buffer goes back when it is empty. As give(). */
static ssize_t send_pending(struct service_conn *conn)
{
    struct pending *p = conn->pending;
    size_t sent;

    if (!p)
        return 0;
    ssize_t err = give(conn, p->octets + p->at, p->len, &sent);
    p->at += (uint32_t)sent;
    p->len -= (uint32_t)sent;
    if (!p->len) {
        pool_put(&conn->service->pending, p);
        conn->pending = NULL;
    }
    return err;
}

/* Keeps what could not be sent. False when there is no memory for it. */
static bool keep(struct service_conn *conn, struct bytes rest)
{
    struct pending *p = pool_get(&conn->service->pending);

    if (!p)
        return false;
    memcpy(p->octets, rest.at, rest.len);
    p->len = (uint32_t)rest.len;
    conn->pending = p;
    return true;
}

/* Each of these does one step and says how many octets it moved (> 0), 0 when the connection is
 * done, or an error, of which -EAGAIN means to wait. */

static ssize_t echo_step(struct service_conn *conn)
{
    struct service *service = conn->service;
    size_t sent;

    ssize_t err = send_pending(conn);
    if (err)
        return err;
    ssize_t n = take(conn, service->buffer, sizeof(service->buffer));
    if (n <= 0)
        return n;
    err = give(conn, service->buffer, (size_t)n, &sent);
    if (err == -EAGAIN && !keep(conn, bytes_of(service->buffer + sent, (size_t)n - sent)))
        return -ENOMEM;
    return err ? err : n;
}

static ssize_t discard_step(struct service_conn *conn)
{
    return throw_away(conn);
}

static ssize_t chargen_step(struct service_conn *conn)
{
    struct service *service = conn->service;
    size_t sent;

    if (!conn->ended) {
        ssize_t n = throw_away(conn);
        if (n < 0 && n != -EAGAIN)
            return n;
        conn->ended = n == 0;
    }
    ssize_t err = give(conn, service->pattern + conn->place, ROUNDS * PATTERN, &sent);
    conn->place = (uint32_t)((conn->place + sent) % PATTERN);
    return err ? err : (ssize_t)sent;
}

static void conn_ready(struct sock_app *app, int s, short events, instant now)
{
    static ssize_t (*const steps[])(struct service_conn *) = {
        [SERVICE_ECHO] = echo_step,
        [SERVICE_DISCARD] = discard_step,
        [SERVICE_CHARGEN] = chargen_step,
    };
    struct service_conn *conn = CONTAINER_OF(app, struct service_conn, app);
    struct service *service = conn->service;

    (void)events;
    (void)now;
    for (size_t moved = 0; moved < TURN_OCTETS;) {
        ssize_t n = steps[service->config.kind](conn);
        if (n == -EAGAIN)
            return;
        if (n <= 0) {
            conn_end(conn, n < 0);
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
        struct endpoint remote;
        struct service_conn *conn = pool_get(&service->conns);
        int socket = conn ? sock_accept(stack, s, &remote, NULL) : -ENOMEM;
        if (socket < 0) {
            if (conn)
                pool_put(&service->conns, conn);
            service->accept_waits = socket != -EAGAIN; /* until a connection ends */
            return;
        }
        conn->app.ready = conn_ready;
        conn->service = service;
        conn->socket = socket;
        sock_set_app(stack, socket, &conn->app);
        conn_ready(&conn->app, socket, 0, now); /* octets may have come before */
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
    for (size_t i = 0; i < sizeof(service->pattern); i++)
        service->pattern[i] = service_pattern(i);
    int err = pool_init(&service->conns, &service->memory, "service.conns",
                        sizeof(struct service_conn), config->connections);
    if (err)
        goto release;
    err = pool_init(&service->pending, &service->memory, "service.pending", sizeof(struct pending),
                    config->connections);
    if (err)
        goto fini_conns;
    err = listen_at(service);
    if (err)
        goto fini_pending;
    *out = service;
    return 0;
fini_pending:
    pool_fini(&service->pending);
fini_conns:
    pool_fini(&service->conns);
release:
    memory_release(&memory, service, sizeof(*service));
    return err;
}

static void end_all(struct service *service, bool reset)
{
    if (!service->stopping)
        sock_close(service->config.stack, service->listener);
    service->stopping = true;
    for (uint32_t i = 0; i < service->conns.cap; i++) {
        struct service_conn *conn = pool_at(&service->conns, i);
        if (conn)
            conn_end(conn, reset);
    }
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
    assert(service->conns.used == 0 && service->pending.used == 0);
    pool_fini(&service->pending);
    pool_fini(&service->conns);
    struct memory memory = service->memory;
    memory_release(&memory, service, sizeof(*service));
}

uint32_t service_connections(const struct service *service)
{
    return service->conns.used;
}
