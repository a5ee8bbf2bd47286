/*
 * rig_control.c - a rig's control socket.
 *
 * Looking in is a help, not a need: where no socket can be made the verb says so in one line and
 * goes on. Only who asks for one by name is refused without it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"

static const char *reason(int err)
{
    return err == -EADDRINUSE ? "something is there already; choose another path" : strerror(-err);
}

int rig_open_control(struct rig *rig, struct refusal *refusal)
{
    const char *path = rig->options->control;

    if (!path && !rig->options->control_always)
        return 0;
    rig->wire_ops = rig_wire_ops(rig);
    struct control_context context = {.stack = rig->stack,
                                      .memory = &rig->memory,
                                      .env = &rig->env.env,
                                      .device = rig->options->device,
                                      .os = rig->kernel,
                                      .pid = getpid(),
                                      .wire = rig_has_wire(rig) ? &rig->wire_ops : NULL};
    rig->control = malloc(sizeof *rig->control);
    int err = rig->control ? os_control_open(rig->control, path, &context, &rig->loop) : -ENOMEM;
    if (!err)
        return 0;
    free(rig->control);
    rig->control = NULL;
    if (path)
        return refuse(refusal, EXIT_FAILURE, "--control %s: %s", path, reason(err));
    say("nobody can look in, for the control socket cannot be made: %s; --control PATH says where "
        "else",
        reason(err));
    return 0;
}

void rig_close_control(struct rig *rig)
{
    if (rig->control)
        os_control_close(rig->control);
    free(rig->control);
    rig->control = NULL;
}
