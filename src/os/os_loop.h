/*
 * os_loop.h - the poll: what drives one stack over one device.
 *
 * The stack waits for nothing and knows no time; this loop does both for it. It owns none of the
 * things that it turns: whoever made them takes them apart after the loop has ended. One thread.
 */
#ifndef TAPIO_OS_LOOP_H
#define TAPIO_OS_LOOP_H

#include <tapio/dev.h>
#include <tapio/sock.h>
#include <tapio/tapio.h>

#include "base/base.h"
#include "base/instant.h"

/* Something with a plan of its own (an HTTP server's timeouts, the next ping). Embed it. Its
 * advance() runs in every turn, after the sockets that were ready, and must be quick when nothing
 * is due; so must settled(), which runs when all that is owed has been sent, as far as the device
 * took it: whoever looks in then sees what the stack waits for. */
struct os_machine {
    instant (*deadline)(struct os_machine *machine);          /* INSTANT_NEVER: none */
    void (*advance)(struct os_machine *machine, instant now); /* NULL: nothing to do */
    void (*settled)(struct os_machine *machine, instant now); /* NULL: nothing to do */
    struct os_machine *next;                                  /* the loop's */
};

/* A descriptor beside the device's. Embed it; ready() must read until EAGAIN. */
struct os_watch {
    int fd;
    void (*ready)(struct os_watch *watch, instant now);
    struct os_watch *next; /* the loop's */
};

enum {
    OS_LOOP_WATCHES = 8,  /* watches at most */
    OS_LOOP_READY = 256,  /* sockets served in one turn, before the device has its turn again */
    OS_LOOP_CROWDED = 16, /* turns without a pause before the watches are looked at all the same */
};

struct os_loop {
    struct stack *stack;
    struct dev *dev;
    struct os_machine *machines;
    struct os_watch *watches;
    int watch_count;
    int64_t busy_poll_ns; /* after a turn with frames it does not sleep for so long; 0: it does */
    instant frames_at;    /* of the last such turn */
    unsigned crowded;     /* turns since somebody looked at the watches */
    bool full;            /* the device would not take more in the last turn */
    bool deaf;            /* ... though its descriptor had just said that it would */
    bool failing;         /* the device's descriptor reported an error */
    bool announced;       /* when the watches were last looked at, a frame waited */
    bool late;            /* frames have come that were not there then */
    uint64_t turns;       /* how many there were, with this one */
    instant now;          /* of this turn */
    bool ended;
    int result;
};

void os_loop_init(struct os_loop *loop, struct stack *stack, struct dev *dev);
void os_loop_add_machine(struct os_loop *loop, struct os_machine *machine);
void os_loop_add_watch(struct os_loop *loop, struct os_watch *watch);

/* Does what can be done at once: takes frames, serves sockets, advances machines, sends. True when
 * there may be more to do without waiting. Ends the loop with -ENETDOWN when the device is gone. */
bool os_loop_turn(struct os_loop *loop, instant now);

/* Sleeps until something can be done; not at all with `busy`. Returns the time. */
instant os_loop_wait(struct os_loop *loop, bool busy);

/* Turns and waits until somebody ends the loop; its result. */
int os_loop_run(struct os_loop *loop);

/* Called from a machine, a watch or an application: the turn that runs is the last. The first
 * result stays. */
void os_loop_end(struct os_loop *loop, int result);
/* One that has ended may run again. */
void os_loop_reset(struct os_loop *loop);

#endif
