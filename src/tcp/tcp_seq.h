/*
 * tcp_seq.h - the circle that sequence numbers live on (RFC 9293, 3.4).
 *
 * Being a struct, a sequence number refuses "a < b" and "a + 1" at compile time, so nobody can
 * forget that 2^32 - 1 comes just before 0. All comparisons are right while the two are less than
 * 2^31 apart, which windows of at most 2^30 octets guarantee (RFC 7323, 2.3).
 */
#ifndef TAPIO_TCP_SEQ_H
#define TAPIO_TCP_SEQ_H

#include "base/base.h"

typedef struct {
    uint32_t value;
} tcp_seq;

static inline tcp_seq seq(uint32_t value)
{
    return (tcp_seq){value};
}

static inline tcp_seq seq_add(tcp_seq s, uint32_t n)
{
    return seq(s.value + n);
}

static inline tcp_seq seq_sub(tcp_seq s, uint32_t n)
{
    return seq(s.value - n);
}

/* How far `a` is ahead of `b`; meant for a >= b on the circle. */
static inline uint32_t seq_diff(tcp_seq a, tcp_seq b)
{
    return a.value - b.value;
}

static inline bool seq_eq(tcp_seq a, tcp_seq b)
{
    return a.value == b.value;
}

static inline bool seq_lt(tcp_seq a, tcp_seq b)
{
    return (int32_t)(a.value - b.value) < 0;
}

static inline bool seq_le(tcp_seq a, tcp_seq b)
{
    return !seq_lt(b, a);
}

static inline tcp_seq seq_max(tcp_seq a, tcp_seq b)
{
    return seq_lt(a, b) ? b : a;
}

static inline tcp_seq seq_min(tcp_seq a, tcp_seq b)
{
    return seq_lt(a, b) ? a : b;
}

/* left =< s < left + len */
static inline bool seq_in(tcp_seq s, tcp_seq left, uint32_t len)
{
    return s.value - left.value < len;
}

#endif
