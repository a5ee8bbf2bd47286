/* fuzz_big_frame.c - any octets as a frame, with any meta, in any pieces.
 *
 * First six octets that say what to do, then the frame. Whatever it is, nothing outside of it is
 * read. What is cut has the frame's text, octet for octet, in segments no longer than asked for,
 * each with a checksum that a receiver accepts; and put together again it is the frame. Since
 * chance makes no checksum right, a bit asks for headers that are plausible. */
#include <stdlib.h>

#include "base/checksum.h"
#include "base/frame.h"
#include "dev/big_frame.h"
#include "dev/vnet_wire.h"
#include "eth/eth_wire.h"
#include "ip/ipv4_wire.h"
#include "ip/ipv6_wire.h"
#include "tcp/tcp_wire.h"

enum { IP_ONLY = 1, MEND = 2, VERIFIED = 4, OPEN = 8, V6 = 16, CONTROLS = 6 };

/* Makes lengths, protocol and sums right, as far as they lie in the frame; the rest is as it came.
 */
static void mend(uint8_t *frame, size_t len, uint8_t how, struct frame_meta *meta)
{
    size_t ip_at = how & IP_ONLY ? 0 : ETH_HEADER;
    size_t tcp_at = ip_at + (how & V6 ? (size_t)IPV6_HEADER : (size_t)IPV4_HEADER_MIN);
    struct checksum c = {0};
    struct ip_addr src, dst;

    if (len < tcp_at + TCP_HEADER_MIN || len > UINT16_MAX)
        return;
    uint8_t *ip = frame + ip_at;
    if (ip_at)
        put_be16(frame + 12, how & V6 ? ETH_TYPE_IPV6 : ETH_TYPE_IPV4);
    if (how & V6) {
        ip[0] = 0x60;
        put_be16(ip + 4, (uint16_t)(len - tcp_at));
        ip[6] = IP_PROTOCOL_TCP;
        ip[8] = ip[24] = 0xfd;
        memcpy(src.octet, ip + 8, 16);
        memcpy(dst.octet, ip + 24, 16);
    } else {
        struct reader r = reader_of(bytes_of(ip + 12, 8));
        src = ip_from_v4(read_be32(&r));
        dst = ip_from_v4(read_be32(&r));
        ip[0] = 0x45;
        put_be16(ip + 2, (uint16_t)(len - ip_at));
        ip[6] &= 0x40;
        ip[7] = 0;
        ip[9] = IP_PROTOCOL_TCP;
        put_be16(ip + 10, 0);
        put_be16(ip + 10, checksum_of(bytes_of(ip, IPV4_HEADER_MIN)));
    }
    checksum_add_pseudo(&c, src, dst, IP_PROTOCOL_TCP, (uint32_t)(len - tcp_at));
    put_be16(frame + tcp_at + TCP_CSUM_OFFSET, checksum_fold(c));
    if (meta->flags & FRAME_NEEDS_CSUM) {
        meta->csum_start = (uint16_t)tcp_at;
        meta->csum_offset = TCP_CSUM_OFFSET;
    }
}

static struct frame *gather(struct frame_pool *pool, const struct big_cut *cut, bool first)
{
    struct frame *frame = frame_get(pool, FRAME_ROOM_MAX);
    struct writer w = writer_of(frame->data, FRAME_ROOM_MAX);

    for (int i = 0; i < cut->iovcnt; i++)
        write_bytes(&w, cut->iov[i].iov_base, cut->iov[i].iov_len);
    assert(!w.overrun);
    frame->len = (uint32_t)(FRAME_ROOM_MAX - w.left);
    frame->meta = cut->meta;
    if (!first)
        vnet_complete(frame->data, frame->len, &frame->meta);
    return frame;
}

/* A segment on its own, as a receiver reads it. */
static struct bytes check_segment(const struct frame *segment, bool ip_only, uint8_t *copy)
{
    struct frame_meta meta = segment->meta;
    struct bytes packet = ip_only ? bytes_of(copy, segment->len)
                                  : bytes_skip(bytes_of(copy, segment->len), ETH_HEADER);
    struct ip_addr src, dst;
    struct bytes payload;
    struct tcp_segment seg;

    memcpy(copy, segment->data, segment->len);
    vnet_complete(copy, segment->len, &meta);
    if (packet.at[0] >> 4 == 4) {
        struct ipv4_header h;
        assert(!ipv4_parse(packet, &h, &payload));
        src = h.src;
        dst = h.dst;
    } else {
        struct ipv6_header h;
        assert(!ipv6_parse(packet, &h, &payload));
        src = h.src;
        dst = h.dst;
    }
    assert(tcp_checksum_is_right(src, dst, payload));
    assert(!tcp_parse(payload, &seg));
    return seg.text;
}

static void run(struct frame_pool *pool, struct bytes frame, const struct frame_meta *meta,
                const struct iovec *iov, int iovcnt, bool ip_only)
{
    static uint8_t copy[FRAME_ROOM_MAX];
    struct frame *joined = NULL;
    struct big_cut cut;
    uint32_t count = 0;
    bool whole = true;

    if (!big_cut_begin(&cut, meta, iov, iovcnt, ip_only)) {
        assert(!big_cut_next(&cut));
        return;
    }
    struct bytes text = bytes_first(bytes_skip(frame, cut.place.text_at), cut.text_len);
    assert(text.len == cut.text_len && meta->gso_size > 0);
    for (size_t at = 0; big_cut_next(&cut); count++) {
        struct frame *segment = gather(pool, &cut, !joined);
        struct bytes part = check_segment(segment, ip_only, copy);
        assert(part.len <= meta->gso_size);
        assert(bytes_equal(part, bytes_first(bytes_skip(text, at), part.len)));
        at += part.len;
        assert(at == text.len || part.len == meta->gso_size);
        if (joined) {
            whole &= big_join(joined, segment, ip_only);
            frame_put(segment);
        } else {
            joined = segment;
        }
    }
    assert(cut.done == text.len && count == big_segments(meta, text.len));
    /* ACK and PSH are the flags of what GRO joins. */
    uint8_t flags = cut.place.flags & (uint8_t)~TCP_PSH;
    assert(count == 1 || whole == (flags == TCP_ACK));
    if (count > 1 && whole) {
        size_t end = cut.place.end, sum = cut.place.tcp_at + TCP_CSUM_OFFSET;
        assert(joined->len == end && joined->meta.gso_size == meta->gso_size);
        assert(bytes_equal(bytes_of(joined->data, sum), bytes_first(frame, sum)));
        assert(bytes_equal(bytes_of(joined->data + sum + 2, end - sum - 2),
                           bytes_first(bytes_skip(frame, sum + 2), end - sum - 2)));
    }
    frame_put(joined);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct memory memory = {0};
    struct frame_pool pool;
    struct iovec iov[DEV_IOV_MAX];
    struct reader r = reader_of(bytes_of(data, size));
    int iovcnt = 0;

    uint8_t how = read_u8(&r), type = read_u8(&r);
    uint16_t gso_size = read_be16(&r);
    size_t step = 1 + read_u8(&r) * 4u;
    uint8_t lie = read_u8(&r);
    if (r.overrun)
        return 0;
    struct bytes in = r.rest;
    struct frame_meta meta = {.gso_type = type, .gso_size = gso_size, .csum_start = lie};
    meta.flags =
        (uint8_t)((how & VERIFIED ? FRAME_CSUM_VALID : 0) | (how & OPEN ? FRAME_NEEDS_CSUM : 0));
    uint8_t *frame = malloc(in.len + 1);
    memcpy(frame, in.at, in.len);
    if (how & MEND) {
        meta.gso_type = how & V6 ? FRAME_GSO_TCPV6 : FRAME_GSO_TCPV4;
        mend(frame, in.len, how, &meta);
    }
    for (size_t at = 0; at < in.len || iovcnt == 0;) { /* pieces of their own */
        size_t len = iovcnt == DEV_IOV_MAX - 2 ? in.len - at : size_min(step, in.len - at);
        uint8_t *piece = malloc(len ? len : 1);
        memcpy(piece, frame + at, len);
        iov[iovcnt++] = (struct iovec){piece, len};
        at += len;
    }
    if (frame_pool_init(&pool, &memory, 1 << 20))
        abort();
    run(&pool, bytes_of(frame, in.len), &meta, iov, iovcnt, how & IP_ONLY);
    assert(pool.out == 0);
    frame_pool_fini(&pool);
    while (iovcnt > 0)
        free(iov[--iovcnt].iov_base);
    free(frame);
    return 0;
}
