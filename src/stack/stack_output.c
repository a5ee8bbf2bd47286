/*
 * stack_output.c - a packet's whole way out, from the debt to the device.
 *
 *     stack_output()        pays once per poll, in this order:
 *       send_released()       packets that waited for ARP
 *       send_arp()            requests and answers
 *       send_replies()        what no connection owes: resets, ICMP
 *       send_segments()       stack_segment.c: each connection's debts, in turn
 *       send_arp()            again, because the others may have raised requests
 *
 * What is small and capped goes first, so that a bulk sender on a slow device cannot starve it. On
 * a device that is full again and again, replies and segments take turns.
 *
 * A packet without a connection may be longer than the MTU; it leaves in fragments then
 * (stack_fragments.c), and how far that has got is kept beside its queue.
 *
 * A device that is full stops it there, and nothing is lost: every packet is named, handed over,
 * and only then booked as sent. Only the reply queue has a cap that drops.
 */
#include <errno.h>

#include "dev/vnet_wire.h"
#include "stack/stack_sending.h"

/* --- the last step ------------------------------------------------------------------------ */

void stack_tell_sent(struct sending *out, const struct frame_meta *meta, const struct iovec *iov,
                     int iovcnt, enum why why, const struct conn_facts *facts, bool tcp)
{
    struct events *events = &out->stack->events;
    uint64_t id = ++events->packets;

    events->counters.sent++;
    if (!events_wanted(events))
        return;
    stack_tell_packet(out->stack, &(struct event){.type = EVENT_PACKET,
                                                  .conn = facts ? facts->id : 0,
                                                  .when = out->now,
                                                  .packet = {.id = id,
                                                             .fate = PACKET_OUT,
                                                             .why = why,
                                                             .tcp = tcp,
                                                             .facts = facts,
                                                             .iov = iov,
                                                             .iovcnt = iovcnt,
                                                             .ethernet = out->ethernet,
                                                             .meta = *meta}});
}

/* --- to the first hop --------------------------------------------------------------------- */

/* route_lookup(), which is asked for the same destination turn after turn. */
static int look_up(struct stack *s, struct ip_addr dst, struct route *route)
{
    if (!s->last_route.known || !ip_equal(s->last_route.dst, dst)) {
        int err = route_lookup(&s->ip, dst, route);
        if (err)
            return err;
        s->last_route.route = *route;
        s->last_route.dst = dst;
        s->last_route.known = true;
    }
    *route = s->last_route.route;
    return 0;
}

enum hop stack_find_hop(struct sending *out, struct ip_addr dst, struct route *route,
                        struct mac_addr *mac)
{
    struct stack *s = out->stack;

    if (look_up(s, dst, route))
        return HOP_UNREACHABLE;
    if (!out->ethernet) {
        *mac = (struct mac_addr){{0}};
        return HOP_KNOWN;
    }
    if (route->broadcast) {
        *mac = MAC_BROADCAST;
        return HOP_KNOWN;
    }
    if (ip_is_multicast(route->next_hop)) {
        *mac = eth_group_mac(route->next_hop);
        return HOP_KNOWN;
    }
    switch (arp_resolve(&s->arp, route->next_hop, s->now, mac)) {
    case ARP_KNOWN:
        return HOP_KNOWN;
    case ARP_PENDING:
        return HOP_PENDING;
    case ARP_FAILED:
        break;
    }
    return HOP_UNREACHABLE;
}

const uint8_t stack_padding[ETH_MIN];

/* Of a packet, `front` and what is behind it go to `mac`: all of it, or one fragment. */
static int send_octets(struct sending *out, const struct frame *packet, struct bytes front,
                       struct bytes rest, struct mac_addr mac, const struct conn_facts *facts,
                       bool tcp)
{
    uint8_t header[ETH_HEADER];
    struct frame_meta meta = packet->meta;
    struct iovec iov[4];
    int iovcnt = 0;

    if (out->ethernet) {
        const struct ip_family *family = ip_family_of_packet(frame_bytes(packet));
        struct writer w = writer_of(header, sizeof header);
        eth_emit(&w, &(struct eth_header){mac, out->stack->config.mac, family->ether_type});
        iov[iovcnt++] = (struct iovec){header, sizeof header};
        if (meta.flags & FRAME_NEEDS_CSUM)
            meta.csum_start = (uint16_t)(meta.csum_start + sizeof header);
    }
    iov[iovcnt++] = (struct iovec){(void *)(uintptr_t)front.at, front.len};
    if (rest.len)
        iov[iovcnt++] = (struct iovec){(void *)(uintptr_t)rest.at, rest.len};
    size_t pad = out->padded ? eth_padding(front.len + rest.len) : 0;
    if (pad)
        iov[iovcnt++] = (struct iovec){(void *)(uintptr_t)stack_padding, pad};
    int err = out->sink->send(out->sink, &meta, iov, iovcnt, out->now);
    if (!err)
        stack_tell_sent(out, &meta, iov, iovcnt, (enum why)packet->tag, facts, tcp);
    return err;
}

/* A whole IP packet in a frame goes to `mac`; in fragments, where it is too long. A device that is
 * full in between finds in `cut` where to go on. Its checksum may be open still, if it is short. */
static int send_packet(struct sending *out, struct frame *packet, struct mac_addr mac,
                       uint32_t *cut, const struct conn_facts *facts, bool tcp)
{
    uint32_t mtu = out->stack->config.mtu;

    if (!out->csum_offload)
        vnet_complete(packet->data, packet->len, &packet->meta);
    if (packet->len <= mtu)
        return send_octets(out, packet, frame_bytes(packet), (struct bytes){0}, mac, facts, tcp);

    struct ip_packet ip = ip_packet_of_ours(frame_bytes(packet));
    if (ip.family != &ip_family_v4 || ip.header.v4.dont_fragment) {
        events_count(&out->stack->events, COUNTER_TX_BAD);
        return 0;
    }
    assert(packet->meta.flags == 0); /* a sum over the whole is no device's to make of pieces */
    while (*cut < ip.payload.len) {
        uint8_t header[IPV4_HEADER_MAX];
        struct writer w = writer_of(header, sizeof header);
        struct bytes piece = stack_next_piece(&ip, *cut, mtu, &w);
        struct bytes front = bytes_of(header, (size_t)(w.at - header));
        int err = send_octets(out, packet, front, piece, mac, facts, tcp);
        if (err)
            return err;
        *cut += (uint32_t)piece.len;
    }
    return 0;
}

/* --- packets that waited for ARP ---------------------------------------------------------------
 */

/* Whose packet was it? Only for those who watch. */
static bool facts_of_packet(struct stack *s, const struct frame *packet, struct conn_facts *facts)
{
    struct tcp_segment seg;

    if (!events_wanted(&s->events))
        return false;
    struct ip_packet ip = ip_packet_of_ours(frame_bytes(packet));
    if (ip.protocol != IP_PROTOCOL_TCP || tcp_parse(ip.payload, &seg))
        return false;
    struct tcp_conn *conn = tcp_find(&s->tcp, (struct endpoint){ip.src, seg.src_port},
                                     (struct endpoint){ip.dst, seg.dst_port});
    if (conn)
        tcp_conn_facts(&s->tcp, conn, facts);
    return conn != NULL;
}

/* Who waited behind them can go, too, or finds out that the station does not answer. */
static void unpark(struct stack *s)
{
    uint32_t station;

    while (arp_next_settled(&s->arp, &station))
        tcp_unpark(&s->tcp, station);
}

static int send_released(struct sending *out)
{
    struct stack *s = out->stack;

    for (;;) {
        if (!s->released.packet)
            s->released.packet = arp_next_released(&s->arp, &s->released.mac);
        struct frame *packet = s->released.packet;
        if (!packet)
            break;
        struct conn_facts facts;
        bool has_facts = facts_of_packet(s, packet, &facts);
        int err = send_packet(out, packet, s->released.mac, &s->released.cut,
                              has_facts ? &facts : NULL, has_facts);
        if (err)
            return err;
        s->released.packet = NULL;
        s->released.cut = 0;
        frame_put(packet);
    }
    unpark(s);
    return 0;
}

/* --- replies -------------------------------------------------------------------------------------
 */

static int send_replies(struct sending *out)
{
    struct stack *s = out->stack;

    while (s->replies.head) {
        struct frame *packet = s->replies.head;
        struct ip_packet ip = ip_packet_of_ours(frame_bytes(packet));
        struct route route;
        struct mac_addr mac;

        enum hop hop = stack_find_hop(out, ip.dst, &route, &mac);
        if (hop == HOP_KNOWN) {
            int err =
                send_packet(out, packet, mac, &s->reply_cut, NULL, ip.protocol == IP_PROTOCOL_TCP);
            if (err)
                return err;
            frame_put(stack_reply_take(s));
        } else if (hop == HOP_PENDING) {
            arp_hold(&s->arp, route.next_hop, stack_reply_take(s));
        } else {
            events_count(&s->events, COUNTER_NO_ROUTE);
            frame_put(stack_reply_take(s));
        }
    }
    return 0;
}

/* --- ARP ---------------------------------------------------------------------------------- */

static int send_arp(struct sending *out)
{
    struct stack *s = out->stack;
    struct arp_packet arp;
    struct mac_addr dst;
    enum why why;

    while (arp_has_packet(&s->arp) && arp_next_packet(&s->arp, out->now, &arp, &dst, &why)) {
        uint8_t octets[ETH_MIN] = {0}; /* header, packet, zeros (RFC 894) */
        struct writer w = writer_of(octets, sizeof octets);
        struct frame_meta meta = {0};

        eth_emit(&w, &(struct eth_header){dst, s->config.mac, ETH_TYPE_ARP});
        arp_emit(&w, &arp);
        struct iovec iov = {octets, out->padded ? sizeof octets : (size_t)(w.at - octets)};
        int err = out->sink->send(out->sink, &meta, &iov, 1, out->now);
        if (err)
            return err;
        arp_packet_sent(&s->arp, out->now);
        stack_tell_sent(out, &meta, &iov, 1, why, NULL, false);
    }
    return 0;
}

/* --- the door ----------------------------------------------------------------------------- */

/* Segments, when it was their turn to go first. */
static int send_segments_first(struct sending *out)
{
    struct stack *s = out->stack;
    uint64_t before = s->events.counters.sent;

    if (!s->segments_first)
        return 0;
    int err = stack_send_segments(out);
    s->segments_first = err && s->events.counters.sent == before;
    return err;
}

/* If the device is full before all have left, segments have the next turn: among replies are
 * datagrams, of which a program can make as many as it likes. */
static int send_replies_in_turn(struct sending *out)
{
    struct stack *s = out->stack;
    uint64_t before = s->events.counters.sent;
    int err = send_replies(out);

    s->segments_first = err && s->events.counters.sent != before;
    return err;
}

static int pay(struct sending *out)
{
    stack_tell_time(out->stack, out->now);
    out->now = out->stack->now;
    out->stack->tcp.big_frames = out->big_frames;
    int err = out->ethernet ? send_released(out) : 0;

    if (!err && out->ethernet)
        err = send_arp(out);
    if (!err)
        err = send_segments_first(out);
    if (!err)
        err = send_replies_in_turn(out);
    stack_tell_room(out->stack);
    if (!err)
        err = stack_send_segments(out);
    if (!err && out->ethernet)
        err = send_arp(out);
    return err;
}

int stack_output(struct stack *s, struct frame_sink *sink, instant now)
{
    bool ethernet = s->config.link == STACK_LINK_ETHERNET;
    struct sending out = {
        .stack = s, .sink = sink, .ethernet = ethernet, .padded = ethernet, .now = now};

    return pay(&out);
}

int stack_output_ip(struct stack *s, struct frame_sink *sink, instant now)
{
    struct sending out = {.stack = s, .sink = sink, .now = now};

    return pay(&out);
}

struct dev_sink {
    struct frame_sink sink;
    struct dev *dev;
};

static int dev_sink_send(struct frame_sink *sink, const struct frame_meta *meta,
                         const struct iovec *iov, int iovcnt, instant now)
{
    return dev_send(CONTAINER_OF(sink, struct dev_sink, sink)->dev, meta, iov, iovcnt, now);
}

int stack_send(struct stack *s, struct dev *dev, instant now)
{
    struct dev_sink to = {{dev_sink_send}, dev};
    bool ethernet = s->config.link == STACK_LINK_ETHERNET && !dev->ip_only;
    struct sending out = {
        .stack = s,
        .sink = &to.sink,
        .csum_offload = dev->csum_offload,
        .big_frames = dev->big_frames && dev->csum_offload,
        .ethernet = ethernet,
        .padded = ethernet && !dev->unpadded,
        .now = now,
    };
    int err = pay(&out);

    dev_flush(dev, now);
    return err;
}
