/*
 * exact.h - octets on the heap in a buffer that ends where they end.
 *
 * A parser that reads one octet too many is caught by AddressSanitizer there, and nowhere else.
 */
#ifndef TAPIO_TESTS_EXACT_H
#define TAPIO_TESTS_EXACT_H

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <tapio/types.h>

/* A copy; free `at` with exact_free(). */
static inline struct bytes exact_copy(const void *octets, size_t len)
{
    uint8_t *copy = malloc(len);
    ck_assert(copy || len == 0);
    if (len)
        memcpy(copy, octets, len);
    return (struct bytes){copy, len};
}

static inline void exact_free(struct bytes b)
{
    union {
        const uint8_t *in;
        void *out;
    } at = {b.at};
    free(at.out);
}

#endif
