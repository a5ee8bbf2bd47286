/*
 * top_table.c - the connections, what limits each, and the chosen one in more words.
 *
 * Columns are taken from a list in the order of their worth until the width is used up. Those that
 * are alive come first, then those that ended, the last of them first. The chosen one is always
 * among the rows, and who does not fit is counted.
 */
#include <stdio.h>

#include "top_view.h"

/* --- columns -------------------------------------------------------------------------------- */

struct row {
    const struct top_scene *scene;
    const struct top_conn *conn;
};

#define FIGURE(name, add)                                                                          \
    static void add_##name(const struct row *row, struct text *out)                                \
    {                                                                                              \
        if (row->conn->name == TOP_UNKNOWN)                                                        \
            text_add(out, "-");                                                                    \
        else                                                                                       \
            add(out, row->conn->name);                                                             \
    }
FIGURE(cwnd, top_add_count)
FIGURE(inflight, top_add_count)
FIGURE(srtt_us, top_add_time)
FIGURE(again, top_add_count)
FIGURE(ssthresh, top_add_count)
FIGURE(snd_wnd, top_add_count)
FIGURE(rto_us, top_add_time)
FIGURE(sent, top_add_count)
FIGURE(received, top_add_count)

static void add_id(const struct row *row, struct text *out)
{
    text_add_u64(out, row->conn->id);
}

static void add_state(const struct row *row, struct text *out)
{
    text_add(out, tcp_state_name(row->conn->state));
}

static void add_peer(const struct row *row, struct text *out)
{
    text_add(out, row->conn->remote);
}

static void add_local(const struct row *row, struct text *out)
{
    text_add(out, row->conn->local);
}

static void add_pace(const struct row *row, struct text *out)
{
    const struct top_scene *scene = row->scene;
    const uint64_t rate =
        top_rate(scene->model, top_shown(scene->model, scene->choice), row->conn->id);

    if (row->conn->gone || rate == TOP_UNKNOWN)
        text_add(out, "-");
    else
        top_add_count(out, rate);
}

static void add_limit(const struct row *row, struct text *out)
{
    if (row->conn->gone)
        text_add(out, "ended");
    else
        text_add(out, row->conn->limit == LIMIT_NONE ? "-" : snapshot_limit_key(row->conn->limit));
}

static void add_phase(const struct row *row, struct text *out)
{
    text_add(out, row->conn->phase);
}

/* In the order in which they stand; `from` is the least width at which they are there. */
static const struct column {
    const char *name;
    int cols;
    bool right;
    int from;
    void (*add)(const struct row *row, struct text *out);
} columns[] = {
    {"conn", 5, true, 0, add_id},          {"state", 12, false, 0, add_state},
    {"local", 21, false, 132, add_local},  {"peer", 21, false, 0, add_peer},
    {"B/s", 6, true, 88, add_pace},        {"cwnd", 6, true, 0, add_cwnd},
    {"ssthr", 6, true, 100, add_ssthresh}, {"flight", 6, true, 0, add_inflight},
    {"window", 6, true, 110, add_snd_wnd}, {"rtt", 6, true, 0, add_srtt_us},
    {"rto", 6, true, 120, add_rto_us},     {"sent", 6, true, 150, add_sent},
    {"rcvd", 6, true, 150, add_received},  {"again", 5, true, 0, add_again},
    {"phase", 9, false, 160, add_phase},   {"limited by", 12, false, 0, add_limit},
};

static void draw_row(struct area area, int at, const struct row *row, enum top_style style)
{
    int col = 1;

    for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
        const struct column *c = &columns[i];
        char room[64];
        struct text text = text_of(room, sizeof room);
        if (area.cols < c->from)
            continue;
        if (row)
            c->add(row, &text);
        else
            text_add(&text, c->name);
        if (c->right)
            area_put_right(area, at, col, c->cols, style, text.at);
        else
            area_put_cut(area_part(area, at, col, 1, c->cols), 0, 0, style, text.at);
        col += c->cols + 1;
    }
}

/* --- rows ----------------------------------------------------------------------------------- */

int top_order(const struct top_moment *moment, const struct top_conn *out[TOP_CONNS])
{
    int count = 0;

    for (uint32_t i = 0; i < moment->conns; i++)
        if (!moment->conn[i].gone && count < TOP_CONNS)
            out[count++] = &moment->conn[i];
    for (uint32_t i = moment->conns; i > 0; i--)
        if (moment->conn[i - 1].gone && count < TOP_CONNS)
            out[count++] = &moment->conn[i - 1];
    return count;
}

void top_draw_table(struct area area, const struct top_scene *scene)
{
    const struct top_conn *order[TOP_CONNS];
    const int count = top_order(scene->moment, order), rows = area.rows - 1;
    int chosen = 0;

    draw_row(area, 0, NULL, STYLE_STRONG);
    if (count == 0)
        area_put(area, 1, 2, STYLE_DIM,
                 "no connections yet; this view follows the first that comes");
    for (int i = 0; i < count; i++)
        if (order[i] == scene->conn)
            chosen = i;
    int first = chosen - rows + 1 < 0 ? 0 : chosen - rows + 1;
    for (int i = 0; i < rows && first + i < count; i++) {
        const struct row row = {.scene = scene, .conn = order[first + i]};
        const bool is_it = row.conn == scene->conn;
        if (is_it)
            area_restyle(area, 1 + i, 0, area.cols, STYLE_LIT);
        draw_row(area, 1 + i, &row,
                 is_it                             ? STYLE_LIT
                 : row.conn->gone || row.conn->own ? STYLE_DIM
                                                   : STYLE_PLAIN);
        if (is_it)
            area_put(area, 1 + i, 0, STYLE_LIT, "▶");
    }
    if (count > rows) {
        char note[32];
        snprintf(note, sizeof note, "%d of %d", rows, count);
        area_put_right(area, 0, area.cols - 12, 12, STYLE_DIM, note);
    }
}

/* --- the chosen one ------------------------------------------------------------------------- */

static bool add_pace_of(const struct top_scene *scene, const struct top_conn *conn,
                        struct text *out)
{
    const uint64_t rate = top_rate(scene->model, top_shown(scene->model, scene->choice), conn->id);

    if (rate == TOP_UNKNOWN)
        return false;
    text_add(out, "  ");
    top_add_count(out, rate);
    return true;
}

/* Two rows: who and how much, and in a sentence what it waits for. */
void top_draw_details(struct area area, const struct top_scene *scene)
{
    const struct top_conn *conn = scene->conn;
    char room[400];
    struct text line = text_of(room, sizeof room);

    if (!conn) {
        area_put(area, 0, 1, STYLE_DIM,
                 scene->choice->all ? "all connections, and packets that belong to none" : "");
        return;
    }
    text_add(&line, conn->local);
    text_add(&line, " ↔ ");
    text_add(&line, conn->remote);
    if (!conn->gone && add_pace_of(scene, conn, &line))
        text_add(&line, "B/s");
    if (*conn->phase && !conn->gone) {
        text_add(&line, "  ");
        text_add(&line, conn->phase);
    }
    if (*conn->timer) {
        text_add(&line, "  ");
        text_add(&line, conn->timer);
        if (conn->timer_us != TOP_UNKNOWN) {
            text_add(&line, " in ");
            top_add_time(&line, conn->timer_us);
        }
    }
    area_put_cut(area, 0, 1, STYLE_PLAIN, line.at);
    area_put_cut(area, 1, 1, STYLE_NOTE,
                 conn->gone  ? "It has ended: pane 2 says how, and who closed first."
                 : conn->own ? "It carries a live page: its own packets are left out."
                             : snapshot_limit_sentence(conn->limit));
}
