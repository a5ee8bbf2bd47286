/*
 * lab_draw.h - what happened, drawn: a ladder with the hosts at its sides, a frame layer by layer,
 * a row of bars.
 */
#ifndef TAPIO_SIM_LAB_DRAW_H
#define TAPIO_SIM_LAB_DRAW_H

#include "sim/lab_paper.h"
#include "sim/lab_run.h"

enum { LAB_NOTES = 24, LAB_NOTE_TEXT = 1200 };

/* A sentence below what a mark names. */
struct lab_note {
    int item;
    char text[LAB_NOTE_TEXT];
};

/* Which items of a ladder, and how. */
struct lab_ladder {
    int first, last;       /* items */
    bool kinds[4];         /* by enum lab_kind */
    bool fold, raw, ports; /* runs of segments in one line; numbers as on the wire; ports */
    bool noted_only;
    int host; /* segments of this host alone; -1: all */
    struct lab_note note[LAB_NOTES];
    int notes;
};

void lab_draw_ladder(struct lab_paper *paper, const struct lab_plan *plan,
                     const struct lab_result *result, const struct lab_ladder *ladder);

/* lab_peel.c */
void lab_draw_frame(struct lab_paper *paper, const struct lab_frame *frame);

struct lab_bars {
    int first, last; /* items */
    int host;
    int64_t every_ns;
};

void lab_draw_bars(struct lab_paper *paper, const struct lab_result *result,
                   const struct lab_bars *bars);

#endif
