/*
 * posix_call.c - the calls that make, name, join, change and end sockets.
 *
 * Each is face one's between posix_enter() and posix_leave(): what is added are numbers, addresses
 * as struct sockaddr, and telling those who wait that a socket is no longer what it was. A new
 * number is reserved before the lock is taken and before anything is made or accepted, so that
 * EMFILE loses no connection.
 */
#include <errno.h>
#include <stdarg.h>

#include "posix/posix.h"

/* The number becomes the descriptor of `s`, or both go. */
static int install(struct posix_call *call, int fd, int s, bool is_set, bool cloexec)
{
    int result = s;

    if (s >= 0) {
        result = posix_install(fd, s, is_set, cloexec) ? fd : -ENOMEM;
        if (result < 0)
            sock_close(call->stack, s);
    }
    result = posix_end(call, result);
    if (result < 0) {
        int error = errno;
        posix_unreserve(fd);
        errno = error;
    }
    return result;
}

int tapio_socket(int domain, int type, int protocol)
{
    struct posix_call call;

    if (!posix_begin(&call))
        return -1;
    posix_give(); /* there is a stack: its numbers can be asked for */
    int fd = posix_reserve();
    if (fd < 0)
        return -1;
    if (!posix_begin(&call)) {
        posix_unreserve(fd);
        return posix_fail(ENETDOWN);
    }
    return install(&call, fd, sock_socket(call.stack, domain, type, protocol), false,
                   type & SOCK_CLOEXEC);
}

int tapio_epoll_create1(int flags)
{
    struct posix_call call;

    if (!posix_begin(&call))
        return -1;
    posix_give();
    int fd = posix_reserve();
    if (fd < 0)
        return -1;
    if (!posix_begin(&call)) {
        posix_unreserve(fd);
        return posix_fail(ENETDOWN);
    }
    return install(&call, fd, sock_epoll_create(call.stack, flags), true, flags & EPOLL_CLOEXEC);
}

int tapio_bind(int s, const struct sockaddr *addr, socklen_t len)
{
    struct posix_call call;
    struct endpoint local;

    if (!posix_enter(&call, s, POSIX_SOCKET))
        return -1;
    int err = posix_addr_in(addr, len, posix_domain(call.stack, call.s), true, &local);
    return posix_end(&call, err ? err : sock_bind(call.stack, call.s, local));
}

int tapio_listen(int s, int backlog)
{
    struct posix_call call;

    if (!posix_enter(&call, s, POSIX_SOCKET))
        return -1;
    return posix_end(&call, sock_listen(call.stack, call.s, backlog));
}

int tapio_accept(int s, struct sockaddr *addr, socklen_t *len)
{
    return tapio_accept4(s, addr, len, 0);
}

int tapio_accept4(int s, struct sockaddr *addr, socklen_t *len, int flags)
{
    struct posix_call call;
    struct endpoint remote;

    if (!posix_enter(&call, s, POSIX_SOCKET))
        return -1;
    if (addr && !len)
        return posix_end(&call, -EFAULT);
    if (addr && *len > INT32_MAX)
        return posix_end(&call, -EINVAL);
    posix_give();
    int fd = posix_reserve();
    if (fd < 0)
        return -1;
    if (!posix_enter(&call, s, POSIX_SOCKET)) {
        int error = errno;
        posix_unreserve(fd);
        return posix_fail(error);
    }
    int domain = posix_domain(call.stack, call.s);
    int accepted = sock_accept4(call.stack, call.s, &remote, flags, &call.waiter);
    if (accepted >= 0 && addr) {
        int err = posix_addr_out(remote, domain, addr, len);
        assert(!err); /* looked at above */
        (void)err;
    }
    return install(&call, fd, accepted, false, flags & SOCK_CLOEXEC);
}

int tapio_connect(int s, const struct sockaddr *addr, socklen_t len)
{
    struct posix_call call;
    struct endpoint remote;
    sa_family_t family = AF_UNSPEC;

    if (!posix_enter(&call, s, POSIX_SOCKET))
        return -1;
    if (len < sizeof family || len > sizeof(struct sockaddr_storage))
        return posix_end(&call, -EINVAL);
    if (!addr)
        return posix_end(&call, -EFAULT);
    if (addr->sa_family == AF_UNSPEC) {
        int err = sock_disconnect(call.stack, call.s);
        posix_tell_all(call.s);
        return posix_end(&call, err);
    }
    int err = posix_addr_in(addr, len, posix_domain(call.stack, call.s), false, &remote);
    return posix_end(&call, err ? err : sock_connect(call.stack, call.s, remote, &call.waiter));
}

int tapio_shutdown(int s, int how)
{
    struct posix_call call;

    if (!posix_enter(&call, s, POSIX_SOCKET))
        return -1;
    int err = sock_shutdown(call.stack, call.s, how);
    if (!err)
        posix_tell_all(call.s);
    return posix_end(&call, err);
}

int tapio_close(int s)
{
    struct posix_call call;

    if (!posix_enter(&call, s, POSIX_ANY))
        return -1;
    /* who waits for it will find it gone, but not before we give the lock back */
    if (!posix_forget(s))
        return posix_end(&call, 0);
    return posix_end(&call, sock_close_wait(call.stack, call.s, &call.waiter));
}

int tapio_getsockname(int s, struct sockaddr *addr, socklen_t *len)
{
    struct posix_call call;
    struct endpoint end;

    if (!posix_enter(&call, s, POSIX_SOCKET))
        return -1;
    int err = sock_getsockname(call.stack, call.s, &end);
    if (!err)
        err = posix_addr_out(end, posix_domain(call.stack, call.s), addr, len);
    return posix_end(&call, err);
}

int tapio_getpeername(int s, struct sockaddr *addr, socklen_t *len)
{
    struct posix_call call;
    struct endpoint end;

    if (!posix_enter(&call, s, POSIX_SOCKET))
        return -1;
    int err = sock_getpeername(call.stack, call.s, &end);
    if (!err)
        err = posix_addr_out(end, posix_domain(call.stack, call.s), addr, len);
    return posix_end(&call, err);
}

/* --- what is set -------------------------------------------------------------------------- */

int tapio_getsockopt(int s, int level, int option, void *value, socklen_t *len)
{
    struct posix_call call;

    if (!posix_enter(&call, s, POSIX_SOCKET))
        return -1;
    return posix_end(&call, sock_getsockopt(call.stack, call.s, level, option, value, len));
}

int tapio_setsockopt(int s, int level, int option, const void *value, socklen_t len)
{
    struct posix_call call;

    if (!posix_enter(&call, s, POSIX_SOCKET))
        return -1;
    return posix_end(&call, sock_setsockopt(call.stack, call.s, level, option, value, len));
}

/* FD_CLOEXEC is the program's to see; the kernel's number is always closed by exec(), because
 * nothing would stand behind it afterwards. */
int tapio_fcntl(int s, int command, ...)
{
    struct posix_call call;
    va_list arguments;
    int argument = 0;

    if (command == F_SETFL || command == F_SETFD || command == F_DUPFD ||
        command == F_DUPFD_CLOEXEC) {
        va_start(arguments, command);
        argument = va_arg(arguments, int);
        va_end(arguments);
    }
    if (command == F_DUPFD || command == F_DUPFD_CLOEXEC)
        return posix_duplicate(s, argument, command == F_DUPFD_CLOEXEC);
    if (!posix_enter(&call, s, POSIX_ANY))
        return -1;
    struct posix_descriptor *d = posix_find(s);
    if (command == F_GETFD)
        return posix_end(&call, d->cloexec ? FD_CLOEXEC : 0);
    if (command == F_SETFD)
        d->cloexec = argument & FD_CLOEXEC;
    return posix_end(&call, sock_fcntl(call.stack, call.s, command, argument));
}

int tapio_ioctl(int s, unsigned long request, ...)
{
    struct posix_call call;
    va_list arguments;

    va_start(arguments, request);
    int *argument = va_arg(arguments, int *);
    va_end(arguments);
    if (!posix_enter(&call, s, POSIX_ANY))
        return -1;
    struct posix_descriptor *d = posix_find(s);
    if (request == FIOCLEX || request == FIONCLEX) {
        d->cloexec = request == FIOCLEX;
        return posix_end(&call, 0);
    }
    if (d->is_set)
        return posix_end(&call, -ENOTTY);
    return posix_end(&call, sock_ioctl(call.stack, call.s, request, argument));
}
