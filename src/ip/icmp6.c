/*
 * icmp6.c - what a host does with ICMPv6: echo, errors in and out.
 *
 * The restraint is that of icmp.c, and so is the limiter. Three things differ. A ping to all nodes
 * is answered, from an address of our own (RFC 4443, 4.2: nobody can be made to shout back at a
 * group). An error that we do not know must still be told to the transport (2.4 (a)), which tells
 * errors from the rest by a bit. And a packet too big below 1280 octets is not believed: no link of
 * IPv6 carries less (RFC 8201, 4).
 *
 * Neighbours and routers are not spoken to: this is for links that have none. What they say there
 * is ignored by name, and so are queries for groups.
 */
#include "ip/icmp6.h"

#include <errno.h>

enum { QUOTE_MAX = IPV6_MTU_MIN - IPV6_HEADER - ICMP_HEADER /* RFC 4443, 2.4 (c) */ };

/* --- in ----------------------------------------------------------------------------------- */

enum drop icmp6_classify(const struct icmp_header *h, bool group, enum icmp_kind *out)
{
    switch (h->type) {
    case ICMP6_ECHO:
        *out = ICMP_KIND_ECHO;
        return DROP_NONE;
    case ICMP6_ECHO_REPLY:
        *out = ICMP_KIND_ECHO_REPLY;
        return group ? DROP_ICMP6_BAD : DROP_NONE;
    case ICMP6_LISTENER_QUERY:
    case ICMP6_LISTENER_REPORT:
    case ICMP6_LISTENER_DONE:
    case ICMP6_ROUTER_SOLICITATION:
    case ICMP6_ROUTER_ADVERTISEMENT:
    case ICMP6_NEIGHBOUR_SOLICITATION:
    case ICMP6_NEIGHBOUR_ADVERTISEMENT:
    case ICMP6_REDIRECT:
    case ICMP6_LISTENER_REPORT_2:
        return DROP_ICMP6_IGNORED;
    default: /* any octet can come */
        break;
    }
    *out = ICMP_KIND_ERROR; /* known or not (RFC 4443, 2.4 (a) and (b)) */
    return h->type < ICMP6_ECHO && !group ? DROP_NONE : DROP_ICMP6_BAD;
}

static void unreachable(uint8_t code, struct icmp_error *out)
{
    switch (code) {
    case ICMP6_NO_ROUTE:
        out->error = ENETUNREACH;
        break;
    case ICMP6_PROHIBITED:
    case ICMP6_POLICY:
    case ICMP6_REJECT_ROUTE:
        out->error = EACCES;
        out->hard = true;
        break;
    case ICMP6_UNREACHABLE_PORT:
        out->error = ECONNREFUSED;
        out->hard = true;
        break;
    default: /* address, scope, and codes to come */
        out->error = EHOSTUNREACH;
        break;
    }
}

enum drop icmp6_error_of(const struct icmp_header *h, struct bytes body, struct icmp_error *out)
{
    struct ipv6_header inner;
    struct bytes first8;
    size_t packet_len;
    enum drop drop = icmp6_quote_parse(body, &inner, &packet_len, &first8);

    if (drop)
        return drop;
    *out = (struct icmp_error){.src = inner.src,
                               .dst = inner.dst,
                               .protocol = inner.next_header,
                               .first8 = first8,
                               .packet_len = packet_len};
    switch (h->type) {
    case ICMP6_UNREACHABLE:
        unreachable(h->code, out);
        break;
    case ICMP6_TOO_BIG:
        out->too_big = true;
        out->mtu = h->rest;
        out->error = EMSGSIZE;
        return h->rest < IPV6_MTU_MIN || h->rest >= packet_len ? DROP_ICMP_PMTU : DROP_NONE;
    case ICMP6_TIME_EXCEEDED:
        out->error = EHOSTUNREACH;
        break;
    case ICMP6_PARAMETER_PROBLEM:
        out->error = EPROTO;
        break;
    default: /* an error that we do not know: there was one */
        break;
    }
    return DROP_NONE;
}

/* --- out ---------------------------------------------------------------------------------- */

static bool is_no_error(struct bytes payload)
{
    struct reader r = reader_of(payload);
    uint8_t type = read_u8(&r);

    return !r.overrun && type >= ICMP6_ECHO && type != ICMP6_REDIRECT;
}

bool icmp6_may_answer(const struct ipv6_header *h, bool link_group, bool group,
                      struct bytes payload)
{
    assert(!ip_is_unspecified(h->src) && !ip_is_multicast(h->src)); /* it was accepted */
    if (link_group || group)
        return false;
    return h->next_header != IP_PROTOCOL_ICMP6 || is_no_error(payload);
}

static struct frame *icmp6_packet(struct frame_pool *pool, const struct ipv6_header *ip,
                                  const struct icmp_header *h, struct bytes body)
{
    size_t len = IPV6_HEADER + ICMP_HEADER + body.len;
    struct frame *packet = frame_get(pool, len);

    if (!packet)
        return NULL;
    struct writer w = writer_of(packet->data, len);
    ipv6_emit(&w, ip, ICMP_HEADER + body.len);
    icmp6_emit(&w, ip->src, ip->dst, h, body);
    packet->len = (uint32_t)len;
    return packet;
}

struct frame *icmp6_echo_reply(struct frame_pool *pool, const struct ipv6_header *request,
                               const struct icmp_header *h, struct bytes body,
                               struct ip_addr our_src, uint8_t hop_limit)
{
    struct ipv6_header ip = {.src = our_src,
                             .dst = request->src,
                             .next_header = IP_PROTOCOL_ICMP6,
                             .hop_limit = hop_limit,
                             .traffic_class = request->traffic_class & (uint8_t)~IP_TOS_ECN};
    struct icmp_header reply = {.type = ICMP6_ECHO_REPLY, .rest = h->rest};

    assert(h->type == ICMP6_ECHO);
    return icmp6_packet(pool, &ip, &reply, body);
}

struct frame *icmp6_refuse(struct frame_pool *pool, struct bytes packet,
                           const struct ipv6_header *its, uint8_t hop_limit)
{
    struct ipv6_header ip = {
        .src = its->dst, .dst = its->src, .next_header = IP_PROTOCOL_ICMP6, .hop_limit = hop_limit};
    struct icmp_header h = {.type = ICMP6_PARAMETER_PROBLEM,
                            .code = ICMP6_UNKNOWN_NEXT_HEADER,
                            .rest = IPV6_NEXT_HEADER_OFFSET};

    if (its->next_header == IP_PROTOCOL_UDP)
        h = (struct icmp_header){.type = ICMP6_UNREACHABLE, .code = ICMP6_UNREACHABLE_PORT};
    return icmp6_packet(pool, &ip, &h, bytes_first(packet, QUOTE_MAX));
}
