/*
 * explain_json.c - a packet as one line of JSON.
 *
 * Strings are made safe here and nowhere else. Numbers above 2^53 are strings, for many readers
 * keep numbers as floating point (DESIGN's contract for all of our JSON).
 */
#include "see/explain.h"

#define NUMBER_MAX (UINT64_C(1) << 53)

/* How many octets of `b` are one well-formed character of UTF-8; 0: none. */
static size_t utf8_len(struct bytes b)
{
    size_t len = b.at[0] < 0x80                      ? 1
                 : b.at[0] >= 0xc2 && b.at[0] < 0xe0 ? 2
                 : b.at[0] >= 0xe0 && b.at[0] < 0xf0 ? 3
                 : b.at[0] >= 0xf0 && b.at[0] < 0xf5 ? 4
                                                     : 0;

    if (len == 0 || len > b.len)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((b.at[i] & 0xc0) != 0x80)
            return 0;
    }
    /* neither a longer form of a shorter one, nor a surrogate, nor beyond the last */
    if ((b.at[0] == 0xe0 && b.at[1] < 0xa0) || (b.at[0] == 0xed && b.at[1] >= 0xa0) ||
        (b.at[0] == 0xf0 && b.at[1] < 0x90) || (b.at[0] == 0xf4 && b.at[1] >= 0x90))
        return 0;
    return len;
}

static void add_string_of(struct text *out, struct bytes b)
{
    text_add_char(out, '"');
    while (b.len > 0) {
        size_t len = utf8_len(b);
        if (len == 0) {
            text_add(out, "\\ufffd");
            len = 1;
        } else if (b.at[0] == '"' || b.at[0] == '\\') {
            text_add_char(out, '\\');
            text_add_char(out, (char)b.at[0]);
        } else if (b.at[0] < 0x20 || b.at[0] == 0x7f) {
            text_add(out, "\\u");
            text_add_hex(out, b.at[0], 4);
        } else {
            for (size_t i = 0; i < len; i++)
                text_add_char(out, (char)b.at[i]);
        }
        b = bytes_skip(b, len);
    }
    text_add_char(out, '"');
}

/* A member and what follows it; the first of an object has no comma. */
static void add_key(struct text *out, const char *key)
{
    if (out->at[out->len - 1] != '{')
        text_add_char(out, ',');
    text_add_char(out, '"');
    text_add(out, key);
    text_add(out, "\":");
}

static void add_string(struct text *out, const char *key, const char *value)
{
    add_key(out, key);
    add_string_of(out, bytes_of(value, strlen(value)));
}

static void add_number(struct text *out, const char *key, uint64_t value)
{
    bool big = value > NUMBER_MAX;

    add_key(out, key);
    if (big)
        text_add_char(out, '"');
    text_add_u64(out, value);
    if (big)
        text_add_char(out, '"');
}

static void add_time(struct text *out, const char *key, int64_t ns)
{
    bool big = ns > (int64_t)NUMBER_MAX || ns < -(int64_t)NUMBER_MAX;

    add_key(out, key);
    if (big)
        text_add_char(out, '"');
    text_add_i64(out, ns);
    if (big)
        text_add_char(out, '"');
}

static void add_bool(struct text *out, const char *key, bool value)
{
    add_key(out, key);
    text_add(out, value ? "true" : "false");
}

static const char *const sums[] = {
    [SUM_RIGHT] = "right",
    [SUM_WRONG] = "wrong",
    [SUM_PARTIAL] = "partial",
    [SUM_UNKNOWN] = "unknown",
};

static void add_field(struct text *out, const struct field *f)
{
    struct bytes raw = bytes_first(f->raw, FIELDS_RAW);

    text_add_char(out, '{');
    add_string(out, "key", f->key);
    add_string(out, "name", f->name);
    add_number(out, "bit", f->bit);
    add_number(out, "bits", f->bits);
    add_key(out, "raw");
    text_add_char(out, '"');
    for (size_t i = 0; i < raw.len; i++)
        text_add_hex(out, raw.at[i], 2);
    text_add_char(out, '"');
    if (raw.len < f->raw.len)
        add_bool(out, "raw_cut", true);
    if (f->has_number)
        add_number(out, "number", f->number);
    add_string(out, "value", f->value);
    if (f->sum != SUM_NONE)
        add_string(out, "checksum", sums[f->sum]);
    add_string(out, "meaning", f->meaning);
    add_string(out, "clause", f->clause);
    text_add_char(out, '}');
}

static void add_layer(struct text *out, const struct dissection *d, const struct layer *l)
{
    text_add_char(out, '{');
    add_string(out, "key", l->key);
    add_string(out, "name", l->name);
    add_string(out, "clause", l->clause);
    add_number(out, "offset", l->start);
    add_number(out, "octets", l->len);
    if (l->quoted)
        add_bool(out, "quoted", true);
    add_key(out, "fields");
    text_add_char(out, '[');
    for (uint32_t i = 0; i < l->count; i++) {
        if (i > 0)
            text_add_char(out, ',');
        add_field(out, &d->field[l->first + i]);
    }
    text_add(out, "]}");
}

static void add_end(struct text *out, const char *key, struct endpoint end, enum tcp_state state,
                    bool sure)
{
    char address[ENDPOINT_TEXT];

    add_key(out, key);
    text_add_char(out, '{');
    add_string(out, "end", endpoint_format(end, address));
    add_string(out, "state", tcp_state_name(state));
    add_bool(out, "sure", sure);
    text_add_char(out, '}');
}

static void add_connection(struct text *out, const struct track_verdict *v)
{
    add_key(out, "connection");
    text_add_char(out, '{');
    add_string(out, "kind", track_kind_key(v->kind));
    if (v->conn > 0) {
        add_number(out, "id", v->conn);
        add_string(out, "direction", v->a_to_b ? "a-to-b" : "b-to-a");
        add_end(out, "a", v->a, v->state_a, v->sure_a);
        add_end(out, "b", v->b, v->state_b, v->sure_b);
    }
    if (v->relative) {
        add_number(out, "seq", v->seq);
        if (v->has_ack)
            add_number(out, "ack", v->ack);
        add_number(out, "text_octets", v->len);
        add_number(out, "window_octets", v->window);
        add_bool(out, "scaled", v->scaled);
        add_number(out, "in_flight_octets", v->in_flight);
    }
    add_string(out, "sentence", v->text);
    add_string(out, "clause", track_kind_clause(v->kind));
    text_add_char(out, '}');
}

void explain_json(struct text *out, const struct explained *e)
{
    const struct dissection *d = e->d;
    char room[256];
    struct text line = text_of(room, sizeof(room));

    explain_summary(&line, e);
    text_add(out, "{\"schema\":1");
    add_number(out, "number", e->number);
    add_time(out, "time_ns", e->when_ns);
    add_time(out, "since_ns", e->since_ns);
    add_number(out, "captured_octets", d->packet.len);
    add_number(out, "octets", d->whole);
    add_string(out, "summary", room);
    add_number(out, "flaws", d->flaws);
    if (d->full)
        add_bool(out, "cut", true);
    add_key(out, "layers");
    text_add_char(out, '[');
    for (uint32_t i = 0; i < d->layer_count; i++) {
        if (i > 0)
            text_add_char(out, ',');
        add_layer(out, d, &d->layer[i]);
    }
    text_add_char(out, ']');
    add_connection(out, e->track);
    if (e->comment.len > 0) {
        add_key(out, "comment");
        add_string_of(out, bytes_first(e->comment, EXPLAIN_COMMENT));
    }
    text_add(out, "}\n");
}
