/*
 * tapio/sock.h - face one: sockets without globals.
 *
 * The calls of POSIX on a stack that the caller names, with POSIX's constants and results (Linux's
 * where POSIX leaves a choice), errors as a negative errno. A socket is a non-negative number with
 * a generation in it, so a stale one is -EBADF until 2,047 others have been made. Every call
 * returns at once when its `waiter` is NULL (-EAGAIN, -EINPROGRESS); with one, it waits through it
 * as a blocking call would, unless the socket is O_NONBLOCK or the call says MSG_DONTWAIT.
 *
 * Now: TCP and UDP over IPv4 and IPv6, datagram sockets of ICMP and ICMPv6 (a ping: what is sent is
 * the echo's data), and epoll sets.
 */
#ifndef TAPIO_SOCK_H
#define TAPIO_SOCK_H

#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <tapio/tapio.h>
#include <tapio/tcp_info.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How a call waits: wait() returns 0 when one of `events` (POLLIN, POLLOUT) may hold for `s`, else
 * -EINTR, or -EAGAIN when it is `deadline` (INT64_MAX: never) or the waiter has had enough. `s` may
 * be a socket or an epoll set (sock_poll() knows both); -1 asks for anything that may have changed
 * for any socket, as poll() does. It must let the stack be polled meanwhile. A call that is told 0
 * too often looks again, and waits again. */
struct waiter {
    int (*wait)(struct waiter *waiter, struct stack *stack, int s, short events, instant deadline);
};

/* Who serves a socket: the loop that drains sock_next_ready() calls ready(). Embed it. */
struct sock_app {
    void (*ready)(struct sock_app *app, int s, short events, instant now);
};

/* --- making, naming, ending ------------------------------------------------------------------ */

/* AF_INET or AF_INET6 with SOCK_STREAM (TCP), SOCK_DGRAM (UDP), or SOCK_DGRAM and IPPROTO_ICMP or
 * IPPROTO_ICMPV6. A socket of AF_INET6 reaches, and is reached by, IPv4 hosts too (not a ping). The
 * type may be joined by SOCK_NONBLOCK and SOCK_CLOEXEC (without meaning here). -EAFNOSUPPORT,
 * -EPROTONOSUPPORT, -ESOCKTNOSUPPORT, -EINVAL, -ENFILE when every socket is taken. */
TAPIO_API TAPIO_NODISCARD int sock_socket(struct stack *stack, int domain, int type, int protocol);
/* -EADDRINUSE, -EADDRNOTAVAIL, -EINVAL when bound already. Port 0: an ephemeral one is chosen. UDP
 * may be bound to a broadcast address or a group as well, to hear what is sent there. */
TAPIO_API TAPIO_NODISCARD int sock_bind(struct stack *stack, int s, struct endpoint local);
/* Completed and half-open connections together are at most `backlog` (1 .. 4096). */
TAPIO_API TAPIO_NODISCARD int sock_listen(struct stack *stack, int s, int backlog);
/* The new socket, or -EAGAIN. It inherits the listener's app and options, but not O_NONBLOCK. */
TAPIO_API TAPIO_NODISCARD int sock_accept(struct stack *stack, int s, struct endpoint *remote,
                                          struct waiter *waiter);
/* The same; `flags` may be SOCK_NONBLOCK and SOCK_CLOEXEC. */
TAPIO_API TAPIO_NODISCARD int sock_accept4(struct stack *stack, int s, struct endpoint *remote,
                                           int flags, struct waiter *waiter);
/* -EINPROGRESS, then POLLOUT and SO_ERROR, or 0 when asked again, once; -EISCONN, -EALREADY,
 * -ENETUNREACH, -EADDRNOTAVAIL; -EINVAL for what is nobody's address on a link, as loopback, and
 * for our own: a stack has no way to itself. UDP names its peer, from which alone it hears then,
 * and its source: 0, at once, as often as one likes; -EACCES for a broadcast address without
 * SO_BROADCAST. */
TAPIO_API TAPIO_NODISCARD int sock_connect(struct stack *stack, int s, struct endpoint remote,
                                           struct waiter *waiter);
/* What connect(AF_UNSPEC) does: a connection is reset (ABORT), a listener closed; the socket can be
 * bound, listen or connect again, and keeps its options. UDP hears of all again, and keeps of its
 * name what bind() has said. */
TAPIO_API TAPIO_NODISCARD int sock_disconnect(struct stack *stack, int s);
/* SHUT_RD, SHUT_WR, SHUT_RDWR. */
TAPIO_API TAPIO_NODISCARD int sock_shutdown(struct stack *stack, int s, int how);
/* Gives the number back; the connection goes on to send what it holds and ends by itself. Resets it
 * when text is unread (RFC 9293, SHLD-3) or SO_LINGER is on with 0 seconds. */
TAPIO_API int sock_close(struct stack *stack, int s);
/* The same, but with SO_LINGER on it waits until all is acknowledged or the time is up. The number
 * is good for the waiter alone meanwhile. */
TAPIO_API int sock_close_wait(struct stack *stack, int s, struct waiter *waiter);
TAPIO_API TAPIO_NODISCARD int sock_getsockname(struct stack *stack, int s, struct endpoint *out);
TAPIO_API TAPIO_NODISCARD int sock_getpeername(struct stack *stack, int s, struct endpoint *out);

/* --- text ------------------------------------------------------------------------------------ */

/* How many octets were taken (a short count is normal), -EAGAIN, -EPIPE, -ENOTCONN, -EFAULT, or the
 * connection's error, once. Flags: MSG_MORE, MSG_DONTWAIT; MSG_NOSIGNAL and MSG_EOR change nothing;
 * MSG_OOB is -EINVAL, others -EOPNOTSUPP. UDP: one datagram, whole; -EDESTADDRREQ, -EMSGSIZE, and
 * no MSG_MORE. */
TAPIO_API TAPIO_NODISCARD ssize_t sock_send(struct stack *stack, int s, const void *octets,
                                            size_t len, int flags, struct waiter *waiter);
/* As sock_send() without flags and without waiting, of octets that lie in `frame`, a buffer from
 * stack_frame(). A TCP connection sends them from where they are and keeps a reference until they
 * are acknowledged: nobody may change them any more. dev_frame_release() gives back the caller's.
 */
TAPIO_API TAPIO_NODISCARD ssize_t sock_send_frame(struct stack *stack, int s, struct frame *frame,
                                                  const void *octets, size_t len);
/* How many octets were read, 0 at the end of the stream, -EAGAIN, -ENOTCONN, -EFAULT, or the
 * connection's error, once. Flags: MSG_PEEK, MSG_DONTWAIT, MSG_WAITALL, MSG_TRUNC (the octets are
 * thrown away; `octets` may be NULL); MSG_OOB is -EINVAL. UDP: one datagram, what does not fit is
 * cut off; MSG_TRUNC returns how long it was. */
TAPIO_API TAPIO_NODISCARD ssize_t sock_recv(struct stack *stack, int s, void *octets, size_t len,
                                            int flags, struct waiter *waiter);
/* read(), write() and their kin: no flags, and nothing asked for is 0 whatever the state. */
TAPIO_API TAPIO_NODISCARD ssize_t sock_read(struct stack *stack, int s, void *octets, size_t len,
                                            struct waiter *waiter);
TAPIO_API TAPIO_NODISCARD ssize_t sock_write(struct stack *stack, int s, const void *octets,
                                             size_t len, struct waiter *waiter);
TAPIO_API TAPIO_NODISCARD ssize_t sock_readv(struct stack *stack, int s, const struct iovec *iov,
                                             int iovcnt, struct waiter *waiter);
TAPIO_API TAPIO_NODISCARD ssize_t sock_writev(struct stack *stack, int s, const struct iovec *iov,
                                              int iovcnt, struct waiter *waiter);
/* TCP ignores `remote` (NULL is allowed) and names nobody in `from`, as Linux does. A ping is
 * connected to `remote` by it, and answers come from there. UDP sends to `remote`, this time. */
TAPIO_API TAPIO_NODISCARD ssize_t sock_sendto(struct stack *stack, int s, const void *octets,
                                              size_t len, int flags, const struct endpoint *remote,
                                              struct waiter *waiter);
TAPIO_API TAPIO_NODISCARD ssize_t sock_recvfrom(struct stack *stack, int s, void *octets,
                                                size_t len, int flags, struct endpoint *from,
                                                struct waiter *waiter);

/* What sendmsg() and recvmsg() are given, in place of struct msghdr. */
struct sock_msg {
    struct endpoint *name; /* to whom; from whom. NULL: nobody asks */
    const struct iovec *iov;
    int iovcnt;
    void *control;      /* struct cmsghdr and data, as CMSG_FIRSTHDR() finds them */
    size_t control_len; /* in: the room; out (recvmsg): what was written */
    int flags;          /* out (recvmsg): MSG_CTRUNC, MSG_TRUNC */
};
/* -EMSGSIZE when iovcnt is beyond 1024, -EINVAL for control messages to TCP, which takes none. UDP
 * knows IP_PKTINFO (the source), IP_TTL, IP_TOS, IP_RETOPTS (instead of IP_OPTIONS), IPV6_PKTINFO,
 * IPV6_HOPLIMIT, IPV6_TCLASS. */
TAPIO_API TAPIO_NODISCARD ssize_t sock_sendmsg(struct stack *stack, int s,
                                               const struct sock_msg *msg, int flags,
                                               struct waiter *waiter);
/* With TCP_INQ on, there is a control message TCP_CM_INQ: an int, the octets still to be read. UDP
 * has those that were asked for by IP_PKTINFO (where the datagram was sent to), IP_RECVTTL,
 * IP_RECVTOS, IP_RECVOPTS, IP_RETOPTS, IPV6_RECVPKTINFO, IPV6_RECVHOPLIMIT and IPV6_RECVTCLASS. */
TAPIO_API TAPIO_NODISCARD ssize_t sock_recvmsg(struct stack *stack, int s, struct sock_msg *msg,
                                               int flags, struct waiter *waiter);

/* --- options --------------------------------------------------------------------------------- */

/* Each may be set at any time and is inherited by accepted sockets; the values and their layouts
 * are Linux's.
 * SOL_SOCKET: SO_REUSEADDR, SO_KEEPALIVE, SO_LINGER, SO_SNDBUF, SO_RCVBUF (read back doubled: so
 * many octets may wait to be sent, and half as many fit into the window),
 * SO_RCVTIMEO, SO_SNDTIMEO (struct timeval; they bound what a waiter waits), SO_PRIORITY, SO_MARK
 * (kept, without effect); to read: SO_ERROR, SO_TYPE, SO_DOMAIN, SO_PROTOCOL, SO_ACCEPTCONN.
 * IPPROTO_TCP: TCP_NODELAY, TCP_MAXSEG, TCP_CORK, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT,
 * TCP_USER_TIMEOUT, TCP_LINGER2, TCP_SYNCNT, TCP_DEFER_ACCEPT, TCP_QUICKACK, TCP_WINDOW_CLAMP,
 * TCP_NOTSENT_LOWAT, TCP_INQ, TCP_CONGESTION ("reno", "cubic"; else -ENOENT); to read: TCP_INFO
 * (struct sock_tcp_info). IPPROTO_IP: IP_TOS, IP_TTL, IP_MTU_DISCOVER, IP_OPTIONS (at most 40
 * octets: record route, timestamp, router alert; -EPERM for a source route; accepted sockets do not
 * inherit them). IPPROTO_IPV6: IPV6_V6ONLY, IPV6_TCLASS, IPV6_UNICAST_HOPS, IPV6_MTU_DISCOVER (of
 * an AF_INET6 socket). Of UDP alone: SO_BROADCAST, SO_REUSEPORT, IP_RECVERR (ICMP errors that may
 * pass, and those of a socket that is not connected, are told, too), IP_MULTICAST_TTL, what
 * recvmsg() is to tell, and their kin of IPV6; to read: IP_MTU, IPV6_MTU. SO_SNDBUF has no effect
 * there. -ENOPROTOOPT for others, -EOPNOTSUPP to read one of another level; -EINVAL for a length or
 * value that cannot be; -EFAULT. */
TAPIO_API TAPIO_NODISCARD int sock_setsockopt(struct stack *stack, int s, int level, int option,
                                              const void *value, socklen_t len);
TAPIO_API TAPIO_NODISCARD int sock_getsockopt(struct stack *stack, int s, int level, int option,
                                              void *value, socklen_t *len);
/* F_GETFL, F_SETFL (O_NONBLOCK counts), F_GETFD, F_SETFD (without meaning). -EINVAL for others. */
TAPIO_API TAPIO_NODISCARD int sock_fcntl(struct stack *stack, int s, int command, int argument);
/* FIONREAD = SIOCINQ: octets to read, of UDP those of the next datagram; SIOCOUTQ: sent or not, and
 * not acknowledged; SIOCOUTQNSD: not sent. FIONBIO. `argument` is an int. -EINVAL on a listener,
 * -ENOTTY for others. */
TAPIO_API TAPIO_NODISCARD int sock_ioctl(struct stack *stack, int s, unsigned long request,
                                         int *argument);

/* --- readiness: poll ------------------------------------------------------------------------- */

/* What holds now: POLLIN, POLLOUT, POLLERR, POLLHUP, POLLRDHUP; -EBADF. Of an epoll set: POLLIN
 * when a socket of it has something to tell. */
TAPIO_API TAPIO_NODISCARD int sock_poll(struct stack *stack, int s);

struct sock_pollfd {
    int s; /* negative: not asked for */
    short events;
    short revents; /* POLLNVAL: no such socket */
};
/* poll(): how many have revents. `timeout_ms` negative: no end; 0, or no waiter: what holds now.
 * -EINTR, -EFAULT, -EINVAL. */
TAPIO_API TAPIO_NODISCARD int sock_poll_many(struct stack *stack, struct sock_pollfd *fds,
                                             size_t count, int timeout_ms, struct waiter *waiter);

/* --- readiness: epoll ------------------------------------------------------------------------ */

/* An epoll set, which sock_close() ends. -ENFILE, -EINVAL for other flags than EPOLL_CLOEXEC. */
TAPIO_API TAPIO_NODISCARD int sock_epoll_create(struct stack *stack, int flags);
/* EPOLL_CTL_ADD, MOD, DEL. Events: EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLERR, EPOLLHUP (these two
 * always), EPOLLET, EPOLLONESHOT. -EEXIST, -ENOENT, -EBADF, -EINVAL, -EFAULT; -EPERM for a set in a
 * set; -ENOSPC at the cap sock.epoll_items. A socket leaves its sets when it is closed. */
TAPIO_API TAPIO_NODISCARD int sock_epoll_ctl(struct stack *stack, int epoll, int operation, int s,
                                             const struct epoll_event *event);
/* How many events were written. As poll() for the timeout. */
TAPIO_API TAPIO_NODISCARD int sock_epoll_wait(struct stack *stack, int epoll,
                                              struct epoll_event *events, int max_events,
                                              int timeout_ms, struct waiter *waiter);

/* --- readiness: a list ----------------------------------------------------------------------- */

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
/* A socket that `app` serves, whose place is behind that of `after` (-1: the first one of all), so
 * that each can be asked for in turn; -ENOENT when there is no further one. `after` may have been
 * closed since. */
TAPIO_API TAPIO_NODISCARD int sock_next_of(struct stack *stack, const struct sock_app *app,
                                           int after);

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
