/*
 * test_udp_share.c - many ports of one name, and which of them a datagram is for.
 *
 * The machine alone, without a stack. What udp_find() says is held against a model that knows
 * nothing of groups: it looks at every port.
 */
#include <string.h>

#include "base/prng.h"
#include "support/holds.h"
#include "support/proves.h"
#include "udp/udp.h"

enum { PORTS = 256, PORT = 53, BOTH = UDP_FAMILY_V4 | UDP_FAMILY_V6 };

static struct memory memory;
static struct events events;
static struct list ready;
static struct stack_values values;
static struct udp udp;
static struct prng prng;

static void setup(void)
{
    ck_assert_int_eq(events_init(&events, &memory, 64), 0);
    values_default(&values);
    values.udp_ports = PORTS;
    list_init(&ready);
    prng_seed(&prng, 1);
    struct udp_config config = {.memory = &memory,
                                .events = &events,
                                .ready = &ready,
                                .values = &values,
                                .table_key = {1, 2},
                                .port_key = {3, 4}};
    ck_assert_int_eq(udp_init(&udp, &config), 0);
}

static void teardown(void)
{
    udp_fini(&udp);
    events_fini(&events, &memory);
}

static struct udp_port *open_port(uint8_t families, bool reuse_addr, bool reuse_port)
{
    struct udp_port *port = udp_open(&udp, families, NO_OWNER);

    ck_assert_ptr_nonnull(port);
    port->reuse_addr = reuse_addr;
    udp_set_reuse_port(&udp, port, reuse_port);
    port->port_chosen = true;
    return port;
}

static struct udp_port *bound(uint8_t families)
{
    struct udp_port *port = open_port(families, false, true);

    ck_assert_int_eq(udp_bind(&udp, port, (struct endpoint){.port = PORT}), 0);
    return port;
}

static struct endpoint us(bool v6)
{
    static const uint8_t octets[16] = {0xfd, [15] = 2};
    struct ip_addr addr = ip_from_v4(0x0a000002);

    if (v6)
        memcpy(addr.octet, octets, 16);
    return (struct endpoint){addr, PORT};
}

static struct endpoint sender(uint32_t number, bool v6)
{
    struct endpoint from = us(v6);

    from.addr.octet[15] = (uint8_t)(16 + number % 200);
    from.port = (uint16_t)(1024 + number / 200);
    return from;
}

static struct udp_port *for_sender(uint32_t number)
{
    return udp_find(&udp, us(false), sender(number, false));
}

/* --- shares ------------------------------------------------------------------------------- */

static const int sizes[] = {1, 2, 3, 7, 64, 250};

START_TEST(each_has_its_share_of_the_senders_and_keeps_it)
{
    enum { EACH = 200 };
    const int count = sizes[_i];
    struct udp_port *port[PORTS];
    static int heard[PORTS];

    memset(heard, 0, sizeof heard);
    for (int i = 0; i < count; i++)
        port[i] = bound(UDP_FAMILY_V4);
    for (uint32_t k = 0; k < EACH * (uint32_t)count; k++) {
        struct udp_port *found = for_sender(k);
        HOLDS(found == for_sender(k));
        heard[pool_index(&udp.ports, found)]++;
    }
    for (int i = 0; i < count; i++) {
        ck_assert_int_gt(heard[pool_index(&udp.ports, port[i])], EACH * 2 / 3);
        ck_assert_int_lt(heard[pool_index(&udp.ports, port[i])], EACH * 4 / 3);
    }
    bound(UDP_FAMILY_V6); /* of another family: not one of them */
    struct udp_port *other = open_port(UDP_FAMILY_V4, false, true);
    ck_assert_int_eq(udp_bind(&udp, other, (struct endpoint){.port = PORT + 1}), 0);
    memset(heard, 0, sizeof heard);
    for (uint32_t k = 0; k < EACH * (uint32_t)count; k++)
        heard[pool_index(&udp.ports, for_sender(k))]++;
    ck_assert_int_eq(heard[pool_index(&udp.ports, other)], 0);
    for (int i = 0; i < count; i++)
        ck_assert_int_gt(heard[pool_index(&udp.ports, port[i])], EACH * 2 / 3);
}
END_TEST

START_TEST(who_goes_is_heard_of_no_more_and_the_others_go_on)
{
    enum { COUNT = 32 };
    struct udp_port *port[COUNT];

    for (int i = 0; i < COUNT; i++)
        port[i] = bound(UDP_FAMILY_V4);
    for (int gone = 0; gone < COUNT; gone++) { /* from the middle, to the first and the latest */
        int which = (gone * 5 + 16) % COUNT;
        udp_close(&udp, port[which]);
        port[which] = NULL;
        bool seen[PORTS] = {false};
        for (uint32_t k = 0; k < 2000 && gone < COUNT - 1; k++)
            seen[pool_index(&udp.ports, for_sender(k))] = true;
        for (int i = 0; i < COUNT; i++)
            HOLDS(!port[i] || seen[pool_index(&udp.ports, port[i])]);
    }
    ck_assert_ptr_null(for_sender(1));
    ck_assert_uint_eq(udp.ports.used, 0);
}
END_TEST

START_TEST(who_says_later_that_it_shares_does_and_who_takes_it_back_does_not)
{
    struct udp_port *port[3];
    int heard[3] = {0};

    for (int i = 0; i < 3; i++)
        port[i] = bound(UDP_FAMILY_V4);
    udp_set_reuse_port(&udp, port[1], false);
    udp_set_reuse_port(&udp, port[1], false);
    for (uint32_t k = 0; k < 300; k++)
        for (int i = 0; i < 3; i++)
            heard[i] += for_sender(k) == port[i];
    ck_assert_int_gt(heard[0], 100);
    ck_assert_int_eq(heard[1], 0);
    ck_assert_int_gt(heard[2], 100);
    udp_set_reuse_port(&udp, port[2], false); /* the latest: it alone, as with reuse_addr */
    for (uint32_t k = 0; k < 300; k++)
        HOLDS(for_sender(k) == port[2]);
    udp_set_reuse_port(&udp, port[1], true);
    udp_set_reuse_port(&udp, port[2], true);
    bool seen[PORTS] = {false};
    for (uint32_t k = 0; k < 300; k++)
        seen[pool_index(&udp.ports, for_sender(k))] = true;
    for (int i = 0; i < 3; i++)
        ck_assert(seen[pool_index(&udp.ports, port[i])]);
}
END_TEST

/* --- whatever is done -------------------------------------------------------------------------
 */

static struct udp_port *all[PORTS]; /* in the order in which they were named */
static int count;

static void named(struct udp_port *port)
{
    for (int i = 0; i < count; i++) {
        if (all[i] == port) {
            memmove(&all[i], &all[i + 1], (size_t)(--count - i) * sizeof all[0]);
            break;
        }
    }
    all[count++] = port;
}

/* Of those with this name, the latest of the more telling family: whom it stands for. */
static const struct udp_port *model_of(struct endpoint local, struct endpoint remote,
                                       uint8_t family)
{
    const struct udp_port *best = NULL;

    for (int i = count - 1; i >= 0; i--) {
        const struct udp_port *port = all[i];
        if (!udp_is_named(port, local, remote) || !(port->families & family))
            continue;
        if (!best || (best->families != family && port->families == family))
            best = port;
    }
    return best;
}

static void check(uint32_t number, bool v6)
{
    const struct endpoint anybody = {.port = 0}, any_of_ours = {.port = PORT};
    struct endpoint local = us(v6), remote = sender(number, v6);
    uint8_t family = v6 ? UDP_FAMILY_V6 : UDP_FAMILY_V4;
    const struct udp_port *found = udp_find(&udp, local, remote);
    const struct udp_port *first = model_of(local, remote, family);

    if (!first)
        first = model_of(local, anybody, family);
    if (!first)
        first = model_of(any_of_ours, anybody, family);
    HOLDS(!first == !found);
    if (!found || !first->reuse_port)
        HOLDS(found == first);
    else
        HOLDS(found->reuse_port && found->families == first->families &&
              udp_is_named(found, first->local, first->remote));
    HOLDS(found == udp_find(&udp, local, remote));
}

/* Each port that has the name comes once along the chain, and all of them do. */
static void check_chain(struct endpoint local, struct endpoint remote)
{
    int expected = 0, there = 0;

    for (int i = 0; i < count; i++)
        expected += udp_is_named(all[i], local, remote);
    for (struct udp_port *port = udp_chain(&udp, local, remote); port; port = udp_chain_next(port))
        there += udp_is_named(port, local, remote);
    HOLDS(there == expected);
}

static void change_something(void)
{
    static const uint8_t families[] = {UDP_FAMILY_V4, UDP_FAMILY_V6, BOTH};
    struct udp_port *port = count ? all[prng_below(&prng, (uint64_t)count)] : NULL;

    switch (prng_below(&prng, 6)) {
    case 0:
    case 1:
        if (count < PORTS) {
            port = open_port(families[prng_below(&prng, 3)], true, prng_below(&prng, 3) > 0);
            bool here = port->families == UDP_FAMILY_V4 && prng_below(&prng, 2);
            ck_assert_int_eq(
                udp_bind(&udp, port, here ? us(false) : (struct endpoint){.port = PORT}), 0);
            port->addr_chosen = here;
            named(port);
        }
        break;
    case 2:
        if (port) {
            udp_close(&udp, port);
            named(port);
            count--;
        }
        break;
    case 3:
        if (port)
            udp_set_reuse_port(&udp, port, !port->reuse_port);
        break;
    case 4:
        if (port && !port->is_connected) {
            bool v6 = port->families == UDP_FAMILY_V6;
            udp_connect(&udp, port, us(v6).addr, sender((uint32_t)prng_below(&prng, 4), v6));
            named(port);
        }
        break;
    default:
        if (port && port->is_connected) {
            udp_disconnect(&udp, port);
            named(port);
        }
    }
}

START_TEST(whatever_is_done_a_datagram_finds_whom_it_should)
{
    count = 0;
    prng_seed(&prng, (uint64_t)_i);
    for (int turn = 0; turn < 3000; turn++) {
        change_something();
        for (uint32_t k = 0; k < 8; k++)
            check(k, k & 1);
        check_chain((struct endpoint){.port = PORT}, (struct endpoint){.port = 0});
        check_chain(us(false), (struct endpoint){.port = 0});
        check_chain(us(false), sender(1, false));
    }
    ck_assert_int_gt(count, 10);
    while (count > 0)
        udp_close(&udp, all[--count]);
    for (uint32_t i = 0; i <= udp.table_mask; i++)
        ck_assert_ptr_null(udp.table[i]);
    ck_assert_uint_eq(udp.connected, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("udp_share");

    TCase *c = tcase_create("shares");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_loop_test(c, each_has_its_share_of_the_senders_and_keeps_it, 0,
                        (int)ARRAY_LEN(sizes));
    tcase_add_test(c, who_goes_is_heard_of_no_more_and_the_others_go_on);
    tcase_add_test(c, who_says_later_that_it_shares_does_and_who_takes_it_back_does_not);
    suite_add_tcase(s, c);

    c = tcase_create("whatever is done");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_loop_test(c, whatever_is_done_a_datagram_finds_whom_it_should, 1, 9);
    suite_add_tcase(s, c);
    return run_suite(s, "udp_share");
}
