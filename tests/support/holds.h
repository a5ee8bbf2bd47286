/*
 * holds.h - an assertion for inner loops.
 *
 * Check's own assertions note every pass in a file, which is most of the time of a test that makes
 * a million of them. This one costs a branch.
 */
#ifndef TAPIO_TESTS_HOLDS_H
#define TAPIO_TESTS_HOLDS_H

#include <check.h>

#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg("line %d: %s", __LINE__, #condition);                                     \
    } while (0)

#endif
