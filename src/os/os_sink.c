/*
 * os_sink.c - writing without being held up.
 *
 * A disk may be full, and a reader at the other end of a pipe may be slow or asleep. A full disk is
 * an error of the call. A reader is given PATIENCE, because a viewer that draws a window for half a
 * second is no reason to lose a capture; then the sink gives up, because a stack that stands still
 * loses connections. The descriptor may be shared with other programs (standard output), so it is
 * not made non-blocking: instead a pipe gets at most what poll() has promised room for, PIPE_BUF
 * octets at a time.
 */
#include "os/os_sink.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PATIENCE_MS = 1000, SINK_IOV = 16 };

/* Fills `out` with what is left of the list behind its first `skip` octets, at most `room` of them.
 */
static int rest_of(const struct iovec *iov, int iovcnt, size_t skip, size_t room,
                   struct iovec out[SINK_IOV])
{
    int count = 0;

    for (int i = 0; i < iovcnt && count < SINK_IOV && room; i++) {
        if (skip >= iov[i].iov_len) {
            skip -= iov[i].iov_len;
            continue;
        }
        size_t len = size_min(iov[i].iov_len - skip, room);
        out[count++] = (struct iovec){(char *)iov[i].iov_base + skip, len};
        room -= len;
        skip = 0;
    }
    return count;
}

static int wait_for_room(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int n = poll(&p, 1, PATIENCE_MS);
    if (n == 0)
        return -ETIMEDOUT;
    return n < 0 && errno != EINTR ? -errno : 0;
}

static int sink_write(struct octet_sink *octets, const struct iovec *iov, int iovcnt)
{
    struct os_sink *sink = CONTAINER_OF(octets, struct os_sink, sink);
    size_t total = 0, done = 0;
    int err = 0;

    for (int i = 0; i < iovcnt; i++)
        total += iov[i].iov_len;
    assert(total <= INT_MAX);
    while (done < total && !err) {
        struct iovec part[SINK_IOV];
        int count = rest_of(iov, iovcnt, done, sink->file ? total : PIPE_BUF, part);
        err = sink->file ? 0 : wait_for_room(sink->fd);
        if (err)
            break;
        ssize_t n = writev(sink->fd, part, count);
        if (n > 0)
            done += (size_t)n;
        else if (n == 0)
            err = -EIO;
        else if (errno != EINTR && errno != EAGAIN)
            err = -errno;
    }
    if (err)
        sink->error = err;
    return done || !err ? (int)done : err;
}

void os_sink_init(struct os_sink *sink, int fd)
{
    struct stat st;

    *sink = (struct os_sink){.sink = {.write = sink_write}, .fd = fd};
    sink->file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}
