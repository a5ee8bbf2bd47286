/*
 * http_ranges.c - which part of a representation is asked for.
 *
 * A position is compared with a length and never added to anything, so nothing can overflow; digits
 * that say more than 2^64 - 1 say 2^64 - 1, which is behind every end. A Range that is malformed is
 * ignored, as RFC 9110, 14.2 lets a server do: whoever sent it gets what it would have got without.
 */
#include "http/http_ranges.h"

#include "http/http_octets.h"
#include "http/http_request.h"

/* 1*DIGIT; UINT64_MAX for anything that is more. */
static bool take_number(struct bytes *rest, uint64_t *out)
{
    size_t digits = 0;

    *out = 0;
    for (; digits < rest->len && http_is_digit(rest->at[digits]); digits++)
        if (__builtin_mul_overflow(*out, 10, out) ||
            __builtin_add_overflow(*out, (uint64_t)(rest->at[digits] - '0'), out))
            *out = UINT64_MAX; /* and there it stays: ten times that is too much again */
    *rest = bytes_skip(*rest, digits);
    return digits > 0;
}

/* suffix-range = "-" suffix-length; `spec` is what is behind the "-". */
static enum http_part suffix(struct bytes spec, uint64_t length, uint64_t *first, uint64_t *last)
{
    uint64_t wanted;

    if (!take_number(&spec, &wanted) || spec.len > 0)
        return HTTP_WHOLE;
    if (wanted == 0)
        return HTTP_UNSATISFIABLE;
    if (length == 0) /* satisfiable, but no Content-Range can say it: RFC 9110, 14.1.2 and 14.2 */
        return HTTP_WHOLE;
    *first = wanted < length ? length - wanted : 0;
    *last = length - 1;
    return HTTP_PART;
}

/* int-range = first-pos "-" [ last-pos ] */
static enum http_part int_range(struct bytes spec, uint64_t length, uint64_t *first, uint64_t *last)
{
    uint64_t from, to = UINT64_MAX;

    if (!take_number(&spec, &from) || spec.len == 0 || spec.at[0] != '-')
        return HTTP_WHOLE;
    spec = bytes_skip(spec, 1);
    if (spec.len > 0 && (!take_number(&spec, &to) || spec.len > 0 || to < from))
        return HTTP_WHOLE;
    if (from >= length)
        return HTTP_UNSATISFIABLE;
    *first = from;
    *last = to < length ? to : length - 1;
    return HTTP_PART;
}

enum http_part http_part_wanted(const struct http_request *request, struct bytes head,
                                uint64_t length, uint64_t *first, uint64_t *last)
{
    static const char unit[] = "bytes=";
    const size_t unit_len = sizeof(unit) - 1;
    struct bytes value, spec, another;

    if (request->method != HTTP_GET || !request->ranged ||
        http_request_find(request, head, "range", &value) != 1)
        return HTTP_WHOLE;
    if (!http_equals(bytes_first(value, unit_len), unit))
        return HTTP_WHOLE;
    struct bytes set = bytes_skip(value, unit_len);
    if (!http_next_member(&set, &spec) || http_next_member(&set, &another))
        return HTTP_WHOLE;
    return spec.at[0] == '-' ? suffix(bytes_skip(spec, 1), length, first, last)
                             : int_range(spec, length, first, last);
}
