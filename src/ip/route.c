/*
 * route.c - where a packet goes next: the link, or the gateway (RFC 1122, 3.3.1.1).
 *
 * There is one link, so a table of routes would have two kinds of rows: one for each prefix of
 * ours, which is reached directly, and one for everything else, which goes to the gateway. The rows
 * are the addresses themselves. Where prefixes overlap,
 * the longest one decides the source. A
 * point-to-point link needs no gateway: it is its own default route.
 *
 * An address of ours serves a destination of its own family only. Of several that could, a
 * link-local one is kept for link-local destinations, and the others for the rest (RFC 6724, 5,
 * rule 2); then the longest common prefix decides (rule 8), as far as our own prefix is long.
 *
 * A host without an IPv4 address may ask for one: it reaches the limited broadcast, from 0.0.0.0
 * (RFC 1122, 3.2.1.3 (a); RFC 2131, 4.1), and nothing else.
 *
 * Left out: several gateways and switching away from a dead one (RFC 1122, 3.3.1.4), redirects
 * (3.3.1.2), and packets to ourselves.
 */
#include "ip/route.h"

#include <errno.h>

#include "ip/ipv6.h"

/* May `ours` be the source of a packet to `dst`? */
static bool suits(struct ip_addr ours, struct ip_addr dst)
{
    return ip_is_v4(ours) == ip_is_v4(dst) && ip_is_link_local(ours) == ip_is_link_local(dst);
}

/* The longest prefix of ours that holds `a`, or NULL. */
static const struct ip_prefix *prefix_of(const struct ip_config *config, struct ip_addr a)
{
    const struct ip_prefix *best = NULL;

    for (int i = 0; i < config->addr_count; i++) {
        const struct ip_prefix *p = &config->addrs[i];
        if (prefix_contains(*p, a) && (!best || p->len > best->len))
            best = p;
    }
    return best;
}

/* Our first address that suits `dst`, else the first of its family: for what is in no prefix of
 * ours (behind a gateway outside them, a broadcast, a group, the other end of a line). */
static const struct ip_prefix *first_prefix(const struct ip_config *config, struct ip_addr dst)
{
    const struct ip_prefix *any = NULL;

    for (int i = 0; i < config->addr_count; i++) {
        const struct ip_prefix *p = &config->addrs[i];
        if (suits(p->addr, dst))
            return p;
        if (!any && ip_is_v4(p->addr) == ip_is_v4(dst))
            any = p;
    }
    return any;
}

/* What never goes to the wire. */
static bool is_nowhere(const struct ip_config *config, struct ip_addr dst)
{
    if (ip_is_v4(dst) && (ip_to_v4(dst) >> 24 == 0 || ip_is_class_e(dst)))
        return true;
    return ip_is_unspecified(dst) || ip_is_loopback(dst) || ip_is_ours(config, dst);
}

int route_lookup(const struct ip_config *config, struct ip_addr dst, struct route *out)
{
    if (is_nowhere(config, dst))
        return -EINVAL;

    struct ip_addr next_hop = dst;
    const struct ip_prefix *from = prefix_of(config, dst);
    if (!from && !config->point_to_point && !ip_is_limited_broadcast(dst) &&
        !ip_is_multicast(dst)) {
        if (ip_is_unspecified(config->gateway) || ip_is_v4(config->gateway) != ip_is_v4(dst))
            return -ENETUNREACH;
        next_hop = config->gateway;
        from = prefix_of(config, next_hop);
    }
    if (!from)
        from = first_prefix(config, dst);
    if (!from && !ip_is_limited_broadcast(dst))
        return -ENETUNREACH; /* without an address there is nowhere to send from */
    *out = (struct route){
        .next_hop = next_hop,
        .src = from ? from->addr : ip_from_v4(0),
        .broadcast = ip_is_broadcast(config, dst),
    };
    return 0;
}
