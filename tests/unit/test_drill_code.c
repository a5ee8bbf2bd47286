/*
 * test_drill_code.c - assertions in code blocks: what holds, what fails and how it is told, and
 * what we do not know.
 */
#include <stdio.h>
#include <string.h>

#include "sim/drill_code.h"
#include "support/exact.h"
#include "support/proves.h"
#include "support/small_env.h"

static struct memory memory;
static struct drill_variables *variables;
static char why[DRILL_WHY];

static const struct drill_figure figures[] = {
    {"tcpi_snd_cwnd", 9}, {"tcpi_unacked", 1},    {"tcpi_options", 39},
    {"tcpi_sacked", 0},   {"TCP_ESTABLISHED", 1}, {"tcpi_bytes_acked", INT64_MAX},
};

static void given_variables(void)
{
    memory = (struct memory){0};
    variables = drill_variables_new(&memory);
    ck_assert_ptr_nonnull(variables);
}

static void then_free(void)
{
    drill_variables_free(variables);
}

/* The code stands in a buffer that ends where it ends. */
static enum drill_code_result run(const char *code)
{
    struct bytes exact = exact_copy(code, strlen(code) + 1);
    enum drill_code_result result =
        drill_code_run((const char *)exact.at, variables, figures, ARRAY_LEN(figures), why);
    exact_free(exact);
    return result;
}

static enum drill_code_result check(const char *code)
{
    struct bytes exact = exact_copy(code, strlen(code) + 1);
    enum drill_code_result result =
        drill_code_check((const char *)exact.at, variables, figures, ARRAY_LEN(figures), why);
    exact_free(exact);
    return result;
}

/* --- what holds --------------------------------------------------------------------------- */

static const char *const true_ones[] = {
    "",
    "\n\n  # nothing\n",
    "pass",
    "pass;",
    "assert 1",
    "assert tcpi_snd_cwnd == 9",
    "assert tcpi_snd_cwnd == 9, tcpi_snd_cwnd",
    "assert tcpi_snd_cwnd == 9; assert tcpi_unacked == 1",
    "assert tcpi_snd_cwnd == 9\nassert tcpi_unacked == 1\n",
    "assert (tcpi_unacked, tcpi_snd_cwnd) == (1, 9), 'message'",
    "assert (tcpi_unacked, tcpi_snd_cwnd) != (1, 8)",
    "assert(tcpi_unacked == 1)",
    "assert (0, 0)", /* a tuple that is not empty is true, in Python, too */
    "assert not ()",
    "assert (1) == 1 and (1,) != 1 and (1,) == (1,)",
    "assert ((1, 2), 3) == ((1, 2), 3)",
    "assert (1, 2) < (1, 3) and (1,) < (1, 0) and () < (0,)",
    "assert (tcpi_options & 32) != 0",
    "assert tcpi_options & 32 == 32", /* & is stronger than ==, unlike in C */
    "assert 1 | 2 ^ 3 & 2 == 1 | (2 ^ (3 & 2))",
    "assert 1 << 2 + 1 == 8",
    "assert 2 + 3 * 4 == 14 and (2 + 3) * 4 == 20 and 10 - 3 - 2 == 5",
    "assert -7 // 2 == -4 and -7 % 2 == 1 and 7 // -2 == -4 and 7 % -2 == -1",
    "assert 7 // 2 == 3 and 7 % 2 == 1 and -7 // -2 == 3 and -7 % -2 == -1",
    "assert 6 / 3 == 2 and -6 / 3 == -2",
    "assert -9223372036854775807 - 1 < 0 and (-9223372036854775807 - 1) % -1 == 0",
    "assert ~0 == -1 and - - 1 == 1 and -+-1 == 1 and not not 1",
    "assert 1 << 62 > 0 and -1 >> 100 == -1 and 1 >> 100 == 0 and 0 << 100 == 0",
    "assert 1 < 2 < 3 and 3 > 2 >= 2 != 1",
    "assert not 1 < 2 < 2",
    "assert 0 or 1 and 1",
    "assert not 0 and 1",
    "assert not 1 == 2",
    "assert (0 or 5) == 5 and (3 and 4) == 4 and (0 and 4) == 0",
    "assert 1 or nonsense",
    "assert 1 in (1, 2) and 3 not in (1, 2) and 'a' in 'bad' and '' in ''",
    "assert min(3, 1, 2) == 1 and max((1, 5, 2)) == 5 and abs(-4) == 4 and abs(4) == 4",
    "assert int(7) == 7 and len((1, 2)) == 2 and len('abc') == 3 and str(5) == '5'",
    "assert True and not False and True == 1",
    "assert 0x1F == 31 and 0b101 == 5 and 0o17 == 15 and 1_000 == 1000 and 00 == 0",
    "assert 'a' 'b' == \"ab\" and 'a' + 'b' == 'ab' and 'it\\'s' != '' and 'a\\n' != 'an'",
    "assert 'cwnd=%d of %s (%%)' % (9, 'x') == 'cwnd=9 of x (%)'",
    "assert '%d' % 5 == '5' and 'x' % () == 'x'",
    "assert 'a' < 'b' and 'a' < 'ab' and 'a' != 1 and (1,) != 'a'",
    "assert (1 ==\n  1 and # why\n\n 2 == 2)",
    "assert 1 == \\\n 1",
    "x = tcpi_unacked + 1\nassert x == 2",
    "x = 5; x = x + 1; assert x == 6",
    "x = 1, 2\nassert x == (1, 2)",
    "x = 1,\nassert x == (1,)",
    "x = 'abc'; assert x + 'd' == 'abcd'",
    "tcpi_unacked = 7; assert tcpi_unacked == 7",
    "print 'x', 1",
    "print('unacked', tcpi_unacked)",
    "print",
    "tcpi_unacked",
    "if 1: assert 1; x = 1\nassert x == 1",
    "if 0: assert 0\nelse: x = 2\nassert x == 2",
    "if 0: assert 0\nelif 0: assert 0\nelif 1: x = 3\nelse: assert 0\nassert x == 3",
    "if 1: x = 1\nelif 1: assert 0\nelse: assert 0\nassert x == 1",
    "if tcpi_unacked:\n    x = 1\n    if 0:\n        assert 0\n    else:\n\tx = 2\nassert x == 2",
    "if 1:\n\n  # a comment\n  if 1:\n    x = 1\n\nassert x == 1",
    "if 1:\n if 1:\n  if 1:\n   x = 1",
    "if 0:\n if 1:\n  assert 0\n assert nonsense\nelse:\n x = 1\nassert x",
    "assert ((((((((((((((((((((1))))))))))))))))))))",
};

START_TEST(what_python_finds_true_holds)
{
    enum drill_code_result result = run(true_ones[_i]);
    ck_assert_msg(result == DRILL_CODE_HOLDS, "%d %s for: %s", result, why, true_ones[_i]);
    ck_assert_str_eq(why, "");
}
END_TEST

/* --- what fails --------------------------------------------------------------------------- */

static const struct {
    const char *code, *why;
} false_ones[] = {
    {"assert tcpi_snd_cwnd == 10", "tcpi_snd_cwnd == 10: 9 == 10 is false"},
    {"assert tcpi_snd_cwnd == 10, tcpi_snd_cwnd", "tcpi_snd_cwnd == 10: 9 == 10 is false: 9"},
    {"assert tcpi_snd_cwnd == 10, 'cwnd=%d' % tcpi_snd_cwnd",
     "tcpi_snd_cwnd == 10: 9 == 10 is false: cwnd=9"},
    {"assert 1; assert  tcpi_snd_cwnd  <\\\n 3; assert 0", "tcpi_snd_cwnd < 3: 9 < 3 is false"},
    {"assert (tcpi_unacked, tcpi_snd_cwnd) == (0, 9), 'a' 'b'",
     "(tcpi_unacked, tcpi_snd_cwnd) == (0, 9): (1, 9) == (0, 9) is false: ab"},
    {"assert tcpi_unacked == 1 and tcpi_snd_cwnd >= 10",
     "tcpi_unacked == 1 and tcpi_snd_cwnd >= 10: 9 >= 10 is false"},
    {"assert 1 < tcpi_snd_cwnd < 5", "1 < tcpi_snd_cwnd < 5: 9 < 5 is false"},
    {"assert 1 == 2 or 3 == 4", "1 == 2 or 3 == 4: 3 == 4 is false"},
    {"assert tcpi_sacked", "tcpi_sacked: 0 is false"},
    {"assert not tcpi_unacked", "not tcpi_unacked: 0 is false"},
    {"assert (tcpi_options & 64) != 0, tcpi_options",
     "(tcpi_options & 64) != 0: 0 != 0 is false: 39"},
    {"assert 1 in (2, 3)", "1 in (2, 3): 1 in (2, 3) is false"},
    {"assert 1 not in (1,)", "1 not in (1,): 1 not in (1,) is false"},
    {"assert 'a' == 'b'", "'a' == 'b': 'a' == 'b' is false"},
    {"assert ()", "(): () is false"},
    {"assert 0, (1, 'x')", "0: 0 is false: (1, 'x')"},
    {"if 1:\n  if tcpi_unacked == 1: assert 5 == 6", "5 == 6: 5 == 6 is false"},
    {"assert 1 // 0", "1 // 0: division by zero"}, /* Python raises */
    {"x = 5 % 0", "5 % 0: division by zero"},
};

START_TEST(an_assertion_that_fails_says_the_values_of_both_sides)
{
    ck_assert_int_eq(run(false_ones[_i].code), DRILL_CODE_FAILS);
    ck_assert_str_eq(why, false_ones[_i].why);
}
END_TEST

START_TEST(a_reason_fits_its_line)
{
    char code[1024] = "assert ", message[600];
    for (int i = 0; i < 30; i++)
        strcat(code, "1 == 1 and ");
    memset(message, 'm', sizeof(message));
    snprintf(code + strlen(code), sizeof(code) - strlen(code), "0, '%.500s'", message);
    ck_assert_int_eq(run(code), DRILL_CODE_FAILS);
    ck_assert_uint_eq(strlen(why), DRILL_WHY - 1);
    ck_assert_ptr_nonnull(strstr(why, "..: 0 is false: mmm"));
}
END_TEST

/* --- what we do not know ------------------------------------------------------------------ */

static const struct {
    const char *code, *why;
} unknown_ones[] = {
    {"assert nonsense == 1", "an unknown name: 'nonsense'"},
    {"nonsense", "an unknown name"},
    {"assert nonsense(1)", "an unknown function: 'nonsense'"},
    {"import sys", "a statement that we do not know: 'import'"},
    {"for x in (1, 2): pass", "a statement that we do not know: 'for'"},
    {"while 1: pass", "a statement"},
    {"def f(): pass", "a statement"},
    {"x += 1", "an unknown name"},
    {"tcpi_unacked += 1", "expected the end of the statement: '+='"},
    {"x = y = 1", "an unknown name: 'y'"},
    {"x = 1 if 1 else 2", "expected the end of the statement: 'if'"},
    {"x = lambda: 1", "expected a value: 'lambda'"},
    {"x = None", "expected a value: 'None'"},
    {"assert 1 is 1", "expected the end of the statement: 'is'"},
    {"assert", "expected a value"},
    {"assert 1 ==", "expected a value"},
    {"assert == 1", "expected a value: '=='"},
    {"assert (1", "expected ')'"},
    {"assert 1)", "expected the end of the statement: ')'"},
    {"assert 1, 2, 3", "expected the end of the statement: ','"},
    {"assert 1 2", "expected the end of the statement"},
    {"assert 1 not 2", "expected 'in' behind 'not'"},
    {"assert 1 + not 2", "expected a value: 'not'"},
    {"assert 2 ** 3", "expected the end of the statement: '**'"},
    {"x = [1]", "expected a value: '['"},
    {"x = (1, 2)[0]", "expected the end of the statement: '['"},
    {"x = 'a'.upper()", "expected the end of the statement: '.'"},
    {"x = {}", "expected a value: '{'"},
    {"x = 1.5", "a number that is no whole one: '1.5'"},
    {"x = .5", "expected a value: '.'"},
    {"x = 1e5", "no whole one"},
    {"x = 1__0", "no whole one"},
    {"x = 010", "begins with 0"},
    {"x = 0x", "a number"},
    {"x = 9223372036854775808", "more than 64 bits"},
    {"x = 1 / 2", "a fraction"},
    {"x = tcpi_bytes_acked + 1", "more than 64 bits: 'tcpi_bytes_acked + 1'"},
    {"x = -tcpi_bytes_acked - 2", "more than 64 bits"},
    {"x = tcpi_bytes_acked * 2", "more than 64 bits"},
    {"x = 1 << 63", "more than 64 bits"},
    {"x = 1 << -1", "less than nothing"},
    {"x = -(-9223372036854775807 - 1)", "more than 64 bits"},
    {"x = (-9223372036854775807 - 1) // -1", "more than 64 bits"},
    {"x = 'a' - 1", "values of these kinds"},
    {"x = 1 + 'a'", "values of these kinds"},
    {"x = -'a'", "values of these kinds"},
    {"x = 1 in 2", "values of these kinds"},
    {"x = len(1)", "values of these kinds"},
    {"x = len()", "values of these kinds"},
    {"x = int('5')", "values of these kinds"},
    {"x = max()", "values of these kinds"},
    {"x = max(5)", "values of these kinds"},
    {"x = abs(1, 2)", "values of these kinds"},
    {"assert 1 < 'a'", "different kinds"},
    {"assert (1, 'a') < (1, 2)", "different kinds"},
    {"x = '%f' % 1", "a form of '%'"},
    {"x = '%d %d' % 1", "a form of '%'"},
    {"x = '%' % 1", "a form of '%'"},
    {"x = 'abc", "closing quote"},
    {"x = 'abc\n'", "closing quote"},
    {"x = f'abc'", "a string with a prefix"},
    {"x = $", "a sign that has no meaning"},
    {"x = 1 ! 2", "a sign that has no meaning"},
    {" x = 1", "indented without a reason"},
    {"x = 1\n  y = 2", "indented without a reason"},
    {"if 1:\n    x = 1\n  y = 2", "like no block above"},
    {"if 1:\nx = 1", "expected an indented block"},
    {"if 1 x = 1", "expected ':'"},
    {"if 1:", "expected"},
    {"else: pass", "a statement that we do not know: 'else'"},
    {"if 1: if 1: pass", "a statement that we do not know: 'if'"},
    {"x = 1; if 1: pass", "a statement that we do not know: 'if'"},
    {";", "expected a value: ';'"},
    {"print(1, file=2)", "an unknown name: 'file'"},
    {"(x) = 1", "an unknown name: 'x'"},
};

START_TEST(what_we_do_not_know_is_named)
{
    enum drill_code_result result = run(unknown_ones[_i].code);
    ck_assert_msg(result == DRILL_CODE_UNKNOWN, "%d %s for: %s", result, why,
                  unknown_ones[_i].code);
    ck_assert_msg(strstr(why, unknown_ones[_i].why) != NULL, "%s for: %s", why,
                  unknown_ones[_i].code);
}
END_TEST

/* --- checking ----------------------------------------------------------------------------- */

START_TEST(a_check_reads_everything_and_runs_nothing)
{
    ck_assert_int_eq(check("assert 1 == 2"), DRILL_CODE_HOLDS);
    ck_assert_int_eq(check("assert 1 // 0"), DRILL_CODE_HOLDS);
    ck_assert_int_eq(check("x = tcpi_unacked"), DRILL_CODE_HOLDS);
    ck_assert_int_eq(check("assert x == 5 and 'a' + x"), DRILL_CODE_HOLDS);
    ck_assert_int_eq(check("assert 0 and nonsense"), DRILL_CODE_UNKNOWN);
    ck_assert_int_eq(check("if 0: nonsense"), DRILL_CODE_UNKNOWN);
    ck_assert_int_eq(check("if 0: y = 1\nelse: y = 2"), DRILL_CODE_HOLDS);
    ck_assert_int_eq(check("y"), DRILL_CODE_HOLDS);
    ck_assert_int_eq(check("assert 1 == 1, nonsense"), DRILL_CODE_UNKNOWN);
}
END_TEST

START_TEST(a_check_knows_what_a_run_will_not)
{
    /* What depends on values only a run can find. */
    for (size_t i = 0; i < ARRAY_LEN(unknown_ones); i++)
        if (strstr(unknown_ones[i].why, "expected") || strstr(unknown_ones[i].why, "statement"))
            ck_assert_msg(check(unknown_ones[i].code) == DRILL_CODE_UNKNOWN, "%s",
                          unknown_ones[i].code);
    for (size_t i = 0; i < ARRAY_LEN(false_ones); i++)
        ck_assert_int_eq(check(false_ones[i].code), DRILL_CODE_HOLDS);
}
END_TEST

static const struct {
    const char *code;
    uint32_t line;
} lines[] = {
    {"assert 0", 0},
    {"assert 1\n\n# b\nassert 0; assert 1", 3},
    {"assert (1 and\n 0), 'x'\nassert 1", 0},
    {"if tcpi_unacked == 1:\n    x = 1\n    assert x == 2\nassert 0", 2},
    {"assert 1\nif 1 // 0:\n    pass\n", 1},
    {"assert 1\nassert 1\nassert tcpi_nothing", 2},
    {"assert 1\nimport sys\n", 1},
};

START_TEST(the_statement_that_ends_a_block_is_told_by_its_line)
{
    ck_assert_int_ne(run(lines[_i].code), DRILL_CODE_HOLDS);
    ck_assert_uint_eq(drill_code_line(variables), lines[_i].line);
}
END_TEST

START_TEST(variables_last_from_block_to_block)
{
    ck_assert_int_eq(run("before = tcpi_unacked; t = (1, ('a', before)); s = 'x' + 'y'"),
                     DRILL_CODE_HOLDS);
    ck_assert_int_eq(run("assert (before, t, s) == (1, (1, ('a', 1)), 'xy')"), DRILL_CODE_HOLDS);
    ck_assert_int_eq(run("t = (t, t); assert t == ((1, ('a', 1)), (1, ('a', 1)))"),
                     DRILL_CODE_HOLDS);
}
END_TEST

START_TEST(a_variable_that_was_only_checked_has_no_value)
{
    ck_assert_int_eq(check("x = 1"), DRILL_CODE_HOLDS);
    ck_assert_int_eq(run("assert x == 1"), DRILL_CODE_UNKNOWN);
    ck_assert_ptr_nonnull(strstr(why, "a name without a value: 'x'"));
    ck_assert_int_eq(run("x = 1; assert x == 1"), DRILL_CODE_HOLDS);
}
END_TEST

/* --- caps --------------------------------------------------------------------------------- */

static const struct {
    const char *front, *part;
    size_t count;
    const char *back;
    enum drill_code_result result;
} caps[] = {
    {"assert ", "(", 60, "1", DRILL_CODE_UNKNOWN}, /* and no parentheses behind it */
    {"assert ", "(", 100000, "1", DRILL_CODE_UNKNOWN},
    {"assert ", "not ", 100000, "1", DRILL_CODE_UNKNOWN},
    {"assert ", "-", 100000, "1", DRILL_CODE_UNKNOWN},
    {"assert ", "1 and ", 100000, "1", DRILL_CODE_HOLDS},
    {"assert 0", "+1", 100000, " == 100000", DRILL_CODE_HOLDS},
    {"x = 'a'", "'b'", 4000, "", DRILL_CODE_HOLDS},
    {"x = 'a'", "'b'", 5000, "", DRILL_CODE_UNKNOWN},
    {"x = ''", "+'bcd'", 1300, "", DRILL_CODE_UNKNOWN}, /* the scratch fills up */
    {"x = (", "1,", 500, ")", DRILL_CODE_HOLDS},
    {"x = (", "1,", 5000, ")", DRILL_CODE_UNKNOWN}, /* more than is remembered */
    {"t = (1,)", "\nt = (t,)", 30, "", DRILL_CODE_HOLDS},
    {"t = (1,)", "\nt = (t,)", 40, "", DRILL_CODE_UNKNOWN},
    {"t = (1,)", "\nt = (t,t)", 20, "", DRILL_CODE_UNKNOWN},
    {"t = 1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1\nassert t", " == t",
     100000, "", DRILL_CODE_UNKNOWN}, /* more work than is allowed */
    {"if 1:", "\n if 1: pass", 10000, "", DRILL_CODE_HOLDS},
    {"", "x = 1\n", 50000, "", DRILL_CODE_HOLDS},
};

START_TEST(work_and_memory_have_caps)
{
    size_t len =
        strlen(caps[_i].front) + strlen(caps[_i].part) * caps[_i].count + strlen(caps[_i].back) + 1;
    char *code = malloc(len);
    ck_assert_ptr_nonnull(code);
    char *at = stpcpy(code, caps[_i].front);
    for (size_t i = 0; i < caps[_i].count; i++)
        at = stpcpy(at, caps[_i].part);
    stpcpy(at, caps[_i].back);
    enum drill_code_result result = run(code);
    ck_assert_msg(result == caps[_i].result, "%d %s", result, why);
    ck_assert_int_ne(check(code), DRILL_CODE_FAILS);
    free(code);
}
END_TEST

START_TEST(more_variables_than_there_is_room_for_are_unknown)
{
    char code[32];
    enum drill_code_result result = DRILL_CODE_HOLDS;
    int i;
    for (i = 0; i < 10000 && result == DRILL_CODE_HOLDS; i++) {
        snprintf(code, sizeof(code), "x%d = %d", i, i);
        result = run(code);
    }
    ck_assert_int_eq(i, 257);
    ck_assert_int_eq(result, DRILL_CODE_UNKNOWN);
    ck_assert_int_eq(run("assert x255 == 255"), DRILL_CODE_HOLDS);
}
END_TEST

START_TEST(a_block_without_end_of_blocks_in_blocks_is_unknown)
{
    char code[4096] = "";
    for (int depth = 0; depth < 20; depth++) {
        for (int i = 0; i < depth; i++)
            strcat(code, " ");
        strcat(code, "if 1:\n");
    }
    ck_assert_int_eq(run(code), DRILL_CODE_UNKNOWN);
    ck_assert_ptr_nonnull(strstr(why, "too many blocks"));
}
END_TEST

START_TEST(whatever_allocation_fails_nothing_is_left)
{
    struct small_env env;
    for (uint64_t n = 1;; n++) {
        small_env_init(&env);
        env.fail_at = n;
        struct memory own = {.env = &env.env};
        struct drill_variables *v = drill_variables_new(&own);
        enum drill_code_result result = DRILL_CODE_UNKNOWN;
        if (v)
            result = drill_code_run("x = (1, 'a' + 'b', (2, 3)); assert x == (1, 'ab', (2, 3))", v,
                                    figures, ARRAY_LEN(figures), why);
        drill_variables_free(v);
        ck_assert_uint_eq(env.blocks, 0);
        if (result == DRILL_CODE_HOLDS)
            break;
        ck_assert_int_eq(result, DRILL_CODE_UNKNOWN);
        ck_assert_uint_lt(n, 100);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("drill_code");
    TCase *c = tcase_create("assertions");
    tcase_add_checked_fixture(c, given_variables, then_free);
    tcase_add_loop_test(c, what_python_finds_true_holds, 0, (int)ARRAY_LEN(true_ones));
    tcase_add_loop_test(c, an_assertion_that_fails_says_the_values_of_both_sides, 0,
                        (int)ARRAY_LEN(false_ones));
    tcase_add_test(c, a_reason_fits_its_line);
    tcase_add_loop_test(c, what_we_do_not_know_is_named, 0, (int)ARRAY_LEN(unknown_ones));
    tcase_add_test(c, a_check_reads_everything_and_runs_nothing);
    tcase_add_test(c, a_check_knows_what_a_run_will_not);
    tcase_add_loop_test(c, the_statement_that_ends_a_block_is_told_by_its_line, 0,
                        (int)ARRAY_LEN(lines));
    tcase_add_test(c, variables_last_from_block_to_block);
    tcase_add_test(c, a_variable_that_was_only_checked_has_no_value);
    suite_add_tcase(s, c);

    c = tcase_create("caps");
    tcase_add_checked_fixture(c, given_variables, then_free);
    tcase_add_loop_test(c, work_and_memory_have_caps, 0, (int)ARRAY_LEN(caps));
    tcase_add_test(c, more_variables_than_there_is_room_for_are_unknown);
    tcase_add_test(c, a_block_without_end_of_blocks_in_blocks_is_unknown);
    tcase_add_test(c, whatever_allocation_fails_nothing_is_left);
    suite_add_tcase(s, c);
    return run_suite(s, "drill_code");
}
