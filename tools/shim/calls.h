/*
 * calls.h - the intercept table: every function of the C library that the shim takes the place of.
 *
 *     CALL(result, name, (parameters), (arguments))
 *
 * Each row makes a pointer to the C library's own (shim.h), which everything of ours calls: also
 * the stack below us, whose read(), ppoll() and so on the linker turns to __wrap_NAME() (--wrap;
 * meson.build takes the names from here). Without that a stack that reads its TAP would come back
 * through the shim's read(), with its own lock held.
 *
 * The fortified names (__read_chk) and those of large files (fcntl64, sendfile64) are rows too:
 * which of them a program calls was decided when it was compiled.
 */

/* clang-format off */
/* sockets */
CALL(int, socket, (int domain, int type, int protocol), (domain, type, protocol))
CALL(int, bind, (int fd, const struct sockaddr *addr, socklen_t len), (fd, addr, len))
CALL(int, listen, (int fd, int backlog), (fd, backlog))
CALL(int, accept, (int fd, struct sockaddr *addr, socklen_t *len), (fd, addr, len))
CALL(int, accept4, (int fd, struct sockaddr *addr, socklen_t *len, int flags), (fd, addr, len, flags))
CALL(int, connect, (int fd, const struct sockaddr *addr, socklen_t len), (fd, addr, len))
CALL(int, shutdown, (int fd, int how), (fd, how))
CALL(int, getsockname, (int fd, struct sockaddr *addr, socklen_t *len), (fd, addr, len))
CALL(int, getpeername, (int fd, struct sockaddr *addr, socklen_t *len), (fd, addr, len))
CALL(int, getsockopt, (int fd, int level, int option, void *value, socklen_t *len), (fd, level, option, value, len))
CALL(int, setsockopt, (int fd, int level, int option, const void *value, socklen_t len), (fd, level, option, value, len))

/* octets */
CALL(ssize_t, read, (int fd, void *octets, size_t len), (fd, octets, len))
CALL(ssize_t, __read_chk, (int fd, void *octets, size_t len, size_t room), (fd, octets, len, room))
CALL(ssize_t, write, (int fd, const void *octets, size_t len), (fd, octets, len))
CALL(ssize_t, readv, (int fd, const struct iovec *iov, int iovcnt), (fd, iov, iovcnt))
CALL(ssize_t, writev, (int fd, const struct iovec *iov, int iovcnt), (fd, iov, iovcnt))
CALL(ssize_t, send, (int fd, const void *octets, size_t len, int flags), (fd, octets, len, flags))
CALL(ssize_t, recv, (int fd, void *octets, size_t len, int flags), (fd, octets, len, flags))
CALL(ssize_t, __recv_chk, (int fd, void *octets, size_t len, size_t room, int flags), (fd, octets, len, room, flags))
CALL(ssize_t, sendto, (int fd, const void *octets, size_t len, int flags, const struct sockaddr *to, socklen_t to_len), (fd, octets, len, flags, to, to_len))
CALL(ssize_t, recvfrom, (int fd, void *octets, size_t len, int flags, struct sockaddr *from, socklen_t *from_len), (fd, octets, len, flags, from, from_len))
CALL(ssize_t, __recvfrom_chk, (int fd, void *octets, size_t len, size_t room, int flags, struct sockaddr *from, socklen_t *from_len), (fd, octets, len, room, flags, from, from_len))
CALL(ssize_t, sendmsg, (int fd, const struct msghdr *msg, int flags), (fd, msg, flags))
CALL(ssize_t, recvmsg, (int fd, struct msghdr *msg, int flags), (fd, msg, flags))
CALL(int, sendmmsg, (int fd, struct mmsghdr *msgs, unsigned count, int flags), (fd, msgs, count, flags))
CALL(int, recvmmsg, (int fd, struct mmsghdr *msgs, unsigned count, int flags, struct timespec *timeout), (fd, msgs, count, flags, timeout))
CALL(ssize_t, sendfile, (int out, int in, off_t *offset, size_t count), (out, in, offset, count))
CALL(ssize_t, sendfile64, (int out, int in, off_t *offset, size_t count), (out, in, offset, count))
CALL(ssize_t, splice, (int in, off_t *in_at, int out, off_t *out_at, size_t len, unsigned flags), (in, in_at, out, out_at, len, flags))

/* readiness */
CALL(int, poll, (struct pollfd *fds, nfds_t count, int timeout_ms), (fds, count, timeout_ms))
CALL(int, __poll_chk, (struct pollfd *fds, nfds_t count, int timeout_ms, size_t room), (fds, count, timeout_ms, room))
CALL(int, ppoll, (struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask), (fds, count, timeout, mask))
CALL(int, __ppoll_chk, (struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask, size_t room), (fds, count, timeout, mask, room))
CALL(int, select, (int count, fd_set *readable, fd_set *writable, fd_set *exceptional, struct timeval *timeout), (count, readable, writable, exceptional, timeout))
CALL(int, pselect, (int count, fd_set *readable, fd_set *writable, fd_set *exceptional, const struct timespec *timeout, const sigset_t *mask), (count, readable, writable, exceptional, timeout, mask))
CALL(int, epoll_create, (int size), (size))
CALL(int, epoll_create1, (int flags), (flags))
CALL(int, epoll_ctl, (int epoll, int operation, int fd, struct epoll_event *event), (epoll, operation, fd, event))
CALL(int, epoll_wait, (int epoll, struct epoll_event *events, int max_events, int timeout_ms), (epoll, events, max_events, timeout_ms))
CALL(int, epoll_pwait, (int epoll, struct epoll_event *events, int max_events, int timeout_ms, const sigset_t *mask), (epoll, events, max_events, timeout_ms, mask))
CALL(int, epoll_pwait2, (int epoll, struct epoll_event *events, int max_events, const struct timespec *timeout, const sigset_t *mask), (epoll, events, max_events, timeout, mask))

/* descriptors */
CALL(int, close, (int fd), (fd))
CALL(int, dup, (int fd), (fd))
CALL(int, dup2, (int fd, int to), (fd, to))
CALL(int, dup3, (int fd, int to, int flags), (fd, to, flags))
CALL(int, fcntl, (int fd, int command, void *argument), (fd, command, argument))
CALL(int, fcntl64, (int fd, int command, void *argument), (fd, command, argument))
CALL(int, ioctl, (int fd, unsigned long request, void *argument), (fd, request, argument))
CALL(void, closefrom, (int first), (first))
CALL(int, close_range, (unsigned first, unsigned last, int flags), (first, last, flags))
CALL(FILE *, fdopen, (int fd, const char *mode), (fd, mode))
CALL(pid_t, vfork, (void), ())
CALL(long, syscall, (long number, long a, long b, long c, long d, long e, long f), (number, a, b, c, d, e, f))

/* names */
CALL(int, getaddrinfo, (const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out), (node, service, hints, out))
CALL(void, freeaddrinfo, (struct addrinfo *list), (list))
CALL(int, getnameinfo, (const struct sockaddr *addr, socklen_t len, char *host, socklen_t host_room, char *service, socklen_t service_room, int flags), (addr, len, host, host_room, service, service_room, flags))
CALL(struct hostent *, gethostbyname, (const char *name), (name))
CALL(struct hostent *, gethostbyname2, (const char *name, int family), (name, family))
CALL(int, gethostbyname_r, (const char *name, struct hostent *out, char *room, size_t len, struct hostent **result, int *error), (name, out, room, len, result, error))
CALL(int, gethostbyname2_r, (const char *name, int family, struct hostent *out, char *room, size_t len, struct hostent **result, int *error), (name, family, out, room, len, result, error))

/* programs */
CALL(int, execve, (const char *path, char *const argv[], char *const envp[]), (path, argv, envp))
CALL(int, execv, (const char *path, char *const argv[]), (path, argv))
CALL(int, execvp, (const char *file, char *const argv[]), (file, argv))
CALL(int, execvpe, (const char *file, char *const argv[], char *const envp[]), (file, argv, envp))
CALL(int, posix_spawn, (pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]), (pid, path, actions, attributes, argv, envp))
CALL(int, posix_spawnp, (pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]), (pid, file, actions, attributes, argv, envp))
/* clang-format on */
