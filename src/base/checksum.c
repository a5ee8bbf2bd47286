/*
 * checksum.c - the Internet checksum, eight octets at a time.
 *
 * The sum is a ones' complement one, and such a sum has two properties that make it fast (RFC 1071,
 * 2): it may be taken over words of any width, with the carry brought round, and folded at the end;
 * and it may be taken in the machine's own byte order, because swapping the octets of every word
 * swaps those of the sum. So octets are loaded as they lie, in words of 64 bits through memcpy (no
 * alignment is asked for), into four sums that do not wait for each other, and byte order is met
 * once, in checksum_fold(). What is short and asked for in each segment, headers and
 * pseudo-headers, is added in line (checksum.h).
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

/* The sum of octets that begin at an even offset, in the machine's order. */
static uint64_t sum_even(struct bytes in)
{
    uint64_t a = 0, b = 0, c = 0, d = 0;

    for (; in.len >= 64; in = bytes_skip(in, 64)) {
        a = checksum_carry(checksum_carry(a, load64(in.at)), load64(in.at + 32));
        b = checksum_carry(checksum_carry(b, load64(in.at + 8)), load64(in.at + 40));
        c = checksum_carry(checksum_carry(c, load64(in.at + 16)), load64(in.at + 48));
        d = checksum_carry(checksum_carry(d, load64(in.at + 24)), load64(in.at + 56));
    }
    a = checksum_carry(checksum_carry(a, b), checksum_carry(c, d));
    for (; in.len >= 8; in = bytes_skip(in, 8))
        a = checksum_carry(a, load64(in.at));
    if (in.len & 4) {
        uint32_t word;
        memcpy(&word, in.at, 4);
        a = checksum_carry(a, word);
        in = bytes_skip(in, 4);
    }
    if (in.len & 2) {
        uint16_t word;
        memcpy(&word, in.at, 2);
        a = checksum_carry(a, word);
        in = bytes_skip(in, 2);
    }
    if (in.len) {
        uint8_t last[2] = {in.at[0]}; /* padded with a zero, on the right (RFC 1071, 1) */
        uint16_t word;
        memcpy(&word, last, 2);
        a = checksum_carry(a, word);
    }
    return a;
}

void checksum_add(struct checksum *c, struct bytes octets)
{
    uint64_t sum = sum_even(octets);

    if (c->odd)
        sum = __builtin_bswap16(checksum_fold_sum(sum));
    c->sum = checksum_carry(c->sum, sum);
    c->odd ^= octets.len & 1;
}

uint16_t checksum_update(uint16_t checksum, uint16_t old, uint16_t new)
{
    /* HC' = ~(~HC + ~m + m') (RFC 1624, 3, equation 3) */
    uint32_t sum = (uint16_t)~checksum;
    sum += (uint16_t)~old;
    sum += new;
    return (uint16_t)~checksum_fold_sum(sum);
}
