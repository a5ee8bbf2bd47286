/*
 * drill_parse_options.c - TCP's options in a script, and how long they are on the wire.
 *
 *     options := < ... >  |  < option (, option)* >
 *     option  := nop | eol | mss N | wscale N | sackOK | sack a:b (a:b)* | TS val N ecr N
 *              | md5 HEX | FO [HEX] | FOEXP [HEX] | ECN e0b N [ceb N [e1b N]]
 *              | ECN e1b N [ceb N [e0b N]] | kind N [HEX]
 *
 * The last form is ours: an option that the language has no name for. Nothing is padded for the
 * author, since that would hide what is on the wire: a list whose length is no multiple of 4 is a
 * mistake, in both directions.
 */
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "sim/drill_parser.h"

static_assert(DRILL_OPTIONS == 40, "an octet each");

enum { OPTIONS_LEN_MAX = 40, MD5_MAX = 16, ACCECN0 = 172, ACCECN1 = 174, COUNTER_MAX = 0xffffff };

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
        return (c | 0x20) - 'a' + 10;
    return -1;
}

/* HEX, up to the next ',' or '>'. A number without letters is one, too: its spelling counts. */
static void parse_octets(struct drill_parser *p, size_t max, struct drill_tcp_option *out)
{
    char wanted[64];
    struct bytes hex = p->token.spelled;
    bool fine = hex.len % 2 == 0 && hex.len / 2 <= max &&
                (p->token.kind == TOKEN_WORD || p->token.kind == TOKEN_INTEGER);

    for (size_t i = 0; fine && i < hex.len; i += 2) {
        int high = hex_digit(hex.at[i]);
        int low = hex_digit(hex.at[i + 1]);
        fine = high >= 0 && low >= 0;
        if (fine)
            out->octets[i / 2] = (uint8_t)(high << 4 | low);
    }
    if (!fine) {
        snprintf(wanted, sizeof(wanted), "pairs of hexadecimal digits, at most %zu", max);
        parser_expected(p, wanted);
    }
    out->octet_count = (uint8_t)(hex.len / 2);
    parser_take(p);
}

/* The same, or nothing. */
static void parse_some_octets(struct drill_parser *p, size_t max, struct drill_tcp_option *out)
{
    if (!parser_is(p, ',') && !parser_is(p, '>'))
        parse_octets(p, max, out);
}

static void parse_sack(struct drill_parser *p, struct drill_tcp_option *out)
{
    do {
        if (out->blocks == DRILL_BLOCKS) {
            parser_fail(p, "more than %d blocks do not fit into a SACK option", DRILL_BLOCKS);
            return;
        }
        out->block[out->blocks].left = parser_number(p, "the left edge of a block", UINT32_MAX);
        parser_expect(p, ':', "':' between the edges of a block");
        out->block[out->blocks].right = parser_number(p, "the right edge of a block", UINT32_MAX);
        out->blocks++;
    } while (p->token.kind == TOKEN_INTEGER);
}

/* The counters of RFC 9768, 3.2.3: the name of the first says which of the two orders it is. */
static void parse_accecn(struct drill_parser *p, struct drill_tcp_option *out)
{
    static const char *const order[2][3] = {{"e0b", "ceb", "e1b"}, {"e1b", "ceb", "e0b"}};
    bool second = parser_is_word(p, "e1b");

    if (!second && !parser_is_word(p, "e0b"))
        parser_expected(p, "'e0b' or 'e1b'");
    out->value = second ? ACCECN1 : ACCECN0;
    for (size_t i = 0; i < 3 && parser_accept_word(p, order[second][i]); i++) {
        uint32_t counter = parser_number(p, "a counter", COUNTER_MAX);
        out->octets[out->octet_count++] = (uint8_t)(counter >> 16);
        out->octets[out->octet_count++] = (uint8_t)(counter >> 8);
        out->octets[out->octet_count++] = (uint8_t)counter;
    }
}

static void parse_timestamp(struct drill_parser *p, struct drill_tcp_option *out)
{
    parser_expect_word(p, "val");
    out->value = parser_number(p, "a timestamp", UINT32_MAX);
    parser_expect_word(p, "ecr");
    out->ecr = parser_number(p, "a timestamp", UINT32_MAX);
}

static void parse_kind(struct drill_parser *p, struct drill_tcp_option *out)
{
    out->value = parser_number(p, "the number of an option", UINT8_MAX);
    if (out->value <= 1)
        parser_fail(p, "kind %u has no length: write %s", out->value, out->value ? "nop" : "eol");
    parse_some_octets(p, OPTIONS_LEN_MAX - 2, out);
}

static const struct {
    const char *word;
    enum drill_option_kind kind;
} words[] = {
    {"eol", DRILL_OPT_EOL},       {"nop", DRILL_OPT_NOP},       {"mss", DRILL_OPT_MSS},
    {"wscale", DRILL_OPT_WSCALE}, {"sackOK", DRILL_OPT_SACKOK}, {"sack", DRILL_OPT_SACK},
    {"TS", DRILL_OPT_TS},         {"md5", DRILL_OPT_MD5},       {"FO", DRILL_OPT_FO},
    {"FOEXP", DRILL_OPT_FOEXP},   {"ECN", DRILL_OPT_ACCECN},    {"kind", DRILL_OPT_UNKNOWN},
};

static bool option_kind(struct drill_parser *p, enum drill_option_kind *out)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (parser_is_word(p, words[i].word)) {
            *out = words[i].kind;
            return true;
        }
    }
    parser_expected(p, "a TCP option: nop, eol, mss, wscale, sackOK, sack, TS, md5, FO, FOEXP, "
                       "ECN or kind");
    return false;
}

static void parse_one(struct drill_parser *p, struct drill_tcp_option *out)
{
    if (!option_kind(p, &out->kind))
        return;
    parser_take(p);
    switch (out->kind) {
    case DRILL_OPT_EOL:
    case DRILL_OPT_NOP:
    case DRILL_OPT_SACKOK:
        break;
    case DRILL_OPT_MSS:
        out->value = parser_number(p, "a segment size", UINT16_MAX);
        break;
    case DRILL_OPT_WSCALE:
        out->value = parser_number(p, "a shift count", UINT8_MAX);
        break;
    case DRILL_OPT_SACK:
        parse_sack(p, out);
        break;
    case DRILL_OPT_TS:
        parse_timestamp(p, out);
        break;
    case DRILL_OPT_MD5:
        parse_octets(p, MD5_MAX, out);
        break;
    case DRILL_OPT_FO:
        parse_some_octets(p, OPTIONS_LEN_MAX - 2, out);
        break;
    case DRILL_OPT_FOEXP:
        parse_some_octets(p, OPTIONS_LEN_MAX - 4, out);
        break;
    case DRILL_OPT_ACCECN:
        parse_accecn(p, out);
        break;
    case DRILL_OPT_UNKNOWN:
        parse_kind(p, out);
        break;
    }
}

static size_t wire_len(const struct drill_tcp_option *option)
{
    switch (option->kind) {
    case DRILL_OPT_EOL:
    case DRILL_OPT_NOP:
        return 1;
    case DRILL_OPT_MSS:
    case DRILL_OPT_FOEXP: /* kind, length, and two octets of magic */
        return 4 + (size_t)option->octet_count;
    case DRILL_OPT_WSCALE:
        return 3;
    case DRILL_OPT_SACKOK:
        return 2;
    case DRILL_OPT_SACK:
        return 2 + 8 * (size_t)option->blocks;
    case DRILL_OPT_TS:
        return 10;
    case DRILL_OPT_MD5:
    case DRILL_OPT_FO:
    case DRILL_OPT_ACCECN:
    case DRILL_OPT_UNKNOWN:
        return 2 + (size_t)option->octet_count;
    }
    return 0;
}

static size_t parse_list(struct drill_parser *p, struct drill_tcp *out)
{
    struct drill_tcp_option list[DRILL_OPTIONS];
    size_t len = 0;

    if (parser_is(p, '>'))
        parser_fail(p, "<> says nothing: leave it out when there are no options");
    do {
        struct drill_tcp_option option = {0};
        parse_one(p, &option);
        len += wire_len(&option);
        if (len > OPTIONS_LEN_MAX) {
            parser_fail(p, "more than %d octets of TCP options", OPTIONS_LEN_MAX);
            return 0;
        }
        list[out->option_count++] = option; /* each has an octet, so all of them have a place */
    } while (parser_accept(p, ','));
    uint32_t line = p->token.place.line, next;
    parser_expect(p, '>', "',' and another option, or '>'");
    next = p->token.place.line;
    p->token.place.line = line; /* of the complaint */
    if (len % 4 != 0)
        parser_fail(p, "%zu octets of TCP options: a multiple of 4 is needed (add nop or eol)",
                    len);
    p->token.place.line = next;
    out->options = parser_alloc(p, out->option_count * sizeof(list[0]));
    if (out->options)
        memcpy(out->options, list, out->option_count * sizeof(list[0]));
    return len;
}

size_t parser_tcp_options(struct drill_parser *p, bool is_out, struct drill_tcp *out)
{
    parser_expect(p, '<', "'<' in front of the options");
    if (p->token.kind != TOKEN_ELLIPSIS) {
        out->list = DRILL_OPTIONS_LIST;
        return parse_list(p, out);
    }
    if (!is_out)
        parser_fail(p, "<...> (any options) says nothing of a packet that is sent in");
    out->list = DRILL_OPTIONS_ANY;
    parser_take(p);
    parser_expect(p, '>', "'>' behind '...'");
    return 0;
}
