/*
 * test_http_parse.c - the head of a request, whole, in pieces, and in every broken form.
 *
 * Every input of every test is parsed in several ways (all at once, octet by octet, from a buffer
 * that moves, with the next request behind it), and all must agree.
 */
#include "http/http_parse.h"

#include <stdio.h>

#include "http/http_octets.h"
#include "support/exact.h"
#include "support/holds.h"
#include "support/proves.h"

static struct http_parser parser;

/* What one way of feeding came to: 0 for HTTP_MORE, 1 for HTTP_COMPLETE, else the status. */
static int outcome_of(enum http_progress progress, const struct http_parser *p)
{
    return progress == HTTP_MORE ? 0 : progress == HTTP_COMPLETE ? 1 : p->status;
}

static int parse_at_once(struct bytes in)
{
    struct bytes exact = exact_copy(in.at, in.len);

    http_parser_init(&parser);
    int outcome = outcome_of(http_parse(&parser, exact), &parser);
    exact_free(exact);
    return outcome;
}

/* Feeds `step` octets more at a time, each time from a buffer of its own. */
static int parse_stepwise(struct bytes in, size_t step)
{
    enum http_progress progress = HTTP_MORE;

    http_parser_init(&parser);
    for (size_t len = 0; progress == HTTP_MORE && len < in.len;) {
        len = size_min(len + step, in.len);
        struct bytes exact = exact_copy(in.at, len);
        progress = http_parse(&parser, exact);
        exact_free(exact);
    }
    return outcome_of(progress, &parser);
}

/* As above with the buffer where it is: fast enough for long heads. */
static int parse_octets_in_place(struct bytes in)
{
    enum http_progress progress = HTTP_MORE;

    http_parser_init(&parser);
    for (size_t len = 1; progress == HTTP_MORE && len <= in.len; len++)
        progress = http_parse(&parser, bytes_of(in.at, len));
    return outcome_of(progress, &parser);
}

/* All ways at once. `parser` holds the result of the whole afterwards. */
static int parse(struct bytes in)
{
    int outcome = parse_at_once(in);

    HOLDS(parse_octets_in_place(in) == outcome);
    if (in.len <= 1024) {
        HOLDS(parse_stepwise(in, 1) == outcome);
        HOLDS(parse_stepwise(in, 7) == outcome);
    }
    struct http_parser stepped = parser;
    HOLDS(parse_at_once(in) == outcome);
    if (outcome == 1) {
        HOLDS(stepped.at == parser.at);
        HOLDS(stepped.request.field_count == parser.request.field_count);
        HOLDS(memcmp(&stepped.request.target, &parser.request.target, sizeof(struct http_slice)) ==
              0);
    }
    return outcome;
}

static int parse_text(const char *text)
{
    return parse(bytes_of(text, strlen(text)));
}

static bool is(const char *head, struct http_slice slice, const char *text)
{
    return bytes_equal(http_slice_of(bytes_of(head, strlen(head)), slice),
                       bytes_of(text, strlen(text)));
}

/* A growing head for the tests of limits. */
static uint8_t big[2 * HTTP_HEAD_MAX];
static size_t big_len;

static void big_add(const char *text)
{
    size_t len = strlen(text);
    ck_assert(big_len + len <= sizeof(big));
    memcpy(big + big_len, text, len);
    big_len += len;
}

static void big_fill(char octet, size_t count)
{
    ck_assert(big_len + count <= sizeof(big));
    memset(big + big_len, octet, count);
    big_len += count;
}

/* Rows of requests and what they come to. */
struct row {
    const char *head;
    int outcome;
};

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int outcome = parse_text(rows[i].head);
        if (outcome != rows[i].outcome)
            ck_abort_msg("row %zu is %d, not %d: %s", i, outcome, rows[i].outcome, rows[i].head);
    }
}

#define CHECK_ROWS(rows) check_rows(rows, ARRAY_LEN(rows))
#define H                "Host: a\r\n"

/* --- RFC 9110, 5 and 9112, 2 and 3: octets, request line ----------------------------------- */

static bool among(uint8_t octet, const char *set)
{
    return octet && strchr(set, octet);
}

START_TEST(classes_of_octets_are_those_of_the_grammar)
{
    for (int i = 0; i < 256; i++) {
        const uint8_t o = (uint8_t)i;
        const bool digit = o >= '0' && o <= '9';
        const bool alpha = (o >= 'a' && o <= 'z') || (o >= 'A' && o <= 'Z');
        const bool visible = o >= 0x21 && o <= 0x7e;
        HOLDS(http_octet_is(o, HTTP_TCHAR) == (digit || alpha || among(o, "!#$%&'*+-.^_`|~")));
        HOLDS(http_octet_is(o, HTTP_TARGET) == (visible && !among(o, "\"#<>\\")));
        HOLDS(http_octet_is(o, HTTP_VALUE) == (visible || o == ' ' || o == '\t' || o >= 0x80));
        HOLDS(http_octet_is(o, HTTP_REG_NAME) == (digit || alpha || among(o, "-._~!$&'()*+,;=")));
        HOLDS(http_octet_is(o, HTTP_HEX) == (digit || among(o, "abcdefABCDEF")));
    }
    PROVES("RFC9112-2.2-a");
}
END_TEST

START_TEST(request_is_taken_apart)
{
    const char *head = "GET /a/b%20c?x=1&y=%2f HTTP/1.1\r\n"
                       "Host: example.org:8080\r\n"
                       "Accept:*/*\r\n"
                       "X-Empty:\r\n"
                       "X-Spaces: \t two  words \t \r\n"
                       "\r\n";

    ck_assert_int_eq(parse_text(head), 1);
    const struct http_request *r = &parser.request;
    ck_assert_uint_eq(parser.at, strlen(head));
    ck_assert_int_eq(r->method, HTTP_GET);
    ck_assert_uint_eq(r->minor, 1);
    ck_assert(is(head, r->target, "/a/b%20c?x=1&y=%2f"));
    ck_assert(is(head, r->path, "/a/b%20c"));
    ck_assert(is(head, r->query, "x=1&y=%2f"));
    ck_assert(is(head, r->host, "example.org:8080"));
    ck_assert_uint_eq(r->field_count, 4);
    ck_assert(is(head, r->fields[1].name, "Accept"));
    ck_assert(is(head, r->fields[1].value, "*/*"));
    ck_assert(is(head, r->fields[2].value, ""));
    ck_assert(is(head, r->fields[3].value, "two  words"));
    ck_assert(r->keep_alive && !r->chunked && r->content_length == 0);
}
END_TEST

START_TEST(what_follows_the_head_is_left_alone)
{
    static const char both[] = "GET / HTTP/1.1\r\n" H "\r\n\0garbage\r\r\n";

    ck_assert_int_eq(parse(bytes_of(both, sizeof(both) - 1)), 1);
    ck_assert_uint_eq(parser.at, strlen(both));
}
END_TEST

START_TEST(methods_are_known_by_name_and_case)
{
    static const struct {
        const char *name;
        enum http_method method;
    } rows[] = {
        {"GET", HTTP_GET},         {"HEAD", HTTP_HEAD},     {"POST", HTTP_POST},
        {"PUT", HTTP_PUT},         {"DELETE", HTTP_DELETE}, {"TRACE", HTTP_TRACE},
        {"OPTIONS", HTTP_OPTIONS}, {"PATCH", HTTP_PATCH},   {"get", HTTP_UNKNOWN},
        {"GETT", HTTP_UNKNOWN},    {"GE", HTTP_UNKNOWN},    {"FOOBAR", HTTP_UNKNOWN},
    };
    char head[128];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        snprintf(head, sizeof(head), "%s / HTTP/1.1\r\n" H "\r\n", rows[i].name);
        ck_assert_int_eq(parse_text(head), 1);
        ck_assert_int_eq(parser.request.method, rows[i].method);
    }
}
END_TEST

START_TEST(method_that_is_too_long_is_501)
{
    char head[256];
    static const struct {
        int len;
        int outcome;
    } rows[] = {{HTTP_METHOD_LONGEST, 1}, {HTTP_METHOD_LONGEST + 1, 501}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        memset(head, 'A', (size_t)rows[i].len);
        strcpy(head + rows[i].len, " / HTTP/1.1\r\n" H "\r\n");
        ck_assert_int_eq(parse_text(head), rows[i].outcome);
    }
    big_len = 0;
    big_fill('M', 1000);
    big_add(" / HTTP/1.1\r\n" H "\r\n");
    ck_assert_int_eq(parse(bytes_of(big, big_len)), 501);
    PROVES("RFC9112-3-c");
}
END_TEST

START_TEST(request_line_has_exactly_one_form)
{
    static const struct row rows[] = {
        {"GET / HTTP/1.1\r\n" H "\r\n", 1},
        {"GET /\r\n" H "\r\n", 400}, /* HTTP/0.9 */
        {"GET\r\n\r\n", 400},
        {"GET  / HTTP/1.1\r\n" H "\r\n", 400},
        {"GET /  HTTP/1.1\r\n" H "\r\n", 400},
        {"GET / HTTP/1.1 \r\n" H "\r\n", 400},
        {"GET / x HTTP/1.1\r\n" H "\r\n", 400},
        {" GET / HTTP/1.1\r\n" H "\r\n", 400},
        {"GET\t/ HTTP/1.1\r\n" H "\r\n", 400},
        {"GET /\tHTTP/1.1\r\n" H "\r\n", 400},
        {"GET /a b HTTP/1.1\r\n" H "\r\n", 400},
        {"GET /a\x7f HTTP/1.1\r\n" H "\r\n", 400},
        {"GET /\xc3\xa4 HTTP/1.1\r\n" H "\r\n", 400},
        {"GET /#f HTTP/1.1\r\n" H "\r\n", 400},
        {"GET /a\\b HTTP/1.1\r\n" H "\r\n", 400},
        {"GET /<a> HTTP/1.1\r\n" H "\r\n", 400},
        {"GET /a|b[]{}^` HTTP/1.1\r\n" H "\r\n", 1}, /* browsers send these */
        {"G(T / HTTP/1.1\r\n" H "\r\n", 400},
        {"GET : HTTP/1.1\r\n" H "\r\n", 400},
        {"GET a HTTP/1.1\r\n" H "\r\n", 400},
    };

    CHECK_ROWS(rows);
    PROVES("RFC9112-3-a");
}
END_TEST

START_TEST(version_is_judged_by_its_major_number)
{
    static const struct row rows[] = {
        {"GET / HTTP/1.0\r\n\r\n", 1},         {"GET / HTTP/1.1\r\n" H "\r\n", 1},
        {"GET / HTTP/1.2\r\n" H "\r\n", 1},    {"GET / HTTP/1.9\r\n" H "\r\n", 1},
        {"GET / HTTP/1.9\r\n\r\n", 400}, /* 1.1's rules: no Host */
        {"GET / HTTP/0.9\r\n" H "\r\n", 505},  {"GET / HTTP/2.0\r\n" H "\r\n", 505},
        {"GET / HTTP/9.9\r\n" H "\r\n", 505},  {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
        {"GET / http/1.1\r\n" H "\r\n", 400},  {"GET / HTTP/1.10\r\n" H "\r\n", 400},
        {"GET / HTTP/11.1\r\n" H "\r\n", 400}, {"GET / HTTP/1\r\n" H "\r\n", 400},
        {"GET / HTTP/1.\r\n" H "\r\n", 400},   {"GET / HTTP/.1\r\n" H "\r\n", 400},
        {"GET / HTTP/1,1\r\n" H "\r\n", 400},  {"GET / HTTP 1.1\r\n" H "\r\n", 400},
        {"GET / HTTPS/1.1\r\n" H "\r\n", 400}, {"GET / FTP/1.1\r\n" H "\r\n", 400},
        {"GET / HTTP/a.1\r\n" H "\r\n", 400},
    };

    CHECK_ROWS(rows);
    PROVES("RFC9112-2.3-a");
}
END_TEST

START_TEST(empty_lines_before_a_request_are_skipped_a_few_at_most)
{
    static const struct row rows[] = {
        {"\r\nGET / HTTP/1.1\r\n" H "\r\n", 1},
        {"\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n", 1},
        {"\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n", 400},
        {"\nGET / HTTP/1.1\r\n" H "\r\n", 400},
        {"\r\rGET / HTTP/1.1\r\n" H "\r\n", 400},
        {"\r\n\r\n", 0},
    };

    CHECK_ROWS(rows);
    PROVES("RFC9112-2.2-a");
}
END_TEST

START_TEST(what_is_not_http_is_400)
{
    static const uint8_t hello[] = {0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03};
    static const uint8_t ssh[] = "SSH-2.0-OpenSSH_9.2\r\n";
    uint8_t noise[64];

    ck_assert_int_eq(parse(bytes_of(hello, sizeof(hello))), 400);
    ck_assert_int_eq(parse(bytes_of(ssh, sizeof(ssh) - 1)), 400);
    for (int first = 0; first < 256; first++) {
        for (size_t i = 0; i < sizeof(noise); i++)
            noise[i] = (uint8_t)(first * 7 + (int)i * 31);
        int outcome = parse(bytes_of(noise, sizeof(noise)));
        ck_assert(outcome == 400 || outcome == 0 || outcome == 501);
    }
    PROVES("RFC9112-2.2-d");
}
END_TEST

/* --- RFC 9112, 3.2: whom it is for --------------------------------------------------------- */

START_TEST(target_has_a_form_for_each_method)
{
    static const struct row rows[] = {
        {"OPTIONS * HTTP/1.1\r\n" H "\r\n", 1},
        {"GET * HTTP/1.1\r\n" H "\r\n", 400},
        {"OPTIONS ** HTTP/1.1\r\n" H "\r\n", 400},
        {"CONNECT a:80 HTTP/1.1\r\n" H "\r\n", 1},
        {"CONNECT [::1]:80 HTTP/1.1\r\n" H "\r\n", 1},
        {"CONNECT a HTTP/1.1\r\n" H "\r\n", 400},
        {"CONNECT a: HTTP/1.1\r\n" H "\r\n", 400},
        {"CONNECT :80 HTTP/1.1\r\n" H "\r\n", 400},
        {"CONNECT /a HTTP/1.1\r\n" H "\r\n", 400},
        {"GET http://b/x HTTP/1.1\r\n" H "\r\n", 1},
        {"GET HTTP://b HTTP/1.1\r\n" H "\r\n", 1},
        {"GET http://b?q HTTP/1.1\r\n" H "\r\n", 1},
        {"GET http://b:8/x HTTP/1.1\r\n" H "\r\n", 1},
        {"GET http:/// HTTP/1.1\r\n" H "\r\n", 400},
        {"GET http://:80/ HTTP/1.1\r\n" H "\r\n", 400},
        {"GET http://u@b/ HTTP/1.1\r\n" H "\r\n", 400},
        {"GET http://b:99999/ HTTP/1.1\r\n" H "\r\n", 400},
        {"GET http:/b/ HTTP/1.1\r\n" H "\r\n", 400},
        {"GET ftp://b/ HTTP/1.1\r\n" H "\r\n", 400},
        {"GET https://b/ HTTP/1.1\r\n" H "\r\n", 421},
    };

    CHECK_ROWS(rows);
}
END_TEST

START_TEST(authority_of_an_absolute_target_overrides_host)
{
    const char *head = "GET http://b:81/x/y?z HTTP/1.1\r\nHost: a\r\n\r\n";

    ck_assert_int_eq(parse_text(head), 1);
    ck_assert(is(head, parser.request.host, "b:81"));
    ck_assert(is(head, parser.request.path, "/x/y"));
    ck_assert(is(head, parser.request.query, "z"));
    head = "GET http://b?q HTTP/1.1\r\nHost: a\r\n\r\n";
    ck_assert_int_eq(parse_text(head), 1);
    ck_assert(is(head, parser.request.path, ""));
    ck_assert(is(head, parser.request.query, "q"));
    PROVES("RFC9112-3.2.2-a");
}
END_TEST

START_TEST(host_is_there_once_and_valid)
{
#define GET1 "GET / HTTP/1.1\r\n"
    static const struct row rows[] = {
        {GET1 "\r\n", 400},
        {"GET / HTTP/1.0\r\n\r\n", 1},
        {"GET / HTTP/1.0\r\nHost: a b\r\n\r\n", 400},
        {"GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400},
        {GET1 "Host: a\r\nHost: a\r\n\r\n", 400},
        {GET1 "Host: a\r\nhOST: b\r\n\r\n", 400},
        {GET1 "hOsT: a\r\n\r\n", 1},
        {GET1 "Host:a\r\n\r\n", 1},
        {GET1 "Host:\r\n\r\n", 400},
        {GET1 "Host: a b\r\n\r\n", 400},
        {GET1 "Host: a/b\r\n\r\n", 400},
        {GET1 "Host: u@a\r\n\r\n", 400},
        {GET1 "Host: http://a\r\n\r\n", 400},
        {GET1 "Host: a:80\r\n\r\n", 1},
        {GET1 "Host: a:\r\n\r\n", 1},
        {GET1 "Host: a:65535\r\n\r\n", 1},
        {GET1 "Host: a:65536\r\n\r\n", 400},
        {GET1 "Host: a:8x\r\n\r\n", 400},
        {GET1 "Host: a:80:80\r\n\r\n", 400},
        {GET1 "Host: :80\r\n\r\n", 400},
        {GET1 "Host: 10.9.0.2\r\n\r\n", 1},
        {GET1 "Host: xn--bcher-kva.example\r\n\r\n", 1},
        {GET1 "Host: a_b-c.d~e\r\n\r\n", 1},
        {GET1 "Host: a%41b\r\n\r\n", 1},
        {GET1 "Host: a%4\r\n\r\n", 400},
        {GET1 "Host: a%zz\r\n\r\n", 400},
        {GET1 "Host: [::1]\r\n\r\n", 1},
        {GET1 "Host: [2001:db8::1]:8080\r\n\r\n", 1},
        {GET1 "Host: [::1\r\n\r\n", 400},
        {GET1 "Host: ::1\r\n\r\n", 400},
        {GET1 "Host: [::1]x\r\n\r\n", 400},
        {GET1 "Host: []\r\n\r\n", 400},
        {GET1 "Host: [10.9.0.2]\r\n\r\n", 400},
        {GET1 "Host: [1:2:3]\r\n\r\n", 400},
        {GET1 "Host: [0000:0000:0000:0000:0000:0000:0000:0000:0000]\r\n\r\n", 400},
        {GET1 "Host: a\xff\r\n\r\n", 400},
        {GET1 "X-Host: a\r\n\r\n", 400},
    };

    CHECK_ROWS(rows);
    PROVES("RFC9112-3.2-a", "W05");
}
END_TEST

/* --- RFC 9112, 5: fields ------------------------------------------------------------------- */

START_TEST(line_ends_with_crlf_and_holds_no_controls)
{
    static const struct row rows[] = {
        {"GET / HTTP/1.1\n" H "\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\n\n", 400},
        {"GET / HTTP/1.1\r\rHost: a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r" H "\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" H "X: a\rb\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" H "X: a\nb\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" H "X: a\x01\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" H "X: a\x7f\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" H "X: \x80\xff\r\n\r\n", 1}, /* obs-text is opaque */
        {"GET / HTTP/1.1\r\n" H "\rX\n", 400},
    };
    static const char nul_in_value[] = "GET / HTTP/1.1\r\n" H "X: a\0b\r\n\r\n";
    static const char nul_in_name[] = "GET / HTTP/1.1\r\n" H "X\0: a\r\n\r\n";
    static const char nul_in_target[] = "GET /\0 HTTP/1.1\r\n" H "\r\n";

    CHECK_ROWS(rows);
    ck_assert_int_eq(parse(bytes_of(nul_in_value, sizeof(nul_in_value) - 1)), 400);
    ck_assert_int_eq(parse(bytes_of(nul_in_name, sizeof(nul_in_name) - 1)), 400);
    ck_assert_int_eq(parse(bytes_of(nul_in_target, sizeof(nul_in_target) - 1)), 400);
    PROVES("RFC9112-2.2-b", "W04");
}
END_TEST

START_TEST(name_is_a_token_that_touches_its_colon)
{
    static const struct row rows[] = {
        {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost\t: a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" H "Content-Length : 5\r\n\r\nhello", 400},
        {"GET / HTTP/1.1\r\n" H ": a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" H "NoColon\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" H "X(Y): a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" H "X\x7f: a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" H "X\xe4: a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" H "!#$%&'*+-.^_`|~09az: a\r\n\r\n", 1},
        {"GET / HTTP/1.1\r\n" H "X::\r\n\r\n", 1},
        {"GET / HTTP/1.1\r\nHost:\t \ta\t \r\n\r\n", 1},
    };

    CHECK_ROWS(rows);
    PROVES("RFC9112-5.1-a", "RFC9112-5.1-b", "W04");
}
END_TEST

START_TEST(line_that_begins_with_white_space_is_400)
{
    static const struct row rows[] = {
        {"GET / HTTP/1.1\r\n X: a\r\n" H "\r\n", 400},
        {"GET / HTTP/1.1\r\n\tX: a\r\n" H "\r\n", 400},
        {"GET / HTTP/1.1\r\n \r\n" H "\r\n", 400},
        {"GET / HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" H "X: a\r\n\tb\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost:\r\n a\r\n\r\n", 400},
    };

    CHECK_ROWS(rows);
    PROVES("RFC9112-2.2-c", "RFC9112-5.2-a", "W04");
}
END_TEST

/* --- RFC 9112, 6: framing ------------------------------------------------------------------ */

#define POST "POST / HTTP/1.1\r\n" H

START_TEST(content_length_is_one_decimal_number)
{
    static const struct row rows[] = {
        {POST "Content-Length: 0\r\n\r\n", 1},
        {POST "Content-Length: 5\r\n\r\n", 1},
        {POST "Content-Length: 005\r\n\r\n", 1},
        {POST "Content-Length: 9223372036854775807\r\n\r\n", 1},
        {POST "Content-Length: 9223372036854775808\r\n\r\n", 400},
        {POST "Content-Length: 99999999999999999999\r\n\r\n", 400},
        {POST "Content-Length: 18446744073709551621\r\n\r\n", 400}, /* 2^64 + 5 */
        {POST "Content-Length: +5\r\n\r\n", 400},
        {POST "Content-Length: -1\r\n\r\n", 400},
        {POST "Content-Length: 0x5\r\n\r\n", 400},
        {POST "Content-Length: 5 5\r\n\r\n", 400},
        {POST "Content-Length: 5,6\r\n\r\n", 400},
        {POST "Content-Length: 5, 5\r\n\r\n", 400},
        {POST "Content-Length: 5.0\r\n\r\n", 400},
        {POST "Content-Length:\r\n\r\n", 400},
        {POST "Content-Length: \t\r\n\r\n", 400},
        {POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400},
        {POST "Content-Length: 5\r\ncontent-length: 6\r\n\r\n", 400},
    };

    CHECK_ROWS(rows);
    ck_assert_int_eq(parse_text(POST "Content-Length: 12345\r\n\r\n"), 1);
    ck_assert_uint_eq(parser.request.content_length, 12345);
    PROVES("RFC9112-6.3-b", "W02");
}
END_TEST

START_TEST(transfer_encoding_is_chunked_alone_and_in_1_1_only)
{
    static const struct row rows[] = {
        {POST "Transfer-Encoding: chunked\r\n\r\n", 1},
        {POST "Transfer-Encoding: Chunked\r\n\r\n", 1},
        {POST "Transfer-Encoding: , chunked ,\r\n\r\n", 1},
        {POST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
        {POST "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", 501},
        {POST "Transfer-Encoding: chunked, gzip\r\n\r\n", 400},
        {POST "Transfer-Encoding: gzip\r\n\r\n", 400},
        {POST "Transfer-Encoding: xchunked\r\n\r\n", 400},
        {POST "Transfer-Encoding: chunked;x=1\r\n\r\n", 400},
        {POST "Transfer-Encoding: identity\r\n\r\n", 400},
        {POST "Transfer-Encoding: chunked, chunked\r\n\r\n", 400},
        {POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {POST "Transfer-Encoding:\r\n\r\n", 400},
        {POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400},
        {POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {POST "Content-Length: 0\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 400},
        {"POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n", 400},
        {"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400},
    };

    CHECK_ROWS(rows);
    PROVES("RFC9112-6.1-a", "RFC9112-6.1-b", "RFC9112-6.1-c", "RFC9112-6.3-a", "W02");
}
END_TEST

/* Requests that programs have been known to read in different ways. Each must be refused, and the
 * refusal ends the connection, so there is never a second reading. */
START_TEST(request_that_could_be_smuggled_is_refused)
{
    static const char *const vectors[] = {
        POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x",
        POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
        POST "Transfer-Encoding : chunked\r\n\r\n",
        POST "Transfer-Encoding\t: chunked\r\n\r\n",
        POST " Transfer-Encoding: chunked\r\n\r\n",
        POST "Transfer-Encoding: xchunked\r\n\r\n",
        POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n",
        POST "Transfer-Encoding: x\r\nTransfer-Encoding: chunked, x\r\n\r\n",
        POST "Transfer-Encoding: \"chunked\"\r\n\r\n",
        POST "Transfer-Encoding: 'chunked'\r\n\r\n",
        POST "Transfer-Encoding: chunked\x0b\r\n\r\n",
        POST "Transfer-Encoding: \x0c"
             "chunked\r\n\r\n",
        POST "Transfer-Encoding:\n chunked\r\n\r\n",
        POST "Transfer-Encoding:\r\n chunked\r\n\r\n",
        POST "Transfer-Encoding\n: chunked\r\n\r\n",
        POST "X: y\nTransfer-Encoding: chunked\r\n\r\n",
        POST "X: y\rTransfer-Encoding: chunked\r\n\r\n",
        POST "X: y\r\rTransfer-Encoding: chunked\r\n\r\n",
        POST "Transfer-Encoding: chunk\r\n\r\n",
        POST "Transfer-Encoding: chunked chunked\r\n\r\n",
        POST "Transfer-Encoding: identity, chunked, identity\r\n\r\n",
        POST "Transfer-Encoding: \xff"
             "chunked\r\n\r\n",
        POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
        POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
        POST "Content-Length: 5, 6\r\n\r\n",
        POST "Content-Length: 5;6\r\n\r\n",
        POST "Content-Length: +5\r\n\r\n",
        POST "Content-Length: 5a\r\n\r\n",
        POST "Content-Length: 0x5\r\n\r\n",
        POST "Content-Length: 5\x0b\r\n\r\n",
        POST "Content-Length : 5\r\n\r\n",
        POST " Content-Length: 5\r\n\r\n",
        POST "Content-Length:\r\n 5\r\n\r\n",
        POST "Content-Length: \r\n\r\n",
        POST "Content-Length: 5\n\r\n",
        POST "Content-Length: 5\r\r\n\r\n",
        POST "X\x01Content-Length: 5\r\n\r\n",
        POST "Host: b\r\nContent-Length: 5\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\n\x0bHost: b\r\n\r\n",
        "POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1 \r\n" H "\r\n",
        "POST /\rHTTP/1.1\r\n" H "\r\n",
        "POST / HTTP/1.1\r\n" H "GET /x HTTP/1.1\r\n\r\n",
        "POST http://a@b/ HTTP/1.1\r\n" H "\r\n",
    };

    ck_assert_uint_ge(ARRAY_LEN(vectors), 40);
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++)
        if (parse_text(vectors[i]) < 400)
            ck_abort_msg("vector %zu was taken: %s", i, vectors[i]);
    PROVES("RFC9112-11.2-a");
}
END_TEST

/* --- RFC 9112, 9.3 and RFC 9110, 10.1.1 ---------------------------------------------------- */

START_TEST(connection_goes_on_as_version_and_options_say)
{
    static const struct {
        const char *head;
        bool keep_alive;
    } rows[] = {
        {"GET / HTTP/1.1\r\n" H "\r\n", true},
        {"GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\n" H "Connection: CLOSE\r\n\r\n", false},
        {"GET / HTTP/1.1\r\n" H "Connection: keep-alive\r\n\r\n", true},
        {"GET / HTTP/1.1\r\n" H "Connection: keep-alive, close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\n" H "Connection: x\r\nConnection: y , close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\n" H "Connection: closed\r\n\r\n", true},
        {"GET / HTTP/1.1\r\n" H "Connection:\r\n\r\n", true},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
        {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false},
        {"GET / HTTP/1.3\r\n" H "\r\n", true},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ck_assert_int_eq(parse_text(rows[i].head), 1);
        ck_assert_msg(parser.request.keep_alive == rows[i].keep_alive, "%s", rows[i].head);
    }
    PROVES("RFC9112-9.3-a");
}
END_TEST

START_TEST(expectations_are_noted_but_not_in_1_0)
{
    static const struct {
        const char *head;
        bool wants_continue, unknown;
    } rows[] = {
        {"PUT / HTTP/1.1\r\n" H "Expect: 100-continue\r\n\r\n", true, false},
        {"PUT / HTTP/1.1\r\n" H "Expect: 100-Continue\r\n\r\n", true, false},
        {"PUT / HTTP/1.1\r\n" H "Expect: foo\r\n\r\n", false, true},
        {"PUT / HTTP/1.1\r\n" H "Expect: foo, 100-continue\r\n\r\n", true, true},
        {"PUT / HTTP/1.0\r\n" H "Expect: 100-continue\r\n\r\n", false, false},
        {"PUT / HTTP/1.1\r\n" H "\r\n", false, false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ck_assert_int_eq(parse_text(rows[i].head), 1);
        ck_assert(parser.request.expect_continue == rows[i].wants_continue);
        ck_assert(parser.request.expect_unknown == rows[i].unknown);
    }
}
END_TEST

/* --- limits -------------------------------------------------------------------------------- */

START_TEST(target_may_have_8192_octets)
{
    static const struct {
        size_t len;
        int outcome;
    } rows[] = {{1, 1}, {8000, 1}, {8192, 1}, {8193, 414}, {32000, 414}, {60000, 414}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        big_len = 0;
        big_add("GET /");
        big_fill('a', rows[i].len - 1);
        big_add(" HTTP/1.1\r\n" H "\r\n");
        ck_assert_int_eq(parse(bytes_of(big, big_len)), rows[i].outcome);
    }
    PROVES("RFC9112-3-b", "W01");
}
END_TEST

START_TEST(there_may_be_100_fields)
{
    static const struct {
        int count;
        int outcome;
    } rows[] = {{99, 1}, {100, 1}, {101, 431}, {2000, 431}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        big_len = 0;
        big_add("GET / HTTP/1.1\r\n" H);
        for (int field = 1; field < rows[i].count; field++)
            big_add("X: y\r\n");
        big_add("\r\n");
        ck_assert_int_eq(parse(bytes_of(big, big_len)), rows[i].outcome);
    }
    PROVES("RFC6585-5-a", "W01");
}
END_TEST

START_TEST(head_may_have_32768_octets_and_a_value_may_end_there)
{
    static const struct {
        size_t len;
        int outcome;
    } rows[] = {{HTTP_HEAD_MAX - 1, 1},
                {HTTP_HEAD_MAX, 1},
                {HTTP_HEAD_MAX + 1, 431},
                {2 * HTTP_HEAD_MAX, 431}};
    static const char before[] = "GET / HTTP/1.1\r\n" H "X: ";

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        big_len = 0;
        big_add(before);
        big_fill('v', rows[i].len - strlen(before) - 4);
        big_add("\r\n\r\n");
        ck_assert_uint_eq(big_len, rows[i].len);
        ck_assert_int_eq(parse(bytes_of(big, big_len)), rows[i].outcome);
        if (rows[i].outcome == 1) {
            struct bytes value =
                http_slice_of(bytes_of(big, big_len), parser.request.fields[1].value);
            ck_assert_uint_eq(value.len, rows[i].len - strlen(before) - 4);
            ck_assert_uint_eq(value.at[value.len - 1], 'v');
        }
    }
    PROVES("RFC6585-5-a", "W01", "W17");
}
END_TEST

START_TEST(head_that_never_ends_is_refused_at_the_limit)
{
    big_len = 0;
    big_add("GET / HTTP/1.1\r\n" H "X: ");
    big_fill(' ', HTTP_HEAD_MAX - 1 - big_len);
    ck_assert_int_eq(parse(bytes_of(big, big_len)), 0);
    big_fill(' ', 1);
    ck_assert_int_eq(parse(bytes_of(big, big_len)), 431);
    PROVES("W01");
}
END_TEST

/* --- splits -------------------------------------------------------------------------------- */

static const char full[] = "\r\nGET http://b/p?q HTTP/1.1\r\nHost: a:1\r\nConnection: close, x\r\n"
                           "Expect: 100-continue\r\nContent-Length: 10\r\nX:\t y \r\n\r\n";

START_TEST(every_prefix_asks_for_more)
{
    for (size_t len = 0; len < sizeof(full) - 1; len++)
        HOLDS(parse(bytes_of(full, len)) == 0);
    HOLDS(parse(bytes_of(full, sizeof(full) - 1)) == 1);
}
END_TEST

START_TEST(every_split_in_three_gives_the_same)
{
    const size_t len = sizeof(full) - 1;

    ck_assert_int_eq(parse_at_once(bytes_of(full, len)), 1);
    const struct http_parser whole = parser;
    const size_t known = offsetof(struct http_request, fields) +
                         whole.request.field_count * sizeof(struct http_field);
    for (size_t a = 0; a <= len; a++) {
        for (size_t b = a; b <= len; b++) {
            http_parser_init(&parser);
            enum http_progress progress = http_parse(&parser, bytes_of(full, a));
            progress = http_parse(&parser, bytes_of(full, b));
            progress = http_parse(&parser, bytes_of(full, len));
            HOLDS(progress == HTTP_COMPLETE);
            HOLDS(memcmp(&parser.request, &whole.request, known) == 0);
        }
    }
    PROVES("W01");
}
END_TEST

/* Any octet in any place of a request: an answer, the same in every split, and no read outside. */
START_TEST(every_octet_anywhere_has_one_outcome)
{
    static const char base[] = "GET /a HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n";
    char head[sizeof(base)];

    for (size_t place = 0; place < sizeof(base) - 1; place++) {
        for (int octet = 0; octet < 256; octet++) {
            memcpy(head, base, sizeof(base));
            head[place] = (char)octet;
            struct bytes in = bytes_of(head, sizeof(base) - 1);
            int outcome = parse_at_once(in);
            HOLDS(outcome == parse_octets_in_place(in));
            bool line_end = base[place] == '\r' || base[place] == '\n';
            if (line_end && octet != base[place] && base[place] == '\n')
                HOLDS(outcome >= 400);
            if (octet < 0x20 && octet != '\t' && octet != base[place])
                HOLDS(outcome >= 400 || outcome == 0);
        }
    }
    PROVES("W04");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http_parse");
    TCase *c = tcase_create("RFC 9112, 2 and 3: request line");

    tcase_add_test(c, classes_of_octets_are_those_of_the_grammar);
    tcase_add_test(c, request_is_taken_apart);
    tcase_add_test(c, what_follows_the_head_is_left_alone);
    tcase_add_test(c, methods_are_known_by_name_and_case);
    tcase_add_test(c, method_that_is_too_long_is_501);
    tcase_add_test(c, request_line_has_exactly_one_form);
    tcase_add_test(c, version_is_judged_by_its_major_number);
    tcase_add_test(c, empty_lines_before_a_request_are_skipped_a_few_at_most);
    tcase_add_test(c, what_is_not_http_is_400);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 9112, 3.2: target and Host");
    tcase_add_test(c, target_has_a_form_for_each_method);
    tcase_add_test(c, authority_of_an_absolute_target_overrides_host);
    tcase_add_test(c, host_is_there_once_and_valid);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 9112, 5: fields");
    tcase_add_test(c, line_ends_with_crlf_and_holds_no_controls);
    tcase_add_test(c, name_is_a_token_that_touches_its_colon);
    tcase_add_test(c, line_that_begins_with_white_space_is_400);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 9112, 6 and 11.2: framing");
    tcase_add_test(c, content_length_is_one_decimal_number);
    tcase_add_test(c, transfer_encoding_is_chunked_alone_and_in_1_1_only);
    tcase_add_test(c, request_that_could_be_smuggled_is_refused);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 9112, 9.3 and RFC 9110, 10.1.1: persistence, expectations");
    tcase_add_test(c, connection_goes_on_as_version_and_options_say);
    tcase_add_test(c, expectations_are_noted_but_not_in_1_0);
    suite_add_tcase(s, c);

    c = tcase_create("limits");
    tcase_add_test(c, target_may_have_8192_octets);
    tcase_add_test(c, there_may_be_100_fields);
    tcase_add_test(c, head_may_have_32768_octets_and_a_value_may_end_there);
    tcase_add_test(c, head_that_never_ends_is_refused_at_the_limit);
    suite_add_tcase(s, c);

    c = tcase_create("splits");
    tcase_add_test(c, every_prefix_asks_for_more);
    tcase_add_test(c, every_split_in_three_gives_the_same);
    tcase_add_test(c, every_octet_anywhere_has_one_outcome);
    suite_add_tcase(s, c);
    return run_suite(s, "http_parse");
}
