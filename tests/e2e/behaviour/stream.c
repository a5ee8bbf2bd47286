/*
 * stream.c - cases of a TCP connection: octets, their edges, flags, signals.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <time.h>

#include "behaviour.h"

static void done(int s, int peer)
{
    us->close(s);
    peer_resets(peer);
}

/* --- octets ----------------------------------------------------------------------------------- */

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
