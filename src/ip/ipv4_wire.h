/*
 * ipv4_wire.h - the IPv4 header (RFC 791, 3.1).
 *
 * Whether a well-formed packet is for us is ipv4.h's question.
 */
#ifndef TAPIO_IP_IPV4_WIRE_H
#define TAPIO_IP_IPV4_WIRE_H

#include "base/addr.h"
#include "base/bytes.h"
#include "ip/ipv4_options_wire.h"

enum {
    IPV4_HEADER_MIN = 20,
    IPV4_HEADER_MAX = 60,
    IPV4_TOTAL_MAX = 65535,

    IP_PROTOCOL_ICMP = 1,
    IP_PROTOCOL_TCP = 6,
    IP_PROTOCOL_UDP = 17,

    IP_TOS_ECN = 0x03, /* the two low bits of the type of service (RFC 3168, 5) */
};

struct ipv4_header {
    struct ip_addr src, dst;
    uint8_t protocol;
    uint8_t ttl;
    uint8_t tos; /* DSCP and ECN */
    uint16_t id;
    bool dont_fragment;
    bool more_fragments;
    uint16_t fragment_offset; /* octets */
    struct bytes options;     /* a view into the packet */
};

/* Verifies the checksum and the lengths, and that the options are well-formed. `payload` ends where
 * the total length says; padding behind it is cut off. */
NODISCARD enum drop ipv4_parse(struct bytes packet, struct ipv4_header *out, struct bytes *payload);

/* A header with its options and its checksum, for `payload_len` octets that the caller appends. */
void ipv4_emit(struct writer *w, const struct ipv4_header *h, size_t payload_len);

/* The header of a reassembled packet: that of its first fragment with its options, as if it had
 * never been cut (RFC 791, 3.2). `congested`: a fragment carried CE (RFC 3168, 5.3). */
void ipv4_emit_whole(struct writer *w, struct bytes first_header, size_t payload_len,
                     bool congested);

/* Clears DF in a packet of ours that must leave in fragments, and gives it its identification. It
 * has no options. */
void ipv4_permit_fragments(uint8_t *packet, uint16_t id);

/* The header of a piece of a packet of ours, with those options that it has: `len` octets from
 * `offset` of the payload on. */
void ipv4_emit_piece(struct writer *w, const struct ipv4_header *whole, size_t offset, size_t len,
                     bool more);

/* The header alone, for a packet that somebody else quotes and may have cut off: reads it with its
 * options and judges neither its checksum nor its lengths. False when it is not all there. */
NODISCARD bool ipv4_read_header(struct reader *r, struct ipv4_header *out, size_t *total_len);

#endif
