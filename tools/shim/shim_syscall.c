/*
 * shim_syscall.c - syscall(), where it names what the shim takes the place of.
 *
 * Some libraries call the kernel by number for what the C library has a name for: libuv closes
 * everything so, and asks for many datagrams at once. What a socket of ours can be in is done by
 * its name, all else goes on to the kernel. A program that has the instruction in itself (Go) is
 * out of reach, and refused before it starts (exec_check.c).
 */
#include "shim.h"

#include <sys/syscall.h>

/* Of those, the ones whose first argument is a descriptor, and what they are called here. */
static bool is_named(long number, const long v[6], long *result)
{
    int fd = (int)v[0];

    switch (number) {
    case SYS_close:
        *result = shim_close(fd);
        return true;
    case SYS_read:
        *result = shim_read(fd, (void *)v[1], (size_t)v[2]);
        return true;
    case SYS_write:
        *result = shim_write(fd, (const void *)v[1], (size_t)v[2]);
        return true;
    case SYS_accept4:
        *result = shim_accept4(fd, (struct sockaddr *)v[1], (socklen_t *)v[2], (int)v[3]);
        return true;
    case SYS_sendmmsg:
        *result = shim_sendmmsg(fd, (struct mmsghdr *)v[1], (unsigned)v[2], (int)v[3]);
        return true;
    case SYS_recvmmsg:
        *result = shim_recvmmsg(fd, (struct mmsghdr *)v[1], (unsigned)v[2], (int)v[3],
                                (struct timespec *)v[4]);
        return true;
    case SYS_epoll_ctl:
        *result = shim_epoll_ctl(fd, (int)v[1], (int)v[2], (struct epoll_event *)v[3]);
        return true;
    case SYS_epoll_pwait:
        *result = shim_epoll_pwait(fd, (struct epoll_event *)v[1], (int)v[2], (int)v[3],
                                   (const sigset_t *)v[4]);
        return true;
    default:
        return false;
    }
}

SHIM(long, syscall, (long number, long a, long b, long c, long d, long e, long f))
{
    const long v[6] = {a, b, c, d, e, f};
    long result;

    if ((shim_kind((int)a) != SHIM_KERNEL ||
         (number == SYS_epoll_ctl && shim_kind((int)c) == SHIM_SOCKET)) &&
        is_named(number, v, &result))
        return result;
    return real()->syscall(number, a, b, c, d, e, f);
}
