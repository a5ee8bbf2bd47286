/*
 * test_tcp_syn_cache.c - half-open connections as small records (RFC 4987, 3.5), and the queue of
 * those that wait to be accepted.
 *
 * Each test runs over IPv4 and over IPv6.
 */
#include <linux/tcp.h> /* netinet/tcp.h has a tcp_seq of its own */
#include <netinet/in.h>

#include "base/instant.h"
#include "base/pool.h"
#include "support/callers.h"
#include "support/proves.h"

static struct callers c;

/* `entries`: tcp.syn_cache; 0: as it is. */
static void given_listener(int row, int entries, int backlog)
{
    callers_config(&c, row == 1);
    c.config.values.tcp_connections = c.config.values.sock_sockets = 64;
    c.config.values.tcp_syncookies = 0;
    if (entries)
        c.config.values.tcp_syn_cache = entries;
    callers_begin(&c, backlog);
}

/* --- what one costs ----------------------------------------------------------------------- */

START_TEST(a_half_open_connection_costs_96_octets)
{
    enum { COUNT = 8192, SLAB = 65536 };

    given_listener(_i, COUNT, 4);
    uint64_t before = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        if (i == 1) /* there are frames by now */
            before = c.memory.out;
        struct caller caller = caller_of(&c, i);
        ck_assert(caller_knock(&c, &caller));
        callers_forget(&c);
    }
    ck_assert_uint_eq(callers_usage(&c).half_open, COUNT);
    ck_assert_uint_eq(callers_usage(&c).connections, COUNT);
    ck_assert_uint_le(c.memory.out - before, COUNT * (96 + POOL_STRIP) + SLAB);
    c.full = true; /* 8192 resets for the closed listener are more than callers.h keeps */
    PROVES("RFC4987-3.5-a");
    stack_free(c.stack);
    ck_assert_uint_eq(c.memory.out, 0);
}
END_TEST

START_TEST(a_flood_of_100000_syns_costs_what_the_cache_may_hold)
{
    enum { FLOOD = 100000, CACHE = 256 };
    uint64_t memory = 0;

    given_listener(_i, CACHE, 4);
    struct caller friend = caller_of(&c, FLOOD);
    ck_assert(caller_open(&c, &friend));
    int s = callers_accept(&c);

    for (uint32_t i = 0; i < FLOOD; i++) {
        struct caller stranger = caller_of(&c, i);
        ck_assert(caller_knock(&c, &stranger) == (i < CACHE));
        callers_forget(&c);
        if (i == 1000)
            memory = c.memory.peak;
        if (i % 1000 == 999) { /* who was connected before is served as ever */
            ck_assert_int_eq(sock_send(c.stack, s, "x", 1, 0, NULL), 1);
            caller_say(&c, &friend, TCP_ACK | TCP_PSH, 10);
            friend.seq += 10;
            friend.ack += 1;
            ck_assert_uint_eq(c.heard[0].seg.ack.value, friend.seq);
            caller_say(&c, &friend, TCP_ACK, 0);
            char text[10];
            ck_assert_int_eq(sock_recv(c.stack, s, text, sizeof text, 0, NULL), 10);
            callers_forget(&c);
        }
    }
    ck_assert_uint_eq(callers_usage(&c).half_open, CACHE);
    ck_assert_uint_le(c.memory.peak, memory);
    ck_assert_uint_eq(callers_drops(&c, DROP_TCP_SYN_CACHE), FLOOD - CACHE);

    for (int i = 0; i < 70; i++) { /* nobody answers: all of them end */
        callers_wait_ms(&c, 1000);
        callers_forget(&c);
    }
    ck_assert_uint_eq(callers_usage(&c).half_open, 0);
    struct caller late = caller_of(&c, FLOOD + 1);
    ck_assert(caller_open(&c, &late));
    callers_close(&c, callers_accept(&c));
    callers_close(&c, s);
    callers_end(&c);
    PROVES("RFC4987-3.5-a");
}
END_TEST

START_TEST(a_full_cache_drops_a_syn_by_name_and_answers_it_later)
{
    given_listener(_i, 1, 4);
    struct caller one = caller_of(&c, 1), two = caller_of(&c, 2);

    ck_assert(caller_knock(&c, &one));
    ck_assert(!caller_knock(&c, &two));
    ck_assert_uint_eq(callers_drops(&c, DROP_TCP_SYN_CACHE), 1);
    ck_assert_ptr_null(caller_say(&c, &one, TCP_ACK, 0));
    ck_assert_uint_eq(callers_usage(&c).half_open, 0); /* it is a connection now */
    ck_assert(caller_open(&c, &two));
    callers_close(&c, callers_accept(&c));
    callers_close(&c, callers_accept(&c));
    callers_end(&c);
    PROVES("RFC4987-3.5-a");
}
END_TEST

START_TEST(without_memory_for_an_entry_a_syn_is_dropped_by_name)
{
    given_listener(_i, 0, 4);
    struct caller one = caller_of(&c, 1);

    c.memory.fail_at = c.memory.calls + 1;
    stack_input(c.stack, (struct bytes){0}, NULL, c.now); /* no frame either */
    ck_assert(!caller_knock(&c, &one));
    c.memory.fail_at = 0;
    ck_assert(caller_open(&c, &one));
    callers_close(&c, callers_accept(&c));
    callers_end(&c);
    PROVES("RFC4987-3.5-a");
}
END_TEST

/* --- what it remembers -------------------------------------------------------------------- */

START_TEST(what_the_syn_said_holds_in_the_connection)
{
    given_listener(_i, 0, 4);
    struct caller one = caller_of(&c, 1);

    one.options = (struct tcp_options){.has_mss = true,
                                       .mss = 1000,
                                       .has_window_scale = true,
                                       .window_scale = 9,
                                       .sack_permitted = true,
                                       .has_timestamps = true};
    ck_assert(caller_knock(&c, &one));
    const struct tcp_options *told = &c.heard[0].seg.options;
    ck_assert(told->has_window_scale && told->sack_permitted && told->has_timestamps);
    one.window = 100;
    ck_assert_ptr_null(caller_say(&c, &one, TCP_ACK, 0));
    int s = callers_accept(&c);
    struct sock_tcp_info info = callers_info(&c, s);
    ck_assert_uint_eq(info.tcpi_snd_mss, 988);
    ck_assert_uint_eq(info.tcpi_snd_wscale, 9);
    ck_assert_uint_eq(info.tcpi_snd_wnd, 100 << 9);
    ck_assert_uint_eq(info.tcpi_segs_in, 2);
    ck_assert_uint_eq(info.tcpi_segs_out, 1);
    ck_assert(info.tcpi_options & SOCK_TCPI_SACK && info.tcpi_options & SOCK_TCPI_TIMESTAMPS);
    callers_close(&c, s);
    callers_end(&c);
    PROVES("RFC4987-3.5-a");
}
END_TEST

/* What was set on the listener is shared by who has come to it, and outlives it with them. */
START_TEST(what_is_set_on_the_listener_holds_in_the_connection)
{
    given_listener(_i, 0, 4);
    callers_set(&c, TCP_MAXSEG, 700);
    struct caller one = caller_of(&c, 1);
    ck_assert(caller_knock(&c, &one));
    ck_assert_uint_eq(c.heard[0].seg.options.mss, 700);
    callers_forget(&c);
    callers_wait_ms(&c, 1001);
    ck_assert_int_eq(c.count, 1);
    ck_assert_uint_eq(c.heard[0].seg.options.mss, 700); /* and again */
    ck_assert_ptr_null(caller_say(&c, &one, TCP_ACK, 0));
    int s = callers_accept(&c);
    ck_assert_uint_eq(callers_info(&c, s).tcpi_snd_mss, 700);
    callers_forget(&c);
    callers_close(&c, c.listener);
    ck_assert_uint_eq(callers_info(&c, s).tcpi_snd_mss, 700);
    callers_close(&c, s);
    c.listener = sock_socket(c.stack, c.v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    callers_end(&c);
    PROVES("RFC4987-3.5-a");
}
END_TEST

/* RFC 5961, 7: at most one challenge in tcp.challenge, for half-open connections too. */
START_TEST(an_entry_is_challenged_once_in_half_a_second)
{
    given_listener(_i, 0, 4);
    struct caller one = caller_of(&c, 1);

    ck_assert(caller_knock(&c, &one));
    callers_forget(&c);
    one.seq += 100000; /* outside the window */
    for (int i = 0; i < 12; i++) {
        caller_say(&c, &one, TCP_ACK, 0);
        callers_wait_ms(&c, 50);
    }
    ck_assert_int_eq(c.count, 2);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(c.heard[i].seg.flags, TCP_ACK);
        ck_assert_uint_eq(c.heard[i].seg.ack.value, one.iss + 1);
    }
    ck_assert_uint_eq(callers_counter(&c, COUNTER_TCP_CHALLENGES), 2);
    one.seq -= 100000;
    ck_assert_ptr_null(caller_say(&c, &one, TCP_ACK, 0));
    callers_close(&c, callers_accept(&c));
    callers_end(&c);
    PROVES("RFC4987-3.5-a", "RFC5961-7-a");
}
END_TEST

/* Ten callers in five seconds, so that some wait for their second or third time while others wait
 * for their first: each <SYN,ACK> is repeated 1, 3 and 7 s after it first left, less than 1 ms
 * late. */
START_TEST(each_entry_has_its_own_time)
{
    enum { COUNT = 10, EVERY_MS = 450, TIMES = 3 };
    struct caller caller[COUNT];
    int repeated[COUNT] = {0};

    given_listener(_i, 0, 4);
    for (int ms = 0; ms < COUNT * EVERY_MS + 8000; ms++) {
        int next = ms / EVERY_MS;
        if (ms % EVERY_MS == 0 && next < COUNT) {
            caller[next] = caller_of(&c, (uint32_t)next);
            ck_assert(caller_knock(&c, &caller[next]));
            c.count--;
        }
        for (int i = 0; i < c.count; i++) {
            int who = 0;
            while (!endpoint_equal(c.heard[i].to, caller[who].from))
                who++;
            int wait = 1000 * ((2 << repeated[who]++) - 1);
            ck_assert_int_eq(ms, who * EVERY_MS + wait + 1);
        }
        callers_forget(&c);
        callers_wait_ms(&c, 1);
    }
    for (int i = 0; i < COUNT; i++)
        ck_assert_int_eq(repeated[i], TIMES);
    callers_end(&c);
    PROVES("RFC4987-3.5-a", "C32");
}
END_TEST

START_TEST(a_device_that_is_full_delays_the_syn_ack_and_does_not_keep_the_entry_for_ever)
{
    given_listener(_i, 0, 4);
    struct caller one = caller_of(&c, 1), two = caller_of(&c, 2);

    c.full = true;
    ck_assert(!caller_knock(&c, &one));
    callers_wait_ms(&c, 500);
    c.full = false;
    callers_wait_ms(&c, 1);
    ck_assert_int_eq(callers_forget(&c), 1);
    callers_wait_ms(&c, 998); /* the time begins when it has left */
    ck_assert_int_eq(callers_forget(&c), 0);
    callers_wait_ms(&c, 3);
    ck_assert_int_eq(callers_forget(&c), 1);
    c.full = true;
    ck_assert(!caller_knock(&c, &two));
    for (int i = 0; i < 130; i++)
        callers_wait_ms(&c, 1000);
    ck_assert_uint_eq(callers_usage(&c).half_open, 0);
    callers_end(&c);
    PROVES("RFC4987-3.5-a");
}
END_TEST

/* --- who waits to be accepted ------------------------------------------------------------- */

START_TEST(a_third_step_at_a_full_queue_is_dropped_by_name_and_the_handshake_goes_on)
{
    given_listener(_i, 0, 1);
    struct caller one = caller_of(&c, 1), two = caller_of(&c, 2), three = caller_of(&c, 3);

    ck_assert(caller_knock(&c, &one));
    ck_assert(caller_knock(&c, &two));
    ck_assert_ptr_null(caller_say(&c, &one, TCP_ACK, 0));
    ck_assert_ptr_null(caller_say(&c, &two, TCP_ACK, 0));
    ck_assert_ptr_null(caller_say(&c, &two, TCP_ACK | TCP_PSH, 10));
    ck_assert_uint_eq(callers_drops(&c, DROP_TCP_BACKLOG), 2);
    ck_assert(!caller_knock(&c, &three));
    ck_assert_uint_eq(callers_drops(&c, DROP_TCP_BACKLOG), 3);
    ck_assert_uint_eq(callers_usage(&c).half_open, 1);

    callers_forget(&c);
    callers_wait_ms(&c, 1001);
    ck_assert_int_eq(c.count, 1); /* the <SYN,ACK> again */
    ck_assert_int_eq(c.heard[0].seg.flags, TCP_SYN | TCP_ACK);
    ck_assert(endpoint_equal(c.heard[0].to, two.from));
    int first = callers_accept(&c);
    ck_assert_ptr_null(caller_say(&c, &two, TCP_ACK, 0));
    int second = callers_accept(&c);
    ck_assert(caller_open(&c, &three));
    callers_close(&c, callers_accept(&c));
    callers_close(&c, first);
    callers_close(&c, second);
    callers_end(&c);
    PROVES("RFC4987-3.5-a", "C33");
}
END_TEST

START_TEST(without_a_slot_for_a_connection_the_third_step_waits)
{
    callers_config(&c, _i == 1);
    c.config.values.tcp_connections = 1;
    callers_begin(&c, 4);
    struct caller one = caller_of(&c, 1), two = caller_of(&c, 2), three = caller_of(&c, 3);

    ck_assert(caller_knock(&c, &one));
    ck_assert(caller_knock(&c, &two));
    ck_assert_ptr_null(caller_say(&c, &one, TCP_ACK, 0));
    ck_assert_ptr_null(caller_say(&c, &two, TCP_ACK, 0));
    ck_assert(!caller_knock(&c, &three));
    ck_assert_uint_eq(callers_drops(&c, DROP_TCP_NO_MEMORY), 2);
    int s = callers_accept(&c);
    caller_say(&c, &one, TCP_RST, 0);
    callers_close(&c, s);
    ck_assert_ptr_null(caller_say(&c, &two, TCP_ACK, 0));
    callers_close(&c, callers_accept(&c));
    callers_end(&c);
    PROVES("RFC4987-3.5-a", "F02");
}
END_TEST

START_TEST(a_closed_listener_resets_who_is_half_open)
{
    given_listener(_i, 0, 4);
    struct caller one = caller_of(&c, 1), two = caller_of(&c, 2);

    ck_assert(caller_knock(&c, &one));
    callers_wait_ms(&c, 1500);
    ck_assert(caller_knock(&c, &two));
    callers_forget(&c);
    callers_close(&c, c.listener);
    callers_wait_ms(&c, 1);
    ck_assert_int_eq(c.count, 2);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(c.heard[i].seg.flags, TCP_RST | TCP_ACK);
        ck_assert_uint_eq(c.heard[i].seg.seq.value, i ? one.ack : two.ack);
    }
    ck_assert_uint_eq(callers_usage(&c).connections, 0);
    stack_free(c.stack);
    ck_assert_uint_eq(c.memory.out, 0);
    PROVES("RFC4987-3.5-a");
}
END_TEST

/* The reset must be where the peer expects the next octet, also if its SYN told no window. */
START_TEST(a_reset_of_a_half_open_connection_follows_our_syn_whatever_window_was_told)
{
    given_listener(_i, 0, 4);
    struct caller one = caller_of(&c, 1);

    one.window = 0;
    ck_assert(caller_knock(&c, &one));
    callers_forget(&c);
    callers_close(&c, c.listener);
    callers_wait_ms(&c, 1);
    ck_assert_int_eq(c.count, 1);
    ck_assert_int_eq(c.heard[0].seg.flags, TCP_RST | TCP_ACK);
    ck_assert_uint_eq(c.heard[0].seg.seq.value, one.ack);
    stack_free(c.stack);
    ck_assert_uint_eq(c.memory.out, 0);
    PROVES("RFC4987-3.5-a");
}
END_TEST

/* The window of a challenge is scaled and so rounded up, by one octet from that of the <SYN,ACK>.
 * What was told is honoured, though the entry keeps 16 bits of it. */
START_TEST(the_window_that_a_challenge_told_is_honoured)
{
    given_listener(_i, 0, 4);
    struct caller one = caller_of(&c, 1);

    one.options.has_window_scale = true;
    ck_assert(caller_knock(&c, &one));
    ck_assert_uint_eq(c.heard[0].seg.window, 65535);
    uint8_t shift = c.heard[0].seg.options.window_scale;
    callers_forget(&c);
    one.seq += 1000000; /* outside the window */
    const struct caller_heard *heard = caller_say(&c, &one, TCP_ACK, 0);
    ck_assert_ptr_nonnull(heard);
    ck_assert_uint_eq((uint32_t)heard->seg.window << shift, 65536);
    one.seq -= 1000000 - 65535;
    caller_say(&c, &one, TCP_ACK | TCP_PSH, 1); /* the last octet of it */
    ck_assert_uint_eq(callers_drops(&c, DROP_TCP_SEQUENCE), 1);
    callers_close(&c, callers_accept(&c));
    callers_end(&c);
    PROVES("RFC4987-3.5-a");
}
END_TEST

/* What the peer thinks before it speaks is no part of the path's round trip. */
START_TEST(a_deferred_third_step_is_no_measure_of_the_round_trip)
{
    given_listener(_i, 0, 4);
    callers_set(&c, TCP_DEFER_ACCEPT, 5);
    for (uint32_t timestamps = 0; timestamps < 2; timestamps++) {
        struct caller one = caller_of(&c, timestamps);
        one.options.has_timestamps = timestamps;
        ck_assert(caller_knock(&c, &one));
        callers_wait_ms(&c, 10);
        ck_assert_ptr_null(caller_say(&c, &one, TCP_ACK, 0));
        callers_wait_ms(&c, 900);
        caller_say(&c, &one, TCP_ACK | TCP_PSH, 10);
        int s = callers_accept(&c);
        ck_assert_uint_eq(callers_info(&c, s).tcpi_rtt, 0);
        ck_assert_int_eq(sock_send(c.stack, s, "x", 1, 0, NULL), 1);
        callers_wait_ms(&c, 1);
        callers_wait_ms(&c, 20); /* that is one */
        one.seq += 10;
        one.ack++;
        caller_say(&c, &one, TCP_ACK, 0);
        ck_assert_uint_eq(callers_info(&c, s).tcpi_rtt, 20000);
        callers_close(&c, s);
    }
    callers_end(&c);
    PROVES("RFC4987-3.5-a");
}
END_TEST

/* Entries tell their time by 32 bits, which go round; the stack hears of three hours in the very
 * call that makes one more. */
START_TEST(after_hours_without_a_sign_of_time_each_entry_ends_all_the_same)
{
    given_listener(_i, 0, 4);
    struct caller one = caller_of(&c, 1), two = caller_of(&c, 2), three = caller_of(&c, 3);

    ck_assert(caller_knock(&c, &one));
    c.now = instant_add(c.now, 3 * 3600 * NS_PER_S);
    ck_assert(caller_knock(&c, &two));
    ck_assert(caller_knock(&c, &three));
    ck_assert_ptr_null(caller_say(&c, &three, TCP_ACK, 0));
    callers_close(&c, callers_accept(&c));
    ck_assert_uint_eq(callers_usage(&c).half_open, 2);
    for (int i = 0; i < 70; i++) { /* nobody answers */
        callers_wait_ms(&c, 1000);
        callers_forget(&c);
    }
    ck_assert_uint_eq(callers_usage(&c).half_open, 0);
    callers_end(&c);
    PROVES("RFC4987-3.5-a");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("tcp_syn_cache");

    TCase *t = tcase_create("RFC 4987, 3.5: what a half-open connection costs");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, a_half_open_connection_costs_96_octets, 0, 2);
    tcase_add_loop_test(t, a_flood_of_100000_syns_costs_what_the_cache_may_hold, 0, 2);
    tcase_add_loop_test(t, a_full_cache_drops_a_syn_by_name_and_answers_it_later, 0, 2);
    tcase_add_loop_test(t, without_memory_for_an_entry_a_syn_is_dropped_by_name, 0, 2);
    suite_add_tcase(s, t);

    t = tcase_create("RFC 4987, 3.5: what it remembers");
    tcase_add_loop_test(t, what_the_syn_said_holds_in_the_connection, 0, 2);
    tcase_add_loop_test(t, what_is_set_on_the_listener_holds_in_the_connection, 0, 2);
    tcase_add_loop_test(t, an_entry_is_challenged_once_in_half_a_second, 0, 2);
    tcase_add_loop_test(t, the_window_that_a_challenge_told_is_honoured, 0, 2);
    tcase_add_loop_test(t, each_entry_has_its_own_time, 0, 2);
    tcase_add_loop_test(t, after_hours_without_a_sign_of_time_each_entry_ends_all_the_same, 0, 2);
    tcase_add_loop_test(t, a_deferred_third_step_is_no_measure_of_the_round_trip, 0, 2);
    tcase_add_loop_test(
        t, a_device_that_is_full_delays_the_syn_ack_and_does_not_keep_the_entry_for_ever, 0, 2);
    suite_add_tcase(s, t);

    t = tcase_create("RFC 9293, 3.10.7.2: who waits to be accepted");
    tcase_add_loop_test(
        t, a_third_step_at_a_full_queue_is_dropped_by_name_and_the_handshake_goes_on, 0, 2);
    tcase_add_loop_test(t, without_a_slot_for_a_connection_the_third_step_waits, 0, 2);
    tcase_add_loop_test(t, a_closed_listener_resets_who_is_half_open, 0, 2);
    tcase_add_loop_test(
        t, a_reset_of_a_half_open_connection_follows_our_syn_whatever_window_was_told, 0, 2);
    suite_add_tcase(s, t);
    return run_suite(s, "tcp_syn_cache");
}
