/*
 * field_udp.c - the UDP header (RFC 768), and the octets that nobody knows how to read: the text.
 */
#include "udp/udp_wire.h"

#include "apps/dhcp_wire.h"
#include "apps/dns_wire.h"
#include "see/field_table.h"

enum { MULTICAST_DNS_PORT = 5353 };

/* clang-format off */
static const struct field_word ports[] = {
    {7, "echo", NULL}, {53, "DNS", NULL}, {67, "DHCP server", NULL}, {68, "DHCP client", NULL}, {123, "NTP", NULL},
    {443, "QUIC", NULL}, {500, "IKE", NULL}, {514, "syslog", NULL}, {1900, "SSDP", NULL}, {4789, "VXLAN", NULL},
    {5353, "mDNS", NULL}, {0},
};
static const struct field_row rows[] = {
    {"udp.srcport", "Source Port", NULL, 0, 16, SHOW_DECIMAL, ports, "Where an answer goes to; 0: nobody waits for one.", "RFC 768", NULL},
    {"udp.dstport", "Destination Port", NULL, 16, 16, SHOW_DECIMAL, ports, "Which program it is for.", "RFC 768", NULL},
    {"udp.length", "Length", NULL, 32, 16, SHOW_DECIMAL, NULL, "Octets of the datagram, these 8 included.", "RFC 768", NULL},
    {"udp.checksum", "Checksum", NULL, 48, 16, SHOW_HEX, NULL,
     "Over the datagram, with the addresses (a pseudo-header); 0 over IPv4: none.", "RFC 768", NULL},
};
/* clang-format on */

static bool is_dhcp(uint32_t port)
{
    return port == DHCP_SERVER_PORT || port == DHCP_CLIENT_PORT;
}

static struct step step_port(uint32_t port, uint32_t other, uint32_t at, uint32_t end)
{
    walker walk = walk_text;

    if (port == DNS_PORT || other == DNS_PORT || port == MULTICAST_DNS_PORT ||
        other == MULTICAST_DNS_PORT)
        walk = walk_dns;
    else if (is_dhcp(port) || is_dhcp(other))
        walk = walk_dhcp;
    return (struct step){walk, at, end};
}

struct step walk_udp(struct walk *w, uint32_t at, uint32_t end)
{
    if (!layer_begin(w, "udp", "UDP", "RFC 768", at))
        return STEP_END;
    layer_end(w, u32_min(at + UDP_HEADER, end));
    if (!rows_read(w, rows, ARRAY_LEN(rows), at, end))
        return STEP_END;
    struct field *sum = field_last(w);
    uint32_t len = number_at(w, at + 4, 2), stop = end;
    if (len == 0 && w->v6) {
        flaw(w, at + 4, at + 6, "a length of 0 is for jumbograms alone", "RFC 2675, 4");
        len = end - at;
    }
    if (len < UDP_HEADER && number_at(w, at + 6, 2) > 0)
        sum->sum = SUM_UNKNOWN;
    if (len < UDP_HEADER) {
        flaw(w, at + 4, at + 6, "a datagram has at least 8 octets", "RFC 768");
    } else if (len > end - at && !w->quoted && !w->partial) {
        if (number_at(w, at + 6, 2) > 0)
            sum->sum = SUM_UNKNOWN;
        flaw(w, at + 4, at + 6, "the length says more than the packet has", "RFC 1122, 4.1.3");
    } else {
        stop = u32_min(at + len, end);
        if (number_at(w, at + 6, 2) > 0 || w->v6)
            sum_judge(w, sum, at, stop, true, IP_PROTOCOL_UDP);
    }
    w->src_port = (uint16_t)number_at(w, at, 2);
    w->dst_port = (uint16_t)number_at(w, at + 2, 2);
    if (!w->quoted)
        w->d->seen.udp = true;
    return len < UDP_HEADER ? STEP_END : step_port(w->src_port, w->dst_port, at + UDP_HEADER, stop);
}

/* --- text --------------------------------------------------------------------------------- */

/* clang-format off */
static const struct field_row
    start_line = {"http.line", "Start Line", NULL, 0, 0, SHOW_TEXT, NULL, "How an HTTP message begins.", "RFC 9112, 2.1", NULL},
    printable = {"data", "Text", NULL, 0, 0, SHOW_TEXT, NULL, NULL, "", NULL},
    octets = {"data", "Text", NULL, 0, 0, SHOW_OCTETS, NULL, NULL, "", NULL};
/* clang-format on */

static bool is_printable(struct bytes b)
{
    b = bytes_first(b, FIELDS_RAW);
    for (size_t i = 0; i < b.len; i++) {
        uint8_t c = b.at[i];
        if ((c < 0x20 && c != '\r' && c != '\n' && c != '\t') || c >= 0x7f)
            return false;
    }
    return true;
}

/* The length of the line with which an HTTP message begins, or 0. */
static uint32_t http_line(struct bytes b)
{
    static const char *const begins[] = {"GET ",   "HEAD ",    "POST ",    "PUT ",     "DELETE ",
                                         "PATCH ", "OPTIONS ", "CONNECT ", "HTTP/1.1", "HTTP/1.0"};

    for (size_t i = 0; i < ARRAY_LEN(begins); i++) {
        size_t len = strlen(begins[i]);
        if (b.len < len || memcmp(b.at, begins[i], len) != 0)
            continue;
        const uint8_t *line_end = memchr(b.at, '\r', b.len);
        return line_end ? (uint32_t)(line_end - b.at) : 0;
    }
    return 0;
}

/* "1448 octets": a meaning that the octets themselves cannot tell. */
static void say_octets(struct walk *w, struct field *f, uint32_t len)
{
    struct text t = words_begin(w);

    text_add_u64(&t, len);
    text_add(&t, len == 1 ? " octet." : " octets.");
    f->meaning = words_end(w, &t);
    f->kind = FIELD_TEXT;
}

struct step walk_text(struct walk *w, uint32_t at, uint32_t end)
{
    if (at >= end || !layer_begin(w, "data", "Text", "", at))
        return STEP_END;
    struct bytes b = octets_at(w, at, end);
    uint32_t line = w->partial || w->quoted ? 0 : http_line(b);
    layer_end(w, end);
    if (line > 0) {
        row_read_some(w, &start_line, at, at + line);
        field_last(w)->kind = FIELD_TEXT;
        at += line;
    }
    uint32_t before = w->d->field_count;
    row_read_some(w, is_printable(octets_at(w, at, end)) ? &printable : &octets, at, end);
    if (w->d->field_count > before)
        say_octets(w, field_last(w), end - at);
    return STEP_END;
}
