/*
 * reorder.c - see reorder.h.
 *
 * A segment may overlap any number of islands. It is laid over them from the left: what an island
 * has already is skipped, each gap is filled by an island of its own. The last gap may keep the
 * frame itself; the gaps before it get copies, because a frame can be in one queue only. A segment
 * usually makes one island; if it makes more, it had to meet as many islands, which are capped.
 */
#include "tcp/reorder.h"

#include "tcp/recvq.h"

struct island {
    struct tree_node node; /* .key is the first octet's sequence number */
    struct frame *frame;
};

const size_t reorder_island_size = sizeof(struct island);

static struct island *island_of(struct tree_node *node)
{
    return node ? CONTAINER_OF(node, struct island, node) : NULL;
}

static tcp_seq island_end(const struct island *island)
{
    return seq(island->node.key + island->frame->len);
}

static void island_remove(struct reorder *r, struct pool *pool, struct island *island)
{
    tree_remove(&r->islands, &island->node);
    r->charged -= frame_charge(island->frame);
    pool_put(pool, island);
}

/* One gap: takes the reference of `frame`, which holds the text of just this gap. */
static bool island_add(struct reorder *r, const struct reorder_limits *limits, tcp_seq at,
                       struct frame *frame)
{
    uint32_t charge = frame_charge(frame);

    if (r->islands.count >= limits->islands || charge > limits->charged ||
        r->charged > limits->charged - charge) {
        frame_put(frame);
        return false;
    }
    struct island *island = pool_get(limits->pool);
    if (!island) {
        frame_put(frame);
        return false;
    }
    island->frame = frame;
    island->node.key = at.value;
    island->node.priority = (uint32_t)prng_next(limits->prng);
    tree_insert(&r->islands, &island->node);
    r->charged += charge;
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
        bool last = !next || !seq_lt(island_end(next), end);

        if (seq_lt(from, to)) {
            uint32_t len = seq_diff(to, from);
            struct bytes part = bytes_first(bytes_skip(text, seq_diff(from, at)), len);
            /* the last part may be the frame itself, the ones before it are copies */
            struct frame *piece = last ? recvq_compact(frame, part) : frame_copy(frame->home, part);
            if (!piece || !island_add(r, limits, from, piece))
                kept_all = false;
            else
                *new_octets += len;
            if (last)
                return kept_all;
            if (!kept_all)
                break;
        }
        from = next ? seq_max(to, island_end(next)) : end;
    }
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

struct frame *reorder_take(struct reorder *r, const struct reorder_limits *limits, tcp_seq rcv_nxt)
{
    for (;;) {
        struct island *first = island_of(tree_first(&r->islands));
        if (!first || seq_lt(rcv_nxt, seq(first->node.key)))
            break;
        struct frame *frame = first->frame;
        uint32_t old = seq_diff(rcv_nxt, seq(first->node.key));
        island_remove(r, limits->pool, first);
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
    for (struct tree_node *node; (node = tree_first(&r->islands));) {
        struct island *island = island_of(node);
        struct frame *frame = island->frame;
        island_remove(r, pool, island);
        frame_put(frame);
    }
}
