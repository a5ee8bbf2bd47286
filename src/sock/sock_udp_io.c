/*
 * sock_udp_io.c - datagrams out and in.
 *
 * One call, one datagram, whole or not at all. What is checked in which order is Linux's: the
 * flags, whom it is for, the control messages, the way there, its size, and only then what became
 * of earlier ones. A pending error is told once, before anything is sent or read.
 *
 * Left out: MSG_MORE, which gathers a datagram from several calls, and MSG_ERRQUEUE.
 */
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>

#include "sock/sock_table.h"

enum {
    SEND_FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL | MSG_EOR | MSG_CONFIRM | MSG_DONTROUTE,
    RECV_FLAGS = MSG_PEEK | MSG_DONTWAIT | MSG_WAITALL | MSG_TRUNC | MSG_NOSIGNAL |
                 MSG_CMSG_CLOEXEC | MSG_OOB,
};

/* Octets in all; -EMSGSIZE when no datagram holds as many. */
static ssize_t len_of(const struct sock_msg *msg)
{
    size_t sum = 0;

    for (int i = 0; i < msg->iovcnt; i++) {
        if (msg->iov[i].iov_len > UDP_LENGTH_MAX)
            return -EMSGSIZE;
        sum += msg->iov[i].iov_len;
    }
    return sum > UDP_LENGTH_MAX ? -EMSGSIZE : (ssize_t)sum;
}

static bool is_readable(const struct sock_msg *msg)
{
    for (int i = 0; i < msg->iovcnt; i++) {
        if (!msg->iov[i].iov_base && msg->iov[i].iov_len > 0)
            return false;
    }
    return true;
}

/* --- sending ------------------------------------------------------------------------------ */

static int choose_remote(const struct udp_port *port, const struct sock_msg *msg,
                         struct endpoint *out)
{
    if (!msg->name && !port->is_connected)
        return -EDESTADDRREQ;
    *out = msg->name ? *msg->name : port->remote;
    return out->port == 0 ? -EINVAL : 0;
}

/* May it be that large, and may it be cut to pieces on the way (IP_MTU_DISCOVER)? A packet of IPv6
 * is not. More than 576 octets leave for other networks because the path MTU is looked for, which
 * is the default; or, with DF clear, because the program has asked for that (RFC 1122, 3.3.3). */
static int choose_size(const struct stack *stack, const struct sock *sock, struct datagram_out *out)
{
    const struct ip_family *family = ip_family_of(out->remote.addr);
    const struct tcp_tuning *tuning = tuning_or_default(sock->tuning);
    int mode = tuning->pmtu_discover ? tuning->pmtu_discover - 1 : IP_PMTUDISC_WANT;
    bool v4 = family->version == 4;
    size_t whole =
        family->header_len + (out->options ? out->options->len : 0u) + UDP_HEADER + out->len;
    uint32_t mtu =
        mode < IP_PMTUDISC_PROBE ? stack_path_mtu(stack, out->remote.addr) : stack->config.mtu;
    bool may_exceed = v4 && (mode < IP_PMTUDISC_DO || mode == IP_PMTUDISC_OMIT);

    if (UDP_HEADER + out->len > UDP_LENGTH_MAX || (v4 && whole > IPV4_TOTAL_MAX) ||
        (whole > mtu && !may_exceed))
        return -EMSGSIZE;
    out->may_fragment = v4 && mode != IP_PMTUDISC_DO && mode != IP_PMTUDISC_PROBE &&
                        (mode != IP_PMTUDISC_WANT || whole > mtu);
    return 0;
}

/* What was set on the socket, or for this datagram alone. */
static void choose_fields(const struct stack *stack, const struct sock *sock,
                          const struct udp_wishes *wishes, struct datagram_out *out)
{
    const struct tcp_tuning *tuning = tuning_or_default(sock->tuning);
    uint8_t ttl = tuning->ttl ? tuning->ttl : (uint8_t)stack->config.values.ip_ttl;

    if (ip_is_multicast(out->remote.addr))
        ttl = sock->udp->group_ttl;
    out->ttl = wishes->ttl >= 0 ? (uint8_t)wishes->ttl : ttl;
    out->tos = wishes->tos >= 0 ? (uint8_t)wishes->tos : tuning->tos;
}

/* What has become of the socket since. */
static int look_back(struct udp_port *port)
{
    int error = udp_take_error(port);

    if (error)
        return -error;
    return port->shut_write ? -EPIPE : 0;
}

static ssize_t send_now(struct stack *stack, int s, const struct sock_msg *msg, size_t len)
{
    struct sock *sock = sock_find_talker(stack, s);
    struct datagram_out out = {.iov = msg->iov, .iovcnt = msg->iovcnt, .len = len};
    struct udp_wishes wishes;

    if (!sock)
        return -EBADF;
    struct udp_port *port = sock->udp;
    int err = sock_udp_name(stack, port);
    struct ip_addr named = sock_udp_source(stack, port);
    if (!err && ip_is_unspecified(named) && !sock_udp_has_name(stack, port))
        err = -EADDRNOTAVAIL; /* its address has gone since */
    if (!err)
        err = choose_remote(port, msg, &out.remote);
    if (!err)
        err = sock_take_udp_controls(msg, sock->v6, &wishes);
    if (err)
        return err;
    if (!ip_is_unspecified(wishes.src) && !ip_is_ours(&stack->ip, wishes.src))
        return -EINVAL;
    if (ip_is_unspecified(wishes.src))
        wishes.src = named;
    err = sock_udp_route(stack, sock, wishes.src, out.remote.addr, &out.local.addr);
    out.local.port = port->local.port;
    out.options = sock_ip_options(sock, out.remote.addr);
    if (wishes.has_options && ip_is_v4(out.remote.addr))
        out.options = &wishes.options;
    if (!err)
        err = choose_size(stack, sock, &out);
    if (!err)
        err = look_back(port);
    if (err)
        return err;
    if (!is_readable(msg))
        return -EFAULT;
    choose_fields(stack, sock, &wishes, &out);
    if (out.ttl == 0) /* a group, and no further than this host */
        return (ssize_t)len;
    err = stack_send_datagram(stack, &out);
    if (err == -EAGAIN)
        udp_want_room(&stack->udp, port);
    return err ? err : (ssize_t)len;
}

ssize_t sock_udp_send(struct stack *stack, int s, const struct sock_msg *msg, int flags,
                      struct waiter *waiter)
{
    struct patience patience = sock_patience(stack, s, flags, true, waiter);
    ssize_t len = len_of(msg);

    if (len < 0)
        return len;
    if (flags & ~SEND_FLAGS)
        return -EOPNOTSUPP;
    for (;;) {
        ssize_t n = send_now(stack, s, msg, (size_t)len);
        if (n != -EAGAIN)
            return n;
        int err = sock_wait(stack, s, POLLOUT, &patience);
        if (err)
            return err;
    }
}

/* --- receiving ---------------------------------------------------------------------------- */

/* As much as there is room for; -EFAULT. */
static ssize_t scatter(struct bytes data, const struct sock_msg *msg)
{
    size_t done = 0;

    for (int i = 0; i < msg->iovcnt && done < data.len; i++) {
        size_t n = size_min(msg->iov[i].iov_len, data.len - done);
        if (n > 0 && !msg->iov[i].iov_base)
            return -EFAULT;
        if (n > 0)
            memcpy(msg->iov[i].iov_base, data.at + done, n);
        done += n;
    }
    return (ssize_t)done;
}

static void tell_about(const struct stack *stack, const struct udp_port *port, struct frame *frame,
                       struct sock_msg *msg)
{
    const struct udp_from *from = udp_from_of(frame);
    struct sock_controls controls = sock_controls_of(msg);

    if (msg->name)
        *msg->name = (struct endpoint){from->src, from->src_port};
    if (port->wants)
        sock_put_udp_controls(stack, port, frame, &controls);
}

static ssize_t recv_now(struct stack *stack, int s, struct sock_msg *msg, int flags)
{
    struct sock *sock = sock_find_talker(stack, s);

    if (!sock)
        return -EBADF;
    struct udp_port *port = sock->udp;
    int error = udp_take_error(port);
    if (error)
        return -error;
    struct frame *frame = port->queue.head;
    if (!frame)
        return -EAGAIN;
    size_t whole = frame->len;
    ssize_t n = scatter(frame_bytes(frame), msg);
    msg->flags = 0;
    if (n >= 0) {
        tell_about(stack, port, frame, msg);
        if ((size_t)n < whole)
            msg->flags |= MSG_TRUNC;
    }
    if (!(flags & MSG_PEEK))
        frame_put(udp_take(port)); /* also one that could not be copied, as on Linux */
    return n >= 0 && flags & MSG_TRUNC ? (ssize_t)whole : n;
}

/* Has it been shut, so that who waits would wait for ever? */
static bool is_at_end(struct stack *stack, int s)
{
    const struct sock *sock = sock_find_talker(stack, s);

    return sock && sock->udp->shut_read;
}

ssize_t sock_udp_recv(struct stack *stack, int s, struct sock_msg *msg, int flags,
                      struct waiter *waiter)
{
    struct patience patience = sock_patience(stack, s, flags, false, waiter);

    if (flags & ~RECV_FLAGS)
        return -EOPNOTSUPP;
    for (;;) {
        ssize_t n = recv_now(stack, s, msg, flags);
        if (n != -EAGAIN)
            return n;
        if (patience.waiter && is_at_end(stack, s)) {
            msg->control_len = 0;
            msg->flags = 0;
            return 0;
        }
        int err = sock_wait(stack, s, POLLIN, &patience);
        if (err)
            return err;
    }
}
