/*
 * reorder.h - text that came early waits here for what is missing before it (RFC 9293, SHLD-31).
 *
 * Islands that neither overlap nor touch, ordered by sequence number in a tree; an island is a
 * chain of frames. The first copy of an octet wins, always: a later one, with whatever content, is
 * cut away (RFC 9293, 3.10.7.4 leaves the choice open). Capped in islands and in true cost; nothing
 * that was accepted is thrown out again but all at once, by reorder_clear().
 *
 * The last few segments are remembered by a number inside each, so that the islands that they lie
 * in can be told to the peer, the newest first (RFC 2018, 4).
 */
#ifndef TAPIO_TCP_REORDER_H
#define TAPIO_TCP_REORDER_H

#include "base/frame.h"
#include "base/prng.h"
#include "base/tree.h"
#include "tcp/tcp_wire.h"

struct reorder {
    struct tree islands;
    uint32_t charged; /* octets of memory */
    tcp_seq
        recent[TCP_SACK_BLOCKS]; /* a number in each of the last islands that grew, newest first */
    uint8_t recent_count;
};

struct reorder_limits {
    struct pool *pool; /* of islands */
    struct prng *prng; /* shapes the tree */
    uint32_t islands;
    uint32_t charged;
};

/* The size of an island for its pool. */
extern const size_t reorder_island_size;

static inline bool reorder_is_empty(const struct reorder *r)
{
    return r->islands.count == 0;
}

/* Keeps what is new of `text`, which begins at `at` beyond RCV.NXT. Takes the frame's reference.
 * False when a cap or the memory kept some of it out. `*new_octets` counts what was kept. */
NODISCARD bool reorder_insert(struct reorder *r, const struct reorder_limits *limits,
                              tcp_seq rcv_nxt, tcp_seq at, struct frame *frame, struct bytes text,
                              uint32_t *new_octets);
/* Where the first island begins; false when there is none. */
bool reorder_first(const struct reorder *r, tcp_seq *at);
/* The octets of [at, end) that are here already, the first run of them; false when none is. */
bool reorder_overlap(const struct reorder *r, tcp_seq at, tcp_seq end, struct tcp_block *out);
/* The islands that were added to last, newest first, at most `max`; returns how many. */
int reorder_blocks(const struct reorder *r, struct tcp_block *out, int max);
/* The first frame of the island that begins at or before `rcv_nxt`, taken out and cut so that it
 * begins there; NULL when the first one begins later. What lies wholly behind is dropped on the
 * way.
 */
struct frame *reorder_take(struct reorder *r, const struct reorder_limits *limits, tcp_seq rcv_nxt);
void reorder_clear(struct reorder *r, struct pool *pool);

#endif
