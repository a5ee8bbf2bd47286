/*
 * memory.c - see memory.h.
 *
 * Everything the machine holds comes through here, so a test can make any allocation fail and a
 * caller can say where the octets come from. There is nothing clever: pools (pool.h) and tables ask
 * rarely and for much. The length goes back with the octets, so that a caller's allocator needs no
 * header of its own.
 */
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static bool is_callers(const struct memory *memory)
{
    const struct env *env = memory->env;
    if (!env)
        return false;
    assert(!env->alloc == !env->release); /* one without the other cannot be meant */
    return env->alloc != NULL;
}

static void *counted(struct memory *memory, void *octets, size_t len)
{
    if (octets)
        memory->octets += len;
    else
        memory->failures++;
    return octets;
}

void *memory_alloc(struct memory *memory, size_t len)
{
    assert(len > 0);
    if (!is_callers(memory)) /* fresh pages stay untouched: a large table costs what it holds */
        return counted(memory, calloc(1, len), len);
    void *octets = memory_alloc_unzeroed(memory, len);
    if (octets)
        memset(octets, 0, len);
    return octets;
}

void *memory_alloc_unzeroed(struct memory *memory, size_t len)
{
    assert(len > 0);
    bool callers = is_callers(memory);
    return counted(memory, callers ? memory->env->alloc(memory->env->context, len) : malloc(len),
                   len);
}

void memory_release(struct memory *memory, void *octets, size_t len)
{
    if (!octets)
        return;
    memory->octets -= len;
    if (is_callers(memory))
        memory->env->release(memory->env->context, octets, len);
    else
        free(octets);
}
