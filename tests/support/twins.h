/*
 * twins.h - two stacks in one process, each with a thread of its own, over a wire that the kernel
 * keeps: a pair of sockets, so that both devices have descriptors, get full, and need no lock.
 *
 * Ours (10.0.0.1) is attached to face two and polled by tapio_start(). The peer (10.0.0.2) serves
 * echo, discard and chargen, and is reached by face one between twins_lock() and twins_unlock().
 */
#ifndef TAPIO_TESTS_TWINS_H
#define TAPIO_TESTS_TWINS_H

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <tapio/socket.h>

#include "apps/service.h"
#include "base/instant.h"

/* An assertion for threads: Check's own are for the one that runs the test. */
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s (errno %d)\n", __FILE__, __LINE__, #condition, errno);      \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

enum { TWINS_ECHO = 7, TWINS_DISCARD = 9, TWINS_CHARGEN = 19, TWINS_CLOSED = 99 };

struct twins {
    struct stack *ours, *peer;
    struct dev *our_dev, *peer_dev;
    struct service *services[3];
    pthread_t thread;
    pthread_mutex_t lock; /* the peer's */
    int poke;             /* an eventfd: the peer has been called */
    bool ends, cut;       /* the peer's thread; the wire */
};

/* Made, attached and started. */
void twins_begin(struct twins *t);
/* Detached, taken apart; nothing may be left over in our stack but what time would free. */
void twins_end(struct twins *t);
/* The peer, for face one. */
struct stack *twins_lock(struct twins *t);
void twins_unlock(struct twins *t);
/* Our device says that it is gone. */
void twins_cut(struct twins *t);

/* An address as POSIX has it. */
struct sockaddr_in twins_addr(const char *text, uint16_t port);
/* A socket of ours, connected to that port of the peer. */
int twins_connect(uint16_t port);
/* A listener of ours. */
int twins_listen(uint16_t port, int backlog);
/* The peer connects to a port of ours; face one's number. */
int twins_call(struct twins *t, uint16_t port);
/* What the peer reads of it: waits until `len` octets are there, up to 5 s. */
void twins_hear(struct twins *t, int s, void *octets, size_t len);
void twins_say(struct twins *t, int s, const void *octets, size_t len);
void twins_hang_up(struct twins *t, int s);

#endif
