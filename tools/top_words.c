/*
 * top_words.c - figures as a person reads them: few digits, and the unit behind them.
 */
#include "top_view.h"

/* Three digits and a unit. */
static void add_scaled(struct text *out, uint64_t value, uint64_t unit)
{
    const uint64_t whole = value / unit, rest = value % unit;

    text_add_u64(out, whole);
    if (whole >= 100)
        return;
    text_add_char(out, '.');
    text_add_padded(out, whole >= 10 ? rest * 10 / unit : rest * 100 / unit, whole >= 10 ? 1 : 2);
}

void top_add_count(struct text *out, uint64_t value)
{
    static const char units[] = "kMGTP";
    uint64_t unit = 1000;
    int i = 0;

    if (value < 10000) {
        text_add_u64(out, value);
        return;
    }
    for (; value / unit >= 1000 && units[i + 1]; i++)
        unit *= 1000;
    add_scaled(out, value, unit);
    text_add_char(out, units[i]);
}

void top_add_time(struct text *out, uint64_t us)
{
    if (us < 1000) {
        text_add_u64(out, us);
        text_add(out, "us");
    } else if (us < 1000000) {
        add_scaled(out, us, 1000);
        text_add(out, "ms");
    } else {
        add_scaled(out, us, 1000000);
        text_add(out, "s");
    }
}

/* What comes behind the point, without the zeros at its end. */
static void add_fraction(struct text *out, uint64_t rest, unsigned digits)
{
    for (; digits > 0 && rest % 10 == 0; digits--)
        rest /= 10;
    if (digits == 0)
        return;
    text_add_char(out, '.');
    text_add_padded(out, rest, digits);
}

void top_add_loss(struct text *out, uint32_t ppm)
{
    text_add_u64(out, ppm / 10000);
    add_fraction(out, ppm % 10000, 4);
    text_add_char(out, '%');
}

void top_add_delay(struct text *out, uint64_t us)
{
    text_add_u64(out, us / 1000);
    add_fraction(out, us % 1000, 3);
    text_add(out, "ms");
}

void top_add_rate(struct text *out, uint64_t bps)
{
    static const struct {
        uint64_t unit;
        const char *name;
    } units[] = {{1000000000, "Gbit/s"}, {1000000, "Mbit/s"}, {1000, "kbit/s"}, {1, "bit/s"}};

    if (bps == 0) {
        text_add(out, "no limit");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (bps < units[i].unit)
            continue;
        text_add_u64(out, bps / units[i].unit);
        add_fraction(out, bps % units[i].unit * 1000 / units[i].unit, 3);
        text_add(out, units[i].name);
        return;
    }
}

void top_add_seconds(struct text *out, uint64_t us, unsigned decimals)
{
    uint64_t divide = 1;

    for (unsigned i = decimals; i < 6; i++)
        divide *= 10;
    text_add_u64(out, us / 1000000);
    text_add_char(out, '.');
    text_add_padded(out, us % 1000000 / divide, decimals);
}

int32_t top_relative(uint32_t number, bool known, uint32_t base)
{
    return (int32_t)(known ? number - base : number);
}
