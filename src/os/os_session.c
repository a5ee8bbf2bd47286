/*
 * os_session.c - see os_session.h.
 *
 * A reply is made while it is read. A line is made only when the ring has room for the longest, so
 * replies that are read slowly lose nothing, they only take their time; a verb that tells of what
 * happens now (capture) counts what it could not put. The last line of each reply tells how many
 * lines came before it and how much was lost, so a client knows that it has seen all.
 *
 * What is wrong with a request is told in a line of type "error". A line that is no request at all
 * (too long, no JSON) ends the connection, for who knows where the next one would begin.
 */
#include "os/os_session.h"

#include "os/os_request.h"

enum { WHY = 300 };

void os_session_init(struct os_session *s, const struct control_context *context)
{
    s->context = context;
    s->ring = (struct octet_ring){0};
    s->call = (struct control_call){0};
    s->lines = 0;
    s->len = 0;
    s->waits = s->input_ended = s->ending = false;
}

static void ring_free(struct os_session *s)
{
    if (s->ring.at)
        memory_release(s->context->memory, s->ring.at, s->ring.room);
    s->ring = (struct octet_ring){0};
}

static void call_free(struct os_session *s, instant now)
{
    const struct control_verb *verb = s->call.verb;

    if (!verb)
        return;
    if (verb->end)
        verb->end(&s->call, now);
    memory_release(s->context->memory, s->call.state, verb->state);
    s->call = (struct control_call){0};
}

void os_session_fini(struct os_session *s, instant now)
{
    call_free(s, now);
    ring_free(s);
}

/* --- what is said ------------------------------------------------------------------------- */

/* A line with its end, whole; without room it is lost. */
static bool put_line(struct os_session *s, struct text *line)
{
    assert(!line->cut); /* CONTROL_LINE has room for all that we say */
    text_add_char(line, '\n');
    return octet_ring_put(&s->ring, text_bytes(line));
}

/* An empty ring of that size. False without memory: then there is nothing that could be said. */
static bool ring_of(struct os_session *s, size_t room)
{
    assert(s->ring.len == 0);
    if (s->ring.room == room)
        return true;
    ring_free(s);
    void *at = memory_alloc(s->context->memory, room);
    if (!at)
        return false;
    octet_ring_init(&s->ring, at, room);
    return true;
}

static void refuse(struct os_session *s, const char *verb, const char *why)
{
    char buffer[CONTROL_LINE];
    struct text line = text_of(buffer, sizeof buffer);
    struct json j = control_line(&line, verb, CONTROL_SCHEMA, "error");

    json_add_string(&j, "error", why);
    json_close(&j, '}');
    if (!ring_of(s, CONTROL_RING) || !put_line(s, &line))
        s->ending = true;
}

static void put_end(struct os_session *s)
{
    char buffer[CONTROL_LINE];
    struct text line = text_of(buffer, sizeof buffer);
    struct json j = control_line(&line, s->call.verb->name, s->call.verb->schema, "end");

    json_add_u64(&j, "lines", s->lines);
    json_add_u64(&j, "lost", s->call.lost);
    json_close(&j, '}');
    put_line(s, &line);
}

/* --- requests ----------------------------------------------------------------------------- */

static bool begin(struct os_session *s, const struct control_verb *verb,
                  const struct control_request *request, instant now, struct text *why)
{
    if (!control_fields_known(verb, request, why))
        return false;
    void *state = memory_alloc(s->context->memory, verb->state);
    if (!state || !ring_of(s, verb->ring)) {
        memory_release(s->context->memory, state, verb->state);
        text_add(why, "there is no memory for it now");
        return false;
    }
    s->call = (struct control_call){
        .verb = verb,
        .context = s->context,
        .ring = &s->ring,
        .state = state,
        .stopping = s->input_ended,
    };
    s->lines = 0;
    s->waits = false;
    if (verb->begin(&s->call, request, now, why))
        return true;
    memory_release(s->context->memory, state, verb->state);
    s->call = (struct control_call){0};
    return false;
}

static void answer(struct os_session *s, struct bytes line, instant now)
{
    struct control_request request;
    char buffer[WHY];
    struct text why = text_of(buffer, sizeof buffer);
    const char *name = "";
    int64_t schema = -1;

    if (!os_request_read(line, &request, &why)) {
        refuse(s, "", why.at);
        s->ending = true;
        return;
    }
    if (!control_take_number(&request, "schema", 1, CONTROL_SCHEMA, &schema, &why) ||
        !control_take_text(&request, "verb", &name, &why)) {
        refuse(s, "", why.at);
        return;
    }
    const struct control_verb *verb = control_verb_find(name);
    if (schema < 0)
        refuse(s, "", "a request begins with \"schema\":1");
    else if (!verb)
        refuse(s, "", "no such verb here");
    else if (!begin(s, verb, &request, now, &why))
        refuse(s, verb->name, why.at);
}

/* Answers the first whole line. What cannot become one ends the session. */
static void next_request(struct os_session *s, instant now)
{
    uint8_t *end = memchr(s->line, '\n', s->len);

    if (!end && s->len == sizeof s->line)
        refuse(s, "", "a request has at most 4095 octets");
    if (!end) {
        s->ending = s->len == sizeof s->line || s->input_ended; /* half a line is none */
        return;
    }
    size_t len = (size_t)(end - s->line);
    answer(s, bytes_of(s->line, len), now);
    s->len -= len + 1;
    memmove(s->line, end + 1, s->len);
}

size_t os_session_room(const struct os_session *s)
{
    if (s->ending || s->input_ended)
        return 0;
    if (s->call.verb && (s->call.verb->octets || s->call.verb->lasting))
        return sizeof s->line; /* whatever comes is thrown away: its end is what counts */
    return s->call.verb ? 0 : sizeof s->line - s->len;
}

void os_session_input(struct os_session *s, struct bytes octets, instant now)
{
    (void)now;
    assert(octets.len <= os_session_room(s));
    if (s->call.verb)
        return;
    memcpy(s->line + s->len, octets.at, octets.len);
    s->len += octets.len;
}

void os_session_input_ended(struct os_session *s)
{
    s->input_ended = true;
    s->call.stopping = true;
}

/* --- replies ------------------------------------------------------------------------------ */

static void finish(struct os_session *s, instant now)
{
    if (s->call.verb->octets)
        s->ending = true;
    else
        put_end(s);
    call_free(s, now);
}

static bool has_room_for_a_line(const struct os_session *s)
{
    enum { END = 256 }; /* for the last one, in any case */

    return octet_ring_left(&s->ring) >= CONTROL_LINE + END;
}

static void go_on(struct os_session *s, instant now)
{
    const struct control_verb *verb = s->call.verb;

    s->waits = false;
    for (int i = 0; i < CONTROL_PIECE && (verb->octets || has_room_for_a_line(s)); i++) {
        char buffer[CONTROL_LINE];
        struct text line = text_of(buffer, sizeof buffer - 1); /* its end comes behind it */
        enum control_progress progress = verb->more(&s->call, &line, now);
        line.room++;
        if (line.len > 0 && put_line(s, &line))
            s->lines++;
        if (progress == CONTROL_MORE)
            continue;
        s->waits = progress == CONTROL_WAITS;
        if (progress == CONTROL_DONE)
            finish(s, now);
        return;
    }
}

void os_session_turn(struct os_session *s, instant now)
{
    if (s->call.verb)
        go_on(s, now);
    else if (s->ring.len == 0 && !s->ending)
        next_request(s, now);
}

bool os_session_wants_turn(const struct os_session *s)
{
    if (s->call.verb)
        return !s->call.verb->octets && !s->waits && has_room_for_a_line(s);
    if (s->ring.len > 0 || s->ending)
        return false;
    return s->input_ended || s->len == sizeof s->line || memchr(s->line, '\n', s->len);
}

instant os_session_deadline(const struct os_session *s)
{
    const struct control_verb *verb = s->call.verb;

    return verb && verb->deadline && has_room_for_a_line(s) ? verb->deadline(&s->call)
                                                            : INSTANT_NEVER;
}
