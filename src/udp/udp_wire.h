/*
 * udp_wire.h - the UDP header as octets and as a struct (RFC 768).
 */
#ifndef TAPIO_UDP_UDP_WIRE_H
#define TAPIO_UDP_UDP_WIRE_H

#include <tapio/drops.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "ip/ipv4_wire.h"

enum { UDP_HEADER = 8, UDP_CSUM_OFFSET = 6, UDP_LENGTH_MAX = 65535 };

struct udp_datagram {
    uint16_t src_port; /* 0: nobody there expects an answer */
    uint16_t dst_port;
    uint16_t checksum; /* 0: the sender has computed none */
    struct bytes data;
};

/* DROP_NONE, DROP_UDP_LENGTH or DROP_UDP_PORT_ZERO. What is behind the datagram's own length is no
 * part of it. The checksum is the caller's (udp_checksum_is_right()). */
NODISCARD enum drop udp_parse(struct bytes in, struct udp_datagram *out);

/* The mirror of it, for `data_len` octets that the caller appends. The checksum field gets what
 * `h` says. */
void udp_emit(struct writer *w, const struct udp_datagram *h, size_t data_len);

/* Over header and data, with the pseudo-header of the family of `src`; `datagram` is what
 * udp_parse() has read and may go on behind it. A field of zero, which says that there is none, is
 * the caller's to judge. */
bool udp_checksum_is_right(struct ip_addr src, struct ip_addr dst, struct bytes datagram);

/* Puts the checksum into a whole datagram whose field is zero: never zero (RFC 768). */
void udp_fill_checksum(struct ip_addr src, struct ip_addr dst, uint8_t *datagram, size_t len);

#endif
