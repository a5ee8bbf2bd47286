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
 * A handler may also leave by longjmp(), as programs do for SIGTERM or an alarm: the call is never
 * ended then. So what others see of it (struct posix_sleeper) belongs to the thread, and the
 * thread's next call ends it.
 *
 * Times are face one's: a deadline on the clock of the stack's env, waited for as a remainder.
 */
#include <errno.h>
#include <linux/futex.h>
#include <stdlib.h>
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

void posix_ring(const struct posix_alarm *alarm)
{
    const uint64_t one = 1;

    if (alarm->bell < 0) {
        syscall(SYS_futex, alarm->futex, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
        return;
    }
    ssize_t n = write(alarm->bell, &one, sizeof one);
    (void)n; /* its thread has ended, or it rings already */
}

static void wake(struct posix_sleeper *sleeper)
{
    if (atomic_exchange_explicit(&sleeper->awake, 1, memory_order_relaxed))
        return;
    struct posix_alarm alarm = {.futex = &sleeper->awake,
                                .bell = sleeper->by_bell ? sleeper->bell : -1};
    if (posix.wake_count < POSIX_WAKES)
        posix.wakes[posix.wake_count++] = alarm;
    else
        posix_ring(&alarm);
}

void posix_wake(struct posix_call *call)
{
    if (call->sleeper)
        wake(call->sleeper);
}

static void wake_watch(struct posix_watch *watch)
{
    if (watch->foreign)
        posix_fire(watch->foreign);
    else
        wake(watch->sleeper);
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

/* --- who sleeps ----------------------------------------------------------------------------- */

static pthread_key_t sleeper_key;
static pthread_once_t sleeper_once = PTHREAD_ONCE_INIT;
static _Thread_local struct posix_sleeper *own;

/* The thread ends. */
static void free_sleeper(void *at)
{
    struct posix_sleeper *sleeper = at;

    if (!atomic_load(&posix.forked)) {
        posix_take();
        posix_wait_over();
        posix_give();
    }
    own = NULL;
    if (sleeper->bell >= 0 && posix_bell_told)
        posix_bell_told(sleeper->bell, false);
    if (sleeper->bell >= 0)
        close(sleeper->bell);
    free(sleeper->watches);
    free(sleeper);
}

static void make_key(void)
{
    int error = pthread_key_create(&sleeper_key, free_sleeper);
    assert(!error); /* a process has 1024 of them */
    (void)error;
}

struct posix_sleeper *posix_sleeper(void)
{
    if (own)
        return own;
    pthread_once(&sleeper_once, make_key);
    struct posix_sleeper *sleeper = calloc(1, sizeof *sleeper);
    if (!sleeper || pthread_setspecific(sleeper_key, sleeper)) {
        free(sleeper);
        return NULL;
    }
    sleeper->bell = -1;
    list_init(&sleeper->watch.node);
    list_init(&sleeper->watch.set);
    own = sleeper;
    return sleeper;
}

static void add_copy(struct posix_sleeper *sleeper, struct posix_watch *to,
                     const struct posix_watch *from)
{
    *to = *from;
    to->sleeper = sleeper;
    list_init(&to->node);
    list_init(&to->set);
    posix_watch_add(to);
}

/* A call of poll() has one more watch, of no socket, for posix_tell_everybody(). False without
 * memory. */
static bool watch_all(struct posix_sleeper *sleeper, const struct posix_call *call)
{
    if (call->watch_count > sleeper->room) {
        struct posix_watch *more =
            realloc(sleeper->watches, call->watch_count * sizeof *sleeper->watches);
        if (!more)
            return false;
        sleeper->watches = more;
        sleeper->room = call->watch_count;
    }
    sleeper->count = 0;
    for (size_t i = 0; i < call->watch_count; i++)
        if (call->watches[i].s >= 0)
            add_copy(sleeper, &sleeper->watches[sleeper->count++], &call->watches[i]);
    add_copy(sleeper, &sleeper->watch, &call->watch);
    sleeper->by_bell = call->kernel != NULL;
    sleeper->linked = true;
    sleeper->round++;
    posix.waiting++;
    return true;
}

static void unwatch_all(struct posix_sleeper *sleeper)
{
    posix_watch_remove(&sleeper->watch);
    for (size_t i = 0; i < sleeper->count; i++)
        posix_watch_remove(&sleeper->watches[i]);
    sleeper->linked = false;
    if (--posix.waiting == 0)
        pthread_cond_signal(&posix.left);
}

/* A handler has left the call by longjmp(), or makes calls itself while the other goes on beneath
 * it. That one finds itself awake, and looks again. */
void posix_wait_over(void)
{
    if (!own || !own->linked)
        return;
    unwatch_all(own);
    atomic_store_explicit(&own->awake, 1, memory_order_relaxed);
}

/* --- waiting ------------------------------------------------------------------------------ */

/* Sleeps until somebody wakes the call, a signal's handler has run, or `limit` ns are over
 * (negative: no limit). 0, -EINTR or -ETIMEDOUT. Without the lock. */
static int sleep_on(atomic_uint *awake, int64_t limit)
{
    struct timespec time = {.tv_sec = limit / NS_PER_S, .tv_nsec = limit % NS_PER_S};

    while (!atomic_load_explicit(awake, memory_order_relaxed)) {
        long result =
            syscall(SYS_futex, awake, FUTEX_WAIT_PRIVATE, 0, limit < 0 ? NULL : &time, NULL, 0);
        if (result < 0 && errno != EAGAIN)
            return -errno;
        if (limit >= 0 && !atomic_load_explicit(awake, memory_order_relaxed))
            return -ETIMEDOUT; /* woken for nothing: the caller looks at the clock */
    }
    return 0;
}

/* What is left until `deadline`; negative: no limit. */
static int64_t limit_of(const struct posix_call *call, struct stack *stack, instant deadline)
{
    if (!instant_is_never(deadline))
        return instant_since(deadline, posix_now(stack));
    return call->never_restarts && !call->kernel ? YEARS_NS : -1;
}

/* Without the lock for as long as it sleeps. */
static int sleep_well(struct posix_call *call, int64_t limit)
{
    struct posix_sleeper *sleeper = call->sleeper;
    uint32_t round = sleeper->round;

    posix_give();
    int err = call->kernel ? posix_sleep_mixed(sleeper, call->kernel, limit)
                           : sleep_on(&sleeper->awake, limit);
    posix_take();
    bool awake = atomic_load_explicit(&sleeper->awake, memory_order_relaxed);
    if (sleeper->linked && sleeper->round == round)
        unwatch_all(sleeper);
    else
        awake = true; /* a handler has had calls of its own */
    call->interrupted = err == -EINTR;
    return awake ? 0 : err;
}

/* struct waiter: face one gives up the stack for a while. */
static int wait_for(struct waiter *waiter, struct stack *stack, int s, short events,
                    instant deadline)
{
    struct posix_call *call = CONTAINER_OF(waiter, struct posix_call, waiter);

    if (call->interrupted)
        return -EINTR; /* it was woken by a signal and an event at once, and the event is gone */
    if (posix.stack != stack)
        return -EBADF;
    if (posix.down)
        return -ENETDOWN;
    int64_t limit = limit_of(call, stack, deadline);
    if (!instant_is_never(deadline) && limit <= 0)
        return -EAGAIN;
    call->watch.s = s;
    call->watch.events = events;
    call->sleeper = posix_sleeper();
    if (!call->sleeper)
        return -ENOMEM;
    atomic_store_explicit(&call->sleeper->awake, 0, memory_order_relaxed);
    if (!watch_all(call->sleeper, call))
        return -ENOMEM;
    call->slept = true;
    int err = sleep_well(call, limit);
    stack_tell_time(stack, posix_now(stack));
    if (posix.stack == stack && posix.down)
        return -ENETDOWN;
    return err == -ETIMEDOUT ? (instant_before(stack->now, deadline) ? 0 : -EAGAIN) : err;
}

void posix_wait_init(struct posix_call *call)
{
    *call = (struct posix_call){.stack = call->stack,
                                .s = call->s,
                                .waiter = {.wait = wait_for},
                                .watch = {.exclusive = true}};
}
