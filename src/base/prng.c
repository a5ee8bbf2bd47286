/*
 * prng.c - xoshiro256** by Blackman and Vigna, its state filled by splitmix64.
 *
 * Written from the published recurrences. splitmix64 turns any seed, 0 included, into four words
 * that are not all zero, which is the one state that xoshiro must never have. What it is not fit
 * for is said in the header.
 */
#include "base/prng.h"

static uint64_t rotate_left(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

void prng_seed(struct prng *p, uint64_t seed)
{
    for (size_t i = 0; i < ARRAY_LEN(p->state); i++)
        p->state[i] = splitmix64(&seed);
}

uint64_t prng_next(struct prng *p)
{
    uint64_t *s = p->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t prng_below(struct prng *p, uint64_t bound)
{
    assert(bound > 0);
    /* 2^64 modulo bound: as many low values are refused, and the rest is a whole multiple of bound.
     * A try fails with a chance below one half, so the loop ends. */
    uint64_t refused = -bound % bound;
    uint64_t value;
    do
        value = prng_next(p);
    while (value < refused);
    return value % bound;
}

bool prng_chance(struct prng *p, uint32_t parts)
{
    return (prng_next(p) >> 32) < parts;
}
