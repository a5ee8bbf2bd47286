/*
 * time_wait.c - connections in TIME-WAIT as small records.
 *
 * A busy client or server has thousands of connections for each that it uses, all of them waiting
 * for 2 MSL. One that nobody owns and that owes nothing is therefore deflated to 128 octets: its
 * name, where both directions end, what PAWS and the budget of challenges need. That is an inert
 * record. Whatever is about it (the peer's FIN again, an old duplicate, a SYN that may reopen it)
 * inflates it to a connection in a slot of the pool, and the checks of tcp_input.c run; when the
 * answer has left it owes nothing again, and tcp_settle() deflates it. An ICMP error is about
 * nothing here: all that was sent has been acknowledged.
 *
 * All wait equally long, so the entries are one queue, and one timer serves it. Who became an entry
 * late, because its owner held it, waits as long as the last one before it: between 2 MSL from the
 * peer's FIN, as RFC 9293 asks (MUST-13), and 2 MSL from the owner's CLOSE.
 *
 * TIME-WAIT is a courtesy. At the cap (tcp.time_wait) the oldest entry ends early; without memory
 * for an entry, the connection keeps its slot and waits there.
 */
#include "tcp/time_wait.h"

#include "tcp/demux.h"
#include "tcp/tcp_conn.h"

int tw_init(struct tcp *tcp, uint8_t timer_owner)
{
    struct time_wait *tw = &tcp->time_wait;
    uint32_t cap = (uint32_t)tcp->values->tcp_time_wait;
    uint32_t size = 16;
    int err = pool_init(&tw->entries, tcp->memory, "connections in TIME-WAIT",
                        sizeof(struct tw_entry), cap);

    if (err)
        return err;
    while (size < cap)
        size *= 2;
    list_init(&tw->queue);
    timer_init(&tw->timer, timer_owner);
    tw->table_mask = size - 1;
    tw->table = memory_alloc(tcp->memory, size * sizeof(*tw->table));
    if (tw->table)
        return 0;
    pool_fini(&tw->entries);
    return -ENOMEM;
}

void tw_fini(struct tcp *tcp)
{
    struct time_wait *tw = &tcp->time_wait;

    memory_release(tcp->memory, tw->table, (tw->table_mask + 1ul) * sizeof(*tw->table));
    pool_fini(&tw->entries);
}

uint64_t tw_cap_octets(const struct time_wait *tw)
{
    return pool_cap_octets(&tw->entries) + (tw->table_mask + 1ul) * sizeof(*tw->table);
}

/* --- the table and the queue -------------------------------------------------------------- */

static struct endpoint local_of(const struct tw_entry *entry)
{
    return (struct endpoint){entry->local, entry->local_port};
}

static struct endpoint remote_of(const struct tw_entry *entry)
{
    return (struct endpoint){entry->remote, entry->remote_port};
}

static struct tw_entry **bucket_of(const struct tcp *tcp, struct endpoint local,
                                   struct endpoint remote)
{
    uint64_t hash = siphash_tuple(tcp->table_key, local, remote);

    return &tcp->time_wait.table[hash & tcp->time_wait.table_mask];
}

struct tw_entry *tw_find(const struct tcp *tcp, struct endpoint local, struct endpoint remote)
{
    struct tw_entry *entry;

    if (tcp->time_wait.entries.used == 0)
        return NULL;
    entry = *bucket_of(tcp, local, remote);
    while (entry &&
           !(endpoint_equal(remote_of(entry), remote) && endpoint_equal(local_of(entry), local)))
        entry = entry->hash_next;
    return entry;
}

static struct tw_entry *oldest(const struct time_wait *tw)
{
    return CONTAINER_OF(tw->queue.next, struct tw_entry, queue);
}

/* For the first one; a timer that fires early only looks again. */
static void arm(struct tcp *tcp)
{
    struct time_wait *tw = &tcp->time_wait;

    if (list_is_empty(&tw->queue))
        wheel_disarm(tcp->wheel, &tw->timer);
    else if (!timer_is_armed(&tw->timer))
        wheel_arm(tcp->wheel, &tw->timer, oldest(tw)->ends_at);
}

static void insert(struct tcp *tcp, struct tw_entry *entry)
{
    struct time_wait *tw = &tcp->time_wait;
    struct tw_entry **bucket = bucket_of(tcp, local_of(entry), remote_of(entry));

    if (!list_is_empty(&tw->queue)) {
        struct tw_entry *newest = CONTAINER_OF(tw->queue.prev, struct tw_entry, queue);
        if (instant_before(entry->ends_at, newest->ends_at))
            entry->ends_at = newest->ends_at;
    }
    list_init(&entry->queue);
    list_append(&tw->queue, &entry->queue);
    entry->hash_next = *bucket;
    *bucket = entry;
    tcp->port_use[entry->local_port]++;
    arm(tcp);
}

static void discard(struct tcp *tcp, struct tw_entry *entry)
{
    struct tw_entry **link = bucket_of(tcp, local_of(entry), remote_of(entry));

    while (*link != entry)
        link = &(*link)->hash_next;
    *link = entry->hash_next;
    tcp->port_use[entry->local_port]--;
    list_remove(&entry->queue);
    pool_put(&tcp->time_wait.entries, entry);
    arm(tcp);
}

/* The edge to CLOSED that tcp_set_state() would have walked. */
static void end(struct tcp *tcp, struct tw_entry *entry, const char *cause, instant now)
{
    events_emit(tcp->events, &(struct event){.type = EVENT_STATE,
                                             .conn = entry->id,
                                             .when = now,
                                             .state = {TCPS_TIME_WAIT, TCPS_CLOSED, local_of(entry),
                                                       remote_of(entry), cause}});
    discard(tcp, entry);
}

void tcp_time_wait_timer(struct tcp *tcp, instant now)
{
    struct time_wait *tw = &tcp->time_wait;

    while (!list_is_empty(&tw->queue) && !instant_before(now, oldest(tw)->ends_at)) {
        events_timer_fired(tcp->events, oldest(tw)->id, TIMER_TIME_WAIT, now);
        end(tcp, oldest(tw), "2 MSL have passed (RFC 9293, 3.10.8)", now);
    }
    arm(tcp);
}

void tw_forget_address(struct tcp *tcp, struct ip_addr local, const char *cause, instant now)
{
    struct list *queue = &tcp->time_wait.queue, *next;

    for (struct list *node = queue->next; node != queue; node = next) {
        struct tw_entry *entry = CONTAINER_OF(node, struct tw_entry, queue);
        next = node->next;
        if (ip_equal(entry->local, local))
            end(tcp, entry, cause, now);
    }
}

/* --- from an entry to a connection -------------------------------------------------------- */

static void fill_in(struct tcp *tcp, const struct tw_entry *entry, struct tcp_conn *conn)
{
    conn_init(tcp, conn, local_of(entry), remote_of(entry));
    conn->id = entry->id;
    conn->state = TCPS_TIME_WAIT; /* as it was: no change that anybody should hear of */
    conn->closing = conn->fin_sent = conn->peer_fin = true;
    conn_start_at(conn, seq_sub(entry->snd_nxt, 1));
    conn->snd.una = conn->small_end = conn->push_end = conn->full_end = conn->snd.nxt;
    conn->snd.wnd = conn->snd.wnd_max = entry->snd_wnd_max;
    conn->rcv.nxt = conn->last_ack = conn->snd.wl1 = entry->rcv_nxt;
    conn->snd.wl2 = conn->snd.nxt;
    conn->rcv.fin = seq_sub(entry->rcv_nxt, 1);
    conn->rcv.edge = conn->rcv.grant = conn->rcv.told = seq_add(entry->rcv_nxt, entry->rcv_wnd);
    conn->rcv_scale = entry->rcv_scale;
    conn->scaling = entry->rcv_scale > 0;
    conn->sack_ok = entry->sack_ok;
    conn->ts_ok = entry->ts_ok;
    conn->ts_recent = entry->ts_recent;
    conn->ts_recent_at = entry->ends_at; /* to 2 MSL: only 24 days matter */
    conn->challenged_at = entry->challenged_at;
    conn->tos = entry->tos;
    conn->ttl = entry->ttl;
    conn->linger_at = entry->ends_at;
}

struct tcp_conn *tw_inflate(struct tcp *tcp, struct tw_entry *entry)
{
    struct tcp_conn *conn = conn_slot(tcp);

    if (!conn)
        return NULL;
    fill_in(tcp, entry, conn);
    discard(tcp, entry);
    demux_insert(tcp, conn);
    return conn;
}

/* --- and back ----------------------------------------------------------------------------- */

/* An entry, if need be that of the one who has waited longest. */
static struct tw_entry *make_entry(struct tcp *tcp, instant now)
{
    struct time_wait *tw = &tcp->time_wait;
    struct tw_entry *entry = pool_get(&tw->entries);

    if (entry || list_is_empty(&tw->queue))
        return entry;
    events_count(tcp->events, COUNTER_TCP_TW_EVICT);
    end(tcp, oldest(tw), "evicted from TIME-WAIT by a later one", now);
    return pool_get(&tw->entries);
}

bool tw_settle(struct tcp *tcp, struct tcp_conn *conn, instant now)
{
    struct tw_entry *entry = make_entry(tcp, now);

    if (!entry)
        return false;
    *entry = (struct tw_entry){.ends_at = conn->linger_at,
                               .challenged_at = conn->challenged_at,
                               .local = conn->local.addr,
                               .remote = conn->remote.addr,
                               .local_port = conn->local.port,
                               .remote_port = conn->remote.port,
                               .id = conn->id,
                               .snd_nxt = conn->snd.nxt,
                               .rcv_nxt = conn->rcv.nxt,
                               .snd_wnd_max = conn->snd.wnd_max,
                               .rcv_wnd = conn_window(conn),
                               .ts_recent = conn->ts_recent,
                               .tos = conn->tos,
                               .ttl = conn->ttl,
                               .rcv_scale = conn->rcv_scale & 15u,
                               .ts_ok = conn->ts_ok,
                               .sack_ok = conn->sack_ok};
    demux_remove(tcp, conn);
    insert(tcp, entry);
    return true;
}
