/*
 * test_posix_wait.c - face two: calls that wait, what ends them, and who is woken.
 *
 * A helper thread makes the call; the test knows that it waits when the lock's owner counts it
 * (posix.waiting), so nothing sleeps and hopes.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "posix/posix.h"
#include "support/proves.h"
#include "support/twins.h"

static struct twins twins;

static void given_twins(void)
{
    twins_begin(&twins);
}

static void end_of_twins(void)
{
    twins_end(&twins);
}

/* --- a call in a thread of its own -------------------------------------------------------- */

enum what { RECV, SEND, ACCEPT, POLL, SELECT, EPOLL, CLOSE };

struct caller {
    pthread_t thread;
    atomic_int tid;
    enum what what;
    int s;
    ssize_t result;
    int error;
    char octet;
    int64_t took_ns;
    int timeout_ms; /* of poll and its kin */
};

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static ssize_t do_select(int s)
{
    fd_set set;

    FD_ZERO(&set);
    FD_SET(s, &set);
    return tapio_select(s + 1, &set, NULL, NULL, NULL);
}

static ssize_t make_call(struct caller *c)
{
    static char much[1 << 20];
    struct pollfd fd = {.fd = c->s, .events = POLLIN};
    struct epoll_event event;

    switch (c->what) {
    case RECV:
        return tapio_recv(c->s, &c->octet, 1, 0);
    case SEND:
        return tapio_send(c->s, much, sizeof much, 0);
    case ACCEPT:
        return tapio_accept(c->s, NULL, NULL);
    case POLL:
        return tapio_poll(&fd, 1, c->timeout_ms);
    case SELECT:
        return do_select(c->s);
    case EPOLL:
        return tapio_epoll_wait(c->s, &event, 1, c->timeout_ms);
    case CLOSE:
        return tapio_close(c->s);
    }
    return -1;
}

static void *caller_thread(void *argument)
{
    struct caller *c = argument;
    int64_t begin = now_ns();

    atomic_store(&c->tid, gettid());
    errno = 0;
    c->result = make_call(c);
    c->error = errno;
    c->took_ns = now_ns() - begin;
    return NULL;
}

static uint32_t waiting(void)
{
    posix_take();
    uint32_t count = posix.waiting;
    posix_give();
    return count;
}

static void until_waiting(uint32_t count)
{
    const struct timespec moment = {.tv_nsec = 200000};

    for (int i = 0; waiting() != count; i++) {
        MUST(i < 50000);
        nanosleep(&moment, NULL);
    }
}

/* It waits; and is it off the processor, too? The kernel's word for that is S. */
static void until_asleep(struct caller *c)
{
    const struct timespec moment = {.tv_nsec = 200000};
    char path[64], line[256];
    bool asleep = false;

    snprintf(path, sizeof path, "/proc/self/task/%d/stat", atomic_load(&c->tid));
    for (int i = 0; !asleep; i++) {
        FILE *file = fopen(path, "re");
        MUST(i < 50000 && file && fgets(line, sizeof line, file));
        fclose(file);
        const char *name_ends = strrchr(line, ')');
        asleep = name_ends && name_ends[1] == ' ' && name_ends[2] == 'S';
        if (!asleep)
            nanosleep(&moment, NULL);
    }
}

/* Starts them, and returns when they all wait and sleep. */
static void call_many(struct caller *c, int count, enum what what, int s)
{
    uint32_t before = waiting();

    for (int i = 0; i < count; i++) {
        c[i] = (struct caller){.what = what, .s = s, .timeout_ms = -1};
        MUST(pthread_create(&c[i].thread, NULL, caller_thread, &c[i]) == 0);
    }
    until_waiting(before + (uint32_t)count);
    for (int i = 0; i < count; i++)
        until_asleep(&c[i]);
}

static void ends_with(struct caller *c, ssize_t result, int error)
{
    MUST(pthread_join(c->thread, NULL) == 0);
    if (c->result != result || (result < 0 && c->error != error))
        ck_abort_msg("call %d: %zd, errno %d; wanted %zd, %d", c->what, c->result, c->error, result,
                     error);
}

/* --- waiting ------------------------------------------------------------------------------ */

START_TEST(a_call_waits_until_it_can_go_on)
{
    struct caller c[6];
    int listener = twins_listen(80, 4), set = tapio_epoll_create1(0), s = twins_connect(TWINS_ECHO);
    struct epoll_event event = {.events = EPOLLIN};

    ck_assert_int_eq(tapio_epoll_ctl(set, EPOLL_CTL_ADD, s, &event), 0);
    call_many(&c[0], 1, RECV, s);
    call_many(&c[1], 1, POLL, s);
    call_many(&c[2], 1, SELECT, s);
    call_many(&c[3], 1, EPOLL, set);
    call_many(&c[4], 1, ACCEPT, listener);
    ck_assert_int_eq(tapio_send(s, "ab", 2, 0), 2);
    for (int i = 0; i < 4; i++)
        ends_with(&c[i], 1, 0);
    ck_assert_int_eq(c[0].octet, 'a');
    ck_assert_uint_eq(waiting(), 1); /* who accepts sleeps on */
    int call = twins_call(&twins, 80);
    MUST(pthread_join(c[4].thread, NULL) == 0);
    int taken = (int)c[4].result;
    ck_assert_int_ge(taken, 0);
    /* a peer that does not read, and then does */
    call_many(&c[5], 1, SEND, taken);
    static char drain[1 << 20];
    twins_hear(&twins, call, drain, sizeof drain);
    ends_with(&c[5], sizeof drain, 0);
    twins_hang_up(&twins, call);
    ck_assert_int_eq(tapio_close(taken) | tapio_close(s) | tapio_close(listener), 0);
    ck_assert_int_eq(tapio_close(set), 0);
    PROVES("POSIX-accept", "POSIX-poll");
}
END_TEST

START_TEST(a_socket_that_joins_a_set_wakes_who_waits_for_it)
{
    struct caller c;
    int set = tapio_epoll_create1(0), s = twins_connect(TWINS_ECHO);
    struct epoll_event event = {.events = EPOLLOUT};

    call_many(&c, 1, EPOLL, set);
    ck_assert_int_eq(tapio_epoll_ctl(set, EPOLL_CTL_ADD, s, &event), 0);
    ends_with(&c, 1, 0);
    ck_assert_int_eq(tapio_close(s) | tapio_close(set), 0);
}
END_TEST

START_TEST(a_time_limit_ends_a_call_and_not_early)
{
    struct timeval limit = {.tv_usec = 30000}, rest = {.tv_usec = 30000};
    struct caller c = {.what = RECV, .s = twins_connect(TWINS_ECHO), .timeout_ms = 30};
    fd_set set;

    ck_assert_int_eq(tapio_setsockopt(c.s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    caller_thread(&c);
    ck_assert(c.result == -1 && c.error == EAGAIN && c.took_ns >= 30 * NS_PER_MS);
    c.what = POLL;
    caller_thread(&c);
    ck_assert(c.result == 0 && c.took_ns >= 30 * NS_PER_MS);
    int s = c.s;
    c.s = tapio_epoll_create1(0);
    c.what = EPOLL;
    caller_thread(&c);
    ck_assert(c.result == 0 && c.took_ns >= 30 * NS_PER_MS);
    FD_ZERO(&set);
    FD_SET(s, &set);
    ck_assert_int_eq(tapio_select(s + 1, &set, NULL, NULL, &rest), 0);
    ck_assert_int_eq(rest.tv_usec, 0);
    ck_assert(!FD_ISSET(s, &set));
    ck_assert_int_eq(tapio_poll(NULL, 0, 10), 0);
    ck_assert_int_eq(tapio_close(c.s) | tapio_close(s), 0);
}
END_TEST

START_TEST(select_says_which_bits_hold)
{
    int s = twins_connect(TWINS_ECHO), kernels = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct timeval hour = {.tv_sec = 3600}, wrong = {.tv_usec = 1000000};
    fd_set in, out, except;

    FD_ZERO(&in);
    FD_SET(s, &in);
    out = except = in;
    ck_assert_int_eq(tapio_select(s + 1, &in, &out, &except, &hour), 1);
    ck_assert(!FD_ISSET(s, &in) && FD_ISSET(s, &out) && !FD_ISSET(s, &except));
    ck_assert(hour.tv_sec == 3599 || (hour.tv_sec == 3600 && hour.tv_usec == 0));
    ck_assert_int_eq(tapio_select(-1, NULL, NULL, NULL, NULL), -1);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_int_eq(tapio_select(FD_SETSIZE + 1, NULL, NULL, NULL, NULL), -1);
    ck_assert_int_eq(tapio_select(0, NULL, NULL, NULL, &wrong), -1);
    ck_assert_int_eq(errno, EINVAL);
    FD_SET(kernels, &out);
    ck_assert_int_eq(tapio_select(kernels + 1, NULL, &out, NULL, NULL), -1);
    ck_assert_int_eq(errno, EBADF);
    struct pollfd fds[40]; /* more than are kept on the C stack */
    for (int i = 0; i < 40; i++)
        fds[i] = (struct pollfd){.fd = i % 2 ? s : -1, .events = POLLOUT};
    fds[0].fd = kernels;
    ck_assert_int_eq(tapio_poll(fds, 40, -1), 21);
    ck_assert_int_eq(fds[0].revents, POLLNVAL);
    ck_assert_int_eq(fds[1].revents, POLLOUT);
    ck_assert_int_eq(fds[2].revents, 0);
    ck_assert_int_eq(tapio_poll(NULL, 1, 0), -1);
    ck_assert_int_eq(errno, EFAULT);
    ck_assert_int_eq(tapio_poll(fds, (nfds_t)-1, 0), -1);
    ck_assert_int_eq(errno, EINVAL);
    close(kernels);
    ck_assert_int_eq(tapio_close(s), 0);
    PROVES("POSIX-poll", "F09");
}
END_TEST

/* --- signals ------------------------------------------------------------------------------ */

static volatile sig_atomic_t handled;

static void handle(int signal)
{
    (void)signal;
    handled++;
}

static void given_handler(int flags)
{
    struct sigaction action = {.sa_handler = handle, .sa_flags = flags};

    handled = 0;
    MUST(sigaction(SIGUSR1, &action, NULL) == 0);
}

/* It waits, but perhaps not yet in the kernel; a signal that comes before is the program's own
 * race. So it is sent until the call has ended, or has been heard a few times. */
static void signal_until(struct caller *c, int times)
{
    const struct timespec moment = {.tv_nsec = 2000000};

    for (int i = 0; i < times && waiting() > 0; i++) {
        pthread_kill(c->thread, SIGUSR1);
        nanosleep(&moment, NULL);
    }
}

START_TEST(a_handler_ends_a_call_unless_it_restarts)
{
    struct timeval limit = {.tv_sec = 20};
    struct caller c;
    int s = twins_connect(TWINS_ECHO), set = tapio_epoll_create1(0);

    given_handler(0);
    call_many(&c, 1, RECV, s);
    signal_until(&c, 500);
    ends_with(&c, -1, EINTR);
    given_handler(SA_RESTART);
    call_many(&c, 1, RECV, s);
    signal_until(&c, 10);
#ifndef __SANITIZE_THREAD__ /* which keeps a handler back until its thread makes a call it knows   \
                             */
    ck_assert_int_gt(handled, 0);
#endif
    ck_assert_uint_eq(waiting(), 1);
    ck_assert_int_eq(tapio_send(s, "x", 1, 0), 1);
    ends_with(&c, 1, 0);
    /* never restarted: with a time limit, and poll and its kin (signal(7)) */
    ck_assert_int_eq(tapio_setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    const struct {
        enum what what;
        int s;
    } ended[] = {{RECV, s}, {POLL, s}, {SELECT, s}, {EPOLL, set}};
    for (size_t i = 0; i < ARRAY_LEN(ended); i++) {
        call_many(&c, 1, ended[i].what, ended[i].s);
        signal_until(&c, 500);
        ends_with(&c, -1, EINTR);
    }
    ck_assert_int_eq(tapio_close(s) | tapio_close(set), 0);
    PROVES("F04");
}
END_TEST

/* --- closing under a call ----------------------------------------------------------------- */

START_TEST(closing_ends_every_call_that_waits)
{
    struct caller reads[3], accepts[3], polls[2], epolls[2];
    int s = twins_connect(TWINS_ECHO), listener = twins_listen(80, 4), set = tapio_epoll_create1(0);

    call_many(reads, 3, RECV, s);
    call_many(accepts, 3, ACCEPT, listener);
    call_many(polls, 2, POLL, s);
    call_many(epolls, 2, EPOLL, set);
    ck_assert_int_eq(tapio_close(s) | tapio_close(listener) | tapio_close(set), 0);
    for (int i = 0; i < 3; i++) {
        ends_with(&reads[i], -1, EBADF);
        ends_with(&accepts[i], -1, EBADF);
    }
    for (int i = 0; i < 2; i++) {
        ends_with(&polls[i], 1, 0); /* POLLNVAL */
        ends_with(&epolls[i], -1, EBADF);
    }
    PROVES("POSIX-close", "F09");
}
END_TEST

/* The full run of scripts/test does what takes a while; by hand a hundredth of it has to do. */
static int many_times(void)
{
    const char *quick = getenv("TAPIO_QUICK");

    return quick && strcmp(quick, "0") == 0 ? 10000 : 100;
}

/* The number goes to another connection at once; who waited for the old one gets none of it. */
START_TEST(a_call_never_reads_from_the_next_owner_of_its_number)
{
    struct linger reset = {.l_onoff = 1};

    for (int i = 0, times = many_times(); i < times; i++) {
        struct caller c;
        char heard = 0;
        int s = twins_connect(TWINS_ECHO);
        MUST(tapio_setsockopt(s, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) == 0);
        call_many(&c, 1, RECV, s);
        ck_assert_int_eq(tapio_close(s), 0);
        int next = twins_connect(TWINS_ECHO);
        ck_assert_int_eq(next, s);
        ck_assert_int_eq(tapio_send(next, "n", 1, 0), 1);
        ends_with(&c, -1, EBADF);
        ck_assert_int_eq(tapio_recv(next, &heard, 1, 0), 1);
        ck_assert_int_eq(heard, 'n');
        /* by a reset: ten thousand in TIME-WAIT would be more than there are */
        MUST(tapio_setsockopt(next, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) == 0);
        ck_assert_int_eq(tapio_close(next), 0);
    }
    PROVES("F09", "POSIX-close");
}
END_TEST

START_TEST(shutting_down_ends_calls_that_wait)
{
    struct caller read, accept;
    int s = twins_connect(TWINS_ECHO), listener = twins_listen(80, 4);

    call_many(&read, 1, RECV, s);
    call_many(&accept, 1, ACCEPT, listener);
    ck_assert_int_eq(tapio_shutdown(s, SHUT_RD), 0);
    ck_assert_int_eq(tapio_shutdown(listener, SHUT_RD), 0);
    ends_with(&read, 0, 0);
    ends_with(&accept, -1, EINVAL);
    ck_assert_int_eq(tapio_close(s) | tapio_close(listener), 0);
    PROVES("POSIX-shutdown");
}
END_TEST

START_TEST(detaching_and_a_lost_device_end_calls_that_wait)
{
    struct caller c[3];
    int s = twins_connect(TWINS_ECHO);

    call_many(&c[0], 1, RECV, s);
    call_many(&c[1], 1, POLL, -1);
    twins_cut(&twins);
    ends_with(&c[0], -1, ENETDOWN);
    ends_with(&c[1], -1, ENETDOWN);
    tapio_detach();
    twins_end(&twins);
    twins_begin(&twins);
    s = twins_connect(TWINS_ECHO);
    call_many(&c[0], 1, RECV, s);
    call_many(&c[1], 1, POLL, -1);
    call_many(&c[2], 1, POLL, s);
    tapio_detach();
    ends_with(&c[0], -1, EBADF);
    ends_with(&c[1], -1, EBADF);
    ends_with(&c[2], 1, 0);
    ck_assert_uint_eq(posix.waiting, 0);
}
END_TEST

START_TEST(a_lingering_close_waits_and_its_number_is_gone_at_once)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 20};
    static char much[200000];
    struct caller c;
    int listener = twins_listen(80, 4), call = twins_call(&twins, 80);
    int s = tapio_accept(listener, NULL, NULL);

    ck_assert_int_eq(tapio_setsockopt(s, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
    ssize_t sent = tapio_send(s, much, sizeof much, 0);
    ck_assert_int_gt(sent, 65536); /* more than the peer takes unread */
    call_many(&c, 1, CLOSE, s);
    ck_assert_int_eq(tapio_recv(s, much, 1, 0), -1);
    ck_assert_int_eq(errno, EBADF);
    int next = tapio_socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(next, s);
    twins_hear(&twins, call, much, (size_t)sent);
    ends_with(&c, 0, 0);
    twins_hang_up(&twins, call);
    ck_assert_int_eq(tapio_close(next) | tapio_close(listener), 0);
    PROVES("POSIX-linger");
}
END_TEST

/* --- who is woken ------------------------------------------------------------------------- */

/* What a thread has run so far; 0 once it has ended. */
static uint64_t cpu_ns(pthread_t thread)
{
    struct timespec t;
    clockid_t clock;

    if (pthread_getcpuclockid(thread, &clock) || clock_gettime(clock, &t))
        return 0;
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

START_TEST(of_many_that_accept_one_is_woken_and_none_is_forgotten)
{
    struct caller c[8];
    uint64_t before[8];
    int listener = twins_listen(80, 16), calls[8], stirred = 0;

    call_many(c, 8, ACCEPT, listener);
    for (int i = 0; i < 8; i++)
        before[i] = cpu_ns(c[i].thread);
    calls[0] = twins_call(&twins, 80);
    until_waiting(7);
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL); /* time enough for a herd */
    until_waiting(7);
    for (int i = 0; i < 8; i++)
        stirred += cpu_ns(c[i].thread) != before[i];
    ck_assert_int_eq(stirred, 1);
    struct stack *peer = twins_lock(&twins); /* and seven in one turn */
    struct endpoint ours = {.port = 80};
    ck_assert_int_eq(ip_addr_parse("10.0.0.1", &ours.addr), 0);
    for (int i = 1; i < 8; i++) {
        calls[i] = sock_socket(peer, AF_INET, SOCK_STREAM, 0);
        ck_assert_int_eq(sock_connect(peer, calls[i], ours, NULL), -EINPROGRESS);
    }
    twins_unlock(&twins);
    for (int i = 0; i < 8; i++) {
        MUST(pthread_join(c[i].thread, NULL) == 0);
        ck_assert_int_ge(c[i].result, 0);
        ck_assert_int_eq(tapio_close((int)c[i].result), 0);
    }
    for (int i = 0; i < 8; i++)
        twins_hang_up(&twins, calls[i]);
    ck_assert_int_eq(tapio_close(listener), 0);
    PROVES("POSIX-accept");
}
END_TEST

START_TEST(who_waits_elsewhere_and_who_polls_are_left_alone)
{
    struct caller c[3];
    int s = twins_connect(TWINS_ECHO), other = twins_connect(TWINS_ECHO);
    uint64_t before[3];
    char octet;

    call_many(&c[0], 1, RECV, other);
    call_many(&c[1], 1, POLL, other);
    call_many(&c[2], 1, SELECT, other);
    for (int i = 0; i < 3; i++)
        before[i] = cpu_ns(c[i].thread);
    for (int i = 0; i < 200; i++) {
        ck_assert_int_eq(tapio_send(s, "x", 1, 0), 1);
        ck_assert_int_eq(tapio_recv(s, &octet, 1, 0), 1);
    }
    for (int i = 0; i < 3; i++)
        ck_assert_uint_eq(cpu_ns(c[i].thread), before[i]); /* not one instruction */
    ck_assert_int_eq(tapio_send(other, "xx", 2, 0), 2);
    for (int i = 0; i < 3; i++)
        ends_with(&c[i], 1, 0);
    ck_assert_int_eq(tapio_close(s) | tapio_close(other), 0);
}
END_TEST

/* A call that leaves nothing to do does not end the polling thread's sleep. */
START_TEST(the_polling_thread_is_woken_for_debts_alone)
{
    enum { CALLS = 500 };
    const struct timespec moment = {.tv_nsec = 100000};
    int s = twins_connect(TWINS_ECHO);
    char octet;

    ck_assert_int_eq(tapio_send(s, "x", 1, 0), 1);
    ck_assert_int_eq(tapio_recv(s, &octet, 1, 0), 1);
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL); /* a delayed ACK has its turn */
    uint64_t before = cpu_ns(posix.thread);
    for (int i = 0; i < CALLS; i++) {
        MUST(tapio_recv(s, &octet, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN);
        nanosleep(&moment, NULL); /* long enough to fall asleep again */
    }
    /* a wake-up costs microseconds; a timer or two may come */
    ck_assert_uint_lt(cpu_ns(posix.thread) - before, CALLS * UINT64_C(1000));
    ck_assert_int_eq(tapio_close(s), 0);
}
END_TEST

static Suite *posix_wait_suite(void)
{
    Suite *suite = suite_create("posix_wait");
    TCase *c = tcase_create("waiting");

    tcase_add_checked_fixture(c, given_twins, end_of_twins);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, a_call_waits_until_it_can_go_on);
    tcase_add_test(c, a_socket_that_joins_a_set_wakes_who_waits_for_it);
    tcase_add_test(c, a_time_limit_ends_a_call_and_not_early);
    tcase_add_test(c, select_says_which_bits_hold);
    tcase_add_test(c, a_handler_ends_a_call_unless_it_restarts);
    tcase_add_test(c, closing_ends_every_call_that_waits);
    tcase_add_test(c, a_call_never_reads_from_the_next_owner_of_its_number);
    tcase_add_test(c, shutting_down_ends_calls_that_wait);
    tcase_add_test(c, detaching_and_a_lost_device_end_calls_that_wait);
    tcase_add_test(c, a_lingering_close_waits_and_its_number_is_gone_at_once);
    tcase_add_test(c, of_many_that_accept_one_is_woken_and_none_is_forgotten);
    tcase_add_test(c, who_waits_elsewhere_and_who_polls_are_left_alone);
    tcase_add_test(c, the_polling_thread_is_woken_for_debts_alone);
    suite_add_tcase(suite, c);
    return suite;
}

int main(void)
{
    return run_suite(posix_wait_suite(), "posix_wait");
}
