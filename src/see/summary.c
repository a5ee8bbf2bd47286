/*
 * summary.c - see summary.h.
 *
 * The parsers of the stack judge: they verify lengths and checksums and answer with the name of a
 * drop. Here the packet may be one that they refused, and only its first octets are at hand, so the
 * IPv4 header is read anew, without judging. The parsers of IPv6's header, TCP and ARP can be had:
 * they look at their own header and nothing else.
 *
 * Left out for now: IPv6's extension headers, TCP's options.
 */
#include "see/summary.h"

#include "eth/arp_wire.h"
#include "eth/eth_wire.h"
#include "ip/icmp6_wire.h"
#include "ip/ipv4_wire.h"
#include "tcp/tcp_wire.h"
#include "udp/udp_wire.h"

static enum summary_kind add_arp(struct text *out, struct bytes in)
{
    struct arp_packet arp;

    if (arp_parse(in, &arp) != DROP_NONE) {
        text_add(out, "ARP, malformed");
        return SUMMARY_ARP;
    }
    if (arp.op == ARP_REQUEST) {
        text_add(out, "ARP who-has ");
        text_add_ip(out, arp.tpa);
        text_add(out, " tell ");
        text_add_ip(out, arp.spa);
    } else if (arp.op == ARP_REPLY) {
        text_add(out, "ARP ");
        text_add_ip(out, arp.spa);
        text_add(out, " is-at ");
        text_add_mac(out, arp.sha);
    } else {
        text_add(out, "ARP operation ");
        text_add_u64(out, arp.op);
    }
    return SUMMARY_ARP;
}

static void add_flags(struct text *out, uint8_t flags)
{
    static const struct {
        uint8_t flag;
        char letter;
    } names[] = {
        {TCP_SYN, 'S'}, {TCP_FIN, 'F'}, {TCP_RST, 'R'}, {TCP_PSH, 'P'},
        {TCP_URG, 'U'}, {TCP_ECE, 'E'}, {TCP_CWR, 'W'}, {TCP_ACK, '.'},
    };

    text_add(out, " [");
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (flags & names[i].flag)
            text_add_char(out, names[i].letter);
    }
    text_add_char(out, ']');
}

static void add_number(struct text *out, const char *name, uint64_t value)
{
    text_add(out, name);
    text_add_u64(out, value);
}

/* `total` octets belong to the segment; `in` may have fewer of them. */
static void add_tcp(struct text *out, struct bytes in, size_t total, struct ip_addr src,
                    struct ip_addr dst)
{
    struct tcp_segment seg;

    if (tcp_parse(in, &seg) != DROP_NONE || total < in.len - seg.text.len) {
        text_add_ip(out, src);
        text_add(out, " > ");
        text_add_ip(out, dst);
        text_add(out, " TCP, malformed");
        return;
    }
    text_add_endpoint(out, (struct endpoint){src, seg.src_port});
    text_add(out, " > ");
    text_add_endpoint(out, (struct endpoint){dst, seg.dst_port});
    add_flags(out, seg.flags);
    add_number(out, " seq ", seg.seq.value);
    if (seg.flags & TCP_ACK)
        add_number(out, " ack ", seg.ack.value);
    add_number(out, " win ", seg.window);
    add_number(out, " len ", total - (in.len - seg.text.len));
}

/* As for TCP; how long the datagram itself says that it is, is not asked. */
static void add_udp(struct text *out, struct bytes in, size_t total, struct ip_addr src,
                    struct ip_addr dst)
{
    struct reader r = reader_of(in);
    uint16_t src_port = read_be16(&r);
    uint16_t dst_port = read_be16(&r);

    if (r.overrun || total < UDP_HEADER) {
        text_add_ip(out, src);
        text_add(out, " > ");
        text_add_ip(out, dst);
        text_add(out, " UDP, malformed");
        return;
    }
    text_add_endpoint(out, (struct endpoint){src, src_port});
    text_add(out, " > ");
    text_add_endpoint(out, (struct endpoint){dst, dst_port});
    add_number(out, " UDP len ", total - UDP_HEADER);
}

static const struct icmp_names {
    const char *name;
    uint8_t echo, reply;
} icmp_v4 = {" ICMP", ICMP_ECHO, ICMP_ECHO_REPLY},
  icmp_v6 = {" ICMPv6", ICMP6_ECHO, ICMP6_ECHO_REPLY};

static void add_icmp(struct text *out, struct bytes in, const struct icmp_names *names)
{
    struct reader r = reader_of(in);
    uint8_t type = read_u8(&r);
    uint8_t code = read_u8(&r);
    read_be16(&r); /* checksum */
    uint16_t id = read_be16(&r);
    uint16_t sequence = read_be16(&r);

    text_add(out, names->name);
    if (r.overrun) {
        text_add(out, ", malformed");
        return;
    }
    if (type == names->echo || type == names->reply) {
        text_add(out, type == names->echo ? " echo" : " echo reply");
        add_number(out, " id ", id);
        add_number(out, " seq ", sequence);
    } else {
        add_number(out, " type ", type);
        add_number(out, " code ", code);
    }
}

static enum summary_kind add_ipv4(struct text *out, struct bytes in)
{
    struct reader r = reader_of(in);
    uint8_t version_and_len = read_u8(&r);
    read_u8(&r); /* type of service */
    size_t total = read_be16(&r);
    read_be16(&r); /* identification */
    uint16_t fragment = read_be16(&r) & 0x1fff;
    read_u8(&r); /* time to live */
    uint8_t protocol = read_u8(&r);
    read_be16(&r); /* checksum */
    struct ip_addr src = ip_from_v4(read_be32(&r));
    struct ip_addr dst = ip_from_v4(read_be32(&r));
    size_t header_len = (version_and_len & 0x0fu) * 4u;

    if (r.overrun || version_and_len >> 4 != 4 || header_len < IPV4_HEADER_MIN ||
        total < header_len) {
        text_add(out, "IP, malformed");
        return SUMMARY_IP;
    }
    struct bytes payload = bytes_skip(bytes_first(in, total), header_len);
    total -= header_len;
    if (protocol == IP_PROTOCOL_TCP && fragment == 0) {
        add_tcp(out, payload, total, src, dst);
        return SUMMARY_TCP;
    }
    if (protocol == IP_PROTOCOL_UDP && fragment == 0) {
        add_udp(out, payload, total, src, dst);
        return SUMMARY_UDP;
    }

    text_add_ip(out, src);
    text_add(out, " > ");
    text_add_ip(out, dst);
    if (fragment > 0) {
        add_number(out, " fragment at ", fragment * 8u);
    } else if (protocol == IP_PROTOCOL_ICMP) {
        add_icmp(out, payload, &icmp_v4);
        return SUMMARY_ICMP;
    }
    add_number(out, " protocol ", protocol);
    add_number(out, " len ", total);
    return SUMMARY_IP;
}

static enum summary_kind add_ipv6(struct text *out, struct bytes in)
{
    struct reader r = reader_of(in);
    struct ipv6_header h;
    size_t len;

    if (!ipv6_read_header(&r, &h, &len)) {
        text_add(out, "IPv6, malformed");
        return SUMMARY_IP;
    }
    struct bytes payload = bytes_first(r.rest, len);
    if (h.next_header == IP_PROTOCOL_TCP) {
        add_tcp(out, payload, len, h.src, h.dst);
        return SUMMARY_TCP;
    }
    if (h.next_header == IP_PROTOCOL_UDP) {
        add_udp(out, payload, len, h.src, h.dst);
        return SUMMARY_UDP;
    }
    text_add_ip(out, h.src);
    text_add(out, " > ");
    text_add_ip(out, h.dst);
    if (h.next_header == IP_PROTOCOL_ICMP6) {
        add_icmp(out, payload, &icmp_v6);
        return SUMMARY_ICMP;
    }
    add_number(out, " next header ", h.next_header);
    add_number(out, " len ", len);
    return SUMMARY_IP;
}

enum summary_kind summary_add(struct text *out, struct bytes headers, bool ethernet)
{
    if (!ethernet)
        return headers.len > 0 && headers.at[0] >> 4 == 6 ? add_ipv6(out, headers)
                                                          : add_ipv4(out, headers);

    struct reader r = reader_of(headers);
    struct mac_addr dst, src;
    read_into(&r, dst.octet, sizeof(dst.octet));
    read_into(&r, src.octet, sizeof(src.octet));
    uint16_t type = read_be16(&r);
    if (r.overrun) {
        text_add(out, "a runt of ");
        text_add_u64(out, headers.len);
        text_add(out, " octets");
        return SUMMARY_OTHER;
    }
    if (type == ETH_TYPE_ARP)
        return add_arp(out, r.rest);
    if (type == ETH_TYPE_IPV4)
        return add_ipv4(out, r.rest);
    if (type == ETH_TYPE_IPV6)
        return add_ipv6(out, r.rest);
    text_add_mac(out, src);
    text_add(out, " > ");
    text_add_mac(out, dst);
    text_add(out, " type 0x");
    text_add_hex(out, type, 4);
    return SUMMARY_OTHER;
}
