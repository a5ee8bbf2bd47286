/*
 * files.h - files as a server sees them; implemented in src/os, or by a test in memory.
 */
#ifndef TAPIO_BASE_FILES_H
#define TAPIO_BASE_FILES_H

#include "base/base.h"

enum file_kind { FILE_REGULAR, FILE_DIRECTORY, FILE_OTHER };

struct file_info {
    enum file_kind kind;
    uint64_t size;    /* octets, regular files */
    int64_t mtime_ns; /* since 1970 */
    uint64_t inode;
    /* 0; or of who remembers files, a number that is told of one path again and again, for as long
     * as all that is told of it and its content are the same, and never of anything else. */
    uint64_t serial;
};

/* All return a negative errno on failure. `path` is relative, NUL-terminated, without a leading
 * '/',
 * "." for the root itself; an implementation must never leave its root, whatever the path says, and
 * never block on a FIFO or device. */
struct files_ops {
    void *context;
    int (*open)(void *context, const char *path, struct file_info *info); /* a handle >= 0 */
    int (*info)(void *context, int file, struct file_info *info);
    /* Octets read, 0 at the end of the file. */
    int64_t (*read)(void *context, int file, uint64_t offset, void *octets, size_t len);
    void (*close)(void *context, int file);
    /* The next names of the directory that `dir` is open at, whose path is `path`: calls `entry`
     * for each of a bounded number. How many it has gone past, those for which there was nothing to
     * tell included; 0 at the end of the directory. "." and ".." are not told. */
    int (*list)(void *context, int dir, const char *path,
                void (*entry)(void *cookie, const char *name, const struct file_info *info),
                void *cookie);
};

#endif
