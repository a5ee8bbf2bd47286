/*
 * threads_posix.c - eleven threads on one stack, for as long as one likes.
 *
 *     threads_posix [SECONDS]       3 by default; prints "N passed, N failed"
 *
 * Every call of face two is made by threads that know nothing of each other, until the time is up:
 * blocking transfers with every octet checked, the same by epoll and poll, many short connections,
 * servers that share a listener and a set, sockets closed under calls that wait on them, names that
 * three ask for at once while the servers change, and a storm of signals. It is built with
 * ThreadSanitizer for scripts/test; what it proves is that nothing is reported, nothing hangs and
 * no octet is lost.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "support/name_server.h"
#include "support/proves.h"
#include "support/twins.h"

enum { WORKERS = 11, HANG_S = 30, PORT = 80 };

static struct twins twins;
static atomic_bool over;
static atomic_ulong rounds[WORKERS]; /* what each has done; a worker that stands still hangs */
static atomic_ulong octets;

/* What stands at place `at` of a stream. */
static uint8_t octet_at(uint64_t at)
{
    return (uint8_t)(at * 131 + (at >> 8));
}

static void fill(uint8_t *out, size_t len, uint64_t at)
{
    for (size_t i = 0; i < len; i++)
        out[i] = octet_at(at + i);
}

static void check(const uint8_t *in, size_t len, uint64_t at)
{
    for (size_t i = 0; i < len; i++)
        MUST(in[i] == octet_at(at + i));
    atomic_fetch_add(&octets, len);
}

static bool goes_on(int worker)
{
    atomic_fetch_add(&rounds[worker], 1);
    return !atomic_load(&over);
}

/* SIGUSR1 has a handler with SA_RESTART, and still ends whatever has a time limit. */
static ssize_t send_all(int s, const uint8_t *in, size_t len)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = tapio_send(s, in + done, len - done, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        MUST(n > 0);
        done += (size_t)n;
    }
    return (ssize_t)done;
}

/* --- the workers -------------------------------------------------------------------------- */

/* Two threads share a socket: one writes, one reads, and what comes back is what went out. */
static int shared;

static void *writes(void *argument)
{
    uint8_t chunk[3000];
    uint64_t at = 0;

    for (unsigned i = 1; goes_on((int)(intptr_t)argument); i++) {
        size_t len = 1 + i * 7919 % sizeof chunk;
        fill(chunk, len, at);
        send_all(shared, chunk, len);
        at += len;
    }
    MUST(tapio_shutdown(shared, SHUT_WR) == 0);
    return NULL;
}

static void *reads(void *argument)
{
    uint8_t chunk[4096];
    uint64_t at = 0;

    for (ssize_t n;; at += (uint64_t)n) {
        goes_on((int)(intptr_t)argument);
        n = tapio_recv(shared, chunk, sizeof chunk, 0);
        if (n < 0 && errno == EINTR)
            n = 0;
        else if (n == 0)
            return NULL;
        MUST(n >= 0);
        check(chunk, (size_t)n, at);
    }
}

/* Connections that last for one question and its answer. */
static void *asks(void *argument)
{
    uint8_t question[100], answer[100];

    fill(question, sizeof question, 0);
    while (goes_on((int)(intptr_t)argument)) {
        int s = twins_connect(TWINS_ECHO);
        struct linger linger = {.l_onoff = 1};
        send_all(s, question, sizeof question);
        size_t done = 0;
        while (done < sizeof answer) {
            ssize_t n = tapio_recv(s, answer + done, sizeof answer - done, MSG_WAITALL);
            MUST(n > 0 || errno == EINTR);
            done += n > 0 ? (size_t)n : 0;
        }
        check(answer, sizeof answer, 0);
        MUST(tapio_setsockopt(s, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == 0);
        MUST(tapio_close(s) == 0); /* a reset: no TIME-WAIT is left */
    }
    return NULL;
}

/* Sixteen connections at once, by epoll: each sends a little, and gets it back. */
enum { MANY = 16 };

static void *epolls(void *argument)
{
    int set = tapio_epoll_create1(0), s[MANY];
    uint64_t sent[MANY] = {0}, got[MANY] = {0};
    uint8_t chunk[512];

    for (uint32_t i = 0; i < MANY; i++) {
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.u32 = i};
        s[i] = twins_connect(TWINS_ECHO);
        MUST(tapio_fcntl(s[i], F_SETFL, O_NONBLOCK) == 0);
        MUST(tapio_epoll_ctl(set, EPOLL_CTL_ADD, s[i], &event) == 0);
    }
    while (goes_on((int)(intptr_t)argument)) {
        struct epoll_event events[4];
        int count = tapio_epoll_wait(set, events, 4, 1000);
        MUST(count > 0 || (count < 0 && errno == EINTR));
        for (int i = 0; i < count; i++) {
            uint32_t which = events[i].data.u32;
            ssize_t n;
            while ((n = tapio_read(s[which], chunk, sizeof chunk)) > 0) {
                check(chunk, (size_t)n, got[which]);
                got[which] += (uint64_t)n;
            }
            MUST(n < 0 && errno == EAGAIN);
            if (sent[which] == got[which]) {
                fill(chunk, sizeof chunk, sent[which]);
                n = tapio_write(s[which], chunk, sizeof chunk);
                MUST(n > 0);
                sent[which] += (uint64_t)n;
            }
        }
    }
    for (int i = 0; i < MANY; i++)
        MUST(tapio_close(s[i]) == 0);
    MUST(tapio_close(set) == 0);
    return NULL;
}

/* Two servers at one listener; whoever gets a connection echoes until its end. */
static int listener;

static void *serves(void *argument)
{
    uint8_t chunk[4096];

    while (goes_on((int)(intptr_t)argument)) {
        struct pollfd fd = {.fd = listener, .events = POLLIN};
        int some = tapio_poll(&fd, 1, 100);
        MUST(some >= 0 || errno == EINTR);
        if (some <= 0)
            continue;
        int s = tapio_accept(listener, NULL, NULL);
        if (s < 0) { /* the other one was quicker */
            MUST(errno == EAGAIN || errno == EINTR);
            continue;
        }
        for (ssize_t n; (n = tapio_recv(s, chunk, sizeof chunk, 0)) != 0;) {
            MUST(n > 0 || errno == EINTR);
            if (n > 0)
                send_all(s, chunk, (size_t)n);
        }
        MUST(tapio_close(s) == 0);
    }
    return NULL;
}

/* The peer calls the servers, a little at a time, by face one. */
static void call_servers(void)
{
    uint8_t out[2000], in[2000];

    int s = twins_call(&twins, PORT);
    fill(out, sizeof out, 7);
    twins_say(&twins, s, out, sizeof out);
    twins_hear(&twins, s, in, sizeof in);
    check(in, sizeof in, 7);
    twins_hang_up(&twins, s);
}

/* A socket whose number everybody knows is closed while another thread reads from it. */
static atomic_int doomed = -1;

static void *closes(void *argument)
{
    while (goes_on((int)(intptr_t)argument)) {
        struct linger linger = {.l_onoff = 1};
        int s = twins_connect(TWINS_DISCARD); /* it never answers */
        MUST(tapio_setsockopt(s, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == 0);
        atomic_store(&doomed, s);
        struct timespec moment = {.tv_nsec = 300000};
        nanosleep(&moment, NULL);
        MUST(tapio_close(s) == 0);
    }
    atomic_store(&doomed, -1);
    return NULL;
}

/* Reads from it: nothing ever comes, for whoever has the number next says so too or is left alone
 * (MSG_PEEK). */
static void *reads_doomed(void *argument)
{
    char octet;

    while (goes_on((int)(intptr_t)argument)) {
        int s = atomic_load(&doomed);
        if (s < 0)
            continue;
        struct pollfd fd = {.fd = s, .events = POLLIN};
        MUST(tapio_poll(&fd, 1, 1) >= 0 || errno == EINTR);
        MUST(tapio_recv(s, &octet, 1, MSG_PEEK | MSG_DONTWAIT) <= 1);
    }
    return NULL;
}

/* Names, by three threads that share one resolver; now and then one of them takes it away, which
 * the others are told as EAI_AGAIN. */
static const struct name_row zone[] = {{"one.example", "192.0.2.1 2001:db8::1", NULL, NAME_TOLD},
                                       {"two.example", "192.0.2.2", "two-too.example", NAME_TOLD}};
static struct name_server server;
static atomic_ulong resolved;

static void serve_names(void)
{
    MUST(tapio_resolv_conf("nameserver 10.0.0.2\noptions timeout:1 attempts:5\n") == 0);
}

static void *resolves(void *argument)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;

    for (unsigned i = 1; goes_on((int)(intptr_t)argument); i++) {
        hints.ai_family = i % 2 ? AF_UNSPEC : AF_INET;
        int err = tapio_getaddrinfo(zone[i % 3 == 0].name, "80", &hints, &list);
        MUST(err == 0 || err == EAI_AGAIN);
        if (err == 0)
            tapio_freeaddrinfo(list);
        atomic_fetch_add(&resolved, err == 0);
        if (i % 20 == 0)
            serve_names();
    }
    return NULL;
}

static void handle(int signal)
{
    (void)signal;
}

/* --- the run ------------------------------------------------------------------------------ */

static void *(*const work[WORKERS])(void *) = {writes,   reads,    asks,    epolls,
                                               serves,   serves,   closes,  reads_doomed,
                                               resolves, resolves, resolves};

static int64_t now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

/* Until the time is up; false when a worker stands still for too long. */
static bool watch(const pthread_t workers[WORKERS], int seconds)
{
    unsigned long seen[WORKERS] = {0};
    int64_t begin = now_s(), moved[WORKERS];
    const struct timespec tenth = {.tv_nsec = 100000000};

    for (int w = 0; w < WORKERS; w++)
        moved[w] = begin;
    while (now_s() - begin < seconds) {
        call_servers();
        nanosleep(&tenth, NULL);
        for (int w = 0; w < WORKERS; w++) {
            unsigned long now = atomic_load(&rounds[w]);
            if (now != seen[w])
                moved[w] = now_s();
            seen[w] = now;
            if (now_s() - moved[w] > HANG_S) {
                printf("not ok worker %d hangs after %lu rounds\n", w, now);
                return false;
            }
            pthread_kill(workers[w], SIGUSR1);
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    int seconds = argc > 1 ? atoi(argv[1]) : 3;
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
    pthread_t workers[WORKERS];

    sigaction(SIGUSR1, &action, NULL);
    twins_begin(&twins);
    name_server_begin(&server, twins_lock(&twins), zone, ARRAY_LEN(zone));
    twins_unlock(&twins);
    serve_names();
    shared = twins_connect(TWINS_ECHO);
    listener = twins_listen(PORT, 64);
    MUST(tapio_fcntl(listener, F_SETFL, O_NONBLOCK) == 0);
    for (intptr_t i = 0; i < WORKERS; i++)
        MUST(pthread_create(&workers[i], NULL, work[i], (void *)i) == 0);
    bool fine = watch(workers, seconds);
    atomic_store(&over, true);
    alarm(HANG_S * 2); /* a thread that does not come home is a failure too */
    for (int i = 0; i < WORKERS && fine; i++)
        pthread_join(workers[i], NULL);
    if (fine) {
        for (int i = 0; i < WORKERS; i++)
            printf("worker %d: %lu rounds\n", i, atomic_load(&rounds[i]));
        printf("%lu octets checked, %lu names\n", atomic_load(&octets), atomic_load(&resolved));
        MUST(atomic_load(&resolved) > 0);
        twins_lock(&twins);
        name_server_end(&server);
        twins_unlock(&twins);
        MUST(tapio_close(shared) == 0 && tapio_close(listener) == 0);
        twins_end(&twins);
    }
    suite_is("threads");
#ifdef __SANITIZE_THREAD__
    if (fine) /* with TSAN_OPTIONS=halt_on_error=1 a report would have been the end */
        PROVES("F05", "F09", "POSIX-close", "POSIX-partial");
#endif
    printf("%d passed, %d failed\n", fine, !fine);
    return !fine;
}
