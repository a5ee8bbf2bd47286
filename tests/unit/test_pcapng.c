/*
 * test_pcapng.c - captures, read back block by block by a reader of the test's own.
 */
#include "see/pcapng.h"

#include <errno.h>
#include <stdlib.h>

#include "base/checksum.h"
#include "see/capture.h"
#include "support/memory_sink.h"
#include "support/proves.h"

#define WALL_BASE INT64_C(1700000000123456789)
static const instant mono_base = {5000000000};

static struct memory_sink out;
static struct pcapng p;
static struct capture capture;
static uint8_t octets[70000];

static const struct pcapng_config config = {
    .device = "tap0",
    .os = "Linux 6.1.0",
    .comment = "a test",
    .ethernet = true,
    .wall_base_ns = WALL_BASE,
    .mono_base = {5000000000},
};

static void given_an_empty_sink(void)
{
    memory_sink_init(&out);
    for (size_t i = 0; i < sizeof(octets); i++)
        octets[i] = (uint8_t)(i * 7 + 1);
}

static void given_an_open_capture(void)
{
    given_an_empty_sink();
    ck_assert_int_eq(pcapng_open(&p, &out.sink, &config), 0);
}

/* --- reading back ------------------------------------------------------------------------- */

struct block {
    uint32_t type;
    struct bytes body;
};

static uint16_t be16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t le32(const uint8_t *at)
{
    return (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
}

static uint64_t le64(const uint8_t *at)
{
    return (uint64_t)le32(at + 4) << 32 | le32(at);
}

/* A time stamp: the upper half first. */
static uint64_t time_at(const uint8_t *at)
{
    return (uint64_t)le32(at) << 32 | le32(at + 4);
}

/* The block at *offset, which moves behind it; false at the end of the file. */
static bool next_block(size_t len, size_t *offset, struct block *block)
{
    if (*offset == len)
        return false;
    ck_assert_uint_ge(len - *offset, 12);
    const uint8_t *at = out.at + *offset;
    uint32_t block_len = le32(at + 4);
    ck_assert_uint_eq(block_len % 4, 0);
    ck_assert_uint_ge(block_len, 12);
    ck_assert_uint_le(block_len, len - *offset);
    ck_assert_uint_eq(le32(at + block_len - 4), block_len);
    *block = (struct block){le32(at), bytes_of(at + 8, block_len - 12)};
    *offset += block_len;
    return true;
}

static struct block block_at(int index)
{
    struct block block = {0};
    size_t offset = 0;
    for (int i = 0; i <= index; i++)
        ck_assert(next_block(out.len, &offset, &block));
    return block;
}

static int blocks_in(size_t len)
{
    struct block block;
    size_t offset = 0;
    int n = 0;
    while (next_block(len, &offset, &block))
        n++;
    return n;
}

/* The value of an option that is there exactly once; checks that the list ends as it must. */
static struct bytes option_of(struct bytes options, uint16_t code)
{
    struct bytes found = {0};
    int times = 0;
    for (;;) {
        ck_assert_uint_ge(options.len, 4);
        uint32_t head = le32(options.at);
        uint32_t len = head >> 16;
        options = bytes_skip(options, 4);
        if ((head & 0xffff) == 0)
            break;
        ck_assert_uint_ge(options.len, (len + 3) / 4 * 4);
        if ((head & 0xffff) == code) {
            found = bytes_first(options, len);
            times++;
        }
        for (uint32_t i = len; i % 4; i++)
            ck_assert_uint_eq(options.at[i], 0);
        options = bytes_skip(options, (len + 3) / 4 * 4);
    }
    ck_assert_uint_eq(options.len, 0); /* opt_endofopt is the last */
    ck_assert_msg(times == 1, "option %u is there %d times", code, times);
    return found;
}

static void assert_text(struct bytes value, const char *text)
{
    ck_assert_uint_eq(value.len, strlen(text));
    ck_assert_mem_eq(value.at, text, value.len);
}

struct epb {
    uint32_t interface, captured, original, flags;
    uint64_t when, id;
    struct bytes data, comment;
};

static struct epb packet_in(struct block block)
{
    ck_assert_uint_eq(block.type, 6);
    const uint8_t *at = block.body.at;
    struct epb e = {.interface = le32(at),
                    .when = time_at(at + 4),
                    .captured = le32(at + 12),
                    .original = le32(at + 16)};
    size_t padded = (e.captured + 3u) / 4 * 4;
    e.data = bytes_of(at + 20, e.captured);
    for (size_t i = e.captured; i < padded; i++)
        ck_assert_uint_eq(at[20 + i], 0);
    struct bytes options = bytes_skip(block.body, 20 + padded);
    e.flags = le32(option_of(options, 2).at);
    e.id = le64(option_of(options, 5).at);
    e.comment = option_of(options, 1);
    return e;
}

/* --- writing ------------------------------------------------------------------------------ */

static struct pcapng_packet packet_of(struct iovec *iov, size_t len)
{
    *iov = (struct iovec){octets, len};
    return (struct pcapng_packet){
        .id = 1, .when = mono_base, .iov = iov, .iovcnt = 1, .comment = bytes_of("why=x", 5)};
}

static void write_packet(size_t len)
{
    struct iovec iov;
    struct pcapng_packet packet = packet_of(&iov, len);
    pcapng_packet(&p, &packet);
}

START_TEST(capture_starts_with_a_section_and_two_interfaces)
{
    struct block section = block_at(0);
    ck_assert_uint_eq(section.type, 0x0a0d0d0a);
    ck_assert_uint_eq(le32(section.body.at), 0x1a2b3c4d);
    ck_assert_uint_eq(le32(section.body.at + 4), 0x00000001); /* version 1.0 */
    ck_assert(le64(section.body.at + 8) == UINT64_MAX);
    struct bytes options = bytes_skip(section.body, 16);
    assert_text(option_of(options, 1), "a test");
    assert_text(option_of(options, 3), "Linux 6.1.0");
    assert_text(option_of(options, 4), "tapio");

    static const char *const names[] = {"tap0", "tap0-dropped"};
    for (int i = 0; i < 2; i++) {
        struct block interface = block_at(1 + i);
        ck_assert_uint_eq(interface.type, 1);
        ck_assert_uint_eq(le32(interface.body.at), 1u); /* Ethernet, reserved zero */
        ck_assert_uint_eq(le32(interface.body.at + 4), PCAPNG_SNAP_DEFAULT);
        options = bytes_skip(interface.body, 8);
        assert_text(option_of(options, 2), names[i]);
        struct bytes resolution = option_of(options, 9);
        ck_assert(resolution.len == 1 && resolution.at[0] == 9);
    }
    ck_assert_int_eq(blocks_in(out.len), 3);
    ck_assert_int_eq(out.calls, 3);
}
END_TEST

START_TEST(capture_without_ethernet_has_the_raw_ip_link_type)
{
    struct pcapng_config other = config;
    given_an_empty_sink();
    other.ethernet = false;
    other.os = NULL;
    other.comment = NULL;
    ck_assert_int_eq(pcapng_open(&p, &out.sink, &other), 0);
    ck_assert_uint_eq(le32(block_at(1).body.at), 101u);
    ck_assert_uint_eq(le32(block_at(2).body.at), 101u);
}
END_TEST

START_TEST(packet_of_any_length_is_padded_to_four_octets)
{
    size_t len = (size_t)_i;
    write_packet(len);
    struct epb e = packet_in(block_at(3));
    ck_assert_uint_eq(e.captured, len);
    ck_assert_uint_eq(e.original, len);
    if (len > 0)
        ck_assert_mem_eq(e.data.at, octets, len);
    ck_assert_uint_eq(p.packets, 1);
    ck_assert_uint_eq(p.octets, out.len);
}
END_TEST

START_TEST(packet_has_direction_id_interface_and_comment)
{
    struct iovec iov;
    struct pcapng_packet packet = packet_of(&iov, 60);
    bool outgoing = _i & 1, dropped = _i & 2;
    packet.id = UINT64_C(0x123456789abcdef0);
    packet.outgoing = outgoing;
    packet.dropped = dropped;
    pcapng_packet(&p, &packet);
    struct epb e = packet_in(block_at(3));
    ck_assert_uint_eq(e.flags, outgoing ? 2 : 1);
    ck_assert_uint_eq(e.interface, dropped ? 1 : 0);
    ck_assert_uint_eq(e.id, packet.id);
    assert_text(e.comment, "why=x");
}
END_TEST

static const struct {
    int64_t when;
    uint64_t wall;
} times[] = {
    {5000000000, WALL_BASE},
    {5000000001, WALL_BASE + 1},
    {6000000000, WALL_BASE + 1000000000},
    {4999999999, WALL_BASE - 1},
};

START_TEST(packet_time_is_the_wall_clock_to_the_nanosecond)
{
    struct iovec iov;
    struct pcapng_packet packet = packet_of(&iov, 60);
    packet.when = (instant){times[_i].when};
    pcapng_packet(&p, &packet);
    ck_assert(packet_in(block_at(3)).when == times[_i].wall);
}
END_TEST

static const struct {
    uint32_t snap_len;
    size_t len;
    uint32_t captured;
} snaps[] = {
    {0, 65549, 65549},
    {0, 65550, 65550},
    {0, 65551, 65550},
    {64, 63, 63},
    {64, 64, 64},
    {64, 65, 64},
    {61, 1514, 61},
    {UINT32_MAX, 65664, 65664},
    {UINT32_MAX, 65665, 65664},
    {UINT32_MAX, 70000, 65664},
};

START_TEST(packet_is_cut_at_the_snap_length_and_says_so)
{
    struct pcapng_config other = config;
    given_an_empty_sink();
    other.snap_len = snaps[_i].snap_len;
    ck_assert_int_eq(pcapng_open(&p, &out.sink, &other), 0);
    write_packet(snaps[_i].len);
    struct epb e = packet_in(block_at(3));
    ck_assert_uint_eq(e.captured, snaps[_i].captured);
    ck_assert_uint_eq(e.original, snaps[_i].len);
    ck_assert_mem_eq(e.data.at, octets, e.captured);
}
END_TEST

START_TEST(largest_block_fits)
{
    static uint8_t long_comment[PCAPNG_STRING_MAX + 1];
    struct pcapng_config other = config;
    struct iovec iov;
    struct pcapng_packet packet = packet_of(&iov, 70000);

    memset(long_comment, 'c', sizeof(long_comment));
    other.snap_len = UINT32_MAX;
    given_an_empty_sink();
    ck_assert_int_eq(pcapng_open(&p, &out.sink, &other), 0);
    packet.comment = bytes_of(long_comment, sizeof(long_comment));
    pcapng_packet(&p, &packet);
    ck_assert_uint_eq(packet_in(block_at(3)).comment.len, PCAPNG_STRING_MAX);
}
END_TEST

START_TEST(packet_in_pieces_is_written_whole)
{
    struct iovec iov[] = {{octets, 14},        {octets + 14, 0},    {octets + 14, 1},
                          {octets + 15, 1999}, {octets + 2014, 86}, {octets + 2100, 0}};
    struct iovec whole;
    struct pcapng_packet packet = packet_of(&whole, 2100);
    packet.iov = iov;
    packet.iovcnt = ARRAY_LEN(iov);
    pcapng_packet(&p, &packet);
    struct epb e = packet_in(block_at(3));
    ck_assert_uint_eq(e.captured, 2100);
    ck_assert_mem_eq(e.data.at, octets, 2100);
}
END_TEST

/* --- partial checksums -------------------------------------------------------------------- */

enum { TEXT_AT = 54 };

/* The octets as an Ethernet frame with a TCP segment whose field holds the pseudo-header's sum. */
static void given_a_partial_checksum(size_t len, struct checksum *pseudo)
{
    *pseudo = (struct checksum){0};
    checksum_add_pseudo(pseudo, ip_from_v4(0x0a090001), ip_from_v4(0x0a090002), 6,
                        (uint32_t)(len - 34));
    put_be16(octets + 34 + 16, checksum_fold(*pseudo));
}

/* Over a right checksum and its pseudo-header the sum is zero. */
static bool is_right(struct bytes frame, struct checksum pseudo)
{
    checksum_add(&pseudo, bytes_skip(frame, 34));
    return checksum_finish(pseudo) == 0;
}

START_TEST(partial_checksum_is_completed_in_the_copy_alone)
{
    /* odd and even lengths, and cuts at every offset around the field */
    size_t len = 54 + (size_t)_i % 5 + (_i > 20 ? 65000 : 0);
    size_t cut = 33 + (size_t)_i;
    struct checksum pseudo;
    struct iovec whole;
    struct pcapng_packet packet = packet_of(&whole, len);

    given_a_partial_checksum(len, &pseudo);
    uint16_t before = be16(octets + 50);
    struct iovec iov[] = {{octets, cut}, {octets + cut, len - cut}};
    if (cut < len) {
        packet.iov = iov;
        packet.iovcnt = 2;
    }
    packet.meta =
        (struct frame_meta){.flags = FRAME_NEEDS_CSUM, .csum_start = 34, .csum_offset = 16};
    pcapng_packet(&p, &packet);
    struct epb e = packet_in(block_at(3));
    ck_assert(is_right(e.data, pseudo));
    ck_assert_uint_eq(be16(octets + 50), before);
    ck_assert_mem_eq(e.data.at, octets, 50);
    ck_assert_mem_eq(e.data.at + 52, octets + 52, len - 52);
}
END_TEST

START_TEST(partial_checksum_stays_in_a_raw_capture)
{
    struct pcapng_config other = config;
    struct checksum pseudo;
    struct iovec iov;

    given_an_empty_sink();
    other.raw = true;
    ck_assert_int_eq(pcapng_open(&p, &out.sink, &other), 0);
    struct pcapng_packet packet = packet_of(&iov, 100);
    given_a_partial_checksum(100, &pseudo);
    packet.meta =
        (struct frame_meta){.flags = FRAME_NEEDS_CSUM, .csum_start = 34, .csum_offset = 16};
    pcapng_packet(&p, &packet);
    ck_assert_mem_eq(packet_in(block_at(3)).data.at, octets, 100);
}
END_TEST

static const struct {
    uint16_t start, offset;
    bool touched;
} lies[] = {
    {34, 16, true},
    {34, 64, true},
    {34, 65, false},
    {98, 0, true},
    {99, 0, false},
    {100, 0, false},
    {0, 98, true},
    {0, 99, false},
    {UINT16_MAX, 0, false},
    {0, UINT16_MAX, false},
    {UINT16_MAX, UINT16_MAX, false},
};

START_TEST(partial_checksum_outside_the_packet_is_not_believed)
{
    struct iovec iov;
    struct pcapng_packet packet = packet_of(&iov, 100);
    packet.meta = (struct frame_meta){
        .flags = FRAME_NEEDS_CSUM, .csum_start = lies[_i].start, .csum_offset = lies[_i].offset};
    pcapng_packet(&p, &packet);
    struct epb e = packet_in(block_at(3));
    ck_assert((memcmp(e.data.at, octets, 100) != 0) == lies[_i].touched);
}
END_TEST

START_TEST(partial_checksum_of_a_cut_packet_is_that_of_the_whole)
{
    struct pcapng_config other = config;
    struct checksum pseudo;
    struct iovec iov;

    given_an_empty_sink();
    other.snap_len = TEXT_AT;
    ck_assert_int_eq(pcapng_open(&p, &out.sink, &other), 0);
    struct pcapng_packet packet = packet_of(&iov, 1001);
    given_a_partial_checksum(1001, &pseudo);
    packet.meta =
        (struct frame_meta){.flags = FRAME_NEEDS_CSUM, .csum_start = 34, .csum_offset = 16};
    pcapng_packet(&p, &packet);
    struct epb e = packet_in(block_at(3));
    memcpy(octets, e.data.at, TEXT_AT);
    ck_assert(is_right(bytes_of(octets, 1001), pseudo));
}
END_TEST

START_TEST(partial_checksum_behind_the_cut_is_left_alone)
{
    /* the field is the octets 50 and 51: behind the cut, or half behind it */
    struct pcapng_config other = config;
    struct checksum pseudo;
    struct iovec iov;

    given_an_empty_sink();
    other.snap_len = 49 + (uint32_t)_i;
    ck_assert_int_eq(pcapng_open(&p, &out.sink, &other), 0);
    struct pcapng_packet packet = packet_of(&iov, 1001);
    given_a_partial_checksum(1001, &pseudo);
    packet.meta =
        (struct frame_meta){.flags = FRAME_NEEDS_CSUM, .csum_start = 34, .csum_offset = 16};
    pcapng_packet(&p, &packet);
    struct epb e = packet_in(block_at(3)); /* and the padding is still zero */
    ck_assert_uint_eq(e.captured, other.snap_len);
    ck_assert_mem_eq(e.data.at, octets, e.captured);
}
END_TEST

START_TEST(zero_checksum_of_udp_is_written_as_all_ones)
{
    struct iovec iov;
    struct pcapng_packet packet = packet_of(&iov, 42);
    memset(octets, 0, 42);
    put_be16(octets + 34 + 6, 0xffff); /* the sum is all ones, its complement zero */
    packet.meta =
        (struct frame_meta){.flags = FRAME_NEEDS_CSUM, .csum_start = 34, .csum_offset = 6};
    pcapng_packet(&p, &packet);
    struct epb e = packet_in(block_at(3));
    ck_assert_uint_eq(be16(e.data.at + 40), 0xffff);
}
END_TEST

/* --- the end, and trouble ----------------------------------------------------------------- */

START_TEST(capture_ends_with_statistics_of_both_interfaces)
{
    struct pcapng_totals totals[PCAPNG_INTERFACES] = {
        {.received = 12, .dropped = 3}, {.received = 3, .comment = bytes_of("ip4.rx_csum=3", 13)}};
    pcapng_close(&p, totals, (instant){7000000000});
    for (int i = 0; i < 2; i++) {
        struct block block = block_at(3 + i);
        ck_assert_uint_eq(block.type, 5);
        ck_assert_uint_eq(le32(block.body.at), (uint32_t)i);
        ck_assert(time_at(block.body.at + 4) == WALL_BASE + 2000000000);
        struct bytes options = bytes_skip(block.body, 12);
        ck_assert(time_at(option_of(options, 2).at) == WALL_BASE);
        ck_assert(time_at(option_of(options, 3).at) == WALL_BASE + 2000000000);
        ck_assert_uint_eq(le64(option_of(options, 4).at), totals[i].received);
        ck_assert_uint_eq(le64(option_of(options, 5).at), totals[i].dropped);
        if (i == 1)
            assert_text(option_of(options, 1), "ip4.rx_csum=3");
    }
    ck_assert_int_eq(blocks_in(out.len), 5);
}
END_TEST

enum { CALLS = 3 + 4 + 2 }; /* of a capture with four packets */

static const struct pcapng_totals no_totals[PCAPNG_INTERFACES];

/* A whole capture over a sink that fails; returns what pcapng_open() said. */
static int run_capture(void)
{
    int err = pcapng_open(&p, &out.sink, &config);
    for (size_t i = 0; i < 4; i++)
        write_packet(60 + i);
    pcapng_close(&p, no_totals, mono_base);
    return err;
}

START_TEST(capture_stops_at_a_whole_block_when_a_write_fails)
{
    out.fail_at = _i;
    out.error = -28; /* ENOSPC */
    int err = run_capture();
    ck_assert_int_eq(err, _i < 3 ? -28 : 0);
    ck_assert_int_eq(p.error, -28);
    ck_assert_uint_eq(p.errors, 1);
    ck_assert_int_eq(out.calls, _i + 1); /* and never asked again */
    ck_assert_uint_eq(p.torn, 0);
    ck_assert_uint_eq(p.octets, out.len);
    ck_assert_int_eq(blocks_in(out.len), _i);
    ck_assert_uint_eq(p.packets + p.lost, 4);
    PROVES("F06");
}
END_TEST

START_TEST(capture_knows_its_last_whole_block_after_a_short_write)
{
    size_t short_by = _i % 3 == 0 ? 1 : _i % 3 == 1 ? 17 : SIZE_MAX;
    out.fail_at = _i / 3;
    out.short_by = short_by;
    run_capture();
    ck_assert_int_eq(p.error, -5); /* EIO */
    ck_assert_uint_eq(p.errors, 1);
    ck_assert_int_eq(out.calls, out.fail_at + 1);
    ck_assert_uint_eq(p.octets + p.torn, out.len);
    ck_assert_int_eq(blocks_in(p.octets), out.fail_at);
    ck_assert_uint_eq(p.packets + p.lost, 4);
    PROVES("F06");
}
END_TEST

START_TEST(capture_that_nothing_disturbs_is_whole)
{
    ck_assert_int_eq(run_capture(), 0);
    ck_assert_int_eq(out.calls, CALLS);
    ck_assert_int_eq(blocks_in(out.len), CALLS);
    ck_assert_uint_eq(p.errors + p.lost + p.torn, 0);
}
END_TEST

/* --- blocks that wait --------------------------------------------------------------------- */

static uint8_t
    hold[4 * PCAPNG_BLOCK_MAX]; /* of two halves, each with room for a block behind one */

static void given_a_capture_that_holds(void)
{
    struct pcapng_config held = config;

    given_an_empty_sink();
    held.hold = hold;
    held.hold_len = sizeof hold;
    ck_assert_int_eq(pcapng_open(&p, &out.sink, &held), 0);
}

START_TEST(blocks_that_wait_leave_together_when_they_are_flushed)
{
    ck_assert_int_eq(out.calls, 1); /* the start leaves at once: its error is the caller's */
    ck_assert_int_eq(blocks_in(out.len), 3);
    for (size_t i = 0; i < 4; i++)
        write_packet(60 + i);
    ck_assert_int_eq(out.calls, 1);
    pcapng_flush(&p);
    ck_assert_int_eq(out.calls, 2);
    ck_assert_int_eq(blocks_in(out.len), 7);
    ck_assert_uint_eq(p.octets, out.len);
    pcapng_flush(&p);
    ck_assert_int_eq(out.calls, 2); /* nothing waits */
    write_packet(60);
    pcapng_close(&p, no_totals, mono_base);
    ck_assert_int_eq(out.calls, 3);
    ck_assert_int_eq(blocks_in(out.len), 10);
    ck_assert_uint_eq(p.packets, 5);
}
END_TEST

START_TEST(blocks_that_wait_leave_by_themselves_when_the_next_may_not_fit)
{
    write_packet(65500);
    ck_assert_int_eq(out.calls, 1);
    write_packet(65500);
    ck_assert_int_eq(out.calls, 2);
    ck_assert_int_eq(blocks_in(out.len), 5);
    for (int i = 0; i < 10000 && out.calls < 3; i++)
        write_packet(60);
    ck_assert_int_eq(out.calls, 3);
    ck_assert_uint_eq(p.octets, out.len);
}
END_TEST

/* 0 to 3 packets' worth of octets and everything between: what is whole counts, and nothing else.
 */
START_TEST(blocks_that_wait_and_do_not_leave_are_taken_back)
{
    size_t start = out.len;
    uint64_t before = p.octets;

    for (size_t i = 0; i < 3; i++)
        write_packet(60 + i);
    out.fail_at = 1;
    out.short_by = (size_t)_i * 4;
    out.error = _i == 0 ? -28 : 0;
    pcapng_flush(&p);
    ck_assert_uint_eq(p.errors, 1);
    ck_assert_int_eq(p.error, _i == 0 ? -28 : -5);
    ck_assert_uint_eq(p.octets + p.torn, out.len);
    ck_assert(p.torn < 8 || p.torn < le32(out.at + p.octets + 4)); /* else it would be whole */
    ck_assert_uint_ge(p.octets, before);
    ck_assert_int_eq(blocks_in(p.octets), 3 + (int)p.packets);
    ck_assert_uint_eq(p.packets + p.lost, 3);
    ck_assert(_i != 0 || out.len == start);
    write_packet(60);
    pcapng_flush(&p);
    pcapng_close(&p, no_totals, mono_base);
    ck_assert_int_eq(out.calls, 2); /* and never asked again */
    ck_assert_uint_eq(p.lost + p.packets, 4);
    PROVES("F06");
}
END_TEST

/* --- blocks that leave while others are made ---------------------------------------------- */

/* A sink that writes when it is asked the second time what has become of it, and looks then whether
 * the octets are still what they were. */
static struct begun {
    struct bytes octets;
    uint8_t seen[2 * PCAPNG_BLOCK_MAX];
    int looks, times;
    bool refuses;
} begun;

static int begin_later(struct octet_sink *sink, struct bytes piece)
{
    (void)sink;
    ck_assert_uint_eq(begun.octets.len, 0);
    if (begun.refuses)
        return -11;
    begun.octets = piece;
    begun.looks = 0;
    begun.times++;
    memcpy(begun.seen, piece.at, piece.len);
    return 0;
}

static int settle_later(struct octet_sink *sink, bool wait)
{
    ck_assert_uint_gt(begun.octets.len, 0);
    if (!wait && begun.looks++ == 0)
        return -EAGAIN;
    ck_assert_mem_eq(begun.seen, begun.octets.at, begun.octets.len);
    const struct iovec iov = {begun.seen, begun.octets.len};
    begun.octets = (struct bytes){0};
    return sink->write(sink, &iov, 1);
}

static void given_a_sink_that_writes_later(void)
{
    struct pcapng_config held = config;

    given_an_empty_sink();
    memset(&begun, 0, sizeof begun);
    out.sink.begin = begin_later;
    out.sink.settle = settle_later;
    held.hold = hold;
    held.hold_len = sizeof hold;
    ck_assert_int_eq(pcapng_open(&p, &out.sink, &held), 0);
    ck_assert_int_eq(blocks_in(out.len), 3);
}

static void teardown_later(void)
{
    out.sink.begin = NULL;
    out.sink.settle = NULL;
}

START_TEST(blocks_leave_while_others_are_made_in_their_order)
{
    for (size_t i = 1; i <= 4; i++)
        write_packet(i);
    ck_assert(!pcapng_flush(&p)); /* begun */
    for (size_t i = 5; i <= 7; i++)
        write_packet(i);
    ck_assert(!pcapng_flush(&p)); /* still on their way */
    ck_assert_int_eq(begun.times, 2);
    ck_assert_int_eq(blocks_in(out.len), 3);
    ck_assert(!pcapng_flush(&p)); /* there, and the next ones have begun */
    ck_assert_int_eq(blocks_in(out.len), 7);
    ck_assert(!pcapng_flush(&p));
    ck_assert(pcapng_flush(&p));
    ck_assert_int_eq(blocks_in(out.len), 10);
    write_packet(8);
    ck_assert(!pcapng_flush(&p));
    write_packet(9);
    pcapng_close(&p, no_totals, mono_base); /* waits for both */
    ck_assert_int_eq(blocks_in(out.len), 14);
    for (int i = 0; i < 9; i++)
        ck_assert_uint_eq(packet_in(block_at(3 + i)).captured, (uint32_t)i + 1);
    ck_assert_uint_eq(p.octets, out.len);
}
END_TEST

START_TEST(blocks_without_room_wait_for_those_that_leave)
{
    int n = 0;

    for (; n < 10000 && out.len < 3 * sizeof hold / 2; n++)
        write_packet(1000);
    ck_assert_int_lt(n, 10000);
    pcapng_close(&p, no_totals, mono_base);
    ck_assert_int_eq(blocks_in(out.len), 3 + n + 2);
    ck_assert_uint_eq(p.packets, (uint64_t)n);
}
END_TEST

/* The first three are on their way and come to nothing, or to a part; the two behind them are never
 * written. */
START_TEST(blocks_behind_those_that_failed_are_taken_back_with_them)
{
    size_t start = out.len;

    for (size_t i = 0; i < 3; i++)
        write_packet(60 + i);
    ck_assert(!pcapng_flush(&p));
    write_packet(80);
    write_packet(81);
    out.fail_at = out.calls;
    out.short_by = (size_t)_i * 4;
    out.error = _i == 0 ? -28 : 0;
    ck_assert(!pcapng_flush(&p));
    ck_assert(pcapng_flush(&p));
    ck_assert_uint_eq(p.errors, 1);
    ck_assert_int_eq(p.error, _i == 0 ? -28 : -5);
    ck_assert_uint_eq(p.octets + p.torn, out.len);
    ck_assert_int_eq(blocks_in(p.octets), 3 + (int)p.packets);
    ck_assert_uint_eq(p.packets + p.lost, 5);
    ck_assert_uint_le(p.packets, 2);
    ck_assert(_i != 0 || out.len == start);
    write_packet(60);
    pcapng_close(&p, no_totals, mono_base);
    ck_assert_uint_eq(p.packets + p.lost, 6);
    ck_assert_int_eq(begun.times, 2); /* and never asked again */
    PROVES("F06");
}
END_TEST

START_TEST(blocks_that_the_sink_does_not_begin_with_are_taken_back)
{
    write_packet(60);
    begun.refuses = true;
    ck_assert(pcapng_flush(&p));
    ck_assert_int_eq(p.error, -11);
    ck_assert_uint_eq(p.packets, 0);
    ck_assert_uint_eq(p.lost, 1);
    ck_assert_uint_eq(p.octets, out.len);
}
END_TEST

/* --- from events -------------------------------------------------------------------------- */

static struct conn_facts facts = {.id = 3,
                                  .state = TCPS_SYN_RECEIVED,
                                  .cwnd = 14480,
                                  .ssthresh = UINT32_MAX,
                                  .inflight = 1,
                                  .srtt_us = 0,
                                  .rto_ms = 1000};

static struct event packet_event(struct iovec *iov)
{
    *iov = (struct iovec){octets, 60};
    struct event e = {.type = EVENT_PACKET, .conn = 3, .when = mono_base};
    e.packet.id = 7;
    e.packet.fate = PACKET_CONSUMED;
    e.packet.why = WHY_IN_SYN;
    e.packet.tcp = true;
    e.packet.facts = &facts;
    e.packet.iov = iov;
    e.packet.iovcnt = 1;
    e.packet.ethernet = true;
    return e;
}

static const char *comment_of(const struct event *event)
{
    static char buffer[CAPTURE_COMMENT];
    struct text t = text_of(buffer, sizeof(buffer));
    capture_comment(event, &t);
    ck_assert(!t.cut);
    return buffer;
}

START_TEST(comment_of_a_segment_has_the_facts_in_order)
{
    struct iovec iov;
    struct event e = packet_event(&iov);
    ck_assert_str_eq(comment_of(&e),
                     "conn=3 state=SYN-RECEIVED cwnd=14480 ssthresh=inf inflight=1 srtt_us=0 "
                     "rto_ms=1000 why=syn-received | A peer opens a connection: it waits half-open "
                     "for the third step (RFC 9293, 3.10.7.2).");
}
END_TEST

START_TEST(comment_shows_ssthresh_after_a_loss)
{
    struct iovec iov;
    struct event e = packet_event(&iov);
    struct conn_facts later = facts;
    later.ssthresh = 7240;
    later.srtt_us = 812;
    e.packet.facts = &later;
    ck_assert_ptr_nonnull(strstr(comment_of(&e), " ssthresh=7240 inflight=1 srtt_us=812 "));
}
END_TEST

START_TEST(comment_of_a_segment_without_a_connection_says_closed)
{
    struct iovec iov;
    struct event e = packet_event(&iov);
    e.packet.facts = NULL;
    e.packet.fate = PACKET_OUT;
    e.packet.why = WHY_OUT_RST_CLOSED;
    ck_assert_str_eq(comment_of(&e),
                     "conn=0 state=CLOSED why=reset-no-connection | There is no connection and no "
                     "listener for this segment (RFC 9293, 3.10.7.1).");
}
END_TEST

START_TEST(comment_of_other_packets_has_only_the_reason)
{
    struct iovec iov;
    struct event e = packet_event(&iov);
    e.packet.facts = NULL;
    e.packet.tcp = false;
    e.packet.why = WHY_ARP_REPLY;
    ck_assert_str_eq(comment_of(&e), "why=arp-reply | Somebody asked for our address: we answer "
                                     "the asker alone (RFC 826).");
}
END_TEST

START_TEST(comment_of_a_dropped_packet_names_the_drop)
{
    struct iovec iov;
    struct event e = packet_event(&iov);
    e.packet.facts = NULL;
    e.packet.tcp = false;
    e.packet.fate = PACKET_DROPPED;
    e.packet.drop = DROP_IP4_CHECKSUM;
    e.packet.why = WHY_NONE;
    ck_assert_str_eq(comment_of(&e), "why=dropped drop=ip4.rx_csum | Discarded: the header "
                                     "checksum is wrong (RFC 1122, 3.2.1.2).");
    e.packet.why = WHY_IN_CHALLENGED;
    ck_assert_ptr_nonnull(strstr(comment_of(&e), "why=challenged drop=ip4.rx_csum | Discarded: "));
}
END_TEST

START_TEST(comment_of_any_reason_and_drop_fits)
{
    struct iovec iov;
    struct event e = packet_event(&iov);
    struct conn_facts largest = {.id = UINT32_MAX,
                                 .state = TCPS_SYN_RECEIVED,
                                 .cwnd = UINT32_MAX,
                                 .ssthresh = UINT32_MAX - 1,
                                 .inflight = UINT32_MAX,
                                 .srtt_us = INT64_MIN,
                                 .rto_ms = INT64_MIN};
    e.packet.facts = &largest;
    for (int why = 0; why < WHY_COUNT; why++) {
        e.packet.why = (enum why)why;
        ck_assert_uint_gt(strlen(comment_of(&e)), 0);
        e.packet.fate = PACKET_DROPPED;
        for (int drop = 1; drop < DROP_COUNT; drop++) {
            e.packet.drop = (enum drop)drop;
            ck_assert_uint_gt(strlen(comment_of(&e)), 0);
        }
        e.packet.fate = PACKET_OUT;
    }
}
END_TEST

START_TEST(capture_turns_packet_events_into_packets_and_ignores_others)
{
    struct iovec iov;
    struct event e = packet_event(&iov);
    struct event other = {.type = EVENT_STATE};

    ck_assert_int_eq(capture_open(&capture, &out.sink, &config), 0);
    capture.sink.event(&capture.sink, &e);
    capture.sink.event(&capture.sink, &other);
    e.packet.id = 8;
    e.packet.fate = PACKET_DROPPED;
    e.packet.drop = DROP_TCP_SEQUENCE;
    capture.sink.event(&capture.sink, &e);
    e.packet.id = 9;
    e.packet.fate = PACKET_OUT;
    capture.sink.event(&capture.sink, &e);
    capture_close(&capture, mono_base);

    ck_assert_int_eq(blocks_in(out.len), 3 + 3 + 2);
    static const struct {
        uint64_t id;
        uint32_t interface, flags;
    } expected[] = {{7, 0, 1}, {8, 1, 1}, {9, 0, 2}};
    for (int i = 0; i < 3; i++) {
        struct epb packet = packet_in(block_at(3 + i));
        ck_assert_uint_eq(packet.id, expected[i].id);
        ck_assert_uint_eq(packet.interface, expected[i].interface);
        ck_assert_uint_eq(packet.flags, expected[i].flags);
    }
    struct bytes passed = bytes_skip(block_at(6).body, 12);
    ck_assert_uint_eq(le64(option_of(passed, 4).at), 2); /* received */
    ck_assert_uint_eq(le64(option_of(passed, 5).at), 1); /* of which dropped */
    assert_text(option_of(passed, 1), "consumed=1 sent=1");
    assert_text(option_of(bytes_skip(block_at(7).body, 12), 1), "tcp.rx_seq=1");
}
END_TEST

/* What is said of the packet in the capture, the next one there, is what is to be said of it. */
static void capture_says(const struct event *e, int *block)
{
    capture.sink.event(&capture.sink, e);
    assert_text(packet_in(block_at((*block)++)).comment, comment_of(e));
}

/* A comment is made anew only where it differs from the last one: each fact makes it differ. */
START_TEST(capture_says_of_each_packet_what_is_true_of_it)
{
    struct iovec iov;
    struct event e = packet_event(&iov);
    struct conn_facts changed[7];
    int block = 3;

    for (size_t i = 0; i < ARRAY_LEN(changed); i++)
        changed[i] = facts;
    changed[0].id++;
    changed[1].state = TCPS_ESTABLISHED;
    changed[2].cwnd++;
    changed[3].ssthresh = 1;
    changed[4].inflight++;
    changed[5].srtt_us++;
    changed[6].rto_ms++;
    ck_assert_int_eq(capture_open(&capture, &out.sink, &config), 0);
    for (size_t i = 0; i < ARRAY_LEN(changed); i++) {
        e.packet.facts = &changed[i];
        capture_says(&e, &block);
        e.packet.facts = &facts;
        capture_says(&e, &block);
        capture_says(&e, &block);
    }
    e.packet.why = WHY_IN_FIN;
    capture_says(&e, &block);
    e.packet.drop = DROP_TCP_SEQUENCE;
    e.packet.fate = PACKET_DROPPED;
    capture_says(&e, &block);
    e.packet.drop = DROP_IP4_CHECKSUM;
    capture_says(&e, &block);
    e.packet.facts = NULL;
    capture_says(&e, &block);
    e.packet.tcp = false;
    capture_says(&e, &block);
    e.packet.fate = PACKET_CONSUMED;
    capture_says(&e, &block);
    e.packet.tcp = true;
    capture_says(&e, &block);
    e.packet.facts = &facts;
    capture_says(&e, &block);
}
END_TEST

START_TEST(capture_counts_packets_of_another_link_type_and_leaves_them_out)
{
    struct iovec iov;
    struct event e = packet_event(&iov);
    ck_assert_int_eq(capture_open(&capture, &out.sink, &config), 0);
    e.packet.ethernet = false;
    capture.sink.event(&capture.sink, &e);
    ck_assert_int_eq(blocks_in(out.len), 3);
    ck_assert_uint_eq(capture.misfits, 1);
}
END_TEST

START_TEST(capture_ends_within_its_room_when_everything_was_dropped)
{
    ck_assert_int_eq(capture_open(&capture, &out.sink, &config), 0);
    memset(capture.drops, 0xff, sizeof(capture.drops));
    capture_close(&capture, mono_base);
    ck_assert_int_eq(blocks_in(out.len), 5);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pcapng");
    TCase *c = tcase_create("blocks");
    tcase_add_checked_fixture(c, given_an_open_capture, NULL);
    tcase_add_test(c, capture_starts_with_a_section_and_two_interfaces);
    tcase_add_test(c, capture_without_ethernet_has_the_raw_ip_link_type);
    tcase_add_loop_test(c, packet_of_any_length_is_padded_to_four_octets, 0, 130);
    tcase_add_loop_test(c, packet_has_direction_id_interface_and_comment, 0, 4);
    tcase_add_loop_test(c, packet_time_is_the_wall_clock_to_the_nanosecond, 0, ARRAY_LEN(times));
    tcase_add_loop_test(c, packet_is_cut_at_the_snap_length_and_says_so, 0, ARRAY_LEN(snaps));
    tcase_add_test(c, largest_block_fits);
    tcase_add_test(c, packet_in_pieces_is_written_whole);
    tcase_add_test(c, capture_ends_with_statistics_of_both_interfaces);
    suite_add_tcase(s, c);

    c = tcase_create("partial checksums");
    tcase_add_checked_fixture(c, given_an_open_capture, NULL);
    tcase_add_loop_test(c, partial_checksum_is_completed_in_the_copy_alone, 0, 26);
    tcase_add_test(c, partial_checksum_stays_in_a_raw_capture);
    tcase_add_loop_test(c, partial_checksum_outside_the_packet_is_not_believed, 0, ARRAY_LEN(lies));
    tcase_add_test(c, partial_checksum_of_a_cut_packet_is_that_of_the_whole);
    tcase_add_loop_test(c, partial_checksum_behind_the_cut_is_left_alone, 0, 3);
    tcase_add_test(c, zero_checksum_of_udp_is_written_as_all_ones);
    suite_add_tcase(s, c);

    c = tcase_create("THREATS F06");
    tcase_add_checked_fixture(c, given_an_empty_sink, NULL);
    tcase_add_test(c, capture_that_nothing_disturbs_is_whole);
    tcase_add_loop_test(c, capture_stops_at_a_whole_block_when_a_write_fails, 0, CALLS);
    tcase_add_loop_test(c, capture_knows_its_last_whole_block_after_a_short_write, 0, 3 * CALLS);
    suite_add_tcase(s, c);

    c = tcase_create("blocks that wait");
    tcase_add_checked_fixture(c, given_a_capture_that_holds, NULL);
    tcase_add_test(c, blocks_that_wait_leave_together_when_they_are_flushed);
    tcase_add_test(c, blocks_that_wait_leave_by_themselves_when_the_next_may_not_fit);
    tcase_add_loop_test(c, blocks_that_wait_and_do_not_leave_are_taken_back, 0, 110);
    suite_add_tcase(s, c);

    c = tcase_create("blocks that leave while others are made");
    tcase_add_checked_fixture(c, given_a_sink_that_writes_later, teardown_later);
    tcase_add_test(c, blocks_leave_while_others_are_made_in_their_order);
    tcase_add_test(c, blocks_without_room_wait_for_those_that_leave);
    tcase_add_loop_test(c, blocks_behind_those_that_failed_are_taken_back_with_them, 0, 90);
    tcase_add_test(c, blocks_that_the_sink_does_not_begin_with_are_taken_back);
    suite_add_tcase(s, c);

    c = tcase_create("comments");
    tcase_add_checked_fixture(c, given_an_empty_sink, NULL);
    tcase_add_test(c, comment_of_a_segment_has_the_facts_in_order);
    tcase_add_test(c, comment_shows_ssthresh_after_a_loss);
    tcase_add_test(c, comment_of_a_segment_without_a_connection_says_closed);
    tcase_add_test(c, comment_of_other_packets_has_only_the_reason);
    tcase_add_test(c, comment_of_a_dropped_packet_names_the_drop);
    tcase_add_test(c, comment_of_any_reason_and_drop_fits);
    tcase_add_test(c, capture_turns_packet_events_into_packets_and_ignores_others);
    tcase_add_test(c, capture_says_of_each_packet_what_is_true_of_it);
    tcase_add_test(c, capture_counts_packets_of_another_link_type_and_leaves_them_out);
    tcase_add_test(c, capture_ends_within_its_room_when_everything_was_dropped);
    suite_add_tcase(s, c);
    return run_suite(s, "pcapng");
}
