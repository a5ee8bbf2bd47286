/*
 * tcp_time_wait.c - what may end TIME-WAIT early: a SYN of a newer incarnation (RFC 9293, 3.6.1;
 * RFC 6191).
 *
 * TIME-WAIT keeps old duplicates of one connection out of the next one between the same ports. A
 * SYN that is newer than everything that the old one has sent cannot be such a duplicate, and a
 * busy client need not wait for 2 MSL. What shows that it is newer:
 *
 *     old had them  SYN has them   the SYN opens a new connection if
 *     yes           yes            its timestamp is later, or equal and its number is above
 *     no            yes            always
 *     -             no             its number is above
 *
 * "Above" means above the FIN, the last number that was used: at RCV.NXT or beyond. The timestamp
 * that it is held against is TS.Recent, and that of the FIN if it came again. A SYN "has" one if we
 * would use it, too.
 *
 * A SYN that is not newer is challenged like any other (RFC 5961, 4.2) where RFC 6191 would be
 * silent: the ACK makes a peer that has forgotten us send a reset, and tells a live one nothing.
 *
 * Left out: the way back to TIME-WAIT when the SYN was an old duplicate after all (RFC 9293, 3.6.1,
 * MAY-2, (2)). Its sender resets the new connection, and then nothing is left of the old one.
 */
#include "tcp/demux.h"
#include "tcp/tcp_conn.h"

/* The table above. */
static bool is_newer(const struct tcp *tcp, const struct tcp_conn *old,
                     const struct tcp_segment *syn)
{
    bool above = seq_le(old->rcv.nxt, syn->seq);

    if (!syn->options.has_timestamps || !tcp->values->tcp_timestamps)
        return above;
    if (!old->ts_ok)
        return true;
    int32_t later = (int32_t)(syn->options.ts_val - old->ts_recent);
    return later > 0 || (later == 0 && above);
}

bool tcp_may_reopen(struct tcp *tcp, const struct tcp_conn *conn, const struct tcp_segment *seg)
{
    if (conn->state != TCPS_TIME_WAIT ||
        (seg->flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) != TCP_SYN)
        return false;
    const struct tcp_listener *listener = demux_listener(tcp, conn->local);

    return listener && listener->waiting < listener->backlog && syn_has_room(tcp) &&
           is_newer(tcp, conn, seg) &&
           tcp->values->tcp_syncookies < 2; /* a cookie cannot begin above what ours has used */
}

void tcp_time_wait_again(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *fin,
                         instant now)
{
    if (conn->ts_ok && fin->options.has_timestamps) { /* PAWS has let it pass */
        conn->ts_recent = fin->options.ts_val;
        conn->ts_recent_s = instant_s(now);
    }
    tcp_time_wait(tcp, conn, "the peer's FIN again", now);
}
