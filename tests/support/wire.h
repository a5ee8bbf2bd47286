/*
 * wire.h - a TCP segment as a whole Ethernet frame, and what must be true of each that leaves.
 *
 * The tests' own reading of RFC 894, 826, 791 and 9293, written apart from src/ so that the two can
 * disagree: nothing of src/ is used but the types. wire_parse() looks at one frame that the stack
 * sent; a wire_flow remembers both directions of one connection and sees what a single frame cannot
 * show (windows, the right edge, what an octet said when it was first sent). Both answer with NULL
 * or with a sentence that says what is wrong.
 */
#ifndef TAPIO_TESTS_WIRE_H
#define TAPIO_TESTS_WIRE_H

#include <tapio/types.h>

enum { WIRE_FIN = 1, WIRE_SYN = 2, WIRE_RST = 4, WIRE_PSH = 8, WIRE_ACK = 16, WIRE_URG = 32 };
enum { WIRE_ECE = 64, WIRE_CWR = 128 };
enum { WIRE_ECT_1 = 1, WIRE_ECT_0 = 2, WIRE_CE = 3 }; /* the low bits of the TOS */
enum { WIRE_FRAME_MAX = 65536 + 128, WIRE_HEADERS = 14 + 20 + 20, WIRE_MIN_FRAME = 60 };
/* MSS without an option, and the least that tapio believes (RFC 9293, MUST-15; tcp.mss_floor). */
enum { WIRE_DEFAULT_MSS = 536, WIRE_MSS_FLOOR = 48 };

/* One segment with what carries it. Addresses are 32 bits in host order. */
struct wire_tcp {
    uint8_t eth_src[6], eth_dst[6];
    uint32_t ip_src, ip_dst;
    uint16_t src_port, dst_port;
    uint32_t seq, ack;
    uint8_t flags;
    uint16_t window;
    uint16_t urgent;
    uint8_t ttl, dscp, ecn;
    struct bytes options; /* emitted as they are, padded with zeros to 32 bits */
    struct bytes text;
    struct bytes ip_options; /* likewise */
    uint8_t reserved;        /* the four bits beside the data offset */
    uint8_t data_offset;     /* 0: what is right */
    bool bad_checksum;
    /* what parsing found in the options */
    bool has_mss, has_scale, has_timestamps;
    uint16_t mss;
    uint8_t scale;
    uint32_t ts_val, ts_ecr;
};

enum wire_kind { WIRE_TCP, WIRE_ARP, WIRE_OTHER };

struct wire_arp {
    uint16_t op;
    uint8_t sha[6], tha[6];
    uint32_t spa, tpa;
};

/* Writes the frame, checksums and all, padded to 60 octets; returns its length. `out` has
 * WIRE_FRAME_MAX octets. */
size_t wire_emit(uint8_t *out, const struct wire_tcp *tcp);
size_t wire_emit_arp(uint8_t *out, const uint8_t eth_dst[6], const struct wire_arp *arp);

/* Reads a frame that the stack sent and checks all that can be checked without a memory. */
enum wire_kind wire_parse(const uint8_t *frame, size_t len, struct wire_tcp *tcp,
                          struct wire_arp *arp, const char **problem);

/* Makes the checksums of a frame right, as far as it is one: so that a fuzzer gets behind them. */
void wire_fix_checksums(uint8_t *frame, size_t len);

uint16_t wire_checksum(const uint8_t *octets, size_t len, uint32_t sum);

/* One connection, as seen from the wire. "We" is the stack, "they" is the peer that the test plays.
 */
struct wire_flow {
    uint32_t our_addr, their_addr;
    uint16_t our_port, their_port;

    uint32_t iss, irs; /* ours, theirs */
    bool we_sent_syn, they_sent_syn;
    bool we_scale, they_scale; /* the option was in the SYN */
    bool we_stamp, they_stamp; /* likewise */
    uint8_t our_shift, their_shift;
    uint16_t their_mss, our_mss; /* as they bind the other side */

    /* who has sent a SYN or <SYN,ACK> that sets ECN up, and who one that does not (RFC 3168, 6.1.1)
     */
    bool we_set_up, we_refused, they_set_up, they_refused;

    uint32_t sent_to; /* the highest sequence number that we have used, plus one: SND.NXT or more */
    uint32_t acked_to;   /* the highest that they have acknowledged */
    uint32_t their_edge; /* the rightmost that they have ever offered */
    bool they_offered;
    bool we_finished; /* our FIN has left, at */
    uint32_t fin;

    uint32_t last_ack; /* of ours: RCV.NXT as told */
    uint32_t our_edge; /* ACK + window as told */
    uint32_t window;   /* octets, as told last */
    bool we_acked;
    bool
        edge_unscaled; /* told by a SYN, whose window has no shift: rounding may take some off it */
    bool edge_exempt;  /* nobody knows how our window is scaled */
    bool lenient; /* nobody knows which of their segments we believed: the most that they have said
                     of windows and sizes counts */

    uint8_t *said; /* each octet as it was first sent, from ISS + 1 */
    size_t said_len, said_room;
};

void wire_flow_free(struct wire_flow *flow);
bool wire_flow_is(const struct wire_flow *flow, const struct wire_tcp *ours);
/* A segment that they send, and that the stack is about to get. */
void wire_flow_in(struct wire_flow *flow, const struct wire_tcp *theirs);
/* A segment that we sent. NULL, or what is wrong with it. */
const char *wire_flow_out(struct wire_flow *flow, const struct wire_tcp *ours);

#endif
