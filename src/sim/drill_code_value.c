/*
 * drill_code_value.c - see drill_code_value.h.
 *
 * Python's whole numbers have no end and ours do, so what overflows is "we cannot say" and never a
 * wrong number. The same holds for fractions: a / b is known when nothing remains and Python would
 * have it exactly. True and False are 1 and 0, which Python cannot tell apart either where it
 * matters here.
 */
#include "sim/drill_code_value.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

static const char TOO_LARGE[] = "a number of more than 64 bits";
static const char TOO_LARGE_FOR_FLOAT[] = "a number that '/' makes inexact";
static const char TOO_MUCH[] = "more work than a block of code may make";
static const char NO_MEMORY[] = "no memory for this value";
static const char NOT_COMPUTED[] = "a value that was not computed"; /* ours, if ever */
static const char WRONG_KINDS[] = "an operation between values of these kinds";
const char CODE_DIVIDED_BY_ZERO[] = "division by zero";

struct code_value code_integer(int64_t integer)
{
    return (struct code_value){.kind = CODE_INTEGER, .integer = integer};
}

bool code_is_true(const struct code_value *value)
{
    switch (value->kind) {
    case CODE_ANY:
        return true;
    case CODE_INTEGER:
        return value->integer != 0;
    case CODE_STRING:
        return value->text.len > 0;
    case CODE_TUPLE:
        return value->count > 0;
    }
    return true;
}

// NOLINTBEGIN(misc-no-recursion): tuples are at most CODE_TUPLE_DEPTH deep
bool code_copy(struct drill_arena *arena, const struct code_value *value, struct code_value *out)
{
    *out = *value;
    if (value->kind == CODE_STRING) {
        const char *text = drill_arena_text(arena, value->text);
        out->text = bytes_of(text, value->text.len);
        return text != NULL;
    }
    if (value->kind != CODE_TUPLE || value->count == 0)
        return true;
    struct code_value *items = drill_arena_alloc(arena, value->count * sizeof(*items));
    out->items = items;
    for (uint32_t i = 0; items && i < value->count; i++)
        if (!code_copy(arena, &value->items[i], &items[i]))
            return false;
    return items != NULL;
}

// NOLINTEND(misc-no-recursion)

/* --- showing ------------------------------------------------------------------------------ */

static void say_octet(struct code_line *line, char c)
{
    if (line->left <= 1)
        return;
    *line->at++ = (char)(c >= 0x20 && c < 0x7f ? c : '?');
    *line->at = '\0';
    line->left--;
}

void code_say(struct code_line *line, const char *text)
{
    for (; *text; text++)
        say_octet(line, *text);
}

void code_say_text(struct code_line *line, struct bytes text, size_t most)
{
    bool blank = false;
    size_t said = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = (char)text.at[i];
        bool joins = c == '\\' && i + 1 < text.len && text.at[i + 1] == '\n';
        if (c == ' ' || c == '\t' || c == '\n' || joins) {
            blank = said > 0;
            continue;
        }
        if (said >= most) {
            code_say(line, "..");
            return;
        }
        if (blank)
            say_octet(line, ' ');
        blank = false;
        say_octet(line, c);
        said++;
    }
}

// NOLINTBEGIN(misc-no-recursion): the same
void code_say_value(struct code_line *line, const struct code_value *value)
{
    char number[24];

    switch (value->kind) {
    case CODE_ANY:
        code_say(line, "?");
        break;
    case CODE_INTEGER:
        snprintf(number, sizeof(number), "%lld", (long long)value->integer);
        code_say(line, number);
        break;
    case CODE_STRING:
        code_say(line, "'");
        code_say_text(line, value->text, 80);
        code_say(line, "'");
        break;
    case CODE_TUPLE:
        code_say(line, "(");
        for (uint32_t i = 0; i < value->count && line->left > 1; i++) {
            code_say(line, i ? ", " : "");
            code_say_value(line, &value->items[i]);
        }
        code_say(line, value->count == 1 ? ",)" : ")");
        break;
    }
}

// NOLINTEND(misc-no-recursion)

/* --- comparing ---------------------------------------------------------------------------- */

static int order_of(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int text_order(struct bytes a, struct bytes b)
{
    size_t len = size_min(a.len, b.len);
    int order = len ? memcmp(a.at, b.at, len) : 0;
    return order ? order : order_of((int64_t)a.len, (int64_t)b.len);
}

// NOLINTBEGIN(misc-no-recursion): the same
/* Negative, 0, positive; *unlike: of two kinds, so neither is the smaller. */
static const char *order(struct code_heap *heap, const struct code_value *a,
                         const struct code_value *b, int *out, bool *unlike)
{
    if (heap->budget == 0)
        return TOO_MUCH;
    heap->budget--;
    *unlike = a->kind != b->kind;
    *out = 1;
    if (*unlike)
        return NULL;
    if (a->kind == CODE_INTEGER)
        *out = order_of(a->integer, b->integer);
    if (a->kind == CODE_STRING)
        *out = text_order(a->text, b->text);
    if (a->kind != CODE_TUPLE)
        return NULL;
    for (uint32_t i = 0; i < u32_min(a->count, b->count); i++) {
        const char *trouble = order(heap, &a->items[i], &b->items[i], out, unlike);
        if (trouble || *out != 0)
            return trouble;
    }
    *out = order_of(a->count, b->count);
    return NULL;
}

// NOLINTEND(misc-no-recursion)

static const char *contains(struct code_heap *heap, const struct code_value *a,
                            const struct code_value *b, bool *out)
{
    *out = false;
    if (a->kind == CODE_STRING && b->kind == CODE_STRING) {
        *out = a->text.len == 0 || memmem(b->text.at, b->text.len, a->text.at, a->text.len);
        return NULL;
    }
    if (b->kind != CODE_TUPLE)
        return WRONG_KINDS;
    for (uint32_t i = 0; i < b->count && !*out; i++) {
        int sign;
        bool unlike;
        const char *trouble = order(heap, a, &b->items[i], &sign, &unlike);
        if (trouble)
            return trouble;
        *out = sign == 0;
    }
    return NULL;
}

static bool holds(enum code_op op, int sign)
{
    if (op == CODE_EQ)
        return sign == 0;
    if (op == CODE_NE)
        return sign != 0;
    if (op == CODE_LT)
        return sign < 0;
    if (op == CODE_LE)
        return sign <= 0;
    if (op == CODE_GT)
        return sign > 0;
    return sign >= 0;
}

const char *code_compare(struct code_heap *heap, enum code_op op, const struct code_value *a,
                         const struct code_value *b, bool *out)
{
    bool unlike = false;
    int sign = 0;

    *out = true;
    if (a->kind == CODE_ANY || b->kind == CODE_ANY)
        return NOT_COMPUTED;
    if (op == CODE_IN || op == CODE_NOT_IN) {
        const char *trouble = contains(heap, a, b, out);
        *out = *out == (op == CODE_IN);
        return trouble;
    }
    const char *trouble = order(heap, a, b, &sign, &unlike);
    if (!trouble && unlike && op != CODE_EQ && op != CODE_NE)
        trouble = "which of two values of different kinds is the smaller";
    *out = holds(op, sign);
    return trouble;
}

/* --- computing ---------------------------------------------------------------------------- */

static const char *shift(enum code_op op, int64_t a, int64_t by, int64_t *out)
{
    if (by < 0)
        return "a shift by less than nothing";
    if (op == CODE_RIGHT) {
        *out = by > 62 ? (a < 0 ? -1 : 0) : a >> by;
        return NULL;
    }
    if (a != 0 && (by > 62 || __builtin_mul_overflow(a, INT64_C(1) << by, out)))
        return TOO_LARGE;
    if (a == 0)
        *out = 0;
    return NULL;
}

/* Python rounds down, C towards zero. */
static const char *divide(enum code_op op, int64_t a, int64_t b, int64_t *out)
{
    if (b == 0)
        return CODE_DIVIDED_BY_ZERO;
    if (b == -1) { /* INT64_MIN / -1 has no place in C */
        bool over = __builtin_sub_overflow(INT64_C(0), a, out);
        if (op == CODE_MOD)
            *out = 0;
        return over && op != CODE_MOD ? TOO_LARGE : NULL;
    }
    int64_t quotient = a / b;
    int64_t rest = a % b;
    if (op == CODE_DIV && rest != 0)
        return "a fraction ('/' is known when nothing remains; '//' rounds down)";
    if (rest != 0 && (rest < 0) != (b < 0)) {
        quotient--;
        rest += b;
    }
    *out = op == CODE_MOD ? rest : quotient;
    return NULL;
}

/* Does a number of 53 bits hold it? */
static bool is_exact(int64_t value)
{
    const int64_t most = INT64_C(1) << 53;
    return value >= -most && value <= most;
}

static const char *compute(enum code_op op, int64_t a, int64_t b, int64_t *out)
{
    if (op == CODE_BIT_OR)
        *out = a | b;
    else if (op == CODE_BIT_XOR)
        *out = a ^ b;
    else if (op == CODE_BIT_AND)
        *out = a & b;
    else if (op == CODE_LEFT || op == CODE_RIGHT)
        return shift(op, a, b, out);
    else if (op == CODE_ADD)
        return __builtin_add_overflow(a, b, out) ? TOO_LARGE : NULL;
    else if (op == CODE_SUB)
        return __builtin_sub_overflow(a, b, out) ? TOO_LARGE : NULL;
    else if (op == CODE_MUL)
        return __builtin_mul_overflow(a, b, out) ? TOO_LARGE : NULL;
    else
        return divide(op, a, b, out);
    return NULL;
}

static const char *set_text(struct code_heap *heap, struct bytes text, struct code_value *out)
{
    const char *copy = drill_arena_text(heap->arena, text);
    if (!copy)
        return NO_MEMORY;
    *out = (struct code_value){.kind = CODE_STRING, .text = bytes_of(copy, text.len)};
    return NULL;
}

static const char *join(struct code_heap *heap, struct bytes a, struct bytes b,
                        struct code_value *out)
{
    char text[CODE_STRING_MAX];
    if (a.len + b.len > sizeof(text))
        return "a string of more than 4096 octets";
    if (a.len)
        memcpy(text, a.at, a.len);
    if (b.len)
        memcpy(text + a.len, b.at, b.len);
    return set_text(heap, bytes_of(text, a.len + b.len), out);
}

static const char A_FORM[] = "a form of '%' other than %d %i %u %x %s with a value for each";

/* "cwnd %d" % 9, for people: each %x is replaced by the next value as Python shows it. */
static const char *fill_in(struct code_heap *heap, struct bytes form, const struct code_value *args,
                           struct code_value *out)
{
    char text[CODE_STRING_MAX] = "";
    struct code_line line = {text, sizeof(text)};
    uint32_t used = 0;
    uint32_t count = args->kind == CODE_TUPLE ? args->count : 1;

    for (size_t i = 0; i < form.len; i++) {
        char c = (char)form.at[i];
        char kind = i + 1 < form.len ? (char)form.at[i + 1] : '\0';
        if (c != '%') {
            say_octet(&line, c);
            continue;
        }
        i++;
        if (kind == '%') {
            say_octet(&line, '%');
            continue;
        }
        if (!kind || !strchr("diuxs", kind) || used == count)
            return A_FORM;
        const struct code_value *value = args->kind == CODE_TUPLE ? &args->items[used] : args;
        used++;
        if (kind == 's' && value->kind == CODE_STRING)
            code_say_text(&line, value->text, value->text.len);
        else
            code_say_value(&line, value);
    }
    if (used < count)
        return A_FORM;
    return set_text(heap, bytes_of(text, strlen(text)), out);
}

const char *code_binary(struct code_heap *heap, enum code_op op, const struct code_value *a,
                        const struct code_value *b, struct code_value *out)
{
    int64_t number = 0;
    bool is_float = a->is_float || b->is_float;

    *out = (struct code_value){0};
    if (a->kind == CODE_ANY || b->kind == CODE_ANY)
        return NOT_COMPUTED;
    if (a->kind == CODE_STRING && op == CODE_MOD)
        return fill_in(heap, a->text, b, out);
    if (a->kind == CODE_STRING && b->kind == CODE_STRING && op == CODE_ADD)
        return join(heap, a->text, b->text, out);
    if (a->kind != CODE_INTEGER || b->kind != CODE_INTEGER)
        return WRONG_KINDS;
    if (is_float && op >= CODE_BIT_OR && op <= CODE_RIGHT)
        return WRONG_KINDS;
    const char *trouble = compute(op, a->integer, b->integer, &number);
    *out = code_integer(number);
    out->is_float = is_float || op == CODE_DIV;
    if (!trouble && out->is_float &&
        !(is_exact(a->integer) && is_exact(b->integer) && is_exact(number)))
        trouble = TOO_LARGE_FOR_FLOAT;
    return trouble;
}

const char *code_unary(char sign, const struct code_value *a, struct code_value *out)
{
    *out = *a;
    if (a->kind != CODE_INTEGER)
        return WRONG_KINDS;
    if (sign == '~' && a->is_float)
        return WRONG_KINDS;
    if (sign == '~')
        out->integer = ~a->integer;
    if (sign == '-' && __builtin_sub_overflow(INT64_C(0), a->integer, &out->integer))
        return TOO_LARGE;
    return NULL;
}

/* --- functions ---------------------------------------------------------------------------- */

static const char *const functions[] = {"min", "max", "abs", "int", "len", "str"};

bool code_is_function(struct bytes name)
{
    for (size_t i = 0; i < ARRAY_LEN(functions); i++)
        if (bytes_equal(name, bytes_of(functions[i], strlen(functions[i]))))
            return true;
    return false;
}

static const char *extreme(struct code_heap *heap, enum code_op better,
                           const struct code_value *list, struct code_value *out)
{
    *out = list->items[0];
    for (uint32_t i = 1; i < list->count; i++) {
        bool is_better;
        const char *trouble = code_compare(heap, better, &list->items[i], out, &is_better);
        if (trouble)
            return trouble;
        if (is_better)
            *out = list->items[i];
    }
    return NULL;
}

const char *code_call(struct code_heap *heap, struct bytes name, const struct code_value *args,
                      struct code_value *out)
{
    const struct code_value *one = args->count == 1 ? &args->items[0] : NULL;
    const char first = (char)name.at[0], second = (char)name.at[1];

    *out = (struct code_value){0};
    for (uint32_t i = 0; i < args->count; i++)
        if (args->items[i].kind == CODE_ANY)
            return NOT_COMPUTED;
    if (first == 'm') { /* min, max: of the arguments, or of the one that is a tuple */
        const struct code_value *list = one && one->kind == CODE_TUPLE ? one : args;
        if (list->count == 0 || (one && one->kind != CODE_TUPLE))
            return WRONG_KINDS;
        return extreme(heap, second == 'i' ? CODE_LT : CODE_GT, list, out);
    }
    if (first == 's' && one) { /* str */
        char text[256] = "";
        struct code_line line = {text, sizeof(text)};
        if (one->kind == CODE_STRING)
            return set_text(heap, one->text, out);
        code_say_value(&line, one);
        return set_text(heap, bytes_of(text, strlen(text)), out);
    }
    if (first == 'l' && one && one->kind != CODE_INTEGER) { /* len */
        *out = code_integer(one->kind == CODE_TUPLE ? one->count : (int64_t)one->text.len);
        return NULL;
    }
    if (first == 'l' || !one || one->kind != CODE_INTEGER)
        return WRONG_KINDS;
    if (first == 'a' && one->integer < 0) /* abs */
        return code_unary('-', one, out);
    *out = *one; /* abs, int */
    out->is_float = first == 'a' && one->is_float;
    return NULL;
}
