/*
 * fake_sock.h - the calls of tapio/sock.h on streams in memory, for tests of what stands on
 * sockets.
 *
 * A test plays the peer: it connects to a listener, pushes octets, takes what was sent, closes,
 * fails. It decides how much a socket takes at once and how much it can hold, and nothing happens
 * but what it does. Readiness is edge-like, as the real one may be: a socket is listed when
 * something changed, and POLLOUT only after a send was refused. Numbers are never used twice; a
 * call on a closed socket is counted as misuse.
 */
#ifndef TAPIO_TESTS_FAKE_SOCK_H
#define TAPIO_TESTS_FAKE_SOCK_H

#include <tapio/sock.h>

struct stack *fake_stack_new(void);
void fake_stack_free(struct stack *stack);

/* One round: every socket that is listed now calls its app once. How many did. */
int fake_run(struct stack *stack, instant now);
/* Rounds until nothing is listed, at most `rounds`. How many it took. */
int fake_run_all(struct stack *stack, instant now, int rounds);

/* The listening socket at that port, or -1. */
int fake_listener(struct stack *stack, uint16_t port);
/* A peer connects to it: the number that sock_accept() will return. */
int fake_connect(struct stack *stack, int listener);
/* The address of a client that was not accepted yet; :: at first. */
void fake_set_remote(struct stack *stack, int client, struct ip_addr addr);
/* What sock_connect() says: `first`, and `then` when it is asked again about that socket after the
 * peer did something; both are 0 at first. */
void fake_set_connect(struct stack *stack, int first, int then);
/* The socket that was made last, or -1. */
int fake_newest(struct stack *stack);
/* Connections that were not accepted yet. */
int fake_backlog(struct stack *stack, int listener);

/* What the peer does. */
void fake_push(struct stack *stack, int s, const void *octets, size_t len);
void fake_push_text(struct stack *stack, int s, const char *text);
void fake_push_end(struct stack *stack, int s);      /* FIN */
void fake_fail(struct stack *stack, int s, int err); /* a reset, or whatever ends it; -errno */
/* Takes up to `len` octets that were sent; `out` may be NULL. How many. */
size_t fake_take(struct stack *stack, int s, void *out, size_t len);
/* What was sent and not taken; valid until the next call. */
struct bytes fake_sent(struct stack *stack, int s);

/* Limits: octets that were sent and not taken, at most; octets of one send or receive, at most. */
void fake_set_room(struct stack *stack, int s, size_t room);
void fake_set_room_of_all(struct stack *stack, size_t room); /* of sockets to come */
void fake_set_step(struct stack *stack, size_t octets);
/* Counts octets that are sent instead of keeping them: for tests that send gigabytes. */
void fake_only_count(struct stack *stack, int s);

/* What the application did. */
bool fake_is_shut(struct stack *stack, int s); /* SHUT_WR, or closed without a reset */
bool fake_is_closed(struct stack *stack, int s);
bool fake_is_reset(struct stack *stack, int s); /* closed with SO_LINGER 0, or with octets unread */
size_t fake_unread(struct stack *stack, int s);
uint64_t fake_sent_total(struct stack *stack, int s);
int fake_open(struct stack *stack);   /* sockets that are not closed */
int fake_misuse(struct stack *stack); /* calls on closed sockets, and refused options */

#endif
