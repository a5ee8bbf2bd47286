/*
 * shim_ready.c - poll, select and epoll over descriptors of both kinds.
 *
 * What has no socket of ours in it goes to the kernel as it is. For the rest src/posix waits for
 * both kinds at once (posix_mixed.c); select() becomes a poll() of those whose bits are set.
 *
 * An epoll set is the kernel's, under its own number. When the first socket of ours is added it
 * gets another half, a set of src/posix under a hidden number, and each operation goes to the half
 * that its descriptor belongs to. A thread that waits in the kernel's half at that moment would
 * never hear of ours: it is called back by an eventfd in the kernel's half, once, whose data is a
 * number that nobody else uses, the address of the set.
 *
 * Left out: a set with sockets of ours inside another set; EPOLLEXCLUSIVE and EPOLLWAKEUP have no
 * effect on sockets of ours, whose waking is exclusive anyway.
 */
#include "shim.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/instant.h"
#include "posix/posix.h"

struct set {
    atomic_int ours;    /* a hidden number of src/posix; -1: no socket of ours was ever in it */
    atomic_int kernels; /* descriptors in the kernel's half; some may have been closed since */
    atomic_int numbers; /* that the set has */
    atomic_int waiting; /* threads in the kernel's half alone */
};

static _Atomic(struct set *) sets[SHIM_FDS];
static pthread_mutex_t sets_lock = PTHREAD_MUTEX_INITIALIZER; /* who gives a set its half */

/* --- poll ----------------------------------------------------------------------------------- */

static bool has_ours(const struct pollfd *fds, nfds_t count)
{
    for (nfds_t i = 0; i < count; i++)
        if (fds[i].fd >= 0 && shim_is_socket(fds[i].fd))
            return true;
    return false;
}

/* Milliseconds, rounded up; -1 without end; -2: no time at all. */
static int to_ms(const struct timespec *t)
{
    if (!t)
        return -1;
    if (t->tv_sec < 0 || t->tv_nsec < 0 || t->tv_nsec >= NS_PER_S)
        return -2;
    if (t->tv_sec > INT32_MAX / 1000 - 1)
        return INT32_MAX;
    return (int)(t->tv_sec * 1000 + (t->tv_nsec + NS_PER_MS - 1) / NS_PER_MS);
}

SHIM(int, poll, (struct pollfd * fds, nfds_t count, int timeout_ms))
{
    if (!has_ours(fds, count))
        return real()->poll(fds, count, timeout_ms);
    return (int)shim_told(posix_poll_mixed(fds, count, timeout_ms, NULL));
}

SHIM(int, __poll_chk, (struct pollfd * fds, nfds_t count, int timeout_ms, size_t room))
{
    return room / sizeof *fds < count ? real()->__poll_chk(fds, count, timeout_ms, room)
                                      : shim_poll(fds, count, timeout_ms);
}

SHIM(int, ppoll,
     (struct pollfd * fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask))
{
    if (!has_ours(fds, count))
        return real()->ppoll(fds, count, timeout, mask);
    int ms = to_ms(timeout);
    if (ms < -1) {
        errno = EINVAL;
        return -1;
    }
    return (int)shim_told(posix_poll_mixed(fds, count, ms, mask));
}

SHIM(int, __ppoll_chk,
     (struct pollfd * fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask,
      size_t room))
{
    return room / sizeof *fds < count ? real()->__ppoll_chk(fds, count, timeout, mask, room)
                                      : shim_ppoll(fds, count, timeout, mask);
}

/* --- select --------------------------------------------------------------------------------- */

/* Which of poll's events make a bit of the three sets true, as in Linux. */
enum {
    READABLE = POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR,
    WRITABLE = POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR,
    EXCEPTIONAL = POLLPRI,
};

struct selection {
    fd_set *set[3];
    int count;
};

static const short meaning[3] = {READABLE, WRITABLE, EXCEPTIONAL};

/* Programs make sets that are longer than an fd_set, so FD_ISSET() with its check is not for us. */
static unsigned long *word_of(fd_set *set, int fd)
{
    return (unsigned long *)(void *)set + (unsigned)fd / (8 * sizeof(unsigned long));
}

static unsigned long bit_of(int fd)
{
    return 1ul << ((unsigned)fd % (8 * sizeof(unsigned long)));
}

static short asked_of(const struct selection *sel, int fd)
{
    int events = 0;

    for (int i = 0; i < 3; i++)
        if (sel->set[i] && *word_of(sel->set[i], fd) & bit_of(fd))
            events |= meaning[i];
    return (short)events;
}

static bool selects_ours(const struct selection *sel)
{
    for (int fd = 0; fd < sel->count; fd++)
        if (shim_is_socket(fd) && asked_of(sel, fd))
            return true;
    return false;
}

static int tell_bits(const struct selection *sel, const struct pollfd *fds, size_t count)
{
    int bits = 0;

    for (size_t i = 0; i < count; i++)
        for (int k = 0; k < 3; k++) {
            fd_set *set = sel->set[k];
            if (!set || !(*word_of(set, fds[i].fd) & bit_of(fds[i].fd)))
                continue;
            if (fds[i].revents & meaning[k])
                bits++;
            else
                *word_of(set, fds[i].fd) &= ~bit_of(fds[i].fd);
        }
    return bits;
}

static int select_mixed(const struct selection *sel, int timeout_ms, const sigset_t *mask)
{
    struct pollfd *fds = calloc((size_t)sel->count, sizeof *fds);
    size_t count = 0;
    int error = ENOMEM, bits = -1;

    for (int fd = 0; fds && fd < sel->count; fd++)
        if (asked_of(sel, fd))
            fds[count++] = (struct pollfd){.fd = fd, .events = asked_of(sel, fd)};
    if (fds) {
        int some = posix_poll_mixed(fds, count, timeout_ms, mask);
        error = errno;
        for (size_t i = 0; i < count && some > 0; i++)
            if (fds[i].revents & POLLNVAL) {
                some = -1;
                error = EBADF;
            }
        if (some >= 0)
            bits = tell_bits(sel, fds, count);
    }
    free(fds);
    errno = error;
    return (int)shim_told(bits);
}

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

SHIM(int, select,
     (int count, fd_set *readable, fd_set *writable, fd_set *exceptional, struct timeval *timeout))
{
    struct selection sel = {.set = {readable, writable, exceptional}, .count = count};

    if (count < 0 || count > SHIM_FDS || !selects_ours(&sel))
        return real()->select(count, readable, writable, exceptional, timeout);
    struct timespec limit = {0};
    if (timeout)
        limit = (struct timespec){.tv_sec = timeout->tv_sec, .tv_nsec = timeout->tv_usec * 1000};
    int ms = to_ms(timeout ? &limit : NULL);
    if (ms < -1) {
        errno = EINVAL;
        return -1;
    }
    int64_t before = now_ns();
    int bits = select_mixed(&sel, ms, NULL);
    if (timeout) { /* what was not slept, as Linux tells */
        int64_t rest = limit.tv_sec * NS_PER_S + limit.tv_nsec - (now_ns() - before);
        rest = rest > 0 ? rest : 0;
        *timeout =
            (struct timeval){.tv_sec = rest / NS_PER_S, .tv_usec = rest % NS_PER_S / NS_PER_US};
    }
    return bits;
}

SHIM(int, pselect,
     (int count, fd_set *readable, fd_set *writable, fd_set *exceptional,
      const struct timespec *timeout, const sigset_t *mask))
{
    struct selection sel = {.set = {readable, writable, exceptional}, .count = count};

    if (count < 0 || count > SHIM_FDS || !selects_ours(&sel))
        return real()->pselect(count, readable, writable, exceptional, timeout, mask);
    int ms = to_ms(timeout);
    if (ms < -1) {
        errno = EINVAL;
        return -1;
    }
    return select_mixed(&sel, ms, mask);
}

/* --- epoll: sets -------------------------------------------------------------------------- */

static struct set *find_set(int fd)
{
    return shim_kind(fd) == SHIM_SET ? atomic_load(&sets[fd]) : NULL;
}

/* The kernel's set gets a record of ours; without memory it stays the kernel's alone. */
static int adopt_set(int fd)
{
    if (fd < 0 || fd >= SHIM_FDS)
        return fd;
    struct set *set = calloc(1, sizeof *set);
    if (!set)
        return fd;
    atomic_store(&set->ours, -1);
    atomic_store(&set->numbers, 1);
    atomic_store(&sets[fd], set);
    shim_set_kind(fd, SHIM_SET);
    return fd;
}

void shim_set_forget(int fd)
{
    struct set *set = atomic_exchange(&sets[fd], NULL);

    shim_set_kind(fd, SHIM_KERNEL);
    if (!set || atomic_fetch_sub(&set->numbers, 1) > 1)
        return;
    int ours = atomic_load(&set->ours);
    if (ours >= 0) {
        shim_set_kind(ours, SHIM_KERNEL);
        tapio_close(ours);
    }
    free(set);
}

void shim_set_join(int fd, int to)
{
    struct set *set = find_set(fd);

    if (!set || to < 0 || to >= SHIM_FDS)
        return;
    atomic_fetch_add(&set->numbers, 1);
    atomic_store(&sets[to], set);
    shim_set_kind(to, SHIM_SET);
}

SHIM(int, epoll_create, (int size))
{
    return adopt_set(real()->epoll_create(size));
}

SHIM(int, epoll_create1, (int flags))
{
    return adopt_set(real()->epoll_create1(flags));
}

/* --- epoll: its other half ---------------------------------------------------------------- */

/* Threads that wait in the kernel's half come back and look again. */
static void call_back(int epoll, struct set *set)
{
    if (atomic_load(&set->waiting) == 0)
        return;
    int event = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event asked = {.events = EPOLLIN, .data.ptr = set};
    if (event < 0)
        return;
    if (real()->epoll_ctl(epoll, EPOLL_CTL_ADD, event, &asked) == 0)
        for (int i = 0; i < 1000 && atomic_load(&set->waiting) > 0; i++)
            usleep(1000);
    real()->close(event); /* which takes it out of the set */
}

/* The number of our half, made if need be; -1 with errno. */
static int half_of(int epoll, struct set *set)
{
    int ours = atomic_load(&set->ours);

    if (ours >= 0)
        return ours;
    pthread_mutex_lock(&sets_lock);
    ours = atomic_load(&set->ours);
    if (ours < 0) {
        ours = tapio_epoll_create1(EPOLL_CLOEXEC);
        if (ours >= SHIM_FDS) {
            tapio_close(ours);
            errno = EMFILE;
            ours = -1;
        }
        if (ours >= 0) {
            shim_set_kind(ours, SHIM_HIDDEN);
            atomic_store(&set->ours, ours);
            call_back(epoll, set);
        }
    }
    pthread_mutex_unlock(&sets_lock);
    return ours;
}

static int control_ours(int epoll, int operation, int fd, const struct epoll_event *event)
{
    struct set *set = find_set(epoll);
    struct epoll_event copy;

    if (!set) {
        errno = real()->fcntl(epoll, F_GETFD, NULL) < 0 ? EBADF : EINVAL;
        return -1;
    }
    if (shim_is_orphan())
        return -1;
    int ours = half_of(epoll, set);
    if (ours < 0)
        return -1;
    if (event) {
        copy = *event;
        copy.events &= ~(uint32_t)(EPOLLEXCLUSIVE | EPOLLWAKEUP);
    }
    return (int)shim_told(tapio_epoll_ctl(ours, operation, fd, event ? &copy : NULL));
}

SHIM(int, epoll_ctl, (int epoll, int operation, int fd, struct epoll_event *event))
{
    if (shim_is_socket(fd))
        return control_ours(epoll, operation, fd, event);
    int result = real()->epoll_ctl(epoll, operation, fd, event);
    struct set *set = result == 0 ? find_set(epoll) : NULL;
    if (set && operation == EPOLL_CTL_ADD)
        atomic_fetch_add(&set->kernels, 1);
    if (set && operation == EPOLL_CTL_DEL)
        atomic_fetch_sub(&set->kernels, 1);
    return result;
}

/* --- epoll: waiting ----------------------------------------------------------------------- */

/* Takes call_back()'s event out of what was found; true when it was there. */
static bool was_called_back(const struct set *set, struct epoll_event *events, int *count)
{
    for (int i = 0; i < *count; i++)
        if (events[i].data.ptr == (const void *)set) {
            memmove(events + i, events + i + 1, (size_t)(*count - i - 1) * sizeof *events);
            (*count)--;
            return true;
        }
    return false;
}

static int wait_at(int epoll, struct epoll_event *events, int max_events, int timeout_ms,
                   const sigset_t *mask)
{
    struct set *set = find_set(epoll);

    if (set && atomic_load(&set->ours) < 0) {
        atomic_fetch_add(&set->waiting, 1);
        int count = 0;
        bool called = atomic_load(&set->ours) >= 0;
        if (!called)
            count = mask ? real()->epoll_pwait(epoll, events, max_events, timeout_ms, mask)
                         : real()->epoll_wait(epoll, events, max_events, timeout_ms);
        called = called || was_called_back(set, events, &count);
        atomic_fetch_sub(&set->waiting, 1);
        if (!called || count != 0)
            return count;
    }
    if (!set)
        return real()->epoll_pwait(epoll, events, max_events, timeout_ms, mask);
    if (shim_is_orphan())
        return -1;
    for (;;) {
        int count =
            posix_epoll_mixed(atomic_load(&set->ours), epoll, atomic_load(&set->kernels) <= 0,
                              events, max_events, timeout_ms, mask);
        /* others may be called back still: then it is seen again, for a moment */
        if (count <= 0 || !was_called_back(set, events, &count) || count > 0)
            return (int)shim_told(count);
    }
}

SHIM(int, epoll_wait, (int epoll, struct epoll_event *events, int max_events, int timeout_ms))
{
    return wait_at(epoll, events, max_events, timeout_ms, NULL);
}

SHIM(int, epoll_pwait,
     (int epoll, struct epoll_event *events, int max_events, int timeout_ms, const sigset_t *mask))
{
    return wait_at(epoll, events, max_events, timeout_ms, mask);
}

SHIM(int, epoll_pwait2,
     (int epoll, struct epoll_event *events, int max_events, const struct timespec *timeout,
      const sigset_t *mask))
{
    int ms = to_ms(timeout);

    if (ms < -1) {
        errno = EINVAL;
        return -1;
    }
    return wait_at(epoll, events, max_events, ms, mask);
}
