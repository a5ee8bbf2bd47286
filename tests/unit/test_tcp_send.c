/*
 * test_tcp_send.c - what leaves and what waits: segment sizes, Nagle, silly windows, closed windows
 * and their probes, windows that shrink, PSH, and what an ACK does to all this.
 *
 * Black box: a scripted peer (support/peer.h) and the public calls. Our text begins at SEQ 1; the
 * peer has nothing to say unless a test says so, so that its SEQ is 1 as well.
 */
#include "base/base.h"
#include "support/peer.h"
#include "support/proves.h"

enum { MSS = 1460, RTO_MS = 1000, OVERRIDE_MS = 200 };

/* A connection whose window was never larger than this. */
static int with_window(struct peer *p, uint32_t window)
{
    p->window = window;
    return peer_establish_passive(p);
}

/* The peer acknowledges all that we have sent. */
static void ack_all(struct peer *p)
{
    peer_poll(p);
    peer_send(p, ".", 1, peer_snd_nxt(p), 0);
}

/* Text flows until cwnd is `octets` or more; nothing is in flight or queued then. */
static void grow_cwnd(struct peer *p, int s, uint32_t octets)
{
    for (int i = 0; i < 2000 && peer_info(p, s).facts.cwnd < octets; i++) {
        peer_app_send(p, s, octets + 40 * MSS); /* more than cwnd, so that it is cwnd that limits */
        while (peer_info(p, s).send_queued) {
            struct peer_segment seg;
            while (peer_next(p, &seg)) {
                if (seg.len)
                    peer_send(p, ".", 1, seg.seq + seg.len, 0);
            }
        }
    }
    ck_assert_uint_ge(peer_info(p, s).facts.cwnd, octets);
    peer_skip(p);
}

static uint32_t outstanding(const struct peer *p)
{
    return peer_snd_nxt(p) - peer_snd_una(p);
}

/* --- windows as numbers (3.1)
 * ------------------------------------------------------------------------- */

START_TEST(a_window_of_65535_is_large_and_not_negative)
{
    struct peer *p = peer_new();
    int s = with_window(p, 65535);

    grow_cwnd(p, s, 65535 / MSS * MSS);
    peer_app_send(p, s, 100000);
    peer_poll(p);
    ck_assert_uint_le(outstanding(p), 65535);
    ck_assert_uint_ge(outstanding(p), 65535 / MSS * MSS);
    peer_free(p);
    PROVES("RFC9293-MUST-1");
}
END_TEST

START_TEST(a_window_of_a_gigabyte_is_not_cut_to_16_bits)
{
    struct stack_config config;
    peer_config(&config);
    config.values.tcp_wmem_first = 1 << 20;
    struct peer *p = peer_new_with(&config, 0);
    p->scale = 14;
    int s = with_window(p, 65535);

    grow_cwnd(p, s, 300000);
    peer_app_send(p, s, 400000);
    peer_poll(p);
    ck_assert_uint_ge(outstanding(p), 290000);
    peer_free(p);
    PROVES("RFC9293-REC-1", "RFC7323-2.3-b");
}
END_TEST

/* How many octets the socket takes until it says that it is full. */
static uint32_t fill(struct peer *p, int s)
{
    static const uint8_t text[4096];
    uint32_t taken = 0;
    ssize_t n;

    while ((n = sock_send(p->stack, s, text, sizeof text, 0, NULL)) > 0)
        taken += (uint32_t)n;
    ck_assert_int_eq(n, -EAGAIN);
    return taken;
}

START_TEST(the_send_buffer_grows_to_twice_cwnd_but_not_beyond_its_cap)
{
    struct stack_config config;
    peer_config(&config);
    config.values.tcp_wmem_first = 65536;
    config.values.tcp_wmem = 500000;
    struct peer *p = peer_new_with(&config, 0);
    p->scale = 14;
    int s = with_window(p, 65535);

    ck_assert_uint_eq(fill(p, s), 65536);
    for (uint32_t want = 100000; want <= 200000; want += 100000) {
        for (int i = 0; i < 1000 && peer_info(p, s).facts.cwnd < want; i++) {
            peer_send(p, ".", 1, peer_snd_una(p) + MSS, 0);
            fill(p, s);
            peer_poll(p);
        }
        uint32_t cwnd = peer_info(p, s).facts.cwnd;
        ck_assert_uint_ge(cwnd, want);
        ck_assert_uint_eq(peer_info(p, s).send_queued, 2 * cwnd);
    }
    for (int i = 0; i < 1000 && peer_info(p, s).facts.cwnd < 300000; i++) {
        peer_send(p, ".", 1, peer_snd_una(p) + MSS, 0);
        fill(p, s);
        peer_poll(p);
    }
    ck_assert_uint_eq(peer_info(p, s).send_queued, 500000);
    peer_drop(p);
}
END_TEST

START_TEST(a_send_buffer_that_was_asked_for_stays)
{
    struct peer *p = peer_new();
    int buffer = 30000; /* and as much again for what is not text */
    p->scale = 14;
    int s = with_window(p, 65535);

    ck_assert_int_eq(sock_setsockopt(p->stack, s, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer),
                     0);
    for (int i = 0; i < 200; i++) {
        fill(p, s);
        peer_poll(p);
        ck_assert_uint_le(peer_info(p, s).send_queued, 60000);
        peer_send(p, ".", 1, peer_snd_una(p) + MSS, 0);
    }
    ck_assert_uint_gt(peer_info(p, s).facts.cwnd, 31000);
    peer_drop(p);
}
END_TEST

/* Readers who take nothing: the memory of send queues is shared, so that the last one has some. */
START_TEST(readers_who_take_nothing_leave_memory_for_others)
{
    struct stack_config config;
    peer_config(&config);
    config.values.mem_send = 1 << 20;
    struct peer *p = peer_new_with(&config, 0);
    uint32_t queued[24] = {0}, all = 0;

    for (size_t i = 0; i < ARRAY_LEN(queued); i++) {
        if (i > 0)
            peer_flow_new(p);
        int s = with_window(p, 1000);
        queued[i] = fill(p, s);
        peer_poll(p);
        peer_skip(p);
        all += queued[i];
        ck_assert_uint_ge(queued[i], 4096);
    }
    ck_assert_uint_ge(queued[0], 250000); /* as long as there is enough, as much as ever */
    ck_assert_uint_lt(queued[2], 32768);
    ck_assert_uint_lt(all, 1 << 20);
    peer_drop(p);
}
END_TEST

/* --- how much goes into a segment (3.7.1, 3.7.4)
 * --------------------------------------------------------- */

START_TEST(odd_pieces_leave_as_full_segments)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);
    uint32_t left = 14600;

    for (uint32_t n = 1; left > 0; n = n * 7 % 997 + 1) {
        n = n < left ? n : left;
        peer_app_send(p, s, n);
        left -= n;
    }
    for (uint32_t at = 1; at < 14601; at += MSS)
        peer_expect(p, ".", at, 1, MSS);
    peer_expect_nothing(p);
    peer_free(p);
    PROVES("RFC9293-SHLD-28");
}
END_TEST

START_TEST(nagle_holds_a_small_segment_while_anything_is_unacknowledged)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_app_send(p, s, 1);
    peer_expect(p, "P.", 1, 1, 1);
    for (int i = 0; i < 9; i++) {
        peer_app_send(p, s, 1);
        peer_expect_nothing(p);
    }
    peer_send(p, ".", 1, 2, 0);
    peer_expect(p, "P.", 2, 1, 9);
    peer_expect_nothing(p);
    peer_free(p);
    PROVES("RFC9293-SHLD-7");
}
END_TEST

START_TEST(nagle_lets_a_full_segment_go)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_app_send(p, s, 1);
    peer_expect(p, "P.", 1, 1, 1);
    peer_app_send(p, s, MSS - 1);
    peer_expect_nothing(p);
    peer_app_send(p, s, 1);
    peer_expect(p, ".", 2, 1, MSS);
    peer_app_send(p, s, 1);
    peer_expect_nothing(p);
    peer_send(p, ".", 1, 2, 0); /* not all */
    peer_expect_nothing(p);
    peer_send(p, ".", 1, 2 + MSS, 0);
    peer_expect(p, "P.", 2 + MSS, 1, 1);
    peer_free(p);
    PROVES("RFC9293-SHLD-7");
}
END_TEST

START_TEST(without_nagle_each_write_leaves_at_once)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_no_delay(p, s);
    for (uint32_t i = 0; i < 10; i++) {
        peer_app_send(p, s, 1);
        peer_expect(p, "P.", 1 + i, 1, 1);
    }
    peer_free(p);
    PROVES("RFC9293-MUST-17");
}
END_TEST

START_TEST(turning_nagle_off_lets_go_what_it_held)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_app_send(p, s, MSS + 10);
    peer_expect(p, ".", 1, 1, MSS);
    peer_expect_nothing(p);
    peer_no_delay(p, s);
    peer_expect(p, "P.", 1 + MSS, 1, 10);
    peer_free(p);
    PROVES("RFC9293-MUST-17");
}
END_TEST

/* --- PSH and corks (3.9.1.2)
 * -------------------------------------------------------------------------------- */

START_TEST(the_last_segment_of_what_was_written_carries_psh)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_no_delay(p, s);
    peer_app_send(p, s, 3000);
    ck_assert(!(peer_expect(p, ".", 1, 1, MSS).flags & WIRE_PSH));
    ck_assert(!(peer_expect(p, ".", 1461, 1, MSS).flags & WIRE_PSH));
    peer_expect(p, "P.", 2921, 1, 80);
    ack_all(p);
    peer_app_send(p, s, MSS); /* a full one that empties the buffer has it too */
    peer_expect(p, "P.", 3001, 1, MSS);
    peer_free(p);
    PROVES("RFC9293-MUST-61");
}
END_TEST

/* What was pushed is pushed when it is sent again, though more has been written since. */
START_TEST(a_segment_that_was_pushed_is_pushed_again)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_no_delay(p, s);
    peer_app_send(p, s, MSS);
    peer_expect(p, "P.", 1, 1, MSS);
    peer_app_send(p, s, 2 * MSS);
    ck_assert(!(peer_expect(p, ".", 1 + MSS, 1, MSS).flags & WIRE_PSH));
    peer_expect(p, "P.", 1 + 2 * MSS, 1, MSS);
    for (int i = 0; i < 3; i++) /* all of them are lost; the last push counts (SHLD-27) */
        peer_send(p, ".", 1, 1, 0);
    ck_assert(!(peer_expect(p, ".", 1, 1, MSS).flags & WIRE_PSH));
    peer_send(p, ".", 1, 1 + 2 * MSS, 0);
    peer_expect(p, "P.", 1 + 2 * MSS, 1, MSS);
    peer_app_send(p, s, MSS);
    peer_skip(p);
    peer_free(p);

    p = peer_new();
    s = peer_establish_passive(p);
    p->window = MSS;
    peer_send(p, ".", 1, 1, 0);
    peer_app_send(p, s, MSS);
    peer_expect(p, "P.", 1, 1, MSS);
    peer_app_send(p, s, 100); /* the window has no room for it */
    peer_expect_nothing(p);
    peer_expect_after(p, 1000, "P.", 1, 1, MSS);
    peer_free(p);
    PROVES("RFC9293-MUST-61", "RFC9293-SHLD-27");
}
END_TEST

/* Beside SACK blocks a full segment holds less text, and is no small one for Minshall's variant. */
START_TEST(a_segment_full_of_text_and_blocks_is_not_small)
{
    static const uint8_t sack_permitted[8] = {2, 4, 0x05, 0xb4, 1, 1, 4, 2};
    struct stack_config config;

    peer_config(&config);
    config.values.tcp_minshall = config.values.tcp_sack = 1;
    struct peer *p = peer_new_with(&config, 0);
    int listener = peer_listen(p, 1);
    peer_flow_new(p);
    PEER_SEND(p, .flags = "S", .options = {sack_permitted, sizeof sack_permitted});
    peer_expect(p, "S.", 0, 1, 0);
    peer_send(p, ".", 1, 1, 0);
    int s = peer_accept(p, listener);

    peer_send(p, ".", 101, 1, 10); /* an island: one block, 12 octets */
    peer_expect(p, ".", 1, 1, 0);
    peer_app_send(p, s, MSS - 12 + 10);
    peer_expect(p, ".", 1, 1, MSS - 12);
    peer_expect(p, "P.", 1 + MSS - 12, 1, 10); /* waits for nothing: all in flight is full */
    peer_app_send(p, s, 10);
    peer_expect_nothing(p); /* and this one for the small one before it */
    peer_free(p);
    PROVES("RFC9293-SHLD-7", "RFC9293-MUST-16");
}
END_TEST

START_TEST(writes_that_met_a_closed_window_leave_as_one_segment)
{
    struct peer *p = peer_new();
    int s = with_window(p, 0);

    for (int i = 0; i < 10; i++)
        peer_app_send(p, s, 146);
    peer_expect_nothing(p);
    p->window = 65535;
    peer_send(p, ".", 1, 1, 0);
    peer_expect(p, "P.", 1, 1, MSS);
    peer_expect_nothing(p);
    peer_free(p);
    PROVES("RFC9293-SHLD-27");
}
END_TEST

static void send_more(struct peer *p, int s, uint32_t len, int flags)
{
    uint8_t text[MSS] = {0};
    ck_assert_int_eq(sock_send(p->stack, s, text, len, flags, NULL), len);
    peer_poll(p);
}

START_TEST(msg_more_gathers_what_belongs_together)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    for (int i = 0; i < 4; i++) {
        send_more(p, s, 100, MSG_MORE);
        peer_expect_nothing(p);
    }
    send_more(p, s, 100, 0);
    peer_expect(p, "P.", 1, 1, 500);
    peer_free(p);
    PROVES("RFC9293-MAY-16");
}
END_TEST

START_TEST(msg_more_holds_no_full_segment)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    send_more(p, s, 1000, MSG_MORE);
    peer_expect_nothing(p);
    send_more(p, s, 1000, MSG_MORE);
    peer_expect(p, ".", 1, 1, MSS);
    peer_expect_nothing(p);
    peer_free(p);
    PROVES("RFC9293-SHLD-28");
}
END_TEST

START_TEST(text_is_not_held_for_ever_even_when_more_was_promised)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    send_more(p, s, 10, _i == 0 ? 0 : MSG_MORE);
    peer_wait(p, _i == 0 ? 0 : 1000);
    peer_expect(p, ".", 1, 1, 10);
    peer_free(p);
    PROVES("RFC9293-MUST-60");
}
END_TEST

/* --- silly windows, the sender's side (3.8.6.2.1)
 * --------------------------------------------------------------- */

/* What the peer offered at most, what it offers now, and how much leaves at once of 10,000 octets.
 */
static const struct {
    uint32_t most, now, at_once;
} openings[] = {
    {2920, 1, 0},       {2920, 10, 0},      {2920, 1459, 0},     {2920, 1460, 1460},
    {2920, 1461, 1460}, {1000, 1, 0},       {1000, 499, 0},      {1000, 500, 500},
    {1000, 999, 999},   {65535, 1459, 0},   {65535, 1460, 1460}, {10, 4, 0},
    {10, 5, 5},         {2921, 1460, 1460}, {1001, 499, 0},      {1001, 501, 501},
};

START_TEST(a_small_window_is_not_filled_at_once)
{
    struct peer *p = peer_new();
    int s = with_window(p, openings[_i].most);

    peer_app_send(p, s, 1);
    peer_skip(p);
    ack_all(p);
    p->window = 0;
    peer_send(p, ".", 1, 2, 0);
    peer_app_send(p, s, 10000);
    peer_expect_nothing(p);
    p->window = openings[_i].now;
    peer_send(p, ".", 1, 2, 0);
    if (openings[_i].at_once)
        peer_expect(p, ".", 2, 1, openings[_i].at_once);
    else
        peer_expect_after(p, OVERRIDE_MS, ".", 2, 1, openings[_i].now); /* rule 4 */
    peer_expect_nothing(p);
    peer_free(p);
    PROVES("RFC9293-MUST-38", "C27");
}
END_TEST

START_TEST(all_that_is_queued_leaves_when_it_fits)
{
    struct peer *p = peer_new();
    int s = with_window(p, 2920);

    p->window = 0;
    peer_send(p, ".", 1, 1, 0);
    peer_app_send(p, s, 300);
    p->window = 299;
    peer_send(p, ".", 1, 1, 0);
    peer_expect_nothing(p);
    p->window = 300;
    peer_send(p, ".", 1, 1, 0);
    peer_expect(p, "P.", 1, 1, 300);
    peer_free(p);
    PROVES("RFC9293-MUST-38");
}
END_TEST

START_TEST(a_window_that_opens_in_steps_of_ten_makes_no_segments_of_ten)
{
    struct peer *p = peer_new();
    int s = with_window(p, 2920);

    peer_app_send(p, s, 20000);
    peer_expect(p, ".", 1, 1, MSS);
    peer_expect(p, ".", 1461, 1, MSS);
    for (uint32_t open = 10; open < MSS; open += 10) {
        p->window = open;
        peer_send(p, ".", 1, 2921, 0);
        peer_expect_nothing(p);
    }
    p->window = MSS;
    peer_send(p, ".", 1, 2921, 0);
    peer_expect(p, ".", 2921, 1, MSS);
    peer_free(p);
    PROVES("RFC9293-MUST-38", "C27");
}
END_TEST

/* --- closed windows (3.8.6.1)
 * --------------------------------------------------------------------------------------- */

START_TEST(a_closed_window_is_probed_after_an_rto_and_ever_more_rarely)
{
    struct peer *p = peer_new();
    int s = with_window(p, 1000);
    int64_t gap = RTO_MS;

    peer_app_send(p, s, 5000);
    peer_expect(p, ".", 1, 1, 1000);
    p->window = 0;
    peer_send(p, ".", 1, 1001, 0);
    for (int i = 0; i < 10; i++) {
        peer_expect_after(p, gap, ".", 1001, 1, 1);
        peer_send(p, ".", 1, 1001, 0);
        gap = gap * 2 > 120000 ? 120000 : gap * 2;
    }
    p->window = 1000;
    peer_send(p, ".", 1, 1001, 0);
    peer_expect(p, ".", 1001, 1, 1000);
    peer_free(p);
    PROVES("RFC9293-MUST-36", "RFC9293-SHLD-29", "RFC9293-SHLD-30");
}
END_TEST

START_TEST(a_window_that_is_closed_from_the_start_is_probed)
{
    struct peer *p = peer_new();
    int s = with_window(p, 0);

    peer_expect_silence(p, 10000); /* nothing to say: nothing to ask */
    peer_app_send(p, s, 100);
    peer_expect_after(p, RTO_MS, ".", 1, 1, 1);
    p->window = 100;
    peer_send(p, ".", 1, 1, 0); /* the octet was refused */
    peer_expect(p, "P.", 1, 1, 100);
    peer_free(p);
    PROVES("RFC9293-MUST-36");
}
END_TEST

START_TEST(the_octet_of_a_probe_may_be_taken)
{
    struct peer *p = peer_new();
    int s = with_window(p, 0);

    peer_app_send(p, s, 100);
    peer_expect_after(p, RTO_MS, ".", 1, 1, 1);
    peer_send(p, ".", 1, 2, 0);
    peer_wait(p, 5000);
    struct peer_segment seg = peer_expect(p, ".", 2, 1, 1);
    ck_assert_int_gt(seg.at_ns, 0);
    peer_skip(p);
    p->window = 1000;
    peer_send(p, ".", 1, peer_snd_nxt(p), 0);
    peer_skip(p);
    ck_assert_uint_eq(peer_snd_nxt(p), 101);
    for (uint32_t i = 0; i < 100; i++)
        ck_assert(p->flow->said[i] == peer_octet(i));
    peer_free(p);
    PROVES("RFC9293-MUST-36");
}
END_TEST

START_TEST(a_window_may_stay_closed_for_a_day_while_probes_are_answered)
{
    struct peer *p = peer_new();
    int s = with_window(p, 0);
    int probes = 0;

    peer_app_send(p, s, 100);
    while (peer_time(p) < INT64_C(24) * 3600 * 1000) {
        struct peer_segment seg;
        peer_wait(p, 30000);
        while (peer_next(p, &seg)) {
            ck_assert_uint_le(seg.len, 1);
            peer_send(p, ".", 1, 1, 0);
            probes++;
        }
    }
    ck_assert_int_ge(probes, 24 * 3600 / 121);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    p->window = 1000;
    peer_send(p, ".", 1, 1, 0);
    peer_expect(p, "P.", 1, 1, 100);
    peer_free(p);
    PROVES("RFC9293-MUST-37", "RFC6429-4-a");
}
END_TEST

START_TEST(a_peer_that_answers_no_probe_is_given_up_but_not_before_100_s)
{
    struct peer *p = peer_new();
    int s = with_window(p, 0);

    peer_app_send(p, s, 100);
    peer_wait(p, 99000);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    peer_wait(p, 4 * 3600 * 1000);
    peer_skip(p);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_CLOSED);
    ck_assert_int_eq(peer_so_error(p, s), ETIMEDOUT);
    peer_free(p);
    PROVES("RFC9293-SHLD-11");
}
END_TEST

/* A lost window update: the probe finds out. */
START_TEST(a_probe_is_answered_with_the_window_and_text_flows)
{
    struct peer *p = peer_new();
    int s = with_window(p, 1000);

    peer_app_send(p, s, 2000);
    peer_expect(p, ".", 1, 1, 1000);
    p->window = 0;
    peer_send(p, ".", 1, 1001, 0);
    peer_expect_after(p, RTO_MS, ".", 1001, 1, 1);
    p->window = 1000;
    peer_send(p, ".", 1, 1002, 0);
    peer_expect(p, "P.", 1002, 1, 999);
    peer_free(p);
    PROVES("RFC9293-MUST-36");
}
END_TEST

/* --- windows that shrink (3.8.6; RFC 7323, 2.4)
 * --------------------------------------------------------------------- */

static int with_ten_in_flight(struct peer *p)
{
    int s = with_window(p, 20000);

    peer_app_send(p, s, 100000);
    ck_assert_int_eq(peer_skip(p), 10);
    ck_assert_uint_eq(outstanding(p), 10 * MSS);
    return s;
}

START_TEST(a_window_that_shrinks_below_the_flight_stops_new_text)
{
    struct peer *p = peer_new();
    int s = with_ten_in_flight(p);
    uint32_t nxt = peer_snd_nxt(p);
    struct peer_segment seg;

    p->window = 3000;
    peer_send(p, ".", 1, 1461, 0); /* the edge is at 4461, far left of SND.NXT */
    peer_expect_nothing(p);
    peer_send(p, ".", 1, 2921, 0);
    peer_expect_nothing(p);
    /* Old text is sent again in its time, and new text is not. */
    bool again = false;
    peer_wait(p, 3500);
    while (peer_next(p, &seg)) {
        again = again || seg.seq == 2921;
        ck_assert_uint_le(seg.seq + seg.len, nxt);
    }
    ck_assert(again);
    ck_assert_uint_eq(peer_snd_nxt(p), nxt);
    /* It opens again. */
    p->window = 60000;
    peer_send(p, ".", 1, nxt, 0);
    ck_assert(peer_next(p, &seg));
    ck_assert_uint_eq(seg.seq, nxt);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    peer_free(p);
    PROVES("RFC9293-MUST-34", "RFC9293-SHLD-15", "RFC9293-SHLD-16", "RFC5681-2-a", "C25");
}
END_TEST

START_TEST(a_window_that_shrinks_to_nothing_is_probed)
{
    struct peer *p = peer_new();
    int s = with_ten_in_flight(p);
    uint32_t nxt = peer_snd_nxt(p);
    struct peer_segment seg;

    p->window = 0;
    peer_send(p, ".", 1, 1461, 0);
    peer_expect_nothing(p);
    peer_wait(p, RTO_MS + 1);
    ck_assert(peer_next(p, &seg)); /* about one RTO later */
    ck_assert_uint_eq(seg.seq, 1461);
    ck_assert_uint_ge(seg.len, 1);
    for (int i = 0; i < 200; i++) {
        peer_wait(p, 60000);
        while (peer_next(p, &seg))
            ck_assert_uint_le(seg.seq + seg.len, nxt);
        peer_send(p, ".", 1, 1461, 0);
    }
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED); /* SHLD-17 */
    peer_skip(p);
    p->window = 60000;
    peer_send(p, ".", 1, 1461, 0);
    peer_wait(p, 300000);
    ck_assert(peer_next(p, &seg));
    ck_assert_uint_eq(seg.seq, 1461);
    peer_free(p);
    PROVES("RFC9293-MUST-35", "RFC9293-MUST-34", "RFC5681-2-a", "C25");
}
END_TEST

START_TEST(a_window_that_shrinks_and_comes_back_costs_nothing)
{
    struct peer *p = peer_new();
    int s = with_ten_in_flight(p);
    uint32_t nxt = peer_snd_nxt(p);

    for (uint32_t w = 0; w < 14000; w += 777) {
        p->window = w;
        peer_send(p, ".", 1, 1, 0);
        ck_assert_uint_eq(peer_snd_nxt(p), nxt);
    }
    peer_skip(p);
    p->window = 65535;
    peer_send(p, ".", 1, nxt, 0);
    ck_assert_int_gt(peer_skip(p), 1);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    peer_free(p);
    PROVES("RFC9293-MUST-34", "RFC5681-2-a", "C25");
}
END_TEST

/* --- ACKs (3.10.7.4, fifth)
 * ---------------------------------------------------------------------------------------------- */

START_TEST(an_ack_in_the_middle_of_a_segment_moves_its_beginning)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_app_send(p, s, 2 * MSS);
    peer_skip(p);
    peer_send(p, ".", 1, 501, 0);
    peer_expect_nothing(p);
    ck_assert_uint_eq(peer_info(p, s).send_queued, 2 * MSS - 500);
    struct peer_segment seg;
    peer_wait(p, RTO_MS + 1);
    ck_assert(peer_next(p, &seg));
    ck_assert_uint_eq(seg.seq, 501);
    ck_assert_uint_ge(seg.len, MSS - 500);
    peer_free(p);
    PROVES("RFC9293-ACK-4");
}
END_TEST

START_TEST(an_ack_frees_what_it_acknowledges)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_app_send(p, s, 10 * MSS);
    peer_skip(p);
    for (uint32_t at = 1 + MSS; at <= 1 + 10 * MSS; at += MSS) {
        peer_send(p, ".", 1, at, 0);
        ck_assert_uint_eq(peer_info(p, s).send_queued, 10 * MSS + 1 - at);
    }
    ck_assert_uint_eq(peer_usage(p).send_chunks, 0);
    ck_assert_uint_eq(peer_info(p, s).octets_acked, 10 * MSS);
    peer_expect_silence(p, 5000);
    peer_free(p);
    PROVES("RFC9293-ACK-4");
}
END_TEST

/* SND.WL1 and SND.WL2: an older segment that comes later does not know better. */
START_TEST(a_window_update_that_was_overtaken_is_ignored)
{
    struct peer *p = peer_new();
    int s = with_window(p, 2 * MSS);

    peer_app_send(p, s, 100000);
    ck_assert_int_eq(peer_skip(p), 2);
    p->window = 0;
    peer_send(p, ".", 101, 1 + 2 * MSS, 10); /* later: SEQ 101, window closed */
    peer_skip(p);
    p->window = 10000;
    peer_send(p, ".", 1, 1 + 2 * MSS, 100); /* earlier: SEQ 1, window open */
    struct peer_segment seg;
    while (peer_next(p, &seg))
        ck_assert_uint_eq(seg.len, 0); /* ACKs only */
    p->window = 10000;
    peer_send(p, ".", 111, 1 + 2 * MSS, 0); /* the newest of all */
    ck_assert(peer_next(p, &seg) && seg.len == MSS);
    peer_free(p);
    PROVES("RFC9293-ACK-7");
}
END_TEST

/* The peer sends an early segment, and later the lost one before it again, with what it knows now.
 * Its SEQ is below SND.WL1, so its window may be passed over; but SND.UNA moves, and SND.UNA +
 * SND.WND must not move beyond what was ever offered (RFC 5681, 2: "the most recently advertised
 * receiver window"). */
START_TEST(an_ack_that_moves_snd_una_alone_offers_nothing)
{
    struct peer *p = peer_new();
    int s = with_window(p, 10 * MSS);

    peer_app_send(p, s, 100000);
    ck_assert_int_eq(peer_skip(p), 10);
    peer_send(p, "P.", 101, 1, 100); /* SND.WL1 is 101 */
    peer_skip(p);
    p->window = 0;
    peer_send(p, "P.", 1, 1 + 10 * MSS, 100); /* all is acknowledged, and the window closed */
    peer_wait(p, 100);
    struct peer_segment seg;
    while (peer_next(p, &seg))
        ck_assert_uint_eq(seg.len, 0);
    peer_free(p);
    PROVES("RFC5681-2-a", "RFC9293-ACK-7");
}
END_TEST

START_TEST(the_window_of_an_old_ack_is_ignored)
{
    struct peer *p = peer_new();
    int s = with_window(p, 4 * MSS);

    peer_app_send(p, s, 100000);
    ck_assert_int_eq(peer_skip(p), 4);
    p->window = 0;
    peer_send(p, ".", 1, 1 + 2 * MSS, 0);
    peer_expect_nothing(p);
    p->window = 60000;
    peer_send(p, ".", 1, 1 + MSS, 0); /* SEG.ACK is below SND.WL2 */
    peer_expect_nothing(p);
    peer_send(p, "P.", 1, 1 + MSS, 100); /* SEG.SEQ is above SND.WL1, SEG.ACK below SND.UNA */
    peer_expect(p, ".", 1 + 4 * MSS, 101, 0);
    peer_expect_nothing(p);
    peer_send(p, ".", 101, 1 + 2 * MSS, 0);
    struct peer_segment seg;
    ck_assert(peer_next(p, &seg) && seg.len == MSS);
    peer_free(p);
    PROVES("RFC9293-ACK-6", "RFC9293-ACK-7");
}
END_TEST

START_TEST(an_ack_of_what_was_never_sent_changes_nothing)
{
    struct peer *p = peer_new();
    int s = with_window(p, 2 * MSS);

    peer_app_send(p, s, 2 * MSS);
    peer_skip(p);
    p->window = 60000;
    peer_send(p, ".", 1, 2 + 2 * MSS, 0);
    peer_expect(p, ".", 1 + 2 * MSS, 1, 0);
    ck_assert_uint_eq(peer_info(p, s).send_queued, 2 * MSS);
    peer_app_send(p, s, 2 * MSS); /* and its window does not count */
    peer_expect_nothing(p);
    peer_free(p);
    PROVES("RFC9293-ACK-5");
}
END_TEST

/* --- a device that is full (DESIGN 4a)
 * ------------------------------------------------------------------------------------- */

START_TEST(a_full_device_costs_time_and_nothing_else)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    p->refuse = 3;
    peer_app_send(p, s, 3 * MSS);
    for (int i = 0; i < 3; i++)
        peer_expect_nothing(p); /* each poll is refused once */
    for (uint32_t i = 0; i < 3; i++)
        peer_expect(p, ".", 1 + i * MSS, 1, MSS);
    ck_assert_uint_eq(peer_counter(p, COUNTER_TCP_RETRANSMITS), 0);
    peer_free(p);
}
END_TEST

/* A closed window, and no memory for what the application wants to write: there is nothing to say,
 * and above all no FIN. */
START_TEST(without_memory_nothing_is_said_and_later_everything)
{
    struct peer *p = peer_new();
    int s = with_window(p, _i == 0 ? 0 : 10000);
    static uint8_t text[30000];

    p->no_memory = true;
    ck_assert_int_eq(sock_send(p->stack, s, text, sizeof(text), 0, NULL), -EAGAIN);
    peer_expect_silence(p, 10000);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    p->no_memory = false;
    peer_app_send(p, s, 1000);
    p->window = 10000;
    peer_send(p, ".", 1, 1, 0);
    peer_expect(p, "P.", 1, 1, 1000);
    peer_free(p);
    PROVES("F01");
}
END_TEST

/* A writer who found no memory waits for a timer; an option set meanwhile leaves it alone. */
START_TEST(a_writer_without_memory_is_told_whatever_is_set_meanwhile)
{
    struct peer *p = peer_new();
    int s = with_window(p, 10000);
    static uint8_t text[30000];

    p->no_memory = true;
    ck_assert_int_eq(sock_send(p->stack, s, text, sizeof(text), 0, NULL), -EAGAIN);
    p->no_memory = false;
    ck_assert_int_eq(peer_set(p, s, IPPROTO_TCP, TCP_USER_TIMEOUT, 5000), 0);
    peer_wait(p, 500);
    ck_assert_int_ne(sock_poll(p->stack, s) & POLLOUT, 0);
    peer_free(p);
    PROVES("F01");
}
END_TEST

/* The address of the peer has been forgotten meanwhile; a flight is not lost while it is asked for
 * again. */
START_TEST(the_first_flight_after_a_long_idle_time_is_whole)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_wait(p, 900000);
    peer_app_send(p, s, 10 * MSS);
    for (uint32_t i = 0; i < 10; i++)
        peer_expect(p, ".", 1 + i * MSS, 1, MSS);
    peer_send(p, ".", 1, 1 + 10 * MSS, 0);
    ck_assert_uint_eq(peer_counter(p, COUNTER_TCP_RETRANSMITS), 0);
    ck_assert_uint_eq(peer_counter(p, COUNTER_ARP_QUEUE_DROP), 0);
    peer_free(p);
}
END_TEST

/* --- silence (3.8.4)
 * ----------------------------------------------------------------------------------------------------------
 */

START_TEST(an_idle_connection_is_silent_for_a_day)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_expect_silence(p, INT64_C(24) * 3600 * 1000);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    peer_send(p, "P.", 1, 1, 10);
    peer_app_read(p, s, 10);
    peer_free(p);
    PROVES("RFC9293-MUST-25");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("tcp_send");

    TCase *c = tcase_create("RFC 9293, 3.1: window");
    tcase_add_test(c, a_window_of_65535_is_large_and_not_negative);
    tcase_add_test(c, a_window_of_a_gigabyte_is_not_cut_to_16_bits);
    tcase_add_test(c, the_send_buffer_grows_to_twice_cwnd_but_not_beyond_its_cap);
    tcase_add_test(c, a_send_buffer_that_was_asked_for_stays);
    tcase_add_test(c, readers_who_take_nothing_leave_memory_for_others);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 9293, 3.7.4: Nagle");
    tcase_add_test(c, odd_pieces_leave_as_full_segments);
    tcase_add_test(c, nagle_holds_a_small_segment_while_anything_is_unacknowledged);
    tcase_add_test(c, nagle_lets_a_full_segment_go);
    tcase_add_test(c, without_nagle_each_write_leaves_at_once);
    tcase_add_test(c, turning_nagle_off_lets_go_what_it_held);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 9293, 3.9.1.2: SEND");
    tcase_add_test(c, the_last_segment_of_what_was_written_carries_psh);
    tcase_add_test(c, a_segment_that_was_pushed_is_pushed_again);
    tcase_add_test(c, a_segment_full_of_text_and_blocks_is_not_small);
    tcase_add_test(c, writes_that_met_a_closed_window_leave_as_one_segment);
    tcase_add_test(c, msg_more_gathers_what_belongs_together);
    tcase_add_test(c, msg_more_holds_no_full_segment);
    tcase_add_loop_test(c, text_is_not_held_for_ever_even_when_more_was_promised, 0, 2);
    tcase_add_test(c, a_full_device_costs_time_and_nothing_else);
    tcase_add_loop_test(c, without_memory_nothing_is_said_and_later_everything, 0, 2);
    tcase_add_test(c, a_writer_without_memory_is_told_whatever_is_set_meanwhile);
    tcase_add_test(c, the_first_flight_after_a_long_idle_time_is_whole);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 9293, 3.8.6.2.1: silly windows, sender");
    tcase_add_loop_test(c, a_small_window_is_not_filled_at_once, 0, (int)ARRAY_LEN(openings));
    tcase_add_test(c, all_that_is_queued_leaves_when_it_fits);
    tcase_add_test(c, a_window_that_opens_in_steps_of_ten_makes_no_segments_of_ten);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 9293, 3.8.6.1: zero windows");
    tcase_add_test(c, a_closed_window_is_probed_after_an_rto_and_ever_more_rarely);
    tcase_add_test(c, a_window_that_is_closed_from_the_start_is_probed);
    tcase_add_test(c, the_octet_of_a_probe_may_be_taken);
    tcase_add_test(c, a_window_may_stay_closed_for_a_day_while_probes_are_answered);
    tcase_add_test(c, a_peer_that_answers_no_probe_is_given_up_but_not_before_100_s);
    tcase_add_test(c, a_probe_is_answered_with_the_window_and_text_flows);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 9293, 3.8.6: windows that shrink");
    tcase_add_test(c, a_window_that_shrinks_below_the_flight_stops_new_text);
    tcase_add_test(c, a_window_that_shrinks_to_nothing_is_probed);
    tcase_add_test(c, a_window_that_shrinks_and_comes_back_costs_nothing);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 9293, 3.10.7.4, fifth: ACK");
    tcase_add_test(c, an_ack_in_the_middle_of_a_segment_moves_its_beginning);
    tcase_add_test(c, an_ack_frees_what_it_acknowledges);
    tcase_add_test(c, a_window_update_that_was_overtaken_is_ignored);
    tcase_add_test(c, an_ack_that_moves_snd_una_alone_offers_nothing);
    tcase_add_test(c, the_window_of_an_old_ack_is_ignored);
    tcase_add_test(c, an_ack_of_what_was_never_sent_changes_nothing);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 9293, 3.8.4: keep-alives");
    tcase_add_test(c, an_idle_connection_is_silent_for_a_day);
    suite_add_tcase(s, c);
    return run_suite(s, "tcp_send");
}
