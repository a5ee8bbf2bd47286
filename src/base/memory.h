/*
 * memory.h - where octets come from: the caller's env, or malloc.
 */
#ifndef TAPIO_BASE_MEMORY_H
#define TAPIO_BASE_MEMORY_H

#include <tapio/tapio.h>

#include "base/base.h"

struct memory {
    const struct env *env;
    uint64_t failures; /* how often there was none */
    uint64_t octets;   /* that are out */
};

/* `len` zeroed octets, aligned to 16 as malloc's are, or NULL. memory_release() wants the same
 * length back; NULL is allowed. */
void *memory_alloc(struct memory *memory, size_t len);
/* The same with whatever octets are in it. */
void *memory_alloc_unzeroed(struct memory *memory, size_t len);
void memory_release(struct memory *memory, void *octets, size_t len);

#endif
