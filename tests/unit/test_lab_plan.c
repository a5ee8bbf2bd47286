/* test_lab_plan.c - what a lab's plan may say, what it cannot, and what comes of it. */
#include <stdlib.h>

#include "sim/lab_plan.h"
#include "sim/lab_run.h"
#include "sim/lab_value.h"
#include "support/proves.h"

#define HEAD                                                                                       \
    "host client left\n"                                                                           \
    "host server right\n"                                                                          \
    "wire delay=10ms\n"                                                                            \
    "scene one\n"

/* A connection on which the client sends 3,000 octets and the first segment of them is lost. */
static const char exchange[] = HEAD "drop client text #1\n"
                                    "program server\n"
                                    "    listen l 80 4\n"
                                    "    accept l c\n"
                                    "    read_all c\n"
                                    "    close c\n"
                                    "    close l\n"
                                    "program client\n"
                                    "    connect s server 80\n"
                                    "    write s 3000\n"
                                    "    close s\n"
                                    "mark syn segment client S\n"
                                    "mark lost segment client lost\n"
                                    "mark resent segment client text again\n"
                                    "mark end call server read\n"
                                    "mark never segment server text\n"
                                    "count losses segment any lost\n"
                                    "count text segment client text\n";

static struct lab_plan plan;
static struct lab_result result;
static struct memory memory;
static char reason[200];

static int read_plan(const char *text)
{
    struct text why = text_of(reason, sizeof reason);
    return lab_plan_read(&plan, text, &why);
}

static void given_an_exchange(void)
{
    memory = (struct memory){0};
    ck_assert_int_eq(read_plan(exchange), 0);
    ck_assert_int_eq(lab_run(&plan, &memory, NULL, &result), 0);
    ck_assert_str_eq(result.problem, "");
}

static void free_the_exchange(void)
{
    lab_result_free(&result, &memory);
}

static const struct {
    const char *text, *reason;
} mistakes[] = {
    {"", "line 0: two hosts and a scene are the least"},
    {"host client up\n", "line 1: neither left nor right: up"},
    {"host client\n", "line 1: a name and a side are missing"},
    {HEAD "nonsense\n", "line 5: no such statement: nonsense"},
    {HEAD "connect s server 80\n", "line 5: no such statement: connect"},
    {HEAD "host late left\n", "line 5: hosts come first, and are few"},
    {HEAD "wire delay=x\n", "line 5: no such wire"},
    {HEAD "mtu 67\n", "line 5: no such MTU"},
    {HEAD "set tcp.nothing 1\n", "line 5: no such value: tcp.nothing"},
    {HEAD "program nobody\n", "line 5: no such host"},
    {HEAD "program client\nconnect s\n", "line 6: an argument is missing or wrong: connect"},
    {HEAD "program client\nconnect s nobody 80\n", "line 6: no such host: nobody"},
    {HEAD "program client\nudp u 65536\n", "line 6: an argument is missing or wrong: udp"},
    {HEAD "program client\nclose s now\n", "line 6: this is too much for: close"},
    {HEAD "program client\nsleep 5\n", "line 6: no time: 5"},
    {HEAD "program client\nend\n", "line 6: nothing is repeated here"},
    {HEAD "mark a segment client S\nmark a segment client S\n", "line 6: this name is taken: a"},
    {HEAD "mark a frame client\n", "line 5: neither segment, call, state nor event: frame"},
    {HEAD "mark a segment nobody\n", "line 5: no such host: nobody"},
    {HEAD "mark a segment client X\n", "line 5: no such condition: X"},
    {HEAD "mark a segment client #0\n", "line 5: no such condition: #0"},
    {HEAD "mark a segment client after=b\n", "line 5: no such condition: after=b"},
    {HEAD "count a segment client #2\n", "line 5: a count is of all: a"},
    {HEAD "drop any text\n", "line 5: that cannot be known when it is sent"},
    {HEAD "drop client again\n", "line 5: that cannot be known when it is sent"},
    {HEAD "link token-ring\n", "line 5: no link: token-ring"},
    {HEAD "capture nobody\n", "line 5: no such host: nobody"},
};

START_TEST(a_mistake_is_told_with_its_line)
{
    ck_assert_int_lt(read_plan(mistakes[_i].text), 0);
    ck_assert_str_eq(reason, mistakes[_i].reason);
}
END_TEST

/* However a plan is cut, reading it ends, within the octets that are there. */
START_TEST(a_plan_cut_anywhere_is_read_or_refused)
{
    for (size_t len = 0; len < sizeof exchange; len++) {
        char *cut = malloc(len + 1);
        ck_assert_ptr_nonnull(cut);
        memcpy(cut, exchange, len);
        cut[len] = '\0';
        int err = read_plan(cut);
        ck_assert(err == 0 || reason[0]);
        free(cut);
    }
}
END_TEST

START_TEST(a_drop_loses_the_frame_that_it_names)
{
    int lost = lab_find(&plan, &result, lab_mark_find(&plan, "lost"));

    ck_assert_int_ge(lost, 0);
    ck_assert(result.item[lost].lost);
    ck_assert_uint_eq(result.item[lost].frame.seq, 1);
    ck_assert_uint_eq(result.item[lost].frame.len, 1460);
    ck_assert_int_eq(lab_find(&plan, &result, lab_mark_find(&plan, "losses")), 1);
}
END_TEST

START_TEST(a_mark_that_has_not_happened_is_none)
{
    ck_assert_int_eq(lab_find(&plan, &result, lab_mark_find(&plan, "never")), -1);
    ck_assert_int_eq(lab_mark_find(&plan, "nothing"), -1);
}
END_TEST

/* What a call has changed is told by the stack before the call has returned. */
START_TEST(a_call_comes_before_the_states_that_it_makes)
{
    int connect = -1, sent = -1;

    for (int i = 0; i < result.count; i++) {
        const struct lab_item *item = &result.item[i];
        if (item->kind == LAB_CALL && strcmp(item->word, "connect") == 0 && item->waits)
            connect = i;
        if (item->kind == LAB_STATE && strcmp(item->word, "SYN-SENT") == 0)
            sent = i;
    }
    ck_assert_int_ge(connect, 0);
    ck_assert_int_eq(sent, connect + 1);
}
END_TEST

START_TEST(a_run_is_the_same_each_time)
{
    struct lab_result again;

    ck_assert_int_eq(lab_run(&plan, &memory, NULL, &again), 0);
    ck_assert_int_eq(again.count, result.count);
    for (int i = 0; i < result.count; i++) {
        ck_assert_int_eq(again.item[i].when.ns, result.item[i].when.ns);
        ck_assert_uint_eq(again.item[i].frame.raw_seq, result.item[i].frame.raw_seq);
        ck_assert_str_eq(again.item[i].text, result.item[i].text);
    }
    lab_result_free(&again, &memory);
}
END_TEST

static const struct {
    const char *sum;
    int64_t value;
} sums[] = {
    {"7", 7},
    {" 2 + 3 * 4 - 20 / 5 ", 10},
    {"losses", 1},
    {"lost.end - lost.seq", 1460},
    {"resent.seq-lost.seq", 0},
    {"syn.mss", 1460},
    {"syn.len", 0},
    {"lost.arrives", -1},
    {"end.result", 3000},
};

START_TEST(a_sum_is_of_numbers_counts_and_fields)
{
    char buffer[200];
    struct text why = text_of(buffer, sizeof buffer);
    struct bytes text = bytes_of(sums[_i].sum, strlen(sums[_i].sum));
    int64_t value;

    ck_assert_msg(lab_sum(&plan, &result, text, &value, &why), "%s: %s", sums[_i].sum, buffer);
    ck_assert_int_eq(value, sums[_i].value);
}
END_TEST

static const struct {
    const char *sum, *reason;
} no_sums[] = {
    {"", "a number or a name is missing before: "},
    {"1 +", "a number or a name is missing before: "},
    {"nothing", "no such mark, or a count with a field: nothing"},
    {"nothing.seq", "no such mark, or a count with a field: nothing.seq"},
    {"syn", "no such mark, or a count with a field: syn"},
    {"losses.seq", "no such mark, or a count with a field: losses.seq"},
    {"syn.sequence", "no such field: sequence"},
    {"never.seq", "this has not happened: never.seq"},
    {"1 2", "neither + nor -: 2"},
    {"1 / 0", "a division by nothing: "},
    {"(1)", "a number or a name is missing before: (1)"},
};

START_TEST(what_is_no_sum_says_why)
{
    char buffer[200];
    struct text why = text_of(buffer, sizeof buffer);
    struct bytes text = bytes_of(no_sums[_i].sum, strlen(no_sums[_i].sum));
    int64_t value;

    ck_assert(!lab_sum(&plan, &result, text, &value, &why));
    ck_assert_str_eq(buffer, no_sums[_i].reason);
}
END_TEST

static const struct {
    const char *text;
    bool holds;
    const char *why;
} comparisons[] = {
    {"losses == 1", true, "1 == 1"},
    {"losses == 2", false, "1 == 2"},
    {"losses != 1", false, "1 != 1"},
    {"losses >= 1", true, "1 >= 1"},
    {"losses > 1", false, "1 > 1"},
    {"losses <= 0", false, "1 <= 0"},
    {"losses < 2", true, "1 < 2"},
    {"losses", false, "nothing is compared"},
    {"never.seq == 1", false, "this has not happened: never.seq"},
    {"1 == nothing", false, "no such mark, or a count with a field: nothing"},
};

START_TEST(an_expectation_compares_two_sums)
{
    char buffer[200];
    struct text why = text_of(buffer, sizeof buffer);

    ck_assert(lab_holds(&plan, &result, comparisons[_i].text, &why) == comparisons[_i].holds);
    ck_assert_str_eq(buffer, comparisons[_i].why);
}
END_TEST

START_TEST(a_program_that_waits_for_ever_is_a_problem)
{
    struct lab_result stuck;

    ck_assert_int_eq(read_plan(HEAD "program server\nlisten l 80 1\naccept l c\n"), 0);
    ck_assert_int_eq(lab_run(&plan, &memory, NULL, &stuck), 0);
    ck_assert_str_eq(stuck.problem, "one: a program has not ended: server");
    lab_result_free(&stuck, &memory);
}
END_TEST

START_TEST(a_program_that_never_ends_is_a_problem)
{
    struct lab_result endless;

    ck_assert_int_eq(read_plan(HEAD "program server\nrepeat 1000000\nudp u 0\nclose u\nend\n"), 0);
    ck_assert_int_eq(lab_run(&plan, &memory, NULL, &endless), 0);
    ck_assert_str_eq(endless.problem, "one: a program does not end");
    lab_result_free(&endless, &memory);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("lab_plan");
    TCase *c = tcase_create("reading");
    tcase_add_loop_test(c, a_mistake_is_told_with_its_line, 0, ARRAY_LEN(mistakes));
    tcase_add_test(c, a_plan_cut_anywhere_is_read_or_refused);
    suite_add_tcase(s, c);

    c = tcase_create("what happens");
    tcase_add_checked_fixture(c, given_an_exchange, free_the_exchange);
    tcase_add_test(c, a_drop_loses_the_frame_that_it_names);
    tcase_add_test(c, a_mark_that_has_not_happened_is_none);
    tcase_add_test(c, a_call_comes_before_the_states_that_it_makes);
    tcase_add_test(c, a_run_is_the_same_each_time);
    tcase_add_loop_test(c, a_sum_is_of_numbers_counts_and_fields, 0, ARRAY_LEN(sums));
    tcase_add_loop_test(c, what_is_no_sum_says_why, 0, ARRAY_LEN(no_sums));
    tcase_add_loop_test(c, an_expectation_compares_two_sums, 0, ARRAY_LEN(comparisons));
    suite_add_tcase(s, c);

    c = tcase_create("what does not end");
    tcase_add_test(c, a_program_that_waits_for_ever_is_a_problem);
    tcase_add_test(c, a_program_that_never_ends_is_a_problem);
    suite_add_tcase(s, c);
    return run_suite(s, "lab_plan");
}
