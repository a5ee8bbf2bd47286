/*
 * arp_wire.c - the ARP packet, read and written field by field (RFC 826, "Packet format").
 *
 * The format carries any protocol over any hardware and says how long its addresses are. We speak
 * one pair, so the four constants are checked before anything is believed and no length is ever
 * computed from them.
 */
#include "eth/arp_wire.h"

enum {
    HARDWARE_ETHERNET = 1,
    PROTOCOL_IPV4 = 0x0800,
    HARDWARE_LEN = 6,
    PROTOCOL_LEN = 4,
};

enum drop arp_parse(struct bytes in, struct arp_packet *out)
{
    struct reader r = reader_of(in);

    uint16_t hrd = read_be16(&r);
    uint16_t pro = read_be16(&r);
    uint8_t hln = read_u8(&r);
    uint8_t pln = read_u8(&r);
    out->op = read_be16(&r);
    read_into(&r, out->sha.octet, sizeof(out->sha.octet));
    out->spa = ip_from_v4(read_be32(&r));
    read_into(&r, out->tha.octet, sizeof(out->tha.octet));
    out->tpa = ip_from_v4(read_be32(&r));
    if (r.overrun)
        return DROP_ARP_BAD;
    if (hrd != HARDWARE_ETHERNET || pro != PROTOCOL_IPV4 || hln != HARDWARE_LEN ||
        pln != PROTOCOL_LEN)
        return DROP_ARP_BAD;
    return DROP_NONE;
}

void arp_emit(struct writer *w, const struct arp_packet *packet)
{
    write_be16(w, HARDWARE_ETHERNET);
    write_be16(w, PROTOCOL_IPV4);
    write_u8(w, HARDWARE_LEN);
    write_u8(w, PROTOCOL_LEN);
    write_be16(w, packet->op);
    write_bytes(w, packet->sha.octet, sizeof(packet->sha.octet));
    write_be32(w, ip_to_v4(packet->spa));
    write_bytes(w, packet->tha.octet, sizeof(packet->tha.octet));
    write_be32(w, ip_to_v4(packet->tpa));
    assert(!w->overrun); /* the caller sized the buffer */
}
