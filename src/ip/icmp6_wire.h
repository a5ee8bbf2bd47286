/*
 * icmp6_wire.h - ICMPv6 messages (RFC 4443).
 */
#ifndef TAPIO_IP_ICMP6_WIRE_H
#define TAPIO_IP_ICMP6_WIRE_H

#include "ip/icmp_wire.h"
#include "ip/ipv6_wire.h"

enum {
    ICMP6_UNREACHABLE = 1,
    ICMP6_TOO_BIG = 2,
    ICMP6_TIME_EXCEEDED = 3,
    ICMP6_PARAMETER_PROBLEM = 4,
    ICMP6_ECHO = 128, /* from here on messages are no errors (RFC 4443, 2.1) */
    ICMP6_ECHO_REPLY = 129,
    ICMP6_LISTENER_QUERY = 130, /* RFC 2710 */
    ICMP6_LISTENER_REPORT = 131,
    ICMP6_LISTENER_DONE = 132,
    ICMP6_ROUTER_SOLICITATION = 133, /* RFC 4861 */
    ICMP6_ROUTER_ADVERTISEMENT = 134,
    ICMP6_NEIGHBOUR_SOLICITATION = 135,
    ICMP6_NEIGHBOUR_ADVERTISEMENT = 136,
    ICMP6_REDIRECT = 137,
    ICMP6_LISTENER_REPORT_2 = 143, /* RFC 3810 */

    /* codes of ICMP6_UNREACHABLE (RFC 4443, 3.1) */
    ICMP6_NO_ROUTE = 0,
    ICMP6_PROHIBITED = 1,
    ICMP6_BEYOND_SCOPE = 2,
    ICMP6_UNREACHABLE_ADDRESS = 3,
    ICMP6_UNREACHABLE_PORT = 4,
    ICMP6_POLICY = 5,
    ICMP6_REJECT_ROUTE = 6,

    ICMP6_UNKNOWN_NEXT_HEADER = 1, /* a code of ICMP6_PARAMETER_PROBLEM (RFC 4443, 3.4) */
};

/* Verifies the checksum over pseudo-header, header and body. */
NODISCARD enum drop icmp6_parse(struct ip_addr src, struct ip_addr dst, struct bytes in,
                                struct icmp_header *out, struct bytes *body);

/* Header and body, with the checksum. */
void icmp6_emit(struct writer *w, struct ip_addr src, struct ip_addr dst,
                const struct icmp_header *h, struct bytes body);

/* What an error is about: the quoted header, how long the packet was, and the first 8 octets behind
 * the header, or DROP_ICMP_QUOTE. Whether we ever sent it is the caller's to find out. */
NODISCARD enum drop icmp6_quote_parse(struct bytes body, struct ipv6_header *inner,
                                      size_t *packet_len, struct bytes *first8);

#endif
