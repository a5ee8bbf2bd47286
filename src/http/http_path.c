/*
 * http_path.c - from the path of a target to the name of a file below the root, and back.
 *
 * What is hard: every step of the way is a chance to mean two things. The order here is the
 * defence: split at the slashes that were sent, decode each segment once, then judge what came out.
 * An escaped slash therefore never separates, %252e is the name "%2e" and nothing else, and ".." is
 * recognised after decoding, in every spelling. UTF-8 must be well formed, in its shortest form
 * (RFC 3629), so that no second spelling of a name slips past. Empty segments and "." mean nothing
 * and are left out (RFC 3986), so a name never begins with a slash.
 *
 * None of this keeps a server inside its root: files_ops does, whatever it is asked for.
 */
#include "http/http_path.h"

#include "http/http_octets.h"

/* Decodes one octet of `in` at *at and moves on; -1 for a malformed escape. */
static int decode_octet(struct bytes in, size_t *at)
{
    uint8_t octet = in.at[*at];

    if (octet != '%') {
        *at += 1;
        return octet;
    }
    if (in.len - *at < 3 || !http_octet_is(in.at[*at + 1], HTTP_HEX) ||
        !http_octet_is(in.at[*at + 2], HTTP_HEX))
        return -1;
    octet = (uint8_t)(http_hex_value(in.at[*at + 1]) << 4 | http_hex_value(in.at[*at + 2]));
    *at += 3;
    return octet;
}

/* Whether all of it is UTF-8: no stray or missing octets, no second spellings, no surrogates,
 * nothing above U+10FFFF (RFC 3629). */
static bool is_utf8(const char *text, size_t len)
{
    size_t i = 0;

    while (i < len) {
        uint8_t lead = (uint8_t)text[i++];
        size_t more = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
        if (lead >= 0x80 && (lead < 0xc2 || lead > 0xf4))
            return false;
        if (len - i < more)
            return false;
        /* Four leads allow less than all of 80..BF behind them. */
        uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
        uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
        for (; more; more--) {
            uint8_t octet = (uint8_t)text[i++];
            if (octet < low || octet > high)
                return false;
            low = 0x80;
            high = 0xbf;
        }
    }
    return true;
}

/* Decodes one segment to the end of `out`. 0, 400 or 404. */
static int decode_segment(struct bytes segment, struct http_path *out)
{
    const size_t begin = out->len;

    for (size_t at = 0; at < segment.len;) {
        int octet = decode_octet(segment, &at);
        if (octet < 0x20 || octet == 0x7f)
            return 400; /* malformed, a NUL or another control */
        if (octet == '/' || octet == '\\')
            return 404; /* in no name of ours, and a separator to careless readers */
        if (out->len + 2 >= HTTP_PATH_ROOM)
            return 404; /* keeps room for a slash and the NUL */
        out->text[out->len++] = (char)octet;
    }
    const char *name = out->text + begin;
    const size_t len = out->len - begin;
    if (len == 2 && name[0] == '.' && name[1] == '.')
        return 400;
    if (len > HTTP_NAME_MAX)
        return 404;
    if (!is_utf8(name, len))
        return 400;
    if (len == 1 && name[0] == '.')
        out->len = begin;
    return 0;
}

int http_path_decode(struct bytes path, struct http_path *out)
{
    out->len = 0;
    out->directory = true;
    while (path.len) {
        size_t len = 0;
        while (len < path.len && path.at[len] != '/')
            len++;
        size_t begin = out->len;
        int status = decode_segment(bytes_first(path, len), out);
        if (status)
            return status;
        bool slash = len < path.len;
        path = bytes_skip(path, len + 1);
        if (out->len == begin) {
            out->directory = true; /* empty or "." */
            continue;
        }
        out->directory = slash;
        if (slash)
            out->text[out->len++] = '/';
    }
    if (out->len && out->text[out->len - 1] == '/')
        out->len--;
    if (!out->len)
        out->text[out->len++] = '.';
    out->text[out->len] = '\0';
    return 0;
}

/* unreserved (RFC 3986) and the slash. */
static bool is_plain(uint8_t octet)
{
    return (octet >= 'a' && octet <= 'z') || (octet >= 'A' && octet <= 'Z') ||
           http_is_digit(octet) || octet == '-' || octet == '.' || octet == '_' || octet == '~' ||
           octet == '/';
}

size_t http_path_encoded_len(const char *name, size_t len)
{
    size_t encoded = 0;

    for (size_t i = 0; i < len; i++)
        encoded += is_plain((uint8_t)name[i]) ? 1 : 3;
    return encoded;
}

void http_path_encode(struct writer *w, const char *name, size_t len)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < len; i++) {
        uint8_t octet = (uint8_t)name[i];
        if (is_plain(octet)) {
            write_u8(w, octet);
        } else {
            write_u8(w, '%');
            write_u8(w, (uint8_t)digits[octet >> 4]);
            write_u8(w, (uint8_t)digits[octet & 15]);
        }
    }
}
