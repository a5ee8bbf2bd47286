/*
 * test_wheel.c - the timer wheel against a plain table of deadlines.
 */
#include "base/wheel.h"

#include "base/prng.h"
#include "support/holds.h"
#include "support/proves.h"

static const int64_t TICK = INT64_C(1) << WHEEL_TICK_BITS;
static const int64_t YEAR = 365 * 86400 * NS_PER_S;

static struct wheel wheel;

static instant at(int64_t ns)
{
    return (instant){ns};
}

/* The tick that `ns` is in, and the first tick that begins at or after it; below zero, too. */
static int64_t tick_in(int64_t ns)
{
    return ns / TICK - (ns % TICK < 0);
}

static int64_t tick_from(int64_t ns)
{
    return ns / TICK + (ns % TICK > 0);
}

/* --- one timer ---------------------------------------------------------------------------- */

static const int64_t waits[] = {
    0,
    1,
    65535,
    65536,
    65537,
    63 * 65536,
    64 * 65536,
    65 * 65536,
    4095 * 65536,
    4096 * 65536,
    200000000,
    1000000000,
    1L << 34,
    (1L << 40) - 1,
    1L << 40,
    1L << 46,
    (1L << 52) - 1,
    1L << 52,
    1L << 57,
    (1L << 58) - 1,
    1L << 58,
    1L << 60,
    1L << 61,
};
static const int64_t starts[] = {
    0, 1, 65535, 65536, 123456789012345, (1L << 58) - 1, -1, -(1L << 58), INT64_MIN + 131072};

START_TEST(a_timer_fires_at_the_start_of_the_tick_after_its_deadline)
{
    struct timer timer;
    timer_init(&timer, 3);

    for (size_t s = 0; s < ARRAY_LEN(starts); s++) {
        int64_t deadline = starts[s] + waits[_i];
        int64_t fires = tick_from(deadline) * TICK;
        if (fires < tick_in(starts[s]) * TICK)
            fires = tick_in(starts[s]) * TICK;

        wheel_init(&wheel, at(starts[s]));
        wheel_arm(&wheel, &timer, at(deadline));
        ck_assert(timer_is_armed(&timer));
        ck_assert_uint_eq(wheel.armed, 1);
        ck_assert_int_le(wheel_deadline(&wheel).ns, fires);
        if (fires - 1 > starts[s]) { /* not a nanosecond before */
            ck_assert_ptr_null(wheel_expire(&wheel, at(fires - 1)));
            ck_assert_int_eq(wheel_deadline(&wheel).ns, fires);
        }
        ck_assert_ptr_eq(wheel_expire(&wheel, at(fires)), &timer);
        ck_assert(!timer_is_armed(&timer));
        ck_assert_int_eq(timer.owner, 3);
        ck_assert_ptr_null(wheel_expire(&wheel, at(fires)));
        ck_assert_uint_eq(wheel.armed, 0);
        ck_assert(instant_is_never(wheel_deadline(&wheel)));
    }
}
END_TEST

START_TEST(following_the_deadline_meets_a_timer_at_most_once_a_level)
{
    struct timer timer;
    timer_init(&timer, 0);

    for (size_t s = 0; s < ARRAY_LEN(starts); s++) {
        int64_t now = starts[s], deadline = now + waits[_i];
        int steps = 0;
        wheel_init(&wheel, at(now));
        wheel_arm(&wheel, &timer, at(deadline));
        while (timer_is_armed(&timer)) {
            int64_t next = wheel_deadline(&wheel).ns;
            ck_assert(steps == 0 || next > now);
            now = next;
            wheel_expire(&wheel, at(now));
            /* Nine years a round of the top level, for the longest wait. */
            ck_assert_int_le(++steps, WHEEL_LEVELS + 1 + (int)(waits[_i] >> 57));
        }
        ck_assert_int_ge(now, deadline - TICK * (deadline == starts[s]));
        ck_assert_int_lt(now, deadline + TICK);
    }
}
END_TEST

START_TEST(never_disarms)
{
    struct timer timer;

    wheel_init(&wheel, at(5));
    timer_init(&timer, 0);
    ck_assert(!timer_is_armed(&timer));
    wheel_disarm(&wheel, &timer);
    wheel_arm(&wheel, &timer, INSTANT_NEVER);
    ck_assert(!timer_is_armed(&timer));
    wheel_arm(&wheel, &timer, at(NS_PER_S));
    wheel_arm(&wheel, &timer, at(2 * NS_PER_S));
    ck_assert_uint_eq(wheel.armed, 1);
    wheel_arm(&wheel, &timer, INSTANT_NEVER);
    ck_assert(!timer_is_armed(&timer));
    ck_assert_uint_eq(wheel.armed, 0);
    ck_assert(instant_is_never(wheel_deadline(&wheel)));
    ck_assert_ptr_null(wheel_expire(&wheel, at(YEAR)));
}
END_TEST

START_TEST(a_deadline_in_the_past_fires_once_and_soon)
{
    struct timer timer;
    int64_t now = 1000 * NS_PER_S;

    wheel_init(&wheel, at(now));
    timer_init(&timer, 0);
    wheel_arm(&wheel, &timer, at(-1));
    ck_assert_int_le(wheel_deadline(&wheel).ns, now);
    ck_assert_ptr_eq(wheel_expire(&wheel, at(now)), &timer);

    /* This tick has been fired: the next one is the first chance. */
    wheel_arm(&wheel, &timer, at(now));
    ck_assert_ptr_null(wheel_expire(&wheel, at(now)));
    instant next = wheel_deadline(&wheel);
    ck_assert_int_gt(next.ns, now);
    ck_assert_int_le(next.ns, now + TICK);
    ck_assert_ptr_eq(wheel_expire(&wheel, next), &timer);
}
END_TEST

START_TEST(a_clock_that_goes_back_fires_nothing_new)
{
    struct timer timer;

    wheel_init(&wheel, at(NS_PER_S));
    timer_init(&timer, 0);
    ck_assert_ptr_null(wheel_expire(&wheel, at(3 * NS_PER_S)));
    wheel_arm(&wheel, &timer, at(4 * NS_PER_S));
    ck_assert_ptr_null(wheel_expire(&wheel, at(0)));
    ck_assert_ptr_null(wheel_expire(&wheel, at(4 * NS_PER_S - 1)));
    ck_assert_ptr_eq(wheel_expire(&wheel, at(4 * NS_PER_S + TICK)), &timer);
}
END_TEST

START_TEST(the_last_instants_of_all_do_no_harm)
{
    struct timer timer;

    wheel_init(&wheel, at(INT64_MAX - 10 * TICK));
    timer_init(&timer, 0);
    wheel_arm(&wheel, &timer, at(INT64_MAX - 1)); /* behind the start of the last tick there is */
    ck_assert(instant_is_never(wheel_deadline(&wheel)));
    ck_assert_ptr_null(wheel_expire(&wheel, at(INT64_MAX - 1)));
    wheel_arm(&wheel, &timer, at(INT64_MAX - 3 * TICK));
    ck_assert(timer_is_armed(&timer));
    wheel_disarm(&wheel, &timer);
    ck_assert_uint_eq(wheel.armed, 0);
}
END_TEST

/* --- several ------------------------------------------------------------------------------ */

START_TEST(a_timer_armed_while_timers_expire_waits_for_another_turn)
{
    struct timer timer[3];
    int64_t now = NS_PER_S;

    wheel_init(&wheel, at(0));
    for (int i = 0; i < 3; i++) {
        timer_init(&timer[i], (uint8_t)i);
        wheel_arm(&wheel, &timer[i], at(i * NS_PER_MS));
    }
    ck_assert_ptr_eq(wheel_expire(&wheel, at(now)), &timer[0]);
    wheel_arm(&wheel, &timer[0], at(now));            /* again, for now */
    wheel_arm(&wheel, &timer[2], at(now + NS_PER_S)); /* its turn has not come */
    ck_assert_ptr_eq(wheel_expire(&wheel, at(now)), &timer[1]);
    wheel_arm(&wheel, &timer[1], at(0));
    ck_assert_ptr_null(wheel_expire(&wheel, at(now)));

    now = wheel_deadline(&wheel).ns;
    ck_assert_int_gt(now, NS_PER_S);
    ck_assert_int_le(now, NS_PER_S + TICK);
    ck_assert_ptr_nonnull(wheel_expire(&wheel, at(now)));
    ck_assert_ptr_nonnull(wheel_expire(&wheel, at(now)));
    ck_assert_ptr_null(wheel_expire(&wheel, at(now)));
    ck_assert_uint_eq(wheel.armed, 1);
}
END_TEST

START_TEST(a_turn_that_was_left_early_goes_on)
{
    struct timer timer[2];

    wheel_init(&wheel, at(0));
    for (int i = 0; i < 2; i++) {
        timer_init(&timer[i], 0);
        wheel_arm(&wheel, &timer[i], at(NS_PER_MS));
    }
    ck_assert_ptr_eq(wheel_expire(&wheel, at(NS_PER_S)), &timer[0]);
    ck_assert_int_le(wheel_deadline(&wheel).ns, NS_PER_S); /* one is still due */
    wheel_disarm(&wheel, &timer[1]);
    ck_assert(instant_is_never(wheel_deadline(&wheel)));
    ck_assert_ptr_null(wheel_expire(&wheel, at(NS_PER_S)));
}
END_TEST

START_TEST(a_loop_that_arms_for_now_again_and_again_still_moves_time)
{
    struct timer timer;
    int64_t before = NS_PER_S;

    wheel_init(&wheel, at(before));
    timer_init(&timer, 0);
    for (int i = 0; i < 1000; i++) {
        wheel_arm(&wheel, &timer, at(before));
        instant next = wheel_deadline(&wheel);
        HOLDS(next.ns > before || i == 0);
        HOLDS(wheel_expire(&wheel, next) == &timer);
        before = next.ns;
    }
    ck_assert_int_le(before, NS_PER_S + 1000 * TICK);
}
END_TEST

/* --- many --------------------------------------------------------------------------------- */

enum { TIMERS = 200 };

/* The model: for each timer the tick at which it must come, and the first tick not yet fired. */
static struct {
    struct timer timer;
    bool armed;
    bool due; /* in the turn that is being taken */
    int64_t tick;
} model[TIMERS];
static int64_t model_tick, model_now;
static uint32_t model_armed;
static struct prng prng;

static int64_t random_wait(void)
{
    int64_t wait = (int64_t)(prng_next(&prng) >> (2 + prng_below(&prng, 62))); /* below 2^62 */
    switch (prng_below(&prng, 6)) {
    case 0:
        return -wait / 1024; /* the past */
    case 1:
        return wait / TICK * TICK; /* the edge of a tick */
    case 2:
        return (int64_t)prng_below(&prng, 400) * NS_PER_MS;
    default:
        return wait;
    }
}

static int64_t clamp_add(int64_t a, int64_t b)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum) || sum > INT64_MAX - 2 * TICK)
        return INT64_MAX - 2 * TICK;
    return sum;
}

static void model_arm(int i, int64_t deadline)
{
    wheel_arm(&wheel, &model[i].timer, at(deadline));
    model_armed += !model[i].armed;
    model[i].armed = true;
    model[i].due = false;
    model[i].tick = tick_from(deadline) > model_tick ? tick_from(deadline) : model_tick;
}

static void model_disarm(int i)
{
    wheel_disarm(&wheel, &model[i].timer);
    model_armed -= model[i].armed;
    model[i].armed = model[i].due = false;
}

/* The deadline is later than the last turn, and no later than the first timer. */
static void check_deadline(void)
{
    int64_t first = INT64_MAX;
    for (int i = 0; i < TIMERS; i++)
        if (model[i].armed && model[i].tick < first)
            first = model[i].tick;
    instant deadline = wheel_deadline(&wheel);
    HOLDS(wheel.armed == model_armed);
    HOLDS(instant_is_never(deadline) == (model_armed == 0));
    HOLDS(deadline.ns > model_now);
    HOLDS(model_armed == 0 || deadline.ns <= first * TICK);
}

static void take_turn(int64_t now)
{
    int64_t last = INT64_MIN;
    uint32_t left = 0;

    model_now = now;
    for (int i = 0; i < TIMERS; i++) {
        model[i].due = model[i].armed && model[i].tick <= tick_in(now);
        left += model[i].due;
    }
    if (tick_in(now) + 1 > model_tick)
        model_tick = tick_in(now) + 1;

    for (struct timer *timer; (timer = wheel_expire(&wheel, at(now))) != NULL;) {
        ptrdiff_t n = CONTAINER_OF(timer, __typeof__(model[0]), timer) - model;
        HOLDS(model[n].due && left > 0);
        HOLDS(model[n].tick >= last);
        HOLDS(!timer_is_armed(timer) && timer->owner == (n & 127));
        last = model[n].tick;
        model[n].armed = model[n].due = false;
        model_armed--;
        left--;
        for (uint64_t k = prng_below(&prng, 3); k > 0; k--) { /* what handlers do */
            int i = (int)prng_below(&prng, TIMERS);
            left -= model[i].due;
            if (prng_below(&prng, 2))
                model_arm(i, clamp_add(now, random_wait()));
            else
                model_disarm(i);
        }
        if (prng_below(&prng, 4) == 0 && !model[n].armed)
            model_arm((int)n, now);
    }
    HOLDS(left == 0);
    check_deadline();
}

START_TEST(a_wheel_fires_what_a_table_would_fire)
{
    static const int64_t origins[] = {0, -10, 1L << 40, (1L << 58) - 12345, INT64_MIN};

    prng_seed(&prng, (uint64_t)_i);
    int64_t now = origins[_i % (int)ARRAY_LEN(origins)];
    wheel_init(&wheel, at(now));
    model_now = INT64_MIN;
    model_tick = tick_in(now);
    for (int i = 0; i < TIMERS; i++)
        timer_init(&model[i].timer, i & 127);

    for (int step = 0; step < 20000; step++) {
        int i = (int)prng_below(&prng, TIMERS);
        switch (prng_below(&prng, 8)) {
        case 0:
        case 1:
        case 2:
        case 3:
            model_arm(i, clamp_add(now, random_wait()));
            break;
        case 4:
            model_disarm(i);
            break;
        case 5: /* a little later */
            now = clamp_add(now, (int64_t)prng_below(&prng, 10 * (uint64_t)NS_PER_MS));
            take_turn(now);
            break;
        case 6: /* when the wheel says; sometimes its word is years away */
            if (wheel_deadline(&wheel).ns < clamp_add(now, YEAR))
                now = wheel_deadline(&wheel).ns > now ? wheel_deadline(&wheel).ns : now;
            take_turn(now);
            break;
        default: /* a jump, now and then a big one */
            if (prng_below(&prng, 16) == 0)
                now = clamp_add(now, (int64_t)(prng_next(&prng) >> (8 + prng_below(&prng, 50))));
            take_turn(now);
        }
    }
    while (!instant_is_never(wheel_deadline(&wheel))) {
        for (int i = 0; i < TIMERS; i++)
            if (prng_below(&prng, 4) == 0)
                model_disarm(i);
        now = wheel_deadline(&wheel).ns > now ? wheel_deadline(&wheel).ns : now;
        if (!instant_is_never(at(now)))
            take_turn(now);
    }
    ck_assert_uint_eq(wheel.armed, 0);
    for (int level = 0; level < WHEEL_LEVELS; level++)
        ck_assert_uint_eq(wheel.occupied[level], 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("wheel");

    TCase *one = tcase_create("one timer");
    tcase_add_loop_test(one, a_timer_fires_at_the_start_of_the_tick_after_its_deadline, 0,
                        ARRAY_LEN(waits));
    tcase_add_loop_test(one, following_the_deadline_meets_a_timer_at_most_once_a_level, 0,
                        ARRAY_LEN(waits));
    tcase_add_test(one, never_disarms);
    tcase_add_test(one, a_deadline_in_the_past_fires_once_and_soon);
    tcase_add_test(one, a_clock_that_goes_back_fires_nothing_new);
    tcase_add_test(one, the_last_instants_of_all_do_no_harm);
    suite_add_tcase(s, one);

    TCase *several = tcase_create("several timers");
    tcase_add_test(several, a_timer_armed_while_timers_expire_waits_for_another_turn);
    tcase_add_test(several, a_turn_that_was_left_early_goes_on);
    tcase_add_test(several, a_loop_that_arms_for_now_again_and_again_still_moves_time);
    suite_add_tcase(s, several);

    TCase *many = tcase_create("many timers");
    tcase_set_timeout(many, 60);
    tcase_add_loop_test(many, a_wheel_fires_what_a_table_would_fire, 0, 20);
    suite_add_tcase(s, many);

    return run_suite(s, "wheel");
}
