/*
 * test_bytes.c - readers and writers on buffers of exactly every length.
 */
#include "base/bytes.h"

#include <stdlib.h>

#include "support/proves.h"

enum { LONGEST = 40 };

/* `len` octets 1, 2, 3 ... at the very end of an allocation. */
static uint8_t *exact(size_t len)
{
    uint8_t *octets = malloc(len ? len : 1);
    ck_assert_ptr_nonnull(octets);
    for (size_t i = 0; i < len; i++)
        octets[i] = (uint8_t)(i + 1);
    return octets;
}

START_TEST(a_reader_gives_what_is_there_and_zeros_behind_the_end)
{
    size_t len = (size_t)_i;
    uint8_t *octets = exact(len);
    struct reader r = reader_of(bytes_of(octets, len));
    uint8_t copy[4], expected_copy[4] = {8, 9, 10, 11};

    /* 1 + 2 + 4 + 4 + 3 octets; each field is right if it lies inside, else zero from there on. */
    ck_assert_uint_eq(read_u8(&r), len >= 1 ? 0x01 : 0);
    ck_assert_int_eq(r.overrun, len < 1);
    ck_assert_uint_eq(read_be16(&r), len >= 3 ? 0x0203 : 0);
    ck_assert_int_eq(r.overrun, len < 3);
    ck_assert_uint_eq(read_be32(&r), len >= 7 ? 0x04050607 : 0);
    ck_assert_int_eq(r.overrun, len < 7);
    memset(copy, 0xee, sizeof(copy));
    read_into(&r, copy, 4);
    if (len < 11)
        memset(expected_copy, 0, 4);
    ck_assert_mem_eq(copy, expected_copy, 4);
    ck_assert_int_eq(r.overrun, len < 11);
    struct bytes piece = read_bytes(&r, 3);
    ck_assert_uint_eq(piece.len, len >= 14 ? 3 : 0);
    if (piece.len)
        ck_assert_uint_eq(piece.at[2], 14);
    ck_assert_int_eq(r.overrun, len < 14);
    ck_assert_uint_eq(r.rest.len, len >= 14 ? len - 14 : 0);
    free(octets);
}
END_TEST

START_TEST(a_reader_that_overran_stays_empty)
{
    uint8_t *octets = exact(3);
    struct reader r = reader_of(bytes_of(octets, 3));

    ck_assert_uint_eq(read_be32(&r), 0);
    ck_assert_uint_eq(read_u8(&r), 0); /* although there were three */
    ck_assert_uint_eq(read_be16(&r), 0);
    ck_assert_uint_eq(read_bytes(&r, SIZE_MAX).len, 0);
    ck_assert_uint_eq(read_bytes(&r, 0).len, 0);
    ck_assert(r.overrun);
    free(octets);
}
END_TEST

START_TEST(a_reader_of_nothing_overruns_at_the_first_octet_only)
{
    struct reader r = reader_of((struct bytes){0});
    uint8_t copy[1];

    ck_assert_uint_eq(read_bytes(&r, 0).len, 0);
    read_into(&r, copy, 0);
    ck_assert(!r.overrun);
    read_u8(&r);
    ck_assert(r.overrun);
}
END_TEST

START_TEST(little_endian_numbers_have_their_last_octet_first)
{
    uint8_t octets[6];
    struct writer w = writer_of(octets, 5);

    write_le32(&w, 0x04030201);
    write_le16(&w, 0x0605);
    ck_assert(w.overrun); /* the last has no room for two */
    w = writer_of(octets, 6);
    write_le32(&w, 0x84030201);
    write_le16(&w, 0x8605);
    ck_assert(!w.overrun);
    ck_assert_mem_eq(octets, "\x01\x02\x03\x84\x05\x86", 6);
    struct reader r = reader_of(bytes_of(octets, 6));
    ck_assert_uint_eq(read_le32(&r), 0x84030201);
    ck_assert_uint_eq(read_le16(&r), 0x8605);
    ck_assert_uint_eq(read_le16(&r), 0);
    ck_assert(r.overrun);
    ck_assert_uint_eq(read_le32(&r), 0);
}
END_TEST
START_TEST(a_writer_writes_what_fits_and_nothing_behind_the_end)
{
    static const uint8_t whole[14] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07,
                                      0,    0,    0,    8,    9,    10,   11};
    static const size_t ends[] = {1, 3, 7, 10, 14};
    static const uint8_t text[4] = {8, 9, 10, 11};
    size_t len = (size_t)_i;
    uint8_t *octets = exact(len);
    struct writer w = writer_of(octets, len);
    bool overrun[ARRAY_LEN(ends)];

    write_u8(&w, 0x01);
    overrun[0] = w.overrun;
    write_be16(&w, 0x0203);
    overrun[1] = w.overrun;
    write_be32(&w, 0x04050607);
    overrun[2] = w.overrun;
    write_zeros(&w, 3);
    overrun[3] = w.overrun;
    write_bytes(&w, text, 4);
    overrun[4] = w.overrun;

    size_t written = 0;
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        ck_assert_int_eq(overrun[i], len < ends[i]);
        if (len >= ends[i])
            written = ends[i];
    }
    if (written)
        ck_assert_mem_eq(octets, whole, written);
    for (size_t i = written; i < len; i++)
        ck_assert_uint_eq(octets[i], i + 1);
    ck_assert_uint_eq(w.left, w.overrun ? 0 : len - written);
    free(octets);
}
END_TEST

START_TEST(a_writer_takes_nothing_from_nowhere)
{
    uint8_t octet = 7;
    struct writer w = writer_of(&octet, 1), none = writer_of(NULL, 0);

    write_bytes(&w, NULL, 0);
    write_zeros(&w, 0);
    ck_assert(!w.overrun && w.left == 1);
    write_bytes(&none, NULL, 0);
    write_zeros(&none, 0);
    ck_assert(!none.overrun);
    write_u8(&none, 1);
    ck_assert(none.overrun);
    ck_assert_uint_eq(octet, 7);
}
END_TEST

START_TEST(a_reader_reads_what_a_writer_wrote)
{
    static const uint32_t values[] = {0,      1,      0x7f,       0x80,       0xff,
                                      0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff};
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        uint8_t octets[9];
        struct writer w = writer_of(octets, sizeof(octets));
        write_u8(&w, (uint8_t)values[i]);
        write_be16(&w, (uint16_t)values[i]);
        write_be32(&w, values[i]);
        put_be16(w.at, (uint16_t)values[i]);
        struct reader r = reader_of(bytes_of(octets, sizeof(octets)));
        ck_assert_uint_eq(read_u8(&r), (uint8_t)values[i]);
        ck_assert_uint_eq(read_be16(&r), (uint16_t)values[i]);
        ck_assert_uint_eq(read_be32(&r), values[i]);
        ck_assert_uint_eq(read_be16(&r), (uint16_t)values[i]);
        ck_assert(!r.overrun && r.rest.len == 0);
    }
}
END_TEST

START_TEST(views_are_cut_within_their_bounds)
{
    uint8_t *octets = exact(LONGEST);
    for (size_t len = 0; len <= LONGEST; len++)
        for (size_t n = 0; n <= LONGEST + 1; n++) {
            struct bytes b = bytes_of(octets, len);
            size_t first = n < len ? n : len;
            ck_assert_uint_eq(bytes_first(b, n).len, first);
            ck_assert_ptr_eq(bytes_first(b, n).at, octets);
            ck_assert_uint_eq(bytes_skip(b, n).len, len - first);
            ck_assert_ptr_eq(bytes_skip(b, n).at, octets + first);
        }
    ck_assert_uint_eq(bytes_skip((struct bytes){0}, 5).len, 0);
    ck_assert_ptr_null(bytes_skip((struct bytes){0}, 5).at);
    free(octets);
}
END_TEST

START_TEST(views_are_equal_when_their_octets_are)
{
    ck_assert(bytes_equal((struct bytes){0}, bytes_of("x", 0)));
    ck_assert(bytes_equal(bytes_of("abc", 3), bytes_of("abcd", 3)));
    ck_assert(!bytes_equal(bytes_of("abc", 3), bytes_of("abcd", 4)));
    ck_assert(!bytes_equal(bytes_of("abc", 3), bytes_of("abd", 3)));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("bytes");

    TCase *reading = tcase_create("reading");
    tcase_add_loop_test(reading, a_reader_gives_what_is_there_and_zeros_behind_the_end, 0, 18);
    tcase_add_test(reading, a_reader_that_overran_stays_empty);
    tcase_add_test(reading, a_reader_of_nothing_overruns_at_the_first_octet_only);
    tcase_add_test(reading, little_endian_numbers_have_their_last_octet_first);
    suite_add_tcase(s, reading);

    TCase *writing = tcase_create("writing");
    tcase_add_loop_test(writing, a_writer_writes_what_fits_and_nothing_behind_the_end, 0, 18);
    tcase_add_test(writing, a_writer_takes_nothing_from_nowhere);
    tcase_add_test(writing, a_reader_reads_what_a_writer_wrote);
    suite_add_tcase(s, writing);

    TCase *views = tcase_create("views");
    tcase_add_test(views, views_are_cut_within_their_bounds);
    tcase_add_test(views, views_are_equal_when_their_octets_are);
    suite_add_tcase(s, views);

    return run_suite(s, "bytes");
}
