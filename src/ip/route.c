/*
 * route.c - where a packet goes next: the link, or the gateway (RFC 1122, 3.3.1.1).
 *
 * There is one link, so a table of routes would have two kinds of rows: one for each prefix of
 * ours, which is reached directly, and one for everything else, which goes to the gateway. The rows
 * are the addresses themselves. Where prefixes overlap, the longest one decides the source. A
 * point-to-point link needs no gateway: it is its own default route.
 *
 * Left out: several gateways and switching away from a dead one (RFC 1122, 3.3.1.4), redirects
 * (3.3.1.2), and packets to ourselves.
 */
#include "ip/route.h"

#include <errno.h>

/* The longest prefix of ours that holds `a`, or NULL. */
static const struct ip_prefix *prefix_of(const struct ip_config *config, struct ip_addr a)
{
    const struct ip_prefix *best = NULL;

    for (int i = 0; i < config->addr_count; i++) {
        const struct ip_prefix *p = &config->addrs[i];
        if (ip_is_v4(p->addr) && prefix_contains(*p, a) && (!best || p->len > best->len))
            best = p;
    }
    return best;
}

/* Our first IPv4 address: what a limited broadcast comes from, and what goes to a gateway outside
 * all our prefixes. */
static const struct ip_prefix *first_prefix(const struct ip_config *config)
{
    for (int i = 0; i < config->addr_count; i++)
        if (ip_is_v4(config->addrs[i].addr))
            return &config->addrs[i];
    return NULL;
}

int route_lookup(const struct ip_config *config, struct ip_addr dst, struct route *out)
{
    if (!ip_is_v4(dst))
        return -ENETUNREACH; /* IPv6 over Ethernet is not built in yet */
    if (ip_to_v4(dst) >> 24 == 0 || ip_is_loopback(dst) || ip_is_class_e(dst) ||
        ip_is_ours(config, dst))
        return -EINVAL;

    struct ip_addr next_hop = dst;
    const struct ip_prefix *from = prefix_of(config, dst);
    if (!from && !config->point_to_point && !ip_is_limited_broadcast(dst) &&
        !ip_is_multicast(dst)) {
        if (ip_is_unspecified(config->gateway))
            return -ENETUNREACH;
        next_hop = config->gateway;
        from = prefix_of(config, next_hop);
    }
    if (!from)
        from = first_prefix(config);
    if (!from)
        return -ENETUNREACH; /* without an address there is nowhere to send from */
    *out = (struct route){
        .next_hop = next_hop,
        .src = from->addr,
        .broadcast = ip_is_broadcast(config, dst),
    };
    return 0;
}
