/*
 * explain_text.c - a packet for people: a headline, a picture and a list for each header, and what
 * the packet does to its connection. 80 columns.
 */
#include "see/explain.h"
#include "see/summary.h"

enum { WIDTH = 80, VALUE_COLUMN = 24, RAW_SHOWN = 4, LINE = 256 };

/* --- colours ------------------------------------------------------------------------------ */

#define BOLD  "\033[1m"
#define GREEN "\033[32m"
#define RED   "\033[31m"
#define CYAN  "\033[36m"
#define PLAIN "\033[0m"

static void paint(struct text *out, struct explain_style style, const char *code)
{
    if (style.colour)
        text_add(out, code);
}

/* --- lines -------------------------------------------------------------------------------- */

static void add_spaces(struct text *out, size_t count)
{
    while (count-- > 0)
        text_add_char(out, ' ');
}

/* What stays together, from column *column on or on the next line, which begins at `indent`. */
static void add_word(struct text *out, struct bytes word, size_t indent, size_t *column)
{
    if (*column > indent && *column + 1 + word.len > WIDTH) {
        text_add_char(out, '\n');
        add_spaces(out, indent);
        *column = indent;
    } else if (*column > indent) {
        text_add_char(out, ' ');
        ++*column;
    }
    for (size_t i = 0; i < word.len; i++, ++*column) {
        if (*column == WIDTH) { /* octets have no spaces */
            text_add_char(out, '\n');
            add_spaces(out, indent);
            *column = indent;
        }
        text_add_char(out, (char)word.at[i]);
    }
}

static void add_wrapped(struct text *out, const char *string, size_t indent, size_t *column)
{
    while (*string) {
        size_t len = strcspn(string, " ");
        add_word(out, bytes_of(string, len), indent, column);
        string += len;
        while (*string == ' ')
            string++;
    }
}

static void add_paragraph(struct text *out, size_t indent, const char *string, const char *clause)
{
    char room[LINE];
    struct text t = text_of(room, sizeof(room));
    size_t column = indent;

    if (!*string)
        return;
    add_spaces(out, indent);
    add_wrapped(out, string, indent, &column);
    if (*clause) {
        text_add(&t, "(");
        text_add(&t, clause);
        text_add(&t, ")");
        add_word(out, text_bytes(&t), indent, &column);
    }
    text_add_char(out, '\n');
}

/* --- headlines ---------------------------------------------------------------------------- */

void explain_summary(struct text *out, const struct explained *e)
{
    const struct dissection *d = e->d;
    char room[LINE];
    struct text t = text_of(room, sizeof(room));
    bool inner = d->network != UINT32_MAX && d->layer_count > 0 && !d->seen.arp;

    if (inner)
        summary_add(&t, bytes_skip(d->packet, d->network), false);
    else if (e->ethernet)
        summary_add(&t, d->packet, true);
    else
        text_add(&t, d->layer_count > 0 ? d->layer[0].name : "nothing");
    text_add(out, room);
}

static void add_headline(struct text *out, const struct explained *e, struct explain_style style)
{
    paint(out, style, BOLD);
    text_add_char(out, '#');
    text_add_u64(out, e->number);
    text_add(out, "  ");
    text_add_seconds(out, e->since_ns);
    text_add(out, "  ");
    explain_summary(out, e);
    paint(out, style, PLAIN);
    text_add_char(out, '\n');
    if (e->d->packet.len < e->d->whole) {
        text_add(out, "   The capture has ");
        text_add_u64(out, e->d->packet.len);
        text_add(out, " of its ");
        text_add_u64(out, e->d->whole);
        text_add(out, " octets.\n");
    }
}

/* --- the list of fields ------------------------------------------------------------------- */

static size_t add_place(struct text *out, const struct field *f)
{
    size_t before = out->len;

    text_add(out, "  ");
    text_add_u64(out, f->bit / 8);
    if (f->bit % 8 != 0 || f->bits % 8 != 0) {
        text_add_char(out, '.');
        text_add_u64(out, f->bit % 8);
    }
    return out->len - before;
}

static size_t add_raw(struct text *out, const struct field *f)
{
    struct bytes raw = bytes_first(f->raw, RAW_SHOWN);
    size_t before = out->len;

    for (size_t i = 0; i < raw.len; i++) {
        if (i > 0)
            text_add_char(out, ' ');
        text_add_hex(out, raw.at[i], 2);
    }
    if (raw.len < f->raw.len)
        text_add(out, "..");
    return out->len - before;
}

static void add_field(struct text *out, const struct field *f, struct explain_style style)
{
    enum { RAW_COLUMN = 9 };
    size_t column = add_place(out, f);

    add_spaces(out, column < RAW_COLUMN ? RAW_COLUMN - column : 1);
    column = size_max(RAW_COLUMN, column + 1) + add_raw(out, f);
    add_spaces(out, column < VALUE_COLUMN ? VALUE_COLUMN - column : 1);
    column = VALUE_COLUMN;
    if (f->kind == FIELD_FLAW || f->kind == FIELD_CUT) {
        paint(out, style, RED);
        add_wrapped(out, f->value, VALUE_COLUMN, &column);
        paint(out, style, PLAIN);
        text_add_char(out, '\n');
        add_paragraph(out, VALUE_COLUMN, *f->clause ? "What it should be:" : "", f->clause);
        return;
    }
    add_wrapped(out, f->name, VALUE_COLUMN, &column);
    text_add(out, ": ");
    column += 2;
    paint(out, style, f->sum == SUM_WRONG ? RED : GREEN);
    size_t indent = size_min(column, VALUE_COLUMN + 2);
    size_t length = strlen(f->value);
    if (column + length <= WIDTH) {
        text_add(out, f->value);
    } else {
        text_add_char(out, '\n');
        add_spaces(out, indent);
        add_wrapped(out, f->value, indent, &(size_t){indent});
    }
    paint(out, style, PLAIN);
    text_add_char(out, '\n');
    add_paragraph(out, VALUE_COLUMN + 2, f->meaning, *f->meaning ? f->clause : "");
}

static void add_layer(struct text *out, const struct dissection *d, const struct layer *l,
                      struct explain_style style)
{
    paint(out, style, CYAN);
    text_add(out, "\n ");
    text_add(out, l->name);
    if (l->quoted)
        text_add(out, ", quoted");
    text_add(out, ": ");
    text_add_u64(out, l->len);
    text_add(out, l->len == 1 ? " octet at " : " octets at ");
    text_add_u64(out, l->start);
    if (*l->clause) {
        text_add(out, " (");
        text_add(out, l->clause);
        text_add_char(out, ')');
    }
    paint(out, style, PLAIN);
    text_add_char(out, '\n');
    explain_picture(out, d, l);
    for (uint32_t i = 0; i < l->count; i++)
        add_field(out, &d->field[l->first + i], style);
}

/* --- the connection ----------------------------------------------------------------------- */

static void add_state(struct text *out, const char *name, enum tcp_state state, bool sure)
{
    text_add(out, name);
    text_add(out, tcp_state_name(state));
    if (!sure)
        text_add(out, " (a guess)");
}

static void add_numbers(struct text *out, const struct track_verdict *v)
{
    text_add(out, "From the start of it: seq ");
    text_add_u64(out, v->seq);
    if (v->has_ack) {
        text_add(out, " ack ");
        text_add_u64(out, v->ack);
    }
    text_add(out, ", text ");
    text_add_u64(out, v->len);
    text_add(out, ", window ");
    text_add_u64(out, v->window);
    text_add(out, v->scaled ? "" : " unscaled");
    text_add(out, ", in flight ");
    text_add_u64(out, v->in_flight);
    text_add_char(out, '.');
}

static void add_connection(struct text *out, const struct track_verdict *v)
{
    char room[LINE];
    struct text t = text_of(room, sizeof(room));

    text_add(&t, "Connection ");
    text_add_u64(&t, v->conn);
    text_add(&t, ", ");
    text_add(&t, v->a_to_b ? "A to B" : "B to A");
    text_add(&t, "; A is ");
    text_add_endpoint(&t, v->a);
    text_add(&t, ", B is ");
    text_add_endpoint(&t, v->b);
    add_paragraph(out, 1, room, "");
    if (v->relative) {
        t = text_of(room, sizeof(room));
        add_numbers(&t, v);
        add_paragraph(out, 2, room, "");
    }
    t = text_of(room, sizeof(room));
    add_state(&t, "Then A is ", v->state_a, v->sure_a);
    add_state(&t, ", B is ", v->state_b, v->sure_b);
    text_add_char(&t, '.');
    add_paragraph(out, 2, room, "");
}

static void add_comment(struct text *out, const struct explained *e)
{
    char room[4 * EXPLAIN_COMMENT + 16];
    struct text t = text_of(room, sizeof(room));

    if (e->comment.len == 0)
        return;
    text_add(&t, "The file says: ");
    text_add_escaped(&t, bytes_first(e->comment, EXPLAIN_COMMENT));
    add_paragraph(out, 2, room, "");
}

void explain_text(struct text *out, const struct explained *e, struct explain_style style)
{
    const struct dissection *d = e->d;

    add_headline(out, e, style);
    for (uint32_t i = 0; i < d->layer_count; i++)
        add_layer(out, d, &d->layer[i], style);
    if (d->full)
        text_add(out, "\n There is more than can be shown: the rest is left out.\n");
    text_add_char(out, '\n');
    if (e->track->conn > 0)
        add_connection(out, e->track);
    paint(out, style, BOLD);
    add_paragraph(out, 2, e->track->text, track_kind_clause(e->track->kind));
    paint(out, style, PLAIN);
    add_comment(out, e);
    text_add_char(out, '\n');
}

/* What is wrong first of all, or NULL. */
static const char *first_flaw(const struct dissection *d)
{
    const char *wrong = NULL;

    for (uint32_t i = 0; i < d->field_count; i++) {
        if (d->field[i].kind == FIELD_FLAW)
            return d->field[i].value;
        if (d->field[i].sum == SUM_WRONG)
            wrong = "the checksum is wrong";
    }
    return wrong;
}

void explain_brief(struct text *out, const struct explained *e, struct explain_style style)
{
    char room[LINE + TRACK_SENTENCE];
    struct text t = text_of(room, sizeof(room));

    add_headline(out, e, style);
    const char *wrong = first_flaw(e->d);
    if (wrong) {
        text_add(out, "   ");
        paint(out, style, RED);
        text_add(out, wrong);
        paint(out, style, PLAIN);
        text_add_char(out, '\n');
    }
    if (e->track->conn > 0) {
        text_add_char(&t, '[');
        text_add_u64(&t, e->track->conn);
        text_add(&t, e->track->a_to_b ? ", A to B] " : ", B to A] ");
    }
    text_add(&t, e->track->text);
    add_paragraph(out, 3, room, track_kind_clause(e->track->kind));
}
