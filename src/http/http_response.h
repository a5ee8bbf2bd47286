/*
 * http_response.h - the head of a response, and the small pages that explain an error.
 */
#ifndef TAPIO_HTTP_RESPONSE_H
#define TAPIO_HTTP_RESPONSE_H

#include "http/http_conditions.h"

enum {
    HTTP_LOCATION_MAX = 512,  /* a longer one is written relative; see http_response.c */
    HTTP_EXTRA_MAX = 640,     /* octets of fields that the server's owner adds */
    HTTP_EXPLAIN_MAX = 768,   /* octets of the page that explains an error */
    HTTP_OK_DATE = 23,        /* where the value of Date is in a head that begins with 200 */
    HTTP_RESPONSE_ROOM = 2816 /* of any head, with such a page behind it */
};

struct http_response {
    int status;
    bool has_length; /* Content-Length */
    uint64_t content_length;
    bool chunked;                     /* Transfer-Encoding */
    const char *type;                 /* Content-Type; NULL: none */
    const struct http_validators *is; /* ETag and Last-Modified; NULL: none */
    const char *coding;               /* Content-Encoding; NULL: none */
    bool varies;                      /* Vary: Accept-Encoding */
    bool ranges;                      /* Accept-Ranges: bytes */
    uint64_t first, last, whole;      /* Content-Range, of 206 and 416 */
    const char *directory; /* Location: this name below the root, with a slash behind it; or NULL */
    struct bytes query;    /* which is kept, behind it */
    const char *allow;     /* Allow; NULL: none */
    struct bytes extra;    /* whole lines; at most HTTP_EXTRA_MAX */
    bool close;            /* Connection: close */
    bool keep_alive;       /* Connection: keep-alive, which HTTP/1.0 wants to be told */
};

/* Writes status line and fields; `date` is what http_date_format() made of the time. It fits into
 * HTTP_RESPONSE_ROOM. */
void http_response_emit(struct writer *w, const struct http_response *response,
                        const char date[HTTP_DATE_LEN]);

/* The page that explains a status: at most HTTP_EXPLAIN_MAX octets. */
void http_explain_emit(struct writer *w, int status);

/* "HTTP/1.1 100 Continue": the head is fine, the content may come (RFC 9110, 15.2.1). */
void http_continue_emit(struct writer *w);

#endif
