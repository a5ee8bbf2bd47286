/*
 * drill.h - runs one packetdrill script against a stack of its own, in virtual time.
 *
 * The whole way: read the text (drill_ast.h), set up addresses and values, look for what we cannot
 * do, play. A script that needs what is missing is skipped before anything runs: a skip is never a
 * pass. The same script gives the same run, bit for bit, whatever the machine is doing.
 *
 * No file and no clock: who calls hands in the text, reads the scripts that shell lines name, and
 * prints what comes out.
 */
#ifndef TAPIO_SIM_DRILL_H
#define TAPIO_SIM_DRILL_H

#include <tapio/event.h>

#include "base/sink.h"
#include "sim/drill_ast.h"

/* Where a script's clock begins on the stack's: far from 0, which no timer may take for "never". */
#define DRILL_BEGIN ((instant){1000 * NS_PER_S})

enum drill_outcome { DRILL_PASSED, DRILL_FAILED, DRILL_SKIPPED };

/* Why a script is skipped: the closed list. */
/* clang-format off */
#define DRILL_SKIP_LIST(X) \
    X(SYSCTL,     "sysctl")     /* a setting that we have no counterpart of */ \
    X(CALL,       "call")       /* a call, or an argument of one */ \
    X(OPTION,     "option")     /* of the command line, or of TCP, or in a packet */ \
    X(SHELL,      "shell")      /* a command that is not known to set sysctls alone */ \
    X(EXPRESSION, "expression") /* Python that the evaluator does not know */
/* clang-format on */

enum drill_skip {
#define TAPIO_X(id, name) DRILL_SKIP_##id,
    DRILL_SKIP_LIST(TAPIO_X)
#undef TAPIO_X
};
const char *drill_skip_name(enum drill_skip skip);

/* Reads the file that a shell line names, relative to the script's folder; the text belongs to the
 * reader and lives until the next call. -ENOENT and other errno. */
struct drill_files {
    int (*read)(struct drill_files *files, const char *name, struct bytes *out);
};

struct drill_config {
    const char *path; /* for people */
    struct bytes text;
    const struct drill_option *options; /* of the command line: they win over the script's */
    uint32_t option_count;
    const struct drill_define *defines; /* -D NAME=VALUE */
    uint32_t define_count;
    const char *profile;       /* NULL: linux, unless the script names one */
    struct drill_files *files; /* NULL: no file can be read */
    struct event_sink *watch;  /* listens to the stack's events; NULL: nobody */
    struct octet_sink *talk;   /* each event as it is played, a line each; NULL: nobody */
    struct octet_sink *record; /* what was played and what came, as lines of JSON; NULL: nobody */
};

enum { DRILL_REASON = 320, DRILL_REPORT = 6144 };

struct drill_result {
    enum drill_outcome outcome;
    enum drill_skip skip;      /* with DRILL_SKIPPED */
    uint32_t line;             /* where; 0: about no line */
    char reason[DRILL_REASON]; /* one line: what was expected and what came, or what is missing */
    char report[DRILL_REPORT]; /* the lines below it; empty when there is no more to say */
    uint32_t events;           /* played */
    int64_t virtual_ns;        /* from the script's start to its end */
};

/* 0 when the script could be judged at all, -ENOMEM otherwise. */
NODISCARD int drill(const struct drill_config *config, struct memory *memory,
                    struct drill_result *result);

/* Is `name` an option of packetdrill's ("tolerance_usecs", "mtu")? And does it take a value? */
bool drill_option_known(const char *name, bool *wants_value);

#endif
