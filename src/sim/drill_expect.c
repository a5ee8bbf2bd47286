/*
 * drill_expect.c - packets out: waiting for one, merging segments, and comparing field by field.
 *
 * Live numbers are brought back into the script's space first, so that what is compared is also
 * what a report shows. Packets of other connections are passed over; every packet of the connection
 * under test must be asked for in its order. There is no look-ahead: a surplus packet is noticed
 * when a later line meets it.
 */
#include "sim/drill_run.h"

/* The line, and what has been collected for it. */
struct wanted {
    struct drill_run *run;
    const struct drill_event *event;
    const struct drill_packet *packet;
    struct drill_conn *conn;
    struct drill_live *live; /* the last piece */
    struct drill_seen seen;  /* of it, with seq and CWR of the first, in the script's numbers */
    uint32_t len;            /* collected */
    bool zeros;              /* every octet of text was 0 */
    char after[200];         /* why no further piece was taken, when some are missing */
    char reason_buffer[DRILL_REASON];
    struct text reason; /* what differs, field by field; empty: nothing */
};

/* --- waiting ------------------------------------------------------------------------------ */

/* How long to wait without any packet: whole seconds to the event's latest time, and two more. */
static instant patience(const struct drill_run *run, const struct drill_event *event)
{
    if (event->time.clock == DRILL_WHENEVER)
        return INSTANT_NEVER;
    int64_t distance = instant_since(run->scheduled, run->before);
    if (event->time.range)
        distance += event->time.end_ns - event->time.start_ns;
    if (distance < 0)
        distance = 0;
    return instant_add(run->now, distance / NS_PER_S * NS_PER_S + 2 * NS_PER_S);
}

static bool is_syn(const struct drill_tcp *tcp)
{
    return (tcp->flags & (DRILL_SYN | DRILL_ACK)) == DRILL_SYN;
}

/* The first SYN to where connect() went tells which ports and numbers the stack chose. */
static bool begins(struct wanted *w, const struct drill_seen *seen)
{
    struct drill_conn *conn = w->conn;

    if (conn->stage != DRILL_CONNECTING || !is_syn(&seen->tcp) ||
        !endpoint_equal(seen->dst, conn->remote))
        return false;
    conn->local = seen->src;
    conn->live_isn = seen->tcp.seq;
    conn->script_isn = w->packet->tcp.seq;
    conn->stage = DRILL_SYN_SENT;
    return true;
}

static bool is_ours(struct wanted *w, const struct drill_seen *seen)
{
    if (w->packet->protocol == DRILL_ICMP)
        return (seen->protocol == DRILL_PROTO_ICMP || seen->protocol == DRILL_PROTO_ICMP6) &&
               ip_equal(seen->dst.addr, w->run->set.remote.addr);
    if (seen->protocol != DRILL_PROTO_TCP)
        return false;
    if (begins(w, seen))
        return true;
    return w->conn->stage != DRILL_CONNECTING && endpoint_equal(seen->src, w->conn->local) &&
           endpoint_equal(seen->dst, w->conn->remote);
}

/* The next packet of the connection under test, or NULL when none comes. */
static struct drill_live *next_live(struct wanted *w, struct drill_seen *seen)
{
    struct drill_run *run = w->run;
    instant limit = patience(run, w->event);

    for (;;) {
        struct drill_live *live = drill_live_take(run);
        if (live) {
            drill_read_packet(bytes_of(live->octets, live->len), seen);
            if (seen->broken || is_ours(w, seen))
                return live;
            drill_live_free(run, live);
            limit = patience(run, w->event);
        } else if (!drill_step(run, limit)) {
            return NULL;
        }
    }
}

/* --- merging ------------------------------------------------------------------------------ */

static bool all_zeros(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i])
            return false;
    }
    return true;
}

/* May `next` be a later piece of what `last` began? */
static bool continues(const struct drill_seen *last, const struct drill_seen *next)
{
    enum { SAME = DRILL_SYN | DRILL_RST | DRILL_ACK | DRILL_URG | DRILL_ECE | DRILL_AE };

    return last->tcp.seq + last->tcp.len == next->tcp.seq && last->header_len == next->header_len &&
           !((last->tcp.flags ^ next->tcp.flags) & SAME) && last->tcp.ack == next->tcp.ack &&
           last->tcp.win == next->tcp.win && last->tcp.urg == next->tcp.urg &&
           last->ttl == next->ttl && last->tos == next->tos;
}

/* The next piece into `next`, in place of what was the last; false when there is none. */
static bool take_piece(struct wanted *w, struct drill_seen *next)
{
    struct text after = text_of(w->after, sizeof(w->after));
    struct drill_live *live = next_live(w, next);

    if (live && !next->broken && continues(&w->seen, next)) {
        drill_live_free(w->run, w->live);
        w->live = live;
        w->seen = *next;
        w->seen.tcp.options = w->seen.options;
        return true;
    }
    if (!live) {
        text_add(&after, "nothing more came until ");
        text_add_seconds(&after, drill_script_ns(w->run, w->run->now));
        text_add(&after, " s");
    } else {
        text_add(&after, "the next packet is no piece of it: ");
        drill_to_script(w->conn, &next->tcp);
        drill_show_tcp(&after, &next->tcp, true);
        drill_live_free(w->run, live);
    }
    return false;
}

/* Takes the first piece, and more while the line's text is not all there. */
static int collect(struct wanted *w)
{
    struct drill_run *run = w->run;
    struct drill_seen next;
    uint32_t first_seq, first_cwr, size = 0;

    w->live = next_live(w, &w->seen);
    if (!w->live)
        return run->stopped ? -1 : drill_missing(run, w->event, w->conn);
    if (w->seen.broken || w->packet->protocol != DRILL_TCP)
        return 0;
    first_seq = w->seen.tcp.seq;
    first_cwr = w->seen.tcp.flags & DRILL_CWR;
    w->len = w->seen.tcp.len;
    w->zeros = all_zeros(w->seen.text);
    while (w->len < w->packet->tcp.len && !run->set.strict_segments) {
        if (size && w->seen.tcp.len && w->seen.tcp.len != size)
            break; /* all pieces but the last are of one size */
        size = w->seen.tcp.len;
        if (!take_piece(w, &next))
            break;
        w->len += next.tcp.len;
        w->zeros &= all_zeros(next.text);
    }
    w->seen.tcp.seq = first_seq;
    w->seen.tcp.len = w->len;
    w->seen.tcp.flags = (uint16_t)((w->seen.tcp.flags & ~(unsigned)DRILL_CWR) | first_cwr);
    return 0;
}

/* --- comparing ---------------------------------------------------------------------------- */

static void differ_begin(struct wanted *w)
{
    if (w->reason.len)
        text_add(&w->reason, "; ");
}

static void differ(struct wanted *w, const char *field, uint64_t expected, uint64_t came)
{
    if (expected == came)
        return;
    differ_begin(w);
    text_add(&w->reason, field);
    text_add(&w->reason, ": expected ");
    text_add_u64(&w->reason, expected);
    text_add(&w->reason, ", came ");
    text_add_u64(&w->reason, came);
}

static void differ_hex(struct wanted *w, const char *field, uint64_t expected, uint64_t came)
{
    if (expected == came)
        return;
    differ_begin(w);
    text_add(&w->reason, field);
    text_add(&w->reason, ": expected 0x");
    text_add_hex(&w->reason, expected, 2);
    text_add(&w->reason, ", came 0x");
    text_add_hex(&w->reason, came, 2);
}

static const char *ecn_name(unsigned bits)
{
    static const char *const names[] = {"noecn", "ect1", "ect0", "ce"};

    return names[bits & 3];
}

static void compare_ecn(struct wanted *w, enum drill_ecn want)
{
    static const uint8_t bits[] = {
        [DRILL_NOECN] = 0, [DRILL_ECT1] = 1, [DRILL_ECT0] = 2, [DRILL_CE] = 3, [DRILL_ECT01] = 1};
    unsigned came = w->seen.tos & 3;

    if (want == DRILL_ECN_UNSAID || came == bits[want] || (want == DRILL_ECT01 && came == 2))
        return;
    differ_begin(w);
    text_add(&w->reason, "ECN: expected ");
    text_add(&w->reason, want == DRILL_ECT01 ? "ect01" : ecn_name(bits[want]));
    text_add(&w->reason, ", came ");
    text_add(&w->reason, ecn_name(came));
}

/* Equal labels of the script stand for equal live ones, different ones for different ones. */
static void compare_flow(struct wanted *w)
{
    struct drill_conn *conn = w->conn;
    uint32_t script = w->packet->said.flowlabel, live = w->seen.flowlabel;

    if (!w->packet->said.has_flowlabel || !script || !conn)
        return;
    if (conn->flow_seen && (script == conn->flow_script) != (live == conn->flow_live)) {
        differ_begin(w);
        text_add(&w->reason, script == conn->flow_script
                                 ? "flow label: expected the one before, came another"
                                 : "flow label: expected a new one, came the one before");
    }
    conn->flow_seen = true;
    conn->flow_script = script;
    conn->flow_live = live;
}

static void compare_ip(struct wanted *w)
{
    const struct drill_annotation *said = &w->packet->said;

    compare_ecn(w, said->ecn);
    if (said->has_tos)
        differ_hex(w, "tos", said->tos, w->seen.tos);
    if (said->has_ttl && said->ttl != 255)
        differ(w, "ttl", said->ttl, w->seen.ttl);
    compare_flow(w);
}

static void compare_flags(struct wanted *w)
{
    uint16_t want = w->packet->tcp.flags, came = w->seen.tcp.flags;

    if (want == came)
        return;
    differ_begin(w);
    text_add(&w->reason, "flags: expected ");
    drill_show_flags(&w->reason, want);
    text_add(&w->reason, ", came ");
    drill_show_flags(&w->reason, came);
}

/* Equal but for TS: its val is compared only when the script says how long a tick is, and its ecr
 * never. */
static bool option_equal(const struct drill_tcp_option *want, const struct drill_tcp_option *came)
{
    bool octets = want->octet_count == came->octet_count &&
                  memcmp(want->octets, came->octets, want->octet_count) == 0;

    if (want->kind != came->kind)
        return false;
    switch (want->kind) {
    case DRILL_OPT_EOL:
    case DRILL_OPT_NOP:
    case DRILL_OPT_SACKOK:
    case DRILL_OPT_TS:
        return true;
    case DRILL_OPT_MSS:
    case DRILL_OPT_WSCALE:
        return want->value == came->value;
    case DRILL_OPT_SACK:
        return want->blocks == came->blocks &&
               memcmp(want->block, came->block, want->blocks * sizeof(want->block[0])) == 0;
    case DRILL_OPT_MD5:
    case DRILL_OPT_FO:
    case DRILL_OPT_FOEXP:
        return octets;
    case DRILL_OPT_ACCECN:
    case DRILL_OPT_UNKNOWN:
        return want->value == came->value && octets;
    }
    return false;
}

static void compare_options(struct wanted *w)
{
    const struct drill_tcp *want = &w->packet->tcp, *came = &w->seen.tcp;
    bool equal = want->option_count == came->option_count;

    if (want->list == DRILL_OPTIONS_ANY)
        return;
    for (int i = 0; equal && i < want->option_count; i++)
        equal = option_equal(&want->options[i], &came->options[i]);
    if (equal)
        return;
    differ_begin(w);
    text_add(&w->reason, "options: expected ");
    if (!want->option_count)
        text_add(&w->reason, "none");
    drill_show_options(&w->reason, want);
    text_add(&w->reason, ", came ");
    if (!came->option_count)
        text_add(&w->reason, "none");
    drill_show_options(&w->reason, came);
}

static void compare_tcp(struct wanted *w)
{
    const struct drill_tcp *want = &w->packet->tcp, *came = &w->seen.tcp;

    compare_flags(w);
    differ(w, "sequence number", want->seq, came->seq);
    differ(w, "length", want->len, came->len);
    if (want->flags & came->flags & DRILL_ACK)
        differ(w, "ack", want->ack, came->ack);
    else if (!(came->flags & DRILL_ACK))
        differ(w, "ack field without the flag", 0, came->ack);
    if (want->has_win)
        differ(w, "win", want->win, came->win);
    differ(w, "urgent pointer", want->has_urg ? want->urg : 0, came->urg);
    compare_options(w);
    if (!w->zeros)
        text_add(&w->reason,
                 w->reason.len ? "; the text is not all zeros" : "the text is not all zeros");
}

static void compare_icmp(struct wanted *w)
{
    const struct drill_icmp *want = &w->packet->icmp;

    differ(w, "ICMP type", want->type[w->seen.v6], w->seen.icmp_type);
    differ(w, "ICMP code", want->code[w->seen.v6], w->seen.icmp_code);
}

/* --- timestamps --------------------------------------------------------------------------- */

static const struct drill_tcp_option *find_ts(const struct drill_tcp *tcp)
{
    for (int i = 0; tcp->list == DRILL_OPTIONS_LIST && i < tcp->option_count; i++) {
        if (tcp->options[i].kind == DRILL_OPT_TS)
            return &tcp->options[i];
    }
    return NULL;
}

/* One tick of TS val is tcp_ts_tick_usecs; the first pair of a connection sets both clocks. */
static void compare_tick(struct wanted *w, uint32_t script, uint32_t live)
{
    struct drill_run *run = w->run;
    struct drill_conn *conn = w->conn;

    if (!run->set.ts_tick_us)
        return;
    if (!conn->ts_shifted) {
        conn->ts_shifted = true;
        conn->ts_shift = live - script;
    }
    uint32_t came = live - conn->ts_shift;
    int64_t off = (int64_t)(int32_t)(came - script) * run->set.ts_tick_us * NS_PER_US;
    if ((off < 0 ? -off : off) > drill_tolerance(run, drill_script_ns(run, w->live->when)))
        differ(w, "TS val", script, came);
}

static int learn_ts(struct wanted *w)
{
    const struct drill_tcp_option *script = find_ts(&w->packet->tcp);
    const struct drill_tcp_option *live = find_ts(&w->seen.tcp);

    if (!script || !live)
        return 0;
    compare_tick(w, script->value, live->value);
    return drill_ts_learn(w->run, w->conn, script->value, live->value);
}

/* --- time --------------------------------------------------------------------------------- */

static void compare_time(struct wanted *w)
{
    const struct drill_time *time = &w->event->time;
    struct drill_run *run = w->run;
    int64_t tolerance = drill_tolerance(run, instant_since(run->scheduled, run->before));
    instant until = run->scheduled, came = w->live->when;

    if (time->clock == DRILL_WHENEVER)
        return;
    if (time->range)
        until = instant_add(until, time->end_ns - time->start_ns);
    bool early = instant_since(run->scheduled, came) > tolerance;
    bool late = instant_since(came, until) > tolerance;
    if (!early && !late)
        return;
    differ_begin(w);
    text_add(&w->reason, early ? "too early: expected at " : "too late: expected at ");
    text_add_seconds(&w->reason, drill_script_ns(run, run->scheduled));
    if (time->range) {
        text_add(&w->reason, " to ");
        text_add_seconds(&w->reason, drill_script_ns(run, until));
    }
    text_add(&w->reason, " s, came at ");
    text_add_seconds(&w->reason, drill_script_ns(run, came));
    text_add(&w->reason, " s (tolerance ");
    text_add_u64(&w->reason, (uint64_t)(tolerance / NS_PER_US));
    text_add(&w->reason, " us)");
}

/* --- the line ----------------------------------------------------------------------------- */

/* Who sends the packet that the line names? */
static int find_conn(struct wanted *w)
{
    struct drill_run *run = w->run;
    struct drill_conn *conn = run->under_test;
    uint32_t line = w->event->place.line;

    w->conn = conn;
    if (w->packet->protocol != DRILL_TCP)
        return 0;
    if (!conn || conn->stage == DRILL_FRESH || conn->stage == DRILL_LISTENING)
        return drill_fail(run, line,
                          "no matching socket: it has neither called connect() nor got a packet");
    if (conn->stage == DRILL_CONNECTING && !is_syn(&w->packet->tcp))
        return drill_fail(run, line, "the first packet out after connect() must be a SYN");
    return 0;
}

static int judge(struct wanted *w)
{
    struct drill_run *run = w->run;
    const struct drill_tcp *line = &w->packet->tcp;

    if (w->seen.broken)
        return drill_mismatch(run, w->event, w->live, NULL, w->seen.broken, "");
    if (w->packet->protocol == DRILL_TCP) {
        if (w->conn->stage == DRILL_SYN_GOT && line->flags & w->seen.tcp.flags & DRILL_SYN) {
            w->conn->script_isn = line->seq;
            w->conn->live_isn = w->seen.tcp.seq;
            w->conn->stage = DRILL_SYNACK_SENT;
        }
        drill_to_script(w->conn, &w->seen.tcp);
        compare_tcp(w);
        if (learn_ts(w))
            return -1;
    } else {
        compare_icmp(w);
    }
    compare_ip(w);
    compare_time(w);
    if (!w->reason.len)
        return 0;
    bool length = w->packet->protocol == DRILL_TCP && line->len != w->seen.tcp.len;
    if (run->set.packets_warn && !length)
        return 0;
    return drill_mismatch(run, w->event, w->live, &w->seen, w->reason.at, w->after);
}

int drill_expect(struct drill_run *run, const struct drill_event *event)
{
    struct wanted w = {.run = run, .event = event, .packet = &event->packet, .zeros = true};

    w.reason = text_of(w.reason_buffer, sizeof(w.reason_buffer));
    int err = find_conn(&w);
    if (!err)
        err = collect(&w);
    if (!err)
        err = judge(&w);
    drill_live_free(run, w.live);
    return err;
}
