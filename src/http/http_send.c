/*
 * http_send.c - the next octets of a response, from a page, a file or a source into the socket.
 *
 * What is hard: a file is read into one buffer that all connections share, so what the socket does
 * not take is lost and has to be read again; and a socket does not tell how much it will take. The
 * first part of the content is read before the head is sent: if that fails, there is still time for
 * an honest status.
 *
 * A source cannot be asked twice for the same octets: what it gives goes where the head was, framed
 * as a chunk, and it is asked again when that is out.
 */
#include "http/http_conn.h"

#include <errno.h>

/* How much of the content to get ready for the socket. What it does not take has to be read from
 * the file again, and how much it will take only the last time tells: so that much, and then,
 * carefully, more. */
static size_t next_len(const struct http_exchange *x)
{
    size_t len = x->took < x->expected ? x->expected - x->took : x->probe;

    len = size_min(len, HTTP_CHUNK);
    return x->left < len ? (size_t)x->left : len;
}

/* Learns from what the socket took of `offered` octets. */
static void note_taken(struct http_exchange *x, size_t offered, size_t sent)
{
    x->offset += sent;
    x->left -= sent;
    x->sent += sent;
    if (x->took >= x->expected)
        x->probe = size_min(2 * x->probe, HTTP_CHUNK);
    x->took += sent;
    if (sent < offered) {
        x->expected = size_max(x->took, HTTP_CHUNK_MIN);
        x->took = 0;
        x->probe = HTTP_CHUNK_MIN;
    }
}

/* The next octets of the content, for this call: empty when there are none left; false when the
 * file has failed, or is shorter than it was. */
static bool next_content(struct http_conn *conn, struct bytes *out, int *err)
{
    struct http_server *server = conn->server;
    struct http_exchange *x = conn->exchange;
    const size_t len = next_len(x);

    *out = bytes_of(NULL, 0);
    if (!len)
        return true;
    if (x->file == HTTP_NO_FILE) {
        *out = bytes_of(x->content + x->offset, len);
        return true;
    }
    const struct files_ops *files = server->config.files;
    int64_t n = files->read(files->context, x->file, x->offset, server->chunk, len);
    if (n <= 0) {
        *err = n ? (int)n : -EIO;
        return false;
    }
    assert((uint64_t)n <= len);
    *out = bytes_of(server->chunk, (size_t)n);
    return true;
}

/* Offers octets to the socket until they are taken or it takes no more; how many it took. */
static size_t offer(struct http_conn *conn, struct bytes octets, bool more, ssize_t *err)
{
    size_t sent = 0;

    while (sent < octets.len && !*err) {
        ssize_t n = sock_send(conn->server->config.stack, conn->socket, octets.at + sent,
                              octets.len - sent, more ? MSG_MORE : 0, NULL);
        if (n > 0)
            sent += (size_t)n;
        else
            *err = n ? n : -EAGAIN;
    }
    return sent;
}

ssize_t http_send_out(struct http_conn *conn, bool more)
{
    struct http_exchange *x = conn->exchange;
    ssize_t err = 0;

    x->out_sent +=
        (uint32_t)offer(conn, bytes_of(x->out + x->out_sent, x->out_len - x->out_sent), more, &err);
    return err;
}

/* --- sources ------------------------------------------------------------------------------ */

enum {
    SIZE_LINE = 5, /* of a chunk: three digits and CRLF */
    CHUNK_END = 2, /* CRLF */
    PIECE_MAX = HTTP_RESPONSE_ROOM - SIZE_LINE - CHUNK_END,
};

static_assert(PIECE_MAX <= 0xfff, "three digits are enough for a piece");

/* The next piece of `out`, with content from `begin` to `end`. */
static void set_out(struct http_exchange *x, uint32_t len, uint32_t begin, uint32_t end)
{
    x->out_len = len;
    x->out_sent = 0;
    x->own_begin = begin;
    x->own_end = end;
}

/* Puts `len` octets of content, which lie at `out` + SIZE_LINE, into a chunk (RFC 9112, 7.1). */
static void frame_chunk(struct http_exchange *x, uint32_t len)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t line[SIZE_LINE] = {(uint8_t)digits[len >> 8], (uint8_t)digits[len >> 4 & 15],
                                     (uint8_t)digits[len & 15], '\r', '\n'};

    memcpy(x->out, line, SIZE_LINE);
    memcpy(x->out + SIZE_LINE + len, "\r\n", CHUNK_END);
    set_out(x, SIZE_LINE + len + CHUNK_END, SIZE_LINE, SIZE_LINE + len);
}

void http_send_end_source(struct http_exchange *x)
{
    struct http_source *source = x->source;

    x->source = NULL;
    if (!source)
        return;
    source->conn = NULL; /* who wakes it later wakes nobody */
    source->close(source);
}

/* The end of the source: of chunks the last one, with no trailers. */
static void frame_end(struct http_exchange *x)
{
    static const char last[] = "0\r\n\r\n";

    http_send_end_source(x);
    if (!x->chunked)
        return;
    memcpy(x->out, last, sizeof(last) - 1);
    set_out(x, sizeof(last) - 1, 0, 0);
}

/* Asks the source for the next piece: as much as it has and fits. 0; -EAGAIN: it has nothing now;
 * another errno: it has failed. */
static int next_piece(struct http_exchange *x, instant now)
{
    uint32_t len = 0;
    int n = 1;

    while (len < PIECE_MAX && n > 0) {
        n = x->source->read(x->source, x->out + SIZE_LINE + len, PIECE_MAX - len, now);
        if (n > 0)
            len += (uint32_t)n;
        assert(len <= PIECE_MAX);
    }
    x->paused |= n == -EAGAIN && !len;
    if (!len && n == 0)
        frame_end(x);
    if (!len)
        return n;
    if (n < 0 && n != -EAGAIN)
        return n; /* what it gave before belongs to nothing whole */
    if (x->chunked) {
        frame_chunk(x, len);
    } else {
        memmove(x->out, x->out + SIZE_LINE, len);
        set_out(x, len, 0, len);
    }
    return 0;
}

/* Octets of content in `out` before `at`. */
static uint32_t own_before(const struct http_exchange *x, uint32_t at)
{
    return u32_min(u32_max(at, x->own_begin), x->own_end) - x->own_begin;
}

ssize_t http_send_some(struct http_conn *conn, size_t *moved, int *content_err, instant now)
{
    struct http_exchange *x = conn->exchange;
    struct bytes content;
    ssize_t err = 0;

    if (x->source && x->out_sent == x->out_len) {
        int failed = next_piece(x, now);
        if (failed && failed != -EAGAIN)
            *content_err = failed;
        if (failed)
            return failed == -EAGAIN ? -EAGAIN : 0;
    }
    if (!next_content(conn, &content, content_err))
        return 0;
    const uint32_t before = x->out_sent;
    /* of a source nobody knows whether it goes on soon */
    err = http_send_out(conn, x->left > 0);
    x->sent += own_before(x, x->out_sent) - own_before(x, before);
    if (x->source)
        *moved = x->out_sent - before;
    if (err || !content.len)
        return err;
    const size_t sent = offer(conn, content, content.len < x->left, &err);
    note_taken(x, content.len, sent);
    *moved = sent;
    return err;
}
