/*
 * test_options.c - command lines: what is taken, what is refused with which status, and that every
 * refusal is one line.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "options.h"
#include "support/proves.h"

enum { ARGV_MAX = 200 };

static struct options o;
static struct refusal refusal;
static enum options_wish wish;
static int first;
static int verb_number; /* what the verb's own option took */

static int take_number(void *context, const char *text, struct refusal *why)
{
    uint64_t number;

    if (!number_parse(text, 0, 9, &number))
        return refuse(why, EXIT_USAGE, "--number %s: not a digit", text);
    *(int *)context = (int)number;
    return 0;
}

static const struct option_row rows[] = {{"number", 'n', "N", "a number", take_number}};
static const struct option_verb verb = {
    .name = "test", .arguments = "THING", .help = "Tests.", .rows = rows, .row_count = 1};

/* Splits the line at spaces and reads it. */
static int read_line_with(const struct option_verb *v, const char *line)
{
    static char words[8192];
    static char *argv[ARGV_MAX];
    static char name[] = "test";
    int argc = 1;

    ck_assert_uint_lt(strlen(line), sizeof words);
    strcpy(words, line);
    argv[0] = name;
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    argv[argc] = NULL;
    refusal = (struct refusal){0};
    return options_read(&o, v, &verb_number, argc, argv, &wish, &first, &refusal);
}

static int read_line(const char *line)
{
    return read_line_with(&verb, line);
}

static void given_nothing(void)
{
    verb_number = -1;
}

/* --- what is taken ------------------------------------------------------------------------ */

START_TEST(nothing_gives_the_defaults_of_the_contract)
{
    char text[IP_ADDR_TEXT];

    ck_assert_int_eq(read_line(""), 0);
    ck_assert_int_eq(wish, OPTIONS_RUN);
    ck_assert_str_eq(o.device, "tap0");
    ck_assert_int_eq(o.config.addr_count, 1);
    ck_assert_str_eq(ip_addr_format(o.config.addr[0].addr, text), "10.9.0.2");
    ck_assert_int_eq(o.config.addr[0].len, 24);
    ck_assert_str_eq(ip_addr_format(o.host.addr, text), "10.9.0.1");
    ck_assert_int_eq(o.host.len, 24);
    ck_assert(!o.host_given && !o.mtu_given && !o.mac_given && !o.seeded);
    ck_assert_int_eq(o.offload, OFFLOAD_AUTO);
    ck_assert_int_eq(o.ready_fd, -1);
}
END_TEST

START_TEST(every_option_of_the_contract_is_taken)
{
    ck_assert_int_eq(
        read_line(
            "--dev tap:mine --addr 192.0.2.2/24 --addr 198.51.100.2/25 --host-addr 192.0.2.1/24 "
            "--gateway 192.0.2.1 --dns 192.0.2.53 --mac 02:00:5e:10:00:02 --mtu 9000 "
            "--queues 1 --offload off --capture out.pcapng --capture-raw "
            "--impair in:loss=1%,delay=20ms --impair seed=7 --set tcp.rto_min=200ms "
            "--profile rfc --seed 18446744073709551615 --control /tmp/c --ready-fd 9 "
            "--log tcp=debug,arp=info"),
        0);
    ck_assert_str_eq(o.device, "mine");
    ck_assert_int_eq(o.config.addr_count, 2);
    ck_assert(o.host_given && o.mac_given && o.mtu_given && o.seeded && o.capture_raw);
    ck_assert_uint_eq(o.config.mtu, 9000);
    ck_assert_int_eq(o.offload, OFFLOAD_OFF);
    ck_assert_int_eq(o.impairs.count, 2);
    ck_assert_uint_eq(o.seed, UINT64_MAX);
    ck_assert_int_eq(o.ready_fd, 9);
    ck_assert_str_eq(o.control, "/tmp/c");
    ck_assert(o.config.values.tcp_rto_min == TAPIO_MS(200));
}
END_TEST

START_TEST(a_single_value_wins_over_a_profile_in_any_order)
{
    struct stack_values rfc;

    values_default(&rfc);
    ck_assert_int_eq(values_profile(&rfc, "rfc"), 0);
    ck_assert_int_eq(read_line("--set tcp.msl=7s --profile rfc"), 0);
    ck_assert(o.config.values.tcp_msl == TAPIO_S(7));
    ck_assert_int_eq(read_line("--profile rfc"), 0);
    ck_assert(o.config.values.tcp_msl == rfc.tcp_msl);
}
END_TEST

START_TEST(a_verb_has_options_and_operands_of_its_own)
{
    struct option_verb one = verb;

    one.operands = 1;
    ck_assert_int_eq(read_line_with(&one, "thing -n 7"), 0);
    ck_assert_int_eq(verb_number, 7);
    ck_assert_int_eq(first, 3); /* options first, whatever the order was */
    ck_assert_int_eq(read_line_with(&one, "--number 8 thing"), 0);
    ck_assert_int_eq(verb_number, 8);
    ck_assert_int_eq(read_line_with(&one, ""), EXIT_USAGE);
    ck_assert_int_eq(read_line_with(&one, "thing other"), EXIT_USAGE);
    ck_assert_int_eq(read_line_with(&one, "-n"), EXIT_USAGE);
    ck_assert_int_eq(read_line_with(&one, "-x thing"), EXIT_USAGE);
    ck_assert_ptr_nonnull(strstr(refusal.text, "-x"));
}
END_TEST

START_TEST(help_is_a_wish_and_nothing_behind_it_counts)
{
    ck_assert_int_eq(read_line("--help --mtu nonsense"), 0);
    ck_assert_int_eq(wish, OPTIONS_HELP);
    ck_assert_int_eq(read_line("--set help --mtu nonsense"), 0);
    ck_assert_int_eq(wish, OPTIONS_VALUES);
}
END_TEST

/* --- what is refused ---------------------------------------------------------------------- */

/* clang-format off */
static const struct {
    const char *line;
    int status;
    const char *says; /* names the cause, or the remedy */
} table[] = {
    /* F12: MTU */
    {"--mtu 0",                                   EXIT_USAGE, "68 to 65535"},
    {"--mtu 67",                                  EXIT_USAGE, "68 to 65535"},
    {"--mtu 68",                                  0,          NULL},
    {"--mtu 65535",                               0,          NULL},
    {"--mtu 65536",                               EXIT_USAGE, "68 to 65535"},
    {"--mtu 4294967364",                          EXIT_USAGE, "68 to 65535"}, /* 2^32 + 68 */
    {"--mtu 18446744073709551684",                EXIT_USAGE, "68 to 65535"}, /* 2^64 + 68 */
    {"--mtu -1",                                  EXIT_USAGE, "68 to 65535"},
    {"--mtu +1500",                               EXIT_USAGE, "68 to 65535"},
    {"--mtu 1500x",                               EXIT_USAGE, "68 to 65535"},
    {"--mtu 0x5dc",                               EXIT_USAGE, "68 to 65535"},
    {"--mtu=",                                    EXIT_USAGE, "68 to 65535"},
    /* F12: prefixes and addresses */
    {"--addr 10.9.0.2/33",                        EXIT_USAGE, "prefix"},
    {"--addr 10.9.0.2/-1",                        EXIT_USAGE, "prefix"},
    {"--addr 10.9.0.2/",                          EXIT_USAGE, "prefix"},
    {"--addr 10.9.0.2",                           EXIT_USAGE, "try 10.9.0.2/24"},
    {"--addr 10.9.0.256/24",                      EXIT_USAGE, "prefix"},
    {"--addr 0.0.0.0/24",                         EXIT_USAGE, "no station"},
    {"--addr 0.1.2.3/8",                          EXIT_USAGE, "no station"},
    {"--addr 127.0.0.1/8",                        EXIT_USAGE, "no station"},
    {"--addr 224.0.0.1/24",                       EXIT_USAGE, "no station"},
    {"--addr 240.0.0.1/24",                       EXIT_USAGE, "no station"},
    {"--addr 255.255.255.255/32",                 EXIT_USAGE, "no station"},
    {"--addr 10.9.0.0/24",                        EXIT_USAGE, "network"},
    {"--addr 10.9.0.255/24",                      EXIT_USAGE, "broadcast"},
    {"--addr fe80::2/64",                         EXIT_FAILURE, "not built in yet"},
    {"--dev tap:t --addr fd00:9::2/64",           EXIT_FAILURE, "not built in yet"},
    {"--dev tun:t --addr ::1/64",                 EXIT_USAGE,   "no station"},
    {"--dev tun:t --addr ff02::1/64",             EXIT_USAGE,   "no station"},
    {"--dev tun:t --addr fd00::1/129",            EXIT_USAGE,   "not an address"},
    {"--dev tun:t --addr fd00::1/64 --mtu 1279",  EXIT_USAGE,   "1280"},
    {"--dev tun:t --addr fd00::1/64 --host-addr fd00::1/64", EXIT_USAGE, "the stack has this address"},
    {"--dev tun:t --mac 02:00:00:00:00:01",       EXIT_USAGE,   "no Ethernet"},
    {"--host-addr 10.9.0.1/33",                   EXIT_USAGE, "prefix"},
    {"--host-addr 10.9.0.255/24",                 EXIT_USAGE, "broadcast"},
    /* F12: group MAC */
    {"--mac 01:00:5e:00:00:01",                   EXIT_USAGE, "group"},
    {"--mac ff:ff:ff:ff:ff:ff",                   EXIT_USAGE, "group"},
    {"--mac 00:00:00:00:00:00",                   EXIT_USAGE, "no station"},
    {"--mac 02:00:5e:00:00",                      EXIT_USAGE, "not a MAC"},
    {"--mac 02-00-5e-00-00-01x",                  EXIT_USAGE, "not a MAC"},
    {"--mac 02:00:5e:00:00:01",                   0,          NULL},
    /* F12: gateway off-link */
    {"--gateway 10.9.0.1",                        0,          NULL},
    {"--gateway 10.9.1.1",                        EXIT_USAGE, "no station on the link"},
    {"--gateway 10.9.0.255",                      EXIT_USAGE, "no station on the link"},
    {"--gateway 10.9.0.0",                        EXIT_USAGE, "no station on the link"},
    {"--gateway 10.9.0.2",                        EXIT_USAGE, "our own"},
    {"--addr 10.9.1.2/24 --gateway 10.9.1.1",     0,          NULL},
    {"--gateway 10.9.1.1 --addr 10.9.1.2/24",     0,          NULL},
    {"--gateway fe80::1",                         EXIT_FAILURE, "not built in yet"},
    {"--gateway gateway",                         EXIT_USAGE, "not an address"},
    {"--dns nowhere",                             EXIT_USAGE, "not an address"},
    {"--dns 224.0.0.251",                         EXIT_USAGE, "no station"},
    {"--dns 9.9.9.9",                             0,          NULL},
    /* F12: duplicates */
    {"--addr 10.9.0.2/24 --addr 10.9.0.2/24",     EXIT_USAGE, "twice"},
    {"--addr 10.9.0.2/24 --addr 10.9.0.2/16",     EXIT_USAGE, "twice"},
    {"--addr 10.9.0.2/24 --addr 10.9.0.3/24",     0,          NULL},
    {"--addr 10.9.0.2/24 --host-addr 10.9.0.2/24",EXIT_USAGE, "needs another"},
    {"--addr 10.9.0.1/24 --host-addr 10.9.0.1/24",EXIT_USAGE, "needs another"},
    /* devices */
    {"--dev tap:x",                               0,          NULL},
    {"--dev tap:abcdefghijklmno",                 0,          NULL}, /* 15 */
    {"--dev tap:abcdefghijklmnop",                EXIT_USAGE, "1 to 15"},
    {"--dev tap:",                                EXIT_USAGE, "1 to 15"},
    {"--dev tap:a/b",                             EXIT_USAGE, "1 to 15"},
    {"--dev tap:.",                               EXIT_USAGE, "1 to 15"},
    {"--dev tap:tap%d",                           EXIT_USAGE, "1 to 15"},
    {"--dev tap0",                                EXIT_USAGE, "--dev tap:tap0"},
    {"--dev stream:/tmp/s",                       0,          NULL},
    {"--dev stream:",                             EXIT_USAGE, "1 to 107"},
    {"--dev stream:/tmp/s --host-addr 10.9.0.1/24", EXIT_USAGE, "a stream has no interface"},
    {"--dev stream:/tmp/s --dev tap:t --host-addr 10.9.0.1/24", 0, NULL}, /* the last one counts */
    {"--dev stream:/tmp/s --offload on",          EXIT_USAGE, "whole frames"},
    {"--dev stream:/tmp/s --offload off",         0,          NULL},
    {"--dev stream:/tmp/s --addr fd00:9::2/64",   EXIT_FAILURE, "not built in yet"},
    {"--dev pcap:eth0",                           EXIT_FAILURE, "not built in yet"},
    {"--queues 0",                                EXIT_USAGE, "1 to 256"},
    {"--queues 2",                                EXIT_FAILURE, "not built in yet"},
    {"--queues 257",                              EXIT_USAGE, "1 to 256"},
    {"--offload maybe",                           EXIT_USAGE, "on or off"},
    /* the rest */
    {"--impair loss=101%",                        EXIT_USAGE, "--impair"},
    {"--impair nonsense",                         EXIT_USAGE, "--impair"},
    {"--log tcp=loud",                            EXIT_USAGE, "--log"},
    {"--log nothing=debug",                       EXIT_USAGE, "--log"},
    {"--set tcp.msl",                             EXIT_USAGE, "KEY=VALUE"},
    {"--set tcp.msl=",                            EXIT_USAGE, "tcp.msl"},
    {"--set tcp.msl=0",                           EXIT_USAGE, "it goes from"},
    {"--set tcp.msl=1h1",                         EXIT_USAGE, "it goes from"},
    {"--set tcp.mls=30s",                         EXIT_USAGE, "did you mean tcp.msl"},
    {"--set nothing.like.it=1",                   EXIT_USAGE, "--set help"},
    {"--set =1",                                  EXIT_USAGE, "--set help"},
    {"--profile plan9",                           EXIT_USAGE, "freebsd"},
    {"--seed -1",                                 EXIT_USAGE, "--seed"},
    {"--seed 18446744073709551616",               EXIT_USAGE, "--seed"},
    {"--ready-fd x",                              EXIT_USAGE, "--ready-fd"},
    {"--ready-fd 4294967296",                     EXIT_USAGE, "--ready-fd"},
    {"--mtu",                                     EXIT_USAGE, "needs an argument"},
    {"--mut 1500",                                EXIT_USAGE, "did you mean --mtu"},
    {"--nothing-like-it",                         EXIT_USAGE, "'tapio test --help'"},
    {"--capture-raw=yes",                         EXIT_USAGE, "takes no argument"},
    {"-z",                                        EXIT_USAGE, "-z"},
    {"operand",                                   EXIT_USAGE, "unexpected"},
};
/* clang-format on */

START_TEST(each_line_gets_its_status_and_its_reason)
{
    int status = read_line(table[_i].line);

    ck_assert_msg(status == table[_i].status, "%s: %d, %s", table[_i].line, status, refusal.text);
    if (table[_i].says)
        ck_assert_msg(strstr(refusal.text, table[_i].says), "%s: %s", table[_i].line, refusal.text);
    ck_assert_ptr_null(strchr(refusal.text, '\n'));
    ck_assert_uint_lt(strlen(refusal.text), sizeof refusal.text - 1); /* not cut off */
    PROVES("F12");
}
END_TEST

START_TEST(repeated_options_have_a_cap)
{
    char line[4096] = "";

    for (int i = 0; i < STACK_ADDRS; i++)
        sprintf(line + strlen(line), "--addr 10.9.0.%d/24 ", i + 2);
    ck_assert_int_eq(read_line(line), 0);
    strcat(line, "--addr 10.9.0.99/24");
    ck_assert_int_eq(read_line(line), EXIT_USAGE);

    line[0] = '\0';
    for (int i = 0; i < OPTIONS_SETS; i++)
        strcat(line, "--set tcp.msl=30s ");
    ck_assert_int_eq(read_line(line), 0);
    strcat(line, "--set tcp.msl=30s");
    ck_assert_int_eq(read_line(line), EXIT_USAGE);

    line[0] = '\0';
    for (int i = 0; i < OPTIONS_IMPAIRS; i++)
        strcat(line, "--impair loss=1% ");
    ck_assert_int_eq(read_line(line), 0);
    strcat(line, "--impair loss=1%");
    ck_assert_int_eq(read_line(line), EXIT_USAGE);
    PROVES("F12");
}
END_TEST

START_TEST(a_very_long_word_is_refused_in_a_line_that_fits)
{
    char line[4000] = "--mtu ";

    memset(line + 6, '7', sizeof line - 7);
    line[sizeof line - 1] = '\0';
    ck_assert_int_eq(read_line(line), EXIT_USAGE);
    ck_assert_uint_lt(strlen(refusal.text), sizeof refusal.text);
}
END_TEST

/* --- numbers and words -------------------------------------------------------------------- */

/* clang-format off */
static const struct {
    const char *text;
    int64_t ns; /* -1: refused */
} seconds[] = {
    {"1", 1000000000}, {"0.2", 200000000}, {"2.5", 2500000000}, {"0", 0}, {".5", 500000000},
    {"1.", 1000000000}, {"0.000000001", 1}, {"0.0000000001", -1}, {"86400", 86400000000000},
    {"86400.000000001", -1}, {"86401", -1}, {"99999999999999999999", -1}, {"", -1}, {".", -1},
    {"1.2.3", -1}, {"-1", -1}, {"1s", -1}, {" 1", -1},
};
/* clang-format on */

START_TEST(seconds_are_read_exactly)
{
    int64_t ns = -2;
    bool taken = seconds_parse(seconds[_i].text, &ns);

    ck_assert_msg(taken == (seconds[_i].ns >= 0), "%s", seconds[_i].text);
    if (taken)
        ck_assert_msg(ns == seconds[_i].ns, "%s: %lld", seconds[_i].text, (long long)ns);
}
END_TEST

START_TEST(a_slip_of_the_finger_is_near)
{
    ck_assert_uint_eq(word_distance("serve", "serve"), 0);
    ck_assert_uint_eq(word_distance("sevre", "serve"), 1); /* swapped */
    ck_assert_uint_eq(word_distance("serv", "serve"), 1);
    ck_assert_uint_eq(word_distance("sserve", "serve"), 1);
    ck_assert_uint_eq(word_distance("", "serve"), 5);
    ck_assert_uint_eq(word_distance("serve", ""), 5);
    ck_assert_uint_eq(word_distance("abc", "xyz"), 3);
    ck_assert_uint_eq(word_distance("0123456789012345678901234567890123456789", "serve"), SIZE_MAX);
    ck_assert(word_is_near("sreve", "serve"));
    ck_assert(!word_is_near("lab", "ss"));
    ck_assert(!word_is_near("nonsense", "serve"));
}
END_TEST

START_TEST(refusals_stay_one_line_whatever_was_typed)
{
    char argument[] = "10.9.0.2\n/24\033[2J";
    char name[] = "test", option[] = "--addr";
    char *argv[] = {name, option, argument, NULL};
    int ends[2];
    char line[600] = "";

    ck_assert_int_eq(options_read(&o, &verb, &verb_number, 3, argv, &wish, &first, &refusal),
                     EXIT_USAGE);
    ck_assert_int_eq(pipe(ends), 0);
    int saved = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    ck_assert_int_eq(say_refusal(&refusal), EXIT_USAGE);
    dup2(saved, STDERR_FILENO);
    ck_assert_int_gt((int)read(ends[0], line, sizeof line - 1), 0);
    ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
    ck_assert_ptr_nonnull(strstr(line, "10.9.0.2\\x0a/24\\x1b[2J"));
    ck_assert_ptr_null(strchr(line, '\033'));
    close(saved);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("options");
    TCase *c = tcase_create("what is taken");
    tcase_add_checked_fixture(c, given_nothing, NULL);
    tcase_add_test(c, nothing_gives_the_defaults_of_the_contract);
    tcase_add_test(c, every_option_of_the_contract_is_taken);
    tcase_add_test(c, a_single_value_wins_over_a_profile_in_any_order);
    tcase_add_test(c, a_verb_has_options_and_operands_of_its_own);
    tcase_add_test(c, help_is_a_wish_and_nothing_behind_it_counts);
    suite_add_tcase(s, c);

    c = tcase_create("what is refused");
    tcase_add_loop_test(c, each_line_gets_its_status_and_its_reason, 0, ARRAY_LEN(table));
    tcase_add_test(c, repeated_options_have_a_cap);
    tcase_add_test(c, a_very_long_word_is_refused_in_a_line_that_fits);
    suite_add_tcase(s, c);

    c = tcase_create("numbers and words");
    tcase_add_loop_test(c, seconds_are_read_exactly, 0, ARRAY_LEN(seconds));
    tcase_add_test(c, a_slip_of_the_finger_is_near);
    tcase_add_test(c, refusals_stay_one_line_whatever_was_typed);
    suite_add_tcase(s, c);
    return run_suite(s, "options");
}
