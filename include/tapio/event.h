/*
 * tapio/event.h - the one list of typed events: what the stack did, and why.
 *
 * Every decision worth explaining is an event, emitted where the decision is made: a packet
 * in or out, a drop with its name, a change of state with its cause, a timer, a
 * retransmission with its trigger, a change of cwnd. Captures, logs, counters and tests read
 * this stream; none of them has a hook of its own.
 *
 * Two classes. Decisions that are not per packet always go into a ring in the stack.
 * Per-packet events exist only while somebody listens.
 */
#ifndef TAPIO_EVENT_H
#define TAPIO_EVENT_H

#include <sys/uio.h>
#include <tapio/dev.h>
#include <tapio/drops.h>
#include <tapio/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The eleven states of RFC 9293, 3.3.2, under their own names; the prefix is BSD's, because
 * <netinet/tcp.h> has TCP_ESTABLISHED and others with values of its own. */
/* clang-format off */
#define TAPIO_TCP_STATE_LIST(X) \
    X(CLOSED,       "CLOSED")       X(LISTEN,     "LISTEN")     X(SYN_SENT,   "SYN-SENT") \
    X(SYN_RECEIVED, "SYN-RECEIVED") X(ESTABLISHED,"ESTABLISHED") X(FIN_WAIT_1, "FIN-WAIT-1") \
    X(FIN_WAIT_2,   "FIN-WAIT-2")   X(CLOSE_WAIT, "CLOSE-WAIT") X(CLOSING,    "CLOSING") \
    X(LAST_ACK,     "LAST-ACK")     X(TIME_WAIT,  "TIME-WAIT")
/* clang-format on */

enum tcp_state {
#define TAPIO_X(id, name) TCPS_##id,
    TAPIO_TCP_STATE_LIST(TAPIO_X)
#undef TAPIO_X
};
#define TAPIO_X(id, name) +1
enum { TCP_STATE_COUNT = TAPIO_TCP_STATE_LIST(TAPIO_X) };
#undef TAPIO_X

/*
 * Why a packet was sent, or what a received one did. The key is what `why=` says in a
 * capture; the sentence follows it there.
 */
/* clang-format off */
#define TAPIO_WHY_LIST(X) \
    X(NONE,             "unexplained",      "Nothing is known about this packet.") \
    /* in and out, below TCP */ \
    X(ARP_REQUEST,      "arp-request",      "We must learn which station has this address before we can send to it (RFC 826).") \
    X(ARP_PROBE,        "arp-revalidate",   "The entry is old: we ask the station itself whether it is still there (RFC 1122, 2.3.2.1).") \
    X(ARP_ANNOUNCE,     "arp-announce",     "We tell the link that this address is ours (RFC 5227, 2.3).") \
    X(ARP_CLAIM,        "arp-claim",        "We would like to have this address and ask whether somebody has it (RFC 5227, 2.1.1).") \
    X(ARP_DEFEND,       "arp-defend",       "Somebody else uses our address: we claim it again (RFC 5227, 2.4).") \
    X(ARP_REPLY,        "arp-reply",        "Somebody asked for our address: we answer the asker alone (RFC 826).") \
    X(ARP_ASKED,        "arp-asked",        "A station asks for our address, and we learn its own (RFC 826).") \
    X(ARP_LEARNED,      "arp-learned",      "The answer to our request: packets that waited can go (RFC 826).") \
    X(ARP_HEARD,        "arp-heard",        "Not for us; it only refreshes an entry that we already have (RFC 826).") \
    X(ARP_CONFLICT,     "arp-conflict",     "Another station claims our address (RFC 5227, 2.4).") \
    X(ARP_TAKEN,        "arp-taken",        "Another station has, or wants, the address that we ask for: it is not taken (RFC 5227, 2.1.1).") \
    X(ICMP_ECHO,        "icmp-echo",        "A ping for us (RFC 792).") \
    X(ICMP_ECHO_REPLY,  "icmp-echo-reply",  "The answer to a ping, its data unchanged (RFC 792).") \
    X(ICMP_PING,        "icmp-ping",        "Our own ping (RFC 792).") \
    X(ICMP_PONG,        "icmp-pong",        "The answer to our ping (RFC 792).") \
    X(ICMP_ERROR,       "icmp-error",       "An error about a packet of ours; a hint, never proof (RFC 1122, 3.2.2.1).") \
    X(ICMP_UNREACHABLE, "icmp-unreachable", "Nobody here takes this packet, and its sender may know (RFC 1122, 3.2.2.1).") \
    X(ICMP_TOO_BIG,     "icmp-too-big",     "A link on the way carries only smaller packets: the MSS is lowered and the flight sent again (RFC 1191, 6.5; RFC 8201, 5.4).") \
    X(IP_FRAGMENT,      "ip-fragment",      "A piece of a datagram: it waits for the rest (RFC 791, 3.2).") \
    X(ICMP_EXPIRED,     "icmp-expired",     "The rest of a datagram has not come in time, and its sender may know (RFC 1122, 3.3.2).") \
    X(DROPPED,          "dropped",          "Discarded.") \
    X(UDP_IN,           "datagram",         "A datagram for a socket of ours, queued whole (RFC 768).") \
    X(UDP_IN_MANY,      "datagram-to-many", "A datagram to a broadcast address or a group: each socket that asked for it has a copy (RFC 1122, 4.1.1).") \
    X(UDP_OUT,          "datagram-sent",    "The application sent it, as one datagram (RFC 768).") \
    /* TCP in */ \
    X(IN_SYN,           "syn-received",     "A peer opens a connection: it waits half-open for the third step (RFC 9293, 3.10.7.2).") \
    X(IN_SYN_AGAIN,     "syn-again",        "The same SYN once more: our <SYN,ACK> was lost or late (RFC 9293, 3.10.7.4).") \
    X(IN_SYN_COOKIE,    "syn-not-kept",     "A SYN that cannot be remembered: answered with a SYN cookie and forgotten (RFC 4987, 3.6).") \
    X(IN_SYN_ACK,       "syn-ack-received", "The peer accepts our SYN: the connection is established (RFC 9293, 3.10.7.3).") \
    X(IN_SIMULTANEOUS,  "simultaneous-open","Both ends called: our SYN is repeated as <SYN,ACK> (RFC 9293, 3.10.7.3).") \
    X(IN_ESTABLISHES,   "handshake-done",   "The third step of the handshake: the connection is established (RFC 9293, 3.10.7.4).") \
    X(IN_TEXT,          "text-in-order",    "Text at RCV.NXT, delivered (RFC 9293, 3.10.7.4, seventh).") \
    X(IN_TEXT_PUSH,     "text-pushed",      "Text at RCV.NXT that ends what the peer wrote (RFC 9293, 3.9.1.2).") \
    X(IN_TEXT_EARLY,    "text-early",       "Text beyond a hole: kept, and RCV.NXT repeated at once (RFC 5681, 3.2).") \
    X(IN_TEXT_FILLS,    "text-fills-hole",  "Text that fills a hole: what waited behind it is delivered too (RFC 5681, 3.2).") \
    X(IN_TEXT_OLD,      "text-old",         "Text that we already have: acknowledged again, not delivered (RFC 9293, 3.10.7.4).") \
    X(IN_ACK_NEW,       "ack-new",          "Acknowledges new octets; cwnd was not the limit, so it stays (RFC 5681, 3.1).") \
    X(IN_ACK_SLOW_START,"ack-slow-start",   "Acknowledges new octets below ssthresh: cwnd grows by as many (RFC 5681, 3.1).") \
    X(IN_ACK_AVOIDANCE, "ack-avoidance",    "Acknowledges new octets above ssthresh: cwnd grows by one segment a round trip (RFC 5681, 3.1).") \
    X(IN_ACK_ALL,       "ack-all",          "Acknowledges all that is in flight: the retransmission timer stops (RFC 6298, 5.2).") \
    X(IN_ACK_PARTIAL,   "ack-partial",      "A partial ACK in recovery: the next hole is resent (RFC 6582, 3.2).") \
    X(IN_ACK_FULL,      "ack-ends-recovery","Acknowledges all that was out when the loss was noticed: recovery ends (RFC 6582, 3.2).") \
    X(IN_ACK_DUPLICATE, "ack-duplicate",    "A duplicate ACK: something behind it is missing or late (RFC 5681, 2).") \
    X(IN_ACK_LOSS,      "ack-third-duplicate","The third duplicate ACK: a segment is lost (RFC 5681, 3.2).") \
    X(IN_ACK_SACK_LOSS, "ack-sack-loss",    "It tells that something has arrived which left later: what left before is lost (RFC 8985, 6.2).") \
    X(IN_ACK_REPAIRS,   "ack-repairs",      "In recovery: as much may leave as PRR gives for what has arrived (RFC 9937, 6.2).") \
    X(IN_ACK_UNDOES,    "ack-undoes",       "It shows that the loss was none: cwnd is what it was (RFC 4015, 3.2).") \
    X(IN_ACK_ECHO,      "ack-congestion-echo","A router on the way has marked our text: cwnd is halved, once for a window of data (RFC 3168, 6.1.2).") \
    X(IN_ACK_OLD,       "ack-old",          "Acknowledges what was acknowledged before; ignored (RFC 9293, 3.10.7.4).") \
    X(IN_WINDOW,        "window-update",    "Only the window changed (RFC 9293, 3.8.6).") \
    X(IN_WINDOW_ZERO,   "window-closed",    "The peer's window is zero: we stop and will probe (RFC 9293, 3.8.6.1).") \
    X(IN_FIN,           "fin-received",     "The peer has said all it wanted to say (RFC 9293, 3.10.7.4, eighth).") \
    X(IN_FIN_AGAIN,     "fin-again",        "The same FIN once more: our ACK of it was lost (RFC 9293, 3.10.7.4).") \
    X(IN_FIN_ACKED,     "fin-acked",        "Acknowledges our FIN (RFC 9293, 3.10.7.4, fifth).") \
    X(IN_CLOSED,        "last-ack",         "Acknowledges our FIN, the last step: the connection is gone (RFC 9293, 3.10.7.4).") \
    X(IN_RST,           "reset-received",   "A reset at RCV.NXT: the peer aborted (RFC 9293, 3.10.7.4, second).") \
    X(IN_RST_REFUSED,   "reset-refused",    "A reset that acknowledges our SYN: nobody listens there (RFC 9293, 3.10.7.3).") \
    X(IN_PROBE,         "probe-received",   "A probe of our closed window: answered with the window (RFC 9293, 3.8.6.1).") \
    X(IN_KEEPALIVE,     "keepalive-received","An old octet or none: the peer asks whether we are there (RFC 9293, 3.8.4).") \
    X(IN_NOTHING_NEW,   "nothing-new",      "An ACK that repeats what we know (RFC 9293, 3.10.7.4).") \
    X(IN_CHALLENGED,    "challenged",       "Not believed as it stands: answered with a challenge ACK (RFC 5961).") \
    /* TCP out */ \
    X(OUT_SYN,          "syn",              "Our SYN opens the connection and says where we start counting (RFC 9293, 3.5).") \
    X(OUT_SYN_AGAIN,    "syn-retransmit",   "Nobody answered our SYN in time (RFC 6298, 5.4).") \
    X(OUT_SYN_ACK,      "syn-ack",          "We accept: the second step of the handshake (RFC 9293, 3.5).") \
    X(OUT_SYN_ACK_AGAIN,"syn-ack-retransmit","The third step did not come in time, or the peer repeated its SYN (RFC 6298, 5.4).") \
    X(OUT_SYN_COOKIE,   "syn-cookie",       "We accept and remember nothing: the third step will bring our number back, which says enough (RFC 4987, 3.6).") \
    X(OUT_HANDSHAKE_ACK,"handshake-ack",    "The third step of the handshake (RFC 9293, 3.5).") \
    X(OUT_FIRST_FLIGHT, "initial-window",   "Part of the first flight, which needs no ACK (RFC 6928).") \
    X(OUT_WRITTEN,      "written",          "The application wrote it and nothing stood in its way (RFC 9293, 3.10.2).") \
    X(OUT_PUSHED,       "written-pushed",   "The last of what the application wrote, so it carries PSH (RFC 9293, MUST-61).") \
    X(OUT_ACK_CLOCKED,  "ack-clocked",      "It waited for cwnd; an ACK took as many octets out of flight (RFC 5681, 3.1).") \
    X(OUT_CWND_GREW,    "cwnd-grew",        "It waited for cwnd; the ACK let cwnd grow (RFC 5681, 3.1).") \
    X(OUT_PACED,        "paced",            "cwnd had let it leave, and pacing made it wait for its turn in the round trip (RFC 9002, 7.7).") \
    X(OUT_LIMITED,      "limited-transmit", "One of the first two duplicate ACKs shows that a segment has left the network (RFC 3042, 2).") \
    X(OUT_WINDOW_OPENED,"window-opened",    "It waited for the peer's window, which has opened (RFC 9293, 3.8.6).") \
    X(OUT_NAGLE_ENDED,  "nagle-ended",      "A small segment that waited until all before it was acknowledged (RFC 9293, 3.7.4).") \
    X(OUT_OVERRIDE,     "override",         "A small segment that waited long enough for a larger window (RFC 9293, 3.8.6.2.1).") \
    X(OUT_RTO,          "retransmit-rto",   "Not acknowledged within the retransmission timeout (RFC 6298, 5.4).") \
    X(OUT_AFTER_RTO,    "retransmit-after-rto","Sent before the timeout and taken for lost with it (RFC 5681, 3.1).") \
    X(OUT_FAST,         "fast-retransmit",  "ACKs say that it is lost; as the first of a recovery it leaves at once (RFC 5681, 3.2).") \
    X(OUT_SACK,         "sack-retransmit",  "What left later has arrived and this has not: it is lost (RFC 8985, 6.2).") \
    X(OUT_RESCUE,       "rescue-retransmit","In recovery two round trips brought no ACK: a segment beyond cwnd asks for one (RFC 6675, 4).") \
    X(OUT_TAIL_PROBE,   "tail-loss-probe",  "Two round trips without an ACK: a segment beyond cwnd asks for one (RFC 8985, 7.3).") \
    X(OUT_PARTIAL,      "partial-retransmit","A partial ACK shows the next hole (RFC 6582, 3.2).") \
    X(OUT_TOO_BIG,      "retransmit-smaller","It was too big for a link on the way: sent again in smaller segments (RFC 1191, 6.5).") \
    X(OUT_KEEPALIVE,    "keep-alive",       "Nothing was heard for long: an empty segment with an old number asks whether the peer is there (RFC 9293, 3.8.4).") \
    X(OUT_PROBE,        "window-probe",     "The peer's window is closed: one octet asks whether it still is (RFC 9293, 3.8.6.1).") \
    X(OUT_AFTER_PROBE,  "retransmit-after-probe","The window was closed when it went out as a probe; now there is room (RFC 9293, 3.8.6.1).") \
    X(OUT_FIN,          "fin",              "The application closed: nothing follows (RFC 9293, 3.6).") \
    X(OUT_FIN_AGAIN,    "fin-retransmit",   "Our FIN was not acknowledged in time (RFC 6298, 5.4).") \
    X(OUT_ACK_SECOND,   "ack-every-second", "Two full-sized segments or more are unacknowledged (RFC 9293, SHLD-19).") \
    X(OUT_ACK_QUICK,    "ack-quick",        "The connection is young: each batch is acknowledged at once (RFC 5681, 4.2).") \
    X(OUT_ACK_STRETCH,  "ack-in-batch",     "Sixteen segments or 64 KB of one batch are due an ACK of their own (RFC 9293, MUST-58).") \
    X(OUT_ACK_DELAYED,  "ack-delayed",      "The delayed-ACK timer ran out (RFC 9293, 3.8.6.3).") \
    X(OUT_ACK_DUPLICATE,"ack-out-of-order", "A segment came early: RCV.NXT is repeated at once (RFC 5681, 3.2).") \
    X(OUT_ACK_FILLED,   "ack-hole-filled",  "A hole was filled: acknowledged at once (RFC 5681, 3.2).") \
    X(OUT_ACK_OLD,      "ack-repeated",     "An unacceptable segment is answered with what we expect (RFC 9293, 3.10.7.4, first).") \
    X(OUT_ACK_FIN,      "ack-fin",          "The peer's FIN is acknowledged (RFC 9293, 3.10.7.4, eighth).") \
    X(OUT_ACK_CHALLENGE,"ack-challenge",    "A challenge: a real peer will answer it, a forger cannot (RFC 5961, 3.2).") \
    X(OUT_ACK_PROBE,    "ack-probe",        "A probe is answered with the window (RFC 9293, 3.8.6.1).") \
    X(OUT_WINDOW,       "window-told",      "The application read: the window has opened by enough to tell (RFC 9293, 3.8.6.2.2).") \
    X(OUT_RST_CLOSED,   "reset-no-connection","There is no connection and no listener for this segment (RFC 9293, 3.10.7.1).") \
    X(OUT_RST_REFUSED,  "reset-unacceptable","It acknowledges what we never sent (RFC 9293, 3.5.3).") \
    X(OUT_RST_ABORT,    "reset-abort",      "The application aborted the connection (RFC 9293, 3.10.5).") \
    X(OUT_RST_UNREAD,   "reset-unread",     "Closed with text unread or arriving: the peer must know that it is lost (RFC 9293, SHLD-3).")
/* clang-format on */

enum why {
#define TAPIO_X(id, key, sentence) WHY_##id,
    TAPIO_WHY_LIST(TAPIO_X)
#undef TAPIO_X
};
#define TAPIO_X(id, key, sentence) +1
enum { WHY_COUNT = TAPIO_WHY_LIST(TAPIO_X) };
#undef TAPIO_X

TAPIO_API const char *tcp_state_name(enum tcp_state state); /* "SYN-RECEIVED" */
TAPIO_API const char *why_key(enum why why);                /* "text-in-order" */
TAPIO_API const char *why_sentence(enum why why);

/*
 * What keeps a connection from sending more, as found when it last tried. The key is what `ss` and
 * logs say.
 */
/* clang-format off */
#define TAPIO_HELD_LIST(X) \
    X(NO_TEXT,      "application",  "The application has written no more.") \
    X(CWND,         "cwnd",         "As much is in flight as cwnd allows (RFC 5681, 3.1).") \
    X(WINDOW,       "peer-window",  "The peer's window has no room (RFC 9293, 3.8.6).") \
    X(NAGLE,        "nagle",        "A small segment waits until all before it is acknowledged (RFC 9293, 3.7.4).") \
    X(SILLY_WINDOW, "silly-window", "The peer's window has room for less than a segment (RFC 9293, 3.8.6.2.1).") \
    X(CORK,         "cork",         "The application has said that more will come (TCP_CORK, MSG_MORE).") \
    X(MEMORY,       "memory",       "There is no memory to remember that it was sent.") \
    X(PACE,         "pacing",       "It waits for its turn in the round trip (RFC 9002, 7.7).")
/* clang-format on */

enum held_by {
#define TAPIO_X(id, key, sentence) HELD_##id,
    TAPIO_HELD_LIST(TAPIO_X)
#undef TAPIO_X
};
#define TAPIO_X(id, key, sentence) +1
enum { HELD_COUNT = TAPIO_HELD_LIST(TAPIO_X) };
#undef TAPIO_X

TAPIO_API const char *held_key(enum held_by by); /* "peer-window" */
TAPIO_API const char *held_sentence(enum held_by by);

/* What is worth knowing about a connection beside a packet of it. */
struct conn_facts {
    uint32_t id; /* counts from 1; 0: no connection */
    enum tcp_state state;
    struct endpoint local;
    struct endpoint remote;
    uint32_t cwnd;     /* octets */
    uint32_t ssthresh; /* octets; UINT32_MAX before the first loss */
    uint32_t inflight; /* octets sent, not acknowledged and not taken for lost */
    uint32_t window;   /* octets that the peer takes beyond those that it has acknowledged */
    int64_t srtt_us;   /* 0 before the first sample */
    int64_t rto_ms;
};

/* clang-format off */
#define TAPIO_EVENT_LIST(X) \
    X(PACKET,       "packet")       /* per packet: .packet     */ \
    X(STATE,        "state")        /* decision: .state        */ \
    X(DROP,         "drop")         /* decision: .drop         */ \
    X(TIMER_SET,    "timer-set")    /* per packet: .timer      */ \
    X(TIMER_FIRED,  "timer-fired")  /* decision: .timer        */ \
    X(RETRANSMIT,   "retransmit")   /* decision: .retransmit   */ \
    X(CWND,         "cwnd")         /* decision: .cwnd         */ \
    X(CWND_STEP,    "cwnd-step")    /* per packet: .cwnd, by what an ACK says */ \
    X(STALL,        "stall")        /* decision: .held: it has waited until a timer asked */ \
    X(RESUME,       "resume")       /* decision: .held: that is over */ \
    X(HELD,         "held")         /* per packet: .held       */ \
    X(RESET,        "reset")        /* decision: .reset        */ \
    X(UNSENT,       "unsent")       /* per packet: .note: an answer that is not given */ \
    X(NEIGHBOUR,    "neighbour")    /* decision: .neighbour    */ \
    X(NOTE,         "note")         /* decision: .note         */
/* clang-format on */

enum event_type {
#define TAPIO_X(id, name) EVENT_##id,
    TAPIO_EVENT_LIST(TAPIO_X)
#undef TAPIO_X
};
#define TAPIO_X(id, name) +1
enum { EVENT_TYPE_COUNT = TAPIO_EVENT_LIST(TAPIO_X) };
#undef TAPIO_X

enum packet_fate {
    PACKET_OUT,      /* we sent it */
    PACKET_CONSUMED, /* received and taken */
    PACKET_DROPPED,  /* received and discarded: .drop says why */
};

enum timer_kind {
    TIMER_RETRANSMIT,
    TIMER_PERSIST,
    TIMER_DELAYED_ACK,
    TIMER_OVERRIDE,
    TIMER_TIME_WAIT,
    TIMER_FIN_WAIT_2,
    TIMER_KEEP_ALIVE,
    TIMER_REORDER,
    TIMER_TAIL_PROBE,
    TIMER_PACE,
    TIMER_NEIGHBOUR,
    TIMER_REASSEMBLY,
};
enum { TIMER_KIND_COUNT = TIMER_REASSEMBLY + 1 };

/* One event. Pointers in it live for the call that delivers it; the ring keeps none. */
struct event {
    enum event_type type;
    uint32_t conn; /* 0: about no connection */
    instant when;
    union {
        struct {
            uint64_t id; /* counts every packet in and out from 1; equal in every view */
            enum packet_fate fate;
            enum drop drop;
            enum why why;
            bool tcp;                       /* it is a TCP segment */
            const struct conn_facts *facts; /* NULL without a connection; after this packet */
            const struct iovec *iov; /* the frame, or the IP packet on a device without Ethernet */
            int iovcnt;
            bool ethernet;
            struct frame_meta meta;
        } packet;
        struct {
            enum tcp_state from, to;
            struct endpoint local, remote;
            const char *cause; /* static storage */
        } state;
        struct {
            uint64_t packet;
            enum drop drop;
            uint8_t protocol;         /* of IP; 0: not known, and neither are the endpoints */
            struct endpoint from, to; /* as the packet says; no ports: 0 */
        } drop;
        struct {
            enum timer_kind kind;
            instant deadline;
        } timer;
        struct {
            uint32_t seq, len;
            enum why trigger;
            uint32_t count; /* how often in a row */
            struct endpoint local, remote;
        } retransmit;
        struct {
            uint32_t cwnd, ssthresh;
            const char *cause; /* static storage */
        } cwnd;
        struct {
            enum held_by by;
            uint32_t unsent; /* octets that wait, the FIN as one */
            uint32_t window; /* octets that the peer takes beyond those that it has acknowledged */
            struct endpoint local, remote;
            int64_t waited_ns; /* STALL: since when, before `when` */
        } held;
        struct {
            bool sent; /* else it came, and was believed */
            enum why why;
            struct endpoint local, remote;
        } reset;
        struct {
            struct ip_addr addr;
            const char *state; /* static storage */
        } neighbour;
        struct {
            const char *text; /* static storage */
            int64_t value;
        } note;
    };
};

TAPIO_API const char *event_type_name(enum event_type type);
/* Does the ring keep it? Else it is per packet, and exists only while somebody listens. */
TAPIO_API bool event_is_decision(enum event_type type);
/* What it says in words, often with the clause that asks for it at the end, in static storage; NULL
 * when its fields say it all. */
TAPIO_API const char *event_sentence(const struct event *event);
/* The clause in such a sentence, "RFC 9293, 3.10.7.4": its length, 0 when there is none. `*clause`
 * points into the sentence, and has no end of its own. */
TAPIO_API size_t sentence_clause(const char *sentence, const char **clause);
TAPIO_API const char *timer_kind_name(enum timer_kind kind);

/* Somebody who listens. Embed it, set the function, and add it to a stack with
 * stack_listen(); it must outlive its stay there. Called synchronously: be quick, and call
 * nothing of the stack's from inside. */
struct event_sink {
    void (*event)(struct event_sink *sink, const struct event *event);
    struct event_sink *next; /* the stack's */
};

#ifdef __cplusplus
}
#endif
#endif
