/*
 * test_rack.c - RACK, on small flights whose every moment is known.
 */
#include "support/proves.h"
#include "support/small_env.h"
#include "tcp/rack.h"

enum { MSS = 100 };

static struct small_env memory;
static struct memory house;
static struct pool pool;
static struct prng prng;
static struct flight_limits limits = {&pool, &prng, 10000};
static struct flight f;
static struct rack r;

static instant at_ms(int64_t ms)
{
    return (instant){ms * NS_PER_MS};
}

/* `segments` left one each millisecond from 0 on, over a path of 40 ms. */
static void given(int segments)
{
    small_env_init(&memory);
    house = (struct memory){.env = &memory.env};
    ck_assert_int_eq(pool_init(&pool, &house, "ranges", sizeof(struct flight_range), 100), 0);
    prng_seed(&prng, 7);
    flight_init(&f, &limits, seq(0));
    rack_init(&r);
    rack_sample(&r, 40 * NS_PER_MS, at_ms(0));
    for (int i = 0; i < segments; i++)
        ck_assert(flight_sent(&f, MSS, at_ms(i)));
}

static void done(void)
{
    flight_fini(&f);
    pool_fini(&pool);
    ck_assert_uint_eq(memory.out, 0);
}

static struct flight_news news_at(int64_t ms)
{
    return (struct flight_news){
        .now = at_ms(ms), .echoed = INSTANT_NEVER, .min_rtt_ns = rack_min_rtt(&r)};
}

/* Segments [first, last] arrive, and it is looked what is lost; in so many ms it wants to look
 * again. */
static int64_t sacked(int64_t ms, uint32_t first, uint32_t last, bool recovering)
{
    struct flight_news news = news_at(ms);

    flight_sack(&f, seq(first * MSS), seq((last + 1) * MSS), &news);
    rack_update(&r, &news);
    int64_t window = rack_window(&r, &f, recovering, MSS, 40 * NS_PER_MS);
    int64_t again = rack_detect(&r, &f, window, at_ms(ms));
    return (again + NS_PER_MS - 1) / NS_PER_MS;
}

static uint32_t lost(void)
{
    return f.lost_octets / MSS;
}

START_TEST(one_hole_is_lost_a_quarter_of_a_round_trip_later)
{
    given(5);
    /* the second arrives, the first does not: it may still come */
    ck_assert_int_eq(sacked(41, 1, 1, false), 10);
    ck_assert_uint_eq(lost(), 0);
    int64_t window = rack_window(&r, &f, false, MSS, 40 * NS_PER_MS);
    ck_assert_int_eq(window, 10 * NS_PER_MS);
    ck_assert_int_ne(rack_detect(&r, &f, window, at_ms(49)), 0);
    ck_assert_uint_eq(lost(), 0);
    ck_assert_int_eq(rack_detect(&r, &f, window, at_ms(50)), 0);
    ck_assert_uint_eq(lost(), 1);
    ck_assert_uint_eq(range_start(flight_first_lost(&f)).value, 0);
    done();
    PROVES("RFC8985-6.2-5-a", "RFC8985-6.2-5-b");
}
END_TEST

START_TEST(three_that_arrived_beyond_it_need_no_patience_on_a_path_that_keeps_the_order)
{
    given(5);
    sacked(41, 1, 1, false);
    sacked(42, 2, 2, false);
    ck_assert_uint_eq(lost(), 0);
    ck_assert_int_eq(sacked(43, 3, 3, false), 0);
    ck_assert_uint_eq(lost(), 1);
    done();
}
END_TEST

/* Three islands of an octet each count as much as three segments. */
START_TEST(three_islands_are_enough)
{
    struct flight_news news = news_at(44);

    given(8);
    for (uint32_t i = 1; i < 6; i += 2)
        flight_sack(&f, seq(i * MSS), seq(i * MSS + 1), &news);
    ck_assert_int_eq(rack_window(&r, &f, false, MSS, 40 * NS_PER_MS), 0);
    done();
}
END_TEST

START_TEST(on_a_path_that_reorders_three_beyond_it_are_no_proof)
{
    given(8);
    sacked(45, 5, 5, false);
    sacked(46, 4, 4, false); /* behind one that left later: reordering */
    ck_assert(r.reordering_seen);
    ck_assert_int_gt(sacked(47, 3, 6, false), 0);
    ck_assert_uint_eq(lost(), 0);
    ck_assert_int_gt(rack_window(&r, &f, true, MSS, 40 * NS_PER_MS), 0);
    done();
    PROVES("RFC8985-6.2-3", "RFC8985-6.2-4");
}
END_TEST

START_TEST(in_recovery_what_was_sent_before_is_lost_at_once)
{
    given(8);
    ck_assert_int_eq(sacked(44, 4, 4, true), 0);
    ck_assert_uint_eq(lost(), 4);
    done();
}
END_TEST

/* A retransmission is lost like anything else: what left after it has arrived. */
START_TEST(a_lost_retransmission_is_found_by_its_time)
{
    given(5);
    sacked(43, 1, 3, false);
    ck_assert_uint_eq(lost(), 1);
    ck_assert(flight_sent_again(&f, flight_first_lost(&f), MSS, at_ms(43)));
    ck_assert(flight_sent(&f, MSS, at_ms(44)));
    sacked(44, 4, 4, true);
    ck_assert_uint_eq(lost(), 0); /* it left before the copy */
    sacked(84, 5, 5, true);
    ck_assert_uint_eq(lost(), 1);
    done();
    PROVES("RFC8985-6.1-a");
}
END_TEST

START_TEST(an_answer_that_comes_too_soon_is_to_the_first_copy)
{
    struct flight_news news;

    given(2);
    sacked(41, 1, 1, true);
    ck_assert(flight_sent_again(&f, flight_first_lost(&f), MSS, at_ms(60)));
    instant before = r.sent;
    news = news_at(70); /* ten ms after the copy, on a path of forty */
    flight_ack(&f, seq(2 * MSS), &news);
    rack_update(&r, &news);
    ck_assert_int_eq(r.sent.ns, before.ns);
    ck_assert_int_eq(r.rtt_ns, 40 * NS_PER_MS);
    done();
    PROVES("RFC8985-6.2-2");
}
END_TEST

START_TEST(each_round_trip_with_a_dsack_widens_the_window_and_sixteen_recoveries_close_it)
{
    given(8);
    r.reordering_seen = true;
    for (int round = 1; round <= 6; round++) {
        rack_adapt(&r, &f, true, false);
        rack_adapt(&r, &f, true, false);                                  /* once a round trip */
        int64_t expected = (round + 1) * 10 < 40 ? (round + 1) * 10 : 40; /* SRTT at most */
        ck_assert_int_eq(rack_window(&r, &f, true, MSS, 40 * NS_PER_MS), expected * NS_PER_MS);
        struct flight_news news = news_at(50);
        flight_ack(&f, f.nxt, &news);
        ck_assert(flight_sent(&f, MSS, at_ms(50 + round)));
    }
    for (int i = 0; i < 15; i++)
        rack_adapt(&r, &f, false, true);
    ck_assert_int_gt(r.window_mult, 1);
    rack_adapt(&r, &f, false, true);
    ck_assert_int_eq(rack_window(&r, &f, true, MSS, 40 * NS_PER_MS), 10 * NS_PER_MS);
    done();
    PROVES("RFC8985-6.2-4");
}
END_TEST

START_TEST(a_timeout_takes_the_first_and_what_is_as_late)
{
    given(4);
    sacked(43, 3, 3, false);
    ck_assert(flight_sent(&f, MSS, at_ms(1000)));
    /* the rtt is 40 ms: of those at 0, 1, 2 and 1000 ms, the last is young */
    rack_timeout(&r, &f, 0, at_ms(1010));
    ck_assert_uint_eq(lost(), 3);
    struct flight_news news = news_at(1030);
    flight_ack(&f, seq(4 * MSS), &news);
    rack_timeout(&r, &f, 0, at_ms(1031)); /* young or not, it is the first */
    ck_assert_uint_eq(lost(), 1);
    done();
    PROVES("RFC8985-6.3-a");
}
END_TEST

START_TEST(the_least_round_trip_is_forgotten_after_minutes)
{
    given(1);
    rack_sample(&r, 90 * NS_PER_MS, at_ms(100000));
    ck_assert_int_eq(rack_min_rtt(&r), 40 * NS_PER_MS);
    rack_sample(&r, 90 * NS_PER_MS, at_ms(160000));
    ck_assert_int_eq(rack_min_rtt(&r), 40 * NS_PER_MS);
    rack_sample(&r, 80 * NS_PER_MS, at_ms(320000));
    ck_assert_int_eq(rack_min_rtt(&r), 80 * NS_PER_MS);
    rack_sample(&r, 200 * NS_PER_MS, at_ms(3200000)); /* nothing for a long time */
    ck_assert_int_eq(rack_min_rtt(&r), 200 * NS_PER_MS);
    done();
    PROVES("RFC8985-6.2-1");
}
END_TEST

START_TEST(before_anything_has_arrived_nothing_is_lost)
{
    given(4);
    ck_assert_int_eq(rack_detect(&r, &f, 0, at_ms(100000)), 0);
    ck_assert_uint_eq(lost(), 0);
    done();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rack");

    TCase *t = tcase_create("RFC 8985, 6: what is lost");
    tcase_add_test(t, one_hole_is_lost_a_quarter_of_a_round_trip_later);
    tcase_add_test(t, three_that_arrived_beyond_it_need_no_patience_on_a_path_that_keeps_the_order);
    tcase_add_test(t, three_islands_are_enough);
    tcase_add_test(t, on_a_path_that_reorders_three_beyond_it_are_no_proof);
    tcase_add_test(t, in_recovery_what_was_sent_before_is_lost_at_once);
    tcase_add_test(t, a_lost_retransmission_is_found_by_its_time);
    tcase_add_test(t, an_answer_that_comes_too_soon_is_to_the_first_copy);
    tcase_add_test(t,
                   each_round_trip_with_a_dsack_widens_the_window_and_sixteen_recoveries_close_it);
    tcase_add_test(t, a_timeout_takes_the_first_and_what_is_as_late);
    tcase_add_test(t, the_least_round_trip_is_forgotten_after_minutes);
    tcase_add_test(t, before_anything_has_arrived_nothing_is_lost);
    suite_add_tcase(s, t);
    return run_suite(s, "rack");
}
