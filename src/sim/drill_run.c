/*
 * drill_run.c - the timeline of a script.
 *
 * Nothing is ever late here: the clock is ours, so calls and packets in happen at the very moment
 * that their line names. What remains of packetdrill's rules is what the stack can be wrong about:
 * when its packets leave and when a blocking call returns.
 *
 * `+t` counts from the moment the event before was done: for a packet out when it was seen, for a
 * blocking call when it had gone to sleep. Between two events time passes by drill_pass_time().
 */
#include "sim/drill_run.h"

int64_t drill_tolerance(const struct drill_run *run, int64_t distance_ns)
{
    int64_t relative = distance_ns / 1000000 * run->set.tolerance_ppm +
                       distance_ns % 1000000 * run->set.tolerance_ppm / 1000000;

    return run->set.tolerance_ns > relative ? run->set.tolerance_ns : relative;
}

/* When the event is to happen; for a range its lower end. */
static instant schedule(const struct drill_run *run, const struct drill_event *event)
{
    switch (event->time.clock) {
    case DRILL_AT:
        return instant_add(run->begin, event->time.start_ns);
    case DRILL_AFTER:
        return instant_add(run->base, event->time.start_ns);
    case DRILL_WHENEVER:
        break;
    }
    return run->now;
}

static void talk(struct drill_run *run, const struct drill_event *event)
{
    char line[512], nl = '\n';
    struct text text = text_of(line, sizeof(line));

    if (!run->config->talk)
        return;
    text_add(&text, run->script.path);
    text_add_char(&text, ':');
    text_add_u64(&text, event->place.line);
    text_add(&text, "  ");
    text_add_seconds(&text, drill_script_ns(run, run->now));
    text_add(&text, "  ");
    text_add(&text, event->source);
    struct iovec iov[] = {{line, text.len}, {&nl, 1}};
    run->config->talk->write(run->config->talk, iov, 2);
}

static int play(struct drill_run *run, const struct drill_event *event)
{
    if (event->kind == DRILL_PACKET && event->packet.out)
        return drill_expect(run, event);
    drill_pass_time(run, run->scheduled);
    if (run->stopped)
        return -1;
    switch (event->kind) {
    case DRILL_PACKET:
        return drill_inject(run, &event->packet);
    case DRILL_CALL:
        return drill_call(run, event);
    case DRILL_COMMAND:
        drill_record_command(run, event);
        return drill_command_now(run, event);
    case DRILL_CODE:
        return drill_code(run, event);
    }
    return 0;
}

/* A packet in right after a packet in counts from when the first was to happen. With a clock that
 * is never late that is the same moment, but for a call that the first waited for. */
static void finish(struct drill_run *run, const struct drill_event *event)
{
    run->base = event->kind == DRILL_PACKET && !event->packet.out ? run->scheduled : run->now;
    run->before = run->scheduled;
    run->result->events++;
}

/* A call that still blocks at the end has a second to return. */
static int settle_last(struct drill_run *run)
{
    if (drill_call_settle(run, instant_add(run->now, NS_PER_S)))
        return -1;
    if (!run->op.waiting)
        return 0;
    drill_fail(run, run->op.event->place.line, "%s() has not returned 1 s after the last event",
               run->op.call->name);
    drill_explain(run, run->op.event, NULL);
    return -1;
}

int drill_play(struct drill_run *run)
{
    run->base = run->before = run->begin;
    for (uint32_t i = 0; i < run->script.event_count; i++) {
        const struct drill_event *event = &run->script.events[i];
        run->event = event;
        run->scheduled = schedule(run, event);
        if (event->time.clock == DRILL_AT && instant_before(run->scheduled, run->before))
            return drill_fail(run, event->place.line,
                              "time runs backward: this event is to "
                              "happen before the one before it");
        if (i == 0 && run->scheduled.ns != run->begin.ns)
            return drill_fail(run, event->place.line, "the first event must be at 0");
        talk(run, event);
        if (play(run, event) || run->stopped)
            return -1;
        finish(run, event);
    }
    return settle_last(run);
}
