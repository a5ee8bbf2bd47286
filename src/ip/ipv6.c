/*
 * ipv6.c - which IPv6 packets a host takes.
 *
 * The questions are those of ipv4.c, in the same order: can the sender exist, and is it for us?
 * One is added. We hold an IPv4 address in its mapped form (::ffff:0:0/96, RFC 4291, 2.5.5.2), so a
 * packet on the wire with such an address would speak for an IPv4 host without ever having been
 * IPv4. It is a martian whichever end bears it.
 *
 * The unspecified address is a source for a station that has none yet, and such a station speaks
 * only to neighbours (RFC 4861), of whom we have none. Of groups every host is in all-nodes (RFC
 * 4291, 2.8); the solicited-node ones are about finding neighbours, too.
 */
#include "ip/ipv6.h"

static const struct ip_addr all_nodes_here = {{0xff, 0x01, [15] = 1}};
static const struct ip_addr all_nodes_link = {{0xff, 0x02, [15] = 1}};

bool ip_is_link_local(struct ip_addr a)
{
    return a.octet[0] == 0xfe && (a.octet[1] & 0xc0) == 0x80;
}

static bool is_martian(const struct ip_config *config, const struct ipv6_header *h)
{
    return ip_is_unspecified(h->src) || ip_is_loopback(h->src) || ip_is_multicast(h->src) ||
           ip_is_v4(h->src) || ip_is_ours(config, h->src) || ip_is_v4(h->dst) ||
           ip_is_loopback(h->dst);
}

enum drop ipv6_accept(const struct ip_config *config, const struct ipv6_header *h, bool *group)
{
    if (is_martian(config, h))
        return DROP_IP6_MARTIAN;
    *group = ip_equal(h->dst, all_nodes_link) || ip_equal(h->dst, all_nodes_here);
    return *group || ip_is_ours(config, h->dst) ? DROP_NONE : DROP_IP6_NOT_OURS;
}
