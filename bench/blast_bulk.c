/*
 * blast_bulk.c - octets one way or both: connections to discard that send, and connections from
 * chargen that receive, in one loop.
 *
 * What is sent counts when the kernel takes it, what is received when it is here. The difference is
 * what lies in buffers, which are full before counting begins and full when it ends.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "blast.h"

enum { CHUNK = 256 * 1024, READY_MAX = 64 };

static char octets[CHUNK];

static void watch(int epoll, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};

    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        die("epoll_ctl");
}

/* One call for one connection: octets that moved. */
static uint64_t move(const struct epoll_event *event)
{
    bool out = event->events & EPOLLOUT;
    ssize_t n = out ? send(event->data.fd, octets, sizeof octets, MSG_NOSIGNAL)
                    : recv(event->data.fd, octets, sizeof octets, 0);

    if (n < 0 && errno == EAGAIN)
        return 0;
    if (n == 0)
        errno = ECONNRESET; /* chargen never ends */
    if (n <= 0)
        die(out ? "send" : "recv");
    return (uint64_t)n;
}

int bulk(struct in_addr host, double seconds, int push, int pull)
{
    static struct epoll_event ready[READY_MAX];
    uint64_t pushed = 0, pulled = 0;
    int64_t first = 0, t = 0;

    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0)
        die("epoll");
    for (int i = 0; i < push; i++)
        watch(epoll, tcp_connection(host, PORT_DISCARD), EPOLLOUT);
    for (int i = 0; i < pull; i++)
        watch(epoll, tcp_connection(host, PORT_CHARGEN), EPOLLIN);
    struct span span = span_of(seconds);
    while (t < span.end) {
        int n = epoll_wait(epoll, ready, READY_MAX, 1000);
        for (int i = 0; i < n; i++) {
            uint64_t moved = move(&ready[i]);
            *(ready[i].events & EPOLLOUT ? &pushed : &pulled) += moved;
        }
        t = now_ns();
        if (!first && t >= span.start) {
            first = t;
            pushed = pulled = 0;
        }
    }
    double took = (double)(t - first) / 1e9;
    printf("{\"push_octets_per_s\":%.0f,\"pull_octets_per_s\":%.0f}\n", (double)pushed / took,
           (double)pulled / took);
    return 0;
}
