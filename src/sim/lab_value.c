/*
 * lab_value.c - see lab_value.h.
 */
#include "sim/lab_value.h"

#include <string.h>

#include "base/instant.h"
#include "sim/lab_words.h"

struct sum {
    const struct lab_plan *plan;
    const struct lab_result *result;
    struct bytes rest;
    struct text *why;
    bool wrong;
};

static int64_t fail(struct sum *s, const char *what, struct bytes whom)
{
    if (!s->wrong) {
        text_add(s->why, what);
        text_add(s->why, ": ");
        text_add_escaped(s->why, whom);
    }
    s->wrong = true;
    return 0;
}

/* --- fields ------------------------------------------------------------------------------- */

static int64_t since_start(const struct sum *s, const struct lab_item *item, instant t)
{
    return (t.ns - s->result->first_of[item->scene]) / NS_PER_US;
}

static int64_t option(const struct lab_frame *f, bool told, int64_t value)
{
    (void)f;
    return told ? value : -1;
}

/* clang-format off */
#define FIELD_LIST(X) \
    X("time",      since_start(s, i, i->when)) \
    X("arrives",   i->lost ? -1 : since_start(s, i, i->arrives)) \
    X("took",      (i->when.ns - i->began.ns) / NS_PER_US)      /* of a call */ \
    X("seq",       i->frame.seq) \
    X("ack",       i->frame.ack) \
    X("len",       i->frame.len) \
    X("end",       (int64_t)i->frame.seq + i->frame.len) \
    X("win",       i->frame.window) \
    X("raw_seq",   i->frame.raw_seq) \
    X("raw_ack",   i->frame.raw_ack) \
    X("sport",     i->frame.src_port) \
    X("dport",     i->frame.dst_port) \
    X("size",      i->frame.size) \
    X("mss",       option(&i->frame, i->frame.mss > 0, i->frame.mss)) \
    X("shift",     i->frame.window_scale) \
    X("sacks",     i->frame.sacks) \
    X("sack_left", option(&i->frame, i->frame.sacks > 0, i->frame.sack[0][0])) \
    X("sack_right",option(&i->frame, i->frame.sacks > 0, i->frame.sack[0][1])) \
    X("cwnd",      i->kind == LAB_EVENT ? i->value : i->has_facts ? (int64_t)i->facts.cwnd : -1) \
    X("ssthresh",  i->kind == LAB_EVENT ? (int64_t)i->ssthresh : i->has_facts ? (int64_t)i->facts.ssthresh : -1) \
    X("flight",    i->has_facts ? (int64_t)i->facts.inflight : -1) \
    X("rto",       i->has_facts ? i->facts.rto_ms * 1000 : -1) \
    X("got_cwnd",  i->has_got ? (int64_t)i->got_facts.cwnd : -1)     /* the receiver's, then */ \
    X("got_ssthresh", i->has_got ? (int64_t)i->got_facts.ssthresh : -1) \
    X("got_flight", i->has_got ? (int64_t)i->got_facts.inflight : -1) \
    X("got_srtt",  i->has_got ? i->got_facts.srtt_us : -1) \
    X("got_rto",   i->has_got ? i->got_facts.rto_ms * 1000 : -1) \
    X("result",    i->result) \
    X("value",     i->value)
/* clang-format on */

static int64_t field_of(struct sum *s, int at, struct bytes field)
{
    const struct lab_item *i = &s->result->item[at];

#define TAPIO_X(name, value)                                                                       \
    if (lab_is(field, name))                                                                       \
        return (int64_t)(value);
    FIELD_LIST(TAPIO_X)
#undef TAPIO_X
    return fail(s, "no such field", field);
}

/* --- sums --------------------------------------------------------------------------------- */

static bool is_word(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

static int64_t term(struct sum *s)
{
    char name[2 * LAB_WORD];
    int64_t value;
    size_t len = 0;

    s->rest = lab_trim(s->rest);
    while (len < s->rest.len && is_word(s->rest.at[len]))
        len++;
    struct bytes word = bytes_first(s->rest, len);
    s->rest = lab_trim(bytes_skip(s->rest, len));
    if (len == 0 || len >= sizeof name)
        return fail(s, "a number or a name is missing before", s->rest);
    memcpy(name, word.at, len);
    name[len] = '\0';
    if (lab_number(name, &value))
        return value;
    char *dot = strchr(name, '.');
    if (dot)
        *dot = '\0';
    int mark = lab_mark_find(s->plan, name);
    if (mark < 0 || s->plan->mark[mark].counts == (dot != NULL))
        return fail(s, "no such mark, or a count with a field", word);
    int at = lab_find(s->plan, s->result, mark);
    if (!dot)
        return at;
    if (at < 0)
        return fail(s, "this has not happened", word);
    size_t skip = (size_t)(dot + 1 - name);
    return field_of(s, at, bytes_of(word.at + skip, word.len - skip));
}

static int64_t product(struct sum *s)
{
    int64_t value = term(s);

    while (!s->wrong && s->rest.len > 0 && (s->rest.at[0] == '*' || s->rest.at[0] == '/')) {
        bool times = s->rest.at[0] == '*';
        s->rest = bytes_skip(s->rest, 1);
        int64_t by = term(s);
        if (!times && by == 0)
            return fail(s, "a division by nothing", s->rest);
        value = times ? value * by : value / by;
    }
    return value;
}

bool lab_sum(const struct lab_plan *plan, const struct lab_result *result, struct bytes text,
             int64_t *out, struct text *why)
{
    struct sum s = {.plan = plan, .result = result, .rest = lab_trim(text), .why = why};

    *out = product(&s);
    while (!s.wrong && s.rest.len > 0) {
        uint8_t sign = s.rest.at[0];
        if (sign != '+' && sign != '-') {
            fail(&s, "neither + nor -", s.rest);
            break;
        }
        s.rest = bytes_skip(s.rest, 1);
        int64_t next = product(&s);
        *out += sign == '+' ? next : -next;
    }
    return !s.wrong;
}

bool lab_holds(const struct lab_plan *plan, const struct lab_result *result, const char *text,
               struct text *why)
{
    static const char *const ops[] = {"==", "!=", "<=", ">=", "<", ">"};
    int64_t left, right;

    for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
        const char *at = strstr(text, ops[i]);
        if (!at)
            continue;
        if (!lab_sum(plan, result, bytes_of(text, (size_t)(at - text)), &left, why) ||
            !lab_sum(plan, result, bytes_of(at + strlen(ops[i]), strlen(at + strlen(ops[i]))),
                     &right, why))
            return false;
        text_add_i64(why, left);
        text_add_char(why, ' ');
        text_add(why, ops[i]);
        text_add_char(why, ' ');
        text_add_i64(why, right);
        const bool holds[] = {left == right, left != right, left <= right, left >= right,
                              left<right, left> right};
        return holds[i];
    }
    text_add(why, "nothing is compared");
    return false;
}
