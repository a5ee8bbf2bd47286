/*
 * ipv4.h - which IPv4 packets a host takes (RFC 1122, 3.2.1.3 and 3.3.6).
 */
#ifndef TAPIO_IP_IPV4_H
#define TAPIO_IP_IPV4_H

#include "ip/ipv4_wire.h"

/* Who we are on the link, in either family. The addresses belong to the stack. */
struct ip_config {
    const struct ip_prefix *addrs;
    int addr_count;
    struct ip_addr gateway; /* unspecified: only the link can be reached */
    bool point_to_point;    /* the link leads to one place, and everything is there */
};

/* Is it one of our own (unicast) addresses? */
bool ip_is_ours(const struct ip_config *config, struct ip_addr a);

/* Is it the limited broadcast, or a directed one of our networks in either form? */
bool ip_is_broadcast(const struct ip_config *config, struct ip_addr a);

/* Is a well-formed packet for us, and can its sender be real? `link_group`: it came as a link
 * broadcast or multicast. `broadcast`: its destination is a broadcast or a group, so it is no
 * reason for an error or a reset. */
NODISCARD enum drop ipv4_accept(const struct ip_config *config, const struct ipv4_header *h,
                                bool link_group, bool *broadcast);

#endif
