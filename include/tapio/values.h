/*
 * tapio/values.h - every tunable of the stack, in one list.
 *
 * The list makes the config struct, `--set KEY=VALUE`, `--profile NAME` and the documentation.
 * Durations are in nanoseconds here and take a unit on the command line ("200ms", "1s", "2min");
 * sizes are octets and take "64k", "1m". A default that leaves an RFC's number has a row in
 * docs/rfc-exceptions.tsv.
 */
#ifndef TAPIO_VALUES_H
#define TAPIO_VALUES_H

#include <tapio/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum value_kind { VALUE_DURATION, VALUE_SIZE, VALUE_COUNT, VALUE_SWITCH, VALUE_WORD };

/* The words that tcp.cc takes, in the order of their numbers. */
#define TAPIO_CC_WORDS "newreno", "cubic"

#define TAPIO_MS(n) ((int64_t)(n)*1000000)
#define TAPIO_S(n)  ((int64_t)(n)*1000000000)

/* clang-format off */
/*    field                key                    kind      default         min           max            what it is */
#define TAPIO_VALUE_LIST(X) \
    X(ip_ttl,              "ip.ttl",              COUNT,    64,             1,            255,           "time to live of what we send (RFC 1122, 3.2.1.7)") \
    X(arp_lifetime,        "arp.lifetime",        DURATION, TAPIO_S(60),    TAPIO_S(1),   TAPIO_S(86400),"how long an entry counts as fresh (RFC 1122, 2.3.2.1)") \
    X(arp_entries,         "arp.entries",         COUNT,    512,            4,            65536,         "entries in the ARP cache") \
    X(arp_queue,           "arp.queue",           COUNT,    3,              1,            64,            "packets that wait for one entry (RFC 1122, 2.3.2.2)") \
    X(arp_tries,           "arp.tries",           COUNT,    3,              1,            16,            "requests before an address counts as unreachable") \
    X(arp_interval,        "arp.interval",        DURATION, TAPIO_S(1),     TAPIO_S(1),   TAPIO_S(60),   "between two requests for one address (RFC 1122, 2.3.2.1)") \
    X(arp_defend,          "arp.defend",          DURATION, TAPIO_S(10),    TAPIO_S(1),   TAPIO_S(600),  "between two defences of our address (RFC 5227, 2.4)") \
    X(arp_probes,          "arp.probes",          COUNT,    3,              0,            16,            "probes for an address from DHCP before it is used (RFC 5227, 1.1); 0: none") \
    X(arp_probe_wait,      "arp.probe_wait",      DURATION, TAPIO_S(1),     0,            TAPIO_S(60),   "the first one waits at most, at random") \
    X(arp_probe_min,       "arp.probe_min",       DURATION, TAPIO_S(1),     TAPIO_MS(1),  TAPIO_S(60),   "between two probes at least, and up to twice that") \
    X(arp_probe_last,      "arp.probe_last",      DURATION, TAPIO_S(2),     TAPIO_MS(1),  TAPIO_S(60),   "after the last one, before the address is used (RFC 5227, 1.1: ANNOUNCE_WAIT)") \
    X(dhcp_start_min,      "dhcp.start_min",      DURATION, 0,              0,            TAPIO_S(60),   "a DHCP client waits before its first message, at random from this") \
    X(dhcp_start_max,      "dhcp.start_max",      DURATION, TAPIO_S(1),     0,            TAPIO_S(60),   "to this (RFC 2131, 4.4.1 has 1 s to 10 s)") \
    X(icmp_rate,           "icmp.rate",           COUNT,    1000,           0,            1000000,       "ICMP errors and resets without a connection a second, in all (RFC 1812, 4.3.2.8)") \
    X(icmp_burst,          "icmp.burst",          COUNT,    50,             1,            10000,         "how many of them may leave at once") \
    X(icmp_peer_rate,      "icmp.peer_rate",      COUNT,    100,            0,            1000000,       "the same for one destination a second") \
    X(icmp_peer_burst,     "icmp.peer_burst",     COUNT,    20,             1,            10000,         "and at once") \
    X(tcp_rto_initial,     "tcp.rto_initial",     DURATION, TAPIO_S(1),     TAPIO_MS(1),  TAPIO_S(60),   "RTO before the first sample (RFC 6298, 2.1)") \
    X(tcp_rto_syn_lost,    "tcp.rto_syn_lost",    DURATION, TAPIO_S(3),     TAPIO_MS(1),  TAPIO_S(60),   "RTO for data after a SYN was lost (RFC 6298, 5.7)") \
    X(tcp_rto_min,         "tcp.rto_min",         DURATION, TAPIO_MS(200),  TAPIO_MS(1),  TAPIO_S(60),   "RTO at least (RFC 6298, 2.4)") \
    X(tcp_rto_max,         "tcp.rto_max",         DURATION, TAPIO_S(120),   TAPIO_S(1),   TAPIO_S(600),  "RTO at most (RFC 6298, 2.5)") \
    X(tcp_rto_var_min,     "tcp.rto_var_min",     DURATION, 0,              0,            TAPIO_S(60),   "the variance term of RTO at least (Linux: 200 ms)") \
    X(tcp_retries,         "tcp.retries",         COUNT,    15,             3,            64,            "retransmissions before a connection is given up: R2 (RFC 9293, SHLD-11)") \
    X(tcp_syn_retries,     "tcp.syn_retries",     COUNT,    7,              1,            64,            "retransmissions of a SYN") \
    X(tcp_syn_timeout,     "tcp.syn_timeout",     DURATION, TAPIO_S(180),   TAPIO_S(1),   TAPIO_S(3600), "an unanswered SYN is given up not before (RFC 9293, MUST-23)") \
    X(tcp_syn_unreachable, "tcp.syn_unreachable", SWITCH,   0,              0,            1,             "any ICMP unreachable ends an active OPEN, as Linux has it (RFC 9293, MUST-56 says none but a hard one)") \
    X(tcp_synack_retries,  "tcp.synack_retries",  COUNT,    5,              1,            64,            "retransmissions of a <SYN,ACK> (RFC 4987)") \
    X(tcp_msl,             "tcp.msl",             DURATION, TAPIO_S(30),    TAPIO_MS(1),  TAPIO_S(240),  "maximum segment lifetime; TIME-WAIT lasts two (RFC 9293, 3.4.2)") \
    X(tcp_fin_wait_2,      "tcp.fin_wait_2",      DURATION, TAPIO_S(60),    TAPIO_MS(1),  TAPIO_S(3600), "FIN-WAIT-2 without an owner lasts") \
    X(tcp_delayed_ack,     "tcp.delayed_ack",     DURATION, TAPIO_MS(40),   0,            TAPIO_MS(499), "an ACK waits at most (RFC 9293, MUST-40)") \
    X(tcp_quick_acks,      "tcp.quick_acks",      COUNT,    16,             0,            65535,         "first segments of a connection that are acknowledged at once") \
    X(tcp_pingpong,        "tcp.pingpong",        SWITCH,   0,              0,            1,             "quick ACKs end once text answers text (Linux's habit)") \
    X(tcp_ack_segments,    "tcp.ack_segments",    COUNT,    16,             1,            64,            "segments of one batch that share an ACK at most (RFC 9293, MUST-58)") \
    X(tcp_ack_octets,      "tcp.ack_octets",      SIZE,     65536,          1460,         1048576,       "octets of one batch that share an ACK at most") \
    X(tcp_override,        "tcp.override",        DURATION, TAPIO_MS(200),  TAPIO_MS(100),TAPIO_S(1),    "a small segment waits at most for a larger window (RFC 9293, 3.8.6.2.1)") \
    X(tcp_minshall,        "tcp.minshall",        SWITCH,   0,              0,            1,             "Nagle looks at small segments in flight only (Minshall's variant)") \
    X(tcp_probe_octet,     "tcp.probe_octet",     SWITCH,   1,              0,            1,             "a window probe carries an octet (RFC 9293, 3.8.6.1); else it is an ACK below SND.UNA") \
    X(tcp_initial_cwnd,    "tcp.initial_cwnd",    COUNT,    0,              0,            64,            "segments of the first flight; 0: what RFC 6928 computes") \
    X(tcp_cc,              "tcp.cc",              WORD,     1,              0,            1,             "congestion control (RFC 5681; RFC 9438)") \
    X(tcp_hystart,         "tcp.hystart",         SWITCH,   1,              0,            1,             "CUBIC ends its first slow start before a queue overflows: HyStart++ (RFC 9406)") \
    X(tcp_pacing,          "tcp.pacing",          SWITCH,   0,              0,            1,             "spread what cwnd lets leave over the round trip") \
    X(tcp_abc_limit,       "tcp.abc_limit",       COUNT,    1,              0,            255,           "segments by which one ACK may open cwnd in slow start, but for HyStart++; 0: all that it acknowledges (RFC 3465, 2.2)") \
    X(tcp_idle_restart,    "tcp.idle_restart",    SWITCH,   1,              0,            1,             "after an idle RTO cwnd begins again (RFC 5681, 4.1)") \
    X(tcp_challenge,       "tcp.challenge",       DURATION, TAPIO_MS(500),  0,            TAPIO_S(60),   "between two challenge ACKs of one connection (RFC 5961, 7)") \
    X(tcp_timestamps,      "tcp.timestamps",      SWITCH,   1,              0,            1,             "offer and answer timestamps (RFC 7323, 3)") \
    X(tcp_ts_required,     "tcp.ts_required",     SWITCH,   1,              0,            1,             "once negotiated, a segment without a timestamp is dropped (RFC 7323, 3.2)") \
    X(tcp_ts_in_resets,    "tcp.ts_in_resets",    SWITCH,   1,              0,            1,             "a reset that answers a timestamp echoes it (RFC 7323, 5.2); Linux has none") \
    X(tcp_sack,            "tcp.sack",            SWITCH,   1,              0,            1,             "offer and answer selective acknowledgement (RFC 2018)") \
    X(tcp_dsack,           "tcp.dsack",           SWITCH,   1,              0,            1,             "tell the peer which octets came twice (RFC 2883)") \
    X(tcp_sack_cap,        "tcp.sack_cap",        COUNT,    32768,        16,           1048576,       "ranges of the scoreboard of one connection at most") \
    X(tcp_frto,            "tcp.frto",            SWITCH,   1,              0,            1,             "after a timeout new text asks whether it was in vain: F-RTO (RFC 5682)") \
    X(tcp_tlp,             "tcp.tlp",             SWITCH,   1,              0,            1,             "probe the tail of a flight before the timeout (RFC 8985, 7)") \
    X(tcp_tlp_ack_delay,   "tcp.tlp_ack_delay",   DURATION, TAPIO_MS(200),  0,            TAPIO_S(1),    "a peer may wait so long with the ACK of one segment (RFC 8985, 7.2)") \
    X(tcp_ecn,             "tcp.ecn",             COUNT,    2,              0,            2,             "congestion marks, ECN: 0 never, 1 ask and answer, 2 answer who asks (RFC 3168, 6.1.1)") \
    X(tcp_window_scaling,  "tcp.window_scaling",  SWITCH,   1,              0,            1,             "offer and answer window scaling (RFC 7323, 2)") \
    X(tcp_keepalive_idle,  "tcp.keepalive_idle",  DURATION, TAPIO_S(7200),  TAPIO_MS(1),  TAPIO_S(32767),"a connection with SO_KEEPALIVE is silent before it asks (RFC 9293, MUST-28)") \
    X(tcp_keepalive_interval, "tcp.keepalive_interval", DURATION, TAPIO_S(75), TAPIO_MS(1), TAPIO_S(32767), "between two keep-alives that nobody answers") \
    X(tcp_keepalive_count, "tcp.keepalive_count", COUNT,    9,              1,            127,           "unanswered keep-alives that end a connection") \
    X(tcp_user_timeout,    "tcp.user_timeout",    DURATION, 0,              0,            TAPIO_S(86400),"what is sent may stay unacknowledged; 0: tcp.retries alone decides (RFC 5482)") \
    X(tcp_mss_floor,       "tcp.mss_floor",       SIZE,     48,             1,            536,           "the smallest MSS that we believe") \
    X(tcp_pmtu_floor_v4,   "tcp.pmtu_floor_v4",   SIZE,     552,            68,           65535,         "the smallest path MTU that we believe of IPv4 (RFC 1191, 3)") \
    X(tcp_pmtu_floor_v6,   "tcp.pmtu_floor_v6",   SIZE,     1280,           1280,         65535,         "and of IPv6 (RFC 8201, 4)") \
    X(tcp_black_hole,      "tcp.black_hole",      COUNT,    3,              0,            64,            "retransmissions in a row before large segments are taken for the reason; 0: never (RFC 4821, 7.7)") \
    X(tcp_window_scale,    "tcp.window_scale",    COUNT,    7,              0,            14,            "our window shift at most (RFC 7323, 2.2)") \
    X(tcp_scale_to_fit,    "tcp.scale_to_fit",    SWITCH,   0,              0,            1,             "no larger a window shift than tcp.rmem needs") \
    X(tcp_window_first,    "tcp.window_first",    SIZE,     65535,          536,          65535,         "the window that a connection starts with") \
    X(tcp_rmem,            "tcp.rmem",            SIZE,     4194304,        2048,         1073741824,    "receive buffer of a connection at most") \
    X(tcp_wmem_first,      "tcp.wmem_first",      SIZE,     262144,         2048,         1073741824,    "send buffer that a connection starts with; it grows to twice cwnd") \
    X(tcp_wmem,            "tcp.wmem",            SIZE,     4194304,        2048,         1073741824,    "send buffer of a connection at most") \
    X(tcp_reorder_islands, "tcp.reorder_islands", COUNT,    256,            4,            65536,         "islands of out-of-order text of a connection at most") \
    X(tcp_reorder_memory,  "tcp.reorder_memory",  SIZE,     1048576,        2048,         1073741824,    "true cost of a connection's out-of-order text at most") \
    X(tcp_connections,     "tcp.connections",     COUNT,    131072,         1,            1048575,       "connections of the stack at most") \
    X(tcp_orphans,         "tcp.orphans",         COUNT,    16384,          0,            1048575,       "connections that nobody owns and that have not ended at most; more are reset") \
    X(tcp_time_wait,       "tcp.time_wait",       COUNT,    131072,         1,            1048575,       "connections in TIME-WAIT that nobody owns at most; the oldest ends early") \
    X(tcp_syn_cache,       "tcp.syn_cache",       COUNT,    4096,           1,            1048575,       "half-open connections that peers began at most (RFC 4987, 3.5)") \
    X(tcp_syncookies,      "tcp.syncookies",      COUNT,    1,              0,            2,             "SYN cookies: 0 never, 1 when tcp.syn_cache is full, 2 always (RFC 4987, 3.6)") \
    X(tcp_listeners,       "tcp.listeners",       COUNT,    256,            1,            65536,         "listening sockets at most") \
    X(tcp_port_min,        "tcp.port_min",        COUNT,    49152,          1024,         65535,         "first ephemeral port (RFC 6056, 3.2)") \
    X(tcp_port_max,        "tcp.port_max",        COUNT,    65535,          1024,         65535,         "last ephemeral port") \
    X(sock_sockets,        "sock.sockets",        COUNT,    131072,         1,            1048575,       "sockets of the stack at most") \
    X(sock_epoll_sets,     "sock.epoll_sets",     COUNT,    1024,           1,            1048575,       "epoll sets at most") \
    X(sock_epoll_items,    "sock.epoll_items",    COUNT,    131072,         1,            1048575,       "sockets in epoll sets at most, each as often as it is in one") \
    X(udp_ports,           "udp.ports",           COUNT,    16384,          1,            1048575,       "UDP sockets at most") \
    X(udp_rmem,            "udp.rmem",            SIZE,     212992,         2048,         1073741824,    "true cost of the datagrams that wait in a UDP socket, at most") \
    X(mem_frames,          "mem.frames",          SIZE,     67108864,       262144,       17179869184,   "memory for frames and what receive queues hold") \
    X(mem_send,            "mem.send",            SIZE,     268435456,      262144,       17179869184,   "memory for what send queues hold") \
    X(stack_replies,       "stack.replies",       COUNT,    256,            1,            65536,         "replies without a connection that wait to be sent") \
    X(see_ring,            "see.ring",            COUNT,    4096,           16,           1048576,       "decisions that the stack remembers")
/* clang-format on */

struct stack_values {
#define TAPIO_X(field, key, kind, initial, min, max, what) int64_t field;
    TAPIO_VALUE_LIST(TAPIO_X)
#undef TAPIO_X
};

/* Sets every value to its default. */
TAPIO_API void values_default(struct stack_values *values);

/* Sets the group of values that `profile` names: default, rfc, linux, freebsd. -ENOENT when there
 * is no such profile. */
TAPIO_API TAPIO_NODISCARD int values_profile(struct stack_values *values, const char *profile);

/* Sets one value from text ("tcp.rto_min", "200ms"). -ENOENT: no such key; -EINVAL: not a value of
 * its kind; -ERANGE: outside [min, max]. */
TAPIO_API TAPIO_NODISCARD int values_set(struct stack_values *values, const char *key,
                                         const char *text);

/* The key of a value that is outside [min, max], or NULL when all are in. */
TAPIO_API const char *values_wrong(const struct stack_values *values);

/* Describes the value at `index` (0 ..) as text for people; false past the end. `initial`, `min`
 * and `max` get at most 24 octets each, NUL included. */
struct value_info {
    const char *key;
    const char *what;
    enum value_kind kind;
    char initial[24], min[24], max[24];
};
TAPIO_API bool values_describe(size_t index, struct value_info *info);

#ifdef __cplusplus
}
#endif
#endif
