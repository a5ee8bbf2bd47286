/*
 * top_states.c - the state diagram of RFC 9293, 3.3.2, with the current state lit, and the way that
 * the connection has gone: each state with the cause that led to it.
 *
 * The diagram is laid out by hand; where each state stands is in a table, and a test holds the two
 * against each other and against the edges of the stack. The lit state has brackets, too, for
 * terminals that show no styles. CLOSED is at both ends: the lower one is lit when it is over.
 */
#include <string.h>

#include "top_view.h"

enum { ART_ROWS = 13, ART_COLS = 47, PATH_STEPS = 16 };

/* clang-format off */
static const char *const art[ART_ROWS] = {
    "                    CLOSED",
    "     listen ┌─────────┴─────────┐ connect: SYN",
    "          LISTEN             SYN-SENT",
    "            │ SYN         SYN ┌─┤",
    "       SYN-RECEIVED ◀─────────┘ │ SYN,ACK",
    "            └─────────┬─────────┘",
    "                 ESTABLISHED",
    "   we close: FIN ┌────┴────────┐ peer's FIN",
    "            FIN-WAIT-1     CLOSE-WAIT",
    "         ACK ┌───┼───────┐ FIN │ we close: FIN",
    "        FIN-WAIT-2    CLOSING  LAST-ACK",
    "         FIN └───┼───────┘ ACK │ ACK",
    "             TIME-WAIT ───▶ CLOSED",
};

static const struct {
    enum tcp_state state;
    int row, col;
} places[] = {
    {TCPS_CLOSED, 0, 20},       {TCPS_LISTEN, 2, 10},      {TCPS_SYN_SENT, 2, 29},    {TCPS_SYN_RECEIVED, 4, 7},
    {TCPS_ESTABLISHED, 6, 17},  {TCPS_FIN_WAIT_1, 8, 12},  {TCPS_CLOSE_WAIT, 8, 27},  {TCPS_FIN_WAIT_2, 10, 8},
    {TCPS_CLOSING, 10, 22},     {TCPS_LAST_ACK, 10, 31},   {TCPS_TIME_WAIT, 12, 13},  {TCPS_CLOSED, 12, 28},
};
/* clang-format on */

static bool is_step(const struct top_decision *d, const struct top_conn *conn)
{
    return d && d->what == EVENT_STATE && d->conn == conn->id;
}

static bool was_in(const struct top_scene *scene, enum tcp_state state)
{
    for (uint64_t i = top_oldest_decision(scene->model); i < scene->moment->decisions; i++) {
        const struct top_decision *d = top_decision(scene->model, i);
        if (is_step(d, scene->conn) && (d->from == state || d->to == state))
            return true;
    }
    return false;
}

static void draw_art(struct area area, const struct top_scene *scene)
{
    for (int row = 0; row < ART_ROWS; row++)
        area_put(area, row, 0, STYLE_DIM, art[row]);
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        const enum tcp_state state = places[i].state;
        const char *name = tcp_state_name(state);
        const int row = places[i].row, col = places[i].col, len = (int)strlen(name);
        const bool at_end = state == TCPS_CLOSED && row > 0;
        if (!scene->conn)
            continue;
        if (state == scene->conn->state && (state != TCPS_CLOSED || at_end == scene->conn->gone)) {
            area_put(area, row, col - 1, STYLE_LIT, "[");
            area_put(area, row, area_put(area, row, col, STYLE_LIT, name), STYLE_LIT, "]");
        } else if (was_in(scene, state) && (state != TCPS_CLOSED || !at_end)) {
            area_restyle(area, row, col, len, STYLE_STRONG);
        }
    }
}

/* --- the way there -------------------------------------------------------------------------- */

static int gather(const struct top_scene *scene, const struct top_decision *out[PATH_STEPS])
{
    int count = 0;

    for (uint64_t i = scene->moment->decisions; i > top_oldest_decision(scene->model); i--) {
        const struct top_decision *d = top_decision(scene->model, i - 1);
        if (is_step(d, scene->conn) && count < PATH_STEPS)
            out[count++] = d; /* the newest first */
    }
    return count;
}

/* A step takes two rows at least: when and where to, and why. */
static void draw_path(struct area area, const struct top_scene *scene)
{
    const struct top_decision *steps[PATH_STEPS] = {0};
    int count, row = 0;

    if (!scene->conn) {
        area_put_folded(area, 0, area.rows, STYLE_DIM,
                        "Choose one connection (c) to see its way through the states.");
        return;
    }
    count = gather(scene, steps);
    if (count == 0)
        area_put_folded(area, 0, area.rows, STYLE_DIM,
                        "How it got there was decided too long ago to be remembered.");
    const int each = count > 0 && area.rows / count >= 3 ? 3 : 2;
    int first = count - 1;
    if ((first + 1) * each > area.rows)
        first = area.rows / each - 1; /* the oldest are left out */
    for (int i = first; i >= 0 && steps[i]; i--) {
        char room[64];
        struct text text = text_of(room, sizeof room);
        if (steps[i]->us)
            top_add_seconds(&text, steps[i]->us, 3);
        else
            text_add(&text, "before");
        text_add(&text, " ");
        const int col = area_put(area, row, 0, STYLE_DIM, text.at);
        area_put(area, row, col, i == 0 ? STYLE_STRONG : STYLE_PLAIN, tcp_state_name(steps[i]->to));
        row = area_put_folded(area_part(area, 0, 2, area.rows, area.cols - 2), row + 1, each - 1,
                              STYLE_NOTE, steps[i]->cause);
    }
}

void top_draw_states(struct area area, const struct top_scene *scene)
{
    draw_art(area, scene);
    draw_path(area_part(area, 0, ART_COLS + 1, area.rows, area.cols - ART_COLS - 1), scene);
}
