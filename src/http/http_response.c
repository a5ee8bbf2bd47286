/*
 * http_response.c - the head of a response, and the small pages that explain an error.
 *
 * Nothing that a client sent is ever repeated in a response, but for the name of a directory in a
 * Location, which is escaped; so there is nothing to inject. Heads have one order and fixed fields.
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
    {301, "Moved Permanently", "This is a directory; its address ends with a slash."},
    {400, "Bad Request", "The request is malformed, or could be read in more than one way."},
    {403, "Forbidden", "This is there, but it is not for reading."},
    {404, "Not Found", "There is nothing by that name."},
    {405, "Method Not Allowed", "Only GET and HEAD are served here."},
    {408, "Request Timeout", "The request took too long to arrive."},
    {411, "Length Required", "Content is only taken with a Content-Length."},
    {413, "Content Too Large", "The request carries more content than a GET can need."},
    {414, "URI Too Long", "The target of the request is longer than 8192 octets."},
    {417, "Expectation Failed", "The only expectation known here is 100-continue."},
    {421, "Misdirected Request", "This connection is not secured, so it has no https."},
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

static void write_location(struct writer *w, const char *directory)
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
    http_write_text(w, "/\r\n");
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
        write_location(w, response->directory);
    if (response->status == 405)
        http_write_text(w, "Allow: GET, HEAD\r\n"); /* RFC 9110, 15.5.6 */
    if (response->status == 503)
        http_write_text(w, "Retry-After: 1\r\n");
    if (response->modified_s != HTTP_NO_DATE) {
        char modified[HTTP_DATE_LEN];
        http_date_format(response->modified_s, modified);
        http_write_text(w, "Last-Modified: ");
        write_bytes(w, modified, HTTP_DATE_LEN);
        http_write_text(w, "\r\n");
    }
    if (response->type) {
        http_write_text(w, "Content-Type: ");
        http_write_text(w, response->type);
        http_write_text(w, "\r\n");
    }
    http_write_text(w, "Content-Length: ");
    http_write_decimal(w, response->content_length);
    http_write_text(w, "\r\n");
    if (response->close)
        http_write_text(w, "Connection: close\r\n");
    else if (response->keep_alive)
        http_write_text(w, "Connection: keep-alive\r\n");
    http_write_text(w, "\r\n");
}

void http_explain_emit(struct writer *w, int status)
{
    const struct explanation *e = explain(status);

    assert(e->sentence);
    http_write_text(w, "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>");
    http_write_decimal(w, (uint64_t)status);
    http_write_text(w, " ");
    http_write_text(w, e->reason);
    http_write_text(w, "</title><body style=\"font:1rem/1.5 sans-serif;margin:3rem\"><h1>");
    http_write_text(w, e->reason);
    http_write_text(w, "</h1><p>");
    http_write_text(w, e->sentence);
    http_write_text(w, "</p></body></html>\n");
}
