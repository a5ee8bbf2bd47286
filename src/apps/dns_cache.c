/* dns_cache.c - see dns_cache.h. */
#include "apps/dns_cache.h"

#include <errno.h>

struct dns_cached {
    struct dns_name name;
    uint16_t type;
    instant until;
    uint64_t used; /* 0: free */
    struct dns_fact fact;
};

int dns_cache_init(struct dns_cache *cache, struct memory *memory, uint32_t entries)
{
    *cache = (struct dns_cache){.room = entries};
    if (entries == 0)
        return 0;
    cache->entries = memory_alloc(memory, entries * sizeof(*cache->entries));
    return cache->entries ? 0 : -ENOMEM;
}

void dns_cache_fini(struct dns_cache *cache, struct memory *memory)
{
    if (cache->entries)
        memory_release(memory, cache->entries, cache->room * sizeof(*cache->entries));
    *cache = (struct dns_cache){0};
}

static struct dns_cached *find(struct dns_cache *cache, const struct dns_name *name, uint16_t type)
{
    for (uint32_t i = 0; i < cache->room; i++) {
        struct dns_cached *entry = &cache->entries[i];
        if (entry->used > 0 && entry->type == type && dns_name_equal(&entry->name, name))
            return entry;
    }
    return NULL;
}

const struct dns_fact *dns_cache_find(struct dns_cache *cache, const struct dns_name *name,
                                      uint16_t type, instant now)
{
    struct dns_cached *entry = find(cache, name, type);

    if (!entry)
        return NULL;
    if (!instant_before(now, entry->until)) {
        entry->used = 0;
        return NULL;
    }
    entry->used = ++cache->turn;
    entry->fact.ttl = (uint32_t)(instant_since(entry->until, now) / NS_PER_S);
    return &entry->fact;
}

/* A free one, or the one that was used before all others. */
static struct dns_cached *least_used(struct dns_cache *cache)
{
    struct dns_cached *least = &cache->entries[0];

    for (uint32_t i = 1; i < cache->room; i++) {
        if (cache->entries[i].used < least->used)
            least = &cache->entries[i];
    }
    return least;
}

void dns_cache_keep(struct dns_cache *cache, const struct dns_name *name, uint16_t type,
                    const struct dns_fact *fact, instant now)
{
    uint32_t ttl = u32_min(fact->ttl, fact->error ? DNS_DENIAL_TTL_MAX : DNS_TTL_MAX);
    struct dns_cached *entry = find(cache, name, type);

    if (ttl == 0 || cache->room == 0)
        return;
    if (!entry)
        entry = least_used(cache);
    *entry = (struct dns_cached){.name = *name,
                                 .type = type,
                                 .until = instant_add(now, (int64_t)ttl * NS_PER_S),
                                 .used = ++cache->turn,
                                 .fact = *fact};
}
