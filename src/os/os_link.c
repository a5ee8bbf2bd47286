/*
 * os_link.c - asking for, addressing and raising an interface, by rtnetlink.
 *
 * Netlink rather than the older ioctls because one request sets a thing completely (an address with
 * its prefix and broadcast), and because the kernel tells there what ioctls do not: the kind of a
 * device, its owner, its carrier. The program `ip` is never called: it need not be installed.
 */
#include "os/os_link.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "os/os_netlink.h"

/* Linux's own rule (no '/', no white space, not "." or ".."), less '%', which would be a template,
 * and ':', which names an alias. */
bool os_link_name_is_valid(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len >= OS_LINK_NAME || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return false;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)name[i];
        if (c <= ' ' || c == 0x7f || c == '/' || c == '%' || c == ':')
            return false;
    }
    return true;
}

/* --- asking ------------------------------------------------------------------------------- */

static void take_tun_facts(struct os_link *link, struct bytes attrs)
{
    struct bytes linkinfo = netlink_find(attrs, IFLA_LINKINFO);
    struct bytes kind = netlink_find(linkinfo, IFLA_INFO_KIND);
    struct bytes data = netlink_find(linkinfo, IFLA_INFO_DATA);

    if (!bytes_equal(bytes_first(kind, 3), bytes_of("tun", 3)))
        return;
    struct bytes type = netlink_find(data, IFLA_TUN_TYPE);
    link->is_tap = type.len && type.at[0] == IFF_TAP;
    link->is_tun = type.len && type.at[0] == IFF_TUN;
    link->has_owner = netlink_find(data, IFLA_TUN_OWNER).len > 0;
    link->owner = netlink_u32(data, IFLA_TUN_OWNER, 0);
}

static void take_link(void *cookie, uint16_t type, struct bytes body)
{
    struct os_link *link = cookie;
    struct ifinfomsg info;

    if (type != RTM_NEWLINK || body.len < sizeof info)
        return;
    memcpy(&info, body.at, sizeof info);
    struct bytes attrs = bytes_skip(body, NLMSG_ALIGN(sizeof info));
    struct bytes mac = netlink_find(attrs, IFLA_ADDRESS);

    link->exists = true;
    link->index = info.ifi_index;
    link->up = info.ifi_flags & IFF_UP;
    link->carrier = info.ifi_flags & IFF_LOWER_UP;
    link->mtu = netlink_u32(attrs, IFLA_MTU, 0);
    link->txqueuelen = netlink_u32(attrs, IFLA_TXQLEN, 0);
    if (mac.len == sizeof link->mac.octet)
        memcpy(link->mac.octet, mac.at, mac.len);
    take_tun_facts(link, attrs);
}

static void take_addr(void *cookie, uint16_t type, struct bytes body)
{
    struct os_link *link = cookie;
    struct ifaddrmsg info;

    if (type != RTM_NEWADDR || body.len < sizeof info)
        return;
    memcpy(&info, body.at, sizeof info);
    if (info.ifa_index != (uint32_t)link->index || info.ifa_family != AF_INET ||
        !ip_is_unspecified(link->addr.addr))
        return;
    struct bytes local = netlink_find(bytes_skip(body, NLMSG_ALIGN(sizeof info)), IFA_LOCAL);
    struct reader r = reader_of(local);
    uint32_t v4 = read_be32(&r);
    if (!r.overrun)
        link->addr = (struct ip_prefix){ip_from_v4(v4), info.ifa_prefixlen};
}

int os_link_info(const char *name, struct os_link *out)
{
    struct netlink_request r;
    struct ifinfomsg any = {.ifi_family = AF_UNSPEC};
    struct ifaddrmsg v4 = {.ifa_family = AF_INET};

    *out = (struct os_link){0};
    if (!os_link_name_is_valid(name))
        return -EINVAL;
    netlink_begin(&r, RTM_GETLINK, 0, &any, sizeof any);
    netlink_attr(&r, IFLA_IFNAME, name, strlen(name) + 1);
    int err = netlink_ask(&r, take_link, out);
    if (err == -ENODEV)
        return 0;
    if (err)
        return err;
    netlink_begin(&r, RTM_GETADDR, NLM_F_DUMP, &v4, sizeof v4);
    return netlink_ask(&r, take_addr, out);
}

/* --- setting ------------------------------------------------------------------------------ */

/* No link-local address, no router solicitations: the stack would not answer, and each would be a
 * puzzle in somebody's capture. A kernel without IPv6 refuses, which is as good. */
static void quiet_ipv6(int index)
{
    struct netlink_request r;
    struct ifinfomsg link = {.ifi_family = AF_UNSPEC, .ifi_index = index};
    uint8_t none = IN6_ADDR_GEN_MODE_NONE;

    netlink_begin(&r, RTM_NEWLINK, 0, &link, sizeof link);
    uint32_t families = netlink_nest_begin(&r, IFLA_AF_SPEC);
    uint32_t inet6 = netlink_nest_begin(&r, AF_INET6);
    netlink_attr(&r, IFLA_INET6_ADDR_GEN_MODE, &none, sizeof none);
    netlink_nest_end(&r, inet6);
    netlink_nest_end(&r, families);
    int ignored = netlink_ask(&r, NULL, NULL);
    (void)ignored;
}

static int set_mtu(int index, uint32_t mtu)
{
    struct netlink_request r;
    struct ifinfomsg link = {.ifi_family = AF_UNSPEC, .ifi_index = index};
    uint32_t txqueuelen = OS_LINK_TXQUEUELEN;

    netlink_begin(&r, RTM_NEWLINK, 0, &link, sizeof link);
    netlink_attr(&r, IFLA_MTU, &mtu, sizeof mtu);
    netlink_attr(&r, IFLA_TXQLEN, &txqueuelen, sizeof txqueuelen);
    return netlink_ask(&r, NULL, NULL);
}

/* A network of IPv4 has a broadcast address, unless it is too small (RFC 3021). */
static void add_broadcast(struct netlink_request *r, struct ip_prefix addr)
{
    uint8_t broadcast[4];
    struct writer w = writer_of(broadcast, sizeof broadcast);

    if (!ip_is_v4(addr.addr) || addr.len > 30)
        return;
    uint32_t hosts = addr.len == 0 ? UINT32_MAX : (uint32_t)((UINT64_C(1) << (32 - addr.len)) - 1);
    write_be32(&w, ip_to_v4(addr.addr) | hosts);
    netlink_attr(r, IFA_BROADCAST, broadcast, sizeof broadcast);
}

/* Nobody else can have an IPv6 address here, so it need not be asked for on the link first. */
static int add_addr(int index, struct ip_prefix addr)
{
    struct netlink_request r;
    bool v4 = ip_is_v4(addr.addr);
    struct ifaddrmsg msg = {.ifa_family = v4 ? AF_INET : AF_INET6,
                            .ifa_prefixlen = addr.len,
                            .ifa_flags = v4 ? 0 : IFA_F_NODAD,
                            .ifa_index = (uint32_t)index};
    struct bytes octets = bytes_skip(bytes_of(addr.addr.octet, 16), v4 ? 12 : 0);

    netlink_begin(&r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &msg, sizeof msg);
    netlink_attr(&r, IFA_LOCAL, octets.at, octets.len);
    netlink_attr(&r, IFA_ADDRESS, octets.at, octets.len);
    add_broadcast(&r, addr);
    return netlink_ask(&r, NULL, NULL);
}

static int raise_index(int index)
{
    struct netlink_request r;
    struct ifinfomsg link = {
        .ifi_family = AF_UNSPEC, .ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};

    netlink_begin(&r, RTM_NEWLINK, 0, &link, sizeof link);
    return netlink_ask(&r, NULL, NULL);
}

int os_link_raise(const char *name)
{
    struct os_link link;

    int err = os_link_info(name, &link);
    if (err)
        return err;
    return link.exists ? raise_index(link.index) : -ENODEV;
}

int os_link_up(const char *name, const struct ip_prefix *addrs, int count, uint32_t mtu,
               const char **doing)
{
    struct os_link link;

    *doing = "find";
    int err = os_link_info(name, &link);
    if (!err && !link.exists)
        err = -ENODEV;
    if (err)
        return err;
    quiet_ipv6(link.index);
    *doing = "set the MTU of";
    err = set_mtu(link.index, mtu);
    if (err)
        return err;
    *doing = "add an address to";
    for (int i = 0; i < count; i++) {
        err = add_addr(link.index, addrs[i]);
        if (err)
            return err;
    }
    *doing = "bring up";
    return raise_index(link.index);
}

/* --- watching ----------------------------------------------------------------------------- */

int os_link_watch(void)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (fd < 0)
        return -errno;
    struct sockaddr_nl group = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
    if (bind(fd, (const struct sockaddr *)&group, sizeof group) < 0) {
        int err = -errno;
        close(fd);
        return err;
    }
    return fd;
}

struct wanted {
    int index;
    bool seen;
};

static void look_for_index(void *cookie, uint16_t type, struct bytes body)
{
    struct wanted *wanted = cookie;
    struct ifinfomsg info;

    if ((type == RTM_NEWLINK || type == RTM_DELLINK) && body.len >= sizeof info) {
        memcpy(&info, body.at, sizeof info);
        wanted->seen |= info.ifi_index == wanted->index;
    }
}

bool os_link_watch_read(int watch, int index)
{
    uint8_t datagram[8192];
    struct wanted wanted = {.index = index};

    for (;;) {
        ssize_t n = recv(watch, datagram, sizeof datagram, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == ENOBUFS)
            wanted.seen = true; /* some were lost: it may have been among them */
        else if (n < 0)
            return wanted.seen;
        int ignored;
        if (n > 0)
            netlink_walk(bytes_of(datagram, (size_t)n), look_for_index, &wanted, &ignored);
    }
}
