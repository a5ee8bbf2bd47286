/* test_lab.c - the labs themselves: each runs to its end, and its text is true in every language.
 */
#include "sim/lab.h"

#include <stdlib.h>

#include "sim/lab_words.h"
#include "support/proves.h"

static struct memory memory;
static char reason[400];
static struct lab lab;

/* --- all labs ----------------------------------------------------------------------------- */

/* What a page prints, its lines measured. */
struct measured {
    struct lab_paper paper;
    unsigned widest, lines;
    bool escapes;   /* colours */
    bool is_ascii;  /* all of it */
    bool has_brace; /* something was not filled in */
};

static void measure(struct lab_paper *paper, const char *text)
{
    struct measured *m = CONTAINER_OF(paper, struct measured, paper);
    struct bytes line = bytes_of(text, strlen(text));

    m->lines++;
    if (strncmp(text, "    $ ", 6) != 0) /* a command is not folded */
        m->widest = u32_max(m->widest, lab_columns(line));
    for (size_t i = 0; i < line.len; i++) {
        m->escapes |= line.at[i] == '\033';
        m->is_ascii &= line.at[i] < 0x80;
        m->has_brace |= line.at[i] == '{';
    }
}

static void given_lab(const struct lab_source *source)
{
    struct text why = text_of(reason, sizeof reason);

    memory = (struct memory){0};
    ck_assert_msg(lab_open(&lab, source, &memory, &why) == 0, "%s: %s", source->name, reason);
    int err = lab_do(&lab, NULL);
    ck_assert_msg(err == 0, "%s: %s", source->name, lab.result.problem);
}

static struct measured print_page(int language, unsigned width, bool utf8, bool color)
{
    struct measured m = {.paper = {.line = measure,
                                   .width = width,
                                   .utf8 = utf8,
                                   .color = color,
                                   .words = lab_words,
                                   .language = language},
                         .is_ascii = true};
    struct text why = text_of(reason, sizeof reason);

    ck_assert_msg(lab_page_print(&lab, &m.paper, "FILE", &why), "%s", reason);
    return m;
}

START_TEST(a_lab_runs_to_its_end_and_all_that_it_expects_holds)
{
    struct text why = text_of(reason, sizeof reason);

    given_lab(&lab_sources[_i]);
    ck_assert_msg(lab_check(&lab, &why), "%s", reason);
    ck_assert_int_ge(lab.plan->expects, 5);
    lab_close(&lab);
}
END_TEST

START_TEST(a_labs_text_fits_what_happened_and_the_paper)
{
    static const unsigned widths[] = {LAB_WIDTH_MIN, 80, LAB_WIDTH_MAX};

    given_lab(&lab_sources[_i]);
    for (int language = 0; language < LAB_LANGUAGES; language++) {
        for (size_t i = 0; i < ARRAY_LEN(widths); i++) {
            struct measured m = print_page(language, widths[i], true, false);
            ck_assert_uint_le(m.widest, widths[i]);
            ck_assert_uint_ge(m.lines, 30);
            ck_assert(!m.escapes);
            ck_assert_msg(!m.has_brace, "%s: something is not filled in", lab_sources[_i].name);
        }
        ck_assert(print_page(language, 80, true, true).escapes);
    }
    ck_assert(print_page(LAB_ENGLISH, 80, false, false).is_ascii);
    lab_close(&lab);
}
END_TEST

/* What must be the same in both languages, one after the other: what is shown and noted, what is
 * filled in, the commands, and the clauses that are quoted. */
static void add_facts(struct text *out, const char *text)
{
    for (const char *at = text; *at; at++) {
        bool begins = at == text || at[-1] == '\n';
        const char *end = NULL;
        if (begins && (*at == '@' || *at == '$'))
            end = strchr(at, '\n');
        else if (begins && (*at == '*' || *at == '?' || *at == '!' || *at == '#'))
            end = *at == '*' ? strchr(at, ':') : at + 1;
        for (; end && at < end; at++)
            text_add_char(out, *at);
        if (end)
            text_add_char(out, '\n');
    }
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* {...} and RFC clauses may change places within a sentence: sorted. */
static size_t list_quotes(const char *text, char list[][LAB_LINE], size_t room)
{
    size_t count = 0;

    for (const char *at = text; *at && count < room; at++) {
        const char *end = *at == '{'                    ? strchr(at, '}')
                          : strncmp(at, "RFC ", 4) == 0 ? at + 3 + strspn(at + 3, " 0123456789")
                                                        : NULL;
        if (!end || end - at >= LAB_LINE)
            continue;
        memcpy(list[count], at, (size_t)(end - at));
        list[count++][end - at] = '\0';
        at = end - 1;
    }
    qsort(list, count, LAB_LINE, compare);
    return count;
}

START_TEST(a_lab_says_the_same_in_both_languages)
{
    static char facts[LAB_LANGUAGES][16384], list[LAB_LANGUAGES][200][LAB_LINE];
    const struct lab_source *source = &lab_sources[_i];
    size_t count[LAB_LANGUAGES];

    for (int i = 0; i < LAB_LANGUAGES; i++) {
        struct text t = text_of(facts[i], sizeof facts[i]);
        add_facts(&t, source->text[i]);
        ck_assert(!t.cut);
        count[i] = list_quotes(source->text[i], list[i], 200);
        ck_assert_uint_gt(lab_head(source->text[i], "title").len, 0);
        ck_assert_uint_gt(lab_head(source->text[i], "about").len, 0);
    }
    ck_assert_str_eq(facts[0], facts[1]);
    for (size_t i = 0; i < count[0] && i < count[1]; i++)
        ck_assert_str_eq(list[0][i], list[1][i]);
    ck_assert_uint_eq(count[0], count[1]);
}
END_TEST

/* --- a text and what cannot be ------------------------------------------------------------ */

static const char plan[] = "host client left\nhost server right\nwire delay=10ms\nscene one\n"
                           "program server\nlisten l 80 1\naccept l c\nclose c\nclose l\n"
                           "program client\nconnect s server 80\nclose s\n"
                           "mark syn segment client S\nmark synack segment server SA\n"
                           "mark never segment any lost\ncount lost segment any lost\n"
                           "expect lost == 0\nexpect synack.ack == 2\n";

#define TEXT(body) "title: T\nabout: A\n\n" body

static const struct {
    const char *text, *reason;
} mistakes[] = {
    {TEXT("{syn.seq} is fine\n\n? Q\n! A\n"), NULL},
    {TEXT("two {syn.arrives|ms} ms, {lost} lost\n\n@show syn..synack\n* syn: note\n\n? Q\n! A\n"),
     NULL},
    {TEXT("no questions\n"), "t.en.txt:4: each question has an answer, and there is one at least"},
    {TEXT("? Q\n? Q\n! A\n"), "t.en.txt:6: each question has an answer, and there is one at least"},
    {TEXT("{nothing.seq}\n"), "t.en.txt:4: no such mark, or a count with a field: nothing.seq"},
    {TEXT("{never.seq}\n"), "t.en.txt:4: this has not happened: never.seq"},
    {TEXT("{syn.seq|hours}\n"), "t.en.txt:4: no such unit"},
    {TEXT("{syn.seq\n"), "t.en.txt:4: a { without its }"},
    {TEXT("@draw syn\n"), "t.en.txt:4: no such picture"},
    {TEXT("@show nothing\n"), "t.en.txt:4: neither FROM..TO nor a scene: nothing"},
    {TEXT("@show syn..never\n"), "t.en.txt:4: this has not happened: never"},
    {TEXT("@show synack..syn\n"), "t.en.txt:4: it ends before it begins: synack..syn"},
    {TEXT("@show one fast\n"), "t.en.txt:4: no such word: fast"},
    {TEXT("@show syn..syn\n* synack: note\n"), "t.en.txt:5: this is not shown here: synack"},
    {TEXT("@show one\n* syn: a\n* syn: b\n"), "t.en.txt:6: two notes for the same thing: syn"},
    {TEXT("@show one\n* lost: a\n"), "t.en.txt:5: no such mark: lost"},
    {TEXT("* syn: a\n"), "t.en.txt:4: a note that belongs to no ladder"},
    {TEXT("@peel lost\n"), "t.en.txt:4: no such mark: lost"},
    {TEXT("@bars nobody every=20 one\n"), "t.en.txt:4: no such host: nobody"},
    {TEXT("@bars client every=x one\n"), "t.en.txt:4: no such time: every=x"},
};

START_TEST(a_text_that_does_not_fit_what_happened_is_refused)
{
    struct lab_source source = {"t", plan, {mistakes[_i].text, mistakes[_i].text}};
    struct measured m = {.paper = {.line = measure, .width = 80, .words = lab_words}};
    struct text why = text_of(reason, sizeof reason);

    given_lab(&source);
    bool good = lab_page_print(&lab, &m.paper, NULL, &why);
    if (mistakes[_i].reason)
        ck_assert_str_eq(reason, mistakes[_i].reason);
    ck_assert(good == !mistakes[_i].reason);
    lab_close(&lab);
}
END_TEST

START_TEST(an_expectation_that_does_not_hold_is_named)
{
    struct lab_source source = {"t", plan, {TEXT(""), TEXT("")}};
    struct text why = text_of(reason, sizeof reason);

    given_lab(&source);
    ck_assert(!lab_check(&lab, &why));
    ck_assert_str_eq(reason, "t.lab:18: 'synack.ack == 2' does not hold: 1 == 2");
    lab_close(&lab);
}
END_TEST

/* --- paper -------------------------------------------------------------------------------- */

static const struct {
    const char *text;
    unsigned columns;
    const char *lines[4]; /* folded at 10 */
} folds[] = {
    {"", 0, {""}},
    {"one", 3, {"one"}},
    {"one two three four", 18, {"one two", "three four"}},
    {"0123456789", 10, {"0123456789"}},
    {"0123456789 x", 12, {"0123456789", "x"}},
    {"0123456789abc x", 15, {"0123456789", "abc x"}},
    {"순서 번호는", 11, {"순서", "번호는"}},
    {"느린시작이다", 12, {"느린시작이", "다"}},
    {"─▶│", 3, {"─▶│"}},
};

START_TEST(a_paragraph_is_folded_at_columns)
{
    struct bytes rest = bytes_of(folds[_i].text, strlen(folds[_i].text));

    ck_assert_uint_eq(lab_columns(rest), folds[_i].columns);
    for (size_t i = 0; folds[_i].lines[i]; i++) {
        struct bytes line = lab_fold_next(&rest, 10);
        ck_assert_uint_eq(line.len, strlen(folds[_i].lines[i]));
        ck_assert_mem_eq(line.at, folds[_i].lines[i], line.len);
    }
    ck_assert_uint_eq(rest.len, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("lab");
    TCase *c = tcase_create("all labs");
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, a_lab_runs_to_its_end_and_all_that_it_expects_holds, 0,
                        (int)lab_source_count);
    tcase_add_loop_test(c, a_labs_text_fits_what_happened_and_the_paper, 0, (int)lab_source_count);
    tcase_add_loop_test(c, a_lab_says_the_same_in_both_languages, 0, (int)lab_source_count);
    suite_add_tcase(s, c);

    c = tcase_create("texts");
    tcase_add_loop_test(c, a_text_that_does_not_fit_what_happened_is_refused, 0,
                        ARRAY_LEN(mistakes));
    tcase_add_test(c, an_expectation_that_does_not_hold_is_named);
    tcase_add_loop_test(c, a_paragraph_is_folded_at_columns, 0, ARRAY_LEN(folds));
    suite_add_tcase(s, c);
    return run_suite(s, "lab");
}
