/*
 * stack_snapshot.c - a walk over all that is alive: tapio/snapshot.h.
 *
 * Everything lives in pools, whose objects have numbers that stay. So a walk is a number in each
 * pool in turn, nothing has to be held still between two pieces of it, and a piece is bounded by
 * how many slots it looks at. Slabs that are not there are passed over as a whole.
 */
#include <errno.h>
#include <string.h>
#include <tapio/snapshot.h>

#include "stack/stack.h"
#include "tcp/tcp_snapshot.h"

enum { PIECE = 1024 }; /* slots that one call looks at */

static const char *const kind_names[] = {
#define TAPIO_X(id, name) [SNAPSHOT_##id] = (name),
    TAPIO_SNAPSHOT_KIND_LIST(TAPIO_X)
#undef TAPIO_X
};

static const struct {
    const char *key, *sentence;
} limits[] = {
#define TAPIO_X(id, key, sentence) [LIMIT_##id] = {key, sentence},
    TAPIO_LIMIT_LIST(TAPIO_X)
#undef TAPIO_X
};

const char *snapshot_kind_name(enum snapshot_kind kind)
{
    return kind_names[kind];
}

const char *snapshot_limit_key(enum snapshot_limit limit)
{
    return limits[limit].key;
}

const char *snapshot_limit_sentence(enum snapshot_limit limit)
{
    return limits[limit].sentence;
}

static const struct pool *pool_of(const struct stack *s, enum snapshot_kind kind)
{
    switch (kind) {
    case SNAPSHOT_LISTENER:
        return &s->tcp.listener_pool;
    case SNAPSHOT_CONNECTION:
        return &s->tcp.conns;
    case SNAPSHOT_HALF_OPEN:
        return &s->tcp.syn.entries;
    case SNAPSHOT_TIME_WAIT:
        return &s->tcp.time_wait.entries;
    case SNAPSHOT_UDP:
        return &s->udp.ports;
    case SNAPSHOT_PING:
        return &s->ping_ports;
    }
    return NULL;
}

static bool copy_udp(const struct udp_port *port, struct stack_snapshot *out)
{
    if (!port)
        return false;
    out->kind = SNAPSHOT_UDP;
    out->state = port->is_connected ? TCPS_ESTABLISHED : TCPS_CLOSED;
    out->local = port->local;
    out->remote = port->remote;
    out->error = port->error;
    out->recv_q_octets = 0;
    for (const struct frame *f = port->queue.head; f; f = f->next)
        out->recv_q_octets += f->len;
    out->send_q_octets = 0; /* what is sent waits in the stack's queue, nobody's */
    out->recv_buffer_octets = port->queue_cap;
    return true;
}

static bool copy_ping(const struct ping_port *port, struct stack_snapshot *out)
{
    if (!port)
        return false;
    out->kind = SNAPSHOT_PING;
    out->state = ip_is_unspecified(port->remote) ? TCPS_CLOSED : TCPS_ESTABLISHED;
    out->local.port = port->id;
    out->remote.addr = port->remote;
    out->recv_q_octets = 0;
    for (const struct frame *f = port->replies.head; f; f = f->next)
        out->recv_q_octets += f->len;
    out->send_q_octets = 0;
    return true;
}

static bool copy(const struct stack *s, enum snapshot_kind kind, uint32_t index,
                 struct stack_snapshot *out)
{
    tcp_snapshot_blank(out);
    switch (kind) {
    case SNAPSHOT_LISTENER:
        return tcp_snapshot_listener(&s->tcp, index, out);
    case SNAPSHOT_CONNECTION:
        return tcp_snapshot_conn(&s->tcp, index, s->now, out);
    case SNAPSHOT_HALF_OPEN:
        return tcp_snapshot_half_open(&s->tcp, index, s->now, out);
    case SNAPSHOT_TIME_WAIT:
        return tcp_snapshot_time_wait(&s->tcp, index, s->now, out);
    case SNAPSHOT_UDP:
        return copy_udp(pool_at(&s->udp.ports, index), out);
    case SNAPSHOT_PING:
        return copy_ping(pool_at(&s->ping_ports, index), out);
    }
    return false;
}

int stack_snapshot(const struct stack *s, struct snapshot_cursor *cursor,
                   struct stack_snapshot *out)
{
    struct stack_snapshot found;
    size_t size = size_min(out->size, sizeof(found));

    for (int looked = 0; cursor->kind < ARRAY_LEN(kind_names); looked++) {
        const struct pool *pool = pool_of(s, (enum snapshot_kind)cursor->kind);
        if (pool_is_past(pool, &cursor->index)) {
            cursor->kind++;
            cursor->index = 0;
            continue;
        }
        if (looked >= PIECE)
            return -EAGAIN;
        if (!copy(s, (enum snapshot_kind)cursor->kind, cursor->index++, &found))
            continue;
        found.size = out->size;
        memcpy(out, &found, size);
        return 1;
    }
    return 0;
}
