/*
 * get_show.c - see get_show.h.
 *
 * Marks in front of the lines are curl's: "*" for what we do, ">" for what we send, "<" for what
 * comes. Packets are lines of the log, so they look as everywhere: with the reason why each was
 * sent or what it was good for. Those of much content are many and alike; only -v -v shows them.
 * What a server chose is escaped before a terminal sees it.
 */
#include "get_show.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define PROGRESS NS_PER_S /* between two lines about how far the content is */

enum { FEW = 16384 }; /* octets of content whose packets are always shown */

static void set_packets(struct get_show *show, bool wanted)
{
    char why[LOG_WHY];
    int err = log_parse(&show->log, wanted ? "tcp=debug" : "tcp=info", why);

    assert(!err);
    show->quiet = !wanted;
}

void get_show_begin(struct get_show *show, int level, struct stack *stack, instant now)
{
    char why[LOG_WHY];

    *show = (struct get_show){.level = level, .stack = stack};
    if (!level)
        return;
    os_sink_init(&show->out, STDERR_FILENO);
    log_init(&show->log, &show->out.sink, now);
    int err = log_parse(&show->log, "arp=debug,icmp=debug", why);
    assert(!err);
    set_packets(show, true);
    stack_listen(stack, &show->log.sink);
}

void get_show_end(struct get_show *show)
{
    if (show->level)
        stack_unlisten(show->stack, &show->log.sink);
    show->level = 0;
}

void get_show_say(const struct get_show *show, const char *format, ...)
{
    va_list args;

    if (!show->level)
        return;
    fputs("* ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

/* Each line of a head behind its mark. */
static void show_head(char mark, struct bytes head)
{
    while (head.len) {
        char buffer[1024];
        struct text line = text_of(buffer, sizeof buffer);
        size_t len = 0;
        while (len < head.len && head.at[len] != '\r')
            len++;
        text_add_escaped(&line, bytes_first(head, len));
        fprintf(stderr, "%c %s%s\n", mark, buffer, line.cut ? "..." : "");
        head = bytes_skip(head, len + 2);
    }
}

static void show_reply(struct get_show *show, const struct http_client_event *event, instant now)
{
    const struct http_reply *reply = event->reply;

    show_head('<', event->head);
    if (event->interim)
        return;
    show->received = 0;
    show->length = reply->content_length;
    show->has_length = reply->body == HTTP_BODY_LENGTH;
    show->tell_at = instant_add(now, PROGRESS);
    switch (reply->body) {
    case HTTP_BODY_NONE:
        get_show_say(show, "no content follows");
        break;
    case HTTP_BODY_LENGTH:
        get_show_say(show, "%" PRIu64 " octets of content follow, as Content-Length says",
                     show->length);
        break;
    case HTTP_BODY_CHUNKED:
        get_show_say(show, "content follows in chunks; the last one is empty");
        break;
    case HTTP_BODY_UNTIL_CLOSE:
        get_show_say(show, "content follows until the server closes the connection");
        break;
    }
    const bool few = reply->body == HTTP_BODY_NONE || (show->has_length && show->length <= FEW);
    if (show->level < 2 && !few) {
        get_show_say(show, "the packets of the content are left out; -v -v shows them");
        set_packets(show, false);
    }
}

void get_show_event(struct get_show *show, const struct http_client_event *event, instant now)
{
    char local[ENDPOINT_TEXT], remote[ENDPOINT_TEXT];

    if (!show->level)
        return;
    endpoint_format(event->local, local);
    endpoint_format(event->remote, remote);
    if (show->quiet && event->type != HTTP_CLIENT_REPLY)
        set_packets(show, true);
    switch (event->type) {
    case HTTP_CLIENT_RESOLVED:
        get_show_say(show, "%s is at %s, port %u", event->url->host, remote, event->remote.port);
        break;
    case HTTP_CLIENT_CONNECTING:
        get_show_say(show, "connecting to %s", remote);
        break;
    case HTTP_CLIENT_CONNECTED:
        get_show_say(show, "connected: %s to %s", local, remote);
        break;
    case HTTP_CLIENT_REUSED:
        get_show_say(show, "the connection is still open: %s to %s", local, remote);
        break;
    case HTTP_CLIENT_REQUEST:
        show_head('>', event->head);
        break;
    case HTTP_CLIENT_REPLY:
        show_reply(show, event, now);
        break;
    case HTTP_CLIENT_REDIRECT:
        get_show_say(show, "it is elsewhere: host %s, port %u, %s", event->url->host,
                     event->url->port, event->url->target);
        break;
    case HTTP_CLIENT_CLOSED:
        get_show_say(show, "closing the connection to %s", remote);
        break;
    case HTTP_CLIENT_FINISHED:
        if (event->result->status)
            get_show_say(show, "%" PRIu64 " octets of content came", event->result->received);
        break;
    }
}

void get_show_content(struct get_show *show, size_t len, instant now)
{
    show->received += len;
    if (!show->level || instant_before(now, show->tell_at))
        return;
    show->tell_at = instant_add(now, PROGRESS);
    if (show->has_length)
        get_show_say(show, "%" PRIu64 " of %" PRIu64 " octets", show->received, show->length);
    else
        get_show_say(show, "%" PRIu64 " octets so far", show->received);
}
