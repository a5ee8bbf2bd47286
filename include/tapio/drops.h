/*
 * tapio/drops.h - the one list of reasons to discard a received frame.
 *
 * "Where did my packet go?" always has an answer: each received frame ends as consumed or
 * as exactly one of these. The name is what counters, captures and tests show; the
 * sentence is for people, with the clause that asks for it.
 */
#ifndef TAPIO_DROPS_H
#define TAPIO_DROPS_H

#include <tapio/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* clang-format off */
#define TAPIO_DROP_LIST(X) \
    X(DEV_TRUNCATED,   "dev.rx_trunc",      "the frame filled the whole read buffer, so its end may be missing") \
    X(DEV_VNET,        "dev.rx_vnet",       "the virtio_net_hdr contradicts the frame behind it") \
    X(DEV_NO_BUFFER,   "dev.rx_nobuf",      "every frame buffer is taken") \
    X(ETH_RUNT,        "eth.rx_runt",       "shorter than an Ethernet header (RFC 894)") \
    X(ETH_GIANT,       "eth.rx_giant",      "longer than the interface MTU allows (RFC 894)") \
    X(ETH_BAD_SOURCE,  "eth.rx_bad_src",    "the source is a group, zero, or our own address") \
    X(ETH_NOT_OURS,    "eth.rx_notours",    "unicast to another station") \
    X(ETH_VLAN,        "eth.rx_vlan",       "802.1Q tags are not configured") \
    X(ETH_PROTOCOL,    "eth.rx_proto",      "an EtherType or an 802.3 length that we do not speak") \
    X(ARP_BAD,         "arp.rx_bad",        "not a well-formed Ethernet/IPv4 ARP packet (RFC 826)") \
    X(ARP_BAD_SENDER,  "arp.rx_bad_sender", "a sender that cannot be a station on this link (RFC 826)") \
    X(IP_VERSION,      "ip.rx_version",     "a packet of neither version 4 nor version 6") \
    X(IP_GIANT,        "ip.rx_giant",       "a bare packet longer than the interface MTU allows") \
    X(IP4_HEADER,      "ip4.rx_hdr",        "version, header length or total length is wrong (RFC 791, 3.1)") \
    X(IP4_CHECKSUM,    "ip4.rx_csum",       "the header checksum is wrong (RFC 1122, 3.2.1.2)") \
    X(IP4_OPTION,      "ip4.rx_opt",        "a malformed IPv4 option (RFC 791, 3.1)") \
    X(IP4_SOURCE_ROUTE,"ip4.rx_srcrt",      "source routes are not honoured (RFC 7126)") \
    X(IP4_MARTIAN,     "ip4.rx_martian",    "a source address that cannot be on the wire (RFC 1122, 3.2.1.3)") \
    X(IP4_NOT_OURS,    "ip4.rx_notours",    "addressed to somebody else; we never forward (RFC 1122, 3.2.1.3)") \
    X(IP4_L2_BROADCAST,"ip4.rx_l2bcast",    "unicast IP in a link broadcast (RFC 1122, 3.3.6)") \
    X(IP4_FRAG_OVERLAP,"ip4.frag_overlap",  "fragments overlap: the whole datagram is discarded (RFC 5722, 4)") \
    X(IP4_FRAG_BAD,    "ip4.frag_bad",      "a fragment whose length or end cannot be (RFC 791, 3.2)") \
    X(IP4_FRAG_BIG,    "ip4.frag_big",      "fragments of a datagram of more than 65,535 octets (RFC 791, 3.1)") \
    X(IP4_FRAG_EVICT,  "ip4.frag_evict",    "too many fragments wait; the oldest datagram goes first (RFC 1122, 3.3.2)") \
    X(IP4_FRAG_TIMEOUT,"ip4.frag_timeout",  "the rest of the datagram has not come in time (RFC 1122, 3.3.2)") \
    X(IP4_FRAG_DUPLICATE,"ip4.frag_dup",    "the same fragment once more (RFC 791, 3.2)") \
    X(IP4_FRAG_ECN,    "ip4.frag_ecn",      "a fragment with a congestion mark and one that cannot have one: not of one datagram (RFC 3168, 5.3)") \
    X(IP4_PROTOCOL,    "ip4.rx_proto",      "a protocol that we do not speak (RFC 1122, 3.2.2.1)") \
    X(IP6_NONE,        "ip6.rx_none",       "IPv6 over Ethernet is not built in yet") \
    X(IP6_HEADER,      "ip6.rx_hdr",        "version or payload length is wrong (RFC 8200, 3)") \
    X(IP6_EXTENSION,   "ip6.rx_exthdr",     "an extension header; they are not built in yet (RFC 8200, 4)") \
    X(IP6_MARTIAN,     "ip6.rx_martian",    "an address that cannot be on the wire (RFC 4291, 2.5 and 2.7)") \
    X(IP6_NOT_OURS,    "ip6.rx_notours",    "addressed to somebody else; we never forward (RFC 8200, 3)") \
    X(IP6_PROTOCOL,    "ip6.rx_proto",      "a next header that we do not speak (RFC 8200, 4)") \
    X(ICMP_BAD,        "icmp.rx_bad",       "truncated, wrong checksum, or an unknown type (RFC 792)") \
    X(ICMP_BROADCAST,  "icmp.rx_bcast",     "an echo to a broadcast or multicast address (RFC 1122, 3.2.2.6)") \
    X(ICMP_IGNORED,    "icmp.rx_ignored",   "a type that a host ignores on purpose (RFC 1122, 3.2.2; RFC 6633)") \
    X(ICMP_QUOTE,      "icmp.rx_inner",     "the quoted packet is too short or malformed (RFC 5927)") \
    X(ICMP_NO_FLOW,    "icmp.rx_seq",       "quotes a flow or a sequence number that is not ours (RFC 5927, 4.1)") \
    X(ICMP_NO_PING,    "icmp.rx_echo_reply","an echo reply that nobody waits for") \
    X(ICMP_PMTU,       "icmp.rx_pmtu",      "too big for an MTU that would have carried it, or that no IPv6 link has (RFC 8201, 4)") \
    X(ICMP6_BAD,       "icmp6.rx_bad",      "truncated, wrong checksum, or an unknown type (RFC 4443, 2.3 and 2.4)") \
    X(ICMP6_IGNORED,   "icmp6.rx_ignored",  "about neighbours, routers or groups, of which this link has none (RFC 4861)") \
    X(UDP_LENGTH,      "udp.rx_len",        "the length is below 8 or beyond the packet's end (RFC 768)") \
    X(UDP_CHECKSUM,    "udp.rx_csum",       "the checksum is wrong (RFC 1122, 4.1.3.4)") \
    X(UDP_CSUM_ZERO,   "udp.rx_csum0",      "no checksum, which IPv6 does not allow (RFC 8200, 8.1)") \
    X(UDP_PORT_ZERO,   "udp.rx_port0",      "to port 0, where nobody can be (RFC 768)") \
    X(UDP_CLOSED,      "udp.rx_closed",     "no socket at this port; answered with port unreachable unless it was sent to many (RFC 1122, 4.1.3.1)") \
    X(UDP_FULL,        "udp.rx_full",       "the socket's receive queue is full: the newest datagram goes") \
    X(TCP_HEADER,      "tcp.rx_hdr",        "shorter than its header says (RFC 9293, 3.1)") \
    X(TCP_CHECKSUM,    "tcp.rx_csum",       "the checksum is wrong (RFC 9293, MUST-3)") \
    X(TCP_FLAGS,       "tcp.rx_flags",      "a combination of control bits that means nothing here (RFC 9293, 3.10.7)") \
    X(TCP_GROUP,       "tcp.rx_group",      "TCP to a broadcast or multicast address (RFC 9293, MUST-57)") \
    X(TCP_CLOSED,      "tcp.rx_closed",     "no connection and no listener; answered with a reset (RFC 9293, 3.10.7.1)") \
    X(TCP_CLOSED_RST,  "tcp.rx_closed_rst", "a reset for a connection that does not exist (RFC 9293, 3.10.7.1)") \
    X(TCP_SEQUENCE,    "tcp.rx_seq",        "outside the receive window; answered with an ACK (RFC 9293, 3.10.7.4)") \
    X(TCP_NO_TIMESTAMP,"tcp.rx_nots",       "no timestamp, although both ends have promised them (RFC 7323, 3.2)") \
    X(TCP_PAWS,        "tcp.rx_paws",       "an old duplicate, by its timestamp; answered with an ACK (RFC 7323, 5.3)") \
    X(TCP_RST,         "tcp.rx_rst",        "a reset that is not at RCV.NXT (RFC 5961, 3.2)") \
    X(TCP_ORPHAN,      "tcp.rx_orphan",     "text after the application closed; answered with a reset (RFC 9293, 3.6.1)") \
    X(TCP_TIME_WAIT,   "tcp.rx_tw_rst",     "a reset in TIME-WAIT, which must not end it (RFC 1337, 3)") \
    X(TCP_SYN,         "tcp.rx_syn",        "a SYN on a synchronized connection; challenged (RFC 5961, 4.2)") \
    X(TCP_NO_ACK,      "tcp.rx_noack",      "no ACK bit on a synchronized connection (RFC 9293, 3.10.7.4)") \
    X(TCP_ACK,         "tcp.rx_ack",        "acknowledges what was never sent, or is far too old (RFC 5961, 5.2)") \
    X(TCP_COOKIE,      "tcp.rx_cookie",     "acknowledges no SYN cookie of ours, or one that is too old; answered with a reset (RFC 4987, 3.6)") \
    X(TCP_BACKLOG,     "tcp.accept_full",   "as many connections as the backlog wait to be accepted; the peer will try again (RFC 9293, 3.10.7.2)") \
    X(TCP_SYN_CACHE,   "tcp.syn_cache_full","every half-open connection is taken; the peer will try again (RFC 4987, 3.5)") \
    X(TCP_NO_MEMORY,   "tcp.rx_nomem",      "no memory left for a connection or its text") \
    X(TCP_REORDER_CAP, "tcp.ooo_cap",       "too many islands of out-of-order text (RFC 1122, 4.2.2.20)")
/* clang-format on */

enum drop {
    DROP_NONE, /* not dropped */
#define TAPIO_X(id, name, sentence) DROP_##id,
    TAPIO_DROP_LIST(TAPIO_X)
#undef TAPIO_X
};
#define TAPIO_X(id, name, sentence) +1
enum { DROP_COUNT = 1 TAPIO_DROP_LIST(TAPIO_X) };
#undef TAPIO_X

/* The counter's name ("tcp.rx_csum") and a sentence for people; static storage. */
TAPIO_API const char *drop_name(enum drop drop);
TAPIO_API const char *drop_sentence(enum drop drop);

#ifdef __cplusplus
}
#endif

#endif
