/*
 * live_page.c - see live_page.h: the parts joined, the files of the page, and the knobs.
 *
 * Readers are woken from advance(), which runs behind the sockets' turn: so that they are served at
 * once and not with the next frame that happens to come, the deadline is in the past until the turn
 * after it.
 */
#include "see/page/live_inside.h"

#include <errno.h>

#include "http/http_accept.h"

int live_page_new(const struct live_page_config *config, instant now, struct live_page **out)
{
    const struct live_config live = {.device = config->device, .ops = config->ops};
    struct live_page *page = memory_alloc(config->memory, sizeof(*page));

    if (!page)
        return -ENOMEM;
    page->config = *config;
    page->live = live_new(config->memory, config->stack, &live, now);
    if (!page->live) {
        memory_release(config->memory, page, sizeof(*page));
        return -ENOMEM;
    }
    *out = page;
    return 0;
}

void live_page_free(struct live_page *page)
{
    if (!page)
        return;
    live_free(page->live);
    memory_release(page->config.memory, page, sizeof(*page));
}

uint64_t live_page_memory_cap(void)
{
    return sizeof(struct live_page) + live_memory_cap();
}

/* --- time ---------------------------------------------------------------------------------- */

instant live_page_deadline(const struct live_page *page)
{
    const instant at_once = {0};

    return page->poked ? at_once : live_deadline(page->live);
}

void live_page_advance(struct live_page *page, instant now)
{
    page->poked = live_advance(page->live, now);
    if (page->poked)
        live_events_wake(page);
}

/* --- the files ----------------------------------------------------------------------------- */

static int answer_file(void *context, const struct http_call *call, struct http_made *made)
{
    const struct live_page_file *one = context;
    const struct live_file *file = one->file;
    enum http_coding order[HTTP_CODINGS];
    const size_t count = http_codings_accepted(call->request, call->head, order);

    live_mark_observer(one->page->live, call->conn);
    *made = (struct http_made){.type = file->type, .content = file->plain, .varies = true};
    for (size_t i = 0; i < count; i++) {
        if (order[i] != HTTP_GZIP)
            continue;
        made->content = file->gzip;
        made->coding = http_codings[HTTP_GZIP].name;
    }
    return 0;
}

/* --- the knobs ----------------------------------------------------------------------------- */

enum { SPEC_ROOM = 256, WHY_ROOM = 200 };

static int answer_control(void *context, const struct http_call *call, struct http_made *made)
{
    struct live_page *page = context;
    const struct control_ops *ops = page->config.ops;
    char spec[SPEC_ROOM], why[WHY_ROOM];

    (void)made;
    if (!ops || !page->config.may_change)
        return 403;
    if (call->request->method != HTTP_POST)
        return 405;
    const int status = live_guard_origin(call);
    if (status)
        return status;
    if (call->content.len == 0 || call->content.len >= sizeof(spec) ||
        memchr(call->content.at, '\0', call->content.len))
        return 400;
    memcpy(spec, call->content.at, call->content.len);
    spec[call->content.len] = '\0';
    live_mark_observer(page->live, call->conn);
    return ops->change_wire(ops->context, spec, why, sizeof(why)) ? 400 : 204;
}

/* --- plugged in ---------------------------------------------------------------------------- */

void live_page_handlers(struct live_page *page, struct http_handler out[LIVE_PAGE_HANDLERS])
{
    size_t n = 0;

    for (size_t i = 0; i < LIVE_FILES; i++) {
        page->file[i] = (struct live_page_file){page, &live_files[i]};
        out[n++] = (struct http_handler){
            .path = live_files[i].path, .context = &page->file[i], .answer = answer_file};
    }
    out[n++] = (struct http_handler){
        .path = ".tapio/events", .context = page, .answer = live_events_answer};
    out[n++] = (struct http_handler){
        .path = ".tapio/packet", .context = page, .answer = live_packet_answer};
    out[n++] =
        (struct http_handler){.path = ".tapio/words", .context = page, .answer = live_words_answer};
    out[n++] = (struct http_handler){
        .path = ".tapio/control", .takes_post = true, .context = page, .answer = answer_control};
    assert(n == LIVE_PAGE_HANDLERS);
}
