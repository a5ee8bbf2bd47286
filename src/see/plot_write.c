/*
 * plot_write.c - the charts of plot.h: from samples to what is drawn.
 *
 * A file stays below a megabyte because what is drawn is bounded by what can be seen: lines by
 * columns (svg.h), strokes that touch in one column are one, and marks by their cap.
 *
 * Window lines rise far above the text when the peer's buffer is large: the axis follows the text,
 * and the line only if it is near.
 */
#include "base/text.h"
#include "see/plot_frame.h"

/* What was sent again, by cause: a colour and a shape for each. */
static const struct cause {
    enum why why;
    const char *class;
    const char *symbol;
} causes[] = {
    {WHY_OUT_RTO, "rto", "m-5-4h10l-5 9z"},
    {WHY_OUT_AFTER_RTO, "after-rto", "m-5 4h10l-5-9z"},
    {WHY_OUT_FAST, "fast", "m-5 0l5-5 5 5-5 5z"},
    {WHY_OUT_SACK, "fast", "m-5 0l5-5 5 5-5 5z"},
    {WHY_OUT_PARTIAL, "partial", "m-4-4h8v8h-8z"},
    {WHY_OUT_TAIL_PROBE, "probe", "m-5 0h10m-5-5v10"},
    {WHY_OUT_RESCUE, "probe", "m-5 0h10m-5-5v10"},
    {WHY_OUT_TOO_BIG, "too-big", "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0"},
    {WHY_OUT_AFTER_PROBE, "after-probe", "m-4-4l8 8m0-8l-8 8"},
    {WHY_OUT_PROBE, "probe", "m-5 0h10m-5-5v10"},
    {WHY_OUT_SYN_AGAIN, "ends", "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0"},
    {WHY_OUT_SYN_ACK_AGAIN, "ends", "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0"},
    {WHY_OUT_FIN_AGAIN, "ends", "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0"},
};

static const struct cause *cause_of(uint16_t why)
{
    static const struct cause other = {WHY_NONE, "other", "m-6 0h12m-6-6v12m-4-10l8 8m0-8l-8 8"};

    for (size_t i = 0; i < ARRAY_LEN(causes); i++) {
        if (causes[i].why == why)
            return &causes[i];
    }
    return &other;
}

static const struct plot_span *spans_of(const struct plot_track *t)
{
    return t->at;
}

/* --- strokes ------------------------------------------------------------------------------ */

enum { STROKE_COLUMN = 3, STROKE_LEAST = 12, STROKE_GAP = 5 };

/* Upright strokes of one path; those that touch in one column are one. */
struct strokes {
    struct svg *svg;
    bool open;
    int64_t x, top, bottom;
};

static void strokes_end(struct strokes *s)
{
    if (!s->open)
        return;
    svg_add(s->svg, "M");
    svg_add_at(s->svg, s->x);
    svg_add(s->svg, " ");
    svg_add_at(s->svg, s->bottom);
    svg_add(s->svg, "v");
    int64_t height = s->bottom - s->top;
    svg_add_at(s->svg, height > STROKE_LEAST ? -height : -STROKE_LEAST);
    s->open = false;
}

static void stroke(struct strokes *s, int64_t x, int64_t top, int64_t bottom)
{
    x -= x % STROKE_COLUMN;
    if (s->open && x == s->x && top <= s->bottom + STROKE_GAP && bottom >= s->top - STROKE_GAP) {
        s->top = top < s->top ? top : s->top;
        s->bottom = bottom > s->bottom ? bottom : s->bottom;
        return;
    }
    strokes_end(s);
    *s = (struct strokes){s->svg, true, x, top, bottom};
}

static void draw_strokes(const struct plot_area *area, const struct plot_track *t,
                         const char *class)
{
    struct strokes s = {.svg = area->svg};

    svg_add(area->svg, "<path class=\"line ");
    svg_add(area->svg, class);
    svg_add(area->svg, "\" d=\"");
    for (uint32_t i = 0; i < t->count; i++) {
        const struct plot_span *span = &spans_of(t)[i];
        stroke(&s, plot_x(area, span->when), plot_y(area, span->to), plot_y(area, span->from));
    }
    strokes_end(&s);
    svg_add(area->svg, "\"/>\n");
}

/* --- lines -------------------------------------------------------------------------------- */

static void begin_line(const struct plot_area *area, const char *class)
{
    svg_add(area->svg, "<path class=\"");
    svg_add(area->svg, class);
    svg_add(area->svg, "\" d=\"");
}

/* What the peer has acknowledged, or the right edge of its window. An old ACK moves nothing back;
 * a window that shrinks is seen. */
static void draw_edge(const struct plot_area *area, const struct plot_track *acks, bool window,
                      const char *class)
{
    struct svg_steps steps = svg_steps_of(area->svg);
    uint32_t acked = 0;

    begin_line(area, class);
    for (uint32_t i = 0; i < acks->count; i++) {
        const struct plot_span *span = &spans_of(acks)[i];
        if (span->from < acked || instant_before(area->to, span->when))
            continue;
        acked = span->from;
        svg_step(&steps, plot_x(area, span->when), plot_y(area, window ? span->to : acked));
    }
    svg_steps_end(&steps, area->left + area->width);
    svg_add(area->svg, "\"/>\n");
}

enum figure { CWND, SSTHRESH, INFLIGHT, SRTT };

/* UINT64_MAX: there is none yet. */
static uint64_t figure_of(const struct plot_point *point, enum figure figure)
{
    switch (figure) {
    case CWND:
        return point->cwnd;
    case SSTHRESH:
        return point->ssthresh == UINT32_MAX ? UINT64_MAX : point->ssthresh;
    case INFLIGHT:
        return point->inflight;
    case SRTT:
        return point->srtt_us > 0 ? (uint64_t)point->srtt_us : UINT64_MAX;
    }
    return UINT64_MAX;
}

static void draw_figure(const struct plot_area *area, const struct plot_conn *conn,
                        enum figure figure, const char *class, bool filled)
{
    struct svg_steps steps = svg_steps_of(area->svg);
    const struct plot_point *points = conn->points.at;
    int64_t begun = area->left;

    begin_line(area, class);
    for (uint32_t i = 0; i < conn->points.count; i++) {
        uint64_t value = figure_of(&points[i], figure);
        if (value == UINT64_MAX || instant_before(area->to, points[i].when))
            continue;
        int64_t x = plot_x(area, points[i].when);
        begun = steps.open ? begun : x;
        svg_step(&steps, x, plot_y(area, value));
    }
    bool drawn = steps.open;
    svg_steps_end(&steps, area->left + area->width);
    if (filled && drawn) {
        svg_add(area->svg, "V");
        svg_add_at(area->svg, area->top + area->height);
        svg_add(area->svg, "H");
        svg_add_at(area->svg, begun);
        svg_add(area->svg, "Z");
    }
    svg_add(area->svg, "\"/>\n");
}

static const char cut_symbol[] = "m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0";

/* Where cwnd was set anew, and why. */
static void draw_cuts(const struct plot_area *area, const struct plot_conn *conn)
{
    struct svg *svg = area->svg;

    for (uint32_t i = 0; i < conn->cuts.count; i++) {
        const struct plot_cut *cut = (const struct plot_cut *)conn->cuts.at + i;
        svg_add(svg, "<path class=\"mark cut\" d=\"M");
        svg_add_at(svg, plot_x(area, cut->when));
        svg_add(svg, " ");
        svg_add_at(svg, plot_y(area, cut->cwnd));
        svg_add(svg, cut_symbol);
        svg_add(svg, "\"><title>");
        svg_add_decimal(svg, (uint64_t)cut->when.ns, 9, 6);
        svg_add(svg, " s, cwnd ");
        svg_add_u64(svg, cut->cwnd);
        svg_add(svg, ", ssthresh ");
        svg_add_u64(svg, cut->ssthresh);
        svg_add(svg, ": ");
        svg_add_text(svg, cut->cause ? cut->cause : "unexplained");
        svg_add(svg, "</title></path>\n");
    }
}

/* --- marks -------------------------------------------------------------------------------- */

static void tell_mark(struct svg *svg, const struct plot_span *span)
{
    svg_add(svg, "<title>");
    svg_add_decimal(svg, (uint64_t)span->when.ns, 9, 6);
    svg_add(svg, " s, ");
    svg_add(svg, why_key((enum why)span->why));
    svg_add(svg, ": ");
    svg_add_u64(svg, span->from);
    if (span->to > span->from) {
        svg_add(svg, " to ");
        svg_add_u64(svg, span->to);
    }
    svg_add(svg, "</title>");
}

/* `at`: the height of all marks; negative: that of their octets, with a stroke from end to end. */
static void draw_marks(const struct plot_area *area, const struct plot_conn *conn, int64_t at)
{
    struct svg *svg = area->svg;

    for (uint32_t i = 0; i < conn->again.count; i++) {
        const struct plot_span *span = &spans_of(&conn->again)[i];
        const struct cause *cause = cause_of(span->why);
        int64_t x = plot_x(area, span->when);
        int64_t top = plot_y(area, span->to), bottom = plot_y(area, span->from);
        svg_add(svg, "<path class=\"mark ");
        svg_add(svg, cause->class);
        svg_add(svg, "\" d=\"M");
        svg_add_at(svg, x);
        svg_add(svg, " ");
        if (at < 0) {
            svg_add_at(svg, bottom);
            svg_add(svg, "V");
            svg_add_at(svg, top);
            svg_add(svg, "M");
            svg_add_at(svg, x);
            svg_add(svg, " ");
        }
        svg_add_at(svg, at < 0 ? (top + bottom) / 2 : at);
        svg_add(svg, cause->symbol);
        svg_add(svg, "\">");
        tell_mark(svg, span);
        svg_add(svg, "</path>\n");
    }
}

static void legend_of_marks(struct plot_legend *legend, const struct plot_conn *conn)
{
    uint64_t counts[WHY_COUNT] = {0};

    for (uint32_t i = 0; i < conn->again.count; i++)
        counts[spans_of(&conn->again)[i].why]++;
    for (int why = 0; why < WHY_COUNT; why++) {
        const struct cause *cause = cause_of((uint16_t)why);
        if (counts[why] > 0)
            plot_legend_symbol(legend, cause->class, cause->symbol, why_key((enum why)why),
                               counts[why], why_sentence((enum why)why));
    }
    if (conn->again.count == 0)
        plot_legend_note(legend, "nothing was sent again", 0, "");
    if (conn->again.lost > 0)
        plot_legend_note(legend, "and ", conn->again.lost, " not shown");
}

static void note_thinning(struct plot_legend *legend, const struct plot_track *t, const char *what)
{
    if (t->each > 1)
        plot_legend_note(legend, "1 of ", t->each, what);
    if (t->lost > 0)
        plot_legend_note(legend, "", t->lost, " samples did not fit");
}

/* --- the charts --------------------------------------------------------------------------- */

/* Until a little after the last of it; from the start of the run, if that is near. */
static struct plot_area area_of(struct svg *svg, const struct plot_conn *conn)
{
    int64_t span = instant_since(conn->last, conn->first);
    instant from = conn->first;

    if (from.ns < span / 16)
        from.ns = 0;
    return (struct plot_area){.svg = svg,
                              .left = PLOT_LEFT,
                              .top = PLOT_TOP,
                              .width = PLOT_WIDTH,
                              .height = PLOT_BOTTOM - PLOT_TOP,
                              .from = from,
                              .to = instant_add(conn->last, span / 50 + NS_PER_US)};
}

/* A little room above all of it. */
static uint64_t above(uint64_t value)
{
    return value + value / 20 + 1;
}

static uint64_t top_of_sequence(const struct plot_conn *conn)
{
    uint64_t edge = 0;

    for (uint32_t i = 0; i < conn->acks.count; i++)
        edge = edge > spans_of(&conn->acks)[i].to ? edge : spans_of(&conn->acks)[i].to;
    return above(edge > conn->end && edge - conn->end < conn->end / 4 ? edge : conn->end);
}

/* Is any of the window's line below the top? */
static bool window_is_seen(const struct plot_conn *conn, uint64_t most)
{
    for (uint32_t i = 0; i < conn->acks.count; i++) {
        if (spans_of(&conn->acks)[i].to <= most)
            return true;
    }
    return false;
}

static void draw_sequence(struct svg *svg, const struct plot_conn *conn)
{
    struct plot_area area = area_of(svg, conn);
    struct plot_legend legend = plot_legend_of(svg);

    area.most = top_of_sequence(conn);
    plot_area_begin(&area, PLOT_OCTETS, "octets of the stream", true);
    draw_edge(&area, &conn->acks, true, "line thin wnd");
    draw_strokes(&area, &conn->sacks, "sack");
    draw_strokes(&area, &conn->sent, "sent");
    draw_edge(&area, &conn->acks, false, "line thin acked");
    draw_marks(&area, conn, -1);
    plot_area_end(&area);

    plot_legend_line(&legend, "line sent", "sent for the first time");
    plot_legend_line(&legend, "line acked", "acknowledged");
    plot_legend_line(&legend, "line wnd",
                     window_is_seen(conn, area.most) ? "the peer's window"
                                                     : "the peer's window, far above");
    if (conn->sacks.count > 0)
        plot_legend_line(&legend, "line sack", "told by SACK");
    legend.at += 80;
    legend_of_marks(&legend, conn);
    legend.at += 80;
    if (conn->sent.each > 1)
        plot_legend_note(&legend, "up to ", conn->sent.each, " segments a stroke");
    note_thinning(&legend, &conn->acks, " ACKs is drawn");
    note_thinning(&legend, &conn->sacks, " SACK blocks is drawn");
}

enum { STRIP_TOP = 4800, STRIP_MARKS = 4980, SRTT_TOP = 5160 };

static uint64_t most_of(const struct plot_conn *conn, enum figure figure)
{
    const struct plot_point *points = conn->points.at;
    uint64_t most = 0;

    for (uint32_t i = 0; i < conn->points.count; i++) {
        uint64_t value = figure_of(&points[i], figure);
        most = value != UINT64_MAX && value > most ? value : most;
    }
    return most;
}

static void draw_window(struct svg *svg, const struct plot_conn *conn)
{
    struct plot_area area = area_of(svg, conn), below = area;
    struct plot_legend legend = plot_legend_of(svg);
    uint64_t cwnd = most_of(conn, CWND), inflight = most_of(conn, INFLIGHT);

    area.height = STRIP_TOP - area.top;
    area.most = above(cwnd > inflight ? cwnd : inflight);
    plot_area_begin(&area, PLOT_OCTETS, "octets", false);
    draw_figure(&area, conn, INFLIGHT, "area inflight", true);
    draw_figure(&area, conn, CWND, "line cwnd", false);
    draw_figure(&area, conn, SSTHRESH, "line dash ssthresh", false);
    draw_cuts(&area, conn);
    plot_area_end(&area);
    draw_marks(&area, conn, STRIP_MARKS);

    below.top = SRTT_TOP;
    below.height = PLOT_BOTTOM - SRTT_TOP;
    below.most = above(most_of(conn, SRTT));
    plot_area_begin(&below, PLOT_MICROSECONDS, "SRTT", true);
    draw_figure(&below, conn, SRTT, "line srtt", false);
    plot_area_end(&below);

    plot_legend_line(&legend, "line cwnd", "cwnd");
    plot_legend_line(&legend, "line dash ssthresh", "ssthresh, since the first loss");
    plot_legend_line(&legend, "line inflight", "in flight");
    plot_legend_line(&legend, "line srtt", "smoothed round trip (SRTT)");
    if (conn->cuts.count > 0)
        plot_legend_symbol(&legend, "cut", cut_symbol, "cwnd is set anew", conn->cuts.count,
                           "A loss was noticed, or its repair has ended.");
    if (conn->cuts.lost > 0)
        plot_legend_note(&legend, "and ", conn->cuts.lost, " not shown");
    legend.at += 80;
    legend_of_marks(&legend, conn);
    legend.at += 80;
    note_thinning(&legend, &conn->points, " samples is drawn");
}

const char *plot_chart_name(enum plot_chart chart)
{
    switch (chart) {
    case PLOT_SEQUENCE:
        return "sequence";
    case PLOT_WINDOW:
        return "window";
    }
    return "";
}

int plot_write(const struct plot *plot, uint32_t index, enum plot_chart chart,
               const struct plot_titles *titles, struct octet_sink *out)
{
    const struct plot_conn *conn = &plot->conn[index];
    struct svg svg;

    assert(index < plot->count);
    svg_init(&svg, out);
    plot_begin(&svg,
               chart == PLOT_SEQUENCE ? "what was sent when" : "window, flight and round trip",
               conn, titles);
    if (chart == PLOT_SEQUENCE)
        draw_sequence(&svg, conn);
    else
        draw_window(&svg, conn);
    plot_end(&svg);
    return svg_finish(&svg);
}
