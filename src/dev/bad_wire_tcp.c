/*
 * bad_wire_tcp.c - see bad_wire_tcp.h.
 *
 * A wire does not know TCP, but a path may: what is lost there is sometimes ACKs alone, and what a
 * broken memory in a router does to a packet passes every checksum that is made anew behind it.
 * Exchanging two words is the simplest change of that kind: the Internet checksum is a sum
 * (RFC 1071, 1), and a sum does not depend on the order. Headers are left alone: what a wrong
 * sequence number leads to cannot be told from a stack that is wrong.
 */
#include "dev/bad_wire_tcp.h"

#include "eth/eth_wire.h"
#include "ip/ipv4_wire.h"
#include "ip/ipv6_wire.h"
#include "tcp/tcp_wire.h"

enum { TRIES = 8 }; /* to find two words that differ */

/* Reads the headers in front of a segment's text; false when it is no TCP segment, or a piece. */
static bool find_segment(struct bytes frame, bool ip_only, struct tcp_segment *seg,
                         struct ip_addr *src, struct ip_addr *dst)
{
    struct bytes packet = ip_only ? frame : bytes_skip(frame, ETH_HEADER);
    struct bytes payload;

    if (packet.len == 0)
        return false;
    if (packet.at[0] >> 4 == 4) {
        struct ipv4_header h;
        if (ipv4_parse(packet, &h, &payload) || h.protocol != IP_PROTOCOL_TCP || h.more_fragments ||
            h.fragment_offset > 0)
            return false;
        *src = h.src;
        *dst = h.dst;
    } else {
        struct ipv6_header h;
        if (ipv6_parse(packet, &h, &payload) || h.next_header != IP_PROTOCOL_TCP)
            return false;
        *src = h.src;
        *dst = h.dst;
    }
    return tcp_parse(payload, seg) == DROP_NONE;
}

bool bad_wire_is_bare_ack(struct bytes frame, bool ip_only)
{
    struct tcp_segment seg;
    struct ip_addr src, dst;

    return find_segment(frame, ip_only, &seg, &src, &dst) && seg.text.len == 0 &&
           (seg.flags & (TCP_ACK | TCP_SYN | TCP_FIN | TCP_RST)) == TCP_ACK;
}

bool bad_wire_forge(uint8_t *frame, size_t len, bool ip_only, struct prng *prng,
                    struct forgery *out)
{
    struct tcp_segment seg;
    struct ip_addr src, dst;

    if (!find_segment(bytes_of(frame, len), ip_only, &seg, &src, &dst) || seg.text.len < 4)
        return false;
    size_t words = seg.text.len / 2;
    uint8_t *text = frame + (seg.text.at - frame);
    for (int i = 0; i < TRIES; i++) {
        size_t a = 2 * (size_t)prng_below(prng, words), b = 2 * (size_t)prng_below(prng, words);
        if (text[a] == text[b] && text[a + 1] == text[b + 1])
            continue;
        const uint8_t first[2] = {text[a], text[a + 1]};
        text[a] = text[b];
        text[a + 1] = text[b + 1];
        text[b] = first[0];
        text[b + 1] = first[1];
        *out = (struct forgery){.src = {.addr = src, .port = seg.src_port},
                                .dst = {.addr = dst, .port = seg.dst_port},
                                .seq = {seg.seq.value + (uint32_t)a, seg.seq.value + (uint32_t)b}};
        return true;
    }
    return false;
}
