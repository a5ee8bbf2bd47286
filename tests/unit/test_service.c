/*
 * test_service.c - echo, discard and chargen over sockets in memory.
 */
#include "apps/service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/instant.h"
#include "support/counted.h"
#include "support/fake_sock.h"
#include "support/holds.h"
#include "support/proves.h"

enum { PORT = 7, PATTERN = 95 * 74 };

static struct stack *stack;
static struct service *service;
static const instant now = {NS_PER_S};

static const struct env env = {.alloc = counted_alloc, .release = counted_release};

static int start(enum service_kind kind, uint32_t connections)
{
    const struct service_config config = {
        .kind = kind,
        .stack = stack,
        .env = &env,
        .local = {.port = PORT},
        .backlog = 16,
        .connections = connections,
    };
    return service_new(&config, &service);
}

static void setup(void)
{
    stack = fake_stack_new();
    service = NULL;
    memory_used = 0;
    fail_at = -1;
}

static void teardown(void)
{
    service_free(service);
    ck_assert_int_eq(fake_misuse(stack), 0);
    ck_assert_int_eq(fake_open(stack), 0);
    ck_assert_uint_eq(memory_used, 0);
    fake_stack_free(stack);
}

static void run(void)
{
    ck_assert_int_lt(fake_run_all(stack, now, 100000), 100000);
}

static int client(void)
{
    return fake_connect(stack, fake_listener(stack, PORT));
}

static uint8_t octet_at(uint64_t at)
{
    return (uint8_t)(at * 13 + (at >> 8));
}

static void push_pattern(int s, uint64_t from, size_t len)
{
    uint8_t *octets = malloc(len);

    for (size_t i = 0; i < len; i++)
        octets[i] = octet_at(from + i);
    fake_push(stack, s, octets, len);
    free(octets);
}

/* --- RFC 862 -------------------------------------------------------------------------------- */

START_TEST(echo_returns_what_it_gets)
{
    ck_assert_int_eq(start(SERVICE_ECHO, 8), 0);
    int c = client();
    fake_push_text(stack, c, "hello");
    run();
    struct bytes sent = fake_sent(stack, c);
    ck_assert_uint_eq(sent.len, 5);
    ck_assert(memcmp(sent.at, "hello", 5) == 0);
    ck_assert(!fake_is_shut(stack, c));
    fake_push_end(stack, c);
    run();
    ck_assert(fake_is_closed(stack, c) && !fake_is_reset(stack, c));
    ck_assert_uint_eq(service_connections(service), 0);
}
END_TEST

START_TEST(echo_holds_back_when_nobody_reads)
{
    enum { LEN = 1000000 };
    static uint8_t got[LEN];

    ck_assert_int_eq(start(SERVICE_ECHO, 8), 0);
    int c = client();
    run();
    fake_set_room(stack, c, 10000);
    uint64_t idle = memory_used;
    push_pattern(c, 0, LEN);
    run();
    ck_assert_uint_eq(fake_unread(stack, c), LEN - 10000); /* the rest is the peer's */
    ck_assert_uint_eq(memory_used, idle);
    size_t len = 0, taken;
    while ((taken = fake_take(stack, c, got + len, 777))) {
        len += taken;
        run();
    }
    ck_assert_uint_eq(len, LEN);
    for (size_t i = 0; i < LEN; i++)
        HOLDS(got[i] == octet_at(i));
    fake_push_end(stack, c);
    run();
    ck_assert(fake_is_closed(stack, c) && !fake_is_reset(stack, c));
}
END_TEST

START_TEST(echo_of_a_half_closed_peer_is_complete)
{
    ck_assert_int_eq(start(SERVICE_ECHO, 8), 0);
    int c = client();
    run();
    fake_set_room(stack, c, 100);
    push_pattern(c, 0, 50000);
    fake_push_end(stack, c);
    run();
    ck_assert(!fake_is_shut(stack, c));
    fake_set_room(stack, c, SIZE_MAX);
    fake_take(stack, c, NULL, 1);
    run();
    ck_assert_uint_eq(fake_sent_total(stack, c), 50000);
    ck_assert(fake_is_closed(stack, c) && !fake_is_reset(stack, c));
}
END_TEST

START_TEST(turns_are_short)
{
    ck_assert_int_eq(start(SERVICE_ECHO, 8), 0);
    int a = client(), b = client();
    run();
    push_pattern(a, 0, 4 << 20);
    push_pattern(b, 0, 100);
    fake_run(stack, now);
    ck_assert_uint_eq(fake_sent(stack, b).len, 100);
    ck_assert_uint_le(fake_sent(stack, a).len, 262144 + 16384);
    run();
    ck_assert_uint_eq(fake_sent(stack, a).len, 4 << 20);
}
END_TEST

/* --- RFC 863 -------------------------------------------------------------------------------- */

START_TEST(discard_takes_all_and_sends_nothing)
{
    ck_assert_int_eq(start(SERVICE_DISCARD, 8), 0);
    int c = client();
    push_pattern(c, 0, 2000000);
    run();
    ck_assert_uint_eq(fake_unread(stack, c), 0);
    ck_assert_uint_eq(fake_sent_total(stack, c), 0);
    ck_assert(!fake_is_shut(stack, c));
    fake_push_end(stack, c);
    run();
    ck_assert(fake_is_closed(stack, c) && !fake_is_reset(stack, c));
}
END_TEST

/* --- RFC 864 -------------------------------------------------------------------------------- */

START_TEST(pattern_is_72_characters_a_line_each_one_further)
{
    char line[75] = {0};

    for (size_t i = 0; i < 74; i++)
        line[i] = (char)service_pattern(i);
    ck_assert_str_eq(line, " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_"
                           "`abcdefg\r\n");
    for (size_t i = 0; i < 74; i++)
        line[i] = (char)service_pattern(74 + i);
    ck_assert_str_eq(line, "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_"
                           "`abcdefgh\r\n");
    for (uint64_t at = 0; at < 3 * PATTERN; at++) {
        uint8_t octet = service_pattern(at);
        HOLDS(octet == service_pattern(at + PATTERN));
        HOLDS(at % 74 == 72   ? octet == '\r'
              : at % 74 == 73 ? octet == '\n'
                              : octet >= ' ' && octet <= '~');
        if (at % 74 < 71)
            HOLDS(service_pattern(at + 1) == (octet == '~' ? ' ' : octet + 1));
    }
}
END_TEST

START_TEST(chargen_sends_the_pattern_at_any_pace)
{
    static uint8_t got[100000];
    size_t len = 0;

    ck_assert_int_eq(start(SERVICE_CHARGEN, 8), 0);
    int c = client();
    fake_set_room(stack, c, 10007);
    run();
    for (size_t step = 1; len + step <= sizeof(got); step += 13) {
        size_t taken = fake_take(stack, c, got + len, step);
        len += taken;
        fake_push_text(stack, c, "what is said is ignored");
        run();
    }
    ck_assert_uint_gt(len, 50000);
    for (size_t i = 0; i < len; i++)
        HOLDS(got[i] == service_pattern(i));
    ck_assert_uint_le(fake_unread(stack, c), 10000);
}
END_TEST

START_TEST(chargen_goes_on_until_the_peer_is_gone)
{
    ck_assert_int_eq(start(SERVICE_CHARGEN, 8), 0);
    int c = client();
    fake_set_room(stack, c, 1000);
    run();
    fake_push_end(stack, c); /* half closed: it still reads */
    run();
    ck_assert_uint_eq(fake_take(stack, c, NULL, 1000), 1000);
    run();
    ck_assert_uint_eq(fake_sent(stack, c).len, 1000);
    ck_assert(!fake_is_closed(stack, c));
    fake_fail(stack, c, -ECONNRESET);
    run();
    ck_assert(fake_is_closed(stack, c));
}
END_TEST

/* --- caps and ends -------------------------------------------------------------------------- */

START_TEST(connections_beyond_the_cap_wait_in_the_backlog)
{
    int clients[5];

    ck_assert_int_eq(start(SERVICE_ECHO, 3), 0);
    for (int i = 0; i < 5; i++) {
        clients[i] = client();
        fake_push_text(stack, clients[i], "x");
    }
    run();
    ck_assert_uint_eq(service_connections(service), 3);
    ck_assert_int_eq(fake_backlog(stack, fake_listener(stack, PORT)), 2);
    for (int i = 0; i < 3; i++)
        fake_push_end(stack, clients[i]);
    run();
    for (int i = 0; i < 5; i++)
        ck_assert_uint_eq(fake_sent(stack, clients[i]).len, 1);
    ck_assert_uint_eq(service_connections(service), 2);
}
END_TEST

/* Idle, or full of text that nobody reads. */
START_TEST(a_connection_costs_nothing_beside_its_socket)
{
    static const enum service_kind kinds[] = {SERVICE_ECHO, SERVICE_DISCARD, SERVICE_CHARGEN};

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        ck_assert_int_eq(start(kinds[i], 1000), 0);
        uint64_t before = memory_used;
        fake_set_room_of_all(stack, 10);
        for (int n = 0; n < 1000; n++) {
            int c = client();
            if (n % 2)
                push_pattern(c, 0, 100);
            run();
        }
        ck_assert_uint_eq(service_connections(service), 1000);
        ck_assert_uint_eq(memory_used, before);
        service_free(service);
        service = NULL;
    }
}
END_TEST

START_TEST(connection_that_fails_is_forgotten)
{
    static const enum service_kind kinds[] = {SERVICE_ECHO, SERVICE_DISCARD, SERVICE_CHARGEN};

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        ck_assert_int_eq(start(kinds[i], 8), 0);
        int c = client();
        fake_set_room(stack, c, 10);
        push_pattern(c, 0, 100);
        run();
        fake_fail(stack, c, -ETIMEDOUT);
        run();
        ck_assert(fake_is_closed(stack, c));
        ck_assert_uint_eq(service_connections(service), 0);
        service_free(service);
        service = NULL;
    }
}
END_TEST

START_TEST(memory_that_fails_costs_one_connection_at_most)
{
    for (int64_t k = 0; k < 8; k++) {
        fail_at = k;
        if (start(SERVICE_ECHO, 8) == 0) {
            int c = client();
            fake_set_room(stack, c, 10);
            push_pattern(c, 0, 100);
            run();
            fail_at = -1;
            int d = client();
            push_pattern(d, 0, 100);
            run();
            ck_assert_uint_eq(fake_sent(stack, d).len, 100);
        }
        service_free(service);
        service = NULL;
        ck_assert_uint_eq(memory_used, 0);
    }
}
END_TEST

START_TEST(stopping_closes_gracefully_and_freeing_resets)
{
    ck_assert_int_eq(start(SERVICE_ECHO, 8), 0);
    ck_assert_int_eq(start(SERVICE_ECHO, 8), -EADDRINUSE);
    int c = client();
    run();
    service_stop(service);
    ck_assert(fake_is_closed(stack, c) && !fake_is_reset(stack, c));
    ck_assert_int_eq(fake_listener(stack, PORT), -1);
    service_free(service);
    ck_assert_int_eq(start(SERVICE_ECHO, 8), 0);
    c = client();
    run();
    service_free(service);
    service = NULL;
    ck_assert(fake_is_reset(stack, c));
}
END_TEST

static TCase *add_tcase(Suite *s, const char *name)
{
    TCase *c = tcase_create(name);

    tcase_add_checked_fixture(c, setup, teardown);
    suite_add_tcase(s, c);
    return c;
}

int main(void)
{
    Suite *s = suite_create("service");
    TCase *c = add_tcase(s, "RFC 862: echo");

    tcase_add_test(c, echo_returns_what_it_gets);
    tcase_add_test(c, echo_holds_back_when_nobody_reads);
    tcase_add_test(c, echo_of_a_half_closed_peer_is_complete);
    tcase_add_test(c, turns_are_short);
    c = add_tcase(s, "RFC 863: discard");
    tcase_add_test(c, discard_takes_all_and_sends_nothing);
    c = add_tcase(s, "RFC 864: chargen");
    tcase_add_test(c, pattern_is_72_characters_a_line_each_one_further);
    tcase_add_test(c, chargen_sends_the_pattern_at_any_pace);
    tcase_add_test(c, chargen_goes_on_until_the_peer_is_gone);
    c = add_tcase(s, "caps and ends");
    tcase_add_test(c, connections_beyond_the_cap_wait_in_the_backlog);
    tcase_add_test(c, a_connection_costs_nothing_beside_its_socket);
    tcase_add_test(c, connection_that_fails_is_forgotten);
    tcase_add_test(c, memory_that_fails_costs_one_connection_at_most);
    tcase_add_test(c, stopping_closes_gracefully_and_freeing_resets);
    return run_suite(s, "service");
}
