/*
 * net_router.c - a router between links: where a packet goes next, and what is too long to go
 * there.
 *
 * A router reads the header, as a real one does: a packet whose header was hurt on the way ends
 * here. One that is longer than the next link carries, and may not be cut, is answered with "too
 * big" (RFC 792; RFC 4443, 3.2), unless the wire is a silent one. Nothing is cut: whoever may be
 * cut is dropped as well, and TCP never asks for it.
 *
 * Left out: the time to live is not counted down, for the ways form trees and nothing goes round in
 * circles.
 */
#include "base/addr.h"
#include "base/bytes.h"
#include "ip/icmp6_wire.h"
#include "sim/net.h"
#include "stack/stack.h"

enum { TTL = 64, QUOTE_V4 = 548, QUOTE_V6 = 1232 }; /* a message of 576 or 1280 octets at most */

/* The host with this address, by its number; false when there is none. */
static bool find_host(const struct net *net, struct ip_addr addr, uint32_t *out)
{
    uint32_t number =
        (uint32_t)addr.octet[13] << 16 | (uint32_t)addr.octet[14] << 8 | addr.octet[15];

    if (number == 0 || number > net->hosts || !ip_equal(net->host[number - 1].addr, addr))
        return false;
    *out = number - 1;
    return true;
}

static uint32_t way_to(const struct net *net, uint32_t router, uint32_t host)
{
    return net->route[(router - net->hosts) * net->hosts + host];
}

static struct ip_addr router_addr(uint32_t router, bool ipv6)
{
    if (ipv6)
        return (struct ip_addr){
            {0xfd, [13] = 0xff, [14] = (uint8_t)(router >> 8), [15] = (uint8_t)router}};
    return ip_from_v4(0x0aff0000u | router);
}

/* Tells the sender of a packet that the link behind `wire` is too narrow for it. */
static void tell_too_big(struct net *net, uint32_t router, const struct ip_packet *p, uint32_t mtu)
{
    bool ipv6 = !ip_is_v4(p->src);
    struct ip_addr from = router_addr(router, ipv6);
    struct icmp_header icmp = {.type = ipv6 ? ICMP6_TOO_BIG : ICMP_UNREACHABLE,
                               .code = ipv6 ? 0 : ICMP_UNREACHABLE_TOO_BIG,
                               .rest = mtu};
    struct bytes quote = bytes_first(p->octets, ipv6 ? QUOTE_V6 : QUOTE_V4);
    uint8_t octets[IPV6_HEADER + ICMP_HEADER + QUOTE_V6];
    struct writer w = writer_of(octets, sizeof octets);
    uint32_t sender;

    if (!find_host(net, p->src, &sender) || !p->family->may_answer(p))
        return;
    struct ip_out out = {.src = from, .dst = p->src, .protocol = p->family->icmp, .ttl = TTL};
    p->family->emit(&w, &out, ICMP_HEADER + quote.len);
    if (ipv6)
        icmp6_emit(&w, from, p->src, &icmp, quote);
    else
        icmp_emit(&w, &icmp, quote);
    assert(!w.overrun);
    const struct iovec iov = {octets, sizeof octets - w.left};
    net_put(net, way_to(net, router, sender), &iov, 1, &(struct frame_meta){0}, false);
}

static void forward(struct net *net, uint32_t router, const struct held *held)
{
    struct bytes octets = bytes_of(held->octets, held->len);
    const struct ip_family *family = ip_family_of_packet(octets);
    struct ip_packet packet = {0};
    uint32_t host;

    if (!family || family->parse(octets, &packet) || !find_host(net, packet.dst, &host)) {
        net->malformed++;
        return;
    }
    uint32_t wire = way_to(net, router, host);
    struct net_wire *w = &net->wire[wire];
    if (held->len > w->mtu && !w->silent)
        tell_too_big(net, router, &packet, w->mtu);
    const struct iovec iov = {(void *)(uintptr_t)held->octets, held->len};
    net_put(net, wire, &iov, 1, &held->meta, held->hurt); /* which counts what is too big */
}

void net_forward(struct net *net, uint32_t wire)
{
    struct net_wire *w = &net->wire[wire];
    struct held *held;

    while ((held = bad_wire_due(&w->bad, net->now))) {
        w->bad.counters.passed++;
        forward(net, w->to, held);
        bad_wire_drop(&w->bad, held);
    }
}
