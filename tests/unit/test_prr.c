/*
 * test_prr.c - Proportional Rate Reduction, recovery by recovery.
 */
#include "support/proves.h"
#include "tcp/prr.h"

enum { MSS = 1000 };

static struct prr p;

/* One segment of a hundred is lost, and ssthresh is half: for two that arrive one may leave. */
START_TEST(a_single_loss_takes_half_of_the_flight_away_over_a_round_trip)
{
    uint32_t in_flight = 99 * MSS, cwnd = 100 * MSS, left = 0;

    prr_begin(&p, 100 * MSS, 0, 0, 50 * MSS);
    for (uint32_t ack = 1; ack < 100; ack++) {
        in_flight -= MSS;
        cwnd = prr_cwnd(&p, cwnd, in_flight, MSS, false, MSS);
        uint32_t expected = (ack * 50 + 99) / 100; /* in segments, rounded up */
        while (in_flight + MSS <= cwnd) {
            in_flight += MSS;
            left++;
            prr_sent(&p, MSS);
        }
        ck_assert_uint_le(left, expected);
        ck_assert_uint_ge(left + 1, expected);
    }
    ck_assert_uint_le(in_flight, 50 * MSS);
    ck_assert_uint_ge(in_flight, 48 * MSS);
    PROVES("RFC9937-6.2-a");
}
END_TEST

START_TEST(what_sack_had_told_before_is_no_part_of_the_flight)
{
    prr_begin(&p, 100 * MSS, 3 * MSS, 2 * MSS, 50 * MSS);
    ck_assert_uint_eq(p.recover, 99 * MSS);
    prr_begin(&p, 2 * MSS, 5 * MSS, 0, 2 * MSS);
    ck_assert_uint_eq(p.recover, 1); /* never nothing: it is divided by */
    PROVES("RFC9937-6.1-a");
}
END_TEST

/* Sixty of a hundred are lost: what is left is below ssthresh at once. */
START_TEST(a_heavy_loss_is_built_up_again_as_octets_arrive)
{
    uint32_t in_flight = 30 * MSS;

    prr_begin(&p, 100 * MSS, 0, 0, 50 * MSS);
    ck_assert_uint_eq(prr_cwnd(&p, 100 * MSS, in_flight, MSS, false, MSS), in_flight + MSS);
    prr_sent(&p, MSS);
    ck_assert_uint_eq(prr_cwnd(&p, 31 * MSS, in_flight, MSS, false, MSS), in_flight + MSS);
    prr_sent(&p, MSS);
    ck_assert_uint_eq(prr_cwnd(&p, 31 * MSS, in_flight, 2 * MSS, true, MSS), in_flight + 3 * MSS);
    prr_sent(&p, 0); /* nothing left to send: the right to it is kept */
    ck_assert_uint_eq(prr_cwnd(&p, 33 * MSS, in_flight, MSS, false, MSS), in_flight + 3 * MSS);
    PROVES("RFC9937-6.2-b");
}
END_TEST

START_TEST(a_share_is_rounded_up_and_what_left_early_costs_no_more_than_that)
{
    prr_begin(&p, 3000, 0, 0, 2000);
    prr_sent(&p, 1);
    ck_assert_uint_eq(prr_cwnd(&p, 3000, 2998, 2, false, MSS), 2999);
    prr_begin(&p, 100 * MSS, 0, 0, 50 * MSS);
    prr_sent(&p, 3 * MSS);
    ck_assert_uint_eq(prr_cwnd(&p, 100 * MSS, 30 * MSS, MSS, false, MSS), 31 * MSS);
}
END_TEST

START_TEST(no_more_than_ssthresh_is_ever_allowed)
{
    prr_begin(&p, 100 * MSS, 0, 0, 50 * MSS);
    ck_assert_uint_eq(prr_cwnd(&p, 100 * MSS, 49 * MSS, 20 * MSS, true, MSS), 50 * MSS);
    prr_sent(&p, MSS);
    ck_assert_uint_eq(prr_cwnd(&p, 50 * MSS, 50 * MSS, MSS, true, MSS), 50 * MSS);
}
END_TEST

START_TEST(the_first_retransmission_leaves_whatever_the_sums_say)
{
    prr_begin(&p, 100 * MSS, 0, 0, 0);
    ck_assert_uint_eq(prr_cwnd(&p, 100 * MSS, 97 * MSS, 3, false, MSS), 98 * MSS);
    prr_sent(&p, MSS);
    ck_assert_uint_eq(prr_cwnd(&p, 98 * MSS, 97 * MSS, 3, false, MSS), 97 * MSS);
    PROVES("RFC9937-6.2-c");
}
END_TEST

START_TEST(an_ack_that_tells_nothing_changes_nothing)
{
    prr_begin(&p, 100 * MSS, 0, 0, 50 * MSS);
    ck_assert_uint_eq(prr_cwnd(&p, 77 * MSS, 60 * MSS, 0, true, MSS), 77 * MSS);
    ck_assert_uint_eq(p.delivered, 0);
    PROVES("RFC9937-6.2-c");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("prr");

    TCase *t = tcase_create("RFC 9937, 6");
    tcase_add_test(t, a_single_loss_takes_half_of_the_flight_away_over_a_round_trip);
    tcase_add_test(t, what_sack_had_told_before_is_no_part_of_the_flight);
    tcase_add_test(t, a_heavy_loss_is_built_up_again_as_octets_arrive);
    tcase_add_test(t, a_share_is_rounded_up_and_what_left_early_costs_no_more_than_that);
    tcase_add_test(t, no_more_than_ssthresh_is_ever_allowed);
    tcase_add_test(t, the_first_retransmission_leaves_whatever_the_sums_say);
    tcase_add_test(t, an_ack_that_tells_nothing_changes_nothing);
    suite_add_tcase(s, t);
    return run_suite(s, "prr");
}
