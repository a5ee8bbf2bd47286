/*
 * test_os_env.c - clocks and randomness: that it fails closed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <tapio/host.h>
#include <time.h>

#include "os/os_env.h"
#include "support/proves.h"

/* A getrandom() that does what `plan` says, call by call: an errno, 0 (all octets), or -1 (one
 * octet fewer); its last entry lasts. */
static const int *plan;
static int calls;

static ssize_t planned(void *octets, size_t len, unsigned flags)
{
    int step = *plan;

    calls++;
    ck_assert_uint_ne(flags, 0); /* never one that may block */
    if (plan[1] >= -1)
        plan++;
    if (step > 0) {
        errno = step;
        return -1;
    }
    memset(octets, 0x5a, len);
    return (ssize_t)len + step;
}

enum { END = -2 };

/* clang-format off */
static const struct {
    int plan[4];
    int wanted;
} sources[] = {
    {{0, END},                    0},
    {{EINTR, EINTR, 0, END},      0},       /* a signal is no failure */
    {{EAGAIN, END},               -EAGAIN}, /* would block: too early after boot */
    {{ENOSYS, END},               -ENOSYS},
    {{EINTR, EAGAIN, END},        -EAGAIN},
    {{-1, END},                   -EIO},    /* fewer than asked for */
};
/* clang-format on */

START_TEST(without_randomness_there_is_no_env)
{
    struct os_env env;

    plan = sources[_i].plan;
    calls = 0;
    ck_assert_int_eq(os_env_init(&env, planned), sources[_i].wanted);
    ck_assert_int_gt(calls, 0);
    PROVES("F08");
}
END_TEST

START_TEST(a_source_that_dries_up_later_makes_no_stack)
{
    static const int good[] = {0, END}, bad[] = {EAGAIN, END};
    struct os_env env;
    struct stack_config config;

    plan = good;
    ck_assert_int_eq(os_env_init(&env, planned), 0);
    stack_config_init(&config);
    config.addr_count = 1;
    ck_assert_int_eq(ip_prefix_parse("10.9.0.2/24", &config.addr[0]), 0);
    ck_assert_int_eq(mac_addr_parse("02:00:5e:10:00:02", &config.mac), 0);
    plan = bad;
    ck_assert_ptr_null(stack_new(&config, &env.env));
    plan = good;
    struct stack *stack = stack_new(&config, &env.env);
    ck_assert_ptr_nonnull(stack);
    stack_free(stack);
    PROVES("F08");
}
END_TEST

START_TEST(the_kernel_s_octets_differ_from_call_to_call)
{
    struct os_env env;
    uint8_t a[1000] = {0}, b[1000] = {0};

    ck_assert_int_eq(os_env_init(&env, NULL), 0);
    ck_assert_int_eq(env.env.random(env.env.context, a, sizeof a), 0);
    ck_assert_int_eq(env.env.random(env.env.context, b, sizeof b), 0);
    ck_assert_int_ne(memcmp(a, b, sizeof a), 0);
    ck_assert_int_ne(memcmp(a + 900, a, 100), 0); /* filled to its end */
}
END_TEST

START_TEST(a_seed_repeats_a_run)
{
    struct os_env one, two;
    uint8_t a[13], b[13];

    ck_assert_int_eq(os_env_init(&one, NULL), 0);
    ck_assert_int_eq(os_env_init(&two, NULL), 0);
    os_env_seed(&one, 7);
    os_env_seed(&two, 7);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(one.env.random(one.env.context, a, sizeof a), 0);
        ck_assert_int_eq(two.env.random(two.env.context, b, sizeof b), 0);
        ck_assert_int_eq(memcmp(a, b, sizeof a), 0);
    }
    os_env_seed(&two, 8);
    ck_assert_int_eq(two.env.random(two.env.context, b, sizeof b), 0);
    ck_assert_int_ne(memcmp(a, b, sizeof a), 0);
}
END_TEST

START_TEST(the_clocks_are_the_system_s)
{
    struct os_env env;

    ck_assert_int_eq(os_env_init(&env, NULL), 0);
    instant before = os_now();
    int64_t mono = env.env.mono_ns(env.env.context);
    ck_assert(before.ns <= mono && mono <= os_now().ns);
    int64_t wall = env.env.wall_ns(env.env.context) / NS_PER_S;
    ck_assert(llabs((long long)(wall - time(NULL))) <= 1);
}
END_TEST

/* clang-format off */
static const struct {
    const char *addr, *kernel, *says;
} refused[] = {
    {"10.9.0.2",     "10.9.0.1/24", "no address with a prefix"},
    {"10.9.0.2/24",  "tap0",        "no address with a prefix"},
    {"10.9.0.2/24",  "10.8.0.1/24", "not on the link"},
    {"10.9.0.2/24",  "10.9.0.2/24", "both sides"},
    {"224.0.0.1/24", "10.9.0.1/24", "224.0.0.1"},
};
/* clang-format on */

/* What is wrong is said before a device is touched: this runs without any permission. */
START_TEST(a_stack_on_a_tap_says_which_address_cannot_be)
{
    struct dev *dev = NULL;
    char why[HOST_WHY];

    ck_assert_ptr_null(
        host_stack("no/device", refused[_i].addr, refused[_i].kernel, &dev, why, sizeof why));
    ck_assert_ptr_null(dev);
    ck_assert_ptr_nonnull(strstr(why, refused[_i].says));
    ck_assert_ptr_null(strchr(why, '\n'));
}
END_TEST

START_TEST(a_stack_on_a_tap_says_which_name_cannot_be)
{
    struct dev *dev = NULL;
    char why[HOST_WHY];

    ck_assert_ptr_null(
        host_stack("no/device", "10.9.0.2/24", "10.9.0.1/24", &dev, why, sizeof why));
    ck_assert_ptr_null(dev);
    ck_assert_ptr_nonnull(strchr(why, '\''));
    ck_assert_ptr_null(strstr(why, "--dev")); /* its reader has no tool before him */
}
END_TEST

int main(void)
{
    Suite *s = suite_create("os_env");
    TCase *c = tcase_create("randomness");
    tcase_add_loop_test(c, without_randomness_there_is_no_env, 0, ARRAY_LEN(sources));
    tcase_add_test(c, a_source_that_dries_up_later_makes_no_stack);
    tcase_add_test(c, the_kernel_s_octets_differ_from_call_to_call);
    tcase_add_test(c, a_seed_repeats_a_run);
    suite_add_tcase(s, c);
    c = tcase_create("clocks");
    tcase_add_test(c, the_clocks_are_the_system_s);
    suite_add_tcase(s, c);
    c = tcase_create("tapio/host.h");
    tcase_add_loop_test(c, a_stack_on_a_tap_says_which_address_cannot_be, 0, ARRAY_LEN(refused));
    tcase_add_test(c, a_stack_on_a_tap_says_which_name_cannot_be);
    suite_add_tcase(s, c);
    return run_suite(s, "os_env");
}
