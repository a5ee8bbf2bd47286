/* The virtio_net_hdr: what of it is believed, and what it costs a frame that contradicts it. */
#include <stdlib.h>

#include "base/checksum.h"
#include "dev/vnet_wire.h"
#include "eth/eth_wire.h"
#include "support/proves.h"

struct header {
    uint8_t flags, gso_type;
    uint16_t hdr_len, gso_size, csum_start, csum_offset;
};

/* Parses from a heap buffer of just this size, so that a read behind it is seen. */
static enum drop parse_exact(const uint8_t *octets, size_t len, size_t frame_len, bool offload,
                             struct frame_meta *out)
{
    uint8_t *exact = malloc(len ? len : 1);
    memcpy(exact, octets, len);
    enum drop drop = vnet_parse(bytes_of(exact, len), frame_len, offload, out);
    free(exact);
    return drop;
}

static enum drop parse(struct header h, size_t frame_len, bool offload, struct frame_meta *out)
{
    uint8_t octets[VNET_HEADER] = {
        h.flags,
        h.gso_type,
        (uint8_t)h.hdr_len,
        (uint8_t)(h.hdr_len >> 8),
        (uint8_t)h.gso_size,
        (uint8_t)(h.gso_size >> 8),
        (uint8_t)h.csum_start,
        (uint8_t)(h.csum_start >> 8),
        (uint8_t)h.csum_offset,
        (uint8_t)(h.csum_offset >> 8),
    };
    return parse_exact(octets, sizeof(octets), frame_len, offload, out);
}

START_TEST(a_header_is_read_only_when_it_is_all_there)
{
    static const uint8_t octets[VNET_HEADER + 2] = {0};
    struct frame_meta meta;
    for (size_t len = 0; len <= sizeof(octets); len++) {
        enum drop drop = parse_exact(octets, len, 60, true, &meta);
        ck_assert_int_eq(drop, len < VNET_HEADER ? DROP_DEV_VNET : DROP_NONE);
    }
}
END_TEST

START_TEST(an_empty_header_asks_for_nothing)
{
    struct frame_meta meta;
    memset(&meta, 0xa5, sizeof(meta));
    ck_assert_int_eq(parse((struct header){0}, 0, true, &meta), DROP_NONE);
    ck_assert_uint_eq(meta.flags, 0);
    ck_assert_uint_eq(meta.gso_type, FRAME_GSO_NONE);
    ck_assert_uint_eq(meta.gso_size, 0);
    ck_assert_uint_eq(meta.csum_start, 0);
    ck_assert_uint_eq(meta.csum_offset, 0);
    ck_assert_uint_eq(meta.bad, 0);
}
END_TEST

static const uint8_t known_types[] = {0, 1, 4, 0x81, 0x84};

START_TEST(a_type_is_refused_unless_it_is_known)
{
    for (unsigned type = 0; type <= 0xff; type++) {
        struct frame_meta meta;
        bool known = memchr(known_types, (int)type, sizeof(known_types)) != NULL;
        struct header h = {.gso_type = (uint8_t)type, .gso_size = 1448};
        ck_assert_int_eq(parse(h, 3000, true, &meta), known ? DROP_NONE : DROP_DEV_VNET);
        if (known)
            ck_assert_uint_eq(meta.gso_type, type & 0x7f);
    }
    PROVES("T10");
}
END_TEST

START_TEST(unknown_flags_are_ignored)
{
    for (unsigned flags = 0; flags <= 0xff; flags++) {
        struct frame_meta meta;
        struct header h = {.flags = (uint8_t)flags, .csum_start = 34, .csum_offset = 16};
        ck_assert_int_eq(parse(h, 60, true, &meta), DROP_NONE);
        ck_assert_uint_eq(meta.flags, flags & 3);
    }
    PROVES("T10");
}
END_TEST

static const struct {
    uint8_t type;
    uint16_t size;
    enum drop drop;
} gso[] = {
    {FRAME_GSO_NONE, 0, DROP_NONE},
    {FRAME_GSO_NONE, 1448, DROP_NONE},
    {FRAME_GSO_TCPV4, 0, DROP_DEV_VNET},
    {FRAME_GSO_TCPV4, 1, DROP_NONE},
    {FRAME_GSO_TCPV4, 65535, DROP_NONE},
    {FRAME_GSO_TCPV6, 0, DROP_DEV_VNET},
    {FRAME_GSO_TCPV6, 1, DROP_NONE},
    {FRAME_GSO_TCPV6, 65535, DROP_NONE},
    {FRAME_GSO_TCPV4 | VNET_GSO_ECN, 0, DROP_DEV_VNET},
    {FRAME_GSO_TCPV6 | VNET_GSO_ECN, 1, DROP_NONE},
};

START_TEST(a_big_frame_must_say_how_it_is_cut)
{
    for (size_t i = 0; i < ARRAY_LEN(gso); i++) {
        struct frame_meta meta;
        struct header h = {.gso_type = gso[i].type, .gso_size = gso[i].size};
        ck_assert_int_eq(parse(h, 100, true, &meta), gso[i].drop); /* also above the frame's own */
        if (gso[i].drop == DROP_NONE)
            ck_assert_uint_eq(meta.gso_size, meta.gso_type == FRAME_GSO_NONE ? 0 : gso[i].size);
    }
    PROVES("T11");
}
END_TEST

START_TEST(the_length_of_the_headers_is_ignored)
{
    static const uint16_t lies[] = {0, 5, 54, 65535};
    for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
        struct frame_meta meta;
        struct header h = {.flags = FRAME_NEEDS_CSUM,
                           .gso_type = FRAME_GSO_TCPV4,
                           .hdr_len = lies[i],
                           .gso_size = 1448,
                           .csum_start = 34,
                           .csum_offset = 16};
        ck_assert_int_eq(parse(h, 60, true, &meta), DROP_NONE);
        ck_assert_uint_eq(meta.csum_start, 34);
        ck_assert_uint_eq(meta.csum_offset, 16);
    }
    PROVES("T12");
}
END_TEST

static const struct {
    uint16_t start, offset;
    size_t frame_len;
    enum drop drop;
} csum[] = {
    {34, 16, 60, DROP_NONE},
    {34, 16, 52, DROP_NONE},     /* the field is the end of the frame */
    {34, 16, 51, DROP_DEV_VNET}, /* half of it is missing */
    {34, 16, 50, DROP_DEV_VNET},
    {34, 16, 0, DROP_DEV_VNET},
    {14, 0, 16, DROP_NONE},
    {13, 0, 16, DROP_DEV_VNET}, /* in the Ethernet header */
    {0, 0, 60, DROP_DEV_VNET},
    {0, 50, 60, DROP_DEV_VNET},
    {65535, 0, 60, DROP_DEV_VNET},
    {34, 65535, 60, DROP_DEV_VNET},
    {65535, 65535, 60, DROP_DEV_VNET},
    {65535, 65535, 65550, DROP_DEV_VNET},
    {65535, 3, 65540, DROP_NONE}, /* the sum is not made in 16 bits */
    {65535, 4, 65540, DROP_DEV_VNET},
    {34, 65503, 60, DROP_DEV_VNET}, /* 1 in 16 bits */
};

START_TEST(a_checksum_field_must_lie_in_the_frame)
{
    for (size_t i = 0; i < ARRAY_LEN(csum); i++) {
        struct frame_meta meta;
        struct header h = {
            .flags = FRAME_NEEDS_CSUM, .csum_start = csum[i].start, .csum_offset = csum[i].offset};
        ck_assert_int_eq(parse(h, csum[i].frame_len, true, &meta), csum[i].drop);

        /* Without the flag the two fields mean nothing. */
        h.flags = FRAME_CSUM_VALID;
        ck_assert_int_eq(parse(h, csum[i].frame_len, true, &meta), DROP_NONE);
        ck_assert_uint_eq(meta.csum_start, 0);
        ck_assert_uint_eq(meta.csum_offset, 0);
    }
}
END_TEST

START_TEST(flags_are_ignored_when_offload_was_not_negotiated)
{
    for (unsigned flags = 0; flags <= 0xff; flags++) {
        struct frame_meta meta;
        struct header h = {.flags = (uint8_t)flags, .csum_start = 65535, .csum_offset = 65535};
        ck_assert_int_eq(parse(h, 60, false, &meta), DROP_NONE);
        ck_assert_uint_eq(meta.flags, 0);
        ck_assert_uint_eq(meta.csum_start, 0);
        ck_assert_uint_eq(meta.csum_offset, 0);
    }
}
END_TEST

START_TEST(emit_is_the_mirror_of_parse)
{
    const struct frame_meta meta = {.flags = FRAME_NEEDS_CSUM,
                                    .gso_type = FRAME_GSO_TCPV6,
                                    .gso_size = 0x1234,
                                    .csum_start = 0x0156,
                                    .csum_offset = 0x0010};
    static const uint8_t octets[VNET_HEADER] = {1, 4, 0, 0, 0x34, 0x12, 0x56, 0x01, 0x10, 0x00};
    uint8_t out[VNET_HEADER];
    struct frame_meta again;

    vnet_emit(&meta, out);
    ck_assert_mem_eq(out, octets, VNET_HEADER);
    ck_assert_int_eq(parse_exact(out, VNET_HEADER, 2000, true, &again), DROP_NONE);
    ck_assert_uint_eq(again.flags, meta.flags);
    ck_assert_uint_eq(again.gso_type, meta.gso_type);
    ck_assert_uint_eq(again.gso_size, meta.gso_size);
    ck_assert_uint_eq(again.csum_start, meta.csum_start);
    ck_assert_uint_eq(again.csum_offset, meta.csum_offset);
}
END_TEST

/* --- completing a partial checksum -------------------------------------------------------- */

enum { L4 = ETH_HEADER + 20 };

/* A frame of `len` octets whose checksum field, `offset` behind the IP header, holds the sum of the
 * pseudo-header as the kernel leaves it. */
static void make_partial(uint8_t *frame, size_t len, uint8_t protocol, uint16_t offset,
                         struct frame_meta *meta, struct checksum *pseudo)
{
    for (size_t i = 0; i < len; i++)
        frame[i] = (uint8_t)(i * 7 + 3);
    *pseudo = (struct checksum){0};
    checksum_add_pseudo(pseudo, ip_from_v4(0x0a090001), ip_from_v4(0x0a090002), protocol,
                        (uint32_t)(len - L4));
    put_be16(frame + L4 + offset, checksum_fold(*pseudo));
    *meta = (struct frame_meta){.flags = FRAME_NEEDS_CSUM, .csum_start = L4, .csum_offset = offset};
}

START_TEST(a_completed_checksum_is_right)
{
    for (size_t len = L4 + 20; len < L4 + 60; len++) {
        struct frame_meta meta;
        struct checksum sum;
        uint8_t *frame = malloc(len);
        make_partial(frame, len, 6, 16, &meta, &sum);
        vnet_complete(frame, len, &meta);
        checksum_add(&sum, bytes_of(frame + L4, len - L4));
        ck_assert_uint_eq(checksum_finish(sum), 0);
        ck_assert_uint_eq(meta.flags, 0);
        ck_assert_uint_eq(meta.csum_start, 0);
        ck_assert_uint_eq(meta.csum_offset, 0);
        free(frame);
    }
}
END_TEST

START_TEST(a_checksum_of_zero_is_sent_as_all_ones)
{
    uint8_t frame[L4 + 10];
    struct frame_meta meta;
    struct checksum sum;

    make_partial(frame, sizeof(frame), 17, 6, &meta, &sum);
    put_be16(frame + L4 + 8, 0);
    uint16_t so_far = checksum_of(bytes_of(frame + L4, 10));
    put_be16(frame + L4 + 8, so_far); /* now all of it sums up to -0 */
    vnet_complete(frame, sizeof(frame), &meta);
    ck_assert_uint_eq(frame[L4 + 6], 0xff);
    ck_assert_uint_eq(frame[L4 + 7], 0xff);
    checksum_add(&sum, bytes_of(frame + L4, 10));
    ck_assert_uint_eq(checksum_finish(sum), 0);
}
END_TEST

START_TEST(a_frame_that_asks_for_nothing_is_left_alone)
{
    uint8_t frame[60], before[60];
    struct frame_meta meta;
    struct checksum sum;

    make_partial(frame, sizeof(frame), 6, 16, &meta, &sum);
    meta.flags = FRAME_CSUM_VALID;
    memcpy(before, frame, sizeof(frame));
    vnet_complete(frame, sizeof(frame), &meta);
    ck_assert_mem_eq(frame, before, sizeof(frame));
    ck_assert_uint_eq(meta.flags, FRAME_CSUM_VALID);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("vnet");

    TCase *c = tcase_create("virtio_net_hdr: parse");
    tcase_add_test(c, a_header_is_read_only_when_it_is_all_there);
    tcase_add_test(c, an_empty_header_asks_for_nothing);
    tcase_add_test(c, a_type_is_refused_unless_it_is_known);
    tcase_add_test(c, unknown_flags_are_ignored);
    tcase_add_test(c, a_big_frame_must_say_how_it_is_cut);
    tcase_add_test(c, the_length_of_the_headers_is_ignored);
    tcase_add_test(c, a_checksum_field_must_lie_in_the_frame);
    tcase_add_test(c, flags_are_ignored_when_offload_was_not_negotiated);
    tcase_add_test(c, emit_is_the_mirror_of_parse);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 1071: a partial checksum");
    tcase_add_test(c, a_completed_checksum_is_right);
    tcase_add_test(c, a_checksum_of_zero_is_sent_as_all_ones);
    tcase_add_test(c, a_frame_that_asks_for_nothing_is_left_alone);
    suite_add_tcase(s, c);

    return run_suite(s, "vnet");
}
