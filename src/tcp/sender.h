/*
 * sender.h - what a connection knows of the text in flight, and has learnt of the path from it.
 *
 * It is there while something is in flight (our SYN does not count), and afterwards when it has
 * learnt something: after the first loss. An idle connection that never lost anything has none.
 *
 * Three phases. In recovery what RACK, three duplicate ACKs or a probe of the tail have shown to be
 * lost is repaired; after a timeout the flight is built up again from one segment. Both end when
 * all that was in flight at their beginning is acknowledged (`recover`), and before that nothing
 * begins a new one: one reduction for one flight. While the phase is open `recover` says nothing.
 */
#ifndef TAPIO_TCP_SENDER_H
#define TAPIO_TCP_SENDER_H

#include "tcp/newreno.h"
#include "tcp/pacing.h"
#include "tcp/prr.h"
#include "tcp/rack.h"

/* Why what is lost was last taken for lost. */
enum lost_by { LOST_BY_DUPLICATES, LOST_BY_SACK, LOST_BY_TIMEOUT, LOST_BY_PROBE, LOST_BY_SIZE };

enum phase { PHASE_OPEN, PHASE_RECOVERY, PHASE_TIMEOUT };

/* F-RTO (RFC 5682): what the next ACK after a timeout decides. */
enum frto {
    FRTO_OFF,
    FRTO_REPEATED, /* the first segment has left again: does the ACK go beyond it? (step 2) */
    FRTO_NEW_TEXT, /* new text leaves instead of more of the old: is old text acknowledged, that was
                      sent once? (step 3) */
};

/* What would have to be put back if the loss turns out to have been none. */
struct undo {
    bool is_possible;
    struct cc_state before;
    tcp_seq from, to; /* what was in flight */
    tcp_seq until;    /* when more is acknowledged, no D-SACK about it is to come */
    uint32_t again;   /* octets of it that were sent again, and that no D-SACK has told of; */
    instant first;    /* since then; INSTANT_NEVER: none was */
};

/* The probe of a tail (RFC 8985, 7). */
struct tail_probe {
    bool is_owed;   /* it is to be sent */
    bool is_out;    /* TLP.end_seq is set: */
    tcp_seq end;    /* this */
    bool is_repeat; /* TLP.is_retrans */
    bool unsampled; /* no round trip was measured since the last one */
};

struct sender {
    struct flight flight;
    struct rack rack;
    struct cc_memory cc;
    struct newreno newreno; /* without SACK */
    struct prr prr;
    struct pacing pacing; /* unused unless tcp.pacing */
    struct undo undo;
    struct tail_probe probe;
    uint8_t phase;   /* enum phase */
    uint8_t frto;    /* enum frto */
    uint8_t lost_by; /* enum lost_by */
    bool rescued;    /* the rescue retransmission of this recovery was used (RFC 6675, 4, rule 4) */
    tcp_seq recover; /* RecoveryPoint */
    tcp_seq small_end;    /* behind the last segment that was not full (tcp.minshall) */
    tcp_seq push_end;     /* behind the last octet that was pushed */
    tcp_seq full_end;     /* behind the last one that filled cwnd */
    tcp_seq ecn_until;    /* SND.NXT when ECE was last answered, with conn->ecn_answered */
    tcp_seq timed;        /* the round trip ends when this is acknowledged, with conn->timing */
    uint16_t doubted_mss; /* the MSS before a black hole was suspected; 0: none is */
    instant reorder_at;   /* what is late by then is lost (RFC 8985, 6.2, step 5) */
    instant probe_at;     /* PTO */
    instant pace_at;      /* when pacing lets the next segment go */
};

static inline bool sender_is_idle(const struct sender *s)
{
    return flight_is_empty(&s->flight);
}

#endif
