/*
 * isn.h - where to start counting: the initial sequence number (RFC 9293, 3.4.1).
 *
 * ISN = M + F(tuple, secret): M ticks once in 4 us (MUST-8), F is SipHash under a key of 128 bits
 * from the system's random source (SHLD-1, MUST-9). One tuple's numbers advance with the clock, so
 * a new incarnation starts above the old one unless that went faster than the clock; two tuples
 * have nothing in common.
 */
#ifndef TAPIO_TCP_ISN_H
#define TAPIO_TCP_ISN_H

#include "base/hash.h"
#include "base/instant.h"
#include "tcp/tcp_seq.h"

static inline tcp_seq isn_of(struct hash_key key, struct endpoint local, struct endpoint remote,
                             instant now)
{
    return seq((uint32_t)(now.ns / (4 * NS_PER_US)) + (uint32_t)siphash_tuple(key, local, remote));
}

#endif
