/*
 * test_parking.c - connections that wait for a station which ARP still asks for.
 *
 * Whoever waits for what nobody asks for is found by the walker that runs after each step of
 * stations.h. `_i` says who waits: half-open connections (0), or those that a program here opens.
 */
#include <errno.h>
#include <netinet/in.h>
#include <tapio/sock.h>

#include "support/proves.h"
#include "support/stations.h"

enum { SILENT = 10, OTHER = 20, NEW_GATEWAY = 253, AFAR = 99 };
enum { HALF_OPEN, OPENING };
enum { QUEUE = 3 }; /* arp.queue: packets that wait in an entry */

static void given_a_stack_of_defaults(void)
{
    stations_config();
    stations_begin();
}

/* `count` connections owe a segment to a station, from the port 1000 on. */
static void waits(int who, int station, int count)
{
    for (int i = 0; i < count; i++) {
        uint16_t port = (uint16_t)(1000 + i);
        if (who == HALF_OPEN)
            station_calls(station, port);
        else
            stations_open_to(ip_from_v4(station_addr(STATIONS_US)),
                             ip_from_v4(station_addr(station)), port);
    }
}

static uint32_t length(const struct list *list)
{
    uint32_t count = 0;

    for (const struct list *node = list->next; node != list; node = node->next)
        count++;
    return count;
}

/* How many are going to be tried with the next output, */
static uint32_t debtors(void)
{
    return length(&st.stack->tcp.debtors) + chain_count(&st.stack->tcp.syn.debts, SYN_DEBTORS);
}

/* and how many wait for stations. */
static uint32_t parked(void)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < st.stack->tcp.stations; i++)
        count += length(&st.stack->tcp.parked[i]) +
                 chain_count(&st.stack->tcp.syn.debts, SYN_PARKED + i);
    return count;
}

/* What the stack does before it sends. */
static void let_go(void)
{
    uint32_t station;

    while (arp_next_settled(&st.stack->arp, &station))
        tcp_unpark(&st.stack->tcp, station);
}

/* --- one station, and another ------------------------------------------------------------- */

START_TEST(who_waits_for_a_silent_station_is_not_touched_when_others_answer)
{
    waits(_i, SILENT, 50);
    ck_assert_uint_eq(parked(), 50 - QUEUE);
    for (int other = OTHER; other < OTHER + 20; other++) {
        waits(_i, other, 5);
        ck_assert_uint_eq(parked(), 50 - QUEUE + 5 - QUEUE);
        station_replies(other);
        let_go();
        ck_assert_uint_eq(debtors(), 5 - QUEUE);
        ck_assert_uint_eq(parked(), 50 - QUEUE);
        stations_output();
        ck_assert_int_eq(st.tcp_to[other], 5);
        station_answers(other); /* once more, as one does who wants us to have work */
        ck_assert_int_eq(st.tcp_to[other], 5);
    }
    ck_assert_int_eq(st.tcp_to[SILENT], 0);
    ck_assert_int_eq(st.arp_asks[SILENT], 1);
    station_answers(SILENT);
    ck_assert_int_eq(st.tcp_to[SILENT], 50);
    ck_assert_uint_eq(st.last_port[SILENT], 1049); /* in the order in which they came */
    ck_assert_uint_eq(parked() + debtors(), 0);
}
END_TEST

START_TEST(a_thousand_wait_for_one_answer_and_leave_once)
{
    waits(HALF_OPEN, SILENT, 1000);
    ck_assert_uint_eq(parked(), 1000 - QUEUE);
    ck_assert_int_eq(st.arp_asks[SILENT], 1);
    station_answers(SILENT);
    ck_assert_int_eq(st.tcp_to[SILENT], 1000);
    ck_assert_uint_eq(st.last_port[SILENT], 1999);
    ck_assert_uint_eq(parked() + debtors(), 0);
    for (uint16_t i = 0; i < 1000; i++) { /* and all of them are still connections in the making */
        struct endpoint local = {ip_from_v4(station_addr(STATIONS_US)), STATIONS_PORT};
        struct endpoint remote = {ip_from_v4(station_addr(SILENT)), (uint16_t)(1000 + i)};
        struct tcp_conn *conn = tcp_find(&st.stack->tcp, local, remote);
        ck_assert(conn && tcp_conn_state(conn) == TCPS_SYN_RECEIVED);
    }
}
END_TEST

START_TEST(a_device_that_is_full_when_the_answer_comes_loses_nobody)
{
    waits(_i, SILENT, 10);
    st.full = true;
    station_answers(SILENT);
    ck_assert_uint_eq(parked() + debtors(), 10 - QUEUE);
    st.full = false;
    stations_output();
    ck_assert_int_eq(st.tcp_to[SILENT], 10);
}
END_TEST

START_TEST(two_stations_that_answer_in_one_batch_both_go_on)
{
    waits(_i, SILENT, 10);
    waits(_i, OTHER, 10);
    station_replies(OTHER);
    station_replies(SILENT);
    stations_output();
    ck_assert_int_eq(st.tcp_to[SILENT], 10);
    ck_assert_int_eq(st.tcp_to[OTHER], 10);
    ck_assert_uint_eq(parked(), 0);
}
END_TEST

/* --- how waiting ends ---------------------------------------------------------------------- */

START_TEST(a_station_that_fails_lets_those_go_who_wait_for_it_alone)
{
    waits(_i, SILENT, 10);
    stations_wait_ms(1500);
    waits(_i, OTHER, 10);                               /* who is asked for 1.5 s longer */
    uint32_t others = _i == HALF_OPEN ? 1 : 10 - QUEUE; /* timeouts of the first come in between */
    stations_wait_ms(2000);
    ck_assert_str_eq(arp_state_name(&st.stack->arp, ip_from_v4(station_addr(SILENT))), "failed");
    ck_assert_str_eq(arp_state_name(&st.stack->arp, ip_from_v4(station_addr(OTHER))), "incomplete");
    ck_assert_uint_ge(parked(), others);
    ck_assert_uint_le(parked(), 10);
    ck_assert_uint_eq(debtors(), 0);
    station_answers(OTHER);
    ck_assert_int_ge(st.tcp_to[OTHER], 10);
    ck_assert_uint_eq(parked(), 0);
    ck_assert_int_eq(st.tcp_to[SILENT], 0);
    if (_i == OPENING) { /* they have heard it, and are no more */
        ck_assert_uint_eq(chain_count(&st.stack->tcp.kin, KIN_OPENING), 10);
        return;
    }
    station_answers(SILENT); /* it was only slow: each of them is sent again in its time */
    stations_wait_ms(10000);
    ck_assert_int_ge(st.tcp_to[SILENT], 10);
}
END_TEST

/* It says whose address it has, to nobody in particular; and what lay in its entry is gone. */
START_TEST(a_gratuitous_packet_lets_them_go_though_nothing_is_queued)
{
    struct frame *held;
    struct mac_addr mac;

    waits(_i, SILENT, 10);
    station_says(ARP_REQUEST, SILENT, station_addr(SILENT));
    while ((held = arp_next_released(&st.stack->arp, &mac)))
        frame_put(held);
    stations_output();
    ck_assert_int_eq(st.tcp_to[SILENT], 10 - QUEUE);
    ck_assert_uint_eq(parked(), 0);
}
END_TEST

START_TEST(a_packet_that_the_station_asks_us_with_lets_them_go)
{
    waits(_i, SILENT, 10);
    station_says(ARP_REQUEST, SILENT, station_addr(STATIONS_US));
    stations_output();
    ck_assert_int_eq(st.tcp_to[SILENT], 10);
}
END_TEST

/* Answered, and then nobody lets the stack send for so long that others need the room. */
START_TEST(an_entry_that_is_evicted_lets_them_ask_again)
{
    struct mac_addr mac;

    st.config.values.arp_entries = 4;
    stations_begin();
    waits(_i, SILENT, 10);
    station_replies(SILENT);
    st.now = instant_add(st.now, 11 * NS_PER_S);
    for (int i = 1; i < 4; i++) {
        station_says(ARP_REQUEST, OTHER + i, station_addr(STATIONS_US));
        ck_assert_int_eq(
            arp_resolve(&st.stack->arp, ip_from_v4(station_addr(OTHER + i)), st.now, &mac),
            ARP_KNOWN);
    }
    station_says(ARP_REQUEST, OTHER, station_addr(STATIONS_US));
    ck_assert_ptr_null(arp_state_name(&st.stack->arp, ip_from_v4(station_addr(SILENT))));
    ck_assert_uint_eq(parked(), 10 - QUEUE);
    st.now = instant_add(st.now, 11 * NS_PER_S); /* so that there is room for it again */
    let_go();
    ck_assert_uint_eq(parked(), 0);
    ck_assert_uint_eq(debtors(), 10 - QUEUE);
    stations_output();
    ck_assert_str_eq(arp_state_name(&st.stack->arp, ip_from_v4(station_addr(SILENT))),
                     "incomplete");
    station_answers(SILENT);
    ck_assert_int_eq(st.tcp_to[SILENT], 10 - QUEUE);
}
END_TEST

/* While nobody was told of it, the number of a forgotten station is nobody else's. */
START_TEST(the_number_of_a_forgotten_station_is_told_before_another_has_it)
{
    struct mac_addr mac;
    uint32_t told[2];

    const struct ip_addr station[] = {ip_from_v4(0x0a08004d), ip_from_v4(station_addr(SILENT))};
    ck_assert_int_eq(arp_resolve(&st.stack->arp, station[0], st.now, &mac), ARP_PENDING);
    uint32_t number = arp_await(&st.stack->arp, station[0]);
    ck_assert(arp_is_awaited(&st.stack->arp, number));
    ck_assert_int_eq(stack_remove_addr(st.stack, ip_from_v4(0x0a080002), st.now), 0);
    ck_assert_ptr_null(arp_state_name(&st.stack->arp, station[0]));
    ck_assert(arp_is_awaited(&st.stack->arp, number));
    ck_assert_int_eq(arp_resolve(&st.stack->arp, station[1], st.now, &mac), ARP_PENDING);
    ck_assert_uint_ne(arp_await(&st.stack->arp, station[1]), number);
    ck_assert(arp_next_settled(&st.stack->arp, &told[0]));
    ck_assert_uint_eq(told[0], number);
    ck_assert(!arp_next_settled(&st.stack->arp, &told[1])); /* the other is still asked for */
    ck_assert(!arp_is_awaited(&st.stack->arp, number));
    ck_assert_uint_eq(st.stack->arp.entries.used, 1); /* and its place is free */
}
END_TEST

/* --- another way --------------------------------------------------------------------------- */

START_TEST(who_waits_for_a_station_that_is_off_the_link_now_asks_the_gateway)
{
    const struct ip_addr from = ip_from_v4(station_addr(STATIONS_US)),
                         to = ip_from_v4(0x0a080000 + AFAR);

    for (uint16_t i = 0; i < 10; i++)
        stations_open_to(from, to, (uint16_t)(1000 + i));
    ck_assert_uint_eq(parked(), 10 - QUEUE);
    ck_assert_int_eq(stack_remove_addr(st.stack, ip_from_v4(0x0a080002), st.now), 0);
    stations_output();
    ck_assert_int_eq(st.arp_asks[STATIONS_GATEWAY], 1);
    station_answers(STATIONS_GATEWAY);
    ck_assert_int_eq(st.tcp_to[AFAR], 10 - QUEUE);
    ck_assert_int_eq(st.by_station[STATIONS_GATEWAY], 10 - QUEUE);
}
END_TEST

START_TEST(who_waits_for_the_old_gateway_asks_the_new_one)
{
    const struct ip_addr from = ip_from_v4(station_addr(STATIONS_US)),
                         to = ip_from_v4(0xc0000200 + AFAR);

    for (uint16_t i = 0; i < 10; i++)
        stations_open_to(from, to, (uint16_t)(1000 + i));
    ck_assert_uint_eq(parked(), 10 - QUEUE);
    ck_assert_int_eq(stack_set_gateway(st.stack, ip_from_v4(station_addr(NEW_GATEWAY))), 0);
    stations_output();
    station_answers(NEW_GATEWAY);
    ck_assert_int_eq(st.tcp_to[AFAR], 10 - QUEUE);
    ck_assert_int_eq(st.by_station[NEW_GATEWAY], 10 - QUEUE);
    ck_assert_uint_eq(parked(), 0);
}
END_TEST

START_TEST(who_waits_for_the_gateway_asks_a_station_that_is_on_the_link_now)
{
    const struct ip_addr from = ip_from_v4(station_addr(STATIONS_US)),
                         to = ip_from_v4(0x0a070000 + AFAR);

    for (uint16_t i = 0; i < 10; i++)
        stations_open_to(from, to, (uint16_t)(1000 + i));
    struct ip_prefix another = {ip_from_v4(0x0a070002), 24};
    ck_assert_int_eq(stack_add_addr(st.stack, another, st.now), 0);
    stations_output();
    ck_assert_int_eq(st.arp_asks[AFAR], 1);
    ck_assert_uint_eq(parked(), 10 - 2 * QUEUE); /* for that one, whose entry is full by now */
}
END_TEST

START_TEST(who_gives_up_while_he_waits_is_gone_from_the_list)
{
    int s[10];

    for (int i = 0; i < 10; i++)
        s[i] = stations_open_to(ip_from_v4(station_addr(STATIONS_US)),
                                ip_from_v4(station_addr(SILENT)), STATIONS_PORT);
    for (int i = 0; i < 10; i += 2)
        ck_assert_int_eq(sock_close(st.stack, s[i]), 0);
    stations_hold();
    ck_assert_uint_eq(parked(), 4); /* 3, 5, 7 and 9 of them: what 0 to 2 said is in the entry */
    station_answers(SILENT);
    ck_assert_int_eq(st.tcp_to[SILENT], QUEUE + 4);
}
END_TEST

START_TEST(who_waits_for_what_nobody_asks_for_is_found)
{
    uint32_t conn;

    waits(_i, SILENT, QUEUE + 1);
    uint32_t told = UINT32_MAX;
    station_replies(SILENT);
    ck_assert(arp_next_settled(&st.stack->arp, &told)); /* and nobody tells TCP */
    ck_assert_str_eq(stack_check_invariants(st.stack, &conn),
                     "a connection waits for a station that nobody asks for");
    tcp_unpark(&st.stack->tcp, told);
    stations_hold();
}
END_TEST

START_TEST(who_owes_and_is_on_no_list_is_found)
{
    uint32_t conn, station = 0;

    waits(_i, SILENT, QUEUE + 1);
    while (!tcp_is_awaiting(&st.stack->tcp, station))
        station++;
    struct chain_link *head = &st.stack->tcp.syn.debt_heads[SYN_PARKED + station], chain = *head;
    struct list *list = &st.stack->tcp.parked[station], whole = *list;
    list_init(list);
    *head = (struct chain_link){CHAIN_HEAD | (SYN_PARKED + station),
                                CHAIN_HEAD | (SYN_PARKED + station)};
    ck_assert_str_eq(stack_check_invariants(st.stack, &conn),
                     _i == HALF_OPEN
                         ? "a half-open connection that owes neither is a debtor nor waits"
                         : "a connection that owes is neither a debtor nor waits");
    *head = chain;
    if (_i == OPENING)
        *list = whole;
    stations_hold();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("parking");

    TCase *c = tcase_create("one station, and another");
    tcase_add_checked_fixture(c, given_a_stack_of_defaults, stations_end);
    tcase_add_loop_test(c, who_waits_for_a_silent_station_is_not_touched_when_others_answer, 0, 2);
    tcase_add_test(c, a_thousand_wait_for_one_answer_and_leave_once);
    tcase_add_loop_test(c, a_device_that_is_full_when_the_answer_comes_loses_nobody, 0, 2);
    tcase_add_loop_test(c, two_stations_that_answer_in_one_batch_both_go_on, 0, 2);
    suite_add_tcase(s, c);

    c = tcase_create("how waiting ends");
    tcase_add_checked_fixture(c, given_a_stack_of_defaults, stations_end);
    tcase_add_loop_test(c, a_station_that_fails_lets_those_go_who_wait_for_it_alone, 0, 2);
    tcase_add_loop_test(c, a_gratuitous_packet_lets_them_go_though_nothing_is_queued, 0, 2);
    tcase_add_loop_test(c, a_packet_that_the_station_asks_us_with_lets_them_go, 0, 2);
    tcase_add_test(c, the_number_of_a_forgotten_station_is_told_before_another_has_it);
    tcase_add_test(c, who_gives_up_while_he_waits_is_gone_from_the_list);
    suite_add_tcase(s, c);

    c = tcase_create("what always holds");
    tcase_add_checked_fixture(c, given_a_stack_of_defaults, stations_end);
    tcase_add_loop_test(c, who_waits_for_what_nobody_asks_for_is_found, 0, 2);
    tcase_add_loop_test(c, who_owes_and_is_on_no_list_is_found, 0, 2);
    suite_add_tcase(s, c);

    c = tcase_create("in a small cache");
    tcase_add_checked_fixture(c, stations_config, stations_end);
    tcase_add_loop_test(c, an_entry_that_is_evicted_lets_them_ask_again, 0, 2);
    suite_add_tcase(s, c);

    c = tcase_create("another way");
    tcase_add_checked_fixture(c, given_a_stack_of_defaults, stations_end);
    tcase_add_test(c, who_waits_for_a_station_that_is_off_the_link_now_asks_the_gateway);
    tcase_add_test(c, who_waits_for_the_old_gateway_asks_the_new_one);
    tcase_add_test(c, who_waits_for_the_gateway_asks_a_station_that_is_on_the_link_now);
    suite_add_tcase(s, c);
    return run_suite(s, "parking");
}
