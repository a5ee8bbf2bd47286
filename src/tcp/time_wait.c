/*
 * time_wait.c - connections in TIME-WAIT as small records.
 *
 * A busy client or server has thousands of connections for each that it uses, all of them waiting
 * for 2 MSL. One that nobody owns and that owes nothing is therefore deflated to 64 octets: its
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
 * What makes one small. Links are numbers in the pool. Instants have 32 bits and are told by the
 * end of the first in the queue, which is whole; a challenge is remembered as long as it forbids
 * another one. MAX.SND.WND was the window field of a segment, and so is 16 bits and a shift. Of
 * the addresses 32 bits are in the entry: all of IPv4's, while IPv6's other 96 are in an object
 * beside it, of 32 octets. The rest has no air in it.
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
    err = pool_init(&tw->uppers, tcp->memory, "IPv6 addresses in TIME-WAIT",
                    sizeof(struct tw_upper), cap);
    if (err)
        goto no_uppers;
    while (size < cap)
        size *= 2;
    chains_init(&tw->queue, &tw->entries, offsetof(struct tw_entry, queue), &tw->head, 1);
    timer_init(&tw->timer, timer_owner);
    tw->table_mask = size - 1;
    tw->table = memory_alloc(tcp->memory, size * sizeof(*tw->table));
    if (tw->table)
        return 0;
    err = -ENOMEM;
    pool_fini(&tw->uppers);
no_uppers:
    pool_fini(&tw->entries);
    return err;
}

void tw_fini(struct tcp *tcp)
{
    struct time_wait *tw = &tcp->time_wait;

    memory_release(tcp->memory, tw->table, (tw->table_mask + 1ul) * sizeof(*tw->table));
    pool_fini(&tw->uppers);
    pool_fini(&tw->entries);
}

uint64_t tw_cap_octets(const struct time_wait *tw)
{
    return pool_cap_octets(&tw->entries) + pool_cap_octets(&tw->uppers) +
           (tw->table_mask + 1ul) * sizeof(*tw->table);
}

/* --- what an entry says --------------------------------------------------------------------- */

static struct tw_upper *upper_of(const struct time_wait *tw, const struct tw_entry *entry)
{
    return entry->upper ? pool_at(&tw->uppers, entry->upper - 1) : NULL;
}

/* `upper`: NULL for IPv4. */
static struct ip_addr addr_of(const uint8_t *upper, uint32_t lower)
{
    struct ip_addr addr = ip_from_v4(lower);

    if (upper)
        memcpy(addr.octet, upper, TW_UPPER);
    return addr;
}

struct endpoint tw_local(const struct time_wait *tw, const struct tw_entry *entry)
{
    const struct tw_upper *upper = upper_of(tw, entry);

    return (struct endpoint){addr_of(upper ? upper->local : NULL, entry->local), entry->local_port};
}

struct endpoint tw_remote(const struct time_wait *tw, const struct tw_entry *entry)
{
    const struct tw_upper *upper = upper_of(tw, entry);

    return (struct endpoint){addr_of(upper ? upper->remote : NULL, entry->remote),
                             entry->remote_port};
}

instant tw_ends_at(const struct time_wait *tw, const struct tw_entry *entry)
{
    return instant_from_brief(entry->ends, tw->first_ends);
}

/* --- the table and the queue -------------------------------------------------------------- */

static uint32_t *bucket_of(struct tcp *tcp, struct endpoint local, struct endpoint remote)
{
    return &tcp->time_wait.table[demux_hash(tcp, local, remote) & tcp->time_wait.table_mask];
}

/* By its number and one; NULL: none. */
static struct tw_entry *entry_at(const struct time_wait *tw, uint32_t number)
{
    return number ? pool_at(&tw->entries, number - 1) : NULL;
}

static bool is_between(const struct time_wait *tw, const struct tw_entry *entry,
                       struct endpoint local, struct endpoint remote)
{
    return entry->remote_port == remote.port && entry->local_port == local.port &&
           ip_equal(tw_remote(tw, entry).addr, remote.addr) &&
           ip_equal(tw_local(tw, entry).addr, local.addr);
}

struct tw_entry *tw_find(struct tcp *tcp, struct endpoint local, struct endpoint remote)
{
    const struct time_wait *tw = &tcp->time_wait;
    struct tw_entry *entry;

    if (tw->entries.used == 0)
        return NULL;
    entry = entry_at(tw, *bucket_of(tcp, local, remote));
    while (entry && !is_between(tw, entry, local, remote))
        entry = entry_at(tw, entry->hash_next);
    return entry;
}

static struct tw_entry *oldest(const struct time_wait *tw)
{
    return chain_first(&tw->queue, 0);
}

/* For the first one; a timer that fires early only looks again. */
static void arm(struct tcp *tcp)
{
    struct time_wait *tw = &tcp->time_wait;

    if (chain_is_empty(&tw->queue, 0))
        wheel_disarm(tcp->wheel, &tw->timer);
    else if (!timer_is_armed(&tw->timer))
        wheel_arm(tcp->wheel, &tw->timer, tw->first_ends);
}

static void discard(struct tcp *tcp, struct tw_entry *entry)
{
    struct time_wait *tw = &tcp->time_wait;
    uint32_t number = pool_index(&tw->entries, entry) + 1;
    uint32_t *link = bucket_of(tcp, tw_local(tw, entry), tw_remote(tw, entry));

    while (*link != number)
        link = &entry_at(tw, *link)->hash_next;
    *link = entry->hash_next;
    tcp->port_use[entry->local_port]--;
    chain_remove(&tw->queue, entry);
    if (entry->upper)
        pool_put(&tw->uppers, upper_of(tw, entry));
    pool_put(&tw->entries, entry);
    if (oldest(tw))
        tw->first_ends = tw_ends_at(tw, oldest(tw));
    arm(tcp);
}

/* The edge to CLOSED that tcp_set_state() would have walked. */
static void end(struct tcp *tcp, struct tw_entry *entry, const char *cause, instant now)
{
    events_emit(tcp->events, &(struct event){.type = EVENT_STATE,
                                             .conn = entry->id,
                                             .when = now,
                                             .state = {TCPS_TIME_WAIT, TCPS_CLOSED,
                                                       tw_local(&tcp->time_wait, entry),
                                                       tw_remote(&tcp->time_wait, entry), cause}});
    discard(tcp, entry);
}

static void end_those_due(struct tcp *tcp, instant now)
{
    struct time_wait *tw = &tcp->time_wait;

    while (!chain_is_empty(&tw->queue, 0) && !instant_before(now, tw->first_ends)) {
        events_timer_fired(tcp->events, oldest(tw)->id, TIMER_TIME_WAIT, now);
        end(tcp, oldest(tw), "2 MSL have passed (RFC 9293, 3.10.8)", now);
    }
}

void tcp_time_wait_timer(struct tcp *tcp, instant now)
{
    end_those_due(tcp, now);
    arm(tcp);
}

void tw_forget_address(struct tcp *tcp, struct ip_addr local, const char *cause, instant now)
{
    struct time_wait *tw = &tcp->time_wait;
    struct tw_entry *next;

    for (struct tw_entry *entry = oldest(tw); entry; entry = next) {
        next = chain_next(&tw->queue, entry);
        if (ip_equal(tw_local(tw, entry).addr, local))
            end(tcp, entry, cause, now);
    }
}

/* `at` in whole microseconds: no earlier, and no earlier than the newest one's. */
static void insert(struct tcp *tcp, struct tw_entry *entry, instant at, instant now)
{
    struct time_wait *tw = &tcp->time_wait;
    uint32_t *bucket = bucket_of(tcp, tw_local(tw, entry), tw_remote(tw, entry));
    instant ends = {(at.ns + NS_PER_US - 1) / NS_PER_US * NS_PER_US};

    if (oldest(tw) && instant_since(ends, tw->first_ends) > BRIEF_NS)
        end_those_due(tcp, now); /* nobody has told the time for so long */
    const struct tw_entry *newest = chain_last(&tw->queue, 0);
    if (!newest)
        tw->first_ends = ends;
    else if (instant_before(ends, tw_ends_at(tw, newest)))
        ends = tw_ends_at(tw, newest);
    entry->ends = instant_brief(ends);
    chain_link_init(&entry->queue);
    chain_append(&tw->queue, 0, entry);
    entry->hash_next = *bucket;
    *bucket = pool_index(&tw->entries, entry) + 1;
    tcp->port_use[entry->local_port]++;
    arm(tcp);
}

/* --- from an entry to a connection -------------------------------------------------------- */

static void fill_in(struct tcp *tcp, const struct tw_entry *entry, struct tcp_conn *conn)
{
    const struct time_wait *tw = &tcp->time_wait;
    instant ends = tw_ends_at(tw, entry);

    conn_init(tcp, conn, tw_local(tw, entry), tw_remote(tw, entry));
    conn->id = entry->id;
    conn->state = TCPS_TIME_WAIT; /* as it was: no change that anybody should hear of */
    conn->closing = conn->fin_sent = conn->peer_fin = true;
    conn_start_at(conn, seq_sub(entry->snd_nxt, 1));
    conn->snd.una = conn->snd.nxt;
    conn->snd.wnd = conn->snd.wnd_max = (uint32_t)entry->snd_wnd_max << entry->snd_shift;
    conn->rcv.nxt = conn->last_ack = conn->snd.wl1 = entry->rcv_nxt;
    conn->snd.wl2 = conn->snd.nxt;
    conn->rcv.edge = conn->rcv.grant = conn->rcv.told = seq_add(entry->rcv_nxt, entry->rcv_wnd);
    conn->rcv_scale = entry->rcv_scale & 15u;
    conn->scaling = entry->rcv_scale > 0;
    conn->sack_ok = entry->sack_ok;
    conn->ts_ok = entry->ts_ok;
    conn->ts_recent = entry->ts_recent;
    conn->ts_recent_s = instant_s(ends); /* to 2 MSL: only 24 days matter */
    conn_recall_challenge(conn, entry->challenged, ends);
    conn->tos = entry->tos;
    conn->ttl = entry->ttl;
    conn->linger_at = ends;
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

/* With its upper part, if it is to have one. */
static struct tw_entry *get_entry(struct time_wait *tw, bool v6)
{
    struct tw_entry *entry = pool_get(&tw->entries);
    struct tw_upper *upper = entry && v6 ? pool_get(&tw->uppers) : NULL;

    if (entry && v6 && !upper) {
        pool_put(&tw->entries, entry);
        return NULL;
    }
    if (upper)
        entry->upper = (pool_index(&tw->uppers, upper) + 1) & ((1u << 20) - 1);
    return entry;
}

/* An entry, if need be that of the one who has waited longest. */
static struct tw_entry *make_entry(struct tcp *tcp, bool v6, instant now)
{
    struct time_wait *tw = &tcp->time_wait;
    struct tw_entry *entry = get_entry(tw, v6);

    if (entry || chain_is_empty(&tw->queue, 0))
        return entry;
    events_count(tcp->events, COUNTER_TCP_TW_EVICT);
    end(tcp, oldest(tw), "evicted from TIME-WAIT by a later one", now);
    return get_entry(tw, v6);
}

static void set_names(struct time_wait *tw, struct tw_entry *entry, const struct tcp_conn *conn)
{
    struct tw_upper *upper = upper_of(tw, entry);

    entry->local = ip_to_v4(conn->local.addr);
    entry->remote = ip_to_v4(conn->remote.addr);
    entry->local_port = conn->local.port;
    entry->remote_port = conn->remote.port;
    if (!upper)
        return;
    memcpy(upper->local, conn->local.addr.octet, TW_UPPER);
    memcpy(upper->remote, conn->remote.addr.octet, TW_UPPER);
}

/* It was told in a field of 16 bits: nothing is lost. */
static void set_snd_wnd_max(struct tw_entry *entry, uint32_t window)
{
    unsigned shift = 0;

    while (window >> shift > UINT16_MAX)
        shift++;
    entry->snd_shift = shift & 15u;
    entry->snd_wnd_max = (uint16_t)(window >> shift);
}

bool tw_settle(struct tcp *tcp, struct tcp_conn *conn, instant now)
{
    struct tw_entry *entry = make_entry(tcp, !ip_is_v4(conn->local.addr), now);

    if (!entry)
        return false;
    set_names(&tcp->time_wait, entry, conn);
    set_snd_wnd_max(entry, conn->snd.wnd_max);
    entry->challenged = conn_challenged(tcp, conn, now);
    entry->id = conn->id;
    entry->snd_nxt = conn->snd.nxt;
    entry->rcv_nxt = conn->rcv.nxt;
    entry->rcv_wnd = conn_window(conn) & ((1u << 30) - 1);
    entry->ts_recent = conn->ts_recent;
    entry->tos = conn->tos;
    entry->ttl = conn->ttl;
    entry->rcv_scale = conn->rcv_scale & 15u;
    entry->ts_ok = conn->ts_ok;
    entry->sack_ok = conn->sack_ok;
    demux_remove(tcp, conn);
    insert(tcp, entry, conn->linger_at, now);
    return true;
}
