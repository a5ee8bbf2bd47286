/*
 * posix_wait.c - threads that wait, and who wakes them.
 *
 * A call that must wait links a watch into a bucket by its socket (poll: one for each), gives the
 * lock back and sleeps on a futex of its own. Between its last look and the link the lock was held
 * throughout, so nothing can happen unseen. The polling thread, or whoever changes a socket, walks
 * the socket's bucket: threads at other sockets sleep on.
 *
 * Of several threads that would read, write or accept at one socket, one is woken, as in Linux. It
 * may find nothing (another call was quicker), leave early (a signal, its time) or leave something
 * over; so whoever has slept and leaves passes on what still holds (posix_pass_on()).
 *
 * Why a futex and no condition variable: pthread_cond_wait() does not return when a signal's
 * handler has run, and recv() must (EINTR). The kernel restarts a futex that waits without limit
 * after a handler with SA_RESTART, and never one that has a time limit: word for word what
 * signal(7) says of recv() with and without SO_RCVTIMEO. poll() and its kin are never restarted;
 * they wait with a limit of years. A handler that runs after the last look and before the futex
 * goes unseen, as it would just before the call.
 *
 * Times are face one's: a deadline on the clock of the stack's env, waited for as a remainder.
 */
#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "posix/posix.h"
#include "stack/stack.h"

enum { ALWAYS = POLLERR | POLLHUP | POLLNVAL };

/* A limit that nobody lives to see, for calls that are not to be restarted. */
static const int64_t YEARS_NS = INT64_C(100) * 365 * 86400 * NS_PER_S;

static struct list *bucket_of(int s)
{
    return &posix.watches[(unsigned)s % POSIX_BUCKETS];
}

void posix_watch_add(struct posix_watch *watch)
{
    list_append(bucket_of(watch->s), &watch->node);
    if (watch->is_set)
        list_append(&posix.set_watches, &watch->set);
}

void posix_watch_remove(struct posix_watch *watch)
{
    list_remove(&watch->node);
    list_remove(&watch->set);
}

/* --- waking ------------------------------------------------------------------------------- */

void posix_wake(struct posix_call *call)
{
    if (atomic_exchange_explicit(&call->awake, 1, memory_order_relaxed))
        return;
    if (posix.wake_count < POSIX_WAKES)
        posix.wakes[posix.wake_count++] = &call->awake;
    else
        syscall(SYS_futex, &call->awake, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void wake_watch(struct posix_watch *watch)
{
    if (watch->foreign)
        posix_fire(watch->foreign);
    else
        posix_wake(watch->call);
}

void posix_tell(int s, short holds)
{
    struct list *bucket = bucket_of(s), *node, *next;
    short taken = 0; /* what somebody has been woken for, who will pass it on */

    for (node = bucket->next; node != bucket; node = next) {
        struct posix_watch *watch = CONTAINER_OF(node, struct posix_watch, node);
        next = node->next;
        if (watch->s != s || !(holds & (watch->events | ALWAYS)))
            continue;
        if (watch->exclusive && !(holds & ((watch->events & ~taken) | ALWAYS)))
            continue;
        wake_watch(watch);
        if (watch->exclusive) {
            taken |= watch->events;
            posix_watch_remove(watch); /* the next event is the next one's */
        }
    }
}

void posix_tell_all(int s)
{
    posix_tell(s, ALWAYS);
}

void posix_tell_everybody(void)
{
    for (unsigned i = 0; i < POSIX_BUCKETS; i++)
        for (struct list *node = posix.watches[i].next; node != &posix.watches[i];
             node = node->next)
            wake_watch(CONTAINER_OF(node, struct posix_watch, node));
}

void posix_tell_sets(struct stack *stack)
{
    struct list todo;
    int told = -1;

    list_init(&todo);
    list_splice(&todo, &posix.set_watches); /* telling takes some out of either list */
    for (struct list *node; (node = list_take(&todo));) {
        int s = CONTAINER_OF(node, struct posix_watch, set)->s;
        list_append(&posix.set_watches, node);
        if (s == told)
            continue;
        told = s;
        posix_tell_holds(stack, s);
    }
}

void posix_tell_holds(struct stack *stack, int s)
{
    int holds = sock_poll(stack, s);

    if (holds > 0)
        posix_tell(s, (short)holds);
}

void posix_pass_on(struct stack *stack, int s)
{
    struct list *bucket = bucket_of(s);

    for (struct list *node = bucket->next; node != bucket; node = node->next) {
        const struct posix_watch *watch = CONTAINER_OF(node, struct posix_watch, node);
        if (watch->s == s && watch->exclusive) {
            posix_tell_holds(stack, s);
            return;
        }
    }
}

/* --- waiting ------------------------------------------------------------------------------ */

/* Sleeps until somebody wakes the call, a signal's handler has run, or `limit` ns are over
 * (negative: no limit). 0, -EINTR or -ETIMEDOUT. Without the lock. */
static int sleep_on(struct posix_call *call, int64_t limit)
{
    struct timespec time;

    if (limit < 0 && call->never_restarts)
        limit = YEARS_NS;
    time = (struct timespec){.tv_sec = limit / NS_PER_S, .tv_nsec = limit % NS_PER_S};
    while (!atomic_load_explicit(&call->awake, memory_order_relaxed)) {
        long result = syscall(SYS_futex, &call->awake, FUTEX_WAIT_PRIVATE, 0,
                              limit < 0 ? NULL : &time, NULL, 0);
        if (result < 0 && errno != EAGAIN)
            return -errno;
        if (limit >= 0 && !atomic_load_explicit(&call->awake, memory_order_relaxed))
            return -ETIMEDOUT; /* woken for nothing: the caller looks at the clock */
    }
    return 0;
}

/* A call of poll() has one more watch, of no socket, for posix_tell_everybody(). */
static void watch_all(struct posix_call *call, int s, short events)
{
    for (size_t i = 0; i < call->watch_count; i++)
        if (call->watches[i].s >= 0)
            posix_watch_add(&call->watches[i]);
    call->watch.s = s;
    call->watch.events = events;
    posix_watch_add(&call->watch);
}

static void unwatch_all(struct posix_call *call)
{
    posix_watch_remove(&call->watch);
    for (size_t i = 0; i < call->watch_count; i++)
        posix_watch_remove(&call->watches[i]);
}

/* struct waiter: face one gives up the stack for a while. */
static int wait_for(struct waiter *waiter, struct stack *stack, int s, short events,
                    instant deadline)
{
    struct posix_call *call = CONTAINER_OF(waiter, struct posix_call, waiter);
    int64_t limit = -1;

    if (call->interrupted)
        return -EINTR; /* it was woken by a signal and an event at once, and the event is gone */
    if (posix.stack != stack)
        return -EBADF;
    if (posix.down)
        return -ENETDOWN;
    if (!instant_is_never(deadline))
        limit = instant_since(deadline, posix_now(stack));
    if (!instant_is_never(deadline) && limit <= 0)
        return -EAGAIN;
    atomic_store_explicit(&call->awake, 0, memory_order_relaxed);
    watch_all(call, s, events);
    call->slept = true;
    posix.waiting++;
    posix_give();
    int err = sleep_on(call, limit);
    posix_take();
    if (--posix.waiting == 0)
        pthread_cond_signal(&posix.left);
    unwatch_all(call);
    stack_tell_time(stack, posix_now(stack));
    call->interrupted = err == -EINTR;
    if (posix.stack == stack && posix.down)
        return -ENETDOWN;
    if (atomic_load_explicit(&call->awake, memory_order_relaxed))
        return 0;
    return err == -ETIMEDOUT ? (instant_before(stack->now, deadline) ? 0 : -EAGAIN) : err;
}

void posix_wait_init(struct posix_call *call)
{
    *call = (struct posix_call){.stack = call->stack,
                                .s = call->s,
                                .waiter = {.wait = wait_for},
                                .watch = {.exclusive = true, .call = call}};
    list_init(&call->watch.node);
    list_init(&call->watch.set);
}
