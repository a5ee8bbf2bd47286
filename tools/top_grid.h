/*
 * top_grid.h - a screen of characters that is not on a terminal yet.
 *
 * Panes draw into areas, which cut off whatever goes beyond them. A cell is one character of one
 * column and a style, which says what it means and not how it looks. Where the terminal has no
 * UTF-8 a line or an arrow becomes the ASCII character that is most like it, when it is put: the
 * panes know nothing of that, and what matters is never told by a style or a special character
 * alone.
 */
#ifndef TAPIO_TOOLS_TOP_GRID_H
#define TAPIO_TOOLS_TOP_GRID_H

#include "base/text.h"

enum top_style {
    STYLE_PLAIN,
    STYLE_DIM,    /* there, and not important now */
    STYLE_STRONG, /* headings, and figures that matter */
    STYLE_BAR,    /* the first line, the names of panes */
    STYLE_LIT,    /* what is so now: the state, the chosen row, the field under the cursor */
    STYLE_BAD,    /* lost, dropped, sent again */
    STYLE_GOOD,   /* what came in */
    STYLE_NOTE,   /* what changes, and what asks for attention */
    STYLE_COUNT,
};

enum { GRID_ROWS = 200, GRID_COLS = 400 };

struct cell {
    uint32_t glyph; /* Unicode */
    uint8_t style;
};

struct grid {
    int rows, cols; /* of the part that is used */
    bool utf8;
    struct cell cell[GRID_ROWS][GRID_COLS];
};

struct area {
    struct grid *grid;
    int row, col, rows, cols;
};

void grid_clear(struct grid *grid, int rows, int cols, bool utf8);
struct area grid_all(struct grid *grid);
/* A part of an area; what does not fit into it is cut off. */
struct area area_part(struct area area, int row, int col, int rows, int cols);

/* UTF-8 text; what does not fit is cut off. The column behind it. */
int area_put(struct area area, int row, int col, enum top_style style, const char *text);
/* The same, and what does not fit ends in "...". */
void area_put_cut(struct area area, int row, int col, enum top_style style, const char *text);
/* Against the right edge of `cols` columns. */
void area_put_right(struct area area, int row, int col, int cols, enum top_style style,
                    const char *text);
/* Words folded at the area's edge, from a row on, in at most so many; the row behind them. */
int area_put_folded(struct area area, int row, int rows, enum top_style style, const char *text);
void area_fill(struct area area, int row, int col, int cols, enum top_style style, uint32_t glyph);
/* A whole row takes the style. */
void area_restyle(struct area area, int row, int col, int cols, enum top_style style);

/* One character as UTF-8; its octets. */
int glyph_write(uint32_t glyph, char out[4]);
/* Row by row, blanks at the end left out. */
void grid_write(const struct grid *grid, struct text *out);

#endif
