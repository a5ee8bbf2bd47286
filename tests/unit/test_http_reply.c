/*
 * test_http_reply.c - the head of a response and the content behind it, whole, cut anywhere, and in
 * every broken form.
 */
#include "http/http_reply.h"

#include <stdio.h>

#include "http/http_octets.h"
#include "support/exact.h"
#include "support/holds.h"
#include "support/proves.h"

static struct http_reply_parser parser;
static uint8_t head[2 * HTTP_HEAD_MAX];
static size_t head_len;

static enum http_progress feed(const char *text, size_t len, size_t step, bool to_head)
{
    enum http_progress progress = HTTP_MORE;

    ck_assert(len <= sizeof(head));
    memcpy(head, text, len);
    head_len = len;
    http_reply_parser_init(&parser, to_head);
    for (size_t n = 0; progress == HTTP_MORE && n < len;) {
        n = size_min(n + step, len);
        /* What has not come yet must not matter: it is poisoned until its turn. */
        memset(head + n, 0xa5, len - n);
        progress = http_reply_parse(&parser, head, n);
        memcpy(head + n, text + n, len - n);
    }
    HOLDS(progress != HTTP_FAILED || parser.why);
    return progress;
}

/* At once, octet by octet and in sevens: all the same. */
static enum http_progress parse_len(const char *text, size_t len, bool to_head)
{
    enum http_progress whole = feed(text, len, len, to_head);
    struct http_reply_parser first = parser;

    for (size_t step = 1; step <= 7; step += 6) {
        HOLDS(feed(text, len, step, to_head) == whole);
        HOLDS(first.reply.status == parser.reply.status);
        HOLDS(first.reply.field_count == parser.reply.field_count);
        HOLDS(whole == HTTP_MORE || first.why == parser.why);
        HOLDS(whole != HTTP_COMPLETE || first.at == parser.at);
    }
    /* And from a buffer that ends where they end. */
    struct bytes exact = exact_copy(text, len);
    union {
        const uint8_t *in;
        uint8_t *out;
    } at = {exact.at};
    http_reply_parser_init(&parser, to_head);
    HOLDS(http_reply_parse(&parser, at.out, len) == whole);
    exact_free(exact);
    return whole;
}

static enum http_progress parse(const char *text)
{
    return parse_len(text, strlen(text), false);
}

static bool field_is(const char *name, const char *text)
{
    struct bytes value;

    return http_reply_field(&parser.reply, bytes_of(head, head_len), name, &value) &&
           bytes_equal(value, bytes_of(text, strlen(text)));
}

#define OK "HTTP/1.1 200 OK\r\n"

/* --- RFC 9112, 4 and 5 ---------------------------------------------------------------------- */

START_TEST(response_is_taken_apart)
{
    ck_assert_int_eq(
        parse("HTTP/1.0 404 Not \xe4 Found\r\nA: \t b c \t\r\nEmpty:\r\nB:x\r\n\r\nHTTP/1.1"),
        HTTP_COMPLETE);
    const struct http_reply *r = &parser.reply;
    ck_assert_uint_eq(r->status, 404);
    ck_assert_uint_eq(r->minor, 0);
    ck_assert(bytes_equal(http_slice_of(bytes_of(head, head_len), r->reason),
                          bytes_of("Not \xe4 Found", 11)));
    ck_assert_uint_eq(r->field_count, 3);
    ck_assert(field_is("a", "b c") && field_is("empty", "") && field_is("b", "x"));
    ck_assert(!field_is("c", ""));
    ck_assert_uint_eq(parser.at, head_len - 8);
    ck_assert_int_eq(http_reply_parse(&parser, head, head_len), HTTP_COMPLETE);
}
END_TEST

static const struct {
    const char *head;
    enum http_progress progress;
} lines[] = {
    {"HTTP/1.1 200 \r\n\r\n", HTTP_COMPLETE},
    {"HTTP/1.1 200\r\n\r\n", HTTP_COMPLETE}, /* many write it, nobody can misread it */
    {"HTTP/1.9 999 x\r\n\r\n", HTTP_COMPLETE},
    {"HTTP/1.1 100 \t\r\n\r\n", HTTP_COMPLETE},
    {"HTTP/1.1 099 x\r\n\r\n", HTTP_FAILED},
    {"HTTP/1.1 20 OK\r\n\r\n", HTTP_FAILED},
    {"HTTP/1.1 2000 OK\r\n\r\n", HTTP_FAILED},
    {"HTTP/1.1 +20 OK\r\n\r\n", HTTP_FAILED},
    {"HTTP/1.1  200 OK\r\n\r\n", HTTP_FAILED},
    {"HTTP/1.1\t200 OK\r\n\r\n", HTTP_FAILED},
    {"HTTP/2.0 200 OK\r\n\r\n", HTTP_FAILED},
    {"HTTP/0.9 200 OK\r\n\r\n", HTTP_FAILED},
    {"HTTP/1.10 200 OK\r\n\r\n", HTTP_FAILED},
    {"http/1.1 200 OK\r\n\r\n", HTTP_FAILED},
    {"ICY 200 OK\r\n\r\n", HTTP_FAILED},
    {"\r\nHTTP/1.1 200 OK\r\n\r\n", HTTP_FAILED},
    {" HTTP/1.1 200 OK\r\n\r\n", HTTP_FAILED},
    {"<html>", HTTP_FAILED},
    {"HTTP/1.1 200 OK\n\n", HTTP_FAILED},
    {"HTTP/1.1 200 OK\r\r\n\r\n", HTTP_FAILED},
    {"HTTP/1.1 200 O\x01K\r\n\r\n", HTTP_FAILED},
    {OK "A: b\n\n", HTTP_FAILED},
    {OK "A: b\rc\r\n\r\n", HTTP_FAILED},
    {OK "A: b\x7f\r\n\r\n", HTTP_FAILED},
    {OK "A : b\r\n\r\n", HTTP_FAILED},
    {OK ": b\r\n\r\n", HTTP_FAILED},
    {OK "A\r\n\r\n", HTTP_FAILED},
    {OK " A: b\r\n\r\n", HTTP_FAILED}, /* nothing that could be folded */
    {OK "A: b\r\n\rx", HTTP_FAILED},
};

START_TEST(line_has_one_form)
{
    ck_assert_int_eq(parse(lines[_i].head), lines[_i].progress);
}
END_TEST

START_TEST(folded_line_is_joined_by_spaces)
{
    ck_assert_int_eq(parse(OK "A: b\r\n c\r\n\td\r\nE:\r\n  f\r\nContent-Length:\r\n 12\r\n\r\n"),
                     HTTP_COMPLETE);
    ck_assert_uint_eq(parser.reply.field_count, 3);
    ck_assert(field_is("a", "b   c  \td"));
    ck_assert(field_is("e", "f"));
    ck_assert_uint_eq(parser.reply.content_length, 12);
    PROVES("RFC9112-5.2-a");
}
END_TEST

START_TEST(field_that_comes_twice_says_nothing)
{
    ck_assert_int_eq(parse(OK "Location: a\r\nlocation: b\r\nX: y\r\n\r\n"), HTTP_COMPLETE);
    ck_assert(!field_is("location", "a") && !field_is("location", "b") && field_is("x", "y"));
}
END_TEST

/* --- RFC 9112, 6.3 and 9.3 ------------------------------------------------------------------ */

#define TE     "Transfer-Encoding: chunked\r\n"
#define LENGTH "Content-Length: 5\r\n"

static const struct {
    const char *head;
    bool to_head;
    int body; /* -1: refused */
    uint64_t length;
    bool keep_alive;
} framings[] = {
    {OK LENGTH "\r\n", false, HTTP_BODY_LENGTH, 5, true},
    {OK LENGTH "\r\n", true, HTTP_BODY_NONE, 5, true},
    {OK TE "\r\n", false, HTTP_BODY_CHUNKED, 0, true},
    {OK TE "\r\n", true, HTTP_BODY_NONE, 0, true},
    {OK "\r\n", false, HTTP_BODY_UNTIL_CLOSE, 0, false},
    {OK "\r\n", true, HTTP_BODY_NONE, 0, true},
    {"HTTP/1.1 204 x\r\n" LENGTH "\r\n", false, HTTP_BODY_NONE, 5, true},
    {"HTTP/1.1 304 x\r\n" LENGTH "\r\n", false, HTTP_BODY_NONE, 5, true},
    {"HTTP/1.1 100 x\r\n\r\n", false, HTTP_BODY_NONE, 0, true},
    {"HTTP/1.1 199 x\r\n" TE "\r\n", false, HTTP_BODY_NONE, 0, true},
    {"HTTP/1.1 205 x\r\n\r\n", false, HTTP_BODY_UNTIL_CLOSE, 0, false},
    {"HTTP/1.0 200 x\r\n" LENGTH "\r\n", false, HTTP_BODY_LENGTH, 5, false},
    {"HTTP/1.0 200 x\r\n" LENGTH "Connection: Keep-Alive\r\n\r\n", false, HTTP_BODY_LENGTH, 5,
     true},
    {OK LENGTH "Connection: x, close\r\n\r\n", false, HTTP_BODY_LENGTH, 5, false},
    {OK "Connection: keep-alive\r\n\r\n", false, HTTP_BODY_UNTIL_CLOSE, 0, false},
    {OK "transfer-ENCODING: , Chunked ,\r\n\r\n", false, HTTP_BODY_CHUNKED, 0, true},
    {OK "Content-Length: 0\r\n\r\n", false, HTTP_BODY_LENGTH, 0, true},
    {OK "Content-Length: 9223372036854775807\r\n\r\n", false, HTTP_BODY_LENGTH, INT64_MAX, true},
    {OK "Content-Length: 9223372036854775808\r\n\r\n", false, -1, 0, false},
    {OK LENGTH LENGTH "\r\n", false, -1, 0, false},
    {OK LENGTH "Content-Length: 6\r\n\r\n", false, -1, 0, false},
    {OK LENGTH "Content-Length: 6\r\n\r\n", true, -1, 0, false},
    {OK "Content-Length: 5, 5\r\n\r\n", false, -1, 0, false},
    {OK "Content-Length: +5\r\n\r\n", false, -1, 0, false},
    {OK "Content-Length: 0x5\r\n\r\n", false, -1, 0, false},
    {OK "Content-Length:\r\n\r\n", false, -1, 0, false},
    {OK LENGTH TE "\r\n", false, -1, 0, false},
    {OK TE LENGTH "\r\n", false, -1, 0, false},
    {"HTTP/1.0 200 x\r\n" TE "\r\n", false, -1, 0, false},
    {OK "Transfer-Encoding: gzip, chunked\r\n\r\n", false, -1, 0, false},
    {OK "Transfer-Encoding: chunked, gzip\r\n\r\n", false, -1, 0, false},
    {OK "Transfer-Encoding: chunked, chunked\r\n\r\n", false, -1, 0, false},
    {OK TE TE "\r\n", false, -1, 0, false},
    {OK "Transfer-Encoding: identity\r\n\r\n", false, -1, 0, false},
    {OK "Transfer-Encoding:\r\n\r\n", false, -1, 0, false},
    {OK "Transfer-Encoding: xchunked\r\n\r\n", false, -1, 0, false},
};

START_TEST(content_is_framed_in_one_way_or_refused)
{
    const char *text = framings[_i].head;
    enum http_progress progress = parse_len(text, strlen(text), framings[_i].to_head);

    ck_assert_int_eq(progress, framings[_i].body < 0 ? HTTP_FAILED : HTTP_COMPLETE);
    if (framings[_i].body < 0)
        return;
    ck_assert_int_eq((int)parser.reply.body, framings[_i].body);
    ck_assert_uint_eq(parser.reply.content_length, framings[_i].length);
    ck_assert(parser.reply.keep_alive == framings[_i].keep_alive);
}
END_TEST

/* --- limits and splits ---------------------------------------------------------------------- */

static char big[2 * HTTP_HEAD_MAX];

START_TEST(head_may_have_100_fields_and_32768_octets)
{
    for (int fields = 99; fields <= 101; fields++) {
        size_t len = (size_t)sprintf(big, OK);
        for (int i = 0; i < fields; i++)
            len += (size_t)sprintf(big + len, "A:b\r\n");
        len += (size_t)sprintf(big + len, "\r\n");
        ck_assert_int_eq(parse_len(big, len, false), fields <= 100 ? HTTP_COMPLETE : HTTP_FAILED);
    }
    for (size_t len = HTTP_HEAD_MAX - 1; len <= HTTP_HEAD_MAX + 1; len++) {
        memset(big, 'x', sizeof(big));
        memcpy(big, OK "A: ", 20);
        memcpy(big + len - 4, "\r\n\r\n", 4);
        ck_assert_int_eq(feed(big, len, 1000, false),
                         len <= HTTP_HEAD_MAX ? HTTP_COMPLETE : HTTP_FAILED);
    }
    memset(big, 'x', sizeof(big)); /* a reason that never ends */
    memcpy(big, OK, 15);
    ck_assert_int_eq(feed(big, sizeof(big), 1000, false), HTTP_FAILED);
}
END_TEST

static const char sample[] = "HTTP/1.1 206 Part\r\nDate: x\r\nFold: a\r\n\tb\r\n"
                             "Content-Range: bytes 0-4/9\r\n" LENGTH "\r\n";

START_TEST(every_prefix_asks_for_more)
{
    for (size_t len = 1; len < strlen(sample); len++)
        HOLDS(parse_len(sample, len, false) == HTTP_MORE);
    ck_assert_int_eq(parse(sample), HTTP_COMPLETE);
}
END_TEST

START_TEST(every_octet_anywhere_has_one_outcome)
{
    for (size_t at = 0; at < strlen(sample); at++)
        for (int octet = 0; octet < 256; octet++) {
            char copy[sizeof(sample)];
            memcpy(copy, sample, sizeof(sample));
            copy[at] = (char)octet;
            parse_len(copy, strlen(sample), false);
        }
}
END_TEST

START_TEST(content_range_says_one_thing)
{
    static const struct {
        const char *value;
        bool good, satisfied;
        uint64_t first, last;
        bool known;
        uint64_t length;
    } rows[] = {
        {"bytes 0-4/9", true, true, 0, 4, true, 9},
        {"Bytes 8-8/9", true, true, 8, 8, true, 9},
        {"bytes 3-4/*", true, true, 3, 4, false, 0},
        {"bytes */9", true, false, 0, 0, true, 9},
        {"bytes 0-9/9", false, true, 0, 0, false, 0},
        {"bytes 4-3/9", false, true, 0, 0, false, 0},
        {"bytes -3/9", false, true, 0, 0, false, 0},
        {"bytes 0-/9", false, true, 0, 0, false, 0},
        {"bytes 0-4", false, true, 0, 0, false, 0},
        {"bytes 0-4/", false, true, 0, 0, false, 0},
        {"bytes 0-4/9 ", false, true, 0, 0, false, 0},
        {"bytes 0-4/9223372036854775808", false, true, 0, 0, false, 0},
        {"bytes */*", false, false, 0, 0, false, 0},
        {"bytes */", false, false, 0, 0, false, 0},
        {"bytes *", false, false, 0, 0, false, 0},
        {"bytes ", false, false, 0, 0, false, 0},
        {"lines 0-4/9", false, false, 0, 0, false, 0},
        {"", false, false, 0, 0, false, 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bytes exact = exact_copy(rows[i].value, strlen(rows[i].value));
        struct http_range range;
        bool good = http_range_parse(exact, &range);
        exact_free(exact);
        if (good != rows[i].good)
            ck_abort_msg("%s", rows[i].value);
        if (!good)
            continue;
        ck_assert(range.satisfied == rows[i].satisfied && range.length_known == rows[i].known);
        ck_assert(range.first == rows[i].first && range.last == rows[i].last);
        ck_assert(range.length == rows[i].length);
    }
}
END_TEST

/* --- RFC 9112, 6 and 7: content ------------------------------------------------------------- */

static struct http_body body;
static char content[4096];
static size_t content_len, rest;

/* Feeds `step` octets at a time; content and what was left over are kept. */
static enum http_progress take(enum http_body_kind kind, uint64_t length, struct bytes in,
                               size_t step)
{
    enum http_progress progress = HTTP_MORE;
    struct bytes out;
    size_t used;

    http_body_init(&body, kind, length);
    content_len = 0;
    for (size_t at = 0; progress == HTTP_MORE && at < in.len; at += used) {
        struct bytes part = bytes_first(bytes_skip(in, at), step);
        struct bytes exact = exact_copy(part.at, part.len);
        progress = http_body_take(&body, exact, &used, &out);
        HOLDS(used <= part.len && (used > 0 || progress != HTTP_MORE));
        if (out.len) {
            HOLDS(out.at >= exact.at && out.at + out.len <= exact.at + exact.len);
            HOLDS(content_len + out.len <= sizeof(content));
            memcpy(content + content_len, out.at, out.len);
            content_len += out.len;
        }
        rest = in.len - at - used;
        exact_free(exact);
    }
    return progress;
}

static enum http_progress take_chunks(const char *text)
{
    const struct bytes in = bytes_of(text, strlen(text));
    enum http_progress whole = take(HTTP_BODY_CHUNKED, 0, in, in.len);
    const size_t len = content_len, left = rest;

    for (size_t step = 1; step < in.len; step++) {
        HOLDS(take(HTTP_BODY_CHUNKED, 0, in, step) == whole);
        HOLDS(content_len == len && (whole != HTTP_COMPLETE || rest == left));
    }
    return whole;
}

static const struct {
    const char *text;
    enum http_progress progress;
    const char *content;
} chunks[] = {
    {"5\r\nhello\r\n0\r\n\r\n", HTTP_COMPLETE, "hello"},
    {"3\r\nhel\r\n02\r\nlo\r\n00\r\n\r\n", HTTP_COMPLETE, "hello"},
    {"A\r\n0123456789\r\n0\r\n\r\n", HTTP_COMPLETE, "0123456789"},
    {"a;x=1\r\n0123456789\r\n0;y\r\n\r\n", HTTP_COMPLETE, "0123456789"},
    {"1 ; x=\"a b\"\r\nz\r\n0 \r\n\r\n", HTTP_COMPLETE, "z"},
    {"0\r\nX: y\r\nContent-Length: 99\r\n\r\n", HTTP_COMPLETE, ""},
    {"0000000000000001\r\nz\r\n0\r\n\r\n", HTTP_COMPLETE, "z"},
    {"00000000000000001\r\nz\r\n0\r\n\r\n", HTTP_FAILED, ""},
    {"7fffffffffffffff\r\nz", HTTP_MORE, "z"},
    {"8000000000000000\r\nz", HTTP_FAILED, ""},
    {"ffffffffffffffff\r\nz", HTTP_FAILED, ""},
    {"\r\n", HTTP_FAILED, ""},
    {"0x5\r\nhello", HTTP_FAILED, ""},
    {"-1\r\n", HTTP_FAILED, ""},
    {" 5\r\nhello", HTTP_FAILED, ""},
    {";x\r\n", HTTP_FAILED, ""},
    {"5\nhello", HTTP_FAILED, ""},
    {"5\rhello", HTTP_FAILED, ""},
    {"5\r\nhelloX", HTTP_FAILED, "hello"},
    {"5\r\nhello\n", HTTP_FAILED, "hello"},
    {"5\r\nhello\rX", HTTP_FAILED, "hello"},
    {"5\r\nhello0\r\n\r\n", HTTP_FAILED, "hello"},
    {"5;a\x01\r\n", HTTP_FAILED, ""},
    {"0\r\n X: y\r\n\r\n", HTTP_FAILED, ""},
    {"0\r\nX: \x7f\r\n\r\n", HTTP_FAILED, ""},
    {"0\r\nX: y\n\n", HTTP_FAILED, ""},
    {"0\r\n\rX", HTTP_FAILED, ""},
    {"0\r\n", HTTP_MORE, ""},
    {"0\r\n\r", HTTP_MORE, ""},
};

START_TEST(chunks_are_decoded_or_refused)
{
    ck_assert_int_eq(take_chunks(chunks[_i].text), chunks[_i].progress);
    ck_assert_uint_eq(content_len, strlen(chunks[_i].content));
    ck_assert(memcmp(content, chunks[_i].content, content_len) == 0);
    ck_assert(body.state == 0 || chunks[_i].progress != HTTP_FAILED || body.why);
    PROVES("RFC9112-7.1-a", "W03");
}
END_TEST

START_TEST(what_follows_the_content_is_left_alone)
{
    ck_assert_int_eq(take_chunks("1\r\nz\r\n0\r\n\r\nHTTP"), HTTP_COMPLETE);
    ck_assert_uint_eq(rest, 4);
    for (size_t step = 1; step <= 9; step++) {
        ck_assert_int_eq(take(HTTP_BODY_LENGTH, 5, bytes_of("helloHTTP", 9), step), HTTP_COMPLETE);
        ck_assert_uint_eq(content_len, 5);
        ck_assert_uint_eq(rest, 4);
    }
}
END_TEST

START_TEST(extensions_and_trailers_have_a_cap)
{
    static uint8_t octets[HTTP_TRAILERS_MAX + 100];

    for (size_t len = HTTP_CHUNK_EXTENSIONS_MAX; len <= HTTP_CHUNK_EXTENSIONS_MAX + 1; len++) {
        memset(octets, 'x', sizeof(octets));
        memcpy(octets, "0;", 2); /* the semicolon counts */
        memcpy(octets + 1 + len, "\r\n\r\n", 4);
        ck_assert_int_eq(take(HTTP_BODY_CHUNKED, 0, bytes_of(octets, len + 5), 1000),
                         len <= HTTP_CHUNK_EXTENSIONS_MAX ? HTTP_COMPLETE : HTTP_FAILED);
    }
    memcpy(octets, "0\r\n", 3);
    for (size_t at = 3; at + 5 <= sizeof(octets); at += 5)
        memcpy(octets + at, "A:b\r\n", 5);
    ck_assert_int_eq(take(HTTP_BODY_CHUNKED, 0, bytes_of(octets, sizeof(octets)), 1000),
                     HTTP_FAILED);
    /* Small chunks with small extensions, for ever: the same cap. */
    for (size_t at = 0; at + 10 <= sizeof(octets); at += 10)
        memcpy(octets + at, "1;xxx\r\nz\r\n", 10);
    ck_assert_int_eq(take(HTTP_BODY_CHUNKED, 0, bytes_of(octets, sizeof(octets)), 1000),
                     HTTP_FAILED);
    PROVES("W03");
}
END_TEST

START_TEST(stream_that_ends_too_early_tells_what_is_missing)
{
    uint64_t missing;

    take(HTTP_BODY_LENGTH, 9, bytes_of("hello", 5), 2);
    ck_assert(!http_body_end(&body, &missing));
    ck_assert_uint_eq(missing, 4);
    take(HTTP_BODY_LENGTH, 5, bytes_of("hello", 5), 2);
    ck_assert(http_body_end(&body, &missing));
    ck_assert_uint_eq(missing, 0);
    take(HTTP_BODY_CHUNKED, 0, bytes_of("5\r\nhel", 6), 2);
    ck_assert(!http_body_end(&body, &missing));
    ck_assert_uint_eq(missing, 2);
    take(HTTP_BODY_CHUNKED, 0, bytes_of("3\r\nhel\r\n0\r\n", 11), 2);
    ck_assert(!http_body_end(&body, &missing));
    ck_assert_uint_eq(missing, 0);
    take(HTTP_BODY_UNTIL_CLOSE, 0, bytes_of("hello", 5), 2);
    ck_assert(http_body_end(&body, &missing));
    http_body_init(&body, HTTP_BODY_NONE, 0);
    ck_assert(http_body_end(&body, &missing));
    http_body_init(&body, HTTP_BODY_LENGTH, 0);
    ck_assert(http_body_end(&body, &missing));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http_reply");
    TCase *c = tcase_create("RFC 9112, 4 and 5: status line, fields");

    tcase_add_test(c, response_is_taken_apart);
    tcase_add_loop_test(c, line_has_one_form, 0, ARRAY_LEN(lines));
    tcase_add_test(c, folded_line_is_joined_by_spaces);
    tcase_add_test(c, field_that_comes_twice_says_nothing);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 9112, 6.3 and 9.3: framing, persistence");
    tcase_add_loop_test(c, content_is_framed_in_one_way_or_refused, 0, ARRAY_LEN(framings));
    suite_add_tcase(s, c);

    c = tcase_create("limits and splits");
    tcase_add_test(c, head_may_have_100_fields_and_32768_octets);
    tcase_add_test(c, every_prefix_asks_for_more);
    tcase_add_test(c, every_octet_anywhere_has_one_outcome);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 9110, 14.4: Content-Range");
    tcase_add_test(c, content_range_says_one_thing);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 9112, 6 and 7: content");
    tcase_add_loop_test(c, chunks_are_decoded_or_refused, 0, ARRAY_LEN(chunks));
    tcase_add_test(c, what_follows_the_content_is_left_alone);
    tcase_add_test(c, extensions_and_trailers_have_a_cap);
    tcase_add_test(c, stream_that_ends_too_early_tells_what_is_missing);
    suite_add_tcase(s, c);
    return run_suite(s, "http_reply");
}
