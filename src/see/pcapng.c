/*
 * pcapng.c - captures that Wireshark reads, in the pcapng format (draft-ietf-opsawg-pcapng).
 *
 * The format is a chain of blocks, each with its length in front and again behind:
 *
 *     SHB                section header: who wrote this
 *     IDB IDB            the two interfaces, 0: passed, 1: dropped
 *     EPB EPB EPB ...    a packet with its direction, id and comment
 *     ISB ISB            statistics, at the end
 *
 * Each block is made whole in p->room, behind those that wait, so that a full disk costs the
 * packets that did not fit and not the file. The price is one copy of each captured packet. What
 * was counted when it began to wait and then does not leave is taken back. A sink that writes while
 * the stack goes on has one half of the room for that, and the blocks of this moment wait in the
 * other; it has failed by the time that they would follow, so they are taken back with the rest.
 *
 * A section says itself in which byte order it is. This one is little-endian, the same on every
 * machine: dumpcap, through which Wireshark reads pipes, takes no other than its own.
 *
 * A device with checksum offload hands over packets, and takes ours, with half a checksum: the sum
 * over the pseudo-header. Nobody on a wire would see that, so the copy gets the whole one, unless
 * `raw` is set. A big frame comes here as the segments that a wire would carry (stack_peek.c), each
 * a packet. Left out on purpose: name resolution blocks, hashes and more than one section.
 */
#include "see/pcapng.h"

#include <errno.h>

#include "base/checksum.h"

enum {
    BLOCK_SECTION = 0x0a0d0d0a,
    BLOCK_INTERFACE = 1,
    BLOCK_STATISTICS = 5,
    BLOCK_PACKET = 6,

    OPTION_END = 0,
    OPTION_COMMENT = 1,
    SECTION_OS = 3,
    SECTION_APPLICATION = 4,
    INTERFACE_NAME = 2,
    INTERFACE_DESCRIPTION = 3,
    INTERFACE_RESOLUTION = 9, /* of time stamps: 10^-n seconds */
    PACKET_FLAGS = 2,
    PACKET_LOST = 4, /* epb_dropcount */
    PACKET_ID = 5,
    STATISTICS_START = 2,
    STATISTICS_END = 3,
    STATISTICS_RECEIVED = 4,
    STATISTICS_DROPPED = 5,
    STATISTICS_LOST = 7, /* isb_osdrop: between the interface and the capture */

    FLAGS_INBOUND = 1,
    FLAGS_OUTBOUND = 2,

    LINK_ETHERNET = 1,
    LINK_RAW_IP = 101,

    /* Of so many octets that wait a piece may be made: the page cache takes it for half of what the
     * same octets cost in pieces of 64 KB. */
    PIECE = 1 << 20,

    PACKET_HEAD = 20, /* octets in front of the packet's own */
    PACKET_TAIL = 24, /* of the options that each one has, and their end */

    UDP_CSUM_OFFSET = 6,
    NAME_ROOM = 64,
};

#define BYTE_ORDER_MAGIC UINT32_C(0x1a2b3c4d)
#define LENGTH_UNKNOWN   UINT32_MAX /* both halves: a section that is read up to its end */

/* --- blocks and options ------------------------------------------------------------------- */

static struct writer begin(struct pcapng *p, uint32_t type)
{
    struct writer w = writer_of(p->room + p->waiting, PCAPNG_BLOCK_MAX);
    write_le32(&w, type);
    write_le32(&w, 0); /* the length, once it is known */
    return w;
}

static void fail(struct pcapng *p, int error)
{
    p->error = error;
    p->errors++;
}

/* Of these blocks the sink has taken so many octets: finds out what is lost. */
static void take_back(struct pcapng *p, struct bytes blocks, uint32_t taken)
{
    struct reader r = reader_of(blocks);
    uint32_t at = 0, whole = 0;

    while (r.rest.len > 0) {
        uint32_t type = read_le32(&r), len = read_le32(&r);
        read_bytes(&r, len - 8);
        assert(!r.overrun); /* we made them */
        at += len;
        if (at <= taken) {
            whole = at;
            continue;
        }
        p->octets -= len;
        if (type == BLOCK_PACKET) {
            p->packets--;
            p->lost++;
        }
    }
    p->torn += taken - whole;
}

/* What a sink says of blocks that it was given. */
static void settled(struct pcapng *p, struct bytes blocks, int taken)
{
    assert(taken < 0 || (size_t)taken <= blocks.len);
    if (taken >= 0 && (size_t)taken == blocks.len)
        return;
    fail(p, taken < 0 ? taken : -EIO);
    take_back(p, blocks, taken < 0 ? 0 : (uint32_t)taken);
}

/* Is nothing on its way any more? */
static bool settle(struct pcapng *p, bool wait)
{
    struct bytes blocks = bytes_of(p->other, p->leaving);

    if (p->leaving == 0)
        return true;
    int taken = p->sink->settle(p->sink, wait);
    if (taken == -EAGAIN && !wait)
        return false;
    p->leaving = 0;
    settled(p, blocks, taken);
    if (p->errors) {
        take_back(p, bytes_of(p->room, p->waiting), 0);
        p->waiting = 0;
    }
    return true;
}

static void write_now(struct pcapng *p)
{
    struct bytes blocks = bytes_of(p->room, p->waiting);
    const struct iovec iov = {.iov_base = p->room, .iov_len = p->waiting};

    p->waiting = 0;
    settled(p, blocks, p->sink->write(p->sink, &iov, 1));
}

static void write_later(struct pcapng *p)
{
    struct bytes blocks = bytes_of(p->room, p->waiting);
    int err = p->sink->begin(p->sink, blocks);

    p->waiting = 0;
    if (err) {
        settled(p, blocks, err);
        return;
    }
    p->leaving = (uint32_t)blocks.len;
    p->room = p->other;
    p->other = (uint8_t *)(uintptr_t)blocks.at;
}

static bool flush(struct pcapng *p, bool wait)
{
    if (!settle(p, wait))
        return false;
    if (p->waiting == 0)
        return true;
    if (p->other && p->sink->begin)
        write_later(p);
    else
        write_now(p);
    return p->leaving == 0;
}

bool pcapng_flush(struct pcapng *p)
{
    return flush(p, false);
}

/* Lets the block wait behind the others; where that is not to be, or no room for a next one would
 * be left, they leave. */
static void end(struct pcapng *p, struct writer *w)
{
    uint32_t len = (uint32_t)(w->at - (p->room + p->waiting)) + 4;
    struct writer front = writer_of(p->room + p->waiting + 4, 4);

    write_le32(w, len);
    assert(!w->overrun); /* PCAPNG_BLOCK_MAX has room for all that we bound */
    write_le32(&front, len);
    p->octets += len;
    p->waiting += len;
    if (p->waiting > p->room_len - PCAPNG_BLOCK_MAX)
        flush(p, true);
    else if (p->waiting >= PIECE)
        flush(p, false);
}

/* All that waits, to its end. */
static void flush_all(struct pcapng *p)
{
    flush(p, true);
    settle(p, true);
}

/* To the next multiple of four octets. */
static void pad(struct writer *w, size_t len)
{
    write_zeros(w, -len & 3);
}

static void option(struct writer *w, uint16_t code, struct bytes value)
{
    value = bytes_first(value, PCAPNG_STRING_MAX);
    write_le16(w, code);
    write_le16(w, (uint16_t)value.len);
    write_bytes(w, value.at, value.len);
    pad(w, value.len);
}

static void option_string(struct writer *w, uint16_t code, const char *string)
{
    if (string)
        option(w, code, bytes_of(string, strlen(string)));
}

static inline void option_u32(struct writer *w, uint16_t code, uint32_t value)
{
    write_le16(w, code);
    write_le16(w, 4);
    write_le32(w, value);
}

static inline void write_le64(struct writer *w, uint64_t value)
{
    write_le32(w, (uint32_t)value);
    write_le32(w, (uint32_t)(value >> 32));
}

static inline void option_u64(struct writer *w, uint16_t code, uint64_t value)
{
    write_le16(w, code);
    write_le16(w, 8);
    write_le64(w, value);
}

static inline void options_end(struct writer *w)
{
    write_le16(w, OPTION_END);
    write_le16(w, 0);
}

/* A time stamp is no number of 64 bits but two of 32, the upper first, in either byte order. */
static inline void write_time(struct writer *w, uint64_t when)
{
    write_le32(w, (uint32_t)(when >> 32));
    write_le32(w, (uint32_t)when);
}

static void option_time(struct writer *w, uint16_t code, uint64_t when)
{
    write_le16(w, code);
    write_le16(w, 8);
    write_time(w, when);
}

/* Nanoseconds since 1970. Unsigned, so that no instant, however odd, is undefined behaviour. */
static uint64_t wall_time(const struct pcapng *p, instant when)
{
    return (uint64_t)p->wall_base_ns + ((uint64_t)when.ns - (uint64_t)p->mono_base.ns);
}

/* --- the start of a capture --------------------------------------------------------------- */

static void section_header(struct pcapng *p, const struct pcapng_config *config)
{
    struct writer w = begin(p, BLOCK_SECTION);

    write_le32(&w, BYTE_ORDER_MAGIC);
    write_le16(&w, 1); /* version 1.0 */
    write_le16(&w, 0);
    write_le32(&w, LENGTH_UNKNOWN);
    write_le32(&w, LENGTH_UNKNOWN);
    option_string(&w, OPTION_COMMENT, config->comment);
    option_string(&w, SECTION_OS, config->os);
    option_string(&w, SECTION_APPLICATION, "tapio");
    options_end(&w);
    end(p, &w);
}

static void interface_description(struct pcapng *p, const char *device, bool dropped)
{
    static const uint8_t nanoseconds = 9;
    char buffer[NAME_ROOM];
    struct writer name = writer_of(buffer, sizeof(buffer));
    struct writer w = begin(p, BLOCK_INTERFACE);

    struct bytes base = bytes_first(bytes_of(device, strlen(device)), NAME_ROOM / 2);
    write_bytes(&name, base.at, base.len);
    if (dropped)
        write_bytes(&name, "-dropped", strlen("-dropped"));

    write_le16(&w, p->ethernet ? LINK_ETHERNET : LINK_RAW_IP);
    write_le16(&w, 0); /* reserved */
    write_le32(&w, p->snap_len);
    option(&w, INTERFACE_NAME, bytes_of(buffer, sizeof(buffer) - name.left));
    option_string(&w, INTERFACE_DESCRIPTION,
                  dropped ? "what the stack received and discarded, and why"
                          : "what the stack received and took, and what it sent");
    option(&w, INTERFACE_RESOLUTION, bytes_of(&nanoseconds, 1));
    options_end(&w);
    end(p, &w);
}

int pcapng_open(struct pcapng *p, struct octet_sink *sink, const struct pcapng_config *config)
{
    uint32_t snap_len = config->snap_len ? config->snap_len : PCAPNG_SNAP_DEFAULT;

    *p = (struct pcapng){
        .sink = sink,
        .ethernet = config->ethernet,
        .raw = config->raw,
        .snap_len = u32_min(snap_len, PCAPNG_SNAP_MAX),
        .wall_base_ns = config->wall_base_ns,
        .mono_base = config->mono_base,
        .room = config->hold ? config->hold : p->own,
        .room_len = config->hold ? config->hold_len / 2 : PCAPNG_BLOCK_MAX,
        .other = config->hold ? config->hold + config->hold_len / 2 : NULL,
    };
    assert(p->room_len >= PCAPNG_BLOCK_MAX);
    section_header(p, config);
    if (!p->errors)
        interface_description(p, config->device, false);
    if (!p->errors)
        interface_description(p, config->device, true);
    flush_all(p); /* so that the caller hears of trouble now */
    return p->error;
}

/* --- packets ------------------------------------------------------------------------------ */

static size_t octets_in(const struct iovec *iov, int iovcnt)
{
    size_t sum = 0;

    for (int i = 0; i < iovcnt; i++)
        sum += iov[i].iov_len;
    return sum;
}

static void gather(struct writer *w, const struct iovec *iov, int iovcnt, size_t len)
{
    for (int i = 0; i < iovcnt && len > 0; i++) {
        size_t n = size_min(iov[i].iov_len, len);
        write_bytes(w, iov[i].iov_base, n);
        len -= n;
    }
    assert(len == 0);
}

/* Copies the packet's first `len` octets, and finds on the same way the checksum over everything
 * from `start` on, the half one in its field included: also what is not copied any more. */
static uint16_t gather_and_sum(struct writer *w, const struct iovec *iov, int iovcnt, size_t len,
                               size_t start)
{
    struct checksum c = {0};

    for (int i = 0; i < iovcnt; i++) {
        struct bytes piece = bytes_of(iov[i].iov_base, iov[i].iov_len);
        struct bytes before = bytes_first(piece, start), rest = bytes_skip(piece, before.len);
        struct bytes first = bytes_first(before, len);
        write_bytes(w, first.at, first.len);
        start -= before.len;
        len -= first.len;

        struct bytes kept = bytes_first(rest, len);
        checksum_copy(&c, write_header(w, kept.len).at, kept);
        checksum_add(&c, bytes_skip(rest, kept.len));
        len -= kept.len;
    }
    return checksum_finish(c);
}

/* The packet's first `len` octets, with a whole checksum. Where its field lies the device said, and
 * that may be a lie (of another process) or behind the snap length: then all stays as it is. */
static void write_octets(struct pcapng *p, struct writer *w, const struct pcapng_packet *packet,
                         size_t len)
{
    size_t start = packet->meta.csum_start;
    size_t field = start + packet->meta.csum_offset;
    uint8_t *copy = w->at;

    if (!(packet->meta.flags & FRAME_NEEDS_CSUM) || p->raw || field + 2 > len) {
        gather(w, packet->iov, packet->iovcnt, len);
        return;
    }
    uint16_t sum = gather_and_sum(w, packet->iov, packet->iovcnt, len, start);
    if (sum == 0 && packet->meta.csum_offset == UDP_CSUM_OFFSET)
        sum = 0xffff; /* zero says "none" there (RFC 768) */
    put_be16(copy + field, sum);
}

void pcapng_packet(struct pcapng *p, const struct pcapng_packet *packet)
{
    if (p->errors) {
        p->lost++;
        return;
    }

    size_t original_len = octets_in(packet->iov, packet->iovcnt);
    size_t len = size_min(original_len, p->snap_len);
    struct writer w = begin(p, BLOCK_PACKET);

    struct writer head = write_header(&w, PACKET_HEAD);
    write_le32(&head, packet->dropped ? PCAPNG_DROPPED : PCAPNG_PASSED);
    write_time(&head, wall_time(p, packet->when));
    write_le32(&head, (uint32_t)len);
    write_le32(&head, (uint32_t)original_len);
    write_octets(p, &w, packet, len);
    pad(&w, len);

    option(&w, OPTION_COMMENT, packet->comment);
    if (packet->lost_before > 0)
        option_u64(&w, PACKET_LOST, packet->lost_before);
    struct writer tail = write_header(&w, PACKET_TAIL);
    option_u32(&tail, PACKET_FLAGS, packet->outgoing ? FLAGS_OUTBOUND : FLAGS_INBOUND);
    option_u64(&tail, PACKET_ID, packet->id);
    options_end(&tail);
    p->packets++;
    end(p, &w);
}

/* --- the end of a capture ----------------------------------------------------------------- */

void pcapng_close(struct pcapng *p, const struct pcapng_totals totals[PCAPNG_INTERFACES],
                  instant now)
{
    for (uint32_t i = 0; i < PCAPNG_INTERFACES && !p->errors; i++) {
        struct writer w = begin(p, BLOCK_STATISTICS);
        write_le32(&w, i);
        write_time(&w, wall_time(p, now));
        if (totals[i].comment.len > 0)
            option(&w, OPTION_COMMENT, totals[i].comment);
        option_time(&w, STATISTICS_START, (uint64_t)p->wall_base_ns);
        option_time(&w, STATISTICS_END, wall_time(p, now));
        option_u64(&w, STATISTICS_RECEIVED, totals[i].received);
        option_u64(&w, STATISTICS_DROPPED, totals[i].dropped);
        if (totals[i].lost > 0)
            option_u64(&w, STATISTICS_LOST, totals[i].lost);
        options_end(&w);
        end(p, &w);
    }
    flush_all(p);
}
