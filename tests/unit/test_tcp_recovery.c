/*
 * test_tcp_recovery.c - the retransmission timer, slow start, congestion avoidance, fast retransmit
 * and NewReno, as a peer sees them.
 *
 * Black box: a scripted peer (support/peer.h) and the public calls. Segments have 1460 octets of
 * text, so that the n-th of a flight (from 0) begins at seg(n).
 */
#include <stdlib.h>

#include "base/base.h"
#include "base/prng.h"
#include "support/peer.h"
#include "support/proves.h"

enum { MSS = 1460, IW = 14600 };

static uint32_t seg(uint32_t n)
{
    return 1 + n * MSS;
}

static uint32_t cwnd(struct peer *p, int s)
{
    return peer_info(p, s).facts.cwnd;
}

static uint32_t ssthresh(struct peer *p, int s)
{
    return peer_info(p, s).facts.ssthresh;
}

static uint32_t outstanding(const struct peer *p)
{
    return peer_snd_nxt(p) - peer_snd_una(p);
}

/* After a timeout it sends again what it has sent, and does not ask first (RFC 5682). */
static struct peer *peer_without_frto(void)
{
    struct stack_config config;

    peer_config(&config);
    config.values.tcp_frto = 0;
    return peer_new_with(&config, 0);
}

/* The peer's window is never in the way. */
static int with_large_window(struct peer *p)
{
    p->scale = 8;
    return peer_establish_passive(p);
}

/* Ten segments are in flight, and more is to come. */
static int with_a_flight_of_ten(struct peer *p)
{
    int s = with_large_window(p);

    peer_app_send(p, s, 200000);
    for (uint32_t i = 0; i < 10; i++)
        peer_expect(p, ".", seg(i), 1, MSS);
    peer_expect_nothing(p);
    return s;
}

static void duplicate_acks(struct peer *p, uint32_t ack, int count)
{
    for (int i = 0; i < count; i++)
        peer_send(p, ".", 1, ack, 0);
}

/* --- the initial window (RFC 5681, 3.1; RFC 6928, 2)
 * -------------------------------------------------- */

static const struct {
    uint16_t mss;
    uint32_t mtu, window;
} initial[] = {
    {1460, 1500, 14600}, {1459, 1500, 14590}, {1000, 1500, 10000},
    {536, 1500, 5360},   {48, 1500, 480},     {5000, 9000, 14600},
    {7300, 9000, 14600}, {7301, 9000, 14602}, {8960, 9000, 17920},
};

START_TEST(the_first_flight_is_the_initial_window)
{
    struct stack_config config;
    peer_config(&config);
    config.mtu = initial[_i].mtu;
    struct peer *p = peer_new_with(&config, 0);

    p->mss = initial[_i].mss;
    int s = with_large_window(p);
    ck_assert_uint_eq(cwnd(p, s), initial[_i].window);
    peer_app_send(p, s, 100000);
    peer_poll(p);
    ck_assert_uint_le(outstanding(p), initial[_i].window);
    ck_assert_uint_eq(outstanding(p) / initial[_i].mss, initial[_i].window / initial[_i].mss);
    peer_free(p);
    PROVES("RFC5681-3.1-a", "RFC5681-3.1-b");
}
END_TEST

START_TEST(an_active_open_has_the_same_initial_window)
{
    struct peer *p = peer_new();
    int s = peer_connect(p);

    p->scale = 8;
    peer_wait(p, 100);
    peer_send(p, "S.", 0, 1, 0);
    peer_expect(p, ".", 1, 1, 0);
    ck_assert_uint_eq(cwnd(p, s), IW);
    peer_free(p);
    PROVES("RFC5681-3.1-b");
}
END_TEST

/* RFC 5681, 3.1 asks for one segment when a SYN was lost; RFC 6928, 2 when more than one was. */
START_TEST(after_a_lost_syn_the_first_flight_is_one_segment)
{
    struct peer *p = peer_new();
    int s;

    p->scale = 8;
    if (_i == 0) {
        s = peer_connect(p);
        peer_expect_after(p, 1000, "S", 0, 0, 0);
        peer_expect_after(p, 2000, "S", 0, 0, 0);
        peer_send(p, "S.", 0, 1, 0);
        peer_expect(p, ".", 1, 1, 0);
    } else {
        int listener = peer_drive(p, TCPS_SYN_RECEIVED, false);
        peer_expect_after(p, 1000, "S.", 0, 1, 0);
        peer_expect_after(p, 2000, "S.", 0, 1, 0);
        peer_send(p, ".", 1, 1, 0);
        s = peer_accept(p, listener);
    }
    peer_app_send(p, s, 100000);
    peer_expect(p, ".", 1, 1, MSS);
    peer_expect_nothing(p);
    peer_free(p);
    PROVES("RFC5681-3.1-a");
}
END_TEST

/* --- slow start
 * ---------------------------------------------------------------------------------------------- */

START_TEST(in_slow_start_each_ack_of_a_segment_releases_two)
{
    struct peer *p = peer_new();
    int s = with_a_flight_of_ten(p);

    for (uint32_t i = 0; i < 20; i++) {
        peer_send(p, ".", 1, seg(i + 1), 0);
        peer_expect(p, ".", seg(10 + 2 * i), 1, MSS);
        peer_expect(p, ".", seg(11 + 2 * i), 1, MSS);
        peer_expect_nothing(p);
        ck_assert_uint_eq(cwnd(p, s), IW + (i + 1) * MSS);
    }
    peer_free(p);
    PROVES("RFC5681-3.1-d", "RFC9293-MUST-19");
}
END_TEST

START_TEST(acks_of_pieces_of_a_segment_gain_no_more_than_the_segment)
{
    struct peer *p = peer_new();
    int s = with_a_flight_of_ten(p);

    for (uint32_t i = 1; i <= 10; i++)
        peer_send(p, ".", 1, 1 + i * 146, 0);
    ck_assert_uint_le(cwnd(p, s), IW + MSS);
    ck_assert_uint_le(outstanding(p), IW + MSS);
    peer_free(p);
    PROVES("RFC5681-3.1-d");
}
END_TEST

START_TEST(one_ack_of_many_segments_gains_one_segment)
{
    struct peer *p = peer_new();
    int s = with_a_flight_of_ten(p);

    peer_send(p, ".", 1, seg(10), 0);
    ck_assert_uint_le(cwnd(p, s), IW + MSS);
    ck_assert_uint_eq(outstanding(p), 11 * MSS);
    peer_free(p);
    PROVES("RFC5681-3.1-d");
}
END_TEST

/* --- congestion avoidance
 * ---------------------------------------------------------------------------------------- */

/* One round trip: what is in flight now is acknowledged segment by segment. */
static void round_trip(struct peer *p)
{
    uint32_t end = peer_snd_nxt(p), una = peer_snd_una(p);

    peer_wait(p, 50);
    while (una < end) {
        una = end - una < MSS ? end : una + MSS;
        peer_send(p, ".", 1, una, 0);
    }
    peer_skip(p);
}

START_TEST(in_congestion_avoidance_cwnd_grows_by_a_segment_a_round_trip)
{
    struct stack_config config;
    peer_config(&config);
    config.values.tcp_wmem_first = 4 << 20;
    struct peer *p = peer_new_with(&config, 0);
    int s = with_a_flight_of_ten(p);

    peer_app_send(p, s, 2000000);
    duplicate_acks(p, 1, 3);
    peer_skip(p);
    peer_send(p, ".", 1, peer_snd_nxt(p), 0); /* it ends recovery */
    peer_skip(p);
    while (cwnd(p, s) < ssthresh(p, s))
        round_trip(p);
    uint32_t begin = cwnd(p, s);
    for (int i = 0; i < 20; i++) {
        uint32_t before = cwnd(p, s);
        round_trip(p);
        ck_assert_uint_le(cwnd(p, s) - before, MSS);
        ck_assert_uint_le(outstanding(p), cwnd(p, s));
    }
    ck_assert_uint_ge(cwnd(p, s) - begin, 17 * MSS);
    peer_free(p);
    PROVES("RFC5681-3.1-e", "RFC9293-MUST-19");
}
END_TEST

START_TEST(in_congestion_avoidance_acks_of_pieces_gain_nothing_more)
{
    struct peer *p = peer_new();
    int s = with_a_flight_of_ten(p);

    duplicate_acks(p, 1, 3);
    peer_skip(p);
    peer_send(p, ".", 1, peer_snd_nxt(p), 0);
    peer_skip(p);
    while (cwnd(p, s) < ssthresh(p, s))
        round_trip(p);
    uint32_t before = cwnd(p, s), end = peer_snd_nxt(p);
    for (uint32_t una = peer_snd_una(p); una < end; una += 146)
        peer_send(p, ".", 1, una, 0);
    ck_assert_uint_le(cwnd(p, s) - before, MSS);
    peer_free(p);
    PROVES("RFC5681-3.1-e");
}
END_TEST

/* --- the timer (RFC 6298)
 * --------------------------------------------------------------------------------------------- */

START_TEST(a_timeout_sends_the_first_segment_alone_and_doubles)
{
    struct peer *p = peer_new();
    int s = with_a_flight_of_ten(p);

    peer_expect_after(p, 1000, ".", 1, 1, MSS);
    peer_expect_nothing(p);
    ck_assert_uint_eq(cwnd(p, s), MSS);
    ck_assert_uint_eq(ssthresh(p, s), IW / 2);
    peer_expect_after(p, 2000, ".", 1, 1, MSS);
    ck_assert_uint_eq(ssthresh(p, s), IW / 2); /* for the same segment it is held */
    peer_expect_after(p, 4000, ".", 1, 1, MSS);
    ck_assert_uint_eq(cwnd(p, s), MSS);
    ck_assert_uint_eq(ssthresh(p, s), IW / 2);
    peer_free(p);
    PROVES("RFC5681-3.1-f", "RFC6298-5.5-a", "RFC9293-TMO-2", "RFC9293-MUST-19");
}
END_TEST

START_TEST(after_a_timeout_slow_start_leads_to_half_the_old_flight)
{
    struct peer *p = peer_without_frto();
    int s = with_a_flight_of_ten(p);

    peer_expect_after(p, 1000, ".", 1, 1, MSS);
    peer_send(p, ".", 1, seg(1), 0);
    ck_assert_uint_eq(cwnd(p, s), 2 * MSS);
    peer_expect(p, ".", seg(1), 1, MSS);
    peer_expect(p, ".", seg(2), 1, MSS);
    peer_expect_nothing(p);
    peer_send(p, ".", 1, seg(2), 0);
    peer_expect(p, ".", seg(3), 1, MSS);
    peer_expect(p, ".", seg(4), 1, MSS);
    peer_expect_nothing(p);
    peer_send(p, ".", 1, seg(3), 0);
    peer_expect(p, ".", seg(5), 1, MSS);
    peer_expect(p, ".", seg(6), 1, MSS);
    ck_assert_uint_eq(cwnd(p, s), 4 * MSS);
    peer_send(p, ".", 1, seg(4), 0);
    ck_assert_uint_eq(cwnd(p, s), 5 * MSS);
    peer_skip(p);
    peer_send(p, ".", 1, seg(5), 0); /* at ssthresh: congestion avoidance */
    peer_send(p, ".", 1, seg(6), 0);
    ck_assert_uint_le(cwnd(p, s), 6 * MSS);
    peer_free(p);
    PROVES("RFC5681-3.1-f");
}
END_TEST

START_TEST(an_ack_of_all_after_a_spurious_timeout_sends_nothing_twice)
{
    struct peer *p = peer_new();

    with_a_flight_of_ten(p);
    peer_expect_after(p, 1000, ".", 1, 1, MSS);
    peer_send(p, ".", 1, seg(10), 0);
    peer_expect(p, ".", seg(10), 1, MSS);
    peer_expect(p, ".", seg(11), 1, MSS);
    peer_expect_nothing(p);
    peer_free(p);
    PROVES("RFC5681-3.1-f");
}
END_TEST

START_TEST(the_timer_starts_again_with_an_ack_of_new_text_and_stops_with_the_last)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_app_send(p, s, 2 * MSS);
    ck_assert_int_eq(peer_skip(p), 2);
    peer_expect_silence(p, 900);
    peer_send(p, ".", 1, seg(1), 0);
    int64_t rto = peer_info(p, s).facts.rto_ms;
    ck_assert_int_ge(rto, 1000);
    peer_expect_after(p, rto, "P.", seg(1), 1, MSS); /* 900 ms and an RTO after its first time */
    peer_send(p, ".", 1, seg(2), 0);
    ck_assert_uint_eq(peer_usage(p).timers, 0);
    peer_expect_silence(p, 200000);
    peer_free(p);
    PROVES("RFC6298-5.1-5.3-a", "RFC6298-5-a");
}
END_TEST

/* RFC 6298, 2 with G = 0, in microseconds: what the estimator should say. */
struct model {
    int64_t srtt, rttvar;
};

static void model_sample(struct model *m, int64_t r)
{
    if (m->srtt == 0) {
        m->srtt = r;
        m->rttvar = r / 2;
        return;
    }
    m->rttvar = (3 * m->rttvar + llabs(m->srtt - r)) / 4;
    m->srtt = (7 * m->srtt + r) / 8;
}

static void near_to(int64_t got, int64_t want, int64_t within)
{
    ck_assert_int_ge(got, want - within);
    ck_assert_int_le(got, want + within);
}

START_TEST(the_estimator_is_rfc_6298s)
{
    static const int64_t rtts[] = {100, 200, 50, 400, 400, 100, 100, 100, 100, 30};
    struct stack_config config;
    struct model m = {0};

    peer_config(&config);
    config.values.tcp_rto_min = TAPIO_MS(1);
    struct peer *p = peer_new_with(&config, 0);
    int listener = peer_drive(p, TCPS_SYN_RECEIVED, false);
    peer_wait(p, 100);
    peer_send(p, ".", 1, 1, 0);
    int s = peer_accept(p, listener);
    if (peer_info(p, s).facts.srtt_us) /* the handshake is a round trip too */
        model_sample(&m, 100000);
    for (uint32_t i = 0; i < ARRAY_LEN(rtts); i++) {
        peer_app_send(p, s, MSS);
        peer_poll(p);
        peer_wait(p, rtts[i]);
        int sent = peer_skip(p);
        peer_send(p, ".", 1, seg(i + 1), 0);
        if (sent > 1)
            continue; /* it was sent twice: no sample (3) */
        model_sample(&m, rtts[i] * 1000);
        struct sock_info info = peer_info(p, s);
        near_to(info.facts.srtt_us, m.srtt, 1000);
        near_to(info.facts.rto_ms, (m.srtt + 4 * m.rttvar) / 1000, 1);
    }
    /* And the timer does what the number says. */
    int64_t rto = peer_info(p, s).facts.rto_ms;
    peer_app_send(p, s, MSS);
    peer_expect(p, ".", seg(ARRAY_LEN(rtts)), 1, MSS);
    peer_expect_after(p, rto, ".", seg(ARRAY_LEN(rtts)), 1, MSS);
    peer_free(p);
    PROVES("RFC6298-2.2-a", "RFC6298-2.3-a", "RFC9293-MUST-18");
}
END_TEST

START_TEST(a_constant_round_trip_leaves_room_for_the_clock)
{
    struct stack_config config;
    peer_config(&config);
    config.values.tcp_rto_min = TAPIO_MS(1);
    struct peer *p = peer_new_with(&config, 0);
    int s = peer_establish_passive(p);

    for (uint32_t i = 0; i < 100; i++) {
        peer_app_send(p, s, MSS);
        peer_expect(p, "P.", seg(i), 1, MSS);
        peer_wait(p, 100);
        /* never sent a second time just as its ACK arrives */
        if (i > 4)
            ck_assert_int_eq(peer_skip(p), 0);
        peer_skip(p);
        peer_send(p, ".", 1, seg(i + 1), 0);
    }
    struct sock_info info = peer_info(p, s);
    ck_assert_int_ge(info.facts.rto_ms * 1000, info.facts.srtt_us);
    peer_free(p);
    PROVES("RFC6298-4-a");
}
END_TEST

START_TEST(the_rto_is_at_least_a_second)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    for (uint32_t i = 0; i < 50; i++) {
        peer_app_send(p, s, MSS);
        peer_expect(p, "P.", seg(i), 1, MSS);
        peer_wait(p, 1);
        peer_send(p, ".", 1, seg(i + 1), 0);
    }
    peer_app_send(p, s, MSS);
    peer_expect(p, "P.", seg(50), 1, MSS);
    peer_expect_after(p, 1000, "P.", seg(50), 1, MSS);
    peer_free(p);
    PROVES("RFC6298-2.4-a");
}
END_TEST

START_TEST(what_was_sent_twice_is_no_sample_and_the_backoff_stays)
{
    struct peer *p = peer_new();
    int listener = peer_drive(p, TCPS_SYN_RECEIVED, false);

    peer_wait(p, 100);
    peer_send(p, ".", 1, 1, 0);
    int s = peer_accept(p, listener);
    peer_app_send(p, s, MSS);
    peer_expect(p, "P.", seg(0), 1, MSS);
    peer_wait(p, 100);
    peer_send(p, ".", 1, seg(1), 0);
    int64_t srtt = peer_info(p, s).facts.srtt_us;
    near_to(srtt, 100000, 1000);

    peer_app_send(p, s, MSS);
    peer_expect(p, "P.", seg(1), 1, MSS);
    peer_expect_after(p, 1000, "P.", seg(1), 1, MSS);
    peer_wait(p, 1500);
    peer_send(p, ".", 1, seg(2), 0);
    ck_assert_int_eq(peer_info(p, s).facts.srtt_us, srtt);
    peer_app_send(p, s, MSS); /* new text meets the RTO as it was backed off */
    peer_expect(p, "P.", seg(2), 1, MSS);
    peer_expect_after(p, 2000, "P.", seg(2), 1, MSS);
    peer_expect_after(p, 4000, "P.", seg(2), 1, MSS);
    peer_send(p, ".", 1, seg(3), 0);
    ck_assert_int_eq(peer_info(p, s).facts.srtt_us, srtt);

    peer_app_send(p, s, MSS); /* sent once: a sample, and the backoff is over */
    peer_expect(p, "P.", seg(3), 1, MSS);
    peer_wait(p, 100);
    peer_send(p, ".", 1, seg(4), 0);
    peer_app_send(p, s, MSS);
    peer_expect(p, "P.", seg(4), 1, MSS);
    peer_expect_after(p, 1000, "P.", seg(4), 1, MSS);
    peer_free(p);
    PROVES("RFC9293-MUST-18", "RFC6298-3-a", "RFC6298-5.5-a");
}
END_TEST

START_TEST(after_a_lost_syn_text_waits_three_seconds)
{
    struct peer *p = peer_new();
    int s;

    if (_i == 0) {
        s = peer_connect(p);
        peer_expect_after(p, 1000, "S", 0, 0, 0);
        peer_send(p, "S.", 0, 1, 0);
        peer_expect(p, ".", 1, 1, 0);
    } else {
        int listener = peer_drive(p, TCPS_SYN_RECEIVED, false);
        peer_expect_after(p, 1000, "S.", 0, 1, 0);
        peer_send(p, ".", 1, 1, 0);
        s = peer_accept(p, listener);
    }
    peer_app_send(p, s, 100);
    peer_expect(p, "P.", 1, 1, 100);
    peer_expect_after(p, 3000, "P.", 1, 1, 100);
    peer_free(p);
    PROVES("RFC6298-5.5-a");
}
END_TEST

/* --- giving up (3.8.3)
 * -------------------------------------------------------------------------------------------------
 */

START_TEST(a_peer_that_is_dead_is_doubted_after_three_and_given_up_after_fifteen)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);
    int64_t gap = 1000;
    uint64_t asked = p->arp_requests;

    peer_app_send(p, s, 100);
    peer_expect(p, "P.", 1, 1, 100);
    for (int i = 0; i < 15; i++) {
        if (i < 3)
            ck_assert_uint_eq(p->arp_requests, asked);
        if (i == 3)
            ck_assert_uint_gt(p->arp_requests, asked);
        peer_expect_after(p, gap, "P.", 1, 1, 100);
        if (i == 4) /* at 31 s: the entry itself was still fresh */
            ck_assert_uint_gt(p->arp_requests, asked);
        gap = gap * 2 > 120000 ? 120000 : gap * 2;
        ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    }
    peer_wait(p, 121000);
    peer_skip(p);
    ck_assert_int_gt(peer_time(p), 100000);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_CLOSED);
    ck_assert_int_eq(peer_recv_result(p, s), -ETIMEDOUT);
    peer_expect_silence(p, 1000000);
    peer_free(p);
    PROVES("RFC9293-MUST-20", "RFC9293-SHLD-10", "RFC9293-SHLD-11", "RFC6298-2.5-a", "C41");
}
END_TEST

/* What is small passes any path: nobody's silence about it is the size's fault. Nor is it where
 * tcp.black_hole says so. */
START_TEST(silence_about_small_segments_makes_none_smaller)
{
    static const uint32_t lens[] = {984, 985, 1460}, then[] = {1460, 984, 1460};
    struct stack_config config;

    peer_config(&config);
    config.values.tcp_black_hole = _i < 2 ? 3 : 0;
    struct peer *p = peer_new_with(&config, 0);
    int s = peer_establish_passive(p);
    peer_app_send(p, s, lens[_i]);
    peer_expect(p, "P.", 1, 1, lens[_i]);
    for (int64_t gap = 1000; gap < 8000; gap *= 2)
        peer_expect_after(p, gap, "P.", 1, 1, lens[_i]);
    peer_wait(p, 8001);
    ck_assert_uint_eq(peer_info(p, s).snd_mss, then[_i]);
    peer_skip(p);
    peer_free(p);
}
END_TEST

/* The ACK of the large segments was late, and only a part of them was sent again small. */
START_TEST(an_ack_of_more_than_was_sent_again_clears_the_path)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_app_send(p, s, 3 * MSS);
    ck_assert_int_eq(peer_skip(p), 3);
    peer_wait(p, 15500);
    peer_skip(p);
    ck_assert_uint_eq(peer_info(p, s).snd_mss, 984);
    peer_send(p, ".", 1, _i == 0 ? 985 : _i == 1 ? 1 + MSS : 1 + 3 * MSS, 0);
    peer_skip(p);
    ck_assert_uint_eq(peer_info(p, s).snd_mss, _i == 0 ? 984 : MSS);
    peer_send(p, ".", 1, 1 + 3 * MSS, 0); /* the rest, most of it never sent again */
    peer_app_send(p, s, MSS);
    peer_expect(p, "P.", 1 + 3 * MSS, 1, MSS);
    peer_free(p);
}
END_TEST

START_TEST(a_timeout_is_told_to_who_sends)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_app_send(p, s, 100);
    peer_wait(p, 3600 * 1000);
    peer_skip(p);
    ck_assert_int_eq(sock_send(p->stack, s, "x", 1, 0, NULL), -ETIMEDOUT);
    ck_assert_int_eq(sock_send(p->stack, s, "x", 1, 0, NULL), -EPIPE);
    peer_free(p);
    PROVES("RFC9293-MUST-20");
}
END_TEST

/* --- fast retransmit (RFC 5681, 3.2)
 * ------------------------------------------------------------------------------------- */

START_TEST(the_third_duplicate_ack_sends_the_lost_segment_at_once)
{
    struct peer *p = peer_new();
    int s = with_a_flight_of_ten(p);

    peer_send(p, ".", 1, seg(1), 0); /* so much has arrived */
    ck_assert_int_eq(peer_skip(p), 2);
    uint32_t flight = outstanding(p);
    peer_wait(p, 100);
    duplicate_acks(p, seg(1), 2);
    ck_assert_uint_eq(peer_counter(p, COUNTER_TCP_RETRANSMITS), 0);
    ck_assert_uint_eq(cwnd(p, s), IW + MSS);
    peer_skip(p);
    peer_send(p, ".", 1, seg(1), 0);
    peer_expect(p, ".", seg(1), 1, MSS);
    peer_expect_nothing(p);
    ck_assert_uint_le(ssthresh(p, s), flight / 2);
    ck_assert_uint_eq(cwnd(p, s), ssthresh(p, s) + 3 * MSS);
    peer_free(p);
    PROVES("RFC5681-3.2-c");
}
END_TEST

/* RFC 5681, 3.2, 1 and RFC 3042: the first two duplicates release a new segment each, and cwnd
 * stays. */
START_TEST(the_first_two_duplicate_acks_release_a_new_segment_each)
{
    struct peer *p = peer_new();
    int s = with_a_flight_of_ten(p);

    peer_send(p, ".", 1, 1, 0);
    peer_expect(p, ".", seg(10), 1, MSS);
    peer_expect_nothing(p);
    peer_send(p, ".", 1, 1, 0);
    peer_expect(p, ".", seg(11), 1, MSS);
    peer_expect_nothing(p);
    ck_assert_uint_eq(cwnd(p, s), IW);
    peer_send(p, ".", 1, 1, 0);
    peer_expect(p, ".", 1, 1, MSS);
    ck_assert_uint_eq(ssthresh(p, s), IW / 2); /* these two are not counted */
    peer_free(p);
    PROVES("RFC3042-2-a");
}
END_TEST

START_TEST(the_first_segment_of_all_is_retransmitted_fast_too)
{
    struct peer *p = peer_new();
    int s = with_a_flight_of_ten(p);

    duplicate_acks(p, 1, 2);
    peer_skip(p);
    peer_send(p, ".", 1, 1, 0);
    peer_expect(p, ".", 1, 1, MSS);
    peer_expect_nothing(p);
    ck_assert_uint_eq(ssthresh(p, s), IW / 2);
    peer_free(p);
    PROVES("RFC5681-3.2-c");
}
END_TEST

START_TEST(each_more_duplicate_inflates_and_the_full_ack_deflates)
{
    struct peer *p = peer_new();
    int s = with_a_flight_of_ten(p);

    duplicate_acks(p, 1, 3);
    ck_assert_int_eq(peer_skip(p), 3); /* two new ones, and the old one */
    uint32_t at_entry = cwnd(p, s), recover = peer_snd_nxt(p);
    ck_assert_uint_eq(at_entry, IW / 2 + 3 * MSS);
    for (uint32_t i = 1; i <= 8; i++) {
        struct peer_segment out;
        peer_send(p, ".", 1, 1, 0);
        ck_assert_uint_eq(cwnd(p, s), at_entry + i * MSS);
        while (peer_next(p, &out)) {
            ck_assert_uint_ge(out.seq, recover); /* new text only, and within cwnd */
            ck_assert_uint_le(outstanding(p), cwnd(p, s));
        }
    }
    ck_assert_uint_gt(peer_snd_nxt(p), recover);
    peer_send(p, ".", 1, recover, 0);
    ck_assert_uint_le(cwnd(p, s), ssthresh(p, s));
    ck_assert_uint_le(ssthresh(p, s), IW / 2);
    /* In congestion avoidance now: duplicates begin to count anew. */
    peer_skip(p);
    peer_free(p);
    PROVES("RFC5681-3.2-c");
}
END_TEST

/* A peer that says the same a thousand times has not received a thousand segments: no more can have
 * left the network than were in it, and what leaves because of that does not count again
 * (RFC 5681, 3.2, 4; Savage 1999). A partial ACK is news, and then as many as are out may follow.
 */
START_TEST(spoofed_duplicates_inflate_by_no_more_than_was_in_flight)
{
    struct peer *p = peer_new();
    int s = with_a_flight_of_ten(p);
    enum { FLIGHT = 12 }; /* limited transmit sends two more */

    for (uint32_t i = 0; i < 1000; i++) {
        peer_send(p, ".", 1, 1, 0);
        peer_skip(p);
        ck_assert_uint_le(cwnd(p, s), ssthresh(p, s) + FLIGHT * MSS);
    }
    peer_send(p, ".", 1, seg(1), 0);
    peer_skip(p);
    uint32_t most = cwnd(p, s) + outstanding(p);
    for (uint32_t i = 0; i < 1000; i++) {
        peer_send(p, ".", 1, seg(1), 0);
        peer_skip(p);
        ck_assert_uint_le(cwnd(p, s), most);
    }
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    peer_free(p);
    PROVES("C28", "RFC5681-3.2-c");
}
END_TEST

enum not_a_duplicate {
    WITH_TEXT,
    WITH_NEW_WINDOW,
    WITH_OLD_ACK,
    WITH_FIN,
    NOTHING_OUTSTANDING,
    KINDS
};

/* RFC 5681, 2: outstanding data, no text, no SYN or FIN, the same ACK, the same window. */
START_TEST(what_is_no_duplicate_ack_is_not_counted_as_one)
{
    struct peer *p = peer_new();
    int s = with_large_window(p);
    uint32_t retransmits;

    peer_app_send(p, s, 3 * MSS);
    peer_skip(p);
    peer_send(p, ".", 1, seg(_i == NOTHING_OUTSTANDING ? 3 : 1), 0);
    for (uint32_t i = 0; i < 5; i++) {
        switch ((enum not_a_duplicate)_i) {
        case WITH_TEXT:
            peer_send(p, "P.", 1 + i * 10, seg(1), 10);
            break;
        case WITH_NEW_WINDOW:
            p->window--;
            peer_send(p, ".", 1, seg(1), 0);
            break;
        case WITH_OLD_ACK:
            peer_send(p, ".", 1, 1, 0);
            break;
        case WITH_FIN: /* behind a hole, so that it can come five times */
            peer_send(p, "F.", 101, seg(1), 0);
            break;
        case NOTHING_OUTSTANDING:
            peer_send(p, ".", 1, seg(3), 0);
            break;
        case KINDS:
            break;
        }
    }
    retransmits = (uint32_t)peer_counter(p, COUNTER_TCP_RETRANSMITS);
    ck_assert_uint_eq(retransmits, 0);
    ck_assert_uint_eq(ssthresh(p, s), UINT32_MAX);
    peer_free(p);
    PROVES("RFC5681-2-b");
}
END_TEST

/* --- NewReno (RFC 6582)
 * -------------------------------------------------------------------------------------------------------
 */

START_TEST(a_partial_ack_sends_the_next_hole_and_recovery_goes_on)
{
    struct peer *p = peer_new();
    int s = with_a_flight_of_ten(p);

    /* 0, 2 and 4 of ten are lost. */
    duplicate_acks(p, 1, 7);
    peer_skip(p);
    uint32_t recover = peer_snd_nxt(p);
    static const uint32_t partial[] = {2, 4};
    for (size_t i = 0; i < 2; i++) {
        struct peer_segment out;
        uint32_t before = cwnd(p, s), una = peer_snd_una(p);
        peer_wait(p, 100);
        peer_send(p, ".", 1, seg(partial[i]), 0);
        ck_assert(peer_next(p, &out)); /* the hole first */
        ck_assert_uint_eq(out.seq, seg(partial[i]));
        ck_assert_uint_eq(out.len, MSS);
        while (peer_next(p, &out))
            ck_assert_uint_ge(out.seq, recover); /* and nothing else that is old */
        ck_assert_uint_eq(cwnd(p, s), before - (seg(partial[i]) - una) + MSS);
        ck_assert_uint_eq(ssthresh(p, s), IW / 2);
    }
    peer_wait(p, 100);
    peer_send(p, ".", 1, recover, 0);
    ck_assert_uint_le(cwnd(p, s), IW / 2);
    ck_assert_uint_eq(peer_counter(p, COUNTER_TCP_TIMEOUTS), 0);
    ck_assert_uint_eq(peer_counter(p, COUNTER_TCP_RETRANSMITS), 3);
    peer_free(p);
    PROVES("RFC6582-3.2-a");
}
END_TEST

START_TEST(the_first_partial_ack_starts_the_timer_again)
{
    struct peer *p = peer_new();
    int s = with_a_flight_of_ten(p);

    peer_wait(p, 500);
    duplicate_acks(p, 1, 3);
    peer_skip(p);
    peer_wait(p, 400);
    peer_send(p, ".", 1, seg(3), 0);
    peer_skip(p);
    ck_assert_uint_eq(peer_counter(p, COUNTER_TCP_TIMEOUTS), 0);
    int64_t rto = peer_info(p, s).facts.rto_ms;
    peer_expect_silence(p, rto / 2);
    /* The second does not: who loses much is better off with a timeout. */
    peer_send(p, ".", 1, seg(5), 0);
    peer_skip(p);
    peer_expect_silence(p, rto - rto / 2 - 1);
    peer_wait(p, 2);
    ck_assert_uint_eq(peer_counter(p, COUNTER_TCP_TIMEOUTS), 1);
    peer_free(p);
    PROVES("RFC6582-3.2-a");
}
END_TEST

/* The peer's answers to our probes repeat SND.UNA and the closed window, and tell of no loss. */
START_TEST(answers_to_probes_are_no_duplicate_acks)
{
    struct peer *p = peer_new();
    int s = with_large_window(p);

    peer_app_send(p, s, MSS);
    peer_skip(p);
    p->window = 0;
    peer_send(p, ".", 1, seg(1), 0);
    peer_app_send(p, s, MSS);
    for (int i = 0; i < 5; i++) {
        struct peer_segment probe;
        peer_wait(p, (1000 << i) + 1);
        ck_assert(peer_next(p, &probe));
        ck_assert_uint_eq(probe.seq, seg(1));
        ck_assert_uint_eq(probe.len, 1);
        peer_send(p, ".", 1, seg(1), 0);
        peer_expect_nothing(p);
    }
    ck_assert_uint_eq(peer_counter(p, COUNTER_TCP_FAST), 0);
    ck_assert_uint_ge(cwnd(p, s), IW);
    peer_free(p);
    PROVES("RFC5681-2-b");
}
END_TEST

START_TEST(duplicates_below_recover_start_no_second_recovery)
{
    struct peer *p = peer_new();
    int s = with_a_flight_of_ten(p);

    /* After a timeout: what was out then is suspect, and duplicates of it say nothing new. */
    peer_expect_after(p, 1000, ".", 1, 1, MSS);
    uint32_t before = cwnd(p, s);
    duplicate_acks(p, 1, 5);
    peer_expect_nothing(p);
    ck_assert_uint_eq(peer_counter(p, COUNTER_TCP_FAST), 0);
    ck_assert_uint_eq(cwnd(p, s), before);
    peer_send(p, ".", 1, seg(1), 0);
    ck_assert_int_eq(peer_skip(p), 2);
    duplicate_acks(p, seg(1), 5);
    ck_assert_uint_eq(peer_counter(p, COUNTER_TCP_FAST), 0);
    ck_assert_uint_eq(ssthresh(p, s), IW / 2);
    peer_skip(p);
    /* Once all that is acknowledged, they count again. */
    peer_send(p, ".", 1, peer_snd_nxt(p), 0);
    peer_skip(p);
    round_trip(p);
    round_trip(p);
    uint32_t una = peer_snd_una(p);
    duplicate_acks(p, una, 3);
    ck_assert_uint_eq(peer_counter(p, COUNTER_TCP_FAST), 1);
    peer_free(p);
    PROVES("RFC6582-3.2-b");
}
END_TEST

START_TEST(after_recovery_another_loss_is_recovered_again)
{
    struct peer *p = peer_new();
    int s = with_a_flight_of_ten(p);

    for (unsigned i = 1; i <= 3; i++) {
        duplicate_acks(p, peer_snd_una(p), 3);
        peer_skip(p);
        ck_assert_uint_eq(peer_counter(p, COUNTER_TCP_FAST), i);
        peer_send(p, ".", 1, peer_snd_nxt(p), 0);
        peer_skip(p);
        for (int turn = 0; turn < 4; turn++)
            round_trip(p);
    }
    ck_assert_uint_ge(ssthresh(p, s), 2 * MSS);
    peer_free(p);
    PROVES("RFC5681-3.2-c");
}
END_TEST

START_TEST(a_timeout_in_recovery_ends_it)
{
    struct peer *p = peer_new();
    int s = with_a_flight_of_ten(p);

    duplicate_acks(p, 1, 3);
    peer_skip(p);
    peer_expect_after(p, 1000, ".", 1, 1, MSS); /* the retransmission was lost too */
    ck_assert_uint_eq(cwnd(p, s), MSS);
    peer_send(p, ".", 1, seg(1), 0);
    ck_assert_uint_eq(cwnd(p, s), 2 * MSS);
    peer_expect(p, ".", seg(1), 1, MSS);
    peer_expect(p, ".", seg(2), 1, MSS);
    peer_free(p);
    PROVES("RFC6582-3.2-b", "RFC5681-3.1-f");
}
END_TEST

START_TEST(ssthresh_is_at_least_two_segments)
{
    struct peer *p = peer_new();
    int s = with_large_window(p);

    peer_app_send(p, s, MSS);
    peer_expect(p, "P.", 1, 1, MSS);
    peer_expect_after(p, 1000, "P.", 1, 1, MSS);
    ck_assert_uint_eq(ssthresh(p, s), 2 * MSS);
    ck_assert_uint_eq(cwnd(p, s), MSS);
    peer_free(p);
    PROVES("RFC5681-3.1-f");
}
END_TEST

/* --- idle (RFC 5681, 4.1)
 * --------------------------------------------------------------------------------------------------------
 */

START_TEST(after_an_idle_rto_the_flight_is_an_initial_window)
{
    struct peer *p = peer_new();
    int s = with_large_window(p);

    for (int i = 0; i < 6; i++) {
        peer_app_send(p, s, 60 * MSS);
        peer_poll(p);
        while (outstanding(p))
            round_trip(p);
    }
    uint32_t grown = cwnd(p, s);
    ck_assert_uint_gt(grown, 30 * MSS);
    peer_wait(p, _i == 0 ? 5000 : 500);
    peer_app_send(p, s, 100 * MSS);
    peer_poll(p);
    if (_i == 0)
        ck_assert_uint_le(outstanding(p), IW);
    else
        ck_assert_uint_ge(outstanding(p), 30 * MSS); /* it was no idle period */
    peer_free(p);
    PROVES("RFC5681-4.1-a");
}
END_TEST

/* --- a bad path, and all the oracles at once
 * ---------------------------------------------------------------------------------------- */

enum { TOTAL = 300000 };

/* A receiver by the book: keeps what comes early, acknowledges every segment at once. */
/* What has left since the last call. */
static uint32_t sent_now(struct peer *p)
{
    struct peer_segment seg;
    uint32_t count = 0;

    while (peer_next(p, &seg))
        count += seg.len > 0;
    return count;
}

START_TEST(a_paced_window_leaves_over_the_round_trip)
{
    struct stack_config config;
    peer_config(&config);
    config.values.tcp_pacing = 1;
    config.values.tcp_abc_limit = 0;
    struct peer *p = peer_new_with(&config, 0);
    int s = peer_connect(p);

    p->scale = 8;
    peer_wait(p, 100);
    peer_send(p, "S.", 0, 1, 0);
    peer_expect(p, ".", 1, 1, 0);
    peer_app_send(p, s, 60000);
    ck_assert_uint_eq(sent_now(p), 10); /* the first flight leaves at once */
    peer_wait(p, 100);
    peer_send(p, ".", 1, seg(10), 0);
    ck_assert_uint_eq(cwnd(p, s), 20 * MSS);
    uint32_t sent = sent_now(p);
    ck_assert_uint_ge(sent, 2);
    ck_assert_uint_le(sent, 4);
    for (int ms = 0; ms < 60; ms++) { /* twice as fast as cwnd a round trip */
        peer_wait(p, 1);
        uint32_t more = sent_now(p);
        ck_assert_uint_le(more, 2);
        sent += more;
        ck_assert_uint_le(sent, 4 + 20 * (uint32_t)(ms + 2) / 50);
    }
    ck_assert_uint_eq(sent, 20);
    peer_drop(p);
}
END_TEST

START_TEST(three_hundred_thousand_octets_come_through_a_lossy_path)
{
    struct peer *p = peer_new();
    int s = with_large_window(p);
    uint8_t *got = calloc(TOTAL + 1, 1);
    struct prng prng;
    uint32_t nxt = 1, queued = 0;

    ck_assert_ptr_nonnull(got);
    prng_seed(&prng, (uint64_t)_i + 1);
    uint64_t loss = (uint64_t)_i % 5 * 4; /* percent */
    for (int turn = 0; nxt < TOTAL + 1; turn++) {
        ck_assert_int_lt(turn, 200000);
        while (queued < TOTAL) {
            uint8_t text[1000];
            uint32_t n = TOTAL - queued < 1000 ? TOTAL - queued : 1000;
            for (uint32_t i = 0; i < n; i++)
                text[i] = peer_octet(queued + i);
            ssize_t took = sock_send(p->stack, s, text, n, 0, NULL);
            if (took <= 0)
                break;
            queued += (uint32_t)took;
        }
        uint32_t allowed = cwnd(p, s), before = peer_snd_nxt(p);
        peer_wait(p, 10);
        if (peer_snd_nxt(p) > before) /* new text: within cwnd, but for limited transmit */
            ck_assert_uint_le(outstanding(p),
                              (allowed > cwnd(p, s) ? allowed : cwnd(p, s)) + 2 * MSS);
        struct peer_segment arrived[256];
        size_t count = 0;
        while (count < 256 && peer_next(p, &arrived[count])) {
            if (arrived[count].len && prng_below(&prng, 100) >= loss)
                count++;
        }
        for (size_t i = 0; i < count; i++) {
            for (uint32_t at = arrived[i].seq; at < arrived[i].seq + arrived[i].len; at++)
                got[at] = 1;
            while (nxt < TOTAL + 1 && got[nxt])
                nxt++;
            if (prng_below(&prng, 100) >= loss)
                peer_send(p, ".", 1, nxt, 0);
        }
    }
    peer_send(p, ".", 1, nxt, 0);
    for (uint32_t i = 0; i < TOTAL; i++) {
        if (p->flow->said[i] != peer_octet(i))
            ck_abort_msg("octet %u of the stream is wrong", i);
    }
    free(got);
    peer_free(p);
    PROVES("RFC5681-2-a", "RFC9293-MUST-19");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("tcp_recovery");

    TCase *c = tcase_create("RFC 6928, 2: initial window");
    tcase_add_loop_test(c, the_first_flight_is_the_initial_window, 0, (int)ARRAY_LEN(initial));
    tcase_add_test(c, an_active_open_has_the_same_initial_window);
    tcase_add_loop_test(c, after_a_lost_syn_the_first_flight_is_one_segment, 0, 2);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 5681, 3.1: slow start and congestion avoidance");
    tcase_add_test(c, in_slow_start_each_ack_of_a_segment_releases_two);
    tcase_add_test(c, acks_of_pieces_of_a_segment_gain_no_more_than_the_segment);
    tcase_add_test(c, one_ack_of_many_segments_gains_one_segment);
    tcase_add_test(c, in_congestion_avoidance_cwnd_grows_by_a_segment_a_round_trip);
    tcase_add_test(c, in_congestion_avoidance_acks_of_pieces_gain_nothing_more);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 6298: the retransmission timer");
    tcase_add_test(c, a_timeout_sends_the_first_segment_alone_and_doubles);
    tcase_add_test(c, after_a_timeout_slow_start_leads_to_half_the_old_flight);
    tcase_add_test(c, an_ack_of_all_after_a_spurious_timeout_sends_nothing_twice);
    tcase_add_test(c, the_timer_starts_again_with_an_ack_of_new_text_and_stops_with_the_last);
    tcase_add_test(c, the_estimator_is_rfc_6298s);
    tcase_add_test(c, a_constant_round_trip_leaves_room_for_the_clock);
    tcase_add_test(c, the_rto_is_at_least_a_second);
    tcase_add_test(c, what_was_sent_twice_is_no_sample_and_the_backoff_stays);
    tcase_add_loop_test(c, after_a_lost_syn_text_waits_three_seconds, 0, 2);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 9293, 3.8.3: connection failures");
    tcase_add_test(c, a_peer_that_is_dead_is_doubted_after_three_and_given_up_after_fifteen);
    tcase_add_loop_test(c, silence_about_small_segments_makes_none_smaller, 0, 3);
    tcase_add_loop_test(c, an_ack_of_more_than_was_sent_again_clears_the_path, 0, 3);
    tcase_add_test(c, a_timeout_is_told_to_who_sends);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 5681, 3.2: fast retransmit");
    tcase_add_test(c, the_third_duplicate_ack_sends_the_lost_segment_at_once);
    tcase_add_test(c, the_first_two_duplicate_acks_release_a_new_segment_each);
    tcase_add_test(c, the_first_segment_of_all_is_retransmitted_fast_too);
    tcase_add_test(c, each_more_duplicate_inflates_and_the_full_ack_deflates);
    tcase_add_test(c, spoofed_duplicates_inflate_by_no_more_than_was_in_flight);
    tcase_add_loop_test(c, what_is_no_duplicate_ack_is_not_counted_as_one, 0, KINDS);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 6582, 3.2: NewReno");
    tcase_add_test(c, a_partial_ack_sends_the_next_hole_and_recovery_goes_on);
    tcase_add_test(c, the_first_partial_ack_starts_the_timer_again);
    tcase_add_test(c, answers_to_probes_are_no_duplicate_acks);
    tcase_add_test(c, duplicates_below_recover_start_no_second_recovery);
    tcase_add_test(c, after_recovery_another_loss_is_recovered_again);
    tcase_add_test(c, a_timeout_in_recovery_ends_it);
    tcase_add_test(c, ssthresh_is_at_least_two_segments);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 5681, 4.1: idle connections");
    tcase_add_loop_test(c, after_an_idle_rto_the_flight_is_an_initial_window, 0, 2);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 5681, 2: a lossy path");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, a_paced_window_leaves_over_the_round_trip);
    tcase_add_loop_test(c, three_hundred_thousand_octets_come_through_a_lossy_path, 0, 20);
    suite_add_tcase(s, c);
    return run_suite(s, "tcp_recovery");
}
