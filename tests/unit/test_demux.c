/*
 * test_demux.c - the table of connections: whoever is in it is found, at every size that it has
 * while it grows, and nothing of it is touched before it is needed.
 */
#include "base/base.h"
#include "support/proves.h"
#include "support/small_env.h"
#include "tcp/demux.h"
#include "tcp/tcp_conn.h"

enum { FIRST = 512, MANY = 5000 }; /* buckets in use at first; connections */

static struct small_env small;
static struct stack_values values;
static struct memory memory;
static struct tcp tcp;
static struct tcp_conn conns[MANY];

static void given(uint32_t cap)
{
    small_env_init(&small);
    memory = (struct memory){.env = &small.env};
    values_default(&values);
    values.tcp_connections = cap;
    tcp = (struct tcp){.memory = &memory, .values = &values, .table_key = {1, 2}};
    memset(conns, 0, sizeof conns);
    ck_assert_int_eq(demux_init(&tcp), 0);
    for (uint32_t i = 0; i < MANY; i++) {
        conns[i].local = (struct endpoint){ip_from_v4(0x0a000001), 80};
        conns[i].remote = (struct endpoint){ip_from_v4(0x0a010000 + i), (uint16_t)(i * 7)};
    }
}

static bool is_found(uint32_t i)
{
    return demux_find(&tcp, conns[i].local, conns[i].remote) == &conns[i];
}

static void check_found(uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++)
        ck_assert(is_found(i));
}

static uint32_t connections_in(uint32_t from, uint32_t to)
{
    uint32_t count = 0;

    for (uint32_t i = from; i < to; i++)
        for (const struct tcp_conn *conn = tcp.table[i]; conn; conn = conn->hash_next)
            count++;
    return count;
}

START_TEST(who_is_in_it_is_found_at_every_size)
{
    given(MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        ck_assert(!is_found(i));
        demux_insert(&tcp, &conns[i]);
        ck_assert(is_found(i));
        ck_assert_uint_eq(tcp.table_used, i < FIRST ? FIRST : i + 1);
        if (i % 97 == 0 || (i & (i + 1)) == 0)
            check_found(0, i + 1);
    }
    check_found(0, MANY);
    ck_assert_uint_eq(connections_in(0, tcp.table_used), MANY);
    ck_assert_uint_eq(tcp_port_use(&tcp, 80), MANY);
    demux_fini(&tcp);
    ck_assert_uint_eq(memory.octets, 0);
}
END_TEST

START_TEST(who_has_left_is_not_found_and_the_others_are)
{
    given(MANY);
    for (uint32_t i = 0; i < MANY; i++)
        demux_insert(&tcp, &conns[i]);
    for (uint32_t i = 0; i < MANY; i += 2)
        demux_remove(&tcp, &conns[i]);
    for (uint32_t i = 0; i < MANY; i++)
        ck_assert(is_found(i) == (i % 2 == 1));
    ck_assert_uint_eq(tcp.table_count, MANY / 2);
    for (uint32_t i = 0; i < MANY; i += 2)
        demux_insert(&tcp, &conns[i]);
    check_found(0, MANY);
    ck_assert_uint_eq(tcp.table_used, MANY); /* who came back found room */
    demux_fini(&tcp);
}
END_TEST

START_TEST(no_bucket_is_touched_before_there_are_as_many_connections)
{
    given(65536);
    ck_assert_uint_eq(tcp.table_room, 65536);
    for (uint32_t i = 0; i < 1000; i++)
        demux_insert(&tcp, &conns[i]);
    ck_assert_uint_eq(tcp.table_used, 1000);
    ck_assert_uint_eq(connections_in(1000, tcp.table_room), 0);
    /* and those in use are used: a chain is as short as chance makes it */
    for (uint32_t i = 0, longest = 0; i < tcp.table_used; i++) {
        longest = u32_max(longest, connections_in(i, i + 1));
        ck_assert_uint_lt(longest, 12);
    }
    demux_fini(&tcp);
}
END_TEST

START_TEST(a_table_never_has_more_buckets_than_its_cap_wants)
{
    given(10);
    ck_assert_uint_eq(tcp.table_room, 16);
    for (uint32_t i = 0; i < 100; i++)
        demux_insert(&tcp, &conns[i]);
    ck_assert_uint_eq(tcp.table_used, 16);
    check_found(0, 100);
    demux_fini(&tcp);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("demux");
    TCase *c = tcase_create("the table of connections");

    suite_add_tcase(s, c);
    tcase_add_test(c, who_is_in_it_is_found_at_every_size);
    tcase_add_test(c, who_has_left_is_not_found_and_the_others_are);
    tcase_add_test(c, no_bucket_is_touched_before_there_are_as_many_connections);
    tcase_add_test(c, a_table_never_has_more_buckets_than_its_cap_wants);
    return run_suite(s, "demux");
}
