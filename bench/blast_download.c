/*
 * blast_download.c - a large file by HTTP, again and again over connections that stay.
 *
 * What counts is what has come, heads too: they are nothing beside files of 100 MB. Each answer is
 * held to its Content-Length, so a server that sends less stands still and one that sends more has
 * its surplus taken for a head, which it is not.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "blast.h"

enum { CHUNK = 256 * 1024, READY_MAX = 64, HEAD_MAX = 4096 };

struct download {
    int fd;
    uint64_t left; /* octets of the body that are still to come */
    size_t have;   /* of the head so far */
    char head[HEAD_MAX];
};

static char octets[CHUNK];
static char request[512];

static void ask(struct download *d)
{
    size_t len = strlen(request);

    if (send(d->fd, request, len, MSG_NOSIGNAL) != (ssize_t)len)
        die("send");
}

/* Some more of the head; at its end the body begins. */
static size_t take_head(struct download *d)
{
    ssize_t n = recv(d->fd, d->head + d->have, HEAD_MAX - 1 - d->have, 0);

    if (n < 0 && errno == EAGAIN)
        return 0;
    if (n <= 0)
        die("the server has closed");
    d->have += (size_t)n;
    d->head[d->have] = '\0';
    char *end = strstr(d->head, "\r\n\r\n");
    if (end) {
        size_t head = (size_t)(end + 4 - d->head);
        d->left = answer_octets(d->head, head) - d->have;
        d->have = 0;
        if (d->left == 0)
            ask(d);
    } else if (d->have == HEAD_MAX - 1) {
        fprintf(stderr, "blast: a head without end\n");
        exit(1);
    }
    return (size_t)n;
}

static size_t take_body(struct download *d)
{
    ssize_t n = recv(d->fd, octets, d->left < CHUNK ? d->left : CHUNK, 0);

    if (n < 0 && errno == EAGAIN)
        return 0;
    if (n <= 0)
        die("the server has closed");
    d->left -= (size_t)n;
    if (d->left == 0)
        ask(d);
    return (size_t)n;
}

int downloads(struct in_addr host, double seconds, int conns, const char *path)
{
    static struct epoll_event ready[READY_MAX];
    struct download *all = calloc((size_t)conns, sizeof *all);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    uint64_t came = 0;
    int64_t first = 0, t = 0;

    if (!all || epoll < 0)
        die("epoll");
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", path);
    for (int i = 0; i < conns; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
        all[i].fd = tcp_connection(host, PORT_HTTP);
        ask(&all[i]);
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].fd, &event) < 0)
            die("epoll_ctl");
    }
    struct span span = span_of(seconds);
    while (t < span.end) {
        int n = epoll_wait(epoll, ready, READY_MAX, 1000);
        for (int i = 0; i < n; i++) {
            struct download *d = ready[i].data.ptr;
            came += d->left ? take_body(d) : take_head(d);
        }
        t = now_ns();
        if (!first && t >= span.start) {
            first = t;
            came = 0;
        }
    }
    printf("{\"octets_per_s\":%.0f}\n", (double)came / ((double)(t - first) / 1e9));
    free(all);
    return 0;
}
