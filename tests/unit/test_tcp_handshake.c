/*
 * test_tcp_handshake.c - how connections begin: both OPENs, the SYN's options, and what may go
 * wrong.
 *
 * Black box: a scripted peer (support/peer.h) and the public calls. Numbers are relative to each
 * side's ISS.
 */
#include "base/base.h"
#include "support/peer.h"
#include "support/proves.h"

/* --- 3.10.7.2: LISTEN ------------------------------------------------------------------------- */

START_TEST(listen_answers_a_syn_with_syn_ack_and_the_third_step_establishes)
{
    struct peer *p = peer_new();
    int listener = peer_listen(p, 4);

    peer_flow_new(p);
    peer_syn(p);
    struct peer_segment syn_ack = peer_expect(p, "S.", 0, 1, 0);
    ck_assert(syn_ack.has_mss);
    ck_assert_uint_eq(syn_ack.mss, 1460);
    ck_assert_int_eq(p->state, TCPS_SYN_RECEIVED);
    ck_assert_int_eq(sock_accept(p->stack, listener, &(struct endpoint){.port = 0}, NULL), -EAGAIN);

    peer_send(p, ".", 1, 1, 0);
    peer_expect_nothing(p);
    ck_assert_int_eq(peer_state_of(p, peer_accept(p, listener)), TCPS_ESTABLISHED);
    peer_free(p);
    PROVES("RFC9293-LISTEN-3", "RFC9293-SHLD-5", "RFC9293-MUST-67");
}
END_TEST

/* What comes right behind a SYN, before we have answered it, is answered by the <SYN,ACK>: nothing
 * leaves before that, and the window that is told is that of the buffer wherever the peer began to
 * count. */
START_TEST(text_in_the_batch_of_its_syn_is_answered_by_the_syn_ack)
{
    struct peer *p = peer_new();
    int listener = peer_listen(p, 4);

    p->iss = _i ? 0x90000000 : 0x10000000;
    p->scale = 7;
    peer_flow_new(p);
    peer_batch_begin(p);
    peer_syn(p);
    peer_send(p, ".", 101, 1, 100);
    peer_batch_end(p);
    ck_assert_uint_eq(peer_expect(p, "S.", 0, 1, 0).window, 65535);
    peer_send(p, ".", 1, 1, 0);
    int s = peer_accept(p, listener);
    peer_send(p, ".", 1, 1, 100);
    ck_assert_uint_le(peer_expect(p, ".", 1, 101, 0).window, 512);
    peer_app_read(p, s, 100);
    peer_free(p);
    PROVES("RFC9293-MUST-58");
}
END_TEST

/* As many packets as arp.queue says wait for the address of the callers' station, and the
 * <SYN,ACK>s behind them wait where they are owed. */
START_TEST(syn_acks_to_a_station_that_is_asked_for_leave_when_it_answers)
{
    enum { COUNT = 8 };
    struct peer *p = peer_new();
    struct wire_flow *flow[COUNT];
    bool heard[COUNT] = {false};
    struct peer_segment seg;

    peer_listen(p, COUNT);
    p->deaf = true;
    for (int i = 0; i < COUNT; i++) {
        flow[i] = peer_flow_new(p);
        flow[i]->their_addr = PEER_V4(10, 9, 0, 77);
        peer_syn(p);
    }
    peer_expect_nothing(p);
    p->deaf = false;
    peer_wait(p, 1500);
    while (peer_next(p, &seg)) {
        for (int i = 0; i < COUNT; i++)
            heard[i] |= seg.flow == flow[i];
    }
    for (int i = 0; i < COUNT; i++)
        ck_assert_int_eq(heard[i], true);
    peer_free(p);
    PROVES("RFC4987-3.5-a");
}
END_TEST

START_TEST(listen_counts_across_the_seam_of_the_circle)
{
    struct peer *p = peer_new();
    int listener = peer_listen(p, 4);

    p->iss = UINT32_MAX;
    peer_flow_new(p);
    peer_syn(p);
    ck_assert_uint_eq(peer_expect(p, "S.", 0, 1, 0).ack_absolute, 0);
    peer_send(p, ".", 1, 1, 0);
    peer_accept(p, listener);
    peer_free(p);
    PROVES("RFC9293-LISTEN-3");
}
END_TEST

static const struct {
    const char *flags;
    uint32_t len;
    bool reset; /* answered with a reset, or not at all */
    const char *id;
} at_listen[] = {
    {"R", 0, false, "RFC9293-LISTEN-1"},
    {"R", 20, false, "RFC9293-LISTEN-1"},
    {"R.", 0, false, "RFC9293-LISTEN-1"},
    {"SR", 0, false, "RFC9293-LISTEN-1"},
    {".", 0, true, "RFC9293-LISTEN-2"},
    {"P.", 20, true, "RFC9293-LISTEN-2"},
    {"S.", 0, true, "RFC9293-LISTEN-2"},
    {"F.", 0, true, "RFC9293-LISTEN-2"},
    {"-", 0, false, "RFC9293-LISTEN-5"},
    {"F", 0, false, "RFC9293-LISTEN-5"},
    {"F", 0, false, "RFC9293-SYNSENT-9"},
    {"FP", 20, false, "RFC9293-SYNSENT-9"},
    {"PU", 20, false, "RFC9293-LISTEN-5"},
    {"FPU", 0, false, "C13"},
    {"-", 0, false, "C13"},
    {"SR", 0, false, "C13"},
};

/* First RST, second ACK, third SYN, and what has none of them. */
START_TEST(listen_resets_what_acknowledges_and_ignores_what_is_no_syn)
{
    struct peer *p = peer_new();
    int listener = peer_listen(p, 4);

    peer_flow_new(p);
    peer_send(p, at_listen[_i].flags, 0, 7777, at_listen[_i].len);
    if (at_listen[_i].reset)
        peer_expect(p, "R", 7777, 0, 0);
    peer_expect_silence(p, 3000);
    ck_assert_uint_eq(peer_usage(p).connections, 0);

    /* The listener lives. */
    peer_flow_new(p);
    peer_syn(p);
    peer_expect(p, "S.", 0, 1, 0);
    peer_send(p, ".", 1, 1, 0);
    peer_accept(p, listener);
    peer_free(p);
    PROVES(at_listen[_i].id);
}
END_TEST

static const char *const nonsense[] = {"-", "FPU", "SF", "SFPU"};

START_TEST(listen_drops_flags_that_mean_nothing_by_name)
{
    struct peer *p = peer_new();

    peer_listen(p, 4);
    peer_flow_new(p);
    peer_send(p, nonsense[_i], 0, 0, 0);
    peer_expect_silence(p, 3000);
    ck_assert_uint_eq(peer_drops(p, DROP_TCP_FLAGS), 1);
    ck_assert_uint_eq(peer_usage(p).connections, 0);
    peer_free(p);
    PROVES("C13");
}
END_TEST

/* Text on the SYN is kept for later or not acknowledged: never delivered before its time, never
 * lost, never given twice. */
START_TEST(text_on_a_syn_arrives_once_and_not_before_the_third_step)
{
    struct peer *p = peer_new();
    int listener = peer_listen(p, 4);

    peer_flow_new(p);
    peer_send(p, "S", 0, 0, 20);
    struct peer_segment seg;
    ck_assert(peer_next(p, &seg));
    ck_assert_uint_eq(seg.flags, WIRE_SYN | WIRE_ACK);
    ck_assert(seg.ack == 1 || seg.ack == 21);
    ck_assert_int_eq(sock_accept(p->stack, listener, &(struct endpoint){.port = 0}, NULL), -EAGAIN);
    peer_send(p, ".", seg.ack, 1, 0);
    int s = peer_accept(p, listener);
    peer_send(p, "P.", 1, 1, 20);
    peer_app_read(p, s, 20);
    ck_assert_int_eq(peer_recv_result(p, s), -EAGAIN);
    peer_wait(p, 50);
    ck_assert_uint_eq(peer_rcv_nxt(p), 21);
    peer_free(p);
    PROVES("C34");
}
END_TEST

/* --- SYN-RECEIVED -------------------------------------------------------------------------------
 */

START_TEST(a_syn_ack_is_repeated_with_backoff_and_given_up_after_five)
{
    struct peer *p = peer_new();
    int listener = peer_drive(p, TCPS_SYN_RECEIVED, false);

    for (int i = 0; i < 5; i++)
        peer_expect_after(p, 1000 << i, "S.", 0, 1, 0);
    peer_expect_silence(p, 64000);
    ck_assert_uint_eq(peer_usage(p).connections, 0);
    ck_assert_int_eq(sock_accept(p->stack, listener, &(struct endpoint){.port = 0}, NULL), -EAGAIN);
    peer_free(p);
    PROVES("C32");
}
END_TEST

/* RFC 9293, 3.10.7.4, first: out of the window, so it draws an answer and nothing else. */
START_TEST(the_same_syn_again_makes_no_second_connection)
{
    struct peer *p = peer_new();
    int listener = peer_drive(p, TCPS_SYN_RECEIVED, false);
    struct peer_segment seg;

    peer_syn(p);
    ck_assert(peer_next(p, &seg));
    if (seg.flags & WIRE_SYN)
        ck_assert(seg.flags == (WIRE_SYN | WIRE_ACK) && seg.seq == 0 && seg.ack == 1);
    else
        ck_assert(seg.flags == WIRE_ACK && seg.seq == 1 && seg.ack == 1);
    peer_expect_nothing(p);
    ck_assert_uint_eq(peer_usage(p).connections, 1);
    peer_send(p, ".", 1, 1, 0);
    ck_assert_int_eq(peer_state_of(p, peer_accept(p, listener)), TCPS_ESTABLISHED);
    peer_free(p);
    PROVES("RFC9293-SYN-1");
}
END_TEST

/* The peer, or somebody in its name, says it again in other words: what the first SYN said counts.
 */
START_TEST(a_syn_again_with_other_options_or_another_number_changes_nothing)
{
    static const uint8_t other[] = {2, 4, 2, 24, 1, 3, 3, 14}; /* MSS 536, shift 14 */
    static const uint32_t numbers[] = {0, (uint32_t)-1, (uint32_t)-5000, 0x80000000u, 200000};
    struct peer *p = peer_new();
    p->scale = 2;
    int listener = peer_drive(p, TCPS_SYN_RECEIVED, false);

    PEER_SEND(p, .flags = "S", .seq = numbers[_i], .options = {other, sizeof other});
    if (_i == 0)
        ck_assert(peer_expect(p, "S.", 0, 1, 0).has_scale);
    else
        peer_expect(p, ".", 1, 1, 0); /* RFC 5961, 4.2 */
    PEER_SEND(p, .flags = "S", .seq = numbers[_i], .no_options = true);
    ck_assert_int_eq(peer_skip(p), _i == 0);
    ck_assert_uint_eq(peer_usage(p).connections, 1);
    p->window = 1000;
    peer_send(p, ".", 1, 1, 0);
    int s = peer_accept(p, listener);
    peer_app_send(p, s, 5000);
    peer_expect(p, ".", 1, 1, 1460);
    peer_expect(p, ".", 1461, 1, 1460);
    peer_expect_nothing(p); /* 1000 << 2 octets, and the third would be small */
    peer_free(p);
    PROVES("C35");
}
END_TEST

START_TEST(a_syn_inside_the_window_sends_a_passive_open_back_to_listen)
{
    struct peer *p = peer_new();
    int listener = peer_drive(p, TCPS_SYN_RECEIVED, false);

    peer_send(p, "S", 6, 0, 0);
    peer_skip(p);
    ck_assert_uint_eq(peer_usage(p).connections, 0);
    peer_flow_again(p, 5000000);
    peer_syn(p);
    peer_expect(p, "S.", 0, 1, 0);
    peer_send(p, ".", 1, 1, 0);
    peer_accept(p, listener);
    peer_free(p);
    PROVES("RFC9293-SYN-1", "RFC9293-MUST-11");
}
END_TEST

static const uint32_t bad_acks[] = {0, 2, 5, 0x80000000u, UINT32_MAX};

START_TEST(syn_received_resets_an_ack_of_what_was_never_sent_and_waits_on)
{
    struct peer *p = peer_new();
    int listener = peer_drive(p, TCPS_SYN_RECEIVED, false);

    peer_send(p, ".", 1, bad_acks[_i], 0);
    peer_expect(p, "R", bad_acks[_i], 0, 0);
    peer_expect_nothing(p);
    peer_send(p, ".", 1, 1, 0);
    ck_assert_int_eq(peer_state_of(p, peer_accept(p, listener)), TCPS_ESTABLISHED);
    peer_free(p);
    PROVES("RFC9293-ACK-3", "C34");
}
END_TEST

START_TEST(syn_received_drops_text_without_ack)
{
    struct peer *p = peer_new();
    int listener = peer_drive(p, TCPS_SYN_RECEIVED, false);

    peer_send(p, "P", 1, 0, 20);
    peer_expect_nothing(p);
    peer_send(p, "F", 1, 0, 0);
    peer_expect_nothing(p);
    ck_assert_uint_eq(peer_drops(p, DROP_TCP_NO_ACK), 2);
    peer_send(p, ".", 1, 1, 0);
    ck_assert_int_eq(peer_recv_result(p, peer_accept(p, listener)), -EAGAIN);
    peer_free(p);
    PROVES("RFC9293-ACK-1");
}
END_TEST

START_TEST(the_first_text_completes_a_handshake_whose_third_step_was_lost)
{
    struct peer *p = peer_new();
    int listener = peer_drive(p, TCPS_SYN_RECEIVED, false);

    peer_send(p, "P.", 1, 1, 100);
    peer_wait(p, 50);
    peer_expect(p, ".", 1, 101, 0);
    int s = peer_accept(p, listener);
    peer_app_read(p, s, 100);
    peer_free(p);
    PROVES("RFC9293-ACK-2");
}
END_TEST

START_TEST(a_fin_with_the_third_step_goes_to_close_wait_with_its_text)
{
    struct peer *p = peer_new();
    int listener = peer_drive(p, TCPS_SYN_RECEIVED, false);

    peer_send(p, "FP.", 1, 1, 30);
    peer_expect(p, ".", 1, 32, 0);
    int s = peer_accept(p, listener);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_CLOSE_WAIT);
    peer_app_read(p, s, 30);
    ck_assert_int_eq(peer_recv_result(p, s), 0);
    peer_free(p);
    PROVES("RFC9293-FIN-2");
}
END_TEST

START_TEST(a_reset_sends_a_passive_open_back_to_listen_in_silence)
{
    struct peer *p = peer_new();
    int listener = peer_drive(p, TCPS_SYN_RECEIVED, false);

    peer_send(p, "R", 1, 0, 0);
    ck_assert_ptr_nonnull(
        strstr(p->cause, "back to LISTEN")); /* not a refusal, of which one hears */
    peer_expect_silence(p, 3000);
    ck_assert_uint_eq(peer_usage(p).connections, 0);
    ck_assert_int_eq(sock_accept(p->stack, listener, &(struct endpoint){.port = 0}, NULL), -EAGAIN);
    peer_flow_again(p, 9999);
    peer_syn(p);
    peer_expect(p, "S.", 0, 1, 0);
    peer_free(p);
    PROVES("RFC9293-RST-1", "RFC9293-MUST-11");
}
END_TEST

START_TEST(a_reset_refuses_an_active_open_that_met_another)
{
    struct peer *p = peer_new();
    int s = peer_drive(p, TCPS_SYN_RECEIVED, true);

    peer_send(p, "R", 1, 0, 0);
    peer_expect_silence(p, 3000);
    ck_assert_int_eq(peer_so_error(p, s), ECONNREFUSED);
    peer_free(p);
    PROVES("RFC9293-MUST-11");
}
END_TEST

/* --- 3.10.1 and 3.10.7.3: OPEN, SYN-SENT
 * -------------------------------------------------------------- */

START_TEST(connect_sends_one_syn_that_acknowledges_nothing)
{
    struct peer *p = peer_new();
    int s = peer_socket(p);

    ck_assert_int_eq(sock_connect(p->stack, s, peer_endpoint(PEER_ADDR, 7), NULL), -EINPROGRESS);
    struct peer_segment syn = peer_expect(p, "S", 0, 0, 0);
    ck_assert_uint_eq(syn.ack_absolute, 0);
    ck_assert_uint_eq(syn.mss, 1460);
    ck_assert(syn.has_scale);
    ck_assert_uint_eq(syn.scale, 7);
    ck_assert_uint_eq(syn.window, 65535);
    ck_assert_uint_eq(syn.dst, PEER_ADDR);
    ck_assert_uint_eq(syn.dst_port, 7);
    peer_expect_nothing(p);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_SYN_SENT);
    peer_free(p);
    PROVES("RFC9293-3.10.1-b", "RFC9293-SHLD-5");
}
END_TEST

START_TEST(syn_sent_acknowledges_a_syn_ack_and_is_established)
{
    struct peer *p = peer_new();
    int s = peer_connect(p);

    peer_send(p, "S.", 0, 1, 0);
    peer_expect(p, ".", 1, 1, 0);
    peer_expect_nothing(p);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    ck_assert_int_eq(peer_so_error(p, s), 0);
    peer_free(p);
    PROVES("RFC9293-SYNSENT-5");
}
END_TEST

/* The window of a <SYN,ACK> is as it stands there, whatever the shift. */
START_TEST(syn_sent_takes_the_window_unscaled)
{
    struct peer *p = peer_new();
    int s = peer_connect(p);

    p->scale = 7;
    p->window = 1000;
    peer_send(p, "S.", 0, 1, 0);
    peer_expect(p, ".", 1, 1, 0);
    peer_app_send(p, s, 3000);
    peer_expect(p, ".", 1, 1, 1000);
    peer_expect_nothing(p);
    peer_free(p);
    PROVES("RFC9293-SYNSENT-5", "RFC7323-2.2-a");
}
END_TEST

START_TEST(syn_sent_resets_an_ack_that_is_not_of_its_syn_and_asks_again_in_time)
{
    static const char *const flags[] = {".", "S.", "P.", "F."};
    struct peer *p = peer_new();
    int s = peer_connect(p);

    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        peer_send(p, flags[i], 0, bad_acks[_i], 0);
        peer_expect(p, "R", bad_acks[_i], 0, 0);
        peer_expect_nothing(p);
    }
    ck_assert_int_eq(peer_state_of(p, s), TCPS_SYN_SENT);
    peer_expect_after(p, 1000, "S", 0, 0, 0);
    peer_send(p, "S.", 0, 1, 0);
    peer_expect(p, ".", 1, 1, 0);
    peer_free(p);
    PROVES("RFC9293-SYNSENT-1");
}
END_TEST

START_TEST(syn_sent_ignores_a_reset_that_acknowledges_something_else)
{
    struct peer *p = peer_new();
    int s = peer_connect(p);

    peer_send(p, "R.", 0, bad_acks[_i], 0);
    peer_expect_nothing(p);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_SYN_SENT);
    peer_expect_after(p, 1000, "S", 0, 0, 0);
    peer_free(p);
    PROVES("RFC9293-SYNSENT-2");
}
END_TEST

START_TEST(syn_sent_is_refused_by_a_reset_that_acknowledges_its_syn)
{
    struct peer *p = peer_new();
    int s = peer_connect(p);

    peer_send(p, "R.", 0, 1, 0);
    peer_expect_silence(p, 10000);
    ck_assert_int_eq(peer_so_error(p, s), ECONNREFUSED);
    ck_assert_int_eq(peer_so_error(p, s), 0);
    peer_free(p);
    PROVES("RFC9293-SYNSENT-3");
}
END_TEST

static const struct {
    const char *flags;
    uint32_t seq, ack, len;
    const char *id;
} no_syn[] = {
    {"R", 0, 0, 0, "RFC9293-SYNSENT-4"},  {"R", 1, 0, 20, "RFC9293-SYNSENT-4"},
    {".", 1, 1, 0, "RFC9293-SYNSENT-8"},  {"P.", 1, 1, 20, "RFC9293-SYNSENT-8"},
    {"-", 1, 0, 0, "RFC9293-SYNSENT-8"},  {"F", 1, 0, 0, "RFC9293-SYNSENT-9"},
    {"F.", 1, 1, 0, "RFC9293-SYNSENT-9"},
};

START_TEST(syn_sent_drops_what_is_neither_syn_nor_a_believable_reset)
{
    struct peer *p = peer_new();
    int s = peer_connect(p);

    peer_send(p, no_syn[_i].flags, no_syn[_i].seq, no_syn[_i].ack, no_syn[_i].len);
    peer_expect_nothing(p);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_SYN_SENT);
    peer_expect_after(p, 1000, "S", 0, 0, 0);
    peer_send(p, "S.", 0, 1, 0);
    peer_expect(p, ".", 1, 1, 0);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    ck_assert_int_eq(peer_recv_result(p, s), -EAGAIN);
    peer_free(p);
    PROVES(no_syn[_i].id);
}
END_TEST

START_TEST(text_on_a_syn_ack_arrives_once)
{
    struct peer *p = peer_new();
    int s = peer_connect(p);

    peer_send(p, "S.", 0, 1, 20);
    peer_wait(p, 50);
    ck_assert_int_ge(peer_skip(p), 1);
    ck_assert(peer_rcv_nxt(p) == 1 || peer_rcv_nxt(p) == 21);
    peer_send(p, "P.", 1, 1, 20);
    peer_app_read(p, s, 20);
    ck_assert_int_eq(peer_recv_result(p, s), -EAGAIN);
    peer_free(p);
    PROVES("C34");
}
END_TEST

/* RFC 9293, 3.5, figure 7. */
START_TEST(two_opens_that_meet_make_one_connection)
{
    struct peer *p = peer_new();
    int s = peer_connect(p);

    peer_send(p, "S", 0, 0, 0);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_SYN_RECEIVED);
    struct peer_segment seg = peer_expect(p, "S.", 0, 1, 0);
    ck_assert(seg.has_mss);
    peer_send(p, "S.", 0, 1, 0);
    peer_skip(p);
    peer_send(p, ".", 1, 1, 0); /* what the peer says to our <SYN,ACK> */
    peer_skip(p);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    peer_app_send(p, s, 10);
    peer_expect(p, "P.", 1, 1, 10);
    peer_free(p);
    PROVES("RFC9293-MUST-10", "C36");
}
END_TEST

START_TEST(two_opens_that_meet_need_no_syn_ack_of_the_peer)
{
    struct peer *p = peer_new();
    int s = peer_drive(p, TCPS_SYN_RECEIVED, true);

    peer_send(p, ".", 1, 1, 0);
    peer_expect_nothing(p);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    peer_free(p);
    PROVES("C36");
}
END_TEST

START_TEST(the_syn_ack_of_a_met_open_is_repeated_with_backoff)
{
    struct peer *p = peer_new();
    int s = peer_drive(p, TCPS_SYN_RECEIVED, true);

    peer_expect_after(p, 1000, "S.", 0, 1, 0);
    peer_expect_after(p, 2000, "S.", 0, 1, 0);
    peer_send(p, ".", 1, 1, 0);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    peer_free(p);
    PROVES("C36");
}
END_TEST

/* RFC 9293, 3.5, figure 8: an old duplicate of our own SYN woke the peer. */
START_TEST(syn_sent_resets_the_answer_to_an_old_syn_and_is_established_by_the_right_one)
{
    struct peer *p = peer_new();
    int s = peer_connect(p);

    peer_send(p, "S.", 0, (uint32_t)-9, 0);
    peer_expect(p, "R", (uint32_t)-9, 0, 0);
    peer_flow_again(p, 400)->our_port = p->flows[0].our_port;
    p->flow->iss = p->flows[0].iss;
    p->flow->we_sent_syn = true;
    p->flow->sent_to = p->flow->iss + 1;
    peer_send(p, "S.", 0, 1, 0);
    peer_expect(p, ".", 1, 1, 0);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    peer_free(p);
    PROVES("RFC9293-SYNSENT-1");
}
END_TEST

/* RFC 9293, 3.8.3 (MUST-23): at least three minutes. */
START_TEST(an_unanswered_syn_is_repeated_with_backoff_and_given_up_after_three_minutes)
{
    struct peer *p = peer_new();
    int s = peer_connect(p);
    int64_t gap = 1000;

    for (int i = 0; i < 7; i++) {
        peer_expect_after(p, gap, "S", 0, 0, 0);
        gap = gap * 2 > 120000 ? 120000 : gap * 2;
    }
    ck_assert_int_ge(peer_time(p),
                     120000); /* the last SYN: 180 s less its own interval, or later */
    while (peer_state_of(p, s) == TCPS_SYN_SENT) {
        peer_wait(p, 100);
        peer_skip(p);
        ck_assert_int_lt(peer_time(p), 600000);
    }
    ck_assert_int_ge(peer_time(p), 180000);
    ck_assert_int_eq(peer_so_error(p, s), ETIMEDOUT);
    peer_expect_silence(p, 600000);
    peer_free(p);
    PROVES("RFC9293-MUST-22", "RFC9293-MUST-23", "RFC6298-2.1-a", "C41");
}
END_TEST

/* The count and the time each see to three minutes, whatever has been made of the other. */
START_TEST(few_syns_are_no_reason_to_give_up_early_nor_is_a_short_time)
{
    struct stack_config config;
    peer_config(&config);
    if (_i == 0)
        config.values.tcp_syn_retries = 1;
    else
        config.values.tcp_syn_timeout = TAPIO_S(1);
    struct peer *p = peer_new_with(&config, 0);
    int s = peer_connect(p);

    peer_wait(p, 179999);
    peer_skip(p);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_SYN_SENT);
    peer_wait(p, 180000); /* and the interval of the last one */
    peer_skip(p);
    ck_assert_int_eq(peer_so_error(p, s), ETIMEDOUT);
    peer_free(p);
    PROVES("RFC9293-MUST-23");
}
END_TEST

/* --- 3.1, 3.2, 3.7.1: options of a SYN
 * -------------------------------------------------------------------- */

#define OPTIONS(...)                                                                               \
    {                                                                                              \
        (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})                     \
    }

static const struct {
    struct bytes options;
    uint32_t mss; /* that our segments have */
    const char *ids[3];
} options[] = {
    {{NULL, 0}, 536, {"RFC9293-MUST-15", NULL, NULL}},
    {OPTIONS(0), 536, {"RFC9293-MUST-4", NULL, NULL}},
    {OPTIONS(2, 4, 0x02, 0xbc), 700, {"RFC9293-MUST-14", "RFC9293-MUST-4", NULL}},
    {OPTIONS(1, 1, 2, 4, 0x02, 0xbc), 700, {"RFC9293-MUST-4", "RFC9293-MUST-64", NULL}},
    {OPTIONS(2, 4, 0x02, 0xbc, 0), 700, {"RFC9293-MUST-4", NULL, NULL}},
    {OPTIONS(2, 4, 0x02, 0xbc, 0, 2, 4, 0x03), 700, {"RFC9293-MUST-69", NULL, NULL}},
    /* behind the end there is nothing, whether the end is taken for an option or for padding */
    {OPTIONS(2, 4, 0x02, 0xbc, 0, 2, 2, 4, 0x01, 0x2c), 700, {"RFC9293-MUST-4", NULL, NULL}},
    {OPTIONS(2, 4, 0x02, 0xbc, 0, 2, 4, 0x01, 0x2c), 700, {"RFC9293-MUST-4", NULL, NULL}},
    {OPTIONS(0, 2, 2, 4, 0x02, 0xbc), 536, {"RFC9293-MUST-4", NULL, NULL}},
    {OPTIONS(253, 6, 9, 9, 9, 9, 2, 4, 0x02, 0xbc), 700, {"RFC9293-MUST-6", NULL, NULL}},
    {OPTIONS(1, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 2, 4, 0x02, 0xbc),
     700,
     {"RFC9293-MUST-64", "RFC9293-MUST-6", NULL}},
    {OPTIONS(4, 2, 2, 4, 0x02, 0xbc), 700, {"RFC9293-MUST-6", NULL, NULL}},
    {OPTIONS(254, 2, 2, 4, 0x02, 0xbc), 700, {"RFC9293-MUST-68", NULL, NULL}},
    /* malformed: what came before it counts */
    {OPTIONS(2, 4, 0x02, 0xbc, 3, 0), 700, {"C03", "RFC9293-MUST-7", NULL}},
    {OPTIONS(2, 4, 0x02, 0xbc, 3, 1), 700, {"C03", "RFC9293-MUST-7", NULL}},
    {OPTIONS(2, 4, 0x02, 0xbc, 8, 40), 700, {"C03", "RFC9293-MUST-7", NULL}},
    {OPTIONS(2, 0, 0x02, 0xbc), 536, {"C03", "RFC9293-MUST-7", NULL}},
    {OPTIONS(2, 1, 0x02, 0xbc), 536, {"C03", "RFC9293-MUST-7", NULL}},
    {OPTIONS(1, 1, 1, 2), 536, {"C03", "RFC9293-MUST-7", NULL}},
    {OPTIONS(8, 0, 2, 4, 0x02, 0xbc), 536, {"C03", "RFC9293-MUST-7", NULL}},
    /* the length of MSS is four */
    {OPTIONS(2, 3, 0x02), 536, {"C04", NULL, NULL}},
    {OPTIONS(2, 5, 0x02, 0xbc, 0), 536, {"C04", NULL, NULL}},
    {OPTIONS(2, 2), 536, {"C04", NULL, NULL}},
    /* and its values */
    {OPTIONS(2, 4, 0, 0), 536, {"C04", NULL, NULL}},
    {OPTIONS(2, 4, 0, 1), 48, {"C04", NULL, NULL}},
    {OPTIONS(2, 4, 0, 47), 48, {"C04", NULL, NULL}},
    {OPTIONS(2, 4, 0, 48), 48, {"C04", NULL, NULL}},
    {OPTIONS(2, 4, 0, 49), 49, {"C04", NULL, NULL}},
    {OPTIONS(2, 4, 0x05, 0xb3), 1459, {"RFC9293-MUST-16", NULL, NULL}},
    {OPTIONS(2, 4, 0x05, 0xb4), 1460, {"RFC9293-MUST-16", NULL, NULL}},
    {OPTIONS(2, 4, 0x05, 0xb5), 1460, {"RFC9293-MUST-16", NULL, NULL}},
    {OPTIONS(2, 4, 0xff, 0xff), 1460, {"C04", "RFC9293-MUST-16", NULL}},
};

START_TEST(the_options_of_a_syn_decide_how_large_our_segments_are)
{
    struct peer *p = peer_new();
    int listener = peer_listen(p, 4);

    peer_flow_new(p);
    PEER_SEND(p, .flags = "S", .options = options[_i].options, .no_options = true);
    peer_expect(p, "S.", 0, 1, 0);
    peer_send(p, ".", 1, 1, 0);
    int s = peer_accept(p, listener);
    /* A malformed list in a SYN is itself nothing that the SYN has to say: its own window and no
     * MSS. */
    peer_app_send(p, s, 3000);
    peer_expect(p, ".", 1, 1, options[_i].mss);
    peer_expect(p, ".", 1 + options[_i].mss, 1, options[_i].mss);
    ck_assert_uint_eq(peer_info(p, s).snd_mss, options[_i].mss);
    peer_free(p);
    for (int i = 0; options[_i].ids[i]; i++)
        PROVES(options[_i].ids[i]);
}
END_TEST

START_TEST(our_own_syn_learns_the_mss_from_the_syn_ack)
{
    struct peer *p = peer_new();
    int s = peer_connect(p);

    p->mss = 700;
    peer_send(p, "S.", 0, 1, 0);
    peer_expect(p, ".", 1, 1, 0);
    peer_app_send(p, s, 3000);
    peer_expect(p, ".", 1, 1, 700);
    peer_free(p);
    PROVES("RFC9293-MUST-14");
}
END_TEST

START_TEST(an_mss_without_a_syn_is_ignored)
{
    static const uint8_t mss_100[] = {2, 4, 0, 100};
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    PEER_SEND(p, .flags = "P.", .seq = 1, .ack = 1, .len = 10, .options = {mss_100, 4});
    peer_app_read(p, s, 10);
    peer_wait(p, 50);
    peer_skip(p);
    peer_app_send(p, s, 3000);
    peer_expect(p, ".", 1, 11, 1460);
    peer_free(p);
    PROVES("C04");
}
END_TEST

/* 256 kinds with every length, malformed ones too, on a connection that has nothing to do with it.
 */
START_TEST(no_option_hurts_an_established_connection)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);
    uint8_t list[40];
    uint32_t seq = 1;

    for (unsigned kind = 0; kind < 256; kind++) {
        for (unsigned i = 0; i < 6; i++) {
            static const uint8_t lens[6] = {0, 1, 2, 3, 40, 255};
            memset(list, 1, sizeof(list));
            list[0] = (uint8_t)kind;
            list[1] = lens[i];
            PEER_SEND(p, .flags = "P.", .seq = seq, .ack = 1, .len = 3,
                      .options = {list, sizeof(list)});
            peer_app_read(p, s, 3);
            seq += 3;
        }
        peer_wait(p, 50);
        peer_skip(p);
    }
    ck_assert_uint_eq(peer_rcv_nxt(p), seq);
    ck_assert_uint_gt(peer_counter(p, COUNTER_TCP_BAD_OPTION), 0);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    peer_free(p);
    PROVES("C03", "RFC9293-MUST-5", "RFC9293-MUST-7");
}
END_TEST

START_TEST(options_on_text_move_it_to_its_place)
{
    static const uint8_t stamps[] = {1, 1, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0};
    static const uint8_t strange[] = {253, 4, 7, 7};
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    PEER_SEND(p, .flags = "P.", .seq = 1, .ack = 1, .len = 10, .options = {stamps, 12});
    PEER_SEND(p, .flags = "P.", .seq = 11, .ack = 1, .len = 10, .options = {strange, 4});
    peer_app_read(p, s, 20);
    peer_wait(p, 50);
    ck_assert_uint_eq(peer_rcv_nxt(p), 21);
    peer_free(p);
    PROVES("RFC9293-MUST-5", "RFC9293-MUST-6");
}
END_TEST

/* The MSS option is there whatever its value (MAY-3), and is what the link can carry (MUST-67). */
START_TEST(our_mss_is_the_mtu_less_forty)
{
    static const uint32_t mtus[][2] = {{1500, 1460}, {576, 536}, {1400, 1360}, {9000, 8960}};
    struct stack_config config;

    peer_config(&config);
    config.mtu = mtus[_i][0];
    struct peer *p = peer_new_with(&config, 0);
    peer_listen(p, 4);
    peer_flow_new(p);
    peer_syn(p);
    ck_assert_uint_eq(peer_expect(p, "S.", 0, 1, 0).mss, mtus[_i][1]);
    peer_free(p);
    PROVES("RFC9293-MUST-67", "RFC9293-MAY-3");
}
END_TEST

/* --- RFC 7323, 2.2: window scale
 * ------------------------------------------------------------------------------- */

START_TEST(a_syn_without_window_scale_gets_a_syn_ack_without_it)
{
    struct peer *p = peer_new();
    int listener = peer_listen(p, 4);

    peer_flow_new(p);
    peer_syn(p);
    struct peer_segment seg = peer_expect(p, "S.", 0, 1, 0);
    ck_assert(!seg.has_scale);
    ck_assert_uint_eq(seg.window, 65535);
    peer_send(p, ".", 1, 1, 0);
    int s = peer_accept(p, listener);
    peer_send(p, "P.", 1, 1, 100);
    peer_wait(p, 50);
    seg = peer_expect(p, ".", 1, 101, 0);
    ck_assert_uint_ge(seg.window, 65435);
    peer_app_read(p, s, 100);
    peer_free(p);
    PROVES("RFC7323-2.2-a");
}
END_TEST

START_TEST(a_syn_ack_without_window_scale_turns_ours_off)
{
    struct peer *p = peer_new();
    int s = peer_connect(p);

    p->window = 2000;
    peer_send(p, "S.", 0, 1, 0);
    struct peer_segment seg = peer_expect(p, ".", 1, 1, 0);
    ck_assert_uint_ge(seg.window, 65000); /* not 511 */
    peer_app_send(p, s, 5000);
    peer_expect(p, ".", 1, 1, 1460);
    peer_expect_nothing(p); /* 540 octets of window are left: less than a segment */
    peer_free(p);
    PROVES("RFC7323-2.2-a");
}
END_TEST

static const struct {
    int theirs;
    uint32_t shift;
} shifts[] = {{0, 0}, {1, 1}, {7, 7}, {14, 14}, {15, 14}, {255, 14}};

START_TEST(windows_are_shifted_by_what_the_syns_said_and_at_most_by_14)
{
    struct peer *p = peer_new();
    int listener = peer_listen(p, 4);

    p->scale = shifts[_i].theirs;
    peer_flow_new(p);
    peer_syn(p);
    struct peer_segment seg = peer_expect(p, "S.", 0, 1, 0);
    ck_assert(seg.has_scale);
    ck_assert_uint_eq(seg.scale, 7);
    ck_assert_uint_eq(seg.window, 65535); /* literally */
    /* A window of one unit: so much may be sent, and no more. */
    p->window = 1;
    peer_send(p, ".", 1, 1, 0);
    int s = peer_accept(p, listener);
    peer_send(p, "P.", 1, 1, 100);
    peer_wait(p, 50);
    seg = peer_expect(p, ".", 1, 101, 0);
    ck_assert_uint_ge(seg.window, 500); /* our own shift of 7 */
    ck_assert_uint_le(seg.window, 8192);
    peer_app_send(p, s, 40000);
    peer_wait(p, 900); /* the override timer lets a small segment go */
    uint32_t window = UINT32_C(1) << shifts[_i].shift, cwnd = 14600;
    uint32_t may = window < cwnd ? window : cwnd / 1460 * 1460;
    uint32_t sent = peer_snd_nxt(p) - 1;
    ck_assert_uint_le(sent, may);
    ck_assert_uint_ge(sent + 1460, may);
    peer_skip(p);
    peer_free(p);
    PROVES("RFC7323-2.3-a", "RFC7323-2.3-b", "RFC7323-2.2-a", "RFC9293-ACK-2");
}
END_TEST

START_TEST(window_scale_without_a_syn_is_ignored)
{
    static const uint8_t scale_3[] = {1, 3, 3, 3};
    struct peer *p = peer_new();
    int listener = peer_listen(p, 4);

    p->scale = 7;
    peer_flow_new(p);
    peer_syn(p);
    peer_expect(p, "S.", 0, 1, 0);
    p->window = 8; /* 1024 */
    PEER_SEND(p, .flags = ".", .seq = 1, .ack = 1, .options = {scale_3, 4});
    int s = peer_accept(p, listener);
    PEER_SEND(p, .flags = "P.", .seq = 1, .ack = 1, .len = 10, .options = {scale_3, 4});
    peer_wait(p, 50);
    peer_skip(p);
    peer_app_send(p, s, 4000);
    peer_expect(p, ".", 1, 11, 1024);
    peer_expect_nothing(p);
    peer_free(p);
    PROVES("RFC7323-2.2-b");
}
END_TEST

/* --- 3.1: the checksum, the header
 * ---------------------------------------------------------------------------------- */

START_TEST(a_wrong_checksum_is_dropped_without_a_trace)
{
    struct peer *p = peer_new();
    int listener = peer_listen(p, 4);

    peer_flow_new(p);
    PEER_SEND(p, .flags = "S", .bad_checksum = true);
    peer_expect_nothing(p);
    ck_assert_uint_eq(peer_usage(p).connections, 0);
    peer_syn(p);
    peer_expect(p, "S.", 0, 1, 0);
    PEER_SEND(p, .flags = "R", .seq = 1, .bad_checksum = true);
    peer_send(p, ".", 1, 1, 0);
    int s = peer_accept(p, listener);
    PEER_SEND(p, .flags = "P.", .seq = 1, .ack = 1, .len = 100, .bad_checksum = true);
    PEER_SEND(p, .flags = "R", .seq = 1, .bad_checksum = true);
    PEER_SEND(p, .flags = "F.", .seq = 1, .ack = 1, .bad_checksum = true);
    peer_expect_silence(p, 500);
    ck_assert_uint_eq(peer_drops(p, DROP_TCP_CHECKSUM), 5);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    ck_assert_int_eq(peer_recv_result(p, s), -EAGAIN);
    peer_free(p);
    PROVES("RFC9293-MUST-3", "C02");
}
END_TEST

START_TEST(a_data_offset_that_cannot_be_is_dropped)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    for (uint8_t offset = 1; offset < 16; offset++) {
        if (offset == 5)
            continue; /* the right one */
        PEER_SEND(p, .flags = ".", .seq = 1, .ack = 1, .data_offset = offset);
    }
    peer_expect_nothing(p);
    ck_assert_uint_eq(peer_drops(p, DROP_TCP_HEADER), 14);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    peer_free(p);
    PROVES("RFC9293-ROBUST-1", "C01");
}
END_TEST

/* The reserved bits, and ECE and CWR that nobody has negotiated: ECE alone asks for nothing. */
START_TEST(reserved_bits_are_ignored)
{
    struct peer *p = peer_new();
    int listener = peer_listen(p, 4);
    uint32_t seq = 1;

    peer_flow_new(p);
    PEER_SEND(p, .flags = "SE", .reserved = 15);
    peer_expect(p, "S.", 0, 1, 0);
    peer_send(p, ".", 1, 1, 0);
    int s = peer_accept(p, listener);
    for (uint8_t bits = 0; bits < 64; bits++, seq += 5) {
        PEER_SEND(p, .flags = "P.", .seq = seq, .ack = 1, .len = 5, .reserved = bits & 15,
                  .more_flags = (uint8_t)((bits & 0x30) << 2));
        peer_app_read(p, s, 5);
    }
    peer_free(p);
    PROVES("C43");
}
END_TEST

START_TEST(the_dscp_of_a_segment_does_not_matter)
{
    struct peer *p = peer_new();
    int listener = peer_listen(p, 4);
    uint32_t seq = 1;

    peer_flow_new(p);
    PEER_SEND(p, .flags = "S", .dscp = 46);
    peer_expect(p, "S.", 0, 1, 0);
    PEER_SEND(p, .flags = ".", .seq = 1, .ack = 1, .dscp = 8);
    int s = peer_accept(p, listener);
    for (uint8_t dscp = 0; dscp < 64; dscp++, seq += 5) {
        PEER_SEND(p, .flags = "P.", .seq = seq, .ack = 1, .len = 5, .dscp = dscp);
        peer_app_read(p, s, 5);
    }
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    peer_free(p);
    PROVES("RFC2873-4-a");
}
END_TEST

START_TEST(ip_options_do_not_hide_the_segment)
{
    static const uint8_t strange[] = {1, 1, 0x9e, 5, 7, 7, 7, 0}; /* kind 30, copied */
    struct peer *p = peer_new();

    peer_listen(p, 4);
    peer_flow_new(p);
    PEER_SEND(p, .flags = "S", .ip_options = {strange, sizeof(strange)});
    peer_expect(p, "S.", 0, 1, 0);
    peer_free(p);
    PROVES("RFC9293-MUST-50");
}
END_TEST

/* --- 3.9.2.3: addresses
 * ------------------------------------------------------------------------------------------------
 */

static const struct {
    uint32_t src, dst;
    bool broadcast;
    const char *id;
} strangers[] = {
    {0, PEER_V4(255, 255, 255, 255), true, "RFC9293-MUST-57"},
    {0, PEER_V4(10, 9, 0, 255), true, "RFC9293-MUST-57"},
    {0, PEER_V4(10, 9, 0, 255), false, "RFC9293-MUST-57"},
    {0, PEER_V4(224, 0, 0, 1), false, "RFC9293-MUST-57"},
    {0, 0, true, "RFC9293-MUST-57"},
    {PEER_V4(224, 0, 0, 1), 0, false, "RFC9293-MUST-63"},
    {PEER_V4(255, 255, 255, 255), 0, false, "RFC9293-MUST-63"},
    {PEER_V4(10, 9, 0, 255), 0, false, "RFC9293-MUST-63"},
    {PEER_V4(127, 0, 0, 1), 0, false, "RFC9293-MUST-63"},
    {PEER_V4(240, 0, 0, 1), 0, false, "RFC9293-MUST-63"},
    {PEER_STACK_ADDR, 0, false, "RFC9293-MUST-63"},
};

START_TEST(a_syn_from_or_to_an_address_that_is_nobodys_is_dropped_in_silence)
{
    struct peer *p = peer_new();

    peer_listen(p, 4);
    peer_flow_new(p);
    PEER_SEND(p, .flags = "S", .src_addr = strangers[_i].src, .dst_addr = strangers[_i].dst,
              .broadcast = strangers[_i].broadcast);
    PEER_SEND(p, .flags = ".", .src_addr = strangers[_i].src, .dst_addr = strangers[_i].dst,
              .broadcast = strangers[_i].broadcast);
    peer_expect_silence(p, 3000);
    ck_assert_uint_eq(peer_usage(p).connections, 0);
    ck_assert_uint_eq(p->icmp_out, 0);
    peer_free(p);
    PROVES(strangers[_i].id);
}
END_TEST

/* 0.0.0.0, which the table above cannot say, and its network. */
START_TEST(a_syn_from_the_unspecified_address_is_dropped_in_silence)
{
    struct peer *p = peer_new();

    peer_listen(p, 4);
    peer_flow_new(p)->their_addr = _i == 0 ? 0 : PEER_V4(0, 1, 2, 3);
    peer_syn(p);
    peer_expect_silence(p, 3000);
    ck_assert_uint_eq(peer_drops(p, DROP_IP4_MARTIAN), 1);
    ck_assert_uint_eq(peer_usage(p).connections, 0);
    peer_free(p);
    PROVES("RFC9293-MUST-63");
}
END_TEST

/* LAND: source and destination are the same socket. */
START_TEST(a_syn_from_ourselves_is_a_martian)
{
    struct peer *p = peer_new();

    peer_listen(p, 4);
    peer_flow_new(p)->their_port = PEER_STACK_PORT;
    PEER_SEND(p, .flags = "S", .src_addr = PEER_STACK_ADDR);
    peer_expect_silence(p, 3000);
    ck_assert_uint_eq(peer_drops(p, DROP_IP4_MARTIAN), 1);
    ck_assert_uint_eq(peer_usage(p).connections, 0);
    peer_free(p);
    PROVES("C14");
}
END_TEST

/* --- a lossless life at every place of the circle
 * ---------------------------------------------------------------------- */

static const uint32_t near_the_seam[] = {0,          1,          UINT32_MAX,        UINT32_MAX - 1,
                                         0xffffff00, 0xfffff000, UINT32_C(1) << 31, 0x7ffffff0};

START_TEST(a_connection_lives_across_the_seam_in_both_directions)
{
    struct peer *p = peer_new_at_iss(near_the_seam[_i % 8], false);
    int listener = peer_listen(p, 1);

    p->iss = near_the_seam[_i / 8];
    peer_flow_new(p);
    peer_syn(p);
    ck_assert_uint_eq(peer_expect(p, "S.", 0, 1, 0).seq_absolute, near_the_seam[_i % 8]);
    peer_send(p, ".", 1, 1, 0);
    int s = peer_accept(p, listener);
    /* out of order, overlapping, ten thousand octets */
    for (uint32_t at = 1; at < 10001; at += 2000) {
        peer_send(p, ".", at + 1000, 1, 1000);
        peer_send(p, ".", at + 500, 1, 700);
        peer_send(p, "P.", at, 1, 600);
        peer_app_read(p, s, 2000);
    }
    peer_wait(p, 50);
    ck_assert_uint_eq(peer_rcv_nxt(p), 10001);
    peer_skip(p);
    peer_app_send(p, s, 10000);
    for (uint32_t at = 1; at < 10001; at += 1460) {
        uint32_t len = 10001 - at < 1460 ? 10001 - at : 1460;
        peer_expect(p, ".", at, 10001, len);
        peer_send(p, ".", 10001, at + len, 0);
    }
    peer_close(p, s);
    peer_expect(p, "F.", 10001, 10001, 0);
    peer_send(p, "F.", 10001, 10002, 0);
    peer_expect(p, ".", 10002, 10002, 0);
    peer_free(p);
    PROVES("C11", "RFC9293-SEQ-7");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("tcp_handshake");

    TCase *c = tcase_create("RFC 9293, 3.10.7.2: LISTEN");
    tcase_add_test(c, listen_answers_a_syn_with_syn_ack_and_the_third_step_establishes);
    tcase_add_loop_test(c, text_in_the_batch_of_its_syn_is_answered_by_the_syn_ack, 0, 2);
    tcase_add_test(c, syn_acks_to_a_station_that_is_asked_for_leave_when_it_answers);
    tcase_add_test(c, listen_counts_across_the_seam_of_the_circle);
    tcase_add_loop_test(c, listen_resets_what_acknowledges_and_ignores_what_is_no_syn, 0,
                        (int)ARRAY_LEN(at_listen));
    tcase_add_loop_test(c, listen_drops_flags_that_mean_nothing_by_name, 0,
                        (int)ARRAY_LEN(nonsense));
    tcase_add_test(c, text_on_a_syn_arrives_once_and_not_before_the_third_step);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 9293, 3.10.7.4: SYN-RECEIVED");
    tcase_add_test(c, a_syn_ack_is_repeated_with_backoff_and_given_up_after_five);
    tcase_add_test(c, the_same_syn_again_makes_no_second_connection);
    tcase_add_loop_test(c, a_syn_again_with_other_options_or_another_number_changes_nothing, 0, 5);
    tcase_add_test(c, a_syn_inside_the_window_sends_a_passive_open_back_to_listen);
    tcase_add_loop_test(c, syn_received_resets_an_ack_of_what_was_never_sent_and_waits_on, 0,
                        (int)ARRAY_LEN(bad_acks));
    tcase_add_test(c, syn_received_drops_text_without_ack);
    tcase_add_test(c, the_first_text_completes_a_handshake_whose_third_step_was_lost);
    tcase_add_test(c, a_fin_with_the_third_step_goes_to_close_wait_with_its_text);
    tcase_add_test(c, a_reset_sends_a_passive_open_back_to_listen_in_silence);
    tcase_add_test(c, a_reset_refuses_an_active_open_that_met_another);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 9293, 3.10.7.3: SYN-SENT");
    tcase_add_test(c, connect_sends_one_syn_that_acknowledges_nothing);
    tcase_add_test(c, syn_sent_acknowledges_a_syn_ack_and_is_established);
    tcase_add_test(c, syn_sent_takes_the_window_unscaled);
    tcase_add_loop_test(c, syn_sent_resets_an_ack_that_is_not_of_its_syn_and_asks_again_in_time, 0,
                        (int)ARRAY_LEN(bad_acks));
    tcase_add_loop_test(c, syn_sent_ignores_a_reset_that_acknowledges_something_else, 0,
                        (int)ARRAY_LEN(bad_acks));
    tcase_add_test(c, syn_sent_is_refused_by_a_reset_that_acknowledges_its_syn);
    tcase_add_loop_test(c, syn_sent_drops_what_is_neither_syn_nor_a_believable_reset, 0,
                        (int)ARRAY_LEN(no_syn));
    tcase_add_test(c, text_on_a_syn_ack_arrives_once);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 9293, 3.5: establishing a connection");
    tcase_add_test(c, two_opens_that_meet_make_one_connection);
    tcase_add_test(c, two_opens_that_meet_need_no_syn_ack_of_the_peer);
    tcase_add_test(c, the_syn_ack_of_a_met_open_is_repeated_with_backoff);
    tcase_add_test(c, syn_sent_resets_the_answer_to_an_old_syn_and_is_established_by_the_right_one);
    tcase_add_test(c, an_unanswered_syn_is_repeated_with_backoff_and_given_up_after_three_minutes);
    tcase_add_loop_test(c, few_syns_are_no_reason_to_give_up_early_nor_is_a_short_time, 0, 2);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 9293, 3.2 and 3.7.1: options");
    tcase_add_loop_test(c, the_options_of_a_syn_decide_how_large_our_segments_are, 0,
                        (int)ARRAY_LEN(options));
    tcase_add_test(c, our_own_syn_learns_the_mss_from_the_syn_ack);
    tcase_add_test(c, an_mss_without_a_syn_is_ignored);
    tcase_add_test(c, no_option_hurts_an_established_connection);
    tcase_add_test(c, options_on_text_move_it_to_its_place);
    tcase_add_loop_test(c, our_mss_is_the_mtu_less_forty, 0, 4);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 7323, 2.2: window scale");
    tcase_add_test(c, a_syn_without_window_scale_gets_a_syn_ack_without_it);
    tcase_add_test(c, a_syn_ack_without_window_scale_turns_ours_off);
    tcase_add_loop_test(c, windows_are_shifted_by_what_the_syns_said_and_at_most_by_14, 0,
                        (int)ARRAY_LEN(shifts));
    tcase_add_test(c, window_scale_without_a_syn_is_ignored);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 9293, 3.1: header");
    tcase_add_test(c, a_wrong_checksum_is_dropped_without_a_trace);
    tcase_add_test(c, a_data_offset_that_cannot_be_is_dropped);
    tcase_add_test(c, reserved_bits_are_ignored);
    tcase_add_test(c, the_dscp_of_a_segment_does_not_matter);
    tcase_add_test(c, ip_options_do_not_hide_the_segment);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 9293, 3.9.2.3: address validation");
    tcase_add_loop_test(c, a_syn_from_or_to_an_address_that_is_nobodys_is_dropped_in_silence, 0,
                        (int)ARRAY_LEN(strangers));
    tcase_add_loop_test(c, a_syn_from_the_unspecified_address_is_dropped_in_silence, 0, 2);
    tcase_add_test(c, a_syn_from_ourselves_is_a_martian);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 9293, 3.4: sequence numbers");
    tcase_add_loop_test(c, a_connection_lives_across_the_seam_in_both_directions, 0, 64);
    suite_add_tcase(s, c);
    return run_suite(s, "tcp_handshake");
}
