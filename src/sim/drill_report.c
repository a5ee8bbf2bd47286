/*
 * drill_report.c - why a script failed, for people.
 *
 * The reason is one line that names what was expected and what came. Below it stand the script's
 * line, the packet in the script's own numbers, and what the stack itself has to say
 * (drill_watch.c). The first failure counts: what follows from it would only confuse.
 */
#include <stdarg.h>
#include <stdio.h>

#include "sim/drill_run.h"

const char *drill_skip_name(enum drill_skip skip)
{
    static const char *const names[] = {
#define TAPIO_X(id, name) name,
        DRILL_SKIP_LIST(TAPIO_X)
#undef TAPIO_X
    };

    return names[skip];
}

static int stop(struct drill_run *run, enum drill_outcome outcome, uint32_t line,
                const char *format, va_list arguments)
{
    if (run->stopped)
        return -1;
    run->stopped = true;
    run->result->outcome = outcome;
    run->result->line = line;
    vsnprintf(run->result->reason, sizeof(run->result->reason), format, arguments);
    for (char *at = run->result->reason; *at; at++) { /* of a script of several lines: one line */
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = ' ';
    }
    return -1;
}

int drill_fail(struct drill_run *run, uint32_t line, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    stop(run, DRILL_FAILED, line, format, arguments);
    va_end(arguments);
    return -1;
}

int drill_skip(struct drill_run *run, enum drill_skip skip, uint32_t line, const char *format, ...)
{
    va_list arguments;

    if (!run->stopped)
        run->result->skip = skip;
    va_start(arguments, format);
    stop(run, DRILL_SKIPPED, line, format, arguments);
    va_end(arguments);
    return -1;
}

void drill_note(struct drill_run *run, const char *label, const char *format, ...)
{
    char *at = run->result->report;
    size_t len = strlen(at), room = sizeof(run->result->report);
    va_list arguments;

    int head = snprintf(at + len, room - len, "    %-9s ", label);
    len = size_min(len + (size_t)head, room - 1);
    va_start(arguments, format);
    int body = vsnprintf(at + len, room - len, format, arguments);
    va_end(arguments);
    len = size_min(len + (size_t)body, room - 1);
    if (len + 1 < room) {
        at[len] = '\n';
        at[len + 1] = '\0';
    }
}

/* --- numbers ------------------------------------------------------------------------------ */

void drill_to_script(const struct drill_conn *conn, struct drill_tcp *tcp)
{
    bool syn = tcp->flags & DRILL_SYN;

    if (!conn)
        return;
    tcp->seq -= syn ? conn->live_isn - conn->script_isn : conn->live_isn;
    if (syn)
        return; /* the peer's numbers are the same in both spaces */
    if (tcp->flags & DRILL_ACK)
        tcp->ack -= conn->peer_isn;
    for (int i = 0; i < tcp->option_count; i++) {
        for (int k = 0; k < tcp->options[i].blocks; k++) {
            tcp->options[i].block[k].left -= conn->peer_isn;
            tcp->options[i].block[k].right -= conn->peer_isn;
        }
    }
}

void drill_from_peer(const struct drill_conn *conn, struct drill_tcp *tcp)
{
    bool syn = tcp->flags & DRILL_SYN;
    uint32_t ours = 0;

    if (!conn)
        return;
    ours = syn ? conn->live_isn - conn->script_isn : conn->live_isn;
    if (!syn)
        tcp->seq -= conn->peer_isn;
    if (tcp->flags & DRILL_ACK)
        tcp->ack -= ours;
    for (int i = 0; i < tcp->option_count; i++) {
        for (int k = 0; k < tcp->options[i].blocks; k++) {
            tcp->options[i].block[k].left -= ours;
            tcp->options[i].block[k].right -= ours;
        }
    }
}

/* --- packets out -------------------------------------------------------------------------- */

void drill_explain(struct drill_run *run, const struct drill_event *event,
                   const struct drill_live *came)
{
    drill_note(run, "line", "%s", event->source);
    drill_watch_explain(run, came);
}

static void show_came(struct drill_run *run, const struct drill_event *event,
                      const struct drill_live *live, const struct drill_seen *seen)
{
    char buffer[400], when[32];
    struct text text = text_of(buffer, sizeof(buffer)), at = text_of(when, sizeof(when));

    text_add_seconds(&at, drill_script_ns(run, live->when));
    if (seen && seen->protocol == DRILL_PROTO_TCP) {
        drill_show_tcp(&text, &event->packet.tcp, false);
        drill_note(run, "expected", "%s", buffer);
        text = text_of(buffer, sizeof(buffer));
        drill_show_tcp(&text, &seen->tcp, true);
        drill_note(run, "came", "%s   at %s s", buffer, when);
    } else {
        drill_note(run, "came", "a packet of %u octets at %s s", live->len, when);
    }
}

int drill_mismatch(struct drill_run *run, const struct drill_event *event,
                   const struct drill_live *live, const struct drill_seen *seen, const char *reason,
                   const char *after)
{
    if (run->stopped)
        return -1;
    drill_fail(run, event->place.line, "%s", reason);
    show_came(run, event, live, seen);
    if (after[0])
        drill_note(run, "then", "%s", after);
    drill_explain(run, event, live);
    return -1;
}

int drill_missing(struct drill_run *run, const struct drill_event *event,
                  const struct drill_conn *conn)
{
    char buffer[240], when[32], limit[32];
    struct text text = text_of(buffer, sizeof(buffer)), at = text_of(when, sizeof(when));
    struct text until = text_of(limit, sizeof(limit));

    (void)conn;
    if (run->stopped)
        return -1;
    if (event->packet.protocol == DRILL_TCP)
        drill_show_tcp(&text, &event->packet.tcp, false);
    else
        text_add(&text, "an ICMP packet");
    text_add_seconds(&at, drill_script_ns(run, run->scheduled));
    text_add_seconds(&until, drill_script_ns(run, run->now));
    if (event->time.clock == DRILL_WHENEVER)
        drill_fail(run, event->place.line,
                   "expected %s, and no packet came: nothing is planned after %s s", buffer, limit);
    else
        drill_fail(run, event->place.line, "expected %s at %s s, and no packet came", buffer, when);
    drill_explain(run, event, NULL);
    return -1;
}
