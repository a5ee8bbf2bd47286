/*
 * drill_parse_packet.c - a packet, and TCP and UDP in it.
 *
 *     packet := (< | >) encap* [annotation] [encap psp spi N] body
 *     body   := [sport > dport] FLAGS seq:end(len) [ack N] [win N] [urg N] [<options>]
 *             | udp [sport > dport] (len)
 *             | icmp ...                                        (drill_parse_icmp.c)
 *     FLAGS  := letters of S F R P U E W A, a digit for AE CWR ECE, '.' for ACK; or '-' for none
 *
 * Flags are the one place where the words of the language and the grammar disagree: "P.5" is a word
 * and a number, "P5." a word and a sign. They are put together again before they are read.
 */
#include <string.h>

#include "base/bytes.h"
#include "sim/drill_parser.h"

enum { PACKET_MAX = 65536, IP_HEADER = 20, TCP_HEADER = 20, UDP_HEADER = 8 };

/* --- flags -------------------------------------------------------------------------------- */

static const char ONE_ACE[] = "the ACE digit 0 to 7 stands alone, without E, W, A or another digit";

static const char letters[] = "FSRPUEWA.";
static const uint16_t letter_flag[] = {DRILL_FIN, DRILL_SYN, DRILL_RST, DRILL_PSH, DRILL_URG,
                                       DRILL_ECE, DRILL_CWR, DRILL_AE,  DRILL_ACK};

/* Adds those of `text`. The three bits of ACE are ECE, CWR and AE (RFC 9768, 3.1). */
static void add_flags(struct drill_parser *p, struct bytes text, uint16_t *flags, bool *digit)
{
    const uint16_t ace = DRILL_ECE | DRILL_CWR | DRILL_AE;

    for (size_t i = 0; i < text.len; i++) {
        char c = (char)text.at[i];
        const char *letter = memchr(letters, c, sizeof(letters) - 1);
        uint16_t flag = letter ? letter_flag[letter - letters] : 0;
        bool is_digit = c >= '0' && c <= '7';
        if (!letter && !is_digit) {
            parser_expected(p, "flags of S F R P U E W A . and a digit from 0 to 7");
            return;
        }
        if (is_digit ? *digit || (*flags & ace) : *digit && (flag & ace)) {
            parser_fail(p, ONE_ACE);
            return;
        }
        if (is_digit) {
            *digit = true;
            flag = (uint16_t)((c & 4 ? DRILL_AE : 0) | (c & 2 ? DRILL_CWR : 0) |
                              (c & 1 ? DRILL_ECE : 0));
        }
        *flags |= flag;
    }
}

/* Is the next token joined to the last one, without a blank? */
static bool is_joined(const struct drill_parser *p)
{
    return p->token.start == p->taken_to;
}

static uint16_t parse_flags(struct drill_parser *p)
{
    uint16_t flags = 0;
    bool digit = false;

    if (parser_accept(p, '-'))
        return 0;
    bool is_word = p->token.kind == TOKEN_WORD;
    if (is_word) {
        add_flags(p, p->token.spelled, &flags, &digit);
        parser_take(p);
    }
    bool is_number = p->token.kind == TOKEN_DECIMAL && p->token.spelled.at[0] == '.';
    if (parser_is(p, '.') || (is_number && (!is_word || is_joined(p)))) {
        add_flags(p, p->token.spelled, &flags, &digit);
        parser_take(p);
    } else if (!is_word) {
        parser_expected(p, "TCP flags (S, P., ., -), udp or icmp");
    }
    return flags;
}

/* --- TCP ---------------------------------------------------------------------------------- */

static void parse_tcp(struct drill_parser *p, bool is_out, struct drill_tcp *tcp)
{
    tcp->flags = parse_flags(p);
    parser_sequence(p, &tcp->seq, &tcp->len);
    if (parser_accept_word(p, "ack")) {
        tcp->has_ack = true;
        tcp->ack = parser_number(p, "an acknowledgement number", UINT32_MAX);
    }
    if (parser_accept_word(p, "win")) {
        tcp->has_win = true;
        tcp->win = (uint16_t)parser_number(p, "a window", UINT16_MAX);
    } else if (!is_out) {
        p->token.place.line = p->taken_line; /* the next token may be the next event's */
        parser_expected(p, "'win' (a packet that is sent in needs a window)");
    }
    if (parser_accept_word(p, "urg")) {
        tcp->has_urg = true;
        tcp->urg = (uint16_t)parser_number(p, "an urgent pointer", UINT16_MAX);
    }
    size_t options_len = parser_is(p, '<') ? parser_tcp_options(p, is_out, tcp) : 0;
    if (IP_HEADER + TCP_HEADER + options_len + tcp->len > PACKET_MAX)
        parser_fail(p, "a packet of more than %d octets", PACKET_MAX);
}

/* --- the packet --------------------------------------------------------------------------- */

static void parse_ports(struct drill_parser *p, struct drill_packet *out)
{
    if (p->token.kind != TOKEN_INTEGER)
        return;
    out->src_port = (uint16_t)parser_number(p, "a port", UINT16_MAX);
    parser_expect(p, '>', "'>' and the other port");
    out->dst_port = (uint16_t)parser_number(p, "a port", UINT16_MAX);
}

void parser_packet(struct drill_parser *p, struct drill_packet *out)
{
    out->out = parser_is(p, '>');
    parser_take(p);
    while (parser_encapsulation(p, out->out))
        out->encapsulated = true;
    parser_annotation(p, out->out, &out->said);
    if (parser_accept_word(p, "encap")) {
        out->encapsulated = true;
        parser_expect_word(p, "psp");
        parser_expect_word(p, "spi");
        parser_any_number(p, "an SPI", UINT32_MAX);
    }
    if (parser_accept_word(p, "icmp")) {
        out->protocol = DRILL_ICMP;
        parser_icmp(p, &out->icmp);
    } else if (parser_accept_word(p, "udp")) {
        out->protocol = DRILL_UDP;
        parse_ports(p, out);
        out->udp.len = parser_len(p, "a number of octets");
        if (IP_HEADER + UDP_HEADER + out->udp.len > PACKET_MAX)
            parser_fail(p, "a packet of more than %d octets", PACKET_MAX);
    } else {
        out->protocol = DRILL_TCP;
        parse_ports(p, out);
        parse_tcp(p, out->out, &out->tcp);
    }
}
