/*
 * tapio/tcp_info.h - what getsockopt(IPPROTO_TCP, TCP_INFO) gives.
 *
 * The layout of Linux's struct tcp_info, under another name, so that it can be used beside
 * <linux/tcp.h> and <netinet/tcp.h>, whose versions of it are shorter on older systems. Units are
 * the kernel's: round trips and timeouts in microseconds, ages in milliseconds, the flight, cwnd
 * and ssthresh in segments. What this stack does not know is 0.
 */
#ifndef TAPIO_TCP_INFO_H
#define TAPIO_TCP_INFO_H

#include <stdint.h>

/* tcpi_options */
enum {
    SOCK_TCPI_TIMESTAMPS = 1,
    SOCK_TCPI_SACK = 2,
    SOCK_TCPI_WSCALE = 4,
    SOCK_TCPI_ECN = 8,
    SOCK_TCPI_ECN_SEEN = 16,
    SOCK_TCPI_SYN_DATA = 32,
};

struct sock_tcp_info {
    uint8_t tcpi_state; /* Linux's numbers: ESTABLISHED 1, SYN_SENT 2, ... CLOSING 11 */
    uint8_t tcpi_ca_state;
    uint8_t tcpi_retransmits;
    uint8_t tcpi_probes;
    uint8_t tcpi_backoff;
    uint8_t tcpi_options;
    uint8_t tcpi_snd_wscale : 4, tcpi_rcv_wscale : 4;
    uint8_t tcpi_delivery_rate_app_limited : 1, tcpi_fastopen_client_fail : 2;

    uint32_t tcpi_rto; /* us */
    uint32_t tcpi_ato; /* us */
    uint32_t tcpi_snd_mss;
    uint32_t tcpi_rcv_mss;

    uint32_t tcpi_unacked; /* segments; of a listener: connections that wait for accept */
    uint32_t tcpi_sacked;  /* segments; of a listener: its backlog */
    uint32_t tcpi_lost;
    uint32_t tcpi_retrans;
    uint32_t tcpi_fackets;

    uint32_t tcpi_last_data_sent; /* ms ago */
    uint32_t tcpi_last_ack_sent;
    uint32_t tcpi_last_data_recv;
    uint32_t tcpi_last_ack_recv;

    uint32_t tcpi_pmtu;
    uint32_t tcpi_rcv_ssthresh;
    uint32_t tcpi_rtt; /* us */
    uint32_t tcpi_rttvar;
    uint32_t tcpi_snd_ssthresh; /* segments; 0x7fffffff: none */
    uint32_t tcpi_snd_cwnd;
    uint32_t tcpi_advmss;
    uint32_t tcpi_reordering;

    uint32_t tcpi_rcv_rtt;
    uint32_t tcpi_rcv_space;

    uint32_t tcpi_total_retrans;

    uint64_t tcpi_pacing_rate;
    uint64_t tcpi_max_pacing_rate;
    uint64_t tcpi_bytes_acked;
    uint64_t tcpi_bytes_received;
    uint32_t tcpi_segs_out;
    uint32_t tcpi_segs_in;

    uint32_t tcpi_notsent_bytes;
    uint32_t tcpi_min_rtt;
    uint32_t tcpi_data_segs_in;
    uint32_t tcpi_data_segs_out;

    uint64_t tcpi_delivery_rate;

    uint64_t tcpi_busy_time; /* us */
    uint64_t tcpi_rwnd_limited;
    uint64_t tcpi_sndbuf_limited;

    uint32_t tcpi_delivered;
    uint32_t tcpi_delivered_ce;

    uint64_t tcpi_bytes_sent;
    uint64_t tcpi_bytes_retrans;
    uint32_t tcpi_dsack_dups;
    uint32_t tcpi_reord_seen;

    uint32_t tcpi_rcv_ooopack;

    uint32_t tcpi_snd_wnd;
    uint32_t tcpi_rcv_wnd;

    uint32_t tcpi_rehash;

    uint16_t tcpi_total_rto;
    uint16_t tcpi_total_rto_recoveries;
    uint32_t tcpi_total_rto_time; /* ms */
};

#endif
