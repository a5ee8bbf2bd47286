/*
 * http_extra.c - see http_extra.h.
 *
 * What frames a message or describes its content is said by the server alone: a second opinion is
 * how two readers come to disagree about where a response ends.
 */
#include "http/http_extra.h"

#include "http/http_octets.h"

static const char *const ours[] = {
    "accept-ranges",  "allow",
    "connection",     "content-encoding",
    "content-length", "content-location",
    "date",           "content-range",
    "content-type",   "etag",
    "keep-alive",     "last-modified",
    "location",       "retry-after",
    "server",         "te",
    "trailer",        "transfer-encoding",
    "upgrade",        "vary",
};

static bool is_ours(struct bytes name)
{
    for (size_t i = 0; i < ARRAY_LEN(ours); i++)
        if (http_equals(name, ours[i]))
            return true;
    return false;
}

static bool all_are(struct bytes b, enum http_octets octets)
{
    for (size_t i = 0; i < b.len; i++)
        if (!http_octet_is(b.at[i], octets))
            return false;
    return true;
}

const char *http_extra_add(struct http_extra *extra, const char *line)
{
    const struct bytes all = bytes_of(line, strlen(line));
    size_t colon = 0;

    while (colon < all.len && all.at[colon] != ':')
        colon++;
    const struct bytes name = bytes_first(all, colon);
    const struct bytes value = http_trim(bytes_skip(all, colon + 1));
    if (colon == all.len)
        return "it has no colon; write NAME: VALUE";
    if (!name.len || !all_are(name, HTTP_TCHAR))
        return "its name has other characters than a field's name may have";
    if (!all_are(value, HTTP_VALUE))
        return "its value has characters that no field may have";
    if (is_ours(name))
        return "the server itself says that";
    struct writer w = writer_of(extra->text + extra->len, sizeof(extra->text) - extra->len);
    write_bytes(&w, name.at, name.len);
    http_write_text(&w, ": ");
    write_bytes(&w, value.at, value.len);
    http_write_text(&w, "\r\n");
    if (w.overrun)
        return "there are too many of them, or they are too long";
    extra->len = sizeof(extra->text) - w.left;
    return NULL;
}
