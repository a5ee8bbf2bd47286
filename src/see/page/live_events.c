/*
 * live_events.c - /.tapio/events: the recorder's lines as server-sent events.
 *
 * An observer has one line at a time, which he is given piece by piece; when it is out he gets the
 * next, and that is the newest when he was slow. So a slow observer costs his buffer and nothing
 * else, however slow he is. A silent one is noticed by TCP: every sample is an event, so there
 * always is something that he must acknowledge, and when he does not the server resets him.
 *
 * The connection that carries the events would fill what they show with themselves: it is marked
 * when it asks, and its packets are left out unless the page says that it wants them.
 */
#include "see/page/live_inside.h"

#include <errno.h>

enum { SEND_BUFFER = 8192 }; /* octets: what waits there is of the past */

static const char content_type[] = "text/event-stream; charset=utf-8";

/* The next line, as an event: "data: ...\n\n" (HTML, 9.2.6). False: there is none. */
static bool next_event(struct live_observer *observer, instant now)
{
    struct text text = text_of(observer->text, sizeof(observer->text));

    text_add(&text, "data: ");
    if (!live_next(observer->page->live, &observer->reader, &text, now))
        return false;
    text_add(&text, "\n\n");
    assert(!text.cut);
    observer->given = 0;
    observer->len = text.len;
    return true;
}

static int read_some(struct http_source *source, uint8_t *out, size_t room, instant now)
{
    struct live_observer *observer = CONTAINER_OF(source, struct live_observer, source);

    if (observer->given == observer->len && !next_event(observer, now))
        return -EAGAIN;
    const size_t n = size_min(room, observer->len - observer->given);
    memcpy(out, observer->text + observer->given, n);
    observer->given += n;
    return (int)n;
}

static void close_it(struct http_source *source)
{
    struct live_observer *observer = CONTAINER_OF(source, struct live_observer, source);

    live_leave(observer->page->live, &observer->reader);
    observer->taken = false;
}

/* Who still has a part of a line waits for his socket, which will say so itself. */
void live_events_wake(struct live_page *page)
{
    for (size_t i = 0; i < LIVE_PAGE_READERS; i++) {
        struct live_observer *observer = &page->observer[i];
        if (observer->taken && observer->given == observer->len)
            http_source_wake(&observer->source);
    }
}

int live_events_answer(void *context, const struct http_call *call, struct http_made *made)
{
    struct live_page *page = context;
    const int status = live_guard_host(call);

    if (status)
        return status;
    for (size_t i = 0; i < LIVE_PAGE_READERS; i++) {
        struct live_observer *observer = &page->observer[i];
        if (observer->taken)
            continue;
        observer->taken = true;
        observer->page = page;
        observer->source =
            (struct http_source){.read = read_some, .close = close_it, .send_buffer = SEND_BUFFER};
        observer->given = observer->len = 0;
        observer->reader = (struct live_reader){.own_too = call->query.len == 3 &&
                                                           memcmp(call->query.at, "own", 3) == 0};
        live_join(page->live, &observer->reader, call->now);
        live_mark_observer(page->live, call->conn);
        *made = (struct http_made){.type = content_type, .source = &observer->source};
        return 0;
    }
    return 503;
}
