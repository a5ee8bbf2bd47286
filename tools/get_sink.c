/*
 * get_sink.c - see get_sink.h.
 *
 * Standard output may be a pipe whose reader sleeps, and it is shared with other programs, so it is
 * not made non-blocking. It gets at most what poll() has promised room for: PIPE_BUF octets at a
 * time.
 */
#include "get_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"

int get_sink_open(struct get_sink *sink, int status)
{
    const int how = sink->append ? O_APPEND : O_CREAT | O_TRUNC;
    struct stat st;

    if (!sink->path)
        sink->fd = STDOUT_FILENO;
    else if (status < 400)
        sink->fd = open(sink->path, O_WRONLY | O_CLOEXEC | O_NOCTTY | how, 0666);
    else
        sink->fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (sink->fd < 0)
        return -errno;
    sink->written = 0;
    sink->is_file = fstat(sink->fd, &st) == 0 && S_ISREG(st.st_mode);
    return 0;
}

int get_sink_close(struct get_sink *sink)
{
    int err = 0;

    if (sink->fd > STDERR_FILENO && close(sink->fd) != 0)
        err = -errno;
    sink->fd = -1;
    return err;
}

static bool has_room(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    return poll(&p, 1, 0) > 0;
}

int get_sink_write(struct get_sink *sink, struct bytes octets)
{
    size_t done = 0;

    while (done < octets.len && (sink->is_file || has_room(sink->fd))) {
        const size_t len = octets.len - done;
        ssize_t n =
            write(sink->fd, octets.at + done, sink->is_file ? len : size_min(len, PIPE_BUF));
        if (n == 0)
            return -EIO;
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return -errno;
        if (n > 0) {
            done += (size_t)n;
            sink->written += (uint64_t)n;
        }
    }
    return (int)done;
}

const char *get_sink_name(const struct get_sink *sink)
{
    return sink->path ? sink->path : "standard output";
}
