/*
 * test_tree.c - the treap against a sorted array.
 */
#include "base/tree.h"

#include <stdlib.h>

#include "base/prng.h"
#include "support/holds.h"
#include "support/proves.h"

enum { NODES = 300 };

static struct tree_node nodes[NODES];
static struct tree_node *sorted[NODES]; /* what the tree should hold, in order */
static size_t count;
static struct tree tree;

static uint32_t distance(const struct tree_node *node)
{
    return node->key - tree.origin;
}

/* How many of sorted[] are before `d`. */
static size_t rank(uint32_t d)
{
    size_t i = 0;
    while (i < count && distance(sorted[i]) < d)
        i++;
    return i;
}

static void given_an_empty_tree(void)
{
    tree = (struct tree){0};
    count = 0;
}

static void insert(struct tree_node *node)
{
    size_t at = rank(distance(node));
    tree_insert(&tree, node);
    for (size_t i = count++; i > at; i--)
        sorted[i] = sorted[i - 1];
    sorted[at] = node;
}

static void remove_at(size_t at)
{
    tree_remove(&tree, sorted[at]);
    count--;
    for (size_t i = at; i < count; i++)
        sorted[i] = sorted[i + 1];
}

/* Links, order and the heap; the depth of the deepest node. Recursion is fine in a test. */
static unsigned check_below(const struct tree_node *node, const struct tree_node *parent)
{
    if (!node)
        return 0;
    HOLDS(node->parent == parent);
    HOLDS(!parent || parent->priority >= node->priority);
    unsigned left = check_below(node->left, node), right = check_below(node->right, node);
    return 1 + (left > right ? left : right);
}

static unsigned check(void)
{
    struct tree_node *node = tree_first(&tree);
    HOLDS(tree.count == count);
    for (size_t i = 0; i < count; i++) {
        HOLDS(node == sorted[i]);
        HOLDS(tree_prev(node) == (i ? sorted[i - 1] : NULL));
        node = tree_next(node);
    }
    HOLDS(!node);
    HOLDS(tree_last(&tree) == (count ? sorted[count - 1] : NULL));
    return check_below(tree.root, NULL);
}

static void check_floor(uint32_t key)
{
    size_t after = rank(key - tree.origin + 1);
    if (key - tree.origin == UINT32_MAX)
        after = count;
    HOLDS(tree_floor(&tree, key) == (after ? sorted[after - 1] : NULL));
}

static const uint32_t origins[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffff00, 0xffffffff};

START_TEST(a_tree_holds_what_a_sorted_array_holds)
{
    bool in[NODES] = {0};
    struct prng prng;

    prng_seed(&prng, (uint64_t)_i);
    tree_set_origin(&tree, origins[_i]);
    for (int step = 0; step < 20000; step++) {
        size_t n = prng_below(&prng, NODES);
        bool growing = step / 2000 % 2 == 0;
        if (!in[n] && (growing || prng_below(&prng, 3) == 0)) {
            /* Some islands close to the origin on both sides of the seam, some anywhere. */
            uint32_t d = (uint32_t)prng_next(&prng);
            nodes[n].key = tree.origin + (prng_below(&prng, 2) ? d % 1000 : d);
            nodes[n].priority = (uint32_t)prng_next(&prng) >> prng_below(&prng, 32); /* ties, too */
            size_t at = rank(distance(&nodes[n]));
            if (at == count || sorted[at]->key != nodes[n].key) {
                insert(&nodes[n]);
                in[n] = true;
            }
        } else if (in[n] && (!growing || prng_below(&prng, 3) == 0)) {
            remove_at(rank(distance(&nodes[n])));
            in[n] = false;
        }
        check_floor(tree.origin + (uint32_t)prng_next(&prng) % 1100);
        check_floor((uint32_t)prng_next(&prng));
        if (count) {
            uint32_t key = sorted[prng_below(&prng, count)]->key;
            check_floor(key);
            check_floor(key - 1);
            check_floor(key + 1);
        }
        if (step % 16 == 0)
            check();
        if (count && step % 64 == 0) { /* the window slides: up to the first key */
            uint64_t room = (uint64_t)distance(sorted[0]) + 1;
            tree_set_origin(&tree, tree.origin + (uint32_t)prng_below(&prng, room));
            check();
        }
    }
    while (count)
        remove_at(count / 2);
    check();
    ck_assert_ptr_null(tree.root);
}
END_TEST

START_TEST(an_empty_tree_has_no_nodes)
{
    ck_assert_ptr_null(tree_first(&tree));
    ck_assert_ptr_null(tree_last(&tree));
    ck_assert_ptr_null(tree_floor(&tree, 0));
    ck_assert_ptr_null(tree_floor(&tree, UINT32_MAX));
}
END_TEST

START_TEST(keys_are_ordered_across_the_seam)
{
    static const uint32_t keys[] = {5, 0xfffffff0, 0, 0xffffffff, 4};
    static const uint32_t order[] = {0xfffffff0, 0xffffffff, 0, 4, 5};

    tree_set_origin(&tree, 0xfffffff0);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        nodes[i] = (struct tree_node){.key = keys[i], .priority = (uint32_t)i};
        insert(&nodes[i]);
    }
    check();
    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        ck_assert_uint_eq(sorted[i]->key, order[i]);
    ck_assert_uint_eq(tree_floor(&tree, 3)->key, 0);
    ck_assert_uint_eq(tree_floor(&tree, 0xfffffffe)->key, 0xfffffff0);
    ck_assert_uint_eq(tree_floor(&tree, 0xffffffef)->key, 5); /* the farthest key of all */
}
END_TEST

START_TEST(keys_in_order_do_not_make_a_deep_tree)
{
    /* What a peer would try: a list would be as deep as it is long. */
    enum { MANY = 65536 };
    struct tree_node *many = calloc(MANY, sizeof(*many));
    struct prng prng;

    ck_assert_ptr_nonnull(many);
    prng_seed(&prng, 3);
    for (uint32_t i = 0; i < MANY; i++) {
        many[i].key = _i ? MANY - i : i;
        many[i].priority = (uint32_t)prng_next(&prng);
        tree_insert(&tree, &many[i]);
    }
    ck_assert_uint_le(check_below(tree.root, NULL), 60);
    free(many);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("tree");
    TCase *c = tcase_create("tree");

    tcase_set_timeout(c, 60);
    tcase_add_checked_fixture(c, given_an_empty_tree, NULL);
    tcase_add_loop_test(c, a_tree_holds_what_a_sorted_array_holds, 0, ARRAY_LEN(origins));
    tcase_add_test(c, an_empty_tree_has_no_nodes);
    tcase_add_test(c, keys_are_ordered_across_the_seam);
    tcase_add_loop_test(c, keys_in_order_do_not_make_a_deep_tree, 0, 2);
    suite_add_tcase(s, c);
    return run_suite(s, "tree");
}
