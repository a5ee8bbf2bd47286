/*
 * shim_fd.c - descriptors: closed, duplicated, asked about.
 *
 * A number of the stack's that is closed is the kernel's again before src/posix gives it back:
 * another thread may get it at once for a file.
 *
 * Programs that close "all descriptors" (closefrom(), close_range(), a loop of close()) do not mean
 * those that they never opened: what we hold ourselves is hidden, and stays open.
 *
 * fdopen() makes a stream by fopencookie(), for the C library's own read() and write() inside stdio
 * are none that a shim could take. fileno() of such a stream is -1, and dprintf() on a socket of
 * ours fails.
 */
#include "shim.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

SHIM(int, close, (int fd))
{
    switch (shim_kind(fd)) {
    case SHIM_KERNEL:
        break;
    case SHIM_SOCKET:
        shim_set_kind(fd, SHIM_KERNEL);
        if (!shim_is_child())
            return tapio_close(fd);
        break; /* a child's copy of the number is the kernel's to close */
    case SHIM_SET:
        shim_set_forget(fd);
        break;
    case SHIM_HIDDEN:
        errno = EBADF;
        return -1;
    }
    return real()->close(fd);
}

SHIM(int, close_range, (unsigned first, unsigned last, int flags))
{
    int result = 0;

    if (flags || !shim_is_started())
        return real()->close_range ? real()->close_range(first, last, flags) : (errno = ENOSYS, -1);
    for (unsigned fd = first; fd <= last && fd < SHIM_FDS; fd++) {
        if (shim_kind((int)fd) == SHIM_HIDDEN || shim_kind((int)fd) == SHIM_KERNEL)
            continue;
        shim_close((int)fd);
    }
    /* the kernel's, in the stretches between those of ours that stay open */
    unsigned from = first;
    for (unsigned fd = first; fd <= last && fd < SHIM_FDS && result == 0; fd++)
        if (shim_kind((int)fd) == SHIM_HIDDEN) {
            if (fd > from)
                result = real()->close_range(from, fd - 1, 0);
            from = fd + 1;
        }
    return result || from > last ? result : real()->close_range(from, last, 0);
}

SHIM(void, closefrom, (int first))
{
    shim_close_range(first < 0 ? 0 : (unsigned)first, ~0u, 0);
}

/* --- several numbers for one -------------------------------------------------------------- */

/* What the number was, before it becomes another's. */
static void leave(int fd)
{
    if (shim_kind(fd) == SHIM_SET)
        shim_set_forget(fd);
    else if (shim_kind(fd) == SHIM_SOCKET)
        shim_close(fd);
}

SHIM(int, dup, (int fd))
{
    if (shim_is_socket(fd))
        return shim_adopt(tapio_dup(fd));
    int to = real()->dup(fd);
    shim_set_join(fd, to);
    return to;
}

static int dup_to(int fd, int to, int flags)
{
    if (shim_kind(to) == SHIM_HIDDEN) {
        errno = EBUSY; /* what dup2() says of a number that is just being opened */
        return -1;
    }
    if (shim_is_socket(fd)) {
        if (shim_kind(to) == SHIM_SET)
            shim_set_forget(to);
        return shim_adopt(tapio_dup3(fd, to, flags));
    }
    if (real()->fcntl(fd, F_GETFD, NULL) < 0)
        return -1;
    leave(to);
    int result = real()->dup3(fd, to, flags);
    if (result >= 0)
        shim_set_join(fd, to);
    return result;
}

SHIM(int, dup2, (int fd, int to))
{
    if (fd == to)
        return real()->dup2(fd, to);
    return dup_to(fd, to, 0);
}

SHIM(int, dup3, (int fd, int to, int flags))
{
    if (fd == to)
        return real()->dup3(fd, to, flags);
    return dup_to(fd, to, flags);
}

/* --- what is asked and set ---------------------------------------------------------------- */

static int control(int fd, int command, void *argument)
{
    bool duplicates = command == F_DUPFD || command == F_DUPFD_CLOEXEC;

    if (shim_is_socket(fd)) {
        int result = tapio_fcntl(fd, command, (int)(intptr_t)argument);
        return duplicates ? shim_adopt(result) : (int)shim_told(result);
    }
    int result = real()->fcntl(fd, command, argument);
    if (duplicates)
        shim_set_join(fd, result);
    return result;
}

SHIM(int, fcntl, (int fd, int command, ...))
{
    va_list arguments;

    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    return control(fd, command, argument);
}

SHIM(int, fcntl64, (int fd, int command, ...))
{
    va_list arguments;

    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    return control(fd, command, argument);
}

SHIM(int, ioctl, (int fd, unsigned long request, ...))
{
    va_list arguments;

    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    return shim_is_socket(fd) ? (int)shim_told(tapio_ioctl(fd, request, argument))
                              : real()->ioctl(fd, request, argument);
}

/* --- streams ------------------------------------------------------------------------------ */

static ssize_t stream_read(void *cookie, char *octets, size_t len)
{
    return shim_told(tapio_read((int)(intptr_t)cookie, octets, len));
}

static ssize_t stream_write(void *cookie, const char *octets, size_t len)
{
    ssize_t n = shim_told(tapio_write((int)(intptr_t)cookie, octets, len));

    return n < 0 ? 0 : n; /* how a cookie says that it failed */
}

static int stream_close(void *cookie)
{
    return shim_close((int)(intptr_t)cookie);
}

SHIM(FILE *, fdopen, (int fd, const char *mode))
{
    cookie_io_functions_t calls = {
        .read = stream_read, .write = stream_write, .close = stream_close};

    if (!shim_is_socket(fd))
        return real()->fdopen(fd, mode);
    return fopencookie((void *)(intptr_t)fd, mode, calls);
}
