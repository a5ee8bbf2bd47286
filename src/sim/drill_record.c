/*
 * drill_record.c - what was played and what came, for another program: a line of JSON each.
 *
 * Whoever plays the same script to another stack (tests/e2e/differential does, to the kernel) needs
 * no parser of packetdrill's language and none of the runner's rules: here are the packets in as
 * octets, the calls with their words resolved to numbers, what each returned and when, and every
 * packet that the stack sent, asked for or not. Lines come in the order in which things happened;
 * a call is told when it has returned. Times are nanoseconds since the script began.
 *
 *     {"event":"script", ...}   once: addresses, MTU, the values of the stack
 *     {"event":"in" | "out", "at_ns":N, "packet":HEX}
 *     {"event":"call", "line":N, "at_ns":N, "ended_ns":N, "name":NAME, "args":[...], "wanted":N,
 *      "result":N, "errno":NAME}
 *     {"event":"command", "line":N, "at_ns":N, "command":TEXT}
 *     {"event":"end", "at_ns":N, "line":N, "reason":TEXT}
 *
 * A value of a call is a number, null for `...`, {"octets":HEX}, {"address":TEXT}, a list, or an
 * object whose members without a name have their index for one.
 */
#include "base/text.h"
#include "sim/drill_run.h"

enum { SCHEMA = 1 };

/* A line under way. It may be longer than the buffer, which goes out whenever it is nearly full. */
struct line {
    struct octet_sink *sink;
    struct text text;
    char buffer[512];
};

static void flush(struct line *line)
{
    struct iovec iov = {line->buffer, line->text.len};

    line->sink->write(line->sink, &iov, 1);
    line->text = text_of(line->buffer, sizeof(line->buffer));
}

static bool begin(struct line *line, const struct drill_run *run, const char *event)
{
    line->sink = run->config->record;
    if (!line->sink)
        return false;
    line->text = text_of(line->buffer, sizeof(line->buffer));
    text_add(&line->text, "{\"event\":\"");
    text_add(&line->text, event);
    text_add_char(&line->text, '"');
    return true;
}

static void end(struct line *line)
{
    text_add(&line->text, "}\n");
    flush(line);
}

/* Room for a number, a name of ours and the signs around them. */
static void make_room(struct line *line)
{
    if (line->text.len > sizeof(line->buffer) - 128)
        flush(line);
}

static void add_key(struct line *line, const char *key)
{
    make_room(line);
    text_add(&line->text, ",\"");
    text_add(&line->text, key);
    text_add(&line->text, "\":");
}

static void add_number(struct line *line, const char *key, int64_t value)
{
    add_key(line, key);
    text_add_i64(&line->text, value);
}

static void add_quoted(struct line *line, const char *text)
{
    text_add_char(&line->text, '"');
    for (; *text; text++) {
        uint8_t c = (uint8_t)*text;
        make_room(line);
        if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
            text_add_char(&line->text, (char)c);
        } else {
            text_add(&line->text, "\\u");
            text_add_hex(&line->text, c, 4);
        }
    }
    text_add_char(&line->text, '"');
}

static void add_string(struct line *line, const char *key, const char *text)
{
    add_key(line, key);
    add_quoted(line, text);
}

static void add_octets(struct line *line, struct bytes octets)
{
    text_add_char(&line->text, '"');
    for (size_t i = 0; i < octets.len; i++) {
        make_room(line);
        text_add_hex(&line->text, octets.at[i], 2);
    }
    text_add_char(&line->text, '"');
}

static void add_packet(struct line *line, struct bytes octets)
{
    add_key(line, "packet");
    add_octets(line, octets);
}

static void add_prefix(struct line *line, const char *key, struct ip_prefix prefix)
{
    add_key(line, key);
    text_add_char(&line->text, '"');
    text_add_ip(&line->text, prefix.addr);
    text_add_char(&line->text, '/');
    text_add_u64(&line->text, prefix.len);
    text_add_char(&line->text, '"');
}

/* --- the values of calls ------------------------------------------------------------------ */

// NOLINTBEGIN(misc-no-recursion): as deep as the parser lets lists be, DRILL_DEPTH_MAX

static void add_value(struct line *line, const struct drill_value *value);

static void add_items(struct line *line, const struct drill_value *value)
{
    bool list = value->kind == DRILL_LIST;

    text_add_char(&line->text, list ? '[' : '{');
    for (uint32_t i = 0; i < value->count; i++) {
        const struct drill_value *item = &value->items[i];
        make_room(line);
        if (i > 0)
            text_add_char(&line->text, ',');
        if (!list && item->name) {
            add_quoted(line, item->name);
        } else if (!list) {
            text_add_char(&line->text, '"');
            text_add_u64(&line->text, i);
            text_add_char(&line->text, '"');
        }
        if (!list)
            text_add_char(&line->text, ':');
        add_value(line, item);
    }
    text_add_char(&line->text, list ? ']' : '}');
}

/* The depth is the parser's, which has a limit. */
static void add_value(struct line *line, const struct drill_value *value)
{
    const char *unknown;
    int64_t number;

    make_room(line);
    switch (value->kind) {
    case DRILL_ELLIPSIS:
        text_add(&line->text, "null");
        return;
    case DRILL_INTEGER:
    case DRILL_WORD:
    case DRILL_OR:
        if (drill_integer(value, &number, &unknown))
            text_add_i64(&line->text, number);
        else
            text_add(&line->text, "null");
        return;
    case DRILL_STRING:
        text_add(&line->text, "{\"octets\":");
        add_octets(line, bytes_of(value->text, (size_t)value->integer));
        text_add_char(&line->text, '}');
        return;
    case DRILL_ADDRESS:
        text_add(&line->text, "{\"address\":\"");
        text_add_ip(&line->text, value->address);
        text_add(&line->text, "\"}");
        return;
    case DRILL_LIST:
    case DRILL_STRUCT:
        add_items(line, value);
        return;
    }
}
// NOLINTEND(misc-no-recursion)

/* --- the events --------------------------------------------------------------------------- */

void drill_record_script(const struct drill_run *run)
{
    static const char *const families[] = {
        [DRILL_V4] = "ipv4", [DRILL_V6] = "ipv6", [DRILL_MAPPED] = "ipv4-mapped-ipv6"};
    const struct stack_values *values = &run->set.values;
    struct line line;

    if (!begin(&line, run, "script"))
        return;
    add_number(&line, "schema", SCHEMA);
    add_string(&line, "script", run->script.path);
    add_string(&line, "profile", run->set.profile);
    add_string(&line, "family", families[run->set.family]);
    add_prefix(&line, "local", run->set.local);
    add_prefix(&line, "remote", run->set.remote);
    add_number(&line, "bind_port", run->set.bind_port);
    add_number(&line, "connect_port", run->set.connect_port);
    add_number(&line, "mtu", run->set.mtu);
    add_string(&line, "init", run->script.init ? run->script.init : "");
#define TAPIO_X(field, key, kind, initial, min, max, what) add_number(&line, key, values->field);
    TAPIO_VALUE_LIST(TAPIO_X)
#undef TAPIO_X
    end(&line);
}

void drill_record_in(const struct drill_run *run, size_t len)
{
    struct line line;

    if (!begin(&line, run, "in"))
        return;
    add_number(&line, "line", run->event->place.line);
    add_number(&line, "at_ns", drill_script_ns(run, run->now));
    add_packet(&line, bytes_of(run->packet, len));
    end(&line);
}

void drill_record_out(const struct drill_run *run, const struct drill_live *live)
{
    struct line line;

    if (!begin(&line, run, "out"))
        return;
    add_number(&line, "at_ns", drill_script_ns(run, live->when));
    add_packet(&line, bytes_of(live->octets, live->len));
    end(&line);
}

void drill_record_call(const struct drill_run *run, const struct drill_op *op)
{
    const struct drill_call *call = op->call;
    struct line line;

    if (!begin(&line, run, "call"))
        return;
    add_number(&line, "line", op->event->place.line);
    add_number(&line, "at_ns", drill_script_ns(run, op->scheduled));
    add_number(&line, "ended_ns", drill_script_ns(run, op->ended));
    add_string(&line, "name", call->name);
    add_key(&line, "args");
    text_add_char(&line.text, '[');
    for (uint32_t i = 0; i < call->arg_count; i++) {
        if (i > 0)
            text_add_char(&line.text, ',');
        add_value(&line, &call->args[i]);
    }
    text_add_char(&line.text, ']');
    if (!call->result_any)
        add_number(&line, "wanted", call->result);
    add_number(&line, "result", op->result < 0 ? -1 : op->result);
    if (op->result < 0)
        add_string(&line, "errno", drill_errno_name((int)-op->result));
    end(&line);
}

void drill_record_command(const struct drill_run *run, const struct drill_event *event)
{
    struct line line;

    if (!begin(&line, run, "command"))
        return;
    add_number(&line, "line", event->place.line);
    add_number(&line, "at_ns", drill_script_ns(run, run->now));
    add_string(&line, "command", event->command);
    end(&line);
}

void drill_record_end(const struct drill_run *run)
{
    struct line line;

    if (!begin(&line, run, "end"))
        return;
    add_number(&line, "at_ns", run->stack ? drill_script_ns(run, run->now) : 0);
    add_number(&line, "line", run->result->line);
    add_string(&line, "reason", run->result->reason);
    end(&line);
}
