/*
 * ipv6.h - which IPv6 packets a host takes (RFC 8200, 3; RFC 4291, 2.5 to 2.8).
 */
#ifndef TAPIO_IP_IPV6_H
#define TAPIO_IP_IPV6_H

#include "ip/ipv4.h"
#include "ip/ipv6_wire.h"

/* fe80::/10: an address that means something on its own link alone. */
bool ip_is_link_local(struct ip_addr a);

/* As ipv4_accept(). `group`: its destination is a group that we are in. */
NODISCARD enum drop ipv6_accept(const struct ip_config *config, const struct ipv6_header *h,
                                bool *group);

#endif
