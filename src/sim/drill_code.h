/*
 * drill_code.h - what stands between %{ and }%: assertions about struct tcp_info.
 *
 * The part of Python that scripts use: statements by line or ';' (assert e[, message], name = e,
 * print and pass), if elif else with their blocks, integers, strings, names, tuples, the signs
 * + - * / // % & | ^ ~ << >>, comparisons (also chained), in, and or not, "form" % values, min()
 * max() abs() int() len() str(). Names come from a table of figures that the caller fills at the
 * moment of the event (tcpi_unacked, TCP_ESTABLISHED), and from assignments, which last to the end
 * of the script. Whatever else is met is DRILL_CODE_UNKNOWN, so that the script is skipped and
 * never passed.
 *
 * drill_code_check() reads without evaluating: it finds what we do not know before anything runs.
 */
#ifndef TAPIO_SIM_DRILL_CODE_H
#define TAPIO_SIM_DRILL_CODE_H

#include "base/memory.h"
#include "sim/drill_ast.h"

struct drill_figure {
    const char *name;
    int64_t value;
};

enum drill_code_result {
    DRILL_CODE_HOLDS,
    DRILL_CODE_FAILS,   /* an assertion is false: why says both sides' values; or a division by 0 */
    DRILL_CODE_UNKNOWN, /* syntax or a name that we do not have: why names it */
};

/* Variables of one script. */
struct drill_variables;
NODISCARD struct drill_variables *drill_variables_new(struct memory *memory);
void drill_variables_free(struct drill_variables *variables);

enum { DRILL_WHY = 240 };
enum drill_code_result drill_code_run(const char *code, struct drill_variables *variables,
                                      const struct drill_figure *figures, uint32_t figure_count,
                                      char why[DRILL_WHY]);
/* How many lines below the first one the last block that was run or checked has ended: with the
 * statement that fails or is unknown. */
uint32_t drill_code_line(const struct drill_variables *variables);
/* HOLDS or UNKNOWN. Names assigned in one block are known to the blocks after it. */
enum drill_code_result drill_code_check(const char *code, struct drill_variables *variables,
                                        const struct drill_figure *figures, uint32_t figure_count,
                                        char why[DRILL_WHY]);

#endif
