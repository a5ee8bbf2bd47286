/*
 * os_files.h - the files below one directory, as struct files_ops.
 *
 * Nothing outside the directory can be reached, whatever a path says, and nothing below it can make
 * a call block. Symbolic links are followed as long as they stay inside.
 */
#ifndef TAPIO_OS_FILES_H
#define TAPIO_OS_FILES_H

#include "base/files.h"

struct os_files {
    int root; /* O_PATH; -1 when closed */
};

/* Opens the directory at `path`. -ENOENT, -ENOTDIR, -EACCES, ... as open(2); -ENOSYS when the
 * kernel has no openat2() (Linux 5.6 brought it): then no file can be served safely, and none is.
 */
NODISCARD int os_files_open(struct os_files *files, const char *path);
void os_files_close(struct os_files *files);

/* The calls; `files` must outlive them. A handle is a descriptor: close it with .close. */
struct files_ops os_files_ops(struct os_files *files);

#endif
