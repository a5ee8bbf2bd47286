/* The bad wire: that each fault happens as often and as hard as it was asked for, that nothing else
 * does, and that the words people write for it are understood. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/frame.h"
#include "base/instant.h"
#include "base/prng.h"
#include "dev/impair.h"
#include "dev/pipe.h"
#include "dev/vnet_wire.h"
#include "eth/eth_wire.h"
#include "ip/ipv4_wire.h"
#include "support/proves.h"
#include "tcp/tcp_wire.h"

enum { LEN = 100, MTU = 1500 };

static const struct frame_meta plain;
static const struct impair_config no_fault;

static int64_t allocated; /* octets */
static bool out_of_memory;

static void *count_alloc(void *context, size_t len)
{
    (void)context;
    if (out_of_memory)
        return NULL;
    allocated += (int64_t)len;
    return malloc(len);
}

static void count_release(void *context, void *octets, size_t len)
{
    (void)context;
    allocated -= (int64_t)len;
    free(octets);
}

static const struct env env = {.alloc = count_alloc, .release = count_release};
static struct memory memory = {.env = &env};
static struct memory pool_memory;
static struct frame_pool pool;

/* `near` is impaired; `far` is the other end of the pipe inside. */
static struct dev *near, *far;
static uint32_t next_number;

static void open_wire(const struct impair_config *in, const struct impair_config *out,
                      const struct pipe_config *pipe)
{
    struct dev *end[2];
    ck_assert_int_eq(pipe_new(&memory, pipe, end), 0);
    far = end[1];
    ck_assert_int_eq(impair_new(&memory, end[0], in, out, &near), 0);
    next_number = 0;
}

static const struct pipe_config roomy = {.mtu = MTU, .capacity = UINT32_MAX};

static void open_out(struct impair_config out)
{
    open_wire(&no_fault, &out, &roomy);
}

static void close_wire(void)
{
    dev_close(near);
    dev_close(far);
    near = far = NULL;
    ck_assert_int_eq(allocated, 0);
    ck_assert_uint_eq(pool.out, 0);
}

static void setup(void)
{
    ck_assert_int_eq(frame_pool_init(&pool, &pool_memory, 4 << 20), 0);
}

static void teardown(void)
{
    frame_pool_fini(&pool);
}

static instant at_ms(int64_t ms)
{
    return (instant){ms * NS_PER_MS};
}

/* Frames carry a number behind their 14 octets, and as a whole sum up right, so that a receiver can
 * tell whether the Internet checksum would have noticed a change. */
static void make_frame(uint8_t *octets, size_t len, uint32_t number)
{
    for (size_t i = 0; i < len; i++)
        octets[i] = (uint8_t)(i * 11 + number);
    memcpy(octets + 14, &number, 4);
    put_be16(octets + 18, 0);
    put_be16(octets + 18, checksum_of(bytes_of(octets, len)));
}

static int send_len(struct dev *dev, size_t len, instant now)
{
    static uint8_t octets[70000];
    struct iovec iov[2] = {{octets, 14}, {octets + 14, len - 14}};
    struct frame_meta meta = {.gso_type = len > MTU + 14 ? FRAME_GSO_TCPV4 : FRAME_GSO_NONE,
                              .gso_size = 1448};
    make_frame(octets, len, next_number);
    int err = dev_send(dev, &meta, iov, 2, now);
    if (!err)
        next_number++;
    return err;
}

static void send_many(struct dev *dev, int count, instant now)
{
    for (int i = 0; i < count; i++)
        ck_assert_int_eq(send_len(dev, LEN, now), 0);
}

static uint32_t number_of(const struct frame *frame)
{
    uint32_t number;
    memcpy(&number, frame->data + 14, 4);
    return number;
}

/* Receives all there is by now; the numbers go to `out`. */
static uint32_t numbers[50000];

static int receive_all(struct dev *dev, instant now)
{
    struct frame *batch[DEV_BATCH];
    int total = 0;
    int count;
    while ((count = dev_receive(dev, &pool, batch, DEV_BATCH, now)) > 0)
        for (int i = 0; i < count; i++) {
            ck_assert_uint_lt((unsigned)total, ARRAY_LEN(numbers));
            numbers[total++] = number_of(batch[i]);
            frame_put(batch[i]);
        }
    ck_assert_int_eq(count, 0);
    return total;
}

static void check_conservation(enum impair_direction direction)
{
    struct impair_counters c = impair_counters(near, direction);
    ck_assert_uint_eq(c.taken + c.duplicated,
                      c.passed + c.lost + c.rate_dropped + c.held_dropped + c.held);
}

static uint32_t percent(uint32_t n)
{
    return (uint32_t)(((uint64_t)n << 32) / 100);
}

/* --- nothing ------------------------------------------------------------------------------ */

START_TEST(a_wire_without_faults_changes_nothing)
{
    open_wire(&no_fault, &no_fault, &roomy);
    struct dev *ways[2][2] = {{near, far}, {far, near}};
    for (int way = 0; way < 2; way++) {
        next_number = 0;
        send_many(ways[way][0], 300, at_ms(0));
        ck_assert_int_eq(receive_all(ways[way][1], at_ms(0)), 300);
        for (uint32_t i = 0; i < 300; i++)
            ck_assert_uint_eq(numbers[i], i);
    }
    for (int d = IMPAIR_IN; d <= IMPAIR_OUT; d++) {
        struct impair_counters c = impair_counters(near, (enum impair_direction)d);
        ck_assert_uint_eq(c.taken, 300);
        ck_assert_uint_eq(c.passed, 300);
        ck_assert_uint_eq(c.held + c.lost + c.duplicated + c.reordered + c.corrupted + c.delayed,
                          0);
    }
    ck_assert(instant_is_never(dev_deadline(near)));
    ck_assert_int_eq(dev_fd(near), -1);
    ck_assert_uint_eq(near->mtu, MTU);
    close_wire();
}
END_TEST

/* --- how often ---------------------------------------------------------------------------- */

enum { MANY = 10000 };

/* `seen` of MANY happened with a chance of `share` percent: within five standard deviations. */
static void check_share(uint64_t seen, unsigned share)
{
    int64_t variance = (int64_t)MANY * share * (100 - share) / 10000;
    int64_t off = (int64_t)seen - (int64_t)MANY * share / 100;
    ck_assert_int_le(off * off, 25 * variance);
}

static const unsigned shares[] = {0, 1, 10, 50, 100};

START_TEST(loss_takes_its_share)
{
    unsigned share = shares[_i];
    open_out((struct impair_config){.loss = share == 100 ? UINT32_MAX : percent(share)});
    send_many(near, MANY, at_ms(0));
    int arrived = receive_all(far, at_ms(0));
    struct impair_counters c = impair_counters(near, IMPAIR_OUT);
    check_share(c.lost, share);
    ck_assert_uint_eq((unsigned)arrived, MANY - c.lost);
    check_conservation(IMPAIR_OUT);
    close_wire();
}
END_TEST

static const struct {
    uint32_t burst;
    unsigned share;
} bursts[] = {{2, 10}, {5, 10}, {20, 5}, {3, 60}};

START_TEST(bursts_keep_the_share_and_have_their_length)
{
    open_out((struct impair_config){
        .loss = percent(bursts[_i].share), .burst = bursts[_i].burst, .seed = 3});
    send_many(near, 2 * MANY, at_ms(0));
    int arrived = receive_all(far, at_ms(0));
    uint64_t lost = impair_counters(near, IMPAIR_OUT).lost;
    uint64_t runs = 0;
    for (int i = 1; i < arrived; i++)
        runs += numbers[i] - numbers[i - 1] > 1;

    /* Both within a fifth: bursts vary far more than single losses do. */
    uint64_t wanted = 2 * (uint64_t)MANY * bursts[_i].share / 100;
    ck_assert_uint_ge(lost * 5, wanted * 4);
    ck_assert_uint_le(lost * 5, wanted * 6);
    ck_assert_uint_ge(lost * 5, runs * bursts[_i].burst * 4);
    ck_assert_uint_le(lost * 5, runs * bursts[_i].burst * 6);
    close_wire();
}
END_TEST

START_TEST(duplication_adds_its_share)
{
    unsigned share = shares[_i];
    open_out((struct impair_config){.duplicate = share == 100 ? UINT32_MAX : percent(share)});
    send_many(near, MANY, at_ms(0));
    int arrived = receive_all(far, at_ms(0));
    uint64_t twins = 0;
    for (int i = 1; i < arrived; i++)
        twins += numbers[i] == numbers[i - 1];
    struct impair_counters c = impair_counters(near, IMPAIR_OUT);
    check_share(c.duplicated, share);
    ck_assert_uint_eq(twins, c.duplicated);
    ck_assert_uint_eq((unsigned)arrived, MANY + c.duplicated);
    check_conservation(IMPAIR_OUT);
    close_wire();
}
END_TEST

START_TEST(reordering_lets_at_most_eight_overtake)
{
    unsigned share = shares[_i];
    open_out((struct impair_config){.reorder = share == 100 ? UINT32_MAX : percent(share)});
    send_many(near, MANY, at_ms(0));
    int arrived = receive_all(far, at_ms(0));
    check_share(impair_counters(near, IMPAIR_OUT).reordered, share);
    check_conservation(IMPAIR_OUT);
    ck_assert_int_le(MANY - arrived, 8);

    uint64_t overtaken = 0;
    uint32_t highest = 0;
    for (int i = 0; i < arrived; i++) {
        ck_assert_uint_le(highest, numbers[i] + 8);
        overtaken += numbers[i] < highest;
        highest = u32_max(highest, numbers[i]);
    }
    if (share > 0 && share < 100)
        ck_assert_uint_ge(overtaken * 2, impair_counters(near, IMPAIR_OUT).reordered);

    /* The last ones have nobody to overtake them; they come all the same. */
    arrived += receive_all(far, at_ms(0));
    dev_flush(near, at_ms(10));
    arrived += receive_all(far, at_ms(10));
    ck_assert_int_eq(arrived, MANY);
    ck_assert(instant_is_never(dev_deadline(near)));
    close_wire();
}
END_TEST

START_TEST(a_frame_that_nobody_overtakes_comes_after_10_ms)
{
    open_out((struct impair_config){.reorder = UINT32_MAX, .delay_ns = 5 * NS_PER_MS});
    send_many(near, 1, at_ms(1));
    ck_assert_int_eq(dev_deadline(near).ns, at_ms(1 + 5 + 10).ns);
    dev_flush(near, (instant){at_ms(16).ns - 1});
    ck_assert_int_eq(receive_all(far, at_ms(16)), 0);
    dev_flush(near, at_ms(16));
    ck_assert_int_eq(receive_all(far, at_ms(16)), 1);
    close_wire();
}
END_TEST

/* --- corruption --------------------------------------------------------------------------- */

START_TEST(corruption_takes_its_share)
{
    unsigned share = shares[_i];
    open_out((struct impair_config){.corrupt = share == 100 ? UINT32_MAX : percent(share)});
    uint64_t wrong = 0;
    for (int i = 0; i < MANY; i++) {
        struct frame *frame;
        ck_assert_int_eq(send_len(near, LEN, at_ms(0)), 0);
        ck_assert_int_eq(dev_receive(far, &pool, &frame, 1, at_ms(0)), 1);
        wrong += checksum_of(frame_bytes(frame)) != 0;
        frame_put(frame);
    }
    uint64_t corrupted = impair_counters(near, IMPAIR_OUT).corrupted;
    check_share(corrupted, share);
    ck_assert_uint_eq(wrong, corrupted);
    close_wire();
}
END_TEST

static unsigned flips(uint8_t a, uint8_t b)
{
    return (unsigned)__builtin_popcount((unsigned)(a ^ b));
}

START_TEST(a_corruption_is_always_seen_by_the_checksum)
{
    for (size_t len = 20; len < 60; len++) {
        open_out((struct impair_config){.corrupt = UINT32_MAX, .seed = len});
        for (int i = 0; i < 500; i++) {
            struct frame *frame;
            uint8_t before[60];
            /* The hardest words: all zeros or all ones, which sum up the same. */
            memset(before, i % 2 ? 0xff : 0, sizeof(before));
            struct iovec iov = {before, len};
            ck_assert_int_eq(dev_send(near, &plain, &iov, 1, at_ms(0)), 0);
            ck_assert_int_eq(dev_receive(far, &pool, &frame, 1, at_ms(0)), 1);
            ck_assert_uint_eq(frame->len, len);
            unsigned changed = 0;
            for (size_t j = 0; j < len; j++)
                changed += flips(before[j], frame->data[j]);
            ck_assert_uint_ge(changed, 1);
            ck_assert_uint_le(changed, 4);
            ck_assert_uint_ne(checksum_of(frame_bytes(frame)), checksum_of(bytes_of(before, len)));
            frame_put(frame);
        }
        close_wire();
    }
}
END_TEST

/* Where TCP begins in IPv4 over Ethernet, and in bare IPv4 and IPv6. */
static const struct {
    uint16_t l4;
    bool ip_only;
} layouts[] = {{34, false}, {20, true}, {40, true}};

START_TEST(an_unfinished_checksum_is_completed_before_it_is_corrupted)
{
    enum { PSEUDO = 0x1234 };
    const uint16_t L4 = layouts[_i].l4;
    struct pipe_config pipe = roomy;
    struct impair_config all = {.corrupt = UINT32_MAX};
    struct frame_meta meta = {
        .flags = FRAME_NEEDS_CSUM | FRAME_CSUM_VALID, .csum_start = L4, .csum_offset = 16};

    pipe.csum_offload = true;
    pipe.ip_only = layouts[_i].ip_only;
    open_wire(&all, &all, &pipe);
    ck_assert(near->csum_offload);
    ck_assert_int_eq(near->ip_only, layouts[_i].ip_only);
    struct dev *ways[2][2] = {{near, far}, {far, near}};
    for (int i = 0; i < 1000; i++) {
        struct frame *frame;
        uint8_t octets[LEN];
        make_frame(octets, LEN, 0);
        put_be16(octets + L4 + 16, PSEUDO);
        struct iovec iov = {octets, LEN};
        ck_assert_int_eq(dev_send(ways[i % 2][0], &meta, &iov, 1, at_ms(0)), 0);
        ck_assert_int_eq(dev_receive(ways[i % 2][1], &pool, &frame, 1, at_ms(0)), 1);
        ck_assert_uint_eq(frame->meta.flags, 0);
        ck_assert_uint_eq(frame->meta.csum_start, 0);

        put_be16(octets + L4 + 16, checksum_of(bytes_of(octets + L4, LEN - L4)));
        unsigned changed = 0;
        for (size_t j = 0; j < LEN; j++)
            changed += flips(octets[j], frame->data[j]);
        ck_assert_uint_ge(changed, 1);
        ck_assert_uint_le(changed, 4);
        frame_put(frame);
    }
    close_wire();
}
END_TEST

START_TEST(an_unfinished_checksum_passes_a_wire_that_does_not_corrupt)
{
    struct pipe_config pipe = roomy;
    struct frame_meta meta = {.flags = FRAME_NEEDS_CSUM, .csum_start = 34, .csum_offset = 16};
    uint8_t octets[LEN];
    struct iovec iov = {octets, LEN};
    struct frame *frame;

    pipe.csum_offload = true;
    open_wire(&no_fault, &no_fault, &pipe);
    make_frame(octets, LEN, 0);
    ck_assert_int_eq(dev_send(near, &meta, &iov, 1, at_ms(0)), 0);
    ck_assert_int_eq(dev_receive(far, &pool, &frame, 1, at_ms(0)), 1);
    ck_assert_uint_eq(frame->meta.flags, FRAME_NEEDS_CSUM);
    ck_assert_mem_eq(frame->data, octets, LEN);
    frame_put(frame);
    close_wire();
}
END_TEST

START_TEST(what_claims_to_be_big_and_what_is_bad_are_not_corrupted)
{
    struct frame_meta metas[2] = {{.gso_type = FRAME_GSO_TCPV4, .gso_size = 1448}, {.bad = 1}};
    open_out((struct impair_config){.corrupt = UINT32_MAX});
    for (int i = 0; i < 2; i++) {
        uint8_t octets[LEN];
        struct iovec iov = {octets, LEN};
        struct frame *frame;
        make_frame(octets, LEN, 0);
        ck_assert_int_eq(dev_send(near, &metas[i], &iov, 1, at_ms(0)), 0);
        ck_assert_int_eq(dev_receive(far, &pool, &frame, 1, at_ms(0)), 1);
        ck_assert_mem_eq(frame->data, octets, LEN);
        ck_assert_uint_eq(frame->meta.gso_size, metas[i].gso_size);
        ck_assert_uint_eq(frame->meta.bad, metas[i].bad);
        frame_put(frame);
    }
    ck_assert_uint_eq(impair_counters(near, IMPAIR_OUT).corrupted, 0);
    close_wire();
}
END_TEST

/* --- big frames --------------------------------------------------------------------------- */

enum { BIG_TEXT = 20000, GSO = 1000, BIG_LEN = 14 + 20 + 20 + BIG_TEXT };

static const struct pipe_config offload = {
    .mtu = MTU, .capacity = UINT32_MAX, .csum_offload = true, .big_frames = true};

/* A frame with so much text, the first octet at `seq`; its checksum is open. */
static int send_text(struct dev *dev, uint32_t seq, size_t text_len, instant now)
{
    static uint8_t octets[BIG_LEN];
    const struct frame_meta meta = {.flags = FRAME_NEEDS_CSUM,
                                    .gso_type = FRAME_GSO_TCPV4,
                                    .gso_size = GSO,
                                    .csum_start = 34,
                                    .csum_offset = TCP_CSUM_OFFSET};
    struct ip_addr src = ip_from_v4(0x0a000001), dst = ip_from_v4(0x0a000002);
    const struct iovec iov[2] = {{octets, 54}, {octets + 54, text_len}};
    struct writer w = writer_of(octets, sizeof octets);
    struct checksum c = {0};

    eth_emit(&w, &(struct eth_header){.type = ETH_TYPE_IPV4});
    ipv4_emit(&w,
              &(struct ipv4_header){.src = src, .dst = dst, .protocol = IP_PROTOCOL_TCP, .ttl = 9},
              20 + text_len);
    tcp_emit(&w, &(struct tcp_segment){.seq = {seq}, .flags = TCP_ACK});
    checksum_add_pseudo(&c, src, dst, IP_PROTOCOL_TCP, (uint32_t)(20 + text_len));
    put_be16(octets + 34 + TCP_CSUM_OFFSET, checksum_fold(c));
    return dev_send(dev, &meta, iov, 2, now);
}

/* 20 segments. */
static int send_big(struct dev *dev, uint32_t seq, instant now)
{
    return send_text(dev, seq, BIG_TEXT, now);
}

/* Receives what there is: plain segments, each right behind the one before. */
static void receive_segments(struct dev *dev, uint32_t *seq, instant now)
{
    struct frame *batch[DEV_BATCH];
    int count;

    while ((count = dev_receive(dev, &pool, batch, DEV_BATCH, now)) > 0)
        for (int i = 0; i < count; i++) {
            struct bytes packet = bytes_skip(frame_bytes(batch[i]), 14);
            struct ipv4_header h;
            struct bytes payload;
            struct tcp_segment seg;
            vnet_complete(batch[i]->data, batch[i]->len, &batch[i]->meta);
            ck_assert_uint_eq(batch[i]->meta.gso_type, FRAME_GSO_NONE);
            ck_assert_int_eq(ipv4_parse(packet, &h, &payload), DROP_NONE);
            ck_assert(tcp_checksum_is_right(h.src, h.dst, payload));
            ck_assert_int_eq(tcp_parse(payload, &seg), DROP_NONE);
            ck_assert_uint_eq(seg.seq.value, *seq);
            ck_assert_uint_eq(seg.text.len, GSO);
            *seq += GSO;
            frame_put(batch[i]);
        }
    ck_assert_int_eq(count, 0);
}

START_TEST(big_frames_are_cut_in_both_directions)
{
    uint32_t seq = 0;

    open_wire(&no_fault, &no_fault, &offload);
    ck_assert(near->big_frames && near->csum_offload);
    ck_assert_int_eq(send_big(near, 0, at_ms(0)), 0);
    receive_segments(far, &seq, at_ms(0));
    ck_assert_uint_eq(seq, BIG_TEXT);
    ck_assert_uint_eq(impair_counters(near, IMPAIR_OUT).taken, 20);
    ck_assert_uint_eq(near->counters.tx_frames, 1);

    ck_assert_int_eq(send_big(far, 0, at_ms(0)), 0);
    seq = 0;
    receive_segments(near, &seq, at_ms(0));
    ck_assert_uint_eq(seq, BIG_TEXT);
    ck_assert_uint_eq(impair_counters(near, IMPAIR_IN).taken, 20);
    close_wire();
}
END_TEST

START_TEST(a_device_without_big_frames_has_none_when_it_is_impaired)
{
    open_out(no_fault);
    ck_assert(!near->big_frames);
    close_wire();
}
END_TEST

/* The inner device has room for five segments at a time. The first big frame is taken, and waits;
 * the next one is not, and nothing of it has been. */
START_TEST(a_full_device_behind_it_neither_loses_nor_doubles_a_segment)
{
    struct pipe_config pipe = offload;
    uint32_t seq = 0, sent = 0, refused = 0;

    pipe.capacity = 6000;
    open_wire(&no_fault, &no_fault, &pipe);
    for (int ms = 0; seq < 10 * BIG_TEXT; ms++) {
        uint64_t taken = impair_counters(near, IMPAIR_OUT).taken;
        int err = sent < 10 * BIG_TEXT ? send_big(near, sent, at_ms(ms)) : -EAGAIN;
        ck_assert(err == 0 || err == -EAGAIN);
        sent += err ? 0 : BIG_TEXT;
        refused += err == -EAGAIN;
        ck_assert_uint_eq(impair_counters(near, IMPAIR_OUT).taken, taken + (err ? 0 : 20));
        dev_flush(near, at_ms(ms));
        receive_segments(far, &seq, at_ms(ms));
        ck_assert_int_lt(ms, 1000);
    }
    ck_assert_uint_eq(seq, sent);
    ck_assert_uint_gt(refused, 0);
    ck_assert_uint_eq(impair_counters(near, IMPAIR_OUT).lost, 0);
    close_wire();
}
END_TEST

START_TEST(what_comes_in_waits_behind_the_wire_until_the_caller_has_taken_its_segments)
{
    struct frame *batch[DEV_BATCH];
    uint64_t got = 0;
    int count;

    open_wire(&no_fault, &no_fault, &offload);
    for (uint32_t i = 0; i < 500; i++)
        ck_assert_int_eq(send_big(far, i * BIG_TEXT, at_ms(0)), 0);
    while ((count = dev_receive(near, &pool, batch, DEV_BATCH, at_ms(0))) > 0) {
        for (int i = 0; i < count; i++)
            frame_put(batch[i]);
        got += (uint64_t)count;
        ck_assert_uint_le(impair_counters(near, IMPAIR_IN).held, DEV_BATCH * 20);
    }
    ck_assert_int_eq(count, 0);
    ck_assert_uint_eq(got, 500 * 20);
    close_wire();
}
END_TEST

/* A wire fills up the last segment's frame; between virtual machines nobody does. */
START_TEST(a_short_segment_is_padded_where_the_device_asks_for_it)
{
    for (int unpadded = 0; unpadded < 2; unpadded++) {
        struct frame *frame;
        struct dev *end[2];
        ck_assert_int_eq(pipe_new(&memory, &offload, end), 0);
        end[0]->unpadded = unpadded;
        far = end[1];
        ck_assert_int_eq(impair_new(&memory, end[0], &no_fault, &no_fault, &near), 0);
        ck_assert_int_eq(send_text(near, 0, 1001, at_ms(0)), 0);
        for (int i = 0; i < 2; i++) {
            ck_assert_int_eq(dev_receive(far, &pool, &frame, 1, at_ms(0)), 1);
            ck_assert_uint_eq(frame->len, i == 0 ? 1054 : unpadded ? 55 : 60);
            frame_put(frame);
        }
        close_wire();
    }
}
END_TEST

/* --- time --------------------------------------------------------------------------------- */

START_TEST(a_delay_is_exact_and_is_a_deadline)
{
    struct impair_config wire = {.delay_ns = 20 * NS_PER_MS};
    open_wire(&wire, &wire, &roomy);

    send_many(near, 1, at_ms(3));
    ck_assert_int_eq(dev_deadline(near).ns, at_ms(23).ns);
    send_many(near, 1, at_ms(4));
    ck_assert_int_eq(dev_deadline(near).ns, at_ms(23).ns);
    dev_flush(near, (instant){at_ms(23).ns - 1});
    ck_assert_int_eq(receive_all(far, at_ms(23)), 0);
    dev_flush(near, at_ms(23));
    ck_assert_int_eq(receive_all(far, at_ms(23)), 1);
    ck_assert_int_eq(dev_deadline(near).ns, at_ms(24).ns);
    ck_assert_uint_eq(impair_counters(near, IMPAIR_OUT).delayed, 2);

    /* The same on the way in, from the moment that we take the frame. A receive moves out what
     * is due, too. */
    send_many(far, 1, at_ms(24));
    ck_assert_int_eq(receive_all(near, at_ms(24)), 0);
    ck_assert_int_eq(receive_all(far, at_ms(24)), 1);
    ck_assert_int_eq(dev_deadline(near).ns, at_ms(44).ns);
    ck_assert_int_eq(receive_all(near, (instant){at_ms(44).ns - 1}), 0);
    ck_assert_int_eq(receive_all(near, at_ms(44)), 1);
    ck_assert(instant_is_never(dev_deadline(near)));
    close_wire();
}
END_TEST

START_TEST(jitter_varies_the_delay_and_keeps_the_order)
{
    open_out((struct impair_config){.delay_ns = 20 * NS_PER_MS, .jitter_ns = 5 * NS_PER_MS});
    int64_t least = INT64_MAX;
    int64_t most = 0;
    uint32_t received = 0;
    uint32_t sent = 0;
    /* A frame each 7 ms has no one in front of it half of the time. */
    for (int64_t us = 0; received < 2000; us += 100) {
        instant now = {us * NS_PER_US};
        if (us % 7000 == 0 && sent < 2000) {
            send_many(near, 1, now);
            sent++;
        }
        dev_flush(near, now);
        int count = receive_all(far, now);
        for (int i = 0; i < count; i++) {
            ck_assert_uint_eq(numbers[i], received++);
            int64_t delay = us - (int64_t)numbers[i] * 7000;
            least = delay < least ? delay : least;
            most = delay > most ? delay : most;
        }
    }
    ck_assert_int_ge(least, 15000);
    ck_assert_int_le(least, 15500);
    ck_assert_int_ge(most, 24500);
    ck_assert_int_le(most, 25100);
    close_wire();
}
END_TEST

START_TEST(jitter_above_the_delay_never_looks_ahead)
{
    open_out((struct impair_config){.delay_ns = 1, .jitter_ns = NS_PER_MS});
    for (int i = 0; i < 1000; i++) {
        instant now = at_ms(10 * i);
        send_many(near, 1, now);
        ck_assert(instant_is_never(dev_deadline(near)) || instant_before(now, dev_deadline(near)));
        dev_flush(near, at_ms(10 * i + 2));
        ck_assert_int_eq(receive_all(far, at_ms(10 * i + 2)), 1);
    }
    close_wire();
}
END_TEST

START_TEST(a_rate_sends_one_frame_after_the_other)
{
    /* 1,250 octets are 10,000 bits: 10 ms each at 1 Mbit/s, and then 3 ms on the way. */
    open_out((struct impair_config){.rate = 1000000, .delay_ns = 3 * NS_PER_MS});
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(send_len(near, 1250, at_ms(0)), 0);
    for (uint32_t i = 0; i < 4; i++) {
        instant due = at_ms(10 * (i + 1) + 3);
        ck_assert_int_eq(dev_deadline(near).ns, due.ns);
        dev_flush(near, (instant){due.ns - 1});
        ck_assert_int_eq(receive_all(far, due), 0);
        dev_flush(near, due);
        ck_assert_int_eq(receive_all(far, due), 1);
        ck_assert_uint_eq(numbers[0], i);
    }
    /* Idle time is not saved up. */
    ck_assert_int_eq(send_len(near, 1250, at_ms(1000)), 0);
    ck_assert_int_eq(dev_deadline(near).ns, at_ms(1013).ns);
    close_wire();
}
END_TEST

START_TEST(a_full_queue_drops_the_newest)
{
    /* The queue holds ten frames, the one that is being sent included. */
    open_out((struct impair_config){.rate = 1000000, .queue = 12500});
    for (int i = 0; i < 25; i++)
        ck_assert_int_eq(send_len(near, 1250, at_ms(0)), 0);
    ck_assert_uint_eq(impair_counters(near, IMPAIR_OUT).rate_dropped, 15);
    ck_assert_uint_eq(impair_counters(near, IMPAIR_OUT).held, 10);
    /* When the first has left there is room for one, not two. */
    ck_assert_int_eq(send_len(near, 1250, at_ms(10)), 0);
    ck_assert_int_eq(send_len(near, 1250, at_ms(10)), 0);
    ck_assert_uint_eq(impair_counters(near, IMPAIR_OUT).rate_dropped, 16);
    dev_flush(near, at_ms(110));
    ck_assert_int_eq(receive_all(far, at_ms(110)), 11);
    ck_assert_uint_eq(numbers[9], 9);
    ck_assert_uint_eq(numbers[10], 25);
    check_conservation(IMPAIR_OUT);
    close_wire();

    /* An idle bottleneck takes any frame, whatever its queue. */
    open_out((struct impair_config){.rate = 1000, .queue = 1});
    ck_assert_int_eq(send_len(near, 1250, at_ms(0)), 0);
    ck_assert_int_eq(send_len(near, 1250, at_ms(0)), 0);
    ck_assert_uint_eq(impair_counters(near, IMPAIR_OUT).rate_dropped, 1);
    close_wire();
}
END_TEST

static const struct {
    uint64_t rate;
    uint32_t queue;
} rates[] = {
    {1000, 0},
    {1000, 1 << 30},
    {UINT64_C(184467440800), 0}, /* what it carries in 100 ms is nothing in 64 bits of bit-ns */
    {UINT64_C(1000000000000), 0},
    {UINT64_C(1000000000000), 1 << 30},
};

START_TEST(a_queue_counted_in_frames_holds_so_many_of_any_size)
{
    /* One is being sent, and three wait, however long they are. */
    open_out((struct impair_config){.rate = 1000000, .queue_frames = 3});
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(send_len(near, i % 2 ? 125 : 1250, at_ms(0)), 0);
    struct impair_counters c = impair_counters(near, IMPAIR_OUT);
    ck_assert_uint_eq(c.rate_dropped, 4);
    ck_assert_uint_eq(c.held, 4);
    ck_assert_uint_eq(c.frames_most, 3);
    ck_assert_uint_eq(c.queue_most, 1250 + 125 + 1250);
    ck_assert_uint_eq(c.carried, 2 * 1250 + 2 * 125);

    /* The first leaves after 10 ms, the second 1 ms later: each makes room for one. */
    ck_assert_int_eq(send_len(near, 125, (instant){at_ms(10).ns - 1}), 0);
    ck_assert_uint_eq(impair_counters(near, IMPAIR_OUT).rate_dropped, 5);
    ck_assert_int_eq(send_len(near, 125, at_ms(10)), 0);
    ck_assert_int_eq(send_len(near, 125, at_ms(10)), 0);
    ck_assert_uint_eq(impair_counters(near, IMPAIR_OUT).rate_dropped, 6);
    ck_assert_int_eq(send_len(near, 125, at_ms(11)), 0);
    ck_assert_uint_eq(impair_counters(near, IMPAIR_OUT).rate_dropped, 6);
    dev_flush(near, at_ms(1000));
    ck_assert_int_eq(receive_all(far, at_ms(1000)), 6);
    check_conservation(IMPAIR_OUT);
    close_wire();
}
END_TEST

/* A wire that is changed while frames are under way: those keep their times, none is overtaken, and
 * what comes is not refused for the time that they take. */
START_TEST(a_change_is_for_what_comes_and_overtakes_nobody)
{
    open_out((struct impair_config){.delay_ns = 50 * NS_PER_MS, .rate = 100000, .queue = 1 << 20});
    send_many(near, 10, at_ms(0));
    const uint64_t waiting = impair_counters(near, IMPAIR_OUT).held;
    ck_assert_uint_eq(waiting, 10);
    struct impair_config now_is = impair_config(near, IMPAIR_OUT);
    ck_assert_uint_eq(now_is.rate, 100000);
    now_is.rate = 1000000000;
    now_is.delay_ns = 0;
    impair_change(near, IMPAIR_OUT, &now_is);
    ck_assert_uint_eq(impair_config(near, IMPAIR_OUT).rate, 1000000000);
    ck_assert_uint_eq(impair_config(near, IMPAIR_IN).rate, 0);
    send_many(near, 10, at_ms(1));
    ck_assert_int_eq(receive_all(far, at_ms(1)), 0);
    dev_flush(near, at_ms(60000));
    ck_assert_int_eq(receive_all(far, at_ms(60000)), 20);
    for (uint32_t i = 0; i < 20; i++)
        ck_assert_uint_eq(numbers[i], i);
    ck_assert_uint_eq(impair_counters(near, IMPAIR_OUT).rate_dropped, 0);

    now_is.loss = UINT32_MAX;
    impair_change(near, IMPAIR_OUT, &now_is);
    send_many(near, 5, at_ms(60001));
    dev_flush(near, at_ms(70000));
    ck_assert_int_eq(receive_all(far, at_ms(70000)), 0);
    ck_assert_uint_eq(impair_counters(near, IMPAIR_OUT).lost, 5);
    check_conservation(IMPAIR_OUT);
    close_wire();
}
END_TEST

START_TEST(extreme_rates_do_not_overflow)
{
    open_out((struct impair_config){.rate = rates[_i].rate, .queue = rates[_i].queue});
    ck_assert_int_eq(send_len(near, 65000, at_ms(0)), 0);
    ck_assert_int_eq(send_len(near, 65000, at_ms(0)), 0);
    int64_t each = (int64_t)(65000 * UINT64_C(8000000000) / rates[_i].rate);
    ck_assert_int_eq(dev_deadline(near).ns, each);
    dev_flush(near, (instant){2 * each});
    int wanted = rates[_i].rate == 1000 && rates[_i].queue == 0 ? 1 : 2;
    ck_assert_int_eq(receive_all(far, (instant){2 * each}), wanted);
    close_wire();
}
END_TEST

/* --- caps and neighbours ------------------------------------------------------------------ */

START_TEST(what_is_under_way_has_a_cap)
{
    open_out((struct impair_config){.delay_ns = NS_PER_S});
    for (int i = 0; i < 600; i++)
        ck_assert_int_eq(send_len(near, 65000, at_ms(0)), 0);
    struct impair_counters c = impair_counters(near, IMPAIR_OUT);
    ck_assert_uint_ge(c.held, IMPAIR_HELD_MAX / 66000);
    ck_assert_uint_le(c.held, IMPAIR_HELD_MAX / 65000);
    ck_assert_uint_eq(c.held + c.held_dropped, 600);
    ck_assert_int_le(allocated, IMPAIR_HELD_MAX + 10000);
    check_conservation(IMPAIR_OUT);
    close_wire();
}
END_TEST

START_TEST(what_is_under_way_is_given_back_at_the_end)
{
    struct impair_config wire = {.delay_ns = NS_PER_S, .reorder = percent(50)};
    open_wire(&wire, &wire, &roomy);
    send_many(near, 50, at_ms(0));
    send_many(far, 50, at_ms(0));
    ck_assert_int_eq(receive_all(near, at_ms(0)), 0);
    send_many(far, 3, at_ms(0)); /* still in the pipe */
    ck_assert_uint_eq(impair_counters(near, IMPAIR_IN).held, 50);
    ck_assert_uint_eq(impair_counters(near, IMPAIR_OUT).held, 50);
    close_wire();
}
END_TEST

START_TEST(without_memory_frames_are_dropped_by_name)
{
    struct dev *end[2];
    struct dev *none = NULL;
    ck_assert_int_eq(pipe_new(&memory, &roomy, end), 0);
    out_of_memory = true;
    ck_assert_int_eq(impair_new(&memory, end[0], &no_fault, &no_fault, &none), -ENOMEM);
    ck_assert_ptr_null(none);
    out_of_memory = false;
    dev_close(end[0]); /* still ours */
    dev_close(end[1]);

    open_out((struct impair_config){.delay_ns = NS_PER_MS, .duplicate = UINT32_MAX});
    out_of_memory = true;
    ck_assert_int_eq(send_len(near, LEN, at_ms(0)), 0);
    out_of_memory = false;
    ck_assert_uint_eq(impair_counters(near, IMPAIR_OUT).held_dropped, 1);
    check_conservation(IMPAIR_OUT);
    close_wire();
}
END_TEST

START_TEST(a_full_inner_device_holds_back_and_loses_nothing)
{
    const struct pipe_config small = {.mtu = MTU, .capacity = 2000};
    open_wire(&no_fault, &no_fault, &small);
    int sent = 0;
    while (send_len(near, LEN, at_ms(0)) == 0)
        sent++;
    ck_assert_int_ge(sent, 10);
    ck_assert_int_le(sent, 20);
    ck_assert_uint_eq(near->counters.tx_again, 1);
    ck_assert_uint_eq(impair_counters(near, IMPAIR_OUT).held, 1);
    ck_assert_int_eq(dev_deadline(near).ns, at_ms(1).ns); /* asks again, and not at once */
    dev_flush(near, at_ms(1));
    ck_assert_int_eq(dev_deadline(near).ns, at_ms(2).ns);

    int arrived = receive_all(far, at_ms(2));
    ck_assert_int_eq(arrived, sent - 1);
    dev_flush(near, at_ms(2));
    ck_assert(instant_is_never(dev_deadline(near)));
    ck_assert_int_eq(receive_all(far, at_ms(2)), 1);
    ck_assert_uint_eq(numbers[0], (unsigned)sent - 1);
    ck_assert_int_eq(send_len(near, LEN, at_ms(2)), 0);
    close_wire();
}
END_TEST

START_TEST(an_inner_device_that_is_gone_is_reported)
{
    struct frame *frame;
    struct impair_config slow = {.delay_ns = 5 * NS_PER_MS};
    open_wire(&slow, &slow, &roomy);
    send_many(far, 1, at_ms(0));
    ck_assert_int_eq(receive_all(near, at_ms(0)), 0); /* it is under way */
    send_many(near, 1, at_ms(0));
    dev_close(far);
    far = NULL;

    ck_assert_int_eq(dev_receive(near, &pool, &frame, 1, at_ms(1)), 0);
    ck_assert_int_eq(dev_receive(near, &pool, &frame, 1, at_ms(5)), 1);
    frame_put(frame);
    ck_assert_int_eq(dev_receive(near, &pool, &frame, 1, at_ms(5)), -ENETDOWN);
    ck_assert_int_eq(send_len(near, LEN, at_ms(5)), -ENETDOWN);
    ck_assert_uint_eq(near->counters.lost, 1);
    ck_assert(instant_is_never(dev_deadline(near)));
    check_conservation(IMPAIR_OUT);
    close_wire();
}
END_TEST

START_TEST(without_a_buffer_frames_stay_under_way)
{
    struct frame_pool small;
    struct frame *batch[4];
    ck_assert_int_eq(frame_pool_init(&small, &pool_memory, 1024), 0); /* two buffers */
    open_wire(&no_fault, &no_fault, &roomy);
    send_many(far, 5, at_ms(0));
    uint32_t expected = 0;
    for (int round = 0; round < 10 && expected < 5; round++) {
        int count = dev_receive(near, &small, batch, 4, at_ms(0));
        ck_assert_int_ge(count, 1);
        for (int i = 0; i < count; i++) {
            ck_assert_uint_eq(number_of(batch[i]), expected++);
            frame_put(batch[i]);
        }
    }
    ck_assert_uint_eq(expected, 5);
    check_conservation(IMPAIR_IN);

    /* None at all: what is due waits, and is counted. */
    send_many(far, 1, at_ms(0));
    struct frame *taken[2] = {frame_get(&small, 1), frame_get(&small, 1)};
    ck_assert_int_eq(dev_receive(near, &small, batch, 4, at_ms(0)), 0);
    frame_put(taken[0]);
    ck_assert_int_eq(dev_receive(near, &small, batch, 4, at_ms(0)), 1);
    frame_put(batch[0]);
    frame_put(taken[1]);
    frame_pool_fini(&small);
    close_wire();
}
END_TEST

START_TEST(a_new_mtu_of_the_inner_device_is_ours)
{
    struct dev *end[2];
    ck_assert_int_eq(pipe_new(&memory, &roomy, end), 0);
    far = end[1];
    ck_assert_int_eq(impair_new(&memory, end[0], &no_fault, &no_fault, &near), 0);
    end[0]->mtu = 576;
    dev_flush(near, at_ms(0));
    ck_assert_uint_eq(near->mtu, 576);
    ck_assert_int_eq(send_len(near, 591, at_ms(0)), 0);
    ck_assert_uint_eq(near->counters.tx_bad, 1);
    close_wire();
}
END_TEST

/* --- one seed ----------------------------------------------------------------------------- */

/* Everything at once, in steps of 1 ms, some of it on the way in. Returns a digest of what came out
 * and when; the law is checked at each step. */
static uint64_t run(uint64_t seed, bool talk_back)
{
    struct impair_config wire = {.loss = percent(10),
                                 .burst = 3,
                                 .duplicate = percent(5),
                                 .reorder = percent(10),
                                 .corrupt = percent(5),
                                 .delay_ns = 7 * NS_PER_MS,
                                 .jitter_ns = 3 * NS_PER_MS,
                                 .rate = 2000000,
                                 .queue = 5000,
                                 .seed = seed};
    uint64_t digest = 0;

    open_wire(&wire, &wire, &roomy);
    for (int64_t ms = 0; ms < 1000; ms++) {
        struct frame *batch[DEV_BATCH];
        if (ms < 900)
            for (int i = 0; i < 3; i++)
                ck_assert_int_eq(send_len(near, LEN, at_ms(ms)), 0);
        if (talk_back && ms < 900) {
            uint32_t kept = next_number;
            send_many(far, 2, at_ms(ms));
            next_number = kept;
        }
        receive_all(near, at_ms(ms));
        int count = dev_receive(far, &pool, batch, DEV_BATCH, at_ms(ms));
        for (int i = 0; i < count; i++) {
            for (uint32_t j = 0; j < batch[i]->len; j++)
                digest = digest * 31 + batch[i]->data[j];
            digest = digest * 31 + (uint64_t)ms;
            frame_put(batch[i]);
        }
        check_conservation(IMPAIR_IN);
        check_conservation(IMPAIR_OUT);
        ck_assert(!instant_before(dev_deadline(near), at_ms(ms)));
    }
    struct impair_counters c = impair_counters(near, IMPAIR_OUT);
    ck_assert_uint_eq(c.held, 0);
    ck_assert_uint_gt(c.lost, 0);
    ck_assert_uint_gt(c.duplicated, 0);
    ck_assert_uint_gt(c.reordered, 0);
    ck_assert_uint_gt(c.corrupted, 0);
    ck_assert_uint_gt(c.rate_dropped, 0);
    ck_assert_uint_eq(c.taken, 2700);
    close_wire();
    return digest;
}

START_TEST(one_seed_gives_one_fate)
{
    for (uint64_t seed = 0; seed < 8; seed++) {
        uint64_t digest = run(seed, true);
        ck_assert_uint_eq(run(seed, true), digest);
        ck_assert_uint_eq(run(seed, false), digest); /* the other direction does not matter */
        ck_assert_uint_ne(run(seed + 1, true), digest);
    }
}
END_TEST

START_TEST(each_direction_has_a_fate_of_its_own)
{
    struct impair_config wire = {.loss = percent(50), .seed = 1};
    uint32_t out[200];

    open_wire(&wire, &wire, &roomy);
    send_many(near, 200, at_ms(0));
    int count = receive_all(far, at_ms(0));
    memcpy(out, numbers, (size_t)count * sizeof(out[0]));
    next_number = 0;
    send_many(far, 200, at_ms(0));
    ck_assert(receive_all(near, at_ms(0)) != count ||
              memcmp(out, numbers, (size_t)count * sizeof(out[0])) != 0);
    close_wire();
}
END_TEST

/* --- the words ---------------------------------------------------------------------------- */

enum { IN = 1, OUT = 2, BOTH = 3 };

/* clang-format off */
static const struct {
    const char *spec;
    int where;
    struct impair_config config;
} specs[] = {
    {"loss=0%",              BOTH, {0}},
    {"loss=1%",              BOTH, {.loss = 42949672}},
    {"loss=0.1%",            BOTH, {.loss = 4294967}},
    {"loss=0.000001%",       BOTH, {.loss = 42}},
    {"loss=50%",             BOTH, {.loss = 1u << 31}},
    {"loss=99.999999%",      BOTH, {.loss = 4294967253}},
    {"loss=100%",            BOTH, {.loss = UINT32_MAX}},
    {"dup=25%",              BOTH, {.duplicate = 1u << 30}},
    {"reorder=25%",          BOTH, {.reorder = 1u << 30}},
    {"corrupt=25%",          BOTH, {.corrupt = 1u << 30}},
    {"delay=20ms",           BOTH, {.delay_ns = 20000000}},
    {"delay=1.5s",           BOTH, {.delay_ns = 1500000000}},
    {"delay=0ns",            BOTH, {0}},
    {"delay=60s",            BOTH, {.delay_ns = 60000000000}},
    {"delay=60000ms",        BOTH, {.delay_ns = 60000000000}},
    {"jitter=5us",           BOTH, {.jitter_ns = 5000}},
    {"jitter=0.5us",         BOTH, {.jitter_ns = 500}},
    {"rate=100mbit",         BOTH, {.rate = 100000000}},
    {"rate=none",            BOTH, {.rate = 0}},
    {"rate=5mbit,rate=none", BOTH, {.rate = 0}},
    {"rate=1.5Mbit",         BOTH, {.rate = 1500000}},
    {"rate=1kbit",           BOTH, {.rate = 1000}},
    {"rate=1000bit",         BOTH, {.rate = 1000}},
    {"rate=1000gbit",        BOTH, {.rate = 1000000000000}},
    {"queue=64k",            BOTH, {.queue = 65536}},
    {"queue=1",              BOTH, {.queue = 1}},
    {"queue=1024m",          BOTH, {.queue = 1u << 30}},
    {"queue=400p",           BOTH, {.queue_frames = 400}},
    {"queue=65536p",         BOTH, {.queue_frames = 65536}},
    {"queue=1k,queue=5p",    BOTH, {.queue = 1024, .queue_frames = 5}},
    {"queue=5p,queue=1k",    BOTH, {.queue = 1024}},
    {"loss=10%,burst=5,burstloss=50%", BOTH, {.loss = 429496729, .burst = 5, .burst_loss = 1u << 31}},
    {"ackloss=50%",          BOTH, {.ack_loss = 1u << 31}},
    {"forge=25%",            BOTH, {.forge = 1u << 30}},
    {"outage=2s,every=30s",  BOTH, {.outage_ns = 2000000000, .every_ns = 30000000000}},
    {"outage=5s",            BOTH, {.outage_ns = 5000000000}},
    {"mtu=1280",             BOTH, {.mtu = 1280}},
    {"burst=1",              BOTH, {.burst = 1}},
    {"burst=1000",           BOTH, {.burst = 1000}},
    {"seed=0",               BOTH, {0}},
    {"seed=18446744073709551615", BOTH, {.seed = UINT64_MAX}},
    {"in:loss=50%",          IN,   {.loss = 1u << 31}},
    {"out:loss=50%",         OUT,  {.loss = 1u << 31}},
    {"OUT:LOSS=50%",         OUT,  {.loss = 1u << 31}},
    {"loss=50%,loss=25%",    BOTH, {.loss = 1u << 30}},
    {"in:loss=50%;in:seed=7", IN,  {.loss = 1u << 31, .seed = 7}},
    {"loss=50%,burst=3,dup=25%,reorder=25%,corrupt=50%,delay=20ms,jitter=5ms,rate=100mbit,queue=1k,seed=7",
                             BOTH, {.loss = 1u << 31, .burst = 3, .duplicate = 1u << 30, .reorder = 1u << 30,
                                    .corrupt = 1u << 31, .delay_ns = 20000000, .jitter_ns = 5000000,
                                    .rate = 100000000, .queue = 1024, .seed = 7}},
    {"loss=75%,burst=3",     BOTH, {.loss = 3221225472, .burst = 3}},
    {"burst=3,loss=100%",    BOTH, {.loss = UINT32_MAX, .burst = 3}},
};

/* The second is the part that the line must show. */
static const struct { const char *spec, *part; } bad_specs[] = {
    {"", "''"},
    {"in:", "''"},
    {"loss", "'loss'"},
    {"loss=", "'loss='"},
    {"loss=1", "'loss=1'"},
    {"loss=%", "'loss=%'"},
    {"loss=-1%", "'loss=-1%'"},
    {"loss=101%", "'loss=101%'"},
    {"loss=100.000001%", "'loss=100.000001%'"},
    {"loss=1.%", "'loss=1.%'"},
    {"loss=.1%", "'loss=.1%'"},
    {"loss=1.1234567%", "'loss=1.1234567%'"},
    {"loss=1%%", "'loss=1%%'"},
    {"loss= 1%", "'loss= 1%'"},
    {"loss=1%,", "''"},
    {"loss=1%;", "''"},
    {",loss=1%", "''"},
    {"loss=1%,,dup=1%", "''"},
    {"dup=1%,loose=1%", "'loose=1%'"},
    {"in:out:loss=1%", "'out:loss=1%'"},
    {"both:loss=1%", "'both:loss=1%'"},
    {"loss=1%,in:dup=1%", "'in:dup=1%'"},
    {"delay=20", "'delay=20'"},
    {"delay=20 ms", "'delay=20 ms'"},
    {"delay=20m", "'delay=20m'"},
    {"delay=61s", "'delay=61s'"},
    {"delay=60000000001ns", "'delay=60000000001ns'"},
    {"delay=999999999999s", "'delay=999999999999s'"},
    {"delay=9999999999999ns", "'delay=9999999999999ns'"},
    {"rate=0mbit", "'rate=0mbit'"},
    {"rate=999bit", "'rate=999bit'"},
    {"rate=1001gbit", "'rate=1001gbit'"},
    {"rate=100", "'rate=100'"},
    {"rate=1e6bit", "'rate=1e6bit'"},
    {"queue=0", "'queue=0'"},
    {"queue=1025m", "'queue=1025m'"},
    {"queue=0p", "'queue=0p'"},
    {"queue=65537p", "'queue=65537p'"},
    {"mtu=67", "'mtu=67'"},
    {"mtu=65536", "'mtu=65536'"},
    {"outage=2s,every=2s", "'outage=2s,every=2s'"},
    {"loss=51%,burst=5,burstloss=50%", "'loss=51%,burst=5,burstloss=50%'"},
    {"burst=0", "'burst=0'"},
    {"burst=1001", "'burst=1001'"},
    {"burst=1.5", "'burst=1.5'"},
    {"seed=18446744073709551616", "'seed=18446744073709551616'"},
    {"seed=-1", "'seed=-1'"},
    {"seed=", "'seed='"},
    {"loss=75.1%,burst=3", "'loss=75.1%,burst=3'"},
    {"loss=1%\n", "'loss=1%?'"},
};
/* clang-format on */

static bool config_equal(const struct impair_config *a, const struct impair_config *b)
{
    return a->loss == b->loss && a->duplicate == b->duplicate && a->reorder == b->reorder &&
           a->corrupt == b->corrupt && a->burst == b->burst && a->delay_ns == b->delay_ns &&
           a->jitter_ns == b->jitter_ns && a->rate == b->rate && a->queue == b->queue &&
           a->queue_frames == b->queue_frames && a->burst_loss == b->burst_loss &&
           a->ack_loss == b->ack_loss && a->forge == b->forge && a->outage_ns == b->outage_ns &&
           a->every_ns == b->every_ns && a->mtu == b->mtu && a->seed == b->seed;
}

START_TEST(a_good_spec_is_read)
{
    for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
        struct impair_config in = {0}, out = {0};
        const struct impair_config *want = &specs[i].config;
        char error[200] = "untouched";
        ck_assert_msg(impair_parse(specs[i].spec, &in, &out, error, sizeof(error)) == 0, "%s",
                      error);
        ck_assert_msg(config_equal(&in, specs[i].where & IN ? want : &no_fault), "%s",
                      specs[i].spec);
        ck_assert_msg(config_equal(&out, specs[i].where & OUT ? want : &no_fault), "%s",
                      specs[i].spec);
        ck_assert_str_eq(error, "untouched");
    }
}
END_TEST

START_TEST(a_bad_spec_is_shown_and_changes_nothing)
{
    for (size_t i = 0; i < ARRAY_LEN(bad_specs); i++) {
        const struct impair_config before = {.loss = 5, .seed = 6};
        const char *spec = bad_specs[i].spec;
        size_t part_len = strlen(bad_specs[i].part);
        struct impair_config in = before, out = before;
        char error[200] = "";
        ck_assert_msg(impair_parse(spec, &in, &out, error, sizeof(error)) == -EINVAL, "%s", spec);
        ck_assert(config_equal(&in, &before));
        ck_assert(config_equal(&out, &before));
        ck_assert_msg(strncmp(error, bad_specs[i].part, part_len) == 0, "%s", error);
        ck_assert_uint_gt(strlen(error), part_len + 10);
        ck_assert_ptr_null(strchr(error, '\n'));

        /* In any room, and never behind it. */
        for (size_t room = 0; room <= sizeof(error); room++) {
            char *exact = malloc(room ? room : 1);
            ck_assert_int_eq(impair_parse(spec, &in, &out, exact, room), -EINVAL);
            if (room > 0) {
                ck_assert_uint_lt(strnlen(exact, room), room);
                ck_assert_int_eq(strncmp(exact, error, strlen(exact)), 0);
            }
            free(exact);
        }
    }
}
END_TEST

START_TEST(specs_add_up)
{
    struct impair_config in = {0}, out = {0};
    char error[200];
    ck_assert_int_eq(impair_parse("seed=7,delay=1ms", &in, &out, error, sizeof(error)), 0);
    ck_assert_int_eq(impair_parse("in:loss=50%", &in, &out, error, sizeof(error)), 0);
    ck_assert_int_eq(impair_parse("out:loss=25%,delay=2ms", &in, &out, error, sizeof(error)), 0);
    const struct impair_config want_in = {.seed = 7, .delay_ns = NS_PER_MS, .loss = 1U << 31};
    const struct impair_config want_out = {.seed = 7, .delay_ns = 2 * NS_PER_MS, .loss = 1U << 30};
    ck_assert(config_equal(&in, &want_in));
    ck_assert(config_equal(&out, &want_out));

    /* A contradiction is one as well when its halves come apart. */
    ck_assert_int_eq(impair_parse("in:loss=90%", &in, &out, error, sizeof(error)), 0);
    ck_assert_int_eq(impair_parse("in:burst=2", &in, &out, error, sizeof(error)), -EINVAL);
}
END_TEST

static TCase *new_tcase(Suite *s, const char *name)
{
    TCase *c = tcase_create(name);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 60);
    suite_add_tcase(s, c);
    return c;
}

int main(void)
{
    Suite *s = suite_create("impair");

    TCase *c = new_tcase(s, "how often");
    tcase_add_test(c, a_wire_without_faults_changes_nothing);
    tcase_add_loop_test(c, loss_takes_its_share, 0, ARRAY_LEN(shares));
    tcase_add_loop_test(c, bursts_keep_the_share_and_have_their_length, 0, ARRAY_LEN(bursts));
    tcase_add_loop_test(c, duplication_adds_its_share, 0, ARRAY_LEN(shares));
    tcase_add_loop_test(c, reordering_lets_at_most_eight_overtake, 0, ARRAY_LEN(shares));
    tcase_add_test(c, a_frame_that_nobody_overtakes_comes_after_10_ms);

    c = new_tcase(s, "corruption");
    tcase_add_loop_test(c, corruption_takes_its_share, 0, ARRAY_LEN(shares));
    tcase_add_test(c, a_corruption_is_always_seen_by_the_checksum);
    tcase_add_loop_test(c, an_unfinished_checksum_is_completed_before_it_is_corrupted, 0,
                        (int)ARRAY_LEN(layouts));
    tcase_add_test(c, an_unfinished_checksum_passes_a_wire_that_does_not_corrupt);
    tcase_add_test(c, what_claims_to_be_big_and_what_is_bad_are_not_corrupted);

    c = new_tcase(s, "big frames");
    tcase_add_test(c, big_frames_are_cut_in_both_directions);
    tcase_add_test(c, a_device_without_big_frames_has_none_when_it_is_impaired);
    tcase_add_test(c, a_full_device_behind_it_neither_loses_nor_doubles_a_segment);
    tcase_add_test(c, what_comes_in_waits_behind_the_wire_until_the_caller_has_taken_its_segments);
    tcase_add_test(c, a_short_segment_is_padded_where_the_device_asks_for_it);

    c = new_tcase(s, "time");
    tcase_add_test(c, a_delay_is_exact_and_is_a_deadline);
    tcase_add_test(c, jitter_varies_the_delay_and_keeps_the_order);
    tcase_add_test(c, jitter_above_the_delay_never_looks_ahead);
    tcase_add_test(c, a_rate_sends_one_frame_after_the_other);
    tcase_add_test(c, a_full_queue_drops_the_newest);
    tcase_add_test(c, a_queue_counted_in_frames_holds_so_many_of_any_size);
    tcase_add_test(c, a_change_is_for_what_comes_and_overtakes_nobody);
    tcase_add_loop_test(c, extreme_rates_do_not_overflow, 0, ARRAY_LEN(rates));

    c = new_tcase(s, "caps and neighbours");
    tcase_add_test(c, what_is_under_way_has_a_cap);
    tcase_add_test(c, what_is_under_way_is_given_back_at_the_end);
    tcase_add_test(c, without_memory_frames_are_dropped_by_name);
    tcase_add_test(c, a_full_inner_device_holds_back_and_loses_nothing);
    tcase_add_test(c, an_inner_device_that_is_gone_is_reported);
    tcase_add_test(c, without_a_buffer_frames_stay_under_way);
    tcase_add_test(c, a_new_mtu_of_the_inner_device_is_ours);

    c = new_tcase(s, "one seed");
    tcase_add_test(c, one_seed_gives_one_fate);
    tcase_add_test(c, each_direction_has_a_fate_of_its_own);

    c = new_tcase(s, "the words");
    tcase_add_test(c, a_good_spec_is_read);
    tcase_add_test(c, a_bad_spec_is_shown_and_changes_nothing);
    tcase_add_test(c, specs_add_up);

    return run_suite(s, "impair");
}
