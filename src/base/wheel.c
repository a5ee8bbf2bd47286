/*
 * wheel.c - timers in slots whose width grows by 64 from level to level.
 *
 * A timer belongs to the tick at or after its deadline, so it never fires early. Where it waits
 * depends on how that tick differs from the current one. If they differ in the lowest 6 bits only,
 * it waits on level 0, in a slot of its own tick. If the highest bit in which they differ is among
 * the next 6, it waits on level 1, in a slot of 64 ticks, and so on. When the wheel comes to the
 * start of a slot above level 0, its timers are placed again, each on a lower level ("cascade"). A
 * timer moves at most once a level, so all is O(1) for a timer.
 *
 * From this follows what the code leans on, everywhere but in the middle of advance():
 *
 *   - above level 0, every occupied slot lies strictly ahead of the current tick, and on level 0 at
 *     it or ahead, all before the level's next wrap: so the lowest bit of the bitmap is the next
 * slot;
 *   - what waits on a level comes before all that waits on higher ones: so the lowest level that is
 *     not empty has the next slot of all, and an idle wheel of years is skipped in a few steps.
 *
 * Only the top level goes round: its 63 slots ahead cover about nine years, each of 52 days. What
 * lies beyond waits in the last of them and is placed again when that comes.
 *
 * wheel_expire() first moves all that is due at `now` into one list, in the order of ticks, and
 * then gives it out one by one. What is armed meanwhile gets a later tick, and therefore cannot
 * come again in the same turn; what is disarmed meanwhile leaves the list.
 *
 * An instant is a signed number. Ticks count from the smallest one, so they are never negative. A
 * timer knows its tick alone and not its deadline, which nobody asks for: 48 bits, and what is left
 * of 64 says whose it is and where it waits.
 */
#include "base/wheel.h"

enum { SLOT_BITS = 6, TOP = WHEEL_LEVELS - 1 };

static_assert(1 << SLOT_BITS == WHEEL_SLOTS, "a slot's number has SLOT_BITS bits");
static_assert(WHEEL_SLOTS == 64, "a level's bitmap is one uint64_t");

/* The tick that `t` is in. */
static uint64_t tick_of(instant t)
{
    return ((uint64_t)t.ns ^ WHEEL_ORIGIN) >> WHEEL_TICK_BITS;
}

static instant tick_start(uint64_t tick)
{
    if (tick > WHEEL_NO_TICK)
        return INSTANT_NEVER;
    return (instant){(int64_t)((tick << WHEEL_TICK_BITS) ^ WHEEL_ORIGIN)};
}

static struct timer *timer_of(struct list *node)
{
    return CONTAINER_OF(node, struct timer, node);
}

void wheel_init(struct wheel *wheel, instant now)
{
    *wheel = (struct wheel){.tick = tick_of(now)};
    for (size_t level = 0; level < WHEEL_LEVELS; level++)
        for (size_t slot = 0; slot < WHEEL_SLOTS; slot++)
            list_init(&wheel->slots[level][slot]);
    list_init(&wheel->due);
}

void timer_init(struct timer *timer, uint8_t owner)
{
    *timer = (struct timer){.tick = WHEEL_NO_TICK, .owner = owner & 127u};
    assert(timer->owner == owner);
    list_init(&timer->node);
}

/* Puts a timer that is in no list into the slot for its deadline. */
static void place(struct wheel *wheel, struct timer *timer)
{
    uint64_t tick = timer->tick;
    if (tick < wheel->tick)
        tick = wheel->tick; /* its own has been fired already */

    uint64_t differ = tick ^ wheel->tick;
    unsigned level = (63 - (unsigned)__builtin_clzll(differ | (WHEEL_SLOTS - 1))) / SLOT_BITS;
    if (level >= TOP) {
        level = TOP;
        uint64_t last = (wheel->tick >> SLOT_BITS * TOP) + WHEEL_SLOTS - 1;
        if (tick >> SLOT_BITS * TOP > last)
            tick = last << SLOT_BITS * TOP;
    }
    unsigned slot = (tick >> SLOT_BITS * level) % WHEEL_SLOTS;

    timer->level = level & 7;
    timer->slot = slot & (WHEEL_SLOTS - 1);
    list_append(&wheel->slots[level][slot], &timer->node);
    wheel->occupied[level] |= UINT64_C(1) << slot;
}

void wheel_arm(struct wheel *wheel, struct timer *timer, instant deadline)
{
    wheel_disarm(wheel, timer);
    uint64_t tick = wheel_tick_after(deadline);
    if (tick >= WHEEL_NO_TICK) /* never, or in the last 131 us of all time */
        return;
    timer->tick = tick & WHEEL_NO_TICK;
    place(wheel, timer);
    wheel->armed++;
}

void wheel_disarm(struct wheel *wheel, struct timer *timer)
{
    if (!timer_is_armed(timer))
        return;
    assert(wheel->armed > 0);
    list_remove(&timer->node);
    /* A due timer has left its slot already, and then this changes nothing. */
    if (list_is_empty(&wheel->slots[timer->level][timer->slot]))
        wheel->occupied[timer->level] &= ~(UINT64_C(1) << timer->slot);
    timer->tick = WHEEL_NO_TICK;
    wheel->armed--;
}

/* A slot that is occupied, and the first tick of it. */
struct next {
    unsigned level, slot;
    uint64_t start;
};

/* The next slot of all; false when every one is empty. */
static bool find_next(const struct wheel *wheel, struct next *next)
{
    unsigned level = 0;
    while (level < WHEEL_LEVELS && !wheel->occupied[level])
        level++;
    if (level == WHEEL_LEVELS)
        return false;

    /* Slots are counted from the origin: `here` is the current one, `first` the one that bit 0
     * means, which is slot 0 of this round or, on the top level, turned there, the current one. */
    uint64_t occupied = wheel->occupied[level];
    uint64_t here = wheel->tick >> SLOT_BITS * level;
    uint64_t first = here - here % WHEEL_SLOTS;
    if (level == TOP) {
        unsigned turn = here % WHEEL_SLOTS;
        occupied = occupied >> turn | occupied << (-turn % WHEEL_SLOTS);
        first = here;
    }
    uint64_t number = first + (unsigned)__builtin_ctzll(occupied);
    *next = (struct next){level, number % WHEEL_SLOTS, number << SLOT_BITS * level};
    assert(next->start >= wheel->tick);
    return true;
}

/* Empties a slot whose start has come: into the due list, or onto lower levels. */
static void open_slot(struct wheel *wheel, struct next next)
{
    struct list timers;

    list_init(&timers);
    list_splice(next.level == 0 ? &wheel->due : &timers, &wheel->slots[next.level][next.slot]);
    wheel->occupied[next.level] &= ~(UINT64_C(1) << next.slot);
    for (struct list *node; (node = list_take(&timers)) != NULL;)
        place(wheel, timer_of(node));
}

/* Moves the wheel behind `tick`: what is due by then is in the due list. */
static void advance(struct wheel *wheel, uint64_t tick)
{
    struct next next;

    /* A slot above level 0 is opened also when it starts right behind `tick`, because that will be
     * the current tick, and such slots lie strictly ahead of it. */
    while (find_next(wheel, &next) && next.start <= tick + (next.level > 0)) {
        wheel->tick = next.start;
        open_slot(wheel, next);
    }
    wheel->tick = tick + 1;
}

struct timer *wheel_expire(struct wheel *wheel, instant now)
{
    uint64_t tick = tick_of(now);
    if (tick >= wheel->tick)
        advance(wheel, tick);

    struct list *node = list_take(&wheel->due);
    if (!node)
        return NULL;
    struct timer *timer = timer_of(node);
    timer->tick = WHEEL_NO_TICK;
    wheel->armed--;
    return timer;
}

instant wheel_deadline(const struct wheel *wheel)
{
    struct next next;

    if (!list_is_empty(&wheel->due))
        return tick_start(timer_of(wheel->due.next)->tick);
    return find_next(wheel, &next) ? tick_start(next.start) : INSTANT_NEVER;
}
