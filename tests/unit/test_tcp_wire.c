/*
 * test_tcp_wire.c - the TCP header and its options, on exact buffers of every length.
 *
 * The other side of each comparison is support/wire.c, which reads and writes the same header by
 * hand.
 */
#include <stdlib.h>

#include "base/prng.h"
#include "support/exact.h"
#include "support/holds.h"
#include "support/proves.h"
#include "support/wire.h"
#include "tcp/tcp_wire.h"

enum { OPTIONS_MAX = 40 };

/* A header of 20 octets with the data offset and whatever follows. */
static size_t header(uint8_t *out, unsigned offset, const uint8_t *rest, size_t len)
{
    static const uint8_t fixed[20] = {0x12, 0x34, 0x00, 0x50, 0xde, 0xad, 0xbe, 0xef, 0x01, 0x02,
                                      0x03, 0x04, 0x50, 0x18, 0xab, 0xcd, 0x77, 0x77, 0x00, 0x09};
    memcpy(out, fixed, 20);
    out[12] = (uint8_t)(offset << 4);
    if (len)
        memcpy(out + 20, rest, len);
    return 20 + len;
}

static enum drop parse(const uint8_t *octets, size_t len, struct tcp_segment *seg)
{
    struct bytes exact = exact_copy(octets, len);
    enum drop drop = tcp_parse(exact, seg);
    /* What it points at is inside; it is looked at, so that AddressSanitizer sees. */
    if (drop == DROP_NONE) {
        HOLDS(seg->text.len <= len);
        HOLDS(seg->text.len == 0 ||
              (seg->text.at >= exact.at && seg->text.at + seg->text.len == exact.at + exact.len));
        for (size_t i = 0; i < seg->text.len; i++)
            HOLDS(seg->text.at[i] == exact.at[len - seg->text.len + i]);
    }
    exact_free(exact);
    return drop;
}

START_TEST(every_field_is_where_the_rfc_draws_it)
{
    uint8_t octets[24];
    struct tcp_segment seg;

    size_t len = header(octets, 5, (const uint8_t *)"text", 4);
    ck_assert_int_eq(parse(octets, len, &seg), DROP_NONE);
    ck_assert_uint_eq(seg.src_port, 0x1234);
    ck_assert_uint_eq(seg.dst_port, 80);
    ck_assert_uint_eq(seg.seq.value, 0xdeadbeef);
    ck_assert_uint_eq(seg.ack.value, 0x01020304);
    ck_assert_uint_eq(seg.flags & 0x3f, TCP_PSH | TCP_ACK);
    ck_assert_uint_eq(seg.window, 0xabcd);
    ck_assert_uint_eq(seg.urgent, 9);
    ck_assert_uint_eq(seg.text.len, 4);
    ck_assert(!seg.options.has_mss && !seg.options.has_window_scale && !seg.options.malformed);
    PROVES("C01");
}
END_TEST

START_TEST(a_header_must_fit_into_the_segment_and_have_twenty_octets)
{
    uint8_t rest[80] = {0}, octets[100];
    struct tcp_segment seg;

    for (size_t len = 0; len <= sizeof(octets); len++) {
        for (unsigned offset = 0; offset < 16; offset++) {
            header(octets, offset, rest, sizeof(rest));
            bool good = len >= 20 && offset >= 5 && offset * 4 <= len;
            HOLDS(parse(octets, len, &seg) == (good ? DROP_NONE : DROP_TCP_HEADER));
            HOLDS(!good || seg.text.len == len - offset * 4);
        }
    }
    PROVES("C01", "RFC9293-ROBUST-1");
}
END_TEST

/* --- options
 * ------------------------------------------------------------------------------------------- */

static struct tcp_options parse_options(const uint8_t *list, size_t len)
{
    uint8_t octets[60], padded[OPTIONS_MAX] = {0};
    struct tcp_segment seg;

    memcpy(padded, list, len);
    size_t area = (len + 3) / 4 * 4;
    HOLDS(parse(octets, header(octets, 5 + (unsigned)area / 4, padded, area), &seg) == DROP_NONE);
    return seg.options;
}

/* RFC 9293, 3.1 and 3.2; a malformed one ends it (MUST-7, THREATS C03). `open`: an MSS or a window
 * scale of a wrong length came by, and what is said then is not fixed. */
struct model {
    struct tcp_options options;
    bool open;
};

static struct model model_of(const uint8_t *list, size_t len)
{
    struct model m = {.open = false};
    size_t i = 0;

    while (i < len && list[i] != 0) {
        if (list[i] == 1) {
            i++;
            continue;
        }
        if (i + 1 >= len || list[i + 1] < 2 || i + list[i + 1] > len) {
            m.options.malformed = true;
            return m;
        }
        size_t n = list[i + 1];
        if (list[i] == 2) {
            if (n != 4 || m.options.has_mss) {
                m.open = true;
            } else {
                m.options.has_mss = true;
                m.options.mss = (uint16_t)(list[i + 2] << 8 | list[i + 3]);
            }
        } else if (list[i] == 3) {
            if (n != 3 || m.options.has_window_scale) {
                m.open = true;
            } else {
                m.options.has_window_scale = true;
                m.options.window_scale = list[i + 2];
            }
        }
        static const struct {
            uint8_t kind;
            size_t len;
        } known[] = {{4, 2}, {8, 10}};
        for (size_t k = 0; k < ARRAY_LEN(known); k++)
            m.open |= list[i] == known[k].kind && n != known[k].len;
        m.open |= list[i] == 5 && (n < 10 || (n - 2) % 8 != 0);
        i += n;
    }
    return m;
}

static void compare_options(const uint8_t *list, size_t len)
{
    struct model want = model_of(list, len);
    struct tcp_options got = parse_options(list, len);

    if (want.open)
        return;
    HOLDS(got.malformed == want.options.malformed);
    HOLDS(got.has_mss == want.options.has_mss);
    HOLDS(!got.has_mss || got.mss == want.options.mss);
    HOLDS(got.has_window_scale == want.options.has_window_scale);
    uint8_t shift = want.options.window_scale;
    HOLDS(!got.has_window_scale || got.window_scale == shift ||
          (shift > 14 && got.window_scale == 14));
}

/* 256 kinds with 256 lengths, at the begin and at the end of a full header. */
START_TEST(every_kind_with_every_length_is_walked_or_ends_the_walk)
{
    uint8_t list[OPTIONS_MAX];

    for (unsigned kind = 0; kind < 256; kind++) {
        for (unsigned len = 0; len < 256; len++) {
            memset(list, 1, sizeof(list));
            list[0] = (uint8_t)kind;
            list[1] = (uint8_t)len;
            memcpy(list + 34, "\2\4\5\xb4", 4);
            compare_options(list, sizeof(list));
            memset(list, 1, sizeof(list));
            memcpy(list, "\2\4\5\xb4\1\3\3\7", 8);
            list[38] = (uint8_t)kind;
            list[39] = (uint8_t)len;
            compare_options(list, sizeof(list));
            memset(list, 1, sizeof(list));
            list[39] = (uint8_t)kind; /* no room for a length */
            compare_options(list, sizeof(list));
        }
    }
    PROVES("C03", "RFC9293-MUST-7", "RFC9293-MUST-6", "RFC9293-MUST-68");
}
END_TEST

START_TEST(random_lists_mean_what_the_rfc_says)
{
    struct prng prng;
    uint8_t list[OPTIONS_MAX];

    prng_seed(&prng, (uint64_t)_i);
    for (int n = 0; n < 100000; n++) {
        size_t len = prng_below(&prng, 11) * 4;
        for (size_t i = 0; i < len; i++) {
            static const uint8_t likely[] = {0, 1, 1, 2, 2, 3, 3, 4, 4, 8, 10, 5, 254};
            list[i] = prng_below(&prng, 3) ? likely[prng_below(&prng, sizeof(likely))]
                                           : (uint8_t)prng_next(&prng);
        }
        compare_options(list, len);
    }
    PROVES("C03", "RFC9293-MUST-64");
}
END_TEST

START_TEST(an_option_may_begin_anywhere)
{
    for (size_t at = 0; at + 4 <= OPTIONS_MAX; at++) {
        uint8_t list[OPTIONS_MAX];
        memset(list, 1, sizeof(list));
        memcpy(list + at, "\2\4\5\xb4", 4);
        struct tcp_options got = parse_options(list, sizeof(list));
        ck_assert(got.has_mss && got.mss == 1460 && !got.malformed);
    }
    PROVES("RFC9293-MUST-64", "RFC9293-MUST-4");
}
END_TEST

/* --- writing
 * -----------------------------------------------------------------------------------------------
 */

START_TEST(what_is_written_reads_back_and_fills_the_header_with_zeros)
{
    struct prng prng;

    prng_seed(&prng, (uint64_t)_i);
    for (int n = 0; n < 20000; n++) {
        struct tcp_segment seg = {
            .src_port = (uint16_t)prng_next(&prng),
            .dst_port = (uint16_t)prng_next(&prng),
            .seq = seq((uint32_t)prng_next(&prng)),
            .ack = seq((uint32_t)prng_next(&prng)),
            .flags = (uint8_t)prng_below(&prng, 64),
            .window = (uint16_t)prng_next(&prng),
            .urgent = (uint16_t)prng_next(&prng),
            .options = {.has_mss = prng_below(&prng, 2),
                        .mss = (uint16_t)prng_next(&prng),
                        .has_window_scale = prng_below(&prng, 2),
                        .window_scale = (uint8_t)prng_below(&prng, 15),
                        .sack_permitted = prng_below(&prng, 2),
                        .has_timestamps = prng_below(&prng, 2),
                        .ts_val = (uint32_t)prng_next(&prng),
                        .ts_ecr = (uint32_t)prng_next(&prng)},
        };
        struct tcp_segment back;
        if (!(seg.flags & TCP_SYN)) { /* nobody may write them there (MUST-65) */
            seg.options.has_mss = seg.options.has_window_scale = seg.options.sack_permitted = false;
            uint8_t most = seg.options.has_timestamps ? TCP_SACK_BLOCKS_TS : TCP_SACK_BLOCKS;
            seg.options.sack_count = (uint8_t)prng_below(&prng, most + 1u);
        }
        for (int b = 0; b < seg.options.sack_count; b++)
            seg.options.sack[b] = (struct tcp_block){seq((uint32_t)prng_next(&prng)),
                                                     seq((uint32_t)prng_next(&prng))};
        size_t len = tcp_header_len(&seg);
        HOLDS(len >= 20 && len <= 60 && len % 4 == 0);
        uint8_t *octets = malloc(len);
        ck_assert_ptr_nonnull(octets);
        memset(octets, 0xee, len);
        struct writer w = writer_of(octets, len);
        tcp_emit(&w, &seg);
        HOLDS(!w.overrun && w.left == 0);
        HOLDS(octets[16] == 0 && octets[17] == 0);
        HOLDS((octets[12] & 15) == 0 && (size_t)(octets[12] >> 4) * 4 == len);
        struct model m = model_of(octets + 20, len - 20);
        HOLDS(!m.open && !m.options.malformed);
        HOLDS(parse(octets, len, &back) == DROP_NONE);
        HOLDS(back.src_port == seg.src_port && back.dst_port == seg.dst_port);
        HOLDS(seq_eq(back.seq, seg.seq) && seq_eq(back.ack, seg.ack));
        HOLDS(back.flags == seg.flags && back.window == seg.window && back.urgent == seg.urgent);
        HOLDS(back.text.len == 0);
        HOLDS(back.options.has_mss == seg.options.has_mss);
        HOLDS(!seg.options.has_mss || back.options.mss == seg.options.mss);
        HOLDS(back.options.has_window_scale == seg.options.has_window_scale);
        HOLDS(!seg.options.has_window_scale ||
              back.options.window_scale == seg.options.window_scale);
        HOLDS(back.options.sack_permitted == seg.options.sack_permitted);
        HOLDS(back.options.has_timestamps == seg.options.has_timestamps);
        HOLDS(!seg.options.has_timestamps || (back.options.ts_val == seg.options.ts_val &&
                                              back.options.ts_ecr == seg.options.ts_ecr));
        HOLDS(back.options.sack_count == seg.options.sack_count);
        for (int b = 0; b < seg.options.sack_count; b++)
            HOLDS(seq_eq(back.options.sack[b].left, seg.options.sack[b].left) &&
                  seq_eq(back.options.sack[b].right, seg.options.sack[b].right));
        free(octets);
    }
    PROVES("RFC9293-MUST-69", "RFC9293-MUST-68");
}
END_TEST

/* As the field writes them: every receiver has seen these lists. */
START_TEST(options_stand_in_the_usual_order_with_the_usual_padding)
{
    static const struct {
        uint8_t flags;
        struct tcp_options options;
        const char *octets;
        size_t len;
    } row[] = {
        {TCP_SYN,
         {.has_mss = true,
          .mss = 1460,
          .sack_permitted = true,
          .has_timestamps = true,
          .ts_val = 1,
          .ts_ecr = 2,
          .has_window_scale = true,
          .window_scale = 7},
         "\2\4\5\xb4\4\2\x8\xa\0\0\0\1\0\0\0\2\1\3\3\7",
         20},
        {TCP_SYN,
         {.has_mss = true,
          .mss = 1460,
          .sack_permitted = true,
          .has_window_scale = true,
          .window_scale = 7},
         "\2\4\5\xb4\1\1\4\2\1\3\3\7",
         12},
        {TCP_SYN,
         {.has_mss = true, .mss = 1460, .has_timestamps = true, .ts_val = 1, .ts_ecr = 2},
         "\2\4\5\xb4\1\1\x8\xa\0\0\0\1\0\0\0\2",
         16},
        {TCP_ACK,
         {.has_timestamps = true,
          .ts_val = 1,
          .ts_ecr = 2,
          .sack_count = 1,
          .sack = {{{0x01020304}, {0x05060708}}}},
         "\1\1\x8\xa\0\0\0\1\0\0\0\2\1\1\5\xa\1\2\3\4\5\6\7\x8",
         24},
    };
    uint8_t octets[60];
    struct tcp_segment seg = {.flags = row[_i].flags, .options = row[_i].options};
    struct writer w = writer_of(octets, sizeof(octets));

    tcp_emit(&w, &seg);
    ck_assert_uint_eq(tcp_header_len(&seg), 20 + row[_i].len);
    ck_assert_mem_eq(octets + 20, row[_i].octets, row[_i].len);
}
END_TEST

/* --- the checksum
 * -------------------------------------------------------------------------------------------- */

START_TEST(the_checksum_covers_every_bit_and_the_pseudo_header)
{
    static uint8_t frame[WIRE_FRAME_MAX];
    struct prng prng;
    uint8_t text[1461];

    prng_seed(&prng, 7);
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)prng_next(&prng);
    for (size_t n = 0; n < sizeof(text); n += 1 + n / 7) {
        struct wire_tcp t = {.ip_src = 0x0a090001,
                             .ip_dst = 0x0a090002,
                             .src_port = 1,
                             .dst_port = 2,
                             .flags = WIRE_ACK,
                             .text = {text, n}};
        wire_emit(frame, &t);
        uint8_t *tcp = frame + 34;
        struct bytes segment = exact_copy(tcp, 20 + n);
        struct ip_addr src = ip_from_v4(t.ip_src), dst = ip_from_v4(t.ip_dst);
        HOLDS(tcp_checksum_is_right(src, dst, segment));
        HOLDS(tcp_checksum_is_right(dst, src, segment)); /* a sum knows no order */
        HOLDS(!tcp_checksum_is_right(ip_from_v4(0x0a090003), dst, segment));
        exact_free(segment);
        for (size_t bit = 0; bit < (20 + n) * 8; bit += 1 + n / 8) {
            tcp[bit / 8] ^= (uint8_t)(1 << bit % 8);
            HOLDS(!tcp_checksum_is_right(src, dst, bytes_of(tcp, 20 + n)));
            tcp[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        HOLDS(!tcp_checksum_is_right(src, dst, bytes_of(tcp, 18)));
    }
    PROVES("C02", "RFC9293-MUST-3");
}
END_TEST

START_TEST(syn_and_fin_count_as_one_octet_each)
{
    struct tcp_segment seg = {.text = {NULL, 0}};

    for (unsigned flags = 0; flags < 64; flags++) {
        for (size_t len = 0; len < 3; len++) {
            seg.flags = (uint8_t)flags;
            seg.text.len = len;
            ck_assert_uint_eq(tcp_seg_len(&seg), len + !!(flags & TCP_SYN) + !!(flags & TCP_FIN));
        }
    }
}
END_TEST

/* --- the circle (tcp_seq.h)
 * ------------------------------------------------------------------------------------ */

START_TEST(comparisons_go_round_the_circle)
{
    static const uint32_t starts[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffff0, 1000};

    for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
        tcp_seq a = seq(starts[i]);
        for (uint32_t n = 0; n < 0x7fffffff; n = n * 3 + 1) {
            tcp_seq b = seq_add(a, n);
            HOLDS(seq_diff(b, a) == n);
            HOLDS(seq_le(a, b) && !seq_lt(b, a));
            HOLDS(seq_lt(a, b) == (n > 0));
            HOLDS(seq_eq(seq_sub(b, n), a));
            HOLDS(seq_eq(seq_max(a, b), b) && seq_eq(seq_min(a, b), a));
            HOLDS(seq_eq(seq_max(b, a), b) && seq_eq(seq_min(b, a), a));
            HOLDS(seq_in(b, a, n + 1) && !seq_in(b, a, n));
            HOLDS(!seq_in(seq_sub(a, 1), a, n));
        }
    }
    PROVES("RFC9293-SEQ-7", "C11");
}
END_TEST

/* UDP over IPv4 says with a zero that there is no checksum; TCP always has one. */
START_TEST(a_checksum_of_zero_is_verified_like_any_other)
{
    static uint8_t frame[WIRE_FRAME_MAX];
    uint8_t text[4] = {0};
    struct wire_tcp t = {.ip_src = 0x0a090001,
                         .ip_dst = 0x0a090002,
                         .src_port = 1,
                         .dst_port = 2,
                         .flags = WIRE_ACK,
                         .text = {text, sizeof text}};
    struct ip_addr src = ip_from_v4(t.ip_src), dst = ip_from_v4(t.ip_dst);
    uint8_t *tcp = frame + 34;

    wire_emit(frame, &t);
    memcpy(tcp + 20, tcp + TCP_CSUM_OFFSET, 2); /* the text brings the sum to what a zero says */
    memset(tcp + TCP_CSUM_OFFSET, 0, 2);
    HOLDS(tcp_checksum_is_right(src, dst, bytes_of(tcp, 24)));
    tcp[23] ^= 1;
    HOLDS(!tcp_checksum_is_right(src, dst, bytes_of(tcp, 24)));
    PROVES("C02", "RFC9293-MUST-3");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("tcp_wire");

    TCase *c = tcase_create("RFC 9293, 3.1: header format");
    tcase_add_test(c, every_field_is_where_the_rfc_draws_it);
    tcase_add_test(c, a_header_must_fit_into_the_segment_and_have_twenty_octets);
    tcase_add_loop_test(c, what_is_written_reads_back_and_fills_the_header_with_zeros, 0, 4);
    tcase_add_test(c, the_checksum_covers_every_bit_and_the_pseudo_header);
    tcase_add_test(c, a_checksum_of_zero_is_verified_like_any_other);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 9293, 3.2: options");
    tcase_add_test(c, every_kind_with_every_length_is_walked_or_ends_the_walk);
    tcase_add_loop_test(c, random_lists_mean_what_the_rfc_says, 0, 4);
    tcase_add_test(c, an_option_may_begin_anywhere);
    tcase_add_loop_test(c, options_stand_in_the_usual_order_with_the_usual_padding, 0, 4);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 9293, 3.4: sequence numbers");
    tcase_add_test(c, syn_and_fin_count_as_one_octet_each);
    tcase_add_test(c, comparisons_go_round_the_circle);
    suite_add_tcase(s, c);
    return run_suite(s, "tcp_wire");
}
