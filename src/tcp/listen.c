/*
 * listen.c - passive OPEN (RFC 9293, 3.10.1): listeners, their queues, and what comes to them.
 *
 * A listener has a list of completed connections that nobody has accepted yet, at most as many as
 * its backlog. While it is full, a SYN is dropped, not reset, so that the peer tries again; so is
 * the third step of a handshake that began before, whose half-open connection then lives on: its
 * <SYN,ACK> leaves again, and the peer's answer to that may find room. Half-open connections are
 * not the listener's: they lie in the SYN cache, whose cap is the stack's (syn_cache.c).
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
    syn_abort_all(tcp, listener, now);
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

/* --- SEGMENT ARRIVES ---------------------------------------------------------------------- */

/* What a connection knows once it has seen the peer's SYN at a listener. */
static void begin_passive(struct tcp *tcp, struct tcp_conn *conn, struct tcp_listener *listener,
                          const struct tcp_segment *syn, instant now)
{
    tcp_begin_tuned(tcp, conn, listener->tuning);
    conn->passive = true;
    conn->listener = listener;
    conn->irs = syn->seq;
    conn->rcv.nxt = conn->last_ack =
        seq_add(syn->seq, 1); /* not past any text: it will be sent again */
    conn->rcv.edge = conn->rcv.grant = conn->rcv.told = conn->rcv.nxt; /* none is told yet */
    tcp_take_syn_options(tcp, conn, syn, now);
    conn->snd.wnd = conn->snd.wnd_max = syn->window;
    conn->since = now;
}

/* RFC 9293, 3.10.7.2. The listener's record stays; a SYN makes a connection beside it, which is an
 * entry of the SYN cache until the handshake is done. */
enum tcp_verdict tcp_listen_arrives(struct tcp *tcp, struct tcp_listener *listener,
                                    struct tcp_arrival *in, instant now, struct tcp_conn **made)
{
    const struct tcp_segment *seg = &in->seg;

    /* First, RST: nothing here can be reset. */
    if (seg->flags & TCP_RST)
        return seg_dropped(in, seg->flags & TCP_SYN ? DROP_TCP_FLAGS : DROP_TCP_CLOSED_RST);
    /* Second, ACK: nothing here can be acknowledged. */
    if (seg->flags & TCP_ACK)
        return seg_refused(in, DROP_TCP_CLOSED);
    /* Third, SYN; fourth, anything else. A SYN that also says FIN is no way to begin. */
    if (!(seg->flags & TCP_SYN) || seg->flags & TCP_FIN)
        return seg_dropped(in, DROP_TCP_FLAGS);
    if (listener->waiting >= listener->backlog)
        return seg_dropped(in, DROP_TCP_BACKLOG);
    if (!conn_has_slot(tcp)) /* there would be no room for it when it is established */
        return seg_dropped(in, DROP_TCP_NO_MEMORY);

    struct endpoint local = {in->dst, seg->dst_port}, remote = {in->src, seg->src_port};
    struct tcp_conn *conn = syn_new(tcp, listener, local, remote);
    if (!conn)
        return seg_dropped(in, DROP_TCP_SYN_CACHE);
    begin_passive(tcp, conn, listener, seg, now);
    conn_start_at(conn, isn_of(tcp->isn_key, local, remote, now));
    conn->syn_owed = true;
    tcp_set_state(tcp, conn, TCPS_SYN_RECEIVED, "a SYN came to a listener", now);
    events_note(tcp->events, WHY_IN_SYN);
    *made = conn;
    return SEG_PROCESSED;
}
