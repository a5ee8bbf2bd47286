/*
 * top_octets.c - the chosen packet: its octets, four to a row as the RFCs draw them, and its
 * fields.
 *
 * Each header begins a row of its own. The field under the cursor is lit among the octets and in
 * the list, and below the list stands what it says and where that is written. The fields are those
 * of `tapio explain` (see/fields.h), read here from the headers that came with the packet: so they
 * can be looked at for as long as the packet is in our ring, whatever the stack has forgotten.
 */
#include <stdio.h>
#include <string.h>

#include "see/fields.h"
#include "top_view.h"

enum { OCTETS_COLS = 27, ROW = 4, LIST_ROWS_MIN = 3, MEANING_ROWS = 5 };

/* --- what is read --------------------------------------------------------------------------- */

const struct dissection *top_dissect(const struct top_model *model, const struct top_choice *choice)
{
    static struct dissection d; /* not on the stack: its words alone are 32 KiB */
    const struct top_packet *p = top_packet(model, top_chosen_packet(model, choice));
    const struct top_headers *h = p ? top_headers(model, p->id) : NULL;

    if (!h)
        return NULL;
    const uint32_t whole = h->len > h->kept ? h->len : h->kept;
    fields_read(&d, bytes_of(h->octets, h->kept), whole, h->ethernet ? FIELDS_ETHERNET : FIELDS_IP);
    return d.field_count ? &d : NULL;
}

/* The same field as in the last packet; at first TCP's own first one, or the first of all. */
uint32_t top_chosen_field(const struct dissection *d, const struct top_choice *choice)
{
    int turn = 0;

    for (uint32_t i = 0; i < d->field_count; i++)
        if (strcmp(d->field[i].key, choice->field) == 0 && turn++ == choice->field_turn)
            return i;
    for (uint32_t i = 0; i < d->layer_count; i++)
        if (strcmp(d->layer[i].key, "tcp") == 0 && !d->layer[i].quoted && d->layer[i].count)
            return d->layer[i].first;
    return 0;
}

static const struct layer *layer_of(const struct dissection *d, uint32_t field)
{
    for (uint32_t i = 0; i < d->layer_count; i++)
        if (field >= d->layer[i].first && field < d->layer[i].first + d->layer[i].count)
            return &d->layer[i];
    return NULL;
}

/* --- octets --------------------------------------------------------------------------------- */

static bool is_under(const struct dissection *d, const struct field *f, uint32_t at)
{
    const uint32_t first = f->bit / 8, end = (f->bit + f->bits + 7) / 8;

    (void)d;
    return at >= first && at < end && at < first + f->raw.len;
}

/* Where each row begins, headers in turn; how many rows there are, and which holds the field. */
static int lay_rows(const struct dissection *d, const struct field *f, uint32_t at[], int room,
                    int *cursor)
{
    int count = 0;
    uint32_t next = 0;

    *cursor = 0;
    for (uint32_t i = 0; i < d->layer_count; i++) {
        const uint32_t end =
            i + 1 < d->layer_count ? d->layer[i + 1].start : (uint32_t)d->packet.len;
        for (next = d->layer[i].start; next < end && next < d->packet.len && count < room;
             next += ROW) {
            if (f->bit / 8 >= next && f->bit / 8 < next + ROW)
                *cursor = count;
            at[count++] = next;
        }
    }
    return count;
}

static void draw_octet_row(struct area area, int row, const struct dissection *d,
                           const struct field *f, uint32_t from, uint32_t end)
{
    char note[24];

    for (uint32_t i = 0; i < d->layer_count; i++)
        if (d->layer[i].start == from)
            area_put_cut(area_part(area, row, 1, 1, 9), 0, 0, STYLE_STRONG, d->layer[i].name);
    snprintf(note, sizeof note, "%3u", from);
    area_put(area, row, 11, STYLE_DIM, note);
    for (uint32_t at = from; at < end; at++) {
        const int col = 15 + 3 * (int)(at - from);
        const bool is_lit = is_under(d, f, at);
        snprintf(note, sizeof note, "%02x", d->packet.at[at]);
        area_put(area, row, col, is_lit ? STYLE_LIT : STYLE_PLAIN, note);
        if (is_lit && at + 1 < end && is_under(d, f, at + 1))
            area_put(area, row, col + 2, STYLE_LIT, " ");
    }
}

static void draw_octets(struct area area, const struct dissection *d, const struct field *f)
{
    enum { ROOM = LIVE_HEADERS / ROW + FIELDS_LAYERS };
    uint32_t at[ROOM];
    int cursor;

    const int count = lay_rows(d, f, at, ROOM, &cursor);
    int first = cursor - area.rows / 2;
    if (first > count - area.rows)
        first = count - area.rows;
    if (first < 0)
        first = 0;
    for (int i = 0; i < area.rows && first + i < count; i++) {
        const uint32_t from = at[first + i];
        uint32_t end = from + ROW;
        if (first + i + 1 < count && at[first + i + 1] < end)
            end = at[first + i + 1];
        if (end > d->packet.len)
            end = (uint32_t)d->packet.len;
        draw_octet_row(area, i, d, f, from, end);
    }
}

/* --- fields --------------------------------------------------------------------------------- */

static void draw_list(struct area area, const struct dissection *d, uint32_t chosen)
{
    const int count = (int)d->field_count;
    int first = (int)chosen - area.rows / 2;

    if (first > count - area.rows)
        first = count - area.rows;
    if (first < 0)
        first = 0;
    const int name_cols = area.cols > 60 ? 30 : 24;
    for (int i = 0; i < area.rows && first + i < count; i++) {
        const struct field *f = &d->field[first + i];
        const bool is_it = first + i == (int)chosen;
        const enum top_style style = is_it                     ? STYLE_LIT
                                     : f->kind == FIELD_FLAW   ? STYLE_BAD
                                     : f->kind == FIELD_HEADER ? STYLE_PLAIN
                                                               : STYLE_DIM;
        if (is_it)
            area_fill(area, i, 0, area.cols, STYLE_LIT, ' ');
        area_put(area, i, 0, style, is_it ? "▶" : " ");
        area_put_cut(area_part(area, i, 2, 1, name_cols), 0, 0, style, f->name);
        area_put_cut(area_part(area, i, 3 + name_cols, 1, area.cols - 3 - name_cols), 0, 0, style,
                     f->value ? f->value : "");
    }
}

/* Where it lies: "octets 38 to 41", "octet 46, bits 0 to 3". */
static void add_place(struct text *out, const struct field *f)
{
    const uint32_t first = f->bit / 8, last = f->bits ? (f->bit + f->bits - 1) / 8 : first;

    text_add(out, first == last ? "octet " : "octets ");
    text_add_u64(out, first);
    if (first != last) {
        text_add(out, " to ");
        text_add_u64(out, last);
    }
    if (f->bit % 8 == 0 && f->bits % 8 == 0)
        return;
    text_add(out, f->bits == 1 ? ", bit " : ", bits ");
    text_add_u64(out, f->bit % 8);
    if (f->bits > 1) {
        text_add(out, " to ");
        text_add_u64(out, f->bit % 8 + f->bits - 1);
    }
}

static void draw_meaning(struct area area, const struct dissection *d, uint32_t chosen)
{
    const struct field *f = &d->field[chosen];
    const struct layer *layer = layer_of(d, chosen);
    char room[256];
    struct text text = text_of(room, sizeof room);
    const char *clause = f->clause && *f->clause ? f->clause : layer ? layer->clause : "";

    area_fill(area, 0, 0, area.cols, STYLE_DIM, 0x2500);
    text_add(&text, " ");
    text_add(&text, f->key);
    text_add(&text, "  ");
    add_place(&text, f);
    text_add(&text, " ");
    area_put(area, 0, 2, STYLE_STRONG, text.at);
    const int row =
        area_put_folded(area, 1, area.rows - 2, STYLE_PLAIN, f->meaning ? f->meaning : "");
    area_put(area, row, 0, STYLE_NOTE, clause);
}

void top_draw_octets(struct area area, const struct top_scene *scene)
{
    const uint64_t number = top_chosen_packet(scene->model, scene->choice);
    const struct dissection *d = top_dissect(scene->model, scene->choice);

    if (!d) {
        area_put_folded(area_part(area, 0, 1, 3, area.cols - 2), 0, 3, STYLE_DIM,
                        number == UINT64_MAX ? "No packet has passed since this began."
                                             : "The headers of this packet did not come.");
        return;
    }
    const uint32_t chosen = top_chosen_field(d, scene->choice);
    const struct area right =
        area_part(area, 0, OCTETS_COLS + 1, area.rows, area.cols - OCTETS_COLS - 1);
    int list = area.rows - MEANING_ROWS;
    if (list < LIST_ROWS_MIN)
        list = LIST_ROWS_MIN;
    draw_octets(area_part(area, 0, 0, area.rows, OCTETS_COLS), d, &d->field[chosen]);
    draw_list(area_part(right, 0, 0, list, right.cols), d, chosen);
    draw_meaning(area_part(right, list, 0, area.rows - list, right.cols), d, chosen);
}
