/*
 * test_tcp_ecn.c - congestion marks: what two ends agree on, what is marked, what is echoed, and
 * what comes of an echo (RFC 3168, 6.1), as a peer sees it.
 *
 * What must never be marked is not looked for here: support/wire.c checks each segment of each
 * test of a peer for it (a SYN, a bare ACK, what was sent before, a probe, a reset, and all of a
 * connection whose ends have not agreed).
 */
#include <stdio.h>

#include "base/base.h"
#include "support/peer.h"
#include "support/proves.h"

enum { MSS = 1460, NEVER = 0, ASK = 1, ANSWER = 2 };

static struct peer *with_ecn(int64_t value)
{
    struct stack_config config;

    peer_config(&config);
    config.values.tcp_ecn = value;
    return peer_new_with(&config, 0);
}

/* A peer opens with these flags, and is answered with those. */
static int opened_by(struct peer *p, const char *syn, const char *answer)
{
    int listener = peer_listen(p, 1);

    p->scale = 8;
    peer_flow_new(p);
    PEER_SEND(p, .flags = syn);
    peer_expect(p, answer, 0, 1, 0);
    peer_send(p, ".", 1, 1, 0);
    int s = peer_accept(p, listener);
    peer_close(p, listener);
    return s;
}

/* Both ends agree, and a flight of ten leaves. */
static int with_a_flight_of_ten(struct peer *p)
{
    int s = opened_by(p, "SEW", "SE.");

    peer_app_send(p, s, 200000);
    for (uint32_t i = 0; i < 10; i++)
        ck_assert_uint_eq(peer_expect(p, ".", 1 + i * MSS, 1, MSS).ecn, WIRE_ECT_0);
    peer_expect_nothing(p);
    return s;
}

static uint32_t cwnd(struct peer *p, int s)
{
    return peer_info(p, s).facts.cwnd;
}

static uint32_t ssthresh(struct peer *p, int s)
{
    return peer_info(p, s).facts.ssthresh;
}

/* Is text of ours marked as capable, and is a mark on the peer's echoed? */
static void expect_marks(struct peer *p, int s, bool marked, bool echoed)
{
    peer_app_send(p, s, 100);
    struct peer_segment seg = peer_expect(p, ".", 1, 1, 100);
    ck_assert_uint_eq(seg.ecn, marked ? WIRE_ECT_0 : 0);
    PEER_SEND(p, .flags = ".", .seq = 1, .ack = 101, .len = 10, .ecn = WIRE_CE);
    peer_expect(p, echoed ? "E." : ".", 101, 11, 0);
}

/* --- the handshake ------------------------------------------------------------------------ */

static const char *const sets[] = {"", "E", "W", "EW"};

/* Every set of ECE and CWR, with AE and without, for each value of tcp.ecn. */
START_TEST(only_a_syn_with_both_flags_asks_and_ece_alone_answers)
{
    int set = _i & 3, value = _i >> 3;
    bool agreed = set == 3 && value != NEVER;
    struct peer *p = with_ecn(value);
    int listener = peer_listen(p, 1);
    char syn[8];

    snprintf(syn, sizeof syn, "S%s", sets[set]);
    peer_flow_new(p);
    PEER_SEND(p, .flags = syn, .reserved = _i >> 2 & 1);
    peer_expect(p, agreed ? "SE." : "S.", 0, 1, 0);
    peer_send(p, ".", 1, 1, 0);
    int s = peer_accept(p, listener);
    ck_assert_uint_eq(peer_drops(p, DROP_TCP_FLAGS), 0);
    expect_marks(p, s, agreed, agreed);
    peer_free(p);
    PROVES("RFC3168-6.1.1-a", "RFC3168-6.1.1-b", "RFC9293-SHLD-8", "RFC9768-3-a");
}
END_TEST

/* The same for what comes back. */
START_TEST(only_a_syn_ack_with_ece_alone_grants_what_was_asked_for)
{
    int set = _i & 3, value = _i >> 3;
    bool agreed = set == 1 && value == ASK;
    struct peer *p = with_ecn(value);
    int s = peer_socket(p);
    char syn_ack[8];

    ck_assert_int_eq(sock_connect(p->stack, s, peer_endpoint(PEER_ADDR, PEER_STACK_PORT), NULL),
                     -EINPROGRESS);
    peer_poll(p);
    peer_expect(p, value == ASK ? "SEW" : "S", 0, 0, 0);
    snprintf(syn_ack, sizeof syn_ack, "S%s.", sets[set]);
    PEER_SEND(p, .flags = syn_ack, .ack = 1, .reserved = _i >> 2 & 1);
    peer_expect(p, ".", 1, 1, 0);
    expect_marks(p, s, agreed, agreed);
    peer_free(p);
    PROVES("RFC3168-6.1.1-a", "RFC3168-6.1.1-b");
}
END_TEST

/* SYNs that cross: both must ask, and neither may take it back. */
START_TEST(calls_that_cross_agree_if_all_four_segments_do)
{
    int syn_set = _i & 3, answer_set = _i >> 2 & 3, value = _i >> 4;
    bool asked = syn_set == 3 && value == ASK, agreed = asked && answer_set == 1;
    struct peer *p = with_ecn(value);
    int s = peer_socket(p);
    char flags[8];

    ck_assert_int_eq(sock_connect(p->stack, s, peer_endpoint(PEER_ADDR, PEER_STACK_PORT), NULL),
                     -EINPROGRESS);
    peer_poll(p);
    peer_expect(p, value == ASK ? "SEW" : "S", 0, 0, 0);
    snprintf(flags, sizeof flags, "S%s", sets[syn_set]);
    PEER_SEND(p, .flags = flags);
    peer_expect(p, asked ? "SE." : "S.", 0, 1, 0);
    snprintf(flags, sizeof flags, "S%s.", sets[answer_set]);
    PEER_SEND(p, .flags = flags, .ack = 1);
    peer_expect(p, ".", 1, 1, 0);
    expect_marks(p, s, agreed, agreed);
    peer_free(p);
    PROVES("RFC3168-6.1.1-a", "RFC3168-6.1.1-b");
}
END_TEST

START_TEST(a_syn_that_is_not_answered_goes_again_without_asking)
{
    struct peer *p = with_ecn(ASK);
    int s = peer_socket(p);

    ck_assert_int_eq(sock_connect(p->stack, s, peer_endpoint(PEER_ADDR, PEER_STACK_PORT), NULL),
                     -EINPROGRESS);
    peer_poll(p);
    peer_expect(p, "SEW", 0, 0, 0);
    for (int64_t ms = 1000; ms <= 4000; ms *= 2)
        peer_expect_after(p, ms, "S", 0, 0, 0);
    /* Who answers the first only now agrees with what the first has said. */
    PEER_SEND(p, .flags = _i ? "SE." : "S.", .ack = 1);
    peer_expect(p, ".", 1, 1, 0);
    expect_marks(p, s, false, _i);
    peer_free(p);
    PROVES("RFC3168-6.1.1.1-a", "RFC3168-6.1.1-b");
}
END_TEST

/* The half-open connection is an entry of the SYN cache, and then a connection again. */
START_TEST(a_syn_ack_that_is_sent_again_grants_again)
{
    struct peer *p = with_ecn(ANSWER);
    int listener = peer_listen(p, 1);

    peer_flow_new(p);
    PEER_SEND(p, .flags = "SEW");
    peer_expect(p, "SE.", 0, 1, 0);
    peer_expect_after(p, 1000, "SE.", 0, 1, 0);
    PEER_SEND(p, .flags = "SEW");
    peer_expect(p, "SE.", 0, 1, 0);
    peer_send(p, ".", 1, 1, 0);
    expect_marks(p, peer_accept(p, listener), true, true);
    peer_free(p);
    PROVES("RFC3168-6.1.1-a", "RFC3168-6.1.1-b");
}
END_TEST

START_TEST(a_second_syn_that_does_not_ask_takes_it_back_for_good)
{
    struct peer *p = with_ecn(ANSWER);
    int listener = peer_listen(p, 1);

    peer_flow_new(p);
    PEER_SEND(p, .flags = "SEW");
    peer_expect(p, "SE.", 0, 1, 0);
    PEER_SEND(p, .flags = "S");
    peer_expect(p, "S.", 0, 1, 0);
    PEER_SEND(p, .flags = "SEW");
    peer_expect(p, "S.", 0, 1, 0);
    peer_send(p, ".", 1, 1, 0);
    expect_marks(p, peer_accept(p, listener), false, false);
    peer_free(p);
    PROVES("RFC3168-6.1.1-a", "RFC3168-6.1.1.1-a");
}
END_TEST

/* ECE that comes with the third step, or with the peer's answer to ours, is no echo. */
START_TEST(nothing_on_a_syn_or_the_third_step_makes_cwnd_smaller)
{
    struct peer *p = with_ecn(ANSWER);
    int listener = peer_listen(p, 1);

    peer_flow_new(p);
    PEER_SEND(p, .flags = "SEW", .ecn = WIRE_CE);
    peer_expect(p, "SE.", 0, 1, 0);
    PEER_SEND(p, .flags = "E.", .seq = 1, .ack = 1, .ecn = WIRE_CE);
    int s = peer_accept(p, listener);
    ck_assert_uint_eq(cwnd(p, s), 10 * MSS);
    ck_assert_uint_eq(peer_counter(p, COUNTER_TCP_CE_IN), 0);
    peer_app_send(p, s, 100);
    peer_expect(p, ".", 1, 1, 100); /* neither ECE nor CWR */
    peer_free(p);
}
END_TEST

/* --- the receiver ------------------------------------------------------------------------- */

START_TEST(a_mark_is_echoed_on_every_ack_until_cwr_comes)
{
    struct peer *p = with_ecn(ANSWER);
    int s = opened_by(p, "SEW", "SE.");

    for (uint32_t round = 0, seq = 1; round < 3; round++, seq += 40) {
        PEER_SEND(p, .flags = ".", .seq = seq, .ack = 1, .len = 10, .ecn = WIRE_ECT_0);
        peer_expect(p, ".", 1, seq + 10, 0);
        PEER_SEND(p, .flags = ".", .seq = seq + 10, .ack = 1, .len = 10, .ecn = WIRE_CE);
        peer_expect(p, "E.", 1, seq + 20, 0);
        PEER_SEND(p, .flags = ".", .seq = seq + 20, .ack = 1, .len = 10);
        peer_expect(p, "E.", 1, seq + 30, 0);
        PEER_SEND(p, .flags = ".", .seq = seq + 20, .ack = 1, .len = 10); /* it has it */
        peer_expect(p, "E.", 1, seq + 30, 0);
        PEER_SEND(p, .flags = "W.", .seq = seq + 30, .ack = 1, .len = 10, .ecn = WIRE_ECT_0);
        peer_expect(p, ".", 1, seq + 40, 0);
    }
    ck_assert_uint_eq(peer_counter(p, COUNTER_TCP_CE_IN), 3);
    peer_app_read(p, s, 120);
    peer_free(p);
    PROVES("RFC3168-6.1.3-a");
}
END_TEST

/* In one batch: a note for each that comes early, of its own moment; then one ACK for the rest. */
START_TEST(each_ack_of_a_batch_says_what_its_moment_knew)
{
    struct peer *p = with_ecn(ANSWER);
    int s = opened_by(p, "SEW", "SE.");

    peer_batch_begin(p);
    PEER_SEND(p, .flags = ".", .seq = 11, .ack = 1, .len = 10, .ecn = WIRE_ECT_0);
    PEER_SEND(p, .flags = ".", .seq = 21, .ack = 1, .len = 10, .ecn = WIRE_CE);
    PEER_SEND(p, .flags = ".", .seq = 31, .ack = 1, .len = 10);
    PEER_SEND(p, .flags = "W.", .seq = 41, .ack = 1, .len = 10, .ecn = WIRE_ECT_0);
    PEER_SEND(p, .flags = ".", .seq = 1, .ack = 1, .len = 10);
    PEER_SEND(p, .flags = ".", .seq = 51, .ack = 1, .len = 10, .ecn = WIRE_CE);
    peer_batch_end(p);
    peer_expect(p, ".", 1, 1, 0);
    peer_expect(p, "E.", 1, 1, 0);
    peer_expect(p, "E.", 1, 1, 0);
    peer_expect(p, ".", 1, 1, 0);
    peer_expect(p, ".", 1, 51, 0);
    peer_expect(p, "E.", 1, 61, 0);
    /* A FIN that is marked shares the note of the text before it. */
    peer_batch_begin(p);
    PEER_SEND(p, .flags = "W.", .seq = 71, .ack = 1, .len = 10);
    PEER_SEND(p, .flags = ".", .seq = 61, .ack = 1, .len = 10);
    PEER_SEND(p, .flags = "F.", .seq = 81, .ack = 1, .ecn = WIRE_CE);
    peer_batch_end(p);
    peer_expect(p, ".", 1, 61, 0);
    peer_expect(p, "E.", 1, 82, 0);
    peer_app_read(p, s, 80);
    peer_free(p);
    PROVES("RFC3168-6.1.3-a");
}
END_TEST

/* An ACK that was delayed, text of ours, a keep-alive, a FIN: all of them are ACKs. A reset is
 * none. */
START_TEST(whatever_acknowledges_echoes)
{
    struct stack_config config;

    peer_config(&config);
    config.values.tcp_quick_acks = 0;
    struct peer *p = peer_new_with(&config, 0);
    int s = opened_by(p, "SEW", "SE.");

    ck_assert_int_eq(peer_set(p, s, SOL_SOCKET, SO_KEEPALIVE, 1), 0);
    ck_assert_int_eq(peer_set(p, s, IPPROTO_TCP, TCP_KEEPIDLE, 10), 0);
    PEER_SEND(p, .flags = ".", .seq = 1, .ack = 1, .len = 10, .ecn = WIRE_CE);
    peer_expect_after(p, 40, "E.", 1, 11, 0);
    peer_app_send(p, s, 100);
    peer_expect(p, "E.", 1, 11, 100);
    peer_expect_after(p, 1000, "E.", 1, 11, 100); /* again, and not marked */
    peer_send(p, ".", 11, 101, 0);
    peer_expect_after(p, 10000, "E.", 100, 11, 0);
    peer_send(p, ".", 11, 101, 0);
    peer_app_read(p, s, 10);
    if (_i == 0) {
        peer_close(p, s);
        peer_expect(p, "FE.", 101, 11, 0);
    } else {
        peer_abort(p, s);
        peer_expect_reset(p, 101);
    }
    peer_free(p);
    PROVES("RFC3168-6.1.3-a", "RFC3168-6.1.1-b");
}
END_TEST

START_TEST(a_mark_counts_on_text_in_the_window_alone)
{
    struct peer *p = with_ecn(ANSWER);
    int s = opened_by(p, "SEW", "SE.");

    PEER_SEND(p, .flags = ".", .seq = 1, .ack = 1, .len = 10, .ecn = WIRE_ECT_0);
    peer_expect(p, ".", 1, 11, 0);
    PEER_SEND(p, .flags = ".", .seq = 11, .ack = 1, .ecn = WIRE_CE); /* a bare ACK */
    PEER_SEND(p, .flags = ".", .seq = 1, .ack = 1, .len = 10, .ecn = WIRE_CE);
    peer_expect(p, ".", 1, 11, 0);
    PEER_SEND(p, .flags = ".", .seq = 1000000, .ack = 1, .len = 10, .ecn = WIRE_CE);
    peer_expect(p, ".", 1, 11, 0);
    PEER_SEND(p, .flags = ".", .seq = 11, .ack = 1000000, .len = 10, .ecn = WIRE_CE);
    peer_expect(p, ".", 1, 11, 0);
    ck_assert_uint_eq(peer_counter(p, COUNTER_TCP_CE_IN), 0);
    PEER_SEND(p, .flags = ".", .seq = 1, .ack = 1, .len = 20, .ecn = WIRE_CE); /* half is new */
    peer_expect(p, "E.", 1, 21, 0);
    /* CWR of a stranger, who knows no number, ends nothing. */
    PEER_SEND(p, .flags = "W.", .seq = 1000000, .ack = 1, .len = 10);
    peer_expect(p, "E.", 1, 21, 0);
    peer_app_read(p, s, 20);
    peer_free(p);
    PROVES("RFC3168-6.1.3-a");
}
END_TEST

/* --- the sender --------------------------------------------------------------------------- */

START_TEST(twenty_echoes_in_a_round_trip_cut_once_and_are_answered_once)
{
    struct peer *p = with_ecn(ANSWER);
    int s = with_a_flight_of_ten(p), cwr = 0;
    uint32_t una = 1, next = 1 + 10 * MSS;
    struct peer_segment seg;

    for (uint32_t i = 0; i < 20; i++) { /* half a segment each */
        una += MSS / 2;
        peer_send(p, "E.", 1, una, 0);
        ck_assert_uint_eq(ssthresh(p, s), 5 * MSS);
        ck_assert_uint_eq(cwnd(p, s), 5 * MSS);
        while (peer_next(p, &seg)) {
            ck_assert_uint_eq(seg.seq, next);
            ck_assert_uint_eq(seg.ecn, WIRE_ECT_0);
            ck_assert_int_eq(!!(seg.flags & WIRE_CWR), next == 1 + 10 * MSS);
            cwr += !!(seg.flags & WIRE_CWR);
            next += seg.len;
        }
    }
    ck_assert_int_eq(cwr, 1);
    ck_assert_uint_eq(next, 1 + 15 * MSS);
    ck_assert_uint_eq(peer_info(p, s).retransmits, 0);
    ck_assert_uint_eq(peer_counter(p, COUNTER_TCP_ECE_IN), 20);
    ck_assert_uint_eq(peer_counter(p, COUNTER_TCP_ECN_REDUCTIONS), 1);
    ck_assert_uint_eq(peer_counter(p, COUNTER_TCP_CWR_OUT), 1);
    /* The peer has the one with CWR; an echo from now on is of another mark. */
    peer_send(p, "E.", 1, 1 + 11 * MSS, 0);
    ck_assert_uint_eq(ssthresh(p, s), 5 * MSS / 2);
    ck_assert_uint_eq(peer_counter(p, COUNTER_TCP_ECN_REDUCTIONS), 2);
    peer_skip(p);
    peer_drop(p);
    PROVES("RFC3168-6.1.2-a");
}
END_TEST

START_TEST(an_echo_of_something_old_or_of_what_was_never_sent_does_nothing)
{
    static const uint32_t acks[] = {1, 1 + 2 * MSS, 2 + 10 * MSS, 1000000};
    struct peer *p = with_ecn(ANSWER);
    int s = with_a_flight_of_ten(p);

    peer_send(p, ".", 1, 1 + 3 * MSS, 0);
    uint32_t before = cwnd(p, s);
    peer_skip(p);
    peer_send(p, "E.", 1, acks[_i] < 1000000 ? acks[_i] + (_i == 2 ? 6 * MSS : 0) : acks[_i], 0);
    ck_assert_uint_eq(cwnd(p, s), before);
    ck_assert_uint_eq(ssthresh(p, s), UINT32_MAX);
    ck_assert_uint_eq(peer_counter(p, COUNTER_TCP_ECE_IN), 0);
    peer_drop(p);
    PROVES("RFC3168-6.1.2-a");
}
END_TEST

static enum why last_why;
static const char *last_cause;

static void look(struct event_sink *sink, const struct event *event)
{
    (void)sink;
    if (event->type == EVENT_PACKET && event->packet.fate == PACKET_CONSUMED)
        last_why = event->packet.why;
    if (event->type == EVENT_CWND)
        last_cause = event->cwnd.cause;
}

START_TEST(an_echo_is_told_as_the_reason_where_it_is_one)
{
    static struct event_sink sink;
    struct peer *p = with_ecn(ANSWER);
    int s = with_a_flight_of_ten(p);
    struct sock_tcp_info info;
    socklen_t len = sizeof info;

    sink = (struct event_sink){.event = look};
    stack_listen(p->stack, &sink);
    last_cause = NULL;
    peer_send(p, "E.", 1, 1 + MSS, 0);
    ck_assert_int_eq(last_why, WHY_IN_ACK_ECHO);
    ck_assert_str_eq(last_cause, "ECN echo (RFC 3168, 6.1.2)");
    ck_assert_int_eq(sock_getsockopt(p->stack, s, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
    ck_assert_int_eq(info.tcpi_ca_state, 2); /* Linux's CWR */
    ck_assert_uint_eq(info.tcpi_options & (SOCK_TCPI_ECN | SOCK_TCPI_ECN_SEEN), SOCK_TCPI_ECN);
    last_cause = NULL;
    peer_send(p, "E.", 1, 1 + 2 * MSS, 0);
    ck_assert_int_eq(last_why, WHY_IN_ACK_NEW);
    ck_assert_ptr_null(last_cause);
    peer_drop(p);
}
END_TEST

/* Without an agreement ECE is a bit like the reserved ones. */
START_TEST(an_echo_that_nobody_agreed_upon_does_nothing)
{
    struct peer *p = with_ecn(ANSWER);
    int s = opened_by(p, "S", "S.");

    peer_app_send(p, s, 200000);
    ck_assert_int_eq(peer_skip(p), 10);
    peer_send(p, "E.", 1, 1 + MSS, 0);
    ck_assert_uint_eq(cwnd(p, s), 11 * MSS);
    ck_assert_uint_eq(peer_counter(p, COUNTER_TCP_ECE_IN), 0);
    for (int i = 0; i < 3; i++) /* nor does a loss make it say CWR */
        peer_send(p, "E.", 1, 1 + MSS, 0);
    peer_send(p, "E.", 1, peer_snd_nxt(p), 0);
    ck_assert_int_gt(peer_skip(p), 0);
    ck_assert_uint_eq(peer_counter(p, COUNTER_TCP_FAST), 1);
    peer_drop(p);
    PROVES("RFC3168-6.1.1-a");
}
END_TEST

/* An echo on a duplicate ACK, and then the loss that it was one of. */
START_TEST(a_loss_in_a_window_that_was_answered_is_repaired_and_cuts_nothing)
{
    struct peer *p = with_ecn(ANSWER);
    int s = with_a_flight_of_ten(p);

    for (int i = 0; i < 3; i++)
        peer_send(p, "E.", 1, 1, 0);
    ck_assert_uint_eq(peer_expect(p, ".", 1, 1, MSS).ecn, 0);
    ck_assert_uint_eq(ssthresh(p, s), 5 * MSS);
    peer_send(p, "E.", 1, 1 + 10 * MSS, 0); /* recovery ends */
    ck_assert_uint_eq(ssthresh(p, s), 5 * MSS);
    ck_assert_uint_le(cwnd(p, s), 5 * MSS);
    struct peer_segment seg = peer_expect(p, "W.", 1 + 10 * MSS, 1, MSS);
    ck_assert_uint_eq(seg.ecn, WIRE_ECT_0);
    ck_assert_uint_eq(peer_counter(p, COUNTER_TCP_ECN_REDUCTIONS), 1);
    peer_drop(p);
    PROVES("RFC3168-6.1.2-a", "RFC3168-6.1.1-b");
}
END_TEST

/* The other way round: the loss first, and the echo while it is repaired or when it has been. */
START_TEST(an_echo_in_a_window_that_a_loss_has_cut_cuts_nothing)
{
    struct peer *p = with_ecn(ANSWER);
    int s = with_a_flight_of_ten(p);

    if (_i == 0) {
        for (int i = 0; i < 3; i++)
            peer_send(p, ".", 1, 1, 0);
    } else {
        peer_expect_after(p, 1000, ".", 1, 1, MSS);
    }
    uint32_t threshold = ssthresh(p, s), all = 1 + (_i == 0 ? 12 : 10) * MSS;
    peer_send(p, "E.", 1, 1 + MSS, 0);
    peer_send(p, "E.", 1, all, 0);
    ck_assert_uint_eq(ssthresh(p, s), threshold);
    ck_assert_uint_eq(peer_counter(p, COUNTER_TCP_ECN_REDUCTIONS), 0);
    struct peer_segment seg = {0};
    while (!(seg.flags & WIRE_CWR))
        ck_assert(peer_next(p, &seg)); /* wire.c sees that it is new text */
    ck_assert_uint_eq(seg.seq, all);   /* limited transmit was before the reduction */
    peer_drop(p);
    PROVES("RFC3168-6.1.2-a", "RFC3168-6.1.1-b");
}
END_TEST

/* From ten segments to one, echo by echo; then the next new text waits for the timer. */
static int with_cwnd_of_one_segment(struct peer *p, uint32_t *next)
{
    int s = opened_by(p, "SEW", "SE.");
    struct peer_segment seg;

    peer_app_send(p, s, 60000);
    *next = 1;
    while (cwnd(p, s) > MSS) {
        while (peer_next(p, &seg))
            *next += seg.len;
        peer_send(p, "E.", 1, *next, 0);
    }
    seg = peer_expect(p, "W.", *next, 1, MSS);
    *next += seg.len;
    peer_expect_nothing(p);
    return s;
}

START_TEST(at_one_segment_new_text_waits_for_the_retransmission_timer)
{
    struct peer *p = with_ecn(ANSWER);
    uint32_t next;
    int s = with_cwnd_of_one_segment(p, &next);

    for (int i = 0; i < 3; i++) { /* one segment in an RTO */
        peer_wait(p, 300);
        peer_send(p, "E.", 1, next, 0);
        ck_assert_uint_eq(cwnd(p, s), MSS);
        ck_assert_uint_eq(peer_expect_after(p, 1000, "W.", next, 1, MSS).ecn, WIRE_ECT_0);
        next += MSS;
    }
    /* Without an echo there is nothing to wait for. */
    peer_send(p, ".", 1, next, 0);
    peer_expect(p, ".", next, 1, MSS);
    ck_assert_uint_eq(peer_counter(p, COUNTER_TCP_RETRANSMITS), 0);
    peer_drop(p);
    PROVES("RFC3168-6.1.2-a");
}
END_TEST

/* What else may happen meanwhile: the window closes, the connection does, an ACK comes again. */
START_TEST(waiting_at_one_segment_is_no_way_to_hang)
{
    struct peer *p = with_ecn(ANSWER);
    uint32_t next;
    int s = with_cwnd_of_one_segment(p, &next);

    peer_send(p, "E.", 1, next, 0);
    if (_i == 0) {
        p->window = 0;
        peer_send(p, "E.", 1, next, 0);
        struct peer_segment probe = {0};
        peer_wait(p, 3000);
        ck_assert(peer_next(p, &probe) && probe.len == 1);
    } else if (_i == 1) {
        peer_close(p, s);
        peer_expect_after(p, 1000, "W.", next, 1, MSS);
    } else {
        for (int i = 0; i < 5; i++)
            peer_send(p, "E.", 1, next, 0);
        peer_expect_after(p, 1000, "W.", next, 1, MSS);
    }
    peer_drop(p);
    PROVES("RFC3168-6.1.2-a");
}
END_TEST

/* A handshake that lost a segment begins with cwnd at one; the echo acknowledges nothing. Text that
 * is acknowledged later does not end the wait. */
START_TEST(an_echo_without_news_at_one_segment_sets_the_timer_anew)
{
    struct peer *p = with_ecn(ANSWER);
    int listener = peer_listen(p, 1);

    peer_flow_new(p);
    PEER_SEND(p, .flags = "SEW");
    peer_expect(p, "SE.", 0, 1, 0);
    peer_expect_after(p, 1000, "SE.", 0, 1, 0);
    peer_send(p, ".", 1, 1, 0);
    int s = peer_accept(p, listener);
    peer_app_send(p, s, 10 * MSS);
    peer_expect(p, ".", 1, 1, MSS);
    peer_wait(p, 100);
    peer_send(p, "E.", 1, 1, 0);
    ck_assert_uint_eq(peer_counter(p, COUNTER_TCP_ECN_REDUCTIONS), 1);
    if (_i == 0) {
        peer_expect_after(p, 3000, ".", 1, 1, MSS); /* it was lost, after all */
    } else {
        peer_send(p, _i == 1 ? "E." : ".", 1, 1 + MSS, 0);
        peer_expect_after(p, 1000, "W.", 1 + MSS, 1, MSS);
    }
    peer_drop(p);
    PROVES("RFC3168-6.1.2-a");
}
END_TEST

/* No new text comes that could carry CWR, nor any from the peer to end the echo. */
START_TEST(in_time_wait_nothing_of_it_counts)
{
    struct peer *p = with_ecn(ANSWER);
    int s = opened_by(p, "SEW", "SE.");

    peer_app_send(p, s, 100);
    peer_expect(p, ".", 1, 1, 100);
    peer_send(p, "E.", 1, 101, 0);
    PEER_SEND(p, .flags = ".", .seq = 1, .ack = 101, .len = 10, .ecn = WIRE_CE);
    peer_expect(p, "E.", 101, 11, 0);
    peer_app_read(p, s, 10);
    peer_shutdown(p, s, SHUT_WR);
    ck_assert_uint_eq(peer_expect(p, "FE.", 101, 11, 0).ecn, 0);
    peer_send(p, "FE.", 11, 102, 0);
    peer_expect(p, ".", 102, 12, 0);
    PEER_SEND(p, .flags = "FE.", .seq = 11, .ack = 102, .ecn = WIRE_CE);
    peer_expect(p, ".", 102, 12, 0);
    peer_free(p);
    PROVES("RFC3168-6.1.3-a");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tcp_ecn");
    TCase *c = tcase_create("RFC 3168, 6.1.1: the handshake");

    tcase_add_loop_test(c, only_a_syn_with_both_flags_asks_and_ece_alone_answers, 0, 24);
    tcase_add_loop_test(c, only_a_syn_ack_with_ece_alone_grants_what_was_asked_for, 0, 24);
    tcase_add_loop_test(c, calls_that_cross_agree_if_all_four_segments_do, 0, 48);
    tcase_add_loop_test(c, a_syn_that_is_not_answered_goes_again_without_asking, 0, 2);
    tcase_add_test(c, a_syn_ack_that_is_sent_again_grants_again);
    tcase_add_test(c, a_second_syn_that_does_not_ask_takes_it_back_for_good);
    tcase_add_test(c, nothing_on_a_syn_or_the_third_step_makes_cwnd_smaller);
    suite_add_tcase(suite, c);

    c = tcase_create("RFC 3168, 6.1.3: the receiver");
    tcase_add_test(c, a_mark_is_echoed_on_every_ack_until_cwr_comes);
    tcase_add_test(c, each_ack_of_a_batch_says_what_its_moment_knew);
    tcase_add_loop_test(c, whatever_acknowledges_echoes, 0, 2);
    tcase_add_test(c, a_mark_counts_on_text_in_the_window_alone);
    suite_add_tcase(suite, c);

    c = tcase_create("RFC 3168, 6.1.2: the sender");
    tcase_add_test(c, twenty_echoes_in_a_round_trip_cut_once_and_are_answered_once);
    tcase_add_loop_test(c, an_echo_of_something_old_or_of_what_was_never_sent_does_nothing, 0, 4);
    tcase_add_test(c, an_echo_is_told_as_the_reason_where_it_is_one);
    tcase_add_test(c, an_echo_that_nobody_agreed_upon_does_nothing);
    tcase_add_test(c, a_loss_in_a_window_that_was_answered_is_repaired_and_cuts_nothing);
    tcase_add_loop_test(c, an_echo_in_a_window_that_a_loss_has_cut_cuts_nothing, 0, 2);
    tcase_add_test(c, at_one_segment_new_text_waits_for_the_retransmission_timer);
    tcase_add_loop_test(c, waiting_at_one_segment_is_no_way_to_hang, 0, 3);
    tcase_add_loop_test(c, an_echo_without_news_at_one_segment_sets_the_timer_anew, 0, 3);
    tcase_add_test(c, in_time_wait_nothing_of_it_counts);
    suite_add_tcase(suite, c);
    return run_suite(suite, "tcp_ecn");
}
