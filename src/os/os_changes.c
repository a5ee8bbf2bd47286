/*
 * os_changes.c - see os_changes.h.
 *
 * inotify wants a path, and a path may lead elsewhere by now. /proc/self/fd/N is one that leads to
 * what the descriptor is open at, whatever became of its name.
 *
 * What is told: octets that were written or cut off (IN_MODIFY); a change of mode, owner, times or
 * the number of names, which is how a file hears that another was renamed over it or that its name
 * was removed (IN_ATTRIB); its own renaming (IN_MOVE_SELF); its end (IN_DELETE_SELF, IN_UNMOUNT).
 *
 * What is not, and whoever remembers files has to look for himself: a folder above the file, or a
 * link that led to it, leads elsewhere; octets are changed through a mapping (mmap), or by another
 * machine on a file system that both share.
 *
 * An event is queued before the call that caused it returns. So whoever has looked knows of every
 * change that anybody else can know of.
 *
 * A mark that is taken away is told, too (IN_IGNORED); nobody knows that number any more, and the
 * kernel gives it to no other file before it has counted through all of them.
 */
#include "os/os_changes.h"

#include <errno.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

enum { EVENTS = 64 }; /* that one read() takes at most */

static int mark(void *context, int file)
{
    const struct os_changes *changes = context;
    char path[32];

    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    int wd = inotify_add_watch(changes->watch.fd, path,
                               IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF);
    return wd < 0 ? -errno : wd;
}

static void unmark(void *context, int mark)
{
    const struct os_changes *changes = context;

    /* Of a file that is gone the kernel has done it: then this is an error, and none. */
    inotify_rm_watch(changes->watch.fd, mark);
}

static void look(void *context)
{
    struct os_changes *changes = context;
    struct inotify_event events[EVENTS];
    ssize_t len;

    for (;;) {
        do
            len = read(changes->watch.fd, events, sizeof events);
        while (len < 0 && errno == EINTR);
        if (len <= 0)
            return;
        for (size_t i = 0; i < (size_t)len / sizeof *events; i++) {
            assert(events[i].len == 0); /* only what happens in a folder comes with a name */
            changes->changed(changes, events[i].wd); /* -1 when the queue ran over */
        }
    }
}

static void ready(struct os_watch *watch, instant now)
{
    (void)now;
    look(CONTAINER_OF(watch, struct os_changes, watch));
}

int os_changes_open(struct os_changes *changes,
                    void (*changed)(struct os_changes *changes, int mark))
{
    *changes = (struct os_changes){
        .watch = {.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), .ready = ready},
        .changed = changed,
    };
    return changes->watch.fd < 0 ? -errno : 0;
}

void os_changes_close(struct os_changes *changes)
{
    if (changes->watch.fd >= 0)
        close(changes->watch.fd);
    changes->watch.fd = -1;
}

struct os_marks os_changes_marks(struct os_changes *changes)
{
    return (struct os_marks){.context = changes, .mark = mark, .unmark = unmark, .look = look};
}
