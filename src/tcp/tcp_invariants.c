/*
 * tcp_invariants.c - see tcp_invariants.h.
 *
 * Four kinds of promises. Of one connection: the order of RFC 9293's variables (3.3.1, figures 3
 * and 4), and that its state says the same as its flags. Of its queues: that what they count is
 * what is in them. Of lists: that a connection is on those that its state says and on no other. Of
 * the whole: that the pools' counts are those of what can be found.
 *
 * Nothing here knows how losses are found or how cwnd is set: those promises are asserted where
 * they are made.
 */
#include "tcp/tcp_invariants.h"

#include "tcp/demux.h"
#include "tcp/tcp_conn.h"

/* What a walk has seen. */
struct census {
    struct tcp *tcp;
    uint32_t conns, opening, orphans, accepted_later, islands, receivers, indebted;
    uint64_t send_octets;
};

#define PROMISE(condition, sentence)                                                               \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return sentence;                                                                       \
    } while (0)

static bool is_one_of(const struct tcp_conn *conn, unsigned states)
{
    return 1u << conn->state & states;
}

enum {
    STATES_OPENING = 1u << TCPS_SYN_SENT | 1u << TCPS_SYN_RECEIVED,
    STATES_AFTER_OURS = 1u << TCPS_FIN_WAIT_1 | 1u << TCPS_FIN_WAIT_2 | 1u << TCPS_CLOSING |
                        1u << TCPS_LAST_ACK | 1u << TCPS_TIME_WAIT,
    STATES_AFTER_THEIRS =
        1u << TCPS_CLOSE_WAIT | 1u << TCPS_CLOSING | 1u << TCPS_LAST_ACK | 1u << TCPS_TIME_WAIT,
    STATES_FIN_ACKED = 1u << TCPS_FIN_WAIT_2 | 1u << TCPS_TIME_WAIT,
};

/* --- one connection ----------------------------------------------------------------------- */

static const char *check_sender(const struct tcp_conn *conn)
{
    bool syn = is_one_of(conn, STATES_OPENING) && seq_eq(conn->snd.una, conn->iss);
    uint32_t flight = seq_diff(conn->snd.nxt, conn->snd.una);

    PROMISE(seq_le(conn->snd.una, conn->snd.nxt), "SND.UNA is beyond SND.NXT");
    PROMISE(flight <= conn->sendq.len + syn + conn->fin_sent,
            "more is in flight than the send queue holds");
    PROMISE(conn->state != TCPS_SYN_SENT ||
                (seq_eq(conn->snd.una, conn->iss) && seq_diff(conn->snd.nxt, conn->iss) <= 1),
            "SYN-SENT, and more than a SYN has left");
    PROMISE(conn->snd.wnd <= UINT32_C(65535) << 14, "SND.WND is more than a window can be");
    PROMISE(conn->snd.wnd <= conn->snd.wnd_max, "SND.WND is more than MAX.SND.WND");
    PROMISE(!conn->fin_sent || conn->closing, "a FIN has left, and nobody has closed");
    PROMISE(!conn->fin_sent || is_one_of(conn, STATES_AFTER_OURS),
            "a FIN has left, and the state does not know");
    PROMISE(!is_one_of(conn, STATES_AFTER_OURS) || conn->closing,
            "the state says that we have closed, and we have not");
    PROMISE(!is_one_of(conn, STATES_FIN_ACKED) || (conn->fin_sent && flight == 0),
            "the state says that our FIN was acknowledged, and it was not");
    PROMISE(conn->snd_mss > 0 && conn->rcv_mss > 0, "an MSS of nothing");
    return NULL;
}

static const char *check_receiver(const struct tcp *tcp, const struct tcp_conn *conn)
{
    PROMISE(seq_le(conn->rcv.nxt, conn->rcv.edge), "RCV.NXT is beyond the window's edge");
    PROMISE(seq_diff(conn->rcv.edge, conn->rcv.nxt) <= UINT32_C(65535) << 14,
            "RCV.WND is more than a window can be");
    PROMISE(seq_le(conn->rcv.told, conn->rcv.edge), "an edge was told that is not honoured");
    PROMISE(conn->rcv.buffer <= tcp_receive_cap(tcp, conn), "the receive buffer is above its cap");
    PROMISE(!conn->fin_early || seq_le(conn->rcv.nxt, conn->receiver->fin),
            "RCV.NXT has passed a FIN that waits");
    PROMISE(!conn->peer_fin == !is_one_of(conn, STATES_AFTER_THEIRS),
            "the peer's FIN and the state do not agree");
    PROMISE(!conn->peer_fin || !conn->fin_early, "the peer's FIN has been taken, and waits");
    return NULL;
}

static const char *check_timers(const struct tcp_conn *conn)
{
    instant first = instant_min(conn->retransmit_at, instant_min(conn->ack_at, conn->linger_at));

    PROMISE(seq_eq(conn->snd.una, conn->snd.nxt) || !instant_is_never(conn->retransmit_at) ||
                conn->syn_owed, /* it counts as sent from the beginning, and may wait for ARP */
            "something is in flight, and no timer watches it");
    PROMISE(timer_fires_by(&conn->timer, first), "the timer is set past a deadline");
    PROMISE(conn->state != TCPS_TIME_WAIT || !instant_is_never(conn->linger_at),
            "TIME-WAIT without an end");
    return NULL;
}

static const char *check_queues(struct census *census, const struct tcp_conn *conn)
{
    uint32_t len = 0, charged = 0;
    tcp_seq first;

    for (const struct frame *f = recvq_first(&conn->recvq); f && len <= conn->recvq.len;
         f = recvq_next(&conn->recvq, f)) {
        PROMISE(f->refs > 0, "a frame in a receive queue belongs to nobody");
        len += f->len;
        charged += frame_charge(f);
    }
    PROMISE(len == conn->recvq.len, "a receive queue does not hold what it counts");
    PROMISE(charged == conn->recvq.charged, "a receive queue does not cost what it counts");
    PROMISE((conn->sendq.len == 0) == (conn->sendq.head == NULL),
            "a send queue does not hold what it counts");
    PROMISE(conn->receiver || (!conn->has_dsack && !conn->fin_early),
            "something has not come in order, and nothing knows of it");
    if (conn->receiver && reorder_first(&conn->receiver->reorder, &first))
        PROMISE(seq_lt(conn->rcv.nxt, first), "text waits behind a hole that is none");
    else if (conn->receiver)
        PROMISE(conn->receiver->reorder.charged == 0,
                "early text costs something, and there is none");
    PROMISE(!conn->receiver || conn_has_early(conn) || conn->has_dsack || conn->fin_early,
            "a receiver that knows of nothing");
    census->islands += conn->receiver ? conn->receiver->reorder.islands.count : 0;
    census->receivers += conn->receiver != NULL;
    census->send_octets += conn->sendq.len;
    return NULL;
}

/* A connection that has ended has nothing left but what its owner has not read. */
static const char *check_closed(const struct tcp_conn *conn)
{
    PROMISE(conn->sendq.len == 0 && !conn->receiver, "a connection that has ended holds text");
    PROMISE(!timer_is_armed(&conn->timer), "a connection that has ended has a timer");
    PROMISE(!chain_is_linked(&conn->kin), "a connection that has ended is on a list of the living");
    PROMISE(!conn_is_orphan(conn) || conn->rst_why != WHY_NONE,
            "a connection has ended, belongs to nobody, and is still there");
    return NULL;
}

static const char *check_lists(struct census *census, const struct tcp_conn *conn)
{
    bool waits = conn->listener && conn->state != TCPS_SYN_RECEIVED;

    PROMISE(demux_find(census->tcp, conn->local, conn->remote) == conn,
            "a connection cannot be found by its name");
    PROMISE(tcp_port_use(census->tcp, conn->local.port) > 0,
            "a connection's port is counted as free");
    PROMISE(chain_is_linked(&conn->kin) == (waits || conn->state == TCPS_SYN_SENT),
            "a connection is on no list of its kin, or on one that its state does not have");
    census->opening += conn->state == TCPS_SYN_SENT;
    census->accepted_later += waits;
    return NULL;
}

static const char *check_conn(struct census *census, const struct tcp_conn *conn)
{
    const char *wrong = check_queues(census, conn);

    census->conns++;
    census->indebted += list_is_linked(&conn->debt);
    census->orphans += conn->orphaned;
    if (!wrong && conn->state == TCPS_CLOSED)
        return check_closed(conn);
    if (!wrong)
        wrong = check_sender(conn);
    if (!wrong)
        wrong = check_receiver(census->tcp, conn);
    if (!wrong)
        wrong = check_timers(conn);
    return wrong ? wrong : check_lists(census, conn);
}

/* --- all together ------------------------------------------------------------------------- */

static const char *check_listeners(const struct census *census)
{
    const struct tcp *tcp = census->tcp;
    uint32_t listeners = 0, waiting = 0;

    for (size_t i = 0; i <= tcp->listener_mask; i++) {
        const struct list *bucket = &tcp->listeners[i];
        for (const struct list *node = bucket->next; node != bucket; node = node->next) {
            const struct tcp_listener *listener =
                (const void *)((const char *)node - offsetof(struct tcp_listener, node));
            PROMISE(chain_count(&tcp->kin, pool_index(&tcp->listener_pool, listener) + 1) ==
                        listener->waiting,
                    "a listener's queue is not as long as it counts");
            PROMISE(listener->waiting <= listener->backlog,
                    "a listener's queue is longer than its backlog");
            waiting += listener->waiting;
            listeners++;
        }
    }
    PROMISE(listeners == tcp->listener_pool.used, "a listener is on no list");
    PROMISE(waiting == census->accepted_later, "a connection waits in no listener's queue");
    return NULL;
}

/* Half-open connections, and those in TIME-WAIT: each in a queue, the earliest end first. */
static const char *check_small_ones(const struct tcp *tcp)
{
    const struct time_wait *tw = &tcp->time_wait;
    uint32_t half_open = 0;
    instant last = tw->first_ends;

    for (int i = 0; i < SYN_QUEUES; i++)
        half_open += chain_count(&tcp->syn.waiting, (uint32_t)i);
    PROMISE(half_open == tcp->syn.entries.used, "a half-open connection is in no queue");
    PROMISE(chain_count(&tw->queue, 0) == tw->entries.used,
            "a connection in TIME-WAIT is in no queue");
    PROMISE(tw->uppers.used <= tw->entries.used, "an IPv6 address in TIME-WAIT belongs to nobody");
    const struct tw_entry *entry = chain_first(&tw->queue, 0);
    PROMISE(!entry || tw_ends_at(tw, entry).ns == last.ns,
            "TIME-WAIT does not know when the first one ends");
    for (; entry; entry = chain_next(&tw->queue, entry)) {
        instant ends = tw_ends_at(tw, entry);
        PROMISE(!instant_before(ends, last), "TIME-WAIT's queue is out of order");
        last = ends;
    }
    PROMISE(chain_is_empty(&tw->queue, 0) == !timer_is_armed(&tw->timer),
            "TIME-WAIT's queue and its timer do not agree");
    return NULL;
}

static uint32_t list_length(const struct list *list)
{
    uint32_t length = 0;

    for (const struct list *node = list->next; node != list; node = node->next)
        length++;
    return length;
}

/* Who owes is a debtor or waits for a station, and nowhere else. */
static const char *check_debts(const struct census *census)
{
    const struct tcp *tcp = census->tcp;
    uint32_t found = list_length(&tcp->debtors), half_open = 0, linked = 0;

    for (uint32_t i = 0; i < tcp->stations; i++)
        found += list_length(&tcp->parked[i]);
    PROMISE(found == census->indebted, "a connection that owes is neither a debtor nor waits");
    for (uint32_t i = 0; i < SYN_PARKED + tcp->stations; i++)
        half_open += chain_count(&tcp->syn.debts, i);
    for (uint32_t i = 0; i < SYN_QUEUES; i++) {
        const struct syn_entry *entry = chain_first(&tcp->syn.waiting, i);
        for (; entry; entry = chain_next(&tcp->syn.waiting, entry))
            linked += chain_is_linked(&entry->debt);
    }
    PROMISE(half_open == linked, "a half-open connection that owes neither is a debtor nor waits");
    return NULL;
}

static const char *check_whole(const struct census *census)
{
    const struct tcp *tcp = census->tcp;
    const char *wrong = check_listeners(census);

    if (!wrong)
        wrong = check_small_ones(tcp);
    if (!wrong)
        wrong = check_debts(census);
    if (wrong)
        return wrong;
    PROMISE(census->conns == tcp->conns.used, "a connection's slot is counted wrong");
    PROMISE(census->opening == chain_count(&tcp->kin, KIN_OPENING),
            "a connection that opens is on no list");
    PROMISE(census->orphans == tcp->orphans, "orphans are counted wrong");
    PROMISE(census->islands == tcp->islands.used, "an island of early text belongs to nobody");
    PROMISE(census->receivers == tcp->receivers.used, "a receiver belongs to nobody");
    PROMISE((census->send_octets == 0) == (tcp->send_pools.out == 0),
            "a chunk of a send queue belongs to nobody");
    PROMISE(tcp->notes_paid <= tcp->note_count && tcp->note_count <= TCP_ACK_NOTES,
            "notes of ACKs are counted wrong");
    return NULL;
}

const char *tcp_check_invariants(struct tcp *tcp, uint32_t *conn)
{
    struct census census = {.tcp = tcp};

    *conn = 0;
    for (uint32_t i = 0; i < tcp->conns.cap && census.conns < tcp->conns.used; i++) {
        const struct tcp_conn *one = pool_at(&tcp->conns, i);
        const char *wrong = one ? check_conn(&census, one) : NULL;
        if (wrong) {
            *conn = one->id;
            return wrong;
        }
    }
    return check_whole(&census);
}
