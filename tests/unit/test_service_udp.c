/*
 * test_service_udp.c - echo, discard and chargen over UDP, on a real stack; and that none of them
 * can be made to speak with its like.
 */
#include "apps/service_udp.h"

#include <errno.h>
#include <stdlib.h>

#include "support/counted.h"
#include "support/holds.h"
#include "support/proves.h"
#include "support/udp_rig.h"

enum { OTHER = 7007 };

static struct service_udp *service;

static int not_random(void *context, void *octets, size_t len)
{
    memset(octets, 7, len);
    return context ? -EIO : 0;
}

static const struct env env = {
    .alloc = counted_alloc, .release = counted_release, .random = not_random};

static int start(enum service_kind kind)
{
    const struct service_udp_config config = {.kind = kind,
                                              .stack = rig.stack,
                                              .env = &env,
                                              .local.port = RIG_PORT,
                                              .ports = {RIG_PORT, OTHER}};
    fail_at = -1;
    return service_udp_new(&config, &service);
}

static void stop(void)
{
    service_udp_free(service);
    service = NULL;
    ck_assert_uint_eq(memory_used, 0);
}

/* The loop that serves whoever is ready; how many packets have left. */
static int run(void)
{
    short events;
    int s;

    while ((s = sock_next_ready(rig.stack, &events)) >= 0) {
        struct sock_app *app = sock_app(rig.stack, s);
        app->ready(app, s, events, rig.now);
    }
    return rig_output();
}

START_TEST(echo_sends_each_datagram_back_from_the_address_that_was_asked)
{
    static uint8_t data[1472];

    ck_assert_int_eq(start(SERVICE_ECHO), 0);
    memset(data, 0x77, sizeof data);
    for (int i = 0; i < 4; i++) {
        static const size_t len[] = {0, 1, 600, 1472};
        const char *ours = i == 2 ? "fd00::2" : i == 1 ? "10.0.0.3" : "10.0.0.2";
        RIG_INPUT(.dst = ours, .data = data, .len = len[i]);
        ck_assert_int_eq(run(), 1);
        const struct rig_packet *p = &rig.packet[0];
        ck_assert(rig_is((struct endpoint){p->src, p->src_port}, ours, RIG_PORT));
        ck_assert(rig_is((struct endpoint){p->dst, p->dst_port}, i == 2 ? "fd00::1" : "10.0.0.1",
                         RIG_THEIRS));
        ck_assert_uint_eq(p->data_len, len[i]);
        ck_assert_mem_eq(p->data, data, len[i]);
        rig_forget();
    }
    stop();
    PROVES("RFC1122-4.1.3.5-a");
}
END_TEST

START_TEST(discard_says_nothing_and_holds_nothing)
{
    struct stack_usage usage;

    ck_assert_int_eq(start(SERVICE_DISCARD), 0);
    for (int i = 0; i < 300; i++)
        RIG_INPUT(.data = "abc", .len = 3);
    ck_assert_int_eq(run(), 0);
    stack_usage(rig.stack, &usage);
    ck_assert_uint_eq(usage.frames, 0);
    stop();
}
END_TEST

START_TEST(chargen_answers_with_some_of_the_pattern)
{
    size_t least = SERVICE_UDP_CHARGEN, most = 0;

    ck_assert_int_eq(start(SERVICE_CHARGEN), 0);
    for (int i = 0; i < 200; i++) {
        RIG_INPUT(.data = "abc", .len = 3);
        ck_assert_int_eq(run(), 1);
        HOLDS(rig.packet[0].data_len <= SERVICE_UDP_CHARGEN);
        for (size_t k = 0; k < rig.packet[0].data_len; k++)
            HOLDS(rig.packet[0].data[k] == service_pattern(k));
        least = size_min(least, rig.packet[0].data_len);
        most = size_max(most, rig.packet[0].data_len);
        rig_forget();
    }
    ck_assert_uint_lt(least, 100);
    ck_assert_uint_gt(most, 400);
    stop();
}
END_TEST

/* Forged sources: a service of this host or of another, many, nobody. */
START_TEST(an_answer_is_never_answered)
{
    static const uint16_t port[] = {RIG_PORT, OTHER, 7, 9, 13, 17, 19, 53, 1023};

    ck_assert_int_eq(start(_i ? SERVICE_CHARGEN : SERVICE_ECHO), 0);
    for (size_t i = 0; i < ARRAY_LEN(port); i++)
        RIG_INPUT(.data = "loop", .len = 4, .src_port = port[i]);
    RIG_INPUT(.data = "loop", .len = 4, .src = "10.0.0.3", .src_port = RIG_PORT);
    RIG_INPUT(.data = "loop", .len = 4, .src = "10.0.0.255");
    RIG_INPUT(.data = "loop", .len = 4, .dst = "10.0.0.255");
    RIG_INPUT(.data = "loop", .len = 4, .dst = "255.255.255.255");
    RIG_INPUT(.data = "loop", .len = 4, .dst = "224.0.0.1");
    ck_assert_int_eq(run(), 0);
    ck_assert_uint_eq(rig_drops(DROP_IP4_MARTIAN), 2);
    RIG_INPUT(.data = "good", .len = 4, .src_port = 1024);
    ck_assert_int_eq(run(), 1);
    stop();
    PROVES("U06");
}
END_TEST

START_TEST(a_link_that_is_full_costs_one_answer_and_then_waits)
{
    ck_assert_int_eq(start(SERVICE_ECHO), 0);
    rig.full_after = 0;
    for (int i = 0; i < 200; i++)
        RIG_INPUT(.data = "abc", .len = 3);
    ck_assert_int_eq(run(), 0);
    rig.full_after = -1;
    rig_output();
    ck_assert_int_eq(run(), 199);
    stop();
}
END_TEST

START_TEST(what_cannot_be_begun_leaves_nothing)
{
    struct service_udp *first;

    ck_assert_int_eq(start(SERVICE_ECHO), 0);
    first = service;
    ck_assert_int_eq(start(SERVICE_ECHO), -EADDRINUSE);
    service = first;
    stop();
    const struct service_udp_config config = {.stack = rig.stack, .env = &env};
    fail_at = 0;
    ck_assert_int_eq(service_udp_new(&config, &service), -ENOMEM);
    struct env silent = env;
    silent.context = &silent;
    ck_assert_int_eq(
        service_udp_new(&(struct service_udp_config){.stack = rig.stack, .env = &silent}, &service),
        -EIO);
    service_udp_free(NULL);
    ck_assert_uint_eq(memory_used, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("service_udp");

    TCase *c = tcase_create("RFC 862, 863, 864");
    tcase_add_checked_fixture(c, given_rig, rig_end);
    tcase_add_test(c, echo_sends_each_datagram_back_from_the_address_that_was_asked);
    tcase_add_test(c, discard_says_nothing_and_holds_nothing);
    tcase_add_test(c, chargen_answers_with_some_of_the_pattern);
    tcase_add_loop_test(c, an_answer_is_never_answered, 0, 2);
    tcase_add_test(c, a_link_that_is_full_costs_one_answer_and_then_waits);
    tcase_add_test(c, what_cannot_be_begun_leaves_nothing);
    suite_add_tcase(s, c);

    return run_suite(s, "service_udp");
}
