/*
 * reorder.c - see reorder.h.
 *
 * A segment may overlap any number of islands. It is laid over them from the left: what an island
 * has already is skipped, each gap is filled by a frame of its own, which joins the islands that it
 * touches. The last gap may keep the frame itself; the gaps before it get copies, because a frame
 * can be in one chain only.
 *
 * An island's key moves when its front grows or is taken; its place in the order does not, because
 * islands never touch.
 */
#include "tcp/reorder.h"

#include "tcp/recvq.h"

struct island {
    struct tree_node node;     /* .key is the first octet's sequence number */
    struct frame *head, *tail; /* a chain, in order, without gaps */
    uint32_t len;              /* octets of text */
};

const size_t reorder_island_size = sizeof(struct island);

static struct island *island_of(struct tree_node *node)
{
    return node ? CONTAINER_OF(node, struct island, node) : NULL;
}

static tcp_seq island_start(const struct island *island)
{
    return seq(island->node.key);
}

static tcp_seq island_end(const struct island *island)
{
    return seq(island->node.key + island->len);
}

/* The island that holds the octet at `at`, or NULL. */
static struct island *island_at(const struct reorder *r, tcp_seq at)
{
    struct island *floor = island_of(tree_floor(&r->islands, at.value));

    /* a number behind the origin is ordered last, and its floor is an island ahead of it */
    return floor && seq_in(at, island_start(floor), floor->len) ? floor : NULL;
}

static void append_frame(struct island *island, struct frame *frame)
{
    frame->next = NULL;
    island->tail->next = frame;
    island->tail = frame;
    island->len += frame->len;
}

static void prepend_frame(struct island *island, struct frame *frame)
{
    frame->next = island->head;
    island->head = frame;
    island->node.key -= frame->len;
    island->len += frame->len;
}

/* `left` takes what `right` has, which begins where it ends. */
static void join(struct reorder *r, struct pool *pool, struct island *left, struct island *right)
{
    left->tail->next = right->head;
    left->tail = right->tail;
    left->len += right->len;
    tree_remove(&r->islands, &right->node);
    pool_put(pool, right);
}

static bool is_affordable(const struct reorder *r, const struct reorder_limits *limits,
                          uint32_t charge)
{
    return charge <= limits->charged && r->charged <= limits->charged - charge;
}

/* One gap, between `before` and `after` (either may be NULL): takes the reference of `frame`, which
 * holds the text of just this gap. */
static bool fill(struct reorder *r, const struct reorder_limits *limits, tcp_seq at,
                 struct frame *frame, struct island *before, struct island *after)
{
    uint32_t charge = frame_charge(frame);
    bool touches_before = before && seq_eq(island_end(before), at);
    bool touches_after = after && seq_eq(seq_add(at, frame->len), island_start(after));

    if (!is_affordable(r, limits, charge)) {
        frame_put(frame);
        return false;
    }
    if (touches_before) {
        append_frame(before, frame);
        if (touches_after)
            join(r, limits->pool, before, after);
    } else if (touches_after) {
        prepend_frame(after, frame);
    } else {
        struct island *island = r->islands.count < limits->islands ? pool_get(limits->pool) : NULL;
        if (!island) {
            frame_put(frame);
            return false;
        }
        frame->next = NULL;
        island->head = island->tail = frame;
        island->len = frame->len;
        island->node.key = at.value;
        island->node.priority = (uint32_t)prng_next(limits->prng);
        tree_insert(&r->islands, &island->node);
    }
    r->charged += charge;
    return true;
}

/* The island around `at` is the newest. Those that have been forgotten or joined leave their place.
 */
static void remember(struct reorder *r, tcp_seq at)
{
    tcp_seq kept[TCP_SACK_BLOCKS] = {at};
    const struct island *newest = island_at(r, at);
    uint8_t count = 1;

    if (!newest)
        return;
    for (int i = 0; i < r->recent_count && count < TCP_SACK_BLOCKS; i++) {
        const struct island *island = island_at(r, r->recent[i]);
        if (island && island != newest)
            kept[count++] = r->recent[i];
    }
    memcpy(r->recent, kept, sizeof kept);
    r->recent_count = count;
}

int reorder_blocks(const struct reorder *r, struct tcp_block *out, int max)
{
    int count = 0;

    for (int i = 0; i < r->recent_count && count < max; i++) {
        const struct island *island = island_at(r, r->recent[i]);
        bool told = !island;
        for (int j = 0; j < count && !told; j++)
            told = seq_eq(out[j].left, island_start(island));
        if (!told)
            out[count++] = (struct tcp_block){island_start(island), island_end(island)};
    }
    return count;
}

bool reorder_overlap(const struct reorder *r, tcp_seq at, tcp_seq end, struct tcp_block *out)
{
    struct tree_node *floor = tree_floor(&r->islands, at.value);
    const struct island *island = island_of(floor);

    if (!island || !seq_lt(at, island_end(island)))
        island = island_of(floor ? tree_next(floor) : tree_first(&r->islands));
    if (!island || !seq_lt(island_start(island), end))
        return false;
    *out = (struct tcp_block){seq_max(at, island_start(island)), seq_min(end, island_end(island))};
    return true;
}

bool reorder_insert(struct reorder *r, const struct reorder_limits *limits, tcp_seq rcv_nxt,
                    tcp_seq at, struct frame *frame, struct bytes text, uint32_t *new_octets)
{
    tcp_seq end = seq_add(at, (uint32_t)text.len);
    tcp_seq from = at;
    bool kept_all = true;

    assert(seq_lt(rcv_nxt, at) && text.len > 0);
    tree_set_origin(&r->islands, rcv_nxt.value);
    *new_octets = 0;

    while (seq_lt(from, end)) {
        struct tree_node *floor = tree_floor(&r->islands, from.value);
        if (floor && seq_lt(from, island_end(island_of(floor)))) {
            from = island_end(island_of(floor)); /* it has this already; the next may begin there */
            continue;
        }
        struct island *next = island_of(floor ? tree_next(floor) : tree_first(&r->islands));
        tcp_seq to = next ? seq_min(end, seq(next->node.key)) : end;
        tcp_seq after = next ? seq_max(to, island_end(next)) : end;
        bool last = !next || !seq_lt(island_end(next), end);

        if (seq_lt(from, to)) {
            uint32_t len = seq_diff(to, from);
            struct bytes part = bytes_first(bytes_skip(text, seq_diff(from, at)), len);
            /* the last part may be the frame itself, the ones before it are copies */
            struct frame *piece = last ? frame_compact(frame, part) : frame_copy(frame->home, part);
            if (!piece || !fill(r, limits, from, piece, island_of(floor), next))
                kept_all = false;
            else
                *new_octets += len;
            if (last) {
                remember(r, at);
                return kept_all;
            }
            if (!kept_all)
                break;
        }
        from = after;
    }
    remember(r, at);
    frame_put(frame);
    return kept_all;
}

bool reorder_first(const struct reorder *r, tcp_seq *at)
{
    struct tree_node *first = tree_first(&r->islands);

    if (first)
        *at = seq(first->key);
    return first != NULL;
}

/* The first frame of an island leaves; with the last one the island does. */
static struct frame *take_first(struct reorder *r, struct pool *pool, struct island *island)
{
    struct frame *frame = island->head;

    island->head = frame->next;
    island->node.key += frame->len;
    island->len -= frame->len;
    r->charged -= frame_charge(frame);
    frame->next = NULL;
    if (!island->head) {
        tree_remove(&r->islands, &island->node);
        pool_put(pool, island);
    }
    return frame;
}

struct frame *reorder_take(struct reorder *r, const struct reorder_limits *limits, tcp_seq rcv_nxt)
{
    for (;;) {
        struct island *first = island_of(tree_first(&r->islands));
        if (!first || seq_lt(rcv_nxt, island_start(first)))
            break;
        uint32_t old = seq_diff(rcv_nxt, island_start(first));
        struct frame *frame = take_first(r, limits->pool, first);
        if (old < frame->len) {
            frame_trim_front(frame, old);
            return frame;
        }
        frame_put(frame);
    }
    tree_set_origin(&r->islands, rcv_nxt.value);
    return NULL;
}

void reorder_clear(struct reorder *r, struct pool *pool)
{
    for (struct tree_node *node; (node = tree_first(&r->islands));)
        frame_put(take_first(r, pool, island_of(node)));
    r->recent_count = 0;
}
