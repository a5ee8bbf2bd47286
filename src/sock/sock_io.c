/*
 * sock_io.c - text in and out: send, recv and their kin.
 *
 * All of them are one of two calls over a list of buffers; of UDP, whose datagrams are whole, the
 * two in sock_udp_io.c. What is checked, and in which order, is
 * Linux's: the number, the flags, the state of the connection, and only when there is something to
 * copy, the buffer; so a bad buffer is -EFAULT after -ENOTCONN, -EPIPE and -EAGAIN.
 */
#include <errno.h>
#include <limits.h>
#include <linux/tcp.h>
#include <netinet/in.h>

#include "sock/sock_table.h"

enum {
    IOV_MOST = 1024, /* UIO_MAXIOV */
    SEND_FLAGS = MSG_MORE | MSG_DONTWAIT | MSG_NOSIGNAL | MSG_EOR | MSG_CONFIRM | MSG_DONTROUTE,
    RECV_FLAGS =
        MSG_PEEK | MSG_DONTWAIT | MSG_WAITALL | MSG_TRUNC | MSG_NOSIGNAL | MSG_CMSG_CLOEXEC,
};

/* Octets in all; -EINVAL when they are too many to be counted. */
static ssize_t iov_len(const struct iovec *iov, int iovcnt)
{
    size_t sum = 0;

    for (int i = 0; i < iovcnt; i++) {
        if (iov[i].iov_len > SSIZE_MAX - sum)
            return -EINVAL;
        sum += iov[i].iov_len;
    }
    return (ssize_t)sum;
}

static int check_iov(const struct iovec *iov, int iovcnt)
{
    if (iovcnt < 0 || iovcnt > IOV_MOST)
        return -EINVAL;
    return iovcnt > 0 && !iov ? -EFAULT : 0;
}

/* Why a call cannot be made at all, before the state of the connection is asked; 0: it can. `len`
 * is what iov_len() said. */
static ssize_t check_io(struct stack *stack, int s, ssize_t len, int flags, int known)
{
    if (!sock_find_talker(stack, s))
        return -EBADF;
    if (len < 0)
        return len;
    if (flags & MSG_OOB)
        return -EINVAL;
    return flags & ~known ? -EOPNOTSUPP : 0;
}

static bool is_udp(struct stack *stack, int s)
{
    const struct sock *sock = sock_find_talker(stack, s);

    return sock && sock->kind == SOCK_UDP;
}

/* What has gone through is told first; the error is left for the next call. */
static bool has_failed(struct stack *stack, int s)
{
    int events = sock_poll(stack, s);

    return events < 0 || events & POLLERR;
}

/* --- sending ------------------------------------------------------------------------------ */

static ssize_t send_piece(struct stack *stack, struct sock *sock, struct bytes text, bool more)
{
    switch ((enum sock_kind)sock->kind) {
    case SOCK_CONNECTION:
        return tcp_send(&stack->tcp, sock->conn, NULL, text, more, stack->now);
    case SOCK_PING:
        if (!text.at && text.len > 0)
            return -EFAULT;
        return ping_port_send(stack, sock->ping, sock_ip_options(sock, sock->ping->remote), text);
    case SOCK_FRESH:
    case SOCK_LISTENING:
    case SOCK_UDP: /* has calls of its own */
    case SOCK_EPOLL:
        break;
    }
    return -EPIPE;
}

/* What can be taken now, from `skip` octets into the list: how much, or why not. */
static ssize_t send_now(struct stack *stack, int s, const struct iovec *iov, int iovcnt,
                        size_t skip, int flags)
{
    struct sock *sock = sock_find_talker(stack, s);
    size_t done = 0;
    bool asked = false;

    if (!sock)
        return -EBADF;
    for (int i = 0; i < iovcnt; i++) {
        struct bytes text = bytes_of(iov[i].iov_base, iov[i].iov_len);
        if (skip >= text.len) {
            skip -= text.len;
            continue;
        }
        if (text.at)
            text = bytes_skip(text, skip);
        else
            text.len -= skip;
        skip = 0;
        asked = true;
        ssize_t n = send_piece(stack, sock, text, flags & MSG_MORE || i + 1 < iovcnt);
        if (n < 0)
            return done > 0 ? (ssize_t)done : n;
        done += (size_t)n;
        if ((size_t)n < text.len)
            break;
    }
    return asked ? (ssize_t)done : send_piece(stack, sock, bytes_of("", 0), flags & MSG_MORE);
}

static ssize_t send_iov(struct stack *stack, int s, const struct iovec *iov, int iovcnt, int flags,
                        struct waiter *waiter)
{
    if (is_udp(stack, s)) {
        const struct sock_msg msg = {.iov = iov, .iovcnt = iovcnt};
        return sock_udp_send(stack, s, &msg, flags, waiter);
    }
    struct patience patience = sock_patience(stack, s, flags, true, waiter);
    ssize_t len = iov_len(iov, iovcnt);
    ssize_t refused = check_io(stack, s, len, flags, SEND_FLAGS);
    ssize_t done = 0;

    if (refused)
        return refused;
    for (;;) {
        ssize_t n = send_now(stack, s, iov, iovcnt, (size_t)done, flags);
        if (n >= 0) {
            done += n;
            if (!patience.waiter || done == len)
                return done;
            continue;
        }
        int err = n == -EAGAIN ? sock_wait(stack, s, POLLOUT, &patience) : (int)n;
        if (err || (done > 0 && has_failed(stack, s)))
            return done > 0 ? done : err;
    }
}

/* The socket, when it is a connection and nobody waits or asks for anything special: then the call
 * is one of TCP's and no more. NULL: it takes all of the checks. */
static struct sock *find_plain(struct stack *stack, int s, int special, const struct waiter *waiter)
{
    struct sock *sock = waiter || special ? NULL : sock_find_talker(stack, s);

    return sock && sock->kind == SOCK_CONNECTION ? sock : NULL;
}

ssize_t sock_send(struct stack *stack, int s, const void *octets, size_t len, int flags,
                  struct waiter *waiter)
{
    struct sock *plain = find_plain(stack, s, flags & ~MSG_MORE, waiter);

    if (plain && len > 0 && len <= SSIZE_MAX)
        return tcp_send(&stack->tcp, plain->conn, NULL, bytes_of(octets, len), flags & MSG_MORE,
                        stack->now);
    /* an iovec cannot say that it is only read from */
    struct iovec iov = {.iov_base = (void *)(uintptr_t)octets, .iov_len = len};

    return send_iov(stack, s, &iov, 1, flags, waiter);
}

ssize_t sock_send_frame(struct stack *stack, int s, struct frame *frame, const void *octets,
                        size_t len)
{
    const uint8_t *at = octets;
    struct sock *sock = sock_find_talker(stack, s);

    if (!sock)
        return -EBADF;
    if (sock->kind != SOCK_CONNECTION)
        return sock_send(stack, s, octets, len, MSG_DONTWAIT, NULL);
    assert(frame->buffer <= at && at + len <= frame->buffer + frame->room);
    return tcp_send(&stack->tcp, sock->conn, frame, bytes_of(at, len), false, stack->now);
}

ssize_t sock_sendto(struct stack *stack, int s, const void *octets, size_t len, int flags,
                    const struct endpoint *remote, struct waiter *waiter)
{
    struct sock *sock = sock_find_talker(stack, s);

    if (sock && sock->kind == SOCK_UDP && remote) {
        struct endpoint name = *remote;
        struct iovec iov = {.iov_base = (void *)(uintptr_t)octets, .iov_len = len};
        const struct sock_msg msg = {.name = &name, .iov = &iov, .iovcnt = 1};
        return sock_udp_send(stack, s, &msg, flags, waiter);
    }
    if (sock && sock->kind == SOCK_PING && remote) {
        int err = sock_connect(stack, s, *remote, NULL);
        if (err)
            return err;
    }
    return sock_send(stack, s, octets, len, flags, waiter);
}

ssize_t sock_write(struct stack *stack, int s, const void *octets, size_t len,
                   struct waiter *waiter)
{
    return sock_send(stack, s, octets, len, 0, waiter);
}

static bool is_empty(const struct iovec *iov, int iovcnt)
{
    for (int i = 0; i < iovcnt; i++)
        if (iov[i].iov_len)
            return false;
    return true;
}

ssize_t sock_writev(struct stack *stack, int s, const struct iovec *iov, int iovcnt,
                    struct waiter *waiter)
{
    if (!sock_find_talker(stack, s))
        return -EBADF;
    int err = check_iov(iov, iovcnt);
    if (err || is_empty(iov, iovcnt)) /* Linux asks the socket about an empty write() alone */
        return err;
    return send_iov(stack, s, iov, iovcnt, 0, waiter);
}

/* The checks that sendmsg() and recvmsg() share. */
static int check_msg(struct stack *stack, int s, const struct sock_msg *msg)
{
    if (!sock_find_talker(stack, s))
        return -EBADF;
    if (!msg)
        return -EFAULT;
    if (msg->iovcnt < 0 || msg->iovcnt > IOV_MOST)
        return -EMSGSIZE;
    return check_iov(msg->iov, msg->iovcnt);
}

ssize_t sock_sendmsg(struct stack *stack, int s, const struct sock_msg *msg, int flags,
                     struct waiter *waiter)
{
    int err = check_msg(stack, s, msg);

    if (err)
        return err;
    if (is_udp(stack, s))
        return sock_udp_send(stack, s, msg, flags, waiter);
    if (msg->control_len > 0)
        return msg->control ? -EINVAL : -EFAULT;
    return send_iov(stack, s, msg->iov, msg->iovcnt, flags, waiter);
}

/* --- receiving ---------------------------------------------------------------------------- */

static ssize_t recv_conn(struct stack *stack, struct tcp_conn *conn, const struct iovec *iov,
                         int iovcnt, size_t skip, int flags)
{
    enum tcp_state state = tcp_conn_state(conn);
    size_t done = 0;

    if (state == TCPS_SYN_SENT || state == TCPS_SYN_RECEIVED)
        return -EAGAIN;
    for (int i = 0; i < iovcnt || i == 0; i++) {
        struct iovec piece = iovcnt > 0 ? iov[i] : (struct iovec){.iov_base = NULL};
        if (i + 1 < iovcnt && skip >= piece.iov_len) {
            skip -= piece.iov_len;
            continue;
        }
        struct tcp_read read = {
            .out = flags & MSG_TRUNC || !piece.iov_base ? NULL : (char *)piece.iov_base + skip,
            .len = piece.iov_len - skip,
            .from = flags & MSG_PEEK ? (uint32_t)done : 0,
            .discard = flags & MSG_TRUNC,
            .peek = flags & MSG_PEEK,
        };
        skip = 0;
        ssize_t n = tcp_recv(&stack->tcp, conn, &read, stack->now);
        if (n < 0)
            return done > 0 ? (ssize_t)done : n;
        done += (size_t)n;
        /* not one call more than there is text: an error or the end is the next call's to tell */
        if ((size_t)n < read.len || tcp_unread(conn) <= (flags & MSG_PEEK ? done : 0))
            break;
    }
    return (ssize_t)done;
}

static ssize_t recv_ping(struct ping_port *ping, const struct iovec *iov, int iovcnt, int flags)
{
    char none;

    if (iovcnt < 1)
        return ping_port_recv(ping, &none, 0, flags & MSG_PEEK);
    if (!iov->iov_base && iov->iov_len > 0)
        return ping->replies.len > 0 ? -EFAULT : -EAGAIN;
    return ping_port_recv(ping, iov->iov_base, iov->iov_len, flags & MSG_PEEK);
}

static ssize_t recv_now(struct stack *stack, int s, const struct iovec *iov, int iovcnt,
                        size_t skip, int flags)
{
    struct sock *sock = sock_find_talker(stack, s);

    if (!sock)
        return -EBADF;
    switch ((enum sock_kind)sock->kind) {
    case SOCK_CONNECTION:
        return recv_conn(stack, sock->conn, iov, iovcnt, skip, flags);
    case SOCK_PING:
        return recv_ping(sock->ping, iov, iovcnt, flags);
    case SOCK_FRESH:
    case SOCK_LISTENING:
    case SOCK_UDP: /* has calls of its own */
    case SOCK_EPOLL:
        break;
    }
    return -ENOTCONN;
}

static ssize_t recv_iov(struct stack *stack, int s, const struct iovec *iov, int iovcnt, int flags,
                        struct waiter *waiter)
{
    if (is_udp(stack, s)) {
        struct sock_msg msg = {.iov = iov, .iovcnt = iovcnt};
        return sock_udp_recv(stack, s, &msg, flags, waiter);
    }
    struct patience patience = sock_patience(stack, s, flags, false, waiter);
    ssize_t len = iov_len(iov, iovcnt);
    ssize_t refused = check_io(stack, s, len, flags, RECV_FLAGS);
    bool all = flags & MSG_WAITALL && !(flags & MSG_PEEK); /* a peek waits for the first octet */
    ssize_t done = 0;

    if (refused)
        return refused;
    for (;;) {
        ssize_t n = recv_now(stack, s, iov, iovcnt, (size_t)done, flags);
        if (n > 0)
            done += n;
        if (n >= 0 && (n == 0 || !all || done == len || !patience.waiter))
            return done;
        if (n < 0 && n != -EAGAIN)
            return done > 0 ? done : n;
        int err = n > 0 ? 0 : sock_wait(stack, s, POLLIN, &patience);
        if (err || (done > 0 && has_failed(stack, s)))
            return done > 0 ? done : err;
    }
}

ssize_t sock_recv(struct stack *stack, int s, void *octets, size_t len, int flags,
                  struct waiter *waiter)
{
    struct iovec iov = {.iov_base = octets, .iov_len = len < SSIZE_MAX ? len : SSIZE_MAX};
    struct sock *plain = find_plain(stack, s, flags, waiter);

    return plain ? recv_conn(stack, plain->conn, &iov, 1, 0, 0)
                 : recv_iov(stack, s, &iov, 1, flags, waiter);
}

/* A ping names the host that it asks; a connection names nobody. */
static void name_sender(struct stack *stack, int s, struct endpoint *from)
{
    struct sock *sock = sock_find_talker(stack, s);

    if (!from)
        return;
    *from = (struct endpoint){.port = 0};
    if (sock && sock->kind == SOCK_PING)
        from->addr = sock->ping->remote;
}

ssize_t sock_recvfrom(struct stack *stack, int s, void *octets, size_t len, int flags,
                      struct endpoint *from, struct waiter *waiter)
{
    if (is_udp(stack, s)) {
        struct iovec iov = {.iov_base = octets, .iov_len = len < SSIZE_MAX ? len : SSIZE_MAX};
        struct sock_msg msg = {.name = from, .iov = &iov, .iovcnt = 1};
        return sock_udp_recv(stack, s, &msg, flags, waiter);
    }
    ssize_t n = sock_recv(stack, s, octets, len, flags, waiter);

    if (n >= 0)
        name_sender(stack, s, from);
    return n;
}

ssize_t sock_read(struct stack *stack, int s, void *octets, size_t len, struct waiter *waiter)
{
    if (len == 0)
        return sock_find_talker(stack, s) ? 0 : -EBADF;
    return sock_recv(stack, s, octets, len, 0, waiter);
}

ssize_t sock_readv(struct stack *stack, int s, const struct iovec *iov, int iovcnt,
                   struct waiter *waiter)
{
    if (!sock_find_talker(stack, s))
        return -EBADF;
    int err = check_iov(iov, iovcnt);
    if (err)
        return err;
    ssize_t len = iov_len(iov, iovcnt);
    return len <= 0 ? len : recv_iov(stack, s, iov, iovcnt, 0, waiter);
}

/* TCP_CM_INQ: how much is left to read, and one more when the end has come. */
static int inq_of(const struct tcp_conn *conn)
{
    return (int)tcp_unread(conn) + tcp_peer_has_closed(conn);
}

ssize_t sock_recvmsg(struct stack *stack, int s, struct sock_msg *msg, int flags,
                     struct waiter *waiter)
{
    int err = check_msg(stack, s, msg);

    if (err)
        return err;
    if (is_udp(stack, s))
        return sock_udp_recv(stack, s, msg, flags, waiter);
    ssize_t n = recv_iov(stack, s, msg->iov, msg->iovcnt, flags, waiter);
    if (n < 0)
        return n;
    name_sender(stack, s, msg->name);
    msg->flags = 0;
    struct sock_controls controls = sock_controls_of(msg);
    const struct sock *sock = sock_find_talker(stack, s);
    if (sock && sock->kind == SOCK_CONNECTION && sock->inq) {
        int inq = inq_of(sock->conn);
        sock_put_control(&controls, IPPROTO_TCP, TCP_CM_INQ, &inq, sizeof inq);
    }
    return n;
}
