/*
 * posix_poll.c - poll, select and epoll.
 *
 * poll() and select() become face one's poll of many, with a watch for each socket, so that a
 * thread is woken by what it asked for and by nothing else. A set is a socket of face one; who
 * waits for it is woken when a socket of the set has something to tell.
 *
 * None of them is restarted after a signal, whatever SA_RESTART says (signal(7)).
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "posix/posix.h"

enum { MS_PER_S = 1000, US_PER_MS = 1000, US_PER_S = 1000000 };

bool posix_polled_init(struct polled *p, size_t count)
{
    p->count = count;
    p->fds = p->own_fds;
    p->watches = p->own_watches;
    if (count <= POLL_ON_STACK)
        return true;
    p->fds = calloc(count, sizeof *p->fds);
    p->watches = calloc(count, sizeof *p->watches);
    return p->fds && p->watches;
}

void posix_polled_fini(struct polled *p)
{
    if (p->fds != p->own_fds)
        free(p->fds);
    if (p->watches != p->own_watches)
        free(p->watches);
}

void posix_polled_put(struct polled *p, size_t i, int fd, short events)
{
    const struct posix_descriptor *d = posix_find(fd);

    p->fds[i] = (struct sock_pollfd){.s = d ? d->s : fd < 0 ? -1 : INT32_MAX, .events = events};
    p->watches[i] =
        (struct posix_watch){.s = d ? d->s : -1, .events = events, .is_set = d && d->is_set};
}

int posix_polled_run(struct polled *p, struct posix_call *call, int timeout_ms)
{
    call->watches = p->watches;
    call->watch_count = p->count;
    call->never_restarts = true;
    return sock_poll_many(call->stack, p->fds, p->count, timeout_ms, &call->waiter);
}

int tapio_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    struct posix_call call;
    struct polled p;
    struct rlimit limit;

    if (count > POLL_ON_STACK && (getrlimit(RLIMIT_NOFILE, &limit) || count > limit.rlim_cur))
        return posix_fail(EINVAL);
    if (count > 0 && !fds)
        return posix_fail(EFAULT);
    if (!posix_polled_init(&p, count)) {
        posix_polled_fini(&p);
        return posix_fail(ENOMEM);
    }
    if (!posix_begin(&call)) {
        posix_polled_fini(&p);
        return -1;
    }
    for (size_t i = 0; i < count; i++)
        posix_polled_put(&p, i, fds[i].fd, fds[i].events);
    int some = posix_end(&call, posix_polled_run(&p, &call, timeout_ms));
    for (size_t i = 0; i < count && some >= 0; i++)
        fds[i].revents = p.fds[i].revents;
    posix_polled_fini(&p);
    return some;
}

/* --- select ------------------------------------------------------------------------------- */

/* Which of poll's events make a bit of the three sets true, as in Linux. */
enum {
    READABLE = POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR,
    WRITABLE = POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR,
    EXCEPTIONAL = POLLPRI,
};

static bool asks(const fd_set *set, int fd)
{
    return set && FD_ISSET(fd, set);
}

/* Milliseconds, rounded up; -1 without end. -EINVAL. */
static int select_ms(const struct timeval *timeout, int *ms)
{
    *ms = -1;
    if (!timeout)
        return 0;
    if (timeout->tv_sec < 0 || timeout->tv_usec < 0 || timeout->tv_usec >= US_PER_S)
        return -EINVAL;
    if (timeout->tv_sec < INT32_MAX / MS_PER_S - 1)
        *ms = (int)(timeout->tv_sec * MS_PER_S + (timeout->tv_usec + US_PER_MS - 1) / US_PER_MS);
    else
        *ms = INT32_MAX; /* 24 days */
    return 0;
}

static void tell_rest(struct timeval *timeout, int64_t slept)
{
    int64_t rest = timeout->tv_sec * NS_PER_S + timeout->tv_usec * NS_PER_US - slept;

    rest = rest > 0 ? rest : 0;
    timeout->tv_sec = rest / NS_PER_S;
    timeout->tv_usec = rest % NS_PER_S / NS_PER_US;
}

/* One bit of a set: what was asked for and holds stays. */
static int keep(fd_set *set, int fd, short revents, int meaning)
{
    if (!asks(set, fd))
        return 0;
    if (revents & meaning)
        return 1;
    FD_CLR(fd, set);
    return 0;
}

/* The sets as a list; each asked for once. */
struct selection {
    fd_set *readable, *writable, *exceptional;
    int numbers[FD_SETSIZE];
    size_t count;
};

static short events_of(const struct selection *sel, int fd)
{
    int events = asks(sel->readable, fd) ? READABLE : 0;

    if (asks(sel->writable, fd))
        events |= WRITABLE;
    if (asks(sel->exceptional, fd))
        events |= EXCEPTIONAL;
    return (short)events;
}

static int select_now(struct selection *sel, struct polled *p, struct timeval *timeout, int ms)
{
    struct posix_call call;

    if (!posix_begin(&call))
        return -1;
    instant before = stack_now(call.stack);
    int some = 0;
    for (size_t i = 0; i < sel->count; i++) {
        posix_polled_put(p, i, sel->numbers[i], events_of(sel, sel->numbers[i]));
        if (!posix_find(sel->numbers[i]))
            some = -EBADF;
    }
    if (some == 0)
        some = posix_polled_run(p, &call, ms);
    if (timeout)
        tell_rest(timeout, instant_since(stack_now(call.stack), before));
    return posix_end(&call, some);
}

int tapio_select(int count, fd_set *readable, fd_set *writable, fd_set *exceptional,
                 struct timeval *timeout)
{
    struct selection sel = {.readable = readable, .writable = writable, .exceptional = exceptional};
    struct polled p;
    int ms, bits = 0;

    if (count < 0 || count > FD_SETSIZE || select_ms(timeout, &ms))
        return posix_fail(EINVAL);
    for (int fd = 0; fd < count; fd++)
        if (events_of(&sel, fd))
            sel.numbers[sel.count++] = fd;
    bool fits = posix_polled_init(&p, sel.count);
    int some = fits ? select_now(&sel, &p, timeout, ms) : posix_fail(ENOMEM);
    for (size_t i = 0; i < sel.count && some >= 0; i++) {
        short revents = p.fds[i].revents;
        bits += keep(readable, sel.numbers[i], revents, READABLE);
        bits += keep(writable, sel.numbers[i], revents, WRITABLE);
        bits += keep(exceptional, sel.numbers[i], revents, EXCEPTIONAL);
    }
    posix_polled_fini(&p);
    return some < 0 ? some : bits;
}

/* --- epoll -------------------------------------------------------------------------------- */

int tapio_epoll_ctl(int epoll, int operation, int s, struct epoll_event *event)
{
    struct posix_call call;

    if (!posix_enter(&call, epoll, POSIX_ANY))
        return -1;
    const struct posix_descriptor *d = posix_find(s);
    if (!d)
        return posix_end(&call, operation != EPOLL_CTL_DEL && !event ? -EFAULT : -EBADF);
    int err = sock_epoll_ctl(call.stack, call.s, operation, d->s, event);
    if (!err)
        posix_tell_holds(call.stack, call.s); /* what is new may hold already */
    return posix_end(&call, err);
}

int tapio_epoll_wait(int epoll, struct epoll_event *events, int max_events, int timeout_ms)
{
    struct posix_call call;

    if (!posix_enter(&call, epoll, POSIX_ANY))
        return -1;
    call.never_restarts = true;
    call.watch.is_set = true;
    return posix_end(
        &call, sock_epoll_wait(call.stack, call.s, events, max_events, timeout_ms, &call.waiter));
}
