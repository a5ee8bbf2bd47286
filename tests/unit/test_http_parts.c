/*
 * test_http_parts.c - what of a file a client wants: not what it has, a part, or in another coding.
 *
 * The rules themselves have tests of their own (test_http_conditions.c, test_http_ranges.c,
 * test_http_accept.c); here is what the server makes of them, with files and with pages.
 */
#include <errno.h>
#include <stdio.h>

#include "base/bytes.h"
#include "http/http_conn.h"
#include "http/http_listing.h"
#include "support/holds.h"
#include "support/http_client.h"
#include "support/proves.h"

#define HOST "Host: a\r\n"

static const int64_t MTIME = 784111000 * NS_PER_S + 5;
static const char *const MODIFIED = "Sun, 06 Nov 1994 08:36:40 GMT";

static struct fake_file *add(const char *name, enum file_kind kind, uint64_t size)
{
    size_t i = 0;

    while (files.file[i].name)
        i++;
    ck_assert_uint_lt(i, FAKE_FILES);
    files.file[i] = (struct fake_file){.name = name, .kind = kind, .size = size, .mtime_ns = MTIME};
    return &files.file[i];
}

static void setup(void)
{
    http_client_begin();
    add(".", FILE_DIRECTORY, 0);
    add("x.txt", FILE_REGULAR, 100);
    add("empty", FILE_REGULAR, 0);
    add("huge", FILE_REGULAR, UINT64_C(5) << 30)->hollow = true;
    http_client_start();
}

static void teardown(void)
{
    http_client_end();
}

/* Asks for a target with more fields: "Name: value" each. */
static struct reply ask_for(const char *method, const char *target, const char *more)
{
    char text[1024];

    snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\n" HOST "%s%s\r\n", method, target, more,
             *more ? "\r\n" : "");
    return ask(text);
}

/* The tag of a target. */
static const char *tag_of(const char *target)
{
    static char tag[HTTP_ETAG_ROOM];
    struct reply r = ask_for("HEAD", target, "");

    ck_assert_int_eq(r.status, 200);
    snprintf(tag, sizeof(tag), "%s", field(&r, "ETag"));
    ck_assert(tag[0] == '"' && tag[strlen(tag) - 1] == '"');
    return tag;
}

static bool is_part(const struct reply *r, uint64_t offset, size_t len)
{
    if (r->body_len != len)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((uint8_t)r->body[i] != fake_file_octet(offset + i))
            return false;
    return true;
}

/* --- conditions --------------------------------------------------------------------------------
 */

START_TEST(what_the_client_has_is_not_sent_again)
{
    char more[256], tag[HTTP_ETAG_ROOM];

    snprintf(tag, sizeof(tag), "%s", tag_of("/x.txt"));
    for (int head = 0; head <= 1; head++) {
        const char *method = head ? "HEAD" : "GET";
        snprintf(more, sizeof(more), "If-None-Match: \"x\", %s", tag);
        struct reply r = ask_for(method, "/x.txt", more);
        ck_assert_int_eq(r.status, 304);
        ck_assert_str_eq(field(&r, "ETag"), tag);
        ck_assert_ptr_null(field(&r, "Content-Length"));
        ck_assert_ptr_null(field(&r, "Content-Type"));
        r = ask_for(method, "/x.txt", "If-None-Match: \"x\"");
        ck_assert_int_eq(r.status, 200);
    }
    snprintf(more, sizeof(more), "If-Modified-Since: %s", MODIFIED);
    ck_assert_int_eq(ask_for("GET", "/x.txt", more).status, 304);
    ck_assert_int_eq(ask_for("GET", "/nope", more).status, 404); /* conditions are of a 200 */
    PROVES("RFC9110-13.1.2-a", "RFC9110-13.1.3-a", "RFC9112-6.1-d");
}
END_TEST

START_TEST(condition_that_fails_is_412_and_nothing_is_read)
{
    struct reply r = ask_for("GET", "/x.txt", "If-Match: \"other\"");

    ck_assert_int_eq(r.status, 412);
    ck_assert_str_eq(field(&r, "Content-Type"), "text/html; charset=utf-8");
    r = ask_for("GET", "/x.txt", "If-Unmodified-Since: Sun, 06 Nov 1994 08:36:39 GMT");
    ck_assert_int_eq(r.status, 412);
    ck_assert_uint_eq(files.read, 0);
    ck_assert_int_eq(files.open, 0);
    PROVES("RFC9110-13.1.1-a");
}
END_TEST

START_TEST(conditions_have_one_order)
{
    static const struct {
        const char *more; /* %s: the tag */
        int status;
    } rows[] = {
        {"If-Match: \"no\"\r\nIf-None-Match: %s", 412},
        {"If-Match: %s\r\nIf-None-Match: %s", 304},
        {"If-Match: %s\r\nIf-Unmodified-Since: Sun, 06 Nov 1994 00:00:00 GMT", 200},
        {"If-None-Match: \"no\"\r\nIf-Modified-Since: Sun, 06 Nov 1994 09:00:00 GMT", 200},
        {"If-None-Match: %s\r\nRange: bytes=0-0", 304},
        {"If-Match: \"no\"\r\nRange: bytes=500-", 412},
        {"If-None-Match: \"no\"\r\nRange: bytes=500-", 416},
        {"If-Match: %s\r\nIf-Range: %s\r\nRange: bytes=1-2", 206},
        {"If-Range: \"no\"\r\nRange: bytes=1-2", 200},
    };
    char more[512], tag[HTTP_ETAG_ROOM];

    snprintf(tag, sizeof(tag), "%s", tag_of("/x.txt"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *a = strstr(rows[i].more, "%s"), *b = a ? strstr(a + 2, "%s") : NULL;
        int first = a ? (int)(a - rows[i].more) : (int)strlen(rows[i].more);
        snprintf(more, sizeof(more), "%.*s%s%.*s%s%s", first, rows[i].more, a ? tag : "",
                 a ? (b ? (int)(b - a - 2) : (int)strlen(a + 2)) : 0, a ? a + 2 : "", b ? tag : "",
                 b ? b + 2 : "");
        struct reply r = ask_for("GET", "/x.txt", more);
        ck_assert_msg(r.status == rows[i].status, "%s: %d", more, r.status);
    }
    PROVES("RFC9110-13.2.2-a", "RFC9110-13.1.5-a");
}
END_TEST

START_TEST(tag_changes_with_the_file)
{
    char before[HTTP_ETAG_ROOM];

    snprintf(before, sizeof(before), "%s", tag_of("/x.txt"));
    ck_assert_str_eq(tag_of("/x.txt"), before);
    fake_file(&files, "x.txt")->mtime_ns++;
    ck_assert_str_ne(before, tag_of("/x.txt"));
    fake_file(&files, "x.txt")->mtime_ns--;
    fake_file(&files, "x.txt")->size++;
    ck_assert_str_ne(before, tag_of("/x.txt"));
    PROVES("RFC9110-8.8.3-a");
}
END_TEST

/* --- parts --------------------------------------------------------------------------------------
 */

START_TEST(part_of_a_file_is_exact)
{
    static const struct {
        const char *range, *content_range;
        uint64_t offset;
        size_t len;
    } rows[] = {
        {"bytes=0-0", "bytes 0-0/100", 0, 1},      {"bytes=-1", "bytes 99-99/100", 99, 1},
        {"bytes=5-", "bytes 5-99/100", 5, 95},     {"bytes=0-9999", "bytes 0-99/100", 0, 100},
        {"bytes=-9999", "bytes 0-99/100", 0, 100}, {"Bytes=10-19", "bytes 10-19/100", 10, 10},
    };
    char more[100];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        snprintf(more, sizeof(more), "Range: %s", rows[i].range);
        struct reply r = ask_for("GET", "/x.txt", more);
        ck_assert_int_eq(r.status, 206);
        ck_assert_str_eq(field(&r, "Content-Range"), rows[i].content_range);
        ck_assert_str_eq(field(&r, "Content-Type"), "text/plain; charset=utf-8");
        ck_assert(is_part(&r, rows[i].offset, rows[i].len));
    }
    struct reply r = ask_for("HEAD", "/x.txt", "Range: bytes=0-0");
    ck_assert_int_eq(r.status, 200);
    ck_assert_str_eq(field(&r, "Accept-Ranges"), "bytes");
    PROVES("RFC9110-14.2-a", "W08");
}
END_TEST

START_TEST(part_of_a_huge_file_is_found_without_reading_to_it)
{
    struct reply r = ask_for("GET", "/huge", "Range: bytes=5368709119-");

    ck_assert_int_eq(r.status, 206);
    ck_assert_str_eq(field(&r, "Content-Range"), "bytes 5368709119-5368709119/5368709120");
    ck_assert_uint_eq(r.body_len, 1);
    ck_assert_uint_eq(files.octets, 1);
    PROVES("W07", "W08");
}
END_TEST

START_TEST(part_beyond_the_end_is_416_and_many_are_the_whole)
{
    static char many[900] = "Range: bytes=0-0";
    struct reply r = ask_for("GET", "/x.txt", "Range: bytes=100-");

    ck_assert_int_eq(r.status, 416);
    ck_assert_str_eq(field(&r, "Content-Range"), "bytes */100");
    r = ask_for("GET", "/empty", "Range: bytes=0-");
    ck_assert_int_eq(r.status, 416);
    ck_assert_str_eq(field(&r, "Content-Range"), "bytes */0");
    while (strlen(many) + 6 < sizeof(many))
        strcat(many, ",0-99");
    r = ask_for("GET", "/x.txt", many);
    ck_assert_int_eq(r.status, 200);
    ck_assert(is_part(&r, 0, 100));
    PROVES("RFC9110-15.5.17-a", "RFC9110-14.1.1-a", "W08");
}
END_TEST

/* --- codings ------------------------------------------------------------------------------------
 */

START_TEST(coded_sibling_is_sent_to_who_takes_it)
{
    static const struct {
        const char *more, *coding;
        uint64_t size;
    } rows[] = {
        {"Accept-Encoding: gzip, deflate, br", "br", 30},
        {"Accept-Encoding: gzip", "gzip", 40},
        {"Accept-Encoding: br;q=0, gzip", "gzip", 40},
        {"Accept-Encoding: identity", NULL, 100},
        {"", NULL, 100},
    };

    add("x.txt.br", FILE_REGULAR, 30);
    add("x.txt.gz", FILE_REGULAR, 40);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reply r = ask_for("GET", "/x.txt", rows[i].more);
        ck_assert_int_eq(r.status, 200);
        ck_assert(is_part(&r, 0, rows[i].size));
        ck_assert_str_eq(field(&r, "Content-Type"), "text/plain; charset=utf-8");
        ck_assert_str_eq(field(&r, "Vary"), "Accept-Encoding");
        if (rows[i].coding)
            ck_assert_str_eq(field(&r, "Content-Encoding"), rows[i].coding);
        else
            ck_assert_ptr_null(field(&r, "Content-Encoding"));
    }
    /* each is a representation of its own */
    char tag[HTTP_ETAG_ROOM];
    snprintf(tag, sizeof(tag), "%s", tag_of("/x.txt"));
    struct reply r = ask_for("GET", "/x.txt", "Accept-Encoding: br");
    ck_assert_str_ne(field(&r, "ETag"), tag);
    r = ask_for("GET", "/x.txt", "Accept-Encoding: br\r\nRange: bytes=20-");
    ck_assert_int_eq(r.status, 206);
    ck_assert_str_eq(field(&r, "Content-Range"), "bytes 20-29/30");
    /* what gains nothing from a coding is not looked for */
    uint64_t opened = files.opened;
    ask_for("GET", "/huge", "Accept-Encoding: br\r\nRange: bytes=0-0");
    ck_assert_uint_eq(files.opened, opened + 1);
}
END_TEST

START_TEST(sibling_that_is_no_file_is_passed_over)
{
    add("x.txt.br", FILE_DIRECTORY, 0);
    add("x.txt.gz", FILE_REGULAR, 40)->open_error = -EACCES;
    struct reply r = ask_for("GET", "/x.txt", "Accept-Encoding: br, gzip");
    ck_assert_int_eq(r.status, 200);
    ck_assert(is_part(&r, 0, 100));
    ck_assert_ptr_null(field(&r, "Content-Encoding"));
}
END_TEST

/* --- pages, folders and fields -------------------------------------------------------------------
 */

START_TEST(pages_have_tags_and_parts_too)
{
    char more[256];

    http_client_end();
    http_client_begin();
    config.files = NULL;
    http_client_start();
    snprintf(more, sizeof(more), "If-None-Match: %s", tag_of("/hello.txt"));
    ck_assert_int_eq(ask_for("GET", "/hello.txt", more).status, 304);
    ck_assert_int_eq(ask_for("GET", "/", more).status, 200);
    struct reply r = ask_for("GET", "/hello.txt", "Range: bytes=-6");
    ck_assert_int_eq(r.status, 206);
    ck_assert_uint_eq(r.body_len, 6);
    ck_assert(memcmp(r.body, "pace.\n", 6) == 0);
}
END_TEST

START_TEST(folder_without_an_index_is_listed_unless_told_not_to)
{
    for (int listing = 0; listing <= 1; listing++) {
        http_client_end();
        http_client_begin();
        add(".", FILE_DIRECTORY, 0);
        add("d", FILE_DIRECTORY, 0);
        add("d/file-a", FILE_REGULAR, 7);
        add("d/start.htm", FILE_REGULAR, 9);
        config.listing = listing;
        http_client_start();
        struct reply r = ask_for("GET", "/d/", "");
        ck_assert_int_eq(r.status, listing ? 200 : 404);
        if (listing)
            ck_assert_ptr_nonnull(strstr(r.body, "file-a"));
        r = ask_for("HEAD", "/d/?json", "");
        ck_assert_int_eq(r.status, listing ? 200 : 404);
        r = ask_for("GET", "/d?json", "");
        ck_assert_int_eq(r.status, 301);
        ck_assert_str_eq(field(&r, "Location"), "/d/?json");
        ck_assert_int_eq(files.open, 0);
    }
    http_client_end();
    http_client_begin();
    add(".", FILE_DIRECTORY, 0);
    add("start.htm", FILE_REGULAR, 9);
    config.index = "start.htm";
    http_client_start();
    struct reply r = ask_for("GET", "/", "");
    ck_assert(is_part(&r, 0, 9));
}
END_TEST

START_TEST(listings_have_a_cap_and_are_given_back)
{
    int clients[HTTP_LISTINGS_MAX];
    struct reply r;

    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        clients[i] = connect_client();
        fake_set_room(stack, clients[i], 10);
        say(clients[i], "GET / HTTP/1.1\r\n" HOST "\r\n");
        run();
    }
    ck_assert_int_eq(ask_for("GET", "/", "").status, 503);
    fake_fail(stack, clients[3], -ECONNRESET);
    run();
    r = ask_for("GET", "/", "");
    ck_assert_int_eq(r.status, 200);
    ck_assert_ptr_nonnull(strstr(r.body, "x.txt"));
}
END_TEST

START_TEST(fields_of_the_owner_are_in_every_response)
{
    http_client_end();
    http_client_begin();
    config.extra = bytes_of("X-A: b\r\nX-C: d\r\n", 16);
    add(".", FILE_DIRECTORY, 0);
    add("index.html", FILE_REGULAR, 9);
    http_client_start();
    static const char *const targets[] = {"/", "/nope", "/index.html"};
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        struct reply r = ask_for("GET", targets[i], "");
        ck_assert_str_eq(field(&r, "X-A"), "b");
        ck_assert_str_eq(field(&r, "X-C"), "d");
    }
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
    Suite *s = suite_create("http_parts");
    TCase *c = add_tcase(s, "RFC 9110, 13: conditions");

    tcase_add_test(c, what_the_client_has_is_not_sent_again);
    tcase_add_test(c, condition_that_fails_is_412_and_nothing_is_read);
    tcase_add_test(c, conditions_have_one_order);
    tcase_add_test(c, tag_changes_with_the_file);

    c = add_tcase(s, "RFC 9110, 14: parts");
    tcase_add_test(c, part_of_a_file_is_exact);
    tcase_add_test(c, part_of_a_huge_file_is_found_without_reading_to_it);
    tcase_add_test(c, part_beyond_the_end_is_416_and_many_are_the_whole);

    c = add_tcase(s, "RFC 9110, 12.5.3: codings");
    tcase_add_test(c, coded_sibling_is_sent_to_who_takes_it);
    tcase_add_test(c, sibling_that_is_no_file_is_passed_over);

    c = add_tcase(s, "pages, folders and fields");
    tcase_add_test(c, pages_have_tags_and_parts_too);
    tcase_add_test(c, folder_without_an_index_is_listed_unless_told_not_to);
    tcase_add_test(c, listings_have_a_cap_and_are_given_back);
    tcase_add_test(c, fields_of_the_owner_are_in_every_response);
    return run_suite(s, "http_parts");
}
