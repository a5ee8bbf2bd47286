/*
 * sim_plot.h - `tapio sim --plot DIR`: what both stacks, or the first sender of flows, sent, as
 * charts.
 */
#ifndef TAPIO_TOOLS_SIM_PLOT_H
#define TAPIO_TOOLS_SIM_PLOT_H

#include "dev/impair.h"
#include "options.h"
#include "see/plot.h"

enum { SIM_PLOT_TEXT = 1024 };

struct sim_plot {
    const char *dir; /* NULL: no charts are wanted */
    struct memory memory;
    struct plot side[2];
    const char *name[2];
    char run[SIM_PLOT_TEXT];
};

/* A stack that is drawn: what it is called, and where its events go. Without a `watch` it is not.
 */
struct sim_plot_side {
    const char *name;
    struct event_sink **watch;
};

/* What is told of a run below the title. */
struct sim_plot_path {
    bool ipv6;
    uint32_t mtu, connections;
    const struct impair_config *there, *back; /* with the octets of side 0, and with its ACKs */
};

/* Makes the directory and listens to the sides, in front of whoever did. `run`: the command that
 * repeats the run. 0, or what the process exits with. */
NODISCARD int sim_plot_open(struct sim_plot *plot, const struct sim_plot_side sides[2],
                            const char *run, struct refusal *refusal);

/* The run is over: writes the files and tells how many on `told`, which may be NULL. 0, or what the
 * process exits with. */
NODISCARD int sim_plot_close(struct sim_plot *plot, const struct sim_plot_path *path, FILE *told,
                             struct refusal *refusal);

#endif
