/*
 * why.h - answers to "why was it dropped, reset, stalled, sent again?", from the ring of decisions.
 *
 * The stack remembers its decisions after the connection that they were about has ended, until they
 * are overwritten. Here they are gathered into a bounded answer, newest first: the same thing over
 * and over is one item. An answer is a copy; the stack may go on while it is read.
 *
 *     struct why_answer answer;
 *     why_gather(&answer, stack, WHY_ABOUT_RESET, 0);
 *     for (uint32_t i = 0; i < answer.count; i++)
 *         why_tell(&answer, &answer.item[i], &line);
 *     why_tell_end(&answer, &line);
 */
#ifndef TAPIO_SEE_WHY_H
#define TAPIO_SEE_WHY_H

#include <tapio/tapio.h>

#include "base/text.h"

/* clang-format off */
#define WHY_ABOUT_LIST(X) \
    X(DROP,       "drop",       "dropped") \
    X(RESET,      "rst",        "reset") \
    X(STALL,      "stall",      "stalled") \
    X(RETRANSMIT, "retransmit", "sent again")
/* clang-format on */

enum why_about {
#define TAPIO_X(id, word, done) WHY_ABOUT_##id,
    WHY_ABOUT_LIST(TAPIO_X)
#undef TAPIO_X
};
#define TAPIO_X(id, word, done) +1
enum { WHY_ABOUTS = WHY_ABOUT_LIST(TAPIO_X) };
#undef TAPIO_X

const char *why_about_word(enum why_about about); /* "rst" */

enum {
    WHY_ITEMS = 100,    /* the newest; how many more there were is said */
    WHY_CONNS = 256,    /* a power of 2, and twice as many as items can be about */
    WHY_LOOKED = 65536, /* decisions that one answer looks at, at most: the ring may be longer */
    WHY_TEXT = 256,     /* octets that hold any sentence of ours */
};

/* What the ring says of a connection. */
struct why_conn {
    uint32_t conn;                 /* 0: none */
    struct endpoint local, remote; /* port 0: not known */
    const char *ended;             /* why, in static storage; NULL: not in the ring */
    instant ended_at;
    instant resumed_at; /* the newest end of a stall that has not been taken; INSTANT_NEVER */
    bool began;         /* its first state is in the ring */
    bool seen;          /* anything of it is */
};

/* One thing, `times` in a row. */
struct why_item {
    struct event event; /* the newest of them */
    instant first;
    uint32_t times;
    uint64_t octets; /* RETRANSMIT: of all of them */
    bool many_ports; /* RESET: the event's remote port is not that of all */
    bool is_over;    /* STALL */
    instant over_at; /* STALL that is over */
};

struct why_answer {
    enum why_about about;
    uint32_t conn; /* 0: any */
    instant now;
    struct why_item item[WHY_ITEMS];
    uint32_t count;
    uint64_t more;   /* items for which there was no room */
    instant oldest;  /* decision that was looked at */
    uint64_t looked; /* at so many decisions */
    bool cut;        /* older ones were made, and are overwritten or were not looked at */
    struct why_conn conns[WHY_CONNS]; /* by hashing: those of the items, and `conn` */
};

/* Of one connection (its number in events), or of all: `conn` 0. */
void why_gather(struct why_answer *why, const struct stack *stack, enum why_about about,
                uint32_t conn);

/* "connection 3, 10.9.0.2:80 with 10.9.0.1:40000, was reset by the peer 3.2 s ago": without the
 * sentence that says why, which event_sentence(&item->event) is. */
void why_tell(const struct why_answer *why, const struct why_item *item, struct text *out);
/* Why the connection of an item ended, if it has and is known; else NULL. */
const char *why_ended(const struct why_answer *why, const struct why_item *item);
/* When there is no item, or not all: what that means. Nothing when all is told. */
void why_tell_end(const struct why_answer *why, struct text *out);

#endif
