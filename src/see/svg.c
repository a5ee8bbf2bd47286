/* svg.c - see svg.h. */
#include "see/svg.h"

#include <errno.h>
#include <string.h>

enum { COLUMN = 5 };

void svg_init(struct svg *svg, struct octet_sink *out)
{
    svg->out = out;
    svg->len = 0;
    svg->octets = 0;
    svg->error = 0;
}

static void flush(struct svg *svg)
{
    struct iovec iov = {svg->buffer, svg->len};

    if (svg->len == 0)
        return;
    int n = svg->out->write(svg->out, &iov, 1);
    if (n != (int)svg->len)
        svg->error = n < 0 ? n : -EIO;
    svg->octets += svg->len;
    svg->len = 0;
}

int svg_finish(struct svg *svg)
{
    flush(svg);
    return svg->error;
}

static void add_octets(struct svg *svg, const char *octets, size_t len)
{
    if (len > sizeof(svg->buffer) - svg->len)
        flush(svg);
    if (svg->error)
        return;
    assert(len <= sizeof(svg->buffer));
    memcpy(svg->buffer + svg->len, octets, len);
    svg->len += len;
}

void svg_add(struct svg *svg, const char *markup)
{
    add_octets(svg, markup, strlen(markup));
}

void svg_add_text(struct svg *svg, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '<':
            svg_add(svg, "&lt;");
            break;
        case '>':
            svg_add(svg, "&gt;");
            break;
        case '&':
            svg_add(svg, "&amp;");
            break;
        case '"':
            svg_add(svg, "&quot;");
            break;
        default:
            add_octets(svg, *text >= ' ' && *text <= '~' ? text : "?", 1);
        }
    }
}

void svg_add_u64(struct svg *svg, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    add_octets(svg, digits + at, sizeof(digits) - at);
}

void svg_add_at(struct svg *svg, int64_t tenths)
{
    if (tenths < 0) {
        svg_add(svg, "-");
        tenths = -tenths;
    }
    svg_add_u64(svg, (uint64_t)tenths / 10);
    if (tenths % 10) {
        svg_add(svg, ".");
        svg_add_u64(svg, (uint64_t)tenths % 10);
    }
}

void svg_add_attribute(struct svg *svg, const char *name, int64_t tenths)
{
    svg_add(svg, " ");
    svg_add(svg, name);
    svg_add(svg, "=\"");
    svg_add_at(svg, tenths);
    svg_add(svg, "\"");
}

void svg_add_decimal(struct svg *svg, uint64_t value, unsigned power, unsigned decimals)
{
    uint64_t one = 1;

    for (unsigned i = 0; i < power; i++)
        one *= 10;
    svg_add_u64(svg, value / one);
    if (decimals > 0)
        svg_add(svg, ".");
    for (; decimals > 0; decimals--) {
        value = value % one * 10;
        svg_add_u64(svg, value / one);
    }
}

/* --- lines -------------------------------------------------------------------------------- */

static void command(struct svg *svg, const char *name, int64_t at)
{
    svg_add(svg, name);
    svg_add_at(svg, at);
}

static void move_pen(struct svg_steps *s, int64_t y)
{
    if (y == s->pen_y)
        return;
    if (s->column != s->pen_x)
        command(s->svg, "H", s->column);
    command(s->svg, "V", y);
    s->pen_x = s->column;
    s->pen_y = y;
}

/* The extremes of the column first, then where it is now. */
static void settle(struct svg_steps *s)
{
    if (s->low < s->pen_y && s->low < s->at)
        move_pen(s, s->low);
    if (s->high > s->pen_y && s->high > s->at)
        move_pen(s, s->high);
    move_pen(s, s->at);
}

void svg_step(struct svg_steps *s, int64_t x, int64_t y)
{
    int64_t column = x - x % COLUMN;

    if (!s->open) {
        command(s->svg, "M", column);
        command(s->svg, " ", y);
        *s = (struct svg_steps){s->svg, true, column, y, y, y, column, y};
        return;
    }
    if (column != s->column) {
        settle(s);
        s->column = column;
        s->low = s->high = s->at;
    }
    s->at = y;
    s->low = y < s->low ? y : s->low;
    s->high = y > s->high ? y : s->high;
}

void svg_steps_end(struct svg_steps *s, int64_t x)
{
    if (!s->open)
        return;
    settle(s);
    command(s->svg, "H", x);
    s->open = false;
}
