/*
 * lab_peel.c - one frame, layer by layer; and rows of bars (lab_draw.h).
 */
#include <string.h>

#include "base/instant.h"
#include "eth/eth_wire.h"
#include "ip/ipv4_wire.h"
#include "sim/lab_draw.h"
#include "tcp/tcp_wire.h"
#include "udp/udp_wire.h"

enum { ROW = 16, ROW_COLUMNS = 6 + 4 * ROW + 1, TEXT_SHOWN = 48, BAR_EDGE = 46, BAR_ROWS = 200 };

/* --- a frame ------------------------------------------------------------------------------ */

static void draw_octets(struct lab_paper *paper, struct bytes octets)
{
    size_t columns = paper->width < ROW_COLUMNS ? ROW / 2 : ROW;

    while (octets.len > 0) {
        char buffer[LAB_PRINT];
        struct text t = text_of(buffer, sizeof buffer);
        struct bytes row = bytes_first(octets, columns);
        text_add(&t, "      ");
        for (size_t i = 0; i < columns; i++) {
            if (i < row.len)
                text_add_hex(&t, row.at[i], 2);
            else
                text_add(&t, "  ");
            text_add_char(&t, ' ');
        }
        text_add_char(&t, ' ');
        for (size_t i = 0; i < row.len; i++)
            text_add_char(&t, row.at[i] >= ' ' && row.at[i] <= '~' ? (char)row.at[i] : '.');
        lab_print(paper, buffer, LAB_DIM);
        octets = bytes_skip(octets, columns);
    }
}

/* "Link layer (OSI 2): Ethernet, 14 octets", and a line of what the header says. */
static void draw_layer(struct lab_paper *paper, const char *key, size_t octets, const char *fields,
                       struct bytes header)
{
    char buffer[LAB_PRINT];
    struct text t = text_of(buffer, sizeof buffer);

    lab_say(paper, &t, key);
    text_add(&t, ": ");
    text_add_u64(&t, octets);
    lab_say(paper, &t, "octets");
    lab_fold(paper, text_bytes(&t), "  ", "    ", LAB_BOLD);
    if (*fields)
        lab_fold(paper, bytes_of(fields, strlen(fields)), "      ", "      ", LAB_PLAIN);
    draw_octets(paper, header);
}

static struct bytes draw_transport(struct lab_paper *paper, struct bytes in, uint8_t protocol,
                                   size_t len)
{
    char fields[LAB_PRINT];
    struct text t = text_of(fields, sizeof fields);
    struct tcp_segment seg;
    bool tcp = protocol == IP_PROTOCOL_TCP;
    size_t header = UDP_HEADER;

    if (tcp && tcp_parse(in, &seg) == DROP_NONE) {
        header = in.len - seg.text.len;
        text_add(&t, "source port ");
        text_add_u64(&t, seg.src_port);
        text_add(&t, ", destination port ");
        text_add_u64(&t, seg.dst_port);
        text_add(&t, ", sequence number ");
        text_add_u64(&t, seg.seq.value);
        text_add(&t, ", acknowledgment number ");
        text_add_u64(&t, seg.ack.value);
        text_add(&t, ", window ");
        text_add_u64(&t, seg.window);
    }
    draw_layer(paper, tcp ? "layer.tcp" : "layer.udp", header, fields, bytes_first(in, header));
    (void)len;
    return bytes_skip(in, header);
}

void lab_draw_frame(struct lab_paper *paper, const struct lab_frame *frame)
{
    char fields[LAB_PRINT];
    struct text t = text_of(fields, sizeof fields);
    struct bytes rest = bytes_of(frame->octets, frame->kept);
    struct eth_header eth;
    struct bytes payload = rest;
    struct ipv4_header ip;
    size_t total;

    if (frame->ethernet && eth_parse(rest, &eth, &payload) == DROP_NONE) {
        text_add(&t, "destination ");
        text_add_mac(&t, eth.dst);
        text_add(&t, ", source ");
        text_add_mac(&t, eth.src);
        text_add(&t, ", type 0x");
        text_add_hex(&t, eth.type, 4);
        draw_layer(paper, "layer.ethernet", ETH_HEADER, fields, bytes_first(rest, ETH_HEADER));
    }
    struct reader r = reader_of(payload);
    if (!ipv4_read_header(&r, &ip, &total))
        return;
    size_t header = payload.len - r.rest.len;
    t = text_of(fields, sizeof fields);
    text_add(&t, "source ");
    text_add_ip(&t, ip.src);
    text_add(&t, ", destination ");
    text_add_ip(&t, ip.dst);
    text_add(&t, ", time to live ");
    text_add_u64(&t, ip.ttl);
    text_add(&t, ", protocol ");
    text_add_u64(&t, ip.protocol);
    text_add(&t, ", total length ");
    text_add_u64(&t, total);
    draw_layer(paper, "layer.ip", header, fields, bytes_first(payload, header));
    struct bytes text =
        draw_transport(paper, bytes_first(r.rest, total - header), ip.protocol, total - header);
    draw_layer(paper, "layer.application", frame->len, "", bytes_first(text, TEXT_SHOWN));
}

/* --- bars --------------------------------------------------------------------------------- */

static void add_column(struct text *t, int64_t value, unsigned columns)
{
    char buffer[32];
    struct text n = text_of(buffer, sizeof buffer);

    if (value < 0)
        text_add_char(&n, '-');
    else
        text_add_i64(&n, value);
    for (size_t i = n.len; i < columns; i++)
        text_add_char(t, ' ');
    text_add(t, buffer);
}

/* The facts of `host` that an item tells, or NULL. */
static const struct conn_facts *facts_of(const struct lab_item *item, int host)
{
    if (item->kind != LAB_SEGMENT)
        return NULL;
    if (item->host == host)
        return item->has_facts ? &item->facts : NULL;
    return item->frame.to == host && item->has_got ? &item->got_facts : NULL;
}

static instant told_at(const struct lab_item *item, int host)
{
    return item->host == host ? item->when : item->arrives;
}

static const struct conn_facts *facts_at(const struct lab_result *result,
                                         const struct lab_bars *bars, instant when)
{
    const struct conn_facts *last = NULL;
    instant newest = {INT64_MIN};

    for (int i = bars->first; i <= bars->last; i++) {
        const struct lab_item *item = &result->item[i];
        const struct conn_facts *facts = facts_of(item, bars->host);
        if (!facts)
            continue;
        instant told = told_at(item, bars->host);
        if (!instant_before(when, told) && !instant_before(told, newest)) {
            last = facts;
            newest = told;
        }
    }
    return last;
}

static void draw_bar(struct lab_paper *paper, int64_t us, const struct conn_facts *facts,
                     uint32_t most)
{
    char buffer[LAB_PRINT];
    struct text t = text_of(buffer, sizeof buffer);
    unsigned room = paper->width - BAR_EDGE;
    uint32_t length = (uint32_t)((uint64_t)facts->cwnd * room / most);

    add_column(&t, us / 1000, 10);
    add_column(&t, facts->cwnd, 9);
    add_column(&t, facts->ssthresh == UINT32_MAX ? -1 : (int64_t)facts->ssthresh, 10);
    add_column(&t, facts->inflight, 10);
    text_add(&t, "  ");
    for (uint32_t i = 0; i < length; i++)
        text_add(&t, paper->utf8 ? "█" : "#");
    lab_print(paper, buffer, LAB_PLAIN);
}

void lab_draw_bars(struct lab_paper *paper, const struct lab_result *result,
                   const struct lab_bars *bars)
{
    const struct lab_item *first = &result->item[bars->first];
    instant end = result->item[bars->last].when;
    instant t = {first->when.ns + bars->every_ns};
    uint32_t most = 1;

    for (int i = bars->first; i <= bars->last; i++) {
        const struct conn_facts *facts = facts_of(&result->item[i], bars->host);
        most = facts ? u32_max(most, facts->cwnd) : most;
    }
    lab_print(paper, "        ms     cwnd  ssthresh    flight", LAB_BOLD);
    for (int row = 0; row < BAR_ROWS && !instant_before(end, t); row++) {
        const struct conn_facts *facts = facts_at(result, bars, t);
        if (facts)
            draw_bar(paper, (t.ns - result->first_of[first->scene]) / NS_PER_US, facts, most);
        t = instant_add(t, bars->every_ns);
    }
}
