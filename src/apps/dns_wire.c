/*
 * dns_wire.c - see dns_wire.h.
 *
 * What is hard here is a compressed name (RFC 1035, 4.1.4): it is a chain of pieces that the sender
 * lays out. Each pointer must lead to before the piece that it ends, and the name may not grow
 * beyond 255 octets; so there are no loops, and no more hops than octets in a name.
 */
#include "apps/dns_wire.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include "base/addr.h"

const char *dns_flaw_name(enum dns_flaw flaw)
{
    switch (flaw) {
    case DNS_FINE:
        break;
    case DNS_BAD_HEADER:
        return "dns.rx_hdr";
    case DNS_BAD_NAME:
        return "dns.rx_name";
    case DNS_BAD_RECORD:
        return "dns.rx_rr";
    }
    return "ok";
}

/* --- names -------------------------------------------------------------------------------- */

static bool name_append(struct dns_name *name, const uint8_t *label, size_t len)
{
    if (len > DNS_LABEL_MAX || name->len + len + 1 > DNS_NAME_MAX)
        return false;
    name->octet[name->len++] = (uint8_t)len;
    if (len > 0)
        memcpy(name->octet + name->len, label, len);
    name->len = (uint8_t)(name->len + len);
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* One character of a label, which may be written \. or \046 (RFC 1035, 5.1); NULL when it is not.
 */
static const char *take_character(const char *text, uint8_t *out)
{
    if (*text != '\\') {
        *out = (uint8_t)*text;
        return text + 1;
    }
    if (!is_digit(text[1])) {
        *out = (uint8_t)text[1];
        return text[1] ? text + 2 : NULL;
    }
    if (!is_digit(text[2]) || !is_digit(text[3]))
        return NULL;
    int value = (text[1] - '0') * 100 + (text[2] - '0') * 10 + (text[3] - '0');
    *out = (uint8_t)value;
    return value <= 255 ? text + 4 : NULL;
}

int dns_name_from_text(const char *text, struct dns_name *out)
{
    uint8_t label[DNS_LABEL_MAX];

    out->len = 0;
    if (strcmp(text, ".") == 0)
        return name_append(out, NULL, 0) ? 0 : -EINVAL;
    while (*text) {
        size_t len = 0;
        while (*text && *text != '.') {
            if (len == sizeof label)
                return -EINVAL;
            text = take_character(text, &label[len++]);
            if (!text)
                return -EINVAL;
        }
        if (len == 0 || !name_append(out, label, len))
            return -EINVAL;
        if (*text == '.')
            text++;
    }
    return out->len > 0 && name_append(out, NULL, 0) ? 0 : -EINVAL;
}

size_t dns_name_to_text(const struct dns_name *name, char out[DNS_NAME_TEXT])
{
    size_t n = 0;

    for (size_t at = 0; at < name->len && name->octet[at] > 0;) {
        size_t end = at + 1 + name->octet[at];
        if (n > 0)
            out[n++] = '.';
        for (at++; at < end; at++) {
            uint8_t c = name->octet[at];
            if (c > ' ' && c < 0x7f && c != '.' && c != '\\' && c != '"')
                out[n++] = (char)c;
            else
                n += (size_t)snprintf(out + n, 5, "\\%03u", c);
        }
    }
    if (n == 0)
        out[n++] = '.';
    out[n] = 0;
    return n;
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

/* Lengths of labels are below 'A', so all octets may be treated alike. */
bool dns_name_equal(const struct dns_name *a, const struct dns_name *b)
{
    if (a->len != b->len)
        return false;
    for (size_t i = 0; i < a->len; i++) {
        if (lower(a->octet[i]) != lower(b->octet[i]))
            return false;
    }
    return true;
}

uint32_t dns_name_labels(const struct dns_name *name)
{
    uint32_t n = 0;

    for (size_t at = 0; at < name->len && name->octet[at] > 0; at += 1u + name->octet[at])
        n++;
    return n;
}

/* The name at `r`, which stands in `whole`; `r` is behind it then. */
static bool name_read(struct bytes whole, struct reader *r, struct dns_name *out)
{
    struct reader piece = *r;
    size_t bound = (size_t)(r->rest.at - whole.at); /* pointers lead to before this */
    bool jumped = false;

    out->len = 0;
    for (;;) {
        uint8_t len = read_u8(&piece);
        if (len >> 6 == 3) {
            size_t to = (size_t)(len & 0x3f) << 8 | read_u8(&piece);
            if (!jumped)
                *r = piece;
            jumped = true;
            if (piece.overrun || to >= bound)
                return false;
            bound = to;
            piece = reader_of(bytes_skip(whole, to));
            continue;
        }
        struct bytes label = read_bytes(&piece, len);
        if (piece.overrun || !name_append(out, label.at, len)) /* bits 01 and 10 are above 63 */
            return false;
        if (len == 0)
            break;
    }
    if (!jumped)
        *r = piece;
    return !r->overrun;
}

/* --- messages ----------------------------------------------------------------------------- */

static void header_read(struct reader *r, struct dns_header *out)
{
    out->id = read_be16(r);
    uint16_t flags = read_be16(r);
    out->response = flags & 0x8000;
    out->opcode = flags >> 11 & 15;
    out->authoritative = flags & 0x0400;
    out->truncated = flags & 0x0200;
    out->recursion_desired = flags & 0x0100;
    out->recursion_available = flags & 0x0080;
    out->rcode = flags & 15;
    out->questions = read_be16(r);
    out->answers = read_be16(r);
    out->authorities = read_be16(r);
    out->additionals = read_be16(r);
}

void dns_query_emit(struct writer *w, uint16_t id, const struct dns_name *name, uint16_t type,
                    uint16_t payload)
{
    write_be16(w, id);
    write_be16(w, 0x0100); /* a standard query; RD */
    write_be16(w, 1);
    write_be16(w, 0);
    write_be16(w, 0);
    write_be16(w, payload > 0 ? 1 : 0);
    write_bytes(w, name->octet, name->len);
    write_be16(w, type);
    write_be16(w, DNS_CLASS_IN);
    if (payload == 0)
        return;
    write_u8(w, 0); /* RFC 6891, 6.1.2: the root, OPT, our payload, no flags, no options */
    write_be16(w, DNS_TYPE_OPT);
    write_be16(w, payload);
    write_be32(w, 0);
    write_be16(w, 0);
}

enum dns_flaw dns_message_parse(struct bytes in, struct dns_message *out)
{
    struct reader r = reader_of(in);
    struct dns_header *h = &out->header;

    *out = (struct dns_message){.whole = in};
    header_read(&r, h);
    if (r.overrun || !h->response || h->opcode != 0 || h->questions != 1)
        return DNS_BAD_HEADER;
    if (!name_read(in, &r, &out->question.name))
        return DNS_BAD_NAME;
    out->question.type = read_be16(&r);
    out->question.class = read_be16(&r);
    if (r.overrun)
        return DNS_BAD_HEADER;
    out->at = r;
    out->answers = h->answers;
    out->records = (uint32_t)h->answers + h->authorities + h->additionals;
    return DNS_FINE;
}

/* What the types that we know of have in their data. Names in it may be compressed. */
static enum dns_flaw data_read(struct bytes whole, struct dns_record *record)
{
    struct reader r = reader_of(record->data);
    /* a pointer may lead to before the data, so the name is read from the whole message */
    bool good = true;

    switch (record->type) {
    case DNS_TYPE_A:
        if (r.rest.len != 4)
            return DNS_BAD_RECORD;
        record->addr = ip_from_v4(read_be32(&r));
        break;
    case DNS_TYPE_AAAA:
        if (r.rest.len != 16)
            return DNS_BAD_RECORD;
        read_into(&r, record->addr.octet, 16);
        break;
    case DNS_TYPE_MX:
        read_be16(&r);
        good = name_read(whole, &r, &record->target);
        break;
    case DNS_TYPE_CNAME:
    case DNS_TYPE_NS:
    case DNS_TYPE_PTR:
        good = name_read(whole, &r, &record->target);
        break;
    case DNS_TYPE_SOA: {
        struct dns_name mailbox;
        good = name_read(whole, &r, &record->target) && name_read(whole, &r, &mailbox);
        read_bytes(&r, 16); /* serial, refresh, retry, expire */
        record->minimum = read_be32(&r);
        break;
    }
    default:
        return DNS_FINE;
    }
    if (!good)
        return DNS_BAD_NAME;
    return r.overrun || r.rest.len > 0 ? DNS_BAD_RECORD : DNS_FINE;
}

bool dns_record_next(struct dns_message *message, struct dns_record *out, bool *is_answer)
{
    struct reader *r = &message->at;

    if (message->records == 0 || message->flaw != DNS_FINE)
        return false;
    message->records--;
    *is_answer = message->answers > 0;
    message->answers -= *is_answer;
    *out = (struct dns_record){.type = 0};
    if (!name_read(message->whole, r, &out->name)) {
        message->flaw = DNS_BAD_NAME;
        return false;
    }
    out->type = read_be16(r);
    out->class = read_be16(r);
    out->ttl = read_be32(r);
    if (out->ttl > INT32_MAX)
        out->ttl = 0;
    out->data = read_bytes(r, read_be16(r));
    message->flaw = r->overrun ? DNS_BAD_RECORD : DNS_FINE;
    if (message->flaw == DNS_FINE && out->class == DNS_CLASS_IN)
        message->flaw = data_read(message->whole, out);
    return message->flaw == DNS_FINE;
}

/* --- words -------------------------------------------------------------------------------- */

static const struct {
    uint16_t type;
    const char *name;
} types[] = {
    {DNS_TYPE_A, "A"},   {DNS_TYPE_AAAA, "AAAA"}, {DNS_TYPE_CNAME, "CNAME"},
    {DNS_TYPE_NS, "NS"}, {DNS_TYPE_SOA, "SOA"},   {DNS_TYPE_PTR, "PTR"},
    {DNS_TYPE_MX, "MX"}, {DNS_TYPE_TXT, "TXT"},   {DNS_TYPE_OPT, "OPT"},
};

const char *dns_type_name(uint16_t type, char out[16])
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (types[i].type == type)
            return types[i].name;
    }
    snprintf(out, 16, "TYPE%u", type); /* RFC 3597, 5 */
    return out;
}

bool dns_type_from_text(const char *text, uint16_t *out)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (strcasecmp(types[i].name, text) == 0) {
            *out = types[i].type;
            return true;
        }
    }
    return false;
}

const char *dns_rcode_name(uint8_t rcode)
{
    static const char *const names[] = {"NOERROR",  "FORMERR", "SERVFAIL",
                                        "NXDOMAIN", "NOTIMP",  "REFUSED"};

    return rcode < ARRAY_LEN(names) ? names[rcode] : "an unknown error";
}
