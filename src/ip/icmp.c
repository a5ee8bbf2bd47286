/*
 * icmp.c - what a host does with ICMP: echo, unreachable, and how many of them.
 *
 * What is hard about ICMP is restraint. An error is sent by a machine that understood nothing of a
 * packet, to an address that the packet merely claims; multiplied by broadcasts or by a flood it is
 * a weapon. So icmp_may_answer() gathers all reasons to be silent (RFC 1122, 3.2.2), and
 * icmp_allow() bounds the rest.
 *
 * The buckets. Each destination has one and all share another; a message needs room in both. The
 * destination's is asked first, so that a flood towards one address (which a stranger can forge)
 * cannot drain the common one, whose level would then tell the stranger about others. For the same
 * reason nobody may learn the exact level of the common bucket: each time it is asked, it pretends
 * to be up to a quarter smaller than it is, by a number that only the key's owner can predict. The
 * rate over a longer time stays exact.
 *
 * A bucket is one number, the instant at which it will be full again. A message moves that instant
 * by the time one token takes to grow; it fits as long as the instant stays within a bucket's depth
 * of now. Destinations find their bucket by keyed hash, and those that collide share it: no address
 * is stored, none can be pushed out, and a stranger cannot aim at another's.
 *
 * What we send: atomic packets (DF set, so the ID means nothing and is 0: RFC 6864, 4.1), but for
 * the answer to an echo request that came in fragments, which leaves in some; and no options. An
 * echo reply does not return the options of its request (RFC 1122, 3.2.2.6 asks for routes and
 * timestamps to be): no octet of an option that we received is ever sent. Source quench is neither
 * sent nor heard (RFC 6633, 3 and 5), redirects are never sent (RFC 1122, 3.2.2.2) and, for now,
 * not heard either; nor are timestamps, masks and router advertisements.
 */
#include "ip/icmp.h"

#include <errno.h>

#include "ip/ipv4.h"

enum {
    /* An error fits into what everybody must be able to receive (RFC 1812, 4.3.2.3). */
    ERROR_MAX = 576,
};

/* --- how many ----------------------------------------------------------------------------- */

/* A bucket of `burst` tokens, of which `rate` grow in a second, in nanoseconds. A rate of 0 has a
 * cost beyond any depth. */
static void bucket_size(int64_t rate, int64_t burst, int64_t *cost, int64_t *depth)
{
    *cost = rate > 0 ? NS_PER_S / rate : INT64_MAX;
    *depth = rate > 0 ? *cost * burst : 0;
}

void icmp_limiter_init(struct icmp_limiter *limiter, const struct stack_values *values,
                       struct hash_key key, instant now)
{
    *limiter = (struct icmp_limiter){.key = key, .all = now};
    bucket_size(values->icmp_rate, values->icmp_burst, &limiter->cost, &limiter->depth);
    bucket_size(values->icmp_peer_rate, values->icmp_peer_burst, &limiter->peer_cost,
                &limiter->peer_depth);
    for (size_t i = 0; i < ICMP_PEERS; i++)
        limiter->peer[i] = now;
}

/* Takes one token out of a bucket, if there is one. */
static bool bucket_take(instant *full_at, int64_t cost, int64_t depth, instant now)
{
    instant from = instant_before(*full_at, now) ? now : *full_at;

    if (cost > depth - instant_since(from, now))
        return false;
    *full_at = instant_add(from, cost);
    return true;
}

/* What the common bucket hides of its depth this time: whole tokens, less than a quarter of them.
 */
static int64_t hidden_depth(struct icmp_limiter *limiter)
{
    if (limiter->depth / 4 < limiter->cost)
        return 0;
    uint64_t draw = limiter->draws++;
    uint64_t tokens = (uint64_t)(limiter->depth / 4 / limiter->cost);
    uint64_t number = siphash(limiter->key, bytes_of(&draw, sizeof(draw)));
    return (int64_t)(number % tokens) * limiter->cost;
}

bool icmp_allow(struct icmp_limiter *limiter, struct ip_addr to, instant now)
{
    uint64_t hash = siphash(limiter->key, bytes_of(to.octet, sizeof(to.octet)));
    instant *peer = &limiter->peer[hash % ICMP_PEERS];

    if (!bucket_take(peer, limiter->peer_cost, limiter->peer_depth, now))
        return false;
    return bucket_take(&limiter->all, limiter->cost, limiter->depth - hidden_depth(limiter), now);
}

/* --- in ----------------------------------------------------------------------------------- */

enum drop icmp_classify(const struct icmp_header *h, bool broadcast, enum icmp_kind *out)
{
    switch (h->type) {
    case ICMP_ECHO:
        *out = ICMP_KIND_ECHO;
        break;
    case ICMP_ECHO_REPLY:
        *out = ICMP_KIND_ECHO_REPLY;
        break;
    case ICMP_UNREACHABLE:
    case ICMP_TIME_EXCEEDED:
    case ICMP_PARAMETER_PROBLEM:
        *out = ICMP_KIND_ERROR;
        break;
    case ICMP_SOURCE_QUENCH:
    case ICMP_REDIRECT:
    case ICMP_ROUTER_ADVERTISEMENT:
    case ICMP_ROUTER_SOLICITATION:
    case ICMP_TIMESTAMP:
    case ICMP_TIMESTAMP_REPLY:
    case ICMP_INFORMATION:
    case ICMP_INFORMATION_REPLY:
    case ICMP_MASK:
    case ICMP_MASK_REPLY:
        return DROP_ICMP_IGNORED;
    default: /* not an enum: any octet can come (RFC 1122, 3.2.2: silently) */
        return DROP_ICMP_BAD;
    }
    /* Nobody is pinged, answered or told of an error by shouting at all (RFC 1122, 3.2.2.6). */
    return broadcast ? DROP_ICMP_BROADCAST : DROP_NONE;
}

/* What each code of "unreachable" means to a program, and whether it will pass by itself: 0, 1 and
 * 5 may (RFC 1122, 3.2.2.1), and 11 and 12 are about a type of service. */
static const struct {
    int error;
    bool hard;
} unreachable[] = {
    [ICMP_UNREACHABLE_NET] = {ENETUNREACH, false},
    [ICMP_UNREACHABLE_HOST] = {EHOSTUNREACH, false},
    [ICMP_UNREACHABLE_PROTOCOL] = {ENOPROTOOPT, true},
    [ICMP_UNREACHABLE_PORT] = {ECONNREFUSED, true},
    [ICMP_UNREACHABLE_TOO_BIG] = {EMSGSIZE, false},
    [5] = {EOPNOTSUPP, false},    /* source route failed */
    [6] = {ENETUNREACH, true},    /* network unknown */
    [7] = {EHOSTDOWN, true},      /* host unknown */
    [8] = {ENONET, true},         /* host isolated */
    [9] = {ENETUNREACH, true},    /* network prohibited */
    [10] = {EHOSTUNREACH, true},  /* host prohibited */
    [11] = {ENETUNREACH, false},  /* network, for this type of service */
    [12] = {EHOSTUNREACH, false}, /* host, likewise */
    [13] = {EHOSTUNREACH, true},  /* filtered */
    [14] = {EHOSTUNREACH, true},  /* precedence */
    [15] = {EHOSTUNREACH, true},
};

/* The MTU of a link that an old router did not name: the next of those that were common below what
 * did not fit (RFC 1191, 7.1). */
static uint32_t plateau_below(size_t packet_len)
{
    static const uint16_t plateau[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68};

    for (size_t i = 0; i < ARRAY_LEN(plateau); i++) {
        if (plateau[i] < packet_len)
            return plateau[i];
    }
    return plateau[ARRAY_LEN(plateau) - 1];
}

enum drop icmp_error_of(const struct icmp_header *h, struct bytes body, struct icmp_error *out)
{
    struct ipv4_header inner;
    struct bytes first8;
    size_t packet_len;
    enum drop drop = icmp_quote_parse(body, &inner, &packet_len, &first8);

    if (drop)
        return drop;
    *out = (struct icmp_error){.src = inner.src,
                               .dst = inner.dst,
                               .protocol = inner.protocol,
                               .first8 = first8,
                               .packet_len = packet_len};
    if (h->type == ICMP_TIME_EXCEEDED) {
        out->error = EHOSTUNREACH;
    } else if (h->type == ICMP_PARAMETER_PROBLEM) {
        out->error = EPROTO;
    } else if (h->code < ARRAY_LEN(unreachable)) {
        out->error = unreachable[h->code].error;
        out->hard = unreachable[h->code].hard;
    } else {
        out->error = EHOSTUNREACH;
    }
    out->too_big = h->type == ICMP_UNREACHABLE && h->code == ICMP_UNREACHABLE_TOO_BIG;
    if (!out->too_big)
        return DROP_NONE;
    out->mtu = h->rest & UINT16_MAX;
    if (out->mtu == 0)
        out->mtu = plateau_below(packet_len);
    return out->mtu < packet_len ? DROP_NONE : DROP_ICMP_PMTU;
}

/* --- out ---------------------------------------------------------------------------------- */

/* Is this the payload of an ICMP packet about which an error may be sent? Only of a query: an error
 * must not cause an error, and what we do not know might be one. */
static bool is_icmp_query(struct bytes payload)
{
    struct reader r = reader_of(payload);
    uint8_t type = read_u8(&r);

    if (r.overrun)
        return false;
    return type == ICMP_ECHO || type == ICMP_TIMESTAMP || type == ICMP_INFORMATION ||
           type == ICMP_MASK;
}

/* Does the source name a single host? Directed broadcasts have been dropped as martians. */
static bool is_single_host(struct ip_addr src)
{
    return ip_to_v4(src) >> 24 != 0 && !ip_is_loopback(src) && !ip_is_multicast(src) &&
           !ip_is_class_e(src) && !ip_is_limited_broadcast(src);
}

bool icmp_may_answer(const struct ipv4_header *h, bool link_group, bool broadcast,
                     struct bytes payload)
{
    if (link_group || broadcast || ip_is_multicast(h->dst))
        return false;
    if (h->fragment_offset != 0 || !is_single_host(h->src))
        return false;
    if (h->options.len > 0)
        return false; /* the quote would carry them */
    return h->protocol != IP_PROTOCOL_ICMP || is_icmp_query(payload);
}

/* A whole packet around a message, in a frame of its own. */
static struct frame *icmp_packet(struct frame_pool *pool, const struct ipv4_header *ip,
                                 const struct icmp_header *h, struct bytes body)
{
    size_t len = ICMP_HEADER + body.len;
    struct frame *frame = frame_get(pool, IPV4_HEADER_MIN + len);

    if (!frame)
        return NULL;
    struct writer w = writer_of(frame->data, IPV4_HEADER_MIN + len);
    ipv4_emit(&w, ip, len);
    icmp_emit(&w, h, body);
    assert(w.left == 0);
    frame->len = (uint32_t)(IPV4_HEADER_MIN + len);
    return frame;
}

struct frame *icmp_echo_reply(struct frame_pool *pool, const struct ipv4_header *request,
                              const struct icmp_header *h, struct bytes body, uint8_t ttl)
{
    /* From the address that was asked (RFC 1122, 3.2.2.6), with the asker's type of service (RFC
     * 1812, 4.3.2.5) but for the ECN bits, which are about the request's own journey. */
    struct ipv4_header ip = {
        .src = request->dst,
        .dst = request->src,
        .protocol = IP_PROTOCOL_ICMP,
        .ttl = ttl,
        .tos = request->tos & (uint8_t)~IP_TOS_ECN,
        .dont_fragment = true,
    };
    struct icmp_header reply = {.type = ICMP_ECHO_REPLY, .rest = h->rest};

    assert(h->type == ICMP_ECHO);
    return icmp_packet(pool, &ip, &reply, body);
}

/* An error about a packet, which it quotes. */
static struct frame *icmp_quoting(struct frame_pool *pool, struct bytes packet,
                                  const struct ipv4_header *its, struct ip_addr our_src,
                                  struct icmp_header h, uint8_t ttl, uint32_t mtu)
{
    const size_t headers = IPV4_HEADER_MIN + ICMP_HEADER;
    struct ipv4_header again;
    struct bytes payload;

    /* Parsed again for where it ends: what the link padded must not be quoted. */
    if (its->options.len > 0 || ipv4_parse(packet, &again, &payload))
        return NULL;
    struct bytes quote = bytes_first(packet, IPV4_HEADER_MIN + payload.len);
    struct ipv4_header ip = {
        .src = our_src,
        .dst = its->src,
        .protocol = IP_PROTOCOL_ICMP,
        .ttl = ttl,
        .dont_fragment = true,
    };
    return icmp_packet(pool, &ip, &h, bytes_first(quote, size_min(ERROR_MAX, mtu) - headers));
}

struct frame *icmp_unreachable(struct frame_pool *pool, struct bytes packet,
                               const struct ipv4_header *its, struct ip_addr our_src, uint8_t code,
                               uint8_t ttl, uint32_t mtu)
{
    return icmp_quoting(pool, packet, its, our_src,
                        (struct icmp_header){.type = ICMP_UNREACHABLE, .code = code}, ttl, mtu);
}

struct frame *icmp_reassembly_timeout(struct frame_pool *pool, struct bytes packet,
                                      const struct ipv4_header *its, uint8_t ttl, uint32_t mtu)
{
    return icmp_quoting(pool, packet, its, its->dst,
                        (struct icmp_header){.type = ICMP_TIME_EXCEEDED, .code = 1}, ttl, mtu);
}
