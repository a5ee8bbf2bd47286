/*
 * tcp_alive.c - is the peer still there? Keep-alive (RFC 9293, 3.8.4; RFC 1122, 4.2.3.6) and the
 * user timeout (RFC 9293, 3.8.3; RFC 5482).
 *
 * Keep-alive is off unless asked for (MUST-25), and asks only when nothing is outstanding and
 * nothing has come for the whole interval (MUST-26). A probe is an empty ACK (SHLD-12) one octet
 * before SND.NXT, which the peer must answer because it is old; one that is not answered means
 * nothing yet (MUST-29). No segment moves the timer: it fires where it was set, looks when
 * something was last heard, and sleeps on.
 *
 * The user timeout bounds how long text (or our SYN) may stay unacknowledged, or the peer's window
 * closed. It counts from when what is at SND.UNA first left, of which we know no more than that it
 * was not after the newest text. An ACK of a part begins nothing anew. With it set, it also decides
 * when unanswered keep-alives are enough, instead of their number; these are Linux's rules for
 * TCP_USER_TIMEOUT (MUST-21). The option that tells it to the peer (RFC 5482, 3.2) is left out:
 * what an application has set, a peer cannot change.
 */
#include <errno.h>

#include "tcp/tcp_conn.h"

/* --- keep-alive --------------------------------------------------------------------------- */

bool tcp_keeps_alive(const struct tcp_conn *conn)
{
    switch ((enum tcp_state)conn->state) {
    case TCPS_ESTABLISHED:
    case TCPS_FIN_WAIT_1:
    case TCPS_CLOSE_WAIT:
    case TCPS_CLOSING:
    case TCPS_LAST_ACK:
        return conn->keep_alive;
    case TCPS_FIN_WAIT_2: /* without an owner, its own time limit is shorter */
        return conn->keep_alive && !conn_is_orphan(conn);
    case TCPS_CLOSED:
    case TCPS_LISTEN:
    case TCPS_SYN_SENT:
    case TCPS_SYN_RECEIVED:
    case TCPS_TIME_WAIT:
        break;
    }
    return false;
}

void tcp_keep_arm(struct tcp *tcp, struct tcp_conn *conn, instant now)
{
    instant at = instant_add(conn->heard_at, tcp_keep_idle(tcp, conn));

    if (conn->state == TCPS_TIME_WAIT || (conn->state == TCPS_FIN_WAIT_2 && conn_is_orphan(conn)))
        return; /* the deadline is for something else there */
    conn->linger_at = !tcp_keeps_alive(conn) ? INSTANT_NEVER : instant_before(at, now) ? now : at;
    if (tcp_keeps_alive(conn))
        events_timer(tcp->events, conn->id, TIMER_KEEP_ALIVE, conn->linger_at, now);
}

void tcp_keep_heard(struct tcp *tcp, struct tcp_conn *conn, instant now)
{
    conn->heard_at = now;
    if (conn->keep_probes == 0)
        return;
    conn->keep_probes = 0;
    tcp_keep_arm(tcp, conn, now); /* the interval between probes may be the longer one */
}

/* Nobody has answered: enough? */
static bool is_dead(const struct tcp *tcp, const struct tcp_conn *conn, int64_t silent)
{
    int64_t user_timeout = tcp_user_timeout(tcp, conn);

    if (user_timeout > 0)
        return conn->keep_probes > 0 && silent >= user_timeout;
    return conn->keep_probes >= tcp_keep_count(tcp, conn);
}

void tcp_keep_timeout(struct tcp *tcp, struct tcp_conn *conn, instant now)
{
    int64_t idle = tcp_keep_idle(tcp, conn);
    int64_t silent = instant_since(now, conn->heard_at);
    bool busy = seq_lt(conn->snd.una, conn->snd.nxt) || tcp_unsent(conn) > 0;

    conn->linger_at = INSTANT_NEVER;
    if (!tcp_keeps_alive(conn))
        return;
    if (busy || silent < idle) {
        conn->linger_at = instant_add(busy ? now : conn->heard_at, idle);
        return;
    }
    if (is_dead(tcp, conn, silent)) {
        tcp_abort_conn(tcp, conn, ETIMEDOUT, WHY_OUT_RST_ABORT,
                       "no keep-alive was answered (RFC 9293, 3.8.4)", now);
        return;
    }
    conn->keep_probes++;
    conn->keep_owed = true;
    conn->linger_at = instant_add(now, tcp_keep_interval(tcp, conn));
    events_timer(tcp->events, conn->id, TIMER_KEEP_ALIVE, conn->linger_at, now);
}

/* --- the user timeout --------------------------------------------------------------------- */

/* When it is over for what is at SND.UNA. */
static instant user_deadline(const struct tcp *tcp, const struct tcp_conn *conn, instant now)
{
    int64_t timeout = tcp_user_timeout(tcp, conn);
    bool waits = seq_lt(conn->snd.una, conn->snd.nxt) || conn->persisting;

    if (timeout == 0 || !waits || (conn->passive && conn->state == TCPS_SYN_RECEIVED))
        return INSTANT_NEVER;
    return instant_add(instant_of_ms(conn->since_ms, now), timeout);
}

instant tcp_within_user_timeout(const struct tcp *tcp, const struct tcp_conn *conn, instant at,
                                instant now)
{
    return instant_min(at, user_deadline(tcp, conn, now));
}

bool tcp_user_timeout_is_over(const struct tcp *tcp, const struct tcp_conn *conn, instant now)
{
    return !instant_before(now, user_deadline(tcp, conn, now));
}
