/*
 * oracle.c - see oracle.h.
 *
 * The packets are read with the stack's own parsers, which have tests of their own; what is checked
 * here is what the stack does with the numbers. Edges are those of RFC 9293, 3.8.6: SEG.ACK and the
 * window behind it, shifted as both SYNs have agreed (RFC 7323, 2.2), never on a SYN.
 *
 * About cwnd only the roughest can be said from outside: that what is in flight after new text has
 * left is within it, or within the two segments more that limited transmit allows (RFC 3042, 2).
 */
#include "sim/oracle.h"

#include <string.h>

#include "base/bytes.h"
#include "dev/vnet_wire.h"
#include "eth/eth_wire.h"
#include "ip/icmp6_wire.h"
#include "stack/stack.h"

enum {
    LIMITED_SEGMENTS = 2,
    TCP_OPTIONS_MAX = 40, /* what a full segment's text may lack of cwnd's idea of one */
};

/* A packet that was read. */
struct seen {
    struct ip_packet ip;
    struct tcp_segment seg;
    const struct event *event;
};

static void problem(struct oracle *oracle, const char *what)
{
    if (!oracle->problem)
        oracle->problem = what;
}

/* --- connections ---------------------------------------------------------------------------- */

static struct oracle_flow *find_flow(const struct oracle *oracle, struct endpoint local,
                                     struct endpoint remote)
{
    for (uint32_t i = 0; i < ORACLE_FLOWS; i++) {
        const struct oracle_flow *flow = &oracle->flow[i];
        if (flow->local.port && endpoint_equal(flow->local, local) &&
            endpoint_equal(flow->remote, remote))
            return (struct oracle_flow *)(uintptr_t)flow;
    }
    return NULL;
}

static struct oracle_flow *flow_of(struct oracle *oracle, struct endpoint local,
                                   struct endpoint remote)
{
    struct oracle_flow *flow = find_flow(oracle, local, remote);

    if (flow)
        return flow;
    flow = &oracle->flow[oracle->next++ % ORACLE_FLOWS];
    *flow = (struct oracle_flow){.local = local, .remote = remote};
    return flow;
}

static uint32_t scaled(const struct oracle_flow *flow, const struct tcp_segment *seg, uint8_t shift)
{
    bool scaling = flow->our_scaling && flow->peer_scaling && !(seg->flags & TCP_SYN);

    return (uint32_t)seg->window << (scaling ? shift : 0);
}

/* --- TCP out -------------------------------------------------------------------------------- */

static bool is_new_text(enum why why)
{
    switch ((int)why) {
    case WHY_OUT_FIRST_FLIGHT:
    case WHY_OUT_WRITTEN:
    case WHY_OUT_PUSHED:
    case WHY_OUT_ACK_CLOCKED:
    case WHY_OUT_CWND_GREW:
    case WHY_OUT_LIMITED:
    case WHY_OUT_WINDOW_OPENED:
    case WHY_OUT_NAGLE_ENDED:
    case WHY_OUT_FIN:
    case WHY_OUT_SYN:
    case WHY_OUT_SYN_ACK:
        return true;
    }
    return false;
}

static void note_syn_out(struct oracle_flow *flow, const struct tcp_segment *seg)
{
    if (flow->syn_out && seq_eq(flow->iss, seg->seq))
        return;
    /* another incarnation of the same name */
    *flow = (struct oracle_flow){.local = flow->local,
                                 .remote = flow->remote,
                                 .syn_in = flow->syn_in,
                                 .irs = flow->irs,
                                 .peer_scale = flow->peer_scale,
                                 .peer_scaling = flow->peer_scaling,
                                 .syn_out = true,
                                 .iss = seg->seq,
                                 .sent = seg->seq};
    flow->our_scaling = seg->options.has_window_scale;
    flow->our_scale = seg->options.window_scale;
}

static void check_edge(struct oracle *oracle, struct oracle_flow *flow,
                       const struct tcp_segment *seg)
{
    if (!(seg->flags & TCP_ACK) || seg->flags & TCP_RST)
        return;
    tcp_seq edge = seq_add(seg->ack, scaled(flow, seg, flow->our_scale));
    /* The field counts units of 2^shift, so less than one may be lost to rounding (RFC 7323, 2.4).
     */
    bool scaling = flow->our_scaling && flow->peer_scaling;
    uint32_t rounding = scaling ? (UINT32_C(1) << flow->our_scale) - 1 : 0;
    if (flow->told && seq_lt(seq_add(edge, rounding), flow->told_edge))
        problem(oracle, "the right edge of a window has moved left");
    flow->told_edge = flow->told ? seq_max(flow->told_edge, edge) : edge;
    flow->told = true;
}

static void check_text(struct oracle *oracle, struct oracle_flow *flow, const struct seen *p)
{
    const struct tcp_segment *seg = &p->seg;
    const struct conn_facts *facts = p->event->packet.facts;
    enum why why = p->event->packet.why;
    const struct frame_meta *meta = &p->event->packet.meta;
    tcp_seq end = seq_add(seg->seq, tcp_seg_len(seg));
    size_t full = meta->gso_type == FRAME_GSO_NONE ? seg->text.len : meta->gso_size;
    bool is_new = !seq_lt(seg->seq, flow->sent);

    if (tcp_seg_len(seg) == 0 || !flow->syn_out)
        return;
    if (seg->text.len > 1 && flow->heard && seq_lt(flow->heard_edge, end))
        problem(oracle, "text lies beyond the peer's window");
    if (!is_new && (why == WHY_NONE || is_new_text(why)))
        problem(oracle, "something was sent again without a reason");
    flow->mss = u32_max(flow->mss, (uint32_t)size_min(full, seg->text.len));
    if (is_new && facts && is_new_text(why) && seg->text.len > 0 &&
        facts->inflight > facts->cwnd + LIMITED_SEGMENTS * (flow->mss + TCP_OPTIONS_MAX))
        problem(oracle, "new text has left beyond cwnd");
    flow->sent = seq_max(flow->sent, end);
}

static void check_segment_out(struct oracle *oracle, const struct seen *p)
{
    const struct tcp_segment *seg = &p->seg;
    struct endpoint local = {.addr = p->ip.src, .port = seg->src_port};
    struct endpoint remote = {.addr = p->ip.dst, .port = seg->dst_port};

    if (!tcp_checksum_is_right(p->ip.src, p->ip.dst, p->ip.payload))
        problem(oracle, "a TCP checksum is wrong");
    if (seg->options.malformed)
        problem(oracle, "options that cannot be read were sent");
    if (seg->options.has_mss && !(seg->flags & TCP_SYN))
        problem(oracle, "an MSS option is on a segment that is no SYN");
    if (seg->flags & TCP_RST) /* of no connection, perhaps */
        return;
    struct oracle_flow *flow = flow_of(oracle, local, remote);
    if (seg->flags & TCP_SYN)
        note_syn_out(flow, seg);
    check_edge(oracle, flow, seg);
    check_text(oracle, flow, p);
}

/* --- TCP in, and ICMP out ------------------------------------------------------------------- */

static void note_segment_in(struct oracle *oracle, const struct seen *p)
{
    const struct tcp_segment *seg = &p->seg;
    struct endpoint local = {.addr = p->ip.dst, .port = seg->dst_port};
    struct endpoint remote = {.addr = p->ip.src, .port = seg->src_port};

    if (seg->flags & TCP_RST)
        return;
    struct oracle_flow *flow = flow_of(oracle, local, remote);
    if (seg->flags & TCP_SYN && !(flow->syn_in && seq_eq(flow->irs, seg->seq))) {
        flow->syn_in = true;
        flow->irs = seg->seq;
        flow->peer_scaling = seg->options.has_window_scale;
        flow->peer_scale =
            seg->options.window_scale > 14 ? 14 : seg->options.window_scale; /* RFC 7323, 2.3 */
        flow->told = flow->heard = false;
    }
    if (!(seg->flags & TCP_ACK))
        return;
    tcp_seq edge = seq_add(seg->ack, scaled(flow, seg, flow->peer_scale));
    flow->heard_edge = flow->heard ? seq_max(flow->heard_edge, edge) : edge;
    flow->heard = true;
}

/* An error quotes the packet that it is about, cut off perhaps: its header is read alone. */
static void check_icmp_out(struct oracle *oracle, const struct ip_packet *ip)
{
    struct icmp_message message;

    if (ip->family->icmp_parse(ip, &message)) {
        problem(oracle, "an ICMP message that cannot be read was sent");
        return;
    }
    if (message.kind != ICMP_KIND_ERROR)
        return;
    struct reader r = reader_of(message.body);
    size_t len;
    bool about_error = false;
    if (ip_is_v4(ip->src)) {
        struct ipv4_header quoted;
        if (ipv4_read_header(&r, &quoted, &len) && quoted.protocol == IP_PROTOCOL_ICMP) {
            uint8_t type = read_u8(&r);
            about_error = type == ICMP_UNREACHABLE || type == ICMP_TIME_EXCEEDED ||
                          type == ICMP_PARAMETER_PROBLEM || type == ICMP_REDIRECT;
        }
    } else {
        struct ipv6_header quoted;
        if (ipv6_read_header(&r, &quoted, &len) && quoted.next_header == IP_PROTOCOL_ICMP6)
            about_error = read_u8(&r) < ICMP6_ECHO;
    }
    if (about_error)
        problem(oracle, "an ICMP error is about an ICMP error");
}

/* --- every packet ------------------------------------------------------------------------- */

/* Which of three it is. */
enum read { READ_PACKET, READ_OTHER /* ARP */, READ_NOTHING };

static enum read read_packet(struct oracle *oracle, const struct event *event, struct seen *out)
{
    struct writer w = writer_of(oracle->octets, sizeof oracle->octets);
    struct frame_meta meta = event->packet.meta;
    struct eth_header eth;

    for (int i = 0; i < event->packet.iovcnt; i++)
        write_bytes(&w, event->packet.iov[i].iov_base, event->packet.iov[i].iov_len);
    struct bytes octets = bytes_of(oracle->octets, sizeof oracle->octets - w.left);
    if (w.overrun)
        return READ_NOTHING;
    if (meta.flags & FRAME_NEEDS_CSUM) /* the device completes it, as far as this is a device */
        vnet_complete(oracle->octets, octets.len, &meta);
    if (event->packet.ethernet) {
        if (eth_parse(octets, &eth, &octets))
            return READ_NOTHING;
        if (eth.type != ETH_TYPE_IPV4 && eth.type != ETH_TYPE_IPV6)
            return READ_OTHER;
    }
    const struct ip_family *family = ip_family_of_packet(octets);
    *out = (struct seen){.event = event};
    return family && family->parse(octets, &out->ip) == DROP_NONE ? READ_PACKET : READ_NOTHING;
}

/* --- what is told --------------------------------------------------------------------------- */

static struct oracle_told *told_of(struct oracle *oracle, uint32_t conn)
{
    struct oracle_told *told = &oracle->told[conn % ORACLE_FLOWS];

    if (told->conn != conn)
        *told = (struct oracle_told){.conn = conn, .state = TCPS_CLOSED};
    return told;
}

/* What must follow from what was told before. */
static void note_told(struct oracle *oracle, const struct event *event)
{
    if (event->conn == 0)
        return;
    struct oracle_told *told = told_of(oracle, event->conn);
    if (event->type == EVENT_STATE) {
        if (told->state != event->state.from)
            problem(oracle, "a state was left that had not been told");
        told->state = event->state.to;
        told->from = event->state.from;
        told->since = event->when;
        told->is_whole |= event->state.from == TCPS_CLOSED;
    } else if (event->type == EVENT_CWND || event->type == EVENT_CWND_STEP) {
        told->has_cwnd = true;
        told->cwnd = event->cwnd.cwnd;
    } else if (event->type == EVENT_TIMER_SET) {
        told->timers |= 1u << event->timer.kind;
    } else if (event->type == EVENT_TIMER_FIRED) {
        if (told->is_whole && !(told->timers >> event->timer.kind & 1))
            problem(oracle, "a timer has fired that was not told to be set");
    }
}

/* A change of state is told before the packet that has caused it; and of one that came in a big
 * frame, also before those that were in front of it there. */
static void check_told(struct oracle *oracle, const struct conn_facts *facts, instant when)
{
    const struct oracle_told *told = &oracle->told[facts->id % ORACLE_FLOWS];

    if (told->conn != facts->id)
        return;
    bool before = told->from == facts->state && told->since.ns == when.ns;
    if (told->state != facts->state && !before)
        problem(oracle, "a state was entered that was not told");
    if (told->has_cwnd && told->cwnd != facts->cwnd && facts->state != TCPS_TIME_WAIT)
        problem(oracle, "cwnd has changed, and nothing was told");
}

static void hear(struct event_sink *sink, const struct event *event)
{
    struct oracle *oracle = CONTAINER_OF(sink, struct oracle, sink);
    struct seen p;

    if (event->type != EVENT_PACKET) {
        note_told(oracle, event);
        return;
    }
    if (event->packet.facts)
        check_told(oracle, event->packet.facts, event->when);
    bool out = event->packet.fate == PACKET_OUT, dropped = event->packet.fate == PACKET_DROPPED;
    oracle->packets++;
    enum read read = read_packet(oracle, event, &p);
    if (read == READ_OTHER || (read == READ_NOTHING && dropped))
        return;
    if (read == READ_NOTHING) {
        problem(oracle, out ? "a packet that cannot be read was sent"
                            : "a packet that cannot be read was taken");
        return;
    }
    bool tcp = p.ip.protocol == IP_PROTOCOL_TCP && tcp_parse(p.ip.payload, &p.seg) == DROP_NONE;
    if (!out) {
        /* of one whose text was dropped the ACK may have been taken */
        if (tcp && (!dropped || event->packet.meta.flags & FRAME_CSUM_VALID ||
                    tcp_checksum_is_right(p.ip.src, p.ip.dst, p.ip.payload)))
            note_segment_in(oracle, &p);
        return;
    }
    if (!ip_equal(p.ip.src, oracle->addr))
        problem(oracle, "a packet was sent from an address that is not ours");
    if (p.ip.ttl == 0)
        problem(oracle, "a packet was sent with a hop limit of zero");
    if (tcp)
        check_segment_out(oracle, &p);
    else if (p.ip.protocol == p.ip.family->icmp)
        check_icmp_out(oracle, &p.ip);
}

void oracle_init(struct oracle *oracle, struct ip_addr addr)
{
    *oracle = (struct oracle){.sink = {.event = hear}, .addr = addr};
}

bool oracle_stream_start(const struct oracle *oracle, struct endpoint src, struct endpoint dst,
                         tcp_seq *start)
{
    const struct oracle_flow *flow = find_flow(oracle, src, dst);

    if (!flow || !flow->syn_out)
        return false;
    *start = seq_add(flow->iss, 1);
    return true;
}
