/*
 * hystart.h - when slow start has gone far enough: HyStart++ (RFC 9406, 4).
 *
 * Slow start doubles cwnd until something is lost, and by then twice as much is out as the path can
 * hold. But before a queue overflows it fills, and round trips take longer: once the shortest of a
 * round is longer than that of the round before by an eighth, growth is slowed to a quarter (CSS,
 * conservative slow start). If round trips become shorter again, it was a false alarm; after five
 * rounds it was none, and slow start is over: ssthresh = cwnd.
 *
 * Only for the first slow start of a connection. Pure: the caller brings ACKs and round trips, and
 * asks for growth only while cwnd is what limits it.
 */
#ifndef TAPIO_TCP_HYSTART_H
#define TAPIO_TCP_HYSTART_H

#include "base/instant.h"
#include "tcp/tcp_seq.h"

enum hystart_phase { HYSTART_SLOW_START, HYSTART_CSS, HYSTART_OVER };

struct hystart {
    tcp_seq window_end;   /* the round ends when all before it has been acknowledged */
    uint32_t last_us;     /* lastRoundMinRTT, */
    uint32_t current_us;  /* and currentRoundMinRTT; UINT32_MAX: none */
    uint32_t baseline_us; /* cssBaselineMinRtt, in CSS */
    uint8_t samples;      /* rttSampleCount, no further than what is asked of it */
    uint8_t css_rounds;   /* that are left, this one included */
    uint8_t phase;        /* an enum hystart_phase */
};

/* The first round ends when what was sent before `nxt`, SND.NXT now, has been acknowledged. */
void hystart_init(struct hystart *h, tcp_seq nxt);

/* By how much cwnd grows for `acked` newly acknowledged octets. Not when slow start is over. Who
 * does not pace what it sends opens cwnd by eight segments an ACK at most. */
uint32_t hystart_growth(const struct hystart *h, uint32_t acked, uint32_t mss, bool paced);
/* Then: all before `ack` is acknowledged, and what will be sent next is `nxt`. `rtt_ns`: a round
 * trip that this ACK has measured; negative: none. True, once: slow start is over. */
bool hystart_ack(struct hystart *h, tcp_seq ack, tcp_seq nxt, int64_t rtt_ns);
/* Something was lost or marked: so it is over too, and how far is the loss's to say. */
void hystart_stop(struct hystart *h);

static inline bool hystart_is_over(const struct hystart *h)
{
    return h->phase == HYSTART_OVER;
}

#endif
