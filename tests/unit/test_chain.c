/*
 * test_chain.c - lists by numbers, against what a plain array says.
 */
#include "base/chain.h"

#include "base/prng.h"
#include "support/holds.h"
#include "support/proves.h"
#include "support/small_env.h"

enum { THINGS = 5, CHAINS = 3 };

struct thing {
    char name;
    struct chain_link link;
};

static struct small_env env;
static struct memory memory;
static struct pool pool;
static struct chain_link heads[CHAINS];
static struct chains chains;
static struct thing *thing[THINGS];

static void given_five_things(void)
{
    small_env_init(&env);
    memory = (struct memory){.env = &env.env};
    ck_assert_int_eq(pool_init(&pool, &memory, "things", sizeof(struct thing), 1000), 0);
    chains_init(&chains, &pool, offsetof(struct thing, link), heads, CHAINS);
    for (int i = 0; i < THINGS; i++) {
        thing[i] = pool_get(&pool);
        thing[i]->name = (char)('a' + i);
        chain_link_init(&thing[i]->link);
    }
}

static void all_comes_back(void)
{
    pool_fini(&pool);
    ck_assert_uint_eq(env.blocks, 0);
}

/* The names of those in a chain, in order. */
static const char *order(uint32_t chain)
{
    static char names[THINGS + 1];
    size_t count = 0;

    for (const struct thing *at = chain_first(&chains, chain); at; at = chain_next(&chains, at)) {
        ck_assert(chain_is_linked(&at->link));
        names[count++] = at->name;
    }
    names[count] = '\0';
    ck_assert_uint_eq(chain_count(&chains, chain), count);
    ck_assert_int_eq(chain_is_empty(&chains, chain), count == 0);
    const struct thing *last = chain_last(&chains, chain);
    ck_assert(last ? last->name == names[count - 1] : count == 0);
    return names;
}

START_TEST(things_are_in_the_order_in_which_they_went_in)
{
    ck_assert_str_eq(order(1), "");
    for (int i = 0; i < THINGS; i++) {
        ck_assert(!chain_is_linked(&thing[i]->link));
        chain_append(&chains, 1, thing[i]);
    }
    ck_assert_str_eq(order(1), "abcde");
    ck_assert_str_eq(order(0), "");
    ck_assert_str_eq(order(2), "");
}
END_TEST

START_TEST(a_thing_can_be_removed_from_anywhere_and_twice)
{
    for (int i = 0; i < THINGS; i++)
        chain_append(&chains, (unsigned)i % 2, thing[i]);
    ck_assert_str_eq(order(0), "ace");
    ck_assert_str_eq(order(1), "bd");
    chain_remove(&chains, thing[2]);
    chain_remove(&chains, thing[2]);
    ck_assert(!chain_is_linked(&thing[2]->link));
    ck_assert_str_eq(order(0), "ae");
    chain_remove(&chains, thing[0]);
    chain_remove(&chains, thing[4]);
    ck_assert_str_eq(order(0), "");
    chain_append(&chains, 1, thing[2]);
    ck_assert_str_eq(order(1), "bdc");
}
END_TEST

START_TEST(a_spliced_chain_follows_the_other_and_is_empty)
{
    chain_splice(&chains, 0, 1);
    ck_assert_str_eq(order(0), "");
    chain_append(&chains, 1, thing[0]);
    chain_append(&chains, 1, thing[1]);
    chain_splice(&chains, 0, 1);
    ck_assert_str_eq(order(0), "ab");
    ck_assert_str_eq(order(1), "");
    chain_append(&chains, 1, thing[3]);
    chain_splice(&chains, 0, 1);
    ck_assert_str_eq(order(0), "abd");
    chain_splice(&chains, 0, 1);
    ck_assert_str_eq(order(0), "abd");
    chain_append(&chains, 1, thing[2]);
    ck_assert_str_eq(order(1), "c");
}
END_TEST

START_TEST(a_thing_that_is_in_a_chain_cannot_be_appended)
{
    chain_append(&chains, 0, thing[0]);
    chain_append(&chains, 1, thing[0]);
}
END_TEST

/* Those of several slabs come and go; each knows which one was appended before it. */
START_TEST(a_thousand_things_keep_their_order)
{
    enum { MANY = 1000, STEPS = 20000 };
    static struct thing *many[MANY];
    static uint32_t born[MANY]; /* when it was appended; 0: it is out of the pool */
    struct prng prng;
    uint32_t count = 0;

    pool_fini(&pool);
    ck_assert_int_eq(pool_init(&pool, &memory, "things", 500, MANY), 0);
    prng_seed(&prng, 1);
    for (uint32_t step = 1; step <= STEPS; step++) {
        size_t i = prng_next(&prng) % MANY;
        if (born[i]) {
            chain_remove(&chains, many[i]);
            pool_put(&pool, many[i]);
            born[i] = 0;
            count--;
            continue;
        }
        many[i] = pool_get(&pool);
        chain_link_init(&many[i]->link);
        chain_append(&chains, 2, many[i]);
        born[i] = step;
        count++;
        HOLDS(chain_last(&chains, 2) == many[i]);
    }
    uint32_t before = 0, seen = 0;
    for (const struct thing *at = chain_first(&chains, 2); at; at = chain_next(&chains, at)) {
        size_t i = 0;
        while (many[i] != at || !born[i])
            i++;
        HOLDS(born[i] > before);
        before = born[i];
        seen++;
    }
    ck_assert_uint_eq(seen, count);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("chain");
    TCase *c = tcase_create("chain");

    tcase_add_checked_fixture(c, given_five_things, all_comes_back);
    tcase_add_test(c, things_are_in_the_order_in_which_they_went_in);
    tcase_add_test(c, a_thing_can_be_removed_from_anywhere_and_twice);
    tcase_add_test(c, a_spliced_chain_follows_the_other_and_is_empty);
    ADD_ABORTING_TEST(c, a_thing_that_is_in_a_chain_cannot_be_appended);
    tcase_add_test(c, a_thousand_things_keep_their_order);
    suite_add_tcase(s, c);
    return run_suite(s, "chain");
}
