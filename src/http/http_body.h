/*
 * http_body.h - the content of a message, freed of its framing (RFC 9112, 6 and 7).
 *
 * Pure and incremental: octets of the stream go in, slices of them that are content come out;
 * nothing is kept or copied.
 */
#ifndef TAPIO_HTTP_BODY_H
#define TAPIO_HTTP_BODY_H

#include "http/http_fields.h"

enum http_body_kind {
    HTTP_BODY_NONE,
    HTTP_BODY_LENGTH,      /* so many octets */
    HTTP_BODY_CHUNKED,     /* in chunks, each with its size (RFC 9112, 7.1) */
    HTTP_BODY_UNTIL_CLOSE, /* until the stream ends */
};

enum {
    HTTP_CHUNK_DIGITS_MAX = 16,       /* of a chunk's size, leading zeros included */
    HTTP_CHUNK_EXTENSIONS_MAX = 8192, /* octets of chunk extensions, of all chunks together */
    HTTP_TRAILERS_MAX = HTTP_HEAD_MAX,
};

struct http_body {
    enum http_body_kind kind;
    uint8_t state;
    bool strict;         /* of a request: to be set behind http_body_init(); see http_body.c */
    uint8_t digits;      /* of the chunk's size so far */
    uint32_t extensions; /* octets */
    uint32_t trailers;   /* octets */
    uint64_t left;       /* of the content, or of the chunk */
    const char *why;     /* what is wrong, once HTTP_FAILED */
};

/* `length` is for HTTP_BODY_LENGTH. */
void http_body_init(struct http_body *body, enum http_body_kind kind, uint64_t length);

/* Takes octets from the front of `in`: `*used` of them, of which `*content` (a slice of `in`, maybe
 * empty) is content. HTTP_MORE: call again with what is left, or with more of the stream; unless
 * `in` is empty, something was used. HTTP_COMPLETE: what is left belongs to the next message.
 * The last two results are final, and use nothing when called again. */
NODISCARD enum http_progress http_body_take(struct http_body *body, struct bytes in, size_t *used,
                                            struct bytes *content);

/* The stream has ended, and all of it was taken: is the content whole? If not, `*missing` is how
 * many octets are known to be missing; 0 when that is not known. */
NODISCARD bool http_body_end(const struct http_body *body, uint64_t *missing);

#endif
