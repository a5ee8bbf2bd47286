/*
 * os_session.h - one client of the control socket: requests in, replies out.
 *
 * It touches no descriptor: os_control.c hands it what has come and takes from its ring what
 * leaves. One request is answered at a time. While that lasts nothing more is taken, so a client
 * that asks faster than it reads holds up itself alone.
 */
#ifndef TAPIO_OS_OS_SESSION_H
#define TAPIO_OS_OS_SESSION_H

#include "base/instant.h"
#include "see/control.h"

struct os_session {
    const struct control_context *context;
    struct octet_ring ring;   /* of the reply; without memory before the first request */
    struct control_call call; /* meaningful with `verb` */
    uint64_t lines;           /* of this reply */
    size_t len;               /* octets in `line` */
    bool waits;               /* the call has nothing to say until something happens */
    bool input_ended;         /* the client asks for nothing more */
    bool ending;              /* over once the ring is empty */
    uint8_t line[CONTROL_REQUEST];
};

void os_session_init(struct os_session *s, const struct control_context *context);
void os_session_fini(struct os_session *s, instant now);

/* How many octets it can take now. */
size_t os_session_room(const struct os_session *s);
/* What has come: at most that many. */
void os_session_input(struct os_session *s, struct bytes octets, instant now);
/* Nothing more will. */
void os_session_input_ended(struct os_session *s);
/* Goes on: takes the next request when the last reply has left, adds to the reply what has room. */
void os_session_turn(struct os_session *s, instant now);
/* Has it more to do at once, that is, without waiting for the client or the stack? */
bool os_session_wants_turn(const struct os_session *s);
/* When it has more to do by the clock, if its reader is there to take it. */
instant os_session_deadline(const struct os_session *s);
/* Is a request being answered, or its answer on its way? */
static inline bool os_session_is_busy(const struct os_session *s)
{
    return s->call.verb || s->ring.len > 0;
}
/* Its connection can be closed. */
static inline bool os_session_is_over(const struct os_session *s)
{
    return s->ending && !os_session_is_busy(s);
}

#endif
