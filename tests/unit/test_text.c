/* test_text.c - the formatter behind captures, logs and counters. */
#include "base/text.h"

#include <stdlib.h>

#include "support/proves.h"

enum { ROOM = 128 };

static char buffer[ROOM];
static struct text t;

static void given_an_empty_text(void)
{
    memset(buffer, '?', sizeof(buffer));
    t = text_of(buffer, sizeof(buffer));
}

START_TEST(text_starts_as_an_empty_string)
{
    ck_assert_str_eq(buffer, "");
    ck_assert_uint_eq(t.len, 0);
    ck_assert(!t.cut);
}
END_TEST

static const struct {
    uint64_t value;
    const char *decimal;
    const char *padded; /* to 6 */
    const char *hex;    /* to 4 */
} numbers[] = {
    {0, "0", "000000", "0000"},
    {9, "9", "000009", "0009"},
    {10, "10", "000010", "000a"},
    {255, "255", "000255", "00ff"},
    {65536, "65536", "065536", "10000"},
    {999999, "999999", "999999", "f423f"},
    {1000000, "1000000", "1000000", "f4240"},
    {UINT64_MAX, "18446744073709551615", "18446744073709551615", "ffffffffffffffff"},
};

START_TEST(text_writes_unsigned_numbers)
{
    text_add_u64(&t, numbers[_i].value);
    ck_assert_str_eq(buffer, numbers[_i].decimal);
    t = text_of(buffer, sizeof(buffer));
    text_add_padded(&t, numbers[_i].value, 6);
    ck_assert_str_eq(buffer, numbers[_i].padded);
    t = text_of(buffer, sizeof(buffer));
    text_add_hex(&t, numbers[_i].value, 4);
    ck_assert_str_eq(buffer, numbers[_i].hex);
}
END_TEST

static const struct {
    int64_t value;
    const char *decimal;
    const char *seconds; /* as nanoseconds */
} signed_numbers[] = {
    {0, "0", "0.000000"},
    {-1, "-1", "-0.000000"},
    {999, "999", "0.000000"},
    {1000, "1000", "0.000001"},
    {-1000, "-1000", "-0.000001"},
    {999999999, "999999999", "0.999999"},
    {3000123456, "3000123456", "3.000123"},
    {INT64_MAX, "9223372036854775807", "9223372036.854775"},
    {INT64_MIN, "-9223372036854775808", "-9223372036.854775"},
};

START_TEST(text_writes_signed_numbers_and_seconds)
{
    text_add_i64(&t, signed_numbers[_i].value);
    ck_assert_str_eq(buffer, signed_numbers[_i].decimal);
    t = text_of(buffer, sizeof(buffer));
    text_add_seconds(&t, signed_numbers[_i].value);
    ck_assert_str_eq(buffer, signed_numbers[_i].seconds);
}
END_TEST

START_TEST(text_writes_addresses)
{
    struct ip_addr v6 = {{[0] = 0xfe, [1] = 0x80, [15] = 1}};

    text_add_ip(&t, ip_from_v4(0x0a090002));
    text_add_char(&t, ' ');
    text_add_mac(&t, (struct mac_addr){{2, 0, 0x5e, 0x10, 0, 1}});
    text_add_char(&t, ' ');
    text_add_endpoint(&t, (struct endpoint){ip_from_v4(0x0a090002), 80});
    text_add_char(&t, ' ');
    text_add_endpoint(&t, (struct endpoint){v6, 65535});
    ck_assert_str_eq(buffer, "10.9.0.2 02:00:5e:10:00:01 10.9.0.2:80 [fe80::1]:65535");
}
END_TEST

START_TEST(text_escapes_every_octet_that_is_not_plain_ascii)
{
    for (unsigned octet = 0; octet < 256; octet++) {
        uint8_t in = (uint8_t)octet;
        given_an_empty_text();
        text_add_escaped(&t, bytes_of(&in, 1));
        for (size_t i = 0; i < t.len; i++)
            ck_assert(buffer[i] >= 0x20 && buffer[i] < 0x7f);
        if (octet >= 0x20 && octet < 0x7f && octet != '\\')
            ck_assert(t.len == 1 && buffer[0] == (char)in);
        else
            ck_assert(t.len >= 2 && buffer[0] == '\\');
    }
}
END_TEST

START_TEST(text_escapes_so_that_nothing_is_ambiguous)
{
    static const uint8_t in[] = "a\\n\n\r\t\x1b[2J\x7f\xc3\xa9";
    text_add_escaped(&t, bytes_of(in, sizeof(in))); /* with the NUL */
    ck_assert_str_eq(buffer, "a\\\\n\\n\\r\\t\\x1b[2J\\x7f\\xc3\\xa9\\x00");
}
END_TEST

START_TEST(text_is_cut_at_the_end_of_any_buffer)
{
    static const char whole[] = "seq=4294967295 10.9.0.2 \\x00";
    size_t room = (size_t)_i + 1;
    char *exact = malloc(room); /* so that a sanitizer sees a write past it */
    ck_assert_ptr_nonnull(exact);

    struct text cut = text_of(exact, room);
    text_add(&cut, "seq=");
    text_add_u64(&cut, UINT32_MAX);
    text_add_char(&cut, ' ');
    text_add_ip(&cut, ip_from_v4(0x0a090002));
    text_add_char(&cut, ' ');
    text_add_escaped(&cut, bytes_of("", 1));

    ck_assert_uint_eq(cut.len, size_min(room - 1, strlen(whole)));
    ck_assert_uint_eq(strlen(exact), cut.len);
    ck_assert_mem_eq(exact, whole, cut.len);
    ck_assert(cut.cut == (room - 1 < strlen(whole)));
    free(exact);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("text");
    TCase *c = tcase_create("appending");
    tcase_add_checked_fixture(c, given_an_empty_text, NULL);
    tcase_add_test(c, text_starts_as_an_empty_string);
    tcase_add_loop_test(c, text_writes_unsigned_numbers, 0, ARRAY_LEN(numbers));
    tcase_add_loop_test(c, text_writes_signed_numbers_and_seconds, 0, ARRAY_LEN(signed_numbers));
    tcase_add_test(c, text_writes_addresses);
    tcase_add_test(c, text_escapes_every_octet_that_is_not_plain_ascii);
    tcase_add_test(c, text_escapes_so_that_nothing_is_ambiguous);
    tcase_add_loop_test(c, text_is_cut_at_the_end_of_any_buffer, 0, 40);
    suite_add_tcase(s, c);
    return run_suite(s, "text");
}
