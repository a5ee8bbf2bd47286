/*
 * track_table.c - the connections that are followed: found by their ends, forgotten by their age.
 *
 * A bucket is chosen by a keyed hash, so that who makes captures cannot make long buckets, and all
 * connections are in one list by when a packet came last. Links are indices: the table is one
 * object without a pointer.
 */
#include "see/track_inside.h"

void track_init(struct track *t, struct hash_key key)
{
    *t = (struct track){.key = key, .newest = TRACK_NONE, .oldest = TRACK_NONE};
    for (size_t i = 0; i < TRACK_BUCKETS; i++)
        t->bucket[i] = TRACK_NONE;
}

/* The same for both directions, and still a hash where both ends are one. */
static uint32_t bucket_of(const struct track *t, struct endpoint a, struct endpoint b)
{
    uint64_t h = siphash_tuple(t->key, a, b) + siphash_tuple(t->key, b, a);
    return (uint32_t)(h >> 32) & (TRACK_BUCKETS - 1);
}

static void unlink_age(struct track *t, uint16_t i)
{
    struct track_conn *c = &t->conn[i];

    if (c->newer == TRACK_NONE)
        t->newest = c->older;
    else
        t->conn[c->newer].older = c->older;
    if (c->older == TRACK_NONE)
        t->oldest = c->newer;
    else
        t->conn[c->older].newer = c->newer;
}

static void link_newest(struct track *t, uint16_t i)
{
    struct track_conn *c = &t->conn[i];

    c->newer = TRACK_NONE;
    c->older = t->newest;
    if (t->newest == TRACK_NONE)
        t->oldest = i;
    else
        t->conn[t->newest].newer = i;
    t->newest = i;
}

uint16_t track_find(const struct track *t, struct endpoint a, struct endpoint b)
{
    uint16_t i = t->bucket[bucket_of(t, a, b)];

    for (; i != TRACK_NONE; i = t->conn[i].next) {
        const struct track_side *side = t->conn[i].side;
        if ((endpoint_equal(side[0].end, a) && endpoint_equal(side[1].end, b)) ||
            (endpoint_equal(side[0].end, b) && endpoint_equal(side[1].end, a)))
            break;
    }
    return i;
}

void track_forget(struct track *t, uint16_t i)
{
    struct track_conn *c = &t->conn[i];
    uint16_t *link = &t->bucket[bucket_of(t, c->side[0].end, c->side[1].end)];

    while (*link != i)
        link = &t->conn[*link].next;
    *link = c->next;
    unlink_age(t, i);
}

/* A new connection takes a place that is free. */
static void enter(struct track *t, uint16_t i, struct endpoint a, struct endpoint b)
{
    struct track_conn *c = &t->conn[i];
    uint16_t *first = &t->bucket[bucket_of(t, a, b)];

    *c = (struct track_conn){.id = ++t->ids, .next = *first};
    c->side[0].end = a;
    c->side[1].end = b;
    *first = i;
    link_newest(t, i);
}

struct track_conn *track_add(struct track *t, struct endpoint a, struct endpoint b)
{
    uint16_t i = t->used;

    if (t->used < TRACK_CONNS) {
        t->used++;
    } else {
        i = t->oldest;
        track_forget(t, i);
        t->evicted++;
    }
    enter(t, i, a, b);
    return &t->conn[i];
}

struct track_conn *track_renew(struct track *t, uint16_t i, struct endpoint a, struct endpoint b)
{
    struct track_conn *c = &t->conn[i];

    track_forget(t, i);
    enter(t, i, a, b);
    return c;
}

void track_touch(struct track *t, uint16_t i)
{
    unlink_age(t, i);
    link_newest(t, i);
}
