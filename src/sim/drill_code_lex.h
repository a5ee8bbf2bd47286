/*
 * drill_code_lex.h - the words of Python: lines, blocks by their indentation, and signs.
 */
#ifndef TAPIO_SIM_DRILL_CODE_LEX_H
#define TAPIO_SIM_DRILL_CODE_LEX_H

#include "base/base.h"

enum code_token_kind {
    CODE_END,
    CODE_NEWLINE,
    CODE_INDENT,
    CODE_DEDENT,
    CODE_NUMBER, /* .integer */
    CODE_TEXT,   /* a string: .spelled is what stands in its quotes, escapes and all */
    CODE_NAME,
    CODE_SIGN, /* == ( , : and so on */
    CODE_BAD,  /* .trouble says why */
};

struct code_token {
    enum code_token_kind kind;
    struct bytes spelled;
    const char *start, *end;
    int64_t integer;
    const char *trouble;
};

enum { CODE_BLOCKS_MAX = 16 };

struct code_lex {
    const char *at;
    uint32_t brackets; /* that are open: newlines count for nothing inside */
    uint32_t blocks;
    uint32_t indent[CODE_BLOCKS_MAX]; /* of each block that is open */
    uint32_t dedents;                 /* owed */
    bool at_line_start;
};

void code_lex_init(struct code_lex *lex, const char *code);
/* After CODE_END or CODE_BAD the same comes again. */
struct code_token code_lex_next(struct code_lex *lex);
/* Does a single '=' come next? */
bool code_lex_assigns(const struct code_lex *lex);

#endif
