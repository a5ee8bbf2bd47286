/*
 * os_signals.c - signals as input, by signalfd(2).
 *
 * A handler could interrupt anything; a descriptor is polled with the others, between two turns of
 * the loop. A shell starts a background job with SIGINT ignored, and a signal that is ignored never
 * reaches a signalfd: so both get their default action first. Whoever sends one means it.
 */
#include "os/os_signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static sigset_t stop_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

static void do_nothing(int signal)
{
    (void)signal;
}

void os_signals_ignore(void)
{
    static const int meaningless[] = {SIGUSR1, SIGUSR2, SIGALRM};
    struct sigaction nothing = {.sa_handler = do_nothing};

    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    sigemptyset(&nothing.sa_mask);
    for (size_t i = 0; i < ARRAY_LEN(meaningless); i++)
        sigaction(meaningless[i], &nothing, NULL);
}

int os_signals_open(void)
{
    sigset_t set = stop_signals();

    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    sigprocmask(SIG_BLOCK, &set, NULL);
    return fd;
}

int os_signals_read(int fd)
{
    struct signalfd_siginfo info;

    for (;;) {
        ssize_t n = read(fd, &info, sizeof info);
        if (n == (ssize_t)sizeof info)
            return (int)info.ssi_signo;
        if (n >= 0 || errno != EINTR)
            return 0;
    }
}

void os_signals_close(int fd)
{
    sigset_t set = stop_signals();

    close(fd);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}
