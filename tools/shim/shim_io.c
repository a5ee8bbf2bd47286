/*
 * shim_io.c - octets.
 *
 * The fortified twins check what the compiler knew of the buffer; for a socket of ours that check
 * is made here, by ending the program as the C library does.
 *
 * sendfile() has no shorter way into our stack than through a buffer; the file's position moves by
 * what the socket took. splice() is refused, as it is between things that cannot: programs fall
 * back to read() and write().
 */
#include "shim.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { PIECE = 65536 };

static void fits(size_t len, size_t room)
{
    if (len > room) {
        shim_say("a buffer of %zu octets was to receive %zu: the program is wrong, and is ended",
                 room, len);
        abort();
    }
}

/* --- in ------------------------------------------------------------------------------------- */

SHIM(ssize_t, read, (int fd, void *octets, size_t len))
{
    return shim_is_socket(fd) ? shim_told(tapio_read(fd, octets, len))
                              : real()->read(fd, octets, len);
}

SHIM(ssize_t, __read_chk, (int fd, void *octets, size_t len, size_t room))
{
    if (!shim_is_socket(fd))
        return real()->__read_chk(fd, octets, len, room);
    fits(len, room);
    return shim_told(tapio_read(fd, octets, len));
}

SHIM(ssize_t, readv, (int fd, const struct iovec *iov, int iovcnt))
{
    return shim_is_socket(fd) ? shim_told(tapio_readv(fd, iov, iovcnt))
                              : real()->readv(fd, iov, iovcnt);
}

SHIM(ssize_t, recv, (int fd, void *octets, size_t len, int flags))
{
    return shim_is_socket(fd) ? shim_told(tapio_recv(fd, octets, len, flags))
                              : real()->recv(fd, octets, len, flags);
}

SHIM(ssize_t, __recv_chk, (int fd, void *octets, size_t len, size_t room, int flags))
{
    if (!shim_is_socket(fd))
        return real()->__recv_chk(fd, octets, len, room, flags);
    fits(len, room);
    return shim_told(tapio_recv(fd, octets, len, flags));
}

SHIM(ssize_t, recvfrom,
     (int fd, void *octets, size_t len, int flags, struct sockaddr *from, socklen_t *from_len))
{
    return shim_is_socket(fd) ? shim_told(tapio_recvfrom(fd, octets, len, flags, from, from_len))
                              : real()->recvfrom(fd, octets, len, flags, from, from_len);
}

SHIM(ssize_t, __recvfrom_chk,
     (int fd, void *octets, size_t len, size_t room, int flags, struct sockaddr *from,
      socklen_t *from_len))
{
    if (!shim_is_socket(fd))
        return real()->__recvfrom_chk(fd, octets, len, room, flags, from, from_len);
    fits(len, room);
    return shim_told(tapio_recvfrom(fd, octets, len, flags, from, from_len));
}

SHIM(ssize_t, recvmsg, (int fd, struct msghdr *msg, int flags))
{
    return shim_is_socket(fd) ? shim_told(tapio_recvmsg(fd, msg, flags))
                              : real()->recvmsg(fd, msg, flags);
}

/* The kernel looks at the time only between two datagrams, and so do we: not at all after the
 * first, for the others are taken without waiting. */
SHIM(int, recvmmsg,
     (int fd, struct mmsghdr *msgs, unsigned count, int flags, struct timespec *timeout))
{
    unsigned done = 0;

    if (!shim_is_socket(fd))
        return real()->recvmmsg(fd, msgs, count, flags, timeout);
    for (; done < count; done++) {
        ssize_t n = tapio_recvmsg(fd, &msgs[done].msg_hdr, flags & ~MSG_WAITFORONE);
        if (n < 0)
            break;
        msgs[done].msg_len = (unsigned)n;
        if (flags & MSG_WAITFORONE)
            flags |= MSG_DONTWAIT;
    }
    return done > 0 || count == 0 ? (int)done : (int)shim_told(-1);
}

/* --- out ------------------------------------------------------------------------------------ */

SHIM(ssize_t, write, (int fd, const void *octets, size_t len))
{
    return shim_is_socket(fd) ? shim_told(tapio_write(fd, octets, len))
                              : real()->write(fd, octets, len);
}

SHIM(ssize_t, writev, (int fd, const struct iovec *iov, int iovcnt))
{
    return shim_is_socket(fd) ? shim_told(tapio_writev(fd, iov, iovcnt))
                              : real()->writev(fd, iov, iovcnt);
}

SHIM(ssize_t, send, (int fd, const void *octets, size_t len, int flags))
{
    return shim_is_socket(fd) ? shim_told(tapio_send(fd, octets, len, flags))
                              : real()->send(fd, octets, len, flags);
}

SHIM(ssize_t, sendmsg, (int fd, const struct msghdr *msg, int flags))
{
    if (!shim_is_socket(fd) || (msg && shim_goes_to_kernel(fd, msg->msg_name, msg->msg_namelen)))
        return real()->sendmsg(fd, msg, flags);
    return shim_told(tapio_sendmsg(fd, msg, flags));
}

SHIM(int, sendmmsg, (int fd, struct mmsghdr *msgs, unsigned count, int flags))
{
    unsigned done = 0;

    if (!shim_is_socket(fd))
        return real()->sendmmsg(fd, msgs, count, flags);
    for (; done < count; done++) {
        ssize_t n = tapio_sendmsg(fd, &msgs[done].msg_hdr, flags);
        if (n < 0)
            break;
        msgs[done].msg_len = (unsigned)n;
    }
    return done > 0 || count == 0 ? (int)done : (int)shim_told(-1);
}

/* Moves a piece of the file; what was moved, 0 at its end, -1 with errno. */
static ssize_t move_piece(int out, int in, off_t at, size_t len)
{
    static _Thread_local char *piece; /* as long as the thread lives: 64 KB of its own */

    if (!piece && !(piece = malloc(PIECE))) {
        errno = ENOMEM;
        return -1;
    }
    ssize_t got = pread(in, piece, size_min(len, PIECE), at);
    return got > 0 ? tapio_write(out, piece, (size_t)got) : got;
}

static ssize_t send_file(int out, int in, off_t *offset, size_t count)
{
    off_t at = offset ? *offset : lseek(in, 0, SEEK_CUR);
    size_t done = 0;
    ssize_t n = 1;

    if (at < 0) {
        errno = EINVAL; /* no file that has a position */
        return -1;
    }
    while (done < count && n > 0) {
        n = move_piece(out, in, at, count - done);
        if (n > 0) {
            done += (size_t)n;
            at += n;
        }
    }
    int error = errno;
    if (offset)
        *offset = at;
    else
        lseek(in, at, SEEK_SET);
    errno = error;
    return done > 0 || n == 0 ? (ssize_t)done : shim_told(-1);
}

SHIM(ssize_t, sendfile, (int out, int in, off_t *offset, size_t count))
{
    if (shim_is_socket(in)) {
        errno = EINVAL;
        return -1;
    }
    return shim_is_socket(out) ? send_file(out, in, offset, count)
                               : real()->sendfile(out, in, offset, count);
}

SHIM(ssize_t, sendfile64, (int out, int in, off_t *offset, size_t count))
{
    return shim_sendfile(out, in, offset, count);
}

SHIM(ssize_t, splice, (int in, off_t *in_at, int out, off_t *out_at, size_t len, unsigned flags))
{
    if (shim_is_socket(in) || shim_is_socket(out)) {
        errno = EINVAL;
        return -1;
    }
    return real()->splice(in, in_at, out, out_at, len, flags);
}
