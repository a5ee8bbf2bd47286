/*
 * listen.c - passive OPEN (RFC 9293, 3.10.1): listeners, their queues, and what comes to them.
 *
 * A listener has a list of completed connections that nobody has accepted yet, at most as many as
 * its backlog. While it is full, a SYN is dropped, not reset, so that the peer tries again; so is
 * the third step of a handshake that began before, whose half-open connection then lives on: its
 * <SYN,ACK> leaves again, and the peer's answer to that may find room. Half-open connections are
 * not the listener's: they lie in the SYN cache, whose cap is the stack's (syn_cache.c).
 *
 * Once that is full, or always if tcp.syncookies says so, a SYN is answered without being kept: the
 * <SYN,ACK> carries a cookie, and the third step brings it back (syn_cookie.c). Such an answer
 * leaves by the queue of replies that belong to no connection, whose cap bounds them, and is never
 * repeated by itself; the peer repeats its SYN. In between nothing is known: TCP_DEFER_ACCEPT is
 * not honoured, and a SYN does not reopen a connection in TIME-WAIT (tcp_input.c).
 */
#include <errno.h>
#include <poll.h>

#include "tcp/demux.h"
#include "tcp/syn_cookie.h"
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
    ready_init(&listener->ready, owner);
    listener->local = local;
    listener->backlog = backlog;
    listener->families = families;
    listener->cookie_at = (instant){INT64_MIN / 2};
    list_append(demux_listeners(tcp, local.port), &listener->node);
    *out = listener;
    return 0;
}

/* The queue of those that wait to be accepted, among tcp->kin. */
static uint32_t queue_of(const struct tcp *tcp, const struct tcp_listener *listener)
{
    return pool_index(&tcp->listener_pool, listener) + 1;
}

static void abort_all(struct tcp *tcp, uint32_t queue, instant now)
{
    for (struct tcp_conn *conn; (conn = chain_first(&tcp->kin, queue));) {
        tcp_abort_conn(tcp, conn, 0, WHY_OUT_RST_ABORT, "its listener was closed", now);
        tcp_settle(tcp, conn, now);
    }
}

/* RFC 9293, 3.10.4: nobody will accept what waits here. */
void tcp_listener_close(struct tcp *tcp, struct tcp_listener *listener, instant now)
{
    syn_abort_all(tcp, listener, now);
    abort_all(tcp, queue_of(tcp, listener), now);
    assert(listener->waiting == 0);
    list_remove(&listener->node);
    list_remove(&listener->ready.node);
    tuning_drop(&tcp->tunings, &listener->tuning);
    pool_put(&tcp->listener_pool, listener);
}

struct tcp_conn *tcp_accept(struct tcp *tcp, struct tcp_listener *listener, int32_t owner)
{
    struct tcp_conn *conn = chain_first(&tcp->kin, queue_of(tcp, listener));

    if (!conn)
        return NULL;
    chain_remove(&tcp->kin, conn);
    listener->waiting--;
    conn->listener = 0;
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
    return listener->waiting > 0 ? POLLIN : 0;
}

/* --- SEGMENT ARRIVES ---------------------------------------------------------------------- */

/* What a connection knows once it has seen the peer's SYN at a listener. */
static void begin_passive(struct tcp *tcp, struct tcp_conn *conn, struct tcp_listener *listener,
                          const struct tcp_segment *syn, instant now)
{
    tcp_begin_tuned(tcp, conn, listener->tuning);
    conn->passive = true;
    conn->listener = queue_of(tcp, listener);
    conn->rcv.nxt = conn->last_ack =
        seq_add(syn->seq, 1); /* not past any text: it will be sent again */
    conn->rcv.edge = conn->rcv.grant = conn->rcv.told = conn->rcv.nxt; /* none is told yet */
    tcp_take_syn_options(tcp, conn, syn, now);
    conn->snd.wnd = conn->snd.wnd_max = syn->window;
    conn->since_ms = instant_ms(now);
}

static struct syn_cookie about(const struct tcp_arrival *in, tcp_seq irs)
{
    return (struct syn_cookie){{in->dst, in->seg.dst_port}, {in->src, in->seg.src_port}, irs};
}

/* The connection lives only until its <SYN,ACK> is made. The place of the SYN cache is free, for
 * nothing is inflated while a segment has not found its connection. */
static enum tcp_verdict answer_with_cookie(struct tcp *tcp, struct tcp_listener *listener,
                                           struct tcp_arrival *in, instant now)
{
    const struct tcp_segment *seg = &in->seg;
    struct syn_cookie cookie = about(in, seg->seq);
    struct tcp_conn *conn = tcp->syn.place;

    conn_init(tcp, conn, cookie.local, cookie.remote);
    begin_passive(tcp, conn, listener, seg, now);
    conn->state = TCPS_SYN_RECEIVED; /* nobody hears of it: it was never there */
    conn_start_at(conn,
                  syn_cookie_make(tcp->cookie_key, &cookie, tcp_mss_of_syn(tcp, conn, seg), now));
    if (conn->ts_ok) {
        uint32_t clock = conn_timestamp(conn, now);
        conn->ts_offset += syn_cookie_ts(&seg->options, conn->ecn, clock) - clock;
    } else { /* there is nowhere to keep them */
        conn->scaling = conn->sack_ok = conn->ecn = false;
    }
    tcp_answer_syn(tcp, conn, now, in);
    listener->cookie_at = now;
    events_count(tcp->events, COUNTER_TCP_COOKIE_SENT);
    events_note(tcp->events, WHY_IN_SYN_COOKIE);
    return SEG_ANSWERED;
}

/* A listener that has sent none for long awaits none: so a stranger gets to try his luck only while
 * there is need for cookies. */
static bool awaits_cookies(const struct tcp_listener *listener, instant now)
{
    return instant_since(now, listener->cookie_at) < SYN_COOKIE_LIFE;
}

uint16_t tcp_cookie_of(const struct tcp *tcp, const struct tcp_listener *listener,
                       const struct tcp_arrival *in, instant now)
{
    const struct tcp_segment *seg = &in->seg;
    struct syn_cookie cookie = about(in, seq_sub(seg->seq, 1));

    if (!awaits_cookies(listener, now) || (seg->flags & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_ACK)
        return 0;
    return syn_cookie_mss(tcp->cookie_key, &cookie, seq_sub(seg->ack, 1), now);
}

/* The SYN that the cookie answered, as far as it is known. */
static struct tcp_segment syn_of(const struct tcp_segment *seg, uint16_t mss)
{
    struct tcp_segment syn = {.seq = seq_sub(seg->seq, 1),
                              .options = {.has_mss = true,
                                          .mss = mss,
                                          .has_timestamps = seg->options.has_timestamps,
                                          .ts_val = seg->options.ts_val}};
    bool ecn = false;

    if (syn.options.has_timestamps)
        syn_cookie_from_ts(seg->options.ts_ecr, &syn.options, &ecn);
    syn.flags = ecn ? TCP_SYN | TCP_ECE | TCP_CWR : TCP_SYN;
    return syn;
}

/* The third step: the connection is made as if it had been half-open all the time. It may be an old
 * duplicate or forged, and is refused then like any other ACK at a listener. */
static enum tcp_verdict cookie_returns(struct tcp *tcp, struct tcp_listener *listener,
                                       struct tcp_arrival *in, instant now, struct tcp_conn **made)
{
    struct tcp_segment *seg = &in->seg;
    uint16_t mss = tcp_cookie_of(tcp, listener, in, now);

    if (mss == 0)
        return seg_refused(in, awaits_cookies(listener, now) ? DROP_TCP_COOKIE : DROP_TCP_CLOSED);
    if (listener->waiting >= listener->backlog)
        return seg_dropped(in, DROP_TCP_BACKLOG);
    struct tcp_segment syn = syn_of(seg, mss);
    struct syn_cookie cookie = about(in, syn.seq);
    struct tcp_conn *conn = conn_new(tcp, cookie.local, cookie.remote);
    if (!conn)
        return seg_dropped(in, DROP_TCP_NO_MEMORY);

    *made = conn;
    events_count(tcp->events, COUNTER_TCP_COOKIE_OK);
    begin_passive(tcp, conn, listener, &syn, now);
    conn->tuning = tuning_share(conn->tuning);
    conn_start_at(conn, seq_sub(seg->ack, 1));
    tcp_offer_window(conn, conn->rcv.nxt, true, false); /* as the <SYN,ACK> did */
    conn->retransmits = UINT8_MAX; /* no <SYN,ACK> is left to wait for: tcp_defers() */
    seg->options.ts_ecr = 0;       /* it is up to 63 ticks too old to measure a round trip */
    tcp_set_state(tcp, conn, TCPS_SYN_RECEIVED, "a SYN cookie came back (RFC 4987, 3.6)", now);
    enum tcp_verdict verdict = tcp_synchronized_arrives(tcp, conn, in, now);
    if (conn->state == TCPS_SYN_RECEIVED)
        tcp_end(tcp, conn, 0, "what came with the SYN cookie was refused", now);
    return verdict;
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
        return cookie_returns(tcp, listener, in, now, made);
    /* Third, SYN; fourth, anything else. A SYN that also says FIN is no way to begin. */
    if (!(seg->flags & TCP_SYN) || seg->flags & TCP_FIN)
        return seg_dropped(in, DROP_TCP_FLAGS);
    if (listener->waiting >= listener->backlog)
        return seg_dropped(in, DROP_TCP_BACKLOG);
    if (!conn_has_slot(tcp)) /* there would be no room for it when it is established */
        return seg_dropped(in, DROP_TCP_NO_MEMORY);

    struct endpoint local = {in->dst, seg->dst_port}, remote = {in->src, seg->src_port};
    int64_t cookies = tcp->values->tcp_syncookies;
    struct tcp_conn *conn = cookies == 2 ? NULL : syn_new(tcp, listener, local, remote);
    if (!conn && cookies)
        return answer_with_cookie(tcp, listener, in, now);
    if (!conn)
        return seg_dropped(in, DROP_TCP_SYN_CACHE);
    begin_passive(tcp, conn, listener, seg, now);
    conn_start_at(conn, isn_of(tcp->isn_key, local, remote, now));
    conn->syn_owed = true;
    tcp_set_state(tcp, conn, TCPS_SYN_RECEIVED, "a SYN came to a listener (RFC 9293, 3.10.7.2)",
                  now);
    events_note(tcp->events, WHY_IN_SYN);
    *made = conn;
    return SEG_PROCESSED;
}
