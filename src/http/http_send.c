/*
 * http_send.c - the next octets of a response, from a page or a file into the socket.
 *
 * What is hard: a file is read into one buffer that all connections share, so what the socket does
 * not take is lost and has to be read again; and a socket does not tell how much it will take. The
 * first part of the content is read before the head is sent: if that fails, there is still time for
 * an honest status.
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

ssize_t http_send_some(struct http_conn *conn, size_t *moved, int *file_err)
{
    struct http_exchange *x = conn->exchange;
    struct bytes content;
    ssize_t err = 0;

    if (!next_content(conn, &content, file_err))
        return 0;
    struct bytes head = bytes_of(x->head + x->head_sent, x->head_len - x->head_sent);
    size_t sent = offer(conn, head, x->left > 0, &err);

    x->head_sent += (uint32_t)sent;
    if (err || !content.len)
        return err;
    sent = offer(conn, content, content.len < x->left, &err);
    note_taken(x, content.len, sent);
    *moved = sent;
    return err;
}
