/*
 * http_extra.h - field lines that the owner of a server adds to every response.
 */
#ifndef TAPIO_HTTP_EXTRA_H
#define TAPIO_HTTP_EXTRA_H

#include "http/http_response.h"

struct http_extra {
    size_t len;
    uint8_t text[HTTP_EXTRA_MAX];
};

/* Adds "Name: value". NULL, or words that say what is wrong with it: no such field may be sent, it
 * is the server's own business, or there are too many. */
NODISCARD const char *http_extra_add(struct http_extra *extra, const char *line);

#endif
