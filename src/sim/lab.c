/*
 * lab.c - see lab.h.
 */
#include "sim/lab.h"

#include <errno.h>
#include <string.h>

#include "sim/lab_value.h"
#include "sim/lab_words.h"

int lab_open(struct lab *lab, const struct lab_source *source, struct memory *memory,
             struct text *why)
{
    *lab = (struct lab){
        .source = source, .memory = memory, .plan = memory_alloc(memory, sizeof(struct lab_plan))};
    if (!lab->plan)
        return -ENOMEM;
    int err = lab_plan_read(lab->plan, source->plan, why);
    if (err)
        lab_close(lab);
    return err;
}

int lab_do(struct lab *lab, struct event_sink *capture)
{
    int err = lab_run(lab->plan, lab->memory, capture, &lab->result);
    return err ? err : lab->result.problem[0] ? -EPROTO : 0;
}

void lab_close(struct lab *lab)
{
    lab_result_free(&lab->result, lab->memory);
    memory_release(lab->memory, lab->plan, sizeof(struct lab_plan));
    lab->plan = NULL;
}

bool lab_check(const struct lab *lab, struct text *why)
{
    for (int i = 0; i < lab->plan->expects; i++) {
        const struct lab_expect *expect = &lab->plan->expect[i];
        char buffer[2 * LAB_LINE];
        struct text sides = text_of(buffer, sizeof buffer);
        if (lab_holds(lab->plan, &lab->result, expect->text, &sides))
            continue;
        text_add(why, lab->source->name);
        text_add(why, ".lab:");
        text_add_i64(why, expect->line);
        text_add(why, ": '");
        text_add(why, expect->text);
        text_add(why, "' does not hold: ");
        text_add(why, buffer);
        return false;
    }
    return true;
}

struct bytes lab_head(const char *text, const char *key)
{
    struct bytes line;

    while (lab_next_line(&text, &line) && line.len > 0)
        if (lab_take(&line, key) && lab_take(&line, ":"))
            return lab_trim(line);
    return bytes_of("", 0);
}

/* --- placeholders ------------------------------------------------------------------------- */

static void add_tenths(struct text *out, int64_t value, int64_t unit)
{
    text_add_i64(out, value / unit);
    text_add_char(out, '.');
    text_add_i64(out, value % unit / (unit / 10));
}

/* "SUM" or "SUM|ms": what is between the braces. */
static bool fill_one(const struct lab *lab, struct bytes inside, struct text *out, struct text *why)
{
    const uint8_t *bar = memchr(inside.at, '|', inside.len);
    struct bytes sum = bar ? bytes_first(inside, (size_t)(bar - inside.at)) : inside;
    struct bytes unit = bytes_skip(inside, sum.len + (bar != NULL));
    int64_t value;

    if (!lab_sum(lab->plan, &lab->result, sum, &value, why))
        return false;
    if (lab_is(unit, ""))
        text_add_i64(out, value);
    else if (lab_is(unit, "ms"))
        add_tenths(out, value, 1000);
    else if (lab_is(unit, "s"))
        add_tenths(out, value, 1000000);
    else
        text_add(why, "no such unit");
    return why->len == 0;
}

bool lab_fill(const struct lab *lab, struct bytes text, struct text *out, struct text *why)
{
    while (text.len > 0) {
        if (text.at[0] != '{') {
            text_add_char(out, (char)text.at[0]);
            text = bytes_skip(text, 1);
            continue;
        }
        const uint8_t *end = memchr(text.at, '}', text.len);
        if (!end) {
            text_add(why, "a { without its }");
            return false;
        }
        size_t len = (size_t)(end - text.at);
        if (!fill_one(lab, bytes_of(text.at + 1, len - 1), out, why))
            return false;
        text = bytes_skip(text, len + 1);
    }
    if (out->cut)
        text_add(why, "a paragraph is too long");
    return !out->cut;
}
