/*
 * http_response.h - the head of a response, and the small pages that explain an error.
 */
#ifndef TAPIO_HTTP_RESPONSE_H
#define TAPIO_HTTP_RESPONSE_H

#include "http/http_date.h"

enum {
    HTTP_LOCATION_MAX = 512,  /* a longer one is written relative; see http_response.c */
    HTTP_EXPLAIN_MAX = 384,   /* octets of the page that explains an error */
    HTTP_RESPONSE_ROOM = 1536 /* of any head, with such a page behind it */
};

struct http_response {
    int status;
    uint64_t content_length;
    const char *type;      /* Content-Type; NULL: none */
    int64_t modified_s;    /* Last-Modified, seconds since 1970; HTTP_NO_DATE: none */
    const char *directory; /* Location: this name below the root, with a slash behind it; or NULL */
    bool close;            /* Connection: close */
    bool keep_alive;       /* Connection: keep-alive, which HTTP/1.0 wants to be told */
};

/* Writes status line and fields; `date` is what http_date_format() made of the time. It fits into
 * HTTP_RESPONSE_ROOM. */
void http_response_emit(struct writer *w, const struct http_response *response,
                        const char date[HTTP_DATE_LEN]);

/* The page that explains a status: at most HTTP_EXPLAIN_MAX octets. */
void http_explain_emit(struct writer *w, int status);

#endif
