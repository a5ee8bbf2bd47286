/*
 * pipe_pair.h - two stacks and the in-memory pipe between them, for counting instructions.
 *
 * Nothing else runs, and time is virtual, 100 us for each turn of the loop; so one build gives one
 * count. What each side does is done in functions that are not inlined and whose names begin with
 * the side's, "sender_in" and so on: by them scripts/bench layers tells whose instructions it
 * counts. What is outside of them (making the stacks) it does not.
 */
#ifndef TAPIO_BENCH_PIPE_PAIR_H
#define TAPIO_BENCH_PIPE_PAIR_H

#include <errno.h>
#include <tapio/sock.h>

#include "base/instant.h"
#include "base/memory.h"
#include "dev/pipe.h"

/* A step of one side. */
#define PIPE_STEP static __attribute__((noinline)) void

enum { PIPE_PORT = 9 };

struct pipe_side {
    struct stack *stack;
    struct dev *dev;
    uint32_t seed;
};

struct pipe_pair {
    struct pipe_side side[2]; /* 10.0.0.1 and 10.0.0.2 */
    struct memory memory;
    instant now;
};

/* Ends the program if it cannot. */
void pipe_pair_begin(struct pipe_pair *pair, uint32_t mtu);
void pipe_pair_end(struct pipe_pair *pair);
/* Packets that both have sent. */
uint64_t pipe_pair_packets(const struct pipe_pair *pair);
void pipe_pair_must(bool holds, const char *what);

/* A listener of the second side, and a socket of the first that connects to it. */
int pipe_pair_listen(struct pipe_pair *pair);
int pipe_pair_connect(struct pipe_pair *pair);

/* What has come, and timers. */
static inline void pipe_side_in(struct pipe_side *side, instant now)
{
    while (stack_receive(side->stack, side->dev, now) > 0)
        ;
}

/* What is owed. */
static inline void pipe_side_out(struct pipe_side *side, instant now)
{
    pipe_pair_must(stack_send(side->stack, side->dev, now) != -ENETDOWN, "the pipe is gone");
}

static inline void pipe_pair_tick(struct pipe_pair *pair)
{
    pair->now = instant_add(pair->now, 100 * NS_PER_US);
}

#endif
