/*
 * field_tcp.c - the TCP header (RFC 9293, 3.1); its options are field_tcp_options.c's.
 *
 * What the tracker needs of the segment comes from the stack's own parser, so that what is drawn
 * and what is understood are two readings of the same octets.
 */
#include "see/field_table.h"

static void say_offset(struct walk *w, const struct field *f, struct text *out)
{
    (void)w;
    text_add_u64(out, f->number * 4);
    text_add(out, " octets.");
    if (f->number > 5)
        text_add(out, " More than 20: options follow.");
}

static void say_urgent(struct walk *w, const struct field *f, struct text *out)
{
    bool urg = number_at(w, w->layer->start + 13, 1) & TCP_URG;

    if (!urg && f->number > 0)
        text_add(out, "Without URG it means nothing.");
}

static void say_ack(struct walk *w, const struct field *f, struct text *out)
{
    bool ack = number_at(w, w->layer->start + 13, 1) & TCP_ACK;

    if (!ack && f->number > 0)
        text_add(out, "Without ACK it means nothing.");
}

/* clang-format off */
static const struct field_word ports[] = {
    {7, "echo", NULL}, {9, "discard", NULL}, {19, "chargen", NULL}, {20, "FTP data", NULL}, {21, "FTP", NULL}, {22, "SSH", NULL},
    {23, "telnet", NULL}, {25, "SMTP", NULL}, {53, "DNS", NULL}, {80, "HTTP", NULL}, {110, "POP3", NULL}, {143, "IMAP", NULL},
    {179, "BGP", NULL}, {443, "HTTPS", NULL}, {587, "submission", NULL}, {993, "IMAPS", NULL}, {3306, "MySQL", NULL},
    {5432, "PostgreSQL", NULL}, {6379, "Redis", NULL}, {8080, "HTTP", NULL}, {0},
};
#define CLAUSE "RFC 9293, 3.1"
#define FLAG(key, name, brief, bit, meaning, clause) {key, name, brief, bit, 1, SHOW_FLAG, NULL, meaning, clause, NULL}
static const struct field_row rows[] = {
    {"tcp.srcport", "Source Port", NULL, 0, 16, SHOW_DECIMAL, ports, "The sender's end of the connection.", CLAUSE, NULL},
    {"tcp.dstport", "Destination Port", NULL, 16, 16, SHOW_DECIMAL, ports, "The receiver's end of it.", CLAUSE, NULL},
    {"tcp.seq_raw", "Sequence Number", NULL, 32, 32, SHOW_DECIMAL, NULL,
     "The number of the first octet of text here, or of the SYN.", CLAUSE, NULL},
    {"tcp.ack_raw", "Acknowledgment Number", NULL, 64, 32, SHOW_DECIMAL, NULL,
     "The number of the next octet that the sender of this expects.", CLAUSE, say_ack},
    {"tcp.hdr_len", "Data Offset", "DOffset", 96, 4, SHOW_DECIMAL, NULL, "Length of this header in words of 32 bits:", CLAUSE, say_offset},
    {"tcp.flags.res", "Reserved", "Rsrvd", 100, 3, SHOW_DECIMAL, NULL, "Zero.", CLAUSE, NULL},
    FLAG("tcp.flags.ae", "AE", "a", 103, "Accurate ECN: a third bit for counting marks; in a SYN it offers that.", "RFC 9768, 3"),
    FLAG("tcp.flags.cwr", "CWR", "C", 104, "Set: congestion window reduced, as ECE asked; in a SYN: ECN is offered.", "RFC 3168, 6.1"),
    FLAG("tcp.flags.ece", "ECE", "E", 105, "Set: a packet came with CE; in a SYN: ECN is understood.", "RFC 3168, 6.1"),
    FLAG("tcp.flags.urg", "URG", "U", 106, "Set: the urgent pointer means something.", CLAUSE),
    FLAG("tcp.flags.ack", "ACK", "A", 107, "Set, but in the first SYN and some resets: the acknowledgment number means something.", CLAUSE),
    FLAG("tcp.flags.push", "PSH", "P", 108, "Set: hand the text to the application now.", "RFC 9293, 3.9.1.2"),
    FLAG("tcp.flags.reset", "RST", "R", 109, "Set: the connection is no more.", "RFC 9293, 3.5.2"),
    FLAG("tcp.flags.syn", "SYN", "S", 110, "Set: the numbers of this direction begin here.", "RFC 9293, 3.5"),
    FLAG("tcp.flags.fin", "FIN", "F", 111, "Set: the sender has nothing more to say.", "RFC 9293, 3.6"),
    {"tcp.window_size_value", "Window", NULL, 112, 16, SHOW_DECIMAL, NULL,
     "Octets from the acknowledgment number on that the sender of this has room for; scaled, but in a SYN.", "RFC 7323, 2.2", NULL},
    {"tcp.checksum", "Checksum", NULL, 128, 16, SHOW_HEX, NULL,
     "Over the segment, with the addresses (a pseudo-header).", CLAUSE, NULL},
    {"tcp.urgent_pointer", "Urgent Pointer", NULL, 144, 16, SHOW_DECIMAL, NULL, "Where urgent text ends.", CLAUSE, say_urgent},
};
enum { CHECKSUM_ROW = 17 };
/* clang-format on */

static void note_segment(struct walk *w, uint32_t at, uint32_t end, uint32_t header_len)
{
    struct fields_seen *seen = &w->d->seen;

    if (w->quoted || seen->tcp || tcp_parse(octets_at(w, at, end), &seen->seg) != DROP_NONE)
        return;
    seen->tcp = true;
    seen->text_len = end - at - header_len;
}

/* An error quotes at least the ports and the sequence number. */
static void note_quoted(struct walk *w, uint32_t at)
{
    struct fields_seen *seen = &w->d->seen;

    if (!w->quoted || seen->quoted_tcp || !w->ip || !is_captured(w, at + 8))
        return;
    seen->quoted_tcp = true;
    seen->quoted_src = (struct endpoint){w->src, (uint16_t)number_at(w, at, 2)};
    seen->quoted_dst = (struct endpoint){w->dst, (uint16_t)number_at(w, at + 2, 2)};
    seen->quoted_seq = number_at(w, at + 4, 4);
}

struct step walk_tcp(struct walk *w, uint32_t at, uint32_t end)
{
    if (!layer_begin(w, "tcp", "TCP", CLAUSE, at))
        return STEP_END;
    uint32_t header_len = (number_at(w, at + 12, 1) >> 4) * 4;
    uint32_t stop = at + u32_max(header_len, TCP_HEADER_MIN);
    layer_end(w, u32_min(stop, end));
    note_quoted(w, at);
    if (!rows_read(w, rows, CHECKSUM_ROW, at, end))
        return STEP_END;
    sum_judge(w, field_last(w), at, end, true, IP_PROTOCOL_TCP);
    enum field_sum sum = field_last(w)->sum;
    if (!rows_read(w, rows + CHECKSUM_ROW, ARRAY_LEN(rows) - CHECKSUM_ROW, at, end))
        return STEP_END;
    if (header_len < TCP_HEADER_MIN) {
        flaw(w, at + 12, at + 13, "a header has at least 5 words", CLAUSE);
        return STEP_END;
    }
    walk_tcp_options(w, at + TCP_HEADER_MIN, u32_min(stop, end));
    if (stop > end) {
        if (!w->quoted)
            flaw(w, at + 12, at + 13, "the header goes on behind the segment", CLAUSE);
        return STEP_END;
    }
    if (!w->quoted)
        w->d->seen.sum = sum;
    note_segment(w, at, end, header_len);
    return (struct step){walk_text, stop, end};
}
