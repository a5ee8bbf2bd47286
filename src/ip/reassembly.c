/*
 * reassembly.c - the pieces of a datagram wait here for the rest.
 *
 * What is hard here is that everything is a stranger's word. Each rule is about one lie:
 *
 *     two pieces overlap          the whole datagram goes (RFC 5722, 4, which we hold against IPv4,
 *                                 too): no filter in front of us can have read it as we would. A
 *                                 piece that came twice, octet for octet, is no lie.
 *     two ends, or data behind    the whole datagram goes
 *     more than 65,535 octets     the whole datagram goes (CVE-1999-0128)
 *     half a datagram, often      256 KiB in all, at what the buffers cost; 16 queues a source; the
 *                                 oldest goes first, and each goes after 60 seconds
 *     thousands of tiny pieces    a cap for each queue, and a tree: O(log n) a piece
 *     CE here and Not-ECT there   the whole datagram goes (RFC 3168, 5.3): a sender says the same
 * on all pieces, and a mark must neither be lost nor be made up
 *
 * The time starts with the first piece to come and is not extended (RFC 1122, 3.3.2). Nothing is
 * handed on before all of it is there, so no piece can hide half a TCP header (RFC 1858).
 *
 * A datagram that was discarded is forgotten: what still comes of it makes a queue that never gets
 * whole and ends by time. To remember it would let a stranger close an identification to others.
 *
 * A small piece in a large buffer is copied to a smaller one, so that the cap is worth something.
 */
#include "ip/reassembly.h"

#include <errno.h>

enum { DATAGRAM_MAX = 65535, HEADER_MIN = 20, PIECE_MIN = 8 };

struct piece {
    struct tree_node node; /* .key is the offset */
    struct frame *frame;
    uint64_t packet; /* its number among the events */
    uint32_t header_len;
    uint32_t len;
};

static struct piece *piece_of(struct tree_node *node)
{
    return node ? CONTAINER_OF(node, struct piece, node) : NULL;
}

static struct bytes octets_of(const struct piece *piece)
{
    return bytes_skip(frame_bytes(piece->frame), piece->header_len);
}

/* What the largest datagram needs at an MTU, where that is more than the usual cap. */
static uint32_t pieces_at(uint32_t mtu)
{
    uint32_t room = (mtu - HEADER_MIN) / 8 * 8;
    uint32_t needed = (DATAGRAM_MAX - HEADER_MIN + room - 1) / room;

    return needed > REASSEMBLY_PIECES ? needed : REASSEMBLY_PIECES;
}

int reassembly_init(struct reassembly *r, const struct reassembly_config *config)
{
    *r = (struct reassembly){.wheel = config->wheel,
                             .hash_key = config->key,
                             .timer_owner = config->timer_owner,
                             .pieces_max = pieces_at(config->mtu),
                             .events = config->events};
    prng_seed(&r->prng, config->seed);
    list_init(&r->by_age);
    for (size_t i = 0; i < REASSEMBLY_BUCKETS; i++) {
        list_init(&r->buckets[i]);
        list_init(&r->sources[i].queues);
    }
    int err = pool_init(&r->queues, config->memory, "datagrams", sizeof(struct reassembly_queue),
                        REASSEMBLY_QUEUES);
    if (err)
        return err;
    err = pool_init(&r->pieces, config->memory, "fragments", sizeof(struct piece),
                    REASSEMBLY_MEMORY / 256);
    if (err)
        pool_fini(&r->queues);
    return err;
}

void reassembly_fini(struct reassembly *r)
{
    while (!list_is_empty(&r->by_age))
        reassembly_end(r, CONTAINER_OF(r->by_age.next, struct reassembly_queue, by_age), DROP_NONE);
    pool_fini(&r->pieces);
    pool_fini(&r->queues);
}

/* --- queues ------------------------------------------------------------------------------- */

static uint32_t source_of(const struct reassembly *r, struct ip_addr src)
{
    return (uint32_t)(siphash(r->hash_key, bytes_of(src.octet, sizeof src.octet)) %
                      REASSEMBLY_BUCKETS);
}

static uint32_t bucket_of(const struct reassembly *r, const struct fragment_key *key)
{
    uint8_t octets[2 * sizeof key->src.octet + 5];
    struct writer w = writer_of(octets, sizeof octets);

    write_bytes(&w, key->src.octet, sizeof key->src.octet);
    write_bytes(&w, key->dst.octet, sizeof key->dst.octet);
    write_be32(&w, key->id);
    write_u8(&w, key->protocol);
    return (uint32_t)(siphash(r->hash_key, bytes_of(octets, sizeof octets)) % REASSEMBLY_BUCKETS);
}

static bool is_of(const struct reassembly_queue *q, const struct fragment_key *key)
{
    return q->key.id == key->id && q->key.protocol == key->protocol &&
           ip_equal(q->key.src, key->src) && ip_equal(q->key.dst, key->dst);
}

static struct reassembly_queue *find(struct reassembly *r, const struct fragment_key *key)
{
    struct list *bucket = &r->buckets[bucket_of(r, key)];

    for (struct list *at = bucket->next; at != bucket; at = at->next) {
        struct reassembly_queue *q = CONTAINER_OF(at, struct reassembly_queue, in_bucket);
        if (is_of(q, key))
            return q;
    }
    return NULL;
}

void reassembly_end(struct reassembly *r, struct reassembly_queue *q, enum drop drop)
{
    struct stack_counters *counters = &r->events->counters;
    uint64_t *fate = drop ? &counters->drops[drop] : &counters->consumed;

    counters->held -= q->pieces.count;
    *fate += q->pieces.count;
    while (q->pieces.root) {
        struct piece *piece = piece_of(q->pieces.root);
        tree_remove(&q->pieces, &piece->node);
        if (drop)
            events_emit(r->events, &(struct event){.type = EVENT_DROP,
                                                   .when = r->now,
                                                   .drop = {.packet = piece->packet,
                                                            .drop = drop,
                                                            .protocol = q->key.protocol,
                                                            .from = {q->key.src, 0},
                                                            .to = {q->key.dst, 0}}});
        frame_put(piece->frame);
        pool_put(&r->pieces, piece);
    }
    wheel_disarm(r->wheel, &q->timer);
    r->charged -= q->charged;
    r->sources[q->source].count--;
    list_remove(&q->in_bucket);
    list_remove(&q->in_source);
    list_remove(&q->by_age);
    pool_put(&r->queues, q);
}

static struct reassembly_queue *open_queue(struct reassembly *r, const struct fragment_key *key,
                                           instant now)
{
    uint32_t source = source_of(r, key->src);
    struct list *same = &r->sources[source].queues;

    if (r->sources[source].count >= REASSEMBLY_PER_SOURCE)
        reassembly_end(r, CONTAINER_OF(same->next, struct reassembly_queue, in_source),
                       DROP_IP4_FRAG_EVICT);
    if (r->queues.used >= REASSEMBLY_QUEUES)
        reassembly_end(r, CONTAINER_OF(r->by_age.next, struct reassembly_queue, by_age),
                       DROP_IP4_FRAG_EVICT);
    struct reassembly_queue *q = pool_get(&r->queues);
    if (!q)
        return NULL;
    q->key = *key;
    q->bucket = bucket_of(r, key);
    q->source = source;
    q->charged = r->queues.object_size;
    r->charged += q->charged;
    r->sources[source].count++;
    list_init(&q->in_bucket);
    list_init(&q->in_source);
    list_init(&q->by_age);
    list_append(&r->buckets[q->bucket], &q->in_bucket);
    list_append(same, &q->in_source);
    list_append(&r->by_age, &q->by_age);
    timer_init(&q->timer, r->timer_owner);
    instant deadline = instant_add(now, REASSEMBLY_SECONDS * NS_PER_S);
    wheel_arm(r->wheel, &q->timer, deadline);
    events_timer(r->events, 0, TIMER_REASSEMBLY, deadline, now);
    return q;
}

/* --- pieces ------------------------------------------------------------------------------- */

/* Is what the piece says of itself possible at all? */
static enum drop check_alone(const struct fragment *f, uint32_t len)
{
    if (len == 0 || (f->more && len % PIECE_MIN != 0))
        return DROP_IP4_FRAG_BAD;
    return f->offset + len > DATAGRAM_MAX - HEADER_MIN ? DROP_IP4_FRAG_BIG : DROP_NONE;
}

/* Does it fit beside those that have come? */
static enum drop check_beside(const struct reassembly_queue *q, const struct fragment *f,
                              struct bytes octets)
{
    uint32_t end = f->offset + (uint32_t)octets.len;
    struct piece *before = piece_of(tree_floor(&q->pieces, f->offset));
    struct piece *last = piece_of(tree_last(&q->pieces));
    bool beyond = q->end && (f->more ? end >= q->end : end != q->end);

    if (beyond || (!f->more && last && last->node.key + last->len > end))
        return DROP_IP4_FRAG_BAD;
    if (before && before->node.key == f->offset && bytes_equal(octets_of(before), octets))
        /* the end must not come as a copy of what was said to have more behind it */
        return f->more || q->end ? DROP_IP4_FRAG_DUPLICATE : DROP_IP4_FRAG_BAD;
    if (before && before->node.key + before->len > f->offset)
        return DROP_IP4_FRAG_OVERLAP;
    struct piece *after = piece_of(before ? tree_next(&before->node) : tree_first(&q->pieces));
    if (after && after->node.key < end)
        return DROP_IP4_FRAG_OVERLAP;
    bool contradicts = (f->congested && q->unmarkable) || (f->unmarkable && q->congested);
    return contradicts ? DROP_IP4_FRAG_ECN : DROP_NONE;
}

/* A buffer that is not much larger than what is in it. */
static struct frame *fitted(struct frame *frame)
{
    if (frame_charge(frame) <= 512 || frame->len * 2 >= frame_charge(frame))
        return frame;
    struct frame *copy = frame_copy(frame->home, frame_bytes(frame));
    if (!copy || frame_charge(copy) >= frame_charge(frame)) {
        frame_put(copy);
        return frame;
    }
    frame_put(frame);
    return copy;
}

static bool make_room(struct reassembly *r, const struct reassembly_queue *keep, uint64_t charge)
{
    while (r->charged + charge > REASSEMBLY_MEMORY) {
        struct reassembly_queue *oldest =
            CONTAINER_OF(r->by_age.next, struct reassembly_queue, by_age);
        bool own = oldest == keep;
        reassembly_end(r, oldest, DROP_IP4_FRAG_EVICT);
        if (own)
            return false;
    }
    return true;
}

enum drop reassembly_add(struct reassembly *r, const struct fragment *f, struct frame **frame,
                         instant now, struct reassembly_queue **whole)
{
    struct bytes octets = bytes_skip(frame_bytes(*frame), f->header_len);
    struct reassembly_queue *q = find(r, &f->key);
    enum drop drop = check_alone(f, (uint32_t)octets.len);

    *whole = NULL;
    r->now = now;
    if (!drop && q)
        drop = check_beside(q, f, octets);
    if (!drop && q && q->pieces.count >= r->pieces_max)
        drop = DROP_IP4_FRAG_EVICT;
    if (drop) {
        if (q && drop != DROP_IP4_FRAG_DUPLICATE)
            reassembly_end(r, q, drop);
        return drop;
    }
    if (!q)
        q = open_queue(r, &f->key, now);
    if (!q)
        return DROP_DEV_NO_BUFFER;
    *frame = fitted(*frame);
    uint64_t charge = frame_charge(*frame) + r->pieces.object_size;
    if (!make_room(r, q, charge))
        return DROP_IP4_FRAG_EVICT;
    struct piece *piece = pool_get(&r->pieces);
    if (!piece) {
        reassembly_end(r, q, DROP_IP4_FRAG_EVICT);
        return DROP_IP4_FRAG_EVICT;
    }
    piece->node.key = f->offset;
    piece->node.priority = (uint32_t)prng_next(&r->prng);
    piece->frame = *frame;
    piece->packet = r->events->current.id;
    piece->header_len = f->header_len;
    piece->len = (uint32_t)octets.len;
    tree_insert(&q->pieces, &piece->node);
    *frame = NULL;
    r->events->counters.held++;
    r->charged += charge;
    q->charged += charge;
    q->octets += piece->len;
    q->link_group |= f->link_group;
    q->congested |= f->congested;
    q->unmarkable |= f->unmarkable;
    if (!f->more)
        q->end = f->offset + piece->len;
    if (q->end && q->octets == q->end)
        *whole = q;
    return DROP_NONE;
}

const struct frame *reassembly_first(const struct reassembly_queue *q, uint32_t *header_len)
{
    const struct piece *first = piece_of(tree_first(&q->pieces));

    if (!first || first->node.key != 0)
        return NULL;
    *header_len = first->header_len;
    return first->frame;
}

void reassembly_copy(const struct reassembly_queue *q, struct writer *w)
{
    for (struct tree_node *at = tree_first(&q->pieces); at; at = tree_next(at)) {
        struct bytes octets = octets_of(piece_of(at));
        write_bytes(w, octets.at, octets.len);
    }
}
