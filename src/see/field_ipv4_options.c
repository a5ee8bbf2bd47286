/*
 * field_ipv4_options.c - the options of an IPv4 header (RFC 791, 3.1; RFC 1122, 3.2.1.8).
 *
 * Each but two has its length behind its kind. One that does not fit ends the list: what comes
 * behind it cannot be told apart any more.
 */
#include "ip/ipv4_wire.h"
#include "see/field_table.h"

/* clang-format off */
static const struct field_word kinds[] = {
    {0, "End of Options", "The rest of the header is padding."},
    {1, "No Operation", "Padding between options."},
    {7, "Record Route", "Each router writes its address into the next free slot."},
    {68, "Timestamp", "Each router writes when it saw the packet."},
    {130, "Security", NULL},
    {131, "Loose Source Route", "The packet must pass these routers; hosts refuse it today."},
    {136, "Stream Identifier", NULL},
    {137, "Strict Source Route", "The packet must pass these routers and no others; hosts refuse it today."},
    {148, "Router Alert", "Routers are to look into the packet (RFC 2113)."},
    {0},
};
#define CLAUSE "RFC 791, 3.1"
static const struct field_row
    kind = {"ip.opt.type", "Option Type", "Type", 0, 0, SHOW_DECIMAL, kinds, "An option that we do not know.", CLAUSE, NULL},
    length = {"ip.opt.len", "Option Length", "Len", 0, 0, SHOW_DECIMAL, NULL, "Octets of the option, type and length included.", CLAUSE, NULL},
    pointer = {"ip.opt.ptr", "Pointer", "Ptr", 0, 0, SHOW_DECIMAL, NULL,
               "Where the next free slot is, counted from the option's first octet as 1.", CLAUSE, NULL},
    slot = {"ip.opt.slot", "Address", NULL, 0, 0, SHOW_IP4, NULL, "A slot of the route.", CLAUSE, NULL},
    overflow = {"ip.opt.overflow", "Overflow and Flag", NULL, 0, 0, SHOW_HEX, NULL,
                "Four bits of hosts that found no slot; four of what a slot holds: 0 times, 1 with addresses, 3 of given ones.", CLAUSE, NULL},
    alert = {"ip.opt.ra", "Router Alert", NULL, 0, 0, SHOW_DECIMAL, NULL, "0: every router examines the packet.", "RFC 2113", NULL},
    data = {"ip.opt.data", "Data", NULL, 0, 0, SHOW_OCTETS, NULL, "", CLAUSE, NULL},
    padding = {"ip.opt.padding", "Padding", NULL, 0, 0, SHOW_OCTETS, NULL, "Up to a whole word.", CLAUSE, NULL};
/* clang-format on */

enum {
    END = 0,
    NO_OPERATION = 1,
    RECORD = 7,
    TIMESTAMP = 68,
    LOOSE = 131,
    STRICT = 137,
    ALERT = 148
};

/* A route that is not at its end: checksums cover the last address of it (RFC 1122, 3.2.1.8). */
static void take_route(struct walk *w, uint32_t pointer_at, uint32_t stop)
{
    uint32_t whole = stop - pointer_at + 2, next = number_at(w, pointer_at, 1);

    if (next >= 4 && next <= whole && whole % 4 == 3)
        w->dst = ip_from_v4(number_at(w, stop - 4, 4));
}

/* The octets behind kind and length: [at, stop). */
static bool read_data(struct walk *w, uint32_t type, uint32_t at, uint32_t stop)
{
    if (type == ALERT) {
        if (stop - at != 2)
            flaw(w, at - 1, at, "a router alert has 4 octets", "RFC 2113, 2.1");
        return stop - at < 2 || row_read(w, &alert, at, 2, stop);
    }
    if (type == TIMESTAMP && stop - at >= 2)
        return row_read(w, &pointer, at, 1, stop) && row_read(w, &overflow, at + 1, 1, stop) &&
               (stop - at == 2 || row_read(w, &data, at + 2, stop - at - 2, stop));
    if (type != RECORD && type != LOOSE && type != STRICT)
        return at == stop || row_read(w, &data, at, stop - at, stop);
    if (at == stop) {
        flaw(w, at, stop, "the option has no pointer", CLAUSE);
        return true;
    }
    if (!row_read(w, &pointer, at, 1, stop))
        return false;
    if (number_at(w, at, 1) < 4)
        flaw(w, at, at + 1, "the pointer is below the first slot", CLAUSE);
    if (type != RECORD)
        take_route(w, at, stop);
    for (at++; stop - at >= 4; at += 4) {
        if (!row_read(w, &slot, at, 4, stop))
            return false;
    }
    if (at < stop)
        flaw(w, at, stop, "the route ends within an address", CLAUSE);
    return true;
}

void walk_ipv4_options(struct walk *w, uint32_t at, uint32_t end)
{
    while (at < end) {
        if (!row_read(w, &kind, at, 1, end))
            return;
        uint32_t type = number_at(w, at, 1);
        if (type == END) {
            row_read_some(w, &padding, at + 1, end);
            return;
        }
        if (type == NO_OPERATION) {
            at++;
            continue;
        }
        if (!row_read(w, &length, at + 1, 1, end))
            return;
        uint32_t len = number_at(w, at + 1, 1);
        if (len < 2 || len > end - at) {
            flaw(w, at + 1, at + 2,
                 len < 2 ? "an option has at least 2 octets"
                         : "the option goes on behind the header",
                 CLAUSE);
            return;
        }
        if (!read_data(w, type, at + 2, at + len))
            return;
        at += len;
    }
}
