/*
 * hash.c - SipHash-2-4 by Aumasson and Bernstein (2012), written from the paper.
 *
 * Two rounds for each word of 8 octets, four at the end. Words are little-endian whatever the
 * machine is, so a seed replays a run anywhere. The tuple is hashed as 36 octets, address and port
 * of each end in the order of the wire; both families are one, because addresses are (addr.h). A
 * table that is asked for each packet does with 12 of IPv4, two words instead of five; the length,
 * which is hashed too, keeps the families apart.
 */
#include "base/hash.h"

#include "base/bytes.h"

static inline uint64_t rotate_left(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static inline uint64_t load_le64(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline struct sip sip_round(struct sip s)
{
    s.v0 += s.v1;
    s.v1 = rotate_left(s.v1, 13) ^ s.v0;
    s.v0 = rotate_left(s.v0, 32);
    s.v2 += s.v3;
    s.v3 = rotate_left(s.v3, 16) ^ s.v2;
    s.v0 += s.v3;
    s.v3 = rotate_left(s.v3, 21) ^ s.v0;
    s.v2 += s.v1;
    s.v1 = rotate_left(s.v1, 17) ^ s.v2;
    s.v2 = rotate_left(s.v2, 32);
    return s;
}

static inline struct sip sip_absorb(struct sip s, uint64_t word)
{
    s.v3 ^= word;
    s = sip_round(sip_round(s));
    s.v0 ^= word;
    return s;
}

static inline uint64_t hash_of(struct hash_key key, struct bytes octets)
{
    struct sip s = {
        .v0 = key.k0 ^ UINT64_C(0x736f6d6570736575),
        .v1 = key.k1 ^ UINT64_C(0x646f72616e646f6d),
        .v2 = key.k0 ^ UINT64_C(0x6c7967656e657261),
        .v3 = key.k1 ^ UINT64_C(0x7465646279746573),
    };
    struct bytes rest = octets;

    for (; rest.len >= 8; rest = bytes_skip(rest, 8))
        s = sip_absorb(s, load_le64(rest.at));

    /* The last word: what is left, and the length modulo 256 in its top octet. */
    uint8_t last[8] = {[7] = (uint8_t)octets.len};
    if (rest.len)
        memcpy(last, rest.at, rest.len);
    s = sip_absorb(s, load_le64(last));

    s.v2 ^= 0xff;
    s = sip_round(sip_round(sip_round(sip_round(s))));
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t siphash(struct hash_key key, struct bytes octets)
{
    return hash_of(key, octets);
}

uint64_t siphash_flow(struct hash_key key, struct endpoint local, struct endpoint remote)
{
    uint8_t flow[12];

    if (!ip_is_v4(local.addr) || !ip_is_v4(remote.addr))
        return siphash_tuple(key, local, remote);
    memcpy(flow, local.addr.octet + 12, 4);
    memcpy(flow + 4, remote.addr.octet + 12, 4);
    put_be16(flow + 8, local.port);
    put_be16(flow + 10, remote.port);
    return hash_of(key, bytes_of(flow, sizeof(flow)));
}

uint64_t siphash_tuple(struct hash_key key, struct endpoint local, struct endpoint remote)
{
    uint8_t tuple[36];

    memcpy(tuple, local.addr.octet, 16);
    put_be16(tuple + 16, local.port);
    memcpy(tuple + 18, remote.addr.octet, 16);
    put_be16(tuple + 34, remote.port);
    return siphash(key, bytes_of(tuple, sizeof(tuple)));
}
