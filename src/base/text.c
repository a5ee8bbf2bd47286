/*
 * text.c - see text.h.
 *
 * The machine uses no stdio: no locale may change a capture, and nothing may allocate while a
 * packet is on its way. Everything goes through append(), the one place that knows the buffer's
 * end.
 */
#include "base/text.h"

static void append(struct text *t, const char *at, size_t len)
{
    size_t left = t->room - 1 - t->len;
    size_t n = size_min(len, left);

    if (n < len)
        t->cut = true;
    if (n == 0)
        return;
    memcpy(t->at + t->len, at, n);
    t->len += n;
    t->at[t->len] = '\0';
}

struct text text_of(char *buffer, size_t room)
{
    assert(room > 0);
    buffer[0] = '\0';
    return (struct text){.at = buffer, .room = room};
}

void text_add(struct text *t, const char *string)
{
    append(t, string, strlen(string));
}

void text_add_char(struct text *t, char c)
{
    append(t, &c, 1);
}

enum { DIGITS_MAX = 20 }; /* of 2^64 - 1 */

/* Inline, so that the base is known where it is called and nothing is divided by a variable. */
static inline void add_number(struct text *t, uint64_t value, unsigned base, unsigned digits)
{
    char out[DIGITS_MAX];
    unsigned n = 0;

    assert(digits <= DIGITS_MAX);
    do {
        out[DIGITS_MAX - ++n] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value > 0 || n < digits);
    append(t, out + DIGITS_MAX - n, n);
}

void text_add_u64(struct text *t, uint64_t value)
{
    add_number(t, value, 10, 1);
}

void text_add_i64(struct text *t, int64_t value)
{
    if (value < 0)
        text_add_char(t, '-');
    add_number(t, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 10, 1);
}

void text_add_padded(struct text *t, uint64_t value, unsigned digits)
{
    add_number(t, value, 10, digits);
}

void text_add_hex(struct text *t, uint64_t value, unsigned digits)
{
    add_number(t, value, 16, digits);
}

void text_add_seconds(struct text *t, int64_t ns)
{
    uint64_t us = (ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns) / 1000;

    if (ns < 0)
        text_add_char(t, '-');
    text_add_u64(t, us / 1000000);
    text_add_char(t, '.');
    text_add_padded(t, us % 1000000, 6);
}

void text_add_ip(struct text *t, struct ip_addr addr)
{
    char out[IP_ADDR_TEXT];
    text_add(t, ip_addr_format(addr, out));
}

void text_add_mac(struct text *t, struct mac_addr addr)
{
    char out[MAC_ADDR_TEXT];
    text_add(t, mac_addr_format(addr, out));
}

void text_add_endpoint(struct text *t, struct endpoint end)
{
    char out[ENDPOINT_TEXT];
    text_add(t, endpoint_format(end, out));
}

void text_add_escaped(struct text *t, struct bytes octets)
{
    for (size_t i = 0; i < octets.len; i++) {
        uint8_t octet = octets.at[i];
        if (octet == '\\')
            text_add(t, "\\\\");
        else if (octet >= 0x20 && octet < 0x7f)
            text_add_char(t, (char)octet);
        else if (octet == '\n')
            text_add(t, "\\n");
        else if (octet == '\r')
            text_add(t, "\\r");
        else if (octet == '\t')
            text_add(t, "\\t");
        else {
            text_add(t, "\\x");
            text_add_hex(t, octet, 2);
        }
    }
}

size_t utf8_len(struct bytes b)
{
    size_t len = b.at[0] < 0x80                      ? 1
                 : b.at[0] >= 0xc2 && b.at[0] < 0xe0 ? 2
                 : b.at[0] >= 0xe0 && b.at[0] < 0xf0 ? 3
                 : b.at[0] >= 0xf0 && b.at[0] < 0xf5 ? 4
                                                     : 0;

    if (len == 0 || len > b.len)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((b.at[i] & 0xc0) != 0x80)
            return 0;
    }
    /* neither a longer form of a shorter one, nor a surrogate, nor beyond the last */
    if ((b.at[0] == 0xe0 && b.at[1] < 0xa0) || (b.at[0] == 0xed && b.at[1] >= 0xa0) ||
        (b.at[0] == 0xf0 && b.at[1] < 0x90) || (b.at[0] == 0xf4 && b.at[1] >= 0x90))
        return 0;
    return len;
}
