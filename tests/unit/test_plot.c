/*
 * test_plot.c - charts: what is collected of a stack's events, and what is drawn of it.
 */
#include "see/plot.h"

#include "base/bytes.h"
#include "eth/eth_wire.h"
#include "ip/ipv4_wire.h"
#include "ip/ipv6_wire.h"
#include "see/svg.h"
#include "support/holds.h"
#include "support/memory_sink.h"
#include "support/proves.h"
#include "support/small_env.h"
#include "tcp/tcp_wire.h"

enum { MSS = 1000, PORT = 40000 };

static struct small_env env;
static struct memory house;
static struct plot plot;
static struct memory_sink sink;
static struct conn_facts facts;
static bool over_ethernet, over_ipv6;
static const uint32_t iss = UINT32_MAX - 4; /* the seam is near */
static const struct plot_titles titles = {"client", "tapio sim --seed 7", "loss 1%"};

static void given(void)
{
    small_env_init(&env);
    house = (struct memory){.env = &env.env};
    plot_init(&plot, &house, NULL);
    facts = (struct conn_facts){.id = 1, .ssthresh = UINT32_MAX, .cwnd = 10 * MSS, .window = 5000};
    facts.local = (struct endpoint){ip_from_v4(0x0a090001), PORT};
    facts.remote = (struct endpoint){ip_from_v4(0x0a090002), 7};
    over_ethernet = over_ipv6 = false;
}

static void done(void)
{
    plot_fini(&plot);
    ck_assert_uint_eq(env.out, 0);
}

static instant at_ms(int64_t ms)
{
    return (instant){ms * NS_PER_MS};
}

/* A packet as a stack tells of it: its headers and its text are two pieces. */
static void packet(int64_t ms, enum packet_fate fate, enum why why, const struct tcp_segment *seg,
                   uint32_t text_len)
{
    static uint8_t text[MSS];
    uint8_t headers[ETH_HEADER + 60 + TCP_HEADER_MAX] = {0};
    struct writer w = writer_of(headers, sizeof(headers));
    size_t len = tcp_header_len(seg) + text_len;

    if (over_ethernet)
        write_zeros(&w, ETH_HEADER);
    if (over_ipv6) {
        struct ipv6_header h = {.next_header = IP_PROTOCOL_TCP, .hop_limit = 64};
        ipv6_emit(&w, &h, len);
    } else {
        struct ipv4_header h = {.protocol = IP_PROTOCOL_TCP, .ttl = 64};
        h.src = h.dst = ip_from_v4(0x0a090001);
        ipv4_emit(&w, &h, len);
    }
    tcp_emit(&w, seg);
    struct iovec iov[] = {{headers, (size_t)(w.at - headers)}, {text, text_len}};
    struct event event = {.type = EVENT_PACKET, .conn = facts.id, .when = at_ms(ms)};
    event.packet.fate = fate;
    event.packet.why = why;
    event.packet.tcp = true;
    event.packet.facts = facts.id ? &facts : NULL;
    event.packet.iov = iov;
    event.packet.iovcnt = 2;
    event.packet.ethernet = over_ethernet;
    plot.sink.event(&plot.sink, &event);
}

/* Text of ours, from the octet `from` on, counted from the SYN. */
static void sent(int64_t ms, uint32_t from, uint32_t len)
{
    struct tcp_segment seg = {.seq = seq(iss + from), .flags = TCP_ACK};

    packet(ms, PACKET_OUT, WHY_OUT_WRITTEN, &seg, len);
}

static void acked(int64_t ms, uint32_t ack)
{
    struct tcp_segment seg = {.ack = seq(iss + ack), .flags = TCP_ACK};

    packet(ms, PACKET_CONSUMED, WHY_IN_ACK_NEW, &seg, 0);
}

static void opened(void)
{
    struct tcp_segment seg = {.seq = seq(iss), .flags = TCP_SYN};

    packet(0, PACKET_OUT, WHY_OUT_SYN, &seg, 0);
}

static void again(int64_t ms, uint32_t from, enum why why)
{
    struct event event = {.type = EVENT_RETRANSMIT, .conn = facts.id, .when = at_ms(ms)};

    event.retransmit.seq = iss + from;
    event.retransmit.len = MSS;
    event.retransmit.trigger = why;
    plot.sink.event(&plot.sink, &event);
    sent(ms, from, MSS); /* the packet follows its decision */
}

/* The chart as text, and how often `what` is in it. */
static const char *chart(enum plot_chart which)
{
    memory_sink_init(&sink);
    ck_assert_int_eq(plot_write(&plot, 0, which, &titles, &sink.sink), 0);
    ck_assert_uint_lt(sink.len, 1000000);
    sink.at[sink.len] = '\0';
    return (const char *)sink.at;
}

static uint64_t count(const char *text, const char *what)
{
    uint64_t found = 0;

    for (; (text = strstr(text, what)); text += strlen(what))
        found++;
    return found;
}

static const struct plot_span *span(const struct plot_track *t, uint32_t i)
{
    ck_assert_uint_lt(i, t->count);
    return (const struct plot_span *)t->at + i;
}

static void ck_span(const struct plot_track *t, uint32_t i, uint32_t from, uint32_t to)
{
    ck_assert_uint_eq(span(t, i)->from, from);
    ck_assert_uint_eq(span(t, i)->to, to);
}

/* --- collecting --------------------------------------------------------------------------- */

START_TEST(numbers_are_counted_from_our_syn)
{
    over_ethernet = _i & 1;
    over_ipv6 = _i & 2;
    opened();
    sent(1, 1, MSS);
    sent(2, 1 + MSS, 10);
    acked(3, 1 + MSS);
    const struct plot_conn *conn = &plot.conn[0];
    ck_assert_uint_eq(conn->sent.count, 3);
    ck_span(&conn->sent, 0, 0, 1);
    ck_span(&conn->sent, 1, 1, 1 + MSS);
    ck_span(&conn->sent, 2, 1 + MSS, 11 + MSS);
    ck_span(&conn->acks, 0, 1 + MSS, 1 + MSS + 5000); /* and the window's right edge */
    ck_assert_int_eq(conn->last.ns, at_ms(3).ns);
}
END_TEST

START_TEST(without_our_syn_an_ack_or_text_tells_where_it_began)
{
    acked(1, 1);
    sent(2, 1, MSS);
    ck_span(&plot.conn[0].acks, 0, 1, 5001);
    ck_span(&plot.conn[0].sent, 0, 1, 1 + MSS);
    facts.id = 2;
    sent(2, 1, MSS);
    ck_span(&plot.conn[1].sent, 0, 1, 1 + MSS);
}
END_TEST

START_TEST(sack_blocks_are_kept)
{
    struct tcp_segment seg = {.ack = seq(iss + 1), .flags = TCP_ACK};

    seg.options.sack_count = 2;
    seg.options.sack[0] = (struct tcp_block){seq(iss + 101), seq(iss + 201)};
    seg.options.sack[1] = (struct tcp_block){seq(iss + 301), seq(iss + 401)};
    opened();
    packet(1, PACKET_CONSUMED, WHY_IN_ACK_DUPLICATE, &seg, 0);
    ck_assert_uint_eq(plot.conn[0].sacks.count, 2);
    ck_span(&plot.conn[0].sacks, 0, 101, 201);
    ck_span(&plot.conn[0].sacks, 1, 301, 401);
    ck_assert_uint_eq(count(chart(PLOT_SEQUENCE), ">told by SACK<"), 1);
}
END_TEST

START_TEST(what_is_no_news_of_a_connection_is_passed_over)
{
    struct tcp_segment seg = {.seq = seq(iss + 1), .flags = TCP_ACK};

    packet(1, PACKET_DROPPED, WHY_NONE, &seg, MSS);
    facts.id = 0;
    packet(1, PACKET_OUT, WHY_OUT_SYN_ACK, &seg, 0);
    ck_assert_uint_eq(plot.count, 0);
    facts.id = 1;
    opened();
    sent(5, 1, 0); /* an ACK of the other direction: it is no text, and the chart ends before it */
    ck_assert_uint_eq(plot.conn[0].sent.count, 1);
    ck_assert_int_eq(plot.conn[0].last.ns, 0);
}
END_TEST

static void cut(int64_t ms, uint32_t cwnd, const char *cause)
{
    struct event event = {.type = EVENT_CWND, .conn = facts.id, .when = at_ms(ms)};

    event.cwnd.cwnd = cwnd;
    event.cwnd.ssthresh = 4 * MSS;
    event.cwnd.cause = cause;
    plot.sink.event(&plot.sink, &event);
}

START_TEST(a_change_of_cwnd_between_packets_is_a_point)
{
    opened();
    facts.inflight = 3000;
    facts.srtt_us = 40000;
    sent(1, 1, MSS);
    cut(7, 5 * MSS, NULL);
    const struct plot_point *points = plot.conn[0].points.at;
    ck_assert_uint_eq(plot.conn[0].points.count, 3);
    ck_assert_uint_eq(points[1].cwnd, 10 * MSS);
    ck_assert_uint_eq(points[2].cwnd, 5 * MSS);
    ck_assert_uint_eq(points[2].ssthresh, 4 * MSS);
    ck_assert_uint_eq(points[2].inflight, 3000);
    ck_assert_int_eq(points[2].srtt_us, 40000);
}
END_TEST

static int heard;

static void hear(struct event_sink *listener, const struct event *event)
{
    (void)listener;
    (void)event;
    heard++;
}

START_TEST(who_listens_as_well_hears_everything)
{
    struct event_sink also = {.event = hear};
    struct event event = {.type = EVENT_NOTE};

    plot_init(&plot, &house, &also);
    heard = 0;
    opened();
    plot.sink.event(&plot.sink, &event);
    ck_assert_int_eq(heard, 2);
}
END_TEST

START_TEST(connections_beyond_the_cap_are_counted)
{
    for (facts.id = 1; facts.id <= PLOT_CONNECTIONS + 3; facts.id++) {
        opened();
        sent(1, 1, MSS);
    }
    ck_assert_uint_eq(plot.count, PLOT_CONNECTIONS);
    ck_assert_uint_eq(plot.left_out, 3);
}
END_TEST

/* --- thinning ----------------------------------------------------------------------------- */

START_TEST(a_long_run_is_thinned_out_and_no_octet_of_it_is_missing)
{
    enum { SEGMENTS = 200000 };

    opened();
    for (uint32_t i = 0; i < SEGMENTS; i++) {
        sent(i, 1 + i * MSS, MSS);
        acked(i, 1 + i * MSS);
    }
    const struct plot_conn *conn = &plot.conn[0];
    HOLDS(conn->sent.count <= PLOT_SAMPLES && conn->sent.count > PLOT_SAMPLES / 4);
    HOLDS(conn->acks.count <= PLOT_SAMPLES && conn->acks.count >= PLOT_SAMPLES / 2);
    HOLDS(conn->points.count <= PLOT_SAMPLES && conn->points.count >= PLOT_SAMPLES / 2);
    ck_assert_uint_eq(conn->sent.lost + conn->acks.lost + conn->points.lost, 0);
    for (uint32_t i = 1; i < conn->sent.count; i++) {
        const struct plot_span *one = span(&conn->sent, i);
        HOLDS(one->from == span(&conn->sent, i - 1)->to);
        HOLDS(one->to - one->from <= conn->sent.each * MSS);
    }
    ck_assert_uint_eq(span(&conn->sent, conn->sent.count - 1)->to, 1 + SEGMENTS * MSS);
    for (uint32_t i = 1; i < conn->acks.count; i++)
        HOLDS(span(&conn->acks, i)->from - span(&conn->acks, i - 1)->from == conn->acks.each * MSS);

    const char *svg = chart(PLOT_SEQUENCE);
    ck_assert_uint_eq(count(svg, ">up to 16 segments a stroke<"), 1);
    ck_assert_uint_eq(count(svg, ">1 of 16 ACKs is drawn<"), 1);
    ck_assert_uint_lt(count(svg, "v-"), conn->sent.count / 2); /* what touches is one stroke */
    ck_assert_uint_eq(count(chart(PLOT_WINDOW), ">1 of 32 samples is drawn<"), 1);
}
END_TEST

/* Each other segment was lost on the way to us, so to say: no two strokes are neighbours. */
START_TEST(strokes_without_neighbours_are_thinned_out_too)
{
    opened();
    for (uint32_t i = 0; i < 3 * PLOT_SAMPLES; i++)
        sent(i, 2 + i * 20, 10);
    const struct plot_track *sent_track = &plot.conn[0].sent;
    ck_assert_uint_le(sent_track->count, PLOT_SAMPLES);
    ck_assert_uint_eq(sent_track->lost, 0);
    for (uint32_t i = 1; i < sent_track->count; i++)
        HOLDS(span(sent_track, i)->to == span(sent_track, i)->from + 10);
}
END_TEST

START_TEST(marks_beyond_the_cap_are_counted)
{
    opened();
    sent(1, 1, MSS);
    for (int i = 0; i < PLOT_MARKS + 5; i++)
        again(i, 1, WHY_OUT_FAST);
    const char *svg = chart(PLOT_SEQUENCE);
    ck_assert_uint_eq(count(svg, "class=\"mark fast\""), PLOT_MARKS);
    ck_assert_uint_eq(count(svg, ">and 5 not shown<"), 1);
}
END_TEST

START_TEST(without_memory_samples_are_counted_and_nothing_breaks)
{
    opened();
    env.fail_at = env.calls + 1;
    for (uint32_t i = 0; i < 1000; i++)
        sent(i, 1 + 2 * i * MSS, MSS);
    ck_assert_uint_gt(plot.conn[0].sent.lost, 0);
    ck_assert_uint_eq(plot.conn[0].sent.count + plot.conn[0].sent.lost, 1001);
    ck_assert_uint_eq(count(chart(PLOT_WINDOW), " samples did not fit<"), 1);
}
END_TEST

/* --- drawing ------------------------------------------------------------------------------ */

START_TEST(each_retransmission_is_one_mark_of_its_cause)
{
    static const struct {
        enum why why;
        int times;
        const char *mark, *key;
    } causes[] = {
        {WHY_OUT_RTO, 3, "class=\"mark rto\"", "class=\"key mark rto\""},
        {WHY_OUT_AFTER_RTO, 5, "class=\"mark after-rto\"", "class=\"key mark after-rto\""},
        {WHY_OUT_FAST, 7, "class=\"mark fast\"", "class=\"key mark fast\""},
        {WHY_OUT_PARTIAL, 2, "class=\"mark partial\"", "class=\"key mark partial\""},
        {WHY_OUT_OVERRIDE, 4, "class=\"mark other\"", "class=\"key mark other\""},
    };
    uint64_t all = 0;

    opened();
    sent(1, 1, MSS);
    sent(1, 1 + MSS, MSS);
    for (size_t i = 0; i < ARRAY_LEN(causes); i++) {
        for (int j = 0; j < causes[i].times; j++, all++)
            again(10 * (int64_t)i + j, j % 2 ? 1 : 1 + MSS, causes[i].why);
    }
    ck_assert_uint_eq(plot.conn[0].sent.count, 3); /* what is sent again is no new stroke */
    for (int which = 0; which < PLOT_CHARTS; which++) {
        const char *svg = chart((enum plot_chart)which);
        ck_assert_uint_eq(count(svg, "class=\"mark "), all);
        ck_assert_uint_eq(count(svg, "nothing was sent again"), 0);
        for (size_t i = 0; i < ARRAY_LEN(causes); i++) {
            ck_assert_uint_eq(count(svg, causes[i].mark), (uint64_t)causes[i].times);
            ck_assert_uint_eq(count(svg, causes[i].key), 1);
            ck_assert_uint_ge(count(svg, why_key(causes[i].why)), (uint64_t)causes[i].times + 1);
        }
    }
}
END_TEST

START_TEST(each_decision_about_cwnd_is_a_circle_that_tells_its_cause)
{
    opened();
    sent(1, 1, MSS);
    acked(20, 1 + MSS);
    cut(5, 6 * MSS, "the first");
    cut(7, 5 * MSS, "the second");
    cut(9, 4 * MSS, NULL);
    const char *svg = chart(PLOT_WINDOW);
    ck_assert_uint_eq(count(svg, "class=\"mark cut\""), 3);
    ck_assert_uint_eq(count(svg, "0.005000 s, cwnd 6000, ssthresh 4000: the first<"), 1);
    ck_assert_uint_eq(count(svg, "0.007000 s, cwnd 5000, ssthresh 4000: the second<"), 1);
    ck_assert_uint_eq(count(svg, ">cwnd is set anew<"), 1);
    ck_assert_uint_eq(count(chart(PLOT_SEQUENCE), "cut\""), 0);
}
END_TEST

START_TEST(the_first_cwnd_is_no_circle)
{
    opened();
    struct event event = {.type = EVENT_CWND, .conn = facts.id, .when = at_ms(0)};
    event.cwnd.cwnd = 10 * MSS;
    event.cwnd.ssthresh = UINT32_MAX;
    event.cwnd.cause = "the initial window";
    plot.sink.event(&plot.sink, &event);
    sent(1, 1, MSS);
    acked(20, 1 + MSS);
    ck_assert_uint_eq(count(chart(PLOT_WINDOW), "class=\"mark cut\""), 0);
}
END_TEST

/* All caps reached, and lines that go up and down in each column. */
START_TEST(no_file_is_larger_than_a_megabyte)
{
    opened();
    for (uint32_t i = 0; i < 4 * PLOT_SAMPLES; i++) {
        facts.cwnd = facts.inflight = 1000000000 + (i * 7919 % 1000) * 1000000;
        facts.srtt_us = 100000000 + i * 7919 % 100000;
        facts.window = 1000000000 - (i * 7919 % 1000) * 1000000;
        sent(3600000 + i * 7, 1 + i * 40000 + i % 2 * 20000, 1);
        acked(3600000 + i * 7, 1 + i * 40000);
        if (i % 16 == 0)
            again(3600000 + i * 7, 1 + i * 40000, WHY_OUT_AFTER_PROBE);
        if (i % 32 == 0)
            cut(3600000 + i * 7, 1000000000, "three duplicate ACKs, or something of that length");
    }
    const char *svg = chart(PLOT_SEQUENCE);
    ck_assert_uint_gt(strlen(svg), 300000);
    svg = chart(PLOT_WINDOW);
    ck_assert_uint_gt(strlen(svg), 300000);
    ck_assert_uint_eq(count(svg, "class=\"mark cut\""), PLOT_CUTS);
    ck_assert_uint_eq(count(svg, " not shown<"), 2);
}
END_TEST

START_TEST(a_probe_of_a_closed_window_is_a_mark)
{
    struct tcp_segment seg = {.seq = seq(iss + 1), .flags = TCP_ACK};

    opened();
    packet(1, PACKET_OUT, WHY_OUT_PROBE, &seg, 1);
    packet(2, PACKET_OUT, WHY_OUT_PROBE, &seg, 1);
    ck_assert_uint_eq(count(chart(PLOT_SEQUENCE), "class=\"mark probe\""), 2);
    ck_assert_uint_eq(plot.conn[0].sent.count, 1);
}
END_TEST

START_TEST(titles_tell_the_run_and_are_escaped)
{
    const struct plot_titles odd = {"cl<&>", "--set 'a\"b'\n\xff", "settings"};

    opened();
    memory_sink_init(&sink);
    ck_assert_int_eq(plot_write(&plot, 0, PLOT_SEQUENCE, &odd, &sink.sink), 0);
    sink.at[sink.len] = '\0';
    const char *svg = (const char *)sink.at;
    ck_assert_uint_eq(count(svg, "cl&lt;&amp;&gt;, connection 1, 10.9.0.1:40000 to 10.9.0.2:7"), 2);
    ck_assert_uint_eq(count(svg, "--set 'a&quot;b'??"), 2);
    ck_assert_uint_eq(count(chart(PLOT_WINDOW), ">tapio sim --seed 7<"), 1);
}
END_TEST

/* 20 ms, 9000 octets: ticks at 2 ms and at 1 kB. */
START_TEST(ticks_stand_at_round_numbers)
{
    opened();
    for (uint32_t i = 0; i < 9; i++)
        sent(2 * i, 1 + i * MSS, MSS);
    acked(20, 1 + 9 * MSS);
    const char *svg = chart(PLOT_SEQUENCE);
    ck_assert_uint_eq(count(svg, "class=\"tick mid\""), 11);
    ck_assert_uint_eq(count(svg, ">20</text>"), 1);
    ck_assert_uint_eq(count(svg, "time since the start (ms)"), 1);
    ck_assert_uint_eq(count(svg, "class=\"tick end\""), 10);
    ck_assert_uint_eq(count(svg, ">9</text>"), 1);
    ck_assert_uint_eq(count(svg, "octets of the stream (kB)"), 1);
    facts.srtt_us = 1234;
    sent(20, 1 + 9 * MSS, MSS);
    svg = chart(PLOT_WINDOW);
    ck_assert_uint_eq(count(svg, ">0.5</text>"), 0);
    ck_assert_uint_eq(count(svg, "SRTT (µs)"), 1);
    ck_assert_uint_eq(count(svg, ">1000</text>"), 1);
}
END_TEST

START_TEST(a_connection_of_one_moment_can_be_drawn)
{
    opened();
    ck_assert_uint_eq(count(chart(PLOT_SEQUENCE), "</svg>"), 1);
    ck_assert_uint_eq(count(chart(PLOT_WINDOW), "</svg>"), 1);
    ck_assert_uint_eq(count(chart(PLOT_WINDOW), "nothing was sent again"), 1);
}
END_TEST

START_TEST(a_file_that_cannot_be_written_is_told)
{
    opened();
    sent(1, 1, MSS);
    for (int i = 0; i < 100; i++)
        again(i, 1, WHY_OUT_FAST);
    memory_sink_init(&sink);
    sink.fail_at = 1;
    sink.error = -28;
    ck_assert_int_eq(plot_write(&plot, 0, PLOT_SEQUENCE, &titles, &sink.sink), -28);
    ck_assert_int_eq(sink.calls, 2); /* and is not tried again */
    memory_sink_init(&sink);
    sink.fail_at = 0;
    sink.short_by = 1;
    ck_assert_int_eq(plot_write(&plot, 0, PLOT_WINDOW, &titles, &sink.sink), -5);
}
END_TEST

static const char *path_of(const int64_t (*steps)[2], size_t len, int64_t end)
{
    struct svg svg;

    memory_sink_init(&sink);
    svg_init(&svg, &sink.sink);
    struct svg_steps s = svg_steps_of(&svg);
    for (size_t i = 0; i < len; i++)
        svg_step(&s, steps[i][0], steps[i][1]);
    svg_steps_end(&s, end);
    ck_assert_int_eq(svg_finish(&svg), 0);
    sink.at[sink.len] = '\0';
    return (const char *)sink.at;
}

START_TEST(a_line_goes_by_steps_and_shows_the_extremes_of_each_column)
{
    static const int64_t plain[][2] = {{10, 100}, {20, 100}, {35, 50}, {60, 75}};
    static const int64_t spikes[][2] = {{10, 100}, {20, 100}, {21, 10}, {22, 190},
                                        {24, 100}, {24, 110}, {60, 100}};
    static const int64_t down[][2] = {{0, 10}, {50, 30}, {51, 20}, {99, 20}};

    ck_assert_str_eq(path_of(plain, 4, 100), "M1 10H3.5V5H6V7.5H10");
    ck_assert_str_eq(path_of(spikes, 7, 100), "M1 10H2V1V19V11H6V10H10");
    ck_assert_str_eq(path_of(down, 4, 100), "M0 1H5V3V2H10");
}
END_TEST

START_TEST(numbers_are_written_as_they_are)
{
    struct svg svg;

    memory_sink_init(&sink);
    svg_init(&svg, &sink.sink);
    svg_add_at(&svg, -125);
    svg_add(&svg, " ");
    svg_add_at(&svg, 120);
    svg_add(&svg, " ");
    svg_add_decimal(&svg, 1234567, 6, 3);
    svg_add(&svg, " ");
    svg_add_decimal(&svg, 50, 3, 2);
    svg_add(&svg, " ");
    svg_add_u64(&svg, UINT64_MAX);
    ck_assert_int_eq(svg_finish(&svg), 0);
    sink.at[sink.len] = '\0';
    ck_assert_str_eq((const char *)sink.at, "-12.5 12 1.234 0.05 18446744073709551615");
    ck_assert_uint_eq(svg.octets, sink.len);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("plot");

    TCase *t = tcase_create("collecting");
    tcase_add_checked_fixture(t, given, done);
    tcase_add_loop_test(t, numbers_are_counted_from_our_syn, 0, 4);
    tcase_add_test(t, without_our_syn_an_ack_or_text_tells_where_it_began);
    tcase_add_test(t, sack_blocks_are_kept);
    tcase_add_test(t, what_is_no_news_of_a_connection_is_passed_over);
    tcase_add_test(t, a_change_of_cwnd_between_packets_is_a_point);
    tcase_add_test(t, who_listens_as_well_hears_everything);
    tcase_add_test(t, connections_beyond_the_cap_are_counted);
    suite_add_tcase(s, t);

    t = tcase_create("thinning");
    tcase_add_checked_fixture(t, given, done);
    tcase_add_test(t, a_long_run_is_thinned_out_and_no_octet_of_it_is_missing);
    tcase_add_test(t, strokes_without_neighbours_are_thinned_out_too);
    tcase_add_test(t, marks_beyond_the_cap_are_counted);
    tcase_add_test(t, without_memory_samples_are_counted_and_nothing_breaks);
    suite_add_tcase(s, t);

    t = tcase_create("drawing");
    tcase_add_checked_fixture(t, given, done);
    tcase_add_test(t, each_retransmission_is_one_mark_of_its_cause);
    tcase_add_test(t, each_decision_about_cwnd_is_a_circle_that_tells_its_cause);
    tcase_add_test(t, the_first_cwnd_is_no_circle);
    tcase_add_test(t, no_file_is_larger_than_a_megabyte);
    tcase_add_test(t, a_probe_of_a_closed_window_is_a_mark);
    tcase_add_test(t, titles_tell_the_run_and_are_escaped);
    tcase_add_test(t, ticks_stand_at_round_numbers);
    tcase_add_test(t, a_connection_of_one_moment_can_be_drawn);
    tcase_add_test(t, a_file_that_cannot_be_written_is_told);
    suite_add_tcase(s, t);

    t = tcase_create("lines and numbers");
    tcase_add_test(t, a_line_goes_by_steps_and_shows_the_extremes_of_each_column);
    tcase_add_test(t, numbers_are_written_as_they_are);
    suite_add_tcase(s, t);
    return run_suite(s, "plot");
}
