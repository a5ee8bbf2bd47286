/*
 * test_tcp_timestamps.c - what our timestamps say (RFC 7323, 3.2, 5.2 and 7.1), and how a SYN in
 * TIME-WAIT is judged by the peer's (RFC 6191).
 *
 * Black box: a scripted peer (support/peer.h) and the public calls. The peer sees to it that each
 * segment has a timestamp exactly when both SYNs had one, and no echo without the ACK bit.
 */
#include <errno.h>
#include <string.h>

#include "base/base.h"
#include "support/peer.h"
#include "support/proves.h"

/* NOP, NOP, timestamps, as one puts them into peer_out.options; the octets live until the next. */
static struct bytes stamp(uint32_t val, uint32_t ecr)
{
    static uint8_t octets[12] = {1, 1, 8, 10};

    for (int i = 0; i < 4; i++) {
        octets[4 + i] = (uint8_t)(val >> (24 - 8 * i));
        octets[8 + i] = (uint8_t)(ecr >> (24 - 8 * i));
    }
    return (struct bytes){octets, sizeof octets};
}

static struct peer *peer_with_timestamps(uint64_t seed)
{
    struct stack_config config;

    peer_config(&config);
    config.values.tcp_timestamps = 1;
    return peer_new_seeded(&config, INT64_C(1000000000000), seed);
}

/* A SYN of p->flow with a timestamp, or without; or any other segment. */
static void send_with(struct peer *p, bool with, const char *flags, uint32_t seq, uint32_t ack,
                      uint32_t len, uint32_t val)
{
    PEER_SEND(p, .flags = flags, .seq = seq, .ack = ack, .len = len, .no_options = !with,
              .options = with ? stamp(val, 0) : (struct bytes){NULL, 0});
}

/* --- RFC 7323, 3.2: what is echoed
 * ---------------------------------------------------------------- */

START_TEST(a_syn_echoes_nothing_and_what_acknowledges_echoes_the_peer)
{
    struct peer *p = peer_with_timestamps(1);
    int s = peer_socket(p);
    struct peer_segment seg;

    ck_assert_int_eq(sock_connect(p->stack, s, peer_endpoint(PEER_ADDR, 80), NULL), -EINPROGRESS);
    for (int again = 0; again < 2; again++) {
        seg = again ? peer_expect_after(p, 1000, "S", 0, 0, 0) : peer_expect(p, "S", 0, 0, 0);
        ck_assert(seg.has_timestamps);
        ck_assert_uint_ne(seg.ts_val, 0);
        ck_assert_uint_eq(seg.ts_ecr, 0);
    }
    send_with(p, true, "S.", 0, 1, 0, 7700);
    ck_assert_uint_eq(peer_expect(p, ".", 1, 1, 0).ts_ecr, 7700);
    peer_app_send(p, s, 100);
    ck_assert_uint_eq(peer_expect(p, "P.", 1, 1, 100).ts_ecr, 7700);
    send_with(p, true, ".", 1, 101, 0, 7800);
    peer_shutdown(p, s, SHUT_WR);
    ck_assert_uint_eq(peer_expect(p, "F.", 101, 1, 0).ts_ecr, 7800);
    peer_free(p);
    PROVES("RFC7323-3.2-a", "RFC7323-3.2-b");
}
END_TEST

START_TEST(a_syn_ack_echoes_the_syn_and_is_echoed_by_nobody_else)
{
    struct peer *p = peer_with_timestamps(1);

    peer_listen(p, 4);
    peer_flow_new(p);
    send_with(p, true, "S", 0, 0, 0, 500);
    struct peer_segment first = peer_expect(p, "S.", 0, 1, 0);
    ck_assert_uint_eq(first.ts_ecr, 500);
    struct peer_segment again = peer_expect_after(p, 1000, "S.", 0, 1, 0);
    ck_assert_uint_eq(again.ts_ecr, 500);
    ck_assert_uint_eq(again.ts_val - first.ts_val, 1000); /* a tick is a millisecond */
    peer_flow_new(p);
    send_with(p, false, "S", 0, 0, 0, 0);
    ck_assert(!peer_expect(p, "S.", 0, 1, 0).has_timestamps);
    peer_free(p);
    PROVES("RFC7323-3.2-a", "RFC7323-3.2-b");
}
END_TEST

/* --- RFC 7323, 5.2: resets
 * ------------------------------------------------------------------------ */

static const struct {
    const char *flags;
    uint32_t len;
    const char *reply;
    uint32_t seq, ack;
} refused[] = {
    {"S", 0, "R.", 0, 1},
    {"F", 9, "R.", 0, 10},
    {".", 0, "R", 7777, 0},
    {"P.", 33, "R", 7777, 0},
};

START_TEST(a_reset_in_reply_echoes_the_timestamp_that_it_answers_and_tells_none)
{
    struct peer *p = peer_with_timestamps(1);

    peer_flow_new(p);
    send_with(p, true, refused[_i].flags, 0, 7777, refused[_i].len, 0x89abcdef);
    struct peer_segment rst =
        peer_expect(p, refused[_i].reply, refused[_i].seq, refused[_i].ack, 0);
    ck_assert(rst.has_timestamps);
    ck_assert_uint_eq(rst.ts_val, 0);
    ck_assert_uint_eq(rst.ts_ecr, 0x89abcdef);
    send_with(p, false, refused[_i].flags, 0, 7777, refused[_i].len, 0);
    rst = peer_expect(p, refused[_i].reply, refused[_i].seq, refused[_i].ack, 0);
    ck_assert(!rst.has_timestamps);
    peer_free(p);
    PROVES("RFC7323-5.2-b");
}
END_TEST

START_TEST(a_reset_in_reply_has_no_timestamp_where_they_are_off)
{
    struct stack_config config;

    peer_config(&config);
    config.values.tcp_timestamps = _i;
    config.values.tcp_ts_in_resets = !_i;
    struct peer *p = peer_new_with(&config, 0);
    peer_flow_new(p);
    send_with(p, true, "P.", 0, 7777, 5, 1234);
    ck_assert(!peer_expect(p, "R", 7777, 0, 0).has_timestamps);
    peer_free(p);
}
END_TEST

START_TEST(a_reset_of_a_connection_tells_the_time_only_when_nobody_asked)
{
    struct peer *p = peer_with_timestamps(1);
    int listener = peer_listen(p, 4);

    peer_flow_new(p);
    send_with(p, true, "S", 0, 0, 0, 500);
    struct peer_segment syn_ack = peer_expect(p, "S.", 0, 1, 0);
    send_with(p, true, ".", 1, 99, 0, 501); /* of what we never sent: refused */
    struct peer_segment rst = peer_expect(p, "R", 99, 0, 0);
    ck_assert(rst.has_timestamps && rst.ts_val == 0 && rst.ts_ecr == 501);
    send_with(p, true, ".", 1, 1, 0, 502);
    int s = peer_accept(p, listener);
    peer_wait(p, 70);
    peer_abort(p, s);
    rst = peer_expect_reset(p, 1);
    ck_assert(rst.has_timestamps);
    ck_assert_uint_eq(rst.ts_val - syn_ack.ts_val, 70);
    peer_free(p);
    PROVES("RFC7323-5.2-b");
}
END_TEST

/* --- RFC 7323, 7.1: where our clock begins
 * -------------------------------------------------------------- */

/* The TSval of a SYN to a port of the peer's, from a port of ours. */
static uint32_t clock_of(struct peer *p, uint16_t local, uint16_t remote)
{
    struct peer_segment syn;
    int s = sock_socket(p->stack, AF_INET, SOCK_STREAM, 0);

    ck_assert_int_ge(s, 0);
    ck_assert_int_eq(sock_bind(p->stack, s, (struct endpoint){.port = local}), 0);
    ck_assert_int_eq(sock_connect(p->stack, s, peer_endpoint(PEER_ADDR, remote), NULL),
                     -EINPROGRESS);
    ck_assert(peer_next(p, &syn) && syn.has_timestamps);
    peer_close(p, s);
    return syn.ts_val;
}

/* Of offsets of 32 random bits, 256 fall into eight classes about evenly and differ by more than
 * anybody could count to. */
START_TEST(each_tuple_has_a_clock_of_its_own_that_tells_nothing_of_the_others)
{
    struct peer *p = peer_with_timestamps(1);
    int classes[8] = {0};
    uint32_t last = clock_of(p, 50000, 1000);

    for (uint16_t i = 1; i <= 256; i++) {
        uint32_t now = clock_of(p, (uint16_t)(50000 + i % 16), (uint16_t)(1000 + i));
        ck_assert_uint_gt(now - last + 2000, 4000);
        classes[(now - last) >> 29]++;
        last = now;
    }
    for (size_t i = 0; i < ARRAY_LEN(classes); i++)
        ck_assert_int_gt(classes[i], 8); /* 32 are expected */
    uint32_t mine = clock_of(p, 50000, 1000);
    peer_wait(p, 5000);
    ck_assert_uint_eq(clock_of(p, 50000, 1000) - mine, 5000); /* and it goes on (RFC 6191, 3) */
    peer_free(p);

    struct peer *other = peer_with_timestamps(2);
    ck_assert_uint_gt(clock_of(other, 50000, 1000) - mine + 10000, 20000);
    peer_free(other);
    PROVES("RFC7323-7.1-a", "C40");
}
END_TEST

/* --- RFC 7323, 3.2 and 5.3: what is not taken
 * ----------------------------------------------------- */

/* ESTABLISHED, the peer's last timestamp 1000: the socket. */
static int given_established(struct peer *p)
{
    int listener = peer_listen(p, 1);

    peer_flow_new(p);
    send_with(p, true, "S", 0, 0, 0, 999);
    peer_expect(p, "S.", 0, 1, 0);
    send_with(p, true, ".", 1, 1, 0, 1000);
    return peer_accept(p, listener);
}

START_TEST(without_the_timestamp_that_was_promised_nothing_but_a_reset_counts)
{
    static const char *const flags[] = {".", "P.", "F.", "FP.", "PU."};
    struct peer *p = peer_with_timestamps(1);
    int s = given_established(p);

    for (uint32_t i = 0; i < ARRAY_LEN(flags); i++)
        send_with(p, false, flags[i], 1, 1, i == 0 ? 0 : 10, 0);
    peer_expect_silence(p, 2000);
    ck_assert_uint_eq(peer_drops(p, DROP_TCP_NO_TIMESTAMP), ARRAY_LEN(flags));
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    send_with(p, true, "P.", 1, 1, 10, 1001);
    peer_app_read(p, s, 10);
    send_with(p, false, "R", 11, 0, 0, 0);
    ck_assert_int_eq(peer_so_error(p, s), ECONNRESET);
    peer_free(p);
    PROVES("C08", "RFC7323-3.2-c");
}
END_TEST

/* Text is answered each time, for its sender may have missed our ACK; what is empty as often as a
 * challenge. Nothing that was dropped, and nothing from outside the window, changes TS.Recent. */
START_TEST(an_old_timestamp_is_dropped_by_name_and_answered)
{
    struct peer *p = peer_with_timestamps(1);
    int s = given_established(p);

    for (uint64_t i = 1; i <= 5; i++) {
        send_with(p, true, "P.", 1, 1, 10, 999);
        ck_assert_uint_eq(peer_expect(p, ".", 1, 1, 0).ts_ecr, 1000);
        ck_assert_uint_eq(peer_drops(p, DROP_TCP_PAWS), i);
    }
    for (int i = 0; i < 10; i++)
        send_with(p, true, ".", 1, 1, 0, 999);
    peer_expect(p, ".", 1, 1, 0);
    peer_expect_nothing(p);
    ck_assert_uint_eq(peer_drops(p, DROP_TCP_PAWS), 15);
    send_with(p, true, "P.", 1000000, 1, 10, 2000000);
    ck_assert_uint_eq(peer_expect(p, ".", 1, 1, 0).ts_ecr, 1000);
    ck_assert_uint_eq(peer_drops(p, DROP_TCP_SEQUENCE), 1);
    ck_assert_int_eq(peer_recv_result(p, s), -EAGAIN);
    send_with(p, true, "P.", 1, 1, 10, 1001);
    peer_app_read(p, s, 10);
    peer_free(p);
    PROVES("C09", "RFC7323-5.3-a");
}
END_TEST

/* --- RFC 6191, 2: a SYN in TIME-WAIT
 * -------------------------------------------------------------------- */

enum { FIN_STAMP = 1003, RCV_NXT = 2 };

/* A connection without an owner in TIME-WAIT, on whose port somebody listens: the peer has sent 0
 * (SYN) and 1 (FIN), the FIN at FIN_STAMP. Returns the listener. */
static int given_time_wait(struct peer *p, bool with)
{
    int listener = peer_listen(p, 1);

    peer_flow_new(p);
    send_with(p, with, "S", 0, 0, 0, FIN_STAMP - 3);
    peer_expect(p, "S.", 0, 1, 0);
    send_with(p, with, ".", 1, 1, 0, FIN_STAMP - 2);
    peer_close(p, peer_accept(p, listener));
    peer_expect(p, "F.", 1, 1, 0);
    send_with(p, with, ".", 1, 2, 0, FIN_STAMP - 1);
    send_with(p, with, "F.", 1, 2, 0, FIN_STAMP);
    peer_expect(p, ".", 2, 2, 0);
    ck_assert_int_eq(p->state, TCPS_TIME_WAIT);
    return listener;
}

/* The SYN opens a new connection, above all numbers of the old one. */
static void expect_reopened(struct peer *p, bool with, uint32_t seq, uint32_t val)
{
    uint32_t used = p->flow->iss + peer_snd_nxt(p);

    peer_flow_again(p, p->flow->irs + seq);
    send_with(p, with, "S", 0, 0, 0, val);
    struct peer_segment seg = peer_expect(p, "S.", 0, 1, 0);
    ck_assert_int_ge((int32_t)(seg.seq_absolute - used), 0);
    ck_assert_int_eq(p->state, TCPS_SYN_RECEIVED);
    peer_expect_nothing(p);
}

static void expect_challenged(struct peer *p, bool with, uint32_t seq, uint32_t val)
{
    send_with(p, with, "S", seq, 0, 0, val);
    if (peer_drops(p, DROP_TCP_NO_TIMESTAMP) == 0) /* dropped for it, in silence */
        peer_expect(p, ".", 2, RCV_NXT, 0);
    peer_expect_nothing(p);
    ck_assert_int_eq(p->state, TCPS_TIME_WAIT);
}

static const struct {
    bool old, syn; /* have timestamps */
    uint32_t seq, val;
    bool opens;
} second_syns[] = {
    {true, true, 0, FIN_STAMP + 1, true},
    {true, true, RCV_NXT + 5000, FIN_STAMP + 1, true},
    {true, true, 0x80000010, FIN_STAMP + 1, true},
    {true, true, 0, FIN_STAMP + 0x7fffffffu, true},
    {true, true, RCV_NXT, FIN_STAMP, true},
    {true, true, RCV_NXT + 5000, FIN_STAMP, true},
    {true, true, RCV_NXT - 1, FIN_STAMP, false},
    {true, true, (uint32_t)-5000, FIN_STAMP, false},
    {true, true, RCV_NXT, FIN_STAMP - 1, false},
    {true, true, RCV_NXT + 5000, FIN_STAMP - 1, false},
    {true, true, RCV_NXT + 5000, FIN_STAMP - 900, false},
    {true, true, RCV_NXT + 5000, FIN_STAMP + 0x80000001u, false},
    {true, false, RCV_NXT, 0, true},
    {true, false, RCV_NXT + 0x7ffffff0u, 0, true},
    {true, false, RCV_NXT - 1, 0, false},
    {true, false, 0, 0, false},
    {false, true, 0, 5, true},
    {false, true, RCV_NXT - 1, FIN_STAMP + 5, true},
    {false, true, RCV_NXT + 5000, 5, true},
    {false, false, RCV_NXT, 0, true},
    {false, false, RCV_NXT + 5000, 0, true},
    {false, false, RCV_NXT - 1, 0, false},
    {false, false, (uint32_t)-5000, 0, false},
};

START_TEST(time_wait_judges_a_syn_by_timestamp_and_number)
{
    struct peer *p = peer_with_timestamps(1);

    given_time_wait(p, second_syns[_i].old);
    (second_syns[_i].opens ? expect_reopened : expect_challenged)(
        p, second_syns[_i].syn, second_syns[_i].seq, second_syns[_i].val);
    peer_free(p);
    PROVES("RFC9293-SHLD-4", "RFC6191-2-a", "C37");
}
END_TEST

/* "Would be enabled" means by both. */
START_TEST(time_wait_ignores_timestamps_that_we_would_not_use)
{
    struct peer *p = peer_new();

    given_time_wait(p, false);
    send_with(p, true, "S", 1, 0, 0, 5000);
    peer_expect(p, ".", 2, RCV_NXT, 0);
    peer_flow_again(p, p->flow->irs + RCV_NXT);
    send_with(p, true, "S", 0, 0, 0, 5000);
    ck_assert(!peer_expect(p, "S.", 0, 1, 0).has_timestamps);
    peer_free(p);
    PROVES("RFC6191-2-a");
}
END_TEST

START_TEST(time_wait_holds_a_syn_against_the_last_fin_that_came)
{
    struct peer *p = peer_with_timestamps(1);

    given_time_wait(p, true);
    send_with(p, true, "F.", 1, 2, 0, 2000);
    peer_expect(p, ".", 2, RCV_NXT, 0);
    expect_challenged(p, true, RCV_NXT + 5000, 1500);
    expect_reopened(p, true, 0, 2001);
    peer_free(p);
    PROVES("RFC6191-2-a");
}
END_TEST

START_TEST(time_wait_ends_for_nobody_when_nobody_would_take_the_connection)
{
    struct peer *p = peer_with_timestamps(1);
    int listener = given_time_wait(p, true);
    struct wire_flow *old = p->flow;

    if (_i == 0) {
        peer_close(p, listener);
    } else { /* the backlog is full */
        peer_flow_new(p);
        send_with(p, true, "S", 0, 0, 0, 1);
        peer_expect(p, "S.", 0, 1, 0);
        send_with(p, true, ".", 1, 1, 0, 2);
        p->flow = old;
        p->state = TCPS_TIME_WAIT;
    }
    expect_challenged(p, true, RCV_NXT + 5000, FIN_STAMP + 1000);
    ck_assert_uint_eq(peer_usage(p).connections, _i == 0 ? 1 : 2);
    peer_free(p);
}
END_TEST

/* Flags that mean nothing on a SYN, or ask for ECN, make it no other SYN. */
START_TEST(time_wait_takes_a_syn_that_asks_for_more)
{
    static const uint8_t more[] = {WIRE_PSH, WIRE_URG, 0xc0 /* ECE, CWR */, 0xc0 | WIRE_PSH};
    struct peer *p = peer_with_timestamps(1);

    given_time_wait(p, true);
    peer_flow_again(p, p->flow->irs + RCV_NXT);
    PEER_SEND(p, .flags = "S", .more_flags = more[_i], .options = stamp(FIN_STAMP + 9, 0));
    peer_expect(p, _i < 2 ? "S." : "SE.", 0, 1, 0);
    peer_free(p);
}
END_TEST

/* 100,000 octets at once outrun the clock of the ISNs, which has not moved at all. */
START_TEST(a_new_incarnation_begins_above_an_old_one_that_outran_the_clock)
{
    struct peer *p = peer_with_timestamps(1);
    int listener = peer_listen(p, 1);

    p->window = 65535;
    peer_flow_new(p);
    send_with(p, true, "S", 0, 0, 0, 100);
    peer_expect(p, "S.", 0, 1, 0);
    send_with(p, true, ".", 1, 1, 0, 100);
    int s = peer_accept(p, listener);
    peer_app_send(p, s, 100000);
    while (peer_snd_una(p) < 100001) {
        peer_skip(p);
        send_with(p, true, ".", 1, peer_snd_nxt(p), 0, 100);
    }
    peer_close(p, s);
    peer_expect(p, "F.", 100001, 1, 0);
    send_with(p, true, "F.", 1, 100002, 0, 100);
    peer_expect(p, ".", 100002, 2, 0);
    expect_reopened(p, true, RCV_NXT, 100);
    send_with(p, true, ".", 1, 1, 0, 101);
    ck_assert_int_eq(peer_state_of(p, peer_accept(p, listener)), TCPS_ESTABLISHED);
    peer_free(p);
    PROVES("RFC9293-MAY-2");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("tcp_timestamps");

    TCase *c = tcase_create("RFC 7323, 3.2: the timestamps option");
    tcase_add_test(c, a_syn_echoes_nothing_and_what_acknowledges_echoes_the_peer);
    tcase_add_test(c, a_syn_ack_echoes_the_syn_and_is_echoed_by_nobody_else);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 7323, 5.2: resets");
    tcase_add_loop_test(c, a_reset_in_reply_echoes_the_timestamp_that_it_answers_and_tells_none, 0,
                        (int)ARRAY_LEN(refused));
    tcase_add_loop_test(c, a_reset_in_reply_has_no_timestamp_where_they_are_off, 0, 2);
    tcase_add_test(c, a_reset_of_a_connection_tells_the_time_only_when_nobody_asked);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 7323, 7.1: offsets");
    tcase_add_test(c, each_tuple_has_a_clock_of_its_own_that_tells_nothing_of_the_others);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 7323, 3.2 and 5.3: what is not taken");
    tcase_add_test(c, without_the_timestamp_that_was_promised_nothing_but_a_reset_counts);
    tcase_add_test(c, an_old_timestamp_is_dropped_by_name_and_answered);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 6191, 2: TIME-WAIT");
    tcase_add_loop_test(c, time_wait_judges_a_syn_by_timestamp_and_number, 0,
                        (int)ARRAY_LEN(second_syns));
    tcase_add_test(c, time_wait_ignores_timestamps_that_we_would_not_use);
    tcase_add_test(c, time_wait_holds_a_syn_against_the_last_fin_that_came);
    tcase_add_loop_test(c, time_wait_ends_for_nobody_when_nobody_would_take_the_connection, 0, 2);
    tcase_add_loop_test(c, time_wait_takes_a_syn_that_asks_for_more, 0, 4);
    tcase_add_test(c, a_new_incarnation_begins_above_an_old_one_that_outran_the_clock);
    suite_add_tcase(s, c);
    return run_suite(s, "tcp_timestamps");
}
