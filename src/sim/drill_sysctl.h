/*
 * drill_sysctl.h - what the shell commands of a script mean for a stack that is no kernel.
 *
 * Scripts set the kernel's tunables by sysctl, through helpers and in files that they call. This
 * finds the settings in such a text, the scripts that it calls and its sleeps, knows what has no
 * effect on a simulation, and names everything else: an unknown command is a reason to skip the
 * script, and never to pass it.
 */
#ifndef TAPIO_SIM_DRILL_SYSCTL_H
#define TAPIO_SIM_DRILL_SYSCTL_H

#include "base/base.h"

enum drill_sysctl_kind {
    DRILL_SYSCTL_SET,    /* .name with dots, .value: blanks folded, no quotes */
    DRILL_SYSCTL_SCRIPT, /* .name is a file to be read, and its text given to drill_sysctl_read() */
    DRILL_SYSCTL_SLEEP,  /* .sleep_ns */
    DRILL_SYSCTL_UNKNOWN /* .text, as it was written */
};

/* Lives as long as the call that it is handed to. */
struct drill_sysctl {
    enum drill_sysctl_kind kind;
    uint32_t line; /* of the text, from 1 */
    const char *name, *value;
    int64_t sleep_ns;
    struct bytes text;
};

typedef void drill_sysctl_see(void *context, const struct drill_sysctl *seen);

/* Calls `see` for each of them, in order. */
void drill_sysctl_read(const char *text, drill_sysctl_see *see, void *context);

#endif
