/*
 * drill_code_lex.c - see drill_code_lex.h.
 *
 * As in Python, a line ends a statement unless a bracket is open or a backslash stands at its end,
 * and blocks are told by how far their first word is from the margin. Strings have no prefix here
 * and stay on one line; numbers have no point. What is left out is a CODE_BAD, never a guess.
 */
#include "sim/drill_code_lex.h"

#include <string.h>

#include "base/bytes.h"

enum { TAB = 8 };

void code_lex_init(struct code_lex *lex, const char *code)
{
    *lex = (struct code_lex){.at = code, .blocks = 1, .at_line_start = true};
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_char(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static struct code_token token_of(struct code_lex *lex, enum code_token_kind kind, size_t len)
{
    const char *start = lex->at;
    lex->at += len;
    return (struct code_token){
        .kind = kind, .spelled = bytes_of(start, len), .start = start, .end = lex->at};
}

static struct code_token bad(struct code_lex *lex, const char *trouble)
{
    struct code_token token = token_of(lex, CODE_BAD, 0);
    token.trouble = trouble;
    return token;
}

/* Skips blanks, comments and joined lines; of newlines those in brackets. */
static void skip(struct code_lex *lex)
{
    for (;;) {
        char c = *lex->at;
        if (c == ' ' || c == '\t' || (c == '\n' && lex->brackets > 0))
            lex->at++;
        else if (c == '\\' && lex->at[1] == '\n')
            lex->at += 2;
        else if (c == '#')
            lex->at += strcspn(lex->at, "\n");
        else
            return;
    }
}

/* --- blocks ------------------------------------------------------------------------------- */

/* The margin of the next line that says something. */
static uint32_t margin(struct code_lex *lex)
{
    for (;;) {
        uint32_t column = 0;
        for (; *lex->at == ' ' || *lex->at == '\t'; lex->at++)
            column = *lex->at == '\t' ? (column / TAB + 1) * TAB : column + 1;
        if (*lex->at == '#')
            lex->at += strcspn(lex->at, "\n");
        if (*lex->at == '\0')
            return 0;
        if (*lex->at != '\n')
            return column;
        lex->at++;
    }
}

/* Opens or closes blocks at the start of a line; true: there is a token to give. */
static bool take_margin(struct code_lex *lex, struct code_token *out)
{
    uint32_t column = margin(lex);

    lex->at_line_start = false;
    if (column > lex->indent[lex->blocks - 1]) {
        if (lex->blocks == CODE_BLOCKS_MAX) {
            *out = bad(lex, "too many blocks in blocks");
            return true;
        }
        lex->indent[lex->blocks++] = column;
        *out = token_of(lex, CODE_INDENT, 0);
        return true;
    }
    while (column < lex->indent[lex->blocks - 1]) {
        lex->blocks--;
        lex->dedents++;
    }
    if (column != lex->indent[lex->blocks - 1]) {
        *out = bad(lex, "a line that is indented like no block above it");
        return true;
    }
    return false;
}

/* --- numbers and strings ------------------------------------------------------------------ */

static struct code_token lex_number(struct code_lex *lex)
{
    size_t len = 0;
    unsigned base = 10;
    int64_t value = 0;

    while (is_name_char(lex->at[len]) || lex->at[len] == '.')
        len++;
    const char *at = lex->at;
    size_t from = 0;
    if (len > 2 && at[0] == '0' && strchr("xXbBoO", at[1])) {
        base = (at[1] | 0x20) == 'x' ? 16 : (at[1] | 0x20) == 'b' ? 2 : 8;
        from = 2;
    } else if (len > 1 && at[0] == '0' && strspn(at, "0") < len) {
        return bad(lex, "a number that begins with 0, or has a point");
    }
    for (size_t i = from; i < len; i++) {
        if (at[i] == '_' && i > from && i + 1 < len && at[i - 1] != '_')
            continue;
        unsigned digit =
            is_digit(at[i]) ? (unsigned)(at[i] - '0') : (unsigned)((at[i] | 0x20) - 'a' + 10);
        if (digit >= base || at[i] == '.' || at[i] == '_')
            return bad(lex, "a number that is no whole one");
        if (__builtin_mul_overflow(value, (int64_t)base, &value) ||
            __builtin_add_overflow(value, (int64_t)digit, &value))
            return bad(lex, "a number of more than 64 bits");
    }
    struct code_token token = token_of(lex, CODE_NUMBER, len);
    token.integer = value;
    return token;
}

static struct code_token lex_text(struct code_lex *lex)
{
    char quote = *lex->at;
    const char *start = lex->at;
    size_t len = 1;

    for (; start[len] && start[len] != '\n' && start[len] != quote; len++)
        if (start[len] == '\\' && start[len + 1] && start[len + 1] != '\n')
            len++;
    if (start[len] != quote)
        return bad(lex, "a string without its closing quote");
    struct code_token token = token_of(lex, CODE_TEXT, len + 1);
    token.spelled = bytes_of(start + 1, len - 1);
    return token;
}

static struct code_token lex_name(struct code_lex *lex)
{
    size_t len = 0;
    while (is_name_char(lex->at[len]))
        len++;
    if (lex->at[len] == '"' || lex->at[len] == '\'')
        return bad(lex, "a string with a prefix");
    return token_of(lex, CODE_NAME, len);
}

static struct code_token lex_sign(struct code_lex *lex)
{
    static const char pairs[] = "== != <= >= // << >> ** += -= *= /= %= &= |= ^= -> :=";
    static const char singles[] = "+-*/%&|^~<>=()[]{},:;.@";
    char c = *lex->at;

    for (const char *pair = pairs; *pair; pair += pair[2] ? 3 : 2)
        if (lex->at[0] == pair[0] && lex->at[1] == pair[1])
            return token_of(lex, CODE_SIGN, 2);
    if (!strchr(singles, c))
        return bad(lex, "a sign that has no meaning here");
    if (c == '(' || c == '[' || c == '{')
        lex->brackets++;
    if ((c == ')' || c == ']' || c == '}') && lex->brackets > 0)
        lex->brackets--;
    return token_of(lex, CODE_SIGN, 1);
}

/* --- the lexer ---------------------------------------------------------------------------- */

struct code_token code_lex_next(struct code_lex *lex)
{
    struct code_token token;

    if (lex->at_line_start && take_margin(lex, &token))
        return token;
    if (lex->dedents > 0) {
        lex->dedents--;
        return token_of(lex, CODE_DEDENT, 0);
    }
    skip(lex);
    char c = *lex->at;
    if (c == '\0') {
        if (lex->blocks > 1) { /* the end of the code ends each block */
            lex->blocks--;
            lex->dedents = lex->blocks - 1;
            lex->blocks = 1;
            return token_of(lex, CODE_DEDENT, 0);
        }
        return token_of(lex, CODE_END, 0);
    }
    if (c == '\n') {
        lex->at_line_start = true;
        return token_of(lex, CODE_NEWLINE, 1);
    }
    if (is_digit(c))
        return lex_number(lex);
    if (c == '"' || c == '\'')
        return lex_text(lex);
    if (is_name_char(c))
        return lex_name(lex);
    return lex_sign(lex);
}

bool code_lex_assigns(const struct code_lex *lex)
{
    const char *at = lex->at + strspn(lex->at, " \t");
    return at[0] == '=' && at[1] != '=';
}
