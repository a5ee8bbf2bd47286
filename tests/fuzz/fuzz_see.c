/*
 * fuzz_see.c - what listeners make of any packet.
 *
 * The first octets choose how the packet is presented; the rest is the packet. Properties: a log
 * line is one printable line; a capture is a chain of whole blocks whose lengths agree; the packet
 * in it is the one that came, but for the two octets of a partial checksum; a chart is a whole
 * file of a bounded size.
 */
#include <stdlib.h>
#include <string.h>

#include "see/capture.h"
#include "see/log.h"
#include "see/plot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 1 << 18 };

struct keeper {
    struct octet_sink sink;
    size_t len;
    uint8_t at[ROOM];
};

static int keep(struct octet_sink *sink, const struct iovec *iov, int iovcnt)
{
    struct keeper *k = CONTAINER_OF(sink, struct keeper, sink);
    size_t taken = 0;

    for (int i = 0; i < iovcnt; i++) {
        assert(k->len + iov[i].iov_len <= ROOM);
        memcpy(k->at + k->len, iov[i].iov_base, iov[i].iov_len);
        k->len += iov[i].iov_len;
        taken += iov[i].iov_len;
    }
    return (int)taken;
}

static struct keeper file = {.sink = {.write = keep}}, lines = {.sink = {.write = keep}};
static struct capture capture;
static struct log journal;
static struct plot plot;
static struct memory memory;

static void check_line(void)
{
    assert(lines.len > 0 && lines.at[lines.len - 1] == '\n');
    for (size_t i = 0; i + 1 < lines.len; i++)
        assert(lines.at[i] >= 0x20 && lines.at[i] < 0x7f);
}

/* Walks the blocks; returns the body of the only packet. */
static struct bytes check_blocks(void)
{
    struct reader r = reader_of(bytes_of(file.at, file.len));
    struct bytes packet = {0};

    while (r.rest.len > 0) {
        uint32_t type = read_le32(&r);
        uint32_t len = read_le32(&r);
        assert(len >= 12 && len % 4 == 0);
        struct bytes body = read_bytes(&r, len - 12);
        assert(read_le32(&r) == len);
        assert(!r.overrun);
        if (type == 6)
            packet = body;
    }
    assert(packet.len >= 20);
    return packet;
}

static void check_packet(struct bytes body, const uint8_t *octets, size_t len)
{
    struct reader r = reader_of(body);
    size_t changed = 0;

    read_bytes(&r, 12);
    uint32_t captured = read_le32(&r);
    assert(read_le32(&r) == len);
    assert(captured <= len);
    struct bytes copy = read_bytes(&r, captured);
    assert(!r.overrun);
    for (size_t i = 0; i < captured; i++)
        changed += copy.at[i] != octets[i];
    assert(changed <= 2);
}

/* A segment that the stack sent or took, whatever it is, and the same number sent again. */
static void check_charts(const struct event *event)
{
    static const struct plot_titles titles = {"client", "a run", "settings"};
    struct event again = {.type = EVENT_RETRANSMIT, .conn = 1, .when = event->when};

    again.retransmit.len = 1460;
    again.retransmit.trigger = WHY_OUT_FAST;
    plot_init(&plot, &memory, NULL);
    plot.sink.event(&plot.sink, event);
    plot.sink.event(&plot.sink, event);
    plot.sink.event(&plot.sink, &again);
    for (int chart = 0; chart < PLOT_CHARTS; chart++) {
        file.len = 0;
        int err = plot_write(&plot, 0, (enum plot_chart)chart, &titles, &file.sink);
        assert(!err && file.len < 16384);
        assert(memcmp(file.at + file.len - 7, "</svg>\n", 7) == 0);
    }
    plot_fini(&plot);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(bytes_of(data, size));
    uint8_t flags = read_u8(&r);
    uint8_t why = read_u8(&r), drop = read_u8(&r);
    uint16_t snap = read_be16(&r), cut = read_be16(&r);
    struct frame_meta meta = {
        .flags = flags >> 6, .csum_start = read_be16(&r), .csum_offset = read_be16(&r)};
    if (r.overrun || r.rest.len > 70000)
        return 0;
    size_t len = r.rest.len;
    size_t first = size_min(cut, len);
    uint8_t *octets = malloc(len ? len : 1); /* exactly its size */
    if (!octets)
        return 0;
    if (len)
        memcpy(octets, r.rest.at, len);

    struct conn_facts facts = {.id = 1, .state = (enum tcp_state)(why % TCP_STATE_COUNT)};
    struct iovec iov[] = {{octets, first}, {octets + first, len - first}};
    struct event event = {.type = EVENT_PACKET, .conn = flags & 1, .when = {cut}};
    event.packet.id = 1;
    event.packet.fate = (enum packet_fate)(flags % 3);
    event.packet.why = (enum why)(why % WHY_COUNT);
    event.packet.drop = (enum drop)(drop % DROP_COUNT);
    event.packet.tcp = flags & 4;
    event.packet.facts = flags & 8 ? &facts : NULL;
    event.packet.iov = iov;
    event.packet.iovcnt = 2;
    event.packet.ethernet = flags & 16;
    event.packet.meta = meta;

    file.len = lines.len = 0;
    struct pcapng_config config = {
        .device = "tap0", .ethernet = event.packet.ethernet, .raw = flags & 32, .snap_len = snap};
    int err = capture_open(&capture, &file.sink, &config);
    assert(!err);
    capture.sink.event(&capture.sink, &event);
    capture_close(&capture, event.when);
    check_packet(check_blocks(), octets, len);

    char why_not[LOG_WHY];
    log_init(&journal, &lines.sink, (instant){0});
    err = log_parse(&journal, "all=debug", why_not);
    assert(!err);
    journal.sink.event(&journal.sink, &event);
    check_line();
    check_charts(&event);

    free(octets);
    return 0;
}
