/*
 * stack_udp.c - a datagram that is sent becomes a packet, and waits with the replies.
 *
 * Its data is copied once, into the packet. The checksum is left to whoever sends the frame
 * (send_packet() in stack_output.c): the device, if it takes FRAME_NEEDS_CSUM, else we; but a
 * packet that is larger than the link's MTU will be cut to pieces first, so it is summed here.
 *
 * Datagrams share the queue of the replies and may fill half of it, so that a program that sends
 * faster than the link takes cannot keep a reset or a ping from being answered. A sender that finds
 * no room hears -EAGAIN, and when there is some again (stack_tell_room()).
 */
#include <errno.h>

#include "stack/stack.h"

uint32_t stack_path_mtu(const struct stack *s, struct ip_addr to)
{
    return pmtu_find(&s->paths, to, s->config.mtu, s->now);
}

static bool has_room(const struct stack *s)
{
    int64_t cap = s->config.values.stack_replies;

    return s->replies.len < (uint64_t)(cap + 1) / 2;
}

void stack_tell_room(struct stack *s)
{
    if (has_room(s))
        udp_tell_room(&s->udp);
}

static void write_iov(struct writer *w, const struct iovec *iov, int iovcnt)
{
    for (int i = 0; i < iovcnt; i++)
        write_bytes(w, iov[i].iov_base, iov[i].iov_len);
}

int stack_send_datagram(struct stack *s, const struct datagram_out *out)
{
    const struct ip_family *family = ip_family_of(out->remote.addr);
    struct ipv4_options room;
    size_t udp_len = UDP_HEADER + out->len;
    size_t header_len = family->header_len + (out->options ? out->options->len : 0u);
    size_t whole = header_len + udp_len;
    struct ip_addr src = out->local.addr, dst = out->remote.addr;
    struct udp_datagram h = {.src_port = out->local.port, .dst_port = out->remote.port};

    assert(udp_len <= UDP_LENGTH_MAX && ip_is_v4(src) == ip_is_v4(dst));
    if (!has_room(s))
        return -EAGAIN;
    struct frame *packet = frame_get(&s->frames, whole);
    if (!packet)
        return -ENOBUFS;
    uint16_t id = out->may_fragment ? ip_id_next(&s->ids, src, dst, IP_PROTOCOL_UDP) : 0;
    struct writer w = writer_of(packet->data, whole);
    family->emit(&w,
                 &(struct ip_out){.src = src,
                                  .dst = dst,
                                  .protocol = IP_PROTOCOL_UDP,
                                  .ttl = out->ttl,
                                  .tos = out->tos,
                                  .may_fragment = out->may_fragment,
                                  .id = id,
                                  .options = stack_sent_options(s, out->options, src, &room)},
                 udp_len);
    uint8_t *datagram = w.at;
    if (whole <= s->config.mtu) {
        struct checksum c = {0};
        checksum_add_pseudo(&c, src, dst, IP_PROTOCOL_UDP, (uint32_t)udp_len);
        h.checksum = checksum_fold(c);
        packet->meta = (struct frame_meta){.flags = FRAME_NEEDS_CSUM,
                                           .csum_start = (uint16_t)header_len,
                                           .csum_offset = UDP_CSUM_OFFSET};
    }
    udp_emit(&w, &h, out->len);
    write_iov(&w, out->iov, out->iovcnt);
    assert(!w.overrun && w.left == 0);
    if (whole > s->config.mtu)
        udp_fill_checksum(src, dst, datagram, udp_len);
    packet->len = (uint32_t)whole;
    stack_reply(s, packet, WHY_UDP_OUT);
    return 0;
}

enum drop stack_udp_error(struct stack *s, struct endpoint local, struct endpoint remote,
                          const struct icmp_error *error)
{
    const struct stack_values *values = &s->config.values;
    int64_t floor = ip_is_v4(remote.addr) ? values->tcp_pmtu_floor_v4 : values->tcp_pmtu_floor_v6;

    enum drop drop = udp_icmp_error(&s->udp, local, remote, error);
    if (drop)
        return drop;
    struct event event = {.type = EVENT_NOTE, .when = s->now};
    event.note.text = error->too_big
                          ? "the path carries no larger datagrams (RFC 1191, 6.1; RFC 8201, 4)"
                          : "an ICMP error for a UDP socket (RFC 1122, 4.1.3.3)";
    event.note.value = error->too_big ? (int64_t)error->mtu : error->error;
    events_emit(&s->events, &event);
    if (error->too_big)
        pmtu_lower(&s->paths, remote.addr, u32_max(error->mtu, (uint32_t)floor), s->now);
    return DROP_NONE;
}
