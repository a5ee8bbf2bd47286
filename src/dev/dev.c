/*
 * dev.c - the calls of tapio/dev.h.
 *
 * Every frame of every device passes here, so what all devices have in common is done here, once:
 * the counters of frames and octets, the note that a device is gone, and a gate in front of send().
 * The gate is our own egress check: no frame leaves that is shorter than its link's header or
 * longer than the link's MTU, because a TAP would take 128 KB without a word and the other side
 * would wonder. Such a frame is counted and lost as on a wire; it must not stop a stack that runs.
 *
 * tx_frames counts what a device has taken. Of these, tx_down and tx_short went nowhere.
 */
#include <errno.h>
#include <tapio/dev.h>

#include "base/base.h"
#include "base/frame.h"
#include "base/instant.h"
#include "dev/vnet_wire.h"
#include "eth/eth_wire.h"

int dev_receive(struct dev *dev, struct frame_pool *pool, struct frame **batch, int max,
                instant now)
{
    assert(max > 0);
    int count = dev->ops->receive(dev, pool, batch, max, now);
    assert(count <= max);
    if (count == -ENETDOWN)
        dev->counters.lost = 1;
    for (int i = 0; i < count; i++) {
        dev->counters.rx_frames++;
        dev->counters.rx_octets += batch[i]->len;
    }
    return count;
}

static bool fits(const struct dev *dev, const struct frame_meta *meta, size_t len)
{
    size_t link_header = dev->ip_only ? 0 : ETH_HEADER;
    size_t max = meta->gso_type == FRAME_GSO_NONE ? dev->mtu + link_header : VNET_FRAME_MAX;

    return len > 0 && len >= link_header && len <= max;
}

int dev_send(struct dev *dev, const struct frame_meta *meta, const struct iovec *iov, int iovcnt,
             instant now)
{
    size_t len = 0;

    assert(iovcnt > 0);
    assert(dev->csum_offload || !(meta->flags & FRAME_NEEDS_CSUM));
    for (int i = 0; i < iovcnt; i++)
        len += iov[i].iov_len;
    if (!fits(dev, meta, len)) {
        dev->counters.tx_bad++;
        return 0;
    }

    int err = dev->ops->send(dev, meta, iov, iovcnt, now);
    assert(err <= 0);
    if (err == 0) {
        dev->counters.tx_frames++;
        dev->counters.tx_octets += len;
    } else if (err == -EAGAIN) {
        dev->counters.tx_again++;
    } else if (err == -ENETDOWN) {
        dev->counters.lost = 1;
    }
    return err;
}

void dev_flush(struct dev *dev, instant now)
{
    if (dev->ops->flush)
        dev->ops->flush(dev, now);
}

instant dev_deadline(const struct dev *dev)
{
    return dev->ops->deadline ? dev->ops->deadline(dev) : INSTANT_NEVER;
}

int dev_fd(const struct dev *dev)
{
    return dev->ops->fd(dev);
}

void dev_close(struct dev *dev)
{
    if (dev)
        dev->ops->close(dev);
}

struct frame *dev_frame(struct frame_pool *pool, size_t room)
{
    return frame_get(pool, room);
}

void dev_frame_release(struct frame *frame)
{
    frame_put(frame);
}
