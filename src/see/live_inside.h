/*
 * live_inside.h - what the files of the recorder share and nobody else.
 */
#ifndef TAPIO_SEE_LIVE_INSIDE_H
#define TAPIO_SEE_LIVE_INSIDE_H

#include "base/instant.h"
#include "see/live.h"

enum {
    LIVE_LINES = 8,    /* samples that are kept: more than a reader may be behind */
    LIVE_PLAIN = 56,   /* packets of a sample with nothing special about them, */
    LIVE_NOTABLE = 40, /* and with something */
    LIVE_SATED = 800,  /* packets after which a sample listens no more: 10,000 a second */
    LIVE_WALK = 128,   /* connections that one sample looks at */
    LIVE_TOLD = 14,    /* and that it tells of */
    LIVE_ALL = 25,     /* samples after which all are told of again, for who has missed one */
    LIVE_GONE = 64,
};

static_assert((int)LIVE_BEHIND < (int)LIVE_LINES, "what a reader may still want is there");

/* A connection that is followed. */
struct live_conn {
    uint32_t id; /* 0: free */
    bool placed; /* `at` is where the walk found it */
    bool news;   /* something has changed since it was told of */
    bool is_own;
    bool has_ended;
    struct snapshot_cursor at;
    instant touched; /* by a packet */
    struct stack_snapshot is;
};

struct live {
    struct memory *memory;
    struct stack *stack;
    struct live_config config;
    struct event_sink sink;
    instant began, next;
    uint32_t readers, own_readers;

    struct live_conn conn[LIVE_CONNS];
    uint32_t last; /* the one that the last packet was about */
    uint32_t turn; /* whose turn it is to be told of first */
    struct snapshot_cursor walk;
    uint32_t gone[LIVE_GONE];
    uint32_t gone_count;
    uint32_t observer[LIVE_OBSERVERS]; /* the newest of them, in a ring */
    uint32_t observers;

    struct live_packet packet[LIVE_PACKETS]; /* a ring, in the order of their ids */
    uint64_t packets, packets_told;          /* put there, and told of */
    /* Since the last sample: */
    uint32_t plain, notable, heard, own_heard;
    bool listens;
    uint64_t passed; /* packets in and out, by the stack's counters, as it was then */

    struct stack_counters counters; /* as last told */

    struct live_line {
        size_t len;
        char text[LIVE_LINE];
    } line[LIVE_LINES];
    uint64_t samples;
    char room[LIVE_LINE]; /* for who assembles */
};

/* live_conns.c */
struct live_conn *live_conn_find(struct live *live, uint32_t id);
bool live_is_observer(const struct live *live, uint32_t id);
/* A packet or a decision is about it. */
void live_conn_touch(struct live *live, const struct conn_facts *facts, instant now);
void live_conn_state(struct live *live, const struct event *event);
/* Looks at those that are followed, and for others. */
void live_conns_look(struct live *live);
/* All of them are news. */
void live_conns_refresh(struct live *live);

/* live_packets.c */
void live_on_event(struct event_sink *sink, const struct event *event);

/* live_tell.c */
uint64_t live_passed(const struct live *live);
uint64_t live_us(const struct live *live, instant when);
void live_tell_sample(struct live *live, struct text *line, instant now);
void live_tell_hello(const struct live *live, struct text *line, instant now);
/* Decisions from `reader->decision` on; false: there are none to tell of. */
bool live_tell_decisions(const struct live *live, struct live_reader *reader, struct text *line);

#endif
