/*
 * sendq.c - see sendq.h.
 *
 * New segments are sent in order, so each gather begins where the last one did, or in the next
 * chunk: the cursor remembers that. What is sent again is where the peer's SACKs say. For that the
 * chunks lie in a tree, too, by the number of their first octet. Nobody outside chooses where
 * chunks begin, so a mixed number does for the shape. An empty queue holds no chunk at all; what
 * there is to know of all chunks lies in the first one, and moves on when that goes.
 */
#include "tcp/sendq.h"

#include "base/tree.h"

struct sendq_chunk {
    struct sendq_chunk *next;
    struct tree_node node; /* .key is what octets[0] is counted as */
    uint32_t start, end;   /* the octets that count are [start, end) */
    uint32_t room;
    uint8_t size;        /* index into the pools; BORROWED: text lies in `frame`, */
    struct frame *frame; /* of which this is a reference */
    const uint8_t *text; /* what [start, end) counts in: octets[], or there */
    struct {             /* of the whole queue, in its first chunk */
        struct sendq_chunk *tail;
        struct sendq_chunk *cursor; /* where the last gather began, or NULL */
        struct tree tree;           /* of the chunks, by their .key */
    } all;
    uint8_t octets[];
};

enum { BORROWED = SENDQ_SIZES };

/* A borrowed one is charged for itself; its frame is charged to the frames. */
static uint32_t chunk_charge(int size)
{
    return size == BORROWED ? (uint32_t)sizeof(struct sendq_chunk) : UINT32_C(4096) << size;
}

static struct pool *pool_of(struct sendq_pools *pools, int size)
{
    return size == BORROWED ? &pools->borrowed : &pools->size[size];
}

int sendq_pools_init(struct sendq_pools *pools, struct memory *memory, uint64_t cap)
{
    static const char *const names[] = {"send 4k",  "send 8k",  "send 16k",
                                        "send 32k", "send 64k", "send frames"};
    *pools = (struct sendq_pools){.cap = cap};
    for (int i = 0; i <= BORROWED; i++) {
        uint64_t count = cap / u32_max(chunk_charge(i), chunk_charge(0));
        int err = pool_init(pool_of(pools, i), memory, names[i], chunk_charge(i),
                            count > UINT32_MAX ? UINT32_MAX : (uint32_t)count);
        if (err) {
            while (i-- > 0)
                pool_fini(pool_of(pools, i));
            return err;
        }
    }
    return 0;
}

void sendq_pools_fini(struct sendq_pools *pools)
{
    for (int i = 0; i <= BORROWED; i++)
        pool_fini(pool_of(pools, i));
}

/* It is counted as out. */
static struct sendq_chunk *chunk_out(struct sendq_pools *pools, struct sendq_chunk *chunk, int size)
{
    chunk->next = NULL;
    chunk->start = 0;
    chunk->size = (uint8_t)size;
    pools->charged += chunk_charge(size);
    pools->out++;
    return chunk;
}

/* A chunk twice as large as the last one, or the largest that can be had. */
static struct sendq_chunk *chunk_get(struct sendq_pools *pools, const struct sendq_chunk *last,
                                     size_t wanted)
{
    int size = last && last->size != BORROWED ? last->size + 1 : 0;

    while (size < SENDQ_SIZES && wanted > chunk_charge(size))
        size++;
    if (size == SENDQ_SIZES)
        size--;
    for (; size >= 0; size--) {
        if (pools->charged + chunk_charge(size) > pools->cap)
            continue;
        struct sendq_chunk *chunk = pool_get_unzeroed(&pools->size[size]);
        if (!chunk)
            continue;
        chunk->room = chunk_charge(size) - (uint32_t)sizeof(struct sendq_chunk);
        chunk->end = 0;
        chunk->frame = NULL;
        chunk->text = chunk->octets;
        return chunk_out(pools, chunk, size);
    }
    return NULL;
}

static void chunk_put(struct sendq_pools *pools, struct sendq_chunk *chunk)
{
    pools->charged -= chunk_charge(chunk->size);
    pools->out--;
    frame_put(chunk->frame);
    pool_put(pool_of(pools, chunk->size), chunk);
}

/* Numbers that are near each other come far apart. */
static uint32_t mixed(uint32_t number)
{
    number = (number ^ number >> 16) * 0x7feb352du;
    number = (number ^ number >> 15) * 0x846ca68bu;
    return number ^ number >> 16;
}

/* What the first octet is counted as. */
static uint32_t front(const struct sendq *q)
{
    return q->head->node.key + q->head->start;
}

/* Behind all others. */
static void chunk_link(struct sendq *q, struct sendq_chunk *chunk)
{
    chunk->node.key = q->head ? front(q) + q->len : 0;
    chunk->node.priority = mixed(chunk->node.key);
    if (q->head) {
        assert(q->head->all.tail); /* the first one's are of all of them */
        q->head->all.tail->next = chunk;
    } else {
        q->head = chunk;
        chunk->all.cursor = NULL;
        chunk->all.tree = (struct tree){0};
    }
    q->head->all.tail = chunk;
    tree_insert(&q->head->all.tree, &chunk->node);
}

/* The first one. */
static void chunk_unlink(struct sendq *q, struct sendq_pools *pools)
{
    struct sendq_chunk *head = q->head;

    if (head->all.cursor == head)
        head->all.cursor = NULL;
    tree_remove(&head->all.tree, &head->node);
    q->head = head->next;
    if (q->head) {
        q->head->all = head->all;
        tree_set_origin(&q->head->all.tree, q->head->node.key);
    }
    chunk_put(pools, head);
}

size_t sendq_append(struct sendq *q, struct sendq_pools *pools, struct bytes text)
{
    size_t taken = 0;

    while (taken < text.len) {
        struct sendq_chunk *tail = q->head ? q->head->all.tail : NULL;
        if (!tail || tail->end == tail->room) {
            tail = chunk_get(pools, tail, text.len - taken);
            if (!tail)
                break;
            chunk_link(q, tail);
        }
        size_t n = size_min(tail->room - tail->end, text.len - taken);
        struct writer w = writer_of(tail->octets + tail->end, n);
        write_bytes(&w, bytes_skip(text, taken).at, n);
        tail->end += (uint32_t)n;
        q->len += (uint32_t)n;
        taken += n;
    }
    return taken;
}

size_t sendq_append_frame(struct sendq *q, struct sendq_pools *pools, struct frame *frame,
                          struct bytes text)
{
    struct sendq_chunk *chunk = NULL;

    if (text.len == 0)
        return 0;
    if (frame->refs < UINT16_MAX && pools->charged + chunk_charge(BORROWED) <= pools->cap)
        chunk = pool_get_unzeroed(&pools->borrowed);
    if (!chunk)
        return 0;
    chunk->room = chunk->end = (uint32_t)text.len; /* nothing is appended to it */
    chunk->frame = frame_ref(frame);
    chunk->text = text.at;
    chunk_link(q, chunk_out(pools, chunk, BORROWED));
    q->len += (uint32_t)text.len;
    return text.len;
}

void sendq_drop(struct sendq *q, struct sendq_pools *pools, uint32_t len)
{
    assert(len <= q->len);
    q->len -= len;
    while (q->head) {
        struct sendq_chunk *head = q->head;
        uint32_t n = u32_min(len, head->end - head->start);
        head->start += n;
        len -= n;
        if (head->start < head->end)
            break;
        chunk_unlink(q, pools);
    }
    assert(len == 0);
}

/* Does it hold the octet that is counted as `at`? */
static bool holds(const struct sendq_chunk *chunk, uint32_t at)
{
    return chunk && at - chunk->node.key < chunk->end;
}

static struct sendq_chunk *chunk_at(const struct sendq *q, uint32_t at)
{
    struct sendq_chunk *cursor = q->head->all.cursor;

    if (holds(cursor, at))
        return cursor;
    if (cursor && holds(cursor->next, at))
        return cursor->next;
    struct tree_node *node = tree_floor(&q->head->all.tree, at);
    return node ? CONTAINER_OF(node, struct sendq_chunk, node) : NULL;
}

int sendq_gather(struct sendq *q, uint32_t at, uint32_t *len, struct iovec *iov, int max)
{
    assert(at <= q->len && *len <= q->len - at);
    if (!q->head)
        return 0;
    struct sendq_chunk *chunk = q->head->all.cursor = chunk_at(q, front(q) + at);
    uint32_t from = chunk ? front(q) + at - chunk->node.key : 0; /* in its octets */
    uint32_t left = *len;
    int count = 0;
    while (left > 0 && count < max) {
        assert(chunk); /* the chunks hold q->len octets */
        uint32_t n = u32_min(left, chunk->end - from);
        if (n > 0)
            /* an iovec cannot say that it is only read from */
            iov[count++] = (struct iovec){(void *)(uintptr_t)(chunk->text + from), n};
        left -= n;
        from = 0;
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
    q->len = 0;
}
