/*
 * test_snapshot.c - what a walk over a stack finds, and that it is what the wire shows.
 */
#include <string.h>
#include <sys/socket.h>
#include <tapio/snapshot.h>

#include "base/base.h"
#include "support/peer.h"
#include "support/proves.h"

enum { MSS = 1460 };

static struct stack_snapshot one;

/* The only one of that kind; false when there is none. */
static bool find(struct peer *p, enum snapshot_kind kind)
{
    struct snapshot_cursor at = {0};
    struct stack_snapshot next = {.size = sizeof(next)};
    int n, found = 0;

    while ((n = stack_snapshot(p->stack, &at, &next)) != 0) {
        if (n < 0 || next.kind != kind)
            continue;
        one = next;
        found++;
    }
    ck_assert_int_le(found, 1);
    return found == 1;
}

static int count(struct peer *p)
{
    struct snapshot_cursor at = {0};
    struct stack_snapshot next = {.size = sizeof(next)};
    int n, found = 0;

    while ((n = stack_snapshot(p->stack, &at, &next)) != 0)
        found += n > 0;
    return found;
}

START_TEST(a_stack_with_nothing_in_it_shows_nothing)
{
    struct peer *p = peer_new();

    ck_assert_int_eq(count(p), 0);
    peer_free(p);
}
END_TEST

START_TEST(every_state_is_shown_under_its_name)
{
    struct peer *p = peer_new();
    enum tcp_state state = (enum tcp_state)_i;
    int s = peer_drive(p, state, state == TCPS_SYN_SENT);

    (void)s;
    if (state == TCPS_LISTEN) {
        ck_assert(find(p, SNAPSHOT_LISTENER));
        ck_assert_uint_eq(one.send_q_octets, 8);
        ck_assert_uint_eq(one.local.port, PEER_STACK_PORT);
    } else if (state == TCPS_SYN_RECEIVED) {
        ck_assert(find(p, SNAPSHOT_LISTENER) && find(p, SNAPSHOT_HALF_OPEN));
        ck_assert_int_ge(one.timer_ns[TIMER_RETRANSMIT], 0);
        ck_assert_int_eq(one.limit, LIMIT_HANDSHAKE);
    } else {
        ck_assert(find(p, SNAPSHOT_CONNECTION));
    }
    ck_assert_int_eq(one.state, state);
    if (state != TCPS_LISTEN) {
        ck_assert_uint_eq(one.remote.port, state == TCPS_SYN_SENT ? PEER_STACK_PORT : PEER_PORT);
        ck_assert_uint_gt(one.id, 0);
    }
    if (state == TCPS_TIME_WAIT)
        ck_assert_int_gt(one.timer_ns[TIMER_TIME_WAIT], 0);
    peer_drop(p);
}
END_TEST

START_TEST(time_wait_that_nobody_owns_is_shown_too)
{
    struct peer *p = peer_new();
    int s = peer_drive(p, TCPS_TIME_WAIT, true);

    ck_assert(find(p, SNAPSHOT_CONNECTION));
    uint32_t id = one.id;
    peer_close(p, s);
    ck_assert(!find(p, SNAPSHOT_CONNECTION));
    ck_assert(find(p, SNAPSHOT_TIME_WAIT));
    ck_assert_uint_eq(one.id, id);
    ck_assert(one.orphan);
    ck_assert_int_eq(one.state, TCPS_TIME_WAIT);
    peer_free(p);
}
END_TEST

START_TEST(figures_are_those_of_the_wire)
{
    struct peer *p = peer_new();
    p->scale = 8;
    int s = peer_establish_passive(p);

    peer_send(p, "P.", 1, 1, 700);
    peer_expect(p, ".", 1, 701, 0);
    peer_app_send(p, s, 20000);
    ck_assert_int_eq(peer_skip(p), 10); /* the initial window */
    ck_assert(find(p, SNAPSHOT_CONNECTION));
    struct sock_info info = peer_info(p, s);
    ck_assert_uint_eq(one.cwnd_octets, info.facts.cwnd);
    ck_assert_uint_eq(one.ssthresh_octets, SNAPSHOT_UNKNOWN);
    ck_assert_uint_eq(one.inflight_octets, 10 * MSS);
    ck_assert_uint_eq(one.unacked_octets, peer_snd_nxt(p) - peer_snd_una(p));
    ck_assert_uint_eq(one.send_q_octets, 20000);
    ck_assert_uint_eq(one.unsent_octets, 20000 - 10 * MSS);
    ck_assert_uint_eq(one.recv_q_octets, 700);
    ck_assert_uint_eq(one.received_octets, 700);
    ck_assert_uint_eq(one.acked_octets, 0);
    ck_assert_uint_eq(one.sent_octets, 10 * MSS);
    ck_assert_uint_eq(one.mss_octets, MSS);
    ck_assert_uint_eq(one.snd_wscale, 8);
    ck_assert_uint_eq(one.data_segments_out, 10);
    ck_assert_uint_eq(one.data_segments_in, 1);
    ck_assert_uint_eq(one.rcv_wnd_octets, peer_rcv_wnd(p));
    ck_assert_uint_eq(one.rto_us, (uint64_t)info.facts.rto_ms * 1000);
    ck_assert_int_eq(one.limit, LIMIT_CWND);
    ck_assert_str_eq(one.phase, "open");
    ck_assert_str_eq(one.congestion_control, "newreno");
    ck_assert(one.wscale && !one.orphan && !one.ts);
    ck_assert_int_ge(one.timer_ns[TIMER_RETRANSMIT], 0);
    ck_assert_int_lt(one.timer_ns[TIMER_PERSIST], 0);
    peer_wait(p, 30);
    ck_assert(find(p, SNAPSHOT_CONNECTION));
    ck_assert_uint_eq(one.last_received_ms, 30);
    ck_assert_uint_eq(one.last_sent_ms, 30);
    peer_drop(p);
}
END_TEST

/* --- what limits it ----------------------------------------------------------------------- */

static enum snapshot_limit limit(struct peer *p)
{
    ck_assert(find(p, SNAPSHOT_CONNECTION));
    return one.limit;
}

START_TEST(who_has_sent_all_is_limited_by_its_application)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    ck_assert_int_eq(limit(p), LIMIT_APPLICATION);
    peer_app_send(p, s, 100);
    peer_skip(p);
    ck_assert_int_eq(limit(p), LIMIT_APPLICATION);
    peer_drop(p);
}
END_TEST

START_TEST(a_small_segment_is_limited_by_nagle_or_the_cork)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_app_send(p, s, 100);
    peer_poll(p);
    peer_app_send(p, s, 100);
    peer_poll(p);
    ck_assert_int_eq(peer_skip(p), 1);
    ck_assert_int_eq(limit(p), LIMIT_NAGLE);
    ck_assert_int_eq(peer_set(p, s, IPPROTO_TCP, TCP_CORK, 1), 0);
    peer_app_send(p, s, 1);
    peer_poll(p);
    ck_assert_int_eq(limit(p), LIMIT_CORK);
    peer_drop(p);
}
END_TEST

START_TEST(a_closed_window_is_the_peers_and_has_a_timer)
{
    struct peer *p = peer_new();
    p->window = 2000;
    int s = peer_establish_passive(p);

    peer_app_send(p, s, 5000);
    peer_skip(p);
    ck_assert(limit(p) == LIMIT_SILLY_WINDOW || limit(p) == LIMIT_PEER_WINDOW);
    p->window = 0;
    peer_send(p, ".", 1, peer_snd_nxt(p), 0);
    ck_assert_int_eq(limit(p), LIMIT_PEER_WINDOW);
    ck_assert_int_gt(one.timer_ns[TIMER_PERSIST], 0);
    ck_assert_uint_eq(one.snd_wnd_octets, 0);
    peer_drop(p);
}
END_TEST

START_TEST(a_device_that_is_full_is_said_to_be)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    p->refuse = 1;
    peer_app_send(p, s, 100);
    ck_assert_int_eq(limit(p), LIMIT_LINK);
    peer_poll(p);
    peer_skip(p);
    ck_assert_int_eq(limit(p), LIMIT_APPLICATION);
    peer_app_send(p, s, 20000); /* more than cwnd */
    peer_poll(p);
    peer_skip(p);
    ck_assert_int_eq(limit(p), LIMIT_CWND);
    p->refuse = 1; /* and now that it may send more, the device is full again */
    peer_send(p, ".", 1, 101 + 2 * MSS, 0);
    ck_assert_int_eq(limit(p), LIMIT_LINK);
    peer_drop(p);
}
END_TEST

START_TEST(a_timeout_shows_in_phase_and_figures)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_app_send(p, s, 4 * MSS);
    peer_skip(p);
    peer_wait(p, 3500);
    peer_skip(p);
    ck_assert(find(p, SNAPSHOT_CONNECTION));
    ck_assert_str_eq(one.phase, "loss");
    ck_assert_uint_gt(one.backoff, 0);
    ck_assert_uint_gt(one.retransmitted_segments, 0);
    ck_assert_uint_ne(one.ssthresh_octets, SNAPSHOT_UNKNOWN);
    ck_assert_uint_eq(one.sent_octets, 4 * MSS + one.retransmitted_octets);
    peer_drop(p);
}
END_TEST

/* --- UDP, pieces, sizes ------------------------------------------------------------------- */

START_TEST(udp_sockets_are_shown_with_what_waits_in_them)
{
    struct peer *p = peer_new();
    int s = peer_own(p, sock_socket(p->stack, AF_INET, SOCK_DGRAM, 0));

    ck_assert_int_eq(sock_bind(p->stack, s, (struct endpoint){.port = 53}), 0);
    ck_assert(find(p, SNAPSHOT_UDP));
    ck_assert_uint_eq(one.local.port, 53);
    ck_assert_int_eq(one.state, TCPS_CLOSED);
    ck_assert_int_eq(sock_connect(p->stack, s, peer_endpoint(PEER_ADDR, 5353), NULL), 0);
    ck_assert(find(p, SNAPSHOT_UDP));
    ck_assert_int_eq(one.state, TCPS_ESTABLISHED);
    ck_assert_uint_eq(one.remote.port, 5353);
    peer_free(p);
}
END_TEST

START_TEST(a_walk_in_pieces_sees_once_what_stays)
{
    enum { MANY = 300 };
    struct peer *p = peer_new();
    struct snapshot_cursor at = {0};
    struct stack_snapshot next = {.size = sizeof(next)};
    bool seen[MANY + 1] = {0};
    int n, socks[MANY], gone = 0;

    for (int i = 0; i < MANY; i++) {
        socks[i] = sock_socket(p->stack, AF_INET, SOCK_DGRAM, 0);
        ck_assert_int_ge(socks[i], 0);
        ck_assert_int_eq(
            sock_bind(p->stack, socks[i], (struct endpoint){.port = (uint16_t)(i + 1)}), 0);
    }
    while ((n = stack_snapshot(p->stack, &at, &next)) != 0) {
        if (n < 0 || next.kind != SNAPSHOT_UDP)
            continue;
        ck_assert(!seen[next.local.port]);
        seen[next.local.port] = true;
        if (gone < MANY / 4) /* those of the end go while the walk is at the beginning */
            sock_close(p->stack, socks[MANY - ++gone]);
    }
    for (int i = 1; i <= MANY - gone; i++)
        ck_assert(seen[i]);
    for (int i = 0; i < MANY - gone; i++)
        sock_close(p->stack, socks[i]);
    ck_assert_int_eq(count(p), 0);
    peer_free(p);
}
END_TEST

START_TEST(no_more_is_written_than_the_caller_has_room_for)
{
    struct peer *p = peer_new();
    struct snapshot_cursor at = {0};
    size_t size = offsetof(struct stack_snapshot, local);
    uint8_t octets[sizeof(struct stack_snapshot)];
    struct stack_snapshot next;

    peer_listen(p, 3);
    memset(&next, 0xa5, sizeof(next));
    next.size = size;
    ck_assert_int_eq(stack_snapshot(p->stack, &at, &next), 1);
    ck_assert_int_eq(next.state, TCPS_LISTEN);
    ck_assert_uint_eq(next.size, size);
    memcpy(octets, &next, sizeof(octets));
    for (size_t i = size; i < sizeof(octets); i++)
        ck_assert_uint_eq(octets[i], 0xa5);
    peer_free(p);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("snapshot");
    TCase *c = tcase_create("what is there");
    tcase_add_test(c, a_stack_with_nothing_in_it_shows_nothing);
    tcase_add_loop_test(c, every_state_is_shown_under_its_name, TCPS_LISTEN, TCP_STATE_COUNT);
    tcase_add_test(c, time_wait_that_nobody_owns_is_shown_too);
    tcase_add_test(c, figures_are_those_of_the_wire);
    tcase_add_test(c, udp_sockets_are_shown_with_what_waits_in_them);
    suite_add_tcase(s, c);
    c = tcase_create("what limits it");
    tcase_add_test(c, who_has_sent_all_is_limited_by_its_application);
    tcase_add_test(c, a_small_segment_is_limited_by_nagle_or_the_cork);
    tcase_add_test(c, a_closed_window_is_the_peers_and_has_a_timer);
    tcase_add_test(c, a_device_that_is_full_is_said_to_be);
    tcase_add_test(c, a_timeout_shows_in_phase_and_figures);
    suite_add_tcase(s, c);
    c = tcase_create("the walk");
    tcase_add_test(c, a_walk_in_pieces_sees_once_what_stays);
    tcase_add_test(c, no_more_is_written_than_the_caller_has_room_for);
    suite_add_tcase(s, c);
    return run_suite(s, "snapshot");
}
