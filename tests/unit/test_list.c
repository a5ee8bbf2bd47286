/*
 * test_list.c - the intrusive list.
 */
#include "base/list.h"

#include <signal.h>

#include "base/ready.h"
#include "support/proves.h"

enum { NODES = 5 };
static struct list head, node[NODES];

static void given_five_nodes(void)
{
    list_init(&head);
    for (int i = 0; i < NODES; i++)
        list_init(&node[i]);
}

/* The numbers of the nodes, in order, as the digits of one; the links are checked both ways. */
static unsigned order(const struct list *list)
{
    unsigned digits = 0;
    for (const struct list *at = list->next; at != list; at = at->next) {
        ck_assert(at->next->prev == at && at->prev->next == at);
        digits = digits * 10 + (unsigned)(at - node) + 1;
    }
    return digits;
}

START_TEST(nodes_come_out_in_the_order_in_which_they_went_in)
{
    for (int i = 0; i < NODES; i++)
        list_append(&head, &node[i]);
    ck_assert_uint_eq(order(&head), 12345);
    for (int i = 0; i < NODES; i++) {
        ck_assert_ptr_eq(list_take(&head), &node[i]);
        ck_assert(!list_is_linked(&node[i]));
    }
    ck_assert(list_is_empty(&head));
    ck_assert_ptr_null(list_take(&head));
}
END_TEST

START_TEST(a_node_can_be_removed_from_anywhere_and_twice)
{
    for (int i = 0; i < NODES; i++)
        list_append(&head, &node[i]);
    list_remove(&node[2]);
    ck_assert_uint_eq(order(&head), 1245);
    list_remove(&node[2]);
    list_remove(&node[0]);
    list_remove(&node[4]);
    ck_assert_uint_eq(order(&head), 24);
    list_append(&head, &node[2]);
    ck_assert_uint_eq(order(&head), 243);
}
END_TEST

START_TEST(appending_to_a_node_puts_in_front_of_it)
{
    list_append(&head, &node[0]);
    list_append(&head, &node[1]);
    list_append(head.next, &node[2]);
    ck_assert_uint_eq(order(&head), 312);
}
END_TEST

START_TEST(a_spliced_list_follows_the_other_and_is_empty)
{
    struct list other;

    list_init(&other);
    list_splice(&head, &other);
    ck_assert(list_is_empty(&head));

    list_append(&other, &node[0]);
    list_append(&other, &node[1]);
    list_splice(&head, &other);
    ck_assert_uint_eq(order(&head), 12);
    ck_assert(list_is_empty(&other));

    list_append(&other, &node[3]);
    list_splice(&head, &other);
    ck_assert_uint_eq(order(&head), 124);
    list_splice(&head, &other);
    ck_assert_uint_eq(order(&head), 124);
}
END_TEST

START_TEST(a_node_that_is_in_a_list_cannot_be_appended)
{
    list_append(&head, &node[0]);
    list_append(&head, &node[1]);
    list_append(&head, &node[0]);
}
END_TEST

START_TEST(a_ready_node_is_on_the_list_once_and_only_with_an_owner)
{
    struct ready owned, unowned;

    ready_init(&owned, 7);
    ready_init(&unowned, NO_OWNER);
    ready_tell(&head, &owned);
    ready_tell(&head, &owned);
    ready_tell(&head, &unowned);
    ck_assert_ptr_eq(list_take(&head), &owned.node);
    ck_assert(list_is_empty(&head));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("list");
    TCase *c = tcase_create("list");

    tcase_add_checked_fixture(c, given_five_nodes, NULL);
    tcase_add_test(c, nodes_come_out_in_the_order_in_which_they_went_in);
    tcase_add_test(c, a_node_can_be_removed_from_anywhere_and_twice);
    tcase_add_test(c, appending_to_a_node_puts_in_front_of_it);
    tcase_add_test(c, a_spliced_list_follows_the_other_and_is_empty);
    ADD_ABORTING_TEST(c, a_node_that_is_in_a_list_cannot_be_appended);
    tcase_add_test(c, a_ready_node_is_on_the_list_once_and_only_with_an_owner);
    suite_add_tcase(s, c);
    return run_suite(s, "list");
}
