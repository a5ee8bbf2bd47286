/*
 * lab_doing.h - what the files that make the calls of a lab's programs share; nobody else's.
 */
#ifndef TAPIO_SIM_LAB_DOING_H
#define TAPIO_SIM_LAB_DOING_H

#include "sim/lab_world.h"

/* What a call that was tried says. */
enum { LAB_WAITS = 0, LAB_RETURNED = 1 };

struct lab_doing {
    struct lab_world *world;
    struct lab_station *st;
    struct lab_actor *actor;
    const struct lab_step *step;
    int before; /* items that there were when it was tried */
};

void lab_tell_result(struct lab_doing *d, const char *name, int slot, const char *rest,
                     int64_t result);
/* Says once that it waits; LAB_WAITS. */
int lab_wait(struct lab_doing *d, const char *name, int slot, const char *rest);
/* Makes the socket, unless it is there. */
bool lab_open_socket(struct lab_doing *d, int slot, int type);
/* ", server:80" */
void lab_add_peer(struct text *t, const char *host, int64_t port);

/* lab_datagram.c */
int lab_do_sendto(struct lab_doing *d);
int lab_do_recvfrom(struct lab_doing *d);
int lab_do_reply(struct lab_doing *d);
int lab_do_ask(struct lab_doing *d);
int lab_do_answer(struct lab_doing *d);

#endif
