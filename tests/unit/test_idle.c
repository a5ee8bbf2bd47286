/*
 * test_idle.c - what a connection costs that only waits, by the stack's own books.
 *
 * All of it counts: the connection, its socket, its place in the table, and what slabs leave over.
 */
#include "apps/service.h"
#include "base/pool.h"
#include "sim/idle.h"
#include "support/proves.h"

enum {
    COUNT = 10000,
    EACH = 512 + 2 * POOL_STRIP, /* octets: a connection and its socket */
};

static const struct env heap;
static struct memory memory;
static struct idle *idle;
static struct service *service;

static void given_a_server(bool ipv6)
{
    struct idle_config config;

    idle_config_init(&config, COUNT);
    config.ipv6 = ipv6;
    idle = idle_new(&config, &memory);
    ck_assert_ptr_nonnull(idle);
    const struct service_config echo = {.kind = SERVICE_ECHO,
                                        .stack = idle_stack(idle),
                                        .env = &heap,
                                        .local.port = IDLE_PORT,
                                        .backlog = 16,
                                        .connections = COUNT};
    ck_assert_int_eq(service_new(&echo, &service), 0);
}

START_TEST(ten_thousand_idle_connections_cost_no_more_than_they_may)
{
    given_a_server(_i == 1);
    uint64_t before = stack_memory_used(idle_stack(idle));
    ck_assert_ptr_null(idle_connect(idle, COUNT));
    uint64_t each = (stack_memory_used(idle_stack(idle)) - before) / COUNT;
    ck_assert_uint_eq(service_connections(service), COUNT);
    ck_assert_uint_le(each, EACH);
    struct stack_usage usage;
    stack_usage(idle_stack(idle), &usage);
    ck_assert_uint_eq(usage.senders + usage.ranges + usage.send_chunks + usage.frames +
                          usage.islands + usage.receivers + usage.timers,
                      0);
    for (uint32_t i = 0; i < COUNT; i += 7) /* and they live */
        ck_assert_ptr_null(idle_ask(idle, i));
    service_free(service);
    idle_free(idle);
    ck_assert_uint_eq(memory.octets, 0);
}
END_TEST

START_TEST(who_is_not_served_is_no_idle_connection)
{
    struct idle_config config;

    idle_config_init(&config, 1);
    idle = idle_new(&config, &memory);
    ck_assert_ptr_nonnull(idle);
    ck_assert_str_eq(idle_connect(idle, 1), "a connection was not served"); /* nobody listens */
    ck_assert_str_eq(idle_ask(idle, 0), "a connection that had waited was not served");
    idle_free(idle);
    ck_assert_uint_eq(memory.octets, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("idle");
    TCase *c = tcase_create("DESIGN 4: a connection is sized by its state");

    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, ten_thousand_idle_connections_cost_no_more_than_they_may, 0, 2);
    tcase_add_test(c, who_is_not_served_is_no_idle_connection);
    suite_add_tcase(s, c);
    return run_suite(s, "idle");
}
