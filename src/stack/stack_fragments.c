/*
 * stack_fragments.c - between fragments and packets, in both directions.
 *
 * In: a piece waits in ip/reassembly.c; the last one makes a packet of them, with the header of the
 * first. Out: a packet that is longer than the MTU and may be fragmented leaves in pieces, all of
 * one size but the last; how many are gone is kept beside the packet, so that a device that is full
 * in the middle gets the rest later, and nothing twice. Of its options the first piece has all, the
 * others those with the copied flag (RFC 791, 3.1).
 *
 * A packet that may be fragmented, here or by a router, has had its identification since it was
 * made. Only the queue of packets without a connection knows such packets: TCP cuts its text by
 * itself.
 */
#include "stack/stack.h"

/* The packet that the pieces make; NULL without a buffer, or when its header makes it too long. */
static struct frame *join(struct stack *s, const struct reassembly_queue *q, enum drop *drop)
{
    uint32_t header_len;
    const struct frame *first = reassembly_first(q, &header_len);
    size_t len = (size_t)header_len + q->octets;

    assert(first);
    *drop = DROP_IP4_FRAG_BIG;
    if (len > IPV4_TOTAL_MAX)
        return NULL;
    *drop = DROP_DEV_NO_BUFFER;
    struct frame *whole = frame_get(&s->frames, len);
    if (!whole)
        return NULL;
    struct writer w = writer_of(whole->data, len);
    ipv4_emit_whole(&w, bytes_first(frame_bytes(first), header_len), q->octets, q->congested);
    reassembly_copy(q, &w);
    assert(!w.overrun && w.left == 0);
    whole->len = (uint32_t)len;
    *drop = DROP_NONE;
    return whole;
}

enum drop stack_take_fragment(struct stack *s, const struct ip_packet *ip, struct frame **frame,
                              struct frame **whole, struct reassembly_queue **queue)
{
    const struct ipv4_header *h = &ip->header.v4;
    struct fragment f = {.key = {h->src, h->dst, h->id, h->protocol},
                         .offset = h->fragment_offset,
                         .header_len = (uint32_t)(ip->octets.len - ip->payload.len),
                         .more = h->more_fragments,
                         .link_group = ip->link_group,
                         .congested = (h->tos & IP_TOS_ECN) == IP_TOS_ECN,
                         .unmarkable = (h->tos & IP_TOS_ECN) == 0};
    uint32_t front = (uint32_t)(ip->octets.at - (*frame)->data);

    frame_trim_front(*frame, front);
    frame_trim_end(*frame, (*frame)->len - (uint32_t)ip->octets.len);
    enum drop drop = reassembly_add(&s->reassembly, &f, frame, s->now, queue);
    if (drop)
        return drop;
    events_note(&s->events, WHY_IP_FRAGMENT);
    if (!*queue)
        return DROP_NONE;
    *whole = join(s, *queue, &drop);
    if (!*whole) {
        reassembly_end(&s->reassembly, *queue, drop);
        *queue = NULL; /* all of it is booked */
    }
    return DROP_NONE;
}

/* Its sender may know, if the first piece has come (RFC 792). */
static void tell_timeout(struct stack *s, const struct reassembly_queue *q)
{
    uint32_t header_len;
    const struct frame *first = reassembly_first(q, &header_len);
    struct ip_packet ip = {.link_group = q->link_group};

    if (!first || ip_family_v4.parse(frame_bytes(first), &ip) || ip_family_v4.accept(&s->ip, &ip) ||
        !ip_family_v4.may_answer(&ip))
        return;
    if (!icmp_allow(&s->limiter, ip.src, s->now)) {
        events_count(&s->events, COUNTER_ICMP_LIMITED);
        events_unsent(&s->events, 0, "an ICMP error: too many lately (RFC 1122, 3.2.2)", s->now);
        return;
    }
    stack_reply(s,
                icmp_reassembly_timeout(&s->frames, ip.octets, &ip.header.v4,
                                        (uint8_t)s->config.values.ip_ttl, s->config.mtu),
                WHY_ICMP_EXPIRED);
}

void stack_fragment_timeout(struct stack *s, struct timer *timer)
{
    struct reassembly_queue *q = reassembly_of_timer(timer);

    events_timer_fired(&s->events, 0, TIMER_REASSEMBLY, s->now);
    tell_timeout(s, q);
    s->reassembly.now = s->now;
    reassembly_end(&s->reassembly, q, DROP_IP4_FRAG_TIMEOUT);
}

struct bytes stack_next_piece(const struct ip_packet *ip, uint32_t cut, uint32_t mtu,
                              struct writer *w)
{
    size_t header_len = IPV4_HEADER_MIN + ip->header.v4.options.len; /* at most, where some go */
    size_t room = (mtu - header_len) / 8 * 8;
    struct bytes rest = bytes_skip(ip->payload, cut);
    struct bytes piece = bytes_first(rest, rest.len + header_len <= mtu ? rest.len : room);

    ipv4_emit_piece(w, &ip->header.v4, cut, piece.len, piece.len < rest.len);
    return piece;
}
