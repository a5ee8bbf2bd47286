/*
 * http_date.h - dates as HTTP writes them (RFC 9110, 5.6.7).
 */
#ifndef TAPIO_HTTP_DATE_H
#define TAPIO_HTTP_DATE_H

#include "base/instant.h"
#include "base/text.h"

enum { HTTP_DATE_LEN = 29 }; /* of an IMF-fixdate */

static const int64_t HTTP_NO_DATE = INT64_MIN;

/* Whole seconds of a time in ns, rounded down before 1970, too. */
static inline int64_t http_seconds_of(int64_t ns)
{
    return ns / NS_PER_S - (ns % NS_PER_S < 0);
}

/* "Sun, 06 Nov 1994 08:49:37 GMT"; years are kept within 1 and 9999. `seconds` since 1970. */
void http_date_format(int64_t seconds, char out[HTTP_DATE_LEN]);

/* Appends "1994-11-06T08:49:37.123Z", with so many digits of the second, 1 to 9 (RFC 3339). `ns`
 * since 1970. */
void http_date_add_iso(struct text *out, int64_t ns, unsigned digits);

/* Reads any of the three forms: IMF-fixdate, that of RFC 850, whose year has two digits and is at
 * most 50 years after `now_s`, and that of asctime(). HTTP_NO_DATE when it is none of them, or no
 * day of the calendar. */
int64_t http_date_parse(struct bytes text, int64_t now_s);

#endif
