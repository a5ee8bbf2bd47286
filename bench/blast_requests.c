/*
 * blast_requests.c - requests by HTTP, over connections that stay or over one for each.
 *
 * Each connection has one request in flight. The time of an answer is from before its send() to
 * after the recv() that completes it; with a connection for each it is from before connect() to the
 * end of the stream.
 *
 * Where every request has its connection, the server closes first, and keeps the TIME-WAIT; so a
 * run that outlasts the ports meets them again, as real clients would. What fails (refused, reset,
 * not answered within PATIENCE_NS) is counted, and what took so long that a SYN must have been
 * lost.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "blast.h"

enum {
    ANSWER_ROOM = 16384,
    READY_MAX = 256,
    SLOT_NS = 250, /* the histogram's resolution */
    SLOTS = 400000,
    TICK_MS = 100,
    SLOW_NS = 900 * 1000 * 1000,
};

static const int64_t PATIENCE_NS = 5LL * 1000 * 1000 * 1000;

struct exchange {
    int fd;
    bool asked;
    int64_t began;
    size_t have; /* octets of the answer so far */
    char answer[ANSWER_ROOM];
};

static struct {
    size_t len;
    char text[512];
} request;

/* --- times: how long answers took ------------------------------------------------------------ */

struct times {
    uint64_t count;
    uint32_t slots[SLOTS];
};

static struct times times_of_run; /* a process has one run */

static void times_add(struct times *times, int64_t ns)
{
    int64_t slot = ns / SLOT_NS;

    times->slots[slot < SLOTS ? slot : SLOTS - 1]++;
    times->count++;
}

/* The time below which `share` of them came, in us. */
static double times_quantile(const struct times *times, double share)
{
    uint64_t rest = (uint64_t)((double)times->count * share);

    for (size_t slot = 0; slot < SLOTS; slot++) {
        if (times->slots[slot] > rest)
            return (double)slot * SLOT_NS / 1000;
        rest -= times->slots[slot];
    }
    return (double)SLOTS * SLOT_NS / 1000;
}

/* --- answers -------------------------------------------------------------------------------- */

size_t answer_octets(const char *text, size_t len)
{
    const char *end = memmem(text, len, "\r\n\r\n", 4);

    if (!end)
        return 0;
    if (strncmp(text, "HTTP/1.", 7) != 0 || strncmp(text + 8, " 200 ", 5) != 0) {
        fprintf(stderr, "blast: not a 200: %.40s\n", text);
        exit(1);
    }
    const char *field = strcasestr(text, "\r\ncontent-length:");
    if (!field || field > end) {
        fprintf(stderr, "blast: an answer without Content-Length\n");
        exit(1);
    }
    return (size_t)(end + 4 - text) + strtoul(field + 17, NULL, 10);
}

size_t answer_length(const char *text, size_t len)
{
    size_t need = answer_octets(text, len);

    return len >= need ? need : 0;
}

static void make_request(const char *path, bool closes)
{
    request.len = (size_t)snprintf(request.text, sizeof request.text,
                                   "GET %s HTTP/1.1\r\nHost: bench\r\n%s\r\n", path,
                                   closes ? "Connection: close\r\n" : "");
}

static bool ask(struct exchange *x)
{
    x->have = 0;
    x->asked = true;
    return send(x->fd, request.text, request.len, MSG_NOSIGNAL) == (ssize_t)request.len;
}

/* More of the answer; false at the end of the stream, or with errno set. */
static bool take(struct exchange *x)
{
    errno = 0;
    ssize_t n = recv(x->fd, x->answer + x->have, sizeof x->answer - 1 - x->have, 0);
    if (n < 0)
        return errno == EAGAIN;
    x->have += (size_t)n;
    x->answer[x->have] = '\0';
    return n > 0;
}

static struct exchange *make_exchanges(int conns, int *epoll)
{
    struct exchange *all = calloc((size_t)conns, sizeof *all);

    *epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!all || *epoll < 0)
        die("epoll");
    return all;
}

static void watch(int epoll, struct exchange *x, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = x};

    if (epoll_ctl(epoll, EPOLL_CTL_ADD, x->fd, &event) < 0)
        die("epoll_ctl");
}

/* --- connections that stay ------------------------------------------------------------------ */

int requests(struct in_addr host, double seconds, int conns, const char *path)
{
    static struct epoll_event ready[READY_MAX];
    struct times *times = &times_of_run;
    uint64_t answers = 0;
    int epoll;

    make_request(path, false);
    struct exchange *all = make_exchanges(conns, &epoll);
    for (int i = 0; i < conns; i++) {
        all[i].fd = tcp_connection(host, PORT_HTTP);
        watch(epoll, &all[i], EPOLLIN);
    }
    for (int i = 0; i < conns; i++) {
        all[i].began = now_ns();
        if (!ask(&all[i]))
            die("send");
    }
    struct span span = span_of(seconds);
    int64_t t = 0;
    while (t < span.end) {
        int n = epoll_wait(epoll, ready, READY_MAX, 1000);
        for (int i = 0; i < n; i++) {
            struct exchange *x = ready[i].data.ptr;
            if (!take(x))
                die("the server has closed");
            if (answer_length(x->answer, x->have) == 0)
                continue;
            t = now_ns();
            answers++;
            if (t >= span.start)
                times_add(times, t - x->began);
            x->began = t;
            if (!ask(x))
                die("send");
        }
        t = now_ns();
    }
    printf("{\"per_s\":%.1f,\"p50_us\":%.2f,\"p99_us\":%.2f,\"answers\":%llu}\n",
           (double)times->count * 1e9 / (double)(t - span.start), times_quantile(times, 0.5),
           times_quantile(times, 0.99), (unsigned long long)answers);
    free(all);
    return 0;
}

/* --- a connection for each ------------------------------------------------------------------ */

struct tally {
    struct sockaddr_in to;
    int epoll;
    struct span span;
    struct times *times;
    uint64_t answers, failed, slow;
};

/* A connection begins; what fails at once is another failure, and is tried again on a later tick.
 */
static void begin(struct tally *tally, struct exchange *x)
{
    x->fd = tcp_socket(false);
    x->asked = false;
    x->have = 0;
    x->began = now_ns();
    if (connect(x->fd, (struct sockaddr *)&tally->to, sizeof tally->to) < 0 &&
        errno != EINPROGRESS) {
        tally->failed++;
        close(x->fd);
        x->fd = -1;
        return;
    }
    watch(tally->epoll, x, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
}

static void end(struct tally *tally, struct exchange *x, bool well)
{
    int64_t t = now_ns();

    close(x->fd);
    tally->answers += well;
    tally->failed += !well;
    tally->slow += t - x->began > SLOW_NS;
    if (well && t >= tally->span.start)
        times_add(tally->times, t - x->began);
    begin(tally, x);
}

static void step(struct tally *tally, struct exchange *x, uint32_t events)
{
    if (!x->asked && (events & (EPOLLERR | EPOLLHUP))) {
        end(tally, x, false);
        return;
    }
    if (!x->asked && (events & EPOLLOUT) && !ask(x)) {
        end(tally, x, false);
        return;
    }
    if (!(events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP)))
        return;
    bool more = take(x);
    if (more && (events & EPOLLRDHUP))
        while (answer_length(x->answer, x->have) == 0 && (more = take(x)))
            ;
    if (!more || (events & EPOLLRDHUP))
        end(tally, x, !errno && answer_length(x->answer, x->have) > 0);
}

static void look_after(struct tally *tally, struct exchange *all, int conns)
{
    int64_t t = now_ns();

    for (int i = 0; i < conns; i++)
        if (all[i].fd < 0)
            begin(tally, &all[i]);
        else if (t - all[i].began > PATIENCE_NS)
            end(tally, &all[i], false);
}

int connects(struct in_addr host, double seconds, int conns, const char *path)
{
    static struct epoll_event ready[READY_MAX];
    struct tally tally = {.to = at_port(host, PORT_HTTP), .times = &times_of_run};
    int64_t t = 0, looked = 0;

    make_request(path, true);
    struct exchange *all = make_exchanges(conns, &tally.epoll);
    tally.span = span_of(seconds);
    for (int i = 0; i < conns; i++)
        begin(&tally, &all[i]);
    while (t < tally.span.end) {
        int n = epoll_wait(tally.epoll, ready, READY_MAX, TICK_MS);
        for (int i = 0; i < n; i++)
            step(&tally, ready[i].data.ptr, ready[i].events);
        t = now_ns();
        if (t - looked > TICK_MS * 1000000LL) {
            look_after(&tally, all, conns);
            looked = t;
        }
    }
    printf("{\"per_s\":%.1f,\"p50_us\":%.2f,\"p99_us\":%.2f,\"answers\":%llu,\"failed\":%llu,"
           "\"slow\":%llu}\n",
           (double)tally.times->count * 1e9 / (double)(t - tally.span.start),
           times_quantile(tally.times, 0.5), times_quantile(tally.times, 0.99),
           (unsigned long long)tally.answers, (unsigned long long)tally.failed,
           (unsigned long long)tally.slow);
    free(all);
    return 0;
}
