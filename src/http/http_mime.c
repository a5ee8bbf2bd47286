/*
 * http_mime.c - the media type of a file, by its name.
 *
 * A short list on purpose: what a browser must know to show a page. Anything else is octets, which
 * a browser saves (RFC 9110, 8.3: better than a guess). Text is said to be UTF-8, as nearly all is.
 */
#include "http/http_mime.h"

#include "http/http_octets.h"

/* clang-format off */
static const struct {
    const char *extension;
    const char *type;
} types[] = {
    {"html", "text/html; charset=utf-8"},   {"htm", "text/html; charset=utf-8"},
    {"css", "text/css; charset=utf-8"},     {"js", "text/javascript; charset=utf-8"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"txt", "text/plain; charset=utf-8"},   {"md", "text/markdown; charset=utf-8"},
    {"csv", "text/csv; charset=utf-8"},     {"json", "application/json"},
    {"xml", "application/xml"},             {"svg", "image/svg+xml"},
    {"png", "image/png"},                   {"jpg", "image/jpeg"},
    {"jpeg", "image/jpeg"},                 {"gif", "image/gif"},
    {"webp", "image/webp"},                 {"avif", "image/avif"},
    {"ico", "image/vnd.microsoft.icon"},    {"pdf", "application/pdf"},
    {"wasm", "application/wasm"},           {"woff", "font/woff"},
    {"woff2", "font/woff2"},                {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},                   {"webm", "video/webm"},
    {"gz", "application/gzip"},             {"zip", "application/zip"},
};
/* clang-format on */

const char *http_mime_type(const char *name, size_t len)
{
    size_t dot = len;

    while (dot > 0 && name[dot - 1] != '.' && name[dot - 1] != '/')
        dot--;
    if (dot > 0 && name[dot - 1] == '.')
        for (size_t i = 0; i < ARRAY_LEN(types); i++)
            if (http_equals(bytes_of(name + dot, len - dot), types[i].extension))
                return types[i].type;
    return "application/octet-stream";
}
