/*
 * live_conns.c - which connections are followed, and how they are.
 *
 * There may be 100,000, of which a person can look at a few. A connection becomes one of them when
 * a packet is about it or when the walk over all that is alive passes by, and gives way when the
 * table is full and it has ended or been quiet for longest. The walk looks at LIVE_WALK of them
 * with each sample and notes where it found those that are followed, so that from then on each is
 * read where it lies: one step, however many others there are. The same place may be somebody
 * else's by then; the number tells.
 */
#include <errno.h>

#include "see/live_inside.h"

enum {
    QUIET_MS = 2000,   /* who had a packet more recently does not give way */
    FORGET_MS = 10000, /* who has ended so long ago is forgotten */
};

struct live_conn *live_conn_find(struct live *live, uint32_t id)
{
    if (live->conn[live->last].id == id)
        return &live->conn[live->last];
    for (uint32_t i = 0; i < LIVE_CONNS; i++) {
        if (live->conn[i].id == id) {
            live->last = i;
            return &live->conn[i];
        }
    }
    return NULL;
}

bool live_is_observer(const struct live *live, uint32_t id)
{
    const uint32_t count = u32_min(live->observers, LIVE_OBSERVERS);

    for (uint32_t i = 0; i < count; i++)
        if (live->observer[i] == id)
            return true;
    return false;
}

static void forget(struct live *live, struct live_conn *conn)
{
    if (live->gone_count < LIVE_GONE)
        live->gone[live->gone_count++] = conn->id;
    conn->id = 0;
}

/* Who makes room: a free place, else one that has ended, else the one that was quiet for longest
 * and for long enough. NULL: nobody. */
static struct live_conn *make_room(struct live *live, instant now)
{
    struct live_conn *quietest = &live->conn[0];

    for (uint32_t i = 0; i < LIVE_CONNS; i++) {
        struct live_conn *conn = &live->conn[i];
        if (conn->id == 0)
            return conn;
        if (conn->has_ended > quietest->has_ended ||
            (conn->has_ended == quietest->has_ended &&
             instant_before(conn->touched, quietest->touched)))
            quietest = conn;
    }
    if (!quietest->has_ended && instant_since(now, quietest->touched) < QUIET_MS * NS_PER_MS)
        return NULL;
    forget(live, quietest);
    return quietest;
}

static struct live_conn *follow(struct live *live, uint32_t id, instant now)
{
    struct live_conn *conn = live_conn_find(live, id);

    if (conn)
        return conn;
    conn = make_room(live, now);
    if (!conn)
        return NULL;
    *conn = (struct live_conn){.id = id, .news = true, .is_own = live_is_observer(live, id)};
    conn->is.cwnd_octets = conn->is.ssthresh_octets = conn->is.inflight_octets = conn->is.rtt_us =
        conn->is.rto_us = SNAPSHOT_UNKNOWN;
    return conn;
}

void live_conn_touch(struct live *live, const struct conn_facts *facts, instant now)
{
    struct live_conn *conn = follow(live, facts->id, now);

    if (!conn)
        return;
    conn->touched = now;
    conn->news = true;
    if (conn->placed)
        return; /* it will be read whole */
    conn->is.id = facts->id;
    conn->is.kind = SNAPSHOT_CONNECTION;
    conn->is.state = facts->state;
    conn->is.local = facts->local;
    conn->is.remote = facts->remote;
    conn->is.cwnd_octets = facts->cwnd;
    conn->is.ssthresh_octets = facts->ssthresh == UINT32_MAX ? SNAPSHOT_UNKNOWN : facts->ssthresh;
    conn->is.inflight_octets = facts->inflight;
    conn->is.snd_wnd_octets = facts->window;
    conn->is.rtt_us = facts->srtt_us > 0 ? (uint64_t)facts->srtt_us : SNAPSHOT_UNKNOWN;
    conn->is.rto_us = (uint64_t)facts->rto_ms * 1000;
}

void live_conn_state(struct live *live, const struct event *event)
{
    struct live_conn *conn = live_conn_find(live, event->conn);

    if (!conn)
        return;
    conn->is.state = event->state.to;
    conn->has_ended = event->state.to == TCPS_CLOSED;
    conn->news = true;
}

/* --- looking at them ------------------------------------------------------------------------ */

static bool is_shown(const struct stack_snapshot *one)
{
    return one->id && (one->kind == SNAPSHOT_CONNECTION || one->kind == SNAPSHOT_HALF_OPEN ||
                       one->kind == SNAPSHOT_TIME_WAIT);
}

static void take(struct live_conn *conn, const struct stack_snapshot *one,
                 struct snapshot_cursor at)
{
    conn->news |= conn->is.state != one->state || conn->is.limit != one->limit ||
                  conn->is.cwnd_octets != one->cwnd_octets ||
                  conn->is.inflight_octets != one->inflight_octets;
    conn->is = *one;
    conn->at = at;
    conn->placed = true;
}

/* Where it was found, if it still is there. */
static void look_again(struct live *live, struct live_conn *conn)
{
    struct snapshot_cursor at = conn->at;
    struct stack_snapshot one = {.size = sizeof(one)};

    if (stack_snapshot(live->stack, &at, &one) == 1 && one.id == conn->id)
        take(conn, &one, conn->at);
    else
        conn->placed = false; /* it has ended, or is a record of another kind now */
}

static void walk(struct live *live, instant now)
{
    struct stack_snapshot one = {.size = sizeof(one)};

    for (int i = 0; i < LIVE_WALK; i++) {
        const struct snapshot_cursor at = live->walk;
        const int n = stack_snapshot(live->stack, &live->walk, &one);
        if (n == 0)
            live->walk = (struct snapshot_cursor){0};
        if (n <= 0)
            return;
        if (!is_shown(&one))
            continue;
        struct live_conn *conn = follow(live, one.id, now);
        if (conn)
            take(conn, &one, at);
    }
}

void live_conns_look(struct live *live)
{
    const instant now = stack_now(live->stack);

    for (uint32_t i = 0; i < LIVE_CONNS; i++) {
        struct live_conn *conn = &live->conn[i];
        if (conn->id && conn->placed)
            look_again(live, conn);
        if (conn->id && !conn->placed && instant_since(now, conn->touched) > FORGET_MS * NS_PER_MS)
            forget(live, conn); /* or the walk will find it again */
    }
    walk(live, now);
}

void live_conns_refresh(struct live *live)
{
    for (uint32_t i = 0; i < LIVE_CONNS; i++)
        live->conn[i].news = live->conn[i].id != 0;
}
