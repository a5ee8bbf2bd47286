/*
 * http_request.c - what the parts of a request mean together.
 *
 * The grammar of single lines has been checked when this runs. Here are the rules that join them:
 * which form the target has (RFC 9112, 3.2), whom the request is for, where it ends (RFC 9112, 6)
 * and whether the connection goes on (9.3). Wherever a request could be read in two ways, it is
 * refused and the connection with it: two Content-Lengths, even equal ones; a Content-Length beside
 * a Transfer-Encoding; a Host that is not one.
 */
#include "http/http_request.h"

#include <tapio/tapio.h>

#include "http/http_framing.h"
#include "http/http_octets.h"

/* Tells which fields were there, while they are walked. */
struct seen {
    unsigned hosts;
    struct http_framing framing;
};

enum http_method http_method_of(struct bytes name)
{
    static const char *const names[] = {
        [HTTP_GET] = "GET",         [HTTP_HEAD] = "HEAD",     [HTTP_POST] = "POST",
        [HTTP_PUT] = "PUT",         [HTTP_DELETE] = "DELETE", [HTTP_CONNECT] = "CONNECT",
        [HTTP_OPTIONS] = "OPTIONS", [HTTP_TRACE] = "TRACE",   [HTTP_PATCH] = "PATCH",
    };

    for (size_t i = HTTP_GET; i < ARRAY_LEN(names); i++)
        if (bytes_equal(name, bytes_of(names[i], strlen(names[i]))))
            return (enum http_method)i;
    return HTTP_UNKNOWN;
}

/* --- whom it is for ----------------------------------------------------------------------- */

/* *DIGIT, and a port that exists. */
static bool is_port(struct bytes b)
{
    uint32_t port = 0;

    for (size_t i = 0; i < b.len; i++) {
        if (!http_is_digit(b.at[i]))
            return false;
        port = port * 10 + (uint32_t)(b.at[i] - '0');
        if (port > UINT16_MAX)
            return false;
    }
    return true;
}

/* "[" IPv6address "]": the only literal that anybody uses. */
static bool is_ip_literal(struct bytes inside)
{
    char text[IP_ADDR_TEXT];
    struct ip_addr addr;

    if (inside.len >= sizeof(text))
        return false;
    bool has_colon = false;
    for (size_t i = 0; i < inside.len; i++) {
        has_colon |= inside.at[i] == ':';
        text[i] = (char)inside.at[i];
    }
    text[inside.len] = '\0';
    return has_colon && ip_addr_parse(text, &addr) == 0;
}

/* reg-name, which an IPv4 address is one of too: at least one octet, escapes well formed. */
static bool is_reg_name(struct bytes b)
{
    for (size_t i = 0; i < b.len; i++) {
        if (http_octet_is(b.at[i], HTTP_REG_NAME))
            continue;
        if (b.at[i] != '%' || b.len - i < 3 || !http_octet_is(b.at[i + 1], HTTP_HEX) ||
            !http_octet_is(b.at[i + 2], HTTP_HEX))
            return false;
        i += 2;
    }
    return b.len > 0;
}

/* uri-host [ ":" port ] (RFC 9110, 7.2). It may not be empty: we have no name of our own to put in
 * its place (RFC 9112, 3.3), and an http URI has a host (RFC 9110, 4.2.1). */
static bool is_host(struct bytes b)
{
    size_t len = 0;

    if (b.len && b.at[0] == '[') {
        while (len < b.len && b.at[len] != ']')
            len++;
        if (len == b.len || !is_ip_literal(bytes_of(b.at + 1, len - 1)))
            return false;
        len++;
    } else {
        while (len < b.len && b.at[len] != ':')
            len++;
        if (!is_reg_name(bytes_first(b, len)))
            return false;
    }
    struct bytes rest = bytes_skip(b, len);
    return rest.len == 0 || (rest.at[0] == ':' && is_port(bytes_skip(rest, 1)));
}

/* --- the target --------------------------------------------------------------------------- */

/* Splits `rest` of the target, which begins at `at` of the head, into path and query. */
static void split_path(struct http_request *request, struct bytes rest, size_t at)
{
    size_t len = 0;

    while (len < rest.len && rest.at[len] != '?')
        len++;
    request->path = (struct http_slice){(uint16_t)at, (uint16_t)len};
    if (len < rest.len)
        request->query =
            (struct http_slice){(uint16_t)(at + len + 1), (uint16_t)(rest.len - len - 1)};
}

/* scheme "://" authority path-abempty [ "?" query ] (RFC 9112, 3.2.2). */
static int judge_absolute(struct http_request *request, struct bytes target)
{
    static const char scheme[] = "http://";
    size_t skip = sizeof(scheme) - 1;

    if (http_equals(bytes_first(target, 8), "https://"))
        return 421; /* this connection is not secured (RFC 9110, 7.4) */
    if (!http_equals(bytes_first(target, skip), scheme))
        return 400;
    struct bytes rest = bytes_skip(target, skip);
    size_t len = 0;
    while (len < rest.len && rest.at[len] != '/' && rest.at[len] != '?')
        len++;
    /* No userinfo: it is there to deceive (RFC 9110, 4.2.4); "@" is in no host. */
    if (!is_host(bytes_first(rest, len)))
        return 400;
    size_t at = request->target.at + skip;
    request->host = (struct http_slice){(uint16_t)at, (uint16_t)len};
    split_path(request, bytes_skip(rest, len), at + len);
    return 0;
}

static int judge_target(struct http_request *request, struct bytes head)
{
    struct bytes target = http_slice_of(head, request->target);
    bool asterisk = target.len == 1 && target.at[0] == '*';

    if (request->method == HTTP_CONNECT) {
        /* authority-form, with its port (RFC 9112, 3.2.3) */
        size_t colon = target.len;
        while (colon > 0 && target.at[colon - 1] != ':')
            colon--;
        return is_host(target) && colon > 1 && colon < target.len ? 0 : 400;
    }
    if (asterisk)
        return request->method == HTTP_OPTIONS ? 0 : 400; /* RFC 9112, 3.2.4 */
    if (target.at[0] != '/')
        return judge_absolute(request, target);
    split_path(request, target, request->target.at);
    return 0;
}

/* --- the fields --------------------------------------------------------------------------- */

static void note_expectations(struct http_request *request, struct bytes list)
{
    struct bytes member;

    while (http_next_member(&list, &member)) {
        if (http_equals(member, "100-continue"))
            request->expect_continue = true;
        else
            request->expect_unknown = true;
    }
}

/* One field. 0 or 400. */
static int note_field(struct http_request *request, const struct http_field *field,
                      struct bytes head, struct seen *seen)
{
    struct bytes name = http_slice_of(head, field->name);
    struct bytes value = http_slice_of(head, field->value);

    if (http_equals(name, "host")) {
        if (seen->hosts++ || !is_host(value))
            return 400;
        if (!request->host.len) /* the target's own authority wins (RFC 9112, 3.2.2) */
            request->host = field->value;
    } else if (http_framing_note(&seen->framing, name, value)) {
        if (seen->framing.length_is_bad)
            return 400;
    } else if (http_equals(name, "expect") && request->minor > 0) {
        note_expectations(request, value); /* ignored in HTTP/1.0 (RFC 9110, 10.1.1) */
    } else if (http_equals(bytes_first(name, 3), "if-")) {
        request->conditional = true;
    } else if (http_equals(name, "range")) {
        request->ranged = true;
    } else if (http_equals(name, "accept-encoding")) {
        request->accepts = true;
    }
    return 0;
}

/* Where the request ends (RFC 9112, 6.1 and 6.3). */
static int judge_framing(struct http_request *request, const struct http_framing *framing)
{
    if (!framing->coding) {
        request->content_length = framing->length;
        return 0;
    }
    /* A proxy before us may have believed one of two lengths, or not known the codings of 1.1. */
    if (framing->lengths || request->minor == 0)
        return 400;
    if (!framing->chunked_last || framing->chunked > 1)
        return 400;
    if (framing->other_coding)
        return 501;
    request->chunked = true;
    return 0;
}

int http_request_judge(struct http_request *request, struct bytes head)
{
    struct seen seen = {0};

    assert(request->field_count <= HTTP_FIELDS_MAX);
    int status = judge_target(request, head);
    for (size_t i = 0; !status && i < request->field_count; i++)
        status = note_field(request, &request->fields[i], head, &seen);
    if (!status)
        status = judge_framing(request, &seen.framing);
    if (!status && request->minor > 0 && !seen.hosts)
        status = 400; /* RFC 9112, 3.2 */
    request->keep_alive = http_framing_persists(&seen.framing, request->minor);
    return status;
}

/* --- for those who ask for more ----------------------------------------------------------- */

bool http_request_next(const struct http_request *request, struct bytes head, const char *name,
                       size_t *at, struct bytes *value)
{
    const size_t len = strlen(name);

    while (*at < request->field_count) {
        const struct http_field *field = &request->fields[(*at)++];
        if (field->name.len == len && http_equals(http_slice_of(head, field->name), name)) {
            *value = http_slice_of(head, field->value);
            return true;
        }
    }
    return false;
}

size_t http_request_find(const struct http_request *request, struct bytes head, const char *name,
                         struct bytes *value)
{
    size_t at = 0, count = 0;

    *value = bytes_first(head, 0);
    while (http_request_next(request, head, name, &at, value))
        count++;
    return count;
}
