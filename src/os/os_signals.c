/*
 * os_signals.c - signals as input, by signalfd(2).
 *
 * A handler could interrupt anything; a descriptor is polled with the others, between two turns of
 * the loop. A shell starts a background job with SIGINT ignored, and a signal that is ignored never
 * reaches a signalfd: so each gets its default action first. Whoever sends one means it.
 */
#include "os/os_signals.h"

#include <errno.h>
#include <fcntl.h>
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

static int open_set(const sigset_t *set)
{
    int fd = signalfd(-1, set, SFD_NONBLOCK | SFD_CLOEXEC);

    if (fd < 0)
        return -errno;
    sigprocmask(SIG_BLOCK, set, NULL);
    return fd;
}

static void close_set(int fd, const sigset_t *set)
{
    close(fd);
    sigprocmask(SIG_UNBLOCK, set, NULL);
}

int os_signals_open(void)
{
    sigset_t set = stop_signals();

    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    return open_set(&set);
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
    close_set(fd, &set);
}

/* --- SIGHUP ------------------------------------------------------------------------------- */

static sigset_t hangup_signal(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    return set;
}

/* A terminal that has gone cannot be opened. */
static bool has_terminal(void)
{
    int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

    if (fd < 0)
        return false;
    close(fd);
    return true;
}

int os_signals_open_hangup(struct os_hangup *hangup)
{
    sigset_t set = hangup_signal();
    bool spared = signal(SIGHUP, SIG_DFL) == SIG_IGN;

    *hangup = (struct os_hangup){.fd = open_set(&set), .has_terminal = !spared && has_terminal()};
    return hangup->fd < 0 ? hangup->fd : 0;
}

bool os_signals_hung_up(const struct os_hangup *hangup)
{
    return hangup->has_terminal && !has_terminal();
}

void os_signals_close_hangup(struct os_hangup *hangup)
{
    sigset_t set = hangup_signal();

    close_set(hangup->fd, &set);
    hangup->fd = -1;
}
