/*
 * test_cubic.c - CUBIC, beside the RFC's formulas in floating point.
 */
#include <math.h>

#include "base/base.h"
#include "support/holds.h"
#include "support/proves.h"
#include "tcp/cubic.h"

enum { MSS = 1460 };

static struct cubic c;

static instant at(double seconds)
{
    return (instant){(int64_t)(seconds * 1e9)};
}

static double segments(uint32_t octets)
{
    return (double)octets / MSS;
}

/* The model: windows in segments, time in seconds. */
static double reference(double t, double w_max, double epoch)
{
    double k = w_max > epoch ? cbrt((w_max - epoch) / 0.4) : 0;

    return 0.4 * pow(t - k, 3) + w_max;
}

/* A window of `before` segments has had a loss; a round trip of `rtt` each, `rounds` of them, each
 * acknowledging all of cwnd in `acks` pieces. */
static void given_a_loss(uint32_t before, uint32_t *cwnd)
{
    cubic_init(&c);
    *cwnd = cubic_reduce(&c, before * MSS, before * MSS, MSS);
    ck_assert_uint_eq(*cwnd, before * MSS * 7 / 10);
}

START_TEST(cwnd_follows_the_curve_to_a_segment)
{
    static const uint32_t befores[] = {20, 100, 1000, 10000, 100000};
    const double rtt = 0.1;
    uint32_t before = befores[_i], cwnd;
    double model;

    given_a_loss(before, &cwnd);
    model = segments(cwnd);
    double epoch = model, w_est = model;
    for (int round = 0; round < 600; round++) {
        for (int ack = 0; ack < 10; ack++) {
            double t = round * rtt + ack * rtt / 10;
            uint32_t acked = cwnd / 10;
            double m_acked = model / 10, before_model = model;
            w_est += (w_est < before ? 9.0 / 17 : 1) * m_acked / model;
            double target = reference(t + rtt, before, epoch);
            target = target < model ? model : target > 1.5 * model ? 1.5 * model : target;
            if (reference(t, before, epoch) < w_est)
                model = w_est > model ? w_est : model;
            else
                model += (target - before_model) / before_model * m_acked;
            cwnd = cubic_grow(&c, cwnd, acked, MSS, (int64_t)(rtt * 1e9), at(t));
        }
        HOLDS(fabs(segments(cwnd) - model) < 1 + model / 1000);
        if (model > 700000)
            break;
    }
    ck_assert(segments(cwnd) > before);
    PROVES("RFC9438-4.2-a");
}
END_TEST

/* On a short path CUBIC is Reno: 9/17 of a segment each round trip, then one. */
START_TEST(on_a_short_path_it_is_no_slower_than_reno)
{
    const double rtt = 0.001;
    uint32_t cwnd;
    int rounds = 0;

    given_a_loss(20, &cwnd);
    for (; cwnd < 20 * MSS; rounds++)
        cwnd = cubic_grow(&c, cwnd, cwnd, MSS, (int64_t)(rtt * 1e9), at(rounds * rtt));
    ck_assert_int_ge(rounds, 10); /* 6 segments at 9/17 */
    ck_assert_int_le(rounds, 13);
    uint32_t reached = cwnd;
    for (int i = 0; i < 10; i++)
        cwnd = cubic_grow(&c, cwnd, cwnd, MSS, (int64_t)(rtt * 1e9), at((rounds + i) * rtt));
    ck_assert(fabs(segments(cwnd - reached) - 10) < 0.1);
    PROVES("RFC9438-4.3-a");
}
END_TEST

START_TEST(a_path_with_less_room_than_before_is_left_more_quickly)
{
    cubic_init(&c);
    ck_assert_uint_eq(cubic_reduce(&c, 100 * MSS, 100 * MSS, MSS), 70 * MSS);
    ck_assert_uint_eq(c.w_max, 100 * MSS);
    ck_assert_uint_eq(cubic_reduce(&c, 80 * MSS, 80 * MSS, MSS), 56 * MSS);
    ck_assert_uint_eq(c.w_max, 68 * MSS);
    PROVES("RFC9438-4.7-a");
}
END_TEST

START_TEST(what_was_in_flight_is_reduced_and_not_what_might_have_been)
{
    cubic_init(&c);
    ck_assert_uint_eq(cubic_reduce(&c, 100 * MSS, 10 * MSS, MSS), 7 * MSS);
    ck_assert_uint_eq(cubic_reduce(&c, 100 * MSS, 2 * MSS, MSS), 2 * MSS);
    ck_assert_uint_eq(cubic_reduce(&c, 100 * MSS, 0, MSS), 2 * MSS);
    PROVES("RFC9438-4.6-a", "RFC9438-4.6-b");
}
END_TEST

START_TEST(after_a_timeout_the_curve_begins_where_cwnd_is)
{
    cubic_init(&c);
    ck_assert_uint_eq(cubic_reduce(&c, 200 * MSS, 200 * MSS, MSS), 140 * MSS);
    ck_assert_uint_eq(cubic_timeout(&c, 100 * MSS, 100 * MSS, MSS), 70 * MSS);
    uint32_t cwnd = cubic_grow(&c, 70 * MSS, MSS, MSS, NS_PER_S / 10, at(5));
    ck_assert_uint_eq(c.w_max, 70 * MSS);
    ck_assert_int_eq(c.k_ms, 0);
    ck_assert_uint_lt(cwnd, 71 * MSS);
    /* 0.4 * 10^3 segments later; each step closes a part of what is left */
    for (int i = 0; i < 300; i++)
        cwnd = cubic_grow(&c, cwnd, cwnd / 2, MSS, NS_PER_S / 10, at(15));
    ck_assert(fabs(segments(cwnd) - (70 + 0.4 * pow(10.1, 3))) < 2);
    PROVES("RFC9438-4.8-a");
}
END_TEST

START_TEST(time_without_need_of_cwnd_does_not_count)
{
    uint32_t cwnd, other;

    given_a_loss(100, &cwnd);
    for (int i = 0; i < 100; i++)
        cwnd = cubic_grow(&c, cwnd, cwnd / 10, MSS, NS_PER_S / 10, at(i * 0.01));
    struct cubic saved = c;
    other = cubic_grow(&c, cwnd, cwnd / 10, MSS, NS_PER_S / 10, at(1.0));
    c = saved;
    cubic_pause(&c, at(20));
    cubic_pause(&c, at(30.99)); /* thirty seconds in all */
    ck_assert_uint_eq(cubic_grow(&c, cwnd, cwnd / 10, MSS, NS_PER_S / 10, at(31.0)), other);
    PROVES("RFC9438-4.2-b");
}
END_TEST

/* A whole window, acknowledged in pieces. */
static uint32_t grown(uint32_t cwnd, uint32_t piece, int64_t rtt_ns, instant now)
{
    for (uint32_t left = cwnd; left > 0; left -= u32_min(left, piece))
        cwnd = cubic_grow(&c, cwnd, u32_min(left, piece), MSS, rtt_ns, now);
    return cwnd;
}

/* In the Reno-friendly region, and on the curve. */
START_TEST(octets_that_are_acknowledged_a_few_at_a_time_earn_as_much)
{
    const int64_t rtt_ns = _i ? NS_PER_S / 10 : NS_PER_S / 1000;
    const instant then = at(_i ? 1 : 0.001);
    uint32_t start;

    given_a_loss(100, &start);
    cubic_grow(&c, start, 1, MSS, rtt_ns, at(0));
    struct cubic saved = c;
    double large = grown(start, MSS, rtt_ns, then) - start;
    c = saved;
    double small = grown(start, 7, rtt_ns, then) - start;
    ck_assert(large > 100);
    ck_assert(fabs(small / large - 1) < 0.05);
}
END_TEST

START_TEST(no_ack_makes_it_more_than_half_as_much_again)
{
    uint32_t cwnd;

    given_a_loss(10, &cwnd);
    cubic_grow(&c, cwnd, cwnd, MSS, NS_PER_S / 10, at(0));
    struct cubic saved = c;
    /* so long after that the third power of the time does not fit into 64 bits */
    uint32_t later = cubic_grow(&c, cwnd, UINT32_MAX, MSS, NS_PER_S / 10, at(4194.304 + 1.857));
    ck_assert_uint_eq(later, cwnd + cwnd / 2);
    c = saved;
    later = cubic_grow(&c, cwnd, UINT32_MAX, MSS, NS_PER_S / 10, at(3600 * 24));
    ck_assert_uint_eq(later, cwnd + cwnd / 2);
    for (int i = 0; i < 200; i++) /* and it stays within half the circle of numbers */
        later = cubic_grow(&c, later, later, MSS, NS_PER_S / 10, at(3600 * 24 + i));
    ck_assert_uint_le(later, INT32_MAX);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("cubic");

    TCase *t = tcase_create("RFC 9438, 4");
    tcase_add_loop_test(t, cwnd_follows_the_curve_to_a_segment, 0, 5);
    tcase_add_test(t, on_a_short_path_it_is_no_slower_than_reno);
    tcase_add_test(t, a_path_with_less_room_than_before_is_left_more_quickly);
    tcase_add_test(t, what_was_in_flight_is_reduced_and_not_what_might_have_been);
    tcase_add_test(t, after_a_timeout_the_curve_begins_where_cwnd_is);
    tcase_add_test(t, time_without_need_of_cwnd_does_not_count);
    tcase_add_loop_test(t, octets_that_are_acknowledged_a_few_at_a_time_earn_as_much, 0, 2);
    tcase_add_test(t, no_ack_makes_it_more_than_half_as_much_again);
    suite_add_tcase(s, t);
    return run_suite(s, "cubic");
}
