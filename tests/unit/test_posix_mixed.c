/*
 * test_posix_mixed.c - what unmodified programs need of face two: waiting for sockets and for the
 * kernel's descriptors at once, several numbers for a socket, and signals that a call does not
 * survive.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "posix/posix.h"
#include "support/proves.h"
#include "support/twins.h"

enum { FOR_EVER = -1, AT_ONCE = 0, SOON = 5000, SHORTLY = 20 };

static struct twins twins;
static int ends[2]; /* of a pipe of the kernel's */

static void given_twins_and_a_pipe(void)
{
    twins_begin(&twins);
    MUST(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
}

static void end_of_both(void)
{
    close(ends[0]);
    close(ends[1]);
    twins_end(&twins);
}

static void *write_later(void *argument)
{
    (void)argument;
    usleep(SHORTLY * 1000);
    MUST(write(ends[1], "x", 1) == 1);
    return NULL;
}

/* --- poll ----------------------------------------------------------------------------------- */

START_TEST(poll_hears_of_either_kind)
{
    int s = twins_connect(TWINS_ECHO);
    struct pollfd fds[] = {{.fd = ends[0], .events = POLLIN},
                           {.fd = -1, .events = POLLIN},
                           {.fd = s, .events = POLLIN}};
    pthread_t thread;
    char octet;

    ck_assert_int_eq(posix_poll_mixed(fds, 3, AT_ONCE, NULL), 0);
    ck_assert_int_eq(posix_poll_mixed(fds, 3, SHORTLY, NULL), 0);
    ck_assert_int_eq(tapio_send(s, "y", 1, 0), 1);
    ck_assert_int_eq(posix_poll_mixed(fds, 3, FOR_EVER, NULL), 1);
    ck_assert_int_eq(fds[0].revents | fds[1].revents, 0);
    ck_assert_int_eq(fds[2].revents, POLLIN);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    ck_assert_int_eq(posix_poll_mixed(fds, 3, FOR_EVER, NULL), 2); /* both at once */
    ck_assert_int_eq(read(ends[0], &octet, 1), 1);
    ck_assert_int_eq(tapio_recv(s, &octet, 1, 0), 1);
    ck_assert_int_eq(pthread_create(&thread, NULL, write_later, NULL), 0);
    ck_assert_int_eq(posix_poll_mixed(fds, 3, FOR_EVER, NULL), 1);
    ck_assert_int_eq(fds[0].revents, POLLIN);
    ck_assert_int_eq(fds[2].revents, 0);
    pthread_join(thread, NULL);
    ck_assert_int_eq(tapio_close(s), 0);
}
END_TEST

START_TEST(poll_takes_many_of_both)
{
    enum { PAIRS = 50 };
    struct pollfd fds[2 * PAIRS];
    int s = twins_connect(TWINS_ECHO);

    for (int i = 0; i < 2 * PAIRS; i++)
        fds[i] = (struct pollfd){.fd = i % 2 ? s : ends[0], .events = POLLIN};
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    ck_assert_int_eq(posix_poll_mixed(fds, 2 * PAIRS, FOR_EVER, NULL), PAIRS);
    for (int i = 0; i < 2 * PAIRS; i++)
        ck_assert_int_eq(fds[i].revents, i % 2 ? 0 : POLLIN);
    ck_assert_int_eq(tapio_close(s), 0);
}
END_TEST

/* --- epoll ---------------------------------------------------------------------------------- */

START_TEST(two_halves_are_one_set)
{
    int s = twins_connect(TWINS_ECHO), ours = tapio_epoll_create1(0);
    int kernels = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event one = {.events = EPOLLIN, .data.u64 = 1}, told[4];
    struct epoll_event two = {.events = EPOLLIN, .data.u64 = 2};
    pthread_t thread;
    char octet;

    ck_assert_int_eq(tapio_epoll_ctl(ours, EPOLL_CTL_ADD, s, &one), 0);
    ck_assert_int_eq(epoll_ctl(kernels, EPOLL_CTL_ADD, ends[0], &two), 0);
    ck_assert_int_eq(posix_epoll_mixed(ours, kernels, false, told, 4, AT_ONCE, NULL), 0);
    ck_assert_int_eq(posix_epoll_mixed(ours, kernels, false, told, 4, SHORTLY, NULL), 0);
    ck_assert_int_eq(tapio_send(s, "y", 1, 0), 1);
    ck_assert_int_eq(posix_epoll_mixed(ours, kernels, false, told, 4, FOR_EVER, NULL), 1);
    ck_assert_uint_eq(told[0].data.u64, 1);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    bool heard = false; /* ours has news all the time, and the kernel's half has its turn */
    for (int i = 0; i < 32 && !heard; i++) {
        int some = posix_epoll_mixed(ours, kernels, false, told, 4, FOR_EVER, NULL);
        ck_assert_int_gt(some, 0);
        for (int k = 0; k < some; k++)
            heard = heard || told[k].data.u64 == 2;
    }
    ck_assert(heard);
    ck_assert_int_eq(tapio_recv(s, &octet, 1, 0), 1);
    ck_assert_int_eq(read(ends[0], &octet, 1), 1);
    ck_assert_int_eq(pthread_create(&thread, NULL, write_later, NULL), 0);
    ck_assert_int_eq(posix_epoll_mixed(ours, kernels, true, told, 4, FOR_EVER, NULL), 1);
    ck_assert_uint_eq(told[0].data.u64, 2); /* though it was called empty */
    pthread_join(thread, NULL);
    ck_assert_int_eq(tapio_close(ours) | tapio_close(s) | close(kernels), 0);
}
END_TEST

static int alarms;

static void count_alarm(int signal)
{
    (void)signal;
    alarms++;
}

START_TEST(a_mask_lets_signals_in_only_while_it_waits)
{
    int s = twins_connect(TWINS_ECHO);
    struct pollfd fd = {.fd = s, .events = POLLIN};
    struct sigaction action = {.sa_handler = count_alarm};
    sigset_t blocked, before, none;

    sigemptyset(&none);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigaction(SIGUSR1, &action, NULL);
    pthread_sigmask(SIG_BLOCK, &blocked, &before);
    alarms = 0;
    pthread_kill(pthread_self(), SIGUSR1);
    ck_assert_int_eq(posix_poll_mixed(&fd, 1, SHORTLY, NULL), 0);
    ck_assert_int_eq(alarms, 0);
    ck_assert_int_eq(posix_poll_mixed(&fd, 1, FOR_EVER, &none), -1);
    ck_assert_int_eq(errno, EINTR);
    ck_assert_int_eq(alarms, 1);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    ck_assert_int_eq(tapio_close(s), 0);
}
END_TEST

/* --- handlers ------------------------------------------------------------------------------- */

static sigjmp_buf way_out;

static void jump(int signal)
{
    (void)signal;
    siglongjmp(way_out, 1);
}

static void ring_in_ms(int ms, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    struct itimerval timer = {.it_value.tv_usec = ms * 1000};

    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
}

/* Uses the C stack that an abandoned call has left. */
static __attribute__((noinline)) void trample(void)
{
    volatile char octets[16384];

    for (size_t i = 0; i < sizeof octets; i++)
        octets[i] = (char)0xa5;
}

START_TEST(a_call_that_a_handler_has_left_for_good_is_over)
{
    static volatile int kind;
    int s = twins_connect(TWINS_ECHO), other = twins_connect(TWINS_ECHO);
    char octet = 0;

    for (kind = 0; kind < 2; kind++) {
        if (sigsetjmp(way_out, 1) == 0) {
            struct pollfd fd = {.fd = s, .events = POLLIN};
            ring_in_ms(SHORTLY, jump, 0);
            if (kind == 0)
                ck_abort_msg("%zd", tapio_recv(s, &octet, 1, 0));
            ck_abort_msg("%d", posix_poll_mixed(&fd, 1, FOR_EVER, NULL));
        }
        trample();
        ck_assert_int_eq(tapio_send(other, "x", 1, 0), 1); /* the polling thread looks who waits */
        ck_assert_int_eq(tapio_recv(other, &octet, 1, 0), 1);
        ck_assert_int_eq(tapio_send(s, "z", 1, 0), 1);
        ck_assert_int_eq(tapio_recv(s, &octet, 1, 0), 1);
        ck_assert_int_eq(octet, 'z');
    }
    ck_assert_int_eq(tapio_close(s) | tapio_close(other), 0);
    ck_assert_uint_eq(posix.waiting, 0);
}
END_TEST

static int asked;

static void speak(int signal)
{
    int error = errno;

    (void)signal;
    MUST(tapio_send(asked, "w", 1, 0) == 1);
    errno = error;
}

START_TEST(a_handler_may_speak_while_its_thread_listens)
{
    char octet = 0;

    asked = twins_connect(TWINS_ECHO);
    ring_in_ms(SHORTLY, speak, SA_RESTART);
    ck_assert_int_eq(tapio_recv(asked, &octet, 1, 0), 1); /* to what the handler has said */
    ck_assert_int_eq(octet, 'w');
    ck_assert_int_eq(tapio_close(asked), 0);
}
END_TEST

/* --- several numbers ------------------------------------------------------------------------ */

static void must_echo(int s)
{
    char octet = 0;

    ck_assert_int_eq(tapio_send(s, "e", 1, 0), 1);
    ck_assert_int_eq(tapio_recv(s, &octet, 1, 0), 1);
    ck_assert_int_eq(octet, 'e');
}

START_TEST(a_socket_lives_as_long_as_one_of_its_numbers)
{
    int s = twins_connect(TWINS_ECHO), two = tapio_dup(s), three = tapio_fcntl(s, F_DUPFD, 40);
    int four = tapio_fcntl(s, F_DUPFD_CLOEXEC, 40);

    ck_assert_int_ge(two, 0);
    ck_assert_int_ge(three, 40);
    ck_assert_int_eq(tapio_fcntl(two, F_GETFD), 0);
    ck_assert_int_eq(tapio_fcntl(four, F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(tapio_dup2(s, s), s);
    ck_assert_int_eq(tapio_dup3(s, s, 0), -1);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_int_eq(tapio_close(s), 0);
    ck_assert_int_eq(tapio_send(s, "x", 1, 0), -1);
    ck_assert_int_eq(errno, EBADF);
    must_echo(two);
    ck_assert_int_eq(tapio_close(two) | tapio_close(four), 0);
    must_echo(three);
    struct stack *stack = tapio_lock();
    struct stack_usage before, after;
    stack_usage(stack, &before);
    tapio_unlock();
    ck_assert_int_eq(tapio_close(three), 0);
    stack = tapio_lock();
    stack_usage(stack, &after);
    tapio_unlock();
    ck_assert_uint_eq(after.sockets + 1, before.sockets); /* with the last number it went */
}
END_TEST

START_TEST(a_number_may_be_taken_from_a_file_or_from_a_socket)
{
    int s = twins_connect(TWINS_ECHO), other = twins_connect(TWINS_ECHO);
    int file = dup(ends[0]);

    ck_assert_int_eq(tapio_dup2(s, file), file);
    must_echo(file);
    ck_assert_int_eq(tapio_dup3(s, other, O_CLOEXEC), other); /* whose connection is closed by it */
    must_echo(other);
    ck_assert_int_eq(tapio_close(s) | tapio_close(file), 0);
    must_echo(other);
    ck_assert_int_eq(tapio_close(other), 0);
    ck_assert_int_eq(tapio_dup(other), -1);
    ck_assert_int_eq(errno, EBADF);
}
END_TEST

START_TEST(a_number_can_be_handed_to_the_kernel)
{
    struct stat st;
    int s = twins_connect(TWINS_ECHO);

    ck_assert_int_eq(posix_hand_over(s, ends[0], O_CLOEXEC), 0);
    ck_assert_int_eq(tapio_send(s, "x", 1, 0), -1);
    ck_assert_int_eq(errno, EBADF);
    ck_assert_int_eq(fstat(s, &st), 0);
    ck_assert(S_ISFIFO(st.st_mode));
    ck_assert_int_eq(fcntl(s, F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(close(s), 0);
}
END_TEST

static Suite *posix_mixed_suite(void)
{
    Suite *suite = suite_create("posix_mixed");
    TCase *both = tcase_create("both kinds"), *numbers = tcase_create("several numbers");
    TCase *handlers = tcase_create("handlers");

    tcase_add_checked_fixture(both, given_twins_and_a_pipe, end_of_both);
    tcase_add_test(both, poll_hears_of_either_kind);
    tcase_add_test(both, poll_takes_many_of_both);
    tcase_add_test(both, two_halves_are_one_set);
    tcase_add_test(both, a_mask_lets_signals_in_only_while_it_waits);
    suite_add_tcase(suite, both);
    tcase_add_checked_fixture(handlers, given_twins_and_a_pipe, end_of_both);
    tcase_add_test(handlers, a_call_that_a_handler_has_left_for_good_is_over);
#ifndef __SANITIZE_THREAD__ /* which minds that the handler asks for memory, wherever its thread   \
                               is */
    tcase_add_test(handlers, a_handler_may_speak_while_its_thread_listens);
#endif
    suite_add_tcase(suite, handlers);
    tcase_add_checked_fixture(numbers, given_twins_and_a_pipe, end_of_both);
    tcase_add_test(numbers, a_socket_lives_as_long_as_one_of_its_numbers);
    tcase_add_test(numbers, a_number_may_be_taken_from_a_file_or_from_a_socket);
    tcase_add_test(numbers, a_number_can_be_handed_to_the_kernel);
    suite_add_tcase(suite, numbers);
    return suite;
}

int main(void)
{
    return run_suite(posix_mixed_suite(), "posix_mixed");
}
