/*
 * stations.h - a stack on an Ethernet where stations answer ARP only when the test lets them.
 *
 * We are 10.9.0.2/24 and 10.8.0.2/24 with the gateway 10.9.0.254, and listen at STATIONS_PORT. A
 * station is the last octet of its address, 10.9.0.x, and of its MAC. What has left is counted by
 * the station that it was for. Time is wound by hand. After each step what must hold of a stack
 * does (stack_check_invariants()).
 */
#ifndef TAPIO_TESTS_STATIONS_H
#define TAPIO_TESTS_STATIONS_H

#include "stack/stack.h"

enum { STATIONS_PORT = 80, STATIONS_US = 2, STATIONS_GATEWAY = 254 };

struct stations {
    struct stack *stack;
    struct stack_config config;
    instant now;
    bool full; /* the device takes nothing */
    uint64_t seed;
    int tcp_to[256], arp_asks[256]; /* what left, by the last octet of whom it is for; */
    int by_station[256];            /* segments also by that of the MAC they went to */
    uint16_t last_port[256];        /* where the last of them went */
};

extern struct stations st;

/* Everything anew: change the config, then begin. */
void stations_config(void);
void stations_begin(void);
void stations_end(void);
/* Lets the stack send what it owes; timer by timer. */
void stations_output(void);
void stations_wait_ms(int64_t ms);
/* Fails the test if something does not hold. */
void stations_hold(void);

/* 10.9.0.x as a number. */
uint32_t station_addr(int station);
/* An ARP packet of the station, about `about`. The stack does not send yet. */
void station_says(uint16_t op, int station, uint32_t about);
/* The answer to our request; */
void station_replies(int station);
/* and the stack sends. */
void station_answers(int station);
/* A SYN to our port, and the stack sends. */
void station_calls(int station, uint16_t port);
/* A socket that connects, and the stack sends. */
int stations_open_to(struct ip_addr from, struct ip_addr to, uint16_t port);

#endif
