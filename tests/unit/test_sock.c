/*
 * test_sock.c - what each call of tapio/sock.h says in each situation.
 *
 * POSIX.1 and the Linux manual pages are the reference (connect(2), shutdown(2), poll(2), tcp(7),
 * socket(7)). The wire is a scripted peer's (support/peer.h).
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/prng.h"
#include "support/peer.h"
#include "support/proves.h"

static int connect_again(struct peer *p, int s)
{
    return sock_connect(p->stack, s, peer_endpoint(PEER_ADDR, PEER_STACK_PORT), NULL);
}

static int get_int(struct peer *p, int s, int level, int option)
{
    int value = -12345;
    socklen_t len = sizeof(value);

    ck_assert_int_eq(sock_getsockopt(p->stack, s, level, option, &value, &len), 0);
    ck_assert_uint_eq(len, sizeof(value));
    return value;
}

static int set_int(struct peer *p, int s, int level, int option, int value)
{
    return sock_setsockopt(p->stack, s, level, option, &value, sizeof(value));
}

/* Fills the send buffer: how many octets went in. */
static uint32_t fill_send_buffer(struct peer *p, int s)
{
    uint8_t text[1000];
    uint32_t sum = 0;

    for (;;) {
        for (uint32_t i = 0; i < sizeof(text); i++)
            text[i] = peer_octet(sum + i);
        ssize_t took = sock_send(p->stack, s, text, sizeof(text), 0, NULL);
        if (took == -EAGAIN)
            return sum;
        ck_assert_int_gt(took, 0);
        sum += (uint32_t)took;
        ck_assert_uint_lt(sum, 100000000);
    }
}

/* --- socket
 * ------------------------------------------------------------------------------------------- */

static const struct {
    int domain, type, protocol, result; /* result 0: a socket */
} kinds[] = {
    {AF_INET, SOCK_STREAM, 0, 0},
    {AF_INET, SOCK_STREAM, IPPROTO_TCP, 0},
    {AF_INET, SOCK_STREAM, IPPROTO_UDP, -EPROTONOSUPPORT},
    {AF_INET, SOCK_DGRAM, IPPROTO_TCP, -EPROTONOSUPPORT},
    {AF_INET6, SOCK_STREAM, 0, 0},
    {AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP, 0},
    {AF_INET6, SOCK_DGRAM, IPPROTO_ICMP, -EPROTONOSUPPORT},
    {AF_INET, 0, 0, -ESOCKTNOSUPPORT},
    {AF_INET, SOCK_SEQPACKET, 0, -ESOCKTNOSUPPORT},
    {AF_INET, 99, 0, -EINVAL},
    {AF_INET, -1, 0, -EINVAL},
    {AF_INET, SOCK_STREAM, -1, -EINVAL},
    {AF_INET, SOCK_STREAM, IPPROTO_MAX, -EINVAL},
    {AF_INET, SOCK_STREAM, 200, -EPROTONOSUPPORT},
    {AF_UNIX, SOCK_STREAM, 0, -EAFNOSUPPORT},
    {AF_UNSPEC, SOCK_STREAM, 0, -EAFNOSUPPORT},
    {-1, SOCK_STREAM, 0, -EAFNOSUPPORT},
};

START_TEST(socket_gives_what_is_built_in)
{
    struct peer *p = peer_new();
    int s = sock_socket(p->stack, kinds[_i].domain, kinds[_i].type, kinds[_i].protocol);

    if (kinds[_i].result) {
        ck_assert_int_eq(s, kinds[_i].result);
    } else {
        peer_own(p, s);
        ck_assert_int_eq(get_int(p, s, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
        ck_assert_int_eq(get_int(p, s, SOL_SOCKET, SO_ERROR), 0);
        ck_assert_int_eq(get_int(p, s, SOL_SOCKET, SO_ACCEPTCONN), 0);
    }
    peer_free(p);
}
END_TEST

START_TEST(sockets_have_a_cap_and_come_back)
{
    struct stack_config config;
    peer_config(&config);
    config.values.sock_sockets = 3;
    struct peer *p = peer_new_with(&config, 0);
    int socks[3];

    for (int i = 0; i < 3; i++)
        socks[i] = peer_socket(p);
    ck_assert_int_eq(sock_socket(p->stack, AF_INET, SOCK_STREAM, 0), -ENFILE);
    peer_close(p, socks[1]);
    peer_socket(p);
    ck_assert_int_eq(sock_socket(p->stack, AF_INET, SOCK_STREAM, 0), -ENFILE);
    peer_free(p);
}
END_TEST

START_TEST(accept_without_a_free_socket_keeps_the_connection)
{
    struct stack_config config;
    peer_config(&config);
    config.values.sock_sockets = 2;
    struct peer *p = peer_new_with(&config, 0);
    int listener = peer_drive(p, TCPS_SYN_RECEIVED, false), other = peer_socket(p);
    struct endpoint remote;

    peer_send(p, ".", 1, 1, 0);
    int err = sock_accept(p->stack, listener, &remote, NULL);
    ck_assert(err == -ENFILE || err == -EMFILE);
    peer_close(p, other);
    ck_assert_int_eq(peer_state_of(p, peer_accept(p, listener)), TCPS_ESTABLISHED);
    peer_free(p);
}
END_TEST

/* --- numbers
 * ---------------------------------------------------------------------------------------------- */

static void expect_ebadf_everywhere(struct peer *p, int s)
{
    struct endpoint end = {.port = 0};
    struct sock_info info;
    char octets[4] = {0};
    int value = 0;
    socklen_t len = sizeof(value);

    ck_assert_int_eq(sock_bind(p->stack, s, end), -EBADF);
    ck_assert_int_eq(sock_listen(p->stack, s, 1), -EBADF);
    ck_assert_int_eq(sock_accept(p->stack, s, &end, NULL), -EBADF);
    ck_assert_int_eq(connect_again(p, s), -EBADF);
    ck_assert_int_eq(sock_send(p->stack, s, octets, 4, 0, NULL), -EBADF);
    ck_assert_int_eq(sock_recv(p->stack, s, octets, 4, 0, NULL), -EBADF);
    ck_assert_int_eq(sock_shutdown(p->stack, s, SHUT_WR), -EBADF);
    ck_assert_int_eq(sock_setsockopt(p->stack, s, SOL_SOCKET, SO_REUSEADDR, &value, len), -EBADF);
    ck_assert_int_eq(sock_getsockopt(p->stack, s, SOL_SOCKET, SO_ERROR, &value, &len), -EBADF);
    ck_assert_int_eq(sock_getsockname(p->stack, s, &end), -EBADF);
    ck_assert_int_eq(sock_getpeername(p->stack, s, &end), -EBADF);
    ck_assert_int_eq(sock_poll(p->stack, s), -EBADF);
    ck_assert_int_eq(sock_info(p->stack, s, &info), -EBADF);
    ck_assert_ptr_null(sock_app(p->stack, s));
    sock_set_app(p->stack, s, NULL);
    sock_again(p->stack, s);
    ck_assert_int_eq(sock_close(p->stack, s), -EBADF);
}

START_TEST(a_number_that_is_no_socket_is_ebadf_in_every_call)
{
    static const int numbers[] = {-1, INT_MIN, INT_MAX, 0, 1, 4711, 1 << 20};
    struct peer *p = peer_new();

    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        expect_ebadf_everywhere(p, numbers[i]);
    int s = peer_socket(p);
    expect_ebadf_everywhere(p, s ^ 1);
    expect_ebadf_everywhere(p, s ^ 1 << 20);
    expect_ebadf_everywhere(p, ~s);
    peer_free(p);
    PROVES("F09");
}
END_TEST

START_TEST(a_number_that_was_closed_is_nobody_elses)
{
    struct peer *p = peer_new();
    int old[100];

    for (int i = 0; i < 100; i++) {
        old[i] = sock_socket(p->stack, AF_INET, SOCK_STREAM, 0);
        ck_assert_int_ge(old[i], 0);
        for (int j = 0; j < i; j++)
            ck_assert_int_ne(old[i], old[j]);
        ck_assert_int_eq(sock_close(p->stack, old[i]), 0);
        ck_assert_int_eq(sock_close(p->stack, old[i]), -EBADF);
    }
    int s = peer_establish_passive(p);
    peer_socket(p); /* in the place that all of them had */
    for (int i = 0; i < 100; i++)
        expect_ebadf_everywhere(p, old[i]);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    peer_free(p);
    PROVES("F09", "POSIX-close");
}
END_TEST

/* --- a fresh socket
 * ------------------------------------------------------------------------------------------- */

START_TEST(a_fresh_socket_is_not_connected)
{
    struct peer *p = peer_new();
    int s = peer_socket(p);
    struct endpoint end = {.port = 99};
    char octet = 0;

    ck_assert_int_eq(sock_send(p->stack, s, &octet, 1, 0, NULL), -EPIPE); /* as on Linux */
    ck_assert_int_eq(sock_recv(p->stack, s, &octet, 1, 0, NULL), -ENOTCONN);
    ck_assert_int_eq(sock_shutdown(p->stack, s, SHUT_RDWR), -ENOTCONN);
    ck_assert_int_eq(sock_getpeername(p->stack, s, &end), -ENOTCONN);
    ck_assert_int_eq(sock_getsockname(p->stack, s, &end), 0);
    ck_assert_uint_eq(end.port, 0);
    ck_assert_int_eq(sock_accept(p->stack, s, &end, NULL), -EINVAL);
    ck_assert_int_eq(sock_poll(p->stack, s) & POLLIN, 0);
    peer_expect_nothing(p);
    peer_free(p);
    PROVES("RFC9293-3.10.2-a", "POSIX-names");
}
END_TEST

START_TEST(a_listening_socket_is_not_connected)
{
    struct peer *p = peer_new();
    int s = peer_listen(p, 4);
    struct endpoint end;
    char octet = 0;

    ck_assert_int_eq(get_int(p, s, SOL_SOCKET, SO_ACCEPTCONN), 1);
    ck_assert_int_lt(sock_send(p->stack, s, &octet, 1, 0, NULL), 0);
    ck_assert_int_eq(sock_recv(p->stack, s, &octet, 1, 0, NULL), -ENOTCONN);
    ck_assert_int_eq(sock_getpeername(p->stack, s, &end), -ENOTCONN);
    ck_assert_int_eq(sock_getsockname(p->stack, s, &end), 0);
    ck_assert_uint_eq(end.port, PEER_STACK_PORT);
    int err = connect_again(p, s);
    ck_assert(err == -EISCONN || err == -EINVAL || err == -EOPNOTSUPP);
    ck_assert_int_eq(sock_poll(p->stack, s), 0);
    ck_assert_int_eq(sock_listen(p->stack, s, 8), 0); /* again: another backlog */
    peer_expect_nothing(p);
    peer_free(p);
}
END_TEST

START_TEST(a_connected_socket_neither_listens_nor_accepts)
{
    struct peer *p = peer_new();
    int s = peer_establish_active(p);
    struct endpoint end = {.port = 1234};

    ck_assert_int_eq(sock_listen(p->stack, s, 4), -EINVAL);
    ck_assert_int_eq(sock_accept(p->stack, s, &end, NULL), -EINVAL);
    ck_assert_int_eq(sock_bind(p->stack, s, end), -EINVAL);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    peer_free(p);
}
END_TEST

START_TEST(listening_without_an_address_takes_an_ephemeral_port)
{
    struct peer *p = peer_new();
    int s = peer_socket(p);
    struct endpoint end;

    int err = sock_listen(p->stack, s, 4);
    if (err == 0) {
        ck_assert_int_eq(sock_getsockname(p->stack, s, &end), 0);
        ck_assert_uint_ge(end.port, 49152);
    } else {
        ck_assert(err == -EDESTADDRREQ || err == -EINVAL); /* POSIX leaves the choice */
    }
    peer_free(p);
}
END_TEST

/* --- connect
 * -----------------------------------------------------------------------------------------------------
 */

START_TEST(connect_is_in_progress_then_done)
{
    struct peer *p = peer_new();
    int s = peer_connect(p);

    ck_assert_int_eq(sock_poll(p->stack, s) & (POLLIN | POLLOUT | POLLERR | POLLHUP), 0);
    ck_assert_int_eq(connect_again(p, s), -EALREADY);
    ck_assert_int_eq(peer_so_error(p, s), 0);
    peer_expect_nothing(p);
    peer_send(p, "S.", 0, 1, 0);
    peer_expect(p, ".", 1, 1, 0);
    ck_assert_int_eq(sock_poll(p->stack, s) & (POLLIN | POLLOUT | POLLERR | POLLHUP), POLLOUT);
    ck_assert_int_eq(peer_so_error(p, s), 0);
    ck_assert_int_eq(connect_again(p, s), 0); /* Linux tells of the success first */
    ck_assert_int_eq(connect_again(p, s), -EISCONN);
    peer_expect_nothing(p);
    peer_free(p);
    PROVES("POSIX-connect", "RFC9293-3.10.1-a");
}
END_TEST

START_TEST(an_accepted_socket_is_connected)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    ck_assert_int_eq(connect_again(p, s), -EISCONN);
    peer_free(p);
    PROVES("RFC9293-3.10.1-a");
}
END_TEST

START_TEST(connect_that_is_refused_says_so_once)
{
    struct peer *p = peer_new();
    int s = peer_connect(p);

    peer_send(p, "R.", 0, 1, 0);
    int events = sock_poll(p->stack, s);
    ck_assert_int_eq(events & (POLLERR | POLLHUP), POLLERR | POLLHUP);
    ck_assert_int_ne(events & (POLLIN | POLLOUT), 0); /* nobody sleeps through it */
    ck_assert_int_eq(peer_so_error(p, s), ECONNREFUSED);
    ck_assert_int_eq(peer_so_error(p, s), 0);
    ck_assert_int_eq(sock_poll(p->stack, s) & POLLERR, 0);
    char octet = 0;
    ssize_t err = sock_send(p->stack, s, &octet, 1, 0, NULL);
    ck_assert(err == -EPIPE || err == -ENOTCONN);
    peer_free(p);
    PROVES("POSIX-connect", "RFC9293-SYNSENT-3");
}
END_TEST

START_TEST(connect_that_is_refused_is_told_by_recv_too)
{
    struct peer *p = peer_new();
    int s = peer_connect(p);

    peer_send(p, "R.", 0, 1, 0);
    ck_assert_int_eq(peer_recv_result(p, s), -ECONNREFUSED);
    ck_assert_int_eq(peer_so_error(p, s), 0);
    peer_free(p);
    PROVES("POSIX-connect");
}
END_TEST

START_TEST(connect_to_silence_times_out)
{
    struct peer *p = peer_new();
    int s = peer_connect(p);

    peer_wait(p, 600000);
    peer_skip(p);
    ck_assert_int_eq(sock_poll(p->stack, s) & POLLERR, POLLERR);
    ck_assert_int_eq(peer_so_error(p, s), ETIMEDOUT);
    peer_free(p);
    PROVES("POSIX-connect", "C41");
}
END_TEST

START_TEST(connect_to_a_station_that_is_not_there_is_unreachable)
{
    struct peer *p = peer_new();
    int s = peer_socket(p);

    p->deaf = true;
    ck_assert_int_eq(sock_connect(p->stack, s, peer_endpoint(PEER_V4(10, 9, 0, 77), 80), NULL),
                     -EINPROGRESS);
    peer_wait(p, 10000);
    peer_expect_nothing(p);
    ck_assert_int_eq(peer_so_error(p, s), EHOSTUNREACH);
    peer_free(p);
    PROVES("POSIX-connect");
}
END_TEST

START_TEST(a_socket_that_connects_cannot_send_nor_receive_yet)
{
    struct peer *p = peer_new();
    int s = peer_connect(p);
    char octet = 0;

    ssize_t sent = sock_send(p->stack, s, &octet, 1, 0, NULL);
    ck_assert(sent == 1 || sent == -EAGAIN); /* queued, or later: RFC 9293, 3.10.2 */
    ssize_t got = sock_recv(p->stack, s, &octet, 1, 0, NULL);
    ck_assert(got == -EAGAIN || got == -ENOTCONN);
    peer_expect_nothing(p);
    peer_free(p);
    PROVES("RFC9293-3.10.2-a");
}
END_TEST

START_TEST(one_connection_more_than_the_cap_is_refused)
{
    struct stack_config config;
    peer_config(&config);
    config.values.tcp_connections = 2;
    struct peer *p = peer_new_with(&config, 0);

    peer_connect(p);
    peer_connect(p);
    int err = connect_again(p, peer_socket(p));
    ck_assert(err == -ENOBUFS || err == -ENOMEM || err == -EAGAIN);
    peer_listen(p, 4);
    peer_flow_new(p);
    peer_syn(p);
    peer_expect_nothing(p); /* and a caller may try again */
    ck_assert_uint_eq(peer_drops(p, DROP_TCP_NO_MEMORY), 1);
    peer_free(p);
}
END_TEST

/* --- names
 * --------------------------------------------------------------------------------------------------------
 */

static void expect_names(struct peer *p, int s, const struct wire_flow *flow)
{
    struct endpoint local, remote, want;

    ck_assert_int_eq(sock_getsockname(p->stack, s, &local), 0);
    ck_assert_int_eq(sock_getpeername(p->stack, s, &remote), 0);
    want = peer_endpoint(flow->our_addr, flow->our_port);
    ck_assert_mem_eq(&local.addr, &want.addr, sizeof(want.addr));
    ck_assert_uint_eq(local.port, want.port);
    want = peer_endpoint(flow->their_addr, flow->their_port);
    ck_assert_mem_eq(&remote.addr, &want.addr, sizeof(want.addr));
    ck_assert_uint_eq(remote.port, want.port);
}

START_TEST(names_are_those_on_the_wire)
{
    struct peer *p = peer_new();
    int s = peer_establish_active(p);

    expect_names(p, s, p->flow);
    s = peer_establish_passive(p);
    expect_names(p, s, p->flow);
    peer_free(p);
    PROVES("POSIX-names");
}
END_TEST

/* getpeername() behind a connect() that did not wait is how many ask whether it went well. */
START_TEST(a_connection_that_has_ended_has_no_peer)
{
    struct peer *p = peer_new();
    struct endpoint end;
    int s = peer_connect(p);

    peer_send(p, "R.", 0, 1, 0);
    ck_assert_int_eq(sock_getpeername(p->stack, s, &end), -ENOTCONN);
    s = peer_establish_passive(p);
    peer_send(p, "R", 1, 0, 0);
    ck_assert_int_eq(sock_getpeername(p->stack, s, &end), -ENOTCONN);
    peer_free(p);
    PROVES("POSIX-names");
}
END_TEST

START_TEST(a_connection_in_time_wait_has_no_peer_and_is_not_shut_down)
{
    struct peer *p = peer_new();
    struct endpoint end;
    int s = peer_drive(p, TCPS_TIME_WAIT, false);

    ck_assert_int_eq(sock_getpeername(p->stack, s, &end), -ENOTCONN);
    ck_assert_int_eq(sock_getsockname(p->stack, s, &end), 0);
    ck_assert_int_eq(sock_shutdown(p->stack, s, SHUT_WR), -ENOTCONN);
    ck_assert_int_eq(sock_shutdown(p->stack, s, SHUT_RD), -ENOTCONN);
    peer_expect_nothing(p);
    peer_free(p);
    PROVES("POSIX-names", "POSIX-shutdown");
}
END_TEST

START_TEST(a_name_is_known_as_soon_as_connect_is_called)
{
    struct peer *p = peer_new();
    int s = peer_connect(p);
    struct endpoint local, remote;

    ck_assert_int_eq(sock_getsockname(p->stack, s, &local), 0);
    ck_assert_uint_eq(local.port, p->flow->our_port);
    ck_assert_int_eq(sock_getpeername(p->stack, s, &remote), -ENOTCONN); /* not yet */
    peer_free(p);
    PROVES("POSIX-names");
}
END_TEST

/* --- poll
 * -------------------------------------------------------------------------------------------------------------
 */

enum { ALL = POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP };

enum poll_case {
    POLL_IDLE,
    POLL_TEXT,
    POLL_FIN,
    POLL_TEXT_AND_FIN,
    POLL_RESET,
    POLL_FULL,
    POLL_SHUT_WR,
    POLL_SHUT_RD,
    POLL_BOTH_CLOSED,
    POLL_SYN_SENT,
    POLL_LISTEN,
    POLL_PENDING,
    POLL_HALF_OPEN,
    POLL_CASES
};

/* As Linux's poll(2) has it. */
static const int poll_table[POLL_CASES] = {
    [POLL_IDLE] = POLLOUT,
    [POLL_TEXT] = POLLIN | POLLOUT,
    [POLL_FIN] = POLLIN | POLLRDHUP | POLLOUT,
    [POLL_TEXT_AND_FIN] = POLLIN | POLLRDHUP | POLLOUT,
    [POLL_RESET] = POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP,
    [POLL_FULL] = 0,
    [POLL_SHUT_WR] = POLLOUT,
    [POLL_SHUT_RD] = POLLIN | POLLRDHUP | POLLOUT,
    [POLL_BOTH_CLOSED] = POLLIN | POLLOUT | POLLHUP | POLLRDHUP,
    [POLL_SYN_SENT] = 0,
    [POLL_LISTEN] = 0,
    [POLL_PENDING] = POLLIN,
    [POLL_HALF_OPEN] = 0,
};

static int given_poll_case(struct peer *p, enum poll_case which)
{
    int s;

    switch (which) {
    case POLL_SYN_SENT:
        return peer_connect(p);
    case POLL_LISTEN:
        return peer_listen(p, 4);
    case POLL_HALF_OPEN:
        return peer_drive(p, TCPS_SYN_RECEIVED, false);
    case POLL_PENDING:
        s = peer_drive(p, TCPS_SYN_RECEIVED, false);
        peer_send(p, ".", 1, 1, 0);
        return s;
    case POLL_BOTH_CLOSED:
        return peer_drive(p, TCPS_TIME_WAIT, false);
    case POLL_IDLE:
    case POLL_TEXT:
    case POLL_FIN:
    case POLL_TEXT_AND_FIN:
    case POLL_RESET:
    case POLL_FULL:
    case POLL_SHUT_WR:
    case POLL_SHUT_RD:
    case POLL_CASES:
        break;
    }
    s = peer_establish_passive(p);
    if (which == POLL_TEXT)
        peer_send(p, "P.", 1, 1, 10);
    else if (which == POLL_FIN)
        peer_send(p, "F.", 1, 1, 0);
    else if (which == POLL_TEXT_AND_FIN)
        peer_send(p, "F.", 1, 1, 10);
    else if (which == POLL_RESET)
        peer_send(p, "R", 1, 0, 0);
    else if (which == POLL_FULL)
        fill_send_buffer(p, s);
    else if (which == POLL_SHUT_WR)
        peer_shutdown(p, s, SHUT_WR);
    else if (which == POLL_SHUT_RD)
        peer_shutdown(p, s, SHUT_RD);
    return s;
}

START_TEST(poll_says_what_holds)
{
    struct peer *p = peer_new();
    int s = given_poll_case(p, (enum poll_case)_i);

    ck_assert_int_eq(sock_poll(p->stack, s) & ALL, poll_table[_i]);
    ck_assert_int_eq(sock_poll(p->stack, s) & ALL, poll_table[_i]); /* looking changes nothing */
    peer_free(p);
    PROVES("POSIX-poll");
}
END_TEST

/* --- readiness
 * ---------------------------------------------------------------------------------------------------------
 */

static int drain_ready(struct peer *p)
{
    short events;
    int count = 0;

    while (sock_next_ready(p->stack, &events) >= 0)
        ck_assert_int_lt(count++, 1000);
    return count;
}

static void expect_ready(struct peer *p, int s, int events)
{
    short got = 0;

    ck_assert_int_eq(sock_next_ready(p->stack, &got), s);
    ck_assert_int_eq(got & events, events);
    ck_assert_int_eq(got, sock_poll(p->stack, s));
    ck_assert_int_eq(sock_next_ready(p->stack, &got), -EAGAIN);
}

START_TEST(a_change_makes_a_socket_ready_once)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    drain_ready(p);
    peer_expect_silence(p, 10000);
    ck_assert_int_eq(drain_ready(p), 0);
    for (uint32_t i = 0; i < 10; i++)
        peer_send(p, "P.", 1 + i * 10, 1, 10);
    expect_ready(p, s, POLLIN);
    peer_app_read(p, s, 50); /* not all of it: nothing new happened */
    ck_assert_int_eq(drain_ready(p), 0);
    peer_send(p, "P.", 101, 1, 10);
    expect_ready(p, s, POLLIN);
    peer_app_read(p, s, 60);
    peer_send(p, "F.", 111, 1, 0);
    expect_ready(p, s, POLLIN | POLLRDHUP);
    peer_free(p);
    PROVES("POSIX-poll");
}
END_TEST

START_TEST(a_listener_is_ready_when_a_connection_is_complete)
{
    struct peer *p = peer_new();
    int listener = peer_drive(p, TCPS_SYN_RECEIVED, false);

    ck_assert_int_eq(drain_ready(p), 0);
    peer_send(p, ".", 1, 1, 0);
    expect_ready(p, listener, POLLIN);
    peer_accept(p, listener);
    peer_free(p);
    PROVES("POSIX-poll");
}
END_TEST

START_TEST(connect_is_ready_when_it_is_done_or_has_failed)
{
    struct peer *p = peer_new();
    int s = peer_connect(p);

    ck_assert_int_eq(drain_ready(p), 0);
    if (_i == 0)
        peer_send(p, "S.", 0, 1, 0);
    else if (_i == 1)
        peer_send(p, "R.", 0, 1, 0);
    else
        peer_wait(p, 600000);
    expect_ready(p, s, _i == 0 ? POLLOUT : POLLERR | POLLHUP);
    peer_free(p);
    PROVES("POSIX-poll", "POSIX-connect");
}
END_TEST

START_TEST(room_in_a_full_send_buffer_makes_a_socket_ready)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    fill_send_buffer(p, s);
    peer_skip(p);
    drain_ready(p);
    ck_assert_int_eq(sock_poll(p->stack, s) & POLLOUT, 0);
    for (int i = 0; i < 200 && !(sock_poll(p->stack, s) & POLLOUT); i++) {
        peer_send(p, ".", 1, peer_snd_nxt(p), 0);
        peer_skip(p);
    }
    expect_ready(p, s, POLLOUT);
    ck_assert_int_gt(sock_send(p->stack, s, "x", 1, 0, NULL), 0);
    peer_free(p);
    PROVES("POSIX-poll");
}
END_TEST

/* Who was told that there is no room hears when there is: by a send that took a part, or by poll.
 */
START_TEST(room_is_news_to_whom_a_part_was_taken_from_or_who_has_polled)
{
    struct stack_config config;
    peer_config(&config);
    config.values.tcp_wmem = 10000;
    struct peer *p = peer_new_with(&config, 0);
    int s = peer_establish_passive(p);
    static uint8_t text[10001];

    for (uint32_t i = 0; i < sizeof(text); i++)
        text[i] = peer_octet(i);
    drain_ready(p);
    ck_assert_int_eq(sock_send(p->stack, s, text, _i == 0 ? 10001 : 10000, 0, NULL), 10000);
    peer_skip(p);
    if (_i == 1)
        ck_assert_int_eq(sock_poll(p->stack, s) & POLLOUT, 0);
    peer_send(p, ".", 1, peer_snd_nxt(p), 0);
    expect_ready(p, s, POLLOUT);
    peer_free(p);
    PROVES("POSIX-poll", "POSIX-partial");
}
END_TEST

START_TEST(a_reset_makes_a_socket_ready)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    drain_ready(p);
    peer_send(p, "R", 1, 0, 0);
    expect_ready(p, s, POLLIN | POLLERR | POLLHUP);
    peer_free(p);
    PROVES("POSIX-poll");
}
END_TEST

START_TEST(who_stopped_early_is_asked_again)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    drain_ready(p);
    sock_again(p->stack, s);
    sock_again(p->stack, s);
    expect_ready(p, s, POLLOUT);
    peer_free(p);
}
END_TEST

START_TEST(asking_again_while_draining_does_not_make_it_endless)
{
    struct peer *p = peer_new();
    int a = peer_establish_passive(p), b = peer_establish_passive(p);
    short events;

    drain_ready(p);
    sock_again(p->stack, a);
    sock_again(p->stack, b);
    ck_assert_int_eq(sock_next_ready(p->stack, &events), a);
    ck_assert_int_eq(sock_next_ready(p->stack, &events), b);
    ck_assert_int_eq(sock_next_ready(p->stack, &events), -EAGAIN);
    peer_free(p);
}
END_TEST

START_TEST(a_closed_socket_is_never_ready)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    drain_ready(p);
    sock_again(p->stack, s);
    ck_assert_int_eq(drain_ready(p), 1); /* as long as it is open */
    sock_again(p->stack, s);
    peer_send(p, "P.", 1, 1, 10);
    peer_app_read(p, s, 10);
    peer_close(p, s);
    ck_assert_int_eq(drain_ready(p), 0);
    peer_send(p, "P.", 11, 1, 10); /* whatever the orphan gets */
    ck_assert_int_eq(drain_ready(p), 0);
    peer_free(p);
    PROVES("POSIX-close");
}
END_TEST

static void app_ready(struct sock_app *app, int s, short events, instant now)
{
    (void)app, (void)s, (void)events, (void)now;
}

START_TEST(an_accepted_socket_inherits_its_app)
{
    struct peer *p = peer_new();
    struct sock_app app = {.ready = app_ready}, other = {.ready = app_ready};
    int listener = peer_listen(p, 4);

    ck_assert_ptr_null(sock_app(p->stack, listener));
    sock_set_app(p->stack, listener, &app);
    peer_flow_new(p);
    peer_syn(p);
    peer_expect(p, "S.", 0, 1, 0);
    peer_send(p, ".", 1, 1, 0);
    int s = peer_accept(p, listener);
    ck_assert_ptr_eq(sock_app(p->stack, s), &app);
    sock_set_app(p->stack, s, &other);
    ck_assert_ptr_eq(sock_app(p->stack, s), &other);
    ck_assert_ptr_eq(sock_app(p->stack, listener), &app);
    peer_free(p);
}
END_TEST

START_TEST(those_that_an_app_serves_can_be_asked_for_in_turn)
{
    enum { COUNT = 2000 }; /* more than a slab holds */
    static int s[COUNT];
    struct peer *p = peer_new();
    struct sock_app app = {.ready = app_ready};
    int found = 0;

    ck_assert_int_eq(sock_next_of(p->stack, &app, -1), -ENOENT);
    for (int i = 0; i < COUNT; i++) {
        s[i] = sock_socket(p->stack, AF_INET, SOCK_STREAM, 0);
        ck_assert_int_ge(s[i], 0);
        if (i % 3 == 0)
            sock_set_app(p->stack, s[i], &app);
    }
    for (int at = -1; (at = sock_next_of(p->stack, &app, at)) >= 0; found++) {
        ck_assert_int_eq(at, s[3 * found]);
        ck_assert_int_eq(sock_close(p->stack, at), 0);
    }
    ck_assert_int_eq(found, (COUNT + 2) / 3);
    ck_assert_int_eq(sock_next_of(p->stack, &app, -1), -ENOENT);
    for (int i = 0; i < COUNT; i++)
        ck_assert_int_eq(sock_close(p->stack, s[i]), i % 3 ? 0 : -EBADF);
    peer_free(p);
}
END_TEST

/* --- send and recv
 * -------------------------------------------------------------------------------------------------------
 */

START_TEST(nothing_is_sent_or_received_when_nothing_is_asked)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);
    char octets[4];

    ck_assert_int_eq(sock_send(p->stack, s, octets, 0, 0, NULL), 0);
    peer_expect_nothing(p);
    peer_send(p, "P.", 1, 1, 4);
    ck_assert_int_eq(sock_recv(p->stack, s, octets, 0, 0, NULL), 0);
    ck_assert_int_eq(sock_recv(p->stack, s, octets, 4, 0, NULL), 4);
    peer_free(p);
    PROVES("F09");
}
END_TEST

START_TEST(recv_gives_what_is_there_and_no_more_than_asked)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);
    uint8_t *octets = malloc(3000);

    ck_assert_ptr_nonnull(octets);
    peer_send(p, ".", 1, 1, 1000);
    peer_send(p, ".", 1001, 1, 1000);
    ck_assert_int_eq(sock_recv(p->stack, s, octets, 1, 0, NULL), 1);
    ck_assert_int_eq(sock_recv(p->stack, s, octets, 1500, 0, NULL), 1500);
    ck_assert_int_eq(sock_recv(p->stack, s, octets, SIZE_MAX, 0, NULL), 499);
    ck_assert_int_eq(octets[0], peer_octet(1501));
    ck_assert_int_eq(sock_recv(p->stack, s, octets, 3000, 0, NULL), -EAGAIN);
    free(octets);
    peer_free(p);
    PROVES("F09");
}
END_TEST

START_TEST(peek_leaves_the_text_where_it_is)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);
    uint8_t a[2500], b[2500];

    ck_assert_int_eq(sock_recv(p->stack, s, a, 10, MSG_PEEK, NULL), -EAGAIN);
    peer_send(p, ".", 1, 1, 1000);
    peer_send(p, ".", 1001, 1, 1400);
    ck_assert_int_eq(sock_recv(p->stack, s, a, 10, MSG_PEEK, NULL), 10);
    ck_assert_int_eq(sock_recv(p->stack, s, a, sizeof(a), MSG_PEEK, NULL), 2400);
    ck_assert_int_eq(sock_recv(p->stack, s, a, sizeof(a), MSG_PEEK, NULL), 2400);
    ck_assert_int_eq(sock_recv(p->stack, s, b, sizeof(b), 0, NULL), 2400);
    ck_assert_mem_eq(a, b, 2400);
    ck_assert_int_eq(sock_recv(p->stack, s, a, 10, MSG_PEEK, NULL), -EAGAIN);
    peer_send(p, "F.", 2401, 1, 0);
    ck_assert_int_eq(sock_recv(p->stack, s, a, 10, MSG_PEEK, NULL), 0);
    ck_assert_int_eq(sock_recv(p->stack, s, a, 10, 0, NULL), 0);
    peer_free(p);
}
END_TEST

START_TEST(a_full_send_buffer_takes_part_and_then_nothing)
{
    struct stack_config config;
    peer_config(&config);
    config.values.tcp_wmem = 10000;
    struct peer *p = peer_new_with(&config, 0);
    int s = peer_establish_passive(p);
    static uint8_t text[20000];

    for (uint32_t i = 0; i < sizeof(text); i++)
        text[i] = peer_octet(i);
    ck_assert_int_eq(sock_send(p->stack, s, text, sizeof(text), 0, NULL), 10000);
    ck_assert_int_eq(sock_send(p->stack, s, text, 1, 0, NULL), -EAGAIN);
    ck_assert_uint_eq(peer_info(p, s).send_queued, 10000);
    peer_skip(p);
    peer_send(p, ".", 1, 4381, 0);
    ck_assert_int_eq(sock_send(p->stack, s, text + 10000, 10000, 0, NULL), 4380);
    peer_free(p);
    PROVES("POSIX-partial");
}
END_TEST

START_TEST(a_megabyte_in_pieces_of_any_size_comes_out_as_it_went_in)
{
    struct peer *p = peer_new();
    struct prng prng;
    enum { TOTAL = 1000000 };
    uint32_t queued = 0;
    static uint8_t text[30000];

    prng_seed(&prng, (uint64_t)_i + 1);
    p->window = 20000;
    int s = peer_establish_passive(p);
    while (peer_snd_una(p) < TOTAL + 1) {
        uint32_t n = 1 + (uint32_t)prng_below(&prng, sizeof(text));
        if (n > TOTAL - queued)
            n = TOTAL - queued;
        for (uint32_t i = 0; i < n; i++)
            text[i] = peer_octet(queued + i);
        ssize_t took = n ? sock_send(p->stack, s, text, n, 0, NULL) : 0;
        ck_assert(took == -EAGAIN || (took >= 0 && took <= (ssize_t)n));
        if (took > 0)
            queued += (uint32_t)took;
        peer_wait(p, (int64_t)prng_below(&prng, 30));
        peer_skip(p);
        peer_send(p, ".", 1, peer_snd_nxt(p), 0);
        peer_skip(p);
    }
    ck_assert_uint_eq(p->flow->said_len, TOTAL);
    for (uint32_t i = 0; i < TOTAL; i++) {
        if (p->flow->said[i] != peer_octet(i))
            ck_abort_msg("octet %u of the stream is wrong", i);
    }
    peer_free(p);
    PROVES("POSIX-partial");
}
END_TEST

START_TEST(after_a_reset_send_says_so_once_and_then_epipe)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_send(p, "R", 1, 0, 0);
    ck_assert_int_eq(sock_send(p->stack, s, "x", 1, 0, NULL), -ECONNRESET);
    ck_assert_int_eq(sock_send(p->stack, s, "x", 1, 0, NULL), -EPIPE);
    ck_assert_int_eq(peer_recv_result(p, s), 0);
    peer_free(p);
    PROVES("POSIX-sigpipe");
}
END_TEST

START_TEST(an_error_is_told_once_by_whoever_asks_first)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_send(p, "R", 1, 0, 0);
    ck_assert_int_eq(peer_info(p, s).error, ECONNRESET);
    ck_assert_int_eq(peer_so_error(p, s), ECONNRESET);
    ck_assert_int_eq(peer_so_error(p, s), 0);
    ck_assert_int_eq(peer_recv_result(p, s), 0);
    ck_assert_int_eq(sock_send(p->stack, s, "x", 1, 0, NULL), -EPIPE);
    ck_assert_int_eq(sock_poll(p->stack, s) & POLLHUP, POLLHUP);
    peer_free(p);
    PROVES("POSIX-sigpipe", "RFC9293-MUST-12");
}
END_TEST

START_TEST(msg_nosignal_and_msg_dontwait_are_what_happens_anyway)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);
    char octets[4];

    ck_assert_int_eq(sock_send(p->stack, s, "text", 4, MSG_NOSIGNAL | MSG_DONTWAIT, NULL), 4);
    peer_expect(p, "P.", 1, 1, 4);
    peer_send(p, "P.", 1, 5, 4);
    ck_assert_int_eq(sock_recv(p->stack, s, octets, 4, MSG_DONTWAIT, NULL), 4);
    ck_assert_int_eq(sock_recv(p->stack, s, octets, 4, MSG_DONTWAIT, NULL), -EAGAIN);
    peer_free(p);
}
END_TEST

/* --- shutdown
 * -------------------------------------------------------------------------------------------------------------
 */

START_TEST(shutdown_of_writing_sends_a_fin_and_reading_goes_on)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_shutdown(p, s, SHUT_WR);
    peer_expect(p, "F.", 1, 1, 0);
    ck_assert_int_eq(sock_send(p->stack, s, "x", 1, 0, NULL), -EPIPE);
    peer_send(p, "P.", 1, 2, 100);
    peer_app_read(p, s, 100);
    peer_send(p, "F.", 101, 2, 0);
    ck_assert_int_eq(peer_recv_result(p, s), 0);
    peer_free(p);
    PROVES("POSIX-shutdown");
}
END_TEST

START_TEST(shutdown_of_reading_sends_nothing_and_reads_the_end)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_shutdown(p, s, SHUT_RD);
    peer_expect_silence(p, 1000);
    ck_assert_int_eq(peer_recv_result(p, s), 0);
    peer_app_send(p, s, 10);
    peer_expect(p, "P.", 1, 1, 10);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    peer_free(p);
    PROVES("POSIX-shutdown");
}
END_TEST

START_TEST(shutdown_of_both_does_both)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_shutdown(p, s, SHUT_RDWR);
    peer_expect(p, "F.", 1, 1, 0);
    ck_assert_int_eq(peer_recv_result(p, s), 0);
    ck_assert_int_eq(sock_send(p->stack, s, "x", 1, 0, NULL), -EPIPE);
    ck_assert_int_eq(sock_poll(p->stack, s) & POLLIN, POLLIN);
    peer_free(p);
    PROVES("POSIX-shutdown");
}
END_TEST

START_TEST(shutdown_knows_three_ways)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    ck_assert_int_eq(sock_shutdown(p->stack, s, 3), -EINVAL);
    ck_assert_int_eq(sock_shutdown(p->stack, s, -1), -EINVAL);
    peer_expect_nothing(p);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    peer_free(p);
    PROVES("POSIX-shutdown");
}
END_TEST

START_TEST(shutdown_of_a_connection_that_is_gone_is_enotconn)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_send(p, "R", 1, 0, 0);
    ck_assert_int_eq(sock_shutdown(p->stack, s, SHUT_WR), -ENOTCONN);
    peer_expect_nothing(p);
    peer_free(p);
    PROVES("POSIX-shutdown");
}
END_TEST

/* --- options
 * ------------------------------------------------------------------------------------------------------------------
 */

START_TEST(switches_are_off_at_first_and_remember)
{
    static const int switches[][2] = {{SOL_SOCKET, SO_REUSEADDR}, {IPPROTO_TCP, TCP_NODELAY}};
    struct peer *p = peer_new();
    int fresh = peer_socket(p), s = _i == 0 ? fresh : peer_establish_passive(p);

    for (size_t i = 0; i < ARRAY_LEN(switches); i++) {
        int level = switches[i][0], option = switches[i][1];
        if (_i == 0)
            ck_assert_int_eq(get_int(p, s, level, option), 0);
        ck_assert_int_eq(set_int(p, s, level, option, 7), 0);
        ck_assert_int_eq(get_int(p, s, level, option) != 0, 1);
        ck_assert_int_eq(set_int(p, s, level, option, 0), 0);
        ck_assert_int_eq(get_int(p, s, level, option), 0);
    }
    peer_free(p);
    PROVES("RFC9293-MUST-17");
}
END_TEST

START_TEST(no_delay_set_before_connect_holds_after_it)
{
    struct peer *p = peer_new();
    int s = peer_socket(p);

    peer_no_delay(p, s);
    ck_assert_int_eq(connect_again(p, s), -EINPROGRESS);
    peer_expect(p, "S", 0, 0, 0);
    peer_send(p, "S.", 0, 1, 0);
    peer_expect(p, ".", 1, 1, 0);
    ck_assert_int_ne(get_int(p, s, IPPROTO_TCP, TCP_NODELAY), 0);
    for (uint32_t i = 0; i < 3; i++) {
        peer_app_send(p, s, 1);
        peer_expect(p, "P.", 1 + i, 1, 1);
    }
    peer_free(p);
    PROVES("RFC9293-MUST-17");
}
END_TEST

START_TEST(linger_is_off_or_some_seconds_or_none)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);
    struct linger linger = {.l_onoff = 9, .l_linger = 9};
    socklen_t len = sizeof(linger);

    ck_assert_int_eq(sock_getsockopt(p->stack, s, SOL_SOCKET, SO_LINGER, &linger, &len), 0);
    ck_assert_int_eq(linger.l_onoff, 0);
    linger = (struct linger){.l_onoff = 1, .l_linger = 5};
    ck_assert_int_eq(sock_setsockopt(p->stack, s, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)),
                     0);
    ck_assert_int_eq(sock_getsockopt(p->stack, s, SOL_SOCKET, SO_LINGER, &linger, &len), 0);
    ck_assert(linger.l_onoff && linger.l_linger == 5);
    linger = (struct linger){.l_onoff = 0, .l_linger = 5};
    ck_assert_int_eq(sock_setsockopt(p->stack, s, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)),
                     0);
    linger = (struct linger){.l_onoff = 1, .l_linger = 0};
    ck_assert_int_eq(sock_setsockopt(p->stack, s, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)),
                     0);
    ck_assert_int_eq(sock_setsockopt(p->stack, s, SOL_SOCKET, SO_LINGER, &linger, 4), -EINVAL);
    linger = (struct linger){.l_onoff = 9, .l_linger = 9};
    ck_assert_int_eq(sock_getsockopt(p->stack, s, SOL_SOCKET, SO_LINGER, &linger, &len), 0);
    ck_assert(linger.l_onoff && linger.l_linger == 0);
    peer_close(p, s);
    peer_expect_reset(p, 1);
    peer_free(p);
    PROVES("POSIX-linger");
}
END_TEST

START_TEST(without_linger_close_returns_and_the_text_is_sent)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_app_send(p, s, 100000);
    peer_close(p, s);
    for (int i = 0; i < 1000 && !p->flow->we_finished; i++) {
        peer_send(p, ".", 1, peer_snd_nxt(p), 0);
        peer_skip(p);
    }
    ck_assert_uint_eq(p->flow->said_len, 100000);
    ck_assert(p->flow->we_finished);
    peer_free(p);
    PROVES("POSIX-linger");
}
END_TEST

START_TEST(buffers_can_be_set_and_bind_what_they_hold)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    ck_assert_int_gt(get_int(p, s, SOL_SOCKET, SO_SNDBUF), 0);
    ck_assert_int_gt(get_int(p, s, SOL_SOCKET, SO_RCVBUF), 0);
    ck_assert_int_eq(set_int(p, s, SOL_SOCKET, SO_SNDBUF, 20000), 0);
    int granted = get_int(p, s, SOL_SOCKET, SO_SNDBUF);
    ck_assert_int_ge(granted, 20000); /* Linux doubles it */
    ck_assert_int_le((int)fill_send_buffer(p, s), granted);
    peer_free(p);
}
END_TEST

START_TEST(the_mss_can_be_read)
{
    struct peer *p = peer_new();

    p->mss = 700;
    int s = peer_establish_passive(p);
    ck_assert_int_eq(get_int(p, s, IPPROTO_TCP, TCP_MAXSEG), 700);
    peer_free(p);
}
END_TEST

START_TEST(strange_options_and_lengths_are_refused)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p), value = 1;
    socklen_t len = sizeof(value);

    ck_assert_int_eq(set_int(p, s, SOL_SOCKET, 9999, 1), -ENOPROTOOPT);
    ck_assert_int_eq(set_int(p, s, IPPROTO_TCP, 9999, 1), -ENOPROTOOPT);
    ck_assert_int_lt(set_int(p, s, 9999, SO_REUSEADDR, 1), 0);
    ck_assert_int_eq(set_int(p, s, SOL_SOCKET, SO_ERROR, 1), -ENOPROTOOPT);
    ck_assert_int_eq(set_int(p, s, SOL_SOCKET, SO_TYPE, 1), -ENOPROTOOPT);
    ck_assert_int_eq(sock_getsockopt(p->stack, s, SOL_SOCKET, 9999, &value, &len), -ENOPROTOOPT);
    ck_assert_int_eq(sock_getsockopt(p->stack, s, IPPROTO_TCP, 9999, &value, &len), -ENOPROTOOPT);
    for (socklen_t n = 0; n < sizeof(int); n++) {
        ck_assert_int_eq(sock_setsockopt(p->stack, s, SOL_SOCKET, SO_REUSEADDR, &value, n),
                         -EINVAL);
        ck_assert_int_eq(sock_setsockopt(p->stack, s, IPPROTO_TCP, TCP_NODELAY, &value, n),
                         -EINVAL);
    }
    peer_free(p);
    PROVES("F09");
}
END_TEST

START_TEST(getsockopt_writes_no_more_than_there_is_room)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    for (socklen_t room = 0; room <= 8; room++) {
        uint8_t octets[16];
        socklen_t len = room;
        memset(octets, 0xaa, sizeof(octets));
        int err = sock_getsockopt(p->stack, s, SOL_SOCKET, SO_TYPE, octets, &len);
        ck_assert(err == 0 || err == -EINVAL);
        for (socklen_t i = room; i < sizeof(octets); i++)
            ck_assert_uint_eq(octets[i], 0xaa);
        if (err == 0)
            ck_assert_uint_le(len, room);
    }
    peer_free(p);
    PROVES("F09");
}
END_TEST

/* --- waiting
 * --------------------------------------------------------------------------------------------------------------------
 */

/* Waits by playing the peer's next move. */
struct script {
    struct waiter waiter;
    struct peer *p;
    int s;
    short events;
    int turns, result; /* result: what wait() says once the turns are over */
    void (*move)(struct peer *p, int turn);
};

static int play(struct waiter *waiter, struct stack *stack, int s, short events, instant deadline)
{
    struct script *script = (struct script *)(void *)waiter;

    ck_assert_ptr_eq(stack, script->p->stack);
    ck_assert_int_eq(s, script->s);
    ck_assert_int_eq(events & script->events, script->events);
    ck_assert_int_eq(deadline.ns, INT64_MAX);
    if (script->turns == 0)
        return script->result;
    script->turns--;
    peer_poll(script->p);
    script->move(script->p, script->turns);
    return 0;
}

static struct script script_of(struct peer *p, int s, short events, int turns,
                               void (*move)(struct peer *p, int turn))
{
    return (struct script){.waiter = {.wait = play},
                           .p = p,
                           .s = s,
                           .events = events,
                           .turns = turns,
                           .result = -EAGAIN,
                           .move = move};
}

static void answer_syn(struct peer *p, int turn)
{
    if (turn == 0)
        peer_send(p, "S.", 0, 1, 0);
}

static void refuse_syn(struct peer *p, int turn)
{
    (void)turn;
    peer_send(p, "R.", 0, 1, 0);
}

START_TEST(a_connect_that_waits_returns_when_it_is_done)
{
    struct peer *p = peer_new();
    int s = peer_socket(p);
    struct script script = script_of(p, s, POLLOUT, 3, answer_syn);

    ck_assert_int_eq(sock_connect(p->stack, s, peer_endpoint(PEER_ADDR, 80), &script.waiter), 0);
    ck_assert_int_eq(script.turns, 0);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    peer_free(p);
    PROVES("POSIX-connect");
}
END_TEST

START_TEST(a_connect_that_waits_returns_the_refusal)
{
    struct peer *p = peer_new();
    int s = peer_socket(p);
    struct script script = script_of(p, s, POLLOUT, 1, refuse_syn);

    ck_assert_int_eq(sock_connect(p->stack, s, peer_endpoint(PEER_ADDR, 80), &script.waiter),
                     -ECONNREFUSED);
    ck_assert_int_eq(peer_so_error(p, s), 0);
    peer_free(p);
    PROVES("POSIX-connect");
}
END_TEST

static void nothing(struct peer *p, int turn)
{
    (void)p, (void)turn;
}

START_TEST(a_call_that_waits_ends_with_the_wait)
{
    static const int ends[] = {-EINTR, -EAGAIN};
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);
    struct script script = script_of(p, s, POLLIN, 2, nothing);
    char octet;

    script.result = ends[_i];
    ck_assert_int_eq(sock_recv(p->stack, s, &octet, 1, 0, &script.waiter), ends[_i]);
    fill_send_buffer(p, s);
    script = script_of(p, s, POLLOUT, 2, nothing);
    script.result = ends[_i];
    ck_assert_int_eq(sock_send(p->stack, s, &octet, 1, 0, &script.waiter), ends[_i]);
    int listener = peer_listen(p, 4);
    script = script_of(p, listener, POLLIN, 2, nothing);
    script.result = ends[_i];
    struct endpoint remote;
    ck_assert_int_eq(sock_accept(p->stack, listener, &remote, &script.waiter), ends[_i]);
    peer_free(p);
}
END_TEST

static void say_ten(struct peer *p, int turn)
{
    if (turn == 0)
        peer_send(p, "P.", 1, 1, 10);
}

START_TEST(a_recv_that_waits_returns_as_soon_as_there_is_something)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);
    struct script script = script_of(p, s, POLLIN, 3, say_ten);
    char octets[100];

    ck_assert_int_eq(sock_recv(p->stack, s, octets, sizeof(octets), 0, &script.waiter), 10);
    peer_free(p);
}
END_TEST

static void finish(struct peer *p, int turn)
{
    (void)turn;
    peer_send(p, "F.", 1, 1, 0);
}

START_TEST(a_recv_that_waits_returns_at_the_end)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);
    struct script script = script_of(p, s, POLLIN, 1, finish);
    char octets[100];

    ck_assert_int_eq(sock_recv(p->stack, s, octets, sizeof(octets), 0, &script.waiter), 0);
    peer_free(p);
}
END_TEST

static void acknowledge(struct peer *p, int turn)
{
    (void)turn;
    peer_skip(p);
    peer_send(p, ".", 1, peer_snd_nxt(p), 0);
    peer_skip(p);
}

/* A blocking send() takes all, or as much as it could when the wait ends. */
START_TEST(a_send_that_waits_takes_all)
{
    struct stack_config config;
    peer_config(&config);
    config.values.tcp_wmem = 10000;
    struct peer *p = peer_new_with(&config, 0);
    int s = peer_establish_passive(p);
    static uint8_t text[30000];
    struct script script = script_of(p, s, POLLOUT, 100, acknowledge);

    for (uint32_t i = 0; i < sizeof(text); i++)
        text[i] = peer_octet(i);
    ck_assert_int_eq(sock_send(p->stack, s, text, sizeof(text), 0, &script.waiter), sizeof(text));
    for (int i = 0; i < 20; i++)
        acknowledge(p, 0);
    ck_assert_uint_eq(p->flow->said_len, sizeof(text));
    ck_assert_mem_eq(p->flow->said, text, sizeof(text));
    peer_free(p);
    PROVES("POSIX-partial");
}
END_TEST

START_TEST(a_send_that_waits_returns_what_it_took_when_the_wait_ends)
{
    struct stack_config config;
    peer_config(&config);
    config.values.tcp_wmem = 10000;
    struct peer *p = peer_new_with(&config, 0);
    int s = peer_establish_passive(p);
    static uint8_t text[30000];
    struct script script = script_of(p, s, POLLOUT, 0, nothing);

    script.result = -EINTR;
    ck_assert_int_eq(sock_send(p->stack, s, text, sizeof(text), 0, &script.waiter), 10000);
    peer_free(p);
    PROVES("POSIX-partial");
}
END_TEST

static void knock(struct peer *p, int turn)
{
    if (turn == 1)
        peer_syn(p);
    if (turn == 0)
        peer_send(p, ".", 1, 1, 0);
}

START_TEST(an_accept_that_waits_returns_with_the_third_step)
{
    struct peer *p = peer_new();
    int listener = peer_listen(p, 4);
    struct endpoint remote;
    struct script script = script_of(p, listener, POLLIN, 4, knock);

    peer_flow_new(p);
    peer_own(p, sock_accept(p->stack, listener, &remote, &script.waiter));
    ck_assert_uint_eq(remote.port, p->flow->their_port);
    peer_free(p);
    PROVES("POSIX-accept");
}
END_TEST

/* --- figures
 * -------------------------------------------------------------------------------------------------------------------
 */

START_TEST(the_figures_of_a_connection_are_right_and_stay_until_close)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_app_send(p, s, 3000);
    peer_poll(p);
    peer_send(p, "P.", 1, 1461, 500);
    peer_app_read(p, s, 200);
    struct sock_info info = peer_info(p, s);
    ck_assert_int_eq(info.facts.state, TCPS_ESTABLISHED);
    ck_assert_uint_ne(info.facts.id, 0);
    ck_assert_uint_eq(info.snd_mss, 1460);
    ck_assert_uint_eq(info.send_queued, 1540);
    ck_assert_uint_eq(info.receive_queued, 300);
    ck_assert_uint_eq(info.octets_acked, 1460);
    ck_assert_uint_eq(info.octets_received, 500);
    ck_assert_uint_eq(info.retransmits, 0);
    ck_assert_uint_eq(info.facts.inflight, 1460);
    ck_assert_int_eq(info.error, 0);
    peer_send(p, "R", 501, 0, 0);
    info = peer_info(p, s);
    ck_assert_int_eq(info.facts.state, TCPS_CLOSED);
    ck_assert_int_eq(info.error, ECONNRESET);
    ck_assert_uint_eq(info.octets_acked, 1460);
    ck_assert_uint_eq(info.octets_received, 500);
    peer_free(p);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sock");

    TCase *c = tcase_create("POSIX: socket");
    tcase_add_loop_test(c, socket_gives_what_is_built_in, 0, (int)ARRAY_LEN(kinds));
    tcase_add_test(c, sockets_have_a_cap_and_come_back);
    tcase_add_test(c, accept_without_a_free_socket_keeps_the_connection);
    tcase_add_test(c, a_number_that_is_no_socket_is_ebadf_in_every_call);
    tcase_add_test(c, a_number_that_was_closed_is_nobody_elses);
    tcase_add_test(c, a_fresh_socket_is_not_connected);
    tcase_add_test(c, a_listening_socket_is_not_connected);
    tcase_add_test(c, a_connected_socket_neither_listens_nor_accepts);
    tcase_add_test(c, listening_without_an_address_takes_an_ephemeral_port);
    suite_add_tcase(s, c);

    c = tcase_create("POSIX: connect");
    tcase_add_test(c, connect_is_in_progress_then_done);
    tcase_add_test(c, an_accepted_socket_is_connected);
    tcase_add_test(c, connect_that_is_refused_says_so_once);
    tcase_add_test(c, connect_that_is_refused_is_told_by_recv_too);
    tcase_add_test(c, connect_to_silence_times_out);
    tcase_add_test(c, connect_to_a_station_that_is_not_there_is_unreachable);
    tcase_add_test(c, a_socket_that_connects_cannot_send_nor_receive_yet);
    tcase_add_test(c, one_connection_more_than_the_cap_is_refused);
    suite_add_tcase(s, c);

    c = tcase_create("POSIX: getsockname, getpeername");
    tcase_add_test(c, names_are_those_on_the_wire);
    tcase_add_test(c, a_connection_that_has_ended_has_no_peer);
    tcase_add_test(c, a_connection_in_time_wait_has_no_peer_and_is_not_shut_down);
    tcase_add_test(c, a_name_is_known_as_soon_as_connect_is_called);
    suite_add_tcase(s, c);

    c = tcase_create("POSIX: poll");
    tcase_add_loop_test(c, poll_says_what_holds, 0, POLL_CASES);
    tcase_add_test(c, a_change_makes_a_socket_ready_once);
    tcase_add_test(c, a_listener_is_ready_when_a_connection_is_complete);
    tcase_add_loop_test(c, connect_is_ready_when_it_is_done_or_has_failed, 0, 3);
    tcase_add_test(c, room_in_a_full_send_buffer_makes_a_socket_ready);
    tcase_add_loop_test(c, room_is_news_to_whom_a_part_was_taken_from_or_who_has_polled, 0, 2);
    tcase_add_test(c, a_reset_makes_a_socket_ready);
    tcase_add_test(c, who_stopped_early_is_asked_again);
    tcase_add_test(c, asking_again_while_draining_does_not_make_it_endless);
    tcase_add_test(c, a_closed_socket_is_never_ready);
    tcase_add_test(c, an_accepted_socket_inherits_its_app);
    tcase_add_test(c, those_that_an_app_serves_can_be_asked_for_in_turn);
    suite_add_tcase(s, c);

    c = tcase_create("POSIX: send, recv");
    tcase_add_test(c, nothing_is_sent_or_received_when_nothing_is_asked);
    tcase_add_test(c, recv_gives_what_is_there_and_no_more_than_asked);
    tcase_add_test(c, peek_leaves_the_text_where_it_is);
    tcase_add_test(c, a_full_send_buffer_takes_part_and_then_nothing);
    tcase_add_loop_test(c, a_megabyte_in_pieces_of_any_size_comes_out_as_it_went_in, 0, 3);
    tcase_add_test(c, after_a_reset_send_says_so_once_and_then_epipe);
    tcase_add_test(c, an_error_is_told_once_by_whoever_asks_first);
    tcase_add_test(c, msg_nosignal_and_msg_dontwait_are_what_happens_anyway);
    suite_add_tcase(s, c);

    c = tcase_create("POSIX: shutdown");
    tcase_add_test(c, shutdown_of_writing_sends_a_fin_and_reading_goes_on);
    tcase_add_test(c, shutdown_of_reading_sends_nothing_and_reads_the_end);
    tcase_add_test(c, shutdown_of_both_does_both);
    tcase_add_test(c, shutdown_knows_three_ways);
    tcase_add_test(c, shutdown_of_a_connection_that_is_gone_is_enotconn);
    suite_add_tcase(s, c);

    c = tcase_create("POSIX: options");
    tcase_add_loop_test(c, switches_are_off_at_first_and_remember, 0, 2);
    tcase_add_test(c, no_delay_set_before_connect_holds_after_it);
    tcase_add_test(c, linger_is_off_or_some_seconds_or_none);
    tcase_add_test(c, without_linger_close_returns_and_the_text_is_sent);
    tcase_add_test(c, buffers_can_be_set_and_bind_what_they_hold);
    tcase_add_test(c, the_mss_can_be_read);
    tcase_add_test(c, strange_options_and_lengths_are_refused);
    tcase_add_test(c, getsockopt_writes_no_more_than_there_is_room);
    suite_add_tcase(s, c);

    c = tcase_create("DESIGN 4a: waiters");
    tcase_add_test(c, a_connect_that_waits_returns_when_it_is_done);
    tcase_add_test(c, a_connect_that_waits_returns_the_refusal);
    tcase_add_loop_test(c, a_call_that_waits_ends_with_the_wait, 0, 2);
    tcase_add_test(c, a_recv_that_waits_returns_as_soon_as_there_is_something);
    tcase_add_test(c, a_recv_that_waits_returns_at_the_end);
    tcase_add_test(c, a_send_that_waits_takes_all);
    tcase_add_test(c, a_send_that_waits_returns_what_it_took_when_the_wait_ends);
    tcase_add_test(c, an_accept_that_waits_returns_with_the_third_step);
    suite_add_tcase(s, c);

    c = tcase_create("sock_info");
    tcase_add_test(c, the_figures_of_a_connection_are_right_and_stay_until_close);
    suite_add_tcase(s, c);
    return run_suite(s, "sock");
}
