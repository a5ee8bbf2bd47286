/*
 * os_loop.c - a poll in seven steps, and sleeping well.
 *
 *     1  stack_receive()            a batch of frames, and the timers that are due
 *     2  sock_next_ready() ...      the applications read, write and accept
 *     3  machine->advance()         their timeouts
 *     4  stack_send()               what all of that owes, once
 *     5  machine->settled()         whoever looks in, and no longer changes anything
 *     6  ppoll()                    until a descriptor is ready or a deadline has come
 *     7  watch->ready()             signals and the like
 *
 * The order makes answers carry the acknowledgements of what they answer: applications run before
 * anything is sent.
 *
 * When not to sleep: after a full batch there may be more frames, and after OS_LOOP_READY sockets
 * there may be more of them; the device is asked in between, so that ten thousand busy sockets do
 * not overrun its queue. A stream of full batches never reaches step 6, so every few turns the
 * watches are looked at without sleeping.
 *
 * When the device is full (-EAGAIN), its descriptor's POLLOUT ends the sleep. A device that wraps
 * another (an impaired link) may be full while the descriptor below has room; then POLLOUT would
 * make this loop spin, so it is believed once, and after that the device's own deadline counts,
 * with FULL_PAUSE as a fallback.
 *
 * A device that keeps what its descriptor did not take (dev->held) knows when there is room: it is
 * believed each time, and flushed in the turn that follows.
 *
 * A descriptor in error that yields no frame is a device that is gone, whatever else it says: else
 * ppoll() would return at once for ever.
 *
 * Busy polling (loop->busy_poll_ns): for a while after the last frame the device is asked again and
 * again instead, which costs a core and saves the time that it takes to fall asleep and to be
 * woken.
 *
 * The clock is read once after each sleep and once before it; all steps of a turn share an instant.
 *
 * ppoll() asks the device first, then the watches. So when it says that a frame is there, it has
 * also told all that came to a watch before that frame was sent. Of further frames, and of those
 * that it said nothing of, this does not hold: from then on, until the next look, the loop is
 * `late`. Who answers requests from memory until a watch tells him otherwise looks for himself.
 */
#include "os/os_loop.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

#include "os/os_env.h"

enum { FULL_PAUSE = 1 * NS_PER_MS };

void os_loop_init(struct os_loop *loop, struct stack *stack, struct dev *dev)
{
    *loop = (struct os_loop){.stack = stack, .dev = dev};
}

void os_loop_add_machine(struct os_loop *loop, struct os_machine *machine)
{
    machine->next = loop->machines;
    loop->machines = machine;
}

void os_loop_add_watch(struct os_loop *loop, struct os_watch *watch)
{
    assert(loop->watch_count < OS_LOOP_WATCHES);
    loop->watch_count++;
    watch->next = loop->watches;
    loop->watches = watch;
}

void os_loop_end(struct os_loop *loop, int result)
{
    if (loop->ended)
        return;
    loop->ended = true;
    loop->result = result;
}

void os_loop_reset(struct os_loop *loop)
{
    loop->ended = false;
    loop->result = 0;
}

/* Lets the applications react; true when some sockets have to wait for the next turn. */
static bool serve_sockets(struct os_loop *loop, instant now)
{
    for (int served = 0; served < OS_LOOP_READY; served++) {
        short events = 0;
        int s = sock_next_ready(loop->stack, &events);
        if (s < 0)
            return false;
        struct sock_app *app = sock_app(loop->stack, s);
        if (app)
            app->ready(app, s, events, now);
    }
    return true;
}

bool os_loop_turn(struct os_loop *loop, instant now)
{
    int frames = stack_receive(loop->stack, loop->dev, now);
    loop->now = now;
    loop->turns++;
    loop->late |= frames > (loop->announced ? 1 : 0);
    loop->announced = false;
    if (frames == 0 && loop->failing)
        frames = -ENETDOWN;
    if (frames < 0)
        os_loop_end(loop, frames); /* the sockets learn it below */
    if (frames > 0)
        loop->frames_at = now;
    bool more = serve_sockets(loop, now);
    for (struct os_machine *m = loop->machines; m; m = m->next)
        if (m->advance)
            m->advance(m, now);
    if (frames < 0)
        return false;
    int err = stack_send(loop->stack, loop->dev, now);
    if (err == -EAGAIN) {
        loop->full = true;
    } else {
        loop->full = loop->deaf = false;
        if (err)
            os_loop_end(loop, err);
    }
    for (struct os_machine *m = loop->machines; m; m = m->next)
        if (m->settled)
            m->settled(m, now);
    return frames == DEV_BATCH || more ||
           (loop->busy_poll_ns > 0 && instant_since(now, loop->frames_at) < loop->busy_poll_ns &&
            !loop->full);
}

static instant next_deadline(const struct os_loop *loop, instant now)
{
    instant next = instant_min(stack_deadline(loop->stack), dev_deadline(loop->dev));
    for (struct os_machine *m = loop->machines; m; m = m->next)
        next = instant_min(next, m->deadline(m));
    if (loop->full && loop->deaf)
        next = instant_min(next, instant_add(now, FULL_PAUSE));
    return next;
}

/* Polls the device (first) and the watches; no longer than `pause` ns, without end when negative.
 */
static void poll_all(struct os_loop *loop, struct pollfd *fds, nfds_t count, int64_t pause)
{
    struct timespec limit = {.tv_sec = pause / NS_PER_S, .tv_nsec = pause % NS_PER_S};
    int ready = ppoll(fds, count, pause < 0 ? NULL : &limit, NULL);
    if (ready < 0) /* EINTR, or short of memory: as if the time had run out */
        for (nfds_t i = 0; i < count; i++)
            fds[i].revents = 0;
    else
        loop->late = false;
    if (loop->full && (fds[0].revents & POLLOUT))
        loop->deaf = true; /* until the next turn proves it wrong */
    loop->failing = fds[0].revents & (POLLERR | POLLNVAL);
    loop->announced = fds[0].revents & POLLIN;
}

instant os_loop_wait(struct os_loop *loop, bool busy)
{
    struct pollfd fds[1 + OS_LOOP_WATCHES];
    nfds_t count = 0;

    if (busy && ++loop->crowded < OS_LOOP_CROWDED)
        return os_now();
    loop->crowded = 0;

    bool for_room = (loop->full && !loop->deaf) || loop->dev->held > 0;
    fds[count++] = (struct pollfd){.fd = dev_fd(loop->dev),
                                   .events = (short)(for_room ? POLLIN | POLLOUT : POLLIN)};
    for (struct os_watch *w = loop->watches; w; w = w->next)
        fds[count++] = (struct pollfd){.fd = w->fd, .events = POLLIN};

    int64_t pause = 0;
    if (!busy) {
        instant now = os_now();
        instant next = next_deadline(loop, now);
        if (instant_is_never(next))
            pause = -1;
        else if (instant_before(now, next))
            pause = instant_since(next, now);
    }
    poll_all(loop, fds, count, pause);

    instant now = os_now();
    nfds_t i = 1;
    for (struct os_watch *w = loop->watches; w; w = w->next, i++)
        if (fds[i].revents) {
            stack_advance(loop->stack, now); /* what it calls in the stack happens now, not then */
            w->ready(w, now);
        }
    return now;
}

int os_loop_run(struct os_loop *loop)
{
    instant now = os_now();
    while (!loop->ended) {
        bool busy = os_loop_turn(loop, now);
        if (!loop->ended)
            now = os_loop_wait(loop, busy);
    }
    return loop->result;
}
