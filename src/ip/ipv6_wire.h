/*
 * ipv6_wire.h - the IPv6 header (RFC 8200, 3).
 *
 * Whether a well-formed packet is for us is ipv6.h's question.
 */
#ifndef TAPIO_IP_IPV6_WIRE_H
#define TAPIO_IP_IPV6_WIRE_H

#include "base/addr.h"
#include "base/bytes.h"

enum {
    IPV6_HEADER = 40,
    IPV6_PAYLOAD_MAX = 65535,
    IPV6_MTU_MIN = 1280,         /* every link carries as much (RFC 8200, 5) */
    IPV6_NEXT_HEADER_OFFSET = 6, /* what a parameter problem points at */

    IP_PROTOCOL_ICMP6 = 58,
};

struct ipv6_header {
    struct ip_addr src, dst;
    uint8_t next_header;
    uint8_t hop_limit;
    uint8_t traffic_class; /* DSCP and ECN */
    uint32_t flow_label;   /* 20 bits */
};

/* Holds the lengths against each other and refuses extension headers. `payload` ends where the
 * payload length says; what is behind it is cut off. */
NODISCARD enum drop ipv6_parse(struct bytes packet, struct ipv6_header *out, struct bytes *payload);

/* The mirror of it, for `payload_len` octets that the caller appends. */
void ipv6_emit(struct writer *w, const struct ipv6_header *h, size_t payload_len);

/* The header alone, for a packet that somebody else quotes and may have cut off. False when it is
 * not all there. */
NODISCARD bool ipv6_read_header(struct reader *r, struct ipv6_header *out, size_t *payload_len);

/* Is it the number of a header that stands between IPv6 and the transport, or of none at all (RFC
 * 8200, 4.7)? */
bool ipv6_is_extension(uint8_t next_header);

#endif
