/*
 * test_sock_udp.c - sockets of UDP: names, who hears whom, control messages, and each errno.
 */
#include <errno.h>

#include "base/base.h"
#include "base/instant.h"
#include "support/holds.h"
#include "support/proves.h"
#include "support/udp_rig.h"

static struct endpoint local_of(int s)
{
    struct endpoint out;

    ck_assert_int_eq(sock_getsockname(rig.stack, s, &out), 0);
    return out;
}

static int bind_to(int s, const char *addr, uint16_t port)
{
    return sock_bind(rig.stack, s, rig_at(addr, port));
}

static int connect_to(int s, const char *addr, uint16_t port)
{
    return sock_connect(rig.stack, s, rig_at(addr, port), NULL);
}

static void close_all(const int *s, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(sock_close(rig.stack, s[i]), 0);
}

/* --- what a socket is --------------------------------------------------------------------- */

START_TEST(a_socket_of_udp_says_what_it_is)
{
    int s = sock_socket(rig.stack, AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, IPPROTO_UDP), number = 7;
    char octet;

    ck_assert_int_ge(s, 0);
    ck_assert_int_eq(rig_get(s, SOL_SOCKET, SO_TYPE), SOCK_DGRAM);
    ck_assert_int_eq(rig_get(s, SOL_SOCKET, SO_PROTOCOL), IPPROTO_UDP);
    ck_assert_int_eq(rig_get(s, SOL_SOCKET, SO_DOMAIN), AF_INET6);
    ck_assert_int_eq(rig_get(s, SOL_SOCKET, SO_RCVBUF), 212992);
    ck_assert_int_eq(sock_listen(rig.stack, s, 1), -EOPNOTSUPP);
    ck_assert_int_eq(sock_accept(rig.stack, s, NULL, NULL), -EOPNOTSUPP);
    ck_assert_int_eq(rig_set(s, IPPROTO_TCP, 1, 1), -ENOPROTOOPT);
    ck_assert_int_eq(rig_get(s, IPPROTO_UDP, 1), -ENOPROTOOPT);
    ck_assert_int_eq(sock_poll(rig.stack, s), POLLOUT);
    ck_assert(rig_is(local_of(s), "::", 0));
    ck_assert_int_eq(sock_getpeername(rig.stack, s, &(struct endpoint){.port = 0}), -ENOTCONN);
    ck_assert_int_eq(sock_send(rig.stack, s, "a", 1, 0, NULL), -EDESTADDRREQ);
    ck_assert_int_eq(sock_recv(rig.stack, s, &octet, 1, 0, NULL), -EAGAIN);
    ck_assert_int_eq(sock_ioctl(rig.stack, s, FIONREAD, &number), 0);
    ck_assert_int_eq(number, 0);
    ck_assert_int_eq(sock_close(rig.stack, s), 0);
    ck_assert_int_eq(sock_recv(rig.stack, s, &octet, 1, 0, NULL), -EBADF);
    ck_assert_int_eq(sock_send(rig.stack, s, "a", 1, 0, NULL), -EBADF);
}
END_TEST

START_TEST(there_are_no_more_than_the_cap_says)
{
    struct stack_config config;

    rig_config(&config, STACK_LINK_IP);
    config.values.udp_ports = 2;
    rig_begin(&config);
    int s[] = {rig_socket(0), rig_socket(0)};
    ck_assert_int_eq(sock_socket(rig.stack, AF_INET, SOCK_DGRAM, 0), -ENFILE);
    close_all(s, 2);
    rig_end();
}
END_TEST

/* --- names -------------------------------------------------------------------------------- */

START_TEST(bind_takes_our_addresses_and_what_is_sent_to_many)
{
    static const struct {
        const char *addr;
        int result;
    } row[] = {
        {"10.0.0.2", 0},
        {"10.0.0.3", 0},
        {"10.0.0.255", 0},
        {"255.255.255.255", 0},
        {"224.0.0.9", 0},
        {"0.0.0.0", 0},
        {"10.0.0.4", -EADDRNOTAVAIL},
        {"fd00::2", 0},
        {"fd00::3", -EADDRNOTAVAIL},
    };

    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        int s = rig_socket6(0);
        ck_assert_int_eq(bind_to(s, row[i].addr, 5), row[i].result);
        ck_assert_int_eq(bind_to(s, "10.0.0.2", 6), row[i].result ? 0 : -EINVAL);
        sock_close(rig.stack, s);
    }
    int four = rig_socket(0);
    ck_assert_int_eq(bind_to(four, "fd00::2", 5), -EAFNOSUPPORT);
    ck_assert_int_eq(connect_to(four, "fd00::1", 5), -EAFNOSUPPORT);
    ck_assert_int_eq(rig_send_to(four, "fd00::1", 5, "a", 1), -EAFNOSUPPORT);
    sock_close(rig.stack, four);
}
END_TEST

/* Two names at the same number: whose families and addresses meet cannot both be, unless both say
 * SO_REUSEADDR, or both SO_REUSEPORT. */
static const struct {
    bool v6[2], v6_only[2];
    const char *addr[2];
    bool meet;
} name_row[] = {
    {{false, false}, {false, false}, {"10.0.0.2", "10.0.0.2"}, true},
    {{false, false}, {false, false}, {"10.0.0.2", "10.0.0.3"}, false},
    {{false, false}, {false, false}, {"10.0.0.2", "0.0.0.0"}, true},
    {{false, true}, {false, false}, {"0.0.0.0", "::"}, true},
    {{false, true}, {false, true}, {"0.0.0.0", "::"}, false},
    {{false, true}, {false, false}, {"10.0.0.2", "::"}, true},
    {{false, true}, {false, false}, {"10.0.0.2", "fd00::2"}, false},
    {{true, true}, {true, false}, {"::", "fd00::2"}, true},
    {{true, true}, {true, false}, {"::", "10.0.0.2"}, false},
};

START_TEST(a_name_is_shared_by_those_who_both_agree)
{
    for (int how = 0; how < 9; how++) { /* which of the two say which */
        int s[2], option = how / 3 == 1 ? SO_REUSEPORT : SO_REUSEADDR;
        for (int i = 0; i < 2; i++) {
            s[i] = name_row[_i].v6[i] ? rig_socket6(0) : rig_socket(0);
            if (name_row[_i].v6_only[i])
                ck_assert_int_eq(rig_set(s[i], IPPROTO_IPV6, IPV6_V6ONLY, 1), 0);
            if (how % 3 > i)
                ck_assert_int_eq(
                    rig_set(s[i], SOL_SOCKET, how / 3 == 2 && i ? SO_REUSEPORT : option, 1), 0);
        }
        bool agree = how % 3 == 2 && how / 3 != 2;
        ck_assert_int_eq(bind_to(s[0], name_row[_i].addr[0], 5), 0);
        ck_assert_int_eq(bind_to(s[1], name_row[_i].addr[1], 5),
                         name_row[_i].meet && !agree ? -EADDRINUSE : 0);
        close_all(s, 2);
    }
}
END_TEST

START_TEST(tcp_has_numbers_of_its_own)
{
    int s = rig_socket(80), t = sock_socket(rig.stack, AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(bind_to(t, "0.0.0.0", 80), 0);
    ck_assert_int_eq(sock_listen(rig.stack, t, 1), 0);
    RIG_INPUT(.dst_port = 80, .data = "abc", .len = 3);
    rig_expect(s, "abc");
    ck_assert_int_eq(rig_output(), 0);
    sock_close(rig.stack, s);
    sock_close(rig.stack, t);
}
END_TEST

START_TEST(ephemeral_ports_cannot_be_guessed_and_are_nobody_elses)
{
    enum { COUNT = 1000 };
    static int s[COUNT];
    static uint8_t taken[65536];
    int near = 0, low_half = 0;
    uint16_t last = 0;

    memset(taken, 0, sizeof taken);
    for (int i = 0; i < COUNT; i++) {
        s[i] = rig_socket(0);
        ck_assert_int_eq(i % 2 ? bind_to(s[i], "0.0.0.0", 0) : connect_to(s[i], "10.0.0.1", 1), 0);
        uint16_t port = local_of(s[i]).port;
        HOLDS(port >= 49152 && !taken[port]);
        taken[port] = 1;
        int distance = port - last;
        near += distance > -64 && distance < 64; /* of 16384: eight or so */
        low_half += port < 49152 + 8192;
        last = port;
    }
    ck_assert_int_lt(near, 40);
    ck_assert_int_gt(low_half, COUNT / 2 - 80);
    ck_assert_int_lt(low_half, COUNT / 2 + 80);
    close_all(s, COUNT);
    PROVES("RFC6056-3.3-a", "RFC8085-5.1-a");
}
END_TEST

START_TEST(when_each_ephemeral_port_is_taken_bind_says_so)
{
    struct stack_config config;

    rig_config(&config, STACK_LINK_IP);
    config.values.tcp_port_min = 50000;
    config.values.tcp_port_max = 50003;
    rig_begin(&config);
    int s[] = {rig_socket(0), rig_socket(0), rig_socket(0), rig_socket(0), rig_socket(0)};
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(bind_to(s[i], "0.0.0.0", 0), 0);
    ck_assert_int_eq(bind_to(s[4], "0.0.0.0", 0), -EADDRNOTAVAIL);
    ck_assert_int_eq(rig_send_to(s[4], "10.0.0.1", 1, "a", 1), -EAGAIN);
    ck_assert_int_eq(connect_to(s[4], "10.0.0.1", 1), -EAGAIN);
    close_all(s, 5);
    rig_end();
}
END_TEST

/* --- connected ---------------------------------------------------------------------------- */

START_TEST(connect_settles_the_source_and_who_is_heard)
{
    int s = rig_socket(RIG_PORT);
    struct endpoint peer;

    RIG_INPUT(.data = "before", .len = 6, .src_port = 1);
    ck_assert_int_eq(connect_to(s, "10.0.0.1", RIG_THEIRS), 0);
    ck_assert(rig_is(local_of(s), "10.0.0.2", RIG_PORT));
    ck_assert_int_eq(sock_getpeername(rig.stack, s, &peer), 0);
    ck_assert(rig_is(peer, "10.0.0.1", RIG_THEIRS));
    RIG_INPUT(.data = "peer", .len = 4);
    RIG_INPUT(.data = "port", .len = 4, .src_port = RIG_THEIRS + 1);
    RIG_INPUT(.data = "host", .len = 4, .src = "10.0.0.4");
    RIG_INPUT(.data = "ours", .len = 4, .dst = "10.0.0.3");
    rig_expect(s, "before"); /* what was queued stays, as on Linux */
    rig_expect(s, "peer");
    rig_expect_none(s);
    ck_assert_uint_eq(rig_drops(DROP_UDP_CLOSED), 3);
    rig_output();
    rig_forget();

    ck_assert_int_eq(sock_send(rig.stack, s, "a", 1, 0, NULL), 1);
    ck_assert_int_eq(rig_send_to(s, "10.0.0.9", 9, "b", 1), 1); /* to another, once */
    ck_assert_int_eq(rig_output(), 2);
    ck_assert(rig_is((struct endpoint){rig.packet[0].dst, rig.packet[0].dst_port}, "10.0.0.1",
                     RIG_THEIRS));
    ck_assert(rig_is((struct endpoint){rig.packet[1].dst, rig.packet[1].dst_port}, "10.0.0.9", 9));
    sock_close(rig.stack, s);
    PROVES("RFC8085-5.1-a");
}
END_TEST

START_TEST(disconnect_takes_back_what_nobody_asked_for)
{
    int chosen = rig_socket(RIG_PORT), any = rig_socket(0), here = rig_socket(0);

    ck_assert_int_eq(bind_to(here, "10.0.0.3", 0), 0);
    ck_assert_int_eq(connect_to(chosen, "10.0.0.1", 1), 0);
    ck_assert_int_eq(connect_to(any, "10.0.0.1", 1), 0);
    ck_assert_int_eq(connect_to(here, "10.0.0.1", 1), 0);
    ck_assert(local_of(any).port != 0 && local_of(here).port != 0);
    for (int twice = 0; twice < 2; twice++) {
        ck_assert_int_eq(sock_disconnect(rig.stack, chosen), 0);
        ck_assert_int_eq(sock_disconnect(rig.stack, any), 0);
        ck_assert_int_eq(sock_disconnect(rig.stack, here), 0);
    }
    ck_assert(rig_is(local_of(chosen), "::", RIG_PORT));
    ck_assert(rig_is(local_of(any), "::", 0));
    ck_assert_int_eq(sock_send(rig.stack, chosen, "a", 1, 0, NULL), -EDESTADDRREQ);
    RIG_INPUT(.data = "anybody", .len = 7, .src_port = 5, .dst = "10.0.0.3");
    rig_expect(chosen, "anybody");
    ck_assert_int_eq(connect_to(chosen, "10.0.0.1", 2), 0); /* and again, twice */
    ck_assert_int_eq(connect_to(chosen, "10.0.0.1", 3), 0);
    RIG_INPUT(.data = "two", .len = 3, .src_port = 2);
    RIG_INPUT(.data = "three", .len = 5, .src_port = 3);
    rig_expect(chosen, "three");
    rig_expect_none(chosen);
    close_all((int[]){chosen, any, here}, 3);
}
END_TEST

START_TEST(the_most_telling_name_gets_the_datagram)
{
    int s[4];
    static const char *const who[] = {"any", "ours", "peer", "other"};
    char got[8];

    for (int i = 0; i < 4; i++) {
        s[i] = rig_socket(0);
        ck_assert_int_eq(rig_set(s[i], SOL_SOCKET, SO_REUSEADDR, 1), 0);
        ck_assert_int_eq(bind_to(s[i], i == 0 ? "0.0.0.0" : "10.0.0.2", RIG_PORT), 0);
    }
    ck_assert_int_eq(connect_to(s[2], "10.0.0.1", RIG_THEIRS), 0);
    ck_assert_int_eq(connect_to(s[3], "10.0.0.1", 1), 0);
    RIG_INPUT(.data = "peer", .len = 4);
    RIG_INPUT(.data = "other", .len = 5, .src_port = 1);
    RIG_INPUT(.data = "ours", .len = 4, .src_port = 2);
    RIG_INPUT(.data = "any", .len = 3, .dst = "10.0.0.3");
    for (int i = 0; i < 4; i++) {
        rig_expect(s[i], who[i]);
        ck_assert_int_eq(sock_recv(rig.stack, s[i], got, 8, 0, NULL), -EAGAIN);
    }
    close_all(s, 4);
}
END_TEST

/* SO_REUSEADDR: the last one that was bound. SO_REUSEPORT: each has its share of the senders, and a
 * sender is always heard by the same one. */
START_TEST(sockets_of_one_name_share_the_senders)
{
    int s[4], heard[4] = {0};
    char got[4];

    for (int i = 0; i < 4; i++) {
        s[i] = rig_socket(0);
        ck_assert_int_eq(rig_set(s[i], SOL_SOCKET, _i ? SO_REUSEPORT : SO_REUSEADDR, 1), 0);
        ck_assert_int_eq(rig_get(s[i], SOL_SOCKET, _i ? SO_REUSEPORT : SO_REUSEADDR), 1);
        ck_assert_int_eq(bind_to(s[i], "0.0.0.0", RIG_PORT), 0);
    }
    for (uint16_t port = 1; port <= 400; port++) {
        RIG_INPUT(.data = "1", .len = 1, .src_port = port);
        RIG_INPUT(.data = "2", .len = 1, .src_port = port);
        for (int i = 0; i < 4; i++) {
            ssize_t n = sock_recv(rig.stack, s[i], got, 4, 0, NULL);
            heard[i] += n == 1;
            HOLDS(n != 1 || sock_recv(rig.stack, s[i], got, 4, 0, NULL) == 1);
        }
    }
    ck_assert_int_eq(heard[0] + heard[1] + heard[2] + heard[3], 400);
    for (int i = 0; i < 4; i++) {
        if (_i)
            ck_assert_int_gt(heard[i], 50);
        else
            ck_assert_int_eq(heard[i], i == 3 ? 400 : 0);
    }
    close_all(s, 4);
}
END_TEST

/* In a table of 16 chains. */
START_TEST(ports_that_share_a_chain_are_kept_apart)
{
    enum { COUNT = 16 };
    struct stack_config config;
    int s[COUNT];

    rig_config(&config, STACK_LINK_IP);
    config.values.udp_ports = COUNT;
    rig_begin(&config);
    for (int i = 0; i < COUNT; i++) {
        s[i] = rig_socket((uint16_t)(i + 1));
        if (i % 4 == 3)
            ck_assert_int_eq(connect_to(s[i], "10.0.0.1", RIG_THEIRS), 0);
    }
    for (int i = 0; i < COUNT; i++) {
        RIG_INPUT(.dst_port = (uint16_t)(i + 1), .data = "one", .len = 3);
        RIG_INPUT(.dst_port = (uint16_t)(i + 1), .dst = "10.0.0.255", .data = "all", .len = 3);
        for (int k = 0; k < COUNT; k++) {
            if (k == i)
                rig_expect(s[k], "one");
            if (k == i && i % 4 != 3)
                rig_expect(s[k], "all");
            rig_expect_none(s[k]);
        }
    }
    while (rig_output() > 0) /* for those who are connected the broadcast was for nobody */
        rig_forget();
    for (int i = 0; i < COUNT; i++) /* each end of a chain goes once */
        ck_assert_int_eq(sock_close(rig.stack, s[i * 5 % COUNT]), 0);
    rig_end();
}
END_TEST

/* --- both families ------------------------------------------------------------------------ */

START_TEST(a_socket_of_inet6_speaks_both_unless_it_is_told_not_to)
{
    int both = rig_socket6(0), six = rig_socket6(0), four = rig_socket(0);
    struct endpoint from;
    char got[8];

    ck_assert_int_eq(rig_set(six, IPPROTO_IPV6, IPV6_V6ONLY, 1), 0);
    ck_assert_int_eq(bind_to(both, "::", RIG_PORT), 0);
    ck_assert_int_eq(rig_set(both, IPPROTO_IPV6, IPV6_V6ONLY, 1), -EINVAL);
    RIG_INPUT(.data = "four", .len = 4);
    ck_assert_int_eq(sock_recvfrom(rig.stack, both, got, 8, 0, &from, NULL), 4);
    ck_assert(rig_is(from, "::ffff:10.0.0.1", RIG_THEIRS));
    RIG_INPUT(.data = "six", .len = 3, .dst = "fd00::2");
    ck_assert_int_eq(sock_recvfrom(rig.stack, both, got, 8, 0, &from, NULL), 3);
    ck_assert(rig_is(from, "fd00::1", RIG_THEIRS));
    sock_close(rig.stack, both);

    ck_assert_int_eq(bind_to(six, "::", RIG_PORT), 0);
    ck_assert_int_eq(bind_to(four, "0.0.0.0", RIG_PORT), 0);
    RIG_INPUT(.data = "four", .len = 4);
    RIG_INPUT(.data = "six", .len = 3, .dst = "fd00::2");
    rig_expect(four, "four");
    rig_expect(six, "six");
    rig_expect_none(four);
    ck_assert_int_eq(rig_send_to(six, "10.0.0.1", 1, "a", 1), -ENETUNREACH);
    ck_assert_int_eq(connect_to(six, "10.0.0.1", 1), -ENETUNREACH);
    close_all((int[]){six, four}, 2);
}
END_TEST

/* As on Linux, whichever was bound last. */
START_TEST(a_socket_of_inet_hears_ipv4_before_one_that_knows_both)
{
    int s[2];

    for (int i = 0; i < 2; i++) {
        s[i] = (i == _i) ? rig_socket(0) : rig_socket6(0);
        ck_assert_int_eq(rig_set(s[i], SOL_SOCKET, SO_REUSEADDR, 1), 0);
        ck_assert_int_eq(bind_to(s[i], i == _i ? "0.0.0.0" : "::", RIG_PORT), 0);
    }
    RIG_INPUT(.data = "four", .len = 4);
    RIG_INPUT(.data = "six", .len = 3, .dst = "fd00::2");
    rig_expect(s[_i], "four");
    rig_expect(s[1 - _i], "six");
    close_all(s, 2);
}
END_TEST

START_TEST(a_socket_bound_in_one_family_does_not_reach_the_other)
{
    int four = rig_socket6(0), six = rig_socket6(0);

    ck_assert_int_eq(bind_to(four, "10.0.0.2", 1), 0);
    ck_assert_int_eq(bind_to(six, "fd00::2", 1), 0);
    ck_assert_int_eq(rig_send_to(four, "fd00::1", 1, "a", 1), -ENETUNREACH);
    ck_assert_int_eq(rig_send_to(six, "10.0.0.1", 1, "a", 1), -ENETUNREACH);
    ck_assert_int_eq(rig_send_to(four, "10.0.0.1", 1, "a", 1), 1);
    ck_assert_int_eq(rig_send_to(six, "fd00::1", 1, "a", 1), 1);
    close_all((int[]){four, six}, 2);
}
END_TEST

/* --- reading ------------------------------------------------------------------------------ */

static ssize_t recv_msg(int s, size_t room, int flags, struct sock_msg *msg)
{
    static char got[2][4];
    static struct iovec iov[2];

    iov[0] = (struct iovec){got[0], room < 4 ? room : 4};
    iov[1] = (struct iovec){got[1], room < 4 ? 0 : room - 4};
    msg->iov = iov;
    msg->iovcnt = 2;
    return sock_recvmsg(rig.stack, s, msg, flags, NULL);
}

START_TEST(what_does_not_fit_is_cut_off_and_said)
{
    int s = rig_socket(RIG_PORT);
    struct endpoint from;
    struct sock_msg msg = {.name = &from};

    for (int i = 0; i < 6; i++)
        RIG_INPUT(.data = "seven !", .len = 7);
    ck_assert_int_eq(recv_msg(s, 7, MSG_PEEK, &msg), 7);
    ck_assert_int_eq(msg.flags, 0);
    ck_assert_int_eq(recv_msg(s, 3, MSG_PEEK, &msg), 3);
    ck_assert_int_eq(msg.flags, MSG_TRUNC);
    ck_assert_int_eq(recv_msg(s, 3, MSG_PEEK | MSG_TRUNC, &msg), 7);
    ck_assert(rig_is(from, "10.0.0.1", RIG_THEIRS));
    ck_assert_int_eq(recv_msg(s, 6, 0, &msg), 6);
    ck_assert_int_eq(recv_msg(s, 0, MSG_TRUNC, &msg), 7);
    ck_assert_int_eq(recv_msg(s, 0, 0, &msg), 0);
    ck_assert_int_eq(sock_recv(rig.stack, s, NULL, 4, MSG_PEEK, NULL), -EFAULT);
    ck_assert_int_eq(sock_recv(rig.stack, s, NULL, 4, 0, NULL), -EFAULT); /* and it is gone */
    ck_assert_int_eq(sock_read(rig.stack, s, NULL, 0, NULL), 0);
    ck_assert_int_eq(recv_msg(s, 8, MSG_DONTWAIT | MSG_WAITALL, &msg), 7);
    ck_assert_int_eq(recv_msg(s, 8, 0, &msg), 7);
    ck_assert_int_eq(recv_msg(s, 8, 0, &msg), -EAGAIN);
    ck_assert_int_eq(recv_msg(s, 8, MSG_ERRQUEUE, &msg), -EOPNOTSUPP);
    sock_close(rig.stack, s);
}
END_TEST

START_TEST(an_empty_datagram_is_one)
{
    int s = rig_socket(RIG_PORT);
    struct iovec none = {NULL, 0};
    char octet;

    RIG_INPUT(.len = 0);
    ck_assert_int_eq(sock_poll(rig.stack, s), POLLIN | POLLOUT);
    ck_assert_int_eq(sock_recv(rig.stack, s, &octet, 1, 0, NULL), 0);
    ck_assert_int_eq(sock_recv(rig.stack, s, &octet, 1, 0, NULL), -EAGAIN);
    ck_assert_int_eq(connect_to(s, "10.0.0.1", 1), 0);
    ck_assert_int_eq(sock_send(rig.stack, s, NULL, 0, 0, NULL), 0);
    ck_assert_int_eq(sock_write(rig.stack, s, NULL, 0, NULL), 0);
    ck_assert_int_eq(sock_writev(rig.stack, s, &none, 1, NULL), 0);
    ck_assert_int_eq(rig_output(), 2); /* as on Linux, writev() of nothing sends nothing */
    ck_assert_uint_eq(rig.packet[1].data_len, 0);
    sock_close(rig.stack, s);
}
END_TEST

/* --- writing ------------------------------------------------------------------------------ */

START_TEST(each_refusal_has_its_errno)
{
    static char big[65528];
    struct iovec iov[3] = {{big, 1}, {big, 2}, {NULL, 0}}, bad = {NULL, 1};
    int s = rig_socket(0);

    ck_assert_int_eq(rig_send_to(s, "10.0.0.1", 0, "a", 1), -EINVAL);
    ck_assert_int_eq(rig_send_to(s, "172.16.0.1", 1, big, 65508), -EMSGSIZE);
    ck_assert_int_eq(rig_send_to(s, "0.0.0.0", 1, "a", 1), -EINVAL);
    ck_assert_int_eq(rig_send_to(s, "10.0.0.1", 1, NULL, 1), -EFAULT);
    ck_assert_int_eq(connect_to(s, "10.0.0.1", 1), 0);
    ck_assert_int_eq(sock_send(rig.stack, s, big, sizeof big, 0, NULL), -EMSGSIZE);
    ck_assert_int_eq(sock_send(rig.stack, s, big, SIZE_MAX, 0, NULL), -EMSGSIZE);
    ck_assert_int_eq(sock_send(rig.stack, s, big, 1, MSG_OOB, NULL), -EOPNOTSUPP);
    ck_assert_int_eq(sock_send(rig.stack, s, big, 1, MSG_MORE, NULL), -EOPNOTSUPP);
    ck_assert_int_eq(sock_writev(rig.stack, s, &bad, 1, NULL), -EFAULT);
    ck_assert_int_eq(sock_writev(rig.stack, s, iov, 3, NULL), 3); /* one datagram */
    ck_assert_int_eq(rig_output(), 1);
    ck_assert_int_eq(sock_send(rig.stack, s, big, 65507, 0, NULL), 65507);
    sock_close(rig.stack, s);
}
END_TEST

/* DF set: no identification is needed. DF clear: a router may cut it. */
START_TEST(what_may_be_fragmented_has_an_identification_of_its_own)
{
    int s = rig_socket(0);
    uint16_t id[3];

    ck_assert_int_eq(connect_to(s, "10.0.0.1", 1), 0);
    ck_assert_int_eq(sock_send(rig.stack, s, "a", 1, 0, NULL), 1);
    ck_assert_int_eq(rig_set(s, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT), 0);
    ck_assert_int_eq(sock_send(rig.stack, s, "a", 1, 0, NULL), 1);
    ck_assert_int_eq(sock_send(rig.stack, s, "a", 1, 0, NULL), 1);
    ck_assert_int_eq(rig_output(), 3);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(rig.packet[i].dont_fragment, i == 0);
        id[i] = (uint16_t)(rig.packet[i].octets[4] << 8 | rig.packet[i].octets[5]);
    }
    ck_assert_uint_eq(id[0], 0);
    ck_assert_uint_ne(id[1], id[2]);
    sock_close(rig.stack, s);
    PROVES("RFC6864-4.3-a", "RFC6864-4.1-b", "P14");
}
END_TEST

START_TEST(shutdown_ends_either_way)
{
    int s = rig_socket(RIG_PORT), loose = rig_socket(1);

    ck_assert_int_eq(connect_to(s, "10.0.0.1", RIG_THEIRS), 0);
    ck_assert_int_eq(sock_shutdown(rig.stack, s, 7), -EINVAL);
    ck_assert_int_eq(sock_shutdown(rig.stack, s, SHUT_WR), 0);
    ck_assert_int_eq(sock_send(rig.stack, s, "a", 1, 0, NULL), -EPIPE);
    ck_assert_int_eq(sock_poll(rig.stack, s), POLLOUT);
    ck_assert_int_eq(sock_shutdown(rig.stack, s, SHUT_RD), 0);
    ck_assert_int_eq(sock_poll(rig.stack, s), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
    RIG_INPUT(.data = "late", .len = 4); /* still heard, as on Linux */
    rig_expect(s, "late");
    rig_expect_none(s);
    ck_assert_int_eq(sock_shutdown(rig.stack, loose, SHUT_RDWR), -ENOTCONN);
    ck_assert(sock_poll(rig.stack, loose) & POLLHUP);
    close_all((int[]){s, loose}, 2);
}
END_TEST

/* --- who waits ---------------------------------------------------------------------------- */

struct waiting {
    struct waiter waiter;
    int times;
};

/* Something happens while a call waits. */
static int wait_for_it(struct waiter *waiter, struct stack *stack, int s, short events,
                       instant deadline)
{
    struct waiting *waiting = CONTAINER_OF(waiter, struct waiting, waiter);

    (void)stack;
    ck_assert_int_eq(deadline.ns, INT64_MAX);
    waiting->times++;
    if (events & POLLOUT) {
        rig.full_after = -1;
        rig_output();
    } else if (waiting->times < 3) {
        RIG_INPUT(.data = "abc", .len = 3, .bad_sum = true); /* which wakes nobody in earnest */
    } else if (waiting->times == 3) {
        RIG_INPUT(.data = "abc", .len = 3);
    } else {
        int err = sock_shutdown(rig.stack, s, SHUT_RD);
        ck_assert_int_eq(err, -ENOTCONN);
    }
    return 0;
}

START_TEST(a_call_that_may_wait_does)
{
    struct waiting waiting = {.waiter.wait = wait_for_it};
    int s = rig_socket(RIG_PORT);
    struct endpoint to = rig_at("10.0.0.1", RIG_THEIRS);
    char got[4];

    ck_assert_int_eq(sock_recv(rig.stack, s, got, 4, 0, &waiting.waiter), 3);
    ck_assert_int_eq(waiting.times, 3);
    ck_assert_int_eq(sock_recv(rig.stack, s, got, 4, MSG_DONTWAIT, &waiting.waiter), -EAGAIN);
    ck_assert_int_eq(sock_recv(rig.stack, s, got, 4, 0, &waiting.waiter), 0); /* shut meanwhile */
    rig.full_after = 0;
    for (int i = 0; i < 200; i++)
        ck_assert_int_eq(sock_sendto(rig.stack, s, "x", 1, 0, &to, &waiting.waiter), 1);
    ck_assert_int_eq(waiting.times, 5);
    sock_close(rig.stack, s);
    PROVES("U03");
}
END_TEST

/* --- control messages --------------------------------------------------------------------- */

static union {
    struct cmsghdr header;
    uint8_t octets[272];
} control;

/* The data of one that was received, or NULL. */
static const uint8_t *find_control(const struct sock_msg *msg, int level, int type)
{
    struct msghdr h = {.msg_control = msg->control, .msg_controllen = msg->control_len};

    for (struct cmsghdr *c = CMSG_FIRSTHDR(&h); c; c = CMSG_NXTHDR(&h, c)) {
        if (c->cmsg_level == level && c->cmsg_type == type)
            return CMSG_DATA(c);
    }
    return NULL;
}

static struct sock_msg with_control(void)
{
    memset(&control, 0, sizeof control);
    return (struct sock_msg){.control = &control, .control_len = sizeof control};
}

static int int_of(const uint8_t *data)
{
    int out = -1;

    ck_assert_ptr_nonnull(data);
    memcpy(&out, data, sizeof out);
    return out;
}

START_TEST(control_messages_tell_where_it_was_sent_and_what_the_header_said)
{
    int s = rig_socket6(RIG_PORT), mine[] = {IP_PKTINFO, IP_RECVTTL, IP_RECVTOS};
    int mine6[] = {IPV6_RECVPKTINFO, IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS};
    struct sock_msg msg;
    struct in_pktinfo info;
    struct in6_pktinfo info6;

    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(rig_set(s, IPPROTO_IP, mine[i], 1), 0);
        ck_assert_int_eq(rig_set(s, IPPROTO_IPV6, mine6[i], 1), 0);
        ck_assert_int_eq(rig_get(s, IPPROTO_IP, mine[i]), 1);
        ck_assert_int_eq(rig_get(s, IPPROTO_IPV6, mine6[i]), 1);
    }
    RIG_INPUT(.data = "abc", .len = 3, .dst = "10.0.0.3", .ttl = 33, .tos = 0x48);
    msg = with_control();
    ck_assert_int_eq(recv_msg(s, 8, 0, &msg), 3);
    ck_assert_int_eq(int_of(find_control(&msg, IPPROTO_IP, IP_TTL)), 33);
    ck_assert_uint_eq(*find_control(&msg, IPPROTO_IP, IP_TOS), 0x48);
    memcpy(&info, find_control(&msg, IPPROTO_IP, IP_PKTINFO), sizeof info);
    ck_assert_uint_eq(info.ipi_addr.s_addr, htonl(0x0a000003));
    ck_assert_uint_eq(info.ipi_spec_dst.s_addr, htonl(0x0a000003));
    ck_assert_int_gt(info.ipi_ifindex, 0);
    ck_assert_ptr_nonnull(find_control(&msg, IPPROTO_IPV6, IPV6_PKTINFO)); /* mapped */
    ck_assert_ptr_null(find_control(&msg, IPPROTO_IPV6, IPV6_HOPLIMIT));

    RIG_INPUT(.data = "abc", .len = 3, .dst = "10.0.0.255");
    msg = with_control();
    ck_assert_int_eq(recv_msg(s, 8, 0, &msg), 3);
    memcpy(&info, find_control(&msg, IPPROTO_IP, IP_PKTINFO), sizeof info);
    ck_assert_uint_eq(info.ipi_addr.s_addr, htonl(0x0a0000ff));
    ck_assert_uint_eq(info.ipi_spec_dst.s_addr, htonl(0x0a000002));

    RIG_INPUT(.data = "abc", .len = 3, .dst = "fd00::2", .ttl = 34, .tos = 0xb8);
    msg = with_control();
    ck_assert_int_eq(recv_msg(s, 8, 0, &msg), 3);
    ck_assert_int_eq(int_of(find_control(&msg, IPPROTO_IPV6, IPV6_HOPLIMIT)), 34);
    ck_assert_int_eq(int_of(find_control(&msg, IPPROTO_IPV6, IPV6_TCLASS)), 0xb8);
    memcpy(&info6, find_control(&msg, IPPROTO_IPV6, IPV6_PKTINFO), sizeof info6);
    ck_assert_mem_eq(&info6.ipi6_addr, rig.config.addr[2].addr.octet, 16);

    RIG_INPUT(.data = "abc", .len = 3);
    msg = with_control();
    msg.control_len = CMSG_SPACE(sizeof info6) + CMSG_LEN(0);
    ck_assert_int_eq(recv_msg(s, 8, 0, &msg), 3);
    ck_assert_int_eq(msg.flags, MSG_CTRUNC);
    ck_assert_uint_eq(msg.control_len, CMSG_SPACE(sizeof info6));
    sock_close(rig.stack, s);
    PROVES("RFC1122-4.1.3.5-a", "RFC1122-4.1.4-a", "RFC1122-3.2.1.6-a");
}
END_TEST

static struct sock_msg tell(int level, int type, const void *data, size_t len, struct endpoint *to)
{
    static struct iovec iov = {(void *)(uintptr_t) "abc", 3};
    struct sock_msg msg = with_control();

    control.header =
        (struct cmsghdr){.cmsg_len = CMSG_LEN(len), .cmsg_level = level, .cmsg_type = type};
    memcpy(CMSG_DATA(&control.header), data, len);
    msg.control_len = CMSG_SPACE(len);
    msg.name = to;
    msg.iov = &iov;
    msg.iovcnt = 1;
    return msg;
}

static ssize_t send_telling(int s, int level, int type, const void *data, size_t len,
                            const char *addr)
{
    struct endpoint to = rig_at(addr, RIG_THEIRS);
    struct sock_msg msg = tell(level, type, data, len, &to);

    return sock_sendmsg(rig.stack, s, &msg, 0, NULL);
}

START_TEST(the_source_can_be_chosen_by_bind_or_for_one_datagram)
{
    int s = rig_socket(RIG_PORT), bound = rig_socket(0);
    struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(0x0a000003)};

    ck_assert_int_eq(bind_to(bound, "10.0.0.3", 1), 0);
    ck_assert_int_eq(rig_send_to(bound, "10.0.0.1", 1, "a", 1), 1);
    ck_assert_int_eq(rig_send_to(s, "10.0.0.1", 1, "a", 1), 1);
    ck_assert_int_eq(send_telling(s, IPPROTO_IP, IP_PKTINFO, &info, sizeof info, "10.0.0.1"), 3);
    ck_assert_int_eq(rig_output(), 3);
    ck_assert(rig_is((struct endpoint){rig.packet[0].src, 0}, "10.0.0.3", 0));
    ck_assert(rig_is((struct endpoint){rig.packet[1].src, 0}, "10.0.0.2", 0));
    ck_assert(rig_is((struct endpoint){rig.packet[2].src, 0}, "10.0.0.3", 0));
    info.ipi_spec_dst.s_addr = htonl(0x0a000004);
    ck_assert_int_eq(send_telling(s, IPPROTO_IP, IP_PKTINFO, &info, sizeof info, "10.0.0.1"),
                     -EINVAL);
    info = (struct in_pktinfo){.ipi_ifindex = 7};
    ck_assert_int_eq(send_telling(s, IPPROTO_IP, IP_PKTINFO, &info, sizeof info, "10.0.0.1"),
                     -ENODEV);
    close_all((int[]){s, bound}, 2);
    PROVES("RFC1122-4.1.3.5-b", "RFC1122-4.1.3.5-a", "RFC1122-3.3.4.3-a");
}
END_TEST

START_TEST(ttl_and_tos_are_set_on_the_socket_or_for_one_datagram)
{
    int s = rig_socket6(RIG_PORT), ttl = 7;
    uint8_t tos = 0x48;

    ck_assert_int_eq(rig_set(s, IPPROTO_IP, IP_TTL, 9), 0);
    ck_assert_int_eq(rig_set(s, IPPROTO_IP, IP_TOS, 0x21), 0); /* ECN's bits too, unlike TCP */
    ck_assert_int_eq(rig_send_to(s, "10.0.0.1", 1, "a", 1), 1);
    ck_assert_int_eq(send_telling(s, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl, "10.0.0.1"), 3);
    ck_assert_int_eq(send_telling(s, IPPROTO_IP, IP_TOS, &tos, sizeof tos, "10.0.0.1"), 3);
    ck_assert_int_eq(send_telling(s, IPPROTO_IPV6, IPV6_HOPLIMIT, &ttl, sizeof ttl, "fd00::1"), 3);
    ttl = 0x2c;
    ck_assert_int_eq(send_telling(s, IPPROTO_IPV6, IPV6_TCLASS, &ttl, sizeof ttl, "fd00::1"), 3);
    ck_assert_int_eq(rig_set(s, IPPROTO_IP, IP_MULTICAST_TTL, 3), 0);
    ck_assert_int_eq(rig_send_to(s, "224.0.0.9", 1, "a", 1), 1);
    ck_assert_int_eq(rig_set(s, IPPROTO_IP, IP_MULTICAST_TTL, 0), 0);
    ck_assert_int_eq(rig_send_to(s, "224.0.0.9", 1, "a", 1), 1); /* stays here */
    static const uint8_t expected[][2] = {{9, 0x21}, {7, 0x21}, {9, 0x48},
                                          {7, 0x21}, {9, 0x2c}, {3, 0x21}};
    ck_assert_int_eq(rig_output(), 6);
    for (int i = 0; i < 6; i++) {
        ck_assert_uint_eq(rig.packet[i].ttl, expected[i][0]);
        ck_assert_uint_eq(rig.packet[i].tos, expected[i][1]);
    }
    sock_close(rig.stack, s);
    PROVES("RFC1122-4.1.4-a", "RFC1122-3.2.1.6-a");
}
END_TEST

START_TEST(a_malformed_control_message_is_refused)
{
    int s = rig_socket(RIG_PORT), number = 256;
    struct endpoint to = rig_at("10.0.0.1", 1);

    ck_assert_int_eq(send_telling(s, IPPROTO_IP, IP_TTL, &number, sizeof number, "10.0.0.1"),
                     -EINVAL);
    number = 0;
    ck_assert_int_eq(send_telling(s, IPPROTO_IP, IP_TTL, &number, sizeof number, "10.0.0.1"),
                     -EINVAL);
    ck_assert_int_eq(send_telling(s, IPPROTO_IP, 99, &number, sizeof number, "10.0.0.1"), -EINVAL);
    ck_assert_int_eq(send_telling(s, 77, 99, &number, sizeof number, "10.0.0.1"), 3);
    for (size_t len = 0; len < 64; len++) { /* every length of the header against every room */
        struct sock_msg msg = tell(IPPROTO_IP, IP_TOS, &number, sizeof number, &to);
        control.header.cmsg_len = len;
        for (msg.control_len = 0; msg.control_len < 64; msg.control_len++) {
            ssize_t n = sock_sendmsg(rig.stack, s, &msg, 0, NULL);
            bool none = msg.control_len < sizeof(struct cmsghdr);
            bool good =
                len <= msg.control_len && (len == CMSG_LEN(1) || len == CMSG_LEN(sizeof number));
            bool tail = msg.control_len >= CMSG_SPACE(sizeof number) + sizeof(struct cmsghdr);
            HOLDS(n == (none || (good && !tail) ? 3 : -EINVAL));
            rig_output();
            rig_forget();
        }
    }
    struct sock_msg msg = tell(IPPROTO_IP, IP_TOS, &number, sizeof number, &to);
    msg.control = NULL;
    ck_assert_int_eq(sock_sendmsg(rig.stack, s, &msg, 0, NULL), -EFAULT);
    sock_close(rig.stack, s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sock_udp");

    TCase *c = tcase_create("what it is, and its names");
    tcase_add_checked_fixture(c, given_rig, rig_end);
    tcase_add_test(c, a_socket_of_udp_says_what_it_is);
    tcase_add_test(c, bind_takes_our_addresses_and_what_is_sent_to_many);
    tcase_add_loop_test(c, a_name_is_shared_by_those_who_both_agree, 0, ARRAY_LEN(name_row));
    tcase_add_test(c, tcp_has_numbers_of_its_own);
    tcase_add_test(c, ephemeral_ports_cannot_be_guessed_and_are_nobody_elses);
    suite_add_tcase(s, c);

    c = tcase_create("caps");
    tcase_add_test(c, there_are_no_more_than_the_cap_says);
    tcase_add_test(c, ports_that_share_a_chain_are_kept_apart);
    tcase_add_test(c, when_each_ephemeral_port_is_taken_bind_says_so);
    suite_add_tcase(s, c);

    c = tcase_create("who hears whom");
    tcase_add_checked_fixture(c, given_rig, rig_end);
    tcase_add_test(c, connect_settles_the_source_and_who_is_heard);
    tcase_add_test(c, disconnect_takes_back_what_nobody_asked_for);
    tcase_add_test(c, the_most_telling_name_gets_the_datagram);
    tcase_add_loop_test(c, sockets_of_one_name_share_the_senders, 0, 2);
    tcase_add_test(c, a_socket_of_inet6_speaks_both_unless_it_is_told_not_to);
    tcase_add_loop_test(c, a_socket_of_inet_hears_ipv4_before_one_that_knows_both, 0, 2);
    tcase_add_test(c, a_socket_bound_in_one_family_does_not_reach_the_other);
    suite_add_tcase(s, c);

    c = tcase_create("reading and writing");
    tcase_add_checked_fixture(c, given_rig, rig_end);
    tcase_add_test(c, what_does_not_fit_is_cut_off_and_said);
    tcase_add_test(c, an_empty_datagram_is_one);
    tcase_add_test(c, each_refusal_has_its_errno);
    tcase_add_test(c, what_may_be_fragmented_has_an_identification_of_its_own);
    tcase_add_test(c, shutdown_ends_either_way);
    tcase_add_test(c, a_call_that_may_wait_does);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 1122, 4.1.3.5 and 4.1.4: control messages");
    tcase_add_checked_fixture(c, given_rig, rig_end);
    tcase_add_test(c, control_messages_tell_where_it_was_sent_and_what_the_header_said);
    tcase_add_test(c, the_source_can_be_chosen_by_bind_or_for_one_datagram);
    tcase_add_test(c, ttl_and_tos_are_set_on_the_socket_or_for_one_datagram);
    tcase_add_test(c, a_malformed_control_message_is_refused);
    suite_add_tcase(s, c);

    return run_suite(s, "sock_udp");
}
