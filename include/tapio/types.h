/*
 * tapio/types.h - the small values that every face of the stack passes around.
 *
 * All of them are plain structs, passed by value, in host order where order matters. An
 * IPv4 address is held as the IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2), so that one
 * type, one hash and one comparison serve both families.
 */
#ifndef TAPIO_TYPES_H
#define TAPIO_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TAPIO_API       __attribute__((visibility("default")))
#define TAPIO_NODISCARD __attribute__((warn_unused_result))

#ifdef __cplusplus
extern "C" {
#endif

/* A point on a clock that never runs backwards, in nanoseconds from an origin that is the
 * caller's choice. The stack reads no clock: whoever calls it says what time it is. */
typedef struct {
    int64_t ns;
} instant;

/* Octets that belong to somebody else. */
struct bytes {
    const uint8_t *at;
    size_t len;
};

/* A 48-bit Ethernet address. */
struct mac_addr {
    uint8_t octet[6];
};

/* An IPv6 address, or an IPv4 address in its mapped form ::ffff:a.b.c.d. All zeros (::)
 * means "unspecified, of either family". */
struct ip_addr {
    uint8_t octet[16];
};

/* An address with the number of leading bits that name its network: 0..32 for IPv4,
 * 0..128 for IPv6. */
struct ip_prefix {
    struct ip_addr addr;
    uint8_t len;
};

/* What TCP and UDP call a socket: an address and a port, the port in host order. */
struct endpoint {
    struct ip_addr addr;
    uint16_t port;
};

#ifdef __cplusplus
}
#endif
#endif
