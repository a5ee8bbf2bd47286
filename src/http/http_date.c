/*
 * http_date.c - dates as HTTP writes them, and the two older forms that it reads.
 *
 * No libc: its calendar knows zones and locales, and asks the environment for them. Days are
 * counted from 1 March of year 0, where the calendar is regular.
 *
 * Reading is as strict as the grammar: names have one case, numbers have all their digits, blanks
 * stand where they are written and nowhere else. Of what the grammar lets through, a day that the
 * calendar does not have is refused, and so is an hour of 24. The name of the day only has to be
 * one: whoever got it wrong meant the date. Second 60 is a leap second, which our count of seconds
 * does not have; it is the first of the next minute.
 */
#include "http/http_date.h"

#define FIRST_SECOND (-INT64_C(62135596800)) /* 1 January of year 1 */
#define LAST_SECOND  INT64_C(253402300799)   /* the last of 9999 */
#define EPOCH_DAY    719468                  /* 1970-01-01, from 1 March of year 0 */

struct date {
    int64_t year, month, day; /* months and days from 1 */
    int64_t second;           /* of the day */
};

static const char *const days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                   "Thursday", "Friday", "Saturday"};
static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/* --- the calendar ------------------------------------------------------------------------- */

/* Days before each month of a year that begins in March and ends with its leap day. */
static const int64_t month_begins[] = {0, 31, 61, 92, 122, 153, 184, 214, 245, 275, 306, 337};

/* The civil date of a day counted from 1 March of year 0. Each cycle is the shorter ones over and
 * over, and one day more at its very end: 400 years of 4 centuries, a century of 25 times 4 years,
 * those of 4 years. */
static struct date civil_of(int64_t day)
{
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
    return (struct date){
        .year = cycle * 400 + century * 100 + four * 4 + single + next_year,
        .month = (int64_t)from_march + (next_year ? -9 : 3),
        .day = day - month_begins[from_march] + 1,
    };
}

/* The way back. A day that is too large for its month, or 0, becomes one of another month. */
static int64_t day_of(const struct date *date)
{
    const int64_t year = date->year - (date->month < 3);

    return year * 365 + year / 4 - year / 100 + year / 400 + month_begins[(date->month + 9) % 12] +
           date->day - 1;
}

/* Years are kept within 1 and 9999; so nothing here is negative, and / and % are simple. */
static struct date date_of(int64_t seconds)
{
    seconds = seconds < FIRST_SECOND ? FIRST_SECOND : seconds;
    seconds = seconds > LAST_SECOND ? LAST_SECOND : seconds;
    const int64_t since = seconds + EPOCH_DAY * INT64_C(86400);
    struct date date = civil_of(since / 86400);
    date.second = since % 86400;
    return date;
}

/* HTTP_NO_DATE when the calendar has no such day, or the year is not within 1 and 9999. */
static int64_t seconds_of(const struct date *date)
{
    const int64_t day = day_of(date);
    const int64_t seconds = (day - EPOCH_DAY) * 86400 + date->second;

    if (date->year < 1 || seconds > LAST_SECOND || civil_of(day).month != date->month)
        return HTTP_NO_DATE;
    return seconds;
}

/* --- writing ------------------------------------------------------------------------------ */

static void put_decimal(char *out, int width, int64_t value)
{
    while (width > 0) {
        out[--width] = (char)('0' + value % 10);
        value /= 10;
    }
}

void http_date_format(int64_t seconds, char out[HTTP_DATE_LEN])
{
    static const char form[] = "Ddd, 00 Mmm 0000 00:00:00 GMT";
    const struct date date = date_of(seconds);

    static_assert(sizeof(form) - 1 == HTTP_DATE_LEN, "as long as a date");
    memcpy(out, form, HTTP_DATE_LEN);
    memcpy(out, days[(day_of(&date) + 3) % 7], 3); /* 1 March of year 0 was a Wednesday */
    put_decimal(out + 5, 2, date.day);
    memcpy(out + 8, months[date.month - 1], 3);
    put_decimal(out + 12, 4, date.year);
    put_decimal(out + 17, 2, date.second / 3600);
    put_decimal(out + 20, 2, date.second / 60 % 60);
    put_decimal(out + 23, 2, date.second % 60);
}

void http_date_add_iso(struct text *out, int64_t ns, unsigned digits)
{
    const struct date date = date_of(http_seconds_of(ns));
    uint64_t fraction = (uint64_t)((ns % NS_PER_S + NS_PER_S) % NS_PER_S);

    assert(digits >= 1 && digits <= 9);
    for (unsigned i = digits; i < 9; i++)
        fraction /= 10;
    text_add_padded(out, (uint64_t)date.year, 4);
    text_add_char(out, '-');
    text_add_padded(out, (uint64_t)date.month, 2);
    text_add_char(out, '-');
    text_add_padded(out, (uint64_t)date.day, 2);
    text_add_char(out, 'T');
    text_add_padded(out, (uint64_t)(date.second / 3600), 2);
    text_add_char(out, ':');
    text_add_padded(out, (uint64_t)(date.second / 60 % 60), 2);
    text_add_char(out, ':');
    text_add_padded(out, (uint64_t)(date.second % 60), 2);
    text_add_char(out, '.');
    text_add_padded(out, fraction, digits);
    text_add_char(out, 'Z');
}

/* --- reading ------------------------------------------------------------------------------ */

static bool take_text(struct bytes *rest, const char *text, size_t len)
{
    if (!bytes_equal(bytes_first(*rest, len), bytes_of(text, len)))
        return false;
    *rest = bytes_skip(*rest, len);
    return true;
}

/* Exactly so many digits. */
static bool take_number(struct bytes *rest, size_t digits, int64_t *out)
{
    if (rest->len < digits)
        return false;
    *out = 0;
    for (size_t i = 0; i < digits; i++) {
        const uint8_t octet = rest->at[i];
        if (octet < '0' || octet > '9')
            return false;
        *out = *out * 10 + (octet - '0');
    }
    *rest = bytes_skip(*rest, digits);
    return true;
}

static bool take_month(struct bytes *rest, int64_t *month)
{
    for (size_t i = 0; i < ARRAY_LEN(months); i++)
        if (take_text(rest, months[i], 3)) {
            *month = (int64_t)i + 1;
            return true;
        }
    return false;
}

/* The name of a day; only its first three letters unless it is `whole`. */
static bool take_day_name(struct bytes *rest, bool whole)
{
    for (size_t i = 0; i < ARRAY_LEN(days); i++)
        if (take_text(rest, days[i], whole ? strlen(days[i]) : 3))
            return true;
    return false;
}

/* time-of-day: 00:00:00 to 23:59:60. */
static bool take_time(struct bytes *rest, int64_t *second_of_day)
{
    int64_t hour, minute, second;

    if (!take_number(rest, 2, &hour) || !take_text(rest, ":", 1) ||
        !take_number(rest, 2, &minute) || !take_text(rest, ":", 1) ||
        !take_number(rest, 2, &second))
        return false;
    *second_of_day = hour * 3600 + minute * 60 + second;
    return hour < 24 && minute < 60 && second <= 60;
}

/* One part of a form; `date->year` gets two digits where the form has no more. */
static bool take_part(struct bytes *rest, char part, struct date *date)
{
    switch (part) {
    case 'a':
    case 'A':
        return take_day_name(rest, part == 'A');
    case 'b':
        return take_month(rest, &date->month);
    case 'd':
        return take_number(rest, 2, &date->day);
    case 'e': /* two digits, or a space and one */
        return take_number(rest, take_text(rest, " ", 1) ? 1 : 2, &date->day);
    case 'T':
        return take_time(rest, &date->second);
    case 'Y':
        return take_number(rest, 4, &date->year);
    case 'y':
        return take_number(rest, 2, &date->year);
    }
    assert(false); /* the forms below have no others */
    return false;
}

/* The letters behind the % are those of strftime(). */
static bool has_form(struct bytes text, const char *form, struct date *date)
{
    for (; *form; form++)
        if (*form == '%' ? !take_part(&text, *++form, date) : !take_text(&text, form, 1))
            return false;
    return text.len == 0;
}

/* Where in its year a date is; larger is later. */
static int64_t place_in_year(const struct date *date)
{
    return (date->month * 32 + date->day) * 100000 + date->second;
}

/* RFC 9110, 5.6.7: a year of two digits that would be more than 50 years from now is the last one
 * that ended so. That leaves one year of each hundred, the latest that is near enough. */
static int64_t full_year(const struct date *date, int64_t now_s)
{
    const struct date now = date_of(now_s);
    const int64_t latest = now.year + 50;
    const int64_t year = latest - (latest + 100 - date->year) % 100;

    return year == latest && place_in_year(date) > place_in_year(&now) ? year - 100 : year;
}

int64_t http_date_parse(struct bytes text, int64_t now_s)
{
    struct date date = {0};

    if (has_form(text, "%a, %d %b %Y %T GMT", &date))
        return seconds_of(&date);
    if (has_form(text, "%a %b %e %T %Y", &date))
        return seconds_of(&date);
    if (!has_form(text, "%A, %d-%b-%y %T GMT", &date))
        return HTTP_NO_DATE;
    date.year = full_year(&date, now_s);
    return seconds_of(&date);
}
