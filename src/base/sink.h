/*
 * sink.h - where octets go that leave the stack for a file, a pipe or a terminal; implemented in
 * src/os, or by a test in memory.
 */
#ifndef TAPIO_BASE_SINK_H
#define TAPIO_BASE_SINK_H

#include <sys/uio.h>

#include "base/base.h"

struct octet_sink {
    /* Takes all octets of the list, in order, and returns how many these are. Fewer mean that the
     * rest cannot be had any more, a negative errno that none was taken. What is worth another try
     * (a signal, a short write) the sink tries itself: only it knows its descriptor. The octets are
     * borrowed for the call. */
    int (*write)(struct octet_sink *sink, const struct iovec *iov, int iovcnt);
};

#endif
