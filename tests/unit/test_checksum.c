/*
 * test_checksum.c - the fast checksum against the one that a child can check.
 */
#include "base/checksum.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "base/prng.h"
#include "support/holds.h"
#include "support/proves.h"

/* RFC 1071, 1, word by word. */
static uint16_t naive(const uint8_t *at, size_t len)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < len; i++) {
        sum += i % 2 ? (uint32_t)at[i] : (uint32_t)at[i] << 8;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

static void fill(struct prng *prng, uint8_t *at, size_t len)
{
    bool extreme = prng_below(prng, 4) == 0; /* carries everywhere, or none */
    for (size_t i = 0; i < len; i++)
        at[i] = extreme ? (uint8_t)(prng_below(prng, 8) ? 0xff : 0) : (uint8_t)prng_next(prng);
}

START_TEST(the_example_of_the_rfc_comes_out)
{
    static const uint8_t example[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    struct checksum c = {0};

    checksum_add(&c, bytes_of(example, sizeof(example)));
    ck_assert_uint_eq(checksum_fold(c), 0xddf2); /* RFC 1071, 3 */
    ck_assert_uint_eq(checksum_finish(c), (uint16_t)~0xddf2);
}
END_TEST

START_TEST(every_length_at_every_alignment_sums_as_the_naive_one)
{
    struct prng prng;

    prng_seed(&prng, 1);
    for (size_t len = 0; len <= 400; len++)
        for (size_t shift = 0; shift < 8; shift++) {
            uint8_t *exact = malloc(shift + len + 1); /* the octets end where the buffer ends */
            HOLDS(exact);
            uint8_t *at = exact + 1 + shift;
            fill(&prng, at, len);
            HOLDS(checksum_of(bytes_of(at, len)) == naive(at, len));
            uint8_t *copy = malloc(len + 1);
            HOLDS(copy);
            struct checksum c = {0};
            checksum_copy(&c, copy + 1, bytes_of(at, len));
            HOLDS(checksum_finish(c) == naive(at, len));
            HOLDS(memcmp(copy + 1, at, len) == 0);
            free(copy);
            free(exact);
        }
}
END_TEST

START_TEST(a_header_of_any_length_sums_as_any_other_octets)
{
    uint8_t header[60];
    struct prng prng;

    prng_seed(&prng, 6);
    for (int round = 0; round < 2000; round++)
        for (size_t len = 0; len <= sizeof(header); len += 4) {
            fill(&prng, header, len);
            struct checksum c = {.sum = prng_next(&prng)}, same = c;
            checksum_add_header(&c, bytes_of(header, len));
            checksum_add(&same, bytes_of(header, len));
            HOLDS(checksum_fold(c) == checksum_fold(same));
            HOLDS(checksum_of_header(bytes_of(header, len)) == naive(header, len));
        }
}
END_TEST

START_TEST(large_buffers_of_ones_do_not_lose_a_carry)
{
    size_t len = 1 << 20;
    uint8_t *at = malloc(len);
    HOLDS(at);
    memset(at, 0xff, len);
    for (size_t cut = 0; cut < 64; cut++)
        HOLDS(checksum_of(bytes_of(at + cut, len - cut)) == naive(at + cut, len - cut));
    free(at);
}
END_TEST

START_TEST(chunks_of_any_length_sum_as_the_whole)
{
    struct prng prng;
    uint8_t octets[2000];

    prng_seed(&prng, 2);
    for (int round = 0; round < 20000; round++) {
        size_t len = prng_below(&prng, round % 2 ? sizeof(octets) : 40);
        struct checksum c = {0};
        fill(&prng, octets, len);
        for (struct bytes rest = bytes_of(octets, len); rest.len;) {
            size_t n = prng_below(&prng, size_min(rest.len, 100) + 1);
            checksum_add(&c, bytes_first(rest, n));
            rest = bytes_skip(rest, n);
        }
        HOLDS(c.odd == len % 2);
        HOLDS(checksum_finish(c) == naive(octets, len));
    }
}
END_TEST

START_TEST(octets_with_their_checksum_inside_come_to_zero)
{
    struct prng prng;
    uint8_t octets[100];

    prng_seed(&prng, 3);
    for (int round = 0; round < 10000; round++) {
        size_t len = 4 + prng_below(&prng, sizeof(octets) - 3);
        fill(&prng, octets, len);
        octets[0] = 0x45; /* as in a header, not all is zero */
        put_be16(octets + 2, 0);
        put_be16(octets + 2, checksum_of(bytes_of(octets, len)));
        HOLDS(checksum_of(bytes_of(octets, len)) == 0);
        octets[prng_below(&prng, len)] ^= (uint8_t)(1u << prng_below(&prng, 8));
        HOLDS(checksum_of(bytes_of(octets, len)) != 0);
    }
}
END_TEST

/* --- pseudo-headers ----------------------------------------------------------------------- */

START_TEST(the_pseudo_header_of_ipv4_counts_as_its_twelve_octets)
{
    struct prng prng;

    prng_seed(&prng, 4);
    for (int round = 0; round < 20000; round++) {
        uint32_t src = (uint32_t)prng_next(&prng), dst = (uint32_t)prng_next(&prng);
        uint8_t protocol = (uint8_t)prng_next(&prng), text[30];
        uint16_t len = round % 3 ? (uint16_t)prng_next(&prng) : (uint16_t)(round % 2 ? 0 : 0xffff);
        uint8_t octets[12 + sizeof(text)];
        struct writer w = writer_of(octets, sizeof(octets));
        fill(&prng, text, sizeof(text));
        write_be32(&w, src);
        write_be32(&w, dst);
        write_u8(&w, 0);
        write_u8(&w, protocol);
        write_be16(&w, len);
        write_bytes(&w, text, sizeof(text));

        struct checksum c = {0};
        checksum_add_pseudo(&c, ip_from_v4(src), ip_from_v4(dst), protocol, len);
        checksum_add(&c, bytes_of(text, sizeof(text)));
        HOLDS(checksum_finish(c) == naive(octets, sizeof(octets)));
    }
}
END_TEST

START_TEST(the_pseudo_header_of_ipv6_counts_as_its_forty_octets)
{
    struct prng prng;

    prng_seed(&prng, 5);
    for (int round = 0; round < 20000; round++) {
        struct ip_addr src, dst;
        fill(&prng, src.octet, 16);
        fill(&prng, dst.octet, 16);
        src.octet[0] = dst.octet[0] = 0x20; /* not mapped */
        uint8_t protocol = (uint8_t)prng_next(&prng), octets[40];
        uint32_t len = (uint32_t)prng_next(&prng);
        struct writer w = writer_of(octets, sizeof(octets));
        write_bytes(&w, src.octet, 16);
        write_bytes(&w, dst.octet, 16);
        write_be32(&w, len);
        write_zeros(&w, 3);
        write_u8(&w, protocol);

        struct checksum c = {0};
        checksum_add_pseudo(&c, src, dst, protocol, len);
        HOLDS(checksum_finish(c) == naive(octets, sizeof(octets)));
    }
}
END_TEST

START_TEST(a_folded_pseudo_header_is_finished_by_summing_what_follows)
{
    /* What FRAME_NEEDS_CSUM means: the field holds the sum so far, and whoever completes it sums
     * the rest with the field in it. */
    uint8_t segment[21] = {[0] = 0x12, [3] = 0x34, [20] = 0x56};
    struct checksum c = {0}, whole = {0};
    struct ip_addr src = ip_from_v4(0x0a090002), dst = ip_from_v4(0x0a090001);

    checksum_add_pseudo(&whole, src, dst, 6, sizeof(segment));
    checksum_add(&whole, bytes_of(segment, sizeof(segment)));

    checksum_add_pseudo(&c, src, dst, 6, sizeof(segment));
    put_be16(segment + 16, checksum_fold(c));
    HOLDS(checksum_of(bytes_of(segment, sizeof(segment))) == checksum_finish(whole));
}
END_TEST

/* --- incremental update ------------------------------------------------------------------- */

START_TEST(the_example_with_the_two_zeros_comes_out)
{
    ck_assert_uint_eq(checksum_update(0xdd2f, 0x5555, 0x3285), 0x0000); /* RFC 1624, 4 */
}
END_TEST

static const uint16_t edges[] = {0,      1,      2,      0x7ffe, 0x7fff, 0x8000,
                                 0x8001, 0xfffd, 0xfffe, 0xffff, 0x5555, 0x3285};

START_TEST(an_update_gives_what_summing_again_gives)
{
    /* All values of one other word. It is never 0, as no header is all zeros: for that one content
     * the two forms of zero differ, and RFC 1624 says why it does not matter. */
    uint16_t old = edges[_i];

    for (uint32_t other = 1; other <= 0xffff; other++)
        for (size_t k = 0; k < ARRAY_LEN(edges); k++) {
            uint8_t before[4], after[4];
            put_be16(before, (uint16_t)other);
            put_be16(before + 2, old);
            put_be16(after, (uint16_t)other);
            put_be16(after + 2, edges[k]);
            HOLDS(checksum_update(naive(before, 4), old, edges[k]) == naive(after, 4));
        }
}
END_TEST

START_TEST(updates_of_random_headers_give_what_summing_again_gives)
{
    struct prng prng;

    prng_seed(&prng, 6);
    for (int round = 0; round < 200000; round++) {
        uint8_t header[20];
        fill(&prng, header, sizeof(header));
        header[0] = 0x45;
        uint16_t checksum = naive(header, sizeof(header));
        size_t at = 2 + 2 * prng_below(&prng, 9);
        uint16_t old = (uint16_t)(header[at] << 8 | header[at + 1]);
        uint16_t new = prng_below(&prng, 4) ? (uint16_t)prng_next(&prng)
                                            : edges[prng_below(&prng, ARRAY_LEN(edges))];
        put_be16(header + at, new);
        HOLDS(checksum_update(checksum, old, new) == naive(header, sizeof(header)));
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("checksum");

    TCase *sum = tcase_create("RFC 1071: the sum");
    tcase_set_timeout(sum, 60);
    tcase_add_test(sum, the_example_of_the_rfc_comes_out);
    tcase_add_test(sum, every_length_at_every_alignment_sums_as_the_naive_one);
    tcase_add_test(sum, a_header_of_any_length_sums_as_any_other_octets);
    tcase_add_test(sum, large_buffers_of_ones_do_not_lose_a_carry);
    tcase_add_test(sum, chunks_of_any_length_sum_as_the_whole);
    tcase_add_test(sum, octets_with_their_checksum_inside_come_to_zero);
    suite_add_tcase(s, sum);

    TCase *pseudo = tcase_create("RFC 9293, 3.1 and RFC 8200, 8.1: the pseudo-header");
    tcase_add_test(pseudo, the_pseudo_header_of_ipv4_counts_as_its_twelve_octets);
    tcase_add_test(pseudo, the_pseudo_header_of_ipv6_counts_as_its_forty_octets);
    tcase_add_test(pseudo, a_folded_pseudo_header_is_finished_by_summing_what_follows);
    suite_add_tcase(s, pseudo);

    TCase *update = tcase_create("RFC 1624, 3: the incremental update");
    tcase_set_timeout(update, 60);
    tcase_add_test(update, the_example_with_the_two_zeros_comes_out);
    tcase_add_loop_test(update, an_update_gives_what_summing_again_gives, 0, ARRAY_LEN(edges));
    tcase_add_test(update, updates_of_random_headers_give_what_summing_again_gives);
    suite_add_tcase(s, update);

    return run_suite(s, "checksum");
}
