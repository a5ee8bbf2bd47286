/*
 * ipv4.c - which IPv4 packets a host takes.
 *
 * The checks answer three questions in turn. Can the sender exist? If not, nothing may ever be sent
 * back, so this comes first and covers every protocol above. Is the packet for us? We are a host
 * and never forward. Did the link bring it in an honest way? A unicast packet in a link broadcast
 * makes every host on the link answer at once, so it is refused (RFC 1122, 3.3.6).
 *
 * Ours are the addresses of the link that brought it: the strong model of RFC 1122, 3.3.4.2
 * (route.h).
 *
 * The time to live is not asked about: it limits forwarding, not arriving (RFC 1122, 3.2.1.7).
 *
 * A host without any IPv4 address cannot say what is for it: a DHCP server may send to the very
 * address that it offers (RFC 2131, 4.1). So it takes what the link has brought to its station, as
 * if it had been sent to many: sockets at any address have it, and nothing ever answers.
 *
 * Broadcasts have four forms (RFC 1122, 3.3.6). We know the limited one and, for each of our
 * networks, the directed one and its old form with zeros. The all-subnets form needs address
 * classes, which are gone. Groups are not joined yet, but every host is in 224.0.0.1 (RFC 1112, 4).
 */
#include "ip/ipv4.h"

#define ALL_HOSTS UINT32_C(0xe0000001) /* 224.0.0.1 */

bool ip_is_ours(const struct ip_config *config, struct ip_addr a)
{
    for (int i = 0; i < config->addr_count; i++)
        if (ip_equal(config->addrs[i].addr, a))
            return true;
    return false;
}

bool ip_is_broadcast(const struct ip_config *config, struct ip_addr a)
{
    if (ip_is_limited_broadcast(a))
        return true;
    for (int i = 0; i < config->addr_count; i++)
        if (prefix_is_broadcast(config->addrs[i], a))
            return true;
    return false;
}

/* 0/8: "this network" (RFC 1122, 3.2.1.3 (a) and (b)). A host that is looking for its address sends
 * from there, but only to a server, which we are not. */
static bool is_this_network(struct ip_addr a)
{
    return ip_to_v4(a) >> 24 == 0;
}

/* An address that no packet on this wire can come from (RFC 1122, 3.2.1.3). Our own counts: whoever
 * sends from it is forging, and answering would be talking to ourselves. */
static bool is_martian(const struct ip_config *config, struct ip_addr src)
{
    return is_this_network(src) || ip_is_loopback(src) || ip_is_multicast(src) ||
           ip_is_class_e(src) || ip_is_broadcast(config, src) || ip_is_ours(config, src);
}

/* Have we no IPv4 address, so that `dst` might be the one to come? Only where a station is asked
 * for by another name as well. */
static bool is_perhaps_ours(const struct ip_config *config, struct ip_addr dst)
{
    if (config->point_to_point || ip_is_multicast(dst) || ip_is_loopback(dst))
        return false;
    for (int i = 0; i < config->addr_count; i++)
        if (ip_is_v4(config->addrs[i].addr))
            return false;
    return true;
}

enum drop ipv4_accept(const struct ip_config *config, const struct ipv4_header *h, bool link_group,
                      bool *broadcast)
{
    if (is_martian(config, h->src))
        return DROP_IP4_MARTIAN;

    bool to_many = ip_equal(h->dst, ip_from_v4(ALL_HOSTS)) || ip_is_broadcast(config, h->dst);
    bool perhaps = is_perhaps_ours(config, h->dst);
    if (!to_many && !perhaps && !ip_is_ours(config, h->dst))
        return DROP_IP4_NOT_OURS;
    if (link_group && !to_many)
        return DROP_IP4_L2_BROADCAST;
    *broadcast = to_many || perhaps;
    return DROP_NONE;
}
