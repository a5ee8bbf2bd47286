/*
 * os_sink.h - octets out to a descriptor: a capture file, a pipe to a viewer, a terminal.
 */
#ifndef TAPIO_OS_SINK_H
#define TAPIO_OS_SINK_H

#include <aio.h>

#include "base/sink.h"

struct os_sink {
    struct octet_sink sink; /* hand out &s.sink */
    int fd;
    bool file; /* a regular file: it takes everything or says why not */
    int error; /* why the last write that failed did, also when it had taken some octets */

    bool own, reserves;        /* see os_sink_own() */
    int64_t written, reserved; /* octets of the file so far, and with the room that was taken */
    struct aiocb later;        /* what is being written while the stack goes on, */
    struct bytes later_octets; /* all of it; empty: nothing is */
};

/* The descriptor stays the caller's. */
void os_sink_init(struct os_sink *sink, int fd);

/* A file that is empty, ours alone and soon large can be written in large pieces while the caller
 * goes on: the sink has begin() and settle() from here on. The file system is asked for room ahead
 * of the octets, which then cost it a third less; what is left of that os_sink_end() gives back,
 * and behind a process that was killed it is at most 8 MB. Something else than a regular file
 * stays what it was. */
void os_sink_own(struct os_sink *sink);
/* Takes the last octets back, where that can be done: of a file. */
void os_sink_cut(struct os_sink *sink, uint32_t octets);
/* Nothing must be left to settle. */
void os_sink_end(struct os_sink *sink);

#endif
