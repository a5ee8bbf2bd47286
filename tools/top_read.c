/*
 * top_read.c - lines of the stream become the model's.
 *
 * Members that are missing leave what is known, but for those of a connection that come and go
 * (what limits it, its phase, its timer). Words that another version of the stack uses and we do
 * not know are shown as unknown, never refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tcp/tcp_wire.h"
#include "top_model.h"

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "";
}

/* Above 2^53 it comes as a string. */
static uint64_t value_of(const json_t *value, uint64_t otherwise)
{
    if (json_is_integer(value))
        return (uint64_t)json_integer_value(value);
    return json_is_string(value) ? strtoull(json_string_value(value), NULL, 10) : otherwise;
}

static uint64_t number(const json_t *object, const char *key)
{
    return value_of(json_object_get(object, key), 0);
}

static void copy_text(char *out, size_t room, const json_t *object, const char *key)
{
    snprintf(out, room, "%s", text(object, key));
}

static void read_each(struct top_model *model, const json_t *array,
                      void (*read_one)(struct top_model *model, const json_t *from))
{
    for (size_t i = 0; i < json_array_size(array); i++)
        read_one(model, json_array_get(array, i));
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* --- words ---------------------------------------------------------------------------------- */

static enum tcp_state state_of(const char *name)
{
    for (int i = 0; i < TCP_STATE_COUNT; i++)
        if (strcmp(name, tcp_state_name((enum tcp_state)i)) == 0)
            return (enum tcp_state)i;
    return TCPS_CLOSED;
}

static enum why why_of(const char *key)
{
    for (int i = 0; i < WHY_COUNT; i++)
        if (strcmp(key, why_key((enum why)i)) == 0)
            return (enum why)i;
    return WHY_NONE;
}

static enum drop drop_of(const char *name)
{
    for (int i = 0; i < DROP_COUNT; i++)
        if (strcmp(name, drop_name((enum drop)i)) == 0)
            return (enum drop)i;
    return DROP_NONE;
}

static enum snapshot_limit limit_of(const char *key)
{
#define TAPIO_X(id, name, sentence)                                                                \
    if (strcmp(key, name) == 0)                                                                    \
        return LIMIT_##id;
    TAPIO_LIMIT_LIST(TAPIO_X)
#undef TAPIO_X
    return LIMIT_NONE;
}

/* --- connections ---------------------------------------------------------------------------- */

static void read_conn(struct top_model *model, const json_t *from)
{
    struct top_conn *conn = top_conn_take(model, (uint32_t)number(from, "id"));

    if (!conn)
        return;
    conn->state = state_of(text(from, "state"));
    conn->gone = conn->state == TCPS_CLOSED;
    conn->own = json_is_true(json_object_get(from, "own"));
    conn->limit = limit_of(text(from, "limit"));
    conn->timer_us = TOP_UNKNOWN;
#define X(name) conn->name = value_of(json_object_get(from, #name), conn->name);
    TOP_FIGURES(X)
#undef X
    copy_text(conn->local, sizeof conn->local, from, "local");
    copy_text(conn->remote, sizeof conn->remote, from, "remote");
    copy_text(conn->phase, sizeof conn->phase, from, "phase");
    copy_text(conn->cc, sizeof conn->cc, from, "cc");
    copy_text(conn->timer, sizeof conn->timer, from, "timer");
}

static void end_conn(struct top_model *model, const json_t *from)
{
    const uint32_t id = (uint32_t)value_of(from, 0);

    if (!top_conn_find(model, id))
        return;
    struct top_conn *conn = top_conn_take(model, id);
    conn->gone = true;
    conn->state = TCPS_CLOSED;
    conn->limit = LIMIT_NONE;
    conn->timer_us = TOP_UNKNOWN;
    conn->timer[0] = conn->phase[0] = '\0';
}

/* --- packets -------------------------------------------------------------------------------- */

/* A SYN says where counting begins; else the first number that is seen is octet 1. */
static void set_base(bool *has, uint32_t *base, uint32_t first, bool syn)
{
    if (syn || !*has)
        *base = syn ? first : first - 1;
    *has = true;
}

static void learn_numbers(struct top_model *model, const struct top_packet *p)
{
    const bool syn = p->flags & TCP_SYN, acks = p->flags & TCP_ACK;

    if (!p->tcp || p->fate == PACKET_DROPPED || !top_conn_find(model, p->conn))
        return;
    struct top_conn *conn = top_conn_take(model, p->conn);
    const bool out = p->fate == PACKET_OUT;
    set_base(out ? &conn->has_out : &conn->has_in, out ? &conn->out_base : &conn->in_base, p->seq,
             syn);
    if (acks)
        set_base(out ? &conn->has_in : &conn->has_out, out ? &conn->in_base : &conn->out_base,
                 p->ack, false);
}

static uint64_t element(const json_t *array, size_t at)
{
    return value_of(json_array_get(array, at), 0);
}

/* [id,us,conn,fate,why,seq,ack,window,len,flags,[left,right,..],drop], of others than TCP the first
 * five. */
static void read_packet(struct top_model *model, const json_t *from)
{
    const char *why = json_string_value(json_array_get(from, 4));
    const char *drop = json_string_value(json_array_get(from, 11));
    const json_t *sacks = json_array_get(from, 10);
    struct top_packet *p = json_array_size(from) < 5 ? NULL : top_put_packet(model);

    if (!p)
        return;
    p->id = element(from, 0);
    p->us = element(from, 1);
    p->conn = (uint32_t)element(from, 2);
    p->fate = (uint8_t)least(element(from, 3), PACKET_DROPPED);
    p->why = why_of(why ? why : "");
    p->tcp = json_array_size(from) > 9;
    if (!p->tcp)
        return;
    p->seq = (uint32_t)element(from, 5);
    p->ack = (uint32_t)element(from, 6);
    p->window = (uint32_t)element(from, 7);
    p->text = (uint32_t)element(from, 8);
    p->flags = (uint8_t)element(from, 9);
    p->drop = drop_of(drop ? drop : "");
    p->sacks = (uint8_t)size_min(json_array_size(sacks) / 2, TOP_SACKS);
    for (size_t i = 0; i < 2u * p->sacks; i++)
        p->sack[i] = (uint32_t)element(sacks, i);
    learn_numbers(model, p);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void read_headers(struct top_model *model, const json_t *from)
{
    const char *hex = json_string_value(json_array_get(from, 3));
    struct top_headers *h = hex ? top_put_headers(model) : NULL;

    if (!h)
        return;
    h->id = element(from, 0);
    h->len = (uint32_t)element(from, 1);
    h->ethernet = element(from, 2);
    for (; h->kept < LIVE_HEADERS && hex_digit(hex[0]) >= 0 && hex_digit(hex[1]) >= 0; hex += 2)
        h->octets[h->kept++] = (uint8_t)(hex_digit(hex[0]) * 16 + hex_digit(hex[1]));
}

/* --- samples -------------------------------------------------------------------------------- */

static void read_wire(struct top_moment *moment, const json_t *from)
{
    moment->has_wire = json_array_size(from) == CONTROL_WIRES;
    for (size_t i = 0; moment->has_wire && i < CONTROL_WIRES; i++) {
        const json_t *one = json_array_get(from, i);
        moment->wire[i] = (struct control_wire){
            .loss_ppm = (uint32_t)number(one, "loss_ppm"),
            .delay_us = (int64_t)number(one, "delay_us"),
            .rate_bps = number(one, "rate_bps"),
            .lost = number(one, "lost"),
            .rate_dropped = number(one, "rate_dropped"),
        };
    }
}

static uint64_t read_drops(struct top_model *model, const json_t *from)
{
    uint64_t sum = 0;

    for (int i = 1; i < DROP_COUNT; i++) {
        model->drops[i] = value_of(json_object_get(from, drop_name((enum drop)i)), model->drops[i]);
        sum += model->drops[i];
    }
    return sum;
}

static void note_gap(struct top_model *model, uint64_t us, uint64_t left_out)
{
    struct top_packet *gap = left_out ? top_put_packet(model) : NULL;

    if (gap)
        *gap = (struct top_packet){
            .us = us, .fate = TOP_GAP, .text = (uint32_t)least(left_out, UINT32_MAX)};
}

static enum top_line read_sample(struct top_model *model, const json_t *line)
{
    read_each(model, json_object_get(line, "conns"), read_conn);
    read_each(model, json_object_get(line, "packets"), read_packet);
    read_each(model, json_object_get(line, "gone"), end_conn);
    note_gap(model, number(line, "us"), number(line, "left_out"));
    const uint64_t dropped = read_drops(model, json_object_get(line, "drops"));
    struct top_moment *moment = top_put_moment(model);
    if (!moment)
        return TOP_LINE_NONE;
    moment->us = number(line, "us");
    moment->missed = number(line, "missed");
    moment->received = number(line, "received");
    moment->consumed = number(line, "consumed");
    moment->sent = number(line, "sent");
    moment->dropped = dropped;
    read_wire(moment, json_object_get(line, "wire"));
    return TOP_LINE_SAMPLE;
}

/* --- decisions ------------------------------------------------------------------------------ */

static bool what_of(const char *name, enum event_type *out)
{
    for (int i = 0; i < EVENT_TYPE_COUNT; i++) {
        if (strcmp(name, event_type_name((enum event_type)i)) != 0)
            continue;
        *out = (enum event_type)i;
        return true;
    }
    return false;
}

/* Connections that were over before we came are known from their last decisions alone. */
static void learn_conn(struct top_model *model, const struct top_decision *d, const json_t *from)
{
    if (d->what != EVENT_STATE || top_conn_find(model, d->conn))
        return;
    struct top_conn *conn = top_conn_take(model, d->conn);
    if (!conn)
        return;
    copy_text(conn->local, sizeof conn->local, from, "local");
    copy_text(conn->remote, sizeof conn->remote, from, "remote");
}

/* The newest sample may be older than a decision. It stands, but for one that was not told of. */
static void follow_state(struct top_model *model, const struct top_decision *d)
{
    const struct top_conn *known = top_conn_find(model, d->conn);

    if (d->what != EVENT_STATE || !known || known->sent != TOP_UNKNOWN)
        return;
    struct top_conn *conn = top_conn_take(model, d->conn);
    conn->state = d->to;
    conn->gone = d->to == TCPS_CLOSED;
}

static void read_decision(struct top_model *model, const json_t *from)
{
    enum event_type what;
    struct top_decision *d = what_of(text(from, "what"), &what) ? top_put_decision(model) : NULL;

    if (!d)
        return;
    d->what = what;
    d->us = number(from, "us");
    d->conn = (uint32_t)number(from, "conn");
    d->from = state_of(text(from, "from"));
    d->to = state_of(text(from, "to"));
    d->seq = (uint32_t)number(from, "seq");
    d->len = (uint32_t)number(from, "len");
    d->times = (uint32_t)number(from, "times");
    d->cwnd = number(from, "cwnd");
    d->ssthresh = value_of(json_object_get(from, "ssthresh"), TOP_UNKNOWN);
    d->sent = json_is_true(json_object_get(from, "sent"));
    const enum why why = why_of(text(from, "why"));
    if (why != WHY_NONE)
        snprintf(d->cause, sizeof d->cause, "%s", why_sentence(why));
    else
        copy_text(d->cause, sizeof d->cause, from, *text(from, "by") ? "by" : "cause");
    learn_conn(model, d, from);
    follow_state(model, d);
}

/* --- lines ---------------------------------------------------------------------------------- */

enum top_line top_read(struct top_model *model, const json_t *line)
{
    const char *type = text(line, "type");

    if (strcmp(type, "sample") == 0)
        return read_sample(model, line);
    if (strcmp(type, "headers") == 0) {
        read_each(model, json_object_get(line, "of"), read_headers);
    } else if (strcmp(type, "decisions") == 0) {
        read_each(model, json_object_get(line, "of"), read_decision);
    } else if (strcmp(type, "hello") == 0) {
        copy_text(model->device, sizeof model->device, line, "device");
        model->greeted = true;
    } else if (strcmp(type, "error") == 0) {
        return TOP_LINE_ERROR;
    } else if (strcmp(type, "end") == 0) {
        return TOP_LINE_END;
    }
    return TOP_LINE_NONE;
}
