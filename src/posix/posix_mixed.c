/*
 * posix_mixed.c - waiting for sockets of ours and descriptors of the kernel's at once.
 *
 * What an unmodified program does (`tapio exec`): its listener is ours, its terminal, its pipes and
 * its timers are the kernel's. Two ways were weighed (ADR 0014): an eventfd for each socket, given
 * to the kernel's epoll in its place, and one for each thread that waits. The first costs two calls
 * of the kernel for each event of each socket, the second two for each time that a thread sleeps,
 * and none under load, when something is ready whenever it is asked.
 *
 * So a call asks our sockets first, as posix_poll.c does. If one has something to say the kernel is
 * asked what it has, without waiting. Else the thread sleeps in ppoll() on the kernel's descriptors
 * and on its bell, which is rung in place of the futex (posix_ring()). A bell may still ring from
 * the last time: then the thread wakes for nothing, once.
 *
 * Of an epoll set the kernel's half is one descriptor for ppoll(). It is asked in each call that
 * finds nothing of ours, and in every sixteenth that does, so that neither half starves the other.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "posix/posix.h"

enum { KERNEL_TURN = 16 };

/* --- the bell ----------------------------------------------------------------------------- */

void (*posix_bell_told)(int fd, bool there);

int posix_bell(void)
{
    struct posix_sleeper *sleeper = posix_sleeper();

    if (!sleeper)
        return -ENOMEM;
    if (sleeper->bell >= 0)
        return sleeper->bell;
    sleeper->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (sleeper->bell < 0)
        return -errno;
    if (posix_bell_told)
        posix_bell_told(sleeper->bell, true);
    return sleeper->bell;
}

static bool some_ready(const struct posix_kernel *kernel)
{
    for (nfds_t i = 1; i < kernel->count; i++)
        if (kernel->fds[i].revents)
            return true;
    return false;
}

int posix_sleep_mixed(struct posix_sleeper *sleeper, struct posix_kernel *kernel, int64_t limit_ns)
{
    struct timespec limit = {.tv_sec = limit_ns / NS_PER_S, .tv_nsec = limit_ns % NS_PER_S};

    for (;;) {
        uint64_t count;
        int ready = ppoll(kernel->fds, kernel->count, limit_ns < 0 ? NULL : &limit, kernel->mask);
        if (ready < 0)
            return -errno;
        if (kernel->fds[0].revents) {
            ssize_t n = read(kernel->fds[0].fd, &count, sizeof count);
            (void)n; /* it has rung: nobody else reads it */
        }
        kernel->ready = some_ready(kernel);
        if (kernel->ready)
            return -ECANCELED;
        if (atomic_load_explicit(&sleeper->awake, memory_order_relaxed))
            return 0;
        if (ready == 0)
            return -ETIMEDOUT;
        if (limit_ns >= 0) /* a stale ring: the caller looks at the clock */
            return -ETIMEDOUT;
    }
}

/* --- poll ------------------------------------------------------------------------------------ */

/* The kernel's share of what poll() was asked: fds[0] is for the bell. */
struct share {
    struct posix_kernel kernel;
    struct pollfd own[POLL_ON_STACK + 1];
};

static bool share_init(struct share *share, nfds_t count)
{
    share->kernel = (struct posix_kernel){.fds = share->own, .count = 1};
    if (count > POLL_ON_STACK)
        share->kernel.fds = calloc(count + 1, sizeof(struct pollfd));
    return share->kernel.fds;
}

static void share_fini(struct share *share)
{
    if (share->kernel.fds != share->own)
        free(share->kernel.fds);
}

/* Divides what was asked: ours go into `p`, the others to the kernel. */
static void divide(struct polled *p, struct share *share, const struct pollfd *fds, nfds_t count)
{
    for (nfds_t i = 0; i < count; i++) {
        bool ours = fds[i].fd >= 0 && posix_find(fds[i].fd);
        posix_polled_put(p, i, ours ? fds[i].fd : -1, fds[i].events);
        if (!ours && fds[i].fd >= 0)
            share->kernel.fds[share->kernel.count++] =
                (struct pollfd){.fd = fds[i].fd, .events = fds[i].events};
    }
}

/* Both answers as one; the kernel's came in the order of the questions. */
static int unite(const struct polled *p, const struct share *share, struct pollfd *fds,
                 nfds_t count)
{
    nfds_t next = 1;
    int some = 0;

    for (nfds_t i = 0; i < count; i++) {
        bool kernels = p->fds[i].s < 0 && fds[i].fd >= 0;
        fds[i].revents = kernels ? share->kernel.fds[next++].revents : p->fds[i].revents;
        some += fds[i].revents != 0;
    }
    return some;
}

static int poll_mixed(struct polled *p, struct share *share, struct pollfd *fds, nfds_t count,
                      int timeout_ms)
{
    struct posix_call call;

    if (!posix_begin(&call))
        return -1;
    divide(p, share, fds, count);
    call.kernel = &share->kernel;
    int some = posix_end(&call, posix_polled_run(p, &call, timeout_ms));
    if (some < 0 && errno != ECANCELED)
        return -1;
    if (!share->kernel.ready && share->kernel.count > 1 &&
        poll(share->kernel.fds + 1, share->kernel.count - 1, 0) < 0)
        return -1;
    return unite(p, share, fds, count);
}

int posix_poll_mixed(struct pollfd *fds, nfds_t count, int timeout_ms, const sigset_t *mask)
{
    struct polled p;
    struct share share;

    int ring = posix_bell();
    if (ring < 0)
        return posix_fail(-ring);
    bool fits = posix_polled_init(&p, count), shares = share_init(&share, count);
    int some = -1;
    if (fits && shares) {
        share.kernel.fds[0] = (struct pollfd){.fd = ring, .events = POLLIN};
        share.kernel.mask = mask;
        some = poll_mixed(&p, &share, fds, count, timeout_ms);
    }
    int error = fits && shares ? errno : ENOMEM;
    posix_polled_fini(&p);
    share_fini(&share);
    return some < 0 ? posix_fail(error) : some;
}

/* --- epoll ----------------------------------------------------------------------------------- */

/* Both halves of a set, and who waits for them. */
struct halves {
    int ours, kernels;
    bool empty;
    struct posix_kernel kernel;
    struct pollfd fds[2];
};

/* Waits at our half, and for the kernel's. As posix_epoll_mixed(), but 0 with kernel.ready: the
 * kernel's half is to be asked. */
static int wait_at_ours(struct halves *halves, struct epoll_event *events, int max_events,
                        int timeout_ms)
{
    struct posix_call call;

    if (!posix_enter(&call, halves->ours, POSIX_ANY))
        return -1;
    call.never_restarts = true;
    call.watch.is_set = true;
    call.kernel = &halves->kernel;
    halves->kernel.ready = false;
    int some = posix_end(
        &call, sock_epoll_wait(call.stack, call.s, events, max_events, timeout_ms, &call.waiter));
    return some < 0 && errno == ECANCELED ? 0 : some;
}

static instant clock_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (instant){(int64_t)t.tv_sec * NS_PER_S + t.tv_nsec};
}

static int rest_ms(instant deadline)
{
    int64_t rest = instant_since(deadline, clock_now());

    return rest > 0 ? (int)((rest + NS_PER_MS - 1) / NS_PER_MS) : 0;
}

static int wait_at_both(struct halves *halves, struct epoll_event *events, int max_events,
                        int timeout_ms)
{
    instant deadline =
        timeout_ms > 0 ? instant_add(clock_now(), timeout_ms * NS_PER_MS) : INSTANT_NEVER;

    for (;;) {
        int some = wait_at_ours(halves, events, max_events, timeout_ms);
        if (some != 0)
            return some;
        bool told = halves->kernel.ready;
        if (told || !halves->empty)
            some = epoll_wait(halves->kernels, events, max_events, 0);
        if (some != 0 || !told || timeout_ms == 0)
            return some;
        if (timeout_ms > 0) /* another thread was quicker */
            timeout_ms = rest_ms(deadline);
    }
}

int posix_epoll_mixed(int ours, int kernels, bool empty, struct epoll_event *events, int max_events,
                      int timeout_ms, const sigset_t *mask)
{
    static _Thread_local unsigned turn;
    struct halves halves = {.ours = ours, .kernels = kernels, .empty = empty};
    int first = 0;

    halves.fds[0] = (struct pollfd){.fd = posix_bell(), .events = POLLIN};
    halves.fds[1] = (struct pollfd){.fd = kernels, .events = POLLIN};
    halves.kernel = (struct posix_kernel){.fds = halves.fds, .count = 2, .mask = mask};
    if (halves.fds[0].fd < 0)
        return posix_fail(-halves.fds[0].fd);
    if (!empty && ++turn % KERNEL_TURN == 0 && max_events > 0) {
        first = epoll_wait(kernels, events, max_events, 0);
        if (first < 0 || first == max_events)
            return first;
    }
    if (first == 0)
        return wait_at_both(&halves, events, max_events, timeout_ms);
    int some = wait_at_ours(&halves, events + first, max_events - first, 0);
    return first + (some > 0 ? some : 0);
}
