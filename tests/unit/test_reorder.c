/*
 * test_reorder.c - text that came early, against a map of octets: the first copy of each wins,
 * whatever overlaps whatever. And the bounds: islands, true cost, and steps for each segment.
 */
#include "base/prng.h"
#include "support/holds.h"
#include "support/proves.h"
#include "support/small_env.h"
#include "tcp/reorder.h"

enum { SPAN = 4000, CAP = 16 << 20, ISLANDS = 256 };

static struct small_env env;
static struct memory memory;
static struct frame_pool frames;
static struct pool islands;
static struct prng shape;
static struct reorder r;
static struct reorder_limits limits;
static tcp_seq origin;           /* place 0 */
static uint32_t nxt;             /* RCV.NXT, as a place */
static int16_t map[SPAN + 2000]; /* what the first copy said, or -1 */

static void given_nothing_early(void)
{
    small_env_init(&env);
    memory = (struct memory){.env = &env.env};
    ck_assert_int_eq(frame_pool_init(&frames, &memory, CAP), 0);
    ck_assert_int_eq(pool_init(&islands, &memory, "islands", reorder_island_size, 4096), 0);
    prng_seed(&shape, 1);
    r = (struct reorder){.charged = 0};
    limits = (struct reorder_limits){
        .pool = &islands, .prng = &shape, .islands = ISLANDS, .charged = CAP};
    origin = seq(0xfffff000); /* the seam is on the way */
    nxt = 0;
    for (size_t i = 0; i < ARRAY_LEN(map); i++)
        map[i] = -1;
}

static void then_nothing_is_left(void)
{
    reorder_clear(&r, &islands);
    ck_assert(reorder_is_empty(&r));
    ck_assert_uint_eq(r.charged, 0);
    ck_assert_uint_eq(islands.used, 0);
    ck_assert_uint_eq(frames.out, 0);
    pool_fini(&islands);
    frame_pool_fini(&frames);
    ck_assert_uint_eq(env.blocks, 0);
}

static uint32_t depth(const struct tree_node *node)
{
    if (!node)
        return 0;
    uint32_t left = depth(node->left), right = depth(node->right);
    return 1 + (left > right ? left : right);
}

/* A segment of `len` octets that all say `letter`, at a place; what the map does not know yet is
 * noted. */
static bool insert(uint32_t at, uint32_t len, uint8_t letter)
{
    struct frame *f = frame_get(&frames, len + 54);
    uint32_t expected = 0, got = 0;

    ck_assert_ptr_nonnull(f);
    f->len = len + 54;
    memset(f->data, 0xee, 54);
    memset(f->data + 54, letter, len);
    for (uint32_t i = at; i < at + len; i++) {
        if (i >= nxt && map[i] < 0)
            expected++;
    }
    bool all = reorder_insert(&r, &limits, seq_add(origin, nxt), seq_add(origin, at), f,
                              bytes_of(f->data + 54, len), &got);
    HOLDS(got <= expected && (!all || got == expected));
    if (all) {
        for (uint32_t i = at; i < at + len; i++) {
            if (i >= nxt && map[i] < 0)
                map[i] = letter;
        }
    }
    HOLDS(r.islands.count <= limits.islands);
    HOLDS(r.charged <= limits.charged);
    HOLDS(r.islands.count == islands.used);
    return all;
}

/* The text at RCV.NXT has come (what the stack does with it is elsewhere): islands that join are
 * taken, and each octet is what the map says. */
static void advance_to(uint32_t place)
{
    struct frame *f;

    nxt = place;
    while ((f = reorder_take(&r, &limits, seq_add(origin, nxt)))) {
        HOLDS(f->len > 0);
        for (uint32_t i = 0; i < f->len; i++, nxt++) {
            if (map[nxt] != f->data[i])
                ck_abort_msg("place %u says %d and not %d", nxt, f->data[i], map[nxt]);
        }
        frame_put(f);
    }
    if (nxt < ARRAY_LEN(map))
        HOLDS(map[nxt] < 0); /* the next one is a hole */
}

/* The run of the map around a place that has come. */
static struct tcp_block run_around(uint32_t place)
{
    uint32_t left = place, right = place;

    while (left > nxt && map[left - 1] >= 0)
        left--;
    while (map[right] >= 0)
        right++;
    return (struct tcp_block){seq_add(origin, left), seq_add(origin, right)};
}

static bool same_block(struct tcp_block a, struct tcp_block b)
{
    return seq_eq(a.left, b.left) && seq_eq(a.right, b.right);
}

/* The blocks are the runs around the last segments, the newest first, each once (RFC 2018, 4). */
static void compare_blocks(const uint32_t *places, int count)
{
    struct tcp_block want[TCP_SACK_BLOCKS], got[TCP_SACK_BLOCKS];
    int wanted = 0;

    for (int i = count; i-- > 0 && wanted < TCP_SACK_BLOCKS;) {
        struct tcp_block run = run_around(places[i]);
        bool told = false;
        for (int j = 0; j < wanted; j++)
            told |= same_block(run, want[j]);
        if (!told)
            want[wanted++] = run;
    }
    int n = reorder_blocks(&r, got, TCP_SACK_BLOCKS);
    /* Older ones than the last few are forgotten when islands join. */
    HOLDS(n >= 1 && n <= wanted);
    for (int i = 0; i < n; i++)
        HOLDS(same_block(got[i], want[i]));
}

START_TEST(blocks_tell_the_islands_newest_first_and_whole)
{
    struct prng prng;
    uint32_t places[200];

    prng_seed(&prng, (uint64_t)_i + 1);
    for (int i = 0; i < (int)ARRAY_LEN(places); i++) {
        uint32_t at = 1 + (uint32_t)prng_below(&prng, SPAN - 100);
        places[i] = at;
        ck_assert(insert(at, 1 + (uint32_t)prng_below(&prng, 60), 'a'));
        compare_blocks(places, i + 1);
    }
    advance_to(nxt);
    PROVES("RFC2018-4-a", "RFC2018-4-b");
}
END_TEST

/* What has been delivered names no island any more, not even the one that comes last. */
START_TEST(a_block_that_was_delivered_leaves_the_order_of_the_others)
{
    struct tcp_block got[TCP_SACK_BLOCKS];

    ck_assert(insert(500, 10, 'a'));
    ck_assert(insert(300, 10, 'a'));
    ck_assert(insert(100, 10, 'a'));
    advance_to(100);
    ck_assert_int_eq(reorder_blocks(&r, got, TCP_SACK_BLOCKS), 2);
    ck_assert_uint_eq(got[0].left.value, seq_add(origin, 300).value);
    ck_assert_uint_eq(got[1].left.value, seq_add(origin, 500).value);
    advance_to(600);
    PROVES("RFC2018-4-a");
}
END_TEST

START_TEST(the_fifth_island_pushes_the_oldest_out_of_the_list)
{
    struct tcp_block got[TCP_SACK_BLOCKS];

    for (uint32_t i = 1; i <= 5; i++)
        ck_assert(insert(i * 100, 10, 'a'));
    ck_assert_int_eq(reorder_blocks(&r, got, TCP_SACK_BLOCKS), 4);
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_uint_eq(got[i].left.value, seq_add(origin, (5 - i) * 100).value);
    ck_assert(insert(300, 10, 'b')); /* the same once more: it is the newest now */
    ck_assert_int_eq(reorder_blocks(&r, got, 2), 2);
    ck_assert_uint_eq(got[0].left.value, seq_add(origin, 300).value);
    ck_assert_uint_eq(got[1].left.value, seq_add(origin, 500).value);
}
END_TEST

START_TEST(an_overlap_is_the_first_run_that_came_twice)
{
    struct tcp_block twice;

    ck_assert(!reorder_overlap(&r, seq_add(origin, 1), seq_add(origin, 9), &twice));
    ck_assert(insert(100, 50, 'a'));
    ck_assert(insert(200, 50, 'a'));
    ck_assert(!reorder_overlap(&r, seq_add(origin, 50), seq_add(origin, 100), &twice));
    ck_assert(!reorder_overlap(&r, seq_add(origin, 150), seq_add(origin, 200), &twice));
    ck_assert(reorder_overlap(&r, seq_add(origin, 120), seq_add(origin, 210), &twice));
    ck_assert(same_block(twice, (struct tcp_block){seq_add(origin, 120), seq_add(origin, 150)}));
    ck_assert(reorder_overlap(&r, seq_add(origin, 150), seq_add(origin, 210), &twice));
    ck_assert(same_block(twice, (struct tcp_block){seq_add(origin, 200), seq_add(origin, 210)}));
}
END_TEST

START_TEST(text_waits_until_what_is_before_it_has_come)
{
    ck_assert(insert(100, 50, 'a'));
    ck_assert_ptr_null(reorder_take(&r, &limits, seq_add(origin, 0)));
    ck_assert_ptr_null(reorder_take(&r, &limits, seq_add(origin, 99)));
    advance_to(100);
    ck_assert_uint_eq(nxt, 150);
    ck_assert(reorder_is_empty(&r));
}
END_TEST

START_TEST(an_island_that_was_overtaken_is_cut_or_dropped)
{
    ck_assert(insert(100, 50, 'a'));
    ck_assert(insert(200, 50, 'b'));
    advance_to(120);
    ck_assert_uint_eq(nxt, 150);
    advance_to(300);
    ck_assert(reorder_is_empty(&r));
    ck_assert_uint_eq(r.charged, 0);
}
END_TEST

/* Two, three or four islands and then one more over them: every way to overlap within nine places.
 */
START_TEST(every_overlap_of_three_segments_keeps_the_first_copies)
{
    enum { W = 9 };

    for (uint32_t a = 1; a < W; a++) {
        for (uint32_t b = a + 1; b <= W; b++) {
            for (uint32_t c = 1; c < W; c++) {
                for (uint32_t d = c + 1; d <= W; d++) {
                    for (uint32_t e = 1; e < W; e++) {
                        for (uint32_t f = e + 1; f <= W; f++) {
                            ck_assert(insert(a, b - a, 'a'));
                            ck_assert(insert(c, d - c, 'b'));
                            ck_assert(insert(e, f - e, 'c'));
                            for (uint32_t place = 1; place <= W; place++) {
                                if (place > nxt)
                                    advance_to(place);
                            }
                            HOLDS(reorder_is_empty(&r));
                            nxt = 0;
                            for (uint32_t i = 0; i <= W; i++)
                                map[i] = -1;
                        }
                    }
                }
            }
        }
    }
    PROVES("C23", "RFC9293-TXT-4");
}
END_TEST

START_TEST(random_segments_agree_with_the_map)
{
    struct prng prng;

    prng_seed(&prng, (uint64_t)_i);
    limits.islands = 4096;
    for (int n = 0; n < 2000 && nxt < SPAN - 600; n++) {
        uint32_t most = UINT32_C(1) << prng_below(&prng, 10);
        uint32_t at = nxt + 1 + (uint32_t)prng_below(&prng, 600);
        uint32_t len = 1 + (uint32_t)prng_below(&prng, most);
        ck_assert(insert(at, len, (uint8_t)prng_next(&prng)));
        if (prng_below(&prng, 10) == 0)
            advance_to(nxt + (uint32_t)prng_below(&prng, 100));
    }
    advance_to((uint32_t)ARRAY_LEN(map));
    ck_assert(reorder_is_empty(&r));
    PROVES("C23", "RFC9293-SHLD-31", "C11");
}
END_TEST

START_TEST(the_same_text_again_changes_nothing)
{
    ck_assert(insert(100, 1400, 'a'));
    uint32_t charged = r.charged;
    for (int i = 0; i < 1000; i++) {
        ck_assert(insert(100, 1400, 'b'));
        ck_assert(insert(600, 100, 'c'));
    }
    ck_assert_uint_eq(r.charged, charged);
    ck_assert_uint_eq(r.islands.count, 1);
    ck_assert_uint_eq(frames.out, 1);
    advance_to(100);
}
END_TEST

/* --- bounds
 * ------------------------------------------------------------------------------------------------
 */

START_TEST(there_are_256_islands_and_no_more)
{
    uint32_t kept = 0;

    for (uint32_t at = 2; at < SPAN; at += 2)
        kept += insert(at, 1, 'a');
    ck_assert_uint_eq(kept, ISLANDS);
    ck_assert_uint_eq(r.islands.count, ISLANDS);
    /* What was accepted is still there. */
    for (uint32_t at = 2; at < 2 + 2 * ISLANDS; at += 2) {
        advance_to(at);
        HOLDS(nxt == at + 1);
    }
    ck_assert(reorder_is_empty(&r));
    PROVES("C22");
}
END_TEST

START_TEST(the_true_cost_is_charged_and_has_a_cap)
{
    uint32_t kept = 0;

    limits.charged = 20000;
    limits.islands = 4096;
    for (uint32_t at = 2; at < SPAN; at += 2) {
        kept += insert(at, 1, 'a');
        HOLDS(r.charged >= frames.charged); /* the frames at least */
        HOLDS(frames.charged <= 20000);
    }
    ck_assert_uint_gt(kept, 5);
    ck_assert_uint_lt(kept, 20000 / 100);
    PROVES("C22");
}
END_TEST

/* One segment over many islands, every gap to be filled: the cap holds, and nothing is lost or
 * doubled. */
START_TEST(a_segment_over_all_islands_is_taken_as_far_as_there_is_room)
{
    uint32_t got = 0;

    for (uint32_t i = 0; i < ISLANDS - 10; i++)
        ck_assert(insert(2 + 2 * i, 1, 'x'));
    struct frame *f = frame_get(&frames, 1400);
    ck_assert_ptr_nonnull(f);
    memset(f->data, 'x', 1400);
    f->len = 1400;
    bool all =
        reorder_insert(&r, &limits, origin, seq_add(origin, 1), f, bytes_of(f->data, 1400), &got);
    ck_assert_uint_le(r.islands.count, ISLANDS);
    ck_assert_uint_le(got, 1400 - (ISLANDS - 10));
    if (all)
        ck_assert_uint_eq(got, 1400 - (ISLANDS - 10));
    for (size_t i = 0; i < ARRAY_LEN(map); i++)
        map[i] = 'x';
    uint32_t delivered = 0;
    for (uint32_t place = 1; place < 1401; place++) {
        struct frame *out;
        while ((out = reorder_take(&r, &limits, seq_add(origin, place)))) {
            for (uint32_t i = 0; i < out->len; i++)
                HOLDS(out->data[i] == 'x');
            delivered += out->len;
            place += out->len;
            frame_put(out);
        }
    }
    ck_assert_uint_eq(delivered, got + ISLANDS - 10);
    PROVES("C22");
}
END_TEST

/* C22, in steps instead of seconds: an insertion walks from the root, whose distance from the
 * lowest leaf is that of a random tree whatever the order of arrival is, and makes at most one
 * island more than it met. */
START_TEST(the_order_of_arrival_does_not_shape_the_tree)
{
    enum { MANY = 4000 };
    static uint32_t places[MANY];
    struct prng prng;

    limits.islands = MANY;
    prng_seed(&prng, 3);
    for (uint32_t i = 0; i < MANY; i++)
        places[i] = _i == 1 ? MANY - 1 - i : i;
    for (uint32_t i = 0; _i == 2 && i < MANY; i++) {
        uint32_t j = (uint32_t)prng_below(&prng, MANY), t = places[i];
        places[i] = places[j];
        places[j] = t;
    }
    uint32_t deepest = 0;
    for (uint32_t i = 0; i < MANY; i++) {
        uint32_t at = 1 + 2 * places[i], before = r.islands.count, got;
        struct frame *f = frame_get(&frames, 1);
        ck_assert_ptr_nonnull(f);
        f->len = 1;
        f->data[0] = 0;
        HOLDS(reorder_insert(&r, &limits, origin, seq_add(origin, at), f, frame_bytes(f), &got));
        HOLDS(r.islands.count == before + 1);
        if (i % 64 == 63) {
            uint32_t d = depth(r.islands.root);
            deepest = d > deepest ? d : deepest;
        }
    }
    ck_assert_uint_lt(deepest, 50); /* log2(4000) is 12; 4000 would be a list */
    PROVES("C22");
}
END_TEST

START_TEST(without_an_island_left_nothing_is_kept_and_nothing_leaks)
{
    void *taken[4096];
    size_t count = 0;

    ck_assert(insert(100, 10, 'a'));
    while ((taken[count] = pool_get(&islands)))
        count++;
    uint32_t got = 7;
    struct frame *f = frame_get(&frames, 50);
    ck_assert_ptr_nonnull(f);
    f->len = 50;
    ck_assert(!reorder_insert(&r, &limits, origin, seq_add(origin, 500), f, frame_bytes(f), &got));
    ck_assert_uint_eq(got, 0);
    ck_assert_uint_eq(frames.out, 1);
    while (count)
        pool_put(&islands, taken[--count]);
    advance_to(100);
    ck_assert_uint_eq(nxt, 110);
    PROVES("F02");
}
END_TEST

static TCase *with_nothing_early(Suite *s, const char *name)
{
    TCase *c = tcase_create(name);
    tcase_add_checked_fixture(c, given_nothing_early, then_nothing_is_left);
    suite_add_tcase(s, c);
    return c;
}

int main(void)
{
    Suite *s = suite_create("reorder");

    TCase *c = with_nothing_early(s, "RFC 9293, 3.10.7.4: segments held for later");
    tcase_add_loop_test(c, blocks_tell_the_islands_newest_first_and_whole, 0, 20);
    tcase_add_test(c, a_block_that_was_delivered_leaves_the_order_of_the_others);
    tcase_add_test(c, the_fifth_island_pushes_the_oldest_out_of_the_list);
    tcase_add_test(c, an_overlap_is_the_first_run_that_came_twice);
    tcase_add_test(c, text_waits_until_what_is_before_it_has_come);
    tcase_add_test(c, an_island_that_was_overtaken_is_cut_or_dropped);
    tcase_add_test(c, every_overlap_of_three_segments_keeps_the_first_copies);
    tcase_add_loop_test(c, random_segments_agree_with_the_map, 0, 40);
    tcase_add_test(c, the_same_text_again_changes_nothing);

    c = with_nothing_early(s, "RFC 1122, 4.2.2.20: bounds");
    tcase_add_test(c, there_are_256_islands_and_no_more);
    tcase_add_test(c, the_true_cost_is_charged_and_has_a_cap);
    tcase_add_test(c, a_segment_over_all_islands_is_taken_as_far_as_there_is_room);
    tcase_add_loop_test(c, the_order_of_arrival_does_not_shape_the_tree, 0, 3);
    tcase_add_test(c, without_an_island_left_nothing_is_kept_and_nothing_leaks);
    return run_suite(s, "reorder");
}
