/*
 * prr.h - how much may leave while a loss is repaired: Proportional Rate Reduction (RFC 9937).
 *
 * Over the round trip that a recovery takes, the flight is brought down to ssthresh a little with
 * each ACK, instead of by a pause of half a round trip; and when more was lost than that, the
 * flight is built up again no faster than octets arrive. Pure, in octets.
 */
#ifndef TAPIO_TCP_PRR_H
#define TAPIO_TCP_PRR_H

#include "base/base.h"

struct prr {
    uint32_t delivered; /* prr_delivered: that arrived in this recovery */
    uint32_t out;       /* prr_out: that left in it */
    uint32_t recover;   /* RecoverFS: the flight at its beginning */
    uint32_t ssthresh;
};

/* A recovery begins (6.1). `flight` is SND.NXT - SND.UNA, `sacked` what SACK has told before this
 * ACK, `acked` what this one acknowledges. */
void prr_begin(struct prr *p, uint32_t flight, uint32_t sacked, uint32_t acked, uint32_t ssthresh);
/* An ACK has told of `delivered` octets, cumulatively or by SACK, and `in_flight` may still be
 * under way (6.2). `safe`: SND.UNA has advanced, and nothing more is taken for lost. The cwnd until
 * the next ACK; without anything delivered it stays as it is, `cwnd`. */
uint32_t prr_cwnd(struct prr *p, uint32_t cwnd, uint32_t in_flight, uint32_t delivered, bool safe,
                  uint32_t mss);
/* So many octets have left, for the first time or again. */
void prr_sent(struct prr *p, uint32_t octets);

#endif
