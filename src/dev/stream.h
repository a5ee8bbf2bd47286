/*
 * stream.h - a UNIX stream socket as a device: Ethernet frames, each with its length in front.
 *
 * The other end is a program and not the kernel: passt, which makes the connections of a stack
 * those of an ordinary user's sockets, or QEMU. So it needs no privilege, no interface and no
 * namespace. We connect; who is to be connected to (passt does nothing else, QEMU does with
 * server=on) listens. Calls fail with a negative errno, which stream_explain() puts into a line for
 * people.
 */
#ifndef TAPIO_DEV_STREAM_H
#define TAPIO_DEV_STREAM_H

#include <sys/socket.h>
#include <tapio/dev.h>

#include "base/base.h"

/* What a stream asks of the system. The functions are those of the C library, errno and all, so
 * that a test can put faults in their place. */
struct stream_sys {
    int (*socket)(int domain, int type, int protocol);
    int (*connect)(int fd, const struct sockaddr *to, socklen_t len);
    ssize_t (*recv)(int fd, void *octets, size_t len, int flags);
    ssize_t (*sendmsg)(int fd, const struct msghdr *message, int flags);
    int (*close)(int fd);
};

struct stream_config {
    const char *path;             /* of the socket that somebody listens on */
    uint32_t mtu;                 /* of what we send; frames of any length are taken */
    const struct stream_sys *sys; /* NULL: the system */
};

enum {
    STREAM_PATH_MAX = 107,   /* octets of a path that Linux takes as a socket's address */
    STREAM_ROOM = 256 << 10, /* octets that a device keeps in each direction at most */
};

/* Connects. `*out` must go to dev_close().
 *
 *     -ENOENT, -ECONNREFUSED   there is no such socket, or nobody listens there
 *     -EACCES, -EPERM          may not connect
 *     -EPROTOTYPE              a socket, but of datagrams
 *     -EAGAIN                  too many wait there already
 *     -EINVAL                  not a path for a socket: empty, or too long */
NODISCARD int stream_open(const struct stream_config *config, struct dev **out);

/* One line, without an end of line, that names the cause and the remedy of what stream_open()
 * answered. Returns `out`. */
const char *stream_explain(int err, const char *path, char *out, size_t room);

/* Once the device has answered -ENETDOWN: why, in the same form. Only for a device from
 * stream_open(). */
const char *stream_explain_end(const struct dev *dev, const char *path, char *out, size_t room);

#endif
