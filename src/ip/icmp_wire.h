/*
 * icmp_wire.h - ICMP messages (RFC 792).
 */
#ifndef TAPIO_IP_ICMP_WIRE_H
#define TAPIO_IP_ICMP_WIRE_H

#include "ip/ipv4_wire.h"

enum {
    ICMP_HEADER = 8,

    ICMP_ECHO_REPLY = 0,
    ICMP_UNREACHABLE = 3,
    ICMP_SOURCE_QUENCH = 4,
    ICMP_REDIRECT = 5,
    ICMP_ECHO = 8,
    ICMP_ROUTER_ADVERTISEMENT = 9,
    ICMP_ROUTER_SOLICITATION = 10,
    ICMP_TIME_EXCEEDED = 11,
    ICMP_PARAMETER_PROBLEM = 12,
    ICMP_TIMESTAMP = 13,
    ICMP_TIMESTAMP_REPLY = 14,
    ICMP_INFORMATION = 15,
    ICMP_INFORMATION_REPLY = 16,
    ICMP_MASK = 17,
    ICMP_MASK_REPLY = 18,

    /* codes of ICMP_UNREACHABLE (RFC 792; RFC 1122, 3.2.2.1) */
    ICMP_UNREACHABLE_NET = 0,
    ICMP_UNREACHABLE_HOST = 1,
    ICMP_UNREACHABLE_PROTOCOL = 2,
    ICMP_UNREACHABLE_PORT = 3,
    ICMP_UNREACHABLE_TOO_BIG = 4, /* fragmentation needed and DF set */
};

struct icmp_header {
    uint8_t type;
    uint8_t code;
    uint32_t rest; /* identifier and sequence number, the next-hop MTU, or nothing */
};

/* Verifies the checksum over header and body. */
NODISCARD enum drop icmp_parse(struct bytes in, struct icmp_header *out, struct bytes *body);

/* Header and body, with the checksum. */
void icmp_emit(struct writer *w, const struct icmp_header *h, struct bytes body);

/* What an error is about: the quoted header, how long the packet says it was, and the first 8
 * octets behind the header, or DROP_ICMP_QUOTE.
 * Whether we ever sent it is the caller's to find out (protocol, addresses, ports, SEQ). */
NODISCARD enum drop icmp_quote_parse(struct bytes body, struct ipv4_header *inner,
                                     size_t *packet_len, struct bytes *first8);

#endif
