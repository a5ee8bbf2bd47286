/*
 * drill_check.c - what a script needs that we do not have, found before anything runs.
 *
 * The kinds are a closed list (DRILL_SKIP_LIST), and each skip names the text that caused it.
 */
#include "sim/drill_run.h"

static int check_options(struct drill_run *run, const struct drill_event *event)
{
    const struct drill_tcp *tcp = &event->packet.tcp;
    uint32_t line = event->place.line;

    for (int i = 0; i < tcp->option_count; i++) {
        const char *missing = NULL;
        switch (tcp->options[i].kind) {
        case DRILL_OPT_MD5:
            missing = "md5";
            break;
        case DRILL_OPT_FO:
            missing = "FO";
            break;
        case DRILL_OPT_FOEXP:
            missing = "FOEXP";
            break;
        case DRILL_OPT_ACCECN:
            missing = "ECN";
            break;
        case DRILL_OPT_EOL:
        case DRILL_OPT_NOP:
        case DRILL_OPT_MSS:
        case DRILL_OPT_WSCALE:
        case DRILL_OPT_SACKOK:
        case DRILL_OPT_SACK:
        case DRILL_OPT_TS:
        case DRILL_OPT_UNKNOWN:
            break;
        }
        if (missing)
            return drill_skip(run, DRILL_SKIP_OPTION, line, "TCP option %s", missing);
    }
    return 0;
}

static int check_packet(struct drill_run *run, const struct drill_event *event)
{
    const struct drill_packet *packet = &event->packet;
    uint32_t line = event->place.line;

    if (packet->encapsulated)
        return drill_skip(run, DRILL_SKIP_OPTION, line, "encapsulation: %s", event->source);
    if (packet->protocol == DRILL_UDP)
        return drill_skip(run, DRILL_SKIP_CALL, line, "udp: %s", event->source);
    if (packet->protocol != DRILL_TCP)
        return 0;
    if (packet->out && packet->tcp.flags & DRILL_AE)
        return drill_skip(run, DRILL_SKIP_OPTION, line, "the AE flag: %s", event->source);
    return check_options(run, event);
}

static int check_code(struct drill_run *run, const struct drill_event *event,
                      struct drill_variables *variables)
{
    struct drill_figure figures[DRILL_FIGURES];
    char why[DRILL_WHY];
    uint32_t count = drill_figures(NULL, figures);

    if (drill_code_check(event->code, variables, figures, count, why) == DRILL_CODE_UNKNOWN)
        return drill_skip(run, DRILL_SKIP_EXPRESSION, event->code_line + drill_code_line(variables),
                          "%s", why);
    return 0;
}

static int check_event(struct drill_run *run, const struct drill_event *event,
                       struct drill_variables *variables)
{
    char text[DRILL_REASON];
    struct stack_values scratch;

    switch (event->kind) {
    case DRILL_PACKET:
        return check_packet(run, event);
    case DRILL_CALL:
        return drill_call_trouble(&event->call, text)
                   ? drill_skip(run, DRILL_SKIP_CALL, event->place.line, "%s", text)
                   : 0;
    case DRILL_COMMAND:
        scratch = run->set.values;
        return drill_command(run, event->command, event->place.line, &scratch, NULL);
    case DRILL_CODE:
        return check_code(run, event, variables);
    }
    return 0;
}

int drill_check(struct drill_run *run)
{
    struct drill_variables *variables = drill_variables_new(run->memory);
    int err = variables ? 0 : drill_fail(run, 0, "no memory");

    for (uint32_t i = 0; i < run->script.event_count && !err; i++)
        err = check_event(run, &run->script.events[i], variables);
    drill_variables_free(variables);
    return err;
}
