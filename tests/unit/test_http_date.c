/*
 * test_http_date.c - dates of HTTP: written in one form, read in three.
 */
#include "http/http_date.h"

#include <stdio.h>
#include <time.h>

#include "support/exact.h"
#include "support/holds.h"
#include "support/proves.h"

/* RFC 9110, 5.6.7 has one moment in three forms. */
static const int64_t EXAMPLE = 784111777;
/* Tue, 15 Jul 2025 12:00:00 GMT */
static const int64_t NOW = 1752580800;

static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char *const long_days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                        "Thursday", "Friday", "Saturday"};
static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/* From a buffer of exactly that size. */
static int64_t parse_octets(const void *text, size_t len, int64_t now_s)
{
    struct bytes exact = exact_copy(text, len);
    int64_t seconds = http_date_parse(exact, now_s);

    exact_free(exact);
    return seconds;
}

static int64_t parse(const char *text)
{
    return parse_octets(text, strlen(text), NOW);
}

/* --- writing ---------------------------------------------------------------------------------- */

static void check_date(int64_t seconds)
{
    char ours[HTTP_DATE_LEN + 1] = {0}, libc[64];
    time_t t = (time_t)seconds;
    struct tm tm;

    http_date_format(seconds, ours);
    strftime(libc, sizeof(libc), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&t, &tm));
    if (strcmp(ours, libc) != 0)
        ck_abort_msg("%lld is %s, not %s", (long long)seconds, libc, ours);
}

START_TEST(dates_are_those_of_the_calendar)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } rows[] = {
        {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {-1, "Wed, 31 Dec 1969 23:59:59 GMT"},
        {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},
        {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
        {951868799, "Tue, 29 Feb 2000 23:59:59 GMT"},
        {951868800, "Wed, 01 Mar 2000 00:00:00 GMT"},
        {4107542399, "Sun, 28 Feb 2100 23:59:59 GMT"},
        {4107542400, "Mon, 01 Mar 2100 00:00:00 GMT"},
        {253402300799, "Fri, 31 Dec 9999 23:59:59 GMT"},
        {253402300800, "Fri, 31 Dec 9999 23:59:59 GMT"},
        {INT64_MAX, "Fri, 31 Dec 9999 23:59:59 GMT"},
        {-62135596800, "Mon, 01 Jan 0001 00:00:00 GMT"},
        {-62135596801, "Mon, 01 Jan 0001 00:00:00 GMT"},
        {INT64_MIN, "Mon, 01 Jan 0001 00:00:00 GMT"},
    };
    char text[HTTP_DATE_LEN];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        http_date_format(rows[i].seconds, text);
        ck_assert_msg(memcmp(text, rows[i].text, HTTP_DATE_LEN) == 0, "%.29s", text);
    }
    for (int64_t day = -150000; day < 150000; day += 1) /* from 1559 to 2380 */
        check_date(day * 86400 + (day * 7919) % 86400);
    PROVES("RFC9110-6.6.1-a");
}
END_TEST

/* --- reading ---------------------------------------------------------------------------------- */

START_TEST(dates_of_rfc_3339_have_as_many_digits_as_asked)
{
    static const struct {
        int64_t ns;
        unsigned digits;
        const char *text;
    } rows[] = {
        {784111777 * NS_PER_S + 123456789, 3, "1994-11-06T08:49:37.123Z"},
        {784111777 * NS_PER_S + 123456789, 9, "1994-11-06T08:49:37.123456789Z"},
        {0, 1, "1970-01-01T00:00:00.0Z"},
        {-1, 6, "1969-12-31T23:59:59.999999Z"},
        {-NS_PER_S, 3, "1969-12-31T23:59:59.000Z"},
        {951782400 * NS_PER_S, 3, "2000-02-29T00:00:00.000Z"},
    };
    char out[40];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct text text = text_of(out, sizeof(out));
        http_date_add_iso(&text, rows[i].ns, rows[i].digits);
        ck_assert_str_eq(out, rows[i].text);
    }
    ck_assert_int_eq(http_seconds_of(-1), -1);
    ck_assert_int_eq(http_seconds_of(NS_PER_S - 1), 0);
}
END_TEST

START_TEST(three_forms_are_read)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } rows[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", EXAMPLE},
        {"Sunday, 06-Nov-94 08:49:37 GMT", EXAMPLE},
        {"Sun Nov  6 08:49:37 1994", EXAMPLE},
        {"Sun Nov 06 08:49:37 1994", EXAMPLE}, /* date3 may have two digits */
        {"Wed, 16 Nov 1994 08:49:37 GMT", EXAMPLE + 10 * 86400},
        {"Wednesday, 16-Nov-94 08:49:37 GMT", EXAMPLE + 10 * 86400},
        {"Wed Nov 16 08:49:37 1994", EXAMPLE + 10 * 86400},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Wed, 31 Dec 1969 23:59:59 GMT", -1},
        {"Mon, 01 Jan 0001 00:00:00 GMT", -62135596800},
        {"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799},
        {"Mon Jan  1 00:00:00 0001", -62135596800},
        {"Fri Dec 31 23:59:59 9999", 253402300799},
        /* The day of the week is a name; whether it is that day's is not asked. */
        {"Mon, 06 Nov 1994 08:49:37 GMT", EXAMPLE},
        {"Thursday, 06-Nov-94 08:49:37 GMT", EXAMPLE},
        {"Fri Nov  6 08:49:37 1994", EXAMPLE},
        /* Leap seconds are the first of the next minute. */
        {"Sat, 31 Dec 2016 23:59:60 GMT", 1483228800},
        {"Sat Dec 31 23:59:60 2016", 1483228800},
        {"Sun, 06 Nov 1994 08:49:60 GMT", EXAMPLE + 23},
        {"Sun, 06 Nov 1994 00:00:00 GMT", EXAMPLE - 31777},
        {"Sun, 06 Nov 1994 23:59:59 GMT", EXAMPLE - 31777 + 86399},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_msg(parse(rows[i].text) == rows[i].seconds, "%s is %lld", rows[i].text,
                      (long long)parse(rows[i].text));
    PROVES("RFC9110-5.6.7-a");
}
END_TEST

START_TEST(anything_else_is_no_date)
{
    static const char *const rows[] = {
        "",
        "0",
        "GMT",
        "784111777",
        "1994-11-06T08:49:37Z",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        " Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun,  06 Nov 1994 08:49:37 GMT",
        "Sun,06 Nov 1994 08:49:37 GMT",
        "Sun 06 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun,  6 Nov 1994 08:49:37 GMT", /* padded so in asctime() alone */
        "Sun, 006 Nov 1994 08:49:37 GMT",
        "Sun, 06\tNov 1994 08:49:37 GMT",
        "sun, 06 Nov 1994 08:49:37 GMT",
        "SUN, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 NOV 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 gmt",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 06 Nov 01994 08:49:37 GMT",
        "Sun, 06-Nov-1994 08:49:37 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT", /* RFC 850 spells the day out */
        "Sunday, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37",
        "Sunday, 6-Nov-94 08:49:37 GMT",
        "Sundays, 06-Nov-94 08:49:37 GMT",
        "Sunday Nov  6 08:49:37 1994",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov   6 08:49:37 1994",
        "Sun Nov  06 08:49:37 1994",
        "Sun Nov  6 08:49:37 1994 GMT",
        "Sun Nov  6 08:49:37 94",
        "Sun Nov  6 08:49:37 GMT 1994",
        "Xxx, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nop 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 1994 8:49:37 GMT",
        "Sun, 06 Nov 1994 08:49 GMT",
        "Sun, 06 Nov 1994 08.49.37 GMT",
        "Sun, 06 Nov 1994 -8:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:3a GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun Nov  0 08:49:37 1994",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 32 Dec 1994 08:49:37 GMT",
        "Sun, 29 Feb 1994 08:49:37 GMT",
        "Sun, 29 Feb 1900 08:49:37 GMT",
        "Sun, 30 Feb 2000 08:49:37 GMT",
        "Sun, 99 Jan 2000 08:49:37 GMT",
        "Sun, 01 Jan 0000 00:00:00 GMT",
        "Fri, 31 Dec 9999 23:59:60 GMT", /* the first second of 10000 */
        "Sunday, 29-Feb-95 08:49:37 GMT",
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_msg(parse(rows[i]) == HTTP_NO_DATE, "%s is %lld", rows[i],
                      (long long)parse(rows[i]));
    ck_assert(http_date_parse((struct bytes){NULL, 0}, NOW) == HTTP_NO_DATE);
    PROVES("RFC9110-5.6.7-a");
}
END_TEST

START_TEST(day_of_rfc_850_has_a_year_of_at_most_50_from_now)
{
    static const int64_t now_2080 = 3486484800; /* Mon, 24 Jun 2080 20:00:00 GMT */
    static const struct {
        int64_t now;
        const char *text, *meant;
    } rows[] = {
        {NOW, "Tuesday, 15-Jul-25 12:00:00 GMT", "Tue, 15 Jul 2025 12:00:00 GMT"},
        {NOW, "Tuesday, 15-Jul-25 12:00:01 GMT", "Tue, 15 Jul 2025 12:00:01 GMT"},
        {NOW, "Monday, 31-Dec-74 23:59:59 GMT", "Mon, 31 Dec 2074 23:59:59 GMT"},
        {NOW, "Monday, 15-Jul-75 11:59:59 GMT", "Mon, 15 Jul 2075 11:59:59 GMT"},
        {NOW, "Monday, 15-Jul-75 12:00:00 GMT", "Mon, 15 Jul 2075 12:00:00 GMT"},
        {NOW, "Tuesday, 15-Jul-75 12:00:01 GMT", "Tue, 15 Jul 1975 12:00:01 GMT"},
        {NOW, "Wednesday, 16-Jul-75 00:00:00 GMT", "Wed, 16 Jul 1975 00:00:00 GMT"},
        {NOW, "Friday, 01-Aug-75 00:00:00 GMT", "Fri, 01 Aug 1975 00:00:00 GMT"},
        {NOW, "Sunday, 30-Jun-75 23:59:59 GMT", "Sun, 30 Jun 2075 23:59:59 GMT"},
        {NOW, "Thursday, 01-Jan-76 00:00:00 GMT", "Thu, 01 Jan 1976 00:00:00 GMT"},
        {NOW, "Friday, 31-Dec-99 23:59:59 GMT", "Fri, 31 Dec 1999 23:59:59 GMT"},
        {NOW, "Saturday, 01-Jan-00 00:00:00 GMT", "Sat, 01 Jan 2000 00:00:00 GMT"},
        {NOW, "Tuesday, 29-Feb-00 00:00:00 GMT", "Tue, 29 Feb 2000 00:00:00 GMT"},
        {0, "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT"},
        {0, "Wednesday, 01-Jan-20 00:00:00 GMT", "Wed, 01 Jan 2020 00:00:00 GMT"},
        {0, "Thursday, 01-Jan-20 00:00:01 GMT", "Thu, 01 Jan 1920 00:00:01 GMT"},
        {now_2080, "Sunday, 06-Nov-94 08:49:37 GMT", "Sat, 06 Nov 2094 08:49:37 GMT"},
        {now_2080, "Monday, 01-Jan-29 00:00:00 GMT", "Sat, 01 Jan 2129 00:00:00 GMT"},
        {now_2080, "Friday, 01-Jan-31 00:00:00 GMT", "Wed, 01 Jan 2031 00:00:00 GMT"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const int64_t got = parse_octets(rows[i].text, strlen(rows[i].text), rows[i].now);
        ck_assert_msg(got == parse(rows[i].meant), "%s is %lld", rows[i].text, (long long)got);
    }
    /* 2100 has no leap day; what would be the year of the date has none. */
    const char *none = "Monday, 29-Feb-00 00:00:00 GMT";
    ck_assert(parse_octets(none, strlen(none), now_2080) == HTTP_NO_DATE);
    PROVES("RFC9110-5.6.7-a");
}
END_TEST

START_TEST(clock_at_the_ends_of_time_does_no_harm)
{
    static const int64_t clocks[] = {INT64_MIN, INT64_MIN + 1, -62135596801, -62135596800,
                                     -1,        253402300799,  253402300800, INT64_MAX};

    for (size_t i = 0; i < ARRAY_LEN(clocks); i++)
        for (int year = 0; year < 100; year++) {
            char text[64], again[HTTP_DATE_LEN];
            const int len = snprintf(text, sizeof(text), "Sunday, 06-Nov-%02d 08:49:37 GMT", year);
            const int64_t seconds = parse_octets(text, (size_t)len, clocks[i]);
            if (seconds == HTTP_NO_DATE)
                continue; /* the year would not be within 1 and 9999 */
            http_date_format(seconds, again);
            HOLDS(parse_octets(again, sizeof(again), clocks[i]) == seconds);
            HOLDS(again[14] == text[15] && again[15] == text[16]);
        }
}
END_TEST

/* In all three forms: what libc's calendar calls that moment. */
static void check_reading(int64_t seconds)
{
    char text[64];
    time_t t = (time_t)seconds;
    struct tm tm;

    http_date_format(seconds, text);
    HOLDS(parse_octets(text, HTTP_DATE_LEN, NOW) == seconds);
    HOLDS(gmtime_r(&t, &tm));
    int len =
        snprintf(text, sizeof(text), "%s, %02d-%s-%02d %02d:%02d:%02d GMT", long_days[tm.tm_wday],
                 tm.tm_mday, months[tm.tm_mon], tm.tm_year % 100, tm.tm_hour, tm.tm_min, tm.tm_sec);
    HOLDS(parse_octets(text, (size_t)len, seconds) == seconds);
    len = snprintf(text, sizeof(text), "%s %s %2d %02d:%02d:%02d %04d", days[tm.tm_wday],
                   months[tm.tm_mon], tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                   tm.tm_year + 1900);
    HOLDS(parse_octets(text, (size_t)len, NOW) == seconds);
}

START_TEST(every_date_that_is_written_reads_back)
{
    char text[HTTP_DATE_LEN];

    for (int64_t day = -25567; day < 80000; day++) /* from 1900 to 2189 */
        check_reading(day * 86400 + (day * 7919 % 86400 + 86400) % 86400);
    for (int64_t second = 0; second < 86400; second += 7)
        check_reading(EXAMPLE + second);
    for (int64_t seconds = -62135596800; seconds <= 253402300799; seconds += 86400 * 13 + 7) {
        http_date_format(seconds, text);
        HOLDS(parse_octets(text, sizeof(text), NOW) == seconds);
    }
    PROVES("RFC9110-5.6.7-a");
}
END_TEST

START_TEST(only_days_of_the_calendar_are_read)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    static const int years[] = {1,    4,    100,  400,  1582, 1600, 1700, 1899, 1900,
                                1904, 1999, 2000, 2001, 2024, 2100, 2400, 9996, 9999};

    for (size_t i = 0; i < ARRAY_LEN(years); i++)
        for (int month = 0; month < 12; month++)
            for (int day = 0; day < 100; day++) {
                const int year = years[i];
                const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
                const int last = lengths[month] + (month == 1 && leap);
                char text[64];
                const int len = snprintf(text, sizeof(text), "Sun, %02d %s %04d 00:00:00 GMT", day,
                                         months[month], year);
                const bool is = parse_octets(text, (size_t)len, NOW) != HTTP_NO_DATE;
                HOLDS(is == (day >= 1 && day <= last));
            }
}
END_TEST

/* Each octet in the place of each other one, in each form: what is read, written again, is the same
 * moment; and the name of the day is a name. */
START_TEST(every_octet_anywhere_is_read_as_it_stands_or_not_at_all)
{
    static const char *const forms[] = {"Sun, 06 Nov 1994 08:49:37 GMT",
                                        "Sunday, 06-Nov-94 08:49:37 GMT",
                                        "Sun Nov  6 08:49:37 1994"};

    for (size_t form = 0; form < ARRAY_LEN(forms); form++) {
        const size_t len = strlen(forms[form]);
        for (size_t cut = 0; cut < len; cut++)
            HOLDS(parse_octets(forms[form], cut, NOW) == HTTP_NO_DATE);
        for (size_t at = 0; at < len; at++)
            for (int octet = 0; octet < 256; octet++) {
                char text[64];
                memcpy(text, forms[form], len);
                text[at] = (char)octet;
                const int64_t seconds = parse_octets(text, len, NOW);
                if (octet == (uint8_t)forms[form][at]) {
                    HOLDS(seconds == EXAMPLE);
                    continue;
                }
                if (seconds == HTTP_NO_DATE)
                    continue;
                /* Another digit, the space before a one-digit day, or another month: Nov has no
                 * neighbour of one letter, so no letter can have changed. */
                HOLDS(octet >= '0' && octet <= '9');
                HOLDS(seconds != EXAMPLE || (form == 2 && octet == '0'));
            }
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http_date");
    TCase *c = tcase_create("RFC 9110, 5.6.7: dates");

    tcase_set_timeout(c, 60);
    tcase_add_test(c, dates_are_those_of_the_calendar);
    tcase_add_test(c, dates_of_rfc_3339_have_as_many_digits_as_asked);
    tcase_add_test(c, three_forms_are_read);
    tcase_add_test(c, anything_else_is_no_date);
    tcase_add_test(c, day_of_rfc_850_has_a_year_of_at_most_50_from_now);
    tcase_add_test(c, clock_at_the_ends_of_time_does_no_harm);
    tcase_add_test(c, every_date_that_is_written_reads_back);
    tcase_add_test(c, only_days_of_the_calendar_are_read);
    tcase_add_test(c, every_octet_anywhere_is_read_as_it_stands_or_not_at_all);
    suite_add_tcase(s, c);
    return run_suite(s, "http_date");
}
