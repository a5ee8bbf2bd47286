/*
 * top_chart.c - cwnd over time: what congestion control allows, what is in flight of it, and
 * ssthresh.
 *
 * A column is one sample, or 2, 4 or 8 of them; the right edge is the moment that is shown. Below
 * the chart a cross says that something was sent again within the column, and then come the last
 * reasons for which cwnd was changed other than by growing.
 */
#include <stdio.h>

#include "top_view.h"

enum { AXIS = 8, FOOT = 4, REASONS = 2 };

struct point {
    bool known, again;
    uint64_t cwnd, inflight, ssthresh;
};

/* The newest sample of a column that is so many columns back. */
static struct point point_of(const struct top_scene *scene, uint64_t last, uint64_t first)
{
    struct point point = {.ssthresh = TOP_UNKNOWN};
    const struct top_moment *end = top_moment(scene->model, last);
    const struct top_moment *begin = first > 0 ? top_moment(scene->model, first - 1) : NULL;
    const struct top_conn *conn = end ? top_conn_at(end, scene->conn->id) : NULL;

    if (!conn || conn->cwnd == TOP_UNKNOWN)
        return point;
    point.known = true;
    point.cwnd = conn->cwnd;
    point.inflight = conn->inflight == TOP_UNKNOWN ? 0 : conn->inflight;
    point.ssthresh = conn->ssthresh;
    for (uint64_t i = begin ? begin->decisions : end->decisions; i < end->decisions; i++) {
        const struct top_decision *d = top_decision(scene->model, i);
        point.again |= d && d->what == EVENT_RETRANSMIT && d->conn == conn->id;
    }
    return point;
}

static uint64_t more_of(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* In which of `rows` a value is, counted from the bottom; -1: below the lowest. */
static int height(uint64_t value, uint64_t top, int rows)
{
    return (int)((value * (uint64_t)rows + top / 2) / top) - 1;
}

static void draw_column(struct area area, int col, int rows, const struct point *point,
                        uint64_t top)
{
    const int cwnd = height(point->cwnd, top, rows), full = height(point->inflight, top, rows);

    if (!point->known)
        return;
    for (int i = 0; i <= full && i < rows; i++)
        area_fill(area, rows - 1 - i, col, 1, STYLE_GOOD, 0x2592);
    if (point->ssthresh != TOP_UNKNOWN && point->ssthresh <= top) {
        const int at = height(point->ssthresh, top, rows);
        area_fill(area, rows - 1 - (at < 0 ? 0 : at), col, 1, STYLE_DIM, 0x00b7);
    }
    area_fill(area, rows - 1 - (cwnd < 0 ? 0 : cwnd), col, 1, STYLE_STRONG, 0x2501);
    if (point->again)
        area_put(area, rows, col, STYLE_BAD, "×");
}

static void draw_axis(struct area area, int rows, uint64_t top)
{
    for (int i = 0; i <= 2; i++) {
        char room[32];
        struct text text = text_of(room, sizeof room);
        top_add_count(&text, top * (uint64_t)(2 - i) / 2);
        area_put_right(area, i * (rows - 1) / 2, 0, AXIS - 2, STYLE_DIM, text.at);
    }
    for (int i = 0; i < rows; i++)
        area_put(area, i, AXIS - 1, STYLE_DIM, "│");
    area_put(area, rows, AXIS - 1, STYLE_DIM, "└");
}

static void draw_legend(struct area area, int row, uint64_t columns, int zoom)
{
    char room[160];
    struct text text = text_of(room, sizeof room);

    text_add(&text, "━ cwnd  ▒ in flight  · ssthresh  × sent again   the last ");
    top_add_time(&text, columns * ((uint64_t)LIVE_TICK_MS * 1000 << zoom));
    text_add(&text, " (z)");
    area_put_cut(area, row, AXIS, STYLE_DIM, text.at);
}

/* The newest first: when, from what to what, and why. */
static void draw_reasons(struct area area, int row, const struct top_scene *scene)
{
    const int end = row + REASONS;

    for (uint64_t i = scene->moment->decisions; i > top_oldest_decision(scene->model) && row < end;
         i--) {
        const struct top_decision *d = top_decision(scene->model, i - 1);
        char room[TOP_CAUSE + 80];
        struct text text = text_of(room, sizeof room);
        if (!d || d->what != EVENT_CWND || d->conn != scene->conn->id)
            continue;
        top_add_seconds(&text, d->us, 3);
        text_add(&text, "  cwnd ");
        top_add_count(&text, d->cwnd);
        if (d->ssthresh != TOP_UNKNOWN) {
            text_add(&text, " ssthresh ");
            top_add_count(&text, d->ssthresh);
        }
        text_add(&text, ": ");
        text_add(&text, d->cause);
        area_put_cut(area, row++, 1, STYLE_NOTE, text.at);
    }
    if (row == end - REASONS)
        area_put(area, row, 1, STYLE_DIM, "cwnd has only grown, as acknowledgements came");
}

void top_draw_cwnd(struct area area, const struct top_scene *scene)
{
    const int rows = area.rows - FOOT, columns = area.cols - AXIS - 1;
    const uint64_t now = top_shown(scene->model, scene->choice);
    const uint64_t each = UINT64_C(1) << scene->choice->zoom;
    struct point points[GRID_COLS];
    uint64_t top = 1;

    if (!scene->conn) {
        area_put(area, 0, 1, STYLE_DIM, "Choose one connection (c) to see its cwnd.");
        return;
    }
    for (int i = 0; i < columns; i++) {
        const uint64_t back = (uint64_t)(columns - 1 - i) * each;
        points[i] = (struct point){0};
        if (back > now)
            continue;
        points[i] = point_of(scene, now - back, now - back >= each ? now - back - each + 1 : 0);
        top = more_of(top, more_of(points[i].cwnd, points[i].inflight));
    }
    top = (top + top / 8 + 999) / 1000 * 1000;
    draw_axis(area, rows, top);
    for (int i = 0; i < columns; i++)
        draw_column(area_part(area, 0, AXIS, area.rows, columns), i, rows, &points[i], top);
    draw_legend(area, rows + 1, (uint64_t)columns, scene->choice->zoom);
    draw_reasons(area, rows + 2, scene);
}
