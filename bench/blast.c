/*
 * blast.c - the client of scripts/bench: kernel sockets against whatever server, one figure a run.
 *
 *     blast push HOST PORT SECONDS             sends; prints octets a second
 *     blast pull HOST PORT SECONDS             receives; prints octets a second
 *     blast requests HOST PORT SECONDS CONNS   GET / over keep-alive connections, one request in
 *                                              flight on each; prints requests a second, p50 and
 * p99 in us blast hold HOST PORT COUNT               opens COUNT connections, prints "held", keeps
 * them until its input ends
 *
 * Figures are those of the time after a warm-up of WARM_UP_NS. The sockets use cubic where the
 * kernel has it, so that runs on machines with other defaults compare.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    CHUNK = 256 * 1024,
    WARM_UP_NS = 300 * 1000 * 1000,
    CONNS_MAX = 4096,
    ANSWER_MAX = 4096,
    SLOT_US = 1, /* the histogram's resolution */
    SLOTS = 200000,
};

static const char request[] = "GET / HTTP/1.1\r\nHost: bench\r\n\r\n";

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int open_connection(const struct sockaddr_in *to)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        die("socket");
    (void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5); /* where the kernel has it */
    int on = 1;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
        die("TCP_NODELAY");
    if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0)
        die("connect");
    return fd;
}

/* Moves octets one way for `seconds` after the warm-up. */
static int bulk(const struct sockaddr_in *to, long seconds, bool push)
{
    static char octets[CHUNK];
    int fd = open_connection(to);
    int64_t start = now_ns() + WARM_UP_NS;
    int64_t end = start + (int64_t)seconds * 1000000000;
    int64_t first = 0; /* when counting began */
    uint64_t count = 0;

    for (;;) {
        ssize_t n = push ? send(fd, octets, sizeof(octets), MSG_NOSIGNAL)
                         : recv(fd, octets, sizeof(octets), 0);
        if (n <= 0)
            die(push ? "send" : "recv");
        int64_t t = now_ns();
        if (first)
            count += (uint64_t)n;
        else if (t >= start)
            first = t;
        if (t >= end) {
            if (!first || t == first)
                return 1;
            printf("%.0f\n", (double)count * 1e9 / (double)(t - first));
            close(fd);
            return 0;
        }
    }
}

struct exchange {
    int fd;
    int64_t asked;
    size_t have; /* octets of the answer so far */
    char answer[ANSWER_MAX];
};

static void ask(struct exchange *x)
{
    x->have = 0;
    x->asked = now_ns();
    if (send(x->fd, request, sizeof(request) - 1, MSG_NOSIGNAL) != (ssize_t)sizeof(request) - 1)
        die("send");
}

/* Is the answer whole: its header and as many octets as Content-Length says? */
static bool answered(struct exchange *x)
{
    x->answer[x->have] = '\0';
    char *body = strstr(x->answer, "\r\n\r\n");
    if (!body)
        return false;
    if (strncmp(x->answer, "HTTP/1.1 200 ", 13) != 0) {
        fprintf(stderr, "blast: not a 200: %.40s\n", x->answer);
        exit(1);
    }
    char *length = strcasestr(x->answer, "\r\ncontent-length:");
    if (!length || length > body) {
        fprintf(stderr, "blast: an answer without Content-Length\n");
        exit(1);
    }
    size_t need = (size_t)(body + 4 - x->answer) + strtoul(length + 17, NULL, 10);
    return x->have >= need;
}

/* The time below which `share` of the answers came, in us. */
static double quantile(const uint32_t *histogram, uint64_t total, double share)
{
    uint64_t rest = (uint64_t)((double)total * share);
    for (size_t slot = 0; slot < SLOTS; slot++) {
        if (histogram[slot] > rest)
            return (double)(slot * SLOT_US);
        rest -= histogram[slot];
    }
    return (double)SLOTS * SLOT_US;
}

static int requests(const struct sockaddr_in *to, long seconds, long conns)
{
    static uint32_t histogram[SLOTS];
    static struct epoll_event ready[256];
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct exchange *all = calloc((size_t)conns, sizeof(*all));
    if (!all || epoll < 0)
        die("epoll");
    for (long i = 0; i < conns; i++) {
        all[i].fd = open_connection(to);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].fd, &event) < 0)
            die("epoll_ctl");
        ask(&all[i]);
    }

    int64_t start = now_ns() + WARM_UP_NS;
    int64_t end = start + (int64_t)seconds * 1000000000;
    uint64_t count = 0;
    int64_t t = 0;
    while (t < end) {
        int n = epoll_wait(epoll, ready, 256, 1000);
        if (n < 0)
            die("epoll_wait");
        for (int i = 0; i < n; i++) {
            struct exchange *x = ready[i].data.ptr;
            ssize_t got = recv(x->fd, x->answer + x->have, sizeof(x->answer) - 1 - x->have, 0);
            if (got <= 0)
                die("recv");
            x->have += (size_t)got;
            if (!answered(x))
                continue;
            t = now_ns();
            if (t >= start) {
                count++;
                int64_t us = (t - x->asked) / 1000 / SLOT_US;
                histogram[us < SLOTS ? us : SLOTS - 1]++;
            }
            ask(x);
        }
        t = now_ns();
    }
    printf("%.0f %.0f %.0f\n", (double)count * 1e9 / (double)(t - start),
           quantile(histogram, count, 0.5), quantile(histogram, count, 0.99));
    free(all);
    return 0;
}

static int hold(const struct sockaddr_in *to, long count)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* connect() will tell if it was not enough */
    }
    for (long i = 0; i < count; i++)
        (void)open_connection(to);
    printf("held\n");
    fflush(stdout);
    char octet;
    while (read(STDIN_FILENO, &octet, 1) > 0)
        ;
    return 0;
}

/* A whole number from `min` to `max`, or the end. */
static long number(const char *text, long min, long max)
{
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    if (errno || end == text || *end || n < min || n > max) {
        fprintf(stderr, "blast: %s is not a number from %ld to %ld\n", text, min, max);
        exit(2);
    }
    return n;
}

int main(int argc, char **argv)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    if (argc < 5 || inet_pton(AF_INET, argv[2], &to.sin_addr) != 1) {
        fprintf(stderr, "usage: blast push|pull|requests|hold HOST PORT SECONDS|COUNT [CONNS]\n");
        return 2;
    }
    to.sin_port = htons((uint16_t)number(argv[3], 1, 65535));
    long amount = number(argv[4], 1, 1000000);
    long conns = argc > 5 ? number(argv[5], 1, CONNS_MAX) : 32;
    if (strcmp(argv[1], "push") == 0)
        return bulk(&to, amount, true);
    if (strcmp(argv[1], "pull") == 0)
        return bulk(&to, amount, false);
    if (strcmp(argv[1], "requests") == 0)
        return requests(&to, amount, conns);
    if (strcmp(argv[1], "hold") == 0)
        return hold(&to, amount);
    fprintf(stderr, "blast: no such verb: %s\n", argv[1]);
    return 2;
}
