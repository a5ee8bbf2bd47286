/*
 * tap.h - a TAP interface of Linux as a device, or a TUN, which is one without Ethernet.
 *
 * The kernel's side is a network interface with frames that we read and write. tap_open() attaches
 * to one that is there, or makes one that goes away with its descriptor; giving it addresses and
 * setting it up is somebody else's work (src/os). Calls fail with a negative errno, which
 * tap_explain() puts into a line for people.
 */
#ifndef TAPIO_DEV_TAP_H
#define TAPIO_DEV_TAP_H

#include <sys/types.h>
#include <tapio/dev.h>

#include "base/base.h"

/* What a TAP asks of the system. The functions are those of the C library, errno and all, so that a
 * test can put faults in their place. */
struct tap_sys {
    int (*open)(const char *path, int flags);
    int (*ioctl)(int fd, unsigned long request, void *argument);
    ssize_t (*readv)(int fd, const struct iovec *iov, int iovcnt);
    ssize_t (*writev)(int fd, const struct iovec *iov, int iovcnt);
    int (*close)(int fd);
    int (*socket)(int domain, int type, int protocol);
    unsigned (*if_nametoindex)(const char *name);
    void (*pause)(int64_t ns);
};

struct tap_config {
    const char *name;          /* "tap0" */
    bool tun;                  /* a TUN: bare IP packets, no Ethernet */
    bool offload;              /* ask for checksum offload and big frames; dev->csum_offload and
                                  dev->big_frames say what was granted */
    const uid_t *owner;        /* who may attach later without privileges; NULL: as it is */
    const struct tap_sys *sys; /* NULL: the system */
    bool created;              /* out: the interface was not there before */
};

/* Attaches, or creates. Waits up to 200 ms while the interface is busy: it can stay so for a moment
 * after its last user has gone. `*out` must go to dev_close().
 *
 *     -EPERM, -EACCES   may not make or attach to the interface, or not open /dev/net/tun
 *     -ENOENT, -ENODEV  there is no /dev/net/tun, or no driver behind it
 *     -EBUSY            another program has it
 *     -EINVAL           not a name for an interface, or one that is no TAP (no TUN) */
NODISCARD int tap_open(struct tap_config *config, struct dev **out);

/* Reads the MTU and the kernel's address again: they can change while we run. 0, or -ENETDOWN when
 * the interface is gone. Only for a device from tap_open(). */
NODISCARD int tap_refresh(struct dev *dev);

/* One line, without an end of line, that names the cause and the remedy of what tap_open()
 * answered. For -EBUSY it looks for the user in /proc. `by_option`: the reader has given the name
 * to the tool by --dev; else to some program. Returns `out`. */
const char *tap_explain(int err, const char *name, bool tun, bool by_option, char *out,
                        size_t room);

/* 1 to 15 octets, and none that the kernel refuses in a name. */
bool tap_name_is_possible(const char *name);

#endif
