/*
 * top_model.c - see top_model.h: the rings, and who is in them.
 *
 * A ring counts what was ever put; number n lies at n modulo its size. Connections of a moment are
 * a copy of those that there are, so a moment costs what the stack has and not what it could have.
 */
#include "top_model.h"

#include <stdlib.h>
#include <string.h>

bool top_model_init(struct top_model *model)
{
    *model = (struct top_model){0};
    model->moment = calloc(TOP_MOMENTS, sizeof *model->moment);
    model->packet = calloc(TOP_PACKETS, sizeof *model->packet);
    model->header = calloc(TOP_PACKETS, sizeof *model->header);
    model->decision = calloc(TOP_DECISIONS, sizeof *model->decision);
    if (model->moment && model->packet && model->header && model->decision)
        return true;
    top_model_fini(model);
    return false;
}

void top_model_fini(struct top_model *model)
{
    for (int i = 0; model->moment && i < TOP_MOMENTS; i++)
        free(model->moment[i].conn);
    free(model->moment);
    free(model->packet);
    free(model->header);
    free(model->decision);
    *model = (struct top_model){0};
}

/* --- rings ---------------------------------------------------------------------------------- */

static uint64_t oldest(uint64_t count, uint64_t room)
{
    return count > room ? count - room : 0;
}

static bool is_there(uint64_t number, uint64_t count, uint64_t room)
{
    return number < count && number >= oldest(count, room);
}

const struct top_moment *top_moment(const struct top_model *model, uint64_t number)
{
    return is_there(number, model->moments, TOP_MOMENTS) ? &model->moment[number % TOP_MOMENTS]
                                                         : NULL;
}

const struct top_packet *top_packet(const struct top_model *model, uint64_t number)
{
    return is_there(number, model->packets, TOP_PACKETS) ? &model->packet[number % TOP_PACKETS]
                                                         : NULL;
}

const struct top_decision *top_decision(const struct top_model *model, uint64_t number)
{
    return is_there(number, model->decisions, TOP_DECISIONS)
               ? &model->decision[number % TOP_DECISIONS]
               : NULL;
}

uint64_t top_oldest_moment(const struct top_model *model)
{
    return oldest(model->moments, TOP_MOMENTS);
}

uint64_t top_oldest_packet(const struct top_model *model)
{
    return oldest(model->packets, TOP_PACKETS);
}

uint64_t top_oldest_decision(const struct top_model *model)
{
    return oldest(model->decisions, TOP_DECISIONS);
}

/* Ids rise, so the ring is searched by halves. */
const struct top_headers *top_headers(const struct top_model *model, uint64_t id)
{
    uint64_t low = oldest(model->headers, TOP_PACKETS), high = model->headers;

    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (model->header[middle % TOP_PACKETS].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    const struct top_headers *found = &model->header[low % TOP_PACKETS];
    return low < model->headers && found->id == id ? found : NULL;
}

static bool may_put(const struct top_model *model, uint64_t count, uint64_t room)
{
    return !model->held || count < room;
}

struct top_packet *top_put_packet(struct top_model *model)
{
    if (!may_put(model, model->packets, TOP_PACKETS))
        return NULL;
    struct top_packet *packet = &model->packet[model->packets++ % TOP_PACKETS];
    *packet = (struct top_packet){0};
    return packet;
}

struct top_headers *top_put_headers(struct top_model *model)
{
    if (!may_put(model, model->headers, TOP_PACKETS))
        return NULL;
    struct top_headers *headers = &model->header[model->headers++ % TOP_PACKETS];
    *headers = (struct top_headers){0};
    return headers;
}

struct top_decision *top_put_decision(struct top_model *model)
{
    if (!may_put(model, model->decisions, TOP_DECISIONS))
        return NULL;
    struct top_decision *decision = &model->decision[model->decisions++ % TOP_DECISIONS];
    *decision = (struct top_decision){0};
    return decision;
}

struct top_moment *top_put_moment(struct top_model *model)
{
    uint32_t count = 0;

    if (!may_put(model, model->moments, TOP_MOMENTS))
        return NULL;
    for (int i = 0; i < TOP_CONNS; i++)
        count += model->conn[i].id != 0;
    struct top_conn *copy = count ? malloc(count * sizeof *copy) : NULL;
    if (count && !copy)
        return NULL;
    struct top_moment *moment = &model->moment[model->moments++ % TOP_MOMENTS];
    free(moment->conn);
    *moment = (struct top_moment){
        .conn = copy, .conns = count, .packets = model->packets, .decisions = model->decisions};
    for (int i = 0; i < TOP_CONNS; i++)
        if (model->conn[i].id)
            *copy++ = model->conn[i];
    return moment;
}

/* --- connections ---------------------------------------------------------------------------- */

const struct top_conn *top_conn_at(const struct top_moment *moment, uint32_t id)
{
    for (uint32_t i = 0; i < moment->conns; i++)
        if (moment->conn[i].id == id)
            return &moment->conn[i];
    return NULL;
}

const struct top_conn *top_conn_find(const struct top_model *model, uint32_t id)
{
    for (int i = 0; id && i < TOP_CONNS; i++)
        if (model->conn[i].id == id)
            return &model->conn[i];
    return NULL;
}

/* They are in the order of their ids, those that are free at the end. */
struct top_conn *top_conn_take(struct top_model *model, uint32_t id)
{
    int place = 0, out = 0; /* the slot that is filled, and the one that was free */

    if (!id)
        return NULL;
    for (int i = 0; i < TOP_CONNS; i++) {
        if (model->conn[i].id == id)
            return &model->conn[i];
        place += model->conn[i].id && model->conn[i].id < id;
        out += model->conn[i].id != 0;
    }
    if (out == TOP_CONNS) { /* full: that of the oldest that has ended */
        for (out = 0; out < TOP_CONNS && !model->conn[out].gone;)
            out++;
        if (out == TOP_CONNS)
            return NULL;
        place -= out < place;
    }
    if (out < place)
        memmove(&model->conn[out], &model->conn[out + 1],
                (size_t)(place - out) * sizeof model->conn[0]);
    else
        memmove(&model->conn[place + 1], &model->conn[place],
                (size_t)(out - place) * sizeof model->conn[0]);
    struct top_conn *conn = &model->conn[place];
    *conn = (struct top_conn){.id = id};
#define X(name) conn->name = TOP_UNKNOWN;
    TOP_FIGURES(X)
#undef X
    return conn;
}

static uint64_t moved(const struct top_conn *conn)
{
    return (conn->acked == TOP_UNKNOWN ? 0 : conn->acked) +
           (conn->received == TOP_UNKNOWN ? 0 : conn->received);
}

uint64_t top_rate(const struct top_model *model, uint64_t number, uint32_t id)
{
    enum { LOOK = 13 }; /* samples: a second */
    const struct top_moment *now = top_moment(model, number);
    const struct top_conn *after = now ? top_conn_at(now, id) : NULL;

    for (uint64_t back = LOOK; after && back > 0; back--) {
        const struct top_moment *then = number < back ? NULL : top_moment(model, number - back);
        const struct top_conn *before = then ? top_conn_at(then, id) : NULL;
        if (!before || before->acked == TOP_UNKNOWN || now->us == then->us ||
            moved(after) < moved(before))
            continue;
        return (moved(after) - moved(before)) * 1000000 / (now->us - then->us);
    }
    return TOP_UNKNOWN;
}
