/*
 * counted.h - memory for a struct env that counts its octets, and can be made to run out.
 *
 * For one program each: it holds the state.
 */
#ifndef TAPIO_TESTS_COUNTED_H
#define TAPIO_TESTS_COUNTED_H

#include <stdint.h>
#include <stdlib.h>

static uint64_t memory_used; /* octets that are out */
static int64_t fail_at = -1; /* the allocation that fails, counting down; < 0: none */

static inline void *counted_alloc(void *context, size_t len)
{
    (void)context;
    if (fail_at-- == 0)
        return NULL;
    memory_used += len;
    return malloc(len);
}

static inline void counted_release(void *context, void *octets, size_t len)
{
    (void)context;
    memory_used -= len;
    free(octets);
}

#endif
