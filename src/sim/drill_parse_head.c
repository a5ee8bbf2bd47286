/*
 * drill_parse_head.c - what a packet says in front of its body, and the forms that bodies share.
 *
 *     annotation := ( info ) | [ info ]
 *     info       := (noecn | ect0 | ect1 | ce | ect01 | tos 0xHH) [, flowlabel 0xH] | ttl N
 *                   | flowlabel 0xH
 *     encap      := (ipv4 | ipv6) [annotation] A > B :  |  mpls (label N, tc N, [[S],] ttl N)... :
 *                   |  gre [[,] flags .. , sum N, off N, key = N, seq N] :
 *
 * hlim and class are FreeBSD's names for ttl and tos. Packets in packets are read so that we can
 * say what we leave out; nothing of them is kept but that they were there.
 */
#include <string.h>

#include "sim/drill_parser.h"

/* --- annotations -------------------------------------------------------------------------- */

static bool parse_ecn(struct drill_parser *p, bool is_out, enum drill_ecn *out)
{
    static const struct {
        const char *word;
        enum drill_ecn ecn;
    } words[] = {
        {"noecn", DRILL_NOECN}, {"ect0", DRILL_ECT0},   {"ect1", DRILL_ECT1},
        {"ce", DRILL_CE},       {"ect01", DRILL_ECT01},
    };
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (!parser_is_word(p, words[i].word))
            continue;
        if (words[i].ecn == DRILL_ECT01 && !is_out)
            parser_fail(p, "ect01 (either of two) says nothing of a packet that is sent in");
        parser_take(p);
        *out = words[i].ecn;
        return true;
    }
    return false;
}

static void parse_flowlabel(struct drill_parser *p, struct drill_annotation *out)
{
    out->has_flowlabel = true;
    out->flowlabel = parser_any_number(p, "a flow label", 0xfffff);
}

static void parse_info(struct drill_parser *p, bool is_out, struct drill_annotation *out)
{
    if (parser_accept_word(p, "ttl") || parser_accept_word(p, "hlim")) {
        out->has_ttl = true;
        out->ttl = (uint8_t)parser_number(p, "a TTL", UINT8_MAX);
        return;
    }
    if (parser_accept_word(p, "flowlabel")) {
        parse_flowlabel(p, out);
        return;
    }
    if (parser_accept_word(p, "tos") || parser_accept_word(p, "class")) {
        out->has_tos = true;
        out->tos = (uint8_t)parser_any_number(p, "an octet as in 0x28", UINT8_MAX);
    } else if (!parse_ecn(p, is_out, &out->ecn)) {
        parser_expected(p, "noecn, ect0, ect1, ect01, ce, tos, ttl or flowlabel");
    }
    if (!parser_accept(p, ','))
        return;
    parser_expect_word(p, "flowlabel");
    parse_flowlabel(p, out);
}

void parser_annotation(struct drill_parser *p, bool is_out, struct drill_annotation *out)
{
    if (parser_accept(p, '[')) {
        parse_info(p, is_out, out);
        parser_expect(p, ']', "']' behind the annotation");
    } else if (parser_accept(p, '(')) {
        parse_info(p, is_out, out);
        parser_expect(p, ')', "')' behind the annotation");
    }
}

/* --- packets in packets ------------------------------------------------------------------- */

static void parse_address(struct drill_parser *p, bool want_v4)
{
    if (p->token.kind != TOKEN_ADDRESS || ip_is_v4(p->token.address) != want_v4)
        parser_expected(p, want_v4 ? "an IPv4 address" : "an IPv6 address");
    parser_take(p);
}

static void parse_ip_header(struct drill_parser *p, bool is_out, bool is_v4)
{
    struct drill_annotation said;
    parser_annotation(p, is_out, &said);
    parse_address(p, is_v4);
    parser_expect(p, '>', "'>' between the addresses");
    parse_address(p, is_v4);
}

static void parse_mpls_header(struct drill_parser *p)
{
    do {
        parser_expect(p, '(', "'(' in front of 'label'");
        parser_expect_word(p, "label");
        parser_number(p, "a label", 0xfffff);
        parser_accept(p, ',');
        parser_expect_word(p, "tc");
        parser_number(p, "a traffic class", 7);
        parser_accept(p, ',');
        if (parser_accept(p, '[')) {
            parser_expect_word(p, "S");
            parser_expect(p, ']', "']' behind 'S'");
            parser_accept(p, ',');
        }
        parser_expect_word(p, "ttl");
        parser_number(p, "a TTL", UINT8_MAX);
        parser_expect(p, ')', "')' behind the label");
    } while (parser_is(p, '('));
}

static void parse_gre_flags(struct drill_parser *p)
{
    if (!parser_accept(p, '[')) {
        parser_any_number(p, "flags as in 0x2000 or [checksum present]", UINT16_MAX);
        return;
    }
    if (!parser_accept_word(p, "none")) {
        do {
            if (!parser_accept_word(p, "checksum") && !parser_accept_word(p, "key") &&
                !parser_accept_word(p, "sequence#") && !parser_accept_word(p, "sequence"))
                parser_expected(p, "'checksum', 'key' or 'sequence'");
            parser_expect_word(p, "present");
        } while (parser_accept(p, ','));
    }
    parser_expect(p, ']', "']' behind the flags");
}

static void parse_gre_header(struct drill_parser *p)
{
    while (!parser_is(p, ':') && !p->err) {
        parser_accept(p, ',');
        if (parser_accept_word(p, "flags") || parser_accept_word(p, "Flags")) {
            parse_gre_flags(p);
        } else if (parser_accept_word(p, "sum") || parser_accept_word(p, "off")) {
            parser_any_number(p, "a number", UINT16_MAX);
        } else if (parser_accept_word(p, "key")) {
            parser_accept(p, '=');
            parser_any_number(p, "a key", UINT32_MAX);
        } else if (parser_accept_word(p, "seq")) {
            parser_any_number(p, "a number", UINT32_MAX);
        } else {
            parser_expected(p, "flags, sum, off, key or seq, or ':' behind the GRE header");
        }
    }
}

bool parser_encapsulation(struct drill_parser *p, bool is_out)
{
    if (parser_accept_word(p, "ipv4"))
        parse_ip_header(p, is_out, true);
    else if (parser_accept_word(p, "ipv6"))
        parse_ip_header(p, is_out, false);
    else if (parser_accept_word(p, "mpls"))
        parse_mpls_header(p);
    else if (parser_accept_word(p, "gre") || parser_accept_word(p, "GREv0"))
        parse_gre_header(p);
    else
        return false;
    parser_expect(p, ':', "':' behind the outer header");
    return true;
}

/* --- start:end(len) ----------------------------------------------------------------------- */

uint32_t parser_len(struct drill_parser *p, const char *what)
{
    parser_expect(p, '(', "'(' in front of a length");
    uint32_t len = parser_number(p, what, UINT16_MAX);
    parser_expect(p, ')', "')' behind a length");
    return len;
}

void parser_sequence(struct drill_parser *p, uint32_t *seq, uint32_t *len)
{
    uint32_t line = p->token.place.line;
    *seq = parser_number(p, "a sequence number start:end(len),", UINT32_MAX);
    parser_expect(p, ':', "':' and the end of the sequence numbers");
    uint32_t end = parser_number(p, "the end of the sequence numbers", UINT32_MAX);
    *len = parser_len(p, "a number of octets");
    if (p->err || (uint64_t)*seq + *len == end)
        return;
    p->token.place.line = line;
    parser_fail(p, "%u:%u(%u): start and length make %llu, not %u", *seq, end, *len,
                (unsigned long long)*seq + *len, end);
}
