/*
 * blast.c - the client of scripts/bench: kernel sockets against whatever server, one JSON object a
 * run.
 *
 *     blast push|pull HOST SECONDS CONNS       octets a second, to discard or from chargen
 *     blast both HOST SECONDS CONNS            both at once, CONNS each way
 *     blast requests HOST SECONDS CONNS PATH   keep-alive: requests a second, p50 and p99
 *     blast connects HOST SECONDS CONNS PATH   a connection for each request, and how many failed
 *     blast downloads HOST SECONDS CONNS PATH  a large file over connections that stay
 *     blast datagrams HOST SECONDS             UDP to discard, how many were sent
 *     blast hold HOST PORT COUNT [FROM]        opens COUNT connections (from the address FROM),
 *                                              prints "held", keeps them until its input ends
 *     blast start HOST CORE ready|silent COMMAND...  from the start of a server to its first answer
 *
 * blast_bulk.c, blast_requests.c and blast_download.c have the first of these; this file the rest.
 */
#include "blast.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    NS_PER_S = 1000 * 1000 * 1000,
    DATAGRAM = 64,
    DATAGRAMS_AT_ONCE = 64,
    DESCRIPTORS = 1 << 18,
    HOLD_AT_ONCE = 64,
    RETRY_US = 100,
    START_LIMIT_NS = 2 * 1000 * 1000 * 1000,
};

void die(const char *what)
{
    perror(what);
    exit(1);
}

int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

struct span span_of(double seconds)
{
    int64_t first = now_ns() + WARM_UP_NS;

    return (struct span){first, first + (int64_t)(seconds * NS_PER_S)};
}

struct sockaddr_in at_port(struct in_addr host, uint16_t port)
{
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = host, .sin_port = htons(port)};
}

int tcp_socket(bool waits)
{
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | (waits ? 0 : SOCK_NONBLOCK), 0);

    if (fd < 0)
        die("socket");
    (void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5);
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0)
        die("TCP_NODELAY");
    return fd;
}

/* Ends by a reset: the server may be gone by then, and 100,000 orphans would go on asking for it.
 */
static void close_at_once(int fd)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};

    if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now) < 0)
        die("SO_LINGER");
}

int tcp_connection(struct in_addr host, uint16_t port)
{
    struct sockaddr_in to = at_port(host, port);
    int fd = tcp_socket(true);

    if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
        die("connect");
    if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
        die("O_NONBLOCK");
    close_at_once(fd);
    return fd;
}

/* --- datagrams ------------------------------------------------------------------------------ */

int datagrams(struct in_addr host, double seconds)
{
    static char text[DATAGRAM];
    static struct mmsghdr messages[DATAGRAMS_AT_ONCE];
    struct iovec iov = {text, sizeof text};
    struct sockaddr_in to = at_port(host, PORT_DISCARD);
    uint64_t sent = 0;

    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
        die("socket");
    for (size_t i = 0; i < DATAGRAMS_AT_ONCE; i++)
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &iov, .msg_iovlen = 1};
    int64_t start = now_ns(), end = start + (int64_t)(seconds * NS_PER_S);
    while (now_ns() < end) {
        int n = sendmmsg(fd, messages, DATAGRAMS_AT_ONCE, 0);
        if (n < 0 && errno != ENOBUFS && errno != ECONNREFUSED)
            die("sendmmsg");
        sent += n > 0 ? (uint64_t)n : 0;
    }
    double took = (double)(now_ns() - start) / NS_PER_S;
    printf("{\"sent\":%llu,\"seconds\":%.6f}\n", (unsigned long long)sent, took);
    return 0;
}

/* --- idle connections ----------------------------------------------------------------------- */

/* A connection that is begun, from `at` if that is an address. */
static int begin(const struct sockaddr_in *to, const struct sockaddr_in *at)
{
    int on = 1;
    int fd = tcp_socket(false);

    close_at_once(fd);
    if (at->sin_addr.s_addr &&
        (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) < 0 ||
         bind(fd, (const struct sockaddr *)at, sizeof *at) < 0))
        die("bind");
    if (connect(fd, (const struct sockaddr *)to, sizeof *to) < 0 && errno != EINPROGRESS)
        die("connect");
    return fd;
}

static void await_connection(int fd)
{
    struct pollfd asked = {.fd = fd, .events = POLLOUT};
    int error = 0;
    socklen_t len = sizeof error;

    if (poll(&asked, 1, -1) < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        die("poll");
    errno = error;
    if (error)
        die("connect");
}

static int hold(struct in_addr host, uint16_t port, long count, const char *from)
{
    struct rlimit limit = {DESCRIPTORS, DESCRIPTORS};
    struct sockaddr_in to = at_port(host, port), at = {.sin_family = AF_INET};
    int fds[HOLD_AT_ONCE];
    char octet;

    if (setrlimit(RLIMIT_NOFILE, &limit) < 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* socket() will tell if it was not enough */
    }
    if (from && inet_pton(AF_INET, from, &at.sin_addr) != 1) {
        fprintf(stderr, "blast: %s is no address\n", from);
        return 2;
    }
    for (long begun = 0; begun < count;) {
        int some = 0;
        while (some < HOLD_AT_ONCE && begun + some < count)
            fds[some++] = begin(&to, &at);
        for (int i = 0; i < some; i++)
            await_connection(fds[i]);
        begun += some;
    }
    printf("held\n");
    fflush(stdout);
    while (read(STDIN_FILENO, &octet, 1) > 0)
        ;
    return 0;
}

/* --- starting ------------------------------------------------------------------------------- */

static pid_t launch(int core, char **command, int *out)
{
    int ends[2];

    if (pipe(ends) < 0)
        die("pipe");
    pid_t child = fork(); /* of a process that is small */
    if (child == 0) {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET((size_t)core, &one);
        (void)sched_setaffinity(0, sizeof one, &one);
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execvp(command[0], command);
        _exit(127);
    }
    if (child < 0)
        die("fork");
    close(ends[1]);
    *out = ends[0];
    return child;
}

static bool says_ready(int fd)
{
    char line[1024];
    size_t have = 0;

    for (ssize_t n;
         have < sizeof line - 1 && (n = read(fd, line + have, sizeof line - 1 - have)) > 0;) {
        have += (size_t)n;
        line[have] = '\0';
        if (strncmp(line, "ready", 5) == 0 || strstr(line, "\nready"))
            return true;
    }
    return false;
}

static bool first_answer(struct in_addr host)
{
    static const char ask[] = "GET /100 HTTP/1.1\r\nHost: bench\r\n\r\n";
    static char answer[4096];
    struct sockaddr_in to = at_port(host, PORT_HTTP);
    int64_t limit = now_ns() + START_LIMIT_NS;
    size_t have = 0;

    int fd = tcp_socket(true);
    while (connect(fd, (struct sockaddr *)&to, sizeof to) < 0) {
        if (errno != ECONNREFUSED || now_ns() > limit)
            return false;
        close(fd);
        usleep(RETRY_US);
        fd = tcp_socket(true);
    }
    if (send(fd, ask, sizeof ask - 1, MSG_NOSIGNAL) != (ssize_t)sizeof ask - 1)
        return false;
    for (ssize_t n; answer_length(answer, have) == 0; have += (size_t)n)
        if ((n = recv(fd, answer + have, sizeof answer - have, 0)) <= 0)
            return false;
    close(fd);
    return true;
}

static long resident(pid_t child)
{
    char path[64], line[256];
    long kb = 0;

    snprintf(path, sizeof path, "/proc/%d/status", (int)child);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "VmRSS:", 6) == 0)
            kb = strtol(line + 6, NULL, 10);
    if (file)
        fclose(file);
    return kb * 1024;
}

int start(struct in_addr host, int core, bool silent, char **command)
{
    int out;
    int64_t before = now_ns();
    pid_t child = launch(core, command, &out);
    bool answered = (silent || says_ready(out)) && first_answer(host);
    int64_t after = now_ns();
    long octets = resident(child);

    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    if (!answered) {
        fprintf(stderr, "blast: no answer from %s\n", command[0]);
        return 1;
    }
    printf("{\"start_ms\":%.3f,\"resident_octets\":%ld}\n", (double)(after - before) / 1e6, octets);
    return 0;
}

/* --- the command line ----------------------------------------------------------------------- */

static double number(const char *text, double min, double max)
{
    char *end;

    errno = 0;
    double n = strtod(text, &end);
    if (errno || end == text || *end || !(n >= min && n <= max)) {
        fprintf(stderr, "blast: %s is not a number from %g to %g\n", text, min, max);
        exit(2);
    }
    return n;
}

static int usage(void)
{
    fprintf(stderr,
            "usage: blast push|pull|both|requests|connects|downloads HOST SECONDS CONNS [PATH]\n"
            "       blast datagrams HOST SECONDS\n"
            "       blast hold HOST PORT COUNT [FROM]\n"
            "       blast start HOST CORE ready|silent COMMAND...\n");
    return 2;
}

int main(int argc, char **argv)
{
    struct in_addr host;

    if (argc < 4 || inet_pton(AF_INET, argv[2], &host) != 1)
        return usage();
    const char *verb = argv[1];
    if (strcmp(verb, "start") == 0 && argc > 5)
        return start(host, (int)number(argv[3], 0, 1023), strcmp(argv[4], "silent") == 0, argv + 5);
    if (strcmp(verb, "hold") == 0 && argc > 4)
        return hold(host, (uint16_t)number(argv[3], 1, 65535),
                    (long)number(argv[4], 1, DESCRIPTORS), argc > 5 ? argv[5] : NULL);
    double seconds = number(argv[3], 0.01, 86400);
    if (strcmp(verb, "datagrams") == 0)
        return datagrams(host, seconds);
    int conns = argc > 4 ? (int)number(argv[4], 1, CONNS_MAX) : 1;
    const char *path = argc > 5 ? argv[5] : "/100";
    if (strcmp(verb, "push") == 0)
        return bulk(host, seconds, conns, 0);
    if (strcmp(verb, "pull") == 0)
        return bulk(host, seconds, 0, conns);
    if (strcmp(verb, "both") == 0)
        return bulk(host, seconds, conns, conns);
    if (strcmp(verb, "requests") == 0)
        return requests(host, seconds, conns, path);
    if (strcmp(verb, "connects") == 0)
        return connects(host, seconds, conns, path);
    if (strcmp(verb, "downloads") == 0)
        return downloads(host, seconds, conns, path);
    if (strcmp(verb, "downloads") == 0)
        return downloads(host, seconds, conns, path);
    return usage();
}
