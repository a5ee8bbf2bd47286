/*
 * tapio/socket.h - face two: POSIX's socket calls on the stack of this process.
 *
 * A program makes a stack and a device, attaches the stack, starts the thread that polls it, and
 * uses the calls below as it would use those of <sys/socket.h>:
 *
 *     tapio_attach(stack);
 *     tapio_start(dev);
 *     int s = tapio_socket(AF_INET, SOCK_STREAM, 0);
 *
 * tapio/host.h makes a stack and a device in one call. GNU C, which compilers speak unless told
 * otherwise, has all that is needed; under -std=c17 define _GNU_SOURCE first, or the system's
 * headers keep struct addrinfo, struct in_pktinfo and others back.
 *
 * Arguments, results and errno are POSIX's, and Linux's where POSIX leaves a choice; what each call
 * does, and which options there are, says tapio/sock.h, on which all of them stand. Any thread may
 * call. A null pointer where octets are wanted is EFAULT; another wrong one is the program's end,
 * as in any library. ENETDOWN while no stack is attached.
 *
 * Descriptors (ADR 0009). A descriptor is a number of the kernel's table, the lowest that is free:
 * it is reserved there, close-on-exec, for as long as the socket lives, so it is never another file
 * at the same time and fits into an fd_set. To the kernel it is a socket that nobody is connected
 * to: give it to tapio_*() alone, and to tapio_close() in the end. In the kernel's own calls, by
 * mistake, it is always ready to select(), ENOTCONN to write() and EINVAL to read(), and close()
 * takes the number away but leaves the socket. A number that is closed is EBADF until a new socket
 * gets it; a call that waits on it meanwhile ends with EBADF and never sees the new one.
 *
 * Signals. A handler ends a call that waits as Linux has it: EINTR, but with SA_RESTART the call
 * goes on unless it has a time limit; poll, select and epoll_wait always end. EPIPE on a stream
 * raises SIGPIPE in the calling thread, unless MSG_NOSIGNAL is given. A handler may leave a call
 * that waits by longjmp(). It must not call these functions itself, unless its thread waits in one
 * of them, and a thread in one of them must not be cancelled: it may have the lock.
 *
 * After fork() the child has no stack: all calls are EPERM there. Its copies of the descriptors go
 * with exec().
 */
#ifndef TAPIO_SOCKET_H
#define TAPIO_SOCKET_H

#include <netdb.h>
#include <netinet/in.h>
#include <sys/select.h>
#include <tapio/sock.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- the stack of this process --------------------------------------------------------------- */

/* From now on the calls mean `stack`, whose env must have mono_ns(). Nobody else may call it, but
 * between tapio_lock() and tapio_unlock(). Until tapio_start(), or a loop of one's own, nothing is
 * sent or heard, and calls that wait wait for ever. 0, or -1: EBUSY when one is attached, EINVAL,
 * ENOMEM, EMFILE, EPERM in a child. */
TAPIO_API TAPIO_NODISCARD int tapio_attach(struct stack *stack);
/* Ends the thread of tapio_start(), closes all sockets (what they hold is not sent any more) and
 * waits for the calls of other threads, which end with EBADF. The stack and the device are the
 * caller's again. That what was written last has arrived one knows before by the peer's answer, by
 * its end (shutdown(), then read() until 0), or by tapio_close() with SO_LINGER on. */
TAPIO_API void tapio_detach(void);

/* Starts a thread that polls the stack over `dev` until tapio_detach(), with all signals blocked.
 * When the device is gone it stops, and calls that wait end with ENETDOWN. 0, or -1: EBUSY, EAGAIN.
 */
TAPIO_API TAPIO_NODISCARD int tapio_start(struct dev *dev);

/* For face one, counters and the like from any thread: the stack, with its time set to now, until
 * tapio_unlock(). NULL without one. No other call of this header in between. */
TAPIO_API struct stack *tapio_lock(void);
TAPIO_API void tapio_unlock(void);

/* In place of tapio_start(), for a loop of one's own. One thread does, over and over:
 *
 *     struct stack *stack = tapio_turn_begin();
 *     stack_receive(stack, dev, now);
 *     bool more = tapio_turn_serve(now);     the sockets: wakes who waits, calls struct sock_app
 *     stack_send(stack, dev, now);
 *     instant deadline = tapio_turn_end(sleeps);
 *     with `sleeps`: sleep until the device, tapio_turn_fd() or the deadline
 *
 * and ends before tapio_detach(). */
TAPIO_API struct stack *tapio_turn_begin(void);
/* True when it stopped early: come again soon. */
TAPIO_API bool tapio_turn_serve(instant now);
/* Until when it may sleep: stack_deadline(), or a question about a name that waits no longer. After
 * `sleeps` a call that leaves something to do makes the descriptor
 * readable. */
TAPIO_API instant tapio_turn_end(bool sleeps);
TAPIO_API int tapio_turn_fd(void);

/* --- sockets --------------------------------------------------------------------------------- */

TAPIO_API int tapio_socket(int domain, int type, int protocol);
TAPIO_API int tapio_bind(int s, const struct sockaddr *addr, socklen_t len);
TAPIO_API int tapio_listen(int s, int backlog);
TAPIO_API int tapio_accept(int s, struct sockaddr *addr, socklen_t *len);
TAPIO_API int tapio_accept4(int s, struct sockaddr *addr, socklen_t *len, int flags);
TAPIO_API int tapio_connect(int s, const struct sockaddr *addr, socklen_t len);
TAPIO_API int tapio_shutdown(int s, int how);
TAPIO_API int tapio_close(int s);
TAPIO_API int tapio_getsockname(int s, struct sockaddr *addr, socklen_t *len);
TAPIO_API int tapio_getpeername(int s, struct sockaddr *addr, socklen_t *len);
TAPIO_API int tapio_getsockopt(int s, int level, int option, void *value, socklen_t *len);
TAPIO_API int tapio_setsockopt(int s, int level, int option, const void *value, socklen_t len);
/* Another number for the same socket, which ends with the last of them. */
TAPIO_API int tapio_dup(int s);
TAPIO_API int tapio_dup2(int s, int to);
TAPIO_API int tapio_dup3(int s, int to, int flags);
/* F_GETFL, F_SETFL, F_GETFD, F_SETFD, F_DUPFD, F_DUPFD_CLOEXEC. */
TAPIO_API int tapio_fcntl(int s, int command, ...);
/* FIONREAD, FIONBIO, FIOCLEX, FIONCLEX, SIOCOUTQ, SIOCOUTQNSD. */
TAPIO_API int tapio_ioctl(int s, unsigned long request, ...);

/* --- octets ---------------------------------------------------------------------------------- */

TAPIO_API ssize_t tapio_read(int s, void *octets, size_t len);
TAPIO_API ssize_t tapio_write(int s, const void *octets, size_t len);
TAPIO_API ssize_t tapio_readv(int s, const struct iovec *iov, int iovcnt);
TAPIO_API ssize_t tapio_writev(int s, const struct iovec *iov, int iovcnt);
TAPIO_API ssize_t tapio_send(int s, const void *octets, size_t len, int flags);
TAPIO_API ssize_t tapio_recv(int s, void *octets, size_t len, int flags);
TAPIO_API ssize_t tapio_sendto(int s, const void *octets, size_t len, int flags,
                               const struct sockaddr *to, socklen_t to_len);
TAPIO_API ssize_t tapio_recvfrom(int s, void *octets, size_t len, int flags, struct sockaddr *from,
                                 socklen_t *from_len);
TAPIO_API ssize_t tapio_sendmsg(int s, const struct msghdr *msg, int flags);
TAPIO_API ssize_t tapio_recvmsg(int s, struct msghdr *msg, int flags);

/* --- readiness ------------------------------------------------------------------------------- */

/* A descriptor that is not ours is POLLNVAL to poll and EBADF to the others: for both kinds at once
 * there is tapio_fd(). */
TAPIO_API int tapio_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
/* Leaves in `timeout` what was not slept, as Linux does. */
TAPIO_API int tapio_select(int count, fd_set *readable, fd_set *writable, fd_set *exceptional,
                           struct timeval *timeout);
TAPIO_API int tapio_epoll_create1(int flags);
TAPIO_API int tapio_epoll_ctl(int epoll, int operation, int s, struct epoll_event *event);
TAPIO_API int tapio_epoll_wait(int epoll, struct epoll_event *events, int max_events,
                               int timeout_ms);

/* For the loops of others (epoll, libuv, select): a descriptor that the kernel can wait for. It is
 * the number `s` itself, which from the first call on stands for an eventfd: do not read it, and
 * close it by tapio_close(s). */
TAPIO_API int tapio_fd(int s);
/* Makes it unreadable, and readable as soon as one of `events` (POLLIN, POLLOUT; POLLERR and
 * POLLHUP always) holds, which may be now. It stays so until it is armed again. So: arm; when the
 * loop says "readable", ask tapio_poll() or read and write until EAGAIN; arm again. 0 events:
 * never. */
TAPIO_API int tapio_fd_arm(int s, short events);

/* --- names ----------------------------------------------------------------------------------- */

struct addrinfo; /* <netdb.h> keeps it back from strict ISO C */

/* Numbers, "localhost", /etc/hosts and /etc/services, and, for names that are in no file, what the
 * name servers say (RFC 1034, 5.3.1): A and AAAA are asked for at once, over the attached stack,
 * while the caller waits and other threads run on. Addresses of files and servers come in the order
 * of RFC 6724, 6, by the stack's own addresses and gateway.
 *
 * EAI_NONAME: there is no such name, or nothing of that family. EAI_AGAIN: there is no server, or
 * none gives an answer. EAI_FAIL: aliases without end. EAI_SYSTEM: errno says ENETDOWN when no
 * stack is attached (any more) or its device is gone, EPERM in a child. */
TAPIO_API int tapio_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                                struct addrinfo **out);
TAPIO_API void tapio_freeaddrinfo(struct addrinfo *list);
TAPIO_API const char *tapio_gai_strerror(int error);

/* Whom to ask, in place of /etc/resolv.conf: the text of such a file (resolv.conf(5)), as in
 * "nameserver 10.9.0.1\nsearch example\noptions ndots:2 timeout:1 attempts:3"; what is not
 * understood is ignored. NULL: /etc/resolv.conf, as at first; it is read when a name is asked for
 * and no resolver is at work yet, so a change of it counts from the next call of this on. Whoever
 * waits for a server meanwhile gets EAI_AGAIN. Stays when a stack is detached. 0, or -1: EINVAL
 * without a server, ENOMEM, EPERM in a child. */
TAPIO_API int tapio_resolv_conf(const char *text);

/* Asked in place of the servers: writes at most `max` addresses of `family` (AF_INET,
 * AF_INET6, AF_UNSPEC: both), best first, and returns how many, or EAI_NONAME, EAI_AGAIN and the
 * like. It runs in the calling thread and may use the calls above. */
typedef int tapio_resolver(void *context, const char *name, int family, struct ip_addr *out,
                           int max);
/* NULL: none, as at first. */
TAPIO_API void tapio_set_resolver(tapio_resolver *resolver, void *context);

#ifdef __cplusplus
}
#endif
#endif
