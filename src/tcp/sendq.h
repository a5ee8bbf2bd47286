/*
 * sendq.h - text from the application until it is acknowledged.
 *
 * A chain of chunks that grow from 4 KB to 64 KB, so that a small answer is cheap and a large one
 * leaves in few pieces. Positions are octets from the front, which is SND.UNA. Text is copied in
 * once and leaves by gather write from where it lies; text that lies in a frame is not even copied,
 * the queue holds the frame. Segments leave in order, and what is sent
 * again in the peer's: the next one is found at once, any other in O(log n).
 */
#ifndef TAPIO_TCP_SENDQ_H
#define TAPIO_TCP_SENDQ_H

#include <sys/uio.h>

#include "base/frame.h"
#include "base/pool.h"

enum { SENDQ_SIZES = 5 }; /* 4, 8, 16, 32, 64 KB */

/* Where chunks come from, shared by all queues of a stack. */
struct sendq_pools {
    struct pool size[SENDQ_SIZES];
    struct pool borrowed; /* chunks whose text lies in a frame */
    uint64_t cap;         /* octets, over all sizes */
    uint64_t charged;     /* octets in chunks that are out */
    uint64_t out;         /* chunks that are out */
};

NODISCARD int sendq_pools_init(struct sendq_pools *pools, struct memory *memory, uint64_t cap);
void sendq_pools_fini(struct sendq_pools *pools);

struct sendq_chunk;

/* Small, for most of them are empty: what a queue knows of its chunks lies in the first of them. */
struct sendq {
    struct sendq_chunk *head;
    uint32_t len; /* octets */
    uint32_t cap; /* that it may hold; the caller's business */
};

/* Takes what it can of `text`; returns how much (less when the pools are empty). */
size_t sendq_append(struct sendq *q, struct sendq_pools *pools, struct bytes text);
/* The same of text that lies in `frame`, which nobody changes any more: it gets a reference and is
 * not copied. All of it, or nothing. */
size_t sendq_append_frame(struct sendq *q, struct sendq_pools *pools, struct frame *frame,
                          struct bytes text);
/* Forgets the first `len` octets: they are acknowledged. */
void sendq_drop(struct sendq *q, struct sendq_pools *pools, uint32_t len);
/* Points up to `max` iovecs at the octets [at, at + len); returns how many it used. When more would
 * be needed, `*len` is cut to what they cover. */
int sendq_gather(struct sendq *q, uint32_t at, uint32_t *len, struct iovec *iov, int max);
void sendq_clear(struct sendq *q, struct sendq_pools *pools);

#endif
