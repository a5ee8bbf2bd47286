/*
 * posix_loop.c - the thread that polls: os/os_loop.c without what a program of our own needs.
 *
 *     take the lock; a batch of frames, timers, the sockets, what is owed; give it back; sleep
 *
 * It knows a device by its public calls alone and is one way to use tapio_turn_begin() and its kin;
 * a program with a loop of its own writes another. The device is touched under the lock only, so
 * that one in memory may be shared with the caller.
 *
 * A device that is full, and whose descriptor says at once that it has room, is not believed a
 * second time but asked again after a pause; a descriptor in error without a frame is a device that
 * is gone. os_loop.c says why.
 */
#include <errno.h>
#include <signal.h>

#include "posix/posix.h"

enum { FULL_PAUSE = 1 * NS_PER_MS };

struct loop {
    struct dev *dev;
    bool full, deaf; /* the device took nothing more; though it had just said that it would */
    bool failing;    /* its descriptor reported an error */
    bool busy;       /* there is more to do at once */
    instant deadline;
};

/* One turn; false: no more. */
static bool turn(struct loop *loop)
{
    struct stack *stack = tapio_turn_begin();
    instant now = posix_now(stack);
    bool ends = posix.stopping;
    int frames = stack_receive(stack, loop->dev, now);
    if (frames == 0 && loop->failing)
        frames = -ENETDOWN;
    bool more = tapio_turn_serve(now);
    int err = frames < 0 ? frames : stack_send(stack, loop->dev, now);

    loop->full = err == -EAGAIN;
    loop->deaf = loop->deaf && loop->full;
    if (err && err != -EAGAIN) {
        posix.down = ends = true;
        posix_tell_everybody();
    }
    loop->busy = frames == DEV_BATCH || more;
    instant device = dev_deadline(loop->dev);
    loop->deadline = instant_min(tapio_turn_end(!loop->busy && !ends), device);
    return !ends;
}

static void sleep_well(struct loop *loop, const struct stack *stack)
{
    struct pollfd fds[] = {
        {.fd = dev_fd(loop->dev), .events = POLLIN},
        {.fd = tapio_turn_fd(), .events = POLLIN},
    };
    instant now = posix_now(stack), until = loop->deadline;

    if (loop->full && loop->deaf)
        until = instant_min(until, instant_add(now, FULL_PAUSE));
    else if (loop->full || loop->dev->held > 0) /* flush() is part of the next turn */
        fds[0].events |= POLLOUT;
    int64_t pause = instant_before(now, until) ? instant_since(until, now) : 0;
    struct timespec limit = {.tv_sec = pause / NS_PER_S, .tv_nsec = pause % NS_PER_S};
    if (ppoll(fds, ARRAY_LEN(fds), instant_is_never(until) ? NULL : &limit, NULL) < 0)
        fds[0].revents = 0;
    loop->deaf = loop->deaf || (loop->full && fds[0].revents & POLLOUT);
    loop->failing = fds[0].revents & (POLLERR | POLLNVAL);
}

static void *poll_thread(void *argument)
{
    struct loop loop = {.dev = argument};
    struct stack *stack = posix.stack;

    while (turn(&loop))
        if (!loop.busy)
            sleep_well(&loop, stack);
    return NULL;
}

int tapio_start(struct dev *dev)
{
    struct posix_call call;
    sigset_t all, before;

    if (!posix_begin(&call))
        return -1;
    if (posix.has_thread)
        return posix_end(&call, -EBUSY);
    posix.stopping = false;
    sigfillset(&all); /* signals are for the threads of the program */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&posix.thread, NULL, poll_thread, dev);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    posix.has_thread = error == 0;
    if (!error)
        pthread_setname_np(posix.thread, "tapio poll"); /* for debuggers and top */
    return posix_end(&call, -error);
}
