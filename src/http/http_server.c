/*
 * http_server.c - the server as a whole: its listener, its connections, its timers.
 *
 * When every connection is taken, a newcomer is accepted all the same, told 503 and when to come
 * back, and lingers shortly; there is a small reserve for that. When that is used up too, newcomers
 * wait in the listener's backlog, and the first connection that ends calls for them.
 */
#include "http/http_conn.h"

#include <errno.h>

void http_server_config_init(struct http_server_config *config)
{
    *config = (struct http_server_config){
        .backlog = 1024,
        .connections = 65536,
        .header_ns = 10 * NS_PER_S,
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
        server->stats.accepted++;
        http_conn_open(conn, server, socket, now);
        if (server->conns.used - server->refusing > server->config.connections)
            http_conn_refuse(conn, now);
        http_conn_run(conn, now); /* its request may have come before */
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

int http_server_new(const struct http_server_config *config, instant now, struct http_server **out)
{
    struct memory memory = {.env = config->env};
    struct http_server *server = memory_alloc(&memory, sizeof(*server));
    const uint32_t most = config->connections + reserve_of(config->connections);

    assert(config->stack && config->env && config->env->wall_ns && config->connections > 0);
    if (!server)
        return -ENOMEM;
    server->config = *config;
    server->memory = memory;
    server->date_s = HTTP_NO_DATE;
    if (!config->pages && !config->files) {
        server->config.pages = http_built_in_pages;
        server->config.page_count = http_built_in_page_count;
    }
    wheel_init(&server->wheel, now);
    int err =
        pool_init(&server->conns, &server->memory, "http.conns", sizeof(struct http_conn), most);
    if (err)
        goto release;
    err = pool_init(&server->exchanges, &server->memory, "http.exchanges",
                    sizeof(struct http_exchange), most);
    if (err)
        goto fini_conns;
    err = pool_init(&server->heads, &server->memory, "http.heads", HTTP_HEAD_MAX,
                    reserve_of(config->connections));
    if (err)
        goto fini_exchanges;
    err = listen_at(server);
    if (err)
        goto fini_heads;
    *out = server;
    return 0;
fini_heads:
    pool_fini(&server->heads);
fini_exchanges:
    pool_fini(&server->exchanges);
fini_conns:
    pool_fini(&server->conns);
release:
    memory_release(&memory, server, sizeof(*server));
    return err;
}

void http_server_stop(struct http_server *server)
{
    if (server->stopping)
        return;
    server->stopping = true;
    sock_close(server->config.stack, server->listener);
    for (uint32_t i = 0; i < server->conns.cap; i++) {
        struct http_conn *conn = pool_at(&server->conns, i);
        if (conn)
            http_conn_stop(conn);
    }
}

void http_server_free(struct http_server *server)
{
    if (!server)
        return;
    http_server_stop(server);
    for (uint32_t i = 0; i < server->conns.cap; i++) {
        struct http_conn *conn = pool_at(&server->conns, i);
        if (conn)
            http_conn_end(conn, true);
    }
    assert(server->conns.used == 0 && server->exchanges.used == 0 && server->heads.used == 0);
    assert(server->wheel.armed == 0);
    pool_fini(&server->heads);
    pool_fini(&server->exchanges);
    pool_fini(&server->conns);
    struct memory memory = server->memory;
    memory_release(&memory, server, sizeof(*server));
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
    return sizeof(*server) + pool_cap_octets(&server->conns) + pool_cap_octets(&server->exchanges) +
           pool_cap_octets(&server->heads);
}
