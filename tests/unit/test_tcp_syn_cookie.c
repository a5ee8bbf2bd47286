/*
 * test_tcp_syn_cookie.c - connections that nobody remembers until they are established (RFC 4987,
 * 3.6): a listener that hands out SYN cookies. The cookie itself: test_syn_cookie.c.
 *
 * Each test runs over IPv4 and over IPv6.
 */
#include <linux/tcp.h> /* netinet/tcp.h has a tcp_seq of its own */
#include <netinet/in.h>

#include "base/base.h"
#include "support/callers.h"
#include "support/proves.h"

static struct callers c;

static void given_listener(int row, int mode, int entries, int backlog)
{
    callers_config(&c, row == 1);
    c.config.values.tcp_connections = c.config.values.sock_sockets = 64;
    c.config.values.tcp_syncookies = mode;
    c.config.values.tcp_syn_cache = entries;
    c.config.values.icmp_burst = c.config.values.icmp_peer_burst = 10000;
    callers_begin(&c, backlog);
}

/* 1460 of IPv4 and 1440 of IPv6 are classes of their own. */
static void expect_text_both_ways(struct caller *caller, int s)
{
    char text[100];

    caller_say(&c, caller, TCP_ACK | TCP_PSH, 100);
    caller->seq += 100;
    ck_assert_int_eq(sock_recv(c.stack, s, text, sizeof text, 0, NULL), 100);
    callers_wait_ms(&c, 50);
    callers_forget(&c);
    ck_assert_int_eq(sock_send(c.stack, s, text, sizeof text, 0, NULL), 100);
    callers_wait_ms(&c, 1);
    ck_assert_int_eq(c.count, 1);
    ck_assert_uint_eq(c.heard[0].seg.seq.value, caller->ack);
    ck_assert_uint_eq(c.heard[0].seg.ack.value, caller->seq);
    ck_assert_uint_eq(c.heard[0].len, 100);
    caller->ack += 100;
    caller_say(&c, caller, TCP_ACK, 0);
    ck_assert_uint_eq(callers_info(&c, s).tcpi_unacked, 0);
    callers_forget(&c);
}

START_TEST(during_a_flood_of_100000_syns_a_client_connects_and_memory_is_flat)
{
    enum { FLOOD = 100000, CACHE = 256 };
    uint64_t memory = 0;

    given_listener(_i, 1, CACHE, 4);
    for (uint32_t i = 0; i < FLOOD; i++) {
        struct caller stranger = caller_of(&c, i);
        ck_assert(caller_knock(&c, &stranger));
        callers_forget(&c);
        if (i % 10000 != 9999)
            continue;
        struct caller friend = caller_of(&c, FLOOD + i);
        ck_assert(caller_open(&c, &friend));
        int s = callers_accept(&c);
        expect_text_both_ways(&friend, s);
        callers_close(&c, s);
        caller_say(&c, &friend, TCP_RST, 0);
        if (i == 9999)
            memory = c.memory.peak;
    }
    ck_assert_uint_eq(callers_usage(&c).half_open, CACHE);
    ck_assert_uint_eq(c.memory.peak, memory);
    ck_assert_uint_eq(callers_counter(&c, COUNTER_TCP_COOKIE_SENT), FLOOD - CACHE + FLOOD / 10000);
    ck_assert_uint_eq(callers_counter(&c, COUNTER_TCP_COOKIE_OK), FLOOD / 10000);
    for (int i = 0; i < 70; i++) {
        callers_wait_ms(&c, 1000);
        callers_forget(&c);
    }
    callers_end(&c);
    PROVES("RFC4987-3.5-a", "RFC4987-3.6-a", "C29");
}
END_TEST

START_TEST(with_timestamps_a_cookie_keeps_all_that_the_syn_said)
{
    given_listener(_i, 2, 64, 4);
    struct caller one = caller_of(&c, 1);

    one.options = (struct tcp_options){.has_mss = true,
                                       .mss = c.v6 ? 1300 : 1360,
                                       .has_window_scale = true,
                                       .window_scale = 9,
                                       .sack_permitted = true,
                                       .has_timestamps = true};
    ck_assert(caller_knock(&c, &one));
    const struct tcp_options *told = &c.heard[0].seg.options;
    ck_assert(told->has_window_scale && told->sack_permitted && told->has_timestamps);
    ck_assert_uint_eq(callers_usage(&c).connections, 0);
    callers_forget(&c);
    callers_wait_ms(&c, 100);
    one.window = 100;
    ck_assert_ptr_null(caller_say(&c, &one, TCP_ACK, 0));
    int s = callers_accept(&c);
    struct sock_tcp_info info = callers_info(&c, s);
    ck_assert_uint_eq(info.tcpi_snd_mss, (c.v6 ? 1300u : 1360u) - 12);
    ck_assert_uint_eq(info.tcpi_snd_wscale, 9);
    ck_assert_uint_eq(info.tcpi_snd_wnd, 100 << 9);
    ck_assert(info.tcpi_options & SOCK_TCPI_SACK && info.tcpi_options & SOCK_TCPI_TIMESTAMPS);
    ck_assert_uint_eq(info.tcpi_rtt, 0); /* the echo is too coarse for a round trip */
    uint32_t before = one.options.ts_ecr;
    ck_assert_int_eq(sock_send(c.stack, s, "x", 1, 0, NULL), 1);
    callers_wait_ms(&c, 1);
    ck_assert_int_eq(c.count, 1); /* our clock has not gone back */
    ck_assert_int_ge((int32_t)(c.heard[0].seg.options.ts_val - before), 100);
    one.ack++;
    expect_text_both_ways(&one, s);
    callers_close(&c, s);
    callers_end(&c);
    PROVES("RFC4987-3.6-a");
}
END_TEST

START_TEST(without_timestamps_a_cookie_promises_neither_scaling_nor_sack)
{
    given_listener(_i, 2, 64, 4);
    struct caller one = caller_of(&c, 1);

    one.options = (struct tcp_options){.has_mss = true,
                                       .mss = 1399,
                                       .has_window_scale = true,
                                       .window_scale = 9,
                                       .sack_permitted = true};
    ck_assert(caller_knock(&c, &one));
    const struct tcp_options *told = &c.heard[0].seg.options;
    ck_assert(told->has_mss && !told->has_window_scale && !told->sack_permitted);
    ck_assert(!told->has_timestamps);
    callers_forget(&c);
    ck_assert_ptr_null(caller_say(&c, &one, TCP_ACK, 0));
    int s = callers_accept(&c);
    struct sock_tcp_info info = callers_info(&c, s);
    ck_assert_uint_eq(info.tcpi_snd_mss, 1360);
    ck_assert_uint_eq(info.tcpi_snd_wnd, 65535);
    ck_assert_uint_eq(info.tcpi_options, 0);
    expect_text_both_ways(&one, s);
    callers_close(&c, s);
    callers_end(&c);
    PROVES("RFC4987-3.6-a");
}
END_TEST

START_TEST(text_and_fin_may_come_with_the_cookie)
{
    given_listener(_i, 2, 64, 4);
    struct caller one = caller_of(&c, 1);
    char text[200];

    ck_assert(caller_knock(&c, &one));
    callers_forget(&c);
    const struct caller_heard *heard = caller_say(&c, &one, TCP_ACK | TCP_PSH | TCP_FIN, 100);
    ck_assert_ptr_nonnull(heard);
    ck_assert_uint_eq(heard->seg.ack.value, one.seq + 101);
    int s = callers_accept(&c);
    ck_assert_int_eq(sock_recv(c.stack, s, text, sizeof text, 0, NULL), 100);
    ck_assert_int_eq(sock_recv(c.stack, s, text, sizeof text, 0, NULL), 0);
    callers_close(&c, s);
    callers_end(&c);
    PROVES("RFC4987-3.6-a");
}
END_TEST

/* The last moment is the end of the minute after the cookie's own. */
START_TEST(an_old_cookie_is_refused_with_a_reset_and_counted)
{
    given_listener(_i, 2, 64, 4);
    struct caller one = caller_of(&c, 1), two = caller_of(&c, 2);

    callers_wait_ms(&c, 30000);
    ck_assert(caller_knock(&c, &one));
    ck_assert(caller_knock(&c, &two));
    callers_wait_ms(&c, 89000);
    ck_assert_ptr_null(caller_say(&c, &one, TCP_ACK, 0));
    callers_wait_ms(&c, 2000);
    struct caller again = caller_of(&c, 3); /* the listener still hands them out */
    ck_assert(caller_knock(&c, &again));
    const struct caller_heard *heard = caller_say(&c, &two, TCP_ACK, 0);
    ck_assert_ptr_nonnull(heard);
    ck_assert_int_eq(heard->seg.flags, TCP_RST);
    ck_assert_uint_eq(heard->seg.seq.value, two.ack);
    ck_assert_uint_eq(callers_drops(&c, DROP_TCP_COOKIE), 1);
    ck_assert_uint_eq(callers_usage(&c).connections, 1);
    callers_close(&c, callers_accept(&c));
    callers_end(&c);
    PROVES("RFC4987-3.6-b", "C30");
}
END_TEST

START_TEST(a_forged_cookie_is_refused_with_a_reset_and_counted)
{
    given_listener(_i, 1, 1, 4);
    struct caller one = caller_of(&c, 1), two = caller_of(&c, 2), forger = caller_of(&c, 3);

    /* Without need for cookies none is looked at. */
    forger.ack = 7777;
    ck_assert_int_eq(caller_say(&c, &forger, TCP_ACK, 0)->seg.flags, TCP_RST);
    ck_assert_uint_eq(callers_drops(&c, DROP_TCP_CLOSED), 1);
    ck_assert(caller_knock(&c, &one));
    ck_assert(caller_knock(&c, &two));
    ck_assert_uint_eq(callers_counter(&c, COUNTER_TCP_COOKIE_SENT), 1);
    for (uint32_t i = 0; i < 1000; i++) {
        callers_forget(&c);
        forger.ack = i * 2654435761u;
        const struct caller_heard *heard = caller_say(&c, &forger, TCP_ACK, i % 3);
        ck_assert_ptr_nonnull(heard);
        ck_assert_int_eq(heard->seg.flags, TCP_RST);
        ck_assert_uint_eq(heard->seg.seq.value, forger.ack);
    }
    ck_assert_uint_eq(callers_drops(&c, DROP_TCP_COOKIE), 1000);
    forger.ack = two.ack; /* somebody else's */
    ck_assert_int_eq(caller_say(&c, &forger, TCP_ACK, 0)->seg.flags, TCP_RST);
    ck_assert_uint_eq(callers_usage(&c).connections, 1);
    ck_assert_ptr_null(caller_say(&c, &two, TCP_ACK, 0));
    callers_close(&c, callers_accept(&c));

    /* And two minutes after the last one was sent, none is again. */
    callers_forget(&c);
    callers_wait_ms(&c, 121000);
    ck_assert_int_eq(caller_say(&c, &forger, TCP_ACK, 0)->seg.flags, TCP_RST);
    ck_assert_uint_eq(callers_drops(&c, DROP_TCP_CLOSED), 2);
    callers_end(&c);
    PROVES("RFC4987-3.6-b", "C30");
}
END_TEST

/* Guesses cost the guesser's packets and little of ours: no memory, and few resets, from one
 * address or from as many as there are guesses. */
START_TEST(a_flood_of_guesses_is_answered_with_few_resets_and_keeps_no_memory)
{
    enum { FLOOD = 20000, BURST = 50 };
    uint64_t memory = 0;

    callers_config(&c, _i & 1);
    c.config.values.tcp_syncookies = 2;
    c.config.values.icmp_burst = BURST;
    callers_begin(&c, 4);
    struct caller one = caller_of(&c, 0);
    ck_assert(caller_knock(&c, &one));
    callers_forget(&c);
    for (uint32_t i = 0; i < FLOOD; i++) {
        struct caller forger = caller_of(&c, _i & 2 ? 1 : i + 1);
        forger.ack = i * 2654435761u;
        caller_say(&c, &forger, TCP_ACK, i % 3);
        if (i == 100)
            memory = c.memory.peak;
    }
    ck_assert_uint_eq(callers_drops(&c, DROP_TCP_COOKIE), FLOOD);
    ck_assert_uint_eq(callers_counter(&c, COUNTER_RST_LIMITED), (uint64_t)(FLOOD - c.count));
    ck_assert_int_gt(c.count, 0);
    ck_assert_int_le(c.count, BURST * 2); /* the bucket's fill is random */
    ck_assert_uint_eq(c.memory.peak, memory);
    ck_assert_uint_eq(callers_usage(&c).connections, 0);
    callers_forget(&c);
    ck_assert_ptr_null(caller_say(&c, &one, TCP_ACK, 0)); /* and the right one is still taken */
    callers_close(&c, callers_accept(&c));
    callers_end(&c);
    PROVES("RFC4987-3.6-b", "C30");
}
END_TEST

START_TEST(a_cookie_that_returns_to_a_full_queue_is_dropped_and_good_later)
{
    given_listener(_i, 2, 64, 1);
    struct caller one = caller_of(&c, 1), two = caller_of(&c, 2), three = caller_of(&c, 3);

    ck_assert(caller_knock(&c, &one));
    ck_assert(caller_knock(&c, &two));
    ck_assert_ptr_null(caller_say(&c, &one, TCP_ACK, 0));
    ck_assert_ptr_null(caller_say(&c, &two, TCP_ACK, 0));
    ck_assert(!caller_knock(&c, &three));
    ck_assert_uint_eq(callers_drops(&c, DROP_TCP_BACKLOG), 2);
    int s = callers_accept(&c);
    caller_say(&c, &two, TCP_ACK, 10);
    callers_close(&c, callers_accept(&c));
    callers_close(&c, s);
    callers_end(&c);
    PROVES("RFC4987-3.6-a", "C33");
}
END_TEST

START_TEST(answers_with_cookies_are_bounded_by_the_queue_of_replies)
{
    callers_config(&c, _i == 1);
    c.config.values.tcp_syncookies = 2;
    c.config.values.stack_replies = 16;
    callers_begin(&c, 4);
    c.full = true;
    for (uint32_t i = 0; i < 300; i++) {
        struct caller stranger = caller_of(&c, i);
        caller_say(&c, &stranger, TCP_SYN, 0);
    }
    c.full = false;
    callers_wait_ms(&c, 5000);
    ck_assert_int_eq(callers_forget(&c), 16); /* and none is sent twice */
    ck_assert_uint_eq(callers_counter(&c, COUNTER_REPLY_DROP), 284);
    callers_end(&c);
    PROVES("RFC4987-3.6-a", "C32");
}
END_TEST

START_TEST(a_cookie_sent_before_there_was_room_beats_the_entry_made_since)
{
    given_listener(_i, 1, 1, 4);
    struct caller one = caller_of(&c, 1), two = caller_of(&c, 2);

    ck_assert(caller_knock(&c, &one));
    ck_assert(caller_knock(&c, &two)); /* a cookie */
    struct caller before = two;
    ck_assert_ptr_null(caller_say(&c, &one, TCP_ACK, 0));
    ck_assert(caller_knock(&c, &two)); /* an entry */
    ck_assert_uint_eq(callers_usage(&c).half_open, 1);
    ck_assert_uint_ne(two.ack, before.ack);
    ck_assert_ptr_null(caller_say(&c, &before, TCP_ACK, 0));
    ck_assert_uint_eq(callers_usage(&c).half_open, 0);
    callers_close(&c, callers_accept(&c));
    callers_close(&c, callers_accept(&c));
    callers_end(&c);
    PROVES("RFC4987-3.6-a");
}
END_TEST

START_TEST(who_waits_for_text_gets_a_cookies_connection_without_it)
{
    given_listener(_i, 2, 1, 4);
    callers_set(&c, TCP_DEFER_ACCEPT, 5);
    struct caller one = caller_of(&c, 1);
    ck_assert(caller_open(&c, &one));
    callers_close(&c, callers_accept(&c));
    callers_end(&c);
    PROVES("RFC4987-3.6-a");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("tcp_syn_cookie");

    TCase *t = tcase_create("RFC 4987, 3.6: a listener that hands them out");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, during_a_flood_of_100000_syns_a_client_connects_and_memory_is_flat, 0,
                        2);
    tcase_add_loop_test(t, with_timestamps_a_cookie_keeps_all_that_the_syn_said, 0, 2);
    tcase_add_loop_test(t, without_timestamps_a_cookie_promises_neither_scaling_nor_sack, 0, 2);
    tcase_add_loop_test(t, text_and_fin_may_come_with_the_cookie, 0, 2);
    tcase_add_loop_test(t, an_old_cookie_is_refused_with_a_reset_and_counted, 0, 2);
    tcase_add_loop_test(t, a_forged_cookie_is_refused_with_a_reset_and_counted, 0, 2);
    tcase_add_loop_test(t, a_flood_of_guesses_is_answered_with_few_resets_and_keeps_no_memory, 0,
                        4);
    tcase_add_loop_test(t, a_cookie_that_returns_to_a_full_queue_is_dropped_and_good_later, 0, 2);
    tcase_add_loop_test(t, answers_with_cookies_are_bounded_by_the_queue_of_replies, 0, 2);
    tcase_add_loop_test(t, a_cookie_sent_before_there_was_room_beats_the_entry_made_since, 0, 2);
    tcase_add_loop_test(t, who_waits_for_text_gets_a_cookies_connection_without_it, 0, 2);
    suite_add_tcase(s, t);
    return run_suite(s, "tcp_syn_cookie");
}
