/*
 * drill_code_expression.c - expressions, by precedence (Pratt's way), computed while they are read.
 *
 *     from weak to strong:  or  and  not  in not in == != < <= > >=  |  ^  &  << >>  + -  * / // %
 *                           unary - + ~
 *
 * Comparisons are Python's: weaker than & (unlike C's), and a < b < c means both. The last one that
 * was false is remembered, since it is what a failed assertion is about.
 */
#include <string.h>

#include "base/bytes.h"
#include "sim/drill_code_parser.h"

enum { NESTING_MAX = 64 };

/* --- trouble ------------------------------------------------------------------------------ */

struct code_line code_end_with(struct code *code, enum drill_code_result result)
{
    code->result = result;
    code->token.kind = CODE_END;
    code->why[0] = '\0';
    return (struct code_line){code->why, DRILL_WHY};
}

/* What, and the place in the code. */
void code_unknown(struct code *code, const char *what, struct bytes text)
{
    if (code->result != DRILL_CODE_HOLDS)
        return;
    struct code_line line = code_end_with(code, DRILL_CODE_UNKNOWN);
    code_say(&line, "code: ");
    code_say(&line, what);
    if (text.len) {
        code_say(&line, ": '");
        code_say_text(&line, text, 40);
        code_say(&line, "'");
    }
}

void code_unexpected(struct code *code, const char *wanted)
{
    if (code->token.kind == CODE_BAD)
        code_unknown(code, code->token.trouble,
                     bytes_of(code->token.start, strcspn(code->token.start, "\n")));
    else if (code->token.kind == CODE_INDENT)
        code_unknown(code, "a line that is indented without a reason", bytes_of("", 0));
    else if (code->token.kind == CODE_NAME || code->token.kind == CODE_SIGN)
        code_unknown(code, wanted, code->token.spelled);
    else
        code_unknown(code, wanted, bytes_of("", 0));
}

static const char A_VALUE[] = "expected a value";

/* Trouble while computing `from` up to here. */
static void trouble(struct code *code, const char *what, const char *from)
{
    struct bytes text = bytes_of(from, (size_t)(code->taken_to - from));

    if (!what || code->result != DRILL_CODE_HOLDS)
        return;
    if (what != CODE_DIVIDED_BY_ZERO) {
        code_unknown(code, what, text);
        return;
    }
    struct code_line line = code_end_with(code, DRILL_CODE_FAILS); /* Python raises, too */
    code_say_text(&line, text, 100);
    code_say(&line, ": ");
    code_say(&line, what);
}

/* --- tokens ------------------------------------------------------------------------------- */

void code_take(struct code *code)
{
    if (code->result != DRILL_CODE_HOLDS)
        return;
    code->taken_to = code->token.end;
    code->token = code_lex_next(&code->lex);
}

static bool text_is(struct bytes text, const char *word)
{
    return bytes_equal(text, bytes_of(word, strlen(word)));
}

bool code_is_sign(const struct code *code, const char *sign)
{
    return code->token.kind == CODE_SIGN && text_is(code->token.spelled, sign);
}

bool code_is_name(const struct code *code, const char *name)
{
    return code->token.kind == CODE_NAME && text_is(code->token.spelled, name);
}

bool code_accept_sign(struct code *code, const char *sign)
{
    bool is = code_is_sign(code, sign);
    if (is)
        code_take(code);
    return is;
}

bool code_accept_name(struct code *code, const char *name)
{
    bool is = code_is_name(code, name);
    if (is)
        code_take(code);
    return is;
}

void code_expect_sign(struct code *code, const char *sign, const char *wanted)
{
    if (!code_accept_sign(code, sign))
        code_unexpected(code, wanted);
}

/* --- names -------------------------------------------------------------------------------- */

struct drill_variable *code_find_variable(struct drill_variables *variables, struct bytes name)
{
    for (uint32_t i = 0; i < variables->count; i++)
        if (text_is(name, variables->list[i].name))
            return &variables->list[i];
    return NULL;
}

bool code_is_reserved(struct bytes name)
{
    static const char *const words[] = {
        "and",    "as",     "assert", "async",  "await",   "break",    "class", "continue", "def",
        "del",    "elif",   "else",   "except", "finally", "for",      "from",  "global",   "if",
        "import", "in",     "is",     "lambda", "None",    "nonlocal", "not",   "or",       "pass",
        "raise",  "return", "try",    "while",  "with",    "yield"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (text_is(name, words[i]))
            return true;
    return false;
}

/* Variables hide figures, as in the program that the original makes of a script. */
static void look_up(struct code *code, struct bytes name, struct code_value *out)
{
    const struct drill_variable *variable = code_find_variable(code->variables, name);

    *out = (struct code_value){0};
    if (variable && (variable->value.kind != CODE_ANY || !code->live)) {
        *out = variable->value;
        return;
    }
    if (text_is(name, "True") || text_is(name, "False")) {
        *out = code_integer(text_is(name, "True"));
        return;
    }
    for (uint32_t i = 0; i < code->figure_count; i++) {
        if (text_is(name, code->figures[i].name)) {
            *out = code_integer(code->figures[i].value);
            return;
        }
    }
    if (code->live || code->checking)
        code_unknown(code, variable ? "a name without a value" : "an unknown name", name);
}

/* --- expressions -------------------------------------------------------------------------- */

enum strength {
    NO_OPERATION,
    OR,
    AND,
    NOT,
    COMPARE,
    BIT_OR,
    BIT_XOR,
    BIT_AND,
    SHIFT,
    SUM,
    PRODUCT,
    UNARY,
};

static struct code_value parse_by_strength(struct code *code, enum strength least);

static bool go_deeper(struct code *code)
{
    if (code->nesting == NESTING_MAX) {
        code_unknown(code, "too many parentheses", bytes_of("", 0));
        return false;
    }
    code->nesting++;
    return true;
}

static void push(struct code *code, const struct code_value *value)
{
    if (code->result == DRILL_CODE_HOLDS && !drill_pile_push(&code->values, value))
        code_unknown(code, "no memory for a tuple", bytes_of("", 0));
}

/* The values above `from` become a tuple. */
static struct code_value settle(struct code *code, uint32_t from)
{
    struct code_value tuple = {.kind = CODE_TUPLE};
    void *items = NULL;

    if (code->result != DRILL_CODE_HOLDS)
        return tuple;
    tuple.count = code->values.count - from;
    if (!drill_pile_settle(&code->values, from, code->heap.arena, &items)) {
        code_unknown(code, "no memory for a tuple", bytes_of("", 0));
        return tuple;
    }
    tuple.items = items;
    for (uint32_t i = 0; i < tuple.count; i++)
        tuple.depth = u32_max(tuple.depth, tuple.items[i].depth + 1);
    if (tuple.depth > CODE_TUPLE_DEPTH)
        code_unknown(code, "tuples in tuples too deep", bytes_of("", 0));
    return tuple;
}

// NOLINTBEGIN(misc-no-recursion): at most NESTING_MAX deep, go_deeper() counts
/* What stands in '(' .. ')', the first taken: arguments, a tuple, or (lone) a value. */
static struct code_value parse_parentheses(struct code *code, bool is_call)
{
    uint32_t from = code->values.count;
    bool comma = is_call;
    struct code_value value = {.kind = CODE_TUPLE};

    if (!go_deeper(code))
        return value;
    while (!code_is_sign(code, ")") && code->result == DRILL_CODE_HOLDS) {
        value = code_expression(code);
        push(code, &value);
        if (!code_is_sign(code, ","))
            break;
        comma = true;
        code_take(code);
    }
    code_expect_sign(code, ")", "expected ')'");
    code->nesting--;
    if (comma || (code->result == DRILL_CODE_HOLDS && code->values.count == from))
        return settle(code, from);
    if (code->result == DRILL_CODE_HOLDS)
        code->values.count = from;
    return value;
}

/* "a" 'b': one string, escapes resolved. */
static struct code_value parse_text(struct code *code)
{
    static const char letters[] = "nrt\\\"'";
    static const char meant[] = "\n\r\t\\\"'";
    char text[CODE_STRING_MAX];
    size_t len = 0;

    for (; code->token.kind == CODE_TEXT; code_take(code)) {
        struct bytes in = code->token.spelled;
        if (in.len > sizeof(text) - len) {
            code_unknown(code, "a string of more than 4096 octets", bytes_of("", 0));
            break;
        }
        for (size_t i = 0; i < in.len; i++) {
            char c = (char)in.at[i];
            const char *letter = c == '\\' && i + 1 < in.len
                                     ? memchr(letters, in.at[i + 1], sizeof(letters) - 1)
                                     : NULL;
            text[len++] = letter ? meant[letter - letters] : c;
            i += letter != NULL;
        }
    }
    if (!code->live)
        return (struct code_value){0};
    struct code_value value = {.kind = CODE_STRING, .text = bytes_of(text, len)}, kept;
    if (!code_copy(code->heap.arena, &value, &kept)) {
        code_unknown(code, "no memory for a string", bytes_of("", 0));
        return (struct code_value){0};
    }
    return kept;
}

static struct code_value parse_name(struct code *code)
{
    const char *from = code->token.start;
    struct bytes name = code->token.spelled;
    struct code_value value = {0};

    if (code_is_reserved(name)) {
        code_unexpected(code, A_VALUE);
        return value;
    }
    code_take(code);
    if (!code_is_sign(code, "(")) {
        look_up(code, name, &value);
        return value;
    }
    if (!code_is_function(name)) {
        code_unknown(code, "an unknown function", name);
        return value;
    }
    code_take(code);
    struct code_value args = parse_parentheses(code, true);
    if (code->live && code->result == DRILL_CODE_HOLDS)
        trouble(code, code_call(&code->heap, name, &args, &value), from);
    return value;
}

static struct code_value parse_not(struct code *code)
{
    struct code_value value = {0};

    code_take(code);
    if (!go_deeper(code))
        return value;
    value = parse_by_strength(code, NOT);
    code->nesting--;
    return code->live ? code_integer(!code_is_true(&value)) : (struct code_value){0};
}

static struct code_value parse_unary(struct code *code)
{
    const char *from = code->token.start;
    char sign = (char)code->token.spelled.at[0];
    struct code_value value = {0}, result = {0};

    code_take(code);
    if (!go_deeper(code))
        return value;
    value = parse_by_strength(code, UNARY);
    code->nesting--;
    if (code->live && code->result == DRILL_CODE_HOLDS)
        trouble(code, code_unary(sign, &value, &result), from);
    return result;
}

static struct code_value parse_operand(struct code *code, enum strength least)
{
    struct code_value value = {0};

    if (code->token.kind == CODE_NUMBER) {
        if (code->live)
            value = code_integer(code->token.integer);
        code_take(code);
    } else if (code->token.kind == CODE_TEXT) {
        value = parse_text(code);
    } else if (code_is_name(code, "not") && least <= NOT) {
        value = parse_not(code);
    } else if (code->token.kind == CODE_NAME) {
        value = parse_name(code);
    } else if (code_accept_sign(code, "(")) {
        value = parse_parentheses(code, false);
        if (!code->live)
            value = (struct code_value){0};
    } else if (code_is_sign(code, "-") || code_is_sign(code, "+") || code_is_sign(code, "~")) {
        value = parse_unary(code);
    } else {
        code_unexpected(code, A_VALUE);
    }
    return value;
}

/* --- operations --------------------------------------------------------------------------- */

static const struct {
    const char *sign;
    enum code_op op;
    enum strength strength;
} operations[] = {
    {"or", CODE_OR, OR},          {"and", CODE_AND, AND},
    {"in", CODE_IN, COMPARE},     {"not in", CODE_NOT_IN, COMPARE},
    {"==", CODE_EQ, COMPARE},     {"!=", CODE_NE, COMPARE},
    {"<", CODE_LT, COMPARE},      {"<=", CODE_LE, COMPARE},
    {">", CODE_GT, COMPARE},      {">=", CODE_GE, COMPARE},
    {"|", CODE_BIT_OR, BIT_OR},   {"^", CODE_BIT_XOR, BIT_XOR},
    {"&", CODE_BIT_AND, BIT_AND}, {"<<", CODE_LEFT, SHIFT},
    {">>", CODE_RIGHT, SHIFT},    {"+", CODE_ADD, SUM},
    {"-", CODE_SUB, SUM},         {"*", CODE_MUL, PRODUCT},
    {"/", CODE_DIV, PRODUCT},     {"//", CODE_FLOOR, PRODUCT},
    {"%", CODE_MOD, PRODUCT},
};

const char *code_op_sign(enum code_op op)
{
    return operations[op].sign;
}

/* The operation that comes next; NO_OPERATION: none. It is not taken. */
static enum strength next_operation(struct code *code, enum code_op *op)
{
    bool is_word = code->token.kind == CODE_NAME;

    if (!is_word && code->token.kind != CODE_SIGN)
        return NO_OPERATION;
    if (code_is_name(code, "not")) { /* behind a value it can only be "not in" */
        *op = CODE_NOT_IN;
        return COMPARE;
    }
    for (size_t i = 0; i < ARRAY_LEN(operations); i++) {
        if (text_is(code->token.spelled, operations[i].sign)) {
            *op = operations[i].op;
            return operations[i].strength;
        }
    }
    return NO_OPERATION;
}

/* a < b < c: both must hold, b is computed once, and c only when a < b. */
static struct code_value parse_comparison(struct code *code, struct code_value left,
                                          const char *from)
{
    bool was_live = code->live;
    bool result = true;
    enum code_op op;

    while (next_operation(code, &op) == COMPARE) {
        code_take(code);
        if (op == CODE_NOT_IN && !code_accept_name(code, "in"))
            code_unexpected(code, "expected 'in' behind 'not'");
        struct code_value right = parse_by_strength(code, BIT_OR);
        if (code->live && code->result == DRILL_CODE_HOLDS) {
            trouble(code, code_compare(&code->heap, op, &left, &right, &result), from);
            if (!result) {
                code->failed.is_set = true;
                code->failed.op = op;
                code->failed.left = left;
                code->failed.right = right;
                code->live = false;
            }
        }
        left = right;
    }
    code->live = was_live;
    return was_live ? code_integer(result) : (struct code_value){0};
}

/* `and`, `or`: the right side counts only when the left one has not decided. */
static struct code_value parse_junction(struct code *code, enum code_op op, struct code_value left)
{
    bool was_live = code->live;
    bool decided = was_live && code_is_true(&left) == (op == CODE_OR);

    code_take(code);
    if (decided)
        code->live = false;
    struct code_value right = parse_by_strength(code, op == CODE_OR ? AND : NOT);
    code->live = was_live;
    if (!was_live)
        return (struct code_value){0};
    return decided ? left : right;
}

static struct code_value parse_by_strength(struct code *code, enum strength least)
{
    const char *from = code->token.start;
    struct code_value left = parse_operand(code, least);
    enum strength strength;
    enum code_op op;

    while ((strength = next_operation(code, &op)) != NO_OPERATION && strength >= least) {
        if (strength == COMPARE) {
            left = parse_comparison(code, left, from);
        } else if (strength <= AND) {
            left = parse_junction(code, op, left);
        } else {
            struct code_value a = left;
            code_take(code);
            struct code_value b = parse_by_strength(code, strength + 1);
            left = (struct code_value){0};
            if (code->live && code->result == DRILL_CODE_HOLDS)
                trouble(code, code_binary(&code->heap, op, &a, &b, &left), from);
        }
    }
    return left;
}

struct code_value code_expression(struct code *code)
{
    return parse_by_strength(code, OR);
}

// NOLINTEND(misc-no-recursion)

struct code_value code_expressions(struct code *code)
{
    uint32_t from = code->values.count;
    struct code_value value = code_expression(code);

    if (!code_is_sign(code, ","))
        return value;
    push(code, &value);
    while (code_accept_sign(code, ",") && code->token.kind != CODE_NEWLINE &&
           code->token.kind != CODE_END) {
        value = code_expression(code);
        push(code, &value);
    }
    value = settle(code, from);
    return code->live ? value : (struct code_value){0};
}
