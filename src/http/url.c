/*
 * url.c - see url.h.
 *
 * The text is taken apart as RFC 3986, appendix B does it, and then each part is held against what
 * a request can carry. What could mislead is refused rather than repaired: controls and white space
 * anywhere (a CRLF in a target would be a second request), user information (RFC 9110, 4.2.4: it is
 * there to deceive), escapes that are none, a host with odd octets. Octets above 127 in path and
 * query are escaped, as browsers do, because that loses nothing; existing escapes stay as they are.
 * A fragment is for whoever shows the page, so it goes.
 */
#include "http/url.h"

#include <errno.h>

#include "http/http_octets.h"

/* A URL's parts as slices of the text; `has_` tells an empty part from a missing one. */
struct parts {
    struct bytes scheme, authority, path, query;
    bool has_scheme, has_authority, has_query;
};

static int refuse(const char **why, const char *sentence)
{
    *why = sentence;
    return -EINVAL;
}

static bool is_alpha(uint8_t octet)
{
    return http_lower(octet) >= 'a' && http_lower(octet) <= 'z';
}

/* Up to the first octet that is in `ends`; `*rest` begins there. */
static struct bytes take_until(struct bytes *rest, const char *ends)
{
    size_t len = 0;

    while (len < rest->len && !(rest->at[len] && strchr(ends, rest->at[len])))
        len++;
    struct bytes out = bytes_first(*rest, len);
    *rest = bytes_skip(*rest, len);
    return out;
}

/* ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ), and the colon behind it. */
static bool take_scheme(struct bytes *rest, struct bytes *scheme)
{
    size_t len = 0;

    while (len < rest->len && (is_alpha(rest->at[len]) ||
                               (len && (http_is_digit(rest->at[len]) || rest->at[len] == '+' ||
                                        rest->at[len] == '-' || rest->at[len] == '.'))))
        len++;
    if (len == 0 || len == rest->len || rest->at[len] != ':')
        return false;
    *scheme = bytes_first(*rest, len);
    *rest = bytes_skip(*rest, len + 1);
    return true;
}

static bool starts_with(struct bytes b, const char *text)
{
    return bytes_equal(bytes_first(b, strlen(text)), bytes_of(text, strlen(text)));
}

static void split_path(struct bytes rest, struct parts *out)
{
    out->path = take_until(&rest, "?#");
    if (starts_with(rest, "?")) {
        rest = bytes_skip(rest, 1);
        out->has_query = true;
        out->query = take_until(&rest, "#");
    }
}

/* `rest` is what follows a scheme, or a whole reference without one. */
static void split(struct bytes rest, struct parts *out)
{
    if (starts_with(rest, "//")) {
        rest = bytes_skip(rest, 2);
        out->has_authority = true;
        out->authority = take_until(&rest, "/?#");
    }
    split_path(rest, out);
}

static int check_octets(struct bytes text, const char **why)
{
    if (text.len == 0)
        return refuse(why, "it is empty; give one such as http://10.9.0.1/");
    if (text.len > URL_MAX)
        return refuse(why, "it is longer than 8192 octets");
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == ' ')
            return refuse(why, "it holds a space; write %20");
        if (text.at[i] < 0x20 || text.at[i] == 0x7f)
            return refuse(why, "it holds a control character");
    }
    return 0;
}

/* --- host and port ------------------------------------------------------------------------ */

static bool is_name_octet(uint8_t octet)
{
    return is_alpha(octet) || http_is_digit(octet) || octet == '-' || octet == '.' || octet == '_';
}

static int take_host(struct bytes *rest, struct url *out, const char **why)
{
    const bool literal = starts_with(*rest, "[");
    struct bytes host;

    if (literal) {
        *rest = bytes_skip(*rest, 1);
        host = take_until(rest, "]");
        if (rest->len == 0)
            return refuse(why, "the bracket of its address is not closed");
        *rest = bytes_skip(*rest, 1);
    } else {
        host = take_until(rest, ":");
    }
    if (host.len == 0)
        return refuse(why, "it has no host");
    if (host.len > URL_HOST_MAX)
        return refuse(why, "its host is longer than 253 octets");
    for (size_t i = 0; i < host.len; i++) {
        if (!literal && !is_name_octet(host.at[i]))
            return refuse(why, "its host has a character that names have not");
        out->host[i] = (char)http_lower(host.at[i]);
        if (!out->host[i])
            return refuse(why, "its host has a character that names have not");
    }
    out->host[host.len] = '\0';
    out->is_address = ip_addr_parse(out->host, &out->addr) == 0;
    if (literal && (!out->is_address || !memchr(host.at, ':', host.len)))
        return refuse(why, "what is in its brackets is not an IPv6 address");
    return 0;
}

static int parse_authority(struct bytes authority, struct url *out, const char **why)
{
    struct bytes rest = authority;
    uint32_t port = 0;

    if (memchr(authority.len ? (const char *)authority.at : "", '@', authority.len))
        return refuse(why,
                      "it carries a user's name, which is not sent; leave out all up to the @");
    int err = take_host(&rest, out, why);
    if (err)
        return err;
    out->port = 80;
    out->port_given = false;
    if (rest.len == 0)
        return 0;
    if (rest.at[0] != ':')
        return refuse(why, "something follows the bracket of its address");
    rest = bytes_skip(rest, 1);
    if (rest.len == 0)
        return 0; /* "http://host:/" is the default port (RFC 3986, 3.2.3) */
    for (size_t i = 0; i < rest.len; i++) {
        port =
            http_is_digit(rest.at[i]) ? port * 10 + (uint32_t)(rest.at[i] - '0') : UINT16_MAX + 1;
        if (port > UINT16_MAX)
            return refuse(why, "its port is not a number from 1 to 65535");
    }
    if (port == 0)
        return refuse(why, "its port is not a number from 1 to 65535");
    out->port = (uint16_t)port;
    out->port_given = port != 80;
    return 0;
}

/* --- the target --------------------------------------------------------------------------- */

/* Path or query, as a request may carry it. */
static int write_part(struct writer *w, struct bytes part, const char **why)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < part.len; i++) {
        const uint8_t octet = part.at[i];
        if (octet == '%' && (part.len - i < 3 || !http_octet_is(part.at[i + 1], HTTP_HEX) ||
                             !http_octet_is(part.at[i + 2], HTTP_HEX)))
            return refuse(why, "a % in it is not followed by two hexadecimal digits; write %25");
        if (octet >= 0x80) {
            const char escape[] = {'%', digits[octet >> 4], digits[octet & 15]};
            write_bytes(w, escape, sizeof(escape));
        } else if (http_octet_is(octet, HTTP_TARGET)) {
            write_u8(w, octet);
        } else {
            return refuse(why, "it holds one of \" < > \\, which must be escaped");
        }
    }
    return 0;
}

/* Removes "." and ".." segments in place (RFC 3986, 5.2.4); the path begins with a slash. Returns
 * its length. */
static size_t remove_dots(char *path, size_t len)
{
    size_t out = 0;

    for (size_t at = 0; at < len;) {
        size_t end = at + 1; /* of the segment, its slash in front included */
        while (end < len && path[end] != '/')
            end++;
        const size_t n = end - at;
        const bool dot = n == 2 && path[at + 1] == '.';
        const bool dots = n == 3 && path[at + 1] == '.' && path[at + 2] == '.';
        if (dots)
            while (out > 0 && path[--out] != '/')
                ;
        if (!dot && !dots) {
            memmove(path + out, path + at, n);
            out += n;
        } else if (end == len) {
            path[out++] = '/'; /* "/a/.." is the directory "/" */
        }
        at = end;
    }
    return out;
}

/* `before` is what the path is relative to: a directory with its slash, or nothing. */
static int write_target(struct url *out, struct bytes before, struct bytes path, struct bytes query,
                        bool has_query, const char **why)
{
    struct writer w = writer_of(out->target, URL_TARGET_MAX);

    write_bytes(&w, before.at, before.len);
    if (before.len == 0 && !starts_with(path, "/"))
        write_u8(&w, '/');
    int err = write_part(&w, path, why);
    if (err)
        return err;
    if (w.overrun)
        return refuse(why, "it is longer than 8192 octets");
    size_t len = remove_dots(out->target, URL_TARGET_MAX - w.left);
    w = writer_of(out->target + len, URL_TARGET_MAX - len);
    if (has_query) {
        write_u8(&w, '?');
        err = write_part(&w, query, why);
    }
    if (err)
        return err;
    if (w.overrun)
        return refuse(why, "it is longer than 8192 octets");
    out->target_len = URL_TARGET_MAX - w.left;
    out->target[out->target_len] = '\0';
    return 0;
}

/* --- the whole ---------------------------------------------------------------------------- */

static int check_scheme(struct bytes scheme, const char **why)
{
    if (http_equals(scheme, "http"))
        return 0;
    *why = http_equals(scheme, "https") ? "https is not built in; try it with http://"
                                        : "only http:// is known here";
    return -EPROTONOSUPPORT;
}

static int parse_absolute(const struct parts *parts, struct url *out, const char **why)
{
    if (!parts->has_authority)
        return refuse(why, "it has no host; write http:// and a host");
    int err = parse_authority(parts->authority, out, why);
    return err ? err
               : write_target(out, (struct bytes){0}, parts->path, parts->query, parts->has_query,
                              why);
}

int url_parse(struct bytes text, struct url *out, const char **why)
{
    struct parts parts = {0};
    struct bytes rest = text;

    int err = check_octets(text, why);
    if (err)
        return err;
    /* "localhost:80" has the looks of a scheme; only the slashes make it one for people. */
    if (take_scheme(&rest, &parts.scheme) && starts_with(rest, "//")) {
        err = check_scheme(parts.scheme, why);
        if (err)
            return err;
        split(rest, &parts);
    } else {
        rest = text;
        parts.has_authority = true;
        parts.authority = take_until(&rest, "/?#");
        split_path(rest, &parts);
    }
    return parse_absolute(&parts, out, why);
}

/* The path of a target up to its last slash. */
static struct bytes directory_of(const struct url *url)
{
    size_t len = strcspn(url->target, "?");

    while (url->target[len - 1] != '/')
        len--;
    return bytes_of(url->target, len);
}

int url_resolve(const struct url *base, struct bytes reference, struct url *out, const char **why)
{
    struct parts parts = {0};
    struct bytes rest = reference;

    assert(base->target[0] == '/');
    int err = check_octets(reference, why);
    if (err)
        return err;
    parts.has_scheme = take_scheme(&rest, &parts.scheme);
    err = parts.has_scheme ? check_scheme(parts.scheme, why) : 0;
    if (err)
        return err;
    split(rest, &parts);
    if (parts.has_scheme || parts.has_authority)
        return parse_absolute(&parts, out, why);

    *out = *base;
    if (parts.path.len == 0) { /* the same document, with another query if there is one */
        if (!parts.has_query)
            return 0;
        return write_target(out, bytes_of(base->target, strcspn(base->target, "?")), parts.path,
                            parts.query, true, why);
    }
    struct bytes before = {0};
    if (!starts_with(parts.path, "/"))
        before = directory_of(base);
    return write_target(out, before, parts.path, parts.query, parts.has_query, why);
}

void url_write_host(struct writer *w, const struct url *url)
{
    const bool literal = strchr(url->host, ':');

    if (literal)
        write_u8(w, '[');
    write_bytes(w, url->host, strlen(url->host));
    if (literal)
        write_u8(w, ']');
    if (url->port_given) {
        char digits[6];
        size_t at = sizeof(digits);
        for (unsigned port = url->port; port; port /= 10)
            digits[--at] = (char)('0' + port % 10);
        digits[--at] = ':';
        write_bytes(w, digits + at, sizeof(digits) - at);
    }
}
