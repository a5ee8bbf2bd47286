/*
 * sim_plot.h - `tapio sim --plot DIR`: what both stacks sent, as charts.
 */
#ifndef TAPIO_TOOLS_SIM_PLOT_H
#define TAPIO_TOOLS_SIM_PLOT_H

#include "options.h"
#include "see/plot.h"
#include "sim/sim.h"

enum { SIM_PLOT_TEXT = 1024 };

struct sim_plot {
    const char *dir; /* NULL: no charts are wanted */
    struct memory memory;
    struct plot side[2];
    char run[SIM_PLOT_TEXT];
};

/* Makes the directory and listens to both sides, in front of whoever did. `run`: the command that
 * repeats the run. 0, or what the process exits with. */
NODISCARD int sim_plot_open(struct sim_plot *plot, struct sim_config *config, const char *run,
                            struct refusal *refusal);

/* The run is over: writes the files and tells how many on `told`, which may be NULL. 0, or what the
 * process exits with. */
NODISCARD int sim_plot_close(struct sim_plot *plot, const struct sim_config *config, FILE *told,
                             struct refusal *refusal);

#endif
