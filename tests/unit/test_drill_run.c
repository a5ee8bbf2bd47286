/*
 * test_drill_run.c - scripts that must pass, and scripts that must fail at a given line.
 *
 * Each row is a script as a string; where one number decides, the row beside it has the other
 * number. Line 1 of a script is the line with its first character.
 */
#include <stdio.h>
#include <string.h>

#include "sim/drill.h"
#include "support/proves.h"

static struct drill_result result;

static void run(const char *text)
{
    struct memory memory = {0};
    struct drill_config config = {.path = "script.pkt",
                                  .text = {(const uint8_t *)text, strlen(text)}};

    ck_assert_int_eq(drill(&config, &memory, &result), 0);
}

static void passes(const char *text)
{
    run(text);
    ck_assert_msg(result.outcome == DRILL_PASSED, "line %u: %s\n%s", result.line, result.reason,
                  result.report);
}

/* Fails at `line`, and the reason holds `words`. */
static void fails(const char *text, uint32_t line, const char *words)
{
    run(text);
    ck_assert_int_eq(result.outcome, DRILL_FAILED);
    ck_assert_msg(result.line == line && strstr(result.reason, words),
                  "line %u: %s, expected %u: %s", result.line, result.reason, line, words);
}

static void skips(const char *text, enum drill_skip skip, const char *words)
{
    run(text);
    ck_assert_int_eq(result.outcome, DRILL_SKIPPED);
    ck_assert_int_eq(result.skip, skip);
    ck_assert_msg(strstr(result.reason, words) != NULL, "%s: expected %s", result.reason, words);
}

/* A listener at line 1 to 3, and its connection at line 4 to 7; what follows begins at line 8. */
#define LISTENER                                                                                   \
    "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"                                                \
    "+0 bind(3, ..., ...) = 0\n"                                                                   \
    "+0 listen(3, 8) = 0\n"
#define CONNECTION                                                                                 \
    LISTENER                                                                                       \
    "+0 < S 0:0(0) win 30000 <mss 1000>\n"                                                         \
    "+0 > S. 0:0(0) ack 1 <...>\n"                                                                 \
    "+.1 < . 1:1(0) ack 1 win 30000\n"                                                             \
    "+0 accept(3, ..., ...) = 4\n"

/* --- packets ------------------------------------------------------------------------------ */

START_TEST(a_handshake_passes_with_the_numbers_that_the_script_chooses)
{
    passes("--profile=rfc\n" LISTENER "+.1 < S 4000:4000(0) win 20000 <mss 700>\n"
           "+0 > S. 700:700(0) ack 4001 <...>\n"
           "+.05 < . 1:1(0) ack 1 win 20000\n"
           "+0 accept(3, ..., ...) = 7\n");
}
END_TEST

/* One number of a handshake changed; the line that meets it, and what its reason says. */
static const struct {
    const char *line;
    const char *words;
} wrong_syn_ack[] = {
    {"+0 > S 0:0(0) <...>\n", "flags: expected S, came S."},
    {"+0 > S. 0:0(0) ack 2 <...>\n", "ack: expected 2, came 1"},
    {"+0 > S. 0:10(10) ack 1 <...>\n", "length: expected 10, came 0"},
    {"+0 > S. 0:0(0) ack 1 win 1 <...>\n", "win: expected 1, came 65535"},
    {"+0 > S. 0:0(0) ack 1 <mss 1459>\n", "options: expected <mss 1459>, came <mss 1460"},
    {"+0 > S. 0:0(0) ack 1\n", "options: expected none, came <mss 1460"},
    {"+0 > [ce] S. 0:0(0) ack 1 <...>\n", "ECN: expected ce, came noecn"},
    {"+0 > [ttl 17] S. 0:0(0) ack 1 <...>\n", "ttl: expected 17, came 64"},
    {"+0 > (tos 0x28) S. 0:0(0) ack 1 <...>\n", "tos: expected 0x28, came 0x00"},
    {"+0 > S. 0:0(0) ack 1 urg 5 <...>\n", "urgent pointer: expected 5, came 0"},
    {"+.1 > S. 0:0(0) ack 1 <...>\n", "too early"},
    {"+.1~+.2 > S. 0:0(0) ack 1 <...>\n", "too early"},
};

START_TEST(one_wrong_number_fails_at_its_line_with_the_field_by_name)
{
    char text[600];

    snprintf(text, sizeof(text), "%s%s%s", LISTENER, "+0 < S 0:0(0) win 30000 <mss 1000>\n",
             wrong_syn_ack[_i].line);
    fails(text, 5, wrong_syn_ack[_i].words);
    ck_assert_msg(strstr(result.report, "why") != NULL, "%s", result.report);
}
END_TEST

/* What would compare nothing, or another thing than it says, is a mistake of the script. */
START_TEST(an_argument_that_says_nothing_is_refused)
{
    fails(CONNECTION "+0 ioctl(4, SIOCINQ, 0) = 0\n", 8, "written [n]");
    fails(CONNECTION "+0 ioctl(4, SIOCINQ, [0, 1]) = 0\n", 8, "written [n]");
    passes(CONNECTION "+0 ioctl(4, SIOCINQ, [0]) = 0\n");
    fails(CONNECTION "+0 epoll_create(1) = 5\n"
                     "+0 epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN, fd=3}) = 0\n",
          9, "fd=3 is not the third argument, 4");
}
END_TEST

START_TEST(a_false_assertion_fails_at_its_own_line)
{
    fails(CONNECTION "+0 %{\nassert tcpi_unacked == 0\n\nassert tcpi_state == 2\n}%\n", 11,
          "tcpi_state == 2");
    fails(CONNECTION "+0 %{ assert tcpi_state == 2 }%\n", 8, "tcpi_state == 2");
}
END_TEST

START_TEST(a_packet_that_does_not_come_fails_with_what_the_stack_waits_for)
{
    fails(CONNECTION "+0 > P. 1:101(100) ack 1\n", 8, "no packet came");
    ck_assert_ptr_nonnull(strstr(result.report, "ESTABLISHED"));
    ck_assert_ptr_nonnull(strstr(result.report, "timers"));
}
END_TEST

START_TEST(an_answer_to_a_syn_that_the_script_has_not_named_fails_at_its_line)
{
    fails("0 socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3\n"
          "+0 connect(3, ..., ...) = -1 EINPROGRESS (now in progress)\n"
          "+.1 < S. 0:0(0) ack 1 win 30000 <mss 1000>\n",
          3, "our SYN has not been expected yet");
}
END_TEST

START_TEST(a_surplus_packet_is_met_by_the_line_that_expects_another)
{
    passes(CONNECTION "+0 < P. 1:101(100) ack 1 win 30000\n"); /* its ACK is asked for by nobody */
    fails(CONNECTION "+0 < P. 1:101(100) ack 1 win 30000\n"
                     "+0 close(4) = 0\n"
                     "+0 > R. 1:1(0) ack 101\n",
          10, "flags: expected R., came .");
}
END_TEST

START_TEST(without_a_socket_a_stray_segment_is_answered_with_a_reset)
{
    passes("0 < S 0:0(0) win 1000 <mss 1000>\n"
           "+0 > R. 0:0(0) ack 1 win 0\n"
           "+.1 < . 1:1(0) ack 5 win 1000\n"
           "+0 > R 5:5(0) win 0\n");
    fails("0 < S 0:0(0) win 1000 <mss 1000>\n"
          "+0 > R. 0:0(0) ack 2 win 0\n",
          2, "ack: expected 2, came 1");
}
END_TEST

START_TEST(an_active_open_begins_with_its_syn)
{
    passes("0 socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3\n"
           "+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)\n"
           "+0 > S 700:700(0) <...>\n"
           "+.02 < S. 90:90(0) ack 701 win 9000 <mss 1200>\n"
           "+0 > . 1:1(0) ack 1\n"
           "+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0\n");
    fails("0 socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3\n"
          "+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)\n"
          "+0 > . 1:1(0) ack 1\n",
          3, "must be a SYN");
}
END_TEST

START_TEST(numbers_may_run_over_the_seam)
{
    passes(LISTENER "+0 < S 4294967295:4294967295(0) win 30000 <mss 1000>\n"
                    "+0 > S. 4294967290:4294967290(0) ack 0 <...>\n"
                    "+.1 < . 1:1(0) ack 1 win 30000\n"
                    "+0 accept(3, ..., ...) = 4\n"
                    "+0 < P. 1:101(100) ack 1 win 30000\n"
                    "+0 > . 1:1(0) ack 101\n");
}
END_TEST

START_TEST(segments_of_one_write_are_merged_unless_strict)
{
    const char *script = CONNECTION "+0 write(4, ..., 2500) = 2500\n"
                                    "+0 > P. 1:2501(2500) ack 1\n";
    char strict[1000];

    passes(script);
    snprintf(strict, sizeof(strict), "--strict_segments\n%s", script);
    fails(strict, 10, "length: expected 2500, came 1000");
    fails(CONNECTION "+0 write(4, ..., 2500) = 2500\n"
                     "+0 > P. 1:2401(2400) ack 1\n",
          9, "length: expected 2400, came 2500");
    fails(CONNECTION "+0 write(4, ..., 2000) = 2000\n"
                     "+0 > P. 1:3001(3000) ack 1\n",
          9, "length: expected 3000, came 2000"); /* a retransmission is no further piece */
    ck_assert_ptr_nonnull(strstr(result.report, "no piece of it: . 1:1001(1000)"));
}
END_TEST

START_TEST(timestamps_are_echoed_in_the_stacks_own_numbers)
{
    const char *handshake =
        LISTENER "+0 < S 0:0(0) win 30000 <mss 1000,sackOK,TS val 500 ecr 0>\n"
                 "+0 > S. 0:0(0) ack 1 <mss 1460,sackOK,TS val 9000 ecr 500>\n"
                 "+.03 < . 1:1(0) ack 1 win 30000 <nop,nop,TS val 530 ecr %s>\n"
                 "+0 accept(3, ..., ...) = 4\n"
                 "+0 < . 1:1001(1000) ack 1 win 30000 <nop,nop,TS val 531 ecr %s>\n"
                 "+0 > . 1:1(0) ack 1001 <nop,nop,TS val %s ecr 531>\n";
    char text[1200];

    snprintf(text, sizeof(text), handshake, "9000", "9000", "1");
    passes(text);
    snprintf(text, sizeof(text), handshake, "9000", "9001", "1");
    fails(text, 8, "TS ecr 9001");
    char ticking[1300];
    snprintf(text, sizeof(text), handshake, "9000", "9000", "9030");
    snprintf(ticking, sizeof(ticking), "--tcp_ts_tick_usecs=1000\n%s", text);
    passes(ticking);
    snprintf(text, sizeof(text), handshake, "9000", "9000", "9090");
    snprintf(ticking, sizeof(ticking), "--tcp_ts_tick_usecs=1000\n%s", text);
    fails(ticking, 10, "TS val: expected 9090, came 9030");
}
END_TEST

/* --- times -------------------------------------------------------------------------------- */

/* After a write that nobody acknowledges, the retransmission comes 300 ms later: SRTT is 100 ms
 * and the variance is half of it, under an RTO minimum of 200 ms. */
static const struct {
    const char *time;
    const char *fails; /* NULL: it passes */
} retransmissions[] = {
    {"+.3", NULL},
    {"+.27", NULL}, /* 12.5 % of 0.27 s */
    {"+.25", "too late"},
    {"+.36", "too early"},
    {"+.2~+.4", NULL},
    {"+.05~+.2", "too late"},
    {"+.4~+.5", "too early"},
    {"*", NULL},
    {"0.4", NULL},
    {"0.3", "too late"},
    {"0.5", "too early"},
    {"0.35~0.45", NULL},
};

START_TEST(a_retransmission_must_come_in_its_time)
{
    char text[1000];

    snprintf(text, sizeof(text),
             "%s+0 write(4, ..., 500) = 500\n+0 > P. 1:501(500) ack 1\n%s > P. 1:501(500) ack 1\n",
             CONNECTION, retransmissions[_i].time);
    if (retransmissions[_i].fails)
        fails(text, 10, retransmissions[_i].fails);
    else
        passes(text);
}
END_TEST

START_TEST(the_first_event_is_at_0_and_time_does_not_run_backward)
{
    fails("1 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n", 1, "first event");
    fails("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
          "0.5 bind(3, ..., ...) = 0\n"
          "0.4 listen(3, 8) = 0\n",
          3, "before that of an event above");
}
END_TEST

/* accept() returns when the handshake is done, 300 ms after the script's start. */
static const struct {
    const char *due;
    const char *fails;
} accepts[] = {
    {"0.3", NULL},
    {"0.29", NULL},
    {"0.2", "too late"},
    {"0.4", "too early"},
};

START_TEST(a_blocking_call_must_return_in_its_time)
{
    char text[700];

    snprintf(text, sizeof(text), "%s+0...%s accept(3, ..., ...) = 4\n%s", LISTENER, accepts[_i].due,
             "+.2 < S 0:0(0) win 8000 <mss 1000>\n"
             "+0 > S. 0:0(0) ack 1 <...>\n"
             "+.1 < . 1:1(0) ack 1 win 8000\n");
    if (accepts[_i].fails)
        fails(text, 4, accepts[_i].fails);
    else
        passes(text);
}
END_TEST

START_TEST(a_blocking_read_waits_for_all_when_it_says_so)
{
    passes(CONNECTION "+0...0.25 recv(4, ..., 500, MSG_WAITALL) = 500\n"
                      "+.05 < P. 1:201(200) ack 1 win 8000\n"
                      "+0 > . 1:1(0) ack 201\n"
                      "+.2 < P. 201:501(300) ack 1 win 8000\n"
                      "* > . 1:1(0) ack 501\n");
    fails(CONNECTION "+0...0.25 recv(4, ..., 500, MSG_WAITALL) = 500\n"
                     "+.25 < P. 1:201(200) ack 1 win 8000\n",
          8, "has not returned 1 s after the last event");
}
END_TEST

START_TEST(a_blocking_write_returns_when_all_of_it_is_taken)
{
    passes(CONNECTION "+0 setsockopt(4, SOL_SOCKET, SO_SNDBUF, [5000], 4) = 0\n"
                      "+0...0.2 write(4, ..., 15000) = 15000\n"
                      "+0 > P. 1:10001(10000) ack 1\n"
                      "+.2 < . 1:1(0) ack 10001 win 30000\n"
                      "* > P. 10001:15001(5000) ack 1\n");
}
END_TEST

START_TEST(a_call_that_would_wait_for_ever_is_told)
{
    fails(CONNECTION "+0 read(4, ..., 100) = 100\n", 8, "for ever");
}
END_TEST

/* --- calls -------------------------------------------------------------------------------- */

START_TEST(results_and_errnos_are_compared)
{
    passes(CONNECTION "+0 write(4, ..., 10) = 10\n"
                      "+0 > P. 1:11(10) ack 1\n");
    fails(CONNECTION "+0 write(4, ..., 10) = 11\n", 8, "write(): expected 11, returned 10");
    passes(CONNECTION "+0 recv(4, ..., 10, MSG_DONTWAIT) = -1 EAGAIN (Resource temporarily "
                      "unavailable)\n");
    fails(CONNECTION "+0 recv(4, ..., 10, MSG_DONTWAIT) = -1 EPIPE (Broken pipe)\n", 8,
          "expected -1 EPIPE, returned -1 EAGAIN");
    fails(CONNECTION "+0 write(5, ..., 10) = 10\n", 8, "descriptor 5 is not open");
}
END_TEST

START_TEST(options_of_sockets_are_compared)
{
    passes(CONNECTION "+0 getsockopt(4, IPPROTO_TCP, TCP_MAXSEG, [1000], [4]) = 0\n");
    fails(CONNECTION "+0 getsockopt(4, IPPROTO_TCP, TCP_MAXSEG, [1001], [4]) = 0\n", 8,
          "expected [1001], came [1000]");
}
END_TEST

START_TEST(readiness_is_compared)
{
    passes(CONNECTION "+0 poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLOUT}], 1, 0) = 1\n"
                      "+0...0.15 poll([{fd=4, events=POLLIN, revents=POLLIN}], 1, 1000) = 1\n"
                      "+.15 < P. 1:11(10) ack 1 win 30000\n");
    fails(CONNECTION "+0 poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLIN}], 1, 0) = 1\n", 8,
          "revents of entry 1");
    passes(CONNECTION "+0...0.5 poll([{fd=4, events=POLLIN}], 1, 500) = 0\n");
    fails(CONNECTION "+0...0.4 poll([{fd=4, events=POLLIN}], 1, 500) = 0\n", 8, "too late");
}
END_TEST

START_TEST(epoll_gives_back_what_was_put_in)
{
    const char *script =
        CONNECTION "+0 epoll_create(1) = 9\n"
                   "+0 epoll_ctl(9, EPOLL_CTL_ADD, 4, {events=EPOLLIN, u32=77}) = 0\n"
                   "+0 epoll_wait(9, {events=0, ptr=0}, 4, 0) = 0\n"
                   "+0 < P. 1:11(10) ack 1 win 30000\n"
                   "+0 epoll_wait(9, {events=EPOLLIN, u32=%d}, 4, 0) = 1\n";
    char text[1000];

    snprintf(text, sizeof(text), script, 77);
    passes(text);
    snprintf(text, sizeof(text), script, 78);
    fails(text, 12, "data: expected 78, came 77");
}
END_TEST

/* --- skips -------------------------------------------------------------------------------- */

START_TEST(what_we_do_not_have_is_skipped_by_its_kind)
{
    skips("`sysctl -q net.ipv4.tcp_ecn=3`\n" LISTENER, DRILL_SKIP_SYSCTL, "tcp_ecn=3");
    skips("`sysctl -q net.ipv4.tcp_no_such_thing=1`\n" LISTENER, DRILL_SKIP_SYSCTL,
          "tcp_no_such_thing=1");
    skips("0 socket(..., SOCK_DGRAM, IPPROTO_UDP) = 3\n", DRILL_SKIP_CALL, "SOCK_DGRAM");
    skips(LISTENER "+0 setsockopt(3, SOL_TCP, TCP_FASTOPEN, [1], 4) = 0\n", DRILL_SKIP_CALL,
          "setsockopt(TCP_FASTOPEN)");
    skips(LISTENER "+0 splice(3, 0, 3, 0, 5, 0) = 0\n", DRILL_SKIP_CALL, "splice");
    skips(CONNECTION "+0 send(4, ..., 10, MSG_ZEROCOPY) = 10\n", DRILL_SKIP_CALL, "MSG_ZEROCOPY");
    skips(LISTENER "+0 < S 0:0(0) win 3000 <mss 1000,nop,nop,FO>\n", DRILL_SKIP_OPTION, "FO");
    skips(LISTENER "+0 < SEWA 0:0(0) win 3000 <mss 1000>\n+0 > SA. 0:0(0) ack 1 <...>\n",
          DRILL_SKIP_OPTION, "the AE flag");
    skips("`make coffee`\n" LISTENER, DRILL_SKIP_SHELL, "make coffee");
}
END_TEST

START_TEST(a_setting_with_a_counterpart_is_set)
{
    passes("`sysctl -q net.ipv4.tcp_timestamps=0 net.ipv4.tcp_sack=0`\n" LISTENER
           "+0 < S 0:0(0) win 30000 <mss 1000,sackOK,TS val 1 ecr 0>\n"
           "+0 > S. 0:0(0) ack 1 <mss 1460>\n");
    fails("`sysctl -q net.ipv4.tcp_timestamps=0`\n" LISTENER
          "+0 < S 0:0(0) win 30000 <mss 1000,sackOK,TS val 1 ecr 0>\n"
          "+0 > S. 0:0(0) ack 1 <mss 1460>\n",
          6, "options: expected <mss 1460>, came <mss 1460,nop,nop,sackOK>");
}
END_TEST

START_TEST(a_bad_option_is_one_line)
{
    fails("--mtu=5\n" LISTENER, 1, "expected a number from 68");
    fails("--no_such_option\n" LISTENER, 1, "no_such_option");
    fails("--profile=cat\n" LISTENER, 1, "--profile=cat");
    fails("--ip_version=ipv4\n--local_ip=2001:db8::1\n" LISTENER, 2, "other family");
}
END_TEST

/* --- IPv6 --------------------------------------------------------------------------------- */

START_TEST(the_family_is_an_option)
{
    passes("--ip_version=ipv6\n" LISTENER "+0 < S 0:0(0) win 30000 <mss 1000>\n"
           "+0 > S. 0:0(0) ack 1 <mss 1440>\n");
    passes("--ip_version=\"ipv4-mapped-ipv6\"\n" LISTENER "+0 < S 0:0(0) win 30000 <mss 1000>\n"
           "+0 > S. 0:0(0) ack 1 <mss 1460>\n");
}
END_TEST

/* --- the record --------------------------------------------------------------------------- */

static char record[65536];
static size_t record_len;

static int take_record(struct octet_sink *sink, const struct iovec *iov, int iovcnt)
{
    int taken = 0;

    (void)sink;
    for (int i = 0; i < iovcnt; i++) {
        ck_assert_uint_lt(record_len + iov[i].iov_len, sizeof(record));
        memcpy(record + record_len, iov[i].iov_base, iov[i].iov_len);
        record_len += iov[i].iov_len;
        taken += (int)iov[i].iov_len;
    }
    record[record_len] = '\0';
    return taken;
}

static void records(const char *text)
{
    struct memory memory = {0};
    struct octet_sink sink = {.write = take_record};
    struct drill_config config = {.path = "say \"script\".pkt",
                                  .text = {(const uint8_t *)text, strlen(text)},
                                  .record = &sink};

    record_len = 0;
    ck_assert_int_eq(drill(&config, &memory, &result), 0);
}

static void recorded(const char *words)
{
    ck_assert_msg(strstr(record, words) != NULL, "expected %s in\n%s", words, record);
}

START_TEST(a_record_tells_what_went_in_and_what_came_out)
{
    records(CONNECTION "+0 < P. 1:1001(1000) ack 1 win 30000\n"
                       "+0 > . 1:1(0) ack 1001\n"
                       "+.1...0.3 poll([{fd=4, events=POLLIN, revents=POLLIN}], 1, 1000) = 1\n");
    recorded("{\"event\":\"script\",\"schema\":1,\"script\":\"say \\u0022script\\u0022.pkt\","
             "\"profile\":\"linux\",\"family\":\"ipv4\",\"local\":\"192.168.0.1/16\"");
    recorded("\"tcp.rto_min\":200000000,");
    recorded("{\"event\":\"call\",\"line\":1,\"at_ns\":0,\"ended_ns\":0,\"name\":\"socket\","
             "\"args\":[null,1,6],\"wanted\":3,\"result\":");
    recorded("{\"event\":\"in\",\"line\":6,\"at_ns\":100000000,\"packet\":\"45");
    recorded("{\"event\":\"out\",\"at_ns\":0,\"packet\":\"45");
    recorded(
        "\"args\":[[{\"fd\":4,\"events\":1,\"revents\":1}],1,1000],\"wanted\":1,\"result\":1}\n");
    recorded("\"line\":10,\"reason\":\"poll() returned too early");
    /* 1040 octets are more than one buffer of the writer: none is lost between two. */
    const char *text = strstr(record, "{\"event\":\"in\",\"line\":8,");
    ck_assert_ptr_nonnull(text);
    text = strstr(text, "\"packet\":\"") + strlen("\"packet\":\"");
    ck_assert_uint_eq(strspn(text, "0123456789abcdef"), 2 * 1040);
}
END_TEST

START_TEST(a_record_tells_a_failed_call_and_its_errno)
{
    records("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
            "+0 setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=5}, 8) = 0\n"
            "+0 writev(3, [{..., 400}, {\"a\", 1}], 2) = -1 EPIPE (Broken pipe)\n");
    recorded("\"args\":[3,1,13,{\"onoff\":1,\"linger\":5},8],\"wanted\":0,\"result\":0}");
    recorded("\"args\":[3,[{\"0\":null,\"1\":400},{\"0\":{\"octets\":\"61\"},\"1\":1}],2],"
             "\"wanted\":-1,\"result\":-1,\"errno\":\"");
    recorded("{\"event\":\"end\",\"at_ns\":0,\"line\":");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("drill_run");

    TCase *c = tcase_create("packets");
    tcase_add_test(c, a_handshake_passes_with_the_numbers_that_the_script_chooses);
    tcase_add_loop_test(c, one_wrong_number_fails_at_its_line_with_the_field_by_name, 0,
                        ARRAY_LEN(wrong_syn_ack));
    tcase_add_test(c, an_argument_that_says_nothing_is_refused);
    tcase_add_test(c, a_false_assertion_fails_at_its_own_line);
    tcase_add_test(c, a_packet_that_does_not_come_fails_with_what_the_stack_waits_for);
    tcase_add_test(c, an_answer_to_a_syn_that_the_script_has_not_named_fails_at_its_line);
    tcase_add_test(c, a_surplus_packet_is_met_by_the_line_that_expects_another);
    tcase_add_test(c, without_a_socket_a_stray_segment_is_answered_with_a_reset);
    tcase_add_test(c, an_active_open_begins_with_its_syn);
    tcase_add_test(c, numbers_may_run_over_the_seam);
    tcase_add_test(c, segments_of_one_write_are_merged_unless_strict);
    tcase_add_test(c, timestamps_are_echoed_in_the_stacks_own_numbers);
    tcase_add_test(c, the_family_is_an_option);
    suite_add_tcase(s, c);
    c = tcase_create("times");
    tcase_add_loop_test(c, a_retransmission_must_come_in_its_time, 0, ARRAY_LEN(retransmissions));
    tcase_add_test(c, the_first_event_is_at_0_and_time_does_not_run_backward);
    tcase_add_loop_test(c, a_blocking_call_must_return_in_its_time, 0, ARRAY_LEN(accepts));
    tcase_add_test(c, a_blocking_read_waits_for_all_when_it_says_so);
    tcase_add_test(c, a_blocking_write_returns_when_all_of_it_is_taken);
    tcase_add_test(c, a_call_that_would_wait_for_ever_is_told);
    suite_add_tcase(s, c);
    c = tcase_create("calls");
    tcase_add_test(c, results_and_errnos_are_compared);
    tcase_add_test(c, options_of_sockets_are_compared);
    tcase_add_test(c, readiness_is_compared);
    tcase_add_test(c, epoll_gives_back_what_was_put_in);
    suite_add_tcase(s, c);
    c = tcase_create("skips and settings");
    tcase_add_test(c, what_we_do_not_have_is_skipped_by_its_kind);
    tcase_add_test(c, a_setting_with_a_counterpart_is_set);
    tcase_add_test(c, a_bad_option_is_one_line);
    suite_add_tcase(s, c);
    c = tcase_create("the record");
    tcase_add_test(c, a_record_tells_what_went_in_and_what_came_out);
    tcase_add_test(c, a_record_tells_a_failed_call_and_its_errno);
    suite_add_tcase(s, c);
    return run_suite(s, "drill_run");
}
