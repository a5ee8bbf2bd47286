/*
 * http_fields.h - the field lines of a message's head, requests and responses alike (RFC 9112, 5).
 *
 * Pure and incremental; what is behind the start line goes in, slices come out. http_parse.c and
 * http_reply.c know the start lines.
 */
#ifndef TAPIO_HTTP_FIELDS_H
#define TAPIO_HTTP_FIELDS_H

#include "base/bytes.h"

enum {
    HTTP_FIELDS_MAX = 100, /* 431 beyond (RFC 6585, 5) */
    HTTP_HEAD_MAX = 32768, /* octets of the head, its last CRLF included; 431 beyond */
};

/* A part of the head, counted from its first octet. */
struct http_slice {
    uint16_t at, len;
};

struct http_field {
    struct http_slice name, value; /* the value without white space around it */
};

enum http_progress { HTTP_MORE, HTTP_COMPLETE, HTTP_FAILED };

struct http_fields_parser {
    uint32_t at;    /* octets of the head looked at */
    uint32_t mark;  /* where the part that is being read began */
    uint8_t state;  /* 0: at the beginning of a line */
    bool too_many;  /* it failed because of HTTP_FIELDS_MAX */
    uint16_t count; /* fields that are complete */
};

/* Goes on behind `p->at`, which the caller has set to the end of the start line. `unfold` is NULL
 * where a folded line is a mistake; else it is `head.at` to write to, and the line end of a fold
 * becomes spaces (RFC 9112, 5.2). `head` is at most HTTP_HEAD_MAX octets. */
NODISCARD enum http_progress http_fields_parse(struct http_fields_parser *p, struct bytes head,
                                               uint8_t *unfold,
                                               struct http_field fields[HTTP_FIELDS_MAX]);

static inline struct bytes http_slice_of(struct bytes head, struct http_slice slice)
{
    return bytes_first(bytes_skip(head, slice.at), slice.len);
}

/* From `mark` up to, and without, the octet before `at`: the part that the octet just taken ended.
 */
static inline struct http_slice http_slice_marked(uint32_t mark, uint32_t at)
{
    return (struct http_slice){(uint16_t)mark, (uint16_t)(at - 1 - mark)};
}

#endif
