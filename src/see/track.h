/*
 * track.h - connections as a capture shows them: what each segment does to its own.
 *
 * A capture may come from anywhere, begin in the middle of a connection, miss packets and hold them
 * twice. So nothing here is believed for longer than the next segment: numbers that jump are taken
 * over, and a state that was not seen to be reached is called a guess (`sure`).
 *
 * A is who opened the connection, or whoever was seen first when that was before the capture. The
 * states are those that both ends have once the packet has arrived: whether it does, a capture
 * cannot know. A packet with a wrong checksum, or one that the capturing stack says it has
 * discarded, changes nothing at its receiver.
 *
 * The table has room for TRACK_CONNS connections; the one that was quiet for longest gives way. All
 * costs of a packet are bounded, whatever comes.
 */
#ifndef TAPIO_SEE_TRACK_H
#define TAPIO_SEE_TRACK_H

#include <tapio/event.h>

#include "base/hash.h"
#include "base/instant.h"
#include "see/fields.h"

enum {
    TRACK_CONNS = 4096,
    TRACK_BUCKETS = 8192, /* a power of two */
    TRACK_HOLES = 32,     /* of a direction: what was passed over and may still come */
    TRACK_SENTENCE = 640,
};

/* What a packet is to its connection: a name for machines, and the clause where it is written down.
 */
#define TRACK_KINDS(X)                                                                             \
    X(NO_TCP, "no-tcp", "")                                                                        \
    X(FRAGMENT, "fragment", "RFC 791, 3.2")                                                        \
    X(ICMP_ERROR, "icmp-error", "RFC 9293, 3.9.2.2")                                               \
    X(UNREADABLE, "unreadable", "RFC 9293, 3.1")                                                   \
    X(BAD_SUM, "bad-checksum", "RFC 9293, 3.1")                                                    \
    X(SENSELESS, "senseless-flags", "RFC 9293, 3.10.7")                                            \
    X(SYN, "syn", "RFC 9293, 3.5")                                                                 \
    X(SYN_AGAIN, "syn-again", "RFC 9293, 3.8.1")                                                   \
    X(SYN_BOTH, "simultaneous-open", "RFC 9293, 3.5")                                              \
    X(SYN_INSIDE, "syn-inside", "RFC 5961, 4.2")                                                   \
    X(SYN_ACK, "syn-ack", "RFC 9293, 3.5")                                                         \
    X(SYN_ACK_AGAIN, "syn-ack-again", "RFC 9293, 3.8.1")                                           \
    X(SYN_ACK_WRONG, "syn-ack-wrong", "RFC 9293, 3.5.2")                                           \
    X(HANDSHAKE_DONE, "handshake-done", "RFC 9293, 3.5")                                           \
    X(TEXT, "text", "RFC 9293, 3.10.7.4")                                                          \
    X(TEXT_PARTLY, "text-partly-new", "RFC 9293, 3.10.7.4")                                        \
    X(BEYOND_HOLE, "text-beyond-hole", "RFC 5681, 4.2")                                            \
    X(FILLS_HOLE, "text-fills-hole", "RFC 5681, 4.2")                                              \
    X(AGAIN, "retransmission", "RFC 9293, 3.8.1")                                                  \
    X(AGAIN_IN_VAIN, "retransmission-in-vain", "RFC 2883")                                         \
    X(KEEP_ALIVE, "keep-alive", "RFC 9293, 3.8.4")                                                 \
    X(PROBE, "window-probe", "RFC 9293, 3.8.6.1")                                                  \
    X(ANSWER, "probe-answer", "RFC 9293, 3.10.7.4")                                                \
    X(ACK, "ack", "RFC 9293, 3.10.7.4")                                                            \
    X(ACK_SAME, "ack-same", "RFC 9293, 3.10.7.4")                                                  \
    X(ACK_OLD, "ack-old", "RFC 9293, 3.10.7.4")                                                    \
    X(ACK_DUP, "duplicate-ack", "RFC 5681, 2")                                                     \
    X(WINDOW, "window-update", "RFC 9293, 3.8.6")                                                  \
    X(WINDOW_ZERO, "window-zero", "RFC 9293, 3.8.6.1")                                             \
    X(FIN, "fin", "RFC 9293, 3.6")                                                                 \
    X(FIN_AGAIN, "fin-again", "RFC 9293, 3.8.1")                                                   \
    X(FIN_ACKED, "fin-acked", "RFC 9293, 3.6")                                                     \
    X(REFUSED, "refused", "RFC 9293, 3.5.2")                                                       \
    X(RESET, "reset", "RFC 9293, 3.5.3")                                                           \
    X(RESET_DOUBTFUL, "reset-doubtful", "RFC 5961, 3.2")                                           \
    X(RESET_OUTSIDE, "reset-outside", "RFC 5961, 3.2")

enum track_kind {
#define TRACK_ENUM(name, key, clause) TRACK_##name,
    TRACK_KINDS(TRACK_ENUM)
#undef TRACK_ENUM
        TRACK_KIND_COUNT
};

const char *track_kind_key(enum track_kind kind);
const char *track_kind_clause(enum track_kind kind);

/* Octets [from, to) of a direction. */
struct track_range {
    tcp_seq from, to;
};

/* What a SYN says. */
struct track_syn {
    tcp_seq seq;
    uint32_t len; /* of the text that comes with it (RFC 7413) */
    bool offers_scale;
    uint8_t scale;
    uint16_t window;
};

/* One end, and what it has sent. */
struct track_side {
    struct endpoint end;
    enum tcp_state state;
    bool sure;      /* about the state */
    bool heard;     /* it has sent something, so that `nxt` means something */
    bool has_first; /* relative numbers count from `first` */
    bool has_isn;   /* and that is the number of its SYN */
    bool has_ack;
    bool has_scale; /* its SYN was seen: */
    bool offers_scale;
    bool fin; /* sent, with the number `fin_seq` */
    bool fin_acked;
    bool asked; /* its last packet was a keep-alive or a probe */
    uint8_t scale;
    uint8_t hole_count;
    uint16_t window;
    uint32_t dup_acks;
    tcp_seq first, nxt, ack, fin_seq;
    struct track_range hole[TRACK_HOLES];
    bool has_inside; /* a SYN within the connection, which the peer may turn out to have forgotten:
                      */
    struct track_syn inside;
};

struct track_conn {
    uint32_t id;           /* from 1; 0: free */
    uint16_t next;         /* in its bucket, TRACK_CONNS: none */
    uint16_t newer, older; /* by when a packet came last */
    bool handshake_seen;
    struct track_side side[2]; /* A and B */
};

/* What was made of a packet. */
struct track_verdict {
    enum track_kind kind;
    uint32_t conn; /* its number, or 0: it belongs to none */
    bool a_to_b;
    struct endpoint a, b;
    enum tcp_state state_a, state_b; /* once it has arrived */
    bool sure_a, sure_b;
    bool relative; /* the following are known: */
    uint32_t seq, ack;
    bool has_ack;
    uint32_t len;    /* of text */
    uint64_t window; /* in octets; scaled where the scale is known: */
    bool scaled;
    uint32_t in_flight;        /* what the sender has sent and the peer not acknowledged */
    char text[TRACK_SENTENCE]; /* a sentence or two */
};

struct track {
    struct hash_key key;
    uint32_t ids;
    uint64_t evicted;
    uint16_t newest, oldest, used;
    uint16_t bucket[TRACK_BUCKETS];
    struct track_conn conn[TRACK_CONNS];
};

/* `key` is a secret where captures of strangers are read. */
void track_init(struct track *t, struct hash_key key);

/* The next packet of the capture. `discarded`: whoever captured it says that it went no further. */
void track_packet(struct track *t, const struct dissection *d, bool discarded,
                  struct track_verdict *out);

#endif
