/*
 * get_sink.h - where `tapio get` writes content: a file, or standard output.
 */
#ifndef TAPIO_TOOLS_GET_SINK_H
#define TAPIO_TOOLS_GET_SINK_H

#include <tapio/types.h>

struct get_sink {
    const char *path; /* NULL: standard output */
    bool append;      /* go on behind what the file holds */
    int fd;           /* -1: not open */
    bool is_file;     /* a disk never says "not now" */
    uint64_t written; /* since it was opened */
};

/* For the content of a response with that status; that of a failure never reaches a file. 0 or a
 * negative errno. */
TAPIO_NODISCARD int get_sink_open(struct get_sink *sink, int status);
/* 0, or what a disk says only now: -ENOSPC. */
TAPIO_NODISCARD int get_sink_close(struct get_sink *sink);
/* How many octets were taken without waiting for a reader, or a negative errno. */
TAPIO_NODISCARD int get_sink_write(struct get_sink *sink, struct bytes octets);

const char *get_sink_name(const struct get_sink *sink);

#endif
