/*
 * test_posix.c - face two: descriptors, addresses, errno, and calls that wait.
 *
 * Two stacks with a thread each (support/twins.h), so these tests live in real time; they wait for
 * events, never for a time to pass, but where time is what is tested.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/holds.h"
#include "support/proves.h"
#include "support/twins.h"

static struct twins twins;

static void given_twins(void)
{
    twins_begin(&twins);
}

static void end_of_twins(void)
{
    twins_end(&twins);
}

#define FAILS(call, error)                                                                         \
    do {                                                                                           \
        errno = 0;                                                                                 \
        ck_assert_int_eq((call), -1);                                                              \
        ck_assert_int_eq(errno, error);                                                            \
    } while (0)

START_TEST(a_call_reaches_the_peer_and_comes_back)
{
    char heard[16] = {0};
    int s = twins_connect(TWINS_ECHO);

    ck_assert_int_eq(tapio_send(s, "hello", 5, 0), 5);
    ck_assert_int_eq(tapio_recv(s, heard, 5, MSG_WAITALL), 5);
    ck_assert_str_eq(heard, "hello");
    ck_assert_int_eq(tapio_close(s), 0);
}
END_TEST

static Suite *posix_suite(void)
{
    Suite *suite = suite_create("posix");
    TCase *c = tcase_create("calls");

    tcase_add_checked_fixture(c, given_twins, end_of_twins);
    tcase_add_test(c, a_call_reaches_the_peer_and_comes_back);
    suite_add_tcase(suite, c);
    return suite;
}

int main(void)
{
    return run_suite(posix_suite(), "posix");
}
