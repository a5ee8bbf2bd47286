/*
 * tcp_tell.c - what a connection tells of itself: its decisions, as events (tapio/event.h).
 *
 * A stall is told once: nothing is in flight whose ACK would let go what waits, or the peer's
 * window is closed. It is over when new text leaves. How a sender is kept for a moment, by cwnd for
 * the most part, is told only while somebody listens.
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
                      enum held_by by, instant now)
{
    bool fin = conn->closing && !conn->fin_sent;

    events_emit(tcp->events, &(struct event){.type = type,
                                             .conn = conn->id,
                                             .when = now,
                                             .held = {by, tcp_unsent(conn) + fin, conn->snd.wnd,
                                                      conn->local, conn->remote}});
}

void tcp_tell_held(struct tcp *tcp, const struct tcp_conn *conn, instant now)
{
    if (events_wanted(tcp->events))
        tell_held(tcp, conn, EVENT_HELD, (enum held_by)conn->held, now);
}

void tcp_tell_stall(struct tcp *tcp, struct tcp_conn *conn, enum held_by by, instant now)
{
    if (conn->stalled == by)
        return;
    conn->stalled = (uint8_t)by;
    tell_held(tcp, conn, EVENT_STALL, by, now);
}

void tcp_tell_resumed(struct tcp *tcp, struct tcp_conn *conn, instant now)
{
    if (conn->stalled == HELD_NO_TEXT)
        return;
    tell_held(tcp, conn, EVENT_RESUME, (enum held_by)conn->stalled, now);
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
