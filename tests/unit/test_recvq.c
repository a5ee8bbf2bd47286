/*
 * test_recvq.c - the receive queue against a plain array, and what a hoard of small pieces costs.
 */
#include "base/prng.h"
#include "support/holds.h"
#include "support/proves.h"
#include "support/small_env.h"
#include "tcp/recvq.h"

enum { ROOM = 1 << 21, CAP = 4 << 20 };

static struct small_env env;
static struct memory memory;
static struct frame_pool pool;
static struct recvq q;
static uint8_t model[ROOM];
static size_t front, end;

static void given_a_queue(void)
{
    small_env_init(&env);
    memory = (struct memory){.env = &env.env};
    ck_assert_int_eq(frame_pool_init(&pool, &memory, CAP), 0);
    q = (struct recvq){.len = 0};
    front = end = 0;
}

static void then_nothing_is_left(void)
{
    recvq_clear(&q);
    ck_assert_uint_eq(q.len, 0);
    ck_assert_uint_eq(q.charged, 0);
    ck_assert_uint_eq(pool.out, 0);
    frame_pool_fini(&pool);
    ck_assert_uint_eq(env.blocks, 0);
}

/* A frame as it comes from the wire: headers, `len` octets of the stream, some padding; cut to the
 * text. */
static struct frame *text_frame(size_t len)
{
    struct frame *f = frame_get(&pool, len + 100);

    ck_assert_ptr_nonnull(f);
    f->len = (uint32_t)len + 60;
    for (size_t i = 0; i < len; i++)
        f->data[54 + i] = model[end + i] = (uint8_t)((end + i) * 11 + ((end + i) >> 8));
    frame_trim_front(f, 54);
    frame_trim_end(f, 6);
    return f;
}

/* As TCP does: compacted, then appended. */
static void arrive(size_t len)
{
    struct frame *f = text_frame(len);
    struct frame *small = frame_compact(f, frame_bytes(f));
    ck_assert_ptr_nonnull(small);
    HOLDS(small->len == len && memcmp(small->data, model + end, len) == 0);
    end += len;
    recvq_append(&q, small);
    HOLDS(q.len == end - front);
}

static void read_some(size_t len)
{
    static uint8_t out[ROOM];
    size_t want = len < q.len ? len : q.len;

    HOLDS(recvq_read(&q, out, len) == want);
    HOLDS(memcmp(out, model + front, want) == 0);
    front += want;
    HOLDS(q.len == end - front);
}

static void drop_some(size_t len)
{
    size_t want = len < q.len ? len : q.len;

    HOLDS(recvq_drop(&q, len) == want);
    front += want;
    HOLDS(q.len == end - front);
}

static void peek_some(uint32_t from, size_t len)
{
    static uint8_t out[ROOM];
    size_t left = from < q.len ? q.len - from : 0;
    size_t want = len < left ? len : left;

    HOLDS(recvq_peek(&q, from, out, len) == want);
    HOLDS(memcmp(out, model + front + from, want) == 0);
    HOLDS(q.len == end - front);
}

START_TEST(text_is_read_in_order_and_once)
{
    arrive(1000);
    arrive(1);
    arrive(1400);
    peek_some(0, 500);
    read_some(500);
    peek_some(0, 5000);
    read_some(5000);
    ck_assert_uint_eq(q.len, 0);
    ck_assert_uint_eq(q.charged, 0);
    ck_assert_uint_eq(pool.out, 0);
    read_some(10);
    peek_some(0, 10);
}
END_TEST

START_TEST(the_charge_is_what_the_frames_cost)
{
    for (size_t len = 1; len < 1460; len += 37) {
        arrive(len);
        uint64_t sum = 0;
        for (const struct frame *f = recvq_first(&q); f; f = recvq_next(&q, f))
            sum += frame_charge(f);
        HOLDS(q.charged == sum);
        HOLDS(pool.charged == sum);
    }
    while (q.len) {
        read_some(333);
        HOLDS(q.charged == pool.charged);
    }
}
END_TEST

START_TEST(a_full_frame_is_kept_as_it_came)
{
    struct frame *f = text_frame(1460);
    ck_assert_ptr_eq(frame_compact(f, frame_bytes(f)), f);
    frame_put(f);
}
END_TEST

START_TEST(a_piece_that_fills_little_of_its_frame_is_copied_to_a_smaller_one)
{
    struct frame *f = text_frame(10);
    struct frame *large = frame_get(&pool, 1500);
    ck_assert_ptr_nonnull(large);
    large->len = 10;
    memcpy(large->data, f->data, 10);
    frame_put(f);
    uint32_t before = frame_charge(large);
    struct frame *small = frame_compact(large, frame_bytes(large));
    ck_assert_ptr_nonnull(small);
    ck_assert_uint_lt(frame_charge(small), before);
    ck_assert_uint_eq(small->len, 10);
    ck_assert_int_eq(memcmp(small->data, model, 10), 0);
    ck_assert_uint_eq(pool.out, 1);
    frame_put(small);
}
END_TEST

static const size_t pieces[] = {1, 2, 10, 100, 500, 700, 1000, 1460};

START_TEST(a_hoard_of_small_pieces_costs_not_much_more_than_its_octets)
{
    size_t n = 300000 / pieces[_i] < 20000 ? 300000 / pieces[_i] : 20000;

    for (size_t i = 0; i < n; i++) {
        arrive(pieces[_i]);
        HOLDS(q.charged <= 3 * q.len + 70000);
    }
    read_some(ROOM);
    PROVES("C22");
}
END_TEST

START_TEST(random_calls_agree_with_an_array)
{
    struct prng prng;

    prng_seed(&prng, (uint64_t)_i);
    for (int n = 0; n < 5000; n++) {
        size_t most = (size_t)1 << prng_below(&prng, 11);
        if (end + 2048 > ROOM)
            break;
        if (prng_below(&prng, 2) && q.len < 200000)
            arrive(1 + prng_below(&prng, most < 1460 ? most : 1460));
        else if (prng_below(&prng, 4))
            read_some(prng_below(&prng, 4 * most));
        else if (prng_below(&prng, 4))
            peek_some((uint32_t)prng_below(&prng, 2 * most), prng_below(&prng, 4 * most));
        else
            drop_some(prng_below(&prng, most));
        HOLDS(q.charged == pool.charged);
        HOLDS((q.len == 0) == (pool.out == 0));
    }
}
END_TEST

START_TEST(without_memory_a_piece_is_lost_and_its_frame_given_back)
{
    struct frame *large = frame_get(&pool, 1500);
    ck_assert_ptr_nonnull(large);
    large->len = 10;
    struct frame *hold[2048];
    size_t held = 0; /* the pool is empty but for this one */
    while (held < 2048) {
        hold[held] = frame_get(&pool, 60000);
        if (!hold[held])
            hold[held] = frame_get(&pool, 1);
        if (!hold[held])
            break;
        held++;
    }
    ck_assert_uint_lt(held, 2048);
    uint64_t before = pool.out;
    struct frame *small = frame_compact(large, frame_bytes(large));
    if (small) /* it may be kept as it is, or refused */
        frame_put(small);
    ck_assert_uint_eq(pool.out, before - 1);
    while (held)
        frame_put(hold[--held]);
    PROVES("F02");
}
END_TEST

static TCase *with_a_queue(Suite *s, const char *name)
{
    TCase *c = tcase_create(name);
    tcase_add_checked_fixture(c, given_a_queue, then_nothing_is_left);
    suite_add_tcase(s, c);
    return c;
}

int main(void)
{
    Suite *s = suite_create("recvq");

    TCase *c = with_a_queue(s, "RFC 9293, 3.10.3: text in order");
    tcase_add_test(c, text_is_read_in_order_and_once);
    tcase_add_loop_test(c, random_calls_agree_with_an_array, 0, 20);

    c = with_a_queue(s, "room");
    tcase_add_test(c, the_charge_is_what_the_frames_cost);
    tcase_add_test(c, a_full_frame_is_kept_as_it_came);
    tcase_add_test(c, a_piece_that_fills_little_of_its_frame_is_copied_to_a_smaller_one);
    tcase_add_loop_test(c, a_hoard_of_small_pieces_costs_not_much_more_than_its_octets, 0,
                        (int)ARRAY_LEN(pieces));
    tcase_add_test(c, without_memory_a_piece_is_lost_and_its_frame_given_back);
    return run_suite(s, "recvq");
}
