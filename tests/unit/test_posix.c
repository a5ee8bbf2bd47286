/*
 * test_posix.c - face two: descriptors, addresses, and what errno says.
 *
 * Two stacks with a thread each (support/twins.h), so these tests live in real time; they wait for
 * events, never for a time to pass.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

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

#define FAILS(call, error)                                                                         \
    do {                                                                                           \
        errno = 0;                                                                                 \
        ck_assert_int_eq((call), -1);                                                              \
        ck_assert_int_eq(errno, error);                                                            \
    } while (0)

static const struct sockaddr *any(const struct sockaddr_in *in)
{
    return (const struct sockaddr *)in;
}

START_TEST(a_call_reaches_the_peer_and_comes_back)
{
    char heard[16] = {0};
    int s = twins_connect(TWINS_ECHO);

    ck_assert_int_eq(tapio_send(s, "hello", 5, 0), 5);
    ck_assert_int_eq(tapio_recv(s, heard, 5, MSG_WAITALL), 5);
    ck_assert_str_eq(heard, "hello");
    ck_assert_int_eq(tapio_shutdown(s, SHUT_WR), 0);
    ck_assert_int_eq(tapio_read(s, heard, sizeof heard), 0);
    ck_assert_int_eq(tapio_close(s), 0);
}
END_TEST

/* --- descriptors -------------------------------------------------------------------------- */

START_TEST(a_descriptor_is_the_lowest_number_and_nobody_elses)
{
    struct stat what;
    int before = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int s = tapio_socket(AF_INET, SOCK_STREAM, 0);
    int after = open("/dev/null", O_RDONLY | O_CLOEXEC);
    char octet;

    ck_assert_int_gt(s, before);
    ck_assert_int_gt(after, s);
    ck_assert_int_eq(fcntl(s, F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(fstat(s, &what), 0);
    ck_assert(S_ISSOCK(what.st_mode));
    ck_assert_int_lt(read(s, &octet, 1), 0); /* the kernel has nothing there */
    ck_assert_int_eq(tapio_close(s), 0);
    ck_assert_int_lt(fcntl(s, F_GETFD), 0);
    ck_assert_int_eq(tapio_socket(AF_INET, SOCK_STREAM, 0), s); /* free again */
    ck_assert_int_eq(tapio_close(s), 0);
    close(before);
    close(after);
}
END_TEST

START_TEST(a_number_that_is_none_of_ours_is_ebadf)
{
    struct sockaddr_in addr = twins_addr("10.0.0.2", 1);
    struct sockaddr_storage room;
    socklen_t len = sizeof room;
    struct epoll_event event = {.events = EPOLLIN};
    struct iovec iov = {&room, 1};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    int closed = tapio_socket(AF_INET, SOCK_STREAM, 0), value = 1;
    int kernels = open("/dev/null", O_RDWR | O_CLOEXEC);
    int set = tapio_epoll_create1(0);
    const int bad[] = {-1, closed, kernels, 123456, INT32_MAX, INT32_MIN};

    ck_assert_int_eq(tapio_close(closed), 0);
    FAILS(tapio_close(closed), EBADF);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int s = bad[i];
        FAILS(tapio_bind(s, any(&addr), sizeof addr), EBADF);
        FAILS(tapio_listen(s, 1), EBADF);
        FAILS(tapio_accept(s, NULL, NULL), EBADF);
        FAILS(tapio_connect(s, any(&addr), sizeof addr), EBADF);
        FAILS(tapio_shutdown(s, SHUT_RDWR), EBADF);
        FAILS(tapio_close(s), EBADF);
        FAILS(tapio_getsockname(s, (struct sockaddr *)&room, &len), EBADF);
        FAILS(tapio_getpeername(s, (struct sockaddr *)&room, &len), EBADF);
        FAILS(tapio_getsockopt(s, SOL_SOCKET, SO_ERROR, &value, &len), EBADF);
        FAILS(tapio_setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &value, sizeof value), EBADF);
        FAILS(tapio_fcntl(s, F_GETFL), EBADF);
        FAILS(tapio_ioctl(s, FIONREAD, &value), EBADF);
        FAILS(tapio_read(s, &room, 1), EBADF);
        FAILS(tapio_write(s, &room, 1), EBADF);
        FAILS(tapio_readv(s, &iov, 1), EBADF);
        FAILS(tapio_writev(s, &iov, 1), EBADF);
        FAILS(tapio_send(s, &room, 1, 0), EBADF);
        FAILS(tapio_recv(s, &room, 1, 0), EBADF);
        FAILS(tapio_sendto(s, &room, 1, 0, NULL, 0), EBADF);
        FAILS(tapio_recvfrom(s, &room, 1, 0, NULL, NULL), EBADF);
        FAILS(tapio_sendmsg(s, &msg, 0), EBADF);
        FAILS(tapio_recvmsg(s, &msg, 0), EBADF);
        FAILS(tapio_epoll_ctl(set, EPOLL_CTL_ADD, s, &event), EBADF);
        FAILS(tapio_epoll_ctl(s, EPOLL_CTL_ADD, set, &event), EBADF);
        FAILS(tapio_epoll_wait(s, &event, 1, 0), EBADF);
        FAILS(tapio_fd(s), EBADF);
        FAILS(tapio_fd_arm(s, POLLIN), EBADF);
    }
    ck_assert_int_eq(tapio_close(set), 0);
    close(kernels);
    PROVES("F09");
}
END_TEST

START_TEST(a_set_is_no_socket_and_a_socket_no_set)
{
    struct epoll_event event = {.events = EPOLLIN};
    int set = tapio_epoll_create1(EPOLL_CLOEXEC), s = tapio_socket(AF_INET, SOCK_STREAM, 0);
    char octet = 0;

    FAILS(tapio_listen(set, 1), ENOTSOCK);
    FAILS(tapio_send(set, &octet, 1, 0), ENOTSOCK);
    FAILS(tapio_read(set, &octet, 1), EINVAL);
    FAILS(tapio_write(set, &octet, 1), EINVAL);
    FAILS(tapio_ioctl(set, FIONREAD, &octet), ENOTTY);
    FAILS(tapio_epoll_wait(s, &event, 1, 0), EINVAL);
    FAILS(tapio_epoll_ctl(s, EPOLL_CTL_ADD, set, &event), EINVAL);
    FAILS(tapio_epoll_create1(-1), EINVAL);
    ck_assert_int_eq(tapio_fcntl(set, F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(tapio_close(s), 0);
    ck_assert_int_eq(tapio_close(set), 0);
}
END_TEST

/* The kernel's own bound, and a connection that finds no number is not lost by it. */
START_TEST(without_numbers_a_connection_waits_to_be_accepted)
{
    struct rlimit before, none;
    int s = twins_listen(80, 4), call = twins_call(&twins, 80);
    struct pollfd fd = {.fd = s, .events = POLLIN};
    char heard[4] = {0};

    ck_assert_int_eq(tapio_poll(&fd, 1, 5000), 1);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    /* Check needs a file to fail, so nothing is asserted until there are some again. */
    errno = 0;
    bool refused = tapio_socket(AF_INET, SOCK_STREAM, 0) == -1 && errno == EMFILE;
    errno = 0;
    refused = refused && tapio_epoll_create1(0) == -1 && errno == EMFILE;
    errno = 0;
    refused = refused && tapio_accept(s, NULL, NULL) == -1 && errno == EMFILE;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert(refused);
    int taken = tapio_accept(s, NULL, NULL);
    ck_assert_int_ge(taken, 0);
    twins_say(&twins, call, "yes", 3);
    ck_assert_int_eq(tapio_recv(taken, heard, 3, MSG_WAITALL), 3);
    ck_assert_str_eq(heard, "yes");
    twins_hang_up(&twins, call);
    ck_assert_int_eq(tapio_close(taken), 0);
    ck_assert_int_eq(tapio_close(s), 0);
}
END_TEST

/* A program has closed our number by the kernel's close(): that ends the socket, and not later than
 * when the number is given out again. */
START_TEST(a_number_closed_behind_our_back_is_nobodys_connection)
{
    char octet;
    int s = twins_connect(TWINS_CHARGEN);

    close(s);
    ck_assert_int_eq(tapio_socket(AF_INET, SOCK_STREAM, 0), s);
    FAILS(tapio_recv(s, &octet, 1, MSG_DONTWAIT), ENOTCONN);
    struct stack *stack = tapio_lock();
    struct stack_usage usage;
    stack_usage(stack, &usage);
    tapio_unlock();
    ck_assert_uint_eq(usage.sockets, 1);
    ck_assert_int_eq(tapio_close(s), 0);
    PROVES("F09");
}
END_TEST

/* --- addresses ---------------------------------------------------------------------------- */

START_TEST(an_address_is_checked_as_linux_checks_it)
{
    struct sockaddr_in addr = twins_addr("10.0.0.1", 1000);
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct sockaddr_storage large = {.ss_family = AF_INET};
    int s = tapio_socket(AF_INET, SOCK_STREAM, 0), six = tapio_socket(AF_INET6, SOCK_STREAM, 0);

    FAILS(tapio_bind(s, any(&addr), sizeof addr - 1), EINVAL);
    FAILS(tapio_bind(s, any(&addr), sizeof large + 1), EINVAL);
    FAILS(tapio_bind(s, any(&addr), (socklen_t)-1), EINVAL);
    FAILS(tapio_bind(s, NULL, sizeof addr), EFAULT);
    FAILS(tapio_bind(s, NULL, 0), EINVAL);
    FAILS(tapio_bind(s, (struct sockaddr *)&v6, sizeof v6), EAFNOSUPPORT);
    FAILS(tapio_bind(six, (struct sockaddr *)&v6, 23), EINVAL);
    FAILS(tapio_bind(six, (struct sockaddr *)&large, sizeof large), EAFNOSUPPORT);
    FAILS(tapio_connect(s, any(&addr), 1), EINVAL);
    FAILS(tapio_connect(s, any(&addr), sizeof addr - 1), EINVAL);
    FAILS(tapio_connect(s, NULL, sizeof addr), EFAULT);
    FAILS(tapio_connect(s, (struct sockaddr *)&v6, sizeof v6), EAFNOSUPPORT);
    addr.sin_family = AF_UNSPEC; /* with an address it names a family, or ought to */
    FAILS(tapio_bind(s, any(&addr), sizeof addr), EAFNOSUPPORT);
    addr.sin_addr.s_addr = 0;
    ck_assert_int_eq(tapio_bind(s, any(&addr), sizeof addr), 0);
    ck_assert_int_eq(tapio_bind(six, (struct sockaddr *)&v6, 24), 0);
    addr = twins_addr("192.0.2.1", 0);
    int other = tapio_socket(AF_INET, SOCK_STREAM, 0);
    FAILS(tapio_bind(other, any(&addr), sizeof addr), EADDRNOTAVAIL);
    FAILS(tapio_socket(AF_UNIX, SOCK_STREAM, 0), EAFNOSUPPORT);
    ck_assert_int_eq(tapio_close(s) | tapio_close(six) | tapio_close(other), 0);
    PROVES("F09");
}
END_TEST

START_TEST(a_name_is_cut_off_at_the_room_and_tells_its_length)
{
    struct sockaddr_in name, peer;
    socklen_t len = sizeof name;
    int s = twins_connect(TWINS_ECHO);

    ck_assert_int_eq(tapio_getsockname(s, (struct sockaddr *)&name, &len), 0);
    ck_assert_uint_eq(len, sizeof name);
    ck_assert_int_eq(name.sin_family, AF_INET);
    ck_assert_uint_eq(name.sin_addr.s_addr, twins_addr("10.0.0.1", 0).sin_addr.s_addr);
    memset(&peer, 0xee, sizeof peer);
    len = 4;
    ck_assert_int_eq(tapio_getpeername(s, (struct sockaddr *)&peer, &len), 0);
    ck_assert_uint_eq(len, sizeof peer);
    ck_assert_uint_eq(peer.sin_port, twins_addr("10.0.0.2", TWINS_ECHO).sin_port);
    ck_assert_uint_eq(peer.sin_addr.s_addr, 0xeeeeeeee); /* beyond the room */
    len = (socklen_t)-1;
    FAILS(tapio_getpeername(s, (struct sockaddr *)&peer, &len), EINVAL);
    FAILS(tapio_getpeername(s, (struct sockaddr *)&peer, NULL), EFAULT);
    len = sizeof peer;
    FAILS(tapio_getpeername(s, NULL, &len), EFAULT);
    ck_assert_int_eq(tapio_close(s), 0);

    s = tapio_socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    len = sizeof v6;
    ck_assert_int_eq(tapio_bind(s, (struct sockaddr *)&v6, sizeof v6), 0);
    ck_assert_int_eq(tapio_getsockname(s, (struct sockaddr *)&v6, &len), 0);
    ck_assert_uint_eq(len, sizeof v6);
    ck_assert_int_eq(v6.sin6_family, AF_INET6);
    ck_assert_uint_ne(v6.sin6_port, 0);
    ck_assert_int_eq(tapio_close(s), 0);
    PROVES("POSIX-names");
}
END_TEST

START_TEST(accept_names_the_caller)
{
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    int s = twins_listen(80, 4), call = twins_call(&twins, 80);

    FAILS(tapio_accept(s, (struct sockaddr *)&from, NULL), EFAULT);
    FAILS(tapio_accept4(s, NULL, NULL, 1), EINVAL);
    int taken = tapio_accept4(s, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    ck_assert_int_ge(taken, 0);
    ck_assert_uint_eq(len, sizeof from);
    ck_assert_uint_eq(from.sin_addr.s_addr, twins_addr("10.0.0.2", 0).sin_addr.s_addr);
    struct stack *peer = twins_lock(&twins);
    struct endpoint its;
    ck_assert_int_eq(sock_getsockname(peer, call, &its), 0);
    twins_unlock(&twins);
    ck_assert_uint_eq(from.sin_port, twins_addr("10.0.0.2", its.port).sin_port);
    ck_assert_int_eq(tapio_fcntl(taken, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    ck_assert_int_eq(tapio_fcntl(taken, F_GETFD), FD_CLOEXEC);
    twins_hang_up(&twins, call);
    ck_assert_int_eq(tapio_close(taken) | tapio_close(s), 0);
    PROVES("POSIX-accept", "POSIX-names");
}
END_TEST

/* --- connecting and the end --------------------------------------------------------------- */

START_TEST(a_refusal_is_told_at_once_or_by_so_error)
{
    struct sockaddr_in addr = twins_addr("10.0.0.2", TWINS_CLOSED);
    int s = tapio_socket(AF_INET, SOCK_STREAM, 0), error = 0;
    socklen_t len = sizeof error;

    FAILS(tapio_connect(s, any(&addr), sizeof addr), ECONNREFUSED);
    ck_assert_int_eq(tapio_close(s), 0);
    s = tapio_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    FAILS(tapio_connect(s, any(&addr), sizeof addr), EINPROGRESS);
    struct pollfd fd = {.fd = s, .events = POLLOUT};
    ck_assert_int_eq(tapio_poll(&fd, 1, 5000), 1);
    ck_assert_int_eq(tapio_getsockopt(s, SOL_SOCKET, SO_ERROR, &error, &len), 0);
    ck_assert_int_eq(error, ECONNREFUSED);
    addr.sin_family = AF_UNSPEC;
    ck_assert_int_eq(tapio_connect(s, any(&addr), sizeof addr), 0);
    ck_assert_int_eq(tapio_close(s), 0);
    PROVES("POSIX-connect");
}
END_TEST

static volatile sig_atomic_t pipes_broken;

static void count_pipe(int signal)
{
    (void)signal;
    pipes_broken++;
}

START_TEST(sigpipe_is_raised_unless_nobody_wants_it)
{
    struct sigaction count = {.sa_handler = count_pipe}, before;
    struct iovec iov = {(char[]){'x'}, 1};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    int s = twins_connect(TWINS_ECHO);

    ck_assert_int_eq(tapio_shutdown(s, SHUT_WR), 0);
    ck_assert_int_eq(sigaction(SIGPIPE, &count, &before), 0);
    pipes_broken = 0;
    FAILS(tapio_send(s, "x", 1, MSG_NOSIGNAL), EPIPE);
    FAILS(tapio_sendmsg(s, &msg, MSG_NOSIGNAL), EPIPE);
    ck_assert_int_eq(pipes_broken, 0);
    FAILS(tapio_send(s, "x", 1, 0), EPIPE);
    ck_assert_int_eq(pipes_broken, 1);
    FAILS(tapio_write(s, "x", 1), EPIPE);
    FAILS(tapio_writev(s, &iov, 1), EPIPE);
    FAILS(tapio_sendto(s, "x", 1, 0, NULL, 0), EPIPE);
    FAILS(tapio_sendmsg(s, &msg, 0), EPIPE);
    ck_assert_int_eq(pipes_broken, 5);
    ck_assert_int_eq(sigaction(SIGPIPE, &before, NULL), 0);
    ck_assert_int_eq(tapio_close(s), 0);
    PROVES("POSIX-sigpipe", "F04");
}
END_TEST

/* --- octets ------------------------------------------------------------------------------- */

START_TEST(a_message_of_parts_comes_back_in_parts)
{
    char a[4], b[8], name[64], one[] = "one ", message[] = "message";
    struct iovec out[] = {{one, 4}, {message, 7}}, in[] = {{a, 4}, {b, 7}};
    struct msghdr msg = {.msg_iov = out, .msg_iovlen = 2};
    int s = twins_connect(TWINS_ECHO);

    ck_assert_int_eq(tapio_sendmsg(s, &msg, 0), 11);
    msg = (struct msghdr){
        .msg_name = name, .msg_namelen = sizeof name, .msg_iov = in, .msg_iovlen = 2};
    ck_assert_int_eq(tapio_recvmsg(s, &msg, MSG_WAITALL), 11);
    ck_assert_mem_eq(a, "one ", 4);
    ck_assert_mem_eq(b, "message", 7);
    ck_assert_uint_eq(msg.msg_namelen, 0); /* a stream names nobody */
    ck_assert_int_eq(msg.msg_flags, 0);
    msg.msg_iovlen = 1025;
    FAILS(tapio_sendmsg(s, &msg, 0), EMSGSIZE);
    msg.msg_iovlen = SIZE_MAX;
    FAILS(tapio_recvmsg(s, &msg, 0), EMSGSIZE);
    FAILS(tapio_sendmsg(s, NULL, 0), EFAULT);
    FAILS(tapio_recvmsg(s, NULL, 0), EFAULT);
    msg.msg_iovlen = 1;
    msg.msg_namelen = (socklen_t)-1;
    FAILS(tapio_recvmsg(s, &msg, MSG_DONTWAIT), EINVAL);
    ck_assert_int_eq(tapio_writev(s, out, 2), 11);
    struct pollfd fd = {.fd = s, .events = POLLIN};
    ck_assert_int_eq(tapio_poll(&fd, 1, 5000), 1);
    ck_assert_int_eq(tapio_readv(s, in, 2), 11);
    ck_assert_int_eq(tapio_close(s), 0);
    PROVES("F09");
}
END_TEST

START_TEST(nothing_and_everything_are_lengths_too)
{
    struct sockaddr_storage from;
    socklen_t len = sizeof from;
    char octet;
    int s = twins_connect(TWINS_ECHO), count = -1;

    ck_assert_int_eq(tapio_send(s, "", 0, 0), 0);
    ck_assert_int_eq(tapio_write(s, NULL, 0), 0);
    ck_assert_int_eq(tapio_read(s, NULL, 0), 0);
    FAILS(tapio_send(s, NULL, 1, 0), EFAULT);
    FAILS(tapio_send(s, &octet, SIZE_MAX, 0), EINVAL);
    FAILS(tapio_recv(s, &octet, 1, MSG_DONTWAIT), EAGAIN);
    FAILS(tapio_send(s, &octet, 1, MSG_OOB), EINVAL);
    FAILS(tapio_recvfrom(s, &octet, 1, 0, (struct sockaddr *)&from, NULL), EFAULT);
    ck_assert_int_eq(tapio_sendto(s, "x", 1, 0, (struct sockaddr *)&from, 1), 1); /* ignored */
    FAILS(tapio_sendto(s, "x", 1, 0, (struct sockaddr *)&from, 1000), EINVAL);
    ck_assert_int_eq(tapio_recvfrom(s, &octet, 1, MSG_WAITALL, (struct sockaddr *)&from, &len), 1);
    ck_assert_uint_eq(len, 0);
    ck_assert_int_eq(tapio_ioctl(s, FIONREAD, &count), 0);
    ck_assert_int_eq(count, 0);
    FAILS(tapio_ioctl(s, FIONREAD, NULL), EFAULT);
    FAILS(tapio_ioctl(s, 0x1234567), ENOTTY);
    ck_assert_int_eq(tapio_ioctl(s, FIOCLEX), 0);
    ck_assert_int_eq(tapio_fcntl(s, F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(tapio_fcntl(s, F_SETFD, 0), 0);
    ck_assert_int_eq(tapio_fcntl(s, F_GETFD), 0);
    ck_assert_int_eq(tapio_fcntl(s, F_SETFL, O_NONBLOCK), 0);
    FAILS(tapio_recv(s, &octet, 1, 0), EAGAIN);
    FAILS(tapio_fcntl(s, F_SETOWN, 1), EINVAL);
    ck_assert_int_eq(tapio_close(s), 0);
    PROVES("F09");
}
END_TEST

/* --- the stack of the process ------------------------------------------------------------- */

START_TEST(a_process_has_one_stack_or_none)
{
    FAILS(tapio_attach(twins.peer), EBUSY);
    FAILS(tapio_attach(NULL), EINVAL);
    FAILS(tapio_start(twins.our_dev), EBUSY);
    tapio_detach();
    FAILS(tapio_socket(AF_INET, SOCK_STREAM, 0), ENETDOWN);
    FAILS(tapio_close(3), ENETDOWN);
    FAILS(tapio_poll(NULL, 0, 0), ENETDOWN);
    ck_assert_ptr_null(tapio_lock());
    FAILS(tapio_start(twins.our_dev), ENETDOWN);
    tapio_detach();
    ck_assert_int_eq(tapio_attach(twins.ours), 0);
    ck_assert_int_eq(tapio_start(twins.our_dev), 0);
    int s = twins_connect(TWINS_DISCARD);
    ck_assert_int_ge(s, 0); /* and left open: detaching closes it */
}
END_TEST

static Suite *posix_suite(void)
{
    Suite *suite = suite_create("posix");
    TCase *c = tcase_create("calls");

    tcase_add_checked_fixture(c, given_twins, end_of_twins);
    tcase_add_test(c, a_call_reaches_the_peer_and_comes_back);
    tcase_add_test(c, a_descriptor_is_the_lowest_number_and_nobody_elses);
    tcase_add_test(c, a_number_that_is_none_of_ours_is_ebadf);
    tcase_add_test(c, a_set_is_no_socket_and_a_socket_no_set);
    tcase_add_test(c, without_numbers_a_connection_waits_to_be_accepted);
    tcase_add_test(c, a_number_closed_behind_our_back_is_nobodys_connection);
    tcase_add_test(c, an_address_is_checked_as_linux_checks_it);
    tcase_add_test(c, a_name_is_cut_off_at_the_room_and_tells_its_length);
    tcase_add_test(c, accept_names_the_caller);
    tcase_add_test(c, a_refusal_is_told_at_once_or_by_so_error);
    tcase_add_test(c, sigpipe_is_raised_unless_nobody_wants_it);
    tcase_add_test(c, a_message_of_parts_comes_back_in_parts);
    tcase_add_test(c, nothing_and_everything_are_lengths_too);
    tcase_add_test(c, a_process_has_one_stack_or_none);
    suite_add_tcase(suite, c);
    return suite;
}

int main(void)
{
    return run_suite(posix_suite(), "posix");
}
