/*
 * ip_family.c - the two tables of ip_family.h: each entry leads to the wire code of its family.
 */
#include "ip/ip_family.h"

#include "ip/icmp6.h"

enum { ETHER_TYPE_IPV4 = 0x0800, ETHER_TYPE_IPV6 = 0x86dd /* RFC 894; RFC 2464, 3 */ };

/* --- IPv4 --------------------------------------------------------------------------------- */

static enum drop v4_parse(struct bytes octets, struct ip_packet *out)
{
    struct ipv4_header *h = &out->header.v4;
    enum drop drop = ipv4_parse(octets, h, &out->payload);

    if (drop)
        return drop;
    out->family = &ip_family_v4;
    out->src = h->src;
    out->dst = h->dst;
    out->protocol = h->protocol;
    out->ttl = h->ttl;
    out->tos = h->tos;
    out->octets = bytes_first(octets, IPV4_HEADER_MIN + h->options.len + out->payload.len);
    return DROP_NONE;
}

static enum drop v4_accept(const struct ip_config *config, struct ip_packet *p)
{
    return ipv4_accept(config, &p->header.v4, p->link_group, &p->group);
}

/* A packet of ours is atomic (DF set, never fragmented) unless its sender says otherwise, so its
 * identification may be anything and is zero (RFC 6864, 4.1): no counter for a stranger to read.
 * One that may be fragmented needs one of its own (ip_id.h). */
static void v4_emit(struct writer *w, const struct ip_out *h, size_t payload_len)
{
    ipv4_emit(w,
              &(struct ipv4_header){.src = h->src,
                                    .dst = h->dst,
                                    .protocol = h->protocol,
                                    .ttl = h->ttl,
                                    .tos = h->tos,
                                    .id = h->id,
                                    .dont_fragment = !h->may_fragment,
                                    .options = h->options},
              payload_len);
}

static enum drop v4_icmp_parse(const struct ip_packet *p, struct icmp_message *out)
{
    enum drop drop = icmp_parse(p->payload, &out->header, &out->body);

    return drop ? drop : icmp_classify(&out->header, p->group, &out->kind);
}

static enum drop v4_icmp_error(const struct icmp_message *m, struct icmp_error *out)
{
    return icmp_error_of(&m->header, m->body, out);
}

static bool v4_may_answer(const struct ip_packet *p)
{
    return icmp_may_answer(&p->header.v4, p->link_group, p->group, p->payload);
}

static struct frame *v4_refuse(struct frame_pool *pool, const struct ip_packet *p, uint8_t ttl,
                               uint32_t mtu)
{
    uint8_t code =
        p->protocol == IP_PROTOCOL_UDP ? ICMP_UNREACHABLE_PORT : ICMP_UNREACHABLE_PROTOCOL;

    return icmp_unreachable(pool, p->octets, &p->header.v4, p->dst, code, ttl, mtu);
}

static struct frame *v4_echo_reply(struct frame_pool *pool, const struct ip_packet *p,
                                   const struct icmp_message *m, struct ip_addr our_src,
                                   uint8_t ttl)
{
    assert(ip_equal(our_src, p->dst)); /* a group is not answered */
    return icmp_echo_reply(pool, &p->header.v4, &m->header, m->body, ttl);
}

static struct frame *v4_echo(struct frame_pool *pool, const struct ip_out *h, uint32_t rest,
                             struct bytes data)
{
    size_t len = IPV4_HEADER_MIN + h->options.len + ICMP_HEADER + data.len;
    struct frame *packet = frame_get(pool, len);

    if (!packet)
        return NULL;
    struct writer w = writer_of(packet->data, len);
    v4_emit(&w, h, ICMP_HEADER + data.len);
    icmp_emit(&w, &(struct icmp_header){.type = ICMP_ECHO, .rest = rest}, data);
    packet->len = (uint32_t)len;
    return packet;
}

const struct ip_family ip_family_v4 = {
    .ether_type = ETHER_TYPE_IPV4,
    .version = 4,
    .header_len = IPV4_HEADER_MIN,
    .icmp = IP_PROTOCOL_ICMP,
    .gso_type = FRAME_GSO_TCPV4,
    .unknown_proto = DROP_IP4_PROTOCOL,
    .parse = v4_parse,
    .accept = v4_accept,
    .emit = v4_emit,
    .icmp_parse = v4_icmp_parse,
    .icmp_error = v4_icmp_error,
    .may_answer = v4_may_answer,
    .refuse = v4_refuse,
    .echo_reply = v4_echo_reply,
    .echo = v4_echo,
};

/* --- IPv6 --------------------------------------------------------------------------------- */

static enum drop v6_parse(struct bytes octets, struct ip_packet *out)
{
    struct ipv6_header *h = &out->header.v6;
    enum drop drop = ipv6_parse(octets, h, &out->payload);

    if (drop)
        return drop;
    out->family = &ip_family_v6;
    out->src = h->src;
    out->dst = h->dst;
    out->protocol = h->next_header;
    out->ttl = h->hop_limit;
    out->tos = h->traffic_class;
    out->octets = bytes_first(octets, IPV6_HEADER + out->payload.len);
    return DROP_NONE;
}

static enum drop v6_accept(const struct ip_config *config, struct ip_packet *p)
{
    return ipv6_accept(config, &p->header.v6, &p->group);
}

static struct ipv6_header v6_header(const struct ip_out *h)
{
    return (struct ipv6_header){.src = h->src,
                                .dst = h->dst,
                                .next_header = h->protocol,
                                .hop_limit = h->ttl,
                                .traffic_class = h->tos};
}

static void v6_emit(struct writer *w, const struct ip_out *h, size_t payload_len)
{
    struct ipv6_header header = v6_header(h);

    ipv6_emit(w, &header, payload_len);
}

static enum drop v6_icmp_parse(const struct ip_packet *p, struct icmp_message *out)
{
    enum drop drop = icmp6_parse(p->src, p->dst, p->payload, &out->header, &out->body);

    return drop ? drop : icmp6_classify(&out->header, p->group, &out->kind);
}

static enum drop v6_icmp_error(const struct icmp_message *m, struct icmp_error *out)
{
    return icmp6_error_of(&m->header, m->body, out);
}

static bool v6_may_answer(const struct ip_packet *p)
{
    return icmp6_may_answer(&p->header.v6, p->link_group, p->group, p->payload);
}

static struct frame *v6_refuse(struct frame_pool *pool, const struct ip_packet *p, uint8_t ttl,
                               uint32_t mtu)
{
    (void)mtu; /* every link carries what an error may be */
    return icmp6_refuse(pool, p->octets, &p->header.v6, ttl);
}

static struct frame *v6_echo_reply(struct frame_pool *pool, const struct ip_packet *p,
                                   const struct icmp_message *m, struct ip_addr our_src,
                                   uint8_t ttl)
{
    return icmp6_echo_reply(pool, &p->header.v6, &m->header, m->body, our_src, ttl);
}

static struct frame *v6_echo(struct frame_pool *pool, const struct ip_out *h, uint32_t rest,
                             struct bytes data)
{
    size_t len = IPV6_HEADER + ICMP_HEADER + data.len;
    struct frame *packet = frame_get(pool, len);

    if (!packet)
        return NULL;
    struct writer w = writer_of(packet->data, len);
    v6_emit(&w, h, ICMP_HEADER + data.len);
    icmp6_emit(&w, h->src, h->dst, &(struct icmp_header){.type = ICMP6_ECHO, .rest = rest}, data);
    packet->len = (uint32_t)len;
    return packet;
}

const struct ip_family ip_family_v6 = {
    .ether_type = ETHER_TYPE_IPV6,
    .version = 6,
    .header_len = IPV6_HEADER,
    .icmp = IP_PROTOCOL_ICMP6,
    .gso_type = FRAME_GSO_TCPV6,
    .unknown_proto = DROP_IP6_PROTOCOL,
    .parse = v6_parse,
    .accept = v6_accept,
    .emit = v6_emit,
    .icmp_parse = v6_icmp_parse,
    .icmp_error = v6_icmp_error,
    .may_answer = v6_may_answer,
    .refuse = v6_refuse,
    .echo_reply = v6_echo_reply,
    .echo = v6_echo,
};

/* --- which of the two --------------------------------------------------------------------- */

const struct ip_family *ip_family_of_packet(struct bytes packet)
{
    struct reader r = reader_of(packet);
    uint8_t version = read_u8(&r) >> 4;

    if (version == ip_family_v4.version)
        return &ip_family_v4;
    return version == ip_family_v6.version ? &ip_family_v6 : NULL;
}

struct ip_packet ip_packet_of_ours(struct bytes packet)
{
    const struct ip_family *family = ip_family_of_packet(packet);
    struct ip_packet out = {.family = family};

    assert(family != NULL);
    enum drop drop = family->parse(packet, &out);
    assert(drop == DROP_NONE); /* we made it */
    return out;
}
