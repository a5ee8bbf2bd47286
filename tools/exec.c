/*
 * exec.c - `tapio exec`: an unmodified program on a stack of ours.
 *
 * The verb checks what it can, puts the options and the shim (tools/shim) into the environment and
 * becomes the program: the same process, so signals, job control and exit codes are the program's
 * own. The stack is made later, by the shim, when the first Internet socket is asked for.
 *
 * The shim lies beside this tool where it was built; installed, in lib/tapio beside bin/.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "exec_check.h"
#include "exec_verb.h"
#include "os/os_namespace.h"
#include "verbs.h"

#ifndef TAPIO_LIBDIR
#define TAPIO_LIBDIR "lib"
#endif
#define SHIM_NAME "libtapio-exec.so"

enum { OPTIONS_ROOM = 8192 };

/* --- where the shim is ---------------------------------------------------------------------- */

/* The folder that this tool is in, with a slash behind it; empty when nobody knows. */
static void find_own(char out[EXEC_PATH])
{
    ssize_t len = readlink("/proc/self/exe", out, EXEC_PATH - 1);

    out[len > 0 ? len : 0] = '\0';
    char *slash = strrchr(out, '/');
    if (slash)
        slash[1] = '\0';
}

static int find_shim(char out[EXEC_PATH], struct refusal *refusal)
{
    static const char *const places[] = {"", "../" TAPIO_LIBDIR "/tapio/"};
    char own[EXEC_PATH], path[2 * EXEC_PATH];

    find_own(own);
    for (size_t i = 0; i < ARRAY_LEN(places) && *own; i++) {
        snprintf(path, sizeof path, "%s%s" SHIM_NAME, own, places[i]);
        if (access(path, R_OK) == 0 && realpath(path, out))
            return 0;
    }
    return refuse(refusal, EXIT_FAILURE,
                  SHIM_NAME " is neither beside tapio nor in ../" TAPIO_LIBDIR
                            "/tapio: run scripts/build, or install tapio whole");
}

/* --- the environment ------------------------------------------------------------------------ */

/* The options as the shim will read them: words that have an EXEC_MARK in them cannot travel. */
static int pack_options(int argc, char **argv, char out[OPTIONS_ROOM], struct refusal *refusal)
{
    size_t used = 0;

    out[0] = '\0';
    for (int i = 1; i < argc; i++) {
        int n = snprintf(out + used, OPTIONS_ROOM - used, "%c%s", EXEC_MARK, argv[i]);
        if (strchr(argv[i], EXEC_MARK) || (size_t)n >= OPTIONS_ROOM - used || i >= EXEC_WORDS)
            return refuse(refusal, EXIT_USAGE, "the options are too long: %d octets are the most",
                          OPTIONS_ROOM);
        used += (size_t)n;
    }
    return 0;
}

static int set_environment(const char *shim, const char *options, struct refusal *refusal)
{
    const char *others = getenv("LD_PRELOAD");
    char preload[2 * EXEC_PATH];

    if (strpbrk(shim, " :"))
        return refuse(refusal, EXIT_FAILURE,
                      "%s: the dynamic linker takes no path with a space or a colon in it", shim);
    int n = snprintf(preload, sizeof preload, "%s%s%s", shim, others && *others ? ":" : "",
                     others ? others : "");
    if ((size_t)n >= sizeof preload || setenv("LD_PRELOAD", preload, 1) ||
        setenv(EXEC_OPTIONS, options, 1))
        return refuse(refusal, EXIT_FAILURE, "LD_PRELOAD: %s", strerror(ENOMEM));
    return 0;
}

static int enter_namespace(struct refusal *refusal)
{
    const char *doing;

    int err = os_namespace_enter(geteuid() != 0, &doing);
    if (!err)
        return 0;
    return refuse(refusal, err == -EPERM || err == -EACCES ? EXIT_PERMISSION : EXIT_FAILURE,
                  "--netns new: cannot %s: %s", doing, strerror(-err));
}

/* The tool ignores signals (os_signals_ignore()), and what is ignored stays so across exec(). */
static void restore_signals(void)
{
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
}

static int prepare(const struct exec_verb *verb, int argc, char **argv, int first,
                   struct refusal *refusal)
{
    char shim[EXEC_PATH], path[EXEC_PATH], options[OPTIONS_ROOM];

    if (!exec_find(argv[first], path))
        return refuse(refusal, EXIT_FAILURE, "%s: no such program in $PATH", argv[first]);
    const char *why = exec_refuses(path);
    if (why)
        return refuse(refusal, EXIT_FAILURE, "%s cannot be run on a stack of ours: %s", path, why);
    int status = find_shim(shim, refusal);
    if (!status)
        status = pack_options(strcmp(argv[first - 1], "--") == 0 ? first - 1 : first, argv, options,
                              refusal);
    if (!status && verb->netns)
        status = enter_namespace(refusal);
    (void)argc;
    return status ? status : set_environment(shim, options, refusal);
}

int verb_exec(int argc, char **argv)
{
    static struct exec_verb verb;
    struct refusal refusal;
    enum options_wish wish;
    int first;

    int status = exec_options_read(&verb, argc, argv, &wish, &first, &refusal);
    if (!status && options_grant(&exec_option_verb, wish))
        return EXIT_SUCCESS;
    if (!status)
        status = prepare(&verb, argc, argv, first, &refusal);
    if (status)
        return say_refusal(&refusal);
    restore_signals();
    execvp(argv[first], argv + first);
    say("%s: %s", argv[first], strerror(errno));
    return EXIT_FAILURE;
}
