/*
 * pipe.c - see pipe.h.
 *
 * Each end has the queue of what it will receive. Sending copies a frame, octets and meta, into a
 * packet of its own size; receiving copies it into a buffer of the receiver's pool. So each side
 * keeps its own accounts, and neither can hold the other's buffers. A queue is full at its
 * capacity, which counts what a packet costs and not only what it carries; an empty queue takes any
 * frame, else one larger than the capacity would wait for ever.
 *
 * There is no descriptor to poll. A frame that waits makes a deadline instead: the moment it was
 * sent, which has passed.
 */
#include "dev/pipe.h"

#include <errno.h>
#include <string.h>

#include "base/frame.h"
#include "base/instant.h"

struct packet {
    struct packet *next;
    instant sent;
    uint32_t len;
    struct frame_meta meta;
    uint8_t octets[];
};

struct pipe;

struct end {
    struct dev dev;
    struct pipe *pipe;
    struct end *peer;
    bool open;
    struct packet *first, *last; /* what it will receive */
    uint64_t charged;            /* octets */
};

struct pipe {
    struct memory *memory;
    uint32_t capacity;
    struct end end[2];
};

static struct end *end_of(struct dev *dev)
{
    return CONTAINER_OF(dev, struct end, dev);
}

static size_t packet_cost(size_t len)
{
    return sizeof(struct packet) + len;
}

static void put_last(struct end *end, struct packet *packet)
{
    if (end->last)
        end->last->next = packet;
    else
        end->first = packet;
    end->last = packet;
    end->charged += packet_cost(packet->len);
}

static void drop_first(struct end *end)
{
    struct packet *packet = end->first;
    end->first = packet->next;
    if (!end->first)
        end->last = NULL;
    end->charged -= packet_cost(packet->len);
    memory_release(end->pipe->memory, packet, packet_cost(packet->len));
}

static int send_frame(struct dev *dev, const struct frame_meta *meta, const struct iovec *iov,
                      int iovcnt, instant now)
{
    struct end *to = end_of(dev)->peer;
    struct pipe *pipe = to->pipe;
    size_t len = 0;

    if (!to->open)
        return -ENETDOWN;
    for (int i = 0; i < iovcnt; i++)
        len += iov[i].iov_len;
    if (to->first && to->charged + packet_cost(len) > pipe->capacity)
        return -EAGAIN;
    struct packet *packet = memory_alloc(pipe->memory, packet_cost(len));
    if (!packet)
        return -EAGAIN;

    packet->sent = now;
    packet->meta = *meta;
    for (int i = 0; i < iovcnt; i++) {
        if (iov[i].iov_len == 0)
            continue;
        memcpy(packet->octets + packet->len, iov[i].iov_base, iov[i].iov_len);
        packet->len += (uint32_t)iov[i].iov_len;
    }
    put_last(to, packet);
    return 0;
}

static int receive(struct dev *dev, struct frame_pool *pool, struct frame **batch, int max,
                   instant now)
{
    struct end *end = end_of(dev);
    int count = 0;

    (void)now;
    if (!end->first && !end->peer->open)
        return -ENETDOWN;
    while (count < max && end->first) {
        const struct packet *packet = end->first;
        struct frame *frame = frame_get(pool, packet->len);
        if (!frame) {
            dev->counters.rx_nobuf++;
            break;
        }
        memcpy(frame->data, packet->octets, packet->len);
        frame->len = packet->len;
        frame->meta = packet->meta;
        batch[count++] = frame;
        drop_first(end);
    }
    return count;
}

static void flush(struct dev *dev, instant now)
{
    (void)dev;
    (void)now;
}

static instant deadline(const struct dev *dev)
{
    const struct end *end = (const struct end *)(const void *)dev;
    return end->first ? end->first->sent : INSTANT_NEVER;
}

static_assert(offsetof(struct end, dev) == 0, "deadline() finds the end at its device");

static int descriptor(const struct dev *dev)
{
    (void)dev;
    return -1;
}

static void close_end(struct dev *dev)
{
    struct end *end = end_of(dev);
    struct pipe *pipe = end->pipe;

    assert(end->open);
    end->open = false;
    while (end->first)
        drop_first(end); /* nobody will read it */
    if (!end->peer->open)
        memory_release(pipe->memory, pipe, sizeof(*pipe));
}

static const struct dev_ops pipe_ops = {
    .receive = receive,
    .send = send_frame,
    .flush = flush,
    .deadline = deadline,
    .fd = descriptor,
    .close = close_end,
};

int pipe_new(struct memory *memory, const struct pipe_config *config, struct dev *out[2])
{
    struct pipe *pipe = memory_alloc(memory, sizeof(*pipe));
    if (!pipe)
        return -ENOMEM;
    pipe->memory = memory;
    pipe->capacity = config->capacity;
    for (int i = 0; i < 2; i++) {
        pipe->end[i] = (struct end){
            .dev = {.ops = &pipe_ops,
                    .name = {'p', 'i', 'p', 'e', (char)('0' + i)},
                    .mtu = config->mtu,
                    .ip_only = config->ip_only,
                    .csum_offload = config->csum_offload,
                    .big_frames = config->big_frames},
            .pipe = pipe,
            .peer = &pipe->end[1 - i],
            .open = true,
        };
        out[i] = &pipe->end[i].dev;
    }
    return 0;
}
