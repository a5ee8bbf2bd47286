/*
 * stack_segment.c - what a connection owes, from tcp_output() to the device.
 *
 * A segment's headers are written in one piece, and its text stays where it lies: the device
 * gathers both. A device that cuts big frames gets many segments as one, with a header that the
 * first of them would have but for its lengths (virtio_net_hdr says the rest).
 *
 * Until its first hop is known, ARP keeps one copy for each place it has, and the connections that
 * find none keep their debts and wait apart for that station alone. Those who watch see a
 * connection as it is after the segment has left.
 */
#include <errno.h>

#include "stack/stack_sending.h"

enum { HEADERS_MAX = ETH_HEADER + IP_HEADER_MAX + TCP_HEADER_MAX, IOV_MAX_OUT = TCP_OUT_IOV + 2 };

/* --- to the first hop --------------------------------------------------------------------- */

/* Within one stack_output() time stands still, and ARP learns nothing. So the second segment to a
 * destination in a row goes where the first one went, unless it casts doubt on the hop itself. */
static enum hop find_hop_of(struct sending *out, const struct tcp_out *seg, struct route *route,
                            struct mac_addr *mac)
{
    if (out->has_last && seg->retransmits == 0 && ip_equal(out->last, seg->dst)) {
        *mac = out->last_mac;
        return HOP_KNOWN;
    }
    enum hop hop = stack_find_hop(out, seg->dst, route, mac);
    out->has_last = hop == HOP_KNOWN;
    out->last = seg->dst;
    out->last_mac = *mac;
    return hop;
}

/* --- headers, text, padding --------------------------------------------------------------- */

struct segment_frame {
    uint8_t header[HEADERS_MAX];
    struct iovec iov[IOV_MAX_OUT];
    int iovcnt;
    struct frame_meta meta;
};

/* Pseudo-header, header and text; or the pseudo-header alone, where the device does the rest. */
static void fill_checksum(const struct tcp_out *seg, struct segment_frame *f, size_t tcp_at,
                          size_t tcp_len, bool offload)
{
    struct checksum c = {0};
    uint8_t *field = f->header + tcp_at + TCP_CSUM_OFFSET;

    checksum_add_pseudo(&c, seg->src, seg->dst, IP_PROTOCOL_TCP,
                        (uint32_t)(tcp_len + seg->seg.text.len));
    if (offload) {
        put_be16(field, checksum_fold(c));
        f->meta = (struct frame_meta){.flags = FRAME_NEEDS_CSUM,
                                      .csum_start = (uint16_t)tcp_at,
                                      .csum_offset = TCP_CSUM_OFFSET};
        return;
    }
    checksum_add_header(&c, bytes_of(f->header + tcp_at, tcp_len));
    for (int i = 0; i < seg->iovcnt; i++)
        checksum_add(&c, bytes_of(seg->iov[i].iov_base, seg->iov[i].iov_len));
    put_be16(field, checksum_finish(c));
}

/* Ethernet, IP and TCP headers in one piece, then the text where it lies, then padding. */
static void build_segment(const struct sending *out, const struct tcp_out *seg, struct mac_addr mac,
                          bool offload, struct segment_frame *f)
{
    const struct stack_config *config = &out->stack->config;
    const struct ip_family *family = ip_family_of(seg->dst);
    struct writer w = writer_of(f->header, sizeof f->header);
    size_t tcp_len = tcp_header_len(&seg->seg);
    size_t payload_len = tcp_len + seg->seg.text.len;
    struct ipv4_options room;
    struct bytes options = {0};

    f->meta = (struct frame_meta){0};
    if (seg->ip_options)
        options = stack_sent_options(out->stack, seg->ip_options, seg->src, &room);
    if (out->ethernet)
        eth_emit(&w, &(struct eth_header){mac, config->mac, family->ether_type});
    family->emit(&w,
                 &(struct ip_out){.src = seg->src,
                                  .dst = seg->dst,
                                  .protocol = IP_PROTOCOL_TCP,
                                  .ttl = seg->ttl ? seg->ttl : (uint8_t)config->values.ip_ttl,
                                  .tos = seg->tos,
                                  .options = options},
                 payload_len);
    size_t tcp_at = (size_t)(w.at - f->header);
    tcp_emit(&w, &seg->seg);
    fill_checksum(seg, f, tcp_at, tcp_len, offload);
    if (seg->each) {
        f->meta.gso_type = family->gso_type;
        f->meta.gso_size = seg->each;
    }

    f->iov[0] = (struct iovec){f->header, (size_t)(w.at - f->header)};
    f->iovcnt = 1;
    for (int i = 0; i < seg->iovcnt; i++)
        f->iov[f->iovcnt++] = seg->iov[i];
    size_t pad = out->padded ? eth_padding(family->header_len + options.len + payload_len) : 0;
    if (pad)
        f->iov[f->iovcnt++] = (struct iovec){(void *)(uintptr_t)stack_padding, pad};
    assert(family->header_len + options.len + tcp_len +
               (seg->each ? seg->each : seg->seg.text.len) <=
           config->mtu);
}

/* A copy of the IP packet, whole and with its checksum, for ARP to hold. */
static struct frame *copy_packet(struct stack *s, const struct segment_frame *f, enum why why)
{
    struct frame *copy = frame_gather(&s->frames, f->iov, f->iovcnt);

    if (!copy)
        return NULL;
    frame_trim_front(copy, ETH_HEADER);
    copy->len = (uint32_t)ip_packet_of_ours(frame_bytes(copy)).octets.len; /* without the padding */
    copy->tag = why;
    return copy;
}

/* What the connection looks like beside the packet: after it has left, for a segment; before, for
 * one that may be the last of it. */
static int send_known(struct sending *out, const struct tcp_out *seg, struct mac_addr mac)
{
    struct stack *s = out->stack;
    struct segment_frame f;
    struct conn_facts facts;
    bool watched = events_wanted(&s->events);
    bool last = seg->seg.flags & TCP_RST || tcp_conn_state(seg->conn) == TCPS_TIME_WAIT;

    build_segment(out, seg, mac, out->csum_offload, &f);
    int err = out->sink->send(out->sink, &f.meta, f.iov, f.iovcnt, out->now);
    if (err)
        return err;
    if (watched && last)
        tcp_conn_facts(&s->tcp, seg->conn, &facts);
    tcp_sent(&s->tcp, seg, out->now);
    if (watched && !last)
        tcp_conn_facts(&s->tcp, seg->conn, &facts);
    stack_tell_sent(out, &f.meta, f.iov, f.iovcnt, seg->why, watched ? &facts : NULL, true);
    return 0;
}

/* The station is being asked for: ARP keeps a copy, and for TCP the segment has left. */
static void hold_segment(struct sending *out, struct tcp_out *seg, struct ip_addr hop)
{
    struct stack *s = out->stack;
    struct segment_frame f;

    tcp_out_first(seg);
    build_segment(out, seg, MAC_BROADCAST, false, &f);
    struct frame *copy = copy_packet(s, &f, seg->why);
    if (copy)
        arp_hold(&s->arp, hop, copy);
    tcp_sent(&s->tcp, seg, out->now);
}

int stack_send_segments(struct sending *out)
{
    struct stack *s = out->stack;
    struct tcp_out seg;

    while (tcp_output(&s->tcp, out->now, &seg)) {
        struct route route;
        struct mac_addr mac = {{0}};
        bool opening = tcp_conn_state(seg.conn) == TCPS_SYN_SENT;
        enum hop hop = find_hop_of(out, &seg, &route, &mac);

        if (hop == HOP_KNOWN) {
            if (seg.retransmits == 3 &&
                out->ethernet) /* R1 (MUST-20): is the first hop still there? */
                arp_doubt(&s->arp, route.next_hop, out->now);
            int err = send_known(out, &seg, mac);
            if (err)
                return err;
        } else if (hop == HOP_PENDING && arp_has_room(&s->arp, route.next_hop)) {
            hold_segment(out, &seg, route.next_hop);
        } else if (hop == HOP_PENDING) {
            tcp_park(&s->tcp, &seg, arp_await(&s->arp, route.next_hop), out->now);
        } else {
            events_count(&s->events, COUNTER_NO_ROUTE);
            tcp_sent(&s->tcp, &seg, out->now); /* lost, as far as TCP is concerned */
            if (opening)
                tcp_unreachable(&s->tcp, seg.conn, EHOSTUNREACH, out->now);
        }
    }
    return 0;
}
