/*
 * test_pool.c - pools and the memory behind them.
 */
#include "base/pool.h"

#include <errno.h>
#include <signal.h>

#include "base/prng.h"
#include "support/holds.h"
#include "support/proves.h"
#include "support/small_env.h"

#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define POISONED(at) (__asan_address_is_poisoned(at) != 0)
#else
#define POISONED(at) ((void)(at), true)
#endif

static struct small_env env;
static struct memory memory;
static struct pool pool;

static void given_watched_memory(void)
{
    small_env_init(&env);
    memory = (struct memory){.env = &env.env};
}

static void given_pool(size_t object_size, uint32_t cap)
{
    ck_assert_int_eq(pool_init(&pool, &memory, "things", object_size, cap), 0);
}

/* --- memory ------------------------------------------------------------------------------- */

START_TEST(memory_is_zeroed_wherever_it_comes_from)
{
    static const struct env plain;
    struct memory none = {0}, fallback = {.env = &plain};
    struct memory *all[] = {&none, &fallback, &memory};

    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        uint8_t *octets = memory_alloc(all[i], 1000);
        ck_assert_ptr_nonnull(octets);
        for (size_t k = 0; k < 1000; k++)
            HOLDS(octets[k] == 0);
        memory_release(all[i], octets, 1000);
        memory_release(all[i], NULL, 1000);
        ck_assert_uint_eq(all[i]->failures, 0);
    }
    ck_assert_uint_eq(env.out, 0);
}
END_TEST

START_TEST(memory_that_there_is_not_is_counted)
{
    env.fail_at = 2;
    void *octets = memory_alloc(&memory, 10);
    ck_assert_ptr_nonnull(octets);
    ck_assert_ptr_null(memory_alloc(&memory, 10));
    ck_assert_ptr_null(memory_alloc(&memory, 10));
    ck_assert_uint_eq(memory.failures, 2);
    ck_assert_uint_eq(memory.octets, 10);
    memory_release(&memory, octets, 10);
    ck_assert_uint_eq(memory.octets, 0);
    ck_assert_uint_eq(env.blocks, 0);
}
END_TEST

/* --- objects ------------------------------------------------------------------------------ */

static const size_t sizes[] = {1, 4, 12, 13, 16, 28, 100, 488, 508, 512, 4096, 65000, 65536, 70000};

START_TEST(objects_of_every_size_are_aligned_zeroed_and_apart)
{
    enum { COUNT = 300 };
    uint8_t *object[COUNT];
    size_t size = sizes[_i];

    given_pool(size, COUNT);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < COUNT; i++) {
            object[i] = pool_get(&pool);
            HOLDS(object[i] && (uintptr_t)object[i] % 16 == 0);
            for (size_t k = 0; k < size; k++)
                HOLDS(object[i][k] == 0);
            memset(object[i], (int)i + 1, size);
            HOLDS(POISONED(object[i] + size));
        }
        for (size_t i = 0; i < COUNT; i++) {
            HOLDS(object[i][0] == (uint8_t)(i + 1) && object[i][size - 1] == (uint8_t)(i + 1));
            HOLDS(pool_at(&pool, pool_index(&pool, object[i])) == object[i]);
        }
        ck_assert_uint_le(env.out, pool_cap_octets(&pool));
        for (size_t i = 0; i < COUNT; i++) {
            pool_put(&pool, object[i]);
            if (pool.used > 0 && i < COUNT / 2) /* its slab is still there */
                HOLDS(POISONED(object[i]) || size >= 32768);
        }
        ck_assert_uint_eq(pool.used, 0);
    }
    pool_fini(&pool);
    ck_assert_uint_eq(env.blocks, 0);
    ck_assert_uint_le(env.peak, (uint64_t)COUNT * (size + 64 + 48 + 16));
}
END_TEST

START_TEST(an_unzeroed_object_is_one_like_any_other)
{
    given_pool(100, 2);
    void *a = pool_get_unzeroed(&pool), *b = pool_get(&pool);
    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_nonnull(b);
    ck_assert_ptr_null(pool_get_unzeroed(&pool));
    ck_assert_uint_eq(pool.used, 2);
    pool_put(&pool, a);
    pool_put(&pool, b);
    pool_fini(&pool);
    ck_assert_uint_eq(env.blocks, 0);
}
END_TEST

static const uint32_t caps[] = {1, 2, 255, 256, 257, 1000, 5000};

START_TEST(a_pool_gives_as_many_as_its_cap_and_no_more)
{
    static void *object[5000];
    uint32_t cap = caps[_i];

    given_pool(200, cap);
    for (uint32_t i = 0; i < cap; i++) {
        object[i] = pool_get(&pool);
        HOLDS(object[i] && pool_index(&pool, object[i]) < cap);
    }
    ck_assert_ptr_null(pool_get(&pool));
    ck_assert_ptr_null(pool_get(&pool));
    ck_assert_uint_eq(pool.refused, 2);
    ck_assert_uint_eq(pool.used, cap);
    ck_assert_uint_le(env.out, pool_cap_octets(&pool));

    pool_put(&pool, object[cap / 2]); /* and one that came back can be had again */
    object[cap / 2] = pool_get(&pool);
    ck_assert_ptr_nonnull(object[cap / 2]);
    ck_assert_ptr_null(pool_get(&pool));

    for (uint32_t i = 0; i < cap; i++)
        pool_put(&pool, object[i]);
    pool_fini(&pool);
    ck_assert_uint_eq(env.blocks, 0);
}
END_TEST

START_TEST(numbers_name_what_is_out_and_nothing_else)
{
    enum { CAP = 700 };
    static void *object[CAP]; /* by number */
    struct prng prng;
    uint32_t out = 0;

    prng_seed(&prng, 1);
    given_pool(300, CAP);
    for (int step = 0; step < 40000; step++) {
        bool growing = step / 5000 % 2 == 0;
        if (prng_below(&prng, 4) < (growing ? 3 : 1)) {
            void *new = pool_get(&pool);
            HOLDS(!new == (out == CAP));
            if (new) {
                uint32_t index = pool_index(&pool, new);
                HOLDS(index < CAP && !object[index]);
                object[index] = new;
                out++;
            }
        } else {
            uint32_t index = (uint32_t)prng_below(&prng, CAP);
            if (object[index]) {
                pool_put(&pool, object[index]);
                object[index] = NULL;
                out--;
            }
        }
        uint32_t any = (uint32_t)prng_below(&prng, CAP + 10);
        HOLDS(pool_at(&pool, any) == (any < CAP ? object[any] : NULL));
        HOLDS(pool.used == out);
    }
    for (uint32_t index = 0; index < CAP; index++)
        HOLDS(pool_at(&pool, index) == object[index]);
    ck_assert_ptr_null(pool_at(&pool, CAP));
    ck_assert_ptr_null(pool_at(&pool, UINT32_MAX));
    pool_fini(&pool); /* with objects still out: their memory goes all the same */
    ck_assert_uint_eq(env.blocks, 0);
}
END_TEST

START_TEST(a_walk_passes_over_slabs_with_nothing_in_them)
{
    enum { CAP = 10000, APART = 997 };
    void *objects[CAP];
    uint32_t index = 0, steps = 0, seen = 0;

    given_pool(1000, CAP);
    ck_assert(pool_is_past(&pool, &index));
    for (uint32_t i = 0; i < CAP; i++) {
        objects[i] = pool_get(&pool);
        ck_assert_ptr_nonnull(objects[i]);
    }
    for (uint32_t i = 0; i < CAP; i++)
        if (i % APART != 0)
            pool_put(&pool, objects[i]);
    for (index = 0; !pool_is_past(&pool, &index); index++, steps++)
        seen += pool_at(&pool, index) != NULL;
    ck_assert_uint_eq(seen, pool.used);
    ck_assert_uint_le(steps, pool.used * pool.per_slab);
    ck_assert_uint_lt(steps, CAP / 4);
    pool_fini(&pool);
}
END_TEST

START_TEST(numbers_stay_small_after_a_peak)
{
    enum { CAP = 10000 };
    static void *object[CAP];

    given_pool(1000, CAP);
    for (uint32_t i = 0; i < CAP; i++)
        HOLDS(object[i] = pool_get(&pool));
    for (uint32_t i = 0; i < CAP; i++)
        pool_put(&pool, object[i]);
    uint64_t idle = env.out;
    ck_assert_uint_lt(idle, 5 * 65536); /* four slabs, and the table */
    for (uint32_t i = 0; i < 10; i++)
        HOLDS(object[i] = pool_get(&pool));
    ck_assert_uint_eq(env.out, idle);
    for (uint32_t i = 0; i < 10; i++)
        pool_put(&pool, object[i]);
    pool_fini(&pool);
    ck_assert_uint_eq(env.blocks, 0);
}
END_TEST

START_TEST(slabs_come_and_go_and_numbers_stay_below_the_peak)
{
    enum { PEAK = 100, CAP = 1000 };
    static void *object[PEAK];
    struct prng prng;

    prng_seed(&prng, 3);
    given_pool(60000, CAP); /* a slab each */
    for (int step = 0; step < 20000; step++) {
        uint32_t i = (uint32_t)prng_below(&prng, step / 1000 % 2 ? PEAK / 10 : PEAK);
        if (object[i]) {
            pool_put(&pool, object[i]);
            object[i] = NULL;
        } else {
            object[i] = pool_get_unzeroed(&pool);
            HOLDS(object[i] && pool_index(&pool, object[i]) < PEAK);
        }
    }
    uint32_t seen = 0;
    for (uint32_t index = 0; !pool_is_past(&pool, &index); index++)
        seen += pool_at(&pool, index) != NULL;
    ck_assert_uint_eq(seen, pool.used);
    pool_fini(&pool);
    ck_assert_uint_eq(env.blocks, 0);
}
END_TEST

/* --- memory, again ------------------------------------------------------------------------ */

START_TEST(an_idle_pool_is_small_whatever_its_cap)
{
    given_pool(508, 1u << 25); /* 16 GB */
    ck_assert_uint_lt(env.out, 1024);
    void *object = pool_get(&pool);
    ck_assert_ptr_nonnull(object);
    ck_assert_uint_lt(env.out, 66 * 1024);
    ck_assert_uint_ge(pool_cap_octets(&pool), UINT64_C(16) << 30);
    pool_put(&pool, object);
    pool_fini(&pool);
    ck_assert_uint_eq(env.blocks, 0);
}
END_TEST

START_TEST(one_object_that_comes_and_goes_costs_no_allocation)
{
    given_pool(60000, 100);
    void *object = pool_get(&pool);
    pool_put(&pool, object);
    uint64_t calls = env.calls;
    for (int i = 0; i < 1000; i++) {
        object = pool_get(&pool);
        pool_put(&pool, object);
    }
    ck_assert_uint_eq(env.calls, calls);
    pool_fini(&pool);
}
END_TEST

START_TEST(a_pool_without_memory_says_so_and_goes_on_with_what_it_has)
{
    enum { COUNT = 40 };
    void *object[COUNT];

    /* Allocation k and all behind it fail, for every k that the run comes to. */
    for (uint64_t k = 1;; k++) {
        uint32_t got = 0;
        small_env_init(&env);
        memory = (struct memory){.env = &env.env};
        env.fail_at = k;
        if (pool_init(&pool, &memory, "things", 30000, COUNT) < 0) {
            ck_assert_uint_eq(k, 1);
            pool_fini(&pool);
            ck_assert_uint_eq(env.blocks, 0);
            continue;
        }
        while (got < COUNT && (object[got] = pool_get(&pool)) != NULL)
            got++;
        ck_assert_uint_eq(pool.refused, got < COUNT);
        bool whole = got == COUNT;
        if (!whole && got > 0) { /* what comes back can be had again */
            pool_put(&pool, object[--got]);
            object[got] = pool_get(&pool);
            ck_assert_ptr_nonnull(object[got++]);
        }
        while (got > 0)
            pool_put(&pool, object[--got]);
        env.fail_at = 0; /* and with memory back, so is the pool */
        while (got < COUNT && (object[got] = pool_get(&pool)) != NULL)
            got++;
        ck_assert_uint_eq(got, COUNT);
        pool_fini(&pool);
        ck_assert_uint_eq(env.blocks, 0);
        if (whole)
            break;
        ck_assert_uint_lt(k, 100);
    }
}
END_TEST

START_TEST(an_object_cannot_come_back_twice)
{
    given_pool(100, 10);
    void *object = pool_get(&pool);
    void *other = pool_get(&pool);
    ck_assert_ptr_nonnull(other);
    pool_put(&pool, object);
    pool_put(&pool, object);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pool");

    TCase *raw = tcase_create("memory");
    tcase_add_checked_fixture(raw, given_watched_memory, NULL);
    tcase_add_test(raw, memory_is_zeroed_wherever_it_comes_from);
    tcase_add_test(raw, memory_that_there_is_not_is_counted);
    suite_add_tcase(s, raw);

    TCase *objects = tcase_create("objects");
    tcase_set_timeout(objects, 60);
    tcase_add_checked_fixture(objects, given_watched_memory, NULL);
    tcase_add_loop_test(objects, objects_of_every_size_are_aligned_zeroed_and_apart, 0,
                        ARRAY_LEN(sizes));
    tcase_add_test(objects, an_unzeroed_object_is_one_like_any_other);
    tcase_add_loop_test(objects, a_pool_gives_as_many_as_its_cap_and_no_more, 0, ARRAY_LEN(caps));
    tcase_add_test(objects, numbers_name_what_is_out_and_nothing_else);
    tcase_add_test(objects, a_walk_passes_over_slabs_with_nothing_in_them);
    tcase_add_test(objects, numbers_stay_small_after_a_peak);
    tcase_add_test(objects, slabs_come_and_go_and_numbers_stay_below_the_peak);
    ADD_ABORTING_TEST(objects, an_object_cannot_come_back_twice);
    suite_add_tcase(s, objects);

    TCase *slabs = tcase_create("slabs");
    tcase_add_checked_fixture(slabs, given_watched_memory, NULL);
    tcase_add_test(slabs, an_idle_pool_is_small_whatever_its_cap);
    tcase_add_test(slabs, one_object_that_comes_and_goes_costs_no_allocation);
    tcase_add_test(slabs, a_pool_without_memory_says_so_and_goes_on_with_what_it_has);
    suite_add_tcase(s, slabs);

    return run_suite(s, "pool");
}
