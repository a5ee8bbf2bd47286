/*
 * resolver.c - who asks, and which names may be meant.
 *
 * A query waits on one of two lists: `known` until resolver_advance() has looked whether the answer
 * is at hand (an address, localhost, the cache), then at its lookup, which all who ask the same
 * share. So there are never two equal questions on the wire (RFC 5452, 9.2), and nobody is called
 * back from within resolver_ask().
 *
 * A name with few dots may be meant relative to a domain of the search list. The candidates are
 * tried in turn while the answer is "no such name" or "nothing of that type"; a server that fails
 * ends the search, for the next candidate's answer would not be the one that was meant.
 */
#include "apps/resolver.h"

#include <errno.h>

#include "apps/resolver_inside.h"
#include "base/addr.h"

void resolver_config_init(struct resolver_config *config)
{
    *config = (struct resolver_config){
        .ndots = 1, .cached = 64, .timeout_ns = 5 * NS_PER_S, .attempts = 2};
}

int resolver_new(const struct resolver_config *config, struct resolver **out)
{
    struct memory memory = {.env = config->env};

    if (config->server_count == 0 || config->server_count > RESOLVER_SERVERS ||
        config->search_count > RESOLVER_SEARCH || config->attempts == 0 ||
        config->attempts > RESOLVER_ATTEMPTS)
        return -EINVAL;
    struct resolver *r = memory_alloc(&memory, sizeof *r);
    if (!r)
        return -ENOMEM;
    r->config = *config;
    r->memory = memory;
    list_init(&r->lookups);
    list_init(&r->known);
    int err = dns_cache_init(&r->cache, &r->memory, config->cached);
    if (err)
        goto no_cache;
    err = pool_init(&r->pool, &r->memory, "names that are looked up", sizeof(struct lookup),
                    RESOLVER_LOOKUPS);
    if (err)
        goto no_pool;
    *out = r;
    return 0;
no_pool:
    dns_cache_fini(&r->cache, &r->memory);
no_cache:
    memory_release(&memory, r, sizeof *r);
    return err;
}

void resolver_free(struct resolver *r)
{
    struct memory memory = r->memory;
    struct list *node;

    while ((node = list_take(&r->lookups))) {
        struct lookup *lookup = CONTAINER_OF(node, struct lookup, node);
        lookup_stop(lookup);
        while (list_take(&lookup->waiters))
            ;
        pool_put(&r->pool, lookup);
    }
    while (list_take(&r->known))
        ;
    pool_fini(&r->pool);
    dns_cache_fini(&r->cache, &r->memory);
    memory_release(&memory, r, sizeof *r);
}

struct resolver_counters resolver_counters(const struct resolver *r)
{
    return r->counters;
}

/* --- which name --------------------------------------------------------------------------- */

static bool name_join(const struct dns_name *name, const struct dns_name *domain,
                      struct dns_name *out)
{
    if (name->len - 1u + domain->len > DNS_NAME_MAX)
        return false;
    *out = *name;
    memcpy(out->octet + name->len - 1, domain->octet, domain->len);
    out->len = (uint8_t)(name->len - 1 + domain->len);
    return true;
}

/* The names that `query` may mean, in the order of resolv.conf's `ndots`; false behind the last.
 * One that is too long for a name is passed over, too. */
static bool candidate(const struct resolver *r, struct resolver_query *query, struct dns_name *out)
{
    bool as_it_is_first = dns_name_labels(&query->name) > r->config.ndots;
    uint32_t count = query->absolute ? 0 : r->config.search_count;

    for (; query->candidate <= u32_min(count, query->last); query->candidate++) {
        uint32_t at = query->candidate;
        *out = query->name;
        if (as_it_is_first ? at == 0 : at == count)
            return true;
        if (name_join(&query->name, &r->config.search[as_it_is_first ? at - 1 : at], out))
            return true;
    }
    return false;
}

static bool is_localhost(const struct dns_name *name)
{
    static const struct dns_name localhost = {"\11localhost", 11};
    struct dns_name tail = {.len = 11};

    if (name->len < tail.len)
        return false;
    memcpy(tail.octet, name->octet + name->len - tail.len, tail.len);
    if (!dns_name_equal(&tail, &localhost))
        return false;
    size_t at = 0; /* does a label begin there? */
    while (at < name->len - 11u)
        at += 1u + name->octet[at];
    return at == name->len - 11u;
}

/* What needs no server: addresses, and localhost (RFC 6761, 6.3). */
static bool answer_by_rule(const struct resolver_query *query, struct dns_fact *out)
{
    static const struct ip_addr loopback6 = {{[15] = 1}};
    struct ip_addr addr = query->addr;
    bool v6 = query->type == DNS_TYPE_AAAA;

    if (!query->literal && !is_localhost(&query->name))
        return false;
    *out = (struct dns_fact){.canonical = query->name, .error = -ENODATA};
    if (!query->literal)
        addr = v6 ? loopback6 : ip_from_v4(0x7f000001);
    if (query->type == (ip_is_v4(addr) ? DNS_TYPE_A : DNS_TYPE_AAAA)) {
        out->error = 0;
        out->addr[out->count++] = addr;
    }
    return true;
}

/* --- asking ------------------------------------------------------------------------------- */

int resolver_ask(struct resolver *r, struct resolver_query *query, const char *name, uint16_t type,
                 instant now)
{
    size_t len = strlen(name);

    query->literal = ip_addr_parse(name, &query->addr) == 0;
    if (query->literal)
        query->name.len = 0;
    else if (dns_name_from_text(name, &query->name) != 0)
        return -EINVAL;
    query->type = type;
    query->candidate = 0;
    query->last = UINT8_MAX;
    query->no_data = false;
    query->absolute = len > 0 && name[len - 1] == '.';
    list_init(&query->node);
    list_append(&r->known, &query->node);
    r->asked_at = now;
    return 0;
}

void resolver_forget(struct resolver_query *query)
{
    list_remove(&query->node);
}

/* There is nothing better to be had: the answer of this candidate is the last. */
static void finish(struct resolver *r, struct resolver_query *query,
                   const struct resolver_answer *answer, instant now)
{
    int error = answer->fact.error;
    struct dns_name name;

    if (error == -ENOENT || error == -ENODATA) {
        query->no_data |= error == -ENODATA;
        query->candidate++;
        if (!query->literal && candidate(r, query, &name)) {
            list_append(&r->known, &query->node);
            r->asked_at = now;
            return;
        }
    }
    struct resolver_answer last = *answer;
    if (error == -ENOENT && query->no_data)
        last.fact.error = -ENODATA;
    query->done(query, &last, now);
}

void lookup_done(struct lookup *lookup, const struct resolver_answer *answer, instant now)
{
    struct resolver *r = lookup->resolver;
    struct list *node;
    int error = answer->fact.error;

    if (error == 0 || error == -ENOENT || error == -ENODATA) {
        dns_cache_keep(&r->cache, &lookup->name, lookup->type, &answer->fact, now);
        r->first = lookup->server;
    }
    list_remove(&lookup->node); /* who asks again begins another */
    while ((node = list_take(&lookup->waiters)))
        finish(r, CONTAINER_OF(node, struct resolver_query, node), answer, now);
    lookup_stop(lookup); /* the message may have been in its buffer */
    pool_put(&r->pool, lookup);
}

static struct lookup *find_lookup(struct resolver *r, const struct dns_name *name, uint16_t type)
{
    for (struct list *node = r->lookups.next; node != &r->lookups; node = node->next) {
        struct lookup *lookup = CONTAINER_OF(node, struct lookup, node);
        if (lookup->type == type && dns_name_equal(&lookup->name, name))
            return lookup;
    }
    return NULL;
}

/* Joins who asks the same, or begins. */
static bool look_up(struct resolver *r, struct resolver_query *query, const struct dns_name *name,
                    instant now)
{
    struct lookup *lookup = find_lookup(r, name, query->type);
    bool is_new = !lookup;

    if (is_new) {
        lookup = pool_get(&r->pool);
        if (!lookup)
            return false;
        list_init(&lookup->node);
        list_init(&lookup->waiters);
        lookup->resolver = r;
        lookup->name = *name;
        lookup->type = query->type;
        list_append(&r->lookups, &lookup->node);
    }
    list_append(&lookup->waiters, &query->node);
    if (is_new)
        lookup_begin(lookup, now);
    return true;
}

static void begin(struct resolver *r, struct resolver_query *query, instant now)
{
    struct resolver_answer answer = {.fact = {.error = -ENOENT}};
    struct dns_name name;

    if (!answer_by_rule(query, &answer.fact) && candidate(r, query, &name)) {
        const struct dns_fact *fact = dns_cache_find(&r->cache, &name, query->type, now);
        answer.from_cache = fact;
        r->counters.hits += answer.from_cache;
        if (fact)
            answer.fact = *fact;
        else if (look_up(r, query, &name, now))
            return;
        else
            answer.fact.error = -EAGAIN;
    }
    finish(r, query, &answer, now);
}

void resolver_advance(struct resolver *r, instant now)
{
    struct list asked, *node, *next;

    list_init(&asked);
    list_splice(&asked, &r->known); /* who asks again from done() has to wait for the next time */
    while ((node = list_take(&asked)))
        begin(r, CONTAINER_OF(node, struct resolver_query, node), now);
    for (node = r->lookups.next; node != &r->lookups; node = next) {
        struct lookup *lookup = CONTAINER_OF(node, struct lookup, node);
        next = node->next;
        if (!instant_before(now, lookup->deadline))
            lookup_timeout(lookup, now);
    }
}

instant resolver_deadline(const struct resolver *r)
{
    instant deadline = list_is_empty(&r->known) ? INSTANT_NEVER : r->asked_at;

    for (struct list *node = r->lookups.next; node != &r->lookups; node = node->next)
        deadline = instant_min(deadline, CONTAINER_OF(node, struct lookup, node)->deadline);
    return deadline;
}
