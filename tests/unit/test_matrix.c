/*
 * test_matrix.c - every segment in every state, against tests/conformance/matrix.tsv.
 *
 * 12 states, 64 sets of flags, six places of SEG.SEQ, five of SEG.ACK, an open and a closed window,
 * with and without text: 92,160 cells for each family. See matrix.h for the table and matrix_rig.h
 * for who asks the stack.
 */
#include <check.h>
#include <stdio.h>
#include <sys/socket.h>

#include "support/holds.h"
#include "support/matrix.h"
#include "support/matrix_rig.h"
#include "support/proves.h"

#ifndef TAPIO_MATRIX
#error "TAPIO_MATRIX is the path of matrix.tsv"
#endif

static void given_the_table(void)
{
    const char *wrong = matrix_load(TAPIO_MATRIX);

    ck_assert_msg(!wrong, "matrix.tsv: %s", wrong);
}

START_TEST(every_cell_has_a_row_and_every_row_a_cell)
{
    for (enum matrix_state state = 0; state < MATRIX_STATES; state++) {
        for (int i = 0; i < MATRIX_CELLS; i++) {
            struct matrix_cell cell = matrix_cell_of(state, i);
            struct matrix_row *row = matrix_find(&cell);
            if (!row)
                ck_abort_msg("no row says what is right when %s", matrix_cell_text(&cell));
            row->matched++;
        }
    }
    for (int i = 0; i < matrix_rows(); i++)
        ck_assert_msg(matrix_row(i)->matched > 0, "line %d of matrix.tsv decides nothing",
                      matrix_row(i)->line);
}
END_TEST

/* The first cell of each row that went wrong, and how many did. */
static void tell_failure(const struct matrix_row *row, const struct matrix_cell *cell,
                         const char *wrong)
{
    printf("  %s: %s.\n      line %d: \"%s\" (%s)\n", matrix_cell_text(cell), wrong, row->line,
           row->sentence, row->clause);
}

/* Half the cells of a state: those with an open window, or with a closed one. */
static void play(enum matrix_state state, int family, bool zero)
{
    int failed = 0;

    rig_begin(family);
    for (int i = 0; i < MATRIX_CELLS; i++) {
        struct matrix_cell cell = matrix_cell_of(state, i);
        if (cell.zero != zero)
            continue;
        struct matrix_row *row = matrix_find(&cell);
        HOLDS(row);
        struct matrix_outcome got = rig_play(&cell);
        const char *wrong = matrix_compare(row, &cell, &got);
        failed += wrong != NULL;
        if (wrong && row->failed++ == 0)
            tell_failure(row, &cell, wrong);
    }
    rig_end();
    ck_assert_msg(failed == 0, "%s: %d cells are not as the table says", matrix_state_name(state),
                  failed);
}

START_TEST(the_answer_to_every_segment_is_the_rfcs)
{
    enum matrix_state state = (enum matrix_state)(_i / 4);

    play(state, _i % 4 / 2 ? AF_INET6 : AF_INET, _i % 2);
    PROVES("C12");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("matrix");

    TCase *c = tcase_create("RFC 9293, 3.10.7: SEGMENT ARRIVES");
    tcase_add_checked_fixture(c, given_the_table, NULL);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, every_cell_has_a_row_and_every_row_a_cell);
    tcase_add_loop_test(c, the_answer_to_every_segment_is_the_rfcs, 0, 4 * MATRIX_STATES);
    suite_add_tcase(s, c);
    return run_suite(s, "matrix");
}
