/*
 * counters.c - see counters.h.
 *
 * The counters are kept where things happen; this file only shows and adds them. Left out on
 * purpose: JSON and rates, which belong to the verbs that look into a running stack.
 */
#include "see/counters.h"

enum { NAME_MAX_LEN = 40, COUNTER_LINE = NAME_MAX_LEN + 1 + 20 + 1 };
static_assert((4 + DROP_COUNT + COUNTER_COUNT) * COUNTER_LINE <= COUNTERS_TEXT,
              "COUNTERS_TEXT holds every line");

static void line(struct text *out, const char *name, uint64_t value)
{
    if (value == 0)
        return;
    assert(strlen(name) <= NAME_MAX_LEN);
    text_add(out, name);
    text_add_char(out, ' ');
    text_add_u64(out, value);
    text_add_char(out, '\n');
}

uint64_t counters_dropped(const struct stack_counters *counters)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < DROP_COUNT; i++)
        sum += counters->drops[i];
    return sum;
}

bool counters_conserved(const struct stack_counters *counters)
{
    return counters->received == counters->consumed + counters->held + counters_dropped(counters);
}

void counters_render(const struct stack_counters *counters, struct text *out)
{
    uint64_t accounted = counters->consumed + counters->held + counters_dropped(counters);

    line(out, "stack.received", counters->received);
    line(out, "stack.consumed", counters->consumed);
    if (counters->held)
        line(out, "stack.held", counters->held);
    line(out, "stack.sent", counters->sent);
    if (accounted != counters->received) {
        text_add(out, "stack.unaccounted ");
        text_add_i64(out, (int64_t)(counters->received - accounted));
        text_add_char(out, '\n');
    }
    for (size_t i = 0; i < DROP_COUNT; i++)
        line(out, drop_name((enum drop)i), counters->drops[i]);
    for (size_t i = 0; i < COUNTER_COUNT; i++)
        line(out, counter_name((enum counter)i), counters->events[i]);
}

void counters_render_dev(const struct dev_counters *counters, struct text *out)
{
#define TAPIO_X(field, name) line(out, name, counters->field);
    TAPIO_DEV_COUNTER_LIST(TAPIO_X)
#undef TAPIO_X
}
