/*
 * cubic.c - see cubic.h.
 *
 * Without floating point: time in milliseconds, windows in octets, and the fractions of octets that
 * an ACK earns are kept for the next one. C is 0.4 segments a second to the third, so
 *
 *     C * t^3 segments  =  4 * mss * t^3 / 10^10 octets, t in ms
 *     K^3               =  (W_max - cwnd) / mss * 25 * 10^8, in ms
 *
 * The curve is cut off at 1.5 cwnd anyway (4.2), so time beyond half an hour is as good as half an
 * hour, and all products stay within 64 bits.
 *
 * Left out: giving back what a spurious reduction took (4.9): undoing is the caller's.
 */
#include "tcp/cubic.h"

#include "base/base.h"

enum { TIME_MAX_MS = 1800000, BETA_10 = 7, SEGMENTS_LEAST = 2 };

static const uint32_t cwnd_max = INT32_MAX / 2;

void cubic_init(struct cubic *c)
{
    *c = (struct cubic){.from_here = true};
}

static uint32_t beta_of(uint32_t octets)
{
    return (uint32_t)((uint64_t)octets * BETA_10 / 10);
}

/* The largest whole number whose cube is not larger. */
static int64_t cube_root(uint64_t value)
{
    uint64_t root = 0;

    for (uint64_t bit = UINT64_C(1) << 20; bit > 0; bit >>= 1) {
        uint64_t trial = root | bit;
        if (trial * trial * trial <= value)
            root = trial;
    }
    return (int64_t)root;
}

static uint32_t reduced(struct cubic *c, uint32_t cwnd, uint32_t flight, uint32_t mss)
{
    c->prior = cwnd;
    c->begun = false;
    return u32_max(beta_of(flight), SEGMENTS_LEAST * mss);
}

uint32_t cubic_reduce(struct cubic *c, uint32_t cwnd, uint32_t flight, uint32_t mss)
{
    /* A path that has less than before is left more quickly to whoever came (4.7). */
    c->w_max = cwnd < c->w_max ? (uint32_t)((uint64_t)cwnd * (10 + BETA_10) / 20) : cwnd;
    c->from_here = false;
    return reduced(c, cwnd, flight, mss);
}

uint32_t cubic_timeout(struct cubic *c, uint32_t cwnd, uint32_t flight, uint32_t mss)
{
    c->from_here = true;
    return reduced(c, cwnd, flight, mss);
}

static void begin(struct cubic *c, uint32_t cwnd, uint32_t mss, instant now)
{
    c->begun = true;
    c->epoch = c->seen = now;
    c->w_est = cwnd;
    c->rest = c->owed = 0;
    if (c->from_here || c->w_max <= cwnd) {
        c->w_max = cwnd;
        c->k_ms = 0;
    } else {
        c->k_ms = cube_root((uint64_t)(c->w_max - cwnd) * UINT64_C(2500000000) / mss);
    }
}

/* W_cubic(t), in octets, no lower than 0 and no higher than cwnd_max. */
static uint32_t curve(const struct cubic *c, int64_t t_ms, uint32_t mss)
{
    int64_t t = t_ms - c->k_ms;
    bool before = t < 0;
    uint64_t away = (uint64_t)(before ? -t : t);

    if (away > TIME_MAX_MS)
        away = TIME_MAX_MS;
    uint64_t cube = away * away * away; /* below 6 * 10^18 */
    uint64_t octets = cube < UINT64_C(10000000000000) ? cube * 4 * mss / UINT64_C(10000000000)
                                                      : cube / 100000 * 4 * mss / 100000;
    if (before)
        return octets < c->w_max ? c->w_max - (uint32_t)octets : 0;
    return octets < cwnd_max - c->w_max ? c->w_max + (uint32_t)octets : cwnd_max;
}

/* What Reno would have: alpha segments a round trip, 9/17 of one until it has reached what it was
 * before, and one from then on (4.3). */
static void grow_like_reno(struct cubic *c, uint32_t cwnd, uint32_t acked, uint32_t mss)
{
    bool reached = c->w_est >= c->prior;
    uint64_t part = (uint64_t)mss * acked * (reached ? 17 : 9) + c->rest;

    c->w_est += (uint32_t)(part / (17 * (uint64_t)cwnd));
    c->rest = part % (17 * (uint64_t)cwnd);
}

void cubic_pause(struct cubic *c, instant now)
{
    if (!c->begun)
        return;
    c->epoch = instant_add(c->epoch, instant_since(now, c->seen));
    c->seen = now;
}

uint32_t cubic_grow(struct cubic *c, uint32_t cwnd, uint32_t acked, uint32_t mss, int64_t srtt_ns,
                    instant now)
{
    if (!c->begun)
        begin(c, cwnd, mss, now);
    c->seen = now;
    acked = u32_min(acked, cwnd);
    grow_like_reno(c, cwnd, acked, mss);

    int64_t t_ms = instant_since(now, c->epoch) / NS_PER_MS;
    uint32_t target = curve(c, t_ms + srtt_ns / NS_PER_MS, mss);
    target = u32_min(target, cwnd + cwnd / 2);
    if (curve(c, t_ms, mss) < c->w_est) /* the Reno-friendly region */
        return u32_max(cwnd, u32_min(c->w_est, cwnd_max));
    if (target <= cwnd)
        return cwnd;
    uint64_t part = (uint64_t)(target - cwnd) * acked + c->owed;
    c->owed = part % cwnd;
    return cwnd + (uint32_t)(part / cwnd);
}
