/*
 * drill_wire.h - a script's packets as octets, and the stack's octets as a script would write them.
 *
 * Written apart from the stack's own parsers on purpose: what judges a stack must not share its
 * mistakes. Both directions speak struct drill_tcp, so a live packet and a line of the script can
 * be compared field by field and shown in the same words.
 */
#ifndef TAPIO_SIM_DRILL_WIRE_H
#define TAPIO_SIM_DRILL_WIRE_H

#include "base/bytes.h"
#include "base/text.h"
#include "sim/drill_ast.h"

enum { DRILL_PACKET_MAX = 65536, DRILL_TCP_OPTIONS = 40 };

/* A packet that the stack has sent. Views point into its octets. */
struct drill_seen {
    const char *broken; /* why it cannot be read; NULL: it can */
    bool v6;
    uint8_t tos, ttl, protocol; /* IP_PROTOCOL numbers; ICMPv6 is 58 */
    uint32_t flowlabel;
    struct endpoint src, dst; /* ports are 0 in ICMP */
    struct drill_tcp tcp;     /* numbers as on the wire */
    struct drill_tcp_option options[DRILL_TCP_OPTIONS];
    uint8_t header_len; /* TCP's, octets */
    uint8_t icmp_type, icmp_code;
    struct bytes text;
};

enum { DRILL_PROTO_ICMP = 1, DRILL_PROTO_TCP = 6, DRILL_PROTO_UDP = 17, DRILL_PROTO_ICMP6 = 58 };

void drill_read_packet(struct bytes packet, struct drill_seen *out);
/* Of a packet that may be cut off behind its headers: lengths are those that it says, and no
 * checksum over the text is verified. */
void drill_read_headers(struct bytes packet, struct drill_seen *out);

/* Addresses and what an annotation said; the same for every packet in. */
struct drill_envelope {
    struct endpoint src, dst;
    uint8_t tos, ttl;
    uint32_t flowlabel;
};

/* The octets that the options take on the wire, before padding. */
size_t drill_options_len(const struct drill_tcp *tcp);
/* Each returns the length of the packet, 0 when it does not fit `room`. Payload is zeros. */
size_t drill_build_tcp(const struct drill_envelope *env, const struct drill_tcp *tcp, uint8_t *out,
                       size_t room);
/* `quote` describes what the error is about: from us to the peer, so src and dst are turned. */
struct drill_quoted {
    enum drill_quote kind;
    uint32_t seq, len;
};
size_t drill_build_icmp(const struct drill_envelope *env, uint8_t type, uint8_t code, uint32_t rest,
                        const struct drill_quoted *quote, uint8_t *out, size_t room);
size_t drill_build_udp(const struct drill_envelope *env, uint32_t len, uint8_t *out, size_t room);

/* --- in the script's own words ------------------------------------------------------------ */

void drill_show_flags(struct text *out, uint16_t flags);
/* "<mss 1460,nop,wscale 7>"; nothing when there are none. */
void drill_show_options(struct text *out, const struct drill_tcp *tcp);
/* "P. 1:101(100) ack 1 win 500 <...>"; `window`: show it even when the line says nothing of it. */
void drill_show_tcp(struct text *out, const struct drill_tcp *tcp, bool window);
void drill_show_option(struct text *out, const struct drill_tcp_option *option);

#endif
