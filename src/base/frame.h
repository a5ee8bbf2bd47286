/*
 * frame.h - counted frame buffers from a pool with a cap in octets.
 *
 * Three sizes: small ones for pieces of text and replies, medium ones for a wire frame, large ones
 * for 64 KB and headers. A buffer has 64 octets of headroom in front of `data` when it is new, and
 * its charge is its full size, whatever it holds. One cap counts the charges of all three.
 */
#ifndef TAPIO_BASE_FRAME_H
#define TAPIO_BASE_FRAME_H

#include <sys/uio.h>

#include "base/bytes.h"
#include "base/pool.h"

enum { FRAME_SIZES = 3, FRAME_HEADROOM = 64 };

struct frame_pool {
    struct pool size[FRAME_SIZES];
    uint64_t cap;     /* octets, over all sizes */
    uint64_t charged; /* octets in buffers that are out */
    uint64_t out;     /* buffers that are out */
    uint64_t refused; /* how often the cap or memory said no */

    struct frame_pool *from;            /* NULL; of a stock, whose its buffers are, */
    struct frame *stocked[FRAME_SIZES]; /* those that are in, */
    uint32_t stock_count[FRAME_SIZES];  /* and how many */
};

NODISCARD int frame_pool_init(struct frame_pool *pool, struct memory *memory, uint64_t cap);
void frame_pool_fini(struct frame_pool *pool);

/* A buffer that can take at least `room` octets behind its headroom, with one reference, len 0, no
 * meta; NULL at the cap, without memory, and for more than FRAME_ROOM_MAX. What is in it is not
 * cleared. */
enum { FRAME_ROOM_MAX = 65536 + 128 };
NODISCARD struct frame *frame_get(struct frame_pool *pool, size_t room);
/* A buffer of its own with these octets, or NULL. */
NODISCARD struct frame *frame_copy(struct frame_pool *pool, struct bytes octets);
/* The same of octets in pieces. */
NODISCARD struct frame *frame_gather(struct frame_pool *pool, const struct iovec *iov, int iovcnt);
/* A frame that holds just `text`, from the pool: `frame` itself when it is well filled, else a
 * smaller copy. Takes the reference either way; NULL (and the reference dropped) without memory. */
NODISCARD struct frame *frame_compact(struct frame *frame, struct bytes text);
/* Drops one reference; the last gives the buffer back. NULL is allowed. */
void frame_put(struct frame *frame);
struct frame *frame_ref(struct frame *frame);
/* What a queue is charged for holding it, in octets. */
uint32_t frame_charge(const struct frame *frame);
/* Octets that can still be put behind the last one. */
size_t frame_tailroom(const struct frame *frame);

/* A stock: buffers of a pool that were set aside for a thread that fills them while another has the
 * pool. That thread gives it, in place of the pool, to whoever fills them: frame_get() takes from
 * the stock alone, the smallest that is large enough, and frame_put() puts back there what was not
 * filled after all. The calls below touch the pool, too. Of a stock `charged` is zero. */
void frame_stock_init(struct frame_pool *stock, struct frame_pool *from);
/* Sees to it that `count` buffers of the size for `room` octets are in, if the pool allows. Returns
 * how many there are. */
uint32_t frame_stock_fill(struct frame_pool *stock, size_t room, uint32_t count);
/* A frame that was got from the stock is one of the pool's from now on. */
void frame_stock_hand_over(struct frame_pool *stock, struct frame *frame);
/* Gives back what is in; none may be out. */
void frame_stock_fini(struct frame_pool *stock);

static inline bool frame_pool_is_stock(const struct frame_pool *pool)
{
    return pool->from;
}

/* The headroom, for what its holder wants to keep beside the octets: FRAME_HEADROOM of it, aligned
 * to 8. */
static inline void *frame_note(struct frame *frame)
{
    assert(frame->data >= frame->buffer + FRAME_HEADROOM);
    return frame->buffer;
}

static inline struct bytes frame_bytes(const struct frame *frame)
{
    return bytes_of(frame->data, frame->len);
}

/* Cuts `len` octets off the front, or off the end. */
static inline void frame_trim_front(struct frame *frame, uint32_t len)
{
    assert(len <= frame->len);
    frame->data += len;
    frame->len -= len;
}

static inline void frame_trim_end(struct frame *frame, uint32_t len)
{
    assert(len <= frame->len);
    frame->len -= len;
}

#endif
