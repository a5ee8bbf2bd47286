/*
 * tcp_tell.c - what a connection tells of itself: its decisions, as events (tapio/event.h).
 *
 * A sender is kept from sending all the time, mostly by cwnd and for a moment: that is told only
 * while somebody listens. A stall is what lasts: the window stays closed until it is probed, or
 * what waits for a larger one or for the application does so until the override. It is told then,
 * once, with how long it has lasted, and is over when new text leaves, or when all that there was
 * has arrived with a probe.
 */
#include "tcp/tcp_conn.h"

void tcp_tell_cwnd(struct tcp *tcp, const struct tcp_conn *conn, const char *cause, instant now)
{
    events_emit(tcp->events, &(struct event){.type = EVENT_CWND,
                                             .conn = conn->id,
                                             .when = now,
                                             .cwnd = {conn->cc.cwnd, conn->cc.ssthresh, cause}});
}

void tcp_tell_cwnd_step(struct tcp *tcp, const struct tcp_conn *conn, uint32_t before,
                        const char *cause, instant now)
{
    if (conn->cc.cwnd != before && events_wanted(tcp->events))
        events_emit(tcp->events,
                    &(struct event){.type = EVENT_CWND_STEP,
                                    .conn = conn->id,
                                    .when = now,
                                    .cwnd = {conn->cc.cwnd, conn->cc.ssthresh, cause}});
}

static void tell_held(struct tcp *tcp, const struct tcp_conn *conn, enum event_type type,
                      enum held_by by, int64_t waited_ns, instant now)
{
    uint32_t fin = conn->closing && !conn->fin_sent;

    events_emit(tcp->events, &(struct event){.type = type,
                                             .conn = conn->id,
                                             .when = now,
                                             .held = {.by = by,
                                                      .unsent = tcp_unsent(conn) + fin,
                                                      .window = conn->snd.wnd,
                                                      .local = conn->local,
                                                      .remote = conn->remote,
                                                      .waited_ns = waited_ns}});
}

void tcp_tell_held(struct tcp *tcp, const struct tcp_conn *conn, instant now)
{
    if (events_wanted(tcp->events))
        tell_held(tcp, conn, EVENT_HELD, (enum held_by)conn->held, 0, now);
}

void tcp_tell_stall(struct tcp *tcp, struct tcp_conn *conn, enum held_by by, int64_t waited_ns,
                    instant now)
{
    if (conn->stalled == by)
        return;
    conn->stalled = by & 15u;
    tell_held(tcp, conn, EVENT_STALL, by, waited_ns, now);
}

void tcp_tell_resumed(struct tcp *tcp, struct tcp_conn *conn, instant now)
{
    if (conn->stalled == HELD_NO_TEXT)
        return;
    tell_held(tcp, conn, EVENT_RESUME, (enum held_by)conn->stalled, 0, now);
    conn->stalled = HELD_NO_TEXT;
}

void tcp_tell_reset(struct tcp *tcp, const struct tcp_conn *conn, bool sent, enum why why,
                    instant now)
{
    events_emit(tcp->events, &(struct event){.type = EVENT_RESET,
                                             .conn = conn->id,
                                             .when = now,
                                             .reset = {sent, why, conn->local, conn->remote}});
}

void tcp_tell_note(struct tcp *tcp, const struct tcp_conn *conn, const char *text, int64_t value,
                   instant now)
{
    events_emit(
        tcp->events,
        &(struct event){.type = EVENT_NOTE, .conn = conn->id, .when = now, .note = {text, value}});
}
