/*
 * events.c - the event stream: hand it to whoever listens, remember the decisions.
 *
 * An event is a value on its emitter's C stack, and what it points at lives only for the call. The
 * ring may copy it because the types that are ever put there point at static storage alone; the two
 * types that are per packet (is_per_packet()) point at frames and connections, and stay out. The
 * ring has a fixed length, and the oldest decision makes room for the newest.
 */
#include "base/events.h"

#include <errno.h>

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

static const char *const type_names[EVENT_TYPE_COUNT] = {
#define TAPIO_X(id, name) [EVENT_##id] = name,
    TAPIO_EVENT_LIST(TAPIO_X)
#undef TAPIO_X
};

static const char *const timer_names[TIMER_KIND_COUNT] = {
    [TIMER_RETRANSMIT] = "retransmit",      [TIMER_PERSIST] = "persist",
    [TIMER_DELAYED_ACK] = "delayed-ack",    [TIMER_OVERRIDE] = "override",
    [TIMER_TIME_WAIT] = "time-wait",        [TIMER_FIN_WAIT_2] = "fin-wait-2",
    [TIMER_KEEP_ALIVE] = "keep-alive",      [TIMER_REORDER] = "reordering",
    [TIMER_TAIL_PROBE] = "tail-loss-probe",
};

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
    assert(kind < ARRAY_LEN(timer_names));
    return timer_names[kind];
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

static bool is_per_packet(enum event_type type)
{
    return type == EVENT_PACKET || type == EVENT_TIMER_SET;
}

void events_emit(struct events *events, const struct event *event)
{
    assert(event->type < ARRAY_LEN(type_names));
    if (!is_per_packet(event->type)) {
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
