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
    /* Calls `entry` for each name in the directory, until it returns false. */
    int (*list)(void *context, const char *path,
                bool (*entry)(void *cookie, const char *name, const struct file_info *info),
                void *cookie);
};

#endif
