/*
 * checksum.c - the Internet checksum, eight octets at a time.
 *
 * The sum is a ones' complement one, and such a sum has two properties that make it fast (RFC 1071,
 * 2): it may be taken over words of any width, with the carry brought round, and folded at the end;
 * and it may be taken in the machine's own byte order, because swapping the octets of every word
 * swaps those of the sum. So octets are loaded as they lie, in words of 64 bits through memcpy (no
 * alignment is asked for), into four sums that do not wait for each other, and byte order is met
 * once, in checksum_fold().
 *
 * A chunk at an odd offset sees every octet in the wrong half of its word. The same property mends
 * it: its own sum is folded to 16 bits, swapped, and added.
 *
 * Zero has two forms here. A sum of nothing is 0; a sum of anything else that comes to zero is
 * 0xffff, because carries are only ever added. checksum_update() keeps that apart, which is what
 * RFC 1624 is about.
 */
#include "base/checksum.h"

#include <string.h>

#include "base/bytes.h"

static inline uint64_t load64(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, 8);
    return word;
}

/* Adds with the carry brought round to the low end. */
static inline uint64_t add_carry(uint64_t a, uint64_t b)
{
    uint64_t sum = a + b;
    return sum + (sum < b);
}

static inline uint16_t fold(uint64_t sum)
{
    sum = (sum >> 32) + (sum & UINT32_MAX); /* 33 bits */
    sum = (sum >> 32) + (sum & UINT32_MAX); /* 32 */
    sum = (sum >> 16) + (sum & UINT16_MAX); /* 17 */
    sum = (sum >> 16) + (sum & UINT16_MAX); /* 16 */
    return (uint16_t)sum;
}

/* The sum of octets that begin at an even offset, in the machine's order. */
static uint64_t sum_even(struct bytes in)
{
    uint64_t a = 0, b = 0, c = 0, d = 0;

    for (; in.len >= 32; in = bytes_skip(in, 32)) {
        a = add_carry(a, load64(in.at));
        b = add_carry(b, load64(in.at + 8));
        c = add_carry(c, load64(in.at + 16));
        d = add_carry(d, load64(in.at + 24));
    }
    a = add_carry(add_carry(a, b), add_carry(c, d));
    for (; in.len >= 8; in = bytes_skip(in, 8))
        a = add_carry(a, load64(in.at));
    if (in.len & 4) {
        uint32_t word;
        memcpy(&word, in.at, 4);
        a = add_carry(a, word);
        in = bytes_skip(in, 4);
    }
    if (in.len & 2) {
        uint16_t word;
        memcpy(&word, in.at, 2);
        a = add_carry(a, word);
        in = bytes_skip(in, 2);
    }
    if (in.len) {
        uint8_t last[2] = {in.at[0]}; /* padded with a zero, on the right (RFC 1071, 1) */
        uint16_t word;
        memcpy(&word, last, 2);
        a = add_carry(a, word);
    }
    return a;
}

void checksum_add(struct checksum *c, struct bytes octets)
{
    uint64_t sum = sum_even(octets);

    if (c->odd)
        sum = __builtin_bswap16(fold(sum));
    c->sum = add_carry(c->sum, sum);
    c->odd ^= octets.len & 1;
}

void checksum_add_pseudo(struct checksum *c, struct ip_addr src, struct ip_addr dst,
                         uint8_t protocol, uint32_t len)
{
    /* Length and protocol as IPv6 lays them out. IPv4 packs them closer (RFC 9293, 3.1), into words
     * with the same sum. */
    uint8_t tail[8] = {(uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
                       (uint8_t)len, [7] = protocol};
    bool v4 = ip_is_v4(src);

    assert(!c->odd);
    assert(v4 == ip_is_v4(dst));
    assert(!v4 || len <= UINT16_MAX);

    uint64_t sum = add_carry(c->sum, load64(tail));
    if (v4) {
        uint32_t a, b;
        memcpy(&a, src.octet + 12, 4);
        memcpy(&b, dst.octet + 12, 4);
        sum = add_carry(sum, (uint64_t)a + b);
    } else {
        sum = add_carry(sum, load64(src.octet));
        sum = add_carry(sum, load64(src.octet + 8));
        sum = add_carry(sum, load64(dst.octet));
        sum = add_carry(sum, load64(dst.octet + 8));
    }
    c->sum = sum;
}

uint16_t checksum_fold(struct checksum c)
{
    uint16_t sum = fold(c.sum);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    sum = __builtin_bswap16(sum);
#endif
    return sum;
}

uint16_t checksum_update(uint16_t checksum, uint16_t old, uint16_t new)
{
    /* HC' = ~(~HC + ~m + m') (RFC 1624, 3, equation 3) */
    uint32_t sum = (uint16_t)~checksum;
    sum += (uint16_t)~old;
    sum += new;
    return (uint16_t)~fold(sum);
}
