/*
 * top_view.h - what `tapio top` shows: panes, drawn from the model into a grid.
 *
 * All that is drawn depends on the model, on what the watcher has chosen, and on the size: no clock
 * and no terminal. On 80x24 there are the connections and one pane at a time; from WIDE_COLS x
 * WIDE_ROWS on all panes are there at once. The arrangement is top_view.c's, each pane has its own
 * file, and a pane gets an area and fills it whatever its size.
 *
 *     title      device, totals, live or frozen
 *     wire       what is done to packets, and the keys that change it
 *     table      connections and what limits each; below it, the chosen one in more words
 *     ladder     segments between us and the peer, with the reason of each
 *     states     the state diagram, the current one lit, and the way there with the cause of each
 * step octets     the chosen packet, the field under the cursor, what it says and where that is
 * written cwnd       cwnd, ssthresh and what is in flight over time, and why cwnd was last cut
 *     decisions  what was decided, in sentences
 *     drops      what was discarded since the stack began, by reason
 */
#ifndef TAPIO_TOOLS_TOP_VIEW_H
#define TAPIO_TOOLS_TOP_VIEW_H

#include "top_grid.h"
#include "top_model.h"

enum {
    TOP_ROWS = 24, /* with less there is a line that says so */
    TOP_COLS = 80,
    WIDE_ROWS = 44, /* from here on all panes are shown */
    WIDE_COLS = 132,
};

enum top_pane {
    PANE_LADDER,
    PANE_STATES,
    PANE_OCTETS,
    PANE_CWND,
    PANE_DECISIONS,
    PANE_DROPS,
    PANE_COUNT
};

enum top_side { SIDE_OUT, SIDE_IN, SIDE_BOTH, SIDE_COUNT };

/* What the watcher has chosen. */
struct top_choice {
    bool frozen;
    uint64_t moment; /* when frozen: its number */
    uint32_t conn;   /* 0: the first that is alive */
    bool all;        /* packets and decisions of all connections, and of none */
    uint64_t packet; /* its number in the model, and 1; 0: the newest */
    char field[48];  /* its key; "": the first of TCP */
    int field_turn;  /* which of those with that key */
    enum top_pane pane;
    enum top_side side; /* of the wire, for the keys that change it */
    int zoom;           /* samples to a column of the chart, as a power of two */
    bool help;
    bool pinned; /* `conn` was chosen by freezing, and is anybody's again when time goes on */
    struct control_wire asked[CONTROL_WIRES]; /* what the wire was last asked to be, ... */
    uint64_t asked_at;                        /* ... when there were so many moments; 0: never */
    char note[160];                           /* the last line, once; "": the keys */
};

/* Draws all of it; `grid` has its size. */
void top_draw(struct grid *grid, const struct top_model *model, const struct top_choice *choice);

/* --- what is chosen, for the panes and the keys ------------------------------------------- */

/* The number of the moment that is shown, and the moment; NULL before the first sample. */
uint64_t top_shown(const struct top_model *model, const struct top_choice *choice);
const struct top_moment *top_shown_moment(const struct top_model *model,
                                          const struct top_choice *choice);
/* The chosen connection; NULL: there is none, or all are. */
const struct top_conn *top_chosen(const struct top_model *model, const struct top_choice *choice);
/* Connections in the order in which they are shown; how many there are. */
int top_order(const struct top_moment *moment, const struct top_conn *out[TOP_CONNS]);
/* Is it one of those that the ladder shows? Gaps are no packets. */
bool top_is_shown(const struct top_packet *packet, const struct top_conn *chosen);
/* The number of the chosen packet, or of the newest that is shown; UINT64_MAX: none. */
uint64_t top_chosen_packet(const struct top_model *model, const struct top_choice *choice);
/* The next one that is shown from there on, backwards with `step` -1; UINT64_MAX: none. */
uint64_t top_next_packet(const struct top_model *model, const struct top_choice *choice,
                         uint64_t from, int step);
/* The fields of the chosen packet, or NULL; and which of them is under the cursor. */
struct dissection;
const struct dissection *top_dissect(const struct top_model *model,
                                     const struct top_choice *choice);
uint32_t top_chosen_field(const struct dissection *d, const struct top_choice *choice);

/* --- panes --------------------------------------------------------------------------------- */

struct top_scene {
    const struct top_model *model;
    const struct top_choice *choice;
    const struct top_moment *moment;
    const struct top_conn *conn; /* NULL: none, or all */
};

void top_draw_table(struct area area, const struct top_scene *scene);
void top_draw_details(struct area area, const struct top_scene *scene);
void top_draw_ladder(struct area area, const struct top_scene *scene);
void top_draw_states(struct area area, const struct top_scene *scene);
void top_draw_octets(struct area area, const struct top_scene *scene);
void top_draw_cwnd(struct area area, const struct top_scene *scene);
void top_draw_decisions(struct area area, const struct top_scene *scene);
void top_draw_drops(struct area area, const struct top_scene *scene);

/* --- words --------------------------------------------------------------------------------- */

/* "1448", "14.5k", "1.45M": at most five columns. */
void top_add_count(struct text *out, uint64_t value);
/* "350us", "20.4ms", "1.25s". */
void top_add_time(struct text *out, uint64_t us);
/* "0", "1%", "0.5%". */
void top_add_loss(struct text *out, uint32_t ppm);
/* "0ms", "0.5ms", "20ms". */
void top_add_delay(struct text *out, uint64_t us);
/* "10Mbit/s"; "no limit". */
void top_add_rate(struct text *out, uint64_t bps);
/* Seconds and so many decimals. */
void top_add_seconds(struct text *out, uint64_t us, unsigned decimals);
/* A sequence number as this connection counts, from 1. */
int32_t top_relative(uint32_t number, bool known, uint32_t base);

#endif
