/*
 * live_tell.c - the lines of the recorder: samples, decisions, the greeting.
 *
 * A line has a most, LIVE_LINE, and each part of it stops before there is no room for its next
 * piece: what is left of connections comes with the next sample, as each has its turn to be first;
 * of packets no more are kept than there is room for.
 */
#include "see/live_inside.h"

#include "base/json.h"

enum {
    CONN_ROOM = 640,     /* octets that a connection may take in a line, */
    PACKET_ROOM = 230,   /* a packet, */
    DECISION_ROOM = 400, /* a decision, */
    TAIL_ROOM = 1200,    /* and what stands behind all of these */
    DECISIONS = 24,      /* in one line, */
    DECISIONS_LOOKED = 512,
    DROPS_TOLD = 16,
};

uint64_t live_us(const struct live *live, instant when)
{
    const int64_t ns = instant_since(when, live->began);

    return ns > 0 ? (uint64_t)(ns / NS_PER_US) : 0; /* older than we are: decisions */
}

static bool has_room(const struct text *line, size_t octets)
{
    return line->room - line->len > octets;
}

/* --- connections ----------------------------------------------------------------------------- */

static void add_known(struct json *j, const char *key, uint64_t value)
{
    if (value != SNAPSHOT_UNKNOWN)
        json_add_u64(j, key, value);
}

static void add_endpoint(struct json *j, const char *key, struct endpoint end)
{
    char text[ENDPOINT_TEXT];

    json_add_string(j, key, endpoint_format(end, text));
}

static void add_timer(struct json *j, const struct stack_snapshot *is)
{
    int first = -1;

    for (int i = 0; i < TIMER_KIND_COUNT; i++)
        if (is->timer_ns[i] >= 0 && (first < 0 || is->timer_ns[i] < is->timer_ns[first]))
            first = i;
    if (first < 0)
        return;
    json_add_string(j, "timer", timer_kind_name((enum timer_kind)first));
    json_add_i64(j, "timer_us", is->timer_ns[first] / NS_PER_US);
}

static void tell_conn(struct json *j, const struct live_conn *conn)
{
    const struct stack_snapshot *is = &conn->is;

    json_open(j, '{');
    json_add_u64(j, "id", conn->id);
    json_add_string(j, "state", tcp_state_name(is->state));
    add_endpoint(j, "local", is->local);
    add_endpoint(j, "remote", is->remote);
    if (conn->is_own)
        json_add_bool(j, "own", true);
    add_known(j, "cwnd", is->cwnd_octets);
    add_known(j, "ssthresh", is->ssthresh_octets);
    add_known(j, "inflight", is->inflight_octets);
    add_known(j, "srtt_us", is->rtt_us);
    add_known(j, "rto_us", is->rto_us);
    if (conn->placed) {
        add_known(j, "snd_wnd", is->snd_wnd_octets);
        add_known(j, "mss", is->mss_octets);
        add_known(j, "scale", is->rcv_wscale); /* of the windows that we tell */
        add_known(j, "sent", is->sent_octets);
        add_known(j, "acked", is->acked_octets);
        add_known(j, "received", is->received_octets);
        add_known(j, "again", is->retransmitted_segments);
        if (is->limit != LIMIT_NONE)
            json_add_string(j, "limit", snapshot_limit_key(is->limit));
        if (is->phase)
            json_add_string(j, "phase", is->phase);
        if (is->congestion_control)
            json_add_string(j, "cc", is->congestion_control);
        add_timer(j, is);
    }
    json_close(j, '}');
}

static void tell_conns(struct live *live, struct json *j)
{
    int told = 0;

    json_open_member(j, "conns", '[');
    for (uint32_t i = 0; i < LIVE_CONNS && told < LIVE_TOLD; i++) {
        struct live_conn *conn = &live->conn[(live->turn + i) % LIVE_CONNS];
        if (!conn->id || !conn->news)
            continue;
        tell_conn(j, conn);
        conn->news = false;
        told++;
        if (told == LIVE_TOLD)
            live->turn = (live->turn + i + 1) % LIVE_CONNS;
    }
    json_close(j, ']');
    json_open_member(j, "gone", '[');
    for (uint32_t i = 0; i < live->gone_count; i++)
        json_add_element_u64(j, live->gone[i]);
    live->gone_count = 0;
    json_close(j, ']');
}

/* --- packets --------------------------------------------------------------------------------- */

static void tell_packet(const struct live *live, struct json *j, const struct live_packet *p)
{
    json_open(j, '[');
    json_add_element_u64(j, p->id);
    json_add_element_u64(j, live_us(live, p->when));
    json_add_element_u64(j, p->conn);
    json_add_element_u64(j, p->fate);
    json_add_element(j, why_key(p->why));
    if (p->tcp) {
        json_add_element_u64(j, p->seq);
        json_add_element_u64(j, p->ack);
        json_add_element_u64(j, p->window);
        json_add_element_u64(j, p->text);
        json_add_element_u64(j, p->flags);
        json_open(j, '[');
        for (uint32_t i = 0; i < 2u * p->sacks; i++)
            json_add_element_u64(j, p->sack[i]);
        json_close(j, ']');
        if (p->fate == PACKET_DROPPED)
            json_add_element(j, drop_name(p->drop));
    }
    json_close(j, ']');
}

uint64_t live_passed(const struct live *live)
{
    struct stack_counters now;

    stack_counters(live->stack, &now);
    return now.received + now.sent;
}

static void tell_packets(struct live *live, struct json *j)
{
    uint64_t told = 0;

    json_open_member(j, "packets", '[');
    for (; live->packets_told < live->packets; live->packets_told++) {
        if (!has_room(j->out, PACKET_ROOM + TAIL_ROOM))
            continue;
        tell_packet(live, j, &live->packet[live->packets_told % LIVE_PACKETS]);
        told++;
    }
    json_close(j, ']');
    told += live->own_readers ? 0 : live->own_heard;
    const uint64_t passed = live_passed(live) - live->passed;
    json_add_u64(j, "left_out", passed > told ? passed - told : 0);
    live->passed += passed;
    live->plain = live->notable = live->heard = live->own_heard = 0;
}

/* --- a sample -------------------------------------------------------------------------------- */

/* Totals, and of drops those that have changed: each change is told of, if not at once. */
static void tell_counters(struct live *live, struct json *j)
{
    struct stack_counters now;
    int told = 0;

    stack_counters(live->stack, &now);
    json_add_u64(j, "received", now.received);
    json_add_u64(j, "consumed", now.consumed);
    json_add_u64(j, "sent", now.sent);
    json_open_member(j, "drops", '{');
    for (int i = 1; i < DROP_COUNT && told < DROPS_TOLD; i++) {
        if (now.drops[i] == live->counters.drops[i])
            continue;
        json_add_u64(j, drop_name((enum drop)i), now.drops[i]);
        live->counters.drops[i] = now.drops[i];
        told++;
    }
    json_close(j, '}');
}

static void tell_wire(const struct live *live, struct json *j)
{
    struct control_wire wire[CONTROL_WIRES];

    if (!live->config.ops)
        return;
    live->config.ops->wire(live->config.ops->context, wire);
    json_open_member(j, "wire", '[');
    for (int i = 0; i < CONTROL_WIRES; i++) {
        json_open(j, '{');
        json_add_u64(j, "loss_ppm", wire[i].loss_ppm);
        json_add_i64(j, "delay_us", wire[i].delay_us);
        json_add_u64(j, "rate_bps", wire[i].rate_bps);
        json_add_u64(j, "lost", wire[i].lost);
        json_add_u64(j, "rate_dropped", wire[i].rate_dropped);
        json_close(j, '}');
    }
    json_close(j, ']');
}

void live_tell_sample(struct live *live, struct text *line, instant now)
{
    struct json j = json_of(line);

    json_open(&j, '{');
    json_add_string(&j, "type", "sample");
    json_add_u64(&j, "n", live->samples);
    json_add_u64(&j, "us", live_us(live, now));
    tell_conns(live, &j);
    tell_packets(live, &j);
    tell_counters(live, &j);
    tell_wire(live, &j);
    json_close(&j, '}');
}

static_assert((int)LIVE_TOLD * (int)CONN_ROOM + (int)TAIL_ROOM < (int)LIVE_LINE, "they fit");

void live_tell_hello(const struct live *live, struct text *line, instant now)
{
    struct json j = json_of(line);

    json_open(&j, '{');
    json_add_string(&j, "type", "hello");
    json_add_u64(&j, "schema", LIVE_SCHEMA);
    json_add_u64(&j, "tick_ms", LIVE_TICK_MS);
    json_add_string(&j, "device", live->config.device);
    json_add_u64(&j, "us", live_us(live, now));
    json_close(&j, '}');
}

/* --- decisions ------------------------------------------------------------------------------- */

static const char *held_words(const struct event *event)
{
    return held_key(event->held.by);
}

/* What a decision says beside who and when; false: it is none that is shown. */
static bool tell_what(struct json *j, const struct event *event)
{
    switch ((int)event->type) {
    case EVENT_STATE:
        json_add_string(j, "from", tcp_state_name(event->state.from));
        json_add_string(j, "to", tcp_state_name(event->state.to));
        json_add_string(j, "cause", event->state.cause);
        add_endpoint(j, "local", event->state.local);
        add_endpoint(j, "remote", event->state.remote);
        return true;
    case EVENT_RETRANSMIT:
        json_add_u64(j, "seq", event->retransmit.seq);
        json_add_u64(j, "len", event->retransmit.len);
        json_add_string(j, "why", why_key(event->retransmit.trigger));
        json_add_u64(j, "times", event->retransmit.count);
        return true;
    case EVENT_CWND:
        json_add_u64(j, "cwnd", event->cwnd.cwnd);
        if (event->cwnd.ssthresh != UINT32_MAX)
            json_add_u64(j, "ssthresh", event->cwnd.ssthresh);
        json_add_string(j, "cause", event->cwnd.cause);
        return true;
    case EVENT_STALL:
    case EVENT_RESUME:
        json_add_string(j, "by", held_words(event));
        return true;
    case EVENT_RESET:
        json_add_bool(j, "sent", event->reset.sent);
        json_add_string(j, "why", why_key(event->reset.why));
        return true;
    default:
        return false;
    }
}

static bool is_shown(const struct event *event)
{
    switch ((int)event->type) {
    case EVENT_STATE:
    case EVENT_RETRANSMIT:
    case EVENT_CWND:
    case EVENT_STALL:
    case EVENT_RESUME:
    case EVENT_RESET:
        return event->conn != 0;
    default:
        return false;
    }
}

static void tell_decision(const struct live *live, struct json *j, const struct event *event,
                          uint64_t n)
{
    json_open(j, '{');
    json_add_u64(j, "n", n);
    json_add_u64(j, "us", live_us(live, event->when));
    json_add_u64(j, "conn", event->conn);
    json_add_string(j, "what", event_type_name(event->type));
    const bool is_told = tell_what(j, event);
    assert(is_told);
    json_close(j, '}');
}

bool live_tell_decisions(const struct live *live, struct live_reader *reader, struct text *line)
{
    const uint64_t made = stack_decisions_made(live->stack);
    struct json j = json_of(line);
    int told = 0;

    for (int looked = 0; looked < DECISIONS_LOOKED && reader->decision < made; looked++) {
        const uint64_t n = reader->decision++;
        const struct event *event = stack_decision(live->stack, (size_t)(made - 1 - n));
        if (!event || !is_shown(event))
            continue;
        if (told++ == 0) {
            json_open(&j, '{');
            json_add_string(&j, "type", "decisions");
            json_open_member(&j, "of", '[');
        }
        tell_decision(live, &j, event, n);
        if (told == DECISIONS || !has_room(line, DECISION_ROOM))
            break;
    }
    if (told == 0)
        return false;
    json_close(&j, ']');
    json_close(&j, '}');
    return true;
}
