/*
 * rig_stream.c - a rig over a UNIX socket instead of an interface.
 *
 * There is no interface to look at, address or watch: the other end is a program, which was told
 * its addresses where it was started. So little is left of opening a TAP: connect, and take the MTU
 * that was given.
 */
#include <errno.h>
#include <stdlib.h>

#include "dev/stream.h"
#include "rig.h"

int rig_open_stream(struct rig *rig, struct refusal *refusal)
{
    const struct options *o = rig->options;
    char why[400];

    if (!o->mtu_given)
        rig->config.mtu = MTU_DEFAULT;
    struct stream_config config = {.path = o->stream, .mtu = rig->config.mtu};
    int err = stream_open(&config, &rig->tap);
    if (err)
        return refuse(refusal, err == -EPERM || err == -EACCES ? EXIT_PERMISSION : EXIT_FAILURE,
                      "--dev stream:%s", stream_explain(err, o->stream, why, sizeof why));
    rig->dev = rig->tap;
    return 0;
}

void rig_say_stream_ended(const struct rig *rig)
{
    char why[400];
    say("--dev stream:%s", stream_explain_end(rig->tap, rig->options->stream, why, sizeof why));
}
