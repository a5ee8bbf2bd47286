/*
 * test_posix_ahead.c - frames that are read before the lock is taken.
 *
 * The device has so many frames and says nothing but that; there is one thread, which is both the
 * one with the lock and the one without.
 */
#include "posix/posix_ahead.h"

#include <errno.h>
#include <string.h>
#include <tapio/host.h>

#include "see/counters.h"
#include "stack/stack.h"
#include "support/proves.h"

struct source {
    struct dev dev;
    int frames; /* that are still to come */
    int error;  /* and what comes then */
    size_t room;
};

static const instant now = {1000};
static struct source source;
static struct stack *stack;
static struct posix_ahead ahead;

static int receive(struct dev *dev, struct frame_pool *pool, struct frame **batch, int max,
                   instant at)
{
    struct source *from = (struct source *)dev;
    int count = 0;

    (void)at;
    while (count < max && from->frames > 0 && (batch[count] = dev_frame(pool, from->room))) {
        memset(batch[count]->data, 0, 20);
        batch[count++]->len = 20;
        from->frames--;
    }
    return count > 0 ? count : from->error;
}

static const struct dev_ops source_ops = {.receive = receive};

static void given(int64_t mem_frames, bool big_frames, bool unshared)
{
    struct stack_config config;
    struct env env;

    stack_config_init(&config);
    config.link = STACK_LINK_IP;
    config.values.mem_frames = mem_frames;
    ck_assert_int_eq(host_env(&env), 0);
    stack = stack_new(&config, &env);
    ck_assert_ptr_nonnull(stack);
    source = (struct source){.dev = {.ops = &source_ops,
                                     .mtu = 1500,
                                     .ip_only = true,
                                     .csum_offload = big_frames,
                                     .big_frames = big_frames,
                                     .unshared = unshared},
                             .room = 1500};
    posix_ahead_init(&ahead, &source.dev, stack);
}

static void then_all_is_given_back(void)
{
    posix_ahead_fini(&ahead);
    ck_assert_uint_eq(stack->frames.out, 0);
    ck_assert(counters_conserved(&stack->events.counters));
    stack_free(stack);
}

static int turn(void)
{
    posix_ahead_read(&ahead, now);
    return posix_ahead_receive(&ahead, stack, now);
}

START_TEST(a_device_that_may_be_shared_is_left_alone)
{
    given(64 << 20, true, false);
    source.frames = 1;
    ck_assert_ptr_null(ahead.dev);
    ck_assert_uint_eq(stack->frames.out, 0);
    posix_ahead_read(&ahead, now);
    ck_assert_int_eq(source.frames, 1);
    then_all_is_given_back();
}
END_TEST

START_TEST(what_was_read_is_run_under_the_lock)
{
    given(64 << 20, false, true);
    ck_assert_uint_eq(stack->frames.out, DEV_BATCH);
    source.frames = 3;
    posix_ahead_read(&ahead, now);
    ck_assert_int_eq(source.frames, 0);
    ck_assert_uint_eq(stack->events.counters.received, 0);
    ck_assert_int_eq(posix_ahead_receive(&ahead, stack, now), 3);
    ck_assert_uint_eq(stack->events.counters.received, 3);
    ck_assert_uint_eq(stack->frames.out, DEV_BATCH); /* ready for the next */
    ck_assert_int_eq(turn(), 0);
    ck_assert_uint_eq(stack->events.counters.received, 3);
    then_all_is_given_back();
}
END_TEST

START_TEST(a_batch_is_as_long_as_any_other)
{
    given(64 << 20, false, true);
    source.frames = DEV_BATCH + 1;
    ck_assert_int_eq(turn(), DEV_BATCH);
    ck_assert_int_eq(turn(), 1);
    ck_assert_uint_eq(source.dev.counters.rx_frames, DEV_BATCH + 1);
    then_all_is_given_back();
}
END_TEST

START_TEST(big_frames_have_large_buffers_and_what_finds_none_is_next)
{
    given(64 << 20, true, true);
    ck_assert_uint_eq(stack->frames.out, DEV_BATCH + 6);
    source.room = 65000;
    source.frames = 8;
    ck_assert_int_eq(turn(), 6);
    ck_assert_int_eq(turn(), 2);
    ck_assert_uint_eq(source.dev.counters.rx_nobuf, 0);
    then_all_is_given_back();
}
END_TEST

START_TEST(little_memory_means_small_batches)
{
    given(262144, true, true); /* an eighth: 21 of a frame's size, and one large one in any case */
    ck_assert_uint_eq(stack->frames.out, 21 + 1);
    source.frames = 30;
    ck_assert_int_eq(turn(), 22);
    ck_assert_int_eq(turn(), 8);
    ck_assert_uint_eq(source.dev.counters.rx_nobuf, 0);
    then_all_is_given_back();
}
END_TEST

START_TEST(a_link_with_a_large_mtu_is_read_into_large_buffers)
{
    given(64 << 20, false, true);
    posix_ahead_fini(&ahead);
    source.dev.mtu = UINT32_MAX; /* more than any buffer has */
    source.room = 60000;
    source.frames = 1;
    posix_ahead_init(&ahead, &source.dev, stack);
    ck_assert_uint_eq(stack->frames.out, DEV_BATCH);
    ck_assert_int_eq(turn(), 1);
    then_all_is_given_back();
}
END_TEST

START_TEST(a_pool_without_buffers_is_counted_and_asked_again)
{
    given(262144, false, true);
    struct frame *all[512];
    int count = 0;

    posix_ahead_fini(&ahead);
    while ((all[count] = frame_get(&stack->frames, 1500)))
        count++;
    posix_ahead_init(&ahead, &source.dev, stack);
    ck_assert_uint_eq(source.dev.counters.rx_nobuf, 1);
    source.frames = 1;
    ck_assert_int_eq(turn(), 0);
    ck_assert_uint_eq(source.dev.counters.rx_nobuf, 2);
    ck_assert_int_eq(source.frames, 1); /* it waits */
    while (count > 0)
        frame_put(all[--count]);
    ck_assert_int_eq(turn(), 0); /* the stock was still dry when this was read */
    ck_assert_int_eq(turn(), 1);
    ck_assert_uint_eq(source.dev.counters.rx_nobuf, 2);
    then_all_is_given_back();
}
END_TEST

START_TEST(a_device_that_is_gone_says_so_after_its_last_frame)
{
    given(64 << 20, false, true);
    source.frames = 1;
    source.error = -ENETDOWN;
    ck_assert_int_eq(turn(), 1);
    ck_assert_int_eq(turn(), -ENETDOWN);
    ck_assert_uint_eq(stack->events.counters.received, 1);
    then_all_is_given_back();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("posix_ahead");
    TCase *c = tcase_create("reading ahead");

    tcase_add_test(c, a_device_that_may_be_shared_is_left_alone);
    tcase_add_test(c, what_was_read_is_run_under_the_lock);
    tcase_add_test(c, a_batch_is_as_long_as_any_other);
    tcase_add_test(c, big_frames_have_large_buffers_and_what_finds_none_is_next);
    tcase_add_test(c, little_memory_means_small_batches);
    tcase_add_test(c, a_link_with_a_large_mtu_is_read_into_large_buffers);
    tcase_add_test(c, a_pool_without_buffers_is_counted_and_asked_again);
    tcase_add_test(c, a_device_that_is_gone_says_so_after_its_last_frame);
    suite_add_tcase(suite, c);
    return run_suite(suite, "posix_ahead");
}
