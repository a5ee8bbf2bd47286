/*
 * checksum.h - the Internet checksum (RFC 1071) and its incremental update (RFC 1624).
 *
 * A sum is carried as 64 bits and folded once, at the end. Chunks may have any length and start at
 * any alignment; a chunk that begins at an odd offset of the whole says so.
 */
#ifndef TAPIO_BASE_CHECKSUM_H
#define TAPIO_BASE_CHECKSUM_H

#include "base/addr.h"
#include "base/base.h"

/* An unfinished sum over `len` octets so far. */
struct checksum {
    uint64_t sum;
    bool odd; /* the next octet is the low half of a 16-bit word */
};

void checksum_add(struct checksum *c, struct bytes octets);

/* The pseudo-header: 12 octets for IPv4 (RFC 9293, 3.1), 40 for IPv6 (RFC 8200, 8.1). */
void checksum_add_pseudo(struct checksum *c, struct ip_addr src, struct ip_addr dst,
                         uint8_t protocol, uint32_t len);

/* Folds to 16 bits without the final complement: what FRAME_NEEDS_CSUM carries in the field. */
uint16_t checksum_fold(struct checksum c);

/* The complement: what goes into a header. Over octets that hold a right checksum it is 0. */
static inline uint16_t checksum_finish(struct checksum c)
{
    return (uint16_t)~checksum_fold(c);
}

static inline uint16_t checksum_of(struct bytes octets)
{
    struct checksum c = {0};
    checksum_add(&c, octets);
    return checksum_finish(c);
}

/* The checksum after one 16-bit word of what it covers went from `old` to `new` (RFC 1624, 3,
 * equation 3). */
uint16_t checksum_update(uint16_t checksum, uint16_t old, uint16_t new);

#endif
