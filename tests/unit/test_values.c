/*
 * test_values.c - the tunables: defaults, profiles, text.
 */
#include <tapio/values.h>

#include <errno.h>
#include <string.h>

#include "base/base.h"
#include "support/proves.h"

static struct stack_values values;

static void given_defaults(void)
{
    values_default(&values);
}

static const struct row {
    const char *key;
    size_t offset;
    int64_t initial, min, max;
} table[] = {
#define TAPIO_X(field, key, kind, initial, min, max, what)                                         \
    {key, offsetof(struct stack_values, field), initial, min, max},
    TAPIO_VALUE_LIST(TAPIO_X)
#undef TAPIO_X
};

static int64_t value_of(const struct row *row)
{
    int64_t value;
    memcpy(&value, (const char *)&values + row->offset, sizeof(value));
    return value;
}

START_TEST(every_default_is_within_its_range)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        ck_assert_int_eq(value_of(&table[i]), table[i].initial);
        ck_assert_int_le(0, table[i].min);
        ck_assert_int_le(table[i].min, table[i].initial);
        ck_assert_int_le(table[i].initial, table[i].max);
    }
}
END_TEST

static const char *const profiles[] = {"default", "rfc", "linux", "freebsd"};

START_TEST(every_profile_keeps_its_values_within_their_ranges)
{
    ck_assert_int_eq(values_profile(&values, profiles[_i]), 0);
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        ck_assert_int_ge(value_of(&table[i]), table[i].min);
        ck_assert_int_le(value_of(&table[i]), table[i].max);
    }
    ck_assert_int_le(values.tcp_port_min, values.tcp_port_max);
    ck_assert_int_le(values.tcp_rto_min, values.tcp_rto_max);
}
END_TEST

START_TEST(a_profile_sets_its_group_and_leaves_the_rest)
{
    ck_assert_int_eq(values_set(&values, "ip.ttl", "7"), 0);
    ck_assert_int_eq(values_profile(&values, "rfc"), 0);
    ck_assert_int_eq(values.ip_ttl, 7);
    ck_assert_int_eq(values.tcp_msl, TAPIO_S(120));
    ck_assert_int_eq(values.tcp_rto_min, TAPIO_S(1));
    ck_assert_int_eq(values.tcp_ack_segments, 2);

    ck_assert_int_eq(values_profile(&values, "linux"), 0);
    ck_assert_int_eq(values.ip_ttl, 7);
    ck_assert_int_eq(values.tcp_rto_min, TAPIO_MS(200));
    ck_assert_int_eq(values.tcp_syn_retries, 6);
    ck_assert_int_eq(values.tcp_port_min, 32768);
    ck_assert_int_eq(values.tcp_port_max, 60999);

    ck_assert_int_eq(values_profile(&values, "freebsd"), 0);
    ck_assert_int_eq(values.tcp_rto_min, TAPIO_MS(30));
    ck_assert_int_eq(values.tcp_retries, 12);

    ck_assert_int_eq(values_profile(&values, "default"), 0);
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        ck_assert_int_eq(value_of(&table[i]), table[i].initial);
}
END_TEST

START_TEST(a_profile_that_does_not_exist_changes_nothing)
{
    static const char *const wrong[] = {"", "Linux", "linux ", "rf", "rfcs", "plan9"};
    struct stack_values before = values;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        ck_assert_int_eq(values_profile(&values, wrong[i]), -ENOENT);
    ck_assert_mem_eq(&values, &before, sizeof(values));
}
END_TEST

static const struct {
    const char *key, *text;
    int result;
    int64_t value; /* when the result is 0 */
} settings[] = {
    /* durations: tcp.rto_min is 1 ms .. 60 s, tcp.fin_wait_2 1 ms .. 1 h, tcp.challenge 0 .. 60 s
     */
    {"tcp.rto_min", "200ms", 0, TAPIO_MS(200)},
    {"tcp.rto_min", "1s", 0, TAPIO_S(1)},
    {"tcp.rto_min", "1min", 0, TAPIO_S(60)},
    {"tcp.fin_wait_2", "1h", 0, TAPIO_S(3600)},
    {"tcp.rto_min", "1500us", 0, 1500000},
    {"tcp.rto_min", "1000001ns", 0, 1000001},
    {"tcp.rto_min", "0000000000000000000000005s", 0, TAPIO_S(5)},
    {"tcp.challenge", "0", 0, 0},
    {"tcp.challenge", "000", 0, 0},
    {"tcp.challenge", "0s", 0, 0},
    {"tcp.rto_min", "1ms", 0, TAPIO_MS(1)},
    {"tcp.rto_min", "999999ns", -ERANGE, 0},
    {"tcp.rto_min", "999us", -ERANGE, 0},
    {"tcp.rto_min", "60s", 0, TAPIO_S(60)},
    {"tcp.rto_min", "61s", -ERANGE, 0},
    {"tcp.rto_min", "60000000001ns", -ERANGE, 0},
    {"tcp.rto_min", "0", -ERANGE, 0},
    {"tcp.rto_min", "1", -EINVAL, 0},
    {"tcp.rto_min", "", -EINVAL, 0},
    {"tcp.rto_min", "s", -EINVAL, 0},
    {"tcp.rto_min", "1 s", -EINVAL, 0},
    {"tcp.rto_min", "1s ", -EINVAL, 0},
    {"tcp.rto_min", " 1s", -EINVAL, 0},
    {"tcp.rto_min", "1S", -EINVAL, 0},
    {"tcp.rto_min", "1m", -EINVAL, 0},
    {"tcp.rto_min", "1sec", -EINVAL, 0},
    {"tcp.rto_min", "1.5s", -EINVAL, 0},
    {"tcp.rto_min", "+1s", -EINVAL, 0},
    {"tcp.rto_min", "-1s", -EINVAL, 0},
    {"tcp.rto_min", "0x1s", -EINVAL, 0},
    {"tcp.rto_min", "1s1s", -EINVAL, 0},
    {"tcp.rto_min", "9223372036854775807ns", -ERANGE, 0},
    {"tcp.rto_min", "9223372036854775808ns", -ERANGE, 0},
    {"tcp.rto_min", "18446744073709551616ns", -ERANGE, 0}, /* 2^64 must not look like 0 */
    {"tcp.rto_min", "18446744075s", -ERANGE, 0},           /* nor this, times 10^9, like 1.29 s */
    {"tcp.rto_min", "99999999999999999999999999999999h", -ERANGE, 0},
    {"tcp.rto_min", "99999999999999999999999999999999", -EINVAL, 0},
    {"tcp.challenge", "18446744073709551616", -EINVAL, 0},
    /* sizes: tcp.rmem is 2 KB .. 1 GB */
    {"tcp.rmem", "2048", 0, 2048},
    {"tcp.rmem", "2k", 0, 2048},
    {"tcp.rmem", "64k", 0, 65536},
    {"tcp.rmem", "3m", 0, 3 << 20},
    {"tcp.rmem", "1g", 0, 1 << 30},
    {"tcp.rmem", "2047", -ERANGE, 0},
    {"tcp.rmem", "1073741825", -ERANGE, 0},
    {"tcp.rmem", "2g", -ERANGE, 0},
    {"tcp.rmem", "17179869184g", -ERANGE, 0}, /* 2^64 octets */
    {"tcp.rmem", "64K", -EINVAL, 0},
    {"tcp.rmem", "64kb", -EINVAL, 0},
    {"tcp.rmem", "64s", -EINVAL, 0},
    {"tcp.rmem", "k", -EINVAL, 0},
    {"mem.frames", "16g", 0, INT64_C(17179869184)},
    /* counts: ip.ttl is 1 .. 255 */
    {"ip.ttl", "1", 0, 1},
    {"ip.ttl", "255", 0, 255},
    {"ip.ttl", "0", -ERANGE, 0},
    {"ip.ttl", "256", -ERANGE, 0},
    {"ip.ttl", "18446744073709551617", -ERANGE, 0},
    {"ip.ttl", "64k", -EINVAL, 0},
    {"ip.ttl", "", -EINVAL, 0},
    {"ip.ttl", "on", -EINVAL, 0},
    /* keys */
    {"ip.ttl2", "1", -ENOENT, 0},
    {"ip.tt", "1", -ENOENT, 0},
    {"IP.TTL", "1", -ENOENT, 0},
    {"ip_ttl", "1", -ENOENT, 0},
    {"", "1", -ENOENT, 0},
    {"ip.nothing", "junk", -ENOENT, 0},
};

START_TEST(text_is_read_strictly)
{
    struct stack_values before = values;
    int result = values_set(&values, settings[_i].key, settings[_i].text);

    ck_assert_msg(result == settings[_i].result, "%s=%s: %d", settings[_i].key, settings[_i].text,
                  result);
    if (result) {
        ck_assert_mem_eq(&values, &before, sizeof(values));
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (strcmp(table[i].key, settings[_i].key) == 0)
            ck_assert_int_eq(value_of(&table[i]), settings[_i].value);
}
END_TEST

START_TEST(every_value_can_be_set_to_what_its_description_says)
{
    struct value_info info;
    size_t i = 0;

    for (; values_describe(i, &info); i++) {
        ck_assert_str_eq(info.key, table[i].key);
        ck_assert_uint_gt(strlen(info.what), 0);
        ck_assert_int_eq(values_set(&values, info.key, info.min), 0);
        ck_assert_int_eq(value_of(&table[i]), table[i].min);
        ck_assert_int_eq(values_set(&values, info.key, info.max), 0);
        ck_assert_int_eq(value_of(&table[i]), table[i].max);
        ck_assert_int_eq(values_set(&values, info.key, info.initial), 0);
        ck_assert_int_eq(value_of(&table[i]), table[i].initial);
    }
    ck_assert_uint_eq(i, ARRAY_LEN(table));
    ck_assert(!values_describe(SIZE_MAX, &info));
}
END_TEST

START_TEST(descriptions_use_the_unit_that_fits)
{
    static const struct {
        const char *key, *initial;
    } rows[] = {{"tcp.rto_min", "200ms"},      {"tcp.cc", "cubic"},       {"tcp.rto_max", "2min"},
                {"tcp.syn_timeout", "3min"},   {"tcp.override", "200ms"}, {"tcp.rmem", "4m"},
                {"tcp.window_first", "65535"}, {"ip.ttl", "64"}};
    struct value_info info;
    size_t seen = 0;

    for (size_t i = 0; values_describe(i, &info); i++)
        for (size_t k = 0; k < ARRAY_LEN(rows); k++)
            if (strcmp(info.key, rows[k].key) == 0) {
                ck_assert_str_eq(info.initial, rows[k].initial);
                seen++;
            }
    ck_assert_uint_eq(seen, ARRAY_LEN(rows));
}
END_TEST

START_TEST(no_two_values_share_a_key)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        for (size_t k = 0; k < i; k++)
            ck_assert_str_ne(table[i].key, table[k].key);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("values");

    TCase *tables = tcase_create("defaults and profiles");
    tcase_add_checked_fixture(tables, given_defaults, NULL);
    tcase_add_test(tables, every_default_is_within_its_range);
    tcase_add_test(tables, no_two_values_share_a_key);
    tcase_add_loop_test(tables, every_profile_keeps_its_values_within_their_ranges, 0,
                        ARRAY_LEN(profiles));
    tcase_add_test(tables, a_profile_sets_its_group_and_leaves_the_rest);
    tcase_add_test(tables, a_profile_that_does_not_exist_changes_nothing);
    suite_add_tcase(s, tables);

    TCase *text = tcase_create("text");
    tcase_add_checked_fixture(text, given_defaults, NULL);
    tcase_add_loop_test(text, text_is_read_strictly, 0, ARRAY_LEN(settings));
    tcase_add_test(text, every_value_can_be_set_to_what_its_description_says);
    tcase_add_test(text, descriptions_use_the_unit_that_fits);
    suite_add_tcase(s, text);

    return run_suite(s, "values");
}
