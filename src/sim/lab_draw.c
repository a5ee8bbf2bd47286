/*
 * lab_draw.c - the ladder (lab_draw.h).
 *
 *     time |- SYN seq 0 win 65535 mss 1460 ------------------------------->| time
 *          |                                                  accept(3) = 4|
 *
 * A line is a segment, in the order in which they left. The number at the arrow's tail says when it
 * did, the one at its head when it arrived. Calls, states and events stand at the side of their
 * host. A run of segments that differ in their numbers alone may be one line.
 */
#include "sim/lab_draw.h"

#include <string.h>

#include "base/instant.h"
#include "tcp/tcp_wire.h"

enum {
    TIME_COLUMNS = 9,
    EDGES = 20,      /* both times, both sides */
    FOLD_GAP_MS = 5, /* a run ends where nothing is sent for so long */
    PAUSE_MS = 900,  /* from here on it is said how long nothing happens */
    ARROW_MIN = 4,
    LABEL_EDGES = 4 + ARROW_MIN, /* what an arrow needs beside its label, */
    LOST_EDGES = 9 + ARROW_MIN,  /* or one that says that it was lost */
};

struct drawing {
    struct lab_paper *paper;
    const struct lab_plan *plan;
    const struct lab_result *result;
    const struct lab_ladder *ladder;
    unsigned middle; /* columns between the sides */
    bool names[2];   /* several hosts on this side: say which one */
};

static const char *glyph(const struct drawing *d, const char *utf8, const char *ascii)
{
    return d->paper->utf8 ? utf8 : ascii;
}

static void add_times(struct text *t, const char *what, unsigned times)
{
    while (times-- > 0)
        text_add(t, what);
}

/* Milliseconds with one decimal, or nothing. */
static void add_ms(struct text *t, const struct drawing *d, const struct lab_item *item,
                   instant when, bool left)
{
    char buffer[32];
    struct text number = text_of(buffer, sizeof buffer);

    if (!instant_is_never(when)) {
        int64_t us = (when.ns - d->result->first_of[item->scene]) / NS_PER_US;
        text_add_i64(&number, us / 1000);
        text_add_char(&number, '.');
        text_add_i64(&number, us % 1000 / 100);
    }
    if (left) {
        if (number.len < TIME_COLUMNS)
            add_times(t, " ", TIME_COLUMNS - (unsigned)number.len);
        text_add(t, buffer);
        text_add_char(t, ' ');
    } else if (number.len > 0) {
        text_add_char(t, ' ');
        text_add(t, buffer);
    }
}

/* --- what a segment says ------------------------------------------------------------------ */

static void add_value(struct text *t, const char *name, uint64_t value)
{
    text_add(t, name);
    text_add_u64(t, value);
}

static void add_flags(struct text *t, uint8_t flags)
{
    static const struct {
        uint8_t flag;
        const char *name;
    } names[] = {
        {TCP_SYN, "SYN"}, {TCP_FIN, "FIN"}, {TCP_RST, "RST"}, {TCP_PSH, "PSH"}, {TCP_ACK, "ACK"}};
    const char *between = "";

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (!(flags & names[i].flag))
            continue;
        text_add(t, between);
        text_add(t, names[i].name);
        between = ",";
    }
}

/* Adds a piece, unless the arrow would have no room any more: what matters most comes first. */
static void add_piece(struct text *t, const struct drawing *d, bool lost, const char *name,
                      uint64_t value)
{
    char buffer[64];
    struct text piece = text_of(buffer, sizeof buffer);

    add_value(&piece, name, value);
    if (t->len + piece.len + (lost ? LOST_EDGES : LABEL_EDGES) <= d->middle)
        text_add(t, buffer);
}

static void add_sacks(struct text *t, const struct drawing *d, bool lost, const struct lab_frame *f)
{
    for (int i = 0; i < f->sacks; i++) {
        char buffer[48];
        struct text piece = text_of(buffer, sizeof buffer);
        add_value(&piece, i ? "," : " sack ", f->sack[i][0]);
        add_value(&piece, "-", f->sack[i][1]);
        if (t->len + piece.len + (lost ? LOST_EDGES : LABEL_EDGES) <= d->middle)
            text_add(t, buffer);
    }
}

static void add_tcp(struct text *t, const struct drawing *d, const struct lab_item *item)
{
    const struct lab_frame *f = &item->frame;
    bool raw = d->ladder->raw, bare = f->len == 0 && !(f->flags & (TCP_SYN | TCP_FIN));

    add_flags(t, f->flags);
    if (!bare || raw || (f->flags & TCP_RST))
        add_piece(t, d, item->lost, " seq ", raw ? f->raw_seq : f->seq);
    if (f->len > 0)
        add_piece(t, d, item->lost, " len ", f->len);
    if (f->flags & TCP_ACK)
        add_piece(t, d, item->lost, " ack ", raw ? f->raw_ack : f->ack);
    add_sacks(t, d, item->lost, f);
    if (f->mss)
        add_piece(t, d, item->lost, " mss ", f->mss);
    if (!(f->flags & TCP_RST))
        add_piece(t, d, item->lost, " win ", f->window);
    if (f->window_scale >= 0)
        add_piece(t, d, item->lost, " ws ", (uint64_t)f->window_scale);
    if (f->sack_permitted && t->len + LABEL_EDGES + 7 <= d->middle)
        text_add(t, " sackOK");
}

static void add_label(struct text *t, const struct drawing *d, const struct lab_item *item)
{
    const struct lab_frame *f = &item->frame;

    if (d->names[d->plan->host[item->host].right]) {
        text_add(t, d->plan->host[item->host].name);
        text_add_char(t, ' ');
    }
    if (d->ladder->ports && (f->protocol == LAB_TCP || f->protocol == LAB_UDP)) {
        add_value(t, "", f->src_port);
        add_value(t, ">", f->dst_port);
        text_add_char(t, ' ');
    }
    switch (f->protocol) {
    case LAB_TCP:
        add_tcp(t, d, item);
        break;
    case LAB_UDP:
        add_value(t, f->src_port == 53 || f->dst_port == 53 ? "UDP (DNS) len " : "UDP len ",
                  f->len);
        break;
    case LAB_ARP:
        text_add(t, f->flags == 1 ? "ARP who-has " : "ARP reply of ");
        text_add_ip(t, f->target);
        break;
    case LAB_ICMP:
        add_value(t, "ICMP type ", f->flags);
        add_value(t, " code ", f->code);
        break;
    case LAB_ANY_PROTOCOL:
    case LAB_OTHER:
        add_value(t, "octets ", f->size);
        break;
    }
}

/* A word of the engine that has a # where its number belongs: "# segments". */
static void add_counted(struct text *t, const struct drawing *d, const char *key, int count)
{
    char buffer[LAB_LINE];
    struct text phrase = text_of(buffer, sizeof buffer);

    lab_say(d->paper, &phrase, key);
    for (const char *at = buffer; *at; at++) {
        if (*at == '#')
            text_add_i64(t, count);
        else
            text_add_char(t, *at);
    }
}

/* "10 segments seq 1 - 14601" */
static void add_run(struct text *t, const struct drawing *d, const struct lab_item *first,
                    const struct lab_item *last, int count)
{
    bool raw = d->ladder->raw;

    if (d->names[d->plan->host[first->host].right]) {
        text_add(t, d->plan->host[first->host].name);
        text_add_char(t, ' ');
    }
    if (first->frame.protocol == LAB_UDP) {
        add_counted(t, d, "datagrams", count);
        return;
    }
    add_counted(t, d, first->frame.len ? "segments" : "acks", count);
    if (first->frame.len > 0) {
        add_value(t, " seq ", raw ? first->frame.raw_seq : first->frame.seq);
        add_value(t, " - ", (raw ? last->frame.raw_seq : last->frame.seq) + last->frame.len);
    } else {
        add_value(t, " ack ", raw ? first->frame.raw_ack : first->frame.ack);
        add_value(t, " - ", raw ? last->frame.raw_ack : last->frame.ack);
    }
}

/* --- lines -------------------------------------------------------------------------------- */

static enum lab_style style_of(const struct lab_item *item)
{
    if (item->kind == LAB_CALL)
        return LAB_CALLED;
    if (item->kind != LAB_SEGMENT)
        return LAB_DIM;
    return item->lost ? LAB_LOST : item->again ? LAB_AGAIN : LAB_PLAIN;
}

static void finish(struct drawing *d, struct text *t, const char *line)
{
    (void)t;
    d->paper->line(d->paper, line);
}

static unsigned columns_of(const char *text)
{
    return lab_columns(bytes_of(text, strlen(text)));
}

/* An arrow with its label between the sides. */
static void draw_arrow(struct drawing *d, const struct lab_item *first, const struct lab_item *last,
                       const char *label)
{
    char buffer[LAB_PRINT], end_buffer[64];
    struct text t = text_of(buffer, sizeof buffer);
    struct text end = text_of(end_buffer, sizeof end_buffer);
    bool leftward = d->plan->host[first->host].right;
    const char *dash = glyph(d, "─", "-"), *side = glyph(d, "│", "|");

    if (first->lost) {
        text_add(&end, glyph(d, "╳ ", "X "));
        lab_say(d->paper, &end, "lost");
    } else {
        text_add(&end, leftward ? glyph(d, "◀", "<") : glyph(d, "▶", ">"));
    }
    unsigned used = columns_of(label) + 3 + columns_of(end_buffer);
    unsigned dashes = used + ARROW_MIN < d->middle ? d->middle - used : ARROW_MIN;

    add_ms(&t, d, first, leftward ? last->arrives : first->when, true);
    text_add(&t, side);
    lab_style_on(d->paper, &t, style_of(first));
    if (leftward) {
        text_add(&t, end_buffer);
        add_times(&t, dash, dashes);
        text_add_char(&t, ' ');
        text_add(&t, label);
        text_add_char(&t, ' ');
        text_add(&t, dash);
    } else {
        text_add(&t, dash);
        text_add_char(&t, ' ');
        text_add(&t, label);
        text_add_char(&t, ' ');
        add_times(&t, dash, dashes);
        text_add(&t, end_buffer);
    }
    lab_style_off(d->paper, &t, style_of(first));
    text_add(&t, side);
    add_ms(&t, d, first, leftward ? first->when : last->arrives, false);
    finish(d, &t, buffer);
}

/* Something at the side of its host. */
static void draw_beside(struct drawing *d, const struct lab_item *item, const char *text)
{
    char buffer[LAB_PRINT];
    struct text t = text_of(buffer, sizeof buffer);
    bool right = d->plan->host[item->host].right;
    unsigned used = columns_of(text) + 1;
    unsigned blanks = used < d->middle ? d->middle - used : 0;

    add_ms(&t, d, item, right ? INSTANT_NEVER : item->when, true);
    text_add(&t, glyph(d, right ? "│" : "├", right ? "|" : "+"));
    if (right)
        add_times(&t, " ", blanks);
    else
        text_add_char(&t, ' ');
    lab_style_on(d->paper, &t, style_of(item));
    text_add(&t, text);
    lab_style_off(d->paper, &t, style_of(item));
    if (right)
        text_add_char(&t, ' ');
    else
        add_times(&t, " ", blanks);
    text_add(&t, glyph(d, right ? "┤" : "│", right ? "+" : "|"));
    add_ms(&t, d, item, right ? item->when : INSTANT_NEVER, false);
    finish(d, &t, buffer);
}

static void draw_note(struct drawing *d, struct bytes note)
{
    while (note.len > 0) {
        char buffer[LAB_PRINT];
        struct text t = text_of(buffer, sizeof buffer);
        struct bytes line = lab_fold_next(&note, d->middle - 6);
        unsigned used = lab_columns(line) + 4;
        add_times(&t, " ", TIME_COLUMNS + 1);
        text_add(&t, glyph(d, "│", "|"));
        text_add(&t, "    ");
        lab_style_on(d->paper, &t, LAB_NOTE);
        for (size_t i = 0; i < line.len; i++)
            text_add_char(&t, (char)line.at[i]);
        lab_style_off(d->paper, &t, LAB_NOTE);
        add_times(&t, " ", used < d->middle ? d->middle - used : 0);
        text_add(&t, glyph(d, "│", "|"));
        finish(d, &t, buffer);
    }
}

static void draw_pause(struct drawing *d, int64_t ns)
{
    char buffer[LAB_PRINT], number[32];
    struct text t = text_of(buffer, sizeof buffer), n = text_of(number, sizeof number);

    text_add_i64(&n, ns / NS_PER_S);
    text_add_char(&n, '.');
    text_add_i64(&n, ns % NS_PER_S / (100 * NS_PER_MS));
    add_times(&t, " ", TIME_COLUMNS + 1);
    text_add(&t, glyph(d, "┆", ":"));
    text_add(&t, "  (");
    text_add(&t, number);
    lab_say(d->paper, &t, "pass");
    text_add_char(&t, ')');
    lab_print(d->paper, buffer, LAB_DIM);
}

static void draw_head(struct drawing *d)
{
    char buffer[LAB_PRINT], sides[2][LAB_LINE];
    struct text t = text_of(buffer, sizeof buffer);

    for (int side = 0; side < 2; side++) {
        struct text names = text_of(sides[side], sizeof sides[side]);
        for (int i = 0; i < d->plan->hosts; i++) {
            if (d->plan->host[i].right != side)
                continue;
            if (names.len > 0)
                text_add(&names, ", ");
            text_add(&names, d->plan->host[i].name);
        }
    }
    unsigned used = columns_of(sides[0]) + columns_of(sides[1]);
    text_add(&t, "       ms ");
    text_add(&t, sides[0]);
    add_times(&t, " ", used < d->middle + 2 ? d->middle + 2 - used : 1);
    text_add(&t, sides[1]);
    text_add(&t, " ms");
    lab_print(d->paper, buffer, LAB_BOLD);
}

/* --- the ladder --------------------------------------------------------------------------- */

static const struct lab_note *note_of(const struct lab_ladder *ladder, int item)
{
    for (int i = 0; i < ladder->notes; i++)
        if (ladder->note[i].item == item)
            return &ladder->note[i];
    return NULL;
}

static bool is_shown(const struct drawing *d, int at)
{
    const struct lab_item *item = &d->result->item[at];
    const struct lab_ladder *ladder = d->ladder;

    if (note_of(ladder, at))
        return true;
    if (ladder->noted_only || item->quiet || !ladder->kinds[item->kind])
        return false;
    if (item->kind == LAB_EVENT && strcmp(item->word, "sent-again") == 0)
        return false; /* the segment itself is shown */
    return ladder->host < 0 || item->kind != LAB_SEGMENT || item->host == ladder->host;
}

static bool folds_with(const struct drawing *d, const struct lab_item *a, const struct lab_item *b)
{
    const struct lab_frame *x = &a->frame, *y = &b->frame;

    return a->kind == LAB_SEGMENT && b->kind == LAB_SEGMENT && a->host == b->host &&
           x->protocol == y->protocol && x->to == y->to && x->src_port == y->src_port &&
           x->dst_port == y->dst_port && a->lost == b->lost && a->again == b->again &&
           !((x->flags | y->flags) & (TCP_SYN | TCP_FIN | TCP_RST)) && x->sacks + y->sacks == 0 &&
           (x->len > 0) == (y->len > 0) && (x->len == 0 || x->seq + x->len == y->seq) &&
           b->when.ns - a->when.ns <= FOLD_GAP_MS * NS_PER_MS && d->ladder->fold;
}

/* Draws the run that begins at item `at`; returns its last one. */
static int draw_segments(struct drawing *d, int at)
{
    const struct lab_item *first = &d->result->item[at], *last = first;
    char label[LAB_LINE];
    struct text t = text_of(label, sizeof label);
    int end = at, count = 1;

    for (int i = at + 1; i <= d->ladder->last && !note_of(d->ladder, end); i++) {
        const struct lab_item *next = &d->result->item[i];
        if (!is_shown(d, i))
            continue;
        if (!folds_with(d, last, next) || note_of(d->ladder, i))
            break;
        last = next;
        end = i;
        count++;
    }
    if (count > 1)
        add_run(&t, d, first, last, count);
    else
        add_label(&t, d, first);
    draw_arrow(d, first, last, label);
    return end;
}

static void draw_other(struct drawing *d, const struct lab_item *item)
{
    char label[LAB_LINE];
    struct text t = text_of(label, sizeof label);

    if (d->names[d->plan->host[item->host].right]) {
        text_add(&t, d->plan->host[item->host].name);
        text_add_char(&t, ' ');
    }
    if (item->kind == LAB_CALL) {
        text_add(&t, item->text);
        if (item->waits)
            lab_say(d->paper, &t, "waits");
    } else if (item->kind == LAB_STATE) {
        text_add_char(&t, '[');
        text_add(&t, item->word);
        text_add_char(&t, ']');
    } else {
        text_add(&t, "! ");
        lab_say(d->paper, &t, item->word);
        if (strcmp(item->word, "cwnd") == 0)
            add_value(&t, " ", (uint64_t)item->value);
    }
    draw_beside(d, item, label);
}

void lab_draw_ladder(struct lab_paper *paper, const struct lab_plan *plan,
                     const struct lab_result *result, const struct lab_ladder *ladder)
{
    struct drawing d = {.paper = paper,
                        .plan = plan,
                        .result = result,
                        .ladder = ladder,
                        .middle = paper->width - EDGES};
    int sides[2] = {0, 0};
    const struct lab_item *before = NULL;

    const struct lab_item *items = result->item;

    assert(items && ladder->last < result->count);

    for (int i = 0; i < plan->hosts; i++)
        sides[plan->host[i].right]++;
    d.names[0] = sides[0] > 1;
    d.names[1] = sides[1] > 1;
    draw_head(&d);
    for (int i = ladder->first; i <= ladder->last; i++) {
        const struct lab_item *item = items + i;
        if (!is_shown(&d, i))
            continue;
        if (before && item->when.ns - before->when.ns >= PAUSE_MS * NS_PER_MS)
            draw_pause(&d, item->when.ns - before->when.ns);
        int end = i;
        if (item->kind == LAB_SEGMENT)
            end = draw_segments(&d, i);
        else
            draw_other(&d, item);
        const struct lab_note *note = note_of(ladder, i);
        if (note)
            draw_note(&d, bytes_of(note->text, strlen(note->text)));
        before = items + end;
        i = end;
    }
}
