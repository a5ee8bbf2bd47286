/*
 * test_octet_ring.c - octets that wait: in order, whole or not at all, never beyond the cap.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/octet_ring.h"
#include "base/prng.h"
#include "support/proves.h"

enum { ROOM = 13 };

static struct octet_ring ring;
static uint8_t *at;

static void given_an_empty_ring(void)
{
    at = malloc(ROOM); /* exact, so that a sanitizer sees a write past it */
    ck_assert_ptr_nonnull(at);
    octet_ring_init(&ring, at, ROOM);
}

static void free_ring(void)
{
    free(at);
}

START_TEST(ring_takes_a_piece_whole_or_not_at_all)
{
    struct iovec iov[2];

    ck_assert_int_eq(octet_ring_peek(&ring, iov), 0);
    ck_assert(octet_ring_put(&ring, bytes_of("0123456789", 10)));
    ck_assert(!octet_ring_put(&ring, bytes_of("abcd", 4)));
    ck_assert_uint_eq(ring.refused, 1);
    ck_assert(octet_ring_put(&ring, bytes_of("abc", 3)));
    ck_assert_uint_eq(octet_ring_left(&ring), 0);
    ck_assert(octet_ring_put(&ring, bytes_of("", 0)));
    ck_assert_int_eq(octet_ring_peek(&ring, iov), 1);
    ck_assert_uint_eq(iov[0].iov_len, ROOM);
    ck_assert_mem_eq(iov[0].iov_base, "0123456789abc", ROOM);
}
END_TEST

/* What goes in comes out, in order, wherever the ring's seam is. */
START_TEST(ring_keeps_the_order_across_its_seam)
{
    struct prng prng;
    uint8_t in = 0, out = 0, piece[ROOM + 1];
    struct iovec iov[2];

    prng_seed(&prng, (uint64_t)_i);
    for (int step = 0; step < 2000; step++) {
        size_t len = (size_t)(prng_next(&prng) % (ROOM + 2));
        for (size_t i = 0; i < len; i++)
            piece[i % sizeof(piece)] = (uint8_t)(in + i);
        size_t before = ring.len;
        bool fits = len <= octet_ring_left(&ring);
        ck_assert(octet_ring_put(&ring, bytes_of(piece, len)) == fits);
        ck_assert_uint_eq(ring.len, before + (fits ? len : 0));
        in = (uint8_t)(in + (fits ? len : 0));
        int count = octet_ring_peek(&ring, iov);
        size_t take = ring.len ? (size_t)(prng_next(&prng) % (ring.len + 1)) : 0, seen = 0;
        for (int i = 0; i < count; i++)
            for (size_t k = 0; k < iov[i].iov_len && seen < take; k++, seen++)
                ck_assert_uint_eq(((uint8_t *)iov[i].iov_base)[k], out++);
        ck_assert_uint_eq(seen, take);
        octet_ring_take(&ring, take);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("octet ring");
    TCase *c = tcase_create("a ring of 13 octets");
    tcase_add_checked_fixture(c, given_an_empty_ring, free_ring);
    tcase_add_test(c, ring_takes_a_piece_whole_or_not_at_all);
    tcase_add_loop_test(c, ring_keeps_the_order_across_its_seam, 1, 9);
    suite_add_tcase(s, c);
    return run_suite(s, "octet_ring");
}
