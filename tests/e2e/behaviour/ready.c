/*
 * ready.c - cases of poll(), select() and epoll: what they take, and which events tell of what.
 */
#include <stdlib.h>
#include <time.h>

#include "behaviour.h"

static void done(int s, int peer)
{
    us->close(s);
    if (peer >= 0)
        peer_resets(peer);
}

CASE(poll_arguments)
{
    struct pollfd fds[2] = {{-1, POLLIN, 99}, {900, POLLIN, 0}};

    told("none", us->poll(NULL, 0, 0));
    told("null", us->poll(NULL, 1, 0));
    told("poll", us->poll(fds, 2, 0));
    say("%d %d", fds[0].revents, fds[1].revents);
}

CASE(poll_tells_only_what_was_asked)
{
    int peer, s = connected(&peer);
    struct pollfd fds[3] = {{s, POLLIN, 0}, {s, POLLOUT, 0}, {s, 0, 0}};

    told("poll", us->poll(fds, 3, 0));
    say("%d %d %d", fds[0].revents, fds[1].revents, fds[2].revents);
    peer_resets(peer);
    fds[2].revents = 0;
    told("poll", us->poll(&fds[2], 1, 2000));
    say("%#x", (unsigned)fds[2].revents);
    us->close(s);
}

CASE(poll_through_a_life)
{
    int peer, s = connected(&peer);
    char text[10];

    say_poll(s);
    peer_say(peer, "hello");
    await(s, POLLIN);
    say_poll(s);
    us->recv(s, text, 10, 0);
    say_poll(s);
    shutdown(peer, SHUT_WR);
    await(s, POLLRDHUP);
    say_poll(s);
    us->shutdown(s, SHUT_WR);
    await(s, POLLHUP);
    say_poll(s);
    done(s, peer);
}

CASE(poll_other_names_of_events)
{
    int peer, s = connected(&peer);
    struct pollfd fd = {s, POLLRDNORM | POLLRDBAND | POLLWRNORM | POLLWRBAND, 0};

    peer_say(peer, "hello");
    await(s, POLLIN);
    told("poll", us->poll(&fd, 1, 0));
    say("%#x", (unsigned)fd.revents);
    done(s, peer);
}

CASE(poll_waits_as_long_as_told)
{
    int peer, s = connected(&peer);
    struct pollfd fd = {s, POLLIN, 0};
    struct timespec from, to;

    clock_gettime(CLOCK_MONOTONIC, &from);
    told("poll", us->poll(&fd, 1, 50));
    clock_gettime(CLOCK_MONOTONIC, &to);
    long ms = (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000;
    say("%d", ms >= 49 && ms < 1000);
    done(s, peer);
}

static void try_select(int s, int count)
{
    fd_set in, out, other;
    struct timeval none = {0, 0};

    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_ZERO(&other);
    FD_SET(s, &in);
    FD_SET(s, &out);
    FD_SET(s, &other);
    if (told("select", us->select(count, &in, &out, &other, &none)) >= 0)
        say("%d %d %d", !!FD_ISSET(s, &in), !!FD_ISSET(s, &out), !!FD_ISSET(s, &other));
}

CASE(select_through_a_life)
{
    int peer, s = connected(&peer);

    try_select(s, s + 1);
    try_select(s, s);
    try_select(s, 0);
    peer_say(peer, "hello");
    await(s, POLLIN);
    try_select(s, s + 1);
    peer_resets(peer);
    await(s, POLLERR);
    try_select(s, s + 1);
    us->close(s);
}

CASE(select_arguments)
{
    fd_set in;
    struct timeval below = {-1, 0}, none = {0, 0};
    int s = stream_socket();

    FD_ZERO(&in);
    told("negative", us->select(-1, &in, NULL, NULL, &none));
    told("time", us->select(0, &in, NULL, NULL, &below));
    told("none", us->select(0, NULL, NULL, NULL, &none));
    FD_SET(900, &in);
    told("bad", us->select(901, &in, NULL, NULL, &none));
    try_select(s, s + 1);
    us->close(s);
}

static void wait_once(int epoll)
{
    struct epoll_event events[4] = {0};
    int count = us->epoll_wait(epoll, events, 4, 100);

    told("wait", count);
    for (int i = 0; i < count; i++)
        say("events %#x data %d", events[i].events, events[i].data.fd);
}

static int epoll_of(int s, uint32_t events)
{
    int epoll = us->epoll_create1(0);
    struct epoll_event event = {.events = events, .data.fd = 5};

    told("add", us->epoll_ctl(epoll, EPOLL_CTL_ADD, s, &event));
    return epoll;
}

static void epoll_life(uint32_t flags)
{
    int peer, s = connected(&peer), epoll = epoll_of(s, EPOLLIN | EPOLLRDHUP | flags);
    char text[2];
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | flags, .data.fd = 6};

    peer_say(peer, "hello");
    wait_once(epoll);
    wait_once(epoll);
    us->recv(s, text, 2, 0);
    wait_once(epoll);
    peer_say(peer, "more");
    await(s, POLLIN);
    usleep(20000);
    wait_once(epoll);
    told("mod", us->epoll_ctl(epoll, EPOLL_CTL_MOD, s, &event));
    wait_once(epoll);
    wait_once(epoll);
    shutdown(peer, SHUT_WR);
    await(s, POLLRDHUP);
    wait_once(epoll);
    us->close(epoll);
    done(s, peer);
}

CASE(epoll_level)
{
    epoll_life(0);
}
CASE(epoll_edge)
{
    epoll_life(EPOLLET);
}
CASE(epoll_oneshot)
{
    epoll_life(EPOLLONESHOT);
}
CASE(epoll_edge_and_oneshot)
{
    epoll_life(EPOLLET | EPOLLONESHOT);
}

CASE(epoll_arguments)
{
    int s = stream_socket(), epoll = us->epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};

    told("flags", us->epoll_create1(1));
    told("del", us->epoll_ctl(epoll, EPOLL_CTL_DEL, s, &event));
    told("mod", us->epoll_ctl(epoll, EPOLL_CTL_MOD, s, &event));
    told("add", us->epoll_ctl(epoll, EPOLL_CTL_ADD, s, &event));
    told("twice", us->epoll_ctl(epoll, EPOLL_CTL_ADD, s, &event));
    told("unknown", us->epoll_ctl(epoll, 77, s, &event));
    told("null", us->epoll_ctl(epoll, EPOLL_CTL_MOD, s, NULL));
    told("itself", us->epoll_ctl(epoll, EPOLL_CTL_ADD, epoll, &event));
    told("bad socket", us->epoll_ctl(epoll, EPOLL_CTL_ADD, 900, &event));
    told("bad set", us->epoll_ctl(900, EPOLL_CTL_ADD, s, &event));
    told("no set", us->epoll_ctl(s, EPOLL_CTL_ADD, s, &event));
    told("wait for none", us->epoll_wait(epoll, &event, 0, 0));
    told("wait for fewer", us->epoll_wait(epoll, &event, -1, 0));
    told("wait on a socket", us->epoll_wait(s, &event, 1, 0));
    told("wait on nothing", us->epoll_wait(900, &event, 1, 0));
    told("del without an event", us->epoll_ctl(epoll, EPOLL_CTL_DEL, s, NULL));
    us->close(s);
    us->close(epoll);
}

CASE(epoll_forgets_whom_is_closed)
{
    int peer, s = connected(&peer), epoll = epoll_of(s, EPOLLOUT);

    wait_once(epoll);
    us->close(s);
    wait_once(epoll);
    us->close(epoll);
    peer_resets(peer);
}

CASE(epoll_of_a_listener)
{
    int s = our_listener(5), epoll = epoll_of(s, EPOLLIN | EPOLLET);
    int a = peer_call(port_of(s));

    wait_once(epoll);
    wait_once(epoll);
    int b = peer_call(port_of(s));
    await(s, POLLIN);
    usleep(20000);
    wait_once(epoll);
    us->close(epoll);
    us->close(s);
    close(a);
    close(b);
}

CASE(epoll_of_a_reset)
{
    int peer, s = connected(&peer), epoll = epoll_of(s, 0);

    peer_resets(peer);
    await(s, POLLERR);
    wait_once(epoll);
    us->close(epoll);
    us->close(s);
}

CASE(epoll_of_a_non_blocking_connect)
{
    uint16_t port;
    int s = stream_socket(), listener = peer_listener(&port, 1);

    no_block(s, true);
    told("connect", connect_to(s, PEER_ADDR, port));
    int epoll = epoll_of(s, EPOLLOUT | EPOLLET);
    await(s, POLLOUT);
    wait_once(epoll);
    us->close(epoll);
    us->close(s);
    close(listener);
}

CASE(epoll_of_datagrams)
{
    int peer;
    int s = datagrams(&peer), epoll = epoll_of(s, EPOLLIN | EPOLLET);

    peer_say(peer, "one");
    wait_once(epoll);
    peer_say(peer, "two");
    wait_once(epoll);
    wait_once(epoll);
    us->close(epoll);
    us->close(s);
    close(peer);
}
