/*
 * drill_lex.c - see drill_lex.h.
 *
 * What is hard here is what the language inherited from a generated lexer: at each place all
 * patterns are tried and the longest wins. So each pattern is a function that says how many octets
 * it would take, and longest() compares. Every octet is looked at a bounded number of times.
 *
 * More liberal than the original where that cannot change what a script means: a comment may end
 * with the file, or in two stars, and \\ and \" in a string are what they look like.
 */
#include "sim/drill_lex.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"

/* --- characters --------------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex_digit(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_word_char(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

static int hex_value(char c)
{
    return is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* The octet at `offset` from here; NUL behind the end. */
static char peek(const struct drill_lex *lex, size_t offset)
{
    return offset < (size_t)(lex->end - lex->at) ? lex->at[offset] : '\0';
}

static size_t run(const struct drill_lex *lex, size_t from, bool (*is_one)(char))
{
    size_t n = 0;
    while ((size_t)(lex->end - lex->at) > from + n && is_one(lex->at[from + n]))
        n++;
    return n;
}

/* --- what counts for nothing -------------------------------------------------------------- */

static void step(struct drill_lex *lex, size_t n)
{
    for (; n > 0; n--)
        if (*lex->at++ == '\n')
            lex->line++;
}

/* From here to the first `mark`; false: there is none. */
static bool find(const struct drill_lex *lex, size_t from, const char *mark, size_t *out)
{
    size_t left = (size_t)(lex->end - lex->at);
    if (from > left)
        return false;
    const char *at = memmem(lex->at + from, left - from, mark, strlen(mark));
    if (at)
        *out = (size_t)(at - lex->at);
    return at != NULL;
}

/* Skips blanks and comments. */
static int skip(struct drill_lex *lex)
{
    for (;;) {
        size_t len;
        step(lex, run(lex, 0, is_blank));
        if (peek(lex, 0) == '/' && peek(lex, 1) == '/') {
            if (!find(lex, 2, "\n", &len))
                len = (size_t)(lex->end - lex->at);
            step(lex, len);
        } else if (peek(lex, 0) == '/' && peek(lex, 1) == '*') {
            if (!find(lex, 2, "*/", &len)) {
                drill_problem_set(lex->problem, lex->line,
                                  "this comment has no end: */ is missing");
                return -EINVAL;
            }
            step(lex, len + 2);
        } else {
            return 0;
        }
    }
}

/* --- the patterns: how many octets would this one take? ------------------------------------ */

static size_t match_integer(const struct drill_lex *lex)
{
    size_t sign = peek(lex, 0) == '-';
    size_t digits = run(lex, sign, is_digit);
    return digits ? sign + digits : 0;
}

static size_t match_decimal(const struct drill_lex *lex)
{
    size_t point = peek(lex, 0) == '-';
    point += run(lex, point, is_digit);
    if (peek(lex, point) != '.')
        return 0;
    size_t places = run(lex, point + 1, is_digit);
    return places ? point + 1 + places : 0;
}

static size_t match_hex(const struct drill_lex *lex)
{
    if (peek(lex, 0) != '0' || peek(lex, 1) != 'x')
        return 0;
    size_t digits = run(lex, 2, is_hex_digit);
    return digits ? 2 + digits : 0;
}

static size_t match_word(const struct drill_lex *lex)
{
    size_t len = run(lex, 0, is_word_char);
    /* One keyword has a sign in it. */
    if (len == 8 && memcmp(lex->at, "sequence", 8) == 0 && peek(lex, 8) == '#')
        len++;
    return len;
}

/* An address is what ip_addr_parse() takes; 1:1 is none. Looks at no more than an address has. */
static size_t match_address(const struct drill_lex *lex, struct ip_addr *out)
{
    char text[IP_ADDR_TEXT];
    size_t len = 0, colons = 0, points = 0;

    for (char c; (c = peek(lex, len)) && (is_hex_digit(c) || c == ':' || c == '.'); len++) {
        if (len == sizeof(text) - 1)
            return 0;
        text[len] = c;
        colons += c == ':';
        points += c == '.';
    }
    /* "ipv6 A > B:" : the last colon is not B's. */
    if (len >= 2 && text[len - 1] == ':' && text[len - 2] != ':') {
        len--;
        colons--;
    }
    if (colons < 2 && points != 3)
        return 0;
    text[len] = '\0';
    return ip_addr_parse(text, out) == 0 ? len : 0;
}

/* --- numbers ------------------------------------------------------------------------------ */

/* "-12" in base 10, "1f" in base 16; hexadecimal may fill all 64 bits. False: too large. */
static bool read_number(struct bytes digits, unsigned base, int64_t *out)
{
    bool negative = digits.len && digits.at[0] == '-';
    uint64_t limit = base == 16 ? UINT64_MAX : negative ? UINT64_C(1) << 63 : INT64_MAX;
    uint64_t value = 0;

    for (size_t i = negative; i < digits.len; i++) {
        uint64_t digit = (uint64_t)hex_value((char)digits.at[i]);
        if (value > (limit - digit) / base)
            return false;
        value = value * base + digit;
    }
    *out = (int64_t)(negative ? 0 - value : value);
    return true;
}

/* What strtol(.., 0) would take whole: 12, -3, 0x1f, 017. */
static bool read_c_integer(const char *text, int64_t *out)
{
    bool negative = *text == '-';
    const char *digits = text + negative;
    unsigned base = 10;

    if (digits[0] == '0' && (digits[1] | 0x20) == 'x') {
        base = 16;
        digits += 2;
    } else if (digits[0] == '0') {
        base = 8;
    }
    if (!*digits)
        return false;
    for (const char *c = digits; *c; c++)
        if (!is_hex_digit(*c) || (unsigned)hex_value(*c) >= base)
            return false;
    if (!read_number(bytes_of(digits, strlen(digits)), base, out))
        return false;
    if (negative)
        *out = (int64_t)(0 - (uint64_t)*out);
    return true;
}

/* --- quoted text -------------------------------------------------------------------------- */

static int out_of_memory(struct drill_lex *lex)
{
    drill_problem_set(lex->problem, lex->line, "no memory for this script");
    return -ENOMEM;
}

/* How far to the closing `quote`; a backslash protects the octet behind it. */
static bool find_quote(const struct drill_lex *lex, char quote, size_t *out)
{
    size_t left = (size_t)(lex->end - lex->at);
    for (size_t i = 1; i < left; i++) {
        if (lex->at[i] == '\\')
            i++;
        else if (lex->at[i] == quote) {
            *out = i;
            return true;
        }
    }
    return false;
}

/* One escape, its backslash already read; how many octets it took, or 0. */
static size_t read_escape(const char *at, size_t left, char *out)
{
    static const char letters[] = "nrtvf\\\"`'";
    static const char meant[] = "\n\r\t\v\f\\\"`'";

    if (left >= 3 && at[0] == 'x' && is_hex_digit(at[1]) && is_hex_digit(at[2])) {
        *out = (char)(hex_value(at[1]) << 4 | hex_value(at[2]));
        return 3;
    }
    const char *letter = left ? memchr(letters, at[0], sizeof(letters) - 1) : NULL;
    if (!letter)
        return 0;
    *out = meant[letter - letters];
    return 1;
}

static int resolve(struct drill_lex *lex, struct bytes quoted, struct drill_token *out)
{
    char *text = drill_arena_text(lex->arena, quoted);
    size_t len = 0;

    if (!text)
        return out_of_memory(lex);
    for (size_t i = 0; i < quoted.len; i++) {
        char c = text[i];
        if (c == '\\') {
            size_t took = read_escape(text + i + 1, quoted.len - i - 1, &c);
            if (took == 0) {
                drill_problem_set(lex->problem, lex->line,
                                  "unknown escape in a string: there are \\n \\r \\t \\v \\f \\\\ "
                                  "\\\" and \\xHH");
                return -EINVAL;
            }
            i += took;
        }
        text[len++] = c;
    }
    text[len] = '\0';
    out->text = text;
    out->integer = (int64_t)len;
    return 0;
}

static int lex_quoted(struct drill_lex *lex, char quote, struct drill_token *out)
{
    size_t len;
    if (!find_quote(lex, quote, &len)) {
        drill_problem_set(lex->problem, lex->line, "the closing %c is missing", quote);
        return -EINVAL;
    }
    struct bytes inside = bytes_of(lex->at + 1, len - 1);
    if (quote == '"') {
        out->kind = TOKEN_STRING;
        int err = resolve(lex, inside, out);
        if (err)
            return err;
    } else {
        out->kind = TOKEN_COMMAND;
        out->text = drill_arena_text(lex->arena, inside);
        if (!out->text)
            return out_of_memory(lex);
    }
    step(lex, len + 1);
    return 0;
}

static int lex_code(struct drill_lex *lex, struct drill_token *out)
{
    size_t end;
    if (!find(lex, 2, "}%", &end)) {
        drill_problem_set(lex->problem, lex->line, "the closing }%% is missing");
        return -EINVAL;
    }
    size_t from = 2, to = end;
    while (from < to && is_blank(lex->at[from]))
        from++;
    while (to > from && is_blank(lex->at[to - 1]))
        to--;
    out->kind = TOKEN_CODE;
    out->integer = lex->line;
    for (size_t i = 0; i < from; i++)
        out->integer += lex->at[i] == '\n';
    out->text = drill_arena_text(lex->arena, bytes_of(lex->at + from, to - from));
    if (!out->text)
        return out_of_memory(lex);
    step(lex, end + 2);
    return 0;
}

/* --- words and numbers -------------------------------------------------------------------- */

/* The longest of the patterns; between equals the first, as in the original's list. */
static size_t longest(const struct drill_lex *lex, struct drill_token *out)
{
    const struct {
        enum drill_token_kind kind;
        size_t len;
    } match[] = {
        {TOKEN_ADDRESS, match_address(lex, &out->address)},
        {TOKEN_DECIMAL, match_decimal(lex)},
        {TOKEN_INTEGER, match_integer(lex)},
        {TOKEN_HEX, match_hex(lex)},
        {TOKEN_WORD, match_word(lex)},
    };
    size_t len = 0;
    for (size_t i = 0; i < ARRAY_LEN(match); i++) {
        if (match[i].len > len) {
            len = match[i].len;
            out->kind = match[i].kind;
        }
    }
    return len;
}

static int lex_plain(struct drill_lex *lex, struct drill_token *out)
{
    size_t len = longest(lex, out);
    bool fits = true;

    if (len == 0) {
        char c = *lex->at;
        if (c == '#') {
            drill_problem_set(
                lex->problem, lex->line,
                "'#' begins no comment here (write //), and there is no preprocessor");
            return -EINVAL;
        }
        if (c < 0x20 || c >= 0x7f) {
            drill_problem_set(lex->problem, lex->line,
                              "the octet 0x%02x stands outside strings and comments",
                              (unsigned)(uint8_t)c);
            return -EINVAL;
        }
        out->kind = TOKEN_CHAR;
        out->character = c;
        len = 1;
    }
    out->spelled = bytes_of(lex->at, len);
    if (out->kind == TOKEN_INTEGER)
        fits = read_number(out->spelled, 10, &out->integer);
    else if (out->kind == TOKEN_HEX)
        fits = read_number(bytes_skip(out->spelled, 2), 16, &out->integer);
    if (!fits && out->kind == TOKEN_HEX) {
        drill_problem_set(lex->problem, lex->line, "a number of more than 64 bits");
        return -EINVAL;
    }
    /* An integer of that size may yet be the octets of an option, so it is a word. */
    if (!fits)
        out->kind = TOKEN_WORD;
    if (out->kind == TOKEN_WORD) {
        out->text = drill_arena_text(lex->arena, out->spelled);
        if (!out->text)
            return out_of_memory(lex);
    }
    step(lex, len);
    return 0;
}

static int lex_option(struct drill_lex *lex, struct drill_token *out)
{
    size_t len = run(lex, 2, is_word_char);
    out->kind = TOKEN_OPTION;
    out->text = drill_arena_text(lex->arena, bytes_of(lex->at + 2, len));
    if (!out->text)
        return out_of_memory(lex);
    step(lex, 2 + len);
    return 0;
}

/* --- defines ------------------------------------------------------------------------------ */

bool drill_lex_define(struct drill_lex *lex, const char *name, const char *value)
{
    for (uint32_t i = 0; i < lex->define_count; i++) {
        if (strcmp(lex->defines[i].name, name) == 0) {
            if (i >= lex->fixed_count)
                lex->defines[i].value = value;
            return true;
        }
    }
    if (lex->define_count == DRILL_DEFINES_MAX)
        return false;
    lex->defines[lex->define_count++] = (struct drill_define){name, value};
    return true;
}

/* Gives the token the kind that its value looks like. */
static int replace(struct drill_lex *lex, const char *value, struct drill_token *out)
{
    size_t len = strlen(value);
    bool quoted = len >= 2 && (value[0] == '"' || value[0] == '`') && value[len - 1] == value[0];

    out->spelled = bytes_of(value, len);
    if (quoted && value[0] == '"') {
        out->kind = TOKEN_STRING;
        return resolve(lex, bytes_of(value + 1, len - 2), out);
    }
    if (quoted) {
        out->kind = TOKEN_COMMAND;
        out->text = drill_arena_text(lex->arena, bytes_of(value + 1, len - 2));
    } else {
        out->kind = read_c_integer(value, &out->integer) ? TOKEN_INTEGER : TOKEN_WORD;
        out->text = drill_arena_text(lex->arena, out->spelled);
    }
    return out->text ? 0 : out_of_memory(lex);
}

/* --- the lexer ---------------------------------------------------------------------------- */

void drill_lex_init(struct drill_lex *lex, struct bytes text, struct drill_arena *arena,
                    struct drill_problem *problem)
{
    const char *at = (const char *)text.at;
    *lex = (struct drill_lex){.at = at,
                              .end = text.len ? at + text.len : at,
                              .line = 1,
                              .arena = arena,
                              .problem = problem};
}

int drill_lex_next_raw(struct drill_lex *lex, struct drill_token *out)
{
    int err = skip(lex);
    if (err)
        return err;
    *out = (struct drill_token){.place = {lex->line, lex->line}, .start = lex->at};
    char c = peek(lex, 0);
    if (lex->at == lex->end)
        out->kind = TOKEN_END;
    else if (c == '"' || c == '`')
        err = lex_quoted(lex, c, out);
    else if (c == '%' && peek(lex, 1) == '{')
        err = lex_code(lex, out);
    else if (c == '-' && peek(lex, 1) == '-' && is_word_char(peek(lex, 2)))
        err = lex_option(lex, out);
    else if (c == '.' && peek(lex, 1) == '.' && peek(lex, 2) == '.') {
        out->kind = TOKEN_ELLIPSIS;
        step(lex, 3);
    } else {
        err = lex_plain(lex, out);
    }
    out->end = lex->at;
    out->place.end = lex->line;
    if (!out->spelled.len && !err)
        out->spelled = bytes_of(out->start, (size_t)(out->end - out->start));
    return err;
}

int drill_lex_next(struct drill_lex *lex, struct drill_token *out)
{
    int err = drill_lex_next_raw(lex, out);
    if (err || out->kind != TOKEN_WORD || drill_is_keyword(out->text))
        return err;
    for (uint32_t i = 0; i < lex->define_count; i++)
        if (strcmp(lex->defines[i].name, out->text) == 0)
            return replace(lex, lex->defines[i].value, out);
    return 0;
}
