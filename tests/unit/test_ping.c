/*
 * test_ping.c - the ping machine: a far end that a test plays, and a clock wound by hand.
 */
#include "apps/ping.h"

#include <errno.h>
#include <string.h>

#include "support/fake_sock.h"
#include "support/holds.h"
#include "support/proves.h"

static struct stack *stack;
static struct ping ping;
static instant now;
static uint8_t echo[70000];

static struct ping_config config_of(uint32_t count)
{
    return (struct ping_config){
        .stack = stack,
        .count = count,
        .interval_ns = NS_PER_S,
        .timeout_ns = 2 * NS_PER_S,
        .size = 56,
        .token = UINT64_C(0x0123456789abcdef),
    };
}

static void setup(void)
{
    stack = fake_stack_new();
    now = (instant){50 * NS_PER_S};
}

static void teardown(void)
{
    ping_fini(&ping);
    ck_assert_int_eq(fake_misuse(stack), 0);
    ck_assert_int_eq(fake_open(stack), 0);
    fake_stack_free(stack);
}

static void start(uint32_t count)
{
    const struct ping_config config = config_of(count);

    ck_assert_int_eq(ping_init(&ping, &config, now), 0);
}

/* The next result, or none. */
static bool next(struct ping_result *r)
{
    fake_run_all(stack, now, 10);
    memset(r, 0xee, sizeof(*r));
    return ping_next(&ping, now, r);
}

static void expect_none(void)
{
    struct ping_result r;
    ck_assert(!next(&r));
}

static struct ping_result expect(enum ping_outcome outcome, uint32_t seq)
{
    struct ping_result r;

    ck_assert(next(&r));
    ck_assert_int_eq(r.outcome, outcome);
    ck_assert_uint_eq(r.seq, seq);
    return r;
}

/* The far end: takes the next echo; the length of its data, or 0. */
static size_t take_echo(void)
{
    return fake_take(stack, ping.socket, echo, sizeof(echo));
}

static void reply(size_t len)
{
    fake_push(stack, ping.socket, echo, len);
}

static void pass(int64_t ns)
{
    now = instant_add(now, ns);
}

START_TEST(each_echo_has_its_reply_and_time)
{
    start(3);
    for (uint32_t seq = 1; seq <= 3; seq++) {
        ck_assert(!ping_is_done(&ping));
        expect_none();
        ck_assert_uint_eq(take_echo(), 56);
        ck_assert_uint_eq(take_echo(), 0);
        pass((int64_t)seq * NS_PER_MS);
        reply(56);
        struct ping_result r = expect(PING_REPLY, seq);
        ck_assert_int_eq(r.rtt_ns, (int64_t)seq * NS_PER_MS);
        ck_assert_uint_eq(r.len, 56);
        ck_assert(!r.damaged);
        expect_none();
        if (seq < 3)
            ck_assert_int_eq(instant_since(ping_deadline(&ping), now),
                             NS_PER_S - (int64_t)seq * NS_PER_MS);
        pass(NS_PER_S - (int64_t)seq * NS_PER_MS);
    }
    ck_assert(ping_is_done(&ping));
    ck_assert(instant_is_never(ping_deadline(&ping)));
    ck_assert_uint_eq(ping.stats.sent, 3);
    ck_assert_uint_eq(ping.stats.replies, 3);
    ck_assert_int_eq(ping.stats.rtt_min_ns, NS_PER_MS);
    ck_assert_int_eq(ping.stats.rtt_max_ns, 3 * NS_PER_MS);
    ck_assert_int_eq(ping.stats.rtt_sum_ns, 6 * NS_PER_MS);
}
END_TEST

START_TEST(echo_without_a_reply_is_lost)
{
    start(1);
    expect_none();
    pass(2 * NS_PER_S - 1);
    expect_none();
    ck_assert_int_eq(instant_since(ping_deadline(&ping), now), 1);
    pass(1);
    expect(PING_LOST, 1);
    expect_none();
    ck_assert(ping_is_done(&ping));
    ck_assert_uint_eq(take_echo(), 56); /* it comes after all */
    reply(56);
    expect(PING_DUPLICATE, 1);
    ck_assert_uint_eq(ping.stats.lost, 1);
    ck_assert_uint_eq(ping.stats.replies, 0);
}
END_TEST

START_TEST(second_reply_is_a_duplicate_and_order_does_not_matter)
{
    uint8_t first[56];

    start(2);
    expect_none();
    take_echo();
    memcpy(first, echo, sizeof(first));
    pass(NS_PER_S);
    expect_none();
    take_echo();
    pass(NS_PER_MS);
    reply(56);
    expect(PING_REPLY, 2);
    fake_push(stack, ping.socket, first, sizeof(first));
    ck_assert_int_eq(expect(PING_REPLY, 1).rtt_ns, NS_PER_S + NS_PER_MS);
    fake_push(stack, ping.socket, first, sizeof(first));
    expect(PING_DUPLICATE, 1);
    ck_assert_uint_eq(ping.stats.duplicates, 1);
    ck_assert(ping_is_done(&ping));
}
END_TEST

START_TEST(reply_to_somebody_else_is_ignored)
{
    start(1);
    expect_none();
    take_echo();
    for (size_t len = 0; len < PING_SIZE_MIN; len++)
        reply(len); /* too short to be ours */
    for (size_t i = 0; i < 8; i++) {
        echo[i] ^= 1; /* another token */
        reply(56);
        echo[i] ^= 1;
    }
    echo[11] = 0; /* numbers that were never sent */
    reply(56);
    echo[11] = 2;
    reply(56);
    expect_none();
    echo[11] = 1;
    reply(56);
    expect(PING_REPLY, 1);
}
END_TEST

START_TEST(damage_is_told)
{
    start(4);
    for (uint32_t seq = 1; seq <= 4; seq++) {
        expect_none();
        take_echo();
        if (seq == 2)
            echo[55] ^= 1;
        reply(seq == 3 ? 55 : seq == 4 ? 57 : 56);
        ck_assert(expect(PING_REPLY, seq).damaged == (seq > 1));
        pass(NS_PER_S);
    }
}
END_TEST

START_TEST(error_of_the_network_is_a_result)
{
    start(2);
    expect_none();
    fake_fail(stack, ping.socket, -EHOSTUNREACH);
    ck_assert_int_eq(expect(PING_ERROR, 1).error, -EHOSTUNREACH);
    expect_none();
    pass(NS_PER_S);
    fake_fail(stack, ping.socket, -ENETUNREACH);
    ck_assert(!ping_is_done(&ping));
    struct ping_result r; /* and one of sending, too */
    ck_assert(ping_next(&ping, now, &r));
    ck_assert_int_eq(r.error, -ENETUNREACH);
    ck_assert_uint_eq(ping.stats.errors, 2);
    expect_none();
    ck_assert(ping_is_done(&ping));
}
END_TEST

START_TEST(window_bounds_what_is_waited_for)
{
    struct ping_config config = config_of(0);
    struct ping_result r;

    config.interval_ns = NS_PER_MS;
    config.timeout_ns = 100 * NS_PER_S;
    ck_assert_int_eq(ping_init(&ping, &config, now), 0);
    for (uint32_t i = 0; i < PING_WINDOW; i++) {
        expect_none();
        pass(NS_PER_MS);
    }
    for (uint32_t seq = 1; seq <= 10; seq++) {
        ck_assert(next(&r));
        ck_assert_int_eq(r.outcome, PING_LOST);
        ck_assert_uint_eq(r.seq, seq);
        expect_none();
        pass(NS_PER_MS);
    }
    ck_assert_uint_eq(ping.stats.sent, PING_WINDOW + 10);
}
END_TEST

START_TEST(sleep_does_not_end_in_a_burst)
{
    start(0);
    expect_none();
    take_echo();
    pass(3600 * NS_PER_S);
    expect(PING_LOST, 1);
    expect_none();
    expect_none();
    ck_assert_uint_eq(take_echo(), 56);
    ck_assert_uint_eq(take_echo(), 0);
    ping_stop(&ping);
    ck_assert(!ping_is_done(&ping));
    pass(2 * NS_PER_S);
    expect(PING_LOST, 2);
    ck_assert(ping_is_done(&ping));
}
END_TEST

START_TEST(sizes_and_times_that_make_no_sense_are_refused)
{
    static const struct {
        uint32_t size;
        int64_t interval_ns, timeout_ns;
        int result;
    } rows[] = {
        {PING_SIZE_MIN - 1, 1, 1, -EINVAL}, {PING_SIZE_MIN, 1, 1, 0}, {PING_SIZE_MAX, 1, 1, 0},
        {PING_SIZE_MAX + 1, 1, 1, -EINVAL}, {56, 0, 1, -EINVAL},      {56, 1, 0, -EINVAL},
    };
    struct ping_result r;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ping_config config = config_of(1);
        config.size = rows[i].size;
        config.interval_ns = rows[i].interval_ns;
        config.timeout_ns = rows[i].timeout_ns;
        ck_assert_int_eq(ping_init(&ping, &config, now), rows[i].result);
        if (rows[i].result)
            continue;
        ck_assert(!next(&r));
        ck_assert_uint_eq(take_echo(), rows[i].size);
        ping_fini(&ping);
    }
    struct ping_config config = config_of(1); /* for teardown() */
    ck_assert_int_eq(ping_init(&ping, &config, now), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ping");
    TCase *c = tcase_create("RFC 792: echo and echo reply");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, each_echo_has_its_reply_and_time);
    tcase_add_test(c, echo_without_a_reply_is_lost);
    tcase_add_test(c, second_reply_is_a_duplicate_and_order_does_not_matter);
    tcase_add_test(c, reply_to_somebody_else_is_ignored);
    tcase_add_test(c, damage_is_told);
    tcase_add_test(c, error_of_the_network_is_a_result);
    tcase_add_test(c, window_bounds_what_is_waited_for);
    tcase_add_test(c, sleep_does_not_end_in_a_burst);
    tcase_add_test(c, sizes_and_times_that_make_no_sense_are_refused);
    suite_add_tcase(s, c);
    return run_suite(s, "ping");
}
