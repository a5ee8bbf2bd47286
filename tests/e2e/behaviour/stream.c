/*
 * stream.c - cases of TCP: octets, their edges, ends, waiting and who listens.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <time.h>

#include "behaviour.h"

static void done(int s, int peer)
{
    us->close(s);
    if (peer >= 0)
        peer_resets(peer);
}

/* --- socket()
 * -------------------------------------------------------------------------------------- */

static void try_socket(int domain, int type, int protocol)
{
    int s = us->socket(domain, type, protocol);

    if (s < 0) {
        told("socket", s);
        return;
    }
    say_option("SO_TYPE", s, SOL_SOCKET, SO_TYPE);
    say_option("SO_PROTOCOL", s, SOL_SOCKET, SO_PROTOCOL);
    told("F_GETFL", us->fcntl(s, F_GETFL, 0));
    us->close(s);
}

CASE(socket_with_tcp_named)
{
    try_socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
}
CASE(socket_with_udp_named)
{
    try_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
}
CASE(socket_stream_of_udp)
{
    try_socket(AF_INET, SOCK_STREAM, IPPROTO_UDP);
}
CASE(socket_datagrams_of_tcp)
{
    try_socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP);
}
CASE(socket_of_no_type)
{
    try_socket(AF_INET, 0, 0);
}
CASE(socket_of_a_wrong_type)
{
    try_socket(AF_INET, 99, 0);
}
CASE(socket_of_a_type_below)
{
    try_socket(AF_INET, -1, 0);
}
CASE(socket_seqpacket)
{
    try_socket(AF_INET, SOCK_SEQPACKET, 0);
}
CASE(socket_of_no_family)
{
    try_socket(AF_UNSPEC, SOCK_STREAM, 0);
}
CASE(socket_of_a_wrong_family)
{
    try_socket(999, SOCK_STREAM, 0);
}
CASE(socket_of_a_family_below)
{
    try_socket(-1, SOCK_STREAM, 0);
}
CASE(socket_of_a_wrong_protocol)
{
    try_socket(AF_INET, SOCK_STREAM, 200);
}
CASE(socket_of_a_protocol_below)
{
    try_socket(AF_INET, SOCK_STREAM, -1);
}
CASE(socket_of_a_protocol_beyond)
{
    try_socket(AF_INET, SOCK_STREAM, 300);
}
CASE(socket_non_blocking)
{
    try_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
}
CASE(socket_close_on_exec)
{
    try_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}
CASE(socket_with_an_unknown_flag)
{
    try_socket(AF_INET, SOCK_STREAM | 0x100, 0);
}
CASE(socket_inet6_non_blocking)
{
    try_socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
}

/* --- addresses
 * --------------------------------------------------------------------------------------- */

static void try_bind(const char *addr)
{
    int s = stream_socket();

    told("bind", bind_to(s, addr, 0));
    us->close(s);
}

CASE(bind_to_the_peers_address)
{
    try_bind(PEER_ADDR);
}
CASE(bind_to_any)
{
    try_bind("0.0.0.0");
}
CASE(bind_to_a_broadcast_address)
{
    try_bind("10.9.0.255");
}
CASE(bind_to_a_group)
{
    try_bind("224.0.0.1");
}

CASE(bind_with_a_family_of_none)
{
    struct sockaddr_in addr = addr_of("0.0.0.0", 0);
    int s = stream_socket();

    addr.sin_family = AF_UNSPEC;
    told("any", us->bind(s, (struct sockaddr *)&addr, sizeof addr));
    us->close(s);
    addr = addr_of(OUR_ADDR, 0);
    addr.sin_family = AF_UNSPEC;
    s = stream_socket();
    told("ours", us->bind(s, (struct sockaddr *)&addr, sizeof addr));
    us->close(s);
}

CASE(bind_with_a_wrong_family)
{
    struct sockaddr_in addr = addr_of(OUR_ADDR, 0);
    int s = stream_socket();

    addr.sin_family = AF_INET6;
    told("inet6", us->bind(s, (struct sockaddr *)&addr, sizeof addr));
    addr.sin_family = 77;
    told("77", us->bind(s, (struct sockaddr *)&addr, sizeof addr));
    told("null", us->bind(s, NULL, sizeof addr));
    told("long", us->bind(s, (struct sockaddr *)&addr, 200));
    us->close(s);
}

CASE(bind_twice_to_one_port)
{
    int a = stream_socket(), b = stream_socket();

    bind_to(a, OUR_ADDR, 0);
    told("same", bind_to(b, OUR_ADDR, port_of(a)));
    told("any", bind_to(b, "0.0.0.0", port_of(a)));
    set_int(b, SOL_SOCKET, SO_REUSEADDR, 1);
    told("one reuses", bind_to(b, OUR_ADDR, port_of(a)));
    set_int(a, SOL_SOCKET, SO_REUSEADDR, 1);
    told("both reuse", bind_to(b, OUR_ADDR, port_of(a)));
    told("listen", us->listen(a, 1));
    told("listen too", us->listen(b, 1));
    us->close(a);
    us->close(b);
}

CASE(bind_beside_a_listener)
{
    int a = our_listener(1), b = stream_socket();

    set_int(a, SOL_SOCKET, SO_REUSEADDR, 1);
    set_int(b, SOL_SOCKET, SO_REUSEADDR, 1);
    told("bind", bind_to(b, OUR_ADDR, port_of(a)));
    us->close(a);
    told("then", bind_to(b, OUR_ADDR, 0));
    us->close(b);
}

static void time_wait(bool reuse)
{
    int listener = our_listener(1);
    uint16_t port = port_of(listener);
    int peer = peer_call(port);

    if (reuse)
        set_int(listener, SOL_SOCKET, SO_REUSEADDR, 1);
    await(listener, POLLIN);
    int s = us->accept(listener, NULL, NULL);
    us->close(listener);
    us->shutdown(s, SHUT_WR);
    await_sent(s);
    shutdown(peer, SHUT_WR);
    await(s, POLLHUP);
    us->close(s);
    close(peer);
    s = stream_socket();
    if (reuse)
        set_int(s, SOL_SOCKET, SO_REUSEADDR, 1);
    told("bind", bind_to(s, OUR_ADDR, port));
    us->close(s);
}

CASE(bind_over_time_wait)
{
    time_wait(false);
}
CASE(bind_over_time_wait_with_reuse)
{
    time_wait(true);
}

static void name_lengths(int (*get)(int, struct sockaddr *, socklen_t *), int s)
{
    static const socklen_t lens[] = {0, 2, 4, 8, 16, 100};
    unsigned char name[100];

    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        socklen_t len = lens[i];
        memset(name, 0xee, sizeof name);
        told("result", get(s, (struct sockaddr *)name, &len));
        say("length %u, octets %02x %02x, behind %02x %02x", len, name[0], name[4],
            name[lens[i] < 99 ? lens[i] : 99], name[16]);
    }
    socklen_t len = (socklen_t)-1;
    told("negative", get(s, (struct sockaddr *)name, &len));
    len = 16;
    told("null", get(s, NULL, &len));
}

CASE(getsockname_lengths)
{
    int s = our_listener(1);

    name_lengths(us->getsockname, s);
    us->close(s);
}

CASE(getpeername_lengths)
{
    int peer, s = connected(&peer);

    name_lengths(us->getpeername, s);
    done(s, peer);
}

/* --- connect
 * ----------------------------------------------------------------------------------------- */

static void try_connect(const char *addr, uint16_t port)
{
    int s = stream_socket();

    no_block(s, true);
    told("connect", connect_to(s, addr, port));
    say_poll(s);
    us->close(s);
}

CASE(connect_to_a_broadcast_address)
{
    try_connect("255.255.255.255", 9);
}
CASE(connect_to_the_links_broadcast)
{
    try_connect("10.9.0.255", 9);
}
CASE(connect_to_a_group)
{
    try_connect("224.0.0.1", 9);
}
CASE(connect_without_a_route)
{
    try_connect("192.0.2.1", 9);
}

CASE(connect_refused_blocking)
{
    int s = stream_socket();

    told("connect", connect_to(s, PEER_ADDR, closed_port(SOCK_STREAM)));
    say_option("SO_ERROR", s, SOL_SOCKET, SO_ERROR);
    say_poll(s);
    us->close(s);
}

CASE(connect_again_after_a_refusal)
{
    uint16_t port;
    int s = stream_socket(), listener = peer_listener(&port, 1);

    told("refused", connect_to(s, PEER_ADDR, closed_port(SOCK_STREAM)));
    told("connect", connect_to(s, PEER_ADDR, port));
    say_poll(s);
    us->close(s);
    close(listener);
}

CASE(connect_refused_is_told_once_by_connect)
{
    int s = stream_socket();
    uint16_t port = closed_port(SOCK_STREAM);

    no_block(s, true);
    told("connect", connect_to(s, PEER_ADDR, port));
    await(s, POLLHUP);
    told("told", connect_to(s, PEER_ADDR, port));
    say_option("SO_ERROR", s, SOL_SOCKET, SO_ERROR);
    us->close(s);
}

CASE(connect_non_blocking_life)
{
    uint16_t port;
    int listener = peer_listener(&port, 1), s = stream_socket();

    no_block(s, true);
    told("connect", connect_to(s, PEER_ADDR, port));
    await(s, POLLOUT);
    say_option("SO_ERROR", s, SOL_SOCKET, SO_ERROR);
    told("again", connect_to(s, PEER_ADDR, port));
    told("and again", connect_to(s, PEER_ADDR, port));
    us->close(s);
    close(listener);
}

CASE(connect_in_progress_by_sndtimeo)
{
    uint16_t port;
    int s = stream_socket(), listener = peer_full_listener(&port);
    struct timeval limit = {0, 100000};

    us->setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    told("connect", connect_to(s, PEER_ADDR, port));
    told("again", connect_to(s, PEER_ADDR, port));
    say_option("SO_ERROR", s, SOL_SOCKET, SO_ERROR);
    us->close(s);
    close(listener);
}

CASE(connect_to_port_zero)
{
    try_connect(PEER_ADDR, 0);
}

CASE(connect_after_bind_keeps_the_port)
{
    uint16_t port;
    int listener = peer_listener(&port, 1), s = stream_socket();

    bind_to(s, "0.0.0.0", 0);
    uint16_t own = port_of(s);
    told("connect", connect_to(s, PEER_ADDR, port));
    say("the port %s", port_of(s) == own ? "stays" : "changes");
    struct sockaddr_storage name;
    socklen_t len = sizeof name;
    say_name("name", us->getsockname(s, (struct sockaddr *)&name, &len), &name, len);
    us->close(s);
    close(listener);
}

CASE(connect_listen_after_disconnect)
{
    int peer, s = connected(&peer);
    struct sockaddr none = {.sa_family = AF_UNSPEC};

    told("disconnect", us->connect(s, &none, sizeof none));
    peer_hears(peer, 1);
    told("listen", us->listen(s, 1));
    int caller = peer_call(port_of(s));
    await(s, POLLIN);
    int got = us->accept(s, NULL, NULL);
    say("accepted: %d", got >= 0);
    us->close(got);
    close(caller);
    done(s, peer);
}

/* --- accept
 * -------------------------------------------------------------------------------------------- */

static void try_accept4(int flags)
{
    int listener = our_listener(3), peer = peer_call(port_of(listener));

    await(listener, POLLIN);
    int s = us->accept4(listener, NULL, NULL, flags);
    if (s < 0) {
        told("accept4", s);
    } else {
        told("F_GETFL", us->fcntl(s, F_GETFL, 0));
        us->close(s);
    }
    us->close(listener);
    close(peer);
}

CASE(accept4_plain)
{
    try_accept4(0);
}
CASE(accept4_non_blocking)
{
    try_accept4(SOCK_NONBLOCK);
}
CASE(accept4_with_an_unknown_flag)
{
    try_accept4(0x10);
}

CASE(accept_does_not_inherit_non_blocking)
{
    int listener = our_listener(3), peer = peer_call(port_of(listener));

    no_block(listener, true);
    await(listener, POLLIN);
    int s = us->accept(listener, NULL, NULL);
    told("F_GETFL", us->fcntl(s, F_GETFL, 0));
    told("empty", us->accept(listener, NULL, NULL));
    us->close(s);
    us->close(listener);
    close(peer);
}

CASE(accept_inherits_options)
{
    int listener = our_listener(3);
    struct linger linger = {1, 7};

    set_int(listener, IPPROTO_TCP, TCP_NODELAY, 1);
    set_int(listener, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_int(listener, IPPROTO_TCP, TCP_KEEPIDLE, 33);
    set_int(listener, IPPROTO_TCP, TCP_KEEPINTVL, 11);
    set_int(listener, IPPROTO_TCP, TCP_KEEPCNT, 4);
    set_int(listener, IPPROTO_TCP, TCP_USER_TIMEOUT, 4000);
    set_int(listener, IPPROTO_IP, IP_TTL, 33);
    set_int(listener, SOL_SOCKET, SO_RCVBUF, 20000);
    set_int(listener, SOL_SOCKET, SO_PRIORITY, 3);
    us->setsockopt(listener, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    int peer = peer_call(port_of(listener));
    await(listener, POLLIN);
    int s = us->accept(listener, NULL, NULL);
    say_option("TCP_NODELAY", s, IPPROTO_TCP, TCP_NODELAY);
    say_option("SO_KEEPALIVE", s, SOL_SOCKET, SO_KEEPALIVE);
    say_option("TCP_KEEPIDLE", s, IPPROTO_TCP, TCP_KEEPIDLE);
    say_option("TCP_KEEPINTVL", s, IPPROTO_TCP, TCP_KEEPINTVL);
    say_option("TCP_KEEPCNT", s, IPPROTO_TCP, TCP_KEEPCNT);
    say_option("TCP_USER_TIMEOUT", s, IPPROTO_TCP, TCP_USER_TIMEOUT);
    say_option("IP_TTL", s, IPPROTO_IP, IP_TTL);
    say_option("SO_RCVBUF", s, SOL_SOCKET, SO_RCVBUF);
    say_option("SO_PRIORITY", s, SOL_SOCKET, SO_PRIORITY);
    say_option("SO_LINGER", s, SOL_SOCKET, SO_LINGER);
    say_option("SO_ACCEPTCONN", s, SOL_SOCKET, SO_ACCEPTCONN);
    us->setsockopt(s, SOL_SOCKET, SO_LINGER, &(struct linger){0, 0}, sizeof linger);
    us->close(s);
    us->close(listener);
    close(peer);
}

CASE(accept_name_lengths)
{
    static const socklen_t lens[] = {0, 4, 16, 64};
    int listener = our_listener(9);

    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        int peer = peer_call(port_of(listener));
        unsigned char name[64];
        socklen_t len = lens[i];
        memset(name, 0xee, sizeof name);
        await(listener, POLLIN);
        int s = us->accept(listener, (struct sockaddr *)name, &len);
        say("accepted %d, length %u, octets %02x %02x %02x", s >= 0, len, name[0], name[4],
            name[16]);
        us->close(s);
        close(peer);
    }
    us->close(listener);
}

CASE(accept_of_whom_reset_already)
{
    int listener = our_listener(3), peer = peer_call(port_of(listener));
    char octet;

    await(listener, POLLIN);
    peer_resets(peer);
    usleep(50000);
    say_poll(listener);
    no_block(listener, true);
    int s = us->accept(listener, NULL, NULL);
    say("accepted %d", s >= 0);
    if (s >= 0) {
        told("recv", us->recv(s, &octet, 1, 0));
        us->close(s);
    }
    us->close(listener);
}

CASE(accept_times_out)
{
    int s = our_listener(1);
    struct timeval limit = {0, 50000};

    us->setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    told("accept", us->accept(s, NULL, NULL));
    us->close(s);
}

/* How many of eight callers are connected within a moment. */
static void backlog(int length)
{
    int listener = our_listener(length), callers[8], count = 0;
    struct sockaddr_in to = addr_of(OUR_ADDR, port_of(listener));

    for (int i = 0; i < 8; i++) {
        callers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(callers[i], (struct sockaddr *)&to, sizeof to);
        struct pollfd fd = {callers[i], POLLOUT, 0};
        if (poll(&fd, 1, 60) != 1)
            break;
    }
    no_block(listener, true);
    for (int s; (s = us->accept(listener, NULL, NULL)) >= 0; count++)
        us->close(s);
    say("backlog %d: %d are accepted", length, count);
    us->close(listener);
    for (int i = 0; i < 8; i++)
        close(callers[i]);
}

CASE(backlog_of_one)
{
    backlog(1);
}
CASE(backlog_of_three)
{
    backlog(3);
}
CASE(backlog_of_nothing)
{
    backlog(0);
}
CASE(backlog_below_nothing)
{
    backlog(-1);
}

/* --- octets
 * -------------------------------------------------------------------------------------------- */

CASE(waitall_gets_both_halves)
{
    int peer, s = connected(&peer);
    char text[10];

    peer_say(peer, "abc");
    peer_say(peer, "defghij");
    say_text("recv", us->recv(s, text, sizeof text, MSG_WAITALL), text);
    done(s, peer);
}

CASE(waitall_ends_with_the_stream)
{
    int peer, s = connected(&peer);
    char text[10];

    peer_say(peer, "abc");
    shutdown(peer, SHUT_WR);
    say_text("recv", us->recv(s, text, sizeof text, MSG_WAITALL), text);
    say_text("recv", us->recv(s, text, sizeof text, MSG_WAITALL), text);
    done(s, peer);
}

CASE(waitall_gives_up_in_time)
{
    int peer, s = connected(&peer);
    char text[10];
    struct timeval limit = {0, 100000};

    us->setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    peer_say(peer, "abc");
    say_text("recv", us->recv(s, text, sizeof text, MSG_WAITALL), text);
    told("then", us->recv(s, text, sizeof text, MSG_WAITALL));
    done(s, peer);
}

CASE(waitall_with_dontwait)
{
    int peer, s = connected(&peer);
    char text[10];

    peer_say(peer, "abc");
    await(s, POLLIN);
    say_text("recv", us->recv(s, text, sizeof text, MSG_WAITALL | MSG_DONTWAIT), text);
    told("then", us->recv(s, text, sizeof text, MSG_DONTWAIT));
    done(s, peer);
}

CASE(peek_then_read_in_pieces)
{
    int peer, s = connected(&peer);
    char text[20];

    peer_say(peer, "abcdef");
    await(s, POLLIN);
    say_text("peek", us->recv(s, text, sizeof text, MSG_PEEK), text);
    say_text("read", us->read(s, text, 2), text);
    say_text("peek", us->recv(s, text, 3, MSG_PEEK), text);
    say_text("trunc", us->recv(s, text, 2, MSG_TRUNC), "--");
    say_text("read", us->read(s, text, sizeof text), text);
    told("none", us->recv(s, text, 1, MSG_PEEK | MSG_DONTWAIT));
    done(s, peer);
}

CASE(peek_and_trunc_of_a_stream)
{
    int peer, s = connected(&peer);
    char text[20] = "------";

    peer_say(peer, "abcdef");
    await(s, POLLIN);
    told("peek", us->recv(s, text, 4, MSG_PEEK | MSG_TRUNC));
    say_text("read", us->read(s, text, sizeof text), text);
    done(s, peer);
}

CASE(read_and_write_in_vectors)
{
    int peer, s = connected(&peer);
    char a[2], b[1], c[9];
    struct iovec out[3] = {{(char[]){"ab"}, 2}, {NULL, 0}, {(char[]){"cde"}, 3}};
    struct iovec in[4] = {{a, 2}, {NULL, 0}, {b, 1}, {c, 9}};

    told("writev", us->writev(s, out, 3));
    peer_hears(peer, 5);
    peer_say(peer, "vwxyz");
    await(s, POLLIN);
    told("readv", us->readv(s, in, 4));
    say("'%.2s' '%.1s' '%.2s'", a, b, c);
    done(s, peer);
}

CASE(vector_edges)
{
    int peer, s = connected(&peer);
    static struct iovec iov[1025];
    char octet = 'x';

    no_block(s, true);
    for (int i = 0; i < 1025; i++)
        iov[i] = (struct iovec){&octet, i < 5};
    told("writev -1", us->writev(s, iov, -1));
    told("writev 1024", us->writev(s, iov, 1024));
    told("writev 1025", us->writev(s, iov, 1025));
    told("readv -1", us->readv(s, iov, -1));
    told("readv 1025", us->readv(s, iov, 1025));
    told("readv 0", us->readv(s, iov, 0));
    told("readv 1024", us->readv(s, iov, 1024));
    told("writev null", us->writev(s, NULL, 1));
    iov[0].iov_len = (size_t)-1;
    told("writev of a negative length", us->writev(s, iov, 1));
    told("readv of a negative length", us->readv(s, iov, 1));
    iov[0] = (struct iovec){NULL, 4};
    told("writev from null", us->writev(s, iov, 1));
    peer_hears(peer, 5);
    done(s, peer);
}

CASE(sendmsg_edges)
{
    int peer, s = connected(&peer);
    static struct iovec iov[1025];
    struct sockaddr_in name = addr_of(NOBODY_ADDR, 9);
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 1025};
    char text[20];

    told("1025", us->sendmsg(s, &msg, 0));
    told("recv 1025", us->recvmsg(s, &msg, MSG_DONTWAIT));
    msg.msg_iovlen = 1;
    iov[0] = (struct iovec){(char[]){"abc"}, 3};
    msg.msg_name = &name;
    msg.msg_namelen = sizeof name;
    told("to somebody else", us->sendmsg(s, &msg, 0));
    peer_hears(peer, 3);
    peer_say(peer, "hello");
    await(s, POLLIN);
    iov[0] = (struct iovec){text, 20};
    msg.msg_flags = 0x7777;
    say_text("recvmsg", us->recvmsg(s, &msg, 0), text);
    say("namelen %u, flags %#x", msg.msg_namelen, (unsigned)msg.msg_flags);
    told("null", us->sendmsg(s, NULL, 0));
    told("null", us->recvmsg(s, NULL, MSG_DONTWAIT));
    done(s, peer);
}

CASE(sendto_on_a_stream)
{
    int peer, s = connected(&peer);
    struct sockaddr_in name = addr_of(NOBODY_ADDR, 9);

    told("whole", us->sendto(s, "abc", 3, 0, (struct sockaddr *)&name, sizeof name));
    told("short", us->sendto(s, "abc", 3, 0, (struct sockaddr *)&name, 3));
    told("long", us->sendto(s, "abc", 3, 0, (struct sockaddr *)&name, 1000));
    told("null", us->sendto(s, "abc", 3, 0, NULL, 16));
    done(s, peer);
}

CASE(send_flags_unknown)
{
    int peer, s = connected(&peer);

    static const int flags[] = {MSG_EOR,  MSG_CONFIRM, MSG_DONTROUTE, MSG_TRUNC,
                                MSG_PEEK, MSG_WAITALL, MSG_MORE};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        say("flag %#x", (unsigned)flags[i]);
        told("send", us->send(s, "a", 1, flags[i]));
    }
    done(s, peer);
}

CASE(recv_flags_unknown)
{
    int peer, s = connected(&peer);
    char octet;
    static const int flags[] = {MSG_EOR,  MSG_CONFIRM,  MSG_DONTROUTE,
                                MSG_MORE, MSG_NOSIGNAL, MSG_ERRQUEUE};

    peer_say(peer, "abcdefgh");
    await(s, POLLIN);
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        say("flag %#x", (unsigned)flags[i]);
        say_text("recv", us->recv(s, &octet, 1, flags[i]), &octet);
    }
    done(s, peer);
}

static volatile sig_atomic_t pipes;

static void on_pipe(int number)
{
    (void)number;
    pipes++;
}

CASE(sigpipe)
{
    int peer, s = connected(&peer);
    struct iovec iov = {(char[]){"a"}, 1};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

    pipes = 0;
    signal(SIGPIPE, on_pipe);
    us->shutdown(s, SHUT_WR);
    told("write", us->write(s, "a", 1));
    say("%d signals", (int)pipes);
    told("send", us->send(s, "a", 1, MSG_NOSIGNAL));
    say("%d signals", (int)pipes);
    told("writev", us->writev(s, &iov, 1));
    say("%d signals", (int)pipes);
    told("sendmsg", us->sendmsg(s, &msg, 0));
    say("%d signals", (int)pipes);
    told("nothing", us->write(s, "", 0));
    say("%d signals", (int)pipes);
    signal(SIGPIPE, SIG_IGN);
    done(s, peer);
}

CASE(sigpipe_of_a_fresh_socket)
{
    int s = stream_socket();

    pipes = 0;
    signal(SIGPIPE, on_pipe);
    told("write", us->write(s, "a", 1));
    say("%d signals", (int)pipes);
    signal(SIGPIPE, SIG_IGN);
    us->close(s);
}

/* --- partial writes
 * -------------------------------------------------------------------------------------- */

/* Fills what fits on both sides; the counts are the sides' own. */
static void fill(int s)
{
    static char octets[65536];
    struct pollfd fd = {s, POLLOUT, 0};

    no_block(s, true);
    do
        while (us->send(s, octets, sizeof octets, MSG_NOSIGNAL) > 0)
            continue;
    while (us->poll(&fd, 1, 100) == 1 || us->send(s, octets, 1, MSG_NOSIGNAL) > 0);
}

CASE(full_is_eagain_and_not_writable)
{
    int peer, s = connected(&peer);

    fill(s);
    told("send", us->send(s, "a", 1, 0));
    say_poll(s);
    char octets[65536];
    for (int i = 0; i < 400 && recv(peer, octets, sizeof octets, MSG_DONTWAIT) != 0; i++)
        usleep(500);
    await(s, POLLOUT);
    say("send: %d", us->send(s, "a", 1, 0) == 1);
    done(s, peer);
}

CASE(full_write_is_partial)
{
    int peer, s = connected(&peer);
    static char octets[16 << 20];
    ssize_t n;

    no_block(s, true);
    n = us->write(s, octets, sizeof octets);
    say("partial: %d", n > 0 && n < (ssize_t)sizeof octets);
    done(s, peer);
}

CASE(full_and_sndtimeo)
{
    int peer, s = connected(&peer);
    struct timeval limit = {0, 100000};

    fill(s);
    no_block(s, false);
    us->setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    told("send", us->send(s, "a", 1, 0));
    done(s, peer);
}

CASE(full_then_the_peer_resets)
{
    int peer, s = connected(&peer);

    fill(s);
    peer_resets(peer);
    await(s, POLLERR);
    say_poll(s);
    told("send", us->send(s, "a", 1, MSG_NOSIGNAL));
    told("again", us->send(s, "a", 1, MSG_NOSIGNAL));
    us->close(s);
}

/* --- ends
 * ------------------------------------------------------------------------------------------------
 */

CASE(half_close_of_ours_still_reads)
{
    int peer, s = connected(&peer);
    char text[20];

    told("send", us->send(s, "bye", 3, 0));
    told("shutdown", us->shutdown(s, SHUT_WR));
    peer_hears(peer, 20);
    peer_say(peer, "still here");
    say_text("recv", us->recv(s, text, sizeof text, 0), text);
    close(peer);
    say_text("recv", us->recv(s, text, sizeof text, 0), text);
    us->close(s);
}

CASE(half_close_of_the_peers_still_writes)
{
    int peer, s = connected(&peer);
    char text[20];

    shutdown(peer, SHUT_WR);
    say_text("recv", us->recv(s, text, sizeof text, 0), text);
    told("send", us->send(s, "still here", 10, 0));
    us->close(s);
    peer_hears(peer, 20);
    close(peer);
}

CASE(shutdown_rd_and_text_that_comes)
{
    int peer, s = connected(&peer);
    char text[20];

    us->shutdown(s, SHUT_RD);
    say_text("recv", us->recv(s, text, sizeof text, 0), text);
    peer_say(peer, "hello");
    usleep(50000);
    say_poll(s);
    say_text("recv", us->recv(s, text, sizeof text, MSG_DONTWAIT), text);
    say_text("recv", us->recv(s, text, sizeof text, MSG_DONTWAIT), text);
    done(s, peer);
}

CASE(close_with_text_unread_resets)
{
    int peer, s = connected(&peer);

    peer_say(peer, "hello");
    await(s, POLLIN);
    us->close(s);
    peer_hears(peer, 1);
    close(peer);
}

CASE(close_with_linger_of_nothing_resets)
{
    int peer, s = connected(&peer);
    struct linger linger = {1, 0};

    us->setsockopt(s, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    us->close(s);
    peer_hears(peer, 1);
    close(peer);
}

CASE(close_with_linger_waits)
{
    int peer, s = connected(&peer);
    struct linger linger = {1, 1};
    struct timespec from, to;

    fill(s);
    no_block(s, false);
    us->setsockopt(s, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    clock_gettime(CLOCK_MONOTONIC, &from);
    told("close", us->close(s));
    clock_gettime(CLOCK_MONOTONIC, &to);
    double seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
    say("it took about a second: %d", seconds > 0.9 && seconds < 2);
    close(peer);
}

CASE(close_sends_what_was_written)
{
    int peer, s = connected(&peer);

    told("send", us->send(s, "last words", 10, 0));
    told("close", us->close(s));
    peer_hears(peer, 20);
    close(peer);
}

CASE(send_after_the_peer_closed)
{
    int peer, s = connected(&peer);
    char text[4];

    close(peer);
    await(s, POLLRDHUP);
    told("send", us->send(s, "a", 1, MSG_NOSIGNAL));
    await(s, POLLERR);
    say_poll(s);
    told("send", us->send(s, "a", 1, MSG_NOSIGNAL));
    say_text("recv", us->recv(s, text, 4, 0), text);
    say_option("SO_ERROR", s, SOL_SOCKET, SO_ERROR);
    us->close(s);
}

CASE(reset_is_told_once)
{
    int peer, s = connected(&peer);
    char text[4];

    peer_resets(peer);
    await(s, POLLERR);
    told("recv", us->recv(s, text, 4, 0));
    told("recv", us->recv(s, text, 4, 0));
    told("send", us->send(s, "a", 1, MSG_NOSIGNAL));
    say_option("SO_ERROR", s, SOL_SOCKET, SO_ERROR);
    us->close(s);
}

CASE(reset_in_so_error_once)
{
    int peer, s = connected(&peer);
    char text[4];

    peer_resets(peer);
    await(s, POLLERR);
    say_option("SO_ERROR", s, SOL_SOCKET, SO_ERROR);
    say_option("SO_ERROR", s, SOL_SOCKET, SO_ERROR);
    told("recv", us->recv(s, text, 4, 0));
    told("send", us->send(s, "a", 1, MSG_NOSIGNAL));
    us->close(s);
}

CASE(rcvtimeo)
{
    int peer, s = connected(&peer);
    char text[4];
    struct timeval limit = {0, 50000};

    us->setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    told("recv", us->recv(s, text, 4, 0));
    told("read", us->read(s, text, 4));
    told("peek", us->recv(s, text, 4, MSG_PEEK));
    done(s, peer);
}

CASE(ioctl_counts)
{
    int peer, s = connected(&peer), count;

    peer_say(peer, "hello");
    await(s, POLLIN);
    told("FIONREAD", us->ioctl(s, FIONREAD, &count));
    say("%d", count);
    told("null", us->ioctl(s, FIONREAD, NULL));
    told("unknown", us->ioctl(s, 0x12345678UL, &count));
    count = 1;
    told("FIONBIO", us->ioctl(s, FIONBIO, &count));
    told("F_GETFL", us->fcntl(s, F_GETFL, 0));
    us->send(s, "abc", 3, 0);
    await_sent(s);
    told("SIOCOUTQNSD", us->ioctl(s, SIOCOUTQNSD, &count));
    say("%d", count);
    shutdown(peer, SHUT_WR);
    await(s, POLLRDHUP);
    told("FIONREAD with an end", us->ioctl(s, FIONREAD, &count));
    say("%d", count);
    done(s, peer);
}

CASE(fcntl_commands)
{
    int s = stream_socket();

    told("F_GETFD", us->fcntl(s, F_GETFD, 0));
    told("F_SETFD", us->fcntl(s, F_SETFD, FD_CLOEXEC));
    told("F_GETFD", us->fcntl(s, F_GETFD, 0));
    told("F_SETFL", us->fcntl(s, F_SETFL, O_NONBLOCK | O_RDONLY | O_CREAT));
    told("F_GETFL", us->fcntl(s, F_GETFL, 0));
    told("unknown", us->fcntl(s, 9999, 0));
    us->close(s);
}
