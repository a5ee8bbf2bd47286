/*
 * test_cc.c - congestion control as arithmetic: what both algorithms share, and that the table
 * chooses between them. Their curves are test_newreno.c's and test_cubic.c's.
 */
#include "support/holds.h"
#include "support/proves.h"
#include "tcp/cc.h"

enum { MSS = 1000 };

static struct cc cc;
static struct cc_memory memory;

static void given(enum cc_algorithm algorithm)
{
    cc_init(&cc, algorithm, MSS);
    cc_memory_init(&memory, seq(1));
    cc_open(&cc, MSS, false);
}

static enum cc_growth ack(uint32_t acked, bool after_loss, int64_t ms)
{
    return cc_on_ack(&cc, &memory,
                     &(struct cc_ack){.acked = acked,
                                      .limited = true,
                                      .after_loss = after_loss,
                                      .srtt_ns = 100 * NS_PER_MS,
                                      .now = {ms * NS_PER_MS}});
}

START_TEST(a_loss_takes_half_by_newreno_and_three_tenths_by_cubic)
{
    static const uint32_t left[CC_ALGORITHMS] = {[CC_NEWRENO] = 50 * MSS, [CC_CUBIC] = 70 * MSS};

    given((enum cc_algorithm)_i);
    cc.cwnd = 100 * MSS;
    cc_on_loss(&cc, &memory, 100 * MSS);
    ck_assert_uint_eq(cc.ssthresh, left[_i]);
    ck_assert_uint_eq(cc.cwnd, 100 * MSS); /* the caller's, who knows how fast */
    cc_on_timeout(&cc, &memory, 100 * MSS, true);
    ck_assert_uint_eq(cc.ssthresh, left[_i]); /* the same segment again */
    ck_assert_uint_eq(cc.cwnd, MSS);
    cc_on_timeout(&cc, &memory, 100 * MSS, false);
    ck_assert_uint_eq(cc.ssthresh, left[_i]);
    PROVES("RFC5681-3.1-f", "RFC9438-4.6-a");
}
END_TEST

START_TEST(no_loss_takes_more_than_all_but_two_segments)
{
    given((enum cc_algorithm)_i);
    for (uint32_t flight = 0; flight < 4 * MSS; flight += 7) {
        cc_on_loss(&cc, &memory, flight);
        HOLDS(cc.ssthresh >= 2 * MSS);
    }
}
END_TEST

START_TEST(after_a_timeout_one_ack_gains_one_segment_whatever_the_limit)
{
    given((enum cc_algorithm)_i);
    cc.abc_limit = 8;
    cc.cwnd = 10 * MSS;
    ck_assert_int_eq(ack(5 * MSS, false, 1), GROWTH_SLOW_START);
    ck_assert_uint_eq(cc.cwnd, 15 * MSS);
    cc_on_timeout(&cc, &memory, 100 * MSS, false);
    ck_assert_int_eq(ack(5 * MSS, true, 2), GROWTH_SLOW_START);
    ck_assert_uint_eq(cc.cwnd, 2 * MSS);
    PROVES("RFC5681-3.1-d");
}
END_TEST

START_TEST(an_undone_loss_was_none)
{
    struct cc_state before;

    given((enum cc_algorithm)_i);
    cc.cwnd = cc.ssthresh = 40 * MSS;
    for (int64_t ms = 0; ms < 1000; ms += 10)
        ack(4 * MSS, false, ms);
    cc_save(&cc, &memory, &before);
    uint32_t cwnd = cc.cwnd;
    struct cc twin = cc;
    struct cc_memory twin_memory = memory;

    cc_on_loss(&cc, &memory, cc.cwnd);
    cc.cwnd = cc.ssthresh;
    for (int64_t ms = 1000; ms < 1100; ms += 10)
        ack(4 * MSS, false, ms);
    cc_restore(&cc, &memory, &before);
    ck_assert_uint_eq(cc.cwnd, cwnd);
    ck_assert_uint_eq(cc.ssthresh, 40 * MSS);
    /* and it goes on as if it had not been */
    ack(4 * MSS, false, 1200);
    cwnd = cc.cwnd;
    cc = twin;
    memory = twin_memory;
    ack(4 * MSS, false, 1200);
    ck_assert_uint_eq(cc.cwnd, cwnd);
}
END_TEST

/* Rounds of `segments` ACKs whose round trips take `ms`: how many octets cwnd gains. */
static uint32_t round_of(uint32_t segments, int64_t ms, uint32_t *at)
{
    uint32_t before = cc.cwnd;

    for (uint32_t i = 0; i < segments && cc.cwnd < cc.ssthresh; i++) {
        *at += MSS;
        cc_on_ack(&cc, &memory,
                  &(struct cc_ack){.acked = MSS,
                                   .limited = true,
                                   .srtt_ns = ms * NS_PER_MS,
                                   .rtt_ns = ms * NS_PER_MS,
                                   .ack = seq(*at),
                                   .nxt = seq(*at + segments * MSS)});
    }
    return cc.cwnd - before;
}

START_TEST(cubic_ends_its_first_slow_start_when_round_trips_become_longer)
{
    uint32_t at = 1;

    given((enum cc_algorithm)_i);
    cc.hystart = true;
    for (int round = 0; round < 4; round++)
        ck_assert_uint_eq(round_of(20, 40, &at), 20 * MSS);
    for (int round = 0; round < 8; round++)
        round_of(20, 60, &at);
    if (_i == CC_CUBIC) {
        ck_assert_uint_eq(cc.ssthresh, cc.cwnd);
        ck_assert_uint_lt(cc.cwnd, 10 * MSS + 160 * MSS); /* and slowed down before that */
    } else {
        ck_assert_uint_eq(cc.ssthresh, UINT32_MAX);
        ck_assert_uint_eq(cc.cwnd, 10 * MSS + 240 * MSS);
    }
    PROVES("RFC9438-4.10-a", "RFC9406-4.2-a");
}
END_TEST

START_TEST(undoing_takes_nothing_away)
{
    struct cc_state before;

    given((enum cc_algorithm)_i);
    cc_save(&cc, &memory, &before);
    cc.cwnd = 50 * MSS;
    cc_restore(&cc, &memory, &before);
    ck_assert_uint_eq(cc.cwnd, 50 * MSS);
    ck_assert_uint_eq(cc.ssthresh, UINT32_MAX);
    ck_assert(cc_is_fresh(&cc));
}
END_TEST

START_TEST(above_ssthresh_a_round_trip_gains_about_a_segment)
{
    given((enum cc_algorithm)_i);
    cc.cwnd = cc.ssthresh = 100 * MSS;
    uint32_t before = cc.cwnd;
    for (int i = 0; i < 50; i++)
        ck_assert_int_eq(ack(2 * MSS, false, 2 * i), GROWTH_AVOIDANCE);
    ck_assert_uint_le(cc.cwnd, before + MSS);
    if (_i == CC_NEWRENO)
        ck_assert_uint_eq(cc.cwnd, before + MSS);
    ck_assert_uint_ge(cc.cwnd, before);
}
END_TEST

START_TEST(a_window_that_is_not_the_limit_stays)
{
    given((enum cc_algorithm)_i);
    cc.ssthresh = 5 * MSS;
    for (int64_t ms = 0; ms < 60000; ms += 100) {
        struct cc_ack a = {.acked = MSS, .srtt_ns = NS_PER_MS, .now = {ms * NS_PER_MS}};
        ck_assert_int_eq(cc_on_ack(&cc, &memory, &a), GROWTH_NONE);
    }
    ck_assert_uint_eq(cc.cwnd, 10 * MSS);
    ack(MSS, false, 60000);
    ck_assert_uint_le(cc.cwnd, 11 * MSS); /* a minute of patience is no credit */
    PROVES("RFC9438-4.2-b");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("cc");
    TCase *c = tcase_create("each algorithm");

    tcase_add_loop_test(c, a_loss_takes_half_by_newreno_and_three_tenths_by_cubic, 0,
                        CC_ALGORITHMS);
    tcase_add_loop_test(c, no_loss_takes_more_than_all_but_two_segments, 0, CC_ALGORITHMS);
    tcase_add_loop_test(c, after_a_timeout_one_ack_gains_one_segment_whatever_the_limit, 0,
                        CC_ALGORITHMS);
    tcase_add_loop_test(c, an_undone_loss_was_none, 0, CC_ALGORITHMS);
    tcase_add_loop_test(c, cubic_ends_its_first_slow_start_when_round_trips_become_longer, 0,
                        CC_ALGORITHMS);
    tcase_add_loop_test(c, undoing_takes_nothing_away, 0, CC_ALGORITHMS);
    tcase_add_loop_test(c, above_ssthresh_a_round_trip_gains_about_a_segment, 0, CC_ALGORITHMS);
    tcase_add_loop_test(c, a_window_that_is_not_the_limit_stays, 0, CC_ALGORITHMS);
    suite_add_tcase(s, c);
    return run_suite(s, "cc");
}
