/*
 * test_prng.c - xoshiro256** against known values, and what is made from it.
 */
#include "base/prng.h"

#include "support/holds.h"
#include "support/proves.h"

START_TEST(the_recurrence_is_xoshiro256_starstar)
{
    struct prng p = {{1, 2, 3, 4}};
    ck_assert_uint_eq(prng_next(&p), 11520);
    ck_assert_uint_eq(prng_next(&p), 0);
    ck_assert_uint_eq(prng_next(&p), 1509978240);
    ck_assert_uint_eq(prng_next(&p), UINT64_C(1215971899390074240));
}
END_TEST

START_TEST(a_seed_of_zero_gives_the_state_that_splitmix64_gives)
{
    struct prng p;
    prng_seed(&p, 0);
    ck_assert_uint_eq(p.state[0], UINT64_C(0xe220a8397b1dcdaf));
    ck_assert_uint_eq(p.state[1], UINT64_C(0x6e789e6aa1b965f4));
    ck_assert_uint_eq(p.state[2], UINT64_C(0x06c45d188009454f));
    ck_assert_uint_eq(p.state[3], UINT64_C(0xf88bb8a8724c81ec));
}
END_TEST

START_TEST(a_seed_repeats_its_stream_and_another_gives_another)
{
    struct prng a, b, c;
    bool differs = false;

    prng_seed(&a, 42);
    prng_seed(&b, 42);
    prng_seed(&c, 43);
    for (int i = 0; i < 1000; i++) {
        uint64_t value = prng_next(&a);
        HOLDS(value == prng_next(&b));
        differs |= value != prng_next(&c);
    }
    ck_assert(differs);
}
END_TEST

static const uint64_t bounds[] = {
    1,         2, 3, 5, 7, 10, 64, 1000, UINT32_MAX, UINT64_C(1) << 63, (UINT64_C(1) << 63) + 1,
    UINT64_MAX};

START_TEST(numbers_stay_below_their_bound)
{
    struct prng p;
    prng_seed(&p, bounds[_i]);
    for (int i = 0; i < 10000; i++)
        HOLDS(prng_below(&p, bounds[_i]) < bounds[_i]);
}
END_TEST

START_TEST(numbers_below_a_bound_are_equally_likely)
{
    /* Chi squared with six degrees of freedom: above 22.5 once in a thousand seeds, and this is
     * one. */
    enum { BOUND = 7, DRAWS = 700000 };
    int64_t count[BOUND] = {0};
    struct prng p;

    prng_seed(&p, 7);
    for (int i = 0; i < DRAWS; i++)
        count[prng_below(&p, BOUND)]++;
    int64_t sum = 0;
    for (int i = 0; i < BOUND; i++) {
        int64_t off = count[i] - DRAWS / BOUND;
        sum += off * off;
    }
    ck_assert_int_lt(sum, DRAWS / BOUND * 225 / 10);
}
END_TEST

START_TEST(the_bound_that_a_plain_remainder_would_bend_most_is_even)
{
    /* For three quarters of 2^64, a remainder alone gives the first third twice as often. */
    uint64_t bound = UINT64_C(3) << 62;
    int64_t low = 0;
    struct prng p;

    prng_seed(&p, 8);
    for (int i = 0; i < 300000; i++)
        low += prng_below(&p, bound) < bound / 3;
    ck_assert_int_gt(low, 98500);
    ck_assert_int_lt(low, 101500);
}
END_TEST

static const struct {
    uint32_t parts;
    int64_t min, max; /* of 100,000 */
} chances[] = {
    {0, 0, 0},
    {1, 0, 5},
    {UINT32_C(1) << 30, 24300, 25700},
    {UINT32_C(1) << 31, 49200, 50800},
    {UINT32_MAX, 99995, 100000},
};

START_TEST(a_chance_comes_true_as_often_as_it_says)
{
    struct prng p;
    int64_t hits = 0;

    prng_seed(&p, 9);
    for (int i = 0; i < 100000; i++)
        hits += prng_chance(&p, chances[_i].parts);
    ck_assert_int_ge(hits, chances[_i].min);
    ck_assert_int_le(hits, chances[_i].max);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("prng");
    TCase *c = tcase_create("xoshiro256**");

    tcase_add_test(c, the_recurrence_is_xoshiro256_starstar);
    tcase_add_test(c, a_seed_of_zero_gives_the_state_that_splitmix64_gives);
    tcase_add_test(c, a_seed_repeats_its_stream_and_another_gives_another);
    tcase_add_loop_test(c, numbers_stay_below_their_bound, 0, ARRAY_LEN(bounds));
    tcase_add_test(c, numbers_below_a_bound_are_equally_likely);
    tcase_add_test(c, the_bound_that_a_plain_remainder_would_bend_most_is_even);
    tcase_add_loop_test(c, a_chance_comes_true_as_often_as_it_says, 0, ARRAY_LEN(chances));
    suite_add_tcase(s, c);
    return run_suite(s, "prng");
}
