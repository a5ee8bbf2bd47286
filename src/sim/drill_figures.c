/*
 * drill_figures.c - what a code block sees: TCP_INFO of the socket under test, and constants.
 *
 * packetdrill collects the figures while the script runs and runs all code at the end; here a block
 * runs at its time, so that a false assertion fails the script where it stands.
 */
#include <linux/tcp.h>
#include <netinet/in.h>

#include "sim/drill_run.h"

struct field {
    const char *name;
    uint16_t offset;
    uint8_t size;
};

#define FIELD(name)                                                                                \
    {                                                                                              \
#name, (uint16_t)offsetof(struct sock_tcp_info, name),                                     \
            (uint8_t)sizeof(((struct sock_tcp_info *)0)->name)                                     \
    }

/* clang-format off */
static const struct field fields[] = {
    FIELD(tcpi_state), FIELD(tcpi_ca_state), FIELD(tcpi_retransmits), FIELD(tcpi_probes),
    FIELD(tcpi_backoff), FIELD(tcpi_options), FIELD(tcpi_rto), FIELD(tcpi_ato),
    FIELD(tcpi_snd_mss), FIELD(tcpi_rcv_mss), FIELD(tcpi_unacked), FIELD(tcpi_sacked),
    FIELD(tcpi_lost), FIELD(tcpi_retrans), FIELD(tcpi_fackets), FIELD(tcpi_last_data_sent),
    FIELD(tcpi_last_ack_sent), FIELD(tcpi_last_data_recv), FIELD(tcpi_last_ack_recv),
    FIELD(tcpi_pmtu), FIELD(tcpi_rcv_ssthresh), FIELD(tcpi_rtt), FIELD(tcpi_rttvar),
    FIELD(tcpi_snd_ssthresh), FIELD(tcpi_snd_cwnd), FIELD(tcpi_advmss), FIELD(tcpi_reordering),
    FIELD(tcpi_rcv_rtt), FIELD(tcpi_rcv_space), FIELD(tcpi_total_retrans),
    FIELD(tcpi_pacing_rate), FIELD(tcpi_max_pacing_rate), FIELD(tcpi_bytes_acked),
    FIELD(tcpi_bytes_received), FIELD(tcpi_segs_out), FIELD(tcpi_segs_in),
    FIELD(tcpi_notsent_bytes), FIELD(tcpi_min_rtt), FIELD(tcpi_data_segs_in),
    FIELD(tcpi_data_segs_out), FIELD(tcpi_delivery_rate), FIELD(tcpi_busy_time),
    FIELD(tcpi_rwnd_limited), FIELD(tcpi_sndbuf_limited), FIELD(tcpi_delivered),
    FIELD(tcpi_delivered_ce), FIELD(tcpi_bytes_sent), FIELD(tcpi_bytes_retrans),
    FIELD(tcpi_dsack_dups), FIELD(tcpi_reord_seen), FIELD(tcpi_rcv_ooopack), FIELD(tcpi_snd_wnd),
    FIELD(tcpi_rcv_wnd), FIELD(tcpi_rehash), FIELD(tcpi_total_rto),
    FIELD(tcpi_total_rto_recoveries), FIELD(tcpi_total_rto_time),
};

static const struct drill_figure constants[] = {
    {"TCP_ESTABLISHED", 1}, {"TCP_SYN_SENT", 2}, {"TCP_SYN_RECV", 3}, {"TCP_FIN_WAIT1", 4},
    {"TCP_FIN_WAIT2", 5}, {"TCP_TIME_WAIT", 6}, {"TCP_CLOSE", 7}, {"TCP_CLOSE_WAIT", 8},
    {"TCP_LAST_ACK", 9}, {"TCP_LISTEN", 10}, {"TCP_CLOSING", 11},
    {"TCP_CA_Open", 0}, {"TCP_CA_Disorder", 1}, {"TCP_CA_CWR", 2}, {"TCP_CA_Recovery", 3},
    {"TCP_CA_Loss", 4},
    {"TCPI_OPT_TIMESTAMPS", 1}, {"TCPI_OPT_SACK", 2}, {"TCPI_OPT_WSCALE", 4},
    {"TCPI_OPT_ECN", 8}, {"TCPI_OPT_ECN_SEEN", 16}, {"TCPI_OPT_SYN_DATA", 32},
    {"TCPI_OPT_USEC_TS", 64}, {"TCPI_OPT_TFO_CHILD", 128},
};
/* clang-format on */

static_assert(ARRAY_LEN(fields) + ARRAY_LEN(constants) + 3 <= DRILL_FIGURES, "room for all");

static int64_t read_field(const uint8_t *info, const struct field *field)
{
    uint64_t wide;
    uint32_t word;
    uint16_t half;

    switch (field->size) {
    case 8:
        memcpy(&wide, info + field->offset, 8);
        return (int64_t)wide;
    case 4:
        memcpy(&word, info + field->offset, 4);
        return word;
    case 2:
        memcpy(&half, info + field->offset, 2);
        return half;
    default:
        return info[field->offset];
    }
}

uint32_t drill_figures(const struct sock_tcp_info *info, struct drill_figure out[DRILL_FIGURES])
{
    uint32_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(constants); i++)
        out[n++] = constants[i];
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        out[n++] = (struct drill_figure){fields[i].name,
                                         info ? read_field((const uint8_t *)info, &fields[i]) : 0};
    out[n++] = (struct drill_figure){"tcpi_snd_wscale", info ? info->tcpi_snd_wscale : 0};
    out[n++] = (struct drill_figure){"tcpi_rcv_wscale", info ? info->tcpi_rcv_wscale : 0};
    out[n++] = (struct drill_figure){"tcpi_delivery_rate_app_limited",
                                     info ? info->tcpi_delivery_rate_app_limited : 0};
    return n;
}

int drill_code(struct drill_run *run, const struct drill_event *event)
{
    const struct drill_conn *conn = run->under_test;
    struct drill_figure figures[DRILL_FIGURES];
    struct sock_tcp_info info;
    socklen_t len = sizeof(info);
    char why[DRILL_WHY];

    if (!conn || conn->sock < 0)
        return drill_fail(run, event->place.line,
                          "a code block needs a socket under test: connected, or accepted");
    int err = sock_getsockopt(run->stack, conn->sock, IPPROTO_TCP, TCP_INFO, &info, &len);
    if (err)
        return drill_fail(run, event->place.line, "TCP_INFO of the socket under test: %s",
                          drill_errno_name(-err));
    uint32_t count = drill_figures(&info, figures);
    switch (drill_code_run(event->code, run->variables, figures, count, why)) {
    case DRILL_CODE_HOLDS:
        return 0;
    case DRILL_CODE_UNKNOWN:
        return drill_skip(run, DRILL_SKIP_EXPRESSION,
                          event->code_line + drill_code_line(run->variables), "%s", why);
    case DRILL_CODE_FAILS:
        drill_fail(run, event->code_line + drill_code_line(run->variables), "%s", why);
        drill_explain(run, event, NULL);
        break;
    }
    return -1;
}
