/*
 * lab_record.c - what is seen of a lab's run: the frame that leaves, and what the stacks tell.
 */
#include <string.h>

#include "base/instant.h"
#include "eth/arp_wire.h"
#include "eth/eth_wire.h"
#include "sim/lab_world.h"
#include "tcp/tcp_wire.h"
#include "udp/udp_wire.h"

/* --- frames ------------------------------------------------------------------------------- */

static int host_of(const struct lab_world *world, struct ip_addr addr)
{
    for (int i = 0; i < world->plan->hosts; i++)
        if (ip_equal(lab_address(i), addr))
            return i;
    return -1;
}

/* The last one: ports may come back for another connection. */
static struct lab_flow *flow_of(struct lab_world *world, struct endpoint from, struct endpoint to)
{
    for (int i = world->flows; i-- > 0;) {
        struct lab_flow *f = &world->flow[i];
        if (endpoint_equal(f->src, from) && endpoint_equal(f->dst, to))
            return f;
    }
    return NULL;
}

static struct lab_flow *note_syn(struct lab_world *world, const struct tcp_segment *seg,
                                 struct endpoint src, struct endpoint dst)
{
    struct lab_flow *f = flow_of(world, src, dst);

    if (f && f->iss == seg->seq.value)
        return f;
    if (world->flows == LAB_FLOWS) { /* the oldest is forgotten */
        memmove(world->flow, world->flow + 1, (LAB_FLOWS - 1) * sizeof(*f));
        world->flows--;
    }
    f = &world->flow[world->flows++];
    *f = (struct lab_flow){.src = src,
                           .dst = dst,
                           .iss = seg->seq.value,
                           .scale = seg->options.has_window_scale ? seg->options.window_scale : -1};
    return f;
}

static void read_options(const struct tcp_segment *seg, const struct lab_flow *back,
                         struct lab_frame *out)
{
    const struct tcp_options *o = &seg->options;

    if (seg->flags & TCP_SYN) {
        out->mss = o->has_mss ? o->mss : 0;
        out->window_scale = o->has_window_scale ? o->window_scale : -1;
        out->sack_permitted = o->sack_permitted;
    }
    for (out->sacks = 0; back && out->sacks < o->sack_count; out->sacks++) {
        out->sack[out->sacks][0] = o->sack[out->sacks].left.value - back->iss;
        out->sack[out->sacks][1] = o->sack[out->sacks].right.value - back->iss;
    }
}

/* Has this been sent before? A probe of an open number counts once it is repeated. */
static bool is_again(struct lab_flow *flow, const struct tcp_segment *seg)
{
    uint32_t end = seg->seq.value - flow->iss + tcp_seg_len(seg);
    bool again = tcp_seg_len(seg) > 0 && end <= flow->sent;

    flow->sent = u32_max(flow->sent, end);
    return again;
}

static void read_tcp(struct lab_world *world, struct bytes in, const struct ipv4_header *ip,
                     struct lab_item *item)
{
    struct lab_frame *out = &item->frame;
    struct tcp_segment seg;

    if (tcp_parse(in, &seg) != DROP_NONE)
        return;
    struct endpoint src = {ip->src, seg.src_port}, dst = {ip->dst, seg.dst_port};
    struct lab_flow *flow =
        seg.flags & TCP_SYN ? note_syn(world, &seg, src, dst) : flow_of(world, src, dst);
    const struct lab_flow *back = flow_of(world, dst, src);
    out->protocol = LAB_TCP;
    out->flags = seg.flags;
    out->src_port = seg.src_port;
    out->dst_port = seg.dst_port;
    out->raw_seq = seg.seq.value;
    out->raw_ack = seg.flags & TCP_ACK ? seg.ack.value : 0;
    out->counted = flow != NULL;
    out->seq = flow ? seg.seq.value - flow->iss : 0;
    out->ack = back && seg.flags & TCP_ACK ? seg.ack.value - back->iss : 0;
    out->len = (uint32_t)seg.text.len;
    /* A SYN's window is not scaled (RFC 7323, 2.2), and none is unless both have told a shift. */
    bool scaled = flow && back && flow->scale >= 0 && back->scale >= 0 && !(seg.flags & TCP_SYN);
    out->window = (uint32_t)seg.window << (scaled ? flow->scale : 0);
    read_options(&seg, back, out);
    item->again = flow && is_again(flow, &seg);
}

static void read_ip(struct lab_world *world, struct bytes packet, struct lab_item *item)
{
    struct lab_frame *out = &item->frame;
    struct reader r = reader_of(packet);
    struct ipv4_header ip;
    size_t total;
    struct udp_datagram udp;

    if (!ipv4_read_header(&r, &ip, &total))
        return;
    out->to = host_of(world, ip.dst);
    struct bytes payload = bytes_first(r.rest, total - (packet.len - r.rest.len));
    if (ip.protocol == IP_PROTOCOL_TCP) {
        read_tcp(world, payload, &ip, item);
    } else if (ip.protocol == IP_PROTOCOL_UDP && udp_parse(payload, &udp) == DROP_NONE) {
        out->protocol = LAB_UDP;
        out->src_port = udp.src_port;
        out->dst_port = udp.dst_port;
        out->len = (uint32_t)udp.data.len;
    } else if (ip.protocol == IP_PROTOCOL_ICMP && payload.len >= 2) {
        out->protocol = LAB_ICMP;
        out->flags = payload.at[0];
        out->code = payload.at[1];
    }
}

void lab_read_frame(struct lab_world *world, struct bytes octets, struct lab_item *item)
{
    struct lab_frame *out = &item->frame;
    struct eth_header eth;
    struct arp_packet arp;
    struct bytes payload = octets;

    *out = (struct lab_frame){.protocol = LAB_OTHER,
                              .to = -1,
                              .window_scale = -1,
                              .size = (uint32_t)octets.len,
                              .ethernet = world->plan->scene[world->scene].ethernet};
    out->kept = (uint32_t)size_min(octets.len, LAB_OCTETS);
    memcpy(out->octets, octets.at, out->kept);
    if (!out->ethernet) {
        read_ip(world, octets, item);
        return;
    }
    if (eth_parse(octets, &eth, &payload) != DROP_NONE)
        return;
    if (eth.type == ETH_TYPE_IPV4) {
        read_ip(world, payload, item);
    } else if (eth.type == ETH_TYPE_ARP && arp_parse(payload, &arp) == DROP_NONE) {
        out->protocol = LAB_ARP;
        out->flags = (uint8_t)arp.op;
        out->target = arp.op == ARP_REPLY ? arp.spa : arp.tpa;
        if (arp.op == ARP_REPLY)
            out->to = host_of(world, arp.tpa);
    }
}

/* --- events ------------------------------------------------------------------------------- */

static void on_packet(struct lab_station *st, const struct event *event)
{
    struct lab_result *result = st->world->result;
    int at;

    if (event->packet.fate == PACKET_OUT) {
        at = st->sent;
        if (at < 0)
            return;
        struct lab_item *item = &result->item[at];
        item->why = event->packet.why;
        item->has_facts = event->packet.facts != NULL;
        if (item->has_facts)
            item->facts = *event->packet.facts;
        st->sent = -1;
        return;
    }
    struct lab_queue *q = &st->taken;
    if (q->count == 0)
        return;
    at = q->item[q->first];
    q->first = (q->first + 1) % LAB_FLYING;
    q->count--;
    if (at < 0)
        return;
    result->item[at].got = event->packet.why;
    result->item[at].has_got = event->packet.facts != NULL;
    if (event->packet.facts)
        result->item[at].got_facts = *event->packet.facts;
}

static void set_word(struct lab_item *item, const char *word)
{
    struct text t = text_of(item->word, sizeof item->word);
    text_add(&t, word);
}

static void on_decision(struct lab_station *st, const struct event *event, const char *word,
                        int64_t value)
{
    struct lab_item *item = lab_add(st->world, LAB_EVENT, st->number);

    if (!item)
        return;
    set_word(item, word);
    item->sentence = event_sentence(event);
    item->value = value;
    item->conn = event->conn;
    if (event->type == EVENT_CWND)
        item->ssthresh = event->cwnd.ssthresh;
}

static void on_state(struct lab_station *st, const struct event *event)
{
    struct lab_item *item = lab_add(st->world, LAB_STATE, st->number);

    if (!item)
        return;
    set_word(item, tcp_state_name(event->state.to));
    item->sentence = event->state.cause;
    item->conn = event->conn;
    item->value = event->state.remote.port;
}

void lab_listen(struct event_sink *sink, const struct event *event)
{
    struct lab_station *st = CONTAINER_OF(sink, struct lab_station, sink);

    if (event->type == EVENT_PACKET)
        on_packet(st, event);
    else if (event->type == EVENT_STATE)
        on_state(st, event);
    else if (event->type == EVENT_CWND)
        on_decision(st, event, "cwnd", event->cwnd.cwnd);
    else if (event->type == EVENT_RETRANSMIT)
        on_decision(st, event, "sent-again", event->retransmit.count);
    else if (event->type == EVENT_TIMER_FIRED)
        on_decision(st, event, timer_kind_name(event->timer.kind), 0);
    else if (event->type == EVENT_STALL || event->type == EVENT_RESUME)
        on_decision(st, event, event->type == EVENT_STALL ? "stall" : "resume", event->held.unsent);
    else if (event->type == EVENT_RESET)
        on_decision(st, event, "reset", event->reset.sent);
}
