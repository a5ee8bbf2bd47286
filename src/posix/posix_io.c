/*
 * posix_io.c - octets in and out: read, write, send, recv and their kin.
 *
 * A blocking call copies under the lock and gives it back while it waits, so a large transfer does
 * not keep others out.
 *
 * EPIPE on a stream raises SIGPIPE in the calling thread, as POSIX has it for send() and write(),
 * once the lock is given back: a handler may use the calls of face two.
 */
#include <errno.h>
#include <signal.h>

#include "base/addr.h"
#include "posix/posix.h"

static bool is_stream(const struct posix_call *call)
{
    int type = 0;
    socklen_t len = sizeof type;

    return sock_getsockopt(call->stack, call->s, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
           type == SOCK_STREAM;
}

static ssize_t leave_sending(struct posix_call *call, ssize_t result, int flags)
{
    bool pipe_broke = result == -EPIPE && !(flags & MSG_NOSIGNAL) && is_stream(call);

    result = posix_leave(call, result);
    if (pipe_broke) {
        pthread_kill(pthread_self(), SIGPIPE);
        errno = EPIPE; /* whatever a handler did */
    }
    return result;
}

/* --- out ---------------------------------------------------------------------------------- */

ssize_t tapio_write(int s, const void *octets, size_t len)
{
    struct posix_call call;

    if (!posix_enter(&call, s, POSIX_FILE))
        return -1;
    return leave_sending(&call, sock_write(call.stack, call.s, octets, len, &call.waiter), 0);
}

ssize_t tapio_writev(int s, const struct iovec *iov, int iovcnt)
{
    struct posix_call call;

    if (!posix_enter(&call, s, POSIX_FILE))
        return -1;
    return leave_sending(&call, sock_writev(call.stack, call.s, iov, iovcnt, &call.waiter), 0);
}

ssize_t tapio_send(int s, const void *octets, size_t len, int flags)
{
    struct posix_call call;

    if (!posix_enter(&call, s, POSIX_SOCKET))
        return -1;
    return leave_sending(&call, sock_send(call.stack, call.s, octets, len, flags, &call.waiter),
                         flags);
}

/* To whom: nobody is named by a NULL or an empty address, nor to a stream, which has its peer. */
static int read_to(const struct posix_call *call, const struct sockaddr *to, socklen_t len,
                   struct endpoint *out, struct endpoint **named)
{
    *named = NULL;
    if (!to || len == 0)
        return 0;
    if (is_stream(call))
        return len > sizeof(struct sockaddr_storage) ? -EINVAL : 0;
    *named = out;
    return posix_addr_in(to, len, posix_domain(call->stack, call->s), false, out);
}

ssize_t tapio_sendto(int s, const void *octets, size_t len, int flags, const struct sockaddr *to,
                     socklen_t to_len)
{
    struct posix_call call;
    struct endpoint remote, *named;

    if (!posix_enter(&call, s, POSIX_SOCKET))
        return -1;
    ssize_t n = read_to(&call, to, to_len, &remote, &named);
    if (n == 0)
        n = sock_sendto(call.stack, call.s, octets, len, flags, named, &call.waiter);
    return leave_sending(&call, n, flags);
}

/* What face one asks of a struct msghdr, but for the name. */
static int read_msg(const struct msghdr *msg, struct sock_msg *out)
{
    if (!msg)
        return -EFAULT;
    if (msg->msg_namelen > INT32_MAX)
        return -EINVAL;
    if (msg->msg_iovlen > INT16_MAX)
        return -EMSGSIZE;
    *out = (struct sock_msg){
        .iov = msg->msg_iov,
        .iovcnt = (int)msg->msg_iovlen,
        .control = msg->msg_control,
        .control_len = msg->msg_controllen,
    };
    return 0;
}

ssize_t tapio_sendmsg(int s, const struct msghdr *msg, int flags)
{
    struct posix_call call;
    struct endpoint remote;
    struct sock_msg inner;

    if (!posix_enter(&call, s, POSIX_SOCKET))
        return -1;
    ssize_t n = read_msg(msg, &inner);
    if (n == 0)
        n = read_to(&call, msg->msg_name, msg->msg_namelen, &remote, &inner.name);
    if (n == 0)
        n = sock_sendmsg(call.stack, call.s, &inner, flags, &call.waiter);
    return leave_sending(&call, n, flags);
}

/* --- in ----------------------------------------------------------------------------------- */

ssize_t tapio_read(int s, void *octets, size_t len)
{
    struct posix_call call;

    if (!posix_enter(&call, s, POSIX_FILE))
        return -1;
    return posix_leave(&call, sock_read(call.stack, call.s, octets, len, &call.waiter));
}

ssize_t tapio_readv(int s, const struct iovec *iov, int iovcnt)
{
    struct posix_call call;

    if (!posix_enter(&call, s, POSIX_FILE))
        return -1;
    return posix_leave(&call, sock_readv(call.stack, call.s, iov, iovcnt, &call.waiter));
}

ssize_t tapio_recv(int s, void *octets, size_t len, int flags)
{
    struct posix_call call;

    if (!posix_enter(&call, s, POSIX_SOCKET))
        return -1;
    return posix_leave(&call, sock_recv(call.stack, call.s, octets, len, flags, &call.waiter));
}

/* From whom: a stream names nobody, and then the length is 0. */
static int write_from(const struct posix_call *call, struct endpoint from, void *addr,
                      socklen_t *len)
{
    if (from.port == 0 && ip_is_unspecified(from.addr)) {
        *len = 0;
        return 0;
    }
    return posix_addr_out(from, posix_domain(call->stack, call->s), addr, len);
}

ssize_t tapio_recvfrom(int s, void *octets, size_t len, int flags, struct sockaddr *from,
                       socklen_t *from_len)
{
    struct posix_call call;
    struct endpoint remote;

    if (!posix_enter(&call, s, POSIX_SOCKET))
        return -1;
    if (from && !from_len)
        return posix_leave(&call, -EFAULT);
    if (from && *from_len > INT32_MAX)
        return posix_leave(&call, -EINVAL);
    ssize_t n =
        sock_recvfrom(call.stack, call.s, octets, len, flags, from ? &remote : NULL, &call.waiter);
    if (n >= 0 && from) {
        int err = write_from(&call, remote, from, from_len);
        assert(!err); /* looked at above */
        (void)err;
    }
    return posix_leave(&call, n);
}

ssize_t tapio_recvmsg(int s, struct msghdr *msg, int flags)
{
    struct posix_call call;
    struct endpoint remote;
    struct sock_msg inner;

    if (!posix_enter(&call, s, POSIX_SOCKET))
        return -1;
    ssize_t n = read_msg(msg, &inner);
    if (n < 0)
        return posix_leave(&call, n);
    inner.name = msg->msg_name ? &remote : NULL;
    n = sock_recvmsg(call.stack, call.s, &inner, flags, &call.waiter);
    if (n >= 0) {
        int err = msg->msg_name ? write_from(&call, remote, msg->msg_name, &msg->msg_namelen) : 0;
        assert(!err); /* a name has room for a length of 0 at least */
        (void)err;
        msg->msg_controllen = inner.control_len;
        msg->msg_flags = inner.flags;
    }
    return posix_leave(&call, n);
}
