/*
 * test_icmp6.c - ICMPv6: messages of every length, what is answered, and what is kept silent about.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/instant.h"
#include "ip/icmp6.h"
#include "support/exact.h"
#include "support/ip_hosts.h"
#include "support/proves.h"
#include "udp/udp_wire.h"

enum { ROOM = 2048, UDP_ECHO = 7, NEXT_UNKNOWN = 200 };

static struct ip_addr them, us;
static uint8_t octets[ROOM];

static void given_addresses(void)
{
    them = host_addr("2001:db8::9");
    us = host_addr("2001:db8::1"); /* host 1 */
    given_two_hosts();
}

/* A packet from `src` to `dst` with these octets behind its header. */
static size_t packet(struct ip_addr src, struct ip_addr dst, uint8_t next, const void *data,
                     size_t len)
{
    struct writer w = writer_of(octets, ROOM);
    struct ipv6_header ip = {
        .src = src, .dst = dst, .next_header = next, .hop_limit = 1, .traffic_class = 0xff};

    ipv6_emit(&w, &ip, len);
    write_bytes(&w, data, len);
    ck_assert(!w.overrun);
    return IPV6_HEADER + len;
}

static size_t message(struct ip_addr src, struct ip_addr dst, uint8_t type, uint8_t code,
                      uint32_t rest, struct bytes body)
{
    static uint8_t whole[ROOM];
    struct writer w = writer_of(whole, sizeof whole);
    struct icmp_header h = {.type = type, .code = code, .rest = rest};

    icmp6_emit(&w, src, dst, &h, body);
    return packet(src, dst, IP_PROTOCOL_ICMP6, whole, ICMP_HEADER + body.len);
}

struct answer {
    struct ipv6_header ip;
    struct icmp_header h;
    struct bytes body;
    size_t len;
};

/* The only packet that host 1 has to send is a message of ICMPv6, and right in every sum. */
static struct answer answer_of_host(void)
{
    struct answer a;
    struct bytes payload;

    ck_assert_int_eq(host_output(1), 1);
    const struct host_packet *p = &hosts[1].out.packet[0];
    ck_assert_int_eq(ipv6_parse(bytes_of(p->octets, p->len), &a.ip, &payload), DROP_NONE);
    ck_assert_uint_eq(a.ip.next_header, IP_PROTOCOL_ICMP6);
    ck_assert_uint_gt(a.ip.hop_limit, 0);
    ck_assert_int_eq(icmp6_parse(a.ip.src, a.ip.dst, payload, &a.h, &a.body), DROP_NONE);
    a.len = p->len;
    host_lose(1);
    return a;
}

/* --- wire --------------------------------------------------------------------------------- */

START_TEST(a_message_cut_anywhere_is_refused)
{
    size_t whole = message(them, us, ICMP6_ECHO, 0, 0x12340007, bytes_of("data", 4));

    for (size_t len = 0; len <= whole - IPV6_HEADER; len++) {
        struct bytes in = exact_copy(octets + IPV6_HEADER, len), body;
        struct icmp_header h;
        bool good = len == whole - IPV6_HEADER;
        ck_assert_int_eq(icmp6_parse(them, us, in, &h, &body), good ? DROP_NONE : DROP_ICMP6_BAD);
        if (good) {
            ck_assert_uint_eq(h.type, ICMP6_ECHO);
            ck_assert_uint_eq(h.rest, 0x12340007);
            ck_assert_uint_eq(body.len, 4);
        }
        exact_free(in);
    }
}
END_TEST

START_TEST(each_bit_counts_and_so_do_the_addresses)
{
    size_t len = message(them, us, ICMP6_ECHO, 0, 0x12340007, bytes_of("data", 4)) - IPV6_HEADER;
    struct icmp_header h;
    struct bytes body, in = bytes_of(octets + IPV6_HEADER, len);

    for (size_t bit = 0; bit < len * 8; bit++) {
        octets[IPV6_HEADER + bit / 8] ^= (uint8_t)(1 << bit % 8);
        ck_assert_int_eq(icmp6_parse(them, us, in, &h, &body), DROP_ICMP6_BAD);
        octets[IPV6_HEADER + bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (int bit = 0; bit < 128; bit++) {
        struct ip_addr dst = us, src = them;
        dst.octet[bit / 8] ^= (uint8_t)(1 << bit % 8);
        src.octet[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ck_assert_int_eq(icmp6_parse(them, dst, in, &h, &body), DROP_ICMP6_BAD);
        ck_assert_int_eq(icmp6_parse(src, us, in, &h, &body), DROP_ICMP6_BAD);
    }
    ck_assert_int_eq(icmp6_parse(them, us, in, &h, &body), DROP_NONE);
    PROVES("RFC4443-2.3-a");
}
END_TEST

START_TEST(a_quote_cut_anywhere_or_of_what_we_never_send_is_refused)
{
    size_t whole = packet(us, them, IP_PROTOCOL_TCP, "0123456789", 10);

    for (size_t len = 0; len <= whole; len++) {
        struct bytes in = exact_copy(octets, len), first8;
        struct ipv6_header inner;
        size_t packet_len;
        bool good = len >= IPV6_HEADER + 8;
        ck_assert_int_eq(icmp6_quote_parse(in, &inner, &packet_len, &first8),
                         good ? DROP_NONE : DROP_ICMP_QUOTE);
        if (good) {
            ck_assert_uint_eq(packet_len, whole);
            ck_assert(bytes_equal(first8, bytes_of("01234567", 8)));
        }
        exact_free(in);
    }
    for (int next = 0; next < 256; next++) {
        struct bytes first8;
        struct ipv6_header inner;
        size_t packet_len;
        octets[IPV6_NEXT_HEADER_OFFSET] = (uint8_t)next;
        ck_assert_int_eq(icmp6_quote_parse(bytes_of(octets, whole), &inner, &packet_len, &first8),
                         ipv6_is_extension((uint8_t)next) ? DROP_ICMP_QUOTE : DROP_NONE);
    }
    PROVES("I04");
}
END_TEST

/* --- echo --------------------------------------------------------------------------------- */

START_TEST(an_echo_comes_back_with_all_that_it_brought)
{
    static const size_t sizes[] = {0, 1, 7, 1232, 1452};
    static uint8_t data[1452];

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7);
    host_input(1, octets, message(them, us, ICMP6_ECHO, 0, 0x43210008, bytes_of(data, sizes[_i])));
    struct answer a = answer_of_host();
    ck_assert_uint_eq(a.h.type, ICMP6_ECHO_REPLY);
    ck_assert_uint_eq(a.h.code, 0);
    ck_assert_uint_eq(a.h.rest, 0x43210008);
    ck_assert(bytes_equal(a.body, bytes_of(data, sizes[_i])));
    ck_assert(ip_equal(a.ip.src, us) && ip_equal(a.ip.dst, them));
    ck_assert_uint_eq(a.ip.traffic_class, 0xfc); /* without ECN */
    PROVES("RFC4443-4.1-a", "RFC4443-2.2-a", "RFC8200-8.1-a");
}
END_TEST

START_TEST(an_echo_to_all_nodes_is_answered_from_an_address_of_our_own)
{
    host_input(
        1, octets,
        message(host_addr("fe80::9"), host_addr("ff02::1"), ICMP6_ECHO, 0, 1, bytes_of("x", 1)));
    struct answer a = answer_of_host();
    ck_assert(ip_equal(a.ip.src, host_addr("fe80::1")));
    ck_assert(ip_equal(a.ip.dst, host_addr("fe80::9")));
    host_input(1, octets, message(them, host_addr("ff02::1"), ICMP6_ECHO, 0, 1, bytes_of("x", 1)));
    a = answer_of_host();
    ck_assert(ip_equal(a.ip.src, us));
    PROVES("RFC4443-2.2-a", "RFC6724-5-2");
}
END_TEST

START_TEST(an_echo_that_has_used_up_its_hops_is_answered)
{
    size_t len = message(them, us, ICMP6_ECHO, 0, 1, bytes_of("x", 1));

    octets[7] = 0;
    host_input(1, octets, len);
    answer_of_host();
    PROVES("RFC8200-3-b");
}
END_TEST

/* --- what we refuse ----------------------------------------------------------------------- */

START_TEST(a_datagram_to_nobody_is_answered_with_port_unreachable)
{
    static uint8_t datagram[1400] = {0x30, 0x39, 0, UDP_ECHO, 0x05, 0x78};

    udp_fill_checksum(them, us, datagram, sizeof datagram);
    host_input(1, octets, packet(them, us, IP_PROTOCOL_UDP, datagram, sizeof datagram));
    struct answer a = answer_of_host();
    ck_assert_uint_eq(a.h.type, ICMP6_UNREACHABLE);
    ck_assert_uint_eq(a.h.code, ICMP6_UNREACHABLE_PORT);
    ck_assert_uint_eq(a.len, 1280); /* as much of it as fits */
    ck_assert_mem_eq(a.body.at, octets, a.body.len);
    ck_assert_uint_eq(host_drops(1, DROP_UDP_CLOSED), 1);
    PROVES("RFC4443-3.1-a", "RFC4443-2.4-c");
}
END_TEST

START_TEST(an_unknown_next_header_is_answered_with_where_it_stands)
{
    host_input(1, octets, packet(them, us, NEXT_UNKNOWN, "what", 4));
    struct answer a = answer_of_host();
    ck_assert_uint_eq(a.h.type, ICMP6_PARAMETER_PROBLEM);
    ck_assert_uint_eq(a.h.code, ICMP6_UNKNOWN_NEXT_HEADER);
    ck_assert_uint_eq(a.h.rest, IPV6_NEXT_HEADER_OFFSET);
    ck_assert_mem_eq(a.body.at, octets, IPV6_HEADER + 4);
    ck_assert_uint_eq(a.body.len, IPV6_HEADER + 4);
}
END_TEST

START_TEST(errors_are_rate_limited_and_echo_is_not)
{
    struct stack_counters c;
    int errors = 0;

    for (int i = 0; i < 1000; i++) {
        host_input(1, octets, packet(them, us, NEXT_UNKNOWN, "what", 4));
        errors += host_output(1);
        host_lose(1);
    }
    ck_assert_int_ge(errors, 1);
    ck_assert_int_le(errors, 20); /* icmp.peer_burst */
    stack_counters(hosts[1].stack, &c);
    ck_assert_uint_eq(c.events[COUNTER_ICMP_LIMITED], 1000u - (unsigned)errors);
    host_input(1, octets, message(them, us, ICMP6_ECHO, 0, 1, bytes_of("x", 1)));
    answer_of_host();
    PROVES("RFC4443-2.4-f");
}
END_TEST

START_TEST(no_error_answers_an_error_a_redirect_or_a_shout)
{
    struct bytes body = bytes_of("not a quote", 11);

    for (int type = 0; type < 256; type++) {
        if (type == ICMP6_ECHO)
            continue;
        host_input(1, octets, message(them, us, (uint8_t)type, 0, 0, body));
    }
    host_input(1, octets, packet(them, host_addr("ff02::1"), IP_PROTOCOL_UDP, "12345678", 8));
    host_input(1, octets, packet(them, host_addr("ff02::1"), NEXT_UNKNOWN, "12345678", 8));
    host_input(1, octets, packet(host_addr("ff02::9"), us, NEXT_UNKNOWN, "12345678", 8));
    host_input(1, octets, packet(host_addr("::"), us, NEXT_UNKNOWN, "12345678", 8));
    ck_assert_int_eq(host_output(1), 0);
    PROVES("RFC4443-2.4-e", "RFC4861-6.2.4-a", "RFC4291-2.7-a");
}
END_TEST

/* --- by type ------------------------------------------------------------------------------ */

START_TEST(each_type_is_an_echo_an_error_or_named_when_it_is_dropped)
{
    struct icmp_header h = {.type = (uint8_t)_i};
    enum icmp_kind kind = ICMP_KIND_ECHO;
    enum drop drop = icmp6_classify(&h, false, &kind);
    bool ignored = (_i >= 130 && _i <= 137) || _i == 143;

    if (_i < 128) {
        ck_assert(!drop && kind == ICMP_KIND_ERROR);
    } else if (_i == ICMP6_ECHO || _i == ICMP6_ECHO_REPLY) {
        ck_assert(!drop && kind == (_i == ICMP6_ECHO ? ICMP_KIND_ECHO : ICMP_KIND_ECHO_REPLY));
    } else {
        ck_assert_int_eq(drop, ignored ? DROP_ICMP6_IGNORED : DROP_ICMP6_BAD);
    }
    if (_i != ICMP6_ECHO)
        ck_assert(icmp6_classify(&h, true, &kind) != DROP_NONE);
    PROVES("RFC4443-2.4-a");
}
END_TEST

START_TEST(an_answer_to_an_echo_that_nobody_sent_is_dropped)
{
    host_input(1, octets, message(them, us, ICMP6_ECHO_REPLY, 0, 1, bytes_of("x", 1)));
    ck_assert_uint_eq(host_drops(1, DROP_ICMP_NO_PING), 1);
    ck_assert_int_eq(host_output(1), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("icmp6");
    TCase *c = tcase_create("RFC 4443");

    tcase_add_checked_fixture(c, given_addresses, hosts_gone);
    tcase_add_test(c, a_message_cut_anywhere_is_refused);
    tcase_add_test(c, each_bit_counts_and_so_do_the_addresses);
    tcase_add_test(c, a_quote_cut_anywhere_or_of_what_we_never_send_is_refused);
    tcase_add_loop_test(c, an_echo_comes_back_with_all_that_it_brought, 0, 5);
    tcase_add_test(c, an_echo_to_all_nodes_is_answered_from_an_address_of_our_own);
    tcase_add_test(c, an_echo_that_has_used_up_its_hops_is_answered);
    tcase_add_test(c, a_datagram_to_nobody_is_answered_with_port_unreachable);
    tcase_add_test(c, an_unknown_next_header_is_answered_with_where_it_stands);
    tcase_add_test(c, errors_are_rate_limited_and_echo_is_not);
    tcase_add_test(c, no_error_answers_an_error_a_redirect_or_a_shout);
    tcase_add_loop_test(c, each_type_is_an_echo_an_error_or_named_when_it_is_dropped, 0, 256);
    tcase_add_test(c, an_answer_to_an_echo_that_nobody_sent_is_dropped);
    suite_add_tcase(s, c);
    return run_suite(s, "icmp6");
}
