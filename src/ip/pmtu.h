/*
 * pmtu.h - how large a packet may be on the way to somebody (RFC 1191, RFC 8201).
 *
 * For who has no connection to keep it in. A small table under a keyed hash: what collides is
 * forgotten, which costs one more ICMP error.
 */
#ifndef TAPIO_IP_PMTU_H
#define TAPIO_IP_PMTU_H

#include "base/hash.h"
#include "base/instant.h"

enum { PMTU_PATHS = 256 };

struct pmtu {
    struct hash_key key;
    struct pmtu_path {
        struct ip_addr to;
        uint32_t mtu; /* 0: nothing is known */
        instant until;
    } path[PMTU_PATHS];
};

void pmtu_init(struct pmtu *pmtu, struct hash_key key);
/* What a router has said about the way to `to`, if that is less than `mtu`, which the link carries.
 */
uint32_t pmtu_find(const struct pmtu *pmtu, struct ip_addr to, uint32_t mtu, instant now);
/* A router says `mtu`, in an error that was believed. It never raises what is known. */
void pmtu_lower(struct pmtu *pmtu, struct ip_addr to, uint32_t mtu, instant now);

#endif
