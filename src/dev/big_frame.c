/*
 * big_frame.c - see big_frame.h.
 *
 * A big frame is a segment that is longer than any wire takes: one header, and text for up to 45
 * segments behind it. To cut it is to give each piece of text a copy of the header, with what
 * differs from segment to segment put right:
 *
 *     IPv4     total length, ID (one more each time), header checksum
 *     IPv6     payload length
 *     TCP      sequence number; FIN and PSH (the last one's), CWR (the first one's: RFC 3168,
 *              6.1.2, asks for it on the first new data after the reduction); checksum
 *
 * All else is copied as it is, options too, so a segment says just what the whole said. To join is
 * the way back: two frames belong together when the second is what cutting would have made of one
 * that holds both. So there is no list of fields that must be equal, but one of those that need not
 * be: the header of the second, with these few taken from the first, must be the first one's, octet
 * for octet.
 *
 * One thing is less than exact. The ID of a packet that may not be fragmented means nothing (RFC
 * 6864, 4.1), and many senders leave it zero; it is not asked about then, and counts up when the
 * frame is cut again.
 *
 * Checksums. A big frame has one sum for all of its text, or an open one, and neither tells
 * anything about that of a part. So segments leave with an open one, which costs nothing here; what
 * would be made right by that although it was wrong is refused first. The frame comes from a
 * kernel, a relay or a capture and is not believed: whatever is not a plain TCP segment in a plain
 * packet is left to those who can do without cutting it.
 */
#include "dev/big_frame.h"

#include "base/checksum.h"
#include "base/frame.h"
#include "eth/eth_wire.h"
#include "ip/ipv4_wire.h"
#include "ip/ipv6_wire.h"
#include "tcp/tcp_wire.h"

enum { /* fields that differ from segment to segment, from where their header begins */
       IPV4_AT_LENGTH = 2,
       IPV4_AT_ID = 4,
       IPV4_AT_CHECKSUM = 10,
       IPV6_AT_LENGTH = 4,
       TCP_AT_SEQ = 4,
       TCP_AT_FLAGS = 13,

       UNCUT = TCP_SYN | TCP_RST | TCP_URG, /* what no big frame has */
       LAST_ONLY = TCP_FIN | TCP_PSH,
       FIRST_ONLY = TCP_CWR,
};

/* --- headers ------------------------------------------------------------------------------ */

static bool read_ipv4(struct bytes packet, struct big_place *out)
{
    struct reader r = reader_of(packet);
    struct ipv4_header h;
    size_t total_len;

    if (!ipv4_read_header(&r, &h, &total_len) || h.options.len > 0 || h.more_fragments ||
        h.fragment_offset > 0 || h.protocol != IP_PROTOCOL_TCP ||
        checksum_of(bytes_first(packet, IPV4_HEADER_MIN)) != 0)
        return false;
    out->is_v4 = true;
    out->src = h.src;
    out->dst = h.dst;
    out->id = h.id;
    out->dont_fragment = h.dont_fragment;
    out->tcp_at = out->ip_at + IPV4_HEADER_MIN;
    out->end = out->ip_at + total_len;
    return true;
}

/* IPv4 addresses have no place in an IPv6 header (RFC 4291, 2.5.5.2), and sums tell the families
 * apart by them. */
static bool read_ipv6(struct bytes packet, struct big_place *out)
{
    struct reader r = reader_of(packet);
    struct ipv6_header h;
    size_t payload_len;

    if (!ipv6_read_header(&r, &h, &payload_len) || h.next_header != IP_PROTOCOL_TCP ||
        ip_is_v4(h.src) || ip_is_v4(h.dst))
        return false;
    out->src = h.src;
    out->dst = h.dst;
    out->tcp_at = out->ip_at + IPV6_HEADER;
    out->end = out->tcp_at + payload_len;
    return true;
}

/* Reads the headers of a TCP frame of `len` octets, of which `front` are the first ones: all, or
 * BIG_HEADER_MAX. */
static bool read_headers(struct bytes front, size_t len, bool ip_only, struct big_place *out)
{
    struct eth_header eth;
    struct bytes packet = front;
    struct tcp_segment seg;

    *out = (struct big_place){0};
    if (!ip_only) {
        if (eth_parse(front, &eth, &packet))
            return false;
        out->ip_at = ETH_HEADER;
    }
    if (packet.len == 0)
        return false;
    bool is_v4 = packet.at[0] >> 4 == 4;
    if (!ip_only && eth.type != (is_v4 ? ETH_TYPE_IPV4 : ETH_TYPE_IPV6))
        return false;
    if (!(is_v4 ? read_ipv4(packet, out) : read_ipv6(packet, out)) ||
        tcp_parse(bytes_skip(front, out->tcp_at), &seg))
        return false;
    out->text_at = (size_t)(seg.text.at - front.at);
    out->seq = seg.seq.value;
    out->flags = seg.flags;
    return out->text_at <= out->end && out->end <= len;
}

static uint16_t pseudo_sum(const struct big_place *place, size_t tcp_len)
{
    struct checksum c = {0};

    checksum_add_pseudo(&c, place->src, place->dst, IP_PROTOCOL_TCP, (uint32_t)tcp_len);
    return checksum_fold(c);
}

/* Over header and text, which lie in pieces. */
static bool whole_sum_is_right(const struct big_place *place, const struct iovec *iov, int iovcnt)
{
    struct checksum c = {0};
    size_t skip = place->tcp_at, left = place->end - place->tcp_at;

    checksum_add_pseudo(&c, place->src, place->dst, IP_PROTOCOL_TCP, (uint32_t)left);
    for (int i = 0; i < iovcnt && left > 0; i++) {
        struct bytes piece = bytes_of(iov[i].iov_base, iov[i].iov_len);
        size_t before = size_min(skip, piece.len);
        piece = bytes_first(bytes_skip(piece, before), left);
        checksum_add(&c, piece);
        skip -= before;
        left -= piece.len;
    }
    return left == 0 && checksum_finish(c) == 0;
}

/* Is the TCP checksum right, verified, or open as it should be? `header` has it in one piece. */
static bool sum_is_settled(const struct frame_meta *meta, const struct big_place *place,
                           const uint8_t *header, const struct iovec *iov, int iovcnt)
{
    if (meta->flags & FRAME_NEEDS_CSUM) {
        const uint8_t *field = header + place->tcp_at + TCP_CSUM_OFFSET;
        return meta->csum_start == place->tcp_at && meta->csum_offset == TCP_CSUM_OFFSET &&
               (field[0] << 8 | field[1]) == pseudo_sum(place, place->end - place->tcp_at);
    }
    return meta->flags & FRAME_CSUM_VALID || whole_sum_is_right(place, iov, iovcnt);
}

static uint8_t gso_type_of(const struct big_place *place)
{
    return place->is_v4 ? FRAME_GSO_TCPV4 : FRAME_GSO_TCPV6;
}

static size_t tcp_length(const struct big_place *place, size_t text_len)
{
    return place->text_at - place->tcp_at + text_len;
}

/* What follows from the text's length, in the header in front of it: the TCP checksum, too, which
 * is open, with the sum over a pseudo-header of that length. */
static void set_lengths(uint8_t *header, const struct big_place *place, size_t text_len,
                        uint16_t sum)
{
    size_t tcp_len = tcp_length(place, text_len);
    uint8_t *ip = header + place->ip_at;

    if (place->is_v4) {
        put_be16(ip + IPV4_AT_LENGTH, (uint16_t)(IPV4_HEADER_MIN + tcp_len));
        put_be16(ip + IPV4_AT_CHECKSUM, 0);
        put_be16(ip + IPV4_AT_CHECKSUM, checksum_of_header(bytes_of(ip, IPV4_HEADER_MIN)));
    } else {
        put_be16(ip + IPV6_AT_LENGTH, (uint16_t)tcp_len);
    }
    put_be16(header + place->tcp_at + TCP_CSUM_OFFSET, sum);
}

/* --- cutting ------------------------------------------------------------------------------ */

/* The next `len` octets of the pieces go into the segment, or, of the whole's header, nowhere. */
static void pass(struct big_cut *cut, size_t len, bool into_segment)
{
    while (len > 0) {
        const struct iovec *piece = cut->pieces;
        size_t part = size_min(piece->iov_len - cut->piece_done, len);

        if (into_segment && part > 0) {
            assert(cut->iovcnt < DEV_IOV_MAX);
            cut->iov[cut->iovcnt++] =
                (struct iovec){(uint8_t *)piece->iov_base + cut->piece_done, part};
        }
        cut->piece_done += part;
        len -= part;
        if (cut->piece_done == piece->iov_len) {
            cut->pieces++;
            cut->piece_done = 0;
        }
    }
}

bool big_cut_begin(struct big_cut *cut, const struct frame_meta *meta, const struct iovec *iov,
                   int iovcnt, bool ip_only)
{
    struct writer w = writer_of(cut->header, sizeof cut->header);
    struct big_place *place = &cut->place;
    size_t len = 0;

    cut->count = cut->total = 0;
    if (meta->bad || meta->gso_type == FRAME_GSO_NONE || meta->gso_size == 0)
        return false;
    for (int i = 0; i < iovcnt; i++) {
        write_bytes(&w, iov[i].iov_base, size_min(iov[i].iov_len, w.left));
        len += iov[i].iov_len;
    }
    struct bytes front = bytes_of(cut->header, sizeof cut->header - w.left);
    if (!read_headers(front, len, ip_only, place) || meta->gso_type != gso_type_of(place) ||
        place->flags & UNCUT || !sum_is_settled(meta, place, cut->header, iov, iovcnt))
        return false;

    cut->pieces = iov;
    cut->piece_done = 0;
    pass(cut, place->text_at, false);
    if (iovcnt - (cut->pieces - iov) > DEV_IOV_MAX - 1) /* each segment's header is one, too */
        return false;
    cut->text_len = place->end - place->text_at;
    cut->size = size_min(meta->gso_size, cut->text_len);
    cut->size_sum = pseudo_sum(place, tcp_length(place, cut->size));
    cut->done = 0;
    cut->total = big_segments(meta, cut->text_len);
    return true;
}

bool big_cut_next(struct big_cut *cut)
{
    const struct big_place *place = &cut->place;

    if (cut->count == cut->total)
        return false;
    uint8_t *ip = cut->own + place->ip_at, *tcp = cut->own + place->tcp_at;
    size_t text_len = size_min(cut->size, cut->text_len - cut->done);
    uint32_t seq = place->seq + (uint32_t)cut->done;
    memcpy(cut->own, cut->header, place->text_at);
    if (cut->count > 0)
        tcp[TCP_AT_FLAGS] &= (uint8_t)~FIRST_ONLY;
    if (cut->count + 1 < cut->total)
        tcp[TCP_AT_FLAGS] &= (uint8_t)~LAST_ONLY;
    put_be16(tcp + TCP_AT_SEQ, (uint16_t)(seq >> 16));
    put_be16(tcp + TCP_AT_SEQ + 2, (uint16_t)seq);
    if (place->is_v4)
        put_be16(ip + IPV4_AT_ID, (uint16_t)(place->id + cut->count));
    set_lengths(cut->own, place, text_len,
                text_len == cut->size ? cut->size_sum
                                      : pseudo_sum(place, tcp_length(place, text_len)));

    cut->meta = (struct frame_meta){.flags = FRAME_NEEDS_CSUM,
                                    .csum_start = (uint16_t)place->tcp_at,
                                    .csum_offset = TCP_CSUM_OFFSET};
    cut->iov[0] = (struct iovec){cut->own, place->text_at};
    cut->iovcnt = 1;
    pass(cut, text_len, true);
    cut->done += text_len;
    cut->count++;
    return true;
}

/* --- joining ------------------------------------------------------------------------------ */

static void copy_field(uint8_t *to, const uint8_t *from, size_t at, size_t len)
{
    memcpy(to + at, from + at, len);
}

/* Is the header `two` what comes after `one`, which stands for `segments`? */
static bool follows(const uint8_t *one, const struct big_place *a, uint32_t segments,
                    const uint8_t *two, const struct big_place *b)
{
    uint8_t moved[BIG_HEADER_MAX];

    if (a->text_at != b->text_at || b->seq != a->seq + (uint32_t)(a->end - a->text_at) ||
        (a->is_v4 && !a->dont_fragment && b->id != (uint16_t)(a->id + segments)))
        return false;
    memcpy(moved, two, b->text_at);
    if (a->is_v4) {
        copy_field(moved, one, a->ip_at + IPV4_AT_LENGTH, 2);
        copy_field(moved, one, a->ip_at + IPV4_AT_ID, 2);
        copy_field(moved, one, a->ip_at + IPV4_AT_CHECKSUM, 2);
    } else {
        copy_field(moved, one, a->ip_at + IPV6_AT_LENGTH, 2);
    }
    copy_field(moved, one, a->tcp_at + TCP_AT_SEQ, 4);
    copy_field(moved, one, a->tcp_at + TCP_AT_FLAGS, 1);
    copy_field(moved, one, a->tcp_at + TCP_CSUM_OFFSET, 2);
    return memcmp(moved, one, a->text_at) == 0;
}

static bool read_frame(const struct frame *frame, bool ip_only, struct big_place *out)
{
    return !frame->meta.bad && !frame->truncated &&
           read_headers(bytes_first(frame_bytes(frame), BIG_HEADER_MAX), frame->len, ip_only, out);
}

static bool frame_sum_is_settled(const struct frame *frame, const struct big_place *place)
{
    const struct iovec iov = {frame->data, frame->len};

    return sum_is_settled(&frame->meta, place, frame->data, &iov, 1);
}

bool big_join(struct frame *frame, const struct frame *next, bool ip_only)
{
    struct big_place a, b;
    bool is_big = frame->meta.gso_type != FRAME_GSO_NONE;

    assert(frame->refs == 1);
    if (next->meta.gso_type != FRAME_GSO_NONE || !read_frame(frame, ip_only, &a) ||
        !read_frame(next, ip_only, &b) || (is_big && frame->meta.gso_type != gso_type_of(&a)))
        return false;
    size_t text_len = a.end - a.text_at, more = b.end - b.text_at;
    size_t size = is_big ? frame->meta.gso_size : text_len;
    if (a.flags != TCP_ACK || (b.flags & ~TCP_PSH) != TCP_ACK || text_len == 0 || size == 0 ||
        text_len % size != 0 || more == 0 || more > size ||
        a.end - a.ip_at + more > IPV4_TOTAL_MAX ||
        more > frame_tailroom(frame) + (frame->len - a.end) ||
        !follows(frame->data, &a, (uint32_t)(text_len / size), next->data, &b) ||
        !frame_sum_is_settled(frame, &a) || !frame_sum_is_settled(next, &b))
        return false;

    memcpy(frame->data + a.end, next->data + b.text_at, more);
    frame->len = (uint32_t)(a.end + more);
    frame->data[a.tcp_at + TCP_AT_FLAGS] |= b.flags & TCP_PSH;
    set_lengths(frame->data, &a, text_len + more, pseudo_sum(&a, tcp_length(&a, text_len + more)));
    frame->meta = (struct frame_meta){
        .flags = FRAME_CSUM_VALID, .gso_type = gso_type_of(&a), .gso_size = (uint16_t)size};
    return true;
}
