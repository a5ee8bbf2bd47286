/*
 * exec_verb.h - the command line of `tapio exec`, which is read twice: by the verb, to say at once
 * what is wrong with it, and by the shim in the program, to make a stack of it.
 */
#ifndef TAPIO_TOOLS_EXEC_VERB_H
#define TAPIO_TOOLS_EXEC_VERB_H

#include "options.h"

/* The environment variable that the options travel in, each behind an EXEC_MARK. */
#define EXEC_OPTIONS "TAPIO_EXEC"
#define EXEC_MARK    '\x1f'

enum { EXEC_WORDS = 256 };

struct exec_verb {
    struct options options;
    bool netns; /* --netns new */
};

/* argv[0] is the verb; *first is the index of the program's name. As options_read(). */
TAPIO_NODISCARD int exec_options_read(struct exec_verb *verb, int argc, char **argv,
                                      enum options_wish *wish, int *first, struct refusal *refusal);
extern const struct option_verb exec_option_verb;

#endif
