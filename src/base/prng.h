/*
 * prng.h - a stream of numbers from one seed (xoshiro256**, seeded by splitmix64).
 *
 * For the simulator, impairments and jitter: fast and repeatable, and not fit for secrets. What a
 * stranger must not guess comes from a keyed hash (hash.h) under a key from env->random.
 */
#ifndef TAPIO_BASE_PRNG_H
#define TAPIO_BASE_PRNG_H

#include "base/base.h"

struct prng {
    uint64_t state[4];
};

void prng_seed(struct prng *p, uint64_t seed);
uint64_t prng_next(struct prng *p);
/* Uniform in [0, bound); bound > 0. */
uint64_t prng_below(struct prng *p, uint64_t bound);
/* True with a probability of `parts` in 2^32. */
bool prng_chance(struct prng *p, uint32_t parts);

#endif
