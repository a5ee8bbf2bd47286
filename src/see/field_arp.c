/*
 * field_arp.c - the ARP packet (RFC 826). The lengths of its addresses are in the packet; those of
 * IPv4 over Ethernet are shown as what they are, others as octets.
 */
#include "see/field_table.h"

/* clang-format off */
static const struct field_word hardware[] = {{1, "Ethernet", NULL}, {6, "IEEE 802", NULL}, {0}};
static const struct field_word opcodes[] = {
    {1, "request", "Who has the target address? Everybody on the link is asked."},
    {2, "reply", "The sender has the address that was asked for."},
    {3, "reverse request", "Which protocol address has this station? (RFC 903)"},
    {4, "reverse reply", NULL},
    {8, "inverse request", NULL}, {9, "inverse reply", NULL},
    {0},
};
static const struct field_row rows[] = {
    {"arp.hw.type", "Hardware Type", NULL, 0, 16, SHOW_DECIMAL, hardware, "The kind of link.", "RFC 826", NULL},
    {"arp.proto.type", "Protocol Type", NULL, 16, 16, SHOW_HEX, words_ether_type,
     "Whose addresses are looked for.", "RFC 826", NULL},
    {"arp.hw.size", "Hardware Length", "HLen", 32, 8, SHOW_DECIMAL, NULL, "Octets of a hardware address.", "RFC 826", NULL},
    {"arp.proto.size", "Protocol Length", "PLen", 40, 8, SHOW_DECIMAL, NULL, "Octets of a protocol address.", "RFC 826", NULL},
    {"arp.opcode", "Operation", NULL, 48, 16, SHOW_DECIMAL, opcodes, "What is asked or told.", "RFC 826", NULL},
};
static const struct field_row ethernet_ipv4[] = {
    {"arp.src.hw_mac", "Sender Hardware Address", "Sender Hardware", 0, 48, SHOW_MAC, NULL,
     "The station that speaks.", "RFC 826", NULL},
    {"arp.src.proto_ipv4", "Sender Protocol Address", "Sender Protocol", 48, 32, SHOW_IP4, NULL,
     "Its IPv4 address; 0.0.0.0 is a probe by who does not have one yet (RFC 5227).", "RFC 826", NULL},
    {"arp.dst.hw_mac", "Target Hardware Address", "Target Hardware", 80, 48, SHOW_MAC, NULL,
     "In a request nobody reads it: it is what is asked for.", "RFC 826", NULL},
    {"arp.dst.proto_ipv4", "Target Protocol Address", "Target Protocol", 128, 32, SHOW_IP4, NULL,
     "In a request the address whose station is looked for; the sender's own: an announcement (RFC 5227).",
     "RFC 826", NULL},
};
static const struct field_row other[] = {
    {"arp.src.hw", "Sender Hardware Address", NULL, 0, 0, SHOW_OCTETS, NULL, "", "RFC 826", NULL},
    {"arp.src.proto", "Sender Protocol Address", NULL, 0, 0, SHOW_OCTETS, NULL, "", "RFC 826", NULL},
    {"arp.dst.hw", "Target Hardware Address", NULL, 0, 0, SHOW_OCTETS, NULL, "", "RFC 826", NULL},
    {"arp.dst.proto", "Target Protocol Address", NULL, 0, 0, SHOW_OCTETS, NULL, "", "RFC 826", NULL},
};
/* clang-format on */

static bool read_other(struct walk *w, uint32_t at, uint32_t end, uint32_t hlen, uint32_t plen)
{
    for (size_t i = 0; i < ARRAY_LEN(other); i++) {
        uint32_t len = i % 2 == 0 ? hlen : plen;
        if (!row_read(w, &other[i], at, len, end))
            return false;
        at += len;
    }
    return true;
}

struct step walk_arp(struct walk *w, uint32_t at, uint32_t end)
{
    if (!layer_begin(w, "arp", "ARP", "RFC 826", at))
        return STEP_END;
    w->d->seen.arp = true;
    w->d->network = u32_min(w->d->network, at);
    if (!rows_read(w, rows, ARRAY_LEN(rows), at, end)) {
        layer_end(w, u32_min(at + 8, end));
        return STEP_END;
    }
    uint32_t hlen = number_at(w, at + 4, 1), plen = number_at(w, at + 5, 1);
    uint32_t stop = at + 8 + 2 * (hlen + plen);
    bool usual = hlen == 6 && plen == 4 && number_at(w, at + 2, 2) == 0x0800;
    bool whole = usual ? rows_read(w, ethernet_ipv4, ARRAY_LEN(ethernet_ipv4), at + 8, end)
                       : read_other(w, at + 8, end, hlen, plen);
    layer_end(w, u32_min(stop, end));
    if (whole)
        w->trailer = stop;
    return STEP_END;
}
