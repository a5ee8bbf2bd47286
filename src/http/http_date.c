/*
 * http_date.c - dates as HTTP writes them.
 *
 * No libc: its calendar knows zones and locales, and asks the environment for them. Days are
 * counted from 1 March of year 0, where the calendar is regular.
 */
#include "http/http_date.h"

static void put_decimal(char *out, int width, int64_t value)
{
    while (width > 0) {
        out[--width] = (char)('0' + value % 10);
        value /= 10;
    }
}

/* The civil date of a day counted from 1 March of year 0. A year that begins in March ends with its
 * leap day, so each cycle is the shorter ones over and over, and one day more at its very end: 400
 * years of 4 centuries, a century of 25 times 4 years, those of 4 years. */
static void civil_of(int64_t day, int64_t *year, int64_t *month, int64_t *day_of_month)
{
    static const int64_t month_begins[] = {0, 31, 61, 92, 122, 153, 184, 214, 245, 275, 306, 337};
    const int64_t cycle = day / 146097;
    day %= 146097;
    const int64_t century = day / 36524 < 3 ? day / 36524 : 3;
    day -= century * 36524;
    const int64_t four = day / 1461;
    day %= 1461;
    const int64_t single = day / 365 < 3 ? day / 365 : 3;
    day -= single * 365;

    size_t from_march = ARRAY_LEN(month_begins) - 1;
    while (month_begins[from_march] > day)
        from_march--;
    const bool next_year = from_march >= 10; /* January and February */
    *day_of_month = day - month_begins[from_march] + 1;
    *month = (int64_t)from_march + (next_year ? -9 : 3);
    *year = cycle * 400 + century * 100 + four * 4 + single + next_year;
}

void http_date_format(int64_t seconds, char out[HTTP_DATE_LEN])
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    static const char form[] = "Ddd, 00 Mmm 0000 00:00:00 GMT";
    const int64_t first = -INT64_C(62135596800); /* 1 January of year 1 */
    const int64_t last = INT64_C(253402300799);  /* the last second of 9999 */
    const int64_t epoch_day = 719468;            /* 1970-01-01, from 1 March of year 0 */
    int64_t year, month, day_of_month;

    static_assert(sizeof(form) - 1 == HTTP_DATE_LEN, "as long as a date");
    seconds = seconds < first ? first : seconds > last ? last : seconds;
    const int64_t since = seconds + epoch_day * 86400; /* not negative, so / and % are simple */
    const int64_t day = since / 86400;
    const int64_t second = since % 86400;
    civil_of(day, &year, &month, &day_of_month);
    memcpy(out, form, HTTP_DATE_LEN);
    memcpy(out, days + (day + 3) % 7 * 3, 3); /* 1 March of year 0 was a Wednesday */
    put_decimal(out + 5, 2, day_of_month);
    memcpy(out + 8, months + (month - 1) * 3, 3);
    put_decimal(out + 12, 4, year);
    put_decimal(out + 17, 2, second / 3600);
    put_decimal(out + 20, 2, second / 60 % 60);
    put_decimal(out + 23, 2, second % 60);
}
