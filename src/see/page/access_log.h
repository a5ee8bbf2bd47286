/*
 * access_log.h - what the web server answered, as lines of text.
 *
 *     common    10.9.0.1 - - [29/Nov/2026:13:00:00 +0000] "GET /x HTTP/1.1" 200 1234
 *     combined  the same and "referer" "user agent"
 *     json      one object a line, for a request and for a connection that has ended
 *
 * One line stays one line whatever a stranger sends: in common and combined `"`, `\` and what is no
 * printable ASCII are \xHH, as other servers write them; JSON has its own escapes. A line is never
 * longer than ACCESS_LINE: what is long in it is cut and ends with "...", and the line is still
 * whole. Dates are of the request's first octet, in UTC.
 *
 * Members of a request in JSON: type ("request"), time, conn (the connection's number, as in
 * captures), nth (of its requests), client, server, method, target, version, status, octets (of
 * content that the socket took), whole (false: the response was cut off), duration_us, referer,
 * user_agent, host, srtt_us, cwnd_octets, ssthresh_octets, retransmits, mss_octets. What is not
 * known is null: a request that could not be read has no method, target and version. A connection
 * has type ("connection"), time (of its first octet), conn, client, server, why (it ended),
 * requests, octets, duration_us, the same figures of TCP, and acked_octets and received_octets.
 */
#ifndef TAPIO_SEE_PAGE_ACCESS_LOG_H
#define TAPIO_SEE_PAGE_ACCESS_LOG_H

#include "base/sink.h"
#include "base/text.h"
#include "http/http_access.h"

enum { ACCESS_LINE = 16384 }; /* octets of a line at most, its end included */

enum access_format { ACCESS_COMMON, ACCESS_COMBINED, ACCESS_JSON };

/* "common", "combined" or "json"; false: none of them. */
bool access_format_parse(const char *name, enum access_format *out);

/* Append a line with its end; `line` has room for ACCESS_LINE octets and the NUL. Nothing is known
 * to common and combined of a connection. */
void access_log_request(struct text *line, enum access_format format, const struct http_access *a);
void access_log_connection(struct text *line, enum access_format format,
                           const struct http_farewell *f);

/* Between the server and a sink: one write a line. What the sink does not take is its own affair.
 */
struct access_log {
    struct http_access_ops ops; /* for the server */
    enum access_format format;
    struct octet_sink *out;
    char line[ACCESS_LINE + 1];
};

/* The log must not move and outlive the server; `out` must outlive the log. */
void access_log_init(struct access_log *log, enum access_format format, struct octet_sink *out);

#endif
