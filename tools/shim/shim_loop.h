/*
 * shim_loop.h - what a rig hangs on its loop (the control socket, the capture, the lease), turned
 * by the polling thread of src/posix.
 */
#ifndef TAPIO_TOOLS_SHIM_LOOP_H
#define TAPIO_TOOLS_SHIM_LOOP_H

#include "os/os_loop.h"
#include "posix/posix.h"

struct shim_loop {
    struct posix_company company;
    struct os_loop *loop; /* its watches and machines are turned, and nothing else of it */
};

/* Before the thread starts; `loop` has all its watches by then. */
void shim_loop_init(struct shim_loop *own, struct os_loop *loop);

#endif
