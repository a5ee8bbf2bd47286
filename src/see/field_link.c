/*
 * field_link.c - what is in front of the network's header: Ethernet, VLAN tags, and what captures
 * put there where there was no Ethernet.
 */
#include "see/field_table.h"

enum {
    LENGTH_MAX = 1500,
    TYPE_MIN = 1536
}; /* a length up to here, a type from there (IEEE 802.3) */

static void say_mac(struct walk *w, const struct field *f, struct text *out)
{
    (void)w;
    if (f->raw.at[0] == 0xff && f->raw.at[1] == 0xff && f->raw.at[2] == 0xff)
        text_add(out, "All ones: everybody on the link (broadcast).");
    else if (f->raw.at[0] & 1)
        text_add(out, "The group bit is set: everybody who has joined the group (multicast).");
    else if (f->raw.at[0] & 2)
        text_add(out, "Locally administered: made up, not of a manufacturer.");
}

/* clang-format off */
static const struct field_row ethernet[] = {
    {"eth.dst", "Destination Address", "Destination", 0, 48, SHOW_MAC, NULL,
     "The station on this link that is to take the frame.", "RFC 894", say_mac},
    {"eth.src", "Source Address", "Source", 48, 48, SHOW_MAC, NULL,
     "The station on this link that sent it.", "RFC 894", say_mac},
};
static const struct field_row ethernet_type[] = {
    {"eth.type", "Type", NULL, 0, 16, SHOW_HEX, words_ether_type,
     "Which protocol the octets behind it are of.", "RFC 894", NULL},
};
static const struct field_row ethernet_length[] = {
    {"eth.len", "Length", NULL, 0, 16, SHOW_DECIMAL, NULL,
     "1500 and below are no type but a length: IEEE 802.3, with an LLC header behind it.",
     "RFC 1042", NULL},
};
static const struct field_row ethernet_neither[] = {
    {"eth.invalid_lentype", "Length or Type", NULL, 0, 16, SHOW_HEX, NULL,
     "Neither: too long for a length, and too small for a type.", "IEEE 802.3, 3.2.6", NULL},
};

#define TAG(prefix, clause)                                                                        \
    {prefix ".priority", "Priority", "PCP", 0, 3, SHOW_DECIMAL, NULL,                              \
     "0 is best effort, 7 the most urgent.", clause, NULL},                                        \
    {prefix ".dei", "Drop Eligible", "D", 3, 1, SHOW_FLAG, NULL,                                   \
     "Set: drop this one first when the link is congested.", clause, NULL},                        \
    {prefix ".id", "VLAN Identifier", "VLAN", 4, 12, SHOW_DECIMAL, NULL,                           \
     "The virtual link that the frame belongs to; 0 says none, only a priority.", clause, NULL}
static const struct field_row vlan[] = {
    TAG("vlan", "IEEE 802.1Q, 9.6"),
};
static const struct field_row vlan_type[] = {
    {"vlan.etype", "Type", NULL, 16, 16, SHOW_HEX, words_ether_type,
     "Which protocol the octets behind the tag are of.", "IEEE 802.1Q, 9.6", NULL},
};
static const struct field_row service_vlan[] = {
    TAG("ieee8021ad", "IEEE 802.1ad"),
};
static const struct field_row service_vlan_type[] = {
    {"ieee8021ad.etype", "Type", NULL, 16, 16, SHOW_HEX, words_ether_type,
     "Which protocol the octets behind the tag are of.", "IEEE 802.1ad", NULL},
};

#define LENGTH(key)                                                                                \
    {key, "Length", NULL, 16, 16, SHOW_DECIMAL, NULL,                                              \
     "1500 and below are no type but a length: IEEE 802.3, with an LLC header behind it.", "RFC 1042", NULL}
static const struct field_row vlan_length[] = {LENGTH("vlan.len")};
static const struct field_row service_vlan_length[] = {LENGTH("ieee8021ad.len")};

static const struct field_word families[] = {
    {2, "IPv4", NULL}, {24, "IPv6", NULL}, {28, "IPv6", NULL}, {30, "IPv6", NULL}, {10, "IPv6", NULL},
    {0},
};
static void say_family(struct walk *w, const struct field *f, struct text *out);
static const struct field_row loopback[] = {
    {"null.family", "Address Family", NULL, 0, 32, SHOW_HEX, NULL,
     "Of a loopback interface: which protocol follows, in the byte order of the host that captured.",
     "", say_family},
};

static const struct field_word packet_types[] = {
    {0, "to us", NULL}, {1, "broadcast", NULL}, {2, "multicast", NULL}, {3, "to somebody else", NULL},
    {4, "from us", NULL}, {0},
};
static const struct field_row sll[] = {
    {"sll.pkttype", "Packet Type", NULL, 0, 16, SHOW_DECIMAL, packet_types,
     "Which way the packet went, as the capturing host saw it.", "", NULL},
    {"sll.hatype", "Hardware Type", NULL, 16, 16, SHOW_DECIMAL, NULL, "The kind of link (Linux's ARPHRD).", "", NULL},
    {"sll.halen", "Address Length", NULL, 32, 16, SHOW_DECIMAL, NULL, "Octets of the address that count.", "", NULL},
    {"sll.address", "Source Address", NULL, 48, 64, SHOW_OCTETS, NULL, "The sender's address on the link.", "", NULL},
    {"sll.etype", "Type", NULL, 112, 16, SHOW_HEX, words_ether_type, "Which protocol follows.", "", NULL},
};
static const struct field_row sll2[] = {
    {"sll.etype", "Type", NULL, 0, 16, SHOW_HEX, words_ether_type, "Which protocol follows.", "", NULL},
    {"sll.reserved", "Reserved", NULL, 16, 16, SHOW_HEX, NULL, "", "", NULL},
    {"sll.ifindex", "Interface Index", NULL, 32, 32, SHOW_DECIMAL, NULL, "The interface of the capturing host.", "", NULL},
    {"sll.hatype", "Hardware Type", NULL, 64, 16, SHOW_DECIMAL, NULL, "The kind of link (Linux's ARPHRD).", "", NULL},
    {"sll.pkttype", "Packet Type", "Pkt", 80, 8, SHOW_DECIMAL, packet_types,
     "Which way the packet went, as the capturing host saw it.", "", NULL},
    {"sll.halen", "Address Length", "Len", 88, 8, SHOW_DECIMAL, NULL, "Octets of the address that count.", "", NULL},
    {"sll.address", "Source Address", NULL, 96, 64, SHOW_OCTETS, NULL, "The sender's address on the link.", "", NULL},
};
/* clang-format on */

struct step walk_ethernet(struct walk *w, uint32_t at, uint32_t end)
{
    if (!layer_begin(w, "eth", "Ethernet", "RFC 894", at))
        return STEP_END;
    bool whole = rows_read(w, ethernet, ARRAY_LEN(ethernet), at, end);
    uint32_t type = number_at(w, at + 12, 2);
    whole = whole && rows_read(w,
                               type <= LENGTH_MAX ? ethernet_length
                               : type < TYPE_MIN  ? ethernet_neither
                                                  : ethernet_type,
                               1, at + 12, end);
    layer_end(w, u32_min(at + 14, end));
    return whole ? step_ether_type(type, at + 14, end) : STEP_END;
}

/* The tag, and behind it what Ethernet's own type would be. */
static struct step tag(struct walk *w, const struct field_row *rows, size_t count,
                       const struct field_row *type_row, const struct field_row *length_row,
                       uint32_t at, uint32_t end)
{
    uint32_t type = number_at(w, at + 2, 2);
    bool whole = rows_read(w, rows, count, at, end) &&
                 rows_read(w, type <= LENGTH_MAX ? length_row : type_row, 1, at, end);

    layer_end(w, u32_min(at + 4, end));
    return whole ? step_ether_type(type, at + 4, end) : STEP_END;
}

struct step walk_vlan(struct walk *w, uint32_t at, uint32_t end)
{
    if (!layer_begin(w, "vlan", "VLAN tag", "IEEE 802.1Q", at))
        return STEP_END;
    return tag(w, vlan, ARRAY_LEN(vlan), vlan_type, vlan_length, at, end);
}

struct step walk_service_vlan(struct walk *w, uint32_t at, uint32_t end)
{
    if (!layer_begin(w, "ieee8021ad", "Service VLAN tag", "IEEE 802.1ad", at))
        return STEP_END;
    return tag(w, service_vlan, ARRAY_LEN(service_vlan), service_vlan_type, service_vlan_length, at,
               end);
}

/* A family is a small number, so its byte order can be seen. */
static uint32_t family_of(uint32_t value)
{
    return value > 0xffff ? (value >> 24 & 0xff) | (value >> 8 & 0xff00) : value;
}

static void say_family(struct walk *w, const struct field *f, struct text *out)
{
    const struct field_word *word = word_of(families, family_of((uint32_t)f->number));

    (void)w;
    text_add(out, "It is ");
    text_add(out, word ? word->word : "a family that we do not know");
    text_add_char(out, '.');
}

struct step walk_null(struct walk *w, uint32_t at, uint32_t end)
{
    if (!layer_begin(w, "null", "Loopback", "", at))
        return STEP_END;
    bool whole = rows_read(w, loopback, ARRAY_LEN(loopback), at, end);
    layer_end(w, u32_min(at + 4, end));
    if (!whole)
        return STEP_END;
    uint32_t family = family_of(number_at(w, at, 4));
    walker walk = !word_of(families, family) ? walk_text : family == 2 ? walk_ipv4 : walk_ipv6;
    return (struct step){walk, at + 4, end};
}

struct step walk_sll(struct walk *w, uint32_t at, uint32_t end)
{
    if (!layer_begin(w, "sll", "Linux cooked capture", "", at))
        return STEP_END;
    bool whole = rows_read(w, sll, ARRAY_LEN(sll), at, end);
    layer_end(w, u32_min(at + 16, end));
    return whole ? step_ether_type(number_at(w, at + 14, 2), at + 16, end) : STEP_END;
}

struct step walk_sll2(struct walk *w, uint32_t at, uint32_t end)
{
    if (!layer_begin(w, "sll", "Linux cooked capture, version 2", "", at))
        return STEP_END;
    bool whole = rows_read(w, sll2, ARRAY_LEN(sll2), at, end);
    layer_end(w, u32_min(at + 20, end));
    return whole ? step_ether_type(number_at(w, at, 2), at + 20, end) : STEP_END;
}
