/*
 * plot.h - how a connection went, as charts: a listener that collects, and a writer of SVG.
 *
 * Two charts for each connection, of what one side sends:
 *
 *     sequence   octet numbers over time, as tcptrace draws them: a stroke for each segment, the
 *                line of what is acknowledged and that of the peer's window, blocks that SACK has
 *                told; what was sent again is marked by its cause
 *     window     cwnd, ssthresh and what is in flight over time, and below it SRTT; marked alike,
 *                and so is each decision about cwnd
 *
 * A listener keeps a bounded number of samples. When there are too many, what is new is kept in
 * less detail and what is old is thinned out: strokes of neighbouring segments become one, of the
 * others every second goes. A chart says so where it happened. What was sent again, and decisions
 * about cwnd, are never thinned out, only counted once there is no more room.
 */
#ifndef TAPIO_SEE_PLOT_H
#define TAPIO_SEE_PLOT_H

#include <tapio/event.h>

#include "base/instant.h"
#include "base/memory.h"
#include "base/sink.h"

enum {
    PLOT_CONNECTIONS = 16, /* that are kept, of one listener */
    PLOT_SAMPLES = 16384,  /* of each kind and connection */
    PLOT_MARKS = 3000,     /* of what was sent again, */
    PLOT_CUTS = 1500,      /* and of decisions about cwnd */
};

/* Octets [from, to) at a moment. Numbers are relative: 0 is the SYN, text begins with 1. */
struct plot_span {
    instant when;
    uint32_t from, to;
    uint16_t why; /* an enum why */
};

struct plot_point {
    instant when;
    uint32_t cwnd, ssthresh, inflight;
    int64_t srtt_us;
};

/* A loss or its repair has set cwnd anew. */
struct plot_cut {
    instant when;
    uint32_t cwnd, ssthresh;
    const char *cause; /* static storage */
};

/* Samples of one kind, in the order of time. */
struct plot_track {
    void *at; /* of struct plot_span, plot_point or plot_cut */
    uint32_t count, room;
    uint32_t each;    /* one is kept of so many; for strokes, so many segments are one */
    uint32_t waiting; /* came since one was kept */
    uint64_t lost;    /* no room, or no memory */
};

struct plot_conn {
    uint32_t id;
    struct endpoint local, remote;
    bool based;
    uint32_t base;            /* the number of our SYN */
    uint32_t end;             /* relative: beyond what was ever sent, */
    uint32_t acked;           /* and what the peer has acknowledged */
    instant first;            /* it was seen, */
    instant last;             /* and something was sent or newly acknowledged */
    struct plot_track sent;   /* spans: for the first time */
    struct plot_track again;  /* spans: not for the first time, probes included */
    struct plot_track acks;   /* spans: from what is acknowledged to the window's right edge */
    struct plot_track sacks;  /* spans: blocks */
    struct plot_track points; /* points */
    struct plot_track cuts;   /* cuts */
};

struct plot {
    struct event_sink sink;  /* for stack_listen() */
    struct event_sink *also; /* who listens as well; may be NULL */
    struct memory *memory;
    struct plot_conn conn[PLOT_CONNECTIONS];
    uint32_t count;
    uint32_t newest;   /* the largest id that was seen */
    uint32_t left_out; /* connections that came when there was no more room */
};

/* `memory` must outlive it. */
void plot_init(struct plot *plot, struct memory *memory, struct event_sink *also);
/* Take the listener off the stack first. */
void plot_fini(struct plot *plot);

enum plot_chart { PLOT_SEQUENCE, PLOT_WINDOW };
enum { PLOT_CHARTS = PLOT_WINDOW + 1 };

/* "sequence" */
const char *plot_chart_name(enum plot_chart chart);

/* What a chart says above itself. Octets that are no printable ASCII are shown as '?'. */
struct plot_titles {
    const char *side;     /* "client" */
    const char *run;      /* which run it was: "tapio sim --seed 7" */
    const char *settings; /* and what is to be known of it */
};

/* Writes the chart of the connection at `index` as one SVG file, below a megabyte. 0, or the
 * sink's error. */
NODISCARD int plot_write(const struct plot *plot, uint32_t index, enum plot_chart chart,
                         const struct plot_titles *titles, struct octet_sink *out);

#endif
