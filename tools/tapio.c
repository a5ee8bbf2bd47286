/*
 * tapio.c - the tool: finds the verb and lets it run.
 *
 * One table holds every verb that the tool will ever have. Those without a function are promised
 * but not there yet; they say so, so that a script can tell "later" (1) from "no such thing" (2).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "os/os_signals.h"
#include "talk.h"
#include "verbs.h"

struct verb {
    const char *name;
    const char *help;
    int (*run)(int argc, char **argv); /* NULL: not built in yet */
};

/* clang-format off */
static const struct verb verbs[] = {
    {"serve",   "serve files over HTTP on an address of our own",           verb_serve},
    {"get",     "fetch a URL, explaining each step",                        verb_get},
    {"ping",    "ask a host whether it is there",                           verb_ping},
    {"dig",     "ask for a name",                                           verb_dig},
    {"exec",    "run an unmodified program on the stack",                   verb_exec},
    {"ss",      "the connections of a running stack",                       verb_ss},
    {"why",     "why it was dropped, reset, stalled or sent again",         verb_why},
    {"top",     "watch a running stack: connections, states, segments, cwnd",   verb_top},
    {"capture", "record the packets of a running stack",                    verb_capture},
    {"explain", "each packet of a capture: its fields, and what it does",   verb_explain},
    {"drill",   "run packetdrill scripts in virtual time",                  verb_drill},
    {"sim",     "two stacks and a bad wire in virtual time",                verb_sim},
    {"wire",    "join two devices by a bad wire",                           verb_wire},
    {"lab",     "guided experiments",                                       verb_lab},
    {"doctor",  "what is missing on this machine, and the exact fix",       verb_doctor},
};
/* clang-format on */

static void print_usage(FILE *out)
{
    fprintf(out, "usage: tapio VERB [options]\n"
                 "       tapio VERB --help | --help | --version\n\n"
                 "A TCP/IP stack in userspace that explains itself. Verbs:\n");
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        fprintf(out, "  %-8s  %s%s\n", verbs[i].name, verbs[i].help,
                verbs[i].run ? "" : " (not built in yet)");
}

/* Whoever starts us with a standard descriptor closed would find the device under its number, and
 * our talk on the wire. */
static void hold_standard_descriptors(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

/* What was printed but cannot be delivered is a failure, too. */
static int finish_stdout(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    if (errno != EPIPE) /* who closes the pipe knows */
        say("cannot write to standard output: %s", strerror(errno));
    return status ? status : EXIT_FAILURE;
}

static int not_yet(const char *name)
{
    fprintf(stderr, "tapio %s: not built in yet\n", name);
    return EXIT_FAILURE;
}

static int unknown_verb(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        if (word_is_near(name, verbs[i].name)) {
            say("no verb '%s'; did you mean '%s'?", name, verbs[i].name);
            return EXIT_USAGE;
        }
    say("no verb '%s'; 'tapio --help' lists them", name);
    return EXIT_USAGE;
}

/* `tapio help VERB` is `tapio VERB --help`. */
static int help(int argc, char **argv)
{
    char option[] = "--help";

    if (argc < 3) {
        print_usage(stdout);
        return EXIT_SUCCESS;
    }
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        if (strcmp(argv[2], verbs[i].name) == 0 && verbs[i].run)
            return verbs[i].run(2, (char *[]){argv[2], option, NULL});
        else if (strcmp(argv[2], verbs[i].name) == 0)
            return not_yet(argv[2]);
    return unknown_verb(argv[2]);
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return EXIT_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0)
        return help(argc, argv);
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        printf("tapio %s\n", TAPIO_VERSION);
        return EXIT_SUCCESS;
    }
    if (name[0] == '-') {
        say("%s: no such option; 'tapio --help' says what there is", name);
        return EXIT_USAGE;
    }
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        if (strcmp(name, verbs[i].name) != 0)
            continue;
        if (verbs[i].run)
            return verbs[i].run(argc - 1, argv + 1);
        return not_yet(name);
    }
    return unknown_verb(name);
}

int main(int argc, char **argv)
{
    hold_standard_descriptors();
    os_signals_ignore();
    return finish_stdout(run(argc, argv));
}
