/*
 * http_server.c - the server as a whole: its listener, its connections, its timers.
 *
 * When every connection is taken, the one that has been without a request for the longest makes
 * room: who keeps it open only in case loses least. When all are busy, or one client has more than
 * its share, a newcomer is accepted all the same, told 503 and when to come back, and lingers
 * shortly; there is a small reserve for that. When that is used up too, newcomers wait in the
 * listener's backlog, and the first connection that ends calls for them. Those of a client beyond
 * its share do not linger then: the places that are left are for others.
 */
#include "http/http_conn.h"

#include <errno.h>

#include "http/http_listing.h"

void http_server_config_init(struct http_server_config *config)
{
    *config = (struct http_server_config){
        .backlog = 1024,
        .connections = 65536,
        .per_client = 16384,
        .index = "index.html",
        .listing = true,
        .header_ns = 10 * NS_PER_S,
        .content_ns = 20 * NS_PER_S,
        .idle_ns = 15 * NS_PER_S,
        .stall_ns = 30 * NS_PER_S,
        .linger_ns = 2 * NS_PER_S,
    };
}

/* How many may be told 503 at a time. */
static uint32_t reserve_of(uint32_t connections)
{
    return connections / 16 + 16;
}

/* Makes room for one more, if somebody only keeps a connection open in case. Its client must be
 * ready for that at any time (RFC 9112, 9.5). */
static void evict_idle(struct http_server *server, instant now)
{
    if (list_is_empty(&server->idle))
        return;
    server->stats.evicted++;
    http_conn_end(CONTAINER_OF(server->idle.next, struct http_conn, idle), false,
                  "others wanted its place", now);
}

/* A newcomer, which has its place in the pool. */
static void welcome(struct http_server *server, struct http_conn *conn, int socket,
                    struct ip_addr client, instant now)
{
    const struct http_server_config *config = &server->config;

    server->stats.accepted++;
    uint32_t connections = http_clients_enter(&server->clients, client);
    conn->client = client;
    conn->counted = connections != UINT32_MAX;
    http_conn_open(conn, server, socket, now);
    if (connections > config->per_client) {
        http_conn_refuse(conn, now);
        if (server->refusing > reserve_of(config->connections)) {
            http_conn_end(conn, false, "too many connections", now);
            return;
        }
    } else if (server->conns.used - server->refusing > config->connections) {
        evict_idle(server, now);
        if (server->conns.used - server->refusing > config->connections)
            http_conn_refuse(conn, now);
    }
    http_conn_run(conn, now); /* its request may have come before */
}

static void accept_some(struct sock_app *app, int s, short events, instant now)
{
    struct http_server *server = CONTAINER_OF(app, struct http_server, app);
    struct stack *stack = server->config.stack;

    (void)events;
    for (int i = 0; i < HTTP_TURN_ACCEPTS; i++) {
        struct endpoint remote;
        struct http_conn *conn = pool_get(&server->conns);
        int socket = conn ? sock_accept(stack, s, &remote, NULL) : -ENOMEM;
        if (socket < 0) {
            if (conn)
                pool_put(&server->conns, conn);
            server->accept_waits = socket != -EAGAIN; /* until a connection ends */
            return;
        }
        welcome(server, conn, socket, remote.addr, now);
    }
    sock_again(stack, s);
}

static int listen_at(struct http_server *server)
{
    struct stack *stack = server->config.stack;
    const int on = 1;
    int s = sock_socket(stack, AF_INET6, SOCK_STREAM, 0); /* and IPv4 */

    if (s < 0)
        return s;
    int err = sock_setsockopt(stack, s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (!err)
        err = sock_bind(stack, s, server->config.local);
    if (!err)
        err = sock_listen(stack, s, server->config.backlog);
    if (err) {
        sock_close(stack, s);
        return err;
    }
    server->listener = s;
    server->app.ready = accept_some;
    sock_set_app(stack, s, &server->app);
    return 0;
}

/* --- its life ----------------------------------------------------------------------------- */

struct pool_row {
    struct pool *pool;
    const char *name;
    size_t size;
    uint32_t cap;
};

enum { POOLS = 4 };

static void pools_of(struct http_server *server, struct pool_row rows[POOLS])
{
    const uint32_t reserve = reserve_of(server->config.connections);
    const uint32_t most = server->config.connections + reserve;
    const struct pool_row all[POOLS] = {
        {&server->conns, "http.conns", sizeof(struct http_conn), most},
        {&server->exchanges, "http.exchanges", sizeof(struct http_exchange), most},
        {&server->heads, "http.heads", HTTP_LONG_ROOM, reserve},
        {&server->listings, "http.listings", http_listing_size(), HTTP_LISTINGS_MAX},
    };

    memcpy(rows, all, sizeof(all));
}

static void close_pools(struct http_server *server)
{
    struct pool_row rows[POOLS];

    pools_of(server, rows);
    for (size_t i = 0; i < POOLS; i++) {
        assert(rows[i].pool->used == 0);
        pool_fini(rows[i].pool);
    }
}

static int open_pools(struct http_server *server)
{
    struct pool_row rows[POOLS];
    int err = 0;

    pools_of(server, rows);
    for (size_t i = 0; i < POOLS && !err; i++)
        err = pool_init(rows[i].pool, &server->memory, rows[i].name, rows[i].size, rows[i].cap);
    if (err)
        close_pools(server);
    return err;
}

/* What tells whether a page is still what it was: a hash of its content. */
static int tag_pages(struct http_server *server)
{
    const struct http_server_config *config = &server->config;

    server->page_tags = memory_alloc(&server->memory, (config->page_count + 1) * sizeof(uint64_t));
    if (!server->page_tags)
        return -ENOMEM;
    for (size_t i = 0; i < config->page_count; i++)
        server->page_tags[i] = siphash((struct hash_key){0}, config->pages[i].content);
    return 0;
}

static const size_t known_len = HTTP_KNOWN_FILES * sizeof(struct http_known);

/* Where what is known of files will be; without files nothing is. */
static int open_known(struct http_server *server)
{
    if (!server->config.files)
        return 0;
    server->known = memory_alloc(&server->memory, known_len);
    return server->known ? 0 : -ENOMEM;
}

static void release(struct http_server *server)
{
    struct memory memory = server->memory;

    memory_release(&memory, server->known, known_len);
    memory_release(&memory, server->page_tags, (server->config.page_count + 1) * sizeof(uint64_t));
    memory_release(&memory, server, sizeof(*server));
}

int http_server_new(const struct http_server_config *config, instant now, struct http_server **out)
{
    struct memory memory = {.env = config->env};
    struct http_server *server = memory_alloc(&memory, sizeof(*server));

    assert(config->stack && config->env && config->env->wall_ns && config->connections > 0);
    assert(config->extra.len <= HTTP_EXTRA_MAX && config->index);
    if (!server)
        return -ENOMEM;
    server->config = *config;
    server->memory = memory;
    server->date_s = HTTP_NO_DATE;
    list_init(&server->idle);
    if (!config->pages && !config->files) {
        server->config.pages = http_built_in_pages;
        server->config.page_count = http_built_in_page_count;
    }
    wheel_init(&server->wheel, now);
    int err = tag_pages(server);
    if (!err)
        err = open_known(server);
    if (err)
        goto release;
    err = open_pools(server);
    if (err)
        goto release;
    err = http_clients_init(&server->clients, &server->memory, server->conns.cap);
    if (err)
        goto close_pools;
    err = listen_at(server);
    if (err)
        goto fini_clients;
    *out = server;
    return 0;
fini_clients:
    http_clients_fini(&server->clients);
close_pools:
    close_pools(server);
release:
    release(server);
    return err;
}

void http_server_stop(struct http_server *server, instant now)
{
    if (server->stopping)
        return;
    server->stopping = true;
    sock_close(server->config.stack, server->listener);
    for (uint32_t i = 0; i < server->conns.cap; i++) {
        struct http_conn *conn = pool_at(&server->conns, i);
        if (conn)
            http_conn_stop(conn, now);
    }
}

void http_server_free(struct http_server *server, instant now)
{
    if (!server)
        return;
    http_server_stop(server, now);
    for (uint32_t i = 0; i < server->conns.cap; i++) {
        struct http_conn *conn = pool_at(&server->conns, i);
        if (conn)
            http_conn_end(conn, true, "the server ends", now);
    }
    assert(server->wheel.armed == 0 && list_is_empty(&server->idle));
    http_clients_fini(&server->clients);
    close_pools(server);
    release(server);
}

instant http_server_deadline(const struct http_server *server)
{
    return wheel_deadline(&server->wheel);
}

void http_server_advance(struct http_server *server, instant now)
{
    struct timer *timer;

    while ((timer = wheel_expire(&server->wheel, now)))
        http_conn_expired(CONTAINER_OF(timer, struct http_conn, timer), now);
}

void http_server_stats(const struct http_server *server, struct http_server_stats *out)
{
    *out = server->stats;
    out->open = server->conns.used;
}

uint64_t http_server_memory_cap(const struct http_server *server)
{
    return sizeof(*server) + (server->known ? known_len : 0) + pool_cap_octets(&server->conns) +
           pool_cap_octets(&server->exchanges) + pool_cap_octets(&server->heads) +
           pool_cap_octets(&server->listings) + http_clients_cap_octets(&server->clients);
}
