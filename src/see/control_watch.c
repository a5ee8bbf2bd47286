/*
 * control_watch.c - the verb `watch`: what happens in the stack, as the lines of see/live.h.
 *
 * Each watcher has a recorder of his own, which is there while he watches: looking in costs nothing
 * before and after, and the live page's readers are not disturbed. When he does not read, nothing
 * is made for him; when he reads again the next sample tells how many he has missed, and `lost` at
 * the end how many in all.
 *
 * The recorder's lines are passed on as they are, with our own first members in front. With
 * "headers" each packet's headers are told as well, before the sample that tells of the packet.
 */
#include "base/instant.h"
#include "see/control.h"
#include "see/live.h"

enum { FRONT = 64 /* octets that our own members take */ };

static_assert((int)LIVE_LINE + (int)FRONT < (int)CONTROL_LINE,
              "a line of the recorder is one of ours");

struct watch {
    struct live *live;
    struct live_reader reader;
    uint64_t headers_from;
    bool headers;
    uint64_t left; /* samples to tell of; 0: as many as come */
    bool complete;
};

static const char *const fields[] = {"count", "headers", NULL};

static bool take_flag(const struct control_request *request, const char *key, bool *out,
                      struct text *why)
{
    const struct control_field *field = control_find(request, key);

    if (!field)
        return true;
    if (field->kind != CONTROL_IS_BOOL) {
        text_add(why, key);
        text_add(why, ": not true or false");
        return false;
    }
    *out = field->number;
    return true;
}

static bool begin(struct control_call *call, const struct control_request *request, instant now,
                  struct text *why)
{
    const struct control_context *context = call->context;
    const struct live_config config = {.device = context->device, .ops = context->wire};
    struct watch *watch = call->state;
    int64_t count = 0;

    if (!control_take_number(request, "count", 1, INT64_C(1) << 53, &count, why) ||
        !take_flag(request, "headers", &watch->headers, why))
        return false;
    watch->left = (uint64_t)count;
    watch->live = live_new(context->memory, context->stack, &config, now);
    if (!watch->live) {
        text_add(why, "there is no memory for it now");
        return false;
    }
    live_join(watch->live, &watch->reader, now);
    watch->headers_from = live_headers_from(watch->live);
    return true;
}

static void end(struct control_call *call, instant now)
{
    struct watch *watch = call->state;

    (void)now;
    live_leave(watch->live, &watch->reader);
    live_free(watch->live);
}

/* Our own members in front of those of a line that begins at `at`. A greeting has its schema. */
static size_t put_front(struct text *line, bool with_schema)
{
    text_add(line, with_schema ? "{\"schema\":1,\"verb\":\"watch\"" : "{\"verb\":\"watch\"");
    return line->len;
}

static_assert((int)LIVE_SCHEMA == 1, "as put_front() says");

static enum control_progress nothing(struct text *line, enum control_progress progress)
{
    line->len = 0;
    line->at[0] = '\0';
    return progress;
}

/* Makes the sample that is due. While the watcher did not read we were not asked, and none were
 * made: he has missed those. */
static void advance(struct control_call *call, struct watch *watch, instant now)
{
    const instant due = live_deadline(watch->live);

    if (!live_advance(watch->live, now))
        return;
    const uint64_t missed = (uint64_t)(instant_since(now, due) / (LIVE_TICK_MS * NS_PER_MS));
    watch->reader.missed += missed;
    call->lost += missed;
}

static enum control_progress more(struct control_call *call, struct text *line, instant now)
{
    struct watch *watch = call->state;
    const uint64_t before = watch->reader.sample;

    if (call->stopping || watch->complete)
        return CONTROL_DONE;
    advance(call, watch, now);
    const size_t at = put_front(line, watch->reader.greeted);
    if (!(watch->headers && watch->reader.greeted &&
          live_tell_headers(watch->live, &watch->headers_from, line)) &&
        !live_next(watch->live, &watch->reader, line, now))
        return nothing(line, CONTROL_WAITS);
    assert(line->at[at] == '{');
    line->at[at] = ',';
    if (watch->reader.sample != before && watch->left && --watch->left == 0)
        watch->complete = true;
    return CONTROL_MORE;
}

static instant deadline(const struct control_call *call)
{
    const struct watch *watch = call->state;
    return live_deadline(watch->live);
}

const struct control_verb control_watch = {
    .name = "watch",
    .schema = LIVE_SCHEMA,
    .fields = fields,
    .state = sizeof(struct watch),
    .beside = live_memory_cap,
    .ring = CONTROL_RING,
    .lasting = true,
    .begin = begin,
    .more = more,
    .deadline = deadline,
    .end = end,
};
