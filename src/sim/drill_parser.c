/*
 * drill_parser.c - one token ahead, and the first mistake; see drill_parser.h.
 */
#include "sim/drill_parser.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

enum { FOUND_MAX = 40 }; /* of what was found, as much is shown */

/* From now on there is nothing more to read. */
static void stop(struct drill_parser *p, int err)
{
    p->err = err;
    p->token.kind = TOKEN_END;
    p->lex.at = p->lex.end;
}

static void take(struct drill_parser *p, int (*next)(struct drill_lex *, struct drill_token *))
{
    if (p->err)
        return;
    p->taken_to = p->token.end;
    p->taken_line = p->token.place.end;
    int err = next(&p->lex, &p->token);
    if (err)
        stop(p, err);
}

void parser_take(struct drill_parser *p)
{
    take(p, drill_lex_next);
}

void parser_take_raw(struct drill_parser *p)
{
    take(p, drill_lex_next_raw);
}

void parser_fail(struct drill_parser *p, const char *format, ...)
{
    char text[sizeof(p->problem->text)];
    va_list args;

    if (p->err)
        return; /* the first mistake is the one to mend */
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    drill_problem_set(p->problem, p->token.place.line, "%s", text);
    stop(p, -EINVAL);
}

void parser_no_memory(struct drill_parser *p)
{
    if (p->err)
        return;
    drill_problem_set(p->problem, p->token.place.line, "no memory for this script");
    stop(p, -ENOMEM);
}

void *parser_alloc(struct drill_parser *p, size_t len)
{
    void *octets = drill_arena_alloc(p->arena, len);
    if (!octets)
        parser_no_memory(p);
    return octets;
}

void parser_expected(struct drill_parser *p, const char *what)
{
    const struct drill_token *t = &p->token;
    int len = (int)size_min(t->spelled.len, FOUND_MAX);
    const char *dots = t->spelled.len > FOUND_MAX ? ".." : "";

    if (t->kind == TOKEN_END)
        parser_fail(p, "expected %s, found the end of the script", what);
    else if (t->kind == TOKEN_STRING || t->kind == TOKEN_COMMAND || t->kind == TOKEN_CODE)
        parser_fail(p, "expected %s, found %.*s%s", what, len, (const char *)t->spelled.at, dots);
    else
        parser_fail(p, "expected %s, found '%.*s%s'", what, len, (const char *)t->spelled.at, dots);
}

bool parser_is(const struct drill_parser *p, char character)
{
    return p->token.kind == TOKEN_CHAR && p->token.character == character;
}

bool parser_is_word(const struct drill_parser *p, const char *word)
{
    return p->token.kind == TOKEN_WORD && strcmp(p->token.text, word) == 0;
}

bool parser_accept(struct drill_parser *p, char character)
{
    bool is = parser_is(p, character);
    if (is)
        parser_take(p);
    return is;
}

bool parser_accept_word(struct drill_parser *p, const char *word)
{
    bool is = parser_is_word(p, word);
    if (is)
        parser_take(p);
    return is;
}

void parser_expect(struct drill_parser *p, char character, const char *what)
{
    if (!parser_accept(p, character))
        parser_expected(p, what);
}

void parser_expect_word(struct drill_parser *p, const char *word)
{
    char quoted[FOUND_MAX];
    if (parser_accept_word(p, word))
        return;
    snprintf(quoted, sizeof(quoted), "'%s'", word);
    parser_expected(p, quoted);
}

static uint32_t number(struct drill_parser *p, const char *what, uint32_t max, bool is_number)
{
    char wanted[96];
    int64_t value = p->token.integer;

    if (!is_number || value < 0 || value > max) {
        snprintf(wanted, sizeof(wanted), "%s from 0 to %u", what, max);
        parser_expected(p, wanted);
        return 0;
    }
    parser_take(p);
    return (uint32_t)value;
}

uint32_t parser_number(struct drill_parser *p, const char *what, uint32_t max)
{
    return number(p, what, max, p->token.kind == TOKEN_INTEGER);
}

uint32_t parser_any_number(struct drill_parser *p, const char *what, uint32_t max)
{
    return number(p, what, max, p->token.kind == TOKEN_INTEGER || p->token.kind == TOKEN_HEX);
}

/* "1.25" in nanoseconds, which is exact; what is finer is cut off. False: no time that we take. */
static bool read_seconds(struct bytes text, int64_t *out)
{
    static const int64_t seconds_max = 1000000000; /* thirty years */
    int64_t whole = 0, nanos = 0, worth = NS_PER_S / 10;
    size_t i = 0;

    for (; i < text.len && text.at[i] != '.'; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false; /* a sign */
        whole = whole * 10 + (text.at[i] - '0');
        if (whole > seconds_max)
            return false;
    }
    for (i++; i < text.len; i++, worth /= 10)
        nanos += (text.at[i] - '0') * worth;
    *out = whole * NS_PER_S + nanos;
    return true;
}

int64_t parser_seconds(struct drill_parser *p, const char *what)
{
    char text[24];
    int64_t ns = 0;
    struct bytes spelled = p->token.spelled;

    if (p->token.kind != TOKEN_INTEGER && p->token.kind != TOKEN_DECIMAL) {
        parser_expected(p, what);
        return 0;
    }
    if (p->token.kind ==
        TOKEN_INTEGER) { /* its spelling may be that of a --define in hexadecimal */
        snprintf(text, sizeof(text), "%lld", (long long)p->token.integer);
        spelled = bytes_of(text, strlen(text));
    }
    if (!read_seconds(spelled, &ns))
        parser_expected(p, "a time from 0 to 1000000000 seconds");
    parser_take(p);
    return ns;
}
