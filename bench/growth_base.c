/* growth_base.c - what all layers stand on: timers, pools, the record of decisions. */
#include "base/events.h"
#include "base/pool.h"
#include "base/wheel.h"
#include "growth.h"

static instant now;

/* --- timers ------------------------------------------------------------------------------- */

enum { APART = 100 * NS_PER_US };

static struct wheel wheel;
static struct timer *timers;
static uint32_t timer_count;

/* One is due every 100 us, and whichever has fired waits for its turn again. */
static void begin_timers(uint32_t n)
{
    timer_count = n;
    timers = growth_alloc(n, sizeof *timers);
    wheel_init(&wheel, now);
    for (uint32_t i = 0; i < n; i++) {
        timer_init(&timers[i], 0);
        wheel_arm(&wheel, &timers[i], instant_add(now, (int64_t)(i + 1) * APART));
    }
}

static void arm_timer(uint32_t turn)
{
    (void)turn;
    wheel_arm(&wheel, &timers[growth_any(timer_count)],
              instant_add(now, (int64_t)growth_any(timer_count) * APART));
}

static void disarm_timer(uint32_t turn)
{
    wheel_disarm(&wheel, &timers[turn % timer_count]);
}

static void arm_it_again(uint32_t turn)
{
    struct timer *last = &timers[(turn + timer_count - 1) % timer_count];

    wheel_arm(&wheel, last, instant_add(now, (int64_t)growth_any(timer_count) * APART));
}

static void advance_timers(uint32_t turn)
{
    struct timer *timer;

    (void)turn;
    now = instant_add(now, APART);
    while ((timer = wheel_expire(&wheel, now)))
        wheel_arm(&wheel, timer, instant_add(now, (int64_t)timer_count * APART));
}

static void ask_deadline(uint32_t turn)
{
    (void)turn;
    growth_must(!instant_is_never(wheel_deadline(&wheel)), "no timer is armed");
}

/* --- pools -------------------------------------------------------------------------------- */

enum { SMALL = 500, LARGE = 60000, WENT = 6 }; /* octets: a slab holds some hundred, or one */

static struct memory memory;
static struct pool pool;
static void **objects;
static uint32_t object_count;

static void get(uint32_t i)
{
    objects[i] = pool_get_unzeroed(&pool);
    growth_must(objects[i] != NULL, "the pool is empty");
}

static void begin_pool(uint32_t n, size_t size)
{
    growth_must(pool_init(&pool, &memory, "objects", size, 2 * n + WENT) == 0, "no pool");
    objects = growth_alloc(2 * (size_t)n + WENT, sizeof *objects);
    object_count = n;
}

/* Each second place is free, so every slab has room and none is empty. */
static void begin_holes(uint32_t n)
{
    begin_pool(n, SMALL);
    for (uint32_t i = 0; i < 2 * n; i++)
        get(i);
    for (uint32_t i = 0; i < n; i++) {
        pool_put(&pool, objects[2 * i + 1]);
        objects[i] = objects[2 * i];
    }
}

static void put_and_get(uint32_t turn)
{
    uint32_t i = growth_any(object_count);

    (void)turn;
    pool_put(&pool, objects[i]);
    get(i);
}

static void begin_slabs(uint32_t n)
{
    begin_pool(n, LARGE);
    for (uint32_t i = 0; i < n; i++)
        get(i);
}

/* The first five and the last. */
static uint32_t slab_that_goes(uint32_t i)
{
    return i + 1 < WENT ? i : object_count - 1;
}

/* More go than the pool keeps for later, and from both ends. */
static void lose_slabs(uint32_t turn)
{
    (void)turn;
    for (uint32_t i = 0; i < WENT; i++)
        pool_put(&pool, objects[slab_that_goes(i)]);
}

static void get_slabs(uint32_t turn)
{
    (void)turn;
    for (uint32_t i = 0; i < WENT; i++)
        get(slab_that_goes(i));
}

/* --- decisions ---------------------------------------------------------------------------- */

static struct events events;
static struct event_sink *sinks;
static uint64_t heard;

static void begin_ring(uint32_t n)
{
    growth_must(events_init(&events, &memory, n) == 0, "no ring");
    for (uint32_t i = 0; i < n; i++)
        events_emit(&events, &(struct event){.type = EVENT_NOTE});
}

static void tell_event(uint32_t turn)
{
    events_emit(&events, &(struct event){.type = EVENT_NOTE, .conn = turn});
}

static void hear(struct event_sink *sink, const struct event *event)
{
    (void)sink, (void)event;
    heard++;
}

static void begin_listeners(uint32_t n)
{
    begin_ring(16);
    sinks = growth_alloc(n, sizeof *sinks);
    for (uint32_t i = 0; i < n; i++) {
        sinks[i] = (struct event_sink){.event = hear, .next = events.sinks};
        events.sinks = &sinks[i];
    }
}

/* clang-format off */
static const struct growth_row rows[] = {
    {"timers", "one is moved to another time", BY_WIRE, 0, NULL, NULL, begin_timers, NULL, arm_timer},
    {"timers", "one is taken off", BY_WIRE, 0, NULL, NULL, begin_timers, arm_it_again, disarm_timer},
    {"timers", "one fires and is set again", BY_TIME, 0, NULL, NULL, begin_timers, NULL, advance_timers},
    {"timers", "when is the next?", BY_TIME, 0, NULL, NULL, begin_timers, NULL, ask_deadline},
    {"objects of a pool", "one comes back and another goes, every slab half full", BY_WIRE, 0, NULL, NULL,
     begin_holes, NULL, put_and_get},
    {"slabs of a pool", "six are needed again, of which it has kept four", BY_WIRE, 100000,
     "of 64 KB each", NULL, begin_slabs, lose_slabs, get_slabs},
    {"decisions", "one is remembered and the oldest forgotten", BY_WIRE, 1000000, "`see.ring`", NULL,
     begin_ring, NULL, tell_event},
    {"listeners of the event stream", "one event", BY_WIRE, 100, "made by the program alone",
     "each of them hears it", begin_listeners, NULL, tell_event},
};
/* clang-format on */

const struct growth_table growth_base = {rows, ARRAY_LEN(rows)};
