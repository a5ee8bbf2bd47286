/*
 * test_ipv6.c - the IPv6 header: every length, every way in which it can lie, and whom we hear.
 */
#include <stdlib.h>

#include "base/base.h"
#include "base/prng.h"
#include "ip/ipv6.h"
#include "support/exact.h"
#include "support/ip_hosts.h"
#include "support/proves.h"

enum { LEN_AT = 4, NEXT_AT = 6, HOP_AT = 7, SRC_AT = 8, DST_AT = 24 };

static struct ip_addr ip(const char *text)
{
    struct ip_addr out;

    ck_assert_int_eq(ip_addr_parse(text, &out), 0);
    return out;
}

/* Version 6, traffic class 0xab, flow label 0xcdef1, 5 octets of TCP from 2001:db8::2 to ::1. */
static size_t a_packet(uint8_t out[64])
{
    static const uint8_t head[] = {0x6a, 0xbc, 0xde, 0xf1, 0, 5, 6, 64};
    struct ip_addr src = ip("2001:db8::2"), dst = ip("2001:db8::1");

    memcpy(out, head, sizeof head);
    memcpy(out + SRC_AT, src.octet, 16);
    memcpy(out + DST_AT, dst.octet, 16);
    memcpy(out + 40, "abcde", 5);
    return 45;
}

/* --- wire --------------------------------------------------------------------------------- */

START_TEST(a_header_is_read_as_it_is_drawn)
{
    uint8_t octets[64];
    struct ipv6_header h;
    struct bytes payload, in;

    a_packet(octets);
    in = exact_copy(octets, 45);
    ck_assert_int_eq(ipv6_parse(in, &h, &payload), DROP_NONE);
    ck_assert_uint_eq(h.traffic_class, 0xab);
    ck_assert_uint_eq(h.flow_label, 0xcdef1);
    ck_assert_uint_eq(h.next_header, 6);
    ck_assert_uint_eq(h.hop_limit, 64);
    ck_assert(ip_equal(h.src, ip("2001:db8::2")) && ip_equal(h.dst, ip("2001:db8::1")));
    ck_assert_uint_eq(payload.len, 5);
    ck_assert_mem_eq(payload.at, "abcde", 5);
    exact_free(in);
    PROVES("RFC8200-3-a");
}
END_TEST

START_TEST(a_packet_cut_anywhere_is_refused_and_padding_is_cut_off)
{
    uint8_t octets[64] = {0};
    size_t whole = a_packet(octets);

    for (size_t len = 0; len <= sizeof octets; len++) {
        struct bytes payload, in = exact_copy(octets, len);
        struct ipv6_header h;
        enum drop drop = ipv6_parse(in, &h, &payload);
        ck_assert_int_eq(drop, len < whole ? DROP_IP6_HEADER : DROP_NONE);
        if (!drop)
            ck_assert_uint_eq(payload.len, 5);
        exact_free(in);
    }
    PROVES("RFC8200-3-a", "P20");
}
END_TEST

START_TEST(a_quoted_header_is_read_whatever_follows)
{
    uint8_t octets[64] = {0};
    size_t payload_len;

    a_packet(octets);
    for (size_t len = 0; len <= 45; len++) {
        struct bytes in = exact_copy(octets, len);
        struct reader r = reader_of(in);
        struct ipv6_header h;
        ck_assert_int_eq(ipv6_read_header(&r, &h, &payload_len), len >= IPV6_HEADER);
        if (len >= IPV6_HEADER)
            ck_assert_uint_eq(payload_len, 5);
        exact_free(in);
    }
}
END_TEST

START_TEST(every_version_but_6_is_refused)
{
    uint8_t octets[64];
    struct ipv6_header h;
    struct bytes payload;
    size_t len = a_packet(octets);

    octets[0] = (uint8_t)(_i << 4 | 0x0a);
    ck_assert_int_eq(ipv6_parse(bytes_of(octets, len), &h, &payload),
                     _i == 6 ? DROP_NONE : DROP_IP6_HEADER);
    PROVES("RFC8200-3-a", "P20");
}
END_TEST

START_TEST(a_payload_length_beyond_the_frame_is_refused)
{
    static const struct {
        uint16_t len;
        enum drop drop;
    } rows[] = {{0, DROP_NONE},
                {4, DROP_NONE},
                {5, DROP_NONE},
                {6, DROP_IP6_HEADER},
                {0xffff, DROP_IP6_HEADER}};
    uint8_t octets[64];
    size_t len = a_packet(octets);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ipv6_header h;
        struct bytes payload;
        put_be16(octets + LEN_AT, rows[i].len);
        ck_assert_int_eq(ipv6_parse(bytes_of(octets, len), &h, &payload), rows[i].drop);
        if (!rows[i].drop)
            ck_assert_uint_eq(payload.len, rows[i].len);
    }
    PROVES("RFC8200-3-a", "P20");
}
END_TEST

START_TEST(each_next_header_is_a_transport_or_an_extension)
{
    static const uint8_t extensions[] = {0, 43, 44, 50, 51, 59, 60, 135, 139, 140};
    uint8_t octets[64];
    size_t len = a_packet(octets);
    struct ipv6_header h;
    struct bytes payload;
    bool extension = false;

    for (size_t i = 0; i < sizeof extensions; i++)
        extension |= extensions[i] == _i;
    octets[NEXT_AT] = (uint8_t)_i;
    ck_assert_int_eq(ipv6_parse(bytes_of(octets, len), &h, &payload),
                     extension ? DROP_IP6_EXTENSION : DROP_NONE);
    ck_assert_int_eq(ipv6_is_extension((uint8_t)_i), extension);
}
END_TEST

START_TEST(emit_is_the_mirror_of_parse)
{
    struct prng prng;

    prng_seed(&prng, 6);
    for (int i = 0; i < 2000; i++) {
        uint64_t random = prng_next(&prng);
        struct ipv6_header h = {.next_header = 6,
                                .hop_limit = (uint8_t)(1 + random % 255),
                                .traffic_class = (uint8_t)(random >> 8),
                                .flow_label = random >> 16 & 0xfffff};
        struct ipv6_header again;
        size_t len = random >> 40 & 0xff;
        uint8_t octets[IPV6_HEADER + 256] = {0};
        struct writer w = writer_of(octets, IPV6_HEADER);
        struct bytes payload;
        for (int k = 0; k < 16; k++) {
            h.src.octet[k] = (uint8_t)prng_next(&prng);
            h.dst.octet[k] = (uint8_t)prng_next(&prng);
        }
        ipv6_emit(&w, &h, len);
        ck_assert_uint_eq(w.left, 0);
        struct bytes in = exact_copy(octets, IPV6_HEADER + len);
        ck_assert_int_eq(ipv6_parse(in, &again, &payload), DROP_NONE);
        ck_assert(ip_equal(h.src, again.src) && ip_equal(h.dst, again.dst));
        ck_assert_uint_eq(again.hop_limit, h.hop_limit);
        ck_assert_uint_eq(again.traffic_class, h.traffic_class);
        ck_assert_uint_eq(again.flow_label, h.flow_label);
        ck_assert_uint_eq(payload.len, len);
        exact_free(in);
    }
    PROVES("RFC8200-3-b");
}
END_TEST

/* --- accept ------------------------------------------------------------------------------- */

static const struct {
    const char *src, *dst;
    enum drop drop;
    bool group;
} packets[] = {
    {"2001:db8::9", "2001:db8::1", DROP_NONE, false},
    {"fe80::9", "fe80::1", DROP_NONE, false},
    {"fe80::9", "2001:db8::1", DROP_NONE, false},
    {"2001:db8::9", "ff02::1", DROP_NONE, true},
    {"2001:db8::9", "ff01::1", DROP_NONE, true},
    {"2001:db8::9", "2001:db8::2", DROP_IP6_NOT_OURS, false},
    {"2001:db8::9", "ff02::2", DROP_IP6_NOT_OURS, false},
    {"2001:db8::9", "ff05::1", DROP_IP6_NOT_OURS, false},
    {"2001:db8::9", "::", DROP_IP6_NOT_OURS, false},
    /* a source that cannot be */
    {"::", "2001:db8::1", DROP_IP6_MARTIAN, false},
    {"::", "ff02::1", DROP_IP6_MARTIAN, false},
    {"::1", "2001:db8::1", DROP_IP6_MARTIAN, false},
    {"ff02::5", "2001:db8::1", DROP_IP6_MARTIAN, false},
    {"ff0e::1", "2001:db8::1", DROP_IP6_MARTIAN, false},
    {"2001:db8::1", "2001:db8::1", DROP_IP6_MARTIAN, false},
    {"fe80::1", "2001:db8::1", DROP_IP6_MARTIAN, false},
    /* IPv4 in disguise: to our own IPv4 address, or from some */
    {"::ffff:10.9.0.1", "2001:db8::1", DROP_IP6_MARTIAN, false},
    {"2001:db8::9", "::ffff:10.9.0.2", DROP_IP6_MARTIAN, false},
    {"2001:db8::9", "::1", DROP_IP6_MARTIAN, false},
};

START_TEST(a_host_hears_what_is_for_it_from_whom_can_be)
{
    static const char *const texts[] = {"10.9.0.2/24", "2001:db8::1/64", "fe80::1/64"};
    struct ip_prefix addrs[ARRAY_LEN(texts)];
    struct ip_config config = {.addrs = addrs, .addr_count = ARRAY_LEN(texts)};
    struct ipv6_header h = {.src = ip(packets[_i].src), .dst = ip(packets[_i].dst)};
    bool group = false;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        ck_assert_int_eq(ip_prefix_parse(texts[i], &addrs[i]), 0);
    ck_assert_int_eq(ipv6_accept(&config, &h, &group), packets[_i].drop);
    if (!packets[_i].drop)
        ck_assert_int_eq(group, packets[_i].group);
    PROVES("RFC8200-3-c", "RFC4291-2.5.3-a", "RFC4291-2.7-a", "RFC9293-MUST-63", "P21");
}
END_TEST

/* --- the stack ---------------------------------------------------------------------------- */

START_TEST(nothing_is_answered_that_is_not_for_us)
{
    uint8_t octets[64];
    size_t len = a_packet(octets);
    struct ip_addr other = ip("2001:db8::7"), martian = ip("::ffff:192.0.2.1");

    memcpy(octets + DST_AT, other.octet, 16);
    host_input(1, octets, len);
    ck_assert_uint_eq(host_drops(1, DROP_IP6_NOT_OURS), 1);
    memcpy(octets + DST_AT, martian.octet, 16);
    host_input(1, octets, len);
    ck_assert_uint_eq(host_drops(1, DROP_IP6_MARTIAN), 1);
    for (int next = 0; next < 256; next++) { /* extension headers, and none at all */
        if (!ipv6_is_extension((uint8_t)next))
            continue;
        a_packet(octets);
        octets[NEXT_AT] = (uint8_t)next;
        host_input(1, octets, len);
    }
    ck_assert_uint_eq(host_drops(1, DROP_IP6_EXTENSION), 10);
    ck_assert_int_eq(host_output(1), 0);
    PROVES("RFC8200-3-c", "RFC8200-4.7-a", "P21");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ipv6");

    TCase *wire = tcase_create("RFC 8200, 3: the header");
    tcase_add_test(wire, a_header_is_read_as_it_is_drawn);
    tcase_add_test(wire, a_packet_cut_anywhere_is_refused_and_padding_is_cut_off);
    tcase_add_test(wire, a_quoted_header_is_read_whatever_follows);
    tcase_add_loop_test(wire, every_version_but_6_is_refused, 0, 16);
    tcase_add_test(wire, a_payload_length_beyond_the_frame_is_refused);
    tcase_add_loop_test(wire, each_next_header_is_a_transport_or_an_extension, 0, 256);
    tcase_add_test(wire, emit_is_the_mirror_of_parse);
    suite_add_tcase(s, wire);

    TCase *accept = tcase_create("RFC 4291, 2.5 to 2.8: whom we hear");
    tcase_add_loop_test(accept, a_host_hears_what_is_for_it_from_whom_can_be, 0,
                        (int)ARRAY_LEN(packets));
    suite_add_tcase(s, accept);

    TCase *stack = tcase_create("the stack");
    tcase_add_checked_fixture(stack, given_two_hosts, hosts_gone);
    tcase_add_test(stack, nothing_is_answered_that_is_not_for_us);
    suite_add_tcase(s, stack);
    return run_suite(s, "ipv6");
}
