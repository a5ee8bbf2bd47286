/*
 * test_syn_cookie.c - the cookie itself (RFC 4987, 3.6): what it keeps, how long it is good, and
 * what a stranger can make of it. What a listener does with them is in test_tcp_syn_cookie.c.
 */
#include "base/base.h"
#include "base/prng.h"
#include "support/proves.h"
#include "tcp/syn_cookie.h"

static const struct hash_key key = {0x0123456789abcdef, 0xfedcba9876543210};

enum { MINUTE_S = 60 };

static instant at_s(int64_t s)
{
    return (instant){s * NS_PER_S};
}

static struct syn_cookie about(bool v6)
{
    struct syn_cookie out = {.irs = seq(0xdeadbeef)};

    ck_assert_int_eq(ip_addr_parse(v6 ? "2001:db8::1" : "192.0.2.1", &out.local.addr), 0);
    ck_assert_int_eq(ip_addr_parse(v6 ? "2001:db8::2" : "192.0.2.2", &out.remote.addr), 0);
    out.local.port = 80;
    out.remote.port = 40000;
    return out;
}

static const struct {
    bool v6;
    uint16_t mss, kept;
} classes[] = {
    {false, 1, 48},      {false, 48, 48},     {false, 535, 48},     {false, 536, 536},
    {false, 1219, 536},  {false, 1220, 1220}, {false, 1359, 1220},  {false, 1360, 1360},
    {false, 1400, 1400}, {false, 1440, 1440}, {false, 1459, 1440},  {false, 1460, 1460},
    {false, 8959, 1460}, {false, 8960, 8960}, {false, 65535, 8960}, {true, 48, 48},
    {true, 1219, 48},    {true, 1220, 1220},  {true, 1300, 1300},   {true, 1420, 1420},
    {true, 1439, 1420},  {true, 1440, 1440},  {true, 8940, 8940},   {true, 65535, 8940},
};

START_TEST(a_cookie_keeps_the_class_of_the_mss)
{
    struct syn_cookie cookie = about(classes[_i].v6);
    tcp_seq iss = syn_cookie_make(key, &cookie, classes[_i].mss, at_s(1000));

    ck_assert_uint_eq(syn_cookie_mss(key, &cookie, iss, at_s(1000)), classes[_i].kept);
    PROVES("RFC4987-3.6-a");
}
END_TEST

/* Also an hour and a day later, when the minute's low bits come round. */
START_TEST(a_cookie_is_good_in_its_minute_and_the_next)
{
    struct syn_cookie cookie = about(_i == 1);
    tcp_seq iss = syn_cookie_make(key, &cookie, 1460, at_s(100 * MINUTE_S + 30));

    ck_assert_uint_ne(syn_cookie_mss(key, &cookie, iss, at_s(100 * MINUTE_S + 30)), 0);
    ck_assert_uint_ne(syn_cookie_mss(key, &cookie, iss, at_s(101 * MINUTE_S)), 0);
    ck_assert_uint_ne(syn_cookie_mss(key, &cookie, iss, at_s(102 * MINUTE_S - 1)), 0);
    for (int64_t minute = 102; minute < 100 + 1440; minute++)
        ck_assert_uint_eq(syn_cookie_mss(key, &cookie, iss, at_s(minute * MINUTE_S)), 0);
    ck_assert_uint_eq(syn_cookie_mss(key, &cookie, iss, at_s(99 * MINUTE_S)), 0);
    PROVES("RFC4987-3.6-b");
}
END_TEST

START_TEST(a_cookie_is_good_for_its_own_handshake_alone)
{
    struct syn_cookie cookie = about(_i == 1), other;
    tcp_seq iss = syn_cookie_make(key, &cookie, 1460, at_s(1000));

    other = cookie;
    other.irs.value++;
    ck_assert_uint_eq(syn_cookie_mss(key, &other, iss, at_s(1000)), 0);
    other = cookie;
    other.remote.port++;
    ck_assert_uint_eq(syn_cookie_mss(key, &other, iss, at_s(1000)), 0);
    other = cookie;
    other.local.port++;
    ck_assert_uint_eq(syn_cookie_mss(key, &other, iss, at_s(1000)), 0);
    other = cookie;
    other.remote.addr.octet[15]++;
    ck_assert_uint_eq(syn_cookie_mss(key, &other, iss, at_s(1000)), 0);
    other = cookie;
    other.local.addr.octet[15]++;
    ck_assert_uint_eq(syn_cookie_mss(key, &other, iss, at_s(1000)), 0);
    struct hash_key next = {key.k0 + 1, key.k1};
    ck_assert_uint_eq(syn_cookie_mss(next, &cookie, iss, at_s(1000)), 0);
    for (int bit = 0; bit < 32; bit++)
        ck_assert_uint_eq(
            syn_cookie_mss(key, &cookie, seq(iss.value ^ UINT32_C(1) << bit), at_s(1000)), 0);
    PROVES("RFC4987-3.6-b", "C40");
}
END_TEST

/* One in 2^24 that have the right minute is: in a million random ones, less than a tenth of one. */
START_TEST(a_million_guesses_hit_no_cookie)
{
    struct syn_cookie cookie = about(false);
    struct prng prng;
    int hits = 0;

    prng_seed(&prng, 1);
    for (int i = 0; i < 1000000; i++)
        hits += syn_cookie_mss(key, &cookie, seq((uint32_t)prng_next(&prng)), at_s(1000)) > 0;
    ck_assert_int_eq(hits, 0);
    PROVES("RFC4987-3.6-b", "C30");
}
END_TEST

/* Neighbours in all that a stranger can choose: every octet of the number takes every value about
 * as often. 65,536 samples of 256 values; chi squared of 255 degrees is above 360 in one of 10^5.
 */
START_TEST(what_a_stranger_sees_of_a_cookie_tells_him_nothing)
{
    struct syn_cookie cookie = about(false);

    for (int octet = 0; octet < 4; octet++) {
        uint32_t count[256] = {0};
        double chi = 0;
        for (uint32_t i = 0; i < 65536; i++) {
            cookie.remote.port = (uint16_t)i;
            uint32_t iss = syn_cookie_make(key, &cookie, 1460, at_s(1000)).value;
            count[iss >> (8 * octet) & 255]++;
        }
        for (int i = 0; i < 256; i++)
            chi += ((double)count[i] - 256) * ((double)count[i] - 256) / 256;
        ck_assert(chi < 360);
    }
    PROVES("C40");
}
END_TEST

START_TEST(a_timestamp_keeps_scale_sack_and_ecn_and_is_never_ahead_of_the_clock)
{
    for (uint32_t clock = 0; clock < 256; clock++) {
        for (int scale = -1; scale <= 15; scale++) {
            struct tcp_options syn = {.has_window_scale = scale >= 0,
                                      .window_scale = (uint8_t)(scale < 0 ? 0 : scale),
                                      .sack_permitted = _i & 1};
            struct tcp_options back = {.has_mss = true};
            bool ecn = _i & 2, back_ecn;
            uint32_t told = syn_cookie_ts(&syn, ecn, clock - 128);
            ck_assert_int_le((int32_t)(told - (clock - 128)), 0);
            ck_assert_int_gt((int32_t)(told - (clock - 128)), -64);
            syn_cookie_from_ts(told, &back, &back_ecn);
            ck_assert_int_eq(back.has_window_scale, scale >= 0);
            if (scale >= 0)
                ck_assert_int_eq(back.window_scale, scale > 14 ? 14 : scale);
            ck_assert_int_eq(back.sack_permitted, _i & 1);
            ck_assert_int_eq(back_ecn, ecn);
        }
    }
    PROVES("RFC4987-3.6-a");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("syn_cookie");

    TCase *t = tcase_create("RFC 4987, 3.6: the cookie");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, a_cookie_keeps_the_class_of_the_mss, 0, (int)ARRAY_LEN(classes));
    tcase_add_loop_test(t, a_cookie_is_good_in_its_minute_and_the_next, 0, 2);
    tcase_add_loop_test(t, a_cookie_is_good_for_its_own_handshake_alone, 0, 2);
    tcase_add_test(t, a_million_guesses_hit_no_cookie);
    tcase_add_test(t, what_a_stranger_sees_of_a_cookie_tells_him_nothing);
    tcase_add_loop_test(t, a_timestamp_keeps_scale_sack_and_ecn_and_is_never_ahead_of_the_clock, 0,
                        4);
    suite_add_tcase(s, t);
    return run_suite(s, "syn_cookie");
}
