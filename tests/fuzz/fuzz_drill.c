/*
 * fuzz_drill.c - any text as a packetdrill script, as a block of its code, and as a shell's
 * commands.
 *
 * Asserted: what is refused is told in one line with a line of the script; what is parsed is a tree
 * whose places are lines of the script, whose option lists fit a header, and whose events, each
 * written down again as people see it, are parsed as the same; nothing is left behind in any case,
 * whatever allocation fails; a setting has a name, and what is reported of a command stands in it.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "sim/drill_ast.h"
#include "sim/drill_code.h"
#include "sim/drill_sysctl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

/* --- memory that counts and may run out ---------------------------------------------------- */

struct heap {
    struct env env;
    size_t out, fail_at, calls;
};

static void *heap_alloc(void *context, size_t len)
{
    struct heap *heap = context;
    if (heap->fail_at && ++heap->calls >= heap->fail_at)
        return NULL;
    heap->out += len;
    return malloc(len);
}

static void heap_release(void *context, void *octets, size_t len)
{
    struct heap *heap = context;
    HOLDS(heap->out >= len);
    heap->out -= len;
    free(octets);
}

static struct memory memory_of(struct heap *heap, size_t fail_at)
{
    *heap = (struct heap){.env = {.context = heap, .alloc = heap_alloc, .release = heap_release},
                          .fail_at = fail_at};
    return (struct memory){.env = &heap->env};
}

/* --- scripts ------------------------------------------------------------------------------ */

static void check_values(const struct drill_value *values, uint32_t count, unsigned depth)
{
    int64_t number;
    const char *unknown;

    /* An OR may stand in the innermost list. */
    HOLDS(depth <= DRILL_DEPTH_MAX + 1 || count == 0);
    for (uint32_t i = 0; i < count; i++) {
        const struct drill_value *v = &values[i];
        HOLDS(v->kind != DRILL_STRING || v->text[v->integer] == '\0');
        HOLDS(v->kind != DRILL_OR || v->count >= 2);
        if (v->kind != DRILL_LIST && v->kind != DRILL_STRUCT && v->kind != DRILL_OR)
            HOLDS(v->count == 0);
        (void)drill_integer(v, &number, &unknown);
        check_values(v->items, v->count, depth + 1);
    }
}

static void check_options(const struct drill_tcp *tcp)
{
    HOLDS((tcp->list == DRILL_OPTIONS_LIST) == (tcp->option_count > 0));
    HOLDS(tcp->option_count <= DRILL_OPTIONS);
    size_t len = 0;
    for (uint8_t i = 0; i < tcp->option_count; i++) {
        const struct drill_tcp_option *o = &tcp->options[i];
        HOLDS(o->blocks <= DRILL_BLOCKS && o->octet_count <= sizeof(o->octets));
        len += 2 + (size_t)o->blocks * 8 + o->octet_count;
        if (o->kind == DRILL_OPT_EOL || o->kind == DRILL_OPT_NOP)
            len--;
    }
    HOLDS(len <= 40);
}

static void check_event(const struct drill_script *script, const struct drill_event *event)
{
    HOLDS(event->place.line >= 1 && event->place.line <= event->place.end);
    HOLDS(event->place.end <= script->line_count);
    HOLDS(event->source[0] != '\0' && !strchr(event->source, '\n'));
    HOLDS(event->time.start_ns >= 0 && event->time.end_ns >= 0);
    HOLDS(!event->time.range || event->time.end_ns >= event->time.start_ns);
    HOLDS(!event->time.blocking || event->kind == DRILL_CALL);
    if (event->kind == DRILL_CALL)
        check_values(event->call.args, event->call.arg_count, 0);
    if (event->kind == DRILL_PACKET && event->packet.protocol == DRILL_TCP)
        check_options(&event->packet.tcp);
}

/* The event as people see it is an event, and is seen the same. */
static void check_source(const struct drill_event *event)
{
    struct memory memory = {0};
    struct drill_script again;
    struct drill_problem problem;
    size_t len = strlen(event->source);
    char *text = malloc(len + 8);

    HOLDS(text);
    memcpy(text, "0 `a`\n", 6);
    memcpy(text + 6, event->source, len);
    if (len + 6 <= DRILL_SCRIPT_MAX) {
        HOLDS(drill_parse(&memory, "again", bytes_of(text, len + 6), NULL, 0, &again, &problem) ==
              0);
        HOLDS(again.event_count == 2 && again.events[1].kind == event->kind);
        HOLDS(strcmp(again.events[1].source, event->source) == 0);
        drill_script_free(&again);
    }
    free(text);
}

static void see_nothing(void *context, const struct drill_sysctl *seen);

static void check_script(const struct drill_script *script, struct memory *memory)
{
    static const struct drill_figure figures[] = {{"tcpi_unacked", 1}};
    struct drill_variables *variables = drill_variables_new(memory);
    char why[DRILL_WHY];
    bool defines = false;

    HOLDS(variables && script->event_count > 0 && script->event_count <= DRILL_EVENTS_MAX);
    for (uint32_t i = 0; i < script->option_count; i++)
        defines = defines || strcmp(script->options[i].name, "define") == 0;
    for (uint32_t i = 0; i < script->event_count; i++) {
        const struct drill_event *event = &script->events[i];
        check_event(script, event);
        if (!defines && i < 8)
            check_source(event);
        if (event->kind == DRILL_CODE)
            (void)drill_code_run(event->code, variables, figures, 1, why);
        if (event->kind == DRILL_COMMAND)
            drill_sysctl_read(event->command, see_nothing, NULL);
    }
    drill_variables_free(variables);
}

static void try_script(struct bytes text, size_t fail_at)
{
    static const struct drill_define defines[] = {{"A", "5"}, {"B", "\"b\""}};
    struct heap heap;
    struct memory memory = memory_of(&heap, fail_at);
    struct drill_script script;
    struct drill_problem problem;
    uint32_t lines = 1;

    for (size_t i = 0; i < text.len; i++)
        lines += text.at[i] == '\n';
    int err = drill_parse(&memory, "fuzz", text, defines, fail_at ? 2 : 0, &script, &problem);
    HOLDS(err == 0 || err == -EINVAL || err == -ENOMEM);
    HOLDS(err != -ENOMEM || fail_at);
    if (err == 0 && !fail_at)
        check_script(&script, &memory);
    if (err) {
        HOLDS(problem.text[0] && problem.line <= lines && !script.arena);
        HOLDS(!strchr(problem.text, '\n'));
    }
    drill_script_free(&script);
    HOLDS(heap.out == 0);
}

/* --- code --------------------------------------------------------------------------------- */

static void try_code(const char *text, size_t fail_at)
{
    static const struct drill_figure figures[] = {{"a", 1}, {"b", -5}, {"tcpi_unacked", 7}};
    struct heap heap;
    struct memory memory = memory_of(&heap, fail_at);
    struct drill_variables *variables = drill_variables_new(&memory);
    char why[DRILL_WHY];

    if (variables) {
        for (int i = 0; i < 2; i++) { /* what the first leaves behind, the second finds */
            memset(why, 'x', sizeof(why));
            enum drill_code_result result = drill_code_run(text, variables, figures, 3, why);
            HOLDS(memchr(why, '\0', sizeof(why)));
            HOLDS((result == DRILL_CODE_HOLDS) == (why[0] == '\0'));
            HOLDS(drill_code_check(text, variables, figures, 3, why) != DRILL_CODE_FAILS);
        }
    }
    drill_variables_free(variables);
    HOLDS(heap.out == 0);
}

/* --- commands ----------------------------------------------------------------------------- */

static void see_nothing(void *context, const struct drill_sysctl *seen)
{
    (void)context;
    HOLDS(seen->line > 0);
}

static void see(void *context, const struct drill_sysctl *seen)
{
    const char *text = context;
    const char *at = (const char *)seen->text.at;

    HOLDS(at >= text && at + seen->text.len <= text + strlen(text) && seen->text.len > 0);
    HOLDS(seen->kind != DRILL_SYSCTL_SET || (seen->name[0] && seen->value));
    HOLDS(seen->kind != DRILL_SYSCTL_SCRIPT || seen->name[0]);
    HOLDS(seen->sleep_ns >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size ? size : 1); /* exactly the text */
    char *text = malloc(size + 1);            /* and with its end */
    HOLDS(exact && text);
    if (size) {
        memcpy(exact, data, size);
        memcpy(text, data, size);
    }
    text[size] = '\0';

    try_script(bytes_of(exact, size), 0);
    try_script(bytes_of(exact, size), 1 + size % 13);
    try_code(text, 0);
    try_code(text, 1 + size % 13);
    drill_sysctl_read(text, see, text);
    free(exact);
    free(text);
    return 0;
}
