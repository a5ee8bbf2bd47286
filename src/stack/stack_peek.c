/*
 * stack_peek.c - what packets look like to those who watch: whose was it that is dropped, and which
 * segments are in a big frame?
 *
 * The parsers of the way in judge, and stop at the first mistake; a dropped packet is one in which
 * they found some. Here its addresses and ports are read for people who look for it, without
 * judging, as far as the octets go. Nothing but the event is made of them.
 */
#include "base/bytes.h"
#include "dev/big_frame.h"
#include "eth/eth_wire.h"
#include "stack/stack.h"

enum { IPV4_LEAST = 20, IPV6_LEAST = 40 };

static struct ip_addr read_addr_v6(struct reader *r)
{
    struct ip_addr addr = {0};
    struct bytes octets = read_bytes(r, sizeof addr.octet);

    if (octets.len == sizeof addr.octet)
        memcpy(addr.octet, octets.at, octets.len);
    return addr;
}

static void read_ports(struct bytes in, struct event *event)
{
    struct reader r = reader_of(in);
    uint8_t protocol = event->drop.protocol;

    if (protocol != IP_PROTOCOL_TCP && protocol != IP_PROTOCOL_UDP)
        return;
    uint16_t from = read_be16(&r), to = read_be16(&r);
    if (r.overrun)
        return;
    event->drop.from.port = from;
    event->drop.to.port = to;
}

static struct ip_addr read_addr_v4(struct reader *r)
{
    return ip_from_v4(read_be32(r));
}

static void peek_v4(struct bytes in, struct event *event)
{
    size_t header = (in.at[0] & 0x0fu) * 4u;
    struct reader r = reader_of(bytes_skip(in, 2));

    size_t total = read_be16(&r);
    read_be16(&r); /* the identification */
    bool is_first = (read_be16(&r) & 0x1fffu) == 0;
    read_u8(&r); /* the time to live */
    event->drop.protocol = read_u8(&r);
    read_be16(&r); /* the checksum */
    event->drop.from.addr = read_addr_v4(&r);
    event->drop.to.addr = read_addr_v4(&r);
    if (total >= IPV4_LEAST)
        in = bytes_first(in, total); /* behind it is padding */
    if (is_first && header >= IPV4_LEAST && header <= in.len)
        read_ports(bytes_skip(in, header), event);
}

static void peek_v6(struct bytes in, struct event *event)
{
    struct reader r = reader_of(bytes_skip(in, 4));

    size_t payload = read_be16(&r);
    event->drop.protocol = read_u8(&r);
    read_u8(&r); /* the hop limit */
    event->drop.from.addr = read_addr_v6(&r);
    event->drop.to.addr = read_addr_v6(&r);
    read_ports(bytes_first(bytes_skip(in, IPV6_LEAST), payload), event);
}

void stack_peek(struct bytes octets, bool ethernet, struct event *event)
{
    struct bytes in = octets;
    uint16_t type = 0;

    if (ethernet) {
        struct reader r = reader_of(octets);
        read_bytes(&r, ETH_HEADER - sizeof type);
        type = read_be16(&r);
        if (r.overrun)
            return;
        in = bytes_skip(octets, ETH_HEADER);
    }
    if (in.len >= IPV4_LEAST && in.at[0] >> 4 == 4 && (!ethernet || type == ETH_TYPE_IPV4))
        peek_v4(in, event);
    else if (in.len >= IPV6_LEAST && in.at[0] >> 4 == 6 && (!ethernet || type == ETH_TYPE_IPV6))
        peek_v6(in, event);
}

/* The state before the FIN of the last segment took effect: the peer's, or ours, which only from
 * CLOSE-WAIT changes it when it leaves. */
static enum tcp_state before_fin(enum tcp_state state, bool sent)
{
    if (sent)
        return state == TCPS_LAST_ACK ? TCPS_CLOSE_WAIT : state;
    if (state == TCPS_CLOSE_WAIT)
        return TCPS_ESTABLISHED;
    if (state == TCPS_CLOSING)
        return TCPS_FIN_WAIT_1;
    return state == TCPS_TIME_WAIT ? TCPS_FIN_WAIT_2 : state;
}

/* What is told of the whole is the last segment's. The others have its text alone: no PSH, no FIN.
 */
static void tell_of_text(struct event *event, struct conn_facts *facts)
{
    bool sent = event->packet.fate == PACKET_OUT;
    bool fin = sent || event->packet.why == WHY_IN_FIN;

    if (event->packet.why == WHY_IN_TEXT_PUSH || event->packet.why == WHY_IN_FIN)
        event->packet.why = WHY_IN_TEXT;
    else if (event->packet.why == WHY_OUT_PUSHED)
        event->packet.why = WHY_OUT_WRITTEN;
    if (!fin || !event->packet.facts)
        return;
    *facts = *event->packet.facts;
    facts->state = before_fin(facts->state, sent);
    event->packet.facts = facts;
}

void stack_tell_packet(struct stack *s, const struct event *event)
{
    struct frame_meta whole = event->packet.meta;
    struct conn_facts facts;
    struct big_cut cut;

    if (!big_cut_begin(&cut, &whole, event->packet.iov, event->packet.iovcnt,
                       !event->packet.ethernet)) {
        events_emit(&s->events, event);
        return;
    }
    struct event last = *event, text = *event;
    tell_of_text(&text, &facts);
    for (bool first = true; big_cut_next(&cut); first = false) {
        struct event *segment = cut.count < cut.total ? &text : &last;
        segment->packet.id = first ? event->packet.id : ++s->events.packets;
        segment->packet.meta = cut.meta;
        segment->packet.iov = cut.iov;
        segment->packet.iovcnt = cut.iovcnt;
        events_emit(&s->events, segment);
    }
}
