/*
 * fuzz_http_conditions.c - any octets as a request: its conditions, its range, its codings, its
 * dates.
 *
 * Each answer is one of those that there are, and the same when it is asked for again; a part lies
 * within what it is a part of; every date that is read can be written, and reads back. What the
 * answers must have in common, whatever the request: a condition fails only when its field is
 * there, 304 is for GET and HEAD, no part is for anything but GET.
 */
#include <stdlib.h>

#include "http/http_accept.h"
#include "http/http_conditions.h"
#include "http/http_ranges.h"
#include "http/http_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

static const int64_t EXAMPLE = 784111777; /* Sun, 06 Nov 1994 08:49:37 GMT */

static struct http_parser parser;
static struct bytes head;

static size_t count(const char *name)
{
    struct bytes value;

    return http_request_find(&parser.request, head, name, &value);
}

static bool is_asked(const char *name)
{
    return count(name) > 0;
}

/* The entity tag and the date of the same file as it may be known. */
static void check_conditions(const struct http_validators *is, int64_t now_s)
{
    const struct http_request *r = &parser.request;
    const int status = http_conditions(r, head, is, now_s);
    const bool lets = http_if_range(r, head, is, now_s);

    HOLDS(status == 0 || status == 304 || status == 412);
    HOLDS(http_conditions(r, head, is, now_s) == status);
    HOLDS(http_if_range(r, head, is, now_s) == lets);
    if (status == 304) {
        HOLDS(r->method == HTTP_GET || r->method == HTTP_HEAD);
        HOLDS(is_asked("if-none-match") || count("if-modified-since") == 1);
    }
    if (status == 412)
        HOLDS(is_asked("if-match") || count("if-unmodified-since") == 1 ||
              is_asked("if-none-match"));
    if (!is_asked("if-range"))
        HOLDS(lets);
    if (count("if-range") > 1)
        HOLDS(!lets);
    if (!is->etag[0] && is->modified_s == HTTP_NO_DATE) {
        HOLDS(lets == !is_asked("if-range"));
        HOLDS(status != 304 || is_asked("if-none-match"));
    }
}

static void check_range(uint64_t length)
{
    uint64_t first = 1, last = 0, first_again = 1, last_again = 0;
    const enum http_part part = http_part_wanted(&parser.request, head, length, &first, &last);

    HOLDS(http_part_wanted(&parser.request, head, length, &first_again, &last_again) == part);
    HOLDS(part == HTTP_WHOLE || part == HTTP_PART || part == HTTP_UNSATISFIABLE);
    if (part != HTTP_WHOLE)
        HOLDS(parser.request.method == HTTP_GET && count("range") == 1);
    if (part == HTTP_PART) {
        HOLDS(first <= last && last < length);
        HOLDS(first == first_again && last == last_again);
    }
}

static void check_date(struct bytes value, int64_t now_s)
{
    char text[HTTP_DATE_LEN];
    const int64_t seconds = http_date_parse(value, now_s);

    if (seconds == HTTP_NO_DATE)
        return;
    http_date_format(seconds, text);
    HOLDS(http_date_parse(bytes_of(text, sizeof(text)), now_s) == seconds);
}

static void check_request(void)
{
    static const int64_t times[] = {HTTP_NO_DATE, 0, 784111777, 253402300799, INT64_MAX};
    static const uint64_t lengths[] = {0, 1, 100, 10000, UINT64_C(1) << 32, INT64_MAX, UINT64_MAX};
    struct http_validators is = {.modified_s = HTTP_NO_DATE};
    struct bytes value = {0};

    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        is.modified_s = times[i];
        is.etag[0] = '\0';
        check_conditions(&is, EXAMPLE + 100);
        http_etag_of(is.etag, 0x2a, 0x64, 0x1234, NULL);
        check_conditions(&is, EXAMPLE);
        http_etag_of(is.etag, 0x2a, 0x64, 0x1234, "gzip");
        check_conditions(&is, times[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
        check_range(lengths[i]);
    for (size_t i = 0; i < parser.request.field_count; i++) {
        value = http_slice_of(head, parser.request.fields[i].value);
        check_date(value, EXAMPLE);
        check_date(value, INT64_MIN);
        check_date(value, INT64_MAX);
    }
    enum http_coding order[HTTP_CODINGS], again[HTTP_CODINGS];
    const size_t count = http_codings_accepted(&parser.request, head, order);
    HOLDS(count <= HTTP_CODINGS);
    HOLDS(!count || is_asked("accept-encoding"));
    HOLDS(http_codings_accepted(&parser.request, head, again) == count);
    for (size_t i = 0; i < count; i++)
        HOLDS(order[i] < HTTP_CODINGS && order[i] == again[i] && (!i || order[i] != order[0]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_of(data, size_min(size, HTTP_HEAD_MAX));

    http_parser_init(&parser);
    if (http_parse(&parser, in) != HTTP_COMPLETE)
        return 0;
    /* A buffer that ends where the last value ends, so that whoever reads on is caught. */
    const struct http_request *r = &parser.request;
    const struct http_slice last = r->field_count ? r->fields[r->field_count - 1].value : r->target;
    const size_t len = (size_t)last.at + last.len;
    uint8_t *exact = malloc(len);
    HOLDS(exact);
    memcpy(exact, in.at, len);
    head = bytes_of(exact, len);
    check_request();
    free(exact);
    return 0;
}
