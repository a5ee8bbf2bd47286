/*
 * test_tcp_reset.c - resets, SYNs where they do not belong, and challenge ACKs, state by state.
 *
 * Black box: a scripted peer (support/peer.h) and the public calls. peer.c itself sees to it that
 * no reset is answered with a reset.
 */
#include "base/base.h"
#include "support/peer.h"
#include "support/proves.h"

/* --- nobody there (3.10.7.1)
 * ----------------------------------------------------------------------- */

static const struct {
    const char *flags;
    uint32_t len;
    const char *reply; /* NULL: none */
    uint32_t seq, ack; /* of the reply */
    const char *id;
} at_closed[] = {
    {"S", 0, "R.", 0, 1, "RFC9293-CLOSED-2"},     {"S", 5, "R.", 0, 6, "RFC9293-CLOSED-2"},
    {"SF", 0, "R.", 0, 2, "RFC9293-CLOSED-2"},    {"F", 0, "R.", 0, 1, "RFC9293-CLOSED-2"},
    {"F", 5, "R.", 0, 6, "RFC9293-CLOSED-2"},     {"-", 0, "R.", 0, 0, "RFC9293-CLOSED-2"},
    {"P", 5, "R.", 0, 5, "RFC9293-CLOSED-2"},     {".", 0, "R", 7777, 0, "RFC9293-CLOSED-3"},
    {"P.", 99, "R", 7777, 0, "RFC9293-CLOSED-3"}, {"S.", 0, "R", 7777, 0, "RFC9293-CLOSED-3"},
    {"F.", 0, "R", 7777, 0, "RFC9293-CLOSED-3"},  {"FPU.", 9, "R", 7777, 0, "RFC9293-CLOSED-3"},
    {"R", 0, NULL, 0, 0, "RFC9293-CLOSED-1"},     {"R.", 0, NULL, 0, 0, "RFC9293-CLOSED-1"},
    {"R", 20, NULL, 0, 0, "RFC9293-CLOSED-1"},    {"SR", 0, NULL, 0, 0, "RFC9293-CLOSED-1"},
};

START_TEST(closed_answers_all_but_a_reset_with_a_reset_that_is_believed)
{
    struct peer *p = peer_new();

    peer_flow_new(p);
    peer_send(p, at_closed[_i].flags, 0, 7777, at_closed[_i].len);
    if (at_closed[_i].reply)
        peer_expect(p, at_closed[_i].reply, at_closed[_i].seq, at_closed[_i].ack, 0);
    peer_expect_silence(p, 2000);
    ck_assert_uint_eq(peer_drops(p, at_closed[_i].reply ? DROP_TCP_CLOSED : DROP_TCP_CLOSED_RST),
                      1);
    peer_free(p);
    PROVES(at_closed[_i].id, "C15");
}
END_TEST

START_TEST(resets_to_nobody_are_counted_and_limited)
{
    struct peer *p = peer_new();
    int resets = 0;

    peer_flow_new(p);
    for (int i = 0; i < 100; i++)
        peer_syn(p);
    resets = peer_skip(p);
    ck_assert_int_ge(resets, 1);
    ck_assert_int_le(resets, 20); /* icmp.peer_burst */
    ck_assert_uint_eq(peer_counter(p, COUNTER_RST_LIMITED), 100u - (unsigned)resets);
    ck_assert_uint_eq(peer_drops(p, DROP_TCP_CLOSED), 100);
    peer_wait(p, 1000);
    peer_syn(p);
    ck_assert_int_eq(peer_skip(p), 1);
    peer_free(p);
    PROVES("C15");
}
END_TEST

START_TEST(a_port_that_listens_does_not_speak_for_the_others)
{
    struct peer *p = peer_new();

    peer_listen(p, 4);
    peer_flow_new(p)->our_port = 81;
    peer_syn(p);
    peer_expect(p, "R.", 0, 1, 0);
    peer_free(p);
    PROVES("C15");
}
END_TEST

/* Segments of no connection, from everywhere, with any flags and numbers: they cost a look into the
 * table and leave nothing behind, their resets are bounded, and a connection beside them goes on.
 */
START_TEST(a_flood_of_segments_from_strangers_costs_nothing_and_stops_nobody)
{
    static const uint8_t flags[] = {WIRE_RST,           WIRE_SYN | WIRE_ACK, WIRE_FIN,
                                    WIRE_ACK,           WIRE_FIN | WIRE_ACK, WIRE_PSH | WIRE_ACK,
                                    WIRE_SYN | WIRE_FIN};
    static uint8_t frame[WIRE_FRAME_MAX];
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);
    uint64_t random = 1, memory = 0, flood = 20000;

    p->strangers = true;
    peer_listen(p, 16);
    for (uint64_t i = 0; i < flood; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        struct wire_tcp t = {.eth_src = {2, 0, 0, 0, 0, 1},
                             .eth_dst = {2, 0, 0x5e, 0x10, 0, 1},
                             .ip_src = PEER_V4(44, random >> 56, random >> 48 & 255, 7),
                             .ip_dst = PEER_STACK_ADDR,
                             .src_port = (uint16_t)(random >> 16 | 1),
                             .dst_port = i % 2 ? PEER_STACK_PORT : (uint16_t)(random >> 33 | 1),
                             .seq = (uint32_t)(random >> 7),
                             .ack = (uint32_t)(random >> 21),
                             .flags = flags[i % ARRAY_LEN(flags)],
                             .text = {frame + 100, i % 3}};
        uint8_t out[256];
        peer_send_frame(p, out, wire_emit(out, &t));
        if (i == 1000)
            memory = p->memory; /* what the first of them needed is there */
        if (i % 2000 == 0) {
            peer_app_send(p, s, 10);
            peer_expect(p, "P.", 1 + (uint32_t)(i / 200), 1, 10);
            peer_send(p, ".", 1, 11 + (uint32_t)(i / 200), 0);
        }
    }
    ck_assert_uint_eq(p->memory, memory);
    ck_assert_uint_eq(peer_usage(p).connections, 1);
    ck_assert_uint_eq(peer_usage(p).frames, 0);
    uint64_t limited = peer_counter(p, COUNTER_RST_LIMITED);
    ck_assert_uint_gt(p->strangers_reset, 0);
    ck_assert_uint_le(p->strangers_reset, 100); /* icmp.burst is 50, and all is one moment */
    ck_assert_uint_gt(limited, flood / 2);
    peer_send(p, "P.", 1, 101, 10);
    peer_expect(p, ".", 101, 11, 0);
    peer_free(p);
    PROVES("C31");
}
END_TEST

/* --- RST by state and sequence number (3.10.7.4, second; RFC 5961, 3.2)
 * ------------------------------------- */

static const struct {
    enum tcp_state state;
    bool active;
    const char *id;
} reset_states[] = {
    {TCPS_SYN_RECEIVED, false, "RFC9293-RST-1"}, {TCPS_SYN_RECEIVED, true, "RFC9293-RST-1"},
    {TCPS_ESTABLISHED, false, "RFC9293-RST-3"},  {TCPS_ESTABLISHED, true, "RFC9293-RST-3"},
    {TCPS_FIN_WAIT_1, false, "RFC9293-RST-3"},   {TCPS_FIN_WAIT_2, false, "RFC9293-RST-3"},
    {TCPS_CLOSE_WAIT, false, "RFC9293-RST-3"},   {TCPS_CLOSING, false, "RFC9293-RST-4"},
    {TCPS_LAST_ACK, false, "RFC9293-RST-4"},
};

enum { BEFORE, AT, BEHIND, LAST, OUTSIDE, FAR, PLACES };

static uint32_t place_of(struct peer *p, int place)
{
    uint32_t nxt = peer_rcv_nxt(p), wnd = peer_rcv_wnd(p);
    const uint32_t at[PLACES] = {nxt - 1,       nxt,       nxt + 1,
                                 nxt + wnd - 1, nxt + wnd, nxt + 0x80000000u};
    return at[place];
}

static uint64_t alive(struct peer *p)
{
    return peer_usage(p).connections;
}

START_TEST(a_reset_is_believed_at_rcv_nxt_challenged_in_the_window_and_ignored_elsewhere)
{
    struct peer *p = peer_new();
    int row = _i / PLACES, place = _i % PLACES;
    enum tcp_state state = reset_states[row].state;
    int s = peer_drive(p, state, reset_states[row].active);
    uint32_t nxt = peer_snd_nxt(p), rcv = peer_rcv_nxt(p);
    bool passive = state == TCPS_SYN_RECEIVED && !reset_states[row].active;

    peer_send(p, "R", place_of(p, place), 0, 0);
    if (place == BEHIND || place == LAST)
        peer_expect(p, ".", nxt, rcv, 0);
    peer_expect_nothing(p);
    if (place == AT) {
        ck_assert_int_eq(p->state, TCPS_CLOSED);
        if (!passive)
            ck_assert_int_eq(peer_state_of(p, s), TCPS_CLOSED);
        peer_expect_silence(p, 5000);
        peer_send(p, ".", rcv, 99, 0); /* the tuple is free */
        peer_expect(p, "R", 99, 0, 0);
    } else {
        ck_assert_uint_eq(alive(p), 1);
        ck_assert_int_eq(p->state, state);
        if (place != BEHIND && place != LAST)
            ck_assert_uint_eq(peer_drops(p, DROP_TCP_RST) + peer_drops(p, DROP_TCP_SEQUENCE), 1);
    }
    peer_free(p);
    PROVES("RFC5961-3.2-a", "C16",
           place == AT                        ? reset_states[row].id
           : place == BEHIND || place == LAST ? "RFC9293-RST-5"
                                              : "RFC9293-RST-6");
}
END_TEST

START_TEST(a_reset_tells_the_application)
{
    static const enum tcp_state states[] = {TCPS_ESTABLISHED, TCPS_FIN_WAIT_1, TCPS_FIN_WAIT_2,
                                            TCPS_CLOSE_WAIT};
    struct peer *p = peer_new();
    int s = peer_drive(p, states[_i], false);

    peer_send(p, "R", peer_rcv_nxt(p), 0, 0);
    if (states[_i] == TCPS_CLOSE_WAIT) { /* as on Linux: its stream has ended before, ours now */
        ck_assert_int_eq(peer_recv_result(p, s), 0);
        ck_assert_int_eq(sock_poll(p->stack, s) & POLLERR, POLLERR);
        ck_assert_int_eq(sock_send(p->stack, s, "x", 1, 0, NULL), -EPIPE);
        ck_assert_int_eq(sock_poll(p->stack, s) & POLLERR, 0);
    } else {
        ck_assert_int_eq(peer_recv_result(p, s), -ECONNRESET);
        ck_assert_int_eq(peer_recv_result(p, s), 0); /* once */
    }
    peer_free(p);
    PROVES("RFC9293-MUST-12", "RFC9293-RST-3");
}
END_TEST

/* Both ends have closed. If all but the last handshake is done, nothing is lost by a reset. */
START_TEST(a_reset_while_closing_is_an_error_if_text_is_lost)
{
    bool last_ack = _i % 2, lost = _i / 2;
    struct peer *p = peer_new();
    int s = peer_drive(p, last_ack ? TCPS_CLOSE_WAIT : TCPS_ESTABLISHED, false);
    uint32_t rcv = peer_rcv_nxt(p);

    if (lost)
        peer_app_send(p, s, 100);
    peer_shutdown(p, s, SHUT_WR);
    peer_skip(p);
    if (!last_ack) {
        peer_send(p, "F.", rcv++, 1, 0);
        peer_skip(p);
    }
    ck_assert_int_eq(peer_state_of(p, s), last_ack ? TCPS_LAST_ACK : TCPS_CLOSING);
    peer_send(p, "R", rcv, 0, 0);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_CLOSED);
    ck_assert_int_eq(peer_so_error(p, s), lost ? ECONNRESET : 0);
    peer_free(p);
    PROVES("RFC9293-MUST-12");
}
END_TEST

START_TEST(a_reset_may_carry_text_and_an_ack)
{
    static const struct {
        const char *flags;
        uint32_t ack, len;
    } rows[] = {{"R", 0, 20}, {"R.", 1, 0}, {"R.", 1, 20}, {"R.", 7777, 0}, {"R.", 0x80000000u, 5}};
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_send(p, rows[_i].flags, 1, rows[_i].ack, rows[_i].len);
    peer_expect_nothing(p);
    ck_assert_int_eq(peer_recv_result(p, s), -ECONNRESET);
    peer_free(p);
    PROVES("RFC9293-SHLD-2");
}
END_TEST

START_TEST(a_reset_frees_what_was_in_flight_and_stops_the_timers)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_app_send(p, s, 100000);
    peer_send(p, ".", 101, 1, 100); /* and an island */
    peer_skip(p);
    peer_send(p, "R", 1, 0, 0);
    peer_expect_silence(p, 100000);
    ck_assert_uint_eq(peer_usage(p).send_chunks, 0);
    ck_assert_uint_eq(peer_usage(p).islands, 0);
    ck_assert_uint_eq(peer_usage(p).frames, 0);
    ck_assert_uint_eq(peer_usage(p).timers, 0);
    ck_assert_uint_eq(peer_counter(p, COUNTER_TCP_RST_IN), 1);
    peer_free(p);
    PROVES("RFC9293-RST-3");
}
END_TEST

/* Its text makes it acceptable, but where it begins is what counts. */
START_TEST(a_reset_before_the_window_is_ignored_though_its_text_reaches_into_it)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_send(p, "P.", 1, 1, 100);
    peer_wait(p, 50);
    peer_skip(p);
    peer_send(p, "R", 91, 0, 20);
    peer_expect_silence(p, 1000);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    ck_assert_uint_eq(peer_drops(p, DROP_TCP_RST), 1);
    peer_free(p);
    PROVES("RFC9293-RST-6", "RFC5961-3.2-a");
}
END_TEST

/* With text or without: the text is refused, the reset is not. */
START_TEST(with_a_closed_window_a_reset_is_believed_at_rcv_nxt_alone)
{
    struct stack_config config;
    peer_config(&config);
    config.values.tcp_rmem = config.values.tcp_window_first = 4000;
    struct peer *p = peer_new_with(&config, 0);
    int s = peer_establish_passive(p);

    for (uint32_t at = 1; at < 4001; at += 1000)
        peer_send(p, "P.", at, 1, 1000);
    peer_wait(p, 50);
    peer_skip(p);
    ck_assert_uint_eq(peer_rcv_wnd(p), 0);
    uint32_t len = _i == 0 ? 0 : 10;
    peer_send(p, "R", 4000, 0, len);
    peer_send(p, "R", 4002, 0, len);
    peer_send(p, "R", 4500, 0, len);
    peer_expect_nothing(p);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    peer_send(p, "R", 4001, 0, len); /* with text, for which there is no room */
    ck_assert_int_eq(peer_state_of(p, s), TCPS_CLOSED);
    peer_free(p);
    PROVES("RFC5961-3.2-a", "RFC9293-MUST-66", "RFC9293-SHLD-2");
}
END_TEST

/* --- SYN in synchronized states (3.10.7.4, fourth; RFC 5961, 4.2)
 * --------------------------------------------- */

static const enum tcp_state syn_states[] = {TCPS_ESTABLISHED, TCPS_FIN_WAIT_1, TCPS_FIN_WAIT_2,
                                            TCPS_CLOSE_WAIT,  TCPS_CLOSING,    TCPS_LAST_ACK};
static const struct {
    const char *flags;
    uint32_t len;
} syn_kinds[] = {{"S", 0}, {"S.", 0}, {"SF", 0}, {"SF.", 0}, {"SP.", 100}, {"S", 100}};

START_TEST(a_syn_on_a_synchronized_connection_is_challenged_wherever_it_is)
{
    struct peer *p = peer_new();
    int place = _i % PLACES, kind = _i / PLACES % (int)ARRAY_LEN(syn_kinds);
    enum tcp_state state = syn_states[_i / PLACES / (int)ARRAY_LEN(syn_kinds)];
    int s = peer_drive(p, state, false);
    uint32_t nxt = peer_snd_nxt(p), rcv = peer_rcv_nxt(p);

    peer_send(p, syn_kinds[kind].flags, place_of(p, place), peer_snd_una(p), syn_kinds[kind].len);
    peer_expect(p, ".", nxt, rcv, 0);
    peer_expect_nothing(p);
    ck_assert_int_eq(peer_state_of(p, s), state);
    ck_assert_uint_eq(peer_drops(p, DROP_TCP_SYN), 1);
    ssize_t end =
        state == TCPS_CLOSE_WAIT || state == TCPS_CLOSING || state == TCPS_LAST_ACK ? 0 : -EAGAIN;
    ck_assert_int_eq(peer_recv_result(p, s), end);
    peer_free(p);
    PROVES("RFC9293-SYN-2", "RFC5961-4.2-a", "C17");
}
END_TEST

START_TEST(a_peer_that_has_forgotten_answers_the_challenge_and_may_come_again)
{
    struct peer *p = peer_new();
    int listener = peer_listen(p, 4);
    struct wire_flow *old = peer_flow_new(p);

    peer_syn(p);
    peer_expect(p, "S.", 0, 1, 0);
    peer_send(p, ".", 1, 1, 0);
    int s = peer_accept(p, listener);
    uint32_t rcv = old->last_ack, snd = old->sent_to;

    /* The peer comes back with another number; what it knows is only the stack's answer. */
    peer_send(p, "S", 500000, 0, 0);
    peer_expect(p, ".", 1, 1, 0);
    ck_assert_uint_eq(snd - old->iss, 1);
    peer_send(p, "R", rcv - old->irs, 0, 0); /* <SEQ=SEG.ACK><CTL=RST> */
    ck_assert_int_eq(peer_recv_result(p, s), -ECONNRESET);
    peer_flow_again(p, old->irs + 500000);
    peer_syn(p);
    peer_expect(p, "S.", 0, 1, 0);
    peer_send(p, ".", 1, 1, 0);
    peer_accept(p, listener);
    peer_free(p);
    PROVES("RFC9293-SYN-3");
}
END_TEST

START_TEST(an_active_open_in_syn_received_challenges_a_syn)
{
    struct peer *p = peer_new();
    int s = peer_drive(p, TCPS_SYN_RECEIVED, true);
    struct peer_segment seg;

    peer_send(p, "S", 1000, 0, 0);
    ck_assert(peer_next(p, &seg));
    ck_assert(seg.flags == WIRE_ACK && seg.seq == 1 && seg.ack == 1);
    peer_send(p, ".", 1, 1, 0);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    peer_free(p);
    PROVES("RFC5961-4.2-a", "RFC9293-MUST-11");
}
END_TEST

/* --- how often (RFC 5961, 7; DESIGN 4b: one per 500 ms and connection)
 * ------------------------------------------ */

START_TEST(challenges_leave_once_in_500_ms)
{
    struct peer *p = peer_new();

    peer_establish_passive(p);
    for (int turn = 0; turn < 3; turn++) {
        for (int i = 0; i < 10; i++) {
            peer_send(p, "R", 100, 0, 0);
            peer_send(p, "S", 100, 0, 0);
        }
        peer_expect(p, ".", 1, 1, 0);
        peer_expect_nothing(p);
        peer_wait(p, 400);
        peer_send(p, "S", 100, 0, 0);
        peer_expect_nothing(p);
        peer_wait(p, 101);
    }
    ck_assert_uint_eq(peer_counter(p, COUNTER_TCP_CHALLENGES), 3);
    peer_free(p);
    PROVES("C17", "C16");
}
END_TEST

START_TEST(one_connections_challenges_cost_another_none)
{
    struct peer *p = peer_new();
    struct wire_flow *flow[2];

    for (int i = 0; i < 2; i++) {
        peer_establish_passive(p);
        flow[i] = p->flow;
    }
    for (int i = 0; i < 2; i++) {
        p->flow = flow[i];
        for (int n = 0; n < 10; n++)
            peer_send(p, "R", 100, 0, 0);
        peer_expect(p, ".", 1, 1, 0);
        peer_expect_nothing(p);
    }
    peer_free(p);
    PROVES("C19");
}
END_TEST

/* So that probes and keep-alives with an octet live, and lost ACKs are replaced. */
START_TEST(old_text_is_always_answered)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_send(p, "P.", 1, 1, 100);
    peer_app_read(p, s, 100);
    peer_wait(p, 50);
    peer_skip(p);
    peer_send(p, "R", 150, 0, 0); /* the challenge of this half second */
    peer_skip(p);
    for (int i = 0; i < 20; i++) {
        peer_send(p, "P.", 1, 1, 100);
        peer_expect(p, ".", 1, 101, 0);
        peer_send(p, ".", 100, 1, 1);
        peer_expect(p, ".", 1, 101, 0);
    }
    peer_free(p);
    PROVES("RFC9293-SEQ-5");
}
END_TEST

/* C20: a stranger makes both ends disagree; each ACK of what was never sent asks for an ACK. */
START_TEST(an_ack_of_what_was_never_sent_starts_no_war)
{
    struct peer *p = peer_new();

    peer_establish_passive(p);
    for (int i = 0; i < 100; i++)
        peer_send(p, ".", 1, 5000, 0);
    peer_expect(p, ".", 1, 1, 0);
    peer_expect_nothing(p);
    peer_wait(p, 501);
    peer_send(p, ".", 1, 5000, 0);
    peer_expect(p, ".", 1, 1, 0);
    peer_free(p);
    PROVES("C20", "C18");
}
END_TEST

/* C20: a stranger has put text into both streams. Each end has taken what the other never sent, and
 * acknowledges it; each ACK is old or of the future to the other, which is told so. The peer here
 * answers each of ours at once, and yet there is one in half a second; and both go on where the
 * stranger's text ends. */
START_TEST(text_forged_into_both_streams_starts_no_war_and_both_go_on)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p), acks = 0;
    struct peer_segment seg;

    peer_send(p, "P.", 1, 1, 100); /* the stranger's; he has put as much into the peer's */
    peer_app_read(p, s, 100);
    for (int ms = 0; ms < 5000; ms++) {
        while (peer_next(p, &seg)) {
            ck_assert_uint_eq(seg.len, 0);
            peer_assert(p, ++acks < 100);
            peer_send(p, ".", 1, 101, 0); /* what the peer thinks: SEQ is old, ACK never sent */
        }
        peer_wait(p, 1);
    }
    ck_assert_int_le(acks, 1 + 5000 / 500 + 1);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);

    /* The peer's next 100 octets are old, and answered as such; then it goes on. */
    peer_send(p, "P.", 1, 1, 100);
    peer_expect(p, ".", 1, 101, 0);
    peer_send(p, "P.", 101, 1, 50);
    peer_expect(p, ".", 1, 151, 0);
    peer_app_read(p, s, 50);
    peer_app_send(p, s, 150); /* ours, the first 100 of which the peer believes to have */
    peer_expect(p, "P.", 1, 151, 150);
    peer_send(p, ".", 151, 151, 0);
    ck_assert_uint_eq(peer_snd_una(p), 151);
    peer_free(p);
    PROVES("C20");
}
END_TEST

/* --- TIME-WAIT (RFC 1337)
 * --------------------------------------------------------------------------------------- */

START_TEST(no_reset_ends_time_wait)
{
    struct peer *p = peer_new();
    int s = peer_drive(p, TCPS_TIME_WAIT, false);

    for (int place = 0; place < PLACES; place++)
        peer_send(p, "R", place_of(p, place), 0, 0);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_TIME_WAIT);
    peer_free(p);
    PROVES("C37");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("tcp_reset");

    TCase *c = tcase_create("RFC 9293, 3.10.7.1: CLOSED");
    tcase_add_loop_test(c, closed_answers_all_but_a_reset_with_a_reset_that_is_believed, 0,
                        (int)ARRAY_LEN(at_closed));
    tcase_add_test(c, resets_to_nobody_are_counted_and_limited);
    tcase_add_test(c, a_flood_of_segments_from_strangers_costs_nothing_and_stops_nobody);
    tcase_add_test(c, a_port_that_listens_does_not_speak_for_the_others);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 5961, 3.2: the RST bit");
    tcase_add_loop_test(
        c, a_reset_is_believed_at_rcv_nxt_challenged_in_the_window_and_ignored_elsewhere, 0,
        (int)ARRAY_LEN(reset_states) * PLACES);
    tcase_add_loop_test(c, a_reset_tells_the_application, 0, 4);
    tcase_add_loop_test(c, a_reset_may_carry_text_and_an_ack, 0, 5);
    tcase_add_test(c, a_reset_frees_what_was_in_flight_and_stops_the_timers);
    tcase_add_test(c, a_reset_before_the_window_is_ignored_though_its_text_reaches_into_it);
    tcase_add_loop_test(c, with_a_closed_window_a_reset_is_believed_at_rcv_nxt_alone, 0, 2);
    tcase_add_loop_test(c, a_reset_while_closing_is_an_error_if_text_is_lost, 0, 4);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 5961, 4.2: the SYN bit");
    tcase_add_loop_test(c, a_syn_on_a_synchronized_connection_is_challenged_wherever_it_is, 0,
                        (int)(ARRAY_LEN(syn_states) * ARRAY_LEN(syn_kinds)) * PLACES);
    tcase_add_test(c, a_peer_that_has_forgotten_answers_the_challenge_and_may_come_again);
    tcase_add_test(c, an_active_open_in_syn_received_challenges_a_syn);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 5961, 7: ACK throttling");
    tcase_add_test(c, challenges_leave_once_in_500_ms);
    tcase_add_test(c, one_connections_challenges_cost_another_none);
    tcase_add_test(c, old_text_is_always_answered);
    tcase_add_test(c, an_ack_of_what_was_never_sent_starts_no_war);
    tcase_add_test(c, text_forged_into_both_streams_starts_no_war_and_both_go_on);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 1337: TIME-WAIT");
    tcase_add_test(c, no_reset_ends_time_wait);
    suite_add_tcase(s, c);
    return run_suite(s, "tcp_reset");
}
