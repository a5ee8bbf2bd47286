/*
 * http_conditions.h - whether a request still wants what it asks for: entity tags and the
 * conditional fields, in their one order (RFC 9110, 8.8 and 13).
 *
 * Pure: a request and what is known of the representation go in, a status comes out.
 */
#ifndef TAPIO_HTTP_CONDITIONS_H
#define TAPIO_HTTP_CONDITIONS_H

#include "http/http_date.h"
#include "http/http_parse.h"

enum { HTTP_ETAG_ROOM = 64 };

/* What a representation is known by. */
struct http_validators {
    char etag[HTTP_ETAG_ROOM]; /* quoted, NUL-terminated, strong; empty: it has none */
    int64_t modified_s;        /* Last-Modified, seconds since 1970, or HTTP_NO_DATE */
};

/* A strong tag of a file (RFC 9110, 8.8.3): another one once its octets may be others. `coding` is
 * the content coding that the file is in ("br", "gzip"), or NULL. */
void http_etag_of(char out[HTTP_ETAG_ROOM], uint64_t inode, uint64_t size, int64_t mtime_ns,
                  const char *coding);

/* If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since (RFC 9110, 13.2.2). 0: nothing
 * stands against the response; else 304 or 412. To be asked only where the answer would be 200. */
int http_conditions(const struct http_request *request, struct bytes head,
                    const struct http_validators *is, int64_t now_s);

/* Whether If-Range lets a Range be honoured: there is none, or it matches strongly (RFC 9110,
 * 13.1.5). */
bool http_if_range(const struct http_request *request, struct bytes head,
                   const struct http_validators *is, int64_t now_s);

#endif
