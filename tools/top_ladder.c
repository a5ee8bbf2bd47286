/*
 * top_ladder.c - the last segments as a ladder: we are its left side, the peer the right one.
 *
 * Numbers are relative, as in a trace: the first octet of a stream is 1, or the first one that was
 * seen of a connection that was there before us. What was sent again says so; what we discarded
 * ends in a cross before it reaches us. Below the ladder stands why the chosen one was sent, or
 * what it did.
 */
#include <stdio.h>

#include "tcp/tcp_wire.h"
#include "top_view.h"

enum { LEFT = 13, REASON = 22, HEAD = 1, FOOT = 2 };

static bool is_again(enum why why)
{
    switch ((int)why) {
    case WHY_OUT_SYN_AGAIN:
    case WHY_OUT_SYN_ACK_AGAIN:
    case WHY_OUT_RTO:
    case WHY_OUT_AFTER_RTO:
    case WHY_OUT_FAST:
    case WHY_OUT_SACK:
    case WHY_OUT_RESCUE:
    case WHY_OUT_TAIL_PROBE:
    case WHY_OUT_PARTIAL:
    case WHY_OUT_TOO_BIG:
    case WHY_OUT_AFTER_PROBE:
    case WHY_OUT_FIN_AGAIN:
        return true;
    default:
        return false;
    }
}

/* --- what an arrow says --------------------------------------------------------------------- */

static void add_relative(struct text *out, uint32_t number, bool known, uint32_t base)
{
    if (known)
        text_add_i64(out, top_relative(number, known, base));
    else
        text_add_u64(out, number);
}

static void add_number(struct text *out, const char *name, uint32_t number, bool known,
                       uint32_t base)
{
    if (out->len)
        text_add_char(out, ' ');
    text_add(out, name);
    add_relative(out, number, known, base);
}

static void add_flags(struct text *out, uint8_t flags)
{
    static const struct {
        uint8_t bit;
        const char *name;
    } names[] = {{TCP_SYN, "SYN"}, {TCP_FIN, "FIN"}, {TCP_RST, "RST"}};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (!(flags & names[i].bit))
            continue;
        text_add(out, out->len ? "," : "");
        text_add(out, names[i].name);
    }
    if ((flags & TCP_SYN) && (flags & TCP_ACK))
        text_add(out, ",ACK");
}

static void add_label(struct text *out, const struct top_packet *p, const struct top_conn *conn)
{
    static const struct top_conn none;
    const bool sent = p->fate == PACKET_OUT;
    const struct top_conn *c = conn ? conn : &none;
    const bool has_seq = sent ? c->has_out : c->has_in, has_ack = sent ? c->has_in : c->has_out;
    const uint32_t seq_base = sent ? c->out_base : c->in_base;
    const uint32_t ack_base = sent ? c->in_base : c->out_base;

    if (!p->tcp)
        return;
    add_flags(out, p->flags);
    if (out->len || p->text) {
        add_number(out, "seq ", p->seq, has_seq, seq_base);
        if (p->text) {
            text_add(out, " +");
            text_add_u64(out, p->text);
        }
    }
    if (is_again(p->why))
        text_add(out, p->why == WHY_OUT_TAIL_PROBE ? " probe" : " again");
    if ((p->flags & TCP_ACK) && !p->text)
        add_number(out, "ack ", p->ack, has_ack, ack_base);
    if (p->sacks) {
        add_number(out, "sack ", p->sack[0], has_ack, ack_base);
        text_add_char(out, '-');
        add_relative(out, p->sack[1], has_ack, ack_base);
    } else if ((p->flags & TCP_ACK) && !p->text && !(p->flags & (TCP_FIN | TCP_RST))) {
        add_number(out, "win ", p->window, true, 0);
    }
}

/* --- a rung --------------------------------------------------------------------------------- */

static enum top_style style_of(const struct top_packet *p)
{
    if (p->fate == PACKET_DROPPED || (p->fate == PACKET_OUT && is_again(p->why)))
        return STYLE_BAD;
    if (p->flags & (TCP_SYN | TCP_FIN | TCP_RST))
        return STYLE_NOTE;
    return p->fate == PACKET_OUT ? STYLE_PLAIN : STYLE_GOOD;
}

static void draw_arrow(struct area area, int row, const struct top_packet *p,
                       const struct top_conn *conn, int right, enum top_style style)
{
    const int width = right - LEFT - 1;
    char room[160];
    struct text label = text_of(room, sizeof room);

    area_fill(area, row, LEFT + 1, width, style, 0x2500);
    if (p->fate == PACKET_OUT)
        area_put(area, row, right - 1, style, "▶");
    else
        area_put(area, row, LEFT + 1, style, p->fate == PACKET_DROPPED ? "×" : "◀");
    add_label(&label, p, conn);
    if (!label.len)
        return;
    const int len = (int)size_min(label.len, (size_t)(width > 6 ? width - 6 : 0));
    label.at[len] = '\0';
    const int at = LEFT + 1 + (width - len) / 2;
    area_put(area, row, at - 1, style, " ");
    area_put(area, row, area_put(area, row, at, style, label.at), style, " ");
}

static void draw_reason(struct area area, int row, const struct top_packet *p, bool with_conn,
                        enum top_style style)
{
    char room[96];
    struct text text = text_of(room, sizeof room);

    if (with_conn && p->conn) {
        text_add_u64(&text, p->conn);
        text_add(&text, ": ");
    }
    text_add(&text, p->fate == PACKET_DROPPED && p->drop != DROP_NONE ? drop_name(p->drop)
                                                                      : why_key(p->why));
    area_put_cut(area_part(area, row, area.cols - REASON, 1, REASON), 0, 0, style, text.at);
}

static void draw_gap(struct area area, int row, const struct top_packet *p)
{
    char note[64];

    snprintf(note, sizeof note, "· · · %u more, of all connections, not shown", p->text);
    area_put(area, row, LEFT + 2, STYLE_DIM, note);
}

static void draw_rung(struct area area, int row, const struct top_scene *scene,
                      const struct top_packet *p, bool is_chosen)
{
    const int right = area.cols - REASON - 2;
    const enum top_style style = is_chosen ? STYLE_LIT : style_of(p);
    char room[32];
    struct text time = text_of(room, sizeof room);

    if (is_chosen) {
        area_fill(area, row, 0, area.cols, STYLE_LIT, ' ');
        area_put(area, row, LEFT, STYLE_LIT, "│");
        area_put(area, row, right, STYLE_LIT, "│");
    }
    if (p->fate == TOP_GAP) {
        draw_gap(area, row, p);
        return;
    }
    top_add_seconds(&time, p->us, 6);
    area_put_right(area, row, 1, LEFT - 2, is_chosen ? STYLE_LIT : STYLE_DIM, time.at);
    area_put(area, row, 0, style, is_chosen ? "▶" : " ");
    draw_arrow(area, row, p, scene->conn ? scene->conn : top_conn_at(scene->moment, p->conn), right,
               style);
    draw_reason(area, row, p, !scene->conn, style);
}

/* --- the ladder ----------------------------------------------------------------------------- */

static bool belongs(const struct top_packet *p, const struct top_scene *scene)
{
    return p->fate == TOP_GAP || top_is_shown(p, scene->conn);
}

/* Behind which packet the window ends: the chosen one is in its middle, or all behind it are there.
 */
static uint64_t window_end(const struct top_scene *scene, uint64_t chosen, int rows)
{
    const uint64_t stop = scene->moment->packets;
    uint64_t end = chosen + 1;
    int after = 0;

    for (uint64_t i = chosen + 1; i < stop && after < rows / 2; i++) {
        const struct top_packet *p = top_packet(scene->model, i);
        if (!p || !belongs(p, scene))
            continue;
        end = i + 1;
        after++;
    }
    return end;
}

static void draw_head(struct area area, const struct top_scene *scene)
{
    const int right = area.cols - REASON - 2;

    area_put_right(area, 0, 1, LEFT - 2, STYLE_STRONG, "seconds");
    area_put(area, 0, LEFT, STYLE_STRONG, scene->conn ? scene->conn->local : "the stack");
    area_put_right(area_part(area, 0, 0, 1, right + 1), 0, LEFT + 24, right - LEFT - 23,
                   STYLE_STRONG, scene->conn ? scene->conn->remote : "others");
    area_put(area, 0, area.cols - REASON, STYLE_STRONG, "why");
}

static void draw_foot(struct area area, const struct top_packet *p)
{
    char room[512];
    struct text text = text_of(room, sizeof room);

    text_add(&text, p->fate == PACKET_DROPPED && p->drop != DROP_NONE ? drop_sentence(p->drop)
                                                                      : why_sentence(p->why));
    area_put_folded(area_part(area, area.rows - FOOT, 1, FOOT, area.cols - 1), 0, FOOT, STYLE_NOTE,
                    text.at);
}

void top_draw_ladder(struct area area, const struct top_scene *scene)
{
    const int rows = area.rows - HEAD - FOOT, right = area.cols - REASON - 2;
    const uint64_t chosen = top_chosen_packet(scene->model, scene->choice);

    draw_head(area, scene);
    for (int i = HEAD; i < HEAD + rows; i++) {
        area_put(area, i, LEFT, STYLE_DIM, "│");
        area_put(area, i, right, STYLE_DIM, "│");
    }
    if (chosen == UINT64_MAX) {
        area_put(area, HEAD, LEFT + 2, STYLE_DIM, "no segment has passed since this began");
        return;
    }
    /* From the bottom up; a short ladder stands at the top. */
    int there = 0;
    const uint64_t end = window_end(scene, chosen, rows);
    for (uint64_t i = end; i > top_oldest_packet(scene->model) && there < rows; i--)
        there += belongs(top_packet(scene->model, i - 1), scene);
    int row = HEAD + there - 1;
    for (uint64_t i = end; i > top_oldest_packet(scene->model) && row >= HEAD; i--) {
        const struct top_packet *p = top_packet(scene->model, i - 1);
        if (belongs(p, scene))
            draw_rung(area, row--, scene, p, i - 1 == chosen);
    }
    draw_foot(area, top_packet(scene->model, chosen));
}
