/*
 * sock_open.c - listen, accept, connect.
 *
 * A connection that is asked for, or that comes, has what was set on its socket, or on the
 * listener, from its first segment on.
 */
#include <errno.h>

#include "sock/sock_table.h"

enum { BACKLOG_MAX = 4096 };

/* --- opening ------------------------------------------------------------------------------ */

int sock_listen(struct stack *stack, int s, int backlog)
{
    struct sock *sock = sock_find_talker(stack, s);
    struct tcp_listener *listener;

    if (!sock)
        return -EBADF;
    if (sock->kind == SOCK_PING || sock->kind == SOCK_UDP)
        return -EOPNOTSUPP;
    int bounded = backlog < 1 ? 1 : backlog > BACKLOG_MAX ? BACKLOG_MAX : backlog;
    if (sock->kind == SOCK_LISTENING) { /* again: another backlog */
        sock->listener->backlog = (uint32_t)bounded;
        return 0;
    }
    if (sock->kind != SOCK_FRESH)
        return -EINVAL;
    if (!sock_is_bound(sock)) {
        int err = sock_bind_to(stack, sock, (struct endpoint){.port = 0});
        if (err)
            return err;
    }
    struct endpoint local = sock_local(stack, sock);
    int err = tcp_listen(&stack->tcp, local, sock_families(sock, local.addr), (uint32_t)bounded,
                         sock_number(stack, sock), &listener);
    if (err)
        return err;
    sock->listener = listener;
    sock->kind = SOCK_LISTENING;
    sock_apply_options(stack, sock);
    return 0;
}

static void inherit(struct sock *sock, const struct sock *from)
{
    sock->app = from->app;
    sock->reuse_addr = from->reuse_addr;
    sock->linger = from->linger;
    sock->no_delay = from->no_delay;
    sock->cork = from->cork;
    sock->keep_alive = from->keep_alive;
    sock->inq = from->inq;
    sock->v6 = from->v6;
    sock->v6_only = from->v6_only;
    sock->tuning = tuning_share(from->listener->tuning);
}

static int accept_now(struct stack *stack, int s, struct endpoint *remote, int flags)
{
    struct sock *listening = sock_find_talker(stack, s);

    if (!listening)
        return -EBADF;
    if (listening->kind == SOCK_PING || listening->kind == SOCK_UDP)
        return -EOPNOTSUPP;
    if (listening->kind != SOCK_LISTENING)
        return -EINVAL;
    if (!tcp_listener_poll(listening->listener))
        return -EAGAIN;
    struct sock *sock = sock_new(stack);
    if (!sock)
        return -ENFILE;
    int number = sock_number(stack, sock);
    sock->conn = tcp_accept(&stack->tcp, listening->listener, number);
    sock->kind = SOCK_CONNECTION;
    sock->connected = true;
    sock->nonblock = flags & SOCK_NONBLOCK;
    inherit(sock, listening);
    sock_apply_options(stack, sock);
    if (remote)
        *remote = tcp_conn_remote(sock->conn);
    return number;
}

int sock_accept4(struct stack *stack, int s, struct endpoint *remote, int flags,
                 struct waiter *waiter)
{
    struct patience patience = sock_patience(stack, s, 0, false, waiter);

    if (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC))
        return sock_find_talker(stack, s) ? -EINVAL : -EBADF;
    for (;;) {
        int accepted = accept_now(stack, s, remote, flags);
        if (accepted != -EAGAIN)
            return accepted;
        int err = sock_wait(stack, s, POLLIN, &patience);
        if (err)
            return err;
    }
}

int sock_accept(struct stack *stack, int s, struct endpoint *remote, struct waiter *waiter)
{
    return sock_accept4(stack, s, remote, 0, waiter);
}

/* Who are we to this peer, and can it be one at all (MUST-44, MUST-46)? */
static int choose_names(struct stack *stack, struct sock *sock, struct endpoint remote,
                        struct endpoint *local)
{
    struct route route;

    if (ip_is_unspecified(remote.addr) || remote.port == 0)
        return -EINVAL;
    int err = sock_check_family(sock, remote.addr);
    if (err)
        return err == -EINVAL ? -ENETUNREACH : err; /* an IPv4 host, and IPV6_V6ONLY is on */
    err = route_lookup(&stack->ip, remote.addr, &route);
    if (err)
        return err;
    if (route.broadcast || ip_is_multicast(remote.addr) || ip_is_broadcast(&stack->ip, remote.addr))
        return -ENETUNREACH;
    *local = sock_local(stack, sock);
    if (ip_is_unspecified(local->addr))
        local->addr = route.src;
    if (ip_is_v4(local->addr) != ip_is_v4(remote.addr)) /* bound in the other family */
        return -ENETUNREACH;
    if (!ip_is_ours(&stack->ip, local->addr)) /* bound, and gone since */
        return -EADDRNOTAVAIL;
    if (sock_is_bound(sock))
        return 0;
    return tcp_choose_port(&stack->tcp, *local, remote, sock_port_is_bound, stack, &local->port);
}

static int connect_tcp(struct stack *stack, struct sock *sock, struct endpoint remote)
{
    struct endpoint local;
    struct tcp_conn *conn;
    int err = choose_names(stack, sock, remote, &local);

    if (err)
        return err;
    err = tcp_connect(&stack->tcp, local, remote, sock->tuning, sock_number(stack, sock),
                      stack->now, &conn);
    if (err)
        return err;
    sock->conn = conn;
    sock->kind = SOCK_CONNECTION;
    sock_apply_options(stack, sock);
    return -EINPROGRESS;
}

static int connect_ping(struct stack *stack, struct sock *sock, struct endpoint remote)
{
    struct route route;
    int err = sock_check_family(sock, remote.addr);

    if (err)
        return err;
    err = route_lookup(&stack->ip, remote.addr, &route);

    if (err)
        return err;
    if (route.broadcast || ip_is_multicast(remote.addr))
        return -EACCES;
    sock->ping->remote = remote.addr;
    return 0;
}

/* A connection that was asked for: how far is it? Success is told once, as on Linux, and then
 * -EISCONN. One that has failed is forgotten, so that the next call may try again. */
static int connect_again(struct stack *stack, struct sock *sock)
{
    enum tcp_state state = tcp_conn_state(sock->conn);

    if (state == TCPS_SYN_SENT || state == TCPS_SYN_RECEIVED)
        return -EALREADY;
    if (state == TCPS_CLOSED && !sock->connected) {
        int error = tcp_take_error(sock->conn);
        int err = sock_disconnect(stack, sock_number(stack, sock));
        assert(err == 0);
        return error ? -error : -ECONNABORTED;
    }
    bool was_told = sock->connected;
    sock->connected = true;
    return was_told ? -EISCONN : 0;
}

int sock_connect(struct stack *stack, int s, struct endpoint remote, struct waiter *waiter)
{
    struct sock *sock = sock_find_talker(stack, s);
    struct patience patience = sock_patience(stack, s, 0, true, waiter);

    if (!sock)
        return -EBADF;
    if (sock->kind == SOCK_PING)
        return connect_ping(stack, sock, remote);
    if (sock->kind == SOCK_UDP)
        return sock_udp_connect(stack, sock, remote);
    if (sock->kind == SOCK_LISTENING)
        return -EISCONN;
    int err =
        sock->kind == SOCK_FRESH ? connect_tcp(stack, sock, remote) : connect_again(stack, sock);
    const int at_first = err;
    while (patience.waiter && (err == -EINPROGRESS || err == -EALREADY)) {
        int waited = sock_wait(stack, s, POLLOUT, &patience);
        if (waited)
            return waited == -EAGAIN ? at_first : waited;
        sock = sock_find(stack, s);
        if (!sock)
            return -EBADF;
        err = connect_again(stack, sock);
    }
    return err;
}
