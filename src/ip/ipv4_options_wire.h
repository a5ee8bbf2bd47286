/*
 * ipv4_options_wire.h - the options of an IPv4 header (RFC 791, 3.1; RFC 1122, 3.2.1.8; RFC 2113).
 */
#ifndef TAPIO_IP_IPV4_OPTIONS_WIRE_H
#define TAPIO_IP_IPV4_OPTIONS_WIRE_H

#include "base/addr.h"
#include "base/bytes.h"

enum { IPV4_OPTIONS_MAX = 40 };

/* Options with their length, a multiple of four. */
struct ipv4_options {
    uint8_t len;
    uint8_t octets[IPV4_OPTIONS_MAX];
};

static inline struct bytes ipv4_options_bytes(const struct ipv4_options *options)
{
    return bytes_of(options->octets, options->len);
}

/* Are those of a packet that has come well-formed, and is there no source route? */
NODISCARD enum drop ipv4_options_check(struct bytes options);

/* Those that a program wants sent: padded, and the slots that we fill are cleared. -EINVAL when
 * they are malformed, too long or not a program's to choose, -EPERM for a source route. */
NODISCARD int ipv4_options_take(struct bytes given, struct ipv4_options *out);

/* Puts an address of ours into the next free slot of a recorded route, and the time into that of a
 * timestamp option: before a packet leaves, or when one has come. `options` are well-formed. */
void ipv4_options_record(struct ipv4_options *options, struct ip_addr ours, uint32_t time);

/* Those that every fragment carries, not the first alone. */
struct ipv4_options ipv4_options_copied(struct bytes options);

/* What a program sends back to continue what a packet has recorded, well-formed. */
struct ipv4_options ipv4_options_returned(struct bytes options);

#endif
