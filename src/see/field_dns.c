/*
 * field_dns.c - the header of a DNS message (RFC 1035, 4.1.1) and its first question; a DHCP
 * message (RFC 2131, 2) as far as its addresses, and its type.
 */
#include "apps/dns_wire.h"

#include "apps/dhcp_wire.h"
#include "see/field_table.h"

/* clang-format off */
#define CLAUSE "RFC 1035, 4.1.1"
static const struct field_word opcodes[] = {{0, "query", NULL}, {1, "inverse query", NULL}, {2, "status", NULL},
                                            {4, "notify", NULL}, {5, "update", NULL}, {0}};
static const struct field_word rcodes[] = {
    {0, "no error", NULL}, {1, "FORMERR", "The server did not understand the question."},
    {2, "SERVFAIL", "The server failed."}, {3, "NXDOMAIN", "There is no such name."},
    {4, "NOTIMP", "The server cannot do that."}, {5, "REFUSED", "The server does not want to."}, {0},
};
static const struct field_row rows[] = {
    {"dns.id", "ID", NULL, 0, 16, SHOW_HEX, NULL, "The answer repeats it.", CLAUSE, NULL},
    {"dns.flags.response", "Response", "Q", 16, 1, SHOW_FLAG, NULL, "Not set: a question.", CLAUSE, NULL},
    {"dns.flags.opcode", "Opcode", NULL, 17, 4, SHOW_DECIMAL, opcodes, "The kind of question.", CLAUSE, NULL},
    {"dns.flags.authoritative", "Authoritative", "A", 21, 1, SHOW_FLAG, NULL, "Set: the server is one of the zone's own.", CLAUSE, NULL},
    {"dns.flags.truncated", "Truncated", "T", 22, 1, SHOW_FLAG, NULL, "Set: it did not fit; ask again over TCP.", CLAUSE, NULL},
    {"dns.flags.recdesired", "Recursion Desired", "D", 23, 1, SHOW_FLAG, NULL, "Set: ask others for me.", CLAUSE, NULL},
    {"dns.flags.recavail", "Recursion Available", "R", 24, 1, SHOW_FLAG, NULL, "Set: the server does ask others.", CLAUSE, NULL},
    {"dns.flags.z", "Z", NULL, 25, 1, SHOW_FLAG, NULL, "Zero.", CLAUSE, NULL},
    {"dns.flags.authenticated", "Authentic Data", "a", 26, 1, SHOW_FLAG, NULL, "Set: the server has verified it.", "RFC 4035, 3.2.3", NULL},
    {"dns.flags.checkdisable", "Checking Disabled", "c", 27, 1, SHOW_FLAG, NULL, "Set: unverified answers are wanted, too.", "RFC 4035, 3.2.2", NULL},
    {"dns.flags.rcode", "RCODE", NULL, 28, 4, SHOW_DECIMAL, rcodes, "How it went.", CLAUSE, NULL},
    {"dns.count.queries", "QDCOUNT", NULL, 32, 16, SHOW_DECIMAL, NULL, "Questions.", CLAUSE, NULL},
    {"dns.count.answers", "ANCOUNT", NULL, 48, 16, SHOW_DECIMAL, NULL, "Answers.", CLAUSE, NULL},
    {"dns.count.auth_rr", "NSCOUNT", NULL, 64, 16, SHOW_DECIMAL, NULL, "Records of name servers.", CLAUSE, NULL},
    {"dns.count.add_rr", "ARCOUNT", NULL, 80, 16, SHOW_DECIMAL, NULL, "Additional records.", CLAUSE, NULL},
};
static const struct field_row
    name = {"dns.question", "QNAME", NULL, 0, 0, SHOW_OCTETS, NULL, "The name that is asked for.", "RFC 1035, 4.1.2", NULL},
    rest = {"dns.records", "Records", NULL, 0, 0, SHOW_OCTETS, NULL, "Questions and answers.", "RFC 1035, 4.1.3", NULL};

static const struct field_word messages[] = {
    {1, "DISCOVER", "Which servers are here?"}, {2, "OFFER", "A server offers an address."},
    {3, "REQUEST", "The client takes an offer, or renews."}, {4, "DECLINE", "Somebody else has this address."},
    {5, "ACK", "The address is the client's."}, {6, "NAK", "The client must begin anew."},
    {7, "RELEASE", "The address is given back."}, {8, "INFORM", NULL}, {0},
};
static const struct field_word operations[] = {{1, "from a client", NULL}, {2, "from a server", NULL}, {0}};
#define DHCP "RFC 2131, 2"
static const struct field_row dhcp[] = {
    {"dhcp.type", "op", NULL, 0, 8, SHOW_DECIMAL, operations, "Who speaks.", DHCP, NULL},
    {"dhcp.hw.type", "htype", NULL, 8, 8, SHOW_DECIMAL, NULL, "1: Ethernet.", DHCP, NULL},
    {"dhcp.hw.len", "hlen", NULL, 16, 8, SHOW_DECIMAL, NULL, "Octets of the client's hardware address.", DHCP, NULL},
    {"dhcp.hops", "hops", NULL, 24, 8, SHOW_DECIMAL, NULL, "Relays that it has passed.", DHCP, NULL},
    {"dhcp.id", "xid", NULL, 32, 32, SHOW_HEX, NULL, "The answer repeats it.", DHCP, NULL},
    {"dhcp.secs", "secs", NULL, 64, 16, SHOW_DECIMAL, NULL, "Seconds since the client began.", DHCP, NULL},
    {"dhcp.flags", "flags", NULL, 80, 16, SHOW_HEX, NULL, "0x8000: answer by broadcast.", DHCP, NULL},
    {"dhcp.ip.client", "ciaddr", NULL, 96, 32, SHOW_IP4, NULL, "The client's address, if it has one.", DHCP, NULL},
    {"dhcp.ip.your", "yiaddr", NULL, 128, 32, SHOW_IP4, NULL, "The address that the client gets.", DHCP, NULL},
    {"dhcp.ip.server", "siaddr", NULL, 160, 32, SHOW_IP4, NULL, "The next server.", DHCP, NULL},
    {"dhcp.ip.relay", "giaddr", NULL, 192, 32, SHOW_IP4, NULL, "The relay.", DHCP, NULL},
};
static const struct field_row
    message = {"dhcp.option.dhcp", "Message Type", NULL, 0, 0, SHOW_DECIMAL, messages, "", "RFC 2132, 9.6", NULL},
    options = {"dhcp.options", "Options", NULL, 0, 0, SHOW_OCTETS, NULL, "", DHCP, NULL};
/* clang-format on */

/* A name without compression at `at`; where it ends, or 0. */
static uint32_t name_text(struct walk *w, uint32_t at, uint32_t end, struct text *out)
{
    uint32_t start = at;

    while (at < end && is_captured(w, at + 1) && at - start < DNS_NAME_MAX) {
        uint32_t len = number_at(w, at, 1);
        if (len == 0)
            return at + 1;
        if (len > DNS_LABEL_MAX || len > end - at - 1 || !is_captured(w, at + 1 + len))
            return 0;
        if (at > start)
            text_add_char(out, '.');
        text_add_escaped(out, octets_at(w, at + 1, at + 1 + len));
        at += 1 + len;
    }
    return 0;
}

static void add_question(struct walk *w, uint32_t at, uint32_t end)
{
    struct text t = words_begin(w);
    uint32_t stop = name_text(w, at, end, &t);
    char type[16];

    if (stop == 0 || end - stop < 4 || !is_captured(w, stop + 4)) {
        row_read_some(w, &rest, at, end);
        return;
    }
    if (stop == at + 1)
        text_add_char(&t, '.');
    text_add_char(&t, ' ');
    text_add(&t, dns_type_name((uint16_t)number_at(w, stop, 2), type));
    const char *question = words_end(w, &t);
    if (!row_read(w, &name, at, stop + 4 - at, end))
        return;
    field_last(w)->value = question;
    row_read_some(w, &rest, stop + 4, end);
}

struct step walk_dns(struct walk *w, uint32_t at, uint32_t end)
{
    if (!layer_begin(w, "dns", "DNS", CLAUSE, at))
        return STEP_END;
    layer_end(w, end);
    if (!rows_read(w, rows, ARRAY_LEN(rows), at, end) || end - at == DNS_HEADER)
        return STEP_END;
    uint32_t first = w->d->field_count;
    if (number_at(w, at + 4, 2) > 0)
        add_question(w, at + DNS_HEADER, end);
    else
        row_read_some(w, &rest, at + DNS_HEADER, end);
    for (; first < w->d->field_count; first++) {
        if (w->d->field[first].kind == FIELD_HEADER)
            w->d->field[first].kind = FIELD_TEXT;
    }
    return STEP_END;
}

/* Where the data of option 53 is, or 0. */
static uint32_t message_type(struct walk *w, uint32_t at, uint32_t end)
{
    enum { PAD = 0, MESSAGE_TYPE = 53, END = 255 };

    end = u32_min(end, w->captured);
    while (at + 2 < end) {
        uint32_t code = number_at(w, at, 1), len = number_at(w, at + 1, 1);
        if (code == END)
            return 0;
        if (code == MESSAGE_TYPE && len == 1)
            return at + 2;
        at += code == PAD ? 1 : 2 + len;
    }
    return 0;
}

struct step walk_dhcp(struct walk *w, uint32_t at, uint32_t end)
{
    if (!layer_begin(w, "dhcp", "DHCP", DHCP, at))
        return STEP_END;
    layer_end(w, u32_min(at + 28, end));
    if (!rows_read(w, dhcp, ARRAY_LEN(dhcp), at, end))
        return STEP_END;
    layer_end(w, end);
    uint32_t type = message_type(w, at + DHCP_FIXED, end);
    if (type > 0 && row_read(w, &message, type, 1, end))
        field_last(w)->kind = FIELD_TEXT;
    uint32_t before = w->d->field_count;
    row_read_some(w, &options, at + 28, end);
    if (w->d->field_count > before)
        field_last(w)->kind = FIELD_TEXT;
    return STEP_END;
}
