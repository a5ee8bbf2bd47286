/*
 * top_view.c - see top_view.h: the frame around the panes, where each goes, and what is chosen.
 */
#include "top_view.h"

#include <stdio.h>
#include <string.h>

/* --- what is chosen ------------------------------------------------------------------------- */

uint64_t top_shown(const struct top_model *model, const struct top_choice *choice)
{
    const uint64_t newest = model->moments ? model->moments - 1 : 0;

    if (!choice->frozen || choice->moment > newest)
        return newest;
    return choice->moment < top_oldest_moment(model) ? top_oldest_moment(model) : choice->moment;
}

const struct top_moment *top_shown_moment(const struct top_model *model,
                                          const struct top_choice *choice)
{
    return top_moment(model, top_shown(model, choice));
}

const struct top_conn *top_chosen(const struct top_model *model, const struct top_choice *choice)
{
    const struct top_moment *moment = top_shown_moment(model, choice);

    if (!moment || choice->all || moment->conns == 0)
        return NULL;
    const struct top_conn *conn = choice->conn ? top_conn_at(moment, choice->conn) : NULL;
    if (conn)
        return conn;
    for (uint32_t i = 0; i < moment->conns; i++)
        if (!moment->conn[i].gone && !moment->conn[i].own)
            return &moment->conn[i];
    return &moment->conn[moment->conns - 1];
}

bool top_is_shown(const struct top_packet *packet, const struct top_conn *chosen)
{
    return packet && packet->fate != TOP_GAP && (!chosen || packet->conn == chosen->id);
}

uint64_t top_next_packet(const struct top_model *model, const struct top_choice *choice,
                         uint64_t from, int step)
{
    const struct top_moment *moment = top_shown_moment(model, choice);
    const struct top_conn *conn = top_chosen(model, choice);
    uint64_t number = from;

    for (;;) {
        if (step < 0 && number <= top_oldest_packet(model))
            return UINT64_MAX;
        number = step < 0 ? number - 1 : number + 1;
        if (!moment || number >= moment->packets)
            return UINT64_MAX;
        if (top_is_shown(top_packet(model, number), conn))
            return number;
    }
}

uint64_t top_chosen_packet(const struct top_model *model, const struct top_choice *choice)
{
    const struct top_moment *moment = top_shown_moment(model, choice);
    const uint64_t number = choice->packet - 1;

    if (!moment)
        return UINT64_MAX;
    if (choice->packet && number < moment->packets &&
        top_is_shown(top_packet(model, number), top_chosen(model, choice)))
        return number;
    return top_next_packet(model, choice, moment->packets, -1);
}

/* --- the frame ------------------------------------------------------------------------------ */

static void draw_title(struct area area, const struct top_scene *scene)
{
    const struct top_moment *moment = scene->moment;
    const struct top_moment *newest = top_moment(scene->model, scene->model->moments - 1);
    char room[200];
    struct text text = text_of(room, sizeof room);

    area_fill(area, 0, 0, area.cols, STYLE_BAR, ' ');
    text_add(&text, "tapio top  ");
    text_add(&text, scene->model->device);
    text_add(&text, "  in ");
    top_add_count(&text, moment->received);
    text_add(&text, "  out ");
    top_add_count(&text, moment->sent);
    text_add(&text, "  dropped ");
    top_add_count(&text, moment->dropped);
    area_put(area, 0, 1, STYLE_BAR, text.at);
    text = text_of(room, sizeof room);
    text_add(&text, scene->choice->frozen ? "FROZEN " : "live ");
    top_add_seconds(&text, moment->us, 2);
    if (scene->choice->frozen && newest) {
        text_add(&text, " s, ");
        top_add_time(&text, newest->us - moment->us);
        text_add(&text, " ago ");
    } else {
        text_add(&text, " s ");
    }
    area_put_right(area, 0, area.cols - 36, 36, scene->choice->frozen ? STYLE_LIT : STYLE_BAR,
                   text.at);
}

static int put_side(struct area area, int col, const char *name, const struct control_wire *wire,
                    bool is_chosen)
{
    char room[160];
    struct text text = text_of(room, sizeof room);

    text_add(&text, name);
    text_add(&text, " loss ");
    top_add_loss(&text, wire->loss_ppm);
    text_add(&text, " delay ");
    top_add_delay(&text, (uint64_t)wire->delay_us);
    text_add(&text, " ");
    top_add_rate(&text, wire->rate_bps);
    if (wire->lost + wire->rate_dropped) {
        text_add(&text, " lost ");
        top_add_count(&text, wire->lost + wire->rate_dropped);
    }
    area_put(area, 0, col, STYLE_NOTE, is_chosen ? "▶" : " ");
    return area_put(area, 0, col + 1, is_chosen ? STYLE_STRONG : STYLE_PLAIN, text.at);
}

static void draw_wire(struct area area, const struct top_scene *scene)
{
    const struct top_moment *moment = scene->moment;
    const enum top_side side = scene->choice->side;

    if (!moment->has_wire) {
        area_put_cut(area, 0, 1, STYLE_DIM,
                     "wire: as it is; with --allow-control the keys l, d and r could change it");
        return;
    }
    const int col = put_side(area, 0, "out", &moment->wire[CONTROL_WIRE_OUT], side != SIDE_IN);
    put_side(area, col < 40 ? 40 : col + 2, "in", &moment->wire[CONTROL_WIRE_IN], side != SIDE_OUT);
}

static void draw_keys(struct area area, const struct top_scene *scene)
{
    if (*scene->choice->note) {
        area_put_cut(area, 0, 1, STYLE_NOTE, scene->choice->note);
        return;
    }
    static const char *const keys[] = {"space ", "freeze", "  ,. ", "step",  "  c ",   "conn",
                                       "  ↑↓ ",  "packet", "  ←→ ", "field", "  1-6 ", "pane",
                                       "  ldr ", "wire",   "  ? ",  "help"};
    int col = 1;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        col = area_put(area, 0, col, i % 2 ? STYLE_DIM : STYLE_STRONG, keys[i]);
}

/* --- panes ---------------------------------------------------------------------------------- */

static const struct pane {
    const char *name;
    void (*draw)(struct area area, const struct top_scene *scene);
} panes[PANE_COUNT] = {
    [PANE_LADDER] = {"ladder", top_draw_ladder},
    [PANE_STATES] = {"states", top_draw_states},
    [PANE_OCTETS] = {"octets", top_draw_octets},
    [PANE_CWND] = {"cwnd", top_draw_cwnd},
    [PANE_DECISIONS] = {"decisions", top_draw_decisions},
    [PANE_DROPS] = {"drops", top_draw_drops},
};

static void draw_pane(struct area area, enum top_pane which, const struct top_scene *scene)
{
    char name[40];

    snprintf(name, sizeof name, " %d %s ", (int)which + 1, panes[which].name);
    area_fill(area, 0, 0, area.cols, STYLE_DIM, 0x2500);
    area_put(area, 0, 2, STYLE_STRONG, name);
    panes[which].draw(area_part(area, 1, 0, area.rows - 1, area.cols), scene);
}

static void draw_tabs(struct area area, const struct top_scene *scene)
{
    int col = 2;

    area_fill(area, 0, 0, area.cols, STYLE_DIM, 0x2500);
    for (int i = 0; i < PANE_COUNT; i++) {
        char name[40];
        const bool is_it = i == (int)scene->choice->pane;
        snprintf(name, sizeof name, is_it ? "[%d %s]" : " %d %s ", i + 1, panes[i].name);
        col = area_put(area, 0, col, is_it ? STYLE_LIT : STYLE_PLAIN, name) + 1;
    }
}

static void draw_help(struct area area)
{
    static const char *const lines[][2] = {
        {"space", "freeze, and go on"},
        {", .", "a sample back, or on; < > ten of them"},
        {"c C", "the next connection, or the one before; a all of them, and what belongs to none"},
        {"↑ ↓", "the packet before, or the next (freezes); PgUp PgDn ten; g the newest"},
        {"← →", "the field before, or the next"},
        {"1-6", "ladder, states, octets, cwnd, decisions, drops; Tab the next"},
        {"z", "the chart shows more time"},
        {"w", "which way the next three change: out, in, both"},
        {"l L", "more loss, less loss"},
        {"d D", "more delay, less delay"},
        {"r R", "a lower rate, a higher rate"},
        {"q", "quit; ? closes this"},
    };

    area_fill(area, 0, 0, area.cols, STYLE_DIM, 0x2500);
    area_put(area, 0, 2, STYLE_STRONG, " keys ");
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        area_put(area, 1 + (int)i, 3, STYLE_STRONG, lines[i][0]);
        area_put_cut(area, 1 + (int)i, 11, STYLE_PLAIN, lines[i][1]);
    }
}

/* On a large screen: what is sent and what it says at the left, what it does to us at the right. */
static void draw_wide(struct area area, const struct top_scene *scene)
{
    enum { OCTETS = 18, STATES = 15 };
    const int left = area.cols / 2, right = area.cols - left - 1, rest = area.rows - STATES;
    const struct area at_left = area_part(area, 0, 0, area.rows, left);
    const struct area at_right = area_part(area, 0, left + 1, area.rows, right);
    const int lists = rest / 2;

    draw_pane(area_part(at_left, 0, 0, area.rows - OCTETS, left), PANE_LADDER, scene);
    draw_pane(area_part(at_left, area.rows - OCTETS, 0, OCTETS, left), PANE_OCTETS, scene);
    draw_pane(area_part(at_right, 0, 0, STATES, right), PANE_STATES, scene);
    draw_pane(area_part(at_right, STATES, 0, rest - lists, right), PANE_CWND, scene);
    draw_pane(area_part(at_right, STATES + rest - lists, 0, lists, right),
              scene->choice->pane == PANE_DROPS ? PANE_DROPS : PANE_DECISIONS, scene);
}

static void draw_narrow(struct area area, const struct top_scene *scene)
{
    draw_tabs(area, scene);
    panes[scene->choice->pane].draw(area_part(area, 1, 0, area.rows - 1, area.cols), scene);
}

static void draw_too_small(struct grid *grid)
{
    char note[80];

    snprintf(note, sizeof note, "tapio top wants %dx%d, this is %dx%d", TOP_COLS, TOP_ROWS,
             grid->cols, grid->rows);
    area_put_folded(grid_all(grid), 0, grid->rows, STYLE_PLAIN, note);
}

void top_draw(struct grid *grid, const struct top_model *model, const struct top_choice *choice)
{
    const struct area all = grid_all(grid);
    const struct top_scene scene = {.model = model,
                                    .choice = choice,
                                    .moment = top_shown_moment(model, choice),
                                    .conn = top_chosen(model, choice)};

    if (grid->rows < TOP_ROWS || grid->cols < TOP_COLS) {
        draw_too_small(grid);
        return;
    }
    if (!scene.moment) {
        area_put(all, 0, 1, STYLE_PLAIN, "tapio top: waiting for the first sample");
        draw_keys(area_part(all, all.rows - 1, 0, 1, all.cols), &scene);
        return;
    }
    const bool is_wide = all.rows >= WIDE_ROWS && all.cols >= WIDE_COLS;
    const int table = 1 + (is_wide ? all.rows / 8 : (all.rows - 12) / 3), body = 2 + table + 2;
    draw_title(area_part(all, 0, 0, 1, all.cols), &scene);
    draw_wire(area_part(all, 1, 0, 1, all.cols), &scene);
    top_draw_table(area_part(all, 2, 0, table, all.cols), &scene);
    top_draw_details(area_part(all, 2 + table, 0, 2, all.cols), &scene);
    const struct area panes_area = area_part(all, body, 0, all.rows - body - 1, all.cols);
    if (choice->help)
        draw_help(panes_area);
    else if (is_wide)
        draw_wide(panes_area, &scene);
    else
        draw_narrow(panes_area, &scene);
    draw_keys(area_part(all, all.rows - 1, 0, 1, all.cols), &scene);
}
