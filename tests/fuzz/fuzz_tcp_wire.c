/*
 * fuzz_tcp_wire.c - any octets as a TCP segment.
 *
 * Asserted of every input: a segment is refused or lies whole inside the octets; what was read can
 * be written and reads back the same; the checksum of a segment whose sum was made right is right,
 * and wrong after any change of one octet.
 */
#include <stdlib.h>

#include "support/wire.h"
#include "tcp/tcp_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_and_read_again(const struct tcp_segment *seg)
{
    struct tcp_segment out = *seg, back;
    uint8_t octets[TCP_HEADER_MAX];

    out.options.malformed = false;
    if (out.flags & TCP_SYN)
        out.options.sack_count = 0; /* nothing can have come before it */
    else
        out.options.has_mss = out.options.has_window_scale = false;
    size_t len = tcp_header_len(&out);
    assert(len >= TCP_HEADER_MIN && len <= TCP_HEADER_MAX && len % 4 == 0);
    struct writer w = writer_of(octets, len);
    tcp_emit(&w, &out);
    assert(!w.overrun && w.left == 0);
    assert(tcp_parse(bytes_of(octets, len), &back) == DROP_NONE);
    assert(back.src_port == out.src_port && back.dst_port == out.dst_port);
    assert(seq_eq(back.seq, out.seq) && seq_eq(back.ack, out.ack));
    assert(back.flags == out.flags && back.window == out.window && back.urgent == out.urgent);
    assert(!back.options.malformed);
    assert(back.options.has_mss == out.options.has_mss);
    assert(!out.options.has_mss || back.options.mss == out.options.mss);
    assert(back.options.has_window_scale == out.options.has_window_scale);
    assert(!out.options.has_window_scale || back.options.window_scale == out.options.window_scale);
    assert(back.text.len == 0);
}

static void sum_it_up(const uint8_t *data, size_t size)
{
    struct ip_addr src = ip_from_v4(0x0a090001), dst = ip_from_v4(0x0a090002);
    uint8_t *copy = malloc(size);

    if (!copy)
        return;
    memcpy(copy, data, size);
    put_be16(copy + TCP_CSUM_OFFSET, 0);
    /* addresses, protocol and length: the pseudo-header of RFC 9293, 3.1, as 16-bit words */
    uint32_t pseudo = 0x0a09 + 0x0001 + 0x0a09 + 0x0002 + 6 + (uint32_t)size;
    put_be16(copy + TCP_CSUM_OFFSET, wire_checksum(copy, size, pseudo));
    assert(tcp_checksum_is_right(src, dst, bytes_of(copy, size)));
    copy[data[0] % size] ^= 0x20;
    assert(!tcp_checksum_is_right(src, dst, bytes_of(copy, size)));
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tcp_segment seg;

    if (size > 65000)
        return 0;
    enum drop drop = tcp_parse(bytes_of(data, size), &seg);
    if (drop != DROP_NONE) {
        assert(drop == DROP_TCP_HEADER);
        assert(size < TCP_HEADER_MIN || data[12] >> 4 < 5 || (size_t)(data[12] >> 4) * 4 > size);
        return 0;
    }
    size_t header = (size_t)(data[12] >> 4) * 4;
    assert(header >= TCP_HEADER_MIN && header <= size);
    assert(seg.text.len == size - header && (seg.text.len == 0 || seg.text.at == data + header));
    assert(tcp_seg_len(&seg) >= seg.text.len);
    write_and_read_again(&seg);
    sum_it_up(data, size);
    return 0;
}
