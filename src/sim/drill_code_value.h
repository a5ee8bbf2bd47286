/*
 * drill_code_value.h - whole numbers, strings and tuples, as Python counts them.
 *
 * Each operation returns NULL, or in one sentence why we cannot say what Python would.
 */
#ifndef TAPIO_SIM_DRILL_CODE_VALUE_H
#define TAPIO_SIM_DRILL_CODE_VALUE_H

#include "sim/drill_arena.h"

enum code_kind {
    CODE_ANY, /* not computed: code that is only read, or a branch not taken */
    CODE_INTEGER,
    CODE_STRING,
    CODE_TUPLE,
};

struct code_value {
    enum code_kind kind;
    uint32_t depth; /* of tuples in tuples */
    int64_t integer;
    bool is_float; /* of an integer: Python has it as 3.0, so it counts no bits */
    struct bytes text;
    const struct code_value *items;
    uint32_t count;
};

enum code_op {
    CODE_OR,
    CODE_AND,
    CODE_IN,
    CODE_NOT_IN,
    CODE_EQ,
    CODE_NE,
    CODE_LT,
    CODE_LE,
    CODE_GT,
    CODE_GE,
    CODE_BIT_OR,
    CODE_BIT_XOR,
    CODE_BIT_AND,
    CODE_LEFT,
    CODE_RIGHT,
    CODE_ADD,
    CODE_SUB,
    CODE_MUL,
    CODE_DIV,
    CODE_FLOOR,
    CODE_MOD,
};

/* Where results live, and how much work one block of code may make. */
struct code_heap {
    struct drill_arena *arena;
    uint32_t budget;
};

enum { CODE_TUPLE_DEPTH = 32, CODE_STRING_MAX = 4096 };

extern const char CODE_DIVIDED_BY_ZERO[];

struct code_value code_integer(int64_t integer);
bool code_is_true(const struct code_value *value);
/* CODE_IN to CODE_GE. */
NODISCARD const char *code_compare(struct code_heap *heap, enum code_op op,
                                   const struct code_value *a, const struct code_value *b,
                                   bool *out);
/* CODE_BIT_OR to CODE_MOD. */
NODISCARD const char *code_binary(struct code_heap *heap, enum code_op op,
                                  const struct code_value *a, const struct code_value *b,
                                  struct code_value *out);
/* `sign` is one of - + ~ */
NODISCARD const char *code_unary(char sign, const struct code_value *a, struct code_value *out);
/* min, max, abs, int, len, str: `args` is a tuple of what stands in the parentheses. */
NODISCARD const char *code_call(struct code_heap *heap, struct bytes name,
                                const struct code_value *args, struct code_value *out);
bool code_is_function(struct bytes name);
/* A copy in `arena`, all its parts included; false: no room. */
NODISCARD bool code_copy(struct drill_arena *arena, const struct code_value *value,
                         struct code_value *out);

/* A line under construction; what does not fit is cut off. */
struct code_line {
    char *at;
    size_t left; /* the NUL included */
};

void code_say(struct code_line *line, const char *text);
/* Blanks folded, at most `most` octets and then "..". */
void code_say_text(struct code_line *line, struct bytes text, size_t most);
/* As Python shows it. */
void code_say_value(struct code_line *line, const struct code_value *value);

#endif
