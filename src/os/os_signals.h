/*
 * os_signals.h - the signals of a program that serves.
 */
#ifndef TAPIO_OS_SIGNALS_H
#define TAPIO_OS_SIGNALS_H

#include "base/base.h"

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

#endif
