/*
 * drill_parse.c - a script: options, commands, times and events.
 *
 *     script := option* [`init command`] event+ [`cleanup command`]
 *     option := --name [= value]
 *     event  := time ( packet | call | `command` | %{ code }% )
 *     time   := [+] seconds [ ~ [+] seconds | ... seconds ] | *
 *
 * A parser by hand, so that a mistake is told in the words of the one who made it. It checks
 * whatever can be wrong in a script by itself; what we cannot play is drill_check()'s to find.
 * Everything costs O(n): one token ahead, nothing is read twice but by the line that people see.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "sim/drill_parser.h"

/* The tree of a script of DRILL_SCRIPT_MAX octets fits: a value, two octets long, has 72. */
enum { ARENA_MAX = 128 << 20 };

/* --- the lines, and what people see of an event ------------------------------------------- */

/* Checks the octets that no place allows, and keeps the text line by line. */
static void take_lines(struct drill_parser *p, struct bytes text, struct drill_script *out)
{
    uint32_t count = 1;
    uint32_t line = 0;

    for (size_t i = 0; i < text.len && !p->err; i++) {
        p->token.place.line = count;
        if (text.at[i] == '\0')
            parser_fail(p, "a NUL octet: this is no script");
        if (text.at[i] == '\r')
            parser_fail(p, "a carriage return: lines end in a newline alone");
        count += text.at[i] == '\n';
    }
    char *copy = drill_arena_text(p->arena, text);
    const char **lines = parser_alloc(p, count * sizeof(*lines));
    if (!copy || !lines || p->err) {
        parser_no_memory(p);
        return;
    }
    lines[line++] = copy;
    for (size_t i = 0; i < text.len; i++) {
        if (copy[i] == '\n') {
            copy[i] = '\0';
            lines[line++] = copy + i + 1;
        }
    }
    assert(line == count);
    out->lines = lines;
    out->line_count = count - (lines[count - 1][0] == '\0' && count > 1);
}

/* What stands in quotes at `at`, up to its closing one; 1 when nothing does. */
static size_t quoted_len(const char *at, const char *end)
{
    const char *c = at + 1;
    if (at[0] == '%' && c < end && *c == '{') {
        while (c + 1 < end && !(c[0] == '}' && c[1] == '%'))
            c++;
        return (size_t)(c - at) + (c + 1 < end ? 2 : 1);
    }
    if (at[0] != '"' && at[0] != '`')
        return 1;
    while (c < end && *c != at[0])
        c += *c == '\\' && c + 1 < end ? 2 : 1;
    return (size_t)(c - at) + (c < end);
}

/* The comment at `at`, or 0. */
static size_t comment_len(const char *at, const char *end)
{
    if (end - at < 2 || at[0] != '/' || (at[1] != '/' && at[1] != '*'))
        return 0;
    const char *mark = at[1] == '/' ? "\n" : "*/";
    const char *to = memmem(at + 2, (size_t)(end - at - 2), mark, strlen(mark));
    return to ? (size_t)(to - at) + strlen(mark) : (size_t)(end - at);
}

/* The text from `at` to `end` on one line: comments gone, runs of blanks folded into one. */
static const char *fold(struct drill_parser *p, const char *at, const char *end)
{
    char *out = drill_arena_text(p->arena, bytes_of(at, (size_t)(end - at)));
    size_t len = 0;
    bool blank = false;

    if (!out) {
        parser_no_memory(p);
        return "";
    }
    while (at < end) {
        size_t comment = comment_len(at, end);
        size_t n = comment ? comment : quoted_len(at, end);
        for (size_t i = 0; i < n; i++) {
            if (comment || at[i] == ' ' || at[i] == '\t' || at[i] == '\n') {
                blank = len > 0;
                continue;
            }
            if (blank)
                out[len++] = ' ';
            blank = false;
            out[len++] = at[i];
        }
        at += n;
    }
    out[len] = '\0';
    return out;
}

/* --- options ------------------------------------------------------------------------------ */

enum wants { NOTHING, A_VALUE, EITHER };

static const struct {
    const char *name;
    enum wants wants;
} known_options[] = {
    {"ip_version", A_VALUE},
    {"local_ip", A_VALUE},
    {"remote_ip", A_VALUE},
    {"gateway_ip", A_VALUE},
    {"netmask_ip", A_VALUE},
    {"bind_port", A_VALUE},
    {"connect_port", A_VALUE},
    {"mtu", A_VALUE},
    {"speed", A_VALUE},
    {"mss", A_VALUE},
    {"tolerance_usecs", A_VALUE},
    {"tolerance_percent", A_VALUE},
    {"strict_segments", NOTHING},
    {"tcp_ts_tick_usecs", A_VALUE},
    {"tcp_ts_ecr_scaled", NOTHING},
    {"non_fatal", A_VALUE},
    {"define", A_VALUE},
    {"init_scripts", A_VALUE},
    {"code_command", A_VALUE},
    {"code_format", A_VALUE},
    {"code_sockopt", A_VALUE},
    {"is_anyip", NOTHING},
    {"send_omit_free", NOTHING},
    {"dry_run", NOTHING},
    {"verbose", NOTHING},
    {"debug", NOTHING},
    {"so_filename", A_VALUE},
    {"so_flags", A_VALUE},
    {"wire_client", NOTHING},
    {"wire_server", NOTHING},
    {"wire_server_ip", A_VALUE},
    {"wire_server_at", A_VALUE},
    {"wire_server_port", A_VALUE},
    {"wire_client_dev", A_VALUE},
    {"wire_server_dev", A_VALUE},
    {"psp_udp_port", A_VALUE},
    {"profile", A_VALUE},          /* ours: the values to start from */
    {"udp_encapsulation", EITHER}, /* FreeBSD's */
};

/* What `name` wants; an unknown one is a mistake. */
static enum wants option_wants(struct drill_parser *p, const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(known_options); i++)
        if (strcmp(known_options[i].name, name) == 0)
            return known_options[i].wants;
    parser_fail(p, "there is no option --%.40s", name);
    return EITHER;
}

/* The token as it stands in the script: a string keeps its quotes. */
static const char *spelled(struct drill_parser *p)
{
    const char *text = drill_arena_text(p->arena, p->token.spelled);
    if (!text)
        parser_no_memory(p);
    return text ? text : "";
}

/* NAME=word, NAME="text", NAME=`command`, the name already taken: one text again. */
static const char *parse_named_value(struct drill_parser *p, const char *name)
{
    enum drill_token_kind kind = p->token.kind;
    if (kind != TOKEN_WORD && kind != TOKEN_STRING && kind != TOKEN_COMMAND)
        parser_expected(p, "a word, \"text\" or `command` behind NAME= (or all of it in quotes, as "
                           "in \"NAME=5\")");
    const char *value = spelled(p);
    size_t room = strlen(name) + 1 + strlen(value) + 1;
    char *text = parser_alloc(p, room);
    if (text)
        snprintf(text, room, "%s=%s", name, value);
    parser_take(p);
    return text ? text : "";
}

static const char *parse_option_value(struct drill_parser *p)
{
    enum drill_token_kind kind = p->token.kind;
    const char *value = "";

    if (kind == TOKEN_STRING)
        value = p->token.text;
    else if (kind == TOKEN_INTEGER || kind == TOKEN_ADDRESS || kind == TOKEN_WORD)
        value = spelled(p);
    else
        parser_expected(p,
                        "a decimal number, a word, an address, NAME=word or \"text\" behind '='");
    parser_take(p);
    if (kind == TOKEN_WORD && parser_accept(p, '='))
        return parse_named_value(p, value);
    return value;
}

static void define(struct drill_parser *p, const char *value)
{
    const char *sign = strchr(value, '=');
    if (!sign || sign == value) {
        parser_fail(p, "--define wants NAME=value, got '%.40s'", value);
        return;
    }
    char *name = drill_arena_text(p->arena, bytes_of(value, (size_t)(sign - value)));
    if (!name)
        parser_no_memory(p);
    else if (!drill_lex_define(&p->lex, name, sign + 1))
        parser_fail(p, "more than %d words are defined", DRILL_DEFINES_MAX);
}

static void parse_option(struct drill_parser *p)
{
    struct drill_option option = {.name = p->token.text, .place = p->token.place};
    enum wants wants = option_wants(p, option.name);
    bool is_define = strcmp(option.name, "define") == 0;

    parser_take(p);
    if (parser_is(p, '=')) {
        if (wants == NOTHING)
            parser_fail(p, "--%s takes no value", option.name);
        if (is_define)
            parser_take_raw(p); /* a name that is defined anew stays a name */
        else
            parser_take(p);
        option.value = parse_option_value(p);
        option.place.end = p->taken_line;
    } else if (wants == A_VALUE) {
        p->token.place.line = option.place.line; /* the next token may be far below */
        parser_fail(p, "--%s wants a value, as in --%s=value", option.name, option.name);
    }
    if (is_define && option.value && !p->err)
        define(p, option.value);
    if (!drill_pile_push(&p->options, &option))
        parser_no_memory(p);
}

/* --- times -------------------------------------------------------------------------------- */

static void parse_range_end(struct drill_parser *p, struct drill_time *out)
{
    bool plus = parser_is(p, '+');
    if (plus != (out->clock == DRILL_AFTER))
        parser_expected(p, plus ? "a time without '+', as at the start of this range"
                                : "'+' here as at the start of this range");
    parser_accept(p, '+');
    out->range = true;
    out->end_ns = parser_seconds(p, "the end of the range in seconds");
    if (out->end_ns < out->start_ns)
        parser_fail(p, "this range of time ends before it begins");
}

static void parse_time(struct drill_parser *p, struct drill_time *out)
{
    if (parser_accept(p, '*')) {
        out->clock = DRILL_WHENEVER;
        return;
    }
    out->clock = parser_accept(p, '+') ? DRILL_AFTER : DRILL_AT;
    out->start_ns = parser_seconds(p, out->clock == DRILL_AFTER
                                          ? "seconds behind '+'"
                                          : "a time in front of the event (as in 0, +.1 or *)");
    if (parser_accept(p, '~')) {
        parse_range_end(p, out);
    } else if (p->token.kind == TOKEN_ELLIPSIS) {
        parser_take(p);
        out->blocking = true;
        out->end_ns = parser_seconds(p, "the end of the call in seconds, without '+'");
    }
}

/* A range and '*' are for packets that we wait for, start...end for calls. */
static void check_time(struct drill_parser *p, const struct drill_event *event)
{
    const struct drill_time *time = &event->time;
    bool is_out = event->kind == DRILL_PACKET && event->packet.out;
    int64_t latest = p->latest_ns;

    p->token.place.line = event->place.line; /* of the complaint */
    if (time->clock == DRILL_WHENEVER && !is_out)
        parser_fail(p, "'*' (at any time) is for packets that the stack sends ('>')");
    if (time->range && !is_out)
        parser_fail(p, "a range of time (a~b) is for packets that the stack sends ('>')");
    if (time->blocking && event->kind != DRILL_CALL)
        parser_fail(p, "start...end is for calls that block");
    if (p->events.count == 0 && (time->clock == DRILL_WHENEVER || time->start_ns != 0))
        parser_fail(p, "the first event must be at time 0");
    if (time->clock == DRILL_AT && time->start_ns < latest)
        parser_fail(p, "this time is before that of an event above");
    if (time->clock == DRILL_AT)
        p->latest_ns = time->start_ns;
}

/* --- events ------------------------------------------------------------------------------- */

static void parse_event(struct drill_parser *p)
{
    struct drill_event event = {.place = p->token.place};
    const char *start = p->token.start;

    parse_time(p, &event.time);
    if (parser_is(p, '<') || parser_is(p, '>')) {
        event.kind = DRILL_PACKET;
        parser_packet(p, &event.packet);
    } else if (p->token.kind == TOKEN_WORD) {
        event.kind = DRILL_CALL;
        parser_call(p, &event.call);
    } else if (p->token.kind == TOKEN_COMMAND) {
        event.kind = DRILL_COMMAND;
        event.command = p->token.text;
        parser_take(p);
    } else if (p->token.kind == TOKEN_CODE) {
        event.kind = DRILL_CODE;
        event.code = p->token.text;
        event.code_line = (uint32_t)p->token.integer;
        parser_take(p);
    } else {
        parser_expected(p, "'>' or '<', a call, `command` or %{ code }%");
    }
    if (p->err)
        return;
    event.place.end = p->taken_line;
    event.source = fold(p, start, p->taken_to);
    uint32_t line = p->token.place.line;
    check_time(p, &event);
    p->token.place.line = line;
    if (p->events.count == DRILL_EVENTS_MAX)
        parser_fail(p, "more than %d events", DRILL_EVENTS_MAX);
    if (!p->err && !drill_pile_push(&p->events, &event))
        parser_no_memory(p);
}

/* A command without a time. */
static const char *parse_command(struct drill_parser *p, struct drill_place *place)
{
    const char *command = p->token.text;
    *place = p->token.place;
    parser_take(p);
    return command;
}

static void parse_script(struct drill_parser *p, struct drill_script *out)
{
    while (p->token.kind == TOKEN_OPTION)
        parse_option(p);
    if (p->token.kind == TOKEN_COMMAND)
        out->init = parse_command(p, &out->init_place);
    if (p->token.kind == TOKEN_COMMAND)
        parser_fail(p, "only one command may stand without a time in front of the events");
    do {
        if (p->token.kind == TOKEN_OPTION)
            parser_fail(p, "--%.40s: options stand in front of everything else", p->token.text);
        parse_event(p);
        if (p->token.kind == TOKEN_COMMAND) {
            out->cleanup = parse_command(p, &out->cleanup_place);
            if (p->token.kind != TOKEN_END)
                parser_expected(p, "nothing behind a command without a time: it is the last thing "
                                   "of a script");
        }
    } while (p->token.kind != TOKEN_END);
}

/* --- the script --------------------------------------------------------------------------- */

static void settle(struct drill_parser *p, struct drill_script *out)
{
    void *options, *events;

    out->option_count = p->options.count;
    out->event_count = p->events.count;
    if (!drill_pile_settle(&p->options, 0, p->arena, &options) ||
        !drill_pile_settle(&p->events, 0, p->arena, &events)) {
        parser_no_memory(p);
        return;
    }
    out->options = options;
    out->events = events;
}

static void parse_text(struct drill_parser *p, const char *path, struct bytes text,
                       const struct drill_define *defines, uint32_t define_count,
                       struct drill_script *out)
{
    if (text.len > DRILL_SCRIPT_MAX) {
        p->token.place.line = 0;
        parser_fail(p, "a script of more than %d octets", DRILL_SCRIPT_MAX);
        return;
    }
    for (uint32_t i = 0; i < define_count; i++) {
        if (!drill_lex_define(&p->lex, defines[i].name, defines[i].value)) {
            p->token.place.line = 0;
            parser_fail(p, "more than %d words are defined", DRILL_DEFINES_MAX);
        }
    }
    p->lex.fixed_count = p->lex.define_count;
    out->path = drill_arena_text(p->arena, bytes_of(path, strlen(path)));
    if (!out->path)
        parser_no_memory(p);
    take_lines(p, text, out);
    parser_take(p);
    parse_script(p, out);
    settle(p, out);
}

int drill_parse(struct memory *memory, const char *path, struct bytes text,
                const struct drill_define *defines, uint32_t define_count, struct drill_script *out,
                struct drill_problem *problem)
{
    struct drill_parser p = {.memory = memory, .problem = problem, .token = {.place = {1, 1}}};

    *problem = (struct drill_problem){0};
    *out = (struct drill_script){0};
    p.arena = out->arena = drill_arena_new(memory, ARENA_MAX);
    if (!p.arena) {
        parser_no_memory(&p);
        return -ENOMEM;
    }
    drill_lex_init(&p.lex, text, p.arena, problem);
    drill_pile_init(&p.options, memory, sizeof(struct drill_option));
    drill_pile_init(&p.events, memory, sizeof(struct drill_event));
    drill_pile_init(&p.values, memory, sizeof(struct drill_value));
    parse_text(&p, path, text, defines, define_count, out);
    drill_pile_fini(&p.options);
    drill_pile_fini(&p.events);
    drill_pile_fini(&p.values);
    if (p.err)
        drill_script_free(out);
    return p.err;
}

void drill_script_free(struct drill_script *script)
{
    drill_arena_free(script->arena);
    *script = (struct drill_script){0};
}
