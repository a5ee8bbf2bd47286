/*
 * swarm_host.c - the hosts of a swarm: what their applications do, and what is held against it.
 *
 * Each host listens, and opens the connections that begin at it when their time comes; what both
 * ends say is stream.c's. A call that found no memory is made again a little later, as a patient
 * program would; any other failure is a finding.
 *
 * A forgery is told by the wire with the sequence numbers that it changed. The oracle of the sender
 * knows where its stream began, so a wrong octet that somebody reads is looked up there: it is one
 * that a wire has changed, or a fault of ours.
 */
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <tapio/sock.h>

#include "base/instant.h"
#include "sim/swarm_inside.h"
#include "stack/stack.h"

enum { RETRY_MS = 50 }; /* who had no memory tries again after so long */

/* --- forgeries ------------------------------------------------------------------------------ */

void swarm_note_forgery(struct forgery_sink *sink, const struct forgery *forgery)
{
    struct swarm *swarm = CONTAINER_OF(sink, struct swarm, forgery_sink);

    swarm->forgery[swarm->forgeries++] = *forgery;
    if (swarm->forgeries < SWARM_FORGERIES)
        return;
    for (uint32_t i = 0; i < swarm->net.wires; i++)
        swarm->net.wire[i].bad.config.forge = 0;
    swarm->net.wire[0].bad.forgeries = NULL;
}

static struct endpoint name_of(const struct swarm *swarm, const struct swarm_conn *conn,
                               enum side side)
{
    if (side == OPENER)
        return conn->opener;
    return (struct endpoint){.addr = swarm->net.host[conn->host[LISTENER]].addr,
                             .port = SWARM_PORT};
}

bool swarm_may_be_wrong(struct streams *streams, const struct stream_end *end, uint32_t at)
{
    const struct swarm *swarm = CONTAINER_OF(streams, struct swarm, streams);
    uint32_t i = 0;
    tcp_seq start;

    while (end != &swarm->conn[i].end[OPENER] && end != &swarm->conn[i].end[LISTENER])
        i++;
    const struct swarm_conn *conn = &swarm->conn[i];
    enum side from = end == &conn->end[OPENER] ? LISTENER : OPENER;
    struct endpoint src = name_of(swarm, conn, from), dst = name_of(swarm, conn, 1 - from);
    if (!oracle_stream_start(&swarm->host[conn->host[from]].oracle, src, dst, &start))
        return false;
    for (uint32_t k = 0; k < swarm->forgeries; k++) {
        const struct forgery *f = &swarm->forgery[k];
        if (endpoint_equal(f->src, src) && endpoint_equal(f->dst, dst) &&
            (seq_in(seq_add(start, at), seq(f->seq[0]), 2) ||
             seq_in(seq_add(start, at), seq(f->seq[1]), 2)))
            return true;
    }
    return false;
}

/* --- the applications ----------------------------------------------------------------------- */

/* Could it be for want of memory? Then the call is made again. */
static bool is_hunger(struct swarm *swarm, uint32_t host, int err)
{
    struct net_host *h = &swarm->net.host[host];

    if ((err != -ENOMEM && err != -ENOBUFS && err != -ENFILE) || h->heap.failed == 0)
        return false;
    swarm->host[host].again = instant_add(swarm->net.now, RETRY_MS * NS_PER_MS);
    return true;
}

static void finish(struct swarm *swarm, struct swarm_conn *conn, enum side side)
{
    sock_close(swarm->net.host[conn->host[side]].stack, conn->end[side].s);
    conn->end[side].s = -1;
    conn->over[side] = true;
    swarm->ends_left--;
}

/* Is it one that somebody aborts? Then its end may come early, on both sides. */
static bool may_break(const struct swarm_conn *conn)
{
    return conn->abort_at > 0 && conn->over[conn->aborter];
}

static void set_options(struct stack *stack, const struct swarm_conn *conn, int s)
{
    int on = 1;
    int err = 0;

    if (conn->no_delay)
        err = sock_setsockopt(stack, s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (!err && conn->abort_at)
        err = sock_setsockopt(stack, s, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    assert(!err); /* neither wants memory */
}

/* CLOSE becomes ABORT (RFC 9293, 3.10.5). The other end may never have been accepted. */
static void abort_conn(struct swarm *swarm, struct stack *stack, struct swarm_conn *conn)
{
    const struct linger now = {.l_onoff = 1};
    enum side side = conn->aborter;

    if (sock_setsockopt(stack, conn->end[side].s, SOL_SOCKET, SO_LINGER, &now, sizeof now)) {
        conn->abort_at++; /* no memory: another time */
        return;
    }
    finish(swarm, conn, side);
    if (side == OPENER && conn->end[LISTENER].s < 0 && !conn->over[LISTENER]) {
        conn->over[LISTENER] = true;
        swarm->ends_left--;
    }
}

static void open_conn(struct swarm *swarm, struct stack *stack, struct swarm_conn *conn)
{
    int family = swarm->config->ipv6 ? AF_INET6 : AF_INET;
    int s = sock_socket(stack, family, SOCK_STREAM, 0);
    int err = s;

    if (s >= 0) {
        set_options(stack, conn, s);
        err = sock_connect(stack, s, name_of(swarm, conn, LISTENER), NULL);
    }

    if (err == -EINPROGRESS)
        err = sock_getsockname(stack, s, &conn->opener);
    if (err == 0) {
        conn->end[OPENER].s = s;
        conn->open = true;
        return;
    }
    if (s >= 0)
        sock_close(stack, s);
    if (is_hunger(swarm, conn->host[OPENER], err))
        swarm->result->reopened++;
    else
        swarm_problem(swarm, conn->host[OPENER], "a connection could not begin");
}

static bool was_aborted(const struct swarm *swarm, uint32_t host, struct endpoint opener)
{
    for (uint32_t i = 0; i < swarm->config->connections; i++) {
        const struct swarm_conn *conn = &swarm->conn[i];
        if (conn->host[LISTENER] == host && conn->over[LISTENER] && may_break(conn) &&
            endpoint_equal(conn->opener, opener))
            return true;
    }
    return false;
}

static void accept_some(struct swarm *swarm, struct swarm_host *host, struct stack *stack)
{
    struct endpoint remote;
    int s;

    while ((s = sock_accept(stack, host->listener, &remote, NULL)) >= 0) {
        bool known = false;
        for (uint32_t i = 0; i < swarm->config->connections && !known; i++) {
            struct swarm_conn *conn = &swarm->conn[i];
            known = conn->open && conn->host[LISTENER] == host->number &&
                    conn->end[LISTENER].s < 0 && !conn->over[LISTENER] &&
                    endpoint_equal(conn->opener, remote);
            if (known) {
                conn->end[LISTENER].s = s;
                set_options(stack, conn, s);
            }
        }
        if (!known && was_aborted(swarm, host->number, remote))
            sock_close(stack, s);
        else if (!known)
            swarm_problem(swarm, host->number, "a connection was accepted that nobody has opened");
    }
    if (s != -EAGAIN && !is_hunger(swarm, host->number, s))
        swarm_problem(swarm, host->number, "accept() failed");
}

static void serve_end(struct swarm *swarm, struct stack *stack, struct swarm_conn *conn,
                      enum side side, short events)
{
    struct stream_end *end = &conn->end[side];
    enum stream_state state = STREAM_GOES_ON;
    int error = 0;

    if (events & POLLOUT && !(events & POLLERR))
        state = stream_send(&swarm->streams, stack, end, &error);
    if (state == STREAM_GOES_ON && events & (POLLIN | POLLERR))
        state = stream_receive(&swarm->streams, stack, end, &error);
    if (state == STREAM_GOES_ON && events & POLLERR) /* who has read the end hears it by writing */
        state = stream_send(&swarm->streams, stack, end, &error);
    if (state == STREAM_BROKE && is_hunger(swarm, conn->host[side], -error))
        return;
    if (state == STREAM_BROKE && !may_break(conn))
        swarm_problem(swarm, conn->host[side],
                      error == ECONNRESET ? "a connection was reset" : "a connection broke");
    if (state != STREAM_GOES_ON)
        finish(swarm, conn, side);
    else if (conn->abort_at && conn->aborter == side && end->sent + end->received >= conn->abort_at)
        abort_conn(swarm, stack, conn);
}

/* The connection whose end at this host has that socket; NULL when it is over. */
static struct swarm_conn *conn_of(struct swarm *swarm, uint32_t host, int s, enum side *side)
{
    for (uint32_t i = 0; i < swarm->config->connections; i++) {
        struct swarm_conn *conn = &swarm->conn[i];
        for (int k = OPENER; k <= LISTENER; k++) {
            if (conn->host[k] == host && conn->end[k].s == s) {
                *side = (enum side)k;
                return conn;
            }
        }
    }
    return NULL;
}

static void serve(struct swarm *swarm, struct swarm_host *host, struct stack *stack)
{
    short events;
    enum side side;

    for (int s; (s = sock_next_ready(stack, &events)) >= 0;) {
        if (s == host->listener) {
            accept_some(swarm, host, stack);
            continue;
        }
        struct swarm_conn *conn = conn_of(swarm, host->number, s, &side);
        if (conn)
            serve_end(swarm, stack, conn, side, events);
    }
}

/* Whoever had no memory looks at everything again. */
static void try_again(struct swarm *swarm, struct swarm_host *host, struct stack *stack)
{
    if (instant_before(swarm->net.now, host->again))
        return;
    host->again = INSTANT_NEVER;
    if (host->listener >= 0)
        sock_again(stack, host->listener);
    for (uint32_t i = 0; i < swarm->config->connections; i++) {
        for (int side = OPENER; side <= LISTENER; side++) {
            struct swarm_conn *conn = &swarm->conn[i];
            if (conn->host[side] == host->number && conn->end[side].s >= 0)
                sock_again(stack, conn->end[side].s);
        }
    }
}

/* Readers whose pause is over read again. Returns when the next one's will be. */
static instant resume_readers(struct swarm *swarm, uint32_t host, struct stack *stack)
{
    instant next = INSTANT_NEVER;

    for (uint32_t i = 0; i < swarm->config->connections; i++) {
        struct swarm_conn *conn = &swarm->conn[i];
        for (int side = OPENER; side <= LISTENER; side++) {
            if (conn->host[side] == host)
                next = instant_min(next, stream_resume(&swarm->streams, stack, &conn->end[side]));
        }
    }
    return next;
}

/* Opens what begins at this host by now. Returns when the next one will. */
static instant open_some(struct swarm *swarm, uint32_t host, struct stack *stack)
{
    instant next = INSTANT_NEVER;

    for (uint32_t i = 0; i < swarm->config->connections; i++) {
        struct swarm_conn *conn = &swarm->conn[i];
        if (conn->host[OPENER] != host || conn->open)
            continue;
        if (instant_before(swarm->net.now, conn->opens_at))
            next = instant_min(next, conn->opens_at);
        else
            open_conn(swarm, stack, conn);
    }
    return next;
}

static instant poll_host(struct net_app *app, struct stack *stack, instant now)
{
    struct swarm_host *host = CONTAINER_OF(app, struct swarm_host, app);
    struct swarm *swarm = host->swarm;

    swarm->streams.now = swarm->net.now;
    try_again(swarm, host, stack);
    instant next = open_some(swarm, host->number, stack);
    resume_readers(swarm, host->number, stack);
    serve(swarm, host, stack);
    next = instant_min(next, resume_readers(swarm, host->number, stack)); /* new pauses, too */
    next = instant_min(next, host->again);
    if (swarm->streams.problem)
        swarm_problem(swarm, host->number, swarm->streams.problem);
    /* the host's clock is not the network's */
    return instant_is_never(next) ? next : instant_add(now, instant_since(next, swarm->net.now));
}

static void look_at_host(struct net_app *app, struct stack *stack)
{
    struct swarm_host *host = CONTAINER_OF(app, struct swarm_host, app);
    uint32_t conn;
    const char *wrong = stack_check_invariants(stack, &conn);

    if (wrong && !host->swarm->result->problem)
        host->swarm->result->conn = conn;
    if (!wrong)
        wrong = host->oracle.problem;
    if (wrong)
        swarm_problem(host->swarm, host->number, wrong);
}

const struct net_app swarm_app = {.poll = poll_host, .after = look_at_host};
