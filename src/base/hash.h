/*
 * hash.h - SipHash-2-4, the keyed hash behind tables, initial sequence numbers and ports.
 *
 * A stranger who does not know the key can neither make two tuples collide nor predict a value.
 */
#ifndef TAPIO_BASE_HASH_H
#define TAPIO_BASE_HASH_H

#include "base/addr.h"
#include "base/base.h"

struct hash_key {
    uint64_t k0, k1;
};

uint64_t siphash(struct hash_key key, struct bytes octets);

/* Of the four-tuple that names a connection, from our side. */
uint64_t siphash_tuple(struct hash_key key, struct endpoint local, struct endpoint remote);

/* The same for a table, in fewer steps for IPv4: another number, as good. */
uint64_t siphash_flow(struct hash_key key, struct endpoint local, struct endpoint remote);

#endif
