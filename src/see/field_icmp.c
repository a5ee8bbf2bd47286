/*
 * field_icmp.c - ICMP messages (RFC 792). An error quotes the packet that it is about: its headers
 * are walked as layers of their own, marked as quoted.
 */
#include "ip/icmp_wire.h"
#include "see/field_table.h"

/* clang-format off */
static const struct field_word types[] = {
    {0, "echo reply", "The answer to an echo."},
    {3, "destination unreachable", "The packet quoted below could not be delivered."},
    {4, "source quench", "An old way to say: slower. Nobody obeys it today (RFC 6633)."},
    {5, "redirect", "A router says: there is a better first hop for that destination."},
    {8, "echo", "Are you there? Whoever hears it answers."},
    {9, "router advertisement", NULL},
    {10, "router solicitation", NULL},
    {11, "time exceeded", "The packet quoted below went past its last hop, or its fragments did not all come."},
    {12, "parameter problem", "A header of the packet quoted below could not be understood."},
    {13, "timestamp", "What time is it there?"},
    {14, "timestamp reply", NULL},
    {15, "information request", NULL}, {16, "information reply", NULL},
    {17, "address mask request", NULL}, {18, "address mask reply", NULL},
    {42, "extended echo", "Is that interface up? (RFC 8335)"}, {43, "extended echo reply", NULL},
    {0},
};
static const struct field_word unreachable[] = {
    {0, "network", NULL}, {1, "host", "The last router did not find the host on its link."},
    {2, "protocol", "The host does not speak this protocol."},
    {3, "port", "Nobody listens at that port."},
    {4, "fragmentation needed", "The packet is too big for the next link and must not be cut: send smaller ones (RFC 1191)."},
    {5, "source route failed", NULL}, {6, "network unknown", NULL}, {7, "host unknown", NULL},
    {9, "network prohibited", NULL}, {10, "host prohibited", NULL},
    {13, "administratively prohibited", "A firewall does not let it pass (RFC 1812, 5.2.7.1)."},
    {0},
};
static const struct field_word exceeded[] = {
    {0, "hop limit", "The time to live went to zero: a loop, or traceroute."},
    {1, "reassembly", "Fragments are missing, and the host has given up waiting."},
    {0},
};
#define CLAUSE "RFC 792"
#define HEAD(code_words)                                                                           \
    {"icmp.type", "Type", NULL, 0, 8, SHOW_DECIMAL, types, "A message that we do not know.", CLAUSE, NULL}, \
    {"icmp.code", "Code", NULL, 8, 8, SHOW_DECIMAL, code_words, "Tells more about the type.", CLAUSE, NULL}, \
    {"icmp.checksum", "Checksum", NULL, 16, 16, SHOW_HEX, NULL, "Over the whole message.", CLAUSE, NULL}
static const struct field_row head[] = {HEAD(NULL)};
static const struct field_row head_unreachable[] = {HEAD(unreachable)};
static const struct field_row head_exceeded[] = {HEAD(exceeded)};
static const struct field_row echo[] = {
    {"icmp.ident", "Identifier", NULL, 32, 16, SHOW_DECIMAL, NULL, "Whose echo it is; the answer repeats it.", CLAUSE, NULL},
    {"icmp.seq", "Sequence Number", NULL, 48, 16, SHOW_DECIMAL, NULL, "Which of them; the answer repeats it.", CLAUSE, NULL},
};
static const struct field_row extended_echo[] = {
    {"icmp.ident", "Identifier", NULL, 32, 16, SHOW_DECIMAL, NULL, "Whose echo it is; the answer repeats it.", "RFC 8335, 2", NULL},
    {"icmp.ext.echo.seq", "Sequence Number", "Sequence", 48, 8, SHOW_DECIMAL, NULL, "Which of them; the answer repeats it.", "RFC 8335, 2", NULL},
    {"icmp.ext.echo.rest", "Rest", NULL, 56, 8, SHOW_HEX, NULL, "Of a question: 1, the interface is the host's own. Of an answer: its state.", "RFC 8335, 2", NULL},
};
static const struct field_row times[] = {
    {"icmp.originate_timestamp", "Originate Timestamp", NULL, 64, 32, SHOW_DECIMAL, NULL, "Milliseconds since midnight when it was sent.", CLAUSE, NULL},
    {"icmp.receive_timestamp", "Receive Timestamp", NULL, 96, 32, SHOW_DECIMAL, NULL, "... when it came.", CLAUSE, NULL},
    {"icmp.transmit_timestamp", "Transmit Timestamp", NULL, 128, 32, SHOW_DECIMAL, NULL, "... when the answer left.", CLAUSE, NULL},
};
static const struct field_row mtu[] = {
    {"icmp.unused", "unused", NULL, 32, 16, SHOW_HEX, NULL, "Zero, or the length of what is quoted (RFC 4884).", CLAUSE, NULL},
    {"icmp.mtu", "Next-Hop MTU", NULL, 48, 16, SHOW_DECIMAL, NULL, "The largest packet that the next link takes; 0 from an old router.", "RFC 1191, 4", NULL},
};
static const struct field_row gateway[] = {
    {"icmp.redir_gw", "Gateway Address", NULL, 32, 32, SHOW_IP4, NULL, "The better first hop.", CLAUSE, NULL},
};
static const struct field_row pointer[] = {
    {"icmp.pointer", "Pointer", NULL, 32, 8, SHOW_DECIMAL, NULL, "The octet of the quoted packet that was not understood.", CLAUSE, NULL},
    {"icmp.unused", "unused", NULL, 40, 24, SHOW_HEX, NULL, "Zero.", CLAUSE, NULL},
};
static const struct field_row unused[] = {
    {"icmp.unused", "unused", NULL, 32, 32, SHOW_HEX, NULL, "Zero, or the length of what is quoted (RFC 4884).", CLAUSE, NULL},
};
static const struct field_row mask[] = {
    {"icmp.ident", "Identifier", NULL, 32, 16, SHOW_DECIMAL, NULL, "Whose question it is.", "RFC 950", NULL},
    {"icmp.seq", "Sequence Number", NULL, 48, 16, SHOW_DECIMAL, NULL, "Which of them.", "RFC 950", NULL},
    {"icmp.address_mask", "Address Mask", NULL, 64, 32, SHOW_IP4, NULL, "The network's mask.", "RFC 950", NULL},
};

#define TABLE(rows) rows, ARRAY_LEN(rows)
/* Each type: its table, and whether a packet is quoted behind octet 8. */
static const struct form {
    const struct field_row *rows;
    size_t count;
    uint8_t type;
    bool quotes;
} forms[] = {
    {TABLE(echo), ICMP_ECHO, false}, {TABLE(echo), ICMP_ECHO_REPLY, false},
    {TABLE(unused), 3, true}, {TABLE(unused), 4, true}, {TABLE(gateway), 5, true},
    {TABLE(unused), 11, true}, {TABLE(pointer), 12, true},
    {TABLE(echo), 13, false}, {TABLE(echo), 14, false},
    {TABLE(echo), 15, false}, {TABLE(echo), 16, false},
    {TABLE(mask), 17, false}, {TABLE(mask), 18, false},
    {TABLE(extended_echo), 42, false}, {TABLE(extended_echo), 43, false},
};
/* clang-format on */

static const struct form *form_of(uint32_t type)
{
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if (forms[i].type == type)
            return &forms[i];
    }
    return NULL;
}

static void note_message(struct walk *w, uint32_t type, uint32_t code, bool error)
{
    if (w->quoted)
        return;
    w->d->seen.icmp = true;
    w->d->seen.icmp_error = error;
    w->d->seen.icmp_type = (uint8_t)type;
    w->d->seen.icmp_code = (uint8_t)code;
}

struct step walk_icmp(struct walk *w, uint32_t at, uint32_t end)
{
    if (!layer_begin(w, "icmp", "ICMP", "RFC 792", at))
        return STEP_END;
    uint32_t type = number_at(w, at, 1), code = number_at(w, at + 1, 1);
    const struct form *form = form_of(type);
    const struct field_row *first = type == 3    ? head_unreachable
                                    : type == 11 ? head_exceeded
                                                 : head;
    layer_end(w, u32_min(at + 8, end));
    if (!rows_read(w, first, ARRAY_LEN(head), at, end))
        return STEP_END;
    sum_judge(w, field_last(w), at, end, false, 0);
    note_message(w, type, code, form && form->quotes);
    if (!form)
        return (struct step){walk_text, at + 4, end};

    bool too_big = type == ICMP_UNREACHABLE && code == ICMP_UNREACHABLE_TOO_BIG;
    if (!rows_read(w, too_big ? mtu : form->rows, too_big ? ARRAY_LEN(mtu) : form->count, at, end))
        return STEP_END;
    uint32_t behind = at + 8;
    if (type == 13 || type == 14) {
        layer_end(w, u32_min(at + 20, end));
        if (!rows_read(w, times, ARRAY_LEN(times), at, end))
            return STEP_END;
        behind = at + 20;
    } else if (type == 17 || type == 18) {
        behind = at + 12;
        layer_end(w, behind);
    }
    if (form->quotes) {
        w->quoted = true;
        return (struct step){walk_ipv4, behind, end};
    }
    return (struct step){walk_text, behind, end};
}
