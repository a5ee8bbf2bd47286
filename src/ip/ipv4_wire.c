/*
 * ipv4_wire.c - the IPv4 header: reading it without believing it, and writing it.
 *
 * Three lengths claim to know how long a packet is: the frame, the total length and the header
 * length. Each must fit into the one before, and from then on only the views count: the payload is
 * cut to the total length, so link padding cannot be taken for data, and options to the header
 * length.
 *
 * Options are walked once, by ipv4_options_check() in ipv4_options_wire.c, and of no further
 * concern here.
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
};

bool ipv4_read_header(struct reader *in, struct ipv4_header *out, size_t *total_len)
{
    struct reader r = *in;

    if (r.rest.len < IPV4_HEADER_MIN)
        return false;
    uint8_t version_and_ihl = read_u8(&r);
    out->tos = read_u8(&r);
    *total_len = read_be16(&r);
    out->id = read_be16(&r);
    uint16_t flags_and_offset = read_be16(&r);
    out->ttl = read_u8(&r);
    out->protocol = read_u8(&r);
    read_be16(&r); /* checksum: ipv4_parse() has it over the whole header */
    out->src = ip_from_v4(read_be32(&r));
    out->dst = ip_from_v4(read_be32(&r));
    size_t header_len = (size_t)(version_and_ihl & 0x0f) * 4;
    if (version_and_ihl >> 4 != VERSION || header_len < IPV4_HEADER_MIN)
        return false;
    out->options = read_bytes(&r, header_len - IPV4_HEADER_MIN);
    *in = r;
    if (r.overrun)
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
    if (checksum_of_header(bytes_first(packet, header_len)) != 0)
        return DROP_IP4_CHECKSUM;
    enum drop drop = out->options.len > 0 ? ipv4_options_check(out->options) : DROP_NONE;
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
    size_t header_len = IPV4_HEADER_MIN + h->options.len;
    struct writer part = write_header(w, IPV4_HEADER_MIN);
    uint8_t *start = part.at;

    assert(header_len <= IPV4_HEADER_MAX && payload_len <= IPV4_TOTAL_MAX - header_len);
    assert(h->options.len % 4 == 0 && h->fragment_offset % 8 == 0);
    assert(h->ttl > 0); /* never sent with none (RFC 1122, 3.2.1.7) */
    write_u8(&part, (uint8_t)(VERSION << 4 | header_len / 4));
    write_u8(&part, h->tos);
    write_be16(&part, (uint16_t)(header_len + payload_len));
    write_be16(&part, h->id);
    write_be16(&part, flags_and_offset);
    write_u8(&part, h->ttl);
    write_u8(&part, h->protocol);
    uint8_t *checksum = part.at;
    write_be16(&part, 0); /* filled in below, when all it covers is there */
    write_be32(&part, ip_to_v4(h->src));
    write_be32(&part, ip_to_v4(h->dst));
    write_bytes(w, h->options.at, h->options.len);
    assert(!w->overrun); /* the caller sized the buffer */
    put_be16(checksum, checksum_of_header(bytes_of(start, header_len)));
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
    struct ipv4_options copied;

    assert(!whole->dont_fragment && offset + len <= IPV4_TOTAL_MAX);
    if (offset > 0 && whole->options.len > 0) { /* (RFC 791, 3.1) */
        copied = ipv4_options_copied(whole->options);
        h.options = ipv4_options_bytes(&copied);
    }
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
