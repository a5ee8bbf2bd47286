/* A big frame is cut into what a wire would carry, and what was cut is joined: nothing is added,
 * lost or told twice. Each segment is read with the parsers of the way in, and its checksum is
 * summed up anew. */
#include <stdlib.h>

#include "base/checksum.h"
#include "base/frame.h"
#include "dev/big_frame.h"
#include "dev/vnet_wire.h"
#include "eth/eth_wire.h"
#include "ip/ipv4_wire.h"
#include "ip/ipv6_wire.h"
#include "support/exact.h"
#include "support/proves.h"
#include "tcp/tcp_wire.h"

enum { ROOM = 66000, SEQ = 0xfffff000, ID = 0xfffe, SEGMENTS_MAX = 64 };

/* What a frame is made of. */
struct shape {
    bool v6, ethernet, timestamps, may_fragment;
    uint8_t flags;
    size_t text_len;
    uint16_t gso_size;
    size_t padding;
};

struct big {
    uint8_t octets[ROOM];
    size_t len, ip_at, tcp_at, text_at;
    struct frame_meta meta;
    bool ip_only;
};

static struct big big;
static struct frame_pool pool;

static const struct shape shapes[] = {
    {.ethernet = true, .flags = TCP_ACK | TCP_PSH, .text_len = 4344, .gso_size = 1448},
    {.flags = TCP_ACK, .text_len = 4345, .gso_size = 1448, .timestamps = true},
    {.v6 = true, .ethernet = true, .flags = TCP_ACK, .text_len = 5000, .gso_size = 1428},
    {.v6 = true, .flags = TCP_ACK | TCP_PSH, .text_len = 2000, .gso_size = 999, .timestamps = true},
    {.ethernet = true, .flags = TCP_ACK, .text_len = 65000, .gso_size = 1448, .timestamps = true},
    {.ethernet = true, .flags = TCP_ACK, .text_len = 7, .gso_size = 3, .padding = 1},
    {.flags = TCP_ACK, .text_len = 64, .gso_size = 1, .may_fragment = true},
    {.ethernet = true, .flags = TCP_ACK, .text_len = 100, .gso_size = 100},
    {.v6 = true, .flags = TCP_ACK, .text_len = 100, .gso_size = 1440},
    {.flags = TCP_ACK, .text_len = 0, .gso_size = 1440},
    {.ethernet = true, .flags = TCP_ACK, .text_len = 100, .gso_size = 65535},
};

static uint8_t text_at(size_t at)
{
    return (uint8_t)(at * 31 + at / 251);
}

static void write_ip(struct writer *w, const struct shape *shape, size_t payload_len)
{
    if (shape->v6)
        ipv6_emit(w,
                  &(struct ipv6_header){.src = {{0xfd, [15] = 1}},
                                        .dst = {{0xfd, [15] = 2}},
                                        .next_header = IP_PROTOCOL_TCP,
                                        .hop_limit = 9,
                                        .flow_label = 0x54321,
                                        .traffic_class = 2},
                  payload_len);
    else
        ipv4_emit(w,
                  &(struct ipv4_header){.src = ip_from_v4(0x0a000001),
                                        .dst = ip_from_v4(0x0a000002),
                                        .protocol = IP_PROTOCOL_TCP,
                                        .id = ID,
                                        .dont_fragment = !shape->may_fragment,
                                        .tos = 2,
                                        .ttl = 9},
                  payload_len);
}

/* Puts the sum of the pseudo-header where the checksum goes, as a sender that offloads does. */
static void open_sum(struct big *b, bool v6)
{
    struct checksum c = {0};
    struct ip_addr src = ip_from_v4(0x0a000001), dst = ip_from_v4(0x0a000002);
    size_t payload_len = b->text_at - b->tcp_at;

    if (v6) {
        src = (struct ip_addr){{0xfd, [15] = 1}};
        dst = (struct ip_addr){{0xfd, [15] = 2}};
        payload_len = (size_t)(b->octets[b->ip_at + 4] << 8 | b->octets[b->ip_at + 5]);
    } else {
        payload_len = (size_t)(b->octets[b->ip_at + 2] << 8 | b->octets[b->ip_at + 3]) - 20;
    }
    checksum_add_pseudo(&c, src, dst, IP_PROTOCOL_TCP, (uint32_t)payload_len);
    put_be16(b->octets + b->tcp_at + TCP_CSUM_OFFSET, checksum_fold(c));
    b->meta.flags = FRAME_NEEDS_CSUM;
    b->meta.csum_start = (uint16_t)b->tcp_at;
    b->meta.csum_offset = TCP_CSUM_OFFSET;
}

static void make_big(struct big *b, const struct shape *shape)
{
    struct writer w = writer_of(b->octets, ROOM);
    struct tcp_segment seg = {.src_port = 1000,
                              .dst_port = 80,
                              .seq = {SEQ},
                              .ack = {77},
                              .window = 500,
                              .flags = shape->flags,
                              .options = {.has_timestamps = shape->timestamps, .ts_val = 5}};

    b->ip_only = !shape->ethernet;
    b->ip_at = shape->ethernet ? ETH_HEADER : 0;
    if (shape->ethernet)
        eth_emit(&w, &(struct eth_header){.dst = {{2, 1}},
                                          .src = {{2, 2}},
                                          .type = shape->v6 ? ETH_TYPE_IPV6 : ETH_TYPE_IPV4});
    write_ip(&w, shape, tcp_header_len(&seg) + shape->text_len);
    b->tcp_at = ROOM - w.left;
    tcp_emit(&w, &seg);
    b->text_at = ROOM - w.left;
    for (size_t i = 0; i < shape->text_len; i++)
        write_u8(&w, text_at(i));
    for (size_t i = 0; i < shape->padding; i++)
        write_u8(&w, 0xee);
    ck_assert(!w.overrun);
    b->len = ROOM - w.left;
    b->meta = (struct frame_meta){.gso_type = shape->v6 ? FRAME_GSO_TCPV6 : FRAME_GSO_TCPV4,
                                  .gso_size = shape->gso_size};
    open_sum(b, shape->v6);
}

/* The frame in pieces of its own, so that nobody can read past one. `step`: octets of each but the
 * last, which takes what is left. */
static int chop(const struct big *b, size_t step, struct iovec *iov)
{
    size_t at = 0;
    int count = 0;

    while (at < b->len || count == 0) {
        size_t len = count == DEV_IOV_MAX - 2 ? b->len - at : size_min(step, b->len - at);
        struct bytes copy = exact_copy(b->octets + at, len);
        iov[count++] = (struct iovec){(void *)(uintptr_t)copy.at, copy.len};
        at += len;
    }
    return count;
}

static void free_pieces(struct iovec *iov, int count)
{
    while (count-- > 0)
        free(iov[count].iov_base);
}

static bool cuts(const struct big *b)
{
    struct iovec iov[DEV_IOV_MAX];
    struct big_cut cut;
    int count = chop(b, SIZE_MAX, iov);
    bool begun = big_cut_begin(&cut, &b->meta, iov, count, b->ip_only);

    if (!begun)
        ck_assert(!big_cut_next(&cut));
    free_pieces(iov, count);
    return begun;
}

/* The segment of this moment in one piece, its checksum completed. */
static size_t complete(const struct big_cut *cut, uint8_t *out)
{
    struct frame_meta meta = cut->meta;
    struct writer w = writer_of(out, ROOM);

    ck_assert_int_le(cut->iovcnt, DEV_IOV_MAX);
    for (int i = 0; i < cut->iovcnt; i++)
        write_bytes(&w, cut->iov[i].iov_base, cut->iov[i].iov_len);
    size_t len = ROOM - w.left;
    ck_assert_uint_eq(meta.gso_type, FRAME_GSO_NONE);
    ck_assert_uint_eq(meta.gso_size, 0);
    ck_assert_uint_eq(meta.flags, FRAME_NEEDS_CSUM);
    vnet_complete(out, len, &meta);
    return len;
}

/* Reads a whole segment, as a receiver does. `id`: zero for IPv6. */
static void read_segment(struct bytes octets, bool ip_only, struct tcp_segment *seg, uint16_t *id)
{
    struct bytes packet = ip_only ? octets : bytes_skip(octets, ETH_HEADER);
    struct bytes payload;
    struct ip_addr src, dst;

    *id = 0;
    if (packet.at[0] >> 4 == 4) {
        struct ipv4_header h;
        ck_assert_int_eq(ipv4_parse(packet, &h, &payload), DROP_NONE);
        ck_assert_uint_eq(h.tos, 2);
        *id = h.id;
        src = h.src;
        dst = h.dst;
    } else {
        struct ipv6_header h;
        ck_assert_int_eq(ipv6_parse(packet, &h, &payload), DROP_NONE);
        ck_assert_uint_eq(h.flow_label, 0x54321);
        src = h.src;
        dst = h.dst;
    }
    ck_assert_ptr_eq(payload.at + payload.len, octets.at + octets.len); /* nothing behind it */
    ck_assert(tcp_checksum_is_right(src, dst, payload));
    ck_assert_int_eq(tcp_parse(payload, seg), DROP_NONE);
}

/* --- cutting ------------------------------------------------------------------------------ */

static void check_cut(const struct shape *shape, size_t step)
{
    static uint8_t octets[ROOM];
    struct iovec iov[DEV_IOV_MAX];
    struct big_cut cut;
    size_t at = 0;
    uint32_t count = 0;

    make_big(&big, shape);
    int pieces = chop(&big, step, iov);
    ck_assert(big_cut_begin(&cut, &big.meta, iov, pieces, big.ip_only));
    while (big_cut_next(&cut)) {
        struct tcp_segment seg;
        uint16_t id;
        size_t len = complete(&cut, octets);

        read_segment(bytes_of(octets, len), big.ip_only, &seg, &id);
        if (big.ip_at)
            ck_assert_mem_eq(octets, big.octets, ETH_HEADER);
        ck_assert_uint_eq(seg.seq.value, (uint32_t)(SEQ + at));
        ck_assert_uint_eq(id, shape->v6 ? 0 : (uint16_t)(ID + count));
        ck_assert_uint_eq(seg.ack.value, 77);
        ck_assert_uint_eq(seg.window, 500);
        ck_assert_int_eq(seg.options.has_timestamps, shape->timestamps);
        ck_assert_uint_eq(seg.text.len, size_min(shape->gso_size, shape->text_len - at));
        bool last = at + seg.text.len == shape->text_len;
        ck_assert_uint_eq(seg.flags, last ? shape->flags : shape->flags & ~(unsigned)TCP_PSH);
        for (size_t i = 0; i < seg.text.len; i++)
            ck_assert_uint_eq(seg.text.at[i], text_at(at + i));
        at += seg.text.len;
        count++;
    }
    ck_assert(!big_cut_next(&cut));
    ck_assert_uint_eq(at, shape->text_len);
    ck_assert_uint_eq(count, big_segments(&big.meta, shape->text_len));
    free_pieces(iov, pieces);
}

START_TEST(the_segments_carry_all_text_in_order)
{
    check_cut(&shapes[_i], SIZE_MAX);
}
END_TEST

START_TEST(headers_and_text_may_lie_in_any_pieces)
{
    static const size_t steps[] = {1, 3, 13, 14, 20, 33, 54, 66, 500, 1448, 3000};

    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        check_cut(&shapes[_i], steps[i]);
}
END_TEST

START_TEST(empty_pieces_are_passed_over)
{
    struct iovec iov[DEV_IOV_MAX];
    struct big_cut cut;
    size_t text_len = 0;

    make_big(&big, &shapes[0]);
    for (int i = 0; i < 6; i++)
        iov[i] = (struct iovec){NULL, 0};
    iov[1] = (struct iovec){big.octets, big.text_at};
    iov[3] = (struct iovec){big.octets + big.text_at, 1448};
    iov[5] = (struct iovec){big.octets + big.text_at + 1448, 2896};
    ck_assert(big_cut_begin(&cut, &big.meta, iov, 6, false));
    while (big_cut_next(&cut)) {
        ck_assert_int_eq(cut.iovcnt, 2);
        ck_assert_ptr_eq(cut.iov[1].iov_base, big.octets + big.text_at + text_len); /* no copy */
        text_len += cut.iov[1].iov_len;
    }
    ck_assert_uint_eq(text_len, 4344);
}
END_TEST

START_TEST(fin_and_psh_are_the_last_ones_and_cwr_the_first_ones)
{
    static const uint8_t all = TCP_ACK | TCP_ECE | TCP_CWR | TCP_PSH | TCP_FIN;
    static const uint8_t wanted[3] = {TCP_ACK | TCP_ECE | TCP_CWR, TCP_ACK | TCP_ECE,
                                      TCP_ACK | TCP_ECE | TCP_PSH | TCP_FIN};
    struct shape shape = {.flags = all, .text_len = 300, .gso_size = 100};
    struct iovec iov = {big.octets, 0};
    struct big_cut cut;

    make_big(&big, &shape);
    iov.iov_len = big.len;
    ck_assert(big_cut_begin(&cut, &big.meta, &iov, 1, true));
    for (int i = 0; i < 3; i++) {
        ck_assert(big_cut_next(&cut));
        ck_assert_uint_eq(cut.own[big.tcp_at + 13], wanted[i]);
    }
    ck_assert(!big_cut_next(&cut));

    shape.gso_size = 300; /* the first is the last */
    make_big(&big, &shape);
    ck_assert(big_cut_begin(&cut, &big.meta, &iov, 1, true));
    ck_assert(big_cut_next(&cut));
    ck_assert_uint_eq(cut.own[big.tcp_at + 13], all);
}
END_TEST

START_TEST(a_checksum_that_is_settled_is_open_again_in_the_segments)
{
    static uint8_t octets[ROOM];
    struct iovec iov = {big.octets, 0};
    struct tcp_segment seg;
    struct big_cut cut;
    uint16_t id;

    for (int verified = 0; verified < 2; verified++) {
        make_big(&big, &shapes[0]);
        iov.iov_len = big.len;
        vnet_complete(big.octets, big.len, &big.meta);
        big.meta.flags = verified ? FRAME_CSUM_VALID : 0;
        if (verified)
            put_be16(big.octets + big.tcp_at + TCP_CSUM_OFFSET, 0); /* nobody looks */
        ck_assert(big_cut_begin(&cut, &big.meta, &iov, 1, false));
        while (big_cut_next(&cut))
            read_segment(bytes_of(octets, complete(&cut, octets)), false, &seg, &id);
    }
}
END_TEST

START_TEST(a_sum_over_pieces_is_held_against_the_text)
{
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
        struct iovec iov[DEV_IOV_MAX];
        struct big_cut cut;
        make_big(&big, &shapes[i]);
        struct frame_meta partial = big.meta;
        vnet_complete(big.octets, big.len - shapes[i].padding, &partial);
        big.meta.flags = 0;
        for (int wrong = 0; wrong < 2; wrong++) {
            int pieces = chop(&big, 77, iov);
            ck_assert(big_cut_begin(&cut, &big.meta, iov, pieces, big.ip_only) == !wrong);
            free_pieces(iov, pieces);
            big.octets[big.len - shapes[i].padding - 1] ^= 4;
        }
    }
}
END_TEST

/* --- what is not cut ---------------------------------------------------------------------- */

/* One change to a frame, after which IPv4's checksum and the open one are made right again. */
struct change {
    const char *what;
    int which;    /* of the frames, where there are several */
    int at;       /* from the TCP header; IP(n): from the IP header */
    uint8_t bits; /* that change */
};

#define IP(n) (-1 - (n))

static size_t place_of(const struct big *b, const struct change *change)
{
    return change->at < 0 ? b->ip_at + (size_t)(-1 - change->at) : b->tcp_at + (size_t)change->at;
}

static void fix_ip_sum(struct big *b)
{
    uint8_t *ip = b->octets + b->ip_at;

    put_be16(ip + 10, 0);
    put_be16(ip + 10, checksum_of(bytes_of(ip, IPV4_HEADER_MIN)));
}

static void set_length(struct big *b, size_t len)
{
    bool v6 = b->meta.gso_type == FRAME_GSO_TCPV6;

    put_be16(b->octets + b->ip_at + (v6 ? 4 : 2), (uint16_t)len);
    if (!v6)
        fix_ip_sum(b);
    open_sum(b, v6);
}

/* clang-format off */
static const struct change changes4[] = {
    {"another version", 0, IP(0), 0x10},
    {"the first fragment", 0, IP(6), 0x20},
    {"a later fragment", 0, IP(7), 1},
    {"UDP", 0, IP(9), IP_PROTOCOL_TCP ^ IP_PROTOCOL_UDP},
    {"SYN", 0, 13, TCP_SYN},
    {"RST", 0, 13, TCP_RST},
    {"URG", 0, 13, TCP_URG},
    {"a header without its end", 0, 12, 0x50 ^ 0x40},
};
static const struct change changes6[] = {
    {"another version", 0, IP(0), 0x30},
    {"a hop-by-hop header", 0, IP(6), IP_PROTOCOL_TCP},
    {"a fragment header", 0, IP(6), IP_PROTOCOL_TCP ^ 44},
    {"UDP", 0, IP(6), IP_PROTOCOL_TCP ^ IP_PROTOCOL_UDP},
    {"SYN", 0, 13, TCP_SYN},
};
/* clang-format on */

static void no_type(struct big *b)
{
    b->meta.gso_type = FRAME_GSO_NONE;
}

static void no_size(struct big *b)
{
    b->meta.gso_size = 0;
}

static void bad_meta(struct big *b)
{
    b->meta.bad = 1;
}

static void other_family(struct big *b)
{
    b->meta.gso_type ^= FRAME_GSO_TCPV4 ^ FRAME_GSO_TCPV6;
}

static void udp_type(struct big *b)
{
    b->meta.gso_type = 3;
}

static void start_elsewhere(struct big *b)
{
    b->meta.csum_start--;
}

static void field_elsewhere(struct big *b)
{
    b->meta.csum_offset = 6;
}

static void wrong_pseudo_sum(struct big *b)
{
    b->octets[b->tcp_at + TCP_CSUM_OFFSET] ^= 1;
}

static void neither_open_nor_right(struct big *b)
{
    b->meta.flags = 0;
}

static void wrong_ip_sum(struct big *b)
{
    b->octets[b->ip_at + 10] ^= 1; /* of IPv6, the source */
}

static void too_long(struct big *b)
{
    set_length(b, b->len - (b->meta.gso_type == FRAME_GSO_TCPV6 ? b->tcp_at : b->ip_at) + 1);
}

static void too_short(struct big *b)
{
    set_length(b, b->text_at - (b->meta.gso_type == FRAME_GSO_TCPV6 ? b->tcp_at : b->ip_at) - 1);
}

static void no_length(struct big *b)
{
    set_length(b, b->meta.gso_type == FRAME_GSO_TCPV6 ? 0 : 20);
}

static void other_link(struct big *b)
{
    b->ip_only = !b->ip_only;
}

static void (*const spoils[])(struct big *) = {
    no_type,         no_size,          bad_meta,
    other_family,    udp_type,         start_elsewhere,
    field_elsewhere, wrong_pseudo_sum, neither_open_nor_right,
    wrong_ip_sum,    too_long,         too_short,
    no_length,       other_link,
};

static void check_refusals(const struct shape *shape, const struct change *changes, size_t many)
{
    for (size_t i = 0; i < ARRAY_LEN(spoils); i++) {
        make_big(&big, shape);
        ck_assert(cuts(&big));
        spoils[i](&big);
        ck_assert_msg(!cuts(&big), "%d: %zu was cut", shape->v6, i);
    }
    for (size_t i = 0; i < many; i++) {
        make_big(&big, shape);
        big.octets[place_of(&big, &changes[i])] ^= changes[i].bits;
        if (!shape->v6)
            fix_ip_sum(&big);
        ck_assert_msg(!cuts(&big), "%d: %s was cut", shape->v6, changes[i].what);
    }
}

START_TEST(what_is_not_the_tcp_frame_that_it_says_is_refused)
{
    static const struct shape v4 = {
        .ethernet = true, .flags = TCP_ACK, .text_len = 4000, .gso_size = 1000};
    static const struct shape v6 = {
        .v6 = true, .flags = TCP_ACK, .text_len = 4000, .gso_size = 1000};

    check_refusals(&v4, changes4, ARRAY_LEN(changes4));
    check_refusals(&v6, changes6, ARRAY_LEN(changes6));
    for (size_t i = 0; i < 2; i++) { /* a tag; another family's type */
        make_big(&big, &v4);
        put_be16(big.octets + 12, i ? ETH_TYPE_IPV6 : ETH_TYPE_VLAN);
        ck_assert(!cuts(&big));
    }
    PROVES("T11");
}
END_TEST

START_TEST(ip_options_are_not_copied_about)
{
    make_big(&big, &shapes[1]);
    memmove(big.octets + 24, big.octets + 20, big.len - 20);
    memset(big.octets + 20, 0, 4); /* the end of the list */
    big.octets[0] = 0x46;
    big.len += 4;
    big.meta.csum_start += 4;
    put_be16(big.octets + 2, (uint16_t)big.len);
    put_be16(big.octets + 10, 0);
    put_be16(big.octets + 10, checksum_of(bytes_of(big.octets, 24)));
    ck_assert(!cuts(&big));
    /* Also where the octets at the usual place look like a TCP header. */
    put_be16(big.octets + 20 + 12, 0x5010);
    big.meta.flags = FRAME_CSUM_VALID;
    ck_assert(!cuts(&big));
}
END_TEST

/* Sums tell the families apart by the address, so these would mix them up. */
START_TEST(an_ipv4_address_in_an_ipv6_header_is_refused)
{
    for (size_t at = 8; at <= 24; at += 16) {
        make_big(&big, &shapes[3]);
        memcpy(big.octets + at, ip_from_v4(1).octet, 16);
        ck_assert(!cuts(&big));
        big.meta.flags = 0;
        ck_assert(!cuts(&big));
        big.meta.flags = FRAME_CSUM_VALID;
        ck_assert(!cuts(&big));
    }
}
END_TEST

START_TEST(a_tcp_header_that_is_longer_than_its_packet_is_refused)
{
    for (size_t i = 0; i < 4; i++) {
        make_big(&big, &(struct shape){.flags = TCP_ACK, .text_len = 30, .gso_size = 9});
        big.len -= i;
        set_length(&big, big.len);
        ck_assert(cuts(&big));
        big.octets[big.tcp_at + 12] = 0xf0;
        ck_assert(!cuts(&big));
    }
}
END_TEST

START_TEST(a_frame_that_ends_too_early_is_refused)
{
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
        make_big(&big, &shapes[i]);
        size_t whole = big.len - shapes[i].padding;
        for (big.len = 0; big.len < size_min(whole, 200); big.len++)
            ck_assert(!cuts(&big));
        big.len = whole - 1;
        ck_assert(!cuts(&big));
    }
}
END_TEST

START_TEST(a_segment_has_no_more_pieces_than_a_device_takes)
{
    struct iovec iov[DEV_IOV_MAX];
    struct big_cut cut;

    /* All text in one segment. With its header apart it fits; with the header's piece shared there
     * is one more. */
    for (size_t shared = 0; shared < 2; shared++) {
        make_big(&big, &(struct shape){.flags = TCP_ACK, .text_len = 64, .gso_size = 64});
        size_t at = big.text_at + shared;
        iov[0] = (struct iovec){big.octets, at};
        for (int i = 1; i < DEV_IOV_MAX; i++, at++)
            iov[i] = (struct iovec){big.octets + at, 1};
        iov[DEV_IOV_MAX - 1].iov_len = big.len - at + 1;
        ck_assert(big_cut_begin(&cut, &big.meta, iov, DEV_IOV_MAX, true) == !shared);
        ck_assert(big_cut_next(&cut) == !shared);
        if (!shared)
            ck_assert_int_eq(cut.iovcnt, DEV_IOV_MAX);
    }
}
END_TEST

/* --- joining ------------------------------------------------------------------------------ */

static struct frame *frame_with(size_t room, const uint8_t *octets, size_t len,
                                const struct frame_meta *meta)
{
    struct frame *frame = frame_get(&pool, room);

    ck_assert(frame && len <= room);
    memcpy(frame->data, octets, len);
    frame->len = (uint32_t)len;
    frame->meta = *meta;
    return frame;
}

/* The segments of `big`, each in a frame, the first with room for all. `settled`: their checksums
 * are completed. */
static uint32_t cut_into(struct frame **out, bool settled)
{
    static uint8_t octets[ROOM];
    const struct iovec iov = {big.octets, big.len};
    struct big_cut cut;
    uint32_t count = 0;

    ck_assert(big_cut_begin(&cut, &big.meta, &iov, 1, big.ip_only));
    while (big_cut_next(&cut)) {
        struct writer w = writer_of(octets, ROOM);
        struct frame_meta meta = cut.meta;
        for (int i = 0; i < cut.iovcnt; i++)
            write_bytes(&w, cut.iov[i].iov_base, cut.iov[i].iov_len);
        if (settled)
            vnet_complete(octets, ROOM - w.left, &meta);
        ck_assert_uint_lt(count, SEGMENTS_MAX);
        size_t room = count == 0 ? FRAME_ROOM_MAX : ROOM - w.left;
        out[count++] = frame_with(room, octets, ROOM - w.left, &meta);
    }
    return count;
}

START_TEST(what_was_cut_is_joined_to_the_same_frame)
{
    struct frame *frame[SEGMENTS_MAX];

    for (int settled = 0; settled < 2; settled++) {
        make_big(&big, &shapes[_i]);
        uint32_t count = cut_into(frame, settled);
        for (uint32_t i = 1; i < count; i++) {
            ck_assert(big_join(frame[0], frame[i], big.ip_only));
            ck_assert_uint_eq(frame[0]->meta.flags, FRAME_CSUM_VALID);
            frame_put(frame[i]);
        }
        if (count > 1) {
            ck_assert_uint_eq(frame[0]->meta.gso_type, big.meta.gso_type);
            ck_assert_uint_eq(frame[0]->meta.gso_size, big.meta.gso_size);
        }
        if (count > 1 || !settled) {
            ck_assert_uint_eq(frame[0]->len, big.len - shapes[_i].padding);
            ck_assert_mem_eq(frame[0]->data, big.octets, frame[0]->len);
        }
        frame_put(frame[0]);
        ck_assert_uint_eq(pool.out, 0);
    }
}
END_TEST

START_TEST(padding_behind_a_packet_does_not_get_into_the_text)
{
    struct frame *frame[SEGMENTS_MAX];

    make_big(&big,
             &(struct shape){.ethernet = true, .flags = TCP_ACK, .text_len = 5, .gso_size = 2});
    uint32_t count = cut_into(frame, true);
    ck_assert_uint_eq(count, 3);
    struct frame *short_one = frame[1];
    frame[1] = frame_with(100, short_one->data, short_one->len, &short_one->meta);
    for (int i = 0; i < 2; i++) {
        memset(frame[i]->data + frame[i]->len, 0xee, 60 - frame[i]->len);
        frame[i]->len = 60;
    }
    ck_assert(big_join(frame[0], frame[1], false));
    ck_assert(big_join(frame[0], frame[2], false));
    ck_assert_uint_eq(frame[0]->len, big.len);
    ck_assert_mem_eq(frame[0]->data, big.octets, big.len);
    frame_put(short_one);
    for (int i = 0; i < 3; i++)
        frame_put(frame[i]);
}
END_TEST

/* Each of these, and two frames belong together no more. */
/* clang-format off */
static const struct change unfit4[] = {
    {"another source", 1, IP(15), 1},
    {"another destination", 1, IP(19), 1},
    {"another TTL", 1, IP(8), 1},
    {"another TOS", 1, IP(1), 1},
    {"may be fragmented", 1, IP(6), 0x40},
    {"another source port", 1, 1, 1},
    {"another port", 1, 3, 1},
    {"an octet is missing", 1, 7, 1},
    {"another ACK", 1, 11, 1},
    {"a reserved bit", 1, 12, 1},
    {"FIN", 1, 13, TCP_FIN},
    {"SYN", 1, 13, TCP_SYN},
    {"RST", 1, 13, TCP_RST},
    {"URG", 1, 13, TCP_URG},
    {"ECE", 1, 13, TCP_ECE},
    {"CWR", 1, 13, TCP_CWR},
    {"no ACK", 1, 13, TCP_ACK},
    {"PSH in front", 0, 13, TCP_PSH},
    {"FIN in front", 0, 13, TCP_FIN},
    {"CWR in front", 0, 13, TCP_CWR},
    {"another window", 1, 15, 1},
    {"an urgent pointer", 1, 19, 1},
    {"another timestamp", 1, 27, 1},
};
static const struct change unfit6[] = {
    {"another flow label", 1, IP(3), 1},
    {"another traffic class", 1, IP(1), 0x10},
    {"another hop limit", 1, IP(7), 1},
    {"another source", 1, IP(23), 1},
    {"another destination", 1, IP(39), 1},
    {"another port", 1, 1, 1},
};
/* clang-format on */

/* All checksums of a frame that has been changed. */
static void settle(struct frame *frame)
{
    uint8_t *ip = frame->data + big.ip_at;
    bool v4 = ip[0] >> 4 == 4;
    struct checksum c = {0};
    struct bytes segment = bytes_skip(frame_bytes(frame), big.tcp_at);
    struct ip_addr src, dst;

    if (v4) {
        struct reader r = reader_of(bytes_of(ip + 12, 8));
        put_be16(ip + 10, 0);
        put_be16(ip + 10, checksum_of(bytes_of(ip, 20)));
        src = ip_from_v4(read_be32(&r));
        dst = ip_from_v4(read_be32(&r));
    } else {
        memcpy(src.octet, ip + 8, 16);
        memcpy(dst.octet, ip + 24, 16);
    }
    put_be16(frame->data + big.tcp_at + TCP_CSUM_OFFSET, 0);
    checksum_add_pseudo(&c, src, dst, IP_PROTOCOL_TCP, (uint32_t)segment.len);
    checksum_add(&c, segment);
    put_be16(frame->data + big.tcp_at + TCP_CSUM_OFFSET, checksum_finish(c));
    frame->meta = (struct frame_meta){0};
}

/* Neither is changed by it. */
static bool joins(struct frame **frame)
{
    static uint8_t before[FRAME_ROOM_MAX];
    struct frame_meta meta = frame[0]->meta;
    uint32_t len = frame[0]->len;

    memcpy(before, frame[0]->data, len);
    if (big_join(frame[0], frame[1], big.ip_only))
        return true;
    ck_assert_uint_eq(frame[0]->len, len);
    ck_assert_mem_eq(frame[0]->data, before, len);
    ck_assert_mem_eq(&frame[0]->meta, &meta, sizeof meta);
    return false;
}

static void free_frames(struct frame **frame, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        frame_put(frame[i]);
    ck_assert_uint_eq(pool.out, 0);
}

static void check_unfit(const struct shape *shape, const struct change *unfit, size_t many)
{
    struct frame *frame[SEGMENTS_MAX];

    for (size_t i = 0; i < many; i++) {
        for (int change = 0; change < 2; change++) {
            make_big(&big, shape);
            uint32_t count = cut_into(frame, true);
            if (change)
                frame[unfit[i].which]->data[place_of(&big, &unfit[i])] ^= unfit[i].bits;
            settle(frame[0]);
            settle(frame[1]);
            ck_assert_msg(joins(frame) == !change, "%s: %d", unfit[i].what, change);
            free_frames(frame, count);
        }
    }
}

START_TEST(what_says_something_else_is_not_joined)
{
    static const struct shape v4 = {
        .ethernet = true, .timestamps = true, .flags = TCP_ACK, .text_len = 300, .gso_size = 100};
    static const struct shape v6 = {.v6 = true, .flags = TCP_ACK, .text_len = 300, .gso_size = 100};

    check_unfit(&v4, unfit4, ARRAY_LEN(unfit4));
    check_unfit(&v6, unfit6, ARRAY_LEN(unfit6));
}
END_TEST

START_TEST(the_id_counts_where_a_packet_may_be_fragmented)
{
    struct frame *frame[SEGMENTS_MAX];

    for (int may_fragment = 0; may_fragment < 2; may_fragment++) {
        make_big(&big, &(struct shape){.flags = TCP_ACK,
                                       .text_len = 300,
                                       .gso_size = 100,
                                       .may_fragment = may_fragment});
        uint32_t count = cut_into(frame, true);
        put_be16(frame[1]->data + 4, 5);
        settle(frame[1]);
        ck_assert(joins(frame) == !may_fragment);
        free_frames(frame, count);

        count = cut_into(frame, true); /* the third's is counted from the first's */
        ck_assert(joins(frame));
        put_be16(frame[2]->data + 4, (uint16_t)(ID + 1));
        settle(frame[2]);
        ck_assert(big_join(frame[0], frame[2], big.ip_only) == !may_fragment);
        free_frames(frame, count);
    }
}
END_TEST

START_TEST(a_checksum_that_is_wrong_is_seen_before_it_is_gone)
{
    struct frame *frame[SEGMENTS_MAX];

    for (int which = 0; which < 2; which++) {
        for (int settled = 0; settled < 2; settled++) {
            make_big(&big, &shapes[0]);
            uint32_t count = cut_into(frame, settled);
            frame[which]->data[big.tcp_at + TCP_CSUM_OFFSET] ^= 1;
            ck_assert(!joins(frame));
            frame[which]->meta = (struct frame_meta){.flags = FRAME_CSUM_VALID};
            ck_assert(joins(frame)); /* nobody has to see it */
            free_frames(frame, count);
        }
        make_big(&big, &shapes[0]);
        uint32_t count = cut_into(frame, false);
        frame[which]->meta.csum_start++;
        ck_assert(!joins(frame));
        frame[which]->meta.csum_start--;
        frame[which]->data[big.ip_at + 10] ^= 1; /* IPv4's own */
        ck_assert(!joins(frame));
        free_frames(frame, count);
    }
}
END_TEST

START_TEST(every_segment_but_the_last_has_the_first_ones_size)
{
    struct frame *frame[SEGMENTS_MAX];

    make_big(&big, &(struct shape){.flags = TCP_ACK | TCP_PSH, .text_len = 250, .gso_size = 100});
    uint32_t count = cut_into(frame, true);
    ck_assert(!big_join(frame[0], frame[2], true)); /* text between them is missing */
    ck_assert(!big_join(frame[1], frame[0], true)); /* the wrong way round */
    ck_assert(big_join(frame[0], frame[1], true));
    ck_assert(!big_join(frame[0], frame[1], true)); /* once more */
    ck_assert(big_join(frame[0], frame[2], true));
    ck_assert_uint_eq(frame[0]->data[big.tcp_at + 13], TCP_ACK | TCP_PSH);
    free_frames(frame, count);

    /* A short one is the last, with a flag or without: the text that follows is not joined. */
    make_big(&big, &(struct shape){.flags = TCP_ACK, .text_len = 250, .gso_size = 100});
    count = cut_into(frame, true);
    ck_assert(big_join(frame[0], frame[1], true));
    ck_assert(big_join(frame[0], frame[2], true));
    put_be16(frame[1]->data + big.tcp_at + 6, (uint16_t)(SEQ + 250));
    settle(frame[1]);
    ck_assert(!joins(frame));
    free_frames(frame, count);

    /* Nor is a longer one behind a shorter one. */
    make_big(&big, &(struct shape){.flags = TCP_ACK, .text_len = 200, .gso_size = 100});
    count = cut_into(frame, true);
    frame[0]->len -= 1;
    put_be16(frame[0]->data + 2, (uint16_t)frame[0]->len);
    put_be16(frame[1]->data + big.tcp_at + 6, (uint16_t)(SEQ + 99));
    settle(frame[0]);
    settle(frame[1]);
    ck_assert(!joins(frame));
    free_frames(frame, count);
}
END_TEST

START_TEST(what_has_no_text_or_is_no_good_frame_is_not_joined)
{
    struct frame *frame[SEGMENTS_MAX];

    for (int which = 0; which < 2; which++) {
        make_big(&big, &(struct shape){.flags = TCP_ACK, .text_len = 200, .gso_size = 100});
        uint32_t count = cut_into(frame, true);
        frame[which]->meta.bad = 1;
        ck_assert(!joins(frame));
        frame[which]->meta.bad = 0;
        frame[which]->truncated = true;
        ck_assert(!joins(frame));
        frame[which]->truncated = false;
        frame[which]->meta.gso_type = FRAME_GSO_TCPV6;
        frame[which]->meta.gso_size = 100;
        ck_assert(!joins(frame));
        frame[which]->meta.gso_type = FRAME_GSO_TCPV4;
        frame[which]->meta.gso_size = 0;
        ck_assert(!joins(frame));
        frame[which]->meta.gso_type = FRAME_GSO_NONE;

        frame[which]->len -= 100; /* an ACK alone; the next one's text would follow right on */
        put_be16(frame[which]->data + 2, (uint16_t)frame[which]->len);
        if (which == 0)
            put_be16(frame[1]->data + big.tcp_at + 6, (uint16_t)SEQ);
        settle(frame[0]);
        settle(frame[1]);
        ck_assert(!joins(frame));
        frame[which]->meta.gso_type = FRAME_GSO_TCPV4;
        frame[which]->meta.gso_size = 100;
        ck_assert(!joins(frame));
        free_frames(frame, count);
    }
}
END_TEST

START_TEST(a_joined_frame_ends_where_its_buffer_or_its_length_field_ends)
{
    struct frame *frame[2];

    /* No room behind the first. */
    make_big(&big, &(struct shape){.flags = TCP_ACK, .text_len = 1400, .gso_size = 1400});
    frame[0] = frame_with(big.len, big.octets, big.len, &big.meta);
    frame[0]->meta.gso_type = FRAME_GSO_NONE;
    put_be16(big.octets + big.tcp_at + 6, (uint16_t)(SEQ + 1400));
    frame[1] = frame_with(big.len, big.octets, big.len, &big.meta);
    frame[1]->meta.gso_type = FRAME_GSO_NONE;
    size_t room = frame_tailroom(frame[0]);
    ck_assert_uint_lt(room, 1400);
    ck_assert(!joins(frame));
    free_frames(frame, 2);

    /* The total length has 16 bits: one octet more than fits, and just as many as do. */
    for (size_t more = 1; more < 3; more++) {
        make_big(&big, &(struct shape){.flags = TCP_ACK, .text_len = 65494, .gso_size = 2});
        ck_assert_uint_eq(big.len, 65534);
        frame[0] = frame_with(FRAME_ROOM_MAX, big.octets, big.len, &big.meta);
        make_big(&big, &(struct shape){.flags = TCP_ACK, .text_len = more, .gso_size = 2});
        put_be16(big.octets + big.tcp_at + 4, (uint16_t)((SEQ + UINT64_C(65494)) >> 16));
        put_be16(big.octets + big.tcp_at + 6, (uint16_t)(SEQ + 65494));
        big.meta.gso_type = FRAME_GSO_NONE;
        frame[1] = frame_with(100, big.octets, big.len, &big.meta);
        ck_assert(joins(frame) == (more == 1));
        free_frames(frame, 2);
    }
}
END_TEST

static void setup(void)
{
    static struct memory memory;

    ck_assert_int_eq(frame_pool_init(&pool, &memory, 64 << 20), 0);
}

static void teardown(void)
{
    ck_assert_uint_eq(pool.out, 0);
    frame_pool_fini(&pool);
}

int main(void)
{
    Suite *s = suite_create("big_frame");
    const int many = ARRAY_LEN(shapes);

    TCase *c = tcase_create("cut");
    tcase_add_loop_test(c, the_segments_carry_all_text_in_order, 0, many);
    tcase_add_loop_test(c, headers_and_text_may_lie_in_any_pieces, 0, many);
    tcase_add_test(c, empty_pieces_are_passed_over);
    tcase_add_test(c, fin_and_psh_are_the_last_ones_and_cwr_the_first_ones);
    tcase_add_test(c, a_checksum_that_is_settled_is_open_again_in_the_segments);
    tcase_add_test(c, a_sum_over_pieces_is_held_against_the_text);
    suite_add_tcase(s, c);

    c = tcase_create("not cut");
    tcase_add_test(c, what_is_not_the_tcp_frame_that_it_says_is_refused);
    tcase_add_test(c, ip_options_are_not_copied_about);
    tcase_add_test(c, an_ipv4_address_in_an_ipv6_header_is_refused);
    tcase_add_test(c, a_tcp_header_that_is_longer_than_its_packet_is_refused);
    tcase_add_test(c, a_frame_that_ends_too_early_is_refused);
    tcase_add_test(c, a_segment_has_no_more_pieces_than_a_device_takes);
    suite_add_tcase(s, c);

    c = tcase_create("join");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_loop_test(c, what_was_cut_is_joined_to_the_same_frame, 0, many);
    tcase_add_test(c, padding_behind_a_packet_does_not_get_into_the_text);
    tcase_add_test(c, what_says_something_else_is_not_joined);
    tcase_add_test(c, the_id_counts_where_a_packet_may_be_fragmented);
    tcase_add_test(c, a_checksum_that_is_wrong_is_seen_before_it_is_gone);
    tcase_add_test(c, every_segment_but_the_last_has_the_first_ones_size);
    tcase_add_test(c, what_has_no_text_or_is_no_good_frame_is_not_joined);
    tcase_add_test(c, a_joined_frame_ends_where_its_buffer_or_its_length_field_ends);
    suite_add_tcase(s, c);

    return run_suite(s, "big_frame");
}
