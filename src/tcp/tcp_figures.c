/*
 * tcp_figures.c - TCP_INFO: a connection in Linux's words and units.
 *
 * We count octets where Linux counts segments; those figures are rounded up to whole segments, so
 * that "something is in flight" is never 0.
 */
#include "tcp/tcp_conn.h"

enum { LINUX_CLOSE = 7, CA_OPEN = 0, CA_DISORDER = 1, CA_CWR = 2, CA_RECOVERY = 3, CA_LOSS = 4 };

static uint8_t linux_state(enum tcp_state state)
{
    switch (state) {
    case TCPS_ESTABLISHED:
        return 1;
    case TCPS_SYN_SENT:
        return 2;
    case TCPS_SYN_RECEIVED:
        return 3;
    case TCPS_FIN_WAIT_1:
        return 4;
    case TCPS_FIN_WAIT_2:
        return 5;
    case TCPS_TIME_WAIT:
        return 6;
    case TCPS_CLOSE_WAIT:
        return 8;
    case TCPS_LAST_ACK:
        return 9;
    case TCPS_LISTEN:
        return 10;
    case TCPS_CLOSING:
        return 11;
    case TCPS_CLOSED:
        break;
    }
    return LINUX_CLOSE;
}

static uint8_t congestion_state(const struct tcp_conn *conn)
{
    if (conn->retransmits > 0 && !conn->persisting)
        return CA_LOSS;
    const struct sender *s = conn->sender;

    if (!s)
        return CA_OPEN;
    if (s->phase == PHASE_TIMEOUT)
        return CA_LOSS;
    if (s->phase == PHASE_RECOVERY || s->newreno.recovering)
        return CA_RECOVERY;
    if (conn->ecn_answered)
        return CA_CWR;
    return s->newreno.duplicates > 0 || s->flight.sacked_octets > 0 ? CA_DISORDER : CA_OPEN;
}

static uint32_t segments(const struct tcp_conn *conn, uint32_t octets)
{
    return octets / conn->snd_mss + (octets % conn->snd_mss > 0);
}

/* How long ago, by the low bits of the clock; as Linux, 0 counts from the start. */
static uint32_t ms_since(instant now, uint32_t at_ms)
{
    return instant_ms(now) - at_ms;
}

static void sender_figures(const struct tcp_conn *conn, struct sock_tcp_info *out)
{
    uint32_t flight = seq_diff(conn->snd.nxt, conn->snd.una);

    out->tcpi_snd_mss = conn->snd_mss;
    out->tcpi_unacked = segments(conn, flight);
    out->tcpi_sacked = conn->sender ? segments(conn, conn->sender->flight.sacked_octets) : 0;
    out->tcpi_lost = segments(conn, conn_lost(conn));
    out->tcpi_snd_cwnd = u32_max(conn->cc.cwnd / conn->snd_mss, 1);
    out->tcpi_snd_ssthresh =
        conn->cc.ssthresh == UINT32_MAX ? INT32_MAX : conn->cc.ssthresh / conn->snd_mss;
    out->tcpi_reordering = 3;
    out->tcpi_snd_wnd = conn->snd.wnd;
    out->tcpi_notsent_bytes = conn->sendq.len - conn_text_sent(conn);
    out->tcpi_total_retrans = conn->total_retransmits;
    out->tcpi_bytes_acked = conn->octets_acked;
    out->tcpi_bytes_sent = conn->octets_acked + conn_text_sent(conn) + conn->octets_again;
    out->tcpi_bytes_retrans = conn->octets_again;
    out->tcpi_delivered = conn->delivered;
    out->tcpi_max_pacing_rate = UINT64_MAX;
    out->tcpi_pacing_rate = conn->sender ? pacing_rate(&conn->sender->pacing) : UINT64_MAX;
}

static void receiver_figures(const struct tcp_conn *conn, struct sock_tcp_info *out)
{
    out->tcpi_rcv_mss = conn->rcv_full ? conn->rcv_full : u32_min(conn->rcv_mss, 536);
    out->tcpi_advmss = conn->rcv_mss;
    out->tcpi_rcv_ssthresh = conn->rcv.buffer;
    out->tcpi_rcv_space = conn->rcv.buffer;
    out->tcpi_rcv_wnd = conn_window(conn);
    out->tcpi_rcv_ooopack = conn->early_in;
    out->tcpi_bytes_received = conn->octets_received;
}

void tcp_figures(const struct tcp *tcp, const struct tcp_conn *conn, instant now,
                 struct sock_tcp_info *out)
{
    struct rto_limits limits = tcp_rto_limits(tcp);

    *out = (struct sock_tcp_info){
        .tcpi_state = linux_state((enum tcp_state)conn->state),
        .tcpi_ca_state = congestion_state(conn),
        .tcpi_retransmits = conn->persisting ? 0 : conn->retransmits,
        .tcpi_probes = conn->persisting ? conn->retransmits : conn->keep_probes,
        .tcpi_backoff = conn->rto.backoff,
        .tcpi_options =
            (uint8_t)((conn->scaling ? SOCK_TCPI_WSCALE : 0) |
                      (conn->sack_ok ? SOCK_TCPI_SACK : 0) |
                      (conn->ts_ok ? SOCK_TCPI_TIMESTAMPS : 0) | (conn->ecn ? SOCK_TCPI_ECN : 0) |
                      (conn->ecn_seen ? SOCK_TCPI_ECN_SEEN : 0)),
        .tcpi_rto = (uint32_t)(rto_current(&conn->rto, &limits) / NS_PER_US),
        .tcpi_ato = (uint32_t)(tcp->values->tcp_delayed_ack / NS_PER_US),
        .tcpi_rtt = (uint32_t)(rto_srtt_ns(&conn->rto) / NS_PER_US),
        .tcpi_rttvar = (uint32_t)(rto_rttvar_ns(&conn->rto) / NS_PER_US),
        .tcpi_min_rtt = conn->min_rtt_us ? conn->min_rtt_us : UINT32_MAX,
        .tcpi_pmtu = tcp->mtu,
        .tcpi_last_data_sent = ms_since(now, conn->sent_ms),
        .tcpi_last_data_recv = ms_since(now, conn->text_at_ms),
        .tcpi_last_ack_recv = ms_since(now, instant_ms(conn->heard_at)),
        .tcpi_segs_in = conn->segments_in,
        .tcpi_segs_out = conn->segments_out,
        .tcpi_data_segs_in = conn->text_in,
        .tcpi_data_segs_out = conn->text_out,
    };
    out->tcpi_snd_wscale = (unsigned)conn->snd_scale & 15;
    out->tcpi_rcv_wscale = (unsigned)conn->rcv_scale & 15;
    sender_figures(conn, out);
    receiver_figures(conn, out);
}
