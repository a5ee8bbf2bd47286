/*
 * http_source.h - content that is made while it is sent: a listing, figures, a stream of events.
 *
 * A source is asked for more whenever the socket has taken what it gave before; nothing of it is
 * kept but a small buffer, so a slow reader costs no memory. Its length is not known before its
 * end: HTTP/1.1 gets it in chunks, HTTP/1.0 until the connection closes (RFC 9112, 6.1 and 7.1).
 */
#ifndef TAPIO_HTTP_SOURCE_H
#define TAPIO_HTTP_SOURCE_H

#include "base/base.h"
#include "base/instant.h"

struct http_conn;

struct http_source {
    /* The next octets of the content: 1 to `room` of them; 0: that was all. -EAGAIN: none now;
     * http_source_wake() asks for another try. Any other negative errno: it cannot go on, and the
     * response is cut off. Must do a bounded piece of work. */
    int (*read)(struct http_source *source, uint8_t *out, size_t room, instant now);
    /* The last call: after the end, or when the connection is gone. */
    void (*close)(struct http_source *source);
    /* Octets that may wait in the socket, where content is worth something only while it is new:
     * the socket's SO_SNDBUF. 0: as many as of any other. */
    int send_buffer;
    struct http_conn *conn; /* set by the server while it has the source */
};

/* There is more, or another step would help: the server will read soon. May be called from
 * read(). */
void http_source_wake(struct http_source *source);

#endif
