/*
 * icmp_error.h - what an ICMP error says, whichever IP brought it.
 */
#ifndef TAPIO_IP_ICMP_ERROR_H
#define TAPIO_IP_ICMP_ERROR_H

#include "base/addr.h"

/* About which packet of ours, and what it means for whoever sent it. The errnos are those that
 * programs know from Linux. */
struct icmp_error {
    struct ip_addr src, dst; /* of our packet */
    uint8_t protocol;
    struct bytes first8; /* the first octets behind its IP header */
    size_t packet_len;   /* of the whole packet, as quoted */
    int error;           /* errno; 0: nothing that a program could be told */
    bool hard;           /* it will not pass by itself (RFC 1122, 4.2.3.9) */
    bool too_big;        /* for a link on the way, which carries */
    uint32_t mtu;        /* so much; 0: an old router that does not say (RFC 1191, 5) */
};

#endif
