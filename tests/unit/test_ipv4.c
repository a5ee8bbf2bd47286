/*
 * test_ipv4.c - the IPv4 header, and which packets a host takes.
 *
 * Packets are made octet by octet here, and their checksums by a naive sum, so that a mistake of
 * ipv4_emit() cannot hide one of ipv4_parse().
 */
#include "ip/ipv4.h"
#include "support/exact.h"
#include "support/proves.h"

#define V4(a, b, c, d)                                                                             \
    ip_from_v4((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

/* RFC 1071 as its first page says it. */
static uint16_t naive_checksum(const uint8_t *octets, size_t len)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < len; i++) {
        sum += i % 2 ? octets[i] : (uint32_t)octets[i] << 8;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

static void fill_checksum(uint8_t *header, size_t len)
{
    put_be16(header + 10, 0);
    put_be16(header + 10, naive_checksum(header, len));
}

/* 28 octets: a header from 10.9.0.7 to 10.9.0.2, and "payload!". */
static void make_packet(uint8_t out[28])
{
    static const uint8_t octets[28] = {0x45, 0xb9, 0,   28,  0x12, 0x34, 0x40, 0,  64, 17,
                                       0,    0,    10,  9,   0,    7,    10,   9,  0,  2,
                                       'p',  'a',  'y', 'l', 'o',  'a',  'd',  '!'};
    memcpy(out, octets, sizeof(octets));
    fill_checksum(out, 20);
}

static enum drop parse_exact(const uint8_t *octets, size_t len, struct ipv4_header *h,
                             size_t *payload_len)
{
    struct bytes packet = exact_copy(octets, len);
    struct bytes payload = {0};
    enum drop drop = ipv4_parse(packet, h, &payload);

    *payload_len = payload.len;
    if (!drop) /* touched, so that a payload beyond the buffer is noticed */
        ck_assert_uint_eq(naive_checksum(payload.at, payload.len),
                          naive_checksum(octets + 20 + h->options.len, payload.len));
    exact_free(packet);
    return drop;
}

/* --- RFC 791, 3.1: the header ------------------------------------------------------------- */

START_TEST(a_header_is_read_field_by_field)
{
    uint8_t octets[28];
    struct ipv4_header h;
    struct bytes payload;

    make_packet(octets);
    ck_assert_int_eq(ipv4_parse(bytes_of(octets, 28), &h, &payload), DROP_NONE);
    ck_assert(ip_equal(h.src, V4(10, 9, 0, 7)) && ip_equal(h.dst, V4(10, 9, 0, 2)));
    ck_assert_uint_eq(h.tos, 0xb9);
    ck_assert_uint_eq(h.id, 0x1234);
    ck_assert(h.dont_fragment && !h.more_fragments);
    ck_assert_uint_eq(h.fragment_offset, 0);
    ck_assert_uint_eq(h.ttl, 64);
    ck_assert_uint_eq(h.protocol, 17);
    ck_assert_uint_eq(h.options.len, 0);
    ck_assert(bytes_equal(payload, bytes_of("payload!", 8)));
}
END_TEST

/* Version x header length x total length x octets there, against the rule in one line. The options
 * that longer headers have are zeros: an end of list. */
START_TEST(lengths_must_nest_and_the_version_be_four)
{
    static const size_t there[] = {0, 1, 19, 20, 21, 23, 24, 28, 59, 60, 61, 100};
    static const size_t totals[] = {0,  1,  4,  19, 20,  21,  23,  24,   27,   28,
                                    59, 60, 61, 99, 100, 101, 255, 2000, 65535};

    for (size_t version = 0; version < 16; version++)
        for (size_t ihl = 0; ihl < 16; ihl++)
            for (size_t t = 0; t < ARRAY_LEN(totals); t++)
                for (size_t l = 0; l < ARRAY_LEN(there); l++) {
                    uint8_t octets[100] = {0};
                    struct ipv4_header h;
                    size_t payload_len, header_len = ihl * 4, total = totals[t], len = there[l];

                    make_packet(octets);
                    memset(octets + 20, 0, 8);
                    octets[0] = (uint8_t)(version << 4 | ihl);
                    put_be16(octets + 2, (uint16_t)total);
                    fill_checksum(octets, size_max(header_len, 20));
                    enum drop drop = parse_exact(octets, len, &h, &payload_len);
                    bool nests =
                        version == 4 && header_len >= 20 && header_len <= total && total <= len;
                    ck_assert_int_eq(drop, nests ? DROP_NONE : DROP_IP4_HEADER);
                    if (nests)
                        ck_assert_uint_eq(payload_len, total - header_len);
                }
    PROVES("P01", "RFC791-3.1-a", "RFC1122-3.2.1.1-a");
}
END_TEST

START_TEST(a_packet_cut_anywhere_is_refused)
{
    uint8_t octets[28];
    struct ipv4_header h;
    size_t payload_len;

    make_packet(octets);
    for (size_t len = 0; len < 28; len++)
        ck_assert_int_eq(parse_exact(octets, len, &h, &payload_len), DROP_IP4_HEADER);
    ck_assert_int_eq(parse_exact(octets, 28, &h, &payload_len), DROP_NONE);
    PROVES("P01");
}
END_TEST

START_TEST(padding_of_the_link_is_no_payload)
{
    uint8_t octets[100];
    struct ipv4_header h;
    size_t payload_len;

    memset(octets, 0x5a, sizeof(octets));
    make_packet(octets);
    for (size_t len = 28; len <= sizeof(octets); len++) {
        ck_assert_int_eq(parse_exact(octets, len, &h, &payload_len), DROP_NONE);
        ck_assert_uint_eq(payload_len, 8);
    }
    PROVES("RFC791-3.1-b", "E03");
}
END_TEST

START_TEST(a_packet_may_be_as_long_as_its_length_can_say)
{
    uint8_t *octets = calloc(1, 65535);
    struct ipv4_header h;
    size_t payload_len;

    ck_assert_ptr_nonnull(octets);
    make_packet(octets);
    put_be16(octets + 2, 65535);
    fill_checksum(octets, 20);
    ck_assert_int_eq(parse_exact(octets, 65535, &h, &payload_len), DROP_NONE);
    ck_assert_uint_eq(payload_len, 65515);
    ck_assert_int_eq(parse_exact(octets, 65534, &h, &payload_len), DROP_IP4_HEADER);
    free(octets);
}
END_TEST

START_TEST(a_header_with_any_bit_flipped_is_refused)
{
    for (size_t bit = 0; bit < 160; bit++) {
        uint8_t octets[28];
        struct ipv4_header h;
        size_t payload_len;

        make_packet(octets);
        octets[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
        enum drop drop = parse_exact(octets, 28, &h, &payload_len);
        /* In the first octet and the total length the lengths may speak first. */
        if (bit < 8 || (bit >= 16 && bit < 32))
            ck_assert(drop == DROP_IP4_HEADER || drop == DROP_IP4_CHECKSUM);
        else
            ck_assert_int_eq(drop, DROP_IP4_CHECKSUM);
    }
    PROVES("P02", "RFC1122-3.2.1.2-a");
}
END_TEST

static const struct {
    uint16_t flags_and_offset;
    bool dont_fragment, more_fragments;
    uint16_t offset;
} fragments[] = {
    {0x0000, false, false, 0},   {0x4000, true, false, 0},    {0x2000, false, true, 0},
    {0x0001, false, false, 8},   {0x20b9, false, true, 1480}, {0x1fff, false, false, 65528},
    {0x8000, false, false, 0}, /* the reserved bit is nobody's business */
    {0xffff, true, true, 65528},
};

START_TEST(flags_and_offset_are_told_apart)
{
    uint8_t octets[28];
    struct ipv4_header h;
    size_t payload_len;

    make_packet(octets);
    put_be16(octets + 6, fragments[_i].flags_and_offset);
    fill_checksum(octets, 20);
    ck_assert_int_eq(parse_exact(octets, 28, &h, &payload_len), DROP_NONE);
    ck_assert_int_eq(h.dont_fragment, fragments[_i].dont_fragment);
    ck_assert_int_eq(h.more_fragments, fragments[_i].more_fragments);
    ck_assert_uint_eq(h.fragment_offset, fragments[_i].offset);
}
END_TEST

START_TEST(a_header_that_we_write_has_a_right_checksum_and_reads_back)
{
    static const size_t lens[] = {0, 1, 8, 1480, 65515};
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        struct ipv4_header in = {
            .src = V4(10, 9, 0, 2),
            .dst = V4(255, 254, 1, 0),
            .protocol = 6,
            .ttl = (uint8_t)(i + 1),
            .tos = 0xb8,
            .id = (uint16_t)(0xfffe + i),
            .dont_fragment = i % 2,
            .more_fragments = i % 3 == 1,
            .fragment_offset = (uint16_t)(i * 8),
        };
        uint8_t *packet = calloc(1, 20 + lens[i]);
        ck_assert_ptr_nonnull(packet);
        struct writer w = writer_of(packet, 20);

        ipv4_emit(&w, &in, lens[i]);
        ck_assert_uint_eq(w.left, 0);
        ck_assert_uint_eq(naive_checksum(packet, 20), 0);
        struct ipv4_header out;
        struct bytes payload;
        ck_assert_int_eq(ipv4_parse(bytes_of(packet, 20 + lens[i]), &out, &payload), DROP_NONE);
        ck_assert(ip_equal(in.src, out.src) && ip_equal(in.dst, out.dst));
        ck_assert(in.protocol == out.protocol && in.ttl == out.ttl && in.tos == out.tos &&
                  in.id == out.id && in.dont_fragment == out.dont_fragment &&
                  in.more_fragments == out.more_fragments &&
                  in.fragment_offset == out.fragment_offset);
        ck_assert_uint_eq(payload.len, lens[i]);
        free(packet);
    }
    PROVES("RFC791-3.1-c");
}
END_TEST

/* --- RFC 791, 3.1: options ---------------------------------------------------------------- */

/* Octets 20 .. 59 are options; what a row does not name is zero, an end of the list. */
static const struct {
    uint8_t options[40];
    enum drop drop;
} options[] = {
    {{0}, DROP_NONE},
    {{0, 7, 0, 0xff, 0xff}, DROP_NONE}, /* behind the end anything may stand */
    {{1, 1, 1, 1}, DROP_NONE},
    {{0x9e, 2}, DROP_NONE}, /* unknown: skipped by its length */
    {{0x9e, 4, 0xff, 0xff}, DROP_NONE},
    {{0x9e, 40}, DROP_NONE},
    {{0x9e, 41}, DROP_IP4_OPTION}, /* past the end */
    {{1, 0x9e, 40}, DROP_IP4_OPTION},
    {{0x9e, 255}, DROP_IP4_OPTION},
    {{0x9e, 0}, DROP_IP4_OPTION},
    {{0x9e, 1}, DROP_IP4_OPTION},
    {{7, 0}, DROP_IP4_OPTION},
    {{7, 1}, DROP_IP4_OPTION},
    {{7, 2}, DROP_IP4_OPTION}, /* a route without a pointer */
    {{7, 3, 4}, DROP_NONE},    /* full from the start */
    {{7, 3, 3}, DROP_IP4_OPTION},
    {{7, 7, 0}, DROP_IP4_OPTION},
    {{7, 7, 3}, DROP_IP4_OPTION},
    {{7, 7, 4}, DROP_NONE},
    {{7, 7, 5}, DROP_IP4_OPTION}, /* the slot that it points at ends past the option */
    {{7, 7, 7}, DROP_IP4_OPTION},
    {{7, 7, 8}, DROP_NONE}, /* full */
    {{7, 7, 255}, DROP_NONE},
    {{7, 39, 36}, DROP_NONE},
    {{7, 39, 37}, DROP_IP4_OPTION},
    {{68, 0}, DROP_IP4_OPTION},
    {{68, 2}, DROP_IP4_OPTION},
    {{68, 3, 5}, DROP_IP4_OPTION}, /* timestamps without a flag */
    {{68, 4, 5, 0}, DROP_NONE},
    {{68, 8, 4, 0}, DROP_IP4_OPTION},
    {{68, 8, 5, 0}, DROP_NONE},
    {{68, 8, 6, 0}, DROP_IP4_OPTION},
    {{68, 8, 9, 0}, DROP_NONE},
    {{68, 8, 5, 1}, DROP_IP4_OPTION}, /* with addresses a slot is twice as long */
    {{68, 12, 5, 1}, DROP_NONE},
    {{68, 12, 6, 1}, DROP_IP4_OPTION},
    {{68, 12, 5, 3}, DROP_NONE},
    {{68, 12, 9, 3}, DROP_IP4_OPTION},
    {{68, 12, 13, 0xf3}, DROP_NONE}, /* the high half counts overflows */
    {{68, 8, 6, 2}, DROP_NONE},      /* a flag that nobody has defined */
    {{131, 2}, DROP_IP4_OPTION},
    {{131, 3, 4}, DROP_IP4_SOURCE_ROUTE}, /* completed */
    {{131, 7, 4}, DROP_IP4_SOURCE_ROUTE},
    {{131, 7, 8}, DROP_IP4_SOURCE_ROUTE},
    {{131, 7, 3}, DROP_IP4_OPTION},
    {{131, 7, 6}, DROP_IP4_OPTION},
    {{137, 7, 4}, DROP_IP4_SOURCE_ROUTE},
    {{137, 7, 0}, DROP_IP4_OPTION},
    {{1, 1, 1, 137, 11, 8, 10, 9, 0, 1, 10, 9, 0, 2}, DROP_IP4_SOURCE_ROUTE},
    {{131, 7, 4, 0, 0, 0, 0, 131, 7, 4}, DROP_IP4_OPTION}, /* two */
    {{131, 7, 4, 0, 0, 0, 0, 137, 7, 4}, DROP_IP4_OPTION},
    {{137, 7, 4, 0, 0, 0, 0, 137, 7, 4}, DROP_IP4_OPTION},
    {{131, 7, 4, 0, 0, 0, 0, 0, 137, 7, 4},
     DROP_IP4_SOURCE_ROUTE},                             /* the second is behind the end */
    {{131, 7, 4, 0, 0, 0, 0, 0x9e, 0}, DROP_IP4_OPTION}, /* malformed weighs more */
    {{7, 7, 4, 0, 0, 0, 0, 68, 8, 5, 0, 0, 0, 0, 0, 0x9e, 3, 0}, DROP_NONE},
};

START_TEST(options_are_walked_and_judged)
{
    uint8_t octets[60];
    struct ipv4_header h;
    size_t payload_len;

    make_packet(octets);
    octets[0] = 0x4f;
    put_be16(octets + 2, 60);
    memcpy(octets + 20, options[_i].options, 40);
    fill_checksum(octets, 60);
    ck_assert_int_eq(parse_exact(octets, 60, &h, &payload_len), options[_i].drop);
    PROVES("P03", "RFC791-3.1-d", "RFC1122-3.2.1.8-a", "RFC1122-3.2.1.8-b");
}
END_TEST

/* Options of every length at every place in headers of every length, up to one octet past the end.
 */
START_TEST(an_option_of_any_type_ends_within_the_header)
{
    static const uint8_t types[] = {2, 7, 68, 130, 131, 137, 148, 158, 255};

    for (size_t ihl = 6; ihl <= 15; ihl++)
        for (size_t t = 0; t < ARRAY_LEN(types); t++)
            for (size_t at = 20; at < ihl * 4; at++)
                for (size_t len = 0; len <= ihl * 4 - at + 1; len++) {
                    uint8_t octets[60];
                    struct ipv4_header h;
                    size_t payload_len;
                    make_packet(octets);
                    memset(octets + 20, 1, 40);
                    octets[0] = (uint8_t)(0x40 | ihl);
                    put_be16(octets + 2, (uint16_t)(ihl * 4));
                    uint8_t type = types[t];
                    octets[at] = type;
                    if (at + 1 < ihl * 4)
                        octets[at + 1] = (uint8_t)len;
                    fill_checksum(octets, ihl * 4);
                    enum drop drop = parse_exact(octets, ihl * 4, &h, &payload_len);
                    bool fits = at + 1 < ihl * 4 && len >= 2 && at + len <= ihl * 4;
                    if (!fits)
                        ck_assert_int_eq(drop, DROP_IP4_OPTION);
                    else if (type != 7 && type != 68 && type != 131 && type != 137)
                        ck_assert_int_eq(drop, DROP_NONE);
                }
    PROVES("P03", "RFC791-3.1-d");
}
END_TEST

/* --- RFC 1122, 3.2.1.3: whose packets we take --------------------------------------------- */

static const struct ip_prefix ours[] = {
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 9, 0, 2}}, 24},
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 8}}, 31},
    {{{0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}, 64},
};
static const struct ip_config config = {.addrs = ours, .addr_count = 3};

static enum drop accept_from_to(struct ip_addr src, struct ip_addr dst, bool link_group,
                                bool *broadcast)
{
    struct ipv4_header h = {.src = src, .dst = dst, .protocol = 17, .ttl = 64};
    return ipv4_accept(&config, &h, link_group, broadcast);
}

static const struct {
    uint8_t src[4];
    enum drop drop;
} sources[] = {
    {{10, 9, 0, 7}, DROP_NONE},
    {{8, 8, 8, 8}, DROP_NONE},
    {{0, 0, 0, 0}, DROP_IP4_MARTIAN},
    {{0, 0, 0, 1}, DROP_IP4_MARTIAN},
    {{0, 255, 255, 255}, DROP_IP4_MARTIAN},
    {{1, 0, 0, 0}, DROP_NONE},
    {{126, 255, 255, 255}, DROP_NONE},
    {{127, 0, 0, 0}, DROP_IP4_MARTIAN},
    {{127, 0, 0, 1}, DROP_IP4_MARTIAN},
    {{127, 255, 255, 255}, DROP_IP4_MARTIAN},
    {{128, 0, 0, 0}, DROP_NONE},
    {{223, 255, 255, 255}, DROP_NONE},
    {{224, 0, 0, 0}, DROP_IP4_MARTIAN},
    {{224, 0, 0, 1}, DROP_IP4_MARTIAN},
    {{239, 255, 255, 255}, DROP_IP4_MARTIAN},
    {{240, 0, 0, 0}, DROP_IP4_MARTIAN},
    {{255, 255, 255, 254}, DROP_IP4_MARTIAN},
    {{255, 255, 255, 255}, DROP_IP4_MARTIAN},
    {{10, 9, 0, 255}, DROP_IP4_MARTIAN}, /* directed broadcast */
    {{10, 9, 0, 254}, DROP_NONE},
    {{10, 9, 0, 0}, DROP_IP4_MARTIAN}, /* its old form */
    {{10, 9, 0, 1}, DROP_NONE},
    {{10, 9, 1, 255}, DROP_NONE},      /* not our network: who knows how long its mask is */
    {{10, 9, 0, 2}, DROP_IP4_MARTIAN}, /* ourselves: LAND */
    {{192, 0, 2, 8}, DROP_IP4_MARTIAN},
    {{192, 0, 2, 9}, DROP_NONE}, /* a network of 31 bits has no broadcast */
};

START_TEST(a_source_that_cannot_be_is_a_martian)
{
    static const uint8_t protocols[] = {1, 2, 4, 6, 17, 41, 47, 99, 255};
    const uint8_t *src = sources[_i].src;

    for (size_t i = 0; i < ARRAY_LEN(protocols); i++) {
        struct ipv4_header h = {
            .src = V4(src[0], src[1], src[2], src[3]),
            .dst = V4(10, 9, 0, 2),
            .protocol = protocols[i],
            .ttl = 64,
        };
        bool broadcast;
        ck_assert_int_eq(ipv4_accept(&config, &h, false, &broadcast), sources[_i].drop);
    }
    PROVES("P04", "C14", "RFC1122-3.2.1.3-b");
}
END_TEST

static const struct {
    uint8_t dst[4];
    enum drop alone, in_group; /* in a frame to us, in a link broadcast */
    bool broadcast;
} destinations[] = {
    {{10, 9, 0, 2}, DROP_NONE, DROP_IP4_L2_BROADCAST, false},
    {{192, 0, 2, 8}, DROP_NONE, DROP_IP4_L2_BROADCAST, false},
    {{10, 9, 0, 3}, DROP_IP4_NOT_OURS, DROP_IP4_NOT_OURS, false},
    {{192, 0, 2, 9}, DROP_IP4_NOT_OURS, DROP_IP4_NOT_OURS, false},
    {{8, 8, 8, 8}, DROP_IP4_NOT_OURS, DROP_IP4_NOT_OURS, false},
    {{0, 0, 0, 0}, DROP_IP4_NOT_OURS, DROP_IP4_NOT_OURS, false},
    {{127, 0, 0, 1}, DROP_IP4_NOT_OURS, DROP_IP4_NOT_OURS, false},
    {{127, 255, 255, 255}, DROP_IP4_NOT_OURS, DROP_IP4_NOT_OURS, false},
    {{240, 0, 0, 1}, DROP_IP4_NOT_OURS, DROP_IP4_NOT_OURS, false},
    {{255, 255, 255, 255}, DROP_NONE, DROP_NONE, true},
    {{255, 255, 255, 254}, DROP_IP4_NOT_OURS, DROP_IP4_NOT_OURS, false},
    {{10, 9, 0, 255}, DROP_NONE, DROP_NONE, true},
    {{10, 9, 0, 0}, DROP_NONE, DROP_NONE, true},
    {{10, 9, 1, 255}, DROP_IP4_NOT_OURS, DROP_IP4_NOT_OURS, false},
    {{10, 255, 255, 255}, DROP_IP4_NOT_OURS, DROP_IP4_NOT_OURS, false},
    {{224, 0, 0, 1}, DROP_NONE, DROP_NONE, true},
    {{224, 0, 0, 2}, DROP_IP4_NOT_OURS, DROP_IP4_NOT_OURS, false},
    {{239, 1, 2, 3}, DROP_IP4_NOT_OURS, DROP_IP4_NOT_OURS, false},
};

START_TEST(a_destination_is_ours_or_of_all_of_us_or_dropped)
{
    const uint8_t *dst = destinations[_i].dst;

    for (int in_group = 0; in_group < 2; in_group++) {
        enum drop wanted = in_group ? destinations[_i].in_group : destinations[_i].alone;
        bool broadcast;
        ck_assert_int_eq(accept_from_to(V4(10, 9, 0, 7), V4(dst[0], dst[1], dst[2], dst[3]),
                                        in_group, &broadcast),
                         wanted);
        if (!wanted)
            ck_assert_int_eq(broadcast, destinations[_i].broadcast);
    }
    PROVES("P05", "E05", "RFC1122-3.2.1.3-a", "RFC1122-3.3.6-a", "RFC1122-3.3.6-b");
}
END_TEST

START_TEST(a_packet_that_has_arrived_may_have_no_time_to_live_left)
{
    for (unsigned ttl = 0; ttl < 256; ttl++) {
        uint8_t octets[28];
        struct ipv4_header h;
        size_t payload_len;
        bool broadcast;

        make_packet(octets);
        octets[8] = (uint8_t)ttl;
        fill_checksum(octets, 20);
        ck_assert_int_eq(parse_exact(octets, 28, &h, &payload_len), DROP_NONE);
        ck_assert_int_eq(ipv4_accept(&config, &h, false, &broadcast), DROP_NONE);
    }
    PROVES("P06", "RFC1122-3.2.1.7-a");
}
END_TEST

START_TEST(a_fragment_is_judged_like_any_packet)
{
    struct ipv4_header h = {.src = V4(10, 9, 0, 7), .dst = V4(10, 9, 0, 2), .ttl = 64};
    bool broadcast;

    h.more_fragments = true;
    ck_assert_int_eq(ipv4_accept(&config, &h, false, &broadcast), DROP_NONE);
    h.more_fragments = false;
    h.fragment_offset = 8;
    ck_assert_int_eq(ipv4_accept(&config, &h, false, &broadcast), DROP_NONE);
    h.dst = V4(10, 9, 0, 3);
    ck_assert_int_eq(ipv4_accept(&config, &h, false, &broadcast), DROP_IP4_NOT_OURS);
}
END_TEST

/* The address might be the one that a DHCP server offers; nothing is answered, as if it was for
 * many. */
START_TEST(a_host_without_addresses_takes_what_the_link_brings_to_it)
{
    static const struct ip_config none = {.addrs = NULL, .addr_count = 0};
    static const struct ip_config line = {.point_to_point = true};
    struct ipv4_header h = {.src = V4(10, 9, 0, 7), .dst = V4(255, 255, 255, 255), .ttl = 64};
    bool broadcast;

    ck_assert_int_eq(ipv4_accept(&none, &h, true, &broadcast), DROP_NONE);
    ck_assert(broadcast);
    h.dst = V4(10, 9, 0, 2);
    broadcast = false;
    ck_assert_int_eq(ipv4_accept(&none, &h, false, &broadcast), DROP_NONE);
    ck_assert(broadcast);
    ck_assert_int_eq(ipv4_accept(&none, &h, true, &broadcast), DROP_IP4_L2_BROADCAST);
    ck_assert_int_eq(ipv4_accept(&line, &h, false, &broadcast), DROP_IP4_NOT_OURS);
    h.dst = V4(224, 0, 0, 9);
    ck_assert_int_eq(ipv4_accept(&none, &h, false, &broadcast), DROP_IP4_NOT_OURS);
    h.dst = V4(127, 0, 0, 1);
    ck_assert_int_eq(ipv4_accept(&none, &h, false, &broadcast), DROP_IP4_NOT_OURS);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ipv4");

    TCase *c = tcase_create("RFC 791, 3.1: header");
    tcase_add_test(c, a_header_is_read_field_by_field);
    tcase_add_test(c, lengths_must_nest_and_the_version_be_four);
    tcase_add_test(c, a_packet_cut_anywhere_is_refused);
    tcase_add_test(c, padding_of_the_link_is_no_payload);
    tcase_add_test(c, a_packet_may_be_as_long_as_its_length_can_say);
    tcase_add_test(c, a_header_with_any_bit_flipped_is_refused);
    tcase_add_loop_test(c, flags_and_offset_are_told_apart, 0, (int)ARRAY_LEN(fragments));
    tcase_add_test(c, a_header_that_we_write_has_a_right_checksum_and_reads_back);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 791, 3.1: options");
    tcase_add_loop_test(c, options_are_walked_and_judged, 0, (int)ARRAY_LEN(options));
    tcase_add_test(c, an_option_of_any_type_ends_within_the_header);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 1122, 3.2.1.3: addressing");
    tcase_add_loop_test(c, a_source_that_cannot_be_is_a_martian, 0, (int)ARRAY_LEN(sources));
    tcase_add_loop_test(c, a_destination_is_ours_or_of_all_of_us_or_dropped, 0,
                        (int)ARRAY_LEN(destinations));
    tcase_add_test(c, a_packet_that_has_arrived_may_have_no_time_to_live_left);
    tcase_add_test(c, a_fragment_is_judged_like_any_packet);
    tcase_add_test(c, a_host_without_addresses_takes_what_the_link_brings_to_it);
    suite_add_tcase(s, c);
    return run_suite(s, "ipv4");
}
