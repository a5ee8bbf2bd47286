/*
 * stream.c - see stream.h.
 *
 * A stream has no borders between frames, and each system call costs more than the copy of a frame.
 * So both directions go through a buffer of our own, and one call moves what fits:
 *
 *     In    One recv() fills what is free of `in`. Frames are copied from there into buffers of the
 *           caller's pool, each of its own size, which keeps a bare ACK as small as it is. Only the
 *           beginning of a frame that is not all there is moved to the front, before the next
 *           recv(). A frame is never longer than `in`, so there is always room to read on.
 *     Out   send() copies the frame and its length into a ring, flush() hands all of it to the
 *           socket at once. When the peer reads too slowly the rest stays, and is counted in
 *           dev->held, until POLLOUT; a frame that finds no room is refused with -EAGAIN and stays
 *           the debt of its connection. Nothing is lost, and a frame is never cut: its octets are
 *           taken into the ring all or none.
 *
 * A loop that polls the descriptor sees only what is still in the kernel. What waits in `in` since
 * the last batch was full, and an end that nobody was told of, is a deadline in the past instead.
 *
 * Without a buffer for it a frame is dropped, as a wire would: to leave it would leave the
 * descriptor ready, and the loop would spin.
 *
 * Short frames go as they are. passt (of 2023) takes the zeros behind a short packet for a part of
 * it and then ignores the packet; QEMU pads for a network card that wants it.
 *
 * The end comes in three ways, and stream_explain_end() tells them apart: the peer closes, a length
 * makes no sense (there is no way back into step then), or the system says something else. What
 * came before it is handed over first.
 *
 * Left out on purpose: listening. passt listens, QEMU can (server=on), and a socket of our own
 * would have to be waited for, guarded and removed.
 */
#include "dev/stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/frame.h"
#include "base/instant.h"
#include "dev/stream_wire.h"

enum {
    INTERRUPTIONS = 100, /* a call is repeated so often; then it counts as "not now" */
};

static_assert(STREAM_ROOM >= 2 * (STREAM_HEADER + STREAM_FRAME_MAX),
              "the longest frame fits, and something beside it");
static_assert((int)STREAM_FRAME_MAX <= (int)FRAME_ROOM_MAX,
              "the pool has buffers for the longest frame");
static_assert(sizeof(((struct sockaddr_un *)0)->sun_path) == STREAM_PATH_MAX + 1,
              "a path, and its end");

enum end { END_NONE, END_CLOSED, END_SENSELESS, END_ERROR };

struct stream {
    struct dev dev;
    const struct stream_sys *sys;
    int fd;
    enum end end;
    bool told;     /* the caller knows of the end */
    bool waiting;  /* a batch was full: there may be more frames in `in` */
    uint32_t len;  /* with END_SENSELESS: the length that made no sense */
    int end_errno; /* with END_ERROR */

    size_t in_begin, in_end; /* what is in `in` */
    size_t out_begin;        /* where the ring begins; dev.held octets are in it */
    uint8_t in[STREAM_ROOM];
    uint8_t out[STREAM_ROOM];
};

static struct stream *stream_of(struct dev *dev)
{
    return CONTAINER_OF(dev, struct stream, dev);
}

static const struct stream *stream_of_const(const struct dev *dev)
{
    return (const struct stream *)(const void *)dev;
}

static_assert(offsetof(struct stream, dev) == 0, "a constant device is found at its beginning");

/* The first end is the one that counts: what follows comes of it. */
static void end_with(struct stream *stream, enum end end, int err)
{
    if (stream->end != END_NONE)
        return;
    stream->end = end;
    stream->end_errno = err;
}

/* A system call has failed with `err`: is it the end? */
static void take_error(struct stream *stream, int err)
{
    if (err == EAGAIN || err == EINTR || err == ENOBUFS || err == ENOMEM)
        return; /* not now */
    end_with(stream, err == ECONNRESET || err == EPIPE ? END_CLOSED : END_ERROR, err);
}

/* --- in ----------------------------------------------------------------------------------- */

/* One bulk read behind what is left. */
static void fill(struct stream *stream)
{
    ssize_t got = -1;

    memmove(stream->in, stream->in + stream->in_begin, stream->in_end - stream->in_begin);
    stream->in_end -= stream->in_begin;
    stream->in_begin = 0;
    assert(stream->in_end < STREAM_ROOM);

    errno = EINTR;
    for (int i = 0; i < INTERRUPTIONS && got < 0 && errno == EINTR; i++)
        got = stream->sys->recv(stream->fd, stream->in + stream->in_end,
                                STREAM_ROOM - stream->in_end, 0);
    if (got > 0)
        stream->in_end += (size_t)got;
    else if (got == 0)
        end_with(stream, END_CLOSED, 0);
    else
        take_error(stream, errno);
}

/* Copies whole frames from `in` to the end of the batch. Returns how many are in it then. */
static int take_frames(struct stream *stream, struct frame_pool *pool, struct frame **batch,
                       int count, int max)
{
    stream->waiting = false;
    while (count < max) {
        struct bytes in =
            bytes_of(stream->in + stream->in_begin, stream->in_end - stream->in_begin);
        struct bytes octets;
        uint32_t len;

        enum stream_sight sight = stream_parse(in, &octets, &len);
        if (sight == STREAM_SENSELESS) {
            if (stream->end != END_SENSELESS)
                stream->dev.counters.rx_bad++;
            stream->len = len;
            end_with(stream, END_SENSELESS, 0);
        }
        if (sight != STREAM_FRAME)
            return count;
        stream->in_begin += STREAM_HEADER + octets.len;
        struct frame *frame = frame_copy(pool, octets);
        if (frame)
            batch[count++] = frame;
        else
            stream->dev.counters.rx_nobuf++;
    }
    stream->waiting = true;
    return count;
}

static int receive(struct dev *dev, struct frame_pool *pool, struct frame **batch, int max,
                   instant now)
{
    struct stream *stream = stream_of(dev);

    (void)now;
    int count = take_frames(stream, pool, batch, 0, max);
    if (count < max && stream->end == END_NONE) {
        fill(stream);
        count = take_frames(stream, pool, batch, count, max);
    }
    if (count > 0 || stream->end == END_NONE)
        return count;
    stream->told = true;
    return -ENETDOWN;
}

/* --- out ---------------------------------------------------------------------------------- */

/* Hands the socket what is in the ring: one call, since what it leaves it has no room for. */
static void push(struct stream *stream)
{
    uint32_t first = u32_min(stream->dev.held, (uint32_t)(STREAM_ROOM - stream->out_begin));
    struct iovec iov[2] = {{stream->out + stream->out_begin, first},
                           {stream->out, stream->dev.held - first}};
    struct msghdr message = {.msg_iov = iov, .msg_iovlen = iov[1].iov_len ? 2 : 1};
    ssize_t put = -1;

    if (stream->dev.held == 0 || stream->end != END_NONE)
        return;
    errno = EINTR;
    for (int i = 0; i < INTERRUPTIONS && put < 0 && errno == EINTR; i++)
        put = stream->sys->sendmsg(stream->fd, &message, MSG_NOSIGNAL);
    if (put < 0) {
        take_error(stream, errno);
        return;
    }
    assert((size_t)put <= stream->dev.held);
    stream->out_begin = (stream->out_begin + (size_t)put) % STREAM_ROOM;
    stream->dev.held -= (uint32_t)put;
    if (stream->dev.held == 0)
        stream->out_begin = 0; /* the whole ring in one piece, and in the cache */
}

/* To the end of the ring; the caller knows that there is room. */
static void append(struct stream *stream, const void *octets, size_t len)
{
    size_t at = (stream->out_begin + stream->dev.held) % STREAM_ROOM;
    size_t first = size_min(len, STREAM_ROOM - at);

    if (len == 0)
        return;
    memcpy(stream->out + at, octets, first);
    memcpy(stream->out, (const uint8_t *)octets + first, len - first);
    stream->dev.held += (uint32_t)len;
}

static int send_frame(struct dev *dev, const struct frame_meta *meta, const struct iovec *iov,
                      int iovcnt, instant now)
{
    struct stream *stream = stream_of(dev);
    uint8_t header[STREAM_HEADER];
    size_t len = 0;

    (void)meta; /* no offload: the frame is whole */
    (void)now;
    for (int i = 0; i < iovcnt; i++)
        len += iov[i].iov_len;
    if (len > STREAM_FRAME_MAX) {
        dev->counters.tx_bad++; /* no peer would believe its length */
        return 0;
    }
    if (STREAM_HEADER + len > STREAM_ROOM - dev->held)
        push(stream);
    if (stream->end != END_NONE)
        return -ENETDOWN;
    if (STREAM_HEADER + len > STREAM_ROOM - dev->held)
        return -EAGAIN;

    stream_emit(len, header);
    append(stream, header, STREAM_HEADER);
    for (int i = 0; i < iovcnt; i++)
        append(stream, iov[i].iov_base, iov[i].iov_len);
    return 0;
}

static void flush(struct dev *dev, instant now)
{
    (void)now;
    push(stream_of(dev));
}

/* --- the rest of a device ----------------------------------------------------------------- */

static instant deadline(const struct dev *dev)
{
    const struct stream *stream = stream_of_const(dev);
    const instant past = {0};
    bool due = stream->waiting || (stream->end != END_NONE && !stream->told);
    return due ? past : INSTANT_NEVER;
}

/* A socket whose peer has gone polls as ready for ever. */
static int descriptor(const struct dev *dev)
{
    const struct stream *stream = stream_of_const(dev);
    return stream->told ? -1 : stream->fd;
}

/* What was sent and flushed but not yet taken is handed over, as far as that goes at once. */
static void close_stream(struct dev *dev)
{
    struct stream *stream = stream_of(dev);
    push(stream);
    stream->sys->close(stream->fd);
    free(stream);
}

static const struct dev_ops stream_ops = {
    .receive = receive,
    .send = send_frame,
    .flush = flush,
    .deadline = deadline,
    .fd = descriptor,
    .close = close_stream,
};

static const struct stream_sys system_calls = {
    .socket = socket,
    .connect = connect,
    .recv = recv,
    .sendmsg = sendmsg,
    .close = close,
};

/* A socket that is connected to the path, or -errno. */
static int connect_to(const struct stream_sys *sys, const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};

    memcpy(to.sun_path, path, strlen(path));
    int fd = sys->socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (sys->connect(fd, (const struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    int err = -errno;
    sys->close(fd);
    return err;
}

int stream_open(const struct stream_config *config, struct dev **out)
{
    const struct stream_sys *sys = config->sys ? config->sys : &system_calls;
    size_t path_len = strlen(config->path);

    if (path_len == 0 || path_len > STREAM_PATH_MAX)
        return -EINVAL;
    struct stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return -ENOMEM;
    int fd = connect_to(sys, config->path);
    if (fd < 0) {
        free(stream);
        return fd;
    }
    stream->dev.ops = &stream_ops;
    stream->dev.mtu = config->mtu;
    stream->dev.unpadded = true;
    snprintf(stream->dev.name, sizeof stream->dev.name, "stream");
    stream->sys = sys;
    stream->fd = fd;
    *out = &stream->dev;
    return 0;
}

/* --- in words ----------------------------------------------------------------------------- */

const char *stream_explain(int err, const char *path, char *out, size_t room)
{
    struct stat there;

    switch (-err) {
    case ENOENT:
        snprintf(out, room,
                 "%s: there is no such socket; first start what listens there, such as 'passt "
                 "--socket %s'",
                 path, path);
        break;
    case ECONNREFUSED: /* Linux says so of a plain file, too */
        if (stat(path, &there) == 0 && !S_ISSOCK(there.st_mode))
            snprintf(out, room,
                     "%s: this is no socket; name one that somebody listens on with --dev "
                     "stream:PATH",
                     path);
        else
            snprintf(out, room,
                     "%s: nobody listens there; what made it has ended, so start it again", path);
        break;
    case EACCES:
    case EPERM:
        snprintf(out, room,
                 "%s: no permission to connect; run as the user who made the socket, or let that "
                 "user allow writing to it",
                 path);
        break;
    case EPROTOTYPE:
        snprintf(out, room,
                 "%s: a socket, but not a stream; with QEMU it is -netdev stream, not dgram", path);
        break;
    case EAGAIN:
        snprintf(out, room, "%s: too many wait there already; end another, or try again later",
                 path);
        break;
    case EINVAL:
        snprintf(out, room, "%s: the path of a socket has 1 to %d octets; give a shorter one", path,
                 STREAM_PATH_MAX);
        break;
    default:
        snprintf(out, room, "%s: cannot connect: %s", path, strerror(-err));
        break;
    }
    return out;
}

const char *stream_explain_end(const struct dev *dev, const char *path, char *out, size_t room)
{
    assert(dev->ops == &stream_ops);
    const struct stream *stream = stream_of_const(dev);

    switch (stream->end) {
    case END_SENSELESS:
        snprintf(out, room,
                 "%s: a frame of %u octets was announced, which no frame has: the peer does not "
                 "speak frames with a length in front, as passt and QEMU's -netdev stream do",
                 path, stream->len);
        break;
    case END_ERROR:
        snprintf(out, room, "%s: %s", path, strerror(stream->end_errno));
        break;
    case END_NONE:
    case END_CLOSED:
        snprintf(out, room, "%s: the peer has closed the connection; start it again, and then this",
                 path);
        break;
    }
    return out;
}
