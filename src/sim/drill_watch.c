/*
 * drill_watch.c - the stack's own account of what went wrong.
 *
 * A listener keeps the last few events, the latest figures of the connection and the timers that
 * are armed. When a packet is wrong, its `why` says what made the stack send it; when one did not
 * come, the figures say what the sender is waiting for.
 */
#include "base/text.h"
#include "sim/drill_run.h"

static size_t first_octets(const struct iovec *iov, int iovcnt, uint8_t *out, size_t room)
{
    struct writer w = writer_of(out, room);

    for (int i = 0; i < iovcnt && w.left > 0; i++)
        write_bytes(&w, iov[i].iov_base, size_min(iov[i].iov_len, w.left));
    return room - w.left;
}

/* The packet that was just handed out is the newest of the queue. */
static void tell_live(struct drill_run *run, const struct event *event)
{
    if (event->packet.fate != PACKET_OUT || run->tail == &run->head)
        return;
    struct drill_live *live = CONTAINER_OF(run->tail, struct drill_live, next);
    live->why = event->packet.why;
    if (event->packet.facts) {
        live->has_facts = true;
        live->facts = *event->packet.facts;
    }
}

static void on_event(struct event_sink *sink, const struct event *event)
{
    struct drill_watch *watch = CONTAINER_OF(sink, struct drill_watch, sink);

    if (event->type == EVENT_TIMER_SET || event->type == EVENT_TIMER_FIRED)
        watch->timer_at[event->timer.kind] =
            event->type == EVENT_TIMER_SET ? event->timer.deadline : INSTANT_NEVER;
    if (event->type == EVENT_HELD || event->type == EVENT_STALL)
        watch->held_by = held_sentence(event->held.by);
    if (event->type != EVENT_PACKET && !event_is_decision(event->type))
        return;
    struct drill_watched *kept = &watch->ring[watch->seen++ % DRILL_WATCHED];
    kept->event = *event;
    kept->has_facts = false;
    if (event->type != EVENT_PACKET)
        return;
    tell_live(watch->run, event);
    kept->header_len = (uint32_t)first_octets(event->packet.iov, event->packet.iovcnt,
                                              kept->headers, sizeof(kept->headers));
    if (event->packet.facts) {
        kept->has_facts = watch->has_facts = true;
        kept->facts = watch->facts = *event->packet.facts;
    }
}

void drill_watch_init(struct drill_run *run)
{
    run->watch.sink.event = on_event;
    for (int kind = 0; kind < TIMER_KIND_COUNT; kind++)
        run->watch.timer_at[kind] = INSTANT_NEVER;
    run->watch.run = run;
}

/* --- as text ------------------------------------------------------------------------------ */

/* The headers of a packet that may be cut off behind them. */
static void add_packet(struct text *out, struct drill_run *run, const struct drill_watched *kept)
{
    static const char *const fates[] = {
        [PACKET_OUT] = "> ", [PACKET_CONSUMED] = "< ", [PACKET_DROPPED] = "< "};
    const struct drill_conn *conn = run->under_test;
    struct drill_seen seen;

    text_add(out, fates[kept->event.packet.fate]);
    drill_read_headers(bytes_of(kept->headers, kept->header_len), &seen);
    if (seen.protocol != DRILL_PROTO_TCP) {
        text_add(out, "a packet of another protocol");
    } else if (kept->event.packet.fate == PACKET_OUT) {
        drill_to_script(conn, &seen.tcp);
        drill_show_tcp(out, &seen.tcp, true);
    } else {
        drill_from_peer(conn, &seen.tcp);
        drill_show_tcp(out, &seen.tcp, true);
    }
    if (kept->event.packet.fate == PACKET_DROPPED) {
        text_add(out, ": discarded, ");
        text_add(out, drop_sentence(kept->event.packet.drop));
    } else {
        text_add(out, ": ");
        text_add(out, why_sentence(kept->event.packet.why));
    }
}

static void add_event(struct text *out, struct drill_run *run, const struct drill_watched *kept)
{
    const struct event *event = &kept->event;

    text_add_seconds(out, drill_script_ns(run, event->when));
    text_add(out, "  ");
    switch (event->type) {
    case EVENT_PACKET:
        add_packet(out, run, kept);
        return;
    case EVENT_STATE:
        text_add(out, tcp_state_name(event->state.from));
        text_add(out, " -> ");
        text_add(out, tcp_state_name(event->state.to));
        text_add(out, ": ");
        text_add(out, event->state.cause);
        return;
    case EVENT_RETRANSMIT:
        text_add(out, "retransmission, number ");
        text_add_u64(out, event->retransmit.count);
        text_add(out, ": ");
        text_add(out, why_sentence(event->retransmit.trigger));
        return;
    case EVENT_CWND:
        text_add(out, "cwnd ");
        text_add_u64(out, event->cwnd.cwnd);
        text_add(out, ": ");
        text_add(out, event->cwnd.cause);
        return;
    case EVENT_STALL:
        text_add(out, "stalled: ");
        text_add(out, held_sentence(event->held.by));
        return;
    case EVENT_RESUME:
        text_add(out, "no longer stalled: ");
        text_add(out, held_sentence(event->held.by));
        return;
    case EVENT_RESET:
        text_add(out, event->reset.sent ? "reset sent: " : "reset received: ");
        text_add(out, why_sentence(event->reset.why));
        return;
    case EVENT_CWND_STEP:
    case EVENT_HELD:
    case EVENT_UNSENT: /* not remembered */
        return;
    case EVENT_TIMER_FIRED:
        text_add(out, "timer ran out: ");
        text_add(out, timer_kind_name(event->timer.kind));
        return;
    case EVENT_NOTE:
        text_add(out, event->note.text);
        return;
    case EVENT_DROP:
        text_add(out, "discarded: ");
        text_add(out, drop_sentence(event->drop.drop));
        return;
    case EVENT_TIMER_SET:
    case EVENT_NEIGHBOUR:
        text_add(out, event_type_name(event->type));
        return;
    }
}

static void add_field(struct text *out, const char *name, uint64_t value)
{
    text_add(out, name);
    text_add_u64(out, value);
}

/* "ESTABLISHED, in flight 1000, cwnd 14600, ssthresh none, rto 200 ms" */
static void say_facts(struct drill_run *run, const struct conn_facts *facts)
{
    char buffer[240];
    struct text text = text_of(buffer, sizeof(buffer));

    text_add(&text, tcp_state_name(facts->state));
    add_field(&text, ", in flight ", facts->inflight);
    add_field(&text, ", cwnd ", facts->cwnd);
    if (facts->ssthresh == UINT32_MAX)
        text_add(&text, ", ssthresh none");
    else
        add_field(&text, ", ssthresh ", facts->ssthresh);
    add_field(&text, ", srtt ", (uint64_t)facts->srtt_us);
    add_field(&text, " us, rto ", (uint64_t)facts->rto_ms);
    text_add(&text, " ms");
    drill_note(run, "stack", "%s", buffer);
}

static void say_timers(struct drill_run *run)
{
    char buffer[120];
    struct text text = text_of(buffer, sizeof(buffer));
    instant next = stack_deadline(run->stack);

    if (instant_is_never(next)) {
        drill_note(run, "timers", "none is armed");
        return;
    }
    /* The stack's deadline may be early: far timers are kept in coarse steps. */
    const instant *at = run->watch.timer_at;
    int first = -1;
    for (int kind = 0; kind < TIMER_KIND_COUNT; kind++)
        if (!instant_is_never(at[kind]) && !instant_before(at[kind], next) &&
            (first < 0 || instant_before(at[kind], at[first])))
            first = kind;
    text_add(&text, first < 0 ? "the next" : timer_kind_name((enum timer_kind)first));
    text_add(&text, " at ");
    text_add_seconds(&text, drill_script_ns(run, first < 0 ? next : at[first]));
    text_add(&text, " s");
    drill_note(run, "timers", "%s", buffer);
}

/* What keeps the sender waiting, when a packet did not come. */
static void say_waiting(struct drill_run *run)
{
    const struct drill_conn *conn = run->under_test;
    struct sock_info info;

    if (conn && conn->sock >= 0 && sock_info(run->stack, conn->sock, &info) == 0) {
        say_facts(run, &info.facts);
        drill_note(run, "queues", "%u octets to send or unacknowledged, %u to read",
                   info.send_queued, info.receive_queued);
    } else if (run->watch.has_facts) {
        say_facts(run, &run->watch.facts);
    }
    if (run->watch.held_by)
        drill_note(run, "held by", "%s", run->watch.held_by);
    say_timers(run);
}

void drill_watch_explain(struct drill_run *run, const struct drill_live *came)
{
    struct drill_watch *watch = &run->watch;
    uint64_t count = watch->seen < DRILL_WATCHED ? watch->seen : DRILL_WATCHED;
    char buffer[600];

    if (came) {
        drill_note(run, "why", "%s", why_sentence(came->why));
        if (came->has_facts)
            say_facts(run, &came->facts);
    } else {
        say_waiting(run);
    }
    for (uint64_t i = 0; i < count; i++) {
        struct text text = text_of(buffer, sizeof(buffer));
        add_event(&text, run, &watch->ring[(watch->seen - count + i) % DRILL_WATCHED]);
        drill_note(run, i ? "" : "before", "%s", buffer);
    }
}
