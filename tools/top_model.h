/*
 * top_model.h - what `tapio top` knows of a stack: the lines that came, kept in rings.
 *
 * `top` has three parts, and this is the first:
 *
 *     model  what was received (top_model.c, top_read.c). It draws nothing and knows no terminal.
 *     view   panes, drawn from the model and from what the watcher has chosen into a grid of
 *            characters (top_view.h). A test compares grids; nothing here is seen by eye alone.
 *     hands  a terminal through ncurses (top_screen.c), or plain lines (top_plain.c), and the
 *            control socket (top_feed.c). top.c joins them.
 *
 * A moment is a sample of the stack with all connections as they were then. Moments, packets,
 * headers and decisions each have a ring. A moment remembers how many packets and decisions there
 * were, so the view can show any moment that is still there as if it were now: that is how one
 * steps back. While the watcher looks at an old moment the model is held: what is new is read, so
 * that the present is known, but takes the place of nothing that is kept.
 *
 * A line that is none of those that see/live.h tells of changes nothing.
 */
#ifndef TAPIO_TOOLS_TOP_MODEL_H
#define TAPIO_TOOLS_TOP_MODEL_H

#include <jansson.h>
#include <tapio/snapshot.h>

#include "base/base.h"
#include "base/control_ops.h"
#include "see/live.h"

enum {
    TOP_CONNS = 64,
    TOP_MOMENTS = 750, /* a minute */
    TOP_PACKETS = 16384,
    TOP_DECISIONS = 4096,
    TOP_SACKS = 4,
    TOP_CAUSE = 200,
};

#define TOP_UNKNOWN UINT64_MAX

/* Figures of a connection under the names of the stream; TOP_UNKNOWN: not told. */
#define TOP_FIGURES(X)                                                                             \
    X(cwnd)                                                                                        \
    X(ssthresh)                                                                                    \
    X(inflight)                                                                                    \
    X(srtt_us)                                                                                     \
    X(rto_us)                                                                                      \
    X(snd_wnd)                                                                                     \
    X(mss)                                                                                         \
    X(sent)                                                                                        \
    X(acked)                                                                                       \
    X(received)                                                                                    \
    X(again)                                                                                       \
    X(timer_us)

struct top_conn {
    uint32_t id; /* 0: free */
    enum tcp_state state;
    bool own;  /* carries what an observer of the page asks */
    bool gone; /* it has ended */
    enum snapshot_limit limit;
#define X(name) uint64_t name;
    TOP_FIGURES(X)
#undef X
    bool has_out, has_in;       /* sequence numbers are counted from these, so that ... */
    uint32_t out_base, in_base; /* ... the first octet that was seen is number 1 */
    char local[ENDPOINT_TEXT], remote[ENDPOINT_TEXT];
    char phase[12], cc[12], timer[16]; /* "": none */
};

/* PACKET_OUT, PACKET_CONSUMED, PACKET_DROPPED, and a gap: so many packets were not told of. */
enum { TOP_GAP = 3 };

struct top_packet {
    uint64_t id, us;
    uint32_t conn;
    uint8_t fate, flags, sacks;
    bool tcp;
    enum why why;
    enum drop drop;
    uint32_t seq, ack, window;
    uint32_t text; /* of a gap: how many packets */
    uint32_t sack[2 * TOP_SACKS];
};

struct top_headers {
    uint64_t id;
    uint32_t len; /* of the whole packet */
    uint16_t kept;
    bool ethernet;
    uint8_t octets[LIVE_HEADERS];
};

struct top_decision {
    uint64_t us;
    uint32_t conn;
    enum event_type what; /* STATE, RETRANSMIT, CWND, STALL, RESUME, RESET */
    enum tcp_state from, to;
    uint32_t seq, len, times;
    uint64_t cwnd, ssthresh;
    bool sent; /* a reset that we sent */
    char cause[TOP_CAUSE];
};

struct top_moment {
    uint64_t us;
    uint64_t packets, decisions; /* as many were told of by then */
    uint64_t received, consumed, sent, dropped;
    uint64_t missed; /* samples before it that did not come */
    bool has_wire;
    struct control_wire wire[CONTROL_WIRES];
    uint32_t conns;
    struct top_conn *conn; /* as they were; the model's */
};

struct top_model {
    char device[32];
    bool greeted, held;
    struct top_conn conn[TOP_CONNS];
    uint64_t drops[DROP_COUNT];
    uint64_t moments, packets, headers, decisions; /* that were ever kept */
    struct top_moment *moment;                     /* rings */
    struct top_packet *packet;
    struct top_headers *header;
    struct top_decision *decision;
};

/* False: no memory. */
NODISCARD bool top_model_init(struct top_model *model);
void top_model_fini(struct top_model *model);

enum top_line {
    TOP_LINE_NONE,   /* nothing that we know of, or that changes what is seen */
    TOP_LINE_SAMPLE, /* there is a new moment, */
    TOP_LINE_ERROR,  /* the stack refuses, and says why in the member "error", */
    TOP_LINE_END,    /* or has ended well */
};

/* Takes a line of the stream. */
enum top_line top_read(struct top_model *model, const json_t *line);

/* The newest is number moments - 1. NULL: not there any more, or not yet. */
const struct top_moment *top_moment(const struct top_model *model, uint64_t number);
const struct top_packet *top_packet(const struct top_model *model, uint64_t number);
const struct top_decision *top_decision(const struct top_model *model, uint64_t number);
/* The number of the oldest that is there. */
uint64_t top_oldest_moment(const struct top_model *model);
uint64_t top_oldest_packet(const struct top_model *model);
uint64_t top_oldest_decision(const struct top_model *model);
/* By a packet's id; NULL: they were not told, or are forgotten. */
const struct top_headers *top_headers(const struct top_model *model, uint64_t id);

/* A connection at some moment; NULL: it was not there. */
const struct top_conn *top_conn_at(const struct top_moment *moment, uint32_t id);
/* In the present, and a place for it if it is new: the one that ended first gives way, or none. */
const struct top_conn *top_conn_find(const struct top_model *model, uint32_t id);
struct top_conn *top_conn_take(struct top_model *model, uint32_t id);
/* Octets a second that were acknowledged and received, over the last second before a moment;
 * TOP_UNKNOWN: it is too young. */
uint64_t top_rate(const struct top_model *model, uint64_t number, uint32_t id);

/* For top_read.c: where the next one goes, zeroed; NULL while that would cost one that is held. */
struct top_packet *top_put_packet(struct top_model *model);
struct top_headers *top_put_headers(struct top_model *model);
struct top_decision *top_put_decision(struct top_model *model);
/* The present becomes a moment. NULL: it is held, or there is no memory. */
struct top_moment *top_put_moment(struct top_model *model);

#endif
