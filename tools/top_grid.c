/*
 * top_grid.c - see top_grid.h.
 */
#include "top_grid.h"

#include <string.h>

/* clang-format off */
static const struct {
    uint32_t glyph;
    char ascii;
} likeness[] = {
    {0x2500, '-'}, {0x2501, '='}, {0x2502, '|'}, {0x250c, '+'}, {0x2510, '+'}, {0x2514, '+'}, {0x2518, '+'},
    {0x251c, '+'}, {0x2524, '+'}, {0x252c, '+'}, {0x2534, '+'}, {0x253c, '+'}, {0x2190, '<'}, {0x2192, '>'}, {0x2194, '-'},
    {0x25b6, '>'}, {0x25c0, '<'}, {0x25bc, 'v'}, {0x2191, '^'}, {0x2193, 'v'}, {0x2588, '#'}, {0x2592, ':'},
    {0x00b7, '.'}, {0x2026, '~'}, {0x00d7, 'x'}, {0x25cf, '*'},
};
/* clang-format on */

static uint32_t shown(const struct grid *grid, uint32_t glyph)
{
    if (grid->utf8 || glyph < 0x7f)
        return glyph;
    for (size_t i = 0; i < sizeof likeness / sizeof likeness[0]; i++)
        if (likeness[i].glyph == glyph)
            return (uint32_t)likeness[i].ascii;
    return '?';
}

void grid_clear(struct grid *grid, int rows, int cols, bool utf8)
{
    grid->rows = rows < 0 ? 0 : rows > GRID_ROWS ? GRID_ROWS : rows;
    grid->cols = cols < 0 ? 0 : cols > GRID_COLS ? GRID_COLS : cols;
    grid->utf8 = utf8;
    for (int row = 0; row < grid->rows; row++)
        for (int col = 0; col < grid->cols; col++)
            grid->cell[row][col] = (struct cell){.glyph = ' '};
}

struct area grid_all(struct grid *grid)
{
    return (struct area){.grid = grid, .rows = grid->rows, .cols = grid->cols};
}

static int within(int value, int most)
{
    return value < 0 ? 0 : value > most ? most : value;
}

struct area area_part(struct area area, int row, int col, int rows, int cols)
{
    const int top = within(row, area.rows), left = within(col, area.cols);

    return (struct area){.grid = area.grid,
                         .row = area.row + top,
                         .col = area.col + left,
                         .rows = within(rows, area.rows - top),
                         .cols = within(cols, area.cols - left)};
}

static void put(struct area area, int row, int col, enum top_style style, uint32_t glyph)
{
    if (row < 0 || row >= area.rows || col < 0 || col >= area.cols)
        return;
    area.grid->cell[area.row + row][area.col + col] =
        (struct cell){.glyph = shown(area.grid, glyph), .style = (uint8_t)style};
}

/* The next character of a text that is well-formed; what is not counts octet by octet. */
static uint32_t next_glyph(const char **text)
{
    const struct bytes rest = bytes_of(*text, strlen(*text));
    const size_t len = utf8_len(rest);
    uint32_t glyph = rest.at[0];

    if (len > 1)
        glyph &= 0x7fu >> len;
    for (size_t i = 1; i < len; i++)
        glyph = glyph << 6 | (rest.at[i] & 0x3fu);
    *text += len ? len : 1;
    return len == 0 || glyph < ' ' || glyph == 0x7f ? '?' : glyph;
}

static int width_of(const char *text)
{
    int width = 0;

    for (; *text; width++)
        next_glyph(&text);
    return width;
}

int area_put(struct area area, int row, int col, enum top_style style, const char *text)
{
    for (; *text; col++)
        put(area, row, col, style, next_glyph(&text));
    return col;
}

void area_put_cut(struct area area, int row, int col, enum top_style style, const char *text)
{
    if (area_put(area, row, col, style, text) > area.cols && col < area.cols)
        put(area, row, area.cols - 1, style, 0x2026);
}

void area_put_right(struct area area, int row, int col, int cols, enum top_style style,
                    const char *text)
{
    const int width = width_of(text);

    if (width <= cols)
        area_put(area, row, col + cols - width, style, text);
    else
        area_put_cut(area_part(area, row, col, 1, cols), 0, 0, style, text);
}

/* How many octets of a text go into a row: up to the last blank that is in reach, or to its edge.
 */
static size_t row_of(const char *text, int cols)
{
    const char *walk = text, *blank = NULL;

    for (int at = 0; *walk && at < cols; at++) {
        if (*walk == ' ')
            blank = walk;
        next_glyph(&walk);
    }
    return (size_t)((!*walk || *walk == ' ' || !blank ? walk : blank) - text);
}

int area_put_folded(struct area area, int row, int rows, enum top_style style, const char *text)
{
    const int end = row + rows;

    for (; *text && row < end; row++) {
        if (row == end - 1) {
            area_put_cut(area, row, 0, style, text);
            return end;
        }
        char line[4 * GRID_COLS + 8];
        const size_t len = size_min(row_of(text, area.cols), sizeof line - 1);
        memcpy(line, text, len);
        line[len] = '\0';
        area_put(area, row, 0, style, line);
        text += len;
        text += *text == ' ';
    }
    return row;
}

void area_fill(struct area area, int row, int col, int cols, enum top_style style, uint32_t glyph)
{
    for (int i = 0; i < cols; i++)
        put(area, row, col + i, style, glyph);
}

void area_restyle(struct area area, int row, int col, int cols, enum top_style style)
{
    for (int i = col; i < col + cols && i < area.cols; i++)
        if (row >= 0 && row < area.rows && i >= 0)
            area.grid->cell[area.row + row][area.col + i].style = (uint8_t)style;
}

int glyph_write(uint32_t glyph, char out[4])
{
    if (glyph < 0x80) {
        out[0] = (char)glyph;
        return 1;
    }
    if (glyph < 0x800) {
        out[0] = (char)(0xc0 | glyph >> 6);
        out[1] = (char)(0x80 | (glyph & 0x3f));
        return 2;
    }
    out[0] = (char)(0xe0 | glyph >> 12);
    out[1] = (char)(0x80 | (glyph >> 6 & 0x3f));
    out[2] = (char)(0x80 | (glyph & 0x3f));
    return 3;
}

void grid_write(const struct grid *grid, struct text *out)
{
    for (int row = 0; row < grid->rows; row++) {
        int end = grid->cols;
        while (end > 0 && grid->cell[row][end - 1].glyph == ' ')
            end--;
        for (int col = 0; col < end; col++) {
            char octets[4];
            const int len = glyph_write(grid->cell[row][col].glyph, octets);
            for (int i = 0; i < len; i++)
                text_add_char(out, octets[i]);
        }
        text_add_char(out, '\n');
    }
}
