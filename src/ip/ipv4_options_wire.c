/*
 * ipv4_options_wire.c - the options of an IPv4 header: those that come and those that we send.
 *
 * A list of options is walked in one place, next_option(): one octet each for the first two kinds,
 * else a length that counts its own two octets too.
 *
 * What comes is checked and then ignored, but by programs that ask for it (RFC 1122, 3.2.1.8: what
 * is not understood is ignored silently). The check exists because a malformed list is a sign of an
 * attack, and because source routes are refused: RFC 7126 advises it, since they lead packets
 * around every filter. For the same reason no program may send one.
 *
 * What a program may send is what Linux lets anybody send but for that: record route, timestamp and
 * router alert. The sender's own slot is filled when the packet leaves (RFC 1122, 3.2.1.8 (d),
 * (e)), a receiver's before a program sees the options.
 */
#include "ip/ipv4_options_wire.h"

#include <errno.h>

enum {
    OPTION_END = 0,
    OPTION_NOP = 1,
    OPTION_RECORD_ROUTE = 7,
    OPTION_TIMESTAMP = 68,
    OPTION_LOOSE_ROUTE = 131,
    OPTION_STRICT_ROUTE = 137,
    OPTION_ROUTER_ALERT = 148,
    OPTION_COPIED = 0x80, /* the bit of a type that is in every fragment */

    TIMESTAMP_ALONE = 0, /* the low half of the octet behind the timestamp option's pointer */
    TIMESTAMP_WITH_ADDRESS = 1,
    TIMESTAMP_PRESPECIFIED = 3,
    FLAG_MASK = 0x0f,
    OVERFLOW_ONE = 0x10, /* in the high half: hosts that found no slot */
    OVERFLOW_MOST = 0xf0,

    POINTER = 2, /* where an option has it; it counts octets of the option from 1 */
    FLAGS = 3,
    ROUTE_FIRST = 4, /* the pointer to the first slot */
    TIMESTAMP_FIRST = 5,
    SLOT = 4,
    ALERT_LEN = 4,
};

/* --- walking ------------------------------------------------------------------------------ */

struct option {
    uint8_t type;
    struct bytes whole; /* with its type and length */
};

/* The next one in front of `r`; OPTION_END when the list has ended. False: it is malformed. Each
 * turn consumes at least an octet, so a loop over it ends. */
static bool next_option(struct reader *r, struct option *out)
{
    struct bytes rest = r->rest;

    if (rest.len == 0) {
        *out = (struct option){.type = OPTION_END};
        return true;
    }
    out->type = read_u8(r);
    out->whole = bytes_first(rest, 1);
    if (out->type == OPTION_END || out->type == OPTION_NOP)
        return true;
    uint8_t len = read_u8(r);
    if (r->overrun || len < 2)
        return false;
    read_bytes(r, (size_t)len - 2);
    out->whole = bytes_first(rest, len);
    return !r->overrun;
}

/* The pointer of a route may point at a whole slot of four octets, or behind the last one: then the
 * list is full (RFC 791, 3.1). */
static bool route_is_sound(struct bytes option)
{
    if (option.len <= POINTER || option.at[POINTER] < ROUTE_FIRST)
        return false;
    size_t pointer = option.at[POINTER];
    return pointer > option.len || pointer + SLOT - 1 <= option.len;
}

/* How long a slot of timestamps with that flag is. The values that RFC 791 does not define are
 * somebody else's, and have none. */
static size_t slot_of(uint8_t flag)
{
    if (flag == TIMESTAMP_WITH_ADDRESS || flag == TIMESTAMP_PRESPECIFIED)
        return 2 * (size_t)SLOT;
    return flag == TIMESTAMP_ALONE ? SLOT : 1;
}

static bool timestamps_are_sound(struct bytes option)
{
    if (option.len <= FLAGS || option.at[POINTER] < TIMESTAMP_FIRST)
        return false;
    size_t pointer = option.at[POINTER];
    return pointer > option.len ||
           pointer + slot_of(option.at[FLAGS] & FLAG_MASK) - 1 <= option.len;
}

static bool is_source_route(uint8_t type)
{
    return type == OPTION_LOOSE_ROUTE || type == OPTION_STRICT_ROUTE;
}

static bool is_sound(const struct option *option)
{
    if (is_source_route(option->type) || option->type == OPTION_RECORD_ROUTE)
        return route_is_sound(option->whole);
    return option->type != OPTION_TIMESTAMP || timestamps_are_sound(option->whole);
}

enum drop ipv4_options_check(struct bytes options)
{
    struct reader r = reader_of(options);
    struct option option;
    int source_routes = 0;

    do {
        if (!next_option(&r, &option) || !is_sound(&option))
            return DROP_IP4_OPTION;
        source_routes += is_source_route(option.type);
    } while (option.type != OPTION_END);
    if (source_routes > 1) /* there cannot be two (RFC 791, 3.1) */
        return DROP_IP4_OPTION;
    return source_routes ? DROP_IP4_SOURCE_ROUTE : DROP_NONE;
}

/* --- putting together --------------------------------------------------------------------- */

static void append(struct ipv4_options *out, struct bytes option)
{
    if (option.len > 0)
        memcpy(out->octets + out->len, option.at, option.len);
    out->len = (uint8_t)(out->len + option.len);
}

static void pad(struct ipv4_options *out)
{
    out->len = (uint8_t)((out->len + 3) / 4 * 4); /* with OPTION_END */
}

/* --- taking ------------------------------------------------------------------------------- */

/* One of those that a program may choose, of which there is none yet? */
static int judge(const struct option *option, bool *seen_route, bool *seen_timestamp)
{
    const uint8_t *at = option->whole.at;
    uint8_t flag;

    switch (option->type) {
    case OPTION_LOOSE_ROUTE:
    case OPTION_STRICT_ROUTE: /* from its first slot on, as there is one at least */
        return option->whole.len >= 3 + SLOT && option->whole.len % SLOT == 3 &&
                       at[POINTER] == ROUTE_FIRST
                   ? -EPERM
                   : -EINVAL;
    case OPTION_RECORD_ROUTE:
        if (*seen_route || !route_is_sound(option->whole))
            return -EINVAL;
        *seen_route = true;
        return 0;
    case OPTION_TIMESTAMP:
        if (*seen_timestamp || !timestamps_are_sound(option->whole))
            return -EINVAL;
        *seen_timestamp = true;
        flag = at[FLAGS] & FLAG_MASK;
        if (at[POINTER] > option->whole.len)
            return flag != TIMESTAMP_PRESPECIFIED && (at[FLAGS] & OVERFLOW_MOST) == OVERFLOW_MOST
                       ? -EINVAL
                       : 0;
        return slot_of(flag) == 1 ? -EINVAL : 0;
    case OPTION_ROUTER_ALERT:
        return option->whole.len >= ALERT_LEN ? 0 : -EINVAL;
    default: /* any octet can be a type */
        return -EINVAL;
    }
}

/* The slot that will be ours is empty, as Linux has it. */
static void clear_slot(uint8_t *at, size_t len)
{
    size_t slot = SLOT;

    if (at[0] == OPTION_TIMESTAMP) {
        if ((at[FLAGS] & FLAG_MASK) == TIMESTAMP_PRESPECIFIED)
            return; /* it says whose it is */
        slot = slot_of(at[FLAGS] & FLAG_MASK);
    } else if (at[0] != OPTION_RECORD_ROUTE) {
        return;
    }
    if (at[POINTER] <= len)
        memset(at + at[POINTER] - 1, 0, slot);
}

/* Padded first, so that the last one may reach into the padding, as on Linux. */
int ipv4_options_take(struct bytes given, struct ipv4_options *out)
{
    struct ipv4_options padded = {0};
    struct option option;
    bool seen_route = false, seen_timestamp = false, source_route = false;

    *out = (struct ipv4_options){0};
    if (given.len > IPV4_OPTIONS_MAX)
        return -EINVAL;
    append(&padded, given);
    pad(&padded);
    struct reader r = reader_of(ipv4_options_bytes(&padded));
    for (;;) {
        if (!next_option(&r, &option))
            return -EINVAL;
        if (option.type == OPTION_END)
            break; /* what is behind it stays zero */
        int err = option.type == OPTION_NOP ? 0 : judge(&option, &seen_route, &seen_timestamp);
        if (err == -EINVAL || (err && source_route))
            return -EINVAL;
        source_route |= err == -EPERM; /* unless the rest is malformed */
        append(out, option.whole);
        clear_slot(out->octets + out->len - option.whole.len, option.whole.len);
    }
    out->len = padded.len;
    return source_route ? -EPERM : 0;
}

/* --- recording ---------------------------------------------------------------------------- */

static void put_be32(uint8_t *at, uint32_t value)
{
    put_be16(at, (uint16_t)(value >> 16));
    put_be16(at + 2, (uint16_t)value);
}

/* Is there a slot, and no crumb of one behind it? With that one filled the list would be malformed
 * (RFC 791, 3.1), so it is left as it is. */
static bool has_slot(size_t len, size_t pointer, size_t slot)
{
    size_t next = pointer + slot;

    return pointer <= len && (next > len || next + slot - 1 <= len);
}

static void record_route(uint8_t *at, size_t len, struct ip_addr ours)
{
    size_t pointer = at[POINTER];

    if (!has_slot(len, pointer, SLOT))
        return;
    put_be32(at + pointer - 1, ip_to_v4(ours));
    at[POINTER] = (uint8_t)(pointer + SLOT);
}

/* Where the addresses are given, each host waits for its own. One that finds no slot is counted, as
 * far as that goes. */
static void record_time(uint8_t *at, size_t len, struct ip_addr ours, uint32_t time)
{
    size_t pointer = at[POINTER];
    uint8_t flag = at[FLAGS] & FLAG_MASK;
    size_t slot = slot_of(flag);

    if (pointer > len) {
        if (flag != TIMESTAMP_PRESPECIFIED && (at[FLAGS] & OVERFLOW_MOST) != OVERFLOW_MOST)
            at[FLAGS] = (uint8_t)(at[FLAGS] + OVERFLOW_ONE);
        return;
    }
    if (slot == 1 || !has_slot(len, pointer, slot))
        return;
    if (flag == TIMESTAMP_PRESPECIFIED) {
        struct reader r = reader_of(bytes_of(at + pointer - 1, SLOT));
        if (read_be32(&r) != ip_to_v4(ours))
            return;
    }
    if (flag == TIMESTAMP_WITH_ADDRESS)
        put_be32(at + pointer - 1, ip_to_v4(ours));
    put_be32(at + pointer - 1 + slot - SLOT, time);
    at[POINTER] = (uint8_t)(pointer + slot);
}

void ipv4_options_record(struct ipv4_options *options, struct ip_addr ours, uint32_t time)
{
    struct reader r = reader_of(ipv4_options_bytes(options));
    struct option option;
    size_t at = 0;

    while (next_option(&r, &option) && option.type != OPTION_END) {
        if (option.type == OPTION_RECORD_ROUTE)
            record_route(options->octets + at, option.whole.len, ours);
        if (option.type == OPTION_TIMESTAMP)
            record_time(options->octets + at, option.whole.len, ours, time);
        at += option.whole.len;
    }
}

/* --- choosing some ------------------------------------------------------------------------ */

struct ipv4_options ipv4_options_copied(struct bytes options)
{
    struct reader r = reader_of(options);
    struct ipv4_options out = {0};
    struct option option;

    assert(options.len <= IPV4_OPTIONS_MAX);
    while (next_option(&r, &option) && option.type != OPTION_END) {
        if (option.type & OPTION_COPIED)
            append(&out, option.whole);
    }
    pad(&out);
    return out;
}

/* The first of that type. */
static void append_first(struct ipv4_options *out, struct bytes options, uint8_t type)
{
    struct reader r = reader_of(options);
    struct option option;

    while (next_option(&r, &option) && option.type != OPTION_END) {
        if (option.type == type) {
            append(out, option.whole);
            clear_slot(out->octets + out->len - option.whole.len, option.whole.len);
            return;
        }
    }
}

struct ipv4_options ipv4_options_returned(struct bytes options)
{
    struct ipv4_options out = {0};

    assert(options.len <= IPV4_OPTIONS_MAX);
    append_first(&out, options, OPTION_RECORD_ROUTE);
    append_first(&out, options, OPTION_TIMESTAMP);
    pad(&out);
    return out;
}
