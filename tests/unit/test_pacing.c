/*
 * test_pacing.c - pacing, from a segment a second to 100 Gb/s.
 */
#include "base/prng.h"
#include "base/wheel.h"
#include "support/holds.h"
#include "support/proves.h"
#include "tcp/pacing.h"

enum { MSS = 1460, IW = 10 * MSS };

static const int64_t grain = INT64_C(1) << (WHEEL_TICK_BITS + 4); /* a timer waits for the next */
static const int64_t burst = INT64_C(2) << (WHEEL_TICK_BITS + 4); /* what may leave at once */

static struct pacing p;

static instant at(int64_t ns)
{
    return (instant){ns};
}

/* A rate in octets a second, in congestion avoidance, and nothing left of the initial window. */
static void given(uint64_t rate, int64_t now_ns)
{
    uint32_t cwnd = (uint32_t)(rate < 1000000 ? rate * 1000 : rate / 1000);
    int64_t srtt_ns = rate < 1000000 ? 1200 * NS_PER_S : NS_PER_MS * 6 / 5;

    pacing_init(&p, 0);
    pacing_set(&p, cwnd, cwnd, srtt_ns, MSS, at(now_ns));
}

/* How many segments may leave now, one after the other; they have. */
static uint32_t leave(uint32_t octets, int64_t now_ns)
{
    uint32_t count = 0;

    for (; pacing_allows(&p, octets, MSS, at(now_ns)); count++) {
        HOLDS(count < 10000000);
        pacing_sent(&p, octets, at(now_ns));
    }
    return count;
}

START_TEST(nothing_is_paced_before_a_round_trip_is_known)
{
    pacing_init(&p, IW);
    ck_assert(pacing_allows(&p, UINT32_MAX, MSS, at(INT64_MIN)));
    pacing_sent(&p, UINT32_MAX, at(0));
    pacing_set(&p, IW, UINT32_MAX, 0, MSS, at(0));
    ck_assert(pacing_allows(&p, UINT32_MAX, MSS, at(0)));
    ck_assert(instant_before(pacing_next(&p, MSS, MSS), at(0)));
    ck_assert_uint_eq(pacing_rate(&p), UINT64_MAX);
}
END_TEST

static const uint64_t one_by_one[] = {5000, 100000, 3000000, 100000000, UINT64_C(5000000000)};

START_TEST(what_may_leave_as_one_is_what_could_leave_one_by_one)
{
    struct prng r;

    prng_seed(&r, (uint64_t)_i);
    given(one_by_one[_i], 0);
    for (int64_t now_ns = 0, i = 0; i < 2000; i++) {
        now_ns += (int64_t)prng_below(&r, 3000000);
        int64_t room = pacing_room(&p, MSS, at(now_ns)) / MSS;
        struct pacing before = p;
        int64_t segments = leave(MSS, now_ns);
        HOLDS(room <= segments + 1 && segments <= room + 1); /* each cost is rounded up */
        if (prng_below(&r, 2) == 0) {                        /* as one, in place of one by one */
            p = before;
            if (room > 0)
                pacing_sent(&p, (uint32_t)room * MSS, at(now_ns));
            HOLDS(pacing_room(&p, MSS, at(now_ns)) < 2 * MSS);
        }
    }
}
END_TEST

static const struct {
    uint32_t cwnd, ssthresh;
    int64_t srtt_ns;
    uint64_t rate;
} rates[] = {
    {IW, UINT32_MAX, 100 * NS_PER_MS, 292000},     /* twice as much, while cwnd doubles */
    {IW, IW, 100 * NS_PER_MS, 175200},             /* and a fifth more afterwards */
    {IW, 2 * IW, 100 * NS_PER_MS, 175200},         /* which begins at half of ssthresh */
    {IW, 2 * IW + 2, 100 * NS_PER_MS, 292000},     /* and no sooner */
    {1000000, 1, 80000, UINT64_C(15000000000)},    /* 120 Gb/s */
    {1000000, 1, 60000, UINT64_MAX},               /* 160: not paced */
    {UINT32_MAX, UINT32_MAX, 1, UINT64_MAX},       /* nor is whatever cannot be counted */
    {UINT32_MAX, 1, INT64_MAX, MSS + 4 - MSS % 4}, /* never below a segment a second */
    {MSS, UINT32_MAX, 100 * NS_PER_S, MSS + 4 - MSS % 4},
};

START_TEST(the_rate_is_a_gain_times_cwnd_over_srtt)
{
    pacing_init(&p, IW);
    pacing_set(&p, rates[_i].cwnd, rates[_i].ssthresh, rates[_i].srtt_ns, MSS, at(0));
    ck_assert_uint_eq(pacing_rate(&p), rates[_i].rate);
}
END_TEST

START_TEST(the_initial_window_leaves_at_once_and_in_front_of_a_burst)
{
    pacing_init(&p, IW);
    pacing_set(&p, IW, UINT32_MAX, 100 * NS_PER_MS, MSS, at(-NS_PER_S)); /* 2 in 10 ms */
    ck_assert_uint_eq(leave(MSS, -NS_PER_S), 10 + 2);
    ck_assert(!pacing_allows(&p, 1, MSS, at(-NS_PER_S)));

    /* what is left of it is deducted from what is larger */
    pacing_init(&p, 100);
    pacing_set(&p, IW, UINT32_MAX, 100 * NS_PER_MS, MSS, at(0));
    pacing_sent(&p, MSS + 100, at(0));
    ck_assert(pacing_allows(&p, MSS, MSS, at(0)));
    ck_assert(!pacing_allows(&p, MSS + 1, MSS, at(0)));
}
END_TEST

START_TEST(a_burst_is_two_segments_or_two_grains_of_time)
{
    given(1000000, 0); /* 1460 octets take 1.46 ms */
    ck_assert_uint_eq(leave(MSS, 0), 2);
    given(100000000, 0);
    ck_assert_uint_eq(leave(MSS, 0), (uint64_t)burst / 14600);
    /* and after any pause it is no more */
    ck_assert_uint_eq(leave(MSS, 1000 * NS_PER_S), (uint64_t)burst / 14600);
}
END_TEST

START_TEST(what_has_leaked_may_leave_again)
{
    given(1000000, 0);
    leave(MSS, 0);
    ck_assert(!pacing_allows(&p, MSS, MSS, at(1459999)));
    ck_assert(pacing_allows(&p, MSS, MSS, at(1460000)));
    ck_assert(!pacing_allows(&p, MSS + 1, MSS, at(1460000)));
    ck_assert(pacing_allows(&p, MSS / 2, MSS, at(730000)));
    pacing_sent(&p, MSS, at(1460000));
    ck_assert(!pacing_allows(&p, MSS, MSS, at(2919999)));
    ck_assert(pacing_allows(&p, MSS, MSS, at(2920000)));
}
END_TEST

START_TEST(what_is_larger_than_the_bucket_waits_until_it_is_empty)
{
    given(1000000, 0);
    ck_assert(pacing_allows(&p, 65536, MSS, at(0)));
    pacing_sent(&p, 65536, at(0));
    ck_assert(!pacing_allows(&p, 65536, MSS, at(65535999)));
    ck_assert(pacing_allows(&p, 65536, MSS, at(65536000)));
    ck_assert(!pacing_allows(&p, 2 * MSS, MSS, at(65536000 - 1)));
    ck_assert(pacing_allows(&p, MSS, MSS, at(65536000 - 1460000)));
}
END_TEST

START_TEST(a_timer_waits_for_a_whole_grain_and_finds_room)
{
    given(1000000, 0);
    pacing_sent(&p, 2 * MSS, at(5));
    instant next = pacing_next(&p, MSS, MSS);
    ck_assert_int_eq(next.ns, 2 * grain); /* 1.46 ms later at least, and 2.1 ms are two grains */
    ck_assert(pacing_allows(&p, MSS, MSS, next));
    ck_assert_int_eq(pacing_next(&p, 1, MSS).ns, grain);

    /* a moment that is the beginning of a grain is not put off, also before the beginning of time
     */
    pacing_init(&p, 0);
    pacing_set(&p, 4 * (1 << 20), 1, 1200000000, 1 << 20, at(-5 * grain)); /* 4 MiB a second */
    pacing_sent(&p, 2 << 20, at(-5 * grain));
    int64_t seg_ns = NS_PER_S / 4;
    ck_assert_int_ge(pacing_next(&p, 1 << 20, 1 << 20).ns, -5 * grain + seg_ns);
    ck_assert_int_lt(pacing_next(&p, 1 << 20, 1 << 20).ns, -5 * grain + seg_ns + grain);
    ck_assert_int_eq(pacing_next(&p, 1 << 20, 1 << 20).ns % grain, 0);
    p.due = at(7 * grain);
    ck_assert_int_eq(pacing_next(&p, 4 << 20, 1 << 20).ns, 7 * grain);
}
END_TEST

/* One that always has something to send, and wakes up for its timers alone, each some time late. */
static const struct {
    uint64_t rate;
    int64_t seconds;
} speeds[] = {
    {MSS + 4 - MSS % 4, 1000},
    {10000, 1000},
    {125000, 100},
    {1250000, 100},
    {12500000, 10},
    {125000000, 4},
    {1250000000, 2},
    {UINT64_C(12500000000), 1},
};

START_TEST(timers_alone_use_all_of_the_rate_and_are_a_thousand_a_second_at_most)
{
    const int64_t start = 12345678901, length = speeds[_i].seconds * NS_PER_S;
    struct prng prng;
    int64_t timers = 0;

    prng_seed(&prng, 3);
    given(speeds[_i].rate, start);
    uint64_t octets = (uint64_t)leave(MSS, start) * MSS, share = octets;
    for (instant next; (next = pacing_next(&p, MSS, MSS)).ns < start + length; timers++) {
        int64_t late = (int64_t)prng_below(&prng, 1 << WHEEL_TICK_BITS);
        HOLDS(!pacing_allows(&p, MSS, MSS, at(next.ns - grain)));
        uint32_t count = leave(MSS, next.ns + late);
        HOLDS(count > 0);
        octets += (uint64_t)count * MSS;
    }
    ck_assert_int_le(timers, 1000 * speeds[_i].seconds);
    uint64_t most = speeds[_i].rate * (uint64_t)speeds[_i].seconds;
    ck_assert_uint_ge(octets, most / 100 * 99);
    ck_assert_uint_le(octets, most + share + MSS);
}
END_TEST

/* Whoever asks, whenever and for whatever: in no stretch of time leaves more than a burst and what
 * the rate allows. */
START_TEST(no_stretch_of_time_sees_more_than_a_burst_and_the_rate)
{
    enum { STEPS = 2000 };
    static int64_t when[STEPS];
    static uint64_t before[STEPS + 1]; /* octets that had left */
    struct prng prng;
    int64_t now = 0;

    prng_seed(&prng, (uint64_t)_i);
    given(UINT64_C(1000000) << 2 * _i, 0);
    double ns_each = 1e9 / (double)pacing_rate(&p);
    double burst_octets = (double)burst / ns_each > 2 * MSS ? (double)burst / ns_each : 2 * MSS;
    for (int i = 0; i < STEPS; i++) {
        uint32_t octets = 1 + (uint32_t)prng_below(&prng, 2 * MSS);
        now += (int64_t)prng_below(&prng, (uint64_t)(ns_each * 3 * MSS));
        when[i] = now;
        bool may = pacing_allows(&p, octets, MSS, at(now));
        before[i + 1] = before[i] + (may ? octets : 0);
        if (may)
            pacing_sent(&p, octets, at(now));
        for (int j = 0; j <= i; j++) {
            double allowed = burst_octets + (double)(now - when[j]) / ns_each;
            HOLDS((double)(before[i + 1] - before[j]) <= allowed + 1);
        }
    }
    ck_assert_uint_gt(before[STEPS], (uint64_t)((double)now / ns_each / 2));
}
END_TEST

/* What was sold at a segment a second is not waited for by one of a megabyte a second. */
START_TEST(when_the_rate_rises_what_is_owed_is_worth_less)
{
    given(1464, 0);
    pacing_sent(&p, 4 * MSS, at(0));                                     /* four seconds, nearly */
    pacing_set(&p, 14640, 1, 12 * NS_PER_MS, MSS, at(1000 * NS_PER_MS)); /* a thousand times */
    int64_t left = p.due.ns - 1000 * NS_PER_MS;
    ck_assert_int_ge(left, 2989 * NS_PER_US);
    ck_assert_int_le(left, 2990 * NS_PER_US);

    /* and of more than half an hour it is as if it were half an hour */
    given(1464, 0);
    pacing_sent(&p, UINT32_MAX, at(0)); /* 34 days */
    pacing_set(&p, 14640, 1, 12 * NS_PER_MS, MSS, at(0));
    ck_assert_int_eq(p.due.ns / NS_PER_MS, INT32_MAX / 1000 / 1000);
}
END_TEST

/* What was not used for hours is nothing, and no product of it is too large. */
START_TEST(when_the_rate_rises_after_a_pause_nothing_is_owed)
{
    given(UINT64_C(12500000000), 0);
    leave(MSS, 0);
    pacing_set(&p, 14000000, 1, NS_PER_MS, MSS, at(36000 * NS_PER_S));
    uint64_t share = pacing_rate(&p) * (uint64_t)burst / NS_PER_S / MSS;
    ck_assert_uint_le(leave(MSS, 36000 * NS_PER_S), share + 1);
}
END_TEST

START_TEST(when_the_rate_falls_what_is_owed_stays_as_it_is)
{
    given(1464000, 0);
    pacing_sent(&p, 2 * MSS, at(0));
    int64_t due = p.due.ns;
    pacing_set(&p, 1464, 1, 1200 * NS_PER_MS, MSS, at(0));
    ck_assert_uint_eq(pacing_rate(&p), 1464);
    ck_assert_int_eq(p.due.ns, due);
}
END_TEST

START_TEST(a_rate_too_high_to_pace_lets_everything_leave)
{
    given(1464, 0);
    pacing_sent(&p, 100 * MSS, at(0));
    pacing_set(&p, 1000000, 1, 1000, MSS, at(0));
    ck_assert(pacing_allows(&p, UINT32_MAX, MSS, at(0)));
    pacing_sent(&p, UINT32_MAX, at(0));
    ck_assert(pacing_allows(&p, UINT32_MAX, MSS, at(0)));
}
END_TEST

/* The largest of everything, with the sanitizers looking on. */
START_TEST(no_figure_is_too_large)
{
    pacing_init(&p, 0);
    pacing_set(&p, 0, UINT32_MAX, INT64_MAX, 65535, at(0));
    pacing_sent(&p, UINT32_MAX, at(INT64_MAX - 1));
    ck_assert(instant_is_never(p.due));
    ck_assert(!pacing_allows(&p, UINT32_MAX, 65535, at(INT64_MAX - 1)));
    ck_assert(instant_is_never(pacing_next(&p, UINT32_MAX, 65535)));
    pacing_init(&p, 0);
    pacing_set(&p, UINT32_MAX, UINT32_MAX, 1, 65535, at(0));
    pacing_set(&p, UINT32_MAX, 1, NS_PER_MS, 65535, at(INT64_MIN / 4));
    ck_assert(pacing_allows(&p, UINT32_MAX, 65535, at(INT64_MIN / 4)));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pacing");

    TCase *t = tcase_create("RFC 9002, 7.7: the rate");
    tcase_add_test(t, nothing_is_paced_before_a_round_trip_is_known);
    tcase_add_loop_test(t, what_may_leave_as_one_is_what_could_leave_one_by_one, 0,
                        ARRAY_LEN(one_by_one));
    tcase_add_loop_test(t, the_rate_is_a_gain_times_cwnd_over_srtt, 0, ARRAY_LEN(rates));
    tcase_add_test(t, when_the_rate_rises_what_is_owed_is_worth_less);
    tcase_add_test(t, when_the_rate_rises_after_a_pause_nothing_is_owed);
    tcase_add_test(t, when_the_rate_falls_what_is_owed_stays_as_it_is);
    tcase_add_test(t, a_rate_too_high_to_pace_lets_everything_leave);
    tcase_add_test(t, no_figure_is_too_large);
    suite_add_tcase(s, t);

    t = tcase_create("RFC 9002, 7.7: bursts");
    tcase_add_test(t, the_initial_window_leaves_at_once_and_in_front_of_a_burst);
    tcase_add_test(t, a_burst_is_two_segments_or_two_grains_of_time);
    tcase_add_test(t, what_has_leaked_may_leave_again);
    tcase_add_test(t, what_is_larger_than_the_bucket_waits_until_it_is_empty);
    tcase_add_loop_test(t, no_stretch_of_time_sees_more_than_a_burst_and_the_rate, 0, 8);
    suite_add_tcase(s, t);

    t = tcase_create("timers");
    tcase_add_test(t, a_timer_waits_for_a_whole_grain_and_finds_room);
    tcase_add_loop_test(t, timers_alone_use_all_of_the_rate_and_are_a_thousand_a_second_at_most, 0,
                        ARRAY_LEN(speeds));
    suite_add_tcase(s, t);
    return run_suite(s, "pacing");
}
