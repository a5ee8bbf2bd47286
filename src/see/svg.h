/*
 * svg.h - writes an SVG file, piece by piece, through a sink: text, numbers, and lines of samples.
 *
 * Coordinates are tenths of a pixel. A line of samples is drawn as steps; however many samples
 * there are, what is drawn in one column of half a pixel is at most what can be seen of them: from
 * the lowest to the highest.
 */
#ifndef TAPIO_SEE_SVG_H
#define TAPIO_SEE_SVG_H

#include "base/sink.h"

struct svg {
    struct octet_sink *out;
    size_t len; /* in `buffer` */
    uint64_t octets;
    int error; /* the sink's; nothing is written after it */
    char buffer[4096];
};

void svg_init(struct svg *svg, struct octet_sink *out);
/* Writes what is left. 0, or the error. */
NODISCARD int svg_finish(struct svg *svg);

/* As it stands: markup, less than 4096 octets of it. */
void svg_add(struct svg *svg, const char *markup);
/* Text of somebody else's: escaped, and what is not printable ASCII is '?'. */
void svg_add_text(struct svg *svg, const char *text);
void svg_add_u64(struct svg *svg, uint64_t value);
/* A coordinate in pixels: "12.3". */
void svg_add_at(struct svg *svg, int64_t tenths);
/* ` name="12.3"` */
void svg_add_attribute(struct svg *svg, const char *name, int64_t tenths);
/* Of `value` / 10^`power` so many decimals; what is behind them is cut off. */
void svg_add_decimal(struct svg *svg, uint64_t value, unsigned power, unsigned decimals);

/* Part of a path: from step to step. */
struct svg_steps {
    struct svg *svg;
    bool open;
    int64_t column;    /* of what is being collected: */
    int64_t at;        /* the newest height, */
    int64_t low, high; /* and the extremes in this column */
    int64_t pen_x, pen_y;
};

static inline struct svg_steps svg_steps_of(struct svg *svg)
{
    return (struct svg_steps){.svg = svg};
}

void svg_step(struct svg_steps *steps, int64_t x, int64_t y);
/* The last height holds until `x`. Another line may begin with the next step. */
void svg_steps_end(struct svg_steps *steps, int64_t x);

#endif
