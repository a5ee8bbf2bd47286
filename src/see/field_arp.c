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
#define ADDRESS(key, name, brief, show, meaning) {key, name, brief, 0, 0, show, NULL, meaning, "RFC 826", NULL}
static const char sender_meaning[] = "The station that speaks.",
    sender_ip_meaning[] = "Its IPv4 address; 0.0.0.0 is a probe by who does not have one yet (RFC 5227).",
    target_meaning[] = "In a request nobody reads it: it is what is asked for.",
    target_ip_meaning[] = "In a request the address whose station is looked for; the sender's own: an announcement (RFC 5227).";
/* As an address that is known, and as octets. */
static const struct field_row address[4][2] = {
    {ADDRESS("arp.src.hw_mac", "Sender Hardware Address", "Sender Hardware", SHOW_MAC, sender_meaning),
     ADDRESS("arp.src.hw", "Sender Hardware Address", "Sender Hardware", SHOW_OCTETS, sender_meaning)},
    {ADDRESS("arp.src.proto_ipv4", "Sender Protocol Address", "Sender Protocol", SHOW_IP4, sender_ip_meaning),
     ADDRESS("arp.src.proto", "Sender Protocol Address", "Sender Protocol", SHOW_OCTETS, "Its address.")},
    {ADDRESS("arp.dst.hw_mac", "Target Hardware Address", "Target Hardware", SHOW_MAC, target_meaning),
     ADDRESS("arp.dst.hw", "Target Hardware Address", "Target Hardware", SHOW_OCTETS, target_meaning)},
    {ADDRESS("arp.dst.proto_ipv4", "Target Protocol Address", "Target Protocol", SHOW_IP4, target_ip_meaning),
     ADDRESS("arp.dst.proto", "Target Protocol Address", "Target Protocol", SHOW_OCTETS, "The address that is meant.")},
};
/* clang-format on */

static bool read_addresses(struct walk *w, uint32_t at, uint32_t end, const uint32_t len[2],
                           const bool known[2])
{
    for (size_t i = 0; i < ARRAY_LEN(address); i++) {
        if (len[i % 2] > 0 && !row_read(w, &address[i][!known[i % 2]], at, len[i % 2], end))
            return false;
        at += len[i % 2];
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
    uint32_t len[2] = {number_at(w, at + 4, 1), number_at(w, at + 5, 1)};
    uint32_t type = number_at(w, at, 2), stop = at + 8 + 2 * (len[0] + len[1]);
    bool known[2] = {len[0] == 6 && (type == 1 || type == 6),
                     len[1] == 4 && number_at(w, at + 2, 2) == 0x0800};
    bool whole = read_addresses(w, at + 8, end, len, known);
    layer_end(w, u32_min(stop, end));
    if (whole)
        w->trailer = stop;
    return STEP_END;
}
