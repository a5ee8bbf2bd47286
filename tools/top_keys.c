/*
 * top_keys.c - see top_keys.h.
 *
 * To look at a packet one must stop time, so choosing one freezes; so does stepping. While frozen
 * the model is held. The wire changes in steps that a person would choose: each key goes to the
 * next step from where the wire is now, whoever has put it there.
 */
#include "top_keys.h"

#include <stdio.h>
#include <string.h>

#include "see/fields.h"

enum { SETTLES = 4 /* samples until the wire is as it was asked to be */ };

/* --- time ----------------------------------------------------------------------------------- */

static void freeze(struct top_choice *choice, struct top_model *model)
{
    if (choice->frozen || model->moments == 0)
        return;
    if (!choice->conn && top_chosen(model, choice)) {
        choice->conn = top_chosen(model, choice)->id;
        choice->pinned = true;
    }
    choice->moment = model->moments - 1;
    choice->frozen = model->held = true;
}

static void go_on(struct top_choice *choice, struct top_model *model)
{
    if (choice->pinned)
        choice->conn = 0;
    choice->frozen = model->held = choice->pinned = false;
    choice->packet = 0;
}

static void step(struct top_choice *choice, struct top_model *model, int by)
{
    if (model->moments == 0)
        return;
    freeze(choice, model);
    const uint64_t at = top_shown(model, choice), oldest = top_oldest_moment(model);
    const uint64_t newest = model->moments - 1;

    if (by < 0)
        choice->moment = at - oldest < (uint64_t)-by ? oldest : at - (uint64_t)-by;
    else
        choice->moment = newest - at < (uint64_t)by ? newest : at + (uint64_t)by;
    choice->packet = 0;
}

/* --- what is looked at ---------------------------------------------------------------------- */

static void next_conn(struct top_choice *choice, const struct top_model *model, int by)
{
    const struct top_moment *moment = top_shown_moment(model, choice);
    const struct top_conn *conn = top_chosen(model, choice), *order[TOP_CONNS];
    const int count = moment ? top_order(moment, order) : 0;

    if (count == 0)
        return;
    int at = by > 0 ? count - 1 : 0; /* from all of them one comes to the first, or the last */
    for (int i = 0; i < count; i++)
        if (order[i] == conn)
            at = i;
    choice->conn = order[(at + count + by) % count]->id;
    choice->all = choice->pinned = false;
    choice->packet = 0;
}

static void move_packet(struct top_choice *choice, struct top_model *model, int by)
{
    freeze(choice, model);
    uint64_t at = top_chosen_packet(model, choice);

    for (int i = 0; at != UINT64_MAX && i != by; i += by < 0 ? -1 : 1) {
        const uint64_t next = top_next_packet(model, choice, at, by < 0 ? -1 : 1);
        if (next == UINT64_MAX)
            break;
        at = next;
    }
    if (at != UINT64_MAX)
        choice->packet = at + 1;
}

static void move_field(struct top_choice *choice, const struct top_model *model, int by)
{
    const struct dissection *d = top_dissect(model, choice);

    if (!d)
        return;
    const uint32_t count = d->field_count;
    const uint32_t at = (top_chosen_field(d, choice) + (by < 0 ? count - 1 : 1)) % count;
    snprintf(choice->field, sizeof choice->field, "%s", d->field[at].key);
    choice->field_turn = 0;
    for (uint32_t i = 0; i < at; i++)
        choice->field_turn += strcmp(d->field[i].key, d->field[at].key) == 0;
}

/* --- the wire ------------------------------------------------------------------------------- */

/* From good to bad. Loss in millionths, delay in us, rate in bits a second (0: no limit). */
static const uint64_t losses[] = {0,     1000,   5000,   10000,  20000,
                                  50000, 100000, 200000, 500000, 1000000};
static const uint64_t delays[] = {0,     1000,   2000,   5000,   10000,  20000,
                                  50000, 100000, 200000, 500000, 1000000};
static const uint64_t rates[] = {0,       1000000000, 100000000, 50000000, 20000000, 10000000,
                                 5000000, 2000000,    1000000,   500000,   200000,   100000};

/* The next one that is worse, or better; of rates less is worse. */
static uint64_t next_step(const uint64_t *steps, size_t count, uint64_t now, bool worse)
{
    const bool falls = steps[1] > steps[2];

    for (size_t n = 0; n < count; n++) {
        const uint64_t is = steps[worse ? n : count - 1 - n];
        const bool is_worse = !falls ? is > now : now == 0 ? is != 0 : is != 0 && is < now;
        const bool is_better = !falls ? is < now : now != 0 && (is == 0 || is > now);
        if (worse ? is_worse : is_better)
            return is;
    }
    return now;
}

/* Changes the wire by a step, and says how. */
static void add_change(struct text *spec, struct control_wire *wire, char key)
{
    const bool worse = key >= 'a';

    if (key == 'l' || key == 'L') {
        wire->loss_ppm = (uint32_t)next_step(losses, ARRAY_LEN(losses), wire->loss_ppm, worse);
        text_add(spec, "loss=");
        top_add_loss(spec, wire->loss_ppm);
    } else if (key == 'd' || key == 'D') {
        wire->delay_us =
            (int64_t)next_step(delays, ARRAY_LEN(delays), (uint64_t)wire->delay_us, worse);
        text_add(spec, "delay=");
        text_add_i64(spec, wire->delay_us);
        text_add(spec, "us");
    } else {
        wire->rate_bps = next_step(rates, ARRAY_LEN(rates), wire->rate_bps, worse);
        text_add(spec, "rate=");
        if (wire->rate_bps)
            text_add_u64(spec, wire->rate_bps);
        text_add(spec, wire->rate_bps ? "bit" : "none");
    }
}

/* What the wire is, or is about to be: fingers are faster than samples. */
static const struct control_wire *wire_of(const struct top_choice *choice,
                                          const struct top_model *model,
                                          const struct top_moment *now)
{
    return choice->asked_at && model->moments <= choice->asked_at + SETTLES ? choice->asked
                                                                            : now->wire;
}

static enum top_wish change_wire(struct top_choice *choice, const struct top_model *model, char key,
                                 struct text *spec)
{
    static const char *const sides[] = {[SIDE_OUT] = "out:", [SIDE_IN] = "in:", [SIDE_BOTH] = ""};
    const struct top_moment *now = top_moment(model, model->moments - 1);

    if (!now || !now->has_wire) {
        snprintf(choice->note, sizeof choice->note,
                 "this stack's wire cannot be changed; start it with --allow-control, or with "
                 "--impair");
        return TOP_WISH_NONE;
    }
    memmove(choice->asked, wire_of(choice, model, now), sizeof choice->asked);
    choice->asked_at = model->moments;
    struct control_wire *in = &choice->asked[CONTROL_WIRE_IN];
    struct control_wire *out = &choice->asked[CONTROL_WIRE_OUT];
    text_add(spec, sides[choice->side]);
    add_change(spec, choice->side == SIDE_IN ? in : out, key);
    if (choice->side == SIDE_BOTH)
        *in = *out;
    return TOP_WISH_WIRE;
}

/* --- keys ----------------------------------------------------------------------------------- */

static void press_pane(struct top_choice *choice, int key)
{
    if (key == '\t')
        choice->pane = (enum top_pane)(((int)choice->pane + 1) % PANE_COUNT);
    else
        choice->pane = (enum top_pane)(key - '1');
    choice->help = false;
}

static bool press_move(struct top_choice *choice, struct top_model *model, int key)
{
    switch (key) {
    case ' ':
    case 'f':
        if (choice->frozen)
            go_on(choice, model);
        else
            freeze(choice, model);
        return true;
    case ',':
    case '.':
        step(choice, model, key == ',' ? -1 : 1);
        return true;
    case '<':
    case '>':
        step(choice, model, key == '<' ? -10 : 10);
        return true;
    case TOP_KEY_UP:
    case 'k':
        move_packet(choice, model, -1);
        return true;
    case TOP_KEY_DOWN:
    case 'j':
        move_packet(choice, model, 1);
        return true;
    case TOP_KEY_PAGE_UP:
    case TOP_KEY_PAGE_DOWN:
        move_packet(choice, model, key == TOP_KEY_PAGE_UP ? -10 : 10);
        return true;
    case 'g':
        choice->packet = 0;
        return true;
    case TOP_KEY_LEFT:
    case TOP_KEY_RIGHT:
        move_field(choice, model, key == TOP_KEY_LEFT ? -1 : 1);
        return true;
    case 'c':
    case 'C':
        next_conn(choice, model, key == 'c' ? 1 : -1);
        return true;
    default:
        return false;
    }
}

enum top_wish top_press(struct top_choice *choice, struct top_model *model, int key,
                        struct text *spec)
{
    choice->note[0] = '\0';
    if (press_move(choice, model, key))
        return TOP_WISH_NONE;
    switch (key) {
    case 'q':
    case 'Q':
        return TOP_WISH_QUIT;
    case '?':
    case 'h':
        choice->help = !choice->help;
        return TOP_WISH_NONE;
    case 'a':
        choice->all = !choice->all;
        choice->packet = 0;
        return TOP_WISH_NONE;
    case 'w':
        choice->side = (enum top_side)(((int)choice->side + 1) % SIDE_COUNT);
        return TOP_WISH_NONE;
    case 'z':
        choice->zoom = (choice->zoom + 1) % 4;
        return TOP_WISH_NONE;
    case 'l':
    case 'L':
    case 'd':
    case 'D':
    case 'r':
    case 'R':
        return change_wire(choice, model, (char)key, spec);
    case 'L' - '@': /* Ctrl-L */
    case TOP_KEY_REDRAW:
        return TOP_WISH_REDRAW;
    default:
        if (key == '\t' || (key >= '1' && key < '1' + PANE_COUNT))
            press_pane(choice, key);
        return TOP_WISH_NONE;
    }
}
