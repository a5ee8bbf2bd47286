/*
 * test_http_conditions.c - entity tags, and whether a request still wants what it asks for.
 */
#include "http/http_conditions.h"

#include "support/asked.h"
#include "support/holds.h"
#include "support/proves.h"

/* Tue, 15 Jul 2025 12:00:00 GMT; what is asked for was last changed 37 s after 08:49 that day. */
static const int64_t NOW = 1752580800;
static const int64_t MODIFIED = 1752569377;

#define EQUAL "Tue, 15 Jul 2025 08:49:37 GMT"
#define OLDER "Tue, 15 Jul 2025 08:49:36 GMT"
#define NEWER "Tue, 15 Jul 2025 08:49:38 GMT"

static struct http_validators is = {.etag = "\"a,b\"", .modified_s = MODIFIED};

/* Every request is asked twice: nothing may depend on what was asked before. */
static int judge(const char *method, const char *fields)
{
    struct asked asked;

    ask(&asked, method, fields);
    const int status = http_conditions(&asked.parser.request, asked.head, &is, NOW);
    HOLDS(http_conditions(&asked.parser.request, asked.head, &is, NOW) == status);
    asked_end(&asked);
    return status;
}

static bool if_range(const char *fields, int64_t now_s)
{
    struct asked asked;

    ask(&asked, "GET", fields);
    const bool lets = http_if_range(&asked.parser.request, asked.head, &is, now_s);
    asked_end(&asked);
    return lets;
}

static void setup(void)
{
    is = (struct http_validators){.etag = "\"a,b\"", .modified_s = MODIFIED};
}

/* --- RFC 9110, 8.8.3: entity tags --------------------------------------------------------- */

START_TEST(tag_is_quoted_and_strong_and_says_what_it_is_of)
{
    static const struct {
        uint64_t inode, size;
        int64_t mtime_ns;
        const char *coding, *tag;
    } rows[] = {
        {0x2a, 0x100, 0x1234, NULL, "\"100-1234-2a\""},
        {0x2a, 0x100, 0x1234, "br", "\"100-1234-2a-br\""},
        {0x2a, 0x100, 0x1234, "gzip", "\"100-1234-2a-gzip\""},
        {0, 0, 0, NULL, "\"0-0-0\""},
        {UINT64_MAX, UINT64_MAX, -1, "gzip",
         "\"ffffffffffffffff-ffffffffffffffff-ffffffffffffffff-gzip\""},
        {1, 2, INT64_MIN, NULL, "\"2-8000000000000000-1\""},
    };
    char tag[HTTP_ETAG_ROOM];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        memset(tag, 'x', sizeof(tag));
        http_etag_of(tag, rows[i].inode, rows[i].size, rows[i].mtime_ns, rows[i].coding);
        ck_assert_str_eq(tag, rows[i].tag);
    }
    PROVES("RFC9110-8.8.3-a");
}
END_TEST

START_TEST(tag_of_another_file_is_another)
{
    static const char *const codings[] = {NULL, "br", "gzip"};
    enum { EACH = 3, ALL = EACH * EACH * EACH * 3 };
    static char tags[ALL][HTTP_ETAG_ROOM];
    size_t count = 0;

    /* Numbers whose digits could run into each other. */
    for (uint64_t a = 0; a < EACH; a++)
        for (uint64_t b = 0; b < EACH; b++)
            for (uint64_t c = 0; c < EACH; c++)
                for (size_t d = 0; d < ARRAY_LEN(codings); d++)
                    http_etag_of(tags[count++], a * 0x11, b * 0x11, (int64_t)(c * 0x11),
                                 codings[d]);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            HOLDS(strcmp(tags[i], tags[j]) != 0);
    PROVES("RFC9110-8.8.3-a");
}
END_TEST

/* --- RFC 9110, 13.1.1 and 13.1.2: lists of tags --------------------------------------------- */

START_TEST(if_match_compares_strongly)
{
    static const struct {
        const char *fields;
        int status;
    } rows[] = {
        {"If-Match: \"a,b\"\r\n", 0},
        {"if-match: \"a,b\"\r\n", 0},
        {"If-Match: W/\"a,b\"\r\n", 412},
        {"If-Match: \"A,B\"\r\n", 412},
        {"If-Match: \"a\"\r\n", 412},
        {"If-Match: \"x\", \"a,b\"\r\n", 0},
        {"If-Match: W/\"a,b\", \"a,b\"\r\n", 0},
        {"If-Match: \"x\", \"y\"\r\n", 412},
        {"If-Match: *\r\n", 0},
        {"If-Match:\r\n", 412},
        {"If-Match: \"x\"\r\nIf-Match: \"a,b\"\r\n", 0},
        {"If-Match: \"x\"\r\nIf-Match: \"y\"\r\n", 412},
    };
    static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (size_t m = 0; m < ARRAY_LEN(methods); m++)
            ck_assert_msg(judge(methods[m], rows[i].fields) == rows[i].status, "%s %s", methods[m],
                          rows[i].fields);
    PROVES("RFC9110-13.1.1-a");
}
END_TEST

START_TEST(if_none_match_compares_weakly)
{
    static const struct {
        const char *fields;
        bool matches;
    } rows[] = {
        {"If-None-Match: \"a,b\"\r\n", true},
        {"If-None-Match: W/\"a,b\"\r\n", true},
        {"If-None-Match: \"x\", \"a,b\", \"y\"\r\n", true},
        {"If-None-Match: W/\"x\", W/\"a,b\"\r\n", true},
        {"If-None-Match: *\r\n", true},
        {"If-None-Match: \"x\"\r\n", false},
        {"If-None-Match: W/\"x\"\r\n", false},
        {"If-None-Match: \"A,B\"\r\n", false},
        {"If-None-Match: \"\"\r\n", false},
        {"If-None-Match:\r\n", false},
        {"If-None-Match: \"x\"\r\nIf-None-Match: \"a,b\"\r\n", true},
        {"If-None-Match: \"a,b\"\r\nX: y\r\nIf-None-Match: \"x\"\r\n", true},
    };
    static const char *const others[] = {"POST", "PUT", "DELETE", "PATCH"};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const int read = rows[i].matches ? 304 : 0, changed = rows[i].matches ? 412 : 0;
        ck_assert_msg(judge("GET", rows[i].fields) == read, "%s", rows[i].fields);
        ck_assert_msg(judge("HEAD", rows[i].fields) == read, "%s", rows[i].fields);
        for (size_t m = 0; m < ARRAY_LEN(others); m++)
            ck_assert_msg(judge(others[m], rows[i].fields) == changed, "%s %s", others[m],
                          rows[i].fields);
    }
    PROVES("RFC9110-13.1.2-a");
}
END_TEST

/* The right tag is in each of them; in those that are malformed it does not count. */
START_TEST(list_of_tags_is_well_formed_or_holds_nothing)
{
    static const struct {
        const char *list;
        bool good;
    } rows[] = {
        {"\"a,b\"", true},
        {"\"a,b\",\"x\"", true},
        {"\"x\",\"a,b\"", true},
        {"\"x\" , \"a,b\"", true},
        {"\"x\"\t,\t\"a,b\"", true},
        /* Empty members are no members (5.6.1.2). */
        {",\"a,b\"", true},
        {"\"a,b\",", true},
        {", ,, \"x\",, ,\"a,b\" , ,", true},
        /* etagc: all that can be seen but the quote, and octets above 127. */
        {"\"!#$%&'()*+-./09:;<=>?@AZ[\\]^_`az{|}~\", \"a,b\"", true},
        {"\"\x80\xff\", \"a,b\"", true},
        {"\"\", \"a,b\"", true},
        {"\"*\", \"a,b\"", true},
        {"\"W/\", \"a,b\"", true},
        {"\"\\\", \"a,b\"", true}, /* a backslash escapes nothing */
        {"W/\"x\", \"a,b\"", true},
        {"\"a,b", false},
        {"\"a,b\" \"x\"", false},
        {"\"a,b\"\"x\"", false},
        {"\"a,b\"x", false},
        {"\"a,b\"; x", false},
        {"x\"a,b\"", false},
        {"x, \"a,b\"", false},
        {"\"a,b\", x", false},
        {"\"a,b\", \"", false},
        {"\"a,b\", \"x", false},
        {"\"a,b\", x\"", false},
        {"\"a,b\", \"x y\"", false},  /* no blank in a tag */
        {"\"a,b\", \"x\ty\"", false}, /* nor a tab */
        {"\"a,b\", \"x ,\"y\"", false},
        {"\"a,b\", w/\"x\"", false}, /* case matters in W/ */
        {"\"a,b\", W\"x\"", false},
        {"\"a,b\", W/ \"x\"", false},
        {"\"a,b\", W/", false},
        {"\"a,b\", W/x", false},
        {"\"a,b\", W", false},
        {"\"a,b\", W/W/\"x\"", false},
        {"\"a,b\", 'x'", false},
        {"\"a,b\", *", false},
        {"*, \"a,b\"", false},
        {"*, *", false},
        {"**", false},
        {"*,", false},
        {",*", false},
        {"W/*", false},
    };
    char fields[256];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        snprintf(fields, sizeof(fields), "If-Match: %s\r\n", rows[i].list);
        ck_assert_msg(judge("GET", fields) == (rows[i].good ? 0 : 412), "%s", fields);
        snprintf(fields, sizeof(fields), "If-None-Match: %s\r\n", rows[i].list);
        ck_assert_msg(judge("GET", fields) == (rows[i].good ? 304 : 0), "%s", fields);
        /* The same beside another line, which is well formed. */
        snprintf(fields, sizeof(fields), "If-None-Match: \"y\"\r\nIf-None-Match: %s\r\n",
                 rows[i].list);
        ck_assert_msg(judge("GET", fields) == (rows[i].good ? 304 : 0), "%s", fields);
        snprintf(fields, sizeof(fields), "If-Match: %s\r\nIf-Match: \"y\"\r\n", rows[i].list);
        ck_assert_msg(judge("GET", fields) == (rows[i].good ? 0 : 412), "%s", fields);
    }
    /* The asterisk stands alone, or it is no field value at all. */
    ck_assert_int_eq(judge("GET", "If-Match: *\r\nIf-Match: *\r\n"), 412);
    ck_assert_int_eq(judge("GET", "If-Match: *\r\nIf-Match: \"a,b\"\r\n"), 412);
    ck_assert_int_eq(judge("GET", "If-None-Match: \"a,b\"\r\nIf-None-Match: *\r\n"), 0);
    /* A tag does not go on in the next line. */
    ck_assert_int_eq(judge("GET", "If-Match: \"a\r\nIf-Match: b\"\r\n"), 412);
    PROVES("RFC9110-13.1.1-a", "RFC9110-13.1.2-a");
}
END_TEST

START_TEST(what_has_no_tag_matches_the_asterisk_alone)
{
    is.etag[0] = '\0';
    ck_assert_int_eq(judge("GET", "If-Match: \"a,b\"\r\n"), 412);
    ck_assert_int_eq(judge("GET", "If-Match: \"\"\r\n"), 412);
    ck_assert_int_eq(judge("GET", "If-Match:\r\n"), 412);
    ck_assert_int_eq(judge("GET", "If-Match: *\r\n"), 0);
    ck_assert_int_eq(judge("GET", "If-None-Match: \"a,b\"\r\n"), 0);
    ck_assert_int_eq(judge("GET", "If-None-Match: \"\"\r\n"), 0);
    ck_assert_int_eq(judge("GET", "If-None-Match: *\r\n"), 304);
    PROVES("RFC9110-13.1.1-a", "RFC9110-13.1.2-a");
}
END_TEST

/* --- RFC 9110, 13.1.3 and 13.1.4: dates --------------------------------------------------- */

START_TEST(if_modified_since_is_for_reading_and_for_one_valid_date)
{
    static const struct {
        const char *fields;
        int status; /* of GET and HEAD */
    } rows[] = {
        {"If-Modified-Since: " EQUAL "\r\n", 304},
        {"If-Modified-Since: " OLDER "\r\n", 0},
        {"If-Modified-Since: " NEWER "\r\n", 304},
        {"If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n", 0},
        {"If-Modified-Since: Fri, 31 Dec 9999 23:59:59 GMT\r\n", 304},
        /* The other two forms mean the same. */
        {"If-Modified-Since: Tuesday, 15-Jul-25 08:49:37 GMT\r\n", 304},
        {"If-Modified-Since: Tuesday, 15-Jul-25 08:49:36 GMT\r\n", 0},
        {"If-Modified-Since: Tue Jul 15 08:49:37 2025\r\n", 304},
        {"If-Modified-Since: Tue Jul 15 08:49:36 2025\r\n", 0},
        /* What is no date is not there. */
        {"If-Modified-Since: garbage\r\n", 0},
        {"If-Modified-Since:\r\n", 0},
        {"If-Modified-Since: " EQUAL ", " EQUAL "\r\n", 0},
        {"If-Modified-Since: " EQUAL "\r\nIf-Modified-Since: " EQUAL "\r\n", 0},
        {"If-Modified-Since: " EQUAL "\r\nIf-Modified-Since: garbage\r\n", 0},
        {"If-Modified-Since: *\r\n", 0},
        {"If-Modified-Since: \"a,b\"\r\n", 0},
        /* Beside If-None-Match it is not looked at, whatever comes of that. */
        {"If-None-Match: \"x\"\r\nIf-Modified-Since: " EQUAL "\r\n", 0},
        {"If-Modified-Since: " OLDER "\r\nIf-None-Match: \"a,b\"\r\n", 304},
        {"If-None-Match:\r\nIf-Modified-Since: " EQUAL "\r\n", 0},
        {"If-None-Match: broken\r\nIf-Modified-Since: " EQUAL "\r\n", 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ck_assert_msg(judge("GET", rows[i].fields) == rows[i].status, "%s", rows[i].fields);
        ck_assert_msg(judge("HEAD", rows[i].fields) == rows[i].status, "%s", rows[i].fields);
    }
    ck_assert_int_eq(judge("POST", "If-Modified-Since: " EQUAL "\r\n"), 0);
    ck_assert_int_eq(judge("PUT", "If-Modified-Since: " OLDER "\r\n"), 0);
    is.modified_s = HTTP_NO_DATE;
    ck_assert_int_eq(judge("GET", "If-Modified-Since: " EQUAL "\r\n"), 0);
    ck_assert_int_eq(judge("GET", "If-Modified-Since: garbage\r\n"), 0);
    PROVES("RFC9110-13.1.3-a", "RFC9110-5.6.7-a");
}
END_TEST

START_TEST(if_unmodified_since_fails_when_it_is_older)
{
    static const struct {
        const char *fields;
        int status;
    } rows[] = {
        {"If-Unmodified-Since: " EQUAL "\r\n", 0},
        {"If-Unmodified-Since: " OLDER "\r\n", 412},
        {"If-Unmodified-Since: " NEWER "\r\n", 0},
        {"If-Unmodified-Since: Tuesday, 15-Jul-25 08:49:36 GMT\r\n", 412},
        {"If-Unmodified-Since: Tue Jul 15 08:49:36 2025\r\n", 412},
        {"If-Unmodified-Since: garbage\r\n", 0},
        {"If-Unmodified-Since: " OLDER ", " OLDER "\r\n", 0},
        {"If-Unmodified-Since: " OLDER "\r\nIf-Unmodified-Since: " OLDER "\r\n", 0},
        /* Beside If-Match it is not looked at. */
        {"If-Match: \"a,b\"\r\nIf-Unmodified-Since: " OLDER "\r\n", 0},
        {"If-Unmodified-Since: " EQUAL "\r\nIf-Match: \"x\"\r\n", 412},
        {"If-Match: *\r\nIf-Unmodified-Since: " OLDER "\r\n", 0},
    };
    static const char *const methods[] = {"GET", "HEAD", "POST", "DELETE"};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (size_t m = 0; m < ARRAY_LEN(methods); m++)
            ck_assert_msg(judge(methods[m], rows[i].fields) == rows[i].status, "%s %s", methods[m],
                          rows[i].fields);
    is.modified_s = HTTP_NO_DATE;
    ck_assert_int_eq(judge("GET", "If-Unmodified-Since: " OLDER "\r\n"), 0);
    PROVES("RFC9110-13.2.2-a");
}
END_TEST

/* --- RFC 9110, 13.2: when and in which order ---------------------------------------------- */

START_TEST(methods_that_select_nothing_have_no_conditions)
{
    static const char all[] = "If-Match: \"x\"\r\nIf-Unmodified-Since: " OLDER
                              "\r\nIf-None-Match: *\r\nIf-Modified-Since: " EQUAL "\r\n";

    ck_assert_int_eq(judge("OPTIONS", all), 0);
    ck_assert_int_eq(judge("TRACE", all), 0);
    ck_assert_int_eq(judge("GET", all), 412);
    ck_assert_int_eq(judge("GET", ""), 0);
}
END_TEST

enum condition { ABSENT, TRUE, FALSE, CONDITIONS };

/* The list of 13.2.2, step by step. */
static int by_the_book(bool reads, const enum condition c[4])
{
    if (c[0] != ABSENT) {
        if (c[0] == FALSE)
            return 412;
    } else if (c[1] == FALSE) {
        return 412;
    }
    if (c[2] != ABSENT) {
        if (c[2] == FALSE)
            return reads ? 304 : 412;
    } else if (reads && c[3] == FALSE) {
        return 304;
    }
    return 0;
}

START_TEST(conditions_have_one_order)
{
    static const char *const line[4][CONDITIONS] = {
        {"", "If-Match: \"a,b\"\r\n", "If-Match: \"x\"\r\n"},
        {"", "If-Unmodified-Since: " EQUAL "\r\n", "If-Unmodified-Since: " OLDER "\r\n"},
        {"", "If-None-Match: \"x\"\r\n", "If-None-Match: \"a,b\"\r\n"},
        {"", "If-Modified-Since: " OLDER "\r\n", "If-Modified-Since: " EQUAL "\r\n"},
    };
    static const char *const methods[] = {"GET", "HEAD", "POST", "PUT"};
    char fields[512];

    for (unsigned mix = 0; mix < 81; mix++) {
        const enum condition c[4] = {mix % 3, mix / 3 % 3, mix / 9 % 3, mix / 27 % 3};
        for (int turn = 0; turn < 4; turn++) { /* the order of the lines is nothing */
            snprintf(fields, sizeof(fields), "%s%s%s%s", line[turn][c[turn]],
                     line[(turn + 1) % 4][c[(turn + 1) % 4]],
                     line[(turn + 2) % 4][c[(turn + 2) % 4]],
                     line[(turn + 3) % 4][c[(turn + 3) % 4]]);
            for (size_t m = 0; m < ARRAY_LEN(methods); m++)
                ck_assert_msg(judge(methods[m], fields) == by_the_book(m < 2, c), "%s %s",
                              methods[m], fields);
        }
    }
    PROVES("RFC9110-13.2.2-a");
}
END_TEST

/* --- RFC 9110, 13.1.5: If-Range ----------------------------------------------------------- */

START_TEST(if_range_wants_the_very_same)
{
    static const struct {
        const char *fields;
        bool lets;
    } rows[] = {
        {"", true},
        {"If-Range: \"a,b\"\r\n", true},
        {"if-range: \"a,b\"\r\n", true},
        {"If-Range: W/\"a,b\"\r\n", false},
        {"If-Range: \"x\"\r\n", false},
        {"If-Range: \"A,B\"\r\n", false},
        {"If-Range: \"a,b\", \"x\"\r\n", false}, /* one tag, not a list */
        {"If-Range: \"x\", \"a,b\"\r\n", false},
        {"If-Range: \"a,b\" \r\n", true}, /* the blank is not the value's */
        {"If-Range: \"a,b\"x\r\n", false},
        {"If-Range: a,b\r\n", false},
        {"If-Range: *\r\n", false},
        {"If-Range:\r\n", false},
        {"If-Range: \"a,b\"\r\nIf-Range: \"a,b\"\r\n", false},
        {"If-Range: " EQUAL "\r\n", true},
        {"If-Range: Tuesday, 15-Jul-25 08:49:37 GMT\r\n", true},
        {"If-Range: Tue Jul 15 08:49:37 2025\r\n", true},
        {"If-Range: " OLDER "\r\n", false},
        {"If-Range: " NEWER "\r\n", false}, /* no "or later" here */
        {"If-Range: W/" EQUAL "\r\n", false},
        {"If-Range: garbage\r\n", false},
        {"If-Range: " EQUAL "\r\nIf-Range: " EQUAL "\r\n", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_msg(if_range(rows[i].fields, NOW) == rows[i].lets, "%s", rows[i].fields);
    is.etag[0] = '\0';
    ck_assert(!if_range("If-Range: \"\"\r\n", NOW));
    ck_assert(!if_range("If-Range:\r\n", NOW));
    ck_assert(if_range("If-Range: " EQUAL "\r\n", NOW));
    is.modified_s = HTTP_NO_DATE;
    ck_assert(!if_range("If-Range: garbage\r\n", NOW));
    ck_assert(!if_range("If-Range: " EQUAL "\r\n", NOW));
    PROVES("RFC9110-13.1.5-a");
}
END_TEST

/* RFC 9110, 8.8.2.2: what changed in this very second may change in it again. */
START_TEST(if_range_believes_a_date_when_its_second_is_over)
{
    ck_assert(if_range("If-Range: " EQUAL "\r\n", MODIFIED + 1));
    ck_assert(!if_range("If-Range: " EQUAL "\r\n", MODIFIED));
    ck_assert(!if_range("If-Range: " EQUAL "\r\n", MODIFIED - 1));
    ck_assert(if_range("If-Range: \"a,b\"\r\n", MODIFIED)); /* a tag knows nanoseconds */
    PROVES("RFC9110-13.1.5-a");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http_conditions");
    TCase *c = tcase_create("RFC 9110, 8.8.3: entity tags");

    tcase_add_test(c, tag_is_quoted_and_strong_and_says_what_it_is_of);
    tcase_add_test(c, tag_of_another_file_is_another);
    suite_add_tcase(s, c);
    c = tcase_create("RFC 9110, 13: conditions");
    tcase_add_checked_fixture(c, setup, NULL);
    tcase_add_test(c, if_match_compares_strongly);
    tcase_add_test(c, if_none_match_compares_weakly);
    tcase_add_test(c, list_of_tags_is_well_formed_or_holds_nothing);
    tcase_add_test(c, what_has_no_tag_matches_the_asterisk_alone);
    tcase_add_test(c, if_modified_since_is_for_reading_and_for_one_valid_date);
    tcase_add_test(c, if_unmodified_since_fails_when_it_is_older);
    tcase_add_test(c, methods_that_select_nothing_have_no_conditions);
    tcase_add_test(c, conditions_have_one_order);
    tcase_add_test(c, if_range_wants_the_very_same);
    tcase_add_test(c, if_range_believes_a_date_when_its_second_is_over);
    suite_add_tcase(s, c);
    return run_suite(s, "http_conditions");
}
