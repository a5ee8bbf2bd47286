/*
 * stack_input.c - a packet's whole way in, from the frame to the connection or reply.
 *
 *     stack_input_frame()   counts it, runs it, says what became of it
 *       input_ethernet()      eth_parse, eth_accept; or input_bare() on a link without Ethernet
 *         arp_input()           RFC 826
 *         input_ip()            the family's parse, accept
 *           input_fragment()      until the rest has come; then parse and accept the whole
 *           input_whole()
 *             input_icmp()          echo, echo reply, error
 *             input_tcp()           checksum, tcp_parse, tcp_segment_arrives
 *             input_udp()           udp_parse, checksum, udp_arrives
 *
 * Each step answers with DROP_NONE or the one reason for which the frame ends here; the first to
 * object decides. So every received frame is consumed or dropped by name, and the counters add up.
 */
#include "dev/big_frame.h"
#include "stack/stack.h"

/* What is known about the frame so far. */
struct packet {
    struct frame *frame; /* NULL once a layer has kept it */
    struct frame_meta meta;
    struct bytes octets; /* the whole frame */
    bool ethernet;       /* `octets` begin with an Ethernet header */
    bool held;           /* counted as a fragment that waits */
    bool group;          /* came as a link broadcast or multicast */
};

/* --- TCP ---------------------------------------------------------------------------------- */

/* A device that offloads says where it left the sum open; that must be where the transport has its
 * own, `offset` octets behind the IP header, or the device and the packet disagree. */
static enum drop check_open_sum(const struct packet *p, const struct ip_packet *ip, uint16_t offset)
{
    size_t start = (size_t)(ip->payload.at - p->octets.at);

    return p->meta.csum_start == start && p->meta.csum_offset == offset ? DROP_NONE : DROP_DEV_VNET;
}

/* Must the checksum be verified here? */
static enum drop check_tcp_sum(const struct packet *p, const struct ip_packet *ip)
{
    if (p->meta.flags & FRAME_NEEDS_CSUM)
        return check_open_sum(p, ip, TCP_CSUM_OFFSET);
    if (p->meta.flags & FRAME_CSUM_VALID || tcp_checksum_is_right(ip->src, ip->dst, ip->payload))
        return DROP_NONE;
    return DROP_TCP_CHECKSUM;
}

/* A segment that acknowledged something shows that its first hop is there (RFC 1122, 2.3.2.1); once
 * a second is often enough to say so. */
static void confirm_hop(struct stack *s, struct ip_addr remote)
{
    struct route route;

    if (s->config.link != STACK_LINK_ETHERNET)
        return;
    if (ip_equal(remote, s->confirmed.addr) && instant_before(s->now, s->confirmed.until))
        return;
    if (route_lookup(&s->ip, remote, &route) == 0)
        arp_confirm(&s->arp, route.next_hop, s->now);
    s->confirmed.addr = remote;
    s->confirmed.until = instant_add(s->now, NS_PER_S);
}

static enum why reset_why(enum drop drop)
{
    if (drop == DROP_TCP_CLOSED)
        return WHY_OUT_RST_CLOSED;
    return drop == DROP_TCP_ORPHAN ? WHY_OUT_RST_UNREAD : WHY_OUT_RST_REFUSED;
}

/* TOS goes along and decides nothing: it may change from segment to segment (RFC 2873, 4). */
static enum drop input_tcp(struct stack *s, struct packet *p, const struct ip_packet *ip)
{
    struct tcp_arrival in = {
        .src = ip->src, .dst = ip->dst, .frame = p->frame, .tos = ip->tos, .ttl = ip->ttl};

    s->events.current.tcp = true;
    if (ip->group) /* (MUST-57) */
        return DROP_TCP_GROUP;
    enum drop drop = check_tcp_sum(p, ip);
    if (drop)
        return drop;
    drop = tcp_parse(ip->payload, &in.seg);
    if (drop)
        return drop;
    in.segments = big_segments(&p->meta, in.seg.text.len);
    enum tcp_verdict verdict = tcp_segment_arrives(&s->tcp, &in, s->now);
    p->frame = in.frame;
    if (s->tcp.progress)
        confirm_hop(s, ip->src);
    if (verdict == SEG_ANSWERED)
        stack_answer(s, &in, WHY_OUT_SYN_COOKIE);
    if (verdict == SEG_REFUSED) {
        stack_reset(s, &in, reset_why(in.drop));
        return in.drop;
    }
    return verdict == SEG_DROPPED ? in.drop : DROP_NONE;
}

/* --- ICMP --------------------------------------------------------------------------------- */

/* An error is for the connection or the socket whose packet it quotes (MUST-54; RFC 1122, 4.1.3.3).
 */
static enum drop input_icmp_error(struct stack *s, const struct ip_packet *ip,
                                  const struct icmp_message *m)
{
    struct icmp_error error;
    enum drop drop = ip->family->icmp_error(m, &error);

    if (drop)
        return drop;
    if (error.protocol != IP_PROTOCOL_TCP && error.protocol != IP_PROTOCOL_UDP)
        return DROP_ICMP_NO_FLOW;
    struct reader r = reader_of(error.first8);
    struct endpoint local = {error.src, read_be16(&r)};
    struct endpoint remote = {error.dst, read_be16(&r)};
    if (error.protocol == IP_PROTOCOL_UDP)
        return stack_udp_error(s, local, remote, &error);
    struct tcp_icmp about = {.error = error.error,
                             .hard = error.hard,
                             .too_big = error.too_big,
                             .mtu = error.mtu,
                             .has_seq = true,
                             .seq = seq(read_be32(&r))};
    return tcp_icmp_error(&s->tcp, local, remote, &about, s->now);
}

/* Back to who asked, from the address that was asked; from a suitable one where that was a group
 * (RFC 4443, 4.2). */
static void answer_echo(struct stack *s, const struct ip_packet *ip, const struct icmp_message *m)
{
    struct route route = {.src = ip->dst};

    if (ip->group && route_lookup(&s->ip, ip->src, &route))
        return;
    struct frame *reply =
        ip->family->echo_reply(&s->frames, ip, m, route.src, (uint8_t)s->config.values.ip_ttl);
    if (reply && reply->len > s->config.mtu && ip->family == &ip_family_v4)
        /* it is as long as its request, which was fragmented */
        ipv4_permit_fragments(reply->data,
                              ip_id_next(&s->ids, route.src, ip->src, IP_PROTOCOL_ICMP));
    stack_reply(s, reply, WHY_ICMP_ECHO_REPLY);
}

static enum drop input_icmp(struct stack *s, const struct ip_packet *ip)
{
    struct icmp_message m;
    enum drop drop = ip->family->icmp_parse(ip, &m);

    if (drop)
        return drop;
    switch (m.kind) {
    case ICMP_KIND_ECHO:
        events_note(&s->events, WHY_ICMP_ECHO);
        answer_echo(s, ip, &m);
        return DROP_NONE;
    case ICMP_KIND_ECHO_REPLY:
        events_note(&s->events, WHY_ICMP_PONG);
        return ping_reply_arrives(s, ip->src, &m.header, m.body);
    case ICMP_KIND_ERROR:
        return input_icmp_error(s, ip, &m);
    }
    return DROP_ICMP_BAD;
}

/* --- IP ----------------------------------------------------------------------------------- */

/* Nobody here takes it: say so, where saying so is allowed (RFC 1122, 3.2.2 and 3.2.2.1; RFC 4443,
 * 2.4). */
static void refuse(struct stack *s, const struct ip_packet *ip)
{
    if (!ip->family->may_answer(ip))
        return;
    if (!icmp_allow(&s->limiter, ip->src, s->now)) {
        events_count(&s->events, COUNTER_ICMP_LIMITED);
        events_unsent(&s->events, 0, "an ICMP error: too many lately (RFC 1122, 3.2.2)", s->now);
        return;
    }
    stack_reply(s,
                ip->family->refuse(&s->frames, ip, (uint8_t)s->config.values.ip_ttl, s->config.mtu),
                WHY_ICMP_UNREACHABLE);
}

/* --- UDP ---------------------------------------------------------------------------------- */

/* As for TCP; but a field of zero says that there is no sum, which IPv4 allows (RFC 768) and IPv6
 * does not (RFC 8200, 8.1). */
static enum drop check_udp_sum(const struct packet *p, const struct ip_packet *ip,
                               const struct udp_datagram *datagram)
{
    if (p->meta.flags & FRAME_NEEDS_CSUM)
        return check_open_sum(p, ip, UDP_CSUM_OFFSET);
    if (datagram->checksum == 0)
        return ip_is_v4(ip->src) ? DROP_NONE : DROP_UDP_CSUM_ZERO;
    if (p->meta.flags & FRAME_CSUM_VALID || udp_checksum_is_right(ip->src, ip->dst, ip->payload))
        return DROP_NONE;
    return DROP_UDP_CHECKSUM;
}

/* Nobody is woken, and nobody is told, before the checksum was right. */
static enum drop input_udp(struct stack *s, struct packet *p, const struct ip_packet *ip)
{
    struct udp_arrival in = {.src = ip->src,
                             .dst = ip->dst,
                             .frame = p->frame,
                             .ttl = ip->ttl,
                             .tos = ip->tos,
                             .to_many = ip->group};
    struct ipv4_options room;
    enum drop drop = udp_parse(ip->payload, &in.datagram);

    if (!drop)
        drop = check_udp_sum(p, ip, &in.datagram);
    if (drop)
        return drop;
    if (ip->family == &ip_family_v4 && ip->header.v4.options.len > 0)
        in.options = stack_arrived_options(s, ip, &room);
    drop = udp_arrives(&s->udp, &in);
    p->frame = in.frame;
    if (drop == DROP_UDP_CLOSED)
        refuse(s, ip);
    return drop;
}

/* The family's parse, accept. */
static enum drop read_packet(const struct stack *s, const struct packet *p,
                             const struct ip_family *family, struct bytes octets,
                             struct ip_packet *ip)
{
    *ip = (struct ip_packet){.link_group = p->group};
    enum drop drop = family->parse(octets, ip);

    return drop ? drop : family->accept(&s->ip, ip);
}

static enum drop input_whole(struct stack *s, struct packet *p, const struct ip_packet *ip)
{
    const struct ip_family *family = ip->family;

    if (p->meta.gso_type != FRAME_GSO_NONE &&
        (ip->protocol != IP_PROTOCOL_TCP || p->meta.gso_type != family->gso_type))
        return DROP_DEV_VNET; /* only TCP comes in big frames */
    if (ip->protocol == IP_PROTOCOL_TCP)
        return input_tcp(s, p, ip);
    if (ip->protocol == IP_PROTOCOL_UDP)
        return input_udp(s, p, ip);
    if (ip->protocol == family->icmp)
        return input_icmp(s, ip);
    refuse(s, ip);
    return family->unknown_proto;
}

/* A fragment is held; the last one to come brings the whole packet, which goes the usual way, and
 * all of them share its fate. What a device has verified or left open was a fragment's, and counts
 * for nothing. */
static enum drop input_fragment(struct stack *s, struct packet *p, const struct ip_packet *ip)
{
    struct reassembly_queue *queue;
    struct frame *frame;
    struct ip_packet all;

    if (p->meta.gso_type != FRAME_GSO_NONE || p->meta.flags & FRAME_NEEDS_CSUM)
        return DROP_DEV_VNET;
    enum drop drop = stack_take_fragment(s, ip, &p->frame, &frame, &queue);
    if (drop || !queue) {
        if (!drop)
            p->held = true;
        return drop;
    }
    struct packet whole = {
        .frame = frame, .octets = frame_bytes(frame), .group = queue->link_group};
    drop = read_packet(s, &whole, ip->family, whole.octets, &all);
    if (!drop)
        drop = input_whole(s, &whole, &all);
    p->held = true; /* its share is booked with the others' */
    reassembly_end(&s->reassembly, queue, drop);
    frame_put(whole.frame);
    return drop;
}

static enum drop input_ip(struct stack *s, struct packet *p, const struct ip_family *family,
                          struct bytes octets)
{
    struct ip_packet ip;
    enum drop drop = read_packet(s, p, family, octets, &ip);

    if (drop)
        return drop;
    bool is_fragment = family == &ip_family_v4 &&
                       (ip.header.v4.more_fragments || ip.header.v4.fragment_offset != 0);
    return is_fragment ? input_fragment(s, p, &ip) : input_whole(s, p, &ip);
}

/* --- Ethernet ----------------------------------------------------------------------------- */

static enum drop input_ethernet(struct stack *s, struct packet *p)
{
    struct eth_header eth;
    struct arp_packet arp;
    struct bytes payload;

    enum drop drop = eth_parse(p->octets, &eth, &payload);
    if (!drop)
        drop = eth_accept(&eth, payload.len, s->config.mac, s->config.mtu,
                          p->meta.gso_type != FRAME_GSO_NONE, &p->group);
    if (drop)
        return drop;
    switch (eth.type) {
    case ETH_TYPE_IPV4:
        return input_ip(s, p, &ip_family_v4, payload);
    case ETH_TYPE_ARP:
        drop = arp_parse(payload, &arp);
        return drop ? drop : arp_input(&s->arp, &arp, eth.src, s->now);
    case ETH_TYPE_IPV6:
        return DROP_IP6_NONE;
    default: /* a type is any 16 bits, not an enum */
        return DROP_ETH_PROTOCOL;
    }
}

/* --- a link without Ethernet -------------------------------------------------------------- */

static enum drop input_bare(struct stack *s, struct packet *p)
{
    const struct ip_family *family = ip_family_of_packet(p->octets);

    if (p->octets.len > s->config.mtu && p->meta.gso_type == FRAME_GSO_NONE)
        return DROP_IP_GIANT;
    return family ? input_ip(s, p, family, p->octets) : DROP_IP_VERSION;
}

static enum drop input_octets(struct stack *s, struct packet *p)
{
    if (p->frame->truncated)
        return DROP_DEV_TRUNCATED;
    if (p->meta.bad)
        return DROP_DEV_VNET;
    return p->ethernet ? input_ethernet(s, p) : input_bare(s, p);
}

/* --- the door ----------------------------------------------------------------------------- */

/* Whose it was, as far as its first octets tell; they may be wrong, which is why it is dropped. A
 * fragment that somebody has taken and dropped with others is kept for listeners alone. */
static void tell_drop(struct stack *s, const struct packet *p, enum drop drop)
{
    struct events *events = &s->events;
    struct event event = {.type = EVENT_DROP, .conn = events->current.conn, .when = s->now};

    event.drop.packet = events->current.id;
    event.drop.drop = drop;
    if (p->frame || events_wanted(events))
        stack_peek(p->octets, p->ethernet, &event);
    events_emit(events, &event);
}

static void tell_fate(struct stack *s, const struct packet *p, enum drop drop)
{
    struct events *events = &s->events;
    struct iovec iov = {(void *)(uintptr_t)p->octets.at, p->octets.len};
    uint32_t conn = events->current.conn;

    if (drop)
        tell_drop(s, p, drop);
    if (!events_wanted(events))
        return;
    stack_tell_packet(
        s, &(struct event){
               .type = EVENT_PACKET,
               .conn = conn,
               .when = s->now,
               .packet = {.id = events->current.id,
                          .fate = drop ? PACKET_DROPPED : PACKET_CONSUMED,
                          .drop = drop,
                          .why = drop ? WHY_DROPPED : events->current.why,
                          .tcp = events->current.tcp,
                          .facts = events->current.has_facts ? &events->current.facts : NULL,
                          .iov = &iov,
                          .iovcnt = 1,
                          .ethernet = p->ethernet,
                          .meta = p->meta}});
}

static void run(struct stack *s, struct frame *frame, bool ethernet, instant now)
{
    struct packet p = {
        .frame = frame, .meta = frame->meta, .octets = frame_bytes(frame), .ethernet = ethernet};
    struct events *events = &s->events;
    struct frame *seen = NULL;

    stack_tell_time(s, now);
    events->counters.received++;
    events->current.id = ++events->packets;
    events->current.why = WHY_NONE;
    events->current.tcp = events->current.has_facts = false;
    events->current.conn = 0;
    if (events_wanted(events))
        seen = frame_ref(frame); /* the octets must outlive whoever takes the frame */

    enum drop drop = input_octets(s, &p);
    if (p.held)
        ; /* booked already, or will be */
    else if (drop)
        events->counters.drops[drop]++;
    else
        events->counters.consumed++;
    tell_fate(s, &p, drop);
    frame_put(p.frame);
    frame_put(seen);
}

void stack_input_frame(struct stack *s, struct frame *frame, instant now)
{
    run(s, frame, s->config.link == STACK_LINK_ETHERNET, now);
}

static void run_copy(struct stack *s, struct bytes octets, const struct frame_meta *meta,
                     bool ethernet, instant now)
{
    struct frame *frame = frame_copy(&s->frames, octets);

    if (!frame) {
        stack_tell_time(s, now);
        s->events.counters.received++;
        enum drop giant = ethernet ? DROP_ETH_GIANT : DROP_IP_GIANT;
        s->events.counters.drops[octets.len > FRAME_ROOM_MAX ? giant : DROP_DEV_NO_BUFFER]++;
        return;
    }
    if (meta)
        frame->meta = *meta;
    run(s, frame, ethernet, now);
}

void stack_input(struct stack *s, struct bytes octets, const struct frame_meta *meta, instant now)
{
    run_copy(s, octets, meta, s->config.link == STACK_LINK_ETHERNET, now);
}

void stack_input_ip(struct stack *s, struct bytes packet, const struct frame_meta *meta,
                    instant now)
{
    run_copy(s, packet, meta, false, now);
}

void stack_run_batch(struct stack *s, const struct dev *dev, struct frame **batch, int count,
                     instant now)
{
    bool ethernet = s->config.link == STACK_LINK_ETHERNET && !dev->ip_only;

    for (int i = 0; i < count; i++)
        run(s, batch[i], ethernet, now);
    stack_advance(s, now);
}

int stack_receive(struct stack *s, struct dev *dev, instant now)
{
    struct frame *batch[DEV_BATCH];
    int count = dev_receive(dev, &s->frames, batch, DEV_BATCH, now);

    stack_run_batch(s, dev, batch, count, now);
    return count;
}
