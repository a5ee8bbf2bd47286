/*
 * wire.c - see wire.h. Bytes are read and written by hand here, one function a header, in the order
 * of the RFC's diagrams: slow and plain on purpose.
 */
#include "support/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put16(uint8_t *at, uint32_t v)
{
    at[0] = (uint8_t)(v >> 8);
    at[1] = (uint8_t)v;
}

static void put32(uint8_t *at, uint32_t v)
{
    put16(at, v >> 16);
    put16(at + 2, v & 0xffff);
}

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)get16(at) << 16 | get16(at + 2);
}

/* RFC 1071, word by word, with a carry at the end; `sum` is a pseudo-header's. */
uint16_t wire_checksum(const uint8_t *octets, size_t len, uint32_t sum)
{
    for (size_t i = 0; i + 1 < len; i += 2)
        sum += get16(octets + i);
    if (len % 2)
        sum += (uint32_t)octets[len - 1] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static uint32_t pseudo_sum(const uint8_t *ip, size_t tcp_len)
{
    uint32_t sum = 6 + (uint32_t)tcp_len;
    for (int i = 12; i < 20; i += 2)
        sum += get16(ip + i);
    return sum;
}

/* --- writing -------------------------------------------------------------------------------- */

static size_t pad4(size_t n)
{
    return (n + 3) / 4 * 4;
}

static void copy(uint8_t *out, struct bytes b)
{
    if (b.len)
        memcpy(out, b.at, b.len);
}

size_t wire_emit(uint8_t *out, const struct wire_tcp *t)
{
    size_t ip_header = 20 + pad4(t->ip_options.len), header = 20 + pad4(t->options.len);
    size_t tcp_len = header + t->text.len, total = ip_header + tcp_len;
    uint8_t *ip = out + 14, *tcp = ip + ip_header;

    memset(out, 0, 14 + ip_header + header);
    memcpy(out, t->eth_dst, 6);
    memcpy(out + 6, t->eth_src, 6);
    put16(out + 12, 0x0800);

    ip[0] = (uint8_t)(0x40 | ip_header / 4);
    ip[1] = (uint8_t)(t->dscp << 2 | t->ecn);
    put16(ip + 2, (uint32_t)total);
    put16(ip + 6, 0x4000);
    ip[8] = t->ttl ? t->ttl : 64;
    ip[9] = 6;
    put32(ip + 12, t->ip_src);
    put32(ip + 16, t->ip_dst);
    copy(ip + 20, t->ip_options);
    put16(ip + 10, wire_checksum(ip, ip_header, 0));

    put16(tcp, t->src_port);
    put16(tcp + 2, t->dst_port);
    put32(tcp + 4, t->seq);
    put32(tcp + 8, t->ack);
    tcp[12] = (uint8_t)((t->data_offset ? t->data_offset : header / 4) << 4 | t->reserved);
    tcp[13] = t->flags;
    put16(tcp + 14, t->window);
    put16(tcp + 18, t->urgent);
    copy(tcp + 20, t->options);
    copy(tcp + header, t->text);
    put16(tcp + 16,
          wire_checksum(tcp, tcp_len, pseudo_sum(ip, tcp_len)) ^ (t->bad_checksum ? 1 : 0));

    size_t len = 14 + total;
    if (len < WIRE_MIN_FRAME) {
        memset(out + len, 0, WIRE_MIN_FRAME - len);
        len = WIRE_MIN_FRAME;
    }
    return len;
}

size_t wire_emit_arp(uint8_t *out, const uint8_t eth_dst[6], const struct wire_arp *arp)
{
    memset(out, 0, WIRE_MIN_FRAME);
    memcpy(out, eth_dst, 6);
    memcpy(out + 6, arp->sha, 6);
    put16(out + 12, 0x0806);
    put16(out + 14, 1);
    put16(out + 16, 0x0800);
    out[18] = 6;
    out[19] = 4;
    put16(out + 20, arp->op);
    memcpy(out + 22, arp->sha, 6);
    put32(out + 28, arp->spa);
    memcpy(out + 32, arp->tha, 6);
    put32(out + 38, arp->tpa);
    return WIRE_MIN_FRAME;
}

void wire_fix_checksums(uint8_t *frame, size_t len)
{
    if (len < 14 + 20 || get16(frame + 12) != 0x0800)
        return;
    uint8_t *ip = frame + 14;
    size_t header = (size_t)(ip[0] & 15) * 4, total = get16(ip + 2);
    if (header < 20 || total < header || 14 + total > len)
        return;
    put16(ip + 10, 0);
    put16(ip + 10, wire_checksum(ip, header, 0));
    if (ip[9] == 6 && total >= header + 18) {
        put16(ip + header + 16, 0);
        put16(ip + header + 16,
              wire_checksum(ip + header, total - header, pseudo_sum(ip, total - header)));
    } else if (ip[9] == 1 && total >= header + 4) {
        put16(ip + header + 2, 0);
        put16(ip + header + 2, wire_checksum(ip + header, total - header, 0));
    }
}

/* --- reading -------------------------------------------------------------------------------- */

/* RFC 9293, 3.1: every option but two has a length (MUST-68), the list fills the header exactly,
 * and behind its end there are zeros (MUST-69). */
static const char *walk_options(struct wire_tcp *t)
{
    const uint8_t *at = t->options.at;
    size_t len = t->options.len, i = 0;

    while (i < len && at[i] != 0) {
        if (at[i] == 1) {
            i++;
            continue;
        }
        if (i + 1 >= len || at[i + 1] < 2 || i + at[i + 1] > len)
            return "an option's length is wrong (MUST-68)";
        if (at[i] == 2) {
            if (at[i + 1] != 4 || t->has_mss)
                return "an MSS option that is not one of four octets";
            t->has_mss = true;
            t->mss = get16(at + i + 2);
        } else if (at[i] == 3) {
            if (at[i + 1] != 3 || t->has_scale)
                return "a window scale option that is not one of three octets";
            t->has_scale = true;
            t->scale = at[i + 2];
        } else if (at[i] == 4) {
            if (at[i + 1] != 2 || !(t->flags & WIRE_SYN))
                return "a SACK-permitted option that is not one, or without SYN (RFC 2018, 2)";
        } else if (at[i] == 5) {
            if (at[i + 1] < 10 || (at[i + 1] - 2) % 8 != 0 || t->flags & WIRE_SYN)
                return "a SACK option that is not blocks, or on a SYN (RFC 2018, 3)";
        } else if (at[i] == 8) {
            if (at[i + 1] != 10)
                return "a timestamps option that is not one of ten octets (RFC 7323, 3.2)";
            t->has_timestamps = true;
            t->ts_val = get32(at + i + 2);
            t->ts_ecr = get32(at + i + 6);
        } else {
            return "an option that is not built in";
        }
        i += at[i + 1];
    }
    for (; i < len; i++) {
        if (at[i] != 0)
            return "the header is padded with something else than zeros (MUST-69)";
    }
    if (t->has_mss && !(t->flags & WIRE_SYN))
        return "an MSS option on a segment without SYN (MUST-65)";
    if (t->has_scale && !(t->flags & WIRE_SYN))
        return "a window scale option on a segment without SYN (RFC 7323, 2.2)";
    if (t->has_scale && t->scale > 14)
        return "a window shift above 14 (RFC 7323, 2.3)";
    if (t->ts_ecr && !(t->flags & (WIRE_ACK | WIRE_RST))) /* a reset in reply: RFC 7323, 5.2 */
        return "an echo of a timestamp without the ACK bit (RFC 7323, 3.2)";
    return NULL;
}

static const char *parse_tcp(const uint8_t *ip, size_t total, struct wire_tcp *t)
{
    const uint8_t *tcp = ip + 20;
    size_t len = total - 20;

    if (len < 20)
        return "shorter than a TCP header";
    if (wire_checksum(tcp, len, pseudo_sum(ip, len)) != 0)
        return "the TCP checksum is wrong (MUST-2)";
    t->src_port = get16(tcp);
    t->dst_port = get16(tcp + 2);
    t->seq = get32(tcp + 4);
    t->ack = get32(tcp + 8);
    t->reserved = tcp[12] & 15;
    t->flags = tcp[13];
    t->window = get16(tcp + 14);
    t->urgent = get16(tcp + 18);
    size_t header = (size_t)(tcp[12] >> 4) * 4;
    if (header < 20 || header > len)
        return "the data offset is wrong";
    t->options = (struct bytes){tcp + 20, header - 20};
    t->text = (struct bytes){tcp + header, len - header};
    if (t->reserved)
        return "a reserved bit is set (RFC 9293, 3.1)";
    if (t->flags & WIRE_URG || t->urgent)
        return "urgent without anybody having asked for it";
    if (!(t->flags & WIRE_ACK) && t->ack)
        return "an acknowledgment number without the ACK bit";
    if ((t->src_port == 0 || t->dst_port == 0) && !(t->flags & WIRE_RST))
        return "port 0";
    return walk_options(t);
}

static const char *parse_ip(const uint8_t *frame, size_t len, struct wire_tcp *t, bool *is_tcp)
{
    const uint8_t *ip = frame + 14;

    *is_tcp = false;
    if (len < 14 + 20 || ip[0] != 0x45)
        return "not an IPv4 header of 20 octets";
    size_t total = get16(ip + 2);
    if (total < 20 || total > len - 14)
        return "the IPv4 total length is wrong";
    if (wire_checksum(ip, 20, 0) != 0)
        return "the IPv4 checksum is wrong";
    uint16_t offset = get16(ip + 6) & 0x1fff;
    bool is_icmp = ip[9] == 1; /* the answer to a large echo leaves in fragments */
    if (get16(ip + 6) != 0x4000 && !is_icmp)
        return "a fragment, or DF is not set";
    if (len > WIRE_MIN_FRAME && len != 14 + total)
        return "the frame is longer than its packet";
    for (size_t i = 14 + total; i < len; i++) {
        if (frame[i] != 0)
            return "the frame is padded with something else than zeros";
    }
    t->dscp = ip[1] >> 2;
    t->ecn = ip[1] & 3;
    t->ttl = ip[8];
    t->ip_src = get32(ip + 12);
    t->ip_dst = get32(ip + 16);
    if (is_icmp && offset == 0 && total > 20 && (ip[20] == 4 || ip[20] == 5))
        return "a source quench or a redirect (RFC 6633, 3; RFC 1122, 3.2.2.2)";
    if (ip[9] != 6)
        return NULL;
    *is_tcp = true;
    return parse_tcp(ip, total, t);
}

enum wire_kind wire_parse(const uint8_t *frame, size_t len, struct wire_tcp *tcp,
                          struct wire_arp *arp, const char **problem)
{
    bool is_tcp = false;

    *tcp = (struct wire_tcp){0};
    *problem = len < WIRE_MIN_FRAME ? "shorter than 60 octets" : NULL;
    if (*problem)
        return WIRE_OTHER;
    memcpy(tcp->eth_dst, frame, 6);
    memcpy(tcp->eth_src, frame + 6, 6);
    if (get16(frame + 12) == 0x0800) {
        *problem = parse_ip(frame, len, tcp, &is_tcp);
        return is_tcp ? WIRE_TCP : WIRE_OTHER;
    }
    if (get16(frame + 12) != 0x0806) {
        *problem = "neither IPv4 nor ARP";
        return WIRE_OTHER;
    }
    arp->op = get16(frame + 20);
    memcpy(arp->sha, frame + 22, 6);
    arp->spa = get32(frame + 28);
    memcpy(arp->tha, frame + 32, 6);
    arp->tpa = get32(frame + 38);
    return WIRE_ARP;
}

/* --- a connection ----------------------------------------------------------------------------- */

static int32_t ahead(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b);
}

void wire_flow_free(struct wire_flow *flow)
{
    free(flow->said);
    *flow = (struct wire_flow){0};
}

bool wire_flow_is(const struct wire_flow *flow, const struct wire_tcp *ours)
{
    return flow->our_addr == ours->ip_src && flow->their_addr == ours->ip_dst &&
           flow->our_port == ours->src_port && flow->their_port == ours->dst_port;
}

static bool scaling(const struct wire_flow *flow)
{
    return flow->we_scale && flow->they_scale;
}

static bool sets_ecn_up(const struct wire_tcp *syn)
{
    uint8_t flags = syn->flags & (WIRE_ECE | WIRE_CWR);

    return flags == (syn->flags & WIRE_ACK ? WIRE_ECE : WIRE_ECE | WIRE_CWR);
}

static void take_syn(struct wire_flow *flow, const struct wire_tcp *t)
{
    uint16_t mss = t->has_mss && t->mss ? t->mss : WIRE_DEFAULT_MSS;
    uint8_t shift = t->scale > 14 ? 14 : t->scale;

    if (mss < WIRE_MSS_FLOOR)
        mss = WIRE_MSS_FLOOR;
    if (!flow->they_sent_syn) {
        flow->they_sent_syn = true;
        flow->irs = t->seq;
        flow->their_mss = mss;
        flow->they_scale = t->has_scale;
        flow->they_stamp = t->has_timestamps;
        flow->their_shift = shift;
    } else if (flow->lenient) {
        flow->edge_exempt = flow->edge_exempt || flow->they_scale != t->has_scale;
        flow->they_scale = flow->they_scale || t->has_scale;
        if (flow->their_mss < mss)
            flow->their_mss = mss;
        if (flow->their_shift < shift)
            flow->their_shift = shift;
    }
    if (t->seq == flow->irs || flow->lenient) {
        flow->they_set_up = flow->they_set_up || sets_ecn_up(t);
        flow->they_refused = flow->they_refused || (!sets_ecn_up(t) && !flow->lenient);
    }
}

void wire_flow_in(struct wire_flow *flow, const struct wire_tcp *t)
{
    if (t->flags & WIRE_RST)
        return;
    if (t->flags & WIRE_SYN)
        take_syn(flow, t);
    if (!(t->flags & WIRE_ACK) || !flow->we_sent_syn)
        return;
    if (ahead(t->ack, flow->lenient ? flow->iss : flow->acked_to) < 0 ||
        ahead(t->ack, flow->sent_to) > 0)
        return;
    if (ahead(t->ack, flow->acked_to) > 0)
        flow->acked_to = t->ack;
    uint32_t shift = !(t->flags & WIRE_SYN) && scaling(flow) ? flow->their_shift : 0;
    uint32_t edge = t->ack + ((uint32_t)t->window << shift);
    if (!flow->they_offered || ahead(edge, flow->their_edge) > 0)
        flow->their_edge = edge;
    flow->they_offered = true;
}

/* An octet says the same each time that it is sent. */
static const char *compare_with_said(struct wire_flow *flow, uint32_t seq, struct bytes text)
{
    size_t at = seq - (flow->iss + 1);

    if (at > flow->said_len)
        return "text behind a gap that we never sent";
    if (at + text.len > flow->said_room) {
        flow->said_room = (at + text.len) * 2;
        flow->said = realloc(flow->said, flow->said_room);
        if (!flow->said)
            abort();
    }
    size_t again = flow->said_len - at < text.len ? flow->said_len - at : text.len;
    if (again && memcmp(flow->said + at, text.at, again) != 0)
        return "an octet was sent again with another value";
    if (text.len > again) {
        memcpy(flow->said + at + again, text.at + again, text.len - again);
        flow->said_len = at + text.len;
    }
    return NULL;
}

static const char *check_window(struct wire_flow *flow, const struct wire_tcp *t)
{
    uint32_t shift = !(t->flags & WIRE_SYN) && scaling(flow) ? flow->our_shift : 0;
    uint32_t edge = t->ack + ((uint32_t)t->window << shift);
    int32_t rounding = flow->edge_unscaled || flow->lenient ? (1 << shift) - 1 : 0;

    if (flow->we_acked && ahead(t->ack, flow->last_ack) < 0)
        return "the acknowledgment number went back";
    /* A SYN, sent again after a scaled window, cannot say more than 65,535. */
    if (t->flags & WIRE_SYN && flow->we_acked && ahead(edge, flow->our_edge) < 0)
        edge = flow->our_edge;
    if (flow->we_acked && ahead(edge, flow->our_edge) < -rounding && !flow->edge_exempt)
        return "the right edge of our window moved left (SHLD-14)";
    flow->we_acked = true;
    flow->edge_unscaled = t->flags & WIRE_SYN;
    flow->last_ack = t->ack;
    flow->our_edge = edge;
    flow->window = (uint32_t)t->window << shift;
    return NULL;
}

/* What we sent is within what they have ever offered, but for one octet: a probe, or a FIN alone.
 */
static const char *check_offer(const struct wire_flow *flow, uint32_t seq, uint32_t len)
{
    if (len == 0 || !flow->they_offered || ahead(seq + len, flow->their_edge) <= 0)
        return NULL;
    if (len == 1 && ahead(seq, flow->their_edge) <= 0)
        return NULL;
    return "beyond the window that the peer has offered";
}

static const char *check_fin(struct wire_flow *flow, const struct wire_tcp *t)
{
    uint32_t end = t->seq + (uint32_t)t->text.len;

    if (flow->we_finished && t->text.len && ahead(end, flow->fin) > 0)
        return "text behind our FIN";
    if (!(t->flags & WIRE_FIN))
        return NULL;
    if (flow->we_finished && end != flow->fin)
        return "a second FIN with another sequence number";
    flow->we_finished = true;
    flow->fin = end;
    return NULL;
}

/* The flags of a SYN that we send (RFC 3168, 6.1.1). */
static const char *check_ecn_of_syn(struct wire_flow *flow, const struct wire_tcp *t)
{
    if (!(t->flags & (WIRE_ECE | WIRE_CWR))) {
        flow->we_refused = true;
        return NULL;
    }
    if (!sets_ecn_up(t))
        return "ECE and CWR as no SYN has them (RFC 3168, 6.1.1)";
    if (t->flags & WIRE_ACK && !flow->they_set_up)
        return "a <SYN,ACK> that grants ECN to who has not asked (RFC 3168, 6.1.1)";
    flow->we_set_up = true;
    return NULL;
}

/* And of all others, with the mark of the packet (RFC 3168, 6.1). */
static const char *check_ecn(const struct wire_flow *flow, const struct wire_tcp *t)
{
    bool agreed = flow->we_set_up && flow->they_set_up;
    bool is_new = t->text.len > 0 && ahead(t->seq, flow->sent_to) >= 0;
    bool is_probe =
        flow->they_offered && ahead(t->seq + (uint32_t)t->text.len, flow->their_edge) > 0;

    if (!agreed && (t->ecn || t->flags & (WIRE_ECE | WIRE_CWR)))
        return "ECN without an agreement (RFC 3168, 6.1.1)";
    if (t->ecn && (flow->we_refused || flow->they_refused))
        return "ECT although a SYN has refused it (RFC 3168, 6.1.1)";
    if (t->ecn && t->ecn != WIRE_ECT_0)
        return "another mark than ECT(0) (RFC 8311, 4.2)";
    if ((t->ecn || t->flags & WIRE_CWR) && (!is_new || is_probe))
        return "ECT or CWR on something else than new text (RFC 3168, 6.1.2 and 6.1.4 to 6.1.6)";
    return NULL;
}

const char *wire_flow_out(struct wire_flow *flow, const struct wire_tcp *t)
{
    if (t->ecn && t->flags & (WIRE_SYN | WIRE_RST))
        return "ECT on a SYN or a reset (RFC 3168, 6.1.1)";
    if (t->flags & WIRE_RST && t->flags & (WIRE_ECE | WIRE_CWR))
        return "ECE or CWR on a reset";
    if (t->flags & WIRE_RST)
        return t->flags & (WIRE_SYN | WIRE_FIN) || t->text.len ? "a reset with SYN, FIN or text"
                                                               : NULL;
    if (t->flags & WIRE_SYN) {
        if (t->text.len || t->flags & WIRE_FIN)
            return "text or FIN on a SYN";
        if (flow->we_sent_syn && t->seq != flow->iss)
            return "a second SYN with another sequence number";
        if (!flow->we_sent_syn) {
            flow->iss = flow->acked_to = t->seq;
            flow->sent_to = t->seq + 1;
        }
        flow->we_sent_syn = true;
        flow->our_mss = t->has_mss ? t->mss : WIRE_DEFAULT_MSS;
        flow->we_scale = t->has_scale;
        flow->we_stamp = t->has_timestamps;
        flow->our_shift = t->scale;
        const char *problem = check_ecn_of_syn(flow, t);
        return !problem && t->flags & WIRE_ACK ? check_window(flow, t) : problem;
    }
    if (!(t->flags & WIRE_ACK))
        return "no ACK bit behind the SYN (RFC 9293, 3.1)";
    if (!flow->we_sent_syn)
        return "a segment of a connection that sent no SYN";
    if (!flow->lenient && t->has_timestamps != (flow->we_stamp && flow->they_stamp))
        return "a timestamp that was not agreed upon, or none although it was (RFC 7323, 3.2)";
    if (t->text.len > flow->their_mss)
        return "more text than the MSS allows (MUST-14)";
    uint32_t len = (uint32_t)t->text.len + !!(t->flags & WIRE_FIN);
    const char *problem = check_fin(flow, t);
    if (!problem)
        problem = check_offer(flow, t->seq, len);
    if (!problem && t->text.len)
        problem = compare_with_said(flow, t->seq, t->text);
    if (!problem)
        problem = check_ecn(flow, t);
    if (!problem)
        problem = check_window(flow, t);
    if (ahead(t->seq, flow->sent_to) > 0)
        return "a sequence number that leaves a gap";
    if (ahead(t->seq + len, flow->sent_to) > 0)
        flow->sent_to = t->seq + len;
    return problem;
}
