/*
 * http_accept.h - which content codings a client takes (RFC 9110, 12.5.3).
 */
#ifndef TAPIO_HTTP_ACCEPT_H
#define TAPIO_HTTP_ACCEPT_H

#include "http/http_parse.h"

/* Ways in which a file may lie beside itself, in the order in which we like them. */
enum http_coding { HTTP_BROTLI, HTTP_GZIP, HTTP_CODINGS };

struct http_coding_info {
    const char *name;   /* as in Content-Encoding */
    const char *suffix; /* of the file's name */
};

extern const struct http_coding_info http_codings[HTTP_CODINGS];

/* Which codings Accept-Encoding lets us use, and how many: the one that it weighs most first, ours
 * where it does not care. "x-gzip" is gzip (RFC 9110, 8.4.1.3); a weight of 0 forbids; what is
 * malformed is not accepted. Without the field: none, as only who asks for a coding can be trusted
 * to know it. */
size_t http_codings_accepted(const struct http_request *request, struct bytes head,
                             enum http_coding order[HTTP_CODINGS]);

#endif
