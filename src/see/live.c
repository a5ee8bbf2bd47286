/*
 * live.c - see live.h: the clock of the samples, and who reads them.
 *
 * A sample is made once, however many read it: the cost of a reader is a copy of its line. It is
 * numbered, and LIVE_LINES of them are kept. A reader that is more than LIVE_BEHIND behind is set
 * to the newest, so that what he sees is never older than a third of a second, and a slow one takes
 * no more than the fast ones' lines.
 *
 * `missed` belongs to the reader and the line to all: it is put in front when the line is handed
 * over, as its own member.
 */
#include "see/live_inside.h"

#include "base/json.h"

enum { LIVE_MISSED = 40 }; /* octets that telling how many were missed takes */

struct live *live_new(struct memory *memory, struct stack *stack, const struct live_config *config,
                      instant now)
{
    struct live *live = memory_alloc(memory, sizeof(*live));

    if (!live)
        return NULL;
    live->memory = memory;
    live->stack = stack;
    live->config = *config;
    live->sink.event = live_on_event;
    live->began = now;
    return live;
}

void live_free(struct live *live)
{
    if (!live)
        return;
    assert(live->readers == 0);
    memory_release(live->memory, live, sizeof(*live));
}

uint64_t live_memory_cap(void)
{
    return sizeof(struct live);
}

/* --- readers ------------------------------------------------------------------------------- */

static uint64_t oldest_decision(const struct live *live)
{
    const uint64_t made = stack_decisions_made(live->stack);
    const uint64_t ring = (uint64_t)stack_config(live->stack)->values.see_ring;

    return made > ring ? made - ring : 0;
}

static void listen(struct live *live, bool listens)
{
    if (live->listens == listens)
        return;
    live->listens = listens;
    if (listens)
        stack_listen(live->stack, &live->sink);
    else
        stack_unlisten(live->stack, &live->sink);
}

/* Nobody has looked for a while: what was known is old. */
static void wake_up(struct live *live, instant now)
{
    memset(live->conn, 0, sizeof(live->conn));
    live->walk = (struct snapshot_cursor){0};
    live->plain = live->notable = live->heard = live->own_heard = live->gone_count = 0;
    live->packets_told = live->packets;
    memset(&live->counters, 0, sizeof(live->counters));
    live->next = now;
    live->passed = live_passed(live);
    listen(live, true);
}

void live_join(struct live *live, struct live_reader *reader, instant now)
{
    const bool own_too = reader->own_too;

    *reader = (struct live_reader){
        .sample = live->samples, .decision = oldest_decision(live), .own_too = own_too};
    if (live->readers++ == 0)
        wake_up(live, now);
    live->own_readers += own_too;
    live_conns_refresh(live);
    memset(live->counters.drops, 0, sizeof(live->counters.drops)); /* all of them, once more */
}

void live_leave(struct live *live, struct live_reader *reader)
{
    assert(live->readers > 0);
    live->own_readers -= reader->own_too;
    if (--live->readers == 0)
        listen(live, false);
}

/* --- samples ------------------------------------------------------------------------------- */

instant live_deadline(const struct live *live)
{
    return live->readers ? live->next : INSTANT_NEVER;
}

bool live_advance(struct live *live, instant now)
{
    if (live->heard >= LIVE_SATED)
        listen(live, false);
    if (!live->readers || instant_before(now, live->next))
        return false;
    struct live_line *line = &live->line[live->samples % LIVE_LINES];
    struct text text = text_of(line->text, sizeof(line->text) - LIVE_MISSED);

    live_conns_look(live);
    if (live->samples % LIVE_ALL == 0)
        live_conns_refresh(live);
    live_tell_sample(live, &text, now);
    assert(!text.cut);
    line->len = text.len;
    live->samples++;
    listen(live, true);
    live->next = instant_add(now, LIVE_TICK_MS * NS_PER_MS);
    return true;
}

bool live_next(struct live *live, struct live_reader *reader, struct text *line, instant now)
{
    if (!reader->greeted) {
        reader->greeted = true;
        live_tell_hello(live, line, now);
        return true;
    }
    if (live_tell_decisions(live, reader, line))
        return true;
    if (reader->sample == live->samples)
        return false;
    if (live->samples - reader->sample > LIVE_BEHIND) {
        reader->missed += live->samples - 1 - reader->sample;
        reader->sample = live->samples - 1;
    }
    const struct live_line *from = &live->line[reader->sample++ % LIVE_LINES];
    text_add(line, "{\"missed\":");
    text_add_u64(line, reader->missed);
    text_add_char(line, ',');
    text_add(line, from->text + 1);
    reader->missed = 0;
    return true;
}

/* --- what can be asked for ------------------------------------------------------------------ */

void live_mark_observer(struct live *live, uint32_t conn)
{
    if (!conn || live_is_observer(live, conn))
        return;
    live->observer[live->observers++ % LIVE_OBSERVERS] = conn;
    struct live_conn *known = live_conn_find(live, conn);
    if (known)
        known->is_own = known->news = true;
}

/* Ids rise, so the ring is searched by halves. */
const struct live_packet *live_packet(const struct live *live, uint64_t id)
{
    uint64_t low = live->packets > LIVE_PACKETS ? live->packets - LIVE_PACKETS : 0;
    uint64_t high = live->packets;

    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (live->packet[middle % LIVE_PACKETS].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    const struct live_packet *found = &live->packet[low % LIVE_PACKETS];
    return low < live->packets && found->id == id ? found : NULL;
}
