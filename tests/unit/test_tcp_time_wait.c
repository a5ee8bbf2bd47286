/*
 * test_tcp_time_wait.c - connections in TIME-WAIT as small records: what one costs, what it still
 * knows, how it ends.
 *
 * What a segment does to a connection in TIME-WAIT is the matrix's and test_tcp_close's to say;
 * here the same is asked of one that nobody owns. Each test runs over IPv4 and over IPv6.
 */
#include <errno.h>

#include "base/base.h"
#include "base/instant.h"
#include "base/pool.h"
#include "support/callers.h"
#include "support/holds.h"
#include "support/proves.h"

enum { MSL_MS = 30000 };

static struct callers c;

/* `entries`: tcp.time_wait, and `slots`: tcp.connections; 0: as they are. */
static void given_listener(int row, int entries, int slots)
{
    callers_config(&c, row == 1);
    c.config.values.tcp_connections = slots ? slots : 64;
    c.config.values.sock_sockets = 64;
    if (entries)
        c.config.values.tcp_time_wait = entries;
    callers_begin(&c, 4);
}

/* We close first, the caller answers with its FIN: the last ACK is ours. */
static void close_both(struct caller *caller, int s)
{
    HOLDS(sock_close(c.stack, s) == 0);
    caller_say(&c, caller, TCP_ACK, 0); /* our FIN leaves */
    caller->ack++;
    const struct caller_heard *last = caller_say(&c, caller, TCP_FIN | TCP_ACK, 0);
    caller->seq++;
    HOLDS(last && last->seg.flags == TCP_ACK && last->seg.ack.value == caller->seq);
}

static struct caller given_time_wait(uint32_t number)
{
    struct caller caller = caller_of(&c, number);

    HOLDS(caller_open(&c, &caller));
    close_both(&caller, callers_accept(&c));
    callers_forget(&c);
    return caller;
}

/* The peer's FIN, which has its number behind it by now, once more. */
static const struct caller_heard *fin_again(struct caller *caller)
{
    caller->seq--;
    const struct caller_heard *heard = caller_say(&c, caller, TCP_FIN | TCP_ACK, 0);
    caller->seq++;
    return heard;
}

/* --- what one costs ----------------------------------------------------------------------- */

/* And 32 more for what IPv6 addresses are longer. */
START_TEST(a_connection_in_time_wait_costs_64_octets)
{
    enum { COUNT = 8192, SLAB = 65536 };
    uint64_t entry = 64 + POOL_STRIP, upper = _i == 1 ? 32 + POOL_STRIP : 0;

    given_listener(_i, COUNT, 0);
    uint64_t before = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        if (i == 1) /* there are frames and a slot by now */
            before = c.memory.out;
        given_time_wait(i);
    }
    ck_assert_uint_eq(callers_usage(&c).time_wait, COUNT);
    ck_assert_uint_eq(callers_usage(&c).connections, COUNT);
    ck_assert_uint_le(c.memory.out - before,
                      COUNT * (entry + upper) + (upper ? UINT64_C(2) : UINT64_C(1)) * SLAB);
    ck_assert_uint_eq(callers_usage(&c).timers, 1);
    callers_end(&c);
    PROVES("C38");
}
END_TEST

START_TEST(thousands_of_short_connections_cost_what_time_wait_may_hold)
{
    enum { COUNT = 3000, ENTRIES = 64 };
    uint64_t memory = 0;

    given_listener(_i, ENTRIES, 0);
    for (uint32_t i = 0; i < COUNT; i++) {
        given_time_wait(i);
        if (i == 1000)
            memory = c.memory.peak;
    }
    ck_assert_uint_eq(callers_usage(&c).time_wait, ENTRIES);
    ck_assert_uint_eq(callers_counter(&c, COUNTER_TCP_TW_EVICT), COUNT - ENTRIES);
    ck_assert_uint_le(c.memory.peak, memory);
    callers_wait_ms(&c, 2 * MSL_MS + 1);
    ck_assert_uint_eq(callers_usage(&c).time_wait, 0);
    callers_end(&c);
    PROVES("C38");
}
END_TEST

START_TEST(at_the_cap_the_oldest_gives_way_to_the_newest)
{
    given_listener(_i, 2, 0);
    struct caller one = given_time_wait(1), two = given_time_wait(2), three = given_time_wait(3);

    ck_assert_uint_eq(callers_counter(&c, COUNTER_TCP_TW_EVICT), 1);
    const struct caller_heard *heard = fin_again(&one);
    ck_assert(heard && heard->seg.flags & TCP_RST); /* nobody knows it any more */
    heard = fin_again(&two);
    ck_assert(heard && heard->seg.flags == TCP_ACK);
    heard = fin_again(&three);
    ck_assert(heard && heard->seg.flags == TCP_ACK);
    callers_end(&c);
    PROVES("C38");
}
END_TEST

START_TEST(one_that_waits_takes_no_slot_from_those_that_work)
{
    given_listener(_i, 0, 2);
    struct caller waits = given_time_wait(1), works = caller_of(&c, 2), too = caller_of(&c, 3);

    ck_assert(caller_open(&c, &works));
    ck_assert(caller_open(&c, &too));
    int one = callers_accept(&c), two = callers_accept(&c);
    uint64_t before = callers_drops(&c, DROP_TCP_NO_MEMORY);
    ck_assert_ptr_null(fin_again(&waits)); /* no slot to answer from: it will come again */
    ck_assert_uint_eq(callers_drops(&c, DROP_TCP_NO_MEMORY), before + 1);
    close_both(&works, one);
    const struct caller_heard *heard = fin_again(&waits);
    ck_assert(heard && heard->seg.flags == TCP_ACK && heard->seg.ack.value == waits.seq);
    close_both(&too, two);
    callers_end(&c);
    PROVES("C38", "F02");
}
END_TEST

/* The same as with one, but that it takes a slot. */
START_TEST(without_memory_for_an_entry_the_connection_waits_in_its_slot)
{
    given_listener(_i, 0, 2);
    struct caller caller = caller_of(&c, 1);

    ck_assert(caller_open(&c, &caller));
    int s = callers_accept(&c);
    callers_forget(&c);
    ck_assert_int_eq(sock_close(c.stack, s), 0);
    caller_say(&c, &caller, TCP_ACK, 0);
    caller.ack++;
    c.memory.fail_at = c.memory.calls + 1;
    caller_say(&c, &caller, TCP_FIN | TCP_ACK, 0);
    caller.seq++;
    c.memory.fail_at = 0;
    ck_assert_uint_eq(callers_usage(&c).time_wait, 0);
    ck_assert_uint_eq(callers_usage(&c).connections, 1);
    callers_wait_ms(&c, 2 * MSL_MS - 1);
    ck_assert_uint_eq(callers_usage(&c).connections, 1);
    callers_wait_ms(&c, 2);
    ck_assert_uint_eq(callers_usage(&c).connections, 0);
    callers_end(&c);
    PROVES("F02");
}
END_TEST

/* --- what one still knows ----------------------------------------------------------------- */

START_TEST(the_fin_again_is_acknowledged_and_2_msl_begin_anew)
{
    given_listener(_i, 0, 0);
    struct caller caller = given_time_wait(1);

    for (int i = 0; i < 5; i++) {
        callers_wait_ms(&c, 2 * MSL_MS - 1);
        ck_assert_uint_eq(callers_usage(&c).time_wait, 1);
        const struct caller_heard *heard = fin_again(&caller);
        ck_assert(heard && heard->seg.flags == TCP_ACK);
        ck_assert_uint_eq(heard->seg.seq.value, caller.ack);
        ck_assert_uint_eq(heard->seg.ack.value, caller.seq);
        ck_assert_uint_eq(heard->seg.window, 65534); /* that the FIN has taken one of */
        callers_forget(&c);
    }
    callers_wait_ms(&c, 2 * MSL_MS - 1);
    ck_assert_uint_eq(callers_usage(&c).time_wait, 1);
    callers_wait_ms(&c, 2);
    ck_assert_uint_eq(callers_usage(&c).time_wait, 0);
    ck_assert_int_eq(c.count, 0);
    callers_end(&c);
    PROVES("RFC9293-MUST-13");
}
END_TEST

START_TEST(a_reset_ends_nothing)
{
    given_listener(_i, 0, 0);
    struct caller caller = given_time_wait(1);

    ck_assert_ptr_null(caller_say(&c, &caller, TCP_RST, 0));
    ck_assert_uint_eq(callers_drops(&c, DROP_TCP_TIME_WAIT), 1);
    ck_assert_uint_eq(callers_usage(&c).time_wait, 1);
    callers_end(&c);
    PROVES("RFC1337-3-a", "C37");
}
END_TEST

START_TEST(an_old_syn_is_challenged_once_in_half_a_second)
{
    given_listener(_i, 0, 0);
    struct caller caller = given_time_wait(1);

    for (int i = 0; i < 10; i++) {
        caller.seq -= 100;
        const struct caller_heard *heard = caller_say(&c, &caller, TCP_SYN, 0);
        caller.seq += 100;
        ck_assert_int_eq(heard != NULL, i == 0);
        ck_assert(!heard || (heard->seg.flags == TCP_ACK && heard->seg.ack.value == caller.seq));
    }
    callers_forget(&c);
    callers_wait_ms(&c, 500);
    caller.seq -= 100;
    ck_assert_ptr_nonnull(caller_say(&c, &caller, TCP_SYN, 0));
    callers_end(&c);
    PROVES("RFC5961-7-a", "C37");
}
END_TEST

/* The clock that it has told, and TS.Recent: PAWS refuses what is older. */
START_TEST(timestamps_go_on)
{
    given_listener(_i, 0, 0);
    struct caller caller = caller_of(&c, 1);

    caller.options.has_timestamps = true;
    ck_assert(caller_open(&c, &caller));
    uint32_t told = caller.options.ts_ecr;
    instant then = c.now;
    callers_wait_ms(&c, 1000);
    close_both(&caller, callers_accept(&c));
    ck_assert_uint_eq(callers_usage(&c).time_wait, 1);
    callers_forget(&c);
    callers_wait_ms(&c, 1000);

    const struct caller_heard *heard = fin_again(&caller);
    ck_assert(heard && heard->seg.options.has_timestamps);
    ck_assert_uint_eq(heard->seg.options.ts_val - told,
                      (uint32_t)(instant_since(c.now, then) / NS_PER_MS));
    uint32_t recent = heard->seg.options.ts_ecr;
    ck_assert_uint_eq(recent, caller.iss + (uint32_t)(c.now.ns / NS_PER_MS));

    uint64_t before = callers_drops(&c, DROP_TCP_PAWS);
    caller.iss -= 1000; /* whose clock it goes by */
    fin_again(&caller);
    ck_assert_uint_eq(callers_drops(&c, DROP_TCP_PAWS), before + 1);
    callers_end(&c);
    PROVES("RFC7323-5.3-a");
}
END_TEST

START_TEST(a_syn_above_its_numbers_opens_it_again)
{
    given_listener(_i, 0, 0);
    struct caller caller = given_time_wait(1);
    uint32_t used = caller.ack;

    caller.iss = caller.seq + 1000;
    ck_assert(caller_open(&c, &caller));
    ck_assert_int_gt((int32_t)(caller.ack - used), 0);
    ck_assert_uint_eq(callers_usage(&c).time_wait, 0);
    close_both(&caller, callers_accept(&c));
    callers_end(&c);
    PROVES("RFC9293-MAY-2", "RFC6191-2-a");
}
END_TEST

START_TEST(its_name_is_not_given_to_another)
{
    given_listener(_i, 0, 0);
    struct caller caller = given_time_wait(1);
    int s = sock_socket(c.stack, c.v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0), on = 1;

    ck_assert_int_eq(sock_setsockopt(c.stack, s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    ck_assert_int_eq(sock_close(c.stack, c.listener), 0);
    ck_assert_int_eq(sock_bind(c.stack, s, (struct endpoint){.port = CALLER_PORT}), 0);
    ck_assert_int_lt(sock_connect(c.stack, s, caller.from, NULL), 0);
    ck_assert_int_eq(c.count, 0);
    callers_wait_ms(&c, 2 * MSL_MS + 1);
    ck_assert_int_eq(sock_connect(c.stack, s, caller.from, NULL), -EINPROGRESS);
    c.listener = s;
    callers_end(&c);
    PROVES("RFC9293-TMO-3");
}
END_TEST

/* Its owner held it for half of the time: it ends no earlier than it would have, and no later than
 * 2 MSL from the CLOSE. */
START_TEST(who_comes_late_waits_as_long_as_the_one_before)
{
    given_listener(_i, 0, 0);
    struct caller late = caller_of(&c, 1);

    ck_assert(caller_open(&c, &late));
    int s = callers_accept(&c);
    ck_assert_int_eq(sock_shutdown(c.stack, s, SHUT_WR), 0);
    caller_say(&c, &late, TCP_ACK, 0);
    late.ack++;
    ck_assert_ptr_nonnull(caller_say(&c, &late, TCP_FIN | TCP_ACK, 0));
    callers_forget(&c);
    callers_wait_ms(&c, MSL_MS);
    given_time_wait(2);
    ck_assert_int_eq(sock_close(c.stack, s), 0);
    ck_assert_uint_eq(callers_usage(&c).time_wait, 2);
    callers_wait_ms(&c, 2 * MSL_MS - 1);
    ck_assert_uint_eq(callers_usage(&c).time_wait, 2);
    callers_wait_ms(&c, 2);
    ck_assert_uint_eq(callers_usage(&c).time_wait, 0);
    callers_end(&c);
    PROVES("RFC9293-MUST-13");
}
END_TEST

/* Entries tell their end by 32 bits, which go round; the stack hears of three hours in the very
 * call that makes one more. */
START_TEST(after_hours_without_a_sign_of_time_each_still_ends_when_it_should)
{
    given_listener(_i, 0, 0);
    struct caller late = caller_of(&c, 2);

    ck_assert(caller_open(&c, &late));
    int s = callers_accept(&c);
    given_time_wait(1);
    ck_assert_int_eq(sock_close(c.stack, s), 0);
    caller_say(&c, &late, TCP_ACK, 0);
    late.ack++;
    c.now = instant_add(c.now, 3 * 3600 * NS_PER_S);
    ck_assert_ptr_nonnull(caller_say(&c, &late, TCP_FIN | TCP_ACK, 0));
    ck_assert_uint_eq(callers_usage(&c).time_wait, 1); /* the first one's time is over */
    callers_wait_ms(&c, 2 * MSL_MS - 1);
    ck_assert_uint_eq(callers_usage(&c).time_wait, 1);
    callers_wait_ms(&c, 2);
    ck_assert_uint_eq(callers_usage(&c).time_wait, 0);
    callers_end(&c);
    PROVES("RFC9293-MUST-13");
}
END_TEST

/* --- before TIME-WAIT --------------------------------------------------------------------- */

/* Their peers acknowledge our FIN and then say nothing more: FIN-WAIT-2 without an owner. */
START_TEST(of_those_that_were_closed_and_have_not_ended_there_is_a_cap)
{
    enum { ORPHANS = 3 };
    struct caller callers[ORPHANS + 1];

    callers_config(&c, _i == 1);
    c.config.values.tcp_connections = c.config.values.sock_sockets = 64;
    c.config.values.tcp_orphans = ORPHANS;
    callers_begin(&c, 4);
    for (uint32_t i = 0; i <= ORPHANS; i++) {
        callers[i] = caller_of(&c, i);
        ck_assert(caller_open(&c, &callers[i]));
        int s = callers_accept(&c);
        callers_forget(&c);
        ck_assert_int_eq(sock_close(c.stack, s), 0);
        callers_wait_ms(&c, 1);
        ck_assert_int_eq(c.count, 1);
        ck_assert_int_eq(c.heard[0].seg.flags, TCP_ACK | (i < ORPHANS ? TCP_FIN : TCP_RST));
        callers[i].ack++;
        if (i < ORPHANS)
            caller_say(&c, &callers[i], TCP_ACK, 0);
    }
    ck_assert_uint_eq(callers_usage(&c).orphans, ORPHANS);
    ck_assert_uint_eq(callers_counter(&c, COUNTER_TCP_ORPHAN_RESET), 1);
    ck_assert_uint_eq(callers_usage(&c).connections, ORPHANS);
    ck_assert_ptr_nonnull(caller_say(&c, &callers[0], TCP_FIN | TCP_ACK, 0));
    ck_assert_uint_eq(callers_usage(&c).orphans, ORPHANS - 1); /* one is in TIME-WAIT now */
    callers_forget(&c);
    callers_wait_ms(&c, 60001);
    ck_assert_uint_eq(callers_usage(&c).orphans, 0);
    callers_end(&c);
    PROVES("C39");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("tcp_time_wait");

    TCase *t = tcase_create("THREATS C38: what one costs");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, a_connection_in_time_wait_costs_64_octets, 0, 2);
    tcase_add_loop_test(t, thousands_of_short_connections_cost_what_time_wait_may_hold, 0, 2);
    tcase_add_loop_test(t, at_the_cap_the_oldest_gives_way_to_the_newest, 0, 2);
    tcase_add_loop_test(t, one_that_waits_takes_no_slot_from_those_that_work, 0, 2);
    tcase_add_loop_test(t, without_memory_for_an_entry_the_connection_waits_in_its_slot, 0, 2);
    suite_add_tcase(s, t);

    t = tcase_create("RFC 9293, 3.10.7.4: what one still knows");
    tcase_add_loop_test(t, the_fin_again_is_acknowledged_and_2_msl_begin_anew, 0, 2);
    tcase_add_loop_test(t, a_reset_ends_nothing, 0, 2);
    tcase_add_loop_test(t, an_old_syn_is_challenged_once_in_half_a_second, 0, 2);
    tcase_add_loop_test(t, timestamps_go_on, 0, 2);
    tcase_add_loop_test(t, a_syn_above_its_numbers_opens_it_again, 0, 2);
    tcase_add_loop_test(t, its_name_is_not_given_to_another, 0, 2);
    tcase_add_loop_test(t, who_comes_late_waits_as_long_as_the_one_before, 0, 2);
    tcase_add_loop_test(t, after_hours_without_a_sign_of_time_each_still_ends_when_it_should, 0, 2);
    suite_add_tcase(s, t);

    t = tcase_create("THREATS C39: before TIME-WAIT");
    tcase_add_loop_test(t, of_those_that_were_closed_and_have_not_ended_there_is_a_cap, 0, 2);
    suite_add_tcase(s, t);
    return run_suite(s, "tcp_time_wait");
}
