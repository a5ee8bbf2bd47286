/*
 * bad_wire.h - one direction of an impaired link: frames come in, and out later or never.
 *
 * A machine of its own, so that both directions of impair.c are the same code. It knows no device:
 * bad_wire_arrive() copies a frame that has come and decides its fate; bad_wire_due() shows the
 * next one that may leave, and bad_wire_drop() forgets it once it has left.
 */
#ifndef TAPIO_DEV_BAD_WIRE_H
#define TAPIO_DEV_BAD_WIRE_H

#include "base/memory.h"
#include "base/prng.h"
#include "dev/bad_wire_tcp.h"
#include "dev/impair.h"

enum {
    REORDER_MAX = 8,    /* frames that may overtake one */
    BARE_ACK_MAX = 160, /* no frame with an ACK and nothing else is longer */
};

/* A frame that comes, as its owner has it. */
struct arrival {
    const struct iovec *iov;
    int iovcnt;
    size_t len; /* octets of all pieces; where it is more, zeros follow them */
    const struct frame_meta *meta;
    bool truncated;
    bool hurt; /* another wire has corrupted it */
};

/* A frame under way. */
struct held {
    struct held *next;
    instant due;
    uint32_t len;
    uint8_t behind; /* frames that still have to overtake it, when it is set aside */
    bool truncated;
    bool hurt; /* corrupted, here or on a wire before */
    struct frame_meta meta;
    uint8_t octets[];
};

/* When each frame that is in the bottleneck or waits for it leaves it: a ring, kept only where the
 * queue is counted in frames. */
struct departures {
    instant *at;
    uint32_t room, first, count;
};

/* Who is told of each forgery. Embed it. */
struct forgery_sink {
    void (*forged)(struct forgery_sink *sink, const struct forgery *forgery);
};

struct bad_wire {
    struct memory *memory;
    struct impair_config config;
    bool ip_only;                   /* frames are IP packets */
    bool completes;                 /* what it carries has whole checksums, as on a real wire */
    size_t shortest;                /* a segment of a big frame is filled up to so many octets */
    struct forgery_sink *forgeries; /* NULL: nobody */
    struct prng prng;
    bool in_burst;
    instant busy_until; /* the bottleneck has something to send until then */
    struct departures departures;
    instant last_due; /* nobody in the line comes out before the one in front */
    struct held *first, *last;
    /* Set aside, in the order in which they came and are due: the last eight, and a new one. */
    struct held *aside[REORDER_MAX + 1];
    uint32_t aside_count;
    uint64_t octets;
    struct impair_counters counters;
    uint8_t look[BARE_ACK_MAX]; /* a short frame in one piece, to see what it is */
};

void bad_wire_init(struct bad_wire *wire, struct memory *memory, const struct impair_config *config,
                   bool ip_only, uint64_t seed);
void bad_wire_fini(struct bad_wire *wire);
/* What happens to frames that come from now on. */
void bad_wire_change(struct bad_wire *wire, const struct impair_config *config);

/* A frame has come: copies it, or counts why it is gone. A big one comes as its segments, all of
 * them at once and each for itself; one that cannot be cut (big_frame.h) stays whole. */
void bad_wire_arrive(struct bad_wire *wire, const struct arrival *frame, instant now);

/* The frame that comes out next, if it may by now, else NULL; stays where it is. */
struct held *bad_wire_due(const struct bad_wire *wire, instant now);
/* Forgets the frame that bad_wire_due() showed last. */
void bad_wire_drop(struct bad_wire *wire, struct held *held);
/* When the next frame comes out, or INSTANT_NEVER. */
instant bad_wire_deadline(const struct bad_wire *wire);

#endif
