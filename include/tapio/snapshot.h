/*
 * tapio/snapshot.h - what is alive in a stack right now, copied into plain structs.
 *
 *     struct snapshot_cursor at = {0};
 *     struct stack_snapshot one = {.size = sizeof one};
 *     int n;
 *     while ((n = stack_snapshot(stack, &at, &one)) != 0)
 *         if (n > 0)
 *             show(&one);
 *
 * Each call costs little however much is alive, so a walk may be interrupted anywhere and the stack
 * may run in between. What is there from the beginning of a walk to its end is seen once; what
 * comes or goes meanwhile, or changes from a half-open connection to a whole one, may be seen or
 * not. Each copy is of one moment.
 */
#ifndef TAPIO_SNAPSHOT_H
#define TAPIO_SNAPSHOT_H

#include <tapio/tapio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* clang-format off */
#define TAPIO_SNAPSHOT_KIND_LIST(X) \
    X(LISTENER,   "listener") \
    X(CONNECTION, "connection")   /* of any state, if it is somebody's or in more than a record */ \
    X(HALF_OPEN,  "half-open")    /* in the SYN cache: a peer has begun it */ \
    X(TIME_WAIT,  "time-wait")    /* nobody's any more */ \
    X(UDP,        "udp") \
    X(PING,       "ping")         /* a datagram socket of ICMP; its port is its identifier */

/* What keeps a connection from sending more, as found when it last tried. */
#define TAPIO_LIMIT_LIST(X) \
    X(NONE,         "none",          "It can send nothing in this state.") \
    X(HANDSHAKE,    "handshake",     "The handshake is not done.") \
    X(APPLICATION,  "application",   "All that was written has been sent: the application has no more to say.") \
    X(SEND_BUFFER,  "send-buffer",   "All that the send buffer holds is in flight, and a writer waits for room in it.") \
    X(CWND,         "cwnd",          "As much is in flight as congestion control allows (RFC 5681, 3).") \
    X(PEER_WINDOW,  "peer-window",   "The peer's window is full (RFC 9293, 3.8.6).") \
    X(SILLY_WINDOW, "silly-window",  "The peer's window has room for a crumb only, which is not worth a segment (RFC 9293, 3.8.6.2.1).") \
    X(NAGLE,        "nagle",         "A small segment waits until all before it is acknowledged (RFC 9293, 3.7.4).") \
    X(CORK,         "cork",          "The application wants full segments only (TCP_CORK, MSG_MORE).") \
    X(PACING,       "pacing",        "cwnd allows it, and its turn in the round trip has not come (RFC 9002, 7.7).") \
    X(MEMORY,       "memory",        "There is no memory to remember that it was sent.") \
    X(LINK,         "link",          "The device is full, or the first hop is being asked for.")

/* Numbers; SNAPSHOT_UNKNOWN where there is none. The name has the unit, and is what `tapio ss
 * --json` calls it. */
#define TAPIO_SNAPSHOT_NUMBER_LIST(X) \
    X(recv_q_octets)      /* to be read; of a listener: connections to be accepted; of UDP: datagrams' data */ \
    X(send_q_octets)      /* not acknowledged, sent or not; of a listener: its backlog */ \
    X(unsent_octets)      /* of those, not sent yet */ \
    X(send_buffer_octets) /* what the send queue may hold now */ \
    X(recv_buffer_octets) /* what may wait to be read now */ \
    X(cwnd_octets) \
    X(ssthresh_octets)    /* unknown before the first loss */ \
    X(inflight_octets)    /* sent, not acknowledged and not taken for lost */ \
    X(unacked_octets)     /* SND.NXT - SND.UNA */ \
    X(sacked_octets) \
    X(lost_octets)        /* to be sent again */ \
    X(early_octets)       /* out of order, waiting for what is before them, at what they cost */ \
    X(snd_wnd_octets)     /* the peer's window, beyond what it has acknowledged */ \
    X(rcv_wnd_octets)     /* ours */ \
    X(mss_octets)         /* of text in a segment that we send */ \
    X(rcv_mss_octets)     /* the largest that has come */ \
    X(adv_mss_octets)     /* what we have announced */ \
    X(pmtu_octets) \
    X(snd_wscale) X(rcv_wscale) \
    X(rtt_us)             /* SRTT */ \
    X(rttvar_us) X(min_rtt_us) \
    X(rto_us)             /* with its backoff */ \
    X(ato_us)             /* how long an ACK may be delayed */ \
    X(backoff)            /* timeouts in a row: the RTO was doubled so often */ \
    X(retransmits)        /* in a row, of the segment at SND.UNA */ \
    X(probes)             /* in a row, of a closed window or a silent peer */ \
    X(retransmitted_segments) X(retransmitted_octets) \
    X(sent_octets)        /* each octet as often as it was sent */ \
    X(acked_octets) X(received_octets) \
    X(segments_out) X(segments_in) X(data_segments_out) X(data_segments_in) \
    X(early_segments)     /* that came out of order */ \
    X(delivered_segments) \
    X(reordering_window_us) /* how late a segment may be before it is lost; unknown without a flight */ \
    X(pacing_octets_per_s) /* unknown: not paced */ \
    X(last_sent_ms)       /* text was sent so long ago, */ \
    X(last_received_ms)   /* text came, */ \
    X(last_heard_ms)      /* any segment came */

#define TAPIO_SNAPSHOT_FLAG_LIST(X) \
    X(ts) X(sack) X(wscale) X(ecn) X(ecn_seen) \
    X(orphan)    /* no socket owns it any more */ \
    X(accepting) /* a listener's, not accepted yet */ \
    X(keep_alive) X(nodelay) X(cork)
/* clang-format on */

enum snapshot_kind {
#define TAPIO_X(id, name) SNAPSHOT_##id,
    TAPIO_SNAPSHOT_KIND_LIST(TAPIO_X)
#undef TAPIO_X
};

enum snapshot_limit {
#define TAPIO_X(id, key, sentence) LIMIT_##id,
    TAPIO_LIMIT_LIST(TAPIO_X)
#undef TAPIO_X
};

TAPIO_API const char *snapshot_kind_name(enum snapshot_kind kind);
TAPIO_API const char *snapshot_limit_key(enum snapshot_limit limit);
TAPIO_API const char *snapshot_limit_sentence(enum snapshot_limit limit);

#define SNAPSHOT_UNKNOWN UINT64_MAX

struct stack_snapshot {
    size_t size; /* sizeof(struct stack_snapshot), the caller's to set */
    enum snapshot_kind kind;
    enum tcp_state state; /* of UDP and ICMP: ESTABLISHED if connected, else CLOSED */
    struct endpoint local;
    struct endpoint remote; /* unspecified: none */
    uint32_t id;            /* as in events; 0: it has none */
    int error;              /* the errno that ended it; 0 */
    enum snapshot_limit limit;
    const char *phase; /* of its sender: "open", "disorder", "recovery", "loss", "cwr" */
    const char *congestion_control; /* "cubic"; NULL: none */
    /* In how many ns each timer fires, 0 when it is due; negative: it is not set. */
    int64_t timer_ns[TIMER_KIND_COUNT];
#define TAPIO_X(name) uint64_t name;
    TAPIO_SNAPSHOT_NUMBER_LIST(TAPIO_X)
#undef TAPIO_X
#define TAPIO_X(name) bool name;
    TAPIO_SNAPSHOT_FLAG_LIST(TAPIO_X)
#undef TAPIO_X
};

/* How far a walk has come; all zero at its beginning. */
struct snapshot_cursor {
    uint32_t kind, index;
};

/* The next one: 1. -EAGAIN: none was found in this piece of the walk, call again. 0: that was all.
 * No more than `out->size` octets are written. Why its cwnd last changed is among the decisions:
 * stack_decision(). */
TAPIO_API TAPIO_NODISCARD int stack_snapshot(const struct stack *stack,
                                             struct snapshot_cursor *cursor,
                                             struct stack_snapshot *out);

#ifdef __cplusplus
}
#endif
#endif
