/*
 * flight.c - see flight.h.
 *
 * Ranges are cut where the peer's blocks begin and end, and joined again: sacked ones with their
 * neighbours, so that a block that is told again and again costs one look; lost ones too, so that
 * they leave again in full segments; open ones with what leaves at the same moment behind them, so
 * that a burst is one range. A cut needs memory, a join
 * gives it back. Cutting off the front of what is acknowledged needs none: a range's key moves, and
 * its place in the order stays.
 */
#include "tcp/flight.h"

static struct flight_range *range_of(struct tree_node *node)
{
    return node ? CONTAINER_OF(node, struct flight_range, node) : NULL;
}

static struct flight_range *first(const struct flight *f)
{
    return range_of(tree_first(&f->ranges));
}

static struct flight_range *last(const struct flight *f)
{
    return range_of(tree_last(&f->ranges));
}

static struct flight_range *next(const struct flight_range *range)
{
    return range_of(tree_next(&range->node));
}

static struct flight_range *prev(const struct flight_range *range)
{
    return range_of(tree_prev(&range->node));
}

static bool is_open(const struct flight_range *range)
{
    return !range->sacked && !range->lost;
}

void flight_init(struct flight *f, const struct flight_limits *limits, tcp_seq una)
{
    *f = (struct flight){.limits = limits, .una = una, .nxt = una, .highest = una};
    tree_set_origin(&f->ranges, una.value);
    list_init(&f->open);
    list_init(&f->lost);
}

/* Its octets are counted nowhere any more. */
static void remove_range(struct flight *f, struct flight_range *range)
{
    list_remove(&range->list);
    tree_remove(&f->ranges, &range->node);
    if (f->spare)
        pool_put(f->limits->pool, range);
    else
        f->spare = range;
}

void flight_fini(struct flight *f)
{
    struct flight_range *range;

    while ((range = first(f)))
        remove_range(f, range);
    if (f->spare)
        pool_put(f->limits->pool, f->spare);
}

struct flight_range *flight_at(const struct flight *f, tcp_seq at)
{
    if (!seq_in(at, f->una, seq_diff(f->nxt, f->una)))
        return NULL;
    return range_of(tree_floor(&f->ranges, at.value));
}

/* --- cutting and joining ------------------------------------------------------------------ */

/* Of unknown content, or NULL. */
static struct flight_range *new_range(struct flight *f)
{
    struct flight_range *range = f->spare;

    if (f->ranges.count >= f->limits->cap)
        return NULL;
    if (!range)
        return pool_get_unzeroed(f->limits->pool);
    f->spare = NULL;
    return range;
}

/* The part of `range` from `at` on becomes a range of its own, of the same fate and right behind it
 * in its list. NULL without memory. */
static struct flight_range *cut(struct flight *f, struct flight_range *range, tcp_seq at)
{
    struct flight_range *rest = new_range(f);

    if (!rest)
        return NULL;
    *rest = *range;
    rest->len = seq_diff(range_end(range), at);
    range->len -= rest->len;
    rest->node =
        (struct tree_node){.key = at.value, .priority = (uint32_t)prng_next(f->limits->prng)};
    tree_insert(&f->ranges, &rest->node);
    list_init(&rest->list);
    if (list_is_linked(&range->list))
        list_append(range->list.next, &rest->list);
    return rest;
}

/* `left` takes what `right` has, which begins where it ends and has its fate. */
static void join(struct flight *f, struct flight_range *left, struct flight_range *right)
{
    left->len += right->len;
    remove_range(f, right);
}

/* --- out ---------------------------------------------------------------------------------- */

/* Does what leaves now, for the first time or again, differ in nothing from `range` but its place?
 */
static bool is_like(const struct flight_range *range, bool again, instant now)
{
    return is_open(range) && range->again == again && range->sent.ns == now.ns && !range->reopened;
}

bool flight_has_room(struct flight *f)
{
    const struct flight_range *end = last(f);

    if (!f->spare && f->ranges.count < f->limits->cap)
        f->spare = pool_get_unzeroed(f->limits->pool);
    return (f->spare && f->ranges.count < f->limits->cap) || (end && is_open(end));
}

bool flight_sent(struct flight *f, uint32_t len, instant now)
{
    struct flight_range *end = last(f);
    struct flight_range *range = end && is_like(end, false, now) ? NULL : new_range(f);

    assert(len > 0 && seq_diff(f->nxt, f->una) + len <= INT32_MAX);
    if (range) {
        *range = (struct flight_range){
            .node = {.key = f->nxt.value, .priority = (uint32_t)prng_next(f->limits->prng)},
            .len = len,
            .sent = now};
        tree_insert(&f->ranges, &range->node);
        list_init(&range->list);
        list_append(&f->open, &range->list);
    } else if (end && is_open(end)) { /* without memory: it counts as sent when its end was */
        end->len += len;
        end->sent = now;
        list_remove(&end->list);
        list_append(&f->open, &end->list);
    } else {
        return false;
    }
    f->nxt = seq_add(f->nxt, len);
    return true;
}

bool flight_sent_again(struct flight *f, struct flight_range *range, uint32_t len, instant now)
{
    struct flight_range *before = prev(range);

    assert(range->lost && len > 0 && len <= range->len);
    if (before && is_like(before, true, now) && len < range->len) {
        before->len += len; /* the same burst goes on */
        range->node.key += len;
        range->len -= len;
        f->lost_octets -= len;
        return true;
    }
    if (len < range->len && !cut(f, range, seq_add(range_start(range), len)))
        return false;
    f->lost_octets -= len;
    range->lost = range->reopened = false;
    range->again = true;
    range->sent = now;
    list_remove(&range->list);
    list_append(&f->open, &range->list);
    if (before && is_like(before, true, now))
        join(f, before, range);
    return true;
}

/* --- in ----------------------------------------------------------------------------------- */

/* Was it the newest copy that arrived? Of what was sent once there is no doubt; else an answer to
 * an older copy is told by its timestamp, or by coming too soon (RFC 8985, 6.2, step 2). */
static bool is_answered(const struct flight_range *range, const struct flight_news *news)
{
    if (range->reopened)
        return false;
    return !range->again || (instant_since(news->now, range->sent) >= news->min_rtt_ns &&
                             !instant_before(news->echoed, range->sent));
}

/* `len` octets from the front of `range`, up to `end`, have arrived. */
static void deliver(struct flight *f, const struct flight_range *range, tcp_seq end, uint32_t len,
                    struct flight_news *news)
{
    bool newer = !news->has_newest || instant_before(news->newest_sent, range->sent) ||
                 (news->newest_sent.ns == range->sent.ns && seq_lt(news->newest_end, end));

    news->delivered += len;
    if (newer && is_answered(range, news)) {
        news->has_newest = true;
        news->newest_sent = range->sent;
        news->newest_end = end;
    }
    if (seq_lt(end, f->highest))
        news->reordered |= !range->again;
    else
        f->highest = end;
}

static void forget_counts(struct flight *f, const struct flight_range *range, uint32_t len)
{
    if (range->sacked)
        f->sacked_octets -= len;
    if (range->lost)
        f->lost_octets -= len;
}

void flight_ack(struct flight *f, tcp_seq una, struct flight_news *news)
{
    struct flight_range *range;

    assert(seq_le(f->una, una) && seq_le(una, f->nxt));
    while ((range = first(f)) && seq_lt(range_start(range), una)) {
        tcp_seq end = seq_min(range_end(range), una);
        uint32_t len = seq_diff(end, range_start(range));
        if (!range->sacked)
            deliver(f, range, end, len, news);
        forget_counts(f, range, len);
        if (len == range->len) {
            f->islands -= range->sacked;
            remove_range(f, range);
        } else {
            range->node.key += len;
            range->len -= len;
        }
    }
    f->una = una;
    tree_set_origin(&f->ranges, una.value);
}

/* A range becomes sacked, and one with its sacked neighbours. Returns what it is part of then. */
static struct flight_range *mark_sacked(struct flight *f, struct flight_range *range,
                                        struct flight_news *news)
{
    deliver(f, range, range_end(range), range->len, news);
    news->sacked += range->len;
    forget_counts(f, range, range->len);
    f->sacked_octets += range->len;
    range->sacked = true;
    range->lost = false;
    list_remove(&range->list);
    f->islands++;

    struct flight_range *before = prev(range), *after = next(range);
    if (after && after->sacked) {
        join(f, range, after);
        f->islands--;
    }
    if (before && before->sacked) {
        join(f, before, range);
        f->islands--;
        range = before;
    }
    return range;
}

void flight_sack(struct flight *f, tcp_seq from, tcp_seq to, struct flight_news *news)
{
    from = seq_max(from, f->una);
    to = seq_min(to, f->nxt);
    if (!seq_lt(from, to))
        return;
    struct flight_range *range = flight_at(f, from);
    if (!range->sacked && seq_lt(range_start(range), from)) {
        struct flight_range *rest = cut(f, range, from);
        range = rest ? rest : next(range);
    }
    for (; range && seq_lt(range_start(range), to); range = next(range)) {
        if (range->sacked)
            continue;
        if (seq_lt(to, range_end(range)) && !cut(f, range, to))
            return;
        range = mark_sacked(f, range, news);
    }
}

/* --- verdicts ----------------------------------------------------------------------------- */

struct flight_range *flight_oldest(const struct flight *f)
{
    return list_is_empty(&f->open) ? NULL : CONTAINER_OF(f->open.next, struct flight_range, list);
}

struct flight_range *flight_first_lost(const struct flight *f)
{
    struct flight_range *head = first(f);

    /* A later verdict may stand before its own: whatever is behind it would be sent in vain. */
    if (head && head->lost)
        return head;
    return list_is_empty(&f->lost) ? NULL : CONTAINER_OF(f->lost.next, struct flight_range, list);
}

struct flight_range *flight_last_missing(const struct flight *f)
{
    struct flight_range *range = last(f);

    return range->sacked ? prev(range) : range; /* those that are sacked are joined */
}

/* join() of two that are lost; the whole counts as the earlier one. */
static void join_lost(struct flight *f, struct flight_range *left, struct flight_range *right)
{
    left->again |= right->again;
    left->sent = instant_min(left->sent, right->sent);
    join(f, left, right);
}

/* `range`, in no list, is lost now, and one with its lost neighbours. Returns what it is part of
 * then. */
static struct flight_range *mark_lost(struct flight *f, struct flight_range *range)
{
    struct flight_range *before = prev(range), *after = next(range);

    range->lost = true;
    f->lost_octets += range->len;
    if (before && before->lost) {
        join_lost(f, before, range);
        range = before;
    } else {
        const struct flight_range *head = flight_first_lost(f);
        bool is_first = head && seq_lt(range_start(range), range_start(head));
        list_append(is_first ? f->lost.next : &f->lost, &range->list);
    }
    if (after && after->lost)
        join_lost(f, range, after);
    return range;
}

void flight_lose(struct flight *f, struct flight_range *range)
{
    assert(is_open(range));
    list_remove(&range->list);
    mark_lost(f, range);
}

void flight_lose_all(struct flight *f)
{
    for (struct flight_range *range = first(f); range; range = next(range)) {
        if (!is_open(range))
            continue;
        list_remove(&range->list);
        range = mark_lost(f, range);
    }
}

void flight_renege(struct flight *f)
{
    for (struct flight_range *range = first(f); range; range = next(range)) {
        if (!range->sacked)
            continue;
        range->sacked = false;
        range = mark_lost(f, range);
    }
    f->sacked_octets = f->islands = 0;
}

void flight_reopen(struct flight *f, instant now)
{
    struct flight_range *range;

    while ((range = flight_first_lost(f))) {
        range->lost = false;
        range->again = range->reopened = true;
        range->sent = now;
        f->lost_octets -= range->len;
        list_remove(&range->list);
        list_append(&f->open, &range->list);
    }
}

struct flight_range *flight_from(struct flight *f, struct flight_range *range, tcp_seq at)
{
    struct flight_range *rest = seq_lt(range_start(range), at) ? cut(f, range, at) : range;

    return rest ? rest : range;
}
