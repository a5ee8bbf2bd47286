/*
 * addr.h - Ethernet and IP addresses as values.
 *
 * One type holds both families (ADR 0007): IPv4 is kept in its mapped form, so equality, hashing
 * and demultiplexing never ask which it is. Only wire code and the MSS do.
 */
#ifndef TAPIO_BASE_ADDR_H
#define TAPIO_BASE_ADDR_H

#include <string.h>
#include <tapio/tapio.h>

#include "base/base.h"

static inline bool mac_equal(struct mac_addr a, struct mac_addr b)
{
    return memcmp(a.octet, b.octet, 6) == 0;
}

/* The group bit: multicast or broadcast (IEEE 802.3). */
static inline bool mac_is_group(struct mac_addr a)
{
    return a.octet[0] & 1;
}

static inline bool mac_is_zero(struct mac_addr a)
{
    return mac_equal(a, (struct mac_addr){{0}});
}

#define IP_BROADCAST ip_from_v4(UINT32_MAX) /* 255.255.255.255 */

#define MAC_BROADCAST ((struct mac_addr){{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}})

static inline bool ip_equal(struct ip_addr a, struct ip_addr b)
{
    return memcmp(a.octet, b.octet, 16) == 0;
}

static inline bool endpoint_equal(struct endpoint a, struct endpoint b)
{
    return a.port == b.port && ip_equal(a.addr, b.addr);
}

/* From the 32 bits that the wire carries, in host order. */
static inline struct ip_addr ip_from_v4(uint32_t v4)
{
    return (struct ip_addr){{[10] = 0xff,
                             [11] = 0xff,
                             [12] = (uint8_t)(v4 >> 24),
                             [13] = (uint8_t)(v4 >> 16),
                             [14] = (uint8_t)(v4 >> 8),
                             [15] = (uint8_t)v4}};
}

static inline uint32_t ip_to_v4(struct ip_addr a)
{
    return (uint32_t)a.octet[12] << 24 | (uint32_t)a.octet[13] << 16 | (uint32_t)a.octet[14] << 8 |
           a.octet[15];
}

/* ::ffff:0:0/96 */
bool ip_is_v4(struct ip_addr a);
/* :: or 0.0.0.0 */
bool ip_is_unspecified(struct ip_addr a);
/* 127/8 or ::1 */
bool ip_is_loopback(struct ip_addr a);
/* 224/4 or ff00::/8 */
bool ip_is_multicast(struct ip_addr a);
/* 255.255.255.255; IPv6 has none */
bool ip_is_limited_broadcast(struct ip_addr a);
/* 240/4 without the limited broadcast (RFC 1112, 4) */
bool ip_is_class_e(struct ip_addr a);
/* `a` is in the network that `net` names; never across families. */
bool prefix_contains(struct ip_prefix net, struct ip_addr a);
/* The directed broadcast of an IPv4 network of at most 30 bits (RFC 1122, 3.2.1.3), or the
 * network's own number, its old form. */
bool prefix_is_broadcast(struct ip_prefix net, struct ip_addr a);

#endif
