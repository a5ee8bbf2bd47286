/*
 * fields.c - see fields.h: the engine that walks the tables of field_table.h.
 *
 * A table says where in a header a field lies, so all that a row needs is the header's place, and
 * all that can be wrong with a fixed header is that it ends too early: rows_read() finds that,
 * once, for every protocol. What is wrong with a value, only its protocol knows.
 *
 * Two things end a header early, and a reader must not mistake one for the other: the packet itself
 * (malformed), and who captured it, or quoted it, and kept only its front.
 */
#include "see/field_table.h"

enum {
    WHOLE_MAX = 1 << 26
}; /* octets of a packet that are looked at, so that bits can be counted */

/* --- text that lives as long as the dissection -------------------------------------------- */

struct text words_begin(struct walk *w)
{
    struct dissection *d = w->d;
    return text_of(d->words + d->words_len, sizeof(d->words) - d->words_len);
}

const char *words_end(struct walk *w, const struct text *t)
{
    struct dissection *d = w->d;

    d->words_len = u32_min(d->words_len + (uint32_t)t->len + 1, sizeof(d->words) - 1);
    return t->at;
}

/* --- octets ------------------------------------------------------------------------------- */

struct bytes octets_at(const struct walk *w, uint32_t at, uint32_t end)
{
    end = u32_min(end, w->captured);
    return bytes_first(bytes_skip(w->d->packet, at), at < end ? end - at : 0);
}

uint32_t number_at(const struct walk *w, uint32_t at, uint32_t octets)
{
    struct reader r = reader_of(bytes_skip(w->d->packet, at));
    uint32_t value = 0;

    assert(octets <= 4);
    for (uint32_t i = 0; i < octets; i++)
        value = value << 8 | read_u8(&r);
    return r.overrun ? 0 : value;
}

static uint64_t bits_of(struct bytes raw, uint32_t bit, uint32_t bits)
{
    uint64_t value = 0;

    assert(bits <= 64);
    for (uint32_t i = bit; i < bit + bits; i++)
        value = value << 1 | ((uint32_t)raw.at[i / 8] >> (7 - i % 8) & 1u);
    return value;
}

/* --- layers ------------------------------------------------------------------------------- */

bool layer_begin(struct walk *w, const char *key, const char *name, const char *clause, uint32_t at)
{
    struct dissection *d = w->d;

    if (d->layer_count == FIELDS_LAYERS || d->field_count == FIELDS_MAX) {
        d->full = true;
        return false;
    }
    w->layer = &d->layer[d->layer_count++];
    *w->layer = (struct layer){.key = key,
                               .name = name,
                               .clause = clause,
                               .start = at,
                               .first = d->field_count,
                               .quoted = w->quoted};
    return true;
}

void layer_end(struct walk *w, uint32_t end)
{
    w->layer->len = end - w->layer->start;
}

/* --- fields ------------------------------------------------------------------------------- */

static struct field *field_new(struct walk *w)
{
    struct dissection *d = w->d;

    if (d->field_count == FIELDS_MAX) {
        d->full = true;
        return NULL;
    }
    struct field *f = &d->field[d->field_count++];
    *f = (struct field){.key = "", .name = "", .value = "", .meaning = "", .clause = ""};
    w->layer->count++;
    return f;
}

struct field *field_last(struct walk *w)
{
    return w->layer->count > 0 ? &w->d->field[w->d->field_count - 1] : NULL;
}

static void add_flaw(struct walk *w, enum field_kind kind, uint32_t at, uint32_t end,
                     const char *prefix, const char *what, const char *clause)
{
    struct field *f = field_new(w);

    if (kind == FIELD_FLAW)
        w->d->flaws++;
    if (!f)
        return;
    struct text value = words_begin(w);
    text_add(&value, prefix);
    text_add(&value, what);
    f->kind = kind;
    f->key = kind == FIELD_FLAW ? "malformed" : "cut";
    f->name = kind == FIELD_FLAW ? "malformed" : "cut off";
    at = u32_min(at, w->captured);
    f->raw = octets_at(w, at, end);
    f->bit = at * 8;
    f->bits = (uint32_t)f->raw.len * 8;
    f->value = words_end(w, &value);
    f->clause = clause;
}

void flaw(struct walk *w, uint32_t at, uint32_t end, const char *what, const char *clause)
{
    add_flaw(w, FIELD_FLAW, at, end, "malformed: ", what, clause);
}

/* The field `row` would end behind what there is. */
static void ends_early(struct walk *w, const struct field_row *row, uint32_t at, uint32_t stop,
                       uint32_t end)
{
    if (stop > end && !w->quoted && end <= w->d->whole) {
        struct text what = words_begin(w);
        text_add(&what, "malformed: it ends within ");
        text_add(&what, row->name);
        add_flaw(w, FIELD_FLAW, at, end, "", words_end(w, &what), row->clause);
    } else if (stop > end) {
        add_flaw(w, FIELD_CUT, at, end, "", "the error quotes no more of the packet", "");
    } else {
        add_flaw(w, FIELD_CUT, at, end, "", "the capture has no more of the packet", "");
    }
}

const struct field_word *word_of(const struct field_word *words, uint64_t value)
{
    for (; words && words->word; words++) {
        if (words->value == value)
            return words;
    }
    return NULL;
}

static void add_octets(struct text *t, struct bytes octets)
{
    struct bytes shown = bytes_first(octets, FIELDS_RAW / 4);

    for (size_t i = 0; i < shown.len; i++)
        text_add_hex(t, shown.at[i], 2);
    if (shown.len < octets.len)
        text_add(t, "...");
}

static void add_value(struct text *t, const struct field_row *row, const struct field *f)
{
    struct reader r = reader_of(f->raw);
    struct mac_addr mac;
    struct ip_addr ip;

    switch (row->show) {
    case SHOW_DECIMAL:
        text_add_u64(t, f->number);
        break;
    case SHOW_HEX:
        text_add(t, "0x");
        text_add_hex(t, f->number, (f->bits + 3) / 4);
        break;
    case SHOW_FLAG:
        text_add(t, f->number ? "set" : "not set");
        break;
    case SHOW_MAC:
        read_into(&r, mac.octet, sizeof(mac.octet));
        text_add_mac(t, mac);
        break;
    case SHOW_IP4:
        text_add_ip(t, ip_from_v4(read_be32(&r)));
        break;
    case SHOW_IP6:
        read_into(&r, ip.octet, sizeof(ip.octet));
        text_add(t, ip_is_v4(ip) ? "::ffff:" : ""); /* our text form of such is IPv4's */
        text_add_ip(t, ip);
        break;
    case SHOW_OCTETS:
        add_octets(t, f->raw);
        break;
    case SHOW_TEXT:
        text_add_escaped(t, bytes_first(f->raw, FIELDS_RAW));
        break;
    }
}

/* `bit` is the packet's. Everything up to the field's end was captured. */
static void add_row(struct walk *w, const struct field_row *row, uint32_t bit, uint32_t bits)
{
    struct field *f = field_new(w);

    if (!f)
        return;
    f->key = row->key;
    f->name = row->name;
    f->brief = row->brief ? row->brief : row->name;
    f->clause = row->clause ? row->clause : "";
    f->bit = bit;
    f->bits = bits;
    f->raw = octets_at(w, bit / 8, (bit + bits + 7) / 8);
    f->has_number = bits <= 64 &&
                    (row->show == SHOW_DECIMAL || row->show == SHOW_HEX || row->show == SHOW_FLAG);
    if (f->has_number)
        f->number = bits_of(f->raw, bit % 8, bits);
    const struct field_word *word = f->has_number ? word_of(row->words, f->number) : NULL;

    struct text value = words_begin(w);
    add_value(&value, row, f);
    if (word) {
        text_add(&value, " (");
        text_add(&value, word->word);
        text_add_char(&value, ')');
    }
    f->value = words_end(w, &value);

    f->meaning = word && word->meaning ? word->meaning : row->meaning ? row->meaning : "";
    if (row->say) {
        struct text more = words_begin(w);
        text_add(&more, f->meaning);
        size_t before = more.len;
        if (before > 0)
            text_add_char(&more, ' ');
        row->say(w, f, &more);
        if (more.len > before + 1 || before == 0)
            f->meaning = words_end(w, &more);
    }
}

bool rows_read(struct walk *w, const struct field_row *rows, size_t count, uint32_t at,
               uint32_t end)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bit = at * 8 + rows[i].bit;
        uint32_t stop = (bit + rows[i].bits + 7) / 8;
        if (stop > end || stop > w->captured) {
            ends_early(w, &rows[i], bit / 8, stop, end);
            return false;
        }
        add_row(w, &rows[i], bit, rows[i].bits);
    }
    return true;
}

bool row_read(struct walk *w, const struct field_row *row, uint32_t at, uint32_t len, uint32_t end)
{
    if (at > end || len > end - at || at + len > w->captured) {
        ends_early(w, row, at, at + len, end);
        return false;
    }
    add_row(w, row, at * 8, len * 8);
    return true;
}

void row_read_some(struct walk *w, const struct field_row *row, uint32_t at, uint32_t end)
{
    end = u32_min(end, w->captured);
    if (at < end)
        add_row(w, row, at * 8, (end - at) * 8);
}

/* --- checksums ---------------------------------------------------------------------------- */

static void say_sum(struct walk *w, struct field *f, uint16_t right)
{
    struct text t = words_begin(w);

    text_add(&t, f->meaning);
    if (t.len > 0)
        text_add_char(&t, ' ');
    switch (f->sum) {
    case SUM_NONE:
        text_add(&t, "There is none.");
        break;
    case SUM_RIGHT:
        text_add(&t, "It is right.");
        break;
    case SUM_WRONG:
        text_add(&t, "It is WRONG: 0x");
        text_add_hex(&t, right, 4);
        text_add(&t, " would be right, so a receiver discards this.");
        break;
    case SUM_PARTIAL:
        text_add(&t, "It is not complete: the pseudo-header alone, for a device that computes the "
                     "rest (checksum offload).");
        break;
    case SUM_UNKNOWN:
        text_add(&t, "It cannot be verified: not all that it covers is here.");
        break;
    }
    f->meaning = words_end(w, &t);
}

/* Laid out as IPv6's, which sums to the same for IPv4 (base/checksum.c); but there is nothing that
 * a packet must not say here: it may be of any length, and from ::ffff:10.9.0.1 to fe80::1. */
static void add_pseudo(struct checksum *c, const struct walk *w, uint8_t protocol, uint32_t len)
{
    const uint8_t tail[8] = {(uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
                             (uint8_t)len, [7] = protocol};

    checksum_add(c, bytes_of(w->src.octet, sizeof(w->src.octet)));
    checksum_add(c, bytes_of(w->dst.octet, sizeof(w->dst.octet)));
    checksum_add(c, bytes_of(tail, sizeof(tail)));
}

void sum_judge(struct walk *w, struct field *f, uint32_t at, uint32_t end, bool pseudo,
               uint8_t protocol)
{
    static const uint8_t zeros[2];
    uint32_t place = f->bit / 8;
    struct checksum front = {0};
    uint16_t right = 0;

    if (pseudo)
        add_pseudo(&front, w, protocol, end - at);
    if (w->partial || !is_captured(w, end) || place < at || place + 2 > end) {
        f->sum = SUM_UNKNOWN;
    } else {
        struct checksum all = front, without = front;
        checksum_add(&all, octets_at(w, at, end));
        checksum_add(&without, octets_at(w, at, place));
        checksum_add(&without, bytes_of(zeros, 2));
        checksum_add(&without, octets_at(w, place + 2, end));
        right = checksum_finish(without);
        if (checksum_finish(all) == 0)
            f->sum = SUM_RIGHT;
        else if (pseudo && f->number == checksum_fold(front))
            f->sum = SUM_PARTIAL;
        else
            f->sum = SUM_WRONG;
    }
    say_sum(w, f, right);
}

/* --- from layer to layer ------------------------------------------------------------------ */

static const struct field_row padding[] = {
    {"eth.padding", "Padding", NULL, 0, 0, SHOW_OCTETS, NULL,
     "Behind the packet: a frame has at least 60 octets, or somebody added a trailer.", "RFC 894",
     NULL},
};

static const walker first[] = {
    [FIELDS_ETHERNET] = walk_ethernet, [FIELDS_IP] = walk_ip,   [FIELDS_NULL] = walk_null,
    [FIELDS_LOOP] = walk_null,         [FIELDS_SLL] = walk_sll, [FIELDS_SLL2] = walk_sll2,
};

void fields_read(struct dissection *d, struct bytes packet, uint32_t whole, enum fields_link link)
{
    struct walk w = {.d = d};

    packet = bytes_first(packet, WHOLE_MAX);
    d->packet = packet;
    d->whole = u32_max(u32_min(whole, WHOLE_MAX), (uint32_t)packet.len);
    d->layer_count = d->field_count = d->flaws = d->words_len = 0;
    d->full = false;
    d->network = UINT32_MAX;
    d->seen = (struct fields_seen){0};
    w.captured = (uint32_t)packet.len;

    struct step step = {first[link], 0, d->whole};
    while (step.walk)
        step = step.walk(&w, step.at, step.end);

    w.quoted = false;
    if (w.trailer > 0 && w.trailer < w.captured &&
        layer_begin(&w, "padding", "Padding", "", w.trailer)) {
        row_read_some(&w, padding, w.trailer, d->whole);
        if (field_last(&w))
            field_last(&w)->kind = FIELD_TEXT;
        layer_end(&w, d->whole);
    }
}
