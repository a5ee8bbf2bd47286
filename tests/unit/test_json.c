/*
 * test_json.c - JSON that we write, read back by a library that is strict about it.
 */
#include <jansson.h>

#include "base/base.h"
#include "base/json.h"
#include "support/proves.h"

static char buffer[1024];
static struct text t;
static struct json j;

static void given_an_open_object(void)
{
    t = text_of(buffer, sizeof(buffer));
    j = json_of(&t);
    json_open(&j, '{');
}

static json_t *read_back(void)
{
    json_close(&j, '}');
    json_t *object = json_loads(buffer, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_msg(object != NULL, "no JSON: %s", buffer);
    return object;
}

START_TEST(json_puts_commas_where_they_belong)
{
    json_add_string(&j, "a", "x");
    json_open_member(&j, "list", '[');
    json_close(&j, ']');
    json_open_member(&j, "more", '[');
    json_add_element(&j, "y");
    json_add_element(&j, "z");
    json_open(&j, '{');
    json_close(&j, '}');
    json_open(&j, '{');
    json_add_bool(&j, "true", true);
    json_add_null(&j, "null");
    json_close(&j, '}');
    json_close(&j, ']');
    json_add_ip(&j, "ip", ip_from_v4(0x0a090002));
    json_open_member(&j, "numbers", '[');
    json_add_element_u64(&j, 0);
    json_add_element_u64(&j, UINT64_C(1) << 53);
    json_add_element_u64(&j, UINT64_MAX);
    json_close(&j, ']');
    json_decref(read_back());
    ck_assert_str_eq(buffer, "{\"a\":\"x\",\"list\":[],\"more\":[\"y\",\"z\",{},{\"true\":true,"
                             "\"null\":null}],\"ip\":\"10.9.0.2\","
                             "\"numbers\":[0,9007199254740992,\"18446744073709551615\"]}");
}
END_TEST

START_TEST(json_has_strings_of_any_octet)
{
    uint8_t in = (uint8_t)_i;

    json_add_octets(&j, "one", bytes_of(&in, 1));
    json_t *object = read_back(), *value = json_object_get(object, "one");
    ck_assert(json_is_string(value));
    ck_assert_uint_eq(json_string_length(value), in < 0x80 ? 1 : 2); /* UTF-8 */
    for (size_t i = 0; i < t.len; i++)
        ck_assert(buffer[i] >= 0x20 && buffer[i] < 0x7f);
    json_decref(object);
}
END_TEST

START_TEST(json_has_a_nul_as_an_escape)
{
    json_add_octets(&j, "nul", bytes_of("", 1));
    ck_assert_str_eq(buffer, "{\"nul\":\"\\u0000\"");
}
END_TEST

static const struct {
    int64_t number;
    const char *text;
} numbers[] = {
    {0, "0"},
    {-1, "-1"},
    {9007199254740991, "9007199254740991"},
    {9007199254740992, "9007199254740992"},
    {9007199254740993, "\"9007199254740993\""},
    {-9007199254740992, "-9007199254740992"},
    {-9007199254740993, "\"-9007199254740993\""},
    {INT64_MAX, "\"9223372036854775807\""},
    {INT64_MIN, "\"-9223372036854775808\""},
};

START_TEST(json_numbers_that_a_double_would_round_are_strings)
{
    char expected[64];

    json_add_i64(&j, "n", numbers[_i].number);
    snprintf(expected, sizeof(expected), "{\"n\":%s", numbers[_i].text);
    ck_assert_str_eq(buffer, expected);
    if (numbers[_i].number < 0)
        return;
    given_an_open_object();
    json_add_u64(&j, "n", (uint64_t)numbers[_i].number);
    ck_assert_str_eq(buffer, expected);
}
END_TEST

START_TEST(json_has_no_octet_that_a_terminal_obeys)
{
    static const char in[] = "\x1b[2J \x7f \xc2\x80 \xc2\x9b[2J \xc2\x9f \xc2\xa0 \xc3\x9b";

    json_add_utf8(&j, "a", bytes_of(in, sizeof in - 1));
    ck_assert_str_eq(buffer,
                     "{\"a\":\"\\u001b[2J \\u007f \\u0080 \\u009b[2J \\u009f \xc2\xa0 \xc3\x9b\"");
}
END_TEST

START_TEST(json_that_does_not_fit_is_marked)
{
    char *exact = malloc((size_t)_i);

    ck_assert_ptr_nonnull(exact);
    t = text_of(exact, (size_t)_i);
    j = json_of(&t);
    json_open(&j, '{');
    json_add_string(&j, "key", "\x01value");
    json_close(&j, '}');
    ck_assert(t.cut == (_i <= (int)strlen("{\"key\":\"\\u0001value\"}")));
    free(exact);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("json");
    TCase *c = tcase_create("writing");
    tcase_add_checked_fixture(c, given_an_open_object, NULL);
    tcase_add_test(c, json_puts_commas_where_they_belong);
    tcase_add_loop_test(c, json_has_strings_of_any_octet, 1, 256);
    tcase_add_test(c, json_has_a_nul_as_an_escape);
    tcase_add_test(c, json_has_no_octet_that_a_terminal_obeys);
    tcase_add_loop_test(c, json_numbers_that_a_double_would_round_are_strings, 0,
                        ARRAY_LEN(numbers));
    tcase_add_loop_test(c, json_that_does_not_fit_is_marked, 1, 30);
    suite_add_tcase(s, c);
    return run_suite(s, "json");
}
