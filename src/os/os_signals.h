/*
 * os_signals.h - the signals of a program that serves.
 */
#ifndef TAPIO_OS_SIGNALS_H
#define TAPIO_OS_SIGNALS_H

#include "base/base.h"

struct os_hangup {
    int fd;            /* readable when it has come; for os_signals_read() */
    bool has_terminal; /* which may go, and we with it */
};

/* A peer or a reader that goes away, and a file that may not grow, are errors of one call, not the
 * end of the program: SIGPIPE and SIGXFSZ are ignored. SIGUSR1, SIGUSR2 and SIGALRM mean nothing to
 * us: they interrupt a call (-EINTR) and do no harm. */
void os_signals_ignore(void);

/* SIGINT and SIGTERM no longer end the program but make the returned descriptor readable. -errno.
 */
NODISCARD int os_signals_open(void);
/* The next signal that arrived, or 0. */
int os_signals_read(int fd);
/* Both end the program again. */
void os_signals_close(int fd);

/* The same for SIGHUP, by which programs are told to open their logs anew. A terminal that goes
 * away sends it, too: os_signals_hung_up() tells, once it has come, whether it was that, and who
 * started us has not asked to be spared (nohup). Without any of this SIGHUP ends the program. */
NODISCARD int os_signals_open_hangup(struct os_hangup *hangup);
bool os_signals_hung_up(const struct os_hangup *hangup);
void os_signals_close_hangup(struct os_hangup *hangup);

#endif
