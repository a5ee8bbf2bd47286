/*
 * icmp6_wire.c - ICMPv6 messages: the layout of ICMP, and a checksum that covers more.
 *
 * IPv6 has no checksum of its own, so ICMPv6 sums the pseudo-header up, too (RFC 4443, 2.3): a
 * message that was led astray by a flipped bit of an address is found here.
 */
#include "ip/icmp6_wire.h"

#include "base/checksum.h"

static uint16_t sum_of(struct ip_addr src, struct ip_addr dst, struct bytes message)
{
    struct checksum c = {0};

    checksum_add_pseudo(&c, src, dst, IP_PROTOCOL_ICMP6, (uint32_t)message.len);
    checksum_add(&c, message);
    return checksum_finish(c);
}

enum drop icmp6_parse(struct ip_addr src, struct ip_addr dst, struct bytes in,
                      struct icmp_header *out, struct bytes *body)
{
    struct reader r = reader_of(in);

    out->type = read_u8(&r);
    out->code = read_u8(&r);
    read_be16(&r); /* checksum: verified below, with the rest */
    out->rest = read_be32(&r);
    if (r.overrun || sum_of(src, dst, in) != 0)
        return DROP_ICMP6_BAD;
    *body = r.rest;
    return DROP_NONE;
}

void icmp6_emit(struct writer *w, struct ip_addr src, struct ip_addr dst,
                const struct icmp_header *h, struct bytes body)
{
    uint8_t *start = w->at;

    write_u8(w, h->type);
    write_u8(w, h->code);
    uint8_t *checksum = w->at;
    write_be16(w, 0); /* filled in below, when all it covers is there */
    write_be32(w, h->rest);
    write_bytes(w, body.at, body.len);
    assert(!w->overrun); /* the caller sized the buffer */
    put_be16(checksum, sum_of(src, dst, bytes_of(start, ICMP_HEADER + body.len)));
}

/* Our own packets have no extension headers, and every transport of ours has at least eight octets
 * of header: a quote that says otherwise is not about us. */
enum drop icmp6_quote_parse(struct bytes body, struct ipv6_header *inner, size_t *packet_len,
                            struct bytes *first8)
{
    struct reader r = reader_of(body);
    size_t payload_len;

    if (!ipv6_read_header(&r, inner, &payload_len) || ipv6_is_extension(inner->next_header))
        return DROP_ICMP_QUOTE;
    *first8 = read_bytes(&r, 8);
    *packet_len = IPV6_HEADER + payload_len;
    return r.overrun ? DROP_ICMP_QUOTE : DROP_NONE;
}
