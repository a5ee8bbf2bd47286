/*
 * why.c - see why.h.
 *
 * The ring is walked from the newest decision to the oldest: once for the items, once for what has
 * become of their connections, which a small table keeps. So what ended a stall is met before the
 * stall. The beginning of a connection is met last; without it, and with a ring that has gone
 * round, something may have been overwritten, and the answer says so.
 */
#include "see/why.h"

#include <netinet/in.h>

#include "base/instant.h"

#define EPISODE_NS NS_PER_S

static const struct {
    const char *word, *done;
} abouts[WHY_ABOUTS] = {
#define TAPIO_X(id, word, done) [WHY_ABOUT_##id] = {word, done},
    WHY_ABOUT_LIST(TAPIO_X)
#undef TAPIO_X
};

const char *why_about_word(enum why_about about)
{
    assert(about < ARRAY_LEN(abouts));
    return abouts[about].word;
}

/* --- connections -------------------------------------------------------------------------- */

/* Where it is, or may be put: the table is never more than half full. */
static uint32_t place_of(const struct why_answer *why, uint32_t conn)
{
    uint32_t at = conn & (WHY_CONNS - 1);

    while (why->conns[at].conn != conn && why->conns[at].conn != 0)
        at = (at + 1) & (WHY_CONNS - 1);
    return at;
}

static const struct why_conn *find_conn(const struct why_answer *why, uint32_t conn)
{
    const struct why_conn *place = &why->conns[place_of(why, conn)];

    return conn > 0 && place->conn == conn ? place : NULL;
}

static void add_conn(struct why_answer *why, uint32_t conn)
{
    struct why_conn *place = &why->conns[place_of(why, conn)];

    if (conn > 0 && place->conn == 0)
        *place = (struct why_conn){.conn = conn, .resumed_at = INSTANT_NEVER};
}

/* What a decision says of a connection that the answer is about. */
static void note_conn(struct why_answer *why, const struct event *event)
{
    struct why_conn *conn = &why->conns[place_of(why, event->conn)];

    if (conn->conn == 0)
        return;
    conn->seen = true;
    if (event->type == EVENT_RESUME)
        conn->resumed_at = event->when;
    if (event->type != EVENT_STATE)
        return;
    conn->local = event->state.local;
    conn->remote = event->state.remote;
    conn->began |= event->state.from == TCPS_CLOSED;
    if (event->state.to == TCPS_CLOSED) {
        conn->ended = event->state.cause;
        conn->ended_at = event->when;
    }
}

/* --- items -------------------------------------------------------------------------------- */

static bool is_about(enum why_about about, enum event_type type)
{
    static const enum event_type types[WHY_ABOUTS] = {[WHY_ABOUT_DROP] = EVENT_DROP,
                                                      [WHY_ABOUT_RESET] = EVENT_RESET,
                                                      [WHY_ABOUT_STALL] = EVENT_STALL,
                                                      [WHY_ABOUT_RETRANSMIT] = EVENT_RETRANSMIT};

    return types[about] == type;
}

/* A drop that cannot be put down to a connection may still carry its addresses and ports. */
static bool is_of_conn(const struct why_answer *why, const struct event *event)
{
    const struct why_conn *conn;

    if (why->conn == 0 || event->conn == why->conn)
        return true;
    conn = find_conn(why, why->conn);
    return event->type == EVENT_DROP && event->conn == 0 && conn && conn->local.port &&
           event->drop.protocol == IPPROTO_TCP && endpoint_equal(event->drop.from, conn->remote) &&
           endpoint_equal(event->drop.to, conn->local);
}

/* Is it the same thing once more? `older` was earlier. */
static bool is_again(const struct why_item *item, const struct event *older)
{
    const struct event *newer = &item->event;

    if (newer->conn != older->conn)
        return false;
    switch ((int)newer->type) {
    case EVENT_DROP:
        return newer->drop.drop == older->drop.drop &&
               newer->drop.protocol == older->drop.protocol &&
               ip_equal(newer->drop.from.addr, older->drop.from.addr) &&
               endpoint_equal(newer->drop.to, older->drop.to);
    case EVENT_RESET:
        return newer->reset.sent == older->reset.sent && newer->reset.why == older->reset.why &&
               endpoint_equal(newer->reset.local, older->reset.local) &&
               ip_equal(newer->reset.remote.addr, older->reset.remote.addr);
    case EVENT_RETRANSMIT: /* what lies far apart is another trouble, unless it is the same text */
        return newer->retransmit.trigger == older->retransmit.trigger &&
               (newer->retransmit.seq == older->retransmit.seq ||
                instant_since(item->first, older->when) <= EPISODE_NS);
    default:
        return false;
    }
}

static void take(struct why_answer *why, const struct event *event)
{
    struct why_item *last = why->count > 0 ? &why->item[why->count - 1] : NULL;
    uint64_t octets = event->type == EVENT_RETRANSMIT ? event->retransmit.len : 0;

    if (last && why->more == 0 && is_again(last, event)) {
        last->times++;
        last->first = event->when;
        last->octets += octets;
        last->many_ports |=
            event->type == EVENT_RESET && event->reset.remote.port != last->event.reset.remote.port;
        return;
    }
    if (why->count == WHY_ITEMS) {
        why->more++;
        return;
    }
    struct why_item *item = &why->item[why->count++];
    *item = (struct why_item){.event = *event, .first = event->when, .times = 1, .octets = octets};
    add_conn(why, event->conn);
}

/* When it was over: of the stall that is met, all that came later has been met before. What another
 * stall took over from, without text in between, was over when that one began. */
static void end_stall(struct why_answer *why, struct why_item *item)
{
    struct why_conn *conn = &why->conns[place_of(why, item->event.conn)];

    item->is_over = !instant_is_never(conn->resumed_at) || conn->ended;
    item->over_at = instant_is_never(conn->resumed_at) ? conn->ended_at : conn->resumed_at;
    if (instant_before(item->over_at, item->event.when))
        item->over_at = item->event.when;
    conn->resumed_at = instant_add(item->event.when, -item->event.held.waited_ns);
}

/* The next older decision that may be looked at. */
static const struct event *older(const struct stack *stack, size_t back)
{
    return back < WHY_LOOKED ? stack_decision(stack, back) : NULL;
}

/* What became of the connections. */
static void look_up_conns(struct why_answer *why, const struct stack *stack)
{
    const struct event *event;
    uint32_t stalls = 0;

    for (size_t back = 0; (event = older(stack, back)); back++) {
        if (event->type == EVENT_STALL && why->about == WHY_ABOUT_STALL && stalls < why->count &&
            is_of_conn(why, event))
            end_stall(why, &why->item[stalls++]);
        note_conn(why, event);
    }
}

/* Whether what is older is still of the connection that is asked for. What has been taken by its
 * ends alone, before the next one of the same ends is met, is of that one. */
static bool part_by_ends(struct why_answer *why, const struct event *event)
{
    const struct why_conn *conn = find_conn(why, why->conn);

    if (!conn || event->type != EVENT_STATE || event->state.from != TCPS_CLOSED)
        return true;
    if (event->conn == why->conn)
        return false;
    if (endpoint_equal(event->state.local, conn->local) &&
        endpoint_equal(event->state.remote, conn->remote)) {
        why->count = 0;
        why->more = 0;
    }
    return true;
}

void why_gather(struct why_answer *why, const struct stack *stack, enum why_about about,
                uint32_t conn)
{
    const instant now = stack_now(stack);
    const struct event *event;

    *why = (struct why_answer){.about = about, .conn = conn, .now = now, .oldest = now};
    if (conn > 0) { /* first of all its endpoints */
        add_conn(why, conn);
        look_up_conns(why, stack);
        why->conns[place_of(why, conn)].resumed_at = INSTANT_NEVER;
    }
    bool is_in_time = true;
    for (size_t back = 0; (event = older(stack, back)); back++) {
        why->looked++;
        why->oldest = event->when;
        if (is_in_time && is_about(about, event->type) && is_of_conn(why, event))
            take(why, event);
        is_in_time = is_in_time && part_by_ends(why, event);
    }
    look_up_conns(why, stack);
    why->cut = stack_decisions_made(stack) > why->looked;
}

/* --- words -------------------------------------------------------------------------------- */

static void add_ago(struct text *out, const struct why_answer *why, instant when)
{
    int64_t ms = instant_since(why->now, when) / NS_PER_MS;

    text_add_i64(out, ms / 1000);
    text_add_char(out, '.');
    text_add_padded(out, (uint64_t)(ms % 1000), 3);
    text_add(out, " s ago");
}

static void add_span(struct text *out, int64_t ns)
{
    text_add_i64(out, ns / NS_PER_S);
    text_add_char(out, '.');
    text_add_padded(out, (uint64_t)(ns % NS_PER_S / NS_PER_MS), 3);
    text_add(out, " s");
}

static void add_count(struct text *out, uint64_t n, const char *one, const char *many)
{
    text_add_u64(out, n);
    text_add_char(out, ' ');
    text_add(out, n == 1 ? one : many);
}

static void add_names(struct text *out, uint32_t conn, struct endpoint local,
                      struct endpoint remote)
{
    if (conn) {
        text_add(out, "connection ");
        text_add_u64(out, conn);
        text_add(out, ", ");
    }
    text_add_endpoint(out, local);
    text_add(out, " with ");
    text_add_endpoint(out, remote);
}

static void add_when(struct text *out, const struct why_answer *why, const struct why_item *item)
{
    if (item->times > 1) {
        text_add(out, ", from ");
        add_ago(out, why, item->first);
        text_add(out, " to ");
    } else {
        text_add(out, ", ");
    }
    add_ago(out, why, item->event.when);
}

static const char *protocol_name(uint8_t protocol)
{
    switch (protocol) {
    case IPPROTO_TCP:
        return "TCP";
    case IPPROTO_UDP:
        return "UDP";
    case IPPROTO_ICMP:
        return "ICMP";
    case IPPROTO_ICMPV6:
        return "ICMPv6";
    default:
        return "IP";
    }
}

/* An address alone where there are no ports. */
static void add_end(struct text *out, struct endpoint end)
{
    if (end.port)
        text_add_endpoint(out, end);
    else
        text_add_ip(out, end.addr);
}

static void tell_drop(const struct why_answer *why, const struct why_item *item, struct text *out)
{
    const struct event *event = &item->event;

    text_add(out, drop_name(event->drop.drop));
    text_add(out, ": ");
    if (item->times > 1) {
        add_count(out, item->times, "packet", "packets");
        text_add(out, ", the last ");
    } else {
        text_add(out, "packet ");
    }
    text_add_u64(out, event->drop.packet);
    if (event->drop.protocol) {
        text_add(out, ", ");
        text_add(out, protocol_name(event->drop.protocol));
        text_add(out, " from ");
        add_end(out, event->drop.from);
        text_add(out, " to ");
        add_end(out, event->drop.to);
    }
    if (event->conn) {
        text_add(out, " (connection ");
        text_add_u64(out, event->conn);
        text_add_char(out, ')');
    }
    add_when(out, why, item);
}

static void tell_reset(const struct why_answer *why, const struct why_item *item, struct text *out)
{
    const struct event *event = &item->event;

    add_names(out, event->conn, event->reset.local, event->reset.remote);
    if (item->many_ports)
        text_add(out, " and other ports of it");
    text_add(out, event->reset.sent ? ": we sent " : ": the peer sent ");
    if (item->times > 1)
        add_count(out, item->times, "reset", "resets");
    else
        text_add(out, "a reset");
    add_when(out, why, item);
}

static void tell_stall(const struct why_answer *why, const struct why_item *item, struct text *out)
{
    const struct event *event = &item->event;
    instant began = instant_add(event->when, -event->held.waited_ns);
    int64_t waited = instant_since(item->is_over ? item->over_at : why->now, began);

    add_names(out, event->conn, event->held.local, event->held.remote);
    text_add(out, ": ");
    add_count(out, event->held.unsent, "octet", "octets");
    if (item->is_over) {
        text_add(out, " waited ");
        add_span(out, waited);
        text_add(out, ", until ");
        add_ago(out, why, item->over_at);
    } else {
        text_add(out, " began to wait ");
        add_ago(out, why, began);
        text_add(out, ", and it is not over");
    }
}

static void tell_retransmit(const struct why_answer *why, const struct why_item *item,
                            struct text *out)
{
    const struct event *event = &item->event;

    add_names(out, event->conn, event->retransmit.local, event->retransmit.remote);
    text_add(out, ": ");
    if (item->times > 1) {
        add_count(out, item->times, "segment", "segments");
        text_add(out, " with ");
    }
    add_count(out, item->octets, "octet", "octets");
    if (item->octets == 0)
        text_add(out, " (our SYN or FIN)");
    text_add(out, " sent again, seq ");
    text_add_u64(out, event->retransmit.seq);
    if (event->retransmit.count > 1) {
        text_add(out, " for the ");
        text_add_u64(out, event->retransmit.count);
        text_add(out, ". time in a row");
    }
    add_when(out, why, item);
}

void why_tell(const struct why_answer *why, const struct why_item *item, struct text *out)
{
    switch (why->about) {
    case WHY_ABOUT_DROP:
        tell_drop(why, item, out);
        break;
    case WHY_ABOUT_RESET:
        tell_reset(why, item, out);
        break;
    case WHY_ABOUT_STALL:
        tell_stall(why, item, out);
        break;
    case WHY_ABOUT_RETRANSMIT:
        tell_retransmit(why, item, out);
        break;
    }
}

const char *why_ended(const struct why_answer *why, const struct why_item *item)
{
    const struct why_conn *conn = find_conn(why, item->event.conn);

    return conn ? conn->ended : NULL;
}

static void add_nothing(const struct why_answer *why, struct text *out)
{
    text_add(out, "nothing ");
    if (why->conn) {
        text_add(out, "of connection ");
        text_add_u64(out, why->conn);
        text_add_char(out, ' ');
    }
    text_add(out, "was ");
    text_add(out, abouts[why->about].done);
}

void why_tell_end(const struct why_answer *why, struct text *out)
{
    const struct why_conn *conn = find_conn(why, why->conn);
    bool is_whole = !why->cut || (conn && conn->began);

    if (conn && !conn->seen && !why->cut) {
        text_add(out, "there has been no connection ");
        text_add_u64(out, why->conn);
        text_add(out, ": `tapio ss` lists those that live");
        return;
    }
    if (why->count == 0)
        add_nothing(why, out);
    if (why->more > 0) {
        text_add(out, "there are ");
        text_add_u64(out, why->more);
        text_add(out, " more before that");
    }
    if (is_whole)
        return;
    text_add(out, why->count == 0 || why->more > 0 ? ", as far as is remembered: " : "");
    text_add(out, "what was decided before ");
    add_ago(out, why, why->oldest);
    text_add(out, " is overwritten (see.ring)");
}
