/*
 * serve_log.h - the access log of `tapio serve`: --access-log and --log-format, made.
 */
#ifndef TAPIO_TOOLS_SERVE_LOG_H
#define TAPIO_TOOLS_SERVE_LOG_H

#include "os/os_log.h"
#include "os/os_signals.h"
#include "rig.h"
#include "see/page/access_log.h"

struct serve_log {
    const char *path; /* --access-log; NULL: none */
    enum access_format format;
    bool format_given;

    struct rig *rig; /* NULL: not joined to one */
    bool open;
    bool told; /* that a write has failed */
    struct os_log out;
    struct access_log lines; /* .ops is for the web server */
    struct os_machine machine;
    struct os_watch watch; /* of SIGHUP */
    struct os_hangup hangup;
};

/* What the options do with their texts, and whether they fit each other. 0, or the status to exit
 * with and the reason, as all of these. */
TAPIO_NODISCARD int serve_log_take_path(struct serve_log *log, const char *text,
                                        struct refusal *refusal);
TAPIO_NODISCARD int serve_log_take_format(struct serve_log *log, const char *text,
                                          struct refusal *refusal);
TAPIO_NODISCARD int serve_log_check(const struct serve_log *log, struct refusal *refusal);

/* Opens it, if there is to be one. */
TAPIO_NODISCARD int serve_log_open(struct serve_log *log, const struct options *options,
                                   struct refusal *refusal);
/* From here on lines leave while the loop of `rig` runs, and SIGHUP opens a file anew. */
TAPIO_NODISCARD int serve_log_join(struct serve_log *log, struct rig *rig, struct refusal *refusal);
/* Writes what waits and says how many lines were lost. */
void serve_log_close(struct serve_log *log);

#endif
