/*
 * chain.h - doubly linked lists of the objects of one pool, by their numbers.
 *
 * As list.h, but a link takes 8 octets where two pointers take 16, and following one costs a
 * division: for objects that are many, small and seldom touched. Chains that an object may be in at
 * different times, by the same link, lie side by side in one struct chains; an object may be taken
 * out without knowing which of them it is in.
 */
#ifndef TAPIO_BASE_CHAIN_H
#define TAPIO_BASE_CHAIN_H

#include "base/pool.h"

/* In an object, or the head of a chain. */
struct chain_link {
    uint32_t next, prev; /* numbers in the pool; from CHAIN_HEAD on: of a head */
};

static const uint32_t CHAIN_HEAD = UINT32_C(1) << 31;
static const uint32_t CHAIN_NONE = UINT32_MAX; /* next of who is in no chain */

struct chains {
    const struct pool *pool;
    size_t link;              /* where it lies in an object */
    struct chain_link *heads; /* one for each chain; the caller's */
};

/* `count` empty chains. */
void chains_init(struct chains *chains, const struct pool *pool, size_t link,
                 struct chain_link *heads, uint32_t count);

static inline void chain_link_init(struct chain_link *link)
{
    link->next = link->prev = CHAIN_NONE;
}

static inline bool chain_is_linked(const struct chain_link *link)
{
    return link->next != CHAIN_NONE;
}

static inline bool chain_is_empty(const struct chains *chains, uint32_t chain)
{
    return chains->heads[chain].next == (CHAIN_HEAD | chain);
}

/* The object at either end; NULL when the chain is empty. */
void *chain_first(const struct chains *chains, uint32_t chain);
void *chain_last(const struct chains *chains, uint32_t chain);
/* The one behind `object`, which is in a chain; NULL when it is the last. */
void *chain_next(const struct chains *chains, const void *object);
/* `object` is in no chain, and becomes the last of this one. */
void chain_append(struct chains *chains, uint32_t chain, void *object);
/* It is in no chain any more; harmless when it was in none. */
void chain_remove(struct chains *chains, void *object);
/* All of `from` go behind those of `to`. */
void chain_splice(struct chains *chains, uint32_t to, uint32_t from);
uint32_t chain_count(const struct chains *chains, uint32_t chain);

#endif
