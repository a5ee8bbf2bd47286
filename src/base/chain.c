/*
 * chain.c - see chain.h.
 *
 * A chain is a circle through its head, as in list.h, so that the ends are no special case. A
 * number below CHAIN_HEAD is an object's in the pool, any other is a head's.
 */
#include "base/chain.h"

void chains_init(struct chains *chains, const struct pool *pool, size_t link,
                 struct chain_link *heads, uint32_t count)
{
    *chains = (struct chains){pool, link, heads};
    for (uint32_t i = 0; i < count; i++)
        heads[i].next = heads[i].prev = CHAIN_HEAD | i;
}

static struct chain_link *link_in(const struct chains *chains, void *object)
{
    return (struct chain_link *)((char *)object + chains->link);
}

static void *object_at(const struct chains *chains, uint32_t number)
{
    if (number & CHAIN_HEAD)
        return NULL;
    void *object = pool_at(chains->pool, number);
    assert(object); /* who leaves the pool leaves its chain first */
    return object;
}

static struct chain_link *link_at(const struct chains *chains, uint32_t number)
{
    if (number & CHAIN_HEAD)
        return &chains->heads[number & ~CHAIN_HEAD];
    return link_in(chains, object_at(chains, number));
}

void *chain_first(const struct chains *chains, uint32_t chain)
{
    return object_at(chains, chains->heads[chain].next);
}

void *chain_last(const struct chains *chains, uint32_t chain)
{
    return object_at(chains, chains->heads[chain].prev);
}

void *chain_next(const struct chains *chains, const void *object)
{
    const struct chain_link *link =
        (const struct chain_link *)((const char *)object + chains->link);

    assert(chain_is_linked(link));
    return object_at(chains, link->next);
}

void chain_append(struct chains *chains, uint32_t chain, void *object)
{
    struct chain_link *link = link_in(chains, object), *head = &chains->heads[chain];
    uint32_t number = pool_index(chains->pool, object);

    assert(!chain_is_linked(link));
    *link = (struct chain_link){.next = CHAIN_HEAD | chain, .prev = head->prev};
    link_at(chains, head->prev)->next = number;
    head->prev = number;
}

void chain_remove(struct chains *chains, void *object)
{
    struct chain_link *link = link_in(chains, object);

    if (!chain_is_linked(link))
        return;
    link_at(chains, link->prev)->next = link->next;
    link_at(chains, link->next)->prev = link->prev;
    chain_link_init(link);
}

void chain_splice(struct chains *chains, uint32_t to, uint32_t from)
{
    struct chain_link *into = &chains->heads[to], *out = &chains->heads[from];

    if (chain_is_empty(chains, from))
        return;
    link_at(chains, into->prev)->next = out->next;
    link_at(chains, out->next)->prev = into->prev;
    link_at(chains, out->prev)->next = CHAIN_HEAD | to;
    into->prev = out->prev;
    out->next = out->prev = CHAIN_HEAD | from;
}

uint32_t chain_count(const struct chains *chains, uint32_t chain)
{
    uint32_t count = 0;

    for (const void *at = chain_first(chains, chain); at; at = chain_next(chains, at))
        count++;
    return count;
}
