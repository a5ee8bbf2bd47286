/*
 * ip_id.h - identifications of datagrams that may be fragmented (RFC 6864; RFC 7739).
 */
#ifndef TAPIO_IP_IP_ID_H
#define TAPIO_IP_IP_ID_H

#include "base/hash.h"

enum { IP_ID_COUNTERS = 1024 };

struct ip_ids {
    struct hash_key key;
    uint16_t counter[IP_ID_COUNTERS]; /* by keyed hash of source, destination, protocol */
};

/* One that was not used between these two for this protocol for long. */
uint16_t ip_id_next(struct ip_ids *ids, struct ip_addr src, struct ip_addr dst, uint8_t protocol);

#endif
