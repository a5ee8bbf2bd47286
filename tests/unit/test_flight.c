/*
 * test_flight.c - the scoreboard, beside a model that keeps each octet by itself.
 */
#include <stdlib.h>
#include <string.h>

#include "support/holds.h"
#include "support/proves.h"
#include "support/small_env.h"
#include "tcp/flight.h"

enum { MOST = 4096 };

static struct small_env memory;
static struct memory house;
static struct pool pool;
static struct prng prng;
static struct flight_limits limits = {&pool, &prng, 10000};
static struct flight f;

static void given(tcp_seq una, uint32_t ranges)
{
    small_env_init(&memory);
    house = (struct memory){.env = &memory.env};
    ck_assert_int_eq(pool_init(&pool, &house, "ranges", sizeof(struct flight_range), ranges), 0);
    prng_seed(&prng, 7);
    flight_init(&f, &limits, una);
}

static void done(void)
{
    flight_fini(&f);
    ck_assert_uint_eq(pool.used, 0);
    pool_fini(&pool);
    ck_assert_uint_eq(memory.out, 0);
}

static instant at_ms(int64_t ms)
{
    return (instant){ms * NS_PER_MS};
}

static void sent(uint32_t len, int64_t ms)
{
    bool kept = flight_sent(&f, len, at_ms(ms));
    ck_assert(kept);
}

static struct flight_news ack(uint32_t to)
{
    struct flight_news news = {.now = INSTANT_NEVER, .echoed = INSTANT_NEVER};
    flight_ack(&f, seq(to), &news);
    return news;
}

static struct flight_news sack(uint32_t from, uint32_t to)
{
    struct flight_news news = {.now = INSTANT_NEVER, .echoed = INSTANT_NEVER};
    flight_sack(&f, seq(from), seq(to), &news);
    return news;
}

/* --- one by one --------------------------------------------------------------------------- */

START_TEST(a_burst_is_one_range_and_what_leaves_later_another)
{
    given(seq(1000), 100);
    sent(10, 1);
    sent(10, 1);
    ck_assert_uint_eq(f.ranges.count, 1);
    sent(10, 2);
    ck_assert_uint_eq(f.ranges.count, 2);
    ck_assert_uint_eq(flight_pipe(&f), 30);
    ck_assert_uint_eq(flight_oldest(&f)->len, 20);
    ck_assert_ptr_eq(flight_at(&f, seq(1020)), flight_at(&f, seq(1029)));
    ck_assert_ptr_null(flight_at(&f, seq(1030)));
    ck_assert_ptr_null(flight_at(&f, seq(999)));
    done();
}
END_TEST

START_TEST(an_acknowledgement_takes_from_the_front_and_tells_the_newest)
{
    given(seq(UINT32_MAX - 9), 100); /* the numbers wrap */
    sent(10, 1);
    sent(10, 2);
    sent(10, 3);
    struct flight_news news = ack(15 - 10);
    ck_assert_uint_eq(news.delivered, 15);
    ck_assert_int_eq(news.newest_sent.ns, at_ms(2).ns);
    ck_assert_uint_eq(news.newest_end.value, 5);
    ck_assert(news.has_newest && !news.reordered);
    ck_assert_uint_eq(flight_pipe(&f), 15);
    news = ack(20);
    ck_assert_uint_eq(news.delivered, 15);
    ck_assert(flight_is_empty(&f));
    done();
}
END_TEST

START_TEST(a_block_is_counted_once_and_joined_with_its_neighbours)
{
    given(seq(0), 100);
    for (int i = 0; i < 10; i++)
        sent(100, i);
    ck_assert_uint_eq(sack(200, 300).delivered, 100);
    ck_assert_uint_eq(sack(400, 500).sacked, 100);
    ck_assert_uint_eq(f.ranges.count, 10);
    ck_assert_uint_eq(sack(250, 450).delivered, 100);
    ck_assert_uint_eq(f.ranges.count, 8);
    ck_assert_uint_eq(sack(200, 500).delivered, 0);
    ck_assert_uint_eq(f.sacked_octets, 300);
    ck_assert_uint_eq(flight_pipe(&f), 700);
    struct flight_news news = sack(950, 960);
    ck_assert_uint_eq(news.newest_end.value, 960);
    news = sack(900, 1000); /* both sides of it left at one moment */
    ck_assert_uint_eq(news.delivered, 90);
    ck_assert_uint_eq(news.newest_end.value, 1000);
    news = ack(300); /* 200 of them were not known to have arrived */
    ck_assert_uint_eq(news.delivered, 200);
    ck_assert_uint_eq(f.sacked_octets, 300);
    done();
}
END_TEST

START_TEST(blocks_beyond_what_is_in_flight_tell_nothing)
{
    given(seq(1000), 100);
    sent(100, 1);
    ck_assert_uint_eq(sack(900, 1000).delivered, 0);
    ck_assert_uint_eq(sack(1100, 1200).delivered, 0);
    ck_assert_uint_eq(sack(1050, 1050).delivered, 0);
    ck_assert_uint_eq(sack(1080, 1020).delivered, 0);
    ck_assert_uint_eq(sack(950, 1010).delivered, 10);
    ck_assert_uint_eq(sack(1090, 5000).delivered, 10);
    done();
}
END_TEST

START_TEST(what_is_lost_leaves_again_piece_by_piece)
{
    given(seq(0), 100);
    sent(300, 1);
    sent(100, 2);
    flight_lose(&f, flight_oldest(&f));
    ck_assert_uint_eq(flight_pipe(&f), 100);
    ck_assert(flight_sent_again(&f, flight_first_lost(&f), 100, at_ms(9)));
    ck_assert(flight_sent_again(&f, flight_first_lost(&f), 100, at_ms(9)));
    ck_assert_uint_eq(f.ranges.count, 3); /* again, lost, open */
    ck_assert_uint_eq(f.lost_octets, 100);
    ck_assert_uint_eq(flight_pipe(&f), 300);
    ck_assert_uint_eq(range_start(flight_oldest(&f)).value, 300); /* by time, not by number */
    ck_assert(flight_sent_again(&f, flight_first_lost(&f), 100, at_ms(10)));
    ck_assert_ptr_null(flight_first_lost(&f));
    struct flight_news news = ack(100);
    ck_assert_int_eq(news.newest_sent.ns, at_ms(9).ns);
    done();
    PROVES("RFC6675-4-c");
}
END_TEST

/* Each timeout sends one segment again: were it another than the first, nothing would ever be
 * acknowledged. */
START_TEST(what_snd_una_waits_for_is_sent_again_first_whenever_it_was_lost)
{
    struct flight_range *range[5];

    given(seq(0), 100);
    for (uint32_t i = 0; i < ARRAY_LEN(range); i++) {
        sent(100, 1 + i);
        range[i] = flight_at(&f, seq(100 * i));
    }
    flight_lose(&f, range[0]);
    flight_lose(&f, range[4]);
    flight_lose(&f, range[2]);
    ack(200);
    for (int64_t timeout = 0; timeout < 2; timeout++) {
        ck_assert_uint_eq(range_start(flight_first_lost(&f)).value, 200);
        ck_assert(flight_sent_again(&f, flight_first_lost(&f), 50, at_ms(100 + timeout)));
        flight_lose_all(&f);
    }
    ck_assert(flight_sent_again(&f, flight_first_lost(&f), 200, at_ms(200)));
    ck_assert_uint_eq(range_start(flight_first_lost(&f)).value, 400);
    done();
}
END_TEST

/* A copy that left at 100 ms, and what the answer says of it. */
static const struct {
    int64_t now, echoed, min_rtt; /* ms; echoed 0: no timestamp */
    bool believed;
} answers[] = {
    {150, 0, 40, true},   {130, 0, 40, false},  {140, 0, 40, true},
    {150, 99, 40, false}, {150, 100, 40, true}, {130, 100, 40, false},
};

START_TEST(an_answer_to_an_older_copy_says_nothing_about_the_newest)
{
    struct flight_news news = {.now = at_ms(answers[_i].now),
                               .echoed =
                                   answers[_i].echoed ? at_ms(answers[_i].echoed) : INSTANT_NEVER,
                               .min_rtt_ns = answers[_i].min_rtt * NS_PER_MS};

    given(seq(0), 100);
    sent(100, 1);
    flight_lose(&f, flight_oldest(&f));
    ck_assert(flight_sent_again(&f, flight_first_lost(&f), 100, at_ms(100)));
    flight_ack(&f, seq(100), &news);
    ck_assert_uint_eq(news.delivered, 100);
    ck_assert(news.has_newest == answers[_i].believed);
    done();
}
END_TEST

START_TEST(arriving_behind_a_later_one_is_reordering_unless_it_was_sent_again)
{
    given(seq(0), 100);
    sent(100, 1);
    sent(100, 2);
    sent(100, 3);
    ck_assert(!sack(200, 300).reordered);
    ck_assert(sack(100, 200).reordered);
    flight_lose(&f, flight_oldest(&f));
    ck_assert(flight_sent_again(&f, flight_first_lost(&f), 100, at_ms(9)));
    ck_assert(!ack(300).reordered);
    done();
}
END_TEST

START_TEST(a_peer_that_reneges_gets_it_all_again)
{
    given(seq(0), 100);
    sent(300, 1);
    sack(100, 200);
    flight_renege(&f);
    ck_assert_uint_eq(f.sacked_octets, 0);
    ck_assert_uint_eq(f.lost_octets, 100);
    ck_assert_uint_eq(range_start(flight_first_lost(&f)).value, 100);
    ck_assert_uint_eq(sack(100, 200).delivered, 100); /* and may have had it after all */
    done();
}
END_TEST

START_TEST(what_was_not_lost_after_all_tells_nothing_of_what_was_sent_before)
{
    given(seq(0), 100);
    sent(100, 1);
    sent(100, 2);
    flight_lose(&f, flight_oldest(&f));
    flight_reopen(&f, at_ms(50));
    ck_assert_uint_eq(f.lost_octets, 0);
    struct flight_news news = {.now = at_ms(90), .echoed = INSTANT_NEVER};
    flight_ack(&f, seq(100), &news);
    ck_assert_uint_eq(news.delivered, 100);
    ck_assert(!news.has_newest); /* it may have left at 1 ms, or at 50 */
    done();
}
END_TEST

START_TEST(without_memory_a_range_is_not_cut_and_the_last_one_grows)
{
    given(seq(0), 2);
    sent(100, 1);
    sent(100, 2);
    ck_assert(flight_has_room(&f));
    ck_assert(flight_sent(&f, 100, at_ms(3))); /* joins the one before */
    ck_assert_uint_eq(f.ranges.count, 2);
    ck_assert_uint_eq(sack(150, 160).delivered, 0);
    ck_assert_uint_eq(sack(50, 300).delivered, 200); /* whole ranges need no cut */
    ck_assert(!flight_has_room(&f));
    ck_assert(!flight_sent(&f, 100, at_ms(4)));
    flight_lose(&f, flight_oldest(&f));
    ck_assert(!flight_sent_again(&f, flight_first_lost(&f), 50, at_ms(5)));
    ck_assert(flight_sent_again(&f, flight_first_lost(&f), 100, at_ms(5)));
    done();
}
END_TEST

/* --- beside the model --------------------------------------------------------------------- */

static struct octet {
    instant sent;
    bool sacked, lost, again;
} model[MOST];

static uint32_t base, m_una, m_nxt; /* distances from base */

static void compare(void)
{
    uint32_t sacked = 0, lost = 0, at = m_una, open_ranges = 0, lost_ranges = 0, islands = 0;

    for (uint32_t i = m_una; i < m_nxt; i++) {
        sacked += model[i].sacked;
        lost += model[i].lost;
    }
    HOLDS(f.sacked_octets == sacked && f.lost_octets == lost);
    HOLDS(flight_pipe(&f) == m_nxt - m_una - sacked - lost);
    for (struct tree_node *node = tree_first(&f.ranges); node; node = tree_next(node)) {
        struct flight_range *range = CONTAINER_OF(node, struct flight_range, node);
        HOLDS(range->len > 0 && range_start(range).value - base == at);
        HOLDS(!(range->sacked && range->lost));
        open_ranges += !range->sacked && !range->lost;
        lost_ranges += range->lost;
        islands += range->sacked;
        for (uint32_t i = 0; i < range->len; i++, at++) {
            HOLDS(model[at].sacked == range->sacked && model[at].lost == range->lost);
            HOLDS(range->sacked || range->lost || model[at].again == range->again);
            HOLDS(range->sacked || range->lost || model[at].sent.ns == range->sent.ns);
            HOLDS(!range->lost || range->again || !model[at].again); /* as the worst of it */
            HOLDS(!range->lost || range->sent.ns <= model[at].sent.ns);
        }
    }
    HOLDS(at == m_nxt && f.islands == islands);
    instant before = {INT64_MIN};
    for (struct list *node = f.open.next; node != &f.open; node = node->next, open_ranges--) {
        struct flight_range *range = CONTAINER_OF(node, struct flight_range, list);
        HOLDS(!instant_before(range->sent, before));
        before = range->sent;
    }
    for (struct list *node = f.lost.next; node != &f.lost; node = node->next)
        lost_ranges--;
    HOLDS(open_ranges == 0 && lost_ranges == 0);
    struct flight_range *head = flight_at(&f, f.una);
    HOLDS(!head || !head->lost || flight_first_lost(&f) == head);
}

static uint32_t model_deliver(uint32_t from, uint32_t to, bool keep)
{
    uint32_t count = 0;

    for (uint32_t i = from; i < to; i++) {
        count += !model[i].sacked;
        if (keep) {
            model[i].sacked = true;
            model[i].lost = false;
        }
    }
    return count;
}

static void random_step(uint64_t dice, int64_t ms)
{
    uint32_t in_flight = m_nxt - m_una, len = 1 + (uint32_t)(dice >> 8) % 60;
    uint32_t from = in_flight ? m_una + (uint32_t)(dice >> 16) % in_flight : m_una;
    uint32_t to = from + len < m_nxt ? from + len : m_nxt;
    struct flight_range *range;

    switch (dice % 8) {
    case 0:
    case 1:
        if (m_nxt + len > MOST)
            return;
        sent(len, ms);
        for (uint32_t i = 0; i < len; i++)
            model[m_nxt++] = (struct octet){.sent = at_ms(ms)};
        return;
    case 2:
        HOLDS(ack(base + from).delivered == model_deliver(m_una, from, false));
        m_una = from;
        return;
    case 3:
    case 4:
        HOLDS(sack(base + from, base + to).delivered == model_deliver(from, to, true));
        return;
    case 5:
        range = flight_oldest(&f);
        if (!range)
            return;
        for (uint32_t i = 0; i < range->len; i++)
            model[range_start(range).value - base + i].lost = true;
        flight_lose(&f, range);
        return;
    case 6:
        range = flight_first_lost(&f);
        if (!range)
            return;
        len = len < range->len ? len : range->len;
        from = range_start(range).value - base;
        for (uint32_t i = from; i < from + len; i++)
            model[i] = (struct octet){.sent = at_ms(ms), .again = true};
        HOLDS(flight_sent_again(&f, range, len, at_ms(ms)));
        return;
    default:
        if ((dice >> 32 & 31) == 1) {
            flight_lose_all(&f);
            for (uint32_t i = m_una; i < m_nxt; i++)
                model[i].lost = !model[i].sacked;
        } else if ((dice >> 32 & 31) == 2) {
            flight_reopen(&f, at_ms(ms));
            for (uint32_t i = m_una; i < m_nxt; i++) {
                if (model[i].lost)
                    model[i] = (struct octet){.sent = at_ms(ms), .again = true};
            }
        }
        if (dice >> 32 & 31)
            return;
        for (uint32_t i = m_una; i < m_nxt; i++) {
            model[i].lost |= model[i].sacked;
            model[i].sacked = false;
        }
        /* what was sacked keeps no time of its own: whatever it was, it is sent again now */
        flight_renege(&f);
        for (struct list *node = f.lost.next; node != &f.lost; node = node->next) {
            range = CONTAINER_OF(node, struct flight_range, list);
            for (uint32_t i = 0; i < range->len; i++) {
                model[range_start(range).value - base + i].sent = range->sent;
                model[range_start(range).value - base + i].again = range->again;
            }
        }
    }
}

START_TEST(it_agrees_with_a_model_of_octets)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct prng chance;
        int64_t ms = 1;

        prng_seed(&chance, seed);
        base = (uint32_t)prng_next(&chance);
        m_una = m_nxt = 0;
        given(seq(base), MOST);
        for (int i = 0; i < 1500; i++) {
            ms += prng_below(&chance, 3) == 0;
            random_step(prng_next(&chance), ms);
            if (i % 7 == 0)
                compare();
        }
        compare();
        done();
    }
    PROVES("RFC6675-4-b");
}
END_TEST

/* A peer that tells the same of a long flight again and again, or in the worst of orders. */
START_TEST(a_hostile_peer_costs_little)
{
    enum { SEGMENTS = 20000 };

    limits.cap = 2 * SEGMENTS;
    given(seq(0), 2 * SEGMENTS);
    for (int i = 0; i < SEGMENTS; i++)
        sent(100, i);
    for (uint32_t i = 1; i < SEGMENTS; i += 2) /* as many islands as can be */
        ck_assert_uint_eq(sack(i * 100, i * 100 + 100).delivered, 100);
    for (int i = 0; i < 1000000; i++)
        HOLDS(sack(SEGMENTS / 2 * 100 + 100, SEGMENTS / 2 * 100 + 200).delivered == 0);
    for (uint32_t i = 0; i < SEGMENTS; i += 2)
        sack(i * 100, SEGMENTS * 100);
    ck_assert_uint_eq(f.ranges.count, 1);
    done();
    PROVES("C05");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("flight");

    TCase *t = tcase_create("RFC 6675, 3: the scoreboard");
    tcase_add_test(t, a_burst_is_one_range_and_what_leaves_later_another);
    tcase_add_test(t, an_acknowledgement_takes_from_the_front_and_tells_the_newest);
    tcase_add_test(t, a_block_is_counted_once_and_joined_with_its_neighbours);
    tcase_add_test(t, blocks_beyond_what_is_in_flight_tell_nothing);
    tcase_add_test(t, what_is_lost_leaves_again_piece_by_piece);
    tcase_add_test(t, what_snd_una_waits_for_is_sent_again_first_whenever_it_was_lost);
    tcase_add_loop_test(t, an_answer_to_an_older_copy_says_nothing_about_the_newest, 0,
                        ARRAY_LEN(answers));
    tcase_add_test(t, arriving_behind_a_later_one_is_reordering_unless_it_was_sent_again);
    tcase_add_test(t, a_peer_that_reneges_gets_it_all_again);
    tcase_add_test(t, what_was_not_lost_after_all_tells_nothing_of_what_was_sent_before);
    tcase_add_test(t, without_memory_a_range_is_not_cut_and_the_last_one_grows);
    tcase_add_test(t, it_agrees_with_a_model_of_octets);
    tcase_add_test(t, a_hostile_peer_costs_little);
    suite_add_tcase(s, t);
    return run_suite(s, "flight");
}
