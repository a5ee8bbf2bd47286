/* test_track.c - what each segment is said to do to its connection. */
#include "see/track_inside.h"

#include "support/proves.h"
#include "support/wire.h"

enum { A = 0x0a090001, B = 0x0a090002, A_PORT = 40000, B_PORT = 80, A_ISN = 1000, B_ISN = 5000 };

static struct track track;
static struct dissection d;
static struct track_verdict v;
static uint8_t frame[WIRE_FRAME_MAX];
static const struct hash_key key = {1, 2};

static void given_nothing(void)
{
    track_init(&track, key);
}

static const char text_of_any_size[] = "abcdefghijklmnopqrstuvwxyz";

/* A segment from A or from B; numbers are relative to the two initial ones. */
struct row {
    char from;
    uint8_t flags;
    uint32_t seq, ack, len;
    uint16_t window;
    enum track_kind kind;
    enum tcp_state a, b;
};

static void track_wire(const struct wire_tcp *tcp, bool discarded)
{
    size_t len = wire_emit(frame, tcp);

    fields_read(&d, bytes_of(frame, len), (uint32_t)len, FIELDS_ETHERNET);
    ck_assert(d.seen.tcp);
    track_packet(&track, &d, discarded, &v);
}

static struct wire_tcp segment_of(const struct row *row)
{
    bool a = row->from == 'A';
    static const uint8_t scale[] = {3, 3, 2};

    return (struct wire_tcp){
        .ip_src = a ? A : B,
        .ip_dst = a ? B : A,
        .src_port = a ? A_PORT : B_PORT,
        .dst_port = a ? B_PORT : A_PORT,
        .seq = (a ? A_ISN : B_ISN) + row->seq,
        .ack = row->flags & WIRE_ACK ? (a ? B_ISN : A_ISN) + row->ack : 0,
        .flags = row->flags,
        .window = row->window,
        .ttl = 64,
        .options = bytes_of(scale, row->flags & WIRE_SYN ? 3 : 0),
        .text = bytes_of(text_of_any_size, row->len),
    };
}

static void play(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct wire_tcp tcp = segment_of(&rows[i]);
        track_wire(&tcp, false);
        ck_assert_msg(v.kind == rows[i].kind, "row %zu is '%s', not '%s': %s", i,
                      track_kind_key(v.kind), track_kind_key(rows[i].kind), v.text);
        ck_assert_msg(v.state_a == rows[i].a && v.state_b == rows[i].b,
                      "row %zu: A is %s, B is %s: %s", i, tcp_state_name(v.state_a),
                      tcp_state_name(v.state_b), v.text);
        ck_assert(strlen(v.text) > 0);
        ck_assert(!strchr(v.text, '$'));
    }
}

#define PLAY(...)                                                                                  \
    do {                                                                                           \
        static const struct row rows[] = {__VA_ARGS__};                                            \
        play(rows, sizeof(rows) / sizeof(rows[0]));                                                \
    } while (0)

enum {
    S = WIRE_SYN,
    ACK = WIRE_ACK,
    SA = S | ACK,
    FA = WIRE_FIN | ACK,
    R = WIRE_RST,
    RA = R | ACK
};
#define EST TCPS_ESTABLISHED, TCPS_ESTABLISHED

/* clang-format off */
#define HANDSHAKE                                                                                  \
    {'A', S, 0, 0, 0, 500, TRACK_SYN, TCPS_SYN_SENT, TCPS_LISTEN},                                 \
    {'B', SA, 0, 1, 0, 500, TRACK_SYN_ACK, TCPS_ESTABLISHED, TCPS_SYN_RECEIVED},                   \
    {'A', ACK, 1, 1, 0, 500, TRACK_HANDSHAKE_DONE, EST}

START_TEST(a_connection_is_followed_from_its_first_step_to_its_last)
{
    PLAY(HANDSHAKE,
         {'A', ACK, 1, 1, 10, 500, TRACK_TEXT, EST},
         {'B', ACK, 1, 11, 0, 500, TRACK_ACK, EST},
         {'B', ACK, 1, 11, 5, 500, TRACK_TEXT, EST},
         {'A', ACK, 11, 6, 0, 500, TRACK_ACK, EST},
         {'A', FA, 11, 6, 0, 500, TRACK_FIN, TCPS_FIN_WAIT_1, TCPS_CLOSE_WAIT},
         {'B', ACK, 6, 12, 0, 500, TRACK_FIN_ACKED, TCPS_FIN_WAIT_2, TCPS_CLOSE_WAIT},
         {'B', FA, 6, 12, 0, 500, TRACK_FIN, TCPS_TIME_WAIT, TCPS_LAST_ACK},
         {'A', ACK, 12, 7, 0, 500, TRACK_FIN_ACKED, TCPS_TIME_WAIT, TCPS_CLOSED});
    ck_assert_uint_eq(v.conn, 1);
    ck_assert(v.a_to_b && v.sure_a && v.sure_b);
    ck_assert_uint_eq(v.seq, 12);
    ck_assert_uint_eq(v.ack, 7);
    ck_assert_uint_eq(v.window, 500 << 2);
    ck_assert(v.scaled);
}
END_TEST

START_TEST(both_ends_may_close_at_once)
{
    PLAY(HANDSHAKE,
         {'A', FA, 1, 1, 0, 500, TRACK_FIN, TCPS_FIN_WAIT_1, TCPS_CLOSE_WAIT},
         {'B', FA, 1, 1, 0, 500, TRACK_FIN, TCPS_CLOSING, TCPS_LAST_ACK},
         {'A', ACK, 2, 2, 0, 500, TRACK_FIN_ACKED, TCPS_CLOSING, TCPS_CLOSED},
         {'B', ACK, 2, 2, 0, 500, TRACK_FIN_ACKED, TCPS_TIME_WAIT, TCPS_CLOSED});
}
END_TEST

START_TEST(both_ends_may_open_at_once)
{
    PLAY({'A', S, 0, 0, 0, 500, TRACK_SYN, TCPS_SYN_SENT, TCPS_LISTEN},
         {'B', S, 0, 0, 0, 500, TRACK_SYN_BOTH, TCPS_SYN_RECEIVED, TCPS_SYN_RECEIVED});
}
END_TEST

START_TEST(what_is_sent_again_was_seen_before_and_what_fills_a_hole_was_not)
{
    PLAY(HANDSHAKE,
         {'A', S, 0, 0, 0, 500, TRACK_SYN_AGAIN, EST},
         {'B', SA, 0, 1, 0, 500, TRACK_SYN_ACK_AGAIN, EST},
         {'A', ACK, 1, 1, 10, 500, TRACK_TEXT, EST},
         {'A', ACK, 21, 1, 10, 500, TRACK_BEYOND_HOLE, EST},
         {'B', ACK, 1, 11, 0, 500, TRACK_ACK, EST},
         {'A', ACK, 31, 1, 10, 500, TRACK_TEXT, EST},
         {'B', ACK, 1, 11, 0, 500, TRACK_ACK_DUP, EST},
         {'B', ACK, 1, 11, 0, 500, TRACK_ACK_DUP, EST},
         {'A', ACK, 11, 1, 4, 500, TRACK_FILLS_HOLE, EST},
         {'A', ACK, 11, 1, 4, 500, TRACK_AGAIN, EST},
         {'A', ACK, 15, 1, 6, 500, TRACK_FILLS_HOLE, EST},
         {'B', ACK, 1, 41, 0, 500, TRACK_ACK, EST},
         {'A', ACK, 31, 1, 10, 500, TRACK_AGAIN_IN_VAIN, EST},
         {'A', ACK, 31, 1, 15, 500, TRACK_TEXT_PARTLY, EST},
         {'B', ACK, 1, 11, 0, 500, TRACK_ACK_OLD, EST});
}
END_TEST

START_TEST(a_burst_of_losses_leaves_many_holes)
{
    PLAY(HANDSHAKE);
    for (uint32_t pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < 20; i++) {
            struct wire_tcp tcp = segment_of(&(struct row){
                .from = 'A', .flags = ACK, .seq = 11 + 20 * i - 10 * pass, .ack = 1, .len = 10, .window = 500});
            track_wire(&tcp, false);
            ck_assert_msg(v.kind == (pass ? TRACK_FILLS_HOLE : TRACK_BEYOND_HOLE), "%u: %s", i, v.text);
        }
    }
}
END_TEST

START_TEST(windows_close_are_probed_and_open)
{
    PLAY(HANDSHAKE,
         {'A', ACK, 1, 1, 10, 500, TRACK_TEXT, EST},
         {'B', ACK, 1, 11, 0, 0, TRACK_ACK, EST},
         {'A', ACK, 11, 1, 1, 500, TRACK_PROBE, EST},
         {'B', ACK, 1, 11, 0, 0, TRACK_ANSWER, EST},
         {'A', ACK, 10, 1, 0, 500, TRACK_PROBE, EST},
         {'B', ACK, 1, 11, 0, 0, TRACK_ANSWER, EST},
         {'A', ACK, 12, 1, 0, 500, TRACK_ACK_SAME, EST},
         {'B', ACK, 1, 12, 0, 300, TRACK_ACK, EST},
         {'B', ACK, 1, 12, 0, 400, TRACK_WINDOW, EST},
         {'B', ACK, 1, 12, 0, 0, TRACK_WINDOW_ZERO, EST});
}
END_TEST

START_TEST(a_keep_alive_is_no_retransmission)
{
    PLAY(HANDSHAKE,
         {'A', ACK, 1, 1, 10, 500, TRACK_TEXT, EST},
         {'B', ACK, 1, 11, 0, 500, TRACK_ACK, EST},
         {'A', ACK, 10, 1, 0, 500, TRACK_KEEP_ALIVE, EST},
         {'B', ACK, 1, 11, 0, 500, TRACK_ANSWER, EST},
         {'A', ACK, 10, 1, 1, 500, TRACK_KEEP_ALIVE, EST},
         {'B', ACK, 1, 11, 0, 500, TRACK_ANSWER, EST});
}
END_TEST

START_TEST(a_reset_is_believed_at_the_right_number_only)
{
    PLAY(HANDSHAKE,
         {'B', R, 900, 0, 0, 0, TRACK_RESET_DOUBTFUL, EST},
         {'B', R, 90000, 0, 0, 0, TRACK_RESET_OUTSIDE, EST},
         {'B', S, 70, 0, 0, 0, TRACK_SYN_INSIDE, EST},
         {'B', RA, 1, 1, 0, 0, TRACK_RESET, TCPS_CLOSED, TCPS_CLOSED});
}
END_TEST

START_TEST(a_connection_may_be_refused)
{
    PLAY({'A', S, 0, 0, 0, 500, TRACK_SYN, TCPS_SYN_SENT, TCPS_LISTEN},
         {'B', RA, 0, 7, 0, 0, TRACK_RESET_OUTSIDE, TCPS_SYN_SENT, TCPS_LISTEN},
         {'B', SA, 0, 9, 0, 500, TRACK_SYN_ACK_WRONG, TCPS_SYN_SENT, TCPS_LISTEN},
         {'B', RA, 0, 1, 0, 0, TRACK_REFUSED, TCPS_CLOSED, TCPS_CLOSED},
         /* and tried again, with other numbers */
         {'A', S, 777, 0, 0, 500, TRACK_SYN, TCPS_SYN_SENT, TCPS_LISTEN});
    ck_assert_uint_eq(v.conn, 2);
    ck_assert_ptr_nonnull(strstr(v.text, "had a connection before"));
    /* refused again, and tried again with the same numbers, as some do; or by the other end */
    PLAY({'B', RA, 0, 778, 0, 0, TRACK_REFUSED, TCPS_CLOSED, TCPS_CLOSED},
         {'A', S, 777, 0, 0, 500, TRACK_SYN, TCPS_SYN_SENT, TCPS_LISTEN},
         {'B', SA, 0, 778, 0, 500, TRACK_SYN_ACK, TCPS_ESTABLISHED, TCPS_SYN_RECEIVED},
         {'A', ACK, 778, 1, 0, 500, TRACK_HANDSHAKE_DONE, EST},
         {'A', R, 778, 0, 0, 0, TRACK_RESET, TCPS_CLOSED, TCPS_CLOSED},
         {'A', S, 888, 0, 0, 500, TRACK_SYN, TCPS_SYN_SENT, TCPS_LISTEN},
         {'B', RA, 0, 889, 0, 0, TRACK_REFUSED, TCPS_CLOSED, TCPS_CLOSED},
         {'B', S, 99, 0, 0, 500, TRACK_SYN, TCPS_SYN_SENT, TCPS_LISTEN});
    ck_assert_uint_eq(v.conn, 5);
    ck_assert(v.a_to_b); /* B has called, so that it is A now */
}
END_TEST

START_TEST(a_reset_without_an_ack_refuses_no_connection)
{
    PLAY({'A', S, 0, 0, 0, 500, TRACK_SYN, TCPS_SYN_SENT, TCPS_LISTEN},
         {'B', R, 0, 0, 0, 0, TRACK_RESET_OUTSIDE, TCPS_SYN_SENT, TCPS_LISTEN},
         {'B', SA, 0, 1, 0, 500, TRACK_SYN_ACK, TCPS_ESTABLISHED, TCPS_SYN_RECEIVED});
}
END_TEST

START_TEST(text_may_come_with_the_syn_and_be_acknowledged)
{
    PLAY({'A', S, 0, 0, 5, 500, TRACK_SYN, TCPS_SYN_SENT, TCPS_LISTEN},
         {'B', SA, 0, 7, 0, 500, TRACK_SYN_ACK_WRONG, TCPS_SYN_SENT, TCPS_LISTEN},
         {'B', SA, 0, 6, 0, 500, TRACK_SYN_ACK, TCPS_ESTABLISHED, TCPS_SYN_RECEIVED},
         {'A', ACK, 6, 1, 0, 500, TRACK_HANDSHAKE_DONE, EST});
}
END_TEST

START_TEST(a_connection_whose_end_was_missed_may_be_followed_by_another)
{
    PLAY(HANDSHAKE, {'A', ACK, 1, 1, 10, 500, TRACK_TEXT, EST},
         {'B', ACK, 1, 11, 0, 500, TRACK_ACK, EST},
         /* the same ends, other numbers; what was between them the capture does not have */
         {'A', S, 777000, 0, 0, 500, TRACK_SYN_INSIDE, EST},
         {'B', SA, 555000, 777001, 0, 500, TRACK_SYN_ACK, TCPS_ESTABLISHED, TCPS_SYN_RECEIVED},
         {'A', ACK, 777001, 555001, 0, 500, TRACK_HANDSHAKE_DONE, EST},
         {'A', ACK, 777001, 555001, 10, 500, TRACK_TEXT, EST});
}
END_TEST

START_TEST(ends_that_are_equal_do_not_share_a_bucket)
{
    uint32_t used = 0;

    for (uint32_t i = 0; i < 256; i++) {
        struct endpoint end = {ip_from_v4(A), (uint16_t)(i + 1)};
        track_add(&track, end, end);
    }
    for (uint32_t i = 0; i < TRACK_BUCKETS; i++)
        used += track.bucket[i] != TRACK_CONNS;
    ck_assert_uint_gt(used, 200);
}
END_TEST

START_TEST(a_capture_may_begin_in_the_middle)
{
    PLAY({'B', ACK, 500, 300, 10, 500, TRACK_TEXT, EST},
         {'A', ACK, 300, 510, 0, 500, TRACK_ACK, EST},
         {'A', ACK, 300, 510, 4, 500, TRACK_TEXT, EST});
    ck_assert(!v.sure_a && !v.sure_b);
    ck_assert_uint_eq(v.seq, 1); /* as Wireshark counts then */
    ck_assert(!v.a_to_b);        /* B was seen first, so that it is A */
    ck_assert(!v.scaled);
}
END_TEST

START_TEST(what_the_capture_missed_is_taken_over)
{
    PLAY(HANDSHAKE,
         {'B', ACK, 1, 101, 0, 500, TRACK_ACK, EST},
         {'A', ACK, 101, 1, 10, 500, TRACK_TEXT, EST},
         {'A', ACK, 131, 1, 0, 500, TRACK_ACK_SAME, EST},
         {'A', ACK, 131, 1, 10, 500, TRACK_TEXT, EST});
}
END_TEST

START_TEST(a_fin_beyond_a_hole_does_not_close)
{
    PLAY(HANDSHAKE,
         {'A', FA, 11, 1, 5, 500, TRACK_BEYOND_HOLE, TCPS_FIN_WAIT_1, TCPS_ESTABLISHED},
         {'A', ACK, 1, 1, 10, 500, TRACK_FILLS_HOLE, TCPS_FIN_WAIT_1, TCPS_ESTABLISHED},
         {'A', FA, 16, 1, 0, 500, TRACK_FIN_AGAIN, TCPS_FIN_WAIT_1, TCPS_ESTABLISHED});
}
END_TEST

START_TEST(flags_that_no_tcp_sends_change_nothing)
{
    PLAY(HANDSHAKE,
         {'A', S | FA, 1, 1, 0, 500, TRACK_SENSELESS, EST},
         {'A', S | R, 1, 1, 0, 500, TRACK_SENSELESS, EST},
         {'A', 0, 1, 1, 3, 500, TRACK_SENSELESS, EST},
         {'A', ACK, 1, 1, 3, 500, TRACK_TEXT, EST});
}
END_TEST
/* clang-format on */

START_TEST(a_wrong_checksum_changes_nothing)
{
    PLAY(HANDSHAKE);
    struct wire_tcp tcp = segment_of(&(struct row){'A', ACK, 1, 1, 10, 500, 0, EST});
    tcp.bad_checksum = true;
    track_wire(&tcp, false);
    ck_assert_int_eq(v.kind, TRACK_BAD_SUM);
    PLAY({'A', ACK, 1, 1, 10, 500, TRACK_TEXT, EST});
}
END_TEST

START_TEST(what_was_discarded_changes_nothing_at_its_receiver)
{
    PLAY(HANDSHAKE);
    struct wire_tcp tcp = segment_of(&(struct row){'A', FA, 1, 1, 0, 500, 0, EST});
    track_wire(&tcp, true);
    ck_assert_int_eq(v.kind, TRACK_FIN);
    ck_assert_int_eq(v.state_a, TCPS_FIN_WAIT_1);
    ck_assert_int_eq(v.state_b, TCPS_ESTABLISHED);
    ck_assert_ptr_nonnull(strstr(v.text, "discarded it"));
}
END_TEST

START_TEST(numbers_may_pass_the_seam)
{
    struct wire_tcp tcp = {.ip_src = A, .ip_dst = B, .src_port = 1, .dst_port = 2, .ttl = 64};

    tcp.seq = UINT32_MAX - 1;
    tcp.flags = WIRE_SYN;
    track_wire(&tcp, false);
    tcp.flags = WIRE_ACK;
    tcp.seq = UINT32_MAX;
    tcp.text = bytes_of(text_of_any_size, 10);
    track_wire(&tcp, false);
    ck_assert_int_eq(v.kind, TRACK_TEXT);
    ck_assert_uint_eq(v.seq, 1);
    track_wire(&tcp, false);
    ck_assert_int_eq(v.kind, TRACK_AGAIN);
    tcp.seq = 9;
    track_wire(&tcp, false);
    ck_assert_int_eq(v.kind, TRACK_TEXT);
    ck_assert_uint_eq(v.seq, 11);
}
END_TEST

START_TEST(the_quietest_connection_gives_way)
{
    struct wire_tcp tcp = {.ip_src = A, .ip_dst = B, .dst_port = 2, .ttl = 64, .flags = WIRE_SYN};

    for (uint32_t i = 0; i <= TRACK_CONNS; i++) {
        tcp.src_port = (uint16_t)i;
        track_wire(&tcp, false);
        ck_assert_uint_eq(v.conn, i + 1);
        if (i == TRACK_CONNS - 1) {
            tcp.src_port = 0; /* heard again: now port 1 is the quietest */
            track_wire(&tcp, false);
            ck_assert_uint_eq(v.conn, 1);
        }
    }
    ck_assert_uint_eq(track.evicted, 1);
    tcp.src_port = 0;
    track_wire(&tcp, false);
    ck_assert_uint_eq(v.conn, 1);
    tcp.src_port = 1;
    track_wire(&tcp, false);
    ck_assert_uint_eq(v.conn, TRACK_CONNS + 2);
}
END_TEST

START_TEST(an_error_is_about_the_connection_whose_segment_it_quotes)
{
    static const uint8_t error[] = {
        0x45, 0,  0, 56, 0, 0,    0,    0, 64, 1, 0, 0,    10,   9, 0,
        2,    10, 9, 0,  1, 3,    1,    0, 0,  0, 0, 0,    0, /* host unreachable, and what it is
                                                                 about: */
        0x45, 0,  0, 40, 0, 0,    0,    0, 64, 6, 0, 0,    10,   9, 0,
        1,    10, 9, 0,  2, 0x9c, 0x40, 0, 80, 0, 0, 0x03, 0xe8,
    };

    PLAY(HANDSHAKE);
    fields_read(&d, bytes_of(error, sizeof(error)), sizeof(error), FIELDS_IP);
    track_packet(&track, &d, false, &v);
    ck_assert_int_eq(v.kind, TRACK_ICMP_ERROR);
    ck_assert_uint_eq(v.conn, 1);
    ck_assert_ptr_nonnull(strstr(v.text, "number 1000 that A sent"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("track");
    TCase *c = tcase_create("RFC 9293, 3.10.7: segments");
    tcase_add_checked_fixture(c, given_nothing, NULL);
    tcase_add_test(c, a_connection_is_followed_from_its_first_step_to_its_last);
    tcase_add_test(c, both_ends_may_close_at_once);
    tcase_add_test(c, both_ends_may_open_at_once);
    tcase_add_test(c, what_is_sent_again_was_seen_before_and_what_fills_a_hole_was_not);
    tcase_add_test(c, a_burst_of_losses_leaves_many_holes);
    tcase_add_test(c, windows_close_are_probed_and_open);
    tcase_add_test(c, a_keep_alive_is_no_retransmission);
    tcase_add_test(c, a_reset_is_believed_at_the_right_number_only);
    tcase_add_test(c, a_connection_may_be_refused);
    tcase_add_test(c, a_reset_without_an_ack_refuses_no_connection);
    tcase_add_test(c, text_may_come_with_the_syn_and_be_acknowledged);
    tcase_add_test(c, a_connection_whose_end_was_missed_may_be_followed_by_another);
    tcase_add_test(c, ends_that_are_equal_do_not_share_a_bucket);
    tcase_add_test(c, a_capture_may_begin_in_the_middle);
    tcase_add_test(c, what_the_capture_missed_is_taken_over);
    tcase_add_test(c, a_fin_beyond_a_hole_does_not_close);
    tcase_add_test(c, flags_that_no_tcp_sends_change_nothing);
    tcase_add_test(c, a_wrong_checksum_changes_nothing);
    tcase_add_test(c, what_was_discarded_changes_nothing_at_its_receiver);
    tcase_add_test(c, numbers_may_pass_the_seam);
    tcase_add_test(c, the_quietest_connection_gives_way);
    tcase_add_test(c, an_error_is_about_the_connection_whose_segment_it_quotes);
    suite_add_tcase(s, c);
    return run_suite(s, "track");
}
