/*
 * plot_frame.c - see plot_frame.h.
 *
 * Ticks stand at 1, 2 or 5 times a power of ten. Whatever fits is told in one unit for all of an
 * axis, the largest one that keeps its numbers above two; so labels are short and of one form.
 */
#include "see/plot_frame.h"

#include "base/text.h"

enum {
    TICKS_X = 12,
    TICKS_Y = 9,
    PAGE_WIDTH = 12800,
    PAGE_HEIGHT = 7200,
    LEGEND_LEFT = 10650,
    LEGEND_LINE = 210,
    TITLE_LINE = 190, /* characters */
};

struct unit {
    unsigned power;
    const char *name;
};

static const struct unit octets[] = {{9, "GB"}, {6, "MB"}, {3, "kB"}, {0, "octets"}};
static const struct unit microseconds[] = {{6, "s"}, {3, "ms"}, {0, "µs"}};
static const struct unit nanoseconds[] = {{9, "s"}, {6, "ms"}, {3, "µs"}, {0, "ns"}};

/* --- places ------------------------------------------------------------------------------- */

int64_t plot_x(const struct plot_area *area, instant when)
{
    int64_t span = instant_since(area->to, area->from);

    return area->left +
           instant_since(when, area->from) / 1000 * area->width / (span > 1000 ? span / 1000 : 1);
}

int64_t plot_y(const struct plot_area *area, uint64_t value)
{
    uint64_t above = area->most + area->most / 16 + 1; /* what is cut off is not drawn for miles */
    uint64_t shown = value < above ? value : above;

    assert(area->most > 0);
    return area->top + area->height - (int64_t)(shown * (uint64_t)area->height / area->most);
}

/* --- ticks -------------------------------------------------------------------------------- */

static uint64_t power_of_ten(unsigned power)
{
    uint64_t value = 1;

    while (power-- > 0)
        value *= 10;
    return value;
}

/* The smallest of 1, 2, 5, 10, 20 ... that divides `range` into no more than `most` parts. */
static uint64_t step_of(uint64_t range, uint64_t most)
{
    for (uint64_t decade = 1; decade <= UINT64_MAX / 100; decade *= 10) {
        static const uint64_t factors[] = {1, 2, 5};
        for (size_t i = 0; i < ARRAY_LEN(factors); i++) {
            if (range / (decade * factors[i]) <= most)
                return decade * factors[i];
        }
    }
    return UINT64_MAX / 10;
}

/* The last one has a power of 0. */
static const struct unit *unit_of(const struct unit *units, uint64_t most)
{
    while (units->power > 0 && most / 2 < power_of_ten(units->power))
        units++;
    return units;
}

/* As many decimals as a step of `step` needs. */
static unsigned decimals_of(uint64_t step, const struct unit *unit)
{
    unsigned decimals = unit->power;

    for (; decimals > 0 && step % 10 == 0; decimals--)
        step /= 10;
    return decimals;
}

static void label(struct svg *svg, const char *class, int64_t x, int64_t y)
{
    svg_add(svg, "<text class=\"");
    svg_add(svg, class);
    svg_add(svg, "\"");
    svg_add_attribute(svg, "x", x);
    svg_add_attribute(svg, "y", y);
    svg_add(svg, ">");
}

static void grid_line(const struct plot_area *area, bool across, int64_t at)
{
    struct svg *svg = area->svg;

    svg_add(svg, "M");
    svg_add_at(svg, across ? area->left : at);
    svg_add(svg, " ");
    svg_add_at(svg, across ? at : area->top);
    svg_add(svg, across ? "h" : "v");
    svg_add_at(svg, across ? area->width : area->height);
}

static void axis_y(const struct plot_area *area, enum plot_unit kind, const char *what)
{
    struct svg *svg = area->svg;
    const struct unit *unit = unit_of(kind == PLOT_OCTETS ? octets : microseconds, area->most);
    uint64_t step = step_of(area->most, area->height > 3000 ? TICKS_Y : TICKS_Y / 2);

    svg_add(svg, "<path class=\"grid\" d=\"");
    for (uint64_t at = step; at <= area->most; at += step)
        grid_line(area, true, plot_y(area, at));
    svg_add(svg, "\"/>\n");
    for (uint64_t at = 0; at <= area->most; at += step) {
        label(svg, "tick end", area->left - 80, plot_y(area, at) + 40);
        svg_add_decimal(svg, at, unit->power, decimals_of(step, unit));
        svg_add(svg, "</text>\n");
    }
    int64_t middle = area->top + area->height / 2;
    svg_add(svg, "<text class=\"axis mid\" transform=\"translate(22 ");
    svg_add_at(svg, middle);
    svg_add(svg, ") rotate(-90)\">");
    svg_add(svg, what);
    svg_add(svg, " (");
    svg_add(svg, unit->name);
    svg_add(svg, ")</text>\n");
}

static void axis_x(const struct plot_area *area, bool times)
{
    struct svg *svg = area->svg;
    int64_t span = instant_since(area->to, area->from);
    uint64_t step = step_of((uint64_t)span, TICKS_X);
    uint64_t last = (uint64_t)area->to.ns;
    uint64_t first = ((uint64_t)area->from.ns + step - 1) / step * step;
    const struct unit *unit = unit_of(nanoseconds, last);
    int64_t below = area->top + area->height;

    if (area->from.ns < 0 || area->to.ns < area->from.ns)
        return; /* no start of a run */
    svg_add(svg, "<path class=\"grid\" d=\"");
    for (uint64_t at = first; at <= last; at += step)
        grid_line(area, false, plot_x(area, (instant){(int64_t)at}));
    svg_add(svg, "\"/>\n");
    for (uint64_t at = first; at <= last && times; at += step) {
        label(svg, "tick mid", plot_x(area, (instant){(int64_t)at}), below + 190);
        svg_add_decimal(svg, at, unit->power, decimals_of(step, unit));
        svg_add(svg, "</text>\n");
    }
    if (!times)
        return;
    label(svg, "axis mid", area->left + area->width / 2, below + 420);
    svg_add(svg, "time since the start (");
    svg_add(svg, unit->name);
    svg_add(svg, ")</text>\n");
}

static void rectangle(struct svg *svg, const struct plot_area *area)
{
    svg_add_attribute(svg, "x", area->left);
    svg_add_attribute(svg, "y", area->top);
    svg_add_attribute(svg, "width", area->width);
    svg_add_attribute(svg, "height", area->height);
}

void plot_area_begin(const struct plot_area *area, enum plot_unit unit, const char *what,
                     bool times)
{
    struct svg *svg = area->svg;

    axis_y(area, unit, what);
    axis_x(area, times);
    /* its top tells one area from another */
    svg_add(svg, "<clipPath id=\"c");
    svg_add_u64(svg, (uint64_t)area->top);
    svg_add(svg, "\"><rect");
    rectangle(svg, area);
    svg_add(svg, "/></clipPath>\n<g clip-path=\"url(#c");
    svg_add_u64(svg, (uint64_t)area->top);
    svg_add(svg, ")\">\n");
}

void plot_area_end(const struct plot_area *area)
{
    svg_add(area->svg, "</g>\n<rect class=\"box\"");
    rectangle(area->svg, area);
    svg_add(area->svg, "/>\n");
}

/* --- the page ----------------------------------------------------------------------------- */

/* Colours that can be told apart on white and on near black, and by most eyes; marks differ in
 * shape as well. */
static const char style_light[] =
    "<style>\n"
    "text{font-family:system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif;fill:#1f2328}\n"
    ".page{fill:#fff}.box{fill:none;stroke:#8c959f}.grid{fill:none;stroke:#e4e8ec}\n"
    ".title{font-size:19px;font-weight:600}.run{font-size:12.5px;"
    "font-family:ui-monospace,'DejaVu Sans Mono',monospace}\n"
    ".settings,.tick,.note{font-size:12px;fill:#59636e}.axis{font-size:13px}\n"
    ".legend{font-size:12.5px}.count{font-size:12.5px;fill:#59636e}\n"
    ".end{text-anchor:end}.mid{text-anchor:middle}\n"
    ".line{fill:none;stroke:currentColor;stroke-width:1.6;stroke-linejoin:round}\n"
    ".thin{stroke-width:1.1}.dash{stroke-dasharray:7 4}\n"
    ".area{fill:currentColor;fill-opacity:.16;stroke:currentColor;stroke-opacity:.6}\n"
    ".mark{fill:currentColor;fill-opacity:.3;stroke:currentColor;stroke-width:1.4;"
    "stroke-linejoin:round}.cut{stroke-width:1}\n";
static const char style_colours[] =
    ".sent{color:#0a5fc4}.acked{color:#1a7f37}.wnd{color:#b07800}.sack{color:#8250df}\n"
    ".cwnd{color:#0a5fc4}.ssthresh{color:#1a7f37}.inflight{color:#6e7781}.srtt{color:#8250df}\n"
    ".rto{color:#d1242f}.after-rto{color:#e36209}.fast{color:#c2178f}.partial{color:#007c8a}\n"
    ".too-big{color:#7d4e00}.after-probe,.probe{color:#57606a}.ends,.cut{color:#1f2328}\n"
    ".other{color:#5b3df5}\n";
static const char style_dark[] =
    "@media (prefers-color-scheme:dark){\n"
    "text{fill:#e6edf3}.page{fill:#0d1117}.box{stroke:#6e7681}.grid{stroke:#21262d}\n"
    ".settings,.tick,.note,.count{fill:#9198a1}\n"
    ".sent,.cwnd{color:#58a6ff}.acked,.ssthresh{color:#3fb950}.wnd{color:#e3b341}\n"
    ".sack,.srtt{color:#bc8cff}.inflight{color:#9198a1}\n"
    ".rto{color:#ff6b6b}.after-rto{color:#ffa657}.fast{color:#ff7bdc}.partial{color:#39d0d8}\n"
    ".too-big{color:#d4a72c}.after-probe,.probe{color:#b1bac4}.ends,.cut{color:#e6edf3}\n"
    ".other{color:#a39bff}\n"
    "}\n</style>\n";

/* A line of titles; what is too long for it is cut off, and is all in <desc>. */
static void title_line(struct svg *svg, const char *class, int64_t y, const char *text)
{
    char line[TITLE_LINE + 1];
    struct text cut = text_of(line, sizeof(line));

    text_add(&cut, text);
    label(svg, class, PLOT_LEFT, y);
    svg_add_text(svg, line);
    svg_add(svg, cut.cut ? "…</text>\n" : "</text>\n");
}

void plot_begin(struct svg *svg, const char *chart, const struct plot_conn *conn,
                const struct plot_titles *titles)
{
    char line[TITLE_LINE];
    struct text title = text_of(line, sizeof(line));

    text_add(&title, titles->side);
    text_add(&title, ", connection ");
    text_add_u64(&title, conn->id);
    text_add(&title, ", ");
    text_add_endpoint(&title, conn->local);
    text_add(&title, " to ");
    text_add_endpoint(&title, conn->remote);
    text_add(&title, ": ");
    text_add(&title, chart);

    svg_add(svg, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                 "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1280 720\" "
                 "width=\"1280\" height=\"720\" role=\"img\">\n<title>");
    svg_add_text(svg, line);
    svg_add(svg, "</title>\n<desc>");
    svg_add_text(svg, titles->run);
    svg_add(svg, "; ");
    svg_add_text(svg, titles->settings);
    svg_add(svg, "</desc>\n");
    svg_add(svg, style_light);
    svg_add(svg, style_colours);
    svg_add(svg, style_dark);
    svg_add(svg, "<rect class=\"page\"");
    rectangle(svg, &(struct plot_area){.width = PAGE_WIDTH, .height = PAGE_HEIGHT});
    svg_add(svg, "/>\n");
    title_line(svg, "title", 360, line);
    title_line(svg, "run", 600, titles->run);
    title_line(svg, "settings", 800, titles->settings);
}

void plot_end(struct svg *svg)
{
    svg_add(svg, "</svg>\n");
}

/* --- the legend --------------------------------------------------------------------------- */

struct plot_legend plot_legend_of(struct svg *svg)
{
    return (struct plot_legend){svg, PLOT_TOP + 120};
}

static void legend_label(struct plot_legend *legend, const char *what)
{
    label(legend->svg, "legend", LEGEND_LEFT + 300, legend->at + 45);
    svg_add_text(legend->svg, what);
    svg_add(legend->svg, "</text>\n");
    legend->at += LEGEND_LINE;
}

void plot_legend_line(struct plot_legend *legend, const char *class, const char *what)
{
    struct svg *svg = legend->svg;

    svg_add(svg, "<path class=\"");
    svg_add(svg, class);
    svg_add(svg, "\" d=\"M");
    svg_add_at(svg, LEGEND_LEFT);
    svg_add(svg, " ");
    svg_add_at(svg, legend->at);
    svg_add(svg, "h22\"/>\n");
    legend_label(legend, what);
}

void plot_legend_symbol(struct plot_legend *legend, const char *class, const char *path,
                        const char *what, uint64_t count, const char *meaning)
{
    struct svg *svg = legend->svg;

    svg_add(svg, "<g><title>");
    svg_add_text(svg, meaning);
    svg_add(svg, "</title>\n<path class=\"key mark ");
    svg_add(svg, class);
    svg_add(svg, "\" d=\"M");
    svg_add_at(svg, LEGEND_LEFT + 110);
    svg_add(svg, " ");
    svg_add_at(svg, legend->at);
    svg_add(svg, path);
    svg_add(svg, "\"/>\n");
    label(svg, "count end", PAGE_WIDTH - 160, legend->at + 45);
    svg_add_u64(svg, count);
    svg_add(svg, "</text>\n");
    legend_label(legend, what);
    svg_add(svg, "</g>\n");
}

void plot_legend_note(struct plot_legend *legend, const char *before, uint64_t count,
                      const char *after)
{
    struct svg *svg = legend->svg;

    label(svg, "note", LEGEND_LEFT, legend->at + 45);
    svg_add(svg, before);
    if (count > 0)
        svg_add_u64(svg, count);
    svg_add(svg, after);
    svg_add(svg, "</text>\n");
    legend->at += LEGEND_LINE;
}
