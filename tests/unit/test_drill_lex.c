/*
 * test_drill_lex.c - the words of a script: where each ends, and what it is.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sim/drill_lex.h"
#include "support/exact.h"
#include "support/proves.h"

static struct memory memory;
static struct drill_arena *arena;
static struct drill_lex lex;
static struct drill_problem problem;
static struct bytes text;

static void given(const char *script)
{
    exact_free(text);
    text = exact_copy(script, strlen(script));
    drill_lex_init(&lex, text, arena, &problem);
}

static void given_an_arena(void)
{
    arena = drill_arena_new(&memory, 16 << 20);
    ck_assert_ptr_nonnull(arena);
    text = (struct bytes){0};
}

static void then_free(void)
{
    exact_free(text);
    drill_arena_free(arena);
}

static struct drill_token next(void)
{
    struct drill_token token;
    int err = drill_lex_next(&lex, &token);
    ck_assert_msg(err == 0, "%s", problem.text);
    return token;
}

/* --- the longest match -------------------------------------------------------------------- */

static const char letter[] = {
    [TOKEN_END] = '$',  [TOKEN_INTEGER] = 'i',  [TOKEN_HEX] = 'h',     [TOKEN_DECIMAL] = 'd',
    [TOKEN_WORD] = 'w', [TOKEN_OPTION] = 'o',   [TOKEN_STRING] = 's',  [TOKEN_COMMAND] = 'b',
    [TOKEN_CODE] = 'p', [TOKEN_ELLIPSIS] = '.', [TOKEN_ADDRESS] = 'a', [TOKEN_CHAR] = 'c',
};

static const struct {
    const char *script, *kinds;
} matches[] = {
    {"", ""},
    {"   \t\n", ""},
    {"3", "i"},
    {"3a", "w"},
    {"-3", "i"},
    {"- 3", "ci"},
    {"-3a", "iw"}, /* the number is longer than nothing, and no word begins with '-' */
    {"0x1F", "h"},
    {"0xZZ", "w"},
    {"0x", "w"},
    {"1.5", "d"},
    {".5", "d"},
    {"-.5", "d"},
    {"5.", "ic"},
    {"+0", "ci"},
    {"+.1", "cd"},
    {"+0~+.1", "ciccd"},
    {"0...0.2", "i.d"},
    {"+0...0.3", "ci.d"},
    {"0....5", "i.d"},
    {"....5", ".d"},
    {"*", "c"},
    {"<...>", "c.c"},
    {"{...,1000}", "c.cic"},
    {"1:1(0)", "icicic"},
    {"2001:3001", "ici"},
    {"0:1460(1460)", "icicic"},
    {"P.5", "wd"},
    {"P5.", "wc"},
    {"--mss=1000", "oci"},
    {"-- mss", "ccw"},
    {"192.0.2.1", "a"},
    {"192.0.2.1/24", "aci"},
    {"1.2.3", "dd"},
    {"999.0.2.1", "ddd"},
    {"2001:db8::1", "a"},
    {"::1", "a"},
    {"2001:db8::1:", "ac"},
    {"cafe::", "a"},
    {"fd3d:fa7b:d17d:8888::0", "a"},
    {"dead beef", "ww"},
    {"\"a b\"", "s"},
    {"`a \\` b`", "b"},
    {"%{ a }%", "p"},
    {"%", "c"},
    {"// all of this", ""},
    {"1 // one\n2", "ii"},
    {"1 /* x **/ 2 /**/ 3 /***/ 4", "iiii"},
    {"a/b", "wcw"},
    {"sequence# present", "ww"},
    {"9223372036854775807", "i"},
    {"9223372036854775808", "w"}, /* it may be the octets of an option */
    {"0xffffffffffffffff", "h"},
};

START_TEST(the_longest_match_wins)
{
    const char *kinds = matches[_i].kinds;
    given(matches[_i].script);
    for (; *kinds; kinds++) {
        char kind = letter[next().kind];
        ck_assert_msg(kind == *kinds, "%s: %c, wanted %s", matches[_i].script, kind, kinds);
    }
    ck_assert_int_eq(next().kind, TOKEN_END);
    ck_assert_int_eq(next().kind, TOKEN_END);
}
END_TEST

static const struct {
    const char *script;
    int64_t integer;
} numbers[] = {
    {"0", 0},
    {"-1", -1},
    {"007", 7},
    {"4294967295", 4294967295},
    {"-9223372036854775808", INT64_MIN},
    {"0x802", 0x802},
    {"0xFFFFFFFFFFFFFFFF", -1},
};

START_TEST(numbers_have_their_value)
{
    given(numbers[_i].script);
    ck_assert_int_eq(next().integer, numbers[_i].integer);
}
END_TEST

START_TEST(a_token_knows_its_lines_and_its_spelling)
{
    given("\n\n +12 \"a\nb\" c");
    ck_assert_int_eq(next().place.line, 3);
    struct drill_token token = next();
    ck_assert_uint_eq(token.spelled.len, 2);
    token = next();
    ck_assert_int_eq(token.place.line, 3);
    ck_assert_int_eq(token.place.end, 4);
    ck_assert_str_eq(token.text, "a\nb");
    ck_assert_int_eq(next().place.line, 4);
}
END_TEST

/* --- quotes ------------------------------------------------------------------------------- */

START_TEST(a_string_resolves_its_escapes_and_a_command_keeps_them)
{
    given("\"a\\n\\x41\\\\\\\"\\t\" `echo \\`x\\` \\n` \"\\x00z\"");
    struct drill_token token = next();
    ck_assert_str_eq(token.text, "a\nA\\\"\t");
    ck_assert_int_eq(token.integer, 6);
    ck_assert_str_eq(next().text, "echo \\`x\\` \\n");
    token = next();
    ck_assert_int_eq(token.integer, 2);
    ck_assert_int_eq(memcmp(token.text, "\0z", 3), 0);
}
END_TEST

START_TEST(code_is_trimmed_and_keeps_its_lines)
{
    given("%{\n  assert a\nassert '// # `'\n\t}%");
    ck_assert_str_eq(next().text, "assert a\nassert '// # `'");
}
END_TEST

static const struct {
    const char *script, *says;
    uint32_t line;
} errors[] = {
    {"\n\"abc", "closing \"", 2},
    {"\"abc\\\"", "closing \"", 1},
    {"\"a\\", "closing \"", 1},
    {"`abc", "closing `", 1},
    {"%{ abc }", "}%", 1},
    {"1\n/* abc *", "*/", 2},
    {"\n# a comment", "write //", 2},
    {"\"\\q\"", "escape", 1},
    {"\"\\x1\"", "escape", 1},
    {"\x01", "0x01", 1},
    {"\xff", "0xff", 1},
    {"0x10000000000000000", "64 bits", 1},
};

START_TEST(a_mistake_is_named_with_its_line)
{
    struct drill_token token;
    int err;

    given(errors[_i].script);
    do {
        err = drill_lex_next(&lex, &token);
    } while (!err && token.kind != TOKEN_END);
    ck_assert_int_eq(err, -EINVAL);
    ck_assert_msg(strstr(problem.text, errors[_i].says) != NULL, "%s", problem.text);
    ck_assert_uint_eq(problem.line, errors[_i].line);
}
END_TEST

/* --- defines ------------------------------------------------------------------------------ */

static const struct {
    const char *value;
    enum drill_token_kind kind;
    int64_t integer;
    const char *text;
} defines[] = {
    {"700", TOKEN_INTEGER, 700, "700"},
    {"-3", TOKEN_INTEGER, -3, "-3"},
    {"0x1f", TOKEN_INTEGER, 31, "0x1f"},
    {"017", TOKEN_INTEGER, 15, "017"},
    {"08", TOKEN_WORD, 0, "08"},
    {"-", TOKEN_WORD, 0, "-"},
    {"0x", TOKEN_WORD, 0, "0x"},
    {"", TOKEN_WORD, 0, ""},
    {"SOL_IP", TOKEN_WORD, 0, "SOL_IP"},
    {"3021b9d889017eeb", TOKEN_WORD, 0, "3021b9d889017eeb"},
    {"99999999999999999999", TOKEN_WORD, 0, "99999999999999999999"},
    {"\"x y\"", TOKEN_STRING, 3, "x y"},
    {"\"", TOKEN_WORD, 0, "\""},
    {"`true`", TOKEN_COMMAND, 0, "true"},
};

START_TEST(a_defined_word_becomes_what_its_value_looks_like)
{
    given("X \"X\" `X` X1");
    ck_assert(drill_lex_define(&lex, "X", defines[_i].value));
    struct drill_token token = next();
    ck_assert_int_eq(token.kind, defines[_i].kind);
    ck_assert_int_eq(token.integer, defines[_i].integer);
    ck_assert_str_eq(token.text, defines[_i].text);
    ck_assert_str_eq(next().text, "X");
    ck_assert_str_eq(next().text, "X");
    ck_assert_str_eq(next().text, "X1");
}
END_TEST

START_TEST(a_definition_is_replaced_by_a_later_one_but_a_fixed_one_stays)
{
    given("A B mss C");
    ck_assert(drill_lex_define(&lex, "A", "1"));
    lex.fixed_count = lex.define_count;
    ck_assert(drill_lex_define(&lex, "A", "2"));
    ck_assert(drill_lex_define(&lex, "B", "3"));
    ck_assert(drill_lex_define(&lex, "B", "A"));   /* not replaced again */
    ck_assert(drill_lex_define(&lex, "mss", "5")); /* a keyword */
    ck_assert_int_eq(next().integer, 1);
    ck_assert_str_eq(next().text, "A");
    ck_assert_str_eq(next().text, "mss");
}
END_TEST

START_TEST(definitions_have_a_cap)
{
    static char names[DRILL_DEFINES_MAX + 1][16];
    given("");
    for (int i = 0; i <= DRILL_DEFINES_MAX; i++) {
        snprintf(names[i], sizeof(names[i]), "N%d", i);
        ck_assert_int_eq(drill_lex_define(&lex, names[i], "1"), i < DRILL_DEFINES_MAX);
    }
}
END_TEST

START_TEST(keywords_are_known)
{
    static const char words[] =
        "sa_family sin_port sin_addr msg_name msg_iov msg_flags msg_control cmsg_data cmsg_level "
        "cmsg_type ee_errno ee_origin ee_type ee_code ee_info ee_data scm_sec scm_nsec fd u32 u64 "
        "ptr events revents onoff linger htons ipv4 ipv6 icmp udp gre GREv0 raw sum off key seq "
        "none checksum sequence# present encap psp spi mpls label tc ttl inet_addr inet6_addr ack "
        "eol ecr mss mtu nop sack sackOK md5 TS FO FOEXP ECN e0b e1b ceb tos flowlabel flags Flags "
        "val win urg wscale ect01 ect0 ect1 noecn ce id ";
    char word[16];
    size_t len = 0;

    for (const char *c = words; *c; c++) {
        if (*c != ' ') {
            word[len++] = *c;
            continue;
        }
        word[len] = '\0';
        len = 0;
        ck_assert_msg(drill_is_keyword(word), "%s", word);
    }
    ck_assert(!drill_is_keyword("socket"));
    ck_assert(!drill_is_keyword(""));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("drill_lex");
    TCase *c = tcase_create("tokens");
    tcase_add_checked_fixture(c, given_an_arena, then_free);
    tcase_add_loop_test(c, the_longest_match_wins, 0, (int)ARRAY_LEN(matches));
    tcase_add_loop_test(c, numbers_have_their_value, 0, (int)ARRAY_LEN(numbers));
    tcase_add_test(c, a_token_knows_its_lines_and_its_spelling);
    tcase_add_test(c, a_string_resolves_its_escapes_and_a_command_keeps_them);
    tcase_add_test(c, code_is_trimmed_and_keeps_its_lines);
    tcase_add_loop_test(c, a_mistake_is_named_with_its_line, 0, (int)ARRAY_LEN(errors));
    suite_add_tcase(s, c);

    c = tcase_create("defines");
    tcase_add_checked_fixture(c, given_an_arena, then_free);
    tcase_add_loop_test(c, a_defined_word_becomes_what_its_value_looks_like, 0,
                        (int)ARRAY_LEN(defines));
    tcase_add_test(c, a_definition_is_replaced_by_a_later_one_but_a_fixed_one_stays);
    tcase_add_test(c, definitions_have_a_cap);
    tcase_add_test(c, keywords_are_known);
    suite_add_tcase(s, c);
    return run_suite(s, "drill_lex");
}
