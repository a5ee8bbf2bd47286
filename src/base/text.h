/*
 * text.h - text for people, appended piece by piece to a caller's buffer.
 *
 * Always NUL-terminated, never longer than the buffer: what does not fit is cut off and remembered
 * in `cut`. Nothing here fails or allocates.
 */
#ifndef TAPIO_BASE_TEXT_H
#define TAPIO_BASE_TEXT_H

#include "base/addr.h"
#include "base/bytes.h"

struct text {
    char *at;    /* the buffer */
    size_t len;  /* without the NUL */
    size_t room; /* octets in the buffer, the NUL's included; at least 1 */
    bool cut;
};

struct text text_of(char *buffer, size_t room);

void text_add(struct text *t, const char *string);
void text_add_char(struct text *t, char c);
void text_add_u64(struct text *t, uint64_t value);
void text_add_i64(struct text *t, int64_t value);
/* Decimal with leading zeros up to `digits`. */
void text_add_padded(struct text *t, uint64_t value, unsigned digits);
/* Lower case, with leading zeros up to `digits`, without "0x". */
void text_add_hex(struct text *t, uint64_t value, unsigned digits);
/* A duration as seconds with six decimals, the rest cut off: "3.000123". */
void text_add_seconds(struct text *t, int64_t ns);

void text_add_ip(struct text *t, struct ip_addr addr);
void text_add_mac(struct text *t, struct mac_addr addr);
void text_add_endpoint(struct text *t, struct endpoint end);

/* Octets that a stranger chose: printable ASCII as it is, the backslash doubled, all else as \n,
 * \r, \t or \xNN. One line stays one line, and a terminal sees no escape sequence. */
void text_add_escaped(struct text *t, struct bytes octets);

/* How many octets the first character has, when it is well-formed UTF-8 (RFC 3629); else 0. There
 * must be an octet. */
size_t utf8_len(struct bytes b);

static inline struct bytes text_bytes(const struct text *t)
{
    return bytes_of(t->at, t->len);
}

#endif
