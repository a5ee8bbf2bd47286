/*
 * route.h - where a packet goes next, and which address of ours it comes from (RFC 1122, 3.3.1).
 *
 * Of the two models of a host with several networks (RFC 1122, 3.3.4.2) this is the strong one: an
 * address belongs to its link. A stack has one link and all its addresses are that link's, so a
 * packet that comes in is ours by those addresses alone (ipv4.h), and one that goes out has one of
 * them for its source. A process with several links has as many stacks, which share nothing: what
 * is for an address of one and comes to another is dropped there, as anybody else's.
 */
#ifndef TAPIO_IP_ROUTE_H
#define TAPIO_IP_ROUTE_H

#include "ip/ipv4.h"

struct route {
    struct ip_addr next_hop; /* a station to ask ARP for, a broadcast, or a group */
    struct ip_addr src;      /* ours, suited to the next hop; 0.0.0.0 when we have none at all */
    bool broadcast; /* next_hop is a limited or directed broadcast: MAC_BROADCAST, no ARP */
};

/* 0; -ENETUNREACH without a way there; -EINVAL for what never goes to the wire: the unspecified
 * address, loopback, class E, and our own addresses (there is no loopback yet). */
NODISCARD int route_lookup(const struct ip_config *config, struct ip_addr dst, struct route *out);

#endif
