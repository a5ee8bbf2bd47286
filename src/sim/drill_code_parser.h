/*
 * drill_code_parser.h - what the files of the evaluator share.
 *
 * Code is computed while it is read: there is no tree. A branch that is not taken, what stands
 * behind an `and` that is decided, and all of it in drill_code_check() is read with `live` off:
 * then values are CODE_ANY and nothing happens. The first trouble is remembered, and from then on
 * there is nothing but the end.
 */
#ifndef TAPIO_SIM_DRILL_CODE_PARSER_H
#define TAPIO_SIM_DRILL_CODE_PARSER_H

#include "sim/drill_code.h"
#include "sim/drill_code_lex.h"
#include "sim/drill_code_value.h"

struct drill_variable {
    const char *name;
    struct code_value value;
};

enum { DRILL_VARIABLES_MAX = 256 };

struct drill_variables {
    struct memory *memory;
    struct drill_arena *kept; /* names and values */
    uint32_t line;            /* of the last block: where it ended, from 0 */
    uint32_t count;
    struct drill_variable list[DRILL_VARIABLES_MAX];
};

struct code {
    struct code_lex lex;
    struct code_token token; /* the next one, not yet taken */
    const char *taken_to;
    const char *statement; /* where it begins */
    struct drill_variables *variables;
    const struct drill_figure *figures;
    uint32_t figure_count;
    struct code_heap heap;
    struct drill_pile values; /* of all tuples that are open */
    uint32_t nesting;
    bool checking; /* read, do not run: names must be known everywhere */
    bool live;     /* this part counts */
    enum drill_code_result result;
    char *why;
    struct {
        bool is_set;
        enum code_op op;
        struct code_value left, right;
    } failed; /* the last comparison that was false */
};

/* --- drill_code_expression.c -------------------------------------------------------------- */

void code_take(struct code *code);
bool code_is_sign(const struct code *code, const char *sign);
bool code_accept_sign(struct code *code, const char *sign);
void code_expect_sign(struct code *code, const char *sign, const char *wanted);
bool code_is_name(const struct code *code, const char *name);
bool code_accept_name(struct code *code, const char *name);
/* A word that Python keeps for itself. */
bool code_is_reserved(struct bytes name);
/* Ends the block; .why is empty and the line writes there. */
struct code_line code_end_with(struct code *code, enum drill_code_result result);
/* "code: `what`: 'text'" */
void code_unknown(struct code *code, const char *what, struct bytes text);
void code_unexpected(struct code *code, const char *wanted);
const char *code_op_sign(enum code_op op);
/* e, and e, e as a tuple. */
struct code_value code_expression(struct code *code);
struct code_value code_expressions(struct code *code);
struct drill_variable *code_find_variable(struct drill_variables *variables, struct bytes name);

#endif
