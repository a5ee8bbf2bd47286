/*
 * sock_udp.c - sockets of UDP: their names and their ends.
 *
 * A socket that sends or connects without a name gets one: an ephemeral port at any of our
 * addresses. connect() sends nothing. It names the other end, from which alone the socket hears
 * then, and settles which address of ours is the source. sock_disconnect(), as connect(AF_UNSPEC),
 * takes all of that back which bind() had not asked for.
 */
#include <errno.h>
#include <netinet/in.h>

#include "sock/sock_table.h"

static_assert(UDP_FAMILY_V4 == (int)TCP_FAMILY_V4 && UDP_FAMILY_V6 == (int)TCP_FAMILY_V6,
              "sock_families() serves both");

int sock_udp_open(struct stack *stack, struct sock *sock)
{
    sock->kind = SOCK_UDP;
    sock->udp =
        udp_open(&stack->udp, sock_families(sock, (struct ip_addr){{0}}), sock_number(stack, sock));
    return sock->udp ? 0 : -ENFILE;
}

/* To hear what is sent there, a socket may have a broadcast address or a group, too. */
static bool may_be_bound(const struct stack *stack, struct ip_addr addr)
{
    return ip_is_unspecified(addr) || ip_is_multicast(addr) || ip_is_ours(&stack->ip, addr) ||
           (ip_is_v4(addr) && ip_is_broadcast(&stack->ip, addr));
}

int sock_udp_bind(struct stack *stack, struct sock *sock, struct endpoint local)
{
    struct udp_port *port = sock->udp;

    if (!may_be_bound(stack, local.addr))
        return -EADDRNOTAVAIL;
    if (port->local.port != 0)
        return -EINVAL;
    int err = udp_bind(&stack->udp, port, local);
    if (err)
        return err;
    port->addr_chosen = !ip_is_unspecified(local.addr);
    port->port_chosen = local.port != 0;
    return 0;
}

int sock_udp_name(struct stack *stack, struct udp_port *port)
{
    if (port->local.port != 0)
        return 0;
    return udp_bind(&stack->udp, port, (struct endpoint){.port = 0}) ? -EAGAIN : 0;
}

/* What it sends comes from here, if it was said. */
struct ip_addr sock_udp_source(const struct stack *stack, const struct udp_port *port)
{
    struct ip_addr addr = port->local.addr;

    return ip_is_ours(&stack->ip, addr) ? addr : (struct ip_addr){{0}};
}

bool sock_udp_has_name(const struct stack *stack, const struct udp_port *port)
{
    return may_be_bound(stack, port->local.addr);
}

int sock_udp_route(const struct stack *stack, const struct sock *sock, struct ip_addr wanted,
                   struct ip_addr to, struct ip_addr *source)
{
    struct route route;
    int err = sock_check_family(sock, to);

    if (err)
        return err == -EINVAL ? -ENETUNREACH : err; /* an IPv4 host, and IPV6_V6ONLY is on */
    err = route_lookup(&stack->ip, to, &route);
    if (err)
        return err;
    if (route.broadcast && !sock->udp->broadcast)
        return -EACCES;
    *source = ip_is_unspecified(wanted) ? route.src : wanted;
    return ip_is_v4(*source) == ip_is_v4(to) ? 0 : -ENETUNREACH;
}

int sock_udp_connect(struct stack *stack, struct sock *sock, struct endpoint remote)
{
    struct udp_port *port = sock->udp;
    struct ip_addr source;
    int err = sock_udp_name(stack, port);

    if (!err)
        err = sock_udp_route(stack, sock, sock_udp_source(stack, port), remote.addr, &source);
    if (err)
        return err;
    if (!ip_is_unspecified(port->local.addr)) /* as bound, be it to a broadcast address */
        source = port->local.addr;
    udp_connect(&stack->udp, port, source, remote);
    return 0;
}

/* A socket that is not connected is told so, and shut all the same: Linux's way to wake who waits.
 */
int sock_udp_shutdown(struct stack *stack, struct sock *sock, int how)
{
    struct udp_port *port = sock->udp;

    port->shut_read |= how != SHUT_WR;
    port->shut_write |= how != SHUT_RD;
    ready_tell(&stack->tcp.ready, &port->ready);
    return port->is_connected ? 0 : -ENOTCONN;
}

void sock_udp_apply(struct stack *stack, struct sock *sock)
{
    const struct tcp_tuning *tuning = tuning_or_default(sock->tuning);
    struct udp_port *port = sock->udp;

    port->reuse_addr = sock->reuse_addr;
    port->fragments = tuning->pmtu_discover == IP_PMTUDISC_DONT + 1;
    port->families = sock_families(sock, (struct ip_addr){{0}});
    port->queue_cap =
        tuning->receive_buffer ? tuning->receive_buffer : (uint64_t)stack->config.values.udp_rmem;
}
