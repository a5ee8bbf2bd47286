/*
 * services.c - see services.h.
 *
 * The barest loop that is still a fair server: one thread, one epoll, level-triggered, a read and a
 * write for a request, and everything that comes is copied to the program. What a server must do
 * and this one does not: a request is taken to come in one piece, as our client sends it, and its
 * header is only searched for three things; who does not read what echo or HTTP answers is cut off.
 */
#include "services.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef SERVICES_OVER_TAPIO
#include <tapio/socket.h>
#define ON(call) tapio_##call
#else
#define ON(call) call
#endif

enum {
    CHUNK = 256 * 1024,
    SMALL = 100,
    LARGE = 10240,
    ANSWER_ROOM = 256 + LARGE,
    DESCRIPTORS = 1 << 18,
    BACKLOG = 4096,
    READY_MAX = 256,
    TURN_DATAGRAMS = 64,
    DATAGRAM_ROOM = 2048,
};

enum service { NOTHING, ECHO_BACK, DISCARD, CHARGEN, HTTP, DATAGRAMS };

static const struct {
    enum service service;
    uint16_t port;
} places[] = {{ECHO_BACK, 7}, {DISCARD, 9}, {CHARGEN, 19}, {HTTP, 80}, {DATAGRAMS, 9}};

/* What a descriptor is. */
static struct {
    uint8_t service;
    bool listens;
} sources[DESCRIPTORS];

struct answer {
    size_t len;
    char octets[ANSWER_ROOM];
};

static struct answer small, large;
static char octets[CHUNK];

static void die(const char *what)
{
    perror(what);
    exit(1);
}

void services_raise_limit(void)
{
    struct rlimit limit = {DESCRIPTORS, DESCRIPTORS};

    if (setrlimit(RLIMIT_NOFILE, &limit) == 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit); /* accept() will tell if it was not enough */
}

/* --- descriptors ---------------------------------------------------------------------------- */

static void watch(int epoll, int fd, enum service service, bool listens)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    if (fd >= DESCRIPTORS) {
        ON(close)(fd);
        return;
    }
    sources[fd].service = (uint8_t)service;
    sources[fd].listens = listens;
    if (service == CHARGEN && !listens)
        event.events = EPOLLOUT;
    if (ON(epoll_ctl)(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        die("epoll_ctl");
}

static void open_place(int epoll, enum service service, uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    int type = service == DATAGRAMS ? SOCK_DGRAM : SOCK_STREAM;
    int on = 1;

    int fd = ON(socket)(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || ON(setsockopt)(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
        die("socket");
    if (ON(bind)(fd, (struct sockaddr *)&at, sizeof at) < 0)
        die("bind");
    if (type == SOCK_STREAM) {
        /* Inherited by what it accepts; where there is no cubic the default stays. */
        (void)ON(setsockopt)(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5);
        if (ON(listen)(fd, BACKLOG) < 0)
            die("listen");
    }
    watch(epoll, fd, service, type == SOCK_STREAM);
}

static void accept_all(int epoll, int listener)
{
    int fd, on = 1;

    while ((fd = ON(accept4)(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        (void)ON(setsockopt)(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        watch(epoll, fd, sources[listener].service, false);
    }
}

/* --- the services --------------------------------------------------------------------------- */

static void make_answer(struct answer *answer, int body)
{
    int len =
        snprintf(answer->octets, sizeof answer->octets,
                 "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nContent-Type: text/html\r\n\r\n", body);

    memset(answer->octets + len, 'x', (size_t)body);
    answer->len = (size_t)len + (size_t)body;
}

/* Is `word` in the header [at, end)? */
static bool says(const char *at, const char *end, const char *word)
{
    return memmem(at, (size_t)(end - at), word, strlen(word)) != NULL;
}

/* Answers each of the requests; false when the connection is to be closed. */
static bool answer_requests(int fd, const char *at, size_t len)
{
    static const char path[] = "GET /10k ";
    const char *last = at + len, *end;

    while ((end = memmem(at, (size_t)(last - at), "\r\n\r\n", 4)) != NULL) {
        const struct answer *answer =
            (size_t)(end - at) > sizeof path && memcmp(at, path, sizeof path - 1) == 0 ? &large
                                                                                       : &small;
        if (ON(send)(fd, answer->octets, answer->len, MSG_NOSIGNAL) != (ssize_t)answer->len)
            return false;
        if (says(at, end, "\r\nConnection: close"))
            return false;
        at = end + 4;
    }
    return at == last;
}

static void take_datagrams(int fd)
{
#ifdef SERVICES_OVER_TAPIO
    for (int i = 0; i < TURN_DATAGRAMS && ON(recv)(fd, octets, DATAGRAM_ROOM, 0) >= 0; i++)
        ;
#else
    static struct mmsghdr messages[TURN_DATAGRAMS];
    static struct iovec rooms[TURN_DATAGRAMS];

    for (int i = 0; i < TURN_DATAGRAMS; i++) {
        rooms[i] = (struct iovec){octets + (size_t)i * DATAGRAM_ROOM, DATAGRAM_ROOM};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &rooms[i], .msg_iovlen = 1};
    }
    (void)recvmmsg(fd, messages, TURN_DATAGRAMS, 0, NULL);
#endif
}

/* One turn of a connection; false when it is over. */
static bool serve(int fd)
{
    ssize_t n = 1;

    switch ((enum service)sources[fd].service) {
    case ECHO_BACK:
        n = ON(recv)(fd, octets, sizeof octets, 0);
        if (n > 0 && ON(send)(fd, octets, (size_t)n, MSG_NOSIGNAL) != n)
            return false;
        break;
    case DISCARD:
        n = ON(recv)(fd, octets, sizeof octets, 0);
        break;
    case CHARGEN:
        n = ON(send)(fd, octets, sizeof octets, MSG_NOSIGNAL);
        break;
    case HTTP:
        n = ON(recv)(fd, octets, sizeof octets, 0);
        if (n > 0 && !answer_requests(fd, octets, (size_t)n))
            return false;
        break;
    case DATAGRAMS:
        take_datagrams(fd);
        break;
    case NOTHING:
        return false;
    }
    return n > 0 || (n < 0 && errno == EAGAIN);
}

bool services_turn(int epoll, int timeout_ms)
{
    static struct epoll_event ready[READY_MAX];

    int n = ON(epoll_wait)(epoll, ready, READY_MAX, timeout_ms);
    for (int i = 0; i < n; i++) {
        int fd = ready[i].data.fd;
        if (sources[fd].listens)
            accept_all(epoll, fd);
        else if (!serve(fd))
            ON(close)(fd);
    }
    return n > 0;
}

int services_open(void)
{
    memset(octets, 'x', sizeof octets);
    make_answer(&small, SMALL);
    make_answer(&large, LARGE);
    int epoll = ON(epoll_create1)(EPOLL_CLOEXEC);
    if (epoll < 0)
        die("epoll");
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        open_place(epoll, places[i].service, places[i].port);
    return epoll;
}
