/*
 * test_tcp_receive.c - what happens to text that arrives: acceptance, trimming, order, the window
 * that we offer, and when we acknowledge.
 *
 * Black box: a scripted peer (support/peer.h) and the public calls. RCV.NXT is 1 where a test
 * begins, and the text at SEQ n is what the stream has there, so that peer_app_read() sees every
 * octet in its place.
 */
#include <string.h>

#include "base/base.h"
#include "base/prng.h"
#include "support/peer.h"
#include "support/proves.h"

enum { DELAY_MS = 40, SMALL_BUFFER = 4000 };

/* A stack that acknowledges nothing at once because the connection is young. */
static struct peer *without_quick_acks(void)
{
    struct stack_config config;
    peer_config(&config);
    config.values.tcp_quick_acks = 0;
    return peer_new_with(&config, 0);
}

/* A receive buffer of `octets`, all of it offered. */
static struct peer *with_buffer(int64_t octets)
{
    struct stack_config config;
    peer_config(&config);
    config.values.tcp_rmem = octets;
    config.values.tcp_window_first = octets < 65535 ? octets : 65535;
    return peer_new_with(&config, 0);
}

/* Sends text in order until the offered window is full, and waits for the last ACK. */
static uint32_t fill_window(struct peer *p)
{
    uint32_t at = 1;

    for (int i = 0; i < 1000 && peer_rcv_wnd(p) > 0; i++) {
        uint32_t n = peer_rcv_wnd(p) < 1000 ? peer_rcv_wnd(p) : 1000;
        peer_send(p, "P.", at, 1, n);
        peer_wait(p, 50);
        at = peer_rcv_nxt(p);
    }
    peer_skip(p);
    ck_assert_uint_eq(peer_rcv_wnd(p), 0);
    return at;
}

/* --- the acceptability test (3.4, table 5)
 * ------------------------------------------------------------ */

/* RCV.NXT is 1 and RCV.WND is 4000: [1, 4001). */
enum { LEFT = 1, RIGHT = LEFT + SMALL_BUFFER };

/* Pure ACKs, which acknowledge 10 octets of ours. Just behind the window is the ACK of a peer that
 * has filled it: taken, for it says something new. */
static const struct {
    uint32_t seq;
    bool accepted;
} pure_acks[] = {
    {LEFT - 1, false}, {LEFT, true},       {LEFT + 1, true},      {RIGHT - 1, true},
    {RIGHT, true},     {RIGHT + 1, false}, {LEFT - 1000u, false}, {LEFT + 0x80000000u, false},
};

START_TEST(an_empty_segment_is_accepted_up_to_the_windows_edge)
{
    struct peer *p = with_buffer(SMALL_BUFFER);
    int s = peer_establish_passive(p);

    peer_app_send(p, s, 10);
    peer_expect(p, "P.", 1, 1, 10);
    ck_assert_uint_eq(peer_rcv_wnd(p), SMALL_BUFFER);
    peer_send(p, ".", pure_acks[_i].seq, 11, 0);
    ck_assert_uint_eq(peer_info(p, s).send_queued, pure_acks[_i].accepted ? 0 : 10);
    if (!pure_acks[_i].accepted)
        peer_expect(p, ".", 11, 1, 0);
    peer_expect_nothing(p);
    peer_free(p);
    PROVES("RFC9293-SEQ-2", "RFC9293-SEQ-5");
}
END_TEST

/* [seq, seq + len): what is delivered at once, and what is kept for later. */
static const struct {
    uint32_t seq, len;
    uint32_t now; /* octets behind RCV.NXT that can be read at once */
    bool held;    /* acceptable, and kept for later */
} texts[] = {
    {LEFT - 100u, 100, 0, false},                         /* wholly before */
    {LEFT - 1, 1, 0, false},                              /* the last octet before */
    {LEFT - 100u, 101, 1, false},                         /* one new octet */
    {LEFT - 50u, 100, 50, false},                         /* half of it new */
    {LEFT, 1, 1, false},                                  /* in order */
    {LEFT, 1400, 1400, false},    {LEFT + 1, 1, 0, true}, /* the first behind a hole */
    {RIGHT - 1, 1, 0, true},                              /* the last in the window */
    {RIGHT, 1, 0, false},                                 /* the first behind it */
    {RIGHT - 50, 100, 0, true},                           /* straddles the right edge */
    {RIGHT + 100, 100, 0, false},                         /* wholly behind */
};

START_TEST(text_is_taken_as_far_as_it_is_new_and_inside_the_window)
{
    struct peer *p = with_buffer(SMALL_BUFFER);
    int s = peer_establish_passive(p);

    peer_send(p, ".", texts[_i].seq, 1, texts[_i].len);
    if (texts[_i].now)
        peer_wait(p, 50);
    peer_expect(p, ".", 1, LEFT + texts[_i].now, 0); /* there is always an answer */
    peer_expect_nothing(p);
    peer_app_read(p, s, texts[_i].now);
    ck_assert_int_eq(peer_recv_result(p, s), -EAGAIN);
    ck_assert_uint_eq(peer_usage(p).islands, texts[_i].held ? 1 : 0);
    bool taken = texts[_i].now || texts[_i].held;
    ck_assert_uint_eq(peer_drops(p, DROP_TCP_SEQUENCE), taken ? 0 : 1);

    /* The rest of the window: each octet once. */
    peer_skip(p);
    for (uint32_t at = LEFT + texts[_i].now; at < RIGHT; at += 500)
        peer_send(p, "P.", at, 1, RIGHT - at < 500 ? RIGHT - at : 500);
    peer_app_read(p, s, SMALL_BUFFER - texts[_i].now);
    ck_assert_int_eq(peer_recv_result(p, s), -EAGAIN);
    peer_free(p);
    PROVES("RFC9293-SEQ-4", "RFC9293-SEQ-6", "RFC9293-SEQ-5", "C24");
}
END_TEST

START_TEST(text_and_fin_beyond_the_window_are_cut_off_and_counted)
{
    struct peer *p = with_buffer(SMALL_BUFFER);
    int s = peer_establish_passive(p);

    peer_send(p, ".", 1, 1, 1400);
    peer_send(p, ".", 1401, 1, 1400);
    peer_send(p, "FP.", 2801, 1, 1400); /* 200 too many, and a FIN behind them */
    peer_wait(p, 50);
    ck_assert_uint_eq(peer_rcv_nxt(p), 1 + SMALL_BUFFER);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    ck_assert_uint_gt(peer_counter(p, COUNTER_TCP_TRIMMED), 0);
    peer_skip(p);
    peer_app_read(p, s, SMALL_BUFFER);
    ck_assert_int_eq(peer_recv_result(p, s), -EAGAIN);
    /* Again, now that there is room. */
    peer_send(p, "FP.", 2801, 1, 1400);
    peer_app_read(p, s, 200);
    ck_assert_int_eq(peer_recv_result(p, s), 0);
    peer_free(p);
    PROVES("RFC9293-SEQ-6", "RFC1122-4.2.2.20-a", "C24");
}
END_TEST

/* A FIN alone, exactly where the window ends. */
START_TEST(a_fin_behind_the_window_is_not_taken)
{
    struct peer *p = with_buffer(SMALL_BUFFER);
    int s = peer_establish_passive(p);

    peer_send(p, "F.", 1 + SMALL_BUFFER, 1, 0);
    peer_expect(p, ".", 1, 1, 0);
    for (uint32_t at = 1; at < 1 + SMALL_BUFFER; at += 1000)
        peer_send(p, ".", at, 1, 1000);
    peer_app_read(p, s, SMALL_BUFFER);
    ck_assert_int_eq(peer_recv_result(p, s), -EAGAIN);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    peer_free(p);
    PROVES("RFC9293-SEQ-6", "C24");
}
END_TEST

START_TEST(the_answer_to_what_is_not_acceptable_names_snd_nxt_and_rcv_nxt)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_app_send(p, s, 700); /* SND.NXT is ahead of SND.UNA */
    peer_expect(p, "P.", 1, 1, 700);
    peer_send(p, "P.", (uint32_t)-99, 1, 100);
    peer_expect(p, ".", 701, 1, 0);
    peer_expect_nothing(p);
    peer_send(p, "R", (uint32_t)-99, 0, 0); /* but a reset gets none */
    peer_expect_nothing(p);
    peer_free(p);
    PROVES("RFC9293-SEQ-5", "RFC9293-RST-6");
}
END_TEST

/* --- a closed window
 * --------------------------------------------------------------------------------- */

START_TEST(a_closed_window_takes_an_ack_at_rcv_nxt_alone)
{
    struct peer *p = with_buffer(SMALL_BUFFER);
    int s = peer_establish_passive(p);
    uint32_t nxt = fill_window(p);

    peer_app_send(p, s, 10);
    peer_expect(p, "P.", 1, nxt, 10);
    peer_send(p, ".", nxt + 1, 11, 0);
    peer_expect(p, ".", 11, nxt, 0);
    ck_assert_uint_eq(peer_info(p, s).send_queued, 10);
    peer_send(p, ".", nxt, 11, 0);
    peer_expect_nothing(p);
    ck_assert_uint_eq(peer_info(p, s).send_queued, 0);
    peer_free(p);
    PROVES("RFC9293-SEQ-1");
}
END_TEST

START_TEST(a_probe_of_a_closed_window_is_answered_and_its_ack_counts)
{
    struct peer *p = with_buffer(SMALL_BUFFER);
    int s = peer_establish_passive(p);
    uint32_t nxt = fill_window(p);

    peer_app_send(p, s, 10);
    peer_expect(p, "P.", 1, nxt, 10);
    peer_send(p, "P.", nxt, 11, 1 + 99 * (uint32_t)_i);
    ck_assert_uint_eq(peer_expect(p, ".", 11, nxt, 0).window, 0);
    peer_expect_nothing(p);
    ck_assert_uint_eq(peer_info(p, s).send_queued, 0);
    peer_app_read(p, s, SMALL_BUFFER);
    ck_assert_int_eq(peer_recv_result(p, s), -EAGAIN); /* not the probe */
    peer_free(p);
    PROVES("RFC9293-SEQ-3", "RFC2525-2.12-a");
}
END_TEST

/* What a probe acknowledges is what it would without text, but it is no duplicate ACK (RFC 5681,
 * 2). */
START_TEST(probes_of_a_closed_window_start_no_fast_retransmit)
{
    struct peer *p = with_buffer(SMALL_BUFFER);
    int s = peer_establish_passive(p);
    uint32_t nxt = fill_window(p);

    peer_app_send(p, s, 10);
    peer_expect(p, "P.", 1, nxt, 10);
    for (int i = 0; i < 5; i++) {
        peer_send(p, "P.", nxt, 1, 1);
        peer_expect(p, ".", 11, nxt, 0);
    }
    peer_expect_nothing(p);
    ck_assert_uint_eq(peer_counter(p, COUNTER_TCP_RETRANSMITS), 0);
    peer_free(p);
    PROVES("RFC5681-2-b", "RFC9293-SEQ-3");
}
END_TEST

/* RFC 2525, 2.12: both windows are closed and both sides probe; then one opens. */
START_TEST(a_probe_of_a_closed_window_tells_of_the_peers_own_window)
{
    struct peer *p = with_buffer(SMALL_BUFFER);
    int s = peer_establish_passive(p);
    uint32_t nxt = fill_window(p);

    p->window = 0;
    peer_send(p, ".", nxt, 1, 0);
    peer_app_send(p, s, 100);
    peer_wait(p, 3000); /* we probe */
    peer_skip(p);
    p->window = 10000;
    uint32_t una = peer_snd_nxt(p);
    ck_assert_uint_eq(una, 2);       /* the window was closed */
    peer_send(p, "P.", nxt, una, 1); /* their probe opens the window */
    peer_wait(p, 5000);
    ck_assert_uint_eq(peer_snd_nxt(p), 101);
    peer_free(p);
    PROVES("RFC2525-2.12-a", "RFC9293-SEQ-3");
}
END_TEST

START_TEST(a_closed_window_does_not_shut_out_a_reset)
{
    struct peer *p = with_buffer(SMALL_BUFFER);
    int s = peer_establish_passive(p);
    uint32_t nxt = fill_window(p);

    peer_send(p, "R", nxt, 0, 0);
    peer_expect_nothing(p);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_CLOSED);
    peer_free(p);
    PROVES("RFC9293-MUST-66");
}
END_TEST

START_TEST(a_window_may_stay_closed_and_every_probe_is_answered)
{
    struct peer *p = with_buffer(SMALL_BUFFER);
    int s = peer_establish_passive(p);
    uint32_t nxt = fill_window(p);

    for (int i = 0; i < 60; i++) {
        peer_wait(p, 60000);
        peer_send(p, "P.", nxt, 1, 1);
        ck_assert_uint_eq(peer_expect(p, ".", 1, nxt, 0).window, 0);
        peer_expect_nothing(p);
    }
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    peer_app_read(p, s, SMALL_BUFFER);
    peer_poll(p);
    peer_expect(p, ".", 1, nxt, 0);
    ck_assert_uint_gt(peer_rcv_wnd(p), 0);
    peer_send(p, "P.", nxt, 1, 1);
    peer_app_read(p, s, 1);
    peer_free(p);
    PROVES("RFC9293-MAY-8");
}
END_TEST

/* --- silly windows, our side (3.8.6.2.2)
 * ----------------------------------------------------------------- */

static const struct {
    uint32_t buffer, step; /* the window moves by min(buffer / 2, MSS) */
} silly[] = {{2048, 1024}, {2900, 1450}, {2920, 1460}, {2922, 1460}, {4000, 1460}, {20000, 1460}};

START_TEST(the_window_opens_in_no_smaller_steps_than_an_mss_or_half_the_buffer)
{
    struct peer *p = with_buffer(silly[_i].buffer);
    int s = peer_establish_passive(p);
    uint32_t nxt = fill_window(p);

    for (uint32_t n = 1; n < silly[_i].step; n++) {
        peer_app_read(p, s, 1);
        peer_expect_nothing(p);
    }
    peer_send(p, "P.", nxt, 1, 1);
    ck_assert_uint_eq(peer_expect(p, ".", 1, nxt, 0).window, 0);
    peer_app_read(p, s, 1);
    ck_assert_uint_eq(peer_expect(p, ".", 1, nxt, 0).window, silly[_i].step);
    peer_expect_nothing(p);
    peer_free(p);
    PROVES("RFC9293-MUST-39", "C27");
}
END_TEST

/* An application that keeps up costs no ACKs but those of the text. */
START_TEST(an_application_that_reads_at_once_keeps_the_window_open_without_a_word)
{
    struct peer *p = without_quick_acks();
    int s = peer_establish_passive(p);

    for (uint32_t at = 1; at < 1 + 2000 * 10; at += 2000) {
        peer_send(p, ".", at, 1, 1000);
        peer_app_read(p, s, 1000);
        peer_expect_nothing(p);
        peer_send(p, ".", at + 1000, 1, 1000);
        peer_app_read(p, s, 1000);
        peer_wait(p, 50);
        ck_assert_int_eq(peer_skip(p), 1);
    }
    peer_free(p);
    PROVES("RFC9293-MUST-39");
}
END_TEST

/* RFC 7323, 2.4: with a shift, the window can be told only in steps. Each ACK may round it up by
 * less than one, and what that adds up to is bounded; so the steps here are small beside the
 * buffer. */
static const struct {
    int64_t buffer;
    uint8_t shift; /* ours; 255: the peer does not scale */
} edges[] = {
    {2048, 255}, {20000, 255}, {65535, 255}, {20777, 7},   {60000, 7},    {1 << 20, 7},
    {20000, 0},  {20000, 3},   {1 << 20, 4}, {200000, 10}, {1 << 20, 14},
};

START_TEST(the_right_edge_never_moves_left_whatever_is_read_when)
{
    struct stack_config config;
    peer_config(&config);
    config.values.tcp_rmem = edges[_i].buffer;
    config.values.tcp_window_first = edges[_i].buffer < 65535 ? edges[_i].buffer : 65535;
    if (edges[_i].shift != 255)
        config.values.tcp_window_scale = edges[_i].shift;
    struct peer *p = peer_new_with(&config, 0);
    struct prng prng;
    uint32_t at = 1, unread = 0;

    prng_seed(&prng, (uint64_t)_i);
    p->scale = edges[_i].shift == 255 ? -1 : 7;
    int s = peer_establish_passive(p);
    for (int i = 0; i < 2000; i++) {
        uint32_t room = p->flow->our_edge - (p->flow->irs + at);
        uint32_t n = 1 + (uint32_t)prng_below(&prng, 1460);
        if (n <= room) {
            peer_send(p, "P.", at, 1, n);
            at += n;
            unread += n;
        }
        if (prng_below(&prng, 3) == 0 && unread) {
            n = 1 + (uint32_t)prng_below(&prng, unread);
            peer_app_read(p, s, n);
            unread -= n;
        }
        if (prng_below(&prng, 4) == 0)
            peer_wait(p, 15);
        peer_skip(p); /* peer.c watches the edge */
    }
    peer_app_read(p, s, unread); /* all that fitted was taken */
    peer_free(p);
    PROVES("RFC9293-SHLD-14");
}
END_TEST

/* --- order (3.10.7.4, seventh)
 * ------------------------------------------------------------------------------ */

START_TEST(text_that_comes_early_waits_for_what_is_missing)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_send(p, ".", 101, 1, 100);
    peer_expect(p, ".", 1, 1, 0);
    peer_send(p, ".", 201, 1, 100);
    peer_expect(p, ".", 1, 1, 0);
    ck_assert_int_eq(peer_recv_result(p, s), -EAGAIN);
    peer_send(p, ".", 1, 1, 100);
    peer_expect(p, ".", 1, 301, 0);
    peer_expect_nothing(p);
    peer_app_read(p, s, 300);
    ck_assert_uint_eq(peer_usage(p).islands, 0);
    peer_free(p);
    PROVES("RFC9293-SHLD-31", "RFC9293-MAY-13", "RFC5681-3.2-a", "RFC5681-3.2-b");
}
END_TEST

START_TEST(what_fills_part_of_a_hole_is_acknowledged_at_once)
{
    struct peer *p = without_quick_acks();
    int s = peer_establish_passive(p);

    peer_send(p, ".", 201, 1, 100);
    peer_expect(p, ".", 1, 1, 0);
    peer_send(p, ".", 401, 1, 100);
    peer_expect(p, ".", 1, 1, 0);
    peer_send(p, ".", 1, 1, 100); /* a part of the first hole */
    peer_expect(p, ".", 1, 101, 0);
    peer_send(p, ".", 101, 1, 100); /* all of it; another is left */
    peer_expect(p, ".", 1, 301, 0);
    peer_send(p, ".", 301, 1, 100);
    peer_expect(p, ".", 1, 501, 0);
    peer_expect_silence(p, 1000);
    peer_app_read(p, s, 500);
    peer_free(p);
    PROVES("RFC5681-3.2-b");
}
END_TEST

START_TEST(a_duplicate_is_acknowledged_at_once_and_not_delivered)
{
    struct peer *p = without_quick_acks();
    int s = peer_establish_passive(p);

    peer_send(p, "P.", 1, 1, 100);
    peer_expect_after(p, DELAY_MS, ".", 1, 101, 0);
    peer_send(p, "P.", 1, 1, 100);
    peer_expect(p, ".", 1, 101, 0);
    peer_expect_silence(p, 1000);
    peer_app_read(p, s, 100);
    ck_assert_int_eq(peer_recv_result(p, s), -EAGAIN);
    peer_free(p);
    PROVES("RFC9293-SEQ-5", "RFC9293-TXT-1");
}
END_TEST

START_TEST(ten_thousand_octets_in_any_order_and_overlap_arrive_as_they_were_sent)
{
    struct peer *p = with_buffer(65535);
    struct prng prng;
    int s;

    prng_seed(&prng, (uint64_t)_i);
    p->iss = (uint32_t)prng_next(&prng);
    s = peer_establish_passive(p);
    for (int i = 0; i < 4000 && peer_rcv_nxt(p) < 10001; i++) {
        uint32_t at = 1 + (uint32_t)prng_below(&prng, 10000);
        uint32_t n = 1 + (uint32_t)prng_below(&prng, 700);
        if (at + n > 10001)
            n = 10001 - at;
        if (prng_below(&prng, 20) == 0)
            at = peer_rcv_nxt(p); /* the missing piece, now and then */
        peer_send(p, "P.", at, 1, at + n > 10001 ? 10001 - at : n);
        if (prng_below(&prng, 8) == 0)
            peer_wait(p, 50);
        peer_skip(p);
    }
    ck_assert_uint_eq(peer_rcv_nxt(p), 10001);
    peer_app_read(p, s, 10000);
    ck_assert_int_eq(peer_recv_result(p, s), -EAGAIN);
    peer_free(p);
    PROVES("RFC9293-TXT-1", "RFC9293-SHLD-31");
}
END_TEST

/* C23: letters at [from, to), in the order of arrival; what is read in the end is what each place
 * heard first. */
static const struct {
    struct {
        uint32_t from, to;
        char letter;
    } seg[5];
    const char *read;
} overlaps[] = {
    {{{11, 21, 'a'}, {11, 21, 'b'}, {1, 11, 'c'}}, "ccccccccccaaaaaaaaaa"},
    {{{11, 21, 'a'}, {6, 16, 'b'}, {1, 6, 'c'}}, "cccccbbbbbaaaaaaaaaa"},
    {{{11, 21, 'a'}, {16, 26, 'b'}, {1, 11, 'c'}}, "ccccccccccaaaaaaaaaabbbbb"},
    {{{11, 21, 'a'}, {6, 26, 'b'}, {1, 6, 'c'}}, "cccccbbbbbaaaaaaaaaabbbbb"},
    {{{6, 26, 'a'}, {11, 21, 'b'}, {1, 6, 'c'}}, "cccccaaaaaaaaaaaaaaaaaaaa"},
    {{{11, 21, 'a'}, {1, 31, 'b'}}, "bbbbbbbbbbaaaaaaaaaabbbbbbbbbb"},
    {{{11, 21, 'a'}, {1, 15, 'b'}}, "bbbbbbbbbbaaaaaaaaaa"},
    {{{1, 11, 'a'}, {1, 21, 'b'}}, "aaaaaaaaaabbbbbbbbbb"},
    {{{1, 11, 'a'}, {6, 16, 'b'}}, "aaaaaaaaaabbbbb"},
    {{{11, 13, 'a'}, {15, 17, 'b'}, {19, 21, 'c'}, {11, 21, 'd'}, {1, 11, 'e'}},
     "eeeeeeeeeeaaddbbddcc"},
    {{{15, 17, 'a'}, {11, 21, 'b'}, {13, 19, 'c'}, {1, 26, 'd'}}, "ddddddddddbbbbaabbbbddddd"},
};

START_TEST(of_two_copies_that_differ_the_first_is_delivered)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);
    char text[64], read[64] = {0};

    for (size_t i = 0; i < 5 && overlaps[_i].seg[i].to; i++) {
        uint32_t from = overlaps[_i].seg[i].from, to = overlaps[_i].seg[i].to;
        memset(text, overlaps[_i].seg[i].letter, sizeof(text));
        PEER_SEND(p, .flags = "P.", .seq = from, .ack = 1, .len = to - from, .text = text);
    }
    size_t len = strlen(overlaps[_i].read);
    for (size_t got = 0; got < len;) {
        ssize_t n = sock_recv(p->stack, s, read + got, sizeof(read) - 1 - got, 0, NULL);
        ck_assert_int_gt(n, 0);
        got += (size_t)n;
    }
    ck_assert_str_eq(read, overlaps[_i].read);
    ck_assert_int_eq(peer_recv_result(p, s), -EAGAIN);
    peer_free(p);
    PROVES("C23", "RFC9293-TXT-4");
}
END_TEST

START_TEST(urgent_text_is_text)
{
    static const uint16_t pointers[] = {0, 1, 20, 21, 65535};
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    for (uint32_t i = 0; i < ARRAY_LEN(pointers); i++) {
        PEER_SEND(p, .flags = "PU.", .seq = 1 + i * 20, .ack = 1, .len = 20, .urgent = pointers[i]);
        peer_app_read(p, s, 20);
        PEER_SEND(p, .flags = "U.", .seq = 21 + i * 20, .ack = 1, .urgent = pointers[i]);
    }
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    peer_free(p);
    PROVES("C21");
}
END_TEST

/* --- the hoard (RFC 1122, 4.2.2.20; CVE-2018-5390)
 * ------------------------------------------------------------ */

START_TEST(islands_are_at_most_256_and_the_stream_comes_through)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);
    struct prng prng;
    uint32_t places[2000];

    prng_seed(&prng, (uint64_t)_i);
    for (uint32_t i = 0; i < ARRAY_LEN(places); i++)
        places[i] = 3 + 2 * i;
    for (uint32_t i = 0; _i > 0 && i < ARRAY_LEN(places); i++) {
        uint32_t j = (uint32_t)prng_below(&prng, ARRAY_LEN(places)), t = places[i];
        places[i] = places[j];
        places[j] = t;
    }
    for (uint32_t i = 0; i < ARRAY_LEN(places); i++) {
        peer_send(p, ".", places[i], 1, 1);
        ck_assert_uint_le(peer_usage(p).islands, 256);
        ck_assert_uint_le(peer_usage(p).frames, 300);
        peer_skip(p);
    }
    ck_assert_uint_eq(peer_usage(p).islands, 256);
    ck_assert_uint_eq(peer_drops(p, DROP_TCP_REORDER_CAP), ARRAY_LEN(places) - 256);
    /* The peer sends all of it again, in order. */
    for (uint32_t at = 1; at < 4001; at += 100) {
        peer_send(p, ".", at, 1, 100);
        peer_app_read(p, s, 100);
    }
    ck_assert_uint_eq(peer_usage(p).islands, 0);
    peer_free(p);
    PROVES("C22", "RFC1122-4.2.2.20-a");
}
END_TEST

START_TEST(early_text_is_charged_what_it_really_costs)
{
    struct stack_config config;
    peer_config(&config);
    config.values.tcp_reorder_memory = 16384;
    struct peer *p = peer_new_with(&config, 0);
    peer_establish_passive(p);

    for (uint32_t at = 3; at < 600; at += 2) {
        peer_send(p, ".", at, 1, 1);
        peer_skip(p);
    }
    /* No frame buffer is smaller than 128 octets with its headroom and bookkeeping. */
    ck_assert_uint_le(peer_usage(p).frames, 16384 / 128);
    ck_assert_uint_gt(peer_usage(p).frames, 4);
    ck_assert_uint_gt(peer_drops(p, DROP_TCP_REORDER_CAP), 0);
    peer_free(p);
    PROVES("C22", "RFC1122-4.2.2.20-a");
}
END_TEST

/* Of the frames of the whole stack early text gets half, so that text in order always finds some.
 */
START_TEST(early_text_takes_half_of_the_frames_at_most)
{
    struct stack_config config;
    peer_config(&config);
    config.values.mem_frames = 262144;
    struct peer *p = peer_new_with(&config, 0);
    int s = peer_establish_passive(p);

    p->window = 65535;
    uint32_t at = 1461;
    for (; peer_drops(p, DROP_TCP_NO_MEMORY) == 0 && at < 60000; at += 100) {
        peer_send(p, ".", at + 1, 1, 99);
        peer_skip(p);
    }
    ck_assert_uint_gt(peer_drops(p, DROP_TCP_NO_MEMORY), 0);
    ck_assert_uint_lt(peer_usage(p).frames, 262144 / 2 / 128 + 2);
    peer_send(p, ".", 1, 1, 1460);
    peer_app_read(p, s, 1460);
    peer_free(p);
    PROVES("C22", "RFC1122-4.2.2.20-a");
}
END_TEST

START_TEST(text_of_one_octet_each_costs_few_buffers)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    for (uint32_t at = 1; at < 6001; at++) {
        peer_send(p, ".", at, 1, 1);
        if (at % 100 == 0)
            peer_skip(p);
        ck_assert_uint_le(peer_usage(p).frames, 100);
    }
    peer_app_read(p, s, 6000);
    peer_free(p);
    PROVES("C22");
}
END_TEST

/* --- when we acknowledge (3.8.6.3; RFC 5681, 4.2)
 * ------------------------------------------------------------- */

START_TEST(a_single_segment_is_acknowledged_after_the_delay)
{
    struct peer *p = without_quick_acks();
    int s = peer_establish_passive(p);
    uint32_t len = _i == 0 ? 1 : 1460;

    peer_send(p, "P.", 1, 1, len);
    peer_expect_after(p, DELAY_MS, ".", 1, 1 + len, 0);
    ck_assert_int_lt(peer_time(p), 500);
    peer_expect_silence(p, 1000);
    peer_app_read(p, s, len);
    peer_free(p);
    PROVES("RFC9293-SHLD-18", "RFC9293-MUST-40");
}
END_TEST

START_TEST(every_second_full_segment_is_acknowledged_at_once)
{
    struct peer *p = without_quick_acks();
    int s = peer_establish_passive(p);
    uint32_t acked = 1;
    int acks = 0;

    for (uint32_t i = 0; i < 10; i++) {
        struct peer_segment seg;
        peer_send(p, ".", 1 + i * 1460, 1, 1460);
        peer_app_read(p, s, 1460);
        while (peer_next(p, &seg)) {
            ck_assert_uint_le(seg.ack - acked, 2 * 1460);
            acked = seg.ack;
            acks++;
        }
        ck_assert_uint_le(1 + (i + 1) * 1460 - acked, 1460); /* never two that wait */
    }
    ck_assert_int_ge(acks, 5);
    peer_free(p);
    PROVES("RFC9293-SHLD-19", "RFC2525-2.13-a");
}
END_TEST

/* RFC 5681, 4.2: a sender whose full segments are smaller than what we announced. */
START_TEST(every_second_segment_is_acknowledged_when_full_means_less_than_our_mss)
{
    struct peer *p = without_quick_acks();
    int s = peer_establish_passive(p);
    uint32_t acked = 1;

    for (uint32_t i = 0; i < 20; i++) {
        struct peer_segment seg;
        peer_send(p, ".", 1 + i * 536, 1, 536);
        peer_app_read(p, s, 536);
        while (peer_next(p, &seg))
            acked = seg.ack;
        if (i >= 4) /* it may take a while to find out */
            ck_assert_uint_le(1 + (i + 1) * 536 - acked, 536);
    }
    peer_free(p);
    PROVES("RFC9293-SHLD-19");
}
END_TEST

START_TEST(the_first_sixteen_segments_are_acknowledged_at_once)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    for (uint32_t i = 0; i < 16; i++) {
        peer_send(p, "P.", 1 + i * 10, 1, 10);
        peer_expect(p, ".", 1, 11 + i * 10, 0);
    }
    peer_send(p, "P.", 161, 1, 10);
    peer_expect_after(p, DELAY_MS, ".", 1, 171, 0);
    peer_app_read(p, s, 170);
    peer_free(p);
    PROVES("RFC9293-SHLD-18");
}
END_TEST

START_TEST(an_ack_rides_on_text_that_leaves_anyway)
{
    struct peer *p = _i == 0 ? peer_new() : without_quick_acks();
    int s = peer_establish_passive(p);

    peer_batch_begin(p);
    peer_send(p, "P.", 1, 1, 100);
    peer_app_read(p, s, 100);
    peer_app_send(p, s, 200);
    peer_batch_end(p);
    peer_expect(p, "P.", 1, 101, 200);
    peer_send(p, ".", 101, 201, 0);
    peer_expect_silence(p, 1000);
    peer_free(p);
    PROVES("RFC9293-TXT-2");
}
END_TEST

START_TEST(a_delayed_ack_rides_on_text_that_leaves_meanwhile)
{
    struct peer *p = without_quick_acks();
    int s = peer_establish_passive(p);

    peer_send(p, "P.", 1, 1, 100);
    peer_app_read(p, s, 100);
    peer_expect_silence(p, 20);
    peer_app_send(p, s, 200);
    peer_expect(p, "P.", 1, 101, 200);
    peer_send(p, ".", 101, 201, 0);
    peer_expect_silence(p, 1000);
    peer_free(p);
    PROVES("RFC9293-TXT-2");
}
END_TEST

/* MUST-58, MUST-59: what arrives together is acknowledged together. */
static const int bursts[] = {2, 3, 10, 16, 17, 32, 40, 63};

START_TEST(a_batch_is_acknowledged_once_for_every_sixteen_segments)
{
    struct peer *p = _i % 2 ? peer_new() : without_quick_acks();
    int s = peer_establish_passive(p), n = bursts[_i / 2], acks = 0;
    struct peer_segment seg = {.ack = 0};

    peer_batch_begin(p);
    for (uint32_t i = 0; i < (uint32_t)n; i++)
        peer_send(p, ".", 1 + i * 1000, 1, 1000);
    peer_batch_end(p);
    while (peer_next(p, &seg))
        acks++;
    ck_assert_int_ge(acks, n / 16 > 0 ? n / 16 : 1);
    ck_assert_int_le(acks, n / 16 + 1);
    uint32_t end = 1 + (uint32_t)n * 1000;
    if (n % 16 == 1 && seg.ack == end - 1000)
        seg = peer_expect_after(p, DELAY_MS, ".", 1, end, 0); /* a single one may wait */
    ck_assert_uint_eq(seg.ack, end);
    peer_expect_silence(p, 1000);
    peer_app_read(p, s, (uint32_t)n * 1000);
    peer_free(p);
    PROVES("RFC9293-MUST-58", "RFC9293-MUST-59");
}
END_TEST

START_TEST(each_early_segment_of_a_batch_has_its_own_duplicate_ack)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_batch_begin(p);
    for (uint32_t i = 1; i <= 5; i++)
        peer_send(p, ".", 1 + i * 1000, 1, 1000);
    peer_batch_end(p);
    for (int i = 0; i < 5; i++)
        peer_expect(p, ".", 1, 1, 0);
    peer_expect_nothing(p);
    peer_send(p, ".", 1, 1, 1000);
    peer_expect(p, ".", 1, 6001, 0);
    peer_expect_nothing(p);
    peer_app_read(p, s, 6000);
    peer_free(p);
    PROVES("RFC5681-3.2-a", "RFC9293-MAY-13");
}
END_TEST

START_TEST(a_batch_with_a_hole_in_it_repeats_the_number_at_the_hole)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);
    struct peer_segment seg;
    int at_hole = 0;

    peer_batch_begin(p);
    for (uint32_t i = 0; i < 10; i++) {
        if (i != 3)
            peer_send(p, ".", 1 + i * 1000, 1, 1000);
    }
    peer_batch_end(p);
    while (peer_next(p, &seg))
        at_hole += seg.ack == 3001;
    ck_assert_int_ge(at_hole, 4); /* one that is new, and three duplicates at least */
    peer_send(p, ".", 3001, 1, 1000);
    peer_expect(p, ".", 1, 10001, 0);
    peer_app_read(p, s, 10000);
    peer_free(p);
    PROVES("RFC5681-3.2-a");
}
END_TEST

START_TEST(a_flood_of_early_segments_in_one_batch_gets_sixteen_acks)
{
    struct peer *p = peer_new();
    int acks = 0;

    peer_establish_passive(p);
    peer_batch_begin(p);
    for (uint32_t i = 1; i <= 60; i++)
        peer_send(p, ".", 1 + i * 100, 1, 50);
    peer_batch_end(p);
    acks = peer_skip(p);
    ck_assert_int_ge(acks, 3);
    ck_assert_int_le(acks, 17);
    peer_free(p);
}
END_TEST

/* --- the ACK field of what arrives (3.10.7.4, fifth)
 * ------------------------------------------------------------ */

START_TEST(a_segment_without_ack_is_dropped_in_silence)
{
    static const char *const flags[] = {"-", "P", "F", "PU", "FPU"};
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    for (uint32_t i = 0; i < ARRAY_LEN(flags); i++)
        peer_send(p, flags[i], 1, 0, 10);
    peer_expect_silence(p, 1000);
    ck_assert_uint_eq(peer_drops(p, DROP_TCP_NO_ACK), ARRAY_LEN(flags));
    ck_assert_int_eq(peer_recv_result(p, s), -EAGAIN);
    peer_send(p, "P.", 1, 1, 10);
    peer_app_read(p, s, 10);
    peer_free(p);
    PROVES("RFC9293-ACK-1", "C13");
}
END_TEST

/* SND.UNA and SND.NXT are 3001, MAX.SND.WND is 65535. */
static const struct {
    uint32_t ack;
    bool taken;
} old_acks[] = {
    {3001, true},  {3000, true},           {2001, true},
    {1, true},     {3001u - 65535u, true}, {3001u - 65536u, false},
    {3002, false}, {3001 + 65535, false},  {3001 + 0x80000000u, false},
};

START_TEST(text_is_taken_with_an_ack_that_is_old_but_not_too_old)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_app_send(p, s, 3000);
    peer_send(p, ".", 1, 2921, 0);
    peer_send(p, ".", 1, 3001, 0);
    peer_skip(p);
    peer_wait(p, 1000);

    peer_send(p, "P.", 1, old_acks[_i].ack, 100);
    peer_wait(p, 50);
    peer_expect(p, ".", 3001, old_acks[_i].taken ? 101 : 1, 0);
    peer_expect_nothing(p);
    if (old_acks[_i].taken)
        peer_app_read(p, s, 100);
    else
        ck_assert_uint_eq(peer_drops(p, DROP_TCP_ACK), 1);
    ck_assert_int_eq(peer_recv_result(p, s), -EAGAIN);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    peer_app_send(p, s, 10); /* SND.UNA is where it was */
    peer_expect(p, "P.", 3001, old_acks[_i].taken ? 101 : 1, 10);
    peer_free(p);
    PROVES("RFC9293-ACK-5", "RFC9293-ACK-6", "C18");
}
END_TEST

/* --- large
 * --------------------------------------------------------------------------------------------------------
 */

START_TEST(a_million_octets_arrive_with_and_without_window_scale)
{
    struct peer *p = peer_new();
    uint32_t at = 1, end = 1 + 1000000;

    p->scale = _i == 0 ? -1 : 7;
    int s = peer_establish_passive(p);
    while (at < end) {
        peer_batch_begin(p);
        uint32_t batch = 0;
        while (at < end && batch < 32) {
            uint32_t room = p->flow->our_edge - (p->flow->irs + at);
            uint32_t n = end - at < 1460 ? end - at : 1460;
            if (n > room)
                break;
            peer_send(p, ".", at, 1, n);
            at += n;
            batch++;
            peer_app_read(p, s, n);
        }
        ck_assert_uint_gt(batch, 0);
        peer_batch_end(p);
        peer_wait(p, 1);
        peer_skip(p);
    }
    peer_wait(p, 50);
    ck_assert_uint_eq(peer_rcv_nxt(p), end);
    if (_i == 1)
        ck_assert_uint_gt(peer_rcv_wnd(p), 200000); /* more than 16 bits hold */
    peer_free(p);
    PROVES("RFC9293-TXT-1", "RFC9293-REC-1");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("tcp_receive");

    TCase *c = tcase_create("RFC 9293, 3.10.7.4, first: sequence numbers");
    tcase_add_loop_test(c, an_empty_segment_is_accepted_up_to_the_windows_edge, 0,
                        (int)ARRAY_LEN(pure_acks));
    tcase_add_loop_test(c, text_is_taken_as_far_as_it_is_new_and_inside_the_window, 0,
                        (int)ARRAY_LEN(texts));
    tcase_add_test(c, text_and_fin_beyond_the_window_are_cut_off_and_counted);
    tcase_add_test(c, a_fin_behind_the_window_is_not_taken);
    tcase_add_test(c, the_answer_to_what_is_not_acceptable_names_snd_nxt_and_rcv_nxt);
    tcase_add_test(c, a_closed_window_takes_an_ack_at_rcv_nxt_alone);
    tcase_add_loop_test(c, a_probe_of_a_closed_window_is_answered_and_its_ack_counts, 0, 2);
    tcase_add_test(c, probes_of_a_closed_window_start_no_fast_retransmit);
    tcase_add_test(c, a_probe_of_a_closed_window_tells_of_the_peers_own_window);
    tcase_add_test(c, a_closed_window_does_not_shut_out_a_reset);
    tcase_add_test(c, a_window_may_stay_closed_and_every_probe_is_answered);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 9293, 3.8.6.2.2: silly windows, receiver");
    tcase_add_loop_test(c, the_window_opens_in_no_smaller_steps_than_an_mss_or_half_the_buffer, 0,
                        (int)ARRAY_LEN(silly));
    tcase_add_test(c, an_application_that_reads_at_once_keeps_the_window_open_without_a_word);
    tcase_add_loop_test(c, the_right_edge_never_moves_left_whatever_is_read_when, 0,
                        (int)ARRAY_LEN(edges));
    suite_add_tcase(s, c);

    c = tcase_create("RFC 9293, 3.10.7.4, seventh: text");
    tcase_add_test(c, text_that_comes_early_waits_for_what_is_missing);
    tcase_add_test(c, what_fills_part_of_a_hole_is_acknowledged_at_once);
    tcase_add_test(c, a_duplicate_is_acknowledged_at_once_and_not_delivered);
    tcase_add_loop_test(c, ten_thousand_octets_in_any_order_and_overlap_arrive_as_they_were_sent, 0,
                        20);
    tcase_add_loop_test(c, of_two_copies_that_differ_the_first_is_delivered, 0,
                        (int)ARRAY_LEN(overlaps));
    tcase_add_test(c, urgent_text_is_text);
    tcase_add_loop_test(c, a_million_octets_arrive_with_and_without_window_scale, 0, 2);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 1122, 4.2.2.20: bounds of the hoard");
    tcase_add_loop_test(c, islands_are_at_most_256_and_the_stream_comes_through, 0, 3);
    tcase_add_test(c, early_text_is_charged_what_it_really_costs);
    tcase_add_test(c, early_text_takes_half_of_the_frames_at_most);
    tcase_add_test(c, text_of_one_octet_each_costs_few_buffers);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 9293, 3.8.6.3: acknowledgments");
    tcase_add_loop_test(c, a_single_segment_is_acknowledged_after_the_delay, 0, 2);
    tcase_add_test(c, every_second_full_segment_is_acknowledged_at_once);
    tcase_add_test(c, every_second_segment_is_acknowledged_when_full_means_less_than_our_mss);
    tcase_add_test(c, the_first_sixteen_segments_are_acknowledged_at_once);
    tcase_add_loop_test(c, an_ack_rides_on_text_that_leaves_anyway, 0, 2);
    tcase_add_test(c, a_delayed_ack_rides_on_text_that_leaves_meanwhile);
    tcase_add_loop_test(c, a_batch_is_acknowledged_once_for_every_sixteen_segments, 0,
                        2 * (int)ARRAY_LEN(bursts));
    tcase_add_test(c, each_early_segment_of_a_batch_has_its_own_duplicate_ack);
    tcase_add_test(c, a_batch_with_a_hole_in_it_repeats_the_number_at_the_hole);
    tcase_add_test(c, a_flood_of_early_segments_in_one_batch_gets_sixteen_acks);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 9293, 3.10.7.4, fifth: the ACK field of text");
    tcase_add_test(c, a_segment_without_ack_is_dropped_in_silence);
    tcase_add_loop_test(c, text_is_taken_with_an_ack_that_is_old_but_not_too_old, 0,
                        (int)ARRAY_LEN(old_acks));
    suite_add_tcase(s, c);
    return run_suite(s, "tcp_receive");
}
