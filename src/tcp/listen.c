/*
 * listen.c - passive OPEN (RFC 9293, 3.10.1): listeners and their queues.
 *
 * A listener has two lists: half-open connections and completed ones that nobody has accepted yet.
 * Both together are at most its backlog; a SYN beyond that is dropped, not reset, so that the peer
 * tries again. A completed connection always has its place, because it was counted when it was
 * half-open.
 *
 * Not built in yet: a SYN cache that costs less than a connection each, and cookies when it is
 * full.
 */
#include <errno.h>
#include <poll.h>

#include "tcp/demux.h"
#include "tcp/tcp_conn.h"

int tcp_listen(struct tcp *tcp, struct endpoint local, uint8_t families, uint32_t backlog,
               int32_t owner, struct tcp_listener **out)
{
    if (demux_is_listened(tcp, local, families))
        return -EADDRINUSE;
    struct tcp_listener *listener = pool_get(&tcp->listener_pool);
    if (!listener)
        return -ENOBUFS;
    list_init(&listener->node);
    list_init(&listener->half_open);
    list_init(&listener->complete);
    ready_init(&listener->ready, owner);
    listener->local = local;
    listener->backlog = backlog;
    listener->families = families;
    list_append(&tcp->listeners[local.port % TCP_LISTENER_BUCKETS], &listener->node);
    *out = listener;
    return 0;
}

static void abort_all(struct tcp *tcp, struct list *queue, instant now)
{
    while (!list_is_empty(queue)) {
        struct tcp_conn *conn = CONTAINER_OF(queue->next, struct tcp_conn, kin);
        tcp_abort_conn(tcp, conn, 0, WHY_OUT_RST_ABORT, "its listener was closed", now);
        tcp_settle(tcp, conn, now);
    }
}

/* RFC 9293, 3.10.4: nobody will accept what waits here. */
void tcp_listener_close(struct tcp *tcp, struct tcp_listener *listener, instant now)
{
    abort_all(tcp, &listener->half_open, now);
    abort_all(tcp, &listener->complete, now);
    assert(listener->waiting == 0);
    list_remove(&listener->node);
    list_remove(&listener->ready.node);
    tuning_drop(&tcp->tunings, &listener->tuning);
    pool_put(&tcp->listener_pool, listener);
}

struct tcp_conn *tcp_accept(struct tcp *tcp, struct tcp_listener *listener, int32_t owner)
{
    struct list *node = list_take(&listener->complete);

    if (!node)
        return NULL;
    struct tcp_conn *conn = CONTAINER_OF(node, struct tcp_conn, kin);
    listener->waiting--;
    conn->listener = NULL;
    conn->ready.owner = owner;
    ready_tell(&tcp->ready, &conn->ready); /* text may be there already */
    return conn;
}

bool tcp_defers(const struct tcp_conn *conn, const struct tcp_segment *seg)
{
    if (!conn->passive || !conn->listener || tcp_seg_len(seg) > 0)
        return false;
    return conn->retransmits < tuning_or_default(conn->tuning)->defer_accept;
}

short tcp_listener_poll(const struct tcp_listener *listener)
{
    return list_is_empty(&listener->complete) ? 0 : POLLIN;
}
