/*
 * dns_cache.h - what was learned about names, for as long as it is good (RFC 1035, 7.4; RFC 2308).
 *
 * A fixed number of entries; the one that has not been asked for longest gives way. A denial is
 * kept, too. Times to live are capped, for a zone that changes its mind.
 */
#ifndef TAPIO_APPS_DNS_CACHE_H
#define TAPIO_APPS_DNS_CACHE_H

#include "apps/dns_wire.h"
#include "base/instant.h"
#include "base/memory.h"

enum {
    DNS_ADDRS = 16,             /* addresses of one name that are kept */
    DNS_TTL_MAX = 86400,        /* seconds */
    DNS_DENIAL_TTL_MAX = 10800, /* (RFC 2308, 5) */
};

/* What is known of a name and a type. */
struct dns_fact {
    int error;                 /* 0; -ENOENT: no such name; -ENODATA: nothing of that type */
    struct dns_name canonical; /* what the last CNAME leads to */
    struct ip_addr addr[DNS_ADDRS];
    uint32_t count;
    uint32_t ttl; /* seconds; 0: not to be kept */
};

struct dns_cached;

struct dns_cache {
    struct dns_cached *entries;
    uint32_t room;
    uint64_t turn; /* counts uses: who was used last */
};

/* `entries` may be 0. 0 or -ENOMEM. */
NODISCARD int dns_cache_init(struct dns_cache *cache, struct memory *memory, uint32_t entries);
void dns_cache_fini(struct dns_cache *cache, struct memory *memory);
/* What is known and still good, with the seconds that are left of it; NULL. */
const struct dns_fact *dns_cache_find(struct dns_cache *cache, const struct dns_name *name,
                                      uint16_t type, instant now);
void dns_cache_keep(struct dns_cache *cache, const struct dns_name *name, uint16_t type,
                    const struct dns_fact *fact, instant now);

#endif
