/*
 * impair.h - a bad wire around any device.
 *
 * Each direction is a bottleneck with a queue (rate) and a bad wire behind it: loss, duplication,
 * reordering, corruption, delay and jitter. All chance comes from the seed, so the same frames at
 * the same times meet the same fate. What is under way is copied; the inner device and the caller's
 * pool are free of it.
 *
 * A frame with a gso_type is cut at the entry, in both directions: each segment that a wire would
 * carry is lost, delayed, doubled or corrupted for itself, and goes on as a plain frame. So an
 * impaired device takes big frames where the inner one does, and hands over none. It takes one
 * whole or (-EAGAIN) not at all: the segments wait here, not at the inner device, and one that
 * finds no room or memory is lost and counted, as on a wire. A frame that claims to be a big one
 * and is none passes as it came.
 */
#ifndef TAPIO_DEV_IMPAIR_H
#define TAPIO_DEV_IMPAIR_H

#include <tapio/dev.h>

#include "base/memory.h"

/* What happens in one direction; all zeros: nothing. Chances are parts in 2^32, UINT32_MAX: always.
 */
struct impair_config {
    uint32_t loss, duplicate, reorder, corrupt;
    uint32_t burst;      /* the mean length of a run of lost frames; 0 or 1: each for itself */
    uint32_t burst_loss; /* the chance of a frame in such a run to be lost; 0: all are */
    uint32_t ack_loss;   /* of a TCP segment that is an ACK and nothing else, besides */
    uint32_t forge;      /* the chance that octets of a TCP segment's text change places, unseen */
    int64_t delay_ns;
    int64_t jitter_ns; /* the delay varies by so much, up and down; the order stays */
    uint64_t rate;     /* bits per second of frames; 0: no bottleneck */
    uint32_t
        queue; /* octets that wait in front of it; 0: what it carries in 100 ms, at least 32 KB */
    uint32_t queue_frames; /* frames that wait instead, as in a router's queue; 0: octets count */
    int64_t outage_ns;     /* nothing passes for so long, */
    int64_t every_ns;      /* at the end of each so long; 0: ten times as long */
    uint32_t mtu;          /* longer packets vanish, as in a black hole; 0: none does */
    uint64_t seed;
};

/* Most octets under way in each direction, their keeping included. */
enum { IMPAIR_HELD_MAX = 32 << 20, IMPAIR_QUEUE_FRAMES_MAX = 65536 };

/* Reads `spec` into the two directions: "loss=1%,delay=20ms", "in:loss=1%;out:rate=10mbit".
 *
 *     loss dup reorder corrupt  0% to 100%, at most six places behind the point
 *     burstloss ackloss forge   likewise
 *     burst                     1 to 1000 frames
 *     delay jitter outage       0 to 60 s, in ns us ms s
 *     every                     likewise, and longer than the outage
 *     rate                      1kbit to 1000gbit, in bit kbit mbit gbit; none: no bottleneck
 *     queue                     1 octet to 1 GB, with k or m; 1p to 65536p: so many frames
 *     mtu                       68 to 65535 octets
 *     seed                      a number of 64 bits
 *
 * Segments are separated by ';' and may begin with "in:" or "out:"; without it they mean both. What
 * a segment does not name stays as it is, so calls add up. 0, or -EINVAL with one line in `error`
 * that shows the offending part; `in` and `out` are not touched then. */
NODISCARD int impair_parse(const char *spec, struct impair_config *in, struct impair_config *out,
                           char *error, size_t room);

/* Wraps `inner`, which belongs to the new device and is closed with it. Frames that `inner` brings
 * meet `in`, those that go to it meet `out`. -ENOMEM: `inner` is still the caller's. */
NODISCARD int impair_new(struct memory *memory, struct dev *inner, const struct impair_config *in,
                         const struct impair_config *out, struct dev **result);

enum impair_direction { IMPAIR_IN, IMPAIR_OUT };

/* How a direction of a device from impair_new() is now, and how it is to be from now on: frames
 * under way go on as they were, and none of them is overtaken. Chance goes on where it was,
 * whatever the seed. */
struct impair_config impair_config(const struct dev *dev, enum impair_direction direction);
void impair_change(struct dev *dev, enum impair_direction direction,
                   const struct impair_config *config);

/* At every moment taken + duplicated == passed + lost + rate_dropped + held_dropped + held. */
struct impair_counters {
    uint64_t taken;  /* frames that came */
    uint64_t passed; /* frames that went on */
    uint64_t held;   /* frames under way right now */
    uint64_t lost;   /* by chance, in an outage, or too long for the MTU */
    uint64_t duplicated;
    uint64_t reordered; /* set aside, so that later ones overtook it */
    uint64_t corrupted;
    uint64_t forged;       /* changed in a way that no checksum sees */
    uint64_t delayed;      /* had to wait at all */
    uint64_t rate_dropped; /* the queue in front of the bottleneck was full */
    uint64_t held_dropped; /* too much under way, or no memory */

    uint64_t carried;     /* octets that left the bottleneck, or would have without one */
    uint64_t queue_most;  /* the most octets that have waited in front of it, */
    uint32_t frames_most; /* and frames, where those are counted */
};

/* Of a device from impair_new(). */
struct impair_counters impair_counters(const struct dev *dev, enum impair_direction direction);

#endif
