/*
 * eth_wire.h - Ethernet II frames: the 14 octets in front of everything (RFC 894).
 *
 * A frame is taken in two steps: eth_parse() reads it, eth_accept() decides whether it is for us.
 * Both answer DROP_NONE or the name of the drop; outputs mean something only with DROP_NONE.
 */
#ifndef TAPIO_ETH_ETH_WIRE_H
#define TAPIO_ETH_ETH_WIRE_H

#include "base/addr.h"
#include "base/bytes.h"

enum {
    ETH_HEADER = 14,
    ETH_MIN = 60,              /* the shortest frame, without its checksum (RFC 894) */
    ETH_LENGTH_BELOW = 0x0600, /* smaller values of the type are a length (RFC 1122, 2.3.3) */

    ETH_TYPE_IPV4 = 0x0800,
    ETH_TYPE_ARP = 0x0806,
    ETH_TYPE_VLAN = 0x8100, /* 802.1Q */
    ETH_TYPE_IPV6 = 0x86dd,
    ETH_TYPE_QINQ = 0x88a8, /* 802.1ad: a tag around a tag */
};

struct eth_header {
    struct mac_addr dst, src;
    uint16_t type; /* never a length, never a tag */
};

/* `payload` is all that follows the header, padding too: who reads it knows its own length.
 * Tags and 802.3 lengths are refused here; other types are the caller's to know or to drop. */
NODISCARD enum drop eth_parse(struct bytes frame, struct eth_header *out, struct bytes *payload);

/* Is the frame for the station `ours`, and can it be real? `big_frames`: the device has put
 * segments together, so the MTU is no bound. `group`: it came as a link broadcast or multicast,
 * which IP must know (RFC 1122, 2.4). */
NODISCARD enum drop eth_accept(const struct eth_header *h, size_t payload_len, struct mac_addr ours,
                               uint32_t mtu, bool big_frames, bool *group);

void eth_emit(struct writer *w, const struct eth_header *h);

/* How many zeros must follow `payload_len` octets so that the frame is not a runt (RFC 894). */
size_t eth_padding(size_t payload_len);

/* Where a multicast packet goes: 01:00:5e and the low 23 bits of an IPv4 group (RFC 1112, 6.4),
 * 33:33 and the low 32 of an IPv6 one (RFC 2464, 7). Broadcasts go to MAC_BROADCAST: only who knows
 * our prefixes can tell. */
struct mac_addr eth_group_mac(struct ip_addr group);

#endif
