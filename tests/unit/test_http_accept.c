/*
 * test_http_accept.c - which content codings a client takes.
 */
#include "http/http_accept.h"

#include "support/asked.h"
#include "support/holds.h"
#include "support/proves.h"

enum { BR = 1 << HTTP_BROTLI, GZ = 1 << HTTP_GZIP };

static unsigned first; /* of the last order */

static unsigned accepted(const char *fields)
{
    struct asked asked;

    ask(&asked, "GET", fields);
    enum http_coding order[HTTP_CODINGS];
    const size_t count = http_codings_accepted(&asked.parser.request, asked.head, order);
    unsigned codings = 0;
    for (size_t i = 0; i < count; i++)
        codings |= 1u << order[i];
    first = count ? order[0] : HTTP_CODINGS;
    asked_end(&asked);
    return codings;
}

struct row {
    const char *value;
    unsigned codings;
};

static void check_rows(const struct row *rows, size_t count)
{
    char fields[256];

    for (size_t i = 0; i < count; i++) {
        snprintf(fields, sizeof(fields), "Accept-Encoding: %s\r\n", rows[i].value);
        ck_assert_msg(accepted(fields) == rows[i].codings, "%s is %u", rows[i].value,
                      accepted(fields));
    }
}

START_TEST(codings_have_names_and_suffixes)
{
    ck_assert_str_eq(http_codings[HTTP_BROTLI].name, "br");
    ck_assert_str_eq(http_codings[HTTP_BROTLI].suffix, ".br");
    ck_assert_str_eq(http_codings[HTTP_GZIP].name, "gzip");
    ck_assert_str_eq(http_codings[HTTP_GZIP].suffix, ".gz");
}
END_TEST

START_TEST(coding_that_is_listed_is_taken)
{
    static const struct row rows[] = {
        {"gzip", GZ},
        {"br", BR},
        {"gzip, br", GZ | BR},
        {"br,gzip", GZ | BR},
        {"gzip, deflate, br, zstd", GZ | BR}, /* what browsers send */
        {"x-gzip", GZ},
        {"GZIP", GZ},
        {"X-GZip, Br", GZ | BR},
        {"compress, gzip", GZ},
        {", ,gzip,,\t,br ,", GZ | BR},
        {"identity", 0},
        {"deflate", 0},
        {"", 0},
        {",", 0},
        {"gzi", 0},
        {"gzipp", 0},
        {"x-br", 0},
        {"brotli", 0},
        {"\"gzip\"", 0},
        {"gzip br", 0},
    };

    check_rows(rows, ARRAY_LEN(rows));
    ck_assert_uint_eq(accepted(""), 0);
    ck_assert_uint_eq(accepted("TE: gzip\r\nAccept: br\r\n"), 0);
    ck_assert_uint_eq(accepted("accept-encoding: br\r\nX: y\r\nACCEPT-ENCODING: gzip\r\n"),
                      GZ | BR);
}
END_TEST

START_TEST(weight_of_0_forbids)
{
    static const struct row rows[] = {
        {"gzip;q=1", GZ},
        {"gzip;q=1.0", GZ},
        {"gzip;q=1.000", GZ},
        {"gzip;q=1.", GZ},
        {"gzip;q=0.5", GZ},
        {"gzip;q=0.001", GZ},
        {"gzip; q=0.5", GZ},
        {"gzip ;q=0.5", GZ},
        {"gzip\t;\tQ=0.5", GZ},
        {"gzip;q=0", 0},
        {"gzip;q=0.", 0},
        {"gzip;q=0.0", 0},
        {"gzip;q=0.000", 0},
        {"gzip;q=0, br", BR},
        {"br;q=0.1, gzip;q=0", BR},
        /* One name that is both forbidden and not is forbidden. */
        {"gzip;q=0, gzip", 0},
        {"gzip, gzip;q=0", 0},
        {"gzip, x-gzip;q=0", 0},
    };

    check_rows(rows, ARRAY_LEN(rows));
    ck_assert_uint_eq(accepted("Accept-Encoding: gzip;q=0\r\nAccept-Encoding: gzip\r\n"), 0);
}
END_TEST

START_TEST(malformed_member_is_not_taken_and_the_others_are)
{
    static const char *const weights[] = {
        ";",         ";q",        ";q=",      ";q=2",         ";q=1.1",   ";q=1.001", ";q=1.0000",
        ";q=0.0001", ";q=0.1234", ";q=00.5",  ";q=01",        ";q=.5",    ";q=0,5",   ";q=-0",
        ";q=+1",     ";q=1e0",    ";q = 1",   ";q= 1",        ";q=1;q=1", ";q=1;",    ";level=1",
        ";q=0.5x",   ";q=a",      "/q=1",     ";w=1",         ";;q=1",    ";q=0.5 x", "=1",
        ";qq=1",     ";q=1.00a",  ";q=\"1\"", ";level=1;q=1",
    };
    char fields[256];

    for (size_t i = 0; i < ARRAY_LEN(weights); i++) {
        snprintf(fields, sizeof(fields), "Accept-Encoding: br, gzip%s\r\n", weights[i]);
        ck_assert_msg(accepted(fields) == BR, "%s", fields);
        snprintf(fields, sizeof(fields), "Accept-Encoding: gzip%s, br\r\n", weights[i]);
        ck_assert_msg(accepted(fields) == BR, "%s", fields);
    }
}
END_TEST

START_TEST(asterisk_is_what_is_not_listed)
{
    static const struct row rows[] = {
        {"*", GZ | BR},
        {"*;q=0.1", GZ | BR},
        {"*;q=0", 0},
        {"*;q=9", 0},
        {"*, *;q=0", 0},
        {"*;q=0, *", 0},
        {"gzip, *;q=0", GZ},
        {"*;q=0, br", BR},
        {"gzip;q=0, *", BR},
        {"*, gzip;q=0", BR},
        {"x-gzip;q=0, *", BR},
        {"gzip;q=broken, *", BR},
        {"identity;q=0, *", GZ | BR},
        {"gzip;q=1.0, identity; q=0.5, *;q=0", GZ},
        {"**", 0},
        {"*/*", 0},
    };

    check_rows(rows, ARRAY_LEN(rows));
}
END_TEST

START_TEST(coding_that_weighs_most_is_first)
{
    static const struct {
        const char *value;
        unsigned first;
    } rows[] = {
        {"gzip, br", HTTP_BROTLI},
        {"br;q=0.1, gzip;q=0.9", HTTP_GZIP},
        {"gzip;q=0.9, br;q=0.900", HTTP_BROTLI},
        {"br;q=0.998, gzip;q=0.999", HTTP_GZIP},
        {"*;q=0.5, gzip;q=0.4", HTTP_BROTLI},
        {"*;q=0.3, gzip;q=0.4", HTTP_GZIP},
        {"br;q=0.5, gzip", HTTP_GZIP},
        {"identity, br;q=0", HTTP_CODINGS},
    };
    char fields[256];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        snprintf(fields, sizeof(fields), "Accept-Encoding: %s\r\n", rows[i].value);
        accepted(fields);
        ck_assert_msg(first == rows[i].first, "%s: %u", rows[i].value, first);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http_accept");
    TCase *c = tcase_create("RFC 9110, 12.5.3: Accept-Encoding");

    tcase_add_test(c, codings_have_names_and_suffixes);
    tcase_add_test(c, coding_that_weighs_most_is_first);
    tcase_add_test(c, coding_that_is_listed_is_taken);
    tcase_add_test(c, weight_of_0_forbids);
    tcase_add_test(c, malformed_member_is_not_taken_and_the_others_are);
    tcase_add_test(c, asterisk_is_what_is_not_listed);
    suite_add_tcase(s, c);
    return run_suite(s, "http_accept");
}
