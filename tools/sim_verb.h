/*
 * sim_verb.h - what the files of `tapio sim` share: the command line, and the capture.
 */
#ifndef TAPIO_TOOLS_SIM_VERB_H
#define TAPIO_TOOLS_SIM_VERB_H

#include <stdio.h>

#include "base/memory.h"
#include "dev/impair.h"
#include "options.h"
#include "os/os_sink.h"
#include "see/capture.h"
#include "sim/flows.h"
#include "sim/sim_draw.h"
#include "sim_plot.h"

struct sim_verb {
    uint64_t first, last;              /* seeds */
    bool seeded, json, help;           /* --set help */
    uint64_t connections, octets, mtu; /* 0: as drawn */
    enum offload offload;
    struct impairs impairs;
    const char *set[OPTIONS_SETS];
    int set_count;
    const char *profile, *capture;

    bool swarm, soak;
    uint64_t flows; /* 0: two stacks */
    uint64_t idle;  /* connections; 0: none of that */
    bool ipv6;
    char link[8][80]; /* --rate, --delay, --queue as --impair has them */
    size_t link_count;
    int64_t time_ns, skip_ns; /* 0: not given */

    struct os_sink out;
    struct capture captured;
    struct sim_plot plot;
    uint64_t passed, failed, verified, segments;
};

/* --- sim_options.c: the command line -------------------------------------------------------- */

extern const struct option_verb sim_option_verb;
/* Do they go together? */
NODISCARD int sim_check_options(const struct sim_verb *sim, struct refusal *refusal);

/* --- sim.c ---------------------------------------------------------------------------------- */

/* --profile and --set, in this order. */
NODISCARD int sim_values(const struct sim_verb *sim, struct stack_values *values,
                         struct refusal *refusal);
/* What the command that repeats a run has of the options, from --conns on. */
void sim_print_options(FILE *out, const struct sim_verb *sim);
/* --plot, when it was given: of the run of the first seed. */
NODISCARD int sim_open_plot(struct sim_verb *sim, const struct sim_plot_side sides[2],
                            struct refusal *refusal);
/* What many seeds have shown together; nothing with --json or one seed. */
void sim_print_sum(const struct sim_verb *sim, int64_t took_ns);

/* --- sim_capture.c: --capture, when it was given -------------------------------------------- */

/* `*watch` is to listen to the stack that is captured. */
NODISCARD int sim_capture_open(struct sim_verb *sim, const char *device, bool ethernet,
                               struct event_sink **watch, struct refusal *refusal);
NODISCARD int sim_capture_close(struct sim_verb *sim, int64_t took_ns, struct refusal *refusal);

/* --- sim_flows.c: --flows ------------------------------------------------------------------- */

NODISCARD int sim_flows(struct sim_verb *sim, struct refusal *refusal);

/* --- sim_idle.c: --idle --------------------------------------------------------------------- */

NODISCARD int sim_idle(struct sim_verb *sim, struct refusal *refusal);

/* --- sim_swarm.c: --swarm ------------------------------------------------------------------- */

NODISCARD int sim_swarm(struct sim_verb *sim, struct refusal *refusal);

#endif
