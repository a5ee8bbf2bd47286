/*
 * explain_picture.c - a header as the RFCs draw it: 32 bits a row, each field in its place, with
 * its name above and its value below.
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |          Source Port          |       Destination Port        |
 *     |             40000             |           80 (HTTP)           |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 * First each bit learns whose it is (owner[]); lines are then drawn where the owner changes. A
 * field that is in several rows is named in the widest of its pieces, the middle one of several.
 */
#include "see/explain.h"

enum {
    ROW_BITS = 32,
    ROWS = 24, /* longer headers are cut off */
    COLUMNS = 2 * ROW_BITS + 1,
    NOBODY = UINT16_MAX,
};

struct picture {
    const struct dissection *d;
    uint32_t first_bit, rows;
    uint16_t owner[ROWS * ROW_BITS]; /* a field's place in the layer */
    uint8_t named[FIELDS_MAX];       /* the row in which a field has its name */
};

static uint16_t owner_at(const struct picture *p, uint32_t row, uint32_t bit)
{
    return row < p->rows ? p->owner[row * ROW_BITS + bit] : (uint16_t)NOBODY;
}

static void claim(struct picture *p, const struct field *f, uint16_t index)
{
    if (f->kind != FIELD_HEADER || f->bit < p->first_bit)
        return;
    for (uint32_t bit = f->bit - p->first_bit; bit < f->bit - p->first_bit + f->bits; bit++) {
        if (bit >= ROWS * ROW_BITS)
            break;
        p->owner[bit] = index;
        p->rows = u32_max(p->rows, bit / ROW_BITS + 1);
    }
}

static uint32_t piece_len(const struct picture *p, uint32_t row, uint16_t index)
{
    uint32_t len = 0;

    for (uint32_t bit = 0; bit < ROW_BITS; bit++)
        len += owner_at(p, row, bit) == index;
    return len;
}

static void choose_row(struct picture *p, uint16_t index)
{
    uint32_t longest = 0, count = 0, seen = 0;

    for (uint32_t row = 0; row < p->rows; row++) {
        uint32_t len = piece_len(p, row, index);
        if (len > longest) {
            longest = len;
            count = 0;
        }
        count += len > 0 && len == longest;
    }
    for (uint32_t row = 0; row < p->rows && longest > 0; row++) {
        if (piece_len(p, row, index) == longest && seen++ == (count - 1) / 2)
            p->named[index] = (uint8_t)row;
    }
}

/* --- lines -------------------------------------------------------------------------------- */

static void add_line(struct text *out, char line[COLUMNS])
{
    size_t len = COLUMNS;

    while (len > 0 && line[len - 1] == ' ')
        len--;
    text_add(out, "  ");
    for (size_t i = 0; i < len; i++)
        text_add_char(out, line[i]);
    text_add_char(out, '\n');
}

static void add_ruler(struct text *out)
{
    text_add(out, "   0                   1                   2                   3\n"
                  "   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1\n");
}

/* The line above `row`. */
static void add_border(struct text *out, const struct picture *p, uint32_t row)
{
    char line[COLUMNS];
    bool drawn[ROW_BITS];

    memset(line, ' ', sizeof(line));
    for (uint32_t bit = 0; bit < ROW_BITS; bit++) {
        uint16_t above = row > 0 ? owner_at(p, row - 1, bit) : (uint16_t)NOBODY;
        uint16_t below = owner_at(p, row, bit);
        drawn[bit] = above != below;
        if (drawn[bit])
            line[2 * bit + 1] = '-';
    }
    for (uint32_t bit = 0; bit <= ROW_BITS; bit++) {
        bool left = bit > 0 && drawn[bit - 1], right = bit < ROW_BITS && drawn[bit];
        bool edge = (bit == 0 || bit == ROW_BITS) && row > 0 && row < p->rows;
        if (left || right || (edge && owner_at(p, row, bit ? bit - 1 : 0) != NOBODY))
            line[2 * bit] = '+';
    }
    add_line(out, line);
}

/* A name that fits `width`: the whole one, the brief one, or its first letters. */
static const char *fitting(const char *whole, const char *brief, size_t width)
{
    return strlen(whole) <= width || !brief ? whole : brief;
}

static void put_centered(char *line, size_t width, const char *string)
{
    size_t len = size_min(strlen(string), width);
    line += (width - len) / 2;
    for (size_t i = 0; i < len; i++)
        line[i] = string[i];
}

static void put_value(char *line, size_t width, const struct field *f)
{
    char room[24];
    struct text number = text_of(room, sizeof(room));

    if (f->has_number)
        text_add_u64(&number, f->number);
    if (width == 1 && f->has_number)
        put_centered(line, width, number.len == 1 ? room : "*");
    else if (strlen(f->value) <= width)
        put_centered(line, width, f->value);
    else if (f->has_number && number.len <= width)
        put_centered(line, width, room);
    else if (width > 8) {
        put_centered(line, width - 2, f->value);
        line[width - 2] = line[width - 1] = '.';
    }
}

static void add_cells(struct text *out, const struct picture *p, const struct field *fields,
                      uint32_t row, bool values)
{
    char line[COLUMNS];
    uint32_t end;

    memset(line, ' ', sizeof(line));
    for (uint32_t bit = 0; bit < ROW_BITS; bit = end) {
        uint16_t owner = owner_at(p, row, bit);
        for (end = bit + 1; end < ROW_BITS && owner_at(p, row, end) == owner; end++)
            ;
        if (owner == NOBODY)
            continue;
        line[2 * bit] = line[2 * end] = '|';
        const struct field *f = &fields[owner];
        size_t width = 2 * (end - bit) - 1;
        if (p->named[owner] != row)
            continue;
        if (values)
            put_value(line + 2 * bit + 1, width, f);
        else
            put_centered(line + 2 * bit + 1, width, fitting(f->name, f->brief, width));
    }
    add_line(out, line);
}

void explain_picture(struct text *out, const struct dissection *d, const struct layer *layer)
{
    struct picture p = {.d = d, .first_bit = layer->start * 8};
    const struct field *fields = &d->field[layer->first];

    for (size_t i = 0; i < ARRAY_LEN(p.owner); i++)
        p.owner[i] = NOBODY;
    for (uint32_t i = 0; i < layer->count; i++)
        claim(&p, &fields[i], (uint16_t)i);
    if (p.rows == 0)
        return;
    for (uint32_t i = 0; i < layer->count; i++)
        choose_row(&p, (uint16_t)i);
    add_ruler(out);
    for (uint32_t row = 0; row < p.rows; row++) {
        add_border(out, &p, row);
        add_cells(out, &p, fields, row, false);
        add_cells(out, &p, fields, row, true);
    }
    add_border(out, &p, p.rows);
}
