/*
 * callers.h - a stack that listens, and any number of callers who speak to it one segment at a
 * time.
 *
 * A caller is no more than its address and numbers: 100,000 of them cost nothing but the stack's
 * own memory, which is counted. The link carries bare IP packets of the family that the test asks
 * for, time is wound by hand, and after each step received = consumed + the sum of the named drops.
 */
#ifndef TAPIO_TESTS_CALLERS_H
#define TAPIO_TESTS_CALLERS_H

#include <tapio/sock.h>

#include "support/small_env.h"
#include "tcp/tcp_wire.h"

enum { CALLER_PORT = 80, CALLER_KEPT = 512 };

/* A segment that the stack has sent. */
struct caller_heard {
    struct endpoint to;
    struct tcp_segment seg; /* without its text */
    size_t len;             /* octets of it */
};

struct callers {
    struct small_env memory;
    struct stack_config config;
    struct stack *stack;
    struct frame_sink sink;
    instant now;
    uint64_t random;
    bool v6, full; /* `full`: the device takes nothing */
    int listener;
    struct caller_heard heard[CALLER_KEPT]; /* since callers_forget() */
    int count;
};

struct caller {
    struct endpoint from;
    uint32_t iss, seq, ack;     /* of the next segment; taken from what it hears */
    struct tcp_options options; /* of the SYN; TSval of all others is its clock */
    uint16_t window;
};

/* The config with nothing but the address: change it, then begin with a listener of that backlog.
 */
void callers_config(struct callers *c, bool v6);
void callers_begin(struct callers *c, int backlog);
/* Closes the listener, waits until all has run out, and finds that nothing is left. */
void callers_end(struct callers *c);

/* The caller of that number; no two are alike. Window 65535, an MSS option of what the MTU holds.
 */
struct caller caller_of(const struct callers *c, uint32_t number);
/* Says it, and lets the stack answer. The answer, or NULL without one. */
const struct caller_heard *caller_say(struct callers *c, struct caller *caller, uint8_t flags,
                                      size_t text_len);
/* SYN, and what is in the answer; false when that is no <SYN,ACK>. */
bool caller_knock(struct callers *c, struct caller *caller);
/* The whole handshake; false when the SYN is not answered. */
bool caller_open(struct callers *c, struct caller *caller);

/* What the stack has sent is forgotten; how many segments it was. */
int callers_forget(struct callers *c);
/* Timer by timer. */
void callers_wait_ms(struct callers *c, int64_t ms);
/* Takes a connection; it must be there. */
int callers_accept(struct callers *c);
/* An option of TCP that is an int, on the listener. */
void callers_set(struct callers *c, int option, int value);
/* TCP_INFO of a connection. */
struct sock_tcp_info callers_info(const struct callers *c, int s);
/* Closes it. */
void callers_close(struct callers *c, int s);
struct stack_usage callers_usage(const struct callers *c);
uint64_t callers_drops(const struct callers *c, enum drop drop);
uint64_t callers_counter(const struct callers *c, enum counter counter);

#endif
