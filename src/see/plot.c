/*
 * plot.c - the listener of plot.h: from events to samples.
 *
 * Segments are read from the packets themselves, windows and figures from the facts beside them,
 * and what was sent again from the decision to send it, which names its cause. A segment that is
 * sent and not beyond all others was drawn when it left first; then the decision is its mark.
 *
 * A track is an array that doubles up to its cap. Beyond it, samples are thinned out to half and
 * from then on only every second is kept; so a long run costs no more memory than a short one, and
 * all of it is drawn in the same detail.
 *
 * Left out: segments of more than 4 GB into a stream (their numbers begin anew), and what the stack
 * discarded.
 */
#include "see/plot.h"

#include <string.h>

#include "eth/eth_wire.h"
#include "ip/ipv4_wire.h"
#include "ip/ipv6_wire.h"
#include "see/summary.h"
#include "tcp/tcp_wire.h"

enum { ROOM_FIRST = 256 };

/* --- tracks ------------------------------------------------------------------------------- */

/* Room for one more, or NULL. */
static void *grow(struct memory *memory, struct plot_track *t, size_t size, uint32_t most)
{
    if (t->count == t->room) {
        uint32_t room = t->room ? u32_min(2 * t->room, most) : ROOM_FIRST;
        void *at = room > t->count ? memory_alloc(memory, room * size) : NULL;
        if (!at) {
            t->lost++;
            return NULL;
        }
        if (t->count > 0)
            memcpy(at, t->at, t->count * size);
        memory_release(memory, t->at, t->room * size);
        t->at = at;
        t->room = room;
    }
    return (uint8_t *)t->at + t->count++ * size;
}

/* Every second goes. */
static void halve(struct plot_track *t, size_t size)
{
    uint8_t *at = t->at;

    for (uint32_t i = 1; 2 * i < t->count; i++)
        memcpy(at + i * size, at + 2 * i * size, size);
    t->count = (t->count + 1) / 2;
    t->each *= 2;
}

/* Is this sample one of those that are kept? */
static bool is_kept(struct plot_track *t, size_t size)
{
    t->waiting++;
    if (t->waiting < t->each)
        return false;
    t->waiting = 0;
    if (t->count == PLOT_SAMPLES)
        halve(t, size);
    return true;
}

static void add_span(struct plot *plot, struct plot_track *t, const struct plot_span *span,
                     uint32_t most)
{
    struct plot_span *at = grow(plot->memory, t, sizeof(*at), most);

    if (at)
        *at = *span;
}

/* Neighbours become one, up to `each` segments; who has no neighbour stays. */
static void join_strokes(struct plot_track *t)
{
    struct plot_span *at = t->at;
    uint32_t kept = 0;

    assert(at);
    for (uint32_t i = 0; i < t->count; i++) {
        bool pair = i + 1 < t->count && at[i].to == at[i + 1].from;
        at[kept] = at[i];
        if (pair)
            at[kept].to = at[++i].to;
        kept++;
    }
    t->count = kept;
    t->each *= 2;
    if (kept > PLOT_SAMPLES / 4 * 3)
        halve(t, sizeof(*at));
}

static void add_stroke(struct plot *plot, struct plot_track *t, const struct plot_span *span)
{
    struct plot_span *last = t->count > 0 ? (struct plot_span *)t->at + t->count - 1 : NULL;

    if (last && last->to == span->from && t->waiting + 1 < t->each) {
        last->to = span->to;
        t->waiting++;
        return;
    }
    t->waiting = 0;
    if (t->count == PLOT_SAMPLES)
        join_strokes(t);
    add_span(plot, t, span, PLOT_SAMPLES);
}

static void add_point(struct plot *plot, struct plot_track *t, const struct plot_point *point)
{
    if (!is_kept(t, sizeof(*point)))
        return;
    struct plot_point *at = grow(plot->memory, t, sizeof(*at), PLOT_SAMPLES);
    if (at)
        *at = *point;
}

/* --- connections -------------------------------------------------------------------------- */

static struct plot_conn *conn_of(struct plot *plot, uint32_t id, instant when)
{
    struct plot_conn *conn = NULL;

    if (id == 0)
        return NULL;
    for (uint32_t i = 0; i < plot->count; i++) {
        if (plot->conn[i].id == id)
            conn = &plot->conn[i];
    }
    if (!conn && plot->count == PLOT_CONNECTIONS)
        plot->left_out += id > plot->newest;
    if (!conn && plot->count < PLOT_CONNECTIONS) {
        conn = &plot->conn[plot->count++];
        *conn = (struct plot_conn){.id = id, .first = when, .last = when};
        conn->sent.each = conn->acks.each = conn->sacks.each = conn->points.each = 1;
    }
    plot->newest = u32_max(plot->newest, id);
    return conn;
}

/* The number of an octet of ours, counted from our SYN. */
static uint32_t relative(const struct plot_conn *conn, uint32_t number)
{
    return number - conn->base;
}

static void base_on(struct plot_conn *conn, uint32_t number)
{
    if (conn->based)
        return;
    conn->based = true;
    conn->base = number;
}

/* --- packets ------------------------------------------------------------------------------ */

struct seen {
    struct tcp_segment seg;
    uint32_t len; /* as RFC 9293, 3.4, counts: with SYN and FIN */
};

static bool read_segment(struct bytes in, size_t total, struct seen *seen)
{
    if (tcp_parse(in, &seen->seg) != DROP_NONE || total < in.len - seen->seg.text.len)
        return false;
    size_t text_len = total - (in.len - seen->seg.text.len);
    seen->len = tcp_seg_len(&seen->seg) - (uint32_t)seen->seg.text.len + (uint32_t)text_len;
    return true;
}

/* The packet is the stack's own or was taken by it: nothing in it is judged again. */
static bool read_packet(struct bytes headers, bool ethernet, struct seen *seen)
{
    struct reader r = reader_of(headers);
    struct ipv4_header v4;
    struct ipv6_header v6;
    size_t len;

    if (ethernet)
        read_bytes(&r, ETH_HEADER);
    if (r.overrun || r.rest.len == 0)
        return false;
    if (r.rest.at[0] >> 4 == 6)
        return ipv6_read_header(&r, &v6, &len) && v6.next_header == IP_PROTOCOL_TCP &&
               read_segment(bytes_first(r.rest, len), len, seen);
    size_t before = r.rest.len;
    if (!ipv4_read_header(&r, &v4, &len) || v4.protocol != IP_PROTOCOL_TCP || v4.fragment_offset)
        return false;
    len -= size_min(len, before - r.rest.len);
    return read_segment(bytes_first(r.rest, len), len, seen);
}

static bool read_event(const struct event *event, struct seen *seen)
{
    uint8_t headers[SUMMARY_HEADERS];
    size_t len = 0;

    for (int i = 0; i < event->packet.iovcnt; i++) {
        const struct iovec *piece = &event->packet.iov[i];
        size_t n = size_min(piece->iov_len, sizeof(headers) - len);
        if (n > 0)
            memcpy(headers + len, piece->iov_base, n);
        len += n;
    }
    return read_packet(bytes_of(headers, len), event->packet.ethernet, seen);
}

static void take_sent(struct plot *plot, struct plot_conn *conn, const struct event *event,
                      const struct seen *seen)
{
    base_on(conn, seen->seg.flags & TCP_SYN ? seen->seg.seq.value : seen->seg.seq.value - 1);
    uint32_t from = relative(conn, seen->seg.seq.value), to = from + seen->len;
    struct plot_span span = {.when = event->when, .from = from, .to = to};

    span.why = (uint16_t)event->packet.why;
    if (event->packet.why == WHY_OUT_PROBE)
        add_span(plot, &conn->again, &span, PLOT_MARKS);
    else if (seen->len > 0 && to > conn->end)
        add_stroke(plot, &conn->sent, &span);
    if (seen->len == 0)
        return; /* an ACK of the other direction */
    conn->end = u32_max(conn->end, to);
    conn->last = event->when;
}

static void take_received(struct plot *plot, struct plot_conn *conn, const struct event *event,
                          const struct seen *seen)
{
    if (!(seen->seg.flags & TCP_ACK))
        return;
    base_on(conn, seen->seg.ack.value - 1);
    uint32_t ack = relative(conn, seen->seg.ack.value);
    struct plot_span span = {.when = event->when, .from = ack};

    span.to = ack + event->packet.facts->window;
    if (ack > conn->acked) {
        conn->acked = ack;
        conn->last = event->when;
    }
    if (is_kept(&conn->acks, sizeof(span)))
        add_span(plot, &conn->acks, &span, PLOT_SAMPLES);
    for (uint8_t i = 0; i < seen->seg.options.sack_count; i++) {
        span.from = relative(conn, seen->seg.options.sack[i].left.value);
        span.to = relative(conn, seen->seg.options.sack[i].right.value);
        if (is_kept(&conn->sacks, sizeof(span)))
            add_span(plot, &conn->sacks, &span, PLOT_SAMPLES);
    }
}

static void take_packet(struct plot *plot, const struct event *event)
{
    const struct conn_facts *facts = event->packet.facts;
    struct seen seen;

    if (!event->packet.tcp || !facts || event->packet.fate == PACKET_DROPPED)
        return;
    struct plot_conn *conn = conn_of(plot, facts->id, event->when);
    if (!conn || !read_event(event, &seen))
        return;
    conn->local = facts->local;
    conn->remote = facts->remote;
    if (event->packet.fate == PACKET_OUT)
        take_sent(plot, conn, event, &seen);
    else
        take_received(plot, conn, event, &seen);
    struct plot_point point = {.when = event->when,
                               .cwnd = facts->cwnd,
                               .ssthresh = facts->ssthresh,
                               .inflight = facts->inflight,
                               .srtt_us = facts->srtt_us};
    add_point(plot, &conn->points, &point);
}

/* --- decisions ---------------------------------------------------------------------------- */

static void take_retransmission(struct plot *plot, struct plot_conn *conn,
                                const struct event *event)
{
    base_on(conn, event->retransmit.seq);
    uint32_t from = relative(conn, event->retransmit.seq);
    struct plot_span span = {.when = event->when, .from = from, .to = from + event->retransmit.len};

    span.why = (uint16_t)event->retransmit.trigger;
    add_span(plot, &conn->again, &span, PLOT_MARKS);
}

/* Between two packets: what is in flight is as it was. */
static void take_cwnd(struct plot *plot, struct plot_conn *conn, const struct event *event)
{
    struct plot_point point = {0};

    if (conn->points.count > 0)
        point = ((const struct plot_point *)conn->points.at)[conn->points.count - 1];
    bool is_start = event->cwnd.ssthresh == UINT32_MAX && point.cwnd <= event->cwnd.cwnd &&
                    (point.ssthresh == UINT32_MAX || conn->points.count == 0);
    point.when = event->when;
    point.cwnd = event->cwnd.cwnd;
    point.ssthresh = event->cwnd.ssthresh;
    add_point(plot, &conn->points, &point);
    if (is_start) /* the initial window: nothing has been lost */
        return;
    struct plot_cut *cut = grow(plot->memory, &conn->cuts, sizeof(*cut), PLOT_CUTS);
    if (cut)
        *cut = (struct plot_cut){event->when, event->cwnd.cwnd, event->cwnd.ssthresh,
                                 event->cwnd.cause};
}

static void on_event(struct event_sink *sink, const struct event *event)
{
    struct plot *plot = CONTAINER_OF(sink, struct plot, sink);
    struct plot_conn *conn;

    if (plot->also)
        plot->also->event(plot->also, event);
    if (event->type == EVENT_PACKET) {
        take_packet(plot, event);
    } else if (event->type == EVENT_RETRANSMIT) {
        conn = conn_of(plot, event->conn, event->when);
        if (conn)
            take_retransmission(plot, conn, event);
    } else if (event->type == EVENT_CWND) {
        conn = conn_of(plot, event->conn, event->when);
        if (conn)
            take_cwnd(plot, conn, event);
    }
}

/* --- beginning and end -------------------------------------------------------------------- */

void plot_init(struct plot *plot, struct memory *memory, struct event_sink *also)
{
    *plot = (struct plot){.sink = {.event = on_event}, .also = also, .memory = memory};
}

void plot_fini(struct plot *plot)
{
    for (uint32_t i = 0; i < plot->count; i++) {
        struct plot_conn *conn = &plot->conn[i];
        struct plot_track *spans[] = {&conn->sent, &conn->again, &conn->acks, &conn->sacks};
        for (size_t j = 0; j < ARRAY_LEN(spans); j++)
            memory_release(plot->memory, spans[j]->at, spans[j]->room * sizeof(struct plot_span));
        memory_release(plot->memory, conn->points.at,
                       conn->points.room * sizeof(struct plot_point));
        memory_release(plot->memory, conn->cuts.at, conn->cuts.room * sizeof(struct plot_cut));
    }
    plot->count = 0;
}
