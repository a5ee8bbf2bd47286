/*
 * test_sock_io.c - read and write in all their forms, what they say about bad buffers and in which
 * order, O_NONBLOCK and timeouts, ioctl() and fcntl(), and closing that waits.
 *
 * The manual pages of Linux are the reference (recv(2), send(2), readv(2), tcp(7), socket(7)).
 */
#include <limits.h>
#include <string.h>

#include "base/base.h"
#include "support/peer.h"
#include "support/proves.h"

#ifndef TCP_INQ
#define TCP_INQ    36
#define TCP_CM_INQ TCP_INQ
#endif

/* A waiter that counts its turns and lets the time pass until the deadline, or gives up. */
struct clock {
    struct waiter waiter;
    struct peer *p;
    int turns;
    void (*move)(struct peer *p);
};

static int tick(struct waiter *waiter, struct stack *stack, int s, short events, instant deadline)
{
    struct clock *clock = (struct clock *)(void *)waiter;

    (void)stack, (void)s, (void)events;
    if (clock->turns++ > 1000)
        return -EINTR;
    if (clock->move)
        clock->move(clock->p);
    peer_wait(clock->p, 100);
    return clock->p->now.ns >= deadline.ns ? -EAGAIN : 0;
}

static struct clock clock_of(struct peer *p)
{
    return (struct clock){.waiter = {.wait = tick}, .p = p};
}

static int set_time(struct peer *p, int s, int option, time_t sec, suseconds_t usec)
{
    struct timeval time = {.tv_sec = sec, .tv_usec = usec};

    return sock_setsockopt(p->stack, s, SOL_SOCKET, option, &time, sizeof(time));
}

static int queue(struct peer *p, int s, unsigned long request)
{
    int octets = -1;

    ck_assert_int_eq(sock_ioctl(p->stack, s, request, &octets), 0);
    return octets;
}

/* --- lists of buffers --------------------------------------------------------------------- */

START_TEST(writev_of_nothing_asks_nobody)
{
    struct peer *p = peer_new();
    int s = peer_socket(p);
    struct iovec nothing[2] = {{NULL, 0}, {NULL, 0}};

    ck_assert_int_eq(sock_writev(p->stack, s, nothing, 2, NULL), 0);
    ck_assert_int_eq(sock_writev(p->stack, s, NULL, 0, NULL), 0);
    ck_assert_int_eq(sock_write(p->stack, s, "", 0, NULL), -EPIPE);
    ck_assert_int_eq(sock_close(p->stack, s), 0);
    ck_assert_int_eq(sock_writev(p->stack, s, NULL, 0, NULL), -EBADF);
    peer_free(p);
}
END_TEST

START_TEST(writev_gathers_and_readv_scatters)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);
    char a[4], b[3], c[100];
    char hello[] = "hello", you[] = ", you";
    struct iovec out[3] = {{hello, 5}, {NULL, 0}, {you, 5}};
    struct iovec in[3] = {{a, sizeof(a)}, {b, sizeof(b)}, {c, sizeof(c)}};

    ck_assert_int_eq(sock_writev(p->stack, s, out, 3, NULL), 10);
    peer_expect(p, "P.", 1, 1, 10);
    ck_assert_mem_eq(p->flow->said, "hello, you", 10);
    PEER_SEND(p, .flags = "P.", .seq = 1, .ack = 11, .text = "0123456789", .len = 10);
    struct sock_msg msg = {.iov = in, .iovcnt = 3};
    ck_assert_int_eq(sock_recvmsg(p->stack, s, &msg, MSG_PEEK, NULL), 10);
    ck_assert(!memcmp(a, "0123", 4) && !memcmp(b, "456", 3) && !memcmp(c, "789", 3));
    memset(a, 0, sizeof(a)), memset(b, 0, sizeof(b)), memset(c, 0, sizeof(c));
    ck_assert_int_eq(sock_readv(p->stack, s, in, 3, NULL), 10);
    ck_assert(!memcmp(a, "0123", 4) && !memcmp(b, "456", 3) && !memcmp(c, "789", 3));
    ck_assert_int_eq(sock_readv(p->stack, s, in, 3, NULL), -EAGAIN);
    peer_free(p);
}
END_TEST

START_TEST(a_scattered_read_leaves_the_error_and_the_end_to_the_next_call)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);
    char a[4], b[4];
    struct iovec in[2] = {{a, sizeof(a)}, {b, sizeof(b)}};

    peer_send(p, "P.", 1, 1, 4);
    peer_send(p, "R", 5, 0, 0);
    ck_assert_int_eq(sock_readv(p->stack, s, in, 2, NULL), 4);
    ck_assert_int_eq(sock_readv(p->stack, s, in, 2, NULL), -ECONNRESET);
    ck_assert_int_eq(sock_readv(p->stack, s, in, 2, NULL), 0);
    peer_free(p);
    PROVES("RFC9293-MUST-12");
}
END_TEST

START_TEST(a_list_that_cannot_be_is_refused)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);
    char octet = 'x';
    struct iovec iov[2] = {{&octet, SSIZE_MAX}, {&octet, SSIZE_MAX}};
    struct sock_msg msg = {.iov = iov, .iovcnt = 1025};

    ck_assert_int_eq(sock_readv(p->stack, s, iov, -1, NULL), -EINVAL);
    ck_assert_int_eq(sock_readv(p->stack, s, iov, 1025, NULL), -EINVAL);
    ck_assert_int_eq(sock_readv(p->stack, s, iov, 2, NULL), -EINVAL);
    ck_assert_int_eq(sock_readv(p->stack, s, NULL, 1, NULL), -EFAULT);
    ck_assert_int_eq(sock_readv(p->stack, s, NULL, 0, NULL), 0);
    ck_assert_int_eq(sock_writev(p->stack, s, iov, 1025, NULL), -EINVAL);
    ck_assert_int_eq(sock_writev(p->stack, s, iov, 2, NULL), -EINVAL);
    ck_assert_int_eq(sock_writev(p->stack, s, NULL, 1, NULL), -EFAULT);
    ck_assert_int_eq(sock_writev(p->stack, s, NULL, 0, NULL), 0);
    ck_assert_int_eq(sock_sendmsg(p->stack, s, &msg, 0, NULL), -EMSGSIZE);
    ck_assert_int_eq(sock_recvmsg(p->stack, s, &msg, 0, NULL), -EMSGSIZE);
    ck_assert_int_eq(sock_sendmsg(p->stack, s, NULL, 0, NULL), -EFAULT);
    ck_assert_int_eq(sock_recvmsg(p->stack, s, NULL, 0, NULL), -EFAULT);
    msg = (struct sock_msg){.iov = iov, .iovcnt = 0, .control = &octet, .control_len = 1};
    ck_assert_int_eq(sock_sendmsg(p->stack, s, &msg, 0, NULL), -EINVAL);
    ck_assert_int_eq(sock_readv(p->stack, -1, NULL, -1, NULL), -EBADF); /* the number first */
    ck_assert_int_eq(sock_writev(p->stack, -1, NULL, -1, NULL), -EBADF);
    ck_assert_int_eq(sock_sendmsg(p->stack, -1, NULL, 0, NULL), -EBADF);
    peer_free(p);
    PROVES("F09");
}
END_TEST

/* --- bad buffers -------------------------------------------------------------------------- */

START_TEST(a_null_buffer_is_efault_only_when_there_is_something_to_copy)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p), fresh = peer_socket(p);
    char octets[8];

    ck_assert_int_eq(sock_recv(p->stack, -1, NULL, 4, 0, NULL), -EBADF);
    ck_assert_int_eq(sock_recv(p->stack, fresh, NULL, 4, 0, NULL), -ENOTCONN);
    ck_assert_int_eq(sock_write(p->stack, fresh, NULL, 4, NULL), -EPIPE);
    ck_assert_int_eq(sock_recv(p->stack, s, NULL, 4, 0, NULL), -EAGAIN);
    ck_assert_int_eq(sock_read(p->stack, s, NULL, 0, NULL), 0);
    ck_assert_int_eq(sock_write(p->stack, s, NULL, 0, NULL), 0);
    ck_assert_int_eq(sock_write(p->stack, s, NULL, 4, NULL), -EFAULT);
    peer_expect_nothing(p);
    peer_send(p, "P.", 1, 1, 4);
    ck_assert_int_eq(sock_read(p->stack, s, NULL, 4, NULL), -EFAULT);
    ck_assert_int_eq(sock_recv(p->stack, s, NULL, 4, MSG_PEEK, NULL), -EFAULT);
    ck_assert_int_eq(sock_recv(p->stack, s, NULL, 0, 0, NULL), 0);
    ck_assert_int_eq(sock_recv(p->stack, s, octets, 8, 0, NULL), 4); /* nothing was lost */
    peer_shutdown(p, s, SHUT_WR);
    ck_assert_int_eq(sock_write(p->stack, s, NULL, 4, NULL), -EPIPE);
    peer_free(p);
    PROVES("F09");
}
END_TEST

START_TEST(a_gather_with_a_null_in_it_takes_what_is_before)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);
    char four[] = "four";
    struct iovec out[2] = {{four, 4}, {NULL, 4}};

    ck_assert_int_eq(sock_writev(p->stack, s, out, 2, NULL), 4);
    ck_assert_int_eq(sock_writev(p->stack, s, out + 1, 1, NULL), -EFAULT);
    peer_free(p);
}
END_TEST

START_TEST(getsockopt_and_setsockopt_check_length_address_option_value)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p), value = 1;
    socklen_t len = sizeof(value), huge = (socklen_t)-1;

    ck_assert_int_eq(sock_setsockopt(p->stack, s, SOL_SOCKET, 9999, NULL, 2), -EINVAL);
    ck_assert_int_eq(sock_setsockopt(p->stack, s, SOL_SOCKET, 9999, NULL, 4), -EFAULT);
    ck_assert_int_eq(sock_setsockopt(p->stack, s, SOL_SOCKET, 9999, &value, 4), -ENOPROTOOPT);
    ck_assert_int_eq(sock_setsockopt(p->stack, s, IPPROTO_TCP, TCP_NODELAY, NULL, 4), -EFAULT);
    ck_assert_int_eq(sock_setsockopt(p->stack, s, IPPROTO_TCP, TCP_NODELAY, &value, huge), -EINVAL);
    ck_assert_int_eq(sock_setsockopt(p->stack, s, IPPROTO_UDP, 1, &value, 4), -ENOPROTOOPT);
    ck_assert_int_eq(sock_setsockopt(p->stack, s, IPPROTO_IPV6, 26, &value, 4), -ENOPROTOOPT);
    ck_assert_int_eq(sock_setsockopt(p->stack, s, 7777, 1, &value, huge), -EINVAL);
    ck_assert_int_eq(sock_getsockopt(p->stack, s, 7777, 1, &value, &huge), -EOPNOTSUPP);
    ck_assert_int_eq(sock_getsockopt(p->stack, s, IPPROTO_UDP, 1, &value, &len), -EOPNOTSUPP);
    ck_assert_int_eq(sock_getsockopt(p->stack, s, SOL_SOCKET, SO_TYPE, NULL, &len), -EFAULT);
    ck_assert_int_eq(sock_getsockopt(p->stack, s, SOL_SOCKET, SO_TYPE, &value, NULL), -EFAULT);
    ck_assert_int_eq(sock_getsockopt(p->stack, s, SOL_SOCKET, SO_TYPE, &value, &huge), -EINVAL);
    ck_assert_int_eq(sock_getsockopt(p->stack, s, SOL_SOCKET, 9999, NULL, &len), -ENOPROTOOPT);
    peer_free(p);
    PROVES("F09");
}
END_TEST

/* --- flags -------------------------------------------------------------------------------- */

START_TEST(flags_that_are_not_built_in_are_refused)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);
    char octet = 'x';

    ck_assert_int_eq(sock_send(p->stack, s, &octet, 1, MSG_OOB, NULL), -EINVAL);
    ck_assert_int_eq(sock_recv(p->stack, s, &octet, 1, MSG_OOB, NULL), -EINVAL);
    ck_assert_int_eq(sock_send(p->stack, s, &octet, 1, MSG_FASTOPEN, NULL), -EOPNOTSUPP);
    ck_assert_int_eq(sock_recv(p->stack, s, &octet, 1, MSG_ERRQUEUE, NULL), -EOPNOTSUPP);
    peer_expect_nothing(p);
    peer_free(p);
}
END_TEST

START_TEST(msg_trunc_throws_text_away)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);
    char octets[4] = "abc";

    peer_send(p, "P.", 1, 1, 100);
    ck_assert_int_eq(sock_recv(p->stack, s, NULL, 30, MSG_TRUNC | MSG_PEEK, NULL), 30);
    ck_assert_int_eq(sock_recv(p->stack, s, NULL, 30, MSG_TRUNC, NULL), 30);
    ck_assert_int_eq(sock_recv(p->stack, s, octets, 3, MSG_TRUNC, NULL), 3);
    ck_assert_str_eq(octets, "abc"); /* it is not written */
    p->app_read = 33;
    peer_app_read(p, s, 67);
    peer_free(p);
}
END_TEST

static uint32_t said_to; /* how far the peer has got in say_ten() */

static void say_ten(struct peer *p)
{
    peer_send(p, "P.", said_to, 1, 10);
    said_to += 10;
}

START_TEST(msg_waitall_waits_for_all)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);
    struct clock clock = clock_of(p);
    char octets[100];

    said_to = 1;
    clock.move = say_ten;
    ck_assert_int_eq(sock_recv(p->stack, s, octets, 35, MSG_WAITALL, &clock.waiter), 35);
    ck_assert_int_eq(clock.turns, 4);
    ck_assert_int_eq(sock_recv(p->stack, s, octets, 100, MSG_WAITALL, NULL), 5);
    ck_assert_int_eq(sock_recv(p->stack, s, octets, 100, 0, &clock.waiter), 10);
    peer_free(p);
}
END_TEST

static void say_reset(struct peer *p)
{
    if (said_to < 100) {
        peer_send(p, "P.", said_to, 1, 99);
        peer_send(p, "R", said_to + 99, 0, 0);
    }
    said_to = 100;
}

START_TEST(msg_waitall_gives_what_came_before_a_reset_and_then_the_reset)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);
    struct clock clock = clock_of(p);
    char octets[200];

    said_to = 1;
    clock.move = say_reset;
    ck_assert_int_eq(sock_recv(p->stack, s, octets, 200, MSG_WAITALL, &clock.waiter), 99);
    ck_assert_int_eq(sock_recv(p->stack, s, octets, 200, MSG_WAITALL, &clock.waiter), -ECONNRESET);
    ck_assert_int_eq(sock_recv(p->stack, s, octets, 200, MSG_WAITALL, &clock.waiter), 0);
    peer_free(p);
}
END_TEST

START_TEST(tcp_ignores_the_address_of_sendto)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);
    struct endpoint other = peer_endpoint(PEER_V4(10, 9, 0, 77), 7), from = other;
    char octets[10];

    ck_assert_int_eq(sock_sendto(p->stack, s, "text", 4, 0, &other, NULL), 4);
    peer_expect(p, "P.", 1, 1, 4);
    peer_send(p, "P.", 1, 5, 4);
    ck_assert_int_eq(sock_recvfrom(p->stack, s, octets, 10, 0, &from, NULL), 4);
    ck_assert_uint_eq(from.port, 0); /* and names nobody */
    peer_free(p);
}
END_TEST

START_TEST(tcp_inq_says_what_is_left)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);
    char octets[4];
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec iov = {octets, sizeof(octets)};
    struct sock_msg msg = {.iov = &iov, .iovcnt = 1, .control = &control};

    ck_assert_int_eq(peer_set(p, s, IPPROTO_TCP, TCP_INQ, 2), -EINVAL);
    ck_assert_int_eq(peer_set(p, s, IPPROTO_TCP, TCP_INQ, 1), 0);
    peer_send(p, "P.", 1, 1, 10);
    msg.control_len = sizeof(control);
    ck_assert_int_eq(sock_recvmsg(p->stack, s, &msg, 0, NULL), 4);
    ck_assert_uint_eq(msg.control_len, sizeof(control));
    ck_assert_int_eq(control.header.cmsg_level, IPPROTO_TCP);
    ck_assert_int_eq(control.header.cmsg_type, TCP_CM_INQ);
    ck_assert_uint_eq(control.header.cmsg_len, CMSG_LEN(sizeof(int)));
    ck_assert_int_eq(*(int *)(void *)CMSG_DATA(&control.header), 6);
    ck_assert_int_eq(msg.flags, 0);
    msg.control_len = 4;
    ck_assert_int_eq(sock_recvmsg(p->stack, s, &msg, 0, NULL), 4);
    ck_assert_int_eq(msg.flags, MSG_CTRUNC);
    ck_assert_uint_eq(msg.control_len, 0);
    ck_assert_int_eq(peer_set(p, s, IPPROTO_TCP, TCP_INQ, 0), 0);
    msg.control_len = sizeof(control);
    ck_assert_int_eq(sock_recvmsg(p->stack, s, &msg, 0, NULL), 2);
    ck_assert_uint_eq(msg.control_len, 0);
    peer_free(p);
}
END_TEST

/* --- descriptors -------------------------------------------------------------------------- */

START_TEST(a_nonblocking_socket_does_not_wait_though_it_could)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p), listener = peer_listen(p, 1);
    struct clock clock = clock_of(p);
    char octet;

    ck_assert_int_eq(sock_fcntl(p->stack, s, F_GETFL, 0), O_RDWR);
    ck_assert_int_eq(sock_fcntl(p->stack, s, F_SETFL, O_RDWR | O_NONBLOCK), 0);
    ck_assert_int_eq(sock_fcntl(p->stack, s, F_GETFL, 0), 0x802);
    ck_assert_int_eq(sock_recv(p->stack, s, &octet, 1, 0, &clock.waiter), -EAGAIN);
    ck_assert_int_eq(sock_fcntl(p->stack, s, F_SETFL, 0), 0);
    ck_assert_int_eq(sock_recv(p->stack, s, &octet, 1, MSG_DONTWAIT, &clock.waiter), -EAGAIN);
    int on = 1;
    ck_assert_int_eq(sock_ioctl(p->stack, listener, FIONBIO, &on), 0);
    ck_assert_int_eq(sock_accept(p->stack, listener, NULL, &clock.waiter), -EAGAIN);
    int t = peer_own(p, sock_socket(p->stack, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    ck_assert_int_eq(sock_fcntl(p->stack, t, F_GETFL, 0), 0x802);
    ck_assert_int_eq(sock_connect(p->stack, t, peer_endpoint(PEER_ADDR, 80), &clock.waiter),
                     -EINPROGRESS);
    ck_assert_int_eq(clock.turns, 0);
    ck_assert_int_eq(sock_fcntl(p->stack, s, 9999, 0), -EINVAL);
    ck_assert_int_eq(sock_fcntl(p->stack, -1, 9999, 0), -EBADF);
    peer_free(p);
}
END_TEST

START_TEST(an_accepted_socket_is_nonblocking_only_when_asked)
{
    struct peer *p = peer_new();
    int listener = peer_listen(p, 4);

    ck_assert_int_eq(sock_fcntl(p->stack, listener, F_SETFL, O_NONBLOCK), 0);
    for (int i = 0; i < 2; i++) {
        peer_flow_new(p);
        peer_syn(p);
        peer_expect(p, "S.", 0, 1, 0);
        peer_send(p, ".", 1, 1, 0);
        int flags = i ? SOCK_NONBLOCK | SOCK_CLOEXEC : 0;
        int s = peer_own(p, sock_accept4(p->stack, listener, NULL, flags, NULL));
        ck_assert_int_eq(sock_fcntl(p->stack, s, F_GETFL, 0), i ? 0x802 : 2);
    }
    ck_assert_int_eq(sock_accept4(p->stack, listener, NULL, 1, NULL), -EINVAL);
    peer_free(p);
}
END_TEST

START_TEST(ioctl_counts_what_is_queued)
{
    struct peer *p = peer_new();
    p->window = 1000;
    int s = peer_establish_passive(p), fresh = peer_socket(p), listener = peer_listen(p, 1), n;

    peer_send(p, "P.", 1, 1, 10);
    peer_skip(p);
    ck_assert_int_eq(queue(p, s, FIONREAD), 10);
    ck_assert_int_eq(queue(p, s, SIOCINQ), 10);
    peer_app_send(p, s, 1500);
    peer_poll(p);
    ck_assert_int_eq(queue(p, s, SIOCOUTQ), 1500);
    ck_assert_int_eq(queue(p, s, SIOCOUTQNSD), 500);
    peer_shutdown(p, s, SHUT_WR);
    ck_assert_int_eq(queue(p, s, SIOCOUTQ), 1501);
    ck_assert_int_eq(queue(p, fresh, SIOCINQ), 0);
    ck_assert_int_eq(queue(p, fresh, SIOCOUTQ), 0);
    ck_assert_int_eq(sock_ioctl(p->stack, listener, SIOCINQ, &n), -EINVAL);
    ck_assert_int_eq(sock_ioctl(p->stack, s, SIOCINQ, NULL), -EFAULT);
    ck_assert_int_eq(sock_ioctl(p->stack, s, 0x1234, &n), -ENOTTY);
    ck_assert_int_eq(sock_ioctl(p->stack, -1, SIOCINQ, &n), -EBADF);
    peer_free(p);
}
END_TEST

/* --- timeouts ----------------------------------------------------------------------------- */

START_TEST(a_receive_timeout_ends_the_wait)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);
    struct clock clock = clock_of(p);
    char octet;
    struct timeval time;
    socklen_t len = sizeof(time);

    ck_assert_int_eq(set_time(p, s, SO_RCVTIMEO, 1, 1000000), -EDOM);
    ck_assert_int_eq(peer_set(p, s, SOL_SOCKET, SO_RCVTIMEO, 1), -EINVAL);
    ck_assert_int_eq(set_time(p, s, SO_RCVTIMEO, 1, 500000), 0);
    ck_assert_int_eq(sock_getsockopt(p->stack, s, SOL_SOCKET, SO_RCVTIMEO, &time, &len), 0);
    ck_assert(time.tv_sec == 1 && time.tv_usec == 500000);
    int64_t begin = peer_time(p);
    ck_assert_int_eq(sock_recv(p->stack, s, &octet, 1, 0, &clock.waiter), -EAGAIN);
    ck_assert_int_eq(peer_time(p), begin + 1500);
    ck_assert_int_eq(set_time(p, s, SO_RCVTIMEO, 0, 0), 0); /* for ever again */
    ck_assert_int_eq(sock_recv(p->stack, s, &octet, 1, 0, &clock.waiter), -EINTR);
    ck_assert_int_eq(set_time(p, s, SO_RCVTIMEO, -1, 0), 0); /* not at all */
    ck_assert_int_eq(sock_recv(p->stack, s, &octet, 1, 0, &clock.waiter), -EAGAIN);
    peer_free(p);
}
END_TEST

START_TEST(a_send_timeout_ends_the_wait_with_what_was_taken)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p), t = peer_socket(p);
    struct clock clock = clock_of(p);
    static const uint8_t text[60000];

    ck_assert_int_eq(peer_set(p, s, SOL_SOCKET, SO_SNDBUF, 10000), 0);
    ck_assert_int_eq(set_time(p, s, SO_SNDTIMEO, 2, 0), 0);
    int64_t begin = peer_time(p);
    ck_assert_int_eq(sock_send(p->stack, s, text, sizeof(text), 0, &clock.waiter), 20000);
    ck_assert_int_eq(peer_time(p), begin + 2000);
    ck_assert_int_eq(sock_send(p->stack, s, text, 1, 0, &clock.waiter), -EAGAIN);
    ck_assert_int_eq(set_time(p, t, SO_SNDTIMEO, 2, 0), 0);
    ck_assert_int_eq(sock_connect(p->stack, t, peer_endpoint(PEER_ADDR, 80), &clock.waiter),
                     -EINPROGRESS);
    ck_assert_int_eq(sock_connect(p->stack, t, peer_endpoint(PEER_ADDR, 80), &clock.waiter),
                     -EALREADY);
    peer_free(p);
}
END_TEST

/* --- connect, shutdown, reset, close ------------------------------------------------------ */

START_TEST(a_connect_that_was_refused_may_be_tried_again)
{
    struct peer *p = peer_new();
    int s = peer_connect(p);
    struct endpoint there = peer_endpoint(PEER_ADDR, PEER_STACK_PORT);

    ck_assert_int_eq(sock_connect(p->stack, s, there, NULL), -EALREADY);
    peer_send(p, "R.", 0, 1, 0);
    ck_assert_int_eq(sock_connect(p->stack, s, there, NULL), -ECONNREFUSED);
    ck_assert_int_eq(sock_connect(p->stack, s, there, NULL), -EINPROGRESS);
    peer_expect(p, "S", 0, 0, 0);
    peer_send(p, "S.", 0, 1, 0);
    peer_expect(p, ".", 1, 1, 0);
    ck_assert_int_eq(sock_connect(p->stack, s, there, NULL), 0);
    peer_send(p, "R", 1, 0, 0);
    ck_assert_int_eq(sock_connect(p->stack, s, there, NULL), -EISCONN); /* it was one */
    peer_free(p);
    PROVES("POSIX-connect");
}
END_TEST

START_TEST(disconnecting_resets_and_the_socket_serves_again)
{
    struct peer *p = peer_new();
    int s = peer_establish_active(p);

    ck_assert_int_eq(peer_set(p, s, IPPROTO_TCP, TCP_NODELAY, 1), 0);
    ck_assert_int_eq(sock_disconnect(p->stack, s), 0);
    peer_poll(p);
    peer_expect_reset(p, 1);
    ck_assert_int_eq(sock_send(p->stack, s, "x", 1, 0, NULL), -EPIPE);
    ck_assert_int_eq(sock_connect(p->stack, s, peer_endpoint(PEER_ADDR, 99), NULL), -EINPROGRESS);
    peer_expect(p, "S", 0, 0, 0);
    ck_assert_int_eq(peer_get(p, s, IPPROTO_TCP, TCP_NODELAY), 1);
    ck_assert_int_eq(sock_disconnect(p->stack, s), 0);
    ck_assert_int_eq(sock_listen(p->stack, s, 1), 0);
    ck_assert_int_eq(sock_disconnect(p->stack, s), 0);
    ck_assert_uint_eq(peer_usage(p).listeners, 0);
    peer_free(p);
}
END_TEST

START_TEST(shut_for_reading_what_has_come_and_still_comes_is_read_first)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_send(p, "P.", 1, 1, 10);
    peer_shutdown(p, s, SHUT_RD);
    peer_app_read(p, s, 10);
    ck_assert_int_eq(peer_recv_result(p, s), 0);
    peer_skip(p);
    peer_send(p, "P.", 11, 1, 10);
    peer_expect(p, ".", 1, 21, 0);
    peer_app_read(p, s, 10);
    ck_assert_int_eq(peer_recv_result(p, s), 0);
    peer_free(p);
    PROVES("POSIX-shutdown");
}
END_TEST

START_TEST(what_came_before_a_reset_is_read_before_it)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_send(p, "P.", 1, 1, 100);
    peer_send(p, "R", 101, 0, 0);
    peer_app_read(p, s, 100);
    ck_assert_int_eq(peer_recv_result(p, s), -ECONNRESET);
    ck_assert_int_eq(peer_recv_result(p, s), 0);
    ck_assert_int_eq(sock_send(p->stack, s, "x", 1, 0, NULL), -EPIPE);
    peer_free(p);
    PROVES("RFC9293-MUST-12", "POSIX-sigpipe");
}
END_TEST

START_TEST(a_reset_behind_the_peers_end_is_epipe)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_send(p, "F.", 1, 1, 0);
    peer_skip(p);
    peer_send(p, "R", 2, 0, 0);
    ck_assert_int_eq(sock_poll(p->stack, s) & (POLLERR | POLLHUP), POLLERR | POLLHUP);
    ck_assert_int_eq(peer_so_error(p, s), EPIPE);
    ck_assert_int_eq(peer_recv_result(p, s), 0);
    ck_assert_int_eq(sock_send(p->stack, s, "x", 1, 0, NULL), -EPIPE);
    peer_free(p);
}
END_TEST

START_TEST(shutdown_undoes_listening_and_connecting)
{
    struct peer *p = peer_new();
    int listener = peer_listen(p, 1), s = peer_connect(p);

    ck_assert_int_eq(sock_shutdown(p->stack, listener, SHUT_WR), 0);
    ck_assert_int_eq(peer_get(p, listener, SOL_SOCKET, SO_ACCEPTCONN), 1);
    ck_assert_int_eq(sock_shutdown(p->stack, listener, SHUT_RD), 0);
    ck_assert_int_eq(sock_accept(p->stack, listener, NULL, NULL), -EINVAL);
    ck_assert_int_eq(sock_listen(p->stack, listener, 1), 0); /* it has its name still */
    ck_assert_int_eq(sock_shutdown(p->stack, s, SHUT_WR), 0);
    ck_assert_int_eq(sock_shutdown(p->stack, s, SHUT_WR), -ENOTCONN);
    peer_expect_silence(p, 10000);
    peer_free(p);
}
END_TEST

static void linger(struct peer *p, int s, int seconds)
{
    struct linger linger = {.l_onoff = 1, .l_linger = seconds};

    ck_assert_int_eq(sock_setsockopt(p->stack, s, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)),
                     0);
}

static void acknowledge(struct peer *p)
{
    if (peer_skip(p))
        peer_send(p, ".", 1, peer_snd_nxt(p), 0);
}

START_TEST(close_lingers_until_all_is_acknowledged)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);
    struct clock clock = clock_of(p);

    linger(p, s, 5);
    peer_app_send(p, s, 100000);
    clock.move = acknowledge;
    int64_t begin = peer_time(p);
    ck_assert_int_eq(sock_close_wait(p->stack, s, &clock.waiter), 0);
    ck_assert_int_lt(peer_time(p) - begin, 5000);
    ck_assert_uint_eq(p->flow->said_len, 100000);
    ck_assert_int_eq(sock_close(p->stack, s), -EBADF);
    p->sock_count--;
    peer_free(p);
    PROVES("POSIX-linger", "RFC9293-ACK-9");
}
END_TEST

static void acknowledge_and_look(struct peer *p)
{
    ck_assert_uint_eq(peer_usage(p).epoll_items, 0);
    acknowledge(p);
}

START_TEST(who_lingers_has_left_the_epoll_sets)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p), set = peer_own(p, sock_epoll_create(p->stack, 0));
    struct clock clock = clock_of(p);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT};

    ck_assert_int_eq(sock_epoll_ctl(p->stack, set, EPOLL_CTL_ADD, s, &event), 0);
    linger(p, s, 5);
    peer_app_send(p, s, 10000);
    clock.move = acknowledge_and_look;
    ck_assert_int_eq(sock_close_wait(p->stack, s, &clock.waiter), 0);
    ck_assert_int_eq(sock_epoll_wait(p->stack, set, &event, 1, 0, NULL), 0);
    ck_assert_int_eq(sock_close(p->stack, set), 0);
    p->sock_count -= 2;
    peer_free(p);
    PROVES("POSIX-linger");
}
END_TEST

START_TEST(close_lingers_no_longer_than_it_was_told)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);
    struct clock clock = clock_of(p);

    linger(p, s, 5);
    peer_app_send(p, s, 1000);
    int64_t begin = peer_time(p);
    ck_assert_int_eq(sock_close_wait(p->stack, s, &clock.waiter), 0);
    ck_assert_int_eq(peer_time(p), begin + 5000);
    ck_assert_uint_eq(peer_usage(p).sockets, 0);
    ck_assert_uint_eq(peer_usage(p).connections, 1); /* it goes on by itself */
    p->sock_count--;
    peer_skip(p);
    peer_send(p, ".", 1, 1002, 0);
    peer_free(p);
    PROVES("POSIX-linger");
}
END_TEST

START_TEST(close_waits_for_nothing_without_linger_or_waiter)
{
    struct peer *p = peer_new();
    struct clock clock = clock_of(p);

    for (int i = 0; i < 3; i++) {
        int s = peer_establish_passive(p);
        if (i > 0)
            linger(p, s, i == 1 ? 0 : 5);
        peer_app_send(p, s, 10);
        int64_t begin = peer_time(p);
        ck_assert_int_eq(sock_close_wait(p->stack, s, i == 2 ? NULL : &clock.waiter), 0);
        ck_assert_int_eq(peer_time(p), begin);
        p->sock_count--;
        peer_poll(p);
        peer_skip(p);
        if (i != 1)
            peer_send(p, ".", 1, 12, 0);
    }
    ck_assert_int_eq(sock_close_wait(p->stack, 4711, &clock.waiter), -EBADF);
    peer_free(p);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sock_io");

    TCase *c = tcase_create("readv(2), sendmsg(2): lists of buffers");
    tcase_add_test(c, writev_of_nothing_asks_nobody);
    tcase_add_test(c, writev_gathers_and_readv_scatters);
    tcase_add_test(c, a_scattered_read_leaves_the_error_and_the_end_to_the_next_call);
    tcase_add_test(c, a_list_that_cannot_be_is_refused);
    suite_add_tcase(s, c);

    c = tcase_create("EFAULT and its place among the errors");
    tcase_add_test(c, a_null_buffer_is_efault_only_when_there_is_something_to_copy);
    tcase_add_test(c, a_gather_with_a_null_in_it_takes_what_is_before);
    tcase_add_test(c, getsockopt_and_setsockopt_check_length_address_option_value);
    suite_add_tcase(s, c);

    c = tcase_create("recv(2), send(2): flags");
    tcase_add_test(c, flags_that_are_not_built_in_are_refused);
    tcase_add_test(c, msg_trunc_throws_text_away);
    tcase_add_test(c, msg_waitall_waits_for_all);
    tcase_add_test(c, msg_waitall_gives_what_came_before_a_reset_and_then_the_reset);
    tcase_add_test(c, tcp_ignores_the_address_of_sendto);
    tcase_add_test(c, tcp_inq_says_what_is_left);
    suite_add_tcase(s, c);

    c = tcase_create("fcntl(2), ioctl(2)");
    tcase_add_test(c, a_nonblocking_socket_does_not_wait_though_it_could);
    tcase_add_test(c, an_accepted_socket_is_nonblocking_only_when_asked);
    tcase_add_test(c, ioctl_counts_what_is_queued);
    suite_add_tcase(s, c);

    c = tcase_create("socket(7): SO_RCVTIMEO, SO_SNDTIMEO");
    tcase_add_test(c, a_receive_timeout_ends_the_wait);
    tcase_add_test(c, a_send_timeout_ends_the_wait_with_what_was_taken);
    suite_add_tcase(s, c);

    c = tcase_create("connect(2), shutdown(2), close(2)");
    tcase_add_test(c, a_connect_that_was_refused_may_be_tried_again);
    tcase_add_test(c, disconnecting_resets_and_the_socket_serves_again);
    tcase_add_test(c, shut_for_reading_what_has_come_and_still_comes_is_read_first);
    tcase_add_test(c, what_came_before_a_reset_is_read_before_it);
    tcase_add_test(c, a_reset_behind_the_peers_end_is_epipe);
    tcase_add_test(c, shutdown_undoes_listening_and_connecting);
    tcase_add_test(c, close_lingers_until_all_is_acknowledged);
    tcase_add_test(c, who_lingers_has_left_the_epoll_sets);
    tcase_add_test(c, close_lingers_no_longer_than_it_was_told);
    tcase_add_test(c, close_waits_for_nothing_without_linger_or_waiter);
    suite_add_tcase(s, c);
    return run_suite(s, "sock_io");
}
