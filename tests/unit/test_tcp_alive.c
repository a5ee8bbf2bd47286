/*
 * test_tcp_alive.c - keep-alive (RFC 9293, 3.8.4; RFC 1122, 4.2.3.6), the user timeout (RFC 9293,
 * 3.8.3; RFC 5482), and the other options that decide how long TCP waits: TCP_SYNCNT, TCP_LINGER2,
 * TCP_DEFER_ACCEPT.
 *
 * Black box: a scripted peer (support/peer.h) and the public calls, in virtual time.
 */
#include "base/base.h"
#include "support/peer.h"
#include "support/proves.h"

enum { HOUR_MS = 3600 * 1000 };

static void keep_alive(struct peer *p, int s, int idle_s, int interval_s, int count)
{
    ck_assert_int_eq(peer_set(p, s, SOL_SOCKET, SO_KEEPALIVE, 1), 0);
    if (idle_s)
        ck_assert_int_eq(peer_set(p, s, IPPROTO_TCP, TCP_KEEPIDLE, idle_s), 0);
    if (interval_s)
        ck_assert_int_eq(peer_set(p, s, IPPROTO_TCP, TCP_KEEPINTVL, interval_s), 0);
    if (count)
        ck_assert_int_eq(peer_set(p, s, IPPROTO_TCP, TCP_KEEPCNT, count), 0);
}

/* --- keep-alive --------------------------------------------------------------------------- */

START_TEST(a_connection_that_nobody_asked_to_keep_alive_is_silent_for_a_day)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_expect_silence(p, 24 * HOUR_MS);
    /* how it would be done does not ask for it either */
    ck_assert_int_eq(peer_set(p, s, IPPROTO_TCP, TCP_KEEPIDLE, 60), 0);
    peer_expect_silence(p, 24 * HOUR_MS);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    peer_free(p);
    PROVES("RFC9293-MUST-25");
}
END_TEST

START_TEST(keep_alive_asks_after_two_hours_by_default)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    keep_alive(p, s, 0, 0, 0);
    ck_assert_int_eq(peer_get(p, s, IPPROTO_TCP, TCP_KEEPIDLE), 7200);
    ck_assert_int_eq(peer_get(p, s, IPPROTO_TCP, TCP_KEEPINTVL), 75);
    ck_assert_int_eq(peer_get(p, s, IPPROTO_TCP, TCP_KEEPCNT), 9);
    peer_expect_after(p, 2 * HOUR_MS, ".", 0, 1, 0);
    peer_expect_after(p, 75000, ".", 0, 1, 0);
    peer_send(p, ".", 1, 1, 0);
    peer_expect_after(p, 2 * HOUR_MS, ".", 0, 1, 0);
    peer_free(p);
    PROVES("RFC9293-MUST-28");
}
END_TEST

START_TEST(keep_alive_is_switched_for_each_connection)
{
    struct peer *p = peer_new();
    int one = peer_establish_passive(p), other = peer_establish_passive(p);

    keep_alive(p, one, 10, 0, 0);
    ck_assert_int_eq(peer_get(p, other, SOL_SOCKET, SO_KEEPALIVE), 0);
    peer_wait(p, 10100);
    struct peer_segment probe;
    ck_assert(peer_next(p, &probe));
    ck_assert_ptr_ne(probe.flow, p->flow);
    peer_expect_nothing(p);
    ck_assert_int_eq(peer_set(p, one, SOL_SOCKET, SO_KEEPALIVE, 0), 0);
    peer_expect_silence(p, HOUR_MS);
    peer_free(p);
    PROVES("RFC9293-MUST-24");
}
END_TEST

START_TEST(the_probe_comes_exactly_after_the_idle_time)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_wait(p, 3000);
    peer_send(p, "P.", 1, 1, 5); /* the time counts from here, not from the call */
    peer_expect(p, ".", 1, 6, 0);
    keep_alive(p, s, 10, 3, 5);
    peer_expect_after(p, 10000, ".", 0, 6, 0);
    peer_send(p, ".", 6, 1, 0);
    peer_expect_after(p, 10000, ".", 0, 6, 0);
    peer_free(p);
    PROVES("RFC9293-MUST-27");
}
END_TEST

START_TEST(keep_alive_set_late_asks_at_once_when_the_time_is_over)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    keep_alive(p, s, 100, 10, 0);
    peer_wait(p, 50000);
    ck_assert_int_eq(peer_set(p, s, IPPROTO_TCP, TCP_KEEPIDLE, 20), 0);
    peer_expect_after(p, 0, ".", 0, 1, 0);
    peer_expect_after(p, 10000, ".", 0, 1, 0);
    peer_free(p);
}
END_TEST

START_TEST(keep_alive_asks_only_when_nothing_was_heard_and_nothing_is_outstanding)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    keep_alive(p, s, 10, 1, 3);
    for (uint32_t i = 0; i < 5; i++) {
        peer_wait(p, 9000);
        peer_send(p, "P.", 1 + i, 1, 1);
        peer_app_read(p, s, 1);
        peer_expect(p, ".", 1, 2 + i, 0);
    }
    peer_app_send(p, s, 100);
    peer_expect(p, "P.", 1, 6, 100);
    peer_expect_after(p, 1000, "P.", 1, 6, 100); /* retransmissions alone */
    peer_expect_after(p, 2000, "P.", 1, 6, 100);
    peer_expect_after(p, 4000, "P.", 1, 6, 100);
    peer_expect_after(p, 8000, "P.", 1, 6, 100);
    peer_send(p, ".", 6, 101, 0);
    peer_expect_silence(p, 9900);
    peer_wait(p, 200);
    peer_expect(p, ".", 100, 6, 0);
    peer_free(p);
    PROVES("RFC9293-MUST-26");
}
END_TEST

START_TEST(a_peer_that_answers_no_keep_alive_is_given_up)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    keep_alive(p, s, 10, 2, 3);
    peer_expect_after(p, 10000, ".", 0, 1, 0);
    peer_expect_after(p, 2000, ".", 0, 1, 0);
    peer_expect_after(p, 2000, ".", 0, 1, 0);
    peer_wait(p, 2100);
    peer_expect_reset(p, 1);
    ck_assert_int_eq(peer_recv_result(p, s), -ETIMEDOUT);
    ck_assert_int_eq(peer_recv_result(p, s), 0);
    peer_free(p);
    PROVES("C41");
}
END_TEST

START_TEST(an_answer_begins_the_count_again)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    keep_alive(p, s, 10, 2, 2);
    for (int i = 0; i < 3; i++) {
        peer_expect_after(p, 10000, ".", 0, 1, 0);
        peer_expect_after(p, 2000, ".", 0, 1, 0);
        peer_send(p, ".", 1, 1, 0);
    }
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    peer_app_send(p, s, 10);
    peer_expect(p, "P.", 1, 1, 10);
    peer_free(p);
    PROVES("RFC9293-MUST-29", "RFC9293-SHLD-12", "RFC9293-MAY-5");
}
END_TEST

START_TEST(keep_alive_is_inherited_from_the_listener_and_set_before_connect)
{
    struct peer *p = peer_new();
    int listener = peer_listen(p, 4);

    keep_alive(p, listener, 30, 0, 0);
    peer_flow_new(p);
    peer_syn(p);
    peer_expect(p, "S.", 0, 1, 0);
    peer_send(p, ".", 1, 1, 0);
    peer_expect_after(p, 30000, ".", 0, 1, 0); /* nobody has accepted it yet */
    peer_send(p, ".", 1, 1, 0);
    int s = peer_accept(p, listener);
    ck_assert_int_eq(peer_get(p, s, SOL_SOCKET, SO_KEEPALIVE), 1);
    ck_assert_int_eq(peer_get(p, s, IPPROTO_TCP, TCP_KEEPIDLE), 30);
    peer_expect_after(p, 30000, ".", 0, 1, 0);
    peer_send(p, "R", 1, 0, 0);

    s = peer_socket(p);
    keep_alive(p, s, 7, 0, 0);
    ck_assert_int_eq(sock_connect(p->stack, s, peer_endpoint(PEER_ADDR, 80), NULL), -EINPROGRESS);
    peer_expect(p, "S", 0, 0, 0);
    peer_send(p, "S.", 0, 1, 0);
    peer_expect(p, ".", 1, 1, 0);
    peer_expect_after(p, 7000, ".", 0, 1, 0);
    peer_free(p);
}
END_TEST

START_TEST(an_option_of_one_connection_is_not_its_siblings)
{
    struct peer *p = peer_new();
    int listener = peer_listen(p, 4), socks[2];

    ck_assert_int_eq(peer_set(p, listener, IPPROTO_TCP, TCP_KEEPIDLE, 30), 0);
    for (int i = 0; i < 2; i++) {
        peer_flow_new(p);
        peer_syn(p);
        peer_expect(p, "S.", 0, 1, 0);
        peer_send(p, ".", 1, 1, 0);
        socks[i] = peer_accept(p, listener);
    }
    ck_assert_uint_eq(peer_usage(p).tunings, 1); /* all three share it */
    ck_assert_int_eq(peer_set(p, socks[0], IPPROTO_TCP, TCP_KEEPIDLE, 5), 0);
    ck_assert_int_eq(peer_get(p, socks[0], IPPROTO_TCP, TCP_KEEPIDLE), 5);
    ck_assert_int_eq(peer_get(p, socks[1], IPPROTO_TCP, TCP_KEEPIDLE), 30);
    ck_assert_int_eq(peer_get(p, listener, IPPROTO_TCP, TCP_KEEPIDLE), 30);
    ck_assert_uint_eq(peer_usage(p).tunings, 2);
    peer_free(p);
}
END_TEST

/* --- the user timeout --------------------------------------------------------------------- */

START_TEST(text_that_is_not_acknowledged_within_the_user_timeout_ends_the_connection)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    static const uint8_t uto[] = {28, 4, 0x02, 0x58}; /* the peer says 600 s (RFC 5482, 3) */
    ck_assert_int_eq(peer_set(p, s, IPPROTO_TCP, TCP_USER_TIMEOUT, 5000), 0);
    PEER_SEND(p, .flags = ".", .seq = 1, .ack = 1, .options = {uto, sizeof(uto)});
    peer_expect_silence(p, 20000); /* nothing is outstanding: nothing to time */
    peer_app_send(p, s, 10);
    peer_expect(p, "P.", 1, 1, 10);
    peer_expect_after(p, 1000, "P.", 1, 1, 10);
    peer_expect_after(p, 2000, "P.", 1, 1, 10);
    peer_expect_silence(p, 1900);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    peer_wait(p, 200);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_CLOSED);
    ck_assert_int_eq(peer_get(p, s, IPPROTO_TCP, TCP_USER_TIMEOUT), 5000);
    ck_assert_int_eq(peer_so_error(p, s), ETIMEDOUT);
    peer_free(p);
    PROVES("RFC5482-3-a", "RFC9293-MUST-21", "RFC9293-TMO-1");
}
END_TEST

START_TEST(the_user_timeout_binds_a_fin_too)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    ck_assert_int_eq(peer_set(p, s, IPPROTO_TCP, TCP_USER_TIMEOUT, 5000), 0);
    if (_i == 0) {
        peer_shutdown(p, s, SHUT_WR);
        peer_wait(p, 5100);
        ck_assert_int_eq(peer_so_error(p, s), ETIMEDOUT);
    } else { /* and when the owner is gone */
        peer_close(p, s);
        peer_wait(p, 5100);
    }
    ck_assert_int_eq(p->state, TCPS_CLOSED);
    peer_free(p);
    PROVES("RFC9293-TMO-1");
}
END_TEST

/* What is left was first sent with what is acknowledged: its time goes on (RFC 5482: "how long
 * transmitted data may remain unacknowledged"). */
START_TEST(an_acknowledgment_of_a_part_does_not_begin_the_user_timeout_again)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    ck_assert_int_eq(peer_set(p, s, IPPROTO_TCP, TCP_USER_TIMEOUT, 5000), 0);
    peer_app_send(p, s, 10);
    for (uint32_t i = 0; i < 4; i++) {
        peer_wait(p, 1200);
        peer_skip(p);
        peer_send(p, ".", 1, 2 + i, 0);
        peer_skip(p);
        ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    }
    peer_wait_until(p, 4990);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    peer_wait_until(p, 5001);
    ck_assert_int_eq(peer_so_error(p, s), ETIMEDOUT);
    peer_free(p);
    PROVES("RFC9293-TMO-1");
}
END_TEST

START_TEST(the_user_timeout_of_new_text_begins_when_it_leaves)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    ck_assert_int_eq(peer_set(p, s, IPPROTO_TCP, TCP_USER_TIMEOUT, 5000), 0);
    peer_no_delay(p, s);
    peer_app_send(p, s, 10);
    peer_wait_until(p, 4500);
    peer_app_send(p, s, 10);
    peer_wait_until(p, 4900);
    peer_send(p, ".", 1, 11, 0);
    peer_wait_until(p, 9490);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    peer_wait_until(p, 9501);
    ck_assert_int_eq(peer_so_error(p, s), ETIMEDOUT);
    peer_free(p);
}
END_TEST

START_TEST(the_user_timeout_ends_a_handshake)
{
    struct peer *p = peer_new();
    int s = peer_socket(p);

    ck_assert_int_eq(peer_set(p, s, IPPROTO_TCP, TCP_USER_TIMEOUT, 2500), 0);
    ck_assert_int_eq(sock_connect(p->stack, s, peer_endpoint(PEER_ADDR, 80), NULL), -EINPROGRESS);
    peer_expect(p, "S", 0, 0, 0);
    peer_expect_after(p, 1000, "S", 0, 0, 0);
    peer_expect_silence(p, 1600);
    ck_assert_int_eq(peer_so_error(p, s), ETIMEDOUT);
    peer_free(p);
}
END_TEST

START_TEST(the_user_timeout_ends_a_window_that_stays_closed)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    ck_assert_int_eq(peer_set(p, s, IPPROTO_TCP, TCP_USER_TIMEOUT, 10000), 0);
    p->window = 0;
    peer_send(p, "P.", 1, 1, 1);
    peer_skip(p);
    peer_app_send(p, s, 10);
    for (int i = 0; i < 3; i++) { /* the peer answers each probe, and that does not help it */
        while (!peer_skip(p))
            peer_wait(p, 100);
        peer_send(p, ".", 2, 1, 0);
    }
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    peer_wait(p, 10000);
    ck_assert_int_eq(peer_so_error(p, s), ETIMEDOUT);
    peer_free(p);
    PROVES("C26");
}
END_TEST

START_TEST(with_a_user_timeout_it_says_when_keep_alives_are_enough)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    keep_alive(p, s, 10, 2, 1);
    ck_assert_int_eq(peer_set(p, s, IPPROTO_TCP, TCP_USER_TIMEOUT, 15000), 0);
    for (int i = 0; i < 3; i++)
        peer_expect_after(p, i ? 2000 : 10000, ".", 0, 1, 0); /* at 10, 12, 14 s */
    peer_wait(p, 2100);
    peer_expect_reset(p, 1);
    ck_assert_int_eq(peer_so_error(p, s), ETIMEDOUT);
    peer_free(p);
}
END_TEST

/* --- how long else ------------------------------------------------------------------------ */

START_TEST(syncnt_says_how_often_a_syn_is_sent_again)
{
    struct peer *p = peer_new();
    int s = peer_socket(p);

    ck_assert_int_eq(peer_get(p, s, IPPROTO_TCP, TCP_SYNCNT), 7);
    ck_assert_int_eq(peer_set(p, s, IPPROTO_TCP, TCP_SYNCNT, 2), 0);
    ck_assert_int_eq(sock_connect(p->stack, s, peer_endpoint(PEER_ADDR, 80), NULL), -EINPROGRESS);
    peer_expect(p, "S", 0, 0, 0);
    peer_expect_after(p, 1000, "S", 0, 0, 0);
    peer_expect_after(p, 2000, "S", 0, 0, 0);
    peer_expect_silence(p, 4100);
    ck_assert_int_eq(peer_so_error(p, s), ETIMEDOUT);
    peer_free(p);
}
END_TEST

START_TEST(linger2_says_how_long_an_orphan_waits_in_fin_wait_2)
{
    static const int times[] = {5, -1};
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    ck_assert_int_eq(peer_get(p, s, IPPROTO_TCP, TCP_LINGER2), 60);
    ck_assert_int_eq(peer_set(p, s, IPPROTO_TCP, TCP_LINGER2, times[_i]), 0);
    peer_close(p, s);
    peer_expect(p, "F.", 1, 1, 0);
    peer_send(p, ".", 1, 2, 0);
    if (times[_i] > 0) {
        peer_expect_silence(p, 4900);
        ck_assert_uint_eq(peer_usage(p).connections, 1);
        peer_wait(p, 200);
    } else {
        peer_expect_reset(p, 2);
    }
    ck_assert_uint_eq(peer_usage(p).connections, 0);
    peer_free(p);
}
END_TEST

START_TEST(a_deferred_accept_waits_for_text)
{
    struct peer *p = peer_new();
    int listener = peer_listen(p, 4);

    ck_assert_int_eq(peer_set(p, listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, 5), 0);
    ck_assert_int_eq(peer_get(p, listener, IPPROTO_TCP, TCP_DEFER_ACCEPT), 7); /* 1 + 2 + 4 */
    peer_flow_new(p);
    peer_syn(p);
    peer_expect(p, "S.", 0, 1, 0);
    peer_send(p, ".", 1, 1, 0);
    peer_expect_silence(p, 100);
    ck_assert_int_eq(sock_poll(p->stack, listener), 0);
    ck_assert_int_eq(sock_accept(p->stack, listener, NULL, NULL), -EAGAIN);
    peer_send(p, "P.", 1, 1, 10);
    peer_expect(p, ".", 1, 11, 0);
    peer_app_read(p, peer_accept(p, listener), 10);
    peer_free(p);
}
END_TEST

START_TEST(a_deferred_accept_gives_the_peer_a_last_chance)
{
    struct peer *p = peer_new();
    int listener = peer_listen(p, 4);

    ck_assert_int_eq(peer_set(p, listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, 3), 0); /* 2 timeouts */
    peer_flow_new(p);
    peer_syn(p);
    peer_expect(p, "S.", 0, 1, 0);
    peer_send(p, ".", 1, 1, 0);
    peer_expect_silence(p, 2900); /* at 1 s nothing is sent: the peer has answered */
    peer_expect_after(p, 100, "S.", 0, 1, 0);
    ck_assert_int_eq(sock_accept(p->stack, listener, NULL, NULL), -EAGAIN);
    peer_send(p, ".", 1, 1, 0);
    ck_assert_int_eq(peer_state_of(p, peer_accept(p, listener)), TCPS_ESTABLISHED);
    peer_free(p);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("tcp_alive");

    TCase *c = tcase_create("RFC 9293, 3.8.4: keep-alive");
    tcase_add_test(c, a_connection_that_nobody_asked_to_keep_alive_is_silent_for_a_day);
    tcase_add_test(c, keep_alive_asks_after_two_hours_by_default);
    tcase_add_test(c, keep_alive_is_switched_for_each_connection);
    tcase_add_test(c, the_probe_comes_exactly_after_the_idle_time);
    tcase_add_test(c, keep_alive_set_late_asks_at_once_when_the_time_is_over);
    tcase_add_test(c, keep_alive_asks_only_when_nothing_was_heard_and_nothing_is_outstanding);
    tcase_add_test(c, a_peer_that_answers_no_keep_alive_is_given_up);
    tcase_add_test(c, an_answer_begins_the_count_again);
    tcase_add_test(c, keep_alive_is_inherited_from_the_listener_and_set_before_connect);
    tcase_add_test(c, an_option_of_one_connection_is_not_its_siblings);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 9293, 3.8.3; RFC 5482: the user timeout");
    tcase_add_test(c, text_that_is_not_acknowledged_within_the_user_timeout_ends_the_connection);
    tcase_add_loop_test(c, the_user_timeout_binds_a_fin_too, 0, 2);
    tcase_add_test(c, an_acknowledgment_of_a_part_does_not_begin_the_user_timeout_again);
    tcase_add_test(c, the_user_timeout_of_new_text_begins_when_it_leaves);
    tcase_add_test(c, the_user_timeout_ends_a_handshake);
    tcase_add_test(c, the_user_timeout_ends_a_window_that_stays_closed);
    tcase_add_test(c, with_a_user_timeout_it_says_when_keep_alives_are_enough);
    suite_add_tcase(s, c);

    c = tcase_create("tcp(7): SYNCNT, LINGER2, DEFER_ACCEPT");
    tcase_add_test(c, syncnt_says_how_often_a_syn_is_sent_again);
    tcase_add_loop_test(c, linger2_says_how_long_an_orphan_waits_in_fin_wait_2, 0, 2);
    tcase_add_test(c, a_deferred_accept_waits_for_text);
    tcase_add_test(c, a_deferred_accept_gives_the_peer_a_last_chance);
    suite_add_tcase(s, c);
    return run_suite(s, "tcp_alive");
}
