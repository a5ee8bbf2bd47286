/*
 * ipv6_wire.c - the IPv6 header: reading it without believing it, and writing it.
 *
 * The header has a fixed size and no checksum. So two lengths alone must fit, the frame and the
 * payload length, and a bit that flips on the way is found by whoever sums the pseudo-header up:
 * that is why every transport must have a checksum (RFC 8200, 8.1).
 *
 * Not built in yet: extension headers. A packet with one is dropped by that name and not answered,
 * for to answer rightly is to have understood it (RFC 8200, 4). A payload length of zero with more
 * behind it, which would be a jumbogram, is an empty packet here: its option stands in an extension
 * header. The hop limit is not asked about: it limits forwarding, not arriving (RFC 8200, 3).
 */
#include "ip/ipv6_wire.h"

enum {
    VERSION = 6,

    NEXT_HOP_BY_HOP = 0, /* RFC 8200, 4.1 */
    NEXT_ROUTING = 43,
    NEXT_FRAGMENT = 44,
    NEXT_ESP = 50, /* RFC 4303 */
    NEXT_AH = 51,  /* RFC 4302 */
    NEXT_NONE = 59,
    NEXT_DESTINATION = 60,
    NEXT_MOBILITY = 135, /* RFC 6275 */
    NEXT_HIP = 139,      /* RFC 7401 */
    NEXT_SHIM6 = 140,    /* RFC 5533 */
};

bool ipv6_is_extension(uint8_t next_header)
{
    switch (next_header) {
    case NEXT_HOP_BY_HOP:
    case NEXT_ROUTING:
    case NEXT_FRAGMENT:
    case NEXT_ESP:
    case NEXT_AH:
    case NEXT_NONE:
    case NEXT_DESTINATION:
    case NEXT_MOBILITY:
    case NEXT_HIP:
    case NEXT_SHIM6:
        return true;
    }
    return false;
}

bool ipv6_read_header(struct reader *r, struct ipv6_header *out, size_t *payload_len)
{
    uint32_t first = read_be32(r);
    *payload_len = read_be16(r);
    out->next_header = read_u8(r);
    out->hop_limit = read_u8(r);
    read_into(r, out->src.octet, sizeof out->src.octet);
    read_into(r, out->dst.octet, sizeof out->dst.octet);
    out->traffic_class = (uint8_t)(first >> 20);
    out->flow_label = first & 0xfffff;
    return !r->overrun && first >> 28 == VERSION;
}

enum drop ipv6_parse(struct bytes packet, struct ipv6_header *out, struct bytes *payload)
{
    struct reader r = reader_of(packet);
    size_t payload_len;

    if (!ipv6_read_header(&r, out, &payload_len) || payload_len > r.rest.len)
        return DROP_IP6_HEADER;
    if (ipv6_is_extension(out->next_header))
        return DROP_IP6_EXTENSION;
    *payload = bytes_first(r.rest, payload_len);
    return DROP_NONE;
}

void ipv6_emit(struct writer *w, const struct ipv6_header *h, size_t payload_len)
{
    assert(payload_len <= IPV6_PAYLOAD_MAX);
    assert(h->flow_label <= 0xfffff);
    assert(h->hop_limit > 0); /* never sent with none (RFC 8200, 3) */
    write_be32(w, (uint32_t)VERSION << 28 | (uint32_t)h->traffic_class << 20 | h->flow_label);
    write_be16(w, (uint16_t)payload_len);
    write_u8(w, h->next_header);
    write_u8(w, h->hop_limit);
    write_bytes(w, h->src.octet, sizeof h->src.octet);
    write_bytes(w, h->dst.octet, sizeof h->dst.octet);
    assert(!w->overrun); /* the caller sized the buffer */
}
