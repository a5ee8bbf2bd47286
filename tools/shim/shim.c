/*
 * shim.c - what stands for what, the C library's own functions, and fork.
 *
 * The functions are looked for when the first is needed: constructors of other libraries may run
 * before ours, and call read(). Looking twice is no harm, so there is no lock.
 *
 * Fork. The stack is threads and memory of one process. Its child has a copy of the numbers and
 * nothing behind them, so each call says EPERM there, and the first one says why on stderr. It
 * never becomes a call on the kernel's socket that holds the number. What the child does have are
 * our descriptors, the TAP among them, and it would keep the interface alive; they are closed
 * before fork() returns. A child that begins with exec() has nothing to do with any of this: the
 * numbers are close-on-exec, and the new program has a stack of its own when it first asks. vfork()
 * is fork(): its child would close the parent's sockets in the parent's memory.
 */
#include "shim.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Atomic(unsigned char) shim_kinds[SHIM_FDS];
const struct shim_real *shim_real;

static atomic_bool orphan, orphan_told;

const struct shim_real *shim_resolve(void)
{
    static struct shim_real table;
    int error = errno;

#define CALL(result, name, parameters, arguments)                                                  \
    *(void **)(void *)&table.name = dlsym(RTLD_NEXT, #name);
#include "calls.h"
#undef CALL
    errno = error;
    shim_real = &table;
    return &table;
}

/* The stack's own calls, and ours by the C library's names. */
#define CALL(result, name, parameters, arguments)                                                  \
    result __wrap_##name parameters;                                                               \
    result __wrap_##name parameters                                                                \
    {                                                                                              \
        return real()->name arguments;                                                             \
    }
#include "calls.h"
#undef CALL

void shim_say(const char *format, ...)
{
    char line[500] = "tapio: ";
    size_t used = strlen(line);
    int error = errno;
    va_list arguments;

    va_start(arguments, format);
    int len = vsnprintf(line + used, sizeof line - used - 1, format, arguments);
    va_end(arguments);
    if (len < 0)
        return;
    used = size_min(used + (size_t)len, sizeof line - 2);
    line[used++] = '\n';
    ssize_t n = real()->write(STDERR_FILENO, line, used);
    (void)n; /* who closed it does not want to know */
    errno = error;
}

bool shim_is_child(void)
{
    return atomic_load_explicit(&orphan, memory_order_relaxed);
}

bool shim_is_orphan(void)
{
    if (!shim_is_child())
        return false;
    if (!atomic_exchange(&orphan_told, true))
        shim_say("process %d was forked by a program with sockets on our stack, which stay with "
                 "their process: only an exec'd child has a network; let the program run in one "
                 "process",
                 (int)getpid());
    errno = EPERM;
    return true;
}

ssize_t shim_told(ssize_t result)
{
    if (__builtin_expect(result < 0 && errno == EPERM, 0))
        shim_is_orphan(); /* which sets errno to what it is already */
    return result;
}

static void in_child(void)
{
    if (!shim_is_started())
        return;
    atomic_store(&orphan, true);
    for (int fd = 0; fd < SHIM_FDS; fd++)
        if (shim_kind(fd) == SHIM_HIDDEN) {
            real()->close(fd);
            shim_set_kind(fd, SHIM_KERNEL);
        }
}

SHIM(pid_t, vfork, (void))
{
    return fork();
}

static __attribute__((constructor)) void begin(void)
{
    shim_resolve();
    pthread_atfork(NULL, NULL, in_child);
}
