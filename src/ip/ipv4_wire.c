/*
 * ipv4_wire.c - the IPv4 header: reading it without believing it, and writing it.
 *
 * Three lengths claim to know how long a packet is: the frame, the total length and the header
 * length. Each must fit into the one before, and from then on only the views count: the payload is
 * cut to the total length, so link padding cannot be taken for data, and options to the header
 * length.
 *
 * Options are walked once, here, and after that ignored: we have no use for any of them (RFC 1122,
 * 3.2.1.8: what is not understood is ignored silently). The walk exists because a malformed list is
 * a sign of an attack, and because source routes are refused: RFC 7126 advises it, since they lead
 * packets around every filter.
 *
 * Not looked at: the reserved flag bit, and the time to live, which a host must not hold against a
 * packet that has arrived (RFC 1122, 3.2.1.7).
 */
#include "ip/ipv4_wire.h"

#include "base/checksum.h"

enum {
    VERSION = 4,

    FLAG_DONT_FRAGMENT = 0x4000,
    FLAG_MORE_FRAGMENTS = 0x2000,
    FRAGMENT_OFFSET_MASK = 0x1fff,

    OPTION_END = 0,
    OPTION_NOP = 1,
    OPTION_RECORD_ROUTE = 7,
    OPTION_TIMESTAMP = 68,
    OPTION_LOOSE_ROUTE = 131,
    OPTION_STRICT_ROUTE = 137,

    TIMESTAMP_ALONE = 0, /* the low half of the octet behind the timestamp option's pointer */
    TIMESTAMP_WITH_ADDRESS = 1,
    TIMESTAMP_PRESPECIFIED = 3,
};

/* The pointer of a route counts from the option's first octet, from 1. It may point at a whole slot
 * of four octets, or behind the last one: then the list is full (RFC 791, 3.1). */
static bool route_is_sound(struct bytes data)
{
    struct reader r = reader_of(data);
    size_t len = data.len + 2; /* with the type and the length */
    size_t pointer = read_u8(&r);

    if (r.overrun || pointer < 4)
        return false;
    return pointer > len || pointer + 3 <= len;
}

/* As above, with one more octet in front and slots of four or eight octets. The flag values that
 * RFC 791 does not define are somebody else's; what is not understood is ignored. */
static bool timestamps_are_sound(struct bytes data)
{
    struct reader r = reader_of(data);
    size_t len = data.len + 2;
    size_t pointer = read_u8(&r);
    uint8_t flag = read_u8(&r) & 0x0f;

    if (r.overrun || pointer < 5)
        return false;
    if (pointer > len)
        return true;
    if (flag == TIMESTAMP_WITH_ADDRESS || flag == TIMESTAMP_PRESPECIFIED)
        return pointer + 7 <= len;
    return flag != TIMESTAMP_ALONE || pointer + 3 <= len;
}

/* Walks the options: one octet each for the first two kinds, else a length that counts its own two
 * octets too. Each turn consumes at least one octet, so it ends. */
static enum drop options_walk(struct bytes options)
{
    struct reader r = reader_of(options);
    int source_routes = 0;

    while (r.rest.len > 0) {
        uint8_t type = read_u8(&r);
        if (type == OPTION_END)
            break;
        if (type == OPTION_NOP)
            continue;
        uint8_t len = read_u8(&r);
        if (r.overrun || len < 2)
            return DROP_IP4_OPTION;
        struct bytes data = read_bytes(&r, (size_t)len - 2);
        if (r.overrun)
            return DROP_IP4_OPTION;
        bool is_source_route = type == OPTION_LOOSE_ROUTE || type == OPTION_STRICT_ROUTE;
        if ((is_source_route || type == OPTION_RECORD_ROUTE) && !route_is_sound(data))
            return DROP_IP4_OPTION;
        if (type == OPTION_TIMESTAMP && !timestamps_are_sound(data))
            return DROP_IP4_OPTION;
        source_routes += is_source_route;
    }
    if (source_routes > 1) /* there cannot be two (RFC 791, 3.1) */
        return DROP_IP4_OPTION;
    return source_routes ? DROP_IP4_SOURCE_ROUTE : DROP_NONE;
}

bool ipv4_read_header(struct reader *r, struct ipv4_header *out, size_t *total_len)
{
    uint8_t version_and_ihl = read_u8(r);
    out->tos = read_u8(r);
    *total_len = read_be16(r);
    out->id = read_be16(r);
    uint16_t flags_and_offset = read_be16(r);
    out->ttl = read_u8(r);
    out->protocol = read_u8(r);
    read_be16(r); /* checksum: ipv4_parse() has it over the whole header */
    out->src = ip_from_v4(read_be32(r));
    out->dst = ip_from_v4(read_be32(r));
    size_t header_len = (size_t)(version_and_ihl & 0x0f) * 4;
    if (r->overrun || version_and_ihl >> 4 != VERSION || header_len < IPV4_HEADER_MIN)
        return false;
    out->options = read_bytes(r, header_len - IPV4_HEADER_MIN);
    if (r->overrun)
        return false;

    out->dont_fragment = flags_and_offset & FLAG_DONT_FRAGMENT;
    out->more_fragments = flags_and_offset & FLAG_MORE_FRAGMENTS;
    out->fragment_offset = (uint16_t)((flags_and_offset & FRAGMENT_OFFSET_MASK) * 8);
    return true;
}

enum drop ipv4_parse(struct bytes packet, struct ipv4_header *out, struct bytes *payload)
{
    struct reader r = reader_of(packet);
    size_t total_len;

    if (!ipv4_read_header(&r, out, &total_len))
        return DROP_IP4_HEADER;
    size_t header_len = IPV4_HEADER_MIN + out->options.len;
    if (total_len < header_len || total_len > packet.len)
        return DROP_IP4_HEADER;
    if (checksum_of(bytes_first(packet, header_len)) != 0)
        return DROP_IP4_CHECKSUM;
    enum drop drop = options_walk(out->options);
    if (drop)
        return drop;
    *payload = bytes_first(r.rest, total_len - header_len);
    return DROP_NONE;
}

void ipv4_emit(struct writer *w, const struct ipv4_header *h, size_t payload_len)
{
    uint16_t flags_and_offset =
        (uint16_t)((h->dont_fragment ? FLAG_DONT_FRAGMENT : 0) |
                   (h->more_fragments ? FLAG_MORE_FRAGMENTS : 0) | h->fragment_offset / 8);
    uint8_t *start = w->at;

    assert(payload_len <= IPV4_TOTAL_MAX - IPV4_HEADER_MIN);
    assert(h->options.len == 0 && h->fragment_offset % 8 == 0);
    assert(h->ttl > 0); /* never sent with none (RFC 1122, 3.2.1.7) */
    write_u8(w, VERSION << 4 | IPV4_HEADER_MIN / 4);
    write_u8(w, h->tos);
    write_be16(w, (uint16_t)(IPV4_HEADER_MIN + payload_len));
    write_be16(w, h->id);
    write_be16(w, flags_and_offset);
    write_u8(w, h->ttl);
    write_u8(w, h->protocol);
    uint8_t *checksum = w->at;
    write_be16(w, 0); /* filled in below, when all it covers is there */
    write_be32(w, ip_to_v4(h->src));
    write_be32(w, ip_to_v4(h->dst));
    assert(!w->overrun); /* the caller sized the buffer */
    put_be16(checksum, checksum_of(bytes_of(start, IPV4_HEADER_MIN)));
}

void ipv4_emit_whole(struct writer *w, struct bytes first_header, size_t payload_len,
                     bool congested)
{
    uint8_t *start = w->at;

    assert(first_header.len + payload_len <= IPV4_TOTAL_MAX);
    write_bytes(w, first_header.at, first_header.len);
    assert(!w->overrun);
    if (congested && start[1] & IP_TOS_ECN)
        start[1] |= IP_TOS_ECN;
    put_be16(start + 2, (uint16_t)(first_header.len + payload_len));
    put_be16(start + 6, 0);
    put_be16(start + 10, 0);
    put_be16(start + 10, checksum_of(bytes_of(start, first_header.len)));
}

void ipv4_emit_piece(struct writer *w, const struct ipv4_header *whole, size_t offset, size_t len,
                     bool more)
{
    struct ipv4_header h = *whole;

    assert(!whole->dont_fragment && offset + len <= IPV4_TOTAL_MAX);
    h.fragment_offset = (uint16_t)offset;
    h.more_fragments = more;
    ipv4_emit(w, &h, len);
}

void ipv4_permit_fragments(uint8_t *packet, uint16_t id)
{
    put_be16(packet + 4, id);
    put_be16(packet + 6, 0);
    put_be16(packet + 10, 0);
    put_be16(packet + 10, checksum_of(bytes_of(packet, IPV4_HEADER_MIN)));
}
