/*
 * http_octets.h - which octets may stand where in a request, and how words and numbers are written.
 */
#ifndef TAPIO_HTTP_OCTETS_H
#define TAPIO_HTTP_OCTETS_H

#include "base/bytes.h"

/* Classes of octets; an octet may be in several. */
enum http_octets {
    HTTP_TCHAR = 1 << 0,    /* a token's (RFC 9110, 5.6.2) */
    HTTP_TARGET = 1 << 1,   /* a request target's; see http_octets.c for what is let through */
    HTTP_VALUE = 1 << 2,    /* a field value's, white space included (RFC 9110, 5.5) */
    HTTP_REG_NAME = 1 << 3, /* unreserved or sub-delims of a URI, as in a host name */
    HTTP_HEX = 1 << 4,      /* a hexadecimal digit */
};

extern const uint8_t http_octet_classes[256];

static inline bool http_octet_is(uint8_t octet, enum http_octets octets)
{
    return http_octet_classes[octet] & octets;
}

static inline bool http_is_digit(uint8_t octet)
{
    return octet >= '0' && octet <= '9';
}

/* SP or HTAB: the white space of OWS (RFC 9110, 5.6.3). */
static inline bool http_is_space(uint8_t octet)
{
    return octet == ' ' || octet == '\t';
}

/* ASCII only: what names of fields, schemes and codings are compared in. */
static inline uint8_t http_lower(uint8_t octet)
{
    return octet >= 'A' && octet <= 'Z' ? (uint8_t)(octet | 0x20) : octet;
}

/* 0 to 15; the octet must be HTTP_HEX. */
static inline unsigned http_hex_value(uint8_t octet)
{
    return http_is_digit(octet) ? (unsigned)octet - '0' : (unsigned)http_lower(octet) - 'a' + 10;
}

/* Text as it is, without its end. What a head is made of are literals, whose lengths are known
 * before: so this is no call. */
static inline void http_write_text(struct writer *w, const char *text)
{
    write_bytes(w, text, strlen(text));
}

/* A number in decimal digits. */
void http_write_decimal(struct writer *w, uint64_t value);

/* Whether the octets are those of `lower`, but for the case of ASCII letters. */
bool http_same(const uint8_t *at, const char *lower, size_t len);

/* Whether `b` is `text`, but for the case of ASCII letters; `text` is in lower case. Most of what
 * is compared has another length, and of a literal that is known before. */
static inline bool http_equals(struct bytes b, const char *text)
{
    return b.len == strlen(text) && http_same(b.at, text, b.len);
}

/* Without the white space at either end. */
struct bytes http_trim(struct bytes b);

/* The next member of a comma-separated list (RFC 9110, 5.6.1), trimmed; what is behind it stays in
 * `*list`. Empty members are skipped, as recipients must. False when there is none left. */
bool http_next_member(struct bytes *list, struct bytes *member);

#endif
