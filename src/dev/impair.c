/*
 * impair.c - see impair.h.
 *
 * Two bad wires (bad_wire.h) and a device behind them. Nothing happens by itself: frames that have
 * become due move on when somebody calls, whatever the call, and deadline() says when somebody
 * should. When the inner device is full, frames stay, and the caller is told that we are full, too:
 * that is back-pressure, not a fault of the wire, and must not turn into loss. It is asked before a
 * frame is taken and never after: of a big frame, whose segments are many, none may be sent again
 * because the inner device took only some. In the other direction a batch of big frames may become
 * many batches of segments: until the caller has taken them, no more are asked for.
 */
#include "dev/impair.h"

#include <errno.h>
#include <string.h>

#include "base/frame.h"
#include "base/instant.h"
#include "dev/bad_wire.h"
#include "eth/eth_wire.h"

enum { RETRY_MS = 1 }; /* a full inner device is asked again after so long */

struct impair {
    struct dev dev;
    struct memory *memory;
    struct dev *inner;
    bool blocked;  /* the inner device is full */
    bool gone;     /* the inner device is gone */
    instant retry; /* when to ask it again, while blocked */
    bool behind;   /* more has come out of `in` than the caller took at once */
    struct bad_wire in, out;
};

static struct impair *impair_of(struct dev *dev)
{
    return CONTAINER_OF(dev, struct impair, dev);
}

static const struct impair *impair_of_const(const struct dev *dev)
{
    static_assert(offsetof(struct impair, dev) == 0, "the device comes first");
    return (const struct impair *)(const void *)dev;
}

/* Hands what is due to the inner device, until that is full. */
static void release_out(struct impair *impair, instant now)
{
    struct bad_wire *wire = &impair->out;
    struct held *held;

    impair->dev.mtu = impair->inner->mtu; /* it can change under us */
    impair->blocked = false;
    while (!impair->gone && (held = bad_wire_due(wire, now))) {
        const struct iovec iov = {held->octets, held->len};
        int err = dev_send(impair->inner, &held->meta, &iov, 1, now);
        if (err == -EAGAIN) {
            impair->blocked = true;
            impair->retry = instant_add(now, RETRY_MS * NS_PER_MS);
            return;
        }
        if (err == -ENETDOWN) {
            impair->gone = true;
            return;
        }
        wire->counters.passed++;
        bad_wire_drop(wire, held);
    }
}

static int send_frame(struct dev *dev, const struct frame_meta *meta, const struct iovec *iov,
                      int iovcnt, instant now)
{
    struct impair *impair = impair_of(dev);
    struct arrival frame = {.iov = iov, .iovcnt = iovcnt, .meta = meta};

    release_out(impair, now);
    if (impair->gone)
        return -ENETDOWN;
    if (impair->blocked)
        return -EAGAIN;

    for (int i = 0; i < iovcnt; i++)
        frame.len += iov[i].iov_len;
    bad_wire_arrive(&impair->out, &frame, now);
    release_out(impair, now);
    return impair->gone ? -ENETDOWN : 0;
}

/* Fills the batch with what is due. */
static int release_in(struct impair *impair, struct frame_pool *pool, struct frame **batch, int max,
                      instant now)
{
    struct bad_wire *wire = &impair->in;
    int count = 0;
    struct held *held;

    while (count < max && (held = bad_wire_due(wire, now))) {
        struct frame *frame = frame_get(pool, held->len);
        if (!frame) {
            impair->dev.counters.rx_nobuf++;
            break;
        }
        if (held->len)
            memcpy(frame->data, held->octets, held->len);
        frame->len = held->len;
        frame->truncated = held->truncated;
        frame->meta = held->meta;
        batch[count++] = frame;
        wire->counters.passed++;
        bad_wire_drop(wire, held);
    }
    return count;
}

static int receive(struct dev *dev, struct frame_pool *pool, struct frame **batch, int max,
                   instant now)
{
    struct impair *impair = impair_of(dev);

    release_out(impair, now);
    int arrived = impair->behind ? 0 : dev_receive(impair->inner, pool, batch, max, now);
    for (int i = 0; i < arrived; i++) {
        struct frame *frame = batch[i];
        const struct iovec iov = {frame->data, frame->len};
        const struct arrival arrival = {.iov = &iov,
                                        .iovcnt = 1,
                                        .len = frame->len,
                                        .meta = &frame->meta,
                                        .truncated = frame->truncated};
        bad_wire_arrive(&impair->in, &arrival, now);
        frame_put(frame);
    }
    int count = release_in(impair, pool, batch, max, now);
    impair->behind = count == max && bad_wire_due(&impair->in, now);
    /* What is still under way from a device that is gone comes before the bad news. */
    bool drained = count == 0 && impair->in.counters.held == 0;
    return arrived < 0 && drained ? arrived : count;
}

static void flush(struct dev *dev, instant now)
{
    struct impair *impair = impair_of(dev);
    release_out(impair, now);
    dev_flush(impair->inner, now);
    dev->held = impair->inner->held;
}

static instant deadline(const struct dev *dev)
{
    const struct impair *impair = impair_of_const(dev);
    instant in = bad_wire_deadline(&impair->in);
    instant out = bad_wire_deadline(&impair->out);

    if (impair->gone)
        out = INSTANT_NEVER;
    else if (impair->blocked)
        out = impair->retry;
    return instant_min(dev_deadline(impair->inner), instant_min(in, out));
}

static int descriptor(const struct dev *dev)
{
    return dev_fd(impair_of_const(dev)->inner);
}

static void close_impair(struct dev *dev)
{
    struct impair *impair = impair_of(dev);

    bad_wire_fini(&impair->in);
    bad_wire_fini(&impair->out);
    dev_close(impair->inner);
    memory_release(impair->memory, impair, sizeof(*impair));
}

static const struct dev_ops impair_ops = {
    .receive = receive,
    .send = send_frame,
    .flush = flush,
    .deadline = deadline,
    .fd = descriptor,
    .close = close_impair,
};

int impair_new(struct memory *memory, struct dev *inner, const struct impair_config *in,
               const struct impair_config *out, struct dev **result)
{
    struct impair *impair = memory_alloc(memory, sizeof(*impair));
    if (!impair)
        return -ENOMEM;
    impair->memory = memory;
    impair->inner = inner;
    impair->dev = *inner;
    impair->dev.ops = &impair_ops;
    impair->dev.unshared = false; /* two wires full of frames that others set and read */
    impair->dev.counters = (struct dev_counters){0};
    /* A stream of chance for each direction: what comes does not change the fate of what goes. */
    bad_wire_init(&impair->in, memory, in, inner->ip_only, in->seed * 2);
    bad_wire_init(&impair->out, memory, out, inner->ip_only, out->seed * 2 + 1);
    impair->out.shortest = inner->ip_only || inner->unpadded ? 0 : ETH_MIN;
    *result = &impair->dev;
    return 0;
}

struct impair_config impair_config(const struct dev *dev, enum impair_direction direction)
{
    assert(dev->ops == &impair_ops);
    const struct impair *impair = impair_of_const(dev);
    return direction == IMPAIR_IN ? impair->in.config : impair->out.config;
}

void impair_change(struct dev *dev, enum impair_direction direction,
                   const struct impair_config *config)
{
    assert(dev->ops == &impair_ops);
    struct impair *impair = impair_of(dev);
    bad_wire_change(direction == IMPAIR_IN ? &impair->in : &impair->out, config);
}

struct impair_counters impair_counters(const struct dev *dev, enum impair_direction direction)
{
    assert(dev->ops == &impair_ops);
    const struct impair *impair = impair_of_const(dev);
    return direction == IMPAIR_IN ? impair->in.counters : impair->out.counters;
}
