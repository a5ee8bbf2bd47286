/*
 * http_client_reply.c - what a client makes of a response: its head, where it leads, its content.
 */
#include "http/http_client_inner.h"

/* --- the head ----------------------------------------------------------------------------- */

static struct bytes head_of(const struct http_client *c)
{
    return bytes_of(c->in, c->parser.at);
}

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Prepares the way to the next URL. False when it has finished instead. */
static bool prepare_redirect(struct http_client *c, struct bytes location, instant now)
{
    const char *why;

    if (c->redirects == c->config.redirects) {
        http_client_finish(c, HTTP_CLIENT_REDIRECTS, now);
        return false;
    }
    if (url_resolve(&c->url, location, &c->next, &why)) {
        http_client_finish_why(c, HTTP_CLIENT_BAD_LOCATION, why, now);
        return false;
    }
    c->redirecting = true;
    return true;
}

/* Is it the part that was asked for (RFC 9110, 14.4, 15.3.7)? NULL, or what it is instead. */
static const char *judge_range(const struct http_client *c)
{
    const struct http_reply *reply = &c->parser.reply;
    const struct http_client_request *request = &c->request;
    struct http_range range;
    struct bytes value;

    if (reply->status != 206)
        return request->range && reply->status == 200
                   ? "the server sends the whole, not the part that was asked for"
                   : NULL;
    if (!request->range)
        return "the server sends a part that nobody asked for";
    if (!http_reply_field(reply, head_of(c), "content-range", &value) ||
        !http_range_parse(value, &range) || !range.satisfied)
        return "the server does not say which part it sends";
    if (range.first != request->first || range.last > request->last ||
        (reply->body == HTTP_BODY_LENGTH && reply->content_length != range.last - range.first + 1))
        return "the server sends another part than the one that was asked for";
    return NULL;
}

/* A head is complete. False when it has finished with that. */
static bool take_head(struct http_client *c, instant now)
{
    const struct http_reply *reply = &c->parser.reply;
    struct bytes location;

    struct http_client_event event = http_client_event_of(c, HTTP_CLIENT_REPLY);
    event.head = head_of(c);
    event.reply = reply;
    event.interim = reply->status < 200;
    c->config.ops.event(c->config.ops.context, &event, now);
    c->result.status = reply->status;

    if (event.interim) {
        if (reply->status == 101 || ++c->interim > HTTP_CLIENT_INTERIM_MAX) {
            http_client_finish_why(c, HTTP_CLIENT_BAD_REPLY,
                                   reply->status == 101
                                       ? "it switches to a protocol that nobody asked for"
                                       : "more than 16 interim responses come before it",
                                   now);
            return false;
        }
        c->end -= c->parser.at;
        memmove(c->in, c->in + c->parser.at, c->end);
        http_reply_parser_init(&c->parser, c->request.head);
        return true;
    }
    const char *why = judge_range(c);
    if (why) {
        http_client_finish_why(c, HTTP_CLIENT_NO_RANGE, why, now);
        return false;
    }
    if (is_redirect(reply->status) && http_reply_field(reply, head_of(c), "location", &location) &&
        !prepare_redirect(c, location, now))
        return false;
    c->keep = reply->keep_alive;
    c->begin = c->parser.at;
    http_body_init(&c->body, reply->body,
                   reply->body == HTTP_BODY_LENGTH ? reply->content_length : 0);
    c->state = HTTP_CLIENT_READING_CONTENT;
    return true;
}

/* False when there is nothing more to be done now. */
bool http_client_read_head(struct http_client *c, instant now)
{
    enum http_progress progress = http_reply_parse(&c->parser, c->in, c->end);

    if (progress == HTTP_COMPLETE)
        return take_head(c, now);
    if (progress == HTTP_MORE)
        return http_client_read_more(c, now);
    http_client_finish_why(c, HTTP_CLIENT_BAD_REPLY, c->parser.why, now);
    return false;
}

static void take_whole(struct http_client *c, instant now)
{
    if (c->begin < c->end)
        c->keep = false; /* the beginning of something that nobody asked for */
    c->was_used = true;
    if (!c->redirecting) {
        http_client_finish(c, HTTP_CLIENT_DONE, now);
        return;
    }
    if (!c->keep)
        http_client_let_go(c, now);
    c->redirects++;
    c->url = c->next;
    c->result.received = 0;
    http_client_tell(c, HTTP_CLIENT_REDIRECT, now);
    http_client_begin_url(c, now);
}

/* Hands content on. False when the caller cannot take it now, or will not. */
static bool hand_on(struct http_client *c, instant now)
{
    struct bytes content = bytes_of(c->in + c->content_at, c->content_len);
    int taken = c->redirecting ? (int)content.len
                               : c->config.ops.content(c->config.ops.context, content, now);

    if (taken < 0) {
        http_client_finish_error(c, HTTP_CLIENT_REFUSED, taken, now);
        return false;
    }
    c->content_at += (size_t)taken;
    c->content_len -= (size_t)taken;
    c->result.received += (uint64_t)taken;
    if (c->content_len) {
        c->deadline = INSTANT_NEVER; /* it is not the server that we wait for */
        return false;
    }
    return true;
}

/* False when there is nothing more to be done now. */
bool http_client_read_content(struct http_client *c, instant now)
{
    struct bytes content;
    size_t used;

    if (c->content_len)
        return hand_on(c, now);
    enum http_progress progress =
        http_body_take(&c->body, bytes_of(c->in + c->begin, c->end - c->begin), &used, &content);
    c->content_at = c->begin + used - content.len;
    c->content_len = content.len;
    c->begin += used;
    if (content.len)
        return hand_on(c, now);
    if (progress == HTTP_FAILED) {
        http_client_finish_why(c, HTTP_CLIENT_BAD_REPLY, c->body.why, now);
        return false;
    }
    const bool too_much = c->redirecting && c->result.received > HTTP_CLIENT_DISCARD_MAX;
    if (progress == HTTP_COMPLETE || too_much) {
        c->keep &= !too_much;
        take_whole(c, now);
        return c->state != HTTP_CLIENT_IDLE;
    }
    assert(c->begin == c->end); /* the body takes all that is not content of the next message */
    c->begin = c->end = 0;
    return http_client_read_more(c, now);
}
