/*
 * tapio/sock.h - face one: sockets without globals.
 *
 * The calls of POSIX on a stack that the caller names, with POSIX's constants and results, errors
 * as a negative errno. A socket is a non-negative number with a generation in it, so a stale one is
 * -EBADF until 2,047 others have been made. Every call returns at once when its `waiter` is NULL
 * (-EAGAIN, -EINPROGRESS); with one, it waits through it as a blocking call would.
 *
 * Now: TCP over IPv4 and IPv6, and datagram sockets of ICMP and ICMPv6 (a ping: what is sent is the
 * echo's data).
 */
#ifndef TAPIO_SOCK_H
#define TAPIO_SOCK_H

#include <poll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <tapio/tapio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How a call waits: wait() returns 0 when one of `events` (POLLIN, POLLOUT) may hold for `s`, else
 * -EINTR or -EAGAIN (time is up). It must let the stack be polled meanwhile. */
struct waiter {
    int (*wait)(struct waiter *waiter, struct stack *stack, int s, short events);
};

/* Who serves a socket: the loop that drains sock_next_ready() calls ready(). Embed it. */
struct sock_app {
    void (*ready)(struct sock_app *app, int s, short events, instant now);
};

/* AF_INET or AF_INET6 with SOCK_STREAM (TCP), or SOCK_DGRAM and IPPROTO_ICMP or IPPROTO_ICMPV6. A
 * TCP socket of AF_INET6 reaches, and is reached by, IPv4 hosts too. -EAFNOSUPPORT,
 * -EPROTONOSUPPORT, -ENFILE when every socket is taken. */
TAPIO_API TAPIO_NODISCARD int sock_socket(struct stack *stack, int domain, int type, int protocol);
/* -EADDRINUSE, -EADDRNOTAVAIL, -EINVAL when bound already. Port 0: an ephemeral one is chosen. */
TAPIO_API TAPIO_NODISCARD int sock_bind(struct stack *stack, int s, struct endpoint local);
/* Completed and half-open connections together are at most `backlog` (1 .. 4096). */
TAPIO_API TAPIO_NODISCARD int sock_listen(struct stack *stack, int s, int backlog);
/* The new socket, or -EAGAIN. It inherits the listener's app. */
TAPIO_API TAPIO_NODISCARD int sock_accept(struct stack *stack, int s, struct endpoint *remote,
                                          struct waiter *waiter);
/* -EINPROGRESS, then POLLOUT and SO_ERROR; -EISCONN, -EALREADY, -ENETUNREACH, -EADDRNOTAVAIL. */
TAPIO_API TAPIO_NODISCARD int sock_connect(struct stack *stack, int s, struct endpoint remote,
                                           struct waiter *waiter);
/* How many octets were taken (a short count is normal), -EAGAIN, -EPIPE, -ENOTCONN, or the
 * connection's error, once. Flags: MSG_MORE. */
TAPIO_API TAPIO_NODISCARD ssize_t sock_send(struct stack *stack, int s, const void *octets,
                                            size_t len, int flags, struct waiter *waiter);
/* How many octets were read, 0 at the end of the stream, -EAGAIN, -ENOTCONN, or the connection's
 * error, once. Flags: MSG_PEEK. */
TAPIO_API TAPIO_NODISCARD ssize_t sock_recv(struct stack *stack, int s, void *octets, size_t len,
                                            int flags, struct waiter *waiter);
/* SHUT_RD, SHUT_WR, SHUT_RDWR. */
TAPIO_API TAPIO_NODISCARD int sock_shutdown(struct stack *stack, int s, int how);
/* Gives the number back; the connection goes on to send what it holds and ends by itself. Resets it
 * when text is unread (RFC 9293, SHLD-3) or SO_LINGER is on with 0 seconds. */
TAPIO_API int sock_close(struct stack *stack, int s);
/* SOL_SOCKET: SO_ERROR, SO_REUSEADDR, SO_LINGER (off, or on with 0 s), SO_SNDBUF, SO_RCVBUF,
 * SO_TYPE, SO_ACCEPTCONN. IPPROTO_TCP: TCP_NODELAY, TCP_MAXSEG (to read). -ENOPROTOOPT for others.
 */
TAPIO_API TAPIO_NODISCARD int sock_setsockopt(struct stack *stack, int s, int level, int option,
                                              const void *value, socklen_t len);
TAPIO_API TAPIO_NODISCARD int sock_getsockopt(struct stack *stack, int s, int level, int option,
                                              void *value, socklen_t *len);
TAPIO_API TAPIO_NODISCARD int sock_getsockname(struct stack *stack, int s, struct endpoint *out);
TAPIO_API TAPIO_NODISCARD int sock_getpeername(struct stack *stack, int s, struct endpoint *out);

/* What holds now: POLLIN, POLLOUT, POLLERR, POLLHUP, POLLRDHUP; -EBADF. */
TAPIO_API TAPIO_NODISCARD int sock_poll(struct stack *stack, int s);

/* A socket whose readiness may have changed since it was last returned here, with what holds now;
 * -EAGAIN when there is none. A socket is returned once however often it changed: read, write or
 * accept until -EAGAIN. Draining it ends, unless sock_again() is called for each that it returns.
 */
TAPIO_API TAPIO_NODISCARD int sock_next_ready(struct stack *stack, short *events);

/* Puts the socket on that list again: "I stopped early, ask me later". */
TAPIO_API void sock_again(struct stack *stack, int s);

/* Who serves the socket; NULL at first. */
TAPIO_API void sock_set_app(struct stack *stack, int s, struct sock_app *app);
TAPIO_API struct sock_app *sock_app(struct stack *stack, int s);

/* The connection's figures; the last ones of a connection that has ended, until sock_close(). */
struct sock_info {
    struct conn_facts facts;
    uint32_t snd_mss;        /* octets of text in a full segment */
    uint32_t send_queued;    /* octets not yet acknowledged, sent or not */
    uint32_t receive_queued; /* octets not yet read */
    uint64_t octets_acked;
    uint64_t octets_received;
    uint64_t retransmits; /* segments */
    int error;            /* 0 or the errno that ended it */
};
TAPIO_API TAPIO_NODISCARD int sock_info(struct stack *stack, int s, struct sock_info *out);

#ifdef __cplusplus
}
#endif
#endif
