/*
 * http_response.c - the head of a response, and the small pages that explain an error.
 *
 * Nothing that a client sent is ever repeated in a response, but for the name of a directory in a
 * Location, which is escaped; so there is nothing to inject. Heads have one order and fixed fields.
 *
 * A Location that would be very long is written relative to the target instead ("./name/"), with
 * only its last segment, so that a head has a bound (a URI-reference may be relative: RFC
 * 9110, 10.2.2).
 */
#include "http/http_response.h"

#include "base/instant.h"
#include "http/http_octets.h"
#include "http/http_path.h"

/* clang-format off */
static const struct explanation {
    int status;
    const char *reason;
    const char *sentence; /* for people; NULL where there is nothing to explain */
} explanations[] = {
    {200, "OK", NULL},
    {301, "Moved Permanently", "This is a directory; its address ends with a slash."},
    {400, "Bad Request", "The request is malformed, or could be read in more than one way."},
    {403, "Forbidden", "This is there, but it is not for reading."},
    {404, "Not Found", "There is nothing by that name."},
    {405, "Method Not Allowed", "Only GET and HEAD are served here."},
    {408, "Request Timeout", "The request took too long to arrive."},
    {411, "Length Required", "Content is only taken with a Content-Length."},
    {413, "Content Too Large", "The request carries more content than a GET can need."},
    {414, "URI Too Long", "The target of the request is longer than 8192 octets."},
    {417, "Expectation Failed", "The only expectation known here is 100-continue."},
    {421, "Misdirected Request", "This connection is not secured, so it has no https."},
    {431, "Request Header Fields Too Large", "More than 100 fields, or more than 32 KiB of them."},
    {500, "Internal Server Error", "The file could not be read."},
    {501, "Not Implemented", "The server does not know this method or transfer coding."},
    {503, "Service Unavailable", "The server is out of a resource. Please try again in a moment."},
    {505, "HTTP Version Not Supported", "This server speaks HTTP/1.1 and HTTP/1.0."},
};
/* clang-format on */

static const struct explanation *explain(int status)
{
    size_t i = 0;

    while (i < ARRAY_LEN(explanations) && explanations[i].status != status)
        i++;
    assert(i < ARRAY_LEN(explanations)); /* a status that we send has an explanation */
    return &explanations[i];
}

/* --- dates -------------------------------------------------------------------------------- */

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

/* --- heads -------------------------------------------------------------------------------- */

static void write_location(struct writer *w, const char *directory)
{
    size_t len = strlen(directory);

    http_write_text(w, "Location: ");
    if (http_path_encoded_len(directory, len) > HTTP_LOCATION_MAX) {
        size_t last = len;
        while (last > 0 && directory[last - 1] != '/')
            last--;
        directory += last;
        len -= last;
        http_write_text(w, "."); /* so that a colon in the name makes no scheme of it */
    }
    http_write_text(w, "/");
    http_path_encode(w, directory, len);
    http_write_text(w, "/\r\n");
}

void http_response_emit(struct writer *w, const struct http_response *response,
                        const char date[HTTP_DATE_LEN])
{
    /* Our own version, whatever the client's (RFC 9110, 2.5), and the SP behind the code even if no
     * reason followed it (RFC 9112, 4). */
    http_write_text(w, "HTTP/1.1 ");
    http_write_decimal(w, (uint64_t)response->status);
    http_write_text(w, " ");
    http_write_text(w, explain(response->status)->reason);
    http_write_text(w, "\r\nDate: ");
    write_bytes(w, date, HTTP_DATE_LEN);
    http_write_text(w, "\r\nServer: tapio\r\n");
    if (response->directory)
        write_location(w, response->directory);
    if (response->status == 405)
        http_write_text(w, "Allow: GET, HEAD\r\n"); /* RFC 9110, 15.5.6 */
    if (response->status == 503)
        http_write_text(w, "Retry-After: 1\r\n");
    if (response->modified_s != HTTP_NO_DATE) {
        char modified[HTTP_DATE_LEN];
        http_date_format(response->modified_s, modified);
        http_write_text(w, "Last-Modified: ");
        write_bytes(w, modified, HTTP_DATE_LEN);
        http_write_text(w, "\r\n");
    }
    if (response->type) {
        http_write_text(w, "Content-Type: ");
        http_write_text(w, response->type);
        http_write_text(w, "\r\n");
    }
    http_write_text(w, "Content-Length: ");
    http_write_decimal(w, response->content_length);
    http_write_text(w, "\r\n");
    if (response->close)
        http_write_text(w, "Connection: close\r\n");
    else if (response->keep_alive)
        http_write_text(w, "Connection: keep-alive\r\n");
    http_write_text(w, "\r\n");
}

void http_explain_emit(struct writer *w, int status)
{
    const struct explanation *e = explain(status);

    assert(e->sentence);
    http_write_text(w, "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>");
    http_write_decimal(w, (uint64_t)status);
    http_write_text(w, " ");
    http_write_text(w, e->reason);
    http_write_text(w, "</title><body style=\"font:1rem/1.5 sans-serif;margin:3rem\"><h1>");
    http_write_text(w, e->reason);
    http_write_text(w, "</h1><p>");
    http_write_text(w, e->sentence);
    http_write_text(w, "</p></body></html>\n");
}
