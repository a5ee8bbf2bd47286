/*
 * joined.c - see joined.h.
 *
 * A kernel's GRO keeps a list of flows for as long as it takes packets in; here a frame is held
 * against the one in front of it and no other. So a frame never overtakes another, and what a burst
 * brings in a row, which is what big frames are cut into, is joined all the same. Whether two
 * belong together is big_join()'s to say.
 *
 * A buffer is as large as what came. Only when the frame behind is one that could follow, room for
 * 64 KB is asked for.
 */
#include "sim/joined.h"

#include <errno.h>
#include <string.h>

#include "base/frame.h"
#include "dev/big_frame.h"

struct joined {
    struct dev dev;
    struct memory *memory;
    struct dev *inner;
    uint64_t count;
};

/* True: `*last` holds both, in another buffer perhaps. */
static bool join(struct frame_pool *pool, struct frame **last, const struct frame *next,
                 bool ip_only)
{
    struct frame *small = *last;

    if (big_join(small, next, ip_only))
        return true;
    if (frame_tailroom(small) >= next->len || small->len + next->len > FRAME_ROOM_MAX)
        return false; /* not for want of room */
    struct frame *large = frame_get(pool, FRAME_ROOM_MAX);
    if (!large)
        return false;
    memcpy(large->data, small->data, small->len);
    large->len = small->len;
    large->truncated = small->truncated;
    large->meta = small->meta;
    bool both = big_join(large, next, ip_only);
    *last = both ? large : small;
    frame_put(both ? small : large);
    return both;
}

int joined_batch(struct frame_pool *pool, struct frame **batch, int count, bool ip_only)
{
    int left = 0;

    for (int i = 0; i < count; i++) {
        if (left > 0 && join(pool, &batch[left - 1], batch[i], ip_only))
            frame_put(batch[i]);
        else
            batch[left++] = batch[i];
    }
    return left;
}

/* --- a device ----------------------------------------------------------------------------- */

static struct joined *joined_of(struct dev *dev)
{
    return CONTAINER_OF(dev, struct joined, dev);
}

static const struct joined *joined_of_const(const struct dev *dev)
{
    static_assert(offsetof(struct joined, dev) == 0, "the device comes first");
    return (const struct joined *)(const void *)dev;
}

static int receive(struct dev *dev, struct frame_pool *pool, struct frame **batch, int max,
                   instant now)
{
    struct joined *joined = joined_of(dev);
    int count = dev_receive(joined->inner, pool, batch, max, now);

    if (count <= 0)
        return count;
    int left = joined_batch(pool, batch, count, dev->ip_only);
    joined->count += (uint64_t)(count - left);
    return left;
}

static int send_frame(struct dev *dev, const struct frame_meta *meta, const struct iovec *iov,
                      int iovcnt, instant now)
{
    return dev_send(joined_of(dev)->inner, meta, iov, iovcnt, now);
}

static void flush(struct dev *dev, instant now)
{
    dev_flush(joined_of(dev)->inner, now);
    dev->held = joined_of(dev)->inner->held;
}

static instant deadline(const struct dev *dev)
{
    return dev_deadline(joined_of_const(dev)->inner);
}

static int descriptor(const struct dev *dev)
{
    return dev_fd(joined_of_const(dev)->inner);
}

static void close_joined(struct dev *dev)
{
    struct joined *joined = joined_of(dev);

    dev_close(joined->inner);
    memory_release(joined->memory, joined, sizeof(*joined));
}

static const struct dev_ops joined_ops = {
    .receive = receive,
    .send = send_frame,
    .flush = flush,
    .deadline = deadline,
    .fd = descriptor,
    .close = close_joined,
};

int joined_new(struct memory *memory, struct dev *inner, struct dev **result)
{
    struct joined *joined = memory_alloc(memory, sizeof(*joined));

    if (!joined)
        return -ENOMEM;
    assert(inner->big_frames && inner->csum_offload);
    *joined = (struct joined){.dev = *inner, .memory = memory, .inner = inner};
    joined->dev.ops = &joined_ops;
    joined->dev.counters = (struct dev_counters){0};
    *result = &joined->dev;
    return 0;
}

uint64_t joined_count(const struct dev *dev)
{
    assert(dev->ops == &joined_ops);
    return joined_of_const(dev)->count;
}
