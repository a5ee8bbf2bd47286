/*
 * dhcp_wire.c - see dhcp_wire.h.
 *
 * What is hard here are the options. They may lie in three fields, if the option 52 says so
 * (RFC 2131, 4.1), and one that is longer than 255 octets comes in pieces, in whatever fields
 * (RFC 3396): all pieces of a code are one option. So nothing is taken while walking: each option
 * that we want is put together by a walk of its own over all fields, each of which ends with the
 * field. Option 52 itself counts in the first field alone, so the others cannot lead on.
 */
#include "apps/dhcp_wire.h"

#include "base/addr.h"

enum {
    BOOT_REQUEST = 1,
    BOOT_REPLY = 2,
    ETHERNET = 1,
    FLAG_BROADCAST = 0x8000,
    SNAME_LEN = 64,
    FILE_LEN = 128,
    MAGIC = 0x63825363,

    OPTION_PAD = 0,
    OPTION_MASK = 1,
    OPTION_ROUTER = 3,
    OPTION_DNS = 6,
    OPTION_DOMAIN = 15,
    OPTION_MTU = 26,
    OPTION_REQUESTED = 50,
    OPTION_LEASE = 51,
    OPTION_OVERLOAD = 52,
    OPTION_TYPE = 53,
    OPTION_SERVER = 54,
    OPTION_PARAMETERS = 55,
    OPTION_MAX_SIZE = 57,
    OPTION_RENEW = 58,
    OPTION_REBIND = 59,
    OPTION_CLIENT = 61,
    OPTION_END = 255,

    MTU_LEAST = 576, /* what an IPv4 host must take anyway */
};

const char *dhcp_flaw_name(enum dhcp_flaw flaw)
{
    switch (flaw) {
    case DHCP_FINE:
        break;
    case DHCP_BAD_MESSAGE:
        return "dhcp.rx_bad";
    case DHCP_BAD_OPTION:
        return "dhcp.rx_opt";
    case DHCP_BAD_VALUE:
        return "dhcp.rx_value";
    }
    return "ok";
}

/* --- ours --------------------------------------------------------------------------------- */

static void write_addr(struct writer *w, struct ip_addr addr)
{
    write_be32(w, ip_is_unspecified(addr) ? 0 : ip_to_v4(addr));
}

static void write_option_addr(struct writer *w, uint8_t code, struct ip_addr addr)
{
    if (ip_is_unspecified(addr))
        return;
    write_u8(w, code);
    write_u8(w, 4);
    write_addr(w, addr);
}

void dhcp_query_emit(struct writer *w, const struct dhcp_query *query)
{
    static const uint8_t wanted[] = {OPTION_MASK, OPTION_ROUTER, OPTION_DNS,   OPTION_DOMAIN,
                                     OPTION_MTU,  OPTION_LEASE,  OPTION_RENEW, OPTION_REBIND};
    const size_t before = w->left;
    bool has_address = !ip_is_unspecified(query->client);

    write_u8(w, BOOT_REQUEST);
    write_u8(w, ETHERNET);
    write_u8(w, sizeof query->mac.octet);
    write_u8(w, 0);
    write_be32(w, query->xid);
    write_be16(w, query->secs);
    write_be16(w, has_address ? 0 : FLAG_BROADCAST);
    write_addr(w, query->client);
    write_zeros(w, 12); /* yiaddr, siaddr, giaddr */
    write_bytes(w, query->mac.octet, sizeof query->mac.octet);
    write_zeros(w, 16 - sizeof query->mac.octet + SNAME_LEN + FILE_LEN);
    write_be32(w, MAGIC);

    write_u8(w, OPTION_TYPE);
    write_u8(w, 1);
    write_u8(w, query->type);
    write_u8(w, OPTION_CLIENT);
    write_u8(w, 1 + sizeof query->mac.octet);
    write_u8(w, ETHERNET);
    write_bytes(w, query->mac.octet, sizeof query->mac.octet);
    write_option_addr(w, OPTION_REQUESTED, query->requested);
    write_option_addr(w, OPTION_SERVER, query->server);
    if (query->type == DHCP_DISCOVER || query->type == DHCP_REQUEST) {
        write_u8(w, OPTION_MAX_SIZE);
        write_u8(w, 2);
        write_be16(w, DHCP_MESSAGE_MAX);
        write_u8(w, OPTION_PARAMETERS);
        write_u8(w, sizeof wanted);
        write_bytes(w, wanted, sizeof wanted);
    }
    write_u8(w, OPTION_END);
    size_t len = before - w->left;
    if (!w->overrun && len < DHCP_MESSAGE_MIN)
        write_zeros(w, DHCP_MESSAGE_MIN - len);
}

/* --- options ------------------------------------------------------------------------------ */

/* Where options may lie, in the order in which their pieces belong together (RFC 3396, 5). */
struct fields {
    struct bytes field[3];
    size_t count;
};

/* The next option of a field; false at its end. A length that leads out of the field is a flaw. */
static bool next_option(struct reader *r, uint8_t *code, struct bytes *data)
{
    do {
        if (r->rest.len == 0)
            return false; /* some servers forget END */
        *code = read_u8(r);
    } while (*code == OPTION_PAD);
    if (*code == OPTION_END)
        return false;
    *data = read_bytes(r, read_u8(r));
    return !r->overrun;
}

/* All pieces of an option, of which `room` octets are kept. Returns how many octets it has in all,
 * or -1 where there is none. */
static int collect(const struct fields *fields, uint8_t wanted, void *out, size_t room)
{
    struct writer w = writer_of(out, room);
    struct bytes data;
    uint8_t code;
    int len = -1;

    for (size_t i = 0; i < fields->count; i++) {
        struct reader r = reader_of(fields->field[i]);
        while (next_option(&r, &code, &data)) {
            if (code != wanted)
                continue;
            len = (len < 0 ? 0 : len) + (int)data.len;
            write_bytes(&w, data.at, size_min(data.len, w.left));
        }
    }
    return len;
}

static bool is_walkable(struct bytes field)
{
    struct reader r = reader_of(field);
    struct bytes data;
    uint8_t code;

    while (next_option(&r, &code, &data))
        ;
    return !r.overrun;
}

/* A number of `size` octets; false when the option is there and has another length. */
static bool number(const struct fields *fields, uint8_t code, int size, uint32_t *out, bool *there)
{
    uint8_t octets[4] = {0};
    int len = collect(fields, code, octets, sizeof octets);

    *there = len >= 0;
    *out = 0;
    for (int i = 0; i < size && *there; i++)
        *out = *out << 8 | octets[i];
    return len < 0 || len == size;
}

/* As many addresses as there is room for; false when it is no list of addresses. */
static bool addresses(const struct fields *fields, uint8_t code, struct ip_addr *out, uint32_t room,
                      uint32_t *count)
{
    uint8_t octets[4 * DHCP_ROUTERS];
    int len = collect(fields, code, octets, 4 * room);
    struct reader r = reader_of(bytes_of(octets, len < 0 ? 0 : size_min((size_t)len, 4 * room)));

    *count = 0;
    if (len >= 0 && (len == 0 || len % 4 != 0))
        return false;
    while (r.rest.len >= 4)
        out[(*count)++] = ip_from_v4(read_be32(&r));
    return true;
}

/* --- a server's --------------------------------------------------------------------------- */

/* The fixed part: is it a reply to us? Finds the fields where options lie. */
static enum dhcp_flaw read_fixed(struct bytes in, struct mac_addr mac, struct dhcp_reply *out,
                                 struct fields *fields)
{
    struct reader r = reader_of(in);
    struct mac_addr to = {{0}};
    uint32_t overload;
    bool there;

    uint8_t op = read_u8(&r), hardware = read_u8(&r), len = read_u8(&r);
    read_u8(&r); /* hops */
    out->xid = read_be32(&r);
    read_be32(&r); /* secs, flags */
    read_be32(&r); /* ciaddr */
    out->addr.addr = ip_from_v4(read_be32(&r));
    read_be32(&r); /* siaddr */
    read_be32(&r); /* giaddr */
    read_into(&r, to.octet, sizeof to.octet);
    read_bytes(&r, 16 - sizeof to.octet);
    struct bytes sname = read_bytes(&r, SNAME_LEN), file = read_bytes(&r, FILE_LEN);
    uint32_t magic = read_be32(&r);
    if (r.overrun || op != BOOT_REPLY || hardware != ETHERNET || len != sizeof to.octet ||
        !mac_equal(to, mac) || magic != MAGIC)
        return DHCP_BAD_MESSAGE;

    *fields = (struct fields){.field = {r.rest}, .count = 1};
    if (!is_walkable(r.rest) || !number(fields, OPTION_OVERLOAD, 1, &overload, &there) ||
        (there && (overload < 1 || overload > 3)))
        return DHCP_BAD_OPTION;
    if (overload & 1)
        fields->field[fields->count++] = file;
    if (overload & 2)
        fields->field[fields->count++] = sname;
    for (size_t i = 1; i < fields->count; i++) {
        if (!is_walkable(fields->field[i]))
            return DHCP_BAD_OPTION;
    }
    return DHCP_FINE;
}

/* Can any station have the address? */
static bool is_host(struct ip_addr addr)
{
    return ip_to_v4(addr) >> 24 != 0 && !ip_is_loopback(addr) && !ip_is_multicast(addr) &&
           !ip_is_class_e(addr) && !ip_is_limited_broadcast(addr);
}

/* Type and server: without them there is nothing to answer, and a server that has no name could not
 * be told from another. */
static enum dhcp_flaw read_kind(const struct fields *fields, struct dhcp_reply *out)
{
    uint32_t type, server;
    bool has_type, has_server;

    if (!number(fields, OPTION_TYPE, 1, &type, &has_type) ||
        !number(fields, OPTION_SERVER, 4, &server, &has_server))
        return DHCP_BAD_OPTION;
    if (!has_type || !has_server || (type != DHCP_OFFER && type != DHCP_ACK && type != DHCP_NAK))
        return DHCP_BAD_MESSAGE;
    out->type = (uint8_t)type;
    out->server = ip_from_v4(server);
    return is_host(out->server) ? DHCP_FINE : DHCP_BAD_VALUE;
}

/* The length of a mask without holes, from 1 to 30; else 0: nobody else could be on such a link. */
static uint8_t mask_len(uint32_t mask)
{
    uint8_t len = 0;

    while (mask & 0x80000000u) {
        mask <<= 1;
        len++;
    }
    return mask == 0 && len <= 30 ? len : 0;
}

/* Can a station on a link of this prefix have the address? */
static bool is_station(struct ip_prefix net, struct ip_addr addr)
{
    return is_host(addr) && !prefix_is_broadcast(net, addr) && prefix_contains(net, addr);
}

static enum dhcp_flaw read_address(const struct fields *fields, struct dhcp_reply *out)
{
    struct ip_addr router[DHCP_ROUTERS], dns[DHCP_SERVERS];
    uint32_t mask, count;
    bool there;

    if (!number(fields, OPTION_MASK, 4, &mask, &there) ||
        !addresses(fields, OPTION_ROUTER, router, DHCP_ROUTERS, &count) ||
        !addresses(fields, OPTION_DNS, dns, DHCP_SERVERS, &out->dns_count))
        return DHCP_BAD_OPTION;
    out->addr.len = mask_len(mask);
    if (!there || out->addr.len == 0 || !is_station(out->addr, out->addr.addr))
        return DHCP_BAD_VALUE;
    for (uint32_t i = 0; i < count; i++) { /* one that is not on the link cannot be reached */
        if (is_station(out->addr, router[i]) && !ip_equal(router[i], out->addr.addr))
            out->router[out->router_count++] = router[i];
    }
    memcpy(out->dns, dns, sizeof dns);
    return DHCP_FINE;
}

/* RFC 2131, 4.4.5: half of the lease and seven eighths, where the server says nothing that could be
 * kept. */
static enum dhcp_flaw read_times(const struct fields *fields, struct dhcp_reply *out)
{
    uint32_t lease, renew, rebind;
    bool has_lease, has_renew, has_rebind;

    if (!number(fields, OPTION_LEASE, 4, &lease, &has_lease) ||
        !number(fields, OPTION_RENEW, 4, &renew, &has_renew) ||
        !number(fields, OPTION_REBIND, 4, &rebind, &has_rebind))
        return DHCP_BAD_OPTION;
    if (!has_lease || lease < DHCP_LEASE_MIN)
        return DHCP_BAD_VALUE;
    if (lease == DHCP_FOREVER) {
        out->lease_s = out->renew_s = out->rebind_s = DHCP_FOREVER;
        return DHCP_FINE;
    }
    out->lease_s = lease;
    out->renew_s = renew;
    out->rebind_s = rebind;
    if (!has_renew || !has_rebind || renew < DHCP_RENEW_MIN || renew >= rebind || rebind >= lease) {
        out->renew_s = out->lease_s / 2;
        out->rebind_s = out->lease_s - out->lease_s / 8;
    }
    return DHCP_FINE;
}

static bool is_name_octet(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '.';
}

/* A name that holds anything but a name's characters is no name (THREATS H04). */
static void read_domain(const struct fields *fields, struct dhcp_reply *out)
{
    uint8_t octets[DHCP_NAME_MAX];
    int len = collect(fields, OPTION_DOMAIN, octets, sizeof octets);

    if (len > 0 && octets[len <= DHCP_NAME_MAX ? len - 1 : 0] == '\0')
        len--; /* some servers end it so */
    if (len <= 0 || len > DHCP_NAME_MAX)
        return;
    for (int i = 0; i < len; i++) {
        if (!is_name_octet(octets[i]))
            return;
    }
    memcpy(out->domain, octets, (size_t)len);
}

enum dhcp_flaw dhcp_reply_parse(struct bytes in, struct mac_addr mac, struct dhcp_reply *out)
{
    struct fields fields;
    uint32_t mtu;
    bool there;

    *out = (struct dhcp_reply){.type = 0};
    enum dhcp_flaw flaw = read_fixed(in, mac, out, &fields);
    if (flaw == DHCP_FINE)
        flaw = read_kind(&fields, out);
    if (flaw != DHCP_FINE || out->type == DHCP_NAK)
        return flaw;
    flaw = read_address(&fields, out);
    if (flaw == DHCP_FINE)
        flaw = read_times(&fields, out);
    if (flaw != DHCP_FINE)
        return flaw;
    if (!number(&fields, OPTION_MTU, 2, &mtu, &there))
        return DHCP_BAD_OPTION;
    if (there && mtu >= MTU_LEAST)
        out->mtu = mtu;
    read_domain(&fields, out);
    return DHCP_FINE;
}
