/*
 * http_framing.h - where a message ends, and whether its connection goes on: what the fields say
 * about both, in requests and responses alike (RFC 9112, 6 and 9.3).
 */
#ifndef TAPIO_HTTP_FRAMING_H
#define TAPIO_HTTP_FRAMING_H

#include "base/bytes.h"

/* What was there, while the fields are walked. */
struct http_framing {
    uint64_t length; /* Content-Length */
    unsigned lengths;
    bool length_is_bad; /* not a number, or given twice */
    bool coding;        /* a Transfer-Encoding field, whatever it says */
    unsigned chunked;   /* how often it says "chunked" */
    bool chunked_last;
    bool other_coding;
    bool close;
    bool keep_alive;
};

/* Notes a field; false when it is none of Content-Length, Transfer-Encoding and Connection. */
bool http_framing_note(struct http_framing *framing, struct bytes name, struct bytes value);

/* 1*DIGIT and no list of them, below 2^63 (RFC 9110, 8.6). */
NODISCARD bool http_length_parse(struct bytes value, uint64_t *out);

/* Would the sender go on with this connection (RFC 9112, 9.3)? */
static inline bool http_framing_persists(const struct http_framing *framing, unsigned minor)
{
    return !framing->close && (minor > 0 || framing->keep_alive);
}

#endif
