/* What a bad wire does to packets that it understands, and by its clock: each fault happens to whom
 * it should, as often as it was asked for, and to nobody else. */
#include "base/checksum.h"
#include "base/instant.h"
#include "dev/bad_wire.h"
#include "eth/eth_wire.h"
#include "ip/ipv4_wire.h"
#include "ip/ipv6_wire.h"
#include "support/proves.h"
#include "tcp/tcp_wire.h"

enum { MANY = 20000, ROOM = 2000 };

static struct memory memory;
static struct bad_wire wire;
static struct forgery told;
static uint32_t tellings;

static uint32_t percent(uint32_t n)
{
    return (uint32_t)(((uint64_t)n << 32) / 100);
}

/* A TCP segment of IPv4 or IPv6, behind an Ethernet header or none. */
static size_t make_packet(uint8_t *out, bool ipv6, bool ethernet, uint8_t flags, size_t text_len)
{
    struct ip_addr src = ip_from_v4(0x0a000001), dst = ip_from_v4(0x0a000002);
    struct tcp_segment seg = {
        .src_port = 1000, .dst_port = 80, .seq = {UINT32_MAX - 10}, .flags = flags};
    struct writer w = writer_of(out, ROOM);
    uint8_t text[ROOM];

    for (size_t i = 0; i < text_len; i++)
        text[i] = (uint8_t)(i * 7 + 1);
    if (ethernet)
        write_zeros(&w, 14);
    if (ipv6) {
        src = (struct ip_addr){{0xfd, [15] = 1}};
        dst = (struct ip_addr){{0xfd, [15] = 2}};
        ipv6_emit(&w,
                  &(struct ipv6_header){
                      .src = src, .dst = dst, .next_header = IP_PROTOCOL_TCP, .hop_limit = 9},
                  20 + text_len);
    } else {
        ipv4_emit(
            &w,
            &(struct ipv4_header){.src = src, .dst = dst, .protocol = IP_PROTOCOL_TCP, .ttl = 9},
            20 + text_len);
    }
    uint8_t *segment = w.at;
    tcp_emit(&w, &seg);
    write_bytes(&w, text, text_len);
    struct checksum c = {0};
    checksum_add_pseudo(&c, src, dst, IP_PROTOCOL_TCP, (uint32_t)(20 + text_len));
    checksum_add(&c, bytes_of(segment, 20 + text_len));
    put_be16(segment + TCP_CSUM_OFFSET, checksum_finish(c));
    return ROOM - w.left;
}

static void put(const uint8_t *octets, size_t len, instant now)
{
    const struct iovec iov[2] = {{(void *)(uintptr_t)octets, 10},
                                 {(void *)(uintptr_t)(octets + 10), len - 10}};
    const struct frame_meta meta = {0};

    bad_wire_arrive(&wire, &(struct arrival){.iov = iov, .iovcnt = 2, .len = len, .meta = &meta},
                    now);
}

static void drain(void)
{
    struct held *held;

    while ((held = bad_wire_due(&wire, INSTANT_NEVER)))
        bad_wire_drop(&wire, held);
}

static void open_wire(struct impair_config config, bool ip_only)
{
    bad_wire_init(&wire, &memory, &config, ip_only, 7);
}

/* How many of MANY are lost. */
static uint64_t lost_of(const uint8_t *octets, size_t len)
{
    uint64_t before = wire.counters.lost;

    for (int i = 0; i < MANY; i++) {
        put(octets, len, (instant){0});
        drain();
    }
    return wire.counters.lost - before;
}

START_TEST(ack_loss_takes_its_share_of_acks_and_nothing_else)
{
    uint8_t octets[ROOM];

    for (int i = 0; i < 4; i++) {
        bool ipv6 = i & 1, ethernet = i & 2;
        open_wire((struct impair_config){.ack_loss = percent(25)}, !ethernet);
        uint64_t lost = lost_of(octets, make_packet(octets, ipv6, ethernet, TCP_ACK | TCP_PSH, 0));
        ck_assert_uint_ge(lost, MANY * 24 / 100);
        ck_assert_uint_le(lost, MANY * 26 / 100);
        ck_assert_uint_eq(lost_of(octets, make_packet(octets, ipv6, ethernet, TCP_ACK, 1)), 0);
        static const uint8_t other[] = {TCP_SYN | TCP_ACK, TCP_FIN | TCP_ACK, TCP_RST | TCP_ACK, 0};
        for (size_t k = 0; k < ARRAY_LEN(other); k++)
            ck_assert_uint_eq(lost_of(octets, make_packet(octets, ipv6, ethernet, other[k], 0)), 0);
        bad_wire_fini(&wire);
    }
}
END_TEST

START_TEST(in_a_burst_some_may_pass)
{
    uint8_t octets[ROOM];
    size_t len = make_packet(octets, false, false, TCP_ACK, 100);

    /* 10 % lost, of the 20 % that fall into bursts of ten. */
    open_wire((struct impair_config){.loss = percent(10), .burst = 10, .burst_loss = percent(50)},
              true);
    uint64_t lost = 0;
    for (int i = 0; i < 10; i++)
        lost += lost_of(octets, len);
    ck_assert_uint_ge(lost, 10 * MANY * 9 / 100);
    ck_assert_uint_le(lost, 10 * MANY * 11 / 100);
    bad_wire_fini(&wire);
}
END_TEST

START_TEST(an_outage_is_the_end_of_each_period)
{
    uint8_t octets[ROOM];
    size_t len = make_packet(octets, false, false, TCP_ACK, 100);

    open_wire((struct impair_config){.outage_ns = 2 * NS_PER_S, .every_ns = 10 * NS_PER_S}, true);
    for (int64_t ms = 0; ms < 40000; ms += 500) {
        uint64_t before = wire.counters.lost;
        put(octets, len, (instant){ms * NS_PER_MS});
        ck_assert_int_eq(wire.counters.lost > before, ms % 10000 >= 8000);
    }
    bad_wire_fini(&wire);
    open_wire((struct impair_config){.outage_ns = NS_PER_S}, true); /* every 10 s */
    put(octets, len, (instant){8999 * NS_PER_MS});
    ck_assert_uint_eq(wire.counters.lost, 0);
    put(octets, len, (instant){9000 * NS_PER_MS});
    ck_assert_uint_eq(wire.counters.lost, 1);
    bad_wire_fini(&wire);
}
END_TEST

START_TEST(what_is_longer_than_the_mtu_vanishes)
{
    uint8_t octets[ROOM];

    for (int ethernet = 0; ethernet < 2; ethernet++) {
        open_wire((struct impair_config){.mtu = 1000}, !ethernet);
        put(octets, make_packet(octets, false, ethernet, TCP_ACK, 960), (instant){0});
        ck_assert_uint_eq(wire.counters.lost, 0);
        put(octets, make_packet(octets, false, ethernet, TCP_ACK, 961), (instant){0});
        ck_assert_uint_eq(wire.counters.lost, 1);
        bad_wire_fini(&wire);
    }
}
END_TEST

static void tell(struct forgery_sink *sink, const struct forgery *forgery)
{
    (void)sink;
    told = *forgery;
    tellings++;
}

START_TEST(no_checksum_sees_a_forgery_and_its_places_are_told)
{
    static struct forgery_sink sink = {tell};
    uint8_t octets[ROOM];

    for (int i = 0; i < 4000; i++) {
        bool ipv6 = i & 1, ethernet = i & 2;
        size_t text = 4 + (size_t)i % 200, len = make_packet(octets, ipv6, ethernet, TCP_ACK, text);
        size_t start = len - text;
        open_wire((struct impair_config){.forge = UINT32_MAX}, !ethernet);
        prng_seed(&wire.prng, (uint64_t)i);
        wire.forgeries = &sink;
        tellings = 0;
        put(octets, len, (instant){0});
        struct held *held = bad_wire_due(&wire, (instant){0});
        ck_assert_uint_eq(wire.counters.forged, tellings);
        size_t changed = 0;
        for (size_t k = 0; k < len; k++) {
            if (held->octets[k] == octets[k])
                continue;
            uint32_t seq = UINT32_MAX - 10 + (uint32_t)(k - start); /* round the circle */
            ck_assert_uint_ge(k, start);
            ck_assert(seq - told.seq[0] < 2 || seq - told.seq[1] < 2);
            changed++;
        }
        ck_assert_int_eq(changed > 0, tellings == 1);
        ck_assert_uint_le(changed, 4);
        if (tellings) {
            ck_assert_uint_eq(told.src.port, 1000);
            ck_assert_uint_eq(told.dst.port, 80);
        }
        size_t header = ipv6 ? IPV6_HEADER : IPV4_HEADER_MIN;
        ck_assert(tcp_checksum_is_right(
            ipv6 ? (struct ip_addr){{0xfd, [15] = 1}} : ip_from_v4(0x0a000001),
            ipv6 ? (struct ip_addr){{0xfd, [15] = 2}} : ip_from_v4(0x0a000002),
            bytes_of(held->octets + (ethernet ? 14 : 0) + header, 20 + text)));
        bad_wire_fini(&wire);
    }
}
END_TEST

START_TEST(what_has_no_text_is_not_forged)
{
    uint8_t octets[ROOM];

    open_wire((struct impair_config){.forge = UINT32_MAX}, true);
    put(octets, make_packet(octets, false, false, TCP_ACK, 3), (instant){0});
    put(octets, make_packet(octets, false, false, TCP_SYN, 0), (instant){0});
    octets[9] = IP_PROTOCOL_UDP;
    put(octets, 100, (instant){0});
    ck_assert_uint_eq(wire.counters.forged, 0);
    bad_wire_fini(&wire);
}
END_TEST

/* --- big frames --------------------------------------------------------------------------- */

enum { BIG_TEXT = 40500, GSO = 1000, SEGMENTS = 41, HEADERS = 14 + 20 + 20 };

static uint8_t big[HEADERS + BIG_TEXT];

/* A big frame of BIG_TEXT octets, as a stack hands it over; each octet of the text says where it
 * is. */
static struct frame_meta make_big(void)
{
    struct ip_addr src = ip_from_v4(0x0a000001), dst = ip_from_v4(0x0a000002);
    struct checksum c = {0};
    struct writer w = writer_of(big, sizeof big);

    eth_emit(&w, &(struct eth_header){.type = ETH_TYPE_IPV4});
    ipv4_emit(&w,
              &(struct ipv4_header){
                  .src = src, .dst = dst, .protocol = IP_PROTOCOL_TCP, .ttl = 9, .id = 7},
              20 + BIG_TEXT);
    tcp_emit(&w, &(struct tcp_segment){.src_port = 1000, .dst_port = 80, .flags = TCP_ACK});
    for (size_t i = 0; i < BIG_TEXT; i++)
        write_u8(&w, (uint8_t)(i % 251));
    checksum_add_pseudo(&c, src, dst, IP_PROTOCOL_TCP, 20 + BIG_TEXT);
    put_be16(big + 34 + TCP_CSUM_OFFSET, checksum_fold(c));
    ck_assert(w.left == 0 && !w.overrun);
    return (struct frame_meta){.flags = FRAME_NEEDS_CSUM,
                               .gso_type = FRAME_GSO_TCPV4,
                               .gso_size = GSO,
                               .csum_start = 34,
                               .csum_offset = TCP_CSUM_OFFSET};
}

static void put_big(const struct frame_meta *meta, instant now)
{
    const struct iovec iov[3] = {
        {big, HEADERS}, {big + HEADERS, 1500}, {big + HEADERS + 1500, BIG_TEXT - 1500}};

    bad_wire_arrive(
        &wire, &(struct arrival){.iov = iov, .iovcnt = 3, .len = sizeof big, .meta = meta}, now);
}

/* Where the text of a segment that is under way begins. */
static uint32_t check_segment(const struct held *held)
{
    struct ipv4_header h;
    struct tcp_segment seg;
    struct bytes payload;

    ck_assert_uint_eq(held->meta.gso_type, FRAME_GSO_NONE);
    ck_assert_int_eq(ipv4_parse(bytes_skip(bytes_of(held->octets, held->len), 14), &h, &payload),
                     DROP_NONE);
    ck_assert_int_eq(tcp_parse(payload, &seg), DROP_NONE);
    ck_assert_uint_eq(seg.text.len, seg.seq.value == BIG_TEXT / GSO * GSO ? BIG_TEXT % GSO : GSO);
    for (size_t i = 0; i < seg.text.len; i++)
        ck_assert_uint_eq(seg.text.at[i], (seg.seq.value + i) % 251);
    ck_assert_uint_eq(tcp_checksum_is_right(h.src, h.dst, payload), held->meta.flags == 0);
    return seg.seq.value;
}

START_TEST(a_big_frame_is_what_a_wire_would_carry)
{
    struct frame_meta meta = make_big();

    for (int completes = 0; completes < 2; completes++) {
        uint32_t count = 0;
        struct held *held;
        open_wire((struct impair_config){0}, false);
        wire.completes = completes;
        put_big(&meta, (instant){0});
        for (; (held = bad_wire_due(&wire, (instant){0})); count++) {
            ck_assert_uint_eq(check_segment(held), count * GSO);
            ck_assert_uint_eq(held->meta.flags, completes ? 0 : FRAME_NEEDS_CSUM);
            bad_wire_drop(&wire, held);
        }
        ck_assert_uint_eq(count, SEGMENTS);
        ck_assert_uint_eq(wire.counters.taken, SEGMENTS);
        ck_assert_uint_eq(wire.counters.carried, BIG_TEXT + SEGMENTS * HEADERS);
        bad_wire_fini(&wire);
    }
}
END_TEST

START_TEST(each_segment_of_a_big_frame_has_its_own_fate)
{
    struct frame_meta meta = make_big();
    bool some = false;

    open_wire((struct impair_config){.loss = percent(30)}, false);
    for (int i = 0; i < 500; i++) {
        uint64_t before = wire.counters.lost;
        put_big(&meta, (instant){0});
        drain();
        some |= wire.counters.lost > before && wire.counters.lost < before + SEGMENTS;
    }
    ck_assert(some);
    ck_assert_uint_eq(wire.counters.taken, 500 * SEGMENTS);
    ck_assert_uint_ge(wire.counters.lost, 500 * SEGMENTS * 28 / 100);
    ck_assert_uint_le(wire.counters.lost, 500 * SEGMENTS * 32 / 100);
    bad_wire_fini(&wire);
}
END_TEST

START_TEST(the_segments_of_a_big_frame_pass_a_bottleneck_one_by_one)
{
    struct frame_meta meta = make_big();
    int64_t own = (HEADERS + GSO) * 8000; /* ns, at a megabit a second */

    open_wire((struct impair_config){.rate = 1000000, .queue = 1 << 20}, false);
    put_big(&meta, (instant){0});
    for (int i = 1; i < SEGMENTS; i++) {
        ck_assert(!bad_wire_due(&wire, (instant){i * own - 1}));
        struct held *held = bad_wire_due(&wire, (instant){i * own});
        ck_assert_uint_eq(check_segment(held), (uint32_t)(i - 1) * GSO);
        bad_wire_drop(&wire, held);
    }
    bad_wire_fini(&wire);

    /* Of those that do not fit into the queue only they are lost. */
    open_wire((struct impair_config){.rate = 1000000, .queue_frames = 10}, false);
    put_big(&meta, (instant){0});
    ck_assert_uint_eq(wire.counters.rate_dropped, SEGMENTS - 11);
    ck_assert_uint_eq(wire.counters.held, 11);
    bad_wire_fini(&wire);
}
END_TEST

START_TEST(a_corrupted_segment_of_a_big_frame_is_seen_by_its_checksum)
{
    struct frame_meta meta = make_big();
    uint32_t headers = 0, seen = 0;
    struct held *held;

    open_wire((struct impair_config){.corrupt = UINT32_MAX}, false);
    for (int i = 0; i < 20; i++)
        put_big(&meta, (instant){0});
    while ((held = bad_wire_due(&wire, (instant){0}))) {
        struct ipv4_header h;
        struct bytes payload;
        struct bytes packet = bytes_skip(bytes_of(held->octets, held->len), 14);
        ck_assert(held->hurt);
        ck_assert_uint_eq(held->meta.flags, 0);
        bool ethernet = memcmp(held->octets, big, 14) != 0; /* which no checksum of ours covers */
        if (ethernet || ipv4_parse(packet, &h, &payload))
            headers++;
        else if (!tcp_checksum_is_right(h.src, h.dst, payload))
            seen++;
        bad_wire_drop(&wire, held);
    }
    ck_assert_uint_eq(headers + seen, 20 * SEGMENTS);
    ck_assert_uint_gt(seen, 20 * SEGMENTS * 9 / 10);
    bad_wire_fini(&wire);
}
END_TEST

START_TEST(the_segments_of_what_was_hurt_before_are_not_hurt_again)
{
    struct frame_meta meta = make_big();
    const struct iovec iov = {big, sizeof big};

    open_wire((struct impair_config){.corrupt = UINT32_MAX}, false);
    bad_wire_arrive(
        &wire,
        &(struct arrival){.iov = &iov, .iovcnt = 1, .len = sizeof big, .meta = &meta, .hurt = true},
        (instant){0});
    ck_assert_uint_eq(wire.counters.taken, SEGMENTS);
    ck_assert_uint_eq(wire.counters.corrupted, 0);
    bad_wire_fini(&wire);
}
END_TEST

START_TEST(a_short_segment_is_filled_up_with_zeros)
{
    struct frame_meta meta = make_big();
    struct held *held;
    uint32_t padded = 0;

    meta.gso_size = 40499; /* one octet is left */
    open_wire((struct impair_config){.ack_loss = UINT32_MAX}, false);
    wire.shortest = 60;
    put_big(&meta, (instant){0});
    for (; (held = bad_wire_due(&wire, (instant){0})); padded++) {
        if (held->len == 60)
            ck_assert_mem_eq(held->octets + HEADERS + 1, "\0\0\0\0\0", 5);
        else
            ck_assert_uint_eq(held->len, HEADERS + 40499);
        bad_wire_drop(&wire, held);
    }
    ck_assert_uint_eq(padded, 2);
    bad_wire_fini(&wire);
}
END_TEST

START_TEST(what_claims_to_be_a_big_frame_passes_whole)
{
    struct frame_meta meta = make_big();
    struct held *held;

    big[34 + 13] |= TCP_SYN;
    open_wire((struct impair_config){.corrupt = UINT32_MAX, .forge = UINT32_MAX}, false);
    wire.completes = true;
    put_big(&meta, (instant){0});
    held = bad_wire_due(&wire, (instant){0});
    ck_assert_uint_eq(held->len, sizeof big);
    ck_assert_mem_eq(held->octets, big, sizeof big);
    ck_assert_mem_eq(&held->meta, &meta, sizeof meta);
    bad_wire_drop(&wire, held);
    ck_assert_uint_eq(wire.counters.taken, 1);

    make_big(); /* a good one, but for the note that something behind it is missing */
    const struct iovec iov = {big, sizeof big};
    bad_wire_arrive(
        &wire,
        &(struct arrival){
            .iov = &iov, .iovcnt = 1, .len = sizeof big, .meta = &meta, .truncated = true},
        (instant){0});
    ck_assert_uint_eq(wire.counters.taken, 2);
    bad_wire_fini(&wire);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("bad_wire");
    TCase *c = tcase_create("faults");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, ack_loss_takes_its_share_of_acks_and_nothing_else);
    tcase_add_test(c, in_a_burst_some_may_pass);
    tcase_add_test(c, an_outage_is_the_end_of_each_period);
    tcase_add_test(c, what_is_longer_than_the_mtu_vanishes);
    tcase_add_test(c, no_checksum_sees_a_forgery_and_its_places_are_told);
    tcase_add_test(c, what_has_no_text_is_not_forged);
    suite_add_tcase(s, c);

    c = tcase_create("big frames");
    tcase_add_test(c, a_big_frame_is_what_a_wire_would_carry);
    tcase_add_test(c, each_segment_of_a_big_frame_has_its_own_fate);
    tcase_add_test(c, the_segments_of_a_big_frame_pass_a_bottleneck_one_by_one);
    tcase_add_test(c, a_corrupted_segment_of_a_big_frame_is_seen_by_its_checksum);
    tcase_add_test(c, the_segments_of_what_was_hurt_before_are_not_hurt_again);
    tcase_add_test(c, a_short_segment_is_filled_up_with_zeros);
    tcase_add_test(c, what_claims_to_be_a_big_frame_passes_whole);
    suite_add_tcase(s, c);
    return run_suite(s, "bad_wire");
}
