/*
 * posix.c - the stack of this process: who may touch it, and when the polling thread is woken.
 *
 * One lock guards the stack and everything here. A call takes it, tells the stack the time, does
 * what face one does, and gives it back. Sending is the polling thread's work alone: a call only
 * leaves a debt behind. If that thread sleeps then, and there is a debt, or a timer that is due
 * before it would wake up, its eventfd is written; whoever comes next sees that it has been kicked
 * already. A call that leaves nothing to do (most reads) costs no system call at all.
 *
 * The lock is not fair, which is good for throughput and bad for a polling thread that gives it
 * back only to take it again, and for one that never gets it because the callers are quicker. So it
 * yields while somebody waits, and when it does not get the lock at once it holds a gate that
 * callers have to pass.
 *
 * Threads are woken after the lock is given back: they would only run into it.
 *
 * After fork() the lock may be held by a thread that the child does not have. So the child never
 * asks for it: a flag says EPERM first (THREATS F05).
 */
#include "posix/posix.h"

#include <errno.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "stack/stack.h"

enum { YIELDS = 32 };

struct posix posix = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .gate = PTHREAD_MUTEX_INITIALIZER,
    .left = PTHREAD_COND_INITIALIZER,
    .reserve = -1,
    .wake_fd = -1,
};

/* --- the lock ----------------------------------------------------------------------------- */

void posix_take(void)
{
    if (atomic_load_explicit(&posix.turn_wanted, memory_order_relaxed)) {
        pthread_mutex_lock(&posix.gate);
        pthread_mutex_unlock(&posix.gate);
    }
    if (pthread_mutex_trylock(&posix.lock) == 0)
        return;
    atomic_fetch_add_explicit(&posix.callers, 1, memory_order_relaxed);
    pthread_mutex_lock(&posix.lock);
    atomic_fetch_sub_explicit(&posix.callers, 1, memory_order_relaxed);
}

static instant next_deadline(const struct stack *stack)
{
    return instant_min(stack_deadline(stack), posix_resolver_deadline());
}

/* Has the polling thread something to do before it would wake up by itself? */
static bool is_needed(const struct stack *stack)
{
    return stack_owes(stack) || instant_before(next_deadline(stack), posix.sleeps_until);
}

/* Without the lock, which the other would only run into; `kicked` has been set under it. */
static void kick(void)
{
    const uint64_t one = 1;

    ssize_t n = write(posix.wake_fd, &one, sizeof one);
    assert(n == sizeof one); /* it is read before it could be full */
}

void posix_give(void)
{
    struct posix_alarm wakes[POSIX_WAKES];
    unsigned count = posix.wake_count;
    bool kicks = posix.stack && posix.sleeping && !posix.kicked &&
                 (posix.stopping || is_needed(posix.stack));

    for (unsigned i = 0; i < count; i++)
        wakes[i] = posix.wakes[i];
    posix.wake_count = 0;
    posix.kicked = posix.kicked || kicks;
    pthread_mutex_unlock(&posix.lock);
    for (unsigned i = 0; i < count; i++) /* who has woken by itself and gone does not mind */
        posix_ring(&wakes[i]);
    if (kicks)
        kick();
}

instant posix_now(const struct stack *stack)
{
    return (instant){stack->env.mono_ns(stack->env.context)};
}

/* --- a call ------------------------------------------------------------------------------- */

int posix_fail(int error)
{
    errno = error;
    return -1;
}

bool posix_begin(struct posix_call *call)
{
    if (atomic_load_explicit(&posix.forked, memory_order_relaxed)) {
        errno = EPERM;
        return false;
    }
    posix_take();
    if (!posix.stack) {
        posix_give();
        errno = ENETDOWN;
        return false;
    }
    call->stack = posix.stack;
    call->s = -1;
    posix_wait_over();
    posix_wait_init(call);
    stack_tell_time(call->stack, posix_now(call->stack));
    return true;
}

bool posix_enter(struct posix_call *call, int fd, enum posix_kind kind)
{
    if (!posix_begin(call))
        return false;
    const struct posix_descriptor *d = posix_find(fd);
    int error = 0;
    if (!d)
        error = EBADF;
    else if (kind == POSIX_SET ? !d->is_set : kind != POSIX_ANY && d->is_set)
        error = kind == POSIX_SOCKET ? ENOTSOCK : EINVAL;
    if (error) {
        posix_give();
        errno = error;
        return false;
    }
    call->s = d->s;
    return true;
}

ssize_t posix_leave(struct posix_call *call, ssize_t result)
{
    if (call->slept && call->s >= 0 && call->stack == posix.stack)
        posix_pass_on(call->stack, call->s);
    posix_give();
    if (result >= 0)
        return result;
    errno = (int)-result;
    return -1;
}

struct stack *tapio_lock(void)
{
    struct posix_call call;

    return posix_begin(&call) ? call.stack : NULL;
}

void tapio_unlock(void)
{
    posix_give();
}

/* --- a turn of the polling thread ----------------------------------------------------------- */

struct stack *tapio_turn_begin(void)
{
    for (int i = 0; i < YIELDS && atomic_load(&posix.callers) > 0; i++)
        sched_yield(); /* they had no chance since we gave it back */
    if (pthread_mutex_trylock(&posix.lock) != 0) {
        pthread_mutex_lock(&posix.gate);
        atomic_store(&posix.turn_wanted, true);
        pthread_mutex_lock(&posix.lock);
        atomic_store(&posix.turn_wanted, false);
        pthread_mutex_unlock(&posix.gate);
    }
    posix.sleeping = false;
    uint64_t count;
    /* Not written yet? Then it will be in a moment, and end the next sleep. */
    if (posix.kicked && read(posix.wake_fd, &count, sizeof count) == sizeof count)
        posix.kicked = false;
    return posix.stack;
}

bool tapio_turn_serve(instant now)
{
    struct stack *stack = posix.stack;
    int served = 0;
    short holds;

    stack_tell_time(stack, now);
    for (; served < POSIX_SERVED; served++) {
        int s = sock_next_ready(stack, &holds);
        if (s < 0)
            break;
        struct sock_app *app = sock_app(stack, s);
        if (app)
            app->ready(app, s, holds, now);
        else
            posix_tell(s, holds);
    }
    if (served > 0)
        posix_tell_sets(stack);
    posix_resolver_turn(now);
    return served == POSIX_SERVED;
}

instant tapio_turn_end(bool sleeps)
{
    instant deadline = next_deadline(posix.stack);

    posix.sleeping = sleeps;
    posix.sleeps_until = deadline;
    posix_give();
    return deadline;
}

int tapio_turn_fd(void)
{
    return posix.wake_fd;
}

/* --- attaching ---------------------------------------------------------------------------- */

static void in_child(void)
{
    atomic_store(&posix.forked, true);
}

/* Under the lock. What is made here stays until the process ends: somebody may be about to write to
 * wake_fd whenever a stack is attached, or was. */
static int prepare(void)
{
    static bool atfork;

    if (posix.wake_fd < 0)
        posix.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (posix.wake_fd < 0)
        return errno;
    if (posix.reserve < 0)
        posix.reserve = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (posix.reserve < 0)
        return errno;
    if (!atfork) {
        int error = pthread_atfork(NULL, NULL, in_child);
        if (error)
            return error;
        atfork = true;
    }
    return 0;
}

int tapio_attach(struct stack *stack)
{
    if (atomic_load(&posix.forked))
        return posix_fail(EPERM);
    if (!stack || !stack->env.mono_ns)
        return posix_fail(EINVAL);
    posix_take();
    int error = posix.stack ? EBUSY : prepare();
    if (!error) {
        for (unsigned i = 0; i < POSIX_BUCKETS; i++)
            list_init(&posix.watches[i]);
        list_init(&posix.set_watches);
        posix.sleeping = posix.down = posix.stopping = false;
        posix.stack = stack;
    }
    posix_give();
    return error ? posix_fail(error) : 0;
}

void posix_stop(void)
{
    pthread_t thread;

    posix_take();
    bool has_thread = posix.has_thread;
    thread = posix.thread;
    posix.has_thread = false;
    posix.stopping = true;
    posix_give(); /* which ends its sleep */
    if (has_thread)
        pthread_join(thread, NULL);
}

void posix_close_all(void)
{
    struct posix_call call;

    if (!posix_begin(&call))
        return;
    for (int fd = 0; fd < posix.table_len; fd++)
        if (posix.table[fd].s >= 0)
            sock_close(call.stack, posix.table[fd].s); /* some twice, which says EBADF */
    posix_give();
}

void tapio_detach(void)
{
    if (atomic_load(&posix.forked))
        return;
    posix_stop();
    posix_take();
    if (!posix.stack) {
        posix_give();
        return;
    }
    for (int fd = 0; fd < posix.table_len; fd++) {
        if (posix.table[fd].s < 0)
            continue;
        posix_drop(fd); /* and who waits looks again, once the lock is free */
    }
    posix_resolver_stop();
    posix.sleeping = false;
    posix.stack = NULL;
    posix_tell_everybody();
    while (posix.waiting > 0) {
        posix_give(); /* which wakes them */
        posix_take();
        if (posix.waiting > 0)
            pthread_cond_wait(&posix.left, &posix.lock);
    }
    posix_give();
}
