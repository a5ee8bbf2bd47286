/*
 * drill_shell.c - see drill_shell.h.
 *
 * Not a shell: it finds out where a command ends and what its words are, and says so when there is
 * more to it than that. Whoever asks for meaning can then refuse what he does not know, so that a
 * construct that is missing here can make nothing look right that is not.
 */
#include "sim/drill_shell.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

enum { ARITHMETIC_DEPTH = 8 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool is_joined_line(const char *at)
{
    return at[0] == '\\' && at[1] == '\n';
}

void drill_shell_init(struct drill_shell *shell, const char *text)
{
    *shell = (struct drill_shell){text, 1};
}

static void step(struct drill_shell *shell, size_t n)
{
    for (; n > 0; n--)
        if (*shell->at++ == '\n')
            shell->line++;
}

/* --- $((2*3)) ----------------------------------------------------------------------------- */

// NOLINTBEGIN(misc-no-recursion): at most ARITHMETIC_DEPTH deep
static bool read_sum(const char **at, int depth, int64_t *out);

static void skip_blanks(const char **at)
{
    while (is_blank(**at))
        (*at)++;
}

static bool read_factor(const char **at, int depth, int64_t *out)
{
    skip_blanks(at);
    if (**at == '(') {
        (*at)++;
        if (depth == 0 || !read_sum(at, depth - 1, out) || **at != ')')
            return false;
        (*at)++;
    } else {
        const char *from = *at;
        *out = 0;
        for (; **at >= '0' && **at <= '9'; (*at)++)
            if (__builtin_mul_overflow(*out, INT64_C(10), out) ||
                __builtin_add_overflow(*out, (int64_t)(**at - '0'), out))
                return false;
        if (*at == from)
            return false;
    }
    skip_blanks(at);
    return true;
}

static bool read_product(const char **at, int depth, int64_t *out)
{
    if (!read_factor(at, depth, out))
        return false;
    while (**at == '*' || **at == '/') {
        char sign = *(*at)++;
        int64_t right;
        if (!read_factor(at, depth, &right))
            return false;
        if (sign == '/' && right == 0)
            return false;
        if (sign == '/')
            *out /= right;
        else if (__builtin_mul_overflow(*out, right, out))
            return false;
    }
    return true;
}

static bool read_sum(const char **at, int depth, int64_t *out)
{
    if (!read_product(at, depth, out))
        return false;
    while (**at == '+' || **at == '-') {
        char sign = *(*at)++;
        int64_t right;
        if (!read_product(at, depth, &right))
            return false;
        if (sign == '+' ? __builtin_add_overflow(*out, right, out)
                        : __builtin_sub_overflow(*out, right, out))
            return false;
    }
    return true;
}

// NOLINTEND(misc-no-recursion)

/* --- words -------------------------------------------------------------------------------- */

static void put(struct drill_shell_command *c, char octet)
{
    if (c->used == sizeof(c->room)) {
        c->is_strange = true; /* too long */
        c->used--;
    }
    c->room[c->used++] = octet;
}

/* '$' and what belongs to it; arithmetic becomes its value. */
static void take_dollar(struct drill_shell *shell, struct drill_shell_command *c, bool *expands)
{
    const char *end = shell->at + 3;
    int64_t value;

    if (shell->at[1] == '(' && shell->at[2] == '(' && read_sum(&end, ARITHMETIC_DEPTH, &value) &&
        end[0] == ')' && end[1] == ')') {
        char digits[24];
        snprintf(digits, sizeof(digits), "%lld", (long long)value);
        for (const char *d = digits; *d; d++)
            put(c, *d);
        step(shell, (size_t)(end + 2 - shell->at));
        return;
    }
    *expands = true;
    if (shell->at[1] == '(')
        c->is_strange = true; /* a command in a command */
    put(c, '$');
    step(shell, 1);
}

static void take_single_quotes(struct drill_shell *shell, struct drill_shell_command *c)
{
    step(shell, 1);
    for (; *shell->at && *shell->at != '\''; step(shell, 1))
        put(c, *shell->at);
    if (*shell->at)
        step(shell, 1);
    else
        c->is_strange = true;
}

static void take_double_quotes(struct drill_shell *shell, struct drill_shell_command *c,
                               bool *expands)
{
    step(shell, 1);
    while (*shell->at && *shell->at != '"') {
        if (*shell->at == '$') {
            take_dollar(shell, c, expands);
        } else {
            if (*shell->at == '`')
                c->is_strange = true;
            bool escaped = *shell->at == '\\' && shell->at[1] && strchr("\"\\$`\n", shell->at[1]);
            step(shell, escaped);
            if (!escaped || *shell->at != '\n')
                put(c, *shell->at);
            step(shell, 1);
        }
    }
    if (*shell->at)
        step(shell, 1);
    else
        c->is_strange = true;
}

/* Does an unquoted `c` end a word? */
static bool ends_word(char c)
{
    return c == '\0' || is_blank(c) || strchr("\n;&|<>()", c);
}

/* One word, into the room; NULL-terminated there. */
static const char *take_word(struct drill_shell *shell, struct drill_shell_command *c,
                             bool *expands)
{
    size_t start = c->used;

    *expands = false;
    while (!ends_word(*shell->at)) {
        if (is_joined_line(shell->at)) {
            step(shell, 2);
        } else if (*shell->at == '\'') {
            take_single_quotes(shell, c);
        } else if (*shell->at == '"') {
            take_double_quotes(shell, c, expands);
        } else if (*shell->at == '$') {
            take_dollar(shell, c, expands);
        } else {
            if (*shell->at == '`')
                c->is_strange = true;
            if (*shell->at == '*' || *shell->at == '?')
                *expands = true;
            if (*shell->at == '\\' && shell->at[1])
                step(shell, 1);
            put(c, *shell->at);
            step(shell, 1);
        }
    }
    put(c, '\0');
    c->room[sizeof(c->room) - 1] = '\0';
    return c->room + size_min(start, sizeof(c->room) - 1);
}

/* --- commands ----------------------------------------------------------------------------- */

/* Blanks, joined lines and comments; no newline. */
static void skip(struct drill_shell *shell)
{
    for (;;) {
        if (is_blank(*shell->at))
            step(shell, 1);
        else if (is_joined_line(shell->at))
            step(shell, 2);
        else if (*shell->at == '#') /* only where a word could begin, so it is a comment */
            step(shell, strcspn(shell->at, "\n"));
        else
            return;
    }
}

/* A word of digits that stands in front of '<' or '>' is no word but a descriptor. */
static size_t descriptor_len(const char *at)
{
    size_t digits = strspn(at, "0123456789");
    return at[digits] == '>' || at[digits] == '<' ? digits : 0;
}

/* > FILE, 2>&1, >> FILE, &> FILE: notes where the output goes. */
static void take_redirection(struct drill_shell *shell, struct drill_shell_command *c)
{
    bool errors = *shell->at == '2';
    bool expands;

    step(shell, descriptor_len(shell->at));
    if (*shell->at == '<')
        c->is_strange = true;
    step(shell, *shell->at == '&');
    step(shell, 1);
    step(shell, *shell->at == '>');
    if (*shell->at == '&') { /* to another descriptor, or >& FILE */
        step(shell, 1);
        size_t digits = strspn(shell->at, "0123456789");
        if (digits) {
            step(shell, digits);
            return;
        }
    }
    skip(shell);
    const char *target = take_word(shell, c, &expands);
    if (expands || !*target)
        c->is_strange = true;
    if (!errors || strcmp(target, "/dev/null") != 0)
        c->target = target;
}

/* What stands behind the words; true: the command goes on, and is strange. */
static bool take_end(struct drill_shell *shell, struct drill_shell_command *c)
{
    const char *at = shell->at;

    c->end = DRILL_SHELL_DONE;
    if (at[0] == '\0')
        return false;
    if (at[0] == '&' && at[1] == '&') {
        c->end = DRILL_SHELL_AND;
        step(shell, 2);
        return false;
    }
    if (at[0] == '|' && at[1] == '|') {
        c->end = DRILL_SHELL_OR;
        step(shell, 2);
        return false;
    }
    step(shell, 1);
    if (at[0] == ';' || at[0] == '\n')
        return false;
    c->is_strange = true; /* a pipe, a job in the background, a group */
    return at[0] != '&';
}

bool drill_shell_next(struct drill_shell *shell, struct drill_shell_command *out)
{
    for (skip(shell); *shell->at == '\n' || *shell->at == ';'; skip(shell))
        step(shell, 1);
    if (!*shell->at)
        return false;

    out->line = shell->line;
    out->count = 0;
    out->used = 0;
    out->target = NULL;
    out->is_strange = false;
    const char *start = shell->at;
    const char *end;
    do {
        for (skip(shell);; skip(shell)) {
            const char *at = shell->at;
            bool redirects =
                descriptor_len(at) || *at == '<' || *at == '>' || (at[0] == '&' && at[1] == '>');
            if (redirects) {
                take_redirection(shell, out);
            } else if (ends_word(*at)) {
                break;
            } else {
                bool expands;
                const char *word = take_word(shell, out, &expands);
                if (out->count == DRILL_SHELL_WORDS) {
                    out->is_strange = true;
                    continue;
                }
                out->expands[out->count] = expands;
                out->words[out->count++] = word;
            }
        }
        end = shell->at;
    } while (take_end(shell, out));
    if (*end == '&' && out->end == DRILL_SHELL_DONE)
        end++; /* a job: show what is strange */
    while (end > start && is_blank(end[-1]))
        end--;
    if (end == start)
        end = shell->at; /* && without a command in front */
    out->text = bytes_of(start, (size_t)(end - start));
    return true;
}
