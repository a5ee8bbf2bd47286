/*
 * test_isn.c - numbers that nobody should guess: where counting and clocks start (RFC 9293, 3.4.1;
 * RFC 7323, 7.1), a million of them.
 *
 * The initial sequence number and the offset of the timestamps are one function of the tuple under
 * two keys. What an off-path attacker can have is the numbers of tuples beside the one that he is
 * after, so those are compared: each octet must be evenly distributed (chi-square), and neighbours
 * must differ in half of their bits, whichever part of the tuple has moved, and whether the key is
 * the same or, after a restart, another.
 */
#include "tcp/isn.h"

#include <check.h>
#include <stdlib.h>

#include "base/base.h"
#include "support/proves.h"

enum { SAMPLES = 1000000 };

static const struct hash_key one_key = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
static const instant now = {0};

/* The tuples of a client that opens again and again: another port each time, then another host. */
static uint32_t number(struct hash_key key, uint32_t i)
{
    struct endpoint local = {ip_from_v4(0x0a090002), 80};
    struct endpoint remote = {ip_from_v4(0x0a090100 + i / 16384), (uint16_t)(49152 + i % 16384)};

    return isn_of(key, local, remote, now).value;
}

static int bits(uint32_t v)
{
    int n = 0;

    for (; v; v &= v - 1)
        n++;
    return n;
}

/* Chi-square with 255 degrees of freedom: 255 is expected, its deviation is 22.6; six of them. */
START_TEST(each_octet_of_a_million_numbers_is_evenly_distributed)
{
    static uint32_t count[4][256];

    for (uint32_t i = 0; i < SAMPLES; i++) {
        uint32_t n = number(one_key, i);
        for (int octet = 0; octet < 4; octet++)
            count[octet][n >> 8 * octet & 255]++;
    }
    for (int octet = 0; octet < 4; octet++) {
        double chi = 0, expected = SAMPLES / 256.0;
        for (int v = 0; v < 256; v++)
            chi += (count[octet][v] - expected) * (count[octet][v] - expected) / expected;
        ck_assert_double_lt(chi, 255 + 6 * 22.6);
        ck_assert_double_gt(chi, 255 - 6 * 22.6); /* too even is a pattern, too */
    }
    PROVES("C40", "RFC9293-SHLD-1");
}
END_TEST

/* Of 32 bits 16 are expected to differ; the mean of a million strays by 0.003. */
START_TEST(neighbours_and_restarts_have_nothing_in_common)
{
    struct hash_key other = one_key;
    int64_t next = 0, again = 0;

    other.k0 ^= 1; /* another key, as little as it can be */
    for (uint32_t i = 0; i < SAMPLES; i++) {
        uint32_t n = number(one_key, i);
        next += bits(n ^ number(one_key, i + 1));
        again += bits(n ^ number(other, i));
    }
    ck_assert_int_lt(llabs(next - 16 * (int64_t)SAMPLES), SAMPLES / 50);
    ck_assert_int_lt(llabs(again - 16 * (int64_t)SAMPLES), SAMPLES / 50);
    PROVES("C40", "RFC9293-SHLD-1", "RFC9293-MUST-9");
}
END_TEST

/* The differences of neighbours are as even as the numbers: a difference that comes often would be
 * the first guess. */
START_TEST(the_step_from_one_number_to_the_next_cannot_be_guessed)
{
    static uint32_t count[65536];
    uint32_t last = number(one_key, 0), most = 0;

    for (uint32_t i = 1; i <= SAMPLES; i++) {
        uint32_t n = number(one_key, i);
        uint32_t seen = ++count[(n - last) >> 16];
        most = seen > most ? seen : most;
        last = n;
    }
    ck_assert_uint_lt(most, 60); /* 15 are expected in each of 65,536 classes */
    PROVES("C40");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("isn");

    TCase *c = tcase_create("RFC 9293, 3.4.1: initial sequence numbers");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, each_octet_of_a_million_numbers_is_evenly_distributed);
    tcase_add_test(c, neighbours_and_restarts_have_nothing_in_common);
    tcase_add_test(c, the_step_from_one_number_to_the_next_cannot_be_guessed);
    suite_add_tcase(s, c);
    return run_suite(s, "isn");
}
