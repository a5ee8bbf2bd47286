/*
 * drill_lex.h - the words of a packetdrill script.
 *
 * The longest match wins, as in the original's lexer: "3a" is a word, "0...2" a number, three dots
 * and a number. Comments and blanks are gone; words of --define are replaced.
 */
#ifndef TAPIO_SIM_DRILL_LEX_H
#define TAPIO_SIM_DRILL_LEX_H

#include "sim/drill_arena.h"
#include "sim/drill_ast.h"

enum drill_token_kind {
    TOKEN_END,
    TOKEN_INTEGER, /* -12 : .integer */
    TOKEN_HEX,     /* 0x1f : .integer, modulo 2^64 */
    TOKEN_DECIMAL, /* 1.5, .5 : as .spelled */
    TOKEN_WORD,    /* .text; keywords are words, too */
    TOKEN_OPTION,  /* --name : .text is the name */
    TOKEN_STRING,  /* "s" : .text, .integer octets, escapes resolved */
    TOKEN_COMMAND, /* `s` : .text, backslashes as they stand */
    TOKEN_CODE,    /* %{ s }% : .text, trimmed, and the line where it begins in .integer */
    TOKEN_ELLIPSIS,
    TOKEN_ADDRESS, /* 192.0.2.1, 2001:db8::1 : .address */
    TOKEN_CHAR,    /* .character */
};

struct drill_token {
    enum drill_token_kind kind;
    char character;
    const char *text;
    int64_t integer;
    struct ip_addr address;
    struct bytes spelled; /* as written, or the value that replaced it */
    struct drill_place place;
    const char *start, *end; /* in the script */
};

enum { DRILL_DEFINES_MAX = 64 };

struct drill_lex {
    const char *at, *end;
    uint32_t line;
    struct drill_arena *arena;
    struct drill_define defines[DRILL_DEFINES_MAX];
    uint32_t define_count;
    uint32_t fixed_count; /* that many of the first are the caller's, and stay */
    struct drill_problem *problem;
};

/* `text` lives on while the lexer does; tokens keep nothing of it but .spelled, .start, .end. */
void drill_lex_init(struct drill_lex *lex, struct bytes text, struct drill_arena *arena,
                    struct drill_problem *problem);
/* Replaces `name` from the next token on, unless it is one of the fixed ones. False: too many. */
NODISCARD bool drill_lex_define(struct drill_lex *lex, const char *name, const char *value);
/* 0, -EINVAL with the problem, or -ENOMEM. At the end again and again TOKEN_END. */
NODISCARD int drill_lex_next(struct drill_lex *lex, struct drill_token *out);
/* The same, with words as they stand. */
NODISCARD int drill_lex_next_raw(struct drill_lex *lex, struct drill_token *out);

/* A word with a meaning of its own, which --define cannot change. */
bool drill_is_keyword(const char *word);

/* Writes one line for people; what is no printable ASCII becomes '?'. */
__attribute__((format(printf, 3, 4))) void
drill_problem_set(struct drill_problem *problem, uint32_t line, const char *format, ...);

#endif
