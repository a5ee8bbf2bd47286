/*
 * frame.c - frame buffers: a pool for each size, one budget for all.
 *
 * The struct and its buffer are one object of a pool, so a frame costs one allocation and its
 * charge is known from its size alone. The sizes are chosen for what comes: 512 octets hold a bare
 * ACK, a ping or a piece of text that was copied out of a larger buffer; 2,048 hold a full Ethernet
 * frame with a virtio_net_hdr in front and one octet to spare, which is how a device notices that a
 * frame was cut; the largest holds what segmentation offload makes. Buffers are not cleared:
 * whoever gets one writes before reading, and `len` says how much.
 *
 * The budget counts charges. What the pools themselves need (slab headers, slabs kept empty) is not
 * in it; pool_cap_octets() knows.
 */
#include "base/frame.h"

#include <tapio/dev.h>

/* What a frame of each size costs, everything included. */
static const uint32_t size_octets[FRAME_SIZES] = {
    512,
    2048,
    (FRAME_ROOM_MAX + FRAME_HEADROOM + sizeof(struct frame) + POOL_TAG + 15) / 16 * 16,
};

enum { OVERHEAD = sizeof(struct frame) + POOL_TAG };

static_assert(2048 - OVERHEAD - FRAME_HEADROOM >= 12 + 1514 + 1,
              "a medium frame takes what a wire brings, its virtio_net_hdr and a spare octet");

/* What can be put behind the headroom of a new frame. */
static size_t room_of(size_t size)
{
    return size_octets[size] - OVERHEAD - FRAME_HEADROOM;
}

int frame_pool_init(struct frame_pool *pool, struct memory *memory, uint64_t cap)
{
    static const char *const names[FRAME_SIZES] = {"small frames", "frames", "large frames"};

    *pool = (struct frame_pool){.cap = cap};
    for (size_t i = 0; i < FRAME_SIZES; i++) {
        uint64_t count = cap / size_octets[i];
        uint32_t limit = count == 0 ? 1 : count > INT32_MAX / 2 ? INT32_MAX / 2 : (uint32_t)count;
        int err = pool_init(&pool->size[i], memory, names[i], size_octets[i] - POOL_TAG, limit);
        if (err) {
            while (i-- > 0)
                pool_fini(&pool->size[i]);
            *pool = (struct frame_pool){0};
            return err;
        }
    }
    return 0;
}

void frame_pool_fini(struct frame_pool *pool)
{
    for (size_t i = 0; i < FRAME_SIZES; i++)
        pool_fini(&pool->size[i]);
    *pool = (struct frame_pool){0};
}

/* The smallest size that has it, or the largest. */
static size_t size_for(size_t room)
{
    size_t size = 0;

    while (size < FRAME_SIZES - 1 && room_of(size) < room)
        size++;
    return size;
}

static size_t size_of(const struct frame *frame)
{
    size_t size = 0;

    while (size < FRAME_SIZES && size_octets[size] != frame_charge(frame))
        size++;
    assert(size < FRAME_SIZES);
    return size;
}

static void stock_push(struct frame_pool *stock, struct frame *frame)
{
    size_t size = size_of(frame);

    frame->next = stock->stocked[size];
    stock->stocked[size] = frame;
    stock->stock_count[size]++;
}

/* NULL: it is dry. `*size` is what was asked for, and then what it is. */
static struct frame *stock_pop(struct frame_pool *stock, size_t *size)
{
    while (*size < FRAME_SIZES && !stock->stocked[*size])
        ++*size;
    if (*size == FRAME_SIZES)
        return NULL;
    struct frame *frame = stock->stocked[*size];
    stock->stocked[*size] = frame->next;
    stock->stock_count[*size]--;
    return frame;
}

struct frame *frame_get(struct frame_pool *pool, size_t room)
{
    struct frame *frame = NULL;

    if (room > FRAME_ROOM_MAX)
        return NULL;
    size_t size = size_for(room);
    if (pool->from)
        frame = stock_pop(pool, &size);
    else if (size_octets[size] <= pool->cap - pool->charged)
        frame = pool_get_unzeroed(&pool->size[size]);
    if (!frame) {
        pool->refused++;
        return NULL;
    }
    *frame = (struct frame){.home = pool, .refs = 1};
    frame->buffer = (uint8_t *)(frame + 1);
    frame->data = frame->buffer + FRAME_HEADROOM;
    frame->room = size_octets[size] - OVERHEAD;
    pool->charged += pool->from ? 0 : size_octets[size];
    pool->out++;
    return frame;
}

uint32_t frame_charge(const struct frame *frame)
{
    return frame->room + OVERHEAD;
}

void frame_put(struct frame *frame)
{
    if (!frame)
        return;
    assert(frame->refs > 0);
    if (--frame->refs > 0)
        return;

    struct frame_pool *pool = frame->home;
    size_t size = size_of(frame);
    assert(pool->out > 0);
    pool->out--;
    if (pool->from) {
        stock_push(pool, frame);
        return;
    }
    pool->charged -= size_octets[size];
    pool_put(&pool->size[size], frame);
}

struct frame *frame_copy(struct frame_pool *pool, struct bytes octets)
{
    struct frame *copy = frame_get(pool, octets.len);

    if (!copy)
        return NULL;
    struct writer w = writer_of(copy->data, octets.len);
    write_bytes(&w, octets.at, octets.len);
    copy->len = (uint32_t)octets.len;
    return copy;
}

struct frame *frame_gather(struct frame_pool *pool, const struct iovec *iov, int iovcnt)
{
    size_t len = 0;

    for (int i = 0; i < iovcnt; i++)
        len += iov[i].iov_len;
    struct frame *frame = frame_get(pool, len);
    if (!frame)
        return NULL;
    struct writer w = writer_of(frame->data, len);
    for (int i = 0; i < iovcnt; i++)
        write_bytes(&w, iov[i].iov_base, iov[i].iov_len);
    frame->len = (uint32_t)len;
    return frame;
}

struct frame *frame_compact(struct frame *frame, struct bytes text)
{
    assert(text.at >= frame->data && text.at + text.len <= frame->data + frame->len);
    if (text.len >= frame_charge(frame) / 2) {
        frame_trim_front(frame, (uint32_t)(text.at - frame->data));
        frame_trim_end(frame, frame->len - (uint32_t)text.len);
        return frame;
    }
    struct frame *copy = frame_copy(frame->home, text);
    frame_put(frame);
    return copy;
}

void frame_stock_init(struct frame_pool *stock, struct frame_pool *from)
{
    *stock = (struct frame_pool){.from = from};
}

uint32_t frame_stock_fill(struct frame_pool *stock, size_t room, uint32_t count)
{
    size_t size = size_for(room);

    while (stock->stock_count[size] < count) {
        struct frame *frame = frame_get(stock->from, room);
        if (!frame)
            break;
        stock_push(stock, frame);
    }
    return stock->stock_count[size];
}

void frame_stock_hand_over(struct frame_pool *stock, struct frame *frame)
{
    assert(frame->home == stock && stock->out > 0);
    frame->home = stock->from;
    stock->out--;
}

void frame_stock_fini(struct frame_pool *stock)
{
    struct frame *frame;
    size_t size = 0;

    assert(stock->out == 0);
    while ((frame = stock_pop(stock, &size))) {
        frame->home = stock->from;
        frame->refs = 1;
        frame_put(frame);
    }
}

struct frame *frame_ref(struct frame *frame)
{
    assert(frame->refs > 0 && frame->refs < UINT16_MAX);
    frame->refs++;
    return frame;
}

size_t frame_tailroom(const struct frame *frame)
{
    const uint8_t *end = frame->buffer + frame->room;
    assert(frame->data >= frame->buffer && frame->len <= (size_t)(end - frame->data));
    return (size_t)(end - frame->data) - frame->len;
}
