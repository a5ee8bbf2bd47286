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

/* Of no host, whatever the link: 0/8, "this network", from which a host that is looking for its
 * address sends, but only to a server, which we are not; 127/8; and 224/3, which are groups, class
 * E and the limited broadcast (RFC 1122, 3.2.1.3). */
static bool is_of_no_host(uint32_t v4)
{
    return v4 >> 24 == 0 || v4 >> 24 == 127 || v4 >> 29 == 7;
}

/* What an address is to the networks of our link. */
struct place {
    bool ours, broadcast;
};

/* ip_is_ours() and ip_is_broadcast() in one walk, for IPv4 alone: each packet asks for two. */
static struct place place_of(const struct ip_config *config, uint32_t v4)
{
    struct place place = {.broadcast = v4 == UINT32_MAX};

    for (int i = 0; i < config->addr_count; i++) {
        const struct ip_prefix *p = &config->addrs[i];
        if (!ip_is_v4(p->addr))
            continue;
        place.ours |= ip_to_v4(p->addr) == v4;
        place.broadcast |= v4_is_broadcast(ip_to_v4(p->addr), p->len, v4);
    }
    return place;
}

/* An address that no packet on this wire can come from (RFC 1122, 3.2.1.3). Our own counts: whoever
 * sends from it is forging, and answering would be talking to ourselves. */
static bool is_martian(const struct ip_config *config, uint32_t src)
{
    struct place place = place_of(config, src);

    return is_of_no_host(src) || place.broadcast || place.ours;
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
    uint32_t dst = ip_to_v4(h->dst);
    struct place place = place_of(config, dst);

    if (is_martian(config, ip_to_v4(h->src)))
        return DROP_IP4_MARTIAN;
    bool to_many = dst == ALL_HOSTS || place.broadcast;
    bool perhaps = !place.ours && is_perhaps_ours(config, h->dst);
    if (!to_many && !perhaps && !place.ours)
        return DROP_IP4_NOT_OURS;
    if (link_group && !to_many)
        return DROP_IP4_L2_BROADCAST;
    *broadcast = to_many || perhaps;
    return DROP_NONE;
}
