/*
 * syn_cache.c - half-open connections as small records (RFC 4987, 3.5).
 *
 * Anybody can make half-open connections, from addresses that are not even his. So one costs 96
 * octets instead of a struct tcp_conn, there are at most tcp.syn_cache of them, and each ends after
 * tcp.synack_retries timeouts. What is hard is to have no second TCP for them. An entry holds what
 * a connection in SYN-RECEIVED has of its own; all else follows from that, from the values and from
 * its listener. Whenever it must act (a segment, a timeout, a debt, an ICMP error), it is inflated
 * to a connection and the code for connections runs:
 *
 *     syn_inflate()           in the one place that the cache has for it; tcp_settle() deflates it
 *     syn_inflate_in_slot()   in a slot of the pool, when the segment may complete the handshake
 *
 * In the end tcp_settle() looks at the state. SYN-RECEIVED: what may have changed goes back into
 * the entry, and a slot is given back. CLOSED: the entry is gone. Anything else: the slot is an
 * ordinary connection from now on, and the entry is gone. A connection so inflated is in no table
 * and no list, its tuning is borrowed from the listener, and its timer is not used. It owes at most
 * one ACK, not one for each segment, since a note would point at it (tcp_window.c).
 *
 * There is one place and not one on each caller's stack, because output names a segment in one call
 * and books it in the next; between the two nothing else is inflated.
 *
 * Timers are queues by the number of timeouts in a row: all in one queue wait for the same time, so
 * each is appended and the first is due first. An entry is in a queue from its SYN on, so that even
 * one whose <SYN,ACK> cannot leave ends in time; once the first has left, the time begins anew.
 * An entry tells its instants in 32 bits, beside that of the first in its queue, which is whole.
 */
#include "tcp/syn_cache.h"

#include "tcp/demux.h"
#include "tcp/tcp_conn.h"

enum { NUMBER_MASK = (1 << 20) - 1 };

static size_t debt_heads_octets(const struct tcp *tcp)
{
    return (SYN_PARKED + tcp->stations) * sizeof(*tcp->syn.debt_heads);
}

int syn_cache_init(struct tcp *tcp, uint8_t timer_owner)
{
    struct syn_cache *cache = &tcp->syn;
    uint32_t cap = (uint32_t)tcp->values->tcp_syn_cache;
    uint32_t size = 16;
    int err = pool_init(&cache->entries, tcp->memory, "half-open connections",
                        sizeof(struct syn_entry), cap);

    if (err)
        return err;
    while (size < cap)
        size *= 2;
    for (size_t i = 0; i < SYN_QUEUES; i++)
        timer_init(&cache->queues[i].timer, timer_owner);
    chains_init(&cache->waiting, &cache->entries, offsetof(struct syn_entry, queue),
                cache->queue_heads, SYN_QUEUES);
    cache->debt_heads = memory_alloc(tcp->memory, debt_heads_octets(tcp));
    if (cache->debt_heads)
        chains_init(&cache->debts, &cache->entries, offsetof(struct syn_entry, debt),
                    cache->debt_heads, SYN_PARKED + tcp->stations);
    cache->table_mask = size - 1;
    cache->table = memory_alloc(tcp->memory, size * sizeof(*cache->table));
    cache->place = memory_alloc(tcp->memory, sizeof(*cache->place));
    if (cache->debt_heads && cache->table && cache->place)
        return 0;
    syn_cache_fini(tcp);
    return -ENOMEM;
}

void syn_cache_fini(struct tcp *tcp)
{
    struct syn_cache *cache = &tcp->syn;

    if (cache->table)
        memory_release(tcp->memory, cache->table,
                       (cache->table_mask + 1ul) * sizeof(*cache->table));
    if (cache->place)
        memory_release(tcp->memory, cache->place, sizeof(*cache->place));
    if (cache->debt_heads)
        memory_release(tcp->memory, cache->debt_heads, debt_heads_octets(tcp));
    pool_fini(&cache->entries);
}

uint64_t syn_cache_cap_octets(const struct syn_cache *cache)
{
    return pool_cap_octets(&cache->entries) + sizeof(*cache->place) +
           (cache->table_mask + 1ul) * sizeof(*cache->table);
}

/* --- the table ---------------------------------------------------------------------------- */

struct tcp_listener *syn_listener(const struct tcp *tcp, const struct syn_entry *entry)
{
    struct tcp_listener *listener = pool_at(&tcp->listener_pool, entry->listener);

    assert(listener); /* syn_abort_all() comes before its end */
    return listener;
}

static struct endpoint local_of(const struct tcp *tcp, const struct syn_entry *entry)
{
    return (struct endpoint){entry->local, syn_listener(tcp, entry)->local.port};
}

static struct endpoint remote_of(const struct syn_entry *entry)
{
    return (struct endpoint){entry->remote, entry->remote_port};
}

static uint32_t *bucket_of(struct tcp *tcp, struct endpoint local, struct endpoint remote)
{
    return &tcp->syn.table[demux_hash(tcp, local, remote) & tcp->syn.table_mask];
}

/* By its number and one; NULL: none. */
static struct syn_entry *entry_at(const struct tcp *tcp, uint32_t number)
{
    return number ? pool_at(&tcp->syn.entries, number - 1) : NULL;
}

struct syn_entry *syn_find(struct tcp *tcp, struct endpoint local, struct endpoint remote)
{
    struct syn_entry *entry;

    if (tcp->syn.entries.used == 0)
        return NULL;
    entry = entry_at(tcp, *bucket_of(tcp, local, remote));
    while (entry && !(endpoint_equal(remote_of(entry), remote) &&
                      endpoint_equal(local_of(tcp, entry), local)))
        entry = entry_at(tcp, entry->hash_next);
    return entry;
}

static void table_add(struct tcp *tcp, struct syn_entry *entry)
{
    struct endpoint local = local_of(tcp, entry);
    uint32_t *bucket = bucket_of(tcp, local, remote_of(entry));

    entry->hash_next = *bucket & NUMBER_MASK;
    *bucket = pool_index(&tcp->syn.entries, entry) + 1;
    tcp->port_use[local.port]++;
}

static void table_remove(struct tcp *tcp, const struct syn_entry *entry)
{
    struct endpoint local = local_of(tcp, entry);
    uint32_t *bucket = bucket_of(tcp, local, remote_of(entry));
    struct syn_entry *before = entry_at(tcp, *bucket);

    tcp->port_use[local.port]--;
    if (before == entry) {
        *bucket = entry->hash_next;
        return;
    }
    while (entry_at(tcp, before->hash_next) != entry)
        before = entry_at(tcp, before->hash_next);
    before->hash_next = entry->hash_next;
}

/* --- time --------------------------------------------------------------------------------- */

static uint32_t queue_of(const struct syn_entry *entry)
{
    return u32_min(entry->retransmits, SYN_QUEUES - 1);
}

instant syn_retransmit_at(const struct syn_cache *cache, const struct syn_entry *entry)
{
    if (!chain_is_linked(&entry->queue))
        return INSTANT_NEVER;
    return instant_from_brief(entry->retransmit, cache->queues[queue_of(entry)].first_at);
}

static struct syn_entry *first_of(const struct syn_cache *cache, uint32_t queue)
{
    return chain_first(&cache->waiting, queue);
}

/* The first one's deadline. A timer that fires early only looks again. */
static void arm(struct tcp *tcp, uint32_t number)
{
    struct syn_queue *queue = &tcp->syn.queues[number];

    if (chain_is_empty(&tcp->syn.waiting, number))
        wheel_disarm(tcp->wheel, &queue->timer);
    else if (!timer_is_armed(&queue->timer))
        wheel_arm(tcp->wheel, &queue->timer, queue->first_at);
}

static void queue_remove(struct tcp *tcp, struct syn_entry *entry)
{
    uint32_t number = queue_of(entry);

    chain_remove(&tcp->syn.waiting, entry);
    const struct syn_entry *first = first_of(&tcp->syn, number);
    if (first)
        tcp->syn.queues[number].first_at = syn_retransmit_at(&tcp->syn, first);
    arm(tcp, number);
}

/* It may have to wait for longer than 32 bits tell, when the first one should have gone hours ago,
 * but nobody has told the time since: then it goes with that one. */
static void queue_append(struct tcp *tcp, struct syn_entry *entry, instant at)
{
    uint32_t number = queue_of(entry);
    struct syn_queue *queue = &tcp->syn.queues[number];

    if (chain_is_empty(&tcp->syn.waiting, number))
        queue->first_at = (instant){at.ns / NS_PER_US * NS_PER_US};
    else if (instant_since(at, queue->first_at) > BRIEF_NS)
        at = instant_add(queue->first_at, BRIEF_NS);
    entry->retransmit = instant_brief(at);
    chain_append(&tcp->syn.waiting, number, entry);
    arm(tcp, number);
}

/* Whoever times out waits for a later time then, or is gone: the loop ends. */
void tcp_syn_timer(struct tcp *tcp, struct timer *timer, instant now)
{
    struct syn_queue *queue = CONTAINER_OF(timer, struct syn_queue, timer);
    uint32_t number = (uint32_t)(queue - tcp->syn.queues);

    while (!chain_is_empty(&tcp->syn.waiting, number) && !instant_before(now, queue->first_at)) {
        struct tcp_conn *conn = syn_inflate(tcp, first_of(&tcp->syn, number));
        tcp_handshake_timeout(tcp, conn, now);
        tcp_settle(tcp, conn, now);
    }
    arm(tcp, number);
}

/* --- from an entry to a connection -------------------------------------------------------- */

static void fill_in(struct tcp *tcp, const struct syn_entry *entry, struct tcp_conn *conn)
{
    struct tcp_listener *listener = syn_listener(tcp, entry);
    struct rto_limits limits = tcp_rto_limits(tcp);
    instant at = syn_retransmit_at(&tcp->syn, entry);

    conn_init(tcp, conn, local_of(tcp, entry), remote_of(entry));
    tcp_begin_tuned(tcp, conn, listener->tuning);
    conn->listener = entry->listener + 1u;
    conn->passive = true;
    conn->id = entry->id;
    conn->state = TCPS_SYN_RECEIVED; /* as it was: no change that anybody should hear of */
    conn_start_at(conn, entry->iss);
    conn->rcv.nxt = conn->last_ack = seq_add(entry->irs, 1);
    conn->rcv.edge = conn->rcv.grant = conn->rcv.told =
        seq_add(conn->rcv.nxt, (uint32_t)entry->rcv_wnd + entry->rcv_wnd_up);
    conn->snd.wnd = conn->snd.wnd_max = entry->snd_wnd;
    conn_set_mss(conn, entry->snd_mss);
    conn->snd_scale = entry->snd_scale;
    conn->rcv_scale = entry->rcv_scale;
    conn->scaling = entry->scaling;
    conn->sack_ok = entry->sack_ok;
    conn->ecn = conn->ecn_marks = entry->ecn;
    conn->ts_ok = entry->ts_ok;
    conn->ts_recent = entry->ts_recent;
    conn->ts_recent_s = instant_s(at); /* to some minutes: only 24 days matter */
    conn->syn_owed = entry->syn_owed;
    conn->syn_again = entry->syn_again;
    conn->syn_lost = entry->syn_lost;
    conn->ack_due = entry->ack_due;
    conn->ack_why = entry->ack_why;
    conn->deferred = entry->deferred;
    conn_recall_challenge(conn, entry->challenged, at);
    conn->retransmits = conn->rto.backoff = entry->retransmits;
    conn->retransmit_at = at;
    conn->timing = entry->timing; /* nothing was sent again since, so it is the first timeout */
    conn->timed_at = instant_add(at, -rto_current(&conn->rto, &limits));
    conn->segments_in = entry->segments_in;
    conn->segments_out = entry->segments_out;
    conn->total_retransmits = entry->resent;
}

static struct tcp_conn *inflate_at(struct tcp *tcp, struct syn_entry *entry, struct tcp_conn *conn)
{
    tcp->syn.inflated = entry;
    tcp->syn.at = conn;
    fill_in(tcp, entry, conn);
    return conn;
}

struct tcp_conn *syn_inflate(struct tcp *tcp, struct syn_entry *entry)
{
    return inflate_at(tcp, entry, tcp->syn.place);
}

struct tcp_conn *syn_inflate_in_slot(struct tcp *tcp, struct syn_entry *entry)
{
    struct tcp_conn *slot = conn_slot(tcp);

    return slot ? inflate_at(tcp, entry, slot) : NULL;
}

struct tcp_conn *syn_new(struct tcp *tcp, struct tcp_listener *listener, struct endpoint local,
                         struct endpoint remote)
{
    struct syn_entry *entry = pool_get(&tcp->syn.entries);

    if (!entry)
        return NULL;
    chain_link_init(&entry->queue);
    chain_link_init(&entry->debt);
    entry->local = local.addr;
    entry->remote = remote.addr;
    entry->remote_port = remote.port;
    entry->listener = (uint16_t)pool_index(&tcp->listener_pool, listener);
    entry->id = ++tcp->next_id;
    entry->snd_mss = 1; /* until it has settled */
    table_add(tcp, entry);

    struct tcp_conn *conn = tcp->syn.at = tcp->syn.place;
    tcp->syn.inflated = entry;
    conn_init(tcp, conn, local, remote);
    conn->id = entry->id;
    return conn;
}

bool syn_has_room(const struct tcp *tcp)
{
    return tcp->syn.entries.used < tcp->syn.entries.cap;
}

/* --- and back ----------------------------------------------------------------------------- */

static void remove_entry(struct tcp *tcp, struct syn_entry *entry)
{
    table_remove(tcp, entry);
    chain_remove(&tcp->syn.debts, entry);
    queue_remove(tcp, entry);
    pool_put(&tcp->syn.entries, entry);
}

static uint8_t up_to_255(uint32_t n)
{
    return (uint8_t)u32_min(n, UINT8_MAX);
}

static void take_back(struct syn_entry *entry, const struct tcp_conn *conn)
{
    entry->iss = conn->iss;
    entry->irs = conn_irs(conn);
    entry->rcv_wnd = (uint16_t)u32_min(conn_window(conn), UINT16_MAX);
    entry->rcv_wnd_up = conn_window(conn) > UINT16_MAX;
    entry->snd_wnd = (uint16_t)conn->snd.wnd; /* a SYN's, which is not scaled */
    entry->snd_mss = conn->snd_mss;
    entry->snd_scale = conn->snd_scale & 15u;
    entry->rcv_scale = conn->rcv_scale & 15u;
    entry->scaling = conn->scaling;
    entry->sack_ok = conn->sack_ok;
    entry->ecn = conn->ecn;
    entry->ts_ok = conn->ts_ok;
    entry->ts_recent = conn->ts_recent;
    entry->syn_owed = conn->syn_owed;
    entry->syn_again = conn->syn_again;
    entry->syn_lost = conn->syn_lost;
    entry->ack_due = conn->ack_due;
    entry->ack_why = conn->ack_why;
    entry->deferred = conn->deferred;
    entry->timing = conn->timing;
    entry->segments_in = up_to_255(conn->segments_in);
    entry->segments_out = up_to_255(conn->segments_out);
    entry->resent = up_to_255(conn->total_retransmits);
}

static void deflate(struct tcp *tcp, struct syn_entry *entry, const struct tcp_conn *conn,
                    instant now)
{
    struct rto_limits limits = tcp_rto_limits(tcp);
    instant at = conn->retransmit_at;

    take_back(entry, conn);
    entry->challenged = conn_challenged(tcp, conn, now);
    if (instant_is_never(at)) { /* it is new: what it owes may have to wait for its neighbour */
        at = instant_add(now, rto_current(&conn->rto, &limits));
        events_timer(tcp->events, entry->id, TIMER_RETRANSMIT, at, now);
    }
    if (at.ns != syn_retransmit_at(&tcp->syn, entry).ns) {
        queue_remove(tcp, entry);
        entry->retransmits = conn->retransmits;
        queue_append(tcp, entry, at);
    }
    bool owes = entry->syn_owed || entry->ack_due;
    if (owes && !chain_is_linked(&entry->debt))
        chain_append(&tcp->syn.debts, SYN_DEBTORS, entry);
    else if (!owes)
        chain_remove(&tcp->syn.debts, entry);
}

bool syn_settle(struct tcp *tcp, struct tcp_conn *conn, instant now)
{
    struct syn_cache *cache = &tcp->syn;
    bool is_slot = conn != cache->place;

    if (conn != cache->at) /* else the place has settled before */
        return is_slot;
    cache->at = NULL;
    if (conn->state == TCPS_SYN_RECEIVED) {
        deflate(tcp, cache->inflated, conn, now);
        if (is_slot)
            pool_put(&tcp->conns, conn);
        return false;
    }
    remove_entry(tcp, cache->inflated);
    if (!is_slot)
        return false;
    conn->tuning = tuning_share(conn->tuning);
    if (conn->state != TCPS_CLOSED)
        demux_insert(tcp, conn);
    return true;
}

/* --- debts -------------------------------------------------------------------------------- */

struct tcp_conn *syn_next_debtor(struct tcp *tcp)
{
    struct syn_entry *first = chain_first(&tcp->syn.debts, SYN_DEBTORS);

    return first ? syn_inflate(tcp, first) : NULL;
}

void syn_forgive(struct tcp *tcp)
{
    chain_remove(&tcp->syn.debts, tcp->syn.inflated);
}

void syn_park(struct tcp *tcp, uint32_t station)
{
    chain_remove(&tcp->syn.debts, tcp->syn.inflated);
    chain_append(&tcp->syn.debts, SYN_PARKED + station, tcp->syn.inflated);
}

void syn_unpark(struct tcp *tcp, uint32_t station)
{
    chain_splice(&tcp->syn.debts, SYN_DEBTORS, SYN_PARKED + station);
}

bool syn_is_awaiting(const struct tcp *tcp, uint32_t station)
{
    return !chain_is_empty(&tcp->syn.debts, SYN_PARKED + station);
}

/* --- the end of an address, or of a listener ---------------------------------------------- */

/* The reset needs a connection that outlives its listener. Without a slot for it, the peer learns
 * when it speaks next. */
static void abort_entry(struct tcp *tcp, struct syn_entry *entry, instant now)
{
    struct tcp_conn *conn = syn_inflate_in_slot(tcp, entry);
    const char *cause = "its listener was closed";

    if (conn) {
        tcp_abort_conn(tcp, conn, 0, WHY_OUT_RST_ABORT, cause, now);
    } else {
        conn = syn_inflate(tcp, entry);
        tcp_end(tcp, conn, 0, cause, now);
    }
    tcp_settle(tcp, conn, now);
}

void syn_forget_address(struct tcp *tcp, struct ip_addr local, const char *cause, instant now)
{
    struct syn_entry *next;

    for (uint32_t i = 0; i < SYN_QUEUES; i++) {
        for (struct syn_entry *entry = first_of(&tcp->syn, i); entry; entry = next) {
            next = chain_next(&tcp->syn.waiting, entry);
            if (!ip_equal(entry->local, local))
                continue;
            struct tcp_conn *conn = syn_inflate(tcp, entry);
            tcp_end(tcp, conn, 0, cause, now);
            tcp_settle(tcp, conn, now);
        }
    }
}

void syn_abort_all(struct tcp *tcp, const struct tcp_listener *listener, instant now)
{
    uint32_t number = pool_index(&tcp->listener_pool, listener);
    struct syn_entry *next;

    for (uint32_t i = 0; i < SYN_QUEUES; i++) {
        for (struct syn_entry *entry = first_of(&tcp->syn, i); entry; entry = next) {
            next = chain_next(&tcp->syn.waiting, entry);
            if (entry->listener == number)
                abort_entry(tcp, entry, now);
        }
    }
}
