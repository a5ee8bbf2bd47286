/*
 * names.c - cases of a stream socket before a connection: socket(), bind(), names and lengths.
 */
#include "behaviour.h"

static void done(int s, int peer)
{
    us->close(s);
    peer_resets(peer);
}

/* --- socket() --------------------------------------------------------------------------------- */

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

/* --- addresses -------------------------------------------------------------------------------- */

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
