/*
 * events.h - the inside of the event stream: who listens, the ring of decisions, the counters.
 *
 * Each layer gets a pointer to the stack's one `struct events` and emits where it decides. What the
 * stack knows of the packet that is being worked on (its why) is noted in `current` by the layer
 * that finds out, and stack_input() or stack_output() turn it into one packet event at the end.
 */
#ifndef TAPIO_BASE_EVENTS_H
#define TAPIO_BASE_EVENTS_H

#include <tapio/tapio.h>

#include "base/memory.h"

struct events {
    struct event_sink *sinks;
    struct stack_counters counters;
    uint64_t packets;   /* ids given so far */
    uint64_t decisions; /* made so far */
    struct event *ring;
    uint32_t ring_len;
    struct {
        uint64_t id;
        enum why why;
        bool tcp;
        bool has_facts;
        uint32_t conn; /* that it is about; 0: none */
        struct conn_facts facts;
    } current; /* the received packet that is being run */
};

NODISCARD int events_init(struct events *events, struct memory *memory, uint32_t ring_len);
void events_fini(struct events *events, struct memory *memory);

/* Without events (-Devents=false) the compiler sees that nobody ever listens and nothing is told.
 */
#ifdef TAPIO_NO_EVENTS
enum { EVENTS_ARE_TOLD = false };
#else
enum { EVENTS_ARE_TOLD = true };
#endif

/* Is anybody there for per-packet events? */
static inline bool events_wanted(const struct events *events)
{
    return EVENTS_ARE_TOLD && UNLIKELY(events->sinks != NULL);
}

void events_tell(struct events *events, const struct event *event);

/* Hands an event to every listener and, unless it is per packet, to the ring. */
static inline void events_emit(struct events *events, const struct event *event)
{
    if (EVENTS_ARE_TOLD)
        events_tell(events, event);
}

/* The decision that was made `back` decisions ago (0: the newest); NULL when it was never made or
 * has been overwritten. */
const struct event *events_decision(const struct events *events, uint64_t back);

static inline void events_count(struct events *events, enum counter counter)
{
    events->counters.events[counter]++;
}

/* A timer runs from now on, until `deadline`; INSTANT_NEVER: it has stopped. */
static inline void events_timer(struct events *events, uint32_t conn, enum timer_kind kind,
                                instant deadline, instant now)
{
    if (events_wanted(events))
        events_emit(events, &(struct event){.type = EVENT_TIMER_SET,
                                            .conn = conn,
                                            .when = now,
                                            .timer = {kind, deadline}});
}

static inline void events_timer_fired(struct events *events, uint32_t conn, enum timer_kind kind,
                                      instant now)
{
    events_emit(events,
                &(struct event){
                    .type = EVENT_TIMER_FIRED, .conn = conn, .when = now, .timer = {kind, now}});
}

/* An answer that is due is not given. */
static inline void events_unsent(struct events *events, uint32_t conn, const char *why, instant now)
{
    if (events_wanted(events))
        events_emit(events,
                    &(struct event){
                        .type = EVENT_UNSENT, .conn = conn, .when = now, .note = {.text = why}});
}

/* Notes why the packet that is being run came; the last note wins. */
static inline void events_note(struct events *events, enum why why)
{
    events->current.why = why;
}

#endif
