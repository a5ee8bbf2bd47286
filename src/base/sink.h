/*
 * sink.h - where octets go that leave the stack for a file, a pipe or a terminal; implemented in
 * src/os, or by a test in memory.
 */
#ifndef TAPIO_BASE_SINK_H
#define TAPIO_BASE_SINK_H

#include <sys/uio.h>

#include "base/bytes.h"

struct octet_sink {
    /* Takes all octets of the list, in order, and returns how many these are. Fewer mean that the
     * rest cannot be had any more, a negative errno that none was taken. What is worth another try
     * (a signal, a short write) the sink tries itself: only it knows its descriptor. The octets are
     * borrowed for the call. */
    int (*write)(struct octet_sink *sink, const struct iovec *iov, int iovcnt);

    /* For a sink that can write while the caller goes on; else both are NULL. begin() borrows the
     * octets until settle() has told what became of them, in the words of write(), or -EAGAIN:
     * that is not known yet, and nobody was to `wait`. One at a time, and no write() meanwhile. 0,
     * or a negative errno: none was taken, and nothing is to be settled. */
    int (*begin)(struct octet_sink *sink, struct bytes octets);
    int (*settle)(struct octet_sink *sink, bool wait);
};

#endif
