/*
 * instant.h - time is a value.
 *
 * Nobody under src/ reads a clock: whoever calls says what time it is. An instant and an int64_t
 * number of nanoseconds (a duration) cannot be mixed up, because one is a struct.
 */
#ifndef TAPIO_BASE_INSTANT_H
#define TAPIO_BASE_INSTANT_H

#include <tapio/types.h>

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S  INT64_C(1000000000)

#define INSTANT_NEVER ((instant){INT64_MAX})

/* `ns` may be negative. Never is never, however long one adds to it. */
static inline instant instant_add(instant t, int64_t ns)
{
    return ns > 0 && t.ns > INT64_MAX - ns ? INSTANT_NEVER : (instant){t.ns + ns};
}

/* How long from `earlier` to `later`; negative when they are the other way round. */
static inline int64_t instant_since(instant later, instant earlier)
{
    return later.ns - earlier.ns;
}

static inline bool instant_before(instant a, instant b)
{
    return a.ns < b.ns;
}

static inline instant instant_min(instant a, instant b)
{
    return a.ns < b.ns ? a : b;
}

static inline bool instant_is_never(instant t)
{
    return t.ns == INT64_MAX;
}

/* --- the low 32 bits of the clock in milliseconds, which go round in 49 days --------------------
 */

static inline uint32_t instant_ms(instant t)
{
    return (uint32_t)(t.ns / NS_PER_MS);
}

/* The same of seconds, in 136 years. */
static inline uint32_t instant_s(instant t)
{
    return (uint32_t)(t.ns / NS_PER_S);
}

/* How long ago it was `ms`, in whole milliseconds of the clock. */
static inline int64_t instant_since_ms(instant now, uint32_t ms)
{
    return (uint32_t)(instant_ms(now) - ms) * NS_PER_MS;
}

/* When it was `ms` last. */
static inline instant instant_of_ms(uint32_t ms, instant now)
{
    return (instant){now.ns / NS_PER_MS * NS_PER_MS - instant_since_ms(now, ms)};
}

/* --- in 32 bits: whole microseconds, told beside an instant less than BRIEF_NS away -------- */

#define BRIEF_NS (INT64_C(0x7fffffff) * NS_PER_US) /* 35 minutes */

static inline uint32_t instant_brief(instant t)
{
    return (uint32_t)(t.ns / NS_PER_US);
}

static inline instant instant_from_brief(uint32_t brief, instant known)
{
    int64_t us = known.ns / NS_PER_US;

    return (instant){(us + (int32_t)(brief - (uint32_t)us)) * NS_PER_US};
}

#endif
