/*
 * eth_wire.c - Ethernet II frames: reading, judging and writing the header.
 *
 * Little is hard here. The third field is a type or, below 0x0600, the length of an 802.3 frame;
 * hosts should be able to receive the LLC/SNAP form of IP too (RFC 1122, 2.3.3), but nobody sends
 * it today and a second way in is a second way to err, so lengths are refused by name. So are VLAN
 * tags: one look at the type ends them all, however many are stacked, without a loop.
 *
 * The frame check sequence never reaches us: the device has verified it and cut it off.
 */
#include "eth/eth_wire.h"

enum drop eth_parse(struct bytes frame, struct eth_header *out, struct bytes *payload)
{
    struct reader r = reader_of(frame);

    if (frame.len < ETH_HEADER)
        return DROP_ETH_RUNT;
    read_into(&r, out->dst.octet, sizeof(out->dst.octet));
    read_into(&r, out->src.octet, sizeof(out->src.octet));
    out->type = read_be16(&r);
    if (out->type < ETH_LENGTH_BELOW)
        return DROP_ETH_PROTOCOL;
    if (out->type == ETH_TYPE_VLAN || out->type == ETH_TYPE_QINQ)
        return DROP_ETH_VLAN;
    *payload = r.rest;
    return DROP_NONE;
}

enum drop eth_accept(const struct eth_header *h, size_t payload_len, struct mac_addr ours,
                     uint32_t mtu, bool big_frames, bool *group)
{
    if (payload_len > mtu && !big_frames)
        return DROP_ETH_GIANT;
    /* A group cannot send, and a frame of our own has come back or is forged. */
    if (mac_is_group(h->src) || mac_is_zero(h->src) || mac_equal(h->src, ours))
        return DROP_ETH_BAD_SOURCE;
    if (!mac_is_group(h->dst) && !mac_equal(h->dst, ours))
        return DROP_ETH_NOT_OURS; /* the device is promiscuous, we are not */
    *group = mac_is_group(h->dst);
    return DROP_NONE;
}

void eth_emit(struct writer *w, const struct eth_header *h)
{
    struct writer part = write_header(w, ETH_HEADER);

    write_bytes(&part, h->dst.octet, sizeof(h->dst.octet));
    write_bytes(&part, h->src.octet, sizeof(h->src.octet));
    write_be16(&part, h->type);
}

size_t eth_padding(size_t payload_len)
{
    return payload_len < ETH_MIN - ETH_HEADER ? ETH_MIN - ETH_HEADER - payload_len : 0;
}

struct mac_addr eth_group_mac(struct ip_addr group)
{
    const uint8_t *low = group.octet + 12;

    assert(ip_is_multicast(group));
    if (ip_is_v4(group))
        return (struct mac_addr){{0x01, 0x00, 0x5e, low[1] & 0x7f, low[2], low[3]}};
    return (struct mac_addr){{0x33, 0x33, low[0], low[1], low[2], low[3]}};
}
