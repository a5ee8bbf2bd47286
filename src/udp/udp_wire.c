/*
 * udp_wire.c - the UDP header: reading it without believing it, and writing it.
 *
 * The length is said twice: by IP, and by UDP itself, which may say less (RFC 768). The smaller one
 * counts, for the data as for the checksum; the octets behind it are thrown away, since a program
 * that was given them would read what no checksum covers. A length that says more than there is, or
 * less than the header, is a lie. Length 0 of a jumbogram (RFC 2675) is one, too: no link of ours
 * carries any.
 */
#include "udp/udp_wire.h"

enum drop udp_parse(struct bytes in, struct udp_datagram *out)
{
    struct reader r = reader_of(in);

    out->src_port = read_be16(&r);
    out->dst_port = read_be16(&r);
    size_t len = read_be16(&r);
    out->checksum = read_be16(&r);
    if (r.overrun || len < UDP_HEADER || len > in.len)
        return DROP_UDP_LENGTH;
    out->data = read_bytes(&r, len - UDP_HEADER);
    return out->dst_port == 0 ? DROP_UDP_PORT_ZERO : DROP_NONE;
}

void udp_emit(struct writer *w, const struct udp_datagram *h, size_t data_len)
{
    assert(data_len <= UDP_LENGTH_MAX - UDP_HEADER);
    write_be16(w, h->src_port);
    write_be16(w, h->dst_port);
    write_be16(w, (uint16_t)(UDP_HEADER + data_len));
    write_be16(w, h->checksum);
    assert(!w->overrun); /* the caller sized the buffer */
}

static uint16_t sum_of(struct ip_addr src, struct ip_addr dst, struct bytes datagram)
{
    struct checksum c = {0};

    checksum_add_pseudo(&c, src, dst, IP_PROTOCOL_UDP, (uint32_t)datagram.len);
    checksum_add(&c, datagram);
    return checksum_finish(c);
}

bool udp_checksum_is_right(struct ip_addr src, struct ip_addr dst, struct bytes datagram)
{
    struct udp_datagram h;
    enum drop drop = udp_parse(datagram, &h);

    if (drop && drop != DROP_UDP_PORT_ZERO)
        return false;
    return sum_of(src, dst, bytes_first(datagram, UDP_HEADER + h.data.len)) == 0;
}

/* In ones' complement zero has two forms. The one of all bits zero is taken: it means "none". */
void udp_fill_checksum(struct ip_addr src, struct ip_addr dst, uint8_t *datagram, size_t len)
{
    uint16_t sum = sum_of(src, dst, bytes_of(datagram, len));

    assert(len >= UDP_HEADER);
    put_be16(datagram + UDP_CSUM_OFFSET, sum == 0 ? UINT16_MAX : sum);
}
