/*
 * tcp_icmp.c - what a connection makes of an ICMP error about one of its segments.
 *
 * Anybody can send such an error, and a router on the way sees much of what it must quote. So it is
 * believed as little as it can be (RFC 5927):
 *
 *     It must quote a segment that is in flight: SND.UNA =< SEG.SEQ < SND.NXT (4.1).
 *     A hard error ends only a connection that we are opening, where nothing is lost and a user
 *     waits for the answer. To a synchronized one it is as soft as all others (5.2).
 *     A soft error is kept: if nobody acknowledges anything until we give up, it is the better
 *     answer to "why" than ETIMEDOUT. An acknowledgement shows that it has passed.
 *     "Too big" lowers the MSS, down to a floor, and never raises it. What is in flight is then
 *     taken for lost and leaves at once, smaller. That is no sign of congestion: cwnd and the
 *     retransmission timeout stay as they are (RFC 1191, 6.4).
 *
 * A path that swallows large packets without a word is found out by the timer (tcp_timer.c).
 *
 * Left out: raising the path MTU again after ten minutes (RFC 1191, 6.3; RFC 8201, 5.3), sharing it
 * between the connections to one host, and waiting for a sign of life before a "too big" is
 * believed (RFC 5927, 7.2): the floor bounds what it can do.
 */
#include "ip/ip_family.h"
#include "tcp/tcp_recovery.h"

static bool quotes_our_flight(const struct tcp_conn *conn, const struct tcp_icmp *error)
{
    return error->has_seq && seq_le(conn->snd.una, error->seq) && seq_lt(error->seq, conn->snd.nxt);
}

/* Did we ask for this connection, and does nobody use it yet? */
static bool is_opening(const struct tcp_conn *conn)
{
    return conn->state == TCPS_SYN_SENT || (conn->state == TCPS_SYN_RECEIVED && !conn->passive);
}

bool tcp_lower_path_mtu(const struct tcp *tcp, struct tcp_conn *conn, uint32_t mtu)
{
    const struct ip_family *family = ip_family_of(conn->local.addr);
    int64_t floor =
        family->version == 4 ? tcp->values->tcp_pmtu_floor_v4 : tcp->values->tcp_pmtu_floor_v6;
    uint32_t mss = conn_mss_without_options(conn, u32_max(mtu, (uint32_t)floor) -
                                                      family->header_len - TCP_HEADER_MIN);

    if (mss >= conn->snd_mss)
        return false;
    conn->snd_mss = conn->cc.mss = (uint16_t)mss;
    return true;
}

static void take_path_mtu(struct tcp *tcp, struct tcp_conn *conn, uint32_t mtu, instant now)
{
    if (!tcp_lower_path_mtu(tcp, conn, mtu))
        return;
    if (conn->sender)
        conn->sender->doubted_mss = 0; /* now somebody has said it */
    tcp_tell_note(tcp, conn, "the path carries no larger segments (RFC 1191, 6.5)", conn->snd_mss,
                  now);
    if (!tcp_state_can_send((enum tcp_state)conn->state) || conn->sendq.len == 0)
        return;
    tcp_lose_all(conn, LOST_BY_SIZE);
    tcp_arm_retransmit(tcp, conn, now);
    events_note(tcp->events, WHY_ICMP_TOO_BIG);
}

/* A hint that the user may have, should the connection time out. */
static void take_hint(struct tcp *tcp, struct tcp_conn *conn, int error, instant now)
{
    if (conn->soft_error != error)
        tcp_tell_note(tcp, conn, "an ICMP error, which proves nothing (RFC 9293, 3.9.2.2)", error,
                      now);
    conn->soft_error = (uint8_t)error;
}

enum drop tcp_icmp_error(struct tcp *tcp, struct endpoint local, struct endpoint remote,
                         const struct tcp_icmp *error, instant now)
{
    struct tcp_conn *conn = tcp_find(tcp, local, remote);

    if (!conn || !quotes_our_flight(conn, error))
        return DROP_ICMP_NO_FLOW;
    events_note(tcp->events, WHY_ICMP_ERROR);
    tcp->events->current.conn = conn->id;
    if (events_wanted(tcp->events)) {
        tcp_conn_facts(tcp, conn, &tcp->events->current.facts);
        tcp->events->current.has_facts = true;
    }
    if (error->too_big)
        take_path_mtu(tcp, conn, error->mtu, now);
    else if ((error->hard || (error->error && tcp->values->tcp_syn_unreachable)) &&
             is_opening(conn))
        tcp_end(tcp, conn, error->error, "an ICMP error: nobody takes our SYN (RFC 5927, 5.2)",
                now);
    else if (error->error)
        take_hint(tcp, conn, error->error, now);
    tcp_settle(tcp, conn, now);
    return DROP_NONE;
}
