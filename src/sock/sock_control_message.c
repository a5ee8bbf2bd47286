/*
 * sock_control_message.c - control messages: what sendmsg() is told beside the text, and recvmsg()
 * tells.
 *
 * The layouts are Linux's, and so are the two levels: a socket of AF_INET6 that speaks with an IPv4
 * host may use either. The buffer is the caller's, perhaps not aligned, so headers are copied in
 * and out.
 */
#include <errno.h>
#include <netinet/in.h>

#include "sock/sock_table.h"

/* The one link, as a number. */
enum { INTERFACE = 1 };

/* --- out: recvmsg() ----------------------------------------------------------------------- */

struct sock_controls sock_controls_of(struct sock_msg *msg)
{
    struct sock_controls controls = {.msg = msg, .room = msg->control ? msg->control_len : 0};

    msg->control_len = 0;
    return controls;
}

void sock_put_control(struct sock_controls *controls, int level, int type, const void *data,
                      size_t len)
{
    struct sock_msg *msg = controls->msg;
    struct cmsghdr header = {.cmsg_len = CMSG_LEN(len), .cmsg_level = level, .cmsg_type = type};
    char *at = (char *)msg->control + msg->control_len;

    if (controls->room < CMSG_LEN(len)) {
        msg->flags |= MSG_CTRUNC;
        controls->room = 0;
        return;
    }
    memcpy(at, &header, sizeof header);
    memcpy(at + CMSG_LEN(0), data, len);
    size_t used = size_min(CMSG_SPACE(len), controls->room);
    msg->control_len += used;
    controls->room -= used;
}

static void put_int(struct sock_controls *controls, int level, int type, int number)
{
    sock_put_control(controls, level, type, &number, sizeof number);
}

/* Both have it as it stands on the wire: the last four octets of ours. */
static struct in_addr in_addr_of(struct ip_addr addr)
{
    struct in_addr out;

    memcpy(&out, addr.octet + 12, sizeof out);
    return out;
}

/* Where it was sent to, and which address of ours answers. */
static void put_pktinfo(struct sock_controls *controls, struct ip_addr dst, struct ip_addr ours)
{
    struct in_pktinfo info = {
        .ipi_ifindex = INTERFACE, .ipi_spec_dst = in_addr_of(ours), .ipi_addr = in_addr_of(dst)};

    sock_put_control(controls, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
}

static void put_pktinfo6(struct sock_controls *controls, struct ip_addr dst)
{
    struct in6_pktinfo info = {.ipi6_ifindex = INTERFACE};

    memcpy(&info.ipi6_addr, dst.octet, sizeof info.ipi6_addr);
    sock_put_control(controls, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
}

/* IP options as they came with what this host records in them, and as they continue it when they
 * are sent back. */
static void put_options(struct sock_controls *controls, uint8_t wants, struct bytes options)
{
    if (wants & WANTS_OPTIONS)
        sock_put_control(controls, IPPROTO_IP, IP_RECVOPTS, options.at, options.len);
    if (wants & WANTS_RETURN) {
        struct ipv4_options back = ipv4_options_returned(options);
        sock_put_control(controls, IPPROTO_IP, IP_RETOPTS, back.octets, back.len);
    }
}

void sock_put_udp_controls(const struct stack *stack, const struct udp_port *port,
                           struct frame *datagram, struct sock_controls *controls)
{
    const struct udp_from *from = udp_from_of(datagram);
    struct route route = {.src = from->dst};
    uint8_t tos = from->tos;

    if (port->wants & WANTS_PKTINFO6)
        put_pktinfo6(controls, from->dst);
    if (!ip_is_v4(from->src)) {
        if (port->wants & WANTS_HOP_LIMIT)
            put_int(controls, IPPROTO_IPV6, IPV6_HOPLIMIT, from->ttl);
        if (port->wants & WANTS_TCLASS)
            put_int(controls, IPPROTO_IPV6, IPV6_TCLASS, tos);
        return;
    }
    if (port->wants & WANTS_PKTINFO) {
        if (!ip_is_ours(&stack->ip, from->dst) && route_lookup(&stack->ip, from->src, &route))
            route.src = ip_from_v4(0);
        put_pktinfo(controls, from->dst, route.src);
    }
    if (port->wants & WANTS_TTL)
        put_int(controls, IPPROTO_IP, IP_TTL, from->ttl);
    if (port->wants & WANTS_TOS)
        sock_put_control(controls, IPPROTO_IP, IP_TOS, &tos, sizeof tos);
    if (from->options_len > 0)
        put_options(controls, port->wants, udp_options_of(datagram));
}

/* --- in: sendmsg() ------------------------------------------------------------------------ */

/* An int from `min` to 255; one of a single octet too, where `octet` is set. */
static int take_number(struct bytes data, int min, bool octet, int16_t *out)
{
    int number;

    if (data.len == sizeof number)
        memcpy(&number, data.at, sizeof number);
    else if (octet && data.len == 1)
        number = data.at[0];
    else
        return -EINVAL;
    if (number < min || number > UINT8_MAX)
        return -EINVAL;
    *out = (int16_t)number;
    return 0;
}

static int take_interface(unsigned number)
{
    return number == 0 || number == INTERFACE ? 0 : -ENODEV;
}

static int take_ip(int type, struct bytes data, struct udp_wishes *out)
{
    struct in_pktinfo info;

    switch (type) {
    case IP_TTL:
        return take_number(data, 1, false, &out->ttl);
    case IP_TOS:
        return take_number(data, 0, true, &out->tos);
    case IP_PKTINFO:
        if (data.len != sizeof info)
            return -EINVAL;
        memcpy(&info, data.at, sizeof info);
        out->src = ip_from_v4(0);
        memcpy(out->src.octet + 12, &info.ipi_spec_dst, sizeof info.ipi_spec_dst);
        return take_interface((unsigned)info.ipi_ifindex);
    case IP_RETOPTS: /* what is beyond the most that there can be is left, as on Linux */
        out->has_options = true;
        return ipv4_options_take(bytes_first(data, size_min(data.len, IPV4_OPTIONS_MAX)),
                                 &out->options);
    default: /* types are numbers, not an enum */
        return -EINVAL;
    }
}

static int take_ipv6(int type, struct bytes data, struct udp_wishes *out)
{
    struct in6_pktinfo info;

    switch (type) {
    case IPV6_HOPLIMIT: /* -1: as it is set */
        return take_number(data, -1, false, &out->ttl);
    case IPV6_TCLASS:
        return take_number(data, -1, false, &out->tos);
    case IPV6_PKTINFO:
        if (data.len < sizeof info)
            return -EINVAL;
        memcpy(&info, data.at, sizeof info);
        memcpy(out->src.octet, &info.ipi6_addr, sizeof out->src.octet);
        return take_interface(info.ipi6_ifindex);
    default: /* likewise */
        return -EINVAL;
    }
}

/* Each turn consumes at least a header, so it ends. */
int sock_take_udp_controls(const struct sock_msg *msg, bool v6, struct udp_wishes *out)
{
    struct bytes rest = bytes_of(msg->control, msg->control_len);

    *out = (struct udp_wishes){.ttl = -1, .tos = -1};
    if (rest.len > 0 && !rest.at)
        return -EFAULT;
    while (rest.len >= sizeof(struct cmsghdr)) {
        struct cmsghdr header;
        memcpy(&header, rest.at, sizeof header);
        if (header.cmsg_len < CMSG_LEN(0) || header.cmsg_len > rest.len)
            return -EINVAL;
        struct bytes data = bytes_skip(bytes_first(rest, header.cmsg_len), CMSG_LEN(0));
        int err = 0;
        if (header.cmsg_level == IPPROTO_IP)
            err = take_ip(header.cmsg_type, data, out);
        else if (header.cmsg_level == IPPROTO_IPV6 && v6)
            err = take_ipv6(header.cmsg_type, data, out);
        if (err)
            return err;
        rest = bytes_skip(rest, CMSG_ALIGN(header.cmsg_len));
    }
    return 0;
}
