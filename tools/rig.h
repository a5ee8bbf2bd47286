/*
 * rig.h - what the stack options describe, made: device, stack, log, capture and loop.
 *
 * rig_open() makes everything in an order in which nothing half-made stays behind when a step
 * fails; rig_close() takes it apart. The caller adds its applications in between. A rig must not
 * move.
 */
#ifndef TAPIO_TOOLS_RIG_H
#define TAPIO_TOOLS_RIG_H

#include "apps/dhcp_client.h"
#include "base/control_ops.h"
#include "base/memory.h"
#include "options.h"
#include "os/os_control.h"
#include "os/os_env.h"
#include "os/os_loop.h"
#include "os/os_sink.h"
#include "see/capture.h"
#include "see/log.h"

enum { MTU_DEFAULT = 1500 };

struct rig {
    const struct options *options;
    struct stack_config config; /* the options', completed by what the device says */
    struct os_env env;
    struct memory memory; /* for what is made beside the stack */
    struct stack *stack;
    struct dev *tap; /* the TAP itself, or the stream */
    struct dev *dev; /* what the stack talks to: that, or an impaired link over it */
    bool created;    /* the TAP was not there before */
    struct os_loop loop;

    struct log log;
    struct os_sink log_out;
    bool logging;
    struct capture *capture; /* NULL: none */
    uint8_t *capture_hold;   /* where its packets wait to be written together */
    struct os_sink capture_out;
    struct os_machine capture_guard;
    instant capture_due; /* when what waits is written; INSTANT_NEVER: nothing does */
    bool capture_told;   /* that it ended early */

    struct ip_addr dns;       /* --dns, else the lease's; unspecified: none */
    struct dhcp_client *dhcp; /* NULL: addresses were given */
    struct os_machine dhcp_turn;
    enum rig_lease { LEASE_AWAITED, LEASE_HELD, LEASE_RETURNED } lease;
    instant lease_look; /* when it is asked how that goes */

    struct os_control *control;  /* NULL: nobody can look in */
    struct control_ops wire_ops; /* what they may change, if there is anything */
    char kernel[160];            /* "Linux 6.1.0", for captures */

    struct os_watch signals;
    struct os_watch link;
    int link_index;
    bool link_up;
    /* Called with each SIGINT or SIGTERM; the caller's to set. Without it the loop ends. */
    void (*stop)(struct rig *rig, instant now);
};

/* 0, or the status to exit with and the reason. */
TAPIO_NODISCARD int rig_open(struct rig *rig, const struct options *options,
                             struct refusal *refusal);
void rig_close(struct rig *rig);

/* Runs the loop; says in one line when the device went away. What the process should exit with. */
int rig_run(struct rig *rig);

/* How the device came to us, in a word. */
const char *rig_device_state(const struct rig *rig);

/* For rig_open(), of rig_tap.c: the interface that --dev names, attached to or made. */
TAPIO_NODISCARD int rig_open_tap(struct rig *rig, struct refusal *refusal);
/* For rig_open() and rig_run(), of rig_stream.c: connects to --dev stream:PATH, and says in one
 * line that the peer has gone. */
TAPIO_NODISCARD int rig_open_stream(struct rig *rig, struct refusal *refusal);
void rig_say_stream_ended(const struct rig *rig);

/* For rig.c, of rig_control.c: the socket for whoever wants to look in, with --control or where the
 * verb runs long. Without it the verb goes on, unless it was asked for. */
TAPIO_NODISCARD int rig_open_control(struct rig *rig, struct refusal *refusal);
void rig_close_control(struct rig *rig);

/* For rig.c, of rig_dhcp.c. With --dhcp: waits until the rig has an address, and fills in what the
 * lease says; 0, or the status to exit with and the reason. */
TAPIO_NODISCARD int rig_take_lease(struct rig *rig, struct refusal *refusal);
/* Gives it back, if there is one. */
void rig_return_lease(struct rig *rig);

/* Of rig_wire.c: is there a wire that can be shown, and how it is shown and changed. */
bool rig_has_wire(const struct rig *rig);
struct control_ops rig_wire_ops(struct rig *rig);

/* Where lines for people go that are data (`ready ...`): stdout, unless a capture needs it. */
FILE *rig_out(const struct rig *rig);

#endif
