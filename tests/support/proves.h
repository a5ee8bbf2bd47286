/*
 * proves.h - how a unit test says what it proves, and how a test program runs.
 *
 * PROVES("RFC826-Reception-a", "A01") stands as the last statement of a test: it is reached only
 * when every assertion held, and only then appends `id TAB suite TAB test TAB pass` to the file
 * that $TAPIO_PROOFS names. scripts/rfc-coverage counts these lines and nothing else.
 */
#ifndef TAPIO_TESTS_PROVES_H
#define TAPIO_TESTS_PROVES_H

#include <check.h>
#include <signal.h>

#define PROVES(...)                                                                                \
    proves_write(__func__, (const char *const[]){__VA_ARGS__},                                     \
                 sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

void proves_write(const char *test, const char *const *ids, size_t count);

/* Adds a test that must end by abort(): it and its whole suite then run in processes of their own,
 * whatever $CK_FORK says. */
#define ADD_ABORTING_TEST(tcase, test)                                                             \
    (suite_must_fork(), tcase_add_test_raise_signal(tcase, test, SIGABRT))

void suite_must_fork(void);

/* For a program without Check: the suite that PROVES names. */
void suite_is(const char *name);

/* Runs a suite as Check does, under the suite's name for PROVES; what main() returns. */
int run_suite(Suite *suite, const char *name);

#endif
