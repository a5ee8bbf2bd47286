/*
 * http_response.c - the head of a response, and the small pages that explain an error.
 *
 * Nothing that a client sent is ever repeated in a response, but for the name of a directory in a
 * Location, which is escaped, and its query, whose octets the parser has judged; so there is
 * nothing to inject. Heads have one order and fixed fields.
 *
 * A Location that would be very long is written relative to the target instead ("./name/"), with
 * only its last segment, so that a head has a bound (a URI-reference may be relative: RFC
 * 9110, 10.2.2).
 */
#include "http/http_response.h"

#include "http/http_octets.h"
#include "http/http_path.h"

/* clang-format off */
static const struct explanation {
    int status;
    const char *reason;
    const char *sentence; /* for people; NULL where there is nothing to explain */
} explanations[] = {
    {200, "OK", NULL},
    {204, "No Content", NULL},
    {206, "Partial Content", NULL},
    {304, "Not Modified", NULL},
    {301, "Moved Permanently", "This is a directory; its address ends with a slash."},
    {400, "Bad Request", "The request is malformed, or could be read in more than one way."},
    {403, "Forbidden", "This is there, but it is not for reading."},
    {404, "Not Found", "There is nothing by that name."},
    {405, "Method Not Allowed", "This cannot be done here; the field Allow says what can."},
    {408, "Request Timeout", "The request took too long to arrive."},
    {411, "Length Required", "Content is only taken with a Content-Length, or in chunks."},
    {412, "Precondition Failed", "This is not what it was when you last saw it."},
    {413, "Content Too Large", "The request carries more content than is taken here."},
    {414, "URI Too Long", "The target of the request is longer than 8192 octets."},
    {416, "Range Not Satisfiable", "The part that was asked for is beyond the end."},
    {417, "Expectation Failed", "The only expectation known here is 100-continue."},
    {421, "Misdirected Request", "There is no https here; and what looks into the stack is asked for by its address, not by a name."},
    {431, "Request Header Fields Too Large", "More than 100 fields, or more than 32 KiB of them."},
    {500, "Internal Server Error", "The file could not be read."},
    {501, "Not Implemented", "The server does not know this method or transfer coding."},
    {503, "Service Unavailable", "The server is out of a resource. Please try again in a moment."},
    {505, "HTTP Version Not Supported", "This server speaks HTTP/1.1 and HTTP/1.0."},
};
/* clang-format on */

static const struct explanation *explain(int status)
{
    size_t i = 0;

    while (i < ARRAY_LEN(explanations) && explanations[i].status != status)
        i++;
    assert(i < ARRAY_LEN(explanations)); /* a status that we send has an explanation */
    return &explanations[i];
}

/* --- heads -------------------------------------------------------------------------------- */

static void write_field(struct writer *w, const char *name, const char *value)
{
    http_write_text(w, name);
    http_write_text(w, ": ");
    http_write_text(w, value);
    http_write_text(w, "\r\n");
}

static void write_location(struct writer *w, const char *directory, struct bytes query)
{
    size_t len = strlen(directory);

    http_write_text(w, "Location: ");
    if (http_path_encoded_len(directory, len) > HTTP_LOCATION_MAX) {
        size_t last = len;
        while (last > 0 && directory[last - 1] != '/')
            last--;
        directory += last;
        len -= last;
        http_write_text(w, "."); /* so that a colon in the name makes no scheme of it */
    }
    http_write_text(w, "/");
    http_path_encode(w, directory, len);
    http_write_text(w, "/");
    if (query.len && http_path_encoded_len(directory, len) + query.len <= HTTP_LOCATION_MAX) {
        http_write_text(w, "?");
        write_bytes(w, query.at, query.len);
    }
    http_write_text(w, "\r\n");
}

/* Of 206 the part, of 416 how much there is (RFC 9110, 14.4). */
static void write_content_range(struct writer *w, const struct http_response *response)
{
    http_write_text(w, "Content-Range: bytes ");
    if (response->status == 416) {
        http_write_text(w, "*");
    } else {
        http_write_decimal(w, response->first);
        http_write_text(w, "-");
        http_write_decimal(w, response->last);
    }
    http_write_text(w, "/");
    http_write_decimal(w, response->whole);
    http_write_text(w, "\r\n");
}

/* What the representation is known by, and how it could be had otherwise: fields that a 304 has
 * too (RFC 9110, 15.4.5). */
static void write_metadata(struct writer *w, const struct http_response *response)
{
    const struct http_validators *is = response->is;

    if (is && is->etag[0])
        write_field(w, "ETag", is->etag);
    if (is && is->modified_s != HTTP_NO_DATE) {
        char modified[HTTP_DATE_LEN];
        http_date_format(is->modified_s, modified);
        http_write_text(w, "Last-Modified: ");
        write_bytes(w, modified, HTTP_DATE_LEN);
        http_write_text(w, "\r\n");
    }
    if (response->varies)
        write_field(w, "Vary", "Accept-Encoding");
    if (response->ranges)
        write_field(w, "Accept-Ranges", "bytes");
}

/* How the content is framed (RFC 9112, 6). */
static void write_framing(struct writer *w, const struct http_response *response)
{
    if (response->has_length) {
        http_write_text(w, "Content-Length: ");
        http_write_decimal(w, response->content_length);
        http_write_text(w, "\r\n");
    }
    if (response->chunked)
        write_field(w, "Transfer-Encoding", "chunked");
    if (response->close)
        write_field(w, "Connection", "close");
    else if (response->keep_alive)
        write_field(w, "Connection", "keep-alive");
}

void http_response_emit(struct writer *w, const struct http_response *response,
                        const char date[HTTP_DATE_LEN])
{
    /* Our own version, whatever the client's (RFC 9110, 2.5), and the SP behind the code even if no
     * reason followed it (RFC 9112, 4). */
    http_write_text(w, "HTTP/1.1 ");
    http_write_decimal(w, (uint64_t)response->status);
    http_write_text(w, " ");
    http_write_text(w, explain(response->status)->reason);
    http_write_text(w, "\r\nDate: ");
    write_bytes(w, date, HTTP_DATE_LEN);
    http_write_text(w, "\r\nServer: tapio\r\n");
    if (response->directory)
        write_location(w, response->directory, response->query);
    if (response->allow)
        write_field(w, "Allow", response->allow); /* RFC 9110, 15.5.6 */
    if (response->status == 503)
        write_field(w, "Retry-After", "1");
    write_metadata(w, response);
    if (response->status == 206 || response->status == 416)
        write_content_range(w, response);
    if (response->type)
        write_field(w, "Content-Type", response->type);
    if (response->coding)
        write_field(w, "Content-Encoding", response->coding);
    write_framing(w, response);
    write_bytes(w, response->extra.at, response->extra.len);
    http_write_text(w, "\r\n");
}

void http_continue_emit(struct writer *w)
{
    http_write_text(w, "HTTP/1.1 100 Continue\r\n\r\n");
}

void http_explain_emit(struct writer *w, int status)
{
    const struct explanation *e = explain(status);

    assert(e->sentence);
    http_write_text(w, "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
                       "<meta name=\"viewport\" content=\"width=device-width\"><title>");
    http_write_decimal(w, (uint64_t)status);
    http_write_text(w, " ");
    http_write_text(w, e->reason);
    http_write_text(w, "</title><style>:root{color-scheme:light dark}"
                       "body{max-width:34rem;margin:18vh auto;padding:0 1.25rem;"
                       "font:17px/1.6 system-ui,sans-serif}"
                       "b{color:#087f5b;font:600 .92rem ui-monospace,monospace}"
                       "h1{margin:.2em 0;line-height:1.2}</style><b>");
    http_write_decimal(w, (uint64_t)status);
    http_write_text(w, "</b><h1>");
    http_write_text(w, e->reason);
    http_write_text(w, "</h1><p>");
    http_write_text(w, e->sentence);
    http_write_text(w, "</html>\n");
}
