/*
 * udp.c - cases of datagrams. All fit into one packet: fragments are in ip_options.c.
 */
#include <stdlib.h>

#include "behaviour.h"

static void done(int s, int peer)
{
    us->close(s);
    close(peer);
}

CASE(udp_empty_datagram)
{
    int peer, s = datagrams(&peer);
    char text[10];

    peer_say(peer, "");
    peer_say(peer, "next");
    await(s, POLLIN);
    say_text("recv", us->recv(s, text, 10, 0), text);
    say_text("recv", us->recv(s, text, 10, 0), text);
    told("send", us->send(s, "", 0, 0));
    told("peer", recv(peer, text, 10, 0));
    done(s, peer);
}

CASE(udp_writev_of_nothing_sends_nothing)
{
    int peer, s = datagrams(&peer);
    struct iovec iov = {NULL, 0};
    char text[10];

    told("writev", us->writev(s, &iov, 1));
    told("write", us->write(s, "a", 1));
    told("peer", recv(peer, text, 10, 0));
    done(s, peer);
}

CASE(udp_keeps_boundaries)
{
    int peer, s = datagrams(&peer);
    char text[20];

    peer_say(peer, "one");
    peer_say(peer, "two");
    await(s, POLLIN);
    say_text("recv", us->recv(s, text, 20, MSG_WAITALL), text);
    say_text("recv", us->recv(s, text, 20, 0), text);
    told("none", us->recv(s, text, 20, MSG_DONTWAIT));
    done(s, peer);
}

CASE(udp_cuts_what_does_not_fit)
{
    int peer, s = datagrams(&peer);
    char text[20];
    struct iovec iov = {text, 2};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

    for (int i = 0; i < 4; i++)
        peer_say(peer, "hello");
    await(s, POLLIN);
    say_text("recv", us->recv(s, text, 2, 0), text);
    told("trunc", us->recv(s, text, 2, MSG_TRUNC));
    told("recvmsg", us->recvmsg(s, &msg, 0));
    say("flags %#x", (unsigned)msg.msg_flags);
    told("with trunc", us->recvmsg(s, &msg, MSG_TRUNC));
    say("flags %#x", (unsigned)msg.msg_flags);
    done(s, peer);
}

CASE(udp_peek)
{
    int peer, s = datagrams(&peer);
    char text[20];
    int count;

    peer_say(peer, "hello");
    peer_say(peer, "next one");
    await(s, POLLIN);
    say_text("peek", us->recv(s, text, 3, MSG_PEEK), text);
    told("length", us->recv(s, NULL, 0, MSG_PEEK | MSG_TRUNC));
    us->ioctl(s, FIONREAD, &count);
    say("FIONREAD %d", count);
    say_text("recv", us->recv(s, text, 20, 0), text);
    await(s, POLLIN); /* the second may still be on its way */
    us->ioctl(s, FIONREAD, &count);
    say("FIONREAD %d", count);
    say_text("recv", us->recv(s, text, 20, 0), text);
    done(s, peer);
}

CASE(udp_recv_of_no_octets)
{
    int peer, s = datagrams(&peer);
    char text[20];

    peer_say(peer, "hello");
    peer_say(peer, "next one");
    await(s, POLLIN);
    told("recv", us->recv(s, text, 0, 0));
    say_text("recv", us->recv(s, text, 20, 0), text);
    done(s, peer);
}

CASE(udp_null_and_then)
{
    int peer, s = datagrams(&peer);
    char text[20];

    peer_say(peer, "hello");
    peer_say(peer, "next one");
    await(s, POLLIN);
    told("recv", us->recv(s, NULL, 4, 0));
    await(s, POLLIN);
    say_text("recv", us->recv(s, text, 20, MSG_DONTWAIT), text);
    done(s, peer);
}

CASE(udp_connected_hears_its_peer_alone)
{
    uint16_t port;
    int peer, s = datagrams(&peer), other = peer_datagram(&port);
    struct sockaddr_in to = addr_of(OUR_ADDR, port_of(s));
    char text[20];

    sendto(other, "stranger", 8, 0, (struct sockaddr *)&to, sizeof to);
    peer_say(peer, "friend");
    await(s, POLLIN);
    say_text("recv", us->recv(s, text, 20, 0), text);
    told("none", us->recv(s, text, 20, MSG_DONTWAIT));
    close(other);
    done(s, peer);
}

CASE(udp_connected_sends_elsewhere)
{
    uint16_t port;
    int peer, s = datagrams(&peer), other = peer_datagram(&port);
    struct sockaddr_in to = addr_of(PEER_ADDR, port);
    char text[20];

    told("sendto", us->sendto(s, "abc", 3, 0, (struct sockaddr *)&to, sizeof to));
    say_text("other", recv(other, text, 20, 0), text);
    close(other);
    done(s, peer);
}

CASE(udp_recvfrom_lengths)
{
    int peer, s = datagrams(&peer);
    static const socklen_t lens[] = {0, 4, 16, 64};
    char text[10];

    for (size_t i = 0; i < 4; i++) {
        unsigned char name[64];
        socklen_t len = lens[i];
        memset(name, 0xee, sizeof name);
        peer_say(peer, "hi");
        await(s, POLLIN);
        told("recvfrom", us->recvfrom(s, text, 10, 0, (struct sockaddr *)name, &len));
        say("length %u, octets %02x %02x %02x", len, name[0], name[4], name[16]);
    }
    done(s, peer);
}

CASE(udp_refused_unconnected_is_silent)
{
    int s = datagram_socket();
    struct sockaddr_in to = addr_of(PEER_ADDR, closed_port(SOCK_DGRAM));

    told("sendto", us->sendto(s, "a", 1, 0, (struct sockaddr *)&to, sizeof to));
    usleep(50000);
    say_poll(s);
    say_option("SO_ERROR", s, SOL_SOCKET, SO_ERROR);
    us->close(s);
}

CASE(udp_refused_is_told_once)
{
    int s = datagram_socket();
    char text[4];

    connect_to(s, PEER_ADDR, closed_port(SOCK_DGRAM));
    told("send", us->send(s, "a", 1, 0));
    await(s, POLLERR);
    told("recv", us->recv(s, text, 4, MSG_DONTWAIT));
    told("recv", us->recv(s, text, 4, MSG_DONTWAIT));
    told("send", us->send(s, "a", 1, 0));
    await(s, POLLERR);
    told("send", us->send(s, "a", 1, 0));
    us->close(s);
}

static void try_sendto(const char *addr, uint16_t port, bool broadcast)
{
    int s = datagram_socket();
    struct sockaddr_in to = addr_of(addr, port);

    if (broadcast)
        set_int(s, SOL_SOCKET, SO_BROADCAST, 1);
    told("sendto", us->sendto(s, "a", 1, 0, (struct sockaddr *)&to, sizeof to));
    told("connect", us->connect(s, (struct sockaddr *)&to, sizeof to));
    us->close(s);
}

CASE(udp_to_port_zero)
{
    try_sendto(PEER_ADDR, 0, false);
}
CASE(udp_to_broadcast_without_leave)
{
    try_sendto("10.9.0.255", 9, false);
}
CASE(udp_to_broadcast_with_leave)
{
    try_sendto("10.9.0.255", 9, true);
}
CASE(udp_without_a_route)
{
    try_sendto("192.0.2.1", 9, false);
}

CASE(udp_sendto_lengths)
{
    int s = datagram_socket();
    struct sockaddr_in to = addr_of(PEER_ADDR, 9);

    told("short", us->sendto(s, "a", 1, 0, (struct sockaddr *)&to, 4));
    told("long", us->sendto(s, "a", 1, 0, (struct sockaddr *)&to, 1000));
    told("null", us->sendto(s, "a", 1, 0, NULL, 16));
    to.sin_family = 77;
    told("family", us->sendto(s, "a", 1, 0, (struct sockaddr *)&to, sizeof to));
    to.sin_family = AF_UNSPEC;
    told("none", us->sendto(s, "a", 1, 0, (struct sockaddr *)&to, sizeof to));
    us->close(s);
}

CASE(udp_too_long)
{
    int peer, s = datagrams(&peer);
    static char octets[70000];

    told("65508", us->send(s, octets, 65508, 0));
    told("70000", us->send(s, octets, sizeof octets, 0));
    told("1472", us->send(s, octets, 1472, 0));
    set_int(s, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
    told("1473 whole", us->send(s, octets, 1473, 0));
    done(s, peer);
}

CASE(udp_mtu)
{
    int peer, s = datagrams(&peer), fresh = datagram_socket();

    say_option("IP_MTU", s, IPPROTO_IP, IP_MTU);
    say_option("IP_MTU", fresh, IPPROTO_IP, IP_MTU);
    us->close(fresh);
    done(s, peer);
}

CASE(udp_names_through_a_life)
{
    int s = datagram_socket();
    struct sockaddr_storage name;
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    socklen_t len = sizeof name;

    say_name("fresh", us->getsockname(s, (struct sockaddr *)&name, &len), &name, len);
    connect_to(s, PEER_ADDR, 9);
    len = sizeof name;
    say_name("connected", us->getsockname(s, (struct sockaddr *)&name, &len), &name, len);
    us->connect(s, &none, sizeof none);
    len = sizeof name;
    say_name("disconnected", us->getsockname(s, (struct sockaddr *)&name, &len), &name, len);
    struct sockaddr_in to = addr_of(PEER_ADDR, 9);
    told("sendto", us->sendto(s, "a", 1, 0, (struct sockaddr *)&to, sizeof to));
    len = sizeof name;
    say_name("sent", us->getsockname(s, (struct sockaddr *)&name, &len), &name, len);
    told("bind", bind_to(s, OUR_ADDR, 0));
    us->close(s);
}

CASE(udp_disconnected_keeps_a_port_it_was_bound_to)
{
    int other = datagram_socket(), s = datagram_socket();
    struct sockaddr_storage name;
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    socklen_t len = sizeof name;

    bind_to(other, OUR_ADDR, 0);
    uint16_t port = port_of(other);
    us->close(other);
    told("bind", bind_to(s, OUR_ADDR, port));
    connect_to(s, PEER_ADDR, 9);
    us->connect(s, &none, sizeof none);
    say_name("name", us->getsockname(s, (struct sockaddr *)&name, &len), &name, len);
    say("the port %s", port_of(s) == port ? "stays" : "changes");
    us->close(s);
}

static void two_at_one_port(int option)
{
    int a = datagram_socket(), b = datagram_socket();

    if (option)
        set_int(a, SOL_SOCKET, option, 1);
    bind_to(a, OUR_ADDR, 0);
    told("one", bind_to(b, OUR_ADDR, port_of(a)));
    if (option)
        set_int(b, SOL_SOCKET, option, 1);
    told("both", bind_to(b, OUR_ADDR, port_of(a)));
    us->close(a);
    us->close(b);
}

CASE(udp_two_at_one_port)
{
    two_at_one_port(0);
}
CASE(udp_two_at_one_port_reuseaddr)
{
    two_at_one_port(SO_REUSEADDR);
}
CASE(udp_two_at_one_port_reuseport)
{
    two_at_one_port(SO_REUSEPORT);
}

CASE(udp_pktinfo)
{
    int peer, s = datagrams(&peer);
    char text[10];
    _Alignas(struct cmsghdr) char control[200];
    struct iovec iov = {text, sizeof text};

    told("IP_PKTINFO", set_int(s, IPPROTO_IP, IP_PKTINFO, 1));
    told("IP_RECVTTL", set_int(s, IPPROTO_IP, IP_RECVTTL, 1));
    told("IP_RECVTOS", set_int(s, IPPROTO_IP, IP_RECVTOS, 1));
    for (int i = 0; i < 2; i++) {
        struct msghdr msg = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = i ? 20 : sizeof control};
        peer_say(peer, "hello");
        await(s, POLLIN);
        told("recvmsg", us->recvmsg(s, &msg, 0));
        say("flags %#x, control %zu", (unsigned)msg.msg_flags, msg.msg_controllen);
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c && !i; c = CMSG_NXTHDR(&msg, c)) {
            say("level %d type %d len %zu", c->cmsg_level, c->cmsg_type, c->cmsg_len);
            if (c->cmsg_type == IP_PKTINFO) {
                struct in_pktinfo info;
                memcpy(&info, CMSG_DATA(c), sizeof info);
                say("to %#x, local %#x", info.ipi_addr.s_addr, info.ipi_spec_dst.s_addr);
            }
        }
    }
    done(s, peer);
}

CASE(udp_control_that_is_wrong)
{
    int peer, s = datagrams(&peer);
    _Alignas(struct cmsghdr) char control[64] = {0};
    struct iovec iov = {(char[]){"a"}, 1};
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

    told("of length 0", us->sendmsg(s, &msg, 0));
    c->cmsg_len = 1000;
    told("too long", us->sendmsg(s, &msg, 0));
    c->cmsg_len = CMSG_LEN(sizeof(int));
    c->cmsg_level = IPPROTO_IP;
    c->cmsg_type = IP_TTL;
    msg.msg_controllen = CMSG_SPACE(sizeof(int));
    told("TTL of 0", us->sendmsg(s, &msg, 0));
    *(int *)(void *)CMSG_DATA(c) = 256;
    told("TTL of 256", us->sendmsg(s, &msg, 0));
    *(int *)(void *)CMSG_DATA(c) = 3;
    told("TTL of 3", us->sendmsg(s, &msg, 0));
    c->cmsg_type = 12345;
    told("unknown type", us->sendmsg(s, &msg, 0));
    c->cmsg_level = 12345;
    told("unknown level", us->sendmsg(s, &msg, 0));
    done(s, peer);
}

CASE(udp_times_out)
{
    int peer, s = datagrams(&peer);
    struct timeval limit = {0, 50000};
    char text[4];

    us->setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    told("recv", us->recv(s, text, 4, 0));
    done(s, peer);
}

CASE(udp_send_flags)
{
    int peer, s = datagrams(&peer);
    static const int flags[] = {MSG_OOB,  MSG_EOR,     MSG_CONFIRM,  MSG_DONTROUTE, MSG_TRUNC,
                                MSG_PEEK, MSG_WAITALL, MSG_NOSIGNAL, MSG_DONTWAIT};

    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        say("flag %#x", (unsigned)flags[i]);
        told("send", us->send(s, "a", 1, flags[i]));
    }
    done(s, peer);
}

CASE(udp_send_more_is_one_datagram)
{
    int peer, s = datagrams(&peer);
    char text[10];

    told("more", us->send(s, "ab", 2, MSG_MORE));
    told("last", us->send(s, "c", 1, 0));
    say_text("peer", recv(peer, text, 10, 0), text);
    done(s, peer);
}

CASE(udp_shutdown_rd_and_a_datagram)
{
    int peer, s = datagrams(&peer);
    char text[10];

    told("shutdown", us->shutdown(s, SHUT_RD));
    told("recv", us->recv(s, text, 10, 0));
    peer_say(peer, "hello");
    usleep(50000);
    say_text("recv", us->recv(s, text, 10, MSG_DONTWAIT), text);
    say_text("recv", us->recv(s, text, 10, MSG_DONTWAIT), text);
    done(s, peer);
}

CASE(udp_bound_to_a_group_or_broadcast)
{
    int s = datagram_socket();

    told("broadcast", bind_to(s, "10.9.0.255", 0));
    us->close(s);
    s = datagram_socket();
    told("group", bind_to(s, "224.0.0.1", 0));
    us->close(s);
    s = datagram_socket();
    told("the peer's", bind_to(s, PEER_ADDR, 0));
    us->close(s);
}
