/*
 * field_nd_options.c - the options of neighbour discovery (RFC 4861, 4.6; RFC 8106). Each says its
 * length in units of 8 octets; a length of zero would never end, so it ends the list.
 */
#include "see/field_table.h"

/* clang-format off */
static const struct field_word kinds[] = {
    {1, "Source Link-Layer Address", "The station of who asks."},
    {2, "Target Link-Layer Address", "The station that has the target address."},
    {3, "Prefix Information", "A prefix of this link."},
    {4, "Redirected Header", "The packet that caused the redirect."},
    {5, "MTU", "The largest packet that all on this link take."},
    {14, "Nonce", "To tell one's own solicitation from another's (RFC 3971)."},
    {24, "Route Information", NULL},
    {25, "Recursive DNS Server", "Whom to ask for names (RFC 8106)."},
    {31, "DNS Search List", NULL},
    {38, "PREF64", "The prefix of a NAT64 (RFC 8781)."},
    {0},
};
static void say_units(struct walk *w, const struct field *f, struct text *out)
{
    (void)w;
    text_add_u64(out, f->number * 8);
    text_add(out, " octets.");
}
#define CLAUSE "RFC 4861, 4.6"
static const struct field_row
    kind = {"icmpv6.opt.type", "Option Type", "Type", 0, 0, SHOW_DECIMAL, kinds, "An option that we do not know.", CLAUSE, NULL},
    length = {"icmpv6.opt.length", "Option Length", "Len", 0, 0, SHOW_DECIMAL, NULL, "In units of 8 octets:", CLAUSE, say_units},
    station = {"icmpv6.opt.linkaddr", "Link-Layer Address", NULL, 0, 0, SHOW_MAC, NULL, "An address on this link.", "RFC 4861, 4.6.1", NULL},
    other_station = {"icmpv6.opt.linkaddr", "Link-Layer Address", NULL, 0, 0, SHOW_OCTETS, NULL, "An address on this link.", "RFC 4861, 4.6.1", NULL},
    data = {"icmpv6.opt.data", "Data", NULL, 0, 0, SHOW_OCTETS, NULL, "", CLAUSE, NULL};
static const struct field_row prefix[] = {
    {"icmpv6.opt.prefix.length", "Prefix Length", NULL, 16, 8, SHOW_DECIMAL, NULL, "Leading bits of the prefix that count.", "RFC 4861, 4.6.2", NULL},
    {"icmpv6.opt.prefix.flag.l", "On-Link", "L", 24, 1, SHOW_FLAG, NULL, "Set: who has such an address is on this link.", "RFC 4861, 4.6.2", NULL},
    {"icmpv6.opt.prefix.flag.a", "Autonomous", "A", 25, 1, SHOW_FLAG, NULL, "Set: hosts may make themselves an address of it.", "RFC 4861, 4.6.2", NULL},
    {"icmpv6.opt.prefix.flag.r", "Router Address", "R", 26, 1, SHOW_FLAG, NULL, "", "RFC 6275, 7.2", NULL},
    {"icmpv6.opt.prefix.flag.reserved", "Reserved", "Rsv", 27, 5, SHOW_DECIMAL, NULL, "Zero.", "RFC 4861, 4.6.2", NULL},
    {"icmpv6.opt.prefix.valid_lifetime", "Valid Lifetime", NULL, 32, 32, SHOW_DECIMAL, NULL, "Seconds.", "RFC 4861, 4.6.2", NULL},
    {"icmpv6.opt.prefix.preferred_lifetime", "Preferred Lifetime", NULL, 64, 32, SHOW_DECIMAL, NULL, "Seconds in which new connections may use it.", "RFC 4861, 4.6.2", NULL},
    {"icmpv6.opt.reserved", "Reserved", NULL, 96, 32, SHOW_HEX, NULL, "Zero.", "RFC 4861, 4.6.2", NULL},
    {"icmpv6.opt.prefix", "Prefix", NULL, 128, 128, SHOW_IP6, NULL, "The network's part of the addresses here.", "RFC 4861, 4.6.2", NULL},
};
static const struct field_row link_mtu[] = {
    {"icmpv6.opt.reserved", "Reserved", NULL, 16, 16, SHOW_HEX, NULL, "Zero.", "RFC 4861, 4.6.4", NULL},
    {"icmpv6.opt.mtu", "MTU", NULL, 32, 32, SHOW_DECIMAL, NULL, "Octets.", "RFC 4861, 4.6.4", NULL},
};
/* clang-format on */

/* [at, stop), of which there may be less. */
static bool read_option(struct walk *w, uint32_t type, uint32_t at, uint32_t stop, uint32_t end)
{
    uint32_t len = stop - at;

    if ((type == 1 || type == 2) && len == 8)
        return row_read(w, &station, at + 2, 6, end);
    if (type == 1 || type == 2)
        return row_read(w, &other_station, at + 2, len - 2, end);
    if (type == 3) {
        if (len != 32)
            flaw(w, at + 1, at + 2, "a prefix option has 32 octets", "RFC 4861, 4.6.2");
        return rows_read(w, prefix, ARRAY_LEN(prefix), at, u32_min(stop, end)) || len != 32;
    }
    if (type == 5 && len == 8)
        return rows_read(w, link_mtu, ARRAY_LEN(link_mtu), at, end);
    return row_read(w, &data, at + 2, len - 2, end);
}

void walk_nd_options(struct walk *w, uint32_t at, uint32_t end)
{
    while (at < end) {
        if (!row_read(w, &kind, at, 1, end) || !row_read(w, &length, at + 1, 1, end))
            return;
        uint32_t units = number_at(w, at + 1, 1);
        if (units == 0) {
            flaw(w, at + 1, at + 2, "an option of no length", CLAUSE);
            return;
        }
        uint32_t stop = at + units * 8;
        if (stop > end)
            flaw(w, at + 1, at + 2, "the option goes on behind the message", CLAUSE);
        if (!read_option(w, number_at(w, at, 1), at, stop, end) || stop > end)
            return;
        at = stop;
    }
}
