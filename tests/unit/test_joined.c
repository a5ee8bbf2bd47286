/* A device that joins: what came in a row is one frame, nothing else is, and nothing is lost. */
#include <errno.h>
#include <stdlib.h>

#include "base/checksum.h"
#include "base/frame.h"
#include "base/instant.h"
#include "dev/big_frame.h"
#include "dev/pipe.h"
#include "dev/vnet_wire.h"
#include "eth/eth_wire.h"
#include "ip/ipv4_wire.h"
#include "sim/joined.h"
#include "support/proves.h"
#include "tcp/tcp_wire.h"

enum { GSO = 1000, HEADERS = 14 + 20 + 20, ROOM = HEADERS + 65000 };

static const instant now = {5};
static struct memory memory;
static struct frame_pool pool;
static struct dev *near, *far; /* `near` joins */
static uint8_t big[ROOM];

static void open_device(uint64_t cap)
{
    const struct pipe_config config = {
        .mtu = 1500, .capacity = UINT32_MAX, .csum_offload = true, .big_frames = true};
    struct dev *end[2];

    ck_assert_int_eq(frame_pool_init(&pool, &memory, cap), 0);
    ck_assert_int_eq(pipe_new(&memory, &config, end), 0);
    ck_assert_int_eq(joined_new(&memory, end[0], &near), 0);
    far = end[1];
}

static void close_device(void)
{
    dev_close(near);
    dev_close(far);
    ck_assert_uint_eq(pool.out, 0);
    frame_pool_fini(&pool);
}

/* Text of a flow from its octet `from` on, in segments; the last may be shorter. */
static void send_segments(uint16_t port, uint32_t from, size_t text_len)
{
    struct ip_addr src = ip_from_v4(0x0a000001), dst = ip_from_v4(0x0a000002);
    struct frame_meta meta = {.flags = FRAME_NEEDS_CSUM,
                              .gso_type = FRAME_GSO_TCPV4,
                              .gso_size = GSO,
                              .csum_start = 34,
                              .csum_offset = TCP_CSUM_OFFSET};
    struct writer w = writer_of(big, sizeof big);
    struct checksum c = {0};
    struct big_cut cut;

    eth_emit(&w, &(struct eth_header){.type = ETH_TYPE_IPV4});
    ipv4_emit(
        &w,
        &(struct ipv4_header){
            .src = src, .dst = dst, .protocol = IP_PROTOCOL_TCP, .ttl = 9, .dont_fragment = true},
        20 + text_len);
    tcp_emit(&w, &(struct tcp_segment){.src_port = port, .seq = {from}, .flags = TCP_ACK});
    for (size_t i = 0; i < text_len; i++)
        write_u8(&w, (uint8_t)((from + i) % 251));
    checksum_add_pseudo(&c, src, dst, IP_PROTOCOL_TCP, (uint32_t)(20 + text_len));
    put_be16(big + 34 + TCP_CSUM_OFFSET, checksum_fold(c));
    const struct iovec iov = {big, sizeof big - w.left};
    ck_assert(big_cut_begin(&cut, &meta, &iov, 1, false));
    while (big_cut_next(&cut))
        ck_assert_int_eq(dev_send(far, &cut.meta, cut.iov, cut.iovcnt, now), 0);
}

/* The next batch; checks each frame, and tells where its text begins and how long it is. */
static int receive(struct frame **batch, uint32_t *seq, size_t *len)
{
    int count = dev_receive(near, &pool, batch, DEV_BATCH, now);

    for (int i = 0; i < count; i++) {
        struct ipv4_header h;
        struct tcp_segment seg;
        struct bytes payload;
        bool is_big = batch[i]->meta.gso_type == FRAME_GSO_TCPV4;
        ck_assert_int_eq(ipv4_parse(bytes_skip(frame_bytes(batch[i]), 14), &h, &payload),
                         DROP_NONE);
        ck_assert_int_eq(tcp_parse(payload, &seg), DROP_NONE);
        ck_assert_uint_eq(batch[i]->meta.gso_size, is_big ? GSO : 0);
        ck_assert_uint_eq(batch[i]->meta.flags, is_big ? FRAME_CSUM_VALID : FRAME_NEEDS_CSUM);
        for (size_t k = 0; k < seg.text.len; k++)
            ck_assert_uint_eq(seg.text.at[k], (seg.seq.value + k) % 251);
        seq[i] = seg.seq.value;
        len[i] = seg.text.len;
    }
    for (int i = 0; i < count; i++)
        frame_put(batch[i]);
    return count;
}

START_TEST(what_came_in_a_row_is_one_frame)
{
    struct frame *batch[DEV_BATCH];
    uint32_t seq[DEV_BATCH];
    size_t len[DEV_BATCH];

    open_device(8 << 20);
    ck_assert(near->big_frames && near->csum_offload);
    send_segments(1, 0, 4500);
    ck_assert_int_eq(receive(batch, seq, len), 1);
    ck_assert_uint_eq(len[0], 4500);
    ck_assert_uint_eq(joined_count(near), 4);
    ck_assert_uint_eq(near->counters.rx_frames, 1);
    ck_assert_int_eq(receive(batch, seq, len), 0);

    send_segments(1, 4500, 1000); /* alone, and no larger than it came */
    struct frame *frame;
    ck_assert_int_eq(dev_receive(near, &pool, &frame, 1, now), 1);
    ck_assert_uint_lt(frame_charge(frame), 4096);
    frame_put(frame);
    close_device();
}
END_TEST

START_TEST(more_than_a_frame_holds_is_several)
{
    struct frame *batch[DEV_BATCH];
    uint32_t seq[DEV_BATCH];
    size_t len[DEV_BATCH];

    open_device(8 << 20);
    send_segments(1, 0, 40000);
    send_segments(1, 40000, 24000);
    ck_assert_int_eq(receive(batch, seq, len), 1);
    ck_assert_uint_eq(len[0], 64000);
    for (uint32_t at = 0; at < 120000; at += 40000)
        send_segments(1, at, 40000);
    ck_assert_int_eq(receive(batch, seq, len), 1); /* 64 frames were taken */
    ck_assert_uint_eq(len[0], 64000);
    ck_assert_int_eq(receive(batch, seq, len), 1);
    ck_assert_uint_eq(seq[0], 64000);
    ck_assert_uint_eq(len[0], 56000);
    close_device();
}
END_TEST

START_TEST(frames_of_other_flows_end_it_and_nobody_is_overtaken)
{
    static const struct {
        uint16_t port;
        uint32_t from;
        size_t len;
    } flow[] = {{1, 0, 2000}, {2, 0, 1000}, {1, 2000, 1500}, {1, 3500, 1000}, {2, 1000, 500}};
    struct frame *batch[DEV_BATCH];
    uint32_t seq[DEV_BATCH];
    size_t len[DEV_BATCH];

    open_device(8 << 20);
    for (size_t i = 0; i < ARRAY_LEN(flow); i++)
        send_segments(flow[i].port, flow[i].from, flow[i].len);
    ck_assert_int_eq(receive(batch, seq, len), ARRAY_LEN(flow));
    for (size_t i = 0; i < ARRAY_LEN(flow); i++) {
        ck_assert_uint_eq(seq[i], flow[i].from);
        ck_assert_uint_eq(len[i], flow[i].len);
    }
    close_device();
}
END_TEST

START_TEST(without_a_large_buffer_frames_stay_single)
{
    struct frame *batch[DEV_BATCH];
    uint32_t seq[DEV_BATCH];
    size_t len[DEV_BATCH];

    open_device(32 << 10);
    send_segments(1, 0, 5000);
    ck_assert_int_eq(receive(batch, seq, len), 5);
    for (uint32_t i = 0; i < 5; i++)
        ck_assert_uint_eq(seq[i], i * GSO);
    ck_assert_uint_eq(joined_count(near), 0);
    close_device();
}
END_TEST

START_TEST(in_all_else_it_is_the_device_inside)
{
    static uint8_t octets[100];
    const struct iovec iov = {octets, sizeof octets};
    const struct frame_meta meta = {.flags = FRAME_NEEDS_CSUM, .csum_start = 34, .csum_offset = 16};
    struct frame *frame;

    open_device(8 << 20);
    ck_assert_int_eq(dev_send(near, &meta, &iov, 1, now), 0);
    dev_flush(near, now);
    ck_assert_int_eq(dev_receive(far, &pool, &frame, 1, now), 1);
    ck_assert_uint_eq(frame->meta.flags, FRAME_NEEDS_CSUM);
    frame_put(frame);
    ck_assert(instant_is_never(dev_deadline(near)));
    send_segments(1, 0, 10);
    ck_assert_int_eq(dev_deadline(near).ns, now.ns);
    ck_assert_int_eq(dev_fd(near), -1);
    ck_assert_int_eq(dev_receive(near, &pool, &frame, 1, now), 1);
    frame_put(frame);
    dev_close(far);
    ck_assert_int_eq(dev_receive(near, &pool, &frame, 1, now), -ENETDOWN);
    dev_close(near);
    ck_assert_uint_eq(pool.out, 0);
    frame_pool_fini(&pool);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("joined");
    TCase *c = tcase_create("a device that joins");
    tcase_add_test(c, what_came_in_a_row_is_one_frame);
    tcase_add_test(c, more_than_a_frame_holds_is_several);
    tcase_add_test(c, frames_of_other_flows_end_it_and_nobody_is_overtaken);
    tcase_add_test(c, without_a_large_buffer_frames_stay_single);
    tcase_add_test(c, in_all_else_it_is_the_device_inside);
    suite_add_tcase(s, c);
    return run_suite(s, "joined");
}
