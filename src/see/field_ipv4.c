/*
 * field_ipv4.c - the IPv4 header (RFC 791, 3.1), its options, and who is next.
 *
 * The total length, not the frame, says where the packet ends. It may say more than there is (then
 * the frame ends it), and 0 where a device is to cut one big packet into many (then the frame ends
 * it, too).
 */
#include "ip/ipv4_wire.h"
#include "see/field_table.h"

static void say_ihl(struct walk *w, const struct field *f, struct text *out)
{
    (void)w;
    text_add_u64(out, f->number * 4);
    text_add(out, " octets.");
    if (f->number > 5)
        text_add(out, " More than 20: options follow the addresses.");
}

static void say_offset(struct walk *w, const struct field *f, struct text *out)
{
    (void)w;
    text_add_u64(out, f->number * 8);
    text_add(out, f->number ? " octets are in front of these."
                            : " octets are in front of these: the first fragment, or all of it.");
}

static void say_address(struct walk *w, const struct field *f, struct text *out)
{
    struct reader r = reader_of(f->raw);
    struct ip_addr a = ip_from_v4(read_be32(&r));

    (void)w;
    if (ip_is_limited_broadcast(a))
        text_add(out, "Everybody on the link.");
    else if (ip_is_multicast(a))
        text_add(out, "A group of hosts.");
    else if (ip_is_loopback(a))
        text_add(out, "This host itself; never on a wire (RFC 1122, 3.2.1.3).");
    else if (ip_is_unspecified(a))
        text_add(out, "A host that has no address yet.");
}

/* clang-format off */
static const struct field_row rows[] = {
    {"ip.version", "Version", "Ver", 0, 4, SHOW_DECIMAL, NULL, "The format of this header.", "RFC 791, 3.1", NULL},
    {"ip.hdr_len", "IHL", NULL, 4, 4, SHOW_DECIMAL, NULL, "Length of this header in words of 32 bits:",
     "RFC 791, 3.1", say_ihl},
    {"ip.dsfield.dscp", "DSCP", NULL, 8, 6, SHOW_DECIMAL, words_dscp,
     "How routers are asked to treat the packet.", "RFC 2474, 3", NULL},
    {"ip.dsfield.ecn", "ECN", NULL, 14, 2, SHOW_DECIMAL, words_ecn, NULL, "RFC 3168, 5", NULL},
    {"ip.len", "Total Length", NULL, 16, 16, SHOW_DECIMAL, NULL,
     "Octets of the packet, this header included.", "RFC 791, 3.1", NULL},
    {"ip.id", "Identification", NULL, 32, 16, SHOW_HEX, NULL,
     "What the fragments of one packet have in common; of no meaning when there are none.", "RFC 6864, 4", NULL},
    {"ip.flags.rb", "Reserved", "0", 48, 1, SHOW_FLAG, NULL, "Must be zero.", "RFC 791, 3.1", NULL},
    {"ip.flags.df", "Don't Fragment", "D", 49, 1, SHOW_FLAG, NULL,
     "Set: a router for which the packet is too big must say so instead of cutting it.", "RFC 791, 3.1", NULL},
    {"ip.flags.mf", "More Fragments", "M", 50, 1, SHOW_FLAG, NULL,
     "Set: this is a fragment, and not the last.", "RFC 791, 3.1", NULL},
    {"ip.frag_offset", "Fragment Offset", NULL, 51, 13, SHOW_DECIMAL, NULL, "In units of 8 octets:",
     "RFC 791, 3.1", say_offset},
    {"ip.ttl", "Time to Live", "TTL", 64, 8, SHOW_DECIMAL, NULL,
     "Each router takes one off; at zero the packet ends.", "RFC 791, 3.1", NULL},
    {"ip.proto", "Protocol", NULL, 72, 8, SHOW_DECIMAL, words_protocol, "What follows this header.", "RFC 791, 3.1", NULL},
    {"ip.checksum", "Header Checksum", NULL, 80, 16, SHOW_HEX, NULL,
     "Over this header alone; each router makes it anew.", "RFC 791, 3.1", NULL},
};
static const struct field_row addresses[] = {
    {"ip.src", "Source Address", NULL, 96, 32, SHOW_IP4, NULL, "Who sent the packet, as it says.", "RFC 791, 3.1", say_address},
    {"ip.dst", "Destination Address", NULL, 128, 32, SHOW_IP4, NULL, "Whom it is for.", "RFC 791, 3.1", say_address},
};
/* clang-format on */

struct step walk_ip(struct walk *w, uint32_t at, uint32_t end)
{
    return (struct step){number_at(w, at, 1) >> 4 == 6 ? walk_ipv6 : walk_ipv4, at, end};
}

/* Where the packet ends: what its length says, as far as that can be. */
static uint32_t packet_end(struct walk *w, uint32_t at, uint32_t end, uint32_t header_len,
                           uint32_t total)
{
    if (total == 0)
        flaw(w, at + 2, at + 4,
             "the total length is 0; a device that cuts big packets (TSO) leaves it so", "");
    else if (total < header_len)
        flaw(w, at + 2, at + 4, "the total length is less than this header", "RFC 791, 3.1");
    else if (total > end - at && !w->quoted)
        flaw(w, at + 2, at + 4, "the total length says more than the frame has", "RFC 791, 3.1");
    return total >= header_len ? u32_min(at + total, end) : end;
}

static void note_packet(struct walk *w, uint32_t at, uint32_t end, bool later)
{
    w->src = ip_from_v4(number_at(w, at + 12, 4));
    w->dst = ip_from_v4(number_at(w, at + 16, 4));
    w->ip = true;
    w->v6 = false;
    if (w->quoted || w->d->seen.ip)
        return;
    w->d->seen.ip = true;
    w->d->seen.src = w->src;
    w->d->seen.dst = w->dst;
    w->d->seen.fragment = later;
    w->trailer = end;
}

static void check_first(struct walk *w, uint32_t at, bool bad_len)
{
    if (!is_captured(w, at + 1))
        return;
    if (number_at(w, at, 1) >> 4 != 4)
        flaw(w, at, at + 1, "the version is not 4", "RFC 1122, 3.2.1.1");
    if (bad_len)
        flaw(w, at, at + 1, "a header has at least 5 words", "RFC 791, 3.1");
}

struct step walk_ipv4(struct walk *w, uint32_t at, uint32_t end)
{
    if (!layer_begin(w, "ip", "IPv4", "RFC 791, 3.1", at))
        return STEP_END;
    w->d->network = u32_min(w->d->network, at);
    uint32_t header_len = (number_at(w, at, 1) & 15) * 4;
    bool bad_len = header_len < IPV4_HEADER_MIN;
    uint32_t stop = at + (bad_len ? IPV4_HEADER_MIN : header_len);
    layer_end(w, u32_min(stop, end));
    bool whole = rows_read(w, rows, ARRAY_LEN(rows), at, end);
    if (whole) {
        w->partial = false; /* the header is all here */
        sum_judge(w, field_last(w), at, u32_min(stop, end), false, 0);
        whole = rows_read(w, addresses, ARRAY_LEN(addresses), at, end);
    }
    if (at < end)
        check_first(w, at, bad_len);
    if (!whole || bad_len)
        return STEP_END;
    uint32_t total = number_at(w, at + 2, 2), fragment = number_at(w, at + 6, 2);
    uint32_t packet = packet_end(w, at, end, header_len, total);
    bool later = (fragment & 0x1fff) > 0;
    note_packet(w, at, packet, later);
    walk_ipv4_options(w, at + IPV4_HEADER_MIN, u32_min(stop, end));
    if (stop > end || total < header_len)
        return total == 0 && stop <= end ? step_protocol(w, number_at(w, at + 9, 1), stop, end)
                                         : STEP_END;
    w->partial = (fragment & 0x3fff) != 0 || (w->quoted && total > end - at);
    if (later)
        return (struct step){walk_text, stop, packet};
    return step_protocol(w, number_at(w, at + 9, 1), stop, packet);
}
