/*
 * pacing.h - when the next octets may leave, so that a window does not leave as one burst.
 *
 * cwnd says how much may be out, pacing spreads it over the round trip: rate = gain * cwnd / SRTT,
 * the gain being 2 while cwnd may still double and 1.2 afterwards, so that a round trip that varies
 * leaves nothing of cwnd unused (RFC 9002, 7.7; Linux has the same figures). What may leave at once
 * is a burst: about two milliseconds at that rate, no less than two segments; and, before all
 * else, the initial window.
 *
 * Pure: before a segment the caller asks whether it may leave, and if not, when; once it has left,
 * it tells. What carries no text is not paced.
 */
#ifndef TAPIO_TCP_PACING_H
#define TAPIO_TCP_PACING_H

#include "base/base.h"
#include "base/instant.h"

struct pacing {
    instant due;   /* when what has left will have been paid for, at `rate` */
    uint32_t rate; /* in PACING_UNITs a second; 0: not paced */
    uint32_t free; /* octets of the initial window that may still leave unpaid */
};

enum { PACING_UNIT = 4 }; /* octets a second: so 32 bits reach to 137 Gb/s */

/* Nothing is paced before the first pacing_set(). */
void pacing_init(struct pacing *p, uint32_t initial_window);
/* An ACK has come: cwnd or SRTT may be another. `srtt_ns` of 0: still unknown. */
void pacing_set(struct pacing *p, uint32_t cwnd, uint32_t ssthresh, int64_t srtt_ns, uint32_t mss,
                instant now);

/* May `octets` more leave now? */
bool pacing_allows(const struct pacing *p, uint32_t octets, uint32_t mss, instant now);
/* How many octets may leave now as one; UINT32_MAX when nothing is paced. */
uint32_t pacing_room(const struct pacing *p, uint32_t mss, instant now);
/* When it should be asked again, if nothing comes before: then they may, unless the rate has fallen
 * meanwhile. A moment in the past when they may already. At most about a thousand such moments are
 * in a second, the same for all connections. */
instant pacing_next(const struct pacing *p, uint32_t octets, uint32_t mss);
/* They have left. */
void pacing_sent(struct pacing *p, uint32_t octets, instant now);

/* In octets a second; UINT64_MAX: not paced. */
static inline uint64_t pacing_rate(const struct pacing *p)
{
    return p->rate ? (uint64_t)p->rate * PACING_UNIT : UINT64_MAX;
}

#endif
