/*
 * test_tcp_tell.c - what a connection tells of its decisions: what holds text back, cwnd, timers,
 * resets, drops; while somebody listens, and in the ring when nobody does.
 *
 * That no change of a state or of cwnd goes untold is held by the swarm (src/sim/oracle.c).
 */
#include <string.h>

#include "base/addr.h"
#include "base/base.h"
#include "base/bytes.h"
#include "base/checksum.h"
#include "base/instant.h"
#include "support/peer.h"
#include "support/proves.h"

/* What was heard of one connection, in the order in which it was told. */
static struct {
    struct event_sink sink;
    struct event heard[4096];
    size_t count;
} ear;

static void hear(struct event_sink *sink, const struct event *event)
{
    (void)sink;
    if (event->type != EVENT_PACKET && ear.count < ARRAY_LEN(ear.heard))
        ear.heard[ear.count++] = *event;
}

static struct peer *listening(struct peer *p)
{
    ear.sink.event = hear;
    ear.count = 0;
    stack_listen(p->stack, &ear.sink);
    return p;
}

static void leave(struct peer *p)
{
    stack_unlisten(p->stack, &ear.sink);
    peer_free(p);
}

/* The newest of that type; NULL: there was none. */
static const struct event *last(enum event_type type)
{
    for (size_t i = ear.count; i > 0; i--)
        if (ear.heard[i - 1].type == type)
            return &ear.heard[i - 1];
    return NULL;
}

static unsigned count_of(enum event_type type)
{
    unsigned n = 0;

    for (size_t i = 0; i < ear.count; i++)
        n += ear.heard[i].type == type;
    return n;
}

static bool was_held_by(enum held_by by)
{
    for (size_t i = 0; i < ear.count; i++)
        if (ear.heard[i].type == EVENT_HELD && ear.heard[i].held.by == by)
            return true;
    return false;
}

/* Was such a timer set, or has it fired? */
static bool timer_was(enum event_type type, enum timer_kind kind)
{
    for (size_t i = 0; i < ear.count; i++)
        if (ear.heard[i].type == type && ear.heard[i].timer.kind == kind)
            return true;
    return false;
}

/* The newest decision of that type in the ring. */
static const struct event *decision(const struct peer *p, enum event_type type)
{
    const struct event *event;

    for (size_t back = 0; (event = stack_decision(p->stack, back)); back++)
        if (event->type == type)
            return event;
    return NULL;
}

/* --- what is not sent --------------------------------------------------------------------- */

START_TEST(cwnd_holds_what_is_beyond_it)
{
    struct peer *p = listening(peer_new());
    int s = peer_establish_passive(p);

    peer_app_send(p, s, 40000);
    peer_poll(p);
    peer_assert(p, was_held_by(HELD_CWND));
    const struct event *held = last(EVENT_HELD);
    ck_assert_int_eq(held->held.by, HELD_CWND);
    ck_assert_uint_eq(held->held.unsent, 40000 - (peer_snd_nxt(p) - 1));
    peer_assert(p, count_of(EVENT_STALL) == 0); /* the ACK of what is in flight will let it go */
    static const uint8_t text[65536];
    while (sock_send(p->stack, s, text, sizeof text, 0, NULL) > 0)
        ;
    peer_poll(p);
    peer_assert(p, count_of(EVENT_STALL) == 0); /* nor is a full send buffer one */
    stack_unlisten(p->stack, &ear.sink);
    peer_drop(p);
}
END_TEST

START_TEST(who_has_said_all_is_held_by_nothing_to_say)
{
    struct peer *p = listening(peer_new());
    int s = peer_establish_passive(p);

    peer_app_send(p, s, 10);
    peer_expect(p, "P.", 1, 1, 10);
    const struct event *held = last(EVENT_HELD);
    peer_assert(p, held && held->held.by == HELD_NO_TEXT && held->held.unsent == 0);
    peer_send(p, ".", 1, 11, 0);
    leave(p);
}
END_TEST

START_TEST(nagle_holds_a_small_segment_behind_another)
{
    struct peer *p = listening(peer_new());
    int s = peer_establish_passive(p);

    peer_app_send(p, s, 10);
    peer_expect(p, "P.", 1, 1, 10);
    peer_app_send(p, s, 10);
    peer_poll(p);
    peer_expect_nothing(p);
    peer_assert(p, was_held_by(HELD_NAGLE));
    peer_assert(p, count_of(EVENT_STALL) == 0);
    peer_send(p, ".", 1, 11, 0);
    peer_expect(p, "P.", 11, 1, 10);
    peer_send(p, ".", 1, 21, 0);
    leave(p);
}
END_TEST

START_TEST(a_closed_window_is_a_stall_that_ends_when_it_opens)
{
    struct peer *p = listening(peer_new());
    int s = peer_establish_passive(p);

    p->window = 0;
    peer_send(p, ".", 1, 1, 0);
    peer_app_send(p, s, 100);
    peer_poll(p);
    peer_assert(p, was_held_by(HELD_WINDOW));
    peer_assert(p, last(EVENT_STALL) == NULL); /* it may open at once: that is none */
    peer_wait(p, 1100);
    const struct event *stall = last(EVENT_STALL);
    peer_assert(p, stall != NULL);
    ck_assert_int_eq(stall->held.waited_ns, NS_PER_S);
    ck_assert_int_eq(stall->held.by, HELD_WINDOW);
    ck_assert_uint_eq(stall->held.unsent, 100);
    ck_assert_uint_eq(stall->held.window, 0);
    peer_assert(p, timer_was(EVENT_TIMER_SET, TIMER_PERSIST));
    peer_wait(p, 5000); /* probes change nothing: it is told once */
    peer_assert(p, peer_skip(p) > 0);
    peer_assert(p, timer_was(EVENT_TIMER_FIRED, TIMER_PERSIST));
    ck_assert_uint_eq(count_of(EVENT_STALL), 1);
    ck_assert_uint_eq(count_of(EVENT_RESUME), 0);

    p->window = PEER_WINDOW;
    peer_send(p, ".", 1, 1, 0);
    peer_assert(p, peer_skip(p) > 0);
    ck_assert_uint_eq(count_of(EVENT_RESUME), 1);
    ck_assert_int_eq(last(EVENT_RESUME)->held.by, HELD_WINDOW);
    peer_send(p, ".", 1, 101, 0);
    leave(p);
}
END_TEST

START_TEST(a_stall_is_over_when_its_probe_has_carried_all_there_was)
{
    struct peer *p = listening(peer_new());
    int s = peer_establish_passive(p);

    p->window = 0;
    peer_send(p, ".", 1, 1, 0);
    peer_app_send(p, s, 1);
    peer_poll(p);
    peer_wait(p, 1100);
    peer_expect(p, ".", 1, 1, 1); /* the probe */
    peer_assert(p, count_of(EVENT_STALL) == 1 && count_of(EVENT_RESUME) == 0);
    p->window = PEER_WINDOW;
    peer_send(p, ".", 1, 2, 0); /* and nothing is left */
    peer_poll(p);
    ck_assert_uint_eq(count_of(EVENT_RESUME), 1);
    ck_assert_int_eq(last(EVENT_RESUME)->held.by, HELD_WINDOW);

    p->window = 0; /* the next one is told, too */
    peer_send(p, ".", 1, 2, 0);
    peer_app_send(p, s, 100);
    peer_poll(p);
    peer_wait(p, 5000);
    ck_assert_uint_eq(count_of(EVENT_STALL), 2);
    stack_unlisten(p->stack, &ear.sink);
    peer_drop(p);
}
END_TEST

START_TEST(a_small_window_is_a_stall_that_the_override_ends)
{
    struct peer *p = listening(peer_new());
    int s = peer_establish_passive(p);

    p->window = 5;
    peer_send(p, ".", 1, 1, 0);
    peer_app_send(p, s, 100);
    peer_poll(p);
    peer_expect_nothing(p);
    peer_assert(p, was_held_by(HELD_SILLY_WINDOW) && last(EVENT_STALL) == NULL);
    peer_assert(p, timer_was(EVENT_TIMER_SET, TIMER_OVERRIDE));
    peer_wait(p, 1000);
    const struct event *stall = last(EVENT_STALL);
    peer_assert(p, stall && stall->held.by == HELD_SILLY_WINDOW && stall->held.window == 5);
    peer_expect(p, ".", 1, 1, 5);
    peer_assert(p, timer_was(EVENT_TIMER_FIRED, TIMER_OVERRIDE));
    peer_assert(p, last(EVENT_RESUME) && last(EVENT_RESUME)->held.by == HELD_SILLY_WINDOW);
    stack_unlisten(p->stack, &ear.sink);
    peer_drop(p);
}
END_TEST

START_TEST(a_full_send_buffer_is_not_told_as_no_memory)
{
    struct peer *p = listening(peer_new());
    int s = peer_establish_passive(p);
    static const uint8_t text[65536];

    p->window = 5;
    peer_send(p, ".", 1, 1, 0);
    while (sock_send(p->stack, s, text, sizeof text, 0, NULL) > 0)
        ;
    peer_poll(p);
    peer_wait(p, 1000);
    const struct event *stall = last(EVENT_STALL);
    peer_assert(p, stall && stall->held.by == HELD_SILLY_WINDOW);
    stack_unlisten(p->stack, &ear.sink);
    peer_drop(p);
}
END_TEST

START_TEST(what_the_application_holds_is_told_as_that)
{
    struct peer *p = listening(peer_new());
    int s = peer_establish_passive(p);

    ck_assert_int_eq(peer_set(p, s, IPPROTO_TCP, TCP_CORK, 1), 0);
    peer_app_send(p, s, 100);
    peer_poll(p);
    peer_expect_nothing(p);
    peer_assert(p, was_held_by(HELD_CORK) && last(EVENT_STALL) == NULL);
    peer_wait(p, 1000); /* corks do not hold for ever */
    peer_expect(p, "P.", 1, 1, 100);
    peer_assert(p, last(EVENT_STALL) && last(EVENT_STALL)->held.by == HELD_CORK);
    peer_assert(p, last(EVENT_RESUME) && last(EVENT_RESUME)->held.by == HELD_CORK);
    peer_send(p, ".", 1, 101, 0);
    leave(p);
}
END_TEST

/* --- cwnd --------------------------------------------------------------------------------- */

START_TEST(cwnd_is_told_from_its_first_value_on)
{
    struct peer *p = listening(peer_new());
    int s = peer_establish_passive(p);
    uint32_t first = peer_info(p, s).facts.cwnd;

    peer_assert(p, last(EVENT_CWND) != NULL);
    ck_assert_uint_eq(last(EVENT_CWND)->cwnd.cwnd, first);
    ck_assert_str_eq(event_sentence(last(EVENT_CWND)), "the initial window (RFC 6928, 2)");
    peer_app_send(p, s, 40000);
    peer_poll(p);
    int sent = peer_skip(p);
    peer_assert(p, sent > 2);
    peer_send(p, ".", 1, 1461, 0);
    const struct event *step = last(EVENT_CWND_STEP);
    peer_assert(p, step != NULL);
    ck_assert_uint_eq(step->cwnd.cwnd, first + 1460);
    ck_assert_uint_eq(step->cwnd.cwnd, peer_info(p, s).facts.cwnd);
    ck_assert_ptr_nonnull(strstr(event_sentence(step), "slow start"));
    /* a step for each ACK is nothing to remember */
    peer_assert(p, decision(p, EVENT_CWND_STEP) == NULL);
    stack_unlisten(p->stack, &ear.sink);
    peer_drop(p);
}
END_TEST

START_TEST(after_idleness_cwnd_is_told_to_be_the_first_one_again)
{
    struct peer *p = listening(peer_new());
    int s = peer_establish_passive(p);
    uint32_t first = peer_info(p, s).facts.cwnd;

    peer_app_send(p, s, first);
    peer_poll(p);
    peer_skip(p);
    for (uint32_t ack = 1461; ack < first + 1; ack += 1460)
        peer_send(p, ".", 1, ack, 0);
    peer_send(p, ".", 1, first + 1, 0);
    peer_assert(p, peer_info(p, s).facts.cwnd > first);
    peer_wait(p, 60000);
    peer_app_send(p, s, 10);
    peer_poll(p);
    peer_assert(p, peer_skip(p) == 1);
    ck_assert_uint_eq(last(EVENT_CWND)->cwnd.cwnd, first);
    ck_assert_ptr_nonnull(strstr(event_sentence(last(EVENT_CWND)), "idle"));
    peer_send(p, ".", 1, first + 11, 0);
    leave(p);
}
END_TEST

/* --- timers ------------------------------------------------------------------------------- */

START_TEST(each_timer_of_a_connection_is_told)
{
    struct peer *p = listening(peer_new());
    int s = peer_establish_active(p);

    peer_assert(p, timer_was(EVENT_TIMER_SET, TIMER_RETRANSMIT));
    for (uint32_t at = 1; at < 30; at++) { /* past the segments that are acknowledged at once */
        peer_send(p, "P.", at, 1, 1);
        peer_skip(p);
    }
    peer_assert(p, timer_was(EVENT_TIMER_SET, TIMER_DELAYED_ACK));
    peer_wait(p, 500);
    peer_assert(p, timer_was(EVENT_TIMER_FIRED, TIMER_DELAYED_ACK));
    peer_skip(p);
    peer_app_read(p, s, 29);

    ck_assert_int_eq(peer_set(p, s, SOL_SOCKET, SO_KEEPALIVE, 1), 0);
    peer_assert(p, timer_was(EVENT_TIMER_SET, TIMER_KEEP_ALIVE));
    peer_wait(p, 2 * 3600 * 1000 + 1000);
    peer_assert(p, timer_was(EVENT_TIMER_FIRED, TIMER_KEEP_ALIVE));
    peer_skip(p);
    peer_send(p, ".", 30, 1, 0);

    peer_close(p, s);
    peer_skip(p);
    peer_send(p, ".", 30, 2, 0);
    peer_assert(p, timer_was(EVENT_TIMER_SET, TIMER_FIN_WAIT_2));
    peer_send(p, "F.", 30, 2, 0);
    peer_skip(p);
    peer_assert(p, timer_was(EVENT_TIMER_SET, TIMER_TIME_WAIT));
    peer_wait(p, 300000);
    peer_assert(p, timer_was(EVENT_TIMER_FIRED, TIMER_TIME_WAIT));
    leave(p);
}
END_TEST

START_TEST(recovery_tells_its_timers_too)
{
    struct stack_config config;

    peer_config(&config);
    config.values.tcp_sack = config.values.tcp_timestamps = 1;
    config.values.tcp_pacing = 1;
    struct peer *p = listening(peer_new_with(&config, 0));
    int listener = peer_listen(p, 4);
    peer_flow_new(p);
    static const uint8_t options[] = {2, 4, 5, 180, 1, 1, 4, 2};
    PEER_SEND(p, .flags = "S", .options = bytes_of(options, sizeof options));
    peer_skip(p);
    peer_wait(p, 50);
    peer_send(p, ".", 1, 1, 0);
    int s = peer_accept(p, listener);

    peer_app_send(p, s, 60000);
    peer_poll(p);
    peer_skip(p);
    peer_assert(p, timer_was(EVENT_TIMER_SET, TIMER_TAIL_PROBE));
    peer_wait(p, 50);
    peer_send(p, ".", 1, peer_snd_nxt(p), 0); /* twice as much may leave, over a round trip */
    peer_assert(p, timer_was(EVENT_TIMER_SET, TIMER_PACE));
    peer_assert(p, was_held_by(HELD_PACE));
    peer_wait(p, 3000);
    peer_assert(p, timer_was(EVENT_TIMER_FIRED, TIMER_TAIL_PROBE));
    peer_assert(p, timer_was(EVENT_TIMER_FIRED, TIMER_RETRANSMIT));
    peer_assert(p, decision(p, EVENT_RETRANSMIT) != NULL);
    stack_unlisten(p->stack, &ear.sink);
    peer_drop(p);
}
END_TEST

/* --- resets, drops, answers that are not given -------------------------------------------- */

START_TEST(resets_are_remembered_with_both_ends_whoever_sent_them)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);
    struct endpoint stack = peer_endpoint(PEER_STACK_ADDR, PEER_STACK_PORT);

    peer_abort(p, s);
    peer_expect_reset(p, 1);
    const struct event *reset = decision(p, EVENT_RESET);
    peer_assert(p, reset && reset->reset.sent && reset->reset.why == WHY_OUT_RST_ABORT);
    ck_assert_uint_ne(reset->conn, 0);
    ck_assert(endpoint_equal(reset->reset.local, stack));
    ck_assert(ip_equal(reset->reset.remote.addr, ip_from_v4(PEER_ADDR)));

    s = peer_establish_passive(p);
    peer_send(p, "R", 1, 0, 0);
    reset = decision(p, EVENT_RESET);
    peer_assert(p, reset && !reset->reset.sent && reset->reset.why == WHY_IN_RST);
    peer_so_error(p, s);

    peer_flow_new(p);
    peer_syn(p); /* nobody listens */
    peer_skip(p);
    reset = decision(p, EVENT_RESET);
    peer_assert(p, reset && reset->reset.sent && reset->reset.why == WHY_OUT_RST_CLOSED);
    ck_assert_uint_eq(reset->conn, 0);
    ck_assert(endpoint_equal(reset->reset.local, stack));
    peer_free(p);
}
END_TEST

START_TEST(a_reset_for_which_there_is_no_room_is_not_told)
{
    struct stack_config config;

    peer_config(&config);
    config.values.stack_replies = 2;
    struct peer *p = listening(peer_new_with(&config, 0));

    p->batch = true;
    for (int i = 0; i < 5; i++) {
        peer_flow_new(p);
        peer_syn(p); /* nobody listens */
    }
    p->batch = false;
    peer_poll(p);
    ck_assert_int_eq(peer_skip(p), 2);
    ck_assert_uint_eq(count_of(EVENT_RESET), 2);
    ck_assert_uint_eq(count_of(EVENT_UNSENT), 3);
    leave(p);
}
END_TEST

START_TEST(a_state_is_remembered_with_both_ends)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    const struct event *state = decision(p, EVENT_STATE);
    peer_assert(p, state && state->state.to == TCPS_ESTABLISHED);
    ck_assert(endpoint_equal(state->state.local, peer_endpoint(PEER_STACK_ADDR, PEER_STACK_PORT)));
    ck_assert(ip_equal(state->state.remote.addr, ip_from_v4(PEER_ADDR)));
    ck_assert_uint_ne(state->state.remote.port, 0);
    peer_close(p, s);
    peer_skip(p);
    peer_send(p, "F.", 1, 2, 0);
    peer_skip(p);
    peer_wait(p, 300000); /* an entry of TIME-WAIT, not a connection, goes */
    state = decision(p, EVENT_STATE);
    peer_assert(p, state && state->state.from == TCPS_TIME_WAIT);
    ck_assert(endpoint_equal(state->state.local, peer_endpoint(PEER_STACK_ADDR, PEER_STACK_PORT)));
    ck_assert_uint_ne(state->state.remote.port, 0);
    peer_free(p);
}
END_TEST

START_TEST(a_drop_is_remembered_with_who_sent_it_to_whom)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);
    uint16_t port = decision(p, EVENT_STATE)->state.remote.port;
    uint32_t conn = decision(p, EVENT_STATE)->conn;

    PEER_SEND(p, .flags = ".", .seq = 1, .ack = 1, .len = 10, .bad_checksum = true);
    const struct event *drop = decision(p, EVENT_DROP);
    peer_assert(p, drop && drop->drop.drop == DROP_TCP_CHECKSUM);
    ck_assert_uint_eq(drop->drop.protocol, IPPROTO_TCP);
    ck_assert(endpoint_equal(drop->drop.from, peer_endpoint(PEER_ADDR, port)));
    ck_assert(endpoint_equal(drop->drop.to, peer_endpoint(PEER_STACK_ADDR, PEER_STACK_PORT)));
    ck_assert_uint_eq(drop->conn, 0); /* whose it is cannot be believed */

    peer_send(p, ".", 100001, 1, 10); /* beyond the window */
    peer_skip(p);
    drop = decision(p, EVENT_DROP);
    peer_assert(p, drop && drop->drop.drop == DROP_TCP_SEQUENCE);
    ck_assert_uint_eq(drop->conn, conn);
    peer_close(p, s);
    peer_skip(p);
    peer_drop(p);
}
END_TEST

START_TEST(a_frame_without_addresses_is_dropped_without_them)
{
    struct peer *p = peer_new();
    static const uint8_t runt[10] = {2};

    peer_send_frame(p, runt, sizeof runt);
    const struct event *drop = decision(p, EVENT_DROP);
    peer_assert(p, drop && drop->drop.drop == DROP_ETH_RUNT);
    ck_assert_uint_eq(drop->drop.protocol, 0);
    peer_free(p);
}
END_TEST

START_TEST(padding_is_not_taken_for_ports)
{
    struct peer *p = peer_new();
    uint8_t frame[60] = {0x02, 0, 0x5e, 0x10, 0, 0x01, 0x02, 0, 0, 0, 0, 0x01, 0x08, 0};
    struct writer w = writer_of(frame + 14, 20);

    write_be32(&w, 0x45000014); /* an IP header and nothing behind it */
    write_be32(&w, 0x00014000);
    write_be32(&w, 0x40060000);
    write_be32(&w, 0x0a090001);
    write_be32(&w, 0x0a090002);
    struct checksum c = {0};
    checksum_add(&c, bytes_of(frame + 14, 20));
    put_be16(frame + 14 + 10, checksum_finish(c));
    memset(frame + 34, 'A', sizeof frame - 34);
    peer_send_frame(p, frame, sizeof frame);
    const struct event *drop = decision(p, EVENT_DROP);
    peer_assert(p, drop != NULL);
    ck_assert_uint_eq(drop->drop.protocol, IPPROTO_TCP);
    ck_assert_uint_eq(drop->drop.from.port, 0);
    ck_assert_uint_eq(drop->drop.to.port, 0);
    peer_free(p);
}
END_TEST

START_TEST(a_challenge_that_is_not_sent_is_told)
{
    struct peer *p = listening(peer_new());
    int s = peer_establish_passive(p);

    peer_send(p, "S", 1, 0, 0);
    peer_expect(p, ".", 1, 1, 0);
    peer_assert(p, count_of(EVENT_UNSENT) == 0);
    peer_send(p, "S", 1, 0, 0);
    peer_expect_nothing(p);
    const struct event *unsent = last(EVENT_UNSENT);
    peer_assert(p, unsent && unsent->conn != 0);
    const char *clause = NULL;
    size_t len = sentence_clause(event_sentence(unsent), &clause);
    ck_assert_uint_eq(len, strlen("RFC 5961, 7"));
    ck_assert(strncmp(clause, "RFC 5961, 7", len) == 0);
    peer_close(p, s);
    peer_skip(p);
    stack_unlisten(p->stack, &ear.sink);
    peer_drop(p);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("tcp: what a connection tells of itself");
    TCase *c = tcase_create("what holds text back");

    tcase_add_test(c, cwnd_holds_what_is_beyond_it);
    tcase_add_test(c, who_has_said_all_is_held_by_nothing_to_say);
    tcase_add_test(c, nagle_holds_a_small_segment_behind_another);
    tcase_add_test(c, a_closed_window_is_a_stall_that_ends_when_it_opens);
    tcase_add_test(c, a_stall_is_over_when_its_probe_has_carried_all_there_was);
    tcase_add_test(c, a_small_window_is_a_stall_that_the_override_ends);
    tcase_add_test(c, a_full_send_buffer_is_not_told_as_no_memory);
    tcase_add_test(c, what_the_application_holds_is_told_as_that);
    suite_add_tcase(s, c);

    c = tcase_create("cwnd and timers");
    tcase_add_test(c, cwnd_is_told_from_its_first_value_on);
    tcase_add_test(c, after_idleness_cwnd_is_told_to_be_the_first_one_again);
    tcase_add_test(c, each_timer_of_a_connection_is_told);
    tcase_add_test(c, recovery_tells_its_timers_too);
    suite_add_tcase(s, c);

    c = tcase_create("resets, states, drops");
    tcase_add_test(c, resets_are_remembered_with_both_ends_whoever_sent_them);
    tcase_add_test(c, a_reset_for_which_there_is_no_room_is_not_told);
    tcase_add_test(c, a_state_is_remembered_with_both_ends);
    tcase_add_test(c, a_drop_is_remembered_with_who_sent_it_to_whom);
    tcase_add_test(c, a_frame_without_addresses_is_dropped_without_them);
    tcase_add_test(c, padding_is_not_taken_for_ports);
    tcase_add_test(c, a_challenge_that_is_not_sent_is_told);
    suite_add_tcase(s, c);
    return run_suite(s, "tcp_tell");
}
