/*
 * test_drill_wire.c - packets of scripts: what is built can be read again, and shown as it was
 * written.
 */
#include <string.h>

#include "sim/drill_wire.h"
#include "support/exact.h"
#include "support/proves.h"
#include "tcp/tcp_wire.h"

static uint8_t octets[DRILL_PACKET_MAX];
static struct drill_seen seen;
static char shown[400];

static struct drill_envelope from_the_peer(const char *src, const char *dst)
{
    struct drill_envelope env = {.tos = 0x2e, .ttl = 255};

    ck_assert_int_eq(ip_addr_parse(src, &env.src.addr), 0);
    ck_assert_int_eq(ip_addr_parse(dst, &env.dst.addr), 0);
    env.src.port = 41000;
    env.dst.port = 8080;
    return env;
}

static const struct {
    const char *src, *dst;
} families[] = {{"192.0.2.1", "192.168.0.1"}, {"2001:db8::1", "fd3d:fa7b:d17d::1"}};

/* Every option that scripts can write. */
static struct drill_tcp_option options[] = {
    {.kind = DRILL_OPT_MSS, .value = 1460},
    {.kind = DRILL_OPT_SACKOK},
    {.kind = DRILL_OPT_TS, .value = 7, .ecr = 9},
    {.kind = DRILL_OPT_NOP},
    {.kind = DRILL_OPT_WSCALE, .value = 8},
    {.kind = DRILL_OPT_SACK, .blocks = 1, .block = {{1001, 2001}}},
    {.kind = DRILL_OPT_UNKNOWN, .value = 99, .octet_count = 2, .octets = {0xab, 0xcd}},
    {.kind = DRILL_OPT_EOL},
    {.kind = DRILL_OPT_EOL},
};

static const struct drill_tcp segment = {
    .flags = DRILL_SYN | DRILL_PSH | DRILL_ACK,
    .has_win = true,
    .seq = UINT32_MAX - 3,
    .len = 10,
    .ack = 77,
    .win = 500,
    .urg = 3,
    .list = DRILL_OPTIONS_LIST,
    .options = options,
    .option_count = ARRAY_LEN(options), /* 36 octets */
};

START_TEST(what_is_built_can_be_read_again)
{
    struct drill_envelope env = from_the_peer(families[_i].src, families[_i].dst);
    size_t len = drill_build_tcp(&env, &segment, octets, sizeof(octets));
    struct bytes packet = exact_copy(octets, len);
    struct text text = text_of(shown, sizeof(shown));

    ck_assert_uint_gt(len, 0);
    drill_read_packet(packet, &seen);
    ck_assert_msg(!seen.broken, "%s", seen.broken);
    ck_assert(endpoint_equal(seen.src, env.src));
    ck_assert(endpoint_equal(seen.dst, env.dst));
    ck_assert_uint_eq(seen.tos, 0x2e);
    ck_assert_uint_eq(seen.ttl, 255);
    drill_show_tcp(&text, &seen.tcp, true);
    ck_assert_str_eq(shown,
                     "SP. 4294967292:4294967302(10) ack 77 win 500 urg 3 <mss 1460,sackOK,TS "
                     "val 7 ecr 9,nop,wscale 8,sack 1001:2001,kind 99 abcd,eol,eol>");
    exact_free(packet);
}
END_TEST

START_TEST(a_packet_that_is_cut_anywhere_is_broken_and_nothing_is_read_beyond_it)
{
    struct drill_envelope env = from_the_peer(families[_i].src, families[_i].dst);
    size_t len = drill_build_tcp(&env, &segment, octets, sizeof(octets));

    for (size_t cut = 0; cut < len; cut++) {
        struct bytes packet = exact_copy(octets, cut);
        drill_read_packet(packet, &seen);
        ck_assert_ptr_nonnull(seen.broken);
        drill_read_headers(packet, &seen);
        exact_free(packet);
    }
}
END_TEST

START_TEST(each_octet_of_a_packet_is_under_a_checksum_or_compared)
{
    struct drill_envelope env = from_the_peer(families[_i].src, families[_i].dst);
    size_t len = drill_build_tcp(&env, &segment, octets, sizeof(octets));
    size_t tcp = ip_is_v4(env.dst.addr) ? 20 : 40;

    for (size_t at = tcp; at < len; at++) {
        octets[at] ^= 0x40;
        drill_read_packet(bytes_of(octets, len), &seen);
        ck_assert_msg(seen.broken != NULL, "octet %zu", at);
        octets[at] ^= 0x40;
    }
}
END_TEST

/* The stack's parser and ours were written apart: they must agree. */
START_TEST(the_stack_reads_what_is_built)
{
    struct drill_envelope env = from_the_peer(families[_i].src, families[_i].dst);
    size_t len = drill_build_tcp(&env, &segment, octets, sizeof(octets));
    size_t ip = ip_is_v4(env.dst.addr) ? 20 : 40;
    struct tcp_segment read;

    ck_assert(tcp_checksum_is_right(env.src.addr, env.dst.addr, bytes_of(octets + ip, len - ip)));
    ck_assert_int_eq(tcp_parse(bytes_of(octets + ip, len - ip), &read), DROP_NONE);
    ck_assert_uint_eq(read.seq.value, segment.seq);
    ck_assert_uint_eq(read.ack.value, segment.ack);
    ck_assert_uint_eq(read.options.mss, 1460);
    ck_assert_uint_eq(read.options.window_scale, 8);
    ck_assert_uint_eq(read.text.len, 10);
}
END_TEST

START_TEST(a_packet_that_does_not_fit_is_not_built)
{
    struct drill_envelope env = from_the_peer(families[_i].src, families[_i].dst);
    struct drill_quoted quote = {.kind = DRILL_QUOTE_TCP};
    size_t len = drill_build_tcp(&env, &segment, octets, sizeof(octets));

    ck_assert_uint_eq(drill_build_tcp(&env, &segment, octets, len - 1), 0);
    ck_assert_uint_eq(drill_build_tcp(&env, &segment, octets, len), len);
    ck_assert_uint_eq(drill_build_icmp(&env, 3, 3, 0, &quote, octets, 30), 0);
    ck_assert_uint_eq(drill_build_udp(&env, 100, octets, 100), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("drill_wire");
    TCase *c = tcase_create("packets");

    tcase_add_loop_test(c, what_is_built_can_be_read_again, 0, ARRAY_LEN(families));
    tcase_add_loop_test(c, a_packet_that_is_cut_anywhere_is_broken_and_nothing_is_read_beyond_it, 0,
                        ARRAY_LEN(families));
    tcase_add_loop_test(c, each_octet_of_a_packet_is_under_a_checksum_or_compared, 0,
                        ARRAY_LEN(families));
    tcase_add_loop_test(c, the_stack_reads_what_is_built, 0, ARRAY_LEN(families));
    tcase_add_loop_test(c, a_packet_that_does_not_fit_is_not_built, 0, ARRAY_LEN(families));
    suite_add_tcase(s, c);
    return run_suite(s, "drill_wire");
}
