/*
 * wheel.h - a hierarchical timer wheel: arm, disarm and fire in O(1).
 *
 * Seven levels of 64 slots; a tick is 2^16 ns (65.5 us). A deadline is rounded up to the start of a
 * tick, and the timer fires at the first wheel_expire() at that start or later: never early, less
 * than a tick late. Finding the next deadline looks at one bitmap a level.
 *
 * A tick is fired once. What is armed for a tick that has been fired, the past included, fires at
 * the start of the next one: so a timer that is armed again while timers expire, for whatever
 * deadline, waits for a later wheel_expire() of a later tick, and a loop that follows
 * wheel_deadline() gets on.
 *
 * A wheel holds lists that point at itself, and a timer is held by them: neither may be copied.
 */
#ifndef TAPIO_BASE_WHEEL_H
#define TAPIO_BASE_WHEEL_H

#include "base/instant.h"
#include "base/list.h"

enum { WHEEL_LEVELS = 7, WHEEL_SLOTS = 64, WHEEL_TICK_BITS = 16 };

/* Ticks count from the smallest instant, so they are never negative; 48 bits hold them all. */
#define WHEEL_ORIGIN  (UINT64_C(1) << 63)
#define WHEEL_NO_TICK ((UINT64_C(1) << (64 - WHEEL_TICK_BITS)) - 1)

/* The first tick that begins at `t` or after it. */
static inline uint64_t wheel_tick_after(instant t)
{
    uint64_t ns = (uint64_t)t.ns ^ WHEEL_ORIGIN;
    uint64_t partial = ns & ((UINT64_C(1) << WHEEL_TICK_BITS) - 1);
    return (ns >> WHEEL_TICK_BITS) + (partial != 0);
}

/* Embed it; `owner` tells whoever pops it what it is in. Zeroed memory must see timer_init() before
 * anything else. */
struct timer {
    struct list node;
    uint64_t tick : 48; /* that it is armed for; WHEEL_NO_TICK when it is not */
    uint64_t owner : 7;
    uint64_t level : 3, slot : 6;
};
static_assert(sizeof(struct timer) == 24, "there is one in every connection");

struct wheel {
    uint64_t tick;  /* all ticks before this one have been fired; 0 is the one of INT64_MIN */
    uint32_t armed; /* timers, those in `due` included */
    uint64_t occupied[WHEEL_LEVELS];
    struct list slots[WHEEL_LEVELS][WHEEL_SLOTS];
    struct list due; /* fired, and not yet given out by wheel_expire() */
};

void wheel_init(struct wheel *wheel, instant now);
void timer_init(struct timer *timer, uint8_t owner);
static inline bool timer_is_armed(const struct timer *timer)
{
    return timer->tick != WHEEL_NO_TICK;
}
/* Does it fire no later than one that is armed for `deadline`? Nothing is later than never. */
static inline bool timer_fires_by(const struct timer *timer, instant deadline)
{
    return timer->tick <= wheel_tick_after(deadline);
}
/* Arms it, or moves it; INSTANT_NEVER disarms. A deadline in the past fires at the next
 * wheel_expire(), or a tick later when this tick has been fired. */
void wheel_arm(struct wheel *wheel, struct timer *timer, instant deadline);
void wheel_disarm(struct wheel *wheel, struct timer *timer);
/* Arms it for `deadline`, unless it fires no later already. */
static inline void wheel_arm_by(struct wheel *wheel, struct timer *timer, instant deadline)
{
    if (!timer_fires_by(timer, deadline))
        wheel_arm(wheel, timer, deadline);
}
/* The next timer whose deadline has passed, disarmed, or NULL. Call until NULL with the same `now`;
 * each timer that was due at the first call comes once, in the order of their ticks, also when it
 * is armed again meanwhile, and not at all when it is disarmed or armed for later before its turn.
 * A `now` before an earlier one fires nothing new. */
struct timer *wheel_expire(struct wheel *wheel, instant now);
/* When wheel_expire() should be called next: no later than needed for the first timer, possibly
 * earlier (when a coarse slot must be looked into; a timer is met so at most once a level). A past
 * instant when a timer is due and not yet given out; INSTANT_NEVER without timers. Once
 * wheel_expire() has returned NULL for some `now`, this is later than `now`. */
instant wheel_deadline(const struct wheel *wheel);

#endif
