/*
 * pacing.c - see pacing.h.
 *
 * A bucket that leaks at the rate, kept as a moment: `due` is when it will be empty. What leaves
 * moves `due` on by what it costs, octets / rate; it may leave while the bucket has room for it, or
 * when the bucket is empty, however large it is.
 *
 * Timers. A timer for every segment would be too many of them (at 10 Gb/s 800,000 a second), so a
 * connection waits for the next full grain of time, 16 ticks of the wheel or 1.05 ms, and sends
 * then what has become due. All connections wait for the same grains: a loop with a thousand of
 * them wakes up a thousand times a second and not a million. The bucket holds two grains, one to
 * wait and one to be late in: within that nothing of the rate is lost. ACKs that come meanwhile
 * find what has leaked by then, and most connections on fast paths never wait for a timer.
 *
 * Costs are in nanoseconds, rounded up: a segment of 1460 octets is paced to 137 Gb/s within one
 * percent. What would be faster is not paced.
 *
 * Left out: a rate that the application asks for (SO_MAX_PACING_RATE).
 */
#include "tcp/pacing.h"

#include "base/wheel.h"

enum { SEGMENTS_AT_ONCE = 2, GRAINS_AT_ONCE = 2 };

#define GRAIN_NS       (INT64_C(1) << (WHEEL_TICK_BITS + 4))
#define UNITS_PER_S    (NS_PER_S / PACING_UNIT)
#define GAIN_DOUBLING  (UNITS_PER_S * 2)
#define GAIN_AVOIDANCE (UNITS_PER_S * 6 / 5)

static_assert(sizeof(struct pacing) == 16, "every connection has one");
/* What a window and a segment are multiplied with. */
static_assert(GAIN_DOUBLING <= INT64_MAX / UINT32_MAX, "a product stays within 63 bits");

void pacing_init(struct pacing *p, uint32_t initial_window)
{
    *p = (struct pacing){.free = initial_window};
}

/* What is owed was sold at the old price. After a slow time that may be seconds, which a fast one
 * should not have to wait for; when the price rises, it stays as it is. To a microsecond, and as if
 * no more than half an hour were owed: so the product stays within 63 bits. */
static instant owed_at(uint32_t rate, const struct pacing *p, instant now)
{
    int64_t owed_us = instant_since(p->due, now) / NS_PER_US;

    if (rate <= p->rate || owed_us <= 0)
        return p->due;
    owed_us = owed_us < INT32_MAX ? owed_us : INT32_MAX;
    return instant_add(now, owed_us * p->rate / rate * NS_PER_US);
}

void pacing_set(struct pacing *p, uint32_t cwnd, uint32_t ssthresh, int64_t srtt_ns, uint32_t mss,
                instant now)
{
    if (srtt_ns <= 0)
        return;
    /* With cwnd beyond half of ssthresh, the next round trip would be the one too many (Linux). */
    int64_t gain = cwnd < ssthresh / 2 ? GAIN_DOUBLING : GAIN_AVOIDANCE;
    int64_t rate = cwnd * gain / srtt_ns;
    if (rate < mss / PACING_UNIT + 1)
        rate = mss / PACING_UNIT + 1; /* a segment each second at least */
    uint32_t units = rate <= UINT32_MAX ? (uint32_t)rate : 0;
    p->due = owed_at(units, p, now);
    p->rate = units;
}

static int64_t cost_ns(const struct pacing *p, uint32_t octets)
{
    return ((int64_t)octets * UNITS_PER_S + p->rate - 1) / p->rate;
}

/* What the bucket holds, in nanoseconds of the rate. */
static int64_t bucket_ns(const struct pacing *p, uint32_t mss)
{
    int64_t segments = cost_ns(p, SEGMENTS_AT_ONCE * mss);

    return segments < GRAINS_AT_ONCE * GRAIN_NS ? GRAINS_AT_ONCE * GRAIN_NS : segments;
}

/* When `octets` find room in the bucket. While any of the initial window is left the bucket is
 * empty, and that is at once. */
static instant earliest(const struct pacing *p, uint32_t octets, uint32_t mss)
{
    if (p->rate == 0)
        return (instant){INT64_MIN};
    int64_t holds = bucket_ns(p, mss), cost = cost_ns(p, octets);
    return instant_add(p->due, cost < holds ? cost - holds : 0);
}

bool pacing_allows(const struct pacing *p, uint32_t octets, uint32_t mss, instant now)
{
    return !instant_before(now, earliest(p, octets, mss));
}

uint32_t pacing_room(const struct pacing *p, uint32_t mss, instant now)
{
    if (p->rate == 0)
        return UINT32_MAX;
    int64_t owed = instant_before(now, p->due) ? instant_since(p->due, now) : 0;
    int64_t room = bucket_ns(p, mss) - owed;
    if (room <= 0)
        return 0;
    /* at most 2 s of a rate of 2^32 units: within 63 bits */
    uint64_t octets = (uint64_t)room * p->rate / UNITS_PER_S + p->free;
    return octets < UINT32_MAX ? (uint32_t)octets : UINT32_MAX;
}

instant pacing_next(const struct pacing *p, uint32_t octets, uint32_t mss)
{
    instant at = earliest(p, octets, mss);
    int64_t into_grain = at.ns & (GRAIN_NS - 1);

    return instant_add(at, into_grain ? GRAIN_NS - into_grain : 0);
}

void pacing_sent(struct pacing *p, uint32_t octets, instant now)
{
    uint32_t unpaid = u32_min(octets, p->free);

    p->free -= unpaid;
    if (p->rate == 0)
        return;
    instant from = instant_before(p->due, now) ? now : p->due;
    p->due = instant_add(from, cost_ns(p, octets - unpaid));
}
