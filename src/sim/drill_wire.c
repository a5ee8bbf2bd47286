/*
 * drill_wire.c - see drill_wire.h: reading what the stack has sent, building what it gets.
 */
#include "sim/drill_wire.h"

#include "base/checksum.h"

enum {
    V4_HEADER = 20,
    V6_HEADER = 40,
    TCP_HEADER = 20,

    KIND_EOL = 0,
    KIND_NOP = 1,
    KIND_MSS = 2,
    KIND_WSCALE = 3,
    KIND_SACKOK = 4,
    KIND_SACK = 5,
    KIND_TS = 8,
    KIND_MD5 = 19,
    KIND_FO = 34,
    KIND_FOEXP = 254,
    FOEXP_MAGIC = 0xf989,
};

/* --- reading ------------------------------------------------------------------------------ */

static struct ip_addr read_v4(struct reader *r)
{
    return ip_from_v4(read_be32(r));
}

static struct ip_addr read_v6(struct reader *r)
{
    struct ip_addr addr = {{0}};

    read_into(r, addr.octet, sizeof(addr.octet));
    return addr;
}

/* `said`: the length of the payload as the header says it. */
static struct bytes read_ipv4(struct reader *r, struct drill_seen *out, bool cut, size_t *said)
{
    struct bytes whole = r->rest;
    uint8_t version = read_u8(r);

    out->tos = read_u8(r);
    size_t total = read_be16(r);
    read_be16(r); /* identification: not compared */
    uint16_t fragment = read_be16(r);
    out->ttl = read_u8(r);
    out->protocol = read_u8(r);
    read_be16(r);
    out->src.addr = read_v4(r);
    out->dst.addr = read_v4(r);
    if (r->overrun)
        out->broken = "the IPv4 header is cut off";
    else if (version != 0x45 || total < V4_HEADER)
        out->broken = "the IPv4 header is not 20 octets long";
    else if (total != whole.len && !cut)
        out->broken = "the IPv4 total length is not the packet's";
    else if (fragment & 0x3fff)
        out->broken = "it is a fragment";
    else if (checksum_of(bytes_first(whole, V4_HEADER)) != 0)
        out->broken = "the IPv4 header checksum is wrong";
    *said = total - V4_HEADER;
    return r->rest;
}

static struct bytes read_ipv6(struct reader *r, struct drill_seen *out, bool cut, size_t *said)
{
    uint32_t first = read_be32(r);

    out->v6 = true;
    out->tos = (uint8_t)(first >> 20);
    out->flowlabel = first & 0xfffff;
    *said = read_be16(r);
    out->protocol = read_u8(r);
    out->ttl = read_u8(r);
    out->src.addr = read_v6(r);
    out->dst.addr = read_v6(r);
    if (r->overrun)
        out->broken = "the IPv6 header is cut off";
    else if (*said != r->rest.len && !cut)
        out->broken = "the IPv6 payload length is not the packet's";
    return r->rest;
}

static void read_sack(struct reader *body, struct drill_tcp_option *option)
{
    while (body->rest.len >= 8 && option->blocks < DRILL_BLOCKS) {
        option->block[option->blocks].left = read_be32(body);
        option->block[option->blocks++].right = read_be32(body);
    }
}

/* One option whose length octet is right; false when its kind is not one that scripts can write, or
 * its length is not its kind's. */
static bool read_known(uint8_t kind, struct reader body, struct drill_tcp_option *option)
{
    size_t len = body.rest.len;

    switch (kind) {
    case KIND_MSS:
        option->kind = DRILL_OPT_MSS;
        option->value = read_be16(&body);
        return len == 2;
    case KIND_WSCALE:
        option->kind = DRILL_OPT_WSCALE;
        option->value = read_u8(&body);
        return len == 1;
    case KIND_SACKOK:
        option->kind = DRILL_OPT_SACKOK;
        return len == 0;
    case KIND_SACK:
        option->kind = DRILL_OPT_SACK;
        read_sack(&body, option);
        return len >= 8 && len % 8 == 0;
    case KIND_TS:
        option->kind = DRILL_OPT_TS;
        option->value = read_be32(&body);
        option->ecr = read_be32(&body);
        return len == 8;
    default:
        return false;
    }
}

static void read_options(struct bytes in, struct drill_seen *out)
{
    struct reader r = reader_of(in);

    out->tcp.options = out->options;
    while (r.rest.len > 0 && out->tcp.option_count < DRILL_TCP_OPTIONS) {
        struct drill_tcp_option *option = &out->options[out->tcp.option_count++];
        *option = (struct drill_tcp_option){0};
        uint8_t kind = read_u8(&r);
        if (kind == KIND_EOL || kind == KIND_NOP) {
            option->kind = kind == KIND_EOL ? DRILL_OPT_EOL : DRILL_OPT_NOP;
            continue;
        }
        uint8_t len = read_u8(&r);
        if (len < 2 || len - 2u > r.rest.len) {
            out->broken = "a TCP option is longer than the header, or shorter than itself";
            return;
        }
        struct bytes body = read_bytes(&r, len - 2u);
        if (read_known(kind, reader_of(body), option))
            continue;
        *option = (struct drill_tcp_option){.kind = DRILL_OPT_UNKNOWN, .value = kind};
        option->octet_count = (uint8_t)size_min(body.len, sizeof(option->octets));
        struct reader octets = reader_of(body);
        read_into(&octets, option->octets, option->octet_count);
    }
    if (out->tcp.option_count)
        out->tcp.list = DRILL_OPTIONS_LIST;
}

static void read_tcp(struct bytes in, size_t said, struct drill_seen *out)
{
    struct reader r = reader_of(in);
    struct drill_tcp *tcp = &out->tcp;

    out->src.port = read_be16(&r);
    out->dst.port = read_be16(&r);
    tcp->seq = read_be32(&r);
    tcp->ack = read_be32(&r);
    uint16_t offset_and_flags = read_be16(&r);
    tcp->flags = offset_and_flags & 0x1ff;
    tcp->win = read_be16(&r);
    read_be16(&r);
    tcp->urg = read_be16(&r);
    tcp->has_ack = tcp->flags & DRILL_ACK;
    tcp->has_win = true;
    tcp->has_urg = tcp->urg != 0;
    out->header_len = (uint8_t)(offset_and_flags >> 12 << 2);
    if (r.overrun || out->header_len < TCP_HEADER || out->header_len > in.len) {
        out->broken = "the TCP header is cut off";
        return;
    }
    struct checksum sum = {0};
    checksum_add_pseudo(&sum, out->src.addr, out->dst.addr, DRILL_PROTO_TCP, (uint32_t)in.len);
    checksum_add(&sum, in);
    if (in.len == said && checksum_finish(sum) != 0)
        out->broken = "the TCP checksum is wrong";
    if (offset_and_flags & 0x0e00)
        out->broken = "reserved bits of the TCP header are set";
    read_options(read_bytes(&r, out->header_len - (size_t)TCP_HEADER), out);
    out->text = r.rest;
    tcp->len = said > out->header_len ? (uint32_t)(said - out->header_len) : 0;
}

static void read_packet(struct bytes packet, struct drill_seen *out, bool cut)
{
    size_t said = 0;
    struct reader r = reader_of(packet);

    *out = (struct drill_seen){0};
    uint8_t version = packet.len ? packet.at[0] >> 4 : 0;
    struct bytes payload =
        version == 6 ? read_ipv6(&r, out, cut, &said) : read_ipv4(&r, out, cut, &said);
    if (out->broken)
        return;
    if (out->protocol == DRILL_PROTO_TCP) {
        read_tcp(payload, said, out);
    } else {
        struct reader icmp = reader_of(payload);
        out->icmp_type = read_u8(&icmp);
        out->icmp_code = read_u8(&icmp);
        out->text = payload;
    }
}

void drill_read_packet(struct bytes packet, struct drill_seen *out)
{
    read_packet(packet, out, false);
}

void drill_read_headers(struct bytes packet, struct drill_seen *out)
{
    read_packet(packet, out, true);
}

/* --- building ----------------------------------------------------------------------------- */

/* Appends an IP header, the packet's length still open. */
static void write_ip(struct writer *w, const struct drill_envelope *env, uint8_t protocol,
                     size_t payload_len)
{
    uint8_t *start = w->at;

    if (!ip_is_v4(env->dst.addr)) {
        write_be32(w, UINT32_C(6) << 28 | (uint32_t)env->tos << 20 | env->flowlabel);
        write_be16(w, (uint16_t)payload_len);
        write_u8(w, protocol);
        write_u8(w, env->ttl);
        write_bytes(w, env->src.addr.octet, 16);
        write_bytes(w, env->dst.addr.octet, 16);
        return;
    }
    write_u8(w, 0x45);
    write_u8(w, env->tos);
    write_be16(w, (uint16_t)(V4_HEADER + payload_len));
    write_be32(w, 0); /* no identification, no DF */
    write_u8(w, env->ttl);
    write_u8(w, protocol);
    write_be16(w, 0);
    write_be32(w, ip_to_v4(env->src.addr));
    write_be32(w, ip_to_v4(env->dst.addr));
    if (!w->overrun)
        put_be16(start + 10, checksum_of(bytes_of(start, V4_HEADER)));
}

static size_t ip_header_len(const struct drill_envelope *env)
{
    return ip_is_v4(env->dst.addr) ? V4_HEADER : V6_HEADER;
}

static size_t option_len(const struct drill_tcp_option *option)
{
    switch (option->kind) {
    case DRILL_OPT_EOL:
    case DRILL_OPT_NOP:
        return 1;
    case DRILL_OPT_MSS:
        return 4;
    case DRILL_OPT_WSCALE:
        return 3;
    case DRILL_OPT_SACKOK:
        return 2;
    case DRILL_OPT_SACK:
        return 2 + 8ul * option->blocks;
    case DRILL_OPT_TS:
        return 10;
    case DRILL_OPT_FOEXP:
        return 4ul + option->octet_count;
    case DRILL_OPT_MD5:
    case DRILL_OPT_FO:
    case DRILL_OPT_ACCECN:
    case DRILL_OPT_UNKNOWN:
        return 2ul + option->octet_count;
    }
    return 0;
}

size_t drill_options_len(const struct drill_tcp *tcp)
{
    size_t len = 0;

    for (int i = 0; i < tcp->option_count; i++)
        len += option_len(&tcp->options[i]);
    return len;
}

static void write_octets(struct writer *w, const struct drill_tcp_option *option, uint8_t kind)
{
    write_u8(w, kind);
    write_u8(w, (uint8_t)option_len(option));
    if (option->kind == DRILL_OPT_FOEXP)
        write_be16(w, FOEXP_MAGIC);
    write_bytes(w, option->octets, option->octet_count);
}

static void write_option(struct writer *w, const struct drill_tcp_option *option)
{
    switch (option->kind) {
    case DRILL_OPT_EOL:
        write_u8(w, KIND_EOL);
        return;
    case DRILL_OPT_NOP:
        write_u8(w, KIND_NOP);
        return;
    case DRILL_OPT_MSS:
        write_be16(w, KIND_MSS << 8 | 4);
        write_be16(w, (uint16_t)option->value);
        return;
    case DRILL_OPT_WSCALE:
        write_be16(w, KIND_WSCALE << 8 | 3);
        write_u8(w, (uint8_t)option->value);
        return;
    case DRILL_OPT_SACKOK:
        write_be16(w, KIND_SACKOK << 8 | 2);
        return;
    case DRILL_OPT_SACK:
        write_u8(w, KIND_SACK);
        write_u8(w, (uint8_t)option_len(option));
        for (int i = 0; i < option->blocks; i++) {
            write_be32(w, option->block[i].left);
            write_be32(w, option->block[i].right);
        }
        return;
    case DRILL_OPT_TS:
        write_be16(w, KIND_TS << 8 | 10);
        write_be32(w, option->value);
        write_be32(w, option->ecr);
        return;
    case DRILL_OPT_MD5:
        write_octets(w, option, KIND_MD5);
        return;
    case DRILL_OPT_FO:
        write_octets(w, option, KIND_FO);
        return;
    case DRILL_OPT_FOEXP:
        write_octets(w, option, KIND_FOEXP);
        return;
    case DRILL_OPT_ACCECN:
    case DRILL_OPT_UNKNOWN:
        write_octets(w, option, (uint8_t)option->value);
        return;
    }
}

/* Puts the transport checksum at `at`, over everything from `start` to where the writer stands. */
static void put_transport_sum(const struct drill_envelope *env, uint8_t protocol, uint8_t *start,
                              size_t len, size_t at)
{
    struct checksum sum = {0};

    checksum_add_pseudo(&sum, env->src.addr, env->dst.addr, protocol, (uint32_t)len);
    checksum_add(&sum, bytes_of(start, len));
    put_be16(start + at, checksum_finish(sum));
}

size_t drill_build_tcp(const struct drill_envelope *env, const struct drill_tcp *tcp, uint8_t *out,
                       size_t room)
{
    struct writer w = writer_of(out, room);
    size_t header_len = TCP_HEADER + drill_options_len(tcp);
    size_t len = header_len + tcp->len;

    write_ip(&w, env, DRILL_PROTO_TCP, len);
    uint8_t *start = w.at;
    write_be16(&w, env->src.port);
    write_be16(&w, env->dst.port);
    write_be32(&w, tcp->seq);
    write_be32(&w, tcp->ack);
    write_be16(&w, (uint16_t)(header_len / 4 << 12 | tcp->flags));
    write_be16(&w, tcp->win);
    write_be16(&w, 0);
    write_be16(&w, tcp->urg);
    for (int i = 0; i < tcp->option_count; i++)
        write_option(&w, &tcp->options[i]);
    write_zeros(&w, tcp->len);
    if (w.overrun)
        return 0;
    put_transport_sum(env, DRILL_PROTO_TCP, start, len, 16);
    return ip_header_len(env) + len;
}

/* The quoted packet: its IP header says how long it was, and 8 octets follow. */
static void write_quote(struct writer *w, const struct drill_envelope *env,
                        const struct drill_quoted *quote)
{
    struct drill_envelope inner = {.src = env->dst, .dst = env->src, .ttl = 64};
    bool tcp = quote->kind == DRILL_QUOTE_TCP;

    write_ip(w, &inner, tcp ? DRILL_PROTO_TCP : DRILL_PROTO_UDP,
             (tcp ? (size_t)TCP_HEADER : 8) + quote->len);
    write_be16(w, inner.src.port);
    write_be16(w, inner.dst.port);
    if (tcp) {
        write_be32(w, quote->seq);
    } else {
        write_be16(w, (uint16_t)(8 + quote->len));
        write_be16(w, 0);
    }
}

size_t drill_build_icmp(const struct drill_envelope *env, uint8_t type, uint8_t code, uint32_t rest,
                        const struct drill_quoted *quote, uint8_t *out, size_t room)
{
    struct writer w = writer_of(out, room);
    bool v4 = ip_is_v4(env->dst.addr);
    uint8_t protocol = v4 ? DRILL_PROTO_ICMP : DRILL_PROTO_ICMP6;
    bool raw = quote->kind == DRILL_QUOTE_RAW;
    size_t len = raw ? size_max(quote->len, 8) : 8 + ip_header_len(env) + 8;

    write_ip(&w, env, protocol, len);
    uint8_t *start = w.at;
    write_u8(&w, type);
    write_u8(&w, code);
    write_be16(&w, 0);
    write_be32(&w, rest);
    if (raw)
        write_zeros(&w, len - 8);
    else
        write_quote(&w, env, quote);
    if (w.overrun)
        return 0;
    if (v4)
        put_be16(start + 2, checksum_of(bytes_of(start, len)));
    else
        put_transport_sum(env, protocol, start, len, 2);
    return ip_header_len(env) + len;
}

size_t drill_build_udp(const struct drill_envelope *env, uint32_t len, uint8_t *out, size_t room)
{
    struct writer w = writer_of(out, room);
    size_t total = 8 + (size_t)len;

    write_ip(&w, env, DRILL_PROTO_UDP, total);
    uint8_t *start = w.at;
    write_be16(&w, env->src.port);
    write_be16(&w, env->dst.port);
    write_be16(&w, (uint16_t)total);
    write_be16(&w, 0);
    write_zeros(&w, len);
    if (w.overrun)
        return 0;
    put_transport_sum(env, DRILL_PROTO_UDP, start, total, 6);
    return ip_header_len(env) + total;
}
