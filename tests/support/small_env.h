/*
 * small_env.h - an env whose memory a test can watch and let run out.
 *
 * It counts what is out, checks that lengths come back as they went, and fails when told to. What
 * it gives out is filled with junk, so that whoever relies on zeros must have made them.
 */
#ifndef TAPIO_TESTS_SMALL_ENV_H
#define TAPIO_TESTS_SMALL_ENV_H

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <tapio/tapio.h>

struct small_env {
    struct env env;
    uint64_t out;     /* octets */
    uint64_t peak;    /* the most that were out */
    uint64_t blocks;  /* allocations that are out */
    uint64_t calls;   /* allocations asked for */
    uint64_t fail_at; /* this one fails (counted from 1), and those behind it; 0: none */
};

static inline void *small_env_alloc(void *context, size_t len)
{
    struct small_env *e = context;
    if (++e->calls >= e->fail_at && e->fail_at)
        return NULL;
    size_t *block = malloc(len + 16);
    ck_assert_ptr_nonnull(block);
    *block = len;
    memset((char *)block + 16, 0xa5, len);
    e->out += len;
    e->peak = e->out > e->peak ? e->out : e->peak;
    e->blocks++;
    return (char *)block + 16;
}

static inline void small_env_release(void *context, void *octets, size_t len)
{
    struct small_env *e = context;
    size_t *block = (size_t *)(void *)((char *)octets - 16);
    if (*block != len)
        ck_abort_msg("%zu octets were given out, %zu came back", *block, len);
    e->out -= len;
    e->blocks--;
    free(block);
}

static inline void small_env_init(struct small_env *e)
{
    *e = (struct small_env){
        .env = {.context = e, .alloc = small_env_alloc, .release = small_env_release}};
}

#endif
