/*
 * os_log.h - lines on their way to a file, a FIFO or standard output, without ever waiting for it.
 *
 * Lines collect in a ring and leave together: when half of the ring is taken, and OS_LOG_DELAY
 * after the first of them at the latest. What a full pipe or a full disk does not take stays and is
 * tried again; a line for which the ring has no room is lost and counted.
 */
#ifndef TAPIO_OS_LOG_H
#define TAPIO_OS_LOG_H

#include "base/instant.h"
#include "base/octet_ring.h"
#include "base/sink.h"

enum { OS_LOG_ROOM = 65536 }; /* octets that may wait */

#define OS_LOG_DELAY (200 * NS_PER_MS)

struct os_log {
    struct octet_sink sink; /* hand out &log.sink: what a call brings is taken whole or lost */
    const char *path;       /* NULL: the descriptor is somebody else's */
    int fd;
    bool file;     /* a regular file: it takes everything or says why not */
    bool blocked;  /* it took nothing more when it was last tried */
    instant due;   /* when what waits is to leave; never: it was not looked at yet */
    int64_t pause; /* before a blocked one is tried again */
    int error;     /* why a write last failed, negative; 0: none has */
    uint64_t lost; /* lines */
    struct octet_ring ring;
    uint8_t room[OS_LOG_ROOM];
};

/* Opens `path` for appending and makes it, with mode 0640, if it is not there; a FIFO needs no
 * reader yet. `path` must outlive the log. 0 or -errno. */
NODISCARD int os_log_open(struct os_log *log, const char *path);
/* A descriptor that is shared with others, such as standard output, and stays open. */
void os_log_use(struct os_log *log, int fd);

/* Opens the path anew: whoever rotates logs has renamed the file. On an error the log goes on with
 * what it has. 0 or -errno; -EBADF when it has no path. */
NODISCARD int os_log_reopen(struct os_log *log);

/* As an os_machine wants them: advance it once in every turn, when all lines of the turn have come.
 */
instant os_log_deadline(const struct os_log *log);
void os_log_advance(struct os_log *log, instant now);

/* Writes what waits, for a second at most, and closes. `lost` and `error` stay to be read. */
void os_log_close(struct os_log *log);

#endif
