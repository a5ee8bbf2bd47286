/*
 * http_ranges.h - which part of a representation is asked for (RFC 9110, 14).
 *
 * One range is served; several are answered with the whole, which a server may always do, so that a
 * thousand overlapping ones cost what one costs (RFC 9110, 14.2 and 17.15).
 */
#ifndef TAPIO_HTTP_RANGES_H
#define TAPIO_HTTP_RANGES_H

#include "http/http_parse.h"

enum http_part {
    HTTP_WHOLE,         /* no Range that counts: 200 */
    HTTP_PART,          /* `first` to `last`: 206 */
    HTTP_UNSATISFIABLE, /* 416 */
};

/* What a request wants of `length` octets. Anything that is not a well-formed Range in bytes, one
 * field of it, is as if it were not there. HTTP_WHOLE also for a part of nothing that is valid. */
enum http_part http_part_wanted(const struct http_request *request, struct bytes head,
                                uint64_t length, uint64_t *first, uint64_t *last);

#endif
