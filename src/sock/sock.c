/*
 * sock.c - sockets: their numbers, their names, their end.
 *
 * A socket is a small record beside what it stands for: nothing yet, a listener, a connection, a
 * ping, an epoll set. All protocol is below; in this folder are the rules of POSIX: which call is
 * allowed when, and which error says why not. A call that would block returns -EAGAIN, or waits
 * through its waiter and tries again; while it waits the world turns, so it looks the socket up
 * anew each time.
 */
#include <errno.h>
#include <netinet/in.h>

#include "sock/sock_table.h"

enum { INDEX_BITS = 20, INDEX_MASK = (1 << INDEX_BITS) - 1, GENERATIONS = 0x7ff };

/* --- numbers ------------------------------------------------------------------------------ */

struct sock *sock_find(struct stack *stack, int s)
{
    if (s < 0)
        return NULL;
    if (stack->found && stack->found_number == s) /* one call asks several times */
        return stack->found;
    struct sock *sock = pool_at(&stack->sockets, (uint32_t)s & INDEX_MASK);
    if (!sock || sock->generation != (unsigned)s >> INDEX_BITS)
        return NULL;
    stack->found = sock;
    stack->found_number = s;
    return sock;
}

struct sock *sock_find_talker(struct stack *stack, int s)
{
    struct sock *sock = sock_find(stack, s);

    return sock && sock->kind != SOCK_EPOLL && !sock->closing ? sock : NULL;
}

struct sock *sock_new(struct stack *stack)
{
    struct sock *sock = pool_get(&stack->sockets);

    if (!sock)
        return NULL;
    sock->generation = ++stack->sock_generation & GENERATIONS;
    return sock;
}

int32_t sock_number(const struct stack *stack, const struct sock *sock)
{
    return (int32_t)((uint32_t)sock->generation << INDEX_BITS | pool_index(&stack->sockets, sock));
}

/* NULL: it is not bound. */
static struct sock_name *name_of(const struct stack *stack, const struct sock *sock)
{
    return sock->name ? pool_at(&stack->socket_names, sock->name - 1) : NULL;
}

void sock_delete(struct stack *stack, struct sock *sock)
{
    struct sock_name *name = name_of(stack, sock);

    sock_epoll_forget(stack, sock);
    tuning_drop(&stack->tcp.tunings, &sock->tuning);
    if (name) {
        list_remove(&name->node);
        pool_put(&stack->socket_names, name);
    }
    if (stack->found == sock)
        stack->found = NULL;
    pool_put(&stack->sockets, sock);
}

int sock_next_of(struct stack *stack, const struct sock_app *app, int after)
{
    uint32_t index = after < 0 ? 0 : ((uint32_t)after & INDEX_MASK) + 1;

    for (; !pool_is_past(&stack->sockets, &index); index++) {
        const struct sock *sock = pool_at(&stack->sockets, index);
        if (sock && sock->app == app && !sock->closing)
            return sock_number(stack, sock);
    }
    return -ENOENT;
}

static int open_ping(struct stack *stack, struct sock *sock)
{
    sock->kind = SOCK_PING;
    sock->ping = ping_port_open(stack, sock_number(stack, sock));
    return sock->ping ? 0 : -ENFILE;
}

/* Why there is no such socket of ours, in the order in which Linux asks. */
static int refusal(int type, int protocol)
{
    enum { TYPES = 11 }; /* SOCK_STREAM to SOCK_PACKET */

    if (type < 0 || type >= TYPES || protocol < 0 || protocol >= IPPROTO_MAX)
        return -EINVAL;
    return type == SOCK_STREAM || type == SOCK_DGRAM ? -EPROTONOSUPPORT : -ESOCKTNOSUPPORT;
}

int sock_socket(struct stack *stack, int domain, int type, int protocol)
{
    int flags = type & (SOCK_NONBLOCK | SOCK_CLOEXEC);
    bool v6 = domain == AF_INET6;

    type &= ~flags;
    bool tcp = type == SOCK_STREAM && (protocol == 0 || protocol == IPPROTO_TCP);
    bool ping = type == SOCK_DGRAM && protocol == (v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);

    if (domain != AF_INET && !v6)
        return -EAFNOSUPPORT;
    bool udp = type == SOCK_DGRAM && (protocol == 0 || protocol == IPPROTO_UDP);
    if (!tcp && !ping && !udp)
        return refusal(type, protocol);
    struct sock *sock = sock_new(stack);
    if (!sock)
        return -ENFILE;
    sock->v6 = v6;
    sock->nonblock = flags & SOCK_NONBLOCK;
    int err = ping ? open_ping(stack, sock) : udp ? sock_udp_open(stack, sock) : 0;
    if (err) {
        sock_delete(stack, sock);
        return err;
    }
    return sock_number(stack, sock);
}

/* --- names -------------------------------------------------------------------------------- */

static bool address_is_usable(const struct stack *stack, struct ip_addr addr)
{
    return ip_is_unspecified(addr) || ip_is_ours(&stack->ip, addr);
}

static bool addresses_meet(struct ip_addr a, struct ip_addr b)
{
    return ip_is_unspecified(a) || ip_is_unspecified(b) || ip_equal(a, b);
}

/* Whom an address of a socket stands for. */
uint8_t sock_families(const struct sock *sock, struct ip_addr addr)
{
    if (!ip_is_unspecified(addr))
        return ip_is_v4(addr) ? TCP_FAMILY_V4 : TCP_FAMILY_V6;
    if (!sock->v6)
        return TCP_FAMILY_V4;
    return sock->v6_only ? TCP_FAMILY_V6 : TCP_FAMILY_V4 | TCP_FAMILY_V6;
}

/* A socket of AF_INET knows IPv4 alone. One of AF_INET6 knows both, IPv4 in its mapped form, unless
 * IPV6_V6ONLY is on (RFC 3493, 3.7 and 5.3); but a ping speaks one ICMP. */
int sock_check_family(const struct sock *sock, struct ip_addr addr)
{
    if (ip_is_unspecified(addr))
        return 0;
    if (sock->kind == SOCK_PING)
        return ip_is_v4(addr) == sock->v6 ? -EAFNOSUPPORT : 0;
    if (!sock->v6)
        return ip_is_v4(addr) ? 0 : -EAFNOSUPPORT;
    return sock->v6_only && ip_is_v4(addr) ? -EINVAL : 0;
}

static const struct list *bound_to(const struct stack *stack, uint16_t port)
{
    return &stack->bound[port % STACK_BOUND_LISTS];
}

/* May `sock` take `local`? With SO_REUSEADDR on both, all but a listener may share a port. */
static bool name_is_free(const struct stack *stack, const struct sock *sock, struct endpoint local)
{
    const struct list *bound = bound_to(stack, local.port);

    for (struct list *node = bound->next; node != bound; node = node->next) {
        const struct sock_name *name = CONTAINER_OF(node, struct sock_name, node);
        const struct sock *other = name->sock;
        if (other == sock || name->local.port != local.port ||
            !addresses_meet(name->local.addr, local.addr) ||
            !(sock_families(sock, local.addr) & sock_families(other, name->local.addr)))
            continue;
        if (!sock->reuse_addr || !other->reuse_addr || other->kind == SOCK_LISTENING)
            return false;
    }
    return sock->reuse_addr || tcp_port_use(&stack->tcp, local.port) == 0;
}

bool sock_port_is_bound(void *cookie, uint16_t port)
{
    const struct list *bound = bound_to(cookie, port);

    for (struct list *node = bound->next; node != bound; node = node->next) {
        if (CONTAINER_OF(node, struct sock_name, node)->local.port == port)
            return true;
    }
    return false;
}

int sock_bind_to(struct stack *stack, struct sock *sock, struct endpoint local)
{
    if (local.port == 0) {
        int err = tcp_choose_port(&stack->tcp, local, (struct endpoint){.port = 0},
                                  sock_port_is_bound, stack, &local.port);
        if (err)
            return err;
    } else if (!name_is_free(stack, sock, local)) {
        return -EADDRINUSE;
    }
    struct sock_name *name = pool_get(&stack->socket_names);
    if (!name)
        return -ENOBUFS;
    name->sock = sock;
    name->local = local;
    list_init(&name->node);
    list_append(&stack->bound[local.port % STACK_BOUND_LISTS], &name->node);
    sock->name = pool_index(&stack->socket_names, name) + 1;
    return 0;
}

bool sock_is_bound(const struct sock *sock)
{
    return sock->name != 0;
}

struct endpoint sock_local(const struct stack *stack, const struct sock *sock)
{
    const struct sock_name *name = name_of(stack, sock);

    return name ? name->local : (struct endpoint){.port = 0};
}

int sock_bind(struct stack *stack, int s, struct endpoint local)
{
    struct sock *sock = sock_find_talker(stack, s);

    if (!sock)
        return -EBADF;
    int err = sock_check_family(sock, local.addr);
    if (err)
        return err;
    if (sock->kind == SOCK_UDP)
        return sock_udp_bind(stack, sock, local);
    if (sock->kind != SOCK_FRESH || sock_is_bound(sock))
        return -EINVAL;
    if (!address_is_usable(stack, local.addr))
        return -EADDRNOTAVAIL;
    return sock_bind_to(stack, sock, local);
}

int sock_getsockname(struct stack *stack, int s, struct endpoint *out)
{
    struct sock *sock = sock_find_talker(stack, s);

    if (!sock)
        return -EBADF;
    *out = sock->kind == SOCK_CONNECTION ? tcp_conn_local(sock->conn)
           : sock->kind == SOCK_UDP      ? sock->udp->local
                                         : sock_local(stack, sock);
    return 0;
}

/* For those who ask about the peer, as on Linux: what has ended and TIME-WAIT are no connection. */
static bool has_ended(const struct sock *sock)
{
    enum tcp_state state = tcp_conn_state(sock->conn);

    return state == TCPS_CLOSED || state == TCPS_TIME_WAIT;
}

int sock_getpeername(struct stack *stack, int s, struct endpoint *out)
{
    struct sock *sock = sock_find_talker(stack, s);

    if (!sock)
        return -EBADF;
    if (sock->kind == SOCK_PING && !ip_is_unspecified(sock->ping->remote)) {
        *out = (struct endpoint){.addr = sock->ping->remote};
        return 0;
    }
    if (sock->kind == SOCK_UDP && sock->udp->is_connected) {
        *out = sock->udp->remote;
        return 0;
    }
    if (sock->kind != SOCK_CONNECTION || tcp_conn_state(sock->conn) == TCPS_SYN_SENT ||
        has_ended(sock))
        return -ENOTCONN;
    *out = tcp_conn_remote(sock->conn);
    return 0;
}

/* --- closing ------------------------------------------------------------------------------------
 */

int sock_shutdown(struct stack *stack, int s, int how)
{
    struct sock *sock = sock_find_talker(stack, s);

    if (!sock)
        return -EBADF;
    if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
        return -EINVAL;
    if (sock->kind == SOCK_UDP)
        return sock_udp_shutdown(stack, sock, how);
    if (sock->kind == SOCK_LISTENING) /* nothing is written there; without reading it is none */
        return how == SHUT_WR ? 0 : sock_disconnect(stack, s);
    if (sock->kind != SOCK_CONNECTION || has_ended(sock))
        return -ENOTCONN;
    if (tcp_conn_state(sock->conn) == TCPS_SYN_SENT)
        return sock_disconnect(stack, s);
    if (how != SHUT_RD) {
        int err = tcp_shutdown_write(&stack->tcp, sock->conn, stack->now);
        if (err)
            return err;
    }
    if (how != SHUT_WR)
        tcp_shutdown_read(&stack->tcp, sock->conn, stack->now);
    return 0;
}

/* It lets go of what it stands for. */
static void let_go(struct stack *stack, struct sock *sock, bool abort)
{
    switch ((enum sock_kind)sock->kind) {
    case SOCK_LISTENING:
        tcp_listener_close(&stack->tcp, sock->listener, stack->now);
        break;
    case SOCK_CONNECTION:
        tcp_release(&stack->tcp, sock->conn, abort, stack->now);
        break;
    case SOCK_PING:
        ping_port_close(stack, sock->ping);
        break;
    case SOCK_UDP:
        udp_close(&stack->udp, sock->udp);
        break;
    case SOCK_EPOLL:
        sock_epoll_end(stack, sock);
        break;
    case SOCK_FRESH:
        break;
    }
}

/* SO_LINGER with 0 seconds: ABORT. */
static bool lingers_not_at_all(const struct sock *sock)
{
    return sock->linger && tuning_or_default(sock->tuning)->linger_s == 0;
}

int sock_close(struct stack *stack, int s)
{
    struct sock *sock = sock_find(stack, s);

    if (!sock || sock->closing)
        return -EBADF;
    let_go(stack, sock, lingers_not_at_all(sock));
    sock_delete(stack, sock);
    return 0;
}

/* Is what we had to say still on its way? */
static bool is_being_closed(const struct sock *sock)
{
    enum tcp_state state = tcp_conn_state(sock->conn);

    return state == TCPS_FIN_WAIT_1 || state == TCPS_CLOSING || state == TCPS_LAST_ACK ||
           (state == TCPS_CLOSE_WAIT && tcp_unacknowledged(sock->conn) > 0);
}

int sock_close_wait(struct stack *stack, int s, struct waiter *waiter)
{
    struct sock *sock = sock_find(stack, s);

    if (!sock || sock->closing)
        return -EBADF;
    int seconds = tuning_or_default(sock->tuning)->linger_s;
    if (!waiter || sock->kind != SOCK_CONNECTION || !sock->linger || seconds == 0 ||
        tcp_unread(sock->conn) > 0)
        return sock_close(stack, s);
    struct patience patience = {.waiter = waiter,
                                .deadline = instant_add(stack->now, seconds * NS_PER_S)};
    int err = tcp_shutdown_write(&stack->tcp, sock->conn, stack->now);
    sock->closing = true;
    sock_epoll_forget(stack, sock); /* its number is gone for all but us */
    while (!err && sock && is_being_closed(sock)) {
        err = sock_wait(stack, s, POLLIN | POLLOUT, &patience);
        sock = sock_find(stack, s);
    }
    if (!sock)
        return -EBADF;
    let_go(stack, sock, false);
    sock_delete(stack, sock);
    return 0; /* what is left goes on by itself */
}

int sock_disconnect(struct stack *stack, int s)
{
    struct sock *sock = sock_find_talker(stack, s);

    if (!sock)
        return -EBADF;
    if (sock->kind == SOCK_PING) {
        sock->ping->remote = (struct ip_addr){{0}};
        return 0;
    }
    if (sock->kind == SOCK_UDP) {
        udp_disconnect(&stack->udp, sock->udp);
        return 0;
    }
    let_go(stack, sock, true);
    sock->kind = SOCK_FRESH;
    sock->conn = NULL;
    sock->connected = false;
    sock_epoll_tell(stack, sock, NEWS_ALL);
    return 0;
}
