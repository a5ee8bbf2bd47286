/*
 * test_eth.c - Ethernet II: what is read, what is refused, where groups go.
 */
#include "eth/eth_wire.h"
#include "support/exact.h"
#include "support/proves.h"

static const struct mac_addr ours = {{0x02, 0, 0x5e, 0x10, 0, 1}};
static const struct mac_addr peer = {{0x02, 0, 0x5e, 0x10, 0, 2}};

enum { MTU = 1500 };

static const uint8_t ipv4_frame[] = {
    0x02, 0x00, 0x5e, 0x10, 0x00, 0x01, /* to us */
    0x02, 0x00, 0x5e, 0x10, 0x00, 0x02, /* from the peer */
    0x08, 0x00,                         /* IPv4 */
    0x45, 0x00, 0xaa,                   /* a payload */
};

/* --- eth_parse ---------------------------------------------------------------------------- */

START_TEST(a_frame_shorter_than_its_header_is_a_runt)
{
    for (size_t len = 0; len <= sizeof(ipv4_frame); len++) {
        struct eth_header h;
        struct bytes payload;
        struct bytes frame = exact_copy(ipv4_frame, len);

        enum drop drop = eth_parse(frame, &h, &payload);
        if (len < ETH_HEADER) {
            ck_assert_int_eq(drop, DROP_ETH_RUNT);
        } else {
            ck_assert_int_eq(drop, DROP_NONE);
            ck_assert_uint_eq(payload.len, len - ETH_HEADER);
        }
        exact_free(frame);
    }
    PROVES("E01");
}
END_TEST

START_TEST(a_header_is_read_as_it_stands_and_written_back_the_same)
{
    struct eth_header h;
    struct bytes payload;

    ck_assert_int_eq(eth_parse(bytes_of(ipv4_frame, sizeof(ipv4_frame)), &h, &payload), DROP_NONE);
    ck_assert(mac_equal(h.dst, ours) && mac_equal(h.src, peer));
    ck_assert_uint_eq(h.type, ETH_TYPE_IPV4);
    ck_assert_ptr_eq(payload.at, ipv4_frame + ETH_HEADER);

    uint8_t out[ETH_HEADER];
    struct writer w = writer_of(out, sizeof(out));
    eth_emit(&w, &h);
    ck_assert_uint_eq(w.left, 0);
    ck_assert_mem_eq(out, ipv4_frame, sizeof(out));
}
END_TEST

static const struct {
    uint16_t type;
    enum drop drop;
} types[] = {
    {0x0000, DROP_ETH_PROTOCOL}, /* 802.3 lengths */
    {0x002e, DROP_ETH_PROTOCOL},
    {1500, DROP_ETH_PROTOCOL},
    {1501, DROP_ETH_PROTOCOL}, /* neither a length nor a type */
    {0x05ff, DROP_ETH_PROTOCOL},
    {0x0600, DROP_NONE}, /* types from here; who does not know one drops it */
    {0x0800, DROP_NONE},
    {0x0806, DROP_NONE},
    {0x80ff, DROP_NONE},
    {0x8100, DROP_ETH_VLAN},
    {0x8101, DROP_NONE},
    {0x86dd, DROP_NONE},
    {0x88a7, DROP_NONE},
    {0x88a8, DROP_ETH_VLAN},
    {0x88a9, DROP_NONE},
    {0xffff, DROP_NONE},
};

START_TEST(the_type_tells_lengths_and_tags_from_protocols)
{
    uint8_t frame[sizeof(ipv4_frame)];
    struct eth_header h;
    struct bytes payload;

    memcpy(frame, ipv4_frame, sizeof(frame));
    put_be16(frame + 12, types[_i].type);
    ck_assert_int_eq(eth_parse(bytes_of(frame, sizeof(frame)), &h, &payload), types[_i].drop);
    if (types[_i].drop == DROP_NONE)
        ck_assert_uint_eq(h.type, types[_i].type);
    PROVES("E07", "RFC894-p1-a");
}
END_TEST

/* How many tags, which one outermost, and whether the frame ends right behind the last. */
START_TEST(tags_are_refused_however_many_and_wherever_the_frame_ends)
{
    static const uint16_t tag[] = {ETH_TYPE_VLAN, ETH_TYPE_QINQ};

    for (size_t outer = 0; outer < ARRAY_LEN(tag); outer++) {
        for (size_t tags = 1; tags <= 8; tags++) {
            uint8_t octets[12 + 8 * 4 + 2 + 20] = {0};
            memcpy(octets, ipv4_frame, 12);
            for (size_t i = 0; i < tags; i++)
                put_be16(octets + 12 + 4 * i, i == 0 ? tag[outer] : ETH_TYPE_VLAN);
            put_be16(octets + 12 + 4 * tags, ETH_TYPE_IPV4);
            for (size_t len = ETH_HEADER; len <= sizeof(octets); len++) {
                struct eth_header h;
                struct bytes payload;
                struct bytes frame = exact_copy(octets, len);
                ck_assert_int_eq(eth_parse(frame, &h, &payload), DROP_ETH_VLAN);
                exact_free(frame);
            }
        }
    }
    PROVES("E06");
}
END_TEST

/* --- eth_accept --------------------------------------------------------------------------- */

static const struct {
    struct mac_addr src;
    enum drop drop;
} sources[] = {
    {{{0x02, 0, 0x5e, 0x10, 0, 2}}, DROP_NONE},
    {{{0x02, 0, 0x5e, 0x10, 0, 0}}, DROP_NONE},
    {{{0x02, 0, 0x5e, 0x10, 0, 1}}, DROP_ETH_BAD_SOURCE}, /* ours */
    {{{0, 0, 0, 0, 0, 0}}, DROP_ETH_BAD_SOURCE},
    {{{0, 0, 0, 0, 0, 1}}, DROP_NONE},
    {{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}, DROP_ETH_BAD_SOURCE},
    {{{0x01, 0, 0x5e, 0, 0, 1}}, DROP_ETH_BAD_SOURCE},
    {{{0x03, 0, 0x5e, 0x10, 0, 2}}, DROP_ETH_BAD_SOURCE},
    {{{0xfe, 0xff, 0xff, 0xff, 0xff, 0xff}}, DROP_NONE},
};

START_TEST(a_source_is_a_station_and_not_us)
{
    struct eth_header h = {.dst = ours, .src = sources[_i].src, .type = ETH_TYPE_IPV4};
    bool group;

    ck_assert_int_eq(eth_accept(&h, 46, ours, MTU, false, &group), sources[_i].drop);
    PROVES("E04");
}
END_TEST

static const struct {
    struct mac_addr dst;
    enum drop drop;
    bool group;
} destinations[] = {
    {{{0x02, 0, 0x5e, 0x10, 0, 1}}, DROP_NONE, false},
    {{{0x02, 0, 0x5e, 0x10, 0, 3}}, DROP_ETH_NOT_OURS, false},
    {{{0, 0, 0, 0, 0, 0}}, DROP_ETH_NOT_OURS, false},
    {{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}, DROP_NONE, true},
    {{{0x01, 0, 0x5e, 0, 0, 1}}, DROP_NONE, true},
    {{{0x33, 0x33, 0, 0, 0, 1}}, DROP_NONE, true},
};

START_TEST(a_destination_is_us_or_a_group_and_ip_is_told_which)
{
    struct eth_header h = {.dst = destinations[_i].dst, .src = peer, .type = ETH_TYPE_IPV4};
    bool group;

    ck_assert_int_eq(eth_accept(&h, 46, ours, MTU, false, &group), destinations[_i].drop);
    if (destinations[_i].drop == DROP_NONE)
        ck_assert_int_eq(group, destinations[_i].group);
    PROVES("RFC1122-2.4-a");
}
END_TEST

static const struct {
    size_t payload_len;
    uint32_t mtu;
    bool big_frames;
    enum drop drop;
} giants[] = {
    {0, 1500, false, DROP_NONE},         {1500, 1500, false, DROP_NONE},
    {1501, 1500, false, DROP_ETH_GIANT}, {576, 576, false, DROP_NONE},
    {577, 576, false, DROP_ETH_GIANT},   {1501, 1500, true, DROP_NONE},
    {65535, 1500, true, DROP_NONE},      {65535, 1500, false, DROP_ETH_GIANT},
    {9000, 9000, false, DROP_NONE},
};

START_TEST(a_frame_beyond_the_mtu_is_a_giant_unless_the_device_joins_segments)
{
    struct eth_header h = {.dst = ours, .src = peer, .type = ETH_TYPE_IPV4};
    bool group;

    ck_assert_int_eq(
        eth_accept(&h, giants[_i].payload_len, ours, giants[_i].mtu, giants[_i].big_frames, &group),
        giants[_i].drop);
    PROVES("E02");
}
END_TEST

/* --- what goes out ------------------------------------------------------------------------ */

START_TEST(a_short_frame_is_padded_to_sixty_octets)
{
    for (size_t len = 0; len <= 100; len++) {
        size_t whole = ETH_HEADER + len + eth_padding(len);
        ck_assert_uint_eq(whole, len < 46 ? 60 : ETH_HEADER + len);
    }
}
END_TEST

static const struct {
    const char *group;
    struct mac_addr mac;
} groups[] = {
    {"224.0.0.1", {{0x01, 0x00, 0x5e, 0x00, 0x00, 0x01}}},
    {"239.129.1.2", {{0x01, 0x00, 0x5e, 0x01, 0x01, 0x02}}},
    {"239.1.1.2", {{0x01, 0x00, 0x5e, 0x01, 0x01, 0x02}}}, /* the 24th bit is not mapped */
    {"224.127.255.255", {{0x01, 0x00, 0x5e, 0x7f, 0xff, 0xff}}},
    {"224.128.0.0", {{0x01, 0x00, 0x5e, 0x00, 0x00, 0x00}}},
    {"239.255.255.255", {{0x01, 0x00, 0x5e, 0x7f, 0xff, 0xff}}},
    {"ff02::1", {{0x33, 0x33, 0x00, 0x00, 0x00, 0x01}}},
    {"ff02::1:ff02:3", {{0x33, 0x33, 0xff, 0x02, 0x00, 0x03}}},
    {"ff0e::8000:0:fedc:ba98", {{0x33, 0x33, 0xfe, 0xdc, 0xba, 0x98}}},
};

START_TEST(a_group_goes_to_the_station_group_that_it_maps_to)
{
    struct ip_addr group;

    ck_assert_int_eq(ip_addr_parse(groups[_i].group, &group), 0);
    ck_assert(mac_equal(eth_group_mac(group), groups[_i].mac));
    PROVES("RFC1112-6.4-a", "RFC2464-7-a");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("eth");

    TCase *c = tcase_create("RFC 894: frame format");
    tcase_add_test(c, a_frame_shorter_than_its_header_is_a_runt);
    tcase_add_test(c, a_header_is_read_as_it_stands_and_written_back_the_same);
    tcase_add_loop_test(c, the_type_tells_lengths_and_tags_from_protocols, 0,
                        (int)ARRAY_LEN(types));
    tcase_add_test(c, tags_are_refused_however_many_and_wherever_the_frame_ends);
    tcase_add_test(c, a_short_frame_is_padded_to_sixty_octets);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 1122, 2.4: link layer to internet layer");
    tcase_add_loop_test(c, a_source_is_a_station_and_not_us, 0, (int)ARRAY_LEN(sources));
    tcase_add_loop_test(c, a_destination_is_us_or_a_group_and_ip_is_told_which, 0,
                        (int)ARRAY_LEN(destinations));
    tcase_add_loop_test(c, a_frame_beyond_the_mtu_is_a_giant_unless_the_device_joins_segments, 0,
                        (int)ARRAY_LEN(giants));
    suite_add_tcase(s, c);

    c = tcase_create("RFC 1112, 6.4 and RFC 2464, 7: groups");
    tcase_add_loop_test(c, a_group_goes_to_the_station_group_that_it_maps_to, 0,
                        (int)ARRAY_LEN(groups));
    suite_add_tcase(s, c);
    return run_suite(s, "eth");
}
