/*
 * shim.h - the preload shim of `tapio exec`: POSIX's names, taken from the C library. Private to
 * tools/shim.
 *
 * The dynamic linker finds our read() before the C library's. What is a socket of the stack goes to
 * src/posix, everything else to the C library's own, after one look at one octet of a table.
 *
 *     calls.h        which functions those are
 *     shim.c         the table of descriptors, the C library's own functions, fork
 *     shim_start.c   the stack of this process, from its options to its polling thread, and its end
 *     shim_loop.c    that thread
 *     shim_socket.c  socket(), bind(), connect() and what else makes and names sockets
 *     shim_io.c      octets
 *     shim_ready.c   poll, select and epoll
 *     shim_fd.c      close, dup, fcntl and their kin
 *     shim_names.c   getaddrinfo and its elders
 *     shim_syscall.c the same calls by syscall()
 *     shim_exec.c    what must not be run
 *
 * Definitions are spelled SHIM(name) and get the C library's symbol as an alias by an assembler's
 * label: the headers' own declarations (inline, fortified, renamed for large files) are then in
 * nobody's way.
 */
#ifndef TAPIO_TOOLS_SHIM_H
#define TAPIO_TOOLS_SHIM_H

#include <netdb.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <tapio/socket.h>

#include "base/base.h"

enum { SHIM_FDS = 1 << 18 }; /* numbers from there on are the kernel's alone */

/* What a number stands for. */
enum shim_kind {
    SHIM_KERNEL, /* nothing of ours */
    SHIM_SOCKET, /* a socket of the stack */
    SHIM_SET,    /* an epoll set of the kernel's that has a half of ours: shim_ready.c */
    SHIM_HIDDEN, /* open for us; the program never heard of it */
};

extern _Atomic(unsigned char) shim_kinds[SHIM_FDS];

static inline enum shim_kind shim_kind(int fd)
{
    return (unsigned)fd < SHIM_FDS
               ? (enum shim_kind)atomic_load_explicit(&shim_kinds[fd], memory_order_relaxed)
               : SHIM_KERNEL;
}

static inline bool shim_is_socket(int fd)
{
    return __builtin_expect(shim_kind(fd) == SHIM_SOCKET, 0);
}

static inline void shim_set_kind(int fd, enum shim_kind kind)
{
    atomic_store_explicit(&shim_kinds[fd], (unsigned char)kind, memory_order_relaxed);
}

/* The C library's own. */
struct shim_real {
#define CALL(result, name, parameters, arguments) result(*name) parameters;
#include "calls.h"
#undef CALL
};

const struct shim_real *shim_resolve(void);
extern const struct shim_real *shim_real; /* NULL: not looked for yet */

static inline const struct shim_real *real(void)
{
    return __builtin_expect(shim_real != NULL, 1) ? shim_real : shim_resolve();
}

/* Defines `name` of the C library: SHIM(int, close, (int fd)) { ... }. The function is shim_close()
 * and `close` another name for it. */
#define SHIM(result, name, parameters)                                                             \
    result shim_##name parameters;                                                                 \
    extern __typeof(shim_##name) shim_as_##name __asm__(#name)                                     \
        __attribute__((alias("shim_" #name), visibility("default")));                              \
    result shim_##name parameters

/* Those that are called from other files of ours, by syscall() and by each other. */
int shim_close(int fd);
ssize_t shim_read(int fd, void *octets, size_t len);
ssize_t shim_write(int fd, const void *octets, size_t len);
int shim_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);
int shim_sendmmsg(int fd, struct mmsghdr *msgs, unsigned count, int flags);
int shim_recvmmsg(int fd, struct mmsghdr *msgs, unsigned count, int flags,
                  struct timespec *timeout);
int shim_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event);
int shim_epoll_pwait(int epoll, struct epoll_event *events, int max_events, int timeout_ms,
                     const sigset_t *mask);

/* --- shim.c ------------------------------------------------------------------------------- */

/* Did this process inherit the sockets of another? */
bool shim_is_child(void);
/* Then says so, once, and errno is EPERM. */
bool shim_is_orphan(void);
/* What a call on a stack socket was worth; explains EPERM in a child. Keeps errno. */
ssize_t shim_told(ssize_t result);
/* Prints "tapio: ..." in one line. */
void shim_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* --- shim_start.c -------------------------------------------------------------------------- */

/* The stack of this process runs. False, with errno, and the reason said once. */
bool shim_start(void);
bool shim_is_started(void);

/* --- shim_socket.c ------------------------------------------------------------------------- */

/* A number that tapio_*() gave out is the program's from here on; -1 and EMFILE where it is too
 * large. */
int shim_adopt(int fd);
/* Is `addr` loopback, and the socket one that can go there? Then it is the kernel's from now on. */
bool shim_goes_to_kernel(int fd, const struct sockaddr *addr, socklen_t len);

/* --- shim_ready.c --------------------------------------------------------------------------- */

/* Before the number of a set is closed or becomes another file. */
void shim_set_forget(int fd);
/* `to` is another number of the set `fd`. */
void shim_set_join(int fd, int to);

/* --- shim_exec.c ----------------------------------------------------------------------------- */

/* May the program at `path` be run with us in it? Else says why not. Keeps errno. */
bool shim_may_run(const char *path);

#endif
