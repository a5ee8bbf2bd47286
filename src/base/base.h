/*
 * base.h - the few macros that every file may use.
 */
#ifndef TAPIO_BASE_BASE_H
#define TAPIO_BASE_BASE_H

#include <assert.h>
#include <stddef.h>
#include <tapio/types.h>

#ifdef NDEBUG
#error "assertions stay on in every build (ADR 0003)"
#endif

#define NODISCARD        TAPIO_NODISCARD
#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* The struct whose member `member` is at `pointer`. */
#define CONTAINER_OF(pointer, type, member)                                                        \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#define ALWAYS_INLINE       inline __attribute__((always_inline))
#define LIKELY(condition)   __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

static inline size_t size_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t size_max(size_t a, size_t b)
{
    return a > b ? a : b;
}

static inline uint32_t u32_min(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static inline uint32_t u32_max(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

#endif
