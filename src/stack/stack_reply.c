/*
 * stack_reply.c - packets that no connection owes: they are made here and wait in one queue.
 *
 * Resets, ICMP and the <SYN,ACK>s of SYN cookies answer whoever sends us something, and remember
 * nothing of him. So the queue has a cap, stack.replies, beyond which they are dropped and counted;
 * what is answered by a reset or an ICMP error is also limited in its rate (icmp.h).
 */
#include "stack/stack.h"

bool stack_reply(struct stack *s, struct frame *packet, enum why why)
{
    struct frame_queue *q = &s->replies;

    if (!packet)
        return false;
    if (q->len >= (uint64_t)s->config.values.stack_replies) {
        events_count(&s->events, COUNTER_REPLY_DROP);
        events_unsent(&s->events, 0, "an answer: too many wait already", s->now);
        frame_put(packet);
        return false;
    }
    packet->tag = why;
    frame_queue_append(q, packet);
    return true;
}

struct frame *stack_reply_take(struct stack *s)
{
    assert(s->replies.len > 0);
    s->reply_cut = 0;
    return frame_queue_take(&s->replies);
}

/* A segment without text from `in`'s destination to its source; NULL without a buffer. */
static struct frame *segment_back(struct stack *s, const struct tcp_arrival *in,
                                  const struct tcp_segment *seg, uint8_t tos, uint8_t ttl)
{
    const struct ip_family *family = ip_family_of(in->src);
    size_t tcp_len = tcp_header_len(seg);
    struct frame *packet = frame_get(&s->frames, family->header_len + tcp_len);
    struct ip_out ip = {.src = in->dst,
                        .dst = in->src,
                        .protocol = IP_PROTOCOL_TCP,
                        .ttl = ttl ? ttl : (uint8_t)s->config.values.ip_ttl,
                        .tos = tos};
    struct checksum c = {0};

    if (!packet)
        return NULL;
    struct writer w = writer_of(packet->data, family->header_len + tcp_len);
    family->emit(&w, &ip, tcp_len);
    uint8_t *tcp = w.at;
    tcp_emit(&w, seg);
    checksum_add_pseudo(&c, in->dst, in->src, IP_PROTOCOL_TCP, (uint32_t)tcp_len);
    checksum_add(&c, bytes_of(tcp, tcp_len));
    put_be16(tcp + TCP_CSUM_OFFSET, checksum_finish(c));
    packet->len = (uint32_t)(family->header_len + tcp_len);
    return packet;
}

void stack_answer(struct stack *s, const struct tcp_arrival *in, enum why why)
{
    stack_reply(s, segment_back(s, in, &in->answer, in->answer_tos, in->answer_ttl), why);
}

void stack_reset(struct stack *s, const struct tcp_arrival *in, enum why why)
{
    struct tcp_segment rst = tcp_reset_for(&s->tcp, &in->seg);

    if (!icmp_allow(&s->limiter, in->src, s->now)) {
        events_count(&s->events, COUNTER_RST_LIMITED);
        events_unsent(&s->events, 0, "a reset: too many lately", s->now);
        return;
    }
    if (!stack_reply(s, segment_back(s, in, &rst, 0, 0), why))
        return;
    events_count(&s->events, COUNTER_TCP_RST_OUT);
    events_emit(
        &s->events,
        &(struct event){
            .type = EVENT_RESET,
            .when = s->now,
            .reset = {true, why, {in->dst, in->seg.dst_port}, {in->src, in->seg.src_port}}});
}
