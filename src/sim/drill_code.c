/*
 * drill_code.c - see drill_code.h: statements and blocks.
 *
 *     block     := (if | line)*
 *     if        := 'if' e ':' suite ('elif' e ':' suite)* ['else' ':' suite]
 *     suite     := line | NEWLINE INDENT block DEDENT
 *     line      := statement (';' statement)* NEWLINE
 *     statement := 'assert' e [',' e] | NAME '=' e (',' e)* | 'print' .. | 'pass' | e
 *
 * Results live in an arena of the block, variables in one of the script. Both have caps, and so has
 * the work of a block; at a cap the code is one that we do not know, and its script is skipped.
 */
#include "sim/drill_code.h"

#include <string.h>

#include "base/bytes.h"
#include "sim/drill_code_parser.h"

enum { SCRATCH_MAX = 1 << 20, KEPT_MAX = 64 << 10, BUDGET = 1000000 };

struct drill_variables *drill_variables_new(struct memory *memory)
{
    struct drill_variables *variables = memory_alloc(memory, sizeof(*variables));
    if (!variables)
        return NULL;
    variables->memory = memory;
    variables->kept = drill_arena_new(memory, KEPT_MAX);
    if (!variables->kept) {
        memory_release(memory, variables, sizeof(*variables));
        return NULL;
    }
    return variables;
}

void drill_variables_free(struct drill_variables *variables)
{
    if (!variables)
        return;
    drill_arena_free(variables->kept);
    memory_release(variables->memory, variables, sizeof(*variables));
}

/* --- statements --------------------------------------------------------------------------- */

static void assign(struct code *code, struct bytes name, const struct code_value *value)
{
    struct drill_variables *v = code->variables;
    struct drill_variable *variable = code_find_variable(v, name);

    if (!code->live && !code->checking)
        return;
    if (!variable) {
        const char *text = v->count < DRILL_VARIABLES_MAX ? drill_arena_text(v->kept, name) : NULL;
        if (!text) {
            code_unknown(code, "too many variables", name);
            return;
        }
        variable = &v->list[v->count++];
        *variable = (struct drill_variable){.name = text};
    }
    if (code->live && !code_copy(v->kept, value, &variable->value)) {
        variable->value = (struct code_value){0};
        code_unknown(code, "too much to remember", name);
    }
}

static bool is_at_end(const struct code *code)
{
    return code->token.kind == CODE_NEWLINE || code->token.kind == CODE_END ||
           code->token.kind == CODE_DEDENT || code_is_sign(code, ";");
}

/* "cwnd == 10: 9 == 10 is false: message" */
static void fail(struct code *code, struct bytes expression, const struct code_value *value,
                 const struct code_value *message)
{
    struct code_line line = code_end_with(code, DRILL_CODE_FAILS);

    code_say_text(&line, expression, 100);
    code_say(&line, ": ");
    if (code->failed.is_set) {
        code_say_value(&line, &code->failed.left);
        code_say(&line, " ");
        code_say(&line, code_op_sign(code->failed.op));
        code_say(&line, " ");
        code_say_value(&line, &code->failed.right);
    } else {
        code_say_value(&line, value);
    }
    code_say(&line, " is false");
    if (message->kind == CODE_ANY)
        return;
    code_say(&line, ": ");
    if (message->kind == CODE_STRING)
        code_say_text(&line, message->text, message->text.len);
    else
        code_say_value(&line, message);
}

static void parse_assert(struct code *code)
{
    bool was_live = code->live;
    const char *start = code->token.start;
    struct code_value message = {0};

    code->failed.is_set = false;
    struct code_value value = code_expression(code);
    if (code->result != DRILL_CODE_HOLDS)
        return;
    struct bytes expression = bytes_of(start, (size_t)(code->taken_to - start));
    assert(!was_live || value.kind != CODE_ANY); /* what counts was computed */
    bool fails = was_live && !code_is_true(&value);
    if (code_accept_sign(code, ",")) {
        code->live = fails; /* Python computes the message for those who will see it */
        message = code_expression(code);
        code->live = was_live;
    }
    if (fails)
        fail(code, expression, &value, &message);
}

static void begin_statement(struct code *code)
{
    if (code->result == DRILL_CODE_HOLDS)
        code->statement = code->token.start;
}

static void parse_statement(struct code *code)
{
    struct bytes name = code->token.spelled;

    begin_statement(code);
    if (code_accept_name(code, "pass"))
        return;
    if (code_accept_name(code, "assert")) {
        parse_assert(code);
    } else if (code_accept_name(code, "print")) {
        if (!is_at_end(code))
            code_expressions(code);
    } else if (code->token.kind == CODE_NAME && code_is_reserved(name) &&
               !code_is_name(code, "not")) {
        code_unexpected(code, "a statement that we do not know");
    } else if (code->token.kind == CODE_NAME && code_lex_assigns(&code->lex)) {
        code_take(code);
        code_take(code);
        struct code_value value = code_expressions(code);
        if (code->result == DRILL_CODE_HOLDS)
            assign(code, name, &value);
    } else {
        code_expressions(code);
    }
}

static void parse_line(struct code *code)
{
    do {
        parse_statement(code);
        if (!is_at_end(code))
            code_unexpected(code, "expected the end of the statement");
    } while (code_accept_sign(code, ";") && !is_at_end(code));
    if (code->token.kind == CODE_NEWLINE)
        code_take(code);
}

/* --- blocks ------------------------------------------------------------------------------- */

// NOLINTBEGIN(misc-no-recursion): at most CODE_BLOCKS_MAX blocks in blocks
static void parse_block(struct code *code);

static void parse_suite(struct code *code, bool live)
{
    bool was_live = code->live;

    code_expect_sign(code, ":", "expected ':'");
    code->live = live;
    if (code->token.kind != CODE_NEWLINE) {
        parse_line(code);
    } else {
        code_take(code);
        if (code->token.kind != CODE_INDENT)
            code_unexpected(code, "expected an indented block");
        code_take(code);
        parse_block(code);
        if (code->token.kind == CODE_DEDENT)
            code_take(code);
    }
    code->live = was_live;
}

/* The 'if' is taken. */
static void parse_if(struct code *code)
{
    bool was_live = code->live;
    bool open = was_live; /* no branch was taken yet */

    do {
        begin_statement(code);
        code->live = open;
        struct code_value condition = code_expression(code);
        code->live = was_live;
        bool taken = open && code_is_true(&condition);
        parse_suite(code, taken);
        open = open && !taken;
    } while (code_accept_name(code, "elif"));
    if (code_accept_name(code, "else"))
        parse_suite(code, open);
}

static void parse_block(struct code *code)
{
    while (code->token.kind != CODE_END && code->token.kind != CODE_DEDENT) {
        if (code_accept_name(code, "if"))
            parse_if(code);
        else
            parse_line(code);
    }
}

// NOLINTEND(misc-no-recursion)

/* --- the code ----------------------------------------------------------------------------- */

static enum drill_code_result go_through(const char *text, struct drill_variables *variables,
                                         const struct drill_figure *figures, uint32_t figure_count,
                                         bool checking, char why[DRILL_WHY])
{
    struct code code = {
        .variables = variables,
        .figures = figures,
        .figure_count = figure_count,
        .heap = {drill_arena_new(variables->memory, SCRATCH_MAX), BUDGET},
        .checking = checking,
        .live = !checking,
        .taken_to = text,
        .statement = text,
        .why = why,
    };

    why[0] = '\0';
    if (!code.heap.arena) {
        code_unknown(&code, "no memory", bytes_of("", 0));
        return code.result;
    }
    drill_pile_init(&code.values, variables->memory, sizeof(struct code_value));
    code_lex_init(&code.lex, text);
    code.token = code_lex_next(&code.lex);
    parse_block(&code);
    if (code.token.kind != CODE_END)
        code_unexpected(&code, "expected a statement");
    variables->line = 0;
    for (const char *at = text; at < code.statement; at++)
        variables->line += *at == '\n';
    drill_pile_fini(&code.values);
    drill_arena_free(code.heap.arena);
    return code.result;
}

uint32_t drill_code_line(const struct drill_variables *variables)
{
    return variables->line;
}

enum drill_code_result drill_code_run(const char *code, struct drill_variables *variables,
                                      const struct drill_figure *figures, uint32_t figure_count,
                                      char why[DRILL_WHY])
{
    return go_through(code, variables, figures, figure_count, false, why);
}

enum drill_code_result drill_code_check(const char *code, struct drill_variables *variables,
                                        const struct drill_figure *figures, uint32_t figure_count,
                                        char why[DRILL_WHY])
{
    return go_through(code, variables, figures, figure_count, true, why);
}
