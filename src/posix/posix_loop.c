/*
 * posix_loop.c - the thread that polls: os/os_loop.c without what a program of our own needs.
 *
 *     read a batch; take the lock; run it, timers, the sockets, what is owed; give it back; sleep
 *
 * It knows a device by its public calls alone and is one way to use tapio_turn_begin() and its kin;
 * a program with a loop of its own writes another. A device that does not say that it is `unshared`
 * is read under the lock, too, so that one in memory may be shared with the caller; posix_ahead.c
 * is about the others. All devices are written to under it.
 *
 * A device that is full, and whose descriptor says at once that it has room, is not believed a
 * second time but asked again after a pause; a descriptor in error without a frame is a device that
 * is gone. os_loop.c says why.
 */
#include <errno.h>
#include <signal.h>

#include "posix/posix.h"
#include "posix/posix_ahead.h"

enum { FULL_PAUSE = 1 * NS_PER_MS };

struct loop {
    struct dev *dev;
    struct posix_ahead ahead;
    struct posix_company *company; /* NULL: none */
    bool heard[POSIX_COMPANY];
    bool full, deaf; /* the device took nothing more; though it had just said that it would */
    bool failing;    /* its descriptor reported an error */
    bool busy;       /* there is more to do at once */
    instant deadline;
};

/* What its descriptors had to say while the thread slept. */
static void hear(struct loop *loop, struct stack *stack, instant now)
{
    for (int i = 0; loop->company && i < loop->company->count; i++) {
        if (!loop->heard[i])
            continue;
        loop->heard[i] = false;
        stack_advance(stack, now);
        loop->company->heard(loop->company, i, now);
    }
}

static void settle(struct loop *loop, instant now)
{
    if (loop->company)
        loop->company->settled(loop->company, now);
}

static int receive(struct loop *loop, struct stack *stack, instant now)
{
    return loop->ahead.dev ? posix_ahead_receive(&loop->ahead, stack, now)
                           : stack_receive(stack, loop->dev, now);
}

/* One turn; false: no more. */
static bool turn(struct loop *loop, struct stack *stack)
{
    posix_ahead_read(&loop->ahead, posix_now(stack));
    tapio_turn_begin();
    instant now = posix_now(stack);
    bool ends = posix.stopping;
    hear(loop, stack, now);
    int frames = receive(loop, stack, now);
    if (frames == 0 && loop->failing)
        frames = -ENETDOWN;
    bool more = tapio_turn_serve(now);
    if (loop->company)
        loop->company->advance(loop->company, now);
    int err = frames < 0 ? frames : stack_send(stack, loop->dev, now);

    settle(loop, now);
    loop->full = err == -EAGAIN;
    loop->deaf = loop->deaf && loop->full;
    if (err && err != -EAGAIN) {
        posix.down = ends = true;
        posix_tell_everybody();
    }
    loop->busy = frames == DEV_BATCH || more;
    instant device = dev_deadline(loop->dev);
    if (loop->company)
        device = instant_min(device, loop->company->deadline(loop->company));
    if (ends)
        posix_ahead_fini(&loop->ahead);
    loop->deadline = instant_min(tapio_turn_end(!loop->busy && !ends), device);
    return !ends;
}

static void sleep_well(struct loop *loop, const struct stack *stack)
{
    struct pollfd fds[2 + POSIX_COMPANY] = {
        {.fd = dev_fd(loop->dev), .events = POLLIN},
        {.fd = tapio_turn_fd(), .events = POLLIN},
    };
    int company = loop->company ? loop->company->count : 0;
    instant now = posix_now(stack), until = loop->deadline;

    if (loop->full && loop->deaf)
        until = instant_min(until, instant_add(now, FULL_PAUSE));
    else if (loop->full || loop->dev->held > 0) /* flush() is part of the next turn */
        fds[0].events |= POLLOUT;
    int64_t pause = instant_before(now, until) ? instant_since(until, now) : 0;
    struct timespec limit = {.tv_sec = pause / NS_PER_S, .tv_nsec = pause % NS_PER_S};
    for (int i = 0; i < company; i++)
        fds[2 + i] = (struct pollfd){.fd = loop->company->fds[i], .events = POLLIN};
    if (ppoll(fds, 2 + (nfds_t)company, instant_is_never(until) ? NULL : &limit, NULL) < 0)
        for (size_t i = 0; i < ARRAY_LEN(fds); i++)
            fds[i].revents = 0;
    for (int i = 0; i < company; i++)
        loop->heard[i] = fds[2 + i].revents;
    loop->deaf = loop->deaf || (loop->full && fds[0].revents & POLLOUT);
    loop->failing = fds[0].revents & (POLLERR | POLLNVAL);
}

static void *poll_thread(void *argument)
{
    struct loop loop = {.dev = argument, .company = posix.company};
    struct stack *stack = posix.stack;

    posix_take();
    posix_ahead_init(&loop.ahead, loop.dev, stack);
    posix_give();
    while (turn(&loop, stack))
        if (!loop.busy)
            sleep_well(&loop, stack);
    return NULL;
}

int posix_start(struct dev *dev, struct posix_company *company)
{
    struct posix_call call;
    sigset_t all, before;

    if (!posix_begin(&call))
        return -1;
    if (posix.has_thread)
        return posix_end(&call, -EBUSY);
    posix.stopping = false;
    posix.company = company;
    sigfillset(&all); /* signals are for the threads of the program */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&posix.thread, NULL, poll_thread, dev);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    posix.has_thread = error == 0;
    if (!error)
        pthread_setname_np(posix.thread, "tapio poll"); /* for debuggers and top */
    return posix_end(&call, -error);
}

int tapio_start(struct dev *dev)
{
    return posix_start(dev, NULL);
}
