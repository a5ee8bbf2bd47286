/*
 * test_os_signals.c - SIGHUP: a request to open logs anew, or the end of a terminal.
 *
 * Whose terminal goes is a child with a pseudo-terminal of its own, which tells by its exit status
 * what it saw.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/os_signals.h"
#include "support/proves.h"

enum { HUNG_UP = 10, ASKED = 11, FAILED = 12 };

START_TEST(a_hangup_that_somebody_sends_can_be_read_and_ends_nothing)
{
    struct os_hangup hangup;

    ck_assert_int_eq(os_signals_open_hangup(&hangup), 0);
    ck_assert_int_eq(os_signals_read(hangup.fd), 0);
    ck_assert_int_eq(kill(getpid(), SIGHUP), 0);
    ck_assert_int_eq(os_signals_read(hangup.fd), SIGHUP);
    ck_assert(!os_signals_hung_up(&hangup));
    ck_assert_int_eq(os_signals_read(hangup.fd), 0);
    os_signals_close_hangup(&hangup);
    ck_assert_int_eq(hangup.fd, -1);
}
END_TEST

/* In the child: takes the terminal, says that it is ready, waits for SIGHUP. */
static int wait_for_hangup(const char *terminal, int ready, bool spared)
{
    struct os_hangup hangup;

    if (setsid() < 0)
        return FAILED;
    int fd = open(terminal, O_RDWR);
    if (fd < 0 || ioctl(fd, TIOCSCTTY, 0) < 0)
        return FAILED;
    if (spared)
        signal(SIGHUP, SIG_IGN);
    if (os_signals_open_hangup(&hangup) || write(ready, "x", 1) != 1)
        return FAILED;
    struct pollfd p = {.fd = hangup.fd, .events = POLLIN};
    if (poll(&p, 1, 5000) != 1 || os_signals_read(hangup.fd) != SIGHUP)
        return FAILED;
    return os_signals_hung_up(&hangup) ? HUNG_UP : ASKED;
}

/* What the child says when its terminal has gone, or, with `asked`, when somebody sends SIGHUP. */
static int child_says(bool spared, bool asked)
{
    int ready[2], status = 0;
    char x;

    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    ck_assert_int_ge(master, 0);
    ck_assert_int_eq(grantpt(master), 0);
    ck_assert_int_eq(unlockpt(master), 0);
    ck_assert_int_eq(pipe(ready), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        char terminal[64];
        if (ptsname_r(master, terminal, sizeof terminal))
            _exit(FAILED);
        close(master); /* or the terminal would not go */
        _exit(wait_for_hangup(terminal, ready[1], spared));
    }
    close(ready[1]);
    ck_assert_int_eq((int)read(ready[0], &x, 1), 1);
    close(ready[0]);
    if (asked)
        kill(pid, SIGHUP);
    else
        close(master);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    if (asked)
        close(master);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

START_TEST(a_terminal_that_goes_is_told_from_somebody_who_asks)
{
    ck_assert_int_eq(child_says(false, true), ASKED);
    ck_assert_int_eq(child_says(false, false), HUNG_UP);
    ck_assert_int_eq(child_says(true, false), ASKED); /* nohup: it shall live on */
}
END_TEST

int main(void)
{
    Suite *s = suite_create("os_signals");
    TCase *c = tcase_create("SIGHUP");
    tcase_add_test(c, a_hangup_that_somebody_sends_can_be_read_and_ends_nothing);
    tcase_add_test(c, a_terminal_that_goes_is_told_from_somebody_who_asks);
    suite_add_tcase(s, c);
    return run_suite(s, "os_signals");
}
