/*
 * tcp_sender.c - the object of sender.h comes and goes.
 *
 * It comes with the first octet that leaves and goes when the last one is acknowledged, unless the
 * path has shown something that the next flight should know: a loss, and with it ssthresh, W_max,
 * the reordering window, or a probe whose verdict is to come. What then stays costs memory for as
 * long as the connection lives.
 */
#include "tcp/tcp_recovery.h"

enum { SEND_OCTETS_PER_RANGE = 512 }; /* of the memory for send queues */

int senders_init(struct tcp *tcp)
{
    const struct stack_values *values = tcp->values;
    int err = pool_init(&tcp->senders, tcp->memory, "tcp senders", sizeof(struct sender),
                        (uint32_t)values->tcp_connections);

    if (err)
        return err;
    err = pool_init(&tcp->ranges, tcp->memory, "tcp flight ranges", sizeof(struct flight_range),
                    (uint32_t)(values->mem_send / SEND_OCTETS_PER_RANGE));
    if (err)
        pool_fini(&tcp->senders);
    tcp->flight_limits = (struct flight_limits){
        .pool = &tcp->ranges, .prng = &tcp->prng, .cap = (uint32_t)values->tcp_sack_cap};
    return err;
}

void senders_fini(struct tcp *tcp)
{
    pool_fini(&tcp->ranges);
    pool_fini(&tcp->senders);
}

static struct sender *sender_new(struct tcp *tcp, struct tcp_conn *conn)
{
    struct sender *s = pool_get(&tcp->senders);

    if (!s)
        return NULL;
    flight_init(&s->flight, &tcp->flight_limits, conn->snd.nxt);
    rack_init(&s->rack);
    if (conn->min_rtt_us > 0)
        rack_sample(&s->rack, conn->min_rtt_us * NS_PER_US, conn->heard_at);
    cc_memory_init(&s->cc, conn->snd.nxt);
    newreno_init(&s->newreno, seq_sub(conn->snd.una, 1));
    s->reorder_at = s->probe_at = s->pace_at = INSTANT_NEVER;
    s->small_end = s->push_end = conn->snd.una;
    s->full_end = seq_sub(conn->snd.una, 1);
    conn->sender = s;
    /* the first flight of all leaves at once */
    pacing_init(&s->pacing, conn->octets_acked > 0 ? 0 : cc_initial_window(conn->snd_mss, false));
    sender_set_pace(tcp, conn, conn->heard_at);
    return s;
}

bool sender_has_room(struct tcp *tcp, struct tcp_conn *conn)
{
    struct sender *s = conn->sender ? conn->sender : sender_new(tcp, conn);

    return s && flight_has_room(&s->flight);
}

void sender_set_pace(const struct tcp *tcp, struct tcp_conn *conn, instant now)
{
    if (tcp->values->tcp_pacing)
        pacing_set(&conn->sender->pacing, conn->cc.cwnd, conn->cc.ssthresh, rto_srtt_ns(&conn->rto),
                   conn->snd_mss, now);
}

bool sender_keeps_pace(struct tcp *tcp, struct tcp_conn *conn, uint32_t len, instant now)
{
    struct sender *s = conn->sender;

    if (!s || s->pacing.rate == 0 || pacing_allows(&s->pacing, len, conn->snd_mss, now))
        return true;
    s->pace_at = pacing_next(&s->pacing, len, conn->snd_mss);
    conn->held = HELD_PACE;
    events_timer(tcp->events, conn->id, TIMER_PACE, s->pace_at, now);
    return false;
}

void sender_sent(struct tcp_conn *conn, uint32_t len, instant now)
{
    bool kept = flight_sent(&conn->sender->flight, len, now);

    assert(kept); /* sender_has_room() was asked when the segment was named */
    (void)kept;
    pacing_sent(&conn->sender->pacing, len, now);
}

void sender_sent_again(struct tcp_conn *conn, uint32_t len, instant now)
{
    struct flight *f = &conn->sender->flight;
    struct flight_range *range = flight_first_lost(f);

    len = u32_min(len, range->len);
    /* Without memory to cut it, all of it counts as sent; what was not is found missing later. */
    if (!flight_sent_again(f, range, len, now) && !flight_sent_again(f, range, range->len, now))
        assert(false);
    pacing_sent(&conn->sender->pacing, len, now);
}

void sender_advance(struct sender *s, tcp_seq una)
{
    s->small_end = seq_max(s->small_end, una); /* none falls half the circle behind */
    s->push_end = seq_max(s->push_end, una);
    s->full_end = seq_max(s->full_end, seq_sub(una, 1));
}

void sender_free(struct tcp *tcp, struct tcp_conn *conn)
{
    if (!conn->sender)
        return;
    flight_fini(&conn->sender->flight);
    pool_put(&tcp->senders, conn->sender);
    conn->sender = NULL;
}

void sender_settle(struct tcp *tcp, struct tcp_conn *conn)
{
    const struct sender *s = conn->sender;

    if (sender_is_idle(s) && cc_is_fresh(&conn->cc) && !s->rack.reordering_seen && !s->probe.is_out)
        sender_free(tcp, conn);
}
