/*
 * test_os_loop.c - the poll: when it sleeps, when it must not, and how it ends.
 *
 * The loop lives in real time, so these tests do, for a tenth of a second each. They count calls,
 * not milliseconds: a loaded machine makes the counts smaller, never larger.
 */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/frame.h"
#include "os/os_env.h"
#include "os/os_loop.h"
#include "support/proves.h"

#define TEST_TIME (100 * NS_PER_MS)

/* A device that does what its fields say. */
struct fake {
    struct dev dev;
    int fd; /* an eventfd: always writable, readable once written */
    int send_result;
    int receive_result; /* frames (runts) that each call brings, or an error */
    int sends, receives, flushes;
};

static struct fake fake;
static struct os_env env;
static struct stack *stack;
static struct os_loop loop;

static int fake_receive(struct dev *dev, struct frame_pool *pool, struct frame **batch, int max,
                        instant now)
{
    (void)dev;
    (void)now;
    fake.receives++;
    if (fake.receive_result < 0)
        return fake.receive_result;
    int n = fake.receive_result < max ? fake.receive_result : max;
    for (int i = 0; i < n; i++) {
        batch[i] = frame_get(pool, 64);
        ck_assert_ptr_nonnull(batch[i]);
        memset(batch[i]->data, 0, 10);
        batch[i]->len = 10;
    }
    return n;
}

static int fake_send(struct dev *dev, const struct frame_meta *meta, const struct iovec *iov,
                     int iovcnt, instant now)
{
    (void)dev;
    (void)meta;
    (void)iov;
    (void)iovcnt;
    (void)now;
    fake.sends++;
    return fake.send_result;
}

static void fake_flush(struct dev *dev, instant now)
{
    (void)dev;
    (void)now;
    fake.flushes++;
}

static instant fake_deadline(const struct dev *dev)
{
    (void)dev;
    return INSTANT_NEVER;
}

static int fake_fd(const struct dev *dev)
{
    (void)dev;
    return fake.fd;
}

static const struct dev_ops fake_ops = {.receive = fake_receive,
                                        .send = fake_send,
                                        .flush = fake_flush,
                                        .deadline = fake_deadline,
                                        .fd = fake_fd};

/* Ends the loop after TEST_TIME. */
static struct os_machine clock_machine;
static instant clock_end;
static int clock_turns;

static instant clock_deadline(struct os_machine *machine)
{
    (void)machine;
    return clock_end;
}

static void clock_advance(struct os_machine *machine, instant now)
{
    (void)machine;
    clock_turns++;
    if (!instant_before(now, clock_end))
        os_loop_end(&loop, 7);
}

static void given_a_loop(void)
{
    struct stack_config config;

    fake = (struct fake){.dev = {.ops = &fake_ops, .name = "fake", .mtu = 1500}};
    fake.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    ck_assert_int_eq(os_env_init(&env, NULL), 0);
    stack_config_init(&config);
    config.addr_count = 1;
    ck_assert_int_eq(ip_prefix_parse("10.9.0.2/24", &config.addr[0]), 0);
    ck_assert_int_eq(mac_addr_parse("02:00:5e:10:00:02", &config.mac), 0);
    stack = stack_new(&config, &env.env);
    ck_assert_ptr_nonnull(stack);
    os_loop_init(&loop, stack, &fake.dev);
    clock_machine = (struct os_machine){.deadline = clock_deadline, .advance = clock_advance};
    clock_end = instant_add(os_now(), TEST_TIME);
    clock_turns = 0;
    os_loop_add_machine(&loop, &clock_machine);
}

static void remove_loop(void)
{
    stack_free(stack);
    close(fake.fd);
}

/* --- sleeping ----------------------------------------------------------------------------- */

START_TEST(an_idle_loop_sleeps_until_a_deadline)
{
    ck_assert_int_eq(os_loop_run(&loop), 7);
    ck_assert_int_le(clock_turns, 5);
    ck_assert_int_le(fake.receives, 5); /* one empty read a wake-up at most */
    PROVES("T01");
}
END_TEST

START_TEST(a_readable_device_ends_the_sleep)
{
    uint64_t one = 1;

    clock_end = INSTANT_NEVER;
    ck_assert_int_eq((int)write(fake.fd, &one, sizeof one), (int)sizeof one);
    os_loop_wait(&loop, false); /* for ever, were it not for that */
    ck_assert(os_loop_turn(&loop, os_now()) == false);
}
END_TEST

START_TEST(a_full_batch_asks_for_another_turn_and_a_partial_one_does_not)
{
    fake.receive_result = DEV_BATCH;
    ck_assert(os_loop_turn(&loop, os_now()));
    fake.receive_result = DEV_BATCH - 1;
    ck_assert(!os_loop_turn(&loop, os_now()));
}
END_TEST

START_TEST(a_device_that_is_full_but_looks_writable_does_not_make_the_loop_spin)
{
    fake.send_result = -EAGAIN; /* the announcement of our address can never leave */
    ck_assert_int_eq(os_loop_run(&loop), 7);
    ck_assert_int_ge(fake.sends, 2);
    ck_assert_int_le(fake.sends, 120); /* every millisecond, and the first believed POLLOUT */
}
END_TEST

START_TEST(a_device_that_takes_again_is_believed_again)
{
    fake.send_result = -EAGAIN;
    os_loop_turn(&loop, os_now());
    ck_assert(loop.full && !loop.deaf);
    os_loop_wait(&loop, false);
    ck_assert(loop.deaf);
    os_loop_turn(&loop, os_now());
    ck_assert(loop.full && loop.deaf);
    fake.send_result = 0;
    os_loop_turn(&loop, os_now());
    ck_assert(!loop.full && !loop.deaf);
}
END_TEST

START_TEST(octets_that_a_device_holds_are_flushed_once_there_is_room)
{
    fake.dev.held = 1; /* nothing more to send: only what was flushed and not taken */
    clock_end = INSTANT_NEVER;
    os_loop_turn(&loop, os_now());
    ck_assert(!loop.full);
    int before = fake.flushes;
    instant start = os_now();
    os_loop_wait(&loop, false); /* until the stack's next announcement, were it not for POLLOUT */
    ck_assert_int_lt(instant_since(os_now(), start), TEST_TIME);
    os_loop_turn(&loop, os_now());
    ck_assert_int_eq(fake.flushes, before + 1);
}
END_TEST

/* --- watches ------------------------------------------------------------------------------ */

static void watch_ready(struct os_watch *watch, instant now)
{
    uint64_t count;

    (void)now;
    ck_assert_int_eq((int)read(watch->fd, &count, sizeof count), (int)sizeof count);
    os_loop_end(&loop, 3);
}

START_TEST(a_watch_is_seen_however_busy_the_device_is)
{
    uint64_t one = 1;
    struct os_watch watch = {.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), .ready = watch_ready};

    os_loop_add_watch(&loop, &watch);
    fake.receive_result = DEV_BATCH;
    ck_assert_int_eq((int)write(watch.fd, &one, sizeof one), (int)sizeof one);
    ck_assert_int_eq(os_loop_run(&loop), 3);
    ck_assert_int_le(clock_turns, OS_LOOP_CROWDED + 1);
    close(watch.fd);
}
END_TEST

START_TEST(a_frame_that_the_look_at_the_watches_announced_is_not_late)
{
    uint64_t one = 1;

    clock_end = INSTANT_NEVER;
    ck_assert_int_eq((int)write(fake.fd, &one, sizeof one), (int)sizeof one);
    for (int i = 0; i < 3; i++) {
        os_loop_wait(&loop, false);
        fake.receive_result = 1;
        os_loop_turn(&loop, os_now());
        ck_assert(!loop.late);
        fake.receive_result = 0;
    }
    ck_assert_uint_eq(loop.turns, 3);
}
END_TEST

START_TEST(frames_behind_the_first_are_late_until_the_next_look)
{
    uint64_t one = 1;

    clock_end = INSTANT_NEVER;
    ck_assert_int_eq((int)write(fake.fd, &one, sizeof one), (int)sizeof one);
    os_loop_wait(&loop, false);
    fake.receive_result = 2;
    os_loop_turn(&loop, os_now());
    ck_assert(loop.late);
    fake.receive_result = 0;
    os_loop_wait(&loop, true); /* does not look: it is not crowded yet */
    os_loop_turn(&loop, os_now());
    ck_assert(loop.late);
    os_loop_wait(&loop, false);
    os_loop_turn(&loop, os_now());
    ck_assert(!loop.late);
}
END_TEST

START_TEST(a_frame_that_came_without_a_look_is_late)
{
    uint64_t one = 1;

    os_loop_wait(&loop, false); /* until the deadline: nothing is announced */
    fake.receive_result = 1;
    os_loop_turn(&loop, os_now());
    ck_assert(loop.late);
    ck_assert_int_eq((int)write(fake.fd, &one, sizeof one), (int)sizeof one);
    os_loop_wait(&loop, false);
    os_loop_turn(&loop, os_now());
    ck_assert(!loop.late);
    os_loop_wait(&loop, true); /* one was announced, and has come */
    os_loop_turn(&loop, os_now());
    ck_assert(loop.late);
}
END_TEST

/* --- the end ------------------------------------------------------------------------------ */

START_TEST(a_device_that_is_gone_ends_the_loop_at_once)
{
    fake.receive_result = -ENETDOWN;
    ck_assert_int_eq(os_loop_run(&loop), -ENETDOWN);
    ck_assert_int_eq(clock_turns, 1);
    PROVES("T05");
}
END_TEST

START_TEST(a_device_that_is_gone_while_sending_ends_the_loop_at_once)
{
    fake.send_result = -ENETDOWN;
    ck_assert_int_eq(os_loop_run(&loop), -ENETDOWN);
    ck_assert_int_eq(clock_turns, 1);
    PROVES("T05");
}
END_TEST

START_TEST(a_descriptor_in_error_without_frames_is_a_device_that_is_gone)
{
    int ends[2];

    /* The write end of a pipe that nobody reads reports POLLERR for ever. */
    ck_assert_int_eq(pipe(ends), 0);
    close(ends[0]);
    close(fake.fd);
    fake.fd = ends[1];
    ck_assert_int_eq(os_loop_run(&loop), -ENETDOWN);
    ck_assert_int_le(clock_turns, 2);
    PROVES("T05");
}
END_TEST

START_TEST(the_first_result_stays)
{
    os_loop_end(&loop, 1);
    os_loop_end(&loop, 2);
    ck_assert_int_eq(os_loop_run(&loop), 1);
    ck_assert_int_eq(clock_turns, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("os_loop");
    TCase *c = tcase_create("sleeping");
    tcase_add_checked_fixture(c, given_a_loop, remove_loop);
    tcase_add_test(c, an_idle_loop_sleeps_until_a_deadline);
    tcase_add_test(c, a_readable_device_ends_the_sleep);
    tcase_add_test(c, a_full_batch_asks_for_another_turn_and_a_partial_one_does_not);
    tcase_add_test(c, a_device_that_is_full_but_looks_writable_does_not_make_the_loop_spin);
    tcase_add_test(c, a_device_that_takes_again_is_believed_again);
    tcase_add_test(c, octets_that_a_device_holds_are_flushed_once_there_is_room);
    suite_add_tcase(s, c);
    c = tcase_create("watches and the end");
    tcase_add_checked_fixture(c, given_a_loop, remove_loop);
    tcase_add_test(c, a_watch_is_seen_however_busy_the_device_is);
    tcase_add_test(c, a_frame_that_the_look_at_the_watches_announced_is_not_late);
    tcase_add_test(c, frames_behind_the_first_are_late_until_the_next_look);
    tcase_add_test(c, a_frame_that_came_without_a_look_is_late);
    tcase_add_test(c, a_device_that_is_gone_ends_the_loop_at_once);
    tcase_add_test(c, a_device_that_is_gone_while_sending_ends_the_loop_at_once);
    tcase_add_test(c, a_descriptor_in_error_without_frames_is_a_device_that_is_gone);
    tcase_add_test(c, the_first_result_stays);
    suite_add_tcase(s, c);
    return run_suite(s, "os_loop");
}
