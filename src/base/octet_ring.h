/*
 * octet_ring.h - octets that wait for a slow reader, up to a cap.
 *
 * What is put is taken whole or not at all: half a line or half a block would spoil all that
 * follows. Refused pieces are counted. The memory is the caller's.
 */
#ifndef TAPIO_BASE_OCTET_RING_H
#define TAPIO_BASE_OCTET_RING_H

#include <string.h>
#include <sys/uio.h>

#include "base/base.h"

struct octet_ring {
    uint8_t *at;
    size_t room; /* octets at `at` */
    size_t head; /* where the first one is */
    size_t len;  /* octets that wait */
    uint64_t refused;
};

static inline void octet_ring_init(struct octet_ring *ring, void *at, size_t room)
{
    *ring = (struct octet_ring){.at = at, .room = room};
}

static inline size_t octet_ring_left(const struct octet_ring *ring)
{
    return ring->room - ring->len;
}

static inline bool octet_ring_put(struct octet_ring *ring, struct bytes octets)
{
    if (octets.len > octet_ring_left(ring)) {
        ring->refused++;
        return false;
    }
    if (octets.len == 0)
        return true;
    size_t tail = (ring->head + ring->len) % ring->room;
    size_t first = size_min(octets.len, ring->room - tail);
    memcpy(ring->at + tail, octets.at, first);
    if (octets.len > first)
        memcpy(ring->at, octets.at + first, octets.len - first);
    ring->len += octets.len;
    return true;
}

/* What waits, in at most two pieces; how many there are. */
static inline int octet_ring_peek(const struct octet_ring *ring, struct iovec out[2])
{
    size_t first = size_min(ring->len, ring->room - ring->head);

    if (ring->len == 0)
        return 0;
    out[0] = (struct iovec){ring->at + ring->head, first};
    if (first == ring->len)
        return 1;
    out[1] = (struct iovec){ring->at, ring->len - first};
    return 2;
}

/* The first `len` octets have gone. */
static inline void octet_ring_take(struct octet_ring *ring, size_t len)
{
    assert(len <= ring->len);
    ring->len -= len;
    ring->head = ring->len == 0 ? 0 : (ring->head + len) % ring->room;
}

#endif
