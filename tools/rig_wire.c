/*
 * rig_wire.c - the wire of a rig as knobs: what the live page shows of it and changes.
 *
 * With options->allow_control there is an impaired device whatever --impair says, so that there is
 * something to change: one that does nothing yet. It costs a copy of each frame, and big frames are
 * cut in front of it; who measures speed leaves it out.
 */
#include <errno.h>

#include "dev/impair.h"
#include "rig.h"

#define WHOLE (UINT64_C(1) << 32)

bool rig_has_wire(const struct rig *rig)
{
    return rig->dev != rig->tap;
}

static void show(const struct rig *rig, enum impair_direction direction, struct control_wire *out)
{
    const struct impair_config config = impair_config(rig->dev, direction);
    const struct impair_counters counters = impair_counters(rig->dev, direction);

    *out = (struct control_wire){
        .loss_ppm = config.loss == UINT32_MAX
                        ? 1000000
                        : (uint32_t)((config.loss * UINT64_C(1000000) + WHOLE / 2) / WHOLE),
        .delay_us = config.delay_ns / NS_PER_US,
        .rate_bps = config.rate,
        .lost = counters.lost,
        .rate_dropped = counters.rate_dropped,
    };
}

static void wire(void *context, struct control_wire out[CONTROL_WIRES])
{
    const struct rig *rig = context;

    show(rig, IMPAIR_IN, &out[CONTROL_WIRE_IN]);
    show(rig, IMPAIR_OUT, &out[CONTROL_WIRE_OUT]);
}

static int change_wire(void *context, const char *spec, char *why, size_t room)
{
    struct rig *rig = context;
    struct impair_config in = impair_config(rig->dev, IMPAIR_IN);
    struct impair_config out = impair_config(rig->dev, IMPAIR_OUT);

    int err = impair_parse(spec, &in, &out, why, room);
    if (err)
        return err;
    impair_change(rig->dev, IMPAIR_IN, &in);
    impair_change(rig->dev, IMPAIR_OUT, &out);
    return 0;
}

struct control_ops rig_wire_ops(struct rig *rig)
{
    return (struct control_ops){.context = rig, .wire = wire, .change_wire = change_wire};
}
