/*
 * test_http_ranges.c - which part is asked for: one range, and nothing that overflows.
 */
#include "http/http_ranges.h"

#include "support/asked.h"
#include "support/holds.h"
#include "support/proves.h"

static const char *const names[] = {"whole", "part", "unsatisfiable"};

/* The outcome as text: "whole", "unsatisfiable" or "first-last". */
static const char *wanted(const char *method, const char *fields, uint64_t length)
{
    static char text[64];
    struct asked asked;
    uint64_t first = 4711, last = 4712;

    ask(&asked, method, fields);
    const enum http_part part =
        http_part_wanted(&asked.parser.request, asked.head, length, &first, &last);
    asked_end(&asked);
    if (part != HTTP_PART)
        return names[part];
    HOLDS(first <= last && last < length);
    snprintf(text, sizeof(text), "%llu-%llu", (unsigned long long)first, (unsigned long long)last);
    return text;
}

struct row {
    const char *value;
    uint64_t length;
    const char *wanted;
};

static void check_rows(const struct row *rows, size_t count)
{
    char fields[256];

    for (size_t i = 0; i < count; i++) {
        snprintf(fields, sizeof(fields), "Range: %s\r\n", rows[i].value);
        const char *got = wanted("GET", fields, rows[i].length);
        ck_assert_msg(strcmp(got, rows[i].wanted) == 0, "%s of %llu is %s, not %s", rows[i].value,
                      (unsigned long long)rows[i].length, got, rows[i].wanted);
    }
}

START_TEST(one_range_is_served)
{
    static const struct row rows[] = {
        {"bytes=0-499", 10000, "0-499"},
        {"bytes=500-999", 10000, "500-999"},
        {"bytes=-500", 10000, "9500-9999"},
        {"bytes=9500-", 10000, "9500-9999"},
        {"bytes=0-0", 100, "0-0"},
        {"bytes=-1", 100, "99-99"},
        {"bytes=5-", 100, "5-99"},
        {"bytes=0-9999", 100, "0-99"},
        {"bytes=0-", 100, "0-99"},
        {"bytes=99-99", 100, "99-99"},
        {"bytes=99-100", 100, "99-99"},
        {"bytes=-100", 100, "0-99"},
        {"bytes=-101", 100, "0-99"},
        {"bytes=-99", 100, "1-99"},
        {"bytes=0-0", 1, "0-0"},
        {"bytes=-1", 1, "0-0"},
        {"bytes=007-0010", 100, "7-10"},
        /* Units have no case (14.1). */
        {"BYTES=0-1", 100, "0-1"},
        {"Bytes=0-1", 100, "0-1"},
        {"bYtEs=-1", 100, "99-99"},
        /* Empty members are no members (5.6.1.2). */
        {"bytes=0-1,", 100, "0-1"},
        {"bytes=,0-1", 100, "0-1"},
        {"bytes= , ,\t, 0-1 ,,", 100, "0-1"},
        {"bytes= 0-1", 100, "0-1"}, /* as an example of 14.1.2 has it */
        {"bytes=\t0-1", 100, "0-1"},
    };

    check_rows(rows, ARRAY_LEN(rows));
    PROVES("RFC9110-14.2-a");
}
END_TEST

START_TEST(anything_malformed_is_as_if_it_were_not_there)
{
    static const struct row rows[] = {
        {"", 100, "whole"},
        {"bytes", 100, "whole"},
        {"bytes=", 100, "whole"},
        {"bytes=,", 100, "whole"},
        {"bytes=, ,", 100, "whole"},
        {"bytes=abc", 100, "whole"},
        {"bytes=-", 100, "whole"},
        {"bytes=--1", 100, "whole"},
        {"bytes=-1-", 100, "whole"},
        {"bytes=-1-2", 100, "whole"},
        {"bytes=0", 100, "whole"},
        {"bytes=0:1", 100, "whole"},
        {"bytes=0_", 100, "whole"},
        {"bytes=0-1-", 100, "whole"},
        {"bytes=0-1-2", 100, "whole"},
        {"bytes=0--1", 100, "whole"},
        {"bytes=0 -1", 100, "whole"},
        {"bytes=0- 1", 100, "whole"},
        {"bytes=- 1", 100, "whole"},
        {"bytes=+0-1", 100, "whole"},
        {"bytes=0-+1", 100, "whole"},
        {"bytes=0x0-0x1", 100, "whole"},
        {"bytes=0-1;", 100, "whole"},
        {"bytes=0-1 2", 100, "whole"},
        {"bytes=a-1", 100, "whole"},
        {"bytes=0-a", 100, "whole"},
        {"bytes=*", 100, "whole"},
        {"bytes=0-*", 100, "whole"},
        {"bytes 0-1", 100, "whole"},
        {"bytes 0-1/100", 100, "whole"},
        {"bytes: 0-1", 100, "whole"},
        {"bytes =0-1", 100, "whole"},
        {"byte=0-1", 100, "whole"},
        {"bytess=0-1", 100, "whole"},
        {"octets=0-1", 100, "whole"},
        {"items=0-1", 100, "whole"},
        {"=0-1", 100, "whole"},
        {"0-1", 100, "whole"},
        {"bytes=bytes=0-1", 100, "whole"},
        {"\"bytes=0-1\"", 100, "whole"},
        /* An int-range is invalid when it ends before it begins (14.1.1). */
        {"bytes=9-1", 100, "whole"},
        {"bytes=1-0", 100, "whole"},
        {"bytes=200-199", 100, "whole"},
    };

    check_rows(rows, ARRAY_LEN(rows));
    PROVES("RFC9110-14.2-a", "W08");
}
END_TEST

START_TEST(range_behind_the_end_cannot_be_satisfied)
{
    static const struct row rows[] = {
        {"bytes=100-", 100, "unsatisfiable"},    {"bytes=100-100", 100, "unsatisfiable"},
        {"bytes=999999-", 100, "unsatisfiable"}, {"bytes=100-200", 100, "unsatisfiable"},
        {"bytes=1-", 1, "unsatisfiable"},        {"bytes=-0", 100, "unsatisfiable"},
        {"bytes=-000", 100, "unsatisfiable"},
    };

    check_rows(rows, ARRAY_LEN(rows));
    PROVES("RFC9110-15.5.17-a", "W08");
}
END_TEST

/* Of nothing, the last N are nothing, which is no part; no octet is at any place (14.1.2). */
START_TEST(nothing_has_no_parts)
{
    static const struct row rows[] = {
        {"bytes=-1", 0, "whole"},          {"bytes=-999", 0, "whole"},
        {"bytes=-0", 0, "unsatisfiable"},  {"bytes=0-", 0, "unsatisfiable"},
        {"bytes=0-0", 0, "unsatisfiable"}, {"bytes=1-", 0, "unsatisfiable"},
        {"bytes=abc", 0, "whole"},         {"bytes=1-0", 0, "whole"},
    };

    check_rows(rows, ARRAY_LEN(rows));
    PROVES("RFC9110-15.5.17-a");
}
END_TEST

START_TEST(numbers_do_not_overflow)
{
    static const struct row rows[] = {
        /* 2^63 and 2^64 and their neighbours */
        {"bytes=0-9223372036854775807", 100, "0-99"},
        {"bytes=0-18446744073709551614", 100, "0-99"},
        {"bytes=0-18446744073709551615", 100, "0-99"},
        {"bytes=0-18446744073709551616", 100, "0-99"},
        {"bytes=0-18446744073709551617", 100, "0-99"},
        {"bytes=0-99999999999999999999999999999999999999999999999999", 100, "0-99"},
        {"bytes=0-000000000000000000000000000000000000000000000000005", 100, "0-5"},
        {"bytes=18446744073709551615-", 100, "unsatisfiable"},
        {"bytes=18446744073709551616-", 100, "unsatisfiable"},
        {"bytes=18446744073709551621-18446744073709551625", 100, "unsatisfiable"},
        {"bytes=36893488147419103232-36893488147419103233", 100, "unsatisfiable"},
        {"bytes=184467440737095516160-", 100, "unsatisfiable"},
        {"bytes=18446744073709551616-5", 100, "whole"},
        {"bytes=-18446744073709551615", 100, "0-99"},
        {"bytes=-18446744073709551616", 100, "0-99"},
        {"bytes=-18446744073709551620", 100, "0-99"},
        {"bytes=-99999999999999999999999999999999999999999999999999", 100, "0-99"},
        {"bytes=0-", UINT64_MAX, "0-18446744073709551614"},
        {"bytes=-1", UINT64_MAX, "18446744073709551614-18446744073709551614"},
        {"bytes=-18446744073709551615", UINT64_MAX, "0-18446744073709551614"},
        {"bytes=18446744073709551614-", UINT64_MAX, "18446744073709551614-18446744073709551614"},
        {"bytes=18446744073709551614-18446744073709551616", UINT64_MAX,
         "18446744073709551614-18446744073709551614"},
        {"bytes=18446744073709551615-", UINT64_MAX, "unsatisfiable"},
        {"bytes=99999999999999999999-", UINT64_MAX, "unsatisfiable"},
        {"bytes=4294967296-4294967299", UINT64_C(5000000000), "4294967296-4294967299"},
        {"bytes=-4294967297", UINT64_C(5000000000), "705032703-4999999999"},
    };

    check_rows(rows, ARRAY_LEN(rows));
    PROVES("W08");
}
END_TEST

START_TEST(several_ranges_are_answered_with_the_whole)
{
    static const struct row rows[] = {
        {"bytes=0-0,-1", 10000, "whole"},
        {"bytes= 0-999, 4500-5499, -1000", 10000, "whole"},
        {"bytes=500-600,601-999", 10000, "whole"},
        {"bytes=500-700,601-999", 10000, "whole"},
        {"bytes=0-,0-,0-", 10000, "whole"},
        {"bytes=0-1,0-1", 10000, "whole"},
        {"bytes=0-1,abc", 10000, "whole"},
        {"bytes=20000-,30000-", 10000, "whole"},
    };
    static char fields[HTTP_HEAD_MAX - 256];
    size_t len;

    check_rows(rows, ARRAY_LEN(rows));

    /* A thousand that overlap, and a thousand small ones out of order. */
    len = (size_t)snprintf(fields, sizeof(fields), "Range: bytes=0-");
    for (int i = 1; i < 1000; i++)
        len += (size_t)snprintf(fields + len, sizeof(fields) - len, ",%d-", i);
    snprintf(fields + len, sizeof(fields) - len, "\r\n");
    ck_assert_str_eq(wanted("GET", fields, 10000), "whole");
    len = (size_t)snprintf(fields, sizeof(fields), "Range: bytes=-1");
    for (int i = 999; i > 0; i--)
        len += (size_t)snprintf(fields + len, sizeof(fields) - len, ", %d-%d", i, i);
    snprintf(fields + len, sizeof(fields) - len, "\r\n");
    ck_assert_str_eq(wanted("GET", fields, 10000), "whole");
    PROVES("RFC9110-14.1.1-a", "W08");
}
END_TEST

START_TEST(range_is_for_get_and_one_field)
{
    static const char *const others[] = {"HEAD", "POST", "PUT", "DELETE", "OPTIONS", "BREW"};

    ck_assert_str_eq(wanted("GET", "Range: bytes=0-1\r\n", 100), "0-1");
    ck_assert_str_eq(wanted("GET", "range: bytes=0-1\r\n", 100), "0-1");
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        ck_assert_str_eq(wanted(others[i], "Range: bytes=0-1\r\n", 100), "whole");
        ck_assert_str_eq(wanted(others[i], "Range: bytes=100-\r\n", 100), "whole");
    }
    ck_assert_str_eq(wanted("GET", "", 100), "whole");
    ck_assert_str_eq(wanted("GET", "Ranges: bytes=0-1\r\n", 100), "whole");
    ck_assert_str_eq(wanted("GET", "Range: bytes=0-1\r\nRange: bytes=0-1\r\n", 100), "whole");
    ck_assert_str_eq(wanted("GET", "Range: bytes=100-\r\nRange: x\r\n", 100), "whole");
    PROVES("RFC9110-14.2-a");
}
END_TEST

/* Every range within and just beyond a few short lengths, octet by octet. */
START_TEST(part_holds_the_octets_that_were_asked_for)
{
    enum { MOST = 9 };
    char fields[64], expected[64];

    for (uint64_t length = 1; length <= MOST; length++)
        for (int a = -1; a <= MOST + 2; a++)
            for (int b = -1; b <= MOST + 2; b++) {
                uint64_t first = UINT64_MAX, last = 0;
                if (a < 0 && b < 0)
                    continue;
                for (uint64_t i = 0; i < length; i++) { /* is this one meant? */
                    const bool in = a < 0   ? i + (uint64_t)b >= length
                                    : b < 0 ? i >= (uint64_t)a
                                            : i >= (uint64_t)a && i <= (uint64_t)b;
                    if (in && first == UINT64_MAX)
                        first = i;
                    if (in)
                        last = i;
                }
                if (a >= 0 && b >= 0 && b < a)
                    snprintf(expected, sizeof(expected), "whole");
                else if (first == UINT64_MAX)
                    snprintf(expected, sizeof(expected), "unsatisfiable");
                else
                    snprintf(expected, sizeof(expected), "%llu-%llu", (unsigned long long)first,
                             (unsigned long long)last);
                if (a < 0)
                    snprintf(fields, sizeof(fields), "Range: bytes=-%d\r\n", b);
                else if (b < 0)
                    snprintf(fields, sizeof(fields), "Range: bytes=%d-\r\n", a);
                else
                    snprintf(fields, sizeof(fields), "Range: bytes=%d-%d\r\n", a, b);
                const char *got = wanted("GET", fields, length);
                if (strcmp(got, expected) != 0)
                    ck_abort_msg("%s of %d is %s, not %s", fields, (int)length, got, expected);
            }
    PROVES("RFC9110-14.2-a", "RFC9110-15.5.17-a");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http_ranges");
    TCase *c = tcase_create("RFC 9110, 14: ranges");

    tcase_add_test(c, one_range_is_served);
    tcase_add_test(c, anything_malformed_is_as_if_it_were_not_there);
    tcase_add_test(c, range_behind_the_end_cannot_be_satisfied);
    tcase_add_test(c, nothing_has_no_parts);
    tcase_add_test(c, numbers_do_not_overflow);
    tcase_add_test(c, several_ranges_are_answered_with_the_whole);
    tcase_add_test(c, range_is_for_get_and_one_field);
    tcase_add_test(c, part_holds_the_octets_that_were_asked_for);
    suite_add_tcase(s, c);
    return run_suite(s, "http_ranges");
}
