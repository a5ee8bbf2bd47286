/*
 * calls.c - the two sets of calls under test.
 *
 * The kernel's go by syscall(): no library in between looks at the arguments first (a sanitizer
 * would stop at the null pointers that are the point of a case), and no prototype says "nonnull".
 */
#include <stdarg.h>
#include <sys/syscall.h>

#include "behaviour.h"

static int k_bind(int s, const struct sockaddr *addr, socklen_t len)
{
    return (int)syscall(SYS_bind, s, addr, len);
}

static int k_listen(int s, int backlog)
{
    return (int)syscall(SYS_listen, s, backlog);
}

static int k_accept4(int s, struct sockaddr *addr, socklen_t *len, int flags)
{
    return (int)syscall(SYS_accept4, s, addr, len, flags);
}

static int k_accept(int s, struct sockaddr *addr, socklen_t *len)
{
    return k_accept4(s, addr, len, 0);
}

static int k_connect(int s, const struct sockaddr *addr, socklen_t len)
{
    return (int)syscall(SYS_connect, s, addr, len);
}

static int k_shutdown(int s, int how)
{
    return (int)syscall(SYS_shutdown, s, how);
}

static int k_close(int s)
{
    return (int)syscall(SYS_close, s);
}

static int k_getsockname(int s, struct sockaddr *addr, socklen_t *len)
{
    return (int)syscall(SYS_getsockname, s, addr, len);
}

static int k_getpeername(int s, struct sockaddr *addr, socklen_t *len)
{
    return (int)syscall(SYS_getpeername, s, addr, len);
}

static int k_getsockopt(int s, int level, int option, void *value, socklen_t *len)
{
    return (int)syscall(SYS_getsockopt, s, level, option, value, len);
}

static int k_setsockopt(int s, int level, int option, const void *value, socklen_t len)
{
    return (int)syscall(SYS_setsockopt, s, level, option, value, len);
}

static int k_fcntl(int s, int command, ...)
{
    va_list list;
    va_start(list, command);
    int argument = va_arg(list, int);
    va_end(list);
    return (int)syscall(SYS_fcntl, s, command, argument);
}

static int k_ioctl(int s, unsigned long request, ...)
{
    va_list list;
    va_start(list, request);
    void *argument = va_arg(list, void *);
    va_end(list);
    return (int)syscall(SYS_ioctl, s, request, argument);
}

static ssize_t k_read(int s, void *octets, size_t len)
{
    return syscall(SYS_read, s, octets, len);
}

static ssize_t k_write(int s, const void *octets, size_t len)
{
    return syscall(SYS_write, s, octets, len);
}

static ssize_t k_readv(int s, const struct iovec *iov, int iovcnt)
{
    return syscall(SYS_readv, s, iov, iovcnt);
}

static ssize_t k_writev(int s, const struct iovec *iov, int iovcnt)
{
    return syscall(SYS_writev, s, iov, iovcnt);
}

static ssize_t k_sendto(int s, const void *octets, size_t len, int flags, const struct sockaddr *to,
                        socklen_t to_len)
{
    return syscall(SYS_sendto, s, octets, len, flags, to, to_len);
}

static ssize_t k_recvfrom(int s, void *octets, size_t len, int flags, struct sockaddr *from,
                          socklen_t *from_len)
{
    return syscall(SYS_recvfrom, s, octets, len, flags, from, from_len);
}

static ssize_t k_send(int s, const void *octets, size_t len, int flags)
{
    return k_sendto(s, octets, len, flags, NULL, 0);
}

static ssize_t k_recv(int s, void *octets, size_t len, int flags)
{
    return k_recvfrom(s, octets, len, flags, NULL, NULL);
}

static ssize_t k_sendmsg(int s, const struct msghdr *msg, int flags)
{
    return syscall(SYS_sendmsg, s, msg, flags);
}

static ssize_t k_recvmsg(int s, struct msghdr *msg, int flags)
{
    return syscall(SYS_recvmsg, s, msg, flags);
}

const struct calls kernel_calls = {
    .socket = kernel_socket_there,
    .bind = k_bind,
    .listen = k_listen,
    .accept = k_accept,
    .accept4 = k_accept4,
    .connect = k_connect,
    .shutdown = k_shutdown,
    .close = k_close,
    .getsockname = k_getsockname,
    .getpeername = k_getpeername,
    .getsockopt = k_getsockopt,
    .setsockopt = k_setsockopt,
    .fcntl = k_fcntl,
    .ioctl = k_ioctl,
    .read = k_read,
    .write = k_write,
    .readv = k_readv,
    .writev = k_writev,
    .send = k_send,
    .recv = k_recv,
    .sendto = k_sendto,
    .recvfrom = k_recvfrom,
    .sendmsg = k_sendmsg,
    .recvmsg = k_recvmsg,
    .poll = poll,
    .select = select,
    .epoll_create1 = epoll_create1,
    .epoll_ctl = epoll_ctl,
    .epoll_wait = epoll_wait,
};

const struct calls our_calls = {
    .socket = tapio_socket,
    .bind = tapio_bind,
    .listen = tapio_listen,
    .accept = tapio_accept,
    .accept4 = tapio_accept4,
    .connect = tapio_connect,
    .shutdown = tapio_shutdown,
    .close = tapio_close,
    .getsockname = tapio_getsockname,
    .getpeername = tapio_getpeername,
    .getsockopt = tapio_getsockopt,
    .setsockopt = tapio_setsockopt,
    .fcntl = tapio_fcntl,
    .ioctl = tapio_ioctl,
    .read = tapio_read,
    .write = tapio_write,
    .readv = tapio_readv,
    .writev = tapio_writev,
    .send = tapio_send,
    .recv = tapio_recv,
    .sendto = tapio_sendto,
    .recvfrom = tapio_recvfrom,
    .sendmsg = tapio_sendmsg,
    .recvmsg = tapio_recvmsg,
    .poll = tapio_poll,
    .select = tapio_select,
    .epoll_create1 = tapio_epoll_create1,
    .epoll_ctl = tapio_epoll_ctl,
    .epoll_wait = tapio_epoll_wait,
};
