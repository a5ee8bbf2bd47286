/*
 * http_clients.h - how many connections each client has, so that one cannot have them all.
 *
 * A client is an address; of IPv6, the 64 bits that name its network, as the rest is its own to
 * choose. A keyed hash finds it: nobody can choose addresses that meet in one chain.
 */
#ifndef TAPIO_HTTP_CLIENTS_H
#define TAPIO_HTTP_CLIENTS_H

#include "base/hash.h"
#include "base/pool.h"

struct http_client_count;

struct http_clients {
    struct memory *memory;
    struct hash_key key;
    struct http_client_count **buckets;
    uint32_t bucket_count; /* a power of two */
    struct pool counts;
};

/* For at most `most` connections. 0, -ENOMEM, or what env->random says. */
NODISCARD int http_clients_init(struct http_clients *clients, struct memory *memory, uint32_t most);
void http_clients_fini(struct http_clients *clients);

/* One more connection of this client: how many it has now; UINT32_MAX: there is no memory to count
 * it. */
uint32_t http_clients_enter(struct http_clients *clients, struct ip_addr addr);
/* One less; only for one that was counted. */
void http_clients_leave(struct http_clients *clients, struct ip_addr addr);

/* Octets at the cap. */
uint64_t http_clients_cap_octets(const struct http_clients *clients);

#endif
