/*
 * syn_cookie.c - what a SYN said, in the numbers of the answer to it (RFC 4987, 3.6).
 *
 * When no half-open connection can be remembered, the peer remembers it for us: its third step
 * acknowledges our ISS, and so brings it back. The ISS is
 *
 *      31 29 28    24 23                       0
 *     +-----+--------+--------------------------+
 *     | MSS | minute | hash of all, under a key |
 *     +-----+--------+--------------------------+
 *
 * MSS is an index into a table of the family's usual ones, minute the low bits of our clock. The
 * hash covers both (the whole minute), the four-tuple and the peer's ISS; so a cookie is good for
 * this handshake alone, and for the minute in which it was made and the next. Who has not seen the
 * <SYN,ACK> must guess 24 bits. The upper octet is hidden under another hash, because a stranger
 * has no need to know our minute.
 *
 * Of the other options only those that say so can be kept, in six low bits of our timestamp
 * (RFC 7323, 3.2: the peer echoes it):
 *
 *     0..3  window scale, 15: none     4  SACK permitted     5  ECN
 *
 * Without timestamps there is neither scaling nor SACK nor ECN. The hash does not cover these bits:
 * who changes them harms his own connection only.
 */
#include "tcp/syn_cookie.h"

enum {
    MSS_SHIFT = 29,
    MINUTE_SHIFT = 24,
    MINUTE_MASK = 0x1f,
    HASH_MASK = 0xffffff,

    TS_MASK = 0x3f,
    TS_SCALE = 0x0f,
    TS_NO_SCALE = 0x0f,
    TS_SACK = 0x10,
    TS_ECN = 0x20,
};

/* From the least that we believe (tcp.mss_floor) to that of jumbo frames. */
static const uint16_t mss_v4[] = {48, 536, 1220, 1360, 1400, 1440, 1460, 8960};
static const uint16_t mss_v6[] = {48, 1220, 1300, 1360, 1400, 1420, 1440, 8940};

static const uint16_t *mss_table(const struct syn_cookie *about)
{
    return ip_is_v4(about->local.addr) ? mss_v4 : mss_v6;
}

static uint64_t minute_of(instant now)
{
    return (uint64_t)now.ns / (60 * (uint64_t)NS_PER_S);
}

static uint64_t hash_of(struct hash_key key, const struct syn_cookie *about, uint64_t more)
{
    uint8_t octets[48];
    struct writer w = writer_of(octets, sizeof octets);

    write_bytes(&w, about->local.addr.octet, sizeof about->local.addr.octet);
    write_bytes(&w, about->remote.addr.octet, sizeof about->remote.addr.octet);
    write_be16(&w, about->local.port);
    write_be16(&w, about->remote.port);
    write_be32(&w, about->irs.value);
    write_be32(&w, (uint32_t)(more >> 32));
    write_be32(&w, (uint32_t)more);
    assert(!w.overrun && w.left == 0);
    return siphash(key, bytes_of(octets, sizeof octets));
}

static uint32_t hide(struct hash_key key, const struct syn_cookie *about, uint32_t cookie)
{
    return cookie ^ (uint32_t)(hash_of(key, about, UINT64_MAX) & ~(uint64_t)HASH_MASK);
}

static uint32_t cookie_of(struct hash_key key, const struct syn_cookie *about, uint32_t index,
                          uint64_t minute)
{
    uint64_t hash = hash_of(key, about, minute << 3 | index);

    return index << MSS_SHIFT | (uint32_t)(minute & MINUTE_MASK) << MINUTE_SHIFT |
           (uint32_t)(hash & HASH_MASK);
}

tcp_seq syn_cookie_make(struct hash_key key, const struct syn_cookie *about, uint16_t mss,
                        instant now)
{
    const uint16_t *table = mss_table(about);
    uint32_t index = ARRAY_LEN(mss_v4) - 1;

    while (index > 0 && table[index] > mss)
        index--;
    return seq(hide(key, about, cookie_of(key, about, index, minute_of(now))));
}

uint16_t syn_cookie_mss(struct hash_key key, const struct syn_cookie *about, tcp_seq iss,
                        instant now)
{
    uint32_t cookie = hide(key, about, iss.value);
    uint32_t index = cookie >> MSS_SHIFT;
    uint64_t age = (minute_of(now) - (cookie >> MINUTE_SHIFT)) & MINUTE_MASK;

    if (age > 1 || cookie != cookie_of(key, about, index, minute_of(now) - age))
        return 0;
    return mss_table(about)[index];
}

uint32_t syn_cookie_ts(const struct tcp_options *syn, bool ecn, uint32_t clock)
{
    uint32_t kept = syn->has_window_scale ? u32_min(syn->window_scale, 14) : TS_NO_SCALE;
    uint32_t told;

    if (syn->sack_permitted)
        kept |= TS_SACK;
    if (ecn)
        kept |= TS_ECN;
    told = (clock & ~(uint32_t)TS_MASK) | kept;
    return kept > (clock & TS_MASK) ? told - (TS_MASK + 1) : told; /* never ahead of our clock */
}

void syn_cookie_from_ts(uint32_t echo, struct tcp_options *syn, bool *ecn)
{
    syn->window_scale = echo & TS_SCALE;
    syn->has_window_scale = syn->window_scale != TS_NO_SCALE;
    syn->sack_permitted = echo & TS_SACK;
    *ecn = echo & TS_ECN;
}
