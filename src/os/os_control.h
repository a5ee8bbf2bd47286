/*
 * os_control.h - the control socket of a running stack: who may come in, and octets in and out.
 *
 * A part of the loop: one watch (an epoll set with the listener and all clients in it) and one
 * machine, which costs a comparison in each turn while nobody is there. What clients may ask is
 * see/control.h, how they are answered os_session.h. A client that is slow, silent or rude costs
 * the stack nothing but its place, of which there are OS_CONTROL_CLIENTS.
 */
#ifndef TAPIO_OS_OS_CONTROL_H
#define TAPIO_OS_OS_CONTROL_H

#include <sys/types.h>

#include "os/os_control_dir.h"
#include "os/os_loop.h"
#include "os/os_session.h"

enum { OS_CONTROL_CLIENTS = 16 };

struct os_control_client {
    int fd; /* -1: none */
    bool blocked, more;
    uint32_t asked; /* what the epoll set watches for */
    instant heard;  /* when it last took or said anything */
    struct os_session session;
};

struct os_control {
    struct os_watch watch;
    struct os_machine machine;
    struct control_context context;
    int listener, epoll; /* -1: none */
    int clients;         /* that are there */
    bool more;           /* some of them have more to do at once */
    instant resume_at;   /* accepting rests until then: the process has no descriptor left */
    bool in_place;       /* nobody has chosen the path */
    char path[OS_CONTROL_PATH];
    dev_t path_dev; /* the socket's file, which may have become another's */
    ino_t path_ino;
    struct os_control_client client[OS_CONTROL_CLIENTS];
};

/* Makes the socket at `path`, or where `path` is NULL at the place that os_control_place() says,
 * and adds it to the loop. The context's texts must outlive it. 0; -EADDRINUSE when something else
 * is at `path`, or -errno; then nothing was made. */
NODISCARD int os_control_open(struct os_control *control, const char *path,
                              const struct control_context *context, struct os_loop *loop);
/* Hangs up, and removes the socket. Before its stack ends. */
void os_control_close(struct os_control *control);

#endif
