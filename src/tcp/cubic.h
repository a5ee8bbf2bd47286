/*
 * cubic.h - how cwnd grows and shrinks by CUBIC (RFC 9438, 4).
 *
 * After a loss at W_max cwnd grows along a cubic curve of the time since then: fast at first,
 * slowly around W_max, and fast again beyond it; and never more slowly than Reno would. Pure: it
 * counts octets and moments. When a loss is a loss is the caller's to say, and slow start is not
 * here.
 */
#ifndef TAPIO_TCP_CUBIC_H
#define TAPIO_TCP_CUBIC_H

#include "base/instant.h"

struct cubic {
    uint32_t w_max; /* cwnd when the last loss was noticed, or less; 0: none was yet */
    uint32_t prior; /* cwnd_prior */
    uint32_t w_est; /* what Reno would have now */
    uint64_t rest;  /* of w_est and */
    uint64_t owed;  /* of cwnd: what is less than an octet, times cwnd */
    int64_t k_ms;   /* from the beginning of the curve to its flat part */
    instant epoch;  /* its beginning, as if time had stood still while cwnd was not the limit */
    instant seen;   /* when cwnd last grew */
    bool begun;     /* the curve has */
    bool from_here; /* its flat part is its beginning: after a timeout, or before any loss */
};

void cubic_init(struct cubic *c);

/* A loss was noticed, with `flight` octets out: the new ssthresh (4.6, 4.7). */
uint32_t cubic_reduce(struct cubic *c, uint32_t cwnd, uint32_t flight, uint32_t mss);
/* The same after a timeout (4.8). */
uint32_t cubic_timeout(struct cubic *c, uint32_t cwnd, uint32_t flight, uint32_t mss);
/* In congestion avoidance `acked` octets have arrived while cwnd was the limit: the new cwnd (4.2
 * to 4.5). */
uint32_t cubic_grow(struct cubic *c, uint32_t cwnd, uint32_t acked, uint32_t mss, int64_t srtt_ns,
                    instant now);
/* Something arrived while cwnd was not the limit: that time does not count (4.2). */
void cubic_pause(struct cubic *c, instant now);

#endif
