/*
 * icmp.h - what a host does with ICMP (RFC 1122, 3.2.2): echo, errors, and how many of them.
 *
 * The functions build whole IPv4 packets in frames of the caller's pool and give them away; where
 * they go and when is the caller's business.
 */
#ifndef TAPIO_IP_ICMP_H
#define TAPIO_IP_ICMP_H

#include "base/frame.h"
#include "base/hash.h"
#include "base/instant.h"
#include "ip/icmp_error.h"
#include "ip/icmp_wire.h"

/* --- how many ----------------------------------------------------------------------------- */

enum { ICMP_PEERS = 512 };

/* A token bucket for each destination and one for all, for ICMP errors and for resets without a
 * connection (RFC 1812, 4.3.2.8). A bucket is the instant at which it will be full again. */
struct icmp_limiter {
    struct hash_key key;
    int64_t cost, depth;           /* of one message, and of the whole bucket, in nanoseconds */
    int64_t peer_cost, peer_depth; /* the same for one destination */
    uint64_t draws;
    instant all;
    instant peer[ICMP_PEERS]; /* by keyed hash; those that collide share */
};

void icmp_limiter_init(struct icmp_limiter *limiter, const struct stack_values *values,
                       struct hash_key key, instant now);

/* May one more message leave for `to`? Takes the tokens if so. A rate of 0 lets none leave. The
 * caller counts refusals. */
NODISCARD bool icmp_allow(struct icmp_limiter *limiter, struct ip_addr to, instant now);

/* --- in ----------------------------------------------------------------------------------- */

enum icmp_kind {
    ICMP_KIND_ECHO,       /* answer with icmp_echo_reply() */
    ICMP_KIND_ECHO_REPLY, /* for whoever pings */
    ICMP_KIND_ERROR, /* unreachable, time exceeded, parameter problem: a hint for a transport */
};

/* What to do with a message whose checksum is right. `broadcast`: it was sent to a broadcast or
 * a group. */
NODISCARD enum drop icmp_classify(const struct icmp_header *h, bool broadcast, enum icmp_kind *out);

/* What an error says; DROP_ICMP_QUOTE when the quote cannot be ours, DROP_ICMP_PMTU when the packet
 * was no larger than the MTU for which it is said to have been too big. */
NODISCARD enum drop icmp_error_of(const struct icmp_header *h, struct bytes body,
                                  struct icmp_error *out);

/* --- out ---------------------------------------------------------------------------------- */

/* May an error, or a reset, be sent about this packet at all? `h` has passed ipv4_accept(), which
 * knows our directed broadcasts; `payload` is what is behind the header. */
bool icmp_may_answer(const struct ipv4_header *h, bool link_group, bool broadcast,
                     struct bytes payload);

/* The answer to an echo request to one of our addresses: its identifier, sequence number and data
 * unchanged, from the address that was asked. NULL when the pool is empty. */
NODISCARD struct frame *icmp_echo_reply(struct frame_pool *pool, const struct ipv4_header *request,
                                        const struct icmp_header *h, struct bytes body,
                                        uint8_t ttl);

/* "Nobody takes this here", about `packet` with the header `its`, quoting as much as 576 octets or
 * the link's MTU can hold, padding excluded. Ask icmp_may_answer() and icmp_allow() first. NULL
 * when the pool is empty or the packet has options, which we never send. */
NODISCARD struct frame *icmp_unreachable(struct frame_pool *pool, struct bytes packet,
                                         const struct ipv4_header *its, struct ip_addr our_src,
                                         uint8_t code, uint8_t ttl, uint32_t mtu);

/* "The rest of it has not come" (time exceeded, code 1), about the first fragment; as above. */
NODISCARD struct frame *icmp_reassembly_timeout(struct frame_pool *pool, struct bytes packet,
                                                const struct ipv4_header *its, uint8_t ttl,
                                                uint32_t mtu);

#endif
