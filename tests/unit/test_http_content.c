/*
 * test_http_content.c - content both ways: what a request carries, and what is made while it is
 * sent.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/http_conn.h"
#include "support/holds.h"
#include "support/http_client.h"
#include "support/proves.h"

#define HOST  "Host: h\r\n"
#define HELLO "GET /hello.txt HTTP/1.1\r\n" HOST "\r\n"

/* --- a handler, and a source ---------------------------------------------------------------- */

/* What the handler was asked last, and what it is to answer. */
static struct {
    unsigned calls;
    char content[HTTP_KEPT_MAX + 1];
    size_t content_len;
    char query[64];
    int answer;
    bool use_source;
} page;

/* A source that gives the digits of its offset, `step` at a time. */
static struct {
    struct http_source source;
    size_t at, len, step;
    bool pauses;     /* before each step, until it is woken */
    unsigned tokens; /* how often it was */
    int fails;       /* at the end, in place of it */
    int opened;
} made;

static uint8_t made_octet(size_t at)
{
    return (uint8_t)('0' + at % 10);
}

static int read_made(struct http_source *source, uint8_t *out, size_t room, instant at)
{
    (void)at;
    ck_assert_ptr_eq(source, &made.source);
    ck_assert_uint_gt(room, 0);
    if (made.pauses && made.tokens == 0)
        return -EAGAIN;
    made.tokens -= made.pauses;
    if (made.at == made.len)
        return made.fails;
    size_t n = size_min(size_min(made.step, room), made.len - made.at);
    for (size_t i = 0; i < n; i++)
        out[i] = made_octet(made.at++);
    return (int)n;
}

static void wake(void)
{
    made.tokens++;
    http_source_wake(&made.source);
    run();
}

static void close_made(struct http_source *source)
{
    ck_assert_ptr_eq(source, &made.source);
    made.opened--;
}

static int answer(void *context, const struct http_call *call, struct http_made *out)
{
    ck_assert_ptr_eq(context, &page);
    page.calls++;
    page.content_len = call->content.len;
    memset(page.content, 0, sizeof(page.content));
    if (call->content.len)
        memcpy(page.content, call->content.at, call->content.len);
    snprintf(page.query, sizeof(page.query), "%.*s", (int)call->query.len, call->query.at);
    if (page.answer)
        return page.answer;
    out->type = "text/plain";
    if (page.use_source) {
        made.source.read = read_made;
        made.source.close = close_made;
        made.opened++;
        out->source = &made.source;
    } else {
        out->content = bytes_of("fixed\n", 6);
    }
    return 0;
}

static const struct http_handler handlers[] = {
    {".tapio/post", true, &page, answer},
    {".tapio/get", false, &page, answer},
};

static void setup(void)
{
    http_client_begin();
    config.files = NULL;
    config.pages = http_built_in_pages;
    config.page_count = http_built_in_page_count;
    config.handlers = handlers;
    config.handler_count = ARRAY_LEN(handlers);
    memset(&page, 0, sizeof(page));
    memset(&made, 0, sizeof(made));
    made.step = 100;
    http_client_start();
}

static void teardown(void)
{
    ck_assert_int_eq(made.opened, 0);
    http_client_end();
}

static bool closes(const struct reply *r)
{
    const char *connection = field(r, "Connection");

    return connection && strcmp(connection, "close") == 0;
}

/* --- what a request carries ------------------------------------------------------------------ */

START_TEST(content_of_a_request_is_not_read_as_a_request)
{
    static const struct {
        const char *text;
        int status;
        bool closes;
    } rows[] = {
        {"GET /hello.txt HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello", 200, false},
        {"GET /hello.txt HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 200, false},
        {"GET /hello.txt HTTP/1.1\r\n" HOST "Content-Length: 65537\r\n\r\n", 413, true},
        {"GET / HTTP/1.1\r\n" HOST "Content-Length: 10000000000\r\n\r\n", 413, true},
        {"GET /hello.txt HTTP/1.1\r\n" HOST
         "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nHost: evil\r\n\r\n",
         200, false},
        {"GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n",
         400, true},
        {"GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0x5\r\n", 400, true},
        {"POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello", 405, false},
        {"POST / HTTP/1.1\r\n" HOST "\r\n", 405, false},
        {"POST / HTTP/1.1\r\n" HOST "Content-Length: 65537\r\n\r\n", 405, true},
        {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 405, false},
        {"FOO / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nGET /", 501, false},
        {"OPTIONS * HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello", 204, false},
    };
    struct reply r;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int c = connect_client();
        say(c, rows[i].text);
        say(c, HELLO);
        run();
        ck_assert(next_reply(c, false, &r));
        ck_assert_msg(r.status == rows[i].status, "%s: %d", rows[i].text, r.status);
        ck_assert_msg(closes(&r) == rows[i].closes, "%s", rows[i].text);
        ck_assert(next_reply(c, false, &r) == !rows[i].closes);
        if (!rows[i].closes)
            ck_assert_int_eq(r.status, 200);
        ck_assert_uint_eq(stray(c), 0);
        ck_assert(fake_is_shut(stack, c) == rows[i].closes);
    }
    PROVES("RFC9112-6.3-c", "RFC9112-9.3-b", "RFC9110-15.5.12-a", "RFC9110-15.5.14-a",
           "RFC9112-7.1.2-a");
}
END_TEST

START_TEST(content_may_come_in_any_pieces_and_be_long)
{
    static const char head[] =
        "GET /hello.txt HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n";
    static const char rest[] = "3;a=b\r\nabc\r\nfF\r\n";
    struct reply r;
    int c = connect_client();

    for (const char *at = head; *at; at++) {
        fake_push(stack, c, at, 1);
        run();
    }
    for (const char *at = rest; *at; at++) {
        fake_push(stack, c, at, 1);
        run();
    }
    for (int i = 0; i < 255; i++) {
        say(c, "x");
        run();
    }
    ck_assert(!next_reply(c, false, &r)); /* it is not whole */
    say(c, "\r\n0\r\n\r\n");
    run();
    ck_assert(next_reply(c, false, &r));
    ck_assert_int_eq(r.status, 200);

    /* the most that is taken, and one more */
    for (int more = 0; more <= 1; more++) {
        c = connect_client();
        say(c, head);
        for (int i = 0; i < 64; i++) {
            char chunk[1100] = "400\r\n";
            memset(chunk + 5, 'x', 1024);
            memcpy(chunk + 5 + 1024, "\r\n", 3);
            say(c, chunk);
            run();
        }
        say(c, more ? "1\r\nx\r\n0\r\n\r\n" : "0\r\n\r\n");
        run();
        ck_assert(next_reply(c, false, &r));
        ck_assert_int_eq(r.status, more ? 413 : 200);
        ck_assert(closes(&r) == more);
    }
    PROVES("RFC9112-7.1-a", "RFC9110-15.5.14-a");
}
END_TEST

START_TEST(content_has_room_behind_the_longest_head)
{
    /* heads around the sizes of both buffers, each with content and another request behind it */
    static const size_t lens[] = {HTTP_INPUT_ROOM - 1, HTTP_INPUT_ROOM, HTTP_INPUT_ROOM + 1,
                                  HTTP_HEAD_MAX};
    static char text[HTTP_HEAD_MAX + 100];
    struct reply r;

    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        static const char begin[] =
            "POST /.tapio/post HTTP/1.1\r\n" HOST "Content-Length: 4096\r\nX: ";
        memset(text, 'x', lens[i]);
        memcpy(text, begin, sizeof(begin) - 1);
        memcpy(text + lens[i] - 4, "\r\n\r\n", 5);
        int c = connect_client();
        say(c, text);
        for (int n = 0; n < 4096; n += 16)
            say(c, "0123456789abcdef");
        say(c, HELLO);
        run();
        ck_assert(next_reply(c, false, &r));
        ck_assert_int_eq(r.status, 200);
        ck_assert_uint_eq(page.content_len, 4096);
        for (size_t n = 0; n < 4096; n++)
            HOLDS(page.content[n] == "0123456789abcdef"[n % 16]);
        ck_assert(next_reply(c, false, &r));
        ck_assert_int_eq(r.status, 200);
        ck_assert_uint_eq(stray(c), 0);
    }
    PROVES("W17");
}
END_TEST

START_TEST(kept_content_survives_what_is_around_it)
{
    /* requests before and behind it, heads around the size of the buffer, any pieces */
    static char text[3 * HTTP_LONG_ROOM], wanted[HTTP_KEPT_MAX];
    uint32_t random = 1;
    struct reply r;

    for (size_t i = 0; i < sizeof(wanted); i++)
        wanted[i] = (char)('a' + i * 7 % 26);
    for (int round = 0; round < 300; round++) {
        random = random * 1664525 + 1013904223;
        const int before = (int)(random >> 8) % 60, chunked = (int)(random >> 16) % 2;
        const size_t len = (random >> 20) % 3 ? (random >> 10) % (HTTP_KEPT_MAX + 1) : 4096;
        const size_t pad = (random >> 5) % 4 ? (random >> 12) % 4096 : 32000;
        const size_t slice = 1 + (random >> 9) % 3000, chunk = 1 + (random >> 7) % 500;
        size_t at = 0;
        for (int i = 0; i < before; i++)
            at += (size_t)sprintf(text + at, HELLO);
        at += (size_t)sprintf(text + at, "POST /.tapio/post?%d HTTP/1.1\r\n" HOST "X: ", round);
        memset(text + at, 'x', pad);
        at += pad;
        if (chunked)
            at += (size_t)sprintf(text + at, "\r\nTransfer-Encoding: chunked\r\n\r\n");
        else
            at += (size_t)sprintf(text + at, "\r\nContent-Length: %zu\r\n\r\n", len);
        for (size_t done = 0; done < len;) {
            const size_t n = chunked ? size_min(chunk, len - done) : len;
            if (chunked)
                at += (size_t)sprintf(text + at, "%zx;a=b\r\n", n);
            memcpy(text + at, wanted + done, n);
            at += n;
            done += n;
            if (chunked)
                at += (size_t)sprintf(text + at, "\r\n");
        }
        if (chunked)
            at += (size_t)sprintf(text + at, "0\r\nA: b\r\n\r\n");
        at += (size_t)sprintf(text + at, HELLO);
        int c = connect_client();
        for (size_t done = 0; done < at; done += size_min(slice, at - done)) {
            fake_push(stack, c, text + done, size_min(slice, at - done));
            fake_run(stack, now);
        }
        run();
        for (int i = 0; i < before + 2; i++) {
            ck_assert(next_reply(c, false, &r));
            ck_assert_int_eq(r.status, 200);
        }
        ck_assert_uint_eq(stray(c), 0);
        ck_assert_uint_eq(page.content_len, len);
        ck_assert(memcmp(page.content, wanted, len) == 0);
        ck_assert_int_eq(atoi(page.query), round);
        fake_push_end(stack, c);
        run();
    }
    ck_assert_uint_eq(page.calls, 300);
    PROVES("W12", "W17");
}
END_TEST

START_TEST(content_that_ends_early_is_no_request)
{
    static const char *const texts[] = {
        "POST /.tapio/post HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nabc",
        "POST /.tapio/post HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "GET /hello.txt HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nabc",
    };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        int c = connect_client();
        say(c, texts[i]);
        fake_push_end(stack, c);
        run();
        ck_assert_uint_eq(stray(c), 0);
        ck_assert(fake_is_closed(stack, c));
    }
    ck_assert_uint_eq(page.calls, 0);
    PROVES("RFC9112-6.3-d");
}
END_TEST

START_TEST(content_that_is_too_slow_is_408)
{
    struct reply r;
    int c = connect_client();

    run();
    say(c, "POST / HTTP/1.1\r\n" HOST "Content-Length: 100\r\n\r\n");
    run();
    for (int s = 0; s < 19; s++) { /* an octet now and then does not help */
        say(c, "x");
        wait_ns(NS_PER_S);
    }
    ck_assert(!next_reply(c, false, &r));
    wait_ns(2 * NS_PER_S);
    ck_assert(next_reply(c, false, &r));
    ck_assert_int_eq(r.status, 408);
    ck_assert(closes(&r));
    PROVES("RFC9110-15.5.9-a", "W11");
}
END_TEST

START_TEST(who_expects_100_is_told_before_content_is_read)
{
    struct reply r;
    int c = connect_client();

    say(c,
        "POST /.tapio/post HTTP/1.1\r\n" HOST "Expect: 100-Continue\r\nContent-Length: 5\r\n\r\n");
    run();
    ck_assert(next_reply(c, false, &r));
    ck_assert_int_eq(r.status, 100);
    ck_assert_uint_eq(page.calls, 0);
    say(c, "hello");
    run();
    ck_assert(next_reply(c, false, &r));
    ck_assert_int_eq(r.status, 200);
    ck_assert_str_eq(page.content, "hello");

    /* who did not wait needs no 100 */
    say(c, "POST /.tapio/post HTTP/1.1\r\n" HOST
           "Expect: 100-continue\r\nContent-Length: 5\r\n\r\nagain");
    run();
    ck_assert(next_reply(c, false, &r));
    ck_assert_int_eq(r.status, 200);
    ck_assert_str_eq(page.content, "again");
    ck_assert_uint_eq(stray(c), 0);
    PROVES("RFC9110-10.1.1-a");
}
END_TEST

START_TEST(who_expects_100_in_vain_gets_a_final_answer_at_once)
{
    static const struct {
        const char *text;
        int status;
    } rows[] = {
        {"PUT / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 9\r\n\r\n", 405},
        {"GET / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n", 413},
        {"POST /.tapio/post HTTP/1.1\r\n" HOST "Expect: foo\r\nContent-Length: 4\r\n\r\n", 417},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reply r = ask(rows[i].text);
        ck_assert_int_eq(r.status, rows[i].status);
        ck_assert(closes(&r)); /* nobody knows whether the content follows */
    }
    struct reply r = ask("GET /hello.txt HTTP/1.0\r\nExpect: 100-continue\r\n\r\n");
    ck_assert_int_eq(r.status, 200);
    r = ask("GET / HTTP/1.1\r\n" HOST "Expect: foo\r\n\r\n");
    ck_assert_int_eq(r.status, 417);
    ck_assert(!closes(&r));
    PROVES("RFC9110-10.1.1-a", "RFC9110-15.5.18-a", "W11");
}
END_TEST

START_TEST(chunks_of_a_request_have_one_form)
{
    static const struct {
        const char *chunks;
        int status;
    } rows[] = {
        {"0\r\n\r\n", 200},
        {"2\r\nab\r\n0\r\n\r\n", 200},
        {"02;a\r\nab\r\n0\r\n\r\n", 200},
        {"2 ; a = \"b;c\" ;d\r\nab\r\n0\r\nA: b\r\n\r\n", 200},
        {"2;a=\"b;\"\r\nab\r\n0\r\n\r\n", 200},
        {"2;a=\"\\\";\";b\r\nab\r\n0\r\n\r\n", 200},
        {"2;a=\"b\r\nab\r\n0\r\n\r\n", 400},
        {"2;a=\"b\\\"\r\nab\r\n0\r\n\r\n", 400},
        {"2 \r\nab\r\n0\r\n\r\n", 400},
        {"2;\r\nab\r\n0\r\n\r\n", 400},
        {"2 a\r\nab\r\n0\r\n\r\n", 400},
        {"2;=\r\nab\r\n0\r\n\r\n", 400},
        {"2;a\nab\r\n0\r\n\r\n", 400},
        {" 2\r\nab\r\n0\r\n\r\n", 400},
        {"+2\r\nab\r\n0\r\n\r\n", 400},
        {"0x2\r\nab\r\n0\r\n\r\n", 400},
        {"2_0\r\nab\r\n0\r\n\r\n", 400},
        {"-2\r\nab\r\n0\r\n\r\n", 400},
        {"2\nab\n0\n\n", 400},
        {"2\r\nabc\r\n0\r\n\r\n", 400},
        {"2\r\nab0\r\n\r\n", 400},
        {"00000000000000002\r\nab\r\n0\r\n\r\n", 400},
        {"8000000000000000\r\nab", 400},
        {"7fffffffffffffff\r\n", 413},
        {"10001\r\n", 413},
        {"\r\nab\r\n", 400},
        {"0\r\nA\r\n\r\n", 400},
        {"0\r\nA : b\r\n\r\n", 400},
        {"0\r\n A: b\r\n\r\n", 400},
    };
    char text[300];
    struct reply r;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int c = connect_client();
        snprintf(text, sizeof(text),
                 "GET /hello.txt HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n%s",
                 rows[i].chunks);
        say(c, text);
        run();
        ck_assert_msg(next_reply(c, false, &r), "%s", rows[i].chunks);
        ck_assert_msg(r.status == rows[i].status, "%s: %d", rows[i].chunks, r.status);
        ck_assert(closes(&r) == (r.status != 200));
        ck_assert_uint_eq(stray(c), 0);
    }
    PROVES("RFC9112-7.1-a", "RFC9112-11.2-a", "W03");
}
END_TEST

/* --- handlers --------------------------------------------------------------------------------- */

START_TEST(handlers_are_asked_by_path_and_method)
{
    struct reply r = ask("GET /.tapio/get?a=b HTTP/1.1\r\n" HOST "\r\n");

    ck_assert_int_eq(r.status, 200);
    ck_assert_str_eq(r.body, "fixed\n");
    ck_assert_str_eq(field(&r, "Content-Type"), "text/plain");
    ck_assert_str_eq(page.query, "a=b");
    r = ask("HEAD /.tapio/get HTTP/1.1\r\n" HOST "\r\n");
    ck_assert_str_eq(field(&r, "Content-Length"), "6");
    r = ask("POST /.tapio/get HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx");
    ck_assert_int_eq(r.status, 405);
    ck_assert_str_eq(field(&r, "Allow"), "GET, HEAD, OPTIONS");
    r = ask("DELETE /.tapio/post HTTP/1.1\r\n" HOST "\r\n");
    ck_assert_int_eq(r.status, 405);
    ck_assert_str_eq(field(&r, "Allow"), "GET, HEAD, OPTIONS, POST");
    r = ask("OPTIONS /.tapio/post HTTP/1.1\r\n" HOST "\r\n");
    ck_assert_int_eq(r.status, 204);
    ck_assert_str_eq(field(&r, "Allow"), "GET, HEAD, OPTIONS, POST");
    ck_assert_uint_eq(page.calls, 2);
    ck_assert_int_eq(ask("GET /.tapio HTTP/1.1\r\n" HOST "\r\n").status, 404);
    PROVES("RFC9110-15.5.6-a", "RFC9112-3.2.4-a");
}
END_TEST

START_TEST(what_a_handler_answers_is_what_the_client_gets)
{
    page.answer = 204;
    struct reply r = ask("POST /.tapio/post HTTP/1.1\r\n" HOST "\r\n");
    ck_assert_int_eq(r.status, 204);
    ck_assert_ptr_null(field(&r, "Allow"));
    page.answer = 403;
    ck_assert_int_eq(ask("POST /.tapio/post HTTP/1.1\r\n" HOST "\r\n").status, 403);
    page.answer = 500;
    ck_assert_int_eq(ask("GET /.tapio/post HTTP/1.1\r\n" HOST "\r\n").status, 500);
    PROVES("RFC9110-15.6-a");
}
END_TEST

START_TEST(nothing_is_done_when_a_condition_fails)
{
    static const struct {
        const char *fields;
        int status;
    } rows[] = {
        {"If-Match: \"x\"\r\n", 412},
        {"If-None-Match: *\r\n", 412},
        {"If-Match: *\r\n", 200},
        {"If-None-Match: \"x\"\r\n", 200},
        {"If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n", 200},
    };
    char text[200];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (int use_source = 0; use_source <= 1; use_source++) {
            page.calls = 0;
            page.use_source = use_source;
            made.at = made.len = 0;
            snprintf(text, sizeof(text),
                     "POST /.tapio/post HTTP/1.1\r\n" HOST "%sContent-Length: 1\r\n\r\nx",
                     rows[i].fields);
            struct reply r = ask(text);
            ck_assert_msg(r.status == rows[i].status, "%s: %d", rows[i].fields, r.status);
            ck_assert_uint_eq(page.calls, r.status == 200);
        }
    }
}
END_TEST

START_TEST(handler_is_given_4096_octets_at_most)
{
    char text[200];
    struct reply r;

    for (int more = 0; more <= 1; more++) {
        int c = connect_client();
        snprintf(text, sizeof(text),
                 "POST /.tapio/post HTTP/1.1\r\n" HOST "Content-Length: %d\r\n\r\n",
                 HTTP_KEPT_MAX + more);
        say(c, text);
        for (int i = 0; i < HTTP_KEPT_MAX + more; i++)
            say(c, "x");
        run();
        ck_assert(next_reply(c, false, &r));
        ck_assert_int_eq(r.status, more ? 413 : 200);
    }
    ck_assert_uint_eq(page.calls, 1);
}
END_TEST

/* --- sources ---------------------------------------------------------------------------------- */

static void check_made(const struct reply *r, size_t len)
{
    ck_assert_int_eq(r->status, 200);
    ck_assert_uint_eq(r->body_len, len);
    for (size_t i = 0; i < len; i++)
        HOLDS((uint8_t)r->body[i] == made_octet(i));
}

START_TEST(what_is_made_on_the_way_goes_out_in_chunks)
{
    static const size_t lens[] = {0, 1, 100, 2800, 2809, 2810, 30000};
    struct reply r;

    page.use_source = true;
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        for (int pauses = 0; pauses <= 1; pauses++) {
            made.at = 0;
            made.len = lens[i];
            made.pauses = pauses;
            int c = connect_client();
            say(c, "GET /.tapio/get HTTP/1.1\r\n" HOST "\r\n");
            run();
            while (pauses && made.opened)
                wake();
            ck_assert(next_reply(c, false, &r));
            ck_assert_str_eq(field(&r, "Transfer-Encoding"), "chunked");
            ck_assert(!closes(&r));
            check_made(&r, lens[i]);
            say(c, HELLO); /* and the connection goes on */
            run();
            ck_assert(next_reply(c, false, &r));
            ck_assert_uint_eq(stray(c), 0);
        }
    }
    PROVES("RFC9112-6.1-d");
}
END_TEST

START_TEST(http_1_0_gets_it_until_the_connection_closes)
{
    page.use_source = true;
    made.len = 7000;
    struct reply r = ask("GET /.tapio/get HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    ck_assert_ptr_null(field(&r, "Transfer-Encoding"));
    ck_assert_ptr_null(field(&r, "Content-Length"));
    check_made(&r, 7000);
    r = ask("HEAD /.tapio/get HTTP/1.1\r\n" HOST "\r\n");
    ck_assert_ptr_null(field(&r, "Transfer-Encoding"));
    PROVES("RFC9112-6.1-d");
}
END_TEST

START_TEST(source_that_fails_cuts_the_response_off)
{
    page.use_source = true;
    for (int i = 0; i < 2; i++) {
        made.at = 0;
        made.len = i ? 9000 : 50;
        made.fails = -EIO;
        int c = connect_client();
        say(c, "GET /.tapio/get HTTP/1.1\r\n" HOST "\r\n");
        run();
        ck_assert(fake_is_closed(stack, c));
        struct reply r;
        ck_assert(!next_reply(c, false, &r)); /* there is no last chunk */
        ck_assert_int_eq(made.opened, 0);
    }
}
END_TEST

START_TEST(source_that_waits_is_not_a_peer_that_is_slow)
{
    static char sent[4096];

    page.use_source = true;
    made.len = 200;
    made.pauses = true;
    for (int takes = 0; takes <= 1; takes++) {
        made.at = 0;
        int c = connect_client();
        say(c, "GET /.tapio/get HTTP/1.1\r\n" HOST "\r\n");
        run();
        size_t head = stray(c);
        if (takes)
            fake_take(stack, c, sent, head);
        wait_ns(100 * NS_PER_S);
        ck_assert(fake_is_closed(stack, c) == !takes); /* who does not take the head is slow */
        if (!takes)
            continue;
        while (made.opened)
            wake();
        ck_assert_uint_gt(stray(c), 200);
        ck_assert(memcmp(fake_sent(stack, c).at, "064\r\n0123456789", 15) == 0);
    }
}
END_TEST

START_TEST(event_just_before_the_timer_is_not_a_peer_that_is_slow)
{
    static char sent[4096];

    page.use_source = true;
    made.len = 1000;
    made.pauses = true;
    int c = connect_client();
    say(c, "GET /.tapio/get HTTP/1.1\r\n" HOST "\r\n");
    run();
    fake_take(stack, c, sent, sizeof(sent));
    wait_ns(NS_PER_S);
    for (int i = 0; i < 3; i++) { /* the timer runs for 30 s each time */
        wait_ns(28 * NS_PER_S);
        wake(); /* 100 octets are on their way when it fires */
        wait_ns(2 * NS_PER_S);
        ck_assert(!fake_is_closed(stack, c));
        ck_assert_uint_gt(fake_take(stack, c, sent, sizeof(sent)), 100);
    }
    wake(); /* and these are never taken */
    wait_ns(65 * NS_PER_S);
    ck_assert(fake_is_reset(stack, c));
    PROVES("W13");
}
END_TEST

START_TEST(peer_that_owes_nothing_is_not_slow)
{
    page.use_source = true;
    made.len = 1 << 20;
    int c = connect_client();
    fake_set_room(stack, c, 40000);
    say(c, "GET /.tapio/get HTTP/1.1\r\n" HOST "\r\n");
    run();
    now = instant_add(now, 31 * NS_PER_S);
    ck_assert_uint_eq(fake_take(stack, c, NULL, SIZE_MAX), 40000);
    http_server_advance(server, now); /* before the socket has its turn */
    ck_assert(!fake_is_closed(stack, c));
    run();
    ck_assert_uint_eq(stray(c), 40000);
    fake_fail(stack, c, -ECONNRESET);
    run();
}
END_TEST

START_TEST(peer_that_vanishes_closes_its_source)
{
    struct http_server_stats stats;

    page.use_source = true;
    made.len = 1 << 20;
    int c = connect_client();
    fake_set_room(stack, c, 5000);
    say(c, "GET /.tapio/get HTTP/1.1\r\n" HOST "\r\n");
    run();
    ck_assert_int_eq(made.opened, 1);
    fake_fail(stack, c, -ECONNRESET);
    run();
    ck_assert_int_eq(made.opened, 0);
    http_server_stats(server, &stats);
    ck_assert_uint_gt(stats.octets, 4000);
    ck_assert_uint_lt(stats.octets, 5000); /* what was taken, and not what was made */
    PROVES("W13");
}
END_TEST

START_TEST(peer_that_vanishes_is_noticed_while_the_source_waits)
{
    struct http_server_stats stats;

    page.use_source = true;
    made.len = 200;
    made.pauses = true;
    int c = connect_client();
    say(c, "GET /.tapio/get HTTP/1.1\r\n" HOST "\r\n");
    run();
    fake_take(stack, c, NULL, SIZE_MAX);
    fake_fail(stack, c, -ECONNRESET);
    run();
    ck_assert_int_eq(made.opened, 0);
    http_server_stats(server, &stats);
    ck_assert_uint_eq(stats.open, 0);
    ck_assert_uint_eq(stats.aborted, 1);
    PROVES("W13");
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
    Suite *s = suite_create("http_content");
    TCase *c = add_tcase(s, "RFC 9112, 6 and 7: what a request carries");

    tcase_add_test(c, content_of_a_request_is_not_read_as_a_request);
    tcase_add_test(c, chunks_of_a_request_have_one_form);
    tcase_add_test(c, content_may_come_in_any_pieces_and_be_long);
    tcase_add_test(c, content_has_room_behind_the_longest_head);
    tcase_add_test(c, kept_content_survives_what_is_around_it);
    tcase_add_test(c, content_that_ends_early_is_no_request);
    tcase_add_test(c, content_that_is_too_slow_is_408);
    tcase_add_test(c, who_expects_100_is_told_before_content_is_read);
    tcase_add_test(c, who_expects_100_in_vain_gets_a_final_answer_at_once);

    c = add_tcase(s, "handlers");
    tcase_add_test(c, handlers_are_asked_by_path_and_method);
    tcase_add_test(c, what_a_handler_answers_is_what_the_client_gets);
    tcase_add_test(c, nothing_is_done_when_a_condition_fails);
    tcase_add_test(c, handler_is_given_4096_octets_at_most);

    c = add_tcase(s, "sources: RFC 9112, 7.1");
    tcase_add_test(c, what_is_made_on_the_way_goes_out_in_chunks);
    tcase_add_test(c, http_1_0_gets_it_until_the_connection_closes);
    tcase_add_test(c, source_that_fails_cuts_the_response_off);
    tcase_add_test(c, source_that_waits_is_not_a_peer_that_is_slow);
    tcase_add_test(c, event_just_before_the_timer_is_not_a_peer_that_is_slow);
    tcase_add_test(c, peer_that_owes_nothing_is_not_slow);
    tcase_add_test(c, peer_that_vanishes_closes_its_source);
    tcase_add_test(c, peer_that_vanishes_is_noticed_while_the_source_waits);
    return run_suite(s, "http_content");
}
