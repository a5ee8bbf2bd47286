/*
 * arp_wire.h - the ARP packet, for IPv4 over Ethernet (RFC 826).
 *
 * The fields have the RFC's names without their "ar$". IPv4 addresses are in the mapped form, so a
 * sender address of 0.0.0.0, which marks a probe (RFC 5227, 1.1), is ::ffff:0.0.0.0 here: ask
 * ip_is_unspecified().
 */
#ifndef TAPIO_ETH_ARP_WIRE_H
#define TAPIO_ETH_ARP_WIRE_H

#include "base/addr.h"
#include "base/bytes.h"

enum {
    ARP_LEN = 28,

    ARP_REQUEST = 1,
    ARP_REPLY = 2,
};

struct arp_packet {
    uint16_t op;         /* any value: RFC 826 looks at it last, and so does arp_input() */
    struct mac_addr sha; /* sender hardware address */
    struct ip_addr spa;  /* sender protocol address */
    struct mac_addr tha; /* target hardware address */
    struct ip_addr tpa;  /* target protocol address */
};

/* Octets behind the packet are padding. */
NODISCARD enum drop arp_parse(struct bytes in, struct arp_packet *out);

/* ARP_LEN octets. */
void arp_emit(struct writer *w, const struct arp_packet *packet);

#endif
