/*
 * http_clients.c - see http_clients.h.
 */
#include "http/http_clients.h"

#include <errno.h>

#include "base/addr.h"
#include "base/bytes.h"

struct http_client_count {
    struct http_client_count *next; /* in its bucket */
    struct ip_addr client;
    uint32_t connections;
};

/* Chains stay short up to the cap; beyond this many the table is large enough as it is. */
enum { BUCKETS_MAX = 1 << 14 };

static struct ip_addr client_of(struct ip_addr addr)
{
    if (!ip_is_v4(addr))
        memset(addr.octet + 8, 0, 8);
    return addr;
}

static struct http_client_count **bucket_of(struct http_clients *clients, struct ip_addr client)
{
    uint64_t hash = siphash(clients->key, bytes_of(client.octet, sizeof(client.octet)));

    return &clients->buckets[hash & (clients->bucket_count - 1)];
}

int http_clients_init(struct http_clients *clients, struct memory *memory, uint32_t most)
{
    const struct env *env = memory->env;
    uint32_t count = 16;

    while (count < most && count < BUCKETS_MAX)
        count *= 2;
    *clients = (struct http_clients){.memory = memory, .bucket_count = count};
    int err = env->random(env->context, &clients->key, sizeof(clients->key));
    if (err)
        return err;
    clients->buckets = memory_alloc(memory, count * sizeof(struct http_client_count *));
    if (!clients->buckets)
        return -ENOMEM;
    err =
        pool_init(&clients->counts, memory, "http.clients", sizeof(struct http_client_count), most);
    if (err)
        memory_release(memory, clients->buckets, count * sizeof(struct http_client_count *));
    return err;
}

void http_clients_fini(struct http_clients *clients)
{
    assert(clients->counts.used == 0);
    pool_fini(&clients->counts);
    memory_release(clients->memory, clients->buckets,
                   clients->bucket_count * sizeof(struct http_client_count *));
}

uint32_t http_clients_enter(struct http_clients *clients, struct ip_addr addr)
{
    struct ip_addr client = client_of(addr);
    struct http_client_count **bucket = bucket_of(clients, client), *count = *bucket;

    while (count && !ip_equal(count->client, client))
        count = count->next;
    if (!count) {
        count = pool_get(&clients->counts);
        if (!count)
            return UINT32_MAX;
        count->client = client;
        count->next = *bucket;
        *bucket = count;
    }
    return ++count->connections;
}

void http_clients_leave(struct http_clients *clients, struct ip_addr addr)
{
    struct ip_addr client = client_of(addr);
    struct http_client_count **link = bucket_of(clients, client);

    while (*link && !ip_equal((*link)->client, client))
        link = &(*link)->next;
    struct http_client_count *count = *link;
    assert(count && count->connections > 0);
    if (--count->connections > 0)
        return;
    *link = count->next;
    pool_put(&clients->counts, count);
}

uint64_t http_clients_cap_octets(const struct http_clients *clients)
{
    return pool_cap_octets(&clients->counts) +
           clients->bucket_count * sizeof(struct http_client_count *);
}
