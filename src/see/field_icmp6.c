/*
 * field_icmp6.c - ICMPv6 messages (RFC 4443), neighbour discovery (RFC 4861) among them.
 */
#include "ip/icmp6_wire.h"
#include "see/field_table.h"

/* clang-format off */
static const struct field_word types[] = {
    {1, "destination unreachable", "The packet quoted below could not be delivered."},
    {2, "packet too big", "The packet quoted below does not fit the next link: send smaller ones (RFC 8201)."},
    {3, "time exceeded", "The packet quoted below went past its last hop, or its fragments did not all come."},
    {4, "parameter problem", "A header of the packet quoted below could not be understood."},
    {128, "echo request", "Are you there? Whoever hears it answers."},
    {129, "echo reply", "The answer to an echo."},
    {130, "listener query", "A router asks which groups somebody listens to (RFC 2710)."},
    {131, "listener report", NULL}, {132, "listener done", NULL},
    {133, "router solicitation", "Which routers are here?"},
    {134, "router advertisement", "A router tells who it is, and the prefixes of the link."},
    {135, "neighbor solicitation", "Which station has this address? What ARP asks in IPv4."},
    {136, "neighbor advertisement", "The station that has this address says so."},
    {137, "redirect", "A router says: there is a better first hop."},
    {141, "inverse neighbor solicitation", NULL}, {142, "inverse neighbor advertisement", NULL},
    {143, "listener report, version 2", "Which groups a host listens to (RFC 3810)."},
    {160, "extended echo request", NULL}, {161, "extended echo reply", NULL},
    {0},
};
static const struct field_word unreachable[] = {
    {0, "no route", NULL}, {1, "prohibited", "A firewall does not let it pass."}, {2, "beyond scope", NULL},
    {3, "address", "The last router did not find the host on its link."}, {4, "port", "Nobody listens at that port."},
    {5, "ingress/egress policy", NULL}, {6, "rejected route", NULL}, {0},
};
static const struct field_word exceeded[] = {
    {0, "hop limit", "The hop limit went to zero: a loop, or traceroute."},
    {1, "reassembly", "Fragments are missing, and the host has given up waiting."}, {0},
};
static const struct field_word problem[] = {
    {0, "erroneous field", NULL}, {1, "unknown next header", NULL}, {2, "unknown option", NULL}, {0},
};
#define CLAUSE "RFC 4443, 2.1"
#define HEAD(code_words)                                                                           \
    {"icmpv6.type", "Type", NULL, 0, 8, SHOW_DECIMAL, types, "A message that we do not know.", CLAUSE, NULL}, \
    {"icmpv6.code", "Code", NULL, 8, 8, SHOW_DECIMAL, code_words, "Tells more about the type.", CLAUSE, NULL}, \
    {"icmpv6.checksum", "Checksum", NULL, 16, 16, SHOW_HEX, NULL, \
     "Over the whole message, with the addresses (a pseudo-header).", "RFC 4443, 2.3", NULL}
static const struct field_row head[] = {HEAD(NULL)};
static const struct field_row head_unreachable[] = {HEAD(unreachable)};
static const struct field_row head_exceeded[] = {HEAD(exceeded)};
static const struct field_row head_problem[] = {HEAD(problem)};

static const struct field_row echo[] = {
    {"icmpv6.echo.identifier", "Identifier", NULL, 32, 16, SHOW_DECIMAL, NULL, "Whose echo it is; the answer repeats it.", "RFC 4443, 4.1", NULL},
    {"icmpv6.echo.sequence_number", "Sequence Number", NULL, 48, 16, SHOW_DECIMAL, NULL, "Which of them; the answer repeats it.", "RFC 4443, 4.1", NULL},
};
static const struct field_row unused[] = {
    {"icmpv6.unused", "Unused", NULL, 32, 32, SHOW_HEX, NULL, "Zero.", "RFC 4443, 3", NULL},
};
static const struct field_row too_big[] = {
    {"icmpv6.mtu", "MTU", NULL, 32, 32, SHOW_DECIMAL, NULL, "The largest packet that the next link takes.", "RFC 4443, 3.2", NULL},
};
static const struct field_row pointer[] = {
    {"icmpv6.pointer", "Pointer", NULL, 32, 32, SHOW_DECIMAL, NULL, "The octet of the quoted packet that was not understood.", "RFC 4443, 3.4", NULL},
};
static const struct field_row solicit_router[] = {
    {"icmpv6.reserved", "Reserved", NULL, 32, 32, SHOW_HEX, NULL, "Zero.", "RFC 4861, 4.1", NULL},
};
static const struct field_row advertise_router[] = {
    {"icmpv6.nd.ra.cur_hop_limit", "Cur Hop Limit", NULL, 32, 8, SHOW_DECIMAL, NULL, "What hosts put into their hop limit; 0: not said.", "RFC 4861, 4.2", NULL},
    {"icmpv6.nd.ra.flag.m", "Managed", "M", 40, 1, SHOW_FLAG, NULL, "Set: addresses come from DHCPv6.", "RFC 4861, 4.2", NULL},
    {"icmpv6.nd.ra.flag.o", "Other", "O", 41, 1, SHOW_FLAG, NULL, "Set: other things come from DHCPv6.", "RFC 4861, 4.2", NULL},
    {"icmpv6.nd.ra.flag.h", "Home Agent", "H", 42, 1, SHOW_FLAG, NULL, "For mobile hosts.", "RFC 6275, 7.1", NULL},
    {"icmpv6.nd.ra.flag.prf", "Preference", "Pr", 43, 2, SHOW_DECIMAL, NULL, "1 above, 0 medium, 3 below other routers.", "RFC 4191, 2.2", NULL},
    {"icmpv6.nd.ra.flag.p", "Proxy", "P", 45, 1, SHOW_FLAG, NULL, "", "RFC 4389", NULL},
    {"icmpv6.nd.ra.flag.rsv", "Reserved", "R", 46, 2, SHOW_DECIMAL, NULL, "Zero.", "RFC 4861, 4.2", NULL},
    {"icmpv6.nd.ra.router_lifetime", "Router Lifetime", NULL, 48, 16, SHOW_DECIMAL, NULL, "Seconds for which it is a default router; 0: it is none.", "RFC 4861, 4.2", NULL},
    {"icmpv6.nd.ra.reachable_time", "Reachable Time", NULL, 64, 32, SHOW_DECIMAL, NULL, "Milliseconds for which a neighbour counts as reachable; 0: not said.", "RFC 4861, 4.2", NULL},
    {"icmpv6.nd.ra.retrans_timer", "Retrans Timer", NULL, 96, 32, SHOW_DECIMAL, NULL, "Milliseconds between two solicitations; 0: not said.", "RFC 4861, 4.2", NULL},
};
static const struct field_row solicit_neighbor[] = {
    {"icmpv6.reserved", "Reserved", NULL, 32, 32, SHOW_HEX, NULL, "Zero.", "RFC 4861, 4.3", NULL},
    {"icmpv6.nd.ns.target_address", "Target Address", NULL, 64, 128, SHOW_IP6, NULL, "Whose station is looked for.", "RFC 4861, 4.3", NULL},
};
static const struct field_row advertise_neighbor[] = {
    {"icmpv6.nd.na.flag.r", "Router", "R", 32, 1, SHOW_FLAG, NULL, "Set: the sender is a router.", "RFC 4861, 4.4", NULL},
    {"icmpv6.nd.na.flag.s", "Solicited", "S", 33, 1, SHOW_FLAG, NULL, "Set: the answer to a solicitation.", "RFC 4861, 4.4", NULL},
    {"icmpv6.nd.na.flag.o", "Override", "O", 34, 1, SHOW_FLAG, NULL, "Set: it replaces what is known.", "RFC 4861, 4.4", NULL},
    {"icmpv6.nd.na.flag.rsv", "Reserved", NULL, 35, 29, SHOW_HEX, NULL, "Zero.", "RFC 4861, 4.4", NULL},
    {"icmpv6.nd.na.target_address", "Target Address", NULL, 64, 128, SHOW_IP6, NULL, "Whose station it is.", "RFC 4861, 4.4", NULL},
};
static const struct field_row redirect[] = {
    {"icmpv6.reserved", "Reserved", NULL, 32, 32, SHOW_HEX, NULL, "Zero.", "RFC 4861, 4.5", NULL},
    {"icmpv6.nd.rd.target_address", "Target Address", NULL, 64, 128, SHOW_IP6, NULL, "The better first hop.", "RFC 4861, 4.5", NULL},
    {"icmpv6.rd.na.destination_address", "Destination Address", NULL, 192, 128, SHOW_IP6, NULL, "For this destination.", "RFC 4861, 4.5", NULL},
};
static const struct field_row extended_echo[] = {
    {"icmpv6.echo.identifier", "Identifier", NULL, 32, 16, SHOW_DECIMAL, NULL, "Whose echo it is; the answer repeats it.", "RFC 8335, 2", NULL},
    {"icmpv6.ext.echo.seq", "Sequence Number", "Sequence", 48, 8, SHOW_DECIMAL, NULL, "Which of them; the answer repeats it.", "RFC 8335, 2", NULL},
    {"icmpv6.ext.echo.rest", "Rest", NULL, 56, 8, SHOW_HEX, NULL, "Of a question: 1, the interface is the host's own. Of an answer: its state.", "RFC 8335, 2", NULL},
};
static const struct field_row query[] = {
    {"icmpv6.mld.maximum_response_code", "Maximum Response Code", NULL, 32, 16, SHOW_DECIMAL, NULL, "Milliseconds in which to answer, up to 32767; a floating number above.", "RFC 3810, 5.1.3", NULL},
    {"icmpv6.reserved", "Reserved", NULL, 48, 16, SHOW_HEX, NULL, "Zero.", "RFC 3810, 5.1", NULL},
    {"icmpv6.mld.multicast_address", "Multicast Address", NULL, 64, 128, SHOW_IP6, NULL, "The group; :: asks for all.", "RFC 3810, 5.1.5", NULL},
};
static const struct field_row listener[] = {
    {"icmpv6.mld.maximum_response_delay", "Maximum Response Delay", NULL, 32, 16, SHOW_DECIMAL, NULL, "Milliseconds in which to answer.", "RFC 2710, 3", NULL},
    {"icmpv6.reserved", "Reserved", NULL, 48, 16, SHOW_HEX, NULL, "Zero.", "RFC 2710, 3", NULL},
    {"icmpv6.mld.multicast_address", "Multicast Address", NULL, 64, 128, SHOW_IP6, NULL, "The group; :: asks for all.", "RFC 2710, 3", NULL},
};

#define TABLE(rows) rows, ARRAY_LEN(rows)
enum behind { TEXT, QUOTE, OPTIONS };
static const struct form {
    const struct field_row *head, *rows;
    size_t count;
    uint8_t type;
    enum behind behind;
} forms[] = {
    {head_unreachable, TABLE(unused), 1, QUOTE}, {head, TABLE(too_big), 2, QUOTE},
    {head_exceeded, TABLE(unused), 3, QUOTE}, {head_problem, TABLE(pointer), 4, QUOTE},
    {head, TABLE(echo), ICMP6_ECHO, TEXT}, {head, TABLE(echo), ICMP6_ECHO_REPLY, TEXT},
    {head, TABLE(solicit_router), 133, OPTIONS}, {head, TABLE(advertise_router), 134, OPTIONS},
    {head, TABLE(solicit_neighbor), 135, OPTIONS}, {head, TABLE(advertise_neighbor), 136, OPTIONS},
    {head, TABLE(redirect), 137, OPTIONS},
    {head, TABLE(solicit_router), 141, OPTIONS}, {head, TABLE(solicit_router), 142, OPTIONS},
    {head, TABLE(extended_echo), 160, TEXT}, {head, TABLE(extended_echo), 161, TEXT},
    {head, TABLE(listener), 130, TEXT}, {head, TABLE(listener), 131, TEXT}, {head, TABLE(listener), 132, TEXT},
};
/* clang-format on */

/* A query of version 2 is longer. */
static const struct form *form_of(uint32_t type, uint32_t len)
{
    enum { QUERY = 130, QUERY_2_MIN = 28 };
    static const struct form query_2 = {head, TABLE(query), QUERY, TEXT};

    if (type == QUERY && len >= QUERY_2_MIN)
        return &query_2;
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if (forms[i].type == type)
            return &forms[i];
    }
    return NULL;
}

struct step walk_icmp6(struct walk *w, uint32_t at, uint32_t end)
{
    if (!layer_begin(w, "icmpv6", "ICMPv6", CLAUSE, at))
        return STEP_END;
    uint32_t type = number_at(w, at, 1);
    const struct form *form = form_of(type, end - at);
    layer_end(w, u32_min(at + 4, end));
    if (!rows_read(w, form ? form->head : head, ARRAY_LEN(head), at, end))
        return STEP_END;
    sum_judge(w, field_last(w), at, end, true, IP_PROTOCOL_ICMP6);
    if (!w->quoted) {
        w->d->seen.icmp = true;
        w->d->seen.icmp_type = (uint8_t)type;
        w->d->seen.icmp_code = (uint8_t)number_at(w, at + 1, 1);
        w->d->seen.icmp_error = form && form->behind == QUOTE;
    }
    if (!form)
        return (struct step){walk_text, at + 4, end};

    uint32_t stop = at + (form->rows[form->count - 1].bit + form->rows[form->count - 1].bits) / 8u;
    layer_end(w, u32_min(stop, end));
    if (!rows_read(w, form->rows, form->count, at, end))
        return STEP_END;
    if (form->behind == OPTIONS) {
        walk_nd_options(w, stop, end);
        layer_end(w, end);
        return STEP_END;
    }
    if (form->behind == QUOTE) {
        w->quoted = true;
        return (struct step){walk_ipv6, stop, end};
    }
    return (struct step){walk_text, stop, end};
}
