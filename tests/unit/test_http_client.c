/*
 * test_http_client.c - the client against a server that the test plays, with a clock wound by hand.
 *
 * What the client did is kept as a line of words ("connecting connected request reply finished"),
 * so that a test can say what must have happened, in which order. Every test ends with no socket
 * open.
 */
#include "http/http_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/fake_sock.h"
#include "support/holds.h"
#include "support/proves.h"

static struct stack *stack;
static struct http_client *client;
static struct http_client_config config;
static instant now;

static char story[4096];
static uint8_t got[1 << 20];
static size_t got_len, takes; /* content: what came, and how much is taken at once */
static int refuses;           /* content() says this instead */
static struct http_client_result result;
static bool finished;
static int resolve_result;
static struct ip_addr resolved;

static void note(const char *word)
{
    HOLDS(strlen(story) + strlen(word) + 2 < sizeof(story));
    if (story[0])
        strcat(story, " ");
    strcat(story, word);
}

static void on_event(void *context, const struct http_client_event *event, instant when)
{
    static const char *const words[] = {
        [HTTP_CLIENT_RESOLVED] = "resolved",   [HTTP_CLIENT_CONNECTING] = "connecting",
        [HTTP_CLIENT_CONNECTED] = "connected", [HTTP_CLIENT_REUSED] = "reused",
        [HTTP_CLIENT_REQUEST] = "request",     [HTTP_CLIENT_REPLY] = "reply",
        [HTTP_CLIENT_REDIRECT] = "redirect",   [HTTP_CLIENT_CLOSED] = "closed",
        [HTTP_CLIENT_FINISHED] = "finished",
    };

    (void)context, (void)when;
    note(event->interim ? "interim" : words[event->type]);
    if (event->type == HTTP_CLIENT_FINISHED) {
        HOLDS(!finished);
        finished = true;
        result = *event->result;
    }
}

static int on_content(void *context, struct bytes content, instant when)
{
    (void)context, (void)when;
    HOLDS(content.len > 0);
    if (refuses)
        return refuses;
    size_t n = size_min(content.len, takes);
    HOLDS(got_len + n <= sizeof(got));
    memcpy(got + got_len, content.at, n);
    got_len += n;
    return (int)n;
}

static int on_resolve(void *context, const char *host, struct ip_addr *out)
{
    (void)context;
    note(host);
    *out = resolved;
    return resolve_result;
}

static void setup(void)
{
    stack = fake_stack_new();
    client = malloc(sizeof(*client));
    http_client_config_init(&config);
    config.stack = stack;
    config.ops = (struct http_client_ops){NULL, on_resolve, on_event, on_content};
    now = (instant){NS_PER_S};
    takes = SIZE_MAX;
    refuses = resolve_result = 0;
    HOLDS(ip_addr_parse("192.0.2.7", &resolved) == 0);
    http_client_init(client, &config);
}

static void teardown(void)
{
    http_client_fini(client, now);
    HOLDS(fake_misuse(stack) == 0);
    HOLDS(fake_open(stack) == 0);
    fake_stack_free(stack);
    free(client);
}

static void run(void)
{
    HOLDS(fake_run_all(stack, now, 100000) < 100000);
}

static void wait_ns(int64_t ns)
{
    now = instant_add(now, ns);
    http_client_advance(client, now);
    run();
}

static void fetch_part(const char *text, struct http_client_request request)
{
    static struct url url;
    const char *why;

    HOLDS(url_parse(bytes_of(text, strlen(text)), &url, &why) == 0);
    story[0] = '\0';
    finished = false;
    got_len = 0;
    http_client_fetch(client, &url, &request, now);
    run();
}

static void fetch(const char *text)
{
    fetch_part(text, (struct http_client_request){0});
}

/* The request that the server has got; it is taken from the stream. */
static const char *asked(void)
{
    static char text[16384];
    size_t n = fake_take(stack, fake_newest(stack), text, sizeof(text) - 1);

    text[n] = '\0';
    return text;
}

static void answer(const char *text)
{
    fake_push_text(stack, fake_newest(stack), text);
    run();
}

static void server_closes(void)
{
    fake_push_end(stack, fake_newest(stack));
    run();
}

static bool got_is(const char *text)
{
    return got_len == strlen(text) && memcmp(got, text, got_len) == 0;
}

#define OK     "HTTP/1.1 200 OK\r\n"
#define HELLO  OK "Content-Length: 5\r\n\r\nhello"
#define CHUNKS OK "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"

/* --- a page --------------------------------------------------------------------------------- */

START_TEST(page_is_asked_for_and_handed_on)
{
    fetch("http://10.9.0.1:8000/a?b");
    ck_assert_str_eq(asked(), "GET /a?b HTTP/1.1\r\nHost: 10.9.0.1:8000\r\n"
                              "User-Agent: tapio/0.1.0\r\nAccept: */*\r\n\r\n");
    answer(HELLO);
    ck_assert_str_eq(story, "connecting connected request reply finished");
    ck_assert_int_eq(result.outcome, HTTP_CLIENT_DONE);
    ck_assert_int_eq(result.status, 200);
    ck_assert_uint_eq(result.received, 5);
    ck_assert(got_is("hello"));
    ck_assert(instant_is_never(http_client_deadline(client)));
}
END_TEST

/* Whatever the cut, the outcome is the same: each response is fed in two parts, and by single
 * octets, and the server closes behind it. */
static const struct {
    const char *text;
    enum http_client_outcome outcome;
    uint64_t missing;
    const char *content;
} responses[] = {
    {HELLO, HTTP_CLIENT_DONE, 0, "hello"},
    {CHUNKS, HTTP_CLIENT_DONE, 0, "hello"},
    {OK "\r\nhello", HTTP_CLIENT_DONE, 0, "hello"},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\nA: b\r\n\r\n" HELLO, HTTP_CLIENT_DONE, 0,
     "hello"},
    {"HTTP/1.1 204 None\r\n\r\n", HTTP_CLIENT_DONE, 0, ""},
    {"HTTP/1.1 404 Not\r\nContent-Length: 2\r\n\r\nno", HTTP_CLIENT_DONE, 0, "no"},
    {OK "Content-Length: 9\r\n\r\nhello", HTTP_CLIENT_SHORT, 4, "hello"},
    {OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhel", HTTP_CLIENT_SHORT, 2, "hel"},
    {OK "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n0\r\n", HTTP_CLIENT_SHORT, 0, "hel"},
    {OK "Transfer-Encoding: chunked\r\n\r\n3\r\nhelX", HTTP_CLIENT_BAD_REPLY, 0, "hel"},
    {OK "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", HTTP_CLIENT_BAD_REPLY, 0, ""},
    {OK "Content-Len", HTTP_CLIENT_NO_REPLY, 0, ""},
    {"SSH-2.0-x\r\n", HTTP_CLIENT_BAD_REPLY, 0, ""},
    {"HTTP/1.1 101 Switching\r\n\r\n", HTTP_CLIENT_BAD_REPLY, 0, ""},
    {"HTTP/1.1 206 Part\r\nContent-Range: bytes 0-4/9\r\nContent-Length: 5\r\n\r\nhello",
     HTTP_CLIENT_NO_RANGE, 0, ""},
};

START_TEST(response_is_the_same_however_it_is_cut)
{
    const char *text = responses[_i].text;
    const size_t len = strlen(text);

    for (size_t cut = 0; cut <= len; cut++) { /* 0: octet by octet */
        fetch("http://10.9.0.1/");
        const int s = fake_newest(stack);
        for (size_t at = 0; at < len && !finished;) {
            size_t n = cut == 0 ? 1 : at < cut ? cut : len - cut;
            fake_push(stack, s, text + at, n);
            run();
            at += n;
        }
        if (!finished)
            server_closes();
        HOLDS(finished && result.outcome == responses[_i].outcome);
        HOLDS(result.missing == responses[_i].missing);
        HOLDS(got_is(responses[_i].content));
        http_client_fini(client, now);
        HOLDS(fake_is_closed(stack, s));
    }
}
END_TEST

START_TEST(head_is_asked_for_and_has_no_content)
{
    fetch_part("http://10.9.0.1/", (struct http_client_request){.head = true});
    ck_assert(strncmp(asked(), "HEAD / HTTP/1.1\r\n", 17) == 0);
    answer(OK "Content-Length: 5\r\n\r\n");
    ck_assert_int_eq(result.outcome, HTTP_CLIENT_DONE);
    ck_assert_uint_eq(got_len, 0);
    fetch("http://10.9.0.1/"); /* and the connection goes on */
    answer(HELLO);
    ck_assert_str_eq(story, "reused request reply finished");
}
END_TEST

START_TEST(large_content_passes_a_buffer_that_is_smaller)
{
    static char octets[300000];

    for (size_t i = 0; i < sizeof(octets); i++)
        octets[i] = (char)(i * 7 + (i >> 9));
    fetch("http://10.9.0.1/");
    answer(OK "Content-Length: 300000\r\n\r\n");
    fake_push(stack, fake_newest(stack), octets, sizeof(octets));
    run();
    ck_assert_int_eq(result.outcome, HTTP_CLIENT_DONE);
    ck_assert(got_len == sizeof(octets) && memcmp(got, octets, got_len) == 0);
}
END_TEST

START_TEST(caller_that_takes_little_holds_up_the_stream)
{
    takes = 2;
    fetch("http://10.9.0.1/");
    answer(CHUNKS);
    ck_assert(!finished && got_is("he"));
    wait_ns(3600 * NS_PER_S); /* it is not the server that we wait for */
    ck_assert(!finished);
    for (int i = 0; i < 10 && !finished; i++)
        http_client_resume(client, now);
    ck_assert(finished && got_is("hello"));
    ck_assert_int_eq(result.outcome, HTTP_CLIENT_DONE);
}
END_TEST

START_TEST(caller_that_refuses_ends_the_fetch)
{
    refuses = -ENOSPC;
    fetch("http://10.9.0.1/");
    answer(HELLO);
    ck_assert_int_eq(result.outcome, HTTP_CLIENT_REFUSED);
    ck_assert_int_eq(result.error, -ENOSPC);
    ck_assert_str_eq(story, "connecting connected request reply closed finished");
}
END_TEST

/* --- RFC 9112, 9.3: the connection ---------------------------------------------------------- */

START_TEST(connection_is_used_again_for_the_same_server_only)
{
    fetch("http://10.9.0.1/a");
    answer(HELLO);
    fetch("http://10.9.0.1/b");
    answer(CHUNKS);
    ck_assert_str_eq(story, "reused request reply finished");
    ck_assert(got_is("hello"));
    fetch("http://10.9.0.1:81/");
    ck_assert_str_eq(story, "closed connecting connected request");
    answer(HELLO);
    fetch("http://10.9.0.2:81/");
    ck_assert_str_eq(story, "closed connecting connected request");
    answer(OK "Content-Length: 5\r\nConnection: close\r\n\r\nhello");
    ck_assert_str_eq(story, "closed connecting connected request reply closed finished");
}
END_TEST

START_TEST(connection_with_an_octet_too_many_is_not_used_again)
{
    fetch("http://10.9.0.1/a");
    answer(HELLO "H");
    ck_assert_str_eq(story, "connecting connected request reply closed finished");
    ck_assert(got_is("hello"));
    /* Or one that comes later. */
    fetch("http://10.9.0.1/a");
    answer(HELLO);
    fake_push_text(stack, fake_newest(stack), HELLO);
    fetch("http://10.9.0.1/b");
    ck_assert_str_eq(story, "closed connecting connected request");
    ck_assert(!finished);
}
END_TEST

START_TEST(idle_connection_that_the_server_closes_is_let_go)
{
    fetch("http://10.9.0.1/a");
    answer(HELLO);
    server_closes();
    ck_assert_str_eq(story, "connecting connected request reply finished closed");
}
END_TEST

START_TEST(request_is_repeated_when_a_used_connection_closes_without_a_word)
{
    fetch("http://10.9.0.1/a");
    answer(HELLO);
    fetch("http://10.9.0.1/b");
    server_closes();
    ck_assert_str_eq(story, "reused request closed connecting connected request");
    ck_assert(strncmp(asked(), "GET /b ", 7) == 0);
    server_closes(); /* but once only */
    ck_assert_int_eq(result.outcome, HTTP_CLIENT_NO_REPLY);

    fetch("http://10.9.0.1/a");
    answer(HELLO);
    fetch("http://10.9.0.1/b");
    fake_fail(stack, fake_newest(stack), -ECONNRESET);
    run();
    ck_assert(!finished);
    answer("HTTP");
    server_closes();
    ck_assert_int_eq(result.outcome, HTTP_CLIENT_NO_REPLY);
}
END_TEST

/* --- what goes wrong ------------------------------------------------------------------------ */

START_TEST(connection_that_is_not_made_tells_why)
{
    fake_set_connect(stack, -EINPROGRESS, -ECONNREFUSED);
    fetch("http://10.9.0.1/");
    ck_assert_str_eq(story, "connecting");
    fake_push_end(stack, fake_newest(stack));
    run();
    ck_assert_int_eq(result.outcome, HTTP_CLIENT_NO_CONNECTION);
    ck_assert_int_eq(result.error, -ECONNREFUSED);
    fake_set_connect(stack, -ENETUNREACH, 0);
    fetch("http://10.9.0.1/");
    ck_assert_int_eq(result.error, -ENETUNREACH);
    fake_set_connect(stack, -EINPROGRESS, -EALREADY);
    fetch("http://10.9.0.1/");
    wait_ns(config.connect_ns - 1);
    ck_assert(!finished);
    wait_ns(1);
    ck_assert(finished && result.error == -ETIMEDOUT);
    fake_set_connect(stack, -EINPROGRESS, 0);
    fetch("http://10.9.0.1/");
    fake_push_text(stack, fake_newest(stack), "");
    run();
    ck_assert_str_eq(story, "connecting connected request");
}
END_TEST

START_TEST(server_that_says_nothing_more_is_given_up)
{
    static const char *const parts[] = {"", "HTTP/1.1 2", OK "Content-Length: 9\r\n\r\nhel"};

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        fetch("http://10.9.0.1/");
        wait_ns(config.stall_ns - 1);
        answer(parts[i]);
        if (*parts[i])
            wait_ns(config.stall_ns - 1);
        ck_assert(!finished);
        wait_ns(1);
        ck_assert(finished && result.outcome == HTTP_CLIENT_STALLED);
    }
}
END_TEST

START_TEST(reset_in_the_middle_is_an_error_with_what_came)
{
    fetch("http://10.9.0.1/");
    answer(OK "\r\nhello");
    fake_fail(stack, fake_newest(stack), -ECONNRESET);
    run();
    ck_assert_int_eq(result.outcome, HTTP_CLIENT_BROKEN); /* though its end would be a close */
    ck_assert_int_eq(result.error, -ECONNRESET);
    ck_assert_uint_eq(result.received, 5);
}
END_TEST

START_TEST(interim_responses_have_a_cap)
{
    fetch("http://10.9.0.1/");
    for (int i = 0; i < HTTP_CLIENT_INTERIM_MAX; i++)
        answer("HTTP/1.1 102 x\r\n\r\n");
    ck_assert(!finished);
    answer("HTTP/1.1 102 x\r\n\r\n");
    ck_assert(finished && result.outcome == HTTP_CLIENT_BAD_REPLY);
}
END_TEST

START_TEST(name_is_resolved_now_or_later_or_not)
{
    fetch("http://example/");
    ck_assert_str_eq(story, "example resolved connecting connected request");
    answer(HELLO);
    resolve_result = -ENOENT;
    fetch("http://example/");
    ck_assert(finished && result.outcome == HTTP_CLIENT_NO_ADDRESS && result.error == -ENOENT);
    resolve_result = -EINPROGRESS;
    fetch("http://example:81/");
    ck_assert_str_eq(story, "example");
    wait_ns(3600 * NS_PER_S);
    http_client_resolved(client, 0, resolved, now);
    ck_assert_str_eq(story, "example resolved connecting connected request");
    http_client_resolved(client, 0, resolved, now); /* nobody asked */
    answer(HELLO);
    fetch("http://example/");
    http_client_resolved(client, -ETIMEDOUT, resolved, now);
    ck_assert(finished && result.outcome == HTTP_CLIENT_NO_ADDRESS);
    fetch("http://example/");
    http_client_fini(client, now);
    http_client_resolved(client, 0, resolved, now); /* nobody waits any more */
    ck_assert_str_eq(story, "example");
}
END_TEST

/* --- RFC 9110, 15.4: redirects -------------------------------------------------------------- */

static void redirect(int status, const char *location)
{
    char text[400];

    snprintf(text, sizeof(text), "HTTP/1.1 %d x\r\nLocation: %s\r\nContent-Length: 4\r\n\r\ngone",
             status, location);
    answer(text);
}

START_TEST(redirects_are_followed_on_the_same_connection_if_they_can)
{
    static const int statuses[] = {301, 302, 303, 307, 308};

    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        fetch("http://10.9.0.1/a/b");
        redirect(statuses[i], "../c");
        ck_assert(strstr(story, "reply redirect reused request"));
        const char *second = strstr(asked(), "GET /c ");
        ck_assert_ptr_nonnull(second);
        answer(HELLO);
        ck_assert(got_is("hello")); /* nothing of the redirect's own content */
        ck_assert_uint_eq(result.received, 5);
    }
    fetch("http://10.9.0.1/");
    redirect(302, "//10.9.0.2:81/x");
    ck_assert(strstr(story, "redirect closed connecting connected request"));
    ck_assert_ptr_nonnull(strstr(asked(), "Host: 10.9.0.2:81\r\n"));
}
END_TEST

START_TEST(redirect_that_leads_nowhere_is_shown_as_it_is)
{
    fetch("http://10.9.0.1/");
    answer("HTTP/1.1 301 x\r\nContent-Length: 4\r\n\r\ngone");
    ck_assert(result.outcome == HTTP_CLIENT_DONE && got_is("gone"));
    fetch("http://10.9.0.1/");
    answer("HTTP/1.1 300 x\r\nLocation: /b\r\nContent-Length: 4\r\n\r\nmany");
    ck_assert(result.outcome == HTTP_CLIENT_DONE && got_is("many"));
    fetch("http://10.9.0.1/");
    redirect(301, "https://10.9.0.1/");
    ck_assert_int_eq(result.outcome, HTTP_CLIENT_BAD_LOCATION);
    ck_assert_ptr_nonnull(strstr(result.why, "https is not built in"));
    fetch("http://10.9.0.1/");
    redirect(301, "/a b");
    ck_assert_int_eq(result.outcome, HTTP_CLIENT_BAD_LOCATION);
}
END_TEST

START_TEST(redirects_are_followed_ten_times)
{
    fetch("http://10.9.0.1/0");
    for (int i = 0; i < 10; i++)
        redirect(302, "/next");
    ck_assert(!finished);
    redirect(302, "/next");
    ck_assert(finished && result.outcome == HTTP_CLIENT_REDIRECTS);
    fetch("http://10.9.0.1/0"); /* each fetch has ten of its own */
    redirect(302, "/next");
    answer(HELLO);
    ck_assert(finished && result.outcome == HTTP_CLIENT_DONE);
}
END_TEST

START_TEST(redirect_with_endless_content_costs_the_connection)
{
    static char octets[10000];

    memset(octets, 'x', sizeof(octets));
    fetch("http://10.9.0.1/0");
    answer("HTTP/1.1 302 x\r\nLocation: /b\r\nContent-Length: 1000000000\r\n\r\n");
    const int s = fake_newest(stack);
    for (int i = 0; i < 40 && fake_newest(stack) == s; i++) {
        fake_push(stack, s, octets, sizeof(octets));
        run();
    }
    ck_assert_int_ne(fake_newest(stack), s);
    ck_assert(fake_is_closed(stack, s));
    answer(HELLO);
    ck_assert(finished && got_is("hello"));
}
END_TEST

/* --- RFC 9110, 14: ranges ------------------------------------------------------------------- */

static const struct {
    uint64_t first, last;
    const char *head;
    enum http_client_outcome outcome;
} ranges[] = {
    {2, 6, "206 x\r\nContent-Range: bytes 2-6/9\r\nContent-Length: 5\r\n", HTTP_CLIENT_DONE},
    {2, UINT64_MAX, "206 x\r\nContent-Range: bytes 2-6/7\r\nContent-Length: 5\r\n",
     HTTP_CLIENT_DONE},
    {2, 9, "206 x\r\nContent-Range: bytes 2-6/7\r\nContent-Length: 5\r\n", HTTP_CLIENT_DONE},
    {2, 6, "200 x\r\nContent-Length: 5\r\n", HTTP_CLIENT_NO_RANGE},
    {2, 6, "206 x\r\nContent-Length: 5\r\n", HTTP_CLIENT_NO_RANGE},
    {2, 6, "206 x\r\nContent-Range: bytes 1-5/9\r\nContent-Length: 5\r\n", HTTP_CLIENT_NO_RANGE},
    {2, 5, "206 x\r\nContent-Range: bytes 2-6/9\r\nContent-Length: 5\r\n", HTTP_CLIENT_NO_RANGE},
    {2, 6, "206 x\r\nContent-Range: bytes 2-5/9\r\nContent-Length: 5\r\n", HTTP_CLIENT_NO_RANGE},
    {2, 6, "206 x\r\nContent-Range: bytes */9\r\nContent-Length: 5\r\n", HTTP_CLIENT_NO_RANGE},
    {2, 6, "416 x\r\nContent-Range: bytes */1\r\nContent-Length: 5\r\n", HTTP_CLIENT_DONE},
};

START_TEST(part_is_the_one_that_was_asked_for)
{
    char text[400];

    fetch_part("http://10.9.0.1/", (struct http_client_request){.range = true,
                                                                .first = ranges[_i].first,
                                                                .last = ranges[_i].last});
    snprintf(text, sizeof(text), "\r\nRange: bytes=2-%.1s\r\n",
             ranges[_i].last == UINT64_MAX ? "" : (char[]){(char)('0' + ranges[_i].last)});
    ck_assert_ptr_nonnull(strstr(asked(), text));
    snprintf(text, sizeof(text), "HTTP/1.1 %s\r\nhello", ranges[_i].head);
    answer(text);
    ck_assert(finished);
    ck_assert_int_eq(result.outcome, ranges[_i].outcome);
    ck_assert_uint_eq(got_len, result.outcome == HTTP_CLIENT_DONE ? 5 : 0);
}
END_TEST

START_TEST(client_that_ends_in_the_middle_resets)
{
    fetch("http://10.9.0.1/");
    answer(OK "Content-Length: 9\r\n\r\nhello");
    const int s = fake_newest(stack);
    http_client_fini(client, now);
    ck_assert(fake_is_reset(stack, s));
    fetch("http://10.9.0.1/");
    answer(HELLO);
    const int t = fake_newest(stack);
    http_client_fini(client, now);
    ck_assert(fake_is_closed(stack, t) && !fake_is_reset(stack, t));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http_client");
    TCase *c = tcase_create("a page");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, page_is_asked_for_and_handed_on);
    tcase_add_loop_test(c, response_is_the_same_however_it_is_cut, 0, ARRAY_LEN(responses));
    tcase_add_test(c, head_is_asked_for_and_has_no_content);
    tcase_add_test(c, large_content_passes_a_buffer_that_is_smaller);
    tcase_add_test(c, caller_that_takes_little_holds_up_the_stream);
    tcase_add_test(c, caller_that_refuses_ends_the_fetch);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 9112, 9.3: the connection");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, connection_is_used_again_for_the_same_server_only);
    tcase_add_test(c, connection_with_an_octet_too_many_is_not_used_again);
    tcase_add_test(c, idle_connection_that_the_server_closes_is_let_go);
    tcase_add_test(c, request_is_repeated_when_a_used_connection_closes_without_a_word);
    suite_add_tcase(s, c);

    c = tcase_create("what goes wrong");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, connection_that_is_not_made_tells_why);
    tcase_add_test(c, server_that_says_nothing_more_is_given_up);
    tcase_add_test(c, reset_in_the_middle_is_an_error_with_what_came);
    tcase_add_test(c, interim_responses_have_a_cap);
    tcase_add_test(c, name_is_resolved_now_or_later_or_not);
    tcase_add_test(c, client_that_ends_in_the_middle_resets);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 9110, 14 and 15.4: ranges, redirects");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, redirects_are_followed_on_the_same_connection_if_they_can);
    tcase_add_test(c, redirect_that_leads_nowhere_is_shown_as_it_is);
    tcase_add_test(c, redirects_are_followed_ten_times);
    tcase_add_test(c, redirect_with_endless_content_costs_the_connection);
    tcase_add_loop_test(c, part_is_the_one_that_was_asked_for, 0, ARRAY_LEN(ranges));
    suite_add_tcase(s, c);
    return run_suite(s, "http_client");
}
