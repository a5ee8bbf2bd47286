/*
 * growth_stack.h - a stack that many speak to, one segment at a time, for the rows that measure a
 * packet's whole way.
 *
 * The link carries bare IP packets, unless the row asks for Ethernet. What the stack sends is
 * looked at for the one thing that a handshake needs of it, and forgotten.
 */
#ifndef TAPIO_BENCH_GROWTH_STACK_H
#define TAPIO_BENCH_GROWTH_STACK_H

#include <tapio/sock.h>

#include "stack/stack.h"

enum { GROWTH_PORT = 80, GROWTH_PACKET = 1600 };

/* Somebody who speaks to us. */
struct growth_peer {
    struct endpoint from;
    uint32_t seq, ack; /* of its next segment */
};

/* The one stack, its clock, and a packet in the making. */
extern struct stack *growth_stack;
extern instant growth_now;
extern struct stack_config growth_config; /* for growth_stack_new() */

/* The default values, and no address: set what else is wanted. */
void growth_configure(enum stack_link link);
/* 10.0.0.1/8 is ours. */
void growth_stack_new(void);
/* Of the peer of that number; no two are alike. */
struct ip_addr growth_address(uint32_t number);
struct endpoint growth_end(uint32_t number);
/* A listener with the largest backlog at GROWTH_PORT. */
int growth_listen(void);

/* Makes a segment from a peer to a port of ours; growth_input() runs it, and timers, and lets the
 * stack send. */
void growth_segment(const struct growth_peer *peer, uint16_t port, uint8_t flags, uint32_t len);
void growth_datagram(struct endpoint from, uint16_t port);
void growth_input(void);
/* Handshake, and accept. */
int growth_open(struct growth_peer *peer, int listener);
void growth_output(void);

#endif
