/*
 * cc.h - congestion control: how much may be in flight (RFC 5681).
 *
 * What all algorithms share is here: slow start, the first window, the restart after idleness, a
 * window of one segment after a timeout. What they differ in, how cwnd grows in congestion
 * avoidance and by how much it shrinks, is a table of four operations. Pure: it counts octets and
 * moments, and knows no connection. When a loss is a loss is the business of recovery.
 */
#ifndef TAPIO_TCP_CC_H
#define TAPIO_TCP_CC_H

#include "tcp/cubic.h"
#include "tcp/hystart.h"

enum cc_algorithm { CC_NEWRENO, CC_CUBIC, CC_ALGORITHMS };

/* What an algorithm remembers between two ACKs: there while something is in flight, and afterwards
 * unless it says nothing (cc_is_fresh()). */
struct cc_memory {
    uint32_t acked; /* NewReno: octets since cwnd last grew in congestion avoidance */
    struct cubic cubic;
    struct hystart hystart;
};

/* What outlasts idleness. */
struct cc {
    uint32_t cwnd;         /* octets */
    uint32_t ssthresh;     /* octets; UINT32_MAX: no loss yet */
    uint16_t mss;          /* SMSS */
    uint8_t abc_limit;     /* L of RFC 3465, 2.2, in segments; 0: none */
    uint8_t algorithm : 4; /* enum cc_algorithm */
    bool paced : 1;        /* what an ACK lets leave does not leave at once */
    bool hystart : 1;      /* HyStart++ ends the first slow start, if the algorithm has it */
    bool reduced : 1;      /* for what is in flight an echo has cut ssthresh already */
};
static_assert(sizeof(struct cc) == 12, "there is one in every connection");

/* An ACK of new octets, outside of fast recovery. */
struct cc_ack {
    uint32_t acked;
    bool limited;    /* the sender had more to say, and it was cwnd that kept it */
    bool after_loss; /* what a timeout has taken for lost is being repaired (RFC 3465, 2.3) */
    int64_t srtt_ns;
    int64_t rtt_ns;   /* a round trip that it has measured; negative: none */
    tcp_seq ack, nxt; /* SEG.ACK, SND.NXT */
    instant now;
};

enum cc_growth { GROWTH_NONE, GROWTH_SLOW_START, GROWTH_AVOIDANCE };

struct cc_ops {
    const char *name;
    const char *growth; /* how it grows cwnd in congestion avoidance, for people */
    bool hystart;       /* its first slow start ends by HyStart++ (RFC 9438, 4.10) */
    /* A loss was noticed, or a timeout, with `flight` octets out: the new ssthresh. */
    uint32_t (*on_loss)(const struct cc *cc, struct cc_memory *memory, uint32_t flight);
    uint32_t (*on_timeout)(const struct cc *cc, struct cc_memory *memory, uint32_t flight);
    /* Congestion avoidance, while cwnd is the limit. */
    void (*grow)(struct cc *cc, struct cc_memory *memory, const struct cc_ack *ack);
    /* The same while it is not. NULL: nothing. */
    void (*pause)(struct cc_memory *memory, instant now);
};

extern const struct cc_ops *const cc_algorithms[CC_ALGORITHMS];

/* RFC 6928, 2: min(10*MSS, max(2*MSS, 14600)); one segment after a lost SYN (RFC 5681, 3.1). */
uint32_t cc_initial_window(uint16_t mss, bool syn_was_lost);
void cc_init(struct cc *cc, enum cc_algorithm algorithm, uint16_t mss);
void cc_memory_init(struct cc_memory *memory, tcp_seq nxt);
/* The other algorithm from now on: cwnd and ssthresh stay, what was remembered (NULL: nothing) does
 * not. */
void cc_choose(struct cc *cc, struct cc_memory *memory, enum cc_algorithm algorithm, tcp_seq nxt);
/* The handshake is done: the first cwnd. */
void cc_open(struct cc *cc, uint16_t mss, bool syn_was_lost);
enum cc_growth cc_on_ack(struct cc *cc, struct cc_memory *memory, const struct cc_ack *ack);
/* A loss was noticed with `flight` octets out: ssthresh shrinks, unless an echo has cut it for them
 * already, and cwnd is the caller's. */
void cc_on_loss(struct cc *cc, struct cc_memory *memory, uint32_t flight);
/* The retransmission timer expired with `flight` octets out (without those that were taken for lost
 * before). `again`: for the same segment as the last time. */
void cc_on_timeout(struct cc *cc, struct cc_memory *memory, uint32_t flight, bool again);
/* The peer echoes a congestion mark with `flight` octets out: as for a loss, with nothing to send
 * again (RFC 3168, 6.1.2). The caller sees to it that each window of data is cut once, and ends
 * `reduced` with it. */
void cc_on_echo(struct cc *cc, struct cc_memory *memory, uint32_t flight);
/* Nothing was sent for longer than an RTO (RFC 5681, 4.1). Has cwnd changed? */
bool cc_on_idle(struct cc *cc);

/* Nothing has been learnt of the path that memory would have to keep. */
static inline bool cc_is_fresh(const struct cc *cc)
{
    return cc->ssthresh == UINT32_MAX;
}

/* --- undoing: as if there had been no loss ---------------------------------------------------- */

struct cc_state {
    uint32_t cwnd, ssthresh;
    struct cc_memory memory;
};

void cc_save(const struct cc *cc, const struct cc_memory *memory, struct cc_state *out);
/* cwnd and ssthresh are at least what they were. */
void cc_restore(struct cc *cc, struct cc_memory *memory, const struct cc_state *from);

#endif
