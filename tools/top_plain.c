/*
 * top_plain.c - see top_plain.h.
 */
#include "top_plain.h"

#include "top_view.h"

static void add(struct text *out, const char *key, uint64_t value)
{
    if (value == TOP_UNKNOWN)
        return;
    text_add_char(out, ' ');
    text_add(out, key);
    text_add_char(out, '=');
    text_add_u64(out, value);
}

static void add_word(struct text *out, const char *key, const char *value)
{
    if (!*value)
        return;
    text_add_char(out, ' ');
    text_add(out, key);
    text_add_char(out, '=');
    text_add(out, value);
}

static void begin(struct text *out, const struct top_moment *moment)
{
    text_add(out, "t=");
    top_add_seconds(out, moment->us, 3);
}

static void add_wire(struct text *out, const char *name, const struct control_wire *wire)
{
    text_add_char(out, ' ');
    text_add(out, name);
    text_add(out, "_loss=");
    top_add_loss(out, wire->loss_ppm);
    text_add_char(out, ' ');
    text_add(out, name);
    text_add(out, "_delay_us=");
    text_add_i64(out, wire->delay_us);
    text_add_char(out, ' ');
    text_add(out, name);
    text_add(out, "_rate_bps=");
    text_add_u64(out, wire->rate_bps);
    text_add_char(out, ' ');
    text_add(out, name);
    text_add(out, "_lost=");
    text_add_u64(out, wire->lost + wire->rate_dropped);
}

static void add_stack(struct text *out, const struct top_moment *moment)
{
    uint32_t alive = 0;

    for (uint32_t i = 0; i < moment->conns; i++)
        alive += !moment->conn[i].gone;
    begin(out, moment);
    text_add(out, " stack");
    add(out, "connections", alive);
    add(out, "received", moment->received);
    add(out, "sent", moment->sent);
    add(out, "dropped", moment->dropped);
    if (moment->has_wire) {
        add_wire(out, "in", &moment->wire[CONTROL_WIRE_IN]);
        add_wire(out, "out", &moment->wire[CONTROL_WIRE_OUT]);
    }
    text_add_char(out, '\n');
}

static void add_conn(struct text *out, const struct top_model *model, uint64_t number,
                     const struct top_conn *conn)
{
    begin(out, top_moment(model, number));
    add(out, "conn", conn->id);
    add_word(out, "state", tcp_state_name(conn->state));
    add_word(out, "local", conn->local);
    add_word(out, "remote", conn->remote);
    if (!conn->gone)
        add(out, "octets_per_s", top_rate(model, number, conn->id));
#define X(name) add(out, #name, conn->name);
    TOP_FIGURES(X)
#undef X
    add_word(out, "timer", conn->timer);
    add_word(out, "phase", conn->phase);
    add_word(out, "cc", conn->cc);
    if (conn->limit != LIMIT_NONE)
        add_word(out, "limited_by", snapshot_limit_key(conn->limit));
    text_add_char(out, '\n');
}

void top_plain(struct text *out, const struct top_model *model, uint64_t number, uint64_t before)
{
    const struct top_moment *moment = top_moment(model, number);
    const struct top_moment *last = top_moment(model, before);

    if (!moment)
        return;
    add_stack(out, moment);
    for (uint32_t i = 0; i < moment->conns; i++) {
        const struct top_conn *conn = &moment->conn[i];
        const struct top_conn *then = last ? top_conn_at(last, conn->id) : NULL;
        if (!conn->gone || (then && !then->gone))
            add_conn(out, model, number, conn);
    }
}
