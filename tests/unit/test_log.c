/* test_log.c - events as lines of text, and the --log option. */
#include "see/log.h"

#include <errno.h>

#include "support/memory_sink.h"
#include "support/proves.h"

static struct memory_sink out;
static struct log journal;
static char why[LOG_WHY];
static const instant start = {1000000000};
static const instant later = {4000123456}; /* 3.000123 s after the start */

static void given_a_log(void)
{
    memory_sink_init(&out);
    log_init(&journal, &out.sink, start);
}

static void given_a_log_of_everything(void)
{
    given_a_log();
    ck_assert_int_eq(log_parse(&journal, "all=debug", why), 0);
}

static const char *written(void)
{
    ck_assert_uint_lt(out.len, MEMORY_SINK_ROOM);
    out.at[out.len] = '\0';
    return (const char *)out.at;
}

static void emit(const struct event *event)
{
    journal.sink.event(&journal.sink, event);
}

/* --- --log -------------------------------------------------------------------------------- */

static const struct {
    const char *spec;
    enum log_topic topic;
    enum log_level level;
    enum log_level tcp;
} specs[] = {
    {"tcp=debug", LOG_TOPIC_TCP, LOG_LEVEL_DEBUG, LOG_LEVEL_DEBUG},
    {"eth=error", LOG_TOPIC_ETH, LOG_LEVEL_ERROR, LOG_LEVEL_WARN},
    {"tcp=debug,arp=info", LOG_TOPIC_ARP, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG},
    {"http=info,tcp=error,http=debug", LOG_TOPIC_HTTP, LOG_LEVEL_DEBUG, LOG_LEVEL_ERROR},
    {"all=info", LOG_TOPIC_DEV, LOG_LEVEL_INFO, LOG_LEVEL_INFO},
    {"all=debug,tcp=error", LOG_TOPIC_ICMP, LOG_LEVEL_DEBUG, LOG_LEVEL_ERROR},
    {"ip=warn", LOG_TOPIC_IP, LOG_LEVEL_WARN, LOG_LEVEL_WARN},
};

START_TEST(log_option_sets_the_levels_that_it_names)
{
    ck_assert_int_eq(log_parse(&journal, specs[_i].spec, why), 0);
    ck_assert_int_eq(journal.level[specs[_i].topic], specs[_i].level);
    ck_assert_int_eq(journal.level[LOG_TOPIC_TCP], specs[_i].tcp);
}
END_TEST

static const struct {
    const char *spec;
    const char *why;
} refusals[] = {
    {"", "no '=' in ''; say topic=level, for example tcp=debug"},
    {"tcp", "no '=' in 'tcp'; say topic=level, for example tcp=debug"},
    {"tcp=", "no level ''; the levels are error warn info debug"},
    {"tcp=loud", "no level 'loud'; the levels are error warn info debug"},
    {"tcp=debugg", "no level 'debugg'; the levels are error warn info debug"},
    {"tcp=debug=info", "no level 'debug=info'; the levels are error warn info debug"},
    {"=debug", "no topic ''; the topics are all eth arp ip icmp udp tcp dev http"},
    {"quic=debug", "no topic 'quic'; the topics are all eth arp ip icmp udp tcp dev http"},
    {"TCP=debug", "no topic 'TCP'; the topics are all eth arp ip icmp udp tcp dev http"},
    {"arp=info,", "no '=' in ''; say topic=level, for example tcp=debug"},
    {",arp=info", "no '=' in ''; say topic=level, for example tcp=debug"},
    {"arp=info,t\ncp=info",
     "no topic 't\\ncp'; the topics are all eth arp ip icmp udp tcp dev http"},
};

START_TEST(log_option_that_is_wrong_says_what_would_be_right_and_changes_nothing)
{
    ck_assert_int_eq(log_parse(&journal, refusals[_i].spec, why), -EINVAL);
    ck_assert_str_eq(why, refusals[_i].why);
    for (size_t i = 0; i < LOG_TOPIC_COUNT; i++)
        ck_assert_int_eq(journal.level[i], LOG_LEVEL_WARN);
}
END_TEST

START_TEST(log_option_of_any_length_gets_one_line)
{
    static char spec[4096];
    memset(spec, 0x1b, sizeof(spec) - 1);
    spec[0] = '=';
    ck_assert_int_eq(log_parse(&journal, spec, why), -EINVAL);
    ck_assert_uint_lt(strlen(why), LOG_WHY);
    ck_assert_ptr_null(strpbrk(why, "\n\x1b"));
}
END_TEST

/* --- lines -------------------------------------------------------------------------------- */

static const struct {
    struct event event;
    const char *topic_at_level; /* shows it ... */
    const char *line;           /* ... as this */
} lines[] = {
    {{.type = EVENT_STATE,
      .conn = 2,
      .state = {.from = TCPS_SYN_RECEIVED,
                .to = TCPS_ESTABLISHED,
                .cause = "the third step of the handshake"}},
     "tcp=info",
     "3.000123 tcp conn=2 SYN-RECEIVED -> ESTABLISHED: the third step of the handshake\n"},
    {{.type = EVENT_RETRANSMIT,
      .conn = 2,
      .retransmit = {.seq = 4294967295u, .len = 1448, .trigger = WHY_OUT_RTO, .count = 3}},
     "tcp=info",
     "3.000123 tcp conn=2 retransmit seq=4294967295 len=1448 count=3 why=retransmit-rto: Not "
     "acknowledged within the retransmission timeout (RFC 6298, 5.4).\n"},
    {{.type = EVENT_CWND, .conn = 2, .cwnd = {1448, 7240, "a timeout"}},
     "tcp=info",
     "3.000123 tcp conn=2 cwnd=1448 ssthresh=7240: a timeout\n"},
    {{.type = EVENT_CWND, .conn = 2, .cwnd = {1448, UINT32_MAX, "idle"}},
     "tcp=info",
     "3.000123 tcp conn=2 cwnd=1448 ssthresh=inf: idle\n"},
    {{.type = EVENT_NOTE, .note = {"the device is gone", 0}},
     "dev=info",
     "3.000123 dev the device is gone\n"},
    {{.type = EVENT_NOTE, .conn = 9, .note = {"gave up after", -110}},
     "tcp=info",
     "3.000123 tcp conn=9 gave up after (-110)\n"},
    {{.type = EVENT_CWND_STEP, .conn = 2, .cwnd = {2896, UINT32_MAX, "slow start"}},
     "tcp=debug",
     "3.000123 tcp conn=2 cwnd=2896 ssthresh=inf: slow start\n"},
    {{.type = EVENT_STALL, .conn = 2, .held = {.by = HELD_WINDOW, .unsent = 12000}},
     "tcp=debug",
     "3.000123 tcp conn=2 stall by=peer-window unsent=12000 window=0: The peer's window has no "
     "room "
     "(RFC 9293, 3.8.6).\n"},
    {{.type = EVENT_RESUME, .conn = 2, .held = {.by = HELD_CORK, .unsent = 12, .window = 1}},
     "tcp=debug",
     "3.000123 tcp conn=2 resume by=cork unsent=12 window=1: The application has said that more "
     "will come (TCP_CORK, MSG_MORE).\n"},
    {{.type = EVENT_RESET,
      .conn = 2,
      .reset = {true, WHY_OUT_RST_ABORT, {.port = 80}, {.port = 4000}}},
     "tcp=debug",
     "3.000123 tcp conn=2 reset sent, [::]:80 > [::]:4000 why=reset-abort: The application aborted "
     "the connection (RFC 9293, 3.10.5).\n"},
    {{.type = EVENT_RESET, .conn = 2, .reset = {false, WHY_IN_RST, {.port = 80}, {.port = 4000}}},
     "tcp=debug",
     "3.000123 tcp conn=2 reset received, [::]:80 < [::]:4000 why=reset-received: A reset at "
     "RCV.NXT: the peer aborted (RFC 9293, 3.10.7.4, second).\n"},
    {{.type = EVENT_UNSENT, .conn = 2, .note = {"a challenge ACK", 0}},
     "tcp=debug",
     "3.000123 tcp conn=2 not sent: a challenge ACK\n"},
    {{.type = EVENT_TIMER_SET, .conn = 2, .timer = {TIMER_RETRANSMIT, {5000000000}}},
     "tcp=debug",
     "3.000123 tcp conn=2 timer retransmit set for 4.000000\n"},
    {{.type = EVENT_TIMER_SET, .conn = 2, .timer = {TIMER_RETRANSMIT, {INT64_MAX}}},
     "tcp=debug",
     "3.000123 tcp conn=2 timer retransmit stopped\n"},
    {{.type = EVENT_TIMER_FIRED, .conn = 2, .timer = {TIMER_RETRANSMIT, {0}}},
     "tcp=debug",
     "3.000123 tcp conn=2 timer retransmit fired\n"},
    {{.type = EVENT_DROP, .drop = {17, DROP_TCP_CHECKSUM, 6, {.port = 4000}, {.port = 80}}},
     "tcp=debug",
     "3.000123 tcp packet=17 of [::]:4000 > [::]:80 dropped tcp.rx_csum: the checksum is wrong "
     "(RFC 9293, MUST-3)\n"},
    {{.type = EVENT_DROP, .drop = {.packet = 17, .drop = DROP_IP4_FRAG_BAD}},
     "ip=debug",
     "3.000123 ip packet=17 dropped ip4.frag_bad: a fragment whose length or end cannot be (RFC "
     "791, 3.2)\n"},
};

START_TEST(log_shows_an_event_at_its_level_and_not_below)
{
    struct event event = lines[_i].event;
    event.when = later;
    emit(&event);
    ck_assert_str_eq(written(), ""); /* nothing of this shows at "warn" */

    ck_assert_int_eq(log_parse(&journal, lines[_i].topic_at_level, why), 0);
    emit(&event);
    ck_assert_str_eq(written(), lines[_i].line);
    ck_assert_int_eq(out.calls, 1); /* one write a line */
    ck_assert_uint_eq(journal.lines, 1);

    for (size_t i = 0; i < LOG_TOPIC_COUNT; i++)
        journal.level[i]--; /* one level less, everywhere */
    emit(&event);
    ck_assert_int_eq(out.calls, 1);
}
END_TEST

START_TEST(log_names_the_neighbour)
{
    struct event event = {.type = EVENT_NEIGHBOUR, .when = later};
    event.neighbour.addr = ip_from_v4(0x0a090001);
    event.neighbour.state = "reachable";
    ck_assert_int_eq(log_parse(&journal, "arp=info", why), 0);
    emit(&event);
    ck_assert_str_eq(written(), "3.000123 arp 10.9.0.1: reachable\n");
}
END_TEST

START_TEST(log_puts_every_drop_under_its_layer_and_never_above_debug)
{
    ck_assert_int_eq(log_parse(&journal, "all=info", why), 0);
    for (int drop = 1; drop < DROP_COUNT; drop++) {
        struct event event = {.type = EVENT_DROP, .when = later};
        event.drop.drop = (enum drop)drop;
        emit(&event);
    }
    ck_assert_str_eq(written(), "");

    ck_assert_int_eq(log_parse(&journal, "all=debug", why), 0);
    for (int drop = 1; drop < DROP_COUNT; drop++) {
        struct event event = {.type = EVENT_DROP, .when = start};
        const char *name = drop_name((enum drop)drop);
        given_a_log_of_everything();
        event.drop.drop = (enum drop)drop;
        emit(&event);
        const char *topic = written() + strlen("0.000000 ");
        size_t len = strcspn(topic, " ");
        ck_assert_msg(strncmp(topic, name, len) == 0, "%s", written()); /* "ip" of "ip4.rx_hdr" */
    }
}
END_TEST

/* --- packets ------------------------------------------------------------------------------ */

static uint8_t syn[] = {
    2,    0,   0x5e, 0x10, 0,  1, 2, 0,    0x5e, 0x10, 0, 2, 8,    0, /* Ethernet */
    0x45, 0,   0,    43,   0,  1, 0, 0,    64,   6,    0, 0,          /* IPv4, no checksum */
    10,   9,   0,    1,    10, 9, 0, 2,                               /* from, to */
    0x9c, 64,  0,    80,   0,  0, 3, 0xe8, 0,    0,    0, 0, 0x50, 2, 1, 0xf4, 0, 0, 0, 0, /* TCP */
    'a',  'b', '\n',
};

static struct event packet_event(struct iovec *iov)
{
    *iov = (struct iovec){syn, sizeof(syn)};
    struct event e = {.type = EVENT_PACKET, .when = later};
    e.packet.id = 7;
    e.packet.fate = PACKET_CONSUMED;
    e.packet.why = WHY_IN_SYN;
    e.packet.tcp = true;
    e.packet.iov = iov;
    e.packet.iovcnt = 1;
    e.packet.ethernet = true;
    return e;
}

START_TEST(log_shows_packets_at_debug_of_their_own_topic)
{
    struct iovec iov;
    struct event e = packet_event(&iov);
    struct conn_facts facts = {.id = 4, .state = TCPS_SYN_RECEIVED};

    ck_assert_int_eq(log_parse(&journal, "all=debug,tcp=info", why), 0);
    emit(&e);
    ck_assert_str_eq(written(), "");
    ck_assert_int_eq(log_parse(&journal, "all=error,tcp=debug", why), 0);
    e.conn = 4;
    e.packet.facts = &facts;
    emit(&e);
    ck_assert_str_eq(written(), "3.000123 tcp conn=4 packet=7 in 10.9.0.1:40000 > 10.9.0.2:80 [S] "
                                "seq 1000 win 500 len 3 state=SYN-RECEIVED why=syn-received\n");
}
END_TEST

START_TEST(log_says_which_packet_was_dropped_and_as_what)
{
    struct iovec iov;
    struct event e = packet_event(&iov);
    given_a_log_of_everything();
    e.packet.fate = PACKET_DROPPED;
    e.packet.drop = DROP_TCP_CHECKSUM;
    emit(&e);
    ck_assert_ptr_nonnull(strstr(written(), "packet=7 in 10.9.0.1:40000 > "));
    ck_assert_ptr_nonnull(strstr(written(), " len 3 drop=tcp.rx_csum\n"));
}
END_TEST

START_TEST(log_reads_headers_across_pieces)
{
    struct iovec whole;
    struct event e = packet_event(&whole);
    size_t cut = (size_t)_i;
    struct iovec iov[] = {{syn, cut}, {syn + cut, sizeof(syn) - cut}};

    given_a_log_of_everything();
    e.packet.fate = PACKET_OUT;
    e.packet.iov = iov;
    e.packet.iovcnt = 2;
    emit(&e);
    ck_assert_str_eq(written(), "3.000123 tcp packet=7 out 10.9.0.1:40000 > 10.9.0.2:80 [S] seq "
                                "1000 win 500 len 3 why=syn-received\n");
}
END_TEST

START_TEST(log_line_of_others_is_escaped)
{
    static const char evil[] = "GET /\r\n9.9 tcp \x1b[31mowned";
    given_a_log_of_everything();
    log_line(&journal, LOG_TOPIC_HTTP, LOG_LEVEL_INFO, bytes_of(evil, strlen(evil)), later);
    ck_assert_str_eq(written(), "3.000123 http GET /\\r\\n9.9 tcp \\x1b[31mowned\n");
    log_line(&journal, LOG_TOPIC_HTTP, LOG_LEVEL_DEBUG, bytes_of(syn, sizeof(syn)), later);
    const char *second = strchr(written(), '\n') + 1;
    ck_assert_ptr_eq(strchr(second, '\n'), second + strlen(second) - 1); /* still one line */
}
END_TEST

START_TEST(log_line_of_any_length_is_one_line_with_an_end)
{
    static uint8_t much[4096];
    memset(much, 'x', sizeof(much));
    given_a_log_of_everything();
    log_line(&journal, LOG_TOPIC_DEV, LOG_LEVEL_WARN, bytes_of(much, sizeof(much)), later);
    ck_assert_int_eq(out.at[out.len - 1], '\n');
    ck_assert_uint_le(out.len, 512);
}
END_TEST

/* --- trouble ------------------------------------------------------------------------------ */

START_TEST(log_counts_lines_that_the_sink_refuses)
{
    struct event e = {.type = EVENT_NOTE, .when = later, .note = {"a", 0}};
    given_a_log_of_everything();
    out.fail_at = 1;
    out.error = -EAGAIN;
    for (int i = 0; i < 3; i++)
        emit(&e);
    ck_assert_uint_eq(journal.lines, 1);
    ck_assert_uint_eq(journal.lost, 2);
    out.fail_at = -1;
    emit(&e);
    ck_assert_str_eq(written(), "3.000123 dev a\n3.000123 dev a\n");
    PROVES("F06");
}
END_TEST

START_TEST(log_ends_half_a_line_before_the_next_one)
{
    struct event e = {.type = EVENT_NOTE, .when = later, .note = {"a", 0}};
    given_a_log_of_everything();
    out.fail_at = 0;
    out.short_by = 3;
    emit(&e);
    out.fail_at = -1;
    emit(&e);
    emit(&e);
    ck_assert_str_eq(written(), "3.000123 dev\n3.000123 dev a\n3.000123 dev a\n");
    ck_assert_uint_eq(journal.lines, 2);
    ck_assert_uint_eq(journal.lost, 1);
    PROVES("F06");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("log");
    TCase *c = tcase_create("--log");
    tcase_add_checked_fixture(c, given_a_log, NULL);
    tcase_add_loop_test(c, log_option_sets_the_levels_that_it_names, 0, ARRAY_LEN(specs));
    tcase_add_loop_test(c, log_option_that_is_wrong_says_what_would_be_right_and_changes_nothing, 0,
                        ARRAY_LEN(refusals));
    tcase_add_test(c, log_option_of_any_length_gets_one_line);
    suite_add_tcase(s, c);
    c = tcase_create("lines");
    tcase_add_checked_fixture(c, given_a_log, NULL);
    tcase_add_loop_test(c, log_shows_an_event_at_its_level_and_not_below, 0, ARRAY_LEN(lines));
    tcase_add_test(c, log_names_the_neighbour);
    tcase_add_test(c, log_puts_every_drop_under_its_layer_and_never_above_debug);
    tcase_add_test(c, log_shows_packets_at_debug_of_their_own_topic);
    tcase_add_test(c, log_says_which_packet_was_dropped_and_as_what);
    tcase_add_loop_test(c, log_reads_headers_across_pieces, 0, sizeof(syn));
    tcase_add_test(c, log_line_of_others_is_escaped);
    tcase_add_test(c, log_line_of_any_length_is_one_line_with_an_end);
    suite_add_tcase(s, c);
    c = tcase_create("THREATS F06");
    tcase_add_checked_fixture(c, given_a_log, NULL);
    tcase_add_test(c, log_counts_lines_that_the_sink_refuses);
    tcase_add_test(c, log_ends_half_a_line_before_the_next_one);
    suite_add_tcase(s, c);
    return run_suite(s, "log");
}
