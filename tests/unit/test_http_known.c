/*
 * test_http_known.c - files whose serial number the web server has seen before: what it says of
 * them is what it would say of a stranger, whatever is asked.
 */
#include <stdio.h>

#include "http/http_conn.h"
#include "support/http_client.h"
#include "support/proves.h"

#define HOST "Host: a\r\n"

enum { PAGE, IMAGE, PACKED, LONG };

static const int64_t MTIME = 784111000 * NS_PER_S + 5;

static void setup(void)
{
    http_client_begin();
    const struct fake_file site[] = {
        [PAGE] = {"page.html", FILE_REGULAR, .size = 100, .mtime_ns = MTIME, .serial = 7},
        [IMAGE] = {"image.png", FILE_REGULAR, .size = 200, .mtime_ns = MTIME, .serial = 8},
        [PACKED] = {"page.html.gz", FILE_REGULAR, .size = 30, .mtime_ns = MTIME, .serial = 9},
        [LONG] = {"long.png", FILE_REGULAR, .size = 100000, .mtime_ns = MTIME, .serial = 10},
    };
    memcpy(files.file, site, sizeof site);
    http_client_start();
}

static void teardown(void)
{
    http_client_end();
}

static struct reply get(const char *target, const char *fields)
{
    char text[512];

    snprintf(text, sizeof text, "GET /%s HTTP/1.1\r\n" HOST "%s\r\n", target, fields);
    return ask(text);
}

static void check_whole(const struct reply *r, uint64_t size)
{
    ck_assert_int_eq(r->status, 200);
    ck_assert_uint_eq(r->body_len, size);
    for (size_t i = 0; i < r->body_len; i++)
        ck_assert_uint_eq((uint8_t)r->body[i], fake_file_octet(i));
}

static void copy_head(char *out, size_t room, const struct reply *r)
{
    ck_assert_int_lt(snprintf(out, room, "%s", r->head), (int)room);
}

START_TEST(what_is_known_is_said_as_it_was_when_it_was_not)
{
    static const struct {
        const char *target;
        uint64_t size;
    } rows[] = {{"page.html", 100}, {"image.png", 200}, {"long.png", 100000}};
    char first[1024];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reply r = get(rows[i].target, "");
        check_whole(&r, rows[i].size);
        copy_head(first, sizeof first, &r);
        for (int again = 0; again < 3; again++) {
            r = get(rows[i].target, "");
            check_whole(&r, rows[i].size);
            ck_assert_str_eq(r.head, first);
        }
    }
}
END_TEST

START_TEST(the_date_is_that_of_the_answer)
{
    struct reply r = get("image.png", "");

    ck_assert_str_eq(field(&r, "Date"), "Sun, 06 Nov 1994 08:49:37 GMT");
    wait_ns(NS_PER_S); /* both clocks go on */
    wall_s += 4;
    r = get("image.png", "");
    ck_assert_str_ne(field(&r, "Date"), "Sun, 06 Nov 1994 08:49:37 GMT");
    ck_assert_str_eq(field(&r, "Last-Modified"), "Sun, 06 Nov 1994 08:36:40 GMT");
    check_whole(&r, 200);
}
END_TEST

START_TEST(another_number_is_another_file)
{
    char first[128];

    struct reply r = get("image.png", "");
    snprintf(first, sizeof first, "%s", field(&r, "ETag"));
    files.file[IMAGE].size = 201;
    files.file[IMAGE].serial = 11;
    r = get("image.png", "");
    check_whole(&r, 201);
    ck_assert_str_ne(field(&r, "ETag"), first);
    ck_assert_str_eq(field(&r, "Content-Length"), "201");
}
END_TEST

START_TEST(two_files_may_share_a_place)
{
    files.file[IMAGE].serial = files.file[PAGE].serial + HTTP_KNOWN_FILES;
    for (int i = 0; i < 3; i++) {
        struct reply r = get("page.html", "");
        check_whole(&r, 100);
        ck_assert_str_eq(field(&r, "Content-Type"), "text/html; charset=utf-8");
        r = get("image.png", "");
        check_whole(&r, 200);
        ck_assert_str_eq(field(&r, "Content-Type"), "image/png");
    }
}
END_TEST

/* Asks in each unusual way, and then as usual. */
static void check_unusual(void)
{
    char etag[128], fields[160];

    struct reply r = ask("GET /page.html HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    check_whole(&r, 100);
    ck_assert_str_eq(field(&r, "Connection"), "keep-alive");
    r = get("page.html", "Connection: close\r\n");
    check_whole(&r, 100);
    ck_assert_str_eq(field(&r, "Connection"), "close");
    r = get("page.html", "Range: bytes=10-19\r\n");
    ck_assert_int_eq(r.status, 206);
    ck_assert_uint_eq(r.body_len, 10);
    ck_assert_uint_eq((uint8_t)r.body[0], fake_file_octet(10));
    snprintf(etag, sizeof etag, "%s", field(&r, "ETag"));
    snprintf(fields, sizeof fields, "If-None-Match: %s\r\n", etag);
    r = get("page.html", fields);
    ck_assert_int_eq(r.status, 304);
    r = get("page.html", "Accept-Encoding: gzip\r\n");
    check_whole(&r, 30);
    ck_assert_str_eq(field(&r, "Content-Encoding"), "gzip");
    ck_assert_str_ne(field(&r, "ETag"), etag);
    r = get("page.html", "");
    check_whole(&r, 100);
    ck_assert_ptr_null(field(&r, "Connection"));
    ck_assert_ptr_null(field(&r, "Content-Encoding"));
    ck_assert_str_eq(field(&r, "Vary"), "Accept-Encoding");
    ck_assert_str_eq(field(&r, "ETag"), etag);
}

START_TEST(what_is_known_answers_nothing_unusual)
{
    struct reply r = get("page.html", "");

    check_whole(&r, 100);
    check_unusual();
}
END_TEST

START_TEST(nothing_is_learnt_from_the_unusual)
{
    check_unusual();
}
END_TEST

START_TEST(head_of_a_known_file_has_no_content)
{
    char first[1024];

    for (int i = 0; i < 2; i++) {
        struct reply r = get("page.html", "");
        copy_head(first, sizeof first, &r);
        int c = connect_client();
        run();
        say(c, "HEAD /page.html HTTP/1.1\r\n" HOST "\r\n");
        run();
        ck_assert(next_reply(c, true, &r));
        ck_assert_str_eq(r.head, first);
        ck_assert_uint_eq(stray(c), 0);
    }
}
END_TEST

/* It is the time of the answer instead (RFC 9110, 8.8.2.1). */
static void check_modified_now(void)
{
    char date[64];

    struct reply r = get("page.html", "");
    snprintf(date, sizeof date, "%s", field(&r, "Date"));
    ck_assert_str_eq(field(&r, "Last-Modified"), date);
}

START_TEST(a_change_in_the_future_is_not_told_before_it)
{
    files.file[PAGE].mtime_ns = (wall_s + 3600) * NS_PER_S;
    check_modified_now();
    wall_s += 10;
    check_modified_now();
}
END_TEST

START_TEST(a_clock_that_was_set_back_takes_the_date_with_it)
{
    get("page.html", "");
    wall_s = MTIME / NS_PER_S - 100;
    check_modified_now();
}
END_TEST

START_TEST(a_known_file_may_still_fail)
{
    struct reply r = get("page.html", "");

    files.file[PAGE].read_error = -5;
    r = get("page.html", "");
    ck_assert_int_eq(r.status, 500);
    files.file[PAGE].read_error = 0;
    r = get("page.html", "");
    check_whole(&r, 100);
}
END_TEST

START_TEST(the_octets_of_known_files_are_counted)
{
    struct http_server_stats stats;

    for (int i = 0; i < 5; i++)
        get("image.png", "");
    http_server_stats(server, &stats);
    ck_assert_uint_eq(stats.octets, 5 * 200);
    ck_assert_uint_eq(stats.requests, 5);
    ck_assert_int_eq(files.open, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http_known");
    TCase *c = tcase_create("files that are known");

    tcase_add_checked_fixture(c, setup, teardown);
    suite_add_tcase(s, c);
    tcase_add_test(c, what_is_known_is_said_as_it_was_when_it_was_not);
    tcase_add_test(c, the_date_is_that_of_the_answer);
    tcase_add_test(c, another_number_is_another_file);
    tcase_add_test(c, two_files_may_share_a_place);
    tcase_add_test(c, what_is_known_answers_nothing_unusual);
    tcase_add_test(c, nothing_is_learnt_from_the_unusual);
    tcase_add_test(c, head_of_a_known_file_has_no_content);
    tcase_add_test(c, a_change_in_the_future_is_not_told_before_it);
    tcase_add_test(c, a_clock_that_was_set_back_takes_the_date_with_it);
    tcase_add_test(c, a_known_file_may_still_fail);
    tcase_add_test(c, the_octets_of_known_files_are_counted);
    return run_suite(s, "http_known");
}
