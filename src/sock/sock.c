/*
 * sock.c - the socket calls of face one.
 *
 * A socket is a small record beside what it stands for: nothing yet, a listener, a connection, a
 * ping. All protocol is below; here are the rules of POSIX: which call is allowed when, and which
 * error says why not. A call that would block returns -EAGAIN, or waits through its waiter and
 * tries again; while it waits the world turns, so it looks the socket up anew each time.
 */
#include <errno.h>
#include <netinet/in.h>

#include "sock/sock_table.h"

enum {
    INDEX_BITS = 20,
    INDEX_MASK = (1 << INDEX_BITS) - 1,
    GENERATIONS = 0x7ff,
    BACKLOG_MAX = 4096
};

/* --- numbers ------------------------------------------------------------------------------ */

struct sock *sock_find(struct stack *stack, int s)
{
    if (s < 0)
        return NULL;
    struct sock *sock = pool_at(&stack->sockets, (uint32_t)s & INDEX_MASK);
    return sock && sock->number == s ? sock : NULL;
}

static struct sock *sock_new(struct stack *stack)
{
    struct sock *sock = pool_get(&stack->sockets);

    if (!sock)
        return NULL;
    uint32_t generation = ++stack->sock_generation & GENERATIONS;
    sock->number = (int32_t)(generation << INDEX_BITS | pool_index(&stack->sockets, sock));
    list_init(&sock->bound);
    return sock;
}

static void sock_delete(struct stack *stack, struct sock *sock)
{
    list_remove(&sock->bound);
    sock->number = -1;
    pool_put(&stack->sockets, sock);
}

/* Waits until one of `events` may hold: 0, or the reason to return. */
static int wait_for(struct stack *stack, int s, short events, struct waiter *waiter)
{
    return waiter ? waiter->wait(waiter, stack, s, events, INSTANT_NEVER) : -EAGAIN;
}

int sock_socket(struct stack *stack, int domain, int type, int protocol)
{
    bool tcp = type == SOCK_STREAM && (protocol == 0 || protocol == IPPROTO_TCP);
    bool v6 = domain == AF_INET6;
    bool ping = type == SOCK_DGRAM && protocol == (v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);

    if (domain != AF_INET && !v6)
        return -EAFNOSUPPORT;
    if (!tcp && !ping)
        return -EPROTONOSUPPORT;
    struct sock *sock = sock_new(stack);
    if (!sock)
        return -ENFILE;
    sock->v6 = v6;
    if (ping) {
        sock->kind = SOCK_PING;
        sock->ping = ping_port_open(stack, sock->number);
        if (!sock->ping) {
            sock_delete(stack, sock);
            return -ENFILE;
        }
    }
    return sock->number;
}

/* --- names -------------------------------------------------------------------------------- */

/* A socket of AF_INET knows IPv4 alone. One of AF_INET6 knows both, IPv4 in its mapped form, as
 * with IPV6_V6ONLY off (RFC 3493, 3.7); but a ping speaks one ICMP. */
static bool knows_address(const struct sock *sock, struct ip_addr addr)
{
    if (sock->kind == SOCK_PING)
        return ip_is_v4(addr) != sock->v6;
    return sock->v6 || ip_is_v4(addr) || ip_is_unspecified(addr);
}

static bool address_is_usable(const struct stack *stack, struct ip_addr addr)
{
    return ip_is_unspecified(addr) || ip_is_ours(&stack->ip, addr);
}

static bool addresses_meet(struct ip_addr a, struct ip_addr b)
{
    return ip_is_unspecified(a) || ip_is_unspecified(b) || ip_equal(a, b);
}

/* May `sock` take `local`? With SO_REUSEADDR on both, all but a listener may share a port. */
static bool name_is_free(const struct stack *stack, const struct sock *sock, struct endpoint local)
{
    for (struct list *node = stack->bound.next; node != &stack->bound; node = node->next) {
        const struct sock *other = CONTAINER_OF(node, struct sock, bound);
        if (other == sock || other->local.port != local.port ||
            !addresses_meet(other->local.addr, local.addr))
            continue;
        if (!sock->reuse_addr || !other->reuse_addr || other->kind == SOCK_LISTENING)
            return false;
    }
    return sock->reuse_addr || tcp_port_use(&stack->tcp, local.port) == 0;
}

static bool port_is_bound(void *cookie, uint16_t port)
{
    const struct stack *stack = cookie;

    for (struct list *node = stack->bound.next; node != &stack->bound; node = node->next) {
        if (CONTAINER_OF(node, struct sock, bound)->local.port == port)
            return true;
    }
    return false;
}

static int bind_sock(struct stack *stack, struct sock *sock, struct endpoint local)
{
    if (local.port == 0) {
        int err = tcp_choose_port(&stack->tcp, local, (struct endpoint){.port = 0}, port_is_bound,
                                  stack, &local.port);
        if (err)
            return err;
    } else if (!name_is_free(stack, sock, local)) {
        return -EADDRINUSE;
    }
    sock->local = local;
    sock->is_bound = true;
    list_append(&stack->bound, &sock->bound);
    return 0;
}

int sock_bind(struct stack *stack, int s, struct endpoint local)
{
    struct sock *sock = sock_find(stack, s);

    if (!sock)
        return -EBADF;
    if (sock->kind != SOCK_FRESH || sock->is_bound)
        return -EINVAL;
    if (!knows_address(sock, local.addr))
        return -EAFNOSUPPORT;
    if (!address_is_usable(stack, local.addr))
        return -EADDRNOTAVAIL;
    return bind_sock(stack, sock, local);
}

int sock_getsockname(struct stack *stack, int s, struct endpoint *out)
{
    struct sock *sock = sock_find(stack, s);

    if (!sock)
        return -EBADF;
    *out = sock->kind == SOCK_CONNECTION ? tcp_conn_local(sock->conn) : sock->local;
    return 0;
}

int sock_getpeername(struct stack *stack, int s, struct endpoint *out)
{
    struct sock *sock = sock_find(stack, s);

    if (!sock)
        return -EBADF;
    if (sock->kind == SOCK_PING && !ip_is_unspecified(sock->ping->remote)) {
        *out = (struct endpoint){.addr = sock->ping->remote};
        return 0;
    }
    if (sock->kind != SOCK_CONNECTION || tcp_conn_state(sock->conn) == TCPS_SYN_SENT)
        return -ENOTCONN;
    *out = tcp_conn_remote(sock->conn);
    return 0;
}

/* --- opening ------------------------------------------------------------------------------ */

int sock_listen(struct stack *stack, int s, int backlog)
{
    struct sock *sock = sock_find(stack, s);
    struct tcp_listener *listener;

    if (!sock)
        return -EBADF;
    if (sock->kind == SOCK_PING)
        return -EOPNOTSUPP;
    int bounded = backlog < 1 ? 1 : backlog > BACKLOG_MAX ? BACKLOG_MAX : backlog;
    if (sock->kind == SOCK_LISTENING) { /* again: another backlog */
        sock->listener->backlog = (uint32_t)bounded;
        return 0;
    }
    if (sock->kind != SOCK_FRESH)
        return -EINVAL;
    if (!sock->is_bound) {
        int err = bind_sock(stack, sock, (struct endpoint){.port = 0});
        if (err)
            return err;
    }
    int err = tcp_listen(&stack->tcp, sock->local, (uint32_t)bounded, sock->number, &listener);
    if (err)
        return err;
    listener->v4_only = !sock->v6;
    sock->listener = listener;
    sock->kind = SOCK_LISTENING;
    return 0;
}

/* What was set before there was a connection. */
static void apply_options(struct stack *stack, struct sock *sock)
{
    tcp_set_no_delay(&stack->tcp, sock->conn, sock->no_delay, stack->now);
    tcp_set_buffers(sock->conn, sock->send_buffer, sock->receive_buffer);
}

static int accept_now(struct stack *stack, int s, struct endpoint *remote)
{
    struct sock *listening = sock_find(stack, s);

    if (!listening)
        return -EBADF;
    if (listening->kind == SOCK_PING)
        return -EOPNOTSUPP;
    if (listening->kind != SOCK_LISTENING)
        return -EINVAL;
    if (!tcp_listener_poll(listening->listener))
        return -EAGAIN;
    struct sock *sock = sock_new(stack);
    if (!sock)
        return -ENFILE;
    sock->conn = tcp_accept(&stack->tcp, listening->listener, sock->number);
    sock->kind = SOCK_CONNECTION;
    sock->v6 = listening->v6;
    sock->app = listening->app;
    sock->no_delay = listening->no_delay;
    sock->linger_zero = listening->linger_zero;
    sock->send_buffer = listening->send_buffer;
    sock->receive_buffer = listening->receive_buffer;
    apply_options(stack, sock);
    if (remote)
        *remote = tcp_conn_remote(sock->conn);
    return sock->number;
}

int sock_accept(struct stack *stack, int s, struct endpoint *remote, struct waiter *waiter)
{
    for (;;) {
        int accepted = accept_now(stack, s, remote);
        if (accepted != -EAGAIN)
            return accepted;
        int err = wait_for(stack, s, POLLIN, waiter);
        if (err)
            return err;
    }
}

/* Who are we to this peer, and can it be one at all (MUST-44, MUST-46)? */
static int choose_names(struct stack *stack, struct sock *sock, struct endpoint remote,
                        struct endpoint *local)
{
    struct route route;

    if (ip_is_unspecified(remote.addr) || remote.port == 0)
        return -EINVAL;
    if (!knows_address(sock, remote.addr))
        return -EAFNOSUPPORT;
    int err = route_lookup(&stack->ip, remote.addr, &route);
    if (err)
        return err;
    if (route.broadcast || ip_is_multicast(remote.addr) || ip_is_broadcast(&stack->ip, remote.addr))
        return -ENETUNREACH;
    *local = sock->local;
    if (ip_is_unspecified(local->addr))
        local->addr = route.src;
    if (ip_is_v4(local->addr) != ip_is_v4(remote.addr)) /* bound in the other family */
        return -ENETUNREACH;
    if (sock->is_bound)
        return 0;
    return tcp_choose_port(&stack->tcp, *local, remote, port_is_bound, stack, &local->port);
}

static int connect_tcp(struct stack *stack, struct sock *sock, struct endpoint remote)
{
    struct endpoint local;
    struct tcp_conn *conn;
    int err = choose_names(stack, sock, remote, &local);

    if (err)
        return err;
    err = tcp_connect(&stack->tcp, local, remote, sock->number, stack->now, &conn);
    if (err)
        return err;
    sock->conn = conn;
    sock->kind = SOCK_CONNECTION;
    apply_options(stack, sock);
    return -EINPROGRESS;
}

static int connect_ping(struct stack *stack, struct sock *sock, struct endpoint remote)
{
    struct route route;

    if (!knows_address(sock, remote.addr))
        return -EAFNOSUPPORT;
    int err = route_lookup(&stack->ip, remote.addr, &route);
    if (err)
        return err;
    if (route.broadcast || ip_is_multicast(remote.addr))
        return -EACCES;
    sock->ping->remote = remote.addr;
    return 0;
}

/* A connection that was asked for: how far is it? */
static int connect_again(struct sock *sock)
{
    enum tcp_state state = tcp_conn_state(sock->conn);

    if (state == TCPS_SYN_SENT || state == TCPS_SYN_RECEIVED)
        return -EALREADY;
    if (state == TCPS_CLOSED) {
        int error = tcp_take_error(sock->conn);
        return error ? -error : -ECONNABORTED;
    }
    return -EISCONN;
}

int sock_connect(struct stack *stack, int s, struct endpoint remote, struct waiter *waiter)
{
    struct sock *sock = sock_find(stack, s);

    if (!sock)
        return -EBADF;
    if (sock->kind == SOCK_PING)
        return connect_ping(stack, sock, remote);
    if (sock->kind == SOCK_LISTENING)
        return -EOPNOTSUPP;
    int err = sock->kind == SOCK_FRESH ? connect_tcp(stack, sock, remote) : connect_again(sock);
    while (waiter && (err == -EINPROGRESS || err == -EALREADY)) {
        err = wait_for(stack, s, POLLOUT, waiter);
        if (err)
            return err;
        sock = sock_find(stack, s);
        if (!sock)
            return -EBADF;
        err = connect_again(sock);
        if (err == -EISCONN)
            return 0;
    }
    return err;
}

/* --- text --------------------------------------------------------------------------------- */

static ssize_t send_now(struct stack *stack, int s, struct bytes text, int flags)
{
    struct sock *sock = sock_find(stack, s);

    if (!sock)
        return -EBADF;
    switch ((enum sock_kind)sock->kind) {
    case SOCK_CONNECTION:
        return tcp_send(&stack->tcp, sock->conn, text, flags & MSG_MORE, stack->now);
    case SOCK_PING:
        return ping_port_send(stack, sock->ping, text);
    case SOCK_FRESH:
    case SOCK_LISTENING:
        break;
    }
    return -ENOTCONN;
}

ssize_t sock_send(struct stack *stack, int s, const void *octets, size_t len, int flags,
                  struct waiter *waiter)
{
    struct bytes text = bytes_of(octets, len);
    size_t done = 0;

    for (;;) {
        ssize_t n = send_now(stack, s, bytes_skip(text, done), flags);
        if (n >= 0) {
            done += (size_t)n;
            if (!waiter || done == len)
                return (ssize_t)done;
            continue;
        }
        int err = n == -EAGAIN ? wait_for(stack, s, POLLOUT, waiter) : (int)n;
        if (err)
            return done > 0 ? (ssize_t)done : err;
    }
}

static ssize_t recv_now(struct stack *stack, int s, void *octets, size_t len, int flags)
{
    struct sock *sock = sock_find(stack, s);

    if (!sock)
        return -EBADF;
    switch ((enum sock_kind)sock->kind) {
    case SOCK_CONNECTION:
        if (tcp_conn_state(sock->conn) == TCPS_SYN_SENT)
            return -EAGAIN;
        return tcp_recv(&stack->tcp, sock->conn, octets, len, flags & MSG_PEEK, stack->now);
    case SOCK_PING:
        return ping_port_recv(sock->ping, octets, len, flags & MSG_PEEK);
    case SOCK_FRESH:
    case SOCK_LISTENING:
        break;
    }
    return -ENOTCONN;
}

ssize_t sock_recv(struct stack *stack, int s, void *octets, size_t len, int flags,
                  struct waiter *waiter)
{
    for (;;) {
        ssize_t n = recv_now(stack, s, octets, len, flags);
        if (n != -EAGAIN)
            return n;
        int err = wait_for(stack, s, POLLIN, waiter);
        if (err)
            return err;
    }
}

/* --- closing ------------------------------------------------------------------------------------
 */

int sock_shutdown(struct stack *stack, int s, int how)
{
    struct sock *sock = sock_find(stack, s);

    if (!sock)
        return -EBADF;
    if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
        return -EINVAL;
    if (sock->kind != SOCK_CONNECTION)
        return -ENOTCONN;
    if (how != SHUT_RD) {
        int err = tcp_shutdown_write(&stack->tcp, sock->conn, stack->now);
        if (err)
            return err;
    }
    if (how != SHUT_WR)
        tcp_shutdown_read(&stack->tcp, sock->conn, stack->now);
    return 0;
}

int sock_close(struct stack *stack, int s)
{
    struct sock *sock = sock_find(stack, s);

    if (!sock)
        return -EBADF;
    switch ((enum sock_kind)sock->kind) {
    case SOCK_LISTENING:
        tcp_listener_close(&stack->tcp, sock->listener, stack->now);
        break;
    case SOCK_CONNECTION:
        tcp_release(&stack->tcp, sock->conn, sock->linger_zero, stack->now);
        break;
    case SOCK_PING:
        ping_port_close(stack, sock->ping);
        break;
    case SOCK_FRESH:
        break;
    }
    sock_delete(stack, sock);
    return 0;
}
