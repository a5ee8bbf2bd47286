/*
 * os_env.h - what a stack needs of the world, from this machine: clocks and randomness.
 *
 * Embed a struct os_env, initialise it, hand &e.env to stack_new(), and keep it as long as the
 * stack lives. Memory stays with malloc: `alloc` and `release` are left out of the env.
 */
#ifndef TAPIO_OS_ENV_H
#define TAPIO_OS_ENV_H

#include <sys/types.h>
#include <tapio/tapio.h>

#include "base/base.h"
#include "base/instant.h"
#include "base/prng.h"

/* As getrandom(2), errno and all. */
typedef ssize_t os_getrandom(void *octets, size_t len, unsigned flags);

struct os_env {
    struct env env;
    os_getrandom *getrandom;
    bool seeded;
    struct prng prng; /* when seeded */
};

/* 0, or a negative errno when there is no randomness to be had: a stack must not start without.
 * `getrandom` is for tests; NULL means the kernel's. */
NODISCARD int os_env_init(struct os_env *e, os_getrandom *getrandom);

/* From here on "random" octets are those of a generator that starts at `seed`: runs can be
 * repeated, and strangers can guess what must not be guessed. */
void os_env_seed(struct os_env *e, uint64_t seed);

/* All of them or a negative errno; never blocks, never second best. */
NODISCARD int os_random(os_getrandom *source, void *octets, size_t len);

/* CLOCK_MONOTONIC. */
instant os_now(void);

#endif
