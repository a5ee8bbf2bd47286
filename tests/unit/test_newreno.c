/*
 * test_newreno.c - congestion control as arithmetic: RFC 5681, RFC 6582, RFC 6928, RFC 3042.
 */
#include "base/prng.h"
#include "support/holds.h"
#include "support/proves.h"
#include "tcp/newreno.h"

enum { MSS = 1000 };

static struct cc cc;
static struct cc_memory memory;
static struct newreno recovery;
static const tcp_seq iss = {0xfffff000}; /* the seam is on the way */

static void given_a_connection(void)
{
    cc_init(&cc, CC_NEWRENO, MSS);
    cc_memory_init(&memory, iss);
    cc_open(&cc, MSS, false);
    newreno_init(&recovery, iss);
}

/* Both together, as tcp_recovery.c has them. */
static enum newreno_ack on_ack(tcp_seq ack, uint32_t acked, uint32_t left, bool limited,
                               enum cc_growth *growth)
{
    enum newreno_ack kind = newreno_on_ack(&recovery, &cc, ack, acked, left);

    *growth = kind == ACK_NORMAL
                  ? cc_on_ack(&cc, &memory, &(struct cc_ack){.acked = acked, .limited = limited})
                  : GROWTH_NONE;
    return kind;
}

static bool on_duplicate(tcp_seq una, tcp_seq nxt)
{
    return newreno_on_duplicate(&recovery, &cc, &memory, una, nxt);
}

static void on_timeout(uint32_t flight, tcp_seq nxt, bool again)
{
    cc_on_timeout(&cc, &memory, flight, again);
    newreno_on_timeout(&recovery, nxt);
}

static uint32_t allowed(void)
{
    return cc.cwnd + newreno_extra(&recovery, MSS);
}

/* An ACK of new octets, with plenty to send. */
static enum cc_growth ack_of(uint32_t up_to, uint32_t acked, uint32_t left)
{
    enum cc_growth growth;
    ck_assert_int_eq(on_ack(seq_add(iss, up_to), acked, left, true, &growth), ACK_NORMAL);
    return growth;
}

/* --- RFC 6928, 2
 * ------------------------------------------------------------------------------------- */

START_TEST(the_initial_window_is_rfc_6928s_formula)
{
    for (uint32_t mss = 1; mss <= 65535; mss++) {
        uint32_t middle = 2 * mss > 14600 ? 2 * mss : 14600;
        uint32_t want = 10 * mss < middle ? 10 * mss : middle;
        HOLDS(cc_initial_window((uint16_t)mss, false) == want);
        HOLDS(cc_initial_window((uint16_t)mss, true) == mss);
    }
    PROVES("RFC5681-3.1-a");
}
END_TEST

START_TEST(before_any_loss_ssthresh_is_arbitrarily_high)
{
    ck_assert_uint_eq(cc.ssthresh, UINT32_MAX);
    ck_assert_uint_eq(cc.cwnd, 10 * MSS);
}
END_TEST

/* --- RFC 5681, 3.1
 * ------------------------------------------------------------------------------------ */

static const struct {
    uint32_t acked, growth;
} starts[] = {{1, 1},       {146, 146},   {999, 999},    {1000, 1000},
              {1001, 1000}, {5000, 1000}, {100000, 1000}};

START_TEST(in_slow_start_an_ack_gains_min_n_smss)
{
    ck_assert_int_eq(ack_of(starts[_i].acked, starts[_i].acked, 0), GROWTH_SLOW_START);
    ck_assert_uint_eq(cc.cwnd, 10 * MSS + starts[_i].growth);
    PROVES("RFC5681-3.1-d");
}
END_TEST

START_TEST(a_sender_that_cwnd_does_not_limit_gains_nothing)
{
    enum cc_growth growth;
    on_ack(seq_add(iss, MSS), MSS, 0, false, &growth);
    ck_assert_int_eq(growth, GROWTH_NONE);
    ck_assert_uint_eq(cc.cwnd, 10 * MSS);
}
END_TEST

START_TEST(congestion_avoidance_gains_at_most_a_segment_for_a_cwnd_of_octets)
{
    struct prng prng;
    uint32_t up_to = 0;

    prng_seed(&prng, (uint64_t)_i);
    cc.ssthresh = cc.cwnd = 20 * MSS;
    for (int turn = 0; turn < 50; turn++) {
        uint32_t before = cc.cwnd, acked = 0;
        while (acked < before) { /* one round trip, in pieces of any size */
            uint32_t n = 1 + (uint32_t)prng_below(&prng, _i == 0 ? 10 : 3 * MSS);
            up_to += n;
            acked += n;
            ack_of(up_to, n, before);
        }
        HOLDS(cc.cwnd - before <= MSS);
        if (turn > 0)
            HOLDS(cc.cwnd > before);
    }
    PROVES("RFC5681-3.1-e");
}
END_TEST

static const struct {
    uint32_t flight, ssthresh;
} timeouts[] = {{0, 2000},    {1000, 2000},  {4000, 2000},     {4001, 2000},
                {4002, 2001}, {10000, 5000}, {1000000, 500000}};

START_TEST(a_timeout_leaves_one_segment_and_half_the_flight)
{
    on_timeout(timeouts[_i].flight, seq_add(iss, 1 + timeouts[_i].flight), false);
    ck_assert_uint_eq(cc.cwnd, MSS);
    ck_assert_uint_eq(cc.ssthresh, timeouts[_i].ssthresh);
    ck_assert(!recovery.recovering);
    on_timeout(timeouts[_i].flight / 4, seq_add(iss, 1 + timeouts[_i].flight), true);
    ck_assert_uint_eq(cc.ssthresh, timeouts[_i].ssthresh); /* for the same segment it is held */
    PROVES("RFC5681-3.1-f");
}
END_TEST

/* --- RFC 5681, 3.2; RFC 3042
 * ----------------------------------------------------------------------------- */

static tcp_seq una, nxt;

static void given_ten_in_flight(void)
{
    given_a_connection();
    una = seq_add(iss, 1);
    nxt = seq_add(una, 10 * MSS);
}

START_TEST(the_third_duplicate_and_no_other_asks_for_the_segment)
{
    for (int i = 1; i <= 300; i++) {
        bool ask = on_duplicate(una, nxt);
        ck_assert_int_eq(ask, i == 3);
        if (i < 3) {
            ck_assert_uint_eq(cc.cwnd, 10 * MSS);
            ck_assert_uint_eq(allowed(), cc.cwnd + (uint32_t)i * MSS);
        }
        if (i == 3) {
            ck_assert_uint_eq(cc.ssthresh, 5 * MSS);
            ck_assert_uint_eq(cc.cwnd, 8 * MSS);
            ck_assert(recovery.recovering);
        }
        if (i > 3) {
            ck_assert_uint_ge(cc.cwnd, 8 * MSS);
            ck_assert_uint_le(cc.cwnd, 8 * MSS + (uint32_t)(i - 3) * MSS);
            if (i <= 10) /* as many as there were segments */
                ck_assert_uint_eq(cc.cwnd, 8 * MSS + (uint32_t)(i - 3) * MSS);
        }
    }
    PROVES("RFC5681-3.2-c", "RFC3042-2-a");
}
END_TEST

START_TEST(an_ack_between_duplicates_begins_the_count_anew)
{
    enum cc_growth growth;

    on_duplicate(una, nxt);
    on_duplicate(una, nxt);
    una = seq_add(una, MSS);
    on_ack(una, MSS, 9 * MSS, true, &growth);
    ck_assert(!on_duplicate(una, nxt));
    ck_assert(!on_duplicate(una, nxt));
    ck_assert(on_duplicate(una, nxt));
    PROVES("RFC5681-3.2-c");
}
END_TEST

/* --- RFC 6582, 3.2
 * ------------------------------------------------------------------------------------------ */

static void enter_recovery(void)
{
    for (int i = 0; i < 3; i++)
        on_duplicate(una, nxt);
    ck_assert(recovery.recovering);
}

static enum newreno_ack recovery_ack(uint32_t acked)
{
    enum cc_growth growth;
    una = seq_add(una, acked);
    return on_ack(una, acked, seq_diff(nxt, una), true, &growth);
}

static const struct {
    uint32_t acked, change_up,
        change_down; /* of cwnd: down by what was acked, up by a segment if it was one */
} partials[] = {
    {1, 0, 1}, {999, 0, 999}, {1000, 1000, 1000}, {1001, 1000, 1001}, {5000, 1000, 5000}};

START_TEST(a_partial_ack_deflates_and_recovery_goes_on)
{
    enter_recovery();
    for (int i = 0; i < 3; i++)
        on_duplicate(una, nxt);
    uint32_t before = cc.cwnd, threshold = cc.ssthresh;
    ck_assert_int_eq(recovery_ack(partials[_i].acked), ACK_PARTIAL_FIRST);
    ck_assert_uint_eq(cc.cwnd, before - partials[_i].change_down + partials[_i].change_up);
    ck_assert_uint_eq(cc.ssthresh, threshold);
    ck_assert_int_eq(recovery_ack(MSS), ACK_PARTIAL);
    ck_assert(recovery.recovering);
    before = cc.cwnd;
    ck_assert(!on_duplicate(una, nxt)); /* step 4 goes on, and nothing is sent fast again */
    ck_assert_uint_eq(cc.cwnd, before + MSS);
    PROVES("RFC6582-3.2-a", "RFC6582-3.2-b");
}
END_TEST

START_TEST(a_partial_ack_of_much_does_not_wrap_cwnd)
{
    enter_recovery();
    ck_assert_int_eq(recovery_ack(10 * MSS - 1), ACK_PARTIAL_FIRST);
    ck_assert_uint_ge(cc.cwnd, 1);
    ck_assert_uint_le(cc.cwnd, 10 * MSS);
    PROVES("RFC6582-3.2-a");
}
END_TEST

START_TEST(the_full_ack_ends_recovery_at_ssthresh_or_below)
{
    enter_recovery();
    for (int i = 0; i < 7; i++)
        on_duplicate(una, nxt);
    tcp_seq recover = nxt;
    nxt = seq_add(nxt, 3 * MSS); /* sent in recovery */
    (void)recover;
    ck_assert_int_eq(recovery_ack(10 * MSS), ACK_ENDS_RECOVERY);
    ck_assert(!recovery.recovering);
    ck_assert_uint_le(cc.cwnd, cc.ssthresh);
    ck_assert_uint_ge(cc.cwnd, 4 * MSS); /* min(ssthresh, flight + SMSS), or ssthresh */
    PROVES("RFC6582-3.2-a");
}
END_TEST

START_TEST(after_a_timeout_duplicates_below_recover_do_nothing)
{
    on_timeout(10 * MSS, nxt, false);
    for (int i = 0; i < 10; i++)
        ck_assert(!on_duplicate(una, nxt));
    ck_assert_uint_eq(cc.cwnd, MSS);
    ck_assert_uint_eq(allowed(), 3 * MSS); /* two more, however many come */
    una = seq_add(una, 9 * MSS);
    enum cc_growth growth;
    on_ack(una, 9 * MSS, MSS, true, &growth);
    uint32_t before = cc.ssthresh;
    for (int i = 0; i < 10; i++)
        ck_assert(!on_duplicate(una, nxt));
    ck_assert_uint_eq(cc.ssthresh, before);
    /* more than recover is acknowledged */
    nxt = seq_add(nxt, 10 * MSS);
    una = seq_add(una, 2 * MSS);
    on_ack(una, 2 * MSS, 9 * MSS, true, &growth);
    ck_assert(!on_duplicate(una, nxt));
    ck_assert(!on_duplicate(una, nxt));
    ck_assert(on_duplicate(una, nxt));
    PROVES("RFC6582-3.2-b", "RFC5681-2-a");
}
END_TEST

START_TEST(a_timeout_in_recovery_ends_it)
{
    enter_recovery();
    on_timeout(10 * MSS, nxt, false);
    ck_assert(!recovery.recovering);
    ck_assert_uint_eq(cc.cwnd, MSS);
    enum cc_growth growth;
    una = seq_add(una, MSS);
    ck_assert_int_eq(on_ack(una, MSS, 9 * MSS, true, &growth), ACK_NORMAL);
    ck_assert_int_eq(growth, GROWTH_SLOW_START);
    PROVES("RFC6582-3.2-b");
}
END_TEST

START_TEST(a_very_long_life_without_loss_does_not_forbid_recovery)
{
    /* RFC 6582, 6: three gigabytes later, the circle must not make `recover` look ahead of the ACK.
     */
    enum cc_growth growth;
    for (int i = 0; i < 3000; i++) {
        una = seq_add(una, 1000000);
        on_ack(una, 1000000, 0, false, &growth);
    }
    nxt = seq_add(una, 10 * MSS);
    on_duplicate(una, nxt);
    on_duplicate(una, nxt);
    ck_assert(on_duplicate(una, nxt));
    PROVES("RFC6582-3.2-b");
}
END_TEST

/* --- RFC 5681, 4.1
 * --------------------------------------------------------------------------------------------- */

START_TEST(idleness_leaves_at_most_the_initial_window)
{
    cc.cwnd = 100 * MSS;
    cc.ssthresh = 70 * MSS;
    cc_on_idle(&cc);
    ck_assert_uint_eq(cc.cwnd, 10 * MSS);
    ck_assert_uint_eq(cc.ssthresh, 70 * MSS);
    cc.cwnd = 3 * MSS;
    cc_on_idle(&cc);
    ck_assert_uint_eq(cc.cwnd, 3 * MSS);
    PROVES("RFC5681-4.1-a");
}
END_TEST

/* --- RFC 3168, 6.1.2
 * ----------------------------------------------------------------------------------- */

static const struct {
    uint32_t cwnd, flight, ssthresh, then;
} echoes[] = {
    {10000, 10000, 5000, 5000}, {10000, 4000, 2000, 2000}, {10000, 100, 2000, 2000},
    {10000, 0, 5000, 5000},     /* nothing is out any more */
    {10000, 12000, 5000, 5000}, /* by limited transmit */
    {3000, 3000, 2000, 2000},   {2000, 2000, 2000, 1000},  {1500, 1500, 2000, 1000},
    {1000, 1000, 2000, 1000},   {2000, 8000, 2000, 1000}, /* after a timeout, say */
};

START_TEST(an_echo_of_a_mark_halves_and_leaves_a_segment)
{
    cc.cwnd = echoes[_i].cwnd;
    cc_on_echo(&cc, &memory, echoes[_i].flight);
    ck_assert_uint_eq(cc.ssthresh, echoes[_i].ssthresh);
    ck_assert_uint_eq(cc.cwnd, echoes[_i].then);
    ck_assert(cc.reduced && !recovery.recovering);
    PROVES("RFC3168-6.1.2-a");
}
END_TEST

START_TEST(a_loss_after_an_echo_keeps_ssthresh_and_a_timeout_does_not)
{
    cc_on_echo(&cc, &memory, 10 * MSS);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(on_duplicate(una, seq_add(una, 4 * MSS)), i == 2);
    ck_assert_uint_eq(cc.ssthresh, 5 * MSS);
    on_timeout(4 * MSS, seq_add(una, 4 * MSS), false);
    ck_assert_uint_eq(cc.ssthresh, 2 * MSS);
    ck_assert(!cc.reduced);
    PROVES("RFC3168-6.1.2-a");
}
END_TEST

/* --- whatever happens
 * ---------------------------------------------------------------------------------------------- */

START_TEST(no_sequence_of_events_breaks_the_bounds)
{
    struct prng prng;
    tcp_seq until = una; /* what was out at the last echo */
    uint64_t total =
        10 * MSS; /* cwnd may not grow by more than what was acknowledged, but for inflation */

    prng_seed(&prng, (uint64_t)_i);
    for (int i = 0; i < 20000; i++) {
        enum cc_growth growth;
        uint32_t flight = seq_diff(nxt, una), n;
        uint32_t before = cc.cwnd;
        bool was_recovering = recovery.recovering;
        switch (prng_below(&prng, 7)) {
        case 0:
        case 1:
            n = flight ? 1 + (uint32_t)prng_below(&prng, flight) : 0;
            if (n == 0)
                break;
            una = seq_add(una, n);
            on_ack(una, n, flight - n, prng_below(&prng, 2), &growth);
            cc.reduced = cc.reduced && seq_lt(una, until);
            total += n;
            if (!was_recovering)
                HOLDS(cc.cwnd <= before + (growth == GROWTH_SLOW_START && n < MSS ? n : MSS));
            break;
        case 2:
            if (flight)
                on_duplicate(una, nxt);
            n = flight / 2 > 2 * MSS ? flight / 2 : 2 * MSS;
            HOLDS(cc.cwnd <= (before > n ? before : n) + 3 * MSS);
            break;
        case 3:
            if (flight && prng_below(&prng, 20) == 0) {
                on_timeout(flight, nxt, prng_below(&prng, 2));
                HOLDS(cc.cwnd == MSS);
            }
            break;
        case 4:
            if (flight < allowed())
                nxt = seq_add(nxt, allowed() - flight);
            break;
        case 5:
            if (flight == 0)
                cc_on_idle(&cc);
            break;
        case 6:
            if (!recovery.recovering && !cc.reduced && flight && prng_below(&prng, 20) == 0) {
                cc_on_echo(&cc, &memory, flight);
                HOLDS(cc.cwnd < before || cc.cwnd == MSS);
                until = nxt;
            }
            break;
        }
        HOLDS(cc.cwnd >= 1 && cc.cwnd < 0x40000000);
        HOLDS(cc.ssthresh >= 2 * MSS);
        HOLDS(cc.cwnd <= total + 300 * MSS);
    }
}
END_TEST

static TCase *with(Suite *s, const char *name, void (*given)(void))
{
    TCase *c = tcase_create(name);
    tcase_add_checked_fixture(c, given, NULL);
    suite_add_tcase(s, c);
    return c;
}

int main(void)
{
    Suite *s = suite_create("newreno");

    TCase *c = with(s, "RFC 6928, 2: initial window", given_a_connection);
    tcase_add_test(c, the_initial_window_is_rfc_6928s_formula);
    tcase_add_test(c, before_any_loss_ssthresh_is_arbitrarily_high);

    c = with(s, "RFC 5681, 3.1: slow start and congestion avoidance", given_a_connection);
    tcase_add_loop_test(c, in_slow_start_an_ack_gains_min_n_smss, 0, (int)ARRAY_LEN(starts));
    tcase_add_test(c, a_sender_that_cwnd_does_not_limit_gains_nothing);
    tcase_add_loop_test(c, congestion_avoidance_gains_at_most_a_segment_for_a_cwnd_of_octets, 0, 3);
    tcase_add_loop_test(c, a_timeout_leaves_one_segment_and_half_the_flight, 0,
                        (int)ARRAY_LEN(timeouts));

    c = with(s, "RFC 5681, 3.2: fast retransmit", given_ten_in_flight);
    tcase_add_test(c, the_third_duplicate_and_no_other_asks_for_the_segment);
    tcase_add_test(c, an_ack_between_duplicates_begins_the_count_anew);

    c = with(s, "RFC 6582, 3.2: NewReno", given_ten_in_flight);
    tcase_add_loop_test(c, a_partial_ack_deflates_and_recovery_goes_on, 0,
                        (int)ARRAY_LEN(partials));
    tcase_add_test(c, a_partial_ack_of_much_does_not_wrap_cwnd);
    tcase_add_test(c, the_full_ack_ends_recovery_at_ssthresh_or_below);
    tcase_add_test(c, after_a_timeout_duplicates_below_recover_do_nothing);
    tcase_add_test(c, a_timeout_in_recovery_ends_it);
    tcase_add_test(c, a_very_long_life_without_loss_does_not_forbid_recovery);

    c = with(s, "RFC 5681, 4.1: idle connections", given_a_connection);
    tcase_add_test(c, idleness_leaves_at_most_the_initial_window);

    c = with(s, "RFC 3168, 6.1.2: congestion marks", given_ten_in_flight);
    tcase_add_loop_test(c, an_echo_of_a_mark_halves_and_leaves_a_segment, 0,
                        (int)ARRAY_LEN(echoes));
    tcase_add_test(c, a_loss_after_an_echo_keeps_ssthresh_and_a_timeout_does_not);

    c = with(s, "bounds", given_ten_in_flight);
    tcase_add_loop_test(c, no_sequence_of_events_breaks_the_bounds, 0, 10);
    return run_suite(s, "newreno");
}
