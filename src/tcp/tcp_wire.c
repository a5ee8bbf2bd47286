/*
 * tcp_wire.c - the TCP header and its options (RFC 9293, 3.1, 3.2).
 *
 * What is hard here is the option list: each option brings its own length, which may be 0, 1, or
 * point past the header. The walk advances by at least one octet a step and the list has at most
 * 40, so it ends; at the first length that cannot be, it stops, keeps what came before and says so.
 * The segment itself lives (MUST-7): an option that we cannot read is no reason to lose the text.
 *
 * Read: MSS, window scale, SACK-permitted, SACK, timestamps. Skipped by their length: all others
 * (MUST-6). Written in the order and with the padding that the field has settled on: on a SYN
 * `mss,sackOK,TS,nop,wscale`, later `nop,nop,TS` and `nop,nop,sack`; a list so made needs no end
 * marker and keeps every 32-bit number at a multiple of four.
 */
#include "tcp/tcp_wire.h"

enum {
    KIND_END = 0,
    KIND_NOP = 1,
    KIND_MSS = 2,
    KIND_WINDOW_SCALE = 3,
    KIND_SACK_PERMITTED = 4,
    KIND_SACK = 5,
    KIND_TIMESTAMPS = 8,
};

/* Timestamps behind two octets of padding: the layout of RFC 7323, appendix A, and all that most
 * segments have. */
#define NOP_NOP_TIMESTAMPS UINT32_C(0x0101080a)

/* How long the value of a kind that we read is; of SACK, a multiple of it (RFC 2018, 3). */
static bool len_is_right(uint8_t kind, size_t len)
{
    switch (kind) {
    case KIND_MSS:
        return len == 2;
    case KIND_WINDOW_SCALE:
        return len == 1;
    case KIND_SACK_PERMITTED:
        return len == 0;
    case KIND_SACK:
        return len > 0 && len % 8 == 0;
    case KIND_TIMESTAMPS:
        return len == 8;
    default: /* kinds are any octet, not an enum */
        return true;
    }
}

/* One option behind its kind and length, which is its own. */
static void option_parse(uint8_t kind, struct bytes value, struct tcp_options *out)
{
    struct reader r = reader_of(value);

    if (kind == KIND_MSS) {
        out->mss = read_be16(&r);
        out->has_mss = true;
    } else if (kind == KIND_WINDOW_SCALE) {
        out->window_scale = read_u8(&r);
        out->has_window_scale = true;
    } else if (kind == KIND_SACK_PERMITTED) {
        out->sack_permitted = true;
    } else if (kind == KIND_TIMESTAMPS) {
        out->ts_val = read_be32(&r);
        out->ts_ecr = read_be32(&r);
        out->has_timestamps = true;
    } else if (kind == KIND_SACK) {
        for (out->sack_count = 0; r.rest.len > 0; out->sack_count++) {
            assert(out->sack_count < TCP_SACK_BLOCKS); /* 40 octets hold no more */
            out->sack[out->sack_count].left = seq(read_be32(&r));
            out->sack[out->sack_count].right = seq(read_be32(&r));
        }
    }
}

/* RFC 9293, 3.2. A known kind with a length that is not its own is skipped like an unknown one and
 * counted. */
static void options_walk(struct bytes in, struct tcp_options *out)
{
    struct reader r = reader_of(in);

    while (r.rest.len > 0) {
        uint8_t kind = read_u8(&r);
        if (kind == KIND_END)
            return;
        if (kind == KIND_NOP)
            continue;
        uint8_t len = read_u8(&r);
        if (r.overrun || len < 2) {
            out->malformed = true;
            return;
        }
        struct bytes value = read_bytes(&r, len - 2u);
        if (r.overrun) {
            out->malformed = true;
            return;
        }
        if (len_is_right(kind, value.len))
            option_parse(kind, value, out);
        else
            out->malformed = true;
    }
}

static void options_parse(struct bytes in, struct tcp_options *out)
{
    struct reader r = reader_of(in);

    if (in.len != TCP_TIMESTAMPS_LEN || read_be32(&r) != NOP_NOP_TIMESTAMPS) {
        options_walk(in, out);
        return;
    }
    out->ts_val = read_be32(&r);
    out->ts_ecr = read_be32(&r);
    out->has_timestamps = true;
}

static size_t options_len(const struct tcp_options *options)
{
    size_t len = 0;

    if (options->has_mss)
        len += 4;
    if (options->sack_permitted && !options->has_timestamps)
        len += 4;
    if (options->has_timestamps)
        len += TCP_TIMESTAMPS_LEN;
    if (options->has_window_scale)
        len += 4;
    return len + tcp_sack_len(options->sack_count);
}

static void write_nops(struct writer *w, int count)
{
    while (count-- > 0)
        write_u8(w, KIND_NOP);
}

static void options_emit(struct writer *w, const struct tcp_options *options)
{
    if (options->has_mss) {
        write_u8(w, KIND_MSS);
        write_u8(w, 4);
        write_be16(w, options->mss);
    }
    if (options->sack_permitted) {
        if (!options->has_timestamps)
            write_nops(w, 2);
        write_u8(w, KIND_SACK_PERMITTED);
        write_u8(w, 2);
    }
    if (options->has_timestamps) {
        struct writer part = write_header(w, options->sack_permitted ? 10 : TCP_TIMESTAMPS_LEN);
        if (!options->sack_permitted)
            write_nops(&part, 2);
        write_u8(&part, KIND_TIMESTAMPS);
        write_u8(&part, 10);
        write_be32(&part, options->ts_val);
        write_be32(&part, options->ts_ecr);
    }
    if (options->has_window_scale) {
        write_nops(w, 1);
        write_u8(w, KIND_WINDOW_SCALE);
        write_u8(w, 3);
        write_u8(w, options->window_scale);
    }
    if (options->sack_count > 0) {
        write_nops(w, 2);
        write_u8(w, KIND_SACK);
        write_u8(w, (uint8_t)(2 + 8 * options->sack_count));
        for (int i = 0; i < options->sack_count; i++) {
            write_be32(w, options->sack[i].left.value);
            write_be32(w, options->sack[i].right.value);
        }
    }
}

enum drop tcp_parse(struct bytes in, struct tcp_segment *seg)
{
    struct reader r = reader_of(in);

    *seg = (struct tcp_segment){0};
    if (in.len < TCP_HEADER_MIN)
        return DROP_TCP_HEADER;
    seg->src_port = read_be16(&r);
    seg->dst_port = read_be16(&r);
    seg->seq = seq(read_be32(&r));
    seg->ack = seq(read_be32(&r));
    uint16_t offset_and_flags = read_be16(&r);
    seg->window = read_be16(&r);
    read_be16(&r); /* checksum: the caller has verified it, pseudo-header and all */
    seg->urgent = read_be16(&r);
    size_t header_len = (size_t)(offset_and_flags >> 12) * 4;
    if (header_len < TCP_HEADER_MIN)
        return DROP_TCP_HEADER;
    struct bytes options = read_bytes(&r, header_len - TCP_HEADER_MIN);
    if (r.overrun)
        return DROP_TCP_HEADER;

    seg->flags = (uint8_t)offset_and_flags; /* the reserved bits are ignored, AE (RFC 9768) too */
    seg->text = r.rest;
    options_parse(options, &seg->options);
    return DROP_NONE;
}

size_t tcp_header_len(const struct tcp_segment *seg)
{
    return TCP_HEADER_MIN + options_len(&seg->options);
}

/* The mirror of tcp_parse(), line for line. */
void tcp_emit(struct writer *w, const struct tcp_segment *seg)
{
    size_t header_len = tcp_header_len(seg);
    struct writer part = write_header(w, TCP_HEADER_MIN);

    assert(header_len % 4 == 0 && header_len <= TCP_HEADER_MAX);
    assert(seg->flags & TCP_SYN || !seg->options.has_mss); /* MUST-65 */
    write_be16(&part, seg->src_port);
    write_be16(&part, seg->dst_port);
    write_be32(&part, seg->seq.value);
    write_be32(&part, seg->ack.value);
    write_be16(&part, (uint16_t)(header_len / 4 << 12 | seg->flags));
    write_be16(&part, seg->window);
    write_be16(&part, 0); /* checksum: the caller fills it in last */
    write_be16(&part, seg->urgent);
    options_emit(w, &seg->options);
    assert(!w->overrun); /* we sized the buffer, so an overrun is our bug */
}

bool tcp_checksum_is_right(struct ip_addr src, struct ip_addr dst, struct bytes segment)
{
    struct checksum c = {0};

    checksum_add_pseudo(&c, src, dst, IP_PROTOCOL_TCP, (uint32_t)segment.len);
    checksum_add(&c, segment);
    return checksum_finish(c) == 0;
}
