/*
 * live_packets.c - what the recorder keeps of events.
 *
 * A packet costs a copy of its headers and is read here, once. At 10,000 packets a second a person
 * sees a line, and a reader on a thin link would see nothing but packets: so of each sample only so
 * many are kept, and what says something (a retransmission, a SYN, a FIN, a reset, a drop, a
 * duplicate ACK) has places of its own, which plain text and plain ACKs cannot take. Beyond
 * LIVE_SATED in one sample nothing is heard until the next: that is more than can be shown, and to
 * be told of each segment at 20 Gbit/s costs a quarter of the processor.
 */
#include "see/live_inside.h"

#include "eth/eth_wire.h"
#include "ip/ipv4_wire.h"
#include "ip/ipv6_wire.h"
#include "tcp/tcp_wire.h"

enum { IPV6_FIXED = 40 };

/* --- what it is ----------------------------------------------------------------------------- */

static bool is_notable(const struct event *event)
{
    if (event->packet.fate == PACKET_DROPPED || !event->packet.tcp)
        return true;
    switch ((int)event->packet.why) {
    case WHY_IN_TEXT:
    case WHY_IN_TEXT_PUSH:
    case WHY_IN_ACK_NEW:
    case WHY_IN_ACK_SLOW_START:
    case WHY_IN_ACK_AVOIDANCE:
    case WHY_IN_ACK_ALL:
    case WHY_IN_ACK_REPAIRS:
    case WHY_IN_ACK_DUPLICATE: /* many behind each loss */
    case WHY_IN_NOTHING_NEW:
    case WHY_OUT_FIRST_FLIGHT:
    case WHY_OUT_WRITTEN:
    case WHY_OUT_PUSHED:
    case WHY_OUT_ACK_CLOCKED:
    case WHY_OUT_CWND_GREW:
    case WHY_OUT_PACED:
    case WHY_OUT_WINDOW_OPENED:
    case WHY_OUT_ACK_SECOND:
    case WHY_OUT_ACK_QUICK:
    case WHY_OUT_ACK_STRETCH:
    case WHY_OUT_ACK_DUPLICATE:
        return false;
    default:
        return true;
    }
}

/* As many octets of the front as are kept, and how long the whole is. */
static uint32_t gather(const struct event *event, uint8_t *out, uint32_t *len)
{
    size_t kept = 0, whole = 0;

    for (int i = 0; i < event->packet.iovcnt; i++) {
        const struct iovec *iov = &event->packet.iov[i];
        size_t n = size_min(iov->iov_len, LIVE_HEADERS - kept);
        if (n)
            memcpy(out + kept, iov->iov_base, n);
        kept += n;
        whole += iov->iov_len;
    }
    *len = (uint32_t)whole;
    return (uint32_t)kept;
}

/* Where the TCP header is, and how many octets follow from there on; 0: it is no whole TCP. */
static uint32_t find_tcp(const struct live_packet *p, uint32_t *rest)
{
    const uint32_t ip = p->ethernet ? ETH_HEADER : 0;

    if (p->kept < ip + IPV4_HEADER_MIN)
        return 0;
    struct reader r = {.rest = bytes_of(p->headers + ip, p->kept - ip)};
    const uint8_t first = r.rest.at[0];
    if (first >> 4 == 4) {
        const uint32_t header = (first & 15u) * 4;
        read_be16(&r);
        const uint32_t total = read_be16(&r);
        *rest = (total ? total : p->len - ip) - header; /* 0: a big frame's own */
        return ip + header;
    }
    if (first >> 4 != 6 || p->kept < ip + IPV6_FIXED || r.rest.at[6] != IP_PROTOCOL_TCP)
        return 0;
    read_be32(&r);
    *rest = read_be16(&r);
    return ip + IPV6_FIXED;
}

/* What of it is told: of a segment its numbers. What a packet carries is forgotten. */
static void read_packet(struct live_packet *p)
{
    struct tcp_segment seg;
    uint32_t rest = 0;
    const uint32_t at = p->tcp ? find_tcp(p, &rest) : 0;

    p->tcp = at && at + TCP_HEADER_MIN <= p->kept &&
             tcp_parse(bytes_of(p->headers + at, p->kept - at), &seg) == DROP_NONE;
    if (!p->tcp)
        return;
    const uint32_t header = (uint32_t)(seg.text.at - (p->headers + at));
    p->seq = seg.seq.value;
    p->ack = seg.ack.value;
    p->flags = seg.flags;
    p->window = seg.window;
    p->text = rest > header ? rest - header : 0;
    p->sacks = u32_min(seg.options.sack_count, TCP_SACK_BLOCKS) & 7u;
    for (uint32_t i = 0; i < p->sacks; i++) {
        p->sack[2 * i] = seg.options.sack[i].left.value;
        p->sack[2 * i + 1] = seg.options.sack[i].right.value;
    }
    p->kept = u32_min(p->kept, at + header);
}

/* --- the ring ------------------------------------------------------------------------------- */

static bool is_wanted(struct live *live, const struct event *event, bool is_own)
{
    if (is_own && !live->own_readers)
        return false;
    uint32_t *count = is_notable(event) ? &live->notable : &live->plain;
    if (*count == (count == &live->plain ? (uint32_t)LIVE_PLAIN : (uint32_t)LIVE_NOTABLE)) {
        return false;
    }
    ++*count;
    return true;
}

static void on_packet(struct live *live, const struct event *event)
{
    const bool is_own = event->conn && live_is_observer(live, event->conn);

    live->heard++;
    live->own_heard += is_own;
    if (event->packet.facts && event->packet.facts->id)
        live_conn_touch(live, event->packet.facts, event->when);
    if (!is_wanted(live, event, is_own))
        return;
    struct live_packet *p = &live->packet[live->packets++ % LIVE_PACKETS];
    *p = (struct live_packet){.id = event->packet.id,
                              .when = event->when,
                              .conn = event->conn,
                              .fate = event->packet.fate,
                              .why = event->packet.why,
                              .drop = event->packet.drop,
                              .ethernet = event->packet.ethernet,
                              .is_own = is_own,
                              .tcp = event->packet.tcp};
    p->kept = gather(event, p->headers, &p->len);
    read_packet(p);
    if (p->tcp && p->fate == PACKET_CONSUMED && event->packet.facts)
        p->window = event->packet.facts->window;
}

void live_on_event(struct event_sink *sink, const struct event *event)
{
    struct live *live = CONTAINER_OF(sink, struct live, sink);

    if (event->type == EVENT_PACKET)
        on_packet(live, event);
    else if (event->type == EVENT_STATE)
        live_conn_state(live, event);
}
