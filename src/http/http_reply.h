/*
 * http_reply.h - the head of an HTTP/1.x response, as a client reads it: octets in, slices out.
 *
 * Pure and incremental, like http_parse.h: the caller keeps the octets of the head in a buffer of
 * its own and calls http_reply_parse() whenever there are more. What the head says about the
 * content that follows is for http_body.h.
 */
#ifndef TAPIO_HTTP_REPLY_H
#define TAPIO_HTTP_REPLY_H

#include "http/http_body.h"
#include "http/http_fields.h"

/* What a response says. The slices are valid with the octets that were parsed. */
struct http_reply {
    uint16_t status;          /* 100 to 999; what is unknown is to be taken for its x00 */
    uint8_t minor;            /* of the version: 0 for HTTP/1.0 */
    bool keep_alive;          /* the server would go on with this connection (RFC 9112, 9.3) */
    enum http_body_kind body; /* how the content is framed (RFC 9112, 6.3) */
    uint64_t content_length;  /* HTTP_BODY_LENGTH; else what a HEAD was told, or 0 */
    struct http_slice reason; /* may be empty */
    uint16_t field_count;
    struct http_field fields[HTTP_FIELDS_MAX];
};

struct http_reply_parser {
    struct http_reply reply; /* meaningful once http_reply_parse() said HTTP_COMPLETE */
    struct http_fields_parser fields;
    uint32_t at; /* octets looked at; the length of the head once complete */
    uint32_t mark;
    uint8_t state;
    bool to_head;    /* it answers HEAD, so it has no content */
    const char *why; /* what is wrong with it, once HTTP_FAILED */
};

void http_reply_parser_init(struct http_reply_parser *parser, bool to_head);

/* Goes on with the head of a response: `head` holds its first `len` octets; what is behind its end
 * is left alone, and line ends within a folded field become spaces. HTTP_FAILED means that nothing
 * behind may be believed and the connection must close. The last two results are final. */
NODISCARD enum http_progress http_reply_parse(struct http_reply_parser *parser, uint8_t *head,
                                              size_t len);

/* The value of the only field of that name (in lower case); false when there is none, or several:
 * a field that must be single and is not says nothing. */
bool http_reply_field(const struct http_reply *reply, struct bytes head, const char *name,
                      struct bytes *value);

/* Content-Range of bytes (RFC 9110, 14.4). */
struct http_range {
    bool satisfied; /* false: "bytes * / length", as a 416 says it */
    uint64_t first, last;
    bool length_known;
    uint64_t length; /* of the whole */
};
/* False when the value is not well formed, or contradicts itself. */
NODISCARD bool http_range_parse(struct bytes value, struct http_range *out);

#endif
