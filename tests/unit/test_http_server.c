/*
 * test_http_server.c - connections of the web server: requests in any split and number, slow and
 * hostile peers, time, and the end.
 */
#include <errno.h>
#include <stdio.h>

#include "base/bytes.h"
#include "http/http_conn.h"
#include "support/holds.h"
#include "support/http_client.h"
#include "support/proves.h"

#define HOST  "Host: a\r\n"
#define GET   "GET / HTTP/1.1\r\n" HOST "\r\n"
#define HELLO "GET /hello.txt HTTP/1.1\r\n" HOST "\r\n"

static const char hello_text[] = "Hello from a TCP/IP stack in userspace.\n";

static void setup(void)
{
    http_client_begin();
    config.files = NULL;
    http_client_start();
}

static void teardown(void)
{
    http_client_end();
}

/* A server with other values than setup() chose. */
static void restart(void)
{
    http_client_end();
    http_client_begin();
    config.files = NULL;
}

static void check_hello(const struct reply *r)
{
    ck_assert_int_eq(r->status, 200);
    ck_assert_uint_eq(r->body_len, sizeof(hello_text) - 1);
    ck_assert(memcmp(r->body, hello_text, r->body_len) == 0);
}

static bool closes(const struct reply *r)
{
    const char *value = field(r, "Connection");
    return value && strcmp(value, "close") == 0;
}

/* --- RFC 9110, 9 and 15: methods and answers ------------------------------------------------ */

START_TEST(get_and_head_are_served)
{
    struct reply get = ask(GET);
    char head[1024];

    ck_assert_int_eq(get.status, 200);
    ck_assert_str_eq(field(&get, "Content-Type"), "text/html; charset=utf-8");
    ck_assert_uint_gt(get.body_len, 1000);
    ck_assert(memcmp(get.body, "<!doctype html>", 15) == 0);
    ck_assert_ptr_null(field(&get, "Connection"));
    snprintf(head, sizeof(head), "%s", get.head);
    struct reply same = ask("HEAD / HTTP/1.1\r\n" HOST "\r\n");
    ck_assert_str_eq(same.head, head);
    PROVES("RFC9110-9.1-a", "RFC9110-9.3.2-a", "RFC9112-4-a");
}
END_TEST

START_TEST(head_then_get_keep_their_framing)
{
    struct reply r;
    int c = connect_client();

    run();
    say(c, "HEAD /hello.txt HTTP/1.1\r\n" HOST "\r\n" HELLO "HEAD /none HTTP/1.1\r\n" HOST
           "\r\n" HELLO);
    run();
    ck_assert(next_reply(c, true, &r));
    ck_assert_str_eq(field(&r, "Content-Length"), "40");
    ck_assert(next_reply(c, false, &r));
    check_hello(&r);
    ck_assert(next_reply(c, true, &r));
    ck_assert_int_eq(r.status, 404);
    ck_assert(next_reply(c, false, &r));
    check_hello(&r);
    ck_assert_uint_eq(stray(c), 0);
    say(c, "HEAD / HTTP/1.1\r\n\r\n"); /* no Host */
    run();
    ck_assert(next_reply(c, true, &r));
    ck_assert_int_eq(r.status, 400);
    ck_assert_uint_eq(stray(c), 0);
    PROVES("RFC9110-9.3.2-a", "RFC9112-6.1-d");
}
END_TEST

START_TEST(method_that_is_not_served_is_405_or_501)
{
    static const char *const known[] = {"POST", "PUT", "DELETE", "TRACE", "PATCH"};
    char text[128];

    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        snprintf(text, sizeof(text), "%s / HTTP/1.1\r\n" HOST "\r\n", known[i]);
        struct reply r = ask(text);
        ck_assert_int_eq(r.status, 405);
        ck_assert_str_eq(field(&r, "Allow"), "GET, HEAD, OPTIONS");
        ck_assert(!closes(&r));
    }
    ck_assert_int_eq(ask("CONNECT a:80 HTTP/1.1\r\n" HOST "\r\n").status, 405);
    ck_assert_int_eq(ask("FOOBAR / HTTP/1.1\r\n" HOST "\r\n").status, 501);
    ck_assert_int_eq(ask("get / HTTP/1.1\r\n" HOST "\r\n").status, 501);
    PROVES("RFC9110-15.5.6-a", "RFC9112-3-c", "W05");
}
END_TEST

START_TEST(options_tells_what_can_be_done)
{
    static const char *const targets[] = {"*", "/", "/hello.txt", "http://a/x"};
    char text[128];

    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        snprintf(text, sizeof(text), "OPTIONS %s HTTP/1.1\r\n" HOST "\r\n", targets[i]);
        struct reply r = ask(text);
        ck_assert_int_eq(r.status, 204);
        ck_assert_str_eq(field(&r, "Allow"), "GET, HEAD, OPTIONS");
        ck_assert(!closes(&r));
    }
    ck_assert_int_eq(ask("GET * HTTP/1.1\r\n" HOST "\r\n").status, 400);
    PROVES("RFC9112-3.2.4-a", "W05");
}
END_TEST

START_TEST(what_is_not_there_is_404)
{
    ck_assert_int_eq(ask("GET /nope HTTP/1.1\r\n" HOST "\r\n").status, 404);
    struct reply r = ask("GET /hello.txt/ HTTP/1.1\r\n" HOST "\r\n");
    ck_assert_int_eq(r.status, 200); /* a page has one name, however it is spelled */
    ck_assert_int_eq(ask("GET /%68ello.txt?x HTTP/1.1\r\n" HOST "\r\n").status, 200);
    ck_assert_int_eq(ask("GET http://b/hello.txt HTTP/1.1\r\n" HOST "\r\n").status, 200);
    ck_assert_int_eq(ask("GET http://b HTTP/1.1\r\n" HOST "\r\n").status, 200);
    PROVES("RFC9110-15.5.5-a", "RFC9112-3.2.2-a");
}
END_TEST

START_TEST(error_says_nothing_that_the_client_sent)
{
    struct reply r = ask("GET /%3Cscript%3Ealert(1)%3C/script%3E HTTP/1.1\r\n" HOST "\r\n");

    ck_assert_int_eq(r.status, 404);
    ck_assert_ptr_null(strstr(r.head, "script"));
    ck_assert_ptr_null(strstr(r.body, "script"));
    ck_assert_str_eq(field(&r, "Content-Type"), "text/html; charset=utf-8");
    ck_assert_ptr_nonnull(strstr(r.body, "Not Found"));
    PROVES("W16");
}
END_TEST

START_TEST(date_is_the_clock_s_in_one_form)
{
    static const char *const requests[] = {
        GET,
        "HEAD / HTTP/1.1\r\n" HOST "\r\n",
        "GET /nope HTTP/1.1\r\n" HOST "\r\n",
        "PUT / HTTP/1.1\r\n" HOST "\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/3.0\r\n\r\n",
    };

    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        struct reply r = ask(requests[i]);
        ck_assert_str_eq(field(&r, "Date"), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
    wall_s++;
    struct reply r = ask(GET);
    ck_assert_str_eq(field(&r, "Date"), "Sun, 06 Nov 1994 08:49:38 GMT");
    PROVES("RFC9110-6.6.1-a");
}
END_TEST

/* --- RFC 9112, 9: connections --------------------------------------------------------------- */

START_TEST(connection_lasts_for_many_requests)
{
    struct reply r;
    int c = connect_client();

    for (int i = 0; i < 100; i++) {
        run();
        say(c, HELLO);
        run();
        ck_assert(next_reply(c, false, &r));
        check_hello(&r);
        ck_assert(!closes(&r));
        wait_ns(NS_PER_S);
    }
    ck_assert(!fake_is_shut(stack, c));
    PROVES("RFC9112-9.3-a");
}
END_TEST

START_TEST(client_of_1_0_is_answered_in_1_1_and_closed_unless_it_asks)
{
    struct reply r = ask("GET /hello.txt HTTP/1.0\r\n\r\n");

    check_hello(&r);
    ck_assert(closes(&r));
    ck_assert(fake_is_shut(stack, asked));
    r = ask("GET /hello.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    check_hello(&r);
    ck_assert_str_eq(field(&r, "Connection"), "keep-alive");
    ck_assert(!fake_is_shut(stack, asked));
    PROVES("RFC9110-2.5-a", "RFC9112-9.3-a", "RFC9112-6.1-d");
}
END_TEST

START_TEST(nothing_is_answered_behind_close)
{
    struct reply r;
    int c = connect_client();

    say(c, "GET /hello.txt HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n" HELLO);
    run();
    ck_assert(next_reply(c, false, &r));
    check_hello(&r);
    ck_assert(closes(&r));
    ck_assert_uint_eq(stray(c), 0);
    ck_assert(fake_is_shut(stack, c) && !fake_is_closed(stack, c));
    say(c, HELLO);
    run();
    ck_assert_uint_eq(stray(c), 0);
    fake_push_end(stack, c);
    run();
    ck_assert(fake_is_closed(stack, c) && !fake_is_reset(stack, c));
    PROVES("RFC9112-9.6-a");
}
END_TEST

START_TEST(pipelined_requests_are_answered_in_order)
{
    enum { COUNT = 100 };
    static char burst[COUNT * 64];
    struct reply r;
    size_t len = 0;

    for (int i = 0; i < COUNT; i++)
        len +=
            (size_t)snprintf(burst + len, sizeof(burst) - len, "GET /%s HTTP/1.1\r\n" HOST "\r\n",
                             i % 3 == 0   ? "hello.txt"
                             : i % 3 == 1 ? "nope"
                                          : "%zz");
    for (size_t step = 1; step <= 4096; step *= 64) { /* octets that a call takes or gives */
        int c = connect_client();
        fake_set_step(stack, step);
        fake_push(stack, c, burst, len);
        run();
        for (int i = 0; i < COUNT; i++) {
            ck_assert(next_reply(c, false, &r));
            ck_assert_int_eq(r.status, i % 3 == 0 ? 200 : i % 3 == 1 ? 404 : 400);
            ck_assert(!closes(&r));
        }
        ck_assert_uint_eq(stray(c), 0);
    }
    fake_set_step(stack, SIZE_MAX);
    int c = connect_client(); /* and each octet in a segment of its own */
    for (size_t i = 0; i < len; i++) {
        fake_push(stack, c, burst + i, 1);
        run();
    }
    for (int i = 0; i < COUNT; i++)
        ck_assert(next_reply(c, false, &r));
    ck_assert_uint_eq(stray(c), 0);
    PROVES("RFC9112-9.3.2-a", "W12");
}
END_TEST

START_TEST(pipelining_costs_the_peer_s_memory_and_not_ours)
{
    struct http_server_stats stats;
    int c = connect_client();

    run();
    fake_set_room(stack, c, 4096); /* and nothing is taken */
    for (int i = 0; i < 10000; i++)
        say(c, HELLO);
    run();
    uint64_t used = memory_used;
    ck_assert_uint_gt(fake_unread(stack, c), 10000 * strlen(HELLO) - HTTP_INPUT_ROOM - 4096);
    int other = connect_client();
    say(other, HELLO);
    run();
    struct reply r;
    ck_assert(next_reply(other, false, &r));
    ck_assert_uint_le(memory_used, used);
    for (int i = 0; i < 10000; i++) {
        while (!next_reply(c, false, &r))
            run();
        HOLDS(r.status == 200);
    }
    http_server_stats(server, &stats);
    ck_assert_uint_eq(stats.requests, 10001);
    PROVES("W12");
}
END_TEST

START_TEST(turns_are_short)
{
    int a = connect_client(), b = connect_client();
    struct reply r;

    run();
    for (int i = 0; i < 1000; i++)
        say(a, HELLO);
    say(b, HELLO);
    fake_run(stack, now); /* one turn each */
    ck_assert(next_reply(b, false, &r));
    int answered = 0;
    while (next_reply(a, false, &r))
        answered++;
    ck_assert_int_eq(answered, HTTP_TURN_REQUESTS);
    run();
    while (next_reply(a, false, &r))
        answered++;
    ck_assert_int_eq(answered, 1000);
}
END_TEST

START_TEST(half_closed_client_gets_its_answers)
{
    struct reply r;
    int c = connect_client();

    fake_set_room(stack, c, 100);
    say(c, HELLO HELLO "GET /hel");
    fake_push_end(stack, c);
    run();
    ck_assert_uint_eq(stray(c), 100);
    ck_assert(!fake_is_shut(stack, c));
    fake_set_room(stack, c, SIZE_MAX);
    sock_again(stack, c);
    run();
    for (int i = 0; i < 2; i++) {
        ck_assert(next_reply(c, false, &r));
        check_hello(&r);
    }
    ck_assert_uint_eq(stray(c), 0);
    ck_assert(fake_is_closed(stack, c) && !fake_is_reset(stack, c));
    PROVES("W13");
}
END_TEST

START_TEST(peer_that_resets_is_forgotten)
{
    struct http_server_stats stats;
    int c = connect_client(), d = connect_client();

    fake_set_room(stack, c, 100);
    say(c, GET);
    run();
    fake_fail(stack, c, -ECONNRESET);
    fake_fail(stack, d, -ETIMEDOUT);
    run();
    http_server_stats(server, &stats);
    ck_assert_uint_eq(stats.open, 0);
    ck_assert_uint_eq(stats.aborted, 1);
    ck_assert(fake_is_closed(stack, c) && fake_is_closed(stack, d));
    PROVES("W13");
}
END_TEST

/* --- RFC 9112, 2 to 6: what is refused ------------------------------------------------------ */

START_TEST(broken_request_is_answered_once_and_the_connection_closes)
{
    static const struct {
        const char *text;
        int status;
    } rows[] = {
        {"\x16\x03\x01\x02", 400},
        {"GET / HTTP/1.1\n" HOST "\n", 400},
        {"GET / HTTP/1.1\r\n" HOST "X: a\rb\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" HOST " X: a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n X: a\r\n" HOST "\r\n", 400},
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
        {"GET /\r\n\r\n", 400},
        {"GET * HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET https://a/ HTTP/1.1\r\n" HOST "\r\n", 421},
        {"GET / HTTP/0.9\r\n" HOST "\r\n", 505},
        {"GET / HTTP/2.0\r\n" HOST "\r\n", 505},
        {"GET / HTTP/9.9\r\n" HOST "\r\n", 505},
        {"POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
        {"POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", 400},
    };
    struct reply r;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (int stepwise = 0; stepwise < 2; stepwise++) {
            int c = connect_client();
            run();
            fake_set_step(stack, stepwise ? 1 : SIZE_MAX);
            say(c, rows[i].text);
            say(c, "0\r\n\r\n" HELLO); /* smuggled */
            run();
            ck_assert(next_reply(c, false, &r));
            ck_assert_msg(r.status == rows[i].status, "%s: %d", rows[i].text, r.status);
            ck_assert(closes(&r));
            ck_assert_uint_eq(stray(c), 0);
            ck_assert(fake_is_shut(stack, c));
            ck_assert_uint_eq(fake_unread(stack, c), 0);
            fake_push_end(stack, c);
            run();
            ck_assert(fake_is_closed(stack, c) && !fake_is_reset(stack, c));
        }
    }
    PROVES("W04", "W05", "RFC9112-2.2-d", "RFC9112-6.1-a", "RFC9112-6.1-b", "RFC9112-6.1-c",
           "RFC9112-5.1-a", "RFC9112-11.2-a");
}
END_TEST

/* What a request of `len` octets, of which most is `filler`, is answered, octet by octet or at
 * once. */
static int status_of_long(const char *before, size_t count, const char *after, size_t step)
{
    struct reply r;
    int c = connect_client();
    static char filler[70000];

    memset(filler, 'a', count);
    run();
    fake_set_step(stack, step);
    fake_push_text(stack, c, before);
    fake_push(stack, c, filler, count);
    fake_push_text(stack, c, after);
    run();
    ck_assert(next_reply(c, false, &r));
    ck_assert_uint_eq(stray(c), 0);
    if (r.status >= 400 && r.status != 404)
        ck_assert(closes(&r) && fake_is_shut(stack, c));
    fake_push_end(stack, c);
    run();
    ck_assert_uint_eq(fake_unread(stack, c), 0);
    return r.status;
}

START_TEST(long_requests_are_refused_and_memory_does_not_grow)
{
    static const size_t steps[] = {1, 1000, SIZE_MAX};
    static const char rest[] = " HTTP/1.1\r\n" HOST "\r\n";
    static const char fields[] = "GET /hello.txt HTTP/1.1\r\n" HOST "X: ";

    ask(HELLO);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        ck_assert_int_eq(status_of_long("GET /", 7999, rest, steps[i]), 404);
        ck_assert_int_eq(status_of_long("GET /", 8191, rest, steps[i]), 404);
        ck_assert_int_eq(status_of_long("GET /", 8192, rest, steps[i]), 414);
        ck_assert_int_eq(status_of_long("GET /", 70000, rest, steps[i]), 414);
        ck_assert_int_eq(status_of_long(fields, 30000, "\r\n\r\n", steps[i]), 200);
        ck_assert_int_eq(status_of_long(fields, 40000, "\r\n\r\n", steps[i]), 431);
        ck_assert_int_eq(status_of_long(fields, 70000, "\r\n\r\n", steps[i]), 431);
    }
    ck_assert_uint_le(memory_used, http_server_memory_cap(server));
    /* No more than one long buffer was ever needed, and pools keep a slab or two of each. */
    ck_assert_uint_le(memory_used, sizeof(struct http_server) + 8 * 65536);
    PROVES("W01", "RFC9112-3-b", "RFC6585-5-a");
}
END_TEST

START_TEST(long_heads_are_503_when_their_buffers_are_taken)
{
    static char line[3000];
    struct reply r;
    int last = -1;

    memset(line, 'x', sizeof(line) - 1);
    memcpy(line, "GET / HTTP/1.1\r\nX: ", 19);
    for (uint32_t i = 0; i <= config.connections / 16 + 16; i++) {
        last = connect_client();
        say(last, line);
    }
    run();
    ck_assert(next_reply(last, false, &r));
    ck_assert_int_eq(r.status, 503);
    ck_assert(closes(&r));
    ck_assert_int_eq(ask(HELLO).status, 200);
}
END_TEST

/* --- time ----------------------------------------------------------------------------------- */

START_TEST(request_has_10_seconds_in_all)
{
    struct http_server_stats stats;
    struct reply r;
    int c = connect_client();
    const char *text = "GET / HTTP/1.1\r\n";

    run();
    wait_ns(5 * NS_PER_S);
    for (int i = 0; i < 4; i++) { /* an octet every 3 s does not help */
        fake_push(stack, c, text + i, 1);
        run();
        ck_assert_uint_eq(stray(c), 0);
        wait_ns(i < 3 ? 3 * NS_PER_S : 900 * NS_PER_MS);
    }
    ck_assert_uint_eq(stray(c), 0);
    wait_ns(200 * NS_PER_MS);
    ck_assert(next_reply(c, false, &r));
    ck_assert_int_eq(r.status, 408);
    ck_assert(closes(&r) && fake_is_shut(stack, c));
    http_server_stats(server, &stats);
    ck_assert_uint_eq(stats.timeouts, 1);
    PROVES("RFC9110-15.5.9-a", "RFC9112-9.5-a");
}
END_TEST

START_TEST(five_thousand_slow_requests_do_not_hold_up_others)
{
    enum { SLOW = 5000 };
    static int slow[SLOW];
    struct http_server_stats stats;
    struct reply r;

    restart();
    config.connections = SLOW + 10;
    http_client_start();
    for (int i = 0; i < SLOW; i++) {
        slow[i] = connect_client();
        say(slow[i], "GET / HTTP/1.1\r\nX");
    }
    run();
    const uint64_t used = memory_used;
    ck_assert_uint_le(used, http_server_memory_cap(server));
    for (int second = 0; second < 10; second++) {
        r = ask(HELLO); /* answered within the same moment */
        check_hello(&r);
        if (second == 5)
            for (int i = 0; i < SLOW; i++)
                say(slow[i], "y");
        if (second < 9)
            wait_ns(NS_PER_S);
    }
    ck_assert_uint_le(memory_used, used + 2 * 65536);
    wait_ns(1100 * NS_PER_MS);
    for (int i = 0; i < SLOW; i++) {
        HOLDS(next_reply(slow[i], false, &r) && r.status == 408 && fake_is_shut(stack, slow[i]));
        HOLDS(stray(slow[i]) == 0);
    }
    wait_ns(2100 * NS_PER_MS);
    http_server_stats(server, &stats);
    ck_assert_uint_le(stats.open, 10);
    PROVES("W09", "RFC9110-15.5.9-a");
}
END_TEST

START_TEST(silent_connections_are_closed)
{
    struct reply r;
    int fresh = connect_client(), idle = connect_client();

    run();
    say(idle, HELLO);
    run();
    ck_assert(next_reply(idle, false, &r));
    wait_ns(9900 * NS_PER_MS);
    ck_assert(!fake_is_closed(stack, fresh));
    wait_ns(200 * NS_PER_MS);
    ck_assert(fake_is_closed(stack, fresh) && !fake_is_reset(stack, fresh));
    ck_assert_uint_eq(stray(fresh), 0);
    ck_assert(!fake_is_closed(stack, idle));
    wait_ns(4700 * NS_PER_MS);
    ck_assert(!fake_is_closed(stack, idle));
    wait_ns(400 * NS_PER_MS);
    ck_assert(fake_is_closed(stack, idle) && !fake_is_reset(stack, idle));
    ck_assert_uint_eq(stray(idle), 0);
    ck_assert(instant_is_never(http_server_deadline(server)));
    PROVES("RFC9112-9.5-a");
}
END_TEST

START_TEST(lingering_reads_on_until_the_peer_is_done)
{
    struct reply r;
    int c = connect_client();
    static char content[100000];

    say(c, "GET / HTTP/1.1\r\n" HOST "Content-Length: 10000000\r\n\r\n");
    run();
    ck_assert(next_reply(c, false, &r));
    ck_assert_int_eq(r.status, 413);
    ck_assert(fake_is_shut(stack, c));
    for (int i = 0; i < 100; i++) {
        fake_push(stack, c, content, sizeof(content));
        run();
        ck_assert_uint_eq(fake_unread(stack, c), 0);
    }
    ck_assert(!fake_is_closed(stack, c));
    fake_push_end(stack, c);
    run();
    ck_assert(fake_is_closed(stack, c) && !fake_is_reset(stack, c));
    PROVES("RFC9112-9.6-b", "W11");
}
END_TEST

START_TEST(lingering_has_an_end)
{
    struct reply r;
    int c = connect_client();
    static char content[1 << 20];

    say(c, "GET / HTTP/1.1\r\n\r\n");
    run();
    ck_assert(next_reply(c, false, &r));
    wait_ns(1900 * NS_PER_MS);
    ck_assert(!fake_is_closed(stack, c));
    wait_ns(200 * NS_PER_MS);
    ck_assert(fake_is_closed(stack, c) && !fake_is_reset(stack, c));

    c = connect_client(); /* however much comes */
    say(c, "GET / HTTP/1.1\r\n\r\n");
    run();
    ck_assert(next_reply(c, false, &r));
    for (int i = 0; i < 64; i++) {
        ck_assert(!fake_is_closed(stack, c));
        fake_push(stack, c, content, sizeof(content));
        run();
    }
    ck_assert(fake_is_closed(stack, c));
    PROVES("RFC9112-9.6-b", "W11");
}
END_TEST

START_TEST(lingering_waits_for_a_long_response_to_arrive)
{
    int c = connect_client();

    say(c, "GET / HTTP/1.0\r\n\r\n");
    run();
    ck_assert(fake_is_shut(stack, c));
    wait_ns(1 * NS_PER_S);
    ck_assert_uint_gt(stray(c), 2500);
    fake_take(stack, c, NULL, 2500); /* acknowledged, faster than 1 kB/s */
    wait_ns(2 * NS_PER_S);
    ck_assert(!fake_is_closed(stack, c));
    wait_ns(2 * NS_PER_S);
    ck_assert(fake_is_closed(stack, c) && !fake_is_reset(stack, c));

    c = connect_client(); /* and no longer than that */
    say(c, "GET / HTTP/1.0\r\n\r\n");
    run();
    wait_ns(1 * NS_PER_S);
    fake_take(stack, c, NULL, SIZE_MAX);
    wait_ns(1100 * NS_PER_MS);
    ck_assert(fake_is_closed(stack, c));
}
END_TEST

START_TEST(many_connections_at_once_are_accepted_in_turns)
{
    enum { COUNT = 3 * HTTP_TURN_ACCEPTS };
    static int clients[COUNT];
    struct reply r;

    restart();
    config.connections = COUNT;
    http_client_start();
    for (int i = 0; i < COUNT; i++) {
        clients[i] = connect_client();
        say(clients[i], HELLO);
    }
    fake_run(stack, now);
    ck_assert_int_eq(fake_backlog(stack, fake_listener(stack, 80)), COUNT - HTTP_TURN_ACCEPTS);
    run();
    for (int i = 0; i < COUNT; i++) {
        ck_assert(next_reply(clients[i], false, &r));
        check_hello(&r);
    }
}
END_TEST

/* --- caps ----------------------------------------------------------------------------------- */

START_TEST(connection_too_many_is_told_503_and_then_waits)
{
    enum { CAP = 4, RESERVE = CAP / 16 + 16, EXTRA = 5 };
    struct http_server_stats stats;
    struct reply r;
    int clients[CAP + RESERVE + EXTRA];

    restart();
    config.connections = CAP;
    http_client_start();
    for (size_t i = 0; i < ARRAY_LEN(clients); i++)
        clients[i] = connect_client();
    run();
    for (int i = 0; i < CAP; i++)
        ck_assert_uint_eq(stray(clients[i]), 0);
    for (int i = CAP; i < CAP + RESERVE; i++) {
        ck_assert(next_reply(clients[i], false, &r));
        ck_assert_int_eq(r.status, 503);
        ck_assert_str_eq(field(&r, "Retry-After"), "1");
        ck_assert(closes(&r) && fake_is_shut(stack, clients[i]) &&
                  !fake_is_closed(stack, clients[i]));
    }
    ck_assert_int_eq(fake_backlog(stack, fake_listener(stack, 80)), EXTRA);
    say(clients[0], HELLO); /* those inside are served */
    run();
    ck_assert(next_reply(clients[0], false, &r));
    check_hello(&r);
    say(clients[0], "G"); /* it is busy again, or it would make room */
    run();
    wait_ns(3 * NS_PER_S); /* the refused are gone, and make room for those outside */
    ck_assert_int_eq(fake_backlog(stack, fake_listener(stack, 80)), 0);
    for (int i = CAP + RESERVE; i < CAP + RESERVE + EXTRA; i++)
        ck_assert(next_reply(clients[i], false, &r) && r.status == 503);
    for (int i = 0; i < CAP; i++)
        fake_push_end(stack, clients[i]);
    run();
    ck_assert_int_eq(ask(HELLO).status, 200);
    http_server_stats(server, &stats);
    ck_assert_uint_eq(stats.refused, RESERVE + EXTRA);
    PROVES("RFC9110-15.6-a");
}
END_TEST

START_TEST(who_keeps_a_connection_in_case_makes_room_for_others)
{
    struct http_server_stats stats;
    struct reply r;
    int clients[4];

    restart();
    config.connections = ARRAY_LEN(clients);
    http_client_start();
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        clients[i] = connect_client();
        run();
    }
    for (size_t i = 0; i < 3; i++) { /* the last asks nothing, and is left alone */
        say(clients[2 - i], HELLO);
        run();
        ck_assert(next_reply(clients[2 - i], false, &r));
    }
    say(clients[2], "GET"); /* is busy again */
    run();
    r = ask(HELLO);
    check_hello(&r);
    ck_assert(fake_is_closed(stack, clients[1]) && !fake_is_reset(stack, clients[1]));
    r = ask(HELLO);
    check_hello(&r);
    ck_assert(fake_is_closed(stack, clients[0]));
    ck_assert(!fake_is_closed(stack, clients[2]) && !fake_is_closed(stack, clients[3]));
    http_server_stats(server, &stats);
    ck_assert_uint_eq(stats.evicted, 2);
    ck_assert_uint_eq(stats.refused, 0);
}
END_TEST

START_TEST(client_has_its_share_of_connections)
{
    const struct ip_addr a = {{[10] = 0xff, 0xff, 10, 9, 0, 1}},
                         b = {{[10] = 0xff, 0xff, 10, 9, 0, 2}};
    const struct ip_addr six = {{0x20, 1, [15] = 1}}, same_net = {{0x20, 1, [8] = 9, [15] = 7}};
    const struct {
        struct ip_addr addr;
        bool served;
    } rows[] = {
        {a, true}, {a, true}, {a, false}, {b, true}, {six, true}, {same_net, true}, {six, false},
    };
    struct reply r;
    int clients[ARRAY_LEN(rows)];

    restart();
    config.per_client = 2;
    http_client_start();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        clients[i] = connect_client();
        fake_set_remote(stack, clients[i], rows[i].addr);
        run();
        ck_assert(next_reply(clients[i], false, &r) == !rows[i].served);
        if (!rows[i].served)
            ck_assert_int_eq(r.status, 503);
    }
    fake_push_end(stack, clients[0]); /* one of them goes */
    fake_push_end(stack, clients[2]);
    run();
    int c = connect_client();
    fake_set_remote(stack, c, a);
    say(c, HELLO);
    run();
    ck_assert(next_reply(c, false, &r));
    check_hello(&r);
}
END_TEST

/* The same short life of a server, while the allocation number `fail_at` fails, once or for good.
 */
static bool live_with_failures(int64_t fail_at, bool forever)
{
    struct reply r;

    http_client_begin();
    config.files = NULL;
    memory_fail_at = fail_at;
    memory_fail_on = forever;
    if (http_server_new(&config, now, &server) == 0) {
        for (int i = 0; i < 3; i++) {
            int c = connect_client();
            run();
            if (i == 1) { /* one long head */
                say(c, "GET / HTTP/1.1\r\nX:");
                for (int j = 0; j < 3000; j++)
                    fake_push(stack, c, "y", 1);
                say(c, "\r\n" HOST "\r\n");
            } else {
                say(c, HELLO);
            }
            run();
            if (next_reply(c, false, &r))
                ck_assert(r.status == 200 || r.status == 503);
            else
                ck_assert_int_gt(fake_backlog(stack, fake_listener(stack, 80)), 0);
        }
        memory_fail_on = false;
        memory_fail_at = -1;
        /* It works again; those outside may have to wait for the first event. */
        int c = connect_client();
        say(c, HELLO);
        run();
        ck_assert(next_reply(c, false, &r));
        ck_assert_int_eq(r.status, 200);
    }
    bool failed = memory_fail_at < 0;
    http_client_end();
    return failed;
}

START_TEST(client_beyond_its_share_takes_no_place_from_others)
{
    enum { SHARE = 2, MANY = 100 };
    const struct ip_addr greedy = {{[10] = 0xff, 0xff, 10, 9, 0, 1}},
                         other = {{[10] = 0xff, 0xff, 10, 9, 0, 2}};
    struct http_server_stats stats;
    struct reply r;

    restart();
    config.connections = 4;
    config.per_client = SHARE;
    http_client_start();
    for (int i = 0; i < MANY; i++) {
        int c = connect_client();
        fake_set_remote(stack, c, greedy);
        run();
    }
    int c = connect_client();
    fake_set_remote(stack, c, other);
    say(c, HELLO);
    run(); /* while those who were told 503 have not gone yet */
    ck_assert(next_reply(c, false, &r));
    check_hello(&r);
    http_server_stats(server, &stats);
    ck_assert_uint_eq(stats.refused, MANY - SHARE);
}
END_TEST

START_TEST(who_is_in_the_middle_of_a_turn_is_not_idle)
{
    struct http_server_stats stats;
    struct reply r;
    int a, answered = 0;

    restart();
    config.connections = 1;
    http_client_start();
    a = connect_client();
    run();
    for (int i = 0; i < 100; i++)
        say(a, HELLO);
    fake_run(stack, now); /* a part of them */
    int b = connect_client();
    run();
    ck_assert(next_reply(b, false, &r));
    ck_assert_int_eq(r.status, 503);
    while (next_reply(a, false, &r))
        answered++;
    ck_assert_int_eq(answered, 100);
    http_server_stats(server, &stats);
    ck_assert_uint_eq(stats.evicted, 0);
    b = connect_client(); /* now it is */
    say(b, HELLO);
    run();
    ck_assert(next_reply(b, false, &r));
    check_hello(&r);
    ck_assert(fake_is_closed(stack, a) && !fake_is_reset(stack, a));
}
END_TEST

START_TEST(allocation_that_fails_costs_one_answer_at_most)
{
    http_client_end();
    for (int forever = 0; forever < 2; forever++)
        for (int64_t k = 0; k < 40; k++)
            live_with_failures(k, forever);
    http_client_begin();
    config.files = NULL;
    http_client_start();
}
END_TEST

/* --- what is told of it ---------------------------------------------------------------------- */

/* What the last response was told to be, and how many there were. */
static struct {
    unsigned calls, farewells;
    bool has_request, whole;
    int status;
    uint64_t content, nth, requests;
    int64_t duration_ns;
    char head[64];
} told;

static void note_answered(void *context, const struct http_access *access)
{
    ck_assert_ptr_eq(context, &told);
    told.calls++;
    told.has_request = access->request != NULL;
    told.whole = access->whole;
    told.status = access->status;
    told.content = access->content;
    told.nth = access->nth;
    told.duration_ns = access->duration_ns;
    snprintf(told.head, sizeof(told.head), "%.*s", (int)access->head.len, access->head.at);
}

static void note_closed(void *context, const struct http_farewell *farewell)
{
    ck_assert_ptr_eq(context, &told);
    ck_assert_ptr_nonnull(farewell->why);
    told.farewells++;
    told.requests = farewell->requests;
}

START_TEST(every_response_is_told_once)
{
    static const struct {
        const char *text;
        int64_t wait_s;
        int status;
        bool has_request;
    } rows[] = {
        {HELLO, 0, 200, true},
        {"HEAD /hello.txt HTTP/1.1\r\nHost: h\r\n\r\n", 0, 200, true},
        {"GET /none HTTP/1.1\r\nHost: h\r\n\r\n", 0, 404, true},
        {"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999\r\n\r\n", 0, 413, true},
        {"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nx", 0, 400, true},
        {"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx", 21, 408, true},
        {"GET /slow", 11, 408, false},
        {"GET /bad\r\n", 0, 400, false},
        {"GET /two HTTP/3.0\r\n", 0, 505, false},
    };

    restart();
    config.access = (struct http_access_ops){&told, note_answered, note_closed};
    http_client_start();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        memset(&told, 0, sizeof(told));
        int c = connect_client();
        say(c, HELLO); /* something before it, in the same buffer */
        say(c, rows[i].text);
        run();
        ck_assert_uint_eq(told.calls, rows[i].wait_s ? 1 : 2);
        wait_ns(rows[i].wait_s * NS_PER_S);
        ck_assert_msg(told.calls == 2, "%s", rows[i].text);
        ck_assert_msg(told.status == rows[i].status, "%s: %d", rows[i].text, told.status);
        ck_assert_msg(told.has_request == rows[i].has_request, "%s", rows[i].text);
        ck_assert(told.whole);
        ck_assert_uint_eq(told.nth, 2);
        ck_assert(memcmp(told.head, rows[i].text, 8) == 0);
        ck_assert_int_eq(told.duration_ns / NS_PER_S, rows[i].wait_s ? rows[i].wait_s - 1 : 0);
        fake_push_end(stack, c);
        run();
        ck_assert_uint_eq(told.calls, 2);
        ck_assert_uint_eq(told.farewells, 1);
        ck_assert_uint_eq(told.requests, 2);
    }
}
END_TEST

START_TEST(response_that_is_cut_off_is_told_so)
{
    restart();
    config.access = (struct http_access_ops){&told, note_answered, note_closed};
    http_client_start();
    for (size_t room = 1; room < 1000; room += 99) {
        for (int none = 0; none <= 1; none++) {
            struct reply r;
            memset(&told, 0, sizeof(told));
            int c = connect_client();
            fake_set_room(stack, c, room);
            say(c, none ? "GET /none HTTP/1.1\r\nHost: h\r\n\r\n" : GET);
            run();
            struct bytes sent = fake_sent(stack, c);
            const void *end = memmem(sent.at, sent.len, "\r\n\r\n", 4);
            const size_t content =
                end ? sent.len - (size_t)((const uint8_t *)end - sent.at) - 4 : 0;
            const bool whole = next_reply(c, false, &r);
            fake_fail(stack, c, -ECONNRESET);
            run();
            ck_assert_uint_eq(told.calls, 1);
            ck_assert_uint_eq(told.farewells, 1);
            ck_assert(told.whole == whole);
            ck_assert_uint_eq(told.content, content);
        }
    }
}
END_TEST

/* --- the end -------------------------------------------------------------------------------- */

START_TEST(stopping_lets_responses_end)
{
    struct http_server_stats stats;
    struct reply r;
    int idle = connect_client(), busy = connect_client(), part = connect_client();

    run();
    fake_set_room(stack, busy, 1000);
    say(busy, GET GET);
    say(part, "GET /");
    run();
    http_server_stop(server, now);
    ck_assert_int_eq(fake_listener(stack, 80), -1);
    ck_assert(fake_is_closed(stack, idle) && !fake_is_reset(stack, idle));
    ck_assert(fake_is_closed(stack, part) && !fake_is_reset(stack, part));
    ck_assert(!fake_is_closed(stack, busy));
    fake_set_room(stack, busy, SIZE_MAX);
    sock_again(stack, busy);
    run();
    ck_assert(next_reply(busy, false, &r));
    ck_assert_int_eq(r.status, 200);
    ck_assert_uint_eq(stray(busy), 0);
    ck_assert(fake_is_shut(stack, busy));
    fake_push_end(stack, busy);
    run();
    http_server_stats(server, &stats);
    ck_assert_uint_eq(stats.open, 0);
}
END_TEST

START_TEST(stopping_resets_nobody_who_was_answered)
{
    struct http_server_stats stats;
    struct reply r;
    int many = connect_client(), one = connect_client(), answered = 0;

    run();
    say(one, HELLO);
    run();
    for (int i = 0; i < 100; i++)
        say(many, HELLO);
    fake_run(stack, now); /* a part of them */
    say(one, HELLO);      /* which has not been read */
    http_server_stop(server, now);
    ck_assert(fake_is_shut(stack, many) && !fake_is_reset(stack, many));
    ck_assert(fake_is_shut(stack, one) && !fake_is_reset(stack, one));
    while (next_reply(many, false, &r))
        answered++;
    ck_assert_int_eq(answered, HTTP_TURN_REQUESTS);
    ck_assert(next_reply(one, false, &r));
    fake_push_end(stack, many);
    fake_push_end(stack, one);
    run();
    ck_assert(fake_is_closed(stack, many) && !fake_is_reset(stack, many));
    http_server_stats(server, &stats);
    ck_assert_uint_eq(stats.open, 0);
}
END_TEST

START_TEST(port_that_is_taken_is_an_error)
{
    struct http_server *second;

    ck_assert_int_eq(http_server_new(&config, now, &second), -EADDRINUSE);
}
END_TEST

static TCase *add_tcase(Suite *s, const char *name)
{
    TCase *c = tcase_create(name);

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 60);
    suite_add_tcase(s, c);
    return c;
}

int main(void)
{
    Suite *s = suite_create("http_server");
    TCase *c = add_tcase(s, "RFC 9110, 9 and 15: methods and answers");

    tcase_add_test(c, get_and_head_are_served);
    tcase_add_test(c, head_then_get_keep_their_framing);
    tcase_add_test(c, method_that_is_not_served_is_405_or_501);
    tcase_add_test(c, options_tells_what_can_be_done);
    tcase_add_test(c, what_is_not_there_is_404);
    tcase_add_test(c, error_says_nothing_that_the_client_sent);
    tcase_add_test(c, date_is_the_clock_s_in_one_form);

    c = add_tcase(s, "RFC 9112, 9: connections");
    tcase_add_test(c, connection_lasts_for_many_requests);
    tcase_add_test(c, client_of_1_0_is_answered_in_1_1_and_closed_unless_it_asks);
    tcase_add_test(c, nothing_is_answered_behind_close);
    tcase_add_test(c, pipelined_requests_are_answered_in_order);
    tcase_add_test(c, pipelining_costs_the_peer_s_memory_and_not_ours);
    tcase_add_test(c, turns_are_short);
    tcase_add_test(c, half_closed_client_gets_its_answers);
    tcase_add_test(c, peer_that_resets_is_forgotten);

    c = add_tcase(s, "RFC 9112, 2 to 6: what is refused");
    tcase_add_test(c, broken_request_is_answered_once_and_the_connection_closes);
    tcase_add_test(c, long_requests_are_refused_and_memory_does_not_grow);
    tcase_add_test(c, long_heads_are_503_when_their_buffers_are_taken);

    c = add_tcase(s, "RFC 9112, 9.5 and 9.6: time");
    tcase_add_test(c, request_has_10_seconds_in_all);
    tcase_add_test(c, five_thousand_slow_requests_do_not_hold_up_others);
    tcase_add_test(c, silent_connections_are_closed);
    tcase_add_test(c, lingering_reads_on_until_the_peer_is_done);
    tcase_add_test(c, lingering_has_an_end);
    tcase_add_test(c, lingering_waits_for_a_long_response_to_arrive);

    c = add_tcase(s, "caps");
    tcase_add_test(c, many_connections_at_once_are_accepted_in_turns);
    tcase_add_test(c, connection_too_many_is_told_503_and_then_waits);
    tcase_add_test(c, who_keeps_a_connection_in_case_makes_room_for_others);
    tcase_add_test(c, client_has_its_share_of_connections);
    tcase_add_test(c, client_beyond_its_share_takes_no_place_from_others);
    tcase_add_test(c, who_is_in_the_middle_of_a_turn_is_not_idle);
    tcase_add_test(c, allocation_that_fails_costs_one_answer_at_most);

    c = add_tcase(s, "the end");
    tcase_add_test(c, every_response_is_told_once);
    tcase_add_test(c, response_that_is_cut_off_is_told_so);
    tcase_add_test(c, stopping_lets_responses_end);
    tcase_add_test(c, stopping_resets_nobody_who_was_answered);
    tcase_add_test(c, port_that_is_taken_is_an_error);
    return run_suite(s, "http_server");
}
