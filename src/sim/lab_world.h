/*
 * lab_world.h - what the files of a lab's run share: one scene, its hosts and their wires.
 */
#ifndef TAPIO_SIM_LAB_WORLD_H
#define TAPIO_SIM_LAB_WORLD_H

#include <tapio/sock.h>

#include "dev/bad_wire.h"
#include "sim/lab_run.h"

enum { LAB_FLYING = 2048, LAB_FLOWS = 32, LAB_CHUNK = 65536 };

/* Items of frames that are on their way, first in, first out. */
struct lab_queue {
    int item[LAB_FLYING];
    uint32_t first, count;
};

struct lab_world;

/* A program on its way. */
struct lab_actor {
    const struct lab_program *program;
    int at;        /* the step */
    int repeats;   /* that are left of `repeat` */
    bool waiting;  /* the step has been tried */
    instant began; /* when */
    instant until; /* of sleep */
    int64_t done;  /* octets that it has moved */
    int item;      /* that says that it waits; -1: none */
};

struct lab_station {
    struct lab_world *world;
    int number;
    struct dev dev;
    struct env env;
    struct prng randomness;
    struct stack *stack;
    struct event_sink sink;
    struct bad_wire wire;    /* from here */
    struct lab_queue flying; /* in it */
    struct {
        struct frame *frame;
        int item;
    } inbox[LAB_FLYING];
    uint32_t inbox_first, inbox_count;
    struct lab_queue taken; /* by the stack, and it has not said what it made of them */
    int sent;               /* the item of the frame that the stack is sending, or -1 */
    instant wake;
    uint32_t drops_seen[LAB_DROPS]; /* frames of its that each drop has fitted */
    int s[LAB_SLOTS];               /* the sockets; -1: none */
    int shown[LAB_SLOTS];           /* the numbers that they are shown with */
    int next_shown;
    struct endpoint from[LAB_SLOTS]; /* who sent the last datagram */
    uint8_t last[512];               /* and the datagram */
    size_t last_len;
};

/* One direction of a connection: where it started to count. */
struct lab_flow {
    struct endpoint src, dst;
    uint32_t iss, sent; /* sent: numbers of the sequence, the SYN's included */
    int scale;          /* -1: none was told */
};

struct lab_world {
    const struct lab_plan *plan;
    struct memory *memory;
    struct lab_result *result;
    int scene;
    instant now;
    struct lab_station station[LAB_HOSTS];
    struct lab_actor actor[LAB_PROGRAMS];
    int actors;
    struct lab_flow flow[LAB_FLOWS];
    int flows;
    uint8_t chunk[LAB_CHUNK];
};

/* A new item, or NULL when there are too many (the problem is noted). */
struct lab_item *lab_add(struct lab_world *world, enum lab_kind kind, int host);
void lab_problem(struct lab_world *world, const char *what, const char *whom);
struct ip_addr lab_address(int host);

/* lab_record.c: reads a frame that leaves a host; what a stack tells. */
void lab_read_frame(struct lab_world *world, struct bytes octets, struct lab_item *item);
void lab_listen(struct event_sink *sink, const struct event *event);

/* lab_actor.c: the programs of a host go on as far as they can. When they want to be called again.
 */
instant lab_act(struct lab_world *world, int host);

#endif
