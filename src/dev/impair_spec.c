/*
 * impair_spec.c - "loss=1%,delay=20ms;out:rate=10mbit" into two configs.
 *
 * Written by people on a command line, so the error counts as much as the value: it shows the part
 * that is wrong and what would be right there. Numbers may have a point, yet there is no floating
 * point: a number is read as millionths of its unit, which makes 0.1% and 1.5ms exact and the same
 * everywhere. Everything is read into copies and handed out only when all of it was right.
 */
#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/instant.h"
#include "dev/impair.h"

static const uint64_t MILLION = 1000000;

/* --- small text --------------------------------------------------------------------------- */

static struct bytes text_of(const char *text)
{
    return bytes_of(text, strlen(text));
}

static char lower(uint8_t c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static bool text_is(struct bytes text, const char *word)
{
    if (text.len != strlen(word))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (lower(text.at[i]) != word[i])
            return false;
    return true;
}

/* The part of `rest` in front of the next `end`, which goes away with it; the whole rest if there
 * is none. `more` says whether there was one. */
static struct bytes cut(struct bytes *rest, char end, bool *more)
{
    size_t len = 0;
    while (len < rest->len && rest->at[len] != (uint8_t)end)
        len++;
    *more = len < rest->len;
    struct bytes part = bytes_first(*rest, len);
    *rest = bytes_skip(*rest, len + 1);
    return part;
}

/* Puts together one line of at most `room` octets with its NUL; what does not fit is cut off. */
struct line {
    char *at;
    size_t left;
};

static void say(struct line *line, struct bytes text)
{
    for (size_t i = 0; i < text.len && line->left > 1; i++, line->left--) {
        uint8_t c = text.at[i];
        *line->at++ = c >= 0x20 && c < 0x7f ? (char)c : '?';
    }
    if (line->left > 0)
        *line->at = '\0';
}

static int refuse(char *error, size_t room, struct bytes part, const char *why)
{
    struct line line = {error, room};
    say(&line, text_of("'"));
    say(&line, part);
    say(&line, text_of("': "));
    say(&line, text_of(why));
    return -EINVAL;
}

/* --- numbers ------------------------------------------------------------------------------ */

enum { DIGITS_MAX = 12, PLACES_MAX = 6 };

static bool is_digit(struct bytes text)
{
    return text.len > 0 && text.at[0] >= '0' && text.at[0] <= '9';
}

/* Takes "20" or "0.1" from the front of `text`, as millionths. */
static bool take_decimal(struct bytes *text, uint64_t *millionths)
{
    uint64_t value = 0;
    int digits = 0;
    int places = 0;

    for (; is_digit(*text); *text = bytes_skip(*text, 1), digits++) {
        if (digits == DIGITS_MAX)
            return false;
        value = value * 10 + (uint64_t)(text->at[0] - '0');
    }
    if (digits == 0)
        return false;
    if (text->len > 0 && text->at[0] == '.') {
        *text = bytes_skip(*text, 1);
        if (!is_digit(*text))
            return false;
        for (; is_digit(*text); *text = bytes_skip(*text, 1), places++) {
            if (places == PLACES_MAX)
                return false;
            value = value * 10 + (uint64_t)(text->at[0] - '0');
        }
    }
    for (; places < PLACES_MAX; places++)
        value *= 10;
    *millionths = value;
    return true;
}

static bool read_integer(struct bytes text, uint64_t *out)
{
    uint64_t value = 0;

    if (text.len == 0)
        return false;
    for (; is_digit(text); text = bytes_skip(text, 1)) {
        uint64_t digit = (uint64_t)(text.at[0] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return text.len == 0;
}

/* "0.1%", as parts in 2^32. */
static bool read_chance(struct bytes text, uint32_t *out)
{
    uint64_t value;
    if (!take_decimal(&text, &value) || !text_is(text, "%") || value > 100 * MILLION)
        return false;
    uint64_t parts = (value << 32) / (100 * MILLION);
    *out = parts > UINT32_MAX ? UINT32_MAX : (uint32_t)parts;
    return true;
}

struct unit {
    const char *name;
    uint64_t worth;
};

/* A number with one of `units`, in [min, max]. */
static bool read_quantity(struct bytes text, const struct unit *units, size_t count, uint64_t min,
                          uint64_t max, uint64_t *out)
{
    uint64_t value;

    if (!take_decimal(&text, &value))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!text_is(text, units[i].name))
            continue;
        if (value > max * MILLION / units[i].worth)
            return false;
        *out = value * units[i].worth / MILLION;
        return *out >= min;
    }
    return false;
}

static const uint64_t DURATION_MAX = 60 * (uint64_t)NS_PER_S;
static const uint64_t RATE_MIN = 1000, RATE_MAX = 1000 * UINT64_C(1000000000);
static const uint64_t QUEUE_MAX = UINT64_C(1) << 30;
static const uint64_t BURST_MAX = 1000;
static const uint64_t MTU_MIN = 68, MTU_MAX = 65535;

static bool read_duration(struct bytes text, int64_t *out)
{
    static const struct unit units[] = {
        {"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}};
    uint64_t value;
    if (!read_quantity(text, units, ARRAY_LEN(units), 0, DURATION_MAX, &value))
        return false;
    *out = (int64_t)value;
    return true;
}

static bool read_rate(struct bytes text, uint64_t *out)
{
    static const struct unit units[] = {
        {"bit", 1}, {"kbit", 1000}, {"mbit", 1000000}, {"gbit", 1000000000}};

    if (text_is(text, "none")) {
        *out = 0;
        return true;
    }
    return read_quantity(text, units, ARRAY_LEN(units), RATE_MIN, RATE_MAX, out);
}

/* Octets or frames: what is named last counts. */
static bool read_queue(struct bytes text, struct impair_config *config)
{
    static const struct unit units[] = {{"", 1}, {"k", 1 << 10}, {"m", 1 << 20}};
    static const struct unit frames[] = {{"p", 1}};
    uint64_t value;

    if (read_quantity(text, frames, ARRAY_LEN(frames), 1, IMPAIR_QUEUE_FRAMES_MAX, &value)) {
        config->queue_frames = (uint32_t)value;
        return true;
    }
    if (!read_quantity(text, units, ARRAY_LEN(units), 1, QUEUE_MAX, &value))
        return false;
    config->queue = (uint32_t)value;
    config->queue_frames = 0;
    return true;
}

static bool read_burst(struct bytes text, uint32_t *out)
{
    uint64_t value;
    if (!read_integer(text, &value) || value < 1 || value > BURST_MAX)
        return false;
    *out = (uint32_t)value;
    return true;
}

static bool read_mtu(struct bytes text, uint32_t *out)
{
    uint64_t value;
    if (!read_integer(text, &value) || value < MTU_MIN || value > MTU_MAX)
        return false;
    *out = (uint32_t)value;
    return true;
}

/* --- the spec ----------------------------------------------------------------------------- */

enum key {
    KEY_LOSS,
    KEY_DUP,
    KEY_REORDER,
    KEY_CORRUPT,
    KEY_BURST,
    KEY_BURSTLOSS,
    KEY_ACKLOSS,
    KEY_FORGE,
    KEY_OUTAGE,
    KEY_EVERY,
    KEY_MTU,
    KEY_DELAY,
    KEY_JITTER,
    KEY_RATE,
    KEY_QUEUE,
    KEY_SEED,
};

static const char A_CHANCE[] = "wants a share from 0% to 100%, as in 0.1%";
static const char A_DURATION[] = "wants a time up to 60s in ns, us, ms or s, as in 20ms";

static const struct {
    const char *name;
    const char *wants;
} keys[] = {
    [KEY_LOSS] = {"loss", A_CHANCE},
    [KEY_DUP] = {"dup", A_CHANCE},
    [KEY_REORDER] = {"reorder", A_CHANCE},
    [KEY_CORRUPT] = {"corrupt", A_CHANCE},
    [KEY_BURST] = {"burst", "wants the mean number of frames in a run of losses, 1 to 1000"},
    [KEY_BURSTLOSS] = {"burstloss", A_CHANCE},
    [KEY_ACKLOSS] = {"ackloss", A_CHANCE},
    [KEY_FORGE] = {"forge", A_CHANCE},
    [KEY_OUTAGE] = {"outage", A_DURATION},
    [KEY_EVERY] = {"every", A_DURATION},
    [KEY_MTU] = {"mtu", "wants 68 to 65535 octets"},
    [KEY_DELAY] = {"delay", A_DURATION},
    [KEY_JITTER] = {"jitter", A_DURATION},
    [KEY_RATE] = {"rate",
                  "wants 1kbit to 1000gbit in bit, kbit, mbit or gbit, as in 100mbit, or none"},
    [KEY_QUEUE] = {"queue", "wants 1 to 1024m octets, as in 64k, or 1p to 65536p frames"},
    [KEY_SEED] = {"seed", "wants a number of at most 64 bits"},
};

static bool read_value(enum key key, struct bytes value, struct impair_config *config)
{
    switch (key) {
    case KEY_LOSS:
        return read_chance(value, &config->loss);
    case KEY_DUP:
        return read_chance(value, &config->duplicate);
    case KEY_REORDER:
        return read_chance(value, &config->reorder);
    case KEY_CORRUPT:
        return read_chance(value, &config->corrupt);
    case KEY_BURST:
        return read_burst(value, &config->burst);
    case KEY_BURSTLOSS:
        return read_chance(value, &config->burst_loss);
    case KEY_ACKLOSS:
        return read_chance(value, &config->ack_loss);
    case KEY_FORGE:
        return read_chance(value, &config->forge);
    case KEY_OUTAGE:
        return read_duration(value, &config->outage_ns);
    case KEY_EVERY:
        return read_duration(value, &config->every_ns);
    case KEY_MTU:
        return read_mtu(value, &config->mtu);
    case KEY_DELAY:
        return read_duration(value, &config->delay_ns);
    case KEY_JITTER:
        return read_duration(value, &config->jitter_ns);
    case KEY_RATE:
        return read_rate(value, &config->rate);
    case KEY_QUEUE:
        return read_queue(value, config);
    case KEY_SEED:
        return read_integer(value, &config->seed);
    }
    return false;
}

/* "loss=1%" */
static int read_part(struct bytes part, struct impair_config *config, char *error, size_t room)
{
    struct bytes value = part;
    bool has_value;
    struct bytes name = cut(&value, '=', &has_value);

    for (size_t key = 0; key < ARRAY_LEN(keys); key++) {
        if (!text_is(name, keys[key].name))
            continue;
        if (!has_value || !read_value((enum key)key, value, config))
            return refuse(error, room, part, keys[key].wants);
        return 0;
    }
    return refuse(error, room, part,
                  "none of loss, dup, reorder, corrupt, burst, burstloss, ackloss, forge, delay, "
                  "jitter, outage, every, mtu, rate, queue, seed");
}

/* "loss=1%,delay=20ms" */
static int read_parts(struct bytes parts, struct impair_config *config, char *error, size_t room)
{
    bool more = true;
    while (more) {
        int err = read_part(cut(&parts, ',', &more), config, error, room);
        if (err)
            return err;
    }
    return 0;
}

/* Takes `prefix` from the front of `text` if it is there. */
static bool take_prefix(struct bytes *text, const char *prefix)
{
    size_t len = strlen(prefix);
    if (!text_is(bytes_first(*text, len), prefix))
        return false;
    *text = bytes_skip(*text, len);
    return true;
}

/* With bursts of n, at most n frames of n + 1 are in one: there is one between two bursts. */
static bool can_be_lost(const struct impair_config *c)
{
    uint64_t whole = UINT64_C(1) << 32;
    uint64_t share = c->burst_loss ? ((uint64_t)c->loss << 32) / c->burst_loss : c->loss;

    return c->burst <= 1 || c->loss == UINT32_MAX ||
           (share < whole && share <= c->burst * (whole - share));
}

static bool can_be_out(const struct impair_config *c)
{
    return c->every_ns == 0 || c->outage_ns < c->every_ns;
}

int impair_parse(const char *spec, struct impair_config *in, struct impair_config *out, char *error,
                 size_t room)
{
    struct impair_config result[2] = {*in, *out};
    struct bytes rest = text_of(spec);
    bool more = true;

    while (more) {
        struct bytes parts = cut(&rest, ';', &more);
        bool only_in = take_prefix(&parts, "in:");
        bool only_out = !only_in && take_prefix(&parts, "out:");
        int err = only_out ? 0 : read_parts(parts, &result[0], error, room);
        if (!err && !only_in)
            err = read_parts(parts, &result[1], error, room);
        if (err)
            return err;
    }
    if (!can_be_lost(&result[0]) || !can_be_lost(&result[1]))
        return refuse(error, room, text_of(spec), "so much loss needs longer bursts, or burst=1");
    if (!can_be_out(&result[0]) || !can_be_out(&result[1]))
        return refuse(error, room, text_of(spec), "every= must be longer than outage=");
    *in = result[0];
    *out = result[1];
    return 0;
}
