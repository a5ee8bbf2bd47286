/*
 * exec_options.c - the command line of `tapio exec`: see exec_verb.h.
 */
#include <stdlib.h>
#include <string.h>

#include "exec_verb.h"

static int take_netns(void *context, const char *text, struct refusal *refusal)
{
    struct exec_verb *verb = context;

    if (strcmp(text, "new") != 0)
        return refuse(refusal, EXIT_USAGE,
                      "--netns %s: 'new' is what there is, a network namespace of its own", text);
    verb->netns = true;
    return 0;
}

/* clang-format off */
static const struct option_row rows[] = {
    {"netns", 0, "new", "run it in a network namespace of its own, where nobody needs to be root", take_netns},
};
/* clang-format on */

const struct option_verb exec_option_verb = {
    .name = "exec",
    .arguments = "[--] CMD [ARGUMENT...]",
    .help =
        "Runs a program whose Internet sockets are on a stack of ours, in its own process. Each "
        "process takes\nthe next free tapN and 10.9.N.2/24, and the kernel 10.9.N.1, unless --dev "
        "or --addr say otherwise.",
    .operands = 1,
    .more_operands = 1 << 20,
    .rows = rows,
    .row_count = sizeof rows / sizeof *rows,
    .command = true,
};

int exec_options_read(struct exec_verb *verb, int argc, char **argv, enum options_wish *wish,
                      int *first, struct refusal *refusal)
{
    *verb = (struct exec_verb){.netns = false};
    int status =
        options_read(&verb->options, &exec_option_verb, verb, argc, argv, wish, first, refusal);
    if (status || *wish != OPTIONS_RUN)
        return status;
    if (verb->options.capture && strcmp(verb->options.capture, "-") == 0)
        return refuse(refusal, EXIT_USAGE,
                      "--capture -: standard output is the program's; name a file");
    verb->options.guest = verb->options.control_always = true;
    return 0;
}
