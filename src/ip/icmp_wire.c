/*
 * icmp_wire.c - ICMP messages: eight octets and whatever the type puts behind them (RFC 792).
 *
 * The checksum covers the message alone, without a pseudo-header, and is verified here: there is
 * nothing about an ICMP message worth knowing before.
 */
#include "ip/icmp_wire.h"

#include "base/checksum.h"

enum drop icmp_parse(struct bytes in, struct icmp_header *out, struct bytes *body)
{
    struct reader r = reader_of(in);

    out->type = read_u8(&r);
    out->code = read_u8(&r);
    read_be16(&r); /* checksum: verified below, with the rest */
    out->rest = read_be32(&r);
    if (r.overrun || checksum_of(in) != 0)
        return DROP_ICMP_BAD;
    *body = r.rest;
    return DROP_NONE;
}

void icmp_emit(struct writer *w, const struct icmp_header *h, struct bytes body)
{
    uint8_t *start = w->at;

    write_u8(w, h->type);
    write_u8(w, h->code);
    uint8_t *checksum = w->at;
    write_be16(w, 0); /* filled in below, when all it covers is there */
    write_be32(w, h->rest);
    write_bytes(w, body.at, body.len);
    assert(!w->overrun); /* the caller sized the buffer */
    put_be16(checksum, checksum_of(bytes_of(start, ICMP_HEADER + body.len)));
}

/* Our own packets have well-formed options if any and no source route, those of TCP are never
 * fragmented, and every transport of ours has at least eight octets of header, which only a first
 * fragment has: a quote that says otherwise is not about us. Its checksum and total length are left
 * alone, since routers on the way have rewritten parts of what they quote. */
enum drop icmp_quote_parse(struct bytes body, struct ipv4_header *inner, size_t *packet_len,
                           struct bytes *first8)
{
    struct reader r = reader_of(body);

    if (!ipv4_read_header(&r, inner, packet_len))
        return DROP_ICMP_QUOTE;
    if (ipv4_options_check(inner->options) || inner->fragment_offset != 0)
        return DROP_ICMP_QUOTE;
    if (inner->more_fragments && (inner->dont_fragment || inner->protocol == IP_PROTOCOL_TCP))
        return DROP_ICMP_QUOTE;
    *first8 = read_bytes(&r, 8);
    return r.overrun ? DROP_ICMP_QUOTE : DROP_NONE;
}
