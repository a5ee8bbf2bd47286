/*
 * os_control_dir.h - where control sockets are, and who is behind them.
 *
 * A socket is DIR/PID-DEVICE.sock. DIR is the first of these that is ours alone or can be made so:
 * $XDG_RUNTIME_DIR/tapio, /run/tapio, /tmp/tapio-UID. Who looks for a stack looks into all three.
 * A socket that nobody listens at any more is removed by whoever finds it.
 */
#ifndef TAPIO_OS_OS_CONTROL_DIR_H
#define TAPIO_OS_OS_CONTROL_DIR_H

#include "base/base.h"

enum {
    OS_CONTROL_PATH = 108,    /* octets of a path, NUL included: sun_path */
    OS_CONTROL_FOUND = 64,    /* sockets that one search tells of */
    OS_CONTROL_LOOKED = 4096, /* names in a folder that it looks at */
};

struct os_control_found {
    int count;
    char path[OS_CONTROL_FOUND][OS_CONTROL_PATH];
};

/* Makes DIR if need be, and the name of our socket in it. 0, or -errno of the last that was tried.
 */
NODISCARD int os_control_place(const char *device, char out[OS_CONTROL_PATH]);
/* The folder of a socket that was at such a place goes, too, unless there are others in it. */
void os_control_leave(const char *path);
/* Those that somebody listens at, by name; removes the dead ones on the way. */
void os_control_search(struct os_control_found *out);
/* A connection to the socket at that path, which waits for nothing: its descriptor, -ECONNREFUSED
 * when nobody listens, or another -errno. */
NODISCARD int os_control_connect(const char *path);

#endif
