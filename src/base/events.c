/*
 * events.c - the event stream: hand it to whoever listens, remember the decisions.
 *
 * An event is a value on its emitter's C stack, and what it points at lives only for the call. The
 * ring may copy it because the types that are ever put there point at static storage alone; those
 * that are per packet may point at frames and connections, and stay out. The ring has a fixed
 * length, and the oldest decision makes room for the newest.
 */
#include "base/events.h"

#include <errno.h>
#include <string.h>

static const char *const state_names[TCP_STATE_COUNT] = {
#define TAPIO_X(id, name) [TCPS_##id] = name,
    TAPIO_TCP_STATE_LIST(TAPIO_X)
#undef TAPIO_X
};

static const struct {
    const char *key;
    const char *sentence;
} whys[WHY_COUNT] = {
#define TAPIO_X(id, key, sentence) [WHY_##id] = {key, sentence},
    TAPIO_WHY_LIST(TAPIO_X)
#undef TAPIO_X
};

static const struct {
    const char *key;
    const char *sentence;
} helds[HELD_COUNT] = {
#define TAPIO_X(id, key, sentence) [HELD_##id] = {key, sentence},
    TAPIO_HELD_LIST(TAPIO_X)
#undef TAPIO_X
};

static const char *const type_names[EVENT_TYPE_COUNT] = {
#define TAPIO_X(id, name) [EVENT_##id] = name,
    TAPIO_EVENT_LIST(TAPIO_X)
#undef TAPIO_X
};

/* clang-format off */
static const struct {
    const char *name;
    const char *sentence; /* of what is to happen when it fires */
} timers[TIMER_KIND_COUNT] = {
    [TIMER_RETRANSMIT]  = {"retransmit",      "What is not acknowledged by then is sent again (RFC 6298, 5)."},
    [TIMER_PERSIST]     = {"persist",         "A closed window is probed then (RFC 9293, 3.8.6.1)."},
    [TIMER_DELAYED_ACK] = {"delayed-ack",     "An ACK that nothing has carried by then leaves alone (RFC 9293, 3.8.6.3)."},
    [TIMER_OVERRIDE]    = {"override",        "What still waits for a larger window then leaves as it is (RFC 9293, 3.8.6.2.1)."},
    [TIMER_TIME_WAIT]   = {"time-wait",       "Old segments of the connection have died out by then (RFC 9293, 3.4.2)."},
    [TIMER_FIN_WAIT_2]  = {"fin-wait-2",      "Nobody waits for the peer's FIN any longer then."},
    [TIMER_KEEP_ALIVE]  = {"keep-alive",      "If nothing has been heard, the peer is asked (RFC 9293, 3.8.4)."},
    [TIMER_REORDER]     = {"reordering",      "What left before something that has arrived is lost by then (RFC 8985, 6.2)."},
    [TIMER_TAIL_PROBE]  = {"tail-loss-probe", "Without an ACK by then, a segment asks for one (RFC 8985, 7.3)."},
    [TIMER_PACE]        = {"pacing",          "The next segment may leave then (RFC 9002, 7.7)."},
    [TIMER_NEIGHBOUR]   = {"neighbour",       "The station is asked again, or counts as gone (RFC 1122, 2.3.2.1)."},
    [TIMER_REASSEMBLY]  = {"reassembly",      "What lacks a fragment then is given up (RFC 1122, 3.3.2)."},
};
/* clang-format on */

const char *tcp_state_name(enum tcp_state state)
{
    assert(state < ARRAY_LEN(state_names));
    return state_names[state];
}

const char *why_key(enum why why)
{
    assert(why < ARRAY_LEN(whys));
    return whys[why].key;
}

const char *why_sentence(enum why why)
{
    assert(why < ARRAY_LEN(whys));
    return whys[why].sentence;
}

const char *event_type_name(enum event_type type)
{
    assert(type < ARRAY_LEN(type_names));
    return type_names[type];
}

const char *timer_kind_name(enum timer_kind kind)
{
    assert(kind < ARRAY_LEN(timers));
    return timers[kind].name;
}

const char *held_key(enum held_by by)
{
    assert(by < ARRAY_LEN(helds));
    return helds[by].key;
}

const char *held_sentence(enum held_by by)
{
    assert(by < ARRAY_LEN(helds));
    return helds[by].sentence;
}

const char *event_sentence(const struct event *event)
{
    switch (event->type) {
    case EVENT_PACKET:
        return event->packet.fate == PACKET_DROPPED ? drop_sentence(event->packet.drop)
                                                    : why_sentence(event->packet.why);
    case EVENT_STATE:
        return event->state.cause;
    case EVENT_DROP:
        return drop_sentence(event->drop.drop);
    case EVENT_TIMER_SET:
    case EVENT_TIMER_FIRED:
        return timers[event->timer.kind].sentence;
    case EVENT_RETRANSMIT:
        return why_sentence(event->retransmit.trigger);
    case EVENT_CWND:
    case EVENT_CWND_STEP:
        return event->cwnd.cause;
    case EVENT_STALL:
    case EVENT_RESUME:
    case EVENT_HELD:
        return held_sentence(event->held.by);
    case EVENT_RESET:
        return why_sentence(event->reset.why);
    case EVENT_UNSENT:
    case EVENT_NOTE:
        return event->note.text;
    case EVENT_NEIGHBOUR:
        break;
    }
    return NULL;
}

/* The words of the clause stand in the last brackets. */
size_t sentence_clause(const char *sentence, const char **clause)
{
    const char *open = sentence ? strrchr(sentence, '(') : NULL;

    if (!open || strncmp(open, "(RFC ", 5) != 0)
        return 0;
    *clause = open + 1;
    return strcspn(open + 1, ")");
}

int events_init(struct events *events, struct memory *memory, uint32_t ring_len)
{
    *events = (struct events){.ring_len = ring_len};
    if (ring_len == 0)
        return 0;
    events->ring = memory_alloc(memory, ring_len * sizeof(struct event));
    return events->ring ? 0 : -ENOMEM;
}

void events_fini(struct events *events, struct memory *memory)
{
    memory_release(memory, events->ring, events->ring_len * sizeof(struct event));
    *events = (struct events){0};
}

bool event_is_decision(enum event_type type)
{
    switch (type) {
    case EVENT_PACKET:
    case EVENT_TIMER_SET:
    case EVENT_CWND_STEP:
    case EVENT_HELD:
    case EVENT_UNSENT:
        return false;
    case EVENT_STATE:
    case EVENT_DROP:
    case EVENT_TIMER_FIRED:
    case EVENT_RETRANSMIT:
    case EVENT_CWND:
    case EVENT_STALL:
    case EVENT_RESUME:
    case EVENT_RESET:
    case EVENT_NEIGHBOUR:
    case EVENT_NOTE:
        break;
    }
    return true;
}

void events_tell(struct events *events, const struct event *event)
{
    assert(event->type < ARRAY_LEN(type_names));
    if (event_is_decision(event->type)) {
        if (events->ring_len)
            events->ring[events->decisions % events->ring_len] = *event;
        events->decisions++;
    }
    for (struct event_sink *sink = events->sinks; sink; sink = sink->next)
        sink->event(sink, event);
}

const struct event *events_decision(const struct events *events, uint64_t back)
{
    if (back >= events->decisions || back >= events->ring_len)
        return NULL;
    return &events->ring[(events->decisions - 1 - back) % events->ring_len];
}
