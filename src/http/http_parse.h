/*
 * http_parse.h - the head of an HTTP/1.x request: octets in, slices out.
 *
 * Pure and incremental: the caller keeps the octets of the head in a buffer of its own and calls
 * http_parse() whenever there are more; each octet is looked at once. The result is the same
 * however the octets were split. Nothing is allocated: a request is a fixed table of slices into
 * the caller's buffer, which may move between calls.
 */
#ifndef TAPIO_HTTP_PARSE_H
#define TAPIO_HTTP_PARSE_H

#include "http/http_fields.h"

enum {
    HTTP_METHOD_LONGEST = 32, /* a longer one is nobody's: 501 */
    HTTP_TARGET_MAX = 8192,   /* 414 beyond; RFC 9112, 3 asks for 8000 at least */
    HTTP_BLANK_LINES_MAX = 4, /* before the request line; 400 beyond */
};

enum http_method {
    HTTP_UNKNOWN,
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_DELETE,
    HTTP_CONNECT,
    HTTP_OPTIONS,
    HTTP_TRACE,
    HTTP_PATCH,
};

/* What a request says. The slices are valid with the octets that were parsed. */
struct http_request {
    enum http_method method;
    struct http_slice path;  /* as sent, escapes and all; empty means "/" (or no path: OPTIONS *) */
    struct http_slice query; /* without the "?" */
    struct http_slice host;  /* of the target, else of the Host field; empty when there is none */
    uint64_t content_length; /* 0 without content, and when `chunked` */
    uint8_t minor;           /* of the version: 0 for HTTP/1.0 */
    bool chunked;            /* content follows in chunks (RFC 9112, 7.1) */
    bool keep_alive;         /* the client would go on with this connection (RFC 9112, 9.3) */
    bool expect_continue;    /* it waits for 100 (RFC 9110, 10.1.1) */
    bool expect_unknown;     /* it expects something else */
    bool conditional;        /* it has fields whose names begin with "If-" (RFC 9110, 13.1) */
    bool ranged;             /* it has a Range (RFC 9110, 14.2) */
    bool accepts;            /* it has an Accept-Encoding (RFC 9110, 12.5.3) */
    struct http_slice method_name, target;
    uint16_t field_count;
    struct http_field fields[HTTP_FIELDS_MAX];
};

struct http_parser {
    uint32_t at;   /* octets looked at; the length of the head once complete */
    uint32_t mark; /* where the part that is being read began */
    uint8_t state;
    uint8_t blank_lines;
    uint8_t major;
    struct http_fields_parser fields;
    uint16_t status; /* the answer that HTTP_FAILED deserves */
    /* Meaningful once http_parse() said HTTP_COMPLETE. It is last, and its table of fields is,
     * which is not cleared: nobody reads more of it than was counted. */
    struct http_request request;
};

void http_parser_init(struct http_parser *parser);

/* Goes on with the head of a request. `head` holds every octet since the request began (what is
 * behind its end is left alone); those of earlier calls are unchanged, though they may lie
 * elsewhere. HTTP_FAILED means that `parser->status` is the answer and that the framing is lost:
 * nothing behind this request may be believed, so the connection must close (RFC 9112, 2.2). Both
 * of the last two are final. `parser->request.method` is known before the rest is, when the request
 * line got that far. */
NODISCARD enum http_progress http_parse(struct http_parser *parser, struct bytes head);

#endif
