/*
 * test_hystart.c - HyStart++, round by round, and on a path whose queue fills.
 */
#include "support/holds.h"
#include "support/proves.h"
#include "tcp/hystart.h"

enum { MSS = 1000, NONE = -1 };

static struct hystart h;
static tcp_seq una, nxt;

static int64_t us(int64_t n)
{
    return n < 0 ? NONE : n * NS_PER_US;
}

static void given_from(uint32_t first)
{
    una = nxt = seq(first);
    hystart_init(&h, nxt);
}

static void given(void)
{
    given_from(1);
}

/* One segment is acknowledged, with a sample; what is out stays as much as it is. */
static bool ack(int64_t rtt_us)
{
    una = seq_add(una, MSS);
    nxt = seq_add(nxt, MSS);
    return hystart_ack(&h, una, nxt, us(rtt_us));
}

/* A round of `samples` ACKs, all of the same round trip. True: it was the last of slow start. */
static bool round_of(uint32_t samples, int64_t rtt_us)
{
    bool over = false;

    nxt = seq_add(una, samples * MSS);
    h.window_end = nxt;
    for (uint32_t i = 0; i < samples; i++) {
        HOLDS(!over);
        over = ack(rtt_us);
    }
    return over;
}

/* A round of 100 ms, and one in which so many samples of `rtt_us` come, not to its end. */
static enum hystart_phase after(int64_t before_us, int samples, int64_t rtt_us)
{
    given();
    round_of(10, before_us);
    nxt = seq_add(una, 100 * MSS);
    h.window_end = nxt;
    for (int i = 0; i < samples; i++)
        ack(rtt_us);
    return (enum hystart_phase)h.phase;
}

START_TEST(eight_samples_are_needed_and_seven_are_not_enough)
{
    ck_assert_int_eq(after(100000, 7, 200000), HYSTART_SLOW_START);
    ck_assert_int_eq(after(100000, 8, 200000), HYSTART_CSS);
    after(100000, 7, 200000);
    ack(NONE); /* an ACK is no sample */
    ck_assert_int_eq(h.phase, HYSTART_SLOW_START);
    ack(200000);
    ck_assert_int_eq(h.phase, HYSTART_CSS);
}
END_TEST

/* An eighth of the round before, and no less than 4 ms and no more than 16 ms. */
static const struct {
    int64_t before_us, rtt_us;
    enum hystart_phase then;
} edge[] = {
    {0, 3999, HYSTART_SLOW_START},          {0, 4000, HYSTART_CSS},
    {1000, 4999, HYSTART_SLOW_START},       {1000, 5000, HYSTART_CSS},
    {32000, 35999, HYSTART_SLOW_START},     {32000, 36000, HYSTART_CSS},
    {40000, 44999, HYSTART_SLOW_START},     {40000, 45000, HYSTART_CSS},
    {128000, 143999, HYSTART_SLOW_START},   {128000, 144000, HYSTART_CSS},
    {136000, 151999, HYSTART_SLOW_START},   {136000, 152000, HYSTART_CSS},
    {1000000, 1015999, HYSTART_SLOW_START}, {1000000, 1016000, HYSTART_CSS},
    {100000, 90000, HYSTART_SLOW_START},
};

START_TEST(a_round_is_slower_by_an_eighth_within_4_and_16_ms)
{
    ck_assert_int_eq(after(edge[_i].before_us, 8, edge[_i].rtt_us), edge[_i].then);
}
END_TEST

START_TEST(the_shortest_of_a_round_counts_and_not_the_last)
{
    after(100000, 7, 200000);
    ack(112499);
    ck_assert_int_eq(h.phase, HYSTART_SLOW_START);
    ck_assert_uint_eq(h.current_us, 112499);
    ack(200000);
    ck_assert_int_eq(h.phase, HYSTART_SLOW_START);
}
END_TEST

START_TEST(the_first_round_has_none_to_be_compared_with)
{
    given();
    round_of(20, 500000);
    ck_assert_int_eq(h.phase, HYSTART_SLOW_START);
    given();
    round_of(20, NONE);
    ck_assert_uint_eq(h.last_us, UINT32_MAX);
    round_of(20, 500000);
    ck_assert_int_eq(h.phase, HYSTART_SLOW_START);
}
END_TEST

START_TEST(each_round_is_compared_with_the_one_before_it)
{
    given();
    for (int64_t rtt = 100000; rtt < 200000; rtt += 11000) { /* an eighth is more than that */
        ck_assert(!round_of(10, rtt));
        ck_assert_int_eq(h.phase, HYSTART_SLOW_START);
    }
}
END_TEST

START_TEST(while_round_trips_stay_as_they_are_it_is_never_over)
{
    given();
    for (int i = 0; i < 1000; i++)
        ck_assert(!round_of(8, 100000 + i % 2 * 3000));
    ck_assert_int_eq(h.phase, HYSTART_SLOW_START);
}
END_TEST

START_TEST(the_first_round_ends_when_what_was_out_before_it_is_acknowledged)
{
    given_from(5000);
    hystart_ack(&h, seq(4999), seq(9000), us(100));
    ck_assert_uint_eq(h.last_us, UINT32_MAX);
    hystart_ack(&h, seq(5000), seq(9000), us(200));
    ck_assert_uint_eq(h.last_us, 100);
    ck_assert_uint_eq(h.window_end.value, 9000);
}
END_TEST

/* A round ends with the ACK of what was sent last before it began: one octet less is not enough. */
START_TEST(a_round_ends_at_snd_nxt_of_its_beginning)
{
    given_from(UINT32_MAX - 3 * MSS); /* and the seam is in it */
    round_of(10, 100000);
    tcp_seq end = h.window_end;
    ck_assert_uint_eq(end.value, nxt.value);
    hystart_ack(&h, seq_sub(end, 1), seq_add(end, 5 * MSS), us(90000));
    ck_assert_uint_eq(h.window_end.value, end.value);
    ck_assert_uint_eq(h.last_us, 100000);
    hystart_ack(&h, end, seq_add(end, 6 * MSS), us(80000));
    ck_assert_uint_eq(h.window_end.value, seq_add(end, 6 * MSS).value);
    ck_assert_uint_eq(h.last_us, 80000); /* the sample of the ACK that ends it is of the round */
    ck_assert_uint_eq(h.current_us, UINT32_MAX);
    ck_assert_uint_eq(h.samples, 0);
}
END_TEST

START_TEST(five_rounds_of_css_end_slow_start_and_the_first_is_in_part)
{
    ck_assert_int_eq(after(100000, 8, 200000), HYSTART_CSS);
    h.window_end = seq_add(una, MSS);
    ck_assert(!ack(200000)); /* ends the round in which CSS began: 1 */
    for (int i = 2; i < 5; i++) {
        ck_assert(!round_of(10, 200000));
        ck_assert_int_eq(h.phase, HYSTART_CSS);
    }
    ck_assert(round_of(10, 200000));
    ck_assert(hystart_is_over(&h));
    ck_assert(!ack(200000)); /* it is said once */
    ck_assert(!round_of(10, 100));
    ck_assert(hystart_is_over(&h));
}
END_TEST

START_TEST(rounds_of_css_pass_without_a_sample)
{
    ck_assert_int_eq(after(100000, 8, 200000), HYSTART_CSS);
    for (int i = 1; i < 5; i++)
        ck_assert(!round_of(2, NONE));
    ck_assert(round_of(2, NONE));
}
END_TEST

/* The queue was somebody else's, and is gone. */
START_TEST(a_round_below_the_baseline_was_a_false_alarm)
{
    ck_assert_int_eq(after(100000, 8, 200000), HYSTART_CSS);
    ck_assert(!round_of(10, 200000)); /* as long as the baseline, not shorter */
    ck_assert_int_eq(h.phase, HYSTART_CSS);
    ck_assert(!round_of(7, 199999)); /* seven samples do not judge here either */
    ck_assert_int_eq(h.phase, HYSTART_CSS);
    ck_assert(!round_of(8, 199999));
    ck_assert_int_eq(h.phase, HYSTART_SLOW_START);

    /* and it may come again, with all of its rounds */
    ck_assert(!round_of(8, 300000));
    ck_assert_int_eq(h.phase, HYSTART_CSS);
    ck_assert_uint_eq(h.baseline_us, 300000);
    for (int i = 2; i < 5; i++)
        ck_assert(!round_of(10, 300000));
    ck_assert(round_of(10, 300000));
}
END_TEST

START_TEST(growth_is_what_was_acknowledged_and_a_quarter_of_it_in_css)
{
    given();
    ck_assert_uint_eq(hystart_growth(&h, 1, MSS, false), 1);
    ck_assert_uint_eq(hystart_growth(&h, 8 * MSS, MSS, false), 8 * MSS);
    ck_assert_uint_eq(hystart_growth(&h, 8 * MSS + 1, MSS, false), 8 * MSS);
    ck_assert_uint_eq(hystart_growth(&h, 1000 * MSS, MSS, true), 1000 * MSS);
    ck_assert_int_eq(after(100000, 8, 200000), HYSTART_CSS);
    ck_assert_uint_eq(hystart_growth(&h, 4 * MSS, MSS, false), MSS);
    ck_assert_uint_eq(hystart_growth(&h, 1000 * MSS, MSS, false), 2 * MSS);
    ck_assert_uint_eq(hystart_growth(&h, 1000 * MSS, MSS, true), 250 * MSS);
    ck_assert_uint_eq(hystart_growth(&h, 3, MSS, true), 0);
}
END_TEST

START_TEST(a_loss_ends_it_in_either_phase)
{
    given();
    hystart_stop(&h);
    ck_assert(hystart_is_over(&h));
    ck_assert(!round_of(10, 100));
    after(100000, 8, 200000);
    hystart_stop(&h);
    ck_assert(hystart_is_over(&h));
    ck_assert(!round_of(10, 100));
    ck_assert(hystart_is_over(&h));
}
END_TEST

START_TEST(a_round_trip_of_hours_is_long_and_not_short)
{
    ck_assert_int_eq(after(100000, 8, INT64_C(5000000000)), HYSTART_CSS);
    ck_assert_uint_eq(h.current_us, UINT32_MAX - 1);
    round_of(8, INT64_C(5000000000));
    ck_assert_int_eq(after(INT64_C(5000000000), 8, INT64_C(6000000000)), HYSTART_SLOW_START);
}
END_TEST

/* --- a path ------------------------------------------------------------------------------- */

/* The narrowest link of a path takes a segment each tick, and the way there and back are `holds`
 * ticks; `queue` segments fit in front of it. */
static const struct path {
    int64_t tick_us;
    uint32_t holds, queue;
    bool deep; /* the queue is so long that nothing need be lost */
} paths[] = {
    {1000, 100, 100, false}, {100, 1000, 1000, false}, {5, 10000, 10000, false},
    {1000, 100, 1500, true}, {100, 400, 6000, true},
};

enum { SEGMENTS_MAX = 200000 };

struct ending {
    uint32_t cwnd; /* in segments */
    uint32_t lost; /* segments, until the first of them was noticed */
};

static uint32_t sent_at[SEGMENTS_MAX], acked_at[SEGMENTS_MAX]; /* in ticks; 0: lost */

/* Slow start from ten segments on, ACK by ACK, until HyStart++ ends it or the ACK of a segment that
 * was lost does not come. */
static struct ending slow_start(const struct path *path, bool watched)
{
    struct ending end = {0};
    uint32_t cwnd = 10 * MSS, sent = 0, busy_until = 0, now = 1;

    given();
    for (uint32_t acked = 0;; acked++) {
        for (; sent - acked < cwnd / MSS; sent++) {
            HOLDS(sent < SEGMENTS_MAX);
            sent_at[sent] = now;
            uint32_t served = u32_max(busy_until, now);
            bool fits = served - now <= path->queue;
            busy_until = fits ? served + 1 : busy_until;
            acked_at[sent] = fits ? busy_until + path->holds : 0;
            end.lost += !fits;
        }
        if (hystart_is_over(&h) || acked_at[acked] == 0)
            break;
        now = acked_at[acked];
        una = seq_add(una, MSS);
        cwnd += watched ? hystart_growth(&h, MSS, MSS, true) : MSS;
        if (watched)
            hystart_ack(&h, una, seq(1 + sent * MSS), us((now - sent_at[acked]) * path->tick_us));
    }
    end.cwnd = cwnd / MSS;
    return end;
}

START_TEST(slow_start_loses_less_and_before_a_deep_queue_nothing)
{
    const struct path *path = &paths[_i];
    struct ending classic = slow_start(path, false), end = slow_start(path, true);

    ck_assert_uint_gt(classic.lost, path->holds);
    ck_assert_uint_ge(end.cwnd, path->holds);
    ck_assert_uint_lt(end.lost, path->deep ? 1 : classic.lost);
    ck_assert(hystart_is_over(&h) == (end.lost == 0));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("hystart");

    TCase *t = tcase_create("RFC 9406, 4.2: slow start");
    tcase_add_test(t, eight_samples_are_needed_and_seven_are_not_enough);
    tcase_add_loop_test(t, a_round_is_slower_by_an_eighth_within_4_and_16_ms, 0, ARRAY_LEN(edge));
    tcase_add_test(t, the_shortest_of_a_round_counts_and_not_the_last);
    tcase_add_test(t, the_first_round_has_none_to_be_compared_with);
    tcase_add_test(t, each_round_is_compared_with_the_one_before_it);
    tcase_add_test(t, while_round_trips_stay_as_they_are_it_is_never_over);
    tcase_add_test(t, the_first_round_ends_when_what_was_out_before_it_is_acknowledged);
    tcase_add_test(t, a_round_ends_at_snd_nxt_of_its_beginning);
    tcase_add_test(t, a_round_trip_of_hours_is_long_and_not_short);
    suite_add_tcase(s, t);

    t = tcase_create("RFC 9406, 4.2: conservative slow start");
    tcase_add_test(t, five_rounds_of_css_end_slow_start_and_the_first_is_in_part);
    tcase_add_test(t, rounds_of_css_pass_without_a_sample);
    tcase_add_test(t, a_round_below_the_baseline_was_a_false_alarm);
    tcase_add_test(t, growth_is_what_was_acknowledged_and_a_quarter_of_it_in_css);
    tcase_add_test(t, a_loss_ends_it_in_either_phase);
    suite_add_tcase(s, t);

    t = tcase_create("a path");
    tcase_add_loop_test(t, slow_start_loses_less_and_before_a_deep_queue_nothing, 0,
                        ARRAY_LEN(paths));
    suite_add_tcase(s, t);
    return run_suite(s, "hystart");
}
