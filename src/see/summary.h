/*
 * summary.h - one packet in one short piece of text, in the manner of tcpdump:
 *
 *     10.9.0.1:40000 > 10.9.0.2:80 [P.] seq 1000 ack 2000 win 502 len 78
 *
 * It believes nothing: whatever the octets are, a sane piece of text comes out.
 */
#ifndef TAPIO_SEE_SUMMARY_H
#define TAPIO_SEE_SUMMARY_H

#include "base/text.h"

/* What the packet is, as far as its headers say. */
enum summary_kind {
    SUMMARY_OTHER,
    SUMMARY_ARP,
    SUMMARY_IP,
    SUMMARY_ICMP,
    SUMMARY_UDP,
    SUMMARY_TCP
};

/* As many octets of the front of a packet as summary_add() ever looks at: an Ethernet header and
 * an IPv4 and a TCP header of the largest size. */
enum { SUMMARY_HEADERS = 14 + 60 + 60 };

/* `headers` are the first octets of a packet, SUMMARY_HEADERS or all that there are; it starts with
 * an Ethernet header or with an IP header. */
enum summary_kind summary_add(struct text *out, struct bytes headers, bool ethernet);

#endif
