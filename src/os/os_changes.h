/*
 * os_changes.h - who tells when a file changes: inotify, as a watch of the loop.
 */
#ifndef TAPIO_OS_CHANGES_H
#define TAPIO_OS_CHANGES_H

#include "os/os_loop.h"

/* Marks on files that are open. A mark stays on the file, wherever its name leads later, and holds
 * nothing open. */
struct os_marks {
    void *context;
    /* A number >= 0 for what `file` is open at, the same for the same file as long as it is marked;
     * or -errno. What is done to the file from here on is told. */
    int (*mark)(void *context, int file);
    void (*unmark)(void *context, int mark);
    /* Tells now what there is to tell. */
    void (*look)(void *context);
};

struct os_changes {
    struct os_watch watch; /* for the loop; its fd is -1 when closed */
    void (*changed)(struct os_changes *changes, int mark);
};

/* `changed` is called when a file may have changed, or was renamed or removed; with a negative mark
 * when that may be so of any. The callee takes the mark away: else what goes on changing is told
 * without end. 0 or -errno: each user has a limit (fs.inotify.max_user_instances). */
NODISCARD int os_changes_open(struct os_changes *changes,
                              void (*changed)(struct os_changes *changes, int mark));
void os_changes_close(struct os_changes *changes);

/* Marks for descriptors; `changes` must outlive them. mark() says -ENOSPC at the user's limit
 * (fs.inotify.max_user_watches), -ENOENT without /proc. */
struct os_marks os_changes_marks(struct os_changes *changes);

#endif
