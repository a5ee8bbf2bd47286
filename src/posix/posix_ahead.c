/*
 * posix_ahead.c - see posix_ahead.h.
 *
 * Reading the device is where most of a bulk turn goes: the kernel copies, 256 KB at a time. If
 * that were done under the lock, the thread whose text it is could not take the last batch while
 * the next one is read; the two would work in turn, and the window would close meanwhile (ADR
 * 0018). So a turn reads first and takes the lock then:
 *
 *     read       into buffers of the stock, without the lock
 *     receive    under it: the buffers become the pool's, the stack runs them, the stock is
 *                filled up from the pool
 *
 * Of the stock nothing is seen by anybody but the polling thread, and of a device only if it says
 * that it is `unshared`. One in memory that lies between two programs' threads is not, nor is an
 * impaired one; those are read under the lock, as stack_receive() does it.
 *
 * The stock is what a batch takes: a buffer of the link's size for each of its frames, and a few of
 * 64 KB where the device has big frames; but never more than an eighth of the memory for frames, so
 * that little memory means small batches and not no frames. When it runs dry in the middle of a
 * batch, the rest stays where it is until the next turn, which finds the descriptor readable.
 */
#include "posix/posix_ahead.h"

#include "base/base.h"
#include "stack/stack.h"

enum {
    LINK = 32, /* octets of a link's header, and one to spare */
    LARGE = 6, /* 256 KB, where a TAP ends a batch, in frames of 64 KB; and one to read into */
    PART = 8,  /* of the memory for frames, that either size may take */
};

/* How many buffers of that size: `wanted`, or their part of the memory if that is less; but one in
 * any case. */
static uint32_t fill(struct posix_ahead *ahead, size_t room, uint32_t wanted)
{
    uint64_t part = ahead->stock.from->cap / PART / room;

    if (part == 0)
        wanted = 1;
    else if (part < wanted)
        wanted = (uint32_t)part;
    return frame_stock_fill(&ahead->stock, room, wanted);
}

static void restock(struct posix_ahead *ahead)
{
    struct dev *dev = ahead->dev;
    uint32_t got = fill(ahead, u32_min(dev->mtu, FRAME_ROOM_MAX - LINK) + LINK, DEV_BATCH);

    if (dev->big_frames)
        got = u32_min(got, fill(ahead, FRAME_ROOM_MAX, LARGE));
    if (got == 0)
        dev->counters.rx_nobuf++;
}

void posix_ahead_init(struct posix_ahead *ahead, struct dev *dev, struct stack *stack)
{
    *ahead = (struct posix_ahead){.dev = dev->unshared ? dev : NULL};
    frame_stock_init(&ahead->stock, &stack->frames);
    if (ahead->dev)
        restock(ahead);
}

void posix_ahead_read(struct posix_ahead *ahead, instant now)
{
    if (ahead->dev)
        ahead->count = dev_receive(ahead->dev, &ahead->stock, ahead->batch, DEV_BATCH, now);
}

int posix_ahead_receive(struct posix_ahead *ahead, struct stack *stack, instant now)
{
    int count = ahead->count;

    for (int i = 0; i < count; i++)
        frame_stock_hand_over(&ahead->stock, ahead->batch[i]);
    stack_run_batch(stack, ahead->dev, ahead->batch, count, now);
    restock(ahead);
    return count;
}

void posix_ahead_fini(struct posix_ahead *ahead)
{
    frame_stock_fini(&ahead->stock);
}
