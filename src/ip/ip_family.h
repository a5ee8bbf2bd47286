/*
 * ip_family.h - one table for each IP, so that nobody above asks which one it is (ADR 0007).
 *
 * The stack's way in and way out call through these; the text of TCP never sees an IP header.
 */
#ifndef TAPIO_IP_IP_FAMILY_H
#define TAPIO_IP_IP_FAMILY_H

#include "ip/icmp.h"
#include "ip/icmp_error.h"
#include "ip/ipv4.h"
#include "ip/ipv6.h"

enum { IP_HEADER_MAX = IPV4_HEADER_MAX /* of what we send: longer than IPV6_HEADER */ };

/* A packet that has arrived. */
struct ip_packet {
    const struct ip_family *family;
    struct ip_addr src, dst;
    uint8_t protocol;
    uint8_t ttl;         /* or hop limit */
    uint8_t tos;         /* or traffic class */
    bool link_group;     /* the link brought it to many, */
    bool group;          /* or it is addressed to many */
    struct bytes octets; /* without what the link has padded */
    struct bytes payload;
    union {
        struct ipv4_header v4;
        struct ipv6_header v6;
    } header;
};

/* What a header of ours says. */
struct ip_out {
    struct ip_addr src, dst;
    uint8_t protocol;
    uint8_t ttl;
    uint8_t tos;
    bool may_fragment;    /* IPv4: DF is clear, and so it needs an */
    uint16_t id;          /* identification */
    struct bytes options; /* IPv4 */
};

/* A message whose checksum is right. */
struct icmp_message {
    struct icmp_header header;
    struct bytes body;
    enum icmp_kind kind;
};

struct ip_family {
    uint16_t ether_type;
    uint8_t version;
    uint8_t header_len;      /* of what we send, without options */
    uint8_t icmp;            /* the protocol number of its ICMP */
    uint8_t gso_type;        /* of a big frame that carries TCP over it */
    enum drop unknown_proto; /* why a packet for nobody is dropped */

    /* Reads a packet, judging its form alone: fills all but the two groups. */
    enum drop (*parse)(struct bytes octets, struct ip_packet *out);
    /* Is it for us? Sets `group`. */
    enum drop (*accept)(const struct ip_config *config, struct ip_packet *p);
    /* A header of ours in front of `payload_len` octets. */
    void (*emit)(struct writer *w, const struct ip_out *h, size_t payload_len);

    enum drop (*icmp_parse)(const struct ip_packet *p, struct icmp_message *out);
    enum drop (*icmp_error)(const struct icmp_message *m, struct icmp_error *out);
    /* May an error be sent about it? */
    bool (*may_answer)(const struct ip_packet *p);
    /* "Nobody takes this here"; NULL when there is no buffer. */
    struct frame *(*refuse)(struct frame_pool *pool, const struct ip_packet *p, uint8_t ttl,
                            uint32_t mtu);
    /* The answer to an echo request, from `our_src`; NULL likewise. */
    struct frame *(*echo_reply)(struct frame_pool *pool, const struct ip_packet *p,
                                const struct icmp_message *m, struct ip_addr our_src, uint8_t ttl);
    /* Our own echo request; `rest` is its identifier and sequence number. NULL likewise. */
    struct frame *(*echo)(struct frame_pool *pool, const struct ip_out *h, uint32_t rest,
                          struct bytes data);
};

extern const struct ip_family ip_family_v4, ip_family_v6;

static inline const struct ip_family *ip_family_of(struct ip_addr a)
{
    return ip_is_v4(a) ? &ip_family_v4 : &ip_family_v6;
}

/* By the version in the first octet; NULL for neither. */
const struct ip_family *ip_family_of_packet(struct bytes packet);

/* Reads a packet that we made. */
struct ip_packet ip_packet_of_ours(struct bytes packet);

#endif
