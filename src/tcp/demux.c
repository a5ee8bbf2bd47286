/*
 * demux.c - see demux.h.
 *
 * The table of connections grows by one bucket with each connection (linear hashing, Litwin 1980),
 * so that no packet ever waits for a table to be built anew. With 2^k buckets in use a hash's last
 * k bits say which. When there is one more, number 2^k, it takes from number 0 those whose next bit
 * is set, the one after it does so with number 1, and with 2^(k+1) it begins again. Meanwhile k + 1
 * bits that lead behind the last bucket mean the one that it has yet to be split off.
 *
 * It does not shrink: what it was once large enough for may come again.
 */
#include "tcp/demux.h"

#include <errno.h>

#include "tcp/tcp_conn.h"

enum {
    PORTS = 65536,
    TABLE_FIRST = 512, /* buckets in use at first: what fits into a page */
};

/* The one hash of a four-tuple: where somebody is put, looked for, and moved to. */
static uint64_t hash_of(const struct tcp *tcp, struct endpoint local, struct endpoint remote)
{
    return siphash_flow(tcp->table_key, local, remote);
}

static void keep_hash(struct tcp *tcp, struct endpoint local, struct endpoint remote)
{
    tcp->hashed.local = local;
    tcp->hashed.remote = remote;
    tcp->hashed.hash = hash_of(tcp, local, remote);
}

uint64_t demux_hash(struct tcp *tcp, struct endpoint local, struct endpoint remote)
{
    if (!endpoint_equal(tcp->hashed.remote, remote) || !endpoint_equal(tcp->hashed.local, local))
        keep_hash(tcp, local, remote);
    return tcp->hashed.hash;
}

static uint32_t bucket_number(const struct tcp *tcp, uint64_t hash)
{
    const uint32_t number = (uint32_t)hash & tcp->table_mask;

    return number < tcp->table_used ? number : number & tcp->table_mask >> 1;
}

static struct tcp_conn **bucket_of(struct tcp *tcp, struct endpoint local, struct endpoint remote)
{
    return &tcp->table[bucket_number(tcp, demux_hash(tcp, local, remote))];
}

/* Takes one more bucket into use. */
static void split_bucket(struct tcp *tcp)
{
    const uint32_t fresh = tcp->table_used++;

    if (fresh > tcp->table_mask)
        tcp->table_mask = 2 * tcp->table_mask + 1;
    struct tcp_conn **link = &tcp->table[fresh & tcp->table_mask >> 1];
    struct tcp_conn **end = &tcp->table[fresh];
    for (struct tcp_conn *conn; (conn = *link);) {
        if (bucket_number(tcp, hash_of(tcp, conn->local, conn->remote)) != fresh) {
            link = &conn->hash_next;
            continue;
        }
        *link = conn->hash_next;
        *end = conn;
        end = &conn->hash_next;
        *end = NULL;
    }
}

/* A power of two, and no less than `count`. */
static uint32_t table_size(int64_t count)
{
    uint32_t size = 16;

    while (size < count)
        size *= 2;
    return size;
}

/* Those that open, and the queue of each listener. */
static uint32_t kin_count(const struct tcp *tcp)
{
    return 1 + (uint32_t)tcp->values->tcp_listeners;
}

static size_t kin_octets(const struct tcp *tcp)
{
    return kin_count(tcp) * sizeof(struct chain_link);
}

uint64_t demux_octets(const struct tcp *tcp)
{
    return tcp->table_room * sizeof(*tcp->table) + PORTS * sizeof(*tcp->port_use) +
           (tcp->listener_mask + 1ul) * sizeof(*tcp->listeners) + kin_octets(tcp);
}

int demux_init(struct tcp *tcp)
{
    uint32_t size = table_size(tcp->values->tcp_connections);
    uint32_t listeners = table_size(tcp->values->tcp_listeners);
    struct chain_link *kin = memory_alloc(tcp->memory, kin_octets(tcp));

    if (kin)
        chains_init(&tcp->kin, &tcp->conns, offsetof(struct tcp_conn, kin), kin, kin_count(tcp));
    tcp->table = memory_alloc(tcp->memory, size * sizeof(*tcp->table));
    tcp->port_use = memory_alloc(tcp->memory, PORTS * sizeof(*tcp->port_use));
    tcp->listeners = memory_alloc(tcp->memory, listeners * sizeof(*tcp->listeners));
    tcp->table_room = size;
    tcp->table_used = u32_min(size, TABLE_FIRST);
    tcp->table_mask = tcp->table_used - 1;
    tcp->listener_mask = listeners - 1;
    keep_hash(tcp, tcp->hashed.local, tcp->hashed.remote);
    for (uint32_t i = 0; tcp->listeners && i < listeners; i++)
        list_init(&tcp->listeners[i]);
    if (tcp->table && tcp->port_use && tcp->listeners && kin)
        return 0;
    demux_fini(tcp);
    return -ENOMEM;
}

void demux_fini(struct tcp *tcp)
{
    if (tcp->table)
        memory_release(tcp->memory, tcp->table, tcp->table_room * sizeof(*tcp->table));
    if (tcp->port_use)
        memory_release(tcp->memory, tcp->port_use, PORTS * sizeof(*tcp->port_use));
    if (tcp->listeners)
        memory_release(tcp->memory, tcp->listeners,
                       (tcp->listener_mask + 1ul) * sizeof(*tcp->listeners));
    memory_release(tcp->memory, tcp->kin.heads, kin_octets(tcp));
    tcp->kin.heads = NULL;
    tcp->table = NULL;
    tcp->port_use = NULL;
    tcp->listeners = NULL;
}

void demux_insert(struct tcp *tcp, struct tcp_conn *conn)
{
    if (tcp->table_count++ >= tcp->table_used && tcp->table_used < tcp->table_room)
        split_bucket(tcp);
    struct tcp_conn **bucket = bucket_of(tcp, conn->local, conn->remote);

    conn->hash_next = *bucket;
    *bucket = conn;
    tcp->port_use[conn->local.port]++;
}

void demux_remove(struct tcp *tcp, struct tcp_conn *conn)
{
    struct tcp_conn **link = bucket_of(tcp, conn->local, conn->remote);

    while (*link != conn)
        link = &(*link)->hash_next;
    *link = conn->hash_next;
    tcp->table_count--;
    tcp->port_use[conn->local.port]--;
}

struct tcp_conn *demux_find(struct tcp *tcp, struct endpoint local, struct endpoint remote)
{
    struct tcp_conn *conn = *bucket_of(tcp, local, remote);

    while (conn && !(endpoint_equal(conn->remote, remote) && endpoint_equal(conn->local, local)))
        conn = conn->hash_next;
    return conn;
}

struct tcp_listener *demux_listener(struct tcp *tcp, struct endpoint local)
{
    struct list *bucket = demux_listeners(tcp, local.port);
    struct tcp_listener *any = NULL;
    uint8_t family = ip_is_unspecified(local.addr) ? TCP_FAMILY_V4 | TCP_FAMILY_V6
                     : ip_is_v4(local.addr)        ? TCP_FAMILY_V4
                                                   : TCP_FAMILY_V6;

    for (struct list *node = bucket->next; node != bucket; node = node->next) {
        struct tcp_listener *listener = CONTAINER_OF(node, struct tcp_listener, node);
        if (listener->local.port != local.port)
            continue;
        if (ip_equal(listener->local.addr, local.addr))
            return listener;
        if (ip_is_unspecified(listener->local.addr) && listener->families & family)
            any = listener;
    }
    return any;
}

bool demux_is_listened(struct tcp *tcp, struct endpoint local, uint8_t families)
{
    struct list *bucket = demux_listeners(tcp, local.port);

    for (struct list *node = bucket->next; node != bucket; node = node->next) {
        struct tcp_listener *listener = CONTAINER_OF(node, struct tcp_listener, node);
        if (endpoint_equal(listener->local, local) && listener->families & families)
            return true;
    }
    return false;
}

bool demux_is_taken(struct tcp *tcp, struct endpoint local, struct endpoint remote)
{
    return demux_find(tcp, local, remote) || tw_find(tcp, local, remote) ||
           syn_find(tcp, local, remote);
}

struct tcp_conn *tcp_find(struct tcp *tcp, struct endpoint local, struct endpoint remote)
{
    struct tcp_conn *conn = demux_find(tcp, local, remote);
    struct syn_entry *entry = conn ? NULL : syn_find(tcp, local, remote);

    return entry ? syn_inflate(tcp, entry) : conn;
}

uint32_t tcp_port_use(const struct tcp *tcp, uint16_t port)
{
    return tcp->port_use[port];
}
