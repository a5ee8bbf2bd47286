/*
 * icmp6.h - what a host does with ICMPv6 (RFC 4443): echo and errors. How many is icmp.h's limiter.
 *
 * As in icmp.h, whole packets are built in frames of the caller's pool and given away.
 */
#ifndef TAPIO_IP_ICMP6_H
#define TAPIO_IP_ICMP6_H

#include "ip/icmp.h"
#include "ip/icmp6_wire.h"
#include "ip/icmp_error.h"

/* What to do with a message whose checksum is right. `group`: it was sent to a group. */
NODISCARD enum drop icmp6_classify(const struct icmp_header *h, bool group, enum icmp_kind *out);

/* What an error says; DROP_ICMP_QUOTE when the quote cannot be ours. */
NODISCARD enum drop icmp6_error_of(const struct icmp_header *h, struct bytes body,
                                   struct icmp_error *out);

/* May an error be sent about this packet at all (RFC 4443, 2.4 (e))? `h` has passed ipv6_accept().
 */
bool icmp6_may_answer(const struct ipv6_header *h, bool link_group, bool group,
                      struct bytes payload);

/* The answer to an echo request, from `our_src`. NULL when the pool is empty. */
NODISCARD struct frame *icmp6_echo_reply(struct frame_pool *pool, const struct ipv6_header *request,
                                         const struct icmp_header *h, struct bytes body,
                                         struct ip_addr our_src, uint8_t hop_limit);

/* "Nobody takes this here", about `packet` with the header `its`: port unreachable for UDP, else a
 * parameter problem at its next header field; quotes as much as 1280 octets can hold. Ask
 * icmp6_may_answer() and icmp_allow() first. NULL when the pool is empty. */
NODISCARD struct frame *icmp6_refuse(struct frame_pool *pool, struct bytes packet,
                                     const struct ipv6_header *its, uint8_t hop_limit);

#endif
