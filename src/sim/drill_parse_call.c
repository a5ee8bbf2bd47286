/*
 * drill_parse_call.c - a call, its arguments and what it returns.
 *
 *     call   := name ( [value (, value)*] ) = result [ERRNO (words)] [(words)]
 *     result := integer | ...
 *     value  := item (| item)* | "s" "s".. | ... | [values] | {fields}
 *             | inet_addr("..") | inet6_addr("..") | htons(N)
 *     item   := integer | 0xN | WORD
 *     field  := [name[(N | ...)] =] value
 *
 * The original's grammar knows each struct by name. Here all of them are one form, and which fields
 * a call takes is known where the call is made. A list that is open lies on the parser's pile of
 * values; when it closes it settles in the arena, so that nesting costs no copies.
 */
#include <string.h>

#include "base/bytes.h"
#include "sim/drill_parser.h"

// NOLINTBEGIN(misc-no-recursion): lists are at most DRILL_DEPTH_MAX deep, go_deeper() counts
static void parse_value(struct drill_parser *p, struct drill_value *out);

/* --- lists -------------------------------------------------------------------------------- */

static void push(struct drill_parser *p, const struct drill_value *value)
{
    if (!p->err && !drill_pile_push(&p->values, value))
        parser_no_memory(p);
}

/* The values above `from` become those of `items`. */
static void settle(struct drill_parser *p, uint32_t from, struct drill_value **items,
                   uint32_t *count)
{
    void *settled = NULL;
    if (p->err)
        return;
    *count = p->values.count - from;
    if (!drill_pile_settle(&p->values, from, p->arena, &settled))
        parser_no_memory(p);
    *items = settled;
}

static bool go_deeper(struct drill_parser *p)
{
    if (p->depth == DRILL_DEPTH_MAX) {
        parser_fail(p, "lists in lists more than %d deep", DRILL_DEPTH_MAX);
        return false;
    }
    p->depth++;
    return true;
}

static void parse_list(struct drill_parser *p, struct drill_value *out)
{
    uint32_t from = p->values.count;

    if (!go_deeper(p))
        return;
    out->kind = DRILL_LIST;
    parser_take(p);
    if (!parser_is(p, ']')) {
        do {
            struct drill_value item;
            parse_value(p, &item);
            push(p, &item);
        } while (parser_accept(p, ','));
    }
    parser_expect(p, ']', "',' and another value, or ']'");
    settle(p, from, &out->items, &out->count);
    p->depth--;
}

/* --- numbers and words -------------------------------------------------------------------- */

static const char A_VALUE[] =
    "a value: a number, a word, \"text\", ..., [list], {struct}, inet_addr() or htons()";

/* One operand of '|'. */
static void parse_item(struct drill_parser *p, struct drill_value *out)
{
    *out = (struct drill_value){.name_arg = -1};
    if (p->token.kind == TOKEN_INTEGER || p->token.kind == TOKEN_HEX) {
        out->kind = DRILL_INTEGER;
        out->integer = p->token.integer;
    } else if (p->token.kind == TOKEN_WORD) {
        out->kind = DRILL_WORD;
        out->text = p->token.text;
    } else {
        parser_expected(p, A_VALUE);
    }
    parser_take(p);
}

/* What stands behind `first`, if that is a '|'. */
static void parse_or(struct drill_parser *p, struct drill_value *first)
{
    uint32_t from = p->values.count;
    struct drill_value item = *first;

    if (!parser_is(p, '|'))
        return;
    push(p, &item);
    while (parser_accept(p, '|')) {
        parse_item(p, &item);
        push(p, &item);
    }
    *first = (struct drill_value){.kind = DRILL_OR, .name_arg = -1};
    settle(p, from, &first->items, &first->count);
}

/* --- functions ---------------------------------------------------------------------------- */

/* ("..") : the address of that family in it. */
static struct ip_addr parse_address(struct drill_parser *p, bool want_v4)
{
    struct ip_addr addr = {0};
    const char *wanted = want_v4 ? "an IPv4 address in quotes" : "an IPv6 address in quotes";

    if (p->token.kind != TOKEN_STRING || ip_addr_parse(p->token.text, &addr) < 0 ||
        (want_v4 && !ip_is_v4(addr)))
        parser_expected(p, wanted);
    parser_take(p);
    parser_expect(p, ')', "')'");
    return addr;
}

/* In C these two give a number whose octets in memory are those of the wire. */
static int64_t network_order(const void *octets, size_t len)
{
    uint32_t word = 0;
    uint16_t half = 0;
    if (len == sizeof(half)) {
        memcpy(&half, octets, sizeof(half));
        return half;
    }
    memcpy(&word, octets, sizeof(word));
    return word;
}

/* The '(' behind `word` is taken. False: no function of that name. */
static bool parse_function(struct drill_parser *p, const char *word, struct drill_value *out)
{
    if (strcmp(word, "inet_addr") == 0) {
        struct ip_addr addr = parse_address(p, true);
        out->kind = DRILL_INTEGER;
        out->integer = network_order(addr.octet + 12, 4);
    } else if (strcmp(word, "inet6_addr") == 0) {
        out->kind = DRILL_ADDRESS;
        out->address = parse_address(p, false);
    } else if (strcmp(word, "htons") == 0) {
        uint32_t port = parser_any_number(p, "a number", UINT16_MAX);
        uint8_t octets[2];
        put_be16(octets, (uint16_t)port);
        parser_expect(p, ')', "')'");
        out->kind = DRILL_INTEGER;
        out->integer = network_order(octets, 2);
    } else {
        return false;
    }
    return true;
}

/* --- structs ------------------------------------------------------------------------------ */

/* (N) or (...) behind a field's name, its '(' taken. */
static int64_t parse_name_arg(struct drill_parser *p)
{
    int64_t arg = -1;
    if (p->token.kind == TOKEN_ELLIPSIS)
        parser_take(p);
    else
        arg = parser_number(p, "'...' or a number", INT32_MAX);
    parser_expect(p, ')', "')'");
    return arg;
}

/* A word was taken in front of this: is it the field's name, a function or a value? */
static void parse_behind_word(struct drill_parser *p, const char *word, bool in_struct,
                              struct drill_value *out)
{
    bool is_call = parser_accept(p, '(');

    *out = (struct drill_value){.kind = DRILL_WORD, .text = word, .name_arg = -1};
    if (is_call && parse_function(p, word, out))
        return;
    if (is_call && !in_struct) {
        parser_fail(p, "'%.40s(' is no value: there are inet_addr(), inet6_addr() and htons()",
                    word);
        return;
    }
    int64_t name_arg = is_call ? parse_name_arg(p) : -1;
    if (in_struct && (is_call || parser_is(p, '='))) {
        parser_expect(p, '=', "'=' behind the name of a field");
        parse_value(p, out);
        out->name = word;
        out->name_arg = name_arg;
        return;
    }
    parse_or(p, out);
}

static void parse_field(struct drill_parser *p, struct drill_value *out)
{
    if (p->token.kind != TOKEN_WORD) {
        parse_value(p, out);
        return;
    }
    const char *word = p->token.text;
    parser_take(p);
    parse_behind_word(p, word, true, out);
}

static void parse_struct(struct drill_parser *p, struct drill_value *out)
{
    uint32_t from = p->values.count;

    if (!go_deeper(p))
        return;
    out->kind = DRILL_STRUCT;
    parser_take(p);
    do {
        struct drill_value field;
        parse_field(p, &field);
        push(p, &field);
    } while (parser_accept(p, ','));
    parser_expect(p, '}', "',' and another field, or '}'");
    settle(p, from, &out->items, &out->count);
    p->depth--;
}

/* --- values ------------------------------------------------------------------------------- */

/* "a" "b" are one, as in C. Measured first, so that many small ones cost no more than their sum. */
static void parse_strings(struct drill_parser *p, struct drill_value *out)
{
    struct drill_pile parts;

    out->kind = DRILL_STRING;
    drill_pile_init(&parts, p->memory, 1);
    while (p->token.kind == TOKEN_STRING) {
        for (int64_t i = 0; i < p->token.integer && !p->err; i++)
            if (!drill_pile_push(&parts, p->token.text + i))
                parser_no_memory(p);
        parser_take(p);
    }
    out->integer = parts.count;
    out->text = drill_arena_text(p->arena, bytes_of(parts.at, parts.count));
    if (!out->text)
        parser_no_memory(p);
    drill_pile_fini(&parts);
}

static void parse_value(struct drill_parser *p, struct drill_value *out)
{
    *out = (struct drill_value){.kind = DRILL_ELLIPSIS, .name_arg = -1};
    if (p->token.kind == TOKEN_ELLIPSIS) {
        parser_take(p);
    } else if (p->token.kind == TOKEN_STRING) {
        parse_strings(p, out);
    } else if (parser_is(p, '[')) {
        parse_list(p, out);
    } else if (parser_is(p, '{')) {
        parse_struct(p, out);
    } else if (p->token.kind == TOKEN_WORD) {
        const char *word = p->token.text;
        parser_take(p);
        parse_behind_word(p, word, false, out);
    } else {
        parse_item(p, out);
        parse_or(p, out);
    }
}

// NOLINTEND(misc-no-recursion)

/* --- calls -------------------------------------------------------------------------------- */

/* "(Operation now in progress)": a note for people. */
static void skip_note(struct drill_parser *p)
{
    static const char signs[] = "|,.:;-/'";

    while (!parser_is(p, ')') && !p->err) {
        bool plain = p->token.kind == TOKEN_WORD || p->token.kind == TOKEN_INTEGER ||
                     p->token.kind == TOKEN_HEX || p->token.kind == TOKEN_DECIMAL ||
                     (p->token.kind == TOKEN_CHAR && strchr(signs, p->token.character));
        if (!plain)
            parser_expected(p, "words and ')' in this note");
        parser_take(p);
    }
    parser_take(p);
}

static void parse_result(struct drill_parser *p, struct drill_call *out)
{
    if (p->token.kind == TOKEN_ELLIPSIS) {
        out->result_any = true;
    } else if (p->token.kind == TOKEN_INTEGER || p->token.kind == TOKEN_HEX) {
        out->result = p->token.integer;
    } else {
        parser_expected(p, "a number or '...' as the result");
    }
    parser_take(p);
    if (p->token.kind == TOKEN_WORD) {
        int number;
        if (!drill_errno(p->token.text, &number))
            parser_expected(p, "the name of an errno, a note in (), or the time of the next event");
        out->errno_name = p->token.text;
        parser_take(p);
        parser_expect(p, '(', "a note in () behind the errno, as in EAGAIN (Try again)");
        skip_note(p);
    }
    if (parser_accept(p, '('))
        skip_note(p);
}

void parser_call(struct drill_parser *p, struct drill_call *out)
{
    uint32_t from = p->values.count;

    out->name = p->token.text;
    if (drill_is_keyword(out->name))
        parser_expected(p, "'>' or '<', a call, `command` or %{ code }%");
    parser_take(p);
    parser_expect(p, '(', "'(' behind the name of a call");
    if (!parser_is(p, ')')) {
        do {
            struct drill_value arg;
            parse_value(p, &arg);
            push(p, &arg);
        } while (parser_accept(p, ','));
    }
    parser_expect(p, ')', "',' and another argument, or ')'");
    settle(p, from, &out->args, &out->arg_count);
    parser_expect(p, '=', "'=' and the result of the call");
    parse_result(p, out);
}
