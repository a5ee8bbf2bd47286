/*
 * checksum.h - the Internet checksum (RFC 1071) and its incremental update (RFC 1624).
 *
 * A sum is carried as 64 bits in the machine's byte order, and folded once, at the end (checksum.c
 * says why that is right). Chunks may have any length and start at any alignment; a chunk that
 * begins at an odd offset of the whole says so.
 */
#ifndef TAPIO_BASE_CHECKSUM_H
#define TAPIO_BASE_CHECKSUM_H

#include "base/addr.h"
#include "base/base.h"

/* An unfinished sum. */
struct checksum {
    uint64_t sum;
    bool odd; /* the next octet is the low half of a 16-bit word */
};

/* Any octets. */
void checksum_add(struct checksum *c, struct bytes octets);
/* The same, and copies them to `to`, which has room for them elsewhere: at the price of the copy.
 */
void checksum_copy(struct checksum *c, uint8_t *to, struct bytes octets);

/* Adds with the carry brought round to the low end. */
static inline uint64_t checksum_carry(uint64_t a, uint64_t b)
{
    uint64_t sum = a + b;
    return sum + (sum < b);
}

/* A header: at an even offset, and of whole 32-bit words, so few that their carries have room. */
static inline void checksum_add_header(struct checksum *c, struct bytes header)
{
    uint64_t sum = 0;

    assert(!c->odd && header.len % 4 == 0);
    for (size_t at = 0; at < header.len; at += 4) {
        uint32_t word;
        memcpy(&word, header.at + at, 4);
        sum += word;
    }
    c->sum = checksum_carry(c->sum, sum);
}

/* The pseudo-header: 12 octets for IPv4 (RFC 9293, 3.1), 40 for IPv6 (RFC 8200, 8.1). Length and
 * protocol go in as IPv6 lays them out; IPv4 packs them closer, into words with the same sum. */
static inline void checksum_add_pseudo(struct checksum *c, struct ip_addr src, struct ip_addr dst,
                                       uint8_t protocol, uint32_t len)
{
    bool v4 = ip_is_v4(src);
    uint64_t tail = (uint64_t)len << 32 | protocol;

    assert(!c->odd);
    assert(v4 == ip_is_v4(dst));
    assert(!v4 || len <= UINT16_MAX);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    tail = __builtin_bswap64(tail);
#endif
    c->sum = checksum_carry(c->sum, tail);
    const size_t from = v4 ? 12 : 0; /* the octets in front of it are in no IPv4 packet */
    checksum_add_header(c, (struct bytes){src.octet + from, 16 - from});
    checksum_add_header(c, (struct bytes){dst.octet + from, 16 - from});
}

/* Folds to 16 bits, in the machine's order. */
static inline uint16_t checksum_fold_sum(uint64_t sum)
{
    sum = (sum >> 32) + (sum & UINT32_MAX); /* 33 bits */
    sum = (sum >> 32) + (sum & UINT32_MAX); /* 32 */
    sum = (sum >> 16) + (sum & UINT16_MAX); /* 17 */
    sum = (sum >> 16) + (sum & UINT16_MAX); /* 16 */
    return (uint16_t)sum;
}

/* Folds to 16 bits without the final complement: what FRAME_NEEDS_CSUM carries in the field. */
static inline uint16_t checksum_fold(struct checksum c)
{
    uint16_t sum = checksum_fold_sum(c.sum);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    sum = __builtin_bswap16(sum);
#endif
    return sum;
}

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

static inline uint16_t checksum_of_header(struct bytes header)
{
    struct checksum c = {0};
    checksum_add_header(&c, header);
    return checksum_finish(c);
}

/* The checksum after one 16-bit word of what it covers went from `old` to `new` (RFC 1624, 3,
 * equation 3). */
uint16_t checksum_update(uint16_t checksum, uint16_t old, uint16_t new);

#endif
