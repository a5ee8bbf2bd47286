/*
 * tcp_tail_probe.c - tail loss probes (RFC 8985, 7).
 *
 * When the last segments of a flight are lost nothing comes that could tell. So two round trips
 * after the last transmission one segment is sent beyond what cwnd allows: new text if there is
 * any, else the last segment once more. Its ACK shows RACK what is missing, long before the
 * retransmission timer would.
 *
 * One at a time, and none before a round trip was measured since the last one. If the probe itself
 * was the repair, nobody would see that something was lost: so an ACK beyond it, without a sign
 * that the segment came twice, reduces cwnd as a loss does (7.4.2).
 *
 * In recovery the same timer asks for RFC 6675's rescue retransmission, once. That RFC has it leave
 * when nothing else can, at once; but as long as ACKs come, the next one may be about it. And where
 * cwnd alone holds new text back RFC 8985 has no probe in recovery; but the one ACK that ends it
 * may be lost, and then the timer would be all that is left. So it is a segment as above.
 *
 * Beyond the RFC: no probe earlier than two milliseconds, for on a fast link two round trips are
 * less than what a host needs to answer.
 */
#include "tcp/tcp_recovery.h"

static const int64_t least = 2 * NS_PER_MS;

/* May there be one now? Elsewhere RACK, the reordering timer or F-RTO looks after the flight. */
static bool is_allowed(const struct tcp *tcp, const struct tcp_conn *conn)
{
    const struct sender *s = conn->sender;

    if (!tcp->values->tcp_tlp || !conn->sack_ok || conn->persisting || flight_pipe(&s->flight) == 0)
        return false;
    if (s->phase == PHASE_RECOVERY)
        return !s->rescued && s->flight.lost_octets == 0;
    return s->phase == PHASE_OPEN && s->flight.sacked_octets == 0 && !s->probe.is_out &&
           !s->probe.unsampled;
}

void tcp_arm_tail_probe(struct tcp *tcp, struct tcp_conn *conn, instant now)
{
    struct sender *s = conn->sender;
    int64_t wait = rto_srtt_ns(&conn->rto) > 0 ? 2 * rto_srtt_ns(&conn->rto) : NS_PER_S;

    s->probe_at = INSTANT_NEVER;
    if (!is_allowed(tcp, conn))
        return;
    if (seq_diff(conn->snd.nxt, conn->snd.una) <= conn->snd_mss)
        wait += tcp->values->tcp_tlp_ack_delay;
    s->probe_at = instant_min(instant_add(now, wait > least ? wait : least), conn->retransmit_at);
    events_timer(tcp->events, conn->id, TIMER_TAIL_PROBE, s->probe_at, now);
}

void tcp_tail_probe_timeout(struct tcp *tcp, struct tcp_conn *conn, instant now)
{
    conn->sender->probe_at = INSTANT_NEVER;
    conn->sender->probe.is_owed = true;
    tcp_arm_retransmit(tcp, conn, now);
}

tcp_seq tcp_tail_start(const struct tcp_conn *conn)
{
    const struct flight_range *last = flight_last_missing(&conn->sender->flight);
    uint32_t len = (last->len - 1) % conn->snd_mss + 1;

    return seq_sub(range_end(last), len);
}

void tcp_repeat_tail(struct tcp_conn *conn, tcp_seq at)
{
    struct flight *f = &conn->sender->flight;

    flight_lose(f, flight_from(f, flight_at(f, at), at));
}

void tcp_tail_probe_sent(struct tcp_conn *conn, bool is_repeat)
{
    conn->sender->probe = (struct tail_probe){
        .is_out = true, .end = conn->snd.nxt, .is_repeat = is_repeat, .unsampled = true};
}

void tcp_rescue_sent(struct tcp_conn *conn)
{
    conn->sender->rescued = true;
    conn->sender->probe.is_owed = false;
}

bool tcp_tail_probe_acked(struct tcp_conn *conn, const struct ack_news *a)
{
    struct tail_probe *p = &conn->sender->probe;
    bool repaired = false;

    if (!p->is_out || seq_lt(conn->snd.una, p->end))
        return false;
    if (p->is_repeat && !(a->dsack && seq_eq(a->twice.right, p->end))) {
        repaired = seq_lt(p->end, conn->snd.una);
        if (!repaired && !a->duplicate)
            return false;
    }
    p->is_out = false;
    return repaired;
}
