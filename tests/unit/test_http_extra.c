/*
 * test_http_extra.c - fields that the owner of a server adds: which are taken, and how.
 */
#include "http/http_extra.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "support/proves.h"

static struct http_extra extra;

static void setup(void)
{
    extra = (struct http_extra){0};
}

START_TEST(fields_are_kept_in_their_order_without_blanks)
{
    ck_assert_ptr_null(http_extra_add(&extra, "X-Frame-Options: DENY"));
    ck_assert_ptr_null(http_extra_add(&extra, "A:  b, \"c\" \t"));
    ck_assert_ptr_null(http_extra_add(&extra, "Empty:"));
    static const char all[] = "X-Frame-Options: DENY\r\nA: b, \"c\"\r\nEmpty: \r\n";
    ck_assert_uint_eq(extra.len, sizeof(all) - 1);
    ck_assert_mem_eq(extra.text, all, extra.len);
}
END_TEST

START_TEST(what_is_no_field_is_refused)
{
    static const char *const lines[] = {
        "",        "X",       ": a",    "X Y: a", "X : a", "X\r\n: a", "X: a\r\nY: b",
        "X: a\nb", "X: \x7f", "(X): a",
    };

    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        ck_assert_msg(http_extra_add(&extra, lines[i]), "%s", lines[i]);
    ck_assert_uint_eq(extra.len, 0);
}
END_TEST

START_TEST(what_the_server_says_itself_is_refused)
{
    static const char *const lines[] = {
        "Content-Length: 5", "transfer-encoding: chunked", "CONNECTION: close", "Date: now",
        "ETag: \"a\"",
    };

    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        ck_assert_str_eq(http_extra_add(&extra, lines[i]), "the server itself says that");
    ck_assert_uint_eq(extra.len, 0);
}
END_TEST

START_TEST(there_is_room_for_a_few)
{
    char line[HTTP_EXTRA_MAX + 10];
    size_t fits = HTTP_EXTRA_MAX - strlen("X: \r\n");

    snprintf(line, sizeof(line), "X: %0*d", (int)fits + 1, 0);
    ck_assert_ptr_nonnull(http_extra_add(&extra, line));
    ck_assert_uint_eq(extra.len, 0);
    snprintf(line, sizeof(line), "X: %0*d", (int)fits, 0);
    ck_assert_ptr_null(http_extra_add(&extra, line));
    ck_assert_uint_eq(extra.len, HTTP_EXTRA_MAX);
    ck_assert_ptr_nonnull(http_extra_add(&extra, "a:"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http_extra");
    TCase *c = tcase_create("fields");

    tcase_add_checked_fixture(c, setup, NULL);
    tcase_add_test(c, fields_are_kept_in_their_order_without_blanks);
    tcase_add_test(c, what_is_no_field_is_refused);
    tcase_add_test(c, what_the_server_says_itself_is_refused);
    tcase_add_test(c, there_is_room_for_a_few);
    suite_add_tcase(s, c);
    return run_suite(s, "http_extra");
}
