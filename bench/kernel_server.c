/*
 * kernel_server.c - the yardstick of scripts/bench: the services of `tapio serve` over the kernel's
 * own TCP: discard, chargen, and 100 octets by HTTP with keep-alive. One thread and one epoll, as
 * ours.
 *
 *     kernel_server DISCARD_PORT CHARGEN_PORT HTTP_PORT      prints "ready" and serves until killed
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHUNK = 256 * 1024, BODY = 100, DESCRIPTORS = 65536 };

enum service { DISCARD, CHARGEN, HTTP, SERVICES };

/* What a descriptor is: its service, and whether it is a listener. */
struct source {
    enum service service;
    bool listens;
    int matched; /* how much of "\r\n\r\n" has been seen (HTTP) */
};

static struct source sources[DESCRIPTORS];
static char octets[CHUNK];
static char answer[256];
static size_t answer_len;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void watch(int epoll, int fd, enum service service, bool listens)
{
    if (fd >= DESCRIPTORS) {
        close(fd);
        return;
    }
    sources[fd] = (struct source){.service = service, .listens = listens};
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (service == CHARGEN && !listens)
        event.events = EPOLLOUT;
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        die("epoll_ctl");
}

static uint16_t port_number(const char *text)
{
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    if (errno || end == text || *end || n < 1 || n > 65535) {
        fprintf(stderr, "kernel_server: %s is not a port\n", text);
        exit(2);
    }
    return (uint16_t)n;
}

static void listen_on(int epoll, const char *port, enum service service)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port_number(port))};
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
        die("socket");
    (void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic",
                     5); /* inherited by what it accepts */
    if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 4096) < 0)
        die("listen");
    watch(epoll, fd, service, true);
}

/* Sends one answer for each blank line among the octets; false when the peer is gone. */
static bool answer_requests(int fd, ssize_t n)
{
    static const char end[] = "\r\n\r\n";
    struct source *source = &sources[fd];
    for (ssize_t i = 0; i < n; i++) {
        source->matched = octets[i] == end[source->matched] ? source->matched + 1
                          : octets[i] == '\r'               ? 1
                                                            : 0;
        if (source->matched < 4)
            continue;
        source->matched = 0;
        if (send(fd, answer, answer_len, MSG_NOSIGNAL) != (ssize_t)answer_len)
            return false;
    }
    return true;
}

/* One turn of a connection; false when it is over. */
static bool serve(int fd)
{
    ssize_t n = 0;
    switch (sources[fd].service) {
    case DISCARD:
        n = recv(fd, octets, sizeof(octets), 0);
        break;
    case CHARGEN:
        n = send(fd, octets, sizeof(octets), MSG_NOSIGNAL);
        break;
    case HTTP:
        n = recv(fd, octets, sizeof(octets), 0);
        if (n > 0 && !answer_requests(fd, n))
            return false;
        break;
    case SERVICES:
        break;
    }
    return n > 0 || (n < 0 && errno == EAGAIN);
}

static void accept_all(int epoll, int listener)
{
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        int on = 1;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        watch(epoll, fd, sources[listener].service, false);
    }
}

int main(int argc, char **argv)
{
    if (argc != 1 + SERVICES) {
        fprintf(stderr, "usage: kernel_server DISCARD_PORT CHARGEN_PORT HTTP_PORT\n");
        return 2;
    }
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    memset(octets, 'x', sizeof(octets));
    answer_len = (size_t)snprintf(answer, sizeof(answer),
                                  "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n"
                                  "Content-Type: text/html\r\n\r\n",
                                  BODY);
    memset(answer + answer_len, 'x', BODY);
    answer_len += BODY;

    int epoll = epoll_create1(EPOLL_CLOEXEC);
    for (int service = 0; service < SERVICES; service++)
        listen_on(epoll, argv[1 + service], (enum service)service);
    printf("ready\n");
    fflush(stdout);

    struct epoll_event ready[256];
    for (;;) {
        int n = epoll_wait(epoll, ready, 256, -1);
        for (int i = 0; i < n; i++) {
            int fd = ready[i].data.fd;
            if (sources[fd].listens)
                accept_all(epoll, fd);
            else if (!serve(fd))
                close(fd);
        }
    }
}
