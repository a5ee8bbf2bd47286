/*
 * shim_exec.c - programs that the program starts.
 *
 * The shim comes along by LD_PRELOAD, and the new program gets a stack of its own when it first
 * asks for a socket. One that no library can get into would go to the kernel's network without a
 * word; it is refused as `tapio exec` refuses it, in one line, with EACCES. What the C library
 * starts from its inside (system(), popen()) is a shell, which has the shim again.
 */
#include "shim.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "exec_check.h"

bool shim_may_run(const char *path)
{
    int error = errno;
    const char *why = exec_refuses(path);

    if (why)
        shim_say("%s cannot be run on a stack of ours: %s", path, why);
    errno = error;
    return !why;
}

static bool may_run_file(const char *file)
{
    char path[EXEC_PATH];

    return !exec_find(file, path) || shim_may_run(path);
}

static int refused(void)
{
    errno = EACCES;
    return -1;
}

SHIM(int, execve, (const char *path, char *const argv[], char *const envp[]))
{
    return shim_may_run(path) ? real()->execve(path, argv, envp) : refused();
}

SHIM(int, execv, (const char *path, char *const argv[]))
{
    return shim_may_run(path) ? real()->execv(path, argv) : refused();
}

SHIM(int, execvp, (const char *file, char *const argv[]))
{
    return may_run_file(file) ? real()->execvp(file, argv) : refused();
}

SHIM(int, execvpe, (const char *file, char *const argv[], char *const envp[]))
{
    return may_run_file(file) ? real()->execvpe(file, argv, envp) : refused();
}

SHIM(int, posix_spawn,
     (pid_t * pid, const char *path, const posix_spawn_file_actions_t *actions,
      const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]))
{
    return shim_may_run(path) ? real()->posix_spawn(pid, path, actions, attributes, argv, envp)
                              : EACCES;
}

SHIM(int, posix_spawnp,
     (pid_t * pid, const char *file, const posix_spawn_file_actions_t *actions,
      const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]))
{
    return may_run_file(file) ? real()->posix_spawnp(pid, file, actions, attributes, argv, envp)
                              : EACCES;
}

/* --- arguments one by one ------------------------------------------------------------------- */

/* No memory is asked for: a child of fork() may be here. */
enum { WORDS_MOST = 4096 };

/* What follows `first`, its NULL included. False when there is more than anybody writes out. */
static bool collect(char *argv[WORDS_MOST], const char *first, va_list words)
{
    size_t count = 1;

    memcpy(argv, &first, sizeof first); /* exec() does not change what its type says it may */
    while (count < WORDS_MOST && (argv[count] = va_arg(words, char *)))
        count++;
    errno = E2BIG;
    return count < WORDS_MOST;
}

SHIM(int, execl, (const char *path, const char *first, ...))
{
    char *argv[WORDS_MOST];
    va_list words;

    va_start(words, first);
    bool fits = collect(argv, first, words);
    va_end(words);
    return fits ? shim_execv(path, argv) : -1;
}

SHIM(int, execlp, (const char *file, const char *first, ...))
{
    char *argv[WORDS_MOST];
    va_list words;

    va_start(words, first);
    bool fits = collect(argv, first, words);
    va_end(words);
    return fits ? shim_execvp(file, argv) : -1;
}

SHIM(int, execle, (const char *path, const char *first, ...))
{
    char *argv[WORDS_MOST], *const *envp = NULL;
    va_list words;

    va_start(words, first);
    bool fits = collect(argv, first, words);
    if (fits)
        envp = va_arg(words, char *const *);
    va_end(words);
    return fits ? shim_execve(path, argv, envp) : -1;
}
