/*
 * shim_socket.c - sockets: made, named, joined, ended.
 *
 * Which are ours. AF_INET and AF_INET6, streams and datagrams (a ping among them): always, from the
 * first one on. SOCK_RAW of these families is refused, as it would be the kernel's network. All
 * other families are the kernel's.
 *
 * Loopback is this machine, and no network: a stack has no way to itself, and whoever binds to
 * 127.0.0.1 means to be reached from here alone (redis-server at first), and whoever connects to it
 * means a program here. So bind() and connect() to a loopback address, and the first datagram
 * to one, turn the socket into one of the kernel's, under its number and with what was set
 * on it. That is a rule and no fallback: nothing else ever becomes the kernel's, and a socket that
 * is bound to any address of ours, or to all (0.0.0.0), never does. An address of our own is no
 * loopback: connecting to it is EINVAL.
 */
#include "shim.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "posix/posix.h"

int shim_adopt(int fd)
{
    if (fd < 0)
        return (int)shim_told(fd);
    if (fd >= SHIM_FDS) {
        tapio_close(fd);
        errno = EMFILE;
        return -1;
    }
    shim_set_kind(fd, SHIM_SOCKET);
    return fd;
}

SHIM(int, socket, (int domain, int type, int protocol))
{
    int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (domain != AF_INET && domain != AF_INET6)
        return real()->socket(domain, type, protocol);
    if (kind != SOCK_STREAM && kind != SOCK_DGRAM) {
        errno = kind == SOCK_RAW ? EPERM : ESOCKTNOSUPPORT;
        return -1;
    }
    if (shim_is_orphan() || !shim_start())
        return -1;
    return shim_adopt(tapio_socket(domain, type, protocol));
}

/* --- loopback ----------------------------------------------------------------------------- */

static bool is_loopback(const struct sockaddr *addr, socklen_t len)
{
    struct endpoint end;

    if (!addr || len < sizeof(struct sockaddr_in) ||
        (addr->sa_family != AF_INET && addr->sa_family != AF_INET6))
        return false;
    return posix_addr_in(addr, len, addr->sa_family, true, &end) == 0 && ip_is_loopback(end.addr);
}

/* Is it as socket() made it, but for what was set on it? */
static bool is_fresh(int fd)
{
    struct sockaddr_storage name = {0};
    socklen_t len = sizeof name;
    struct endpoint end;

    if (tapio_getsockname(fd, (struct sockaddr *)&name, &len))
        return false;
    return posix_addr_in((struct sockaddr *)&name, len, name.ss_family, true, &end) == 0 &&
           end.port == 0;
}

/* What programs set before they bind or connect, as far as it means something on loopback. */
static const struct setting {
    int level, option;
} settings[] = {
    {SOL_SOCKET, SO_REUSEADDR},      {SOL_SOCKET, SO_REUSEPORT},   {SOL_SOCKET, SO_KEEPALIVE},
    {SOL_SOCKET, SO_BROADCAST},      {SOL_SOCKET, SO_LINGER},      {SOL_SOCKET, SO_RCVTIMEO},
    {SOL_SOCKET, SO_SNDTIMEO},       {IPPROTO_TCP, TCP_NODELAY},   {IPPROTO_TCP, TCP_CORK},
    {IPPROTO_TCP, TCP_KEEPIDLE},     {IPPROTO_TCP, TCP_KEEPINTVL}, {IPPROTO_TCP, TCP_KEEPCNT},
    {IPPROTO_TCP, TCP_DEFER_ACCEPT}, {IPPROTO_IPV6, IPV6_V6ONLY},
};

static void copy_settings(int fd, int to)
{
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        struct timeval value[2]; /* the largest of them, aligned */
        socklen_t len = sizeof value;
        const struct setting *set = &settings[i];
        if (tapio_getsockopt(fd, set->level, set->option, value, &len) == 0)
            real()->setsockopt(to, set->level, set->option, value, len); /* or not: a help */
    }
}

/* The socket becomes the kernel's. False with errno. */
static bool to_kernel(int fd)
{
    int domain = AF_INET, type = SOCK_STREAM, protocol = 0;
    socklen_t len = sizeof domain;

    if (tapio_getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) ||
        tapio_getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) ||
        tapio_getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len))
        return false;
    int flags = tapio_fcntl(fd, F_GETFL), descriptor = tapio_fcntl(fd, F_GETFD);
    int own = real()->socket(domain, type | (flags & O_NONBLOCK ? SOCK_NONBLOCK : 0), protocol);
    if (own < 0)
        return false;
    copy_settings(fd, own);
    bool moved = posix_hand_over(fd, own, descriptor & FD_CLOEXEC ? O_CLOEXEC : 0) == 0;
    if (moved)
        shim_set_kind(fd, SHIM_KERNEL);
    real()->close(own);
    return moved;
}

bool shim_goes_to_kernel(int fd, const struct sockaddr *addr, socklen_t len)
{
    return is_loopback(addr, len) && is_fresh(fd) && to_kernel(fd);
}

/* --- the calls ----------------------------------------------------------------------------- */

SHIM(int, bind, (int fd, const struct sockaddr *addr, socklen_t len))
{
    if (!shim_is_socket(fd) || shim_goes_to_kernel(fd, addr, len))
        return real()->bind(fd, addr, len);
    return (int)shim_told(tapio_bind(fd, addr, len));
}

SHIM(int, connect, (int fd, const struct sockaddr *addr, socklen_t len))
{
    if (!shim_is_socket(fd) || shim_goes_to_kernel(fd, addr, len))
        return real()->connect(fd, addr, len);
    return (int)shim_told(tapio_connect(fd, addr, len));
}

SHIM(ssize_t, sendto,
     (int fd, const void *octets, size_t len, int flags, const struct sockaddr *to,
      socklen_t to_len))
{
    if (!shim_is_socket(fd) || shim_goes_to_kernel(fd, to, to_len))
        return real()->sendto(fd, octets, len, flags, to, to_len);
    return shim_told(tapio_sendto(fd, octets, len, flags, to, to_len));
}

SHIM(int, listen, (int fd, int backlog))
{
    return shim_is_socket(fd) ? (int)shim_told(tapio_listen(fd, backlog))
                              : real()->listen(fd, backlog);
}

SHIM(int, accept, (int fd, struct sockaddr *addr, socklen_t *len))
{
    return shim_is_socket(fd) ? shim_adopt(tapio_accept(fd, addr, len))
                              : real()->accept(fd, addr, len);
}

SHIM(int, accept4, (int fd, struct sockaddr *addr, socklen_t *len, int flags))
{
    return shim_is_socket(fd) ? shim_adopt(tapio_accept4(fd, addr, len, flags))
                              : real()->accept4(fd, addr, len, flags);
}

SHIM(int, shutdown, (int fd, int how))
{
    return shim_is_socket(fd) ? (int)shim_told(tapio_shutdown(fd, how)) : real()->shutdown(fd, how);
}

SHIM(int, getsockname, (int fd, struct sockaddr *addr, socklen_t *len))
{
    return shim_is_socket(fd) ? (int)shim_told(tapio_getsockname(fd, addr, len))
                              : real()->getsockname(fd, addr, len);
}

SHIM(int, getpeername, (int fd, struct sockaddr *addr, socklen_t *len))
{
    return shim_is_socket(fd) ? (int)shim_told(tapio_getpeername(fd, addr, len))
                              : real()->getpeername(fd, addr, len);
}

SHIM(int, getsockopt, (int fd, int level, int option, void *value, socklen_t *len))
{
    return shim_is_socket(fd) ? (int)shim_told(tapio_getsockopt(fd, level, option, value, len))
                              : real()->getsockopt(fd, level, option, value, len);
}

/* Of two listeners at one port the stack knows nothing: the option alone is no harm, and the second
 * bind() says EADDRINUSE. */
static bool has_no_effect(int fd, int level, int option)
{
    int type = SOCK_DGRAM;
    socklen_t len = sizeof type;

    return level == SOL_SOCKET && option == SO_REUSEPORT &&
           tapio_getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM;
}

SHIM(int, setsockopt, (int fd, int level, int option, const void *value, socklen_t len))
{
    if (shim_is_socket(fd) && has_no_effect(fd, level, option))
        return 0;
    return shim_is_socket(fd) ? (int)shim_told(tapio_setsockopt(fd, level, option, value, len))
                              : real()->setsockopt(fd, level, option, value, len);
}
