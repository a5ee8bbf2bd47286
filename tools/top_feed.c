/*
 * top_feed.c - see top_feed.h.
 */
#include "top_feed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int top_feed_open(struct top_feed *feed, const char *path, struct refusal *refusal)
{
    feed->len = feed->taken = 0;
    feed->ended = false;
    feed->object = NULL;
    const int status = control_client_open(&feed->client, path, refusal);
    if (!status)
        fcntl(feed->client.fd, F_SETFL, fcntl(feed->client.fd, F_GETFL) | O_NONBLOCK);
    return status;
}

void top_feed_close(struct top_feed *feed)
{
    json_decref(feed->object);
    feed->object = NULL;
    control_client_close(&feed->client);
}

bool top_feed_ask(struct top_feed *feed, json_t *request)
{
    char *line = json_dumps(request, JSON_COMPACT);
    const size_t len = line ? strlen(line) : 0;

    json_decref(request);
    if (!line)
        return false;
    line[len] = '\n'; /* in the place of its NUL: a request is far smaller than the socket's room */
    const bool sent = send(feed->client.fd, line, len + 1, MSG_NOSIGNAL) == (ssize_t)len + 1;
    free(line);
    return sent;
}

void top_feed_read(struct top_feed *feed)
{
    memmove(feed->buffer, feed->buffer + feed->taken, feed->len - feed->taken);
    feed->len -= feed->taken;
    feed->taken = 0;
    while (feed->len < sizeof feed->buffer) {
        const ssize_t n =
            read(feed->client.fd, feed->buffer + feed->len, sizeof feed->buffer - feed->len);
        if (n > 0) {
            feed->len += (size_t)n;
            continue;
        }
        if (n < 0 && errno == EINTR)
            continue;
        feed->ended = n == 0 || errno != EAGAIN;
        return;
    }
}

int top_feed_next(struct top_feed *feed)
{
    char *from = feed->buffer + feed->taken;
    char *end = memchr(from, '\n', feed->len - feed->taken);
    json_error_t error;

    json_decref(feed->object);
    feed->object = NULL;
    if (!end)
        return feed->len - feed->taken == sizeof feed->buffer ? -1 : 0;
    feed->line = from;
    feed->line_len = (size_t)(end - from) + 1;
    feed->taken += feed->line_len;
    feed->object = json_loadb(from, feed->line_len, 0, &error);
    return json_is_object(feed->object) ? 1 : -1;
}
