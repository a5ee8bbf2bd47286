/*
 * pmtu.c - the path MTU by destination.
 *
 * What a router said holds for ten minutes and is then forgotten, so that a path that has become
 * wider is found out by the next large packet (RFC 1191, 6.3; RFC 8201, 5.3). Within that time it
 * only falls: who could raise it could as well forge it. The floor below which nobody is believed
 * is the caller's.
 */
#include "ip/pmtu.h"

#include "base/bytes.h"

#define LIFETIME (600 * NS_PER_S)

static size_t place_of(const struct pmtu *pmtu, struct ip_addr to)
{
    return siphash(pmtu->key, bytes_of(to.octet, sizeof to.octet)) % PMTU_PATHS;
}

void pmtu_init(struct pmtu *pmtu, struct hash_key key)
{
    *pmtu = (struct pmtu){.key = key};
}

uint32_t pmtu_find(const struct pmtu *pmtu, struct ip_addr to, uint32_t mtu, instant now)
{
    const struct pmtu_path *path = &pmtu->path[place_of(pmtu, to)];
    bool known = path->mtu > 0 && ip_equal(path->to, to) && instant_before(now, path->until);

    return known ? u32_min(path->mtu, mtu) : mtu;
}

void pmtu_lower(struct pmtu *pmtu, struct ip_addr to, uint32_t mtu, instant now)
{
    struct pmtu_path *path = &pmtu->path[place_of(pmtu, to)];

    *path = (struct pmtu_path){
        .to = to, .mtu = pmtu_find(pmtu, to, mtu, now), .until = instant_add(now, LIFETIME)};
}
