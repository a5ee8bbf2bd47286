/*
 * control_ops.h - the wire of a running stack, for who looks at it and turns its knobs: the live
 * page and the control socket. Implemented by who made the device (tools/rig_control.c), or by a
 * test.
 */
#ifndef TAPIO_BASE_CONTROL_OPS_H
#define TAPIO_BASE_CONTROL_OPS_H

#include "base/base.h"

/* One direction of the wire. */
struct control_wire {
    uint32_t loss_ppm; /* parts in a million */
    int64_t delay_us;
    uint64_t rate_bps;     /* bits a second; 0: no bottleneck */
    uint64_t lost;         /* frames, by chance */
    uint64_t rate_dropped; /* frames for which the queue in front of the bottleneck had no room */
};

enum { CONTROL_WIRE_IN, CONTROL_WIRE_OUT, CONTROL_WIRES };

struct control_ops {
    void *context;
    void (*wire)(void *context, struct control_wire out[CONTROL_WIRES]);
    /* Changes what `spec` names, written as for --impair, and leaves the rest. 0, or -EINVAL with
     * one line in `why`. */
    int (*change_wire)(void *context, const char *spec, char *why, size_t room);
};

#endif
