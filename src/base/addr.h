/*
 * addr.h - Ethernet and IP addresses as values.
 *
 * One type holds both families (ADR 0007): IPv4 is kept in its mapped form, so equality, hashing
 * and demultiplexing never ask which it is. Only wire code and the MSS do.
 *
 * What kind an address is, and in which network, is asked a dozen times for each packet. So it is
 * answered here, without a call, and by comparing words.
 */
#ifndef TAPIO_BASE_ADDR_H
#define TAPIO_BASE_ADDR_H

#include <string.h>
#include <tapio/tapio.h>

#include "base/base.h"

static inline bool mac_equal(struct mac_addr a, struct mac_addr b)
{
    return memcmp(a.octet, b.octet, 6) == 0;
}

/* The group bit: multicast or broadcast (IEEE 802.3). */
static inline bool mac_is_group(struct mac_addr a)
{
    return a.octet[0] & 1;
}

static inline bool mac_is_zero(struct mac_addr a)
{
    return mac_equal(a, (struct mac_addr){{0}});
}

#define IP_BROADCAST ip_from_v4(UINT32_MAX) /* 255.255.255.255 */

#define MAC_BROADCAST ((struct mac_addr){{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}})

static inline bool ip_equal(struct ip_addr a, struct ip_addr b)
{
    return memcmp(a.octet, b.octet, 16) == 0;
}

static inline bool endpoint_equal(struct endpoint a, struct endpoint b)
{
    return a.port == b.port && ip_equal(a.addr, b.addr);
}

/* Eight octets of it from `at` on, the first one on top. */
static inline uint64_t ip_word(struct ip_addr a, size_t at)
{
    uint64_t word;
    memcpy(&word, a.octet + at, 8);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* From the 32 bits that the wire carries, in host order. */
static inline struct ip_addr ip_from_v4(uint32_t v4)
{
    struct ip_addr a = {{0}};
    uint64_t word = UINT64_C(0xffff) << 32 | v4;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    memcpy(a.octet + 8, &word, 8);
    return a;
}

static inline uint32_t ip_to_v4(struct ip_addr a)
{
    return (uint32_t)ip_word(a, 8);
}

/* --- what kind ---------------------------------------------------------------------------- */

/* ::ffff:0:0/96 */
static inline bool ip_is_v4(struct ip_addr a)
{
    return ip_word(a, 0) == 0 && ip_word(a, 8) >> 32 == 0xffff;
}

/* :: or 0.0.0.0 */
static inline bool ip_is_unspecified(struct ip_addr a)
{
    return ip_word(a, 0) == 0 && (ip_word(a, 8) == 0 || ip_word(a, 8) == UINT64_C(0xffff) << 32);
}

/* 127/8 or ::1 */
static inline bool ip_is_loopback(struct ip_addr a)
{
    if (ip_is_v4(a))
        return a.octet[12] == 127;
    return ip_word(a, 0) == 0 && ip_word(a, 8) == 1;
}

/* 224/4 or ff00::/8 */
static inline bool ip_is_multicast(struct ip_addr a)
{
    if (ip_is_v4(a))
        return a.octet[12] >> 4 == 0xe;
    return a.octet[0] == 0xff;
}

/* 255.255.255.255; IPv6 has none */
static inline bool ip_is_limited_broadcast(struct ip_addr a)
{
    return ip_is_v4(a) && ip_to_v4(a) == UINT32_MAX;
}

/* 240/4 without the limited broadcast (RFC 1112, 4) */
static inline bool ip_is_class_e(struct ip_addr a)
{
    return ip_is_v4(a) && a.octet[12] >> 4 == 0xf && ip_to_v4(a) != UINT32_MAX;
}

/* --- networks ----------------------------------------------------------------------------- */

/* Are the first `bits` of both words the same? */
static inline bool ip_words_agree(uint64_t a, uint64_t b, unsigned bits)
{
    return bits == 0 || (a ^ b) >> (64 - bits) == 0;
}

/* `a` is in the network that `net` names; never across families. */
static inline bool prefix_contains(struct ip_prefix net, struct ip_addr a)
{
    bool v4 = ip_is_v4(net.addr);

    assert(net.len <= (v4 ? 32 : 128));
    if (v4 != ip_is_v4(a))
        return false;
    if (v4) /* whose first 96 bits are the same */
        return ip_words_agree(ip_word(net.addr, 8), ip_word(a, 8), 32u + net.len);
    if (net.len <= 64)
        return ip_words_agree(ip_word(net.addr, 0), ip_word(a, 0), net.len);
    return ip_word(net.addr, 0) == ip_word(a, 0) &&
           ip_words_agree(ip_word(net.addr, 8), ip_word(a, 8), net.len - 64u);
}

/* The directed broadcast of an IPv4 network of at most 30 bits (RFC 1122, 3.2.1.3), or the
 * network's own number, its old form. */
static inline bool v4_is_broadcast(uint32_t net, unsigned len, uint32_t a)
{
    /* Of 31 bits both addresses are hosts (RFC 3021), and 32 name just one. */
    if (len > 30)
        return false;
    uint32_t hosts = UINT32_MAX >> len, host = a & hosts;
    return ((a ^ net) & ~hosts) == 0 && (host == hosts || host == 0);
}

static inline bool prefix_is_broadcast(struct ip_prefix net, struct ip_addr a)
{
    return ip_is_v4(net.addr) && ip_is_v4(a) &&
           v4_is_broadcast(ip_to_v4(net.addr), net.len, ip_to_v4(a));
}

#endif
