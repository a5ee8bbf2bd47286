/*
 * explain_json.c - a packet as one line of JSON.
 */
#include "see/explain.h"

static const char *const sums[] = {
    [SUM_RIGHT] = "right",
    [SUM_WRONG] = "wrong",
    [SUM_PARTIAL] = "partial",
    [SUM_UNKNOWN] = "unknown",
};

static void add_field(struct json *j, const struct field *f)
{
    struct bytes raw = bytes_first(f->raw, FIELDS_RAW);

    json_open(j, '{');
    json_add_text(j, "key", f->key);
    json_add_text(j, "name", f->name);
    json_add_u64(j, "bit", f->bit);
    json_add_u64(j, "bits", f->bits);
    json_add_hex(j, "raw", raw);
    if (raw.len < f->raw.len)
        json_add_bool(j, "raw_cut", true);
    if (f->has_number)
        json_add_u64(j, "number", f->number);
    json_add_text(j, "value", f->value);
    if (f->sum != SUM_NONE)
        json_add_text(j, "checksum", sums[f->sum]);
    json_add_text(j, "meaning", f->meaning);
    json_add_text(j, "clause", f->clause);
    json_close(j, '}');
}

static void add_layer(struct json *j, const struct dissection *d, const struct layer *l)
{
    json_open(j, '{');
    json_add_text(j, "key", l->key);
    json_add_text(j, "name", l->name);
    json_add_text(j, "clause", l->clause);
    json_add_u64(j, "offset", l->start);
    json_add_u64(j, "octets", l->len);
    if (l->quoted)
        json_add_bool(j, "quoted", true);
    json_open_member(j, "fields", '[');
    for (uint32_t i = 0; i < l->count; i++)
        add_field(j, &d->field[l->first + i]);
    json_close(j, ']');
    json_close(j, '}');
}

void explain_json_layers(struct json *j, const struct dissection *d)
{
    json_open_member(j, "layers", '[');
    for (uint32_t i = 0; i < d->layer_count; i++)
        add_layer(j, d, &d->layer[i]);
    json_close(j, ']');
}

static void add_end(struct json *j, const char *key, struct endpoint end, enum tcp_state state,
                    bool sure)
{
    char address[ENDPOINT_TEXT];

    json_open_member(j, key, '{');
    json_add_text(j, "end", endpoint_format(end, address));
    json_add_text(j, "state", tcp_state_name(state));
    json_add_bool(j, "sure", sure);
    json_close(j, '}');
}

static void add_connection(struct json *j, const struct track_verdict *v)
{
    json_open_member(j, "connection", '{');
    json_add_text(j, "kind", track_kind_key(v->kind));
    if (v->conn > 0) {
        json_add_u64(j, "id", v->conn);
        json_add_text(j, "direction", v->a_to_b ? "a-to-b" : "b-to-a");
        add_end(j, "a", v->a, v->state_a, v->sure_a);
        add_end(j, "b", v->b, v->state_b, v->sure_b);
    }
    if (v->relative) {
        json_add_u64(j, "seq", v->seq);
        if (v->has_ack)
            json_add_u64(j, "ack", v->ack);
        json_add_u64(j, "text_octets", v->len);
        json_add_u64(j, "window_octets", v->window);
        json_add_bool(j, "scaled", v->scaled);
        json_add_u64(j, "in_flight_octets", v->in_flight);
    }
    json_add_text(j, "sentence", v->text);
    json_add_text(j, "clause", track_kind_clause(v->kind));
    json_close(j, '}');
}

void explain_json(struct text *out, const struct explained *e)
{
    const struct dissection *d = e->d;
    char room[256];
    struct text line = text_of(room, sizeof(room));
    struct json j = json_of(out);

    explain_summary(&line, e);
    json_open(&j, '{');
    json_add_i64(&j, "schema", 1);
    json_add_u64(&j, "number", e->number);
    json_add_i64(&j, "time_ns", e->when_ns);
    json_add_i64(&j, "since_ns", e->since_ns);
    json_add_u64(&j, "captured_octets", d->packet.len);
    json_add_u64(&j, "octets", d->whole);
    json_add_text(&j, "summary", room);
    json_add_u64(&j, "flaws", d->flaws);
    if (d->full)
        json_add_bool(&j, "cut", true);
    explain_json_layers(&j, d);
    add_connection(&j, e->track);
    if (e->comment.len > 0)
        json_add_utf8(&j, "comment", bytes_first(e->comment, EXPLAIN_COMMENT));
    json_close(&j, '}');
    text_add_char(out, '\n');
}
