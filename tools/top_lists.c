/*
 * top_lists.c - decisions of the chosen connection, the newest at the bottom, and drops by reason.
 */
#include <stdio.h>

#include "top_view.h"

enum { TIME = 13, WORD = 11 };

/* --- decisions ------------------------------------------------------------------------------ */

static const char *word_of(const struct top_decision *d)
{
    switch ((int)d->what) {
    case EVENT_STATE:
        return "state";
    case EVENT_RETRANSMIT:
        return "sent again";
    case EVENT_CWND:
        return "cwnd";
    case EVENT_STALL:
        return "waits";
    case EVENT_RESUME:
        return "goes on";
    default:
        return "reset";
    }
}

static void add_retransmit(struct text *out, const struct top_decision *d,
                           const struct top_conn *conn)
{
    if (conn && conn->has_out)
        text_add_i64(out, top_relative(d->seq, true, conn->out_base));
    else
        text_add_u64(out, d->seq);
    text_add(out, " +");
    text_add_u64(out, d->len);
    if (d->times > 1) {
        text_add(out, " (time ");
        text_add_u64(out, d->times);
        text_add(out, ")");
    }
}

static void add_decision(struct text *out, const struct top_decision *d,
                         const struct top_conn *conn)
{
    switch ((int)d->what) {
    case EVENT_STATE:
        text_add(out, tcp_state_name(d->from));
        text_add(out, " → ");
        text_add(out, tcp_state_name(d->to));
        break;
    case EVENT_RETRANSMIT:
        add_retransmit(out, d, conn);
        break;
    case EVENT_CWND:
        top_add_count(out, d->cwnd);
        if (d->ssthresh != TOP_UNKNOWN) {
            text_add(out, ", ssthresh ");
            top_add_count(out, d->ssthresh);
        }
        break;
    case EVENT_RESET:
        text_add(out, d->sent ? "sent" : "received");
        break;
    default:
        break;
    }
    if (out->len)
        text_add(out, ": ");
    text_add(out, d->cause);
}

static enum top_style style_of(const struct top_decision *d)
{
    switch ((int)d->what) {
    case EVENT_RETRANSMIT:
    case EVENT_RESET:
    case EVENT_STALL:
        return STYLE_BAD;
    case EVENT_STATE:
        return STYLE_NOTE;
    default:
        return STYLE_PLAIN;
    }
}

static bool belongs(const struct top_decision *d, const struct top_scene *scene)
{
    return d && (!scene->conn || d->conn == scene->conn->id);
}

static void draw_decision(struct area area, int row, const struct top_decision *d,
                          const struct top_scene *scene)
{
    char room[TOP_CAUSE + 160];
    struct text text = text_of(room, sizeof room);

    if (d->us)
        top_add_seconds(&text, d->us, 6);
    else
        text_add(&text, "before");
    area_put_right(area, row, 0, TIME - 1, STYLE_DIM, text.at);
    area_put(area, row, TIME, style_of(d), word_of(d));
    text = text_of(room, sizeof room);
    if (!scene->conn) {
        text_add_u64(&text, d->conn);
        text_add(&text, ": ");
    }
    char body[TOP_CAUSE + 128];
    struct text what = text_of(body, sizeof body);
    add_decision(&what, d, scene->conn ? scene->conn : top_conn_at(scene->moment, d->conn));
    text_add(&text, what.at);
    area_put_cut(area, row, TIME + WORD, style_of(d), text.at);
}

void top_draw_decisions(struct area area, const struct top_scene *scene)
{
    const uint64_t end = scene->moment->decisions, oldest = top_oldest_decision(scene->model);
    int there = 0;

    for (uint64_t i = end; i > oldest && there < area.rows; i--)
        there += belongs(top_decision(scene->model, i - 1), scene);
    int row = there - 1;
    for (uint64_t i = end; i > oldest && row >= 0; i--) {
        const struct top_decision *d = top_decision(scene->model, i - 1);
        if (belongs(d, scene))
            draw_decision(area, row--, d, scene);
    }
    if (there == 0)
        area_put(area, 0, 1, STYLE_DIM, "nothing was decided about it that is remembered");
}

/* --- drops ---------------------------------------------------------------------------------- */

void top_draw_drops(struct area area, const struct top_scene *scene)
{
    int row = 0;

    for (int i = 1; i < DROP_COUNT && row < area.rows; i++) {
        char room[32];
        struct text text = text_of(room, sizeof room);
        if (scene->model->drops[i] == 0)
            continue;
        top_add_count(&text, scene->model->drops[i]);
        area_put_right(area, row, 0, 7, STYLE_BAD, text.at);
        area_put(area, row, 8, STYLE_STRONG, drop_name((enum drop)i));
        area_put_cut(area, row++, 28, STYLE_PLAIN, drop_sentence((enum drop)i));
    }
    if (row == 0)
        area_put(area, 0, 1, STYLE_DIM, "no packet was discarded since the stack began");
}
