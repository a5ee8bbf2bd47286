/*
 * addr.c - addresses as people write them.
 *
 * The text forms are read by hand, because the machine calls nobody: no locale, no stdio, and no
 * notation that only some systems know. IPv4 is four decimal numbers without leading zeros
 * (elsewhere "010" is eight). IPv6 is RFC 4291, 2.2, and is written as RFC 5952, 4 recommends, but
 * for one thing: the mapped form ::ffff:a.b.c.d is an IPv4 address here and is written as one.
 * Zones ("%eth0") are left out: a stack has one link.
 */
#include "base/addr.h"

#include <errno.h>

/* --- from text ---------------------------------------------------------------------------- */

/* All parsers take `*at` past what they have read, and leave it anywhere when they fail. */

static bool take(const char **at, char c)
{
    if (**at != c)
        return false;
    ++*at;
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* A decimal number of at most three digits and no more than `max`, without leading zeros; -1 when
 * there is none. */
static int take_decimal(const char **at, int max)
{
    const char *from = *at;
    int value = 0;

    while (**at >= '0' && **at <= '9' && *at - from < 3)
        value = value * 10 + (*(*at)++ - '0');
    if (*at == from || value > max || (*from == '0' && *at - from > 1))
        return -1;
    return value;
}

static bool take_v4(const char **at, uint8_t out[4])
{
    for (int i = 0; i < 4; i++) {
        if (i > 0 && !take(at, '.'))
            return false;
        int number = take_decimal(at, 255);
        if (number < 0)
            return false;
        out[i] = (uint8_t)number;
    }
    return true;
}

/* One to four hex digits; -1 when there are none. */
static int take_group(const char **at)
{
    const char *from = *at;
    int value = 0;

    for (int digit; *at - from < 4 && (digit = hex_digit(**at)) >= 0; ++*at)
        value = value << 4 | digit;
    return *at == from ? -1 : value;
}

static bool take_v6(const char **at, struct ip_addr *out)
{
    uint8_t octets[16] = {0};
    int len = 0;
    int gap = -1; /* where "::" stands, in octets */

    if (take(at, ':')) {
        if (!take(at, ':'))
            return false;
        gap = 0;
    }
    while (len < 16) {
        const char *from = *at;
        int group = take_group(at);
        if (group < 0) {
            if (gap != len)
                return false; /* a ':' must be followed by something */
            break;
        }
        if (**at == '.') { /* the last 32 bits in the form of IPv4 (RFC 4291, 2.2) */
            *at = from;
            if (len > 12 || !take_v4(at, octets + len))
                return false;
            len += 4;
            break;
        }
        octets[len++] = (uint8_t)(group >> 8);
        octets[len++] = (uint8_t)group;
        if (!take(at, ':'))
            break;
        if (take(at, ':')) {
            if (gap >= 0)
                return false;
            gap = len;
        } else if (len == 16) {
            return false;
        }
    }
    if (gap < 0 ? len != 16 : len > 14) /* "::" is at least one group */
        return false;

    *out = (struct ip_addr){{0}};
    if (gap < 0)
        gap = len;
    memcpy(out->octet, octets, (size_t)gap);
    memcpy(out->octet + 16 - (len - gap), octets + gap, (size_t)(len - gap));
    return true;
}

/* An address of either family; `mapped` tells IPv4 in the clothes of IPv6. */
static bool take_addr(const char **at, struct ip_addr *out, bool *mapped)
{
    const char *from = *at;
    uint8_t v4[4];

    *mapped = false;
    if (take_v4(at, v4)) {
        *out = ip_from_v4((uint32_t)v4[0] << 24 | (uint32_t)v4[1] << 16 | (uint32_t)v4[2] << 8 |
                          v4[3]);
        return true;
    }
    *at = from;
    if (!take_v6(at, out))
        return false;
    *mapped = ip_is_v4(*out);
    return true;
}

int ip_addr_parse(const char *text, struct ip_addr *out)
{
    struct ip_addr addr;
    bool mapped;

    if (!take_addr(&text, &addr, &mapped) || *text)
        return -EINVAL;
    *out = addr;
    return 0;
}

int ip_prefix_parse(const char *text, struct ip_prefix *out)
{
    struct ip_addr addr;
    bool mapped;

    /* Does /24 behind a mapped address count from its own first bit or from IPv4's? Nobody knows.
     */
    if (!take_addr(&text, &addr, &mapped) || mapped || !take(&text, '/'))
        return -EINVAL;
    int len = take_decimal(&text, ip_is_v4(addr) ? 32 : 128);
    if (len < 0 || *text)
        return -EINVAL;
    *out = (struct ip_prefix){.addr = addr, .len = (uint8_t)len};
    return 0;
}

int mac_addr_parse(const char *text, struct mac_addr *out)
{
    struct mac_addr mac;

    for (int i = 0; i < 6; i++) {
        if (i > 0 && !take(&text, ':'))
            return -EINVAL;
        int high = hex_digit(*text);
        if (high < 0)
            return -EINVAL;
        int low = hex_digit(*++text);
        if (low < 0)
            return -EINVAL;
        text++;
        mac.octet[i] = (uint8_t)(high << 4 | low);
    }
    if (*text)
        return -EINVAL;
    *out = mac;
    return 0;
}

/* --- to text ------------------------------------------------------------------------------ */

static const char hex[] = "0123456789abcdef";

/* All writers return where the next character goes; the sizes in tapio.h have room for the longest.
 */

static char *put_decimal(char *at, unsigned value)
{
    char digits[10];
    int n = 0;

    do
        digits[n++] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    while (n > 0)
        *at++ = digits[--n];
    return at;
}

static char *put_group(char *at, unsigned group)
{
    for (unsigned shift = 12; shift > 0; shift -= 4)
        if (group >> shift)
            *at++ = hex[group >> shift & 0xf];
    *at++ = hex[group & 0xf];
    return at;
}

static char *put_v4(char *at, const uint8_t octets[4])
{
    for (int i = 0; i < 4; i++) {
        if (i > 0)
            *at++ = '.';
        at = put_decimal(at, octets[i]);
    }
    return at;
}

static char *put_v6(char *at, struct ip_addr addr)
{
    unsigned groups[8];
    int gap = -1, gap_len = 1; /* one group of zeros is not shortened (RFC 5952, 4.2.2) */

    for (int i = 0; i < 8; i++)
        groups[i] = (unsigned)addr.octet[2 * i] << 8 | addr.octet[2 * i + 1];
    for (int i = 0, run = 0; i < 8; i++) {
        run = groups[i] ? 0 : run + 1;
        if (run > gap_len) { /* the longest run, and the first of equals (RFC 5952, 4.2.3) */
            gap_len = run;
            gap = i + 1 - run;
        }
    }
    for (int i = 0; i < 8; i++) {
        if (i == gap) {
            *at++ = ':';
            *at++ = ':';
            i += gap_len - 1;
            continue;
        }
        if (i > 0 && at[-1] != ':')
            *at++ = ':';
        at = put_group(at, groups[i]);
    }
    return at;
}

static char *put_addr(char *at, struct ip_addr addr)
{
    return ip_is_v4(addr) ? put_v4(at, addr.octet + 12) : put_v6(at, addr);
}

const char *ip_addr_format(struct ip_addr addr, char out[IP_ADDR_TEXT])
{
    *put_addr(out, addr) = '\0';
    return out;
}

const char *mac_addr_format(struct mac_addr addr, char out[MAC_ADDR_TEXT])
{
    char *at = out;

    for (int i = 0; i < 6; i++) {
        if (i > 0)
            *at++ = ':';
        *at++ = hex[addr.octet[i] >> 4];
        *at++ = hex[addr.octet[i] & 0xf];
    }
    *at = '\0';
    return out;
}

const char *endpoint_format(struct endpoint end, char out[ENDPOINT_TEXT])
{
    char *at = out;
    bool v4 = ip_is_v4(end.addr);

    if (!v4)
        *at++ = '[';
    at = put_addr(at, end.addr);
    if (!v4)
        *at++ = ']';
    *at++ = ':';
    at = put_decimal(at, end.port);
    *at = '\0';
    return out;
}
