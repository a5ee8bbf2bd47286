/*
 * sendq.c - see sendq.h.
 *
 * Segments are sent in order, so each gather begins where the last one ended, or at the front
 * again. The cursor remembers that chunk: finding it is O(1), and a retransmission walks a handful
 * of 64 KB chunks at most. An empty queue holds no chunk at all.
 */
#include "tcp/sendq.h"

struct sendq_chunk {
    struct sendq_chunk *next;
    uint32_t start, end; /* the octets that count are [start, end) */
    uint32_t room;
    uint8_t size; /* index into the pools */
    uint8_t octets[];
};

static uint32_t chunk_charge(int size)
{
    return UINT32_C(4096) << size;
}

int sendq_pools_init(struct sendq_pools *pools, struct memory *memory, uint64_t cap)
{
    static const char *const names[SENDQ_SIZES] = {"send 4k", "send 8k", "send 16k", "send 32k",
                                                   "send 64k"};
    *pools = (struct sendq_pools){.cap = cap};
    for (int i = 0; i < SENDQ_SIZES; i++) {
        uint64_t count = cap / chunk_charge(i);
        int err = pool_init(&pools->size[i], memory, names[i], chunk_charge(i),
                            count > UINT32_MAX ? UINT32_MAX : (uint32_t)count);
        if (err) {
            while (i-- > 0)
                pool_fini(&pools->size[i]);
            return err;
        }
    }
    return 0;
}

void sendq_pools_fini(struct sendq_pools *pools)
{
    for (int i = 0; i < SENDQ_SIZES; i++)
        pool_fini(&pools->size[i]);
}

/* A chunk twice as large as the last one, or the largest that can be had. */
static struct sendq_chunk *chunk_get(struct sendq_pools *pools, const struct sendq_chunk *last,
                                     size_t wanted)
{
    int size = last && last->size + 1 < SENDQ_SIZES ? last->size + 1 : last ? last->size : 0;

    while (size + 1 < SENDQ_SIZES && wanted > chunk_charge(size))
        size++;
    for (; size >= 0; size--) {
        if (pools->charged + chunk_charge(size) > pools->cap)
            continue;
        struct sendq_chunk *chunk = pool_get_unzeroed(&pools->size[size]);
        if (!chunk)
            continue;
        chunk->next = NULL;
        chunk->start = chunk->end = 0;
        chunk->room = chunk_charge(size) - (uint32_t)sizeof(struct sendq_chunk);
        chunk->size = (uint8_t)size;
        pools->charged += chunk_charge(size);
        pools->out++;
        return chunk;
    }
    return NULL;
}

static void chunk_put(struct sendq_pools *pools, struct sendq_chunk *chunk)
{
    pools->charged -= chunk_charge(chunk->size);
    pools->out--;
    pool_put(&pools->size[chunk->size], chunk);
}

size_t sendq_append(struct sendq *q, struct sendq_pools *pools, struct bytes text)
{
    size_t taken = 0;

    while (taken < text.len) {
        if (!q->tail || q->tail->end == q->tail->room) {
            struct sendq_chunk *chunk = chunk_get(pools, q->tail, text.len - taken);
            if (!chunk)
                break;
            if (q->tail)
                q->tail->next = chunk;
            else
                q->head = chunk;
            q->tail = chunk;
        }
        size_t n = size_min(q->tail->room - q->tail->end, text.len - taken);
        struct writer w = writer_of(q->tail->octets + q->tail->end, n);
        write_bytes(&w, bytes_skip(text, taken).at, n);
        q->tail->end += (uint32_t)n;
        taken += n;
    }
    q->len += (uint32_t)taken;
    return taken;
}

void sendq_drop(struct sendq *q, struct sendq_pools *pools, uint32_t len)
{
    assert(len <= q->len);
    q->len -= len;
    q->cursor_at -= q->cursor ? u32_min(len, q->cursor_at) : 0;
    while (q->head) {
        struct sendq_chunk *head = q->head;
        uint32_t n = u32_min(len, head->end - head->start);
        head->start += n;
        len -= n;
        if (head->start < head->end)
            break;
        q->head = head->next;
        if (!q->head)
            q->tail = NULL;
        if (q->cursor == head)
            q->cursor = NULL;
        chunk_put(pools, head);
    }
    assert(len == 0);
    if (q->cursor == q->head) /* the front moved inside the cursor's own chunk */
        q->cursor = NULL;
}

int sendq_gather(struct sendq *q, uint32_t at, uint32_t *len, struct iovec *iov, int max)
{
    assert(at <= q->len && *len <= q->len - at);
    if (!q->cursor || at < q->cursor_at) {
        q->cursor = q->head;
        q->cursor_at = 0;
    }
    while (q->cursor && at - q->cursor_at >= q->cursor->end - q->cursor->start && q->cursor->next) {
        q->cursor_at += q->cursor->end - q->cursor->start;
        q->cursor = q->cursor->next;
    }

    struct sendq_chunk *chunk = q->cursor;
    uint32_t skip = at - q->cursor_at;
    uint32_t left = *len;
    int count = 0;
    while (left > 0 && count < max) {
        assert(chunk); /* the chunks hold q->len octets */
        uint32_t n = u32_min(left, chunk->end - chunk->start - skip);
        if (n > 0)
            iov[count++] = (struct iovec){chunk->octets + chunk->start + skip, n};
        left -= n;
        skip = 0;
        chunk = chunk->next;
    }
    *len -= left;
    return count;
}

void sendq_clear(struct sendq *q, struct sendq_pools *pools)
{
    while (q->head) {
        struct sendq_chunk *next = q->head->next;
        chunk_put(pools, q->head);
        q->head = next;
    }
    *q = (struct sendq){0};
}
