/*
 * serve_log.c - see serve_log.h.
 *
 * The file is opened before the device is touched, so that a name that cannot be is told at once.
 * Lines leave at the end of a turn of the loop, when all that is owed to peers has been sent.
 *
 * SIGHUP opens the file anew, as those who rotate logs expect. Where a terminal went away it still
 * ends the server, politely. Standard output is nobody's to rotate: there it is left alone.
 */
#include "serve_log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- the command line --------------------------------------------------------------------- */

int serve_log_take_path(struct serve_log *log, const char *text, struct refusal *refusal)
{
    if (!*text)
        return refuse(refusal, EXIT_USAGE,
                      "--access-log needs the name of a file, or - for standard output");
    log->path = text;
    return 0;
}

int serve_log_take_format(struct serve_log *log, const char *text, struct refusal *refusal)
{
    if (!access_format_parse(text, &log->format))
        return refuse(refusal, EXIT_USAGE, "--log-format %s: choose common, combined or json",
                      text);
    log->format_given = true;
    return 0;
}

int serve_log_check(const struct serve_log *log, struct refusal *refusal)
{
    if (log->format_given && !log->path)
        return refuse(refusal, EXIT_USAGE,
                      "--log-format: of which log? Name its file with --access-log");
    return 0;
}

/* --- opening ------------------------------------------------------------------------------ */

static bool is_standard(const struct serve_log *log)
{
    return strcmp(log->path, "-") == 0;
}

int serve_log_open(struct serve_log *log, const struct options *options, struct refusal *refusal)
{
    int err = 0;

    if (!log->path)
        return 0;
    if (is_standard(log)) {
        bool taken = options->capture && strcmp(options->capture, "-") == 0; /* as rig_out() */
        os_log_use(&log->out, taken ? STDERR_FILENO : STDOUT_FILENO);
    } else {
        err = os_log_open(&log->out, log->path);
    }
    if (err)
        return refuse(refusal, EXIT_FAILURE,
                      "--access-log %s: %s; name a file that can be written, or - for standard "
                      "output",
                      log->path, strerror(-err));
    access_log_init(&log->lines, log->format, &log->out.sink);
    log->open = true;
    return 0;
}

/* --- running ------------------------------------------------------------------------------ */

static instant log_deadline(struct os_machine *machine)
{
    const struct serve_log *log = CONTAINER_OF(machine, struct serve_log, machine);
    return os_log_deadline(&log->out);
}

static void check_error(struct serve_log *log)
{
    if (log->told || !log->out.error)
        return;
    log->told = true;
    say("--access-log %s: %s; lines wait until it can be written again, and when %d KiB of them do "
        "the next are lost",
        log->path, strerror(-log->out.error), OS_LOG_ROOM / 1024);
}

static void log_settled(struct os_machine *machine, instant now)
{
    struct serve_log *log = CONTAINER_OF(machine, struct serve_log, machine);

    os_log_advance(&log->out, now);
    check_error(log);
}

static void hangup_ready(struct os_watch *watch, instant now)
{
    struct serve_log *log = CONTAINER_OF(watch, struct serve_log, watch);

    while (os_signals_read(watch->fd)) {
        if (os_signals_hung_up(&log->hangup)) {
            log->rig->stop(log->rig, now);
            continue;
        }
        int err = os_log_reopen(&log->out);
        if (err)
            say("--access-log %s: %s; lines still go where they went before", log->path,
                strerror(-err));
    }
}

int serve_log_join(struct serve_log *log, struct rig *rig, struct refusal *refusal)
{
    if (!log->open)
        return 0;
    log->machine = (struct os_machine){.deadline = log_deadline, .settled = log_settled};
    os_loop_add_machine(&rig->loop, &log->machine);
    if (is_standard(log))
        return 0;
    int err = os_signals_open_hangup(&log->hangup);
    if (err)
        return refuse(refusal, EXIT_FAILURE, "cannot wait for SIGHUP: %s", strerror(-err));
    log->rig = rig;
    log->watch = (struct os_watch){.fd = log->hangup.fd, .ready = hangup_ready};
    os_loop_add_watch(&rig->loop, &log->watch);
    return 0;
}

void serve_log_close(struct serve_log *log)
{
    if (!log->open)
        return;
    log->open = false;
    if (log->rig)
        os_signals_close_hangup(&log->hangup);
    os_log_close(&log->out);
    check_error(log);
    if (log->out.lost)
        say("--access-log %s: %" PRIu64 " lines were lost: %s", log->path, log->out.lost,
            log->out.error ? strerror(-log->out.error) : "it took them too slowly");
}
