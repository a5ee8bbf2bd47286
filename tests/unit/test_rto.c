/*
 * test_rto.c - the estimator of RFC 6298 against the RFC's own formulas, in exact arithmetic.
 */
#include "base/base.h"
#include "base/prng.h"
#include "support/proves.h"
#include "tcp/rto.h"

static const struct rto_limits limits = {
    .initial_ns = NS_PER_S, .min_ns = NS_PER_S, .max_ns = 120 * NS_PER_S};
static const struct rto_limits no_floor = {
    .initial_ns = NS_PER_S, .min_ns = 1, .max_ns = 120 * NS_PER_S};

/* (2.2) and (2.3) as real numbers. */
struct model {
    double srtt, rttvar;
    bool any;
};

static void model_sample(struct model *m, double r)
{
    if (!m->any) {
        *m = (struct model){r, r / 2, true};
        return;
    }
    double off = m->srtt > r ? m->srtt - r : r - m->srtt;
    m->rttvar = 0.75 * m->rttvar + 0.25 * off;
    m->srtt = 0.875 * m->srtt + 0.125 * r;
}

static void near_to(int64_t got, double want)
{
    double within = 50 + want * 1e-9; /* what integers lose by rounding, sample after sample */
    if ((double)got < want - within || (double)got > want + within)
        ck_abort_msg("%lld ns where the RFC has %.1f", (long long)got, want);
}

START_TEST(before_any_sample_the_rto_is_the_initial_one)
{
    struct rto rto;

    rto_init(&rto);
    ck_assert_int_eq(rto_current(&rto, &limits), NS_PER_S);
    ck_assert_int_eq(rto_srtt_ns(&rto), 0);
    PROVES("RFC6298-2.1-a");
}
END_TEST

START_TEST(the_first_sample_seeds_the_estimator)
{
    struct rto rto;

    rto_init(&rto);
    rto_sample(&rto, 100 * NS_PER_MS);
    ck_assert_int_eq(rto_srtt_ns(&rto), 100 * NS_PER_MS);
    ck_assert_int_eq(rto_rttvar_ns(&rto), 50 * NS_PER_MS);
    ck_assert_int_eq(rto_current(&rto, &no_floor), 300 * NS_PER_MS);
    PROVES("RFC6298-2.2-a");
}
END_TEST

/* 100, 200, 50, 400 ms, by hand: RTTVAR first, with the old SRTT. */
START_TEST(later_samples_move_the_variance_before_the_mean)
{
    static const int64_t expected[][3] = {/* R', SRTT, RTTVAR in microseconds */
                                          {100000, 100000, 50000},
                                          {200000, 112500, 62500},
                                          {50000, 104687, 62500},
                                          {400000, 141601, 120703}};
    struct rto rto;

    rto_init(&rto);
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        rto_sample(&rto, expected[i][0] * NS_PER_US);
        ck_assert_int_eq(rto_srtt_ns(&rto) / NS_PER_US, expected[i][1]);
        ck_assert_int_eq(rto_rttvar_ns(&rto) / NS_PER_US, expected[i][2]);
    }
    PROVES("RFC6298-2.3-a");
}
END_TEST

START_TEST(random_samples_follow_the_formulas)
{
    struct prng prng;
    struct rto rto;
    struct model m = {0};

    prng_seed(&prng, (uint64_t)_i);
    rto_init(&rto);
    for (int i = 0; i < 1000; i++) {
        int64_t most = (int64_t)1 << prng_below(&prng, 36); /* up to a minute */
        int64_t r = 1000 + (int64_t)prng_below(&prng, (uint64_t)most);
        rto_sample(&rto, r);
        model_sample(&m, (double)r);
        near_to(rto_srtt_ns(&rto), m.srtt);
        near_to(rto_rttvar_ns(&rto), m.rttvar);
        double want = m.srtt + 4 * m.rttvar;
        int64_t got = rto_current(&rto, &no_floor);
        if (want > 120e9) {
            ck_assert_int_eq(got, 120 * NS_PER_S);
        } else { /* G may be as coarse as half a second (4) */
            ck_assert(got >= (int64_t)want - 200 - (int64_t)(want * 1e-9) &&
                      got <= (int64_t)(m.srtt + (4 * m.rttvar > 5e8 ? 4 * m.rttvar : 5e8)) + 500);
        }
    }
    PROVES("RFC6298-2.2-a", "RFC6298-2.3-a");
}
END_TEST

START_TEST(the_floor_and_the_ceiling_hold)
{
    struct rto rto;

    rto_init(&rto);
    rto_sample(&rto, NS_PER_MS);
    ck_assert_int_eq(rto_current(&rto, &limits), NS_PER_S);
    for (int64_t s = 1; s <= 3600; s *= 2) {
        rto_sample(&rto, s * NS_PER_S);
        ck_assert_int_ge(rto_current(&rto, &limits), NS_PER_S);
        ck_assert_int_le(rto_current(&rto, &limits), 120 * NS_PER_S);
    }
    ck_assert_int_eq(rto_current(&rto, &limits), 120 * NS_PER_S);
    PROVES("RFC6298-2.4-a", "RFC6298-2.5-a");
}
END_TEST

START_TEST(each_expiry_doubles_up_to_the_ceiling)
{
    struct rto rto;
    int64_t want = NS_PER_S;

    rto_init(&rto);
    for (int i = 0; i < 300; i++) { /* more than any counter of 8 bits */
        ck_assert_int_eq(rto_current(&rto, &limits), want);
        rto_expired(&rto);
        want = want * 2 > limits.max_ns ? limits.max_ns : want * 2;
    }
    PROVES("RFC6298-5.5-a", "RFC6298-2.5-a");
}
END_TEST

START_TEST(a_sample_ends_the_backoff)
{
    struct rto rto;

    rto_init(&rto);
    rto_sample(&rto, 500 * NS_PER_MS);
    ck_assert_int_eq(rto_current(&rto, &limits), 1500 * NS_PER_MS);
    for (int i = 0; i < 4; i++)
        rto_expired(&rto);
    ck_assert_int_eq(rto_current(&rto, &limits), 16 * 1500 * NS_PER_MS);
    rto_sample(&rto, 500 * NS_PER_MS);
    ck_assert_int_eq(rto_current(&rto, &limits), 1250 * NS_PER_MS); /* 500 + 4 * 187.5 */
    PROVES("RFC6298-5.5-a");
}
END_TEST

START_TEST(a_steady_round_trip_keeps_a_margin)
{
    struct rto rto;

    rto_init(&rto);
    for (int i = 0; i < 10000; i++) {
        rto_sample(&rto, 100 * NS_PER_MS);
        ck_assert_int_ge(rto_current(&rto, &no_floor), 100 * NS_PER_MS + NS_PER_MS / 10); /* G */
    }
    ck_assert_int_eq(rto_srtt_ns(&rto), 100 * NS_PER_MS);
    PROVES("RFC6298-4-a");
}
END_TEST

START_TEST(a_round_trip_of_no_time_is_a_sample_too)
{
    struct rto rto;

    rto_init(&rto);
    rto_expired(&rto);
    rto_sample(&rto, 0);
    ck_assert_int_eq(rto_current(&rto, &limits), NS_PER_S);
    rto_sample(&rto, 0);
    ck_assert_int_ge(rto_srtt_ns(&rto), 0);
    ck_assert_int_ge(rto_rttvar_ns(&rto), 0);
}
END_TEST

/* A virtual machine that slept: the sample is absurd, and nothing overflows. */
START_TEST(an_absurd_sample_overflows_nothing)
{
    static const int64_t samples[] = {86400 * NS_PER_S, 365 * 86400 * NS_PER_S, NS_PER_MS,
                                      3650 * 86400 * NS_PER_S};
    struct rto rto;

    rto_init(&rto);
    for (size_t i = 0; i < 100; i++) {
        rto_sample(&rto, samples[i % ARRAY_LEN(samples)]);
        int64_t now = rto_current(&rto, &limits);
        ck_assert(now >= limits.min_ns && now <= limits.max_ns);
        rto_expired(&rto);
    }
    PROVES("F03");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rto");

    TCase *c = tcase_create("RFC 6298, 2: the basic algorithm");
    tcase_add_test(c, before_any_sample_the_rto_is_the_initial_one);
    tcase_add_test(c, the_first_sample_seeds_the_estimator);
    tcase_add_test(c, later_samples_move_the_variance_before_the_mean);
    tcase_add_loop_test(c, random_samples_follow_the_formulas, 0, 20);
    tcase_add_test(c, the_floor_and_the_ceiling_hold);
    tcase_add_test(c, a_steady_round_trip_keeps_a_margin);
    tcase_add_test(c, a_round_trip_of_no_time_is_a_sample_too);
    tcase_add_test(c, an_absurd_sample_overflows_nothing);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 6298, 5: managing the timer");
    tcase_add_test(c, each_expiry_doubles_up_to_the_ceiling);
    tcase_add_test(c, a_sample_ends_the_backoff);
    suite_add_tcase(s, c);
    return run_suite(s, "rto");
}
