/*
 * test_frame.c - counted frame buffers under one cap.
 */
#include "base/frame.h"

#include <errno.h>
#include <signal.h>
#include <tapio/dev.h>

#include "base/prng.h"
#include "support/holds.h"
#include "support/proves.h"
#include "support/small_env.h"

enum { SMALL = 512, MEDIUM = 2048 };

static struct small_env env;
static struct memory memory;
static struct frame_pool pool;

static void given_a_pool_of(uint64_t cap)
{
    small_env_init(&env);
    memory = (struct memory){.env = &env.env};
    ck_assert_int_eq(frame_pool_init(&pool, &memory, cap), 0);
}

static void given_a_large_pool(void)
{
    given_a_pool_of(64 << 20);
}

static void then_nothing_is_out(void)
{
    ck_assert_uint_eq(pool.out, 0);
    ck_assert_uint_eq(pool.charged, 0);
    frame_pool_fini(&pool);
    ck_assert_uint_eq(env.blocks, 0);
}

/* The most that a frame of each size takes. */
static size_t small_room(void)
{
    return SMALL - POOL_TAG - sizeof(struct frame) - FRAME_HEADROOM;
}

static size_t medium_room(void)
{
    return MEDIUM - POOL_TAG - sizeof(struct frame) - FRAME_HEADROOM;
}

START_TEST(a_new_frame_is_empty_with_headroom_and_one_reference)
{
    struct frame *frame = frame_get(&pool, 100);

    ck_assert_ptr_nonnull(frame);
    ck_assert_ptr_eq(frame->home, &pool);
    ck_assert_ptr_null(frame->next);
    ck_assert_int_eq(frame->data - frame->buffer, FRAME_HEADROOM);
    ck_assert_uint_eq(frame->len, 0);
    ck_assert_uint_eq(frame->refs, 1);
    ck_assert(!frame->truncated);
    ck_assert_uint_eq(frame->meta.flags, 0);
    ck_assert_uint_eq(frame->meta.gso_type, 0);
    ck_assert_uint_ge(frame_tailroom(frame), 100);
    ck_assert_uint_eq(frame_bytes(frame).len, 0);
    frame_put(frame);
    then_nothing_is_out();
}
END_TEST

START_TEST(a_frame_that_was_used_comes_back_like_new)
{
    struct frame *frame = frame_get(&pool, 100);
    frame->len = 7;
    frame->data -= 10;
    frame->truncated = true;
    frame->meta = (struct frame_meta){.flags = FRAME_NEEDS_CSUM, .gso_type = FRAME_GSO_TCPV4};
    frame->tag = 99;
    frame->next = frame;
    frame_put(frame);
    struct frame *again = frame_get(&pool, 100);
    ck_assert_ptr_eq(again, frame);
    ck_assert_int_eq(again->data - again->buffer, FRAME_HEADROOM);
    ck_assert(again->len == 0 && !again->truncated && again->meta.flags == 0 &&
              again->meta.gso_type == 0 && again->tag == 0 && !again->next);
    frame_put(again);
    then_nothing_is_out();
}
END_TEST

START_TEST(a_frame_has_the_smallest_size_that_takes_what_was_asked_for)
{
    const struct {
        size_t room;
        uint32_t charge; /* 0: the largest size, 1: none at all */
    } rows[] = {
        {0, SMALL},
        {1, SMALL},
        {small_room(), SMALL},
        {small_room() + 1, MEDIUM},
        {1514, MEDIUM},
        {12 + 1514 + 1, MEDIUM}, /* virtio_net_hdr, a full frame, an octet to spare */
        {medium_room(), MEDIUM},
        {medium_room() + 1, 0},
        {65550 + 12 + 1, 0},
        {FRAME_ROOM_MAX, 0},
        {FRAME_ROOM_MAX + 1, 1},
        {SIZE_MAX, 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct frame *frame = frame_get(&pool, rows[i].room);
        ck_assert_int_eq(!frame, rows[i].charge == 1);
        if (!frame)
            continue;
        ck_assert_uint_ge(frame_tailroom(frame), rows[i].room);
        ck_assert_uint_eq(frame_charge(frame), pool.charged);
        if (rows[i].charge)
            ck_assert_uint_eq(frame_charge(frame), rows[i].charge);
        else
            ck_assert_uint_gt(frame_charge(frame), FRAME_ROOM_MAX);
        /* All of it can be written, from the first octet of the headroom on. */
        memset(frame->buffer, 0x5a, frame->room);
        frame->len = (uint32_t)frame_tailroom(frame);
        ck_assert_uint_eq(frame_tailroom(frame), 0);
        ck_assert_ptr_eq(frame->data + frame->len, frame->buffer + frame->room);
        ck_assert_uint_eq(frame_charge(frame), pool.charged); /* whatever it holds */
        frame_put(frame);
    }
    then_nothing_is_out();
}
END_TEST

START_TEST(a_frame_is_gathered_from_its_pieces)
{
    char text[] = "to and fro";
    const struct iovec piece[] = {{text, 3}, {NULL, 0}, {text + 3, 7}};
    struct frame *frame = frame_gather(&pool, piece, 3), *empty = frame_gather(&pool, piece, 0);

    ck_assert_uint_eq(frame->len, 10);
    ck_assert_mem_eq(frame->data, text, 10);
    ck_assert_uint_eq(empty->len, 0);
    const struct iovec most = {text, FRAME_ROOM_MAX + 1};
    ck_assert_ptr_null(frame_gather(&pool, &most, 1));
    frame_put(frame);
    frame_put(empty);
    then_nothing_is_out();
}
END_TEST

START_TEST(a_frame_lives_until_its_last_reference_is_dropped)
{
    struct frame *frame = frame_get(&pool, 10);

    ck_assert_ptr_eq(frame_ref(frame), frame);
    frame_ref(frame);
    ck_assert_uint_eq(frame->refs, 3);
    frame_put(frame);
    frame_put(frame);
    ck_assert_uint_eq(pool.out, 1);
    frame->data[0] = 1; /* still ours */
    frame_put(frame);
    frame_put(NULL);
    then_nothing_is_out();
}
END_TEST

START_TEST(frames_are_cut_in_front_and_at_the_end)
{
    struct frame *frame = frame_get(&pool, 10);
    size_t before = frame_tailroom(frame);

    memcpy(frame->data, "0123456789", 10);
    frame->len = 10;
    frame_trim_front(frame, 3);
    frame_trim_end(frame, 2);
    ck_assert(bytes_equal(frame_bytes(frame), bytes_of("34567", 5)));
    ck_assert_uint_eq(frame_tailroom(frame), before - 8);
    frame_trim_front(frame, 5);
    ck_assert_uint_eq(frame->len, 0);
    frame_put(frame);
    then_nothing_is_out();
}
END_TEST

START_TEST(a_frame_cannot_be_cut_by_more_than_it_holds)
{
    struct frame *frame = frame_get(&pool, 10);
    frame->len = 10;
    frame_trim_front(frame, 11);
}
END_TEST

START_TEST(one_cap_holds_for_all_sizes_together)
{
    struct frame *frames[100];
    size_t out = 0;
    struct prng prng;

    given_a_pool_of(MEDIUM + 3 * SMALL + SMALL / 2);
    frames[out++] = frame_get(&pool, 1000);
    for (int i = 0; i < 3; i++)
        frames[out++] = frame_get(&pool, 10);
    for (size_t i = 0; i < out; i++)
        ck_assert_ptr_nonnull(frames[i]);
    ck_assert_ptr_null(frame_get(&pool, 10));
    ck_assert_ptr_null(frame_get(&pool, 1000));
    ck_assert_ptr_null(frame_get(&pool, 60000));
    ck_assert_uint_eq(pool.refused, 3);
    frame_put(frames[1]);
    ck_assert_ptr_null(frame_get(&pool, 1000));
    frames[1] = frame_get(&pool, 10);
    ck_assert_ptr_nonnull(frames[1]);
    while (out > 0)
        frame_put(frames[--out]);
    then_nothing_is_out();

    prng_seed(&prng, 1);
    given_a_pool_of(300000);
    uint64_t charged = 0;
    for (int step = 0; step < 20000; step++) {
        size_t room = (size_t[]){10, 1500, 65536}[prng_below(&prng, 3)];
        if (out < ARRAY_LEN(frames) && prng_below(&prng, 2)) {
            struct frame *frame = frame_get(&pool, room);
            if (frame) {
                charged += frame_charge(frame);
                frames[out++] = frame;
            }
        } else if (out > 0) {
            size_t n = prng_below(&prng, out);
            charged -= frame_charge(frames[n]);
            frame_put(frames[n]);
            frames[n] = frames[--out];
        }
        HOLDS(pool.charged == charged && charged <= 300000 && pool.out == out);
    }
    ck_assert_uint_gt(pool.refused, 0);
    while (out > 0)
        frame_put(frames[--out]);
    then_nothing_is_out();
}
END_TEST

START_TEST(a_cap_below_one_frame_gives_none)
{
    given_a_pool_of(SMALL - 1);
    ck_assert_ptr_null(frame_get(&pool, 0));
    then_nothing_is_out();
    given_a_pool_of(0);
    ck_assert_ptr_null(frame_get(&pool, 0));
    then_nothing_is_out();
}
END_TEST

START_TEST(a_pool_without_memory_gives_no_frames)
{
    for (uint64_t k = 1; k <= 3; k++) {
        small_env_init(&env);
        memory = (struct memory){.env = &env.env};
        env.fail_at = k;
        ck_assert_int_eq(frame_pool_init(&pool, &memory, 1 << 20), -ENOMEM);
        ck_assert_uint_eq(env.blocks, 0);
    }
    env.calls = 0;
    env.fail_at = 4;
    ck_assert_int_eq(frame_pool_init(&pool, &memory, 1 << 20), 0);
    ck_assert_ptr_null(frame_get(&pool, 10));
    ck_assert_uint_eq(pool.refused, 1);
    env.fail_at = 0;
    struct frame *frame = frame_get(&pool, 10);
    ck_assert_ptr_nonnull(frame);
    frame_put(frame);
    then_nothing_is_out();
}
END_TEST

START_TEST(the_largest_cap_that_can_be_set_costs_nothing_idle)
{
    given_a_pool_of(UINT64_C(17179869184));
    ck_assert_uint_lt(env.out, 1024);
    struct frame *frame = frame_get(&pool, 10);
    ck_assert_ptr_nonnull(frame);
    frame_put(frame);
    then_nothing_is_out();
}
END_TEST

/* --- a stock ------------------------------------------------------------------------------ */

static struct frame_pool stock;

static void given_a_stock(void)
{
    given_a_large_pool();
    frame_stock_init(&stock, &pool);
    ck_assert(frame_pool_is_stock(&stock));
    ck_assert(!frame_pool_is_stock(&pool));
}

static void then_nothing_is_set_aside(void)
{
    frame_stock_fini(&stock);
    then_nothing_is_out();
}

START_TEST(a_stock_is_filled_up_from_the_pool)
{
    ck_assert_uint_eq(frame_stock_fill(&stock, medium_room(), 3), 3);
    ck_assert_uint_eq(pool.out, 3);
    ck_assert_uint_eq(pool.charged, 3 * MEDIUM);
    ck_assert_uint_eq(frame_stock_fill(&stock, medium_room(), 3), 3);
    ck_assert_uint_eq(pool.out, 3);
    ck_assert_uint_eq(frame_stock_fill(&stock, medium_room(), 5), 5);
    ck_assert_uint_eq(pool.out, 5);
    ck_assert_uint_eq(frame_stock_fill(&stock, FRAME_ROOM_MAX, 1), 1);
    ck_assert_uint_eq(pool.out, 6);
    then_nothing_is_set_aside();
}
END_TEST

START_TEST(a_stock_moves_buffers_without_the_pool)
{
    ck_assert_uint_eq(frame_stock_fill(&stock, medium_room(), 2), 2);
    const struct frame_pool before = pool;

    struct frame *frame = frame_get(&stock, medium_room());
    ck_assert_ptr_nonnull(frame);
    ck_assert_ptr_eq(frame->home, &stock);
    ck_assert_ptr_null(frame->next);
    ck_assert_uint_eq(frame_charge(frame), MEDIUM);
    ck_assert_uint_eq(frame_tailroom(frame), medium_room());
    struct frame *other = frame_get(&stock, medium_room());
    ck_assert_ptr_ne(frame, other);
    ck_assert_uint_eq(stock.out, 2);
    ck_assert_uint_eq(stock.charged, 0);
    frame_put(other);
    frame_put(frame);
    ck_assert_ptr_eq(frame_get(&stock, medium_room()), frame); /* still warm */
    frame_put(frame);
    ck_assert_uint_eq(stock.out, 0);
    ck_assert_mem_eq(&pool, &before, sizeof before);
    then_nothing_is_set_aside();
}
END_TEST

START_TEST(a_stock_that_lacks_a_size_gives_the_next_and_then_none)
{
    ck_assert_uint_eq(frame_stock_fill(&stock, medium_room(), 1), 1);
    ck_assert_uint_eq(frame_stock_fill(&stock, FRAME_ROOM_MAX, 1), 1);
    const struct frame_pool before = pool;

    struct frame *medium = frame_get(&stock, 1);
    struct frame *large = frame_get(&stock, 1);
    ck_assert_uint_eq(frame_charge(medium), MEDIUM);
    ck_assert_uint_ge(frame_tailroom(large), FRAME_ROOM_MAX);
    ck_assert_ptr_null(frame_get(&stock, 1));
    ck_assert_uint_eq(stock.refused, 1);
    ck_assert_mem_eq(&pool, &before, sizeof before);
    frame_put(large);
    ck_assert_ptr_eq(frame_get(&stock, medium_room() + 1), large);
    frame_put(large);
    frame_put(medium);
    ck_assert_ptr_eq(frame_get(&stock, 1), medium); /* each went back to its own */
    frame_put(medium);
    then_nothing_is_set_aside();
}
END_TEST

START_TEST(what_a_stock_hands_over_is_the_pools)
{
    ck_assert_uint_eq(frame_stock_fill(&stock, medium_room(), 2), 2);
    struct frame *frame = frame_get(&stock, 100);

    frame_stock_hand_over(&stock, frame);
    ck_assert_ptr_eq(frame->home, &pool);
    ck_assert_uint_eq(stock.out, 0);
    frame_stock_fini(&stock);
    ck_assert_uint_eq(pool.out, 1);
    frame_put(frame);
    then_nothing_is_out();
}
END_TEST

START_TEST(a_stock_gets_no_more_than_the_pool_has)
{
    given_a_pool_of(3 * MEDIUM);
    frame_stock_init(&stock, &pool);
    struct frame *frame = frame_get(&pool, medium_room());

    ck_assert_uint_eq(frame_stock_fill(&stock, medium_room(), 64), 2);
    ck_assert_uint_eq(frame_stock_fill(&stock, FRAME_ROOM_MAX, 1), 0);
    frame_put(frame);
    ck_assert_uint_eq(frame_stock_fill(&stock, medium_room(), 64), 3);
    then_nothing_is_set_aside();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("frame");

    TCase *one = tcase_create("one frame");
    tcase_add_checked_fixture(one, given_a_large_pool, NULL);
    tcase_add_test(one, a_new_frame_is_empty_with_headroom_and_one_reference);
    tcase_add_test(one, a_frame_that_was_used_comes_back_like_new);
    tcase_add_test(one, a_frame_has_the_smallest_size_that_takes_what_was_asked_for);
    tcase_add_test(one, a_frame_is_gathered_from_its_pieces);
    tcase_add_test(one, a_frame_lives_until_its_last_reference_is_dropped);
    tcase_add_test(one, frames_are_cut_in_front_and_at_the_end);
    ADD_ABORTING_TEST(one, a_frame_cannot_be_cut_by_more_than_it_holds);
    suite_add_tcase(s, one);

    TCase *caps = tcase_create("caps");
    tcase_set_timeout(caps, 30);
    tcase_add_test(caps, one_cap_holds_for_all_sizes_together);
    tcase_add_test(caps, a_cap_below_one_frame_gives_none);
    tcase_add_test(caps, a_pool_without_memory_gives_no_frames);
    tcase_add_test(caps, the_largest_cap_that_can_be_set_costs_nothing_idle);
    tcase_add_test(caps, a_stock_gets_no_more_than_the_pool_has);
    suite_add_tcase(s, caps);

    TCase *set_aside = tcase_create("a stock");
    tcase_add_checked_fixture(set_aside, given_a_stock, NULL);
    tcase_add_test(set_aside, a_stock_is_filled_up_from_the_pool);
    tcase_add_test(set_aside, a_stock_moves_buffers_without_the_pool);
    tcase_add_test(set_aside, a_stock_that_lacks_a_size_gives_the_next_and_then_none);
    tcase_add_test(set_aside, what_a_stock_hands_over_is_the_pools);
    suite_add_tcase(s, set_aside);

    return run_suite(s, "frame");
}
