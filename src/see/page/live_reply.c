/*
 * live_reply.c - answers about one packet, and what the keys of events mean.
 *
 * Each is made whole, in one of a few buffers, and sent from there. A packet's octets were copied
 * when it passed and are read by the tables that `tapio explain` uses; of what it carried nothing
 * was kept. The words are lists of constants: they come from there and not from the page, so that a
 * page and a stack never disagree.
 */
#include "see/page/live_inside.h"

#include "base/json.h"
#include "see/explain.h"

static const char content_type[] = "application/json";

/* --- a reply ------------------------------------------------------------------------------- */

static int read_some(struct http_source *source, uint8_t *out, size_t room, instant now)
{
    struct live_reply *reply = CONTAINER_OF(source, struct live_reply, source);
    const size_t n = size_min(room, reply->len - reply->given);

    (void)now;
    memcpy(out, reply->text + reply->given, n);
    reply->given += n;
    return (int)n;
}

static void close_it(struct http_source *source)
{
    struct live_reply *reply = CONTAINER_OF(source, struct live_reply, source);
    reply->taken = false;
}

/* NULL: all are on their way. */
static struct live_reply *take(struct live_page *page)
{
    for (size_t i = 0; i < LIVE_PAGE_REPLIES; i++) {
        struct live_reply *reply = &page->reply[i];
        if (reply->taken)
            continue;
        reply->taken = true;
        reply->given = reply->len = 0;
        reply->source = (struct http_source){.read = read_some, .close = close_it};
        return reply;
    }
    return NULL;
}

/* 0, or 500: it did not fit. */
static int hand_over(struct live_reply *reply, const struct text *text, struct http_made *made)
{
    reply->len = text->len;
    if (text->cut) {
        reply->taken = false;
        return 500;
    }
    *made = (struct http_made){.type = content_type, .source = &reply->source};
    return 0;
}

/* --- a packet ------------------------------------------------------------------------------ */

/* All of the query is a number. */
static bool read_id(struct bytes query, uint64_t *out)
{
    uint64_t id = 0;

    if (query.len == 0 || query.len > 15)
        return false;
    for (size_t i = 0; i < query.len; i++) {
        if (query.at[i] < '0' || query.at[i] > '9')
            return false;
        id = id * 10 + (query.at[i] - (uint64_t)'0');
    }
    *out = id;
    return true;
}

static void tell_packet(struct live_page *page, const struct live_packet *p, struct text *out)
{
    struct json j = json_of(out);

    fields_read(&page->dissection, bytes_of(p->headers, p->kept), p->len,
                p->ethernet ? FIELDS_ETHERNET : FIELDS_IP);
    json_open(&j, '{');
    json_add_u64(&j, "id", p->id);
    json_add_u64(&j, "conn", p->conn);
    json_add_u64(&j, "fate", p->fate);
    json_add_u64(&j, "octets", p->len);
    json_add_hex(&j, "headers", bytes_of(p->headers, p->kept));
    json_add_string(&j, "why", why_key(p->why));
    json_add_string(&j, "because", why_sentence(p->why));
    if (p->fate == PACKET_DROPPED) {
        json_add_string(&j, "drop", drop_name(p->drop));
        json_add_string(&j, "dropped_because", drop_sentence(p->drop));
    }
    explain_json_layers(&j, &page->dissection);
    json_close(&j, '}');
}

int live_packet_answer(void *context, const struct http_call *call, struct http_made *made)
{
    struct live_page *page = context;
    uint64_t id;

    const int status = live_guard_host(call);
    if (status)
        return status;
    if (!read_id(call->query, &id))
        return 400;
    live_mark_observer(page->live, call->conn);
    const struct live_packet *packet = live_packet(page->live, id);
    if (!packet)
        return 404;
    struct live_reply *reply = take(page);
    if (!reply)
        return 503;
    struct text text = text_of(reply->text, sizeof(reply->text));
    tell_packet(page, packet, &text);
    return hand_over(reply, &text, made);
}

/* --- the words ----------------------------------------------------------------------------- */

static void tell_words(const struct live_page *page, struct text *out)
{
    struct json j = json_of(out);

    json_open(&j, '{');
    json_add_bool(&j, "control", page->config.may_change);
    json_open_member(&j, "why", '{');
    for (int i = 0; i < WHY_COUNT; i++)
        json_add_string(&j, why_key((enum why)i), why_sentence((enum why)i));
    json_close(&j, '}');
    json_open_member(&j, "drops", '{');
    for (int i = 1; i < DROP_COUNT; i++)
        json_add_string(&j, drop_name((enum drop)i), drop_sentence((enum drop)i));
    json_close(&j, '}');
    json_open_member(&j, "limits", '{');
#define TAPIO_X(id, key, sentence) json_add_string(&j, key, sentence);
    TAPIO_LIMIT_LIST(TAPIO_X)
#undef TAPIO_X
    json_close(&j, '}');
    json_close(&j, '}');
}

int live_words_answer(void *context, const struct http_call *call, struct http_made *made)
{
    struct live_page *page = context;
    struct live_reply *reply = take(page);

    live_mark_observer(page->live, call->conn);
    if (!reply)
        return 503;
    struct text text = text_of(reply->text, sizeof(reply->text));
    tell_words(page, &text);
    return hand_over(reply, &text, made);
}
