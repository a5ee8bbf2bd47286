/*
 * states.c - every call in every state of a socket.
 *
 * A table of states, each with what leads to it, and a table of calls; their product are cases
 * named STATE/CALL. After the call the case says what poll() tells and what SO_ERROR holds, so
 * that what a call leaves behind is seen too. The socket is non-blocking by then.
 */
#include <stdlib.h>

#include "behaviour.h"

struct subject {
    int s;
    int peer; /* or -1 */
};

/* --- states ----------------------------------------------------------------------------------- */

static struct subject only(int s)
{
    return (struct subject){s, -1};
}

static struct subject fresh(void)
{
    return only(stream_socket());
}

static struct subject closed(void)
{
    enum { NEVER_OPEN = 900 }; /* a number that no socket of the peer gets in the meantime */

    return only(NEVER_OPEN);
}

static struct subject bound(void)
{
    int s = stream_socket();

    bind_to(s, OUR_ADDR, 0);
    return only(s);
}

static struct subject listening(void)
{
    return only(our_listener(5));
}

static struct subject called(void)
{
    struct subject it = only(our_listener(5));

    it.peer = peer_call(port_of(it.s));
    await(it.s, POLLIN);
    return it;
}

static struct subject listener_shut(void)
{
    int s = our_listener(5);

    us->shutdown(s, SHUT_RD);
    return only(s);
}

static struct subject connecting(void)
{
    uint16_t port;
    struct subject it = {stream_socket(), peer_full_listener(&port)};

    no_block(it.s, true);
    connect_to(it.s, PEER_ADDR, port);
    return it;
}

static struct subject refused(void)
{
    int s = stream_socket();

    no_block(s, true);
    connect_to(s, PEER_ADDR, closed_port(SOCK_STREAM));
    await(s, POLLHUP);
    return only(s);
}

static struct subject refused_and_told(void)
{
    struct subject it = refused();
    int error;
    socklen_t len = sizeof error;

    us->getsockopt(it.s, SOL_SOCKET, SO_ERROR, &error, &len);
    return it;
}

static struct subject disconnected(void)
{
    struct subject it;
    struct sockaddr none = {.sa_family = AF_UNSPEC};

    it.s = connected(&it.peer);
    us->connect(it.s, &none, sizeof none);
    return it;
}

static struct subject established(void)
{
    struct subject it;

    it.s = connected(&it.peer);
    return it;
}

static struct subject taken(void)
{
    struct subject it;

    it.s = accepted(&it.peer);
    return it;
}

static struct subject with_text(void)
{
    struct subject it = established();

    peer_say(it.peer, "hello");
    await(it.s, POLLIN);
    return it;
}

static struct subject shut(int how)
{
    struct subject it = established();

    us->shutdown(it.s, how);
    if (how != SHUT_RD)
        await_sent(it.s);
    return it;
}

static struct subject shut_rd(void)
{
    return shut(SHUT_RD);
}

static struct subject shut_wr(void)
{
    return shut(SHUT_WR);
}

static struct subject shut_rdwr(void)
{
    return shut(SHUT_RDWR);
}

static struct subject peer_shut(void)
{
    struct subject it = established();

    shutdown(it.peer, SHUT_WR);
    await(it.s, POLLRDHUP);
    return it;
}

static struct subject peer_shut_with_text(void)
{
    struct subject it = established();

    peer_say(it.peer, "bye");
    shutdown(it.peer, SHUT_WR);
    await(it.s, POLLRDHUP);
    return it;
}

static struct subject both_shut(void)
{
    struct subject it = peer_shut();

    us->shutdown(it.s, SHUT_WR);
    await(it.s, POLLHUP);
    await_sent(it.s);
    return it;
}

/* Ours closed first, so it is in TIME-WAIT. */
static struct subject both_shut_ours_first(void)
{
    struct subject it = shut(SHUT_WR);

    shutdown(it.peer, SHUT_WR);
    await(it.s, POLLHUP);
    return it;
}

static struct subject peer_reset(void)
{
    struct subject it = established();

    peer_resets(it.peer);
    it.peer = -1;
    await(it.s, POLLERR);
    return it;
}

static struct subject peer_reset_with_text(void)
{
    struct subject it = with_text();

    peer_resets(it.peer);
    it.peer = -1;
    await(it.s, POLLERR);
    return it;
}

static struct subject udp_fresh(void)
{
    return only(datagram_socket());
}

static struct subject udp_bound(void)
{
    int s = datagram_socket();

    bind_to(s, OUR_ADDR, 0);
    return only(s);
}

static struct subject udp_connected(void)
{
    struct subject it;

    it.s = datagrams(&it.peer);
    return it;
}

static struct subject udp_with_text(void)
{
    struct subject it = udp_connected();

    peer_say(it.peer, "hello");
    await(it.s, POLLIN);
    return it;
}

static struct subject udp_with_nothing(void)
{
    struct subject it = udp_connected();

    peer_say(it.peer, "");
    await(it.s, POLLIN);
    return it;
}

static struct subject udp_refused(void)
{
    int s = datagram_socket();

    connect_to(s, PEER_ADDR, closed_port(SOCK_DGRAM));
    us->send(s, "x", 1, 0);
    await(s, POLLERR);
    return only(s);
}

static struct subject udp_shut(int how)
{
    struct subject it = udp_connected();

    us->shutdown(it.s, how);
    return it;
}

static struct subject udp_shut_rd(void)
{
    return udp_shut(SHUT_RD);
}

static struct subject udp_shut_wr(void)
{
    return udp_shut(SHUT_WR);
}

static struct subject udp_disconnected(void)
{
    struct subject it = udp_connected();
    struct sockaddr none = {.sa_family = AF_UNSPEC};

    us->connect(it.s, &none, sizeof none);
    return it;
}

static struct subject inet6_fresh(void)
{
    return only(us->socket(AF_INET6, SOCK_STREAM, 0));
}

static struct subject inet6_udp_fresh(void)
{
    return only(us->socket(AF_INET6, SOCK_DGRAM, 0));
}

static const struct state {
    const char *name;
    struct subject (*enter)(void);
} states[] = {
#define STATE(name)                                                                                \
    {                                                                                              \
#name, name                                                                                \
    }
    STATE(fresh),
    STATE(closed),
    STATE(bound),
    STATE(listening),
    STATE(called),
    STATE(listener_shut),
    STATE(connecting),
    STATE(refused),
    STATE(refused_and_told),
    STATE(disconnected),
    STATE(established),
    STATE(taken),
    STATE(with_text),
    STATE(shut_rd),
    STATE(shut_wr),
    STATE(shut_rdwr),
    STATE(peer_shut),
    STATE(peer_shut_with_text),
    STATE(both_shut),
    STATE(both_shut_ours_first),
    STATE(peer_reset),
    STATE(peer_reset_with_text),
    STATE(udp_fresh),
    STATE(udp_bound),
    STATE(udp_connected),
    STATE(udp_with_text),
    STATE(udp_with_nothing),
    STATE(udp_refused),
    STATE(udp_shut_rd),
    STATE(udp_shut_wr),
    STATE(udp_disconnected),
    STATE(inet6_fresh),
    STATE(inet6_udp_fresh),
};

/* --- calls ------------------------------------------------------------------------------------ */

static void do_bind(int s)
{
    told("bind", bind_to(s, OUR_ADDR, 0));
}

static void do_bind_short(int s)
{
    struct sockaddr_in addr = addr_of(OUR_ADDR, 0);

    told("bind", us->bind(s, (struct sockaddr *)&addr, 4));
}

static void do_listen(int s)
{
    told("listen", us->listen(s, 3));
}

static void do_connect(int s)
{
    uint16_t port;
    int listener = peer_listener(&port, 3);

    int result = connect_to(s, PEER_ADDR, port);
    bool goes_on = result < 0 && errno == EINPROGRESS;
    told("connect", result);
    if (goes_on)
        await(s, POLLOUT);
    say_poll(s);
    close(listener); /* resets whom it did not accept */
    if (goes_on)
        await(s, POLLERR);
}

static void do_connect_unspec(int s)
{
    struct sockaddr none = {.sa_family = AF_UNSPEC};

    told("connect", us->connect(s, &none, sizeof none));
}

static void do_connect_short(int s)
{
    struct sockaddr_in addr = addr_of(PEER_ADDR, 9);

    told("connect", us->connect(s, (struct sockaddr *)&addr, 4));
}

static void do_accept(int s)
{
    struct sockaddr_storage from;
    socklen_t len = sizeof from;
    int got = us->accept(s, (struct sockaddr *)&from, &len);

    say_name("accept", got, &from, len);
    if (got >= 0)
        us->close(got);
}

static void do_shutdown_rd(int s)
{
    told("shutdown", us->shutdown(s, SHUT_RD));
}

static void do_shutdown_wr(int s)
{
    told("shutdown", us->shutdown(s, SHUT_WR));
}

static void do_shutdown_rdwr(int s)
{
    told("shutdown", us->shutdown(s, SHUT_RDWR));
}

static void do_shutdown_other(int s)
{
    told("shutdown", us->shutdown(s, 3));
}

static void do_getsockname(int s)
{
    struct sockaddr_storage name;
    socklen_t len = sizeof name;

    say_name("name", us->getsockname(s, (struct sockaddr *)&name, &len), &name, len);
}

static void do_getpeername(int s)
{
    struct sockaddr_storage name;
    socklen_t len = sizeof name;

    say_name("peer", us->getpeername(s, (struct sockaddr *)&name, &len), &name, len);
}

static int type_of(int s)
{
    int type = 0;
    socklen_t len = sizeof type;

    us->getsockopt(s, SOL_SOCKET, SO_TYPE, &type, &len);
    return type;
}

static void do_send(int s)
{
    told("send", us->send(s, "abc", 3, MSG_NOSIGNAL));
    if (type_of(s) == SOCK_STREAM) /* a second datagram may be refused sooner or later */
        told("again", us->send(s, "abc", 3, MSG_NOSIGNAL));
}

static void do_send_nothing(int s)
{
    told("send", us->send(s, "", 0, MSG_NOSIGNAL));
}

static void do_send_null(int s)
{
    told("send", us->send(s, NULL, 3, MSG_NOSIGNAL));
}

static void do_send_oob(int s)
{
    told("send", us->send(s, "abc", 3, MSG_NOSIGNAL | MSG_OOB));
}

static void do_write_nothing(int s)
{
    told("write", us->write(s, "", 0));
}

static void do_writev_nothing(int s)
{
    told("writev", us->writev(s, NULL, 0));
}

static void do_sendto(int s)
{
    uint16_t port;
    int peer = peer_datagram(&port);
    struct sockaddr_in to = addr_of(PEER_ADDR, port);

    told("sendto", us->sendto(s, "abc", 3, MSG_NOSIGNAL, (struct sockaddr *)&to, sizeof to));
    close(peer);
}

static void do_sendmsg_empty(int s)
{
    struct msghdr msg = {0};

    told("sendmsg", us->sendmsg(s, &msg, MSG_NOSIGNAL));
}

static void do_recv(int s)
{
    char text[20];

    for (int i = 0; i < 3; i++)
        say_text("recv", us->recv(s, text, sizeof text, 0), text);
}

static void do_recv_nothing(int s)
{
    char text[1];

    told("recv", us->recv(s, text, 0, 0));
    told("again", us->recv(s, text, 0, 0));
}

static void do_recv_null(int s)
{
    told("recv", us->recv(s, NULL, 3, 0));
    char text[20];
    say_text("then", us->recv(s, text, sizeof text, 0), text);
}

static void do_recv_oob(int s)
{
    char text[20];

    told("recv", us->recv(s, text, sizeof text, MSG_OOB));
}

static void do_peek(int s)
{
    char text[20];

    for (int i = 0; i < 2; i++)
        say_text("peek", us->recv(s, text, 2, MSG_PEEK), text);
}

static void do_recv_trunc(int s)
{
    char text[20];

    told("recv", us->recv(s, text, 2, MSG_TRUNC));
    told("again", us->recv(s, text, 2, MSG_TRUNC));
}

static void do_read_nothing(int s)
{
    char text[1];

    told("read", us->read(s, text, 0));
}

static void do_recvfrom(int s)
{
    char text[20];
    struct sockaddr_storage from = {.ss_family = 99};
    socklen_t len = sizeof from;

    say_name("recvfrom", (int)us->recvfrom(s, text, sizeof text, 0, (struct sockaddr *)&from, &len),
             &from, len);
}

static void do_recvmsg_empty(int s)
{
    struct msghdr msg = {0};

    told("recvmsg", us->recvmsg(s, &msg, 0));
    say("flags %#x", (unsigned)msg.msg_flags);
}

static void do_fionread(int s)
{
    int count = -7;

    told("FIONREAD", us->ioctl(s, FIONREAD, &count));
    say("count %d", count);
}

static void do_outq(int s)
{
    int count = -7;

    told("SIOCOUTQ", us->ioctl(s, SIOCOUTQ, &count));
    say("count %d", count);
}

static void do_options(int s)
{
    say_option("SO_TYPE", s, SOL_SOCKET, SO_TYPE);
    say_option("SO_DOMAIN", s, SOL_SOCKET, SO_DOMAIN);
    say_option("SO_PROTOCOL", s, SOL_SOCKET, SO_PROTOCOL);
    say_option("SO_ACCEPTCONN", s, SOL_SOCKET, SO_ACCEPTCONN);
}

static void do_tcp_state(int s)
{
    unsigned char state = 99;
    socklen_t len = sizeof state;

    told("TCP_INFO", us->getsockopt(s, IPPROTO_TCP, TCP_INFO, &state, &len));
    say("state %d len %u", state, len);
}

static void do_epoll(int s)
{
    int epoll = us->epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP};

    told("add", us->epoll_ctl(epoll, EPOLL_CTL_ADD, s, &event));
    for (int i = 0; i < 2; i++) {
        event.events = 0;
        told("wait", us->epoll_wait(epoll, &event, 1, 0));
        say("events %#x", event.events);
    }
    us->close(epoll);
}

static void do_flags(int s)
{
    told("F_GETFL", us->fcntl(s, F_GETFL, 0));
    told("F_SETFL", us->fcntl(s, F_SETFL, 0));
    told("F_GETFL", us->fcntl(s, F_GETFL, 0));
}

static void do_close(int s)
{
    told("close", us->close(s));
    told("again", us->close(s));
}

static const struct call {
    const char *name;
    void (*run)(int s);
} calls[] = {
#define CALL(name)                                                                                 \
    {                                                                                              \
#name, do_##name                                                                           \
    }
    CALL(bind),           CALL(bind_short),    CALL(listen),         CALL(connect),
    CALL(connect_unspec), CALL(connect_short), CALL(accept),         CALL(shutdown_rd),
    CALL(shutdown_wr),    CALL(shutdown_rdwr), CALL(shutdown_other), CALL(getsockname),
    CALL(getpeername),    CALL(send),          CALL(send_nothing),   CALL(send_null),
    CALL(send_oob),       CALL(write_nothing), CALL(writev_nothing), CALL(sendto),
    CALL(sendmsg_empty),  CALL(recv),          CALL(recv_nothing),   CALL(recv_null),
    CALL(recv_oob),       CALL(peek),          CALL(recv_trunc),     CALL(read_nothing),
    CALL(recvfrom),       CALL(recvmsg_empty), CALL(fionread),       CALL(outq),
    CALL(options),        CALL(tcp_state),     CALL(epoll),          CALL(flags),
    CALL(close),
};

static void run_one(const struct state *state, const struct call *call)
{
    struct subject it = state->enter();

    no_block(it.s, true);
    call->run(it.s);
    say_poll(it.s);
    say_option("SO_ERROR", it.s, SOL_SOCKET, SO_ERROR);
    us->close(it.s);
    if (it.peer >= 0)
        peer_resets(it.peer);
}

void run_states(void)
{
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        for (size_t k = 0; k < sizeof calls / sizeof calls[0]; k++)
            if (case_begin(states[i].name, calls[k].name)) {
                run_one(&states[i], &calls[k]);
                case_end();
            }
}
