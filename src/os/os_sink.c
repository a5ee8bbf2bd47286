/*
 * os_sink.c - writing without being held up.
 *
 * A disk may be full, and a reader at the other end of a pipe may be slow or asleep. A full disk is
 * an error of the call. A reader is given PATIENCE, because a viewer that draws a window for half a
 * second is no reason to lose a capture; then the sink gives up, because a stack that stands still
 * loses connections. The descriptor may be shared with other programs (standard output), so it is
 * not made non-blocking: instead a pipe gets at most what poll() has promised room for, PIPE_BUF
 * octets at a time.
 *
 * A disk is slow, too, now and then, and what is to be watched must not stand still for those who
 * watch. So a file of its own is written by POSIX's asynchronous calls: one piece at a time leaves
 * while the next one is made. The C library has a thread for that, which ends a second after the
 * last piece and touches nothing but the octets; the stack has no part in it.
 */
#include "os/os_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PATIENCE_MS = 1000, SINK_IOV = 16 };

/* Room is taken in such pieces, once writes are so large. */
enum { RESERVE = 4 << 20, RESERVE_FROM = 1 << 16 };

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

/* A file system that cannot do this, or has no room, is not asked again. */
static void reserve(struct os_sink *sink, size_t len)
{
    if (!sink->reserves || len < RESERVE_FROM || sink->written + (int64_t)len <= sink->reserved)
        return;
    int64_t from = sink->reserved > sink->written ? sink->reserved : sink->written;
    if (fallocate(sink->fd, FALLOC_FL_KEEP_SIZE, from, RESERVE) == 0)
        sink->reserved = from + RESERVE;
    else if (errno != EINTR)
        sink->reserves = false;
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
        ssize_t n = sink->own ? pwritev(sink->fd, part, count, sink->written + (int64_t)done)
                              : writev(sink->fd, part, count);
        if (n > 0)
            done += (size_t)n;
        else if (n == 0)
            err = -EIO;
        else if (errno != EINTR && errno != EAGAIN)
            err = -errno;
    }
    if (err)
        sink->error = err;
    sink->written += (int64_t)done;
    return done || !err ? (int)done : err;
}

void os_sink_init(struct os_sink *sink, int fd)
{
    struct stat st;

    *sink = (struct os_sink){.sink = {.write = sink_write}, .fd = fd};
    sink->file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

static int sink_begin(struct octet_sink *octets, struct bytes piece)
{
    struct os_sink *sink = CONTAINER_OF(octets, struct os_sink, sink);

    assert(sink->later_octets.len == 0 && piece.len > 0);
    reserve(sink, piece.len);
    sink->later = (struct aiocb){.aio_fildes = sink->fd,
                                 .aio_buf = (void *)(uintptr_t)piece.at,
                                 .aio_nbytes = piece.len,
                                 .aio_offset = sink->written,
                                 .aio_sigevent.sigev_notify = SIGEV_NONE};
    if (aio_write(&sink->later)) {
        sink->error = -errno;
        return -errno;
    }
    sink->later_octets = piece;
    return 0;
}

static int sink_settle(struct octet_sink *octets, bool wait)
{
    struct os_sink *sink = CONTAINER_OF(octets, struct os_sink, sink);
    const struct aiocb *const later[] = {&sink->later};
    struct bytes all = sink->later_octets;

    assert(all.len > 0);
    while (aio_error(&sink->later) == EINPROGRESS) {
        if (!wait)
            return -EAGAIN;
        aio_suspend(later, 1, NULL); /* or a signal came */
    }
    ssize_t n = aio_return(&sink->later);
    size_t done = n < 0 ? 0 : (size_t)n;
    sink->later_octets = (struct bytes){0};
    sink->written += (int64_t)done;
    if (done == all.len)
        return (int)done;
    /* The rest by the other way, which says what is wrong. */
    struct bytes left = bytes_skip(all, done);
    int rest = sink_write(octets, &(struct iovec){(void *)(uintptr_t)left.at, left.len}, 1);
    return rest < 0 ? (done ? (int)done : rest) : (int)done + rest;
}

void os_sink_own(struct os_sink *sink)
{
    if (!sink->file)
        return;
    sink->own = sink->reserves = true;
    sink->sink.begin = sink_begin;
    sink->sink.settle = sink_settle;
}

void os_sink_cut(struct os_sink *sink, uint32_t octets)
{
    if (!sink->file)
        return;
    off_t end = (sink->own ? sink->written : lseek(sink->fd, 0, SEEK_CUR)) - (off_t)octets;
    if (end < 0 || ftruncate(sink->fd, end))
        return;
    if (sink->own)
        sink->written = sink->reserved = end;
    else
        lseek(sink->fd, end, SEEK_SET);
}

void os_sink_end(struct os_sink *sink)
{
    assert(sink->later_octets.len == 0);
    if (sink->reserved > sink->written)
        os_sink_cut(sink, 0);
}
