/*
 * drill.c - the way of one script: parse, set up, look for what is missing, play.
 */
#include "sim/drill.h"

#include <errno.h>

#include "sim/drill_run.h"

static int parse(struct drill_run *run)
{
    const struct drill_config *config = run->config;
    struct drill_problem problem = {0};
    int err = drill_parse(run->memory, config->path, config->text, config->defines,
                          config->define_count, &run->script, &problem);

    if (err == -ENOMEM)
        return drill_fail(run, 0, "no memory for the script");
    return err ? drill_fail(run, problem.line, "%s", problem.text) : 0;
}

/* How it went is in the result, as with the steps before. */
static void play(struct drill_run *run)
{
    if (run->set.dry_run)
        return;
    run->packet = memory_alloc(run->memory, DRILL_PACKET_MAX);
    run->variables = drill_variables_new(run->memory);
    if (!run->packet || !run->variables)
        drill_fail(run, 0, "no memory");
    else if (drill_stack_open(run) == 0) {
        drill_record_script(run);
        drill_play(run);
    }
    if (run->stack)
        run->result->virtual_ns = drill_script_ns(run, run->now);
    drill_record_end(run);
}

int drill(const struct drill_config *config, struct memory *memory, struct drill_result *result)
{
    struct drill_run *run = memory_alloc(memory, sizeof(*run));

    if (!run)
        return -ENOMEM;
    *result = (struct drill_result){.outcome = DRILL_PASSED};
    run->config = config;
    run->memory = memory;
    run->result = result;
    if (parse(run) == 0) {
        if (drill_setup(run) == 0 && drill_check(run) == 0)
            play(run);
        drill_call_free(run, &run->op);
        drill_stack_close(run);
        drill_conns_free(run);
        drill_variables_free(run->variables);
        memory_release(memory, run->packet, DRILL_PACKET_MAX);
        drill_script_free(&run->script);
    }
    memory_release(memory, run, sizeof(*run));
    return 0;
}
