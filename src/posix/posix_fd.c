/*
 * posix_fd.c - descriptors: numbers that the kernel keeps free for us (ADR 0009).
 *
 * Each is a duplicate of one file of ours, made before and closed after it stands for a socket, so
 * the kernel's table says which number comes next, how many there may be, and that nobody else has
 * it. Our own table says what it stands for.
 *
 * Closing happens under the lock: once the kernel has the number back, another thread may be given
 * it at once, and must not find us still there.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "posix/posix.h"

enum { TABLE_FIRST = 64 };

int posix_reserve(void)
{
    int fd = fcntl(posix.reserve, F_DUPFD_CLOEXEC, 0);

    /* with RLIMIT_NOFILE at 0 the number to begin with is what is wrong */
    return fd < 0 && errno == EINVAL ? posix_fail(EMFILE) : fd;
}

void posix_unreserve(int fd)
{
    close(fd);
}

/* Room for `fd`, which the kernel has bounded. */
static bool grow(int fd)
{
    int len = posix.table_len > 0 ? posix.table_len : TABLE_FIRST;

    while (len <= fd)
        len *= 2;
    if (len == posix.table_len)
        return true;
    struct posix_descriptor *table = realloc(posix.table, (size_t)len * sizeof *table);
    if (!table)
        return false;
    for (int i = posix.table_len; i < len; i++)
        table[i] = (struct posix_descriptor){.s = -1};
    posix.table = table;
    posix.table_len = len;
    return true;
}

/* The entry is empty again, and who waits has to look. */
static int clear(struct posix_descriptor *d)
{
    int s = d->s;

    posix_tell_all(s);
    if (d->foreign)
        posix_watch_remove(&d->foreign->watch);
    free(d->foreign);
    *d = (struct posix_descriptor){.s = -1};
    return s;
}

/* Has another number of the table this socket? Asked only of one that was ever duplicated. */
static bool is_held(int s)
{
    for (int fd = 0; fd < posix.table_len; fd++)
        if (posix.table[fd].s == s)
            return true;
    return false;
}

/* The entry at `fd` is empty, and its socket closed if that was the last number of it. */
static void leave(int fd)
{
    bool shared = posix.table[fd].shared;
    int s = clear(&posix.table[fd]);

    if (!shared || !is_held(s))
        sock_close(posix.stack, s);
}

bool posix_install(int fd, int s, bool is_set, bool cloexec)
{
    if (!grow(fd))
        return false;
    /* Somebody has closed our number by the kernel's close(), or the kernel would not have given it
     * to us again: that was the end of the socket. */
    if (posix.table[fd].s >= 0)
        leave(fd);
    posix.table[fd] = (struct posix_descriptor){.s = s, .is_set = is_set, .cloexec = cloexec};
    return true;
}

struct posix_descriptor *posix_find(int fd)
{
    if (fd < 0 || fd >= posix.table_len || posix.table[fd].s < 0)
        return NULL;
    return &posix.table[fd];
}

bool posix_forget(int fd)
{
    bool shared = posix.table[fd].shared;
    int s = clear(&posix.table[fd]);

    close(fd);
    return !shared || !is_held(s);
}

void posix_drop(int fd)
{
    int s = posix.table[fd].s;

    if (posix_forget(fd))
        sock_close(posix.stack, s);
}

int posix_hand_over(int fd, int own, int flags)
{
    struct posix_call call;

    if (!posix_enter(&call, fd, POSIX_SOCKET))
        return -1;
    if (dup3(own, fd, flags) < 0)
        return posix_end(&call, -errno);
    leave(fd);
    return posix_end(&call, 0);
}

/* --- one socket, several numbers ---------------------------------------------------------- */

/* Under the lock: `fd`, a number of ours, stands for what `from` does. */
static int join(struct posix_call *call, int from, int fd, bool cloexec)
{
    const struct posix_descriptor *d = posix_find(from);

    if (!posix_install(fd, d->s, d->is_set, cloexec))
        return posix_end(call, -ENOMEM);
    posix.table[fd].shared = posix.table[from].shared = true;
    return posix_end(call, fd);
}

int posix_duplicate(int s, int least, bool cloexec)
{
    struct posix_call call;

    if (!posix_enter(&call, s, POSIX_ANY))
        return -1;
    int fd = fcntl(posix.reserve, F_DUPFD_CLOEXEC, least);
    if (fd < 0)
        return posix_end(&call, -errno);
    int result = join(&call, s, fd, cloexec);
    if (result < 0)
        close(fd);
    return result;
}

int tapio_dup(int s)
{
    return posix_duplicate(s, 0, false);
}

int tapio_dup2(int s, int to)
{
    struct posix_call call;

    if (s != to)
        return tapio_dup3(s, to, 0);
    return posix_enter(&call, s, POSIX_ANY) ? posix_end(&call, s) : -1;
}

int tapio_dup3(int s, int to, int flags)
{
    struct posix_call call;

    if (s == to || flags & ~O_CLOEXEC)
        return posix_fail(EINVAL);
    if (!posix_enter(&call, s, POSIX_ANY))
        return -1;
    if (posix_find(to))
        posix_drop(to);
    if (dup3(posix.reserve, to, O_CLOEXEC) < 0) /* which closes a file of the kernel's there */
        return posix_end(&call, -errno);
    int result = join(&call, s, to, flags & O_CLOEXEC);
    if (result < 0)
        close(to);
    return result;
}

/* --- for the loops of others -------------------------------------------------------------- */

void posix_fire(struct posix_foreign *foreign)
{
    const uint64_t one = 1;

    if (foreign->fired)
        return;
    ssize_t n = write(foreign->fd, &one, sizeof one);
    foreign->fired = n == sizeof one; /* else the program has closed it, and will not look */
}

/* The eventfd takes the place of the reserved file, under the same number. */
static int make_foreign(struct posix_descriptor *d, int fd)
{
    struct posix_foreign *foreign = calloc(1, sizeof *foreign);

    if (!foreign)
        return -ENOMEM;
    int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int error = event < 0 ? errno : 0;
    if (!error && dup3(event, fd, O_CLOEXEC) < 0)
        error = errno;
    if (event >= 0)
        close(event);
    if (error) {
        free(foreign);
        return -error;
    }
    foreign->fd = fd;
    foreign->watch = (struct posix_watch){.s = d->s, .is_set = d->is_set, .foreign = foreign};
    list_init(&foreign->watch.node);
    list_init(&foreign->watch.set);
    d->foreign = foreign;
    return 0;
}

int tapio_fd(int s)
{
    struct posix_call call;

    if (!posix_enter(&call, s, POSIX_ANY))
        return -1;
    struct posix_descriptor *d = posix_find(s);
    int err = d->foreign ? 0 : make_foreign(d, s);
    return posix_end(&call, err ? err : s);
}

int tapio_fd_arm(int s, short events)
{
    struct posix_call call;

    if (!posix_enter(&call, s, POSIX_ANY))
        return -1;
    struct posix_descriptor *d = posix_find(s);
    struct posix_foreign *foreign = d->foreign;
    if (!foreign)
        return posix_end(&call, -EINVAL); /* tapio_fd() comes first */
    posix_watch_remove(&foreign->watch);
    if (foreign->fired) {
        uint64_t count;
        ssize_t n = read(s, &count, sizeof count);
        (void)n; /* or the program has read it itself */
        foreign->fired = false;
    }
    foreign->watch.events = events;
    if (events) {
        posix_watch_add(&foreign->watch);
        short holds = (short)sock_poll(call.stack, d->s);
        if (holds & (events | POLLERR | POLLHUP))
            posix_fire(foreign);
    }
    return posix_end(&call, 0);
}
