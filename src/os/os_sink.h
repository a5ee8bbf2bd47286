/*
 * os_sink.h - octets out to a descriptor: a capture file, a pipe to a viewer, a terminal.
 */
#ifndef TAPIO_OS_SINK_H
#define TAPIO_OS_SINK_H

#include "base/sink.h"

struct os_sink {
    struct octet_sink sink; /* hand out &s.sink */
    int fd;
    bool file; /* a regular file: it takes everything or says why not */
    int error; /* why the last write that failed did, also when it had taken some octets */
};

/* The descriptor stays the caller's. */
void os_sink_init(struct os_sink *sink, int fd);

#endif
