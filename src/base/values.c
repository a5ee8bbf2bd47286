/*
 * values.c - the tunables: defaults, profiles, and their text forms.
 *
 * One table made from TAPIO_VALUE_LIST says where a value lies in struct stack_values, what kind it
 * is and what it may be; all calls walk it. Text is read strictly: all of it, digits first, no
 * sign, no blank, no fraction, at most one unit in lower case, and a number too large for 63 bits
 * is out of range like any other. What values_describe() writes, values_set() reads.
 *
 * A profile sets the values that it has an opinion on, some of which are the default's, so that one
 * profile can follow another; the rest it leaves as they are.
 */
#include <tapio/values.h>

#include <errno.h>
#include <string.h>

#include "base/base.h"

static const struct value {
    const char *key;
    const char *what;
    enum value_kind kind;
    size_t offset; /* in struct stack_values */
    int64_t initial, min, max;
} values_table[] = {
#define TAPIO_X(field, key, kind, initial, min, max, what)                                         \
    {key, what, VALUE_##kind, offsetof(struct stack_values, field), initial, min, max},
    TAPIO_VALUE_LIST(TAPIO_X)
#undef TAPIO_X
};

static const char *const cc_words[] = {TAPIO_CC_WORDS};

/* clang-format off */
#define SET(field, value) {offsetof(struct stack_values, field), value}

struct setting {
    size_t offset;
    int64_t value;
};

/* What the RFCs say where practice has moved on. */
static const struct setting rfc[] = {
    SET(tcp_rto_initial,    TAPIO_S(1)),      /* RFC 6298, 2.1 */
    SET(tcp_rto_syn_lost,   TAPIO_S(3)),      /* RFC 6298, 5.7 */
    SET(tcp_rto_min,        TAPIO_S(1)),      /* RFC 6298, 2.4 */
    SET(tcp_syn_timeout,    TAPIO_S(180)),    /* RFC 9293, 3.8.3 (MUST-23) */
    SET(tcp_msl,            TAPIO_S(120)),    /* RFC 9293, 3.4.2 */
    SET(tcp_delayed_ack,    TAPIO_MS(200)),   /* RFC 9293, 3.8.6.3: anything below 500 ms (MUST-40) */
    SET(tcp_quick_acks,     0),               /* RFC 5681, 4.2 knows no early phase */
    SET(tcp_ack_segments,   2),               /* RFC 9293, 3.8.6.3 (SHLD-19) */
    SET(tcp_port_min,       49152),           /* RFC 6335, 6: the dynamic ports */
    SET(tcp_port_max,       65535),
    SET(arp_lifetime,       TAPIO_S(60)),     /* RFC 1122, 2.3.2.1 */
    SET(dhcp_start_min,     TAPIO_S(1)),      /* RFC 2131, 4.4.1 */
    SET(dhcp_start_max,     TAPIO_S(10)),
};

/* As Linux 6.1 comes. */
static const struct setting linux_6[] = {
    SET(tcp_rto_initial,    TAPIO_S(1)),
    SET(tcp_rto_syn_lost,   TAPIO_S(3)),
    SET(tcp_rto_min,        TAPIO_MS(200)),
    SET(tcp_rto_max,        TAPIO_S(120)),
    SET(tcp_retries,        15),
    SET(tcp_syn_retries,    6),
    SET(tcp_syn_timeout,    TAPIO_S(127)),    /* what six doublings of a second come to */
    SET(tcp_syn_unreachable, 1),
    SET(tcp_synack_retries, 5),
    SET(tcp_msl,            TAPIO_S(30)),     /* TIME-WAIT lasts 60 s */
    SET(tcp_fin_wait_2,     TAPIO_S(60)),
    SET(tcp_rto_var_min,    TAPIO_MS(200)),
    SET(tcp_delayed_ack,    TAPIO_MS(40)),
    SET(tcp_quick_acks,     16),
    SET(tcp_pingpong,       1),
    SET(tcp_minshall,       1),
    SET(tcp_abc_limit,      0),
    SET(tcp_ts_required,    0),
    SET(tcp_ts_in_resets,   0),
    SET(tcp_probe_octet,    0),
    SET(tcp_window_scale,   14),
    SET(tcp_scale_to_fit,   1),
    SET(tcp_black_hole,     0),               /* net.ipv4.tcp_mtu_probing */
    SET(tcp_challenge,      TAPIO_MS(500)),
    SET(tcp_mss_floor,      48),
    SET(tcp_rmem,           6291456),
    SET(tcp_wmem,           4194304),
    SET(tcp_wmem_first,     4194304),
    SET(tcp_port_min,       32768),
    SET(tcp_port_max,       60999),
    SET(arp_tries,          3),
    SET(arp_interval,       TAPIO_S(1)),
};

/* As FreeBSD 14 comes. */
static const struct setting freebsd[] = {
    SET(tcp_rto_min,        TAPIO_MS(30)),
    SET(tcp_rto_max,        TAPIO_S(64)),
    SET(tcp_retries,        12),
    SET(tcp_black_hole,     0),
    SET(tcp_tlp,            0),                /* its RACK stack is not the default one */
    SET(tcp_frto,           0),
    SET(tcp_msl,            TAPIO_S(30)),
    SET(tcp_fin_wait_2,     TAPIO_S(60)),
    SET(tcp_delayed_ack,    TAPIO_MS(40)),
};

static const struct profile {
    const char *name;
    const struct setting *settings;
    size_t count;
} profiles[] = {
    {"rfc",     rfc,     ARRAY_LEN(rfc)},
    {"linux",   linux_6, ARRAY_LEN(linux_6)},
    {"freebsd", freebsd, ARRAY_LEN(freebsd)},
};

/* Largest first, so that the first which divides a number writes it shortest. */
static const struct unit {
    const char *name;
    int64_t factor;
} duration_units[] = {
    {"h",   3600 * TAPIO_S(1)},
    {"min", 60 * TAPIO_S(1)},
    {"s",   TAPIO_S(1)},
    {"ms",  TAPIO_MS(1)},
    {"us",  1000},
    {"ns",  1},
}, size_units[] = {
    {"g",   1 << 30},
    {"m",   1 << 20},
    {"k",   1 << 10},
    {"",    1},
}, count_units[] = {
    {"",    1},
};
/* clang-format on */

struct units {
    const struct unit *unit;
    size_t count;
};

static struct units units_of(enum value_kind kind)
{
    switch (kind) {
    case VALUE_DURATION:
        return (struct units){duration_units, ARRAY_LEN(duration_units)};
    case VALUE_SIZE:
        return (struct units){size_units, ARRAY_LEN(size_units)};
    case VALUE_COUNT:
    case VALUE_SWITCH:
    case VALUE_WORD:
        break;
    }
    return (struct units){count_units, ARRAY_LEN(count_units)};
}

static void put(struct stack_values *values, size_t offset, int64_t value)
{
    memcpy((char *)values + offset, &value, sizeof(value));
}

void values_default(struct stack_values *values)
{
    for (size_t i = 0; i < ARRAY_LEN(values_table); i++)
        put(values, values_table[i].offset, values_table[i].initial);
}

int values_profile(struct stack_values *values, const char *profile)
{
    if (strcmp(profile, "default") == 0) {
        values_default(values);
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(profiles); i++) {
        if (strcmp(profile, profiles[i].name) != 0)
            continue;
        for (size_t k = 0; k < profiles[i].count; k++)
            put(values, profiles[i].settings[k].offset, profiles[i].settings[k].value);
        return 0;
    }
    return -ENOENT;
}

/* Digits and a unit: -EINVAL when it is something else, -ERANGE when it does not fit. */
static int parse_number(const char *text, enum value_kind kind, int64_t *out)
{
    struct units units = units_of(kind);
    const char *at = text;
    int64_t number = 0;
    bool overflow = false;

    for (; *at >= '0' && *at <= '9'; at++) {
        overflow |= __builtin_mul_overflow(number, 10, &number);
        overflow |= __builtin_add_overflow(number, *at - '0', &number);
    }
    if (at == text)
        return -EINVAL;

    size_t i = 0;
    while (i < units.count && strcmp(at, units.unit[i].name) != 0)
        i++;
    if (i < units.count)
        overflow |= __builtin_mul_overflow(number, units.unit[i].factor, &number);
    else if (*at || number != 0 || overflow)
        return -EINVAL; /* only 0 is a duration without a unit */
    if (overflow)
        return -ERANGE;
    *out = number;
    return 0;
}

static int parse_switch(const char *text, int64_t *out)
{
    if (strcmp(text, "1") == 0 || strcmp(text, "on") == 0)
        *out = 1;
    else if (strcmp(text, "0") == 0 || strcmp(text, "off") == 0)
        *out = 0;
    else
        return -EINVAL;
    return 0;
}

static int parse_word(const char *text, int64_t *out)
{
    for (size_t i = 0; i < ARRAY_LEN(cc_words); i++) {
        if (strcmp(text, cc_words[i]) == 0) {
            *out = (int64_t)i;
            return 0;
        }
    }
    return -EINVAL;
}

static int parse(const char *text, enum value_kind kind, int64_t *out)
{
    if (kind == VALUE_SWITCH)
        return parse_switch(text, out);
    return kind == VALUE_WORD ? parse_word(text, out) : parse_number(text, kind, out);
}

int values_set(struct stack_values *values, const char *key, const char *text)
{
    for (size_t i = 0; i < ARRAY_LEN(values_table); i++) {
        const struct value *value = &values_table[i];
        int64_t number = 0;

        if (strcmp(key, value->key) != 0)
            continue;
        int err = parse(text, value->kind, &number);
        if (err)
            return err;
        if (number < value->min || number > value->max)
            return -ERANGE;
        put(values, value->offset, number);
        return 0;
    }
    return -ENOENT;
}

/* The shortest text that values_set() reads as `number`. */
static void format_number(int64_t number, enum value_kind kind, char out[24])
{
    struct units units = units_of(kind);
    const struct unit *unit = units.unit;
    char digits[20];
    size_t n = 0;

    assert(number >= 0);
    if (kind == VALUE_WORD) {
        assert((size_t)number < ARRAY_LEN(cc_words) && strlen(cc_words[number]) < 24);
        memcpy(out, cc_words[number], strlen(cc_words[number]) + 1);
        return;
    }
    while (number % unit->factor != 0)
        unit++; /* ends: the last factor is 1 */
    const char *name = number == 0 ? "" : unit->name;
    number /= unit->factor;
    do
        digits[n++] = (char)('0' + number % 10);
    while ((number /= 10) != 0);

    assert(n + strlen(name) < 24);
    while (n > 0)
        *out++ = digits[--n];
    memcpy(out, name, strlen(name) + 1);
}

const char *values_wrong(const struct stack_values *values)
{
    for (size_t i = 0; i < ARRAY_LEN(values_table); i++) {
        const struct value *value = &values_table[i];
        int64_t is;
        memcpy(&is, (const char *)values + value->offset, sizeof is);
        if (is < value->min || is > value->max)
            return value->key;
    }
    return NULL;
}

bool values_describe(size_t index, struct value_info *info)
{
    if (index >= ARRAY_LEN(values_table))
        return false;
    const struct value *value = &values_table[index];
    *info = (struct value_info){.key = value->key, .what = value->what, .kind = value->kind};
    format_number(value->initial, value->kind, info->initial);
    format_number(value->min, value->kind, info->min);
    format_number(value->max, value->kind, info->max);
    return true;
}
