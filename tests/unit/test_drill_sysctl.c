/*
 * test_drill_sysctl.c - shell commands of scripts: the settings in them, and what is not known.
 */
#include <stdio.h>
#include <string.h>

#include "base/instant.h"
#include "sim/drill_sysctl.h"
#include "support/exact.h"
#include "support/proves.h"

/* What was seen, on one line: name=value; <script>; sleep N; ?text? */
static char seen[65536];
static size_t seen_len;

static void note(void *context, const struct drill_sysctl *s)
{
    (void)context;
    char *at = seen + seen_len;
    size_t room = sizeof(seen) - seen_len;
    if (seen_len && room > 1) {
        *at++ = ';';
        room--;
        seen_len++;
    }
    int len = 0;
    switch (s->kind) {
    case DRILL_SYSCTL_SET:
        len = snprintf(at, room, "%s=%s", s->name, s->value);
        break;
    case DRILL_SYSCTL_SCRIPT:
        len = snprintf(at, room, "<%s>", s->name);
        break;
    case DRILL_SYSCTL_SLEEP:
        len = snprintf(at, room, "sleep %lld", (long long)s->sleep_ns);
        break;
    case DRILL_SYSCTL_UNKNOWN:
        len = snprintf(at, room, "?%.*s?", (int)s->text.len, (const char *)s->text.at);
        break;
    }
    ck_assert(s->text.len > 0 && s->line > 0);
    seen_len += (size_t)len < room ? (size_t)len : room - 1;
}

static const char *read_text(const char *text)
{
    struct bytes exact = exact_copy(text, strlen(text) + 1);
    seen[0] = '\0';
    seen_len = 0;
    drill_sysctl_read((const char *)exact.at, note, NULL);
    exact_free(exact);
    return seen;
}

static const struct {
    const char *text, *seen;
} rows[] = {
    /* sysctl */
    {"sysctl -q net.ipv4.tcp_timestamps=0 net.ipv4.tcp_sack=1",
     "net.ipv4.tcp_timestamps=0;net.ipv4.tcp_sack=1"},
    {"sysctl -w a.b=\"1 2 3\"", "a.b=1 2 3"},
    {"sysctl -w a.b='1\t2   3 '", "a.b=1 2 3"},
    {"sysctl \"a.b=1 2\"", "a.b=1 2"},
    {"sysctl -w a.b=1\\ 2", "a.b=1 2"},
    {"sysctl -w net.inet.tcp.rfc1323=0", "net.inet.tcp.rfc1323=0"},
    {"/sbin/sysctl -qw net/ipv4/tcp_sack=1", "net.ipv4.tcp_sack=1"},
    {"sysctl -q net.ipv4.tcp_fastopen=0x70403", "net.ipv4.tcp_fastopen=0x70403"},
    {"sysctl -q net.ipv4.tcp_fastopen_key=a1a1-b2b2", "net.ipv4.tcp_fastopen_key=a1a1-b2b2"},
    {"sysctl -q a.b=", "a.b="},
    {"sysctl -q a.b=1 > /dev/null 2>&1", "a.b=1"},
    {"sysctl -q a.b=1 &>/dev/null", "a.b=1"},
    {"sysctl -q a.b=1 >& /dev/null", "a.b=1"},
    {"sysctl -q a.b=1 2>/dev/null", "a.b=1"},
    {"sysctl -q a.b=\"4096 540000 $((15*1024*1024))\"", "a.b=4096 540000 15728640"},
    {"sysctl -q a.b=$(( (2 + 3) * 4 - 10 / 2 ))", "a.b=15"},
    {"sysctl a.b > /dev/null", ""},
    {"sysctl -n a.b", ""},
    {"sysctl -n a.b > file", "?sysctl -n a.b > file?"},
    {"sysctl -p", "?sysctl -p?"},
    {"sysctl -p file", "?sysctl -p file?"},
    {"sysctl --system", "?sysctl --system?"},
    {"sysctl", "?sysctl?"},
    {"sysctl -q a.b=$X", "?sysctl -q a.b=$X?"},
    {"sysctl -q a.b=1 c.d=`x`", "?sysctl -q a.b=1 c.d=`x`?"}, /* all of it or nothing */
    {"sysctl -q a.b=1 c.d=$(x y)", "?sysctl -q a.b=1 c.d=$(x y)?"},
    {"sysctl -q a.b=1 $x=2", "?sysctl -q a.b=1 $x=2?"},
    {"sysctl -w a.b = 1", "?sysctl -w a.b = 1?"},
    {"sysctl -q 'a b=1'", "?sysctl -q 'a b=1'?"},
    {"sysctl -q a.b=$((1/0))", "?sysctl -q a.b=$((1/0))?"},
    {"sysctl -q a.b=$((99999999999999999999))", "?sysctl -q a.b=$((99999999999999999999))?"},
    {"sysctl -q a.b=$((x))", "?sysctl -q a.b=$((x))?"},

    /* the helpers of the suites */
    {"../common/set_sysctls.py /proc/sys/net/ipv4/tcp_timestamps=0 /proc/sys/net/ipv4/tcp_sack=1",
     "net.ipv4.tcp_timestamps=0;net.ipv4.tcp_sack=1"},
    {"./set_sysctls.py /proc/sys/net/ipv4/tcp_rmem=\"4096 5000 6000\"",
     "net.ipv4.tcp_rmem=4096 5000 6000"},
    {"./set_sysctls.py \\\n /proc/sys/a/b=1 \\\n /proc/sys/c=2", "a.b=1;c=2"},
    {"python3 ../set_sysctls.py /proc/sys/a/b=1", "a.b=1"},
    {"python3 other.py", "?python3 other.py?"},
    {"./set_sysctls.py /proc/sys/a/b", "?./set_sysctls.py /proc/sys/a/b?"},
    {"/tmp/sysctl_restore_${PPID}.sh", ""},
    {"bash /tmp/sysctl_restore_$PPID.sh", ""},
    {"../common/defaults.sh", "<../common/defaults.sh>"},
    {"./defaults.sh", "<./defaults.sh>"},
    {"../../common/defaults.sh > /dev/null", "<../../common/defaults.sh>"},
    {". ./a.sh; source b.sh; sh c.sh", "<./a.sh>;<b.sh>;<c.sh>"},
    {"./defaults.sh with arguments", "?./defaults.sh with arguments?"},
    {"./defaults_$X.sh", "?./defaults_$X.sh?"},

    /* echo */
    {"echo 3 > /proc/sys/net/ipv4/tcp_x", "net.ipv4.tcp_x=3"},
    {"echo -n 1 2 '3' >/proc/sys/a/b", "a.b=1 2 3"},
    {"echo 1 > file", "?echo 1 > file?"},
    {"echo $X > /proc/sys/a/b", "?echo $X > /proc/sys/a/b?"},
    {"echo hello; echo $X; echo", ""},
    {"echo x > /dev/null", ""},

    /* without effect */
    {"", ""},
    {"#!/bin/bash\n# a comment\n\n   \t\n;\n", ""},
    {"true", ""},
    {":", ""},
    {"true; : && true || nonsense", ""},
    {"set -e; set -o pipefail", ""},
    {"export A=1 B; x", "?export A=1 B?;?x?"},
    {"export A=1; B=\"a b\" C=$D", ""},
    {"PATH=/x", "?PATH=/x?"},
    {"A=1 command", "?A=1 command?"},
    {"A=$(command)", "?A=$(command)?"},
    {"A=\"$(command)\"", "?A=\"$(command)\"?"},
    {"echo \"$(command)\"", "?echo \"$(command)\"?"},
    {"echo \"`command`\"", "?echo \"`command`\"?"},
    {"ip tcp_metrics flush all > /dev/null 2>&1", ""},
    {"ip link set dev x up", "?ip link set dev x up?"},
    {"tc qdisc replace dev tun0 root pfifo", ""},
    {"tc qdisc add dev tun0 root pfifo", ""},
    {"tc qdisc add dev tun0 root netem delay 5ms", "?tc qdisc add dev tun0 root netem delay 5ms?"},
    {"nstat -n", ""},
    {"nstat > /dev/null", ""},
    {"cat /proc/net/netstat", ""},
    {"cat x > y", "?cat x > y?"},
    {"sleep 1", "sleep 1000000000"},
    {"sleep .25 && sleep 2s", "sleep 250000000;sleep 2000000000"},
    {"sleep", "?sleep?"},
    {"sleep 1m", "?sleep 1m?"},
    {"sleep $X", "?sleep $X?"},
    {"sleep 1000001", "?sleep 1000001?"},
    {"sleep -1", "?sleep -1?"},

    /* joined and strange */
    {"sysctl -q a=1 && sysctl -q b=2; sysctl -q c=3\nsysctl -q d=4", "a=1;b=2;c=3;d=4"},
    {"sysctl -q a=1 || exit 1; sysctl -q b=2", "a=1;b=2"},
    {"x || y || z && sysctl b=1", "?x?;b=1"},
    {"sysctl -q \\\n  a=1 # comment\n", "a=1"},
    {"sysctl -q a=x#y", "a=x#y"},
    {"nonsense -x \"y z\"", "?nonsense -x \"y z\"?"},
    {"ls | grep x; true", "?ls | grep x?"},
    {"sysctl a | grep x", "?sysctl a | grep x?"},
    {"sleep 5 &", "?sleep 5 &?"},
    {"(sysctl -q a=1)", "?(sysctl -q a=1)?"},
    {"cat < x", "?cat < x?"},
    {"cat << EOF", "?cat << EOF?"},
    {"if true; then\nsysctl -q a=1\nfi", "?if true?;?then?;a=1;?fi?"},
    {"sysctl -q 'a=1", "?sysctl -q 'a=1?"},
    {"sysctl -q \"a=1", "?sysctl -q \"a=1?"},
    {"sysctl -q a=1\\", "a=1\\"},
    {"&& true", "?&&?"},
    {"> /dev/null", "?> /dev/null?"},
    {"sysctl -q a=1 >", "?sysctl -q a=1 >?"},
    {"sysctl -q a=1 > $X", "?sysctl -q a=1 > $X?"},
    {"*.sh", "?*.sh?"},
};

START_TEST(a_command_says_its_settings_or_that_it_is_unknown)
{
    ck_assert_str_eq(read_text(rows[_i].text), rows[_i].seen);
}
END_TEST

START_TEST(a_shell_script_is_read_line_by_line)
{
    ck_assert_str_eq(
        read_text("#!/bin/bash\n# Set defaults.\n\nip tcp_metrics flush all > /dev/null 2>&1\n\n"
                  "sysctl -q net.ipv4.tcp_rmem=\"4096 540000 $((15*1024*1024))\"\n"
                  "sysctl -q net.ipv4.tcp_timestamps=1\n"
                  "sysctl -q net.ipv4.tcp_congestion_control=\"cubic\"\n"
                  "tc qdisc add dev tun0 root pfifo\n"),
        "net.ipv4.tcp_rmem=4096 540000 15728640;net.ipv4.tcp_timestamps=1;"
        "net.ipv4.tcp_congestion_control=cubic");
}
END_TEST

static uint32_t lines[3];
static int line_count;

static void note_line(void *context, const struct drill_sysctl *s)
{
    (void)context;
    if (line_count < 3)
        lines[line_count++] = s->line;
}

START_TEST(what_is_seen_has_its_line)
{
    line_count = 0;
    drill_sysctl_read("\nsysctl \\\n a=1\n\n'x\ny'; z", note_line, NULL);
    ck_assert_int_eq(line_count, 3);
    ck_assert_uint_eq(lines[0], 2);
    ck_assert_uint_eq(lines[1], 5);
    ck_assert_uint_eq(lines[2], 6);
}
END_TEST

static const struct {
    const char *part;
    size_t count;
} long_ones[] = {{"x ", 100}, {"a", 5000},  {"a=", 3000},   {"((((", 1000},       {"$((", 1000},
                 {"'", 4095}, {"| ", 3000}, {"> x ", 2000}, {"sysctl a=1;", 3000}};

START_TEST(a_command_that_is_too_long_is_unknown_and_none_reads_too_far)
{
    char *text = calloc(1, strlen(long_ones[_i].part) * long_ones[_i].count + 16);
    ck_assert_ptr_nonnull(text);
    char *at = stpcpy(text, "sysctl -q ");
    for (size_t i = 0; i < long_ones[_i].count; i++)
        at = stpcpy(at, long_ones[_i].part);
    read_text(text);
    ck_assert_uint_gt(seen_len, 0);
    if (long_ones[_i].part[0] != 's')
        ck_assert_int_eq(seen[0], '?');
    free(text);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("drill_sysctl");
    TCase *c = tcase_create("commands");
    tcase_add_loop_test(c, a_command_says_its_settings_or_that_it_is_unknown, 0,
                        (int)ARRAY_LEN(rows));
    tcase_add_test(c, a_shell_script_is_read_line_by_line);
    tcase_add_test(c, what_is_seen_has_its_line);
    tcase_add_loop_test(c, a_command_that_is_too_long_is_unknown_and_none_reads_too_far, 0,
                        (int)ARRAY_LEN(long_ones));
    suite_add_tcase(s, c);
    return run_suite(s, "drill_sysctl");
}
