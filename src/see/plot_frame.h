/*
 * plot_frame.h - what is around the samples of a chart: titles, axes, a grid, a legend.
 *
 * A page is 1280 by 720 pixels, light or dark as the viewer prefers. Inside src/see/plot*.c only.
 */
#ifndef TAPIO_SEE_PLOT_FRAME_H
#define TAPIO_SEE_PLOT_FRAME_H

#include "see/plot.h"
#include "see/svg.h"

/* A rectangle, in tenths of a pixel, and what its edges mean. */
struct plot_area {
    struct svg *svg;
    int64_t left, top, width, height;
    instant from, to;
    uint64_t most; /* the value at the top; the bottom is 0 */
};

enum { PLOT_LEFT = 860, PLOT_WIDTH = 9540, PLOT_TOP = 1000, PLOT_BOTTOM = 6600 };

int64_t plot_x(const struct plot_area *area, instant when);
/* Values above the top are beyond it, but not far. */
int64_t plot_y(const struct plot_area *area, uint64_t value);

/* What an axis counts, in powers of ten of what its values are. */
enum plot_unit { PLOT_OCTETS, PLOT_MICROSECONDS };

/* From the first octet of the file to the titles. */
void plot_begin(struct svg *svg, const char *chart, const struct plot_conn *conn,
                const struct plot_titles *titles);
/* The box, its grid and its labels; moments below it when `times`. What is drawn until
 * plot_area_end() is cut off at its edges. */
void plot_area_begin(const struct plot_area *area, enum plot_unit unit, const char *what,
                     bool times);
void plot_area_end(const struct plot_area *area);
void plot_end(struct svg *svg);

/* The legend grows downwards, on the right. */
struct plot_legend {
    struct svg *svg;
    int64_t at;
};

struct plot_legend plot_legend_of(struct svg *svg);
/* A line of class `class`. */
void plot_legend_line(struct plot_legend *legend, const char *class, const char *what);
/* A symbol of class `class`, `path` being relative to its middle, and how many there are. What it
 * means is shown to who points at it. */
void plot_legend_symbol(struct plot_legend *legend, const char *class, const char *path,
                        const char *what, uint64_t count, const char *meaning);
/* "1 of 8 ACKs" */
void plot_legend_note(struct plot_legend *legend, const char *before, uint64_t count,
                      const char *after);

#endif
