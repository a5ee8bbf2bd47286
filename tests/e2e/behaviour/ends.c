/*
 * ends.c - cases of a TCP connection that is full, is waited for, or ends.
 */
#include <time.h>

#include "behaviour.h"

static void done(int s, int peer)
{
    us->close(s);
    peer_resets(peer);
}

/* --- partial writes --------------------------------------------------------------------------- */

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

/* --- ends ------------------------------------------------------------------------------------- */

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
