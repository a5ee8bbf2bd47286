/*
 * control_why.c - the verb `why`: sentences about what was dropped, reset, stalled or sent again.
 *
 * The answer is gathered at once from the ring of decisions (why.h) and told line by line: the
 * items, newest first; for drops, how many there were of each kind since the stack began; for
 * stalls, what keeps those connections that have something to send from sending it now; and what
 * the answer lacks.
 */
#include <errno.h>
#include <string.h>

#include "see/control.h"
#include "see/why.h"

enum { SCHEMA = 1, PIECES = 64 };

struct why_call {
    struct why_answer why;
    uint32_t told;
    int next_drop;             /* of the totals */
    struct snapshot_cursor at; /* of the connections that wait now */
    bool walked;
};

static const char *const fields[] = {"about", "conn", NULL};

static bool begin(struct control_call *call, const struct control_request *request, instant now,
                  struct text *why)
{
    struct why_call *state = call->state;
    const char *about = NULL;
    int64_t conn = 0;

    (void)now;
    if (!control_take_text(request, "about", &about, why) ||
        !control_take_number(request, "conn", 1, UINT32_MAX, &conn, why))
        return false;
    for (int i = 0; about && i < WHY_ABOUTS; i++) {
        if (strcmp(about, why_about_word((enum why_about)i)) != 0)
            continue;
        why_gather(&state->why, call->context->stack, (enum why_about)i, (uint32_t)conn);
        state->next_drop = 1;
        return true;
    }
    text_add(why, "about: one of drop, rst, stall, retransmit");
    return false;
}

/* --- lines -------------------------------------------------------------------------------- */

static void add_sentence(struct json *j, const char *sentence)
{
    const char *clause = NULL;
    size_t len = sentence_clause(sentence, &clause);

    json_add_string(j, "because", sentence);
    if (len > 0)
        json_add_octets(j, "clause", bytes_of(clause, len));
}

static void add_ends(struct json *j, struct endpoint local, struct endpoint remote)
{
    json_add_ip(j, "local_addr", local.addr);
    json_add_u64(j, "local_port", local.port);
    json_add_ip(j, "remote_addr", remote.addr);
    json_add_u64(j, "remote_port", remote.port);
}

static void add_drop(struct json *j, const struct event *event)
{
    json_add_string(j, "drop", drop_name(event->drop.drop));
    json_add_u64(j, "packet", event->drop.packet);
    if (!event->drop.protocol)
        return;
    json_add_u64(j, "protocol", event->drop.protocol);
    add_ends(j, event->drop.to, event->drop.from);
}

static void tell_item(const struct why_answer *why, const struct why_item *item, struct text *line)
{
    const struct event *event = &item->event;
    char buffer[WHY_TEXT];
    struct text text = text_of(buffer, sizeof buffer);
    struct json j = control_line(line, "why", SCHEMA, why_about_word(why->about));

    if (event->conn)
        json_add_u64(&j, "conn", event->conn);
    json_add_u64(&j, "times", item->times);
    json_add_i64(&j, "ago_ms", (why->now.ns - event->when.ns) / 1000000);
    switch (why->about) {
    case WHY_ABOUT_DROP:
        add_drop(&j, event);
        break;
    case WHY_ABOUT_RESET:
        json_add_string(&j, "why", why_key(event->reset.why));
        json_add_bool(&j, "sent", event->reset.sent);
        add_ends(&j, event->reset.local, event->reset.remote);
        break;
    case WHY_ABOUT_STALL:
        json_add_string(&j, "limited_by", held_key(event->held.by));
        json_add_u64(&j, "unsent_octets", event->held.unsent);
        json_add_bool(&j, "over", item->is_over);
        json_add_i64(&j, "began_ms",
                     (why->now.ns - event->when.ns + event->held.waited_ns) / 1000000);
        add_ends(&j, event->held.local, event->held.remote);
        break;
    case WHY_ABOUT_RETRANSMIT:
        json_add_string(&j, "why", why_key(event->retransmit.trigger));
        json_add_u64(&j, "octets", item->octets);
        json_add_u64(&j, "seq", event->retransmit.seq);
        add_ends(&j, event->retransmit.local, event->retransmit.remote);
        break;
    }
    why_tell(why, item, &text);
    json_add_string(&j, "text", buffer);
    add_sentence(&j, event_sentence(event));
    if (why->about == WHY_ABOUT_RESET && why_ended(why, item))
        json_add_string(&j, "ended", why_ended(why, item));
    json_close(&j, '}');
}

/* Since the stack began, whoever they were of. */
static bool tell_total(struct why_call *state, const struct stack *stack, struct text *line)
{
    struct stack_counters counters;

    stack_counters(stack, &counters);
    while (state->next_drop < DROP_COUNT && counters.drops[state->next_drop] == 0)
        state->next_drop++;
    if (state->next_drop >= DROP_COUNT)
        return false;
    struct json j = control_line(line, "why", SCHEMA, "total");
    json_add_string(&j, "drop", drop_name((enum drop)state->next_drop));
    json_add_u64(&j, "packets", counters.drops[state->next_drop]);
    add_sentence(&j, drop_sentence((enum drop)state->next_drop));
    json_close(&j, '}');
    state->next_drop++;
    return true;
}

static void tell_waiting(const struct stack_snapshot *one, struct text *line)
{
    char buffer[WHY_TEXT];
    struct text text = text_of(buffer, sizeof buffer);
    struct json j = control_line(line, "why", SCHEMA, "now");

    json_add_u64(&j, "conn", one->id);
    json_add_string(&j, "limited_by", snapshot_limit_key(one->limit));
    json_add_u64(&j, "unsent_octets", one->unsent_octets);
    add_ends(&j, one->local, one->remote);
    text_add(&text, "connection ");
    text_add_u64(&text, one->id);
    text_add(&text, ", ");
    text_add_endpoint(&text, one->local);
    text_add(&text, " with ");
    text_add_endpoint(&text, one->remote);
    text_add(&text, ": ");
    text_add_u64(&text, one->unsent_octets);
    text_add(&text, " octets wait now");
    json_add_string(&j, "text", buffer);
    add_sentence(&j, snapshot_limit_sentence(one->limit));
    json_close(&j, '}');
}

/* What waits now; nothing in the line: none in this piece of the walk. */
static void walk(struct control_call *call, struct text *line)
{
    struct why_call *state = call->state;
    struct stack_snapshot one = {.size = sizeof(one)};

    for (int i = 0; i < PIECES; i++) {
        int n = stack_snapshot(call->context->stack, &state->at, &one);
        if (n == 0)
            state->walked = true;
        if (n <= 0)
            return;
        bool waits = one.kind == SNAPSHOT_CONNECTION && one.unsent_octets > 0 &&
                     one.unsent_octets != SNAPSHOT_UNKNOWN;
        if (waits && (state->why.conn == 0 || state->why.conn == one.id)) {
            tell_waiting(&one, line);
            return;
        }
    }
}

static void tell_end(const struct why_answer *why, struct text *line)
{
    char buffer[WHY_TEXT];
    struct text text = text_of(buffer, sizeof buffer);
    struct json j = control_line(line, "why", SCHEMA, "answer");

    json_add_u64(&j, "items", why->count);
    json_add_u64(&j, "more", why->more);
    json_add_bool(&j, "overwritten", why->cut);
    json_add_i64(&j, "remembered_ms", (why->now.ns - why->oldest.ns) / 1000000);
    why_tell_end(why, &text);
    json_add_string(&j, "text", buffer);
    json_close(&j, '}');
}

static enum control_progress more(struct control_call *call, struct text *line, instant now)
{
    struct why_call *state = call->state;
    const struct why_answer *why = &state->why;

    (void)now;
    if (state->told < why->count) {
        tell_item(why, &why->item[state->told++], line);
        return CONTROL_MORE;
    }
    if (why->about == WHY_ABOUT_DROP && tell_total(state, call->context->stack, line))
        return CONTROL_MORE;
    if (why->about == WHY_ABOUT_STALL && !state->walked) {
        walk(call, line);
        return CONTROL_MORE;
    }
    tell_end(why, line);
    return CONTROL_DONE;
}

const struct control_verb control_why = {
    .name = "why",
    .schema = SCHEMA,
    .fields = fields,
    .state = sizeof(struct why_call),
    .ring = CONTROL_RING,
    .begin = begin,
    .more = more,
};
