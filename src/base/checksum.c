/*
 * checksum.c - the Internet checksum, 32 octets at a time.
 *
 * The sum is a ones' complement one, and such a sum has two properties that make it fast (RFC 1071,
 * 2): it may be taken over words of any width, with the carry brought round, and folded at the end;
 * and it may be taken in the machine's own byte order, because swapping the octets of every word
 * swaps those of the sum. So octets are loaded as they lie, through memcpy (no alignment is asked
 * for), and byte order is met once, in checksum_fold().
 *
 * Long runs are taken as vectors of 64-bit lanes, of which every machine has some and the compiler
 * makes words where it has none. The two 32-bit words of a lane are summed apart, each in a lane of
 * its own, where their carries have room until the end, so none has to be looked for. What is
 * short and asked for in each segment, headers and pseudo-headers, is added in line (checksum.h).
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

typedef uint64_t vector __attribute__((vector_size(16)));

/* The next `len` octets of `in`, as a word; copied to where `to` points, unless that is NULL. */
static ALWAYS_INLINE void take(struct bytes *in, uint8_t **to, void *word, size_t len)
{
    memcpy(word, in->at, len);
    if (to) {
        memcpy(*to, word, len);
        *to += len;
    }
    *in = bytes_skip(*in, len);
}

/* The sum of octets that begin at an even offset, in the machine's order. */
static ALWAYS_INLINE uint64_t sum_even(struct bytes in, uint8_t **to)
{
    vector low_a = {0}, high_a = {0}, low_b = {0}, high_b = {0};

    while (in.len >= 2 * sizeof(vector)) {
        vector a, b;
        take(&in, to, &a, sizeof a);
        take(&in, to, &b, sizeof b);
        low_a += a & UINT32_MAX;
        high_a += a >> 32;
        low_b += b & UINT32_MAX;
        high_b += b >> 32;
    }
    vector lanes = low_a + high_a + low_b + high_b;
    uint64_t sum = lanes[0] + lanes[1];
    while (in.len >= 4) {
        uint32_t word;
        take(&in, to, &word, 4);
        sum += word;
    }
    if (in.len >= 2) {
        uint16_t word;
        take(&in, to, &word, 2);
        sum += word;
    }
    if (in.len) {
        uint8_t last[2] = {0}; /* padded with a zero, on the right (RFC 1071, 1) */
        uint16_t word;
        take(&in, to, last, 1);
        memcpy(&word, last, 2);
        sum += word;
    }
    return sum;
}

static ALWAYS_INLINE void add(struct checksum *c, struct bytes octets, uint8_t **to)
{
    uint64_t sum = sum_even(octets, to);

    if (c->odd)
        sum = __builtin_bswap16(checksum_fold_sum(sum));
    c->sum = checksum_carry(c->sum, sum);
    c->odd ^= octets.len & 1;
}

void checksum_add(struct checksum *c, struct bytes octets)
{
    add(c, octets, NULL);
}

void checksum_copy(struct checksum *c, uint8_t *to, struct bytes octets)
{
    add(c, octets, &to);
}

uint16_t checksum_update(uint16_t checksum, uint16_t old, uint16_t new)
{
    /* HC' = ~(~HC + ~m + m') (RFC 1624, 3, equation 3) */
    uint32_t sum = (uint16_t)~checksum;
    sum += (uint16_t)~old;
    sum += new;
    return (uint16_t)~checksum_fold_sum(sum);
}
