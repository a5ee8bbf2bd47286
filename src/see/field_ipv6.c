/*
 * field_ipv6.c - the IPv6 header (RFC 8200, 3) and the headers that may stand behind it (RFC 8200,
 * 4).
 *
 * An extension header names what follows it, as IPv6's own does, so each of them is a layer like
 * any other. The checksum of what comes behind a routing header covers the last address of the
 * route.
 */
#include "ip/ipv6_wire.h"
#include "see/field_table.h"

enum { HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, AUTHENTICATION = 51, DESTINATION = 60 };

static void say_address(struct walk *w, const struct field *f, struct text *out)
{
    struct reader r = reader_of(f->raw);
    struct ip_addr a = {0};

    (void)w;
    read_into(&r, a.octet, sizeof(a.octet));
    if (ip_is_multicast(a))
        text_add(out, "A group of hosts.");
    else if (ip_is_unspecified(a))
        text_add(out, "A host that has no address yet.");
    else if (a.octet[0] == 0xfe && (a.octet[1] & 0xc0) == 0x80)
        text_add(out, "Link-local: it means something on this link only.");
}

static void say_units(struct walk *w, const struct field *f, struct text *out)
{
    (void)w;
    text_add_u64(out, f->number * 8 + 8);
    text_add(out, " octets.");
}

static void say_offset(struct walk *w, const struct field *f, struct text *out)
{
    (void)w;
    text_add_u64(out, f->number * 8);
    text_add(out, " octets are in front of these.");
}

/* clang-format off */
static const struct field_row rows[] = {
    {"ipv6.version", "Version", "Ver", 0, 4, SHOW_DECIMAL, NULL, "The format of this header.", "RFC 8200, 3", NULL},
    {"ipv6.tclass.dscp", "DSCP", NULL, 4, 6, SHOW_DECIMAL, words_dscp,
     "How routers are asked to treat the packet.", "RFC 2474, 3", NULL},
    {"ipv6.tclass.ecn", "ECN", NULL, 10, 2, SHOW_DECIMAL, words_ecn, NULL, "RFC 3168, 5", NULL},
    {"ipv6.flow", "Flow Label", NULL, 12, 20, SHOW_HEX, NULL,
     "The same for all packets of a flow, so that they may take one path.", "RFC 6437", NULL},
    {"ipv6.plen", "Payload Length", NULL, 32, 16, SHOW_DECIMAL, NULL,
     "Octets behind this header, extension headers among them.", "RFC 8200, 3", NULL},
    {"ipv6.nxt", "Next Header", "Next", 48, 8, SHOW_DECIMAL, words_protocol, "What follows this header.", "RFC 8200, 3", NULL},
    {"ipv6.hlim", "Hop Limit", NULL, 56, 8, SHOW_DECIMAL, NULL,
     "Each router takes one off; at zero the packet ends.", "RFC 8200, 3", NULL},
    {"ipv6.src", "Source Address", NULL, 64, 128, SHOW_IP6, NULL, "Who sent the packet, as it says.", "RFC 8200, 3", say_address},
    {"ipv6.dst", "Destination Address", NULL, 192, 128, SHOW_IP6, NULL, "Whom it is for.", "RFC 8200, 3", say_address},
};

#define OPTIONS(prefix, clause)                                                                    \
    {prefix ".nxt", "Next Header", "Next", 0, 8, SHOW_DECIMAL, words_protocol, "What follows this header.", clause, NULL}, \
    {prefix ".len", "Length", "Len", 8, 8, SHOW_DECIMAL, NULL, "Units of 8 octets behind the first:", clause, say_units}
static const struct field_row hop_by_hop[] = {OPTIONS("ipv6.hopopts", "RFC 8200, 4.3")};
static const struct field_row destination[] = {OPTIONS("ipv6.dstopts", "RFC 8200, 4.6")};
static const struct field_row routing[] = {
    OPTIONS("ipv6.routing", "RFC 8200, 4.4"),
    {"ipv6.routing.type", "Routing Type", NULL, 16, 8, SHOW_DECIMAL,
     (const struct field_word[]){{0, "source route", "Deprecated: hosts refuse it (RFC 5095)."},
                                 {2, "mobile IPv6", NULL}, {3, "RPL", NULL}, {4, "segment routing", NULL}, {0}},
     "How the rest of it is to be read.", "RFC 8200, 4.4", NULL},
    {"ipv6.routing.segleft", "Segments Left", NULL, 24, 8, SHOW_DECIMAL, NULL,
     "Addresses that are still to be visited.", "RFC 8200, 4.4", NULL},
};
static const struct field_row fragment[] = {
    {"ipv6.fraghdr.nxt", "Next Header", "Next", 0, 8, SHOW_DECIMAL, words_protocol, "What the whole packet goes on with.", "RFC 8200, 4.5", NULL},
    {"ipv6.fraghdr.reserved_octet", "Reserved", NULL, 8, 8, SHOW_HEX, NULL, "Zero.", "RFC 8200, 4.5", NULL},
    {"ipv6.fraghdr.offset", "Fragment Offset", NULL, 16, 13, SHOW_DECIMAL, NULL, "In units of 8 octets:", "RFC 8200, 4.5", say_offset},
    {"ipv6.fraghdr.reserved_bits", "Res", NULL, 29, 2, SHOW_DECIMAL, NULL, "Zero.", "RFC 8200, 4.5", NULL},
    {"ipv6.fraghdr.more", "More", "M", 31, 1, SHOW_FLAG, NULL, "Set: this is not the last fragment.", "RFC 8200, 4.5", NULL},
    {"ipv6.fraghdr.ident", "Identification", NULL, 32, 32, SHOW_HEX, NULL, "What the fragments of one packet have in common.", "RFC 8200, 4.5", NULL},
};
static const struct field_row authentication[] = {
    {"ah.next_header", "Next Header", "Next", 0, 8, SHOW_DECIMAL, words_protocol, "What follows this header.", "RFC 4302, 2", NULL},
    {"ah.length", "Payload Length", "Len", 8, 8, SHOW_DECIMAL, NULL, "Words of 32 bits, less 2.", "RFC 4302, 2", NULL},
};
static const struct field_word option_types[] = {
    {0, "Pad1", "One octet of padding."}, {1, "PadN", "Padding."}, {5, "Router Alert", "Routers are to look into the packet (RFC 2711)."},
    {0x26, "Quick-Start", NULL}, {0x3e, "SMF", NULL}, {0xc2, "Jumbo Payload", "The packet is longer than 65,535 octets (RFC 2675)."},
    {0xc9, "Home Address", NULL}, {0},
};
static const struct field_row
    option_type = {"ipv6.opt.type", "Option Type", "Type", 0, 0, SHOW_DECIMAL, option_types,
                   "An option that we do not know; its first two bits say what a host does then.", "RFC 8200, 4.2", NULL},
    option_len = {"ipv6.opt.length", "Option Length", "Len", 0, 0, SHOW_DECIMAL, NULL, "Octets of its data.", "RFC 8200, 4.2", NULL},
    option_data = {"ipv6.opt.data", "Data", NULL, 0, 0, SHOW_OCTETS, NULL, "", "RFC 8200, 4.2", NULL},
    route_data = {"ipv6.routing.data", "Type-specific data", NULL, 0, 0, SHOW_OCTETS, NULL, "", "RFC 8200, 4.4", NULL},
    route_addr = {"ipv6.routing.src.addr", "Address", NULL, 0, 0, SHOW_IP6, NULL, "A place of the route.", "RFC 8200, 4.4", NULL},
    home_addr = {"ipv6.routing.mipv6.home_address", "Home Address", NULL, 0, 0, SHOW_IP6, NULL, "Where the mobile host is at home.", "RFC 6275, 6.4", NULL},
    segment_addr = {"ipv6.routing.srh.addr", "Segment", NULL, 0, 0, SHOW_IP6, NULL, "A place of the route, the last one first.", "RFC 8754, 2", NULL},
    sum_data = {"ah.data", "Authentication data", NULL, 0, 0, SHOW_OCTETS, NULL, "", "RFC 4302, 2", NULL};
/* clang-format on */

static void note_packet(struct walk *w, uint32_t at, uint32_t end)
{
    struct reader r = reader_of(octets_at(w, at + 8, at + IPV6_HEADER));

    read_into(&r, w->src.octet, sizeof(w->src.octet));
    read_into(&r, w->dst.octet, sizeof(w->dst.octet));
    w->ip = w->v6 = true;
    if (w->quoted || w->d->seen.ip)
        return;
    w->d->seen.ip = true;
    w->d->seen.src = w->src;
    w->d->seen.dst = w->dst;
    w->trailer = end;
}

struct step walk_ipv6(struct walk *w, uint32_t at, uint32_t end)
{
    if (!layer_begin(w, "ipv6", "IPv6", "RFC 8200, 3", at))
        return STEP_END;
    w->d->network = u32_min(w->d->network, at);
    layer_end(w, u32_min(at + IPV6_HEADER, end));
    if (!rows_read(w, rows, ARRAY_LEN(rows), at, end))
        return STEP_END;
    uint32_t behind = at + IPV6_HEADER;
    uint32_t len = number_at(w, at + 4, 2), next = number_at(w, at + 6, 1), packet = end;

    if (number_at(w, at, 1) >> 4 != 6)
        flaw(w, at, at + 1, "the version is not 6", "RFC 8200, 3");
    if (len > end - behind && !w->quoted)
        flaw(w, at + 4, at + 6, "the payload length says more than the frame has", "RFC 8200, 3");
    else if (len > 0 || next != HOP_BY_HOP) /* a jumbogram has 0 here (RFC 2675) */
        packet = u32_min(behind + len, end);
    note_packet(w, at, packet);
    w->partial = w->quoted && len > end - behind;
    return step_protocol(w, next, behind, packet);
}

/* --- extension headers -------------------------------------------------------------------- */

static void read_options(struct walk *w, uint32_t at, uint32_t end)
{
    while (at < end) {
        if (!row_read(w, &option_type, at, 1, end))
            return;
        if (number_at(w, at, 1) == 0) { /* Pad1 */
            at++;
            continue;
        }
        if (!row_read(w, &option_len, at + 1, 1, end))
            return;
        uint32_t len = number_at(w, at + 1, 1);
        if (len > end - at - 2) {
            flaw(w, at + 1, at + 2, "the option goes on behind its header", "RFC 8200, 4.2");
            return;
        }
        if (number_at(w, at, 1) == 5 && len != 2)
            flaw(w, at + 1, at + 2, "a router alert has 2 octets of data", "RFC 2711, 2.1");
        if (len > 0 && !row_read(w, &option_data, at + 2, len, end))
            return;
        at += 2 + len;
    }
}

static void read_route(struct walk *w, uint32_t at, uint32_t stop)
{
    uint32_t type = number_at(w, at + 2, 1), left = number_at(w, at + 3, 1);
    const struct field_row *row = type == 0   ? &route_addr
                                  : type == 2 ? &home_addr
                                  : type == 4 ? &segment_addr
                                              : NULL;
    uint32_t last = 0;

    if (at + 8 > stop || !row_read(w, &route_data, at + 4, 4, stop))
        return;
    for (uint32_t a = at + 8; row && stop - a >= 16; a += 16) {
        if (!row_read(w, row, a, 16, stop))
            return;
        last = a;
    }
    if (!row)
        row_read_some(w, &route_data, at + 8, stop);
    if (left > 0 && last > 0) {
        struct reader r = reader_of(octets_at(w, type == 4 ? at + 8 : last, stop));
        read_into(&r, w->dst.octet, sizeof(w->dst.octet));
    }
}

static struct step fragment_header(struct walk *w, uint32_t at, uint32_t end)
{
    if (!layer_begin(w, "ipv6.fraghdr", "Fragment header", "RFC 8200, 4.5", at))
        return STEP_END;
    layer_end(w, u32_min(at + 8, end));
    if (!rows_read(w, fragment, ARRAY_LEN(fragment), at, end))
        return STEP_END;
    uint32_t bits = number_at(w, at + 2, 2);
    w->partial = w->partial || (bits & 0xfff9) != 0;
    if (bits >> 3 > 0) {
        if (!w->quoted)
            w->d->seen.fragment = true;
        return (struct step){walk_text, at + 8, end};
    }
    return step_protocol(w, number_at(w, at, 1), at + 8, end);
}

static const struct extension {
    uint8_t protocol;
    const char *key, *name, *clause;
    const struct field_row *rows;
    size_t count;
} extensions[] = {
    {HOP_BY_HOP, "ipv6.hopopts", "Hop-by-hop options", "RFC 8200, 4.3", hop_by_hop,
     ARRAY_LEN(hop_by_hop)},
    {DESTINATION, "ipv6.dstopts", "Destination options", "RFC 8200, 4.6", destination,
     ARRAY_LEN(destination)},
    {ROUTING, "ipv6.routing", "Routing header", "RFC 8200, 4.4", routing, ARRAY_LEN(routing)},
    {AUTHENTICATION, "ah", "Authentication header", "RFC 4302, 2", authentication,
     ARRAY_LEN(authentication)},
};

struct step walk_extension(struct walk *w, uint32_t at, uint32_t end)
{
    const struct extension *x = extensions;

    if (w->protocol == FRAGMENT)
        return fragment_header(w, at, end);
    while (x->protocol != w->protocol) {
        x++;
        assert(x < extensions + ARRAY_LEN(extensions)); /* step_protocol() has these alone */
    }
    if (!layer_begin(w, x->key, x->name, x->clause, at))
        return STEP_END;
    layer_end(w, u32_min(at + 8, end));
    if (!rows_read(w, x->rows, x->count, at, end))
        return STEP_END;
    uint32_t units = number_at(w, at + 1, 1);
    uint32_t len = x->protocol == AUTHENTICATION ? units * 4 + 8 : units * 8 + 8;
    uint32_t stop = u32_min(at + len, end);
    layer_end(w, stop);
    if (x->protocol == ROUTING)
        read_route(w, at, stop);
    else if (x->protocol == AUTHENTICATION)
        row_read_some(w, &sum_data, at + 2, stop);
    else
        read_options(w, at + 2, stop);
    if (len > end - at) {
        flaw(w, at + 1, at + 2, "this header goes on behind the packet", x->clause);
        return STEP_END;
    }
    if (!is_captured(w, stop))
        return STEP_END;
    return step_protocol(w, number_at(w, at, 1), stop, end);
}
