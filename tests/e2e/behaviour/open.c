/*
 * open.c - cases of how a TCP connection begins: connect, accept, backlog.
 */
#include "behaviour.h"

static void done(int s, int peer)
{
    us->close(s);
    peer_resets(peer);
}

/* --- connect ---------------------------------------------------------------------------------- */

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

/* --- accept ----------------------------------------------------------------------------------- */

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
