/*
 * test_tcp_close.c - how connections end: FIN in every order, TIME-WAIT, half-closed connections,
 * ABORT.
 *
 * Black box: a scripted peer (support/peer.h) and the public calls. In the states after the
 * handshake both sides have used one number, so that SND.NXT and RCV.NXT are 1, and 2 behind a FIN.
 */
#include "base/base.h"
#include "support/peer.h"
#include "support/proves.h"

enum { TIME_WAIT_MS = 60000, FIN_WAIT_2_MS = 60000 };

/* The peer has forgotten the connection or never had it: what says the stack to an ACK of it? */
static void expect_closed(struct peer *p)
{
    peer_skip(p);
    peer_send(p, ".", 2, 77, 0);
    peer_expect(p, "R", 77, 0, 0);
    peer_expect_nothing(p);
}

static void expect_no_connection(struct peer *p)
{
    ck_assert_uint_eq(peer_usage(p).connections, 0);
    expect_closed(p);
}

/* --- we close first (3.6, case 1, figure 12)
 * ---------------------------------------------------------- */

START_TEST(closing_first_ends_in_time_wait_for_two_msl)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_close(p, s);
    ck_assert_int_eq(p->state, TCPS_FIN_WAIT_1);
    peer_expect(p, "F.", 1, 1, 0);
    peer_send(p, ".", 1, 2, 0);
    ck_assert_int_eq(p->state, TCPS_FIN_WAIT_2);
    peer_send(p, "F.", 1, 2, 0);
    ck_assert_int_eq(p->state, TCPS_TIME_WAIT);
    peer_expect(p, ".", 2, 2, 0);
    peer_expect_silence(p, TIME_WAIT_MS - 1);
    ck_assert_uint_eq(peer_usage(p).connections, 1);
    peer_wait(p, 2);
    expect_no_connection(p);
    peer_free(p);
    PROVES("RFC9293-MUST-13", "RFC9293-TMO-3", "RFC9293-FIN-4");
}
END_TEST

START_TEST(time_wait_acknowledges_the_fin_again_and_starts_anew)
{
    struct peer *p = peer_new();
    int s = peer_drive(p, TCPS_TIME_WAIT, false);

    for (int i = 0; i < 3; i++) {
        peer_wait(p, TIME_WAIT_MS - 1);
        peer_send(p, "F.", 1, 2, 0);
        peer_expect(p, ".", 2, 2, 0);
        peer_expect_nothing(p);
        ck_assert_int_eq(peer_state_of(p, s), TCPS_TIME_WAIT);
    }
    peer_wait(p, TIME_WAIT_MS + 1);
    peer_send(p, "F.", 1, 2, 0);
    peer_expect(p, "R", 2, 0, 0);
    peer_free(p);
    PROVES("RFC9293-MUST-13", "RFC9293-ACK-13", "C36");
}
END_TEST

START_TEST(a_fin_that_is_not_acknowledged_is_sent_again_with_backoff)
{
    struct peer *p = peer_new();
    int s = peer_drive(p, TCPS_FIN_WAIT_1, false);

    for (int i = 0; i < 5; i++)
        peer_expect_after(p, 1000 << i, "F.", 1, 1, 0);
    peer_send(p, ".", 1, 2, 0);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_FIN_WAIT_2);
    peer_expect_silence(p, 30000);
    peer_free(p);
    PROVES("RFC9293-3.10.4-e");
}
END_TEST

/* ACK-8, FIN-3: one segment does it all. */
START_TEST(fin_wait_1_takes_an_ack_text_and_a_fin_in_one_segment)
{
    struct peer *p = peer_new();
    int s = peer_drive(p, TCPS_FIN_WAIT_1, false);

    peer_send(p, "FP.", 1, 2, 100);
    peer_expect(p, ".", 2, 102, 0);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_TIME_WAIT);
    peer_app_read(p, s, 100);
    ck_assert_int_eq(peer_recv_result(p, s), 0);
    peer_expect_silence(p, TIME_WAIT_MS - 1);
    peer_free(p);
    PROVES("RFC9293-ACK-8", "RFC9293-FIN-3");
}
END_TEST

START_TEST(fin_wait_1_goes_to_closing_by_a_fin_that_does_not_acknowledge_ours)
{
    struct peer *p = peer_new();
    int s = peer_drive(p, TCPS_FIN_WAIT_1, false);

    peer_send(p, "F.", 1, 1, 0);
    peer_expect(p, ".", 2, 2, 0);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_CLOSING);
    peer_send(p, ".", 2, 1, 0); /* not of our FIN */
    peer_expect_nothing(p);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_CLOSING);
    peer_send(p, ".", 2, 2, 0);
    peer_expect_nothing(p);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_TIME_WAIT);
    peer_expect_silence(p, TIME_WAIT_MS - 1);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_TIME_WAIT);
    peer_wait(p, 2);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_CLOSED);
    peer_free(p);
    PROVES("RFC9293-FIN-3", "RFC9293-ACK-11", "C36");
}
END_TEST

START_TEST(closing_sends_its_fin_again)
{
    struct peer *p = peer_new();

    peer_drive(p, TCPS_CLOSING, false);
    peer_expect_after(p, 1000, "F.", 1, 2, 0);
    peer_expect_after(p, 2000, "F.", 1, 2, 0);
    peer_free(p);
    PROVES("C36");
}
END_TEST

START_TEST(fin_wait_2_takes_a_fin_with_an_old_ack)
{
    struct peer *p = peer_new();
    int s = peer_drive(p, TCPS_FIN_WAIT_2, false);

    peer_send(p, "F.", 1, 1, 0);
    peer_expect(p, ".", 2, 2, 0);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_TIME_WAIT);
    peer_free(p);
    PROVES("RFC9293-FIN-4");
}
END_TEST

START_TEST(fin_wait_2_with_an_owner_waits_for_ever_and_without_one_for_a_minute)
{
    struct peer *p = peer_new();
    int s = peer_drive(p, TCPS_FIN_WAIT_2, false);

    peer_expect_silence(p, 3600000);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_FIN_WAIT_2);
    peer_close(p, s);
    peer_expect_silence(p, FIN_WAIT_2_MS - 1);
    ck_assert_uint_eq(peer_usage(p).connections, 1);
    peer_wait(p, 2);
    peer_skip(p);
    ck_assert_uint_eq(peer_usage(p).connections, 0);
    peer_send(p, "F.", 1, 2, 0);
    peer_expect(p, "R", 2, 0, 0);
    peer_free(p);
    PROVES("RFC9293-ROBUST-2", "RFC9293-ACK-9", "C39");
}
END_TEST

START_TEST(an_orphan_in_fin_wait_2_ends_in_time_wait_when_the_fin_comes_in_time)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_close(p, s);
    peer_expect(p, "F.", 1, 1, 0);
    peer_send(p, ".", 1, 2, 0);
    peer_wait(p, FIN_WAIT_2_MS - 1000);
    peer_send(p, "F.", 1, 2, 0);
    peer_expect(p, ".", 2, 2, 0);
    ck_assert_int_eq(p->state, TCPS_TIME_WAIT);
    peer_expect_silence(p, TIME_WAIT_MS - 1);
    ck_assert_uint_eq(peer_usage(p).connections, 1);
    peer_free(p);
    PROVES("RFC9293-ROBUST-2", "RFC9293-ACK-9");
}
END_TEST

/* The FIN went out as a probe, and several times. */
START_TEST(an_orphan_in_fin_wait_2_ends_after_a_closed_window_too)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    p->window = 0;
    peer_send(p, ".", 1, 1, 0);
    peer_close(p, s);
    peer_wait(p, 20000);
    ck_assert_int_ge(peer_skip(p), 1);
    p->window = 65535;
    peer_send(p, ".", 1, 2, 0);
    ck_assert_int_eq(p->state, TCPS_FIN_WAIT_2);
    peer_wait(p, FIN_WAIT_2_MS + 1);
    ck_assert_uint_eq(peer_usage(p).connections, 0);
    peer_free(p);
    PROVES("RFC9293-ROBUST-2");
}
END_TEST

/* --- text and FIN
 * ------------------------------------------------------------------------------------------ */

START_TEST(close_sends_all_text_before_the_fin)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);
    uint32_t got = 1;

    p->window = 4000;
    peer_send(p, ".", 1, 1, 0);
    peer_app_send(p, s, 100000);
    peer_shutdown(p, s, SHUT_WR);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_FIN_WAIT_1);
    peer_close(p, s);
    bool finished = false;
    for (int turn = 0; turn < 1000 && !finished; turn++) {
        struct peer_segment seg;
        while (peer_next(p, &seg)) {
            ck_assert_uint_eq(seg.seq, got);
            got += seg.len;
            finished = seg.flags & WIRE_FIN;
        }
        peer_send(p, ".", 1, got, 0);
        peer_wait(p, 10);
    }
    peer_assert(p, got == 100001);
    ck_assert(finished);
    ck_assert_uint_eq(p->flow->fin - p->flow->iss, 100001);
    peer_send(p, "F.", 1, 100002, 0);
    peer_expect(p, ".", 100002, 2, 0);
    for (uint32_t i = 0; i < 100000; i++)
        ck_assert(p->flow->said[i] == peer_octet(i));
    peer_free(p);
    PROVES("RFC9293-3.10.4-c");
}
END_TEST

START_TEST(text_before_a_fin_that_was_lost_is_sent_again_and_the_fin_behind_it)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);
    struct peer_segment seg;

    peer_app_send(p, s, 2000);
    peer_close(p, s);
    peer_expect(p, ".", 1, 1, 1460);
    ck_assert(peer_next(p, &seg) && seg.seq == 1461 && seg.len == 540);
    peer_skip(p);
    ck_assert(p->flow->we_finished);
    peer_expect_after(p, 1000, ".", 1, 1, 1460);
    peer_send(p, ".", 1, 1461, 0);
    peer_wait(p, 10);
    ck_assert(peer_next(p, &seg) && seg.seq == 1461 && seg.len == 540);
    peer_wait(p, 5000);
    peer_skip(p);
    peer_send(p, ".", 1, 2002, 0);
    ck_assert_int_eq(p->state, TCPS_FIN_WAIT_2);
    peer_free(p);
    PROVES("RFC9293-3.10.4-c");
}
END_TEST

/* A closed window delays a FIN at most until the window is probed. */
START_TEST(a_fin_gets_through_to_a_closed_window)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    p->window = 0;
    peer_send(p, ".", 1, 1, 0);
    peer_shutdown(p, s, SHUT_WR);
    peer_wait(p, 1100);
    peer_expect(p, "F.", 1, 1, 0);
    peer_skip(p);
    peer_send(p, ".", 1, 2, 0);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_FIN_WAIT_2);
    peer_expect_silence(p, 100000);
    peer_free(p);
    PROVES("RFC9293-MUST-36");
}
END_TEST

/* --- the peer closes first (3.6, case 2)
 * ------------------------------------------------------------------------ */

START_TEST(a_fin_is_acknowledged_and_read_as_the_end)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_send(p, "F.", 1, 1, 0);
    peer_expect(p, ".", 1, 2, 0);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_CLOSE_WAIT);
    ck_assert_int_eq(peer_recv_result(p, s), 0);
    ck_assert_int_eq(peer_recv_result(p, s), 0);
    ck_assert_int_eq(peer_so_error(p, s), 0);
    peer_free(p);
    PROVES("RFC9293-FIN-2", "RFC9293-MUST-12");
}
END_TEST

START_TEST(text_with_a_fin_is_read_before_the_end)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_send(p, "FP.", 1, 1, 1000);
    peer_expect(p, ".", 1, 1002, 0);
    peer_app_read(p, s, 1000);
    ck_assert_int_eq(peer_recv_result(p, s), 0);
    peer_free(p);
    PROVES("RFC9293-3.10.3-b");
}
END_TEST

START_TEST(a_fin_counts_only_when_nothing_before_it_is_missing)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_send(p, "FP.", 101, 1, 100);
    peer_expect(p, ".", 1, 1, 0);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    ck_assert_int_eq(peer_recv_result(p, s), -EAGAIN);
    peer_send(p, ".", 1, 1, 100);
    peer_expect(p, ".", 1, 202, 0);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_CLOSE_WAIT);
    peer_app_read(p, s, 200);
    ck_assert_int_eq(peer_recv_result(p, s), 0);
    peer_free(p);
    PROVES("RFC9293-FIN-1");
}
END_TEST

START_TEST(a_bare_fin_behind_a_hole_waits_too)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_send(p, "F.", 201, 1, 0);
    peer_expect(p, ".", 1, 1, 0);
    peer_send(p, ".", 1, 1, 100);
    peer_wait(p, 50);
    peer_expect(p, ".", 1, 101, 0);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    peer_app_read(p, s, 100);
    peer_send(p, ".", 101, 1, 100);
    peer_wait(p, 50);
    peer_skip(p);
    /* Kept with the hole, or to be sent again by the peer: both are right. */
    if (peer_rcv_nxt(p) == 201) {
        peer_send(p, "F.", 201, 1, 0);
        peer_expect(p, ".", 1, 202, 0);
    }
    ck_assert_uint_eq(peer_rcv_nxt(p), 202);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_CLOSE_WAIT);
    peer_app_read(p, s, 100);
    ck_assert_int_eq(peer_recv_result(p, s), 0);
    peer_free(p);
    PROVES("RFC9293-FIN-1");
}
END_TEST

START_TEST(close_wait_sends_what_it_has_and_its_fin_and_ends_with_the_last_ack)
{
    struct peer *p = peer_new();
    int s = peer_drive(p, TCPS_CLOSE_WAIT, false);

    peer_app_send(p, s, 10000);
    peer_close(p, s);
    ck_assert_int_eq(p->state, TCPS_LAST_ACK);
    peer_wait(p, 10);
    ck_assert_uint_eq(peer_snd_nxt(p), 10002);
    peer_skip(p);
    peer_send(p, ".", 2, 10001, 0);
    ck_assert_uint_eq(peer_usage(p).connections, 1);
    peer_send(p, ".", 2, 10002, 0);
    peer_expect_nothing(p);
    ck_assert_int_eq(p->state, TCPS_CLOSED);
    expect_no_connection(p);
    peer_free(p);
    PROVES("RFC9293-3.10.4-d", "RFC9293-ACK-12", "RFC9293-3.10.2-b");
}
END_TEST

START_TEST(close_wait_sends_as_established_does)
{
    struct peer *p = peer_new();

    p->window = 1000;
    int s = peer_drive(p, TCPS_CLOSE_WAIT, false);
    peer_app_send(p, s, 3000);
    peer_expect(p, ".", 1, 2, 1000);
    peer_expect_after(p, 1000, ".", 1, 2, 1000); /* it was lost */
    peer_send(p, ".", 2, 1001, 0);
    peer_expect(p, ".", 1001, 2, 1000);
    peer_send(p, ".", 2, 2001, 0);
    peer_expect(p, "P.", 2001, 2, 1000);
    peer_send(p, ".", 2, 3001, 0);
    peer_expect_silence(p, 5000);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_CLOSE_WAIT);
    peer_free(p);
    PROVES("RFC9293-ACK-10", "RFC9293-3.10.2-b");
}
END_TEST

START_TEST(close_wait_counts_duplicate_acks_as_established_does)
{
    struct peer *p = peer_new();
    int s = peer_drive(p, TCPS_CLOSE_WAIT, false);

    peer_app_send(p, s, 5 * 1460);
    ck_assert_int_eq(peer_skip(p), 5);
    for (int i = 0; i < 3; i++)
        peer_send(p, ".", 2, 1, 0);
    peer_expect(p, ".", 1, 2, 1460); /* at once */
    ck_assert_uint_eq(peer_counter(p, COUNTER_TCP_FAST), 1);
    peer_free(p);
    PROVES("RFC9293-ACK-10");
}
END_TEST

START_TEST(last_ack_sends_its_fin_again_and_is_gone_with_the_ack)
{
    struct peer *p = peer_new();

    peer_drive(p, TCPS_LAST_ACK, false);
    peer_expect_after(p, 1000, "F.", 1, 2, 0);
    peer_expect_after(p, 2000, "F.", 1, 2, 0);
    peer_send(p, ".", 2, 2, 0);
    ck_assert_int_eq(p->state, TCPS_CLOSED);
    expect_closed(p);
    peer_free(p);
    PROVES("RFC9293-ACK-12");
}
END_TEST

static const enum tcp_state after_their_fin[] = {TCPS_CLOSE_WAIT, TCPS_CLOSING, TCPS_LAST_ACK};

START_TEST(the_same_fin_again_is_acknowledged_again)
{
    struct peer *p = peer_new();
    enum tcp_state state = after_their_fin[_i];
    int s = peer_drive(p, state, false);
    uint32_t nxt = peer_snd_nxt(p);

    for (int i = 0; i < 3; i++) {
        peer_send(p, "F.", 1, 1, 0);
        peer_expect(p, ".", nxt, 2, 0);
        peer_expect_nothing(p);
        ck_assert_int_eq(peer_state_of(p, s), state);
        peer_wait(p, 100);
    }
    peer_free(p);
    PROVES("RFC9293-FIN-5");
}
END_TEST

static const enum tcp_state deaf[] = {TCPS_CLOSE_WAIT, TCPS_CLOSING, TCPS_LAST_ACK, TCPS_TIME_WAIT};

/* C24: text behind a FIN, and a second FIN somewhere else. */
START_TEST(text_behind_a_fin_is_ignored)
{
    struct peer *p = peer_new();
    enum tcp_state state = deaf[_i];
    int s = peer_drive(p, state, false);
    uint32_t ack = peer_snd_una(p);
    static const char *const flags[] = {"P.", "FP.", "F."};

    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        struct peer_segment seg;
        peer_send(p, flags[i], 2, ack, i < 2 ? 10 : 0);
        while (peer_next(p, &seg)) {
            ck_assert_int_eq(seg.flags & ~WIRE_PSH, WIRE_ACK);
            ck_assert_uint_eq(seg.ack, 2);
            ck_assert_uint_eq(seg.len, 0);
        }
        ck_assert_int_eq(peer_state_of(p, s), state);
        ck_assert_int_eq(peer_recv_result(p, s), 0);
    }
    ck_assert_uint_eq(peer_rcv_nxt(p), 2);
    peer_free(p);
    PROVES("RFC9293-TXT-3", "C24");
}
END_TEST

/* --- half-closed connections (3.6.1)
 * ------------------------------------------------------------------------------- */

START_TEST(after_shutdown_of_writing_the_rest_is_still_read)
{
    struct peer *p = peer_new();
    int s = peer_drive(p, TCPS_FIN_WAIT_1 + (enum tcp_state)_i, false);

    for (uint32_t at = 1; at < 5001; at += 1000) {
        peer_send(p, "P.", at, 1 + (uint32_t)_i, 1000);
        peer_app_read(p, s, 1000);
    }
    peer_wait(p, 50);
    ck_assert_uint_eq(peer_rcv_nxt(p), 5001);
    ck_assert_int_eq(sock_send(p->stack, s, "x", 1, 0, NULL), -EPIPE);
    ck_assert_uint_eq(peer_snd_nxt(p), 2);
    peer_free(p);
    PROVES("RFC9293-3.10.3-a", "RFC9293-3.10.2-c", "RFC9293-MAY-1");
}
END_TEST

START_TEST(shutdown_twice_sends_one_fin)
{
    struct peer *p = peer_new();
    int s = peer_drive(p, TCPS_FIN_WAIT_1, false);

    peer_shutdown(p, s, SHUT_WR);
    peer_expect_nothing(p);
    peer_send(p, ".", 1, 2, 0);
    peer_shutdown(p, s, SHUT_WR);
    peer_expect_silence(p, 5000);
    peer_close(p, s);
    peer_expect_silence(p, 5000);
    peer_free(p);
    PROVES("RFC9293-3.10.4-e");
}
END_TEST

START_TEST(close_with_unread_text_resets)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_send(p, "P.", 1, 1, 100);
    peer_wait(p, 50);
    peer_skip(p);
    peer_close(p, s);
    peer_expect_reset(p, 1);
    peer_expect_nothing(p);
    expect_no_connection(p);
    peer_free(p);
    PROVES("RFC9293-SHLD-3");
}
END_TEST

START_TEST(close_with_unread_text_and_a_fin_resets)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_send(p, "FP.", 1, 1, 100);
    peer_skip(p);
    peer_close(p, s);
    peer_expect_reset(p, 1);
    expect_no_connection(p);
    peer_free(p);
    PROVES("RFC9293-SHLD-3");
}
END_TEST

/* FIN-WAIT-1 and FIN-WAIT-2 without an owner. */
START_TEST(text_after_close_resets)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_close(p, s);
    peer_expect(p, "F.", 1, 1, 0);
    if (_i == 1)
        peer_send(p, ".", 1, 2, 0);
    peer_send(p, "P.", 1, 1 + (uint32_t)_i, 100);
    peer_expect_reset(p, 1 + (uint32_t)_i); /* at what the text acknowledges */
    peer_expect_nothing(p);
    expect_no_connection(p);
    peer_free(p);
    PROVES("RFC9293-SHLD-3", "RFC9293-MAY-1");
}
END_TEST

START_TEST(after_shutdown_of_reading_the_end_is_read_and_nothing_hangs)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_shutdown(p, s, SHUT_RD);
    peer_expect_nothing(p); /* nothing on the wire tells of it */
    ck_assert_int_eq(peer_recv_result(p, s), 0);
    peer_app_send(p, s, 100);
    peer_expect(p, "P.", 1, 1, 100);
    peer_send(p, ".", 1, 101, 0);
    peer_send(p, "P.", 1, 101, 100);
    peer_wait(p, 50);
    struct peer_segment seg;
    ck_assert(peer_next(p, &seg)); /* acknowledged, or reset */
    p->app_read = 0;
    peer_app_read(p, s, 100); /* as on Linux: what still comes can be read, before the end */
    ck_assert_int_eq(peer_recv_result(p, s), 0);
    peer_free(p);
    PROVES("POSIX-shutdown");
}
END_TEST

/* --- before the connection is there (3.10.4)
 * ------------------------------------------------------------------------- */

START_TEST(close_in_syn_sent_sends_nothing_and_refuses_the_syn_ack)
{
    struct peer *p = peer_new();
    int s = peer_connect(p);

    peer_close(p, s);
    peer_expect_silence(p, 10000);
    ck_assert_uint_eq(peer_usage(p).connections, 0);
    peer_send(p, "S.", 0, 1, 0);
    peer_expect(p, "R", 1, 0, 0);
    peer_free(p);
    PROVES("RFC9293-3.10.4-a");
}
END_TEST

START_TEST(close_in_listen_refuses_the_next_syn)
{
    struct peer *p = peer_new();
    int s = peer_listen(p, 4);

    peer_close(p, s);
    peer_expect_silence(p, 1000);
    peer_flow_new(p);
    peer_syn(p);
    peer_expect(p, "R.", 0, 1, 0);
    peer_free(p);
    PROVES("RFC9293-3.10.4-a");
}
END_TEST

START_TEST(close_in_syn_received_sends_a_fin_behind_the_syn)
{
    struct peer *p = peer_new();
    int s = peer_drive(p, TCPS_SYN_RECEIVED, true);

    peer_close(p, s);
    peer_send(p, ".", 1, 1, 0);
    peer_expect(p, "F.", 1, 1, 0);
    peer_send(p, "F.", 1, 2, 0);
    peer_expect(p, ".", 2, 2, 0);
    ck_assert_int_eq(p->state, TCPS_TIME_WAIT);
    peer_free(p);
    PROVES("RFC9293-3.10.4-b");
}
END_TEST

START_TEST(close_in_syn_received_sends_the_text_before_the_fin)
{
    struct peer *p = peer_new();
    int s = peer_drive(p, TCPS_SYN_RECEIVED, true);

    /* It waits for ESTABLISHED, here or with the application. */
    ssize_t took = sock_send(p->stack, s, "hello", 5, 0, NULL);
    ck_assert(took == 5 || took == -EAGAIN);
    peer_expect_nothing(p);
    peer_close(p, s);
    peer_skip(p);
    peer_send(p, ".", 1, 1, 0);
    peer_skip(p);
    ck_assert_uint_eq(peer_snd_nxt(p), took == 5 ? 7 : 2);
    ck_assert(p->flow->we_finished);
    peer_free(p);
    PROVES("RFC9293-3.10.4-b", "RFC9293-3.10.2-a");
}
END_TEST

START_TEST(a_listener_that_closes_takes_what_nobody_accepted_with_it)
{
    struct peer *p = peer_new();
    int listener = peer_drive(p, TCPS_SYN_RECEIVED, false);
    struct wire_flow *half_open = p->flow;

    peer_flow_new(p);
    peer_syn(p);
    peer_expect(p, "S.", 0, 1, 0);
    peer_send(p, ".", 1, 1, 0);
    peer_close(p, listener);
    ck_assert_uint_eq(peer_usage(p).connections, 0);
    for (int i = 0; i < 2; i++) {
        struct peer_segment seg;
        ck_assert(peer_next(p, &seg));
        p->flow = seg.flow;
        ck_assert(seg.flags & WIRE_RST && seg.seq == 1);
    }
    peer_expect_nothing(p);
    p->flow = half_open;
    expect_closed(p);
    peer_free(p);
}
END_TEST

/* --- ABORT (3.10.5)
 * ---------------------------------------------------------------------------------------------------
 */

static const struct {
    enum tcp_state state;
    bool active;
    bool reset;
} aborts[] = {
    {TCPS_SYN_RECEIVED, true, true}, {TCPS_ESTABLISHED, false, true},
    {TCPS_ESTABLISHED, true, true},  {TCPS_FIN_WAIT_1, false, true},
    {TCPS_FIN_WAIT_2, false, true},  {TCPS_CLOSE_WAIT, false, true},
    {TCPS_SYN_SENT, true, false},    {TCPS_CLOSING, false, false},
    {TCPS_LAST_ACK, false, false},   {TCPS_TIME_WAIT, false, false},
};

START_TEST(abort_resets_a_connection_that_is_not_yet_closed_by_both)
{
    struct peer *p = peer_new();
    int s = peer_drive(p, aborts[_i].state, aborts[_i].active);
    uint32_t nxt = peer_snd_nxt(p);

    peer_abort(p, s);
    if (aborts[_i].reset)
        peer_expect_reset(p, nxt);
    peer_expect_silence(p, 10000);
    expect_no_connection(p);
    peer_free(p);
    if (aborts[_i].reset)
        PROVES("RFC9293-3.10.5-a", "POSIX-linger");
    else
        PROVES("RFC9293-3.10.5-b");
}
END_TEST

START_TEST(abort_forgets_text_that_was_not_sent)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    p->window = 100;
    peer_send(p, ".", 1, 1, 0);
    peer_app_send(p, s, 10000);
    peer_skip(p);
    uint32_t nxt = peer_snd_nxt(p);
    peer_abort(p, s);
    peer_expect_reset(p, nxt);
    ck_assert_uint_eq(peer_usage(p).send_chunks, 0);
    expect_no_connection(p);
    peer_free(p);
    PROVES("RFC9293-3.10.5-a");
}
END_TEST

/* --- TIME-WAIT meets others (RFC 1337; 3.6.1, MAY-2)
 * --------------------------------------------------------------------- */

START_TEST(time_wait_is_not_killed_by_a_reset)
{
    struct peer *p = peer_new();
    int s = peer_drive(p, TCPS_TIME_WAIT, false);

    peer_send(p, "R", 2, 0, 0);
    peer_send(p, "R.", 2, 2, 0);
    peer_expect_nothing(p);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_TIME_WAIT);
    peer_send(p, "F.", 1, 2, 0);
    peer_expect(p, ".", 2, 2, 0);
    peer_free(p);
    PROVES("C37");
}
END_TEST

START_TEST(time_wait_answers_an_old_duplicate)
{
    struct peer *p = peer_new();
    int s = peer_drive(p, TCPS_TIME_WAIT, false);

    peer_send(p, "P.", (uint32_t)-500, 1, 100);
    peer_expect(p, ".", 2, 2, 0);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_TIME_WAIT);
    peer_free(p);
    PROVES("C37");
}
END_TEST

START_TEST(a_new_syn_behind_the_old_numbers_opens_the_tuple_again)
{
    struct peer *p = peer_new();
    int s = peer_drive(p, TCPS_TIME_WAIT, false);
    uint32_t old_iss = p->flow->iss, old_irs = p->flow->irs;

    peer_close(p, s);
    int listener = peer_listen(p, 4);
    peer_wait(p, 1000);
    peer_flow_again(p, old_irs + 1000);
    peer_syn(p);
    peer_expect(p, "S.", 0, 1, 0);
    ck_assert_int_gt((int32_t)(p->flow->iss - (old_iss + 2)), 0); /* larger than any used */
    peer_send(p, ".", 1, 1, 0);
    ck_assert_int_eq(peer_state_of(p, peer_accept(p, listener)), TCPS_ESTABLISHED);
    peer_free(p);
    PROVES("C37");
}
END_TEST

START_TEST(a_syn_among_the_old_numbers_is_an_old_duplicate)
{
    struct peer *p = peer_new();
    int s = peer_drive(p, TCPS_TIME_WAIT, false);

    peer_listen(p, 4);
    peer_send(p, "S", _i == 0 ? 0 : (uint32_t)-1000, 0, 0);
    peer_expect(p, ".", 2, 2, 0);
    peer_expect_nothing(p);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_TIME_WAIT);
    peer_free(p);
    PROVES("C37");
}
END_TEST

/* --- giving up
 * ------------------------------------------------------------------------------------------------------------
 */

START_TEST(a_fin_that_nobody_acknowledges_is_given_up_after_r2)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_close(p, s);
    peer_wait(p, 99000);
    ck_assert_uint_eq(peer_usage(p).connections, 1);
    peer_wait(p, 3600000);
    peer_skip(p);
    ck_assert_uint_eq(peer_usage(p).connections, 0);
    peer_free(p);
    PROVES("RFC9293-SHLD-11");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("tcp_close");

    TCase *c = tcase_create("RFC 9293, 3.6: we close first");
    tcase_add_test(c, closing_first_ends_in_time_wait_for_two_msl);
    tcase_add_test(c, time_wait_acknowledges_the_fin_again_and_starts_anew);
    tcase_add_test(c, a_fin_that_is_not_acknowledged_is_sent_again_with_backoff);
    tcase_add_test(c, fin_wait_1_takes_an_ack_text_and_a_fin_in_one_segment);
    tcase_add_test(c, fin_wait_1_goes_to_closing_by_a_fin_that_does_not_acknowledge_ours);
    tcase_add_test(c, closing_sends_its_fin_again);
    tcase_add_test(c, fin_wait_2_takes_a_fin_with_an_old_ack);
    tcase_add_test(c, fin_wait_2_with_an_owner_waits_for_ever_and_without_one_for_a_minute);
    tcase_add_test(c, an_orphan_in_fin_wait_2_ends_in_time_wait_when_the_fin_comes_in_time);
    tcase_add_test(c, an_orphan_in_fin_wait_2_ends_after_a_closed_window_too);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 9293, 3.10.4: CLOSE");
    tcase_add_test(c, close_sends_all_text_before_the_fin);
    tcase_add_test(c, text_before_a_fin_that_was_lost_is_sent_again_and_the_fin_behind_it);
    tcase_add_test(c, a_fin_gets_through_to_a_closed_window);
    tcase_add_test(c, close_in_syn_sent_sends_nothing_and_refuses_the_syn_ack);
    tcase_add_test(c, close_in_listen_refuses_the_next_syn);
    tcase_add_test(c, close_in_syn_received_sends_a_fin_behind_the_syn);
    tcase_add_test(c, close_in_syn_received_sends_the_text_before_the_fin);
    tcase_add_test(c, a_listener_that_closes_takes_what_nobody_accepted_with_it);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 9293, 3.6: the peer closes first");
    tcase_add_test(c, a_fin_is_acknowledged_and_read_as_the_end);
    tcase_add_test(c, text_with_a_fin_is_read_before_the_end);
    tcase_add_test(c, a_fin_counts_only_when_nothing_before_it_is_missing);
    tcase_add_test(c, a_bare_fin_behind_a_hole_waits_too);
    tcase_add_test(c, close_wait_sends_what_it_has_and_its_fin_and_ends_with_the_last_ack);
    tcase_add_test(c, close_wait_sends_as_established_does);
    tcase_add_test(c, close_wait_counts_duplicate_acks_as_established_does);
    tcase_add_test(c, last_ack_sends_its_fin_again_and_is_gone_with_the_ack);
    tcase_add_loop_test(c, the_same_fin_again_is_acknowledged_again, 0,
                        (int)ARRAY_LEN(after_their_fin));
    tcase_add_loop_test(c, text_behind_a_fin_is_ignored, 0, (int)ARRAY_LEN(deaf));
    suite_add_tcase(s, c);

    c = tcase_create("RFC 9293, 3.6.1: half-closed connections");
    tcase_add_loop_test(c, after_shutdown_of_writing_the_rest_is_still_read, 0, 2);
    tcase_add_test(c, shutdown_twice_sends_one_fin);
    tcase_add_test(c, close_with_unread_text_resets);
    tcase_add_test(c, close_with_unread_text_and_a_fin_resets);
    tcase_add_loop_test(c, text_after_close_resets, 0, 2);
    tcase_add_test(c, after_shutdown_of_reading_the_end_is_read_and_nothing_hangs);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 9293, 3.10.5: ABORT");
    tcase_add_loop_test(c, abort_resets_a_connection_that_is_not_yet_closed_by_both, 0,
                        (int)ARRAY_LEN(aborts));
    tcase_add_test(c, abort_forgets_text_that_was_not_sent);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 1337 and RFC 9293, 3.6.1: TIME-WAIT");
    tcase_add_test(c, time_wait_is_not_killed_by_a_reset);
    tcase_add_test(c, time_wait_answers_an_old_duplicate);
    tcase_add_test(c, a_new_syn_behind_the_old_numbers_opens_the_tuple_again);
    tcase_add_loop_test(c, a_syn_among_the_old_numbers_is_an_old_duplicate, 0, 2);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 9293, 3.8.3: connection failures");
    tcase_add_test(c, a_fin_that_nobody_acknowledges_is_given_up_after_r2);
    suite_add_tcase(s, c);
    return run_suite(s, "tcp_close");
}
