/*
 * test_udp_wire.c - the UDP header: every length, every claim about it, and the two zeros.
 */
#include "udp/udp_wire.h"

#include "support/exact.h"
#include "support/holds.h"
#include "support/proves.h"

enum { WHOLE = 40 };

static const struct ip_addr them = {{[10] = 0xff, 0xff, 10, 0, 0, 1}};
static const struct ip_addr us = {{[10] = 0xff, 0xff, 10, 0, 0, 2}};
static const struct ip_addr them6 = {{0xfd, [15] = 1}}, us6 = {{0xfd, [15] = 2}};

static uint8_t octets[UDP_LENGTH_MAX];

static size_t datagram(uint16_t port, size_t data_len)
{
    struct writer w = writer_of(octets, sizeof octets);

    udp_emit(&w, &(struct udp_datagram){.src_port = 0x1234, .dst_port = port}, data_len);
    return UDP_HEADER + data_len;
}

START_TEST(a_datagram_is_read_field_by_field)
{
    static const uint8_t in[] = {0x12, 0x34, 0xff, 0xfe, 0, 11, 0xab, 0xcd, 'a', 'b', 'c'};
    struct udp_datagram d;
    uint8_t back[UDP_HEADER];

    ck_assert_int_eq(udp_parse(bytes_of(in, sizeof in), &d), DROP_NONE);
    ck_assert_uint_eq(d.src_port, 0x1234);
    ck_assert_uint_eq(d.dst_port, 0xfffe);
    ck_assert_uint_eq(d.checksum, 0xabcd);
    ck_assert(bytes_equal(d.data, bytes_of("abc", 3)));
    struct writer w = writer_of(back, sizeof back);
    udp_emit(&w, &d, d.data.len);
    ck_assert_uint_eq(w.left, 0);
    ck_assert_mem_eq(back, in, UDP_HEADER);
}
END_TEST

/* Every length that the packet may have against every one that the header may claim. */
START_TEST(the_length_is_within_the_packet_and_beyond_the_header)
{
    struct udp_datagram d;

    for (size_t len = 0; len <= WHOLE; len++) {
        for (size_t claim = 0; claim <= WHOLE + 2; claim++) {
            datagram(7, 0);
            put_be16(octets + 4, (uint16_t)claim);
            struct bytes in = exact_copy(octets, len);
            bool good = len >= UDP_HEADER && claim >= UDP_HEADER && claim <= len;
            enum drop drop = udp_parse(in, &d);
            HOLDS(drop == (good ? DROP_NONE : DROP_UDP_LENGTH));
            HOLDS(!good || d.data.len == claim - UDP_HEADER); /* what is behind it is cut off */
            HOLDS(!good || d.data.len == 0 || d.data.at == in.at + UDP_HEADER);
            exact_free(in);
        }
    }
    PROVES("RFC768-Fields-b", "U01");
}
END_TEST

START_TEST(nobody_is_at_port_zero)
{
    struct udp_datagram d;

    ck_assert_int_eq(udp_parse(bytes_of(octets, datagram(0, 3)), &d), DROP_UDP_PORT_ZERO);
    ck_assert_int_eq(udp_parse(bytes_of(octets, datagram(1, 3)), &d), DROP_NONE);
    octets[0] = octets[1] = 0; /* but a sender may be */
    ck_assert_int_eq(udp_parse(bytes_of(octets, UDP_HEADER + 3), &d), DROP_NONE);
}
END_TEST

/* By hand: 10.0.0.1 > 10.0.0.2, 0x1234 > 7, "abc": 0a00 + 0001 + 0a00 + 0002 + 0011 + 000b + 1234 +
 * 0007 + 000b + 6162 + 6300 = eac7; its complement is 1538. */
START_TEST(the_checksum_covers_addresses_header_and_an_odd_octet)
{
    size_t len = datagram(7, 3);

    memcpy(octets + UDP_HEADER, "abc", 3);
    octets[len] = 0x55; /* is no part of it */
    udp_fill_checksum(them, us, octets, len);
    ck_assert_int_eq(octets[6] << 8 | octets[7], 0x1538);
    for (size_t bit = 0; bit < len * 8; bit++) {
        octets[bit / 8] ^= (uint8_t)(1 << bit % 8);
        HOLDS(!udp_checksum_is_right(them, us, bytes_of(octets, len)));
        octets[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    ck_assert(!udp_checksum_is_right(them, them, bytes_of(octets, len)));
    ck_assert(udp_checksum_is_right(them, us, bytes_of(octets, len)));
    ck_assert(udp_checksum_is_right(them, us, bytes_of(octets, len + 1)));
}
END_TEST

/* 65536 datagrams, of which some sum is zero: it goes out as all ones, in either family. */
START_TEST(a_sum_of_zero_is_sent_as_all_ones)
{
    size_t len = datagram(7, 2);
    int zeros = 0;

    for (uint32_t data = 0; data <= UINT16_MAX; data++) {
        put_be16(octets + UDP_HEADER, (uint16_t)data);
        put_be16(octets + UDP_CSUM_OFFSET, 0);
        udp_fill_checksum(_i ? them6 : them, _i ? us6 : us, octets, len);
        HOLDS(octets[6] != 0 || octets[7] != 0);
        zeros += octets[6] == 0xff && octets[7] == 0xff;
        HOLDS(udp_checksum_is_right(_i ? them6 : them, _i ? us6 : us, bytes_of(octets, len)));
    }
    ck_assert_int_ge(zeros, 1);
    PROVES("RFC768-Fields-a", "RFC8200-8.1-a");
}
END_TEST

START_TEST(the_largest_datagram_is_summed)
{
    size_t len = datagram(7, UDP_LENGTH_MAX - UDP_HEADER);

    memset(octets + UDP_HEADER, 0xff, len - UDP_HEADER);
    udp_fill_checksum(them6, us6, octets, len);
    ck_assert(udp_checksum_is_right(them6, us6, bytes_of(octets, len)));
    octets[len - 1]--;
    ck_assert(!udp_checksum_is_right(them6, us6, bytes_of(octets, len)));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("udp_wire");

    TCase *c = tcase_create("RFC 768");
    tcase_add_test(c, a_datagram_is_read_field_by_field);
    tcase_add_test(c, the_length_is_within_the_packet_and_beyond_the_header);
    tcase_add_test(c, nobody_is_at_port_zero);
    tcase_add_test(c, the_checksum_covers_addresses_header_and_an_odd_octet);
    tcase_add_loop_test(c, a_sum_of_zero_is_sent_as_all_ones, 0, 2);
    tcase_add_test(c, the_largest_datagram_is_summed);
    suite_add_tcase(s, c);

    return run_suite(s, "udp_wire");
}
