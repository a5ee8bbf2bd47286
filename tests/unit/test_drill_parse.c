/*
 * test_drill_parse.c - scripts as a whole: options, commands, times, and how mistakes are told.
 */
#include "base/bytes.h"
#include "support/drill_script.h"
#include "support/proves.h"
#include "support/small_env.h"

/* --- the script --------------------------------------------------------------------------- */

START_TEST(a_script_has_options_an_init_command_events_and_a_cleanup_command)
{
    script_given("// a comment\n--mss=1000\n--strict_segments --define=\"N=5\" `setup`\n"
                 "0 `one` +0 %{ two }%\n\n+.5 three() = N\n`cleanup`\n");
    ck_assert_str_eq(script.path, "test.pkt");
    ck_assert_uint_eq(script.option_count, 3);
    ck_assert_str_eq(script.options[0].name, "mss");
    ck_assert_str_eq(script.options[0].value, "1000");
    ck_assert_uint_eq(script.options[0].place.line, 2);
    ck_assert_ptr_null(script.options[1].value);
    ck_assert_str_eq(script.options[2].value, "N=5");
    ck_assert_str_eq(script.init, "setup");
    ck_assert_uint_eq(script.init_place.line, 3);
    ck_assert_str_eq(script.cleanup, "cleanup");
    ck_assert_uint_eq(script.cleanup_place.line, 7);
    ck_assert_uint_eq(script.event_count, 3);
    ck_assert_str_eq(script.events[0].command, "one");
    ck_assert_str_eq(script.events[1].code, "two");
    ck_assert_str_eq(script.events[2].call.name, "three");
    ck_assert_int_eq(script.events[2].call.result, 5);
    ck_assert_uint_eq(script.line_count, 7);
    ck_assert_str_eq(script.lines[1], "--mss=1000");
    ck_assert_str_eq(script.lines[4], "");
    ck_assert_str_eq(script.lines[6], "`cleanup`");
}
END_TEST

START_TEST(an_event_knows_its_lines_and_its_text_on_one_line)
{
    script_given("0 `a` +0   read(3,\n\t..., /* many */ 9) // few\n = 9 +0 %{ a\nb }% +1 `x  //y`");
    ck_assert_uint_eq(script.event_count, 4);
    ck_assert_str_eq(script.events[1].source, "+0 read(3, ..., 9) = 9");
    ck_assert_uint_eq(script.events[1].place.line, 1);
    ck_assert_uint_eq(script.events[1].place.end, 3);
    ck_assert_str_eq(script.events[2].source, "+0 %{ a b }%");
    ck_assert_uint_eq(script.events[2].place.line, 3);
    ck_assert_uint_eq(script.events[2].place.end, 4);
    ck_assert_str_eq(script.events[3].source, "+1 `x //y`");
    ck_assert_uint_eq(script.line_count, 4);
}
END_TEST

static const struct {
    const char *text, *value;
} options[] = {
    {"--ip_version=ipv6", "ipv6"},
    {"--ip_version=\"ipv4-mapped-ipv6\"", "ipv4-mapped-ipv6"},
    {"--local_ip=192.0.2.1", "192.0.2.1"},
    {"--remote_ip=\"192.0.2.9/24\"", "192.0.2.9/24"},
    {"--gateway_ip=2001:db8::1", "2001:db8::1"},
    {"--tolerance_usecs=10000", "10000"},
    {"--tolerance_percent=\"12.5\"", "12.5"},
    {"--define=A=B", "A=B"},
    {"--define=A=\"b c\"", "A=\"b c\""},
    {"--define=A=`b c`", "A=`b c`"},
    {"--define=\"A=0x10\"", "A=0x10"},
    {"--non_fatal = packet", "packet"},
    {"--is_anyip", NULL},
    {"--udp_encapsulation", NULL},
};

START_TEST(an_option_has_the_value_that_is_written)
{
    char text[128];
    snprintf(text, sizeof(text), "%s 0 `a`", options[_i].text);
    script_given(text);
    ck_assert_uint_eq(script.option_count, 1);
    if (options[_i].value)
        ck_assert_str_eq(script.options[0].value, options[_i].value);
    else
        ck_assert_ptr_null(script.options[0].value);
}
END_TEST

START_TEST(a_definition_of_the_caller_wins_over_one_of_the_script)
{
    static const char text[] =
        "--define=\"A=1\" --define=\"B=2\" --define=\"B=3\" 0 f(A, B, C) = 0";
    static const struct drill_define defines[] = {{"A", "7"}, {"C", "\"s\""}};
    struct bytes exact = exact_copy(text, strlen(text));

    ck_assert_int_eq(drill_parse(&script_memory, "x", exact, defines, 2, &script, &script_problem),
                     0);
    exact_free(exact);
    const struct drill_value *args = script.events[0].call.args;
    ck_assert_int_eq(args[0].integer, 7);
    ck_assert_int_eq(args[1].integer, 3);
    ck_assert_int_eq(args[2].kind, DRILL_STRING);
    ck_assert_str_eq(args[2].text, "s");
}
END_TEST

START_TEST(a_defined_word_can_be_a_command_or_the_name_of_a_call)
{
    script_given("--define=C=`echo` --define=F=socket 0 C +0 F(1) = 2");
    ck_assert_str_eq(script.events[0].command, "echo");
    ck_assert_str_eq(script.events[1].call.name, "socket");
}
END_TEST

/* --- times -------------------------------------------------------------------------------- */

#define CALL " f() = 0"
#define OUT  " > . 1:1(0)"

static const struct {
    const char *text;
    struct drill_time time;
} times[] = {
    {"0" CALL, {.clock = DRILL_AT}},
    {"1" CALL, {.clock = DRILL_AT, .start_ns = NS_PER_S}},
    {".25" CALL, {.clock = DRILL_AT, .start_ns = 250 * NS_PER_MS}},
    {"0.250" CALL, {.clock = DRILL_AT, .start_ns = 250 * NS_PER_MS}},
    {"0.0000000019" CALL, {.clock = DRILL_AT, .start_ns = 1}},
    {"1000000000" CALL, {.clock = DRILL_AT, .start_ns = 1000000000 * NS_PER_S}},
    {"+0" CALL, {.clock = DRILL_AFTER}},
    {"+0.25" CALL, {.clock = DRILL_AFTER, .start_ns = 250 * NS_PER_MS}},
    {"+.1" CALL, {.clock = DRILL_AFTER, .start_ns = 100 * NS_PER_MS}},
    {"+ 2" CALL, {.clock = DRILL_AFTER, .start_ns = 2 * NS_PER_S}},
    {"*" OUT, {.clock = DRILL_WHENEVER}},
    {"0.2~0.4" OUT,
     {.clock = DRILL_AT, .range = true, .start_ns = 200 * NS_PER_MS, .end_ns = 400 * NS_PER_MS}},
    {"+.2~+0.4" OUT,
     {.clock = DRILL_AFTER, .range = true, .start_ns = 200 * NS_PER_MS, .end_ns = 400 * NS_PER_MS}},
    {"+0~+.1" OUT, {.clock = DRILL_AFTER, .range = true, .end_ns = 100 * NS_PER_MS}},
    {"1~1" OUT, {.clock = DRILL_AT, .range = true, .start_ns = NS_PER_S, .end_ns = NS_PER_S}},
    {"0...0.2" CALL, {.clock = DRILL_AT, .blocking = true, .end_ns = 200 * NS_PER_MS}},
    {"+0...0.3" CALL, {.clock = DRILL_AFTER, .blocking = true, .end_ns = 300 * NS_PER_MS}},
    {"+.5...0.3" CALL, /* an end before the start fails when it is played */
     {.clock = DRILL_AFTER,
      .blocking = true,
      .start_ns = 500 * NS_PER_MS,
      .end_ns = 300 * NS_PER_MS}},
};

START_TEST(a_time_is_what_is_written)
{
    const struct drill_time *time = &script_event(times[_i].text)->time;
    const struct drill_time *wanted = &times[_i].time;
    ck_assert_int_eq(time->clock, wanted->clock);
    ck_assert_int_eq(time->range, wanted->range);
    ck_assert_int_eq(time->blocking, wanted->blocking);
    ck_assert_int_eq(time->start_ns, wanted->start_ns);
    ck_assert_int_eq(time->end_ns, wanted->end_ns);
}
END_TEST

/* --- twelve examples ----------------------------------------------------------------------- */

/* One of each thing that scripts do; all of them pass against a kernel, too. */
static const struct {
    const char *text;
    uint32_t events;
} examples[] = {
    {"`sysctl -q net.ipv4.tcp_timestamps=0`\n"
     "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3   +0 bind(3, ..., ...) = 0   +0 listen(3, 8) = "
     "0\n"
     "+.1 < S 4000:4000(0) win 20000 <mss 700>\n"
     "+0  > S. 0:0(0) ack 4001 <mss 1460>\n"
     "+.05 < . 1:1(0) ack 1 win 20000   +0 accept(3, ..., ...) = 7\n"
     "+0 < P. 1:301(300) ack 1 win 20000   +0 > . 1:1(0) ack 301   +0 read(7, ..., 999) = 300\n"
     "+0 write(7, ..., 120) = 120   +0 > P. 1:121(120) ack 301\n",
     12},
    {"`sysctl -q net.ipv4.tcp_timestamps=0 net.ipv4.tcp_window_scaling=0`\n"
     "0  socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 5   +0 fcntl(5, F_GETFL) = 0x802 "
     "(flags O_RDWR and O_NONBLOCK)\n"
     "+0 connect(5, ..., ...) = -1 EINPROGRESS (Operation now in progress)\n"
     "+0 > S 700:700(0) <mss 1460,nop,nop,sackOK>\n"
     "+1 > S 700:700(0) <mss 1460,nop,nop,sackOK>\n"
     "+.02 < S. 90:90(0) ack 701 win 9000 <mss 1200>   +0 > . 1:1(0) ack 1\n"
     "+0 getsockopt(5, SOL_SOCKET, SO_ERROR, [0], [4]) = 0   +0 getsockopt(5, IPPROTO_TCP, "
     "TCP_MAXSEG, [1200], [4]) = 0\n",
     9},
    {"0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3   +0 bind(3, ..., ...) = 0   +0 listen(3, 8) = "
     "0\n"
     "+0...0.3 accept(3, ..., ...) = 4\n"
     "+.2 < S 0:0(0) win 8000 <mss 1000>   +0 > S. 0:0(0) ack 1 <...>   +.1 < . 1:1(0) ack 1 win "
     "8000\n"
     "+0...0.25 recv(4, ..., 500, MSG_WAITALL) = 500\n"
     "+.05 < P. 1:201(200) ack 1 win 8000   +0 > . 1:1(0) ack 201   +.2 < P. 201:501(300) ack 1 "
     "win 8000\n"
     "* > . 1:1(0) ack 501\n",
     12},
    {"`sysctl -q net.ipv4.tcp_timestamps=1`\n"
     "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3   +0 bind(3, ..., ...) = 0   +0 listen(3, 8) = "
     "0\n"
     "+0 < S 0:0(0) win 30000 <mss 1000,sackOK,TS val 500 ecr 0>   +0 > S. 0:0(0) ack 1 <mss "
     "1460,sackOK,TS val 9000 ecr 500>\n"
     "+.03 < . 1:1(0) ack 1 win 30000 <nop,nop,TS val 530 ecr 9000>   +0 accept(3, ..., ...) = 4\n"
     "+0 < . 2001:3001(1000) ack 1 win 30000 <nop,nop,TS val 531 ecr 9000>\n"
     "+0 > . 1:1(0) ack 1 <nop,nop,TS val 9030 ecr 530,nop,nop,sack 2001:3001>\n",
     9},
    {SETUP
     "+0 write(4, ..., 800) = 800   +0 > P. 1:801(800) ack 1\n"
     "+.2~+.4 > P. 1:801(800) ack 1   * > P. 1:801(800) ack 1   +.1 < . 1:1(0) ack 801 win 30000\n",
     12},
    {SETUP "+0 < F. 1:1(0) ack 1 win 30000   +0~+.05 > . 1:1(0) ack 2   +0 read(4, ..., 10) = 0   "
           "+.1 close(4) = 0   +0 > F. 1:1(0) ack 2\n"
           "+0 < . 2:2(0) ack 2 win 30000   +.5 < . 2:2(0) ack 2 win 30000   +0 > R 2:2(0)\n",
     15},
    {"`sysctl -q net.ipv4.tcp_timestamps=0 net.ipv4.tcp_ecn=1`\n"
     "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3   +0 bind(3, ..., ...) = 0   +0 listen(3, 8) = "
     "0\n"
     "+0 < SEW 0:0(0) win 30000 <mss 1000>   +0 > [noecn] SE. 0:0(0) ack 1 <mss 1460>   +.1 < . "
     "1:1(0) ack 1 win 30000   +0 accept(3, ..., ...) = 4\n"
     "+0 < [ce] P. 1:101(100) ack 1 win 30000   +0 > [noecn] E. 1:1(0) ack 101   +0 < [ect0] WP. "
     "101:201(100) ack 1 win 30000   +0 > [noecn] . 1:1(0) ack 201\n"
     "+0 write(4, ..., 90) = 90   +0 > [ect01] P. 1:91(90) ack 201   +.05 < R. 201:201(0) ack 91 "
     "win 0\n"
     "+0 read(4, ..., 999) = 200   +0 read(4, ..., 9) = -1 ECONNRESET (Connection reset by peer)   "
     "+0 write(4, ..., 9) = -1 EPIPE (Broken pipe)\n",
     17},
    {SETUP
     "+0 epoll_create(1) = 9   +0 epoll_ctl(9, EPOLL_CTL_ADD, 4, {events=EPOLLIN, u32=77}) = 0   "
     "+0 epoll_wait(9, {events=0, ptr=0}, 4, 0) = 0\n"
     "+0 poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLOUT}], 1, 0) = 1   +0...0.15 poll([{fd=4, "
     "events=POLLIN, revents=POLLIN}], 1, 1000) = 1\n"
     "+.15 < P. 1:11(10) ack 1 win 30000   +0 epoll_wait(9, {events=EPOLLIN, u32=77}, 4, 0) = 1\n",
     14},
    {"`sysctl -q net.ipv4.tcp_timestamps=0`\n" SETUP
     "+0 write(4, ..., 1000) = 1000   +0 > P. 1:1001(1000) ack 1\n"
     "+.05 < icmp unreachable frag_needed mtu 1028 [1:1001(1000)]   +0 > P. 1:1001(1000) ack 1   "
     "+.05 < . 1:1(0) ack 1001 win 30000\n",
     12},
    {"0  socket(..., SOCK_DGRAM, IPPROTO_UDP) = 3   +0 bind(3, ..., ...) = 0   +0 connect(3, ..., "
     "...) = 0\n"
     "+0 setsockopt(3, IPPROTO_IP, IP_TOS, [0x28], 4) = 0   +0 send(3, ..., 64, 0) = 64   +0 > "
     "[tos 0x28] udp (64)\n"
     "+.1 < udp (32)   +0 recv(3, ..., 999, 0) = 32\n"
     "+.1 < icmp unreachable port_unreachable [udp (64)]   +0 recv(3, ..., 999, MSG_DONTWAIT) = -1 "
     "ECONNREFUSED (Connection refused)\n",
     10},
    {"--tolerance_usecs=20000 --define=\"LIMIT=700\"\n"
     "`true`\n" SETUP "+0 %{ before = tcpi_unacked }%   +0 writev(4, [{..., 400}, {..., 300}], 2) "
     "= LIMIT   +0 > P. 1:701(700) ack 1\n"
     "+0 %{ assert (before, tcpi_unacked, tcpi_state) == (0, 1, TCP_ESTABLISHED), tcpi_unacked }%  "
     " +.1 < . 1:1(0) ack 701 win 30000\n"
     "`true`\n",
     12},
    {"0 < S 0:0(0) win 1000 <mss 1000>   +0 > R. 0:0(0) ack 1 win 0   +.1 < . 1:1(0) ack 5 win "
     "1000   +0 > R 5:5(0) win 0\n",
     4},
};

START_TEST(the_twelve_examples_are_parsed)
{
    script_given(examples[_i].text);
    ck_assert_uint_eq(script.event_count, examples[_i].events);
    for (uint32_t i = 0; i < script.event_count; i++) {
        ck_assert_uint_ge(script.events[i].place.line, 1);
        ck_assert_uint_le(script.events[i].place.end, script.line_count);
        ck_assert_ptr_null(strchr(script.events[i].source, '\n'));
    }
}
END_TEST

START_TEST(their_trees_say_what_they_say)
{
    const struct drill_event *e;

    script_given(examples[0].text);
    ck_assert_str_eq(script.init, "sysctl -q net.ipv4.tcp_timestamps=0");
    e = script.events;
    ck_assert_int_eq(e[0].call.args[0].kind, DRILL_ELLIPSIS);
    ck_assert_uint_eq(e[3].packet.tcp.seq, 4000);
    ck_assert_uint_eq(e[4].packet.tcp.ack, 4001);
    ck_assert_int_eq(e[4].packet.tcp.list, DRILL_OPTIONS_LIST);
    ck_assert_uint_eq(e[4].packet.tcp.options[0].value, 1460);
    ck_assert_int_eq(e[6].call.result, 7);
    script_done();

    script_given(examples[1].text);
    e = script.events;
    ck_assert_int_eq(e[0].call.args[1].kind, DRILL_OR);
    ck_assert_int_eq(e[1].call.result, 0x802);
    ck_assert_str_eq(e[2].call.errno_name, "EINPROGRESS");
    ck_assert_int_eq(e[4].time.start_ns, NS_PER_S);
    ck_assert_int_eq(e[7].call.args[3].items[0].integer, 0);
    script_done();

    script_given(examples[2].text);
    e = script.events;
    ck_assert(e[3].time.blocking && e[3].time.end_ns == 300 * NS_PER_MS);
    ck_assert_int_eq(e[11].time.clock, DRILL_WHENEVER);
    script_done();

    script_given(examples[3].text);
    e = script.events;
    ck_assert_uint_eq(e[8].packet.tcp.option_count, 6);
    ck_assert_uint_eq(e[8].packet.tcp.options[2].ecr, 530);
    ck_assert_uint_eq(e[8].packet.tcp.options[5].block[0].right, 3001);
    script_done();

    script_given(examples[6].text);
    e = script.events;
    ck_assert_uint_eq(e[3].packet.tcp.flags, DRILL_SYN | DRILL_ECE | DRILL_CWR);
    ck_assert_int_eq(e[4].packet.said.ecn, DRILL_NOECN);
    ck_assert_int_eq(e[12].packet.said.ecn, DRILL_ECT01);
    script_done();

    script_given(examples[7].text);
    e = script.events;
    ck_assert_str_eq(e[8].call.args[3].items[1].name, "u32");
    ck_assert_uint_eq(e[10].call.args[0].items[0].count, 3);
    script_done();

    script_given(examples[8].text);
    e = script.events;
    ck_assert_uint_eq(e[9].packet.icmp.mtu, 1028);
    ck_assert_uint_eq(e[9].packet.icmp.len, 1000);
    script_done();

    script_given(examples[10].text);
    e = script.events;
    ck_assert_str_eq(script.cleanup, "true");
    ck_assert_str_eq(e[7].code, "before = tcpi_unacked");
    ck_assert_int_eq(e[8].call.result, 700);
    ck_assert_int_eq(e[8].call.args[1].items[1].items[1].integer, 300);
}
END_TEST

/* --- mistakes ----------------------------------------------------------------------------- */

static const struct {
    const char *text;
    uint32_t line;
    const char *says;
} mistakes[] = {
    {"", 1, "expected a time in front of the event"},
    {"\n\n", 3, "found the end of the script"},
    {"--mss=1", 1, "found the end of the script"},
    {"`true`\n", 2, "expected a time"},
    {"`true`\n`true`\n0 `a`", 2, "only one command"},
    {"0 `a`\nsocket(1) = 2", 2, "expected a time in front of the event"},
    {"0 `a`\nsocket(1) = 2", 2, "found 'socket'"},
    {"0 `a`\n`b`\n0 `c`", 3, "nothing behind a command without a time"},
    {"0 `a`\n--mss=1", 2, "options stand in front of everything else"},
    {"0 `a`\n+0 5", 2, "expected '>' or '<', a call, `command` or %{ code }%, found '5'"},
    {"0 `a`\n+0 soket", 2, "expected '(' behind the name of a call, found the end"},
    {"0 `a`\n+0 fd(3) = 0", 2, "expected '>' or '<', a call"},
    {"0 `a`\r\n+0 `b`", 1, "carriage return"},
    {"0 `a`\n# a comment\n", 2, "'#' begins no comment"},
    {"#ifdef A\n0 `a`", 1, "preprocessor"},
    {"0 `a`\n/* a", 2, "*/"},

    {"--nonsense=1 0 `a`", 1, "there is no option --nonsense"},
    {"\n--mss 0 `a`", 2, "--mss wants a value"},
    {"--mss\n0 `a`", 1, "--mss wants a value"},
    {"--verbose=1 0 `a`", 1, "--verbose takes no value"},
    {"--mss=0x10 0 `a`", 1, "expected a decimal number, a word"},
    {"--ip_version=ipv4-mapped-ipv6 0 `a`", 1, "expected a time"},
    {"--tolerance_percent=12.5 0 `a`", 1, "found '12.5'"},
    {"--remote_ip=192.0.2.9/24 0 `a`", 1, "expected a time"},
    {"--define=N=5 0 `a`", 1, "\"NAME=5\""},
    {"--define=N 0 `a`", 1, "NAME=value"},
    {"--define=\"=5\" 0 `a`", 1, "NAME=value"},
    {"-D N=5 0 `a`", 1, "found '-'"},
    {"-v 0 `a`", 1, "found '-'"},

    {"1 `a`", 1, "first event must be at time 0"},
    {"+.1 `a`", 1, "first event must be at time 0"},
    {"* > . 1:1(0)", 1, "first event must be at time 0"},
    {"-1 `a`", 1, "a time from 0"},
    {"0 `a` +-1 `b`", 1, "a time from 0"},
    {"0 `a` 1000000001 `b`", 1, "a time from 0"},
    {"0 `a`\n0.5 `b`\n+1 `c`\n0.4 `d`", 4, "before that of an event above"},
    {"0 `a`\n+ `b`", 2, "seconds behind '+'"},
    {"0 `a`\n* `b`", 2, "at any time"},
    {"0 `a`\n* f() = 0", 2, "at any time"},
    {"0 `a`\n* < . 1:1(0) win 0", 2, "at any time"},
    {"0 `a`\n+0~+1 f() = 0", 2, "range"},
    {"0 `a`\n+0~+1 < . 1:1(0) win 0", 2, "range"},
    {"0 `a`\n+0~1 > . 1:1(0)", 2, "expected '+' here"},
    {"0 `a`\n0~+1 > . 1:1(0)", 2, "without '+'"},
    {"0 `a`\n+.4~+.2 > . 1:1(0)", 2, "ends before it begins"},
    {"0 `a`\n+0...1 > . 1:1(0)", 2, "calls that block"},
    {"0 `a`\n+0...1 `b`", 2, "calls that block"},
    {"0 `a`\n+0...+1 f() = 0", 2, "without '+'"},
    {"0 `a`\n+0 < . 1:1(0) ack 1\n+0 `b`", 2, "'win'"},
    {"0 `a`\n+0 > . 1:1(0) ack 1 <nop>\n+0 `b`", 2, "1 octets of TCP options"},
    {"0 `a`\n+0 > icmp\n+0 `b`", 3, "expected an ICMP type"},
};

START_TEST(a_mistake_is_told_with_its_line_and_what_was_expected)
{
    script_refused(mistakes[_i].text, mistakes[_i].line, mistakes[_i].says);
}
END_TEST

START_TEST(a_nul_octet_is_no_script)
{
    static const uint8_t octets[] = "0 `a`\n\0";
    struct bytes exact = exact_copy(octets, sizeof(octets) - 1);
    int err = drill_parse(&script_memory, "x", exact, NULL, 0, &script, &script_problem);
    exact_free(exact);
    ck_assert_int_eq(err, -EINVAL);
    ck_assert_uint_eq(script_problem.line, 2);
}
END_TEST

START_TEST(every_beginning_of_a_script_is_parsed_or_refused)
{
    static const char text[] =
        "--define=\"N=5\" `init` 0 f([1, {a=N, b(...)=[\"s\"]}, inet_addr(\"1.2.3.4\")]) = -1 "
        "EAGAIN (x y) +0~+1 > [tos 0x28] P.5 1:11(10) ack 1 win 5 <sack 1:2 3:4,nop,nop,TS val 1 "
        "ecr 2,FO abcd,nop,nop>\n+0 < icmp unreachable frag_needed mtu 1000 [udp (5)]\n%{ }%";
    for (size_t len = 0; len < sizeof(text); len++) {
        struct bytes exact = exact_copy(text, len);
        int err = drill_parse(&script_memory, "x", exact, NULL, 0, &script, &script_problem);
        exact_free(exact);
        ck_assert_int_eq(err == 0, script.arena != NULL);
        ck_assert_int_eq(err == 0, script_problem.text[0] == '\0');
        drill_script_free(&script);
    }
}
END_TEST

/* --- caps --------------------------------------------------------------------------------- */

/* `times` times `part`, between `front` and `back`. */
static struct bytes repeat(const char *front, const char *part, size_t count, const char *back)
{
    size_t len = strlen(front) + strlen(part) * count + strlen(back);
    char *text = malloc(len + 1);
    ck_assert_ptr_nonnull(text);
    char *at = stpcpy(text, front);
    for (size_t i = 0; i < count; i++)
        at = stpcpy(at, part);
    stpcpy(at, back);
    return (struct bytes){(const uint8_t *)text, len};
}

static const struct {
    const char *front, *part;
    size_t count;
    const char *back;
    int err;
} caps[] = {
    {"0 `a`", "+0 `b`", DRILL_EVENTS_MAX - 1, "", 0},
    {"0 `a`", "+0 `b`", DRILL_EVENTS_MAX, "", -EINVAL},
    {"0 `a`", "\n", DRILL_SCRIPT_MAX - 5, "", 0},
    {"0 `a`", "\n", DRILL_SCRIPT_MAX - 4, "", -EINVAL},
    {"0 f(", "[", DRILL_DEPTH_MAX, "]]]]]]]]]]]]]]]]) = 0", 0},
    {"0 f(", "[", DRILL_DEPTH_MAX + 1, "]]]]]]]]]]]]]]]]]) = 0", -EINVAL},
    {"0 f(", "{", 100000, "", -EINVAL},
    {"0 f(0", ",1", 500000, ") = 0", 0},
    {"0 f(0", "|A", 500000, ") = 0", 0},
    {"0 f(", "\"a\"", 300000, ") = 0", 0},
    {"0 f(", "(", 500000, "", -EINVAL},
    {"0 > ", "ipv4 1.2.3.4 > 1.2.3.4 : ", 40000, ". 1:1(0)", 0},
    {"0 > mpls ", "(label 1 tc 1 ttl 1)", 50000, ": . 1:1(0)", 0},
    {"0 > S 0:0(0) <", "nop,", 250000, "nop>", -EINVAL},
    {"0 `a`", "/**/", 250000, "", 0},
    {"0 ", "-", 500000, "", -EINVAL},
    {"--define=\"A=1\" 0 f(A", ",A", 500000, ") = 0", 0},
    {"", "--mss=5 ", 100000, "0 `a`", 0},
    {"", "--define=A=B ", 70000, "0 `a`", 0},
    {"0 `a`", " 0~0", 200000, "", -EINVAL},
};

START_TEST(size_and_depth_have_caps_and_large_scripts_are_parsed_in_no_time)
{
    struct bytes text = repeat(caps[_i].front, caps[_i].part, caps[_i].count, caps[_i].back);
    int err = drill_parse(&script_memory, "x", text, NULL, 0, &script, &script_problem);
    ck_assert_msg(err == caps[_i].err, "%d: %s", err, script_problem.text);
    exact_free(text);
}
END_TEST

START_TEST(whatever_allocation_fails_nothing_is_left)
{
    static const char text[] = "--mss=5\n" SETUP "+0 f([1, 2, {a=\"b\" \"c\"}], 4|5) = 0 +0 %{ x }%"
                               "+0 > . 1:1(0) <nop,nop,TS val 1 ecr 2>";
    struct small_env env;
    for (uint64_t n = 1;; n++) {
        small_env_init(&env);
        env.fail_at = n;
        struct memory memory = {.env = &env.env};
        int err = drill_parse(&memory, "x", bytes_of(text, strlen(text)), NULL, 0, &script,
                              &script_problem);
        if (err == 0) {
            ck_assert_uint_gt(n, 4);
            drill_script_free(&script);
            ck_assert_uint_eq(env.blocks, 0);
            break;
        }
        ck_assert_int_eq(err, -ENOMEM);
        ck_assert_uint_eq(env.blocks, 0);
        ck_assert_ptr_nonnull(strstr(script_problem.text, "memory"));
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("drill_parse");
    TCase *c = tcase_create("scripts");
    tcase_add_checked_fixture(c, NULL, script_done);
    tcase_add_test(c, a_script_has_options_an_init_command_events_and_a_cleanup_command);
    tcase_add_test(c, an_event_knows_its_lines_and_its_text_on_one_line);
    tcase_add_loop_test(c, an_option_has_the_value_that_is_written, 0, (int)ARRAY_LEN(options));
    tcase_add_test(c, a_definition_of_the_caller_wins_over_one_of_the_script);
    tcase_add_test(c, a_defined_word_can_be_a_command_or_the_name_of_a_call);
    tcase_add_loop_test(c, a_time_is_what_is_written, 0, (int)ARRAY_LEN(times));
    tcase_add_loop_test(c, the_twelve_examples_are_parsed, 0, (int)ARRAY_LEN(examples));
    tcase_add_test(c, their_trees_say_what_they_say);
    suite_add_tcase(s, c);

    c = tcase_create("mistakes and caps");
    tcase_add_checked_fixture(c, NULL, script_done);
    tcase_add_loop_test(c, a_mistake_is_told_with_its_line_and_what_was_expected, 0,
                        (int)ARRAY_LEN(mistakes));
    tcase_add_test(c, a_nul_octet_is_no_script);
    tcase_add_test(c, every_beginning_of_a_script_is_parsed_or_refused);
    tcase_add_loop_test(c, size_and_depth_have_caps_and_large_scripts_are_parsed_in_no_time, 0,
                        (int)ARRAY_LEN(caps));
    tcase_add_test(c, whatever_allocation_fails_nothing_is_left);
    suite_add_tcase(s, c);
    return run_suite(s, "drill_parse");
}
