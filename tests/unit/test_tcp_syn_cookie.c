/*
 * test_tcp_syn_cookie.c - connections that nobody remembers until they are established (RFC 4987,
 * 3.6): the cookie itself, and a listener that hands them out.
 *
 * Each test of a listener runs over IPv4 and over IPv6.
 */
#include <linux/tcp.h> /* netinet/tcp.h has a tcp_seq of its own */
#include <netinet/in.h>

#include "base/base.h"
#include "base/prng.h"
#include "support/callers.h"
#include "support/proves.h"
#include "tcp/syn_cookie.h"

static const struct hash_key key = {0x0123456789abcdef, 0xfedcba9876543210};

enum { MINUTE_S = 60 };

static instant at_s(int64_t s)
{
    return (instant){s * NS_PER_S};
}

static struct syn_cookie about(bool v6)
{
    struct syn_cookie out = {.irs = seq(0xdeadbeef)};

    ck_assert_int_eq(ip_addr_parse(v6 ? "2001:db8::1" : "192.0.2.1", &out.local.addr), 0);
    ck_assert_int_eq(ip_addr_parse(v6 ? "2001:db8::2" : "192.0.2.2", &out.remote.addr), 0);
    out.local.port = 80;
    out.remote.port = 40000;
    return out;
}

/* --- the cookie --------------------------------------------------------------------------- */

static const struct {
    bool v6;
    uint16_t mss, kept;
} classes[] = {
    {false, 1, 48},      {false, 48, 48},     {false, 535, 48},     {false, 536, 536},
    {false, 1219, 536},  {false, 1220, 1220}, {false, 1359, 1220},  {false, 1360, 1360},
    {false, 1400, 1400}, {false, 1440, 1440}, {false, 1459, 1440},  {false, 1460, 1460},
    {false, 8959, 1460}, {false, 8960, 8960}, {false, 65535, 8960}, {true, 48, 48},
    {true, 1219, 48},    {true, 1220, 1220},  {true, 1300, 1300},   {true, 1420, 1420},
    {true, 1439, 1420},  {true, 1440, 1440},  {true, 8940, 8940},   {true, 65535, 8940},
};

START_TEST(a_cookie_keeps_the_class_of_the_mss)
{
    struct syn_cookie cookie = about(classes[_i].v6);
    tcp_seq iss = syn_cookie_make(key, &cookie, classes[_i].mss, at_s(1000));

    ck_assert_uint_eq(syn_cookie_mss(key, &cookie, iss, at_s(1000)), classes[_i].kept);
    PROVES("RFC4987-3.6-a");
}
END_TEST

/* Also an hour and a day later, when the minute's low bits come round. */
START_TEST(a_cookie_is_good_in_its_minute_and_the_next)
{
    struct syn_cookie cookie = about(_i == 1);
    tcp_seq iss = syn_cookie_make(key, &cookie, 1460, at_s(100 * MINUTE_S + 30));

    ck_assert_uint_ne(syn_cookie_mss(key, &cookie, iss, at_s(100 * MINUTE_S + 30)), 0);
    ck_assert_uint_ne(syn_cookie_mss(key, &cookie, iss, at_s(101 * MINUTE_S)), 0);
    ck_assert_uint_ne(syn_cookie_mss(key, &cookie, iss, at_s(102 * MINUTE_S - 1)), 0);
    for (int64_t minute = 102; minute < 100 + 1440; minute++)
        ck_assert_uint_eq(syn_cookie_mss(key, &cookie, iss, at_s(minute * MINUTE_S)), 0);
    ck_assert_uint_eq(syn_cookie_mss(key, &cookie, iss, at_s(99 * MINUTE_S)), 0);
    PROVES("RFC4987-3.6-b");
}
END_TEST

START_TEST(a_cookie_is_good_for_its_own_handshake_alone)
{
    struct syn_cookie cookie = about(_i == 1), other;
    tcp_seq iss = syn_cookie_make(key, &cookie, 1460, at_s(1000));

    other = cookie;
    other.irs.value++;
    ck_assert_uint_eq(syn_cookie_mss(key, &other, iss, at_s(1000)), 0);
    other = cookie;
    other.remote.port++;
    ck_assert_uint_eq(syn_cookie_mss(key, &other, iss, at_s(1000)), 0);
    other = cookie;
    other.local.port++;
    ck_assert_uint_eq(syn_cookie_mss(key, &other, iss, at_s(1000)), 0);
    other = cookie;
    other.remote.addr.octet[15]++;
    ck_assert_uint_eq(syn_cookie_mss(key, &other, iss, at_s(1000)), 0);
    other = cookie;
    other.local.addr.octet[15]++;
    ck_assert_uint_eq(syn_cookie_mss(key, &other, iss, at_s(1000)), 0);
    struct hash_key next = {key.k0 + 1, key.k1};
    ck_assert_uint_eq(syn_cookie_mss(next, &cookie, iss, at_s(1000)), 0);
    for (int bit = 0; bit < 32; bit++)
        ck_assert_uint_eq(
            syn_cookie_mss(key, &cookie, seq(iss.value ^ UINT32_C(1) << bit), at_s(1000)), 0);
    PROVES("RFC4987-3.6-b", "C40");
}
END_TEST

/* One in 2^24 that have the right minute is: in a million random ones, less than a tenth of one. */
START_TEST(a_million_guesses_hit_no_cookie)
{
    struct syn_cookie cookie = about(false);
    struct prng prng;
    int hits = 0;

    prng_seed(&prng, 1);
    for (int i = 0; i < 1000000; i++)
        hits += syn_cookie_mss(key, &cookie, seq((uint32_t)prng_next(&prng)), at_s(1000)) > 0;
    ck_assert_int_eq(hits, 0);
    PROVES("RFC4987-3.6-b", "C30");
}
END_TEST

/* Neighbours in all that a stranger can choose: every octet of the number takes every value about
 * as often. 65,536 samples of 256 values; chi squared of 255 degrees is above 360 in one of 10^5.
 */
START_TEST(what_a_stranger_sees_of_a_cookie_tells_him_nothing)
{
    struct syn_cookie cookie = about(false);

    for (int octet = 0; octet < 4; octet++) {
        uint32_t count[256] = {0};
        double chi = 0;
        for (uint32_t i = 0; i < 65536; i++) {
            cookie.remote.port = (uint16_t)i;
            uint32_t iss = syn_cookie_make(key, &cookie, 1460, at_s(1000)).value;
            count[iss >> (8 * octet) & 255]++;
        }
        for (int i = 0; i < 256; i++)
            chi += ((double)count[i] - 256) * ((double)count[i] - 256) / 256;
        ck_assert(chi < 360);
    }
    PROVES("C40");
}
END_TEST

START_TEST(a_timestamp_keeps_window_scale_and_sack_and_is_never_ahead_of_the_clock)
{
    for (uint32_t clock = 0; clock < 256; clock++) {
        for (int scale = -1; scale <= 15; scale++) {
            struct tcp_options syn = {.has_window_scale = scale >= 0,
                                      .window_scale = (uint8_t)(scale < 0 ? 0 : scale),
                                      .sack_permitted = _i};
            struct tcp_options back = {.has_mss = true};
            uint32_t told = syn_cookie_ts(&syn, clock - 128);
            ck_assert_int_le((int32_t)(told - (clock - 128)), 0);
            ck_assert_int_gt((int32_t)(told - (clock - 128)), -64);
            syn_cookie_from_ts(told, &back);
            ck_assert_int_eq(back.has_window_scale, scale >= 0);
            if (scale >= 0)
                ck_assert_int_eq(back.window_scale, scale > 14 ? 14 : scale);
            ck_assert_int_eq(back.sack_permitted, _i);
        }
    }
    PROVES("RFC4987-3.6-a");
}
END_TEST

/* --- a listener that hands them out ------------------------------------------------------- */

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

    TCase *t = tcase_create("RFC 4987, 3.6: the cookie");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, a_cookie_keeps_the_class_of_the_mss, 0, (int)ARRAY_LEN(classes));
    tcase_add_loop_test(t, a_cookie_is_good_in_its_minute_and_the_next, 0, 2);
    tcase_add_loop_test(t, a_cookie_is_good_for_its_own_handshake_alone, 0, 2);
    tcase_add_test(t, a_million_guesses_hit_no_cookie);
    tcase_add_test(t, what_a_stranger_sees_of_a_cookie_tells_him_nothing);
    tcase_add_loop_test(t, a_timestamp_keeps_window_scale_and_sack_and_is_never_ahead_of_the_clock,
                        0, 2);
    suite_add_tcase(s, t);

    t = tcase_create("RFC 4987, 3.6: a listener that hands them out");
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
