/*
 * tcp_wire.h - the TCP header and its options as octets and as a struct (RFC 9293, 3.1, 3.2).
 *
 * Above this file there is only struct tcp_segment, in host order.
 */
#ifndef TAPIO_TCP_WIRE_H
#define TAPIO_TCP_WIRE_H

#include <tapio/drops.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "ip/ipv4_wire.h"
#include "tcp/tcp_seq.h"

enum { TCP_HEADER_MIN = 20, TCP_HEADER_MAX = 60, TCP_CSUM_OFFSET = 16 };

enum {
    TCP_FIN = 0x01,
    TCP_SYN = 0x02,
    TCP_RST = 0x04,
    TCP_PSH = 0x08,
    TCP_ACK = 0x10,
    TCP_URG = 0x20,
    TCP_ECE = 0x40, /* (RFC 3168, 6.1) */
    TCP_CWR = 0x80,
};

/* Octets [left, right) that somebody has (RFC 2018, 3). */
struct tcp_block {
    tcp_seq left, right;
};

enum {
    TCP_SACK_BLOCKS = 4,     /* what 40 octets of options hold, */
    TCP_SACK_BLOCKS_TS = 3,  /* and what is left beside timestamps */
    TCP_TIMESTAMPS_LEN = 12, /* with their padding */
};

/* Octets of options that `blocks` take, with their padding. */
static inline uint32_t tcp_sack_len(uint8_t blocks)
{
    return blocks > 0 ? 4 + 8u * blocks : 0;
}

/* What the options said. MSS, window scale and SACK-permitted mean something on a SYN only (RFC
 * 9293, MUST-65; RFC 7323, 2.2; RFC 2018, 2); the caller looks at them there alone. */
struct tcp_options {
    uint16_t mss;
    uint8_t window_scale;
    bool has_mss;
    bool has_window_scale;
    bool sack_permitted;
    bool has_timestamps;
    bool malformed;     /* parsing stopped early; what came before it counts (MUST-7) */
    uint8_t sack_count; /* blocks */
    uint32_t ts_val, ts_ecr;
    struct tcp_block sack[TCP_SACK_BLOCKS];
};

struct tcp_segment {
    uint16_t src_port, dst_port;
    tcp_seq seq, ack;
    uint8_t flags;
    uint16_t window; /* as on the wire, not scaled */
    uint16_t urgent;
    struct tcp_options options;
    struct bytes text;
};

/* DROP_NONE, or DROP_TCP_HEADER. The checksum is the caller's (tcp_checksum_is_right()). */
enum drop tcp_parse(struct bytes in, struct tcp_segment *seg);

/* Writes header and options; the checksum field stays zero and the text is the caller's to append.
 */
void tcp_emit(struct writer *w, const struct tcp_segment *seg);

/* Octets that tcp_emit() writes: 20 and the options, padded to 32 bits. */
size_t tcp_header_len(const struct tcp_segment *seg);

/* Over header and text, with the pseudo-header of the family of `src` (MUST-2, MUST-3). */
bool tcp_checksum_is_right(struct ip_addr src, struct ip_addr dst, struct bytes segment);

/* SEG.LEN: SYN and FIN count as one octet each (RFC 9293, 3.4). */
static inline uint32_t tcp_seg_len(const struct tcp_segment *seg)
{
    return (uint32_t)seg->text.len + !!(seg->flags & TCP_SYN) + !!(seg->flags & TCP_FIN);
}

#endif
