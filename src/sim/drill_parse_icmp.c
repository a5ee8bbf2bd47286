/*
 * drill_parse_icmp.c - ICMP in a script.
 *
 *     icmp   := TYPE [CODE] [mtu N] [id N] [echoed]
 *     echoed := [ seq:end(len) ] | [ udp (len) ] | [ raw (len) ]
 *
 * Which family is meant the script does not say: the runner knows. So a name is looked up in both,
 * and .known says where it is one.
 */
#include <string.h>

#include "sim/drill_parser.h"

enum { V4, V6, ANY_TYPE = 255 };
enum { V4_UNREACHABLE = 3, V4_FRAG_NEEDED = 4, V6_PACKET_TOO_BIG = 2 };

struct name {
    const char *word;
    uint8_t number;
};

static const struct name v4_types[] = {
    {"echo_reply", 0},          {"unreachable", 3},
    {"source_quench", 4},       {"redirect", 5},
    {"echo_request", 8},        {"time_exceeded", 11},
    {"parameter_problem", 12},  {"timestamp_request", 13},
    {"timestamp_reply", 14},    {"information_request", 15},
    {"information_reply", 16},  {"address_mask_request", 17},
    {"address_mask_reply", 18},
};

static const struct name v6_types[] = {
    {"unreachable", 1},       {"packet_too_big", 2}, {"time_exceeded", 3},
    {"parameter_problem", 4}, {"echo_request", 128}, {"echo_reply", 129},
};

struct code_name {
    uint8_t type;
    struct name name;
};

static const struct code_name v4_codes[] = {
    {3, {"net_unreachable", 0}},
    {3, {"host_unreachable", 1}},
    {3, {"protocol_unreachable", 2}},
    {3, {"port_unreachable", 3}},
    {3, {"frag_needed", 4}},
    {3, {"source_route_failed", 5}},
    {3, {"net_unknown", 6}},
    {3, {"host_unknown", 7}},
    {3, {"source_host_isolated", 8}},
    {3, {"net_prohibited", 9}},
    {3, {"host_prohibited", 10}},
    {3, {"net_unreachable_for_tos", 11}},
    {3, {"host_unreachable_for_tos", 12}},
    {3, {"packet_filtered", 13}},
    {3, {"precedence_violation", 14}},
    {3, {"precedence_cutoff", 15}},
    {11, {"ttl_exceeded_in_transit", 0}}, /* FreeBSD's */
};

static const struct code_name v6_codes[] = {
    {1, {"no_route", 0}},
    {1, {"net_unreachable", 0}},
    {1, {"admin_prohibited", 1}},
    {1, {"not_neighbour", 2}},
    {1, {"address_unreachable", 3}},
    {1, {"port_unreachable", 4}},
    {3, {"exceeded_hop_limit", 0}},
    {3, {"exceeded_frag_time", 1}},
    {4, {"header_field", 0}},
    {4, {"unknown_next_header", 1}},
    {4, {"unknown_option", 2}},
};

/* "type_12", "code_3" */
static bool read_numbered(const char *word, const char *prefix, uint8_t *out)
{
    size_t len = strlen(prefix);
    unsigned value = 0;

    if (strncmp(word, prefix, len) != 0 || !word[len])
        return false;
    for (const char *c = word + len; *c; c++) {
        if (*c < '0' || *c > '9')
            return false;
        value = value * 10 + (unsigned)(*c - '0');
        if (value > UINT8_MAX)
            return false;
    }
    *out = (uint8_t)value;
    return true;
}

static bool find_type(const struct name *names, size_t count, const char *word, uint8_t *out)
{
    if (read_numbered(word, "type_", out))
        return true;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i].word, word) == 0) {
            *out = names[i].number;
            return true;
        }
    }
    return false;
}

static bool find_code(const struct code_name *names, size_t count, uint8_t type, const char *word,
                      uint8_t *out)
{
    if (read_numbered(word, "code_", out))
        return true;
    for (size_t i = 0; i < count; i++) {
        if (names[i].type == type && strcmp(names[i].name.word, word) == 0) {
            *out = names[i].name.number;
            return true;
        }
    }
    return false;
}

static void parse_type(struct drill_parser *p, struct drill_icmp *out)
{
    static const char wanted[] = "an ICMP type as in unreachable, echo_request or type_3";
    if (p->token.kind != TOKEN_WORD) {
        parser_expected(p, wanted);
        return;
    }
    const char *word = out->type_name = p->token.text;
    out->known[V4] = find_type(v4_types, ARRAY_LEN(v4_types), word, &out->type[V4]);
    out->known[V6] = find_type(v6_types, ARRAY_LEN(v6_types), word, &out->type[V6]);
    if (!out->known[V4] && !out->known[V6])
        parser_expected(p, wanted);
    parser_take(p);
}

static void parse_code(struct drill_parser *p, struct drill_icmp *out)
{
    if (p->token.kind != TOKEN_WORD || parser_is_word(p, "mtu") || parser_is_word(p, "id"))
        return;
    const char *word = out->code_name = p->token.text;
    out->known[V4] = out->known[V4] &&
                     find_code(v4_codes, ARRAY_LEN(v4_codes), out->type[V4], word, &out->code[V4]);
    out->known[V6] = out->known[V6] &&
                     find_code(v6_codes, ARRAY_LEN(v6_codes), out->type[V6], word, &out->code[V6]);
    if (!out->known[V4] && !out->known[V6])
        parser_expected(p, "an ICMP code of that type, as in port_unreachable or code_3");
    parser_take(p);
}

static void parse_mtu(struct drill_parser *p, struct drill_icmp *out)
{
    bool in_v4 = out->known[V4] && out->type[V4] == V4_UNREACHABLE && out->code_name &&
                 out->code[V4] == V4_FRAG_NEEDED;
    bool in_v6 = out->known[V6] && out->type[V6] == V6_PACKET_TOO_BIG;

    if (!in_v4 && !in_v6)
        parser_fail(p, "'mtu' belongs to 'unreachable frag_needed' and 'packet_too_big' alone");
    parser_take(p);
    out->has_mtu = true;
    out->mtu = parser_number(p, "an MTU", UINT32_MAX);
}

static void parse_quote(struct drill_parser *p, struct drill_icmp *out)
{
    if (parser_accept_word(p, "udp")) {
        out->quote = DRILL_QUOTE_UDP;
        out->len = parser_len(p, "a number of octets");
    } else if (parser_accept_word(p, "raw")) {
        out->quote = DRILL_QUOTE_RAW;
        out->len = parser_len(p, "a number of octets");
    } else if (p->token.kind == TOKEN_INTEGER) {
        parser_sequence(p, &out->seq, &out->len);
    } else {
        parser_expected(p, "what is quoted: start:end(len), udp (len) or raw (len)");
    }
    parser_expect(p, ']', "']' behind what is quoted");
}

void parser_icmp(struct drill_parser *p, struct drill_icmp *out)
{
    parse_type(p, out);
    parse_code(p, out);
    if (parser_is_word(p, "mtu"))
        parse_mtu(p, out);
    if (parser_accept_word(p, "id")) {
        out->has_id = true;
        out->id = (uint16_t)parser_number(p, "an identifier", UINT16_MAX);
    }
    if (parser_accept(p, '['))
        parse_quote(p, out);
}
