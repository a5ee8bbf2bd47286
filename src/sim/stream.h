/*
 * stream.h - what the ends of a simulated connection say to each other, and whether it arrives.
 *
 * Each end sends a stream of its own, in pieces of any size, and closes; it reads the peer's at a
 * pace of its own, octet by octet held against what must stand there. Each octet follows from its
 * position and a key, so the reader needs no copy of what was written.
 */
#ifndef TAPIO_SIM_STREAM_H
#define TAPIO_SIM_STREAM_H

#include <tapio/tapio.h>

#include "base/prng.h"

/* One end of one connection. */
struct stream_end {
    int s;            /* -1: not open (yet, or any more) */
    uint32_t to_send; /* octets of its own stream */
    uint32_t sent, received;
    uint32_t expected; /* octets of the peer's stream */
    uint32_t out_key, in_key;
    instant paused; /* reads nothing before; 0: it reads */
    bool shut;      /* all is sent, and it has closed its side */
};

/* What all ends of a run share. */
struct streams {
    struct prng *prng;   /* every choice on the way */
    instant now;         /* for pauses */
    uint64_t verified;   /* octets that arrived and were right, */
    uint64_t forged;     /* or wrong where they may be */
    const char *problem; /* the first; static storage */
    /* May the octet at this position be another? NULL: none may. */
    bool (*may_be_wrong)(struct streams *streams, const struct stream_end *end, uint32_t at);
};

/* How far an end has come. */
enum stream_state {
    STREAM_GOES_ON,
    STREAM_ENDED, /* all was sent and read: close it */
    STREAM_BROKE, /* the connection has ended before; `errno` of it in *error */
};

/* Draws what both ends of a connection will send, up to `octets` each. */
void stream_draw(struct streams *streams, struct stream_end *a, struct stream_end *b,
                 uint32_t octets);
/* The socket may be written, or read. */
enum stream_state stream_send(struct streams *streams, struct stack *stack, struct stream_end *end,
                              int *error);
enum stream_state stream_receive(struct streams *streams, struct stack *stack,
                                 struct stream_end *end, int *error);
/* Reads again when its pause is over; returns when that will be, or INSTANT_NEVER. */
instant stream_resume(struct streams *streams, struct stack *stack, struct stream_end *end);

#endif
