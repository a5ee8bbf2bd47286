/*
 * os_log.c - see os_log.h.
 *
 * Nobody who writes a line knows how the reader does, so a line goes into the ring and no further,
 * unless half of the ring is taken: under load one write() takes hundreds of lines. A reader that
 * is slow makes the descriptor blocked; then it is only tried again when a pause is over, which
 * doubles up to OS_LOG_DELAY, and the lines that come meanwhile find room in the ring or are lost.
 * A disk that is full, or a FIFO whose reader is gone, is treated likewise: it may get better, and
 * the ring's lines leave then. A line that was begun is always finished first.
 *
 * A file or FIFO that is ours is opened O_NONBLOCK. A descriptor that others share (standard
 * output) must not be: so it gets at most what poll() has promised room for, PIPE_BUF octets at a
 * time.
 *
 * A FIFO that nobody reads yet cannot be opened for writing alone (ENXIO); opened for reading, too,
 * as Linux allows, it collects what it can hold until its reader comes.
 *
 * Left out: fsync(). Lines that the kernel has are as safe as those of other programs.
 */
#include "os/os_log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/os_env.h"

enum { FILE_MODE = 0640 };

#define PAUSE_MIN (10 * NS_PER_MS)
#define PATIENCE  (1 * NS_PER_S) /* at the end */

/* --- writing ------------------------------------------------------------------------------ */

/* Octets of the list that the descriptor took, or -errno. */
static ssize_t write_some(const struct os_log *log, const struct iovec *iov, int iovcnt)
{
    struct iovec piece = iov[0];
    ssize_t n;

    if (!log->path && !log->file) {
        struct pollfd p = {.fd = log->fd, .events = POLLOUT};
        if (poll(&p, 1, 0) <= 0)
            return -EAGAIN;
        piece.iov_len = size_min(piece.iov_len, PIPE_BUF);
        iov = &piece;
        iovcnt = 1;
    }
    do
        n = writev(log->fd, iov, iovcnt);
    while (n < 0 && errno == EINTR);
    if (n == 0)
        return -EIO;
    return n > 0 ? n : -errno;
}

/* 0 when nothing waits any more, or what keeps it. */
static int flush(struct os_log *log)
{
    struct iovec iov[2];
    int count;

    while ((count = octet_ring_peek(&log->ring, iov)) > 0) {
        ssize_t n = write_some(log, iov, count);
        if (n < 0) {
            log->blocked = true;
            if (n != -EAGAIN)
                log->error = (int)n;
            return (int)n;
        }
        octet_ring_take(&log->ring, (size_t)n);
        log->pause = PAUSE_MIN;
    }
    log->blocked = false;
    return 0;
}

static int sink_write(struct octet_sink *sink, const struct iovec *iov, int iovcnt)
{
    struct os_log *log = CONTAINER_OF(sink, struct os_log, sink);
    size_t total = 0;

    for (int i = 0; i < iovcnt; i++)
        total += iov[i].iov_len;
    if (total > octet_ring_left(&log->ring)) {
        log->lost++;
        return -ENOBUFS;
    }
    for (int i = 0; i < iovcnt; i++) {
        bool fits = octet_ring_put(&log->ring, (struct bytes){iov[i].iov_base, iov[i].iov_len});
        assert(fits);
    }
    if (log->ring.len >= OS_LOG_ROOM / 2 && !log->blocked)
        flush(log);
    return (int)total;
}

/* --- time --------------------------------------------------------------------------------- */

instant os_log_deadline(const struct os_log *log)
{
    return log->ring.len > 0 ? log->due : INSTANT_NEVER;
}

void os_log_advance(struct os_log *log, instant now)
{
    if (log->ring.len == 0) {
        log->due = INSTANT_NEVER;
        return;
    }
    if (instant_before(now, log->due)) {
        int64_t wait = log->blocked ? log->pause : OS_LOG_DELAY;
        log->due = instant_min(log->due, instant_add(now, wait));
        return;
    }
    log->pause = log->pause * 2 < OS_LOG_DELAY ? log->pause * 2 : OS_LOG_DELAY;
    flush(log); /* which makes the pause short again if it gets anywhere */
    log->due = log->ring.len > 0 ? instant_add(now, log->pause) : INSTANT_NEVER;
}

/* --- opening and closing -------------------------------------------------------------------- */

static void begin(struct os_log *log, int fd, const char *path)
{
    struct stat st;

    *log = (struct os_log){.sink = {.write = sink_write},
                           .path = path,
                           .fd = fd,
                           .due = INSTANT_NEVER,
                           .pause = PAUSE_MIN};
    octet_ring_init(&log->ring, log->room, sizeof log->room);
    log->file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

static int open_path(const char *path)
{
    const int flags = O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

    int fd = open(path, O_WRONLY | O_CREAT | flags, FILE_MODE);
    if (fd < 0 && errno == ENXIO)
        fd = open(path, O_RDWR | flags);
    return fd < 0 ? -errno : fd;
}

int os_log_open(struct os_log *log, const char *path)
{
    int fd = open_path(path);

    if (fd < 0)
        return fd;
    begin(log, fd, path);
    return 0;
}

void os_log_use(struct os_log *log, int fd)
{
    begin(log, fd, NULL);
}

int os_log_reopen(struct os_log *log)
{
    struct stat st;

    if (!log->path)
        return -EBADF;
    int fd = open_path(log->path);
    if (fd < 0)
        return fd;
    flush(log); /* these lines were of the old file's time */
    close(log->fd);
    log->fd = fd;
    log->file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    log->blocked = false;
    return 0;
}

static void wait_for_room(const struct os_log *log, int64_t ns)
{
    struct pollfd p = {.fd = log->fd, .events = POLLOUT};
    poll(&p, 1, (int)(ns / NS_PER_MS) + 1);
}

static uint64_t lines_in(const struct octet_ring *ring)
{
    struct iovec iov[2];
    int count = octet_ring_peek(ring, iov);
    uint64_t lines = 0;

    for (int i = 0; i < count; i++) {
        const char *at = iov[i].iov_base;
        for (size_t j = 0; j < iov[i].iov_len; j++)
            lines += at[j] == '\n';
    }
    return lines;
}

void os_log_close(struct os_log *log)
{
    instant end = instant_add(os_now(), PATIENCE);
    int64_t left = PATIENCE;

    while (flush(log) == -EAGAIN && left > 0) {
        wait_for_room(log, left);
        left = instant_since(end, os_now());
    }
    log->lost += lines_in(&log->ring);
    octet_ring_take(&log->ring, log->ring.len);
    if (log->path)
        close(log->fd);
    log->fd = -1;
}
